"""Hypothesis strategies for small clusters and configurations, and random legal play."""

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from schedlab.agents.random_policy import random_legal_actions
from schedlab.envs.vm.config import MIXES, TIGHT, VmConfig
from schedlab.envs.vm.generate import with_changes
from schedlab.envs.vm.instance import Fragment, Terms, VmInstance
from schedlab.envs.vm.simulate import VmSimulator, sizes_of

SIZES = st.sampled_from(
    [
        (Fragment(8),),
        (Fragment(4),),
        (Fragment(8, 2),),
        (Fragment(4, 1, 0.3), Fragment(8, 2)),
        (Fragment(8, 1, 0.7), Fragment(16, 2, 0.1), Fragment(2, 1, 3.0)),
    ]
)
GOALS = st.sampled_from([0.0, 0.0, 0.2, 0.5, 1.0])

VMS = st.tuples(
    st.sampled_from([2, 1, 2, 4, 4, 6, 8]),  # cores on each node
    st.sampled_from([4, 4, 0, 8, 16]),  # MB
    st.sampled_from([1, 1, 1, 2]),
    st.integers(0, 4),  # PM
    st.integers(0, 1),
    st.sampled_from([True, True, True, False]),
    st.sampled_from([-1, -1, -1, 0, 1]),  # group
    st.sampled_from([1, 1, 2, 3]),  # how many like it, unless it is in a group
)


@st.composite
def instances(draw, goals=True, delays=False, max_vms=14, sizes=SIZES):
    """Two to five PMs of any sizes, some without memory to spare, and VMs of all sorts wherever they fit."""
    pms = draw(st.integers(2, 5))
    nodes = st.lists(st.sampled_from([4, 8, 12, 16]), min_size=2 * pms, max_size=2 * pms)
    capacity = np.array(draw(nodes)).reshape(pms, 2)
    memory = capacity * 2 * draw(st.sampled_from([1, 2, 4]))
    rows = []
    for *row, copies in draw(st.lists(VMS, min_size=4, max_size=max_vms)):
        cpu, mb, count, pm, node, movable, group = row
        for _ in range(copies if group < 0 else 1):
            rows.append((cpu, mb, count, pm % pms, 0 if count == 2 else node, movable, group))
            if not _possible(rows, capacity, memory):
                rows.pop()
    columns = np.array(rows, np.int64).reshape(-1, 7).T.copy()
    goal = draw(st.none() | GOALS) if goals else None
    delay = 60.0 * draw(st.integers(0, 5)) if delays and goal is None else 0.0
    instance = VmInstance(
        "drawn", tuple(f"pm{pm}" for pm in range(pms)), capacity, memory, tuple(f"vm{vm}" for vm in range(len(rows))),
        ("any",) * len(rows), *columns[:5], movable=columns[5].astype(bool), group=columns[6],
        rack=np.zeros(pms, np.int64), terms=Terms(draw(st.integers(1, 6)), draw(sizes), goal, delay),
    )  # fmt: skip
    if delays:
        instance = with_changes(
            instance, VmConfig(arrivals_per_minute=3.0), np.random.default_rng(draw(st.integers(0, 9)))
        )
    return instance


def _possible(rows, capacity, memory):
    left, free = memory.copy(), capacity.copy()
    for cpu, mb, count, pm, node, _, _ in rows:
        span = slice(0, 2) if count == 2 else slice(node, node + 1)
        free[pm, span] -= cpu
        left[pm, span] -= mb
    grouped = [(group, pm) for *_, pm, _, _, group in rows if group >= 0]
    return (free >= 0).all() and (left >= 0).all() and len(set(grouped)) == len(grouped)


@st.composite
def configs(draw, **fixed):
    """Random clusters of a few PMs, by any recipe."""

    def share(low=0.0):
        return draw(st.sampled_from([low, 0.5, 1.0]))

    values = {
        "mix": draw(st.sampled_from(MIXES)),
        "num_pms": draw(st.sampled_from([1, 4, [2, 6]])),
        "utilisation": draw(st.sampled_from([0.0, 0.4, 0.8186, 0.95, [0.3, 0.9], 1.0])),
        "churn": draw(st.sampled_from([0, 0.5, 3.0, [0.1, 2.0]])),
        "tight": draw(st.sampled_from(TIGHT)),
        "tight_share": share(),
        "affinity": draw(st.integers(0, 3)),
        "affinity_share": share(),
        "immovable": share(),
        "arrivals_per_minute": draw(st.sampled_from([0.0, 9.0, 100.0])),
        "mnl": draw(st.sampled_from([1, 4, [2, 5]])),
    }
    return VmConfig(**values | fixed)


def checked_by(instance):
    """The configuration by which the checker judges plans of an instance."""
    goal = instance.terms.goal
    return VmConfig() if goal is None else VmConfig(objective="moves", goal=goal)


def started(instance, offer="every", show_all=False):
    """A simulator at the start of one cluster."""
    simulator = VmSimulator(sizes_of([instance]), 1, offer, show_all)
    simulator.reset([instance])
    return simulator


def random_step(simulator, rng, stop=0.1):
    """A random legal action in every row, seldom to stop; the actions and the rewards."""
    mask = simulator.action_mask.copy()
    mask[:, -1] &= (rng.random(len(mask)) < stop) | (mask[:, :-1].sum(axis=1) == 0)
    action = random_legal_actions(mask, rng)
    return action, simulator.step(action).copy()


def moved(instance, simulator, row=0):
    """The cluster as it is after the moves of a row."""
    host, node = instance.host.copy(), instance.node.copy()
    for vm, pm, target in simulator.solution(row).moves():
        host[vm], node[vm] = pm, target
    return replace(instance, host=host, node=node)
