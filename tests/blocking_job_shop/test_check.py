"""The checker refuses whatever breaks a rule, in a sentence."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlab.agents.random_policy import random_legal_actions
from schedlab.envs.blocking_job_shop import PROBLEM, BlockingInstance, Breakdowns, Terms, check_schedule
from schedlab.envs.blocking_job_shop.check import failures_of
from schedlab.envs.job_shop import JobShopInstance
from schedlab.envs.job_shop.solution import JobShopSolution

from .strategies import blocking_shops


def verdict(jobs, starts, swap=True, release=None):
    instance = BlockingInstance(JobShopInstance.from_jobs(jobs, release=release), Terms(swap=swap))
    return check_schedule(instance, JobShopSolution(np.array(starts, np.int64)))


CROSSING = [[(0, 2), (1, 3)], [(1, 3), (0, 3)]]


def test_an_exchange_is_a_schedule_with_swap_only():
    assert verdict(CROSSING, [0, 3, 0, 3]).objective == 6
    report = verdict(CROSSING, [0, 3, 0, 3], swap=False)
    assert not report.feasible
    assert report.violations == (
        "at 3: job 0 into machine 1, job 1 into machine 0 can follow one another in no order "
        "(jobs may not exchange machines)",
    )


def test_a_chain_of_handovers_at_one_moment_needs_no_swap():
    jobs = [[(0, 4), (1, 1)], [(1, 4), (2, 1)], [(2, 4)]]
    assert verdict(jobs, [0, 4, 0, 4, 0], swap=False).objective == 5


def test_a_job_that_waits_still_holds_its_machine():
    report = verdict([[(0, 1), (1, 1)], [(1, 5)], [(0, 2)]], [0, 5, 0, 1])
    assert not report.feasible
    assert report.violations == ("machine 0: job 2, operation 0 starts at 1, before job 0, operation 0 leaves it at 5",)


@pytest.mark.parametrize(
    ("starts", "message"),
    [
        ([0, 1, 2, 5], "job 0, operation 1 starts at 1, before the end of operation 0 at 2"),
        ([0, 2, -1, 5], "job 1, operation 0 has no start time"),
        ([0, 2, 4, 7], "machine 1: job 1, operation 0 starts at 4, before job 0, operation 1 leaves it at 5"),
        ([0, 2, 5], "3 start times for 4 operations"),
    ],
)
def test_broken_rules_are_named(starts, message):
    assert message in verdict(CROSSING, starts).violations


def test_a_start_before_the_release_is_named():
    assert verdict([[(0, 1)]], [2], release=[3]).violations == (
        "job 0, operation 0 starts at 2, before its release at 3",
    )


def test_an_operation_without_duration_stands_at_a_border_not_inside():
    jobs = [[(0, 4), (1, 2)], [(0, 0), (2, 3)]]
    assert verdict(jobs, [0, 4, 4, 4]).feasible
    assert verdict(jobs, [0, 4, 0, 0], swap=False).feasible
    assert not verdict(jobs, [0, 4, 2, 2]).feasible


@pytest.mark.parametrize("swap", [True, False])
def test_who_passes_a_machine_goes_before_who_stays_there(swap):
    # at 2 job 1 passes machine 0 on its way to 2, then job 2 takes machine 0, which job 0 has left
    jobs = [[(0, 2)], [(1, 2), (0, 0), (2, 2)], [(3, 2), (0, 5)]]
    assert verdict(jobs, [0, 0, 2, 2, 0, 2], swap).objective == 7


def test_a_start_on_a_machine_that_is_down_is_named():
    shop = JobShopInstance.from_jobs([[(0, 1)]])
    instance = BlockingInstance(shop, Terms(True, Breakdowns(0.2)), luck=5)
    failures = failures_of(instance)[0]
    failures.until(100)
    begin, end = failures.begin[0], failures.end[0]
    for start, good in ((begin, False), (end - 1, False), (end, True)):
        assert check_schedule(instance, JobShopSolution(np.array([start]))).feasible == good
    report = check_schedule(instance, JobShopSolution(np.array([begin])))
    assert f"while machine 0 is down from {begin} to {end}" in report.violations[0]


def test_the_share_of_blocked_time_is_measured():
    report = verdict([[(0, 1), (1, 1)], [(1, 5)], [(0, 2)]], [0, 5, 0, 5])
    assert report.measures == {"blocked_share": 4 / 13, "down_share": 0.0}


@settings(max_examples=100, deadline=None)
@given(blocking_shops(), st.integers(0, 2**32), st.data())
def test_a_start_moved_out_of_a_tight_schedule_is_noticed(instance, seed, data):
    """Starts of a play that never waits: nothing can be earlier, so an earlier one must break a rule."""
    config = PROBLEM.configure({})
    simulator, rng = PROBLEM.simulator_for([instance], config), np.random.default_rng(seed)
    simulator.reset([instance])
    while not simulator.done[0]:
        mask = simulator.action_mask.copy()
        mask[:, -1] &= mask.sum(axis=1) == 1
        simulator.step(random_legal_actions(mask, rng))
    start = simulator.solution(0).start
    first = instance.shop.first_operation[:-1]
    later = [o for o in range(len(start)) if o not in first]
    if later:
        o = data.draw(st.sampled_from(later))
        moved = start.copy()
        moved[o] = start[o - 1] + instance.shop.duration[o - 1] - 1
        report = check_schedule(instance, JobShopSolution(moved))
        assert not report.feasible
