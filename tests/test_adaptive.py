# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Link adaptation by a table."""

import json
from pathlib import Path

import pytest
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.run.scenario import Scenario, settle

SLOW = {"code": "1/2", "modulation": "bpsk", "source": "h265", "variant": "video_only"}
FAST = {"code": "5/6", "modulation": "64qam", "source": "av1+codec2", "variant": "full"}


@pytest.fixture
def table(tmp_path):
    choices = [{"channel": "awgn", "snr": snr, "settings": chosen}
               for snr, chosen in ((10, FAST), (0, SLOW))]  # fmt: skip
    path = tmp_path / "table.json"
    path.write_text(json.dumps({"system": "digital", "uses": 1000, "choices": choices}))
    return str(path)


def point(table, **more):
    options = {"system": "digital", "channel": "awgn", "uses": 1000, "adaptive": table}
    return Scenario(**options | more)


@pytest.mark.parametrize(("snr", "chosen"), [(-20, SLOW), (0, SLOW), (9.9, SLOW), (10, FAST)])
def test_the_choice_is_that_of_the_snr_below(table, snr, chosen):
    found = settle(point(table, snr=float(snr)))
    assert {name: getattr(found, name) for name in chosen} == chosen


def test_a_table_for_something_else_is_refused(table, tmp_path):
    with pytest.raises(SemcomError, match="is for --uses 1000, not 2000"):
        settle(point(table, uses=2000))
    with pytest.raises(SemcomError, match="no choices for --channel rayleigh, only for awgn"):
        settle(point(table, channel="rayleigh"))
    with pytest.raises(SemcomError, match="which is not known with --radio zmq:host"):
        settle(point(table, radio="zmq:host"))
    assert settle(point(table, radio="mock:indoor")).code == settle(point(table)).code
    with pytest.raises(SemcomError, match="--code: --adaptive decides it"):
        settle(point(table), {"code": "3/4"})
    with pytest.raises(SemcomError, match="cannot be read"):
        settle(point(str(tmp_path / "none.json")))
    (tmp_path / "other.json").write_text('{"system": "digital", "uses": 1000, "choices": [{}]}')
    with pytest.raises(SemcomError, match="is not a table of choices"):
        settle(point(str(tmp_path / "other.json")))


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"snr": ["10"]}, "is not a table of choices"),
        ({"snr": float("nan")}, "is not a table of choices"),
        ({"snr": 10**400}, "cannot be read"),
        ({"channel": None}, "is not a table of choices"),
        ({"settings": [1]}, "is not a table of choices"),
        ({"settings": {"coding": "1/2"}}, "settings: no option 'coding'"),
        ({"settings": {"quality": "best"}}, "settings: 'best'"),
    ],
    ids=str,
)
def test_a_damaged_choice_is_one_line(table, edit, said):
    whole = json.loads(Path(table).read_text())
    whole["choices"][1] |= edit
    Path(table).write_text(json.dumps(whole))
    with pytest.raises(SemcomError, match=said):
        settle(point(table, snr=0.0))


def test_a_record_tells_what_was_used(program, table, tmp_path):
    done = program("apps/run_link.py", "--system", "digital", "--adaptive", table, "--uses", 1000,
                   "--channel", "awgn", "--snr", "4,14", "--frames", 1, "--json",
                   tmp_path / "out.json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    slow, fast = json.loads((tmp_path / "out.json").read_text())["records"]
    assert slow["scenario"]["code"] == "1/2" and slow["variant"] == "video_only"
    assert fast["scenario"]["modulation"] == "64qam" and fast["variant"] == "full"
