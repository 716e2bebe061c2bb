"""Playing choices out in futures that may come."""

from dataclasses import replace

import numpy as np
import pytest

from schedlab.agents.random_policy import random_legal_actions
from schedlab.agents.uam import Rollout
from schedlab.agents.uam.rules import RULES, RulePolicy
from schedlab.envs.uam import PROBLEM, UamConfig
from schedlab.envs.uam import state as s
from schedlab.envs.uam.look_ahead import LookAhead
from schedlab.envs.uam.simulate import HORIZON, UamSimulator, sizes_of

CONFIG = UamConfig(num_vertiports=5, num_aircraft=8, look_ahead=2, closure=0.3, failure=0.2)


def drawn(config=CONFIG, seed=0):
    return PROBLEM.sampler(config)(np.random.default_rng(seed))


def looked(simulator):
    return simulator.observe().features[:, :, -1].copy()


def test_the_feature_comes_last_and_only_where_it_is_asked_for():
    with_it = PROBLEM.simulator_for_config(CONFIG, 1)
    without = PROBLEM.simulator_for_config(replace(CONFIG, look_ahead=0), 1)
    assert with_it.spec.candidate_features[:-1] == without.spec.candidate_features
    assert with_it.spec.candidate_features[-1] == "look_behind"


def test_the_best_choice_is_behind_by_nothing_and_no_legal_one_is_ahead():
    simulator = PROBLEM.simulator_for([drawn(seed=k) for k in range(4)], CONFIG)
    simulator.reset([drawn(seed=k) for k in range(4)])
    rng = np.random.default_rng(1)
    while simulator.done_count < 4:
        behind = looked(simulator)
        for row in np.flatnonzero(~simulator.done):
            legal = simulator.action_mask[row]
            assert behind[row][legal].max() == 0
            assert (behind[row][~legal] == 0).all()
        simulator.step(random_legal_actions(simulator.action_mask, rng))


def test_a_day_always_looks_the_same_whichever_row_it_is_in_and_however_it_is_restored():
    days = [drawn(seed=k) for k in range(3)]
    simulator, other = (UamSimulator(sizes_of(days), 3, futures=2) for _ in range(2))
    simulator.reset(days)
    other.reset(days[::-1])
    np.testing.assert_array_equal(looked(simulator), looked(other)[::-1])
    snapshot = simulator.snapshot()
    before = looked(simulator)
    simulator.step(simulator.action_mask.argmax(axis=1))
    looked(simulator)
    simulator.restore(snapshot)
    np.testing.assert_array_equal(looked(simulator), before)


def test_looking_ahead_changes_nothing_in_the_day():
    day = drawn()
    looking, plain = (UamSimulator(sizes_of([day]), 1, futures=futures) for futures in (3, 0))
    rng = np.random.default_rng(2)
    for simulator in (looking, plain):
        simulator.reset([day])
    while not plain.done[0]:
        looking.observe()
        action = random_legal_actions(plain.action_mask, rng)
        looking.step(action)
        plain.step(action)
        for name, array in plain.state_arrays().items():
            np.testing.assert_array_equal(array, looking.state_arrays()[name])


@pytest.mark.parametrize("hidden", ["demand", "closed", "failure", "delays"])
def test_it_knows_nothing_that_a_dispatcher_does_not_know(hidden):
    day = drawn()
    demand, closed = day.demand.copy(), day.closed.copy()
    demand[1:] = demand[1:][::-1]
    closed[1:] = ~closed[1:] & ~np.eye(day.num_vertiports, dtype=bool)
    changed = {
        "demand": lambda: replace(day, demand=demand),
        "closed": lambda: replace(day, closed=closed),
        "failure": lambda: replace(day, failure=1.0 - day.failure),
        "delays": lambda: replace(day, seed=day.seed + 1),  # other delays, failures and repairs
    }[hidden]()
    seen = []
    for one in (day, changed):
        simulator = PROBLEM.simulator_for([one], replace(CONFIG, look_ahead=0))
        simulator.reset([one])
        ahead = LookAhead(simulator.world, simulator.state, 4, HORIZON)
        ahead.load(0, one, np.random.default_rng(0))
        ahead.play_out(np.arange(1), simulator.world, simulator.state, simulator.numbers)
        seen.append(ahead.earned.copy())
    np.testing.assert_array_equal(*seen)


