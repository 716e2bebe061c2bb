"""Urban air mobility: dispatching a fleet of electric air taxis over a day."""

from .config import UamConfig
from .env import UAMFleetEnv, UAMFleetVectorEnv
from .formats import read_day, write_day
from .instance import UamInstance
from .problem import PROBLEM, UamFleet
from .simulate import UamSimulator
from .solution import UamSolution
from .terms import Aircraft, Terms

__all__ = [
    "PROBLEM",
    "Aircraft",
    "Terms",
    "UAMFleetEnv",
    "UAMFleetVectorEnv",
    "UamConfig",
    "UamFleet",
    "UamInstance",
    "UamSimulator",
    "UamSolution",
    "read_day",
    "write_day",
]
