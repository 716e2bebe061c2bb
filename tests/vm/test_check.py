"""The checker's verdicts."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlab.envs.vm.check import check_plan
from schedlab.envs.vm.config import VmConfig
from schedlab.envs.vm.formats import read_cluster
from schedlab.envs.vm.instance import Fragment, Terms
from schedlab.envs.vm.solution import VmSolution

from . import changes, tiny

MOVES = VmConfig(objective="moves", goal=0.2)


def verdict(moves, instance=None, config=None):
    return check_plan(instance or tiny(), VmSolution.of(moves), config or VmConfig())


def test_no_plan_leaves_the_fragment_rate_as_it_is():
    report = verdict([])
    assert report.feasible
    assert report.objective == pytest.approx(14 / 46)
    assert report.measures == {"moves": 0, "initial_rate": report.objective, "free_cores": 46}


def test_a_plan_gets_the_fragment_rate_after_its_last_move():
    # small leaves 16 + 8 free on a, and fills the 4 cores of b: 2 + 1, 0 + 1 and 0 + 1 more fit
    report = verdict([(0, 1, 0)])
    assert report.feasible, report.violations
    assert report.objective == pytest.approx(6 / 46)
    assert report.measures == pytest.approx({"moves": 1, "initial_rate": 14 / 46, "free_cores": 46})


def test_a_flip_to_the_other_node_of_the_own_pm_is_a_move():
    # small to a/1: 16 + 4, 2 + 0 more fit
    report = verdict([(0, 0, 1)])
    assert report.feasible, report.violations
    assert report.objective == pytest.approx((46 - 8 * 4) / 46)
    assert report.measures["moves"] == 1
    assert verdict([(0, 0, 1), (0, 0, 0)]).objective == pytest.approx(14 / 46)


def test_both_halves_of_a_double_numa_vm_move():
    # light leaves b, then wide goes to a: 16 + 16 free on b, 4 + 0 on a, 4 + 10 on c less light's 4
    report = verdict([(2, 2, 1), (3, 0, 0)])
    assert report.feasible, report.violations
    assert report.objective == pytest.approx((46 - 8 * 4) / 46)
    assert verdict([(3, 0, 0), (3, 1, 0)]).feasible, "and back"


def test_a_move_counts_on_the_room_that_the_moves_before_it_made():
    assert not verdict([(1, 1, 0)]).feasible
    assert verdict([(2, 0, 0), (1, 1, 0)]).feasible
    assert not verdict([(1, 1, 0), (2, 0, 0)]).feasible


@pytest.mark.parametrize(
    ("moves", "words"),
    [
        ([(0, 1, 0), (6, 1, 0)], "move 1, VM 6 to PM 'b', node 0: VMs are numbered 0..5, not 6"),
        ([(-1, 1, 0)], "move 0, VM -1 to PM 'b', node 0: VMs are numbered 0..5, not -1"),
        ([(0, 3, 0)], "move 0, VM 'small' to PM 3, node 0: PMs are numbered 0..2, not 3"),
        ([(0, -1, 0)], "move 0, VM 'small' to PM -1, node 0: PMs are numbered 0..2, not -1"),
        ([(0, 1, 2)], "move 0, VM 'small' to PM 'b', node 2: nodes are numbered 0..1, not 2"),
        ([(0, 1, -1)], "move 0, VM 'small' to PM 'b', node -1: nodes are numbered 0..1, not -1"),
        ([(5, 0, 0)], "move 0, VM 'fixed' to PM 'a', node 0: the VM may not be moved"),
        ([(0, 0, 0)], "move 0, VM 'small' to PM 'a', node 0: it is there already"),
        ([(0, 1, 0), (0, 1, 0)], "move 1, VM 'small' to PM 'b', node 0: it is there already"),
        ([(3, 1, 0)], "move 0, VM 'wide' to PM 'b', node 0: it is there already"),
        ([(3, 0, 1)], "move 0, VM 'wide' to PM 'a', node 1: a VM that takes both NUMA nodes goes to node 0"),
        ([(3, 1, 1)], "move 0, VM 'wide' to PM 'b', node 1: a VM that takes both NUMA nodes goes to node 0"),
        ([(1, 1, 0)], "move 0, VM 'web-1' to PM 'b', node 0: needs 8 cores on NUMA node 0, 4 are free"),
        ([(3, 2, 0)], "move 0, VM 'wide' to PM 'c', node 0: needs 8 cores on NUMA node 0, 4 are free"),
        ([(0, 2, 0)], "move 0, VM 'small' to PM 'c', node 0: needs 16 MB on NUMA node 0, 12 are free"),
        ([(3, 2, 0)], "move 0, VM 'wide' to PM 'c', node 0: needs 16 MB on NUMA node 0, 12 are free"),
        ([(1, 2, 1)], "move 0, VM 'web-1' to PM 'c', node 1: VM 'web-2' of its anti-affinity group is there"),
        ([(4, 0, 0)], "move 0, VM 'web-2' to PM 'a', node 0: VM 'web-1' of its anti-affinity group is there"),
        ([(0, 1, 0), *[(0, 0, 0), (0, 1, 0)] * 3], "move 5, VM 'small' to PM 'a', node 0: at most 5 moves may be made, "
         "the plan has 7"),
    ],
)  # fmt: skip
def test_each_kind_of_violation_is_named(moves, words):
    report = verdict(moves)
    assert not report.feasible
    assert math.isnan(report.objective)
    assert not report.measures
    assert words in report.violations, report.violations


def test_both_nodes_of_a_double_numa_vm_are_looked_at():
    report = verdict([(0, 0, 1), (3, 0, 0)])
    assert report.violations == ("move 1, VM 'wide' to PM 'a', node 0: needs 8 cores on NUMA node 1, 4 are free",)


def test_anti_affinity_follows_the_vms():
    # web-1 to b, once light has made room there; then web-2 must not follow it, but may go to a
    away = [(2, 2, 1), (1, 1, 0)]
    assert verdict(away).feasible
    assert verdict([*away, (4, 0, 0)]).feasible
    report = verdict([*away, (4, 1, 1)])
    assert "move 2, VM 'web-2' to PM 'b', node 1: VM 'web-1' of its anti-affinity group is there" in report.violations
    # a flip beside nobody of the group is fine
    assert verdict([(1, 0, 0)]).feasible


def test_a_move_that_is_wrong_is_not_made():
    # were web-1 on b/0, small could not follow: with it left out, there are 4 cores for small
    report = verdict([(1, 1, 0), (0, 1, 0)])
    assert report.violations == (
        "move 0, VM 'web-1' to PM 'b', node 0: needs 8 cores on NUMA node 0, 4 are free",
    )  # fmt: skip


def test_only_the_first_hundred_violations_are_told():
    assert len(verdict([(0, 0, 0)] * 300, tiny(mnl=1000)).violations) == 100
    assert len(verdict([(0, 0, 0)] * 300).violations) == 100


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        (([0], [1, 1], [0]), "vm, pm and node must be of one length, not 1, 2 and 1"),
        (([[0]], [1], [0]), "vm: must be a list of numbers, not an array of shape (1, 1)"),
        (([0], [1.0], [0]), "pm: must be whole numbers, not float64"),
        (([0], [1], [False]), "node: must be whole numbers, not bool"),
    ],
)
def test_arrays_of_another_shape_are_refused(arrays, words):
    solution = VmSolution(*(np.array(values) for values in arrays))
    assert check_plan(tiny(), solution, VmConfig()).violations == (words,)


def test_a_full_cluster_has_no_fragments():
    instance = tiny()
    full = replace(instance, capacity=instance.capacity - instance.free())
    assert verdict([], full).objective == 0


def test_slots_on_both_nodes_and_weights_count():
    # VMs of 8 cores on both nodes take 4 + 4: 2, 1 and 1 fit
    assert verdict([], tiny(fragments=(Fragment(8, 2),))).objective == pytest.approx((46 - 8 * 4) / 46)
    # of 16 cores on both nodes: 1, 0 and 0; on one: none
    assert verdict([], tiny(fragments=(Fragment(16, 2),))).objective == pytest.approx(30 / 46)
    mixed = (Fragment(8, weight=0.5), Fragment(16, weight=2.0))
    assert verdict([], tiny(fragments=mixed)).objective == pytest.approx(0.5 * 14 / 46 + 2 * 1.0)


# --- as few moves as possible


def test_a_plan_that_reaches_the_goal_costs_its_moves():
    report = verdict([(0, 1, 0)], tiny(goal=0.2), MOVES)
    assert report.objective == 1
    assert report.measures == pytest.approx({"moves": 1, "initial_rate": 14 / 46, "free_cores": 46, "rate": 6 / 46})
    assert verdict([(0, 1, 0)], tiny(goal=6 / 46), MOVES).objective == 1, "just reached"


@pytest.mark.parametrize(
    ("goal", "missing"), [(14 / 46, None), (13.9 / 46, 1), (6 / 46, 1), (5.9 / 46, 2), (0.0, 2), (0.30434, 1)]
)
def test_a_plan_that_misses_the_goal_costs_more_than_all_moves(goal, missing):
    report = verdict([], tiny(goal=goal), MOVES)
    assert report.feasible
    assert report.objective == (0 if missing is None else 5 + missing)


# --- plans that come late

# after 3 s 8 cores of b/1 are taken, after 30 s all 4 of b/0, after 100 s small leaves
LATE = changes((3, -1, 1, 1, 8), (30, -1, 1, 0, 4), (100, 0, -1, 0, 0))


def test_late_rates_and_lost_moves_are_measured():
    report = verdict([(0, 1, 0)], replace(tiny(), changes=LATE))
    assert report.objective == pytest.approx(6 / 46)
    assert report.measures == pytest.approx(
        {
            "moves": 1,
            "initial_rate": 14 / 46,
            "free_cores": 46,
            # 16 + 8, 0 + 0, 4 + 10 are free: 2 + 1 + 1 fit
            "rate_after_5s": (38 - 32) / 38,
            # the move is lost: 12 + 8, 0 + 0, 4 + 10 are free
            "rate_after_60s": (34 - 24) / 34,
            # and the VM is gone: 16 + 8, 0 + 0, 4 + 10
            "rate_after_600s": (38 - 32) / 38,
            "dropped_after_600s": 1,
        }
    )


@pytest.mark.parametrize(("delay", "rate"), [(0, 6 / 46), (2, 6 / 46), (5, 6 / 38), (60, 10 / 34), (1000, 6 / 38)])
def test_with_a_delay_the_objective_is_the_late_rate(delay, rate):
    instance = replace(tiny(delay=float(delay)), changes=LATE)
    assert verdict([(0, 1, 0)], instance).objective == pytest.approx(rate)


def test_a_delay_without_changes_costs_nothing():
    assert verdict([(0, 1, 0)], tiny(delay=60.0)).objective == pytest.approx(6 / 46)


def test_a_plan_must_be_right_at_once_even_if_it_comes_late():
    gone = changes((1, 2, -1, 0, 0))  # light leaves, so that web-1 would fit
    assert not verdict([(1, 1, 0)], replace(tiny(delay=5.0), changes=gone)).feasible


# --- against the instance's own numbers


@settings(max_examples=200, deadline=None)
@given(moves=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2), st.integers(0, 1)), max_size=6), data=st.data())
def test_rates_are_those_of_the_cluster_with_its_vms_moved(moves, data):
    size, nodes = data.draw(st.sampled_from([(1, 1), (4, 1), (8, 1), (8, 2), (16, 2)]))
    instance = tiny(mnl=10, fragments=(Fragment(size, nodes), Fragment(2, 2, 0.25)))
    report = verdict(moves, instance)
    host, node = instance.host.copy(), instance.node.copy()
    for vm, pm, target in moves:
        host[vm], node[vm] = pm, target
    if report.feasible:
        # raises where a VM does not fit or meets another of its group
        assert report.objective == pytest.approx(replace(instance, host=host, node=node).fragment_rate(), abs=1e-12)
    else:
        assert report.violations
        assert all(text.startswith("move ") for text in report.violations)


@settings(max_examples=200, deadline=None)
@given(vm=st.integers(0, 5), pm=st.integers(0, 2), node=st.integers(0, 1))
def test_a_single_move_is_right_if_it_gives_another_cluster(vm, pm, node):
    instance = tiny()
    host, node_of = instance.host.copy(), instance.node.copy()
    moved = (host[vm], node_of[vm]) != (pm, node)
    host[vm], node_of[vm] = pm, node
    try:
        replace(instance, host=host, node=node_of)
    except ValueError:
        moved = False
    assert verdict([(vm, pm, node)]).feasible == (moved and bool(instance.movable[vm]))


@pytest.mark.parametrize(("name", "rate", "free"), [("medium", 0.9770, 1394), ("large", 0.6003, 18772)])
def test_real_clusters_have_the_published_fragment_rate(shared_data, name, rate, free):
    path = shared_data / "vm" / f"vmr_{name}_base.json.gz"
    if not path.exists():
        pytest.skip("the real clusters are not here")
    instance = read_cluster(path, Terms())
    report = check_plan(instance, VmSolution.of([]), VmConfig())
    assert report.objective == pytest.approx(rate, abs=5e-5)
    assert report.objective == pytest.approx(instance.fragment_rate(), abs=1e-12)
    assert report.measures["free_cores"] == free
