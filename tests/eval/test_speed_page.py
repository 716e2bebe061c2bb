import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest

from schedlab.envs.core.problem import load_problem
from schedlab.eval.speed import PEERS, Measurement, measure_speed, speed_markdown, speed_table
from schedlab.eval.speed_page import main, read_measurements

PEER = """
import json, sys
instance, path, seconds, batch = sys.argv[1:]
jobs = int(open(path).read().split()[0])
ways = {"": {"steps_per_second": 100.0, "operations_per_second": 50.0},
        "batch " + batch: {"steps_per_second": 10.0 * jobs, "operations_per_second": 10.0 * jobs}}
print(json.dumps({"version": "1.2", "ways": ways}))
"""


@pytest.fixture
def peers_folder(tmp_path, monkeypatch):
    """A peer whose Python runs a script of ours."""
    package = tmp_path / "package" / "peers"
    package.mkdir(parents=True)
    (package / "jssenv.py").write_text(PEER)
    monkeypatch.setattr("schedlab.eval.speed.files", lambda _: package)
    python = tmp_path / "peers" / "jssenv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    return tmp_path / "peers"


def measured(peers_folder, peers="jssenv", instance="ft06"):
    return measure_speed(
        load_problem("job-shop"),
        instance=instance,
        batch=4,
        seconds=0.02,
        repeats=2,
        peers=peers,
        peers_folder=peers_folder,
    )


def test_a_peer_may_step_in_several_ways_and_gets_the_instance_as_a_file(peers_folder):
    found = {m.name: m for m in measured(peers_folder)}
    assert found["jssenv"].steps_per_second == 100
    assert found["jssenv"].operations_per_second == 50
    assert found["jssenv, batch 4"].all_repeats == (60.0, 60.0)
    assert found["jssenv"].version == "1.2"


def test_every_step_of_our_job_shop_dispatches_an_operation(peers_folder):
    ours = measured(peers_folder)[0]
    assert ours.name.startswith("schedlab JobShop")
    assert ours.operations_per_second == ours.steps_per_second


def test_problems_without_peers_count_no_operations(tmp_path):
    found = measure_speed(
        load_problem("single-machine"),
        instance=None,
        batch=4,
        seconds=0.02,
        repeats=1,
        peers=None,
        peers_folder=tmp_path,
    )
    assert [m.operations_per_second for m in found] == [None] * 3
    assert "operations/s" not in speed_markdown(found)


def test_every_peer_has_a_script():
    from importlib.resources import files

    names = {path.name for path in files("schedlab.eval.peers").iterdir()}
    assert {f"{peer.replace('-', '_')}.py" for peer in PEERS["job-shop"]} <= names


def test_ratios_are_of_operations_to_our_single_environment():
    found = [
        Measurement("schedlab, gym.make", "0.1", 1000.0, (900.0, 1000.0), 1000.0),
        Measurement("schedlab, gym.make_vec", "0.1", 234567.0, (234567.0,), 234567.0),
        Measurement("jumanji", "1.1", 500.0, (500.0,), 50.0),
    ]
    assert "| jumanji | 1.1 | 500 | 500 | 500 | 50 | 20 | 4,690 |" in speed_markdown(found)
    assert speed_table(found).row_count == 3


def test_a_page_is_filled_from_one_run(tmp_path):
    file, page = tmp_path / "peers.json", tmp_path / "peers.md"
    item = {"name": "schedlab", "version": "0.1", "steps_per_second": 10.0, "all_repeats": [10.0], "processor": "Xeon"}
    file.write_text(json.dumps([{**item, "operations_per_second": None}]))
    page.write_text("<!-- speed -->\n<!-- /speed -->\n")
    assert main([str(file), str(page)]) == 0
    assert "| schedlab | 0.1 | 10 | 10 | 10 |" in page.read_text()
    assert "One core of Xeon." in page.read_text()
    assert read_measurements(file)[0].all_repeats == (10.0,)


@pytest.mark.parametrize("content", ["[]", "{}", '[{"name": "a"}]', '[{"name": 1}]', "nonsense"])
def test_a_file_that_is_none_of_ours_is_refused_in_one_line(tmp_path, capsys, content):
    file, page = tmp_path / "peers.json", tmp_path / "peers.md"
    file.write_text(content)
    page.write_text("<!-- speed -->\n<!-- /speed -->\n")
    assert main([str(file), str(page)]) == 2
    error = capsys.readouterr().err
    assert "peers.json" in error
    assert error.count("\n") == 1


def test_published_pages_say_what_the_published_numbers_say(tmp_path):
    docs = Path(__file__).parents[2] / "docs"
    for name in ("peers.md", "where-learning-pays.md"):
        (tmp_path / name).write_text((docs / name).read_text())
    assert main([str(docs / "peers.json"), str(tmp_path / "peers.md")]) == 0
    spec = importlib.util.spec_from_file_location("pays_summary", docs / "pays" / "summary.py")
    summary = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(summary)
    assert summary.main(tmp_path / "where-learning-pays.md") == 0
    for name in ("peers.md", "where-learning-pays.md"):
        assert (tmp_path / name).read_text() == (docs / name).read_text()


def test_pictures_of_the_page_are_there_and_small():
    docs = Path(__file__).parents[2] / "docs"
    names = re.findall(r"\]\((pays/[a-z-]+\.png)\)", (docs / "where-learning-pays.md").read_text())
    assert len(names) >= 8
    assert all(1_000 < (docs / name).stat().st_size <= 80_000 for name in names)
