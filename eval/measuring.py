"""One job of a benchmark: an agent decides, the checker looks; whatever goes wrong becomes a row that says so."""

from __future__ import annotations

import contextlib
import json
import math
import time
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..agents import BestOf, Policy, SolverResult, play
from ..agents.core import Agent, AgentOptions
from ..agents.random_policy import RandomPolicy
from ..envs.core.problem import CheckReport, Problem
from .distributions import Quantiles, cost_quantiles
from .instance_sets import Entry
from .json_files import MAX_INTEGER, MAX_TEXT
from .results import Row
from .warm_up import warm_up_agent

LONGEST_ERROR = 300  # characters


@dataclass(frozen=True)
class Job:
    """One thing to do: some instances and one agent; more than one instance share a batch.

    Attributes:
        agent: Its name.
        entries: The instances.
        seeds: What the row of each instance says; an agent that draws at random has the same for all.
    """

    agent: str
    entries: tuple[Entry, ...]
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Measured:
    """What a job gave for one instance.

    Attributes:
        row: The row; its bound is one that the agent proved.
        quantiles: How costs spread over the jobs of the solution; ``None`` where that is not wanted or there is none.
        view: The solution for drawing, as JSON text; ``None`` where that is not wanted or there is none.
    """

    row: Row
    quantiles: Quantiles | None = None
    view: str | None = None


def decide(
    agent: Agent,
    problem: Problem[Any, Any, Any],
    config: Any,
    instances: Sequence[Any],
    *,
    time_limit: float,
    seed: int,
) -> tuple[list[SolverResult[Any]], float]:
    """Let an agent decide, unchecked; a policy, sampled or not, plays all instances in one batch, a solver in turn.

    Returns:
        The results, and the wall time per instance in seconds.
    """
    began = time.perf_counter()
    if isinstance(agent, Policy):
        simulator = play(agent, problem, instances, config, seed)
        seconds = time.perf_counter() - began
        return [SolverResult(simulator.solution(row)) for row in range(len(instances))], seconds / len(instances)
    if isinstance(agent, BestOf):
        results = agent.solve_many(instances, seed=seed)
    else:
        results = [agent.solve(instance, time_limit=time_limit, seed=seed) for instance in instances]
    return results, (time.perf_counter() - began) / len(instances)


@dataclass(frozen=True)
class Blueprint:
    """All that another process needs to build a :class:`Workshop`, as plain values.

    Attributes:
        token: Tells this from other blueprints.
        problem: Name of the problem.
        config: Values of its configuration.
        options: Of the agents.
        with_quantiles: See :class:`Workshop`.
    """

    token: str
    problem: str
    config: dict[str, Any]
    options: AgentOptions
    with_quantiles: bool


class Cluster(Protocol):
    """Other processes that do jobs."""

    def do(self, tasks: Sequence[tuple[Blueprint, Job, Sequence[bool]]]) -> Iterator[tuple[int, list[Measured]]]:
        """Do jobs in any order.

        Args:
            tasks: Where each is done, the job, and for which of its instances a view is wanted.

        Yields:
            The index of a task and what it gave, as soon as it is done.
        """


class Workshop:
    """Where jobs are done.

    Args:
        problem: The problem.
        config: Its configuration.
        agents: Agents by the names of the report.
        time_limit: Of solvers, in seconds.
        with_quantiles: Whether to collect how costs spread over the jobs of a solution.
    """

    def __init__(
        self,
        problem: Problem[Any, Any, Any],
        config: Any,
        agents: Mapping[str, Agent],
        time_limit: float,
        with_quantiles: bool = False,
    ) -> None:
        self.problem = problem
        self.config = config
        self.agents = agents
        self._time_limit = time_limit
        self._with_quantiles = with_quantiles
        self._warm = False
        self._warm_agents: set[tuple[str, bool]] = set()

    def warm_up(self, instance: Any) -> Any:
        """Compile the simulator's kernels before the clock runs, by playing at random; returns the solution."""
        self._warm = True
        simulator = play(RandomPolicy(), self.problem, [instance], self.config)
        simulator.observe()
        return simulator.solution(0)

    def _warm_up_for(self, job: Job) -> None:
        """Compile what a job will run, and let its agent decide for a moment, once."""
        instance, kind = job.entries[0].instance, (job.agent, len(job.entries) > 1)
        if not self._warm:
            self.warm_up(instance)
        if kind in self._warm_agents:
            return
        self._warm_agents.add(kind)
        # who fails here fails again where it counts, and is reported there
        with contextlib.suppress(Exception):
            agent, limit = self.agents[job.agent], self._time_limit
            rows, seed = len(job.entries), job.seeds[0]
            warm_up_agent(agent, self.problem, self.config, instance, time_limit=limit, seed=seed, rows=rows)

    def do(self, job: Job, views: Sequence[bool] = ()) -> list[Measured]:
        """Do a job.

        Args:
            job: The job.
            views: For which of its instances a view is wanted; none by default.

        Returns:
            What it gave for each of its instances. An agent that raises, returns nothing or gives what the checker
            refuses has rows with an ``error``.
        """
        self._warm_up_for(job)
        instances = [entry.instance for entry in job.entries]
        began = time.perf_counter()
        try:
            results, seconds = decide(
                self.agents[job.agent],
                self.problem,
                self.config,
                instances,
                time_limit=self._time_limit,
                seed=job.seeds[0],
            )
        except Exception as error:  # an agent may fail in any way; the others must not suffer
            seconds = (time.perf_counter() - began) / len(instances)
            return failed(self.problem.name, job, what_was_raised(error), seconds)
        wanted = views or [False] * len(instances)
        return [
            self._checked(Job(job.agent, (entry,), (seed,)), result, seconds, view)
            for entry, seed, result, view in zip(job.entries, job.seeds, results, wanted, strict=True)
        ]

    def _checked(self, job: Job, result: Any, seconds: float, wants_view: bool) -> Measured:
        """The row of a job of one instance."""
        report = verdict(self.problem, job.entries[0].instance, result, self.config)
        if isinstance(report, str):
            return failed(self.problem.name, job, report, seconds)[0]
        try:
            bound, samples = _bound_of(result), _samples_of(result)
        except TypeError as error:
            return failed(self.problem.name, job, str(error), seconds)[0]
        row = Row(
            problem=self.problem.name,
            instance=job.entries[0].name,
            agent=job.agent,
            objective=report.objective,
            bound=bound,
            bound_kind="none" if bound is None else "proved",
            gap=None,
            seconds=seconds,
            samples=samples,
            seed=job.seeds[0],
            feasible=True,
            measures=report.measures,
        )
        quantiles = self.quantiles(job.entries[0], result.solution) if self._with_quantiles else None
        return Measured(row, quantiles, self._view(job, result.solution) if wants_view else None)

    def quantiles(self, entry: Entry, solution: Any) -> Quantiles | None:
        """How costs spread over the jobs of a feasible solution; ``None`` where it has none or they make no sense."""
        try:
            costs = self.problem.job_costs(entry.instance, solution, self.config)
            if costs is None or not len(costs):
                return None
            quantiles = cost_quantiles(costs)
            if not np.isfinite(quantiles).all() or quantiles[0] < 0:
                raise ValueError("a cost is negative or no number")
        except Exception as error:  # like a picture, see below
            warnings.warn(f"no job costs on {entry.name}: {error}", RuntimeWarning, stacklevel=2)
            return None
        return quantiles

    def _view(self, job: Job, solution: Any) -> str | None:
        try:
            view = self.problem.view(job.entries[0].instance, solution, self.config)
            return None if view is None else json.dumps(view.to_json(), separators=(",", ":"), allow_nan=False)
        except Exception as error:
            # a picture that cannot be made is no reason to lose a measurement
            warnings.warn(f"no view of {job.agent} on {job.entries[0].name}: {error}", RuntimeWarning, stacklevel=2)
            return None


