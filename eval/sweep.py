"""The objective against one option of a problem: a benchmark for each of its values, on the same seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..agents import make_agent
from ..agents.core import Agent, AgentOptions, play
from ..agents.random_policy import RandomPolicy
from ..envs.core.errors import InputError, unknown_name
from ..envs.core.problem import Problem
from .benchmark import Benchmark, check_agents, run_all
from .config_options import config_field, config_value
from .distributions import Quantiles
from .instance_sets import Entry, random_entries
from .intervals import mean_interval
from .measuring import Cluster, Job
from .results import Row, RowKey, instance_means, measure_names, row_to_json

FIXED_OPTIONS = {
    "instance": "a sweep plays random instances; use benchmark",
    "objective": "means of different objectives have no axis in common; make one sweep for each",
}


@dataclass(frozen=True)
class SweptOption:
    """Which option of which preset takes which values.

    Attributes:
        preset: The preset whose configuration is changed.
        field: The configuration's field.
        values: The values by the text that tables and names of instances have for them.
    """

    preset: str
    field: str
    values: Mapping[str, Any]

    @property
    def name(self) -> str:
        """As on the command line."""
        return self.field.replace("_", "-")


@dataclass(frozen=True)
class Setting:
    """What is measured at one value of the option.

    Attributes:
        text: The value.
        config: The preset's configuration with it.
        entries: Its instances, one per seed.
        agents: The agents, built for it.
    """

    text: str
    config: Any
    entries: Sequence[Entry]
    agents: dict[str, Agent]


def swept_option(problem: Problem[Any, Any, Any], preset: str, option: str, values: str) -> SweptOption:
    """Read ``--preset``, ``--option`` and ``--values``.

    Raises:
        InputError: One of them names nothing, or a value cannot be read or is there twice.
    """
    if preset not in problem.presets():
        raise unknown_name(f"{problem.name} preset", preset, problem.presets())
    field = config_field(problem, option)
    if field in FIXED_OPTIONS:
        raise InputError(f"--option {option}: {FIXED_OPTIONS[field]}")
    read: dict[str, Any] = {}
    for part in values.split(","):
        if not part.strip():
            raise InputError(f"--values has an empty value in its list: {values}")
        value = config_value(problem, field, part.strip())
        if (text := value_text(value)) in read:
            raise InputError(f"--values has {text} twice: {values}")
        read[text] = value
    return SweptOption(preset, field, read)


def value_text(value: Any) -> str:
    """A value as the command line takes it: ``0.9``, ``6-10``, ``yes``, ``poisson``."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return f"{value:.15g}"
    return value if isinstance(value, str) else "-".join(map(value_text, value))


def make_settings(
    problem: Problem[Any, Any, Any],
    option: SweptOption,
    agents: Sequence[str],
    seeds: Sequence[int],
    given: Mapping[str, Any] | None = None,
    options: AgentOptions | None = None,
) -> list[Setting]:
    """Configuration, instances and agents of every value; whatever would fail half way is refused here.

    Args:
        problem: The problem.
        option: What is swept.
        agents: As the command line names them.
        seeds: Of the instances, the same for each value: common random numbers.
        given: What the user set beside the option, instead of the preset's values.
        options: Of the agents.

    Raises:
        InputError: A value is out of range, or an agent is unknown or cannot play.
    """
    given = given or {}
    if option.field in given:
        raise InputError(f"--{option.name} is what the sweep varies; say its values with --values only")
    settings = []
    for text, value in option.values.items():
        name = f"{option.name}={text}"
        try:
            config = problem.configure({**problem.presets()[option.preset], **given, option.field: value})
            entries = random_entries(name, seeds, problem, config)
        except InputError as error:
            raise InputError(f"{name}: {error}") from error
        made = {agent: make_agent(agent, problem, config, options) for agent in agents}
        check_agents(made, entries, config)
        settings.append(Setting(text, config, entries, made))
    return settings


def check_measure(problem: Problem[Any, Any, Any], setting: Setting, name: str) -> None:
    """Refuse a measure that the checker does not give, by playing one instance at random.

    Raises:
        InputError: It does not.
    """
    instance = setting.entries[0].instance
    solution = play(RandomPolicy(), problem, [instance], setting.config).solution(0)
    measures = problem.check(instance, solution, setting.config).measures
    if not measures:
        raise InputError(f"--measure {name}: {problem.name} has no measures beside this objective")
    if name not in measures:
        raise unknown_name(f"{problem.name} measure", name, measures)


