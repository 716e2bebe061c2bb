"""Hypothesis strategies for small runs, and random legal play."""

import numpy as np
from hypothesis import strategies as st

from schedlab.agents.random_policy import random_legal_actions
from schedlab.envs.soc.application import Application
from schedlab.envs.soc.config import ACTIONS, OBJECTIVES, OFFERS, SocConfig
from schedlab.envs.soc.instance import QUEUE_ORDERS, ROUNDINGS, TRANSFERS, WARM_UPS, WHEN_FULL, SocInstance
from schedlab.envs.soc.platform import Kind, Platform
from schedlab.envs.soc.simulate import SocSimulator, sizes_of

RULES_OF_PLAY = {
    "action": st.sampled_from(ACTIONS),
    "offer": st.sampled_from(OFFERS),
    "defer": st.booleans(),
    "ready_limit": st.sampled_from([1, 3, 32]),
    "queue_order": st.sampled_from(QUEUE_ORDERS),
    "rounding": st.sampled_from(ROUNDINGS),
    "shortest_task": st.sampled_from([0, 0, 1, 3]),
    "transfers": st.sampled_from(TRANSFERS),
    "warm_up_counts": st.sampled_from(WARM_UPS),
    "completions_first": st.booleans(),
    "noise": st.sampled_from([0.0, 0.4]),
    "objective": st.sampled_from(OBJECTIVES),
}


@st.composite
def rules_of_play(draw):
    """Values of a configuration that say how the game is played."""
    values = {name: draw(values) for name, values in RULES_OF_PLAY.items()}
    if values["offer"] == "timely":
        values |= {"action": "pair", "defer": True}
    return values


@st.composite
def configs(draw, **fixed):
    """Random graphs on random platforms by either protocol, and any rules of play."""
    max_jobs = draw(st.integers(0, 3))
    length = draw(st.integers(1, 300))
    values = draw(rules_of_play()) | {
        "platform": "random",
        "applications": "random",
        "rate": draw(st.sampled_from([5.0, 50.0, 1000.0])),
        "max_jobs": max_jobs,
        "prefilled": draw(st.integers(0, max_jobs or 3)),
        "when_full": draw(st.sampled_from(WHEN_FULL)),
        "protocol": draw(st.sampled_from(["length", "jobs"])),
        "length": length,
        "warm_up": draw(st.integers(0, length - 1)),
        "num_jobs": draw(st.integers(1, 8)),
        "num_applications": draw(st.integers(1, 3)),
        "num_tasks": [1, 6],
        "num_pes": [1, 4],
        "support": draw(st.sampled_from([0.3, 1.0])),
    }
    return SocConfig(**values | fixed)


@st.composite
def platforms(draw, types):
    """Kinds with several PEs, several frequencies, power, tasks without duration; each type runs somewhere."""
    kinds = []
    homes = draw(st.lists(st.integers(0, 2), min_size=len(types), max_size=len(types)))
    count = draw(st.integers(1, 3))
    for number in range(count):
        execution = {
            name: draw(st.sampled_from([0, 1, 2, 3, 8]))
            for name, home in zip(types, homes, strict=True)
            if home % count == number or draw(st.booleans())
        }
        points = tuple(
            sorted({(float(f), 900.0 + f) for f in draw(st.lists(st.sampled_from([300, 700, 1000]), min_size=1))})
        )
        pes = draw(st.integers(1, 3))
        watts = tuple(sorted(draw(st.lists(st.floats(0, 5), min_size=pes, max_size=pes))))
        power = {points[-1][0]: watts} if draw(st.booleans()) else {}
        kinds.append(Kind(f"K{number}", pes, execution, points, power))
    widths = st.sampled_from([0.3, 1.0, 2.5, 10.0])
    bandwidth = np.ones((count, count))
    for one in range(count):
        for two in range(one, count):
            bandwidth[one, two] = bandwidth[two, one] = draw(widths)
    return Platform(
        "drawn", tuple(kinds), bandwidth, draw(st.sampled_from([2.0, np.inf])), draw(st.sampled_from([0.0, 0.7]))
    )


@st.composite
def applications(draw, name, types):
    """Any graph whose tasks are numbered in an order in which producers come first, or the reverse of one."""
    count = draw(st.integers(1, 5))
    pairs = [(source, target) for target in range(count) for source in range(target)]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    if draw(st.booleans()):
        edges = [(count - 1 - source, count - 1 - target) for source, target in edges]
    volume = draw(st.lists(st.sampled_from([0.0, 0.7, 3.0, 12.5]), min_size=len(edges), max_size=len(edges)))
    return Application(
        name,
        tuple(f"n{task}" for task in range(count)),
        tuple(draw(st.sampled_from(types)) for _ in range(count)),
        np.array(edges, np.int64).reshape(-1, 2),
        np.array(volume),
    )


@st.composite
def runs(draw):
    """A hand-made run, with tasks and gaps of length 0, and rules to play it by."""
    types = ["a", "b", "c"][: draw(st.integers(1, 3))]
    platform = draw(platforms(types))
    apps = tuple(draw(applications(f"app{number}", types)) for number in range(draw(st.integers(1, 2))))
    jobs = draw(st.integers(1, 7))
    max_jobs = draw(st.integers(0, 3))
    prefilled = draw(st.integers(0, min(jobs, max_jobs or jobs)))
    when_full = draw(st.sampled_from(WHEN_FULL))
    gap = draw(st.lists(st.integers(0, 6), min_size=jobs - prefilled, max_size=jobs - prefilled))
    if when_full == "retry" and prefilled < jobs:
        gap = gap[: draw(st.integers(1, len(gap)))]
        gap[-1] += 1
    length = draw(st.sampled_from([0, 0, 1, 20, 60]))
    config = SocConfig(dvfs=draw(st.sampled_from(["performance", "powersave"])), **draw(rules_of_play()))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    job_application = rng.integers(len(apps), size=jobs)
    tasks = sum(apps[number].num_tasks for number in job_application)
    instance = SocInstance(
        name="drawn",
        platform=platform,
        applications=apps,
        job_application=job_application,
        gap=np.array(gap, np.int64),
        prefilled=prefilled,
        max_jobs=max_jobs,
        when_full=when_full,
        length=length,
        warm_up=draw(st.integers(0, max(length - 1, 0))),
        deviation=config.noise,
        physics=config.physics,
        noise=rng.standard_normal(tasks) if config.noise else np.zeros(0),
    )
    return instance, config


def played(instance, config, seed=0):
    """The simulator after random legal play to the end."""
    simulator = SocSimulator(sizes_of([instance]), 1, config)
    simulator.reset([instance])
    rng = np.random.default_rng(seed)
    while not simulator.done[0]:
        simulator.step(random_legal_actions(simulator.action_mask, rng))
    return simulator
