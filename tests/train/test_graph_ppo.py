"""GraphPPO as users of Stable-Baselines3 meet it, and as a learner."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.evaluation import evaluate_policy

from schedlab.agents import play
from schedlab.agents.job_shop import CpSat
from schedlab.agents.learned import LearnedPolicy
from schedlab.envs.core import InputError
from schedlab.envs.job_shop import PROBLEM, JobShopConfig, JobShopInstance
from schedlab.train.graph_ppo import GraphPPO
from schedlab.train.models import make_model

KEYS = {"num_jobs": 3, "num_machines": 3, "builder": "hybrid"}
TINY = {"instances": 2, "repeats": 4, "minibatch_instances": 1, "network": {"hidden": 16, "layers": 1, "heads": 2}}


def make(**kwargs):
    return GraphPPO("GraphPolicy", gym.make("JobShop-v0", **KEYS), seed=0, **{**TINY, **kwargs})


def test_it_learns_predicts_and_is_evaluated_like_any_sb3_algorithm(tmp_path):
    model = GraphPPO("GraphPolicy", "JobShop-v0", seed=0, tensorboard_log=str(tmp_path), **TINY)
    assert model.learn(300) is model
    assert model.num_timesteps >= 300
    assert list(tmp_path.glob("GraphPPO_1/events*"))
    env = gym.make("JobShop-v0")
    observation, info = env.reset(seed=0)
    action, _ = model.predict(observation, deterministic=True)
    assert info["action_mask"][action]
    mean, _ = evaluate_policy(model, gym.make("JobShop-v0"), n_eval_episodes=2)
    assert mean < 0


def test_callbacks_see_every_step_and_may_end_the_training():
    class Stop(BaseCallback):
        def _on_step(self) -> bool:
            return self.n_calls < 5

    model = make()
    stop = Stop()
    model.learn(10_000, callback=stop)
    assert stop.n_calls == 5
    assert model.num_timesteps < 10_000


def test_saving_and_loading_gives_back_the_same_policy(tmp_path):
    model = make().learn(100)
    model.save(tmp_path / "model")
    env = gym.make("JobShop-v0", **KEYS)
    loaded = GraphPPO.load(tmp_path / "model", env=env)
    observation, _ = env.reset(seed=3)
    assert loaded.predict(observation, deterministic=True)[0] == model.predict(observation, deterministic=True)[0]
    for one, two in zip(model.policy.parameters(), loaded.policy.parameters(), strict=True):
        assert torch.equal(one, two)
    loaded.learn(50)
    alone = GraphPPO.load(tmp_path / "model")
    assert alone.predict(observation, deterministic=True)[0] == model.predict(observation, deterministic=True)[0]


def test_an_update_that_is_given_up_counts_no_steps():
    class StopInTheSecondStream(BaseCallback):
        def _on_step(self) -> bool:
            return self.num_timesteps < 100  # the first plays 2 x 4 episodes of 9 steps

    model = make(environments=[{}, {"num_jobs": 5}])
    model.learn(10_000, callback=StopInTheSecondStream())
    assert model.num_timesteps == 0
    assert model._n_updates == 0


@pytest.mark.parametrize("values", [{"builder": "append"}, {"look_ahead": True}, {"objective": "total-flow-time"}])
def test_an_environment_may_not_change_the_rules_of_play(values):
    with pytest.raises(InputError, match="rules of play"):
        make(environments=[{}, values])


def test_the_log_averages_over_all_environments_of_an_update():
    model = make(environments=[{}, {"num_jobs": 6}])
    model.learn(1)
    lengths = {episode["l"] for episode in model.ep_info_buffer}
    assert lengths == {9.0, 18.0}


def test_a_draw_without_decisions_does_not_end_a_run():
    model = make(environments=[{}, {"num_jobs": 1}])
    model.learn(200)
    assert model.num_timesteps >= 200


@pytest.mark.parametrize(
    "changes",
    [
        {"baseline": "value", "repeats": 1},
        {"baseline": "both", "n_epochs": 2},
        {"target_kl": 1e-9, "n_epochs": 5},
        {"precision": "bfloat16"},
        {"environments": [{}, {"num_jobs": 5}, {"num_machines": 2}]},
        {"network": {**TINY["network"], "encode": "every-step", "encoder": "park2021"}},
        {"network": {**TINY["network"], "encoder": "gatv2", "attend": "all"}},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_every_option_trains(changes):
    model = make(**changes)
    before = [parameter.clone() for parameter in model.policy.parameters()]
    model.learn(200)
    after = list(model.policy.parameters())
    assert any(not torch.equal(one, two) for one, two in zip(before, after, strict=True))
    assert all(torch.isfinite(parameter).all() for parameter in after)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"baseline": "mean"}, "use one of"),
        ({"repeats": 1}, "at least 2"),
        ({"minibatch_instances": 3}, "minibatch_instances"),
        ({"precision": "int8"}, "float32 or bfloat16"),
    ],
)
def test_bad_arguments_are_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        make(**changes)


def test_instances_without_any_decision_are_refused():
    model = GraphPPO("GraphPolicy", gym.make("JobShop-v0", num_jobs=1, num_machines=3), **TINY)
    with pytest.raises(InputError, match="nothing to decide"):
        model.learn(10)


def test_the_policy_inside_sb3_and_the_learned_agent_choose_alike(model):
    env = gym.make("JobShop-v0", **KEYS)
    agent = LearnedPolicy(model.network)
    for seed in range(5):
        observation, _ = env.reset(seed=seed)
        simulator = env.unwrapped.simulator
        agent.begin(simulator, 0)
        assert agent.act(simulator)[0] == model.predict(observation, deterministic=True)[0]


def test_it_solves_a_three_by_three_shop_to_optimality_in_seconds(small):
    rng = np.random.default_rng(1)
    shop = JobShopInstance.from_matrices(rng.integers(1, 10, (3, 3)), [rng.permutation(3) for _ in range(3)])
    config = JobShopConfig(builder="active")
    best = CpSat(config, 1).solve(shop, time_limit=10, seed=0)
    assert best.proved
    env = gym.make("JobShop-v0", builder="active", num_jobs=3, num_machines=3)
    model = GraphPPO("GraphPolicy", env, learning_rate=3e-3, seed=0, **{**TINY, "repeats": 16})
    for stream in model.streams:
        stream.sample = lambda rng: shop
    model.learn(9 * 32 * 40)
    found = play(LearnedPolicy(model.network), PROBLEM, [shop], config).objective()[0]
    assert found == PROBLEM.check(shop, best.solution, config).objective


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_computes_what_the_cpu_computes(small):
    on_cpu, on_gpu = (make_model(PROBLEM, small.changed(device=device)) for device in ("cpu", "cuda"))
    on_gpu.policy.load_state_dict(on_cpu.policy.state_dict())
    config = JobShopConfig(**KEYS)
    instances = [PROBLEM.sampler(config)(np.random.default_rng(seed)) for seed in range(8)]
    one, two = (play(LearnedPolicy(m.network), PROBLEM, instances, config).objective() for m in (on_cpu, on_gpu))
    np.testing.assert_array_equal(one, two)
    on_gpu.learn(100)


def test_asking_for_a_gpu_that_is_not_there_is_refused_in_one_line(small):
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(InputError, match="no GPU"):
        make_model(PROBLEM, small.changed(device="cuda"))


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_training_does_not_draw_the_instances_of_benchmark_presets(seed):
    model = GraphPPO(
        "GraphPolicy", gym.make("JobShop-v0", num_jobs=6, num_machines=6), seed=seed, instances=1, repeats=2,
        minibatch_instances=1, network={"hidden": 16, "layers": 1, "heads": 2},
    )  # fmt: skip
    trained = model.streams[0].sample(model.instance_generator)
    for preset in range(100):
        drawn = model.streams[0].sample(np.random.default_rng(preset))
        assert not np.array_equal(drawn.duration, trained.duration)
