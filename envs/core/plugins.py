"""Problems and agents of other packages: modules that register them when they are imported.

An installed package names its module as an entry point of the group ``schedlab.plugins``::

    [project.entry-points."schedlab.plugins"]
    knapsack = "my_package.knapsack"

Only installed packages and modules that the user names are imported, never anything that a data file says.
"""

from __future__ import annotations

import importlib
import warnings
from functools import cache
from importlib.metadata import entry_points

from .errors import InputError

GROUP = "schedlab.plugins"


@cache
def load_plugins() -> tuple[str, ...]:
    """Import the plugins of installed packages, once, and return the names of those that could be.

    One that fails is left out with a warning, so that a broken package does not take the others along.
    """
    loaded = []
    for point in sorted(entry_points(group=GROUP)):
        try:
            point.load()
        except Exception as error:  # whatever a stranger's module does
            warnings.warn(f"plugin {point.name} ({point.value}) left out: {error!r}", RuntimeWarning, stacklevel=2)
        else:
            loaded.append(point.name)
    return tuple(loaded)


def import_plugin(module: str) -> None:
    """Import a module that registers problems or agents.

    Raises:
        InputError: That is no name of a module, there is no such module, or it registers what is refused.
    """
    # of these names importlib says ValueError or TypeError, as the module's own lines may
    if not (all(module.split(".")) and module.isprintable()):
        raise InputError(f"plugin {module!r}: not the name of a module; write it as in an import, with dots")
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if not f"{module}.".startswith(f"{error.name}."):
            raise  # the plugin is there, something that it needs is not
        raise InputError(f"plugin {module!r}: no such module; install it or put its folder on PYTHONPATH") from error
