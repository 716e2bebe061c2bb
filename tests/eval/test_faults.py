"""What happens to a benchmark, a sweep or a race when agents, disks or processes fail."""

import contextlib
import errno
import io
import os
import random
import signal
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from schedlab.agents import SolverResult, make_agent, run_policy
from schedlab.agents.core import Solver
from schedlab.envs.job_shop import PROBLEM, JobShopConfig, JobShopSolution
from schedlab.eval.cli import main
from schedlab.eval.folders import BENCHMARK, RACE, ResultsFolder
from schedlab.eval.journal import JOURNAL_FILE
from schedlab.eval.race_results import read_race
from schedlab.eval.results import read_results, row_to_json, write_results
from schedlab.eval.views import read_views

from .rows import row

CONFIG = JobShopConfig()
SPT = make_agent("spt", PROBLEM, CONFIG)
SMALL = ["--instances", "ft06,la01-la05", "--agents"]


class Odd(Solver):
    """Solves by a rule; what it does about the instance called ``instance`` is ``fail``."""

    def __init__(self, fail, instance="la01"):
        self.fail, self.instance = fail, instance

    def solve(self, instance, *, time_limit, seed):
        simulator = PROBLEM.simulator_for([instance], CONFIG)
        run_policy(SPT, simulator, [instance])
        solution = simulator.solution(0)
        return self.fail(solution) if instance.name == self.instance else SolverResult(solution)


def raises(solution):
    raise ValueError("three\nlines\x1b[31m\nof text")


def out_of_memory(solution):
    raise MemoryError


FAILURES = [
    (raises, "ValueError: three lines [31m of text (test_faults.py, line "),
    (out_of_memory, "MemoryError: (test_faults.py, line "),
    (lambda solution: None, "it returned nothing, not a SolverResult"),
    (lambda solution: solution, "it returned JobShopSolution, not a SolverResult"),
    (lambda solution: SolverResult(None), "it returned no solution"),
    (lambda solution: SolverResult("seven"), "the checker cannot read its solution: AttributeError"),
    (lambda solution: SolverResult(JobShopSolution(np.zeros_like(solution.start))), "infeasible: job 0, operation 1"),
]


def with_agent(monkeypatch, agent):
    """Make the command line know an agent called ``odd``, and the rules."""
    monkeypatch.setattr(
        "schedlab.eval.commands.make_agent",
        lambda name, problem, *rest: agent if name == "odd" else make_agent(name, problem, *rest),
    )


@pytest.mark.parametrize(("fail", "error"), FAILURES)
def test_an_agent_that_fails_has_a_row_that_says_so_and_the_others_go_on(capsys, tmp_path, monkeypatch, fail, error):
    with_agent(monkeypatch, Odd(fail))
    words = ["benchmark", "job-shop", *SMALL, "odd,spt", "--out", str(tmp_path)]
    assert main(words) == 1
    out, err = capsys.readouterr()
    assert err.startswith("schedlab: odd on la01, seed 0: ")
    assert error in err
    assert err.count("\n") == 1
    assert "1 of 12 INFEASIBLE" in out
    rows = {found.key: found for found in read_results(tmp_path)}
    bad = rows.pop(("la01", "odd", 0))
    assert bad.error in err
    assert (bad.objective, bad.gap, bad.feasible) == (None, None, False)
    assert len(rows) == 11
    assert all(found.feasible and not found.error for found in rows.values())
    assert "error" in (tmp_path / "results.csv").read_text().splitlines()[0]
    assert {(view.instance, view.agent) for view in read_views(tmp_path)} == {
        ("ft06", "odd"), ("ft06", "spt"), ("la01", "spt")
    }  # fmt: skip


@pytest.mark.parametrize(("fail", "error"), FAILURES)
def test_a_race_goes_on_as_well(capsys, tmp_path, monkeypatch, fail, error):
    with_agent(monkeypatch, Odd(fail))
    words = ["race", "job-shop", *SMALL, "odd,spt", "--out", str(tmp_path), "--time-limit", "0.1"]
    assert main(words) == 1
    assert error in capsys.readouterr().out
    rows = {found.key: found for found in read_race(tmp_path)[1]}
    assert error in rows.pop(("la01", "odd", 0)).error
    assert all(not found.error for found in rows.values())


def test_an_agent_that_always_fails_is_told_of_ten_times(capsys, tmp_path, monkeypatch):
    agent = Odd(raises)
    agent.solve = lambda instance, **_: None
    with_agent(monkeypatch, agent)
    main(["benchmark", "job-shop", "--instances", "la01-la15", "--agents", "odd", "--out", str(tmp_path)])
    err = capsys.readouterr().err
    assert err.count("schedlab: odd on") == 10
    assert err.endswith("schedlab: further errors are only written to --out\n")


