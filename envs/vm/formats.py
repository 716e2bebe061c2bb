"""Clusters in the JSON format of ByteDance's released data, read with errors that name the record.

A file is one object (what is read of it; ``...`` stands for more of the same)::

    {"vm_type_list": [{"vm_type": "xlarge", "request_cpu": 4, "request_mem_mb": 8192.0}, ...],
     "cluster_list": [{
        "host_info": [{"node_id": "pm_0", "status": "ACTIVE", "node_cpu": 88, "rack_id": 2, "numa": [
            {"node": 0, "total_cpu": 44, "memory_huge_total_mb": 184388.0},
            {"node": 1, "total_cpu": 44, "memory_huge_total_mb": 184388.0}]}, ...],
        "vm_instance": [{"instance_id": "vm_0", "instance_type": "xlarge", "host_id": "pm_0", "allow_migration": true,
            "numa": [{"node": 1, "cpu": 4, "mem_mb": 8192.0}]}, ...],
        "other_requirement": {"deployment_set": [{"name": "web", "scope": "host", "vms": ["vm_0", "vm_7"]}]}}, ...]}

VMs may be moved between clusters, so all clusters are one. Hosts whose status is not ACTIVE are left out, and so are
their VMs. A VM with one ``numa`` entry has all its cores on one node; one with two has half of them on each.

``other_requirement`` may be missing. ``deployment_set`` is empty in the released files, and what would be in it is not
published; the form shown is ours: VMs of one set never share a host, a VM is in one set at most, and a set may name
VMs of any cluster.

What VMs leave free is computed; ``free_cpu`` and ``memory_huge_free_mb`` are not read: in the released files the
latter is a copy of NUMA node 0's for node 1, and wrong there for a quarter of the hosts. The flavour limits and
``general_requirement`` are not read either.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from ..core.config import is_a
from ..core.errors import InputError
from ..core.fields import bad_field, shown
from ..core.files import MAX_TEXT_BYTES, name_of, read_limited, read_text, write_atomically
from ..core.json_text import parse_json
from .config import LARGEST_SINGLE
from .instance import MAX_CORES, MAX_MEMORY, NODES, Terms, VmInstance

ACTIVE = "ACTIVE"
LONGEST_NAME = 200
MAX_RACK = 1 << 31


def read_cluster(path: Path, terms: Terms) -> VmInstance:
    """A cluster from a JSON file, unpacked if its name ends in ``.gz``.

    Args:
        path: The file; the instance is called as it is, without ``.json`` or ``.json.gz``.
        terms: What is asked of a plan.

    Raises:
        InputError: The file is missing, or something in it is wrong; the message names the file and the record.
    """
    text = _unpacked(path) if path.suffix.lower() == ".gz" else read_text(path)
    data = parse_json(text, str(path))
    return _Reader(str(path), data).instance(_name_of(path), terms)


def _name_of(path: Path) -> str:
    """What the cluster in a file is called."""
    return name_of(Path(f"{path.name.removesuffix('.gz').removesuffix('.json') or path.name}.json"))


def cluster_from(data: Any, name: str, terms: Terms) -> VmInstance:
    """A cluster from JSON values.

    Args:
        data: The values.
        name: What the cluster is called.
        terms: What is asked of a plan.

    Raises:
        InputError: Something is missing or wrong; the message begins with ``name``.
    """
    return _Reader(name, data).instance(name, terms)


def cluster_to(instance: VmInstance) -> dict[str, Any]:
    """The inverse of :func:`cluster_from`, without terms and changes: all PMs and VMs in one cluster.

    Raises:
        InputError: VMs of one flavour differ in size, which the format cannot say.
    """
    counts = Counter(instance.flavour).items()
    cluster = {
        "cluster_name": instance.name,
        "host_info": _hosts_to(instance),
        "vm_type_info": [{"vm_type": name, "flavor_limit": 2 * number} for name, number in counts],
        "vm_instance": [_vm_to(instance, vm) for vm in range(instance.num_vms)],
        "other_requirement": {"deployment_set": _sets_to(instance)},
    }
    return {
        "cluster_list": [cluster],
        "vm_type_list": _flavours_to(instance),
        "general_requirement": {"optimization_objective": 1, "maximum_migration": instance.terms.mnl},
    }


def write_cluster(instance: VmInstance, path: Path) -> None:
    """Write a cluster as JSON, packed if the name ends in ``.gz``.

    Raises:
        InputError: VMs of one flavour differ in size, which the format cannot say.
    """
    data = (json.dumps(cluster_to(instance), indent=1) + "\n").encode()
    # without the time, so that the same cluster gives the same file
    write_atomically(path, gzip.compress(data, mtime=0) if path.suffix.lower() == ".gz" else data)


def _hosts_to(instance: VmInstance) -> list[dict[str, Any]]:
    cores, memory = instance.capacity.tolist(), instance.memory_capacity.tolist()
    free, free_memory = instance.free().tolist(), instance.free_memory().tolist()
    return [
        {
            "node_id": name, "status": ACTIVE, "node_cpu": sum(cores[pm]), "node_mem_mb": sum(memory[pm]),
            "numa": [
                {
                    "node": node, "total_cpu": cores[pm][node], "free_cpu": free[pm][node],
                    "memory_huge_total_mb": memory[pm][node], "memory_huge_free_mb": free_memory[pm][node],
                }
                for node in range(NODES)
            ],
            "rack_id": int(instance.rack[pm]),
        }
        for pm, name in enumerate(instance.pm_names)
    ]  # fmt: skip


def _vm_to(instance: VmInstance, vm: int) -> dict[str, Any]:
    used = range(NODES) if instance.nodes[vm] == NODES else (int(instance.node[vm]),)
    return {
        "instance_id": instance.vm_names[vm],
        "instance_type": instance.flavour[vm],
        "host_id": instance.pm_names[instance.host[vm]],
        "numa": [{"node": node, "cpu": int(instance.cpu[vm]), "mem_mb": int(instance.memory[vm])} for node in used],
        "allow_migration": bool(instance.movable[vm]),
    }


def _flavours_to(instance: VmInstance) -> list[dict[str, Any]]:
    sizes: dict[str, tuple[int, int]] = {}
    example: dict[str, int] = {}
    cores, memory = (instance.cpu * instance.nodes).tolist(), (instance.memory * instance.nodes).tolist()
    for vm, flavour in enumerate(instance.flavour):
        size = cores[vm], memory[vm]
        if sizes.setdefault(flavour, size) != size:
            names = f"{instance.vm_names[example[flavour]]!r} and {instance.vm_names[vm]!r}"
            raise InputError(f"{instance.name}: VMs {names} are both of the flavour {flavour!r} but differ in size")
        example.setdefault(flavour, vm)
    weights = {item.size: item.weight for item in instance.terms.fragments}
    return [
        {
            "vm_type": flavour, "request_cpu": cpu, "request_mem_mb": mb, "numa": 1 if cpu <= LARGEST_SINGLE else NODES,
            "expected_newly_created_num": 0, "weight": weights.get(cpu, 0.0),
        }
        for flavour, (cpu, mb) in sizes.items()
    ]  # fmt: skip


def _sets_to(instance: VmInstance) -> list[dict[str, Any]]:
    members: dict[int, list[str]] = {}
    for vm in np.flatnonzero(instance.group >= 0).tolist():
        members.setdefault(int(instance.group[vm]), []).append(instance.vm_names[vm])
    return [{"name": f"group_{group}", "scope": "host", "vms": members[group]} for group in sorted(members)]


def _unpacked(path: Path) -> str:
    """The text in a gzip file.

    Raises:
        InputError: The file is missing, unreadable, no gzip file, damaged, implausibly large or not text.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(read_limited(path, MAX_TEXT_BYTES, "an instance file"))) as file:
            # asked of what is unpacked: a small file may hold gigabytes of one letter
            data = file.read(MAX_TEXT_BYTES + 1)
        if len(data) > MAX_TEXT_BYTES:
            raise InputError(f"{path}: larger than {MAX_TEXT_BYTES >> 20} MiB when unpacked, not an instance file")
        return data.decode("utf-8")
    except EOFError:
        raise InputError(f"{path}: the gzip file ends too early; is it complete?") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path}: not a gzip file, or damaged ({error})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file") from None


