"""Every registered environment keeps Gymnasium's and SB3's promises; the vector env equals the single one."""

import multiprocessing
import pickle
import subprocess
import sys
import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from schedlab.envs import PROBLEMS, register_envs
from schedlab.envs.core import InputError, load_problem

from .short_episodes import make, make_vec, start_of

ENTRIES = list(PROBLEMS.values())
ENV_IDS = [entry.env_id for entry in ENTRIES]


def legal_action(info, rng):
    return int(rng.choice(np.flatnonzero(info["action_mask"])))


@pytest.mark.parametrize("env_id", ENV_IDS)
def test_gymnasiums_checker_finds_nothing_to_warn_about(env_id):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(make(env_id).unwrapped)
        check_env(make(env_id, render_mode="rgb_array").unwrapped)


@pytest.mark.parametrize("env_id", ENV_IDS)
def test_stable_baselines3s_checker_finds_nothing_to_warn_about(env_id):
    sb3_checker = pytest.importorskip("stable_baselines3.common.env_checker")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sb3_checker.check_env(make(env_id).unwrapped)


@pytest.mark.parametrize("env_id", ENV_IDS)
def test_the_same_seed_gives_the_same_episode(env_id):
    def episode():
        env = make(env_id)
        rng = np.random.default_rng(1)
        observation, info = env.reset(seed=7)
        trace = [observation]
        for _ in range(50):
            observation, reward, terminated, truncated, info = env.step(legal_action(info, rng))
            trace.append({**observation, "reward": np.array(reward)})
            if terminated or truncated:
                observation, info = env.reset()
                trace.append(observation)
        return trace

    for first, second in zip(episode(), episode(), strict=True):
        for key in first:
            np.testing.assert_array_equal(first[key], second[key])


@pytest.mark.parametrize("env_id", ENV_IDS)
def test_a_pickled_environment_goes_on_where_it_was(env_id):
    env = make(env_id)
    rng = np.random.default_rng(1)
    _, info = env.reset(seed=3)
    for _ in range(5):
        _, _, _, _, info = env.step(legal_action(info, rng))
    twin = pickle.loads(pickle.dumps(env))
    for _ in range(20):
        action = legal_action(info, rng)
        (observation, reward, done, _, info), (twin_observation, twin_reward, *_) = env.step(action), twin.step(action)
        assert reward == twin_reward
        for key in observation:
            np.testing.assert_array_equal(observation[key], twin_observation[key])
        if done:
            break


@pytest.mark.parametrize("env_id", ENV_IDS)
def test_a_pickled_vector_environment_goes_on_where_it_was(env_id):
    vector = make_vec(env_id, num_envs=2)
    rng = np.random.default_rng(1)
    _, info = vector.reset(seed=3)
    twin = pickle.loads(pickle.dumps(vector))
    for _ in range(210):
        actions = np.array([legal_action({"action_mask": mask}, rng) for mask in info["action_mask"]])
        (observation, rewards, *_, info), (twin_observation, twin_rewards, *_) = (
            vector.step(actions),
            twin.step(actions),
        )
        np.testing.assert_array_equal(rewards, twin_rewards)
        for key in observation:
            np.testing.assert_array_equal(observation[key], twin_observation[key])


@pytest.mark.parametrize("env_id", ENV_IDS)
@pytest.mark.parametrize("rows", [1, 5])
def test_row_i_of_the_vector_env_plays_what_a_single_env_seeded_i_later_plays(env_id, rows):
    singles = [make(env_id, normalize_reward=True) for _ in range(rows)]
    vector = make_vec(env_id, num_envs=rows, normalize_reward=True)
    observations, infos = vector.reset(seed=11)
    rngs = [np.random.default_rng(row) for row in range(rows)]
    for row, env in enumerate(singles):
        observation, _ = env.reset(seed=11 + row)
        for key in observation:
            np.testing.assert_array_equal(observation[key], observations[key][row])
    episodes = 0
    for _ in range(230):
        actions = [legal_action({"action_mask": infos["action_mask"][row]}, rngs[row]) for row in range(rows)]
        observations, rewards, terminated, truncated, infos = vector.step(np.array(actions))
        for row, env in enumerate(singles):
            observation, reward, done, cut, info = env.step(actions[row])
            assert (reward, done, cut) == (rewards[row], terminated[row], truncated[row])
            if done:
                episodes += 1
                assert infos["final_info"]["objective"][row] == info["objective"]
                for key in observation:
                    np.testing.assert_array_equal(observation[key], infos["final_obs"][row][key])
                observation, _ = env.reset()
            for key in observation:
                np.testing.assert_array_equal(observation[key], observations[key][row])
    assert episodes >= rows


