"""Configurations, random classes, files, reference values and bad input."""

import numpy as np
import pytest
from hypothesis import given, settings

from schedlab.envs.core import InputError
from schedlab.envs.core.figures import figure_to_array
from schedlab.envs.single_machine import (
    PROBLEM,
    SingleMachineConfig,
    SingleMachineInstance,
    SingleMachineSolution,
)
from schedlab.envs.single_machine.config import DUE_DATE_RANGES, TARDINESS_FACTORS
from schedlab.envs.single_machine.formats import format_instance, parse_instances

from .strategies import instances

WEIGHTED = SingleMachineConfig(objective="total-weighted-tardiness")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"num_jobs": 0}, "num_jobs must be at least 1"),
        ({"num_jobs": "many"}, "num_jobs must be an integer or a pair"),
        ({"tardiness_factor": 1.2}, "tardiness_factor must lie in 0..1"),
        ({"due_date_range": -0.1}, "due_date_range must lie in 0..2"),
        ({"max_processing": 0}, "max_processing must be an integer in 1"),
        ({"max_weight": 1.5}, "max_weight must be an integer"),
        ({"dominance": "yes"}, "dominance must be true or false"),
        ({"objective": "makespan"}, "use one of total-tardiness, total-weighted-tardiness"),
        ({"jobs": 5}, "did you mean num_jobs"),
    ],
)
def test_bad_values_are_refused_in_one_line(values, words):
    with pytest.raises(InputError, match=words) as caught:
        PROBLEM.configure(values)
    assert "\n" not in str(caught.value)


def test_random_instances_are_of_the_classes_of_the_literature():
    sample = PROBLEM.sampler(SingleMachineConfig(num_jobs=50))
    rng = np.random.default_rng(0)
    drawn = [sample(rng) for _ in range(200)]
    assert {name.rsplit("-", 2)[1] for name in (i.name for i in drawn)} == {f"tf{f:g}" for f in TARDINESS_FACTORS}
    assert {name.rsplit("-", 1)[1] for name in (i.name for i in drawn)} == {f"rdd{r:g}" for r in DUE_DATE_RANGES}
    for instance in drawn:
        assert instance.processing.min() >= 1
        assert instance.processing.max() <= 100
        assert (instance.weight == 1).all()
        factor, spread = (float(part.lstrip("tfrd")) for part in instance.name.split("-")[2:])
        total = instance.processing.sum()
        assert instance.due.min() >= max(0, np.floor(total * (1 - factor - spread / 2)))
        assert instance.due.max() <= total * (1 - factor + spread / 2)
    weighted = PROBLEM.sampler(SingleMachineConfig(num_jobs=200, objective="total-weighted-tardiness"))(rng)
    assert set(weighted.weight) == set(range(1, 11))
    assert PROBLEM.sampler(SingleMachineConfig(num_jobs=9))(np.random.default_rng(3)) == PROBLEM.sampler(
        SingleMachineConfig(num_jobs=9)
    )(np.random.default_rng(3))


@settings(max_examples=50, deadline=None)
@given(instance=instances())
def test_a_written_instance_reads_back_equal(instance):
    (again,) = parse_instances(format_instance(instance), "again", "text")
    assert again == instance
    assert hash(again) == hash(instance)


def test_an_or_library_file_holds_several_instances(tmp_path):
    path = tmp_path / "wt2.txt"
    path.write_text(" 3 4 1 2\n 5 9\n 7 8  1 1\n 2 20\n")
    both = PROBLEM.load_all(str(path), SingleMachineConfig())
    assert [instance.name for instance in both] == ["wt2/1", "wt2/2"]
    assert both[0] == SingleMachineInstance.from_arrays([3, 4], [5, 9], [1, 2])
    assert PROBLEM.load(f"{path}:2", SingleMachineConfig()) == both[1]
    with pytest.raises(InputError, match=r"holds 2 instances; write .*wt2\.txt:N"):
        PROBLEM.load(str(path), SingleMachineConfig())
    for number in (0, 3):
        with pytest.raises(InputError, match=f"has no instance {number}; it holds 2"):
            PROBLEM.load(f"{path}:{number}", SingleMachineConfig())


def test_a_file_without_a_number_in_its_name_is_one_instance(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text("3 4 1 2 5 9")
    assert PROBLEM.load(str(path), SingleMachineConfig()).num_jobs == 2
    table = tmp_path / "table.csv"
    table.write_text("# two jobs\ndue, processing\n5, 3\n9, 4\n")
    assert PROBLEM.load(str(table), SingleMachineConfig()) == SingleMachineInstance.from_arrays([3, 4], [5, 9])


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("wt3.txt", "1 2 3 4 5 6 7 8", "8 numbers are not instances of 3 jobs, as the file's name says"),
        ("mine.txt", "1 2 3 4", "4 numbers are not one instance"),
        ("mine.txt", "", "is empty"),
        ("mine.txt", "# nothing\n", "is empty"),
        ("mine.txt", "1 2\n3 4.5\n6 7", "line 2: '4.5' is not an integer"),
        ("mine.txt", "1 2\n3 99999999999\n6 7", "line 2: 99999999999 is too large"),
        ("mine.txt", "0 1 1 1 5 5", "processing 0 is not in 1"),
        ("mine.txt", "2 1 -1 1 5 5", "weight -1 is not in 0"),
        ("mine.csv", "processing,weight\n1,2\n", "line 1: the header must name"),
        ("mine.csv", "processing,due,colour\n1,2,3\n", "the header must name"),
        ("mine.csv", "processing,due\n1,2\n3\n", "line 3: 1 values for 2 columns"),
        ("mine.csv", "processing,due\n1,2\n3,x\n", "line 3: 'x' is not an integer"),
        ("mine.csv", 'processing,due\n1,"2\n3"\n', "line 2: '\"2' is not an integer"),
        ("mine.txt", "9" * 5000, "line 1: .9+\\.\\.\\. is not an integer"),
        ("mine.csv", "processing,due\n", "at least one job"),
    ],
)
def test_malformed_files_are_refused_by_name_and_line(tmp_path, name, text, words):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        PROBLEM.load(str(path), SingleMachineConfig())
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_names_and_files_that_do_not_exist_say_what_there_is(tmp_path):
    with pytest.raises(InputError, match="unknown instance 'ta01': no such file, and none are built in"):
        PROBLEM.load("ta01", SingleMachineConfig())
    with pytest.raises(InputError, match="no such file"):
        PROBLEM.load(str(tmp_path / "wt40.txt"), SingleMachineConfig())
    binary = tmp_path / "binary.txt"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a text file"):
        PROBLEM.load(str(binary), SingleMachineConfig())


