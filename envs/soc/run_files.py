"""Runs from JSON files; the format is described in :mod:`.formats`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import InputError
from ..core.fields import shown
from ..core.files import name_of
from ..core.instances import looks_like_a_path
from .application import Application
from .catalog import PLATFORMS, find_applications, find_platform
from .catalog import applications as built_in_applications
from .formats import application_from, check_table, entries, platform_from
from .instance import Physics, SocInstance
from .ranks import costs_of

MOST_APPLICATIONS = 1000
MOST_TASKS = 2_000_000  # of all jobs


def run_from(data: dict[str, Any], source: str, physics: Physics) -> SocInstance:
    """A run from JSON values: platform, applications and jobs.

    Raises:
        InputError: Something is missing or wrong; the message begins with ``source``.
    """
    table = check_table(data, source, {"platform", "applications", "jobs"})
    if "platform" not in table:
        raise InputError(f"{source}: 'platform' is missing: a table, or the name of a built-in one")
    platform = table["platform"]
    if isinstance(platform, str):
        found = find_platform(_built_in(platform, "platform", source))
    else:
        found = platform_from(platform, f"{source}: platform")
    applications: list[Application] = []
    for item in entries(table, "applications", source, MOST_APPLICATIONS):
        named = isinstance(item, str)
        applications += (
            find_applications(_built_in(item, "application", source)) if named else [application_from(item, source)]
        )
    names = [application.name for application in applications]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{source}: two applications are called {name!r}")
    jobs = _jobs(table, names, source)
    sizes = {application.name: application.num_tasks for application in applications}
    if (tasks := sum(sizes[name] for name, _ in jobs)) > MOST_TASKS:
        raise InputError(f"{source}: its jobs have {tasks} tasks together; at most {MOST_TASKS} are read")
    try:
        for application in applications:
            costs_of(found, application)
        arrival = np.array([time for _, time in jobs], np.int64)
        prefilled = int((arrival == 0).sum())
        return SocInstance(
            name=name_of(Path(source)),
            platform=found,
            applications=tuple(applications),
            job_application=np.array([names.index(name) for name, _ in jobs], np.int64),
            gap=np.diff(arrival, prepend=0)[prefilled:],
            prefilled=prefilled,
            physics=physics,
        )
    except ValueError as error:
        raise InputError(f"{source}: {error}") from None


def _built_in(name: str, kind: str, source: str) -> str:
    """A name in a file, which must not make us open other files."""
    if looks_like_a_path(name) and name not in PLATFORMS and name not in built_in_applications():
        raise InputError(
            f"{source}: {kind} {shown(name)}: a run names built-in ones only; write the {kind} itself instead"
        )
    return name


def _jobs(table: dict[str, Any], names: list[str], source: str) -> list[tuple[str, int]]:
    """Application and arrival of each job, in the order of arrival."""
    if "jobs" not in table:
        return [(name, 0) for name in names]
    jobs = []
    for place, item in enumerate(entries(table, "jobs", source)):
        where = f"{source}: job {place}"
        job = check_table(item, where, {"application", "arrival"})
        if job.get("application") not in names:
            raise InputError(f"{where}: no application is called {shown(job.get('application'))}")
        time = job.get("arrival", 0)
        if not isinstance(time, int) or isinstance(time, bool) or not 0 <= time < 10**12:
            raise InputError(f"{where}: arrival must be a whole number of microseconds from 0, got {shown(time)}")
        jobs.append((job["application"], time))
    return sorted(jobs, key=lambda job: job[1])
