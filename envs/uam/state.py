"""Arrays of the air-taxi simulator, and what their columns mean."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# columns of State.plane: vertiport (the destination, while it flies), stand there, battery (Wh, as it will be when it
# decides next), time of its next decision, flights begun, when the last one landed, when it was charged, its passengers
WHERE, STAND, BATTERY, NEXT, FLOWN, LANDED, CHARGED, LOAD = range(8)
PLANE_COLUMNS = 8
PARKED, CHARGER = range(2)

# columns of State.port: stands that are taken, also by aircraft that are on their way
PARKED_THERE, CHARGERS_TAKEN = range(2)
PORT_COLUMNS = 2

# columns of State.row: the aircraft that decides, the time, legal actions taken
PLANE, NOW, STEPS = range(3)
ROW_COLUMNS = 3

# columns of World.port
PARKING, CHARGERS, RESERVE = range(3)

# columns of World.row
(
    NUM_PORTS, NUM_PLANES, SEATS, DAY, WAIT, PERIOD, SLOT, CORRIDORS, SEPARATION, TAKE_OFF, LANDING, FULL_BATTERY,
    CHARGE_FIRST,
) = range(13)  # fmt: skip
WORLD_COLUMNS = 13

# columns of World.real
CHARGER_POWER, DELAY_SPREAD = range(2)

# columns of State.record, as in solution.COLUMNS
RECORD_COLUMNS = 8


class World(NamedTuple):
    """What instances fix; first axis the batch. V vertiports, K aircraft, H periods, S slots, L flights of each."""

    row: NDArray[np.int64]  # [B, WORLD_COLUMNS]
    real: NDArray[np.float64]  # [B, 2]
    port: NDArray[np.int64]  # [B, V, 3]
    start: NDArray[np.int64]  # [B, K]
    flight: NDArray[np.int64]  # [B, V, V], seconds in the corridor
    energy: NDArray[np.int64]  # [B, V, V], Wh
    cost: NDArray[np.float64]  # [B, V, V], dollars of electricity
    demand: NDArray[np.int64]  # [B, H, V, V]
    margin: NDArray[np.float64]  # [B, H, V, V], dollars per passenger
    closed: NDArray[np.bool_]  # [B, S, V, V]
    delay: NDArray[np.float64]  # [B, V], mean seconds
    luck: NDArray[np.float64]  # [B, K, L], normal numbers behind take-off delays
    repair: NDArray[np.int64]  # [B, K, L], seconds of repair after a flight


class State(NamedTuple):
    """What changes; first axis the batch."""

    plane: NDArray[np.int64]  # [B, K, PLANE_COLUMNS]
    port: NDArray[np.int64]  # [B, V, PORT_COLUMNS]
    remaining: NDArray[np.int64]  # [B, H, V, V], passengers not served yet
    lane: NDArray[np.int64]  # [B, V, V, C], time from which a corridor can be entered
    record: NDArray[np.int32]  # [B, M, RECORD_COLUMNS], decisions
    row: NDArray[np.int64]  # [B, ROW_COLUMNS]
    profit: NDArray[np.float64]  # [B]
    legal: NDArray[np.bool_]  # [B, A]
    done: NDArray[np.bool_]  # [B]
    illegal: NDArray[np.bool_]  # [B]
    reward: NDArray[np.float64]  # [B]
