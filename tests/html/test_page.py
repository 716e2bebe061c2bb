"""The page without a browser: what is escaped, what may run, what is in it."""

import base64
import gzip
import hashlib
import json
import re

import pytest

from schedlab.envs.core.view import GanttView, HostsView, MapView
from schedlab.eval.cli import main
from schedlab.eval.html import page as page_module
from schedlab.eval.html.collect import Section, collect
from schedlab.eval.html.page import render_page
from schedlab.eval.views import KeptView

from .folders import hosts_view, map_view, rows_of, shop_view, write_folder, write_race_folder

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{7*7}}"


def render(*folders, **more):
    options = {"title": "T", "folders": [str(f) for f in folders], "made": "now", "version": "0", **more}
    return render_page(collect(folders), **options)


def data_of(page):
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, flags=re.DOTALL)
    return json.loads(text)


def packed_of(page):
    found = re.findall(r"<script [^>]*data-instance[^>]*>(.*?)</script>", page, flags=re.DOTALL)
    return [json.loads(gzip.decompress(base64.b64decode(text))) for text in found]


def test_only_our_own_script_and_style_may_run(tmp_path):
    page = render(write_folder(tmp_path / "a", rows_of()))
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        # those without a type run
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_the_page_refers_to_nothing_outside(tmp_path):
    page = render(write_folder(tmp_path / "a", rows_of()))
    # the name of the SVG language is no address that anybody asks
    found = set(re.findall(r"(?:https?:)?//[a-z0-9.]+\.[a-z]{2,}[^\s\"']*", page))
    assert found <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<(?:link|iframe|object|embed|form|base)\b|\bsrc=|@import|url\(", page)


def test_scripts_make_no_html_of_strings():
    for name in page_module.SCRIPTS:
        text = page_module._read("js", f"{name}.js")
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|Function\(|javascript:", text
        )


def test_hostile_names_are_text_everywhere(tmp_path):
    about = {
        "command": HOSTILE,
        "config": {HOSTILE: HOSTILE},
        "machine": {HOSTILE: HOSTILE},
        "versions": {HOSTILE: HOSTILE},
        "finished": HOSTILE,
    }
    names = (HOSTILE, "spt")
    rows = rows_of(names, (HOSTILE, "x"), problem="<b>bold", measures=("<i>measure",))
    folder = write_folder(tmp_path / "<u>folder", rows, about, [(HOSTILE, HOSTILE, shop_view(group="<s>"))])
    page = render(folder, title=HOSTILE, against=HOSTILE)
    assert len(re.findall(r"<script\b", page)) == 3  # the data, the schedules, ours
    for tag in ("<b>bold", "<u>folder", "<i>measure", "<s>", "<img"):
        assert tag not in page
    assert "{{7*7}}" in page.replace("&#34;", '"')
    section = data_of(page)[0]
    assert HOSTILE in section["agents"]
    assert HOSTILE in section["instances"]


def test_the_table_holds_every_run(tmp_path):
    rows = rows_of(seeds=(0, 1), measures=("tardy_share",))
    (section,) = data_of(render(write_folder(tmp_path / "a", rows)))
    table = section["table"]
    found = {
        (section["instances"][i], section["agents"][a], seed): (objective, gap)
        for i, a, seed, objective, gap in zip(
            *(table[name] for name in ("instance", "agent", "seed", "objective", "gap")), strict=True
        )
    }
    assert found == {row.key: (row.objective, pytest.approx(row.gap, rel=1e-5)) for row in rows}
    assert table["measures"][0]["share"]


def test_the_best_rule_is_the_reference_unless_another_is_named(tmp_path):
    folder = write_folder(tmp_path / "a", rows_of())
    assert "difference from spt" in render(folder)
    assert "difference from ppo" in render(folder, against="ppo")


def test_larger_is_better_where_the_problem_says_so(tmp_path):
    (section,) = data_of(render(write_folder(tmp_path / "a", rows_of(("greedy-hour", "ppo"), problem="uam"))))
    assert section["agents"] == ["greedy-hour", "ppo"]  # both have gaps here, and those are smaller where better
    assert data_of(render(tmp_path / "a"))[0]["charts"][0]["choices"][0]["front"]["y"]


def test_all_kinds_of_folders_come_with_their_charts(tmp_path):
    write_folder(tmp_path / "plain", rows_of())
    instances = [f"load={value}/{seed}" for value in ("0.5", "0.9") for seed in range(3)]
    write_folder(tmp_path / "sweep", rows_of(instances=instances), {"option": "load", "values": ["0.5", "0.9"]})
    write_race_folder(tmp_path / "race")
    titles = [[chart["title"] for chart in section["charts"]] for section in data_of(render(tmp_path))]
    assert titles == [
        ["Quality against time", "Spread over instances", "Performance profiles"],
        ["Against the load", "Quality against time", "Spread over instances", "Performance profiles"],
        ["Best so far against time"],
    ]


def test_a_folder_without_any_solution_gives_a_page(tmp_path):
    from dataclasses import replace

    rows = [replace(row, objective=None, gap=None, feasible=False, error="none found") for row in rows_of()]
    page = render(write_folder(tmp_path / "a", rows))
    assert "6 of 6 runs have no feasible solution" in page


def test_unknown_problems_and_agents_give_a_page(tmp_path):
    page = render(write_folder(tmp_path / "a", rows_of(("mine", "yours"), problem="my-problem")))
    assert page.count(">unknown<") == 2


def unpacked(item, columns):
    """What ``js/unpack.js`` does, written again."""
    if isinstance(item, list):
        return [unpacked(part, columns) for part in item]
    if not isinstance(item, dict):
        return item
    if "$" in item:
        return columns[item["$"]]
    return {name: unpacked(part, columns) for name, part in item.items()}


def bars_of(data):
    bars = dict(data["bars"])
    if "wait" in bars:
        start, end, before = [], [], 0
        for wait, duration in zip(bars.pop("wait"), bars.pop("duration"), strict=True):
            start.append(before + wait)
            end.append(before := start[-1] + duration)
        bars |= {"start": start, "end": end}
    return sorted(zip(*(bars[name] for name in ("row", "start", "end", "group", "style", "text")), strict=True))


def test_packed_schedules_are_the_ones_that_were_kept(tmp_path):
    views = [("ta01", agent, shop_view(20, 5, seed)) for seed, agent in enumerate(("spt", "mwkr", "ppo"))]
    folder = write_folder(
        tmp_path / "a", rows_of(), views=[*views, ("ta02", "spt", hosts_view()), ("ta02", "ppo", map_view())]
    )
    first, second = packed_of(render(folder))
    for item, (_, _, view) in zip(first["views"], views, strict=True):
        found = unpacked(item["view"], first["columns"])
        assert bars_of(found) == sorted(tuple(bar) for bar in view.bars)
        assert (found["rows"], found["groups"], found["end"]) == (list(view.rows), list(view.groups), view.end)
    kinds = [unpacked(item["view"], second["columns"])["kind"] for item in second["views"]]
    assert kinds == [HostsView.kind, MapView.kind]


def test_schedules_with_fractions_keep_starts_and_ends(tmp_path):
    from schedlab.envs.core.view import Bar

    view = GanttView.of(["m"], ["j"], ["work"], [Bar(0, 0.1, 0.3, 0, 0, "a"), Bar(0, 0.7, 2.25, 0, 0, "b")], [], 2.25)
    ((packed,),) = [packed_of(render(write_folder(tmp_path / "a", rows_of(), views=[("ta01", "spt", view)])))]
    assert bars_of(unpacked(packed["views"][0]["view"], packed["columns"])) == sorted(tuple(bar) for bar in view.bars)


def test_schedules_of_rows_that_are_not_there_are_left_out(tmp_path):
    views = [("ta01", "spt", shop_view()), ("ta99", "spt", shop_view()), ("ta01", "stranger", shop_view())]
    page = render(write_folder(tmp_path / "a", rows_of(), views=views))
    assert [len(item["views"]) for item in packed_of(page)] == [1]


def test_eighty_instances_of_ten_agents_with_schedules_stay_below_three_megabytes(tmp_path):
    agents = ["spt", "mwkr", "fdd-mwkr", "lpt", "edd", "random", "ppo", "ppo@16", "cp-sat", "tabu"]
    instances = [f"ta{i:02d}" for i in range(1, 81)]
    # 15 x 15, as the first of Taillard's, and eight times as much of a few: all of them on real sizes is 1.5 MB
    kept = [
        KeptView(name, agent, 0, 1000.0, shop_view(*((100, 18) if i % 40 == 0 else (15, 15)), seed=a, durations=i))
        for i, name in enumerate(instances)
        for a, agent in enumerate(agents)
    ]
    section = Section("benchmark", tmp_path, "job-shop", True, tuple(rows_of(agents, instances)), views=tuple(kept))
    page = render_page([section], title="T", folders=["x"], made="now", version="0")
    assert sum(len(item["views"]) for item in packed_of(page)) == 800
    assert len(page.encode()) < 3_000_000


def test_a_page_with_no_room_says_what_it_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(page_module, "MAX_PAGE_BYTES", 0)
    monkeypatch.setattr(page_module, "LEAST_FOR_VIEWS", 10)
    page = render(write_folder(tmp_path / "a", rows_of(), views=[("ta01", "spt", shop_view())]))
    assert not packed_of(page)
    assert "The run kept 1 more" in page


def test_the_verb_writes_the_page_and_says_so(tmp_path, capsys):
    write_folder(tmp_path / "a", rows_of())
    assert main(["report", str(tmp_path), "--out", str(tmp_path / "report.html"), "--title", "Mine"]) == 0
    assert "1 section" in capsys.readouterr().out
    assert "<title>Mine</title>" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--out", "report.txt"], "ends in .html"),
        (["--out", "missing/report.html"], "does not exist"),
        (["--out", "report.html", "--against", "sptt"], "did you mean spt"),
        (["nothing-here", "--out", "report.html"], "nothing-here: no results.json"),
    ],
)
def test_bad_words_give_one_line(tmp_path, capsys, monkeypatch, words, said):
    write_folder(tmp_path / "a", rows_of())
    monkeypatch.chdir(tmp_path)
    assert main(["report", "a", *words]) == 2
    message = capsys.readouterr().err
    assert said in message
    assert len(message.splitlines()) == 1


def test_numbers_of_a_large_section_are_packed(tmp_path, monkeypatch):
    folder = write_folder(tmp_path / "a", rows_of())
    (plain,) = data_of(render(folder))
    monkeypatch.setattr(page_module, "LARGE_SECTION", 0)
    page = render(folder)
    assert data_of(page) == [{"id": "s0"}]
    (text,) = re.findall(r"<script [^>]*data-section>(.*?)</script>", page)
    assert json.loads(gzip.decompress(base64.b64decode(text))) == plain
