"""The graph policy: sizes, masks, equivariance, and checkpoints that survive and refuse what they should."""

import json

import gymnasium as gym
import numpy as np
import pytest
import torch

from schedlab.envs.core import InputError
from schedlab.envs.job_shop import PROBLEM, JobShopConfig
from schedlab.envs.job_shop.generate import random_instance
from schedlab.models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from schedlab.models.encoder import join_graphs
from schedlab.models.policy import GraphPolicy, NetworkConfig
from schedlab.models.sb3 import network_config


def observe(rows=3, **kwargs):
    env = gym.make_vec("JobShop-v0", num_envs=rows, **kwargs)
    observation, _ = env.reset(seed=0)
    shaped = env.unwrapped.graph_spec.shaped(observation)
    return {key: torch.from_numpy(value) for key, value in shaped.items()}, env.unwrapped.graph_spec


@pytest.fixture
def network():
    _, spec = observe()
    torch.manual_seed(0)
    return GraphPolicy(network_config(spec, hidden=16, layers=2, heads=2)).eval()


def test_joined_graphs_keep_every_edge_once_in_each_direction():
    edges = {
        "a": torch.tensor([[[0, 1, -1], [1, 2, -1]], [[2, -1, -1], [0, -1, -1]]]),
        "b": torch.tensor([[[0], [0]], [[-1], [-1]]]),
    }
    index, kind = join_graphs(edges, 3)
    found = sorted(zip(index[0].tolist(), index[1].tolist(), kind.tolist(), strict=True))
    assert found == sorted([(0, 1, 0), (1, 2, 0), (5, 3, 0), (1, 0, 1), (2, 1, 1), (3, 5, 1), (0, 0, 2), (0, 0, 3)])


def test_one_network_serves_every_size_and_padding_changes_nothing(network):
    env = gym.make_vec("JobShop-v0", num_envs=2, num_jobs=[3, 9], num_machines=[2, 7])
    config = JobShopConfig(num_jobs=3, num_machines=2)
    instances = [random_instance(config, np.random.default_rng(seed)) for seed in range(2)]
    tight = PROBLEM.simulator_for(instances, config)
    tight.reset(instances)
    loose = env.unwrapped.simulator
    loose.reset(instances)
    outputs = []
    for simulator in (tight, loose):
        state = simulator.observe()
        parts = {key: torch.from_numpy(value) for key, value in {**state.static(), **state.dynamic()}.items()}
        outputs.append(network(parts))
    torch.testing.assert_close(outputs[0][0], outputs[1][0][:, :3])
    torch.testing.assert_close(outputs[0][1], outputs[1][1])


def test_illegal_candidates_get_no_probability_and_all_numbers_are_finite(network):
    observation, _ = observe(builder="active")
    logits, value = network(observation)
    chances = torch.softmax(logits, dim=1)
    assert (chances[observation["action_mask"] == 0] == 0).all()
    assert torch.isfinite(logits).all()
    assert torch.isfinite(value).all()


def test_encoding_once_and_decoding_equals_the_whole_forward_pass(network):
    observation, _ = observe()
    logits, value = network.decode(network.encode(observation), observation)
    torch.testing.assert_close(network(observation), (logits, value))


def test_gradients_reach_every_weight_and_are_finite(network):
    observation, _ = observe()
    logits, value = network.train()(observation)
    (torch.log_softmax(logits, dim=1)[:, 0].sum() + value.square().sum()).backward()
    for name, weight in network.named_parameters():
        assert weight.grad is not None, name
        assert torch.isfinite(weight.grad).all(), name


@pytest.mark.parametrize(
    "values", [{"hidden": 0}, {"hidden": 10, "heads": 3}, {"layers": -1}, {"heads": 0}, {"layers": 1.5}]
)
def test_impossible_sizes_are_refused(values):
    with pytest.raises(ValueError, match=r"must|divide"):
        NetworkConfig(node_features=2, relations=("a",), candidate_features=2, context_features=1, **values)


def test_a_checkpoint_gives_back_the_same_network(tmp_path, network):
    save_checkpoint(tmp_path, Checkpoint(network, "job-shop", {"nodes": ["a"]}, {"seed": 3}))
    loaded = load_checkpoint(tmp_path)
    assert loaded.problem == "job-shop"
    assert loaded.training == {"seed": 3}
    observation, _ = observe()
    torch.testing.assert_close(loaded.network.eval()(observation), network(observation))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: (folder / "config.json").unlink(), "no such file"),
        (lambda folder: (folder / "weights.safetensors").unlink(), "no such file"),
        (lambda folder: (folder / "config.json").write_text("{"), "not JSON"),
        (lambda folder: (folder / "config.json").write_text("[]"), "JSON object"),
        (lambda folder: (folder / "weights.safetensors").write_bytes(b"x" * 100), "checksum"),
        (lambda folder: _edit(folder, format=99), "format 99"),
        (lambda folder: _edit(folder, network={"hidden": 3}), "not a checkpoint"),
        (lambda folder: _edit(folder, network=None), "not a checkpoint"),
    ],
)
def test_a_damaged_checkpoint_is_refused_in_one_line(tmp_path, network, damage, words):
    save_checkpoint(tmp_path, Checkpoint(network, "job-shop", {"nodes": ["a"]}))
    damage(tmp_path)
    with pytest.raises(InputError, match=words) as caught:
        load_checkpoint(tmp_path)
    assert "\n" not in str(caught.value)


def _edit(folder, **changes):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))
