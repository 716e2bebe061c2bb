"""The improvement environment: the play, its memory, and what a policy is shown of it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlab.agents.random_policy import random_legal_actions
from schedlab.envs.core import InputError
from schedlab.envs.job_shop import JobShopInstance
from schedlab.envs.job_shop.generate import random_instance
from schedlab.envs.job_shop_improvement import PROBLEM, ImprovementInstance, JobShopImprovementConfig
from schedlab.envs.job_shop_improvement import disjunctive as dj
from schedlab.envs.job_shop_improvement.kernels import RETURN
from schedlab.envs.job_shop_improvement.neighbours import BEHIND, ESTIMATE, KIND, U, V
from schedlab.envs.job_shop_improvement.start import first_schedule

from ..job_shop.strategies import shops


def playing(rows=1, **values):
    config = PROBLEM.configure({"num_jobs": 8, "num_machines": 8, "moves": 60, **values})
    instances = [PROBLEM.sampler(config)(np.random.default_rng(seed)) for seed in range(rows)]
    simulator = PROBLEM.simulator_for(instances, config)
    simulator.reset(instances)
    return simulator, instances, config


@settings(max_examples=40, deadline=None)
@given(
    shops(max_jobs=5, max_machines=3, max_length=4),
    st.sampled_from(("n5", "n6")),
    st.sampled_from((0, 1, 8)),
    st.integers(0, 2**30),
)
def test_any_legal_play_ends_in_a_schedule_that_the_checker_measures_alike(shop, neighbourhood, tenure, seed):
    config = JobShopImprovementConfig(neighbourhood=neighbourhood, tenure=tenure)
    rng = np.random.default_rng(seed)
    instance = ImprovementInstance(shop, first_schedule(shop, "random", rng), 25)
    simulator = PROBLEM.simulator_for([instance], config)
    simulator.reset([instance])
    first, earned = simulator.objective()[0], 0.0
    while not simulator.done[0]:
        earned += simulator.step(random_legal_actions(simulator.action_mask, rng))[0]
        report = PROBLEM.check(instance, simulator.solution(0), config)
        assert report.feasible
        assert report.objective == simulator.objective()[0] <= simulator.makespan[0]
    assert earned == first - simulator.objective()[0]
    assert simulator.steps[0] <= 25


def test_an_episode_has_as_many_moves_as_it_was_given():
    simulator, *_ = playing(rows=4, moves=7)
    rng = np.random.default_rng(0)
    while simulator.done_count < 4:
        simulator.step(random_legal_actions(simulator.action_mask, rng))
    finished = simulator.steps == 7
    assert finished.any()
    assert (finished | (simulator.offered == 0) | (simulator.best == simulator.scale * 10)).all()


def test_a_move_does_what_it_was_shown_to_and_going_back_undoes_all_since_the_best():
    simulator, instances, config = playing()
    assert not simulator.action_mask[0, RETURN]  # nothing was done yet
    rng = np.random.default_rng(0)
    while simulator.makespan[0] <= simulator.best[0]:
        action = 1 + int(rng.choice(np.flatnonzero(simulator.action_mask[0, 1:])))
        u, v, kind = simulator.moves[0, action - 1, [U, V, KIND]].tolist()
        best = simulator.solution(0).start.tolist()
        simulator.step(np.array([action]))
        g = simulator.tables[0]
        assert (g[dj.BEFORE, u] == v) if kind == BEHIND else (g[dj.AFTER, v] == u)
    assert simulator.solution(0).start.tolist() == best  # the last move made things worse
    simulator.step(np.array([RETURN]))
    assert simulator.makespan[0] == simulator.best[0]
    assert PROBLEM.check(instances[0], simulator.solution(0), config).objective == simulator.best[0]
    assert not simulator.action_mask[0, RETURN]


def test_what_was_taken_back_lately_may_not_be_brought_back():
    simulator, *_ = playing(tenure=30, moves=200)
    rng, taken_back, refused = np.random.default_rng(1), {}, 0
    for step in range(1, 120):
        if simulator.done[0]:
            break
        legal = simulator.action_mask[0, 1 : simulator.offered[0] + 1]
        for k, (u, v, _, estimate) in enumerate(simulator.moves[0, : simulator.offered[0]].tolist()):
            fresh = step - taken_back.get((v, u), -1000) <= 30
            if fresh and estimate >= simulator.best[0] and legal.sum() < len(legal):
                assert not legal[k]
                refused += 1
        choices = np.flatnonzero(simulator.action_mask[0, 1:])
        action = int(rng.choice(choices))
        u, v = simulator.moves[0, action, [U, V]].tolist()
        taken_back[u, v] = step
        simulator.step(np.array([action + 1]))
    assert refused > 5


@pytest.mark.parametrize("tenure", [10, 100])
def test_what_was_never_taken_back_is_legal_from_the_first_step_on(tenure):
    simulator, *_ = playing(tenure=tenure, moves=60, neighbourhood="n6")
    rng, taken_back = np.random.default_rng(2), set()
    g = simulator.tables[0]
    while not simulator.done[0]:
        for k, move in enumerate(simulator.moves[0, : simulator.offered[0]]):
            brought = set()
            i, chain = int(move[U]), []
            while i != move[V]:
                i = int(g[dj.AFTER, i])
                chain.append(i)
            if move[KIND] == BEHIND:
                brought |= {(i, int(move[U])) for i in chain}
            else:
                brought |= {(int(move[V]), i) for i in [int(move[U]), *chain[:-1]]}
            if not brought & taken_back:
                assert simulator.action_mask[0, k + 1]
        action = int(rng.choice(np.flatnonzero(simulator.action_mask[0, 1:]))) + 1
        move = simulator.moves[0, action - 1]
        i, chain = int(move[U]), [int(move[U])]
        while i != move[V]:
            i = int(g[dj.AFTER, i])
            chain.append(i)
        u, v = chain[0], chain[-1]
        taken_back |= {(u, i) for i in chain[1:]} if move[KIND] == BEHIND else {(i, v) for i in chain[:-1]}
        simulator.step(np.array([action]))


def test_the_graph_that_is_shown_is_the_present_schedules():
    simulator, instances, _ = playing(rows=3, show_graph=True)
    rng = np.random.default_rng(0)
    for _ in range(15):
        state = simulator.observe()
        for row, instance in enumerate(instances):
            count, g = instance.shop.num_operations, simulator.tables[row]
            follows = state.changing["follows"][row]
            shown = set(zip(*follows[:, follows[0] >= 0].tolist(), strict=True))
            assert shown == {(i, int(g[dj.AFTER, i])) for i in range(count) if g[dj.AFTER, i] < count}
            heads = state.node_state[row, :count, 0] * simulator.makespan[row]
            np.testing.assert_allclose(heads, g[dj.HEAD, :count], rtol=1e-5)
            critical = g[dj.HEAD, :count] + g[dj.DURATION, :count] + g[dj.TAIL, :count] == simulator.makespan[row]
            assert (state.node_state[row, :count, 3] == critical).all()
        simulator.step(random_legal_actions(simulator.action_mask, rng))


def test_a_search_repeats_and_goes_on_from_a_snapshot():
    simulator, *_ = playing(rows=2)
    rng = np.random.default_rng(0)
    for _ in range(10):
        simulator.step(random_legal_actions(simulator.action_mask, rng))
    saved, actions, seen = simulator.snapshot(), [], []
    for _ in range(10):
        actions.append(random_legal_actions(simulator.action_mask, rng))
        simulator.step(actions[-1])
        seen.append(simulator.makespan.copy())
    simulator.restore(saved)
    for action, makespan in zip(actions, seen, strict=True):
        simulator.step(action)
        assert (simulator.makespan == makespan).all()


def test_a_search_may_begin_with_any_schedule():
    config = JobShopImprovementConfig(num_jobs=5, num_machines=4)
    shop = random_instance(config.shop, np.random.default_rng(0))
    worse = ImprovementInstance(shop, first_schedule(shop, "random", np.random.default_rng(3)), 10)
    simulator = PROBLEM.simulator_for([worse], config)
    simulator.reset([worse])
    assert simulator.makespan[0] <= PROBLEM.check(worse, simulator.solution(0), config).objective
    with pytest.raises(ValueError, match="19 start times for 20 operations"):
        ImprovementInstance(shop, worse.start[:-1], 10)
    with pytest.raises(ValueError, match="moves must be at least 1"):
        ImprovementInstance(shop, worse.start, 0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"moves": 0}, "moves must be an integer in 1"),
        ({"moves": 2.5}, "moves must be an integer"),
        ({"tenure": -1}, "tenure must be an integer in 0"),
        ({"neighbourhood": "n7"}, "n7"),
        ({"initial": "spt"}, "spt"),
        ({"num_jobs": 0}, "num_jobs"),
        ({"min_duration": 9, "max_duration": 3}, "durations 9..3"),
        ({"show_graph": 1}, "show_graph"),
        ({"tenur": 1}, "did you mean tenure"),
    ],
)
def test_a_bad_option_gets_one_clear_line(values, message):
    with pytest.raises(InputError, match=message) as caught:
        PROBLEM.configure(values)
    assert "\n" not in str(caught.value)


def test_built_in_instances_have_their_best_known_makespans_as_bounds():
    config = JobShopImprovementConfig()
    instance = PROBLEM.load("ta01", config)
    assert PROBLEM.bound(instance, config).value == 1231
    assert PROBLEM.instance_class(instance) == "15x15"


def test_looking_ahead_finds_what_greedy_play_then_meets():
    simulator, *_ = playing(rows=2, moves=400)
    rng = np.random.default_rng(0)
    for _ in range(15):
        simulator.step(random_legal_actions(simulator.action_mask, rng))
    found = simulator.look_ahead(np.arange(2), width=5, depth=6).copy()
    assert (found >= 0).sum(axis=1).tolist() == np.minimum(simulator.action_mask[:, 1:].sum(axis=1), 5).tolist()
    start = simulator.snapshot()
    for row in range(2):
        tried = np.flatnonzero(found[row] >= 0)
        others = simulator.action_mask[row].copy()
        others[[RETURN, *tried]] = False
        estimates = np.append(np.iinfo(np.int32).max, simulator.moves[row, :, ESTIMATE])
        assert not others.any() or estimates[tried].max() <= estimates[others].min()
        for first in tried.tolist():
            simulator.restore(start)
            action, shortest = first, 1 << 30
            for _ in range(7):
                simulator.step(np.where(np.arange(2) == row, action, -1))
                shortest = min(shortest, int(simulator.makespan[row]))
                if simulator.done[row]:
                    break
                legal = np.where(simulator.action_mask[row, 1:], simulator.moves[row, :, ESTIMATE], 1 << 30)
                action = 1 + int(legal.argmin())
            assert shortest == found[row, first]
            simulator.restore(start)


def test_shops_in_which_nothing_takes_time_and_first_schedules_that_contradict_themselves_do_no_harm():
    still = JobShopInstance.from_matrices([[0, 0], [0, 0]], [[0, 1], [1, 0]])
    config = JobShopImprovementConfig(show_graph=True, look_ahead=2)
    instance = ImprovementInstance(still, np.zeros(4, np.int64), 5)
    simulator = PROBLEM.simulator_for([instance], config)
    simulator.reset([instance])
    assert np.isfinite(simulator.observe().features).all()
    assert simulator.done[0]
    shop = JobShopInstance.from_matrices([[1, 1], [1, 1]], [[0, 1], [1, 0]])
    crossed = ImprovementInstance(shop, np.array([5, 0, 5, 0]), 5)
    with pytest.raises(ValueError, match="contradicts itself"):
        simulator.reset([crossed])


def test_very_long_times_can_be_searched():
    shop = JobShopInstance.from_matrices([[9, 8], [7, 9], [8, 9]], [[0, 1], [1, 0], [0, 1]])
    shop = replace(shop, release=np.array([2**31 - 200, 2**31 - 300, 0]))
    instance = PROBLEM.started(shop, JobShopImprovementConfig(moves=5, look_ahead=2), np.random.default_rng(0))
    simulator = PROBLEM.simulator_for([instance], JobShopImprovementConfig(look_ahead=2))
    simulator.reset([instance])
    found = simulator.look_ahead(np.arange(1), 12, 2)
    assert ((found >= 0) == (simulator.action_mask & (np.arange(found.shape[1]) > 0))).all()
