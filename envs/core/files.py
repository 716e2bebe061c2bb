"""Reading files with clear errors, and writing them so that nobody ever finds half of one."""

from __future__ import annotations

import errno
import os
import re
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from .errors import InputError

MAX_TEXT_BYTES = 64 * 2**20
LONGEST_NAME = 200  # characters
TEMPORARY_SUFFIX = ".tmp"
LEFTOVER = re.compile(r"\..+\.[a-z0-9_]{8}\.tmp")  # as mkstemp makes them
OLD_SECONDS = 600.0


def read_text(path: Path) -> str:
    """The content of an instance file.

    Raises:
        InputError: The file is missing, unreadable, not a plain file, implausibly large or not text.
    """
    try:
        return read_limited(path, MAX_TEXT_BYTES, "an instance file").decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file") from None


def read_limited(path: Path, most: int, what: str) -> bytes:
    """The content of a plain file that may come from a stranger.

    Args:
        path: The file. Links are followed; pipes and devices, which may never end, are refused without waiting.
        most: Bytes above which it is not read.
        what: It should be, for messages: ``"an instance file"``.

    Raises:
        InputError: It is missing, unreadable, no plain file or too large.
    """
    try:
        # a pipe that nobody writes to would keep an ordinary open waiting
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            os.close(handle)
            kind = "a folder" if stat.S_ISDIR(mode) else "a pipe or a device"
            raise InputError(f"{path}: is {kind}, not {what}")
        with open(handle, "rb") as file:
            data = file.read(most + 1)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except InputError:
        raise
    except ValueError:  # a name with a null byte
        raise InputError(f"{str(path)!r}: no such file") from None
    if len(data) > most:
        raise InputError(f"{path}: larger than {most >> 20} MiB, not {what}")
    return data


def name_of(path: Path) -> str:
    """What an instance is called after its file: the name without its ending, safe to print and not too long."""
    name = "".join(letter if letter.isprintable() else "?" for letter in path.stem)
    return name[:LONGEST_NAME] or "instance"


def stamp(path: Path) -> tuple[int, int]:
    """When a file changed and its size, zeros where there is none: what is kept of it is good as long as these stay."""
    try:
        about = path.stat()
    except OSError:
        return 0, 0
    return about.st_mtime_ns, about.st_size


def write_atomically(path: Path, content: str | bytes, previous: Path | None = None) -> None:
    """Write a file so that it is either the old or the new one, also after a crash, a kill or a loss of power.

    Args:
        path: The file.
        content: All that it shall hold; text as UTF-8.
        previous: Where the old file goes, in the same folder; a kill may leave it there with no new one in its place.

    Raises:
        OSError: It cannot be written, for example on a full disk; names ``path``, and leaves the old file.
    """
    data = content.encode() if isinstance(content, str) else content
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=TEMPORARY_SUFFIX)
        try:
            rest = memoryview(data)
            while len(rest):
                rest = rest[os.write(handle, rest) :]
            os.fsync(handle)
        finally:
            os.close(handle)
        os.chmod(temporary, 0o666 & ~_umask())  # temporary files are private; results are not
        if previous is not None and path.exists():
            os.replace(path, previous)
        os.replace(temporary, path)
        sync_folder(path.parent)
    except BaseException as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None:
            # the system names the temporary file, or none
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def sync_folder(folder: Path) -> None:
    """Make the names of files that were moved or removed in a folder survive a loss of power.

    Systems that cannot do that for folders are left alone.
    """
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        os.close(handle)


def is_leftover(path: Path) -> bool:
    """Whether a file is what :func:`write_atomically` leaves when it is killed, or is writing now."""
    return LEFTOVER.fullmatch(path.name) is not None


def remove_leftovers(folder: Path, older_than: float = OLD_SECONDS) -> list[str]:
    """Remove what writers that were killed have left in a folder.

    Args:
        folder: The folder; what lies in folders below is left alone.
        older_than: Seconds; younger files may belong to somebody who is writing now.

    Returns:
        The names of the files removed.
    """
    removed = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        with suppress(OSError):  # gone already, or not ours to remove: no reason to fail
            if is_leftover(path) and time.time() - path.stat().st_mtime >= older_than:
                path.unlink()
                removed.append(path.name)
    return removed


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
