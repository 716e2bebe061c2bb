"""Local searches: known optima, a brute-forced case, and what they refuse."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlab.agents.core import AgentOptions, Policy, play
from schedlab.agents.job_shop_improvement import AGENTS
from schedlab.agents.job_shop_improvement.search import LocalSearch
from schedlab.agents.job_shop_improvement.tabu import Pool, TabuSearch, TabuSettings
from schedlab.agents.registry import make_agent
from schedlab.envs.core import InputError
from schedlab.envs.job_shop import PROBLEM as JOB_SHOP
from schedlab.envs.job_shop import JobShopConfig
from schedlab.envs.job_shop.catalog import named_instance
from schedlab.envs.job_shop.check import check_schedule
from schedlab.envs.job_shop.solution import JobShopSolution
from schedlab.envs.job_shop_improvement import PROBLEM, ImprovementInstance, JobShopImprovementConfig
from schedlab.envs.job_shop_improvement.instance import machine_starts
from schedlab.envs.job_shop_improvement.start import first_schedule

from ..job_shop.enumerate_schedules import all_schedules, cost
from ..job_shop.strategies import shops

CONFIG = JobShopImprovementConfig(moves=300)


@pytest.mark.parametrize(
    ("agent", "name", "optimum"),
    [
        ("tabu", "ft06", 55),
        ("tabu", "la01", 666),
        ("tabu", "la16", 945),
        ("annealing", "ft06", 55),
        ("annealing", "la05", 593),
    ],
)
def test_searches_find_known_optima(agent, name, optimum):
    instance = PROBLEM.load(name, CONFIG)
    solver = make_agent(agent, PROBLEM, CONFIG)
    # the seed that is enough on any machine is found out by trying a few
    found = []
    for seed in range(4):
        result = solver.solve(instance, time_limit=1.0, seed=seed)
        report = PROBLEM.check(instance, result.solution, CONFIG)
        assert report.feasible
        found.append(report.objective)
        assert result.progress[-1][1] == report.objective
        assert result.bound <= report.objective
        if found[-1] == optimum:
            break
    assert min(found) == optimum


@settings(max_examples=15, deadline=None)
@given(shops(max_jobs=3, max_machines=3, max_length=3), st.integers(0, 99))
def test_tabu_search_is_never_better_than_brute_force_and_right_where_it_says_optimal(shop, seed):
    best = min(cost(shop, schedule, "makespan") for schedule in all_schedules(shop, "active"))
    instance = ImprovementInstance(shop, first_schedule(shop, "random", np.random.default_rng(seed)), 1)
    result = TabuSearch().solve(instance, time_limit=0.02, seed=seed)
    report = check_schedule(shop, result.solution)
    assert report.feasible
    assert report.objective >= best
    assert not result.proved or report.objective == best


@pytest.mark.parametrize("name", [name for name, spec in AGENTS.items() if spec.kind == "rule"])
def test_every_policy_betters_the_first_schedule_and_repeats_with_its_seed(name):
    instances = [PROBLEM.load(shop, CONFIG) for shop in ("la02", "la19", "ft10")]
    agent = AGENTS[name].build(CONFIG, AgentOptions())
    assert isinstance(agent, Policy)
    one = play(agent, PROBLEM, instances, CONFIG, seed=3).objective().copy()
    assert (one == play(agent, PROBLEM, instances, CONFIG, seed=3).objective()).all()
    first = [check_schedule(instance.shop, JobShopSolution(instance.start)).objective for instance in instances]
    assert (one < first).all()


def test_memory_is_worth_more_than_descents():
    sample = PROBLEM.sampler(JobShopImprovementConfig(num_jobs=15, num_machines=10, moves=500))
    instances = [sample(np.random.default_rng(seed)) for seed in range(8)]
    means = {
        name: play(AGENTS[name].build(CONFIG, AgentOptions()), PROBLEM, instances, CONFIG).objective().mean()
        for name in ("look-ahead", "greedy-tabu", "best-improvement", "random")
    }
    assert means["look-ahead"] < means["greedy-tabu"] < means["best-improvement"] < means["random"]


def test_looking_ahead_says_how_much_every_move_deserves_to_be_imitated():
    sample = PROBLEM.sampler(CONFIG)
    instances = [sample(np.random.default_rng(seed)) for seed in range(3)]
    simulator = PROBLEM.simulator_for(instances, CONFIG)
    simulator.reset(instances)
    agent = AGENTS["look-ahead"].build(CONFIG, AgentOptions())
    agent.begin(simulator, 0)
    action = agent.act(simulator)
    np.testing.assert_allclose(agent.weights.sum(axis=1), 1.0)
    assert (agent.weights[~simulator.action_mask] == 0).all()
    assert (agent.weights[np.arange(3), action] == agent.weights.max(axis=1)).all()


def test_the_shipped_agent_makes_far_better_use_of_its_moves_than_greedy_tabu():
    config = JobShopImprovementConfig(num_jobs=15, num_machines=10, moves=200)
    sample = PROBLEM.sampler(config)
    instances = [sample(np.random.default_rng(seed)) for seed in range(6)]
    shipped = play(make_agent("ppo", PROBLEM, config), PROBLEM, instances, config)
    greedy = play(AGENTS["greedy-tabu"].build(config, AgentOptions()), PROBLEM, instances, config)
    for row, instance in enumerate(instances):
        assert PROBLEM.check(instance, shipped.solution(row), config).objective == shipped.objective()[row]
    assert shipped.objective().mean() < greedy.objective().mean()


def test_a_walk_between_schedules_stays_feasible_and_gets_nearer():
    shop = named_instance("la21")
    search = LocalSearch(shop, "n6", seed=0, time_limit=10.0)
    one, other = (search.orders(first_schedule(shop, "random", np.random.default_rng(seed))) for seed in (1, 2))
    apart = search.distance(one, other)
    search.take(one)
    search.walk(other, apart // 2)
    between = search.in_hand()
    search.take(between)  # which refuses orders that contradict each other
    assert search.distance(between, other) == apart - apart // 2
    assert search.distance(one, between) == apart // 2
    search.walk(other, apart)
    assert search.distance(search.in_hand(), other) == 0


def test_a_pool_keeps_the_best_schedules_that_are_not_alike():
    shop = named_instance("la21")
    search = LocalSearch(shop, "n6", seed=0, time_limit=10.0)
    pool = Pool(search, TabuSettings(elites=2))
    orders = [search.orders(first_schedule(shop, "random", np.random.default_rng(seed))) for seed in range(3)]
    pool.add(30, orders[0])
    pool.add(20, orders[0].copy())  # the same, said to be shorter: takes its place
    assert [length for length, _ in pool.schedules] == [20]
    pool.add(25, orders[1])
    pool.add(10, orders[2])
    assert [length for length, _ in pool.schedules] == [10, 20]


def test_the_same_search_solves_the_job_shop_itself():
    config = JobShopConfig()
    shop = named_instance("la02")
    result = make_agent("tabu", JOB_SHOP, config).solve(shop, time_limit=1.0, seed=0)
    assert check_schedule(shop, result.solution).objective == 655
    with pytest.raises(InputError, match="total-flow-time"):
        make_agent("annealing", JOB_SHOP, JobShopConfig(objective="total-flow-time"))


def test_the_constructed_start_is_the_shipped_agents_schedule():
    instance = PROBLEM.load("la21", CONFIG)
    result = make_agent("tabu-constructed", PROBLEM, CONFIG).solve(instance, time_limit=0.05, seed=0)
    constructed = play(make_agent("ppo", JOB_SHOP, JobShopConfig()), JOB_SHOP, [instance.shop], JobShopConfig())
    assert result.progress[0][1] <= constructed.objective()[0]


def test_cp_sat_proves_a_small_optimum_from_an_improvement_instance():
    instance = PROBLEM.load("ft06", CONFIG)
    result = make_agent("cp-sat", PROBLEM, CONFIG).solve(instance, time_limit=10.0, seed=0)
    assert result.proved
    assert PROBLEM.check(instance, result.solution, CONFIG).objective == 55


def test_jobs_that_come_back_to_a_machine_can_be_searched():
    from schedlab.envs.job_shop import JobShopInstance

    jobs = [[(0, 3), (0, 2), (1, 4)], [(1, 2), (0, 3), (1, 1)], [(0, 1), (1, 5), (0, 2)]]
    shop = JobShopInstance.from_jobs(jobs, release=[0, 2, 1])
    best = min(cost(shop, schedule, "makespan") for schedule in all_schedules(shop, "active"))
    instance = ImprovementInstance(shop, first_schedule(shop, "random", np.random.default_rng(0)), 1)
    result = TabuSearch().solve(instance, time_limit=0.2, seed=0)
    assert check_schedule(shop, result.solution).objective == best
    assert len(machine_starts(shop)) == 3
