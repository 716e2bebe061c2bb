"""What a plan does to the free cores of a cluster, as a figure and as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.figures import new_figure
from .instance import NODES, Fragment, VmInstance, Whole
from .solution import VmSolution

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_PMS, MOST_LINES = 120, 40  # PMs drawn, and written
FEW_LINES = 8  # PMs written where no move touches any
MOST_MOVES = 25  # told one by one
LONGEST_NAME = 16  # characters of a name
# told apart by lightness as well; blue and orange are from Okabe and Ito's scale for the colour-blind
COLOURS = {"in use": "#a9b1ba", "usable": "#0072b2", "fragment": "#e69f00"}
SPARKS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Played:
    """A plan, move by move. Moves of VMs or to places that do not exist are left out, others made even if illegal.

    Attributes:
        before: Free cores of each node, int64 ``[P, 2]``.
        after: The same after the plan; below 0 where too much was moved there.
        rates: Fragment rate before the plan and after each move, float64 ``[M + 1]``.
        touched: PMs that VMs leave or come to, in the order of the moves.
        moves: Each move as text.
        made: Whether it was made.
    """

    before: Whole
    after: Whole
    rates: NDArray[np.float64]
    touched: list[int]
    moves: list[str]
    made: list[bool]


def draw_plan(instance: VmInstance, solution: VmSolution, title: str = "") -> Figure:
    """PMs as pairs of bars, one per NUMA node, before and after the plan; the fragment rate over the moves; the moves.

    A bar is what is in use, above it the free cores that VMs of the first fragment size can use, then those that they
    cannot. PMs are in the order of their free cores before, in both panels. Of many PMs those are shown that the plan
    touches (their names are black), and those with the largest fragments. Moves are made whether they are legal or not.

    Args:
        instance: The cluster.
        solution: The plan; may be empty or infeasible.
        title: In place of a summary.

    Raises:
        InputError: matplotlib is not installed.
    """
    played = play(instance, solution)
    shown = _shown_pms(instance, played, MOST_PMS)
    figure = new_figure(float(np.clip(4 + 0.16 * len(shown), 11, 22)), 9.5)
    grid = figure.add_gridspec(3, 2, height_ratios=(1, 1, 1.15), width_ratios=(1.25, 1))
    top = figure.add_subplot(grid[0, :])
    bottom = figure.add_subplot(grid[1, :], sharex=top, sharey=top)
    for axes, free, when in ((top, played.before, "before"), (bottom, played.after, "after")):
        _draw_bars(axes, instance, free, shown)
        axes.set_ylabel(f"cores of each NUMA node, {when}", fontsize=8)
    top.tick_params(axis="x", bottom=False, labelbottom=False)
    _name_pms(bottom, instance, shown, set(played.touched))
    _draw_rates(figure.add_subplot(grid[2, 0]), instance, played.rates)
    _list_moves(figure.add_subplot(grid[2, 1]), played.moves)
    notes = [title or _summary(instance, played)]
    if len(shown) < instance.num_pms:
        notes.append(f"{len(shown)} of {instance.num_pms} PMs: those touched and the most fragmented")
    figure.suptitle("; ".join(notes), fontsize=10, parse_math=False)
    handles, labels = top.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(COLOURS), fontsize=8, frameon=False)
    return figure


def draw_plan_text(instance: VmInstance, solution: VmSolution, width: int = 100) -> str:
    """A line of characters for each PM that the plan touches, before and after; the fragment rate; the moves.

    Each NUMA node is a bar of ``#`` (in use), ``.`` (free, and VMs of the first fragment size can use it) and ``x``
    (free, and they cannot). Where the plan touches no PM, those with the largest fragments are shown.

    Args:
        instance: The cluster.
        solution: The plan; may be empty or infeasible.
        width: Characters per line.
    """
    played = play(instance, solution)
    shown = _shown_pms(instance, played, min(len(played.touched), MOST_LINES) or FEW_LINES)
    names = [_short(instance.pm_names[pm]) for pm in shown]
    name_width = max(map(len, names))
    # four bars with a frame of two characters and a space, and an arrow
    columns = min(max((width - name_width - 15) // 4, 4), int(instance.capacity.max(initial=1)) or 1)
    lines = [
        _summary(instance, played),
        "# in use  . usable  x fragment, on the NUMA nodes of each PM, before -> after",
    ]
    states = [
        (free[shown], _usable(free[shown], instance.terms.fragments[0])) for free in (played.before, played.after)
    ]
    for row, (pm, name) in enumerate(zip(shown, names, strict=True)):
        bars = [
            " ".join(
                f"|{_bar(int(instance.capacity[pm, node]), int(free[row, node]), int(usable[row, node]), columns)}|"
                for node in range(NODES)
            )
            for free, usable in states
        ]
        lines.append(f"{name:<{name_width}} {' -> '.join(bars)}")
    if len(played.touched) > len(shown):
        lines.append(f"... and {len(played.touched) - len(shown)} more PMs")
    label = rate_label(instance)
    first, last = f"{label} {played.rates[0]:.4f} ", f" {played.rates[-1]:.4f}"
    lines.append(first + _sparks(played.rates, max(width - len(first) - len(last), 10)) + last)
    return "\n".join([*lines, *_told(played.moves)])


def play(instance: VmInstance, solution: VmSolution) -> Played:
    """Make the moves of a plan, one by one."""
    free, fragments = instance.free(), instance.terms.fragments
    before = free.copy()
    host, node = instance.host.tolist(), instance.node.tolist()
    room, usable = int(free.sum()), float(_weighted(free, fragments).sum())
    weight = sum(item.weight for item in fragments)
    rates = [weight - usable / room if room else 0.0]
    touched: dict[int, None] = {}
    told, made = [], []
    for vm, pm, target in zip(solution.vm.tolist(), solution.pm.tolist(), solution.node.tolist(), strict=False):
        exists = 0 <= vm < instance.num_vms and 0 <= pm < instance.num_pms and 0 <= target < NODES
        made.append(exists)
        if not exists:
            told.append(f"VM {vm}  to PM {pm}, node {target}: does not exist")
        else:
            source, old = host[vm], node[vm]
            told.append(_move_text(instance, vm, (source, old), (pm, target)))
            touched.update({source: None, pm: None})
            # only two PMs change
            pair = [source] if source == pm else [source, pm]
            room -= int(np.maximum(free[pair], 0).sum())
            usable -= float(_weighted(free[pair], fragments).sum())
            double = instance.nodes[vm] == NODES
            free[source, slice(None) if double else old] += instance.cpu[vm]
            free[pm, slice(None) if double else target] -= instance.cpu[vm]
            host[vm], node[vm] = pm, target
            room += int(np.maximum(free[pair], 0).sum())
            usable += float(_weighted(free[pair], fragments).sum())
        rates.append(weight - usable / room if room else 0.0)
    return Played(before, free, np.array(rates), list(touched), told, made)


def _weighted(free: Whole, fragments: Sequence[Fragment]) -> NDArray[np.float64]:
    """Cores of PMs that VMs of the sizes can use, times the weights, float64 ``[...]`` for free cores ``[..., 2]``."""
    room = np.maximum(free, 0)
    parts = [item.weight * item.size * item.slots(room) for item in fragments]
    result: NDArray[np.float64] = np.sum(parts, axis=0, dtype=np.float64)
    return result


def _usable(free: Whole, item: Fragment) -> Whole:
    """Free cores that VMs of a size can use, node by node, int64 ``[P, 2]``."""
    room = np.maximum(free, 0)
    part = item.size // item.nodes
    slots = room // part
    if item.nodes == NODES:
        slots = np.minimum(slots[:, :1], slots[:, 1:]).repeat(NODES, axis=1)
    usable: Whole = slots * part
    return usable


def _shown_pms(instance: VmInstance, played: Played, most: int) -> list[int]:
    """So many PMs: first those that the plan touches, then those with the largest fragments; by free cores before."""
    free = np.maximum(played.before, 0)
    fragment = (free - _usable(free, instance.terms.fragments[0])).sum(axis=1)
    order = [*played.touched, *np.argsort(-fragment, kind="stable").tolist()]
    chosen = np.array(sorted(list(dict.fromkeys(order))[:most]), np.int64)
    shown: list[int] = chosen[np.argsort(-free[chosen].sum(axis=1), kind="stable")].tolist()
    return shown


def _move_text(instance: VmInstance, vm: int, source: tuple[int, int], target: tuple[int, int]) -> str:
    name, cpu = _short(instance.vm_names[vm]), int(instance.cpu[vm])
    old, new = (_short(instance.pm_names[pm]) for pm, _ in (source, target))
    if instance.nodes[vm] == NODES:
        return f"{name}  {cpu}+{cpu} cores  {old} -> {new}"
    return f"{name}  {cpu} cores  {old}/{source[1]} -> {new}/{target[1]}"


def _told(moves: list[str]) -> list[str]:
    """The first moves, and how many more there are."""
    more = len(moves) - MOST_MOVES
    return [*moves[:MOST_MOVES], *([f"... and {more} more"] if more > 0 else [])]


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 2]}.."


def rate_label(instance: VmInstance) -> str:
    """How the fragment rate of an instance is called."""
    return "+".join(f"FR{item.size}" for item in instance.terms.fragments)


def _summary(instance: VmInstance, played: Played) -> str:
    free, count = int(played.before.sum()), len(played.moves)
    change = f"{rate_label(instance)} {played.rates[0]:.4f} -> {played.rates[-1]:.4f}"
    return f"{instance.name}: {count} move{'' if count == 1 else 's'}, {change}, {free} free cores"


def _draw_bars(axes: Axes, instance: VmInstance, free: Whole, shown: list[int]) -> None:
    capacity, free = instance.capacity[shown], free[shown]
    usable = _usable(free, instance.terms.fragments[0])
    parts = {"in use": capacity - free, "usable": usable, "fragment": np.maximum(free, 0) - usable}
    place = np.arange(len(shown))[:, None] + np.array([-0.2, 0.2])
    bottom = np.zeros(place.size)
    for name, height in parts.items():
        axes.bar(place.ravel(), height.ravel(), 0.36, bottom, color=COLOURS[name], label=name, linewidth=0)
        bottom = bottom + height.ravel()
    axes.set_xlim(-0.7, len(shown) - 0.3)
    axes.spines[["top", "right"]].set_visible(False)


def _name_pms(axes: Axes, instance: VmInstance, shown: list[int], touched: set[int]) -> None:
    size = 8 if len(shown) <= 40 else 6
    axes.set_xticks(range(len(shown)), [_short(instance.pm_names[pm]) for pm in shown], rotation=90, fontsize=size)
    axes.tick_params(axis="x", length=0)
    for pm, label in zip(shown, axes.get_xticklabels(), strict=True):
        label.set_parse_math(False)
        label.set_color("black" if pm in touched else "#999999")


def _draw_rates(axes: Axes, instance: VmInstance, rates: NDArray[np.float64]) -> None:
    axes.step(np.arange(len(rates)), rates, where="post", color=COLOURS["usable"], linewidth=1.5)
    axes.plot([len(rates) - 1], [rates[-1]], "o", color=COLOURS["usable"], markersize=4)
    goal = instance.terms.goal
    if goal is not None:
        axes.axhline(goal, color="black", linestyle="--", linewidth=0.8)
        axes.annotate(f"goal {goal:g}", (0, goal), xytext=(4, 3), textcoords="offset points", fontsize=8)
    axes.locator_params(axis="x", integer=True)
    axes.set_xlim(0, max(len(rates) - 1, 1) * 1.02)
    axes.set_xlabel("moves")
    axes.set_ylabel(rate_label(instance))
    axes.spines[["top", "right"]].set_visible(False)


def _list_moves(axes: Axes, moves: list[str]) -> None:
    axes.axis("off")
    text = "\n".join(_told(moves) or ["no moves"])
    axes.text(
        0, 1, text, size=7, family="monospace", va="top", transform=axes.transAxes, parse_math=False, clip_on=True
    )


def _bar(capacity: int, free: int, usable: int, columns: int) -> str:
    """A node in characters: whatever is there gets one at least, as far as they go."""
    if capacity == 0:
        return " " * columns
    used, fragment = min(capacity - free, capacity), max(free, 0) - usable
    cells = [columns * part / capacity for part in (used, usable, fragment)]
    whole = [max(round(cell), 1) if cell > 0 else 0 for cell in cells]
    while sum(whole) != columns:
        # the part that is furthest from its share gives or takes a character
        step = 1 if sum(whole) < columns else -1
        candidates = [k for k in range(3) if cells[k] > 0 and (step > 0 or whole[k] > 1)]
        worst = max(candidates, key=lambda k: step * (cells[k] - whole[k]))
        whole[worst] += step
    return "#" * whole[0] + "." * whole[1] + "x" * whole[2]


def _sparks(rates: NDArray[np.float64], columns: int) -> str:
    """Rates as a row of blocks, from the lowest to the highest of them; of many, as many as there is room for."""
    if len(rates) > columns:
        rates = rates[np.linspace(0, len(rates) - 1, columns).round().astype(np.int64)]
    low, high = float(rates.min()), float(rates.max())
    if high <= low:
        return SPARKS[0] * len(rates)
    level = ((rates - low) / (high - low) * (len(SPARKS) - 1)).round().astype(np.int64)
    return "".join(SPARKS[step] for step in level.tolist())
