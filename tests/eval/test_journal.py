"""The journal of a run, and the folder that holds it."""

import errno
import json
import os

import pytest

from schedlab.envs.core import InputError
from schedlab.eval.cli import main
from schedlab.eval.folders import BENCHMARK, RACE, ResultsFolder
from schedlab.eval.journal import JOURNAL_FILE, MAX_JOURNAL_BYTES, Journal, parse_journal, to_line
from schedlab.eval.race_results import RaceRow, race_row_to_json, write_race
from schedlab.eval.results import read_results, row_to_json, write_results

from .rows import row

HEADER = {"journal": 1, "problem": "job-shop", "settings": {"config": {}, "time_limit": 1.0}}
ABOUT = {"config": {}, "time_limit": 1.0, "workers": 2}
A, B = row("a", "x"), row("b", "x", 12.0)


def lines(*records):
    return b"".join(map(to_line, records))


def kept(*rows):
    return lines(HEADER, *({"row": row_to_json(item)} for item in rows))


def open_folder(path, about=ABOUT, resume=True, contents=BENCHMARK, problem="job-shop"):
    with ResultsFolder(path, contents, problem, about, resume) as folder:
        return folder.rows


def write(*rows):
    return lambda path: write_results(path, rows, ABOUT)


def test_a_line_is_json_and_comes_back():
    records = [{"text": 'a "quoted"\nline', "number": 0.1}, [1, None, True]]
    data = lines(HEADER, *records)
    assert [json.loads(line)[1] for line in data.splitlines()] == [HEADER, *records]
    content = parse_journal(data)
    assert (content.header, list(content.records), content.size) == (HEADER, records, len(data))
    assert (content.torn, content.damaged) == (False, 0)


def test_wherever_the_last_line_is_torn_the_others_are_read():
    whole, last = lines(HEADER, {"a": 1}), lines({"b": 2})
    for end in range(1, len(last)):
        content = parse_journal(whole + last[:end])
        assert (content.records, content.size, content.torn) == (({"a": 1},), len(whole), True)


def test_a_changed_byte_anywhere_costs_its_line_only():
    data = lines(HEADER, {"a": 1}, {"b": 2})
    begin = len(lines(HEADER))
    for place in range(begin, begin + len(lines({"a": 1})) - 1):
        changed = bytearray(data)
        changed[place] ^= 1
        assert {"a": 1} not in (found := parse_journal(bytes(changed))).records
        assert {"b": 2} in found.records


@pytest.mark.parametrize("data", [b"", b"\n", b"[]\n", b"\xff\xfe\n\x00", b'["00000000",]\n', b"[" * 100_000 + b"\n"])
def test_rubbish_gives_no_records(data):
    assert parse_journal(data).records == ()


