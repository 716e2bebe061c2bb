"""The plain road: sb3-contrib's MaskablePPO on a Gymnasium environment, with the graph policy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from sb3_contrib import MaskablePPO
from stable_baselines3.common.env_util import make_vec_env

from ..envs import PROBLEMS
from ..envs.core.problem import Problem
from ..models.checkpoint import readable
from ..models.sb3 import GraphExtractor, MaskableGraphPolicy, network_config
from .faults import stop_at_bad_gradients
from .progress import BudgetedProgress
from .settings import TRAINING_STREAM, TrainSettings


class ScheduledMaskablePPO(BudgetedProgress, MaskablePPO):
    """MaskablePPO, with a learning-rate schedule that can follow a budget of time."""


def make_maskable_ppo(problem: Problem[Any, Any, Any], settings: TrainSettings, folder: Path | None) -> MaskablePPO:
    """A MaskablePPO model with the graph policy on ``settings.envs`` environments.

    Args:
        problem: The problem.
        settings: Everything else.
        folder: Where TensorBoard's log goes; ``None`` for nowhere.

    Raises:
        ValueError: The sizes of the network do not fit together, or it is too large for a checkpoint.
    """
    # validating every categorical distribution costs a quarter of a roll-out
    torch.distributions.Distribution.set_default_validate_args(False)
    env = make_vec_env(
        PROBLEMS[problem.name].env_id,
        n_envs=settings.envs,
        seed=settings.seed,
        env_kwargs={**settings.environment, "normalize_reward": True},
    )
    spec = env.get_attr("graph_spec")[0]
    config = readable(network_config(spec, **settings.network))
    model = ScheduledMaskablePPO(
        MaskableGraphPolicy,
        env,
        n_steps=settings.steps_per_rollout,
        batch_size=settings.minibatch,
        policy_kwargs={
            "features_extractor_class": GraphExtractor,
            "features_extractor_kwargs": {"spec": spec, "config": config},
        },
        **settings.ppo_arguments(folder),
    )
    env.seed(TRAINING_STREAM + settings.seed)  # the model has seeded it, with the seeds of presets
    stop_at_bad_gradients(model)
    return model
