"""Graphs that change while an episode is played: what is kept of them, and that the encoder reads them."""

import numpy as np
import pytest
import torch

from schedlab.agents.core import play
from schedlab.agents.learned import LearnedPolicy, feature_names
from schedlab.agents.random_policy import random_legal_actions
from schedlab.envs.core.graph import GraphSpec, GraphState
from schedlab.envs.job_shop_improvement import PROBLEM
from schedlab.models.candidates import Candidates
from schedlab.models.policy import GraphPolicy, NetworkConfig
from schedlab.models.sb3 import network_config


def observed(steps, rows=3):
    config = PROBLEM.configure({"num_jobs": 4, "num_machines": 3, "moves": 50, "show_graph": True})
    instances = [PROBLEM.sampler(config)(np.random.default_rng(seed + 5)) for seed in range(rows)]
    simulator = PROBLEM.simulator_for(instances, config)
    simulator.reset(instances)
    rng = np.random.default_rng(0)
    for _ in range(steps):
        simulator.step(random_legal_actions(simulator.action_mask, rng))
    state = simulator.observe()
    parts = {key: torch.from_numpy(value.copy()) for key, value in {**state.static(), **state.dynamic()}.items()}
    return parts, simulator.spec, instances, config


def network_for(spec, encode):
    torch.manual_seed(0)
    return GraphPolicy(network_config(spec, hidden=16, layers=2, heads=2, encode=encode)).eval()


def test_what_changes_is_part_of_the_observation_under_its_own_keys():
    parts, spec, _, _ = observed(0)
    assert set(parts) == set(spec.shapes())
    space = spec.observation_space()
    for key, value in parts.items():
        assert space[key].contains(value[0].reshape(-1).numpy())
    with pytest.raises(ValueError, match="share a name"):
        GraphSpec(3, ("a",), (("e", 2),), 1, ("b",), ("c",), changing_relations=(("e", 2),))


def test_an_encoder_of_every_step_sees_another_order_on_a_machine_and_one_of_the_episode_does_not():
    parts, spec, _, _ = observed(4)
    other = {**parts, "edges_follows": parts["edges_follows"].flip(-1).flip(1)}
    reads, ignores = network_for(spec, "every-step"), network_for(spec, "once")
    assert not torch.allclose(reads(parts)[1], reads(other)[1])
    torch.testing.assert_close(ignores(parts)[1], ignores(other)[1])
    assert ignores.config.changing == ()


def test_states_that_are_joined_and_selected_keep_their_own_graphs():
    network = network_for(observed(0)[1], "every-step")
    batches = [network.candidates(observed(steps)[0])[0] for steps in (1, 5)]
    joined = Candidates.join(batches)
    picked = joined.select(torch.tensor([4, 1]))
    torch.testing.assert_close(picked.changing["node_state"][0], batches[1].changing["node_state"][1])
    torch.testing.assert_close(picked.changing["edges_follows"][1], batches[0].changing["edges_follows"][1])
    encoding = network.encode(observed(0)[0])
    alone = network.decode(encoding, batches[1])[1]
    joined = Candidates.join(batches)
    together = network.decode(encoding, Candidates(**{**vars(joined), "graph": torch.arange(6) % 3}))[1]
    torch.testing.assert_close(together[3:], alone)


def test_an_agent_plays_with_its_eyes_on_the_changing_graph():
    _, spec, instances, config = observed(0)
    agent = LearnedPolicy(network_for(spec, "every-step"), features=feature_names(spec))
    assert feature_names(spec)["changing"] == ["follows"]
    simulator = play(agent, PROBLEM, instances, config)
    for row, instance in enumerate(instances):
        report = PROBLEM.check(instance, simulator.solution(row), config)
        assert report.feasible
        assert report.objective == simulator.objective()[row]


def test_sizes_of_what_changes_survive_a_checkpoints_json():
    config = network_config(observed(0)[1], hidden=16, heads=2, encode="every-step")
    assert NetworkConfig(**config.to_json()) == config
    assert config.encoded_relations == ("precedes", "part_of", "follows")


def test_a_fresh_state_shares_what_stays_and_owns_what_changes():
    spec = observed(0)[1]
    state = GraphState.empty(spec, 2)
    fresh = state.fresh()
    assert fresh.edges["precedes"] is state.edges["precedes"]
    assert fresh.changing["follows"] is not state.changing["follows"]
    assert fresh.node_state.shape == state.node_state.shape
