"""``BlockingJobShop-v0`` and its native vector environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ..core.config import Range
from ..core.gym_env import SchedulingEnv
from ..core.problem import Problem
from ..core.vector_env import SchedulingVectorEnv
from .problem import PROBLEM


class BlockingJobShopEnv(SchedulingEnv):
    """
    ## Description

    A job shop without buffers: a job whose operation is complete stays on its machine, and blocks it, until the machine
    of its next operation takes it; after the last operation it leaves. Machines may fail at random, each by itself.
    Jobs that wait in a closed circle, each for the machine of the next, exchange machines at once; with ``swap=False``
    they may not, and whatever could lead to such a deadlock is not legal. Minimised is the makespan. With swap and
    failures this is the shop of Wong et al. 2023 (ISBJSSP); all numbers that they leave open are arguments here.
    ``ft06``, ``la01`` .. ``la40``, ``abz``, ``orb``, ``swv``, ``yn`` and ``ta01`` .. ``ta80`` are built in, as blocking
    shops. All chance is in the instance, so agents that play it meet the same failures.

    ## Action Space

    ``Discrete(J + 1)``: action *j* takes job *j* into the machine of its next operation now, which frees the one that
    it held; action *J* waits for the next event: a completion, a release, a failure that interrupts, a repair. A job is
    legal if it is released, its operation is complete, and the machine is up and free (without swap also if all jobs
    inside could still leave afterwards). Waiting is legal while operations are in progress or jobs are still to be
    released; where no job can be started, time passes by itself. The mask of legal actions is
    ``observation["action_mask"]`` and ``info["action_mask"]`` (int8) and ``env.unwrapped.action_masks()`` (bool). An
    illegal action changes nothing and costs 1 % of the episode's scale; with ``strict=True`` it raises ``ValueError``.

    ## Observation Space

    A flat ``Dict`` of one-dimensional boxes, padded to the largest instance (J jobs, M machines, N operations; V = N +
    M + J + 1). ``env.unwrapped.graph_spec.shaped(observation)`` gives the tables their shape:

    | Key | Shape | Type | Meaning |
    |---|---|---|---|
    | ``nodes`` | (V, 11) | float32 | features of operations, machines, jobs and the shop |
    | ``node_mask`` | (V,) | int8 | which nodes exist |
    | ``edges_precedes`` | (2, N) | int32 | from an operation to the next of its job; unused columns are -1 |
    | ``edges_processed_on`` | (2, N) | int32 | from an operation to its machine |
    | ``edges_part_of`` | (2, N) | int32 | from an operation to its job |
    | ``edges_stands_in`` | (2, M) | int32 | from a machine to the shop |
    | ``candidate`` | (J + 1,) | int32 | the node of each job's next operation, and the shop; -1 where there is none |
    | ``candidate_features`` | (J + 1, 37) | float32 | what matters about that choice now; 0 where it is not legal |
    | ``context`` | (21,) | float32 | the state as a whole |
    | ``action_mask`` | (J + 1,) | int8 | legal actions |

    With ``show_graph=True`` also the dynamic disjunctive graph:

    | Key | Shape | Type | Meaning |
    |---|---|---|---|
    | ``node_state`` | (V, 9) | float32 | what every node is at now |
    | ``edges_waits_for`` | (2, J) | int32 | from a job that could go on to the machine that it wants |
    | ``edges_holds`` | (2, M) | int32 | from a machine to the job on it |
    | ``edges_competes`` | (2, N) | int32 | from every operation that is not complete to its machine |

    Nodes and the first four kinds of edges are fixed during an episode. Whether a machine is down, and since when, is
    seen; when it fails or is repaired is not. Names, units and scales of the features are listed in
    ``schedlab.envs.blocking_job_shop.observe``; all lie in [-10, 10].

    ## Rewards

    A dense reward in the instance's unit of time: minus the rise of a lower bound on the makespan, which starts at 0.
    The rewards of an episode of legal actions sum to minus the makespan, exactly. With ``normalize_reward=True`` they
    are divided by the episode's scale, the trivial bound on the makespan.

    ## Starting State

    An empty shop with a random instance (or the one named), at the first moment at which a job can enter.
    ``reset(options={"instance": ...})`` takes a name, a file or a ``BlockingInstance`` that fits the sizes of the
    environment.

    ## Episode End

    The episode terminates when all jobs have left; ``info["objective"]`` then holds the makespan. It is truncated after
    more illegal actions than there are nodes.

    ## Arguments

    | Argument | Default | Meaning |
    |---|---|---|
    | ``instance`` | ``None`` | name or file, or a list of them to draw from; ``None`` for random ones |
    | ``num_jobs``, ``num_machines`` | 10 | size of random instances; a pair ``[low, high]`` draws anew each episode |
    | ``min_duration``, ``max_duration`` | 1, 99 | durations of random instances, uniform |
    | ``swap`` | ``True`` | whether jobs that wait in a circle exchange machines |
    | ``breakdown_probability`` | 0.0 | of a machine that is up, per unit of time; a pair draws for every instance |
    | ``uptimes`` | ``"bernoulli"`` | or ``"exponential"`` |
    | ``repair_min``, ``repair_max`` | 5, 15 | times of repair, uniform |
    | ``after_repair`` | ``"resume"`` | operations go on; or ``"restart"``: begin anew; ``"finish"``: never stop |
    | ``luck`` | 0 | seed of the failures on given instances; random ones draw theirs |
    | ``show_graph`` | ``False`` | also show what changes in the graph |
    | ``render_mode`` | ``None`` | ``"rgb_array"`` (Gantt chart) or ``"ansi"`` |
    | ``strict`` | ``False`` | raise on illegal actions |
    | ``normalize_reward`` | ``False`` | divide rewards by the episode's scale |

    ## Vectorized environment

    ``gym.make_vec("BlockingJobShop-v0", num_envs=64)`` steps all episodes in one compiled loop, and resets in the same
    step.

    >>> import gymnasium as gym
    >>> import schedlab
    >>> envs = gym.make_vec("BlockingJobShop-v0", num_envs=3, num_jobs=4, num_machines=2)
    >>> observation, info = envs.reset(seed=0)
    >>> envs.unwrapped.graph_spec.shaped(observation)["candidate_features"].shape
    (3, 5, 37)

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
        swap: bool = True,
        breakdown_probability: Range = 0.0,
        uptimes: str = "bernoulli",
        repair_min: int = 5,
        repair_max: int = 15,
        after_repair: str = "resume",
        luck: int = 0,
        show_graph: bool = False,
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
                "swap": swap,
                "breakdown_probability": breakdown_probability,
                "uptimes": uptimes,
                "repair_min": repair_min,
                "repair_max": repair_max,
                "after_repair": after_repair,
                "luck": luck,
                "show_graph": show_graph,
            }
        )
        super().__init__(config, render_mode, strict, normalize_reward)


class BlockingJobShopVectorEnv(SchedulingVectorEnv):
    """``num_envs`` shops side by side; arguments as for :class:`BlockingJobShopEnv`, and those of the base class."""

    problem: ClassVar[Problem[Any, Any, Any]] = PROBLEM

    def __init__(
        self,
        num_envs: int = 1,
        instance: str | Sequence[str] | None = None,
        num_jobs: Range = 10,
        num_machines: Range = 10,
        min_duration: int = 1,
        max_duration: int = 99,
        swap: bool = True,
        breakdown_probability: Range = 0.0,
        uptimes: str = "bernoulli",
        repair_min: int = 5,
        repair_max: int = 15,
        after_repair: str = "resume",
        luck: int = 0,
        show_graph: bool = False,
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
                "swap": swap,
                "breakdown_probability": breakdown_probability,
                "uptimes": uptimes,
                "repair_min": repair_min,
                "repair_max": repair_max,
                "after_repair": after_repair,
                "luck": luck,
                "show_graph": show_graph,
            }
        )
        super().__init__(num_envs, config, render_mode, strict, normalize_reward, copy, max_episode_steps)
