"""When machines fail and how long repairs take: random numbers by number, so that streams need no storage.

Number k of machine m is a hash (splitmix64; Steele, Lea & Flood 2014) of the instance's luck, m and k: time up, time of
repair, time up, ... Nothing that is played moves these streams, so all agents meet the same failures.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from . import state as s

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
LONGEST_UP = 2**40  # of a time up: probabilities may be as small as one likes


@njit(cache=True, nogil=True)
def _mix(z: Any) -> Any:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit(cache=True, nogil=True)
def fraction(luck: int, machine: int, number: int) -> float:
    """Number ``number`` of a machine's stream, in [0, 1), a multiple of 2**-53."""
    # unsigned throughout: numba makes floats of mixed signs
    z = _mix(np.uint64(luck) + GOLDEN * np.uint64(machine + 1))
    z = _mix(z + GOLDEN * np.uint64(number + 1))
    return np.float64(z >> np.uint64(11)) * 2.0**-53


@njit(cache=True, nogil=True)
def time_up(probability: float, law: int, u: float) -> int:
    """How long a machine is up, at least 1, from a fraction; ``NEVER`` where nothing fails."""
    if probability <= 0.0:
        return s.NEVER
    if law == s.BERNOULLI:
        if probability >= 1.0:
            return 1
        time = 1.0 + math.floor(math.log1p(-u) / math.log1p(-probability))
    else:
        time = max(math.ceil(-math.log1p(-u) / probability), 1.0)
    return int(min(time, float(LONGEST_UP)))


@njit(cache=True, nogil=True)
def next_failure(b: int, m: int, since: int, world: Any, state: Any) -> None:
    """Write when machine ``m``, up since ``since``, fails next, and when that is repaired."""
    size, line = world.row[b], state.machine[b, m]
    k = line[s.FAILURES]
    up = time_up(world.real[b, s.PROBABILITY], size[s.LAW], fraction(size[s.LUCK], m, 2 * k))
    line[s.DOWN_FROM] = s.NEVER if up == s.NEVER else since + up
    spread = size[s.REPAIR_MAX] - size[s.REPAIR_MIN] + 1
    repair = size[s.REPAIR_MIN] + int(fraction(size[s.LUCK], m, 2 * k + 1) * spread)
    line[s.DOWN_TO] = line[s.DOWN_FROM] + repair
