import json
from dataclasses import replace

import pytest

from schedlab.envs.core.errors import InputError
from schedlab.eval.folders import BENCHMARK, RACE
from schedlab.eval.html.about import about_from
from schedlab.eval.html.collect import collect
from schedlab.eval.html.provenance import provenance, seed_ranges
from schedlab.eval.journal import FORMAT, HEADER_KEY, to_line

from .folders import rows_of, shop_view, write_folder, write_race_folder


def test_a_folder_of_folders_gives_a_section_for_each_by_problem(tmp_path):
    write_folder(tmp_path / "b", rows_of(problem="uam"))
    write_folder(tmp_path / "deep" / "a", rows_of())
    write_race_folder(tmp_path / "race")
    sections = collect([tmp_path])
    assert [(s.problem, s.kind) for s in sections] == [
        ("job-shop", "benchmark"),
        ("job-shop-improvement", "race"),
        ("uam", "benchmark"),
    ]
    assert not sections[2].minimise


def test_a_folder_named_twice_is_one_section(tmp_path):
    folder = write_folder(tmp_path / "a", rows_of())
    assert len(collect([folder, folder, tmp_path])) == 1


def test_folders_without_results_are_named_in_one_line(tmp_path):
    write_folder(tmp_path / "good", rows_of())
    for name in ("empty", "nothing"):
        (tmp_path / name).mkdir()
    with pytest.raises(InputError) as error:
        collect([tmp_path / "good", tmp_path / "empty", tmp_path / "nothing", tmp_path / "missing"])
    assert "good" not in str(error.value)
    for name in ("empty", "nothing", "missing"):
        assert name in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("results.json", "[{}]"),
        ("results.json", "[]"),
        ("results.json", "nonsense"),
        ("summary.json", "[1, 2]"),
        ("summary.json", "{"),
        ("distributions.json", '[{"instance": "ta01"}]'),
        ("views.json", '{"format": 1, "views": [{"instance": "ta01"}]}'),
        ("views.json", '{"format": 2, "views": []}'),
        ("race.json", '{"runs": 3}'),
        ("race.json", '{"runs": []}'),
    ],
)
def test_a_damaged_file_is_named_in_one_line(tmp_path, name, text):
    folder = write_folder(tmp_path / "a", rows_of())
    (folder / name).write_text(text)
    with pytest.raises(InputError) as error:
        collect([folder])
    assert name in str(error.value)
    assert "\n" not in str(error.value)


def test_rows_of_two_problems_in_one_folder_are_refused(tmp_path):
    folder = write_folder(tmp_path / "a", [*rows_of(), *rows_of(instances=("x",), problem="soc")])
    with pytest.raises(InputError, match="several problems"):
        collect([folder])


def test_a_folder_without_a_summary_is_shown_without_provenance(tmp_path):
    folder = write_folder(tmp_path / "a", rows_of())
    (folder / "summary.json").unlink()
    (section,) = collect([folder])
    assert section.about.command == ""
    assert dict(provenance(section))["checker"] == "every solution checked"


def test_what_a_summary_says_in_other_types_is_left_out():
    about = about_from(
        {"command": 3, "config": ["x"], "time_limit": "long", "workers": True, "machine": None, "at": [1, "x", None]}
    )
    assert about == about_from({"at": [1.0]})


def test_a_summary_with_deep_or_huge_values_does_no_harm(tmp_path):
    deep: list = []
    for _ in range(300):
        deep = [deep]
    about = about_from({"config": {"deep": deep, "huge": 10**4000, "long": "x" * 10**6}, "versions": {"a" * 999: "b"}})
    assert all(len(name) <= 200 and len(value) <= 200 for name, value in (*about.config, *about.versions))


def test_a_race_without_its_references_uses_the_best_found(tmp_path):
    folder = write_race_folder(tmp_path / "race")
    data = json.loads((folder / "race.json").read_text())
    data["measured_by"] = {"references": {"ta01": "cheap"}, "kinds": [], "gaps": "yes"}
    (folder / "race.json").write_text(json.dumps(data))
    (section,) = collect([folder])
    assert section.race.measured_by.references == {"ta01": 1100.0, "ta02": 1100.0}
    assert section.race.measured_by.gaps


