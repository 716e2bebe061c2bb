"""The observation contract: a graph, most of which stays, a front of candidates that moves, and a mask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

ArrayT = TypeVar("ArrayT", bound=Any)

FEATURE_LIMIT = 10.0
"""Features are clipped to ``[-FEATURE_LIMIT, FEATURE_LIMIT]``, so every space is bounded."""

PADDING = -1
"""Fills the unused columns of an ``edge_index``."""


@dataclass(frozen=True)
class GraphSpec:
    """Sizes and feature names of a problem's observation.

    Attributes:
        num_nodes: Nodes of the largest graph, N.
        node_features: Names of the F static features of a node.
        relations: Pairs (name, largest number of edges) of the typed edges.
        num_actions: Candidates, A; the action space is ``Discrete(A)``.
        candidate_features: Names of the D features of a candidate.
        context_features: Names of the C features of the whole state.
        state_features: Names of the K features of a node that change during an episode; mostly none.
        changing_relations: Pairs like those of ``relations``, of edges that change during an episode; mostly none.
    """

    num_nodes: int
    node_features: tuple[str, ...]
    relations: tuple[tuple[str, int], ...]
    num_actions: int
    candidate_features: tuple[str, ...]
    context_features: tuple[str, ...]
    state_features: tuple[str, ...] = ()
    changing_relations: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        if self.num_nodes < 1 or self.num_actions < 1:
            raise ValueError(f"a graph needs a node and an action, got {self.num_nodes} and {self.num_actions}")
        names = [name for name, _ in self.relations + self.changing_relations]
        if len(set(names)) != len(names):
            raise ValueError(f"two relations share a name: {names}")

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each part of one observation, static parts first."""
        return {
            "nodes": (self.num_nodes, len(self.node_features)),
            "node_mask": (self.num_nodes,),
            **{f"edges_{name}": (2, count) for name, count in self.relations},
            "candidate": (self.num_actions,),
            "candidate_features": (self.num_actions, len(self.candidate_features)),
            "context": (len(self.context_features),),
            **({"node_state": (self.num_nodes, len(self.state_features))} if self.state_features else {}),
            **{f"edges_{name}": (2, count) for name, count in self.changing_relations},
            "action_mask": (self.num_actions,),
        }

    def observation_space(self) -> spaces.Dict:
        """A flat ``Dict`` of one-dimensional boxes, which Gymnasium, SB3, RLlib and TorchRL all accept.

        SB3's checker warns about two-dimensional boxes, so tables come row by row in one line; :meth:`shaped`
        gives them their :meth:`shapes` back.
        """

        def box(key: str, shape: tuple[int, ...]) -> spaces.Box:
            size = (int(np.prod(shape)),)
            if key.endswith("mask"):
                return spaces.Box(0, 1, size, np.int8)
            if key.startswith("edges_") or key == "candidate":
                return spaces.Box(PADDING, self.num_nodes - 1, size, np.int32)
            return spaces.Box(-FEATURE_LIMIT, FEATURE_LIMIT, size, np.float32)

        return spaces.Dict({key: box(key, shape) for key, shape in self.shapes().items()})

    def shaped(self, observation: Mapping[str, ArrayT]) -> dict[str, ArrayT]:
        """The observation with its tables in their :meth:`shapes`, as views; leading batch axes stay.

        Args:
            observation: Arrays of numpy or torch, one-dimensional after the batch axes.
        """
        return {
            key: observation[key].reshape(*observation[key].shape[:-1], *shape) for key, shape in self.shapes().items()
        }


@dataclass(slots=True)  # not frozen: one is made at every step of a vector env, and freezing costs microseconds
class GraphState:
    """A batch of observations, as views of a simulator's buffers: valid until its next step.

    The first three are static: they change when an episode starts, never during one.

    Attributes:
        nodes: Node features, float32 ``[B, N, F]``; zero where there is no node.
        node_mask: Which nodes exist, int8 ``[B, N]``.
        edges: For each relation an ``edge_index`` (source row, target row), int32 ``[B, 2, E]``,
            unused columns ``-1``.
        candidate: The node behind each action, int32 ``[B, A]``; ``-1`` where there is none.
        features: What matters about each choice now, float32 ``[B, A, D]``.
        context: Global numbers, float32 ``[B, C]``.
        action_mask: Which actions are legal, int8 ``[B, A]``; never all zero.
        node_state: Features of the nodes that change, float32 ``[B, N, K]``; K is 0 in most problems.
        changing: Edges that change, like ``edges``; empty in most problems.
    """

    nodes: NDArray[np.float32]
    node_mask: NDArray[np.int8]
    edges: dict[str, NDArray[np.int32]]
    candidate: NDArray[np.int32]
    features: NDArray[np.float32]
    context: NDArray[np.float32]
    action_mask: NDArray[np.int8]
    node_state: NDArray[np.float32]
    changing: dict[str, NDArray[np.int32]]

    @classmethod
    def empty(cls, spec: GraphSpec, batch_size: int) -> GraphState:
        """Allocate the buffers of a batch."""
        b, a = batch_size, spec.num_actions
        return cls(
            nodes=np.zeros((b, spec.num_nodes, len(spec.node_features)), np.float32),
            node_mask=np.zeros((b, spec.num_nodes), np.int8),
            edges={name: np.full((b, 2, count), PADDING, np.int32) for name, count in spec.relations},
            candidate=np.full((b, a), PADDING, np.int32),
            features=np.zeros((b, a, len(spec.candidate_features)), np.float32),
            context=np.zeros((b, len(spec.context_features)), np.float32),
            action_mask=np.zeros((b, a), np.int8),
            node_state=np.zeros((b, spec.num_nodes, len(spec.state_features)), np.float32),
            changing={name: np.full((b, 2, count), PADDING, np.int32) for name, count in spec.changing_relations},
        )

    def fresh(self) -> GraphState:
        """The same static arrays with new, uninitialised dynamic ones: for ``Simulator.observe(out=...)``."""
        return GraphState(
            self.nodes,
            self.node_mask,
            self.edges,
            np.empty(self.candidate.shape, np.int32),
            np.empty(self.features.shape, np.float32),
            np.empty(self.context.shape, np.float32),
            np.empty(self.action_mask.shape, np.int8),
            np.empty(self.node_state.shape, np.float32),
            {name: np.empty(index.shape, np.int32) for name, index in self.changing.items()},
        )

    def static(self) -> dict[str, NDArray[Any]]:
        """The part that stays during an episode, under the observation's keys."""
        edges = {f"edges_{name}": index for name, index in self.edges.items()}
        return {"nodes": self.nodes, "node_mask": self.node_mask, **edges}

    @property
    def dynamic_arrays(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Candidates, features, context and mask, as kernels take them; what few problems have is not among them."""
        return self.candidate, self.features, self.context, self.action_mask

    def dynamic(self) -> dict[str, NDArray[Any]]:
        """The part that changes with every step, under the observation's keys."""
        return {
            "candidate": self.candidate,
            "candidate_features": self.features,
            "context": self.context,
            **({"node_state": self.node_state} if self.node_state.shape[2] else {}),
            **{f"edges_{name}": index for name, index in self.changing.items()},
            "action_mask": self.action_mask,
        }
