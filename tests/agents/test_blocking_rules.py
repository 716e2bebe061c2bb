"""Rules and search of the blocking job shop: they do what their names say, and never see the future."""

import numpy as np
import pytest

from schedlab.agents.blocking_job_shop import AGENTS, RULES, Rollout, RulePolicy
from schedlab.agents.core import AgentOptions, run_policy
from schedlab.envs.blocking_job_shop import PROBLEM, BlockingInstance, Breakdowns, Terms
from schedlab.envs.job_shop import JobShopInstance

CONFIG = PROBLEM.configure({})


def simulator_at(jobs, actions=(), release=None, terms=None):
    instance = BlockingInstance(JobShopInstance.from_jobs(jobs, release=release), terms or Terms())
    simulator = PROBLEM.simulator_for([instance], CONFIG)
    simulator.reset([instance])
    for action in actions:
        simulator.step(np.array([action]))
        assert simulator.illegal_count == 0
    return simulator


def choice(name, simulator):
    return int(RulePolicy(RULES[name]).act(simulator)[0])


def instances(count, **values):
    config = PROBLEM.configure(values)
    sample = PROBLEM.sampler(config)
    return [sample(np.random.default_rng(seed)) for seed in range(count)], config


@pytest.mark.parametrize("swap", [True, False])
@pytest.mark.parametrize("name", [name for name in AGENTS if name not in ("cp-sat", "rollout")])
def test_every_rule_plays_to_the_end_and_the_checker_agrees(name, swap):
    shops, config = instances(4, num_jobs=6, num_machines=4, breakdown_probability=[0, 0.02], swap=swap)
    simulator = PROBLEM.simulator_for(shops, config)
    run_policy(AGENTS[name].build(config, AgentOptions()), simulator, shops)
    for row, shop in enumerate(shops):
        report = PROBLEM.check(shop, simulator.solution(row), config)
        assert report.feasible, report.violations
        assert report.objective == simulator.objective()[row]


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("spt", 1), ("lpt", 3), ("mwkr", 2), ("lwkr", 1), ("mor", 0), ("lor", 1), ("fifo", 3), ("fdd-mwkr", 2),
        ("spt-twkr", 2),
    ],
)  # fmt: skip
def test_priorities_of_the_first_choice_are_those_of_the_names(name, first):
    jobs = [[(0, 4), (1, 3), (2, 1)], [(0, 2), (1, 3)], [(0, 3), (1, 20)], [(0, 9), (2, 1)]]
    # all compete for machine 0 at time 5; job 3 has waited for longest
    simulator = simulator_at([*jobs, [(3, 5)]], (4, 5), release=[5, 5, 5, 4, 0])
    while simulator.now[0] < 5:
        simulator.step(np.array([5]))
    assert choice(name, simulator) == first


def test_blocked_first_prefers_jobs_inside():
    #  at 1 job 0 is complete on machine 0 and could enter machine 1, as could job 1 from outside, with more work
    simulator = simulator_at([[(0, 1), (1, 2)], [(1, 9)], [(2, 1)]], (0, 2, 3))
    assert simulator.now[0] == 1
    assert choice("mwkr", simulator) == 1
    assert choice("blocked-first-mwkr", simulator) == 0


def test_a_gate_lets_jobs_in_only_while_few_are_inside():
    simulator = simulator_at([[(m, 5)] for m in range(4)])
    names = []
    for _ in range(2):
        names.append(choice("wip-half", simulator))
        simulator.step(np.array([names[-1]]))
    assert names == [0, 1]
    assert choice("wip-half", simulator) == 4  # waits
    assert choice("mwkr", simulator) == 2


def test_a_patient_rule_waits_rather_than_block():
    simulator = simulator_at([[(1, 9)], [(0, 2), (1, 5)]], (0,))
    assert choice("mwkr", simulator) == 1
    assert choice("patient-mwkr", simulator) == 2
    simulator = simulator_at([[(1, 2)], [(0, 2), (1, 5)]], (0,))
    assert choice("patient-mwkr", simulator) == 1


