"""The graph policy: sizes, masks, equivariance, and checkpoints that survive and refuse what they should."""

import json

import gymnasium as gym
import numpy as np
import pytest
import torch

from schedlab.envs.core import InputError
from schedlab.envs.job_shop import PROBLEM, JobShopConfig
from schedlab.envs.job_shop.generate import random_instance
from schedlab.models.candidates import Candidates
from schedlab.models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from schedlab.models.encoder import ENCODERS
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


@pytest.mark.parametrize("encoder", ENCODERS)
def test_one_network_serves_every_size_and_padding_changes_nothing(encoder):
    _, spec = observe()
    torch.manual_seed(0)
    network = GraphPolicy(network_config(spec, hidden=16, layers=2, heads=2, encoder=encoder))
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
    candidates, action = network.candidates(observation)
    logits, value = network.decode(network.encode(observation), candidates)
    table, whole = network(observation)
    torch.testing.assert_close(table[candidates.state, action], logits)
    torch.testing.assert_close(whole, value)


@pytest.mark.parametrize("kind", [{"encode": "every-step"}, {"attend": "all"}, {"encoder": "park2021"}, {"layers": 0}])
def test_other_kinds_of_policy_also_mask_and_learn(kind):
    observation, spec = observe(builder="hybrid")
    torch.manual_seed(0)
    network = GraphPolicy(network_config(spec, hidden=16, heads=2, **{"layers": 2, **kind}))
    logits, value = network(observation)
    chances = torch.softmax(logits, dim=1)
    assert (chances[observation["action_mask"] == 0] == 0).all()
    (torch.log_softmax(logits, dim=1).gather(1, chances.argmax(dim=1, keepdim=True)).sum() + value.sum()).backward()
    for name, weight in network.named_parameters():
        assert weight.grad is None or torch.isfinite(weight.grad).all(), name


def test_states_of_one_graph_share_its_encoding():
    observation, spec = observe(rows=4, instance="ft06")
    torch.manual_seed(0)
    network = GraphPolicy(network_config(spec, hidden=16, layers=2, heads=2))
    once = network.encode({key: value[:1] for key, value in observation.items()})
    candidates, _ = Candidates.from_padded(observation, torch.zeros(4, dtype=torch.int64))
    shared = network.decode(once, candidates)
    apart, _ = network.candidates(observation)
    torch.testing.assert_close(shared, network.decode(network.encode(observation), apart))


def test_a_policy_that_encodes_at_every_step_sees_what_changed():
    observation, spec = observe()
    torch.manual_seed(0)
    network = GraphPolicy(network_config(spec, hidden=16, layers=2, heads=2, encode="every-step"))
    encoding = network.encode(observation)
    candidates, _ = network.candidates(observation)
    before, _ = network.decode(encoding, candidates)
    changed, _ = network.candidates({**observation, "candidate_features": observation["candidate_features"] + 0.1})
    assert not torch.equal(network.decode(encoding, changed)[0], before)


def test_gradients_reach_every_weight_and_are_finite(network):
    observation, _ = observe()
    logits, value = network.train()(observation)
    (torch.log_softmax(logits, dim=1)[:, 0].sum() + value.square().sum()).backward()
    for name, weight in network.named_parameters():
        assert weight.grad is not None, name
        assert torch.isfinite(weight.grad).all(), name


@pytest.mark.parametrize(
    "values",
    [
        {"hidden": 0},
        {"hidden": 10, "heads": 3},
        {"layers": -1},
        {"heads": 0},
        {"layers": 1.5},
        {"encoder": "x"},
        {"encode": "x"},
        {"attend": "x"},
    ],
)
def test_impossible_sizes_are_refused(values):
    with pytest.raises(ValueError, match=r"must|divide|not understood"):
        NetworkConfig(node_features=2, relations=("a",), candidate_features=2, context_features=1, **values)


def test_a_checkpoint_gives_back_the_same_network(tmp_path, network):
    save_checkpoint(tmp_path, Checkpoint(network, "job-shop", {"nodes": ["a"]}, {"builder": "hybrid"}, {"seed": 3}))
    loaded = load_checkpoint(tmp_path)
    assert loaded.problem == "job-shop"
    assert loaded.environment == {"builder": "hybrid"}
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


def test_an_untrained_policy_with_a_prior_follows_it():
    observation, spec = observe()
    torch.manual_seed(0)
    network = GraphPolicy(network_config(spec, prior={"job_tail": 50.0}, hidden=16, layers=1, heads=2)).eval()
    logits, _ = network(observation)
    column = spec.candidate_features.index("job_tail")
    legal = observation["action_mask"] != 0
    feature = observation["candidate_features"][:, :, column].masked_fill(~legal, -torch.inf)
    chosen = feature.gather(1, logits.argmax(dim=1, keepdim=True)).squeeze(1)
    torch.testing.assert_close(chosen, feature.max(dim=1).values, atol=0.02, rtol=0)


def test_a_prior_on_a_feature_that_does_not_exist_is_refused():
    _, spec = observe()
    with pytest.raises(ValueError, match="no candidate feature is called 'luck'"):
        network_config(spec, prior={"luck": 1.0})
