"""The blocking job shop: no buffers, exchanges in a circle, machines that fail at random."""

from .check import check_schedule
from .config import BlockingConfig
from .env import BlockingJobShopEnv, BlockingJobShopVectorEnv
from .instance import BlockingInstance
from .problem import PROBLEM, BlockingJobShop
from .simulate import BlockingSimulator
from .terms import Breakdowns, Terms

__all__ = [
    "PROBLEM",
    "BlockingConfig",
    "BlockingInstance",
    "BlockingJobShop",
    "BlockingJobShopEnv",
    "BlockingJobShopVectorEnv",
    "BlockingSimulator",
    "Breakdowns",
    "Terms",
    "check_schedule",
]
