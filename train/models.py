"""From settings to an algorithm that is ready to learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import torch
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from ..agents.core import AgentOptions, Policy
from ..agents.registry import teacher
from ..envs import PROBLEMS
from ..envs.core.errors import InputError
from ..envs.core.problem import Problem
from ..models.checkpoint import first_line
from .distributed import ONE_PROCESS, World
from .graph_ppo import GraphPPO
from .maskable import make_maskable_ppo
from .settings import TrainSettings


def make_model(
    problem: Problem[Any, Any, Any],
    settings: TrainSettings,
    folder: Path | None = None,
    world: World = ONE_PROCESS,
) -> OnPolicyAlgorithm:
    """The algorithm that the settings describe.

    Args:
        problem: The problem.
        settings: Everything else.
        folder: Where TensorBoard's log goes; ``None`` for nowhere.
        world: The processes that train it together.

    Raises:
        InputError: The environment refuses its arguments, the network's sizes do not fit together, there is no such
            device, or several processes cannot share this training.
    """
    torch.set_num_threads(settings.threads)
    problem.configure(dict(settings.environment))
    device = world.device(settings.device)
    if world.size > 1 and settings.algorithm == "maskable-ppo":
        raise InputError("maskable-ppo trains in one process; start it without torchrun, or use graph-ppo")
    try:
        if settings.algorithm == "maskable-ppo":
            return make_maskable_ppo(problem, settings, folder)
        return make_graph_ppo(problem, settings.changed(device=str(device)), folder if world.leads else None, world)
    except InputError:
        raise
    except ValueError as error:
        raise InputError(first_line(error)) from error


def make_graph_ppo(
    problem: Problem[Any, Any, Any], settings: TrainSettings, folder: Path | None, world: World = ONE_PROCESS
) -> GraphPPO:
    """The suite's own PPO; see :class:`GraphPPO`."""
    return GraphPPO(
        "GraphPolicy",
        gym.make(PROBLEMS[problem.name].env_id, **settings.environment),
        instances=settings.instances,
        repeats=settings.repeats,
        segment=settings.segment,
        minibatch_instances=settings.minibatch_instances,
        target_kl=settings.target_kl or None,
        baseline=settings.baseline,
        discount_per=settings.discount_per,
        environments=[dict(values) for values in settings.environments],
        teachers=_teachers(problem, settings),
        imitation=settings.imitation_share,
        imitation_memory=settings.imitation_memory,
        network=settings.network,
        precision=settings.precision,
        compile=settings.compile,
        world=world,
        **settings.ppo_arguments(folder),
    )


def _teachers(problem: Problem[Any, Any, Any], settings: TrainSettings) -> list[Policy[Any, Any]]:
    """The agent that is imitated, for each of the environments."""
    if not settings.imitate:
        return []
    options = AgentOptions(time_limit=settings.imitation_seconds, workers=settings.threads)
    configs = [problem.configure({**settings.environment, **values}) for values in settings.environments]
    return [teacher(settings.imitate, problem, config, options) for config in configs]