class _Reader:
    """Collects hosts, then VMs, then anti-affinity sets of JSON values, and refuses what is wrong with them."""

    def __init__(self, source: str, data: Any) -> None:
        self._source = source
        self._pms: dict[str, int | None] = {}  # hosts by name; None for those left out
        self._vms: dict[str, int | None] = {}
        self._hosts: list[tuple[list[int], list[int], int]] = []  # cores and MB of both nodes, rack
        self._placed: list[tuple[int, int, int, int, int, bool]] = []  # cores, MB, nodes, node, host, movable
        self._flavour: list[str] = []
        self._group: dict[int, int] = {}
        self._sets = 0
        table = _table(data, source)
        self._flavours = self._read_flavours(table)
        items = enumerate(_list(table, "cluster_list", source))
        clusters = [(f"{source}: cluster {index}", item) for index, item in items]
        for where, cluster in clusters:
            for index, item in enumerate(_list(_table(cluster, where), "host_info", where)):
                self._read_host(item, f"{where}, host {index}")
        # a VM may be on a host of another cluster, and a set may name VMs of another
        for where, cluster in clusters:
            for index, item in enumerate(_list(cluster, "vm_instance", where)):
                self._read_vm(item, f"{where}, VM {index}")
        self._read_sets(clusters)

    def instance(self, name: str, terms: Terms) -> VmInstance:
        """What was read."""
        if not self._hosts:
            raise InputError(f"{self._source}: no host has the status {ACTIVE}")
        cpu, memory, nodes, node, host, movable = np.array(self._placed, np.int64).reshape(-1, 6).T.copy()
        try:
            return VmInstance(
                name, tuple(pm for pm, index in self._pms.items() if index is not None),
                np.array([cores for cores, _, _ in self._hosts], np.int64),
                np.array([memory for _, memory, _ in self._hosts], np.int64),
                tuple(vm for vm, index in self._vms.items() if index is not None), tuple(self._flavour),
                cpu, memory, nodes, host, node, movable.astype(np.bool_),
                np.array([self._group.get(vm, -1) for vm in range(len(self._placed))], np.int64),
                np.array([rack for _, _, rack in self._hosts], np.int64), terms,
            )  # fmt: skip
        except ValueError as error:
            raise InputError(f"{self._source}: {str(error).removeprefix(f'{name}: ')}") from None

    def _read_flavours(self, table: dict[str, Any]) -> dict[str, tuple[int, int]]:
        flavours: dict[str, tuple[int, int]] = {}
        for index, item in enumerate(_list(table, "vm_type_list", self._source)):
            where = f"{self._source}: vm_type_list {index}"
            name = _name(_table(item, where), "vm_type", where)
            where = f"{self._source}: flavour {name!r}"
            if name in flavours:
                raise InputError(f"{where} is there twice")
            cpu = _whole(item, "request_cpu", where, 1, NODES * MAX_CORES)
            flavours[name] = cpu, _whole(item, "request_mem_mb", where, 0, NODES * MAX_MEMORY)
        return flavours

    def _read_host(self, data: Any, where: str) -> None:
        name = _name(_table(data, where), "node_id", where)
        where = f"{self._source}: host {name!r}"
        if name in self._pms:
            raise InputError(f"{where} is there twice")
        if _name(data, "status", where) != ACTIVE:
            self._pms[name] = None
            return
        numa = _by_node(data, where, NODES)
        cores = [_whole(numa[node], "total_cpu", f"{where}, node {node}", 0, MAX_CORES) for node in (0, 1)]
        memory = [_whole(numa[node], "memory_huge_total_mb", f"{where}, node {node}", 0, MAX_MEMORY) for node in (0, 1)]
        said = _whole(data, "node_cpu", where, 0, NODES * MAX_CORES)
        if said != sum(cores):
            raise InputError(f"{where}: node_cpu is {said}, but its NUMA nodes have {sum(cores)} cores")
        self._pms[name] = len(self._hosts)
        self._hosts.append((cores, memory, _whole(data, "rack_id", where, 0, MAX_RACK)))

    def _read_vm(self, data: Any, where: str) -> None:
        name = _name(_table(data, where), "instance_id", where)
        where = f"{self._source}: VM {name!r}"
        if name in self._vms:
            raise InputError(f"{where} is there twice")
        host = _name(data, "host_id", where)
        if host not in self._pms:
            raise InputError(f"{where} is on the host {host!r}, which is not in the file")
        pm = self._pms[host]
        if pm is None:
            self._vms[name] = None
            return
        flavour = _name(data, "instance_type", where)
        if flavour not in self._flavours:
            raise InputError(f"{where} is of the flavour {flavour!r}, which is not in vm_type_list")
        if not isinstance(movable := data.get("allow_migration"), bool):
            raise bad_field(data, "allow_migration", where, "true or false")
        self._vms[name] = len(self._placed)
        self._placed.append((*self._demand(data, flavour, where), pm, movable))
        self._flavour.append(flavour)

    def _demand(self, data: dict[str, Any], flavour: str, where: str) -> tuple[int, int, int, int]:
        """Cores and MB on each of its nodes, how many those are, and the first of them."""
        numa = _by_node(data, where, 1)
        parts = [
            (_whole(entry, "cpu", where, 1, MAX_CORES), _whole(entry, "mem_mb", where, 0, MAX_MEMORY))
            for entry in numa.values()
        ]
        if parts[0] != parts[-1]:
            raise InputError(f"{where}: needs the same cores and memory on both NUMA nodes")
        cpu, memory = parts[0]
        has, wanted = (cpu * len(numa), memory * len(numa)), self._flavours[flavour]
        for unit, number, says in zip(("cores", "MB"), has, wanted, strict=True):
            if number != says:
                raise InputError(f"{where} has {number} {unit}, but its flavour {flavour!r} {says}")
        return cpu, memory, len(numa), min(numa)

    def _read_sets(self, clusters: list[tuple[str, Any]]) -> None:
        names: set[str] = set()
        set_of: dict[str, str] = {}
        for place, cluster in clusters:
            rules = _table(cluster.get("other_requirement", {}), f"{place}: other_requirement")
            for index, item in enumerate(_list(rules, "deployment_set", place) if "deployment_set" in rules else []):
                where = f"{place}, deployment_set {index}"
                name = _name(_table(item, where), "name", where)
                where = f"{self._source}: deployment_set {name!r}"
                if name in names:
                    raise InputError(f"{where} is there twice")
                names.add(name)
                if _name(item, "scope", where) != "host":
                    raise InputError(f"{where}: only the scope 'host' is understood, got {shown(item['scope'])}")
                self._read_set(name, _list(item, "vms", where), where, set_of)

    def _read_set(self, name: str, vms: list[Any], where: str, set_of: dict[str, str]) -> None:
        left = len(self._group)
        for vm in vms:
            if not isinstance(vm, str) or vm not in self._vms:
                raise InputError(f"{where} names {shown(vm)}, which is no VM of the file")
            if vm in set_of:
                other = "twice" if set_of[vm] == name else f"and in {set_of[vm]!r}; one at most"
                raise InputError(f"{where}: VM {vm!r} is in it {other}")
            set_of[vm] = name
            if (index := self._vms[vm]) is not None:
                self._group[index] = self._sets
        # sets of which no VM is left get no number, so that what is written and read again is numbered alike
        self._sets += len(self._group) > left


