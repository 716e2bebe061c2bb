"""Rules of air taxis against plain Python, the genetic algorithm, and all agents by name."""

import time

import numpy as np
import pytest
from hypothesis import given, settings

from schedlab.agents import make_agent
from schedlab.agents.core import AgentOptions, Policy, run_policy
from schedlab.agents.random_policy import RandomPolicy
from schedlab.agents.uam import AGENTS, RULES, RandomWithoutWaiting, RulePolicy
from schedlab.agents.uam.genetic import Genetic
from schedlab.envs.uam.check import check_day
from schedlab.envs.uam.problem import PROBLEM
from schedlab.envs.uam.simulate import UamSimulator, sizes_of

from ..uam.days import played, tiny_day
from ..uam.seen import Watched
from ..uam.strategies import SEEDS, days, started

FEW = Genetic(population=12, generations=6, block=20)


def small_day(seed, **values):
    config = PROBLEM.configure({"num_vertiports": 4, "num_aircraft": 5, **values})
    return PROBLEM.sampler(config)(np.random.default_rng(seed))


def legs_of(policy, *instances, seed=0):
    simulator = UamSimulator(sizes_of(instances), len(instances))
    run_policy(policy, simulator, instances, seed)
    return [simulator.solution(row).legs.tolist() for row in range(len(instances))]


# --- what rules choose


def greedy_trip(day, port):
    return day.earns(day.place[day.plane], port, day.period(day.time))


def greedy_hour(day, port):
    return greedy_trip(day, port) / day.hours(day.place[day.plane], port)


def look_ahead(day, port):
    """Of both flights; the second by the passengers of now, or by forecast in a later period."""
    here, now = day.place[day.plane], day.period(day.time)
    first, hours = greedy_trip(day, port), day.hours(here, port)
    arrives = day.time + day.seconds(here, port)
    if arrives >= day.instance.terms.day:
        return first / hours
    if day.period(int(arrives)) > now:
        seconds = day.flights_from(port, day.period(int(arrives)))
        _, earns, lasts = seconds[0] if seconds else (0.0, 0.0, day.instance.terms.wait / 3600)
        return (first + earns) / (hours + lasts)
    waits = first / (hours + day.instance.terms.wait / 3600)
    legs = [other for other in range(day.instance.num_vertiports) if day.possible[port][other]]
    return max([waits, *((first + day.earns(port, j, now)) / (hours + day.hours(port, j)) for j in legs)])


WORTH = {"greedy-trip": greedy_trip, "greedy-hour": greedy_hour, "look-ahead": look_ahead}


@pytest.mark.parametrize("name", WORTH)
@settings(max_examples=60, deadline=None)
@given(instance=days())
def test_rules_choose_what_is_worth_most_by_their_descriptions(name, instance):
    simulator, policy, day = started(instance), RulePolicy(RULES[name]), Watched(instance)
    while not day.done:
        here, (choice,) = day.place[day.plane], policy.act(simulator).tolist()
        worth = {port: 0.0 if port == here else WORTH[name](day, port) for port in day.legal()}
        assert choice in worth
        assert worth[choice] == pytest.approx(max(worth.values()), abs=1e-6)
        if max(worth.values()) <= 0 and here in worth:
            assert choice == here, "waiting, where nothing earns anything"
        simulator.step(np.array([choice]))
        day.step(choice)


def test_the_dearest_flight_is_not_the_one_that_earns_most_per_hour():
    # to B: 12 miles in 1896 s; to C: 16 miles in 2288 s, where demand is 3; charging at C is left out
    changes = {"chargers": [1, 1, 0], "start": [0], "demand": {(0, 0, 2): 3}}
    (trip,), (hour,) = (
        legs_of(RulePolicy(RULES[name]), tiny_day(**changes)) for name in ("greedy-trip", "greedy-hour")
    )
    # 4 x 12 x 0.86 - 4.8 = 36.5 against 3 x 16 x 0.86 - 6.4 = 34.9 dollars
    assert trip[0][2] == 1
    assert hour[0][2] == 2


