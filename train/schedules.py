"""Learning-rate schedules: the share of the peak rate as a function of the share of the training that is done."""

from __future__ import annotations

import math
from collections.abc import Callable

WARM_UP = 0.02
"""Share of a run in which the warming schedules rise to the peak."""
DECAY_FROM = 0.6
"""Where the stable phase of ``warmup-stable-decay`` ends."""
FLOOR = 0.02
"""What the decaying schedules leave at the end, so that the last updates still learn something."""


def _constant(done: float) -> float:
    return 1.0


def _linear(done: float) -> float:
    return 1.0 - done


def _cosine(done: float) -> float:
    return 0.5 * (1.0 + math.cos(math.pi * done))


def _warmup_stable_decay(done: float) -> float:
    if done < WARM_UP:
        return done / WARM_UP
    return 1.0 if done < DECAY_FROM else (1.0 - done) / (1.0 - DECAY_FROM)


def _rex(done: float) -> float:
    return (1.0 - done) / (1.0 - done + 0.5 * done)


SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": _constant,
    "linear": _linear,
    "cosine": _cosine,  # Loshchilov & Hutter 2017, without restarts
    "warmup-stable-decay": _warmup_stable_decay,  # Hu et al. 2024 (MiniCPM)
    "rex": _rex,  # reflected exponential, Chen, Wolfe & Kyrillidis 2021
}


def schedule(name: str, peak: float) -> Callable[[float], float]:
    """A schedule in Stable-Baselines3's form: from the share of the training that remains to a learning rate.

    Args:
        name: One of :data:`SCHEDULES`.
        peak: The highest rate.

    Raises:
        ValueError: An unknown name.
    """
    if name not in SCHEDULES:
        raise ValueError(f"schedule {name!r} not understood; use one of {', '.join(SCHEDULES)}")
    shape, floor = SCHEDULES[name], 0.0 if name == "constant" else FLOOR

    def rate(remaining: float) -> float:
        done = min(max(1.0 - remaining, 0.0), 1.0)
        return peak * max(shape(done), floor)

    return rate
