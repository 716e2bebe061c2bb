"""``VMRescheduling-v0`` and its native vector environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ..core.config import Range
from ..core.gym_env import SchedulingEnv
from ..core.problem import Problem
from ..core.vector_env import SchedulingVectorEnv
from .problem import PROBLEM


class VMReschedulingEnv(SchedulingEnv):
    """
    ## Description

    Virtual machines (VMs) that come and go leave free cores scattered over the physical machines (PMs) of a cluster,
    in pieces too small for the VMs that customers ask for. Rescheduling moves a limited number of VMs between PMs, or
    between the two NUMA nodes of one, so that free cores come together. A VM takes its cores and memory from one NUMA
    node, or half from each ("double-NUMA"). Minimised is the fragment rate: the share of free cores that further VMs of
    X cores (16 by default) cannot use. This is the problem of VMR2L (Ding et al., EuroSys 2025).

    Clusters are random, made to match the published statistics of the paper's test sets, or come from files in the JSON
    format that ByteDance released.

    ## Action Space

    ``Discrete(V + 2 P + 1)`` for V VMs and P PMs. A move is two steps: action v < V picks VM v; then action
    V + 2 p + n moves it to NUMA node n of PM p (a double-NUMA VM to both nodes, by n = 0). The last action stops, and
    is legal whenever a VM may be picked.

    The mask of legal actions is ``observation["action_mask"]`` and ``info["action_mask"]`` (int8) and
    ``env.unwrapped.action_masks()`` (bool). It is exact: a VM can be picked if there is a place for it (room for its
    cores and memory, no VM of its anti-affinity group), if it may be moved at all, and if ``offer`` shows it. An
    illegal action changes nothing and costs 1 % of the episode's scale; with ``strict=True`` it raises ``ValueError``.
    ``schedlab.envs.vm.JointActionWrapper`` offers both picks as one action.

    ## Observation Space

    A flat ``Dict`` of one-dimensional boxes; K kinds of VMs, N = P + K + 1 nodes, A actions.
    ``env.unwrapped.graph_spec.shaped(observation)`` gives the tables their shape:

    | Key | Shape | Type | Meaning |
    |---|---|---|---|
    | ``nodes`` | (N, 13) | float32 | features of PMs, kinds of VMs, and the cluster as a whole at the start |
    | ``node_mask`` | (N,) | int8 | which nodes exist |
    | ``edges_hosts`` | (2, min(V, P K)) | int32 | from a PM to the kinds of VMs on it; unused columns are -1 |
    | ``candidate`` | (A,) | int32 | the node behind each legal action (of a VM, the PM it is on now); -1 elsewhere |
    | ``candidate_features`` | (A, 24) | float32 | what matters about that choice now |
    | ``context`` | (23,) | float32 | the cluster now, and the VM that was picked |
    | ``action_mask`` | (A,) | int8 | legal actions |

    Everything but the last four is fixed during an episode. Names, units and scales of the features are listed in
    ``schedlab.envs.vm.observe``; all lie in [-10, 10].

    ## Rewards

    By how much a step lowers the objective, so the rewards of an episode of legal actions sum to the objective at the
    start minus the final one; a delay counts with the last step. The first pick of a move earns 0. With
    ``normalize_reward=True`` rewards are divided by the episode's scale: what as many slots as moves are worth.

    ## Starting State

    VMs are where the cluster has them. ``reset(options={"instance": ...})`` takes a JSON file or a ``VmInstance`` that
    fits the environment.

    ## Episode End

    The episode terminates after ``mnl`` moves, when the agent stops, when no VM can be picked, or when ``goal`` is
    reached; ``info["objective"]`` then holds the objective. With a ``delay``, VMs have come and gone until the plan is
    applied, and moves that are no longer legal are lost: the objective is the fragment rate after what is left. It is
    truncated after more illegal actions than there are nodes.

    ## Arguments

    | Argument | Default | Meaning |
    |---|---|---|
    | ``instance`` | ``None`` | file of a cluster, or a list; ``None`` for random clusters |
    | ``mix``, ``num_pms`` | ``"medium"``, 20 | flavours and size of random clusters |
    | ``utilisation`` | 0.9067 | of random clusters: share of cores in use |
    | ``churn``, ``tight``, ``tight_share`` | 1.4, ``"pm"``, 0.65 | of random clusters: how VMs came and went |
    | ``affinity``, ``affinity_share`` | 0, 1.0 | of random clusters: others that a VM must not share a PM with |
    | ``immovable`` | 0.0 | of random clusters: share of VMs that may not be moved |
    | ``arrivals_per_minute`` | 9.0 | VMs that come while a plan is computed |
    | ``mnl`` | 50 | migration number limit, a number or a pair |
    | ``fragment`` | 16 | size X of the fragment rate FR_X, or several |
    | ``fragment_weight``, ``fragment_nodes`` | ``None``, ``None`` | weights and NUMA nodes of each |
    | ``objective``, ``goal`` | ``"fragment-rate"``, ``None`` | or ``"moves"``, with the rate to reach |
    | ``delay`` | 0.0 | seconds after which the plan is applied |
    | ``offer`` | ``"every"`` | or ``"distinct"`` VMs, of these each ``"once"``, or those on ``"fragmented"`` PMs |
    | ``show`` | ``"legal"`` | or ``"all"`` VMs and NUMA nodes |
    | ``render_mode`` | ``None`` | ``"rgb_array"`` or ``"ansi"`` |
    | ``strict`` | ``False`` | raise on illegal actions |
    | ``normalize_reward`` | ``False`` | divide rewards by the episode's scale |

    ## Vectorized environment

    ``gym.make_vec("VMRescheduling-v0", num_envs=64)`` steps all episodes in one compiled loop, and resets in the same
    step.

    >>> import gymnasium as gym
    >>> import schedlab
    >>> envs = gym.make_vec("VMRescheduling-v0", num_envs=3, num_pms=10, mnl=5)
    >>> observation, info = envs.reset(seed=0)
    >>> envs.unwrapped.graph_spec.shaped(observation)["context"].shape
    (3, 23)

    ## Version History

    * v0: initial version
    """

    problem: ClassVar[Problem[Any, Any, Any]] = PROBLEM

    def __init__(
        self,
        instance: str | Sequence[str] | None = None,
        mix: str = "medium",
        num_pms: Range = 20,
        utilisation: Range = 0.9067,
        churn: Range = 1.4,
        tight: str = "pm",
        tight_share: float = 0.65,
        affinity: int = 0,
        affinity_share: float = 1.0,
        immovable: float = 0.0,
        arrivals_per_minute: float = 9.0,
        mnl: Range = 50,
        fragment: int | Sequence[int] = 16,
        fragment_weight: float | Sequence[float] | None = None,
        fragment_nodes: int | Sequence[int] | None = None,
        objective: str = "fragment-rate",
        goal: float | None = None,
        delay: float = 0.0,
        offer: str = "every",
        show: str = "legal",
        render_mode: str | None = None,
        strict: bool = False,
        normalize_reward: bool = False,
    ) -> None:
        config = PROBLEM.configure(
            {
                "instance": instance,
                "mix": mix,
                "num_pms": num_pms,
                "utilisation": utilisation,
                "churn": churn,
                "tight": tight,
                "tight_share": tight_share,
                "affinity": affinity,
                "affinity_share": affinity_share,
                "immovable": immovable,
                "arrivals_per_minute": arrivals_per_minute,
                "mnl": mnl,
                "fragment": fragment,
                "fragment_weight": fragment_weight,
                "fragment_nodes": fragment_nodes,
                "objective": objective,
                "goal": goal,
                "delay": delay,
                "offer": offer,
                "show": show,
            }
        )
        super().__init__(config, render_mode, strict, normalize_reward)


class VMReschedulingVectorEnv(SchedulingVectorEnv):
    """``num_envs`` clusters side by side; arguments as for :class:`VMReschedulingEnv`, and those of the base class."""

    problem: ClassVar[Problem[Any, Any, Any]] = PROBLEM

    def __init__(
        self,
        num_envs: int = 1,
        instance: str | Sequence[str] | None = None,
        mix: str = "medium",
        num_pms: Range = 20,
        utilisation: Range = 0.9067,
        churn: Range = 1.4,
        tight: str = "pm",
        tight_share: float = 0.65,
        affinity: int = 0,
        affinity_share: float = 1.0,
        immovable: float = 0.0,
        arrivals_per_minute: float = 9.0,
        mnl: Range = 50,
        fragment: int | Sequence[int] = 16,
        fragment_weight: float | Sequence[float] | None = None,
        fragment_nodes: int | Sequence[int] | None = None,
        objective: str = "fragment-rate",
        goal: float | None = None,
        delay: float = 0.0,
        offer: str = "every",
        show: str = "legal",
        render_mode: str | None = None,
        strict: bool = False,
        normalize_reward: bool = False,
        copy: bool = True,
        max_episode_steps: int | None = None,
    ) -> None:
        config = PROBLEM.configure(
            {
                "instance": instance,
                "mix": mix,
                "num_pms": num_pms,
                "utilisation": utilisation,
                "churn": churn,
                "tight": tight,
                "tight_share": tight_share,
                "affinity": affinity,
                "affinity_share": affinity_share,
                "immovable": immovable,
                "arrivals_per_minute": arrivals_per_minute,
                "mnl": mnl,
                "fragment": fragment,
                "fragment_weight": fragment_weight,
                "fragment_nodes": fragment_nodes,
                "objective": objective,
                "goal": goal,
                "delay": delay,
                "offer": offer,
                "show": show,
            }
        )
        super().__init__(num_envs, config, render_mode, strict, normalize_reward, copy, max_episode_steps)