class Sweep:
    """Benchmarks one after the other, to be run and kept as one is.

    Args:
        problem: The problem.
        option: What is swept.
        settings: What is measured at each of its values, see :func:`make_settings`.
        options: Time limit and workers.
        batch: Instances of a policy played side by side, see :class:`~schedlab.eval.benchmark.Benchmark`.
        done: Rows of an earlier run, which are not measured again; those of other values or seeds are kept, not shown.
        cluster: Who does the jobs; by default this process, one after the other.
    """

    distributions: dict[RowKey, Quantiles] | None = None

    def __init__(
        self,
        problem: Problem[Any, Any, Any],
        option: SweptOption,
        settings: Sequence[Setting],
        options: AgentOptions | None = None,
        batch: int = 1,
        done: Sequence[Row] = (),
        cluster: Cluster | None = None,
    ) -> None:
        self.problem = problem
        self.option = option
        self.cluster = cluster
        self.settings = list(settings)
        self.texts = {entry.name: setting.text for setting in settings for entry in setting.entries}
        self._other_rows = [row for row in done if row.instance not in self.texts]
        self._benchmarks = [
            Benchmark(
                problem,
                setting.config,
                setting.entries,
                setting.agents,
                options,
                batch,
                [row for row in done if self.texts.get(row.instance) == setting.text],
            )
            for setting in settings
        ]

    def jobs(self) -> list[Job]:
        """What is still to be measured, in order."""
        return [job for benchmark in self._benchmarks for job in benchmark.jobs()]

    def run(self) -> Iterator[list[Row]]:
        """Do the jobs, yielding the new rows of each."""
        yield from run_all([benchmark for benchmark in self._benchmarks if benchmark.jobs()], self.cluster)

    def record(self, row: Row) -> dict[str, Any]:
        """All that is known of a row that was just measured, as JSON values for the journal."""
        return {"row": row_to_json(row)}

    def rows(self) -> list[Row]:
        """All rows so far, in the order of values, seeds and agents."""
        return [row for benchmark in self._benchmarks for row in benchmark.rows()] + self._other_rows

    def shown_rows(self) -> list[Row]:
        """Those of this sweep's values, seeds and agents."""
        agents = self.settings[0].agents
        return [row for row in self.rows() if row.instance in self.texts and row.agent in agents]

    @property
    def objective(self) -> str:
        """In words: ``"mean tardiness"``."""
        return str(getattr(self.settings[0].config, "objective", "objective")).replace("-", " ")


@dataclass(frozen=True)
class Estimate:
    """A mean over instances.

    Attributes:
        mean: The mean.
        interval: Its 95 % interval, by bootstrap; ``None`` for a single instance.
        count: Of instances.
    """

    mean: float
    interval: tuple[float, float] | None
    count: int

    @property
    def half_width(self) -> float | None:
        """Of the interval."""
        return None if self.interval is None else (self.interval[1] - self.interval[0]) / 2


@dataclass(frozen=True)
class Curves:
    """One number of every agent at every value of an option: a table, or a panel of a picture.

    Attributes:
        option: The option in words, ``"due date factor"``.
        values: Its values by their texts.
        number: ``"objective"``, or the name of a measure.
        label: The number in words.
        estimates: Agent -> text of the value -> estimate; nothing where no solution is feasible.
    """

    option: str
    values: Mapping[str, Any]
    number: str
    label: str
    estimates: Mapping[str, Mapping[str, Estimate]]

    @property
    def seeds(self) -> int:
        """Over how many the means go, at most: fewer where solutions are infeasible."""
        return max((estimate.count for own in self.estimates.values() for estimate in own.values()), default=0)


def objective_curves(sweep: Sweep) -> Curves:
    """The objective of every agent at every value."""
    return _curves(sweep, "objective", sweep.objective, lambda row: row.objective)


def measure_curves(sweep: Sweep, name: str) -> Curves:
    """A measure of every agent at every value."""
    return _curves(sweep, name, name.replace("_", " "), lambda row: row.measures.get(name))


def _curves(sweep: Sweep, number: str, label: str, value: Callable[[Row], float | None]) -> Curves:
    found: dict[str, dict[str, list[float]]] = {agent: {} for agent in sweep.settings[0].agents}
    for agent, means in instance_means(sweep.shown_rows(), value).items():
        for instance, mean in means.items():
            found[agent].setdefault(sweep.texts[instance], []).append(mean)
    estimates = {
        agent: {text: Estimate(float(np.mean(own)), mean_interval(own), len(own)) for text, own in by_text.items()}
        for agent, by_text in found.items()
    }
    return Curves(sweep.option.field.replace("_", " "), sweep.option.values, number, label, estimates)


def summarise_sweep(sweep: Sweep) -> list[dict[str, Any]]:
    """Per value and agent: ``count``, ``mean_objective``, ``interval_95`` and, under ``measures``, the same of each."""
    objective = objective_curves(sweep)
    measured = {name: measure_curves(sweep, name) for name in measure_names(sweep.shown_rows())}
    summary = []
    for text in sweep.option.values:
        for agent, own in objective.estimates.items():
            if (estimate := own.get(text)) is None:
                continue
            measures = {name: curves.estimates[agent].get(text) for name, curves in measured.items()}
            summary.append(
                {
                    "value": text,
                    "agent": agent,
                    "count": estimate.count,
                    "mean_objective": estimate.mean,
                    "interval_95": estimate.interval,
                    "measures": {
                        name: {"mean": found.mean, "interval_95": found.interval}
                        for name, found in measures.items()
                        if found is not None
                    },
                }
            )
    return summary
