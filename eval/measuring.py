"""One job of a benchmark: an agent decides, the checker looks; whatever goes wrong becomes a row that says so."""

from __future__ import annotations

import json
import math
import time
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ..agents import BestOf, Policy, SolverResult, play
from ..agents.core import Agent, AgentOptions
from ..agents.random_policy import RandomPolicy
from ..envs.core.problem import CheckReport, Problem
from .distributions import Quantiles, cost_quantiles
from .instance_sets import Entry
from .results import Row

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

    def warm_up(self, instance: Any) -> Any:
        """Compile the kernels before the clock runs, by playing at random; returns the solution."""
        self._warm = True
        simulator = play(RandomPolicy(), self.problem, [instance], self.config)
        simulator.observe()
        return simulator.solution(0)

    def do(self, job: Job, views: Sequence[bool] = ()) -> list[Measured]:
        """Do a job.

        Args:
            job: The job.
            views: For which of its instances a view is wanted; none by default.

        Returns:
            What it gave for each of its instances. An agent that raises, returns nothing or gives what the checker
            refuses has rows with an ``error``.
        """
        if not self._warm:
            self.warm_up(job.entries[0].instance)
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
        bound = result.bound if result.bound is not None and math.isfinite(result.bound) else None
        row = Row(
            problem=self.problem.name,
            instance=job.entries[0].name,
            agent=job.agent,
            objective=float(report.objective),
            bound=bound,
            bound_kind="none" if bound is None else "proved",
            gap=None,
            seconds=seconds,
            samples=result.samples,
            seed=job.seeds[0],
            feasible=True,
            measures=report.measures,
        )
        instance, solution = job.entries[0].instance, result.solution
        costs = self.problem.job_costs(instance, solution, self.config) if self._with_quantiles else None
        quantiles = cost_quantiles(costs) if costs is not None and len(costs) else None
        return Measured(row, quantiles, self._view(job, solution) if wants_view else None)

    def _view(self, job: Job, solution: Any) -> str | None:
        try:
            view = self.problem.view(job.entries[0].instance, solution, self.config)
            return None if view is None else json.dumps(view.to_json(), separators=(",", ":"), allow_nan=False)
        except (ValueError, ArithmeticError, LookupError) as error:
            # a picture that cannot be made is no reason to lose a measurement
            warnings.warn(f"no view of {job.agent} on {job.entries[0].name}: {error}", RuntimeWarning, stacklevel=2)
            return None


def verdict(problem: Problem[Any, Any, Any], instance: Any, result: Any, config: Any) -> CheckReport | str:
    """What the checker says of an agent's result, or in a few words why it does not count."""
    if not isinstance(result, SolverResult):
        return f"it returned {'nothing' if result is None else type(result).__name__}, not a SolverResult"
    if result.solution is None:
        return "it returned no solution"
    try:
        report = problem.check(instance, result.solution, config)
    except Exception as error:  # of a solution of another kind altogether
        return f"the checker cannot read its solution: {what_was_raised(error)}"
    if not report.feasible:
        return f"infeasible: {report.violations[0] if report.violations else 'no reason given'}"
    if not math.isfinite(report.objective) or not all(map(math.isfinite, report.measures.values())):
        return "the checker gives a number that is none"
    return report


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
