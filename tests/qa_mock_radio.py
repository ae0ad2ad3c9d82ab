# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""mock_radio through the scheduler and over ZeroMQ, and its presets."""

import dataclasses
import json
import subprocess
import sys
import time

import numpy as np
import pmt
import pytest
from conftest import ROOT
from gnuradio import blocks, gr, semcom, zeromq
from gnuradio.semcom import core, presets
from gnuradio.semcom.errors import SemcomError
from gnuradio.semcom.link import mock_server
from streams import complex_normal, finish, make_tag, stop
from test_bad_input import one_line

RATE = 1e6
APP = "apps/mock_radio.py"
END = 20_000  # samples of a stream, of which those in the buffers at its end may not be heard


def sent(count, seed=0):
    return complex_normal(np.random.default_rng(seed), 2, count)


def expected(settings, x):
    """What the mathematics alone make of it: three streams."""
    mock, at, heard = core.mock_radio(settings), [0, 0], [[], []]
    while min(at) < x.shape[1]:
        for k in range(2):
            at[k] += mock.push(k, x[k, at[k] :])
        for receiver in range(2):
            heard[receiver].append(mock.pull(receiver, 1 << 18))
    return [*np.concatenate(heard[0], 1), np.concatenate(heard[1], 1)[0]]


class Flowgraph:
    """Two arrays through a mock radio into three sinks."""

    def __init__(self, radio, x, tags=()):
        self.top, self.radio = gr.top_block(), radio  # which GNU Radio does not keep alive
        self.sinks = [blocks.vector_sink_c() for _ in range(3)]
        for k in range(2):
            self.top.connect(blocks.vector_source_c(x[k], False, 1, list(tags)), (radio, k))
        for port, sink in enumerate(self.sinks):
            self.top.connect((radio, port), sink)

    def heard(self):
        return [np.array(sink.data(), np.complex64) for sink in self.sinks]


@pytest.mark.parametrize("preset", ["bench", "indoor", "walking", "bad_day"])
def test_the_block_is_its_mathematics(preset):
    count = 100_000
    x = np.pad(sent(count), ((0, 0), (0, END)))
    block = semcom.mock_radio(preset, RATE, 10.0, seed=5)
    flowgraph = Flowgraph(block, x)
    finish(flowgraph.top)
    heard = flowgraph.heard()
    assert len(heard[0]) == len(heard[1])
    for ours, theirs in zip(heard, expected(block.settings, x), strict=True):
        assert count < len(ours) <= len(theirs)
        np.testing.assert_array_equal(ours, theirs[: len(ours)])
    counts = block.counts()
    assert min(counts["sent"]) > count
    assert counts["received"] == [len(heard[0]), len(heard[2])]
    assert counts["silent"] == [0, 0] and counts["paused_s"] == 0


def test_no_tag_crosses():
    tags = [make_tag(10, "semcom_frame", pmt.cons(pmt.from_uint64(0), pmt.from_uint64(5)))]
    flowgraph = Flowgraph(semcom.mock_radio("bench", RATE), sent(5000), tags)
    finish(flowgraph.top)
    assert [len(sink.tags()) for sink in flowgraph.sinks] == [0, 0, 0]


def test_each_start_begins_anew():
    block, x = semcom.mock_radio("indoor", RATE, seed=2), sent(30_000 + END)
    runs = []
    for _ in range(2):
        flowgraph = Flowgraph(block, x)
        finish(flowgraph.top)
        runs.append(flowgraph.heard())
    for first, second in zip(*runs, strict=True):
        np.testing.assert_array_equal(first[:30_000], second[:30_000])


def test_the_snr_changes_while_the_flowgraph_runs():
    block = semcom.mock_radio("bench", 2e5, 40.0, realtime=True)
    gain = 10 ** (block.settings.receiver.gain_db / 20)
    flowgraph = Flowgraph(block, np.zeros((2, 10)))
    flowgraph.top.start()
    wait_for(lambda: block.counts()["received"][0] > 2000)
    block.set_snr_db(0.0)
    at = block.counts()["received"][0] + 9000  # beyond what is under way
    wait_for(lambda: len(flowgraph.sinks[2].data()) > at + 5000)
    with pytest.raises(ValueError, match="snr_db"):
        block.set_snr_db(float("nan"))
    block.set_feedback_snr_db(3.0)
    assert block.settings.feedback.snr_db == 3.0
    block.set_feedback_snr_db(None)
    assert block.settings.feedback.snr_db == 0.0
    stop(flowgraph.top)
    noise = flowgraph.heard()[0]
    assert np.std(noise[:1500]) < 0.02 * gain
    assert np.std(noise[at : at + 5000]) == pytest.approx(gain, rel=0.05)


