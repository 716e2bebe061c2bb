"""Jobs of a benchmark on a Ray cluster: this machine's cores, or those of many machines.

Ray sends pickled Python to its workers and takes it from whoever can reach its ports, so a cluster must be as trusted
as the machine itself.
"""

from __future__ import annotations

import argparse
import logging
import os
import socket
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import Any

from ..agents import make_agent
from ..agents.core import Agent, AgentOptions, available_cores
from ..envs.core.errors import InputError
from ..envs.core.plugins import import_plugin
from ..envs.core.problem import Problem, load_problem
from ..version import __version__
from .measuring import Blueprint, Job, Measured, Workshop, failed, one_line, what_was_raised

LOCAL = "local"
RETRIES = 3  # of a job whose worker dies; then it is recorded as an error
KEPT_WORKSHOPS = 4  # of a worker: a sweep has one for each value
STARTS = 3  # tries to start Ray on this machine
ANSWER_SECONDS = 60.0
OBJECT_STORE_BYTES = 256 * 2**20  # jobs and rows are small

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".*",  # reports of dead workers, which are in the rows
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_task_oom_retries": str(RETRIES),  # by default endless
}

MakeAgent = Callable[[str, Problem[Any, Any, Any], Any, AgentOptions], Agent]


@dataclass(frozen=True)
class WorkerPlan:
    """What a worker needs to do jobs of one benchmark.

    Attributes:
        blueprint: Problem, configuration and options.
        make: Builds an agent from its name.
        plugins: Modules to import first.
    """

    blueprint: Blueprint
    make: MakeAgent
    plugins: tuple[str, ...]


class RayCluster:
    """Workers on a Ray cluster, to be used in a ``with`` statement. Where Ray runs already, that is used and left on.

    Args:
        address: ``"local"`` for a cluster on this machine, which ends with the statement; else where the head of one
            listens, ``HOST:6379``, or ``"auto"``.
        workers: How many jobs run at a time; by default as many as there are cores for.
        threads: Of each worker: a job is given so many cores.
        gpus: Of each worker: a job is given so many.
        make: How workers build agents from their names.
        plugins: Modules that workers import first, because they register problems or agents.

    Raises:
        InputError: Ray is not installed, or a number is below 1.
    """

    def __init__(
        self,
        address: str = LOCAL,
        *,
        workers: int | None = None,
        threads: int = 1,
        gpus: int = 0,
        make: MakeAgent = make_agent,
        plugins: Sequence[str] = (),
    ) -> None:
        if workers is not None and workers < 1:
            raise InputError(f"--ray-workers must be at least 1, got {workers}")
        self._ray = _import_ray()
        self._address, self._workers, self._threads, self._gpus = address, workers, threads, gpus
        self._make, self._plugins = make, tuple(plugins)
        self._started_here = False

    def __enter__(self) -> RayCluster:
        """Start Ray on this machine, or join a cluster, and see that every node has this version of schedlab.

        Raises:
            InputError: There is no such cluster, or a node does not have it.
        """
        if not self._ray.is_initialized():
            self._started_here = True
            self._start()
        try:
            self._check_nodes()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the cluster; a local one ends."""
        self._stop()

    def _start(self) -> None:
        given: dict[str, Any] = {"address": self._address}
        if self._address == LOCAL:
            cores = available_cores() if self._workers is None else self._workers * self._threads
            given |= {
                "num_cpus": max(cores, self._threads),
                "include_dashboard": False,
                "object_store_memory": OBJECT_STORE_BYTES,
            }
        else:
            _knock(self._address)
        for left in reversed(range(STARTS if self._address == LOCAL else 1)):
            try:
                self._ray.init(log_to_driver=False, logging_level=logging.ERROR, **given)
                return
            except Exception as error:  # it raises no narrower type where a busy machine takes it too long to start
                self._ray.shutdown()
                if not left:
                    text = one_line(str(error))
                    raise InputError(f"--ray {self._address}: cannot use this cluster ({text})") from error

    def _stop(self) -> None:
        if self._started_here:
            self._ray.shutdown()
            self._started_here = False

    def _nodes(self) -> list[dict[str, Any]]:
        return [node for node in self._ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) > 0]

    def _check_nodes(self) -> None:
        if not self.slots:
            gpus = f" and {self._gpus} GPU" if self._gpus else ""
            raise InputError(f"--ray {self._address}: no node has {self._threads} cores{gpus} for a worker")
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        probe = self._ray.remote(worker_version)
        for node in self._nodes():
            name, there = node["NodeManagerHostname"], NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            try:
                asked = probe.options(num_cpus=0, max_retries=1, scheduling_strategy=there).remote(self._plugins)
                version = self._ray.get(asked, timeout=ANSWER_SECONDS)
            except self._ray.exceptions.RayError as error:
                raise InputError(
                    f"--ray {self._address}: node {name} cannot run schedlab; install it there "
                    f"({one_line(str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__)})"
                ) from None
            if version != __version__:
                raise InputError(
                    f"--ray {self._address}: node {name} has schedlab {version}, not {__version__}; install the same"
                )

    @property
    def slots(self) -> int:
        """How many jobs can run at a time now."""
        found = sum(self._room_on(node["Resources"]) for node in self._nodes())
        return found if self._workers is None else min(found, self._workers)

    def _room_on(self, resources: dict[str, float]) -> int:
        """How many jobs a node can run at a time: without GPUs, a task that asks for one would wait for ever."""
        room = int(resources["CPU"] // self._threads)
        return min(room, int(resources.get("GPU", 0) // self._gpus)) if self._gpus else room

    def about(self) -> dict[str, Any]:
        """What the summary says of the cluster."""
        nodes = self._nodes()
        return {
            "version": self._ray.__version__,
            "address": self._address,
            "nodes": len(nodes),
            "cpus": int(sum(node["Resources"]["CPU"] for node in nodes)),
            "workers": self.slots,
            "threads_per_worker": self._threads,
        }

    def do(self, tasks: Sequence[tuple[Blueprint, Job, Sequence[bool]]]) -> Iterator[tuple[int, list[Measured]]]:
        """Do jobs; one whose worker dies is tried again on another, :data:`RETRIES` times at most.

        Args:
            tasks: Where each is done, the job, and for which of its instances a view is wanted.

        Yields:
            The index of a task and what it gave, as soon as it is done.
        """
        remote = self._ray.remote(do_job).options(num_cpus=self._threads, num_gpus=self._gpus, max_retries=RETRIES)
        plans: dict[str, Any] = {}
        running: dict[Any, int] = {}
        waiting = iter(enumerate(tasks))
        try:
            while True:
                # a few more than can run, so that no worker waits, and nodes that join have something to do
                room = max(self._most_at_a_time() - len(running), 0)  # none at first where a node was lost
                for index, (blueprint, job, views) in islice(waiting, room):
                    if blueprint.token not in plans:
                        plans[blueprint.token] = self._ray.put(WorkerPlan(blueprint, self._make, self._plugins))
                    running[remote.remote(plans[blueprint.token], job, list(views))] = index
                if not running:
                    return
                (done,), _ = self._ray.wait(list(running), num_returns=1)
                index = running.pop(done)
                yield index, self._result(done, tasks[index])
        finally:
            for reference in running:
                self._ray.cancel(reference, force=True)

    def _most_at_a_time(self) -> int:
        return self._workers if self._workers is not None else 2 * self.slots + 8

    def _result(self, reference: Any, task: tuple[Blueprint, Job, Sequence[bool]]) -> list[Measured]:
        try:
            measured: list[Measured] = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            blueprint, job, _ = task
            text = f"its worker was lost {RETRIES + 1} times: {type(error).__name__}"
            if isinstance(error, self._ray.exceptions.RayTaskError):
                text = f"its worker failed: {str(error).strip().splitlines()[-1]}"
            return failed(blueprint.problem, job, text, 0.0)
        return measured


def add_ray_options(parser: argparse.ArgumentParser) -> None:
    """``--ray`` and ``--ray-workers``."""
    parser.add_argument(
        "--ray",
        nargs="?",
        const=LOCAL,
        metavar="ADDRESS",
        help="do jobs side by side with Ray: on the cores of this machine, or on the cluster at this address "
        "(HOST:6379), which must be a trusted one; agents keep to one thread each unless --workers says otherwise",
    )
    parser.add_argument(
        "--ray-workers",
        type=int,
        metavar="N",
        help="jobs at a time with --ray (default: as many as there are cores for)",
    )


def _import_ray() -> Any:
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)  # read when it is imported, or when its processes start
    try:
        import ray
    except ImportError as error:
        raise InputError(f"--ray needs ray: pip install 'schedlab[ray]' ({error})") from error
    return ray


def _knock(address: str) -> None:
    """Refuse an address where nobody listens, which Ray itself would try for more than a minute."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon:
        return  # "auto", or a name that Ray knows
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_SECONDS / 6).close()
    except (OSError, ValueError, OverflowError) as error:
        raise InputError(f"--ray {address}: no cluster there ({one_line(str(error))})") from None


