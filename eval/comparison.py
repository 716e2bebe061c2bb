"""Agents side by side on the same instances: differences, win rates, profiles, the best rule, the gap closed.

All of it is paired: an instance counts where both sides solved it, several seeds of one count as their mean, and
intervals are taken over instances. See docs/comparing.md for what each number can and cannot say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..agents import agent_specs
from ..envs import PROBLEMS
from .intervals import Interval, mean_interval, ratio_interval, share_interval
from .results import SAME, Row, instance_means, measure_names, same_objective

HINDSIGHT = "best rule in hindsight"
"""Name of the agent that takes, on every instance, the rule that was best there."""

Means = Mapping[str, Mapping[str, float]]


def agent_kind(problem: str, agent: str) -> str:
    """What an agent of a results file is: ``"rule"``, ``"search"``, ``"exact"``, ``"learned"`` or ``"unknown"``.

    The best of K samples of a learned agent is still learned, of any other policy a search.

    Args:
        problem: Name of the problem.
        agent: As on the command line, ``"spt"``, ``"ppo@16"``, ``"ppo:runs/mine"``; also with the folder that
            ``schedlab compare`` adds, ``"cp-sat (ten-seconds)"``.
    """
    if agent == HINDSIGHT:
        return "rule"
    base, _, samples = agent.partition(" (")[0].partition("@")
    if base == "ppo" or base.startswith("ppo:"):
        return "learned"
    specs = agent_specs(problem) if problem in PROBLEMS else {}
    if base not in specs:
        return "unknown"
    kind = specs[base].kind
    return "search" if samples and kind == "rule" else kind


def agent_kinds(rows: Sequence[Row]) -> dict[str, str]:
    """The kind of every agent among the rows; see :func:`agent_kind`."""
    return {row.agent: agent_kind(row.problem, row.agent) for row in rows}


def objective_means(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Agent -> instance -> mean objective over seeds, of feasible rows."""
    return instance_means(rows, lambda row: row.objective)


def common_instances(means: Means, agents: Sequence[str]) -> list[str]:
    """The instances that all of these agents solved, in the order of the first."""
    if not agents:
        return []
    return [name for name in means[agents[0]] if all(name in means[agent] for agent in agents)]


def best_rule(rows: Sequence[Row], minimise: bool = True) -> str | None:
    """The rule with the best mean objective over the instances that all rules solved; ``None`` without any.

    Random play is no rule that anybody would choose, and does not count.
    """
    means = objective_means(rows)
    rules = [name for name in _rules(rows) if means[name]]
    shared = common_instances(means, rules)
    if not shared:
        return None
    sign = 1 if minimise else -1
    return min(rules, key=lambda name: sign * float(np.mean([means[name][instance] for instance in shared])))


def _rules(rows: Sequence[Row]) -> list[str]:
    kinds = agent_kinds(rows)
    return [name for name, kind in kinds.items() if kind == "rule" and not name.startswith("random")]


def best_in_hindsight(rows: Sequence[Row], minimise: bool = True) -> list[Row]:
    """Rows of an agent that tries every rule and keeps the best, instance by instance.

    Nobody can choose so beforehand. But where an instance is known before it is played, everybody can try all rules:
    its seconds and samples are the sums of theirs. Where chance unfolds during the play (streams, failures) it only
    says how much a perfect choice of the rule would be worth.

    Args:
        rows: The rows; rules are told by :func:`agent_kinds`, random play left out.
        minimise: Whether smaller objectives are better.

    Returns:
        The rows of each instance's best rule by its mean over seeds, one that failed on none if there is such a rule;
        empty with fewer than two rules.
    """
    rules = set(_rules(rows))
    if len(rules) < 2:
        return []
    tried: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        if row.agent in rules:
            tried.setdefault(row.instance, {}).setdefault(row.agent, []).append(row)
    sign, chosen = 1 if minimise else -1, []
    for by_rule in tried.values():
        ranked = sorted((_rank(own, sign), rule) for rule, own in by_rule.items())
        (failed_all, *_), best = ranked[0]
        if failed_all:
            continue
        # every rule has to be tried once to know
        seconds = sum(float(np.mean([row.seconds for row in own])) for own in by_rule.values())
        samples = sum(own[0].samples for own in by_rule.values())
        chosen += [replace(row, agent=HINDSIGHT, seconds=seconds, samples=samples) for row in by_rule[best]]
    return chosen


