"""The simulator against a plain event list, the checker, queueing theory and the single machine."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlab.agents import play, run_policy
from schedlab.agents.dynamic_job_shop import RULES, RulePolicy
from schedlab.agents.random_policy import RandomPolicy
from schedlab.agents.single_machine import RULES as SINGLE_MACHINE_RULES
from schedlab.agents.single_machine import RulePolicy as SingleMachineRulePolicy
from schedlab.envs.dynamic_job_shop import (
    OBJECTIVES,
    PROBLEM,
    DynamicJobShopConfig,
    DynamicJobShopInstance,
    DynamicJobShopSimulator,
)
from schedlab.envs.dynamic_job_shop.check import check_run, completions
from schedlab.envs.dynamic_job_shop.simulate import sizes_of
from schedlab.envs.job_shop import JobShopInstance
from schedlab.envs.single_machine import PROBLEM as SINGLE_MACHINE
from schedlab.envs.single_machine import SingleMachineConfig, SingleMachineInstance

from .plain_simulation import simulate
from .strategies import runs

SHORT = DynamicJobShopConfig(warm_up_jobs=30, recorded_jobs=60, cool_down_jobs=20)


def drawn(config, count, seed=0):
    sample = PROBLEM.sampler(config)
    return [sample(np.random.default_rng(seed + k)) for k in range(count)]


def played(instance, rule, objective="mean-tardiness"):
    simulator = DynamicJobShopSimulator(sizes_of([instance]), 1, objective)
    run_policy(RulePolicy(RULES[rule]), simulator, [instance])
    return simulator


@pytest.mark.parametrize("objective", OBJECTIVES)
@settings(max_examples=60, deadline=None)
@given(instance=runs(), seed=st.integers(0, 2**20))
def test_rewards_sum_to_minus_the_objective_that_the_checker_finds(objective, instance, seed):
    simulator = DynamicJobShopSimulator(sizes_of([instance]), 1, objective)
    simulator.reset([instance])
    rng, total, before = np.random.default_rng(seed), 0.0, -1
    while not simulator.done[0]:
        assert simulator.now[0] >= before, "time does not run backwards"
        before = simulator.now[0]
        reward = simulator.step(np.array([rng.choice(np.flatnonzero(simulator.action_mask[0]))]))[0]
        assert reward <= 0, "what is late stays late"
        total += reward
    report = check_run(instance, simulator.solution(0), objective)
    assert report.feasible, report.violations
    assert report.objective == simulator.objective()[0]
    if objective.startswith("total"):
        assert -total == report.objective, "exactly"
    else:
        assert -total == pytest.approx(report.objective, abs=1e-12)


@settings(max_examples=80, deadline=None)
@given(instance=runs(breakdowns=False), seed=st.integers(0, 2**20))
def test_start_times_equal_those_of_a_plain_event_list(instance, seed):
    simulator = DynamicJobShopSimulator(sizes_of([instance]), 1)
    simulator.reset([instance])
    rng, taken = np.random.default_rng(seed), {}
    while not simulator.done[0]:
        place = int(rng.choice(np.flatnonzero(simulator.action_mask[0])))
        taken[int(simulator.now[0]), int(simulator.machine[0])] = place
        simulator.step(np.array([place]))
    start = simulate(instance, lambda now, machine, queue: taken.get((now, machine), 0))
    assert start == simulator.solution(0).start.tolist()


@pytest.mark.parametrize("breakdown_level", [0.0, 0.1])
@pytest.mark.parametrize("rule", ["fifo", "s-rpt-spt"])
def test_long_runs_pass_the_checker_and_their_utilisation_is_nominal(rule, breakdown_level):
    config = DynamicJobShopConfig(utilisation=0.8, breakdown_level=breakdown_level, recorded_jobs=6000)
    busy = []
    for instance in drawn(config, 4):
        simulator = played(instance, rule)
        assert check_run(instance, simulator.solution(0)).feasible
        arrived = instance.shop.release[7000]
        busy.append(instance.shop.duration[: instance.shop.first_operation[7000]].sum() / (10 * arrived))
    assert np.mean(busy) == pytest.approx(0.8, rel=0.01)


def test_machines_are_down_for_their_share_of_the_time():
    config = DynamicJobShopConfig(utilisation=0.8, breakdown_level=0.05, repair_time=5, recorded_jobs=20000)
    (instance,) = drawn(config, 1)
    until = int(instance.shop.release[-1])
    down = np.minimum(instance.down, until)
    assert (down[..., 1] - down[..., 0]).sum() / (10 * until) == pytest.approx(0.05, rel=0.1)
    used = instance.down[instance.down[..., 0] < until]
    assert (used[:, 1] - used[:, 0]).mean() == pytest.approx(5 * 25, rel=0.1)


def test_littles_law_holds():
    (instance,) = drawn(DynamicJobShopConfig(utilisation=0.8, warm_up_jobs=0, recorded_jobs=5000), 1)
    simulator = DynamicJobShopSimulator(sizes_of([instance]), 1)
    simulator.reset([instance])
    policy, area, last, present = RulePolicy(RULES["spt"]), 0.0, 0, 0
    while not simulator.done[0]:
        now = int(simulator.now[0])
        area += present * (now - last)
        last, present = now, int(simulator.present[0])
        simulator.step(policy.act(simulator))
    end = completions(instance, simulator.solution(0).start)[instance.shop.first_operation[1:] - 1]
    flow = (end - instance.shop.release)[:5000].mean()
    rate = 5000 / instance.shop.release[5000]
    assert area / last == pytest.approx(rate * flow, rel=0.02)


def test_one_machine_waits_as_pollaczek_and_khinchine_say():
    config = DynamicJobShopConfig(num_machines=1, utilisation=0.7, due_date_factor=1.0, recorded_jobs=20000)
    waits = [played(instance, "fifo").objective()[0] for instance in drawn(config, 8)]
    rate, square = 0.7 / 25, np.mean(np.arange(1, 50) ** 2)
    # with due dates at release + work, tardiness is waiting
    assert np.mean(waits) == pytest.approx(rate * square / (2 * (1 - 0.7)), rel=0.04)


@pytest.mark.parametrize("rule", ["spt", "edd", "mdd", "slack"])
def test_one_machine_with_all_jobs_at_time_0_is_the_single_machine(rule):
    sample = SINGLE_MACHINE.sampler(SingleMachineConfig(num_jobs=30))
    for seed in range(10):
        jobs = sample(np.random.default_rng(seed))
        # the single machine breaks ties by due date and processing time, this shop by arrival
        order = np.lexsort((jobs.processing, jobs.due))
        jobs = SingleMachineInstance.from_arrays(jobs.processing[order], jobs.due[order])
        shop = JobShopInstance.from_jobs([[(0, int(p))] for p in jobs.processing], due=jobs.due)
        simulator = played(DynamicJobShopInstance.from_shop(shop), rule, "total-tardiness")
        name = {"slack": "mst"}.get(rule, rule)
        expected = play(
            SingleMachineRulePolicy(SINGLE_MACHINE_RULES[name]), SINGLE_MACHINE, [jobs], SingleMachineConfig()
        )
        assert simulator.objective()[0] == expected.objective()[0]


def test_the_best_order_of_a_tiny_shop_is_reachable():
    shop = JobShopInstance.from_jobs([[(0, 5)], [(0, 2)], [(0, 3)], [(0, 4)]], due=[14, 3, 5, 9])
    instance = DynamicJobShopInstance.from_shop(shop)
    found = set()
    for places in itertools.product(range(4), range(3), range(2)):
        simulator = DynamicJobShopSimulator(sizes_of([instance]), 1, "total-tardiness")
        simulator.reset([instance])
        for place in places:
            simulator.step(np.array([place]))
        assert simulator.done[0], "the last job begins by itself"
        found.add(float(simulator.objective()[0]))
    expected = set()
    for order in itertools.permutations(range(4)):
        ends = np.cumsum(shop.duration[list(order)])
        expected.add(float(np.maximum(ends - shop.due[list(order)], 0).sum()))
    assert found == expected
    assert min(found) == 0


def test_a_batch_equals_each_run_alone():
    config = DynamicJobShopConfig(
        num_operations=[2, 8], warm_up_jobs=10, recorded_jobs=60, cool_down_jobs=20, breakdown_level=0.05
    )
    instances = drawn(config, 4)
    together = PROBLEM.simulator_for(instances, config)
    together.reset(instances)
    alone = [PROBLEM.simulator_for([instance], config) for instance in instances]
    for simulator, instance in zip(alone, instances, strict=True):
        simulator.reset([instance])
    rng = np.random.default_rng(0)
    while together.done_count < len(instances):
        state = together.observe()
        for row, simulator in enumerate(alone):
            np.testing.assert_array_equal(simulator.observe().features[0], state.features[row])
            np.testing.assert_array_equal(simulator.observe().context[0], state.context[row])
        action = np.array([rng.choice(np.flatnonzero(mask)) for mask in together.action_mask])
        rewards = together.step(action)
        for row, simulator in enumerate(alone):
            assert simulator.step(action[row : row + 1])[0] == rewards[row]
    for row, simulator in enumerate(alone):
        np.testing.assert_array_equal(simulator.solution(0).start, together.solution(row).start)


def test_steps_are_real_choices_after_the_first():
    instances = drawn(SHORT, 3)
    simulator = PROBLEM.simulator_for(instances, SHORT)
    simulator.reset(instances)
    simulator.step(np.zeros(3, np.int64))
    while simulator.done_count < 3:
        assert ((simulator.action_mask.sum(axis=1) >= 2) | simulator.done).all()
        simulator.step(np.zeros(3, np.int64))


def test_only_the_first_of_a_long_queue_may_be_chosen():
    shop = JobShopInstance.from_jobs([[(0, 1)]] * 6, due=[9] * 6)
    simulator = DynamicJobShopSimulator((6, 1, 6, 0), 1, queue_limit=3)
    simulator.reset([DynamicJobShopInstance.from_shop(shop)])
    assert simulator.action_mask[0].tolist() == [True] * 3
    assert simulator.queues()[1][0] == 3
    assert simulator.step(np.array([3]))[0] == 0
    assert simulator.illegal[0]


@pytest.mark.parametrize("protocol", ["steady", "transient"])
def test_jobs_that_have_not_arrived_do_not_show(protocol):
    config = DynamicJobShopConfig(
        num_machines=5, num_operations=[1, 3], warm_up_jobs=0, recorded_jobs=40, cool_down_jobs=0, horizon=300,
        protocol=protocol,
    )  # fmt: skip
    (instance,) = drawn(config, 1)
    known = 12
    (other,) = drawn(replace(config, max_processing=20), 1, seed=7)
    jobs = instance.shop.jobs()[:known] + other.shop.jobs()[known:20]
    release = [*instance.shop.release[:known], *(instance.shop.release[known - 1] + 1 + np.arange(20 - known))]
    shop = JobShopInstance.from_jobs(jobs, 5, release=release, due=[*instance.due[:known], *range(20 - known)])
    changed = DynamicJobShopInstance(shop, 0, 19, instance.down, instance.mean_processing, instance.mean_operations)
    simulators = [PROBLEM.simulator_for([one], config) for one in (instance, changed)]
    for simulator, one in zip(simulators, (instance, changed), strict=True):
        simulator.reset([one])
    steps = 0
    while simulators[0].now[0] <= instance.shop.release[known - 1]:
        parts = [{**s.observe().static(), **s.observe().dynamic()} for s in simulators]
        for key in parts[0]:
            np.testing.assert_array_equal(parts[0][key], parts[1][key])
        for simulator in simulators:
            simulator.step(np.zeros(1, np.int64))
        steps += 1
    assert steps > 2


def test_what_is_recorded_does_not_show():
    (instance,) = drawn(SHORT, 1)
    other = replace(instance, first_recorded=0, last_recorded=89)
    simulators = [PROBLEM.simulator_for([one], SHORT) for one in (instance, other)]
    for simulator, one in zip(simulators, (instance, other), strict=True):
        simulator.reset([one])
    while not simulators[0].done[0]:
        parts = [simulator.observe().dynamic() for simulator in simulators]
        for key in parts[0]:
            np.testing.assert_array_equal(parts[0][key], parts[1][key])
        for simulator in simulators:
            simulator.step(np.zeros(1, np.int64))


def test_features_are_bounded_and_a_seed_gives_the_same_run():
    config = DynamicJobShopConfig(
        weights="two-six-two", objective="mean-weighted-tardiness", breakdown_level=0.05, utilisation=[0.7, 0.94],
        warm_up_jobs=20, recorded_jobs=100, cool_down_jobs=10, arrivals="gamma", arrival_cv=2.0, due_dates="uniform",
    )  # fmt: skip
    values = []
    for _ in range(2):
        instances = drawn(config, 4, seed=9)
        simulator = play(RandomPolicy(), PROBLEM, instances, config, seed=1)
        values.append(simulator.objective())
        simulator.reset(instances)
        policy = RulePolicy(RULES["atc"])
        for _ in range(200):
            state = simulator.observe()
            for part in (state.features, state.context, state.nodes):
                assert np.isfinite(part).all()
                assert np.abs(part).max() <= 10
            simulator.step(policy.act(simulator))
    np.testing.assert_array_equal(*values)


def test_snapshots_return_to_where_they_were_taken():
    instances = drawn(SHORT, 2)
    simulator = PROBLEM.simulator_for(instances, SHORT)
    simulator.reset(instances)
    for _ in range(50):
        simulator.step(np.zeros(2, np.int64))
    snapshot, observed = simulator.snapshot(), simulator.observe().features.copy()
    simulator.reset(instances[::-1])
    simulator.restore(snapshot)
    np.testing.assert_array_equal(simulator.observe().features, observed)


def test_a_run_that_is_too_large_is_refused():
    (instance,) = drawn(SHORT, 1)
    simulator = DynamicJobShopSimulator((50, 10, 500, 0), 1)
    with pytest.raises(ValueError, match="does not fit into an environment made for 50 jobs"):
        simulator.reset([instance])


def test_fast_forwarding_is_cr_spt_until_so_many_jobs_have_arrived():
    config = DynamicJobShopConfig(warm_up_jobs=0, recorded_jobs=80, cool_down_jobs=0, utilisation=0.95)
    (instance,) = drawn(config, 1)
    whole = played(instance, "cr-spt")
    simulator = DynamicJobShopSimulator(sizes_of([instance]), 1, fast_forward_jobs=60)
    simulator.reset([instance])
    assert simulator.action_mask.sum() == 1, "the first decision is none, and takes what the others cost"
    total = simulator.play_forced()[0]
    assert (instance.shop.release <= simulator.now[0]).sum() >= 60
    policy = RulePolicy(RULES["cr-spt"])
    while not simulator.done[0]:
        total += simulator.step(policy.act(simulator))[0]
    np.testing.assert_array_equal(simulator.solution(0).start, whole.solution(0).start)
    assert -total == pytest.approx(whole.objective()[0])
    all_forward = DynamicJobShopSimulator(sizes_of([instance]), 1, fast_forward_jobs=81)
    all_forward.reset([instance])
    all_forward.play_forced()
    assert all_forward.done[0]
