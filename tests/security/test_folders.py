"""Results folders, training settings and folders of runs from strangers, through the command line."""

import json
import os
import signal

import pytest

from schedlab.eval.cli import main

BENCHMARK = ["benchmark", "job-shop", "--instances", "ft06", "--agents", "spt"]
RACE = ["race", "job-shop", "--instances", "ft06", "--agents", "spt", "--time-limit", "1"]
TRAIN = ["train", "job-shop", "--steps", "10", "--quiet"]

DOCUMENTS = {
    "deep": b"[" * 200_000,
    "digits": b"1" * 100_000,
    "latin": b"\xff\xfe[]",
    "null": b"\x00" * 100,
    "empty": b"",
    "nothing": b"null",
    "number": b"1e999",
    "nan": b"[NaN]",
    "object": b"{}",
    "rows": b"[1, 2]",
    "row": b'[{"problem": 1}]',
    "escape": b'[{"\\u001b[31m": 1}]',
    "pickle": b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94\x8c\x06system\x94\x93.",
}


@pytest.fixture(autouse=True)
def _nothing_waits():
    """A pipe that nobody writes to would keep a test waiting for ever."""

    def ring(*_: object) -> None:
        raise AssertionError("still waiting after a minute")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def refused(capsys, words) -> str:
    """Run a command that must be bad input, told in one printable line."""
    assert main([str(word) for word in words]) == 2
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1, shown
    assert shown.strip().isprintable()
    assert len(shown) < 1000
    return shown


@pytest.fixture
def results(tmp_path, capsys):
    folder = tmp_path / "results"
    assert main([*BENCHMARK, "--out", str(folder)]) == 0
    capsys.readouterr()
    return folder


@pytest.mark.parametrize("name", ["results.json", "summary.json"])
@pytest.mark.parametrize("case", [*DOCUMENTS, "pipe", "device"])
def test_a_results_folder_that_is_none_of_ours_is_not_continued(results, name, case, capsys):
    (results / name).unlink()
    if case == "pipe":
        os.mkfifo(results / name)
    elif case == "device":
        (results / name).symlink_to("/dev/zero")
    else:
        (results / name).write_bytes(DOCUMENTS[case])
    if (name, case) == ("summary.json", "object"):
        pytest.skip("a summary without settings is refused as one of other settings")
    refused(capsys, [*BENCHMARK, "--out", results, "--resume"])


@pytest.mark.parametrize("case", [*DOCUMENTS, "pipe", "device"])
def test_a_race_that_is_none_of_ours_is_not_continued(tmp_path, case, capsys):
    path = tmp_path / "race.json"
    if case == "pipe":
        os.mkfifo(path)
    elif case == "device":
        path.symlink_to("/dev/zero")
    else:
        path.write_bytes(DOCUMENTS[case])
    refused(capsys, [*RACE, "--out", tmp_path, "--resume"])


def test_numbers_and_names_of_rows_are_looked_at(results, capsys):
    rows = json.loads((results / "results.json").read_text())
    for name, value in (
        ("objective", "12"),
        ("seconds", -1),
        ("agent", "\x1b[2J"),
        ("instance", 5),
        ("measures", {"a": "b"}),
        ("seed", 10**30),
        ("feasible", "yes"),
        ("os", "system"),
    ):
        (results / "results.json").write_text(json.dumps([{**rows[0], name: value}]))
        refused(capsys, [*BENCHMARK, "--out", results, "--resume"])


SETTINGS = {
    "nothing": b"\x00\x01",
    "latin": b"\xff\xfe",
    "unknown": b'os = "system"\n',
    "hidden": b"hidden = 1000000000\n",
    "digits": b"seed = " + b"9" * 10_000 + b"\n",
    "infinite": b"learning_rate = inf\n",
    "nan": b"learning_rate = nan\n",
    "deep": b"a = " + b"[" * 50_000,
    "environment": b"environment = 5\n",
    "option": b'[environment]\nos = "system"\n',
}


@pytest.mark.parametrize("case", [*SETTINGS, "pipe", "device"])
def test_training_settings_that_are_none_are_refused(tmp_path, case, capsys):
    pytest.importorskip("torch")
    path = tmp_path / "settings.toml"
    if case == "pipe":
        os.mkfifo(path)
    elif case == "device":
        path.symlink_to("/dev/zero")
    else:
        path.write_bytes(SETTINGS[case])
    refused(capsys, [*TRAIN, "--config", path, "--out", tmp_path / "run"])


@pytest.mark.parametrize("option", ["--resume", "--start"])
@pytest.mark.parametrize("name", ["config.json", "last.safetensors", "weights.safetensors"])
def test_a_folder_of_a_run_that_is_none_is_refused(tmp_path, option, name, capsys):
    pytest.importorskip("torch")
    for case in ("pickle", "deep", "latin", "empty"):
        (tmp_path / name).write_bytes(DOCUMENTS[case])
        extra = [] if option == "--resume" else ["--out", tmp_path / "other"]
        refused(capsys, [*TRAIN, option, tmp_path, *extra])


@pytest.mark.parametrize("name", ["[red]x", "[link=file:///etc/passwd]x"])
def test_names_of_instances_are_printed_as_they_are(tmp_path, name, capsys):
    folder = tmp_path / "shops"
    folder.mkdir()
    (folder / f"{name.replace('/', '_')}.txt").write_text("2 2\n0 1 1 2\n1 3 0 4\n")
    assert main(["benchmark", "job-shop", "--instances", str(folder), "--agents", "spt", "--details"]) == 0
    assert name.replace("/", "_") in capsys.readouterr().out


def test_names_in_files_are_printed_as_they_are(tmp_path, capsys):
    day = {
        "name": "[/bold]day",
        "vertiports": [
            {"name": name, "x": place, "y": 0, "parking": 4, "chargers": 4} for name, place in (("a", 0), ("b", 9))
        ],
        "aircraft": {"start": ["a"]},
        "demand": [[[0, 1], [1, 0]]],
    }
    (tmp_path / "day.json").write_text(json.dumps(day))
    words = ["benchmark", "uam", "--instances", str(tmp_path / "day.json"), "--agents", "greedy-hour", "--details"]
    assert main(words) == 0
    assert "[/bold]day" in capsys.readouterr().out
