"""The command line: what it writes, prints and refuses."""

import json
import re
import sys

import pytest

from schedlab.eval.cli import main


def run(capsys, *words):
    status = main([str(word) for word in words])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_list_names_problems_instances_presets_and_agents(capsys):
    status, out, _ = run(capsys, "list")
    assert status == 0
    for word in ("job-shop", "JobShop-v0", "ta01-ta80", "random-10x10", "fdd-mwkr", "cp-sat"):
        assert word in out


def test_solve_writes_a_solution_that_check_accepts(capsys, tmp_path):
    solution, picture = tmp_path / "s.json", tmp_path / "s.png"
    status, out, _ = run(
        capsys, "solve", "job-shop", "--instance", "ft06", "--agent", "random", "--samples", 50, "--seed", 3,
        "--out", solution, "--plot", picture, "--text",
    )  # fmt: skip
    assert status == 0
    assert "ft06: random@50" in out
    assert "M0" in out
    assert picture.stat().st_size > 0
    data = json.loads(solution.read_text())
    assert (data["problem"], data["agent"], data["samples"], data["seed"]) == ("job-shop", "random@50", 50, 3)
    status, out, _ = run(capsys, "check", "job-shop", "--instance", "ft06", "--solution", solution)
    assert status == 0
    assert f"feasible, objective {data['objective']:g}" in out


def test_check_remembers_the_objective_that_a_solution_was_made_for(capsys, tmp_path):
    solution = tmp_path / "s.json"
    given = ("--objective", "total-tardiness", "--due-date-factor", "1.3")
    run(capsys, "solve", "job-shop", "--instance", "ft06", "--agent", "edd", "--out", solution, *given)
    status, out, _ = run(capsys, "check", "job-shop", "--instance", "ft06", "--solution", solution)
    assert status == 0
    assert f"{json.loads(solution.read_text())['objective']:g}" in out


def test_check_finds_a_moved_operation_and_a_false_claim(capsys, tmp_path):
    solution = tmp_path / "s.json"
    run(capsys, "solve", "job-shop", "--instance", "ft06", "--agent", "mwkr", "--out", solution)
    data = json.loads(solution.read_text())
    solution.write_text(json.dumps({**data, "objective": 1}))
    status, out, _ = run(capsys, "check", "job-shop", "--instance", "ft06", "--solution", solution)
    assert status == 1
    assert "claims 1" in out
    data["solution"]["start"][0][1] = 0
    solution.write_text(json.dumps(data))
    status, out, _ = run(capsys, "check", "job-shop", "--instance", "ft06", "--solution", solution)
    assert status == 1
    assert "infeasible" in out
    assert "job 0, operation 1 starts at 0" in out


def test_benchmark_prints_a_table_and_writes_three_files(capsys, tmp_path):
    out_folder = tmp_path / "deep" / "results"
    status, out, _ = run(
        capsys,
        "benchmark",
        "job-shop",
        "--instances",
        "ta01-ta03",
        "--agents",
        "spt,fdd-mwkr",
        "--out",
        out_folder,
        "--details",
    )
    assert status == 0
    assert "fdd-mwkr" in out
    assert "best known value" in out
    rows = json.loads((out_folder / "results.json").read_text())
    assert len(rows) == 6
    assert all(row["feasible"] for row in rows)
    summary = json.loads((out_folder / "summary.json").read_text())
    assert [agent["agent"] for agent in summary["agents"]] == ["spt", "fdd-mwkr"]
    assert summary["command"].startswith("schedlab benchmark job-shop")
    assert summary["machine"]["cores"] >= 1


def test_a_resumed_benchmark_keeps_rows_and_refuses_other_settings(capsys, tmp_path):
    base = ("benchmark", "job-shop", "--instances", "ta01", "--out", tmp_path, "--agents")
    run(capsys, *base, "spt")
    before = json.loads((tmp_path / "results.json").read_text())
    assert run(capsys, *base, "spt,mor", "--resume")[0] == 0
    after = json.loads((tmp_path / "results.json").read_text())
    assert after[0] == before[0]
    assert len(after) == 2
    status, _, err = run(capsys, *base, "spt", "--resume", "--builder", "active")
    assert status == 2
    assert "use another --out" in err


