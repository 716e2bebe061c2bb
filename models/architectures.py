"""The kinds of networks, by name."""

from __future__ import annotations

from .captain import CaptainPolicy
from .policy import ARCHITECTURES, GraphPolicy, NetworkConfig
from .trees import TreePolicy

NETWORKS: dict[str, type[GraphPolicy]] = {"encode-once": GraphPolicy, "vmr2l": TreePolicy, "captain": CaptainPolicy}
assert tuple(NETWORKS) == ARCHITECTURES


def make_network(config: NetworkConfig) -> GraphPolicy:
    """An untrained network.

    Raises:
        ValueError: The sizes do not go together.
    """
    return NETWORKS[config.architecture](config)
