"""What all problems share: the observation contract, the simulator, the environments, the registry."""

from .errors import InputError
from .graph import GraphSpec, GraphState
from .gym_env import SchedulingEnv
from .problem import Bound, CheckReport, Problem, ProblemEntry, load_problem
from .simulator import Simulator, Snapshot
from .vector_env import SchedulingVectorEnv

__all__ = [
    "Bound",
    "CheckReport",
    "GraphSpec",
    "GraphState",
    "InputError",
    "Problem",
    "ProblemEntry",
    "SchedulingEnv",
    "SchedulingVectorEnv",
    "Simulator",
    "Snapshot",
    "load_problem",
]
