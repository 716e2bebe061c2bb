"""The blocking job shop as a :class:`~schedlab.envs.core.Problem`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..core.config import value_range
from ..core.errors import InputError
from ..core.instances import looks_like_a_path, named_instances, one_of
from ..core.problem import Bound, CheckReport, Problem
from ..core.view import GanttView
from ..job_shop import catalog as shops
from ..job_shop.formats import read_instance
from ..job_shop.solution import JobShopSolution
from . import catalog
from .check import check_schedule
from .config import BlockingConfig
from .generate import random_instance
from .instance import BlockingInstance
from .render import draw_gantt, draw_gantt_text
from .simulate import BlockingSimulator, sizes_of
from .view import view_gantt

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RULES_OF_PLAY = ("show_graph",)
"""Options that an agent brings along: they only describe what it sees."""


class BlockingJobShop(Problem[BlockingConfig, BlockingInstance, JobShopSolution]):
    """Names the parts of the blocking job shop."""

    name: ClassVar[str] = "blocking-job-shop"
    title: ClassVar[str] = "Blocking job shop: no buffers, exchanges, machines that fail at random"
    config_type: ClassVar[type] = BlockingConfig
    examples: ClassVar[dict[str, str]] = {
        "solve": "--instance la01 --agent cp-sat --out schedule.json --plot schedule.png",
        "check": "--instance la01 --solution schedule.json",
        "benchmark": "--instances la01-la05 --seeds 0-19 --breakdown-probability 0.01 --agents mwkr,wip-half,ppo "
        "--against mwkr",
        "sweep": "--preset random-10x10 --option breakdown_probability --values 0,0.005,0.01,0.02,0.05 "
        "--agents mwkr,ppo --seeds 0-19 --out results/failures",
        "speed": "--batch 64",
    }

    def sampler(self, config: BlockingConfig) -> Callable[[np.random.Generator], BlockingInstance]:
        """Random shops, or a uniform draw from the configured ones."""
        if config.instance is None:
            try:
                config.terms(value_range(config, "breakdown_probability")[1]).breakdowns.check_duration(
                    config.max_duration
                )
            except ValueError as error:
                raise InputError(str(error)) from error
            return lambda rng: random_instance(config, rng)
        return one_of(self._configured(config))

    def _configured(self, config: BlockingConfig) -> list[BlockingInstance]:
        assert config.instance is not None
        return named_instances(config.instance, lambda name: self.load(name, config))

    def simulator_for_config(self, config: BlockingConfig, batch_size: int) -> BlockingSimulator:
        """Sized for the configured instances, or for the largest random one."""
        if config.instance is not None:
            return self.simulator_for(self._configured(config), config, batch_size)
        jobs, machines = (int(value_range(config, name)[1]) for name in ("num_jobs", "num_machines"))
        return BlockingSimulator((jobs, machines, jobs * machines), batch_size, config.show_graph)

    def simulator_for(
        self, instances: Sequence[BlockingInstance], config: BlockingConfig, batch_size: int | None = None
    ) -> BlockingSimulator:
        """Sized for these instances."""
        count = len(instances) if batch_size is None else batch_size
        return BlockingSimulator(sizes_of(instances), count, config.show_graph)

    def instance_names(self) -> list[str]:
        """The job shops ft, la, abz, orb, swv, yn and ta."""
        return shops.instance_names()

    def load(self, name_or_path: str, config: BlockingConfig) -> BlockingInstance:
        """A built-in job shop, else a file in one of its formats, with the configuration's rules and luck.

        Raises:
            InputError: No such name or file, it is wrong, or its operations would hardly ever end.
        """
        low, high = value_range(config, "breakdown_probability")
        if low != high:
            raise InputError("breakdown_probability must be one number for given instances, not a pair")
        known = name_or_path in shops.instance_names() or not looks_like_a_path(name_or_path)
        shop = shops.named_instance(name_or_path) if known else read_instance(name_or_path)
        try:
            return BlockingInstance(shop, config.terms(), config.luck)
        except ValueError as error:
            raise InputError(f"{name_or_path}: {error}") from error

    def with_luck(self, instance: BlockingInstance, seed: int) -> BlockingInstance | None:
        """The same shop with the failures of that seed."""
        return instance.with_luck(seed)

    def instance_name(self, instance: BlockingInstance) -> str:
        """Its name."""
        return instance.name

    def instance_class(self, instance: BlockingInstance) -> str:
        """Its size, jobs x machines."""
        return f"{instance.shop.num_jobs}x{instance.shop.num_machines}"

    def bound(self, instance: BlockingInstance, config: BlockingConfig) -> Bound | None:
        """The best known makespan of a built-in shop with swap and without failures, if it is no namesake."""
        known = catalog.known_makespans().get(instance.name)
        if known is None or instance.uncertain or not instance.terms.swap:
            return None
        original, shop = shops.named_instance(instance.name), instance.shop
        same = np.array_equal(original.machine, shop.machine) and np.array_equal(original.duration, shop.duration)
        return known if same and not np.any(shop.release) else None

    def unfolds(self, instance: BlockingInstance) -> bool:
        """Where machines fail."""
        return instance.uncertain

    def check(self, instance: BlockingInstance, solution: JobShopSolution, config: BlockingConfig) -> CheckReport:
        """See :func:`~schedlab.envs.blocking_job_shop.check.check_schedule`."""
        return check_schedule(instance, solution)

    def solution_to_json(self, instance: BlockingInstance, solution: JobShopSolution) -> dict[str, Any]:
        """``{"start": [[...], ...]}``."""
        return solution.to_json(instance.shop)

    def solution_from_json(self, instance: BlockingInstance, data: Any) -> JobShopSolution:
        """The inverse of :meth:`solution_to_json`."""
        return JobShopSolution.from_json(instance.shop, data)

    def draw(self, instance: BlockingInstance, solution: JobShopSolution, title: str = "") -> Figure:
        """A Gantt chart with blocked machines hatched and failures shaded."""
        return draw_gantt(instance, solution, title)

    def draw_text(self, instance: BlockingInstance, solution: JobShopSolution, width: int = 100) -> str:
        """A Gantt chart in characters."""
        return draw_gantt_text(instance, solution, width)

    def view(self, instance: BlockingInstance, solution: JobShopSolution, config: BlockingConfig) -> GanttView:
        """Machines over time, with blocked ones and failures."""
        return view_gantt(instance, solution)

    def playing(self, config: BlockingConfig, trained: dict[str, Any]) -> BlockingConfig:
        """An agent keeps what it is shown; it plays any shop at any probability of failures."""
        learned = self.configure({name: trained[name] for name in RULES_OF_PLAY if name in trained})
        return replace(config, **{name: getattr(learned, name) for name in RULES_OF_PLAY})

    def agent_for(self, config: BlockingConfig) -> str:
        """Agents are told apart by whether jobs may exchange machines."""
        return "swap" if config.swap else "no-swap"

    def presets(self) -> dict[str, dict[str, Any]]:
        """Random shops by size, without failures and with a chance of 0.5, 1, 2 and 5 % per unit of time."""
        presets: dict[str, dict[str, Any]] = {}
        for jobs, machines in ((6, 6), (10, 5), (10, 10), (15, 10), (15, 15)):
            name, sizes = f"random-{jobs}x{machines}", {"num_jobs": jobs, "num_machines": machines}
            presets[name] = sizes
            for label, p in (("0.5pct", 0.005), ("1pct", 0.01), ("2pct", 0.02), ("5pct", 0.05)):
                presets[f"{name}-{label}"] = {**sizes, "breakdown_probability": p}
        return presets


PROBLEM = BlockingJobShop()
