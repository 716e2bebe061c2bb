"""The agents that improve job-shop schedules, by name."""

from __future__ import annotations

from ...envs.job_shop_improvement.config import JobShopImprovementConfig
from ..core import Agent, AgentOptions, AgentSpec
from ..job_shop.cp_sat import CpSat
from .annealing import Annealing
from .constructed import constructed
from .job_shop import OnImprovement
from .look_ahead import LookAhead
from .rules import Descent, GreedyTabu, RandomMoves
from .tabu import TabuSearch


def _from_constructed(config: JobShopImprovementConfig, options: AgentOptions) -> Agent:
    return TabuSearch(constructed(options))


def _cp_sat(config: JobShopImprovementConfig, options: AgentOptions) -> Agent:
    return OnImprovement(CpSat(config.shop, options.threads))


AGENTS: dict[str, AgentSpec[JobShopImprovementConfig]] = {
    spec.name: spec
    for spec in (
        AgentSpec("random", "rule", "Uniformly random legal move.", lambda config, options: RandomMoves()),
        AgentSpec(
            "first-improvement",
            "rule",
            "Descent by random moves that shorten the schedule; from the best with a kick where there are none.",
            lambda config, options: Descent(best=False),
        ),
        AgentSpec(
            "best-improvement",
            "rule",
            "Descent by the most promising move; from the best with a kick where none promises anything.",
            lambda config, options: Descent(best=True),
        ),
        AgentSpec(
            "greedy-tabu",
            "rule",
            "The move of smallest estimate that is not tabu, for better or worse (Nowicki & Smutnicki 1996).",
            lambda config, options: GreedyTabu(),
        ),
        AgentSpec(
            "look-ahead",
            "search",
            "Plays each of the 12 most promising moves out by 10 of greedy-tabu, and takes the best.",
            lambda config, options: LookAhead(),
        ),
        AgentSpec(
            "tabu",
            "search",
            "Tabu search with elite schedules and path relinking, until the time is over.",
            lambda config, options: TabuSearch(),
        ),
        AgentSpec(
            "tabu-constructed",
            "search",
            "The same from the schedule that the job shop's shipped agent constructs.",
            _from_constructed,
        ),
        AgentSpec(
            "annealing",
            "search",
            "Simulated annealing, cooled over the time that there is (van Laarhoven et al. 1992).",
            lambda config, options: Annealing(),
        ),
        AgentSpec("cp-sat", "exact", "CP-SAT of OR-Tools within the time limit; proves bounds.", _cp_sat),
    )
}

__all__ = ["AGENTS", "Annealing", "Descent", "GreedyTabu", "LookAhead", "RandomMoves", "TabuSearch"]
