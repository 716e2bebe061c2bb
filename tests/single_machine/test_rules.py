"""Dispatching rules by the worked example of the literature, by their whole-sequence twins and on OR-Library's sets."""

import numpy as np
import pytest

from schedlab.agents import make_agent, play
from schedlab.agents.single_machine import AGENTS, RULES, Rollout, RulePolicy
from schedlab.agents.single_machine.sequences import mdd_sequence, mddc_sequence, wmdd_sequence
from schedlab.envs.core import InputError
from schedlab.envs.single_machine import PROBLEM, SingleMachineConfig, SingleMachineInstance

CONFIG = SingleMachineConfig()
WEIGHTED = SingleMachineConfig(objective="total-weighted-tardiness")

# Cetinkaya et al. 2025, the six-job example
SIX_JOBS = SingleMachineInstance.from_arrays([10, 11, 10, 10, 11, 10], [15, 11, 13, 11, 12, 11], name="six")


def played(name, instances, config=CONFIG):
    return play(RulePolicy(RULES[name]), PROBLEM, instances, config)


def random_instances(count, config=CONFIG, seed=0):
    sample, rng = PROBLEM.sampler(config), np.random.default_rng(seed)
    return [sample(rng) for _ in range(count)]


def test_the_six_job_example():
    simulator = played("mddc", [SIX_JOBS])
    assert simulator.solution(0).sequence.tolist() == [3, 5, 2, 0, 1, 4]
    assert simulator.objective()[0] == 141, "the optimum"
    assert played("mdd", [SIX_JOBS]).objective()[0] == 141, "with ties by due date and processing time"
    assert played("edd", [SIX_JOBS]).objective()[0] == 145


@pytest.mark.parametrize(
    ("rule", "sequence", "config"),
    [
        ("mdd", lambda i: mdd_sequence(i.processing, i.due), CONFIG),
        ("mddc", lambda i: mddc_sequence(i.processing, i.due), CONFIG),
        ("wmdd", lambda i: wmdd_sequence(i.processing, i.due, i.weight), WEIGHTED),
    ],
)
def test_dispatching_job_by_job_gives_the_same_sequence_as_the_whole_rule(rule, sequence, config):
    instances = random_instances(50, config)
    simulator = played(rule, instances, config)
    for row, instance in enumerate(instances):
        assert simulator.solution(row).sequence.tolist() == sequence(instance).tolist()


def test_each_rule_takes_first_what_its_name_says():
    jobs = SingleMachineInstance.from_arrays([4, 2, 6, 3], [30, 9, 7, 40], [1, 1, 9, 4])
    first = {name: played(name, [jobs], WEIGHTED).solution(0).sequence[0] for name in RULES}
    assert first["spt"] == 1
    assert first["edd"] == 2
    assert first["mst"] == 2
    assert first["mdd"] == 2
    assert first["wspt"] == 2
    assert first["wmdd"] == 2
    assert first["panneerselvam"] == 1  # (15 - 9) / 2 against (15 - 7) / 6
    without = {name: played(name, [jobs]).solution(0).sequence[0] for name in RULES}
    assert without["wspt"] == without["spt"] == 1, "weights count only where the objective has them"


@pytest.mark.parametrize(("jobs", "published"), [(40, 1.07), (50, 1.43)])
def test_weighted_modified_due_dates_reach_their_published_gap_and_nothing_beats_the_reference(
    shared_data, jobs, published
):
    instances = PROBLEM.load_all(str(shared_data / "tardiness" / f"wt{jobs}.txt"), WEIGHTED)
    reference = np.array([PROBLEM.bound(instance, WEIGHTED).value for instance in instances])
    for name in RULES:
        found = played(name, instances, WEIGHTED).objective()
        assert (found >= reference).all(), name
        if name == "wmdd":
            assert 100 * (found.sum() / reference.sum() - 1) == pytest.approx(published, abs=0.01)


@pytest.mark.parametrize("config", [CONFIG, WEIGHTED])
def test_trying_the_rule_after_every_choice_is_better_than_the_rule(config):
    instances = random_instances(100, config)
    rule = played("mdd" if config is CONFIG else "wmdd", instances, config).objective()
    one = play(Rollout(penalised=False), PROBLEM, instances, config).objective()
    more = play(Rollout(penalised=True), PROBLEM, instances, config).objective()
    assert one.sum() < rule.sum()
    assert more.sum() <= one.sum()


@pytest.mark.parametrize("config", [CONFIG, WEIGHTED])
def test_every_agent_gives_a_feasible_sequence(config):
    (instance,) = random_instances(1, config)
    for name in AGENTS:
        if name in ("exact", "psk", "eddc", "aug-mdd", "aug-mddc", "mdd-swap") and config is WEIGHTED:
            with pytest.raises(InputError, match="unit weights"):
                make_agent(name, PROBLEM, config)
            continue
        agent = make_agent(name, PROBLEM, config)
        if hasattr(agent, "solve"):
            solution = agent.solve(instance, time_limit=1.0, seed=0).solution
        else:
            solution = play(agent, PROBLEM, [instance], config).solution(0)
        assert PROBLEM.check(instance, solution, config).feasible, name
