"""What views show of solutions is what the checkers say of them."""

import copy
import json
from functools import cache

import numpy as np
import pytest

from schedlab.agents.random_policy import random_legal_actions
from schedlab.envs import PROBLEMS
from schedlab.envs.core import Problem, load_problem
from schedlab.envs.core.view import Line, view_from_json
from schedlab.envs.job_shop import JobShopInstance, JobShopSolution
from schedlab.envs.uam.activity import Activity
from schedlab.envs.vm.solution import VmSolution

from .short_episodes import SHORT

GANTT = [name for name in PROBLEMS if name not in ("vm", "uam")]
SMALL = {"job-shop": {"num_jobs": 4, "num_machines": 3}, "blocking-job-shop": {"num_jobs": 4, "num_machines": 3}}
FAILING = (("breakdown_probability", 0.02),)
BREAKING = (("breakdown_level", 0.1), ("repair_time", 2.0), ("utilisation", 0.8), ("due_date_factor", 1.5))


@cache
def played(name, extra=(), seed=0, most=None):
    """Problem, configuration, instance and solution of random legal play, of a part of it if so many steps."""
    problem = load_problem(name)
    config = problem.configure({**SHORT.get(PROBLEMS[name].env_id, {}), **SMALL.get(name, {}), **dict(extra)})
    rng = np.random.default_rng(seed)
    return problem, config, *solved(problem, config, problem.sampler(config)(rng), rng, most)


def solved(problem, config, instance, rng, most=None):
    simulator = problem.simulator_for([instance], config)
    simulator.reset([instance])
    while simulator.done_count == 0 and (most is None or simulator.steps[0] < most):
        simulator.step(random_legal_actions(simulator.action_mask, rng))
    return instance, simulator.solution(0)


def view_of(name, *arguments, **options):
    problem, config, instance, solution = played(name, *arguments, **options)
    return problem.view(instance, solution, config), problem.check(instance, solution, config)


def styled(view, *styles):
    return [bar for bar in view.bars if view.styles[bar.style] in styles]


@pytest.mark.parametrize("most", [0, 9, None])
@pytest.mark.parametrize("name", PROBLEMS)
def test_a_view_survives_json_whole_and_while_it_is_played(name, most):
    view, _ = view_of(name, most=most)
    assert view_from_json(json.loads(json.dumps(view.to_json(), allow_nan=False))) == view


@pytest.mark.parametrize(("name", "extra"), [*((name, ()) for name in GANTT), ("blocking-job-shop", FAILING),
                                             ("dynamic-job-shop", BREAKING)])  # fmt: skip
def test_bars_of_a_machine_never_overlap_but_for_failures(name, extra):
    view, report = view_of(name, extra)
    assert report.feasible
    assert view.bars == tuple(sorted(view.bars, key=lambda bar: bar.start))
    for style in (("down",), tuple(style for style in view.styles if style != "down")):
        for row in range(len(view.rows)):
            mine = [bar for bar in styled(view, *style) if bar.row == row]
            assert all(one.end <= two.start for one, two in zip(mine, mine[1:], strict=False))


@pytest.mark.parametrize("name", ["job-shop", "job-shop-improvement", "blocking-job-shop"])
def test_the_last_bar_ends_at_the_makespan_and_a_line_says_so(name):
    view, report = view_of(name)
    assert max(bar.end for bar in view.bars) == view.end == report.objective
    assert view.lines == (Line(view.end, f"makespan {view.end}"),)


def test_every_operation_of_a_job_shop_is_a_bar_with_its_job_machine_and_times():
    _, _, instance, solution = played("job-shop")
    view, _ = view_of("job-shop")
    job = np.repeat(np.arange(instance.num_jobs), np.diff(instance.first_operation))
    expected = zip(job, instance.machine, solution.start, solution.start + instance.duration, strict=True)
    assert sorted((bar.group, bar.row, bar.start, bar.end) for bar in view.bars) == sorted(expected)


def test_the_last_operation_of_a_late_job_says_how_late_it_is(tiny):
    shop = JobShopInstance.from_jobs(tiny.jobs(), due=[5, 6])
    view = load_problem("job-shop").view(shop, JobShopSolution(np.array([0, 4, 0, 4])), None)
    assert [(bar.text, view.styles[bar.style]) for bar in sorted(view.bars, key=lambda bar: bar[3:])] == [
        ("operation 0", "work"),
        ("operation 1, due 5, late by 1", "late"),
        ("operation 0", "work"),
        ("operation 1, due 6, late by 1", "late"),
    ]


def test_blocked_and_down_times_are_what_the_checker_counts():
    view, report = view_of("blocking-job-shop", FAILING)
    spent = {style: sum(bar.end - bar.start for bar in styled(view, style)) for style in view.styles}
    assert min(spent.values()) > 0
    assert spent["blocked"] / (spent["work"] + spent["blocked"]) == pytest.approx(report.measures["blocked_share"])
    assert spent["down"] / (len(view.rows) * view.end) == pytest.approx(report.measures["down_share"])
    assert all(bar.group == -1 for bar in styled(view, "down"))


def lateness_read_from(view, due, jobs):
    """Of some jobs, from where their last bar ends, and, where they are late, as its text says."""
    end = {bar.group: bar.end for bar in view.bars if bar.group >= 0}  # bars are by their starts
    late = {job: max(0, end[job] - int(due[job])) for job in jobs}
    told = {bar.group: int(bar.text.partition("late by ")[2].split(",")[0]) for bar in styled(view, "late")}
    assert {job: value for job, value in told.items() if job in late} == {job: late[job] for job in jobs if late[job]}
    return list(late.values())


