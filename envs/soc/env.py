"""``SoC-v0`` and its native vector environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ..core.config import Range
from ..core.gym_env import SchedulingEnv
from ..core.problem import Problem
from ..core.vector_env import SchedulingVectorEnv
from .problem import PROBLEM


class SoCEnv(SchedulingEnv):
    """
    ## Description

    A system on a chip runs jobs that keep arriving. A job is a graph of tasks; a task takes its own time on each of the
    processing elements (PEs), and some cannot run it. Data between tasks on different PEs takes time to travel. When
    all producers of a task are finished, it is ready: the agent binds it to a PE, or leaves it until something else
    happens. A bound task queues at its PE, which takes the first whose data has arrived and runs it to its end.
    Minimised is the mean latency of jobs, from injection to the end of their last task, or the energy they need.

    Platforms and applications are those of DS3 (Arda et al. 2020), of SoCRATES and of the HEFT and PEFT papers, random
    ones, or yours from a JSON file. All chance is in the instance, so agents that play the same seeds meet the same
    jobs and execution times. What simulators of the literature do differently without saying so (queue order,
    rounding, when data travels, ...) are arguments here.

    ## Action Space

    ``Discrete(A)``; the last action leaves all ready tasks for later, until the next job arrives or task ends. The
    others, by ``action``:

    * ``"pair"``: k = r W + c binds ready task r, counted in the order in which tasks became ready, to PE c (W PEs);
      with ``offer`` other than ``"every"``, to that PE of kind c (W kinds) which would finish it first.
    * ``"task-then-pe"``: two steps, first a ready task, then its PE.
    * ``"task"``: ready task k goes to the PE that would finish it first.

    The mask of legal actions is ``observation["action_mask"]`` and ``info["action_mask"]`` (int8) and
    ``env.unwrapped.action_masks()`` (bool). Deferring is legal while a bound task is unfinished. An illegal action
    changes nothing and costs 1 % of the episode's scale; with ``strict=True`` it raises ``ValueError``.

    ## Observation Space

    A flat ``Dict`` of one-dimensional boxes; N tasks of all applications, P PEs, E edges.
    ``env.unwrapped.graph_spec.shaped(observation)`` gives the tables their shape:

    | Key | Shape | Type | Meaning |
    |---|---|---|---|
    | ``nodes`` | (N + P + 1, 12) | float32 | features of tasks, PEs, and the system as a whole |
    | ``node_mask`` | (N + P + 1,) | int8 | which nodes exist |
    | ``edges_precedes`` | (2, E) | int32 | from producers to consumers; unused columns are -1 |
    | ``edges_runs_on`` | (2, N P) | int32 | from a task to each PE that supports it |
    | ``candidate`` | (A,) | int32 | the node behind each legal action; -1 elsewhere |
    | ``candidate_features`` | (A, 33) | float32 | what matters about that choice now |
    | ``context`` | (17,) | float32 | the system now |
    | ``action_mask`` | (A,) | int8 | legal actions |

    Everything but the last four is fixed during an episode. Names, units and scales of the features are listed in
    ``schedlab.envs.soc.observe``; all lie in [-10, 10]. Agents see expected execution times only.

    ## Rewards

    Minus the rise of the objective so far; the rewards of an episode of legal actions sum to minus the objective. With
    ``protocol="jobs"`` the latency so far includes the time that unfinished jobs have been there, so every microsecond
    counts at once; with ``protocol="length"`` it is the mean over finished jobs, as the literature reports it.
    With ``normalize_reward=True`` rewards are divided by the episode's scale, the least latency of a mean job.

    ## Starting State

    ``prefilled`` jobs at time 0, all PEs idle. ``reset(options={"instance": ...})`` takes the name of an application, a
    JSON file or a ``SocInstance`` that fits the environment.

    ## Episode End

    The episode terminates at ``length``, or when the last of ``num_jobs`` jobs is finished; ``info["objective"]`` then
    holds the objective; a run in which nothing arrives before its end is over at once. It is truncated after more
    illegal actions than there are nodes.

    ## Arguments

    | Argument | Default | Meaning |
    |---|---|---|
    | ``instance`` | ``None`` | name or file of a single run, or a list; ``None`` for random streams |
    | ``platform`` | ``"ds3"`` | ``"ds3-cores"``, ``"three-pe"``, ``"random"``, or a JSON file |
    | ``applications``, ``mix`` | ``("wifi-tx", "wifi-rx")``, ``None`` | task graphs and their shares |
    | ``rate`` | 10.0 | jobs per millisecond, a number or a pair |
    | ``max_jobs``, ``when_full`` | 12, ``"stall"`` | cap on jobs in the system, and what happens at it |
    | ``prefilled`` | 0 | jobs at time 0 |
    | ``protocol`` | ``"length"`` | or ``"jobs"`` |
    | ``length``, ``warm_up``, ``num_jobs`` | 20000, 2000, 20 | of the protocols |
    | ``noise`` | 0.0 | relative standard deviation of execution times |
    | ``num_applications``, ``num_tasks`` | 3, 10 | of random task graphs |
    | ``num_pes``, ``heterogeneity``, ``support`` | 3, 0.5, 1.0 | of random platforms |
    | ``transfer_ratio`` | 1.0 | of random task graphs: delays over times |
    | ``objective`` | ``"mean-latency"`` | or ``"energy-per-job"``, ``"energy-delay"`` |
    | ``dvfs`` | ``"performance"`` | frequencies of PEs |
    | ``action``, ``offer`` | ``"pair"``, ``"every"`` | see above; ``"distinct"`` or ``"timely"`` offer less |
    | ``defer`` | ``True`` | whether ready tasks may be left for later |
    | ``ready_limit`` | 32 | ready tasks that can be chosen |
    | ``look_ahead`` | ``False`` | whether candidates show what simple rules would make of them |
    | ``queue_order``, ``rounding``, ``shortest_task`` | ``"fifo"``, ``"floor"``, 0 | details of the system |
    | ``transfers``, ``warm_up_counts`` | ``"from-finish"``, ``"completed"`` | likewise |
    | ``completions_first`` | ``True`` | likewise; all six are described in ``SocConfig`` |
    | ``render_mode`` | ``None`` | ``"rgb_array"`` or ``"ansi"`` |
    | ``strict`` | ``False`` | raise on illegal actions |
    | ``normalize_reward`` | ``False`` | divide rewards by the episode's scale |

    ## Vectorized environment

    ``gym.make_vec("SoC-v0", num_envs=64)`` steps all episodes in one compiled loop, and resets in the same step.

    >>> import gymnasium as gym
    >>> import schedlab
    >>> envs = gym.make_vec("SoC-v0", num_envs=3, instance="canonical", ready_limit=8)
    >>> observation, info = envs.reset(seed=0)
    >>> envs.unwrapped.graph_spec.shaped(observation)["candidate_features"].shape
    (3, 25, 33)

    ## Version History

    * v0: initial version
    """

    problem: ClassVar[Problem[Any, Any, Any]] = PROBLEM

    def __init__(
        self,
        instance: str | Sequence[str] | None = None,
        platform: str = "ds3",
        applications: str | Sequence[str] = ("wifi-tx", "wifi-rx"),
        mix: Sequence[float] | None = None,
        rate: Range = 10.0,
        max_jobs: int = 12,
        when_full: str = "stall",
        prefilled: int = 0,
        protocol: str = "length",
        length: int = 20_000,
        warm_up: int = 2_000,
        num_jobs: int = 20,
        noise: float = 0.0,
        num_applications: int = 3,
        num_tasks: Range = 10,
        num_pes: Range = 3,
        heterogeneity: Range = 0.5,
        support: float = 1.0,
        transfer_ratio: Range = 1.0,
        objective: str = "mean-latency",
        dvfs: str = "performance",
        action: str = "pair",
        offer: str = "every",
        defer: bool = True,
        ready_limit: int = 32,
        look_ahead: bool = False,
        queue_order: str = "fifo",
        rounding: str = "floor",
        shortest_task: int = 0,
        transfers: str = "from-finish",
        warm_up_counts: str = "completed",
        completions_first: bool = True,
        render_mode: str | None = None,
        strict: bool = False,
        normalize_reward: bool = False,
    ) -> None:
        config = PROBLEM.configure(
            {
                "instance": instance,
                "platform": platform,
                "applications": applications,
                "mix": mix,
                "rate": rate,
                "max_jobs": max_jobs,
                "when_full": when_full,
                "prefilled": prefilled,
                "protocol": protocol,
                "length": length,
                "warm_up": warm_up,
                "num_jobs": num_jobs,
                "noise": noise,
                "num_applications": num_applications,
                "num_tasks": num_tasks,
                "num_pes": num_pes,
                "heterogeneity": heterogeneity,
                "support": support,
                "transfer_ratio": transfer_ratio,
                "objective": objective,
                "dvfs": dvfs,
                "action": action,
                "offer": offer,
                "defer": defer,
                "ready_limit": ready_limit,
                "look_ahead": look_ahead,
                "queue_order": queue_order,
                "rounding": rounding,
                "shortest_task": shortest_task,
                "transfers": transfers,
                "warm_up_counts": warm_up_counts,
                "completions_first": completions_first,
            }
        )
        super().__init__(config, render_mode, strict, normalize_reward)


class SoCVectorEnv(SchedulingVectorEnv):
    """``num_envs`` systems side by side; arguments as for :class:`SoCEnv`, and those of the base class."""

    problem: ClassVar[Problem[Any, Any, Any]] = PROBLEM

    def __init__(
        self,
        num_envs: int = 1,
        instance: str | Sequence[str] | None = None,
        platform: str = "ds3",
        applications: str | Sequence[str] = ("wifi-tx", "wifi-rx"),
        mix: Sequence[float] | None = None,
        rate: Range = 10.0,
        max_jobs: int = 12,
        when_full: str = "stall",
        prefilled: int = 0,
        protocol: str = "length",
        length: int = 20_000,
        warm_up: int = 2_000,
        num_jobs: int = 20,
        noise: float = 0.0,
        num_applications: int = 3,
        num_tasks: Range = 10,
        num_pes: Range = 3,
        heterogeneity: Range = 0.5,
        support: float = 1.0,
        transfer_ratio: Range = 1.0,
        objective: str = "mean-latency",
        dvfs: str = "performance",
        action: str = "pair",
        offer: str = "every",
        defer: bool = True,
        ready_limit: int = 32,
        look_ahead: bool = False,
        queue_order: str = "fifo",
        rounding: str = "floor",
        shortest_task: int = 0,
        transfers: str = "from-finish",
        warm_up_counts: str = "completed",
        completions_first: bool = True,
        render_mode: str | None = None,
        strict: bool = False,
        normalize_reward: bool = False,
        copy: bool = True,
        max_episode_steps: int | None = None,
    ) -> None:
        config = PROBLEM.configure(
            {
                "instance": instance,
                "platform": platform,
                "applications": applications,
                "mix": mix,
                "rate": rate,
                "max_jobs": max_jobs,
                "when_full": when_full,
                "prefilled": prefilled,
                "protocol": protocol,
                "length": length,
                "warm_up": warm_up,
                "num_jobs": num_jobs,
                "noise": noise,
                "num_applications": num_applications,
                "num_tasks": num_tasks,
                "num_pes": num_pes,
                "heterogeneity": heterogeneity,
                "support": support,
                "transfer_ratio": transfer_ratio,
                "objective": objective,
                "dvfs": dvfs,
                "action": action,
                "offer": offer,
                "defer": defer,
                "ready_limit": ready_limit,
                "look_ahead": look_ahead,
                "queue_order": queue_order,
                "rounding": rounding,
                "shortest_task": shortest_task,
                "transfers": transfers,
                "warm_up_counts": warm_up_counts,
                "completions_first": completions_first,
            }
        )
        super().__init__(num_envs, config, render_mode, strict, normalize_reward, copy, max_episode_steps)
