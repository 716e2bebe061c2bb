"""``SingleMachine-v0`` and its native vector environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ..core.config import Range
from ..core.gym_env import SchedulingEnv
from ..core.problem import Problem
from ..core.vector_env import SchedulingVectorEnv
from .problem import PROBLEM


class SingleMachineEnv(SchedulingEnv):
    """
    ## Description

    One machine, J jobs that are all there at time 0, each with a processing time, a due date and a weight. The machine
    runs one job at a time and never idles; the agent says which job comes next, so an episode has as many steps as
    there are jobs. Minimised is total tardiness, 1 || sum T_j (NP-hard, Du & Leung 1990, yet solved exactly in
    fractions of a second up to some hundred jobs), or total weighted tardiness, 1 || sum w_j T_j (strongly NP-hard).

    ## Action Space

    ``Discrete(J)``: action *j* runs job *j* next. Legal are all jobs that are left; with ``dominance=True`` only those
    that no other one dominates by Emmons' first theorem (1969), a handful, among which an optimal choice always is.
    The mask of legal actions is ``observation["action_mask"]`` and ``info["action_mask"]`` (int8) and
    ``env.unwrapped.action_masks()`` (bool). An illegal action changes nothing and costs 1 % of the episode's scale;
    with ``strict=True`` it raises ``ValueError``.

    ## Observation Space

    A flat ``Dict`` of one-dimensional boxes, padded to the largest instance.
    ``env.unwrapped.graph_spec.shaped(observation)`` gives the tables their shape:

    | Key | Shape | Type | Meaning |
    |---|---|---|---|
    | ``nodes`` | (J, 7) | float32 | features of jobs |
    | ``node_mask`` | (J,) | int8 | which nodes exist |
    | ``edges_next_due`` | (2, J - 1) | int32 | from a job to the next by due date; unused columns are -1 |
    | ``edges_next_longer`` | (2, J - 1) | int32 | from a job to the next by processing time |
    | ``candidate`` | (J,) | int32 | the node of each job that is left; -1 for the others |
    | ``candidate_features`` | (J, 14) | float32 | what matters about that choice now; 20 with ``look_ahead`` |
    | ``context`` | (11,) | float32 | the state as a whole |
    | ``action_mask`` | (J,) | int8 | legal jobs |

    Everything but the last four is fixed during an episode. Names, units and scales of the features are listed in
    ``schedlab.envs.single_machine.observe``; all lie in [-10, 10].

    ## Rewards

    Minus the (weighted) tardiness of the job that ran. The rewards of an episode of legal actions sum to minus the
    objective, exactly. With ``normalize_reward=True`` they are divided by the episode's scale, a quarter of the total
    work times the number (or the total weight) of jobs.

    ## Starting State

    All jobs are left, at time 0: a random instance or the one named. ``reset(options={"instance": ...})`` takes a file
    or a ``SingleMachineInstance`` that fits the size of the environment. Random instances have processing times
    U{1..100} of sum P and due dates U[P (1 - TF - RDD/2), P (1 - TF + RDD/2)].

    ## Episode End

    The episode terminates when all jobs have run; ``info["objective"]`` then holds the objective. It is truncated
    after more illegal actions than there are jobs.

    ## Arguments

    | Argument | Default | Meaning |
    |---|---|---|
    | ``instance`` | ``None`` | file, or a list of them to draw from; ``None`` for random ones |
    | ``num_jobs`` | 20 | size of random instances; a pair ``[low, high]`` draws anew each episode |
    | ``max_processing`` | 100 | longest processing time of random instances |
    | ``tardiness_factor`` | ``None`` | TF, a number or a pair; ``None`` draws one of 0.2, 0.4, 0.6, 0.8 |
    | ``due_date_range`` | ``None`` | RDD, likewise; ``None`` draws one of 0.2, 0.4, 0.6, 0.8, 1.0 |
    | ``max_weight`` | 10 | largest random weight, if the objective is weighted |
    | ``objective`` | ``"total-tardiness"`` | or ``"total-weighted-tardiness"`` |
    | ``dominance`` | ``False`` | leave out jobs that need not come next |
    | ``look_ahead`` | ``False`` | also show what modified-due-date rules would make of each choice |
    | ``render_mode`` | ``None`` | ``"rgb_array"`` or ``"ansi"`` |
    | ``strict`` | ``False`` | raise on illegal actions |
    | ``normalize_reward`` | ``False`` | divide rewards by the episode's scale |

    ## Vectorized environment

    ``gym.make_vec("SingleMachine-v0", num_envs=256)`` steps all episodes in one compiled loop, and resets in the same
    step.

    >>> import gymnasium as gym
    >>> import schedlab
    >>> envs = gym.make_vec("SingleMachine-v0", num_envs=3, num_jobs=5)
    >>> observation, info = envs.reset(seed=0)
    >>> envs.unwrapped.graph_spec.shaped(observation)["candidate_features"].shape
    (3, 5, 14)

    ## Version History

    * v0: initial version
    """

    problem: ClassVar[Problem[Any, Any, Any]] = PROBLEM

    def __init__(
        self,
        instance: str | Sequence[str] | None = None,
        num_jobs: Range = 20,
        max_processing: int = 100,
        tardiness_factor: Range | None = None,
        due_date_range: Range | None = None,
        max_weight: int = 10,
        objective: str = "total-tardiness",
        dominance: bool = False,
        look_ahead: bool = False,
        render_mode: str | None = None,
        strict: bool = False,
        normalize_reward: bool = False,
    ) -> None:
        config = PROBLEM.configure(
            {
                "instance": instance,
                "num_jobs": num_jobs,
                "max_processing": max_processing,
                "tardiness_factor": tardiness_factor,
                "due_date_range": due_date_range,
                "max_weight": max_weight,
                "objective": objective,
                "dominance": dominance,
                "look_ahead": look_ahead,
            }
        )
        super().__init__(config, render_mode, strict, normalize_reward)


class SingleMachineVectorEnv(SchedulingVectorEnv):
    """``num_envs`` machines side by side; arguments as for :class:`SingleMachineEnv`, and those of the base class."""

    problem: ClassVar[Problem[Any, Any, Any]] = PROBLEM

    def __init__(
        self,
        num_envs: int = 1,
        instance: str | Sequence[str] | None = None,
        num_jobs: Range = 20,
        max_processing: int = 100,
        tardiness_factor: Range | None = None,
        due_date_range: Range | None = None,
        max_weight: int = 10,
        objective: str = "total-tardiness",
        dominance: bool = False,
        look_ahead: bool = False,
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
                "max_processing": max_processing,
                "tardiness_factor": tardiness_factor,
                "due_date_range": due_date_range,
                "max_weight": max_weight,
                "objective": objective,
                "dominance": dominance,
                "look_ahead": look_ahead,
            }
        )
        super().__init__(num_envs, config, render_mode, strict, normalize_reward, copy, max_episode_steps)
