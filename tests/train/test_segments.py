"""Streams whose episodes go on from one update to the next."""

import gymnasium as gym
import numpy as np
import pytest
import torch

from schedlab.envs.dynamic_job_shop import PROBLEM, DynamicJobShopConfig
from schedlab.models.policy import GraphPolicy
from schedlab.models.sb3 import network_config
from schedlab.train.graph_ppo import GraphPPO
from schedlab.train.rollouts import NothingToDecideError, Phases
from schedlab.train.segments import Streams, collect_segments

CONFIG = DynamicJobShopConfig(num_machines=3, warm_up_jobs=0, recorded_jobs=12, cool_down_jobs=0, utilisation=0.95)
ROWS, LENGTH, DISCOUNT = 4, 11, 0.9  # no episode ends with the last decision of the first update


@pytest.fixture
def streams():
    return Streams(PROBLEM.simulator_for_config(CONFIG, ROWS), PROBLEM.sampler(CONFIG))


def play(streams, updates, **kwargs):
    torch.manual_seed(0)
    network = GraphPolicy(network_config(streams.simulator.spec, hidden=16, layers=1, heads=2))
    rng, generator = np.random.default_rng(0), torch.Generator().manual_seed(0)
    arguments = (network, streams, LENGTH, DISCOUNT, rng, generator, Phases())
    return network, [collect_segments(*arguments, **kwargs) for _ in range(updates)]


def test_every_row_takes_so_many_decisions_and_begins_anew_where_an_episode_ends(streams):
    _, rollouts = play(streams, 5)
    for rollout in rollouts:
        assert rollout.steps == len(rollout.episode) == ROWS * LENGTH
        assert len(rollout.returns) == len(rollout.static["node_mask"]) >= ROWS
        assert (torch.diff(rollout.episode) >= 0).all()
        torch.testing.assert_close(rollout.candidates.graph, rollout.episode)
    ended = sum(len(rollout.returns) - ROWS for rollout in rollouts)
    assert ended == len(streams.finished) > 0
    assert all(value <= 0 and length > 0 for value, length in streams.finished)


def test_what_is_kept_of_a_decision_is_what_the_network_says_of_it(streams):
    network, rollouts = play(streams, 3)
    for rollout in rollouts:
        every = torch.arange(len(rollout.returns))
        decisions, candidates, static = rollout.of_instances(every)
        logits, values = network.decode(network.encode(static), candidates)
        log_prob = torch.log_softmax(candidates.padded(logits, -torch.inf), dim=1)
        log_prob = log_prob.gather(1, rollout.chosen[decisions][:, None]).squeeze(1)
        torch.testing.assert_close(log_prob, rollout.log_prob[decisions])
        torch.testing.assert_close(values, rollout.value[decisions])


def test_the_value_of_what_follows_is_added_where_an_episode_goes_on(streams):
    network, (first,) = play(streams, 1)
    state = streams.simulator.observe()
    observation = {key: torch.from_numpy(value) for key, value in {**state.static(), **state.dynamic()}.items()}
    following = network(observation)[1]
    again = Streams(PROBLEM.simulator_for_config(CONFIG, ROWS), PROBLEM.sampler(CONFIG))
    _, (plain,) = play(again, 1)
    torch.testing.assert_close(plain.reward, first.reward)
    undiscounted = play_without_discount()
    difference = first.reward - undiscounted.reward
    last = torch.cat([torch.diff(first.episode) != 0, torch.tensor([True])])
    assert (difference[~last] == 0).all()
    rows_that_go_on = torch.unique(first.episode[difference != 0])
    assert len(rows_that_go_on) == ROWS
    torch.testing.assert_close(difference[difference != 0].sort().values, (DISCOUNT * following).detach().sort().values)


def play_without_discount():
    streams = Streams(PROBLEM.simulator_for_config(CONFIG, ROWS), PROBLEM.sampler(CONFIG))
    torch.manual_seed(0)
    network = GraphPolicy(network_config(streams.simulator.spec, hidden=16, layers=1, heads=2))
    generator = torch.Generator().manual_seed(0)
    return collect_segments(network, streams, LENGTH, 0.0, np.random.default_rng(0), generator, Phases())


def test_a_run_that_is_given_up_begins_anew(streams):
    _, (given_up,) = play(streams, 1, proceed=lambda steps: steps < 3 * ROWS)
    assert given_up is None
    assert not streams.started


def test_streams_without_decisions_say_so():
    config = DynamicJobShopConfig(num_machines=1, warm_up_jobs=0, recorded_jobs=1, cool_down_jobs=0)
    streams = Streams(PROBLEM.simulator_for_config(config, 2), PROBLEM.sampler(config))
    with pytest.raises(NothingToDecideError):
        play(streams, 1)


def test_steps_of_an_environment_in_which_nothing_was_decided_are_not_counted():
    # processes come to know at different steps that there is nothing to decide
    env = gym.make("DynamicJobShop-v0", num_machines=3, warm_up_jobs=0, recorded_jobs=20, cool_down_jobs=0)
    settings = {"instances": 2, "repeats": 1, "minibatch_instances": 2, "baseline": "value", "segment": 16}
    model = GraphPPO("GraphPolicy", env, environments=[{}, {}], network={"hidden": 16, "layers": 1, "heads": 2}, seed=0,
                     **settings)  # fmt: skip
    usual = model._segments

    def segments(stream, proceed):
        if stream is model.streams[0]:
            return usual(stream, proceed)
        proceed(7)
        raise NothingToDecideError

    model._segments = segments
    model.learn(1)
    assert model.num_timesteps == 2 * 16


def test_graph_ppo_learns_from_segments():
    env = gym.make("DynamicJobShop-v0", num_machines=3, warm_up_jobs=0, recorded_jobs=20, cool_down_jobs=0)
    settings = {"instances": 4, "repeats": 1, "minibatch_instances": 2, "baseline": "value", "segment": 16}
    model = GraphPPO("GraphPolicy", env, network={"hidden": 16, "layers": 1, "heads": 2}, seed=0, **settings)
    before = [parameter.clone() for parameter in model.policy.parameters()]
    model.learn(300)
    assert model.num_timesteps == 320
    assert any(not torch.equal(one, two) for one, two in zip(before, model.policy.parameters(), strict=True))
    with pytest.raises(ValueError, match="segments of episodes have no group"):
        GraphPPO("GraphPolicy", env, seed=0, segment=16)