def test_nothing_is_seen_of_a_failure_before_the_aircraft_has_landed():
    config = replace(CONFIG, show="all", closure=0.0)
    day = drawn(config)
    tables = []
    for seconds in (0, 3600):
        simulator = PROBLEM.simulator_for([day], config)
        simulator.reset([day])
        simulator.world.repair[:] = seconds
        for _ in range(day.num_aircraft - 1):  # all but one are under way when it decides
            flights = simulator.action_mask[0].copy()
            flights[simulator.where[0]] = False
            simulator.step(np.array([flights.argmax()]))
        assert simulator.now[0] == 0
        assert (simulator.state.plane[0, :, s.LANDED] > 0).sum() == day.num_aircraft - 1
        seen = simulator.observe()
        tables.append((seen.features.copy(), seen.context.copy()))
    for one, other in zip(*tables, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_futures_of_rollout_have_nothing_in_common_with_the_passengers_that_come():
    config = PROBLEM.configure(PROBLEM.presets()["balanced-40"])
    for seed in range(10):
        day = drawn(config, seed)
        simulator = PROBLEM.simulator_for([day], config)
        simulator.reset([day])
        rollout = Rollout()
        rollout.begin(simulator, seed)
        off = ~np.eye(8, dtype=bool)
        surprise = (day.demand - day.forecast)[:, off].ravel()
        for future in rollout._ahead._drawn[0]:
            drawn_surprise = (future - day.forecast)[:, off].ravel()
            assert abs(np.corrcoef(surprise, drawn_surprise)[0, 1]) < 0.2


def test_later_periods_pay_by_the_forecast_not_by_who_will_come():
    day = drawn(UamConfig(num_vertiports=4, num_aircraft=5, level=40.0, closure=0.0))
    demand = day.demand.copy()
    demand[1:] *= 3  # the surge rises with it
    earned = []
    for one in (day, replace(day, demand=demand)):
        simulator = PROBLEM.simulator_for([one], UamConfig())
        simulator.reset([one])
        ahead = LookAhead(simulator.world, simulator.state, 2, 3 * HORIZON)
        ahead.load(0, one, np.random.default_rng(0))
        ahead.play_out(np.arange(1), simulator.world, simulator.state, simulator.numbers)
        earned.append(ahead.earned.copy())
    np.testing.assert_array_equal(*earned)


def test_where_all_is_known_greedy_play_to_the_end_is_what_the_rule_earns():
    config = PROBLEM.configure({**PROBLEM.presets()["proto-19"], "num_aircraft": 5})
    day = drawn(config)
    assert not day.uncertain
    simulator = PROBLEM.simulator_for([day], config)
    simulator.reset([day])
    ahead = LookAhead(simulator.world, simulator.state, 4, day.terms.day)
    ahead.load(0, day, np.random.default_rng(0))
    ahead.play_out(np.arange(1), simulator.world, simulator.state, simulator.numbers)
    rule = RulePolicy(RULES["greedy-hour"])
    first = int(rule.act(simulator)[0])
    while not simulator.done[0]:
        simulator.step(rule.act(simulator))
    assert ahead.earned[0, first] == pytest.approx(simulator.objective()[0])


def test_a_flight_that_ends_beyond_the_horizon_counts_for_its_share():
    config = UamConfig(num_vertiports=3, num_aircraft=1, delay=0.0, delay_spread=0.0, closure=0.0, failure=0.0)
    day = drawn(config)
    simulator = PROBLEM.simulator_for([day], config)
    simulator.reset([day])
    ahead = LookAhead(simulator.world, simulator.state, 1, 600)
    ahead.load(0, day, np.random.default_rng(0))
    ahead.play_out(np.arange(1), simulator.world, simulator.state, simulator.numbers)
    action = int(np.flatnonzero(simulator.action_mask[0])[0 if simulator.where[0] else 1])
    profit = simulator.step(np.array([action]))[0]
    assert ahead.earned[0, action] == pytest.approx(profit * 600 / simulator.now[0])


def test_the_weights_of_rollout_favour_what_earns_more_and_sum_to_one():
    days = [drawn(seed=k) for k in range(3)]
    simulator = PROBLEM.simulator_for(days, CONFIG)
    simulator.reset(days)
    rollout = Rollout()
    rollout.begin(simulator, 0)
    choice = rollout.act(simulator)
    assert simulator.action_mask[np.arange(3), choice].all()
    np.testing.assert_allclose(rollout.weights.sum(axis=1), 1)
    assert (rollout.weights.argmax(axis=1) == choice).all()
    assert (rollout.weights[~simulator.action_mask] == 0).all()
