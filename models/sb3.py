"""The graph policy inside Stable-Baselines3: a features extractor and an actor-critic for sb3-contrib's MaskablePPO."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import torch
from sb3_contrib.common.maskable.policies import MaskableMultiInputActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import Schedule
from torch import Tensor, nn

from ..envs.core.graph import GraphSpec
from .architectures import make_network
from .policy import GraphPolicy, NetworkConfig

MARK = "is_chosen"
"""Candidate feature that marks what the first of two picks chose, where a problem shows that."""


def network_config(spec: GraphSpec, prior: Mapping[str, float] | None = None, **sizes: Any) -> NetworkConfig:
    """A network that fits an observation.

    Args:
        spec: The observation.
        prior: Weights of candidate features in the logits before anything is learned, by name; 0 for the others.
        sizes: What the observation does not decide: ``hidden``, ``layers``, ...

    Raises:
        ValueError: A size is out of range, or there is no such feature.
    """
    prior = prior or {}
    for name in prior:
        if name not in spec.candidate_features:
            raise ValueError(f"prior: no candidate feature is called {name!r}")
    marked = sizes.get("architecture") == "vmr2l" and MARK in spec.candidate_features
    return NetworkConfig(
        node_features=len(spec.node_features),
        relations=tuple(name for name, _ in spec.relations),
        candidate_features=len(spec.candidate_features),
        context_features=len(spec.context_features),
        state_features=len(spec.state_features),
        changing_relations=tuple(name for name, _ in spec.changing_relations),
        mark=spec.candidate_features.index(MARK) if marked else -1,
        prior=tuple(prior.get(name, 0.0) for name in spec.candidate_features) if prior else (),
        **sizes,
    )


class GraphExtractor(BaseFeaturesExtractor):
    """Runs a :class:`GraphPolicy` on SB3's flattened observations; its features are the A logits and the value.

    SB3 turns every box into float32; node numbers stay exact below 2**24 and become integers again in the policy.

    Args:
        observation_space: Of the environment.
        spec: Names and shapes of the observation (``env.unwrapped.graph_spec``).
        config: Sizes of the network.
    """

    def __init__(self, observation_space: gym.Space[Any], spec: GraphSpec, config: NetworkConfig) -> None:
        super().__init__(observation_space, features_dim=spec.num_actions + 1)
        self.spec = spec
        self.network = make_network(config)

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        """Logits and value, ``[B, A + 1]``."""
        logits, value = self.network(self.spec.shaped(observations))
        return torch.cat([logits, value[:, None]], dim=1)


class _Columns(nn.Module):
    """Passes on some columns of the extractor's output."""

    def __init__(self, start: int, stop: int) -> None:
        super().__init__()
        self.start, self.stop = start, stop

    def forward(self, features: Tensor) -> Tensor:
        return features[:, self.start : self.stop]


class MaskableGraphPolicy(MaskableMultiInputActorCriticPolicy):
    """MaskablePPO's policy with the graph policy's own heads in place of SB3's linear ones.

    Use it with ``policy_kwargs={"features_extractor_class": GraphExtractor, "features_extractor_kwargs": {...}}``.
    """

    def __init__(
        self, observation_space: gym.spaces.Dict, action_space: gym.Space[Any], lr_schedule: Schedule, **kwargs: Any
    ) -> None:
        # net_arch=[]: nothing stands between the extractor and the heads
        super().__init__(
            observation_space, action_space, lr_schedule, **{**kwargs, "net_arch": [], "ortho_init": False}
        )

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)
        assert isinstance(self.action_space, gym.spaces.Discrete)
        actions = int(self.action_space.n)
        heads: Any = self  # SB3 declares both as linear layers
        heads.action_net, heads.value_net = _Columns(0, actions), _Columns(actions, actions + 1)
        # made anew, because SB3's held the parameters of the heads that are gone
        self.optimizer = self.optimizer_class(self.parameters(), **{"lr": lr_schedule(1), **self.optimizer_kwargs})

    @property
    def extractor(self) -> GraphExtractor:
        """The features extractor."""
        assert isinstance(self.features_extractor, GraphExtractor)
        return self.features_extractor

    @property
    def network(self) -> GraphPolicy:
        """The network, whose weights are what a checkpoint keeps."""
        return self.extractor.network
