# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What earlier versions wrote (tests/fixtures, by tests/make_fixtures.py) is read; weights and
records of a later version are refused in one line."""

import json
from pathlib import Path

import pytest
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.base.files import sha256
from gnuradio.semcom.run import records
from gnuradio.semcom.systems import loading
from gnuradio.semcom.weights import store
from gnuradio.semcom.weights.names import models_folder
from safetensors import safe_open

FIXTURES = Path(__file__).resolve().parent / "fixtures"
VERSIONS = sorted(path for path in FIXTURES.iterdir() if path.is_dir())
KEPT = sorted(FIXTURES.glob("*/records-*.json"))
LATER = 99


def test_this_version_has_its_own():
    from gnuradio.semcom import __version__

    assert __version__ in [path.name for path in VERSIONS]


@pytest.mark.parametrize("folder", VERSIONS, ids=lambda path: path.name)
def test_weights_are_read(folder):
    net = loading.load_any(folder / "weights.safetensors")
    sums = json.loads((folder / "weights.json").read_text())
    found = {name: float(each.double().sum()) for name, each in net.state_dict().items()}
    assert found.keys() == sums.keys()
    assert found == pytest.approx(sums, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_records_are_read(path):
    (record,) = records.read(path)
    assert record == json.loads(path.read_text())["records"][0]


@pytest.mark.parametrize("folder", VERSIONS, ids=lambda path: path.name)
def test_a_recording_replays_to_the_same_figures_with_its_weights(folder, program, tmp_path):
    """Without them, where shipped ones were trained anew since, one line says which they were."""
    path = tmp_path / "again.json"
    done = program("apps/run_link.py", "--radio", f"replay:{folder / 'recording'}", "--json", path)
    (before,) = records.read(folder / "records-recording.json")
    if sha256(models_folder() / before["checkpoint"]) != before["checkpoint_sha256"]:
        assert done.returncode == 2 and done.stderr.count("\n") == 1
        assert "was sent with the weights" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    (again,) = records.read(path)
    for name in ("system", "bursts_heard", "bleu_1", "words", "exact", "checkpoint_sha256"):
        assert again[name] == before[name], name
    assert again["pilot_snr_db"] == pytest.approx(before["pilot_snr_db"], abs=1e-3)


def test_records_of_a_later_schema_are_refused(tmp_path):
    later = json.loads(KEPT[0].read_text()) | {"schema": LATER}
    path = tmp_path / "later.json"
    path.write_text(json.dumps(later))
    with pytest.raises(SemcomError, match=f"schema {LATER}, expected 1 to .*; update gr-semcom"):
        records.read(path)


def test_weights_of_a_system_that_is_not_known_are_refused(tmp_path):
    path = tmp_path / "later.safetensors"
    with safe_open(VERSIONS[-1] / "weights.safetensors", framework="pt") as file:
        header = json.loads(file.metadata()[store.KEY]) | {"system": "of_tomorrow"}
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    store.write(path, tensors, {store.KEY: json.dumps(header)})
    with pytest.raises(SemcomError) as caught:
        loading.load_any(path)
    assert str(path) in str(caught.value) and "of_tomorrow" in str(caught.value)
    assert "\n" not in str(caught.value)
