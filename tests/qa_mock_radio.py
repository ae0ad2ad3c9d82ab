# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""mock_radio through the scheduler and over ZeroMQ."""

import signal
import threading
import time
from itertools import pairwise

import numpy as np
import pmt
import pytest
from conftest import start_program
from gnuradio import blocks, gr, semcom
from gnuradio.semcom import core
from gnuradio.semcom.base.errors import BlockError
from gnuradio.semcom.blocks import device_time
from gnuradio.semcom.protocol import mock_presets as presets
from gnuradio.semcom.run import mock_server
from streams import complex_normal, finish, make_tag, stop
from test_mock_radio import place

pytestmark = pytest.mark.alone  # ports of the air, or time by the clock

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
            while mock.ready(receiver):
                heard[receiver].append(mock.pull(receiver, 1 << 18))
    return [*np.concatenate(heard[0], 1), np.concatenate(heard[1], 1)[0]]


class Flowgraph:
    """Arrays through a mock radio into sinks.  Without tags they come from one source, so that none
    ends while another has much to send, which would be lost."""

    def __init__(self, radio, x, tags=(), outputs=3):
        self.top, self.radio = gr.top_block(), radio  # which GNU Radio does not keep alive
        self.sinks = [blocks.vector_sink_c() for _ in range(outputs)]
        if tags:
            for k, samples in enumerate(x):
                self.top.connect(blocks.vector_source_c(samples, False, 1, list(tags)), (radio, k))
        else:
            together = blocks.deinterleave(gr.sizeof_gr_complex)
            self.top.connect(blocks.vector_source_c(np.ravel(x, "F")), together)
            for k in range(len(x)):
                self.top.connect((together, k), (radio, k))
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
    assert counts["silent"] == counts["late"] == [0, 0] and counts["paused_s"] == 0


