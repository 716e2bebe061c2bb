"""Streams of task graphs on heterogeneous systems on a chip."""

from .application import Application
from .config import OBJECTIVES, SocConfig
from .env import SoCEnv, SoCVectorEnv
from .instance import Physics, SocInstance, jobs_at_once
from .platform import Kind, Platform
from .problem import PROBLEM, Soc
from .simulate import SocSimulator
from .solution import SocSolution

__all__ = [
    "OBJECTIVES",
    "PROBLEM",
    "Application",
    "Kind",
    "Physics",
    "Platform",
    "SoCEnv",
    "SoCVectorEnv",
    "Soc",
    "SocConfig",
    "SocInstance",
    "SocSimulator",
    "SocSolution",
    "jobs_at_once",
]
