# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Writing files: a full disk or a killed program never leaves half a file, and a file never
replaces a device or a pipe."""

import contextlib
import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from .errors import SemcomError, first_line

LINKS = 40  # symbolic links that are followed, as many as Linux follows
SUFFIX = 16  # characters of the longest suffix that names a format
READER_S = 10.0  # [s] to wait for a reader of a named pipe


def make_folder(path) -> Path:
    """The folder ``path``, made if it is missing; SemcomError if it cannot be written into."""
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as cause:
        reason = getattr(cause, "strerror", cause)
        raise SemcomError(f"{path}: cannot be a folder ({reason})") from cause
    if not os.access(path, os.W_OK):
        raise SemcomError(f"{path}: cannot be written into (Permission denied)")
    return path


def check_writable(path) -> None:
    """SemcomError if ``path`` could not be written; checked before its content is computed."""
    goal = _Goal(path)
    if not goal.through:
        os.unlink(goal.beside())


def is_stream(path) -> bool:
    """Whether ``path`` is a pipe or a device, which can be written only once."""
    return _Goal(path).through


def check_apart(written: Iterable, read: Iterable) -> None:
    """SemcomError if an output file is also an input or another output, which would be lost."""
    taken = {os.path.realpath(path): path for path in read}
    for path in written:
        real = os.path.realpath(path)
        if real in taken and not is_stream(path):
            raise SemcomError(
                f"{path}: is also read or written as {taken[real]}; give another name"
            )
        taken[real] = path


def check_outputs(written: Iterable, read: Iterable) -> None:
    """SemcomError for an output (a path, or None) that cannot be written, or that is also read."""
    given = [path for path in written if path]
    for path in given:
        check_writable(path)
    check_apart(given, read)


class _Goal:
    """The file that a path names after its symbolic links are followed; it need not exist.

    through  the content is written into it instead of replacing it: it is no regular file, or its
             folder cannot be written into
    """

    def __init__(self, path):
        self.name = self.path = Path(path)
        try:
            self._follow()
            self.there = self.path.stat()
        except FileNotFoundError:
            self.there = None
        except OSError as cause:
            raise self._error(cause) from cause
        except ValueError as cause:
            raise SemcomError(f"{path!r}: is not a file name ({cause})") from cause
        if self._is(stat.S_ISDIR):
            raise SemcomError(f"{path}: is a folder; give the name of a file")
        if self.there and not os.access(self.path, os.W_OK):
            raise SemcomError(f"{path}: cannot be written (Permission denied)")
        whole = self._is(stat.S_ISREG) and os.access(self.path.parent, os.W_OK)
        self.through = self._is_open_file() or bool(self.there and not whole)

    def _follow(self) -> None:
        for _ in range(LINKS):
            if self._is_open_file() or not self.path.is_symlink():
                return
            self.path = self.path.parent / os.readlink(self.path)
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))

    def _is(self, kind) -> bool:
        return self.there is not None and kind(self.there.st_mode)

    def _is_open_file(self) -> bool:
        """Whether the path names an open file of a process, as /dev/stdout does."""
        return bool(re.fullmatch(r"/proc/\d+/fd", os.path.realpath(self.path.parent)))

    def _error(self, cause: OSError) -> SemcomError:
        return SemcomError(f"{self.name}: cannot be written ({cause.strerror})")

    def beside(self) -> str:
        """A new empty file in the same folder, which can replace it; a file in the folder for
        temporary files if the content is written through."""
        suffix = self.name.suffix if len(self.name.suffix) <= SUFFIX else ""
        try:
            if self.through:
                handle, temporary = tempfile.mkstemp(suffix=suffix)
            else:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                temporary = self.path.parent / f".semcom-{secrets.token_hex(6)}{suffix}"
                handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
            os.close(handle)
        except OSError as cause:
            raise self._error(cause) from cause
        return str(temporary)

    def take(self, temporary: str) -> None:
        """Replace the file, or its content, by a temporary file's."""
        if not self.through and self._replaced(temporary):
            return
        with open(temporary, "rb") as file, self._opened() as out:
            shutil.copyfileobj(file, out)

    def _replaced(self, temporary: str) -> bool:
        """Replace the file; False where it cannot be, as a single file mounted into a container."""
        if self.there:
            with contextlib.suppress(PermissionError):
                os.chown(temporary, self.there.st_uid, self.there.st_gid)
            os.chmod(temporary, stat.S_IMODE(self.there.st_mode))
        try:
            os.replace(temporary, self.path)
        except OSError as cause:
            if cause.errno != errno.EBUSY:
                raise
            return False
        return True

    def _opened(self):
        if self._is_open_file() and self.path.parent.samefile("/proc/self/fd"):
            sys.stdout.flush()
            return open(os.dup(int(self.path.name)), "wb")
        return open(_reader_of(self.path) if self._is(stat.S_ISFIFO) else self.path, "wb")


def _reader_of(pipe: Path) -> int:
    """A file descriptor to write to a named pipe; waits :data:`READER_S` for its reader."""
    end = time.monotonic() + READER_S
    while True:
        try:
            handle = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as cause:
            if cause.errno != errno.ENXIO or time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            os.set_blocking(handle, True)
            return handle


@contextlib.contextmanager
def replacing(path, *failures):
    """Yield a temporary name that becomes ``path`` if all goes well.

    The old content stays until then.  Symbolic links are followed; a device or a named pipe is
    written into.  OSError, and the exceptions that the writer raises in its place (``failures``),
    become a SemcomError that names the file.
    """
    goal = _Goal(path)
    temporary = goal.beside()
    try:
        yield temporary
        goal.take(temporary)
    except (OSError, *failures) as cause:
        reason = getattr(cause, "strerror", None) or first_line(cause)
        if getattr(cause, "errno", None) == errno.ENXIO:
            reason = f"nobody read it for {READER_S:g} s"
        raise SemcomError(f"{path}: could not be written ({reason})") from cause
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def read_json(path, **how):
    """The content of a JSON file; OSError, or ValueError if it is not JSON or nests too deep.

    how  arguments of ``json.loads``
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"), **how)
    except RecursionError as cause:
        raise ValueError("nested too deep") from cause


def sha256(path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
