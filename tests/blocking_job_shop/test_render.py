"""Pictures of complete and of unfinished schedules."""

import numpy as np
import pytest

from schedlab.envs.blocking_job_shop import PROBLEM, BlockingInstance, Breakdowns, Terms
from schedlab.envs.blocking_job_shop.render import bars_of
from schedlab.envs.job_shop import JobShopInstance
from schedlab.envs.job_shop.solution import JobShopSolution

SHOP = JobShopInstance.from_jobs([[(0, 10), (1, 10)], [(1, 50)], [(0, 20)]])
STARTS = JobShopSolution(np.array([0, 50, 0, 50]))


def test_the_text_shows_work_and_blocking():
    text = PROBLEM.draw_text(BlockingInstance(SHOP), STARTS, width=74)
    head, first, second, _ = text.splitlines()
    assert head == "instance: makespan 70 (- blocked)"
    assert first == "M0 |" + "0" * 10 + "-" * 40 + "2" * 20
    assert second == "M1 |" + "1" * 50 + "0" * 10 + " " * 10


def test_a_job_that_cannot_go_on_yet_holds_its_machine_until_the_end_of_the_picture():
    bars, span = bars_of(BlockingInstance(SHOP), JobShopSolution(np.array([0, -1, 0, -1])))
    assert span == 50
    assert [(bar.start, bar.end, bar.leave) for bar in bars] == [(0, 10, 50), (0, 50, 50)]


@pytest.mark.parametrize("starts", [[0, 50, 0, 50], [0, -1, 0, -1], [-1, -1, -1, -1]])
@pytest.mark.parametrize("probability", [0.0, 0.05])
def test_figures_of_any_state_are_drawn(starts, probability):
    pytest.importorskip("matplotlib")
    from schedlab.envs.core.figures import figure_to_array

    instance = BlockingInstance(SHOP, Terms(True, Breakdowns(probability)), 3)
    solution = JobShopSolution(np.array(starts))
    assert figure_to_array(PROBLEM.draw(instance, solution)).std() > 0
    text = PROBLEM.draw_text(instance, solution)
    assert ("# down" in text) == (probability > 0)
