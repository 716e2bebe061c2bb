"""The complete small problem that the documentation walks through keeps every promise that the built-in ones keep."""

import json
import os
import subprocess
import sys
import warnings
from itertools import product
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

import schedlab
from schedlab.agents import make_agent, play, register_agent
from schedlab.agents.core import AgentOptions, AgentSpec
from schedlab.envs import PROBLEMS
from schedlab.envs.core import InputError, load_problem

from ..core import test_graph, test_gym_env, test_simulator
from .conftest import DOCS

NAME, ENV_ID = "parallel-machines", "ParallelMachines-v0"


def test_it_is_complete_in_less_than_150_lines():
    assert len((DOCS / "toy_problem.py").read_text().splitlines()) < 150


@pytest.mark.parametrize(
    "promise",
    [
        test_gym_env.test_gymnasiums_checker_finds_nothing_to_warn_about,
        test_gym_env.test_stable_baselines3s_checker_finds_nothing_to_warn_about,
        test_gym_env.test_the_same_seed_gives_the_same_episode,
        test_gym_env.test_a_pickled_environment_goes_on_where_it_was,
        test_gym_env.test_a_pickled_vector_environment_goes_on_where_it_was,
        test_gym_env.test_observations_of_the_vector_env_are_never_written_again,
        test_gym_env.test_without_copy_the_vector_env_shows_the_same_numbers,
        test_gym_env.test_gymnasiums_vector_wrappers_understand_the_vector_env,
        test_gym_env.test_an_illegal_action_costs_a_hundredth_of_the_scale_or_raises_when_strict,
        test_gym_env.test_a_stubborn_policy_is_truncated_in_both_environments_at_the_same_step,
        test_gym_env.test_the_vector_env_truncates_after_max_episode_steps,
        test_gym_env.test_a_reset_mask_restarts_only_its_rows,
        test_gym_env.test_the_mask_comes_in_three_ways_and_pictures_in_two,
    ],
    ids=lambda promise: promise.__name__,
)
def test_it_keeps_the_promises_of_every_environment(toy, promise):
    promise(ENV_ID)


@pytest.mark.parametrize(
    "promise",
    [
        test_simulator.test_forced_steps_end_where_there_is_a_choice_or_the_end,
        test_simulator.test_steps_count_legal_actions_forced_ones_included,
        test_simulator.test_rewards_with_forced_steps_sum_to_the_objective,
    ],
    ids=lambda promise: promise.__name__,
)
def test_it_keeps_the_promises_of_every_simulator(toy, promise):
    promise(NAME)


def test_its_graphs_are_well_formed_and_its_rows_are_like_single_environments(toy):
    test_graph.test_graphs_are_well_formed_throughout_an_episode(PROBLEMS[NAME])
    test_gym_env.test_a_spec_travels_as_json(PROBLEMS[NAME])
    for rows in (1, 5):
        test_gym_env.test_row_i_of_the_vector_env_plays_what_a_single_env_seeded_i_later_plays(ENV_ID, rows)


def test_the_best_of_all_orders_is_the_best_of_all_assignments(toy):
    """Handing jobs to the machine that is free first loses no optimum, and the checker counts what was simulated."""
    jobs = toy.Jobs([5, 4, 3, 3, 3], 2)
    config = toy.Config()
    best = min(toy.PROBLEM.check(jobs, np.array(machines), config).objective for machines in product((0, 1), repeat=5))
    simulator = play(make_agent("random@500", toy.PROBLEM, config).policy, toy.PROBLEM, [jobs] * 500, config)
    assert simulator.objective().min() == best == 9
    for row in range(20):
        assert toy.PROBLEM.check(jobs, simulator.solution(row), config).objective == simulator.objective()[row]
    assert not toy.PROBLEM.check(jobs, np.array([0, 1, 2, 0, 0]), config).feasible
    assert not toy.PROBLEM.check(jobs, np.array([0, 1]), config).feasible


def test_a_policy_trained_for_2000_steps_is_measured_beside_the_rule(toy, tmp_path):
    from schedlab.eval.cli import main

    words = [NAME, "--steps", "2000", "--out", str(tmp_path / "run"), "--quiet", "--num-jobs", "8-12"]
    assert main(["train", *words]) == 0
    agents = f"random,lpt,ppo:{tmp_path / 'run'}"
    words = [NAME, "--instances", "small", "--seeds", "0-4", "--agents", agents, "--out", str(tmp_path / "out")]
    assert main(["benchmark", *words]) == 0
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    gap = {agent["agent"]: agent["mean_gap"] for agent in summary["agents"]}
    assert 0 <= gap["lpt"] < gap["random"]
    assert gap[f"ppo:{tmp_path / 'run'}"] < gap["random"]


