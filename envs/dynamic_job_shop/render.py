"""Pictures of a run: how full the shop was, and how late its jobs were."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.figures import new_figure
from .check import completions
from .instance import DynamicJobShopInstance
from .solution import DynamicJobShopSolution

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEVELS = " .:-=+*#%@"


def _flow(
    instance: DynamicJobShopInstance, solution: DynamicJobShopSolution
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Release and completion of each job (-1 if it did not finish), and when the last operation ended."""
    end = completions(instance, solution.start)
    return instance.shop.release, end[instance.shop.first_operation[1:] - 1], int(end.max(initial=0))


def _present(
    release: NDArray[np.int64], completion: NDArray[np.int64], times: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Jobs in the shop at some times."""
    done = np.sort(completion[completion >= 0])
    count: NDArray[np.int64] = np.searchsorted(release, times, "right") - np.searchsorted(done, times, "right")
    return count


def _summary(instance: DynamicJobShopInstance, completion: NDArray[np.int64]) -> str:
    chosen = slice(instance.first_recorded, instance.last_recorded + 1)
    done = completion[chosen] >= 0
    if not done.any():
        return f"{instance.name}: no recorded job is finished"
    late = np.maximum(completion[chosen] - instance.due[chosen], 0)[done]
    part = "" if done.all() else f" of the {int(done.sum())} finished"
    return (
        f"{instance.name}: {instance.num_recorded} recorded jobs; mean tardiness{part} {late.mean():.1f}, "
        f"tardy {(late > 0).mean():.1%}, at most {int(late.max())}"
    )


def draw_run(instance: DynamicJobShopInstance, solution: DynamicJobShopSolution, title: str = "") -> Figure:
    """Above, jobs in the shop over time, and the breakdowns; below, the tardiness of every job by its arrival.

    Raises:
        InputError: matplotlib is not installed.
    """
    release, completion, over = _flow(instance, solution)
    figure = new_figure(10, 6)
    above, below = figure.subplots(2, 1, sharex=True)
    times = np.linspace(0, max(over, 1), 2000)
    above.plot(times, _present(release, completion, times), linewidth=0.8, color="#4c78a8")
    above.set_ylabel("jobs in the shop")
    above.set_ylim(bottom=0)
    _mark_breakdowns(above, instance, over)
    done = completion >= 0
    late = np.maximum(completion - instance.due, 0)
    job = np.arange(len(release))
    recorded = (job >= instance.first_recorded) & (job <= instance.last_recorded)
    for chosen, colour, label in ((~recorded, "#bbbbbb", "not recorded"), (recorded, "#e45756", "recorded")):
        shown = chosen & done
        if shown.any():
            below.scatter(release[shown], late[shown], s=4, color=colour, linewidths=0, label=label)
    if done.any():
        below.legend(frameon=False, fontsize=8, markerscale=3, loc="upper left")
    below.set_ylabel("tardiness")
    below.set_xlabel("time (of arrival, for tardiness)")
    below.set_xlim(0, max(over, 1))
    below.set_ylim(bottom=0)
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
    above.set_title(title or _summary(instance, completion), fontsize=10)
    return figure


def _mark_breakdowns(axes: Axes, instance: DynamicJobShopInstance, over: int) -> None:
    """A stroke for every time that a machine is down, a line per machine, at the top of the picture."""
    used = [intervals[intervals[:, 0] < over] for intervals in instance.down]
    if not any(len(intervals) for intervals in used):
        return
    for machine, intervals in enumerate(used):
        height = 0.99 - 0.012 * machine
        axes.hlines(
            np.full(len(intervals), height), intervals[:, 0], intervals[:, 1], color="black", linewidth=1.5,
            transform=axes.get_xaxis_transform(),
        )  # fmt: skip
    axes.text(1.0, 1.0, "machines down", transform=axes.transAxes, size=7, ha="right", va="bottom")


def draw_run_text(instance: DynamicJobShopInstance, solution: DynamicJobShopSolution, width: int = 100) -> str:
    """Jobs in the shop over time as one line of characters, from few (blank) to the most (``@``).

    Args:
        instance: The run's jobs.
        solution: Start times; may be partial.
        width: Characters per line.
    """
    release, completion, over = _flow(instance, solution)
    columns = max(width - 2, 10)
    present = _present(release, completion, np.linspace(0, max(over, 1), columns))
    most = max(int(present.max()), 1)
    line = "".join(LEVELS[int(count) * (len(LEVELS) - 1) // most] for count in present)
    head = _summary(instance, completion)
    return "\n".join([head, f"|{line}|", f"0{f'time {over}; at most {most} jobs in the shop'.rjust(columns + 1)}"])