def test_errors_are_measured_again_when_a_run_is_resumed(tmp_path, monkeypatch):
    words = ["job-shop", *SMALL, "odd", "--out", str(tmp_path), "--time-limit", "0.1"]
    for verb, read in (("benchmark", read_results), ("race", lambda path: read_race(path)[1])):
        with_agent(monkeypatch, Odd(raises))
        assert main([verb, *words]) == 1
        before = {found.instance: found for found in read(tmp_path)}
        with_agent(monkeypatch, Odd(SolverResult))
        assert main([verb, *words, "--resume"]) == 0
        after = {found.instance: found for found in read(tmp_path)}
        assert after.pop("la01").objective is not None
        assert all(before[name] == found for name, found in after.items())


def test_an_error_of_another_agent_stays_when_a_run_is_resumed_without_it(tmp_path, monkeypatch):
    words = ["benchmark", "job-shop", *SMALL]
    with_agent(monkeypatch, Odd(raises))
    main([*words, "odd", "--out", str(tmp_path)])
    main([*words, "spt", "--out", str(tmp_path), "--resume"])
    assert [found.key for found in read_results(tmp_path) if found.error] == [("la01", "odd", 0)]


def failing_disk(monkeypatch, name, code=errno.ENOSPC):
    """Make every file of that name unwritable."""
    real = os.open

    def refuse(path, flags, *rest, **more):
        if name in os.fspath(path) and flags & (os.O_WRONLY | os.O_RDWR):
            raise OSError(code, os.strerror(code), path)
        return real(path, flags, *rest, **more)

    monkeypatch.setattr(os, "open", refuse)


def test_on_a_full_disk_the_table_is_printed_all_the_same(capsys, tmp_path, monkeypatch):
    failing_disk(monkeypatch, ".results.json.")
    status = main(["benchmark", "job-shop", *SMALL, "spt", "--out", str(tmp_path)])
    monkeypatch.undo()
    out, err = capsys.readouterr()
    assert status == 1
    assert "spt" in out
    assert "every solution checked" in out
    first, last = err.splitlines()
    assert first == (
        f"schedlab: {tmp_path}/results.json: cannot be written (No space left on device); "
        "results so far stay in memory, and writing is tried again"
    )
    assert last == f"schedlab: {tmp_path}/results.json: No space left on device"
    assert main(["benchmark", "job-shop", *SMALL, "spt", "--out", str(tmp_path), "--resume"]) == 0
    assert len(read_results(tmp_path)) == 6


def test_rows_that_the_journal_could_not_take_are_in_the_files(capsys, tmp_path, monkeypatch):
    with ResultsFolder(tmp_path, BENCHMARK, "job-shop", {}, False) as folder:
        real, full = os.write, [True]

        def write(handle, data):
            if full[0]:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(handle, data)

        monkeypatch.setattr(os, "write", write)
        folder.keep([{"row": row_to_json(row("a"))}])
        folder.keep([{"row": row_to_json(row("b"))}])
        full[0] = False
        folder.keep([{"row": row_to_json(row("c"))}])
        folder.save(lambda path: write_results(path, [row("a"), row("b"), row("c")], {}))
        assert folder.failed == ""
    assert capsys.readouterr().err.count(f"{JOURNAL_FILE}: cannot be written (No space left on device)") == 1
    assert [found.agent for found in read_results(tmp_path)] == ["a", "b", "c"]


