"""Problem: one object that names a problem's parts, and the registry entry that finds it."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from .errors import InputError, unknown_name
from .plugins import load_plugins
from .simulator import InstanceT, Simulator, SolutionT
from .view import View

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ConfigT = TypeVar("ConfigT")


@dataclass(frozen=True)
class ProblemEntry:
    """One registry line: where a problem lives and what its environment is called.

    Attributes:
        name: Name on the command line, ``"job-shop"``.
        package: Folder below ``envs``, ``"job_shop"``; its ``problem`` module defines ``PROBLEM``, its
            ``env`` module the classes ``{env}Env`` and ``{env}VectorEnv``.
        env: Stem of the Gymnasium id and of the classes, ``"JobShop"``.
        version: Version of the environment; raised when its behaviour changes.
        home: Of a problem that lives outside this package: the module that holds all its parts, ``PROBLEM``, the
            environments and the table ``AGENTS``. Empty for the built-in ones.
    """

    name: str
    package: str
    env: str
    version: int
    home: str = ""

    @property
    def env_id(self) -> str:
        """The Gymnasium id."""
        return f"{self.env}-v{self.version}"

    @property
    def module(self) -> str:
        """Import path of the problem's folder."""
        return self.home or f"{__name__.rsplit('.', 2)[0]}.{self.package}"

    def part(self, name: str) -> str:
        """Import path of the module that holds a part of the problem, ``"problem"`` or ``"env"``."""
        return self.home or f"{self.module}.{name}"


def register_problem_envs(entry: ProblemEntry) -> None:
    """Register a problem's environments with Gymnasium by string entry points, once."""
    if entry.env_id in gym.registry:
        return
    gym.register(
        id=entry.env_id,
        entry_point=f"{entry.part('env')}:{entry.env}Env",
        vector_entry_point=f"{entry.part('env')}:{entry.env}VectorEnv",
    )


def load_problem(name: str) -> Problem[Any, Any, Any]:
    """The problem of that name.

    Raises:
        InputError: There is none.
    """
    from .. import PROBLEMS  # here, because the registry of all problems imports this module

    if name not in PROBLEMS:
        load_plugins()
    if name not in PROBLEMS:
        raise unknown_name("problem", name, PROBLEMS)
    problem = importlib.import_module(PROBLEMS[name].part("problem")).PROBLEM
    assert isinstance(problem, Problem)
    return problem


@dataclass(frozen=True)
class Bound:
    """What an objective is compared with.

    Attributes:
        value: The bound, in the objective's unit.
        kind: Where it comes from: ``"best-known"`` (published), ``"proved"`` (by a solver of this run), ...
        source: Publication or run, with date.
    """

    value: float
    kind: str
    source: str = ""


@dataclass(frozen=True)
class CheckReport:
    """Verdict of an independent checker.

    Attributes:
        feasible: Whether every constraint holds.
        objective: The recomputed objective; NaN where the solution is infeasible.
        violations: One sentence per broken constraint (the first hundred).
        measures: Further numbers that people read beside the objective, recomputed as well, for example
            ``{"max_tardiness": 340.0}``. Names ending in ``_share`` are fractions, shown as percentages; the others
            have the objective's unit or one that their name says. Empty where the solution is infeasible.
    """

    feasible: bool
    objective: float
    violations: tuple[str, ...] = ()
    measures: dict[str, float] = field(default_factory=dict)


