"""Reading and writing instance files, and one clear line for every way to get them wrong."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlab.envs.core import InputError
from schedlab.envs.job_shop.catalog import named_instance
from schedlab.envs.job_shop.formats import format_instance, parse_instance, read_instance, write_instance

from .strategies import shops

STANDARD = "2 2\n0 3  1 2\n1 4  0 3\n"
TAILLARD = "2 2\n3 2\n4 3\n1 2\n2 1\n"


def test_both_formats_of_the_same_shop_are_equal(tiny):
    assert parse_instance(STANDARD) == parse_instance(TAILLARD) == tiny


def test_taillards_own_headings_are_understood(tiny):
    text = (
        "Nb of jobs, Nb of Machines, Time seed, Machine seed, Upper bound, Lower bound :\n"
        "  2  2  840612802  398197754  1231  1005\nTimes\n3 2\n4 3\nMachines\n1 2\n2 1\n"
    )
    assert parse_instance(text) == tiny


def test_comments_titles_and_blank_lines_are_skipped(tiny):
    assert parse_instance("instance tiny\n# a shop\n\n2 2  # jobs, machines\n0 3 1 2\n\n1 4 0 3 # last\n") == tiny


@settings(max_examples=100, deadline=None)
@given(instance=shops())
def test_writing_and_reading_gives_the_same_instance(instance):
    assert parse_instance(format_instance(instance)) == instance


def test_taillards_format_is_written_and_read_back():
    ta01 = named_instance("ta01")
    assert parse_instance(format_instance(ta01, "taillard")) == ta01


def test_taillards_format_cannot_hold_jobs_of_unequal_length(odd):
    with pytest.raises(ValueError, match="standard format"):
        format_instance(odd, "taillard")


def test_a_file_names_its_instance(tmp_path, odd):
    write_instance(odd, tmp_path / "shop.txt")
    assert read_instance(tmp_path / "shop.txt").name == "shop"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", None, "no line with the numbers"),
        ("just words\n", None, "no line with the numbers"),
        ("2\n", 1, "expected two numbers"),
        ("0 2\n", 1, "at least 1"),
        ("2 2\n0 3 1 2\n1 4 0\n", 3, "has 3 numbers"),
        ("2 2\n0 3 1 2\n1 4\n", 3, "has 2 numbers"),
        ("2 2\n0 3 1 2\n", 2, "ends after 1 of 2 rows"),
        ("2 2\n0 3 1 2\n1 4 0 3\n1 4 0 3\n1 4 0 3\n1 1 1 1\n", 6, "more rows"),
        ("2 2\n0 3 1 2\n1 -4 0 3\n", 3, "duration -4 is negative"),
        ("2 2\n0 3 2 2\n1 4 0 3\n", 2, "machine 2 is not in 0..1"),
        ("2 2\n0 3 1 x\n1 4 0 3\n", 2, "'x' is not an integer"),
        ("2 2\n0 3 1 2.5\n1 4 0 3\n", 2, "'2.5' is not an integer"),
        ("2 2\n0 3 1 99999999999\n1 4 0 3\n", 2, "too large"),
        ("2 2\n0 3 1 ٣\n1 4 0 3\n", 2, "not an integer"),
        (STANDARD + "due 1\n", 4, "has 1 values for 2 jobs"),
        (STANDARD + "release 1 -1\n", 4, "release of job 1 is negative"),
        (STANDARD + "deadline 1 1\n", 4, "'deadline' not understood"),
        ("2 2\n3 2\n4 3\n1 2\n0 1\n", 5, "machine 0 is not in 1..2"),
        ("2 2\n3 2\n4 3\n1 2\n1\n", 5, "has 1 numbers"),
        ("1 2\n0 2000000000 1 2000000000\n", None, "coarser unit"),
        ("2 2\n3 2\n-4 3\n1 2\n2 1\n", 3, "negative"),
    ],
)
def test_every_mistake_is_named_with_its_file_and_line(tmp_path, text, line, words):
    path = tmp_path / "shop.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_instance(path)
    message = str(caught.value)
    assert str(path) in message
    assert words in message
    assert "\n" not in message
    if line is not None:
        assert f"line {line}:" in message


def test_missing_files_folders_and_binaries_are_refused(tmp_path):
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00\x80")
    for path, words in ((tmp_path / "none.txt", "no such file"), (tmp_path, "folder"), (binary, "not a text file")):
        with pytest.raises(InputError, match=words):
            read_instance(path)


@settings(max_examples=300, deadline=None)
@given(text=st.text(alphabet="0123456789 -\n#abdeltu.", max_size=80))
def test_any_text_gives_an_instance_or_one_clear_error(text):
    try:
        instance = parse_instance(text)
    except InputError as error:
        message = str(error)
    else:
        message = ""
        assert parse_instance(format_instance(instance)) == instance
    assert "\n" not in message
