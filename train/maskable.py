"""The plain road: sb3-contrib's MaskablePPO on a Gymnasium environment, with the graph policy."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load as load_tensors
from sb3_contrib import MaskablePPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env

from ..agents import run_policy
from ..agents.learned import LearnedPolicy, feature_names
from ..envs import PROBLEMS
from ..envs.core.errors import InputError
from ..envs.core.files import write_atomically
from ..envs.core.problem import Problem
from ..models.checkpoint import Checkpoint, flat_tensors, load_checkpoint, read_bytes, save_checkpoint
from ..models.sb3 import GraphExtractor, MaskableGraphPolicy, network_config
from .settings import TrainSettings

LAST_FILE = "last.safetensors"
VALIDATION_SEED = 1_000_000_007  # far from the seeds of training and of benchmark presets
SAVE_SECONDS = 60.0


def make_model(problem: Problem[Any, Any, Any], settings: TrainSettings, folder: Path | None = None) -> MaskablePPO:
    """A MaskablePPO model with the graph policy on ``settings.envs`` environments.

    Args:
        problem: The problem.
        settings: Everything else.
        folder: Where TensorBoard's log goes; ``None`` for nowhere.

    Raises:
        InputError: The environment refuses its arguments.
    """
    torch.set_num_threads(settings.threads)
    # validating every categorical distribution costs a quarter of a roll-out
    torch.distributions.Distribution.set_default_validate_args(False)
    problem.configure(dict(settings.environment))
    env = make_vec_env(
        PROBLEMS[problem.name].env_id,
        n_envs=settings.envs,
        seed=settings.seed,
        env_kwargs={**settings.environment, "normalize_reward": True},
    )
    spec = env.get_attr("graph_spec")[0]
    try:
        config = network_config(spec, settings.hidden, settings.layers, settings.heads)
    except ValueError as error:
        raise InputError(str(error)) from error
    return MaskablePPO(
        MaskableGraphPolicy,
        env,
        learning_rate=settings.learning_rate,
        n_steps=settings.steps_per_rollout,
        batch_size=settings.minibatch,
        n_epochs=settings.epochs,
        gamma=settings.discount,
        gae_lambda=settings.gae_lambda,
        clip_range=settings.clip,
        ent_coef=settings.entropy,
        vf_coef=settings.value_coefficient,
        max_grad_norm=settings.max_gradient_norm,
        policy_kwargs={
            "features_extractor_class": GraphExtractor,
            "features_extractor_kwargs": {"spec": spec, "config": config},
        },
        seed=settings.seed,
        tensorboard_log=None if folder is None else str(folder / "tensorboard"),
    )


class Validation:
    """Plays fixed random instances, which training does not see, with the most likely actions.

    Args:
        problem: The problem.
        settings: Where the instances come from, and how many.
    """

    def __init__(self, problem: Problem[Any, Any, Any], settings: TrainSettings) -> None:
        config = problem.configure(dict(settings.environment))
        sample, rng = problem.sampler(config), np.random.default_rng(VALIDATION_SEED)
        self.instances = [sample(rng) for _ in range(settings.validation_instances)]
        self._simulator = problem.simulator_for(self.instances, config)

    def mean_objective(self, policy: LearnedPolicy) -> float:
        """Mean objective of the greedy policy."""
        run_policy(policy, self._simulator, self.instances)
        return float(self._simulator.objective().mean())


class TrainingRun(BaseCallback):
    """Watches a run: ends it on time, validates, saves the best weights and, for resuming, the last.

    Args:
        problem: The problem.
        settings: Budgets.
        folder: Where checkpoints go.
        about: Command, commit and so on, written into every checkpoint.
        before: Seconds and curve of the runs that this one continues.
        report: Called with (share done, one line of progress) once a roll-out.
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
        self._began = self._validated = self._saved = 0.0

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

    def _on_training_start(self) -> None:
        self._began = self._saved = time.monotonic()

    def _on_step(self) -> bool:
        return self._share_done() < 1.0

    def _share_done(self) -> float:
        if self.settings.steps:
            return self.num_timesteps / self.settings.steps
        return self.seconds / (60 * self.settings.minutes)

    def _on_rollout_end(self) -> None:
        now = time.monotonic()
        if now - self._validated >= self.settings.validation_seconds:
            self.validate()
        if now - self._saved >= SAVE_SECONDS:
            self.save_last()
        best = "" if self.best is None else f", best validation {self.best:.1f}"
        rate = self.num_timesteps / max(self.seconds, 1e-9)
        self.report(min(self._share_done(), 1.0), f"{self.num_timesteps:,} steps, {rate:,.0f} per second{best}")

    def validate(self) -> None:
        """Measure the present policy; its weights are saved if they are the best so far."""
        network = self.policy.network
        network.eval()
        value = self.validation.mean_objective(LearnedPolicy(network))
        better = self.best is None or (value < self.best if self.problem.minimise else value > self.best)
        self.curve.append({"steps": float(self.num_timesteps), "seconds": round(self.seconds, 1), "validation": value})
        self.logger.record("validation/mean_objective", value)
        self._validated = time.monotonic()
        if better:
            names = feature_names(self.policy.extractor.spec)
            save_checkpoint(self.folder, Checkpoint(network, self.problem.name, names, self._training()))

    def complete_the_record(self) -> None:
        """Write the whole curve and the final counts beside the best weights."""
        best = load_checkpoint(self.folder)
        save_checkpoint(self.folder, replace(best, training=self._training()))

    def _training(self) -> dict[str, Any]:
        return {
            **self.about,
            "settings": self.settings.to_json(),
            "steps": self.num_timesteps,
            "seconds": round(self.seconds, 1),
            "curve": self.curve,
        }

    def save_last(self) -> None:
        """Save weights, optimiser and counters for ``--resume``."""
        policy = self.policy
        tensors = {f"network.{name}": tensor for name, tensor in policy.network.state_dict().items()}
        for index, state in policy.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{name}": torch.as_tensor(value) for name, value in state.items()}
        counters = {"steps": float(self.num_timesteps), "seconds": self.seconds}
        tensors |= {f"counter.{name}": torch.tensor(value, dtype=torch.float64) for name, value in counters.items()}
        write_atomically(self.folder / LAST_FILE, flat_tensors(tensors))
        self._saved = time.monotonic()


