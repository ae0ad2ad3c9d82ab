# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Internal signals of the hier blocks, written to files."""

from pathlib import Path

from gnuradio import blocks, gr

from ..errors import SemcomError

TYPES = {gr.sizeof_gr_complex: "c64"}


def dump(hier, source, port: int, folder: str, name: str) -> None:
    """Write the output ``port`` of ``source`` to ``folder/name.c64`` (raw complex64), if wanted.

    An empty ``folder`` wants nothing.  Vectors of floats become ``.f32``, row after row.
    """
    if not folder:
        return
    size = source.output_signature().sizeof_stream_item(port)
    path = Path(folder) / f"{name}.{TYPES.get(size, 'f32')}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise SemcomError(f"{folder}: cannot hold dumped signals ({cause.strerror})") from cause
    sink = blocks.file_sink(size, str(path), False)
    hier.connect((source, port), sink)
