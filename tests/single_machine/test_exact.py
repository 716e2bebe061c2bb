"""The exact solvers: equal to enumeration on tiny cases, to known sums on larger ones, and true to their time limit."""

import time

import numpy as np
import pytest

from schedlab.agents.single_machine.cp_sat import CpSat, agreeable, in_agreement
from schedlab.agents.single_machine.decomposition import Decomposition
from schedlab.agents.single_machine.sequences import mdd_sequence, wmdd_swap
from schedlab.envs.core import InputError
from schedlab.envs.single_machine.instance import SingleMachineInstance

from .small_cases import least_by_subsets, least_of_all_sequences, random_classes, tiny_instance, value


@pytest.fixture(scope="module")
def decomposition():
    return Decomposition()


def proved_optimum(solver, instance):
    """The solver's bound, after checking that its sequence has this total tardiness."""
    result = solver.solve(instance, time_limit=30.0, seed=0)
    assert result.proved
    assert result.bound == value(instance, result.solution.sequence, weighted=False)
    return result.bound


def test_decomposition_equals_enumeration_on_tiny_instances(decomposition):
    rng = np.random.default_rng(0)
    for jobs in rng.integers(1, 8, 600):
        instance = tiny_instance(rng, jobs)
        assert proved_optimum(decomposition, instance) == least_of_all_sequences(instance, weighted=False)


def test_decomposition_equals_enumeration_of_subsets_with_up_to_ten_jobs(decomposition):
    rng = np.random.default_rng(1)
    for jobs in [8] * 60 + [9] * 40 + [10] * 10:
        instance = tiny_instance(rng, jobs)
        assert proved_optimum(decomposition, instance) == least_by_subsets(instance)


@pytest.mark.parametrize(
    ("jobs", "per_class", "total", "with_tardiness"), [(20, 40, 1_291_324, 675), (100, 10, 6_685_705, 161)]
)
def test_sums_of_optima_of_the_random_classes_equal_the_reference(
    decomposition, jobs, per_class, total, with_tardiness
):
    optima = [proved_optimum(decomposition, instance) for instance in random_classes(jobs, per_class)]
    assert sum(optima) == total
    assert np.count_nonzero(optima) == with_tardiness


@pytest.mark.parametrize("entries", [1, 10, 1000])
def test_a_full_memory_costs_time_but_not_the_optimum(decomposition, entries):
    forgetful = Decomposition(memory_entries=entries)
    for instance in random_classes(25, 3):
        assert proved_optimum(forgetful, instance) == proved_optimum(decomposition, instance)


def test_a_memory_that_grows_many_times_gives_the_same_optimum_as_one_that_does_not(decomposition):
    # 200 jobs in a hard class: more subproblems than the memory begins with, by far
    hard = list(random_classes(200, 1))[1]
    assert proved_optimum(decomposition, hard) == proved_optimum(Decomposition(memory_entries=4096), hard)


def test_a_coarser_unit_of_time_changes_nothing_but_the_unit(decomposition):
    for instance in random_classes(12, 2):
        scaled = SingleMachineInstance.from_arrays(instance.processing * 10**6, instance.due * 10**6)
        assert proved_optimum(decomposition, scaled) == 10**6 * proved_optimum(decomposition, instance)


def test_out_of_time_the_decomposition_returns_a_good_sequence_and_a_valid_bound(decomposition):
    instance = list(random_classes(700, 1))[2]
    began = time.perf_counter()
    result = decomposition.solve(instance, time_limit=0.5, seed=0)
    assert time.perf_counter() - began < 1.5
    assert not result.proved
    reached = value(instance, result.solution.sequence)
    assert 0 < result.bound <= reached < value(instance, mdd_sequence(instance.processing, instance.due))


def test_the_bound_that_needs_no_search_is_below_every_optimum(decomposition):
    for instance in random_classes(60, 1):
        hurried = decomposition.solve(instance, time_limit=1e-9, seed=0)
        optimum = proved_optimum(decomposition, instance)
        assert hurried.bound <= optimum <= value(instance, hurried.solution.sequence)
        assert hurried.proved == (hurried.bound == value(instance, hurried.solution.sequence))


def test_a_decomposition_without_memory_is_refused():
    with pytest.raises(ValueError, match="at least one entry"):
        Decomposition(memory_entries=0)


@pytest.mark.parametrize("objective", ["total-tardiness", "total-weighted-tardiness"])
def test_cp_sat_equals_enumeration_on_tiny_instances(objective):
    pytest.importorskip("ortools")
    rng = np.random.default_rng(2)
    weighted = objective == "total-weighted-tardiness"
    solver = CpSat(objective, workers=1)
    for jobs in [1, 2, *rng.integers(3, 8, 40)]:
        instance = tiny_instance(rng, jobs)
        result = solver.solve(instance, time_limit=20.0, seed=0)
        assert result.proved
        assert result.bound == value(instance, result.solution.sequence, weighted=weighted)
        assert result.bound == least_of_all_sequences(instance, weighted=weighted)


def test_cp_sat_out_of_time_is_no_worse_than_its_start_and_its_bound_is_valid():
    pytest.importorskip("ortools")
    instance = list(random_classes(60, 1))[2]
    began = time.perf_counter()
    result = CpSat("total-tardiness", workers=1).solve(instance, time_limit=1.0, seed=0)
    assert time.perf_counter() - began < 3.0
    reached = value(instance, result.solution.sequence)
    assert reached <= value(instance, wmdd_swap(instance))
    assert result.bound <= proved_optimum(Decomposition(), instance) <= reached


def test_swapping_into_agreement_never_costs_anything_and_leaves_no_pair_the_wrong_way_round():
    rng = np.random.default_rng(3)
    for _ in range(200):
        instance = tiny_instance(rng, 12)
        before = agreeable(instance)
        assert not (before & before.T).any()
        start = rng.permutation(12)
        agreed = in_agreement(start, before)
        assert value(instance, agreed) <= value(instance, start)
        assert not np.tril(before[agreed][:, agreed]).any()


def test_cp_sat_refuses_an_objective_that_it_does_not_know():
    pytest.importorskip("ortools")
    with pytest.raises(InputError, match="unknown objective 'makespan'"):
        CpSat("makespan", workers=1)
