"""Streams of failures: the simulator's and the checker's agree, and follow their law, whatever is played."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlab.envs.blocking_job_shop import PROBLEM, BlockingInstance, Breakdowns, Terms
from schedlab.envs.blocking_job_shop import state as s
from schedlab.envs.blocking_job_shop.check import Failures
from schedlab.envs.blocking_job_shop.luck import fraction, next_failure, time_up

BERNOULLI, EXPONENTIAL = range(2)


@settings(deadline=None)
@given(st.integers(0, 2**62), st.integers(0, 10**4), st.integers(0, 10**9))
def test_both_hashes_agree(luck, machine, number):
    assert Failures(Breakdowns(0.1), luck, machine).fraction(number) == fraction(luck, machine, number)


@pytest.mark.parametrize("law", ["bernoulli", "exponential"])
@pytest.mark.parametrize("p", [1e-9, 0.003, 0.02, 0.3, 1.0])
def test_both_streams_agree_for_thousands_of_failures(law, p):
    terms = Breakdowns(p, law, 2, 9)
    from schedlab.envs.job_shop import JobShopInstance

    instance = BlockingInstance(JobShopInstance.from_jobs([[(0, 1), (1, 1)]]), Terms(True, terms), luck=123456789)
    simulator = PROBLEM.simulator_for([instance], PROBLEM.configure({}))
    simulator.reset([instance])
    for m in range(2):
        failures, machine, since = Failures(terms, instance.luck, m), simulator.state.machine[0, m], 0
        machine[s.FAILURES] = 0
        for k in range(2000):
            next_failure(0, m, since, simulator.world, simulator.state)
            failures.until(int(machine[s.DOWN_FROM]) - 1)
            assert (failures.begin[k], failures.end[k]) == (machine[s.DOWN_FROM], machine[s.DOWN_TO])
            assert 2 <= machine[s.DOWN_TO] - machine[s.DOWN_FROM] <= 9
            since = int(machine[s.DOWN_TO])
            machine[s.FAILURES] += 1


@pytest.mark.parametrize("p", [0.01, 0.2])
def test_bernoulli_machines_fail_in_a_unit_with_their_probability(p):
    up = np.array([time_up(p, BERNOULLI, fraction(5, 0, k)) for k in range(20000)])
    assert up.min() == 1
    assert up.mean() == pytest.approx(1 / p, rel=0.03)
    for unit in (1, 2, 3):  # in each unit, whatever came before
        assert (up == unit).sum() / (up >= unit).sum() == pytest.approx(p, abs=0.01)


def test_exponential_times_are_rounded_up():
    up = np.array([time_up(0.05, EXPONENTIAL, fraction(5, 0, k)) for k in range(20000)])
    assert up.min() >= 1
    assert up.mean() == pytest.approx(1 / (1 - np.exp(-0.05)), rel=0.03)


def test_machines_that_never_fail_never_do():
    assert time_up(0.0, BERNOULLI, 0.5) == s.NEVER
    failures = Failures(Breakdowns(0.0), 3, 0)
    failures.until(10**9)
    assert failures.begin == []
    assert failures.completion(5, 7) == 12


def test_machines_and_lucks_have_streams_of_their_own():
    draws = np.array([[fraction(luck, m, k) for k in range(500)] for luck in (0, 1) for m in (0, 1)])
    assert np.abs(np.corrcoef(draws) - np.eye(4)).max() < 0.15
    assert draws.mean() == pytest.approx(0.5, abs=0.03)


def test_two_policies_meet_the_same_failures():
    config = PROBLEM.configure({"num_jobs": 6, "num_machines": 4, "breakdown_probability": 0.05})
    instance = PROBLEM.sampler(config)(np.random.default_rng(1))
    simulator = PROBLEM.simulator_for([instance], config)
    seen = []
    for first in (True, False):
        simulator.reset([instance])
        turns = {}
        while not simulator.done[0]:
            legal = np.flatnonzero(simulator.action_mask[0])
            simulator.step(legal[:1] if first else legal[-1:])
            for m in range(4):
                line = simulator.state.machine[0, m]
                turns[m, int(line[s.FAILURES])] = (int(line[s.DOWN_FROM]), int(line[s.DOWN_TO]))
        seen.append(turns)
    both = seen[0].keys() & seen[1].keys()
    assert len(both) > 20
    assert all(seen[0][key] == seen[1][key] for key in both)
