"""What each rule of play and of the system does, by schedules made by hand."""

import numpy as np
import pytest

from schedlab.envs.soc import state as s
from schedlab.envs.soc.config import SocConfig
from schedlab.envs.soc.instance import Physics, SocInstance, jobs_at_once
from schedlab.envs.soc.platform import Kind, Platform

from .scenes import graph, platform_of, started


def bound(simulator, *bindings):
    """Bind tasks, named by their place among all, to PEs; ``None`` defers."""
    for binding in bindings:
        action = simulator.action_mask.shape[1] - 1
        if binding is not None:
            task, pe = binding
            count = simulator.state.row[0, s.READY]
            action = simulator.state.ready[0, :count].tolist().index(task) * simulator.state.row[0, s.NUM_PES] + pe
        simulator.step(np.array([action]))
        assert not simulator.illegal[0], binding
    return simulator


def starts(simulator):
    assert simulator.done[0]
    return simulator.solution(0).start.tolist()


@pytest.mark.parametrize(("queue_order", "expected"), [("fifo", [0, 12, 14, 10]), ("job", [0, 10, 14, 12])])
def test_a_pe_takes_tasks_as_they_were_bound_or_the_oldest_job_first(queue_order, expected):
    application, tables = graph("q", [[10], [2]], [])
    instance = jobs_at_once("two", platform_of(*tables), (application, application), Physics(queue_order=queue_order))
    simulator = started(instance, SocConfig())
    assert starts(bound(simulator, (0, 0), (3, 0), (1, 0), (2, 0))) == expected


def test_a_task_whose_data_is_there_overtakes_one_whose_data_is_not():
    # 0 -> 1 with a transfer of 8 from P0 to P1; 2 comes from P0 as well, without
    application, tables = graph("o", [[3, 9], [9, 5], [9, 6]], [(0, 1, 8), (0, 2, 0)])
    instance = jobs_at_once("overtake", platform_of(*tables), (application,))
    assert starts(bound(started(instance, SocConfig()), (0, 0), (1, 1), (2, 1))) == [0, 11, 3]
    # it is not interrupted when the data comes
    longer, tables = graph("o", [[3, 9], [9, 5], [9, 60]], [(0, 1, 8), (0, 2, 0)])
    instance = jobs_at_once("overtake", platform_of(*tables), (longer,))
    assert starts(bound(started(instance, SocConfig()), (0, 0), (1, 1), (2, 1))) == [0, 63, 3]


@pytest.mark.parametrize(
    ("rounding", "expected"), [("floor", [0, 6, 10]), ("nearest", [0, 6, 11]), ("ceil", [0, 7, 12])]
)
def test_delays_are_rounded(rounding, expected):
    application, tables = graph("r", [[4, 9], [9, 1], [1, 9]], [(0, 1, 25), (1, 2, 36)])
    instance = jobs_at_once("chain", platform_of(*tables, bandwidth=10.0), (application,), Physics(rounding=rounding))
    assert starts(bound(started(instance, SocConfig()), (0, 0), (1, 1), (2, 0))) == expected


def test_a_tenth_of_thirty_is_three():
    application, tables = graph("r", [[4, 9], [9, 1]], [(0, 1, 0.3)])
    instance = jobs_at_once("chain", platform_of(*tables, bandwidth=0.1), (application,))
    assert starts(bound(started(instance, SocConfig()), (0, 0), (1, 1))) == [0, 7]


def test_within_a_pe_data_takes_the_time_of_its_own_link():
    application, tables = graph("r", [[4], [1]], [(0, 1, 6)])
    for same_pe, start in ((np.inf, 4), (2.0, 7)):
        instance = jobs_at_once("chain", platform_of(*tables, same_pe=same_pe), (application,))
        assert starts(bound(started(instance, SocConfig()), (0, 0), (1, 0))) == [0, start]


@pytest.mark.parametrize(("shortest_task", "expected"), [(0, [0, 0, 5]), (1, [0, 1, 6]), (3, [0, 3, 8])])
def test_no_task_is_shorter_than_the_shortest(shortest_task, expected):
    application, tables = graph("z", [[0], [5], [2]], [(0, 1, 0), (1, 2, 0)])
    instance = jobs_at_once("chain", platform_of(*tables), (application,), Physics(shortest_task=shortest_task))
    simulator = bound(started(instance, SocConfig()), (0, 0), (1, 0), (2, 0))
    assert starts(simulator) == expected
    assert simulator.objective()[0] == expected[-1] + max(2, shortest_task)


