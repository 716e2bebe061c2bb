"""The problems: simulators, instances, Gymnasium environments, independent checkers, pictures.

To add a problem here, add one folder and one line to :data:`PROBLEMS` (see CONTRIBUTING.md); one that lives elsewhere
calls :func:`register_problem`.
"""

import re

import gymnasium as gym

from .core.errors import InputError
from .core.problem import ProblemEntry, register_problem_envs

PROBLEMS: dict[str, ProblemEntry] = {
    entry.name: entry
    for entry in (
        ProblemEntry(name="job-shop", package="job_shop", env="JobShop", version=0),
        ProblemEntry(name="job-shop-improvement", package="job_shop_improvement", env="JobShopImprovement", version=0),
        ProblemEntry(name="single-machine", package="single_machine", env="SingleMachine", version=0),
        ProblemEntry(name="dynamic-job-shop", package="dynamic_job_shop", env="DynamicJobShop", version=0),
        ProblemEntry(name="soc", package="soc", env="SoC", version=0),
        ProblemEntry(name="vm", package="vm", env="VMRescheduling", version=0),
        ProblemEntry(name="uam", package="uam", env="UAMFleet", version=0),
        ProblemEntry(name="blocking-job-shop", package="blocking_job_shop", env="BlockingJobShop", version=0),
    )
}


def register_envs() -> None:
    """Register every problem with Gymnasium; registering twice does nothing."""
    for entry in PROBLEMS.values():
        register_problem_envs(entry)


def register_problem(name: str, *, module: str, env: str, version: int = 0) -> None:
    """Make a problem that lives outside this package known to everything in it; the same call again does nothing.

    Call it at the end of the module itself: whoever imports the module can then use the problem by name, with
    ``gym.make``, ``make_agent``, training, the benchmark and, as a plugin, the command line.

    Args:
        name: Name on the command line, lower case with dashes, ``"knapsack"``.
        module: Import path (``__name__``) of the module that holds ``PROBLEM``, the classes ``{env}Env`` and
            ``{env}VectorEnv`` and the table ``AGENTS``. Trained agents that ship lie beside it, in ``trained/NAME``.
        env: Stem of the Gymnasium id and of the classes, ``"Knapsack"``.
        version: Version of the environment.

    Raises:
        InputError: The name or the environment's id is taken, or is no name.
    """
    entry = ProblemEntry(name=name, package="", env=env, version=version, home=module)
    if PROBLEMS.get(name) == entry:
        return
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or not env.isidentifier() or version < 0:
        raise InputError(
            f"problem {name!r} with environment {env}-v{version}: write names as 'my-problem', 'MyProblem'"
        )
    if name in PROBLEMS or entry.env_id in gym.registry:
        raise InputError(f"problem {name!r} or environment {entry.env_id} is registered already; choose another name")
    PROBLEMS[name] = entry
    register_problem_envs(entry)


__all__ = ["PROBLEMS", "ProblemEntry", "register_envs", "register_problem"]
