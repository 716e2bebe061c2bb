"""The test for deadlocks, part by part, against plain search."""

import numpy as np
import pytest

from schedlab.envs.blocking_job_shop import search as searching
from schedlab.envs.blocking_job_shop.doomed import doomed_pairs, doomed_triples, is_doomed_with_two
from schedlab.envs.blocking_job_shop.safety import find_plan
from schedlab.envs.blocking_job_shop.search import search

from .plain import all_can_leave


def tables(routes):
    """A row's tables of jobs and machines."""
    lengths = [len(route) for route in routes]
    fixed = np.zeros((len(routes), 4), np.int64)
    fixed[:, 1], fixed[:, 2] = np.cumsum([0, *lengths[:-1]]), lengths
    return fixed, np.concatenate(routes).astype(np.int64)


def draw(rng, jobs, machines, reentrant=False):
    """Routes, and positions on machines that differ."""
    length = machines + 1 if reentrant else machines
    routes = [rng.integers(0, machines, length) if reentrant else rng.permutation(machines) for _ in range(jobs)]
    while True:
        at = rng.integers(0, length, jobs)
        held = [int(route[p]) for route, p in zip(routes, at, strict=True)]
        if len(set(held)) == jobs:
            return [route.tolist() for route in routes], at


def plan_of(routes, at, machines):
    """The plan as a list of jobs, or ``None``."""
    fixed, route = tables(routes)
    busy = np.zeros(machines, np.bool_)
    busy[[routes[j][p] for j, p in enumerate(at)]] = True
    plan = np.empty(len(route), np.int64)
    length = find_plan(len(at), np.arange(len(at)), at.copy(), busy, fixed, route, plan)
    return None if length < 0 else plan[:length].tolist()


@pytest.mark.parametrize(("jobs", "machines"), [(2, 3), (3, 4), (4, 5), (5, 6), (6, 7)])
@pytest.mark.parametrize("reentrant", [False, True])
def test_a_plan_is_found_exactly_where_there_is_a_way_out_and_it_works(jobs, machines, reentrant):
    rng = np.random.default_rng([jobs, reentrant])
    found = lost = 0
    for _ in range(60):
        routes, at = draw(rng, jobs, machines, reentrant)
        plan = plan_of(routes, at, machines)
        assert (plan is not None) == all_can_leave(routes, at.tolist())
        lost += plan is None
        if plan is None:
            continue
        found += 1
        place = at.tolist()
        for j in plan:  # whoever is on its last operation has left
            held = {routes[i][p] for i, p in enumerate(place) if p + 1 < len(routes[i]) and i != j}
            place[j] += 1
            assert routes[j][place[j]] not in held
        assert all(p + 1 == len(route) for p, route in zip(place, routes, strict=True))
    assert found > 5
    assert lost > 2


@pytest.mark.parametrize("many", [0, 10**9])
def test_the_search_alone_is_exact_with_and_without_tables_of_triples(many, monkeypatch):
    """Compiled code has its constants inside, so this runs the same code in plain Python."""
    monkeypatch.setattr(searching, "MANY_STATES", many)
    rng = np.random.default_rng(0)
    for _ in range(12):
        routes, at = draw(rng, 4, 5)
        fixed, route = tables(routes)
        if (at == 4).any():
            continue  # who is on the last operation has left before
        moves = search.py_func(4, np.arange(4), at, fixed, route, 5)
        free_at_once = plan_of(routes, at, 5)
        assert (len(moves) > 0) == (free_at_once is not None)


def test_tables_tell_which_two_or_three_jobs_cannot_both_leave():
    rng = np.random.default_rng(1)
    doomed = 0
    for _ in range(4):
        routes = [rng.permutation(5).tolist() for _ in range(3)]
        fixed, route = tables(routes)
        jobs, start = np.arange(3), np.zeros(3, np.int64)
        pairs = doomed_pairs(3, jobs, start, fixed, route)
        triples = doomed_triples(3, jobs, start, 5, pairs, fixed, route)
        for p in range(5):
            for q in range(5):
                if routes[0][p] != routes[1][q]:
                    assert pairs[0, 1, p, q] == pairs[1, 0, q, p] == (not all_can_leave(routes[:2], [p, q]))
                for r in range(5):
                    if p == 4 or q == 4 or r == 4 or len({routes[0][p], routes[1][q], routes[2][r]}) < 3:
                        continue
                    at = np.array([p, q, r])
                    lost = not all_can_leave(routes, [p, q, r])
                    assert triples[0, r, q, p] == lost
                    assert is_doomed_with_two(0, 3, at, start, triples) == lost
                    doomed += lost
    assert doomed > 20


def test_many_states_are_kept_and_found_again():
    """A search that outgrows its first tables several times, on the largest crowd that plain search can judge."""
    rng = np.random.default_rng(7)
    for _ in range(6):
        routes, at = draw(rng, 7, 9)
        assert (plan_of(routes, at, 9) is not None) == all_can_leave(routes, at.tolist())
