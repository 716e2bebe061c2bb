"""Benchmarks and sweeps on Ray workers, two on this machine; there is no test with several machines."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from schedlab.agents import SolverResult, make_agent, run_policy
from schedlab.agents.core import AgentOptions, Solver
from schedlab.envs.core import InputError
from schedlab.envs.job_shop import PROBLEM, JobShopConfig
from schedlab.eval.benchmark import Benchmark
from schedlab.eval.cli import main
from schedlab.eval.instance_sets import expand_instances
from schedlab.eval.journal import JOURNAL_FILE, parse_journal
from schedlab.eval.measuring import Job
from schedlab.eval.ray_jobs import QUIET, RayCluster
from schedlab.eval.results import read_results
from schedlab.eval.views import Views, read_views, wanted_views

os.environ.update(QUIET)  # ray reads them when it is imported
ray = pytest.importorskip("ray")

CONFIG = JobShopConfig()
ROOT = Path(__file__).parents[2]
AGENTS = ("spt", "random", "random@4")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--ray-workers", "2"), "--ray-workers needs --ray"),
        (("--ray", "127.0.0.1:1"), "--ray 127.0.0.1:1: no cluster there ([Errno 111] Connection refused)"),
        (("--ray", "127.0.0.1:x"), "--ray 127.0.0.1:x: no cluster there (invalid literal for int() with base 10: 'x')"),
        (("--ray", "--ray-workers", "0"), "--ray-workers must be at least 1, got 0"),
    ],
)
def test_bad_options_are_refused_in_one_line(capsys, words, message):
    # before there is a cluster: one that runs already would be used
    assert main(["benchmark", "job-shop", "--instances", "ft06", "--agents", "spt", *words]) == 2
    assert capsys.readouterr().err == f"schedlab: {message}\n"


def test_without_ray_one_line_says_how_to_get_it(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main(["benchmark", "job-shop", "--instances", "ft06", "--agents", "spt", "--ray"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("schedlab: --ray needs ray: pip install 'schedlab[ray]'")
    assert err.count("\n") == 1


class FakeRay:
    """A cluster of which machines are lost; does every task itself, the last one first."""

    def __init__(self, *nodes):
        self.resources, self.most = list(nodes), 0

    def is_initialized(self):
        return True

    def nodes(self):
        return [{"Alive": True, "NodeID": str(i), "Resources": item} for i, item in enumerate(self.resources)]

    def remote(self, function):
        self.options = lambda **_: SimpleNamespace(remote=lambda plan, job, views: (len(job.entries), job))
        return self

    def put(self, value):
        return value

    def wait(self, running, num_returns):
        self.most = max(self.most, len(running))
        return [running[-1]], running[:-1]

    def get(self, reference):
        return [reference[1].agent]

    def cancel(self, reference, force):
        pass


def test_jobs_go_on_when_machines_are_lost(monkeypatch):
    fake = FakeRay(*[{"CPU": 16.0}] * 4)
    monkeypatch.setattr("schedlab.eval.ray_jobs._import_ray", lambda: fake)
    cluster = RayCluster("auto")
    blueprint = benchmark(["spt"], "ft06").blueprint()
    done = []
    for index, _ in cluster.do([(blueprint, Job(str(number), (), ()), ()) for number in range(200)]):
        done.append(index)
        if len(done) == 5:
            del fake.resources[1:]
    assert sorted(done) == list(range(200))
    assert fake.most == 2 * 64 + 8


@pytest.mark.parametrize(
    ("nodes", "slots"),
    [
        ([{"CPU": 16.0, "GPU": 2.0}], 2),
        ([{"CPU": 1.0, "GPU": 8.0}, {"CPU": 4.0}], 1),
        ([{"CPU": 4.0}, {"GPU": 1.0}], 0),
    ],
)
def test_a_worker_with_a_gpu_has_room_only_where_there_is_one(monkeypatch, nodes, slots):
    monkeypatch.setattr("schedlab.eval.ray_jobs._import_ray", lambda: FakeRay(*nodes))
    cluster = RayCluster("auto", gpus=1)
    assert cluster.slots == slots
    if not slots:
        with pytest.raises(InputError, match="--ray auto: no node has 1 cores and 1 GPU for a worker"):
            cluster.__enter__()


@pytest.fixture(scope="module")
def two_workers():
    """One cluster of two workers for all tests; :class:`RayCluster` uses what runs."""
    with contextlib.ExitStack() as stack:
        try:
            cluster = stack.enter_context(RayCluster(workers=2))
        except InputError as error:
            if "timed out during startup" in str(error):
                pytest.skip("this machine is too busy: Ray gave up to start, after three times half a minute")
            raise
        yield cluster


class Mortal(Solver):
    """Kills the process that it runs in: once on the instance ft06, always on la02; raises on la03."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def solve(self, instance, *, time_limit, seed):
        with (self.folder / instance.name).open("a") as file:
            file.write("x")
        if instance.name == "la02" or (instance.name == "ft06" and (self.folder / "ft06").stat().st_size == 1):
            os.kill(os.getpid(), signal.SIGKILL)
        if instance.name == "la03":
            raise ValueError("not this one")
        simulator = PROBLEM.simulator_for([instance], CONFIG)
        run_policy(make_agent("spt", PROBLEM, CONFIG), simulator, [instance])
        return SolverResult(simulator.solution(0))


