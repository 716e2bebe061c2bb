"""TorchRL: the environment through GymEnv, its mask through ActionMask, and a policy that reads the same mask."""

import argparse

import torch
from tensordict.nn import TensorDictModule
from torch import nn
from torchrl.collectors import Collector
from torchrl.envs import ActionMask, Compose, DTypeCastTransform, GymEnv, RewardSum, TransformedEnv
from torchrl.modules import MaskedCategorical, ProbabilisticActor, ValueOperator
from torchrl.objectives import ClipPPOLoss
from torchrl.objectives.value import GAE

import schedlab  # noqa: F401 (registers the environments)

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--total-steps", type=int, default=50_000)
parser.add_argument("--frames", type=int, default=576)
args = parser.parse_args()

torch.manual_seed(0)
base = GymEnv("JobShop-v0", num_jobs=6, num_machines=6, normalize_reward=True, categorical_action_encoding=True)
# observations hold the mask as int8, ActionMask wants truth values
as_truth = DTypeCastTransform(torch.int8, torch.bool, in_keys=["action_mask"])
env = TransformedEnv(base, Compose(as_truth, ActionMask(), RewardSum()))

# candidates come row by row in one line: A candidates with D features each
actions, features = base.action_spec.n, base.observation_spec["candidate_features"].shape[0] // base.action_spec.n


class Scores(nn.Module):
    """A logit for each candidate, by one small network."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(features, width), nn.Tanh(), nn.Linear(width, 1))

    def forward(self, candidates):
        """Logits [..., A] from features [..., A * D]."""
        return self.layers(candidates.unflatten(-1, (actions, features))).squeeze(-1)


keys = ["candidate_features"]
actor = ProbabilisticActor(
    TensorDictModule(Scores(), in_keys=keys, out_keys=["logits"]),
    in_keys={"logits": "logits", "mask": "action_mask"},
    spec=env.action_spec,
    distribution_class=MaskedCategorical,
    return_log_prob=True,
)
critic = ValueOperator(nn.Sequential(nn.Linear(actions * features, 64), nn.Tanh(), nn.Linear(64, 1)), in_keys=keys)
collector = Collector(env, actor, frames_per_batch=args.frames, total_frames=args.total_steps)
advantage = GAE(gamma=1.0, lmbda=0.95, value_network=critic)
loss_module = ClipPPOLoss(actor, critic, clip_epsilon=0.2, entropy_coeff=0.01, critic_coeff=0.5)
optimizer = torch.optim.Adam(loss_module.parameters(), lr=1e-3)
for batch in collector:
    advantage(batch)
    for _ in range(4):
        for rows in torch.randperm(len(batch)).split(192):
            losses = loss_module(batch[rows])
            loss = losses["loss_objective"] + losses["loss_critic"] + losses["loss_entropy"]
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    ended = batch["next", "done"].squeeze(-1)
    returns = batch["next", "episode_reward"][ended]
    print(f"mean reward of {len(returns)} episodes: {returns.mean():.3f}")
collector.shutdown()
