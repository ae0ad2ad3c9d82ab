# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Arrays in HDF5 files of any origin; errors are one line with the file and the remedy."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np

from ..base.errors import SemcomError
from ..base.optional import h5py

KEY = "avadataset"
MOST = 1 << 28  # most numbers that are read at once
REMEDIES = {  # error of a system call -> remedy
    errno.EAGAIN: "another program has it open for writing; wait for it, or, where the file system "
    "has no locks, set HDF5_USE_FILE_LOCKING=FALSE",
    errno.EACCES: "you lack the right to read it",
    errno.EPERM: "you lack the right to read it",
}


class Array:
    """The array of numbers under the key ``avadataset``, or the only key, of an HDF5 file.

    path  of the file
    axes  names of the axes that the array must have

    SemcomError for a file that is missing or damaged, or an array of another kind or shape.
    """

    def __init__(self, path: Path, axes: tuple[str, ...]):
        self.path = path
        self._dataset = dataset = self._find(self._opened())
        self.shape, self.dtype = dataset.shape or (), dataset.dtype
        if self.dtype.kind not in "iuf":
            raise SemcomError(f"{path}: holds {self.dtype}, expected real numbers")
        if len(self.shape) != len(axes):
            raise SemcomError(
                f"{path}: shape {self.shape}, expected [{', '.join(axes)}]; see README, Data"
            )
        self._check_filters()

    def whole(self) -> np.ndarray:
        """The whole array."""
        self._check_size(self.shape)
        return self._read(..., "it")

    def row(self, i: int) -> np.ndarray:
        """Row ``i`` of the array."""
        self._check_size(self.shape[1:])
        return self._read(i, f"row {i}")

    def _check_size(self, shape: tuple) -> None:
        count = int(np.prod(shape, dtype=object))
        if count > MOST:
            raise SemcomError(
                f"{self.path}: shape {self.shape}, {count} numbers at once, at most {MOST} "
                "expected; check that it is the right array"
            )

    def _read(self, place, words: str) -> np.ndarray:
        try:
            return self._dataset[place]
        except (OSError, RuntimeError) as cause:
            remedy = REMEDIES.get(getattr(cause, "errno", None), "damaged; copy the file again")
            raise SemcomError(
                f"{self.path}: {words} cannot be read ({_said(cause)}): {remedy}"
            ) from cause

    def _opened(self):
        try:
            if not self.path.is_file():
                raise SemcomError(f"{self.path}: missing; the AVE layout needs it in this folder")
            return h5py.File(self.path, "r")
        except OSError as cause:
            remedy = REMEDIES.get(cause.errno)
            if remedy:
                raise SemcomError(f"{self.path}: cannot be opened: {remedy}") from cause
            raise SemcomError(
                f"{self.path}: not a whole HDF5 file ({_said(cause)}); copy it again"
            ) from cause

    def _find(self, file):
        try:
            keys = list(file)
            key = KEY if KEY in keys else keys[0] if len(keys) == 1 else None
            link = file.get(key, getlink=True) if key else None
        except (OSError, RuntimeError, UnicodeError) as cause:
            raise SemcomError(
                f"{self.path}: its list of arrays cannot be read ({_said(cause)}); copy it again"
            ) from cause
        try:
            if key and isinstance(file[key], h5py.Dataset):
                return file[key]
        except (OSError, KeyError, RuntimeError) as cause:
            raise SemcomError(f"{self.path}: {_lost(key, link, cause)}") from cause
        raise SemcomError(
            f"{self.path}: keys {keys[:9]}, expected {KEY!r} or a single array; rename it"
        )

    def _check_filters(self) -> None:
        """SemcomError if this HDF5 cannot decompress the array; checked before long work."""
        made = self._dataset.id.get_create_plist()
        for number in range(made.get_nfilters()):
            code, _, _, name = made.get_filter(number)
            if not h5py.h5z.filter_avail(code):
                raise SemcomError(
                    f"{self.path}: compressed by filter {code} ({name.decode(errors='replace')}), "
                    "which this HDF5 lacks; rewrite it with h5repack -f GZIP=4 where it can be "
                    "read"
                )


def _lost(key: str, link, cause: Exception) -> str:
    """The error of a key whose array cannot be opened."""
    if isinstance(link, h5py.ExternalLink):
        return (
            f"{key!r} is a link to {link.path} in the file {link.filename}, where it cannot be "
            "read; copy that file beside this one"
        )
    if isinstance(link, h5py.SoftLink):
        return f"{key!r} is a link to {link.path}, which is not in the file; write it anew"
    return f"{key!r} cannot be opened ({_said(cause)}); copy it again"


def _said(cause: Exception) -> str:
    return " ".join(str(cause).strip("'\"").split())[:200]
