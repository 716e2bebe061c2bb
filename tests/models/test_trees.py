"""The network in the manner of VMR2L."""

import numpy as np
import pytest
import torch

from schedlab.envs.vm import PROBLEM, VmConfig
from schedlab.models.architectures import make_network
from schedlab.models.candidates import Candidates, to_device
from schedlab.models.sb3 import network_config
from schedlab.models.trees import Trees

SIZES = {"hidden": 16, "layers": 1, "heads": 2, "attention_layers": 2, "attend": "all", "architecture": "vmr2l"}


@pytest.fixture
def simulator():
    config = VmConfig(num_pms=4, mnl=3, show="all")
    simulator = PROBLEM.simulator_for_config(config, 3)
    sample = PROBLEM.sampler(config)
    simulator.reset([sample(np.random.default_rng(seed)) for seed in range(3)])
    return simulator


def observed(simulator):
    state = simulator.observe()
    return to_device({**state.static(), **state.dynamic()}, torch.device("cpu"))


def network(simulator, **changes):
    torch.manual_seed(0)
    return make_network(network_config(simulator.spec, **{**SIZES, **changes})).eval()


def test_trees_pair_every_candidate_with_those_that_share_its_node_and_with_no_other(simulator):
    candidates, _ = Candidates.from_padded(observed(simulator), only_legal=False)
    trees = Trees.of(candidates, simulator.spec.num_nodes)
    keys = list(zip(candidates.state.tolist(), candidates.node.tolist(), strict=True))
    expected = {(i, j) for i, one in enumerate(keys) for j, two in enumerate(keys) if one == two}
    pairs = list(zip(trees.asks.tolist(), trees.heard.tolist(), strict=True))
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == expected
    assert trees.size.tolist() == torch.bincount(trees.member).tolist()


def test_both_picks_are_masked_and_every_weight_learns(simulator):
    net = network(simulator).train()
    total = torch.zeros(())
    for _ in range(2):
        observation = observed(simulator)
        logits, value = net(observation)
        assert (torch.softmax(logits, dim=1)[observation["action_mask"] == 0] == 0).all()
        chosen = logits.argmax(dim=1, keepdim=True)
        total = total + torch.log_softmax(logits, dim=1).gather(1, chosen).sum() + value.square().sum()
        simulator.step(np.asarray(observation["action_mask"]).argmax(axis=1))
    total.backward()
    for name, weight in net.named_parameters():
        assert weight.grad is not None, name
        assert torch.isfinite(weight.grad).all(), name


def test_what_one_state_says_does_not_depend_on_the_others_in_the_batch(simulator):
    net, observation = network(simulator), observed(simulator)
    together = net(observation)
    for row in range(3):
        alone = net({key: value[row : row + 1] for key, value in observation.items()})
        torch.testing.assert_close(alone[0][0], together[0][row], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(alone[1][0], together[1][row], rtol=1e-4, atol=1e-5)


def test_a_vm_that_moved_is_in_the_tree_of_its_new_host(simulator):
    observation = observed(simulator)
    vm = int(np.flatnonzero(simulator.action_mask[0])[0])
    simulator.step(simulator.action_mask.argmax(axis=1))
    place = int(np.flatnonzero(simulator.action_mask[0])[-1])
    before = int(observation["candidate"][0, vm])
    simulator.step(np.array([place, *simulator.action_mask[1:].argmax(axis=1)]))
    after = int(observed(simulator)["candidate"][0, vm])
    assert after == (place - simulator.sizes[1]) // 2
    assert before == simulator.instances[0].host[vm]


@pytest.mark.parametrize("changes", [{"attend": "legal"}, {"encode": "every-step"}, {"attention_layers": 0}])
def test_it_refuses_to_see_less_than_everything(simulator, changes):
    with pytest.raises(ValueError, match="vmr2l"):
        network(simulator, **changes)