@pytest.mark.parametrize("verb", ["benchmark", "race"])
@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_measured(
    capsys, tmp_path, monkeypatch, verb, code
):
    with_agent(monkeypatch, Odd(lambda solution: pytest.fail("it was measured"), "ft06"))
    failing_disk(monkeypatch, JOURNAL_FILE, code)
    assert main([verb, "job-shop", *SMALL, "odd", "--out", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert f"cannot be written ({os.strerror(code)}); use another --out" in err


@pytest.mark.parametrize("out", ["/proc/none/x", "/dev/null"])
def test_a_folder_that_cannot_be_made_is_refused(capsys, out):
    assert main(["benchmark", "job-shop", *SMALL, "spt", "--out", out]) == 2
    assert capsys.readouterr().err.startswith(f"schedlab: {out}: ")


class Killed(BaseException):
    """What a process that is dead does not survive."""


def killed_at(monkeypatch, moment):
    """Let the process die at that call of the system: nothing that writes does anything from then on."""
    calls = [0]

    def dying(real):
        def call(*arguments, **more):
            calls[0] += 1
            if calls[0] > moment:
                raise Killed
            return real(*arguments, **more)

        return call

    for name in ("write", "fsync", "replace", "ftruncate", "unlink", "chmod"):
        monkeypatch.setattr(os, name, dying(getattr(os, name)))
    return calls


@pytest.fixture
def quick_disk():
    """A folder in memory, where there is one: a process that is killed does not tell the difference."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as name:
        yield Path(name)


def test_a_run_that_dies_at_any_call_of_the_system_goes_on_without_losing_a_row(quick_disk, monkeypatch):
    measured = []

    class Counting(Odd):
        def solve(self, instance, *, time_limit, seed):
            measured.append(instance.name)
            return super().solve(instance, time_limit=time_limit, seed=seed)

    monkeypatch.setattr("schedlab.eval.progress.SAVE_EVERY", -1.0)  # after every job
    monkeypatch.setattr("schedlab.eval.progress.SAVING_SHARE", 1e9)
    with_agent(monkeypatch, Counting(SolverResult))
    words = ["benchmark", "job-shop", "--instances", "ft06,la01", "--agents", "odd", "--views", "none", "--out"]
    main([*words, str(quick_disk / "whole")])
    expected = [(found.key, found.objective) for found in read_results(quick_disk / "whole")]
    moment, died = 0, True
    while died:
        folder = quick_disk / str(moment)
        with monkeypatch.context() as patch, contextlib.redirect_stdout(io.StringIO()):
            calls = killed_at(patch, moment)
            with contextlib.suppress(Killed):
                main([*words, str(folder)])
        died = calls[0] > moment
        with ResultsFolder(folder, BENCHMARK, "job-shop", {"config": {}, "time_limit": 10.0}, True) as opened:
            safe = {found.instance for found in opened.rows}
        measured.clear()
        assert main([*words, str(folder), "--resume"]) == 0
        assert not safe & set(measured), "what is safe is not measured again"
        assert [(found.key, found.objective) for found in read_results(folder)] == expected
        moment += 1
    assert moment > 30


class Slow(Odd):
    """Takes a while, and writes down what it has done."""

    stochastic = False

    def __init__(self, log):
        super().__init__(SolverResult)
        self.log = log

    def solve(self, instance, *, time_limit, seed):
        time.sleep(0.002)
        found = super().solve(instance, time_limit=time_limit, seed=seed)
        with open(self.log, "a") as file:
            file.write(f"{instance.name}\n")
        return found


VERBS = {
    "benchmark": (["benchmark", "job-shop", "--instances", "la01-la40"], BENCHMARK, read_results, 10.0),
    "race": (["race", "job-shop", "--instances", "la01-la20"], RACE, lambda path: read_race(path)[1], 10.0),
    "sweep": (
        ["sweep", "job-shop", "--preset", "random-6x6", "--option", "num-jobs", "--values", "4,5,6", "--seeds", "0-9"],
        BENCHMARK, read_results, 10.0,
    ),
}  # fmt: skip


def run_and_kill(words, rng, longest):
    """Run a command in a process of its own and kill it at a random moment; returns whether it was still running."""
    if (child := os.fork()) == 0:
        try:
            with (
                open(os.devnull, "w") as nowhere,
                contextlib.redirect_stdout(nowhere),
                contextlib.redirect_stderr(nowhere),
            ):
                os._exit(main(words))
        finally:
            os._exit(99)
    time.sleep(rng.uniform(0, longest))
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def safe_rows(folder, contents, words, time_limit):
    """What a run that goes on would not measure again."""
    about = {"config": {}, "time_limit": time_limit, "workers": len(os.sched_getaffinity(0))}
    if words[0] == "sweep":
        about |= {"preset": "random-6x6", "option": "num-jobs"}
    with ResultsFolder(folder, contents, "job-shop", about, True) as opened:
        return {found.key: (found.objective, found.seconds) for found in opened.rows}


@pytest.mark.parametrize(("verb", "kills"), [("benchmark", 50), ("sweep", 5), ("race", 5)])
def test_a_run_that_is_killed_again_and_again_loses_nothing_and_measures_nothing_twice(
    quick_disk, monkeypatch, verb, kills
):
    words, contents, read, time_limit = VERBS[verb]
    log = quick_disk / "log"
    agent = Slow(log)
    with_agent(monkeypatch, agent)
    monkeypatch.setattr("schedlab.eval.sweep.make_agent", lambda name, *_: agent)
    monkeypatch.setattr("schedlab.eval.progress.SAVE_EVERY", 0.01)  # so that it is killed while it writes, too
    monkeypatch.setattr("schedlab.eval.progress.SAVING_SHARE", 1.0)
    words = [*words, "--agents", "odd", "--out"]
    monkeypatch.setattr("schedlab.eval.report.save_figure", lambda *_: None)  # pictures take longer than measuring
    main([*words, str(quick_disk / "first")])
    began = time.monotonic()
    assert main([*words, str(quick_disk / "whole")]) == 0
    longest = time.monotonic() - began
    expected = [(found.key, found.objective) for found in read(quick_disk / "whole")]
    rng, killed, attempt = random.Random(0), 0, 0
    while killed < kills:
        folder, safe = quick_disk / str(attempt), {}
        attempt += 1
        while killed < kills:
            log.write_text("")
            alive = run_and_kill([*words, str(folder), "--resume"], rng, 0.7 * longest)
            killed += alive
            measured = log.read_text().split()
            assert not set(measured) & {instance for instance, _, _ in safe}
            now = safe_rows(folder, contents, words, time_limit)
            assert {key: now.get(key) for key in safe} == safe, "a row that was safe stays as it is"
            # all but the one that was just under way; another is solved before the clock starts, of every value
            assert len(now) - len(safe) >= len(measured) - (4 if verb == "sweep" else 2), "what was finished is safe"
            assert len(now) - len(safe) <= len(measured)
            safe = now
            if not alive:
                break
        assert main([*words, str(folder), "--resume"]) == 0
        assert [(found.key, found.objective) for found in read(folder)] == expected
