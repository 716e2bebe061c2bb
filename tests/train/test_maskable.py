"""The plain road: sb3-contrib's MaskablePPO with our policy on gym.make."""

import numpy as np
from sb3_contrib import MaskablePPO

from schedlab.agents.learned import LearnedPolicy
from schedlab.envs.job_shop import PROBLEM, JobShopInstance
from schedlab.envs.job_shop.formats import write_instance
from schedlab.train.models import make_model
from schedlab.train.runs import TrainingRun, train


def test_predict_with_masks_works_as_users_of_sb3_expect(small_maskable):
    model = make_model(PROBLEM, small_maskable)
    assert isinstance(model, MaskablePPO)
    observation = model.get_env().reset()
    masks = np.stack(model.get_env().env_method("action_masks"))
    action, _ = model.predict(observation, action_masks=masks, deterministic=True)
    assert masks[np.arange(len(action)), action].all()


def test_the_policy_inside_sb3_and_the_learned_agent_choose_alike(small_maskable):
    model = make_model(PROBLEM, small_maskable)
    env = model.get_env()
    observation = env.reset()
    masks = np.stack(env.env_method("action_masks"))
    inside, _ = model.predict(observation, action_masks=masks, deterministic=True)
    for row, wrapped in enumerate(env.envs):
        simulator = wrapped.unwrapped.simulator
        policy = LearnedPolicy(model.policy.network)
        policy.begin(simulator, 0)
        assert policy.act(simulator)[0] == inside[row]


def test_a_few_thousand_steps_learn_to_solve_one_small_shop(small_maskable, tmp_path):
    # the longer first operation must go first: shortest-first costs 4 more, and random play finds both
    shop = JobShopInstance.from_jobs([[(0, 2)], [(0, 2)], [(0, 3), (1, 9)]], name="trap")
    path = tmp_path / "trap.txt"
    write_instance(shop, path)
    settings = small_maskable.changed(
        steps=2000, envs=8, steps_per_rollout=16, minibatch=64, epochs=4, learning_rate=3e-3, schedule="constant",
        environment={"instance": str(path)},
    )  # fmt: skip
    watch = TrainingRun(PROBLEM, settings, tmp_path / "run", {})
    train(make_model(PROBLEM, settings), watch)
    assert watch.best == 12
