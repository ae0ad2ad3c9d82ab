# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Packages that only some features need: ``from ..base.optional import cv2`` gives a stand-in that
loads the package when something of it is first used.

Who does without those features does without the package; where it is missed, the error is one line
that names it.
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
PYPI = {"cv2": "opencv-python-headless"}  # where its name is not the module's


def remedy(module: str) -> str:
    """The command that installs a module of :data:`DEBIAN`."""
    pip = f"pip install {PYPI.get(module, module)}"
    return f"apt install {DEBIAN[module]}, or {pip}" if DEBIAN[module] else pip


class Optional(ModuleType):
    """Stands for a module until something of it is asked for.  SemcomError if it is missing."""

    def __getattr__(self, name: str):
        if name.startswith("__"):  # asked by tools that look at modules, not by users of this one
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