def _by_node(data: dict[str, Any], where: str, least: int) -> dict[int, dict[str, Any]]:
    """The entries of a ``numa`` list, at least so many, by their node."""
    numa = _list(data, "numa", where)
    if not least <= len(numa) <= NODES:
        raise InputError(f"{where}: needs {'1 or ' if least == 1 else ''}{NODES} numa entries, has {len(numa)}")
    entries = [_table(entry, f"{where}, numa {index}") for index, entry in enumerate(numa)]
    by_node = {_whole(entry, "node", where, 0, NODES - 1): entry for entry in entries}
    if len(by_node) < len(numa):
        raise InputError(f"{where}: both numa entries are of one node")
    return by_node


def _table(data: Any, where: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise InputError(f"{where}: expected an object, got {shown(data)}")
    return data


def _list(table: dict[str, Any], name: str, where: str) -> list[Any]:
    value = table.get(name)
    if not isinstance(value, list):
        raise bad_field(table, name, where, "a list")
    return value


def _name(table: dict[str, Any], name: str, where: str) -> str:
    value = table.get(name)
    # what cannot be printed would end messages, and tables, in the middle of a line
    if not isinstance(value, str) or not 1 <= len(value) <= LONGEST_NAME or not value.isprintable():
        raise bad_field(table, name, where, f"a text of 1 to {LONGEST_NAME} printable characters")
    return value


def _whole(table: dict[str, Any], name: str, where: str, low: int, high: int) -> int:
    """A whole number, be it written as 8 or 8.0."""
    value: Any = table.get(name)
    whole = is_a(value, int) or (is_a(value, float) and value.is_integer())
    if not whole or not low <= value <= high:
        raise bad_field(table, name, where, f"a whole number in {low}..{high}")
    return int(value)
