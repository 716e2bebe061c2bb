"""A training run: budgets, validation, checkpoints, and the state from which it can go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from ..agents.core import play
from ..agents.learned import LearnedPolicy, feature_names
from ..envs.core.errors import InputError
from ..envs.core.memory import is_out_of_memory
from ..envs.core.problem import Problem
from ..models.checkpoint import Checkpoint, load_checkpoint
from ..models.sb3 import MaskableGraphPolicy
from .distributed import LostError
from .faults import TrainingStoppedError, check_finite, forgiving_logger, out_of_memory, silent_writers
from .graph_ppo import GraphPPO
from .progress import BudgetedProgress
from .settings import TrainSettings, check_rules
from .state import RunFiles, best_in_checkpoint, could_not_write, pack_state, state_of, write_state

VALIDATION_SEED = 1_000_000_007  # far from the seeds of training and of benchmark presets
SAVE_SECONDS = 60.0


class Validation:
    """Plays fixed random instances, which training does not see, with the most likely actions.

    Args:
        problem: The problem.
        settings: Where the instances come from, and how many.
    """

    def __init__(self, problem: Problem[Any, Any, Any], settings: TrainSettings) -> None:
        rng = np.random.default_rng(VALIDATION_SEED)
        self._problem = problem
        self._sets = []
        for values in settings.validation_environments:
            config = problem.configure(values)
            check_rules(problem, config, dict(settings.environment), values)
            sample = problem.sampler(config)
            self._sets.append((config, [sample(rng) for _ in range(settings.validation_instances)]))

    def mean_objective(self, policy: LearnedPolicy) -> float:
        """Mean objective of the greedy policy."""
        values = [play(policy, self._problem, instances, config).objective() for config, instances in self._sets]
        return float(np.concatenate(values).mean())


class TrainingRun(BaseCallback):
    """Watches a run: ends it on time, validates, saves the best weights and, for resuming, the last state.

    Args:
        problem: The problem.
        settings: Budgets.
        folder: Where checkpoints go.
        about: Command, commit and so on, written into every checkpoint.
        before: Seconds and curve of the runs that this one continues.
        report: Called with (share done, one line of progress) once an update.
    """

    def __init__(
        self,
        problem: Problem[Any, Any, Any],
        settings: TrainSettings,
        folder: Path,
        about: dict[str, Any],
        before: tuple[float, Sequence[dict[str, float]]] = (0.0, ()),
        report: Callable[[float, str], None] = lambda share, text: None,
    ) -> None:
        super().__init__()
        self.problem, self.settings, self.folder, self.about, self.report = problem, settings, folder, about, report
        self.validation = Validation(problem, settings)
        self.curve: list[dict[str, float]] = list(before[1])
        self._seconds_before = before[0]
        self._began = self._saved = 0.0
        self.files = RunFiles(folder)
        self._state: dict[str, torch.Tensor] = {}
        self._state_steps = 0
        # a run that was killed may have saved better weights after the state that this one goes on from
        self._best_before = best_in_checkpoint(folder, problem.minimise) if before[0] else None
        self._validated_at = -1
        self.completed = self.finished = False

    @property
    def policy(self) -> MaskableGraphPolicy:
        """The policy in training."""
        policy = self.model.policy
        assert isinstance(policy, MaskableGraphPolicy)
        return policy

    @property
    def seconds(self) -> float:
        """Training time so far, earlier runs included."""
        return self._seconds_before + time.monotonic() - self._began

    @property
    def best(self) -> float | None:
        """The best validation so far."""
        values = [point["validation"] for point in self.curve]
        if self._best_before is not None:
            values.append(self._best_before)
        return (min if self.problem.minimise else max)(values, default=None)

    def share_done(self) -> float:
        """Share of the budget that is used up."""
        if self.settings.steps:
            # the callback's own count is that of its last step, which only this process took
            return self.model.num_timesteps / self.settings.steps
        return self.seconds / (60 * self.settings.minutes)

    def begin(self, model: OnPolicyAlgorithm) -> None:
        """Save the run as it starts: it can be resumed from now on, and a folder that cannot be written shows at once.

        Raises:
            InputError: The folder cannot be written.
        """
        self.model = model
        self._began = self._saved = time.monotonic()
        self._remember_state()
        try:
            self.files.begin()
            write_state(self.folder, self._packed_state())
        except OSError as error:
            raise InputError(f"{could_not_write(error)}; make room there, or choose another --out") from error
        # made here, not by SB3, which gives up where this one goes on without
        model.set_logger(forgiving_logger(model, "GraphPPO" if isinstance(model, GraphPPO) else "PPO"))

    def _on_training_start(self) -> None:
        self._began = self._saved = time.monotonic()
        if isinstance(self.model, BudgetedProgress):
            self.model.progress = self.share_done
            # SB3 tells it after a roll-out; a run that goes on must know before the first one whether it still imitates
            self.model._update_current_progress_remaining(self.model.num_timesteps, self.model._total_timesteps)
        if self.curve and self.curve[-1]["steps"] == self.model.num_timesteps:
            self._validated_at = self.updates  # by the run that this one continues

    def _on_step(self) -> bool:
        # a budget of steps ends with a whole update, by itself
        return bool(self.settings.steps) or self.share_done() < 1.0

    def _on_rollout_start(self) -> None:
        # between two updates; what is saved is always such a moment, so that resuming repeats what would have followed
        self._remember_state()
        updates = self.updates
        if updates and updates % self.settings.validation_updates == 0:
            self.validate()
        if time.monotonic() - self._saved >= SAVE_SECONDS:
            self.save_last()

    @property
    def updates(self) -> int:
        """Updates so far, earlier runs included."""
        epochs: int = self.model._n_updates
        return epochs // self.settings.epochs

    def _on_rollout_end(self) -> None:
        steps = self.model.num_timesteps
        rate = steps / max(self.seconds, 1e-9)
        self.report(min(self.share_done(), 1.0), f"{steps:,} steps, {rate:,.0f} per second{self.best_text}")

    @property
    def best_text(self) -> str:
        """The best validation so far, to be put at the end of a line; nothing without one."""
        return "" if self.best is None else f", best validation {self.best:.{self.problem.decimals}f}"

    def _remember_state(self) -> None:
        state = state_of(self.model, self.seconds)
        check_finite(state.values(), "what the network became", self.updates)
        self._state, self._state_steps = state, self.model.num_timesteps

    def _packed_state(self) -> bytes:
        """The remembered state, with all that a run needs to go on from it alone."""
        curve = [point for point in self.curve if point["steps"] <= self._state_steps]
        record = {"problem": self.problem.name, "settings": self.settings.to_json(), "about": self.about}
        return pack_state(self._state, {**record, "curve": curve})

    def validate(self) -> None:
        """Measure the present policy, unless that is done; its weights are saved if they are the best so far."""
        if self._validated_at == self.updates:
            return
        network = self.policy.network
        value = self.validation.mean_objective(LearnedPolicy(network))
        better = self.best is None or (value < self.best if self.problem.minimise else value > self.best)
        self.curve.append({"steps": float(self._state_steps), "seconds": round(self.seconds, 1), "validation": value})
        self.logger.record("validation/mean_objective", value)
        self._validated_at = self.updates
        if better:
            self.files.keep_best(self._checkpoint())

    def _checkpoint(self) -> Checkpoint:
        training = {
            **self.about,
            "settings": self.settings.to_json(),
            "steps": self._state_steps,
            "seconds": round(self.seconds, 1),
            "device": str(self.model.device),
            "curve": self.curve,
            "best": self.best,
        }
        names = feature_names(self.policy.extractor.spec)
        return Checkpoint(self.policy.network, self.problem.name, names, dict(self.settings.environment), training)

    def complete_the_record(self) -> None:
        """Write the whole curve and the final counts beside the best weights."""
        self.files.keep_best(replace(self.files.best(), training=self._checkpoint().training))

    def save_last(self) -> None:
        """Save the state between the last two updates for ``--resume``; what fails is tried again the next time."""
        if self._state:
            self.files.keep_state(self._packed_state())
        self._saved = time.monotonic()

    def finish(self) -> None:
        """Validate and save once more, after the last update or an interruption; ``finished`` tells that it was done.

        Raises:
            TrainingStoppedError: The end of the run cannot be written.
        """
        if self.completed:
            self._remember_state()
        else:
            # an interrupted run keeps the state between two updates that it had last: it can go on exactly from there,
            # and what is validated must be that, not the weights of half an update
            prefix = "network."
            weights = {name.removeprefix(prefix): self._state[name] for name in self._state if name.startswith(prefix)}
            self.policy.network.load_state_dict(weights)
        self.validate()
        self.save_last()
        self.complete_the_record()
        self.finished = True
        if self.files.problem is not None:
            raise TrainingStoppedError(
                f"{could_not_write(self.files.problem)}: the end of this run is lost, what was saved before is kept; "
                f"make room, then --resume {self.folder}"
            )


def train(model: OnPolicyAlgorithm, run: TrainingRun) -> None:
    """Train until the budget is spent (or Ctrl-C), then validate and save once more.

    After an error the last state is saved, and the best weights are what the last validation left.

    Raises:
        InputError: The run's folder cannot be written.
        TrainingStoppedError: A loss, gradient or weight is not finite, the device is out of memory, or the end of the
            run cannot be written.
    """
    run.begin(model)
    try:
        limit = run.settings.steps or 2**62
        with silent_writers():
            model.learn(max(limit - model.num_timesteps, 0), callback=run, reset_num_timesteps=False)
        run.completed = True
        run.finish()
    except KeyboardInterrupt:
        run.save_last()  # first: validating may take long, and another Ctrl-C, or torchrun after 30 s, cuts it off
        run.finish()
        raise
    except (Exception, LostError) as error:
        run.save_last()
        if is_out_of_memory(error):
            raise out_of_memory(run.settings, model.device) from error
        raise


def start_from(model: OnPolicyAlgorithm, problem: Problem[Any, Any, Any], folder: Path) -> dict[str, Any]:
    """Give a new run the weights of a checkpoint.

    Returns:
        How those were made, for the new checkpoints to tell.

    Raises:
        InputError: No checkpoint there, or one of another problem, network or observation.
    """
    checkpoint = load_checkpoint(folder)
    policy = model.policy
    assert isinstance(policy, MaskableGraphPolicy)
    if checkpoint.problem != problem.name:
        raise InputError(f"{folder}: was trained on {checkpoint.problem}, not on {problem.name}")
    if checkpoint.features != feature_names(policy.extractor.spec):
        raise InputError(f"{folder}: was trained on other features than this version of schedlab shows")
    if checkpoint.network.config != policy.network.config:
        raise InputError(f"{folder}: is a network of another kind or size than the settings describe")
    policy.network.load_state_dict(checkpoint.network.state_dict())
    told = ("command", "seed", "commit", "steps", "seconds", "start")
    return {name: checkpoint.training[name] for name in told if name in checkpoint.training}
