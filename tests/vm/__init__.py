"""Small clusters that the tests of VM rescheduling share."""

import copy
import math

import numpy as np
from hypothesis import strategies as st

from schedlab.envs.core.errors import InputError
from schedlab.envs.vm.instance import Changes, Fragment, Terms, VmInstance

from ..mutants import mutants as json_mutants

FR8 = (Fragment(8),)


def tiny(mnl=5, fragments=FR8, **terms):
    """Three PMs with nodes of 16 cores, of which 12 + 8, 4 + 8 and 4 + 10 cores are free.

    VMs of 8 cores: 1 + 1, 0 + 1 and 0 + 1 more fit, so 32 of 46 free cores are of use, and FR8 is 14/46.
    """
    vms = [
        # name, cores, MB, nodes, PM, node, group
        ("small", 4, 16, 1, 0, 0, -1),
        ("web-1", 8, 32, 1, 0, 1, 0),
        ("light", 4, 8, 1, 1, 0, -1),
        ("wide", 8, 16, 2, 1, 0, -1),
        ("web-2", 12, 48, 1, 2, 0, 0),
        ("fixed", 6, 16, 1, 2, 1, -1),
    ]
    name, cpu, memory, nodes, host, node, group = zip(*vms, strict=True)
    return VmInstance(
        "tiny",
        ("a", "b", "c"),
        np.full((3, 2), 16),
        np.array([[64, 64], [64, 64], [60, 60]]),
        name,
        ("any",) * 6,
        *(np.array(column) for column in (cpu, memory, nodes, host, node)),
        movable=np.array([vm != "fixed" for vm in name]),
        group=np.array(group),
        rack=np.zeros(3, np.int64),
        terms=Terms(mnl, fragments, **terms),
    )


def changes(*events):
    """From (seconds, VM that leaves or -1, PM, node, cores) rows."""
    table = np.array(events, np.float64).reshape(-1, 5)
    leaves, pm, node, cpu = table[:, 1:].astype(np.int64).T
    return Changes(table[:, 0], leaves, pm, node, cpu, np.zeros_like(cpu), np.ones_like(cpu))


# --- JSON values

DELETED = object()


def host(name, cores=16, memory=64.0, **values):
    numa = [{"node": node, "total_cpu": cores, "memory_huge_total_mb": memory} for node in (0, 1)]
    return {"node_id": name, "status": "ACTIVE", "node_cpu": 2 * cores, "rack_id": 3, "numa": numa} | values


def vm(name, flavour, where, nodes, cpu, memory, **values):
    numa = [{"node": node, "cpu": cpu, "mem_mb": memory} for node in nodes]
    wanted = {"instance_id": name, "instance_type": flavour, "host_id": where, "numa": numa, "allow_migration": True}
    return wanted | values


CLUSTER = {
    "vm_type_list": [
        {"vm_type": "s", "request_cpu": 4, "request_mem_mb": 16.0},
        {"vm_type": "m", "request_cpu": 8.0, "request_mem_mb": 32},
    ],
    "cluster_list": [
        {
            "host_info": [host("a"), host("down", status="OUTAGE"), host("b", rack_id=4.0)],
            "vm_instance": [
                vm("v0", "s", "a", [1], 4, 16.0),
                vm("v1", "m", "a", [0, 1], 4, 16),
                vm("lost", "s", "down", [0], 4, 16),
                vm("v2", "m", "b", [0], 8.0, 32, allow_migration=False),
            ],
            "other_requirement": {"deployment_set": [{"name": "web", "scope": "host", "vms": ["v0", "lost", "v2"]}]},
        },
        {"host_info": [host("c", 20, 100)], "vm_instance": [vm("v3", "s", "a", [0], 4, 16)]},
    ],
}


def changed(data, path, value):
    """A copy with another value at a path such as ``"cluster_list.0.host_info"``."""
    result = copy.deepcopy(data)
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place = result
    for part in way:
        place = place[part]
    if value is DELETED:
        del place[last]
    else:
        place[last] = value
    return result


def same(one, other):
    """Whether two clusters are alike, whatever is asked of them."""
    for name in VmInstance.__dataclass_fields__:
        if name not in ("terms", "changes"):
            mine, theirs = getattr(one, name), getattr(other, name)
            np.testing.assert_array_equal(mine, theirs, err_msg=name)
            assert getattr(mine, "dtype", None) == getattr(theirs, "dtype", None), name
    return True


def refused(read):
    """Why something cannot be read; ``None`` if it can."""
    try:
        read()
    except InputError as error:
        return str(error)
    return None


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, 1, 2, -1, 0.5, 16, 10**30, 2**63, 1e308, math.nan, math.inf, "", "a", "v0", "s", "ACTIVE"]),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.integers(-1, 2), max_size=3),
    st.dictionaries(st.sampled_from(["node", "cpu", "name", "vms"]), st.integers(-1, 5), max_size=3),
)


def mutants():
    """The cluster's file with a few places changed."""
    return json_mutants(CLUSTER, ODD, "vm_type_list")
