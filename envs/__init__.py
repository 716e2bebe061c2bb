"""The problems: simulators, instances, Gymnasium environments, independent checkers, pictures.

To add a problem, add one folder and one line to :data:`PROBLEMS` (see CONTRIBUTING.md).
"""

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


__all__ = ["PROBLEMS", "ProblemEntry", "register_envs"]