@pytest.mark.parametrize(("transfers", "expected"), [("from-finish", 9), ("from-binding", 12)])
def test_data_travels_from_the_finish_or_from_the_binding(transfers, expected):
    application, tables = graph("t", [[4, 9], [7, 9], [9, 1]], [(0, 2, 5)])
    kinds = (Kind("two", 2, tables[0]), Kind("one", 1, tables[1]))
    instance = jobs_at_once("late", Platform("P", kinds, np.ones((2, 2))), (application,), Physics(transfers=transfers))
    simulator = started(instance, SocConfig())
    bound(simulator, (0, 0), (1, 1), None)
    assert simulator.now[0] == 7, "deferred until the next task ends"
    assert starts(bound(simulator, (2, 2)))[2] == expected


@pytest.mark.parametrize(("completions_first", "expected"), [(True, [0, 4, 6, 10]), (False, [0, 8, 4, 10])])
def test_tasks_that_end_when_a_job_arrives_are_known_before_or_after(completions_first, expected):
    application, tables = graph("c", [[4], [2]], [(0, 1, 0)])
    instance = SocInstance(
        "jobs", platform_of(*tables), (application,), np.zeros(2, np.int64), np.array([4]), 1,
        physics=Physics(completions_first=completions_first),
    )  # fmt: skip
    simulator = started(instance, SocConfig())
    bound(simulator, (0, 0))
    assert simulator.now[0] == 4
    assert simulator.state.row[0, s.READY] == (2 if completions_first else 1)
    while not simulator.done[0]:
        simulator.step(np.zeros(1, np.int64))
    assert starts(simulator) == expected


def test_frequencies_slow_tasks_down_and_save_energy():
    application, tables = graph("d", [[5], [3]], [(0, 1, 0)])
    kind = Kind("K", 1, tables[0], ((400.0, 500.0), (1000.0, 1000.0)), {1000.0: (2.0,)})
    instance = jobs_at_once("chain", Platform("P", (kind,), np.ones((1, 1)), idle_power=0.5), (application,))
    for dvfs, ends, watts in (("performance", [5, 8], 2.0), ("powersave", [13, 21], 2.0 * 0.4 * 0.25)):
        simulator = bound(started(instance, SocConfig(dvfs=dvfs, objective="energy-per-job")), (0, 0), (1, 0))
        assert simulator.solution(0).end.tolist() == ends
        assert simulator.objective()[0] == pytest.approx((watts + 0.5) * ends[-1])


def test_a_chosen_task_goes_where_it_would_finish_first():
    application, tables = graph("e", [[8, 3], [4, 2]], [])
    instance = jobs_at_once("two", platform_of(*tables), (application,))
    simulator = started(instance, SocConfig(action="task"))
    assert np.flatnonzero(simulator.action_mask[0]).tolist() == [0, 1]
    simulator.step(np.zeros(1, np.int64))
    simulator.step(np.zeros(1, np.int64))
    # the second would end at 4 on P0, at 5 behind the first
    assert simulator.solution(0).pe.tolist() == [1, 0]


def test_a_task_and_then_its_pe():
    application, tables = graph("e", [[8, 3], [4, -1]], [])
    instance = jobs_at_once("two", platform_of(*tables), (application,))
    simulator = started(instance, SocConfig(action="task-then-pe"))
    simulator.step(np.array([1]))
    assert np.flatnonzero(simulator.action_mask[0]).tolist() == [0], "P1 does not support it"
    simulator.step(np.array([0]))
    simulator.step(np.array([0]))
    assert np.flatnonzero(simulator.action_mask[0]).tolist() == [0, 1]
    simulator.step(np.array([1]))
    assert simulator.solution(0).pe.tolist() == [1, 0]


def test_only_the_tasks_that_became_ready_first_may_be_chosen():
    application, tables = graph("e", [[1]] * 5, [])
    instance = jobs_at_once("five", platform_of(*tables), (application,))
    simulator = started(instance, SocConfig(ready_limit=2))
    assert np.flatnonzero(simulator.action_mask[0]).tolist() == [0, 1], "and nothing is under way to wait for"
    simulator.step(np.array([1]))
    assert simulator.action_mask[0].tolist() == [True, True, True]


def test_agents_see_expected_times_only():
    application, tables = graph("n", [[10], [10]], [(0, 1, 0)])
    instance = SocInstance(
        "noisy", platform_of(*tables), (application,), np.zeros(1, np.int64), np.zeros(0, np.int64), 1,
        deviation=0.5, noise=np.array([1.0, -1.0]),
    )  # fmt: skip
    simulator = bound(started(instance, SocConfig(noise=0.5)), (0, 0))
    assert simulator.now[0] == 15
    bound(simulator, (1, 0))
    assert simulator.solution(0).end.tolist() == [15, 20]
