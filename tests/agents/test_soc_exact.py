"""CP-SAT: proved optima, enumeration of tiny cases, re-planning of streams; bounds on latency and rate."""

import numpy as np
import pytest

from schedlab.agents import run_policy
from schedlab.agents.soc.bounds import sustainable_rate
from schedlab.agents.soc.cp_sat import CpSat, RollingCpSat
from schedlab.agents.soc.rules import RULES, RulePolicy
from schedlab.agents.soc.static import STATIC_SCHEDULERS, StaticScheduler
from schedlab.envs.core import InputError
from schedlab.envs.soc.application import Application
from schedlab.envs.soc.catalog import applications, find_platform, home_of
from schedlab.envs.soc.check import check_run
from schedlab.envs.soc.config import SocConfig
from schedlab.envs.soc.generate import random_instance
from schedlab.envs.soc.instance import Physics, jobs_at_once
from schedlab.envs.soc.platform import Kind, Platform
from schedlab.envs.soc.problem import critical_path_bound
from schedlab.envs.soc.simulate import SocSimulator, sizes_of

from ..soc.enumerate_schedules import best_mean_latency

OPTIMA = {
    "canonical": 73, "peft": 113, "top1": 73, "top2": 81, "top3": 80, "top4": 87, "top5": 85, "top6": 80, "top7": 72,
    "top8": 65, "top9": 72, "top10": 74, "wifi-tx": 69, "wifi-rx": 288, "range-detection": 176, "sc-tx": 56,
    "sc-rx": 153, "temporal-mitigation": 79,
}  # fmt: skip
ON_CORES = {
    "wifi-tx": 264, "wifi-rx": 1129, "range-detection": 206, "sc-tx": 1429, "sc-rx": 3544, "temporal-mitigation": 133,
}  # fmt: skip
CRITICAL_PATHS = {
    "canonical": 54, "peft": 86, "top1": 54, "top2": 70, "top3": 68, "top4": 68, "top5": 68, "top6": 57, "top7": 57,
    "top8": 54, "top9": 53, "top10": 54, "wifi-tx": 53, "wifi-rx": 193, "range-detection": 176,
    "temporal-mitigation": 79,
}  # fmt: skip
STEADY = SocConfig(
    platform="three-pe", applications=("top1", "top2", "top3", "top4", "top5"), rate=40.0, max_jobs=3, prefilled=3,
    when_full="retry", length=400, warm_up=0, completions_first=False,
)  # fmt: skip


def single_job(name, platform=None, physics=None):
    return jobs_at_once(name, platform or home_of(name), (applications()[name],), physics)


def solved(instance, config=None, time_limit=30.0):
    """What CP-SAT says, and the objective of its solution after checking that."""
    config = config or SocConfig()
    result = CpSat(config, 1).solve(instance, time_limit=time_limit, seed=0)
    report = check_run(instance, result.solution, config)
    assert not report.violations
    return result, report.objective


def proved_optimum(instance, config=None):
    result, objective = solved(instance, config)
    assert result.proved
    assert result.bound == pytest.approx(objective)
    return objective


def played(policy, instances, config):
    """Objectives of a batch, after checking its runs."""
    config = policy.configuration(config)
    simulator = SocSimulator(sizes_of(instances), len(instances), config)
    run_policy(policy, simulator, instances)
    for row, instance in enumerate(instances):
        assert not check_run(instance, simulator.solution(row), config).violations
    return simulator.objective()


def streams(config, count):
    return [random_instance(config, np.random.default_rng(seed)) for seed in range(count)]


def tiny_run(rng):
    """One or two jobs, five tasks at most, on kinds with one or two PEs; tasks without duration, costly transfers."""
    kinds = tuple(
        Kind(f"K{k}", int(rng.integers(1, 3)), {t: int(rng.choice([0, 1, 2, 3, 5, 8])) for t in "abc"[k:]})
        for k in range(int(rng.integers(1, 3)))
    )
    bandwidth = rng.choice([0.3, 1.0, 2.5], (len(kinds), len(kinds)))
    platform = Platform("tiny", kinds, np.minimum(bandwidth, bandwidth.T), float(rng.choice([0.5, np.inf])))
    sizes = [[4], [2, 2], [5]][int(rng.integers(3 if platform.num_pes < 4 else 2))]
    apps = []
    for number, size in enumerate(sizes):
        edges = [(source, target) for target in range(size) for source in range(target) if rng.random() < 0.5]
        types = tuple(str(rng.choice(list("abc"))) for _ in range(size))
        volume = rng.choice([0.0, 0.7, 3.0], len(edges))
        names = tuple(f"n{task}" for task in range(size))
        apps.append(Application(f"app{number}", names, types, np.array(edges, np.int64).reshape(-1, 2), volume))
    return jobs_at_once("tiny", platform, tuple(apps))


@pytest.mark.parametrize(("name", "optimum"), OPTIMA.items())
def test_single_jobs_are_solved_to_the_known_optimum(name, optimum):
    assert proved_optimum(single_job(name)) == optimum


@pytest.mark.parametrize(("name", "optimum"), ON_CORES.items())
def test_single_jobs_without_accelerators_are_solved_to_the_known_optimum(name, optimum):
    assert proved_optimum(single_job(name, find_platform("ds3-cores"))) == optimum


