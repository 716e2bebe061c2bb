"""Several processes that train one network: who they are, what they tell one another, and how they end together."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import FrameType
from typing import Any, TypeVar, cast

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from ..agents.learned import torch_device
from ..envs.core.errors import InputError
from ..models.checkpoint import first_line

PATIENCE = timedelta(minutes=30)
"""How long a process waits for the others. It must outlast the slowest validation; a process that ends is noticed at
once, by its connections."""

START = timedelta(minutes=5)
"""How long a process waits until all have begun."""

SPOKEN = "schedlab/spoken"
ADDRESS = ("MASTER_ADDR", "MASTER_PORT")

T = TypeVar("T")


class LostError(BaseException):
    """This process was told to end.

    As with ``KeyboardInterrupt``, nobody who catches every ``Exception`` may swallow it: it comes from a signal, in the
    middle of anything.
    """


@dataclass(frozen=True)
class Share:
    """What one process plays of an update.

    Attributes:
        numbers: The instances (or streams of episodes) that it plays, among those of all processes, int64 ``[G]``.
        total: How many all processes play.
    """

    numbers: NDArray[np.int64]
    total: int

    @classmethod
    def whole(cls, total: int) -> Share:
        """Everything, for a process that is alone."""
        return cls(np.arange(total), total)

    def rows(self, repeats: int) -> NDArray[np.int64]:
        """The episodes that it plays, among those of all processes, ``[G * repeats]``."""
        rows: NDArray[np.int64] = (self.numbers[:, None] * repeats + np.arange(repeats)).reshape(-1)
        return rows


@dataclass(frozen=True)
class World:
    """The processes of a training run, as one of them sees them; by default it is alone.

    Attributes:
        rank: Its number.
        size: How many there are.
        local_rank: Its number on its machine.
        local_size: How many there are on its machine.
        store: What all of them can read and write; ``None`` for a process that nobody else was started with.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1
    store: Any = field(default=None, compare=False, repr=False)

    @property
    def leads(self) -> bool:
        """Whether it is the one that validates, saves and reports."""
        return self.rank == 0

    @property
    def connected(self) -> bool:
        """Whether there is a process group, if only of one."""
        return self.store is not None

    def share(self, total: int) -> Share:
        """What this process plays of ``total`` instances: every ``size``-th, so that all play about as much.

        Raises:
            ValueError: There are fewer of them than processes.
        """
        if total < self.size:
            raise ValueError(f"instances ({total}) must be at least as many as processes ({self.size})")
        return Share(np.arange(self.rank, total, self.size), total)

    def device(self, name: str) -> torch.device:
        """Where this process computes: with a GPU, on that of its number on its machine.

        Args:
            name: ``"cpu"``, ``"cuda"`` or ``"auto"``; also ``"cuda:1"`` for a process that is alone.

        Raises:
            InputError: Not understood, or the machine has fewer GPUs than processes.
        """
        device = torch_device(name)
        if device.type != "cuda" or not self.connected:
            return device
        if device.index is not None:
            raise InputError(f"device {name!r}: under torchrun every process takes a GPU of its own; use cuda")
        if self.local_size > torch.cuda.device_count():
            raise InputError(
                f"device {name!r}: {self.local_size} processes on this machine, but torch sees "
                f"{torch.cuda.device_count()} GPU here; start fewer with --nproc-per-node, or use cpu"
            )
        torch.cuda.set_device(self.local_rank)
        return torch.device("cuda", self.local_rank)

    def check_devices(self, name: str) -> None:
        """Refuse to begin where a process does not find its device, or finds one of another kind than the others.

        Args:
            name: As for :meth:`device`; ``"auto"`` may be something else on every machine.

        Raises:
            InputError: In all processes alike.
        """
        kinds = self.gather(self.together(lambda: self.device(name)).type)
        if len(set(kinds)) > 1:
            without = ", ".join(str(rank) for rank, kind in enumerate(kinds) if kind == "cpu")
            raise InputError(f"device {name!r}: a GPU for some processes, but none for {without}; use cpu for all")

    def total(self, amounts: Tensor) -> Tensor:
        """The sum of a tensor over all processes, alike in all of them; the tensor itself is overwritten."""
        if self.size > 1:
            dist.all_reduce(amounts)
        return amounts

    def gather(self, value: T) -> list[T]:
        """A small object of every process, in the order of their numbers."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        dist.all_gather_object(values, value)
        return values

    def from_first(self, make: Callable[[], T]) -> T:
        """What the first process makes, handed to all.

        Raises:
            InputError: It refused its input; then all do.
        """
        return cast(T, self._agreed(make if self.leads else lambda: None)[0])

    def together(self, make: Callable[[], T]) -> T:
        """What every process makes for itself, without talking to the others: one that refuses would not answer them.

        Raises:
            InputError: One of them refused its input; then all do.
        """
        if self.size == 1:
            return make()
        made: list[T] = []
        self._agreed(lambda: made.append(make()))
        return made[0]

    def _agreed(self, make: Callable[[], Any]) -> list[Any]:
        if self.size == 1:
            return [make()]
        made, refusal = None, ""
        try:
            made = make()
        except InputError as error:
            refusal = str(error) or "bad input"
        told = self.gather((made, refusal))
        for _, other in told:
            if other:
                raise InputError(other)
        return [value for value, _ in told]

    def check_alike(self, fingerprint: str) -> None:
        """Refuse to begin with processes of which each has read or made something else.

        Raises:
            InputError: Their fingerprints differ.
        """
        if len(set(self.gather(fingerprint))) > 1:
            raise InputError(
                "the processes do not begin alike: all machines need the same version of schedlab and of torch, "
                "and with --resume or --start the same folder"
            )

    def wrapped(self, module: nn.Module) -> nn.Module:
        """A module whose gradients become the mean over all processes as soon as they are computed."""
        if not self.connected or isinstance(module, DistributedDataParallel):
            return module
        return DistributedDataParallel(module)

    def speaks_first(self) -> bool:
        """Whether none of the others has told the user yet what is wrong; from then on it counts as told."""
        if self.size == 1:
            return True
        try:
            return int(self.store.add(SPOKEN, 1)) == 1
        except (RuntimeError, OSError):
            return True  # torchrun itself is gone: better twice than not at all

    def lost(self, error: BaseException) -> bool:
        """Whether an error means that the connection to another process broke."""
        return isinstance(error, LostError) or (
            self.size > 1
            and isinstance(error, RuntimeError)
            and (isinstance(error, dist.DistError) or any(word in str(error) for word in ("gloo", "NCCL", "ncclComm")))
        )

    def leave(self, status: int = 0) -> None:
        """End the process group, without waiting for anybody; a process that only helped ends here.

        Args:
            status: Its exit status.
        """
        if not self.connected:
            return
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        gc.collect()  # what is left of DistributedDataParallel must not outlive the connections
        dist.destroy_process_group()
        if not self.leads:
            # gloo's threads have been seen to abort an interpreter that shuts down while others are still at work
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def ending(self) -> None:
        """Nothing may interrupt what is still to be saved; torchrun kills a process that takes longer than 30 s."""
        if self.connected:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)


ONE_PROCESS = World()


def join_world(environment: Mapping[str, str] = os.environ) -> World:
    """Meet the other processes that torchrun (or what sets the same variables) has started.

    Args:
        environment: ``RANK``, ``WORLD_SIZE``, ``LOCAL_RANK``, ``LOCAL_WORLD_SIZE``, ``MASTER_ADDR`` and
            ``MASTER_PORT``; without the first two the process is alone, without the next two on its machine.

    Returns:
        The processes: they talk by gloo and, where there are GPUs, about gradients by NCCL. From now on SIGTERM raises
        :class:`LostError`, and the first Ctrl-C ``KeyboardInterrupt``; later ones are ignored.

    Raises:
        InputError: The variables do not fit together, or the others did not come.
    """
    if "RANK" not in environment or "WORLD_SIZE" not in environment:
        return ONE_PROCESS
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    given = {name: environment[name] for name in names if name in environment}
    if not all(text.isdigit() for text in given.values()):
        raise InputError(f"{given}: not numbers; start several processes with torchrun")
    rank, size = int(given["RANK"]), int(given["WORLD_SIZE"])
    missing = [name for name in ADDRESS if name not in environment]
    if missing and size == 1:
        return ONE_PROCESS  # some clusters set the numbers for every job
    if missing or not 0 <= rank < size:
        raise InputError(
            f"RANK {rank} of WORLD_SIZE {size}, {' and '.join(missing) or 'address'} "
            f"{'not set' if missing else 'set'}: start several processes with torchrun"
        )
    local_rank, local_size = _local(given)
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() and dist.is_nccl_available() else "gloo"
    try:
        store, rank, size = next(rendezvous("env://", timeout=START))
        dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=PATIENCE)
    except (RuntimeError, ValueError) as error:
        reason = first_line(error)
        raise InputError(f"process {rank} of {size}: the processes did not find one another ({reason})") from None
    signal.signal(signal.SIGTERM, _told_to_end)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else ignored, as in a shell's background jobs
        signal.signal(signal.SIGINT, _interrupted)
    return World(rank, size, local_rank, local_size, store)


def _local(given: Mapping[str, str]) -> tuple[int, int]:
    """A process's number on its machine, and how many there are; told neither, it is alone there."""
    local_rank = int(given.get("LOCAL_RANK", 0))
    local_size = int(given.get("LOCAL_WORLD_SIZE", local_rank + 1))
    if local_rank >= local_size:
        raise InputError(
            f"LOCAL_RANK {local_rank} of LOCAL_WORLD_SIZE {local_size}: counted from 0, so it must be smaller; "
            "start several processes with torchrun"
        )
    return local_rank, local_size


def _told_to_end(number: int, frame: FrameType | None) -> None:
    """Torchrun ends the processes with this signal when one has failed, and schedulers end jobs with it."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough
    raise LostError("told to end")


def _interrupted(number: int, frame: FrameType | None) -> None:
    """Of Ctrl-C torchrun sends a second signal, which must not interrupt what the first one lets the run save."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt
