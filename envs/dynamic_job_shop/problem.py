"""The dynamic job shop as a :class:`~schedlab.envs.core.Problem`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.instances import named_instances, one_of
from ..core.problem import Bound, CheckReport, Problem
from ..core.view import GanttView
from ..job_shop.formats import read_instance
from .check import check_run, tardiness_of_recorded
from .config import DynamicJobShopConfig
from .generate import random_instance
from .instance import DynamicJobShopInstance
from .render import draw_run, draw_run_text
from .simulate import DynamicJobShopSimulator, sizes_of
from .solution import DynamicJobShopSolution
from .view import view_run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TWK_PRESETS = ((90, 4), (85, 3), (80, 4), (90, 6), (95, 4))  # load in %, due date factor
SIZES_DRAWN = 8  # random streams whose sizes are looked at before a simulator for them is made


class DynamicJobShop(Problem[DynamicJobShopConfig, DynamicJobShopInstance, DynamicJobShopSolution]):
    """Names the parts of the dynamic job shop."""

    name: ClassVar[str] = "dynamic-job-shop"
    title: ClassVar[str] = "Dynamic job shop: tardiness while jobs keep arriving"
    config_type: ClassVar[type] = DynamicJobShopConfig
    job_costs_label: ClassVar[str] = "tardiness"
    examples: ClassVar[dict[str, str]] = {
        "solve": "--instance shop.txt --agent cr-spt --out run.json --plot run.png",
        "check": "--instance shop.txt --solution run.json",
        "benchmark": "--instances load90-twk4 --seeds 0-9 --agents edd,mod,cr-spt,ppo --against cr-spt --batch 10",
        "sweep": "--preset load90-twk4 --option utilisation --values 0.7,0.8,0.9 --agents edd,cr-spt --seeds 0-3 "
        "--measure tardy_share --out results/loads",
        "speed": "--batch 64",
    }

    def sampler(self, config: DynamicJobShopConfig) -> Callable[[np.random.Generator], DynamicJobShopInstance]:
        """Random streams, or a uniform draw from the configured ones."""
        if config.instance is None:
            return lambda rng: random_instance(config, rng)
        return one_of(self._configured(config))

    def _configured(self, config: DynamicJobShopConfig) -> list[DynamicJobShopInstance]:
        assert config.instance is not None
        return named_instances(config.instance, lambda name: self.load(name, config))

    def simulator_for_config(self, config: DynamicJobShopConfig, batch_size: int) -> DynamicJobShopSimulator:
        """Sized for the configured instances, or for any random stream of the configuration."""
        if config.instance is not None:
            return self.simulator_for(self._configured(config), config, batch_size)
        return DynamicJobShopSimulator(
            largest_sizes(config), batch_size, config.objective, config.queue_limit, config.fast_forward_jobs
        )

    def simulator_for(
        self, instances: Sequence[DynamicJobShopInstance], config: DynamicJobShopConfig, batch_size: int | None = None
    ) -> DynamicJobShopSimulator:
        """Sized for these instances."""
        rows = len(instances) if batch_size is None else batch_size
        return DynamicJobShopSimulator(
            sizes_of(instances), rows, config.objective, config.queue_limit, config.fast_forward_jobs
        )

    def instance_names(self) -> list[str]:
        """None: runs are random or come from files."""
        return []

    def load(self, name_or_path: str, config: DynamicJobShopConfig) -> DynamicJobShopInstance:
        """A job shop's file in the standard format with release and due dates; every job counts.

        Raises:
            InputError: There is no such file, or it is wrong.
        """
        try:
            return DynamicJobShopInstance.from_shop(read_instance(name_or_path))
        except InputError as error:
            if str(error).endswith("no such file"):
                raise InputError(
                    f"{name_or_path}: no such file, and no instances are built in; name a file of a job shop with "
                    f"'release' and 'due' lines, or a preset with --seeds: {', '.join(self.presets())}"
                ) from None
            raise
        except ValueError as error:
            raise InputError(f"{name_or_path}: {error}") from None

    def instance_name(self, instance: DynamicJobShopInstance) -> str:
        """Its name."""
        return instance.name

    def bound(self, instance: DynamicJobShopInstance, config: DynamicJobShopConfig) -> Bound | None:
        """None is known."""
        return None

    def unfolds(self, instance: DynamicJobShopInstance) -> bool:
        """Always: jobs arrive while others are processed."""
        return True

    def check(
        self, instance: DynamicJobShopInstance, solution: DynamicJobShopSolution, config: DynamicJobShopConfig
    ) -> CheckReport:
        """See :func:`~schedlab.envs.dynamic_job_shop.check.check_run`."""
        return check_run(instance, solution, config.objective)

    def job_costs(
        self, instance: DynamicJobShopInstance, solution: DynamicJobShopSolution, config: DynamicJobShopConfig
    ) -> NDArray[np.float64] | None:
        """The tardiness of every recorded job."""
        return tardiness_of_recorded(instance, solution).astype(np.float64)

    def solution_to_json(self, instance: DynamicJobShopInstance, solution: DynamicJobShopSolution) -> dict[str, Any]:
        """``{"start": [[...], ...]}``."""
        return solution.to_json(instance)

    def solution_from_json(self, instance: DynamicJobShopInstance, data: Any) -> DynamicJobShopSolution:
        """The inverse of :meth:`solution_to_json`."""
        return DynamicJobShopSolution.from_json(instance, data)

    def draw(self, instance: DynamicJobShopInstance, solution: DynamicJobShopSolution, title: str = "") -> Figure:
        """Jobs in the shop and tardiness, over time."""
        return draw_run(instance, solution, title)

    def draw_text(self, instance: DynamicJobShopInstance, solution: DynamicJobShopSolution, width: int = 100) -> str:
        """Jobs in the shop over time, in characters."""
        return draw_run_text(instance, solution, width)

    def view(
        self, instance: DynamicJobShopInstance, solution: DynamicJobShopSolution, config: DynamicJobShopConfig
    ) -> GanttView:
        """Machines over time, with breakdowns: the beginning of long runs."""
        return view_run(instance, solution)

    def playing(self, config: DynamicJobShopConfig, trained: dict[str, Any]) -> DynamicJobShopConfig:
        """An agent plays any shop, but what it learned without weights does not mind them."""
        learned = self.configure({"objective": trained["objective"]} if "objective" in trained else {})
        if learned.weighted != config.weighted:
            raise InputError(f"the agent was trained for {learned.objective}, not for {config.objective}")
        return config

    def agent_for(self, config: DynamicJobShopConfig) -> str:
        """Agents are trained with or without weights."""
        return "weighted-tardiness" if config.weighted else "tardiness"

    def presets(self) -> dict[str, dict[str, Any]]:
        """Steady runs by load and due dates, and the transient of Liu, Piplani & Toro (2023).

        Rules differ most at 90 % load with due dates at 4 times the work, and at 85 % with 3 times.
        """

        def steady(load: int, factor: float, due_dates: str = "twk") -> dict[str, Any]:
            return {"utilisation": load / 100, "due_dates": due_dates, "due_date_factor": factor}

        presets = {f"load{load}-twk{factor}": steady(load, factor) for load, factor in TWK_PRESETS}
        presets["load90-twk4-breakdowns"] = {**presets["load90-twk4"], "breakdown_level": 0.05, "repair_time": 5.0}
        presets["load80-uniform3"] = steady(80, 3.0, "uniform")
        for load in (70, 80, 90):
            presets[f"transient{load}"] = {**steady(load, 3.0, "uniform"), "protocol": "transient"}
        return presets


def largest_sizes(config: DynamicJobShopConfig) -> tuple[int, int, int, int]:
    """Sizes of a simulator for the streams of a configuration.

    The number of jobs of a transient, and of breakdowns, is random: there is room for ten standard deviations more than
    the largest of a few streams.
    """
    drawn = [random_instance(config, np.random.default_rng(seed)) for seed in range(SIZES_DRAWN)]
    jobs, machines, _, down = sizes_of(drawn)
    if config.protocol == "transient":
        spread = 1.0 if config.arrivals == "poisson" else max(config.arrival_cv, 1.0)
        jobs += int(10 * spread * jobs**0.5) + 20
    longest = config.num_machines if config.num_operations is None else int(np.max(config.num_operations))
    return jobs, machines, jobs * longest, down + int(10 * down**0.5) + 20 if down else 0


PROBLEM = DynamicJobShop()
