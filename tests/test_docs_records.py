# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Records of today, and those that an older version wrote, fit the JSON Schema of the documents."""

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from gnuradio.semcom.run import records
from gnuradio.semcom.systems.registry import task_of

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = json.loads((ROOT / "docs" / "reference" / "records.schema.json").read_text())
KEPT = sorted((ROOT / "tests" / "fixtures").glob("*/records-*.json"))
RECORD = SCHEMA["$defs"]["record"]
OF_TASK = {
    each["if"]["properties"]["task"]["const"]: each["then"]["properties"]
    for each in RECORD["allOf"]
}


def check(document: dict) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(document)


def test_the_schema_is_one_and_has_the_number_of_the_code():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["schema"]["const"] == records.SCHEMA


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_kept_records_fit_and_every_field_is_described(path):
    document = json.loads(path.read_text())
    check(document)
    for record in document["records"]:
        assert set(record) <= {*RECORD["properties"], *OF_TASK[record["task"]]}


def test_a_record_of_today_fits(program, tmp_path):
    path = tmp_path / "link.json"
    done = program("apps/run_link.py", "--frames", "2", "--snr", "0,10", "--json", path)
    assert done.returncode == 0, done.stderr
    document = json.loads(path.read_text())
    check(document)
    assert len(document["records"]) == 2


@pytest.mark.parametrize(
    ("task", "system"), [("events", "pilot_ave_plus"), ("text", "deepsc"), ("media", "m3e_vsc")]
)
def test_every_figure_of_a_task_is_described(task, system):
    figures = task_of(system, task).figures(np.zeros((0, 2)), 0)
    names = {name for name in figures if not name.endswith("_scores")}
    assert len(names) >= 4
    assert names <= {*RECORD["properties"], *OF_TASK[task]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda r: r.pop("seed"), "'seed' is a required property"),
        (lambda r: r.update(accuracy="high"), "'high' is not of type"),
        (lambda r: r.update(accuracy_ci95=[0.1]), "is not valid under any"),
        (lambda r: r["channel_uses"].update(noise=1.0), "is not valid under any"),
    ],
)
def test_what_is_no_record_does_not_fit(change, words):
    events = next(path for path in KEPT if path.stem == "records-events")
    document = json.loads(events.read_text())
    change(document["records"][0])
    with pytest.raises(jsonschema.ValidationError, match=words):
        check(document)
