"""Training settings: what is committed is understood, what is wrong is refused in one line."""

import pytest

from schedlab.envs import PROBLEMS
from schedlab.envs.core import InputError
from schedlab.train.settings import TrainSettings, committed_names, committed_settings, read_settings, settings_from


@pytest.mark.parametrize("entry", PROBLEMS.values(), ids=lambda entry: entry.name)
def test_every_problem_has_committed_training_settings(entry):
    assert {entry.package, f"{entry.package}_maskable"} <= set(committed_names())


@pytest.mark.parametrize("name", committed_names())
def test_committed_settings_survive_being_written_as_json(name):
    settings = committed_settings(name)
    assert settings_from(settings.to_json(), "test") == settings_from(
        settings_from(settings.to_json(), "x").to_json(), "y"
    )


def test_an_unknown_configuration_is_refused_with_the_nearest_name():
    with pytest.raises(InputError, match="job_shop"):
        committed_settings("jobshop")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"learning_rat": 1}, "did you mean learning_rate"),
        ({"learning_rate": 0}, "learning_rate must be positive"),
        ({"epochs": 2.5}, "epochs must be a number of type int"),
        ({"algorithm": "maskable-ppo", "minibatch": 10**6}, "minibatch must lie in"),
        ({"discount": 1.5}, "discount"),
        ({"threads": True}, "threads"),
        ({"seed": -1}, "seed"),
        ({"algorithm": "dqn"}, "graph-ppo, maskable-ppo"),
        ({"schedule": "staircase"}, "cosine"),
        ({"baseline": "group", "repeats": 1}, "at least 2"),
        ({"compile": 1}, "compile must be of type bool"),
        ({"encoder": 3}, "encoder must be of type str"),
        ({"minibatch_instances": 17}, "minibatch_instances must lie in"),
        ({"environment": 3}, "environment must be a table"),
        ({"environments": []}, "at least one"),
        ({"environments": [3]}, "list of tables"),
        ({"discount_per": "day"}, "decision, clock"),
        ({"discount_per": "clock", "segment": 8, "repeats": 1, "baseline": "value"}, "whole episodes"),
        ({"prior": 3}, "prior must be a table"),
        ({"prior": {"finish": "low"}}, "prior must be a table"),
    ],
)
def test_bad_settings_are_refused_in_one_line(values, words):
    with pytest.raises(InputError, match=words) as caught:
        settings_from(values, "file.toml")
    assert "\n" not in str(caught.value)
    assert "file.toml" in str(caught.value)


def test_a_broken_toml_file_is_refused(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text("minutes = \n")
    with pytest.raises(InputError, match="not TOML"):
        read_settings(path)


def test_progress_is_judged_on_the_training_environments_unless_others_are_named():
    settings = TrainSettings(environment={"builder": "hybrid"}, environments=[{"num_jobs": 4}, {"num_jobs": 5}])
    assert settings.validation_environments == [{"builder": "hybrid", "num_jobs": n} for n in (4, 5)]
    assert settings.changed(validation=[{"num_jobs": 9}]).validation_environments[0]["num_jobs"] == 9


def test_what_the_user_gives_holds_in_every_environment():
    settings = TrainSettings(
        environment={"builder": "hybrid", "num_jobs": 3},
        environments=[{"num_jobs": 4, "num_machines": 2}, {"num_jobs": 5, "num_machines": 2}, {"num_machines": 3}],
        validation=[{"num_jobs": 9}],
    ).in_environment(num_jobs=7)
    assert settings.environment == {"builder": "hybrid", "num_jobs": 7}
    assert settings.environments == [{"num_machines": 2}, {"num_machines": 3}]
    assert settings.validation_environments == [{"builder": "hybrid", "num_jobs": 7}]