def make_mortal(name, problem, config, options):
    """Runs in the workers: an agent's name may be that of a folder."""
    return Mortal(name) if "/" in name else make_agent(name, problem, config, options)


def benchmark(names, instances, cluster=None, views=None, distributions=None, config=CONFIG):
    options = AgentOptions(time_limit=1, workers=1)
    agents = {name: make_mortal(name, PROBLEM, config, options) for name in names}
    entries = expand_instances(instances, (0, 1), PROBLEM, config)
    views = Views(wanted_views(PROBLEM, entries, "first")) if views is None else views
    return Benchmark(
        PROBLEM, config, entries, agents, options, 2, views=views, cluster=cluster, distributions=distributions
    )


def facts(rows):
    """All of a row but the time."""
    return [{**vars(row), "seconds": 0.0} for row in rows]


def test_workers_give_the_same_rows_views_and_distributions_as_this_process(two_workers, tmp_path):
    config = JobShopConfig(objective="total-tardiness", due_date_factor=1.3)
    runs = [benchmark(AGENTS, "la01-la06", cluster, None, {}, config) for cluster in (None, two_workers)]
    for number, run in enumerate(runs):
        assert sum(map(len, run.run())) == 30
        assert run.jobs() == []
        (tmp_path / str(number)).mkdir()
        run.views.write(tmp_path / str(number))
    here, there = runs
    assert facts(here.rows()) == facts(there.rows())
    assert {key: value.tolist() for key, value in here.distributions.items()} == {
        key: value.tolist() for key, value in there.distributions.items()
    }
    views = [{view.key: view for view in read_views(tmp_path / number)} for number in "01"]
    assert views[0] == views[1] != {}


def test_bounds_that_a_worker_proves_serve_every_agent(two_workers):
    run = benchmark(["spt", "cp-sat"], "random-6x6", two_workers)
    list(run.run())
    assert {(row.bound_kind, row.gap is not None) for row in run.rows()} == {("proved", True)}


def test_a_worker_that_dies_costs_its_own_job_only(two_workers, tmp_path):
    name = f"{tmp_path}/"
    cluster = RayCluster(workers=2, make=make_mortal)
    with cluster:
        run = benchmark([name, "spt"], "ft06,la01-la06", cluster)
        list(run.run())
    rows = {(row.instance, row.agent): row for row in run.rows()}
    assert len(rows) == 14
    errors = {instance: row.error for (instance, _), row in rows.items() if row.error}
    assert set(errors) == {"la02", "la03"}
    assert errors["la02"].startswith("its worker was lost 4 times")
    assert errors["la03"].startswith("ValueError: not this one (test_ray.py, line ")
    # a worker that has not warmed up yet solves its first instance twice
    assert (tmp_path / "ft06").read_text() in ("xx", "xxx"), "tried again after the first worker died"
    assert (tmp_path / "la02").read_text() == "xxxx"
    for instance in ("ft06", "la01", "la04"):
        assert rows[instance, name].objective == rows[instance, "spt"].objective


def test_an_agent_that_a_worker_cannot_build_is_an_error_of_its_rows(two_workers):
    def refuse(name, problem, config, options):
        raise InputError("no such checkpoint here")

    with RayCluster(make=refuse) as cluster:
        run = benchmark(["spt"], "ft06", cluster)
        list(run.run())
    (row,) = run.rows()
    assert row.error.startswith("InputError: no such checkpoint here")


