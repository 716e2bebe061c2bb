"""Telling that there is no memory left, in whichever words a library says so."""

from __future__ import annotations

# torch's allocators of CPU and GPU memory, CUDA's libraries and C++; numpy raises a MemoryError
NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "alloc_failed", "bad_alloc")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that the machine, or a GPU, has no memory left."""
    if isinstance(error, RuntimeError):  # as all of torch's are
        return any(words in str(error).lower() for words in NO_MEMORY)
    return isinstance(error, MemoryError)