GOOD = ("--instance", "ft06", "--agent", "spt")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "VERB"),
        (("solve",), "PROBLEM"),
        (("solve", "job-shpo"), "job-shpo"),
        (("solve", "job-shop"), "--instance"),
        (("solve", "job-shop", "--instance", "none.txt", "--agent", "spt"), "none.txt: no such file"),
        (("solve", "job-shop", "--instance", "ta81", "--agent", "spt"), "unknown instance 'ta81'"),
        (("solve", "job-shop", "--instance", "ft06", "--agent", "sptt"), "unknown agent 'sptt'; did you mean spt"),
        (("solve", "job-shop", "--instance", "ft06", "--agent", "edd"), "needs due dates"),
        (("solve", "job-shop", *GOOD, "--samples", "3"), "nothing to sample"),
        (("solve", "job-shop", *GOOD, "--objective", "profit"), "invalid choice"),
        (("solve", "job-shop", *GOOD, "--objective", "total-tardiness"), "due date factor"),
        (("solve", "job-shop", *GOOD, "--due-date-factor", "x"), "--due-date-factor"),
        (("solve", "job-shop", *GOOD, "--time-limit", "0"), "time limit"),
        (("solve", "job-shop", *GOOD, "--out", "/no/such/folder/s.json"), "does not exist"),
        (("solve", "job-shop", *GOOD, "--plot", "gantt.bmp"), "pictures end in"),
        (("check", "job-shop", "--instance", "ft06", "--solution", "none.json"), "none.json: no such file"),
        (("benchmark", "job-shop", "--instances", "ta01-ta99", "--agents", "spt"), "ta81 is not a built-in"),
        (("benchmark", "job-shop", "--instances", "ta01", "--agents", "spt,spt"), "twice"),
        (("benchmark", "job-shop", "--instances", "ta01", "--agents", "spt,edd", "--out", "new"), "needs due dates"),
        (("benchmark", "job-shop", "--instances", "ta01", "--agents", "spt", "--seeds", "x"), "--seeds"),
        (("benchmark", "job-shop", "--instances", "ta01", "--agents", "spt", "--batch", "0"), "--batch"),
        (("benchmark", "job-shop", "--instances", "ta01", "--agents", "spt", "--resume"), "--resume needs --out"),
        (("benchmark", "job-shop", "--instances", "ta01", "--agents", "spt", "--plots"), "--plots needs --out"),
        (("solve", "job-shop", "--instance", "ft06", "--agent", "random", "--seed", "-1"), "--seed"),
        (("solve", "job-shop", *GOOD, "--temperature", "inf"), "temperature must be positive"),
        (("train", "job-shop", "--device", "mps"), "use auto, cpu or cuda"),
        (("train", "job-shop", "--max-duration", "3000000000", "--out", "new"), "duration"),
        (("train", "job-shop", "--release-date-factor", "nan"), "release_date_factor"),
        (("train", "job-shop", "--config", "nosuch"), "unknown training configuration"),
        (("speed", "job-shop", "--training", "nosuch"), "unknown training configuration"),
        (("train", "job-shop", "--config", "none.toml"), "none.toml: no such file"),
        (("train", "job-shop", "--minutes", "-1"), "minutes must be positive"),
        (("train", "job-shop", "--resume", "/no/such/run"), "no such folder of a run"),
        (("speed", "job-shop", "--against", "nobody"), "unknown job-shop peer"),
        (("speed", "job-shop", "--against", "jssenv", "--peers-folder", "/none"), "make peers"),
    ],
)
def test_bad_input_gives_one_line_and_status_2(capsys, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    status, out, err = run(capsys, *words)
    assert status == 2
    assert message in err
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert out == ""
    assert list(tmp_path.iterdir()) == [], "nothing half-written"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not JSON"),
        ("[]", "not a solution file"),
        ('{"solution": 3}', "one list of start times per job"),
        ('{"solution": {"start": [[1]]}}', "of lengths"),
        ('{"solution": {"start": []}, "config": 4}', '"config" must be an object'),
        ('{"solution": {"start": []}, "config": {"colour": 4}}', "unknown job-shop option"),
        ('{"solution": {"start": %s}}' % [[1.5] * 6] * 1, "of lengths"),
        (json.dumps({"solution": {"start": [["1"] * 6] * 6}}), "must be an integer"),
        (json.dumps({"solution": {"start": [[2**70] * 6] * 6}}), "must be an integer"),
    ],
)
def test_foreign_solution_files_are_refused_in_one_line(capsys, tmp_path, content, message):
    path = tmp_path / "s.json"
    path.write_text(content)
    status, _, err = run(capsys, "check", "job-shop", "--instance", "ft06", "--solution", path)
    assert status == 2
    assert message in err
    assert err.count("\n") == 1


