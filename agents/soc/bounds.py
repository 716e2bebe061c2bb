"""The rate of jobs that no scheduler can keep up with: at which the PEs are all busy."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ...envs.core.errors import InputError
from ...envs.soc.application import Application
from ...envs.soc.config import SocConfig
from ...envs.soc.platform import Platform
from ...envs.soc.ranks import costs_of


def sustainable_rate(
    platform: Platform, applications: Sequence[Application], mix: Sequence[float] | None, config: SocConfig
) -> float:
    """Upper bound on the jobs per millisecond that any scheduler can keep up with.

    A linear programme: the largest rate at which the work, each task split among kinds of PEs in any way, fits into
    their time. Transfers and precedence are left out.

    Args:
        platform: The platform.
        applications: What arrives.
        mix: Share of each application; ``None`` for all alike.
        config: Frequencies, and the least time of a task.

    Returns:
        The rate; infinite if tasks take no time.

    Raises:
        InputError: OR-Tools is not installed, or the mix does not fit the applications.
        ValueError: No PE can run one of the tasks.
    """
    try:
        from ortools.linear_solver import pywraplp
    except ImportError as error:
        raise InputError("the bound on the rate needs OR-Tools: pip install 'schedlab[solvers]'") from error
    shares = np.ones(len(applications)) if mix is None else np.asarray(mix, np.float64)
    if len(shares) != len(applications) or not (np.all(shares >= 0) and shares.sum() > 0):
        raise InputError(f"mix: {len(applications)} shares from 0 with a positive sum are needed, got {mix!r}")
    solver = pywraplp.Solver.CreateSolver("GLOP")
    rate = solver.NumVar(0, solver.infinity(), "jobs per millisecond")
    solver.Maximize(rate)
    first = np.searchsorted(platform.kind_of, np.arange(len(platform.kinds)))
    work = [solver.Constraint(-solver.infinity(), 1000.0 * kind.count) for kind in platform.kinds]
    for application, share in zip(applications, shares / shares.sum(), strict=True):
        costs = costs_of(platform, application, config.dvfs, config.rounding, config.shortest_task)
        for times in costs.execution[:, first]:
            arrivals = solver.Constraint(0, 0)
            arrivals.SetCoefficient(rate, -float(share))
            for kind in np.flatnonzero(times >= 0):
                done_here = solver.NumVar(0, solver.infinity(), "")
                arrivals.SetCoefficient(done_here, 1.0)
                work[kind].SetCoefficient(done_here, float(times[kind]))
    status = solver.Solve()
    return math.inf if status == solver.UNBOUNDED else float(solver.Objective().Value())
