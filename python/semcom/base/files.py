# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Writing files so that a full disk or a kill never leaves half of one."""

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

from .errors import SemcomError


def make_folder(path) -> Path:
    """The folder ``path``, made if need be; SemcomError where nothing can be written into it."""
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise SemcomError(f"{path}: cannot be a folder ({cause.strerror})") from cause
    if not os.access(path, os.W_OK):
        raise SemcomError(f"{path}: cannot be written into (Permission denied)")
    return path


def check_writable(path) -> None:
    """SemcomError if ``path`` could not be written, before hours are spent on its content."""
    os.unlink(_temporary(Path(path)))


def _temporary(path: Path) -> str:
    """An empty file beside ``path``, to become it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=path.suffix)
        os.close(handle)
    except OSError as cause:
        raise SemcomError(f"{path}: cannot be written ({cause.strerror})") from cause
    return temporary


@contextlib.contextmanager
def replacing(path, *failures):
    """Yield a temporary name beside ``path`` that becomes ``path`` if all goes well.

    What was there before stays until then.  OSError, and the exceptions that the writer raises in
    its place (``failures``), become a SemcomError that names the file.
    """
    path = Path(path)
    temporary = _temporary(path)
    try:
        yield temporary
        os.chmod(temporary, 0o644)  # a temporary file is its owner's alone
        os.replace(temporary, path)
    except (OSError, *failures) as cause:
        reason = getattr(cause, "strerror", None) or str(cause).splitlines()[0]
        raise SemcomError(f"{path}: could not be written ({reason})") from cause
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def sha256(path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
