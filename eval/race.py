"""Measure agents against the clock: every improvement with its time, the last one verified by the problem's checker."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..agents import Policy, SolverResult, run_policy
from ..agents.core import Agent, AgentOptions
from ..agents.random_policy import RandomPolicy
from ..envs.core.errors import InputError
from ..envs.core.problem import CheckReport, Problem
from .instance_sets import Entry
from .measuring import Job, as_float, verdict, what_was_raised
from .race_results import Points, RaceRow, race_row_to_json
from .results import SAME, RowKey
from .tables import exact_number
from .warm_up import WARM_UP_SECONDS, WARM_UP_STEPS, Watch, warm_up_agent


def parse_times(text: str | None, time_limit: float) -> tuple[float, ...]:
    """``"1,3,10"`` -> (1.0, 3.0, 10.0), in increasing order.

    Args:
        text: What ``--at`` says; ``None`` for 1, 3, 10, 30, ... seconds as far as the time limit, and that itself.
        time_limit: Seconds of a run.

    Raises:
        InputError: Not a list of different times within the time limit, or that is not a number of seconds.
    """
    if not math.isfinite(time_limit):
        raise InputError(f"--time-limit must be a number of seconds in a race, got {time_limit}")
    if text is None:
        times, step = [time_limit], 1.0
        while step < time_limit:
            times += [number for number in (step, 3 * step) if number < time_limit]
            step *= 10
        return tuple(sorted(times))
    times = []
    for part in text.split(","):
        try:
            number = float(part)
        except ValueError:
            raise InputError(f"--at {text!r} not understood; write seconds such as 1,3,10") from None
        if not number > 0:
            raise InputError(f"--at {text!r}: {part.strip()} is not a time after the start")
        if number > time_limit:
            raise InputError(f"--at {text!r}: {part.strip()} s lies beyond the time limit of {time_limit:g} s")
        times.append(number)
    if len(set(times)) != len(times):
        raise InputError(f"--at names a time twice: {text}")
    return tuple(sorted(times))


class Race:
    """Runs every agent alone on every instance, once per seed, and collects rows.

    Args:
        problem: The problem.
        config: Its configuration.
        entries: The instances.
        agents: Agents by the names of the report.
        options: Time limit and workers.
        done: Rows of an earlier run, which are not measured again.
    """

    def __init__(
        self,
        problem: Problem[Any, Any, Any],
        config: Any,
        entries: Sequence[Entry],
        agents: dict[str, Agent],
        options: AgentOptions | None = None,
        done: Sequence[RaceRow] = (),
    ) -> None:
        self.problem = problem
        self.config = config
        self.entries = list(entries)
        self.agents = agents
        self.options = options or AgentOptions()
        self._rows: dict[RowKey, RaceRow] = {row.key: row for row in done}
        self._again = {row.key for row in done if row.error}

    def jobs(self) -> list[Job]:
        """What is still to be measured, in order: one instance and one seed each."""
        return [
            Job(name, (entry,), (seed,))
            for name, agent in self.agents.items()
            for entry in self.entries
            # an agent without chance takes the same way for every seed: once is enough
            for seed in (entry.seeds if agent.stochastic else entry.seeds[:1])
            if (key := (entry.name, name, seed)) not in self._rows or key in self._again
        ]

    def run(self) -> Iterator[list[RaceRow]]:
        """Do the jobs one by one, yielding the new row of each."""
        jobs = self.jobs()
        self._warm_up(jobs)
        for job in jobs:
            row = self._row(job)
            self._rows[row.key] = row
            self._again.discard(row.key)
            yield [row]

    def record(self, row: RaceRow) -> dict[str, Any]:
        """A row that was just measured, as JSON values for the journal."""
        return {"row": race_row_to_json(row)}

    def _warm_up(self, jobs: Sequence[Job]) -> None:
        """Compile the kernels of the simulator and of every agent that will run before the clock does."""
        for number, job in enumerate({job.agent: job for job in reversed(jobs)}.values()):
            instance, agent = job.entries[0].instance, self.agents[job.agent]
            if number == 0:
                simulator = self.problem.simulator_for([instance], self.config)
                watch = Watch(simulator, WARM_UP_SECONDS, self.problem.minimise, least=WARM_UP_STEPS)
                run_policy(RandomPolicy(), simulator, [instance], 0, watch)
                simulator.observe()
            # who fails here fails again where it counts, and is reported there
            with contextlib.suppress(Exception):
                limit, seed = self.options.time_limit, job.seeds[0]
                warm_up_agent(agent, self.problem, self.config, instance, time_limit=limit, seed=seed)

    def _row(self, job: Job) -> RaceRow:
        entry, seed = job.entries[0], job.seeds[0]
        began = time.perf_counter()
        try:
            run = timed_run(
                self.agents[job.agent],
                self.problem,
                self.config,
                entry.instance,
                time_limit=self.options.time_limit,
                seed=seed,
            )
        except Exception as error:  # an agent may fail in any way; the others must not suffer
            return self._failed(job, what_was_raised(error), time.perf_counter() - began)
        report = verdict(self.problem, entry.instance, run.result, self.config)
        if isinstance(report, str):
            return self._failed(job, report, run.seconds)
        try:
            told = tuple((as_float(seconds), as_float(objective)) for seconds, objective in run.points)
        except Exception:  # of what is no list at all
            return self._failed(job, "its progress is not a list of pairs of numbers", run.seconds)
        # who does not say how it went has one solution, at its end
        points = told or ((run.seconds, report.objective),)
        if wrong := what_is_wrong(report, points, run.seconds, self.problem.minimise):
            return self._failed(job, wrong, run.seconds)
        return RaceRow(self.problem.name, entry.name, job.agent, seed, run.seconds, report.objective, points)

    def _failed(self, job: Job, error: str, seconds: float) -> RaceRow:
        return RaceRow(self.problem.name, job.entries[0].name, job.agent, job.seeds[0], seconds, None, (), error)

    def rows(self) -> list[RaceRow]:
        """All rows so far, in the order of instances and agents."""
        place = {entry.name: index for index, entry in enumerate(self.entries)}
        order = {name: index for index, name in enumerate(self.agents)}
        return sorted(
            self._rows.values(),
            key=lambda r: (place.get(r.instance, len(place)), order.get(r.agent, len(order)), r.seed),
        )

    def shown_rows(self) -> list[RaceRow]:
        """Those on this race's instances, with the agents of an earlier run that it continues."""
        names = {entry.name for entry in self.entries}
        return [row for row in self.rows() if row.instance in names]


