"""Task graphs on a system on a chip as a :class:`~schedlab.envs.core.Problem`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError, unknown_name
from ..core.instances import looks_like_a_path, named_instances, one_of
from ..core.problem import Bound, CheckReport, Problem
from ..core.view import GanttView
from .catalog import applications, home_of, read_json
from .check import check_run, latencies
from .config import SocConfig
from .generate import check_system, stream_of
from .instance import SocInstance, jobs_at_once
from .run_files import run_from
from .simulate import SocSimulator, sizes_of
from .solution import SocSolution
from .system import system_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZES_DRAWN = 8  # random runs whose sizes are looked at before a simulator for them is made
RULES_OF_PLAY = ("action", "offer", "defer", "ready_limit", "look_ahead")
"""Options that an agent brings along: they only restrict, or describe, its own decisions."""


class Soc(Problem[SocConfig, SocInstance, SocSolution]):
    """Names the parts of the SoC problem."""

    name: ClassVar[str] = "soc"
    title: ClassVar[str] = "System on a chip: streams of task graphs on heterogeneous processors"
    config_type: ClassVar[type] = SocConfig
    job_costs_label: ClassVar[str] = "latency"
    examples: ClassVar[dict[str, str]] = {
        "solve": "--instance wifi-tx --agent heft --out tx.json --plot tx.png",
        "check": "--instance wifi-tx --solution tx.json",
        "benchmark": "--instances top1-top10 --agents heft,peft,etf,ppo,cp-sat",
        "sweep": "--preset ds3 --option rate --values 1,5,10 --agents etf,late-srpt --seeds 0-1 --out results/rates",
        "speed": "--batch 64",
    }

    def sampler(self, config: SocConfig) -> Callable[[np.random.Generator], SocInstance]:
        """Random streams, or a uniform draw from the configured runs."""
        return stream_of(config) if config.instance is None else one_of(self._configured(config))

    def _configured(self, config: SocConfig) -> list[SocInstance]:
        assert config.instance is not None
        return named_instances(config.instance, lambda name: self.load(name, config))

    def simulator_for_config(self, config: SocConfig, batch_size: int) -> SocSimulator:
        """Sized for the configured runs, or for any random stream of the configuration."""
        if config.instance is not None:
            return self.simulator_for(self._configured(config), config, batch_size)
        return SocSimulator(largest_sizes(config), batch_size, config)

    def simulator_for(
        self, instances: Sequence[SocInstance], config: SocConfig, batch_size: int | None = None
    ) -> SocSimulator:
        """Sized for these runs."""
        noisy = any(len(instance.noise) for instance in instances)
        return SocSimulator(
            sizes_of(instances), len(instances) if batch_size is None else batch_size, config, noisy=noisy
        )

    def instance_names(self) -> list[str]:
        """Single jobs, by their application."""
        return list(applications())

    def load(self, name_or_path: str, config: SocConfig) -> SocInstance:
        """A single job of a built-in application on the platform of the literature, or a JSON file.

        Raises:
            InputError: Neither, or the file is wrong.
        """
        known = applications()
        if name_or_path in known:
            run = jobs_at_once(name_or_path, home_of(name_or_path), (known[name_or_path],), config.physics)
        elif looks_like_a_path(name_or_path):
            run = run_from(read_json(Path(name_or_path)), name_or_path, config.physics)
        elif name_or_path in self.presets():
            raise InputError(f"{name_or_path} is a preset of random streams: use `schedlab benchmark` with --seeds")
        else:
            raise unknown_name("application", name_or_path, known)
        check_system(run.platform, run.applications, config)
        return run

    def instance_name(self, instance: SocInstance) -> str:
        """Its name."""
        return instance.name

    def bound(self, instance: SocInstance, config: SocConfig) -> Bound | None:
        """The mean job's critical path, transfers included: every job alone in the system, where all jobs count."""
        if config.objective != "mean-latency" or instance.length or len(instance.noise):
            return None
        built_in = instance.num_jobs == 1 and instance.applications[0] is applications().get(instance.name)
        at_home = built_in and instance.platform is home_of(instance.name)
        if at_home and instance.physics == SocConfig().physics and config.dvfs == "performance":
            return Bound(OPTIMAL[instance.name], "optimal", "CP-SAT, proved; see data/SOURCES.md")
        return Bound(critical_path_bound(instance, config), "critical-path", "computed")

    def unfolds(self, instance: SocInstance) -> bool:
        """Unless all jobs are there from the start and times are known."""
        return not instance.deterministic

    def check(self, instance: SocInstance, solution: SocSolution, config: SocConfig) -> CheckReport:
        """See :func:`~schedlab.envs.soc.check.check_run`."""
        return check_run(instance, solution, config)

    def job_costs(self, instance: SocInstance, solution: SocSolution, config: SocConfig) -> NDArray[np.float64] | None:
        """The latency of every job that counts."""
        return latencies(instance, solution, config)

    def solution_to_json(self, instance: SocInstance, solution: SocSolution) -> dict[str, Any]:
        """Arrivals, places and times."""
        return solution.to_json()

    def solution_from_json(self, instance: SocInstance, data: Any) -> SocSolution:
        """The inverse of :meth:`solution_to_json`."""
        return SocSolution.from_json(instance, data)

    def draw(self, instance: SocInstance, solution: SocSolution, title: str = "") -> Figure:
        """Gantt chart by PE."""
        from .render import draw_schedule

        return draw_schedule(instance, solution, title)

    def draw_text(self, instance: SocInstance, solution: SocSolution, width: int = 100) -> str:
        """Gantt chart by PE, in characters."""
        from .render import draw_schedule_text

        return draw_schedule_text(instance, solution, width)

    def view(self, instance: SocInstance, solution: SocSolution, config: SocConfig) -> GanttView:
        """PEs over time: the beginning of long runs."""
        from .view import view_run

        return view_run(instance, solution)

    def playing(self, config: SocConfig, trained: dict[str, Any]) -> SocConfig:
        """An agent keeps its kind of action, and what it looks at; it plays any platform and stream."""
        learned = self.configure({name: trained[name] for name in (*RULES_OF_PLAY, "objective") if name in trained})
        if learned.objective != config.objective:
            raise InputError(f"the agent was trained for {learned.objective}, not for {config.objective}")
        return replace(config, **{name: getattr(learned, name) for name in RULES_OF_PLAY})

    def agent_for(self, config: SocConfig) -> str:
        """Agents are trained for an objective."""
        return {"mean-latency": "latency", "energy-per-job": "energy"}.get(config.objective, "energy-delay")

    def presets(self) -> dict[str, dict[str, Any]]:
        """Streams of the literature, and random ones.

        ``ds3`` follows DS3's scheduling study, ``top10-pss`` and ``top5-pss`` SoCRATES' pseudo-steady state, in which
        a full system of three jobs is kept so.
        """
        ds3: dict[str, Any] = {"platform": "ds3", "length": 100_000, "warm_up": 10_000, "queue_order": "job"}
        wifi = {**ds3, "applications": ("wifi-tx", "wifi-rx"), "mix": (0.8, 0.2)}
        six = ("wifi-tx", "wifi-rx", "range-detection", "sc-tx", "sc-rx", "temporal-mitigation")
        steady: dict[str, Any] = {
            "platform": "three-pe", "rate": 40.0, "max_jobs": 3, "when_full": "retry", "prefilled": 3,
            "length": 5000, "warm_up": 0, "completions_first": False,
        }  # fmt: skip
        presets = {
            "ds3": {**wifi, "rate": 10.0},
            "ds3-mix": {**ds3, "applications": six, "mix": (0.2, 0.2, 0.2, 0.1, 0.1, 0.2), "rate": 10.0},
            "ds3-cores": {**wifi, "platform": "ds3-cores", "rate": 3.0},
            "canonical-pss": {**steady, "applications": ("canonical",)},
            "top5-pss": {**steady, "applications": tuple(f"top{k}" for k in range(1, 6))},
            "top6-10-pss": {**steady, "applications": tuple(f"top{k}" for k in range(6, 11))},
            "top10-pss": {**steady, "applications": tuple(f"top{k}" for k in range(1, 11))},
            "random": {
                **steady, "platform": "random", "applications": "random", "num_pes": (3, 6), "num_tasks": (8, 16),
                "heterogeneity": (0.2, 0.8), "transfer_ratio": (0.2, 2.0), "max_jobs": 4, "rate": (20.0, 60.0),
            },
        }  # fmt: skip
        for name in ("ds3", "top5-pss"):
            for noise in (20, 50):
                presets[f"{name}-noise{noise}"] = {**presets[name], "noise": noise / 100}
        return presets


