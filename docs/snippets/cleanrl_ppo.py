"""PPO in one file, in the manner of CleanRL, on schedlab's own vector environment.

What is particular here: legal actions come as a mask in the observation, every candidate is scored by the same small
network (so the policy does not depend on the size of the shop), and the vector environment resets in the same step.
"""

import argparse

import gymnasium as gym
import numpy as np
import torch
from torch import nn

import schedlab  # noqa: F401 (registers the environments)

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--env-id", default="JobShop-v0")
parser.add_argument("--total-steps", type=int, default=200_000)
parser.add_argument("--num-envs", type=int, default=64)
parser.add_argument("--num-steps", type=int, default=36)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()

torch.manual_seed(args.seed)
rng = np.random.default_rng(args.seed)
envs = gym.make_vec(args.env_id, num_envs=args.num_envs, num_jobs=6, num_machines=6, normalize_reward=True)
spec = envs.unwrapped.graph_spec


class Agent(nn.Module):
    """Scores every candidate from its features and the context; the value comes from their mean."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        inputs = len(spec.candidate_features) + len(spec.context_features)
        self.body = nn.Sequential(nn.Linear(inputs, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh())
        self.actor, self.critic = nn.Linear(width, 1), nn.Linear(width, 1)

    def forward(self, obs):
        """The distribution over actions, and the value [B]."""
        context = obs["context"][:, None].expand(-1, spec.num_actions, -1)
        hidden = self.body(torch.cat([obs["candidate_features"], context], dim=2))
        mask = obs["action_mask"].bool()
        logits = self.actor(hidden).squeeze(2).masked_fill(~mask, -1e9)
        mean = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        return torch.distributions.Categorical(logits=logits), self.critic(mean).squeeze(1)


def tensors(observation):
    """The parts of an observation that this agent looks at, as tensors in their shapes."""
    shaped = spec.shaped(observation)
    return {key: torch.from_numpy(shaped[key]) for key in ("candidate_features", "context", "action_mask")}


agent = Agent()
optimizer = torch.optim.Adam(agent.parameters(), lr=1e-3, eps=1e-5)
gamma, lam, clip = 1.0, 0.95, 0.2
observation, _ = envs.reset(seed=args.seed)
obs, finished = tensors(observation), []
for update in range(max(1, args.total_steps // (args.num_envs * args.num_steps))):
    seen, taken, log_probs, rewards, dones, values = [], [], [], [], [], []
    for _ in range(args.num_steps):
        with torch.no_grad():
            choice, value = agent(obs)
            action = choice.sample()
        observation, reward, terminated, truncated, info = envs.step(action.numpy())
        ended = terminated | truncated
        if ended.any():
            finished += info["final_info"]["objective"][ended].tolist()
        parts = (seen, obs), (taken, action), (log_probs, choice.log_prob(action)), (values, value)
        for kept, part in (*parts, (rewards, torch.tensor(reward)), (dones, torch.tensor(ended))):
            kept.append(part)
        obs = tensors(observation)

    with torch.no_grad():
        following, advantage, advantages = agent(obs)[1], torch.zeros(args.num_envs), []
    for t in reversed(range(args.num_steps)):
        goes_on = (~dones[t]).float()
        delta = rewards[t].float() + gamma * following * goes_on - values[t]
        advantage = delta + gamma * lam * goes_on * advantage
        advantages.insert(0, advantage)
        following = values[t]

    flat = {key: torch.cat([step[key] for step in seen]) for key in obs}
    action, log_prob, value, advantage = (torch.cat(part) for part in (taken, log_probs, values, advantages))
    target = advantage + value
    for _ in range(4):
        for batch in np.array_split(rng.permutation(len(action)), 4):
            choice, new_value = agent({key: part[batch] for key, part in flat.items()})
            ratio = (choice.log_prob(action[batch]) - log_prob[batch]).exp()
            normed = (advantage[batch] - advantage[batch].mean()) / (advantage[batch].std() + 1e-8)
            policy_loss = torch.max(-normed * ratio, -normed * ratio.clamp(1 - clip, 1 + clip)).mean()
            value_loss = (new_value - target[batch]).pow(2).mean()
            loss = policy_loss + 0.5 * value_loss - 0.01 * choice.entropy().mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
            optimizer.step()
    if finished:
        print(f"update {update}: mean makespan of the last {len(finished[-500:])} shops {np.mean(finished[-500:]):.1f}")
