"""A plan: migrations in the order in which they are made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from .instance import VmInstance


@dataclass(frozen=True, eq=False)
class VmSolution:
    """Moves, one after another.

    Attributes:
        vm: The VM of each move, int64 ``[M]``.
        pm: Where it goes, int64 ``[M]``.
        node: The NUMA node there, int64 ``[M]``; 0 for double-NUMA VMs. A VM may go to the other node of its own PM.
    """

    vm: NDArray[np.int64]
    pm: NDArray[np.int64]
    node: NDArray[np.int64]

    @classmethod
    def of(cls, moves: Sequence[tuple[int, int, int]]) -> VmSolution:
        """From (VM, PM, node) triples."""
        table = np.array(moves, np.int64).reshape(-1, 3)
        return cls(table[:, 0].copy(), table[:, 1].copy(), table[:, 2].copy())

    def __len__(self) -> int:
        return len(self.vm)

    def moves(self) -> list[tuple[int, int, int]]:
        """(VM, PM, node) triples."""
        return list(zip(self.vm.tolist(), self.pm.tolist(), self.node.tolist(), strict=True))

    def to_json(self, instance: VmInstance) -> dict[str, Any]:
        """The moves by name."""
        return {
            "moves": [
                {"vm": instance.vm_names[vm], "to": instance.pm_names[pm], "node": node}
                for vm, pm, node in self.moves()
            ]
        }

    @classmethod
    def from_json(cls, instance: VmInstance, data: Any) -> VmSolution:
        """The inverse of :meth:`to_json`.

        Raises:
            InputError: Not a list of moves of that cluster's VMs.
        """
        entries = data.get("moves") if isinstance(data, dict) else None
        if not isinstance(entries, list):
            raise InputError('solution: \'moves\' must be a list of {"vm": ..., "to": ..., "node": ...}')
        vms = {name: index for index, name in enumerate(instance.vm_names)}
        pms = {name: index for index, name in enumerate(instance.pm_names)}
        moves = []
        for index, entry in enumerate(entries):
            if not isinstance(entry, dict):
                raise InputError(f"solution: move {index} must be an object")
            vm, to, node = (entry.get(name) for name in ("vm", "to", "node"))
            if not isinstance(vm, str) or vm not in vms:
                raise InputError(f"solution: move {index} names the unknown VM {vm!r}")
            if not isinstance(to, str) or to not in pms:
                raise InputError(f"solution: move {index} names the unknown PM {to!r}")
            if node not in (0, 1) or isinstance(node, (bool, float)):
                raise InputError(f"solution: move {index} has the NUMA node {node!r}; use 0 or 1")
            moves.append((vms[vm], pms[to], node))
        return cls.of(moves)
