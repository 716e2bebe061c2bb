"""The improvement of job-shop schedules as a :class:`~schedlab.envs.core.Problem`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..core.config import value_range
from ..core.instances import named_instances, one_of
from ..core.problem import Bound, CheckReport, Problem
from ..core.view import GanttView
from ..job_shop.generate import random_instance
from ..job_shop.instance import JobShopInstance
from ..job_shop.problem import PROBLEM as JOB_SHOP
from ..job_shop.solution import JobShopSolution
from .config import JobShopImprovementConfig
from .instance import ImprovementInstance
from .simulate import JobShopImprovementSimulator, sizes_of
from .start import first_schedule

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RULES_OF_PLAY = ("neighbourhood", "tenure", "look_ahead", "show_graph")
"""Options that an agent brings along: they only restrict, or describe, its own decisions."""


class JobShopImprovement(Problem[JobShopImprovementConfig, ImprovementInstance, JobShopSolution]):
    """Names the parts of the improvement of job-shop schedules."""

    name: ClassVar[str] = "job-shop-improvement"
    title: ClassVar[str] = "Job shop, improved: moves on the critical path of a complete schedule, makespan"
    config_type: ClassVar[type] = JobShopImprovementConfig
    anytime: ClassVar[bool] = True
    examples: ClassVar[dict[str, str]] = {
        "solve": "--instance ta01 --agent tabu --time-limit 10 --out ta01.json --plot ta01.png",
        "check": "--instance ta01 --solution ta01.json",
        "benchmark": "--instances ta01-ta10 --moves 500 --agents best-improvement,ppo,tabu,cp-sat --time-limit 10 "
        "--workers 1 --out results/improvement",
        "sweep": "--preset random-10x10 --option moves --values 50,200,500 --agents best-improvement,ppo --seeds 0-9 "
        "--out results/moves",
    }

    def sampler(self, config: JobShopImprovementConfig) -> Callable[[np.random.Generator], ImprovementInstance]:
        """Random job shops, or a uniform draw from the configured ones, each with a first schedule."""
        if config.instance is None:
            return lambda rng: self.started(random_instance(config.shop, rng), config, rng)
        return one_of(self._configured(config))

    def _configured(self, config: JobShopImprovementConfig) -> list[ImprovementInstance]:
        assert config.instance is not None
        return named_instances(config.instance, lambda name: self.load(name, config))

    def started(
        self, shop: JobShopInstance, config: JobShopImprovementConfig, rng: np.random.Generator
    ) -> ImprovementInstance:
        """A job shop with its first schedule."""
        return ImprovementInstance(shop, first_schedule(shop, config.initial, rng), config.moves)

    def simulator_for_config(self, config: JobShopImprovementConfig, batch_size: int) -> JobShopImprovementSimulator:
        """Sized for the configured instances, or for the largest random one."""
        if config.instance is not None:
            return self.simulator_for(self._configured(config), config, batch_size)
        jobs, machines = (int(value_range(config, name)[1]) for name in ("num_jobs", "num_machines"))
        return JobShopImprovementSimulator(jobs, machines, jobs * machines, batch_size, *self._rules(config))

    def simulator_for(
        self, instances: Sequence[ImprovementInstance], config: JobShopImprovementConfig, batch_size: int | None = None
    ) -> JobShopImprovementSimulator:
        """Sized for these instances."""
        count = len(instances) if batch_size is None else batch_size
        jobs, machines, operations = sizes_of(instances)
        return JobShopImprovementSimulator(jobs, machines, operations, count, *self._rules(config))

    def _rules(self, config: JobShopImprovementConfig) -> tuple[str, int, int, bool]:
        return config.neighbourhood, config.tenure, config.look_ahead, config.show_graph

    def instance_names(self) -> list[str]:
        """ft, la, abz, orb, swv, yn and ta."""
        return JOB_SHOP.instance_names()

    def load(self, name_or_path: str, config: JobShopImprovementConfig) -> ImprovementInstance:
        """A built-in name, else a job-shop file; its first schedule is the same at every reading."""
        shop = JOB_SHOP.load(name_or_path, replace(config.shop, instance=None))
        return self.started(shop, config, np.random.default_rng(0))

    def instance_name(self, instance: ImprovementInstance) -> str:
        """The job shop's name."""
        return instance.name

    def instance_class(self, instance: ImprovementInstance) -> str:
        """Its size, jobs x machines."""
        return JOB_SHOP.instance_class(instance.shop)

    def bound(self, instance: ImprovementInstance, config: JobShopImprovementConfig) -> Bound | None:
        """The best known makespan of a built-in instance."""
        return JOB_SHOP.bound(instance.shop, replace(config.shop, instance=None))

    def check(
        self, instance: ImprovementInstance, solution: JobShopSolution, config: JobShopImprovementConfig
    ) -> CheckReport:
        """The job shop's check; see :func:`~schedlab.envs.job_shop.check.check_schedule`."""
        return JOB_SHOP.check(instance.shop, solution, replace(config.shop, instance=None))

    def solution_to_json(self, instance: ImprovementInstance, solution: JobShopSolution) -> dict[str, Any]:
        """``{"start": [[...], ...]}``."""
        return solution.to_json(instance.shop)

    def solution_from_json(self, instance: ImprovementInstance, data: Any) -> JobShopSolution:
        """The inverse of :meth:`solution_to_json`."""
        return JobShopSolution.from_json(instance.shop, data)

    def draw(self, instance: ImprovementInstance, solution: JobShopSolution, title: str = "") -> Figure:
        """A Gantt chart."""
        return JOB_SHOP.draw(instance.shop, solution, title)

    def draw_text(self, instance: ImprovementInstance, solution: JobShopSolution, width: int = 100) -> str:
        """A Gantt chart in characters."""
        return JOB_SHOP.draw_text(instance.shop, solution, width)

    def view(
        self, instance: ImprovementInstance, solution: JobShopSolution, config: JobShopImprovementConfig
    ) -> GanttView:
        """Machines over time."""
        return JOB_SHOP.view(instance.shop, solution, replace(config.shop, instance=None))

    def playing(self, config: JobShopImprovementConfig, trained: dict[str, Any]) -> JobShopImprovementConfig:
        """An agent keeps the moves and the memory that it learned with; it plays any start and number of moves."""
        learned = self.configure({name: trained[name] for name in RULES_OF_PLAY if name in trained})
        return replace(config, **{name: getattr(learned, name) for name in RULES_OF_PLAY})

    def agent_for(self, config: JobShopImprovementConfig) -> str:
        """One agent plays all."""
        return "makespan"

    def presets(self) -> dict[str, dict[str, Any]]:
        """Random instances by size."""
        return {
            name: {key: value for key, value in values.items() if key in ("num_jobs", "num_machines")}
            for name, values in JOB_SHOP.presets().items()
        }


PROBLEM = JobShopImprovement()
