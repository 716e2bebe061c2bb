"""Figures to pixels and files, without a display and without pyplot's global state."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURE_FORMATS = (".png", ".svg", ".pdf")
QUALITATIVE_COLOURS = 20  # of matplotlib's largest scale of unordered colours


def check_matplotlib() -> None:
    """Refuse to draw where there is nothing to draw with, before the work is done.

    Raises:
        InputError: matplotlib is not installed.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise InputError("pictures need matplotlib: pip install 'schedlab[plots]'") from error


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of that size in inches.

    Raises:
        InputError: matplotlib is not installed.
    """
    check_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def distinct_colours(count: int) -> list[tuple[float, float, float]]:
    """Colours, as RGB fractions, that tell ``count`` things apart; from 21 things on, steps of a continuous scale."""
    from matplotlib import colormaps

    if count <= QUALITATIVE_COLOURS:
        # the strong half of tab20 first, so that ten things get ten clearly different colours
        order = [*range(0, 20, 2), *range(1, 20, 2)]
        shades = [colormaps["tab20"](order[index]) for index in range(count)]
    else:
        shades = [colormaps["turbo"](0.05 + 0.9 * index / (count - 1)) for index in range(count)]
    return [(red, green, blue) for red, green, blue, _ in shades]


def figure_to_array(figure: Figure, dpi: int = 100) -> NDArray[np.uint8]:
    """Render a figure to RGB pixels, uint8 ``[height, width, 3]``."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    return pixels[:, :, :3].copy()


def check_picture_path(path: Path) -> None:
    """Refuse a picture file that could not be written, before the work is done.

    Raises:
        InputError: Unknown suffix or missing folder.
    """
    if path.suffix.lower() not in PICTURE_FORMATS:
        raise InputError(f"{path}: pictures end in {', '.join(PICTURE_FORMATS)}, not {path.suffix or 'nothing'!r}")
    if not path.resolve().parent.is_dir():
        raise InputError(f"{path}: the folder {path.resolve().parent} does not exist; make it first")


def save_figure(figure: Figure, path: Path, dpi: int = 120) -> None:
    """Write a figure as PNG, SVG or PDF, by the suffix.

    Raises:
        InputError: Unknown suffix or missing folder.
    """
    check_picture_path(path)
    figure.savefig(path, dpi=dpi)
