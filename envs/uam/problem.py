"""Air taxis as a :class:`~schedlab.envs.core.Problem`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..core.config import value_range
from ..core.errors import InputError, unknown_name
from ..core.files import stamp
from ..core.instances import looks_like_a_path, named_instances, one_of
from ..core.problem import Bound, CheckReport, Problem
from ..core.view import MapView
from .check import check_day
from .config import HOURS, UamConfig
from .formats import read_day
from .generate import random_days
from .instance import UamInstance
from .simulate import UamSimulator, most_decisions, sizes_of
from .solution import UamSolution

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RULES_OF_PLAY = ("show", "look_ahead")
"""Options that an agent brings along: they only describe its own decisions."""


class UamFleet(Problem[UamConfig, UamInstance, UamSolution]):
    """Names the parts of air-taxi dispatching."""

    name: ClassVar[str] = "uam"
    title: ClassVar[str] = "Urban air mobility: dispatching a fleet of electric air taxis over a day"
    config_type: ClassVar[type] = UamConfig
    minimise: ClassVar[bool] = False
    decimals: ClassVar[int] = 0
    examples: ClassVar[dict[str, str]] = {
        "solve": "--instance day.json --agent greedy-hour --out flights.json --plot flights.png",
        "check": "--instance day.json --solution flights.json",
        "benchmark": "--instances balanced-40 --seeds 0-19 --agents random,greedy-hour,lp-dual,ppo,lp-dual-known "
        "--against greedy-hour --out results/balanced-40",
        "sweep": "--preset balanced-40 --option closure --values 0,0.1,0.2,0.4 --agents greedy-hour,ppo --seeds 0-9 "
        "--out results/closures",
        "speed": "--batch 16",
    }

    def sampler(self, config: UamConfig) -> Callable[[np.random.Generator], UamInstance]:
        """Random days, or a uniform draw from the configured ones."""
        return random_days(config) if config.instance is None else one_of(self._configured(config))

    def _configured(self, config: UamConfig) -> list[UamInstance]:
        assert config.instance is not None
        return named_instances(config.instance, lambda name: self.load(name, config))

    def simulator_for_config(self, config: UamConfig, batch_size: int) -> UamSimulator:
        """Sized for the configured days, or for any random one of the configuration."""
        if config.instance is not None:
            return self.simulator_for(self._configured(config), config, batch_size)
        ports = int(value_range(config, "num_vertiports", 2)[1])
        planes = int(value_range(config, "num_aircraft", 1)[1])
        terms, aircraft = config.terms, config.aircraft
        # rounded down, so that no random day has more
        shortest = int(3600 * config.apart / aircraft.speed) + aircraft.take_off + aircraft.landing
        legs = terms.day // shortest + 2
        decisions = most_decisions(terms, legs, planes)
        periods = 1 if config.demand == "stock" else HOURS
        sizes = (ports, planes, periods, -(-terms.day // terms.slot), legs, decisions, terms.lanes)
        return UamSimulator(sizes, batch_size, config.show == "all", config.look_ahead)

    def simulator_for(
        self, instances: Sequence[UamInstance], config: UamConfig, batch_size: int | None = None
    ) -> UamSimulator:
        """Sized for these days."""
        count = len(instances) if batch_size is None else batch_size
        return UamSimulator(sizes_of(instances), count, config.show == "all", config.look_ahead)

    def instance_names(self) -> list[str]:
        """None are built in: random days come from presets, others from files."""
        return []

    def load(self, name_or_path: str, config: UamConfig) -> UamInstance:
        """A day from a file, see :mod:`.formats`.

        Raises:
            InputError: No such file, or it is wrong.
        """
        if looks_like_a_path(name_or_path):
            path = Path(name_or_path)
            return _read(os.path.realpath(path), name_or_path, stamp(path))
        if name_or_path in self.presets():
            raise InputError(f"{name_or_path} is a preset of random days: use `schedlab benchmark` with --seeds")
        raise unknown_name("day (a .json file, or one of the presets)", name_or_path, self.presets())

    def instance_name(self, instance: UamInstance) -> str:
        """Its name."""
        return instance.name

    def bound(self, instance: UamInstance, config: UamConfig) -> Bound | None:
        """None is published; ``lp-dual-known`` proves one for each day of the benchmark."""
        return None

    def unfolds(self, instance: UamInstance) -> bool:
        """Where demand, delays, closures or failures are only known when they happen."""
        return instance.uncertain

    def check(self, instance: UamInstance, solution: UamSolution, config: UamConfig) -> CheckReport:
        """See :func:`~schedlab.envs.uam.check.check_day`."""
        return check_day(instance, solution)

    def solution_to_json(self, instance: UamInstance, solution: UamSolution) -> dict[str, Any]:
        """The decisions, vertiports by name."""
        return solution.to_json(instance)

    def solution_from_json(self, instance: UamInstance, data: Any) -> UamSolution:
        """The inverse of :meth:`solution_to_json`."""
        return UamSolution.from_json(instance, data)

    def draw(self, instance: UamInstance, solution: UamSolution, title: str = "") -> Figure:
        """The map, what the fleet does over the day, who waits, and the profit."""
        from .render import draw_day

        return draw_day(instance, solution, title)

    def draw_text(self, instance: UamInstance, solution: UamSolution, width: int = 100) -> str:
        """Vertiports and what the fleet does over the day, in characters."""
        from .render import draw_day_text

        return draw_day_text(instance, solution, width)

    def view(self, instance: UamInstance, solution: UamSolution, config: UamConfig) -> MapView:
        """Vertiports and flights on a map."""
        from .view import view_day

        return view_day(instance, solution)

    def playing(self, config: UamConfig, trained: dict[str, Any]) -> UamConfig:
        """An agent keeps what it is shown; it plays any network and fleet."""
        learned = self.configure({name: trained[name] for name in RULES_OF_PLAY if name in trained})
        return replace(config, **{name: getattr(learned, name) for name in RULES_OF_PLAY})

    def agent_for(self, config: UamConfig) -> str:
        """One agent plays all."""
        return "profit"

    def presets(self) -> dict[str, dict[str, Any]]:
        """Random days; seeds 0 to 99 are the test days, see ``data/SOURCES.md``."""
        prototype: dict[str, Any] = {
            "apart": 0.5, "parking": 6, "chargers": 6, "demand": "stock", "whole_fares": True, "surge": 0.0,
            "cost": 0.0, "delay": 0.0, "delay_spread": 0.0, "closure": 0.0, "failure": 0.0,
        }  # fmt: skip
        balanced: dict[str, Any] = {"num_vertiports": 8, "num_aircraft": 40}
        storm: dict[str, Any] = {
            "delay": 20.0, "delay_spread": 5.0, "closure": 0.6, "closure_minutes": 30.0, "failure": 0.1,
            "repair": 60.0, "repair_spread": 15.0,
        }  # fmt: skip
        return {
            "proto-19": {**prototype, "num_vertiports": 8, "num_aircraft": 19},
            "proto-40": {**prototype, "num_vertiports": 8, "num_aircraft": 40},
            "balanced-40": balanced,
            "storm-40": {**balanced, **storm},
            # as much demand per aircraft as in balanced-40
            "balanced-60": {"num_vertiports": 12, "num_aircraft": 60, "level": 1.5, "peak": 7.5},
            "balanced-200": {
                "num_vertiports": 30, "num_aircraft": 200, "level": 0.6, "peak": 5.0, "central": 8, "apart": 3.0,
                "chargers": 8,
            },
        }  # fmt: skip


@lru_cache(maxsize=16)
def _read(path: str, shown: str, changed: tuple[int, int]) -> UamInstance:
    return read_day(Path(shown))


PROBLEM = UamFleet()