def test_a_journal_that_cannot_be_written_whole_is_left_as_it_was(tmp_path, monkeypatch):
    journal = Journal(tmp_path / JOURNAL_FILE)
    journal.begin(HEADER)
    journal.append([{"a": 1}])
    real = os.write

    def half(handle, data):
        if len(data) < 10:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(handle, data[: len(data) // 2])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(OSError, match="No space"):
        journal.append([{"b": 2}])
    monkeypatch.undo()
    journal.append([{"c": 3}])
    assert journal.read().records == ({"a": 1}, {"c": 3})
    journal.close()
    assert (tmp_path / JOURNAL_FILE).read_bytes() == lines(HEADER, {"a": 1}, {"c": 3})


def test_two_runs_cannot_write_to_one_folder(tmp_path):
    with (
        ResultsFolder(tmp_path, BENCHMARK, "job-shop", ABOUT, False),
        pytest.raises(InputError, match="another run is writing to this folder"),
    ):
        open_folder(tmp_path)
    assert open_folder(tmp_path) == []


def test_rows_are_those_of_the_files_and_of_the_journal(tmp_path):
    write_results(tmp_path, [A], ABOUT)
    (tmp_path / JOURNAL_FILE).write_bytes(kept(B))
    assert open_folder(tmp_path) == [A, B]


def test_a_journal_alone_is_enough_to_go_on(tmp_path):
    (tmp_path / JOURNAL_FILE).write_bytes(kept(A, B))
    assert open_folder(tmp_path) == [A, B]


def test_a_torn_end_is_dropped_with_a_note_and_cut_off(capsys, tmp_path):
    whole = kept(A)
    (tmp_path / JOURNAL_FILE).write_bytes(whole + kept(B)[-30:-3])
    assert open_folder(tmp_path) == [A]
    note = "1 line is torn and left out; what was there is measured again"
    assert capsys.readouterr().err == f"schedlab: {tmp_path / JOURNAL_FILE}: {note}\n"
    assert (tmp_path / JOURNAL_FILE).read_bytes() == whole


def test_a_journal_without_a_header_gets_one_and_its_torn_end_is_cut_off(tmp_path):
    write_results(tmp_path, [A], ABOUT)
    header, record = lines(HEADER), lines({"row": row_to_json(B)})
    third = row("c", "x")
    for start in (record, b"x" + header + record):  # none, or a damaged one
        (tmp_path / JOURNAL_FILE).write_bytes(start + kept(A)[-30:-3])
        with ResultsFolder(tmp_path, BENCHMARK, "job-shop", ABOUT, True) as folder:
            folder.keep([{"row": row_to_json(third)}])
        content = parse_journal((tmp_path / JOURNAL_FILE).read_bytes())
        assert (content.header["problem"], content.torn) == ("job-shop", False)
        assert open_folder(tmp_path) == [A, B, third]


def test_a_header_that_a_full_disk_did_not_take_is_written_with_the_next_record(tmp_path, monkeypatch):
    with ResultsFolder(tmp_path, BENCHMARK, "job-shop", ABOUT, False) as folder:
        folder.keep([{"row": row_to_json(A)}])
    with ResultsFolder(tmp_path, BENCHMARK, "job-shop", ABOUT, True) as folder:

        def full(handle, data):
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", full)
            folder.save(lambda path: None)
        assert (tmp_path / JOURNAL_FILE).read_bytes() == b""
        folder.keep([{"row": row_to_json(B)}])
    assert open_folder(tmp_path) == [B]


def test_a_journal_that_is_deleted_between_opening_and_locking_is_opened_again(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    path, real, finishing = tmp_path / JOURNAL_FILE, fcntl.flock, [1, 1]

    def flock(*arguments):
        if finishing:
            finishing.pop()
            path.unlink()
        return real(*arguments)

    monkeypatch.setattr(fcntl, "flock", flock)
    with ResultsFolder(tmp_path, BENCHMARK, "job-shop", ABOUT, False) as folder:
        folder.keep([{"row": row_to_json(A)}])
        assert path.exists()
        with pytest.raises(InputError, match="another run is writing to this folder"):
            open_folder(tmp_path)
    assert open_folder(tmp_path) == [A]


def test_the_journal_is_kept_where_the_last_writing_of_the_files_failed(capsys, tmp_path):
    def fails(path):
        raise OSError(errno.ENOSPC, "No space left on device")

    with ResultsFolder(tmp_path, BENCHMARK, "job-shop", ABOUT, False) as folder:
        folder.keep([{"row": row_to_json(A)}])
        folder.save(fails)
        folder.finish()
    note = f"schedlab: {tmp_path / JOURNAL_FILE}: is kept, as the files may lack what it holds; run again with --resume"
    assert capsys.readouterr().err.splitlines()[-1] == note
    assert open_folder(tmp_path) == [A]


AGENT_OPTIONS = {"workers": 2, "temperature": 1.0, "quantile": 0.0, "device": "cpu", "batch": 1}


@pytest.mark.parametrize("key", AGENT_OPTIONS)
@pytest.mark.parametrize("contents", [BENCHMARK, RACE])
def test_a_run_is_not_resumed_with_other_options_of_agents(tmp_path, key, contents):
    about = ABOUT | AGENT_OPTIONS
    open_folder(tmp_path, about, False, contents)
    assert open_folder(tmp_path, about, True, contents) == []
    if contents is RACE and key == "batch":
        return  # there a policy plays alone
    with pytest.raises(InputError, match=f"with {key} {about[key]}, not 7; say --{key} {about[key]} or use another"):
        open_folder(tmp_path, about | {key: 7}, True, contents)


def test_an_option_that_an_earlier_version_did_not_write_is_not_compared(tmp_path):
    write_results(tmp_path, [A], {"config": {}, "time_limit": 1.0, "workers": 2})
    (tmp_path / JOURNAL_FILE).write_bytes(kept(B))
    assert open_folder(tmp_path, ABOUT | AGENT_OPTIONS) == [A, B]
    with pytest.raises(InputError, match="was run with workers 2, not 1"):
        open_folder(tmp_path, ABOUT | AGENT_OPTIONS | {"workers": 1})


def test_after_the_files_are_written_the_journal_is_short_and_after_the_run_it_is_gone(tmp_path):
    with ResultsFolder(tmp_path, BENCHMARK, "job-shop", ABOUT, False) as folder:
        folder.keep([{"row": row_to_json(A)}])
        assert parse_journal((tmp_path / JOURNAL_FILE).read_bytes()).records == ({"row": row_to_json(A)},)
        folder.save(write(A))
        assert parse_journal((tmp_path / JOURNAL_FILE).read_bytes()).records == ()
        folder.keep([{"row": row_to_json(B)}])
    assert open_folder(tmp_path) == [A, B]
    with ResultsFolder(tmp_path, BENCHMARK, "job-shop", ABOUT, True) as folder:
        folder.save(write(A, B))
        folder.finish()
    assert not (tmp_path / JOURNAL_FILE).exists()
    assert read_results(tmp_path) == [A, B]


def test_a_run_begun_anew_forgets_both(tmp_path):
    write_results(tmp_path, [A], ABOUT)
    (tmp_path / JOURNAL_FILE).write_bytes(kept(B))
    assert open_folder(tmp_path, resume=False) == open_folder(tmp_path) == []
    assert [path.name for path in tmp_path.iterdir()] == [JOURNAL_FILE]


def test_a_race_has_a_journal_of_its_own(tmp_path):
    first = RaceRow("job-shop", "x", "a", 0, 1.0, 7.0, ((0.5, 7.0),))
    second = RaceRow("job-shop", "x", "b", 0, 1.0, None, (), "infeasible")
    write_race(tmp_path, [first], ABOUT)
    (tmp_path / JOURNAL_FILE).write_bytes(kept(A))
    with ResultsFolder(tmp_path, RACE, "job-shop", ABOUT, True) as folder:
        folder.keep([{"row": race_row_to_json(second)}])
    assert open_folder(tmp_path, contents=RACE) == [first, second]
    assert open_folder(tmp_path) == [A]


def test_an_error_in_the_journal_does_not_replace_a_result(tmp_path):
    failed = row("a", "x", None, None, feasible=False)
    failed = type(failed)(**{**vars(failed), "error": "lost"})
    write_results(tmp_path, [A], ABOUT)
    (tmp_path / JOURNAL_FILE).write_bytes(kept(failed))
    assert open_folder(tmp_path) == [A]
    write_results(tmp_path, [failed], ABOUT)
    (tmp_path / JOURNAL_FILE).write_bytes(kept(A))
    assert open_folder(tmp_path) == [A]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({**HEADER, "journal": 2}, "not a journal that this version of schedlab can continue"),
        ({**HEADER, "settings": []}, "not a journal that this version of schedlab can continue"),
        ({**HEADER, "problem": "vm"}, "is of 'vm', not of job-shop"),
        ({**HEADER, "settings": {"config": {}, "time_limit": 3.0}}, "was run with time_limit 3.0, not 1.0"),
    ],
)
def test_a_journal_of_another_run_is_refused_and_left_alone(tmp_path, header, message):
    data = lines(header, {"row": row_to_json(A)})
    (tmp_path / JOURNAL_FILE).write_bytes(data)
    with pytest.raises(InputError, match=message):
        open_folder(tmp_path)
    assert (tmp_path / JOURNAL_FILE).read_bytes() == data


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (7, "record 1 must be an object"),
        ({}, "record 1 has no row"),
        ({"row": {}}, "record 1 has no problem"),
        ({"row": row_to_json(A), "colour": 3}, "record 1 has the unknown field 'colour'"),
        ({"row": {**row_to_json(A), "seconds": "1"}}, "record 1: seconds must be a finite number"),
        ({"row": row_to_json(A), "quantiles": [1]}, "record 1: quantiles must be a list of 1001"),
        ({"row": row_to_json(A), "view": {"instance": "x"}}, "record 1"),
    ],
)
def test_a_strangers_record_is_refused_in_one_line(tmp_path, record, message):
    (tmp_path / JOURNAL_FILE).write_bytes(lines(HEADER, record))
    with pytest.raises(InputError, match=message) as refused:
        open_folder(tmp_path)
    assert "\n" not in str(refused.value)


