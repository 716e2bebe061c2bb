"""The single machine as a :class:`~schedlab.envs.core.Problem`."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..core.config import value_range
from ..core.errors import InputError
from ..core.instances import looks_like_a_path, named_instances, one_of
from ..core.problem import Bound, CheckReport, Problem
from ..core.view import GanttView
from . import formats
from .check import check_sequence, tardiness_of_jobs
from .config import SingleMachineConfig
from .generate import random_instance
from .instance import SingleMachineInstance
from .render import draw_sequence, draw_sequence_text
from .simulate import SingleMachineSimulator
from .solution import SingleMachineSolution
from .view import view_sequence

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RULES_OF_PLAY = ("objective", "dominance", "look_ahead")
PRESET_SIZES = (20, 100, 200, 500)


class SingleMachine(Problem[SingleMachineConfig, SingleMachineInstance, SingleMachineSolution]):
    """Names the parts of the single machine."""

    name: ClassVar[str] = "single-machine"
    title: ClassVar[str] = "Single machine: total (weighted) tardiness"
    config_type: ClassVar[type] = SingleMachineConfig
    job_costs_label: ClassVar[str] = "tardiness"
    examples: ClassVar[dict[str, str]] = {
        "solve": "--instance jobs.csv --agent exact --out order.json --plot order.png",
        "check": "--instance jobs.csv --solution order.json",
        "benchmark": "--instances n100 --seeds 0-99 --agents edd,mdd,mddc,ppo,exact --batch 100 --out results/n100",
        "sweep": "--preset n100 --option tardiness-factor --values 0.2,0.4,0.6,0.8 --agents edd,mdd,mdd-swap,exact "
        "--seeds 0-19 --out results/tardiness-factors",
        "speed": "--batch 256",
    }

    def sampler(self, config: SingleMachineConfig) -> Callable[[np.random.Generator], SingleMachineInstance]:
        """Random instances, or a uniform draw from the configured ones."""
        if config.instance is None:
            return lambda rng: random_instance(config, rng)
        return one_of(self._configured(config))

    def _configured(self, config: SingleMachineConfig) -> list[SingleMachineInstance]:
        assert config.instance is not None
        return named_instances(config.instance, lambda name: self.load(name, config))

    def simulator_for_config(self, config: SingleMachineConfig, batch_size: int) -> SingleMachineSimulator:
        """Sized for the configured instances, or for the largest random one."""
        if config.instance is not None:
            return self.simulator_for(self._configured(config), config, batch_size)
        return self._simulator(int(value_range(config, "num_jobs")[1]), config, batch_size)

    def simulator_for(
        self, instances: Sequence[SingleMachineInstance], config: SingleMachineConfig, batch_size: int | None = None
    ) -> SingleMachineSimulator:
        """Sized for these instances."""
        largest = max(instance.num_jobs for instance in instances)
        return self._simulator(largest, config, len(instances) if batch_size is None else batch_size)

    def _simulator(self, max_jobs: int, config: SingleMachineConfig, batch_size: int) -> SingleMachineSimulator:
        return SingleMachineSimulator(max_jobs, batch_size, config.objective, config.dominance, config.look_ahead)

    def instance_names(self) -> list[str]:
        """None: instances are random or come from files."""
        return []

    def load(self, name_or_path: str, config: SingleMachineConfig) -> SingleMachineInstance:
        """The instance of a file: a table, or ``FILE:7`` for one of several."""
        loaded = self.load_all(name_or_path, config)
        if len(loaded) > 1:
            path, _ = formats.split_number(name_or_path)
            raise InputError(f"{path}: holds {len(loaded)} instances; write {path}:N with N from 1 to {len(loaded)}")
        return loaded[0]

    def load_all(self, name_or_path: str, config: SingleMachineConfig) -> list[SingleMachineInstance]:
        """All instances of a file, or the one that ``FILE:7`` names."""
        path, number = formats.split_number(name_or_path)
        if not looks_like_a_path(str(path)):
            raise InputError(
                f"unknown instance {name_or_path!r}: no such file, and none are built in; name a file "
                f"(wt40.txt:7, jobs.csv) or a preset with --seeds: {', '.join(self.presets())}"
            )
        instances = formats.read_instances(path)
        if number is None:
            return instances
        if not 1 <= number <= len(instances):
            raise InputError(f"{path}: has no instance {number}; it holds {len(instances)}, counted from 1")
        return [instances[number - 1]]

    def instance_name(self, instance: SingleMachineInstance) -> str:
        """Its name."""
        return instance.name

    def instance_class(self, instance: SingleMachineInstance) -> str:
        """The number of jobs."""
        return f"{instance.num_jobs} jobs"

    def bound(self, instance: SingleMachineInstance, config: SingleMachineConfig) -> Bound | None:
        """OR-Library's reference value of total weighted tardiness, if it is that instance and not a namesake."""
        if config.objective != "total-weighted-tardiness":
            return None
        return known_values().get((instance.name, checksum(instance)))

    def check(
        self, instance: SingleMachineInstance, solution: SingleMachineSolution, config: SingleMachineConfig
    ) -> CheckReport:
        """See :func:`~schedlab.envs.single_machine.check.check_sequence`."""
        return check_sequence(instance, solution, config.objective)

    def job_costs(
        self, instance: SingleMachineInstance, solution: SingleMachineSolution, config: SingleMachineConfig
    ) -> NDArray[np.float64] | None:
        """The tardiness of every job."""
        return np.array(tardiness_of_jobs(instance, solution), np.float64)

    def solution_to_json(self, instance: SingleMachineInstance, solution: SingleMachineSolution) -> dict[str, Any]:
        """``{"sequence": [...]}``."""
        return solution.to_json()

    def solution_from_json(self, instance: SingleMachineInstance, data: Any) -> SingleMachineSolution:
        """The inverse of :meth:`solution_to_json`."""
        return SingleMachineSolution.from_json(instance, data)

    def draw(self, instance: SingleMachineInstance, solution: SingleMachineSolution, title: str = "") -> Figure:
        """Bars against due dates."""
        return draw_sequence(instance, solution, title)

    def draw_text(self, instance: SingleMachineInstance, solution: SingleMachineSolution, width: int = 100) -> str:
        """The machine as a line of characters."""
        return draw_sequence_text(instance, solution, width)

    def view(
        self, instance: SingleMachineInstance, solution: SingleMachineSolution, config: SingleMachineConfig
    ) -> GanttView:
        """The machine over time, with due dates."""
        return view_sequence(instance, solution)

    def playing(self, config: SingleMachineConfig, trained: dict[str, Any]) -> SingleMachineConfig:
        """An agent chooses among the jobs that it learned to choose among, for the objective that it learned."""
        learned = self.configure({name: trained[name] for name in RULES_OF_PLAY if name in trained})
        if learned.objective != config.objective:
            raise InputError(f"the agent was trained for {learned.objective}, not for {config.objective}")
        return replace(config, **{name: getattr(learned, name) for name in RULES_OF_PLAY})

    def agent_for(self, config: SingleMachineConfig) -> str:
        """Agents are trained for an objective."""
        return config.objective

    def presets(self) -> dict[str, dict[str, Any]]:
        """Random instances by size; the class, TF and RDD, is drawn with the instance."""
        return {f"n{size}": {"num_jobs": size} for size in PRESET_SIZES}


def checksum(instance: SingleMachineInstance) -> int:
    """CRC-32 of an instance's numbers as text: what tells it from a namesake."""
    numbers = (*instance.processing.tolist(), *instance.weight.tolist(), *instance.due.tolist())
    return zlib.crc32(" ".join(map(str, numbers)).encode())


@cache
def known_values() -> dict[tuple[str, int], Bound]:
    """Reference values of OR-Library's weighted tardiness sets by name and checksum (see ``data/SOURCES.md``)."""
    with files(__package__ or "").joinpath("data", "or_library_tardiness.csv").open(encoding="utf-8") as file:
        return {
            (line["instance"], int(line["checksum"])): Bound(float(line["value"]), "best-known", "OR-Library, wtopt")
            for line in csv.DictReader(file)
        }


PROBLEM = SingleMachine()
