"""The observation contract, checked on every problem's observations."""

import gymnasium as gym
import numpy as np
import pytest

from schedlab.envs import PROBLEMS
from schedlab.envs.core.files import write_atomically
from schedlab.envs.core.graph import FEATURE_LIMIT, GraphSpec, GraphState


def test_a_spec_without_nodes_or_with_two_relations_of_one_name_is_refused():
    with pytest.raises(ValueError, match="needs a node"):
        GraphSpec(0, (), (), 1, (), ())
    with pytest.raises(ValueError, match="share a name"):
        GraphSpec(1, (), (("a", 1), ("a", 2)), 1, (), ())


def test_shaped_gives_tables_back_with_and_without_batch_axes():
    spec = GraphSpec(4, ("x", "y"), (("next", 3),), 2, ("p", "q", "r"), ("c",))
    state = GraphState.empty(spec, 5)
    flat = {key: value.reshape(5, -1) for key, value in {**state.static(), **state.dynamic()}.items()}
    for key, value in spec.shaped(flat).items():
        assert value.shape == (5, *spec.shapes()[key])
        assert np.shares_memory(value, flat[key])
    single = {key: value[0] for key, value in flat.items()}
    assert spec.shaped(single)["candidate_features"].shape == (2, 3)


@pytest.mark.parametrize("entry", PROBLEMS.values(), ids=lambda entry: entry.name)
def test_graphs_are_well_formed_throughout_an_episode(entry):
    env = gym.make(entry.env_id)
    rng = np.random.default_rng(0)
    observation, info = env.reset(seed=0)
    spec, done = env.unwrapped.graph_spec, False
    while not done:
        shaped = spec.shaped(observation)
        exists = np.flatnonzero(shaped["node_mask"])
        for name, _ in spec.relations:
            edges = shaped[f"edges_{name}"]
            real = edges[:, edges[0] >= 0]
            assert np.isin(real, exists).all()
            assert (edges[:, edges[0] < 0] == -1).all()
        legal = np.flatnonzero(shaped["action_mask"])
        assert len(legal) > 0
        assert np.isin(shaped["candidate"][legal], exists).all()
        for key in ("nodes", "candidate_features", "context"):
            assert np.isfinite(shaped[key]).all()
            assert np.abs(shaped[key]).max() <= FEATURE_LIMIT
        observation, _, done, _, info = env.step(int(rng.choice(legal)))
    assert info["action_mask"].any()


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, "old")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