def test_free_next_and_least_blocking_look_at_the_machine_after():
    jobs = [[(1, 9)], [(0, 2), (1, 50)], [(0, 2), (2, 5)]]
    for name in ("free-next", "least-blocking"):
        assert choice(name, simulator_at(jobs, (0,))) == 2
    assert choice("mwkr", simulator_at(jobs, (0,))) == 1


def test_unblock_moves_the_job_behind_which_most_work_waits():
    #  at 2 jobs 0 and 1 are complete; job 3 waits for the machine of job 1
    jobs = [[(0, 2), (4, 6)], [(1, 2), (5, 5)], [(2, 2)], [(3, 1), (1, 30)]]
    simulator = simulator_at(jobs, (0, 1, 2, 3))
    assert simulator.now[0] == 2
    assert choice("mwkr", simulator) == 0
    assert choice("unblock", simulator) == choice("pressure", simulator) == 1


def test_pressure_adds_what_waits_behind_to_the_work_of_jobs_inside():
    jobs = [[(0, 2), (1, 6)], [(1, 2)], [(2, 2), (0, 5)], [(1, 9)]]
    simulator = simulator_at(jobs, (0, 1, 2))
    # at 2 job 0 (6 left, and 5 behind it) wants machine 1, as does job 3 (9) from outside
    assert choice("mwkr", simulator) == 3
    assert choice("pressure", simulator) == 0


def test_random_starts_never_waits_while_a_job_can_start():
    shops, config = instances(3, num_jobs=5, num_machines=3)
    simulator = PROBLEM.simulator_for(shops, config)
    simulator.reset(shops)
    policy = AGENTS["random-starts"].build(config, AgentOptions())
    policy.begin(simulator, 0)
    while simulator.done_count < 3:
        action = policy.act(simulator)
        waits = (action == 5) & ~simulator.done
        assert not simulator.action_mask[waits, :-1].any()
        simulator.step(action)


@pytest.mark.parametrize("values", [{}, {"breakdown_probability": 0.03}, {"swap": False}])
def test_rollout_is_better_than_the_rules_that_it_plays_out(values):
    shops, config = instances(3, num_jobs=5, num_machines=4, **values)
    rules = (RULES["mwkr"], RULES["unblock"])
    simulator = PROBLEM.simulator_for(shops, config)
    made = {}
    for policy in (*(RulePolicy(rule) for rule in rules), Rollout(rules)):
        run_policy(policy, simulator, shops)
        made[policy] = simulator.objective().copy()
        for row, shop in enumerate(shops):
            assert PROBLEM.check(shop, simulator.solution(row), config).objective == made[policy][row]
    *plain, searched = made.values()
    assert searched.mean() <= np.minimum(*plain).mean()


def test_rollout_does_not_look_at_what_will_fail():
    """Its first choice is the same whatever the failures are to be."""
    shops, config = instances(1, num_jobs=5, num_machines=4, breakdown_probability=0.05)
    first = set()
    for luck in range(6):
        simulator = PROBLEM.simulator_for(shops, config)
        simulator.reset([shops[0].with_luck(luck)])
        policy = Rollout((RULES["mwkr"],))
        policy.begin(simulator, 0)
        first.add((int(policy.act(simulator)[0]), tuple(simulator.action_mask[0])))
    assert len(first) == 1


def test_rollouts_leave_the_simulator_as_it_is():
    shops, config = instances(2, num_jobs=4, num_machines=3, breakdown_probability=0.05)
    simulator = PROBLEM.simulator_for(shops, config)
    simulator.reset(shops)
    before = simulator.snapshot()
    policy = Rollout((RULES["mwkr"],))
    policy.begin(simulator, 0)
    policy.act(simulator)
    for name, array in simulator.state_arrays().items():
        np.testing.assert_array_equal(array, before.arrays[name])


def test_every_summary_says_what_a_rule_does_about_waiting():
    for rule in RULES.values():
        assert "wait" in rule.summary or "lets jobs in" in rule.summary
        assert len(rule.summary) < 130


def test_failing_machines_have_terms_that_rules_survive():
    terms = Terms(True, Breakdowns(1.0, repair_min=1, repair_max=1))  # one unit of work, one of repair
    simulator = simulator_at([[(0, 3)]], terms=terms)
    run_policy(RulePolicy(RULES["spt"]), simulator, simulator.instances)
    assert simulator.objective()[0] == 5