@pytest.mark.parametrize("preset", ["indoor", "bad_day"])
def test_its_receivers_may_be_blocks_of_their_own(preset):
    """And those hear all that their inputs reach, to the end."""
    x = sent(100_000)
    whole = expected(presets.settings(presets.load(preset), RATE, 10.0, 3.0, seed=5), x)
    uplink = semcom.mock_uplink(preset, RATE, 10.0, seed=5)
    sidelink = semcom.mock_sidelink(preset, RATE, 3.0, seed=5)
    heard = []
    for block, inputs, outputs in ((uplink, 2, 2), (sidelink, 1, 1)):
        flowgraph = Flowgraph(block, x[:inputs], outputs=outputs)
        finish(flowgraph.top)
        heard += flowgraph.heard()
    for ours, theirs in zip(heard, whole, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert sidelink.counts()["received"] == [len(whole[2])]
    uplink.set_snr_db(1.0)
    sidelink.set_snr_db(2.0)
    assert (uplink.settings.uplink.snr_db, sidelink.settings.sidelink.snr_db) == (1.0, 2.0)


def test_a_video_terminal_answers_in_one_flowgraph(tmp_path):
    """It sends what it heard D samples before; a pulse comes back D samples after it was heard."""
    path, late = tmp_path / "mine.json", 5000
    path.write_text('{"clock_ppm": 50, "start_delay_s": 0.02}')
    audio = np.zeros(150_000, np.complex64)
    audio[100_000:100_064] = np.blackman(64)
    sidelink = semcom.mock_sidelink(str(path), RATE, np.inf, seed=2)
    uplink = semcom.mock_uplink(str(path), RATE, np.inf, seed=2)
    top, source, item = gr.top_block(), blocks.vector_source_c(audio), gr.sizeof_gr_complex
    heard, antennas = blocks.vector_sink_c(), [blocks.vector_sink_c() for _ in range(2)]
    top.connect(source, sidelink, blocks.delay(item, late), (uplink, 1))
    top.connect(source, (uplink, 0))
    top.connect(sidelink, heard)
    for antenna, sink in enumerate(antennas):
        top.connect((uplink, antenna), sink)
    finish(top)
    heard, *received = (np.array(sink.data(), np.complex64) for sink in (heard, *antennas))
    (at,) = pulse_places(heard)
    (answered,) = pulse_places(received[1])
    assert answered == pytest.approx(on_air(uplink.settings, "video", at + late), abs=0.02)
    video = np.concatenate([np.zeros(late, np.complex64), heard])[: len(audio)]
    whole = expected(uplink.settings, np.array([audio[: len(video)], video]))
    for ours, theirs in zip((*received, heard), whole, strict=True):
        count = min(len(ours), len(theirs))
        assert count > 140_000
        np.testing.assert_array_equal(ours[:count], theirs[:count])


def test_a_tag_tells_the_time_and_no_other_crosses(tmp_path):
    """A sample is that of a radio which loses none, at the time in the tags."""
    path = tmp_path / "lossy.json"
    path.write_text('{"drop_probability": 0.2, "drop_buffer": 700, "start_delay_s": 0.01}')
    tags = [make_tag(10, "semcom_frame", pmt.cons(pmt.from_uint64(0), pmt.from_uint64(5)))]
    block, x = semcom.mock_radio(str(path), RATE, 10.0), sent(60_000)
    flowgraph = Flowgraph(block, x, tags)
    finish(flowgraph.top)
    settings = block.settings
    for device in presets.DEVICES:
        getattr(settings, device).drop_probability = 0.0
    for sink, whole in zip(flowgraph.sinks, expected(settings, x), strict=True):
        assert {pmt.symbol_to_string(tag.key) for tag in sink.tags()} == {"rx_time"}
        pieces = pieces_of(sink, RATE)
        assert len(pieces) > 8
        for first, samples in pieces:
            np.testing.assert_array_equal(samples, whole[first : first + len(samples)])


@pytest.mark.parametrize("rate", [1.0, 2e5, 1e6 / 3, 61.44e6])
def test_times_are_exact_to_a_sample(rate):
    for index in (0, 1, 2**32, int(rate * 86400) + 7):
        value = device_time.to_pmt(index, rate)
        assert pmt.is_uint64(pmt.tuple_ref(value, 0))
        assert 0 <= pmt.to_double(pmt.tuple_ref(value, 1)) < 1
        assert device_time.to_index(value, rate) == index
    for wrong in (pmt.from_double(1.0), pmt.make_tuple(pmt.PMT_T, pmt.PMT_NIL)):
        with pytest.raises(ValueError, match="whole seconds, fraction"):
            device_time.to_index(wrong, rate)


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
    block.set_sidelink_snr_db(3.0)
    assert block.settings.sidelink.snr_db == 3.0
    block.set_sidelink_snr_db(None)
    assert block.settings.sidelink.snr_db == 0.0
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


def test_by_the_clock_bursts_go_on_the_air_at_their_times(tmp_path):
    """Two on time, one that is late, one without a time; each is a pulse and its echo."""
    rate, path = 2e5, tmp_path / "mine.json"
    path.write_text('{"clock_ppm": 90, "start_delay_s": 0.1}')
    block = semcom.mock_radio(str(path), rate, float("inf"), seed=3, realtime=True)
    pulse = np.blackman(64)
    burst = np.concatenate([pulse, np.zeros(2936), pulse, np.zeros(1000)])
    bursts = [(0.21, "tx_time"), (0.1, "tx_time"), (0.34567, "tx_time"), (None, "tx_sob")]
    tags = []
    for number, (at_s, key) in enumerate(bursts):
        value = pmt.PMT_T if at_s is None else device_time.to_pmt(round(at_s * rate), rate)
        tags.append(make_tag(number * len(burst), key, value))
        if number < 3:
            tags.append(make_tag((number + 1) * len(burst) - 1, "tx_eob", pmt.PMT_T))
    flowgraph = Flowgraph(block, np.tile(burst, (2, len(bursts))), tags)
    flowgraph.top.start()
    wait_for(lambda: len(flowgraph.sinks[0].data()) > 0.7 * rate)
    stop(flowgraph.top)
    assert block.counts()["late"] == [1, 1] and block.counts()["dropped"] == [0, 0]
    for port, device in ((0, "audio"), (1, "video")):
        found = pulse_places(flowgraph.heard()[port])
        assert len(found) == 6
        for start, at in zip(found[:4:2], (0.21, 0.34567), strict=True):
            expected = on_air(block.settings, device, round(at * rate))
            assert start == pytest.approx(expected, abs=0.05)
        np.testing.assert_allclose(np.diff(found)[::2], 3000, atol=0.6)


def test_a_time_that_is_none_ends_the_run_with_one_line(run_flowgraph):
    block = semcom.mock_radio("bench", 2e5, realtime=True)
    flowgraph = Flowgraph(block, np.ones((2, 100)), [make_tag(0, "tx_time", pmt.PMT_T)])
    with pytest.raises(BlockError, match="tx_time"):
        run_flowgraph(flowgraph.top)


class Listener:
    """Subscribes to streams of a server, and puts what it hears in its place in time."""

    def __init__(self, addresses, rate):
        self.top, self.sinks, self.rate = gr.top_block(), [], rate
        for address, antennas in zip(addresses, mock_server.ANTENNAS, strict=True):
            source = semcom.zmq_antennas(address, antennas)
            for antenna in range(antennas):
                self.sinks.append(blocks.vector_sink_c())
                self.top.connect((source, antenna), self.sinks[-1])
        self.top.start()

    def until(self, stream):
        """The time of the last piece [samples]; -1 while there is none."""
        pieces = places(self.sinks[stream], self.rate)
        return pieces[-1][1] if pieces else -1

    def stop(self):
        """Ends, and returns what was heard -> list of (first sample's time, samples)."""
        stop(self.top)
        return [pieces_of(sink, self.rate) for sink in self.sinks]


def places(sink, rate):
    """(offset, time in samples) of each rx_time tag of a vector sink, in order."""
    tags = [tag for tag in sink.tags() if pmt.eq(tag.key, device_time.RX_TIME)]
    return sorted((tag.offset, device_time.to_index(tag.value, rate)) for tag in tags)


def pieces_of(sink, rate):
    """What a vector sink heard without a gap -> list of (first sample's time, samples)."""
    samples = np.array(sink.data(), np.complex64)
    starts = places(sink, rate)
    assert starts[0][0] == 0
    jumps = [starts[0]] + [
        now for before, now in pairwise(starts) if now[1] - now[0] != before[1] - before[0]
    ]
    stops = [offset for offset, _ in jumps[1:]] + [len(samples)]
    return [(time, samples[at:end]) for (at, time), end in zip(jumps, stops, strict=True)]


def on_air(settings, device, index):
    """The receiver's time [samples] when a terminal's sample is on the air."""
    terminal, receiver = getattr(settings, device), settings.receiver
    rate = settings.sample_rate * (1 + 1e-6 * terminal.clock_ppm)
    at = terminal.start_delay_s + index / rate
    return at * settings.sample_rate * (1 + 1e-6 * receiver.clock_ppm)


def pulse_places(samples, first=0):
    """Where Blackman pulses begin, to a fraction of a sample."""
    loud = np.flatnonzero(np.abs(samples) > 0.5 * np.max(np.abs(samples)))
    peaks = [
        part[len(part) // 2] for part in np.split(loud, np.flatnonzero(np.diff(loud) > 64) + 1)
    ]
    inside = [peak for peak in peaks if 256 < peak < len(samples) - 512]
    return [first + place(samples, peak - 32) for peak in inside]


class Terminal:
    """A process with mock_terminal.py."""

    def __init__(self, tx, rx, rate):
        self.process = start_program("tests/mock_terminal.py", tx, rx, rate)
        self.sent = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.sent.append(int(line))

    def kill(self):
        self.process.kill()
        self.process.wait()


def test_terminals_and_listeners_come_and_go_and_time_goes_on(tmp_path):
    rate = 2e5
    tx = [f"ipc://{tmp_path}/tx{k}" for k in range(2)]
    rx = [f"ipc://{tmp_path}/rx{m}" for m in range(2)]
    preset = tmp_path / "mine.json"
    preset.write_text('{"clock_ppm": 50, "start_delay_s": 0.5}')
    settings = presets.settings(presets.load(str(preset)), rate, 80.0, seed=4)
    words = ["--preset", preset, "--sample-rate", rate, "--snr=80", "--seed=4"]
    server = start_program(APP, *words, "--tx", *tx, "--rx", *rx)
    listener = Listener(rx, rate)
    terminals = []

    def hears(terminal):
        """A listener hears three pulses that a terminal sends from now on, on time."""
        count = len(terminal.sent)
        wait_for(lambda: len(terminal.sent) > count + 2)
        last = on_air(settings, "video", terminal.sent[-1])
        wait_for(lambda: listener.until(1) > last + 2000)

    try:
        terminals.append(Terminal(tx[1], rx[1], rate))
        hears(terminals[0])
        terminals[0].process.send_signal(signal.SIGSTOP)  # takes no samples any more
        at = listener.until(0)
        wait_for(lambda: listener.until(0) > at + 0.5 * rate)
        terminals[0].kill()
        terminals.append(Terminal(tx[1], rx[1], rate))
        hears(terminals[1])
        heard = listener.stop()
        listener = Listener(rx, rate)
        hears(terminals[1])
        server.send_signal(signal.SIGINT)
        out, error = server.communicate(timeout=120)
    finally:
        server.kill()
        for terminal in terminals:
            terminal.kill()
        again = listener.stop()
    assert "late bursts 0" in out and "Traceback" not in error, error
    assert [len(pieces) for pieces in heard] == [1, 1, 1]  # nothing lost
    first, samples = again[1][0]
    assert first > heard[1][0][0] + len(heard[1][0][1])
    expected = np.array([on_air(settings, "video", at) for t in terminals for at in t.sent])
    for first, samples in (heard[1][0], again[1][0]):
        found = pulse_places(samples, first)
        assert len(found) >= 3
        assert max(np.min(np.abs(expected - at)) for at in found) < 0.1


def test_the_server_ends_after_its_time(program):
    silent = ["--tx", "none", "none", "--rx", "none", "none"]
    done = program(APP, "--preset=bench", "--sample-rate=2e5", "--seconds=0.2", *silent)
    assert done.returncode == 0, done.stderr
    assert "late bursts 0 0" in done.stdout and "lost to overflows 0 0" in done.stdout
