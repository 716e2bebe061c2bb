"""Differences, win rates, profiles, the best rule in hindsight and the share of the gap closed."""

import json

import numpy as np
import pytest
from scipy import stats

from schedlab.envs.core import InputError
from schedlab.eval.cli import main
from schedlab.eval.compare_command import merged_rows
from schedlab.eval.comparison import (
    HINDSIGHT,
    agent_kind,
    best_in_hindsight,
    best_rule,
    compare,
    gap_closed,
    performance_profiles,
    win_rate,
)
from schedlab.eval.intervals import mean_interval, ratio_interval, share_interval
from schedlab.eval.results import summarise, write_results

from .rows import row


def rows_of(**objectives):
    """``rows_of(spt=[10, 20])``: two instances."""
    return [
        row(agent=agent.replace("_", "-"), instance=f"i{number}", objective=None if value is None else float(value))
        for agent, values in objectives.items()
        for number, value in enumerate(values)
    ]


def test_the_interval_of_a_mean_covers_it_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(100):
        low, high = mean_interval(rng.normal(1.0, 1.0, 30))
        held += low <= 1.0 <= high
    assert 88 <= held <= 100


def test_an_interval_of_equal_values_is_that_value():
    assert mean_interval([2.0, 2.0, 2.0]) == (2.0, 2.0)


def test_a_ratio_of_sums_is_resampled_by_instance_not_side_by_side():
    below = np.random.default_rng(0).uniform(1, 100, 50)
    # numerator and denominator rise together, so the ratio hardly moves
    low, high = ratio_interval(list(0.5 * below), list(below))
    assert (low, high) == (pytest.approx(0.5), pytest.approx(0.5))
    assert ratio_interval([1.0, 1.0], [0.0, 0.0]) is None
    assert ratio_interval([1.0], [1.0]) is None


def test_the_interval_of_a_share_is_wilsons_and_not_empty_at_the_ends():
    low, high = share_interval(8, 8)
    z = stats.norm.ppf(0.975)
    assert low == pytest.approx(8 / (8 + z**2))
    assert high == 1.0
    assert share_interval(0, 0) is None


def test_wins_ties_and_losses_are_counted_on_the_instances_that_both_solved():
    wins = win_rate({"a": (1.0, 2.0), "b": (2.0, 2.0 + 1e-12), "c": (3.0, 1.0)})
    assert (wins.wins, wins.ties, wins.losses, wins.rate) == (1, 1, 1, 0.5)
    profits = win_rate({"a": (3.0, 2.0)}, minimise=False)
    assert (profits.wins, profits.rate) == (1, 1.0)
    assert win_rate({"a": (1.0, 1.0)}).rate is None


def test_only_seeds_that_both_solved_are_compared_where_both_have_several():
    rows = [row(agent="a", seed=0, objective=10.0), row(agent="a", seed=1, objective=100.0)]
    rows += [row(agent="b", seed=0, objective=11.0), row(agent="b", seed=1, objective=None, feasible=False)]
    rows += [row(agent="b", seed=2, objective=5.0)]
    (item,) = compare(rows, "a")
    assert item["mean_difference"] == 1.0
    # an agent without chance has one row, which stands for all seeds
    alone = [*rows[:2], row(agent="rule", seed=0, objective=50.0)]
    assert compare(alone, "a")[0]["mean_difference"] == -5.0


def test_a_relative_difference_keeps_its_sign_where_objectives_are_negative():
    (item,) = compare(rows_of(spt=[-100], edd=[-50]), "spt", minimise=False)
    assert item["relative_difference"] == 0.5


def test_the_interval_of_a_mean_gap_resamples_instances_and_not_their_seeds():
    rows = [row(instance=name, seed=seed, gap=gap) for name, gap in (("x", 0.1), ("y", 0.5)) for seed in range(50)]
    assert summarise(rows)[0]["gap_interval_95"] == (pytest.approx(0.1), pytest.approx(0.5))


def test_a_comparison_says_lower_whatever_is_better():
    (item,) = compare(rows_of(spt=[10, 10], edd=[8, 11]), "spt", minimise=False)
    assert (item["lower"], item["wins"], item["losses"]) == (1, 1, 1)


