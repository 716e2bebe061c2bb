"""The checker's verdicts."""

import numpy as np
import pytest

from schedlab.envs.dynamic_job_shop import DynamicJobShopInstance, DynamicJobShopSolution
from schedlab.envs.dynamic_job_shop.check import check_run, completions
from schedlab.envs.job_shop import JobShopInstance


def run(down=None, first=0, last=2):
    shop = JobShopInstance.from_jobs(
        [[(0, 4), (1, 2)], [(0, 3)], [(1, 5), (0, 1)]], release=[0, 1, 2], due=[5, 9, 6], weight=[1, 2, 4]
    )
    intervals = np.zeros((2, 0, 2), np.int64) if down is None else np.array(down, np.int64)
    return DynamicJobShopInstance(shop, first, last, intervals, 3.0)


# job 0: 0-4 on machine 0, then waits for machine 1 until 7, 7-9; job 1: 4-7; job 2: 2-7, 7-8
GOOD = [0, 7, 4, 2, 7]


def verdict(start, **values):
    return check_run(run(**values), DynamicJobShopSolution(np.array(start)), "total-weighted-tardiness")


def test_a_right_run_gets_its_objective_and_measures():
    report = verdict(GOOD)
    assert report.feasible, report.violations
    assert report.objective == 1 * 4 + 2 * 0 + 4 * 2
    assert report.measures == pytest.approx(
        {"tardy_share": 2 / 3, "max_tardiness": 4, "mean_flow_time": (9 + 6 + 6) / 3}
    )
    mean = check_run(run(), DynamicJobShopSolution(np.array(GOOD)), "mean-tardiness")
    assert mean.objective == 6 / 3


def test_only_recorded_jobs_count_and_must_be_finished():
    assert verdict(GOOD, first=1, last=1).objective == 0
    # job 0's second operation may be missing, but then machine 1 must not stand still while it waits
    report = verdict([0, -1, 4, 2, 7], first=1, last=1)
    assert report.feasible, report.violations
    assert not verdict([0, -1, 4, 2, 7]).feasible


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ([0, 7, 4, 2], "4 start times for 5 operations"),
        ([0, -1, 4, 2, 7], "job 0, operation 1 at -1: a recorded job is not finished"),
        ([0, 7, 4, -1, 7], "starts although the operation before it does not"),
        ([0, 3, 4, 5, 10], "job 0, operation 1 at 3: starts before its job is there"),
        ([0, 7, 0, 2, 7], "job 1, operation 0 at 0: starts before its job is there"),
        ([0, 7, 3, 2, 7], "machine 0 is still busy"),
        ([0, 7, 5, 2, 8], "machine 0 stands still while the job waits"),
        ([0, 9, 4, 2, 7], "job 0, operation 1 at 9: machine 1 stands still"),
    ],
)
def test_each_kind_of_violation_is_named(start, words):
    report = verdict(start)
    assert not report.feasible
    assert np.isnan(report.objective)
    assert any(words in violation for violation in report.violations), report.violations


def test_work_rests_while_a_machine_is_down():
    down = [[[1, 3], [5, 6]], [[20, 30], [40, 50]]]
    instance = run(down)
    # job 0 works at 0-1 and 3-5 and 6-7; job 1 from 7
    np.testing.assert_array_equal(completions(instance, np.array([0, 7, 7, 2, 10])), [7, 9, 10, 7, 11])
    assert verdict([0, 7, 7, 2, 10], down=down).feasible
    report = verdict([0, 7, 7, 2, 10], down=[[[1, 3], [5, 6]], [[2, 3], [40, 50]]])
    assert any("the machine is down" in violation for violation in report.violations)
    # a machine that is down does not stand still; afterwards it does
    late = verdict([3, 8, 7, 2, 10], down=[[[0, 3]], [[7, 8]]])
    assert late.feasible, late.violations
    assert not verdict([4, 9, 8, 2, 11], down=[[[0, 3]], [[7, 8]]]).feasible