def test_tiny_runs_equal_enumeration_and_no_list_scheduler_beats_it():
    rng, config = np.random.default_rng(0), SocConfig()
    for _ in range(40):
        instance = tiny_run(rng)
        best = best_mean_latency(instance)
        assert proved_optimum(instance) == pytest.approx(best)
        assert critical_path_bound(instance, config) <= best
        for scheduler in STATIC_SCHEDULERS:
            solution = StaticScheduler(scheduler, config).solve(instance, time_limit=1.0, seed=0).solution
            report = check_run(instance, solution, config)
            assert not report.violations
            assert report.objective >= best - 1e-9


def test_data_that_waits_for_its_consumer_takes_longer():
    late = Physics(transfers="from-binding")
    for name in ("canonical", "peft"):
        instance = single_job(name, physics=late)
        assert proved_optimum(instance) > OPTIMA[name]


def test_jobs_on_interchangeable_cores_are_dealt_to_them():
    app = applications()["range-detection"]
    instance = jobs_at_once("six", find_platform("ds3-cores"), (app,) * 6, Physics(shortest_task=1))
    result, objective = solved(instance, time_limit=2.0)
    assert ON_CORES["range-detection"] <= result.bound <= objective
    assert len(np.unique(result.solution.pe)) > 4


def test_a_short_time_limit_still_gives_a_schedule_and_a_bound():
    apps = tuple(applications()[f"top{k}"] for k in range(1, 7))
    instance = jobs_at_once("six", home_of("top1"), apps)
    result, objective = solved(instance, time_limit=0.01)
    assert critical_path_bound(instance, SocConfig()) <= result.bound <= objective
    assert not result.proved


def test_nothing_is_proved_about_energy():
    result, _ = solved(single_job("range-detection"), SocConfig(objective="energy-per-job"))
    assert result.bound is None
    assert not result.proved
    assert result.solution.end.max() == 176


def test_a_stream_is_refused_in_one_line():
    with pytest.raises(InputError, match=r"cp-sat plans runs whose jobs are all there at time 0.*is a stream"):
        CpSat(STEADY, 1).solve(streams(STEADY, 1)[0], time_limit=1.0, seed=0)


def test_rolling_follows_its_plan_where_nothing_else_happens():
    instances = [single_job(name) for name in ("canonical", "peft", "top5", "wifi-tx")]
    objectives = played(RollingCpSat(SocConfig(), 1, seconds=10.0), instances, SocConfig())
    assert objectives.tolist() == [73, 113, 85, 69]


def test_rolling_beats_earliest_task_first_on_a_stream():
    instances = streams(STEADY, 2)
    rolling = played(RollingCpSat(STEADY, 1, seconds=0.3), instances, STEADY)
    assert np.all(rolling < played(RulePolicy(RULES["etf"]), instances, STEADY))


@pytest.mark.parametrize(
    "changes",
    [
        {"noise": 0.4, "queue_order": "job"},
        {"transfers": "from-binding", "completions_first": True},
        {"platform": "ds3", "applications": ("range-detection", "temporal-mitigation"), "max_jobs": 0},
    ],
)
def test_rolling_is_legal_by_any_rules(changes):
    config = SocConfig(**{**vars(STEADY), **changes})
    played(RollingCpSat(config, 1, seconds=0.05), streams(config, 2), config)


@pytest.mark.parametrize(("name", "path"), CRITICAL_PATHS.items())
def test_critical_paths_with_transfers_equal_the_reference(name, path):
    assert critical_path_bound(single_job(name), SocConfig()) == path


SIX = ("wifi-tx", "wifi-rx", "range-detection", "sc-tx", "sc-rx", "temporal-mitigation")
TX_RX = ("wifi-tx", "wifi-rx")


@pytest.mark.parametrize(
    ("platform", "names", "mix", "rate"),
    [
        *(("ds3", (name,), None, r) for name, r in zip(SIX, [51.89, 9.78, 56.56, 117.65, 42.04, 53.71], strict=True)),
        *(("ds3-cores", (n,), None, r) for n, r in zip(SIX, [8.37, 3.1, 24.35, 3.42, 1.55, 26.83], strict=True)),
        ("ds3", TX_RX, (0.8, 0.2), 30.52),
        ("ds3", TX_RX, (2, 8), 11.78),
        ("ds3", SIX, (0.2, 0.2, 0.2, 0.1, 0.1, 0.2), 33.43),
        ("ds3-cores", TX_RX, (0.8, 0.2), 6.25),
        ("ds3-cores", TX_RX, (0.2, 0.8), 3.55),
        ("ds3-cores", SIX, (0.2, 0.2, 0.2, 0.1, 0.1, 0.2), 5.22),
        ("three-pe", ("top1", "top7"), None, 32.48),
    ],
)
def test_sustainable_rates_equal_the_reference(platform, names, mix, rate):
    apps = [applications()[name] for name in names]
    assert sustainable_rate(find_platform(platform), apps, mix, SocConfig()) == pytest.approx(rate, abs=0.005)


def test_a_mix_that_does_not_fit_is_refused():
    with pytest.raises(InputError, match="2 shares from 0 with a positive sum are needed"):
        sustainable_rate(find_platform("ds3"), [applications()[name] for name in TX_RX], (1.0,), SocConfig())
