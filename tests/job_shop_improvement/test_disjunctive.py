"""Heads, tails, moves and estimates against slow readings of their definitions."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlab.envs.job_shop.catalog import named_instance
from schedlab.envs.job_shop.check import check_schedule
from schedlab.envs.job_shop.solution import JobShopSolution
from schedlab.envs.job_shop_improvement import disjunctive as dj
from schedlab.envs.job_shop_improvement.instance import machine_orders, machine_starts
from schedlab.envs.job_shop_improvement.neighbours import (
    BEHIND,
    ESTIMATE,
    KIND,
    MOVE_COLUMNS,
    N5,
    N6,
    U,
    V,
    critical_path,
    estimate_moves,
    list_moves,
)
from schedlab.envs.job_shop_improvement.simulate import fill_table, start_times
from schedlab.envs.job_shop_improvement.start import first_schedule

from ..job_shop.strategies import shops


def table_of(shop, orders):
    count = shop.num_operations
    g = np.zeros((dj.LINES, dj.columns(count, shop.num_jobs)), dj.TYPE)
    fill_table(g, shop, count)
    return g, dj.take_sequence(g, count, count, orders, machine_starts(shop))


def longest_ways(shop, orders):
    """Heads and tails by relaxing every arc until nothing changes."""
    count = shop.num_operations
    bounds = shop.first_operation.tolist()
    arcs = [(i, i + 1) for first, stop in pairwise(bounds) for i in range(first, stop - 1)]
    for first, stop in pairwise(machine_starts(shop).tolist()):
        arcs += list(pairwise(orders[first:stop].tolist()))
    head, tail, d = [0] * count, [0] * count, shop.duration.tolist()
    for job, first in enumerate(shop.first_operation[:-1].tolist()):
        head[first] = int(shop.release[job])
    for _ in range(count):
        for i, j in arcs:
            head[j] = max(head[j], head[i] + d[i])
            tail[i] = max(tail[i], d[j] + tail[j])
    return head, tail


def moves_of(shop, g, neighbourhood, draw=0):
    count, path = shop.num_operations, np.zeros(shop.num_operations, dj.TYPE)
    moves = np.zeros((8 * count + 8, MOVE_COLUMNS), np.int32)
    makespan = dj.makespan_of(g, shop.num_jobs)
    length = critical_path(g, count, shop.num_jobs, makespan, draw, path)
    found = list_moves(g, count, path, length, neighbourhood, moves)
    estimate_moves(g, count, moves, max(found, 0))
    return moves[: max(found, 0)], path[:length][::-1], makespan, found


def make(g, none, move):
    (dj.move_after if move[KIND] == BEHIND else dj.move_before)(g, none, move[U], move[V])


def orders_in(shop, g):
    orders = np.argsort(shop.machine, kind="stable").astype(dj.TYPE)
    dj.write_sequence(g, shop.num_operations, orders, machine_starts(shop))
    return orders


@settings(max_examples=60, deadline=None)
@given(shops(max_jobs=5, max_machines=3, max_length=5), st.sampled_from((N5, N6)), st.integers(0, 2**30))
def test_after_any_walk_of_moves_the_graph_is_what_it_is_made_anew(shop, neighbourhood, seed):
    rng = np.random.default_rng(seed)
    g, consistent = table_of(shop, machine_orders(shop, first_schedule(shop, "random", rng)))
    assert consistent
    count = shop.num_operations
    for _ in range(12):
        moves, path, makespan, _ = moves_of(shop, g, neighbourhood, int(rng.integers(2**30)))
        ends = g[dj.HEAD, path] + g[dj.DURATION, path]
        assert ends[-1] == makespan
        assert (g[dj.HEAD, path[1:]] == ends[:-1]).all()  # nothing waits on a critical path
        if len(moves) == 0:
            break
        make(g, count, moves[rng.integers(len(moves))])
        head, tail = longest_ways(shop, orders_in(shop, g))
        assert g[dj.HEAD, :count].tolist() == head
        assert g[dj.TAIL, :count].tolist() == tail
        assert not g[dj.FLAG].any()
        place = g[dj.PLACE, :count]
        assert sorted(place.tolist()) == list(range(count))
        for line in (dj.JOB_BEFORE, dj.BEFORE):
            before = g[line, :count]
            assert (place[before[before < count]] < place[before < count]).all()
        report = check_schedule(shop, JobShopSolution(start_times(shop, orders_in(shop, g))))
        assert report.feasible
        assert report.objective == dj.makespan_of(g, shop.num_jobs)


@settings(max_examples=40, deadline=None)
@given(shops(max_jobs=5, max_machines=3, max_length=4), st.sampled_from((N5, N6)), st.integers(0, 2**30))
def test_an_estimate_is_the_longest_way_through_what_is_moved_or_more_and_exact_for_two(shop, neighbourhood, seed):
    orders = machine_orders(shop, first_schedule(shop, "random", np.random.default_rng(seed)))
    g, _ = table_of(shop, orders)
    count = shop.num_operations
    for move in moves_of(shop, g, neighbourhood)[0]:
        chain = [move[U]]
        while chain[-1] != move[V]:
            chain.append(g[dj.AFTER, chain[-1]])
        other, _ = table_of(shop, orders)
        make(other, count, move)
        through = max(int(other[dj.HEAD, i] + other[dj.DURATION, i] + other[dj.TAIL, i]) for i in chain)
        assert move[ESTIMATE] >= through
        if len(chain) == 2:
            assert move[ESTIMATE] == through
        assert dj.makespan_of(other, shop.num_jobs) >= through


def test_n5_has_the_ends_of_blocks_but_not_of_the_schedule(ft06):
    g, _ = table_of(ft06, machine_orders(ft06, first_schedule(ft06, "fdd-mwkr", np.random.default_rng(0))))
    moves, path, _, _ = moves_of(ft06, g, N5)
    blocks = [[path[0]]]
    for i in path[1:].tolist():
        if g[dj.AFTER, blocks[-1][-1]] == i:
            blocks[-1].append(i)
        else:
            blocks.append([i])
    expected = set()
    for place, block in enumerate(blocks):
        if len(block) > 1:
            expected |= {tuple(block[:2])} if place > 0 else set()
            expected |= {tuple(block[-2:])} if place < len(blocks) - 1 else set()
    assert {(int(move[U]), int(move[V])) for move in moves} == expected
    larger = {tuple(move) for move in moves_of(ft06, g, N6)[0][:, :3].tolist()}
    assert {(u, v, BEHIND) for u, v in expected} <= {(u, v, BEHIND) for u, v, _ in larger}


def test_orders_that_contradict_the_routings_are_noticed():
    from schedlab.envs.job_shop import JobShopInstance

    shop = JobShopInstance.from_matrices([[1, 1], [1, 1]], [[0, 1], [1, 0]])
    crossed = np.array([3, 0, 1, 2], dj.TYPE)  # either job first where it comes last
    assert not table_of(shop, crossed)[1]
    with pytest.raises(ValueError, match="contradict"):
        start_times(shop, crossed)


def test_the_makespan_of_a_schedule_is_the_builders_also_with_operations_of_no_duration():
    shop = named_instance("orb07")
    start = first_schedule(shop, "fdd-mwkr", np.random.default_rng(0))
    again = start_times(shop, machine_orders(shop, start))
    assert (again <= start).all()
    assert check_schedule(shop, JobShopSolution(again)).feasible
