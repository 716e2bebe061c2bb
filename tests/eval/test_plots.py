"""Distributions over jobs, and the pictures of a benchmark."""

from dataclasses import replace

import numpy as np
import pytest

from schedlab.eval.comparison import compare
from schedlab.eval.distributions import (
    LEVELS,
    MAX_POINTS,
    cost_quantiles,
    mean_shares_above,
    read_distributions,
    share_above,
    write_distributions,
)
from schedlab.eval.plots import Pictured, draw_against, draw_distribution, draw_objectives, draw_seconds, save_pictures
from schedlab.eval.results import instance_means

from .rows import row

COLOURS = {"a": (1.0, 0.0, 0.0), "b": (0.0, 0.0, 1.0)}


def objectives(numbers, agent="a"):
    return [row(agent, str(k), objective=float(number)) for k, number in enumerate(numbers)]


def means(rows):
    return instance_means(rows, lambda item: item.objective)


def test_quantiles_are_costs_that_occur():
    quantiles = cost_quantiles(np.array([7.0, 0.0, 0.0, 0.0]))
    assert quantiles.shape == LEVELS.shape == (1001,)
    assert set(quantiles.tolist()) == {0.0, 7.0}, "nothing between a job in time and a job late by 7"
    assert (quantiles == 7).sum() == 250


@pytest.mark.parametrize("size", [1, 3, 10, 17, 1000, 4321])
def test_shares_above_a_cost_are_right_to_a_thousandth(size):
    costs = np.random.default_rng(size).exponential(30, size) * (np.arange(size) % 2)
    thresholds = np.array([0.0, 0.5, 10.0, 30.0, 100.0, costs.max(), 1e9])
    exact = (costs[:, None] > thresholds).mean(axis=0)
    assert np.abs(share_above(cost_quantiles(costs), thresholds) - exact).max() <= 0.001 + 1e-12


def test_shares_are_averaged_over_seeds_first_and_then_over_instances():
    rows = [row("a", "x", seed=0), row("a", "x", seed=1), row("a", "y"), row("b", "y")]
    late = dict(zip([r.key for r in rows[:3]], ([4.0, 4.0], [0.0, 0.0], [0.0, 4.0]), strict=True))
    found = {key: cost_quantiles(np.array(costs)) for key, costs in late.items()}
    costs, shares = mean_shares_above(rows, found)
    assert costs.tolist() == [0, 4]
    assert list(shares) == ["a"], "a row without a distribution is left out"
    assert shares["a"].tolist() == pytest.approx([((1 + 0) / 2 + 0.5) / 2, 0])


def test_lines_have_a_bounded_number_of_points():
    rows = [row("a", str(k)) for k in range(5)]
    rng = np.random.default_rng(0)
    found = {r.key: cost_quantiles(rng.exponential(10, 3000)) for r in rows}
    costs, shares = mean_shares_above(rows, found)
    assert len(costs) == len(shares["a"]) <= MAX_POINTS
    assert np.all(np.diff(costs) > 0)
    assert costs[0] == 0
    assert costs[-1] == pytest.approx(max(quantiles[-1] for quantiles in found.values()))


def test_distributions_come_back_from_their_file(tmp_path):
    found = {("x", "a", 3): cost_quantiles(np.array([0.0, 2.5])), ("y", "a", 0): cost_quantiles(np.array([1.0]))}
    write_distributions(tmp_path, found)
    again = read_distributions(tmp_path)
    assert list(again) == list(found)
    assert all(np.array_equal(again[key], found[key]) for key in found)
    assert read_distributions(tmp_path / "elsewhere") == {}


def test_pictures_are_written_as_far_as_there_is_something_to_show(tmp_path):
    rows = [*objectives([5, 6, 7]), *objectives([6, 6, 6], "b"), row("none", objective=None, gap=None, feasible=False)]
    assert save_pictures(tmp_path, Pictured(rows, "t")) == ["objectives.png", "seconds.png"]
    distributions = {r.key: cost_quantiles(np.array([0.0, 3.0])) for r in rows[:4]}
    pictured = Pictured(rows, "t", True, compare(rows, "b"), distributions, "tardiness")
    names = ["objectives.png", "seconds.png", "against.png", "distribution.png"]
    assert save_pictures(tmp_path, pictured) == names
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in names)
    assert save_pictures(tmp_path, Pictured(rows[-1:], "t")) == [], "no objective, no picture"