DUE = ("--objective", "total-tardiness", "--due-date-factor", "1.3")


def test_solve_and_check_say_the_measures_after_the_objective(capsys, tmp_path):
    solution = tmp_path / "s.json"
    _, out, _ = run(capsys, "solve", "job-shop", "--instance", "ft06", "--agent", "edd", "--out", solution, *DUE)
    _, again, _ = run(capsys, "check", "job-shop", "--instance", "ft06", "--solution", solution)
    for text in (out, again):
        assert re.search(r"; tardy share \d+\.\d %, max tardiness \d+\n", text)


def test_a_benchmark_by_tardiness_shows_writes_and_compares_measures(capsys, tmp_path):
    words = ("--instances", "ft06,la01", "--agents", "spt,edd", "--against", "spt", "--out", tmp_path, *DUE)
    status, out, _ = run(capsys, "benchmark", "job-shop", *words)
    assert status == 0
    assert out.count("tardy") >= 2
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert set(summary["agents"][0]["measures"]) == {"tardy_share", "max_tardiness"}
    assert set(summary["comparisons"][0]["measures"]) == {"tardy_share", "max_tardiness"}


def test_plots_are_drawn_into_the_results_folder(capsys, tmp_path):
    words = ("--instances", "ft06,la01", "--agents", "spt,edd", "--out", tmp_path, "--plots")
    _, out, err = run(capsys, "benchmark", "job-shop", *words, "--against", "edd", *DUE)
    assert err == ""
    for name in ("objectives.png", "seconds.png", "against.png", "distribution.png"):
        assert name in out
        assert (tmp_path / name).stat().st_size > 5000
    distributions = json.loads((tmp_path / "distributions.json").read_text())
    assert [(item["instance"], item["agent"]) for item in distributions[:2]] == [("ft06", "spt"), ("la01", "spt")]
    assert all(len(item["quantiles"]) == 1001 for item in distributions)


def test_plots_of_an_objective_without_job_costs_show_no_distribution(capsys, tmp_path):
    words = ("benchmark", "job-shop", "--instances", "ft06", "--agents", "spt,mor", "--out", tmp_path, "--plots")
    for resume in ((), ("--resume",)):
        _, out, err = run(capsys, *words, *resume)
        assert (err, "objectives.png" in out) == ("", True)
    assert not (tmp_path / "distribution.png").exists()
    assert not (tmp_path / "distributions.json").exists()


def test_a_resumed_benchmark_finds_its_distributions_and_says_which_are_missing(capsys, tmp_path):
    base = ("benchmark", "job-shop", "--instances", "ft06", "--out", tmp_path, *DUE, "--agents")
    run(capsys, *base, "spt", "--plots")
    first = json.loads((tmp_path / "distributions.json").read_text())
    run(capsys, *base, "spt,mor", "--resume")
    _, _, err = run(capsys, *base, "spt,mor,edd", "--resume", "--plots")
    assert err == "schedlab: distribution.png leaves out 1 resumed row, measured without --plots\n"
    found = json.loads((tmp_path / "distributions.json").read_text())
    assert [item["agent"] for item in found] == ["spt", "edd"]
    assert found[0] == first[0]


