"""Clusters from outside: what is read, what is refused, and how."""

import copy
import gzip
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlab.envs.core.errors import InputError
from schedlab.envs.vm.config import VmConfig
from schedlab.envs.vm.formats import cluster_from, cluster_to, read_cluster, write_cluster
from schedlab.envs.vm.generate import random_cluster
from schedlab.envs.vm.instance import Fragment, Terms

from . import CLUSTER, DELETED, changed, host, mutants, refused, same, tiny

TERMS = Terms(7, (Fragment(8),))

# --- what is read


def test_hosts_and_vms_of_all_clusters_are_pooled():
    cluster = cluster_from(CLUSTER, "mine", TERMS)
    assert (cluster.name, cluster.terms) == ("mine", TERMS)
    assert cluster.pm_names == ("a", "b", "c")
    assert cluster.capacity.tolist() == [[16, 16], [16, 16], [20, 20]]
    assert cluster.memory_capacity.tolist() == [[64, 64], [64, 64], [100, 100]]
    assert cluster.rack.tolist() == [3, 4, 3]
    assert cluster.vm_names == ("v0", "v1", "v2", "v3")
    assert cluster.flavour == ("s", "m", "m", "s")
    assert cluster.cpu.tolist() == [4, 4, 8, 4]
    assert cluster.memory.tolist() == [16, 16, 32, 16]
    assert cluster.nodes.tolist() == [1, 2, 1, 1]
    assert cluster.host.tolist() == [0, 0, 1, 0]
    assert cluster.node.tolist() == [1, 0, 0, 0]
    assert cluster.movable.tolist() == [True, True, False, True]
    assert cluster.group.tolist() == [0, -1, 0, -1]
    assert cluster.free().tolist() == [[8, 8], [8, 16], [20, 20]]
    assert cluster.free_memory().tolist() == [[32, 32], [32, 64], [100, 100]]


def test_what_the_file_says_is_free_is_not_believed():
    wrong = copy.deepcopy(CLUSTER)
    for entry in wrong["cluster_list"][0]["host_info"][0]["numa"]:
        entry.update(free_cpu=1, memory_huge_free_mb=math.nan)
    assert same(cluster_from(wrong, "mine", TERMS), cluster_from(CLUSTER, "mine", TERMS))


def test_the_order_of_the_nodes_does_not_matter():
    turned = copy.deepcopy(CLUSTER)
    numa = turned["cluster_list"][0]["host_info"][0]["numa"]
    numa[1]["total_cpu"] = 12
    numa.reverse()
    turned["cluster_list"][0]["host_info"][0]["node_cpu"] = 28
    turned["cluster_list"][0]["vm_instance"][1]["numa"].reverse()
    cluster = cluster_from(turned, "mine", TERMS)
    assert cluster.capacity[0].tolist() == [16, 12]
    assert (cluster.nodes[1], cluster.node[1]) == (2, 0)


def test_a_cluster_without_vms_or_rules_is_read():
    empty = {"vm_type_list": [], "cluster_list": [{"host_info": [host("a")], "vm_instance": []}]}
    cluster = cluster_from(empty, "empty", TERMS)
    assert (cluster.num_pms, cluster.num_vms) == (1, 0)
    assert same(cluster_from(cluster_to(cluster), "empty", TERMS), cluster)


@pytest.mark.parametrize(
    ("name", "pms", "vms", "rate", "free"),
    [("medium", 279, 2089, 0.9770, 1394), ("large", 1176, 4546, 0.6003, 18772)],
)
def test_the_released_clusters_are_read(shared_data, tmp_path, name, pms, vms, rate, free):
    path = shared_data / "vm" / f"vmr_{name}_base.json.gz"
    if not path.exists():
        pytest.skip("the real clusters are not here")
    cluster = read_cluster(path, Terms())
    assert (cluster.name, cluster.num_pms, cluster.num_vms) == (f"vmr_{name}_base", pms, vms)
    assert cluster.fragment_rate() == pytest.approx(rate, abs=5e-5)
    assert cluster.free().sum() == free
    write_cluster(cluster, tmp_path / path.name)
    assert same(read_cluster(tmp_path / path.name, Terms()), cluster)


# --- what is refused

