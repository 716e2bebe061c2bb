"""Given instances that meet chance are played once for every seed."""

from schedlab.envs.core import load_problem
from schedlab.eval.instance_sets import expand_instances


def entries(problem, values, text, seeds=(0, 3)):
    problem = load_problem(problem)
    return expand_instances(text, seeds, problem, problem.configure(values))


def test_a_shop_whose_machines_fail_is_an_instance_for_every_seed():
    found = entries("blocking-job-shop", {"breakdown_probability": 0.01}, "la01-la02")
    assert [entry.name for entry in found] == ["la01/0", "la01/3", "la02/0", "la02/3"]
    assert [entry.seeds for entry in found] == [(0,), (3,), (0,), (3,)]
    assert [entry.instance.luck for entry in found] == [0, 3, 0, 3]


def test_two_shops_meet_different_failures_and_the_same_ones_again():
    first, second = (entries("blocking-job-shop", {"breakdown_probability": 0.01}, "la01") for _ in range(2))
    assert [entry.instance for entry in first] == [entry.instance for entry in second]
    assert first[0].instance != first[1].instance


def test_a_shop_without_failures_is_one_instance_for_all_seeds():
    (entry,) = entries("blocking-job-shop", {}, "la01")
    assert (entry.name, entry.seeds) == ("la01", (0, 3))


def test_problems_without_lucks_are_as_they_were(tmp_path):
    (entry,) = entries("job-shop", {}, "ft06")
    assert (entry.name, entry.seeds) == ("ft06", (0, 3))
    path = tmp_path / "run.txt"
    path.write_text("1 1\n0 3\ndue 9\n")
    (entry,) = entries("dynamic-job-shop", {}, str(path))  # chance is met, but a file brings all of it along
    assert (entry.name, entry.seeds) == ("run", (0, 3))
