"""What a small problem need not write: bookkeeping of episodes, plain defaults, environments from a configuration.

For problems that plain numpy is fast enough for, above all those that live outside this package; the built-in ones have
compiled loops and write these parts themselves. ``docs/add-a-problem.md`` walks through a complete example.
"""

from __future__ import annotations

import inspect
from abc import abstractmethod
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .errors import InputError, unknown_name
from .fields import bad_field
from .figures import new_figure
from .files import LONGEST_NAME, name_of, read_text
from .graph import FEATURE_LIMIT, PADDING, GraphSpec, GraphState
from .gym_env import SchedulingEnv
from .instances import looks_like_a_path
from .json_text import parse_json
from .problem import Bound, ConfigT, Problem
from .simulator import InstanceT, Simulator, SolutionT
from .vector_env import SchedulingVectorEnv

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_DECISIONS = 10**6
"""Longest solution that is read from a file."""


class SmallSimulator(Simulator[InstanceT, SolutionT]):
    """A simulator that keeps masks, ends, illegal actions and snapshots; sub-classes write what happens.

    Sub-classes make the arrays that change during an episode with :meth:`changing`, in ``__init__``, and write
    :meth:`load`, :meth:`begin`, :meth:`act`, :meth:`legal`, :meth:`ended`, :meth:`show`, and ``objective`` and
    ``solution`` of the base class. All but ``load`` and ``solution`` work on many rows at once.

    Args:
        spec: Sizes and feature names of the observation.
        batch_size: Episodes side by side, B.
        arguments: What the sub-class's constructor was called with, for pickles.

    Attributes:
        state: Buffers of the observation; ``load`` writes ``nodes``, ``node_mask`` and ``edges`` there.
    """

    def __init__(self, spec: GraphSpec, batch_size: int, arguments: tuple[Any, ...]) -> None:
        self.spec, self.batch_size, self.arguments = spec, batch_size, arguments
        self.state = GraphState.empty(spec, batch_size)
        self.instances: list[InstanceT | None] = [None] * batch_size
        self.scale = np.ones(batch_size)
        self._changing: dict[str, NDArray[Any]] = {}
        self.done = self.changing("done", (), np.bool_)
        self.illegal = self.changing("illegal", (), np.bool_)
        self.steps = self.changing("steps", (), np.int64)
        self.action_mask = self.changing("action_mask", (spec.num_actions,), np.bool_)
        self.done[:], self.action_mask[:, 0] = True, True
        self.illegal_count, self.done_count = 0, batch_size
        self._rewards = np.zeros(batch_size)
        self._loaded = np.zeros(batch_size, np.bool_)
        self._every_row = np.arange(batch_size)

    def changing(self, name: str, shape: tuple[int, ...], kind: type[np.generic]) -> NDArray[Any]:
        """A new array of zeros ``[B, *shape]`` that snapshots keep."""
        self._changing[name] = np.zeros((self.batch_size, *shape), kind)
        return self._changing[name]

    @abstractmethod
    def load(self, row: int, instance: InstanceT) -> None:
        """Take an instance into a row: its numbers, ``scale[row]``, and the static part of ``state``, now all padding.

        Raises:
            ValueError: It exceeds ``spec``.
        """

    @abstractmethod
    def begin(self, rows: NDArray[np.int64]) -> None:
        """Set the changing arrays of these rows, int64 ``[R]``, to the start of an episode."""

    @abstractmethod
    def act(self, rows: NDArray[np.int64], action: NDArray[np.int64]) -> NDArray[np.float64]:
        """Apply a legal action in each of these rows, both int64 ``[R]``, and return the rewards ``[R]``."""

    @abstractmethod
    def legal(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Legal actions of these rows, bool ``[R, A]``; of rows that have ended any."""

    @abstractmethod
    def ended(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these rows' episodes have ended, bool ``[R]``."""

    @abstractmethod
    def show(self, state: GraphState, rows: NDArray[np.int64]) -> None:
        """Write candidates, features and context of these rows into ``state``, where they are padding and zeros.

        The mask is written already, and features and context are clipped afterwards.
        """

    def _load(self, row: int, instance: InstanceT) -> None:
        self.state.nodes[row], self.state.node_mask[row] = 0, 0
        for index in self.state.edges.values():
            index[row] = PADDING
        self.load(row, instance)
        self.instances[row], self._loaded[row] = instance, True

    def _start(self, rows: NDArray[np.int64]) -> None:
        self.steps[rows], self.illegal[rows] = 0, False
        self.begin(rows)
        self._look(rows)

    def _look(self, rows: NDArray[np.int64]) -> None:
        """Note which of these rows have ended and what is legal in them."""
        self.done[rows], mask = self.ended(rows), self.legal(rows)
        if not (mask.any(axis=1) | self.done[rows]).all():
            raise RuntimeError(f"{type(self).__name__}: nothing is legal in an episode that has not ended")
        mask[self.done[rows]] = np.arange(self.spec.num_actions) == 0  # no mask is ever empty
        self.action_mask[rows] = mask

    def step(self, action: NDArray[np.int64]) -> NDArray[np.float64]:
        """Apply one action per row; see :class:`Simulator`."""
        action = np.asarray(action, np.int64)
        if len(action) != self.batch_size:
            raise ValueError(f"{len(action)} actions for {self.batch_size} rows")
        inside = (action >= 0) & (action < self.spec.num_actions)
        legal = inside & self.action_mask[self._every_row, np.where(inside, action, 0)]
        self.illegal[:] = ~legal & ~self.done
        rows = np.flatnonzero(legal & ~self.done)
        self._rewards[:] = 0
        if len(rows):
            self._rewards[rows] = self.act(rows, action[rows])
            self.steps[rows] += 1
            self._look(rows)
        self.illegal_count, self.done_count = int(self.illegal.sum()), int(self.done.sum())
        return self._rewards

    def observe(self, out: GraphState | None = None, rows: NDArray[np.intp] | None = None) -> GraphState:
        """The observation of every row; see :class:`Simulator`."""
        state = self.state if out is None else out
        chosen = self._every_row if rows is None else rows
        state.candidate[chosen], state.features[chosen], state.context[chosen] = PADDING, 0, 0
        state.node_state[chosen] = 0
        for index in state.changing.values():
            index[chosen] = PADDING
        state.action_mask[chosen] = self.action_mask[chosen]
        playing = chosen[self._loaded[chosen]]  # an environment looks once before its first reset
        self.show(state, playing)
        for table in (state.features, state.context):
            table[playing] = table[playing].clip(-FEATURE_LIMIT, FEATURE_LIMIT)
        return state

    def state_arrays(self) -> dict[str, NDArray[Any]]:
        """What :meth:`changing` made."""
        return self._changing


class SmallProblem(Problem[ConfigT, InstanceT, NDArray[np.int64]]):
    """A problem whose solutions are arrays of integers, with plain defaults for what it does not say.

    Sub-classes write ``sampler``, ``simulator_for_config``, ``simulator_for`` and ``check``.

    Attributes:
        instance_type: The dataclass of its instances, with a field ``name``: files are JSON objects of its arguments.
    """

    instance_type: ClassVar[type]

    def instance_names(self) -> list[str]:
        """None is built in."""
        return []

    def load(self, name_or_path: str, config: ConfigT) -> InstanceT:
        """The instance of a JSON file, called after the file where it has no ``name``."""
        if not looks_like_a_path(name_or_path):
            names = self.instance_names()
            if names:
                raise unknown_name("instance", name_or_path, names)
            raise InputError(f"unknown instance {name_or_path!r}: none are built in; name a JSON file")
        path = Path(name_or_path)
        data = parse_json(read_text(path), str(path))
        wanted = [item.name for item in fields(self.instance_type)]
        if not isinstance(data, dict) or not set(data) <= set(wanted):
            raise InputError(f"{path}: must be an object of {', '.join(wanted)}")
        # names are printed on terminals and written to results, which are read back
        name = data.get("name", "instance")
        if not isinstance(name, str) or not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
            raise bad_field(data, "name", str(path), f"a text of 1 to {LONGEST_NAME} printable characters")
        try:
            instance: InstanceT = self.instance_type(**{"name": name_of(path), **data})
        except (TypeError, ValueError, OverflowError) as error:
            raise InputError(f"{path}: {error}") from error
        return instance

    def instance_name(self, instance: InstanceT) -> str:
        """Its field ``name``."""
        return str(getattr(instance, "name", "instance"))

    def bound(self, instance: InstanceT, config: ConfigT) -> Bound | None:
        """None is known."""
        return None

    def solution_to_json(self, instance: InstanceT, solution: NDArray[np.int64]) -> dict[str, Any]:
        """``{"decisions": [...]}``."""
        return {"decisions": solution.tolist()}

    def solution_from_json(self, instance: InstanceT, data: Any) -> NDArray[np.int64]:
        """The inverse of :meth:`solution_to_json`."""
        decisions = data.get("decisions") if isinstance(data, dict) else None
        if not isinstance(decisions, list) or len(decisions) > MAX_DECISIONS:
            raise InputError("the solution must be an object with a list 'decisions'")
        if not all(type(value) is int and abs(value) < 2**62 for value in decisions):
            raise InputError("the solution's 'decisions' must be integers")
        return np.array(decisions, np.int64)

    def draw_text(self, instance: InstanceT, solution: NDArray[np.int64], width: int = 100) -> str:
        """The decisions, in a line."""
        line = f"{self.instance_name(instance)}: {' '.join(map(str, solution.tolist()))}"
        return line if len(line) <= width else f"{line[: width - 3]}..."

    def draw(self, instance: InstanceT, solution: NDArray[np.int64], title: str = "") -> Figure:
        """The decisions as bars, until the problem has a picture of its own."""
        figure = new_figure(8, 3)
        axes = figure.add_subplot()
        axes.bar(np.arange(len(solution)), solution)
        axes.set(title=title or self.instance_name(instance), xlabel="place", ylabel="decision")
        return figure


def env_classes(
    problem: Problem[Any, Any, Any], name: str, page: str, module: str
) -> tuple[type[SchedulingEnv], type[SchedulingVectorEnv]]:
    """The two environments of a problem, whose arguments are the fields of its configuration.

    Args:
        problem: The problem.
        name: Stem of the classes' names: ``"Knapsack"`` makes ``KnapsackEnv`` and ``KnapsackVectorEnv``. Assign them to
            these names, so that pickles find them.
        page: Their documentation, with Gymnasium's headings.
        module: ``__name__`` of the module that assigns them.
    """
    single: dict[str, Any] = {"render_mode": None, "strict": False, "normalize_reward": False}
    vector: dict[str, Any] = {**single, "copy": True, "max_episode_steps": None}
    options = {item.name: _default(item) for item in fields(problem.config_type)}

    def start(self: SchedulingEnv, **values: Any) -> None:
        rest = {key: values.pop(key, default) for key, default in single.items()}
        SchedulingEnv.__init__(self, problem.configure(values), **rest)

    def start_many(self: SchedulingVectorEnv, num_envs: int = 1, **values: Any) -> None:
        rest = {key: values.pop(key, default) for key, default in vector.items()}
        SchedulingVectorEnv.__init__(self, num_envs, problem.configure(values), **rest)

    def made(kind: str, base: type, init: Any, arguments: dict[str, Any]) -> Any:
        # what help() and editors show
        init.__signature__ = inspect.Signature(
            [inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
            + [inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=d) for key, d in arguments.items()]
        )
        parts = {"problem": problem, "__doc__": page, "__module__": module, "__init__": init}
        return type(f"{name}{kind}", (base,), parts)

    return (
        made("Env", SchedulingEnv, start, {**options, **single}),
        made("VectorEnv", SchedulingVectorEnv, start_many, {"num_envs": 1, **options, **vector}),
    )


def _default(item: Field[Any]) -> Any:
    return item.default if item.default_factory is MISSING else item.default_factory()
