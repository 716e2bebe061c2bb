"""Runs so small that they end at once."""

import pytest

from schedlab.envs.job_shop import PROBLEM
from schedlab.train.models import make_model
from schedlab.train.settings import TrainSettings

SMALL = TrainSettings(
    steps=96, instances=2, repeats=4, minibatch_instances=1, hidden=16, layers=1, heads=2, validation_instances=3,
    validation_updates=2, environment={"builder": "hybrid", "num_jobs": 3, "num_machines": 3},
)  # fmt: skip

SMALL_MASKABLE = SMALL.changed(algorithm="maskable-ppo", envs=2, steps_per_rollout=24, minibatch=24)


@pytest.fixture
def small() -> TrainSettings:
    return SMALL


@pytest.fixture
def small_maskable() -> TrainSettings:
    return SMALL_MASKABLE


@pytest.fixture
def model(small):
    return make_model(PROBLEM, small)