HOST, VM, SETS = "cluster_list.0.host_info.0", "cluster_list.0.vm_instance.0", "cluster_list.0.other_requirement"
SET = f"{SETS}.deployment_set.0"
TYPE = "vm_type_list.1"
UNEQUAL = "needs the same cores and memory on both NUMA nodes"
NUMBERS = {
    f"{TYPE}.request_cpu": "flavour 'm'", f"{TYPE}.request_mem_mb": "flavour 'm'", f"{HOST}.node_cpu": "host 'a'",
    f"{HOST}.rack_id": "host 'a'", f"{HOST}.numa.0.node": "host 'a'", f"{HOST}.numa.0.total_cpu": "host 'a', node 0",
    f"{HOST}.numa.1.memory_huge_total_mb": "host 'a', node 1", f"{VM}.numa.0.node": "VM 'v0'",
    f"{VM}.numa.0.cpu": "VM 'v0'", f"{VM}.numa.0.mem_mb": "VM 'v0'",
}  # fmt: skip
TEXTS = {
    f"{TYPE}.vm_type": "vm_type_list 1", f"{HOST}.node_id": "cluster 0, host 0", f"{HOST}.status": "host 'a'",
    f"{VM}.instance_id": "cluster 0, VM 0", f"{VM}.host_id": "VM 'v0'", f"{VM}.instance_type": "VM 'v0'",
    f"{SET}.name": "cluster 0, deployment_set 0", f"{SET}.scope": "deployment_set 'web'",
}  # fmt: skip
LISTS = {
    "cluster_list.1.host_info": "cluster 1",
    "cluster_list.1.vm_instance": "cluster 1", f"{HOST}.numa": "host 'a'", f"{VM}.numa": "VM 'v0'",
    f"{SET}.vms": "deployment_set 'web'",
}  # fmt: skip
OBJECTS = {
    TYPE: "vm_type_list 1", "cluster_list.1": "cluster 1", HOST: "cluster 0, host 0",
    f"{HOST}.numa.1": "host 'a', numa 1", VM: "cluster 0, VM 0", f"{VM}.numa.0": "VM 'v0', numa 0",
    SETS: "cluster 0: other_requirement", SET: "cluster 0, deployment_set 0",
}  # fmt: skip


def refusal(path, value):
    """The message about a file with another value at a path."""
    message = refused(lambda: cluster_from(changed(CLUSTER, path, value), "c.json", TERMS))
    assert message is not None
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("path", "where"), [*NUMBERS.items(), *TEXTS.items(), *LISTS.items(), (f"{VM}.allow_migration", "VM 'v0'")]
)
def test_every_key_that_is_read_is_needed(path, where):
    assert refusal(path, DELETED) == f"c.json: {where}: {path.split('.')[-1]!r} is missing"


@pytest.mark.parametrize(("path", "where"), NUMBERS.items())
def test_every_number_is_whole_and_in_range(path, where):
    huge = {10**400: "a huge number", -(10**5000): "a huge number", 2**42: "4398046511104"}
    wrong = {-1: "-1", 0.5: "0.5", 1e300: "1e+300", math.nan: "nan", math.inf: "inf", -math.inf: "-inf", "8": "'8'"}
    for value, shown in {**huge, **wrong, None: "None"}.items():
        message = refusal(path, value)
        assert message.startswith(f"c.json: {where}: {path.split('.')[-1]!r} must be a whole number in ")
        assert message.endswith(f", got {shown}")
    assert refusal(path, True).endswith(", got True")
    assert refusal(path, []).endswith(", got a list")


@pytest.mark.parametrize(("path", "where"), TEXTS.items())
def test_every_text_can_be_printed(path, where):
    wrong = {
        "": "''",
        "a\nb": r"'a\nb'",
        "\ud800": r"'\ud800'",
        "a" * 201: "'" + "a" * 56 + "...",
        5: "5",
        None: "None",
    }
    for value, shown in wrong.items():
        wanted = f"{path.split('.')[-1]!r} must be a text of 1 to 200 printable characters, got {shown}"
        assert refusal(path, value) == f"c.json: {where}: {wanted}"
    assert refusal(path, ["a"]).endswith("got a list")


@pytest.mark.parametrize(("path", "where"), LISTS.items())
def test_every_list_is_one(path, where):
    for value, shown in ((None, "None"), ("a", "'a'"), ({"0": 1}, "an object"), (math.nan, "nan")):
        assert refusal(path, value) == f"c.json: {where}: {path.split('.')[-1]!r} must be a list, got {shown}"


