"""What a training run is told."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..envs.core.errors import InputError, unknown_name


@dataclass(frozen=True)
class TrainSettings:
    """Settings of a MaskablePPO run.

    Attributes:
        minutes: Time budget; ignored when ``steps`` is set.
        steps: Budget in environment steps, the same on any machine; 0 for the time budget.
        envs: Environments side by side.
        steps_per_rollout: Steps of each environment between two updates.
        minibatch: Steps per gradient step.
        epochs: Passes over a roll-out.
        learning_rate: Of Adam.
        discount: Gamma.
        gae_lambda: Lambda of generalised advantage estimation.
        clip: PPO's clipping range.
        entropy: Weight of the entropy bonus.
        value_coefficient: Weight of the value loss.
        max_gradient_norm: Gradients are clipped to it.
        threads: Torch threads; one is often fastest for networks of this size.
        seed: Of networks, instances and actions.
        hidden: Width of the network.
        layers: Graph convolutions.
        heads: Attention heads.
        validation_instances: Random instances, not trained on, on which progress is judged.
        validation_seconds: Time between two validations.
        environment: Arguments of the environment.

    Raises:
        ValueError: A value is out of range.
    """

    minutes: float = 10.0
    steps: int = 0
    envs: int = 16
    steps_per_rollout: int = 144
    minibatch: int = 288
    epochs: int = 3
    learning_rate: float = 1e-3
    discount: float = 1.0
    gae_lambda: float = 0.95
    clip: float = 0.2
    entropy: float = 0.01
    value_coefficient: float = 0.5
    max_gradient_norm: float = 0.5
    threads: int = 1
    seed: int = 0
    hidden: int = 64
    layers: int = 2
    heads: int = 4
    validation_instances: int = 16
    validation_seconds: float = 20.0
    environment: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if item.type in ("int", "float") and (
                isinstance(value, bool) or not isinstance(value, int if item.type == "int" else (int, float))
            ):
                raise ValueError(f"{item.name} must be a number of type {item.type}, got {value!r}")
        for name in ("envs", "steps_per_rollout", "epochs", "threads", "hidden", "heads", "validation_instances"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("minutes", "learning_rate", "clip", "max_gradient_norm", "validation_seconds"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if not 1 < self.minibatch <= self.envs * self.steps_per_rollout:
            raise ValueError(
                f"minibatch must lie in 2..{self.envs * self.steps_per_rollout} (envs times steps_per_rollout)"
            )
        if self.steps < 0 or not 0 <= self.seed < 2**31:
            raise ValueError(f"steps {self.steps} and seed {self.seed} must not be negative, and seed below 2**31")
        if not (0 < self.discount <= 1 and 0 <= self.gae_lambda <= 1):
            raise ValueError(f"discount {self.discount} and gae_lambda {self.gae_lambda} must lie in 0..1")

    def to_json(self) -> dict[str, Any]:
        """The settings as JSON values."""
        return {**asdict(self), "environment": dict(self.environment)}

    def changed(self, **values: Any) -> TrainSettings:
        """The settings with those values that are not ``None``.

        Raises:
            InputError: A value is out of range.
        """
        try:
            return replace(self, **{name: value for name, value in values.items() if value is not None})
        except ValueError as error:
            raise InputError(str(error)) from error


def settings_from(values: Mapping[str, Any], source: str) -> TrainSettings:
    """Settings from plain values.

    Raises:
        InputError: An unknown name or a bad value; the message names ``source``.
    """
    known = {item.name for item in fields(TrainSettings)}
    for name in values:
        if name not in known:
            raise InputError(f"{source}: {unknown_name('setting', name, known)}")
    try:
        return TrainSettings(**values)
    except (TypeError, ValueError) as error:
        raise InputError(f"{source}: {error}") from None


def read_settings(path: Path) -> TrainSettings:
    """Settings from a TOML file.

    Raises:
        InputError: The file is missing or wrong.
    """
    try:
        return settings_from(tomllib.loads(path.read_text(encoding="utf-8")), str(path))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not TOML ({error})") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def default_settings(package: str) -> TrainSettings:
    """The committed settings of a problem, by its folder's name."""
    name = f"{package}.toml"
    text = files(f"{__package__}.configs").joinpath(name).read_text(encoding="utf-8")
    return settings_from(tomllib.loads(text), name)
