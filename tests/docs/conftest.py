"""The toy problem of the documentation, registered for the tests that ask for it and forgotten afterwards."""

import importlib
import sys
from pathlib import Path

import gymnasium as gym
import pytest

from schedlab.envs import PROBLEMS

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def toy():
    sys.path.insert(0, str(DOCS))
    module = importlib.import_module("toy_problem")
    yield module
    # other tests are made for every problem in the registry
    sys.path.remove(str(DOCS))
    del sys.modules["toy_problem"], PROBLEMS["parallel-machines"], gym.registry["ParallelMachines-v0"]