@pytest.mark.parametrize("env_id", ENV_IDS)
def test_observations_of_the_vector_env_are_never_written_again(env_id):
    vector = make_vec(env_id, num_envs=3)
    rng = np.random.default_rng(0)
    observation, info = vector.reset(seed=0)
    kept, copies = [], []
    for _ in range(210):
        kept.append(observation)
        copies.append({key: value.copy() for key, value in observation.items()})
        actions = [legal_action({"action_mask": mask}, rng) for mask in info["action_mask"]]
        observation, _, _, _, info = vector.step(np.array(actions))
    for before, after in zip(copies, kept, strict=True):
        for key in before:
            np.testing.assert_array_equal(before[key], after[key])


@pytest.mark.parametrize("env_id", ENV_IDS)
def test_without_copy_the_vector_env_shows_the_same_numbers(env_id):
    safe, fast = make_vec(env_id, num_envs=2), make_vec(env_id, num_envs=2, copy=False)
    (first, info), (second, _) = safe.reset(seed=4), fast.reset(seed=4)
    rng = np.random.default_rng(0)
    for _ in range(120):
        for key in first:
            np.testing.assert_array_equal(first[key], second[key])
        actions = np.array([legal_action({"action_mask": mask}, rng) for mask in info["action_mask"]])
        first, _, _, _, info = safe.step(actions)
        second, *_ = fast.step(actions)


@pytest.mark.parametrize("env_id", ENV_IDS)
def test_gymnasiums_vector_wrappers_understand_the_vector_env(env_id):
    from gymnasium.wrappers.vector import RecordEpisodeStatistics

    vector = RecordEpisodeStatistics(make_vec(env_id, num_envs=2))
    rng, inner = np.random.default_rng(0), vector.unwrapped
    _, info = vector.reset(seed=0)
    returns, start = np.zeros(2), start_of(inner.problem.name, inner.simulator)
    for _ in range(300):
        actions = np.array([legal_action({"action_mask": mask}, rng) for mask in info["action_mask"]])
        _, rewards, terminated, _, info = vector.step(actions)
        returns += rewards
        for row in np.flatnonzero(terminated):
            assert info["episode"]["r"][row] == pytest.approx(returns[row], rel=1e-6)
            earned = returns[row] if inner.problem.minimise else -returns[row]
            assert info["final_info"]["objective"][row] == pytest.approx(start[row] - earned, rel=1e-6)
            returns[row], start[row] = 0, start_of(inner.problem.name, inner.simulator)[row]


@pytest.mark.parametrize("env_id", ENV_IDS)
def test_gymnasiums_own_sync_vectorisation_works_too(env_id):
    envs = make_vec(env_id, num_envs=2, vectorization_mode="sync")
    _, info = envs.reset(seed=0)
    assert info["action_mask"].shape == (2, envs.single_action_space.n)


@pytest.mark.parametrize("env_id", ENV_IDS)
def test_an_illegal_action_costs_a_hundredth_of_the_scale_or_raises_when_strict(env_id):
    env = make(env_id)
    before, _ = env.reset(seed=0)
    after, reward, terminated, truncated, _ = env.step(env.action_space.n + 5)
    assert reward == pytest.approx(-0.01 * env.unwrapped.simulator.scale[0])
    assert not terminated
    assert not truncated
    for key in before:
        np.testing.assert_array_equal(before[key], after[key])
    strict = make(env_id, strict=True)
    strict.reset(seed=0)
    with pytest.raises(ValueError, match="illegal now; legal: "):
        strict.step(env.action_space.n + 5)
    vector = make_vec(env_id, num_envs=2, strict=True)
    vector.reset(seed=0)
    with pytest.raises(ValueError, match="illegal now in row 0"):
        vector.step(np.array([-1, -1]))


@pytest.mark.parametrize("env_id", ENV_IDS)
def test_a_stubborn_policy_is_truncated_in_both_environments_at_the_same_step(env_id):
    env, vector = make(env_id), make_vec(env_id, num_envs=1)
    env.reset(seed=0)
    vector.reset(seed=0)
    for _ in range(env.unwrapped.graph_spec.num_nodes + 1):
        *_, truncated, _ = env.step(-1)
        _, _, _, vector_truncated, info = vector.step(np.array([-1]))
        assert truncated == vector_truncated[0]
    assert truncated
    assert "final_obs" in info


