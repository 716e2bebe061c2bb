"""What a run has measured since its files were written: a line for every record, safe as soon as it is written.

A line is ``["CHECKSUM", RECORD]``: the record as JSON, and the CRC-32 of its text in hexadecimal. A process that is
killed, or a disk that fills up, leaves at most one line torn, which the checksum tells. The first record, the header,
describes the run.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import time
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..envs.core.errors import InputError
from .json_files import parse_json

try:
    import fcntl
except ImportError:  # Windows has no such locks: there two runs on one folder are not noticed
    fcntl = None  # type: ignore[assignment]

JOURNAL_FILE = "journal.jsonl"
MAX_JOURNAL_BYTES = 512 * 2**20
SYNC_SHARE = 0.05  # of the time, at most, is spent waiting for the disk
HEADER_KEY = "journal"  # whose value is the number of the format
FORMAT = 1
OPENINGS = 10  # tries to open a journal that others delete meanwhile
PREFIX = len('["00000000",')


@dataclass(frozen=True)
class JournalContent:
    """What a journal holds.

    Attributes:
        header: The record that describes the run, an object with the key ``"journal"``; ``None`` where there is none.
        records: The others, oldest first.
        size: Bytes until the end of the last whole line.
        torn: Whether something follows it.
        damaged: How many whole lines have another checksum than they say; they are left out.
    """

    header: Any
    records: tuple[Any, ...]
    size: int
    torn: bool
    damaged: int


def to_line(record: Any) -> bytes:
    """A record as a line of a journal.

    Raises:
        ValueError: It holds NaN or an infinity.
    """
    text = json.dumps(record, separators=(",", ":"), allow_nan=False).encode()
    return b'["%08x",%s]\n' % (zlib.crc32(text), text)


def parse_journal(data: bytes) -> JournalContent:
    """The content of a journal file; never raises."""
    *lines, rest = data.split(b"\n")
    records, damaged = [], 0
    header = None
    for line in lines:
        text = line[PREFIX:-1]
        try:
            if line != b'["%08x",%s]' % (zlib.crc32(text), text):
                raise ValueError("wrong checksum")
            record = parse_json(text)
        except ValueError:
            damaged += 1
        else:
            if isinstance(record, dict) and HEADER_KEY in record:
                header = record
            else:
                records.append(record)
    return JournalContent(header, tuple(records), len(data) - len(rest), bool(rest), damaged)


class Journal:
    """A journal that is open for appending, by one process at a time.

    Args:
        path: Of the file; made where it is missing.

    Raises:
        InputError: It cannot be written, is not a plain file, or another run has it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle = self._open()
        self._start = self._end = os.fstat(self._handle).st_size
        self._due: list[Any] = []  # a header that a full disk did not take
        self._next_sync = 0.0

    def _open(self) -> int:
        """The file, locked.

        Whoever finishes deletes it and then lets go of it: what was opened before and is locked after that is no
        file of the folder any more, so the next one is opened.
        """
        # a link in a stranger's folder must not lead the writing elsewhere
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        for _ in range(OPENINGS):
            try:
                handle = os.open(self.path, flags, 0o666)
            except OSError as error:
                raise InputError(f"{self.path}: cannot be written ({error.strerror}); use another --out") from None
            try:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise InputError(f"{self.path}: is not a plain file; use another --out")
                self._lock(handle)
                if self._is_there(handle):
                    return handle
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)
        raise self._taken()

    def _lock(self, handle: int) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise self._taken() from None
        except OSError:
            pass  # some network file systems have no locks

    def _is_there(self, handle: int) -> bool:
        """Whether an open file is the one that has the name."""
        try:
            return os.path.samestat(os.fstat(handle), os.lstat(self.path))
        except FileNotFoundError:
            return False

    def _taken(self) -> InputError:
        return InputError(f"{self.path}: another run is writing to this folder; wait or use another --out")

    def read(self) -> JournalContent:
        """All that it holds; nothing is changed.

        Raises:
            InputError: It is implausibly large or cannot be read.
        """
        if self._end > MAX_JOURNAL_BYTES:
            raise InputError(f"{self.path}: larger than {MAX_JOURNAL_BYTES >> 20} MiB, not a journal of schedlab")
        try:
            with open(os.dup(self._handle), "rb") as file:
                file.seek(0)
                return parse_journal(file.read())
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read ({error.strerror})") from None

    def begin(self, header: Any) -> None:
        """Forget everything and write the header.

        Raises:
            OSError: The disk is full, ...; the header is written before what is appended next.
        """
        os.ftruncate(self._handle, 0)
        self._start = self._end = 0
        self._due = [header]
        self.append([])
        self._start = self._end

    def go_on(self, content: JournalContent, header: Any) -> None:
        """Drop the torn end of what was read, and append after it; write the header where there is none.

        Raises:
            OSError: The disk is full, ...; the header is written before what is appended next.
        """
        os.ftruncate(self._handle, content.size)
        self._end = content.size
        self._start = 0
        self._due = [header] if content.header is None else []
        self.append([])

    def append(self, records: Iterable[Any]) -> None:
        """Write records at the end; they are safe from the death of this process at once, and on the disk very soon.

        The disk is waited for after every call, unless that would take more than :data:`SYNC_SHARE` of the time.

        Raises:
            OSError: They could not be written; none of them stays.
        """
        data = memoryview(b"".join(map(to_line, [*self._due, *records])))
        if not data:
            return
        written = 0
        try:
            while written < len(data):
                written += os.write(self._handle, data[written:])
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, self._end)
            raise
        self._due = []
        self._end += written
        began = time.monotonic()
        if began >= self._next_sync:
            os.fsync(self._handle)
            ended = time.monotonic()
            self._next_sync = ended + (ended - began) / SYNC_SHARE

    def clear(self, header: Any) -> None:
        """Forget the records, which have been written elsewhere; the header stays.

        Raises:
            OSError: The disk fails.
        """
        if self._start:
            os.ftruncate(self._handle, self._start)
            self._end = self._start
        else:
            self.begin(header)

    def remove(self) -> None:
        """Delete the file, which is not needed any more; it must still be closed.

        Raises:
            OSError: It cannot be deleted.
        """
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let other runs have it."""
        os.close(self._handle)
