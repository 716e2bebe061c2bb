"""RLlib: PPO with a small RLModule that reads the mask of the observation."""

import argparse

import gymnasium as gym
import ray
import torch
from gymnasium.wrappers import TransformObservation
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.apis.value_function_api import ValueFunctionAPI
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.core.rl_module.torch import TorchRLModule
from ray.tune.registry import register_env
from torch import nn

ACTIONS = 6


def make_env(config):
    """The environment, with the two parts of the observation that this policy looks at."""
    env = gym.make("schedlab:JobShop-v0", num_jobs=ACTIONS, num_machines=6, normalize_reward=True)
    space = gym.spaces.Dict({key: env.observation_space[key] for key in ("candidate_features", "action_mask")})
    return TransformObservation(env, lambda seen: {key: seen[key] for key in space}, space)


class MaskedModule(TorchRLModule, ValueFunctionAPI):
    """Scores every candidate by one small network; illegal actions get the lowest logit there is."""

    def setup(self):
        """Build the networks."""
        inputs = self.observation_space["candidate_features"].shape[0]
        self.scores = nn.Sequential(nn.Linear(inputs // ACTIONS, 64), nn.Tanh(), nn.Linear(64, 1))
        self.values = nn.Sequential(nn.Linear(inputs, 64), nn.Tanh(), nn.Linear(64, 1))

    def _forward(self, batch, **kwargs):
        seen = batch[Columns.OBS]
        logits = self.scores(seen["candidate_features"].unflatten(-1, (ACTIONS, -1))).squeeze(-1)
        legal = seen["action_mask"].bool()
        return {Columns.ACTION_DIST_INPUTS: logits.masked_fill(~legal, torch.finfo(logits.dtype).min)}

    def compute_values(self, batch, embeddings=None):
        """The value [B]."""
        return self.values(batch[Columns.OBS]["candidate_features"]).squeeze(-1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--steps", type=int, default=2304, help="of an iteration")
    parser.add_argument("--runners", type=int, default=0, help="processes that play beside this one")
    args = parser.parse_args()
    ray.init(include_dashboard=False, num_cpus=max(args.runners, 1), configure_logging=False)
    register_env("JobShop", make_env)
    config = (
        PPOConfig()
        .environment("JobShop")
        .env_runners(num_env_runners=args.runners)
        .training(train_batch_size_per_learner=args.steps, minibatch_size=192, num_epochs=4, gamma=1.0, lr=1e-3)
        .rl_module(rl_module_spec=RLModuleSpec(module_class=MaskedModule))
    )
    algorithm = config.build_algo()
    for iteration in range(args.iterations):
        result = algorithm.train()["env_runners"]
        print(f"iteration {iteration}: mean reward of an episode {result['episode_return_mean']:.3f}")
    algorithm.stop()
    ray.shutdown()
