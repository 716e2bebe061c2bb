"""Instance and solution files from strangers: refused in one line, quickly, within little memory."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from schedlab.envs.core import InputError, load_problem
from schedlab.envs.core.files import name_of, read_limited
from schedlab.eval.cli import main

from . import hostile

ROOT = Path(__file__).parents[2]
FINE = {"single-machine/jobs.csv", "single-machine/wide.csv"}
"""Cases that are instances of the single machine: any number of numbers is one, if three divides it."""


@pytest.fixture(scope="module")
def answers(tmp_path_factory) -> dict[str, list]:
    folder = tmp_path_factory.mktemp("hostile")
    hostile.write_all(folder)
    command = [sys.executable, "-m", "tests.security.hostile", str(folder)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert answer.returncode == 0, answer.stderr[-2000:]
    return json.loads(answer.stdout)


def test_every_hostile_file_is_refused_and_none_takes_a_gigabyte(answers):
    wrong = {case: answer[:2] for case, answer in answers.items() if answer[0] != "refused" and case not in FINE}
    assert not wrong
    assert len(answers) > 150


def test_every_refusal_is_one_short_line_that_names_the_file(answers):
    for case, (_, message, _) in answers.items():
        if case not in FINE:
            assert "\n" not in message
            assert len(message) < 500, case
            assert Path(case).name in message, message


@pytest.mark.parametrize("case", ["pipe", "device", "folder", "large", "nowhere"])
@pytest.mark.parametrize("problem", list(hostile.ENDINGS))
def test_what_is_no_plain_file_is_called_so(answers, problem, case):
    message = answers[f"{problem}/{case}{hostile.ENDINGS[problem]}"][1]
    words = {"pipe": "a pipe or a device", "device": "a pipe or a device", "large": "larger than 64 MiB"}
    assert words.get(case, "no such file" if case == "nowhere" else "folder") in message


def test_packed_bombs_are_measured_while_they_unpack(answers):
    for name in ("bomb", "bombs"):
        assert "larger than 64 MiB when unpacked" in answers[f"vm/{name}.json.gz"][1]


def test_a_run_of_a_stranger_opens_no_other_file(answers):
    for name in ("other-platform", "other-device", "other-application"):
        assert "a run names built-in ones only" in answers[f"soc/{name}.json"][1]


@pytest.mark.parametrize("name", ["\x1b[31mred", "a\tb", "\u202ereversed", "x" * 250, "\udcff"])
def test_instances_are_called_after_their_files_without_what_steers_a_terminal(name):
    called = name_of(Path(f"{name}.txt"))
    assert called.isprintable()
    assert 1 <= len(called) <= 200


def test_messages_show_no_control_characters_of_names(tmp_path, capsys):
    path = tmp_path / "\x1b[2J\x1b]0;title\x07.txt"
    path.write_text("nonsense")
    assert main(["solve", "job-shop", "--instance", str(path), "--agent", "spt"]) == 2
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1
    assert shown.strip().isprintable()
    assert "\\x1b[2J" in shown


@pytest.mark.parametrize(
    "content", ["[" * 100_000, "1" * 100_000, '{"solution": NaN}', '{"solution": {"start": [[1e999]]}}']
)
def test_hostile_solutions_are_bad_input(content, tmp_path, capsys):
    path = tmp_path / "solution.json"
    path.write_text(content)
    assert main(["check", "job-shop", "--instance", "ft06", "--solution", str(path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("problem", list(hostile.ENDINGS))
def test_a_solution_of_a_stranger_is_never_more_than_refused(problem):
    chosen = load_problem(problem)
    instance = chosen.sampler(chosen.configure({}))(np.random.default_rng(0))
    for data in (None, [], {}, "x", 10**400, {"start": [[10**400]]}, {"decisions": [10**6 * [1]]}, {"moves": [{}]}):
        with pytest.raises(InputError):
            chosen.solution_from_json(instance, data)


def test_reading_has_a_limit_also_where_the_system_tells_no_size():
    with pytest.raises(InputError, match="larger than 0 MiB"):
        read_limited(Path("/proc/self/maps"), 100, "a map")