def test_looking_ahead_gives_up_a_dear_flight_for_where_more_can_be_earned():
    nobody = {(h, 2, j): 0 for h in range(2) for j in range(3)}
    for name, destination in (("greedy-hour", 2), ("look-ahead", 1)):
        (legs,) = legs_of(RulePolicy(RULES[name]), tiny_day(start=[0], demand=nobody))
        assert legs[0][2] == destination, name


def test_of_equal_choices_waiting_is_taken_then_the_first():
    for name in RULES:
        (legs,) = legs_of(RulePolicy(RULES[name]), tiny_day(fare=0.0, cost=0.0, electricity=0.0))
        assert all(row[1] == row[2] for row in legs), name
    square = {"x": [0.0, 12.0, 0.0], "y": [0.0, 0.0, 12.0], "start": [0]}
    (legs,) = legs_of(RulePolicy(RULES["greedy-hour"]), tiny_day(**square))
    assert legs[0][2] == 1


@pytest.mark.parametrize("name", RULES)
def test_rules_play_a_batch_as_they_play_each_day_alone(name):
    instances = [small_day(seed, num_vertiports=[3, 6], num_aircraft=[1, 7]) for seed in range(6)]
    together = legs_of(RulePolicy(RULES[name]), *instances)
    assert together == [legs_of(RulePolicy(RULES[name]), instance)[0] for instance in instances]


# --- chance


@settings(max_examples=50, deadline=None)
@given(instance=days(), seed=SEEDS)
def test_random_without_waiting_never_waits_while_it_can_fly(instance, seed):
    simulator, policy, flew = started(instance), RandomWithoutWaiting(), False
    policy.begin(simulator, seed)
    while not simulator.done[0]:
        here, mask = int(simulator.where[0]), simulator.action_mask[0].copy()
        (choice,) = policy.act(simulator).tolist()
        assert mask[choice]
        mask[here] = False
        assert (choice == here) == (not mask.any())
        flew |= choice != here
        simulator.step(np.array([choice]))


@pytest.mark.parametrize("policy", [RandomPolicy, RandomWithoutWaiting])
def test_random_policies_reach_every_destination_and_the_seed_decides(policy):
    first, same, other = (legs_of(policy(), small_day(0), seed=seed)[0] for seed in (1, 1, 2))
    assert first == same != other
    assert {row[2] for row in first} == {0, 1, 2, 3}


# --- the genetic algorithm


@settings(max_examples=15, deadline=None)
@given(instance=days(), seed=SEEDS)
def test_the_genetic_algorithm_makes_whole_days_that_the_checker_accepts(instance, seed):
    report = check_day(instance, FEW.solve(instance, time_limit=1e9, seed=seed).solution)
    assert report.feasible, report.violations


def test_the_seed_decides_what_the_genetic_algorithm_finds_and_an_ample_limit_does_not():
    instance = small_day(0)
    first, same, other = (
        FEW.solve(instance, time_limit=limit, seed=seed) for limit, seed in ((1e9, 1), (1e8, 1), (1e9, 2))
    )
    assert first.solution.legs.tolist() == same.solution.legs.tolist() != other.solution.legs.tolist()
    # 3 of 12 and one more stay, so that children come in pairs
    assert first.samples == same.samples == 12 + 6 * 8


def profit(instance, solution):
    return check_day(instance, solution).objective


def test_evolution_is_better_than_its_first_populations_and_these_than_chance():
    luck, first, evolved = [], [], []
    for seed in range(4):
        instance = small_day(seed)
        simulator = UamSimulator(sizes_of([instance]), 20)
        run_policy(RandomPolicy(), simulator, [instance] * 20)
        luck.append(simulator.objective().mean())
        for generations, profits in ((0, first), (40, evolved)):
            solver = Genetic(population=30, generations=generations)
            profits.append(profit(instance, solver.solve(instance, time_limit=1e9, seed=seed).solution))
    assert np.mean(luck) < np.mean(first) < np.mean(evolved)
    assert all(one < other for one, other in zip(luck, evolved, strict=True))


