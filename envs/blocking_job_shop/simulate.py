"""Blocking job shops: a batch of shops in which jobs keep a machine until the next one takes them.

Time stands still while the agent starts operations, one after another; it passes to the next event when the agent
waits, or when nothing can be started. Jobs that wait in a circle, each for the machine of the next, exchange machines
at once; where that is not allowed, starts after which the jobs inside could not all leave any more are not legal, so no
play ever gets stuck.

The reward of a step is minus the rise of a lower bound on the makespan: every job goes on without waiting, every
machine without idling. The loops are in :mod:`.kernels`, the test for deadlocks in :mod:`.safety`, random failures in
:mod:`.luck`, what the arrays mean in :mod:`.state`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.graph import GraphState
from ..core.simulator import Simulator
from ..job_shop.solution import JobShopSolution
from . import kernels
from . import state as s
from .instance import BlockingInstance
from .observe import BlockingObserver
from .terms import AFTER_REPAIR, LAWS

Sizes = tuple[int, int, int]


def sizes_of(instances: Sequence[BlockingInstance]) -> Sizes:
    """Jobs, machines and operations of a simulator just large enough for these instances."""
    shops = [instance.shop for instance in instances]
    return (
        max(shop.num_jobs for shop in shops),
        max(shop.num_machines for shop in shops),
        max(shop.num_operations for shop in shops),
    )


class BlockingSimulator(Simulator[BlockingInstance, JobShopSolution]):
    """B shops side by side; action j takes job j to its next machine, the last action waits.

    The arrays below are public: rules and search read them.

    Args:
        sizes: Largest numbers of jobs, machines and operations.
        batch_size: B.
        show_graph: Whether observations hold what changes in the graph.

    Attributes:
        world: What instances fix.
        state: What changes. When machines will fail and be repaired is in it, too: policies must not look there.
        now: Time of each row, ``[B]``.
    """

    def __init__(self, sizes: Sizes, batch_size: int, show_graph: bool = False) -> None:
        self.arguments = (sizes, batch_size, show_graph)
        self.batch_size, self.sizes = batch_size, sizes
        b, (jobs, machines, operations) = batch_size, sizes
        self.instances: list[BlockingInstance | None] = [None] * b
        self.scale = np.ones(b)
        self.world = s.World(
            row=np.zeros((b, s.WORLD_COLUMNS), np.int64),
            real=np.zeros((b, s.REALS)),
            job=np.zeros((b, jobs, 4), np.int64),
            machine=np.zeros((b, operations), np.int64),
            duration=np.zeros((b, operations), np.int64),
        )
        self.state = s.State(
            job=np.zeros((b, jobs, s.JOB_COLUMNS), np.int64),
            machine=np.zeros((b, machines, s.MACHINE_COLUMNS), np.int64),
            start=np.full((b, operations), s.UNSTARTED, np.int64),
            plan=np.zeros((b, operations), np.int64),
            row=np.zeros((b, s.ROW_COLUMNS), np.int64),
            legal=np.zeros((b, jobs + 1), np.bool_),
            done=np.ones(b, np.bool_),
            illegal=np.zeros(b, np.bool_),
            reals=np.zeros(b),
        )
        self.action_mask, self.done, self.illegal = self.state.legal, self.state.done, self.state.illegal
        self.now, self.steps = self.state.row[:, s.NOW], self.state.row[:, s.STEPS]
        self.action_mask[:, -1] = True
        self.illegal_count, self.done_count = 0, b
        self._observer = BlockingObserver(b, sizes, show_graph)
        self.spec = self._observer.spec

    def _load(self, row: int, instance: BlockingInstance) -> None:
        shop, world = instance.shop, self.world
        for name, size, limit in zip(("jobs", "machines", "operations"), sizes_of([instance]), self.sizes, strict=True):
            if size > limit:
                raise ValueError(f"{instance.name}: {size} {name}; this simulator was made for at most {limit}")
        failing = instance.terms.breakdowns
        world.row[row] = (
            shop.num_jobs, shop.num_machines, shop.num_operations, instance.terms.swap, LAWS.index(failing.law),
            AFTER_REPAIR.index(failing.after_repair), failing.repair_min, failing.repair_max, instance.luck,
        )  # fmt: skip
        jobs, operations = shop.num_jobs, shop.num_operations
        world.job[row] = 0
        world.job[row, :jobs] = np.stack(
            [shop.release, shop.first_operation[:-1], np.diff(shop.first_operation), shop.job_work], axis=1
        )
        world.machine[row, :operations] = shop.machine
        world.duration[row, :operations] = shop.duration
        load = np.bincount(shop.machine, weights=shop.duration)
        self.scale[row] = max(float((shop.release + shop.job_work).max()), float(load.max()), 1.0)
        self.instances[row] = instance
        self._observer.load(row, instance, self.scale[row], world)

    def _start(self, rows: NDArray[np.int64]) -> None:
        kernels.reset_rows(rows, self.world, self.state)

    def step(self, action: NDArray[np.int64]) -> NDArray[np.float64]:
        """Start the next operation of job ``action[b]``, or wait, in every row; see :class:`Simulator`."""
        if len(action) != self.batch_size:  # compiled code does not look
            raise ValueError(f"{len(action)} actions for {self.batch_size} rows")
        self.illegal_count, self.done_count = kernels.step_rows(action, self.world, self.state)
        return self.state.reals

    def play_forced(self) -> NDArray[np.float64]:
        """Play on in every row while only one action is legal; see :class:`Simulator`."""
        self.done_count, self.illegal_count = kernels.play_forced_rows(self.world, self.state), 0
        return self.state.reals

    def observe(self, out: GraphState | None = None, rows: NDArray[np.intp] | None = None) -> GraphState:
        """The observation; features are described in :mod:`.observe`."""
        return self._observer.observe(self.world, self.state, out, rows)

    def elapsed(self) -> NDArray[np.int64]:
        """The time: it passes whatever is decided, and however many decisions are taken meanwhile."""
        now: NDArray[np.int64] = self.now
        return now

    def objective(self) -> NDArray[np.float64]:
        """The makespan of each row; before the end, a lower bound on what can still be reached."""
        return self.state.row[:, s.BOUND].astype(np.float64)

    def solution(self, row: int) -> JobShopSolution:
        """Start times of row ``row`` so far."""
        return JobShopSolution(self.state.start[row, : self.world.row[row, s.NUM_OPERATIONS]].copy())

    def state_arrays(self) -> dict[str, NDArray[Any]]:
        """What changes during an episode."""
        return self.state._asdict()
