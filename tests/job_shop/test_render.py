"""Gantt charts, as pictures and as text."""

import numpy as np
import pytest

from schedlab.agents import run_policy
from schedlab.agents.job_shop import RULES, RulePolicy
from schedlab.envs.core import InputError
from schedlab.envs.core.figures import figure_to_array, save_figure
from schedlab.envs.job_shop import PROBLEM, JobShopConfig, JobShopSolution
from schedlab.envs.job_shop.catalog import named_instance


def schedule(instance):
    simulator = PROBLEM.simulator_for([instance], JobShopConfig())
    run_policy(RulePolicy(RULES["mwkr"]), simulator, [instance])
    return simulator.solution(0)


@pytest.mark.parametrize("name", ["ft06", "la01", "ta01", "ta71"])
def test_a_chart_has_a_bar_for_every_operation(name):
    instance = named_instance(name)
    figure = PROBLEM.draw(instance, schedule(instance))
    axes = figure.axes[0]
    assert len(axes.collections[0].get_paths()) == instance.num_operations
    assert axes.get_xlim()[1] == (schedule(instance).start + instance.duration).max()
    assert figure_to_array(figure).shape[2] == 3


def test_late_jobs_are_outlined_and_the_title_says_so(ft06):
    late = ft06.with_due_dates(1.0)
    figure = PROBLEM.draw(late, schedule(ft06))
    assert "red outline" in figure.axes[0].get_title()
    assert "red outline" not in PROBLEM.draw(ft06.with_due_dates(9.0), schedule(ft06)).axes[0].get_title()


def test_an_unfinished_schedule_is_drawn_as_far_as_it_goes(ft06):
    start = schedule(ft06).start.copy()
    start[20:] = -1
    figure = PROBLEM.draw(ft06, JobShopSolution(start))
    assert "20 of 36 operations" in figure.axes[0].get_title()
    empty = PROBLEM.draw(ft06, JobShopSolution(np.full(36, -1)))
    assert figure_to_array(empty).size > 0


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_pictures_are_written_by_their_suffix(tmp_path, ft06, suffix):
    path = tmp_path / f"gantt{suffix}"
    save_figure(PROBLEM.draw(ft06, schedule(ft06)), path)
    assert path.stat().st_size > 1000


def test_unknown_suffixes_and_missing_folders_are_refused(tmp_path, ft06):
    figure = PROBLEM.draw(ft06, schedule(ft06))
    with pytest.raises(InputError, match="pictures end in"):
        save_figure(figure, tmp_path / "gantt.gif")
    with pytest.raises(InputError, match="does not exist"):
        save_figure(figure, tmp_path / "none" / "gantt.png")


def test_the_text_chart_shows_each_machine_busy_for_its_load(ft06):
    solution = schedule(ft06)
    span = int((solution.start + ft06.duration).max())
    lines = PROBLEM.draw_text(ft06, solution, width=span + 4).splitlines()
    assert lines[0].startswith(f"ft06: makespan {span}")
    for machine, line in enumerate(lines[1:-1]):
        busy = line.split("|", 1)[1]
        assert len(busy.replace(" ", "")) == ft06.duration[ft06.machine == machine].sum()
