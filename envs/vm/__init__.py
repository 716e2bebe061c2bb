"""VM rescheduling: which virtual machines to move where, so that free cores are together."""

from .config import OBJECTIVES, VmConfig
from .env import VMReschedulingEnv, VMReschedulingVectorEnv
from .formats import read_cluster, write_cluster
from .instance import Changes, Fragment, Terms, VmInstance, fragment_rate
from .joint import JointActionWrapper
from .late import LateResult, apply_late
from .problem import PROBLEM, VmRescheduling
from .simulate import VmSimulator
from .solution import VmSolution

__all__ = [
    "OBJECTIVES",
    "PROBLEM",
    "Changes",
    "Fragment",
    "JointActionWrapper",
    "LateResult",
    "Terms",
    "VMReschedulingEnv",
    "VMReschedulingVectorEnv",
    "VmConfig",
    "VmInstance",
    "VmRescheduling",
    "VmSimulator",
    "VmSolution",
    "apply_late",
    "fragment_rate",
    "read_cluster",
    "write_cluster",
]
