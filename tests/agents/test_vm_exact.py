"""Exact plans for VM rescheduling: tiny clusters enumerated, proved optima of a real one, moves in a legal order."""

import itertools
import math

import numpy as np
import pytest

from schedlab.agents.vm.aggregate import Aggregate
from schedlab.agents.vm.counts import Classes, Worth, fragmented_pms
from schedlab.agents.vm.cp_sat import CpSat
from schedlab.agents.vm.mip import Mip
from schedlab.agents.vm.order import execute, replay
from schedlab.agents.vm.patterns import Patterns
from schedlab.agents.vm.pop import Pop, shares
from schedlab.envs.vm.check import check_plan
from schedlab.envs.vm.config import VmConfig
from schedlab.envs.vm.formats import read_cluster
from schedlab.envs.vm.instance import Fragment, Terms, VmInstance
from schedlab.envs.vm.solution import VmSolution

SOLVERS = {"mip": Mip, "patterns": Patterns, "cp-sat": CpSat}
FR4 = (Fragment(4),)
FR8_DOUBLE = (Fragment(8, 2),)
MIXED = (Fragment(4, 1, 1.0), Fragment(8, 2, 0.3))


def cluster(vms, capacity=8, pms=2, memory=1000, terms=None, name="tiny"):
    """VMs as (host, node, cpu, nodes=1, memory=0, movable=True, group=-1)."""
    rows = np.array([(*vm, *(1, 0, True, -1)[len(vm) - 3 :]) for vm in vms], np.int64).reshape(-1, 7)
    host, node, cpu, nodes, ram, movable, group = rows.T.copy()
    return VmInstance(
        name, tuple(f"pm{p}" for p in range(pms)), np.full((pms, 2), capacity), np.full((pms, 2), memory),
        tuple(f"vm{v}" for v in range(len(vms))), ("any",) * len(vms), cpu, ram, nodes, host, node,
        movable.astype(bool), group, np.zeros(pms, np.int64), terms or Terms(3, FR4),
    )  # fmt: skip


def nodes_of(instance, vm, node):
    return (0, 1) if instance.nodes[vm] == 2 else (node,)


def left_free(instance, places, demand, total):
    left = total.copy()
    for vm, (pm, node) in enumerate(places):
        for k in nodes_of(instance, vm, node):
            left[pm, k] -= demand[vm]
    return left


