"""Ends a process at a chosen moment, or makes the disk fail at one."""

import errno
import os
import signal
import warnings

# the calls by which files are written here; ``os.open`` is how the tempfile module makes its files
CALLS = ("open", "write", "fsync", "close", "chmod", "replace", "unlink", "mkdir")


def count_calls(act):
    """Call ``act(number, name, arguments, call)`` in place of every writing call of this process."""
    number = 0
    for name in CALLS:
        usual = getattr(os, name)

        def call(*arguments, name=name, usual=usual, **named):
            nonlocal number
            number += 1
            return act(number, name, arguments, lambda *given: usual(*(given or arguments), **named))

        setattr(os, name, call)


def killed_at(moment, work, half=False):
    """Do the work in a child that is killed with signal 9 just before its ``moment``-th writing call.

    Args:
        moment: Counted from 1.
        work: What to do.
        half: If that call writes, half of it is written first.

    Returns:
        Whether it was killed; ``False`` if it ended before.
    """

    def act(number, name, arguments, call):
        if number != moment:
            return call()
        if half and name == "write":
            call(arguments[0], arguments[1][: len(arguments[1]) // 2])
        os.kill(os.getpid(), signal.SIGKILL)

    with warnings.catch_warnings():
        # Python 3.12 warns where other threads run; the child needs none of them
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            count_calls(act)
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


class FailingDisk:
    """A disk that is full: every write fails while ``full`` is set, and nothing else does.

    Args:
        monkeypatch: Pytest's.
        code: Number of the error.

    Attributes:
        failures: How many writes have failed.
    """

    def __init__(self, monkeypatch, code=errno.ENOSPC):
        self.full, self.failures, self._code = True, 0, code
        usual = os.write

        def write(handle, data):
            if self.full and handle > 2:
                self.failures += 1
                raise OSError(self._code, os.strerror(self._code))
            return usual(handle, data)

        monkeypatch.setattr(os, "write", write)
