"""Maps of vertiports, of the routes between them, and of aircraft."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .activity import KINDS, Activity, Moment
from .instance import Real, UamInstance

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's scale for the colour-blind, and grey
COLOURS = dict(zip(KINDS, ("#0072b2", "#56b4e9", "#e69f00", "#009e73", "#d55e00", "#b3bac1"), strict=True))
INK, ROUTE, NODE = "#333333", "#8a97a3", "#5b6670"
LONGEST_NAME = 14  # characters
WIDEST_ROUTE = 7.0  # points
NODE_RADII = (4.0, 11.0)  # points, of the least and the most traffic
DOT, ROOM = 5.0, 6.0  # points, of an aircraft on the ground, and between two of them
MOST_RINGS = 22.0  # points beyond the node: more aircraft get smaller dots
DART = np.array([(6.5, 0.0), (-4.5, 4.0), (-2.3, 0.0), (-4.5, -4.0)])  # an aircraft flying east, points
MARGIN, FOOT = 34.0, 18.0  # points around the outermost vertiports, and more below for notes
LETTER, LINE = 0.58, 1.25  # of a font's size


@dataclass(frozen=True)
class Sheet:
    """A map's frame.

    Attributes:
        instance: The day.
        width: Points.
        height: Points.
        middle: Miles east and north.
        scale: Miles per point.
    """

    instance: UamInstance
    width: float
    height: float
    middle: tuple[float, float]
    scale: float

    @classmethod
    def of(cls, instance: UamInstance, width: float, height: float) -> Sheet:
        """The frame of so many inches in which all vertiports are seen."""
        spans = [float(np.ptp(values)) for values in (instance.x, instance.y)]
        sizes = [72 * width, 72 * height]
        rooms = [sizes[0] - 2 * MARGIN, sizes[1] - 2 * MARGIN - FOOT]
        # vertiports may all be in one place
        scale = max(span / room for span, room in zip(spans, rooms, strict=True)) or 0.01
        middle = (float(instance.x.min()) + spans[0] / 2, float(instance.y.min()) + (spans[1] - FOOT * scale) / 2)
        return cls(instance, sizes[0], sizes[1], middle, scale)

    @property
    def points(self) -> Real:
        """Where vertiports are, points from the lower left corner, float64 ``[V, 2]``."""
        corner = np.array([self.width, self.height]) / 2
        place: Real = (np.stack([self.instance.x, self.instance.y], axis=1) - self.middle) / self.scale
        return place + corner

    def frame(self, axes: Axes) -> None:
        """Set up axes of this size, with a bar for the scale."""
        x, y = self.middle
        half_x, half_y = self.scale * self.width / 2, self.scale * self.height / 2
        axes.set_xlim(x - half_x, x + half_x)
        axes.set_ylim(y - half_y, y + half_y)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_facecolor("#f7f8f9")
        for spine in axes.spines.values():
            spine.set_color("#d5d9dd")
        step = 10.0 ** np.floor(np.log10(self.scale * self.width / 3))
        miles = step * max(part for part in (1, 2, 5) if part * step <= self.scale * self.width / 3)
        left, low = x - half_x + 12 * self.scale, y - half_y + 12 * self.scale
        axes.plot([left, left + miles], [low, low], color=INK, linewidth=1.5, solid_capstyle="butt")
        axes.text(left + miles / 2, low + 4 * self.scale, f"{miles:g} mi", fontsize=8, ha="center", color=INK)


def short(name: str) -> str:
    """A name that fits."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 2]}.."


def traffic_radii(activity: Activity) -> Real:
    """Points, by the flights that leave and come, float64 ``[V]``."""
    count = np.bincount(activity.flights[:, 1:3].ravel(), minlength=activity.instance.num_vertiports)
    low, high = NODE_RADII
    radii: Real = low + (high - low) * np.sqrt(count / max(count.max(), 1))
    return radii


