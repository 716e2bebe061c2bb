"""Configurations, streams of jobs, files and bad input."""

import numpy as np
import pytest

from schedlab.envs.core import InputError
from schedlab.envs.dynamic_job_shop import PROBLEM, DynamicJobShopConfig, DynamicJobShopInstance
from schedlab.envs.dynamic_job_shop.generate import arrival_rate
from schedlab.envs.dynamic_job_shop.instance import NEVER
from schedlab.envs.job_shop import JobShopInstance


def stream(seed=0, **values):
    config = DynamicJobShopConfig(**values)
    return PROBLEM.sampler(config)(np.random.default_rng(seed))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"utilisation": 1.0}, "utilisation must lie above 0 and below 1, or queues grow"),
        ({"utilisation": 1.2}, "below 1"),
        ({"utilisation": 0}, "above 0"),
        ({"utilisation": [0.5, 1.0]}, "below 1"),
        ({"utilisation": 0.95, "breakdown_level": 0.05}, r"machines are up 0\.95 of the time"),
        ({"due_date_factor": -1}, "due_date_factor must be at least 0 for twk"),
        ({"due_date_factor": float("inf")}, "at most 1000"),
        ({"repair_time": 0.1, "breakdown_level": 0.05}, "a mean repair must last 5 units of time"),
        ({"objective": None}, "objective None not understood"),
        ({"instance": [None]}, "instance must be a name"),
        ({"due_date_factor": [-1, 4]}, "at least 0"),
        ({"due_date_factor": 0.5, "due_dates": "uniform"}, "at least 1 for uniform"),
        ({"due_date_factor": "far"}, "must be a number or a pair"),
        ({"num_operations": 11}, "a job visits a machine once"),
        ({"num_operations": 0}, "at least 1"),
        ({"num_machines": 0}, "num_machines must be an integer in 1..1000"),
        ({"recorded_jobs": 0}, "recorded_jobs must be an integer in 1"),
        ({"warm_up_jobs": -1}, "warm_up_jobs"),
        ({"queue_limit": 0}, "queue_limit must be an integer in 2..4096"),
        ({"queue_limit": 1}, "queue_limit"),
        ({"arrival_cv": 0}, "arrival_cv"),
        ({"breakdown_level": 1.0}, "breakdown_level"),
        ({"repair_time": 0}, "repair_time"),
        ({"min_processing": 5, "max_processing": 4}, "min_processing"),
        ({"min_processing": 0}, "min_processing"),
        ({"protocol": "endless"}, "protocol 'endless' not understood; use one of steady, transient"),
        ({"objective": "makespan"}, "objective 'makespan' not understood"),
        ({"horizon": 0}, "horizon"),
        ({"utilization": 0.9}, "did you mean utilisation"),
    ],
)
def test_bad_values_are_refused_in_one_line(values, words):
    with pytest.raises(InputError, match=words) as caught:
        PROBLEM.configure(values)
    assert "\n" not in str(caught.value)


def test_arrivals_follow_the_utilisation_and_their_variation():
    for values, cv in (({}, 1.0), ({"arrivals": "gamma", "arrival_cv": 0.5}, 0.5)):
        gaps = np.diff(stream(recorded_jobs=30000, max_processing=490, **values).shop.release)
        config = DynamicJobShopConfig(max_processing=490)
        assert gaps.mean() == pytest.approx(1 / arrival_rate(config, 0.9), rel=0.03)
        assert gaps.std() / gaps.mean() == pytest.approx(cv, rel=0.05)


def test_full_routings_visit_every_machine_once_and_partial_ones_some():
    full = stream(recorded_jobs=200).shop
    assert all(sorted(m for m, _ in job) == list(range(10)) for job in full.jobs())
    partial = stream(recorded_jobs=2000, num_operations=[2, 10]).shop
    lengths = np.diff(partial.first_operation)
    assert set(lengths) == set(range(2, 11))
    assert all(len({m for m, _ in job}) == len(job) for job in partial.jobs())
    first = partial.machine[partial.first_operation[:-1]]
    assert np.bincount(first, minlength=10).min() > 0.07 * len(first), "no machine is favoured"


