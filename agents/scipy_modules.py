"""SciPy, which is an extra: only some solvers need it."""

from __future__ import annotations

from typing import Any

from ..envs.core.errors import InputError


def import_scipy(who: str) -> Any:
    """The modules ``scipy.optimize`` and ``scipy.sparse``.

    Args:
        who: Who cannot do without, with its verb, for the message: ``"mip needs"``.

    Raises:
        InputError: SciPy is not installed.
    """
    try:
        from scipy import optimize, sparse
    except ImportError as error:
        raise InputError(f"{who} SciPy: pip install 'schedlab[solvers]'") from error
    return optimize, sparse
