"""Environments whose episodes end within the steps that the tests take."""

import gymnasium as gym
import numpy as np

SHORT = {
    "SoC-v0": {"length": 400, "warm_up": 0, "rate": 20.0, "ready_limit": 8},
    "DynamicJobShop-v0": {"num_machines": 4, "warm_up_jobs": 4, "recorded_jobs": 12, "cool_down_jobs": 4},
    "VMRescheduling-v0": {"num_pms": 8, "mnl": 20},
    "UAMFleet-v0": {"num_vertiports": 4, "num_aircraft": 3},
    "JobShopImprovement-v0": {"moves": 40},
}
"""Arguments of the environments whose episodes are long by default."""

IMPROVEMENT = ("vm", "job-shop-improvement")
"""Problems whose objective is not 0 at the start: rewards sum to what it falls by."""


def make(env_id, **arguments):
    return gym.make(env_id, **{**SHORT.get(env_id, {}), **arguments})


def make_vec(env_id, **arguments):
    return gym.make_vec(env_id, **{**SHORT.get(env_id, {}), **arguments})


def start_of(problem, simulator):
    """The objective of each row from which rewards count; call it at the start of an episode."""
    return simulator.objective().copy() if problem in IMPROVEMENT else np.zeros(simulator.batch_size)