def test_one_block_of_a_short_day_is_searched_as_a_whole():
    """Two flights of one aircraft: all sequences are tried, and the best is found."""
    instance = tiny_day(start=[0], day=3600, slot=3600, demand={(0, 0, 1): 1, (0, 1, 2): 12, (0, 0, 2): 2})
    best = -np.inf
    for plan in np.ndindex(3, 3, 3, 3):
        day = played(instance, follow(plan), most=4)
        best = max(best, day.profit)
    solution = Genetic(population=40, generations=20).solve(instance, time_limit=1e9, seed=0).solution
    assert profit(instance, solution) == pytest.approx(best)


def follow(plan):
    """These destinations where they are legal, else the first that is."""
    left = list(plan)

    def choose(day, legal):
        wanted = left.pop(0) if left else legal[0]
        return wanted if wanted in legal else legal[0]

    return choose


def test_the_genetic_algorithm_keeps_to_its_time_and_makes_a_whole_day_of_it():
    instance, solver = small_day(0, num_aircraft=20), Genetic(generations=100_000)
    for limit in (1e-3, 0.3):
        began = time.perf_counter()
        result = solver.solve(instance, time_limit=limit, seed=0)
        assert time.perf_counter() - began < limit + 2.0
        assert check_day(instance, result.solution).feasible
        assert result.samples >= 100


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"population": 2}, "population must be at least 3, got 2"),
        ({"generations": -1}, "generations must be at least 0, got -1"),
        ({"block": 0}, "block must be at least 1, got 0"),
        ({"mutation": 1.5}, r"mutation must lie in 0\.\.1, got 1.5"),
        ({"elite": -0.1}, r"elite must lie in 0\.\.1"),
        ({"crossover": 2}, r"crossover must lie in 0\.\.1"),
        ({"parents": 1.01}, r"parents must lie in 0\.\.1"),
    ],
)
def test_settings_out_of_range_are_refused(values, words):
    with pytest.raises(ValueError, match=words):
        Genetic(**values)


@pytest.mark.parametrize(
    "values", [{"parents": 0.0}, {"parents": 1.0}, {"crossover": 0.0}, {"elite": 0.0}, {"elite": 1.0}]
)
def test_settings_at_the_ends_of_their_range_work(values):
    instance = small_day(0)
    result = Genetic(population=9, generations=3, block=20, **values).solve(instance, time_limit=1e9, seed=0)
    assert check_day(instance, result.solution).feasible


# --- all agents


@pytest.mark.parametrize("name", AGENTS)
@pytest.mark.parametrize(
    "values",
    [
        {},
        {"vertistops": 1, "charging": "waiting", "closure": 0.3, "failure": 0.2, "corridors": 1, "separation": 3.0},
        {"demand": "stock", "surge": 0.0, "delay": 0.0, "delay_spread": 0.0, "closure": 0.0, "failure": 0.0},
    ],
    ids=["plain", "everything", "known"],
)
def test_every_agent_plays_a_small_day_that_the_checker_accepts(name, values):
    config = PROBLEM.configure({"num_vertiports": 4, "num_aircraft": 5, **values})
    instance, agent = small_day(3, **values), make_agent(name, PROBLEM, config, AgentOptions(time_limit=0.5, workers=1))
    if isinstance(agent, Policy):
        simulator = PROBLEM.simulator_for([instance], agent.configuration(config))
        run_policy(agent, simulator, [instance])
        solution = simulator.solution(0)
        objective = simulator.objective()[0]
    else:
        agent.check_instances([instance])
        result = agent.solve(instance, time_limit=0.5, seed=0)
        solution, objective = result.solution, None
        assert result.bound is None or result.bound >= profit(instance, solution) - 1e-6
    report = PROBLEM.check(instance, solution, config)
    assert report.feasible, report.violations
    assert objective is None or report.objective == pytest.approx(objective)