def draw_routes(axes: Axes, activity: Activity, time: float) -> None:
    """Lines between vertiports, as wide as passengers have flown either way; dashed where there were flights only.

    The widest line is the one that is busiest in the end, so that lines grow from frame to frame.
    """
    from matplotlib.collections import LineCollection
    from matplotlib.colors import to_rgb

    instance, flights = activity.instance, activity.flights
    pairs, which = np.unique(np.sort(flights[:, 1:3], axis=1), axis=0, return_inverse=True)
    which, told = which.ravel(), flights[:, 3] <= time
    in_the_end = np.bincount(which, weights=flights[:, 7], minlength=len(pairs)).max(initial=1)
    carried = np.bincount(which[told], weights=flights[told, 7], minlength=len(pairs))
    flown = np.bincount(which[told], minlength=len(pairs)) > 0
    share = np.clip(carried / in_the_end, 0, 1)
    segments = np.stack([instance.x[pairs], instance.y[pairs]], axis=2)
    widths = 0.5 + (WIDEST_ROUTE - 0.5) * share
    # what is busy stands out, and lies above
    shades = [(*to_rgb(ROUTE), 0.15 + 0.45 * part**2) for part in share.tolist()]
    order = np.argsort(share, kind="stable")
    for busy, style in ((True, "solid"), (False, "dashed")):
        chosen = order[((share > 0) == busy)[order] & flown[order]]
        colours = [shades[pair] for pair in chosen]
        lines = LineCollection(
            list(segments[chosen]), colors=colours, linewidths=widths[chosen], linestyles=style, zorder=1
        )
        axes.add_collection(lines)
    notes = ["squares: no charger"] if (instance.chargers == 0).any() else []
    most = int(carried.max(initial=0))
    notes += [f"widest line: {most} passenger{'' if most == 1 else 's'}"] if most > 0 else []
    axes.annotate(
        "; ".join(notes), (1, 0), (-8, 8), "axes fraction", "offset points", ha="right", va="bottom", fontsize=8,
        color=INK,
    )  # fmt: skip


def draw_ports(axes: Axes, instance: UamInstance, radii: Real) -> None:
    """Vertiports as discs of so many points, vertistops as white squares."""
    for stops, marker in ((False, "o"), (True, "s")):
        chosen = (instance.chargers == 0) == stops
        size = 2 * radii[chosen] * (0.88 if stops else 1.0)  # of equal area
        axes.scatter(
            instance.x[chosen], instance.y[chosen], s=size**2, marker=marker, zorder=4, linewidths=1.3,
            color="white" if stops else NODE, edgecolors=NODE if stops else "white",
        )  # fmt: skip


def name_ports(axes: Axes, sheet: Sheet, radii: Real) -> None:
    """Names beside vertiports that take ``radii`` points, where they hide least."""
    from matplotlib.patheffects import withStroke

    instance, size = sheet.instance, 8.0 if sheet.instance.num_vertiports <= 30 else 6.5
    place = sheet.points
    taken = [(x - r, y - r, x + r, y + r) for (x, y), r in zip(place.tolist(), radii.tolist(), strict=True)]
    for port, name in enumerate(map(short, instance.vertiports)):
        width, height = LETTER * size * len(name), LINE * size
        boxes = [_beside(place[port], radii[port] + 1.5, side, width, height) for side in SIDES]
        box = min(boxes, key=lambda box: _hidden(box, taken, sheet))
        taken.append(box)
        middle = np.array([box[0] + box[2], box[1] + box[3]]) / 2 - (sheet.width / 2, sheet.height / 2)
        east, north = np.array(sheet.middle) + sheet.scale * middle
        axes.text(
            east, north, name, fontsize=size, ha="center", va="center", color=INK, zorder=7, parse_math=False,
            path_effects=[withStroke(linewidth=2, foreground="white", alpha=0.85)],
        )  # fmt: skip


Box = tuple[float, float, float, float]
SIDES = ((0, 1), (1, 0), (0, -1), (-1, 0), (0.75, 0.75), (0.75, -0.75), (-0.75, -0.75), (-0.75, 0.75))


