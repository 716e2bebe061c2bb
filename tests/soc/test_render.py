"""Pictures of runs."""

import numpy as np
import pytest

from schedlab.agents.random_policy import random_legal_actions
from schedlab.envs.core.figures import figure_to_array
from schedlab.envs.soc.catalog import applications, home_of
from schedlab.envs.soc.config import SocConfig
from schedlab.envs.soc.generate import random_instance
from schedlab.envs.soc.instance import SocInstance, jobs_at_once
from schedlab.envs.soc.render import draw_schedule, draw_schedule_text
from schedlab.envs.soc.simulate import SocSimulator, sizes_of
from schedlab.envs.soc.solution import SocSolution

from .strategies import played


def single(name="wifi-tx"):
    instance = jobs_at_once(name, home_of(name), (applications()[name],))
    return instance, played(instance, SocConfig(defer=False)).solution(0)


def stream(**values):
    config = SocConfig(**{"rate": 15.0, "length": 1500, "warm_up": 0, "defer": False} | values)
    instance = random_instance(config, np.random.default_rng(0))
    return instance, played(instance, config).solution(0)


def labels(figure):
    return {text.get_text().replace("\n", "-") for text in figure.axes[0].texts}


def test_one_job_is_drawn_with_the_names_of_its_tasks_and_its_transfers():
    instance, solution = single("canonical")
    figure = draw_schedule(instance, solution)
    assert figure_to_array(figure).std() > 0
    axes = figure.axes[0]
    assert axes.get_title() == f"canonical: 1 of 1 jobs finished, mean latency {solution.end.max():.1f} µs"
    assert len(axes.patches) - len(range(0, 3, 2)) == 10, "bars, and the shade behind every second kind"
    assert {f"n{k}" for k in range(1, 11)} & labels(figure)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["arrivals", "P1", "P2", "P3"]
    edges = instance.applications[0].edges
    between = int((solution.pe[edges[:, 0]] != solution.pe[edges[:, 1]]).sum())
    assert sum(len(lines.get_paths()) for lines in axes.collections if lines.get_paths()[0].codes is None) == between


def test_names_that_do_not_fit_are_left_out_or_broken_after_hyphens():
    figure = draw_schedule(*single())
    names = set(applications()["wifi-tx"].tasks)
    assert labels(figure)
    assert labels(figure) <= names
    assert "end" not in labels(figure), "it takes no time"


def test_a_long_run_shows_its_beginning_and_says_so():
    instance, solution = stream(length=20_000)
    figure = draw_schedule(instance, solution)
    title = figure.axes[0].get_title()
    assert "; the first " in title
    assert " of 20000 µs" in title
    assert len(figure.axes[0].patches) <= 403
    text = draw_schedule_text(instance, solution)
    assert "; the first " in text
    assert draw_schedule(instance, solution, "mine").axes[0].get_title().startswith("mine; the first ")


def test_many_transfers_are_left_out_and_it_says_so():
    instance, solution = stream(
        platform="random", applications="random", num_tasks=40, num_pes=20, rate=20.0, length=20_000
    )
    assert "transfers not shown" in draw_schedule(instance, solution).axes[0].get_title()


def test_what_still_runs_is_hatched():
    instance, solution = stream()
    figure = draw_schedule(instance, solution)
    assert (solution.start[solution.end < 0] >= 0).any()
    assert figure.axes[0].get_title().endswith("hatched: not finished")
    assert sum(patch.get_hatch() is not None for patch in figure.axes[0].patches) > 0


@pytest.mark.parametrize("steps", [0, 1, 7, 40])
def test_a_run_is_drawn_while_it_is_played(steps):
    config = SocConfig(rate=15.0, length=1500, warm_up=0)
    instance = random_instance(config, np.random.default_rng(0))
    simulator = SocSimulator(sizes_of([instance]), 1, config)
    simulator.reset([instance])
    rng = np.random.default_rng(0)
    for _ in range(steps):
        simulator.step(random_legal_actions(simulator.action_mask, rng))
    assert figure_to_array(draw_schedule(instance, simulator.solution(0))).size
    assert "jobs finished" in draw_schedule_text(instance, simulator.solution(0))


def test_nothing_at_all_is_drawn():
    instance, _ = single()
    empty = SocSolution.empty(1, instance.num_tasks)
    assert figure_to_array(draw_schedule(instance, empty)).size
    assert draw_schedule_text(instance, empty).startswith("wifi-tx: 0 of 0 jobs finished\n")


def test_drawing_changes_no_solution():
    instance, solution = stream()
    before = solution.to_json()
    draw_schedule(instance, solution)
    draw_schedule_text(instance, solution)
    assert solution.to_json() == before


@pytest.mark.parametrize("width", [20, 80, 200])
def test_the_text_has_a_line_for_each_pe_with_its_jobs(width):
    instance, solution = stream()
    head, *rows, ends = draw_schedule_text(instance, solution, width).splitlines()
    assert head.startswith("ds3-15: ")
    assert [row.split("|")[0].strip() for row in rows] == instance.platform.pe_names
    assert len(set(map(len, rows))) == 1
    assert len(rows[0]) <= max(width, 18)
    assert ends.endswith(" µs")
    assert all((set(row.split("|")[1]) == {" "}) == (not (solution.pe == pe).any()) for pe, row in enumerate(rows))


def test_the_text_of_a_small_schedule():
    app = applications()["canonical"]
    instance = SocInstance("two", home_of("canonical"), (app,), np.zeros(2, np.int64), np.array([30]), prefilled=1)
    solution = SocSolution.empty(2, 20)
    solution.arrival[:] = [0, 30]
    for task, pe, start, end in ((0, 2, 0, 9), (5, 2, 9, 18), (3, 0, 20, 30), (10, 1, 40, 56), (11, 0, 60, 100)):
        solution.pe[task], solution.start[task], solution.end[task] = pe, start, end
    # a character is 10 µs, or a part of them
    assert draw_schedule_text(instance, solution, width=14).splitlines()[1:] == [
        "P1 |  0   1111",
        "P2 |    11    ",
        "P3 |00        ",
        "   0    100 µs",
    ]
