# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Presets of the mock radio, and the arguments of its block and program."""

import dataclasses
import json

import numpy as np
import pytest
from gnuradio import semcom
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.protocol import mock_presets as presets
from gnuradio.semcom.run import mock_server
from qa_mock_radio import APP, RATE
from test_bad_input import one_line


def test_all_the_presets_are_what_they_say():
    assert presets.names() == ["bad_day", "bench", "indoor", "walking"]
    bench, indoor, walking, bad_day = map(presets.load, ("bench", "indoor", "walking", "bad_day"))
    same = dataclasses.replace
    assert bench == presets.Preset(
        "bench", bench.description, cfo_hz=1e3, clock_ppm=2, bits=12, headroom_db=12
    )
    assert indoor == presets.Preset(
        "indoor",
        indoor.description,
        cfo_hz=10e3,
        clock_ppm=20,
        start_delay_s=0.02,
        phase_noise_dbc_hz=-80,
        iq_gain_db=0.5,
        iq_phase_deg=3,
        dc_db=-40,
        fading="block",
        rician_k=4,
        doppler_hz=2,
        delay_spread_s=50e-9,
        bits=12,
        headroom_db=12,
    )
    named = {"name": "walking", "description": walking.description}
    assert walking == same(indoor, **named, rician_k=0, doppler_hz=20)
    named = {"name": "bad_day", "description": bad_day.description}
    assert bad_day == same(
        walking, **named, phase_noise_dbc_hz=-70, iq_gain_db=1, iq_phase_deg=5,
        pa_backoff_db=3, drop_probability=1e-3, bits=10)  # fmt: skip


def test_devices_are_drawn_evenly_within_their_preset():
    indoor = presets.load("indoor")
    drawn = [presets.settings(indoor, 4e6, 10, seed=seed) for seed in range(200)]
    for field, low, high, names in (
        ("cfo_hz", -10e3, 10e3, presets.DEVICES),
        ("clock_ppm", -20, 20, presets.DEVICES),
        ("start_delay_s", 0, 0.02, presets.DEVICES[:2]),
    ):
        values = np.array([[getattr(getattr(s, name), field) for name in names] for s in drawn])
        assert np.all((values >= low) & (values <= high))
        np.testing.assert_allclose(np.mean(values, 0), (low + high) / 2, atol=0.1 * (high - low))
        assert np.max(np.abs(np.corrcoef(values.T) - np.eye(len(names)))) < 0.25
    assert drawn[0].audio.iq_phase_deg == 3 and drawn[0].receiver.bits == 12
    expected_db = -12 - 10 * np.log10(2 + 0.1)
    assert drawn[0].receiver.gain_db == pytest.approx(expected_db)


BAD = {
    "unknown key": ('{"cfo": 1}', "'cfo' is not a field"),
    "not for files": ('{"name": "x"}', "'name' is not a field"),
    "text for a number": ('{"cfo_hz": "1"}', 'cfo_hz is "1", expected a number'),
    "truth for a number": ('{"clock_ppm": true}', "clock_ppm is true"),
    "fraction": ('{"bits": 1.5}', "bits is 1.5, expected a whole number or null"),
    "null": ('{"fading": null}', "fading is null, expected a text"),
    "not a number": ('{"cfo_hz": NaN}', "cfo_hz is too large or not a number"),
    "huge": ('{"drop_buffer": ' + 400 * "9" + "}", "drop_buffer is too large"),
    "no fading": ('{"fading": "fog"}', "choose none, block or jakes"),
    "out of range": ('{"bits": 40}', "bits: 40"),
    "too long": ('{"delay_spread_s": 1}', "delay_spread_s: .* 25 samples"),
    "not JSON": ("{", "is not a JSON file"),
    "a list": ("[]", "holds a list, expected an object"),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
def test_bad_presets_are_one_line(tmp_path, text, message):
    path = tmp_path / "mine.json"
    path.write_text(text)
    with pytest.raises(SemcomError, match=message) as error:
        semcom.mock_radio(str(path), RATE)
    assert "\n" not in str(error.value) and "mine.json" in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"preset": "outdoor"}, "'outdoor': not one of bad_day, bench, indoor, walking"),
        ({"preset": "nowhere/x.json"}, "nowhere/x.json: cannot be read"),
        ({"sample_rate": 0.0}, "sample_rate"),
        ({"snr_db": float("nan")}, "snr_db"),
        ({"sidelink_snr_db": -400.0}, "snr_db"),
        ({"seed": -1}, "seed: found -1"),
    ],
)
def test_bad_arguments_are_one_line(arguments, message):
    with pytest.raises(SemcomError, match=message) as error:
        semcom.mock_radio(**arguments)
    assert "\n" not in str(error.value)


def test_a_preset_may_be_a_file(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"cfo_hz": 0, "phase_noise_dbc_hz": None, "doppler_hz": 3}))
    assert presets.load(str(path)) == presets.Preset(str(path), doppler_hz=3)


def test_addresses_of_one_port_follow_it():
    assert mock_server.addresses(["tcp://*:7"], 3) == ["tcp://*:7", "tcp://*:8", "tcp://*:9"]
    assert mock_server.addresses(["a", "none"], 2) == ["a", "none"]
    for wrong in (["ipc:///x"], ["a", "b"], ["tcp://*:65534"]):
        with pytest.raises(SemcomError, match="expected 3 addresses"):
            mock_server.addresses(wrong, 3)


@pytest.mark.parametrize(
    ("words", "message"),
    [(["--preset", "outdoor"], "outdoor"), (["--rx", "tcp://1.2.3.4:5000"], "1.2.3.4:5000")],
)
def test_the_program_complains_in_one_line(program, words, message):
    one_line(program(APP, *words), message)
