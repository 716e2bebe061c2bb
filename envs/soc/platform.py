"""Heterogeneous platforms: processing elements (PEs) of several kinds, and the links between them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

UNSUPPORTED = -1
"""Execution time of a task on a PE that cannot run it."""


@dataclass(frozen=True)
class Kind:
    """PEs that are all alike, a cluster.

    Attributes:
        name: For example ``"A15"``.
        count: How many there are.
        execution: Time of each task type that these PEs can run, at the highest frequency, microseconds.
        operating_points: Frequencies in MHz and voltages in mV, ascending; the last is the one that times hold for.
        power: At some of these frequencies, the watts that 1, 2, ... busy PEs of the kind draw together.

    Raises:
        ValueError: A number is out of range; the message names it.
    """

    name: str
    count: int
    execution: dict[str, int]
    operating_points: tuple[tuple[float, float], ...] = ((1000.0, 1000.0),)
    power: dict[float, tuple[float, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 1 <= self.count <= 256:
            raise ValueError(f"kind {self.name!r}: count must lie in 1..256, got {self.count!r}")
        for task_type, time in self.execution.items():
            if not isinstance(time, (int, np.integer)) or isinstance(time, bool) or not 0 <= time < 10**9:
                raise ValueError(
                    f"kind {self.name!r}: the execution time of {task_type!r} must be a whole number of microseconds "
                    f"from 0, got {time!r}"
                )
        points = self.operating_points
        ordered = all(one[0] < two[0] for one, two in zip(points, points[1:], strict=False))
        if not points or not ordered or any(not (0.1 <= f <= 1e5 and 0 < v <= 1e6) for f, v in points):
            raise ValueError(
                f"kind {self.name!r}: operating_points must be [MHz, mV] pairs in ascending order, of 0.1..100000 MHz"
            )
        for frequency, watts in self.power.items():
            if frequency not in dict(points):
                raise ValueError(f"kind {self.name!r}: power is given at {frequency:g} MHz, not an operating point")
            if len(watts) != self.count or any(not 0 <= w < 1e6 for w in watts) or list(watts) != sorted(watts):
                raise ValueError(
                    f"kind {self.name!r}: power at {frequency:g} MHz must list the watts of 1..{self.count} busy PEs, "
                    "ascending"
                )

    def slowdown(self, frequency: float) -> float:
        """How many times longer tasks take at a frequency than at the highest."""
        return self.operating_points[-1][0] / frequency

    def watts(self, frequency: float) -> NDArray[np.float64]:
        """Power of 0, 1, ... busy PEs at one of the operating points, float64 ``[count + 1]``.

        From the nearest profile at or above it, with dynamic power in proportion to f V^2 (as DS3 scales it).
        """
        if not self.power:
            return np.zeros(self.count + 1)
        voltage = dict(self.operating_points)
        known = sorted(self.power)
        profile = next((f for f in known if f >= frequency), known[-1])
        scale = frequency * voltage[frequency] ** 2 / (profile * voltage[profile] ** 2)
        return np.concatenate(([0.0], np.array(self.power[profile]) * scale))


@dataclass(frozen=True, eq=False)
class Platform:
    """A system on a chip.

    Attributes:
        name: Its name.
        kinds: Its PEs, kind by kind.
        bandwidth: Volume per microsecond between two different PEs by their kinds, float64 ``[K, K]``, symmetric.
        same_pe: The same where producer and consumer run on one PE; infinite where that costs nothing.
        idle_power: Watts that the chip draws besides its busy PEs.

    Raises:
        ValueError: Kinds share a name, or a bandwidth is not positive.
    """

    name: str
    kinds: tuple[Kind, ...]
    bandwidth: NDArray[np.float64]
    same_pe: float = math.inf
    idle_power: float = 0.0

    def __post_init__(self) -> None:
        names = [kind.name for kind in self.kinds]
        if not names:
            raise ValueError(f"platform {self.name!r} has no kinds of PEs")
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"platform {self.name!r}: two kinds are called {twice!r}")
        if self.num_pes > 256:
            raise ValueError(f"platform {self.name!r}: {self.num_pes} PEs; at most 256 are supported")
        if self.bandwidth.shape != (len(names), len(names)) or not np.array_equal(self.bandwidth, self.bandwidth.T):
            raise ValueError(f"platform {self.name!r}: bandwidth must be a symmetric table of all kinds")
        # with what volumes and times may be, delays then fit into whole numbers
        if not (np.all((self.bandwidth >= 1e-3) & np.isfinite(self.bandwidth)) and self.same_pe >= 1e-3):
            raise ValueError(f"platform {self.name!r}: bandwidths must be numbers from 0.001")
        if not 0 <= self.idle_power < 1e6:
            raise ValueError(f"platform {self.name!r}: idle_power must be watts from 0, got {self.idle_power!r}")
        self.bandwidth.flags.writeable = False

    @property
    def num_pes(self) -> int:
        """P."""
        return sum(kind.count for kind in self.kinds)

    @property
    def kind_of(self) -> NDArray[np.int64]:
        """The kind of each PE, int64 ``[P]``."""
        return np.repeat(np.arange(len(self.kinds)), [kind.count for kind in self.kinds])

    @property
    def pe_names(self) -> list[str]:
        """``["A7-1", "A7-2", ...]``; a PE that is the only one of its kind has the kind's name."""
        return [
            kind.name if kind.count == 1 else f"{kind.name}-{number + 1}"
            for kind in self.kinds
            for number in range(kind.count)
        ]

    def execution(self, task_type: str) -> NDArray[np.int64]:
        """Time of a task type on each kind, at the highest frequencies, int64 ``[K]``; ``UNSUPPORTED`` where none."""
        return np.array([kind.execution.get(task_type, UNSUPPORTED) for kind in self.kinds], np.int64)

    def frequencies(self, dvfs: str) -> list[float]:
        """The frequency of each kind, MHz.

        Args:
            dvfs: ``"performance"`` (the highest), ``"powersave"`` (the lowest), or kinds with frequencies, the others
                at their highest: ``"A15:1600,A7:600"``.

        Raises:
            ValueError: Not understood, or no operating point of that kind.
        """
        if dvfs in ("performance", "powersave"):
            return [kind.operating_points[-1 if dvfs == "performance" else 0][0] for kind in self.kinds]
        chosen: dict[str, float] = {}
        known = {kind.name: [point[0] for point in kind.operating_points] for kind in self.kinds}
        for part in dvfs.split(","):
            name, colon, number = part.strip().partition(":")
            try:
                frequency = float(number)
            except ValueError:
                colon = ""
            if not colon:
                raise ValueError(
                    f"dvfs {dvfs!r} not understood; use performance, powersave, or kinds with MHz such as A15:1600"
                )
            if name not in known:
                raise ValueError(f"dvfs {dvfs!r}: {self.name} has no kind {name!r}, only {', '.join(known)}")
            if frequency not in known[name]:
                points = ", ".join(f"{point:g}" for point in known[name])
                raise ValueError(f"dvfs {dvfs!r}: {name} runs at {points} MHz, not at {number}")
            chosen[name] = frequency
        return [chosen.get(kind.name, kind.operating_points[-1][0]) for kind in self.kinds]
