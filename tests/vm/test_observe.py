"""What policies see: every feature on a cluster by hand, and what holds on all."""

from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlab.envs.vm import features as f
from schedlab.envs.vm import state as s
from schedlab.envs.vm.config import OFFERS
from schedlab.envs.vm.observe import CANDIDATE_FEATURES, CONTEXT_FEATURES, NODE_FEATURES

from . import tiny
from .plain import Plain
from .strategies import instances, random_step, started

SEEDS = st.integers(0, 99)
KINDS = [(4, 8, 1), (4, 16, 1), (6, 16, 1), (8, 16, 2), (8, 32, 1), (12, 48, 1)]
SMALL, WIDE, FIXED, STOP = 0, 3, 5, 12  # of ``tiny``: VMs, and to stop
A1, B0, B1, C0, C1 = 7, 8, 9, 10, 11  # places


def count(number):
    return log(1 + number) / 4


def named(names, values):
    return dict(zip(names, np.asarray(values).tolist(), strict=True))


def seen(simulator, action):
    """The features of a choice, by name."""
    return named(CANDIDATE_FEATURES, simulator.observe().features[0, action])


def context(simulator):
    return named(CONTEXT_FEATURES, simulator.observe().context[0])


def is_seen(actual, **expected):
    """The named features, and all others 0."""
    assert actual == pytest.approx(dict.fromkeys(actual, 0.0) | expected)


def test_names_and_columns_agree():
    for name in CANDIDATE_FEATURES:
        assert CANDIDATE_FEATURES[getattr(f, name.removeprefix("is_chosen").upper() or "CHOSEN")] == name
    for name in CONTEXT_FEATURES[: -s.RESIDUES]:
        assert CONTEXT_FEATURES[getattr(f, name.upper())] == name
    assert (len(CANDIDATE_FEATURES), len(CONTEXT_FEATURES)) == (f.CANDIDATE_COLUMNS, f.CONTEXT_COLUMNS)


def test_nodes_are_the_pms_the_kinds_of_vms_and_the_cluster():
    state = started(tiny()).observe()
    assert state.nodes.shape == (1, 3 + 6 + 1, len(NODE_FEATURES))
    assert state.node_mask.all()
    pms = [(12, 8, 48, 32, 64, 2, 2), (4, 8, 40, 48, 64, 1, 2), (4, 10, 12, 44, 60, 1, 2)]
    for row, (free0, free1, memory0, memory1, memory, slots, vms) in zip(state.nodes[0], pms, strict=False):
        is_seen(
            named(NODE_FEATURES, row), is_pm=1, free_0=free0 / 16, free_1=free1 / 16, free_memory_0=memory0 / memory,
            free_memory_1=memory1 / memory, residue_0=free0 % 8 / 8, residue_1=free1 % 8 / 8, slots=slots, vms=vms / 10,
        )  # fmt: skip
    for row, (cpu, _, nodes) in zip(state.nodes[0, 3:], KINDS, strict=False):
        is_seen(named(NODE_FEATURES, row), is_kind=1, cpu=cpu / 8, double=nodes - 1, vms=count(1))
    is_seen(named(NODE_FEATURES, state.nodes[0, 9]), is_cluster=1)


def test_edges_lead_from_pms_to_the_kinds_that_they_hold_at_the_start():
    edges = started(tiny()).observe().edges["hosts"][0]
    assert sorted(map(tuple, edges.T.tolist())) == [
        (0, 3 + 1),
        (0, 3 + 4),
        (1, 3 + 0),
        (1, 3 + 3),
        (2, 3 + 2),
        (2, 3 + 5),
    ]


def test_a_vm_is_seen_with_the_numa_node_it_is_on():
    # small fits on a/0, a/1, b/0, b/1 and c/1, at no slot on a/0 and b/0, and leaves nothing over there; it is on a/0
    is_seen(
        seen(started(tiny()), SMALL), cpu=0.5, memory=16 / 64, residue=0.5, residue_after=0, gain=1, needs=1 / 8,
        needs_after=1, free=12 / 16, free_memory=48 / 64, vms=0.2, is_vm=1, places=count(4), costless=count(1),
        exact=count(2), prospect=1,
    )  # fmt: skip


def test_a_double_numa_vm_is_seen_with_node_0_and_leaves_both():
    # without wide there are 12 + 16 free cores on b, three slots for one; light still is there
    actual = seen(started(tiny()), WIDE)
    assert actual.pop("prospect") == 1, "as if it took one slot elsewhere"
    is_seen(
        actual, cpu=1, memory=16 / 64, double=1, residue=0.5, residue_after=0.5, gain=2, needs=1 / 8, needs_after=1 / 8,
        free=4 / 16, free_memory=40 / 64, vms=0.2, is_vm=1, places=count(1),
    )  # fmt: skip


