"""Environment steps collected and learned per second: GraphPPO beside sb3-contrib's MaskablePPO, in one run."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import Any

from rich.table import Table
from stable_baselines3.common.callbacks import BaseCallback

from ..envs.core.errors import InputError
from ..envs.core.problem import Problem
from ..train.graph_ppo import GraphPPO
from ..train.memory import keep_freed_memory
from ..train.models import make_model
from ..train.settings import ALGORITHMS, TrainSettings


@dataclass(frozen=True)
class TrainingSpeed:
    """Speed of one algorithm.

    Attributes:
        algorithm: Its name.
        steps_per_second: Environment steps collected and learned, median over the repeats.
        all_repeats: Each repeat.
        phases: Share of the time by phase, where the algorithm tells.
    """

    algorithm: str
    steps_per_second: float
    all_repeats: tuple[float, ...]
    phases: dict[str, float]


class _Watch(BaseCallback):
    """Notes steps and time between updates, and ends the run."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.marks: list[tuple[int, float]] = []

    def _on_rollout_start(self) -> None:
        self.marks.append((self.model.num_timesteps, time.perf_counter()))

    def _on_step(self) -> bool:
        # the first update warms up, and one more must be whole
        enough = len(self.marks) > 2 and self.marks[-1][1] - self.marks[1][1] >= self.seconds
        return not enough

    def rate(self) -> float:
        """Steps per second over whole updates, the first left out."""
        (first, began), (last, ended) = self.marks[1], self.marks[-1]
        return (last - first) / (ended - began)


def measure_training_speed(
    problem: Problem[Any, Any, Any], settings: TrainSettings, seconds: float, repeats: int
) -> list[TrainingSpeed]:
    """Train with both algorithms in turn, on the same environment with the same network.

    MaskablePPO steps Gymnasium environments and encodes the graph at every step, in every roll-out and every epoch.

    Args:
        problem: The problem.
        settings: The network and the environment; both algorithms pass over what they collect once.
        seconds: Length of each measurement, in whole updates.
        repeats: Measurements of each.

    Raises:
        InputError: Nothing to measure.
    """
    if repeats < 1 or seconds <= 0:
        raise InputError("--repeats and --seconds must be positive")
    keep_freed_memory()
    rates: dict[str, list[float]] = {name: [] for name in ALGORITHMS}
    phases: dict[str, dict[str, float]] = {name: {} for name in ALGORITHMS}
    for _ in range(repeats):
        for name in ALGORITHMS:
            model = make_model(problem, settings.changed(algorithm=name, epochs=1, environments=[{}]))
            watch = _Watch(seconds)
            model.learn(2**40, callback=watch)
            rates[name].append(watch.rate())
            if isinstance(model, GraphPPO):
                phases[name] = model.phases.shares()
    return [TrainingSpeed(name, median(rates[name]), tuple(rates[name]), phases[name]) for name in ALGORITHMS]


def training_speed_table(measured: list[TrainingSpeed]) -> Table:
    """The measurements as a table."""
    table = Table("algorithm", title="environment steps collected and learned per second", title_justify="left")
    for heading in ("median", "least", "most", f"times {measured[-1].algorithm}"):
        table.add_column(heading, justify="right")
    for speed in measured:
        values = (speed.steps_per_second, min(speed.all_repeats), max(speed.all_repeats))
        ratio = speed.steps_per_second / measured[-1].steps_per_second
        table.add_row(speed.algorithm, *(f"{value:,.0f}" for value in values), f"{ratio:.1f}")
    shares = ", ".join(f"{name} {share:.0%}" for name, share in measured[0].phases.items())
    table.caption, table.caption_justify = f"{measured[0].algorithm}: {shares}", "left"
    return table
