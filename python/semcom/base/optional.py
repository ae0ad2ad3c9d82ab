# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Packages that only some features need: ``from ..base.optional import cv2`` gives a stand-in that
loads the package when something of it is first used.

The package need not be installed by users of other features.  If it is missing, the error is one
line with the command that installs it.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from .errors import SemcomError

DEBIAN = {  # module -> Debian package, for those that Debian 13 has
    "av": "python3-av",
    "brotli": "python3-brotli",
    "cv2": "python3-opencv",
    "dask": "python3-dask",
    "distributed": "python3-distributed",
    "h5py": "python3-h5py",
    "jsonschema": "python3-jsonschema",
    "sigmf": "",
}
PYPI = {"cv2": "opencv-python-headless"}  # where the package is not called as the module


def remedy(module: str) -> str:
    """The command that installs a module of :data:`DEBIAN`."""
    pip = f"pip install {PYPI.get(module, module)}"
    return f"apt install {DEBIAN[module]}, or {pip}" if DEBIAN[module] else pip


class Optional(ModuleType):
    """A module that is imported when its first attribute is read; SemcomError if it is missing."""

    def __getattr__(self, name: str):
        if name.startswith("__"):  # read by tools that inspect modules, which shall not load it
            raise AttributeError(name)
        try:
            module = importlib.import_module(self.__name__)
        except ModuleNotFoundError as cause:
            if cause.name != self.__name__:
                raise
            raise SemcomError(
                f"Python lacks {self.__name__}, which this needs: {remedy(self.__name__)}"
            ) from cause
        return getattr(module, name)


av, cv2, dask, distributed, h5py, jsonschema, sigmf = (
    Optional(name) for name in ("av", "cv2", "dask", "distributed", "h5py", "jsonschema", "sigmf")
)
