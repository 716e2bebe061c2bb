"""Rules of VM rescheduling against plain Python, and plans that are played out."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlab.agents.core import Solver, SolverResult, run_policy
from schedlab.agents.vm import RULES, RulePolicy, follow
from schedlab.agents.vm.rules import SMALL, plan_of
from schedlab.envs.vm.check import check_plan
from schedlab.envs.vm.config import OFFERS, VmConfig
from schedlab.envs.vm.instance import Fragment
from schedlab.envs.vm.problem import PROBLEM
from schedlab.envs.vm.simulate import VmSimulator, sizes_of
from schedlab.envs.vm.solution import VmSolution

from ..vm import tiny
from ..vm.plain import Plain
from ..vm.strategies import checked_by, instances, random_step, started

SEEDS = st.integers(0, 99)
WHOLE = st.sampled_from([(Fragment(8),), (Fragment(4),), (Fragment(8, 2),), (Fragment(8), Fragment(16, 2, 2.0))])
"""Sizes whose weights make no rounding errors, so that ties are ties."""


def played(policy, instance, offer="every"):
    simulator = VmSimulator(sizes_of([instance]), 1, offer)
    run_policy(policy, simulator, [instance])
    return simulator


def filter_and_score(instance):
    """The rule ``ha`` by its description; the first of equals."""
    plain, weights, moves = Plain(instance), sum(item.weight for item in instance.terms.fragments), []
    while len(moves) < instance.terms.mnl:
        small = [vm for vm in plain.can_move() if instance.cpu[vm] * instance.nodes[vm] <= SMALL]
        if not small:
            break
        # fragments are free cores times weights, less what is usable
        vm = max(small, key=lambda v: plain.gain_of_leaving(v) - weights * int(instance.cpu[v] * instance.nodes[v]))
        place = max(plain.places(vm), key=lambda where: plain.gain(vm, *where))
        if plain.gain(vm, *place) <= 0:
            break
        plain.move(vm, *place)
        moves.append((vm, *place))
    return moves


@settings(max_examples=150, deadline=None)
@given(instance=instances(goals=False, sizes=WHOLE))
def test_filter_and_score_makes_the_moves_of_its_description(instance):
    assert plan_of(RULES["ha"], instance).moves() == filter_and_score(instance)


@settings(max_examples=100, deadline=None)
@given(instance=instances(goals=False))
def test_the_best_pair_is_best_of_all_pairs_by_brute_force_and_gains_something(instance):
    plain, moves = Plain(instance), plan_of(RULES["ha-pair"], instance).moves()
    for vm, pm, node in moves:
        gains = {(v, *place): plain.gain(v, *place) for v in plain.can_move() for place in plain.places(v)}
        assert gains[vm, pm, node] == pytest.approx(max(gains.values()))
        assert gains[vm, pm, node] > 1e-9
        plain.move(vm, pm, node)
    left = [plain.gain(v, *place) for v in plain.can_move() for place in plain.places(v)]
    assert len(moves) == instance.terms.mnl or max(left, default=0) <= 1e-9, "it stops when no pair gains"


def test_of_pairs_that_gain_as_much_the_smallest_vm_goes_where_least_is_left_over():
    # small (4 cores) to b/0 gains a slot, as does light (4 cores) on its own node b/1; the first of the two goes
    (vm, pm, node), *_ = plan_of(RULES["ha-pair"], tiny()).moves()
    assert (vm, pm, node) == (0, 1, 0)


def test_doing_nothing_does_nothing():
    simulator = played(RulePolicy(RULES["no-op"]), tiny())
    assert len(simulator.solution(0)) == 0
    assert simulator.objective()[0] == tiny().fragment_rate()


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("offer", OFFERS)
@settings(max_examples=25, deadline=None)
@given(instance=instances())
def test_rules_are_never_illegal_and_their_plans_are_feasible(name, offer, instance):
    simulator = played(RulePolicy(RULES[name]), instance, offer)
    report = check_plan(instance, simulator.solution(0), checked_by(instance))
    assert report.feasible, report.violations
    assert simulator.objective()[0] <= started(instance).objective()[0] + 1e-9, "no rule makes it worse"


@pytest.mark.parametrize("name", RULES)
def test_rules_play_a_batch_under_affinity_as_they_play_each_alone(name):
    config = VmConfig(num_pms=[4, 12], affinity=4, immovable=0.2, mnl=[5, 30])
    sample, rng = PROBLEM.sampler(config), np.random.default_rng(0)
    drawn = [sample(rng) for _ in range(6)]
    together = PROBLEM.simulator_for(drawn, config)
    run_policy(RulePolicy(RULES[name]), together, drawn)
    for row, instance in enumerate(drawn):
        assert together.solution(row).moves() == plan_of(RULES[name], instance).moves()
        assert check_plan(instance, together.solution(row), config).feasible


def test_interchangeable_vms_make_no_difference_to_the_best_pair():
    sample = PROBLEM.sampler(VmConfig(num_pms=12))
    for seed in range(5):
        instance = sample(np.random.default_rng(seed))
        ends = [played(RulePolicy(RULES["ha-pair"]), instance, offer) for offer in ("every", "distinct")]
        assert ends[0].objective()[0] == ends[1].objective()[0]


# --- plans played out


class Given(Solver):
    """Knows the plan."""

    def __init__(self, plan):
        self.plan, self.solved = plan, 0

    def solve(self, instance, *, time_limit, seed):
        self.solved += 1
        return SolverResult(self.plan)


def random_plan(instance, seed):
    """Legal moves of different VMs."""
    simulator, rng, moves = started(instance), np.random.default_rng(seed), {}
    while not simulator.done[0]:
        random_step(simulator, rng, stop=0.0)
        for vm, *place in simulator.solution(0).moves():
            moves.setdefault(vm, place)
        if len(simulator.solution(0)) > len(moves):
            break
    return VmSolution.of([(vm, *place) for vm, place in moves.items()])


def final(instance, moves):
    """How many VMs of each sort are on each NUMA node in the end."""
    plain = Plain(instance)
    for move in moves:
        plain.move(*move)
    demand = np.stack([instance.cpu, instance.memory, instance.nodes, instance.group]).T.tolist()
    fixed = (~instance.movable * np.arange(1, instance.num_vms + 1)).tolist()
    return sorted(map(tuple, zip(map(tuple, demand), fixed, plain.host, plain.node, strict=True)))


@settings(max_examples=80, deadline=None)
@given(instance=instances(goals=False), seed=SEEDS)
def test_following_a_plan_makes_its_moves_in_any_order_and_no_other(instance, seed):
    plan = random_plan(instance, seed).moves()
    simulator = VmSimulator(sizes_of([instance]), 4)
    solver = Given(VmSolution.of(plan))
    run_policy(follow(solver, 1.0), simulator, [instance] * 4, seed)
    assert solver.solved == 1, "for all rows"
    for row in range(4):
        made, plain = simulator.solution(row).moves(), Plain(instance)
        assert set(made) <= set(plan)
        assert len(set(made)) == len(made)
        assert check_plan(instance, simulator.solution(row), VmConfig()).feasible
        for move in made:
            plain.move(*move)
        left = set(plan) - set(made)
        assert not any((pm, node) in plain.places(vm) for vm, pm, node in left), "what is left cannot be made"


def test_all_moves_of_a_plan_whose_order_does_not_matter_are_made():
    plan = [(0, 1, 0), (1, 0, 0), (2, 2, 1)]
    orders = set()
    for seed in range(20):
        simulator = started(tiny())
        run_policy(follow(Given(VmSolution.of(plan)), 1.0), simulator, [tiny()], seed)
        assert set(simulator.solution(0).moves()) == set(plan)
        orders.add(tuple(simulator.solution(0).moves()))
    assert orders == set(itertools.permutations(plan))


def test_a_move_waits_until_there_is_room():
    # web-1 needs the cores that light leaves on b/0
    plan = [(2, 2, 1), (1, 1, 0)]
    for seed in range(5):
        simulator = started(tiny())
        run_policy(follow(Given(VmSolution.of(plan[::-1])), 1.0), simulator, [tiny()], seed)
        assert simulator.solution(0).moves() == plan


@pytest.mark.parametrize("offer", ["distinct", "once"])
@settings(max_examples=80, deadline=None)
@given(instance=instances(goals=False), seed=SEEDS)
def test_a_vm_that_stands_for_others_is_moved_in_their_place(offer, instance, seed):
    plan = random_plan(instance, seed).moves()
    every, other = (played_plan(instance, plan, seed, offered) for offered in ("every", offer))
    if len(every) == len(other) == len(plan):
        assert final(instance, every) == final(instance, other) == final(instance, plan)


def played_plan(instance, plan, seed, offer):
    simulator = VmSimulator(sizes_of([instance]), 1, offer)
    run_policy(follow(Given(VmSolution.of(plan)), 1.0), simulator, [instance], seed)
    assert check_plan(instance, simulator.solution(0), VmConfig()).feasible
    return simulator.solution(0).moves()
