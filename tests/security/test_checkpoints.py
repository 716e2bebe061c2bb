"""Checkpoints from strangers: no code runs, nothing waits, no memory is taken for what is refused."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

from . import hostile_checkpoints as hostile

ROOT = Path(__file__).parents[2]
NO_PLAIN_FILES = ["config-pipe", "weights-pipe", "config-device", "weights-device"]


def load_all(folder: Path, names: list[str], seconds: float) -> dict[str, list]:
    command = [sys.executable, "-m", "tests.security.hostile_checkpoints", str(folder), *names]
    try:
        answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds)
        out = answer.stdout
    except subprocess.TimeoutExpired as error:
        out = (error.stdout or b"").decode()
    return {name: [kind, message] for name, kind, message, _ in map(json.loads, out.splitlines())}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoints")
    hostile.write_all(folder)
    return folder


@pytest.fixture(scope="module")
def answers(folder) -> dict[str, list]:
    return load_all(folder, [name for name in hostile.CASES if name not in NO_PLAIN_FILES], 300)


@pytest.mark.parametrize("case", [name for name in hostile.CASES if name not in NO_PLAIN_FILES])
def test_a_hostile_checkpoint_is_refused_in_one_line(answers, case):
    assert case in answers, "loading it never ended"
    kind, message = answers[case]
    assert kind == "refused", message
    assert "\n" not in message
    assert case in message  # the folder's name


def test_no_pickle_was_opened(answers, folder):
    assert "read" not in (answers["pickle"][0], answers["pickle-config"][0])
    assert not list(folder.rglob("ran"))
    assert not (ROOT / "ran").exists()


def test_pipes_and_devices_in_a_checkpoint_are_refused(folder):
    answers = load_all(folder, ["weights-device", "config-device", "config-pipe", "weights-pipe"], 40)
    assert {name: answer[0] for name, answer in answers.items()} == dict.fromkeys(NO_PLAIN_FILES, "refused")
