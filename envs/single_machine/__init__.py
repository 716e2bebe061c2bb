"""The single machine: all jobs are there, one runs at a time, and lateness costs."""

from .config import OBJECTIVES, SingleMachineConfig
from .env import SingleMachineEnv, SingleMachineVectorEnv
from .instance import SingleMachineInstance
from .problem import PROBLEM, SingleMachine
from .simulate import SingleMachineSimulator
from .solution import SingleMachineSolution

__all__ = [
    "OBJECTIVES",
    "PROBLEM",
    "SingleMachine",
    "SingleMachineConfig",
    "SingleMachineEnv",
    "SingleMachineInstance",
    "SingleMachineSimulator",
    "SingleMachineSolution",
    "SingleMachineVectorEnv",
]
