"""Measure agents on instances; every result passes the problem's checker."""

from __future__ import annotations

import json
import math
import platform
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from importlib import metadata
from typing import Any

from ..agents import BestOf, Policy
from ..agents.core import Agent, AgentOptions, available_cores
from ..envs.core.problem import Problem
from .distributions import Quantiles
from .instance_sets import Entry
from .measuring import Blueprint, Cluster, Job, Measured, Workshop
from .results import Row, RowKey, gap_to, row_to_json
from .views import Views


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
        views: Where to collect solutions for drawing. By default nothing is collected.
        cluster: Who does the jobs; by default this process, one after the other.
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
        views: Views | None = None,
        cluster: Cluster | None = None,
    ) -> None:
        self.problem = problem
        self.config = config
        self.entries = list(entries)
        self.agents = agents
        self.options = options or AgentOptions()
        self.batch = batch
        self.distributions = distributions
        self.views = Views({}) if views is None else views
        self.cluster = cluster
        self.workshop = Workshop(problem, config, agents, self.options.time_limit, distributions is not None)
        self._done = list(done)
        self._has_job_costs = False
        self._rows = {row.key: row for row in done}
        self._again = {row.key for row in done if row.error}
        self._proved: dict[str, float] = {}
        for row in done:
            self._learn_bound(row)

    def jobs(self) -> list[Job]:
        """What is still to be measured, in order."""
        jobs = []
        for name, agent in self.agents.items():
            # what draws at random shares a batch, which has one seed, with its own seed only
            together: dict[int | None, list[tuple[Entry, int]]] = {}
            for entry in self.entries:
                # an agent without chance gives the same answer for every seed: once is enough
                for seed in entry.seeds if agent.stochastic else entry.seeds[:1]:
                    key = (entry.name, name, seed)
                    if key not in self._rows or key in self._again:
                        together.setdefault(seed if agent.stochastic else None, []).append((entry, seed))
            size = self.batch if isinstance(agent, (Policy, BestOf)) else 1
            for pairs in together.values():
                for begin in range(0, len(pairs), size):
                    entries, seeds = zip(*pairs[begin : begin + size], strict=True)
                    jobs.append(Job(name, entries, seeds))
        return jobs

    def run(self) -> Iterator[list[Row]]:
        """Do the jobs, yielding the new rows of each."""
        yield from run_all([self], self.cluster)

    def warm_up(self) -> None:
        """Compile the simulator before the clock runs, and see whether solutions have job costs."""
        if self.entries:
            solution = self.workshop.warm_up(self.entries[0].instance)
            if self.distributions is not None:
                self._has_job_costs = self.workshop.quantiles(self.entries[0], solution) is not None

    def views_wanted(self, job: Job) -> list[bool]:
        """For which instances of a job a view is to be kept."""
        return [self.views.wants(entry.name, seed) for entry, seed in zip(job.entries, job.seeds, strict=True)]

    def blueprint(self) -> Blueprint:
        """How another process builds what does the jobs of this benchmark."""
        values = {item.name: getattr(self.config, item.name) for item in fields(self.config)}
        return Blueprint(uuid.uuid4().hex, self.problem.name, values, self.options, self.distributions is not None)

    def take(self, measured: Sequence[Measured]) -> list[Row]:
        """Add what a job gave, and return its rows."""
        for item in measured:
            row = item.row
            self._rows[row.key] = row
            self._again.discard(row.key)
            self._learn_bound(row)
            if self.distributions is not None and item.quantiles is not None:
                self.distributions[row.key] = item.quantiles
            if item.view is not None:
                self.views.add(row, item.view)
        return [item.row for item in measured]

    def record(self, row: Row) -> dict[str, Any]:
        """All that is known of a row that was just measured, as JSON values for the journal."""
        quantiles, view = (self.distributions or {}).get(row.key), self.views.entry(row.key)
        return {
            "row": row_to_json(row),
            **({} if quantiles is None else {"quantiles": quantiles.tolist()}),
            **({} if view is None else {"view": json.loads(view)}),
        }

    def _learn_bound(self, row: Row) -> None:
        if row.bound_kind == "proved" and row.bound is not None:
            better = max if self.problem.minimise else min
            self._proved[row.instance] = better(row.bound, self._proved.get(row.instance, row.bound))

    def without_distribution(self) -> list[Row]:
        """Rows of the earlier run that have none though they could: it did not collect them. After :meth:`run`."""
        known = self.distributions or {}
        return [row for row in self._done if self._has_job_costs and row.feasible and row.key not in known]

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


def run_all(benchmarks: Sequence[Benchmark], cluster: Cluster | None = None) -> Iterator[list[Row]]:
    """Do the jobs of some benchmarks, one after the other or on a cluster in any order, yielding the rows of each."""
    for benchmark in benchmarks:
        benchmark.warm_up()
        if cluster is None:
            for job in benchmark.jobs():
                yield benchmark.take(benchmark.workshop.do(job, benchmark.views_wanted(job)))
    if cluster is not None:
        plans = [(benchmark, benchmark.blueprint()) for benchmark in benchmarks]
        jobs = [(benchmark, plan, job) for benchmark, plan in plans for job in benchmark.jobs()]
        for index, measured in cluster.do([(plan, job, benchmark.views_wanted(job)) for benchmark, plan, job in jobs]):
            yield jobs[index][0].take(measured)


def about_this_run(
    command: Sequence[str], config: dict[str, Any], options: AgentOptions, batch: int | None = None
) -> dict[str, Any]:
    """What a reader needs to repeat a run: command, configuration, options of agents, machine, versions.

    Args:
        command: The words of the command line.
        config: What was given of the problem's configuration.
        options: Of the agents.
        batch: Instances of a policy played side by side, where the run has that option.
    """
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
        # infinity is no JSON number
        "time_limit": options.time_limit if math.isfinite(options.time_limit) else str(options.time_limit),
        "workers": options.threads,
        "temperature": options.temperature,
        "quantile": options.quantile,
        "device": options.device,
        **({} if batch is None else {"batch": batch}),
        "machine": {
            "processor": _processor(),
            "cores": available_cores(),
            "system": platform.platform(),
            "python": sys.version.split()[0],
        },
        "versions": versions,
    }


def stamped(about: dict[str, Any]) -> dict[str, Any]:
    """The same description of a run, which says from now on that the run was finished now; for whoever writes it."""
    about["finished"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return about


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
