"""sb3-contrib's MaskablePPO with its own MultiInputPolicy: it finds the masks by itself."""

import argparse

import gymnasium as gym
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.evaluation import evaluate_policy

import schedlab  # noqa: F401 (registers the environments)

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--total-steps", type=int, default=50_000)
args = parser.parse_args()

env = gym.make("JobShop-v0", num_jobs=6, num_machines=6, normalize_reward=True)
model = MaskablePPO("MultiInputPolicy", env, n_steps=144, batch_size=48, seed=0)
model.learn(args.total_steps)
mean, spread = evaluate_policy(model, env, n_eval_episodes=10, warn=False)
print(f"mean reward {mean:.3f} +- {spread:.3f}, in means of the episode's scale")
