"""VM rescheduling as a :class:`~schedlab.envs.core.Problem`."""

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
from ..core.view import HostsView
from .catalog import MIXES, NODE_CORES
from .check import check_plan
from .config import VmConfig
from .formats import read_cluster
from .generate import most_vms, random_clusters, with_changes
from .instance import NODES, Terms, VmInstance
from .simulate import VmSimulator, sizes_of
from .solution import VmSolution

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RULES_OF_PLAY = ("offer", "show")
"""Options that an agent brings along: they only restrict, or describe, its own decisions."""


class VmRescheduling(Problem[VmConfig, VmInstance, VmSolution]):
    """Names the parts of VM rescheduling."""

    name: ClassVar[str] = "vm"
    title: ClassVar[str] = "VM rescheduling: moving virtual machines between NUMA hosts to join free cores"
    config_type: ClassVar[type] = VmConfig
    decimals: ClassVar[int] = 4
    examples: ClassVar[dict[str, str]] = {
        "solve": "--instance cluster.json --agent ha-pair --out plan.json --plot plan.png",
        "check": "--instance cluster.json --solution plan.json",
        "benchmark": "--instances medium-high --seeds 0-19 --agents ha,ppo,ppo@16,local-search,mip --time-limit 5 "
        "--out results/medium-high",
        "sweep": "--preset medium-high --option mnl --values 10,25,50,75,100 --agents ha,ppo --seeds 0-4 "
        "--out results/moves",
        "speed": "--batch 16",
    }

    def sampler(self, config: VmConfig) -> Callable[[np.random.Generator], VmInstance]:
        """Random clusters, or a uniform draw from the configured ones."""
        return random_clusters(config) if config.instance is None else one_of(self._configured(config))

    def _configured(self, config: VmConfig) -> list[VmInstance]:
        assert config.instance is not None
        return named_instances(config.instance, lambda name: self.load(name, config))

    def simulator_for_config(self, config: VmConfig, batch_size: int) -> VmSimulator:
        """Sized for the configured clusters, or for any random one of the configuration."""
        if config.instance is not None:
            return self.simulator_for(self._configured(config), config, batch_size)
        mix = MIXES[config.mix]
        pms = int(value_range(config, "num_pms", 1)[1])
        vms = most_vms(config, pms)
        most = min(NODES * NODE_CORES // min(kind.cores for kind in mix.kinds), vms)
        moves = int(value_range(config, "mnl", 1)[1])
        sizes = (pms, vms, len(mix.kinds), most, moves, len(config.sizes))
        return VmSimulator(sizes, batch_size, config.offer, config.show == "all")

    def simulator_for(
        self, instances: Sequence[VmInstance], config: VmConfig, batch_size: int | None = None
    ) -> VmSimulator:
        """Sized for these clusters."""
        count = len(instances) if batch_size is None else batch_size
        return VmSimulator(sizes_of(instances), count, config.offer, config.show == "all")

    def instance_names(self) -> list[str]:
        """None are built in: random clusters come from presets, real ones from files."""
        return []

    def load(self, name_or_path: str, config: VmConfig) -> VmInstance:
        """A cluster from a file in the released JSON format, with the configuration's terms.

        VMs that come and go while a plan is computed are like those in the file; they are the same at every reading.

        Raises:
            InputError: No such file, or it is wrong.
        """
        if looks_like_a_path(name_or_path):
            path = Path(name_or_path)
            cluster = _read(os.path.realpath(path), name_or_path, stamp(path))
            cluster = cluster.with_terms(config.terms(int(value_range(config, "mnl", 1)[1])))
            return with_changes(cluster, config, np.random.default_rng(0))
        if name_or_path in self.presets():
            raise InputError(f"{name_or_path} is a preset of random clusters: use `schedlab benchmark` with --seeds")
        raise unknown_name("cluster (a .json file, or one of the presets)", name_or_path, self.presets())

    def instance_name(self, instance: VmInstance) -> str:
        """Its name."""
        return instance.name

    def bound(self, instance: VmInstance, config: VmConfig) -> Bound | None:
        """None is published; the benchmark compares with what an exact solver of the run proves."""
        return None

    def unfolds(self, instance: VmInstance) -> bool:
        """Where a plan is applied late: what happens until then is not known when it is made."""
        return instance.terms.delay > 0 and len(instance.changes) > 0

    def check(self, instance: VmInstance, solution: VmSolution, config: VmConfig) -> CheckReport:
        """See :func:`~schedlab.envs.vm.check.check_plan`."""
        return check_plan(instance, solution, config)

    def solution_to_json(self, instance: VmInstance, solution: VmSolution) -> dict[str, Any]:
        """The moves by name."""
        return solution.to_json(instance)

    def solution_from_json(self, instance: VmInstance, data: Any) -> VmSolution:
        """The inverse of :meth:`solution_to_json`."""
        return VmSolution.from_json(instance, data)

    def draw(self, instance: VmInstance, solution: VmSolution, title: str = "") -> Figure:
        """Hosts before and after, the fragment rate by moves, and the moves."""
        from .render import draw_plan

        return draw_plan(instance, solution, title)

    def draw_text(self, instance: VmInstance, solution: VmSolution, width: int = 100) -> str:
        """Hosts before and after, in characters."""
        from .render import draw_plan_text

        return draw_plan_text(instance, solution, width)

    def view(self, instance: VmInstance, solution: VmSolution, config: VmConfig) -> HostsView | None:
        """Hosts, VMs and moves."""
        from .view import view_plan

        return view_plan(instance, solution)

    def playing(self, config: VmConfig, trained: dict[str, Any]) -> VmConfig:
        """An agent keeps which VMs it looks at; it plays any cluster, limit and fragment size."""
        learned = self.configure({name: trained[name] for name in RULES_OF_PLAY if name in trained})
        return replace(config, **{name: getattr(learned, name) for name in RULES_OF_PLAY})

    def agent_for(self, config: VmConfig) -> str:
        """One agent plays all."""
        return "fragment-rate"

    def presets(self) -> dict[str, dict[str, Any]]:
        """Random clusters calibrated on the published statistics of the paper's sets; see ``data/SOURCES.md``."""
        medium: dict[str, Any] = {"mix": "medium", "num_pms": 279, "mnl": 50}
        high: dict[str, Any] = {**medium, "utilisation": 0.9067}
        return {
            "medium-high": high,
            "medium-high-r2": {**high, "tight": "node", "tight_share": 0.5},
            "medium-mid": {**medium, "utilisation": 0.65, "mnl": 100},
            "medium-low": {**medium, "utilisation": 0.39, "mnl": 100},
            "medium-affinity": {**high, "affinity": 8},
            "large": {**medium, "mix": "large", "num_pms": 1176, "utilisation": 0.8186, "churn": 0.8},
            # as many VMs come for each PM as in the others
            "small": {**high, "num_pms": 20, "mnl": 8, "arrivals_per_minute": 0.65},
        }


@lru_cache(maxsize=16)
def _read(path: str, shown: str, changed: tuple[int, int]) -> VmInstance:
    return read_cluster(Path(shown), Terms())


PROBLEM = VmRescheduling()