def restore(model: MaskablePPO, folder: Path) -> tuple[float, list[dict[str, float]]]:
    """Load weights, optimiser and counters of a run; returns its seconds and its curve.

    Raises:
        InputError: Nothing to resume there, or a damaged file.
    """
    path = folder / LAST_FILE
    try:
        tensors = load_tensors(read_bytes(path))
        part = {
            kind: {name.removeprefix(f"{kind}."): tensor for name, tensor in tensors.items() if name.startswith(kind)}
            for kind in ("network", "optimizer", "counter")
        }
        policy: Any = model.policy
        policy.network.load_state_dict(part["network"])
        optimizer = policy.optimizer.state_dict()
        for name, tensor in part["optimizer"].items():
            index, key = name.split(".")
            optimizer["state"].setdefault(int(index), {})[key] = tensor
        policy.optimizer.load_state_dict(optimizer)
        model.num_timesteps = int(part["counter"]["steps"])
        seconds = float(part["counter"]["seconds"])
    except InputError:
        raise
    except Exception as error:  # safetensors has an exception type of its own per kind of damage
        raise InputError(f"{path}: not a run that can be resumed ({str(error).splitlines()[0]})") from None
    curve = load_checkpoint(folder).training.get("curve", [])
    return seconds, [point for point in curve if point["steps"] <= model.num_timesteps]


def train(model: MaskablePPO, run: TrainingRun) -> None:
    """Train until the budget is spent (or Ctrl-C), then validate and save once more."""
    try:
        limit = run.settings.steps or 2**62
        model.learn(max(limit - model.num_timesteps, 0), callback=run, reset_num_timesteps=False)
    finally:
        if hasattr(run, "model"):  # SB3 sets it when learning begins; before that there is nothing to keep
            run.validate()
            run.save_last()
            run.complete_the_record()
