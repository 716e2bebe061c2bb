"""The job shop: jobs visit machines in given orders, one job per machine at a time."""

from .config import BUILDERS, OBJECTIVES, JobShopConfig
from .env import JobShopEnv, JobShopVectorEnv
from .instance import JobShopInstance
from .problem import PROBLEM, JobShop
from .simulate import JobShopSimulator
from .solution import JobShopSolution

__all__ = [
    "BUILDERS",
    "OBJECTIVES",
    "PROBLEM",
    "JobShop",
    "JobShopConfig",
    "JobShopEnv",
    "JobShopInstance",
    "JobShopSimulator",
    "JobShopSolution",
    "JobShopVectorEnv",
]
