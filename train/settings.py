"""What a training run is told."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..envs.core.errors import InputError, unknown_name
from ..envs.core.files import read_limited
from ..envs.core.problem import Problem
from .losses import ALONE, BASELINES, DISCOUNT_PER
from .schedules import SCHEDULES, schedule

MAX_SETTINGS_BYTES = 2**20
TRAINING_STREAM = 715_827_883
"""Tells the random numbers of training instances from those of benchmark presets, whose seeds are small."""

ALGORITHMS = ("graph-ppo", "maskable-ppo")
POSITIVE_INTEGERS = (
    "instances", "repeats", "minibatch_instances", "envs", "steps_per_rollout", "epochs", "threads", "hidden", "heads",
    "validation_instances", "validation_updates", "imitation_memory",
)  # fmt: skip
POSITIVE = ("minutes", "learning_rate", "clip", "max_gradient_norm")


@dataclass(frozen=True)
class TrainSettings:
    """Settings of a training run.

    Attributes:
        algorithm: ``"graph-ppo"``, or ``"maskable-ppo"`` for sb3-contrib's on the plain Gymnasium environment.
        minutes: Time budget; ignored when ``steps`` is set.
        steps: Budget in environment steps, the same on any machine; 0 for the time budget.
        instances: Of graph-ppo: instances of an update, from each of ``environments``.
        repeats: Of graph-ppo: episodes of each instance.
        segment: Of graph-ppo: 0 to play whole episodes; else decisions of an update in each of ``instances`` episodes,
            which go on in the next update.
        minibatch_instances: Of graph-ppo: instances of a gradient step, with all their episodes.
        baseline: Of graph-ppo: what returns are compared with, ``"group"``, ``"value"``, ``"both"``, ``"paired"`` or
            ``"returns"`` (n-step REINFORCE where ``segment`` is n and there is one epoch).
        target_kl: Of graph-ppo: an update ends when a step finds the policy 1.5 times so far away; 0 for never.
        precision: Of graph-ppo: ``"float32"`` or ``"bfloat16"``.
        compile: Of graph-ppo: whether to compile the decoder with ``torch.compile``.
        envs: Of maskable-ppo: environments side by side.
        steps_per_rollout: Of maskable-ppo: steps of each environment between two updates.
        minibatch: Of maskable-ppo: steps of a gradient step.
        epochs: Passes over what an update collected.
        learning_rate: Peak of Adam's.
        schedule: Shape of the learning rate over the run, one of ``SCHEDULES``.
        discount: Gamma.
        gae_lambda: Lambda of generalised advantage estimation.
        discount_per: Of graph-ppo: whether gamma and lambda count per ``"decision"`` or per unit of the simulator's
            ``"clock"``.
        clip: PPO's clipping range.
        entropy: Weight of the entropy bonus.
        value_coefficient: Weight of the value loss.
        max_gradient_norm: Gradients are clipped to it.
        device: ``"auto"`` (a GPU when there is one), ``"cpu"`` or ``"cuda"``.
        threads: Torch threads; one is often fastest for networks of this size.
        seed: Of networks, instances and actions.
        hidden: Width of the network.
        layers: Rounds of message passing over the graph.
        heads: Attention heads.
        attention_layers: Rounds of attention over the candidates.
        encoder: Kind of graph encoder.
        encode: ``"once"`` per episode or at ``"every-step"``.
        attend: Whether candidates look at the ``"legal"`` ones only, or at ``"all"``.
        prior: Weights of candidate features in the logits before anything is learned, by name: training then begins
            with the rule that they are.
        imitate: Of graph-ppo: agent whose play is imitated at first; empty for none.
        imitation_share: Of graph-ppo: share of the budget in which it is.
        imitation_seconds: Of graph-ppo: time limit for each instance of an imitated solver.
        imitation_memory: Of graph-ppo: updates whose imitated play is remembered and learned from again
            in every later one, which takes memory and time; a run that is resumed begins with none.
        architecture: Kind of network, one of ``ARCHITECTURES``.
        validation_instances: Random instances, not trained on, on which progress is judged, of each environment.
        validation_updates: Updates between two validations.
        environment: Arguments of the environment.
        environments: Of graph-ppo: what each of several environments changes in ``environment``; every update plays
            all of them.
        validation: What the validation's environments change in ``environment``; by default they are the training's.

    Raises:
        ValueError: A value is out of range.
    """

    algorithm: str = "graph-ppo"
    minutes: float = 10.0
    steps: int = 0
    instances: int = 16
    repeats: int = 16
    segment: int = 0
    minibatch_instances: int = 4
    baseline: str = "group"
    target_kl: float = 0.0
    precision: str = "float32"
    compile: bool = False
    envs: int = 16
    steps_per_rollout: int = 144
    minibatch: int = 288
    epochs: int = 1
    learning_rate: float = 1e-3
    schedule: str = "warmup-stable-decay"
    discount: float = 1.0
    gae_lambda: float = 0.95
    discount_per: str = "decision"
    clip: float = 0.2
    entropy: float = 0.01
    value_coefficient: float = 0.5
    max_gradient_norm: float = 1.0
    device: str = "auto"
    threads: int = 1
    seed: int = 0
    hidden: int = 64
    layers: int = 3
    heads: int = 4
    attention_layers: int = 1
    encoder: str = "sage"
    encode: str = "once"
    attend: str = "legal"
    prior: Mapping[str, float] = field(default_factory=dict)
    imitate: str = ""
    imitation_share: float = 0.2
    imitation_seconds: float = 2.0
    imitation_memory: int = 1
    architecture: str = "encode-once"
    validation_instances: int = 16
    validation_updates: int = 20
    environment: Mapping[str, Any] = field(default_factory=dict)
    environments: Sequence[Mapping[str, Any]] = ({},)
    validation: Sequence[Mapping[str, Any]] = ()

    def __post_init__(self) -> None:
        self._check_types()
        for name in POSITIVE_INTEGERS:
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in POSITIVE:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        for name, choices in (
            ("algorithm", ALGORITHMS),
            ("baseline", BASELINES),
            ("discount_per", DISCOUNT_PER),
            ("schedule", tuple(SCHEDULES)),
            ("precision", ("float32", "bfloat16")),
        ):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} {getattr(self, name)!r} not understood; use one of {', '.join(choices)}")
        if self.algorithm == "maskable-ppo" and not 1 < self.minibatch <= self.envs * self.steps_per_rollout:
            raise ValueError(
                f"minibatch must lie in 2..{self.envs * self.steps_per_rollout} (envs times steps_per_rollout)"
            )
        if self.minibatch_instances > self.instances:
            raise ValueError(f"minibatch_instances must lie in 1..{self.instances} (instances)")
        if self.baseline not in ALONE and self.repeats < 2:
            raise ValueError(f"baseline {self.baseline!r} compares episodes of an instance: repeats must be at least 2")
        if self.segment < 0 or (self.segment and (self.baseline not in ALONE or self.repeats != 1)):
            raise ValueError(
                "segments of episodes have no group to compare with: use baseline 'value' or 'returns', and repeats 1"
            )
        if self.segment and self.discount_per == "clock":
            raise ValueError("discount_per clock needs whole episodes: use segment 0")
        if self.imitate and (self.segment or self.algorithm != "graph-ppo"):
            raise ValueError("imitation needs graph-ppo and whole episodes: use segment 0")
        if not (0 <= self.imitation_share <= 1 and self.imitation_seconds > 0):
            raise ValueError(f"imitation_share {self.imitation_share} must lie in 0..1, imitation_seconds be positive")
        if self.steps < 0 or not 0 <= self.seed < 2**31:
            raise ValueError(f"steps {self.steps} and seed {self.seed} must not be negative, and seed below 2**31")
        if not (0 < self.discount <= 1 and 0 <= self.gae_lambda <= 1):
            raise ValueError(f"discount {self.discount} and gae_lambda {self.gae_lambda} must lie in 0..1")

    def _check_types(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if item.type in ("int", "float") and (
                isinstance(value, bool) or not isinstance(value, int if item.type == "int" else (int, float))
            ):
                raise ValueError(f"{item.name} must be a number of type {item.type}, got {value!r}")
            if item.type == "float" and not math.isfinite(value):
                raise ValueError(f"{item.name} must be a finite number, got {value!r}")
            if item.type in ("str", "bool") and not isinstance(value, str if item.type == "str" else bool):
                raise ValueError(f"{item.name} must be of type {item.type}, got {value!r}")
        weights = self.prior.values() if isinstance(self.prior, Mapping) else ["none"]
        if any(isinstance(w, bool) or not isinstance(w, (int, float)) or not math.isfinite(w) for w in weights):
            raise ValueError(f"prior must be a table of features and numbers, got {self.prior!r}")
        if not isinstance(self.environment, Mapping):
            raise ValueError(f"environment must be a table of arguments, got {self.environment!r}")
        for name in ("environments", "validation"):
            tables = getattr(self, name)
            if not isinstance(tables, (list, tuple)) or not all(isinstance(table, Mapping) for table in tables):
                raise ValueError(f"{name} must be a list of tables of arguments, got {tables!r}")
        if not self.environments:
            raise ValueError("environments must name at least one; an empty table changes nothing")

    @property
    def network(self) -> dict[str, Any]:
        """Sizes of the network."""
        names = ("hidden", "layers", "heads", "attention_layers", "encoder", "encode", "attend", "architecture")
        return {**{name: getattr(self, name) for name in names}, "prior": dict(self.prior)}

    def ppo_arguments(self, folder: Path | None) -> dict[str, Any]:
        """What both algorithms call the same.

        Args:
            folder: Where TensorBoard's log goes; ``None`` for nowhere.
        """
        return {
            "learning_rate": schedule(self.schedule, self.learning_rate),
            "n_epochs": self.epochs,
            "gamma": self.discount,
            "gae_lambda": self.gae_lambda,
            "clip_range": self.clip,
            "ent_coef": self.entropy,
            "vf_coef": self.value_coefficient,
            "max_grad_norm": self.max_gradient_norm,
            "seed": self.seed,
            "device": self.device,
            "tensorboard_log": None if folder is None else str(folder / "tensorboard"),
        }

    @property
    def validation_environments(self) -> list[dict[str, Any]]:
        """Arguments of the environments on which progress is judged."""
        changes = self.validation or (self.environments if self.algorithm == "graph-ppo" else ({},))
        return [{**self.environment, **change} for change in changes]

    def to_json(self) -> dict[str, Any]:
        """The settings as JSON values."""
        tables = {name: [dict(table) for table in getattr(self, name)] for name in ("environments", "validation")}
        return {**asdict(self), "environment": dict(self.environment), "prior": dict(self.prior), **tables}

    def in_environment(self, **values: Any) -> TrainSettings:
        """The settings with these arguments in every environment, also where the settings vary them."""

        def without(tables: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
            left = [{key: value for key, value in table.items() if key not in values} for table in tables]
            return [table for place, table in enumerate(left) if table not in left[:place]]

        return self.changed(
            environment={**self.environment, **values},
            environments=without(self.environments),
            validation=without(self.validation),
        )

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
    data = read_limited(path, MAX_SETTINGS_BYTES, "training settings")
    try:
        values = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # not TOML, not UTF-8, numbers of thousands of digits, deep nesting
        raise InputError(f"{path}: not TOML ({error})") from None
    return settings_from(values, str(path))


def committed_settings(name: str) -> TrainSettings:
    """Settings that come with the package, by the name of their file in ``train/configs`` without its ending.

    Raises:
        InputError: There are none of that name.
    """
    path = files(f"{__package__}.configs").joinpath(f"{name}.toml")
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise unknown_name("training configuration", name, committed_names()) from None
    return settings_from(tomllib.loads(text), f"{name}.toml")


def named_settings(text: str) -> TrainSettings:
    """Settings from a TOML file, or committed ones by name.

    Raises:
        InputError: Neither exists, or the file is wrong.
    """
    path = Path(text)
    named = not path.exists() and len(path.parts) == 1 and not path.suffix
    return committed_settings(text) if named else read_settings(path)


def committed_names() -> list[str]:
    """Names of the settings that come with the package."""
    folder = files(f"{__package__}.configs")
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def check_rules(problem: Problem[Any, Any, Any], config: Any, base: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Refuse an environment that is played by other rules than the agent will be.

    Args:
        problem: The problem.
        config: The environment's configuration.
        base: The values that a checkpoint remembers.
        values: What the environment changes in them, for the message.

    Raises:
        InputError: It changes the rules of play.
    """
    try:
        same = problem.playing(config, base) == config
    except InputError:
        same = False
    if not same:
        raise InputError(f"an environment may not change the rules of play; {dict(values)} does: set them for all")
