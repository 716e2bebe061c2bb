"""The trained agents that ship: small, documented, and better than the best simple rule."""

import json
from pathlib import Path

import numpy as np
import pytest

import schedlab.agents
from schedlab.agents import BestOf, make_agent, play, shipped_agents, shipped_checkpoint
from schedlab.agents.dynamic_job_shop import RULES as DYNAMIC_RULES
from schedlab.agents.job_shop import RULES
from schedlab.envs import PROBLEMS
from schedlab.envs.core import InputError, load_problem
from schedlab.envs.job_shop import PROBLEM, JobShopConfig
from schedlab.eval.benchmark import check_agents
from schedlab.eval.instance_sets import Entry
from schedlab.models.checkpoint import load_checkpoint

SHIPPED = [(problem, name) for problem in PROBLEMS for name in shipped_agents(problem)]
CONFIGS = {
    "makespan": JobShopConfig(num_jobs=15, num_machines=10),
    "total-tardiness": JobShopConfig(num_jobs=15, num_machines=10, objective="total-tardiness", due_date_factor=1.4),
}


@pytest.mark.parametrize(("problem", "name"), SHIPPED)
def test_every_shipped_agent_is_small_and_says_how_it_was_made(problem, name):
    folder = Path(schedlab.agents.__file__).parent / PROBLEMS[problem].package / "trained" / name
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 2 * 2**20
    checkpoint = load_checkpoint(folder)
    assert checkpoint.problem == problem
    training = checkpoint.training
    assert training["command"].startswith("schedlab train")
    assert len(training["commit"]) == 40
    assert training["curve"][-1]["steps"] == training["steps"]
    assert {"seed", "seconds", "device", "settings"} <= set(training)
    # nothing but random instances
    assert "instance" not in json.dumps(training["settings"]["environment"])


@pytest.mark.parametrize("name", CONFIGS)
def test_the_shipped_agent_beats_every_rule_on_random_instances(name):
    config = CONFIGS[name]
    sample, rng = PROBLEM.sampler(config), np.random.default_rng(4242)
    instances = [sample(rng) for _ in range(24)]
    mine = play(make_agent("ppo", PROBLEM, config), PROBLEM, instances, config).objective().mean()
    rules = {
        rule: play(make_agent(rule, PROBLEM, config), PROBLEM, instances, config).objective().mean()
        for rule in RULES
        if config.due_date_factor or not RULES[rule].needs_due_dates
    }
    assert mine < min(rules.values())
    best = make_agent("ppo@16", PROBLEM, config)
    assert isinstance(best, BestOf)
    results = best.solve_many(instances[:6], seed=0)
    sampled = [PROBLEM.check(i, r.solution, config).objective for i, r in zip(instances[:6], results, strict=True)]
    greedy = play(make_agent("ppo", PROBLEM, config), PROBLEM, instances[:6], config).objective()
    assert np.mean(sampled) < greedy.mean()


def test_the_first_sample_is_the_greedy_one_so_that_sampling_is_never_worse():
    config = CONFIGS["makespan"]
    sample, rng = PROBLEM.sampler(config), np.random.default_rng(3)
    instances = [sample(rng) for _ in range(8)]
    greedy = play(make_agent("ppo", PROBLEM, config), PROBLEM, instances, config).objective()
    for samples in (1, 3):
        results = make_agent(f"ppo@{samples}", PROBLEM, config).solve_many(instances, seed=1)
        found = [PROBLEM.check(i, r.solution, config).objective for i, r in zip(instances, results, strict=True)]
        assert (np.array(found) <= greedy).all()
        assert samples > 1 or (np.array(found) == greedy).all()


def test_each_configuration_finds_the_agent_that_is_for_it():
    for problem, values, name in (
        ("job-shop", {}, "makespan"),
        ("single-machine", {}, "total-tardiness"),
        ("dynamic-job-shop", {}, "tardiness"),
        ("dynamic-job-shop", {"objective": "total-tardiness"}, "tardiness"),
    ):
        loaded = load_problem(problem)
        assert shipped_checkpoint(loaded, loaded.configure(values)).name == name


@pytest.mark.parametrize(("jobs", "bar"), [(20, 0.004), (100, 0.008)])
def test_the_single_machine_agent_is_close_to_the_optimum_at_every_size(jobs, bar):
    problem = load_problem("single-machine")
    config = problem.configure({"num_jobs": jobs})
    sample, rng = problem.sampler(config), np.random.default_rng(4242)
    instances = [sample(rng) for _ in range(60)]
    exact = make_agent("exact", problem, config)
    optima = [exact.solve(instance, time_limit=30, seed=0).bound for instance in instances]
    found = play(make_agent("ppo", problem, config), problem, instances, config).objective()
    assert (found >= optima).all()
    assert found.sum() <= (1 + bar) * sum(optima)
    for rule in ("mdd", "mddc", "atc", "rollout"):
        assert found.sum() <= play(make_agent(rule, problem, config), problem, instances, config).objective().sum()


def test_the_best_of_several_plays_is_no_agent_where_chance_unfolds():
    problem = load_problem("dynamic-job-shop")
    config = problem.configure({"recorded_jobs": 20, "warm_up_jobs": 0, "cool_down_jobs": 0})
    instance = problem.sampler(config)(np.random.default_rng(0))
    agent = make_agent("random@4", problem, config)
    with pytest.raises(InputError, match="picked in hindsight"):
        agent.solve(instance, time_limit=1, seed=0)
    with pytest.raises(InputError, match="picked in hindsight"):
        check_agents({"random@4": agent}, [Entry("run", instance, (0,))], config)


def test_the_dynamic_agent_beats_every_rule_on_common_random_numbers():
    problem = load_problem("dynamic-job-shop")
    config = problem.configure({"warm_up_jobs": 200, "recorded_jobs": 400, "cool_down_jobs": 100})
    sample = problem.sampler(config)
    instances = [sample(np.random.default_rng(4242 + k)) for k in range(12)]
    mine = play(make_agent("ppo", problem, config), problem, instances, config).objective().mean()
    for rule in DYNAMIC_RULES:
        assert mine < play(make_agent(rule, problem, config), problem, instances, config).objective().mean(), rule


def test_an_objective_without_a_shipped_agent_says_which_have_one():
    with pytest.raises(InputError, match="only for: makespan, total-tardiness"):
        make_agent("ppo", PROBLEM, JobShopConfig(objective="total-flow-time"))


def test_greedy_play_does_not_depend_on_the_batch(ft06):
    config = CONFIGS["makespan"]
    sample, rng = PROBLEM.sampler(JobShopConfig(num_jobs=[4, 12], num_machines=[3, 9])), np.random.default_rng(7)
    instances = [sample(rng) for _ in range(6)]
    agent = make_agent("ppo", PROBLEM, config)
    together = play(agent, PROBLEM, instances, config).objective()
    apart = [play(agent, PROBLEM, [instance], config).objective()[0] for instance in instances]
    np.testing.assert_array_equal(together, apart)


def test_samples_repeat_with_their_seed():
    config = JobShopConfig()
    instance = PROBLEM.load("la21", config)
    first, again, other = (
        make_agent("ppo@8", PROBLEM, config).solve(instance, time_limit=1, seed=seed).solution.start
        for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
