"""``UAMFleet-v0`` and its native vector environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ..core.config import Range
from ..core.gym_env import SchedulingEnv
from ..core.problem import Problem
from ..core.vector_env import SchedulingVectorEnv
from .problem import PROBLEM


class UAMFleetEnv(SchedulingEnv):
    """
    ## Description

    A fleet of electric air taxis serves a network of vertiports over one operating day. Passengers want to fly between
    every ordered pair of vertiports, more or fewer by the hour; those who are not served in their hour are lost.
    Whenever an aircraft is free, a central dispatcher decides where it flies next, with whoever is there to board, or
    that it waits. Seats, parking stands, chargers and batteries are limited, take-offs are late, routes close with the
    weather, and aircraft fail and are repaired. The profit of the day is maximised: fares less operating cost and
    electricity. This is the problem of Paul, Witter and Chowdhury (2024, arXiv 2401.04851). Days are random and
    inspired by the paper, whose own tables could not be read, or come from files.

    ## Action Space

    ``Discrete(V)`` for V vertiports: where the aircraft whose turn it is flies; the vertiport where it is means that it
    waits, for 15 minutes on random days. With ``show="all"`` there are K further actions, one for each aircraft, which
    are never legal: they only show the aircraft to networks that want to see them.

    The mask of legal actions is ``observation["action_mask"]`` and ``info["action_mask"]`` (int8) and
    ``env.unwrapped.action_masks()`` (bool). It is exact and never empty: a flight needs an open route, a battery that
    lasts (to the next charger, where the destination has none) and a free stand at the destination, which it takes at
    once: a charger, or at a vertistop a parking stand. An aircraft that is charged waits on a parking stand; where none
    is free it must leave its charger if it can. An illegal action changes nothing and costs 1 % of the episode's scale;
    with ``strict=True`` it raises ``ValueError``.

    ## Observation Space

    A flat ``Dict`` of one-dimensional boxes; V vertiports, A actions. ``env.unwrapped.graph_spec.shaped(observation)``
    gives the tables their shape:

    | Key | Shape | Type | Meaning |
    |---|---|---|---|
    | ``nodes`` | (V, 44) | float32 | features of vertiports, with demand and fares over the day as forecast |
    | ``node_mask`` | (V,) | int8 | which vertiports exist |
    | ``edges_routes`` | (2, V (V - 1)) | int32 | pairs within the range; unused columns are -1 |
    | ``candidate`` | (A,) | int32 | the vertiport of each action (of an aircraft, where it is or goes); -1 for none |
    | ``candidate_features`` | (A, 33 to 43) | float32 | what matters about that choice now |
    | ``context`` | (19,) | float32 | the fleet, the demand and the aircraft that decides |
    | ``action_mask`` | (A,) | int8 | legal actions |

    Take-off delays are announced at dispatch; whether an aircraft fails shows when it has landed. Everything but the
    last four is fixed during an episode. Names, units and scales of the features are listed in
    ``schedlab.envs.uam.observe``; all lie in [-10, 10].

    ## Rewards

    The profit of the flight that an action begins, in dollars; waiting earns nothing. The rewards of an episode of
    legal actions sum to the day's profit. With ``normalize_reward=True`` they are divided by the episode's scale, about
    what a fleet earns that always flies full.

    ## Starting State

    All aircraft are charged; on random days they are parked at random vertiports, and the day begins at six.
    ``reset(options={"instance": ...})`` takes a JSON file or a ``UamInstance`` that fits the environment.

    ## Episode End

    The episode terminates when no aircraft will decide before the day ends; flights under way count in full.
    ``info["objective"]`` then holds the profit. It is truncated after more illegal actions than there are vertiports.

    ## Arguments

    A pair ``[low, high]`` means: drawn anew for every random day. Seats, speed, battery and further terms of other days
    are those of their files.

    | Argument | Default | Meaning |
    |---|---|---|
    | ``instance`` | ``None`` | file of a day, or a list; ``None`` for random days |
    | ``num_vertiports``, ``num_aircraft`` | 8, 40 | of random days, as all that follow up to ``charging`` |
    | ``vertistops`` | 0 | vertiports without a charger |
    | ``area``, ``apart`` | 50.0, 5.0 | side of the square, and smallest distance between vertiports, miles |
    | ``parking``, ``chargers`` | 10, 6 | of each vertiport |
    | ``demand`` | ``"hourly"`` | or a ``"stock"`` that is there from the start, as in the prototype |
    | ``level``, ``peak``, ``central`` | 2.0, 10.0, 3 | passengers of a pair and hour, and more in peaks |
    | ``whole_fares``, ``surge``, ``cost`` | ``False``, 10.0, 0.64 | fares and operating cost |
    | ``delay``, ``delay_spread`` | 6.0, 1.0 | minutes of take-off delay: largest mean, standard deviation |
    | ``closure``, ``closure_minutes`` | 0.05, 15.0 | largest probability that a route is closed, and for how long |
    | ``failure``, ``repair``, ``repair_spread`` | 0.005, 30.0, 5.0 | largest probability of a failure, and minutes |
    | ``corridors``, ``separation`` | 0, 0.0 | corridors in each direction, and minutes between aircraft in one |
    | ``charging`` | ``"full"`` | or ``"waiting"``: aircraft decide when they land and are charged while they wait |
    | ``show`` | ``"vertiports"`` | or ``"all"``: aircraft too |
    | ``look_ahead`` | 0 | futures in which a feature plays every choice out for an hour by ``greedy-hour`` |
    | ``render_mode`` | ``None`` | ``"rgb_array"`` or ``"ansi"`` |
    | ``strict`` | ``False`` | raise on illegal actions |
    | ``normalize_reward`` | ``False`` | divide rewards by the episode's scale |

    ## Vectorized environment

    ``gym.make_vec("UAMFleet-v0", num_envs=64)`` steps all days in one compiled loop, and resets in the same step.

    >>> import gymnasium as gym
    >>> import schedlab
    >>> envs = gym.make_vec("UAMFleet-v0", num_envs=3, num_vertiports=5, num_aircraft=10)
    >>> observation, info = envs.reset(seed=0)
    >>> envs.unwrapped.graph_spec.shaped(observation)["candidate_features"].shape
    (3, 5, 33)

    ## Version History

    * v0: initial version
    """

    problem: ClassVar[Problem[Any, Any, Any]] = PROBLEM

    def __init__(
        self,
        instance: str | Sequence[str] | None = None,
        num_vertiports: Range = 8,
        num_aircraft: Range = 40,
        vertistops: int = 0,
        area: float = 50.0,
        apart: float = 5.0,
        parking: int = 10,
        chargers: int = 6,
        demand: str = "hourly",
        level: Range = 2.0,
        peak: Range = 10.0,
        central: int = 3,
        whole_fares: bool = False,
        surge: float = 10.0,
        cost: float = 0.64,
        delay: float = 6.0,
        delay_spread: float = 1.0,
        closure: float = 0.05,
        closure_minutes: float = 15.0,
        failure: float = 0.005,
        repair: float = 30.0,
        repair_spread: float = 5.0,
        corridors: int = 0,
        separation: float = 0.0,
        charging: str = "full",
        show: str = "vertiports",
        look_ahead: int = 0,
        render_mode: str | None = None,
        strict: bool = False,
        normalize_reward: bool = False,
    ) -> None:
        config = PROBLEM.configure(
            {
                "instance": instance,
                "num_vertiports": num_vertiports,
                "num_aircraft": num_aircraft,
                "vertistops": vertistops,
                "area": area,
                "apart": apart,
                "parking": parking,
                "chargers": chargers,
                "demand": demand,
                "level": level,
                "peak": peak,
                "central": central,
                "whole_fares": whole_fares,
                "surge": surge,
                "cost": cost,
                "delay": delay,
                "delay_spread": delay_spread,
                "closure": closure,
                "closure_minutes": closure_minutes,
                "failure": failure,
                "repair": repair,
                "repair_spread": repair_spread,
                "corridors": corridors,
                "separation": separation,
                "charging": charging,
                "show": show,
                "look_ahead": look_ahead,
            }
        )
        super().__init__(config, render_mode, strict, normalize_reward)


class UAMFleetVectorEnv(SchedulingVectorEnv):
    """``num_envs`` days side by side; arguments as for :class:`UAMFleetEnv`, and those of the base class."""

    problem: ClassVar[Problem[Any, Any, Any]] = PROBLEM

    def __init__(
        self,
        num_envs: int = 1,
        instance: str | Sequence[str] | None = None,
        num_vertiports: Range = 8,
        num_aircraft: Range = 40,
        vertistops: int = 0,
        area: float = 50.0,
        apart: float = 5.0,
        parking: int = 10,
        chargers: int = 6,
        demand: str = "hourly",
        level: Range = 2.0,
        peak: Range = 10.0,
        central: int = 3,
        whole_fares: bool = False,
        surge: float = 10.0,
        cost: float = 0.64,
        delay: float = 6.0,
        delay_spread: float = 1.0,
        closure: float = 0.05,
        closure_minutes: float = 15.0,
        failure: float = 0.005,
        repair: float = 30.0,
        repair_spread: float = 5.0,
        corridors: int = 0,
        separation: float = 0.0,
        charging: str = "full",
        show: str = "vertiports",
        look_ahead: int = 0,
        render_mode: str | None = None,
        strict: bool = False,
        normalize_reward: bool = False,
        copy: bool = True,
        max_episode_steps: int | None = None,
    ) -> None:
        config = PROBLEM.configure(
            {
                "instance": instance,
                "num_vertiports": num_vertiports,
                "num_aircraft": num_aircraft,
                "vertistops": vertistops,
                "area": area,
                "apart": apart,
                "parking": parking,
                "chargers": chargers,
                "demand": demand,
                "level": level,
                "peak": peak,
                "central": central,
                "whole_fares": whole_fares,
                "surge": surge,
                "cost": cost,
                "delay": delay,
                "delay_spread": delay_spread,
                "closure": closure,
                "closure_minutes": closure_minutes,
                "failure": failure,
                "repair": repair,
                "repair_spread": repair_spread,
                "corridors": corridors,
                "separation": separation,
                "charging": charging,
                "show": show,
                "look_ahead": look_ahead,
            }
        )
        super().__init__(num_envs, config, render_mode, strict, normalize_reward, copy, max_episode_steps)