@pytest.mark.parametrize(("path", "where"), OBJECTS.items())
def test_every_object_is_one(path, where):
    for value, shown in ((None, "None"), ("a", "'a'"), ([{}], "a list"), (16, "16")):
        assert refusal(path, value) == f"c.json: {where}: expected an object, got {shown}"


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("vm_type_list", DELETED, "'vm_type_list' is missing"),
        ("vm_type_list", {}, "'vm_type_list' must be a list, got an object"),
        ("cluster_list", DELETED, "'cluster_list' is missing"),
        ("cluster_list", "mine", "'cluster_list' must be a list, got 'mine'"),
        (f"{TYPE}.vm_type", "s", "flavour 's' is there twice"),
        (f"{TYPE}.vm_type", "xl", "VM 'v1' is of the flavour 'm', which is not in vm_type_list"),
        ("cluster_list", [], "no host has the status ACTIVE"),
        (f"{HOST}.node_id", "b", "host 'b' is there twice"),
        (f"{HOST}.node_id", "down", "host 'down' is there twice"),
        ("cluster_list.1.host_info.0.node_id", "a", "host 'a' is there twice"),
        (f"{HOST}.node_id", "z", "VM 'v0' is on the host 'a', which is not in the file"),
        (f"{HOST}.node_cpu", 88, "host 'a': node_cpu is 88, but its NUMA nodes have 32 cores"),
        (f"{HOST}.numa", [], "host 'a': needs 2 numa entries, has 0"),
        (f"{HOST}.numa.1", DELETED, "host 'a': needs 2 numa entries, has 1"),
        (f"{HOST}.numa.1.node", 0, "host 'a': both numa entries are of one node"),
        (f"{HOST}.numa.1.node", 2, "host 'a': 'node' must be a whole number in 0..1, got 2"),
        (f"{HOST}.numa.1.memory_huge_total_mb", 30, "PM 'a' is overfull: VMs on its NUMA node 1 use 32 of 30 MB"),
        (f"{VM}.instance_id", "v2", "VM 'v2' is there twice"),
        (f"{VM}.instance_id", "v3", "VM 'v3' is there twice"),
        (f"{VM}.instance_id", "lost", "VM 'lost' is there twice"),
        (f"{VM}.host_id", "pm_9", "VM 'v0' is on the host 'pm_9', which is not in the file"),
        (f"{VM}.host_id", "b", "VMs 'v0' and 'v2' of one anti-affinity group share the PM 'b'"),
        (f"{VM}.instance_type", "xl", "VM 'v0' is of the flavour 'xl', which is not in vm_type_list"),
        (f"{VM}.instance_type", "m", "VM 'v0' has 4 cores, but its flavour 'm' 8"),
        (f"{VM}.allow_migration", 1, "VM 'v0': 'allow_migration' must be true or false, got 1"),
        (f"{VM}.numa", [], "VM 'v0': needs 1 or 2 numa entries, has 0"),
        (f"{VM}.numa", [{"node": 0}] * 3, "VM 'v0': needs 1 or 2 numa entries, has 3"),
        (f"{VM}.numa", [{"node": 1}] * 2, "VM 'v0': both numa entries are of one node"),
        (f"{VM}.numa.0.cpu", 0, "VM 'v0': 'cpu' must be a whole number in 1..1048576, got 0"),
        (f"{VM}.numa.0.cpu", 5, "VM 'v0' has 5 cores, but its flavour 's' 4"),
        (f"{VM}.numa.0.mem_mb", 17, "VM 'v0' has 17 MB, but its flavour 's' 16"),
        ("cluster_list.0.vm_instance.1.numa.1.cpu", 5, f"VM 'v1': {UNEQUAL}"),
        ("cluster_list.0.vm_instance.1.numa.1.mem_mb", 5, f"VM 'v1': {UNEQUAL}"),
        (f"{SETS}.deployment_set", {}, "cluster 0: 'deployment_set' must be a list, got an object"),
        (f"{SET}.scope", "rack", "deployment_set 'web': only the scope 'host' is understood, got 'rack'"),
        (f"{SET}.vms.0", 0, "deployment_set 'web' names 0, which is no VM of the file"),
        (f"{SET}.vms.0", "v9", "deployment_set 'web' names 'v9', which is no VM of the file"),
        (f"{SET}.vms.0", [], "deployment_set 'web' names a list, which is no VM of the file"),
        (f"{SET}.vms.0", "v2", "deployment_set 'web': VM 'v2' is in it twice"),
        (f"{SET}.vms", ["v0", "v1"], "VMs 'v0' and 'v1' of one anti-affinity group share the PM 'a'"),
    ],
)  # fmt: skip
def test_wrong_records_are_refused_by_name(path, value, words):
    assert refusal(path, value) == f"c.json: {words}"


