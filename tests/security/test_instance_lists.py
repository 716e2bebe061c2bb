"""What ``--instances`` and ``--seeds`` are given: long numbers, and folders that hold what is no instance."""

import os

import pytest

from schedlab.envs.core import InputError, load_problem
from schedlab.eval.instance_sets import expand_instances, parse_seeds


@pytest.mark.parametrize("text", ["9" * 5000, f"1-{'9' * 5000}", "٣", "1-٣", "2147483648", "0-99999999"])
def test_seeds_of_any_length_are_refused(text):
    with pytest.raises(InputError):
        parse_seeds(text)


@pytest.mark.parametrize("text", [f"ta1-{'9' * 5000}", "ta٣-٤", "ta01-ta99999", "\x00", "a" * 300])
def test_ranges_of_any_length_are_refused(text):
    problem = load_problem("job-shop")
    with pytest.raises(InputError):
        expand_instances(text, [0], problem, problem.configure({}))


def test_pipes_and_devices_in_a_folder_are_left_alone(tmp_path):
    problem = load_problem("job-shop")
    (tmp_path / "shop.txt").write_text("1 1\n0 5\n")
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "device.txt").symlink_to("/dev/zero")
    (tmp_path / "circle.txt").symlink_to(tmp_path / "circle.txt")
    entries = expand_instances(str(tmp_path), [0], problem, problem.configure({}))
    assert [entry.name for entry in entries] == ["shop"]