def rate(instance, places):
    """The fragment rate, from its definition."""
    free = left_free(instance, places, instance.cpu, instance.capacity)
    total = free.sum()
    if total == 0:
        return 0.0
    result = 0.0
    for item in instance.terms.fragments:
        if item.nodes == 1:
            slots = sum(int(cores) // item.size for cores in free.flat)
        else:
            slots = sum(min(int(a), int(b)) // (item.size // 2) for a, b in free)
        result += item.weight * (total - item.size * slots) / total
    return result


def next_places(instance, places):
    """All that one legal move leads to."""
    free = left_free(instance, places, instance.cpu, instance.capacity)
    memory = left_free(instance, places, instance.memory, instance.memory_capacity)
    for vm, here in enumerate(places):
        if not instance.movable[vm]:
            continue
        for pm, node in itertools.product(range(instance.num_pms), (0, 1) if instance.nodes[vm] == 1 else (0,)):
            where = nodes_of(instance, vm, node)
            fits = all(free[pm, k] >= instance.cpu[vm] and memory[pm, k] >= instance.memory[vm] for k in where)
            enemies = any(
                instance.group[vm] >= 0 and instance.group[other] == instance.group[vm] and places[other][0] == pm
                for other in range(len(places))
                if other != vm
            )
            if (pm, node) != here and fits and not enemies:
                yield (*places[:vm], (pm, node), *places[vm + 1 :])


def best_by_moves(instance):
    """The lowest fragment rate with at most 0, 1, ... moves, by enumeration of all sequences."""
    places = tuple(zip(instance.host.tolist(), instance.node.tolist(), strict=True))
    seen, frontier, best = {places}, {places}, [rate(instance, places)]
    for _ in range(instance.terms.mnl):
        frontier = {after for before in frontier for after in next_places(instance, before)} - seen
        seen |= frontier
        best.append(min([best[-1], *(rate(instance, after) for after in frontier)]))
    return best


def tiny(seed, fragments, scarce_memory=False, groups=False):
    """Two or three PMs of two small nodes, tight enough that moves can stand in each other's way."""
    rng = np.random.default_rng(seed)
    pms, capacity = int(rng.integers(2, 4)), int(rng.choice([8, 11]))
    memory = 10 if scarce_memory else 1000
    free, free_memory = np.full((pms, 2), capacity), np.full((pms, 2), memory)
    vms, taken = [], set()
    while len(vms) < int(rng.integers(3, 6)):
        pm, node, cpu, double = (
            int(rng.integers(pms)),
            int(rng.integers(2)),
            int(rng.integers(1, 6)),
            rng.random() < 0.3,
        )
        ram, group = int(rng.integers(1, 7)), int(rng.integers(-1, 2)) if groups else -1
        span = slice(0, 2) if double else slice(node, node + 1)
        if (free[pm, span] < cpu).any() or (free_memory[pm, span] < ram).any() or (group, pm) in taken:
            continue
        free[pm, span] -= cpu
        free_memory[pm, span] -= ram
        taken |= {(group, pm)} if group >= 0 else set()
        vms.append((pm, 0 if double else node, cpu, 1 + double, ram, rng.random() < 0.85, group))
    return cluster(vms, capacity, pms, memory, Terms(int(rng.integers(1, 4)), fragments), f"tiny{seed}")


def outcome(instance, result, config=None):
    report = check_plan(instance, result.solution, config or VmConfig())
    assert not report.violations
    return report.objective


CASES = {
    "plain": (FR4, {}),
    "double-numa fragments": (FR8_DOUBLE, {}),
    "mixed weights": (MIXED, {}),
    "memory": (FR4, {"scarce_memory": True}),
    "anti-affinity": (FR4, {"groups": True}),
    "all": (MIXED, {"scarce_memory": True, "groups": True}),
}


@pytest.fixture
def real(shared_data):
    """A real cluster by the number of moves allowed: the one of 279 PMs, or that of 1176."""
    return lambda mnl, size="medium": read_cluster(shared_data / "vm" / f"vmr_{size}_base.json.gz", Terms(mnl))


def row_sums(model, x):
    """Lower limits, values and upper limits of the constraints."""
    row, column, value = model.rows.entries()
    total = np.zeros(model.rows.count)
    np.add.at(total, row, value * x[column])
    return np.concatenate(model.rows.lower), total, np.concatenate(model.rows.upper)


def greedy(instance, seed):
    """The best single move, again and again."""
    plan = VmSolution.of([])
    for _ in range(instance.terms.mnl):
        before, moves = replay(instance, plan).rate, plan.moves()
        tried = [
            replay(instance, VmSolution.of([*moves, (vm, pm, node)]))
            for vm, pm, node in itertools.product(range(instance.num_vms), range(instance.num_pms), (0, 1))
        ]
        best = min(tried, key=lambda item: item.rate)
        if best.rate >= before:
            return plan
        plan = best.solution
    return plan


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("case", CASES)
def test_tiny_clusters_equal_enumeration(case, solver):
    fragments, options = CASES[case]
    improved = 0
    for seed in range(20):
        instance = tiny(seed, fragments, **options)
        result = SOLVERS[solver]().solve(instance, time_limit=10.0, seed=0)
        best = best_by_moves(instance)
        assert outcome(instance, result) == pytest.approx(best[-1])
        assert result.proved
        assert result.bound == pytest.approx(best[-1])
        improved += best[-1] < best[0]
    assert improved >= 5


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_fewest_moves_to_a_goal_equal_enumeration(solver):
    config, few, out_of_reach = VmConfig(objective="moves", goal=0.0), 0, 0
    for seed in range(30):
        instance = tiny(seed, MIXED if seed % 2 else FR4, groups=seed % 3 == 0)
        best = best_by_moves(instance)
        goal = [best[-1], (best[0] + best[-1]) / 2, 0.1][seed % 3]
        instance = instance.with_terms(Terms(instance.terms.mnl, instance.terms.fragments, goal))
        result = SOLVERS[solver]().solve(instance, time_limit=10.0, seed=0)
        objective = outcome(instance, result, config)
        if best[-1] <= goal + 1e-12:
            assert objective == next(moves for moves, value in enumerate(best) if value <= goal + 1e-12)
            few += objective > 0
        else:
            slots = (best[-1] - goal) * instance.free().sum() / instance.terms.fragments[0].size
            assert objective == instance.terms.mnl + max(math.ceil(slots - 1e-9), 1)
            out_of_reach += 1
        assert result.proved
        assert result.bound == objective
    assert few >= 5
    assert out_of_reach >= 3


@pytest.mark.parametrize("solver", SOLVERS)
def test_without_a_move_that_helps_the_empty_plan_is_proved(solver):
    for vms in ([], [(0, 0, 8, 2)], [(0, 0, 6, 1, 0, False), (1, 0, 7, 2, 0, False)]):
        instance = cluster(vms, pms=2)
        result = SOLVERS[solver]().solve(instance, time_limit=5.0, seed=0)
        assert len(result.solution) == 0
        assert result.proved
        assert result.bound == instance.fragment_rate()
    full = cluster([(0, 0, 8, 2), (1, 0, 8, 2)])
    assert SOLVERS[solver]().solve(full, time_limit=5.0, seed=0).bound == 0.0


@pytest.mark.parametrize(("mnl", "optimum"), [(10, 0.8508), (25, 0.7245)])
def test_the_real_cluster_is_solved_to_the_proved_optimum(real, mnl, optimum):
    instance = real(mnl)
    result = Mip().solve(instance, time_limit=60.0, seed=0)
    assert result.proved
    assert result.bound == outcome(instance, result)
    assert result.bound == pytest.approx(optimum, abs=5e-5)


@pytest.mark.parametrize(
    ("size", "mnl", "optimum"),
    [
        ("medium", 10, 0.8508),
        ("medium", 50, 0.5753),
        ("medium", 75, 0.4261),
        ("medium", 100, 0.2884),
        ("large", 50, 0.5713),
        ("large", 100, 0.5500),
    ],
)
def test_patterns_prove_the_optima_of_both_real_clusters(real, size, mnl, optimum):
    instance = real(mnl, size)
    result = Patterns().solve(instance, time_limit=60.0, seed=0)
    assert result.proved
    assert result.bound == outcome(instance, result)
    assert result.bound == pytest.approx(optimum, abs=5e-5)


def test_the_fewest_moves_to_a_goal_in_the_real_cluster(real):
    instance = real(50)
    goals = [instance.with_terms(Terms(50, instance.terms.fragments, goal)) for goal in (0.8509, 0.8507, 0.57)]
    config = VmConfig(objective="moves", goal=0.5)
    results = [Patterns().solve(wanted, time_limit=60.0, seed=0) for wanted in goals]
    objectives = [outcome(wanted, result, config) for wanted, result in zip(goals, results, strict=True)]
    assert all(result.proved for result in results)
    assert [result.bound for result in results] == objectives
    assert objectives[0] <= 10 < objectives[1] <= 50 < objectives[2]


@pytest.mark.parametrize("solver", ["mip", "cp-sat"])
def test_the_fragmented_hosts_are_enough_for_the_real_optimum(real, solver):
    instance = real(10)
    assert 119 < len(fragmented_pms(instance)) < 140
    result = SOLVERS[solver](restrict="fragmented").solve(instance, time_limit=30.0, seed=0)
    assert outcome(instance, result) == pytest.approx(0.8508, abs=5e-5)
    assert result.bound is None
    assert not result.proved


@pytest.mark.parametrize("solver", SOLVERS)
def test_when_the_time_is_over_at_once_the_plan_to_start_from_comes_back(solver):
    instance = tiny(3, FR4)
    start = greedy(instance, 0)
    assert len(start) > 0
    result = SOLVERS[solver](start=lambda instance, seed: start).solve(instance, time_limit=1e-9, seed=0)
    assert result.solution.moves() == start.moves()
    assert 0.0 <= result.bound <= outcome(instance, result)
    assert not result.proved


@pytest.mark.parametrize("solver", SOLVERS)
def test_nothing_is_proved_about_a_plan_that_is_applied_late(solver):
    instance = tiny(3, FR4)
    late = instance.with_terms(Terms(instance.terms.mnl, FR4, delay=5.0))
    result = SOLVERS[solver]().solve(late, time_limit=5.0, seed=0)
    assert outcome(late, result) == pytest.approx(best_by_moves(instance)[-1])
    assert result.bound is None
    assert not result.proved


def test_a_plan_as_a_hint_satisfies_the_model_and_has_its_value():
    moved = 0
    for seed in range(30):
        instance = tiny(seed, MIXED, scarce_memory=True, groups=True)
        plan = greedy(instance, 0)
        model = Aggregate(instance, instance.terms.mnl)
        x = model.hint(plan)
        low, value, high = row_sums(model, x)
        assert np.all((low <= value) & (value <= high))
        assert np.all((x >= 0) & (x <= model.upper))
        assert model.worth.rate(model.value(x)) == pytest.approx(replay(instance, plan).rate)
        moved += len(plan)
    assert moved >= 10


def test_a_plan_that_moves_hosts_left_out_is_no_hint():
    instance = cluster([(0, 0, 2), (1, 0, 6)], pms=3)
    model = Aggregate(instance, 3, pms=np.array([0, 2]))
    assert model.hint(VmSolution.of([(0, 2, 0)])) is not None
    assert model.hint(VmSolution.of([(0, 1, 0)])) is None
    assert model.hint(VmSolution.of([(1, 2, 0)])) is None


def test_memory_is_a_constraint_only_where_it_can_run_out():
    vms = [(0, 0, 4, 1, 4), (1, 0, 2, 1, 2)]
    rows = [Aggregate(cluster(vms, memory=memory), 3).rows.count for memory in (8, 7)]
    assert rows[0] < rows[1]


def test_weights_round_so_that_bounds_stay_bounds():
    fragments = (Fragment(4, 1, 1.0), Fragment(8, 2, math.pi / 10))
    worth = Worth.of(fragments, 100)
    for one, two in itertools.product(range(10), range(10)):
        true = sum(item.weight * (100 - item.size * n) / 100 for item, n in zip(fragments, (one, two), strict=True))
        assert true - 1e-3 <= worth.rate(worth.gain[0] * one + worth.gain[1] * two) <= true + 1e-12
    assert Worth.of(MIXED, 100).gain == (40, 24)
    assert Worth.of((Fragment(16),), 1394).whole(16 * 37.9) == 16 * 37


def swap(third):
    """Two VMs that want each other's place, and what the third PM's node 0 holds."""
    vms = [(0, 0, 6), (0, 1, 8), (1, 0, 5), (1, 1, 8), (2, 0, third), (2, 1, 8)]
    instance = cluster(vms, pms=3, terms=Terms(3, (Fragment(3),)))
    classes = Classes.of(instance, instance.movable, groups=True)
    host = np.array([1, 0, 0, 1, 2, 2])
    before, after = (classes.count(where, instance.node, 3) for where in (instance.host, host))
    return instance, classes, after - before


def test_vms_that_stand_in_each_others_way_go_round_if_moves_remain():
    instance, classes, change = swap(third=2)
    cluster_after = replay(instance, VmSolution.of([(0, 2, 0), (2, 0, 0), (0, 1, 0)]))
    assert cluster_after.complete
    assert execute(instance, classes, change, mnl=3).complete
    assert not execute(instance, classes, change, mnl=2).complete


def test_moves_that_cannot_be_made_are_dropped():
    instance, classes, change = swap(third=4)
    executed = execute(instance, classes, change, mnl=3)
    assert not executed.complete
    assert len(executed.solution) == 0
    assert executed.rate == instance.fragment_rate()


def test_anti_affinity_is_heeded_where_classes_do_not_know_of_it():
    vms = [(0, 0, 2, 1, 0, True, 7), (0, 1, 2), (1, 0, 2, 1, 0, False, 7)]
    instance = cluster(vms)
    classes = Classes.of(instance, instance.movable, groups=False)
    change = np.zeros((1, 2, 2), np.int64)
    change[0, 0, 0], change[0, 1, 1] = -1, 1
    assert not execute(instance, classes, change, mnl=1).complete
    change[0, 0, 0], change[0, 0, 1] = 0, -1
    assert execute(instance, classes, change, mnl=1).complete


def test_parts_share_all_moves_only_if_the_division_is_fair(real):
    instance = real(15)
    plain = Pop(fair=False).solve(instance, time_limit=5.0, seed=0)
    assert len(plain.solution) == 0  # 15 moves for 16 parts
    fair = Pop().solve(instance, time_limit=10.0, seed=0)
    assert outcome(instance, fair) < 0.85
    assert len(fair.solution) <= 15
    assert fair.bound is None


def test_shares_are_whole_and_add_up():
    assert shares(10, [1, 1, 1]) == [4, 3, 3]
    assert shares(5, [0, 0]) == [3, 2]
    assert shares(7, [0, 5, 2]) == [0, 5, 2]


def test_an_unknown_restriction_is_refused():
    with pytest.raises(ValueError, match="restrict must be one of"):
        Mip(restrict="some")
    with pytest.raises(ValueError, match="parts must be at least 1"):
        Pop(parts=0)