def test_the_command_line_writes_what_it_writes_without_ray(two_workers, capsys, tmp_path):
    words = ["benchmark", "job-shop", "--instances", "ft06,la01", "--agents", "spt,random@4", "--seeds", "0,1", "--out"]
    assert main([*words, str(tmp_path / "here"), "--workers", "1"]) == 0
    assert main([*words, str(tmp_path / "there"), "--ray", "--ray-workers", "2"]) == 0
    assert capsys.readouterr().err == ""
    here, there = (read_results(tmp_path / name) for name in ("here", "there"))
    assert facts(here) == facts(there)
    assert [view.key for view in read_views(tmp_path / "here")] == [view.key for view in read_views(tmp_path / "there")]
    summary = json.loads((tmp_path / "there" / "summary.json").read_text())
    assert (summary["workers"], summary["ray"]["nodes"], summary["ray"]["workers"]) == (1, 1, 2)
    assert summary["ray"]["version"] == ray.__version__
    assert main([*words, str(tmp_path / "here"), "--ray", "--resume"]) == 0, "a run can go on elsewhere"
    assert read_results(tmp_path / "here") == here


def test_another_process_joins_the_cluster_by_its_address(two_workers, tmp_path):
    address = ray.get_runtime_context().gcs_address
    words = ["benchmark", "job-shop", "--instances", "ft06,la01", "--agents", "spt,mor", "--ray", address]
    joined = subprocess.run(
        [sys.executable, "-m", "schedlab.eval", *words, "--out", str(tmp_path)],
        env={**os.environ, "RAY_AUTH_MODE": "token"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (joined.returncode, joined.stderr) == (0, "")
    assert len(read_results(tmp_path)) == 4
    about = json.loads((tmp_path / "summary.json").read_text())["ray"]
    assert (about["address"], about["cpus"]) == (address, 2)


def test_a_sweep_can_run_on_ray(two_workers, tmp_path):
    words = ["sweep", "job-shop", "--preset", "random-6x6", "--option", "num-jobs", "--values", "4,6", "--seeds", "0-2"]
    assert main([*words, "--agents", "spt,random", "--out", str(tmp_path / "here")]) == 0
    assert main([*words, "--agents", "spt,random", "--out", str(tmp_path / "there"), "--ray"]) == 0
    assert facts(read_results(tmp_path / "here")) == facts(read_results(tmp_path / "there"))


DRIVER = """
import sys, time
from tests.eval.test_ray import make_slow
from schedlab.eval import commands
from schedlab.eval.cli import main
from schedlab.eval.ray_jobs import QUIET, RayCluster
commands.make_agent = make_slow
commands.RayCluster = lambda *rest, **more: RayCluster(*rest, **more, make=make_slow)
raise SystemExit(main(sys.argv[1:]))
"""


class Slow(Mortal):
    """Takes a while."""

    def solve(self, instance, *, time_limit, seed):
        time.sleep(0.2)
        simulator = PROBLEM.simulator_for([instance], CONFIG)
        run_policy(make_agent("spt", PROBLEM, CONFIG), simulator, [instance])
        return SolverResult(simulator.solution(0))


def make_slow(name, problem, config, options=None):
    """Runs in the driver and the workers."""
    return Slow(".")


def children(pid):
    """Processes below one; not Ray's agents, which look about themselves for a minute before they leave."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue
        if int(text.rpartition(")")[2].split()[1]) == pid:
            own = int(path.parent.name)
            found += children(own) if "ray::Dash" in text or "ray::Runtime" in text else [own, *children(own)]
    return found


def command(pid):
    """What a process runs; empty where it is gone or dead."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def safe_instances(folder):
    """Those with a row in the journal or, after five seconds, in the files."""
    found = {row.instance for row in read_results(folder)} if (folder / "results.json").exists() else set()
    data = (folder / JOURNAL_FILE).read_bytes() if (folder / JOURNAL_FILE).exists() else b""
    return found | {record["row"]["instance"] for record in parse_journal(data).records}


def test_a_driver_that_is_killed_takes_its_workers_along_and_can_be_resumed(two_workers, tmp_path):
    words = ["benchmark", "job-shop", "--instances", "la01-la20", "--agents", "slow", "--out", str(tmp_path)]
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, *words, "--ray", "--ray-workers", "2"],
        cwd=ROOT,
        env={**os.environ, "RAY_ADDRESS": ""},
    )
    until = time.monotonic() + 240
    while time.monotonic() < until and driver.poll() is None and len(safe_instances(tmp_path)) < 3:
        time.sleep(0.05)
    below = children(driver.pid)
    assert below
    driver.kill()
    driver.wait()
    safe = safe_instances(tmp_path)
    assert 3 <= len(safe) < 20
    assert main([word.replace("slow", "spt") for word in words] + ["--resume", "--ray"]) == 0
    rows = read_results(tmp_path)
    assert {row.instance for row in rows if row.agent == "slow"} == safe
    until = time.monotonic() + 120
    while time.monotonic() < until and any(map(command, below)):
        time.sleep(0.1)
    assert [text for pid in below if (text := command(pid))] == []
