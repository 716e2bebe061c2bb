"""How the C library hands out memory while training."""

from __future__ import annotations

import ctypes
import sys

# numbers of parameters in glibc's malloc.h
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
TOP_PAD = 64 * 2**20


def keep_freed_memory() -> bool:
    """Keep memory that was freed instead of returning it to the system at once.

    Every update frees and asks for the same megabytes again, and the system clears each page anew: a fifth of the time
    of an update on the CPU. Only glibc knows these settings; elsewhere nothing happens.

    Returns:
        Whether it was done.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    settings = ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, 2**31 - 1), (M_TOP_PAD, TOP_PAD))
    return all(mallopt(name, value) == 1 for name, value in settings)
