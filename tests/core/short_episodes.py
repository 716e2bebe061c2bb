"""Environments whose episodes end within the steps that the tests take."""

import gymnasium as gym

SHORT = {
    "SoC-v0": {"length": 400, "warm_up": 0, "rate": 20.0, "ready_limit": 8},
    "DynamicJobShop-v0": {"num_machines": 4, "warm_up_jobs": 4, "recorded_jobs": 12, "cool_down_jobs": 4},
}
"""Arguments of the environments whose episodes are long by default."""


def make(env_id, **arguments):
    return gym.make(env_id, **{**SHORT.get(env_id, {}), **arguments})


def make_vec(env_id, **arguments):
    return gym.make_vec(env_id, **{**SHORT.get(env_id, {}), **arguments})