@pytest.mark.parametrize("env_id", ENV_IDS)
def test_the_vector_env_truncates_after_max_episode_steps(env_id):
    vector = make_vec(env_id, num_envs=2, max_episode_steps=4)
    rng = np.random.default_rng(0)
    _, info = vector.reset(seed=0)
    for step in range(1, 9):
        actions = np.array([legal_action({"action_mask": mask}, rng) for mask in info["action_mask"]])
        _, _, terminated, truncated, info = vector.step(actions)
        assert not terminated.any()
        assert truncated.all() == (step % 4 == 0)


@pytest.mark.parametrize("env_id", ENV_IDS)
def test_a_reset_mask_restarts_only_its_rows(env_id):
    vector = make_vec(env_id, num_envs=3)
    observation, info = vector.reset(seed=0)
    rng = np.random.default_rng(0)
    for _ in range(3):
        actions = np.array([legal_action({"action_mask": mask}, rng) for mask in info["action_mask"]])
        observation, _, _, _, info = vector.step(actions)
    again, _ = vector.reset(options={"reset_mask": np.array([False, True, False])})
    for row in (0, 2):
        for key in again:
            np.testing.assert_array_equal(again[key][row], observation[key][row])
    assert not np.array_equal(again["candidate_features"][1], observation["candidate_features"][1])


@pytest.mark.parametrize("env_id", ENV_IDS)
def test_the_mask_comes_in_three_ways_and_pictures_in_two(env_id):
    env = make(env_id, render_mode="rgb_array")
    observation, info = env.reset(seed=0)
    assert info["action_mask"].dtype == observation["action_mask"].dtype == np.int8
    assert env.get_wrapper_attr("action_masks")().dtype == np.bool_
    assert np.array_equal(env.get_wrapper_attr("action_masks")(), info["action_mask"].astype(bool))
    env.step(env.action_space.sample(info["action_mask"]))
    picture = env.render()
    assert picture.dtype == np.uint8
    assert picture.ndim == 3
    assert picture.std() > 0
    text_env = make(env_id, render_mode="ansi")
    text_env.reset(seed=0)
    assert isinstance(text_env.render(), str)


def test_unknown_render_modes_options_and_arguments_are_refused():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Gymnasium's own, before ours
        with pytest.raises(InputError, match="render_mode"):
            gym.make(ENV_IDS[0], render_mode="human3d")
    env = gym.make(ENV_IDS[0])
    with pytest.raises(ValueError, match="unknown reset options"):
        env.reset(options={"instanse": "x"})
    with pytest.raises(TypeError):
        gym.make(ENV_IDS[0], number_of_jobs=3)
    with pytest.raises(InputError, match="num_envs"):
        gym.make_vec(ENV_IDS[0], num_envs=0)
    vector = gym.make_vec(ENV_IDS[0], num_envs=3)
    vector.reset(seed=0)
    with pytest.raises(ValueError, match="2 actions for 3 rows"):
        vector.step(np.array([0, 0]))
    with pytest.raises(ValueError, match="2 seeds for 3 rows"):
        vector.reset(seed=[1, 2])


def test_registering_twice_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        register_envs()


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_spec_travels_as_json(entry):
    env = gym.make(entry.env_id)
    assert gym.make(gym.envs.registration.EnvSpec.from_json(env.spec.to_json())).spec.id == entry.env_id
    assert load_problem(entry.name).name == entry.name


def test_unknown_problems_are_refused_with_a_suggestion():
    with pytest.raises(InputError, match="did you mean job-shop"):
        load_problem("jobshop")


def test_a_fresh_process_finds_the_environment_by_its_module_prefix():
    code = 'import gymnasium as gym; env = gym.make("schedlab:JobShop-v0", instance="ta01"); print(env.action_space.n)'
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "15"


def test_importing_the_package_does_not_import_torch():
    code = "import sys, schedlab, schedlab.envs.job_shop; print('torch' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


def _play_in_a_spawned_process(queue):
    env = gym.make("schedlab:JobShop-v0", num_jobs=3, num_machines=2)
    observation, _ = env.reset(seed=1)
    queue.put(observation["candidate_features"])


def test_a_spawned_process_plays_the_same_episode():
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=_play_in_a_spawned_process, args=(queue,))
    process.start()
    features = queue.get(timeout=120)
    process.join()
    observation, _ = gym.make("JobShop-v0", num_jobs=3, num_machines=2).reset(seed=1)
    np.testing.assert_array_equal(features, observation["candidate_features"])