def verdict(problem: Problem[Any, Any, Any], instance: Any, result: Any, config: Any) -> CheckReport | str:
    """What the checker says of an agent's result, its numbers as floats, or in a few words why it does not count."""
    if not isinstance(result, SolverResult):
        return f"it returned {'nothing' if result is None else type(result).__name__}, not a SolverResult"
    if result.solution is None:
        return "it returned no solution"
    try:
        report = problem.check(instance, result.solution, config)
        if not report.feasible:
            return f"infeasible: {report.violations[0] if report.violations else 'no reason given'}"
    except Exception as error:  # of a solution of another kind altogether
        return f"the checker cannot read its solution: {what_was_raised(error)}"
    try:
        objective = as_float(report.objective)
        measures = {name: as_float(value) for name, value in report.measures.items()}
        if not all(map(math.isfinite, (objective, *measures.values()))):
            raise TypeError("an infinity or NaN")
    except (TypeError, AttributeError):
        return "the checker gives a number that is none"
    if not all(isinstance(name, str) and name.isprintable() and len(name) <= MAX_TEXT for name in measures):
        return "the checker gives a measure whose name is not printable text"
    return CheckReport(True, objective, measures=measures)


def as_float(value: Any) -> float:
    """A number of Python or NumPy as a float, which may be infinite or NaN.

    Raises:
        TypeError: It is something else.
    """
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"must be a number, got {type(value).__name__}")
    try:
        return float(value)
    except OverflowError:  # of a huge whole number
        return math.inf


def _bound_of(result: SolverResult[Any]) -> float | None:
    """What an agent proved; an infinite bound or NaN is none."""
    if result.bound is None:
        return None
    try:
        bound = as_float(result.bound)
    except TypeError as error:
        raise TypeError(f"its bound {error}") from None
    return bound if math.isfinite(bound) else None


def _samples_of(result: SolverResult[Any]) -> int:
    samples: Any = result.samples
    if isinstance(samples, bool) or not isinstance(samples, Integral):
        raise TypeError(f"its samples must be a whole number, got {type(samples).__name__}")
    if not 0 <= (number := int(samples)) <= MAX_INTEGER:
        raise TypeError("its samples must be a whole number from 0 to 2**63-1")
    return number


def what_was_raised(error: Exception) -> str:
    """An exception in one printable line: its type, its message and where it was raised."""
    steps = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(steps[-1].filename).name}, line {steps[-1].lineno})" if steps else ""
    return one_line(f"{type(error).__name__}: {error}", LONGEST_ERROR - len(place)) + place


def one_line(text: str, longest: int = LONGEST_ERROR) -> str:
    """Text without line breaks and control characters, and not too long."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line if len(line) <= longest else f"{line[: longest - 3]}..."


def failed(problem: str, job: Job, error: str, seconds: float) -> list[Measured]:
    """Rows of a job that gave nothing that counts.

    Args:
        problem: Name of the problem.
        job: The job.
        error: Why.
        seconds: Wall time for each instance.
    """
    return [
        Measured(
            Row(
                problem=problem,
                instance=entry.name,
                agent=job.agent,
                objective=None,
                bound=None,
                bound_kind="none",
                gap=None,
                seconds=seconds,
                samples=0,
                seed=seed,
                feasible=False,
                error=one_line(error),
            )
        )
        for entry, seed in zip(job.entries, job.seeds, strict=True)
    ]
