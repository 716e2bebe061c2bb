"""What policies see, and what they must not."""

import numpy as np
import pytest

from schedlab.agents.random_policy import random_legal_actions
from schedlab.envs.blocking_job_shop import PROBLEM, BlockingInstance, Breakdowns, Terms
from schedlab.envs.blocking_job_shop import features as f
from schedlab.envs.blocking_job_shop import state as s
from schedlab.envs.blocking_job_shop.observe import CANDIDATE_FEATURES, CONTEXT_FEATURES, STATE_FEATURES
from schedlab.envs.core.graph import FEATURE_LIMIT
from schedlab.envs.job_shop import JobShopInstance

GRAPH = PROBLEM.configure({"show_graph": True})


def started(instances):
    simulator = PROBLEM.simulator_for(instances, GRAPH)
    simulator.reset(instances)
    return simulator


def parts(state, row):
    return {key: value[row].copy() for key, value in state.dynamic().items()}


def feature(state, action, name):
    return float(state.features[0, action, CANDIDATE_FEATURES.index(name)])


def act(simulator, action):
    simulator.step(np.array([action]))
    assert simulator.illegal_count == 0
    return simulator.observe()


def test_there_are_as_many_names_as_numbers():
    assert (len(CANDIDATE_FEATURES), len(CONTEXT_FEATURES), len(STATE_FEATURES)) == (f.FEATURES, f.CONTEXT, 9)
    assert len(set(CANDIDATE_FEATURES)) == f.FEATURES


