"""The built-in platforms and applications against the published tables."""

import json

import pytest

from schedlab.envs.soc.catalog import applications, find_platform, home_of


def plain(name):
    return name.lower().replace("_", "-")


def reference_platform(shared_data, name):
    data = json.loads((shared_data / "soc" / f"{name}.json").read_text())
    clusters = [cluster for cluster in data["clusters"] if cluster["exec_time_us"]]
    return data, clusters


@pytest.mark.parametrize(
    ("ours", "file"),
    [("ds3", "soc_ds3_multiple_bal"), ("ds3-cores", "soc_ds3_bal_only"), ("three-pe", "soc_ds3_top")],
)
def test_built_in_platforms_are_the_published_ones(shared_data, ours, file):
    platform = find_platform(ours)
    data, clusters = reference_platform(shared_data, file)
    assert [kind.count for kind in platform.kinds] == [cluster["capacity"] for cluster in clusters]
    for kind, cluster in zip(platform.kinds, clusters, strict=True):
        assert [list(point) for point in kind.operating_points] == cluster["opp_mhz_mv"]
        assert {f"{f:g}": list(watts) for f, watts in kind.power.items()} == cluster["power_profile_w"]
    for one, first in enumerate(clusters):
        for two, second in enumerate(clusters):
            low, high = sorted((first["id"], second["id"]))
            expected = data["comm_band_cluster_pairs"].get(f"{low}-{high}", data["default_comm_band"])
            if one != two or first["capacity"] > 1:
                assert platform.bandwidth[one, two] == expected, (first["name"], second["name"])
    named = ("canonical", *(f"top{k}" for k in range(1, 11))) if ours == "three-pe" else DS3_JOBS
    for name in named:
        application = applications()[name]
        tasks = [plain(f"task-{place + 1}") for place in range(10)] if ours == "three-pe" else application.tasks
        for task, task_type in zip(tasks, application.types, strict=True):
            expected = [{plain(t): v for t, v in c["exec_time_us"].items()}.get(task, -1) for c in clusters]
            assert platform.execution(task_type).tolist() == expected, (name, task)


DS3_JOBS = {
    "wifi-tx": "wifi_tx",
    "wifi-rx": "wifi_rx",
    "range-detection": "range_detection",
    "sc-tx": "sc_tx",
    "sc-rx": "sc_rx",
    "temporal-mitigation": "temporal_mitigation",
}


@pytest.mark.parametrize(
    ("ours", "file", "theirs"),
    [
        *((ours, "jobs_ds3", theirs) for ours, theirs in DS3_JOBS.items()),
        ("canonical", "jobs_ds3", "top"),
        *((f"top{k}", "jobs_socrates_top10", f"top_{k}") for k in range(1, 11)),
    ],
)
def test_built_in_applications_are_the_published_ones(shared_data, ours, file, theirs):
    job = json.loads((shared_data / "soc" / f"{file}.json").read_text())["jobs"][theirs]
    application = applications()[ours]
    if ours in DS3_JOBS:
        assert list(application.tasks) == [plain(task["name"]) for task in job["tasks"]]
    assert application.num_tasks == job["n_tasks"]
    found = [[*edge, volume] for edge, volume in zip(application.edges.tolist(), application.volume, strict=True)]
    assert sorted(found) == sorted(job["comm_vol_edges"])


@pytest.mark.parametrize(("name", "file"), [("canonical", "canonical_heft10"), ("peft", "canonical_peft10")])
def test_the_textbook_examples_are_the_published_ones(shared_data, name, file):
    data = json.loads((shared_data / "soc" / f"{file}.json").read_text())
    application = applications()[name]
    assert [home_of(name).execution(task_type).tolist() for task_type in application.types] == data["cost"]
    found = [[*edge, volume] for edge, volume in zip(application.edges.tolist(), application.volume, strict=True)]
    assert sorted(found) == sorted(data["edges"])
