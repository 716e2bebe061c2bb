"""The picture of performance profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..envs.core.figures import distinct_colours
from .plots import LEGEND_SIZE, figure_with_legend, name_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .comparison import Profiles

WIDEST_FACTOR = 2.0  # further right agents differ in what nobody would use


def draw_profiles(profiles: Profiles, title: str) -> Figure:
    """One rising line per agent: on which share of the instances it is within a factor of the best.

    Args:
        profiles: What to draw.
        title: Above the picture.
    """
    agents = sorted(profiles.shares, key=lambda agent: -float(np.mean(profiles.shares[agent])))
    figure = figure_with_legend(6.5, 5, agents)
    axes = figure.add_subplot()
    end = min(float(profiles.factors[-1]) * 1.02, WIDEST_FACTOR)
    for agent, colour in zip(agents, distinct_colours(len(agents)), strict=True):
        # the last share holds on to the edge
        factors, shares = (
            np.append(profiles.factors, 1e9),
            np.append(profiles.shares[agent], profiles.shares[agent][-1]),
        )
        axes.step(factors, shares, where="post", color=colour, linewidth=1.4, label=agent)
    axes.set(xlim=(1.0, max(end, 1.001)), ylim=(0, 1.02))
    axes.set_xlabel("factor of the best objective that any of these agents found")
    axes.set_ylabel("share of the instances within it")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper", fontsize=LEGEND_SIZE, frameon=False)
    name_picture(axes, title, f"performance profiles over {profiles.count} instances")
    return figure