@pytest.mark.parametrize("after_repair", ["resume", "restart", "finish"])
@pytest.mark.parametrize("swap", [True, False])
def test_two_lucks_with_the_same_past_look_the_same(swap, after_repair):
    """Fails if any number of the future leaks into observations: what is seen until histories part is equal."""
    config = PROBLEM.configure(
        {"num_jobs": 5, "num_machines": 4, "breakdown_probability": 0.002, "swap": swap, "after_repair": after_repair}
    )
    compared = 0
    for seed in range(30):
        first = PROBLEM.sampler(config)(np.random.default_rng(seed))
        simulator, rng = started([first, first.with_luck(first.luck // 2 + 1)]), np.random.default_rng(seed)
        while True:
            one, other = (parts(simulator.observe(), row) for row in (0, 1))
            # what has happened so far: the time, and the failures and repairs that were seen
            seen = [simulator.state.machine[row][:, [2, 3]].tolist() for row in (0, 1)]
            same_past = seen[0] == seen[1] and simulator.now[0] == simulator.now[1]
            if not same_past or simulator.done.any():
                break
            for key in one:
                np.testing.assert_array_equal(one[key], other[key])
            compared += 1
            action = random_legal_actions(simulator.action_mask[:1], rng)
            simulator.step(np.repeat(action, 2))
    assert compared > 100


def test_a_machine_that_is_down_looks_the_same_however_long_its_repair_takes():
    # job 0 is interrupted on machine 0, which job 1 wants after an operation that it could begin at once
    shop = JobShopInstance.from_jobs([[(0, 60)], [(1, 5), (0, 3)]])
    seen = {}
    for luck in range(200):
        simulator = started([BlockingInstance(shop, Terms(True, Breakdowns(0.1)), luck)])
        act(simulator, 0)
        while not simulator.state.machine[0, 0, s.IS_DOWN] and simulator.now[0] < 60:
            act(simulator, 2)
        if simulator.state.machine[0, 0, s.IS_DOWN] and not simulator.state.machine[0, 0, s.FAILURES]:
            assert simulator.action_mask[0].tolist() == [False, True, True]
            key = (int(simulator.now[0]), simulator.state.machine[0, :, s.IS_DOWN : s.DOWN_FROM].tobytes())
            until = int(simulator.state.machine[0, 0, s.DOWN_TO])
            seen.setdefault(key, []).append((until, parts(simulator.observe(), 0)))
    repeated = [group for group in seen.values() if len({until for until, _ in group}) > 1]
    assert len(repeated) > 5
    for group in repeated:
        for _, observation in group[1:]:
            for key, value in observation.items():
                np.testing.assert_array_equal(value, group[0][1][key])


def test_features_of_a_small_state_are_what_they_say():
    #  job 0 will block machine 0, for which job 2 waits, until job 1 is off machine 1
    shop = JobShopInstance.from_jobs([[(0, 2), (1, 4)], [(1, 6)], [(0, 4), (1, 4)]])
    simulator = started([BlockingInstance(shop)])
    unit = 1 / 4.0
    left = 14  # machine 1 has most work
    state = simulator.observe()
    assert simulator.action_mask[0].tolist() == [True, True, True, False]
    assert feature(state, 0, "duration") == 2 * unit
    assert feature(state, 0, "work") == pytest.approx(6 / left)
    assert feature(state, 0, "next_free") == 1
    assert feature(state, 0, "next_wait") == -2 * unit
    assert feature(state, 0, "rivals") == pytest.approx(1 / 3)
    assert feature(state, 0, "rivals_work") == pytest.approx(2 / left)
    assert feature(state, 0, "rivals_duration") == 2 * unit
    assert feature(state, 1, "is_last") == 1
    assert feature(state, 0, "behind_best") == pytest.approx(-2 / left)
    state = act(simulator, 1)
    assert feature(state, 0, "next_wait") == 4 * unit  # 6 until machine 1 is free, 2 of work
    assert feature(state, 0, "next_free") == feature(state, 0, "next_blocked") == 0
    assert feature(state, 0, "route_held") == 1
    assert feature(state, 0, "crowd") == pytest.approx(1 / 2)
    assert feature(state, 3, "is_wait") == 1
    assert feature(state, 3, "to_event") == 6 * unit
    state = act(simulator, 0)
    assert simulator.now[0] == 6
    assert simulator.action_mask[0].tolist() == [True, False, False, False]
    assert feature(state, 0, "is_inside") == 1
    assert feature(state, 0, "waited") == pytest.approx(np.log1p(4 * unit))
    assert feature(state, 0, "frees") == 0  # job 2 is outside
    assert state.context[0, CONTEXT_FEATURES.index("blocked")] == pytest.approx(1 / 2)


def test_jobs_behind_jobs_are_counted_and_circles_are_seen():
    #  job 1 on machine 1 waits for job 2 on machine 2; job 0 on machine 0 for job 1
    shop = JobShopInstance.from_jobs([[(0, 1), (1, 5)], [(1, 1), (2, 5)], [(2, 3), (3, 1)], [(3, 6), (0, 2)]])
    simulator = started([BlockingInstance(shop)])
    for job in (0, 1, 2):
        act(simulator, job)
    while simulator.now[0] < 3:
        state = act(simulator, 4)
    assert feature(state, 2, "frees") == pytest.approx(2 / 4)
    state = simulator.observe()
    assert feature(state, 3, "circle") == 1  # all of them wait for machine 3 in the end, and job 3 for machine 0
    assert feature(state, 3, "next_blocked") == 1
    assert feature(state, 2, "circle") == 0


def test_the_changing_graph_shows_who_holds_waits_and_competes():
    shop = JobShopInstance.from_jobs([[(0, 2), (1, 4)], [(1, 6)], [(0, 4), (1, 4)]])
    simulator = started([BlockingInstance(shop)])
    act(simulator, 1)
    act(simulator, 0)
    simulator.restore(simulator.snapshot())
    state = simulator.observe()  # at 6: job 1 has left, job 0 blocks machine 0 and could enter machine 1
    first_machine, first_job = 5, 7

    def pairs(name):
        edges = state.changing[name][0]
        return sorted(map(tuple, edges[:, edges[0] >= 0].T.tolist()))

    assert pairs("holds") == [(first_machine, first_job)]
    assert pairs("waits_for") == [(first_job, first_machine + 1), (first_job + 2, first_machine)]
    assert pairs("competes") == [(1, first_machine + 1), (3, first_machine), (4, first_machine + 1)]
    column = {name: index for index, name in enumerate(STATE_FEATURES)}
    nodes = state.node_state[0]
    assert nodes[0, column["blocked"]] == nodes[first_machine, column["blocked"]] == 1
    assert nodes[2, column["done"]] == nodes[first_job + 1, column["done"]] == 1
    assert nodes[[1, 3], column["next"]].tolist() == [1, 1]
    assert nodes[4, column["later"]] == 1


@pytest.mark.parametrize("swap", [True, False])
def test_features_stay_in_their_bounds_at_any_size(swap):
    config = PROBLEM.configure(
        {"num_jobs": [1, 9], "num_machines": [1, 6], "swap": swap, "breakdown_probability": [0, 0.1],
         "min_duration": 0, "max_duration": 40, "show_graph": True}
    )  # fmt: skip
    sample, rng = PROBLEM.sampler(config), np.random.default_rng(0)
    simulator = PROBLEM.simulator_for_config(config, 32)
    simulator.reset([sample(rng) for _ in range(32)])
    while simulator.done_count < 32:
        state = simulator.observe()
        for values in (state.features, state.context, state.node_state, state.nodes):
            assert np.isfinite(values).all()
            assert np.abs(values).max() <= FEATURE_LIMIT
        assert not state.features[state.action_mask == 0][:, 1:33].any()
        simulator.step(random_legal_actions(simulator.action_mask, rng))
