"""The picture of budgets: what the best agent of each kind reaches, against the seconds that there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..envs.core.figures import new_figure
from .budgets import HINDSIGHT, KINDS, OBJECTIVE, Cell, Measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which colour-blind readers can tell apart
LOOKS = {
    "rule": ("#E69F00", "s"),
    "search": ("#009E73", "^"),
    "exact": ("#0072B2", "D"),
    "learned": ("#D55E00", "o"),
    HINDSIGHT: ("#888888", "x"),
}
FAR_APART = 5  # ratio of the largest to the smallest number from which an axis is logarithmic
SIDEWAYS = 0.022  # decades between the kinds at one budget, so that their intervals do not cover one another


def draw_budgets(cells: Sequence[Cell], measured: Measured, title: str, per: str) -> Figure:
    """A line per kind over the budgets, with intervals; a ring around the best kind of each budget.

    Agents are named where they change. The vertical axis is logarithmic where all numbers are positive and far apart.

    Args:
        cells: Of :func:`~schedlab.eval.budgets.best_of_each_kind`.
        measured: What they are made of.
        title: Above the picture.
        per: What a budget is for: ``"decision"`` or ``"instance"``.
    """
    figure = new_figure(7.5, 4.6)
    axes = figure.add_subplot()
    scale = 1.0 if measured.what == OBJECTIVE else 100.0
    rings: list[tuple[float, float]] = []
    for place, kind in enumerate((*KINDS, HINDSIGHT)):
        if own := [cell for cell in cells if cell.kind == kind]:
            shift = 10 ** (SIDEWAYS * (place - 2))
            _draw_kind(axes, own, scale, shift)
            rings += [(cell.budget * shift, scale * cell.mean) for cell in own if cell.best]
    axes.scatter(
        [x for x, _ in rings], [y for _, y in rings],
        s=220, facecolors="none", edgecolors="black", linewidths=1.2, zorder=5, label="best mean",
    )  # fmt: skip
    axes.set_xscale("log")
    axes.set_xticks(measured.budgets, [_seconds(budget) for budget in measured.budgets])
    axes.set_xlim(measured.budgets[0] / 1.5, measured.budgets[-1] * 2.5)  # room for names on the right
    axes.minorticks_off()
    _scale_vertically(
        axes, scale * np.array([bound for cell in cells for bound in (cell.mean, *(cell.interval or ()))])
    )
    axes.set_xlabel(f"budget per {per}")
    unit, better = "" if measured.what == OBJECTIVE else " in %", "less" if measured.lower_is_better else "more"
    axes.set_ylabel(f"{measured.what}{unit}, {better} is better")
    axes.set_title(title, loc="left", fontsize=10)
    axes.grid(alpha=0.3)
    axes.margins(y=0.14)
    figure.legend(loc="outside lower center", ncols=6, fontsize=8, frameon=False, markerscale=0.8)
    return figure


def _scale_vertically(axes: Axes, drawn: NDArray[np.float64]) -> None:
    """Logarithmic where numbers are positive and far apart, with 0.1 rather than a power of ten beside the axis."""
    if not len(drawn) or drawn.min() <= 0 or drawn.max() < FAR_APART * drawn.min():
        return
    from matplotlib.ticker import LogLocator

    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda number, _: f"{number:,.12g}")
    if drawn.max() < 1000 * drawn.min():
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.tick_params(axis="y", which="minor", left=False, labelleft=False)


def _draw_kind(axes: Axes, cells: Sequence[Cell], scale: float, shift: float) -> None:
    colour, marker = LOOKS[cells[0].kind]
    seconds = [cell.budget * shift for cell in cells]
    means = np.array([scale * cell.mean for cell in cells])
    spans = [cell.interval or (cell.mean, cell.mean) for cell in cells]
    # rounding must not make a length negative
    errors = np.maximum([[m - scale * low, scale * high - m] for m, (low, high) in zip(means, spans, strict=True)], 0.0)
    axes.errorbar(
        seconds, means, yerr=errors.T, color=colour, marker=marker, markersize=5, linewidth=1.4, elinewidth=0.8,
        capsize=2, label=cells[0].kind,
    )  # fmt: skip
    # names of kinds that are close do not cover one another
    before, above = "", 5 if cells[0].kind in ("rule", "learned") else -11
    for cell, x, mean in zip(cells, seconds, means, strict=True):
        if cell.agent != before:
            axes.annotate(cell.agent, (x, mean), (5, above), textcoords="offset points", fontsize=7, color=colour)
        before = cell.agent


def _seconds(budget: float) -> str:
    return f"{1000 * budget:g} ms" if budget < 1 else f"{budget:g} s"
