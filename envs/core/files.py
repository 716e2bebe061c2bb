"""Reading files with clear errors, and writing them so that nobody ever finds half of one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from .errors import InputError

MAX_TEXT_BYTES = 64 * 2**20


def read_text(path: Path) -> str:
    """The content of an instance file.

    Raises:
        InputError: The file is missing, unreadable, implausibly large or not text.
    """
    try:
        if path.is_file() and path.stat().st_size > MAX_TEXT_BYTES:
            raise InputError(f"{path}: larger than {MAX_TEXT_BYTES >> 20} MiB, not an instance file")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder, not an instance file") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def stamp(path: Path) -> tuple[int, int]:
    """When a file changed and its size, zeros where there is none: what is kept of it is good as long as these stay."""
    try:
        about = path.stat()
    except OSError:
        return 0, 0
    return about.st_mtime_ns, about.st_size


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file so that it is either the old or the new one, also after a crash."""
    data = content.encode() if isinstance(content, str) else content
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())  # temporary files are private; results are not
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
