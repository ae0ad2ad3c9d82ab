# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Records of finished points: writes and reads the JSON document of a sweep."""

import json
import platform
import sys
import textwrap
import time
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ..base.errors import SemcomError
from ..base.files import read_json, replacing

SCHEMA = 2
TIMES = ("wall_s", "clips_per_s", "times_real_time")


class Records:
    """Records of finished points, in the order of the points.

    They are kept as compressed JSON.  The records of a sweep differ in a few figures, so the text
    of the first is the dictionary of the others, and 10^5 of them need little memory.
    """

    def __init__(self):
        self._first, self._kept = b"", []

    def insert(self, at: int, record: dict) -> None:
        """Put a record, without the scores of each clip, before number ``at``."""
        text = json.dumps(without_scores(record)).encode()
        self._first = self._first or text
        packer = zlib.compressobj(zdict=self._first)
        self._kept.insert(at, packer.compress(text) + packer.flush())

    def __len__(self) -> int:
        return len(self._kept)

    def __getitem__(self, at: int) -> dict:
        return json.loads(zlib.decompressobj(zdict=self._first).decompress(self._kept[at]))

    def __iter__(self) -> Iterator[dict]:
        return (self[at] for at in range(len(self)))


def without_scores(record: dict) -> dict:
    """A record without the scores of each clip."""
    return {name: value for name, value in record.items() if not name.endswith("_scores")}


def lasting(record: dict) -> dict:
    """A record without times: the part that does not depend on the computer."""
    return {name: value for name, value in record.items() if name not in TIMES}


def stopped_by(stop: BaseException) -> str:
    """The text in a record about the signal or the error that ended its run."""
    return str(stop) or "SIGINT"


def versions() -> dict:
    """{package: version} of the packages on which the results depend."""
    import torch
    from gnuradio import gr

    from .. import __version__

    return {
        "semcom": __version__,
        "gnuradio": gr.version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def write_json(path, records: Iterable[dict], **total) -> None:
    """Write the JSON document of a sweep: schema, command, versions, records (without the scores of
    each clip); valid JSON at every moment.

    total  further keys, about all records together
    """
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
    head = {"schema": SCHEMA, "command": command, "versions": versions(), **total}
    with replacing(path) as temporary, open(temporary, "w") as file:
        file.write(_text(head).removesuffix("\n}") + ',\n "records": [')
        comma = ""
        for record in records:
            file.write(f"{comma}\n" + textwrap.indent(_text(without_scores(record)), "  "))
            comma = ","
        file.write("\n ]\n}\n")


def _text(value: dict) -> str:
    return json.dumps(value, indent=1, allow_nan=False)


class Pace:
    """Decides when a growing file is written: at once, and then so rarely that writing takes a
    twentieth of the time of any sweep."""

    def __init__(self):
        self._due = 0.0

    def is_due(self) -> bool:
        """Whether the file should be written now."""
        return time.monotonic() >= self._due

    def took(self, seconds: float) -> None:
        """Note that writing took this time [s]."""
        self._due = time.monotonic() + 20 * seconds


def read(path) -> list[dict]:
    """The records of a document of this schema or an older one, converted to this schema.

    SemcomError for a newer schema or another content.
    """
    path = Path(path)
    try:
        found = read_json(path)
        schema, records = found["schema"], found["records"]
        if schema not in (1, SCHEMA):
            raise SemcomError(f"{path}: schema {schema}, expected 1 to {SCHEMA}; update gr-semcom")
        records = records if schema == SCHEMA else [_from_schema_1(record) for record in records]
        if not isinstance(records, list) or not all(isinstance(each, dict) for each in records):
            raise TypeError("no list of objects")
        return records
    except SemcomError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as cause:
        raise SemcomError(
            f"{path}: holds no records of finished points ({cause}); move it away"
        ) from cause


def _from_schema_1(record: dict) -> dict:
    """Convert a record of schema 1, which had only events and called the sidelink feedback."""
    record = {"task": "events", **record, "scenario": dict(record["scenario"])}
    uses = record["channel_uses"] = dict(record.get("channel_uses") or {}) or None
    for holder, old, new in (
        (record, "feedback", "sidelink"),
        (record, "feedback_snr_db", "sidelink_snr_db"),
        (record["scenario"], "feedback_snr", "sidelink_snr"),
        (uses or {}, "feedback", "sidelink"),
    ):
        if old in holder:
            holder[new] = holder.pop(old)
    return record
