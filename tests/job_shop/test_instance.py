"""Instances: what is accepted, what is refused, and what generators promise."""

import csv
import pickle

import numpy as np
import pytest

from schedlab.envs.core import InputError
from schedlab.envs.job_shop import PROBLEM, JobShopConfig, JobShopInstance
from schedlab.envs.job_shop.catalog import instance_names, known_makespans, named_instance
from schedlab.envs.job_shop.generate import Lehmer, random_instance, singer_pinedo_weights


def test_all_80_taillard_instances_are_built_in_with_their_published_sizes():
    sizes = [(15, 15), (20, 15), (20, 20), (30, 15), (30, 20), (50, 15), (50, 20), (100, 20)]
    for number in range(1, 81):
        instance = named_instance(f"ta{number:02d}")
        assert (instance.num_jobs, instance.num_machines) == sizes[(number - 1) // 10]
        assert instance.duration.min() >= 1
        assert instance.duration.max() <= 99
        for job in instance.jobs():
            assert sorted(machine for machine, _ in job) == list(range(instance.num_machines))


def test_taillards_first_instance_starts_with_the_published_numbers():
    # first row of the durations and of the machines (from 0) of ta01 as published in EJOR 64 (1993)
    first = named_instance("ta01").jobs()[0]
    assert [duration for _, duration in first] == [94, 66, 10, 53, 26, 15, 65, 82, 10, 27, 93, 92, 96, 70, 83]
    assert [machine for machine, _ in first] == [6, 12, 4, 7, 3, 2, 10, 11, 8, 14, 9, 13, 5, 0, 1]


def test_the_lehmer_generator_gives_the_standard_10000th_number():
    # Park & Miller (1988): starting from 1, the 10,000th value is 1043618065
    generator = Lehmer(1)
    for _ in range(10_000):
        generator.integer(0, 1)
    assert generator.state == 1043618065


def test_every_lehmer_seed_outside_its_range_is_refused():
    for seed in (0, -1, 2**31 - 1):
        with pytest.raises(ValueError, match="seed"):
            Lehmer(seed)


def test_classic_instances_equal_the_reference_files(shared_data):
    from schedlab.envs.job_shop.formats import read_instance

    paths = sorted((shared_data / "jssp").glob("*.txt"))
    assert len(paths) == 82
    for path in paths:
        assert read_instance(path) == named_instance(path.stem)


def test_bounds_equal_the_reference_table(shared_data):
    with open(shared_data / "jssp_bounds.csv") as file:
        for row in csv.DictReader(file):
            known = known_makespans()[row["instance"]]
            assert (known.lower, known.upper) == (int(row["lower"]), int(row["upper"]))
            instance = named_instance(row["instance"])
            assert (instance.num_jobs, instance.num_machines) == (int(row["jobs"]), int(row["machines"]))


def test_every_built_in_instance_has_a_bound_with_a_source():
    for name in instance_names():
        known = known_makespans()[name]
        assert 0 < known.lower <= known.upper
        assert known.source


def test_a_namesake_of_a_benchmark_instance_gets_no_published_bound(tiny):
    config = JobShopConfig()
    impostor = JobShopInstance.from_jobs(tiny.jobs(), name="ft06")
    assert PROBLEM.bound(impostor, config) is None
    assert PROBLEM.bound(named_instance("ft06"), config).value == 55
    assert PROBLEM.bound(named_instance("ft06"), JobShopConfig(objective="total-flow-time")) is None


def test_the_same_seed_gives_the_same_random_instance():
    config = JobShopConfig(num_jobs=[3, 8], num_machines=[2, 5], due_date_factor=[1.1, 2.0], release_date_factor=0.5)
    first, second = (random_instance(config, np.random.default_rng(5)) for _ in range(2))
    assert first == second
    assert random_instance(config, np.random.default_rng(6)) != first


def test_random_instances_stay_in_their_ranges():
    config = JobShopConfig(num_jobs=[3, 5], num_machines=[2, 4], min_duration=4, max_duration=6, due_date_factor=1.5)
    sizes = set()
    for seed in range(60):
        instance = random_instance(config, np.random.default_rng(seed))
        sizes.add((instance.num_jobs, instance.num_machines))
        assert 4 <= instance.duration.min() <= instance.duration.max() <= 6
        assert np.array_equal(instance.due, np.floor(1.5 * instance.job_work))
    assert sizes == {(j, m) for j in (3, 4, 5) for m in (2, 3, 4)}


def test_singer_and_pinedos_weights_are_two_sixths_and_two_of_ten_jobs():
    assert singer_pinedo_weights(10).tolist() == [4, 4, 2, 2, 2, 2, 2, 2, 1, 1]


def test_instances_pickle_and_cannot_be_changed(odd):
    assert pickle.loads(pickle.dumps(odd)) == odd
    with pytest.raises(ValueError, match="read-only"):
        odd.duration[0] = 7


@pytest.mark.parametrize(
    ("jobs", "kwargs", "words"),
    [
        ([], {}, "there must be a job"),
        ([[(0, 1)], []], {}, "at least one operation"),
        ([[(0, -1)]], {}, "duration -1"),
        ([[(3, 1)]], {"num_machines": 2}, "machine 3"),
        ([[(-1, 1)]], {}, "machine -1"),
        ([[(0, 1)]], {"release": [-4]}, "release -4"),
        ([[(0, 1)]], {"due": [1, 2]}, "2 due values for 1 jobs"),
        ([[(0, 1)]], {"weight": [-1]}, "weight -1"),
        ([[(0, 2**31)]], {}, "duration"),
        ([[(0, 2**30), (0, 2**30)]], {}, "longer than"),
    ],
)
def test_impossible_instances_are_refused(jobs, kwargs, words):
    with pytest.raises(ValueError, match=words):
        JobShopInstance.from_jobs(jobs, **kwargs)


@pytest.mark.parametrize(
    "values",
    [
        {"objective": "profit"},
        {"builder": "semi-active"},
        {"num_jobs": 0},
        {"num_jobs": [5, 3]},
        {"num_jobs": 2.5},
        {"num_machines": "many"},
        {"min_duration": 5, "max_duration": 4},
        {"due_date_factor": [1]},
        {"release_date_factor": -1.0},
        {"weights": "random"},
        {"number_of_jobs": 4},
    ],
)
def test_bad_configurations_are_refused_in_one_line(values):
    with pytest.raises(InputError) as caught:
        PROBLEM.configure(values)
    assert "\n" not in str(caught.value)


def test_tardiness_without_due_dates_is_refused_before_an_episode_starts(ft06):
    with pytest.raises(InputError, match="due date"):
        PROBLEM.sampler(JobShopConfig(objective="total-tardiness"))
    with pytest.raises(InputError, match="due date"):
        PROBLEM.load("ft06", JobShopConfig(objective="total-tardiness"))
