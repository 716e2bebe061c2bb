"""What a plan does to a cluster, as plain values, see :mod:`..core.view`."""

from __future__ import annotations

from ..core.view import MAX_ITEMS, HostItem, HostMove, HostsView, Places, short_text
from .instance import NODES, VmInstance
from .render import play, rate_label
from .solution import VmSolution


def view_plan(instance: VmInstance, solution: VmSolution) -> HostsView | None:
    """PMs as hosts with NUMA nodes, VMs as items with anti-affinity groups, and the fragment rate after each move.

    The plan is made at once, also where the terms have a delay. Moves of VMs or to places that do not exist are left
    out, others are made even if they are illegal.

    Args:
        instance: The cluster.
        solution: The plan.

    Returns:
        ``None`` where there are more PMs, VMs or moves than a view holds.
    """
    if max(instance.num_pms, instance.num_vms, len(solution) + 1) > MAX_ITEMS:
        return None
    played = play(instance, solution)
    double = (instance.nodes == NODES).tolist()

    def places(vm: int, pm: int, node: int) -> Places:
        return tuple((pm, part) for part in range(NODES)) if double[vm] else ((pm, node),)

    homes = zip(instance.host.tolist(), instance.node.tolist(), strict=True)
    columns = zip(instance.vm_names, instance.cpu.tolist(), homes, instance.group.tolist(), strict=True)
    rates = played.rates.tolist()
    moves = [index for index, made in enumerate(played.made) if made]
    triples = solution.moves()
    return HostsView(
        hosts=tuple(map(short_text, instance.pm_names)),
        capacity=tuple(map(tuple, instance.capacity.tolist())),
        unit="cores",
        items=tuple(
            HostItem(short_text(name), cores, places(vm, *home), group)
            for vm, (name, cores, home, group) in enumerate(columns)
        ),
        moves=tuple(HostMove(vm, places(vm, pm, node)) for vm, pm, node in (triples[index] for index in moves)),
        rates=(rates[0], *(rates[index + 1] for index in moves)),
        rate_label=rate_label(instance),
    )