def test_a_benchmark_started_anew_forgets_the_distributions_of_the_last_one(capsys, tmp_path):
    base = ("benchmark", "job-shop", "--instances", "ft06", "--agents", "spt", "--out", tmp_path, *DUE)
    run(capsys, *base, "--plots")
    run(capsys, *base)
    assert not (tmp_path / "distributions.json").exists()


def test_without_matplotlib_plots_are_refused_before_anything_is_measured(capsys, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    words = ("--instances", "ft06", "--agents", "spt", "--out", tmp_path / "new", "--plots")
    status, out, err = run(capsys, "benchmark", "job-shop", *words)
    assert (status, out) == (2, "")
    assert err == "schedlab: pictures need matplotlib: pip install 'schedlab[plots]'\n"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "content", ["[", "[3]", "7", '[{"instance": "ft06", "agent": "spt", "seed": 0, "quantiles": [1]}]']
)
def test_a_foreign_distributions_file_is_refused_in_one_line(capsys, tmp_path, content):
    base = ("benchmark", "job-shop", "--instances", "ft06", "--agents", "spt", "--out", tmp_path, *DUE)
    run(capsys, *base)
    (tmp_path / "distributions.json").write_text(content)
    status, _, err = run(capsys, *base, "--resume", "--plots")
    assert status == 2
    assert "not a distributions file" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("verb", ["list", "train", "solve", "check", "benchmark", "sweep", "race", "speed"])
def test_every_verb_explains_itself(capsys, verb):
    words = [verb, "--help"] if verb == "list" else [verb, "job-shop", "--help"]
    status, out, _ = run(capsys, *words)
    assert status == 0
    assert "usage: schedlab" in out
    assert "``" not in out


def test_help_of_an_option_comes_from_the_configurations_docstring(capsys):
    _, out, _ = run(capsys, "solve", "job-shop", "--help")
    text = " ".join(out.split())
    assert "What is minimised, one of" in text
    assert "--num-jobs" not in text, "sizes of random instances do not concern a given one"
    assert "--due-date-factor" in text


def test_speed_measures_the_three_ways_to_step(capsys, tmp_path):
    path = tmp_path / "speed.json"
    status, out, _ = run(
        capsys,
        "speed",
        "job-shop",
        "--seconds",
        0.05,
        "--repeats",
        1,
        "--batch",
        8,
        "--instance",
        "ft06",
        "--out",
        path,
    )
    assert status == 0
    assert "steps per second" in out
    assert len(json.loads(path.read_text())) == 3
    assert all(item["steps_per_second"] > 0 for item in json.loads(path.read_text()))


def test_a_yes_or_no_option_can_be_said_both_ways(capsys):
    _, out, _ = run(capsys, "train", "job-shop", "--help")
    assert "--look-ahead" in out
    assert "--no-look-ahead" in out
    words = ("benchmark", "job-shop", "--instances", "ft06", "--agents", "spt")
    assert run(capsys, *words, "--look-ahead")[0] == run(capsys, *words, "--no-look-ahead")[0] == 0


def test_training_speed_compares_both_algorithms(capsys, tmp_path):
    config = tmp_path / "tiny.toml"
    config.write_text(
        "instances = 2\nrepeats = 2\nminibatch_instances = 1\nenvs = 2\nsteps_per_rollout = 8\nminibatch = 8\n"
        'hidden = 16\nlayers = 1\nheads = 2\n[environment]\nnum_jobs = 3\nnum_machines = 2\nbuilder = "hybrid"\n'
    )
    path = tmp_path / "speed.json"
    status, out, _ = run(
        capsys, "speed", "job-shop", "--training", config, "--seconds", 0.1, "--repeats", 1, "--out", path
    )
    assert status == 0
    assert "simulate" in out
    assert [item["algorithm"] for item in json.loads(path.read_text())] == ["graph-ppo", "maskable-ppo"]


def test_comparing_with_an_agent_that_is_not_there_is_refused(capsys):
    words = ("benchmark", "job-shop", "--instances", "ft06", "--agents", "spt", "--against", "mwkr")
    status, _, err = run(capsys, *words)
    assert status == 2
    assert "not among --agents" in err
