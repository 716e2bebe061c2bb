"""Runs from JSON files; the format is described in :mod:`.formats`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import InputError
from .application import Application
from .catalog import find_applications, find_platform
from .formats import application_from, check_table, entries, platform_from
from .instance import Physics, SocInstance
from .ranks import costs_of


def run_from(data: dict[str, Any], source: str, physics: Physics) -> SocInstance:
    """A run from JSON values: platform, applications and jobs.

    Raises:
        InputError: Something is missing or wrong; the message begins with ``source``.
    """
    table = check_table(data, source, {"platform", "applications", "jobs"})
    if "platform" not in table:
        raise InputError(f"{source}: 'platform' is missing: a table, or the name of a built-in one")
    platform = table["platform"]
    found = find_platform(platform) if isinstance(platform, str) else platform_from(platform, f"{source}: platform")
    applications: list[Application] = []
    for item in entries(table, "applications", source):
        applications += find_applications(item) if isinstance(item, str) else [application_from(item, source)]
    names = [application.name for application in applications]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{source}: two applications are called {name!r}")
    jobs = _jobs(table, names, source)
    try:
        for application in applications:
            costs_of(found, application)
        arrival = np.array([time for _, time in jobs], np.int64)
        prefilled = int((arrival == 0).sum())
        return SocInstance(
            name=Path(source).stem,
            platform=found,
            applications=tuple(applications),
            job_application=np.array([names.index(name) for name, _ in jobs], np.int64),
            gap=np.diff(arrival, prepend=0)[prefilled:],
            prefilled=prefilled,
            physics=physics,
        )
    except ValueError as error:
        raise InputError(f"{source}: {error}") from None


def _jobs(table: dict[str, Any], names: list[str], source: str) -> list[tuple[str, int]]:
    """Application and arrival of each job, in the order of arrival."""
    if "jobs" not in table:
        return [(name, 0) for name in names]
    jobs = []
    for place, item in enumerate(entries(table, "jobs", source)):
        where = f"{source}: job {place}"
        job = check_table(item, where, {"application", "arrival"})
        if job.get("application") not in names:
            raise InputError(f"{where}: no application is called {job.get('application')!r}")
        time = job.get("arrival", 0)
        if not isinstance(time, int) or isinstance(time, bool) or not 0 <= time < 10**12:
            raise InputError(f"{where}: arrival must be a whole number of microseconds from 0, got {time!r}")
        jobs.append((job["application"], time))
    return sorted(jobs, key=lambda job: job[1])
