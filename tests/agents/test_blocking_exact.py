"""CP-SAT on blocking job shops: proves what brute force finds, and refuses what it cannot know."""

import numpy as np
import pytest

from schedlab.agents.blocking_job_shop import AGENTS, best_rule_schedule
from schedlab.agents.core import AgentOptions
from schedlab.envs.blocking_job_shop import PROBLEM, BlockingInstance
from schedlab.envs.core import InputError
from tests.blocking_job_shop.plain import best_makespan
from tests.blocking_job_shop.test_physics import random_shop

pytest.importorskip("ortools")
CONFIG = PROBLEM.configure({})


def solver():
    return AGENTS["cp-sat"].build(CONFIG, AgentOptions(workers=1))


@pytest.mark.parametrize("reentrant", [False, True])
def test_tiny_shops_are_solved_as_by_brute_force(reentrant):
    rng = np.random.default_rng(reentrant)
    for size in [(2, 2), (3, 2), (2, 3)] * 3 + [(3, 3)]:
        shop = random_shop(rng, *size, reentrant, 1)
        result = solver().solve(BlockingInstance(shop), time_limit=20, seed=0)
        assert result.proved
        report = PROBLEM.check(BlockingInstance(shop), result.solution, CONFIG)
        assert report.objective == result.bound == best_makespan(shop, True)


def test_ft06_takes_63():
    # la01 (793) and la03 (715) take a minute of two cores; see envs/blocking_job_shop/data/SOURCES.md
    instance = PROBLEM.load("ft06", CONFIG)
    result = solver().solve(instance, time_limit=60, seed=0)
    assert result.proved
    assert PROBLEM.check(instance, result.solution, CONFIG).objective == 63
    assert best_rule_schedule(instance, CONFIG)[2] >= 63


def test_without_time_the_best_rules_schedule_comes_back():
    instance = PROBLEM.load("la21", CONFIG)
    result = solver().solve(instance, time_limit=0.01, seed=0)
    report = PROBLEM.check(instance, result.solution, CONFIG)
    assert report.feasible
    assert result.bound <= report.objective <= best_rule_schedule(instance, CONFIG)[2]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"breakdown_probability": 0.01}, "machines of ft06 fail at random: set breakdown_probability to 0"),
        ({"swap": False}, "cp-sat only knows blocking job shops with swap, which ft06 is not"),
    ],
)
def test_what_it_cannot_plan_is_refused_in_one_line(values, message):
    instance = PROBLEM.load("ft06", PROBLEM.configure(values))
    with pytest.raises(InputError, match=message):
        solver().check_instances([instance])
