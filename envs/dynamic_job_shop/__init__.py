"""The dynamic job shop: jobs keep arriving, and are late or not."""

from .config import OBJECTIVES, DynamicJobShopConfig
from .env import DynamicJobShopEnv, DynamicJobShopVectorEnv
from .instance import DynamicJobShopInstance
from .problem import PROBLEM, DynamicJobShop
from .simulate import DynamicJobShopSimulator
from .solution import DynamicJobShopSolution

__all__ = [
    "OBJECTIVES",
    "PROBLEM",
    "DynamicJobShop",
    "DynamicJobShopConfig",
    "DynamicJobShopEnv",
    "DynamicJobShopInstance",
    "DynamicJobShopSimulator",
    "DynamicJobShopSolution",
    "DynamicJobShopVectorEnv",
]
