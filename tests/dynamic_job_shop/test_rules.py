"""Rules against formulas written a second time, and where the literature says who wins."""

import numpy as np
import pytest

from schedlab.agents import make_agent, play
from schedlab.agents.dynamic_job_shop import AGENTS, RULES, BestRule, RulePolicy
from schedlab.envs.dynamic_job_shop import PROBLEM, DynamicJobShopConfig
from schedlab.envs.dynamic_job_shop import kernels as k

CONFIG = DynamicJobShopConfig(warm_up_jobs=100, recorded_jobs=300, cool_down_jobs=50)

# smallest first; t now, p, R, n, d, s, WINQ, NPT, w, d_o, r, q when it joined, m the mean p of the queue
FORMULAS = {
    "fifo": lambda v: v["q"],
    "spt": lambda v: v["p"],
    "lwkr": lambda v: v["R"],
    "edd": lambda v: v["d"],
    "mdd": lambda v: np.maximum(v["d"], v["t"] + v["R"]),
    "odd": lambda v: v["d_o"],
    "mod": lambda v: np.maximum(v["d_o"], v["t"] + v["p"]),
    "slack": lambda v: v["s"],
    "s-opn": lambda v: np.where(v["s"] >= 0, v["s"] / v["n"], v["s"] * v["n"]),
    "s-rpt": lambda v: v["s"] / v["R"],
    "cr": lambda v: (v["d"] - v["t"]) / v["R"],
    "cr-spt": lambda v: np.maximum(v["p"], v["p"] * (v["d"] - v["t"]) / v["R"]),
    "s-rpt-spt": lambda v: np.maximum(v["p"], v["p"] * v["s"] / v["R"]),
    "covert": lambda v: -v["w"] / v["p"] * np.clip(1 - np.maximum(v["s"], 0) / (4 * v["R"]), 0, None),
    "atc": lambda v: (
        -np.log(v["w"] / v["p"]) + np.maximum(v["d"] - v["t"] - v["p"] - 3 * (v["R"] - v["p"]), 0) / (3 * v["m"])
    ),
    "winq": lambda v: v["WINQ"],
    "pt-winq": lambda v: v["p"] + v["WINQ"],
    "pt-winq-sl": lambda v: v["p"] + v["WINQ"] + np.minimum(v["s"], 0),
    "2pt-winq-npt": lambda v: 2 * v["p"] + v["WINQ"] + v["NPT"],
    "pt-winq-at": lambda v: v["p"] + v["WINQ"] + v["r"],
    "at-rpt": lambda v: v["r"] - v["R"],
    "pt-winq-s": lambda v: v["p"] + v["WINQ"] + v["s"],
    "2pt-lwkr-s": lambda v: 2 * v["p"] + v["R"] + v["s"],
}


def situation(instance, start, now, machine, queue):
    """What the formulas need, worked out from the instance and the start times so far."""
    shop = instance.shop
    jobs, first = shop.jobs(), shop.first_operation

    def work_at(m):
        """Work waiting for a machine, with what is in process there."""
        total = 0
        for job, routing in enumerate(jobs):
            ready = int(shop.release[job])
            for place, (at, p) in enumerate(routing):
                begun = start[first[job] + place]
                if begun < 0:
                    total += p if at == m and ready <= now else 0
                    break
                ready = begun + p
                if ready > now:
                    total += ready - now if at == m else 0
                    break
        return total

    lines = []
    for job in queue:
        routing = jobs[job]
        place = next(i for i in range(len(routing)) if start[first[job] + i] < 0)
        assert routing[place][0] == machine
        p, rest = routing[place][1], sum(d for _, d in routing[place:])
        before = start[first[job] + place - 1] + routing[place - 1][1] if place else shop.release[job]
        d, r, whole = int(instance.due[job]), int(shop.release[job]), sum(d for _, d in routing)
        following = routing[place + 1] if place + 1 < len(routing) else None
        lines.append({
            "t": now, "p": p, "R": rest, "n": len(routing) - place, "d": d, "s": d - now - rest, "q": before, "r": r,
            "w": 1, "WINQ": work_at(following[0]) if following else 0, "NPT": following[1] if following else 0,
            "d_o": r + (d - r) * (whole - rest + p) / whole,
        })  # fmt: skip
    values = {key: np.array([line[key] for line in lines], float) for key in lines[0]}
    return values | {"m": values["p"].mean()}


def test_there_is_a_formula_for_every_rule():
    assert list(FORMULAS) == list(RULES)


@pytest.mark.parametrize("name", list(FORMULAS))
def test_a_rule_takes_the_job_of_least_priority(name):
    instance = PROBLEM.sampler(
        DynamicJobShopConfig(
            num_machines=4, warm_up_jobs=0, recorded_jobs=40, cool_down_jobs=0, utilisation=0.95, due_date_factor=2.0
        )
    )(np.random.default_rng(3))
    simulator = PROBLEM.simulator_for([instance], DynamicJobShopConfig())
    simulator.reset([instance])
    policy = RulePolicy(RULES[name])
    while not simulator.done[0]:
        queue, j = [], simulator._machines[0, simulator.machine[0], k.HEAD]
        while j != k.NOBODY:
            queue.append(int(j))
            j = simulator._jobs[0, j, k.BEHIND]
        start = simulator.solution(0).start
        values = situation(instance, start, int(simulator.now[0]), int(simulator.machine[0]), queue)
        chosen = policy.act(simulator)
        priority = FORMULAS[name](values)
        assert priority[chosen[0]] == pytest.approx(priority.min()), (name, priority)
        simulator.step(chosen)


def test_in_a_loaded_shop_due_date_rules_alone_are_weak():
    sample = PROBLEM.sampler(DynamicJobShopConfig())
    instances = [sample(np.random.default_rng(seed)) for seed in range(6)]
    names = ("fifo", "edd", "mdd", "spt", "odd", "mod", "cr-spt", "s-rpt-spt")
    found = {
        name: play(RulePolicy(RULES[name]), PROBLEM, instances, DynamicJobShopConfig()).objective().mean()
        for name in names
    }
    best = max(found["cr-spt"], found["s-rpt-spt"])
    assert best < found["mod"] < found["odd"] < found["edd"] < found["mdd"] < found["fifo"]
    assert best < found["spt"] < found["edd"]


def test_the_best_rule_in_hindsight_is_the_best_of_all():
    instance = PROBLEM.sampler(CONFIG)(np.random.default_rng(1))
    result = BestRule(CONFIG).solve(instance, time_limit=1, seed=0)
    each = [play(RulePolicy(rule), PROBLEM, [instance], CONFIG).objective()[0] for rule in RULES.values()]
    assert PROBLEM.check(instance, result.solution, CONFIG).objective == min(each)
    assert result.samples == len(RULES)


def test_every_agent_plays_weights_and_breakdowns():
    values = {"breakdown_level": 0.05, "weights": "two-six-two", "objective": "total-weighted-tardiness"}
    config = DynamicJobShopConfig(warm_up_jobs=5, recorded_jobs=30, cool_down_jobs=5, **values)
    instance = PROBLEM.sampler(config)(np.random.default_rng(2))
    for name in AGENTS:
        agent = make_agent(name, PROBLEM, config)
        if name == "best-rule":
            solution = agent.solve(instance, time_limit=1, seed=0).solution
        else:
            solution = play(agent, PROBLEM, [instance], config).solution(0)
        assert PROBLEM.check(instance, solution, config).feasible, name
