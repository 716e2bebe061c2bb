"""``JobShopImprovement-v0`` and its native vector environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ..core.config import Range
from ..core.gym_env import SchedulingEnv
from ..core.problem import Problem
from ..core.vector_env import SchedulingVectorEnv
from .problem import PROBLEM


class JobShopImprovementEnv(SchedulingEnv):
    """
    ## Description

    A job shop has a complete schedule from the start; the agent betters it move by move. A move changes the order of
    operations on one machine, inside a block of a critical path, and is always feasible. The best schedule seen counts,
    so an agent may walk through worse ones. This is the improvement heuristic of L2S (Zhang et al. 2024) and TBGAT
    (Zhang et al. 2024), and the play of tabu search; ``ft06``, ``la01`` .. ``la40``, ``abz``, ``orb``, ``swv``, ``yn``
    and Taillard's ``ta01`` .. ``ta80`` are built in.

    ## Action Space

    ``Discrete(A)``: action 0 goes back to the best schedule so far; action 1 + *k* makes the *k*-th move of a critical
    path. With the neighbourhood ``"n5"`` (Nowicki & Smutnicki 1996) a move swaps the first or last two operations of a
    block and A = 1 + J + M; with ``"n6"`` (Balas & Vazacopoulos 1998) it moves an operation to an end of its block or
    from there into it, where that provably makes no cycle, and A = 1 + 4 (J + M). Of several critical paths one is
    chosen by the number of the step. A move that would bring back an order of two operations that one of the last
    ``tenure`` moves (at times half as many more) took back is illegal (tabu), unless its estimate is below the best
    makespan or all moves are tabu. Of a path with more moves than there is room for the first are shown. Going back is
    legal where something was done since. The mask of legal actions is ``observation["action_mask"]`` and
    ``info["action_mask"]`` (int8) and ``env.unwrapped.action_masks()`` (bool). An illegal action changes nothing and
    costs 1 % of the episode's scale; with ``strict=True`` it raises ``ValueError``.

    ## Observation Space

    A flat ``Dict`` of one-dimensional boxes, padded to the largest instance (J jobs, M machines, N operations). SB3
    wants one dimension; ``env.unwrapped.graph_spec.shaped(observation)`` gives the tables their shape:

    | Key | Shape | Type | Meaning |
    |---|---|---|---|
    | ``nodes`` | (N + 1, 6) | float32 | features of the operations, and a node for the schedule as a whole |
    | ``node_mask`` | (N + 1,) | int8 | which nodes exist |
    | ``edges_precedes`` | (2, N) | int32 | from an operation to the next of its job; unused columns are -1 |
    | ``edges_part_of`` | (2, N) | int32 | from an operation to the schedule |
    | ``candidate`` | (A,) | int32 | the operation that moves; of action 0 the schedule; -1 where there is none |
    | ``candidate_features`` | (A, 18) | float32 | what matters about that move now; 3 more with ``look_ahead`` |
    | ``context`` | (11,) | float32 | the state as a whole |
    | ``node_state`` | (N + 1, 5) | float32 | with ``show_graph``: head, tail, slack ... of the operations now |
    | ``edges_follows`` | (2, N) | int32 | with ``show_graph``: from an operation to the next on its machine now |
    | ``action_mask`` | (A,) | int8 | legal actions |

    The first four are fixed during an episode. Names, units and scales of the features are listed in
    ``schedlab.envs.job_shop_improvement.observe``; all lie in [-10, 10].

    ## Rewards

    By how much the best makespan falls, in the instance's unit of time, else 0. The rewards of an episode of legal
    actions sum to the first makespan minus the best, exactly. With ``normalize_reward=True`` they are divided by the
    episode's scale, a tenth of the trivial lower bound on the makespan.

    ## Starting State

    A random instance (or the one named) with the non-delay schedule of the rule FDD/MWKR, or of random choices.
    ``reset(options={"instance": ...})`` takes a name, a file or an ``ImprovementInstance``, which may bring any
    feasible schedule and fits the sizes of the environment.

    ## Episode End

    The episode terminates after ``moves`` actions, when the makespan is the trivial lower bound, or when no move is
    left, which proves the schedule optimal where no job comes back to a machine and every operation takes time;
    elsewhere moves that might make a cycle are left out, and nothing is proved. ``info["objective"]`` then holds the
    best makespan. It is truncated after more illegal actions than there are nodes.

    ## Arguments

    | Argument | Default | Meaning |
    |---|---|---|
    | ``instance`` | ``None`` | name or file, or a list of them to draw from; ``None`` for random ones |
    | ``num_jobs``, ``num_machines`` | 10 | size of random instances; a pair ``[low, high]`` draws anew each episode |
    | ``min_duration``, ``max_duration`` | 1, 99 | durations of random instances, uniform |
    | ``initial`` | ``"fdd-mwkr"`` | or ``"random"``: the first schedule |
    | ``neighbourhood`` | ``"n5"`` | or ``"n6"`` |
    | ``moves`` | 500 | actions of an episode |
    | ``tenure`` | 10 | moves for which what was taken back may not be brought back; 0 for no memory |
    | ``look_ahead`` | 0 | greedy moves played behind each promising one, to show what it leads to; slow |
    | ``show_graph`` | ``False`` | also show the disjunctive graph of the present schedule |
    | ``render_mode`` | ``None`` | ``"rgb_array"`` (Gantt chart of the best schedule) or ``"ansi"`` |
    | ``strict`` | ``False`` | raise on illegal actions |
    | ``normalize_reward`` | ``False`` | divide rewards by the episode's scale |

    ## Vectorized environment

    ``gym.make_vec("JobShopImprovement-v0", num_envs=64)`` steps all searches in one compiled loop, and resets in the
    same step.

    >>> import gymnasium as gym
    >>> import schedlab
    >>> envs = gym.make_vec("JobShopImprovement-v0", num_envs=3, num_jobs=4, num_machines=2, show_graph=True)
    >>> observation, info = envs.reset(seed=0)
    >>> tables = envs.unwrapped.graph_spec.shaped(observation)
    >>> tables["candidate_features"].shape, tables["node_state"].shape
    ((3, 7, 18), (3, 9, 5))

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
        initial: str = "fdd-mwkr",
        neighbourhood: str = "n5",
        moves: int = 500,
        tenure: int = 10,
        look_ahead: int = 0,
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
                "initial": initial,
                "neighbourhood": neighbourhood,
                "moves": moves,
                "tenure": tenure,
                "look_ahead": look_ahead,
                "show_graph": show_graph,
            }
        )
        super().__init__(config, render_mode, strict, normalize_reward)


class JobShopImprovementVectorEnv(SchedulingVectorEnv):
    """``num_envs`` searches side by side; arguments as for :class:`JobShopImprovementEnv`, and the base class's."""

    problem: ClassVar[Problem[Any, Any, Any]] = PROBLEM

    def __init__(
        self,
        num_envs: int = 1,
        instance: str | Sequence[str] | None = None,
        num_jobs: Range = 10,
        num_machines: Range = 10,
        min_duration: int = 1,
        max_duration: int = 99,
        initial: str = "fdd-mwkr",
        neighbourhood: str = "n5",
        moves: int = 500,
        tenure: int = 10,
        look_ahead: int = 0,
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
                "initial": initial,
                "neighbourhood": neighbourhood,
                "moves": moves,
                "tenure": tenure,
                "look_ahead": look_ahead,
                "show_graph": show_graph,
            }
        )
        super().__init__(num_envs, config, render_mode, strict, normalize_reward, copy, max_episode_steps)