def _beside(place: Real, away: float, side: tuple[float, float], width: float, height: float) -> Box:
    """Left, lower, right and upper edge of a box on a side of a place."""
    x = float(place[0]) + side[0] * away + width / 2 * np.sign(side[0])
    y = float(place[1]) + side[1] * away + height / 2 * np.sign(side[1])
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _hidden(box: Box, taken: list[Box], sheet: Sheet) -> float:
    """Square points of others that a box hides, and of its own that are off the sheet."""
    left, low, right, high = box
    area = (right - left) * (high - low)
    inside = max(min(right, sheet.width) - max(left, 0), 0) * max(min(high, sheet.height) - max(low, 0), 0)
    hidden = 4 * (area - inside)
    for other in taken:
        across, up = min(right, other[2]) - max(left, other[0]), min(high, other[3]) - max(low, other[1])
        hidden += across * up if across > 0 and up > 0 else 0.0
    return hidden


# --- aircraft


def ring_radii(activity: Activity, nodes: Real, samples: int = 48) -> Real:
    """Points that vertiports with the aircraft around them take at most, float64 ``[V]``."""
    ports = activity.instance.num_vertiports
    most = np.zeros(ports, np.int64)
    for time in np.linspace(0, activity.until, samples):
        port = activity.moment(float(time)).port
        most = np.maximum(most, np.bincount(port[port >= 0], minlength=ports))
    return np.array([_rings(float(nodes[port]), int(most[port]))[2] for port in range(ports)])


def _rings(node: float, count: int) -> tuple[Real, float, float]:
    """Points from a node's middle to each of so many dots, their size relative to the usual one, and the radius."""
    part = 1.0
    while True:
        room, radius, left = part * ROOM, node, count
        places: list[Real] = []
        while left > 0:
            radius += room if places else 0.5 * room + 1.5
            fits = max(int(2 * np.pi * radius / room), 1)
            angle = np.pi / 2 - 2 * np.pi * np.arange(min(fits, left)) / fits
            places.append(radius * np.stack([np.cos(angle), np.sin(angle)], axis=1))
            left -= fits
        outer = radius + (0.5 * part * DOT if places else 0.0)
        if outer <= node + MOST_RINGS or part < 0.1:
            return np.concatenate([np.zeros((0, 2)), *places]), part, outer
        part *= 0.85


def draw_aircraft(axes: Axes, sheet: Sheet, moment: Moment, nodes: Real) -> None:
    """Aircraft around the vertiports where they stand, take off or land, else as darts, a little right of their way."""
    from matplotlib.collections import PathCollection
    from matplotlib.path import Path
    from matplotlib.transforms import Affine2D

    instance, shades = sheet.instance, np.array(list(COLOURS.values()))
    places: list[Real] = [np.zeros((0, 2))]
    sizes: list[Real] = [np.zeros(0)]
    colours = [shades[:0]]
    for port in range(instance.num_vertiports):
        kinds = np.sort(moment.kind[moment.port == port])
        around, part, _ = _rings(float(nodes[port]), len(kinds))
        places.append(np.array([instance.x[port], instance.y[port]]) + sheet.scale * around)
        sizes.append(np.full(len(kinds), (DOT * part) ** 2))
        colours.append(shades[kinds])
    x, y = np.concatenate(places).T
    axes.scatter(
        x, y, s=np.concatenate(sizes), color=np.concatenate(colours).tolist(), zorder=5, linewidths=0.3,
        edgecolors="white",
    )  # fmt: skip

    flying = np.flatnonzero(moment.port < 0)
    angle = moment.heading[flying]
    turn = np.stack([np.cos(angle), np.sin(angle), -np.sin(angle), np.cos(angle)], axis=1).reshape(-1, 2, 2)
    aside = 3.5 * sheet.scale * np.stack([np.sin(angle), -np.cos(angle)], axis=1)
    darts = PathCollection(
        [Path(corners, closed=False) for corners in DART @ turn],
        offsets=np.stack([moment.x[flying], moment.y[flying]], axis=1) + aside,
        offset_transform=axes.transData,
        facecolors=shades[moment.kind[flying]].tolist(),
        edgecolors="white",
        linewidths=0.5,
        zorder=6,
    )
    # a dart's corners are points
    darts.set_transform(Affine2D().scale(1 / 72) + axes.figure.dpi_scale_trans)
    axes.add_collection(darts)