def wait_for(condition, timeout_s=30.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"nothing after {timeout_s} s"
        time.sleep(0.02)


def test_by_the_clock_a_terminal_without_samples_is_silent():
    rate, count = 2e5, 3000
    block = semcom.mock_radio("bench", rate, float("inf"), realtime=True)
    flowgraph = Flowgraph(block, np.ones((2, count)))
    began = time.monotonic()
    flowgraph.top.start()
    wait_for(lambda: len(flowgraph.sinks[0].data()) > 0.3 * rate)
    took = time.monotonic() - began
    stop(flowgraph.top)
    heard, counts = flowgraph.heard(), block.counts()
    assert took >= 0.29 and counts["silent"][1] > 0.2 * rate
    for stream in heard:  # each burst is whole, in one piece
        on = np.flatnonzero(np.abs(stream) > 0.5 * np.max(np.abs(stream)))
        assert abs(len(on) - count) < 4 and on[-1] - on[0] == len(on) - 1


def test_by_the_clock_time_stands_still_while_nobody_takes_samples():
    block = semcom.mock_radio("bench", 1e6, realtime=True)
    top = gr.top_block()
    slow = blocks.throttle(gr.sizeof_gr_complex, 2e4)
    for k in range(2):
        top.connect(blocks.null_source(gr.sizeof_gr_complex), (block, k))
    for port in range(2):
        top.connect((block, port), blocks.null_sink(gr.sizeof_gr_complex))
    top.connect((block, 2), slow, blocks.null_sink(gr.sizeof_gr_complex))
    top.start()
    wait_for(lambda: block.counts()["paused_s"] > 0)
    stop(top)
    assert block.counts()["dropped"] == [0, 0]


class Terminals:
    """Both terminals and the receiver, in this process, on sockets in a folder."""

    def __init__(self, folder, x):
        self.tx = [f"ipc://{folder}/tx{k}" for k in range(2)]
        self.rx = [f"ipc://{folder}/rx{m}" for m in range(3)]
        self.top, self.sinks = gr.top_block(), []
        for samples, address in zip(x, self.tx, strict=True):
            source = blocks.vector_source_c(samples)
            self.top.connect(source, zeromq.push_sink(gr.sizeof_gr_complex, 1, address))
        for address in self.rx:
            source = zeromq.pull_source(gr.sizeof_gr_complex, 1, address)
            self.sinks.append(blocks.vector_sink_c())
            self.top.connect(source, self.sinks[-1])

    def heard(self):
        return [np.array(sink.data(), np.complex64) for sink in self.sinks]


def start_server(terminals, *words):
    return subprocess.Popen(
        [sys.executable, APP, *map(str, words), "--tx", *terminals.tx, "--rx", *terminals.rx],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("words", "seconds"), [(["--lockstep"], 0.1), ([], 0.6)], ids=["lockstep", "by the clock"]
)
def test_another_process_uses_it_like_a_radio(tmp_path, words, seconds):
    x = sent(40_000)
    terminals = Terminals(tmp_path, x)
    server = start_server(
        terminals, *words, "--preset=bench", "--sample-rate=2e5", "--snr=20", "--seed=4",
        f"--seconds={seconds}")  # fmt: skip
    terminals.top.start()
    try:
        out, error = server.communicate(timeout=60)
        wait_for(lambda: min(len(sink.data()) for sink in terminals.sinks) > 1e5 * seconds)
    finally:
        server.kill()
        stop(terminals.top)
    assert server.returncode == 0, error
    assert "lost to overflows 0 0" in out
    heard = terminals.heard()
    if words:  # what was sent decides all of what is heard
        settings = presets.settings(presets.load("bench"), 2e5, 20.0, seed=4)
        for ours, theirs in zip(heard, expected(settings, x), strict=True):
            count = min(len(ours), len(theirs))
            np.testing.assert_array_equal(ours[:count], theirs[:count])
    else:  # silence comes first, for how long nobody knows
        for stream, k in zip(heard, (0, 1, 0), strict=True):
            assert contains(stream, x[k, 1000:1400], 2e5)


def contains(stream, piece, rate, most_cfo=2e3):
    """True if a piece of what was sent stands out at some place and carrier offset."""
    stream = stream[: len(stream) >> 12 << 12]  # of a size that transforms fast
    spectrum = np.fft.fft(stream)
    best = []
    for offset in np.arange(-most_cfo, most_cfo + 1, 0.1 * rate / len(piece)):
        turned = piece * np.exp(2j * np.pi * offset / rate * np.arange(len(piece)))
        match = np.abs(np.fft.ifft(spectrum * np.conj(np.fft.fft(turned, len(stream)))))
        best.append(np.max(match) / np.median(match))
    return max(best) > 10


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
    "unknown key": ('{"cfo": 1}', "'cfo' is no field"),
    "not for files": ('{"name": "x"}', "'name' is no field"),
    "text for a number": ('{"cfo_hz": "1"}', 'cfo_hz is "1", a number expected'),
    "truth for a number": ('{"clock_ppm": true}', "clock_ppm is true"),
    "fraction": ('{"bits": 1.5}', "bits is 1.5, a whole number or null expected"),
    "null": ('{"fading": null}', "fading is null, a text expected"),
    "not a number": ('{"cfo_hz": NaN}', "cfo_hz is too large or no number"),
    "huge": ('{"drop_buffer": ' + 400 * "9" + "}", "drop_buffer is too large"),
    "no fading": ('{"fading": "fog"}', "choose none, block or jakes"),
    "out of range": ('{"bits": 40}', "bits: 40.0"),
    "too long": ('{"delay_spread_s": 1}', "delay_spread_s: .* 25 samples"),
    "not JSON": ("{", "is no JSON file"),
    "a list": ("[]", "holds a list, an object expected"),
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
        ({"feedback_snr_db": -400.0}, "snr_db"),
        ({"seed": -1}, "seed: -1"),
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
        with pytest.raises(SemcomError, match="3 addresses expected"):
            mock_server.addresses(wrong, 3)


@pytest.mark.parametrize(
    ("words", "message"),
    [(["--preset", "outdoor"], "outdoor"), (["--rx", "tcp://1.2.3.4:5000"], "1.2.3.4:5000")],
)
def test_the_program_complains_in_one_line(program, words, message):
    one_line(program(APP, *words), message)
