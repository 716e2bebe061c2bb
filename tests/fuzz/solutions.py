"""Solution cases: what an episode decided, spoilt, read and checked."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from schedlab.envs.core import InputError
from schedlab.envs.core.problem import Problem

from .mutate import spoil_json


@dataclass(frozen=True)
class Checked:
    """What became of a solution: refused as no solution at all, or judged."""

    refused: bool
    feasible: bool


def spoilt_solution(data: Any, rng: np.random.Generator) -> Any:
    """A solution's JSON values with something changed."""
    return spoil_json(json.loads(json.dumps(data)), rng)


def check_case(
    problem: Problem[Any, Any, Any], config: Any, instance: Any, data: Any, original: Any, told: float
) -> Checked:
    """Read and check a solution; the verdict must stand, also when the solution is written and read again.

    Args:
        problem: The problem.
        config: Its configuration.
        instance: The instance.
        data: The solution as JSON values, spoilt.
        original: The same as the environment gave it.
        told: The objective that the environment told.

    Raises:
        AssertionError: The verdict makes no sense.
        Exception: The reader or the checker failed: a finding.
    """
    try:
        solution = problem.solution_from_json(instance, data)
    except InputError as error:
        message = str(error)
        assert message, "an empty message"
        assert "\n" not in message, f"a message of several lines: {message!r}"
        assert len(message) < 2000, f"a message of {len(message)} characters"
        return Checked(True, False)
    report = problem.check(instance, solution, config)
    assert report.feasible == (not report.violations), "the verdict and its reasons differ"
    assert report.feasible == math.isfinite(report.objective), f"feasible {report.feasible}, {report.objective}"
    written = problem.solution_to_json(instance, solution)
    again = problem.check(instance, problem.solution_from_json(instance, json.loads(json.dumps(written))), config)
    assert again.feasible == report.feasible, "written and read again, the verdict is another"
    if report.feasible:
        assert again.objective == report.objective, "written and read again, the objective is another"
        costs = problem.job_costs(instance, solution, config)
        assert costs is None or (np.isfinite(costs).all() and (costs >= 0).all()), "costs of jobs are wrong"
        assert all(math.isfinite(value) for value in report.measures.values()), "a measure is not finite"
        if written == original:
            same = math.isclose(report.objective, told, rel_tol=1e-9, abs_tol=1e-9)
            assert same, f"the environment said {told}, the checker {report.objective}"
    return Checked(False, report.feasible)