def test_due_dates_follow_their_rule():
    for rule, factor in (("twk", 4.0), ("uniform", 3.0), ("ppw", 2.0)):
        instance = stream(due_dates=rule, due_date_factor=factor, recorded_jobs=500)
        allowance, work = instance.due - instance.shop.release, instance.shop.job_work
        if rule == "twk":
            np.testing.assert_array_equal(allowance, 4 * work)
        elif rule == "uniform":
            assert ((allowance >= work - 1) & (allowance <= 3 * work)).all()
            assert (allowance / work).mean() == pytest.approx(2.0, rel=0.02)
        else:
            np.testing.assert_array_equal(allowance, work + 2 * 10 * 25)


def test_weights_are_four_two_and_one_for_a_fifth_three_fifths_and_a_fifth():
    weight = stream(weights="two-six-two", recorded_jobs=5000).shop.weight
    shares = {value: (weight == value).mean() for value in (4, 2, 1)}
    assert shares == pytest.approx({4: 0.2, 2: 0.6, 1: 0.2}, abs=0.02)


def test_streams_of_one_seed_differ_only_in_what_was_changed():
    plain = stream(recorded_jobs=300)
    other = stream(recorded_jobs=300, due_date_factor=2.0, weights="two-six-two", breakdown_level=0.05)
    for name in ("machine", "duration", "release"):
        np.testing.assert_array_equal(getattr(plain.shop, name), getattr(other.shop, name))
    assert not np.array_equal(plain.due, other.due)
    assert plain != other
    assert stream(recorded_jobs=300) == plain
    assert hash(stream(recorded_jobs=300)) == hash(plain)


def test_the_transient_begins_with_a_job_at_every_machine_and_ends_arrivals_at_its_horizon():
    instance = stream(protocol="transient", utilisation=0.8, due_dates="uniform", due_date_factor=3.0)
    shop = instance.shop
    assert (shop.release[:10] == 0).all()
    assert sorted(shop.machine[shop.first_operation[:10]]) == list(range(10))
    assert shop.release.max() < 1000
    assert (instance.first_recorded, instance.last_recorded) == (0, shop.num_jobs - 1)
    assert 20 < shop.num_jobs < 70


def test_a_simulator_made_for_a_configuration_holds_many_of_its_streams():
    for values in (
        {"protocol": "transient", "due_dates": "uniform"},
        {"num_operations": [1, 10], "recorded_jobs": 50, "warm_up_jobs": 0, "cool_down_jobs": 0},
        {"breakdown_level": 0.05, "recorded_jobs": 100, "warm_up_jobs": 0},
    ):
        config = DynamicJobShopConfig(**values)
        simulator, sample = PROBLEM.simulator_for_config(config, 1), PROBLEM.sampler(config)
        for seed in range(100):
            simulator.reset([sample(np.random.default_rng(seed))])


def test_presets_are_configurations_and_name_their_protocol():
    assert {"load90-twk4", "load85-twk3", "load90-twk4-breakdowns"} <= set(PROBLEM.presets())
    for name, values in PROBLEM.presets().items():
        config = PROBLEM.configure(values)
        assert name.startswith("transient") == (config.protocol == "transient")


def test_a_job_shop_file_with_due_dates_is_a_run_in_which_every_job_counts(tmp_path):
    path = tmp_path / "shop.txt"
    path.write_text("2 2\n0 5 1 4\n1 3 0 2\nrelease 0 3\ndue 12 9\n")
    instance = PROBLEM.load(str(path), DynamicJobShopConfig())
    assert (instance.name, instance.num_recorded, instance.shop.num_jobs) == ("shop", 2, 2)
    assert PROBLEM.sampler(DynamicJobShopConfig(instance=str(path)))(np.random.default_rng(0)) == instance


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2 2\n0 5 1 4\n1 3 0 2\n", "no due dates"),
        ("2 2\n0 5 1 4\n1 3 0 2\nrelease 3 0\ndue 12 9\n", "job 1 arrives before job 0"),
        ("2 2\n0 0 1 4\n1 3 0 2\ndue 12 9\n", "operation 0 takes no time"),
        ("2 2\n0 5 1 4\n1 3 7 2\ndue 12 9\n", "line 3.*machine 7"),
    ],
)
def test_files_that_are_no_runs_are_refused_by_name(tmp_path, text, words):
    path = tmp_path / "shop.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        PROBLEM.load(str(path), DynamicJobShopConfig())
    assert str(path) in str(caught.value)