@dataclass(frozen=True)
class TimedRun:
    """An agent's way through an instance, unchecked.

    Attributes:
        result: What it returned: a :class:`~schedlab.agents.SolverResult` with its last solution, if it did its duty.
        seconds: Wall time.
        points: (Seconds, objective) of every improvement that it told or showed; may be empty.
    """

    result: Any
    seconds: float
    points: Points = ()


def timed_run(
    agent: Agent, problem: Problem[Any, Any, Any], config: Any, instance: Any, *, time_limit: float, seed: int
) -> TimedRun:
    """Let an agent decide alone.

    The clock of a policy runs while it prepares and plays, not while its simulator is made. It is stopped at the time
    limit if the problem has a solution at any time (``Problem.anytime``), else it plays to the end.
    """
    if not isinstance(agent, Policy):
        began = time.perf_counter()
        result: Any = agent.solve(instance, time_limit=time_limit, seed=seed)
        seconds = time.perf_counter() - began
        return TimedRun(result, seconds, result.progress if isinstance(result, SolverResult) else ())
    simulator = problem.simulator_for([instance], agent.configuration(config))
    watch = Watch(simulator, time_limit, problem.minimise)
    run_policy(agent, simulator, [instance], seed, watch if problem.anytime else None)
    seconds = watch.seconds()
    points = tuple(watch.points) if problem.anytime else ((seconds, float(simulator.objective()[0])),)
    return TimedRun(SolverResult(simulator.solution(0)), seconds, points)


def what_is_wrong(report: CheckReport, points: Points, seconds: float, minimise: bool) -> str:
    """Why a run does not count, in a few words; empty where it does.

    Args:
        report: The checker's, on the last solution, which is feasible.
        points: (Seconds, objective) of each improvement as the agent or its simulator has it; at least one.
        seconds: Wall time of the run.
        minimise: Whether a smaller objective is better.
    """
    try:
        times, objectives = zip(*points, strict=True)
        finite = all(map(math.isfinite, (*times, *objectives)))
    except (TypeError, ValueError):
        return "its progress is not a list of pairs of numbers"
    if not finite:
        return "its progress holds a number that is none"
    if (
        times[0] < 0
        or times[-1] > seconds
        or any(later < before for before, later in zip(times, times[1:], strict=False))
    ):
        return f"its progress is not in order of time, within the run's {seconds:.3f} s"
    sign = 1 if minimise else -1
    if any(sign * later >= sign * before for before, later in zip(objectives, objectives[1:], strict=False)):
        return "its progress holds a step that is no improvement"
    if abs(objectives[-1] - report.objective) > SAME * max(abs(report.objective), 1):
        return f"its progress ends at {exact_number(objectives[-1])}, its solution has {exact_number(report.objective)}"
    return ""