# What follows runs in workers.


class _Agents(dict[str, Agent]):
    """Agents that are built when they are first asked for."""

    def __init__(self, plan: WorkerPlan, problem: Problem[Any, Any, Any], config: Any) -> None:
        super().__init__()
        self._plan, self._problem, self._config = plan, problem, config

    def __missing__(self, name: str) -> Agent:
        options = self._plan.blueprint.options
        agent = self._plan.make(name, self._problem, self._config, options)
        if (torch := sys.modules.get("torch")) is not None:
            torch.set_num_threads(options.threads)
        self[name] = agent
        return agent


_workshops: OrderedDict[str, Workshop] = OrderedDict()


def worker_version(plugins: Sequence[str]) -> str:
    """The version of schedlab that a worker has, once it has imported the plugins."""
    for module in plugins:
        import_plugin(module)
    return __version__


def do_job(plan: WorkerPlan, job: Job, views: Sequence[bool]) -> list[Measured]:
    """Do a job in a worker, which keeps the problem and the agents for the next one."""
    blueprint = plan.blueprint
    try:
        if (workshop := _workshops.get(blueprint.token)) is None:
            for module in plan.plugins:
                import_plugin(module)
            problem = load_problem(blueprint.problem)
            config = problem.configure(blueprint.config)
            agents = _Agents(plan, problem, config)
            workshop = Workshop(problem, config, agents, blueprint.options.time_limit, blueprint.with_quantiles)
            _workshops[blueprint.token] = workshop
            if len(_workshops) > KEPT_WORKSHOPS:
                _workshops.popitem(last=False)
    except Exception as error:
        return failed(blueprint.problem, job, f"its worker cannot begin: {what_was_raised(error)}", 0.0)
    return workshop.do(job, views)