def _rank(own: Sequence[Row], sign: int) -> tuple[bool, bool, float]:
    """Of a rule on an instance: it failed always, failed sometimes, its mean objective with smaller ones better."""
    solved = [row.objective for row in own if row.objective is not None]
    return not solved, len(solved) < len(own), sign * float(np.mean(solved)) if solved else 0.0


def _measure(name: str, row: Row) -> float | None:
    return row.measures.get(name)


Pairs = dict[str, tuple[float, float]]
"""Instance -> value of an agent, value of the reference."""


def paired(rows: Sequence[Row], agent: str, reference: str, value: Callable[[Row], float | None]) -> Pairs:
    """The values of two agents on the instances that both have, several seeds of one as their mean.

    Where both have several seeds of an instance, only those that both have count: chance is the same for both then.

    Args:
        rows: The rows.
        agent: One.
        reference: The other.
        value: What to compare of a row; ``None`` leaves the row out.
    """
    found: dict[str, dict[str, dict[int, float]]] = {agent: {}, reference: {}}
    for row in rows:
        if row.agent in found and (number := value(row)) is not None:
            found[row.agent].setdefault(row.instance, {})[row.seed] = number
    pairs = {}
    for instance, own in found[agent].items():
        base = found[reference].get(instance)
        if base is None:
            continue
        if len(own) > 1 and len(base) > 1:
            shared = [seed for seed in own if seed in base]
            own, base = {seed: own[seed] for seed in shared}, {seed: base[seed] for seed in shared}
        if own:
            pairs[instance] = (sum(own.values()) / len(own), sum(base.values()) / len(base))
    return pairs


def _objective(row: Row) -> float | None:
    return row.objective


def _differences(pairs: Pairs) -> list[float]:
    return [own - base for own, base in pairs.values()]


@dataclass(frozen=True)
class Wins:
    """How often an agent is better than another, instance by instance.

    Attributes:
        wins: Instances on which it is better.
        ties: On which both are equal, within a billionth.
        losses: On which it is worse.
        interval: Wilson's 95 % interval of :attr:`rate`; ``None`` where all are ties.
    """

    wins: int
    ties: int
    losses: int
    interval: Interval | None

    @property
    def rate(self) -> float | None:
        """Wins among the instances that are not ties; ``None`` where all are."""
        decided = self.wins + self.losses
        return self.wins / decided if decided else None


def win_rate(pairs: Pairs, minimise: bool = True) -> Wins:
    """Wins, ties and losses on the instances that both solved.

    Args:
        pairs: Objectives of the agent and of the reference, see :func:`paired`.
        minimise: Whether smaller objectives are better.
    """
    wins = ties = losses = 0
    for value, base in pairs.values():
        if same_objective(value, base):
            ties += 1
        elif (value < base) == minimise:
            wins += 1
        else:
            losses += 1
    return Wins(wins, ties, losses, share_interval(wins, wins + losses))


def compare(rows: Sequence[Row], reference: str, minimise: bool = True) -> list[dict[str, Any]]:
    """Per agent: the mean difference from a reference agent, instance by instance, with its 95 % interval.

    Several seeds of one instance count as their mean, see :func:`paired`. Instances that one of the two did not solve
    are left out. Each measure that both have is compared in the same way, under ``measures``.

    Args:
        rows: The rows.
        reference: An agent among them.
        minimise: Whether smaller objectives are better.

    Returns:
        One item per other agent with an instance in common: ``agent``, ``against``, ``count`` of instances,
        ``mean_difference``, ``interval_95``, ``relative_difference``; ``lower`` and ``equal`` instances; ``wins``,
        ``ties``, ``losses``, ``win_rate`` and ``win_interval_95`` (see :class:`Wins`); ``measures``.
    """
    names, compared = measure_names(rows), []
    by_agent: dict[str, list[Row]] = {}
    for row in rows:
        by_agent.setdefault(row.agent, []).append(row)
    for agent, own in by_agent.items():
        both = [*own, *by_agent[reference]]
        pairs = paired(both, agent, reference, _objective)
        if agent == reference or not pairs:
            continue
        differences, base = _differences(pairs), float(np.mean([value for _, value in pairs.values()]))
        measured = {name: _differences(paired(both, agent, reference, partial(_measure, name))) for name in names}
        wins = win_rate(pairs, minimise)
        compared.append(
            {
                "agent": agent,
                "against": reference,
                "count": len(differences),
                "mean_difference": float(np.mean(differences)),
                "interval_95": mean_interval(differences),
                "relative_difference": float(np.mean(differences)) / abs(base) if base else None,
                "lower": wins.wins if minimise else wins.losses,
                "equal": wins.ties,
                "wins": wins.wins,
                "ties": wins.ties,
                "losses": wins.losses,
                "win_rate": wins.rate,
                "win_interval_95": wins.interval,
                "measures": {
                    name: {"mean_difference": float(np.mean(values)), "interval_95": mean_interval(values)}
                    for name, values in measured.items()
                    if values
                },
            }
        )
    return compared