def test_a_vm_larger_than_a_node_of_its_host_is_refused():
    large = changed(CLUSTER, "vm_type_list.0.request_cpu", 17)
    large = changed(large, f"{VM}.numa.0.cpu", 17)
    with pytest.raises(InputError, match=r"^c: VM 'v0' needs 17 cores of a NUMA node, its PM 'a' has 16$"):
        cluster_from(changed(large, "cluster_list.1.vm_instance", []), "c", TERMS)


def test_sets_are_told_apart_by_name_and_share_no_vm():
    sets = f"{SETS}.deployment_set"
    first = {"name": "one", "scope": "host", "vms": ["v0"]}
    with pytest.raises(InputError, match=r"^c: deployment_set 'one' is there twice$"):
        cluster_from(changed(CLUSTER, sets, [first, first | {"vms": []}]), "c", TERMS)
    with pytest.raises(InputError, match=r"^c: deployment_set 'two': VM 'v0' is in it and in 'one'; one at most$"):
        cluster_from(changed(CLUSTER, sets, [first, first | {"name": "two"}]), "c", TERMS)


def test_sets_of_any_cluster_name_vms_of_any_other():
    other = {"deployment_set": [{"name": "more", "scope": "host", "vms": ["v1"]}]}
    cluster = cluster_from(changed(CLUSTER, "cluster_list.1.other_requirement", other), "c", TERMS)
    assert cluster.group.tolist() == [0, 1, 0, -1]


def test_sets_without_a_vm_in_use_are_forgotten():
    sets = [{"name": name, "scope": "host", "vms": vms} for name, vms in (("x", ["lost"]), ("y", []), ("z", ["v3"]))]
    assert cluster_from(changed(CLUSTER, f"{SETS}.deployment_set", sets), "c", TERMS).group.tolist() == [-1, -1, -1, 0]


@pytest.mark.parametrize("data", [None, 3, "text", [], [CLUSTER], math.nan])
def test_what_is_no_object_is_refused(data):
    with pytest.raises(InputError, match=r"^c: expected an object, got "):
        cluster_from(data, "c", TERMS)


# --- files


@pytest.mark.parametrize("name", ["mine.json", "mine.json.gz"])
def test_files_are_written_and_read_again(tmp_path, name):
    path = tmp_path / name
    write_cluster(cluster_from(CLUSTER, "other", TERMS), path)
    cluster = read_cluster(path, TERMS)
    assert cluster.name == "mine"
    assert same(cluster, cluster_from(CLUSTER, "mine", TERMS))
    first = path.read_bytes()
    assert first.startswith(b"\x1f\x8b") == name.endswith("gz")
    write_cluster(cluster_from(CLUSTER, "other", TERMS), path)
    assert path.read_bytes() == first, "the same cluster gives the same file"
    assert [left.name for left in tmp_path.iterdir()] == [name]


def test_errors_in_files_name_the_file_and_not_the_cluster(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(changed(CLUSTER, f"{HOST}.numa.1.memory_huge_total_mb", 30)))
    said = "PM 'a' is overfull: VMs on its NUMA node 1 use 32 of 30 MB"
    assert refused(lambda: read_cluster(path, TERMS)) == f"{path}: {said}"


@pytest.mark.parametrize("pack", [False, True])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not JSON: Expecting value (line 1, column 1)"),
        (b'{"a": 1,\n "b": }', "not JSON: Expecting value (line 2, column 7)"),
        (b"[" * 10**5, "not JSON that can be read: too deep"),
        (b"9" * 10**4, "not JSON that can be read: too deep, or a number is too long"),
        (b"\xff\xfe", "not a text file"),
        (b"NaN", "expected an object, got nan"),
        (b'{"vm_type_list": [' + b"[" * 900 + b"]" * 900 + b"]}", "vm_type_list 0: expected an object, got a list"),
    ],
)
def test_files_that_hold_something_else_are_refused(tmp_path, pack, content, words):
    path = tmp_path / ("x.json.gz" if pack else "x.json")
    path.write_bytes(gzip.compress(content) if pack else content)
    message = refused(lambda: read_cluster(path, TERMS))
    assert message.startswith(f"{path}: {words}")
    assert "\n" not in message