def test_the_line_of_quality_against_time_joins_those_that_nobody_beats_in_both(tmp_path):
    quick, slow, beaten = objectives([6, 6], "quick"), objectives([5, 5], "slow"), objectives([7, 7], "beaten")
    rows = [replace(r, seconds=s) for group, s in ((quick, 0.1), (slow, 9.0), (beaten, 1.0)) for r in group]
    means = {"slow": {"a": 5.0}, "quick": {"a": 6.0}, "beaten": {"a": 7.0}}
    colours = dict.fromkeys(means, (0.0, 0.0, 0.0))
    figure = draw_seconds(Pictured(rows, "t"), means, colours)
    assert figure.axes[0].lines[0].get_xydata().tolist() == [[9.0, 5.0], [0.1, 6.0]]
    assert draw_seconds(Pictured(slow, "t"), {"slow": {"a": 5.0}}, colours) is None, "one agent shows no trade"


@pytest.mark.parametrize("minimise", [True, False])
def test_boxes_stand_in_the_order_of_their_means(tmp_path, monkeypatch, minimise):
    drawn = []
    monkeypatch.setattr("schedlab.eval.plots.save_figure", lambda figure, path: drawn.append(figure))
    save_pictures(tmp_path, Pictured([*objectives([5, 6, 9]), *objectives([1, 2, 3], "b")], "t", minimise))
    ticks = [label.get_text() for label in drawn[0].axes[0].get_xticklabels()]
    assert ticks == (["b", "a"] if minimise else ["a", "b"])


@pytest.mark.parametrize(
    ("numbers", "scale"),
    [
        ([10, 100, 200], "linear"),
        ([10, 100, 201], "log"),
        ([0, 10, 200], "linear"),
        ([0, 10, 201], "symlog"),
        ([0], "linear"),
    ],
)
def test_objectives_that_spread_by_more_than_a_factor_of_20_get_a_logarithmic_axis(numbers, scale):
    rows = objectives(numbers)
    axes = draw_objectives(Pictured(rows, "t"), means(rows), COLOURS).axes[0]
    assert axes.get_yscale() == scale
    low, high = axes.get_ylim()
    assert low <= min(numbers) <= max(numbers) <= high
    assert sum(len(points.get_offsets()) for points in axes.collections) == len(numbers)


def test_a_picture_against_a_reference_counts_below_equal_and_above():
    rows = [*objectives([10, 20, 30, 40]), *objectives([9, 19, 30, 41], "b")]
    figure = draw_against(Pictured(rows, "t", compared=compare(rows, "a")), means(rows), COLOURS)
    (text,) = [entry.get_text() for entry in figure.legends[0].get_texts()]
    assert text == "b: 2 below, 1 equal, 1 above"
    axes = figure.axes[0]
    assert axes.get_xlim() == axes.get_ylim()
    assert axes.collections[0].get_offsets().tolist() == [[10, 9], [20, 19], [30, 30], [40, 41]]
    assert axes.get_xlabel() == "objective of a"
    assert draw_against(Pictured(rows, "t"), means(rows), COLOURS) is None


@pytest.mark.parametrize(("largest", "scale"), [(30.0, "linear"), (3000.0, "symlog")])
def test_a_distribution_has_a_line_per_agent_and_bends_its_axis_for_a_long_tail(largest, scale):
    rows = [row("a"), row("b")]
    costs = np.concatenate([np.zeros(50), np.linspace(1, 20, 49), [largest]])
    found = {r.key: cost_quantiles(costs * factor) for r, factor in zip(rows, (1, 2), strict=True)}
    axes = draw_distribution(Pictured(rows, "t", True, (), found, "tardiness"), COLOURS).axes[0]
    assert [line.get_label() for line in axes.lines] == ["a", "b"]
    assert (axes.get_xscale(), axes.get_yscale()) == (scale, "log")
    assert axes.get_xlim()[0] == 0
    assert axes.get_ylim()[0] < 0.01 < axes.get_ylim()[1]
    assert axes.lines[0].get_ydata()[0] == pytest.approx(0.5)
    assert axes.get_ylabel() == "share of jobs with tardiness above x"


def test_a_run_whose_jobs_are_all_in_time_has_no_distribution_to_draw():
    rows = [row("a")]
    found = {rows[0].key: cost_quantiles(np.zeros(3))}
    for known in (found, {}):
        assert draw_distribution(Pictured(rows, "t", True, (), known, "tardiness"), COLOURS) is None
