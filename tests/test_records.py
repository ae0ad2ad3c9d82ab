# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Records of a sweep: kept in little memory, in the order of the points, and written as one
document."""

import json
import random
import tracemalloc

import pytest
from gnuradio.semcom.report import tables
from gnuradio.semcom.run import records


def a_record(number: int, snr: float) -> dict:
    """As large as those of run_link, with figures that nothing can compress."""
    rng = random.Random(number)
    return {
        "task": "events", "data": "d", "split": "test", "variant": "full", "decoder": "",
        "system": "pilot_ave", "channel": "a\nb\u2028é", "csi": None, "detector": "zf",
        "snr_db": snr, **{f"figure_{i}": rng.random() for i in range(20)},
        "accuracy": rng.random(), "accuracy_ci95": [rng.random(), rng.random()],
        "accuracy_error_free": None, "channel_nmse_db": None, "measured_snr_db": None,
        "evm_db": None, "papr_db": None, "stream_std": [], "segment_scores": [0.5] * 100,
        "scenario": {f"option_{i}": f"value {i}" for i in range(60)} | {"attempts": 1},
    }  # fmt: skip


def kept(points: list) -> records.Records:
    found = records.Records()
    for at, record in points:
        found.insert(at, record)
    return found


def test_records_stand_in_the_order_of_their_points():
    one, two, three = (a_record(i, float(i)) for i in range(3))
    found = kept([(0, two), (0, one), (2, three)])
    assert list(found) == [records.without_scores(record) for record in (one, two, three)]
    assert found[0] == records.without_scores(one) and len(found) == 3
    assert not records.Records()


def test_a_record_takes_less_than_a_kilobyte():
    tracemalloc.start()
    try:
        found = kept([(i, a_record(i, i / 7)) for i in range(1000)])
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(found) == 1000 and taken / 1000 < 1024


@pytest.mark.parametrize("count", [0, 1, 3])
def test_the_document_is_the_one_that_json_writes(count, tmp_path):
    found = kept([(i, a_record(i, float(i))) for i in range(count)])
    records.write_json(tmp_path / "x.json", found, total=[1, {"a": None}])
    text = (tmp_path / "x.json").read_text()
    document = json.loads(text)
    assert list(document) == ["schema", "command", "versions", "total", "records"]
    assert document["records"] == list(found) and document["total"] == [1, {"a": None}]
    if count:
        assert text == json.dumps(document, indent=1) + "\n"
    assert records.read(tmp_path / "x.json") == list(found)


def test_a_long_table_ends_with_what_it_leaves_out():
    found = kept([(i, a_record(i, float(i))) for i in range(tables.LONGEST + 5)])
    table = tables.table(found)
    assert table.row_count == tables.LONGEST
    assert table.caption == f"the first {tables.LONGEST} of {tables.LONGEST + 5} points"
    assert tables.table(kept([(0, found[0])])).caption is None
