"""The loss and the advantages against slow readings of their formulas."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from schedlab.envs.job_shop import PROBLEM, JobShopConfig
from schedlab.models.policy import GraphPolicy
from schedlab.models.sb3 import network_config
from schedlab.train.losses import (
    PPOLoss,
    accumulated,
    advantages,
    decays,
    group_advantage,
    paired_residuals,
    residuals,
)
from schedlab.train.rollouts import Phases, collect

INSTANCES, REPEATS = 3, 4


@pytest.fixture
def played():
    config = JobShopConfig(num_jobs=4, num_machines=3, builder="hybrid")
    sample, rng = PROBLEM.sampler(config), np.random.default_rng(0)
    simulator = PROBLEM.simulator_for_config(config, INSTANCES * REPEATS)
    torch.manual_seed(0)
    network = GraphPolicy(network_config(simulator.spec, hidden=16, layers=1, heads=2, attend="all"))
    drawn = [sample(rng) for _ in range(INSTANCES)]
    generator = torch.Generator().manual_seed(0)
    return network, collect(network, simulator, drawn, REPEATS, generator, Phases()), simulator


def test_a_roll_out_keeps_whole_episodes_whose_returns_are_minus_the_normalised_objective(played):
    _, rollout, simulator = played
    expected = -simulator.objective() / simulator.scale
    np.testing.assert_allclose(rollout.returns.numpy(), expected, rtol=1e-5)
    assert rollout.steps == 12 * len(expected)
    assert (rollout.candidates.count >= 2).all()
    assert (torch.diff(rollout.episode) >= 0).all()
    assert rollout.candidates.graph.tolist() == [episode // REPEATS for episode in rollout.episode.tolist()]


def test_what_is_kept_of_a_decision_is_what_the_network_says_of_it(played):
    network, rollout, _ = played
    decisions, candidates, static = rollout.of_instances(torch.tensor([2, 0]))
    logits, values = network.decode(network.encode(static), candidates)
    log_prob = torch.log_softmax(candidates.padded(logits, -torch.inf), dim=1)
    log_prob = log_prob.gather(1, rollout.chosen[decisions][:, None]).squeeze(1)
    torch.testing.assert_close(log_prob, rollout.log_prob[decisions])
    torch.testing.assert_close(values, rollout.value[decisions])


def test_the_loss_equals_a_slow_reading_of_ppo(played):
    network, rollout, _ = played
    decisions, candidates, static = rollout.of_instances(torch.arange(INSTANCES))
    generator = torch.Generator().manual_seed(1)
    old = rollout.log_prob + 0.3 * torch.randn(len(decisions), generator=generator)
    advantage, target = torch.randn(2, len(decisions), generator=generator)
    logits, values = network.decode(network.encode(static), candidates)
    loss, about = PPOLoss(clip=0.2, entropy=0.03, value=0.4)(
        candidates, logits, values, rollout.chosen, old, advantage, target
    )
    policy, entropy, value = 0.0, 0.0, 0.0
    for n in range(len(decisions)):
        own = (candidates.state == n) & candidates.legal
        chances = torch.softmax(logits[own], dim=0)
        place = int(candidates.first[n] + rollout.chosen[n])
        chosen = own.nonzero().squeeze(1).tolist().index(place)
        ratio = chances[chosen] / torch.exp(old[n])
        policy -= min(ratio * advantage[n], torch.clamp(ratio, 0.8, 1.2) * advantage[n]) / len(decisions)
        entropy -= (chances * torch.log(chances)).sum() / len(decisions)
        value += (values[n] - target[n]) ** 2 / len(decisions)
    torch.testing.assert_close(loss, policy - 0.03 * entropy + 0.4 * value)
    torch.testing.assert_close(about["entropy"], entropy.detach())
    loss.backward()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)


def test_generalised_advantages_follow_their_recursion(played):
    _, rollout, _ = played
    found = accumulated(rollout, residuals(rollout, 0.9), 0.9 * 0.8)
    for episode in range(INSTANCES * REPEATS):
        own = (rollout.episode == episode).nonzero().squeeze(1).tolist()
        ahead, next_value = 0.0, 0.0
        for n in reversed(own):
            ahead = float(rollout.reward[n]) + 0.9 * next_value - float(rollout.value[n]) + 0.9 * 0.8 * ahead
            next_value = float(rollout.value[n])
            assert float(found[n]) == pytest.approx(ahead, abs=1e-5)


def test_group_advantages_compare_the_episodes_of_an_instance():
    found = group_advantage(torch.tensor([1.0, 3.0, 10.0, 10.0]), 2)
    torch.testing.assert_close(found, torch.tensor([-1.0, 1.0, 0.0, 0.0]), atol=1e-5, rtol=0)


@pytest.mark.parametrize("baseline", ["group", "value", "both", "paired"])
def test_advantages_of_every_baseline_are_centred_and_of_moderate_size(played, baseline):
    _, rollout, _ = played
    found, target = advantages(rollout, baseline, REPEATS, 1.0, 0.95)
    assert found.shape == target.shape == rollout.episode.shape
    assert torch.isfinite(found).all()
    assert abs(float(found.mean())) < 0.5
    assert 0.1 < float(found.std()) < 2


def hand_made(clocks, ends):
    """A roll-out of which only the times are looked at, one episode per list of clocks."""
    episode = torch.tensor([number for number, own in enumerate(clocks) for _ in own])
    return SimpleNamespace(
        episode=episode, clock=torch.tensor([time for own in clocks for time in own]), end=torch.tensor(ends)
    )


def test_what_episodes_of_an_instance_share_at_the_same_time_is_taken_out():
    # errors run evenly from one decision to the next: 4 in 0..4, then 2 in 4..6; and 6 in 0..6
    rollout = hand_made([[0, 4], [0]], [6, 6])
    found = paired_residuals(rollout, torch.tensor([4.0, 2.0, 6.0]), repeats=2)
    torch.testing.assert_close(found, torch.zeros(3))
    found = paired_residuals(rollout, torch.tensor([4.0, 8.0, 6.0]), repeats=2)
    # shared: 4 in 0..4, and (8 + 2) / 2 in 4..6
    torch.testing.assert_close(found, torch.tensor([0.0, 3.0, 6.0 - 9.0]))


def test_decisions_at_one_moment_are_told_apart():
    for clocks in ([0, 5, 5], [0, 0, 5]):
        rollout = hand_made([clocks, clocks], [9, 9])
        found = paired_residuals(rollout, torch.tensor([1.0, 2.0, 3.0] * 2), repeats=2)
        torch.testing.assert_close(found, torch.zeros(6), atol=1e-5, rtol=0)


def test_episodes_of_other_instances_do_not_matter():
    rollout = hand_made([[0, 2], [0, 1], [0, 3], [0, 2]], [4, 4, 5, 7])
    errors = torch.tensor([1.0, -2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
    together = paired_residuals(rollout, errors, repeats=2)
    torch.testing.assert_close(together[:4], paired_residuals(hand_made([[0, 2], [0, 1]], [4, 4]), errors[:4], 2))
    torch.testing.assert_close(together[4:], paired_residuals(hand_made([[0, 3], [0, 2]], [5, 7]), errors[4:], 2))
    assert float(together[:4].sum()) == pytest.approx(0.0, abs=1e-6), "what one episode gains another loses"


def by_the_clock(clock, episode):
    reward = torch.arange(1.0, len(clock) + 1)
    return SimpleNamespace(
        clock=torch.tensor(clock),
        episode=torch.tensor(episode),
        reward=reward,
        value=torch.zeros(len(clock)),
        returns=torch.zeros(max(episode) + 1),
    )


def test_by_the_clock_decisions_of_one_moment_share_all_that_follows():
    rollout = by_the_clock([0, 0, 10, 3, 7], [0, 0, 0, 1, 1])
    torch.testing.assert_close(decays(rollout, 0.9, "clock"), torch.tensor([1.0, 0.9**10, 1.0, 0.9**4, 1.0]))
    sums = accumulated(rollout, rollout.reward, 0.9, "clock")
    later = 3 * 0.9**10
    torch.testing.assert_close(sums, torch.tensor([1 + 2 + later, 2 + later, 3, 4 + 5 * 0.9**4, 5]))


def test_per_decision_the_time_between_does_not_matter():
    rollout = by_the_clock([0, 0, 10], [0, 0, 0])
    torch.testing.assert_close(decays(rollout, 0.9, "decision"), torch.full((3,), 0.9))
    torch.testing.assert_close(accumulated(rollout, rollout.reward, 0.5), torch.tensor([2.75, 3.5, 3.0]))


def test_reinforce_compares_what_an_episode_still_earned_with_its_own_mean(played):
    _, rollout, _ = played
    advantage, _ = advantages(rollout, "returns", REPEATS, 0.9, 0.95)
    for episode in range(INSTANCES * REPEATS):
        mine = (rollout.episode == episode).nonzero().squeeze(1)
        left, worth = 0.0, []
        for reward in rollout.reward[mine].flip(0).tolist():
            left = reward + 0.9 * left
            worth.append(left)
        worth = torch.tensor(worth[::-1])
        expected = (worth - worth.mean()) / (worth.std(correction=0) + 1e-6)
        torch.testing.assert_close(advantage[mine], expected, rtol=1e-3, atol=1e-4)
