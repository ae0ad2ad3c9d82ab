# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Records of finished points: a sweep's JSON document, and a file that a study goes on from."""

import json
import platform
import sys
from pathlib import Path

import numpy as np

from ..base.errors import SemcomError
from ..base.files import replacing
from .scenario import Scenario, settings

SCHEMA = 2


def document(records: list, **total) -> dict:
    """The JSON document of a sweep: schema, command, versions, records (without the scores of each
    clip); ``total``: figures of all of them together."""
    return {
        "schema": SCHEMA,
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "versions": versions(),
        **total,
        "records": [{k: v for k, v in r.items() if not k.endswith("_scores")} for r in records],
    }


def versions() -> dict:
    """Versions of what the figures depend on."""
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


def read(path) -> list[dict]:
    """The records of a document of this schema, or of an older one, as this one has them."""
    path = Path(path)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        schema, records = found["schema"], found["records"]
    except (OSError, ValueError, KeyError, TypeError) as cause:
        raise SemcomError(
            f"{path}: holds no records of finished points ({cause}); move it away"
        ) from cause
    if schema not in (1, SCHEMA):
        raise SemcomError(f"{path}: schema {schema}, expected 1 to {SCHEMA}; update gr-semcom")
    return records if schema == SCHEMA else [_from_schema_1(record) for record in records]


def _from_schema_1(record: dict) -> dict:
    """Schema 1 knew events alone, and called the sidelink feedback."""
    record = {"task": "events", **record, "scenario": dict(record["scenario"])}
    for holder, old, new in (
        (record, "feedback_snr_db", "sidelink_snr_db"),
        (record["scenario"], "feedback_snr", "sidelink_snr"),
    ):
        if old in holder:
            holder[new] = holder.pop(old)
    return record


class Store:
    """Records of finished points, a line each in a JSON file that is whole at every moment.

    A record is found again by its key: data set, checkpoints (by content) and every option.
    """

    KEY = ("data", "checkpoint_sha256", "error_free_sha256")

    def __init__(self, path):
        self.path, self._records, self._lines = Path(path), {}, []
        if self.path.exists():
            self._read()

    @classmethod
    def key(cls, record: dict) -> tuple:
        """What tells ``record`` from others; an option that it does not know has its default."""
        options = settings(Scenario(**record["scenario"]))
        return (*(record[name] for name in cls.KEY), *sorted(options.items()))

    def _read(self) -> None:
        try:
            for record in read(self.path):
                self._keep(record)
        except (KeyError, TypeError, AttributeError) as cause:
            raise SemcomError(
                f"{self.path}: holds no records of finished points ({cause}); move it away"
            ) from cause

    def _keep(self, record: dict) -> None:
        self._records[self.key(record)] = record
        self._lines.append(json.dumps(record, allow_nan=False))

    def __contains__(self, key: tuple) -> bool:
        return key in self._records

    def __getitem__(self, key: tuple) -> dict:
        return self._records[key]

    def __len__(self) -> int:
        return len(self._records)

    def add(self, record: dict) -> None:
        """Keep a record, on disk too."""
        self._keep(record)
        with replacing(self.path) as temporary:
            lines = ",\n".join(self._lines)
            Path(temporary).write_text(f'{{"schema": {SCHEMA}, "records": [\n{lines}\n]}}\n')
