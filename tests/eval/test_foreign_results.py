"""Results of strangers: each field is looked at, and a mistake is told in one line."""

import json

import pytest

from schedlab.envs.core import InputError
from schedlab.eval.race_results import read_race
from schedlab.eval.results import read_results, row_to_json
from schedlab.eval.views import read_views

from .rows import row

GOOD = row_to_json(row())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"objective": float("nan")}, "NaN is not a number"),
        ({"objective": float("inf"), "feasible": True}, "Infinity is not a number"),
        ({"objective": "10"}, "row 2: objective must be a finite number or null, got '10'"),
        ({"objective": True}, "row 2: objective must be a finite number or null, got True"),
        ({"objective": 10**400}, "row 2: objective must be a finite number or null, got a huge number"),
        ({"seconds": None}, "row 2: seconds must be a finite number of at least 0, got None"),
        ({"seconds": -1}, "row 2: seconds must be a finite number of at least 0"),
        ({"samples": 1.5}, "row 2: samples must be a whole number"),
        ({"samples": True}, "row 2: samples must be a whole number"),
        ({"seed": 2**63}, "row 2: seed must be a whole number"),
        ({"seed": -1}, "row 2: seed must be a whole number"),
        ({"feasible": 1}, "row 2: feasible must be true or false, got 1"),
        ({"feasible": False}, "row 2: feasible must be true where there is an objective"),
        ({"agent": 3}, "row 2: agent must be printable text"),
        ({"agent": "a" * 1001}, "row 2: agent must be printable text of at most 1000 characters"),
        ({"instance": "\x1b[2J"}, "row 2: instance must be printable text"),
        ({"error": "two\nlines"}, "row 2: error must be printable text"),
        ({"measures": []}, "row 2: measures must be an object"),
        ({"measures": {"a": "b"}}, "row 2, measures: a must be a finite number"),
        ({"measures": {"\x07": 1}}, "row 2: a name in measures is not printable"),
        ({"colour": 1}, "row 2 has the unknown field 'colour'"),
        ({"instance": "x"}, "row 2 has the instance, agent and seed of row 1"),
    ],
)
def test_a_strangers_results_are_refused_in_one_line_that_names_row_and_field(tmp_path, change, message):
    rows = [GOOD, {**GOOD, "instance": "y", **change}]
    (tmp_path / "results.json").write_text(json.dumps(rows))
    with pytest.raises(InputError) as refused:
        read_results(tmp_path)
    assert message in str(refused.value)
    assert str(refused.value).startswith(str(tmp_path / "results.json"))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[" * 200_000, b"1" * 5000, b'[{"objective": 1e999}]'])
def test_what_is_no_plain_json_is_refused(tmp_path, content):
    for name, read in (("results.json", read_results), ("race.json", read_race), ("views.json", read_views)):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match="schedlab") as refused:
            read(tmp_path)
        assert "\n" not in str(refused.value)


def test_a_folder_in_place_of_a_file_or_an_endless_file_is_refused(tmp_path):
    (tmp_path / "results.json").mkdir()
    with pytest.raises(InputError, match="is a folder or a device"):
        read_results(tmp_path)
    (tmp_path / "results.json").rmdir()
    (tmp_path / "results.json").symlink_to("/dev/zero")
    with pytest.raises(InputError, match="is a folder or a device"):
        read_results(tmp_path)