def test_groups_and_earlier_moves_show():
    simulator = started(tiny())
    assert seen(simulator, 1)["grouped"] == 1
    assert seen(simulator, SMALL)["was_moved"] == 0
    simulator.step(np.array([SMALL]))
    simulator.step(np.array([B0]))
    after = seen(simulator, SMALL)
    assert after["was_moved"] == 1
    assert (after["residue"], after["residue_after"], after["gain"]) == (0, 0.5, 0)
    assert after["vms"] == pytest.approx(0.3)
    assert simulator.observe().candidate[0, SMALL] == 1, "the PM that it is on now"


def test_a_place_is_seen_with_the_vm_that_was_picked():
    simulator = started(tiny())
    simulator.step(np.array([SMALL]))
    # of light (4) and wide (8, as large as a fragment) on b/0, light leaves for 4 more; for 8 more there is nobody
    is_seen(
        seen(simulator, B0), cpu=0.5, memory=16 / 64, residue=0.5, residue_after=0, gain=0, needs=1 / 8,
        needs_after=1, free=4 / 16, free_memory=40 / 64, vms=0.2, is_place=1, is_exact=1, prospect=1,
    )  # fmt: skip
    # fixed cannot leave c/1
    is_seen(
        seen(simulator, C1), cpu=0.5, memory=16 / 60, residue=2 / 8, other_residue=0.5, residue_after=6 / 8, gain=-1,
        needs=1, needs_after=1, free=10 / 16, free_memory=44 / 60, vms=0.2, is_place=1, prospect=0,
    )  # fmt: skip
    # only web-1 can leave a/1, and is as large as a fragment; on a itself the slot that small leaves makes up for the
    # one that it takes
    is_seen(
        seen(simulator, A1), cpu=0.5, memory=16 / 64, residue=0, other_residue=0.5, residue_after=0.5, gain=-1,
        needs=1, needs_after=1, free=8 / 16, free_memory=32 / 64, vms=0.2, is_place=1, flip=1, prospect=0,
    )  # fmt: skip
    for action in (SMALL, C0, STOP):
        is_seen(seen(simulator, action))
        assert simulator.observe().candidate[0, action] == -1


def test_a_double_numa_place_is_exact_if_nothing_is_left_over_on_both_nodes():
    simulator = started(tiny())
    simulator.step(np.array([WIDE]))
    place = seen(simulator, 6)
    # 12 + 8 free cores become 4 + 0: two slots fewer there, two more on b
    assert (place["gain"], place["prospect"], place["is_exact"], place["double"]) == (-2, 0, 0, 1)
    simulator = started(tiny())
    for action in (SMALL, A1, SMALL, 6, SMALL, B0, WIDE):
        simulator.step(np.array([action]))
    assert not simulator.illegal[0]
    assert seen(simulator, 6)["is_exact"] == 1, "16 + 8 become 8 + 0"


def test_the_context_tells_of_the_cluster_now_and_of_the_vm_that_was_picked():
    simulator = started(tiny(mnl=5))
    always = {
        "left_share": 1, "left": count(5), "rate": 14 / 46, "free_share": 46 / 96, "pms": count(3),
        "fragmented_share": 1, "residue_0": log(3) / 4, "residue_2": log(2) / 4, "residue_4": log(4) / 4,
    }  # fmt: skip
    is_seen(context(simulator), **always, offered=count(4))
    simulator.step(np.array([SMALL]))
    is_seen(
        context(simulator), **always, picking_place=1, offered=count(4), chosen_cpu=0.5, chosen_gain=1,
        chosen_residue=0, chosen_costless=count(2), chosen_exact=count(2),
    )  # fmt: skip
    simulator.step(np.array([B0]))
    after = context(simulator)
    assert (after["left_share"], after["used"], after["rate"]) == pytest.approx((4 / 5, count(1), 6 / 46))
    # a has 16 + 8 free cores now, b 0 + 8
    assert after["fragmented_share"] == pytest.approx(1 / 3)
    assert after["residue_0"] == pytest.approx(log(5) / 4)


