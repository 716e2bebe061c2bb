"""A training run: budgets, validation, checkpoints, and the state from which it can go on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load as load_tensors
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from ..agents.core import play
from ..agents.learned import LearnedPolicy, feature_names
from ..envs.core.errors import InputError
from ..envs.core.files import write_atomically
from ..envs.core.problem import Problem
from ..models.checkpoint import Checkpoint, flat_tensors, load_checkpoint, read_bytes, save_checkpoint
from ..models.sb3 import MaskableGraphPolicy
from .graph_ppo import BudgetedProgress, GraphPPO
from .settings import TrainSettings, check_rules

LAST_FILE = "last.safetensors"
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
        self._state, self._state_steps = b"", 0
        self._validated_at = -1
        self.completed = False

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
        return (min if self.problem.minimise else max)((point["validation"] for point in self.curve), default=None)

    def share_done(self) -> float:
        """Share of the budget that is used up."""
        if self.settings.steps:
            return self.num_timesteps / self.settings.steps
        return self.seconds / (60 * self.settings.minutes)

    def _on_training_start(self) -> None:
        self._began = self._saved = time.monotonic()
        if isinstance(self.model, BudgetedProgress):
            self.model.progress = self.share_done
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
        best = "" if self.best is None else f", best validation {self.best:.{self.problem.decimals}f}"
        rate = self.num_timesteps / max(self.seconds, 1e-9)
        self.report(min(self.share_done(), 1.0), f"{self.num_timesteps:,} steps, {rate:,.0f} per second{best}")

    def _remember_state(self) -> None:
        self._state, self._state_steps = state_of(self.model, self.seconds), self.model.num_timesteps

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
            save_checkpoint(self.folder, self._checkpoint())

    def _checkpoint(self) -> Checkpoint:
        training = {
            **self.about,
            "settings": self.settings.to_json(),
            "steps": self._state_steps,
            "seconds": round(self.seconds, 1),
            "device": str(self.model.device),
            "curve": self.curve,
        }
        names = feature_names(self.policy.extractor.spec)
        return Checkpoint(self.policy.network, self.problem.name, names, dict(self.settings.environment), training)

    def complete_the_record(self) -> None:
        """Write the whole curve and the final counts beside the best weights."""
        best = load_checkpoint(self.folder)
        save_checkpoint(self.folder, replace(best, training=self._checkpoint().training))

    def save_last(self) -> None:
        """Save the state between the last two updates for ``--resume``."""
        if self._state:
            write_atomically(self.folder / LAST_FILE, self._state)
        self._saved = time.monotonic()

    def finish(self) -> None:
        """Validate and save once more, after the last update or an interruption."""
        if self.completed:
            self._remember_state()
        # an interrupted run keeps the state between two updates that it had last: it can go on exactly from there
        self.validate()
        self.save_last()
        self.complete_the_record()


def train(model: OnPolicyAlgorithm, run: TrainingRun) -> None:
    """Train until the budget is spent (or Ctrl-C), then validate and save once more.

    After an error the last state is saved, and the best weights are what the last validation left.
    """
    try:
        limit = run.settings.steps or 2**62
        model.learn(max(limit - model.num_timesteps, 0), callback=run, reset_num_timesteps=False)
    except KeyboardInterrupt:
        run.finish()
        raise
    except Exception:
        run.save_last()
        raise
    run.completed = True
    run.finish()


def state_of(model: BaseAlgorithm, seconds: float) -> bytes:
    """Weights, optimiser, random numbers and counters of a run, as safetensors.

    MaskablePPO's environments keep random numbers and unfinished episodes of their own, so its runs go on, but not
    exactly as they would have.
    """
    policy: Any = model.policy
    tensors = {f"network.{name}": tensor for name, tensor in policy.network.state_dict().items()}
    for index, state in policy.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": torch.as_tensor(value) for name, value in state.items()}
    counters = {"steps": model.num_timesteps, "updates": model._n_updates, "seconds": seconds}
    tensors |= {f"counter.{name}": torch.tensor(float(value), dtype=torch.float64) for name, value in counters.items()}
    if isinstance(model, GraphPPO):
        tensors["random.actions"] = model.action_generator.get_state()
        instances = json.dumps(model.instance_generator.bit_generator.state)
        tensors["random.instances"] = torch.tensor(list(instances.encode()), dtype=torch.uint8)
    return flat_tensors(tensors)


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


def restore(model: OnPolicyAlgorithm, folder: Path) -> tuple[float, list[dict[str, float]]]:
    """Load the state of a run; returns its seconds and its curve.

    Raises:
        InputError: Nothing to resume there, or a damaged file.
    """
    path = folder / LAST_FILE
    try:
        tensors = load_tensors(read_bytes(path))
        part: dict[str, dict[str, torch.Tensor]] = {"network": {}, "optimizer": {}, "counter": {}, "random": {}}
        for name, tensor in tensors.items():
            kind, _, rest = name.partition(".")
            part[kind][rest] = tensor
        policy: Any = model.policy
        policy.network.load_state_dict(part["network"])
        optimizer = policy.optimizer.state_dict()
        for name, tensor in part["optimizer"].items():
            index, key = name.split(".")
            optimizer["state"].setdefault(int(index), {})[key] = tensor
        policy.optimizer.load_state_dict(optimizer)
        model.num_timesteps, model._n_updates = (int(part["counter"][name]) for name in ("steps", "updates"))
        seconds = float(part["counter"]["seconds"])
        if isinstance(model, GraphPPO):
            restore_actions(model, part["random"]["actions"])
            instances = json.loads(bytes(part["random"]["instances"].tolist()))
            model.instance_generator.bit_generator.state = instances
    except InputError:
        raise
    except Exception as error:  # safetensors has an exception type of its own per kind of damage
        raise InputError(f"{path}: not a run that can be resumed ({str(error).splitlines()[0]})") from None
    curve = load_checkpoint(folder).training.get("curve", [])
    return seconds, [point for point in curve if point["steps"] <= model.num_timesteps]


def restore_actions(model: GraphPPO, state: torch.Tensor) -> None:
    """Continue the stream of random actions; on another kind of device, whose generator is another, start a new one."""
    if len(state) == len(model.action_generator.get_state()):
        model.action_generator.set_state(state)
    else:
        seed = np.random.SeedSequence([model.seed or 0, model.num_timesteps]).generate_state(1)[0]
        model.action_generator.manual_seed(int(seed))
