"""SciPy's solvers, loaded when first needed: they take a third of a second, which ``schedlab --help`` need not wait."""

from __future__ import annotations

from typing import Any


def import_scipy() -> Any:
    """The modules ``scipy.optimize`` and ``scipy.sparse``; solvers ask when made, before a clock runs."""
    from scipy import optimize, sparse

    return optimize, sparse