@dataclass(frozen=True)
class GapClosed:
    """How far an agent comes from a reference's mean objective to that of the bounds.

    Attributes:
        share: 0 is the reference, 1 the bounds; negative where the agent is worse than the reference.
        interval: Its 95 % interval over instances; ``None`` where it has none.
        count: Instances with a bound that both solved.
    """

    share: float
    interval: Interval | None
    count: int


def gap_closed(rows: Sequence[Row], agent: str, reference: str, minimise: bool = True) -> GapClosed | None:
    """The share of the gap between a reference and the bounds that an agent closes.

    Args:
        rows: The rows; of several bounds of an instance the tightest counts.
        agent: An agent among them.
        reference: Another, usually :func:`best_rule`.
        minimise: Whether smaller objectives are better.

    Returns:
        ``None`` where no instance has a bound and both objectives, or where the reference is at the bounds or beyond.
    """
    sign = 1.0 if minimise else -1.0
    bounds: dict[str, float] = {}
    for row in rows:
        if row.bound is not None:
            known = bounds.get(row.instance, row.bound)
            bounds[row.instance] = max(known, row.bound) if minimise else min(known, row.bound)
    pairs = paired(rows, agent, reference, _objective)
    shared = [name for name in pairs if name in bounds]
    above = [sign * (pairs[name][1] - pairs[name][0]) for name in shared]
    below = [sign * (pairs[name][1] - bounds[name]) for name in shared]
    if not shared or sum(below) <= SAME * max(1.0, sum(abs(bounds[name]) for name in shared)):
        return None
    return GapClosed(sum(above) / sum(below), ratio_interval(above, below), len(shared))


@dataclass(frozen=True)
class Profiles:
    """Performance profiles: the share of instances on which an agent is within a factor of the best.

    Attributes:
        factors: Ratios to the best objective, from 1, increasing, ``[T]``.
        shares: Agent -> share of the instances whose ratio is at most each factor, ``[T]``.
        count: Instances: those that at least one agent solved, and whose best objective is positive.
    """

    factors: NDArray[np.float64]
    shares: dict[str, NDArray[np.float64]]
    count: int


def performance_profiles(rows: Sequence[Row], minimise: bool = True, points: int = 200) -> Profiles | None:
    """Profiles of all agents, each instance compared with the best that any of these agents found.

    An instance that an agent did not solve counts against it at every factor.

    Args:
        rows: The rows.
        minimise: Whether smaller objectives are better; else the ratio is the best objective over the agent's.
        points: Factors at most.

    Returns:
        ``None`` with fewer than two agents, or without an instance whose best objective is positive.

    Source: E. D. Dolan and J. J. Moré, "Benchmarking optimization software with performance profiles", Mathematical
    Programming 91 (2002). Profiles of the same agent in other company are other profiles (N. Gould and J. Scott, 2016).
    """
    means = objective_means(rows)
    names = list(dict.fromkeys(name for own in means.values() for name in own))
    table = np.array([[own.get(name, np.nan) for name in names] for own in means.values()])
    if len(means) < 2 or not names:
        return None
    best = np.nanmin(table, axis=0) if minimise else np.nanmax(table, axis=0)
    table, best = table[:, best > 0], best[best > 0]
    if not len(best):
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = table / best if minimise else np.where(table > 0, best / table, np.inf)
    ratios = np.where(np.isnan(ratios), np.inf, ratios)
    finite = np.unique(np.concatenate([[1.0], ratios[np.isfinite(ratios)]]))
    factors = np.quantile(finite, np.linspace(0, 1, points)) if len(finite) > points else finite
    slack = factors * (1 + 1e-12)  # a ratio of 1 that rounding made larger is still the best
    shares = {
        agent: np.searchsorted(np.sort(own), slack, side="right") / len(best)
        for agent, own in zip(means, ratios, strict=True)
    }
    return Profiles(factors, shares, len(best))
