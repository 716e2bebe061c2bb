"""``JobShop-v0`` and its native vector environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ..core.config import Range
from ..core.gym_env import SchedulingEnv
from ..core.problem import Problem
from ..core.vector_env import SchedulingVectorEnv
from .problem import PROBLEM


class JobShopEnv(SchedulingEnv):
    """
    ## Description

    Jobs visit machines in given orders; a machine runs one operation at a time, without interruption. The agent
    builds a schedule operation by operation, so an episode has as many steps as there are operations. With the
    objective ``makespan`` this is the classical job-shop problem of Fisher & Thompson (1963); ``ft06``, ``la01`` ..
    ``la40``, ``abz``, ``orb``, ``swv``, ``yn`` and Taillard's ``ta01`` .. ``ta80`` are built in.

    ## Action Space

    ``Discrete(J)``: action *j* appends the next operation of job *j* to its machine, at the earliest time at which
    both are free. Which jobs may be chosen depends on ``builder``: ``"nondelay"`` (those that can start at the
    earliest possible time), ``"active"`` (Giffler-Thompson's conflict set), ``"append"`` (all unfinished jobs) or
    ``"hybrid"``: of the conflict set those that start within ``delay_share`` of the time from its first start to its
    first finish; between non-delay schedules (0) and active ones (1). The mask of legal actions is
    ``observation["action_mask"]`` and ``info["action_mask"]`` (int8) and ``env.unwrapped.action_masks()`` (bool). An
    illegal action changes nothing and costs 1 % of the episode's scale;
    with ``strict=True`` it raises ``ValueError``.

    ## Observation Space

    A flat ``Dict`` of one-dimensional boxes, padded to the largest instance (J jobs, M machines, N operations). SB3
    wants one dimension; ``env.unwrapped.graph_spec.shaped(observation)`` gives the tables their shape:

    | Key | Shape | Type | Meaning |
    |---|---|---|---|
    | ``nodes`` | (N + M + J, 12) | float32 | features of operations, machines and jobs |
    | ``node_mask`` | (N + M + J,) | int8 | which nodes exist |
    | ``edges_precedes`` | (2, N) | int32 | from an operation to the next of its job; unused columns are -1 |
    | ``edges_processed_on`` | (2, N) | int32 | from an operation to its machine |
    | ``edges_part_of`` | (2, N) | int32 | from an operation to its job |
    | ``candidate`` | (J,) | int32 | the node of each job's next operation; -1 where there is none |
    | ``candidate_features`` | (J, 17) | float32 | what matters about that choice now; more if asked for |
    | ``context`` | (9,) | float32 | the state as a whole |
    | ``action_mask`` | (J,) | int8 | legal jobs |

    Everything but the last four is fixed during an episode. Names, units and scales of the features are listed in
    ``schedlab.envs.job_shop.observe``; all lie in [-10, 10].

    ## Rewards

    A dense reward in the instance's unit of time: minus the rise of a lower bound on the objective, which starts at 0
    and equals the objective at the end. The rewards of an episode of legal actions sum to minus the objective,
    exactly. With ``normalize_reward=True`` they are divided by the episode's scale: the trivial makespan bound, times
    the number (or the total weight) of jobs for the sums over jobs.

    ## Starting State

    An empty shop with a random instance (or the one named). ``reset(options={"instance": ...})`` takes a name, a file
    or a ``JobShopInstance`` that fits the sizes of the environment.

    ## Episode End

    The episode terminates when all operations are scheduled; ``info["objective"]`` then holds the objective. It is
    truncated after more illegal actions than there are nodes.

    ## Arguments

    | Argument | Default | Meaning |
    |---|---|---|
    | ``instance`` | ``None`` | name or file, or a list of them to draw from; ``None`` for random ones |
    | ``num_jobs``, ``num_machines`` | 10 | size of random instances; a pair ``[low, high]`` draws anew each episode |
    | ``min_duration``, ``max_duration`` | 1, 99 | durations of random instances, uniform |
    | ``objective`` | ``"makespan"`` | or ``"total-tardiness"``, ``"total-weighted-tardiness"``, ``"total-flow-time"`` |
    | ``builder`` | ``"nondelay"`` | or ``"active"``, ``"append"``, ``"hybrid"`` |
    | ``delay_share`` | 0.5 | how far the hybrid builder goes from non-delay (0) to active (1) |
    | ``look_ahead`` | ``False`` | also show the features that look ahead, which cost more than all the others |
    | ``due_date_factor`` | ``None`` | due dates at this multiple of the job's work after its release |
    | ``release_date_factor`` | 0.0 | random release dates up to this multiple of a mean job's work |
    | ``weights`` | ``None`` | ``"unit"`` or ``"singer-pinedo"`` instead of the instance's own |
    | ``render_mode`` | ``None`` | ``"rgb_array"`` (Gantt chart) or ``"ansi"`` |
    | ``strict`` | ``False`` | raise on illegal actions |
    | ``normalize_reward`` | ``False`` | divide rewards by the episode's scale |

    ## Vectorized environment

    ``gym.make_vec("JobShop-v0", num_envs=256)`` steps all episodes in one compiled loop, and resets in the same step.

    >>> import gymnasium as gym
    >>> import schedlab
    >>> envs = gym.make_vec("JobShop-v0", num_envs=3, num_jobs=4, num_machines=2)
    >>> observation, info = envs.reset(seed=0)
    >>> envs.unwrapped.graph_spec.shaped(observation)["candidate_features"].shape
    (3, 4, 17)

    ## Version History

    * v0: initial version
    """

    problem: ClassVar[Problem[Any, Any, Any]] = PROBLEM

    def __init__(
        self,
        instance: str | Sequence[str] | None = None,
        num_jobs: Range = 10,
        num_machines: Range = 10,
        min_duration: int = 1,
        max_duration: int = 99,
        objective: str = "makespan",
        builder: str = "nondelay",
        delay_share: float = 0.5,
        look_ahead: bool = False,
        due_date_factor: Range | None = None,
        release_date_factor: float = 0.0,
        weights: str | None = None,
        render_mode: str | None = None,
        strict: bool = False,
        normalize_reward: bool = False,
    ) -> None:
        config = PROBLEM.configure(
            {
                "instance": instance,
                "num_jobs": num_jobs,
                "num_machines": num_machines,
                "min_duration": min_duration,
                "max_duration": max_duration,
                "objective": objective,
                "builder": builder,
                "delay_share": delay_share,
                "look_ahead": look_ahead,
                "due_date_factor": due_date_factor,
                "release_date_factor": release_date_factor,
                "weights": weights,
            }
        )
        super().__init__(config, render_mode, strict, normalize_reward)


class JobShopVectorEnv(SchedulingVectorEnv):
    """``num_envs`` job shops side by side; arguments as for :class:`JobShopEnv`, and those of the base class."""

    problem: ClassVar[Problem[Any, Any, Any]] = PROBLEM

    def __init__(
        self,
        num_envs: int = 1,
        instance: str | Sequence[str] | None = None,
        num_jobs: Range = 10,
        num_machines: Range = 10,
        min_duration: int = 1,
        max_duration: int = 99,
        objective: str = "makespan",
        builder: str = "nondelay",
        delay_share: float = 0.5,
        look_ahead: bool = False,
        due_date_factor: Range | None = None,
        release_date_factor: float = 0.0,
        weights: str | None = None,
        render_mode: str | None = None,
        strict: bool = False,
        normalize_reward: bool = False,
        copy: bool = True,
        max_episode_steps: int | None = None,
    ) -> None:
        config = PROBLEM.configure(
            {
                "instance": instance,
                "num_jobs": num_jobs,
                "num_machines": num_machines,
                "min_duration": min_duration,
                "max_duration": max_duration,
                "objective": objective,
                "builder": builder,
                "delay_share": delay_share,
                "look_ahead": look_ahead,
                "due_date_factor": due_date_factor,
                "release_date_factor": release_date_factor,
                "weights": weights,
            }
        )
        super().__init__(num_envs, config, render_mode, strict, normalize_reward, copy, max_episode_steps)