OPTIMAL = {
    "canonical": 73.0, "peft": 113.0, "top1": 73.0, "top2": 81.0, "top3": 80.0, "top4": 87.0, "top5": 85.0,
    "top6": 80.0, "top7": 72.0, "top8": 65.0, "top9": 72.0, "top10": 74.0, "wifi-tx": 69.0, "wifi-rx": 288.0,
    "range-detection": 176.0, "sc-tx": 56.0, "sc-rx": 153.0, "temporal-mitigation": 79.0,
}  # fmt: skip
"""Latency of single jobs with the default physics, proved optimal by CP-SAT (``data/SOURCES.md``)."""


def critical_path_bound(instance: SocInstance, config: SocConfig) -> float:
    """Lower bound on the mean latency of a run without noise in which all jobs count, microseconds.

    The mean over jobs of the longest path with transfers, every task on its best PE and PEs never busy.
    """
    return float(system_of(instance, config).paths[instance.job_application].mean())


def largest_sizes(config: SocConfig) -> tuple[int, ...]:
    """Sizes of a simulator for the streams of a configuration.

    How many jobs arrive in a run of given length is random: there is room for ten standard deviations more than in the
    largest of a few.
    """
    sample = stream_of(config)
    sizes = list(sizes_of([sample(np.random.default_rng(seed)) for seed in range(SIZES_DRAWN)]))
    if config.protocol == "length":
        spare = int(10 * sizes[0] ** 0.5) + 20
        sizes[1] = int(sizes[1] * (1 + 2 * spare / sizes[0])) + 1
        sizes[0], sizes[6] = sizes[0] + spare, sizes[6] + spare
    if config.platform == "random" or config.application_names == ["random"]:
        tasks = int(np.max(np.atleast_1d(config.num_tasks)))
        pes = int(np.max(np.atleast_1d(config.num_pes))) if config.platform == "random" else sizes[4]
        sizes[1] = max(sizes[1], sizes[0] * tasks)
        sizes[2] = max(sizes[2], config.num_applications * tasks)
        sizes[3] = max(sizes[3], config.num_applications * tasks * (tasks - 1) // 2)
        if config.platform == "random":
            sizes[4], sizes[5] = pes, pes
    else:
        largest = max(application.num_tasks for application in sample(np.random.default_rng(0)).applications)
        sizes[1] = max(sizes[1], sizes[0] * largest) if config.protocol == "jobs" else sizes[1]
    return tuple(sizes)


PROBLEM = Soc()
