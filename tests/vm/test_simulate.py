"""The simulator against plain Python, the checker, itself in other shapes, and numbers of the real clusters."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlab.agents.core import run_policy
from schedlab.agents.vm import RULES, RulePolicy
from schedlab.envs.vm import state as s
from schedlab.envs.vm.check import check_plan
from schedlab.envs.vm.config import OFFERS, VmConfig
from schedlab.envs.vm.formats import read_cluster
from schedlab.envs.vm.instance import Fragment, Terms
from schedlab.envs.vm.problem import PROBLEM
from schedlab.envs.vm.simulate import SIZE_NAMES, VmSimulator, sizes_of

from . import tiny
from .plain import Plain
from .strategies import checked_by, instances, moved, random_step, started

SEEDS = st.integers(0, 99)
EVERY_OFFER = pytest.mark.parametrize("offer", OFFERS)
CHANGES_EVERY_STEP = ("reward", "illegal")

# --- plans and what they earn


@EVERY_OFFER
@settings(max_examples=60, deadline=None)
@given(instance=instances(delays=True), seed=SEEDS)
def test_random_play_makes_plans_that_the_checker_accepts_at_the_same_objective(offer, instance, seed):
    simulator, rng, config = started(instance, offer), np.random.default_rng(seed), checked_by(instance)
    while not simulator.done[0]:
        random_step(simulator, rng)
    report = check_plan(instance, simulator.solution(0), config)
    assert report.feasible, report.violations
    assert simulator.objective()[0] == pytest.approx(report.objective, abs=1e-9)
    assert simulator.fragment_rates()[0] == pytest.approx(Plain(moved(instance, simulator)).rate(), abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(instance=instances(delays=True), seed=SEEDS)
def test_rewards_sum_to_what_the_objective_fell_by_since_the_start(instance, seed):
    simulator, rng = started(instance), np.random.default_rng(seed)
    if not instance.terms.delay:
        report = check_plan(instance, simulator.solution(0), checked_by(instance))
        assert simulator.objective()[0] == pytest.approx(report.objective, abs=1e-9), "of no plan"
    start, total = simulator.objective()[0], 0.0
    while not simulator.done[0]:
        picking = simulator.chosen[0] < 0
        action, reward = random_step(simulator, rng)
        if picking and not simulator.done[0]:
            assert reward[0] == 0
            assert simulator.chosen[0] == action[0]
        total += reward[0]
    assert total == pytest.approx(start - simulator.objective()[0], abs=1e-9)


def test_a_goal_that_is_missed_costs_the_limit_and_the_slots_that_lack():
    instance = tiny(mnl=3, goal=0.05)
    simulator = started(instance)
    # 14 of 46 are fragments and 0.05 * 46 = 2.3 may be: 11.7 too many, two slots of 8
    assert simulator.objective()[0] == 3 + 2
    simulator.step(np.array([0]))
    # small fills b/0: 6 fragments are left, 3.7 too many
    assert simulator.step(np.array([6 + 2]))[0] == 1
    assert simulator.objective()[0] == 3 + 1


# --- what can be chosen


@settings(max_examples=100, deadline=None)
@given(instance=instances(), seed=SEEDS)
def test_every_vm_that_can_move_and_every_place_that_it_can_go_to_is_offered_and_no_other(instance, seed):
    simulator, plain, rng = started(instance), Plain(instance), np.random.default_rng(seed)
    pms, vms = simulator.sizes[:2]
    goal, moves, stopped = instance.terms.goal, 0, False
    while True:
        can = plain.can_move()
        reached = goal is not None and plain.rate() <= goal + 1e-9
        ended = stopped or reached or moves == instance.terms.mnl or not can
        assert simulator.done[0] == ended
        expected = np.zeros(vms + 2 * pms + 1, bool)
        expected[-1] = True
        expected[[] if ended else can] = True
        np.testing.assert_array_equal(simulator.action_mask[0], expected)
        if ended:
            break
        action, _ = random_step(simulator, rng)
        stopped = action[0] == vms + 2 * pms
        if stopped:
            continue
        vm = int(action[0])
        expected[:] = False
        for pm, node in plain.places(vm):
            expected[vms + 2 * pm + node] = True
            assert simulator.can_go(0, vm, pm, node)
        np.testing.assert_array_equal(simulator.action_mask[0], expected)
        action, _ = random_step(simulator, rng)
        plain.move(vm, *divmod(int(action[0]) - vms, 2))
        moves += 1
        assert simulator.solution(0).moves()[-1] == (vm, plain.host[vm], plain.node[vm])


@pytest.mark.parametrize("offer", ["distinct", "once", "fragmented"])
@settings(max_examples=80, deadline=None)
@given(instance=instances(), seed=SEEDS)
def test_of_interchangeable_vms_exactly_one_is_offered_where_the_offer_covers_them(offer, instance, seed):
    simulator, plain, rng = started(instance, offer), Plain(instance), np.random.default_rng(seed)
    vms = simulator.sizes[1]
    while not simulator.done[0]:
        can = set(plain.can_move())
        offered = set(np.flatnonzero(simulator.action_mask[0, :vms]).tolist())
        assert offered <= can
        for alike in plain.alike():
            vm = alike[0]
            covered = offer == "distinct" or vm not in plain.moved
            covered &= offer != "fragmented" or plain.loose(plain.host[vm])
            assert len(offered & set(alike)) == (vm in can and covered)
            assert simulator.state.vm[0, alike, s.STANDS].sum() == 1
        action, _ = random_step(simulator, rng)
        if not simulator.done[0]:
            place, _ = random_step(simulator, rng)
            plain.move(int(action[0]), *divmod(int(place[0]) - vms, 2))
    assert simulator.action_mask[0].nonzero()[0].tolist() == [len(simulator.action_mask[0]) - 1]


@settings(max_examples=40, deadline=None)
@given(instance=instances(goals=False), seed=SEEDS)
def test_twins_are_the_vms_of_one_kind_on_one_numa_node_that_were_all_moved_or_all_not(instance, seed):
    simulator, rng = started(instance), np.random.default_rng(seed)
    for _ in range(4):
        random_step(simulator, rng)
    plain = Plain(moved(instance, simulator))
    went = set(simulator.solution(0).vm.tolist())
    for alike in plain.alike():
        for vm in alike:
            both = [other for other in alike if (other in went) == (vm in went)]
            assert sorted([vm, *simulator.twins(0, vm)]) == both


def test_flips_groups_memory_and_immovable_vms_on_a_cluster_by_hand():
    simulator = started(tiny())
    offered = {
        0: [(0, 1), (1, 0), (1, 1), (2, 1)],  # small: not c/0, where 12 MB are free
        1: [(0, 0), (1, 1)],  # web-1: its other node, and b, but not c, where web-2 is
        2: [(0, 0), (0, 1), (1, 1), (2, 0), (2, 1)],  # light: not b/0, where it is
        3: [(0, 0)],  # wide: only a has 8 + 8
    }  # web-2 finds 12 cores on a/0 only, where web-1 is; fixed may not be moved
    assert np.flatnonzero(simulator.action_mask[0]).tolist() == [*offered, 12]
    here = simulator.snapshot()
    for vm, places in offered.items():
        simulator.restore(here)
        simulator.step(np.array([vm]))
        assert [divmod(action - 6, 2) for action in np.flatnonzero(simulator.action_mask[0]).tolist()] == places


# --- the state


@settings(max_examples=100, deadline=None)
@given(instance=instances(), seed=SEEDS)
def test_what_is_kept_up_to_date_equals_what_a_fresh_start_from_there_computes(instance, seed):
    simulator, rng = started(instance), np.random.default_rng(seed)
    while not simulator.done[0]:
        random_step(simulator, rng, stop=0.0)
        if simulator.chosen[0] >= 0:
            continue
        fresh = VmSimulator(simulator.sizes, 1)
        fresh.reset([moved(instance, simulator)])
        mine, theirs = simulator.state, fresh.state
        for name in ("pm", "holes", "residues", "sums", "table"):
            np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name), err_msg=name)
        for column in (s.HOST, s.NODE, s.ROOM_HERE, s.COSTLESS_HERE):
            np.testing.assert_array_equal(mine.vm[..., column], theirs.vm[..., column], err_msg=str(column))
        assert mine.row[0, s.FRAGMENTED] == theirs.row[0, s.FRAGMENTED]
        assert mine.real[0, s.USABLE] == pytest.approx(theirs.real[0, s.USABLE])
        for pm, count in enumerate(mine.pm[0, :, s.COUNT]):
            assert sorted(mine.lists[0, pm, :count]) == sorted(theirs.lists[0, pm, :count])
        if not simulator.done[0]:
            np.testing.assert_array_equal(mine.legal, theirs.legal)
        touched = {vm for vm, _, _ in simulator.solution(0).moves()}
        assert set(np.flatnonzero(mine.vm[0, :, s.MOVED]).tolist()) == touched


def widened(action, own, large):
    """An action of a simulator of some sizes in a larger one."""
    (pms, vms), (more_pms, more_vms) = own.sizes[:2], large.sizes[:2]
    if action == vms + 2 * pms:
        return more_vms + 2 * more_pms
    return action + (more_vms - vms if action >= vms else 0)


@EVERY_OFFER
@pytest.mark.parametrize("show_all", [False, True])
@settings(max_examples=10, deadline=None)
@given(data=st.data(), seed=SEEDS)
def test_a_batch_of_clusters_of_several_sizes_equals_each_alone(offer, show_all, data, seed):
    drawn = data.draw(st.lists(instances(delays=True), min_size=4, max_size=4))
    together = VmSimulator(sizes_of(drawn), 4, offer, show_all)
    together.reset(drawn)
    alone = [started(instance, offer, show_all) for instance in drawn]
    rng = np.random.default_rng(seed)
    while together.done_count < 4:
        state, actions = together.observe(), []
        for row, simulator in enumerate(alone):
            seen, where = (
                simulator.observe(),
                [widened(a, simulator, together) for a in range(simulator.spec.num_actions)],
            )
            np.testing.assert_array_equal(seen.action_mask[0], state.action_mask[row, where])
            np.testing.assert_array_equal(seen.features[0], state.features[row, where])
            np.testing.assert_array_equal(seen.context[0], state.context[row])
            mask = simulator.action_mask[0]
            actions.append(int(rng.choice(np.flatnonzero(mask))))
        rewards = together.step(np.array([widened(*pair, together) for pair in zip(actions, alone, strict=True)]))
        for row, simulator in enumerate(alone):
            assert simulator.step(np.array([actions[row]]))[0] == rewards[row]
    np.testing.assert_array_equal(together.objective(), [simulator.objective()[0] for simulator in alone])
    for row, simulator in enumerate(alone):
        assert simulator.solution(0).moves() == together.solution(row).moves()


def test_resetting_one_row_leaves_the_others_as_they_are():
    simulator = VmSimulator(sizes_of([tiny()]), 2)
    simulator.reset([tiny(), tiny()])
    simulator.step(np.array([0, 3]))
    simulator.step(np.array([6 + 2, 6]))
    first = simulator.solution(0).moves()
    simulator.reset([tiny(mnl=2)], [1])
    assert simulator.solution(0).moves() == first == [(0, 1, 0)]
    assert simulator.solution(1).moves() == []
    assert simulator.objective() == pytest.approx([6 / 46, 14 / 46])


@settings(max_examples=30, deadline=None)
@given(instance=instances(delays=True), seed=SEEDS, steps=st.integers(0, 6))
def test_play_goes_on_from_a_snapshot_and_in_a_pickle_as_it_did_before(instance, seed, steps):
    simulator, rng = started(instance), np.random.default_rng(seed)
    for _ in range(steps):
        random_step(simulator, rng)
    here, twin = simulator.snapshot(), pickle.loads(pickle.dumps(simulator))

    def rest(played):
        rng, total = np.random.default_rng(seed + 1), 0.0
        while not played.done[0]:
            total += random_step(played, rng)[1][0]
        return total, played.objective()[0], played.solution(0).moves()

    expected = rest(simulator)
    simulator.restore(here)
    assert rest(simulator) == expected
    assert rest(twin) == expected


# --- ends and what is refused


@settings(max_examples=30, deadline=None)
@given(instance=instances(), seed=SEEDS)
def test_an_illegal_action_changes_nothing_and_earns_nothing(instance, seed):
    simulator, rng = started(instance), np.random.default_rng(seed)
    while not simulator.done[0]:
        before = simulator.snapshot().arrays
        wrong = [-1, simulator.spec.num_actions, 2**40, *np.flatnonzero(~simulator.action_mask[0]).tolist()]
        for action in wrong:
            assert simulator.step(np.array([action]))[0] == 0
            assert simulator.illegal[0]
            assert simulator.illegal_count == 1
        for name, array in simulator.state_arrays().items():
            if name not in CHANGES_EVERY_STEP:
                np.testing.assert_array_equal(array, before[name], err_msg=name)
        random_step(simulator, rng)
        assert not simulator.illegal[0]


def test_stopping_ends_with_the_plan_as_it_is_but_not_between_two_picks():
    simulator = started(tiny())
    simulator.step(np.array([0]))
    assert not simulator.action_mask[0, -1]
    simulator.step(np.array([6 + 2]))
    assert simulator.step(np.array([12]))[0] == 0
    assert simulator.done[0]
    assert simulator.solution(0).moves() == [(0, 1, 0)]
    assert simulator.steps[0] == 3
    simulator.step(np.array([1]))
    assert simulator.steps[0] == 3, "nothing happens after the end"


def test_a_plan_ends_with_its_last_move_or_when_the_goal_is_reached():
    for instance, cost in ((tiny(mnl=1), 6 / 46), (tiny(mnl=5, goal=0.2), 1)):
        simulator = started(instance)
        simulator.step(np.array([0]))
        assert not simulator.done[0]
        simulator.step(np.array([6 + 2]))
        assert simulator.done[0]
        assert simulator.objective()[0] == pytest.approx(cost)
    at_once = started(tiny(goal=14 / 46))
    assert at_once.done[0]
    assert at_once.objective()[0] == 0


def test_a_cluster_that_is_too_large_is_refused_by_what_is_too_many():
    instance = tiny(mnl=5, fragments=(Fragment(8), Fragment(4)))
    fitting = sizes_of([instance])
    VmSimulator(fitting, 1).reset([instance])
    for index, what in enumerate(SIZE_NAMES):
        less = tuple(size - (position == index) for position, size in enumerate(fitting))
        with pytest.raises(
            ValueError, match=rf"tiny \({fitting[index]} {what}\) does not fit .* for {less[index]} {what}"
        ):
            VmSimulator(less, 1).reset([instance])
    with pytest.raises(ValueError, match="1 actions for 2 rows"):
        VmSimulator(fitting, 2).step(np.array([0]))


# --- the real clusters


@pytest.mark.parametrize(
    ("name", "first", "last", "moves"), [("medium", 0.977, 0.8049, 14), ("large", 0.600, 0.5866, 16)]
)
def test_filter_and_score_on_a_real_cluster_ends_where_it_was_measured_to(shared_data, name, first, last, moves):
    path = shared_data / "vm" / f"vmr_{name}_base.json.gz"
    if not path.exists():
        pytest.skip("the real clusters are not here")
    instance = read_cluster(path, Terms(mnl=50))
    assert instance.fragment_rate() == pytest.approx(first, abs=5e-4)
    simulator = PROBLEM.simulator_for([instance], VmConfig())
    run_policy(RulePolicy(RULES["ha"]), simulator, [instance])
    assert simulator.objective()[0] == pytest.approx(last, abs=5e-5)
    assert len(simulator.solution(0)) == moves
    assert check_plan(instance, simulator.solution(0), VmConfig()).feasible
