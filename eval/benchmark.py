"""Measure agents on instances; every result passes the problem's checker."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from typing import Any

from ..agents import BestOf, Policy, SolverResult, play
from ..agents.core import Agent, AgentOptions, available_cores
from ..agents.random_policy import RandomPolicy
from ..envs.core.problem import Problem
from .distributions import Quantiles, cost_quantiles
from .instance_sets import Entry
from .results import Row, RowKey, gap_to


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


def check_agents(agents: dict[str, Agent], entries: Sequence[Entry], config: Any) -> None:
    """Refuse a benchmark that would fail half way.

    Raises:
        InputError: An agent cannot play an instance.
    """
    for agent in agents.values():
        agent.check_instances([entry.instance for entry in entries])
        policy = agent.policy if isinstance(agent, BestOf) else agent
        if isinstance(policy, Policy):
            policy.configuration(config)


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


class Benchmark:
    """Runs agents over instances and collects rows.

    Args:
        problem: The problem.
        config: Its configuration.
        entries: The instances.
        agents: Agents by the names of the report.
        options: Time limit and workers.
        batch: Instances of a policy played side by side; their ``seconds`` are the batch's, shared equally. With
            1 (the default) every instance is timed alone. What a sampling agent draws depends on the batch.
        done: Rows of an earlier run, which are not measured again.
        distributions: Where to collect, by the rows' keys, how costs spread over the jobs of a solution; it may hold
            those of the rows that are done. By default nothing is collected.
    """

    def __init__(
        self,
        problem: Problem[Any, Any, Any],
        config: Any,
        entries: Sequence[Entry],
        agents: dict[str, Agent],
        options: AgentOptions | None = None,
        batch: int = 1,
        done: Sequence[Row] = (),
        distributions: dict[RowKey, Quantiles] | None = None,
    ) -> None:
        self.problem = problem
        self.config = config
        self.entries = list(entries)
        self.agents = agents
        self.options = options or AgentOptions()
        self.batch = batch
        self.distributions = distributions
        self._done = list(done)
        self._has_job_costs = False
        self._rows = {row.key: row for row in done}
        self._proved: dict[str, float] = {
            row.instance: row.bound for row in done if row.bound_kind == "proved" and row.bound is not None
        }

    def jobs(self) -> list[Job]:
        """What is still to be measured, in order."""
        jobs = []
        for name, agent in self.agents.items():
            # what draws at random shares a batch, which has one seed, with its own seed only
            together: dict[int | None, list[tuple[Entry, int]]] = {}
            for entry in self.entries:
                # an agent without chance gives the same answer for every seed: once is enough
                for seed in entry.seeds if agent.stochastic else entry.seeds[:1]:
                    if (entry.name, name, seed) not in self._rows:
                        together.setdefault(seed if agent.stochastic else None, []).append((entry, seed))
            size = self.batch if isinstance(agent, (Policy, BestOf)) else 1
            for pairs in together.values():
                for begin in range(0, len(pairs), size):
                    entries, seeds = zip(*pairs[begin : begin + size], strict=True)
                    jobs.append(Job(name, entries, seeds))
        return jobs

    def run(self) -> Iterator[list[Row]]:
        """Do the jobs one by one, yielding the new rows of each."""
        self._warm_up()
        for job in self.jobs():
            agent = self.agents[job.agent]
            instances = [entry.instance for entry in job.entries]
            results, seconds = decide(
                agent, self.problem, self.config, instances, time_limit=self.options.time_limit, seed=job.seeds[0]
            )
            rows = [
                self._row(job.agent, entry, seed, result, seconds)
                for entry, seed, result in zip(job.entries, job.seeds, results, strict=True)
            ]
            for row in rows:
                self._rows[row.key] = row
            yield rows

    def _warm_up(self) -> None:
        """Compile the kernels before the clock runs, and see whether solutions have job costs."""
        if self.entries:
            instance = self.entries[0].instance
            simulator = play(RandomPolicy(), self.problem, [instance], self.config)
            simulator.observe()
            if self.distributions is not None:
                self._has_job_costs = self.problem.job_costs(instance, simulator.solution(0), self.config) is not None

    def without_distribution(self) -> list[Row]:
        """Rows of the earlier run that have none though they could: it did not collect them. After :meth:`run`."""
        known = self.distributions or {}
        return [row for row in self._done if self._has_job_costs and row.feasible and row.key not in known]

    def _row(self, agent: str, entry: Entry, seed: int, result: SolverResult[Any], seconds: float) -> Row:
        report = self.problem.check(entry.instance, result.solution, self.config)
        if self.distributions is not None and report.feasible:
            costs = self.problem.job_costs(entry.instance, result.solution, self.config)
            if costs is not None and len(costs):
                self.distributions[entry.name, agent, seed] = cost_quantiles(costs)
        if result.bound is not None:
            better = max if self.problem.minimise else min
            self._proved[entry.name] = better(result.bound, self._proved.get(entry.name, result.bound))
        return Row(
            problem=self.problem.name,
            instance=entry.name,
            agent=agent,
            objective=report.objective if report.feasible else None,
            bound=None,
            bound_kind="none",
            gap=None,
            seconds=seconds,
            samples=result.samples,
            seed=seed,
            feasible=report.feasible,
            measures=report.measures if report.feasible else {},
        )

    def rows(self) -> list[Row]:
        """All rows so far, with bounds and gaps, in the order of instances and agents."""
        place = {entry.name: index for index, entry in enumerate(self.entries)}
        order = {name: index for index, name in enumerate(self.agents)}
        known = {entry.name: self.problem.bound(entry.instance, self.config) for entry in self.entries}
        rows = []
        for row in self._rows.values():
            bound = known.get(row.instance)
            if bound is not None:
                value, kind = bound.value, bound.kind
            elif row.instance in self._proved:
                value, kind = self._proved[row.instance], "proved"
            else:
                rows.append(row)
                continue
            gap = gap_to(row.objective, value, self.problem.minimise)
            rows.append(replace(row, bound=value, bound_kind=kind, gap=gap))
        return sorted(rows, key=lambda r: (place.get(r.instance, len(place)), order.get(r.agent, len(order)), r.seed))


def about_this_run(command: Sequence[str], config: dict[str, Any], options: AgentOptions) -> dict[str, Any]:
    """What a reader needs to repeat a run: command, configuration, machine, versions."""
    packages = ("schedlab", "numpy", "numba", "gymnasium", "torch", "torch-geometric", "ortools")
    versions = {}
    for package in packages:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {
        "command": " ".join(command),
        "config": config,
        "time_limit": options.time_limit,
        "workers": options.threads,
        "machine": {
            "processor": _processor(),
            "cores": available_cores(),
            "system": platform.platform(),
            "python": sys.version.split()[0],
        },
        "versions": versions,
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
