"""The simulator against plain enumeration, itself in other shapes, and DS3."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlab.agents.core import run_policy
from schedlab.agents.random_policy import random_legal_actions
from schedlab.agents.soc.rules import RULES, RulePolicy
from schedlab.envs.soc import state as s
from schedlab.envs.soc.catalog import applications, home_of
from schedlab.envs.soc.check import check_run
from schedlab.envs.soc.config import SocConfig
from schedlab.envs.soc.generate import random_instance
from schedlab.envs.soc.instance import Physics, jobs_at_once
from schedlab.envs.soc.simulate import SocSimulator, sizes_of

from .enumerate_schedules import best_mean_latency
from .scenes import graph, platform_of, started
from .strategies import played, runs

# --- the best schedule is reachable


def least_reachable(simulator):
    """The least objective over all sequences of legal actions."""
    if simulator.done[0]:
        return float(simulator.objective()[0])
    best, here = np.inf, simulator.snapshot()
    for action in np.flatnonzero(here.arrays["flag"][0, s.LEGAL :]):
        simulator.restore(here)
        simulator.step(np.array([action]))
        assert not simulator.illegal[0]
        best = min(best, least_reachable(simulator))
    return best


def tiny(seed):
    """Four tasks, as one job or two, on two or three PEs; some do not run everywhere."""
    rng = np.random.default_rng(seed)
    pes = int(rng.integers(2, 4))
    sizes = [4] if rng.random() < 0.6 else [2, 2]
    apps, tables = [], [{} for _ in range(pes)]
    for number, size in enumerate(sizes):
        times = rng.integers(0, 10, (size, pes))
        times[:, 1:][rng.random((size, pes - 1)) < 0.15] = -1
        pairs = [(source, target) for target in range(size) for source in range(target) if rng.random() < 0.6]
        application, columns = graph("abc"[number], times.tolist(), [(*pair, rng.integers(0, 9)) for pair in pairs])
        apps.append(application)
        for table, column in zip(tables, columns, strict=True):
            table.update(column)
    return jobs_at_once("tiny", platform_of(*tables, same_pe=float(rng.choice([2.0, np.inf]))), tuple(apps))


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("offer", ["every", "distinct", "timely"])
def test_the_best_schedule_is_reached_and_none_is_better(seed, offer):
    instance = tiny(seed)
    assert least_reachable(started(instance, SocConfig(offer=offer))) == best_mean_latency(instance)


def test_some_optima_need_a_task_to_be_left_for_later():
    # what is ready at 0 would keep P0 busy when the short task gets there at 1
    long, first = graph("l", [[10, -1]], [])
    short, second = graph("s", [[-1, 1], [1, -1]], [(0, 1, 0)])
    tables = [one | two for one, two in zip(first, second, strict=True)]
    instance = jobs_at_once("wait", platform_of(*tables), (long, short))
    assert best_mean_latency(instance) == (12 + 2) / 2
    assert least_reachable(started(instance, SocConfig())) == (12 + 2) / 2
    assert least_reachable(started(instance, SocConfig(defer=False))) == (10 + 11) / 2


def test_interchangeable_tasks_need_no_choice():
    application, tables = graph(
        "f", [[2, 3], [4, 5], [4, 5], [4, 5], [1, 1]], [(0, k, 3) for k in (1, 2, 3)] + [(k, 4, 2) for k in (1, 2, 3)]
    )
    instance = jobs_at_once("twins", platform_of(*tables), (application,))
    every, distinct = (started(instance, SocConfig(offer=offer)) for offer in ("every", "distinct"))
    for simulator in (every, distinct):
        simulator.step(np.array([0]))
    assert [int(simulator.action_mask[0].sum()) for simulator in (every, distinct)] == [6, 2]
    assert least_reachable(every) == least_reachable(distinct) == best_mean_latency(instance)


# --- shapes of the simulator


def drawn(count, **values):
    config = SocConfig(
        platform="random", applications="random", num_tasks=[2, 8], num_pes=[1, 4], rate=30.0, length=600,
        warm_up=100, max_jobs=4, noise=0.2, **values,
    )  # fmt: skip
    return config, [random_instance(config, np.random.default_rng(seed)) for seed in range(count)]


@pytest.mark.parametrize(
    ("action", "offer"), [("pair", "every"), ("pair", "distinct"), ("task-then-pe", "every"), ("task", "every")]
)
def test_a_batch_equals_each_run_alone(action, offer):
    config, instances = drawn(4, action=action, offer=offer)
    sizes = sizes_of(instances)
    together = SocSimulator(sizes, 4, config)
    together.reset(instances)
    alone = [SocSimulator(sizes, 1, config) for _ in instances]
    for simulator, instance in zip(alone, instances, strict=True):
        simulator.reset([instance])
    rng = np.random.default_rng(0)
    while together.done_count < 4:
        for row, simulator in enumerate(alone):
            np.testing.assert_array_equal(simulator.action_mask[0], together.action_mask[row])
        action = random_legal_actions(together.action_mask, rng)
        rewards = together.step(action)
        for row, simulator in enumerate(alone):
            assert simulator.step(action[row : row + 1])[0] == rewards[row]
    for row, simulator in enumerate(alone):
        assert simulator.objective()[0] == together.objective()[row]
        assert simulator.solution(0).to_json() == together.solution(row).to_json()


def test_a_larger_simulator_plays_the_same():
    config, (instance,) = drawn(1, action="task")
    small = played(instance, config, seed=3)
    jobs, tasks, nodes, edges, pes, kinds, gaps, largest = sizes_of([instance])
    large = SocSimulator(
        (jobs + 3, tasks + 9, nodes + 2, edges + 4, pes + 1, kinds + 2, gaps + 5, largest + 1), 1, config
    )
    large.reset([instance])
    rng = np.random.default_rng(3)
    while not large.done[0]:
        large.step(random_legal_actions(large.action_mask, rng))
    assert large.objective()[0] == small.objective()[0]
    assert large.solution(0).to_json() == small.solution(0).to_json()


def test_a_seed_gives_the_same_run_and_a_simulator_can_be_used_again():
    config, (first, second) = drawn(2)
    assert played(first, config, seed=5).solution(0).to_json() == played(first, config, seed=5).solution(0).to_json()
    simulator = SocSimulator(sizes_of([first, second]), 1, config)
    for instance in (second, first):
        simulator.reset([instance])
        rng = np.random.default_rng(5)
        while not simulator.done[0]:
            simulator.step(random_legal_actions(simulator.action_mask, rng))
    expected = SocSimulator(sizes_of([first, second]), 1, config)
    expected.reset([first])
    rng = np.random.default_rng(5)
    while not expected.done[0]:
        expected.step(random_legal_actions(expected.action_mask, rng))
    assert simulator.solution(0).to_json() == expected.solution(0).to_json()


def test_a_pickled_episode_goes_on_as_the_original_does():
    config, instances = drawn(3)
    simulator = SocSimulator(sizes_of(instances), 3, config)
    simulator.reset(instances)
    rng = np.random.default_rng(0)
    for _ in range(25):
        simulator.step(random_legal_actions(simulator.action_mask, rng))
    copy = pickle.loads(pickle.dumps(simulator))
    while simulator.done_count < 3:
        np.testing.assert_array_equal(copy.action_mask, simulator.action_mask)
        action = random_legal_actions(simulator.action_mask, rng)
        np.testing.assert_array_equal(copy.step(action), simulator.step(action))
    for row in range(3):
        assert copy.solution(row).to_json() == simulator.solution(row).to_json()


@settings(max_examples=200, deadline=None)
@given(run=runs(), seed=st.integers(0, 2**20))
def test_rewards_sum_to_minus_the_objective(run, seed):
    instance, config = run
    simulator = started(instance, config)
    rng, total, before = np.random.default_rng(seed), 0.0, 0
    while not simulator.done[0]:
        assert simulator.action_mask.any()
        assert simulator.now[0] >= before, "time does not run backwards"
        before = simulator.now[0]
        total += simulator.step(random_legal_actions(simulator.action_mask, rng))[0]
    if simulator.steps[0]:
        assert -total == pytest.approx(simulator.objective()[0], rel=1e-9, abs=1e-9)


def test_an_illegal_action_changes_nothing():
    config, (instance,) = drawn(1)
    simulator = started(instance, config)
    before = simulator.snapshot()
    illegal = int(np.flatnonzero(~simulator.action_mask[0])[0])
    for action in (illegal, -1, simulator.action_mask.shape[1]):
        assert simulator.step(np.array([action]))[0] == 0
        assert simulator.illegal[0]
    simulator.illegal[:] = False
    for name, array in simulator.state_arrays().items():
        np.testing.assert_array_equal(array, before.arrays[name])
    with pytest.raises(ValueError, match="2 actions for 1 rows"):
        simulator.step(np.zeros(2, np.int64))


def test_a_run_that_is_too_large_is_refused():
    config, (instance,) = drawn(1)
    sizes = list(sizes_of([instance]))
    sizes[4] -= 1
    simulator = SocSimulator(tuple(sizes), 1, config)
    with pytest.raises(ValueError, match=r"PEs; this simulator was made for at most"):
        simulator.reset([instance])
    quiet = SocSimulator(sizes_of([instance]), 1, replace(config, noise=0.0))
    with pytest.raises(ValueError, match="has noise, but this simulator was made without"):
        quiet.reset([instance])


# --- what DS3 does with one job (see A8 of the notes that the data came with)


@pytest.mark.parametrize(
    ("name", "latency", "microjoules", "tolerance"),
    [
        ("wifi-tx", 71, 263.66, 2),
        ("wifi-rx", 301, 1454.3, 0),
        ("range-detection", 177, 290.22, 0),
        ("sc-tx", 56, 203.27, 0),
        ("sc-rx", 154, 548.03, 2),
        ("temporal-mitigation", 81, 148.02, 0),
    ],
)
def test_one_job_under_etf_takes_as_long_as_in_ds3(name, latency, microjoules, tolerance):
    ds3 = Physics(shortest_task=1, queue_order="job")
    instance = jobs_at_once(name, home_of(name), (applications()[name],), ds3)
    policy = RulePolicy(RULES["etf"])
    config = policy.configuration(SocConfig())
    simulator = SocSimulator(sizes_of([instance]), 1, config)
    run_policy(policy, simulator, [instance])
    report = check_run(instance, simulator.solution(0), config)
    assert report.objective == pytest.approx(latency, abs=tolerance)
    assert report.measures["energy_per_job"] == pytest.approx(microjoules, rel=0.04)


@pytest.mark.parametrize("rule", ["met", "stf", "eft", "etf"])
def test_the_canonical_graph_takes_80_as_in_ds3(rule):
    instance = jobs_at_once("canonical", home_of("canonical"), (applications()["canonical"],))
    policy = RulePolicy(RULES[rule])
    simulator = SocSimulator(sizes_of([instance]), 1, policy.configuration(SocConfig()))
    run_policy(policy, simulator, [instance])
    assert simulator.objective()[0] == 80
