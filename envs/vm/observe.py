"""What a VM-rescheduling policy sees: hosts and kinds of VMs as a graph, and the choices of each of two picks.

Nodes are the PMs, the kinds of VMs (same demand, same number of NUMA nodes), and the cluster as a whole, the last one.
The relation ``hosts`` leads from a PM to the kinds that it holds at the start. The graph stays; what moves shows in the
candidates. Candidates of the first pick are VMs, whose node is the PM that they are on now; of the second pick the NUMA
nodes to which the chosen VM can go, whose node is their PM.

Scales: *u* is a unit, the cores that a fragment of the first size takes from one NUMA node (16 by default). A residue
is what is free beyond whole units. A slot is room for one more VM of the first size. Counts are log(1 + n) / 4, where n
ends at 60 (14 moves, 50 PMs, 250 choices): beyond, there is plenty, and large clusters look as small ones do.
Features are clipped to +-10. Those of a candidate are 0 where it may not be chosen, unless all are shown.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from ..core.graph import FEATURE_LIMIT, PADDING, GraphSpec, GraphState
from . import features as f
from . import state as s
from .instance import VmInstance
from .kernels import usable, usable_with
from .objective import rate
from .tables import Tables

NODE_FEATURES = (
    "is_pm",
    "is_kind",
    "is_cluster",
    "free_0",  # free cores of NUMA node 0 (at the start, as all of these), share
    "free_1",
    "free_memory_0",  # share
    "free_memory_1",
    "residue_0",  # in u
    "residue_1",
    "slots",  # on the PM
    "vms",  # of the PM, tenths; of a kind, count
    "cpu",  # of a kind on each of its NUMA nodes, in u
    "double",  # whether the kind is double-NUMA
)

CANDIDATE_FEATURES = (
    # of a VM with the NUMA node it is on (node 0 if it is on both); of a place with the VM that was picked
    "cpu",  # of the VM on each of its nodes, in u
    "memory",  # share of the NUMA node's
    "double",  # whether it is double-NUMA
    "residue",  # of the NUMA node, in u
    "other_residue",  # of the PM's other NUMA node
    "residue_after",  # once the VM has left, or come
    "gain",  # slots that the PM gains by that; of a flip, by the arrival alone
    "needs",  # VMs below a fragment that must leave the node for a slot more, eighths; 1 from eight on, or if there are
    # too few (from seven without this one)
    "needs_after",  # the same once this one has left, or come
    "free",  # free cores of the NUMA node, share
    "free_memory",  # share
    "vms",  # VMs on the PM, tenths
    # what is chosen
    "is_vm",
    "is_place",
    "stop",
    # of a VM
    "was_moved",  # moved before
    "flip",  # of a place: the other NUMA node of the VM's own PM
    "places",  # where it fits, count
    "costless",  # where it would cost no slot, count
    "exact",  # where it would cost no slot and leave no residue, count over the whole cluster
    "is_exact",  # of a place: leaves no residue
    "prospect",  # slots that the whole move gains; of a VM its gain, less 1 if no place is costless
    "grouped",  # whether it is in an anti-affinity group
    "is_chosen",  # of a VM: picked, and waiting for its place; only where all are shown
)

CONTEXT_FEATURES = (
    "picking_place",  # the second pick
    "left_share",  # moves left, share of the limit
    "left",  # moves left, count
    "used",  # moves made, count
    "rate",  # fragment rate
    "free_share",  # free cores, share of all
    "pms",  # count
    "fragmented_share",  # PMs with a residue
    "offered",  # choices without stopping, count
    "chosen_cpu",  # of the VM that was picked
    "chosen_double",
    "chosen_gain",
    "chosen_residue",
    "chosen_costless",
    "chosen_exact",
    *(f"residue_{bucket}" for bucket in range(s.RESIDUES)),  # NUMA nodes with that many eighths of u left over, count
)


class VmObserver:
    """Holds the buffers of one simulator's observations and writes their static part.

    Args:
        batch_size: B.
        pms: P.
        vms: V.
        kinds: K.

    Attributes:
        spec: Sizes and names.
        state: The buffers.
    """

    def __init__(self, batch_size: int, pms: int, vms: int, kinds: int) -> None:
        self.pms, self.kinds = pms, kinds
        self.spec = GraphSpec(
            num_nodes=pms + kinds + 1,
            node_features=NODE_FEATURES,
            relations=(("hosts", max(min(vms, pms * kinds), 1)),),
            num_actions=vms + 2 * pms + 1,
            candidate_features=CANDIDATE_FEATURES,
            context_features=CONTEXT_FEATURES,
        )
        self.state = GraphState.empty(self.spec, batch_size)

    def load(self, row: int, instance: VmInstance, tables: Tables) -> None:
        """Write the static part of row ``row``."""
        unit = tables.unit
        free, capacity = instance.free(), np.maximum(instance.capacity, 1)
        memory = instance.free_memory() / np.maximum(instance.memory_capacity, 1)
        pms, kinds = instance.num_pms, len(tables.kinds)
        nodes = np.zeros((self.spec.num_nodes, len(NODE_FEATURES)))
        column = NODE_FEATURES.index
        nodes[:pms, column("is_pm")] = 1
        nodes[:pms, column("free_0") : column("free_1") + 1] = free / capacity
        nodes[:pms, column("free_memory_0") : column("free_memory_1") + 1] = memory
        nodes[:pms, column("residue_0") : column("residue_1") + 1] = free % unit / unit
        nodes[:pms, column("slots")] = instance.terms.fragments[0].slots(free)
        nodes[:pms, column("vms")] = np.bincount(instance.host, minlength=pms) / 10
        of_kind = nodes[self.pms : self.pms + kinds]
        of_kind[:, column("is_kind")] = 1
        of_kind[:, column("vms")] = np.log1p(np.bincount(tables.kind, minlength=kinds)) / 4
        of_kind[:, column("cpu")] = tables.kinds[:, 0] / unit
        of_kind[:, column("double")] = tables.kinds[:, 2] - 1
        nodes[-1, column("is_cluster")] = 1
        state = self.state
        state.nodes[row] = np.clip(nodes, -FEATURE_LIMIT, FEATURE_LIMIT)
        state.node_mask[row] = 0
        state.node_mask[row, :pms] = state.node_mask[row, self.pms : self.pms + kinds] = state.node_mask[row, -1] = 1
        pairs = tables.hosts
        edges = state.edges["hosts"][row]
        edges[:] = PADDING
        edges[:, : pairs.shape[1]] = pairs[0], pairs[1] + self.pms


@njit(cache=True, nogil=True)
def observe_rows(
    rows: Any, show_all: bool, world: Any, state: Any, candidate: Any, features: Any, context: Any, mask: Any
) -> None:
    """Write the dynamic part of the observation of some rows."""
    for b in rows:
        _write_candidates(
            show_all, world.row[b], world.kind[b], world.vm[b], world.capacity[b], world.fragment[b], world.weight[b],
            world.real[b], state.row[b], state.vm[b], state.pm[b], state.sums[b], state.holes[b], state.table[b],
            state.legal[b], candidate[b], features[b], mask[b],
        )  # fmt: skip
        _write_context(b, world, state, context[b])


@njit(cache=True)
def _write_candidates(
    show_all: bool, size: Any, kinds: Any, vm_world: Any, capacity: Any, fragment: Any, weight: Any, real: Any,
    row: Any, vm: Any, pm: Any, sums: Any, holes: Any, table: Any, legal: Any, candidate: Any, features: Any, mask: Any,
) -> None:  # fmt: skip
    vms, picking, unit = len(vm), row[s.PHASE] == s.PICK_VM, size[s.UNIT]
    features[:] = 0
    candidate[:] = PADDING
    for a in range(len(legal)):
        mask[a] = legal[a]
    if picking or show_all:
        f.write_vms(show_all, size[s.NUM_VMS], vm, vm_world, holes, table, legal, candidate, features)
    if show_all and not picking:
        features[row[s.CHOSEN], f.CHOSEN] = 1
    if not picking or show_all:
        _write_places(
            show_all, picking, size[s.NUM_PMS], kinds[vm_world[row[s.CHOSEN], s.KIND]], vm[row[s.CHOSEN]], capacity,
            fragment, weight, real[s.SLOT], unit, pm, sums, legal[vms:], candidate[vms:], features[vms:],
        )  # fmt: skip
    if legal[len(legal) - 1] or show_all:
        candidate[len(legal) - 1] = size[s.CLUSTER]
        features[len(legal) - 1, f.STOP] = 1


@njit(cache=True)
def _write_places(
    show_all: bool, picking: bool, num_pms: int, kind: Any, vm: Any, capacity: Any, fragment: Any, weight: Any,
    slot: float, unit: int, pm: Any, sums: Any, legal: Any, candidate: Any, features: Any,
) -> None:  # fmt: skip
    """NUMA nodes, as places of the chosen VM where it can go."""
    origin, node_there, double = vm[s.HOST], vm[s.NODE], kind[s.NODES_USED] == 2
    home = pm[origin]
    leaves = usable_with(home, kind, node_there, 1, fragment, weight) - usable(home[0], home[1], fragment, weight)
    for p in range(num_pms):
        if not (show_all or legal[2 * p] or legal[2 * p + 1]):
            continue
        now = usable(pm[p, 0], pm[p, 1], fragment, weight)
        for n in range(2):
            place = 2 * p + n
            if not (legal[place] or show_all):
                continue
            candidate[place] = p
            out = features[place]
            if picking or not legal[place]:
                f.write_node(out, pm[p], capacity[p], n, unit, sums[p, n])
                out[f.IS_PLACE] = 1
                continue
            gain = usable_with(pm[p], kind, n, -1, fragment, weight) - now
            total = gain + leaves
            if p == origin and not double:  # to the other NUMA node: both changes are on one PM
                free0 = pm[p, 0] + (kind[s.CPU] if node_there == 0 else -kind[s.CPU])
                free1 = pm[p, 1] + (kind[s.CPU] if node_there == 1 else -kind[s.CPU])
                total = usable(free0, free1, fragment, weight) - now
            f.write_place(out, pm[p], capacity[p], kind, n, gain / slot, total / slot, unit, sums[p, n], p == origin)


@njit(cache=True)
def _write_context(b: int, world: Any, state: Any, out: Any) -> None:
    row, size, real = state.row[b], world.row[b], world.real[b]
    left = size[s.MNL] - row[s.MOVES]
    now = rate(b, world, state)
    out[:] = 0
    out[f.LEFT_SHARE] = left / size[s.MNL]
    out[f.LEFT] = f.count(left, f.PLENTY_OF_MOVES)
    out[f.USED] = f.count(row[s.MOVES], f.PLENTY_OF_MOVES)
    out[f.RATE] = f.clipped(now)
    out[f.FREE_SHARE] = real[s.FREE_CORES] / max(real[s.CAPACITY], 1.0)
    out[f.PMS] = f.count(size[s.NUM_PMS], f.PLENTY_OF_PMS)
    out[f.FRAGMENTED_SHARE] = row[s.FRAGMENTED] / size[s.NUM_PMS]
    out[f.OFFERED] = f.count(row[s.OFFERED], f.PLENTY_OF_CHOICES)
    if row[s.PHASE] == s.PICK_PLACE:
        v = row[s.CHOSEN]
        kind = world.vm[b, v, s.KIND]
        out[f.PICKING_PLACE] = 1
        out[f.CHOSEN_CPU] = state.table[b, v, f.CPU]
        out[f.CHOSEN_DOUBLE] = state.table[b, v, f.DOUBLE]
        out[f.CHOSEN_GAIN] = state.table[b, v, f.GAIN]
        out[f.CHOSEN_RESIDUE] = state.table[b, v, f.RESIDUE_AFTER]
        out[f.CHOSEN_COSTLESS] = f.count(state.holes[b, kind, s.COSTLESS])
        out[f.CHOSEN_EXACT] = f.count(state.holes[b, kind, s.EXACT])
    for bucket in range(s.RESIDUES):
        out[f.CONTEXT_COLUMNS - s.RESIDUES + bucket] = f.count(state.residues[b, bucket])
