"""The job shop as a :class:`~schedlab.envs.core.Problem`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..core.config import value_range
from ..core.errors import InputError
from ..core.instances import looks_like_a_path, named_instances, one_of
from ..core.problem import Bound, CheckReport, Problem
from ..core.view import GanttView
from . import catalog, formats
from .check import check_schedule
from .config import JobShopConfig
from .generate import completed, random_instance
from .instance import JobShopInstance
from .render import draw_gantt, draw_gantt_text
from .simulate import JobShopSimulator
from .solution import JobShopSolution
from .view import view_gantt

if TYPE_CHECKING:
    from matplotlib.figure import Figure


RULES_OF_PLAY = ("objective", "builder", "delay_share", "look_ahead")


class JobShop(Problem[JobShopConfig, JobShopInstance, JobShopSolution]):
    """Names the parts of the job shop."""

    name: ClassVar[str] = "job-shop"
    title: ClassVar[str] = "Job shop: makespan, tardiness, flow time"
    config_type: ClassVar[type] = JobShopConfig
    job_costs_label: ClassVar[str] = "tardiness"

    def sampler(self, config: JobShopConfig) -> Callable[[np.random.Generator], JobShopInstance]:
        """Random instances, or a uniform draw from the configured ones.

        Raises:
            InputError: The objective needs due dates and nothing sets them.
        """
        if config.instance is None:
            if "tardiness" in config.objective and config.due_date_factor is None:
                raise InputError(f"{config.objective} needs due dates: set the due date factor, for example to 1.3")
            return lambda rng: random_instance(config, rng)
        return one_of(self._configured(config))

    def _configured(self, config: JobShopConfig) -> list[JobShopInstance]:
        assert config.instance is not None
        return named_instances(config.instance, lambda name: self.load(name, config))

    def simulator_for_config(self, config: JobShopConfig, batch_size: int) -> JobShopSimulator:
        """Sized for the configured instances, or for the largest random one."""
        if config.instance is not None:
            return self.simulator_for(self._configured(config), config, batch_size)
        jobs, machines = (int(value_range(config, name)[1]) for name in ("num_jobs", "num_machines"))
        return JobShopSimulator(jobs, machines, jobs * machines, batch_size, *self._rules(config))

    def simulator_for(
        self, instances: Sequence[JobShopInstance], config: JobShopConfig, batch_size: int | None = None
    ) -> JobShopSimulator:
        """Sized for these instances."""
        return JobShopSimulator(
            max(instance.num_jobs for instance in instances),
            max(instance.num_machines for instance in instances),
            max(instance.num_operations for instance in instances),
            len(instances) if batch_size is None else batch_size,
            *self._rules(config),
        )

    def _rules(self, config: JobShopConfig) -> tuple[str, str, float, bool]:
        return config.builder, config.objective, config.delay_share, config.look_ahead

    def instance_names(self) -> list[str]:
        """ft, la, abz, orb, swv, yn and ta."""
        return catalog.instance_names()

    def load(self, name_or_path: str, config: JobShopConfig) -> JobShopInstance:
        """A built-in name, else a file in the standard or in Taillard's format."""
        if name_or_path in catalog.instance_names():
            instance = catalog.named_instance(name_or_path)
        elif looks_like_a_path(name_or_path):
            instance = formats.read_instance(name_or_path)
        else:
            instance = catalog.named_instance(name_or_path)  # raises, with the nearest names
        try:
            return completed(instance, config)
        except ValueError as error:
            raise InputError(str(error)) from error

    def instance_name(self, instance: JobShopInstance) -> str:
        """Its name."""
        return instance.name

    def instance_class(self, instance: JobShopInstance) -> str:
        """Its size, jobs x machines."""
        return f"{instance.num_jobs}x{instance.num_machines}"

    def bound(self, instance: JobShopInstance, config: JobShopConfig) -> Bound | None:
        """The best known makespan of a built-in instance, if it is that instance and not a namesake."""
        known = catalog.known_makespans().get(instance.name)
        if known is None or config.objective != "makespan" or np.any(instance.release > 0):
            return None
        original = catalog.named_instance(instance.name)
        same = np.array_equal(original.machine, instance.machine) and np.array_equal(
            original.duration, instance.duration
        )
        return Bound(float(known.upper), "best-known", known.source) if same else None

    def check(self, instance: JobShopInstance, solution: JobShopSolution, config: JobShopConfig) -> CheckReport:
        """See :func:`~schedlab.envs.job_shop.check.check_schedule`."""
        return check_schedule(instance, solution, config.objective)

    def job_costs(
        self, instance: JobShopInstance, solution: JobShopSolution, config: JobShopConfig
    ) -> NDArray[np.float64] | None:
        """The tardiness of every job, unweighted, where the objective has due dates."""
        if "tardiness" not in config.objective or instance.due is None:
            return None
        last = instance.first_operation[1:] - 1
        lateness = solution.start[last] + instance.duration[last] - instance.due
        tardiness: NDArray[np.float64] = np.maximum(lateness, 0).astype(np.float64)
        return tardiness

    def solution_to_json(self, instance: JobShopInstance, solution: JobShopSolution) -> dict[str, Any]:
        """``{"start": [[...], ...]}``."""
        return solution.to_json(instance)

    def solution_from_json(self, instance: JobShopInstance, data: Any) -> JobShopSolution:
        """The inverse of :meth:`solution_to_json`."""
        return JobShopSolution.from_json(instance, data)

    def draw(self, instance: JobShopInstance, solution: JobShopSolution, title: str = "") -> Figure:
        """A Gantt chart."""
        return draw_gantt(instance, solution, title)

    def draw_text(self, instance: JobShopInstance, solution: JobShopSolution, width: int = 100) -> str:
        """A Gantt chart in characters."""
        return draw_gantt_text(instance, solution, width)

    def view(self, instance: JobShopInstance, solution: JobShopSolution, config: JobShopConfig) -> GanttView:
        """Machines over time."""
        return view_gantt(instance, solution)

    def playing(self, config: JobShopConfig, trained: dict[str, Any]) -> JobShopConfig:
        """An agent builds schedules as it learned to, for the objective that it learned."""
        learned = self.configure({name: trained[name] for name in RULES_OF_PLAY if name in trained})
        if learned.objective != config.objective:
            raise InputError(f"the agent was trained for {learned.objective}, not for {config.objective}")
        return replace(config, **{name: getattr(learned, name) for name in RULES_OF_PLAY})

    def agent_for(self, config: JobShopConfig) -> str:
        """Agents are trained for an objective."""
        return config.objective

    def presets(self) -> dict[str, dict[str, Any]]:
        """Random instances by size, with and without due dates."""
        sizes = ((6, 6), (10, 10), (15, 15), (20, 15), (20, 20), (30, 15), (30, 20))
        return {f"random-{jobs}x{machines}": {"num_jobs": jobs, "num_machines": machines} for jobs, machines in sizes}


PROBLEM = JobShop()