class Problem(ABC, Generic[ConfigT, InstanceT, SolutionT]):
    """Names a problem's parts, so that environments, agents and the benchmark need not know it.

    A configuration is a frozen dataclass of plain JSON values: what instances, what objective, what options.

    Attributes:
        name: On the command line.
        title: One line for ``schedlab list``.
        config_type: The dataclass of its configurations.
        minimise: Whether a smaller objective is better.
        anytime: Whether a simulator's objective is that of a solution that exists already while it is still played, as
            where a complete solution is improved step by step: :meth:`Simulator.solution` then gives that solution at
            any time. It is the best so far, so it never gets worse.
        decimals: Digits behind the point with which means of the objective are shown.
        job_costs_label: What :meth:`job_costs` are, as on an axis (``"tardiness"``); empty where it gives none.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    config_type: ClassVar[type]
    minimise: ClassVar[bool] = True
    anytime: ClassVar[bool] = False
    decimals: ClassVar[int] = 1
    examples: ClassVar[dict[str, str]] = {}
    """Arguments that ``--help`` shows, by verb, where the command line's own do not fit."""
    job_costs_label: ClassVar[str] = ""

    @abstractmethod
    def sampler(self, config: ConfigT) -> Callable[[np.random.Generator], InstanceT]:
        """How episodes get their instances when ``reset`` names none."""

    @abstractmethod
    def simulator_for_config(self, config: ConfigT, batch_size: int) -> Simulator[InstanceT, SolutionT]:
        """A simulator large enough for every instance that the configuration can give."""

    @abstractmethod
    def simulator_for(
        self, instances: Sequence[InstanceT], config: ConfigT, batch_size: int | None = None
    ) -> Simulator[InstanceT, SolutionT]:
        """A simulator just large enough for these instances, one row for each unless told otherwise."""

    @abstractmethod
    def instance_names(self) -> list[str]:
        """Instances that are built in by name."""

    @abstractmethod
    def load(self, name_or_path: str, config: ConfigT) -> InstanceT:
        """A built-in instance or a file, completed by the configuration (due dates, ...).

        Raises:
            InputError: No such name or file, or the file is wrong.
        """

    def load_all(self, name_or_path: str, config: ConfigT) -> list[InstanceT]:
        """Every instance of that name or file, in its order: one, unless the problem has files that hold several.

        Raises:
            InputError: No such name or file, or the file is wrong.
        """
        return [self.load(name_or_path, config)]

    @abstractmethod
    def instance_name(self, instance: InstanceT) -> str:
        """The name under which results are reported."""

    def instance_class(self, instance: InstanceT) -> str:
        """Instances of one class are reported together, for example by size; empty where there are no classes."""
        return ""

    @abstractmethod
    def bound(self, instance: InstanceT, config: ConfigT) -> Bound | None:
        """Best known bound on the configured objective, if one is published."""

    def unfolds(self, instance: InstanceT) -> bool:
        """Whether chance is met while an instance is played: the best of several plays is then known too late."""
        return False

    def with_luck(self, instance: InstanceT, seed: int) -> InstanceT | None:
        """A given instance with the chance of that seed, so that a benchmark can play it several times.

        Returns:
            ``None`` where a given instance brings all its chance along.
        """
        return None

    @abstractmethod
    def check(self, instance: InstanceT, solution: SolutionT, config: ConfigT) -> CheckReport:
        """Verify a solution and recompute its objective, without the simulator's code."""

    def job_costs(self, instance: InstanceT, solution: SolutionT, config: ConfigT) -> NDArray[np.float64] | None:
        """What a feasible solution costs each job, for the distribution over jobs that the benchmark draws.

        Means hide the few jobs that are very late. This is, for example, the tardiness of every job that counts.

        Returns:
            Float64 ``[J]``, none negative, in the unit of time; ``None`` where the objective has no such cost.
        """
        return None

    @abstractmethod
    def solution_to_json(self, instance: InstanceT, solution: SolutionT) -> dict[str, Any]:
        """A solution as JSON values."""

    @abstractmethod
    def solution_from_json(self, instance: InstanceT, data: Any) -> SolutionT:
        """The inverse of :meth:`solution_to_json`.

        Raises:
            InputError: The data is not a solution of that instance's shape.
        """

    @abstractmethod
    def draw(self, instance: InstanceT, solution: SolutionT, title: str = "") -> Figure:
        """The picture people expect of a solution, as a matplotlib figure."""

    @abstractmethod
    def draw_text(self, instance: InstanceT, solution: SolutionT, width: int = 100) -> str:
        """The same picture in characters."""

    def view(self, instance: InstanceT, solution: SolutionT, config: ConfigT) -> View | None:
        """What a solution looks like, as plain values that a page in a browser can draw and let people explore.

        Args:
            instance: What was solved.
            solution: A feasible solution, or the beginning of one.
            config: As of :meth:`check`.

        Returns:
            ``None`` where the problem has no view, or the solution is too large for one.

        Raises:
            ValueError: The solution is not feasible, or has times beyond 2**53, in a way that no view can show.
        """
        return None

    def presets(self) -> dict[str, dict[str, Any]]:
        """Named sets of random instances: preset name -> configuration values; instance k has seed k."""
        return {}

    def playing(self, config: ConfigT, trained: dict[str, Any]) -> ConfigT:
        """The configuration with which an agent plays ``config`` that was trained with the values ``trained``.

        An agent may keep rules of play that only restrict its own decisions; instances and objective are
        ``config``'s.

        Raises:
            InputError: It was trained for something else altogether.
        """
        return config

    def agent_for(self, config: ConfigT) -> str:
        """What the shipped trained agents are told apart by, for example the objective."""
        return "default"

    def configure(self, values: dict[str, Any]) -> ConfigT:
        """Build a configuration from plain values.

        Raises:
            InputError: An unknown name or a bad value.
        """
        known = {field.name for field in fields(self.config_type)}
        for name in values:
            if name not in known:
                raise unknown_name(f"{self.name} option", name, known)
        try:
            config: ConfigT = self.config_type(**values)
        except (TypeError, ValueError) as error:
            raise InputError(str(error)) from error
        return config
