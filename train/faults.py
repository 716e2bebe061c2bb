"""What can go wrong while training, each told in one clear line."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from stable_baselines3.common.logger import KVWriter, Logger, TensorBoardOutputFormat
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.utils import configure_logger

from .settings import TrainSettings


class TrainingStoppedError(RuntimeError):
    """Training cannot go on, through no fault of the input; one line that says why and what to do. Exit status 1."""


def warn(text: str) -> None:
    """One line on standard error."""
    print(f"schedlab: {text}", file=sys.stderr, flush=True)


def check_finite(values: Iterable[torch.Tensor], what: str, update: int) -> None:
    """Refuse to learn from numbers that are not numbers.

    Args:
        values: Loss, norm of the gradient, weights, ...
        what: Their name, for the message.
        update: Which update they belong to, from 1.

    Raises:
        TrainingStoppedError: There is a NaN or an infinity among them.
    """
    # stacked, because every look at a value waits for the device
    if not bool(torch.stack([torch.isfinite(value).all() for value in values]).all()):
        raise TrainingStoppedError(
            f"update {update}: {what} is not finite (NaN or infinite); what was saved before is kept: --start goes on "
            'from the best weights in a new run, for which try a smaller learning_rate or precision = "float32"'
        )


def stop_at_bad_gradients(model: OnPolicyAlgorithm) -> None:
    """Make an algorithm whose update is not ours look at its gradients before every step of its optimizer."""

    def look(*_: object) -> None:
        gradients = [parameter.grad for parameter in model.policy.parameters() if parameter.grad is not None]
        update = model._n_updates // model.n_epochs + 1  # type: ignore[attr-defined]
        check_finite(gradients, "the gradient", update)

    model.policy.optimizer.register_step_pre_hook(look)


def out_of_memory(settings: TrainSettings, device: torch.device) -> TrainingStoppedError:
    """The error that names the settings which decide how much memory an update takes."""
    names = ("instances", "repeats", "minibatch_instances")
    if settings.algorithm == "maskable-ppo":
        names = ("envs", "steps_per_rollout", "minibatch")
    elif settings.segment:
        names = ("instances", "segment", "minibatch_instances")
    listed = ", ".join(f"{name} (now {getattr(settings, name)})" for name in names)
    return TrainingStoppedError(
        f"out of memory on {device}: reduce {listed}, or the hidden size, in a new run; --start goes on from the best "
        "weights of this one, and --resume tries again with the same settings"
    )


class ForgivingWriter(KVWriter):
    """An output of SB3's logger that is given up, with one warning, when it can no longer be written.

    Args:
        writer: The output.
    """

    def __init__(self, writer: KVWriter) -> None:
        self._writer: KVWriter | None = writer

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        """Pass the values on, if the output still works."""
        try:
            if self._writer is not None:
                self._writer.write(key_values, key_excluded, step)
        except OSError as error:
            self._writer = None  # not closed: that would write, and wait for a writer that has ended
            warn(f"{_where(error)}: {error.strerror or error}; training goes on without TensorBoard's log")

    def close(self) -> None:
        """Close the output, if it still works."""
        try:
            if self._writer is not None:
                self._writer.close()
        except OSError as error:
            warn(f"{_where(error)}: {error.strerror or error}; the end of TensorBoard's log is lost")
        self._writer = None


def forgiving_logger(model: OnPolicyAlgorithm, name: str) -> Logger:
    """The logger that SB3 would make, except that a full disk under TensorBoard's log does not end the run.

    Args:
        model: Says where the log goes.
        name: The folder of the log, without its number.
    """
    try:
        logger = configure_logger(model.verbose, model.tensorboard_log, name, reset_num_timesteps=False)
    except OSError as error:
        warn(f"{_where(error)}: {error.strerror or error}; training goes on without TensorBoard's log")
        return configure_logger(model.verbose, None)
    outputs = logger.output_formats
    logger.output_formats = [
        ForgivingWriter(out) if isinstance(out, TensorBoardOutputFormat) else out for out in outputs
    ]
    return logger


@contextmanager
def silent_writers() -> Iterator[None]:
    """No traceback from TensorBoard's thread about a disk that is full: :class:`ForgivingWriter` tells it in a line."""
    usual = threading.excepthook

    def hook(failure: threading.ExceptHookArgs) -> None:
        of_tensorboard = type(failure.thread).__module__.startswith("tensorboard")
        if not (of_tensorboard and isinstance(failure.exc_value, OSError)):
            usual(failure)

    threading.excepthook = hook
    try:
        yield
    finally:
        threading.excepthook = usual


def _where(error: OSError) -> str:
    return str(error.filename or "TensorBoard")
