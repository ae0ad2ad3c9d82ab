# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Records of finished points: writes and reads the JSON document of a sweep."""

import json
import platform
import sys
import time
from pathlib import Path

import numpy as np

from ..base.errors import SemcomError
from ..base.files import read_json, replacing

SCHEMA = 2
TIMES = ("wall_s", "clips_per_s", "times_real_time")


def document(records: list, **total) -> dict:
    """The JSON document of a sweep: schema, command, versions, records (without the scores of each
    clip).

    total  further keys, about all records together
    """
    return {
        "schema": SCHEMA,
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "versions": versions(),
        **total,
        "records": [without_scores(record) for record in records],
    }


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


def write_json(path, records: list, **total) -> None:
    """Write the :func:`document` of ``records``; valid JSON at every moment."""
    with replacing(path) as temporary, open(temporary, "w") as file:
        json.dump(document(records, **total), file, indent=1, allow_nan=False)
        file.write("\n")


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
