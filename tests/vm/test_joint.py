"""Both picks as one action."""

import pickle
import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from schedlab.envs.vm import JointActionWrapper

CLUSTERS = {
    "groups": {"num_pms": 5, "mnl": 6, "affinity": 2, "immovable": 0.2},
    "distinct": {"num_pms": [2, 5], "mnl": 6, "offer": "distinct"},
    "goal": {"num_pms": 4, "mnl": 4, "objective": "moves", "goal": 0.3, "offer": "fragmented"},
}
EVERY_CLUSTER = pytest.mark.parametrize("values", CLUSTERS.values(), ids=CLUSTERS)


def both(values, seed=0, **arguments):
    """The same episode with and without the wrapper."""
    plain = gym.make("VMRescheduling-v0", **values, **arguments).unwrapped
    joint = JointActionWrapper(gym.make("VMRescheduling-v0", **values, **arguments))
    (first, _), (second, _) = plain.reset(seed=seed), joint.reset(seed=seed)
    assert all(np.array_equal(first[key], second[key]) for key in first)
    return plain, joint


def allowed(plain):
    """Pairs that two steps can take, by trying."""
    simulator = plain.simulator
    pms, vms = simulator.sizes[:2]
    mask = np.zeros((vms + 1, 2 * pms), bool)
    mask[-1, 0] = True
    here = simulator.snapshot()
    for vm in np.flatnonzero(simulator.action_mask[0, :vms]).tolist():
        simulator.step(np.array([vm]))
        mask[vm] = simulator.action_mask[0, vms : vms + 2 * pms]
        simulator.restore(here)
    return mask


@EVERY_CLUSTER
@pytest.mark.parametrize("seed", range(3))
def test_a_joint_action_is_legal_if_two_steps_are_and_does_what_they_do(values, seed):
    plain, joint = both(values, seed)
    vms, rng, moves, done = plain.simulator.sizes[1], np.random.default_rng(seed), 0, False
    while not done:
        mask = joint.joint_mask()
        np.testing.assert_array_equal(mask, allowed(plain))
        pairs = np.argwhere(mask[:-1])
        action = rng.choice(pairs)
        assert joint.action_space.contains(action)
        _, first, *_ = plain.step(action[0])
        expected, second, done, truncated, info = plain.step(vms + action[1])
        observation, reward, *rest = joint.step(action)
        moves += 1
        assert first == 0
        assert (reward, *rest[:2]) == (second, done, truncated)
        assert rest[2].get("objective") == info.get("objective")
        for key in expected:
            np.testing.assert_array_equal(observation[key], expected[key])
    assert plain.solution().moves() == joint.unwrapped.solution().moves()
    assert moves == len(plain.solution())


def test_after_the_end_only_stopping_is_left():
    _, joint = both(CLUSTERS["groups"])
    stop = (joint.action_space.nvec[0] - 1, 0)
    _, reward, terminated, truncated, info = joint.step(np.array(stop))
    assert (reward, terminated, truncated) == (0, True, False)
    assert info["objective"] == joint.unwrapped.instance.fragment_rate()
    assert len(joint.unwrapped.solution()) == 0
    assert np.argwhere(joint.joint_mask()).tolist() == [list(stop)]


def illegal_pairs(joint):
    """A few of every sort, within the action space and beside it."""
    vms, places = (joint.action_space.nvec - [1, 0]).tolist()
    mask = joint.joint_mask()[:-1]
    movable = int(np.flatnonzero(mask.any(axis=1))[0])
    stuck = np.flatnonzero(~mask.any(axis=1))
    return [
        *[(movable, int(place)) for place in np.flatnonzero(~mask[movable])],
        *[(int(vm), 0) for vm in stuck[:5]],
        (movable, places), (movable, -1), (movable, -2 * places), (-1, 0), (vms + 1, 0), (vms + places, 0), (10**6, 3),
    ]  # fmt: skip


@EVERY_CLUSTER
def test_an_illegal_pair_changes_nothing_and_costs_a_hundredth_of_the_scale(values):
    plain, joint = both(values)
    before = plain.simulator.observe()
    cost = -0.01 * plain.simulator.scale[0]
    for pair in illegal_pairs(joint)[:30]:
        joint.unwrapped._illegal_actions = 0
        observation, reward, terminated, truncated, _ = joint.step(np.array(pair))
        assert reward == pytest.approx(cost), pair
        assert not terminated, pair
        assert not truncated
        assert joint.unwrapped.simulator.chosen[0] == -1, pair
        np.testing.assert_array_equal(observation["candidate_features"], before.features.reshape(-1))
    assert len(joint.unwrapped.solution()) == 0


def test_a_strict_environment_raises_on_an_illegal_pair_and_stays_as_it_is():
    _, joint = both(CLUSTERS["groups"], strict=True)
    for pair in illegal_pairs(joint)[:10]:
        with pytest.raises(ValueError, match="illegal now"):
            joint.step(np.array(pair))
    assert joint.unwrapped.simulator.chosen[0] == -1


def test_gymnasiums_checker_finds_nothing_but_that_it_is_a_wrapper():
    env = JointActionWrapper(gym.make("VMRescheduling-v0", num_pms=3).unwrapped)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*is different from the unwrapped version")
        check_env(env, skip_render_check=True)


def test_a_pickled_wrapper_goes_on_with_its_own_environment():
    _, joint = both(CLUSTERS["groups"])
    twin = pickle.loads(pickle.dumps(joint))
    for env in (joint, twin):
        for _ in range(3):
            env.step(np.argwhere(env.joint_mask())[0])
    assert len(twin.unwrapped.solution()) == 3
    np.testing.assert_array_equal(joint.joint_mask(), twin.joint_mask())


def test_other_environments_are_refused():
    with pytest.raises(TypeError, match="needs a VMRescheduling environment, got JobShopEnv"):
        JointActionWrapper(gym.make("JobShop-v0"))