@pytest.mark.parametrize("picked", [None, SMALL])
def test_all_vms_and_numa_nodes_can_be_shown_and_the_chosen_vm_is_marked(picked):
    simulator = started(tiny(), show_all=True)
    if picked is not None:
        simulator.step(np.array([picked]))
    state = simulator.observe()
    shown = state.features[0]
    assert state.candidate[0].tolist() == [0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2, 9]
    np.testing.assert_array_equal(shown[:, f.IS_VM], [1] * 6 + [0] * 7)
    np.testing.assert_array_equal(shown[:, f.IS_PLACE], [0] * 6 + [1] * 6 + [0])
    np.testing.assert_array_equal(np.flatnonzero(shown[:, f.CHOSEN]), [] if picked is None else [picked])
    np.testing.assert_array_equal(np.flatnonzero(shown[:, f.STOP]), [STOP])
    np.testing.assert_array_equal(shown[[6, A1, B0, B1, C0, C1], f.FREE], np.float32([12, 8, 4, 8, 4, 10]) / 16)
    assert shown[FIXED, f.CPU] == 6 / 8, "also one that may not be moved"
    np.testing.assert_array_equal(state.action_mask[0], simulator.action_mask[0])
    plain = started(tiny())
    if picked is not None:
        plain.step(np.array([picked]))
    legal = np.flatnonzero(plain.action_mask[0])
    np.testing.assert_array_equal(
        np.delete(shown[legal], f.CHOSEN, 1), np.delete(plain.observe().features[0, legal], f.CHOSEN, 1)
    )


# --- on any cluster


@pytest.mark.parametrize("offer", OFFERS)
@pytest.mark.parametrize("show_all", [False, True])
@settings(max_examples=30, deadline=None)
@given(instance=instances(), seed=SEEDS)
def test_candidates_point_to_where_vms_are_and_features_are_bounded(offer, show_all, instance, seed):
    simulator, rng, plain = started(instance, offer, show_all), np.random.default_rng(seed), Plain(instance)
    pms, vms = simulator.sizes[:2]
    while True:
        state = simulator.observe()
        for array in (state.nodes, state.features, state.context):
            assert np.isfinite(array).all()
            assert np.abs(array).max() <= 10
        expected = np.array([*plain.host, *np.repeat(np.arange(pms), 2).tolist(), simulator.spec.num_nodes - 1])
        shown = simulator.action_mask[0] | show_all
        np.testing.assert_array_equal(state.candidate[0], np.where(shown, expected, -1))
        assert not state.features[0, ~shown].any()
        if simulator.done[0]:
            break
        vm = int(simulator.chosen[0])
        action, _ = random_step(simulator, rng)
        if vm >= 0:
            plain.move(vm, *divmod(int(action[0]) - vms, 2))


@settings(max_examples=60, deadline=None)
@given(instance=instances(goals=False), seed=SEEDS)
def test_the_prospect_of_a_place_is_what_the_move_earns_in_slots(instance, seed):
    simulator, rng = started(instance), np.random.default_rng(seed)
    first, free = instance.terms.fragments[0], instance.free().sum()
    while not simulator.done[0]:
        placing = simulator.chosen[0] >= 0
        features = simulator.observe().features[0].copy()
        action, reward = random_step(simulator, rng)
        if placing:
            slots = reward[0] * free / (first.size * first.weight)
            assert features[action[0], f.PROSPECT] == pytest.approx(np.clip(slots, -10, 10), abs=1e-4)


def least(sizes, lacking):
    """How many of some VMs must leave before that many cores more are free, eighths."""
    ordered = sorted(sizes, reverse=True)
    for number in range(8):
        if sum(ordered[:number]) >= lacking:
            return number / 8
    return 1.0


@settings(max_examples=60, deadline=None)
@given(instance=instances(goals=False, max_vms=24))
def test_counts_of_places_and_of_vms_that_must_leave_are_those_of_their_definitions(instance):
    simulator, plain = started(instance), Plain(instance)
    first = instance.terms.fragments[0]
    unit, free = first.size // first.nodes, plain.free()
    features = simulator.observe().features[0]
    for vm in np.flatnonzero(simulator.action_mask[0, : simulator.sizes[1]]).tolist():
        pm, node, cpu = plain.host[vm], plain.node[vm], int(instance.cpu[vm])
        beside = [
            int(instance.cpu[other])
            for other in range(instance.num_vms)
            if plain.host[other] == pm and node in plain.spans(other) and instance.movable[other] and other != vm
            if instance.cpu[other] < unit
        ]
        if len(beside) > 6:
            continue
        assert features[vm, f.NEEDS] == least([*beside, cpu] if cpu < unit else beside, unit - free[pm][node] % unit)
        assert features[vm, f.NEEDS_AFTER] == least(beside, unit - (free[pm][node] + cpu) % unit)
        assert features[vm, f.GAIN] * first.size * first.weight == pytest.approx(
            np.clip(plain.gain_of_leaving(vm), *(10 * first.size * first.weight * np.array([-1, 1]))), abs=1e-4
        )
        if instance.group[vm] < 0:
            assert features[vm, f.PLACES] == pytest.approx(count(len(plain.places(vm))))