def test_tardiness_on_a_single_machine_is_read_from_its_bars():
    _, _, instance, _ = played("single-machine")
    view, report = view_of("single-machine")
    assert sum(lateness_read_from(view, instance.due, range(instance.num_jobs))) == report.objective > 0
    assert view.end == instance.processing.sum()


def test_tardiness_in_a_dynamic_shop_is_read_from_its_bars():
    _, _, instance, _ = played("dynamic-job-shop", BREAKING)
    view, report = view_of("dynamic-job-shop", BREAKING)
    first, last = instance.first_recorded, instance.last_recorded
    late = lateness_read_from(view, instance.due, range(first, last + 1))
    assert np.mean(late) == pytest.approx(report.objective)
    assert report.objective > 0
    assert [(line.at, line.text.split(",")[0]) for line in view.lines] == [
        (instance.shop.release[job], f"job {job}") for job in (first, last)
    ]


def test_the_latency_of_a_job_on_a_chip_is_where_its_last_bar_ends():
    problem = load_problem("soc")
    config = problem.configure({})
    instance, solution = solved(problem, config, problem.load("wifi-tx", config), np.random.default_rng(0))
    view, report = problem.view(instance, solution, config), problem.check(instance, solution, config)
    last = max(view.bars, key=lambda bar: bar.end)
    assert last.end == view.end == report.objective
    assert last.text.endswith(f", latency of the job {report.objective:g} µs")
    assert view.time_unit == "µs"
    assert view.groups == ("job 0 wifi-tx",)
    assert len(view.bars) == instance.num_tasks


def test_tasks_that_the_end_of_a_run_interrupts_are_told_apart():
    _, _, instance, solution = played("soc")
    view, _ = view_of("soc")
    cut_off = (solution.start >= 0) & (solution.end < 0)
    assert len(styled(view, "unfinished")) == cut_off.sum() > 0
    assert all(bar.end <= instance.length for bar in view.bars)


def test_hosts_before_and_after_differ_by_the_moves_and_rates_are_the_checkers():
    problem, config, instance, solution = played("vm")
    view, report = view_of("vm")
    assert report.feasible
    assert len(view.moves) == len(solution) > 0
    for made in range(len(solution) + 1):
        part = problem.check(instance, VmSolution.of(solution.moves()[:made]), config)
        assert view.rates[made] == pytest.approx(part.objective, abs=1e-12)
    data = view.to_json()
    place = copy.deepcopy(data["items"]["before"])
    for move in data["moves"]:
        assert place[move["item"]] != move["to"]
        place[move["item"]] = move["to"]
    assert place == data["items"]["after"]
    assert data["free_fragment"]["after"] == pytest.approx(report.objective, abs=1e-12)
    assert data["free_fragment"]["before"] == pytest.approx(report.measures["initial_rate"], abs=1e-12)


def test_hosts_have_room_for_what_is_on_them():
    _, _, instance, _ = played("vm")
    view, report = view_of("vm")
    free = [list(nodes) for nodes in view.capacity]
    for item, places in zip(view.items, view.after(), strict=True):
        for host, node in places:
            free[host][node] -= item.size
    assert min(min(nodes) for nodes in free) >= 0
    assert sum(map(sum, free)) == report.measures["free_cores"]
    assert [len(item.before) for item in view.items] == instance.nodes.tolist()


def test_moves_that_do_not_exist_are_not_in_the_view():
    problem, config, instance, solution = played("vm")
    first = solution.moves()[0]
    view = problem.view(instance, VmSolution.of([(0, -1, 0), first, (10**6, 0, 0)]), config)
    assert view.moves == problem.view(instance, VmSolution.of([first]), config).moves
    assert len(view.rates) == 2


def test_the_legs_of_every_aircraft_chain_from_its_start():
    _, _, _, solution = played("uam")
    view, report = view_of("uam")
    assert report.feasible
    for plane, place in enumerate(view.vehicle_start):
        time = 0
        for leg in (leg for leg in view.legs if leg.vehicle == plane):
            assert leg.origin == place != leg.destination
            assert time <= leg.start < leg.end <= view.end
            place, time = leg.destination, leg.end
        rows = solution.legs[solution.legs[:, 0] == plane]
        assert place == rows[-1, 2]
    assert sum(leg.load for leg in view.legs) == report.measures["passengers"]
    assert len(view.legs) == report.measures["flights"] == sum(place.size for place in view.places) / 2


def test_aircraft_between_legs_are_where_the_pictures_show_them():
    _, _, instance, solution = played("uam")
    view, _ = view_of("uam")
    activity = Activity.of(instance, solution)
    for time in range(0, int(view.end), 1800):
        port = activity.moment(time).port
        for plane, place in enumerate(view.vehicle_start):
            mine = [leg for leg in view.legs if leg.vehicle == plane and leg.start <= time]
            if not mine or mine[-1].end <= time:
                assert port[plane] == (mine[-1].destination if mine else place)


def test_a_leg_tells_the_time_of_day_of_its_decision():
    _, _, _, solution = played("uam")
    view, _ = view_of("uam")
    first = min(solution.flights.tolist(), key=lambda row: row[4])
    minutes = int(view.clock + first[3]) // 60
    assert view.legs[0].text.startswith(f"decided {minutes // 60:02d}:{minutes % 60:02d}, ready ")


def test_a_problem_has_no_view_unless_it_says_so():
    problem, config, instance, solution = played("vm")
    assert Problem.view(problem, instance, solution, config) is None


def test_a_cluster_beyond_what_a_view_holds_has_none(monkeypatch):
    monkeypatch.setattr("schedlab.envs.vm.view.MAX_ITEMS", 5)
    assert view_of("vm")[0] is None