def test_files_that_cannot_be_unpacked_are_refused(tmp_path):
    path = tmp_path / "x.json.gz"
    good = gzip.compress(json.dumps(CLUSTER).encode())
    damaged = good[:40] + bytes([good[40] ^ 255]) + good[41:]
    wrong_sum = good[:-8] + bytes(4) + good[-4:]
    for content, words in (
        (b"", "not JSON: Expecting value"),
        (b"{}", "not a gzip file, or damaged"),
        (good[:-20], "the gzip file ends too early; is it complete?"),
        (good[:5], "the gzip file ends too early"),
        (damaged, "not a gzip file, or damaged"),
        (wrong_sum, "not a gzip file, or damaged (CRC check failed"),
        (good + b"more", "not a gzip file, or damaged"),
    ):
        path.write_bytes(content)
        message = refused(lambda: read_cluster(path, TERMS))
        assert message.startswith(f"{path}: {words}")
        assert "\n" not in message


def test_what_unpacks_to_more_than_any_cluster_is_refused(tmp_path):
    path = tmp_path / "bomb.json.gz"
    path.write_bytes(gzip.compress(b" " * (64 * 2**20 + 1), 1))
    assert "larger than 64 MiB when unpacked, not an inst" in refused(lambda: read_cluster(path, TERMS))


@pytest.mark.parametrize("name", ["missing.json", "missing.json.gz"])
def test_missing_files_and_folders_are_refused(tmp_path, name):
    path = tmp_path / name
    assert refused(lambda: read_cluster(path, TERMS)) == f"{path}: no such file"
    path.mkdir()
    assert refused(lambda: read_cluster(path, TERMS)) == f"{path}: is a folder, not an instance file"


# --- round trips


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("values", [{}, {"mix": "large", "affinity": 2, "immovable": 0.3, "affinity_share": 0.5}])
def test_random_clusters_survive_json(seed, values):
    cluster = random_cluster(VmConfig(num_pms=8, **values), np.random.default_rng(seed))
    data = json.loads(json.dumps(cluster_to(cluster)))
    again = cluster_from(data, cluster.name, TERMS)
    assert same(again, cluster)
    assert not len(again.changes), "they are not in the format"


def test_a_written_cluster_has_what_the_released_ones_have(shared_data):
    path = shared_data / "vm" / "vmr_medium_base.json.gz"
    if not path.exists():
        pytest.skip("the real clusters are not here")
    ours, theirs = cluster_to(cluster_from(CLUSTER, "mine", TERMS)), json.loads(gzip.decompress(path.read_bytes()))
    assert set(ours) == set(theirs)
    assert set(ours["vm_type_list"][0]) == set(theirs["vm_type_list"][0])
    ours, theirs = ours["cluster_list"][0], theirs["cluster_list"][0]
    assert set(ours) == set(theirs)
    for name in ("host_info", "vm_instance", "vm_type_info"):
        assert set(ours[name][0]) == set(theirs[name][0])
        assert set(ours[name][0].get("numa", [{}])[0]) == set(theirs[name][0].get("numa", [{}])[0])


def test_free_cores_and_fragment_weights_are_written_for_others():
    data = cluster_to(cluster_from(CLUSTER, "mine", TERMS))
    numa = data["cluster_list"][0]["host_info"][0]["numa"]
    assert [(entry["free_cpu"], entry["memory_huge_free_mb"]) for entry in numa] == [(8, 32), (8, 32)]
    assert {kind["vm_type"]: kind["weight"] for kind in data["vm_type_list"]} == {"s": 0.0, "m": 1.0}
    assert data["general_requirement"]["maximum_migration"] == 7


def test_flavours_that_differ_in_size_are_not_written():
    with pytest.raises(InputError, match=r"tiny: VMs 'small' and 'web-1' are both of the flavour 'any' but differ"):
        cluster_to(tiny())


# --- whatever a file says


@settings(max_examples=600, deadline=None)
@given(mutant=mutants())
def test_no_change_to_a_file_raises_anything_but_an_input_error(mutant):
    refusal = refused(lambda: cluster_from(mutant, "c.json", TERMS))
    if refusal is None:
        cluster = cluster_from(mutant, "c.json", TERMS)
        assert same(cluster_from(cluster_to(cluster), "c.json", TERMS), cluster)
    else:
        assert refusal.startswith("c.json: ")
        assert "\n" not in refusal


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_no_bytes_raise_anything_but_an_input_error(tmp_path_factory, data):
    content = bytearray(json.dumps(CLUSTER).encode())
    packed = data.draw(st.booleans())
    if packed:
        content = bytearray(gzip.compress(bytes(content), mtime=0))
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("fuzz") / ("x.json.gz" if packed else "x.json")
    path.write_bytes(bytes(content[: data.draw(st.integers(1, len(content)))]))
    assert "\n" not in (refused(lambda: read_cluster(path, TERMS)) or "")
