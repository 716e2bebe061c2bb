"""Job shops improved move by move: schedules as disjunctive graphs, neighbourhoods of critical paths, tabu memory."""

from .config import JobShopImprovementConfig
from .env import JobShopImprovementEnv, JobShopImprovementVectorEnv
from .instance import ImprovementInstance
from .problem import PROBLEM, JobShopImprovement
from .simulate import JobShopImprovementSimulator

__all__ = [
    "PROBLEM",
    "ImprovementInstance",
    "JobShopImprovement",
    "JobShopImprovementConfig",
    "JobShopImprovementEnv",
    "JobShopImprovementSimulator",
    "JobShopImprovementVectorEnv",
]
