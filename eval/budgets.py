"""The best agent of each kind within a budget of seconds: what learning, rules, search and exact models are worth.

The best of many agents, picked after the fact, looks better than it is. So an agent is chosen on other instances than
it is reported on, where those were measured; where they were not, the choice is in hindsight, and says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..agents.core import Agent, Policy, play
from ..envs.core.errors import InputError
from ..envs.core.problem import Problem
from ..envs.core.simulator import Simulator
from .comparison import agent_kind
from .intervals import Interval, mean_interval
from .race_results import Points
from .results import gap_to
from .tables import BOUND_TEXT

BUDGETS = (0.001, 0.01, 0.1, 1.0, 10.0)
KINDS = ("rule", "search", "exact", "learned")
HINDSIGHT = "hindsight"
"""The kind of agents that know what nobody can know; they never win."""
ENDLESS = 1e12
LATE = 0.05
"""Share of a budget by which a solution may be late: solvers look at the clock now and then."""

ONLY, ELSEWHERE, IN_HINDSIGHT = "only", "elsewhere", "hindsight"
"""How an agent was chosen: there was no other in time; by its mean on other instances; by what is reported here."""

GAP, TOTAL_GAP, OBJECTIVE = "mean gap", "gap of the sums", "mean objective"


@dataclass(frozen=True)
class Trial:
    """One agent's way through one instance, checked.

    Attributes:
        agent: Its name.
        instance: Name of the instance.
        seed: Of the agent, and of the instance where a preset made it.
        points: (Seconds, objective) of every improvement, in order; one, at the end, of whoever tells no others. Empty
            where the run failed or its solution is infeasible.
    """

    agent: str
    instance: str
    seed: int
    points: Points


@dataclass(frozen=True)
class Cell:
    """The best agent of a kind within a budget.

    Attributes:
        kind: Of :data:`KINDS`, or :data:`HINDSIGHT`.
        budget: In seconds, per instance or per decision.
        agent: Who was chosen.
        choice: :data:`ONLY`, :data:`ELSEWHERE` or :data:`IN_HINDSIGHT`.
        mean: Its mean over the instances.
        interval: Its 95 % interval over the instances.
        best: Whether no kind has a better mean.
        level: Whether it cannot be told from the best one: the 95 % interval of their paired difference holds 0.
    """

    kind: str
    budget: float
    agent: str
    choice: str
    mean: float
    interval: Interval | None
    best: bool = False
    level: bool = False


@dataclass(frozen=True)
class Trials:
    """All that was measured of a problem.

    Attributes:
        problem: The problem.
        trials: The runs.
        bounds: Bound on the objective and its kind, by instance, where one is known.
        decisions: Decisions of each instance, where budgets are per decision; empty where they are per instance.
        hindsight: Agents that know what nobody can know when they decide.
    """

    problem: Problem[Any, Any, Any]
    trials: Sequence[Trial]
    bounds: Mapping[str, tuple[float, str]]
    decisions: Mapping[str, int]
    hindsight: frozenset[str] = frozenset()

    @property
    def instances(self) -> list[str]:
        """Names of the instances, in the order in which they were run."""
        return list(dict.fromkeys(trial.instance for trial in self.trials))

    @property
    def agents(self) -> list[str]:
        """Names of the agents, in the order in which they were run."""
        return list(dict.fromkeys(trial.agent for trial in self.trials))

    def kind(self, agent: str) -> str:
        """What an agent is."""
        return HINDSIGHT if agent in self.hindsight else agent_kind(self.problem.name, agent)


@dataclass(frozen=True)
class Measured:
    """What is compared: a number for every agent, instance and budget.

    Attributes:
        what: :data:`GAP`, :data:`TOTAL_GAP` or :data:`OBJECTIVE`.
        reference: What gaps are to, in words; empty of objectives.
        values: Gaps as fractions, positive where worse, or objectives, float64 ``[A, I, T]``; NaN where an agent has no
            solution within the budget for each of its seeds.
        agents: Names along the first axis.
        instances: Along the second.
        budgets: Along the third.
        lower_is_better: Whether smaller values are better.
    """

    what: str
    reference: str
    values: NDArray[np.float64]
    agents: tuple[str, ...]
    instances: tuple[str, ...]
    budgets: tuple[float, ...]
    lower_is_better: bool


def count_decisions(rule: Agent, problem: Problem[Any, Any, Any], config: Any, instance: Any, seed: int = 0) -> int:
    """How often a rule had a choice between several actions, playing an instance alone.

    Raises:
        InputError: The agent is no policy.
    """
    if not isinstance(rule, Policy):
        raise InputError("--decisions-of names a solver, which decides once; name a rule")
    counting = _Counting(rule)
    play(counting, problem, [instance], config, seed)
    return counting.count


class _Counting(Policy[Any, Any]):
    def __init__(self, policy: Policy[Any, Any]) -> None:
        self.policy, self.count, self.stochastic = policy, 0, policy.stochastic

    def configuration(self, config: Any) -> Any:
        return self.policy.configuration(config)

    def begin(self, simulator: Simulator[Any, Any], seed: int) -> None:
        self.policy.begin(simulator, seed)

    def act(self, simulator: Simulator[Any, Any]) -> NDArray[np.int64]:
        self.count += 1
        return self.policy.act(simulator)


def measure(trials: Trials, budgets: Sequence[float]) -> Measured:
    """Objectives at every budget, as gaps where references are known.

    References are known bounds, or else the best objective of all runs on the instance; of streams, which nobody solves
    as a whole, objectives are shown unless every instance has a bound. Where a reference is 0 the gap is that of the
    sums of objectives and references.

    Args:
        trials: What was measured.
        budgets: In seconds, per instance or per decision.

    Raises:
        InputError: Fewer than two instances, or no run that counts.
    """
    agents, instances = tuple(trials.agents), tuple(trials.instances)
    if len(instances) < 2:
        raise InputError("means and intervals are over instances; measure at least two")
    objectives = measure_objectives(trials, agents, instances, budgets)
    if np.isnan(objectives).all():
        raise InputError("no run has a solution within any budget")
    minimise = trials.problem.minimise
    known = [trials.bounds.get(instance) for instance in instances]
    if trials.decisions and None in known:
        return Measured(OBJECTIVE, "", objectives, agents, instances, tuple(budgets), minimise)
    found = [_best_of(trials, instance) for instance in instances]
    references = np.array([best if bound is None else bound[0] for bound, best in zip(known, found, strict=True)])
    kinds = Counter("the best found here" if bound is None else BOUND_TEXT.get(bound[1], bound[1]) for bound in known)
    words = " or ".join(kinds)
    if references.min() > 0:
        gaps = np.vectorize(lambda value, reference: gap_to(value, reference, minimise), otypes=[float])
        return Measured(
            GAP, words, gaps(objectives, references[None, :, None]), agents, instances, tuple(budgets), True
        )
    if references.mean() > 0:
        sign = 1 if minimise else -1
        values = sign * (objectives - references[None, :, None]) / references.mean()
        return Measured(TOTAL_GAP, words, values, agents, instances, tuple(budgets), True)
    return Measured(OBJECTIVE, "", objectives, agents, instances, tuple(budgets), minimise)


def measure_objectives(
    trials: Trials, agents: Sequence[str], instances: Sequence[str], budgets: Sequence[float]
) -> NDArray[np.float64]:
    """The mean objective over its seeds of every agent on every instance at every budget, float64 ``[A, I, T]``."""
    by_run: dict[tuple[str, str], list[Points]] = {}
    for trial in trials.trials:
        by_run.setdefault((trial.agent, trial.instance), []).append(trial.points)
    objectives = np.full((len(agents), len(instances), len(budgets)), np.nan)
    for row, agent in enumerate(agents):
        for column, instance in enumerate(instances):
            seconds = np.array(budgets) * trials.decisions.get(instance, 1) * (1 + LATE)
            own = [objectives_within(points, seconds) for points in by_run.get((agent, instance), [])]
            if own:
                objectives[row, column] = np.mean(own, axis=0)
    return objectives


def objectives_within(points: Points, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """The objective of the best solution within each time, float64 ``[T]``; NaN where there is none yet."""
    known = np.array(points, np.float64).reshape(-1, 2)
    # the row of NaN comes last, where the place -1 finds it
    return np.append(known[:, 1], np.nan)[np.searchsorted(known[:, 0], seconds, side="right") - 1]


def _best_of(trials: Trials, instance: str) -> float:
    ends = [trial.points[-1][1] for trial in trials.trials if trial.instance == instance and trial.points]
    if not ends:
        return np.nan
    return min(ends) if trials.problem.minimise else max(ends)


def best_of_each_kind(trials: Trials, measured: Measured, elsewhere: Mapping[str, float] | None = None) -> list[Cell]:
    """For every budget and kind the best agent and what it reaches.

    An agent is a candidate where it has a solution of every instance within the budget. Kinds without one are left out.

    Args:
        trials: What was measured.
        measured: What is made of it.
        elsewhere: Agent -> its mean on other instances, see :func:`final_means`. A kind all of whose candidates are
            there is represented by the best of them there, any other kind by the best one here.

    Returns:
        Budget by budget, kinds in the order of :data:`KINDS`.
    """
    cells = []
    for column, budget in enumerate(measured.budgets):
        reached: dict[str, NDArray[np.float64]] = {}
        found: dict[str, Cell] = {}
        for kind in (*KINDS, HINDSIGHT):
            here = {
                agent: measured.values[row, :, column]
                for row, agent in enumerate(measured.agents)
                if trials.kind(agent) == kind and not np.isnan(measured.values[row, :, column]).any()
            }
            if not here:
                continue
            agent, choice = _choose(here, elsewhere or {}, measured.lower_is_better)
            values = reached[kind] = here[agent]
            found[kind] = Cell(kind, budget, agent, choice, float(values.mean()), mean_interval(values.tolist()))
        cells += _mark_best(found, reached, measured.lower_is_better)
    return cells


def _choose(
    here: Mapping[str, NDArray[np.float64]], elsewhere: Mapping[str, float], lower_is_better: bool
) -> tuple[str, str]:
    if len(here) == 1:
        return next(iter(here)), ONLY
    known = all(agent in elsewhere for agent in here)
    means = {agent: elsewhere[agent] if known else float(values.mean()) for agent, values in here.items()}
    sign = 1 if lower_is_better else -1
    return min(means, key=lambda agent: sign * means[agent]), ELSEWHERE if known else IN_HINDSIGHT


def final_means(trials: Trials, what: str) -> dict[str, float]:
    """Every agent's mean of what it ends with, in the measure of another table, of the agents that solved everything.

    Args:
        trials: On instances to choose agents by.
        what: :data:`GAP`, to bounds or the best found there; :data:`TOTAL_GAP`, for which objectives, or losses where
            they are profits, serve as well; or :data:`OBJECTIVE`.
    """
    agents, instances = trials.agents, trials.instances
    if what == GAP:
        # a budget that everybody keeps
        values = measure(replace(trials, decisions={}), (ENDLESS,)).values[:, :, 0]
    else:
        sign = -1.0 if what == TOTAL_GAP and not trials.problem.minimise else 1.0
        values = sign * measure_objectives(trials, agents, instances, (ENDLESS,))[:, :, 0]
    return {agent: float(own.mean()) for agent, own in zip(agents, values, strict=True) if not np.isnan(own).any()}


def _mark_best(
    found: Mapping[str, Cell], reached: Mapping[str, NDArray[np.float64]], lower_is_better: bool
) -> list[Cell]:
    competing = [cell for kind, cell in found.items() if kind != HINDSIGHT]
    if not competing:
        return list(found.values())
    sign = 1 if lower_is_better else -1
    best = min(competing, key=lambda cell: sign * cell.mean)
    cells = []
    for kind, cell in found.items():
        interval = mean_interval((reached[kind] - reached[best.kind]).tolist())
        level = kind not in (best.kind, HINDSIGHT) and interval is not None and interval[0] <= 0 <= interval[1]
        cells.append(replace(cell, best=cell is best, level=level))
    return cells


def means_of_all(trials: Trials, measured: Measured) -> list[dict[str, Any]]:
    """Every agent's kind and its mean at every budget, ``None`` where it has no solution of some instance."""
    return [
        {
            "agent": agent,
            "kind": trials.kind(agent),
            "means": [None if np.isnan(column).any() else float(column.mean()) for column in measured.values[row].T],
        }
        for row, agent in enumerate(measured.agents)
    ]
