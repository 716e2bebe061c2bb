"""Random configurations of every problem, small enough that an episode takes few steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from schedlab.envs.blocking_job_shop.terms import AFTER_REPAIR, LAWS
from schedlab.envs.dynamic_job_shop import config as dynamic
from schedlab.envs.job_shop import config as job_shop
from schedlab.envs.job_shop_improvement import config as improvement
from schedlab.envs.single_machine import config as single
from schedlab.envs.soc import config as soc
from schedlab.envs.soc import instance as soc_instance
from schedlab.envs.uam import config as uam
from schedlab.envs.uam.terms import CHARGING
from schedlab.envs.vm import config as vm

from .mutate import pick

Values = dict[str, Any]


def number(rng: np.random.Generator, low: int, high: int) -> Any:
    """An integer, or a pair of them."""
    one, two = sorted(rng.integers(low, high, size=2, endpoint=True).tolist())
    return one if rng.random() < 0.6 else [one, two]


def _shop(rng: np.random.Generator) -> Values:
    low = int(rng.integers(0, 3))
    return {
        "num_jobs": number(rng, 1, 9),
        "num_machines": number(rng, 1, 6),
        "min_duration": low,
        "max_duration": low + int(pick(rng, (0, 1, 9, 99))),
    }


def _job_shop(rng: np.random.Generator) -> Values:
    return {
        **_shop(rng),
        "objective": pick(rng, job_shop.OBJECTIVES),
        "builder": pick(rng, job_shop.BUILDERS),
        "delay_share": pick(rng, (0.0, 0.3, 1.0)),
        "look_ahead": bool(rng.integers(2)),
        "due_date_factor": pick(rng, (0.0, 1.3, [1.0, 2.0])),
        "release_date_factor": pick(rng, (0.0, 0.0, 2.0)),
        "weights": pick(rng, (None, "unit", "singer-pinedo")),
    }


def _improvement(rng: np.random.Generator) -> Values:
    return {
        **_shop(rng),
        "initial": pick(rng, improvement.INITIAL),
        "neighbourhood": pick(rng, improvement.NEIGHBOURHOODS),
        "moves": int(pick(rng, (1, 20, 60))),
        "tenure": int(pick(rng, (0, 1, 4, 10))),
        "look_ahead": int(pick(rng, (0, 0, 1, 3))),
        "show_graph": bool(rng.integers(2)),
    }


def _blocking(rng: np.random.Generator) -> Values:
    chance = pick(rng, (0.0, 0.01, 0.1, [0.0, 0.2]))
    shop = _shop(rng)
    return {
        **shop,
        # long operations on machines that often fail would hardly ever end, and are refused
        "max_duration": max(shop["min_duration"], min(shop["max_duration"], 9)),
        "swap": bool(rng.integers(2)),
        "breakdown_probability": chance,
        "uptimes": pick(rng, LAWS),
        "repair_min": 1,
        "repair_max": int(pick(rng, (1, 5))),
        "after_repair": pick(rng, AFTER_REPAIR),
        "show_graph": bool(rng.integers(2)),
    }


def _dynamic(rng: np.random.Generator) -> Values:
    machines, down = int(rng.integers(1, 5)), pick(rng, (0.0, 0.0, 0.1))
    return {
        "num_machines": machines,
        "num_operations": pick(rng, (None, 1, [1, machines])),
        "min_processing": int(pick(rng, (1, 3))),
        "max_processing": int(pick(rng, (3, 9, 49))),
        "utilisation": pick(rng, (0.3, 0.85, [0.5, 0.8])),
        "arrivals": pick(rng, dynamic.ARRIVALS),
        "arrival_cv": pick(rng, (0.5, 1.0, 3.0)),
        "due_dates": pick(rng, dynamic.DUE_DATES),
        "due_date_factor": pick(rng, (1.0, 4.0, [1.0, 6.0])),
        "weights": pick(rng, (None, *dynamic.WEIGHTS)),
        "breakdown_level": down,
        "repair_time": 5.0,
        "protocol": pick(rng, dynamic.PROTOCOLS),
        "warm_up_jobs": int(rng.integers(0, 5)),
        "recorded_jobs": int(rng.integers(1, 20)),
        "cool_down_jobs": int(rng.integers(0, 5)),
        "horizon": int(pick(rng, (1, 50, 200))),
        "objective": pick(rng, dynamic.OBJECTIVES),
        "fast_forward_jobs": int(pick(rng, (0, 0, 3))),
        "queue_limit": int(pick(rng, (2, 3, 16))),
    }


def _single(rng: np.random.Generator) -> Values:
    return {
        "num_jobs": number(rng, 1, 20),
        "max_processing": int(pick(rng, (1, 10, 100))),
        "tardiness_factor": pick(rng, (None, 0.2, 1.0, [0.0, 1.0])),
        "due_date_range": pick(rng, (None, 0.0, 2.0, [0.2, 1.0])),
        "max_weight": int(pick(rng, (1, 10))),
        "objective": pick(rng, single.OBJECTIVES),
        "dominance": bool(rng.integers(2)),
        "look_ahead": bool(rng.integers(2)),
    }


def _soc(rng: np.random.Generator) -> Values:
    offer, most, length = pick(rng, soc.OFFERS), int(rng.integers(0, 4)), int(rng.integers(1, 600))
    timely = offer == "timely"
    return {
        "platform": "random",
        "applications": "random",
        "rate": pick(rng, (5.0, 50.0, 500.0)),
        "max_jobs": most,
        "when_full": pick(rng, soc_instance.WHEN_FULL),
        "prefilled": int(rng.integers(0, (most or 3) + 1)),
        "protocol": pick(rng, soc.PROTOCOLS),
        "length": length,
        "warm_up": int(rng.integers(0, length)),
        "num_jobs": int(rng.integers(1, 16)),
        "noise": pick(rng, (0.0, 0.0, 0.4, 2.0)),
        "num_applications": int(rng.integers(1, 4)),
        "num_tasks": number(rng, 1, 6),
        "num_pes": number(rng, 1, 4),
        "heterogeneity": pick(rng, (0.0, 0.5, [0.2, 1.0])),
        "support": pick(rng, (0.0, 0.3, 1.0)),
        "transfer_ratio": pick(rng, (0.0, 1.0, [0.1, 10.0])),
        "objective": pick(rng, soc.OBJECTIVES),
        "dvfs": pick(rng, ("performance", "powersave")),
        "action": "pair" if timely else pick(rng, soc.ACTIONS),
        "offer": offer,
        "defer": timely or bool(rng.integers(2)),
        "ready_limit": int(pick(rng, (1, 3, 32))),
        "look_ahead": bool(rng.integers(2)),
        **_physics(rng),
    }


def _physics(rng: np.random.Generator) -> Values:
    return {
        "queue_order": pick(rng, soc_instance.QUEUE_ORDERS),
        "rounding": pick(rng, soc_instance.ROUNDINGS),
        "shortest_task": int(pick(rng, (0, 0, 1, 3))),
        "transfers": pick(rng, soc_instance.TRANSFERS),
        "warm_up_counts": pick(rng, soc_instance.WARM_UPS),
        "completions_first": bool(rng.integers(2)),
    }


def _vm(rng: np.random.Generator) -> Values:
    goal = pick(rng, (None, None, 0.0, 0.3))
    several = rng.random() < 0.3
    return {
        "mix": pick(rng, vm.MIXES),
        "num_pms": number(rng, 1, 6),
        "utilisation": pick(rng, (0.0, 0.6, 0.9067, [0.3, 0.9], 1.0)),
        "churn": pick(rng, (0, 0.5, 1.4)),
        "tight": pick(rng, vm.TIGHT),
        "tight_share": pick(rng, (0.0, 0.65, 1.0)),
        "affinity": int(rng.integers(0, 4)),
        "affinity_share": pick(rng, (0.0, 0.5, 1.0)),
        "immovable": pick(rng, (0.0, 0.0, 0.5, 1.0)),
        "arrivals_per_minute": pick(rng, (0.0, 9.0, 100.0)),
        "mnl": number(rng, 1, 20),
        "fragment": [8, 16] if several else pick(rng, (16, 8, [64])),
        "fragment_weight": [0.5, 2.0] if several and rng.random() < 0.5 else None,
        "objective": "fragment-rate" if goal is None else "moves",
        "goal": goal,
        "delay": 0.0 if goal is not None else pick(rng, (0.0, 0.0, 60.0)),
        "offer": pick(rng, vm.OFFERS),
        "show": pick(rng, ("legal", "all")),
    }


def _uam(rng: np.random.Generator) -> Values:
    ports, corridors = int(rng.integers(2, 6)), int(rng.integers(0, 3))
    return {
        "num_vertiports": ports,
        "num_aircraft": number(rng, 1, 2),
        "vertistops": int(rng.integers(0, ports)),
        "area": pick(rng, (10.0, 20.0)),
        "apart": pick(rng, (1.0, 2.0)),
        "parking": int(rng.integers(2, 5)),
        "chargers": int(rng.integers(1, 4)),
        "demand": pick(rng, uam.DEMANDS),
        "level": pick(rng, (0.5, 3.0, [0.0, 20.0])),
        "peak": pick(rng, (0.0, 10.0)),
        "central": int(rng.integers(0, ports)),
        "whole_fares": bool(rng.integers(2)),
        "surge": pick(rng, (0.0, 1.0, 10.0)),
        "cost": pick(rng, (0.0, 0.64, 5.0)),
        "delay": pick(rng, (0.0, 6.0)),
        "delay_spread": pick(rng, (0.0, 1.0)),
        "closure": pick(rng, (0.0, 0.05, 0.7)),
        "failure": pick(rng, (0.0, 0.005, 0.5)),
        "corridors": corridors,
        "separation": pick(rng, (0.0, 2.0)) if corridors else 0.0,
        "charging": pick(rng, CHARGING),
        "show": pick(rng, uam.SHOWN),
        "look_ahead": int(pick(rng, (0, 0, 0, 2))),
    }


CONFIGS: dict[str, Callable[[np.random.Generator], Values]] = {
    "job-shop": _job_shop,
    "single-machine": _single,
    "job-shop-improvement": _improvement,
    "blocking-job-shop": _blocking,
    "dynamic-job-shop": _dynamic,
    "soc": _soc,
    "vm": _vm,
    "uam": _uam,
}
"""Random values of a problem's configuration, by the problem's name."""
