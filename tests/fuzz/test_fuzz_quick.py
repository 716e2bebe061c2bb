"""A little of the long fuzzing run (``make fuzz``), and every file that it once found something with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from schedlab.envs import PROBLEMS
from schedlab.envs.core import load_problem

from .files import configured, read_case, seed_of, spoilt, valid, write_case
from .play import play
from .solutions import check_case, spoilt_solution

SEED = 20
FINDINGS = sorted(path for path in (Path(__file__).parent / "findings").glob("*/*") if path.is_file())


@pytest.mark.parametrize("name", list(PROBLEMS))
def test_spoilt_files_are_read_or_refused(name, tmp_path):
    rng = np.random.default_rng([SEED, 0])
    problem, config = configured(name, rng)
    seeds = [seed_of(problem, config, rng) for _ in range(5)]
    for case in range(150):
        seed = seeds[case % 5]
        path = write_case(tmp_path, case, seed, spoilt(seed, rng) if case >= 5 else valid(seed))
        read = read_case(path, problem, config, rng)
        assert read.accepted or case >= 5, "a valid file is refused"


@pytest.mark.parametrize("name", list(PROBLEMS))
def test_environments_keep_their_promises_under_legal_and_illegal_actions(name):
    rng = np.random.default_rng([SEED, 1])
    problem, finished = load_problem(name), []
    for _ in range(3):
        config, played = play(name, rng, rows=2, budget=60)
        finished += [(config, *episode) for episode in played.finished]
        assert played.steps >= 120
    for config, instance, data, told in finished[:8]:
        assert not check_case(problem, config, instance, data, data, told).refused
        for _ in range(20):
            check_case(problem, config, instance, spoilt_solution(data, rng), data, told)


@pytest.mark.parametrize("path", FINDINGS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_was_found_once_stays_mended(path):
    """The folder is the problem; a file says in its name what it holds."""
    rng = np.random.default_rng(0)
    problem = load_problem(path.parent.name)
    values = {"breakdown_probability": 0.1} if path.parent.name == "blocking-job-shop" else {}
    read_case(path, problem, problem.configure(values), rng)


def test_an_improvement_environment_takes_shops_with_fewer_machines_after_shops_with_more():
    """Found by the first run: machine orders of the earlier shop were left behind those of the later one."""
    problem = load_problem("job-shop-improvement")
    config = problem.configure({"num_jobs": 3})
    shops = [
        problem.sampler(problem.configure({"num_jobs": 3, "num_machines": machines}))(np.random.default_rng(0))
        for machines in (5, 3)
    ]
    simulator = problem.simulator_for(shops, config, 1)
    for instance in shops:
        simulator.reset([instance])
        fresh = problem.simulator_for([instance], config, 1)
        fresh.reset([instance])
        assert simulator.objective() == fresh.objective()


def test_the_record_counts_what_the_runs_counted():
    """``docs/fuzzing.md`` and the numbers that the runs wrote."""
    folder = Path(__file__).parent
    record = json.loads((folder / "record.json").read_text())
    page = (folder.parents[1] / "docs" / "fuzzing.md").read_text()
    assert {tally["problem"] for tally in record} <= set(PROBLEMS)
    for tally in record:
        assert tally["parser"] + tally["steps"] + tally["solutions"] >= 100_000
        for name in ("parser", "steps", "solutions"):
            assert f"{tally[name]:,}" in page, (tally["problem"], name)
