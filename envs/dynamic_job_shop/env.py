"""``DynamicJobShop-v0`` and its native vector environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ..core.config import Range
from ..core.gym_env import SchedulingEnv
from ..core.problem import Problem
from ..core.vector_env import SchedulingVectorEnv
from .problem import PROBLEM


class DynamicJobShopEnv(SchedulingEnv):
    """
    ## Description

    A job shop that never ends: jobs arrive at random, visit machines in an order of their own, and should be finished
    by their due dates. Whenever a machine is free and two or more jobs wait for it, the agent says which is processed;
    a single job begins at once. Minimised is the (weighted) tardiness of the recorded jobs. In the *steady* protocol
    these follow a warm-up, and more jobs arrive behind them; in the *transient* one all jobs that arrive within a short
    time count, from an almost empty shop (Liu, Piplani & Toro 2023). Machines may break down; work goes on where it
    stopped. All chance is in the instance, so agents that play the same seeds meet the same jobs and breakdowns.

    ## Action Space

    ``Discrete(queue_limit)``: action *k* processes the job at place *k* of the queue of the machine that decides, in
    the order of arrival there. Legal are as many as there are jobs. The mask of legal actions is
    ``observation["action_mask"]`` and ``info["action_mask"]`` (int8) and ``env.unwrapped.action_masks()`` (bool). An
    illegal action changes nothing and costs 1 % of the episode's scale; with ``strict=True`` it raises ``ValueError``.

    ## Observation Space

    A flat ``Dict`` of one-dimensional boxes; M machines, Q = ``queue_limit``.
    ``env.unwrapped.graph_spec.shaped(observation)`` gives the tables their shape:

    | Key | Shape | Type | Meaning |
    |---|---|---|---|
    | ``nodes`` | (M + 1, 6) | float32 | features of the machines; the last node is the way out |
    | ``node_mask`` | (M + 1,) | int8 | which nodes exist |
    | ``edges_feeds`` | (2, M (M + 1)) | int32 | from a machine to those that jobs go to next; unused columns are -1 |
    | ``candidate`` | (Q,) | int32 | the node to which each job of the queue goes next; -1 where there is none |
    | ``candidate_features`` | (Q, 29) | float32 | what matters about that choice now |
    | ``context`` | (19,) | float32 | the queue and the shop as a whole |
    | ``action_mask`` | (Q,) | int8 | places that hold a job |

    Everything but the last four is fixed during an episode. Names, units and scales of the features are listed in
    ``schedlab.envs.dynamic_job_shop.observe``; all lie in [-10, 10].

    ## Rewards

    Minus the rise of the recorded jobs' tardiness that cannot be avoided any more: a job that waits without slack costs
    its weight per unit of time. The rewards of an episode of legal actions sum to minus the objective, exactly for the
    totals; the means divide by the number of recorded jobs. With ``normalize_reward=True`` they are divided by the
    episode's scale, the work of ten mean jobs (divided likewise).

    ## Starting State

    An empty shop (transient: one job per machine), at the first job that can begin.
    ``reset(options={"instance": ...})`` takes a file of a job shop with release and due dates, or a
    ``DynamicJobShopInstance`` that fits the environment.

    ## Episode End

    The episode terminates when the last recorded job is finished; ``info["objective"]`` then holds the objective. It
    is truncated after more illegal actions than there are nodes.

    ## Arguments

    | Argument | Default | Meaning |
    |---|---|---|
    | ``instance`` | ``None`` | file, or a list of them to draw from; ``None`` for random streams |
    | ``num_machines`` | 10 | machines |
    | ``num_operations`` | ``None`` | operations of a job, a number or a pair; ``None`` for one on every machine |
    | ``min_processing``, ``max_processing`` | 1, 49 | processing times, uniform |
    | ``utilisation`` | 0.9 | share of the time that machines work, a number or a pair |
    | ``arrivals``, ``arrival_cv`` | ``"poisson"``, 1.0 | or ``"gamma"`` with that coefficient of variation |
    | ``due_dates`` | ``"twk"`` | or ``"uniform"``, ``"ppw"`` |
    | ``due_date_factor`` | 4.0 | how far due dates are, a number or a pair |
    | ``weights`` | ``None`` | ``"unit"`` or ``"two-six-two"``; by default as the objective needs |
    | ``breakdown_level``, ``repair_time`` | 0.0, 5.0 | share of the time down; mean repair in mean processing times |
    | ``protocol`` | ``"steady"`` | or ``"transient"`` |
    | ``warm_up_jobs``, ``recorded_jobs``, ``cool_down_jobs`` | 1000, 2000, 1000 | of the steady protocol |
    | ``horizon`` | 1000 | of the transient protocol: time until which jobs arrive |
    | ``objective`` | ``"mean-tardiness"`` | or ``"total-tardiness"``, ``"mean-weighted-tardiness"``, ``"total-..."`` |
    | ``fast_forward_jobs`` | 0 | CR+SPT decides until so many jobs have arrived, after the first decision |
    | ``queue_limit`` | 64 | jobs of a queue that can be chosen: the first to arrive |
    | ``render_mode`` | ``None`` | ``"rgb_array"`` or ``"ansi"`` |
    | ``strict`` | ``False`` | raise on illegal actions |
    | ``normalize_reward`` | ``False`` | divide rewards by the episode's scale |

    ## Vectorized environment

    ``gym.make_vec("DynamicJobShop-v0", num_envs=64)`` steps all episodes in one compiled loop, and resets in the same
    step.

    >>> import gymnasium as gym
    >>> import schedlab
    >>> envs = gym.make_vec("DynamicJobShop-v0", num_envs=3, recorded_jobs=50, queue_limit=16)
    >>> observation, info = envs.reset(seed=0)
    >>> envs.unwrapped.graph_spec.shaped(observation)["candidate_features"].shape
    (3, 16, 29)

    ## Version History

    * v0: initial version
    """

    problem: ClassVar[Problem[Any, Any, Any]] = PROBLEM

    def __init__(
        self,
        instance: str | Sequence[str] | None = None,
        num_machines: int = 10,
        num_operations: Range | None = None,
        min_processing: int = 1,
        max_processing: int = 49,
        utilisation: Range = 0.9,
        arrivals: str = "poisson",
        arrival_cv: float = 1.0,
        due_dates: str = "twk",
        due_date_factor: Range = 4.0,
        weights: str | None = None,
        breakdown_level: float = 0.0,
        repair_time: float = 5.0,
        protocol: str = "steady",
        warm_up_jobs: int = 1000,
        recorded_jobs: int = 2000,
        cool_down_jobs: int = 1000,
        horizon: int = 1000,
        objective: str = "mean-tardiness",
        fast_forward_jobs: int = 0,
        queue_limit: int = 64,
        render_mode: str | None = None,
        strict: bool = False,
        normalize_reward: bool = False,
    ) -> None:
        config = PROBLEM.configure(
            {
                "instance": instance,
                "num_machines": num_machines,
                "num_operations": num_operations,
                "min_processing": min_processing,
                "max_processing": max_processing,
                "utilisation": utilisation,
                "arrivals": arrivals,
                "arrival_cv": arrival_cv,
                "due_dates": due_dates,
                "due_date_factor": due_date_factor,
                "weights": weights,
                "breakdown_level": breakdown_level,
                "repair_time": repair_time,
                "protocol": protocol,
                "warm_up_jobs": warm_up_jobs,
                "recorded_jobs": recorded_jobs,
                "cool_down_jobs": cool_down_jobs,
                "horizon": horizon,
                "objective": objective,
                "fast_forward_jobs": fast_forward_jobs,
                "queue_limit": queue_limit,
            }
        )
        super().__init__(config, render_mode, strict, normalize_reward)


class DynamicJobShopVectorEnv(SchedulingVectorEnv):
    """``num_envs`` shops side by side; arguments as for :class:`DynamicJobShopEnv`, and those of the base class."""

    problem: ClassVar[Problem[Any, Any, Any]] = PROBLEM

    def __init__(
        self,
        num_envs: int = 1,
        instance: str | Sequence[str] | None = None,
        num_machines: int = 10,
        num_operations: Range | None = None,
        min_processing: int = 1,
        max_processing: int = 49,
        utilisation: Range = 0.9,
        arrivals: str = "poisson",
        arrival_cv: float = 1.0,
        due_dates: str = "twk",
        due_date_factor: Range = 4.0,
        weights: str | None = None,
        breakdown_level: float = 0.0,
        repair_time: float = 5.0,
        protocol: str = "steady",
        warm_up_jobs: int = 1000,
        recorded_jobs: int = 2000,
        cool_down_jobs: int = 1000,
        horizon: int = 1000,
        objective: str = "mean-tardiness",
        fast_forward_jobs: int = 0,
        queue_limit: int = 64,
        render_mode: str | None = None,
        strict: bool = False,
        normalize_reward: bool = False,
        copy: bool = True,
        max_episode_steps: int | None = None,
    ) -> None:
        config = PROBLEM.configure(
            {
                "instance": instance,
                "num_machines": num_machines,
                "num_operations": num_operations,
                "min_processing": min_processing,
                "max_processing": max_processing,
                "utilisation": utilisation,
                "arrivals": arrivals,
                "arrival_cv": arrival_cv,
                "due_dates": due_dates,
                "due_date_factor": due_date_factor,
                "weights": weights,
                "breakdown_level": breakdown_level,
                "repair_time": repair_time,
                "protocol": protocol,
                "warm_up_jobs": warm_up_jobs,
                "recorded_jobs": recorded_jobs,
                "cool_down_jobs": cool_down_jobs,
                "horizon": horizon,
                "objective": objective,
                "fast_forward_jobs": fast_forward_jobs,
                "queue_limit": queue_limit,
            }
        )
        super().__init__(num_envs, config, render_mode, strict, normalize_reward, copy, max_episode_steps)
