"""What decides: dispatching rules, search, exact solvers and learned policies, behind two small interfaces.

A :class:`Policy` picks a candidate in every row of a simulator; a :class:`Solver` turns an instance into a solution.
:func:`make_agent` builds either from the names used on the command line.
"""

from .core import AgentSpec, Policy, Solver, SolverResult, play, run_policy
from .registry import agent_specs, make_agent, register_agent, shipped_agents, shipped_checkpoint
from .sampling import BestOf

__all__ = [
    "AgentSpec",
    "BestOf",
    "Policy",
    "Solver",
    "SolverResult",
    "agent_specs",
    "make_agent",
    "play",
    "register_agent",
    "run_policy",
    "shipped_agents",
    "shipped_checkpoint",
]
