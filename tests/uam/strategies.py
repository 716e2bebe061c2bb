"""Hypothesis strategies for days, and random legal play in the simulator."""

import numpy as np
from hypothesis import strategies as st

from schedlab.agents.random_policy import random_legal_actions
from schedlab.envs.uam.simulate import UamSimulator, sizes_of

from .days import random_day

SEEDS = st.integers(0, 999)
KINDS = {
    "ports": st.integers(3, 6),
    "planes": st.integers(1, 7),
    "vertistops": st.integers(0, 2),
    "charging": st.sampled_from(["full", "waiting"]),
    "corridors": st.integers(0, 2),
    "parking": st.integers(1, 3),
    "chargers": st.integers(2, 3),
    "closure": st.sampled_from([0.0, 0.2, 0.7]),
    "failure": st.sampled_from([0.0, 0.5]),
    "battery": st.sampled_from([70.0, 110.0]),
    "wait": st.sampled_from([300, 900, 1234]),
    "slot": st.sampled_from([900, 1000]),
    "delay_spread": st.sampled_from([0.0, 60.0, 400.0]),
    "whole_fares": st.booleans(),
    "surge": st.sampled_from([0.0, 1.0]),
    "level": st.sampled_from([0.5, 3.0, 20.0]),
}


@st.composite
def days(draw, **fixed):
    """Crowded days on which everything happens."""
    values = {name: draw(values) for name, values in KINDS.items()} | fixed
    return random_day(draw(SEEDS), **values)


def started(*instances, show_all=False):
    """A simulator at the start of some days."""
    simulator = UamSimulator(sizes_of(instances), len(instances), show_all)
    simulator.reset(instances)
    return simulator


def random_actions(simulator, rng, wait=0.3):
    """A random legal action in every row; waiting, where a flight is legal too, as often as told."""
    mask, rows = simulator.action_mask.copy(), np.arange(simulator.batch_size)
    mask[rows, simulator.where] &= (mask.sum(axis=1) == 1) | (rng.random(len(rows)) < wait)
    flights = mask.copy()
    flights[rows, simulator.where] = False
    waits = mask[rows, simulator.where]
    return np.where(waits, simulator.where, random_legal_actions(np.where(waits[:, None], mask, flights), rng))


def rest_of(simulator, seed):
    """Random play to the end: the sum of rewards, profits, and all decisions."""
    rng, total = np.random.default_rng(seed), np.zeros(simulator.batch_size)
    while simulator.done_count < simulator.batch_size:
        total += simulator.step(random_actions(simulator, rng))
    rows = range(simulator.batch_size)
    return total.tolist(), simulator.objective().tolist(), [simulator.solution(row).legs.tolist() for row in rows]
