"""The trained agents that ship: small, documented, and better than the best simple rule."""

import json

import numpy as np
import pytest

from schedlab.agents import BestOf, make_agent, play, shipped_agents, shipped_checkpoint
from schedlab.agents.job_shop import RULES
from schedlab.envs import PROBLEMS
from schedlab.envs.core import InputError, load_problem
from schedlab.envs.job_shop import PROBLEM, JobShopConfig
from schedlab.models.checkpoint import load_checkpoint

SHIPPED = [(problem, name) for problem in PROBLEMS for name in shipped_agents(problem)]
CONFIGS = {
    "makespan": JobShopConfig(num_jobs=15, num_machines=10),
    "total-tardiness": JobShopConfig(num_jobs=15, num_machines=10, objective="total-tardiness", due_date_factor=1.4),
}


@pytest.mark.parametrize(("problem", "name"), SHIPPED)
def test_every_shipped_agent_is_small_and_says_how_it_was_made(problem, name):
    folder = load_problem(problem) and shipped_checkpoint(PROBLEM, CONFIGS[name])
    assert folder.name == name
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