def test_its_instances_come_from_files_and_its_solutions_are_checked_again(toy, tmp_path, capsys):
    from schedlab.eval.cli import main

    file, out = tmp_path / "jobs.json", tmp_path / "solution.json"
    file.write_text(json.dumps({"durations": [5, 4, 3, 3, 3], "machines": 2}))
    assert main(["solve", NAME, "--instance", str(file), "--agent", "lpt", "--out", str(out), "--text"]) == 0
    assert main(["check", NAME, "--instance", str(file), "--solution", str(out)]) == 0
    for wrong in ('{"durations": [], "machines": 2}', '{"durations": [1.5], "machines": 2}', "[1]", '{"jobs": 3}', "{"):
        file.write_text(wrong)
        capsys.readouterr()
        assert main(["solve", NAME, "--instance", str(file), "--agent", "lpt"]) == 2
        assert "jobs.json" in capsys.readouterr().err
    for name in ("\x1b]0;hidden\x07X", "a\nb", "", "x" * 201, 3, None, ["x"]):
        file.write_text(json.dumps({"durations": [5, 4], "machines": 2, "name": name}))
        with pytest.raises(InputError, match="1 to 200 printable characters"):
            toy.PROBLEM.load(str(file), toy.Config())
    file.write_text(json.dumps({"durations": [5, 4], "machines": 2, "name": "Jüli 3"}))
    assert toy.PROBLEM.load(str(file), toy.Config()).name == "Jüli 3"
    for wrong in ({"decisions": 3}, {"decisions": [0.5]}, [], {"decisions": [True]}):
        with pytest.raises(InputError, match="solution"):
            toy.PROBLEM.solution_from_json(None, wrong)


def test_the_command_line_knows_it_as_a_plugin():
    environment = {**os.environ, "PYTHONPATH": str(DOCS)}
    binary = Path(sys.executable).parent / "schedlab"
    words = ["--plugin", "toy_problem", "list", NAME]
    answer = subprocess.run([binary, *words], env=environment, capture_output=True, text=True)
    assert "Longest job first" in answer.stdout, answer.stderr
    answer = subprocess.run([binary, "--plugin", "no_such_module", "list"], capture_output=True, text=True)
    assert answer.returncode == 2
    assert "no such module" in answer.stderr


def test_an_installed_package_is_found_by_its_entry_point(tmp_path):
    """Also by ``load_problem`` alone, as a worker process would ask."""
    about = tmp_path / "toy-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[schedlab.plugins]\ntoy = toy_problem\nbroken = not_there\n")
    (tmp_path / "toy_problem.py").write_text((DOCS / "toy_problem.py").read_text())
    code = f"from schedlab.envs.core import load_problem; print(load_problem({NAME!r}).title)"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    answer = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert "Parallel machines" in answer.stdout, answer.stderr
    assert "broken (not_there) left out" in answer.stderr


def test_names_that_are_taken_or_are_none_are_refused(toy):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schedlab.register_problem(NAME, module="toy_problem", env="ParallelMachines")  # the same again
    with pytest.raises(InputError, match="registered already"):
        schedlab.register_problem("job-shop", module="toy_problem", env="Toy")
    with pytest.raises(InputError, match="registered already"):
        schedlab.register_problem("another", module="toy_problem", env="JobShop")
    with pytest.raises(InputError, match="write names as"):
        schedlab.register_problem("Bad Name", module="toy_problem", env="Toy")


def test_an_agent_of_ones_own_is_asked_for_by_name(toy):
    def spec(name):
        return AgentSpec(name, "rule", "Longest first.", lambda config, options: toy.LongestFirst())

    register_agent(NAME, spec("mine"))
    config = toy.Config()
    assert isinstance(make_agent("mine", load_problem(NAME), config, AgentOptions()), toy.LongestFirst)
    for taken in ("lpt", "ppo"):
        with pytest.raises(InputError, match="choose another"):
            register_agent(NAME, spec(taken))
    with pytest.raises(InputError, match="lower case"):
        register_agent(NAME, spec("my@agent"))
    with pytest.raises(InputError, match="unknown problem"):
        register_agent("no-problem", spec("mine"))


def test_its_environments_refuse_arguments_that_nobody_reads(toy):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Gymnasium's own, before ours
        with pytest.raises(InputError, match=r"num_job'.*num_jobs"):
            gym.make(ENV_ID, num_job=3)
        with pytest.raises(InputError, match="num_jobs"):
            gym.make_vec(ENV_ID, num_envs=2, num_jobs=0)
