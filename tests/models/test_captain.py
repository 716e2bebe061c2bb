"""The network in the manner of CapTAIN."""

import numpy as np
import pytest
import torch

from schedlab.envs.uam import PROBLEM, UamConfig
from schedlab.models.architectures import make_network
from schedlab.models.candidates import to_device
from schedlab.models.captain import CapsuleConvolution, normalised_laplacian
from schedlab.models.sb3 import network_config

SIZES = {"hidden": 16, "layers": 1, "heads": 2, "attention_layers": 1, "attend": "all", "architecture": "captain"}


@pytest.fixture
def simulator():
    config = UamConfig(num_vertiports=[3, 6], num_aircraft=[4, 8], show="all")
    simulator = PROBLEM.simulator_for_config(config, 4)
    sample = PROBLEM.sampler(config)
    simulator.reset([sample(np.random.default_rng(seed)) for seed in range(4)])
    for _ in range(6):
        simulator.step(simulator.action_mask.argmax(axis=1))
    return simulator


def observed(simulator):
    state = simulator.observe()
    return to_device({**state.static(), **state.dynamic()}, torch.device("cpu"))


def network(simulator, **changes):
    torch.manual_seed(0)
    return make_network(network_config(simulator.spec, **{**SIZES, **changes})).eval()


def test_illegal_destinations_and_aircraft_are_never_chosen_and_every_weight_learns(simulator):
    net, observation = network(simulator).train(), observed(simulator)
    logits, value = net(observation)
    assert (torch.softmax(logits, dim=1)[observation["action_mask"] == 0] == 0).all()
    chosen = logits.argmax(dim=1, keepdim=True)
    (torch.log_softmax(logits, dim=1).gather(1, chosen).sum() + value.square().sum()).backward()
    for name, weight in net.named_parameters():
        assert weight.grad is not None, name
        assert torch.isfinite(weight.grad).all(), name


def test_the_last_vertiport_can_be_chosen_too(simulator):
    # the public prototype of the paper cut its logits before it
    net, observation = network(simulator), observed(simulator)
    logits, _ = net(observation)
    for row, day in enumerate(simulator.instances):
        last = day.num_vertiports - 1
        assert (logits[row, last] > -1e7) == bool(observation["action_mask"][row, last])


def test_what_one_day_says_does_not_depend_on_the_others_in_the_batch(simulator):
    net, observation = network(simulator), observed(simulator)
    together = net(observation)
    for row in range(4):
        alone = net({key: value[row : row + 1] for key, value in observation.items()})
        torch.testing.assert_close(alone[0][0], together[0][row], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(alone[1][0], together[1][row], rtol=1e-4, atol=1e-5)


def test_the_number_of_an_aircraft_does_not_matter(simulator):
    net, observation = network(simulator), observed(simulator)
    table = {key: value[:1] for key, value in observation.items()}
    ports, planes = simulator.sizes[0], simulator.instances[0].num_aircraft
    turned = {key: value.clone() for key, value in table.items()}
    order = torch.arange(planes).flip(0) + ports
    for key in ("candidate", "candidate_features"):
        turned[key][:, ports : ports + planes] = table[key][:, order]
    torch.testing.assert_close(net(table), net(turned), rtol=1e-4, atol=1e-5)


def test_an_untrained_network_with_a_prior_follows_the_rule(simulator):
    names = simulator.spec.candidate_features
    net = network(simulator, prior={"rate": 50.0})
    observation = observed(simulator)
    logits, _ = net(observation)
    rate = observation["candidate_features"][..., names.index("rate")]
    rule = rate.masked_fill(observation["action_mask"] == 0, -torch.inf).argmax(dim=1)
    assert (logits.argmax(dim=1) == rule).float().mean() > 0.7


def test_a_laplacian_has_the_identitys_row_where_nobody_is_near():
    weights = torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    expected = torch.tensor([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    torch.testing.assert_close(normalised_laplacian(weights), expected)


def test_a_capsule_convolution_reaches_as_far_as_its_order():
    torch.manual_seed(0)
    line = torch.diag(torch.ones(4), 1) + torch.diag(torch.ones(4), -1)
    nodes = torch.randn(1, 5, 8)
    changed = nodes.clone()
    changed[0, 4] += 1
    for order in (1, 2):
        layer = CapsuleConvolution(8, order, 2)
        moved = (
            layer(nodes, normalised_laplacian(line)[None]) - layer(changed, normalised_laplacian(line)[None])
        ).abs()
        reached = moved.sum(dim=2)[0] > 1e-6
        assert reached.tolist() == [place >= 4 - order for place in range(5)]


@pytest.mark.parametrize("changes", [{"attend": "legal"}, {"attention_layers": 0}, {"layers": 0}])
def test_other_settings_are_refused(simulator, changes):
    with pytest.raises(ValueError, match="captain"):
        network(simulator, **changes)


def test_it_needs_to_be_shown_the_aircraft():
    simulator = PROBLEM.simulator_for_config(UamConfig(num_vertiports=3, num_aircraft=4), 1)
    with pytest.raises(ValueError, match="show 'all'"):
        network(simulator)