def test_views_come_with_their_rows(tmp_path):
    folder = write_folder(tmp_path / "a", rows_of(), views=[("ta01", "spt", shop_view())])
    (section,) = collect([folder])
    assert section.views[0].view == shop_view()


def test_seeds_are_written_as_ranges():
    assert seed_ranges([3, 1, 2, 2, 7, 9, 10]) == "1-3, 7, 9-10"


def test_a_folder_with_too_many_agents_is_refused(tmp_path):
    folder = write_folder(tmp_path / "a", rows_of([f"agent{place}" for place in range(201)], ("ta01",)))
    with pytest.raises(InputError, match="201 agents"):
        collect([folder])


def test_a_journal_that_was_left_is_noticed_where_it_holds_more_than_its_header(tmp_path):
    folder = write_folder(tmp_path / "a", rows_of())
    journal, header = folder / BENCHMARK.journal, to_line({HEADER_KEY: FORMAT})
    for content, unfinished in (
        (b"", False),
        (header, False),
        (header + to_line({"row": 1}), True),
        (header + to_line({"row": 1})[:-4], True),
        (header + to_line({"row": "x" * 2**20}), True),
        (b"x\n", True),
    ):
        journal.write_bytes(content)
        assert collect([folder])[0].unfinished is unfinished, content[:80]


def test_a_benchmark_and_a_race_in_one_folder_have_their_own_journals(tmp_path):
    folder = write_race_folder(write_folder(tmp_path / "a", rows_of()))
    for name, unfinished in ((BENCHMARK.journal, [True, False]), (RACE.journal, [False, True])):
        (folder / name).write_bytes(to_line({"row": 1}))
        assert [section.unfinished for section in collect([folder])] == unfinished
        (folder / name).unlink()


def test_a_race_of_thousands_of_instances_is_read_and_one_of_more_is_refused(tmp_path):
    folder = write_race_folder(tmp_path / "few", ("tabu",), [f"i{number}" for number in range(5000)])
    data = json.loads((folder / "race.json").read_text())
    (folder / "race.json").write_text(json.dumps({**data, "measured_by": {}}))
    (section,) = collect([folder])
    assert set(section.race.measured_by.references.values()) == {1100.0}
    folder = write_race_folder(tmp_path / "many", ("tabu",), [f"i{number}" for number in range(5001)])
    with pytest.raises(InputError, match="5001 instances"):
        collect([folder])


@pytest.mark.parametrize(
    ("agents", "values", "measures", "told"),
    [(1, 201, 0, "201 values"), (200, 51, 0, "10200 cells"), (2, 100, 50, "10200 cells"), (2, 100, 49, "")],
)
def test_a_sweep_whose_tables_nobody_could_read_is_refused(tmp_path, agents, values, measures, told):
    rows = rows_of(
        [f"agent{number}" for number in range(agents)],
        [f"jobs={value}/0" for value in range(values)],
        measures=[f"m{number}" for number in range(measures)],
    )
    folder = write_folder(tmp_path / "a", rows, {"option": "jobs"})
    if not told:
        assert collect([folder])[0].kind == "sweep"
        return
    with pytest.raises(InputError, match=told):
        collect([folder])


@pytest.mark.parametrize("race", [False, True])
def test_an_agent_that_is_called_like_a_line_of_the_page_is_refused(tmp_path, race):
    write = write_race_folder if race else lambda folder, agents: write_folder(folder, rows_of(agents))
    folder = write(tmp_path / "a", ("spt", "best rule in hindsight"))
    with pytest.raises(InputError, match="an agent is called 'best rule in hindsight'"):
        collect([folder])


def test_links_to_folders_are_not_followed(tmp_path):
    write_folder(tmp_path / "elsewhere" / "a", rows_of())
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="no results"):
        collect([tmp_path / "here"])


def test_numbers_of_which_sums_are_none_are_refused(tmp_path):
    rows = rows_of()
    folder = write_folder(tmp_path / "a", [*rows[1:], replace(rows[0], objective=1e300)])
    with pytest.raises(InputError, match="beyond 1e"):
        collect([folder])