def test_kinds_of_agents_are_read_from_their_names():
    assert agent_kind("job-shop", "spt") == "rule"
    assert agent_kind("job-shop", "random@64") == "search"
    assert agent_kind("job-shop", "ppo@16") == agent_kind("job-shop", "ppo:runs/mine@4") == "learned"
    assert agent_kind("job-shop", "cp-sat (ten-seconds)") == "exact"
    assert agent_kind("job-shop", "<script>") == agent_kind("no-such-problem", "spt") == "unknown"


def test_the_best_rule_is_chosen_on_the_instances_that_all_rules_solved_and_is_not_random():
    rows = rows_of(spt=[10, 10, 1], edd=[9, 9, None], random=[1, 1, 1], tabu=[1, 1, 1])
    assert best_rule(rows) == "edd"
    assert best_rule(rows, minimise=False) == "spt"
    assert best_rule(rows_of(tabu=[1])) is None


def test_the_best_rule_in_hindsight_takes_the_best_of_each_instance_and_pays_for_all():
    found = best_in_hindsight(rows_of(spt=[10, 7, None], edd=[9, 8, None], tabu=[1, 1, 1]))
    assert [(item.instance, item.objective) for item in found] == [("i0", 9.0), ("i1", 7.0)]
    assert all(item.agent == HINDSIGHT and item.seconds == 1.0 and item.samples == 2 for item in found)
    assert best_in_hindsight(rows_of(spt=[1], tabu=[1])) == []


def test_the_best_rule_in_hindsight_is_one_rule_per_instance_whatever_its_seeds():
    rows = [row(agent="spt", seed=0, objective=100.0), row(agent="mwkr", seed=5, objective=50.0)]
    assert [item.objective for item in best_in_hindsight(rows)] == [50.0]
    luck = [row(agent="atc", seed=seed, objective=value) for seed, value in enumerate((1.0, 99.0))]
    steady = [row(agent="spt", seed=0, objective=40.0)]
    assert [item.objective for item in best_in_hindsight([*luck, *steady])] == [40.0]


def test_the_tightest_bound_counts_and_a_reference_beyond_its_bound_has_no_gap():
    rows = [row(agent="spt", objective=100.0, bound=50.0), row(agent="ppo", objective=80.0, bound=70.0)]
    assert gap_closed(rows, "ppo", "spt").share == gap_closed(rows[::-1], "ppo", "spt").share == pytest.approx(2 / 3)
    beyond = [row(agent="spt", objective=98.0, bound=100.0), row(agent="ppo", objective=99.0, bound=100.0)]
    assert gap_closed(beyond, "ppo", "spt") is None


def test_the_share_of_the_gap_closed_is_a_ratio_of_sums():
    rows = rows_of(spt=[20, 40], ppo=[15, 25])  # bounds are 9: 5 + 15 of 11 + 31
    closed = gap_closed(rows, "ppo", "spt")
    assert closed.share == pytest.approx(20 / 42)
    assert closed.count == 2
    assert closed.interval[0] <= closed.share <= closed.interval[1]
    assert gap_closed(rows_of(spt=[9, 9], ppo=[10, 9]), "ppo", "spt") is None


def test_the_share_of_the_gap_closed_of_a_profit_counts_upwards():
    rows = [row(agent=name, objective=value, bound=100.0) for name, value in (("spt", 60.0), ("ppo", 80.0))]
    assert gap_closed(rows, "ppo", "spt", minimise=False).share == pytest.approx(0.5)


def test_profiles_begin_with_the_share_of_firsts_and_unsolved_instances_never_count():
    profiles = performance_profiles(rows_of(spt=[10, 10, 20, None], edd=[11, 10, 10, 10]))
    assert profiles.count == 4
    assert profiles.shares["spt"][0] == 0.5
    assert profiles.shares["edd"][0] == 0.75
    assert profiles.shares["spt"][-1] == 0.75
    assert profiles.shares["edd"][-1] == 1.0
    assert profiles.factors.tolist() == pytest.approx([1.0, 1.1, 2.0])
    assert all((np.diff(share) >= 0).all() for share in profiles.shares.values())
    assert performance_profiles(rows_of(spt=[1])) is None
    assert performance_profiles(rows_of(spt=[0], edd=[0])) is None


