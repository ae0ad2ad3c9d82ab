# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Internal signals of the hier blocks, written to files."""

import numpy as np
from gnuradio import gr

from ..base.errors import SemcomError
from ..base.files import make_folder
from .guard import guarded


class file_dump(gr.sync_block):
    """Writes items to a file, without a header.

    On a full disk it ends the flowgraph with one line; with GNU Radio's own file sink the flowgraph
    hangs.

    path  path of the file, which is replaced
    item  NumPy type of an item, or (type, length) of vectors
    """

    def __init__(self, path, item):
        gr.sync_block.__init__(self, "file_dump", [item], [])
        self.path = path
        try:
            self._file = open(path, "wb")  # noqa: SIM115
        except OSError as cause:
            raise SemcomError(f"{path}: cannot be written ({cause.strerror})") from cause

    @guarded
    def work(self, input_items, output_items):
        try:
            self._file.write(input_items[0].tobytes())
            self._file.flush()
        except OSError as cause:
            raise SemcomError(f"{self.path}: could not be written ({cause.strerror})") from cause
        return len(input_items[0])


def dump(hier, source, port: int, folder: str, name: str, item=(np.complex64, 1)) -> None:
    """Write output ``port`` of ``source`` to the file ``folder/name.TYPE``, without a header.

    TYPE is c64 (complex64), f32 (float32), u8 (bytes), ...

    hier    hier block that contains ``source``
    folder  '': write nothing
    item    (NumPy type, length) of the output
    """
    if not folder:
        return
    kind, length = np.dtype(item[0]), item[1]
    path = make_folder(folder) / f"{name}.{kind.kind}{8 * kind.itemsize}"
    sink = file_dump(path, (kind, length) if length > 1 else kind)
    hier.dumps = [*getattr(hier, "dumps", ()), sink]  # GNU Radio does not keep Python blocks alive
    hier.connect((source, port), sink)