def test_results_of_another_problem_or_without_a_summary_are_refused(tmp_path):
    write_results(tmp_path, [A], ABOUT)
    with pytest.raises(InputError, match="holds results of job-shop, not of vm"):
        open_folder(tmp_path, problem="vm")
    (tmp_path / "summary.json").unlink()
    with pytest.raises(InputError, match="does not say how it was run"):
        open_folder(tmp_path)
    assert not (tmp_path / JOURNAL_FILE).exists(), "a run that is refused leaves nothing behind"


def test_a_journal_is_a_plain_file_of_bearable_size(tmp_path):
    target = tmp_path / "precious"
    target.write_text("data")
    (tmp_path / JOURNAL_FILE).symlink_to(target)
    with pytest.raises(InputError, match="cannot be written"):
        open_folder(tmp_path, resume=False)
    assert target.read_text() == "data"
    (tmp_path / JOURNAL_FILE).unlink()
    os.mkfifo(tmp_path / JOURNAL_FILE)
    with pytest.raises(InputError, match="not a plain file"):
        open_folder(tmp_path)
    (tmp_path / JOURNAL_FILE).unlink()
    with open(tmp_path / JOURNAL_FILE, "wb") as file:
        file.truncate(MAX_JOURNAL_BYTES + 1)  # a hole, which takes no room
    with pytest.raises(InputError, match="larger than 512 MiB"):
        open_folder(tmp_path)


def test_a_finished_benchmark_leaves_no_journal_and_one_that_is_cut_short_an_empty_one(tmp_path, monkeypatch):
    words = ["benchmark", "job-shop", "--instances", "ft06,la01", "--agents", "spt", "--out", str(tmp_path)]
    assert main(words) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "results.csv", "results.json", "summary.json", "views.json"
    ]  # fmt: skip
    monkeypatch.setattr("schedlab.eval.measuring.decide", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    assert main([*words, "--resume"]) == 0, "nothing is left to measure"
    assert main(words) == 130
    assert parse_journal((tmp_path / JOURNAL_FILE).read_bytes()).header["problem"] == "job-shop"
    monkeypatch.undo()
    assert main([*words, "--resume"]) == 0
    assert len(read_results(tmp_path)) == 2