def test_profiles_of_profits_divide_the_best_by_the_agents():
    profiles = performance_profiles(rows_of(spt=[10], edd=[5]), minimise=False)
    assert profiles.factors.tolist() == [1.0, 2.0]
    assert profiles.shares["edd"].tolist() == [0.0, 1.0]


def folder_with(path, rows, **about):
    path.mkdir()
    write_results(path, rows, about)
    return path


def test_folders_are_merged_and_an_agent_with_two_results_is_told_apart(tmp_path):
    one = folder_with(tmp_path / "one", rows_of(spt=[10, 20], cp_sat=[9, 18]))
    two = folder_with(tmp_path / "two", rows_of(spt=[10, 20], cp_sat=[9, 17]))
    agents = [item.agent for item in merged_rows([one, two])]
    assert list(dict.fromkeys(agents)) == ["spt", "cp-sat", "cp-sat (two)"]
    assert len(agents) == 6


def test_the_verb_prints_writes_and_draws(tmp_path, capsys):
    folder = folder_with(tmp_path / "one", rows_of(spt=[10, 20, 30], edd=[12, 19, 33], ppo=[9, 18, 27]))
    out, plot = tmp_path / "compared.json", tmp_path / "profiles.png"
    assert main(["compare", str(folder), "--out", str(out), "--plot", str(plot)]) == 0
    text = capsys.readouterr().out
    assert "against spt" in text
    assert HINDSIGHT in text
    assert json.loads(out.read_text())["gap_closed"]["ppo"]["share"] == pytest.approx(6 / 33)
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_bad_input_gets_one_line(tmp_path, capsys):
    mine = folder_with(tmp_path / "mine", rows_of(tabu=[1]))
    empty = folder_with(tmp_path / "empty", [])
    for words, told in (
        ([str(tmp_path / "none")], "no such file"),
        ([str(empty)], "holds no rows"),
        ([str(mine)], "--against"),
        ([str(mine), "--against", "spt"], "spt"),
    ):
        assert main(["compare", *words]) == 2
        error = capsys.readouterr().err
        assert told in error
        assert error.count("\n") == 1


def test_folders_of_two_configurations_are_refused_and_what_was_not_given_is_the_default(tmp_path, capsys):
    late = folder_with(tmp_path / "late", rows_of(spt=[5]), config={"objective": "total-tardiness"})
    short = folder_with(tmp_path / "short", rows_of(edd=[5]), config={})
    same = folder_with(tmp_path / "same", rows_of(atc=[6]), config={"objective": "makespan"})
    old = folder_with(tmp_path / "old", rows_of(mwkr=[6]))
    (tmp_path / "older").mkdir()
    older = tmp_path / "older"
    write_results(older, rows_of(lwkr=[6]), {})
    (older / "summary.json").unlink()
    assert len(merged_rows([old, short, older, same])) == 4
    assert main(["compare", str(old), str(short), str(late)]) == 2
    error = capsys.readouterr().err
    assert f"{late}: was run with objective 'total-tardiness', but {short} with 'makespan'" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("summary", ["[1]", "{"])
def test_a_summary_that_is_none_is_told_of(tmp_path, summary):
    folder = folder_with(tmp_path / "one", rows_of(spt=[1]))
    (folder / "summary.json").write_text(summary)
    with pytest.raises(InputError, match=r"summary\.json"):
        merged_rows([folder])


def test_an_agent_that_is_called_like_the_best_of_all_rules_is_refused(tmp_path):
    folder = folder_with(tmp_path / "one", [*rows_of(spt=[1], edd=[2]), row(agent=HINDSIGHT)])
    with pytest.raises(InputError, match="is called 'best rule in hindsight'"):
        merged_rows([folder])


def test_folders_of_two_problems_are_refused(tmp_path):
    one = folder_with(tmp_path / "one", rows_of(spt=[1]))
    two = folder_with(
        tmp_path / "two", [row(agent="spt").__class__("vm", "x", "ha", 1.0, None, "none", None, 0, 1, 0, True)]
    )
    with pytest.raises(InputError, match="is of vm, not of job-shop"):
        merged_rows([one, two])