def test_a_name_that_is_neither_file_nor_preset_says_what_there_is():
    with pytest.raises(InputError, match=r"no such file, and no instances are built in.*load90-twk4"):
        PROBLEM.load("load99", DynamicJobShopConfig())


def test_instances_refuse_arrays_that_are_no_run():
    shop = JobShopInstance.from_jobs([[(0, 2)], [(0, 3)]], due=[4, 9])
    none = np.zeros((1, 0, 2), np.int64)
    for values, words in (
        ({"first_recorded": 1, "last_recorded": 0}, "recorded jobs 1..0"),
        ({"last_recorded": 2}, "recorded jobs 0..2"),
        ({"down": np.zeros((2, 0, 2), np.int64)}, "shape"),
        ({"down": np.array([[[5, 3]]])}, "ascending order"),
        ({"down": np.array([[[0, 3], [2, 4]]])}, "ascending order"),
        ({"mean_processing": 0.0}, "positive"),
    ):
        arguments = {"first_recorded": 0, "last_recorded": 1, "down": none, "mean_processing": 2.5, **values}
        with pytest.raises(ValueError, match=words):
            DynamicJobShopInstance(shop, **arguments)
    DynamicJobShopInstance(shop, 0, 1, np.array([[[0, 3], [NEVER, NEVER]]]), 2.5)


def test_numbers_that_do_not_fit_are_refused():
    shop = JobShopInstance.from_jobs([[(0, 2**29)]] * 2, due=[-(2**31) + 1] * 2, weight=[2**31 - 1] * 2)
    DynamicJobShopInstance.from_shop(JobShopInstance.from_jobs([[(0, 2**30)]], due=[0], weight=[2**30]))
    with pytest.raises(ValueError, match="64 bits"):
        DynamicJobShopInstance.from_shop(shop)


def test_machines_are_down_for_their_share_of_the_time_also_in_short_repairs():
    instance = stream(breakdown_level=0.05, repair_time=0.2, recorded_jobs=3000)
    until = int(instance.shop.release[-1])
    used = np.minimum(instance.down, until)
    assert (used[..., 1] - used[..., 0]).sum() / (10 * until) == pytest.approx(0.05, rel=0.05)


def test_weighted_objectives_draw_weights_by_themselves():
    assert set(stream(objective="mean-weighted-tardiness", recorded_jobs=100).shop.weight) == {1, 2, 4}
    assert set(stream(recorded_jobs=100).shop.weight) == {1}
    assert set(stream(objective="mean-weighted-tardiness", weights="unit", recorded_jobs=100).shop.weight) == {1}


def test_a_solution_survives_json():
    instance = stream(recorded_jobs=20, warm_up_jobs=5, cool_down_jobs=5)
    simulator = PROBLEM.simulator_for([instance], DynamicJobShopConfig())
    simulator.reset([instance])
    while not simulator.done[0]:
        simulator.step(np.zeros(1, np.int64))
    solution = simulator.solution(0)
    again = PROBLEM.solution_from_json(instance, PROBLEM.solution_to_json(instance, solution))
    np.testing.assert_array_equal(again.start, solution.start)
    with pytest.raises(InputError, match="start"):
        PROBLEM.solution_from_json(instance, {"start": [[1]]})


def test_an_agent_plays_the_weights_it_learned_and_no_others():
    plain, weighted = DynamicJobShopConfig(), DynamicJobShopConfig(objective="total-weighted-tardiness")
    assert PROBLEM.playing(plain, {"objective": "total-tardiness", "recorded_jobs": 3}) == plain
    with pytest.raises(InputError, match="trained for mean-tardiness, not for total-weighted-tardiness"):
        PROBLEM.playing(weighted, {"objective": "mean-tardiness"})
    assert PROBLEM.agent_for(plain) == "tardiness"
    assert PROBLEM.agent_for(weighted) == "weighted-tardiness"
