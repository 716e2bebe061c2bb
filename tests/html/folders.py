"""Results folders made by hand, of any size and with any names."""

import json
from pathlib import Path

import numpy as np

from schedlab.envs.core.view import Bar, GanttView, HostItem, HostMove, HostsView, Leg, Line, MapView, Place
from schedlab.eval.race_results import RaceRow, write_race
from schedlab.eval.results import Row, write_results

ABOUT = {
    "command": "schedlab benchmark job-shop --instances ta01-ta02 --agents spt,ppo --out results/x",
    "config": {"objective": "makespan"},
    "time_limit": 10.0,
    "workers": 2,
    "machine": {"processor": "A Processor", "cores": 2, "system": "Linux", "python": "3.11.7"},
    "versions": {"schedlab": "0.1.0", "numpy": "2.4.6"},
    "finished": "2026-11-26T10:00:00Z",
}


def rows_of(agents=("spt", "mwkr", "ppo"), instances=("ta01", "ta02"), seeds=(0,), problem="job-shop", measures=()):
    """Rows whose gaps grow with the agent's place, some seconds apart."""
    rows = []
    for i, instance in enumerate(instances):
        for a, agent in enumerate(agents):
            for seed in seeds:
                objective, bound = 1000.0 + 100 * a + 7 * i * (a + 1) + seed, 1000.0
                own = {name: 0.01 * (a + 1) for name in measures}
                gap, seconds = objective / bound - 1, 0.5 / (a + 1)
                rows.append(
                    Row(problem, instance, agent, objective, bound, "best-known", gap, seconds, 1, seed, True, own)
                )
    return rows


def write_folder(folder: Path, rows, about=None, views=()) -> Path:
    """A benchmark's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_results(folder, rows, {**ABOUT, **(about or {})})
    if views:
        write_views(folder, views)
    return folder


def write_views(folder: Path, views) -> None:
    """``views.json`` of (instance, agent, view) triples."""
    items = [
        {"instance": instance, "agent": agent, "seed": 0, "objective": 1000.0, "view": view.to_json()}
        for instance, agent, view in views
    ]
    (folder / "views.json").write_text(json.dumps({"format": 1, "views": items}))


def shop_view(jobs=4, machines=3, seed=0, group="job", durations=None) -> GanttView:
    """A job shop in which each job waits for its machine; the instance is drawn by ``durations``, the order by seed."""
    instance = np.random.default_rng(0 if durations is None else durations)
    times = instance.integers(1, 100, (jobs, machines))
    ways = np.argsort(instance.random((jobs, machines)), axis=1)
    order = np.random.default_rng(seed).permutation(np.repeat(np.arange(jobs), machines))
    free, ready, done, bars = np.zeros(machines, int), np.zeros(jobs, int), np.zeros(jobs, int), []
    for job in order:
        step = done[job]
        machine = ways[job, step]
        start = max(free[machine], ready[job])
        end = start + times[job, step]
        free[machine] = ready[job] = end
        done[job] += 1
        bars.append(Bar(int(machine), int(start), int(end), int(job), 0, f"operation {step}"))
    end = int(ready.max())
    rows, groups = [f"machine {m}" for m in range(machines)], [f"{group} {j}" for j in range(jobs)]
    return GanttView.of(rows, groups, ["work"], bars, [Line(end, f"makespan {end}")], end)


def hosts_view() -> HostsView:
    """Two hosts of two nodes, three items, one move."""
    items = (
        HostItem("VM a", 4, ((0, 0),)),
        HostItem("VM b", 8, ((0, 0), (0, 1))),
        HostItem("VM c", 2, ((1, 1),), 0),
    )
    return HostsView(
        hosts=("PM 0", "PM 1"),
        capacity=((16, 16), (16, 16)),
        unit="cores",
        items=items,
        moves=(HostMove(0, ((1, 0),)),),
        rates=(0.5, 0.25),
        rate_label="FR16",
    )


def map_view() -> MapView:
    """Two places, two aircraft, one flight from 06:10 to 06:20."""
    return MapView(
        places=(Place("North", 0, 10, 3), Place("South", 5, 0, 1)),
        x_unit="miles",
        vehicles=("aircraft 0", "aircraft 1"),
        vehicle_start=(0, 1),
        legs=(Leg(0, 0, 1, 600, 1200, 3, "ready 06:25"),),
        time_unit="s",
        clock=21600,
        end=3600,
    )


def write_race_folder(folder: Path, agents=("tabu", "ppo"), instances=("ta01", "ta02")) -> Path:
    """A race's folder: every agent improves twice."""
    folder.mkdir(parents=True, exist_ok=True)
    runs = [
        RaceRow(
            "job-shop-improvement",
            instance,
            agent,
            0,
            3.0,
            1100.0 + 10 * a,
            ((0.1 + 0.1 * a, 1300.0), (1.5 + 0.1 * a, 1100.0 + 10 * a)),
        )
        for a, agent in enumerate(agents)
        for instance in instances
    ]
    references = dict.fromkeys(instances, 1000.0)
    kinds = dict.fromkeys(instances, "best-known")
    measured_by = {"references": references, "kinds": kinds, "gaps": True, "minimise": True}
    write_race(folder, runs, {**ABOUT, "time_limit": 3.0, "at": [1.0, 3.0], "measured_by": measured_by})
    return folder