def test_or_librarys_files_bring_their_reference_values(shared_data):
    folder = shared_data / "tardiness"
    for jobs, total in ((40, 4_705_225), (50, 6_611_638)):
        loaded = PROBLEM.load_all(str(folder / f"wt{jobs}.txt"), WEIGHTED)
        bounds = [PROBLEM.bound(instance, WEIGHTED) for instance in loaded]
        published = [int(word) for word in (folder / f"wtopt{jobs}.txt").read_text().split()]
        assert [bound.value for bound in bounds] == published
        assert sum(published) == total
        assert PROBLEM.bound(loaded[0], SingleMachineConfig()) is None, "the values are of weighted tardiness"


def test_a_namesake_has_no_reference_value():
    instance = SingleMachineInstance.from_arrays([1, 2], [3, 4], name="wt40/1")
    assert PROBLEM.bound(instance, WEIGHTED) is None


def test_the_checker_names_each_kind_of_violation():
    instance = SingleMachineInstance.from_arrays([1, 2, 3], [1, 1, 1], [1, 2, 3])
    good = SingleMachineSolution(np.array([2, 0, 1]))
    assert PROBLEM.check(instance, good, SingleMachineConfig()).objective == 2 + 3 + 5
    weighted = PROBLEM.check(instance, good, WEIGHTED)
    assert weighted.objective == 3 * 2 + 1 * 3 + 2 * 5
    assert weighted.measures == {"tardy_share": 1.0, "max_tardiness": 5.0}
    np.testing.assert_array_equal(PROBLEM.job_costs(instance, good, WEIGHTED), [3, 5, 2])
    for sequence, words in (([0, 1], "job 2 does not run"), ([0, 1, 2, 1], "second time"), ([0, 1, 3], "no job 3")):
        report = PROBLEM.check(instance, SingleMachineSolution(np.array(sequence)), WEIGHTED)
        assert not report.feasible
        assert any(words in violation for violation in report.violations)


def test_a_solution_survives_json_and_bad_json_is_refused():
    instance = SingleMachineInstance.from_arrays([1, 2], [3, 4])
    solution = SingleMachineSolution(np.array([1, 0]))
    again = PROBLEM.solution_from_json(instance, PROBLEM.solution_to_json(instance, solution))
    np.testing.assert_array_equal(again.sequence, solution.sequence)
    for data in ([], {"sequence": 3}, {"sequence": [0, "1"]}, {"sequence": [True]}, {"sequence": [2**70]}):
        with pytest.raises(InputError, match="sequence"):
            PROBLEM.solution_from_json(instance, data)


def test_instances_refuse_arrays_that_are_none():
    for arrays, words in (
        (([], []), "at least one job"),
        (([1], [1, 2]), "2 due values for 1 jobs"),
        (([2**31], [1]), "processing"),
        (([2**30, 2**30, 2**30], [1, 1, 1]), "coarser unit"),
        (([2**30 - 1] * 2, [1 - 2**31] * 2, [2**31 - 1] * 2), "64 bits"),
    ):
        with pytest.raises(ValueError, match=words):
            SingleMachineInstance.from_arrays(*arrays)


def test_weights_show_only_where_they_count():
    plain = SingleMachineInstance.from_arrays([3, 4, 5], [5, 9, 7])
    weighted = SingleMachineInstance.from_arrays([3, 4, 5], [5, 9, 7], [1, 7, 3])
    for objective, same in (("total-tardiness", True), ("total-weighted-tardiness", False)):
        shown = []
        for instance in (plain, weighted):
            simulator = PROBLEM.simulator_for([instance], SingleMachineConfig(objective=objective, look_ahead=True))
            simulator.reset([instance])
            state = simulator.observe()
            shown.append(np.concatenate([part.ravel() for part in (state.nodes, state.features, state.context)]))
        assert np.array_equal(*shown) == same


def test_there_is_a_name_for_every_feature():
    from schedlab.envs.single_machine import kernels, observe

    assert len(observe.CANDIDATE_FEATURES) == kernels.BASE_FEATURES
    assert len(observe.LOOK_AHEAD_FEATURES) == kernels.LOOK_AHEAD_FEATURES


def test_sequences_are_drawn_finished_or_not():
    instance = SingleMachineInstance.from_arrays([2, 3, 4], [1, 5, 20], name="three")
    for sequence in ([0, 1, 2], [1], []):
        solution = SingleMachineSolution(np.array(sequence, np.int64))
        assert figure_to_array(PROBLEM.draw(instance, solution)).size
        text = PROBLEM.draw_text(instance, solution, width=60)
        assert max(map(len, text.splitlines()[1:])) <= 61
    assert "total tardiness 1, 1 late" in PROBLEM.draw_text(instance, SingleMachineSolution(np.array([0, 1, 2])))
