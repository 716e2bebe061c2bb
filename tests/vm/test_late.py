"""Plans that are applied late."""

from dataclasses import replace

import numpy as np
import pytest

from schedlab.envs.vm.instance import Changes
from schedlab.envs.vm.late import apply_late
from schedlab.envs.vm.solution import VmSolution

from . import changes, tiny

PLAN = VmSolution.of([(0, 1, 0)])  # small, 4 cores, from a/0 to b/0, where 4 are free


def late(delay, *events, plan=PLAN):
    return apply_late(replace(tiny(), changes=changes(*events)), plan, delay)


def test_nothing_happens_without_changes():
    result = apply_late(tiny(), PLAN, 1e6)
    assert (result.fragment_rate, result.untouched) == pytest.approx((6 / 46, 14 / 46))
    assert (result.moves, result.dropped) == (1, 0)


def test_what_happens_at_the_delay_has_happened_and_what_comes_later_has_not():
    event = (7, -1, 1, 0, 4)
    assert late(6.999, event).dropped == 0
    assert late(7, event).dropped == 1


def test_a_vm_that_left_is_not_moved():
    result = late(1, (1, 0, -1, 0, 0))
    assert (result.moves, result.dropped) == (0, 1)
    # small's cores are free: 16 + 8, 4 + 8, 4 + 10
    assert result.fragment_rate == result.untouched == pytest.approx((50 - 40) / 50)


def test_a_move_without_room_is_dropped_and_those_after_it_are_tried():
    # b/0 is taken, so small stays; light still goes to c/1, and leaves 4 cores that nobody needs now
    result = late(1, (1, -1, 1, 0, 4), plan=VmSolution.of([(0, 1, 0), (2, 2, 1)]))
    assert (result.moves, result.dropped) == (1, 1)


def test_a_move_that_needed_a_dropped_one_is_dropped_as_well():
    # web-1 needs the room that light leaves on b/0, and light cannot leave
    plan = VmSolution.of([(2, 2, 1), (1, 1, 0)])
    assert late(1, plan=plan).dropped == 0
    assert late(1, (1, -1, 2, 1, 8), plan=plan).dropped == 2


def test_memory_counts():
    # the new VM takes no cores, but all but 8 of the 40 MB that are free on b/0
    events = Changes(np.ones(1), *(np.array([value]) for value in (-1, 1, 0, 0, 32, 1)))
    assert apply_late(replace(tiny(), changes=events), PLAN, 1).dropped == 1


def test_vms_on_both_nodes_come_and_go():
    events = Changes(np.ones(1), *(np.array([value]) for value in (-1, 1, 0, 4, 0, 2)))
    result = apply_late(replace(tiny(), changes=events), PLAN, 1)
    # 12 + 8, 0 + 4, 4 + 10
    assert result.untouched == pytest.approx((38 - 24) / 38)
    assert result.dropped == 1
    result = late(1, (1, 3, -1, 0, 0))
    # wide is gone: 16 + 8, 8 + 16, 4 + 10
    assert result.fragment_rate == pytest.approx((62 - 56) / 62)


def test_anti_affinity_counts_those_that_are_still_there():
    # web-2 goes to a once web-1 went to b; when web-1 is gone, web-2 still can
    plan = VmSolution.of([(2, 2, 1), (1, 1, 0), (4, 0, 0)])
    assert late(1, plan=plan).dropped == 0
    assert late(1, (1, 1, -1, 0, 0), plan=plan).dropped == 1
    # web-1 cannot leave a, so web-2 must stay away, though there is room
    assert late(1, (1, -1, 1, 0, 4), (1, -1, 2, 1, 10), plan=plan).dropped == 3


def test_a_vm_that_did_not_get_away_does_not_move_to_where_it_is():
    plan = VmSolution.of([(0, 1, 0), (0, 0, 0)])
    assert late(1, plan=plan).moves == 2
    result = late(1, (1, -1, 1, 0, 4), plan=plan)
    assert (result.moves, result.dropped) == (0, 2)


def test_a_double_numa_vm_takes_and_leaves_both_nodes():
    plan = VmSolution.of([(3, 0, 0)])
    result = late(0, plan=plan)
    # 4 + 0, 12 + 16, 4 + 10
    assert result.fragment_rate == pytest.approx((46 - 32) / 46)
    assert late(1, (1, -1, 0, 1, 1), plan=plan).dropped == 1


def test_the_instance_is_left_alone():
    instance = replace(tiny(), changes=changes((1, 0, -1, 0, 0)))
    before = instance.host.copy(), instance.node.copy(), instance.free()
    apply_late(instance, PLAN, 5)
    for old, new in zip(before, (instance.host, instance.node, instance.free()), strict=True):
        np.testing.assert_array_equal(old, new)
