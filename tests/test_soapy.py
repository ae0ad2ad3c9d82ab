# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Devices of SoapySDR: its own null device, and a stand-in that carries samples."""

import sys

import fake_soapy
import numpy as np
import pmt
import pytest
from burst_source import Bursts
from gnuradio import blocks, gr
from gnuradio.semcom.base.errors import BlockError, SemcomError
from gnuradio.semcom.base.programs import take_faults
from gnuradio.semcom.blocks import guard
from gnuradio.semcom.blocks.soapy import soapy_antennas, soapy_transmitter
from gnuradio.semcom.run.radios import open_radio
from gnuradio.semcom.run.runner import run_point
from gnuradio.semcom.run.scenario import Scenario

RATE = 5e5  # [Hz]
RADIO = "soapy:driver=a;driver=b;driver=c"


@pytest.fixture
def soapy(monkeypatch):
    """Put devices in the place of SoapySDR's: soapy(device, ...)."""

    def install(*devices):
        monkeypatch.setitem(sys.modules, "SoapySDR", None)
        return fake_soapy.install(*devices)

    yield install
    take_faults()


def three(soapy, **options):
    return soapy(*({"args": f"driver={name}", **options} for name in "abc"))


# --- what is refused ------------------------------------------------------------------------------


def test_soapys_own_null_device_is_refused_in_one_line(program):
    pytest.importorskip("SoapySDR")
    done = program("apps/run_link.py", "--radio", "soapy:driver=null;driver=a;driver=b", timeout=60)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    said = "run_link.py: error: SoapySDR 'driver=null': has 0 channels to send by, 1 needed"
    assert said in done.stderr


def test_a_device_that_is_not_there_says_where_to_look(program):
    pytest.importorskip("SoapySDR")
    done = program("apps/terminal.py", "receiver", "--radio", "soapy:;;driver=none", timeout=60)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "SoapySDR 'driver=none': SoapySDR::Device::make() no match; name" in done.stderr


def test_without_soapysdr_the_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "SoapySDR", None)
    with pytest.raises(SemcomError, match="install the package python3-soapysdr"):
        soapy_antennas("driver=a", 2, RATE)


@pytest.mark.parametrize(
    ("device", "end", "said"),
    [
        ({"duplex": False}, "video", "cannot send and receive at once"),
        ({"channels": 1}, "receiver", "has 1 channels to receive by, 2 needed"),
        ({"frequencies": (1e8, 1e9)}, "audio", "tunes to 1000 MHz for a carrier of 2450 MHz"),
    ],
)
def test_what_a_device_cannot_do_is_refused(soapy, device, end, said):
    three(soapy, **device)
    radio = open_radio(Scenario(radio=RADIO, sample_rate=RATE))
    with pytest.raises(SemcomError, match=f"SoapySDR 'driver=.': .*{said}"):
        radio.receiver(end, 2) if end == "receiver" else radio.transmitter(end)


def test_a_terminal_that_answers_needs_times_of_samples(soapy):
    with pytest.raises(BlockError, match="'driver=a': its driver gives no times of samples, which"):
        heard(soapy, 1000, stamps=False)


def test_frontends_that_a_driver_ignores_are_refused(soapy):
    three(soapy)
    radio = open_radio(Scenario(radio=RADIO, sample_rate=RATE, subdev="0:1"))
    with pytest.raises(SemcomError, match="its frontends are '', not '0:1'; leave --subdev out"):
        radio.transmitter("audio")


def test_one_device_for_two_ends_is_refused(soapy):
    soapy()
    with pytest.raises(SemcomError, match="SoapySDR 'driver=a' of audio .* may be one device"):
        open_radio(Scenario(radio="soapy:driver=a;driver=b;driver=a"))


# --- samples --------------------------------------------------------------------------------------


def test_the_link_crosses_timed_devices(soapy, clips):
    devices = three(soapy)
    options = dict(frames=4, sample_rate=RATE, turnaround=0.5, antenna="BAND2;BAND1+LNAW;LNAL")
    record = run_point(Scenario(radio=RADIO, **options), clips)
    assert record["bursts_heard"][0] == 4 and record["frames_received"] == 4
    assert record["sidelink"]["heard"] == 4
    late = record["devices"]["video"]["late"]
    assert record["bursts_heard"][1] >= 4 - late  # of a busy machine
    assert record["devices"]["receiver"]["device"] == "driver=c"
    assert [device.open for device in devices] == [0, 0, 0]
    asked, lengths = zip(*devices[1].runs, strict=True)
    assert None not in asked and len(set(lengths)) == 1
    audio, video, receiver = (device.set for device in devices)
    assert audio["tx antenna 0"] == "BAND2" and video["tx antenna 0"] == "BAND1"
    assert video["rx antenna 0"] == "LNAW" and receiver["rx antenna 1"] == "LNAL"
    assert record["devices"]["audio"]["tx_gain_db"] == 10


def heard(soapy, count, timed=True, **device):
    """(device, samples, tags) of ``count`` samples that a device gives, and its block."""
    (kind,) = soapy({"args": "driver=a", **device})
    top, end = gr.top_block(), soapy_antennas("driver=a", 1, RATE, timed=timed)
    head, sink = blocks.head(gr.sizeof_gr_complex, count), blocks.vector_sink_c()
    top.connect(end, head, sink)
    guard.run(top, timeout_s=20)
    return kind, end, sink


def test_times_of_samples_are_tagged_anew_after_an_overflow(soapy):
    _, end, sink = heard(soapy, 20000, loses=5)
    tags = [tag for tag in sink.tags() if pmt.symbol_to_string(tag.key) == "rx_time"]
    first, after = (pmt.to_python(tag.value) for tag in tags)
    assert tags[0].offset == 0 and tags[1].offset > 0
    passed = (after[0] - first[0] + after[1] - first[1]) * RATE
    assert passed == pytest.approx(tags[1].offset + 1000, abs=1)
    assert end.counts() == {}  # the receiver counts it, by the times


def test_overflows_of_a_device_without_times_are_counted(soapy):
    _, end, sink = heard(soapy, 20000, timed=False, stamps=False, loses=5)
    assert end.counts() == {"overflow": 1} and end.told() == "1 x overflow"
    assert not sink.tags() and len(sink.data()) == 20000


def test_a_stream_that_dies_is_activated_again(soapy, capsys):
    _, end, _ = heard(soapy, 20000, silent=5, comes_back=True)
    assert end.counts() == {"restarts": 1}
    (fault,) = take_faults()
    assert fault.startswith("no samples from SoapySDR 'driver=a' for 2.")
    assert fault in capsys.readouterr().err


def test_a_device_that_falls_silent_is_named(soapy):
    with pytest.raises(BlockError, match="no samples from SoapySDR 'driver=a' for 3 s"):
        heard(soapy, 10**7, silent=5)


def sent(soapy, lengths, times=None, **device):
    (kind,) = soapy({"args": "driver=a", **device})
    top, end = gr.top_block(), soapy_transmitter("driver=a", RATE)
    top.connect(source := Bursts(lengths, RATE, times), end)
    guard.run(top, timeout_s=20)
    return kind, end, source


def test_bursts_of_a_device_with_a_clock_have_times_and_ends(soapy):
    kind, end, _ = sent(soapy, [500, 3000], {500: 10.25})
    (first, length), second = kind.runs
    assert 5 < first / 1e9 < 10 and length == 500 and second == [10_250_000_000, 3000]
    assert end.counts() == {}


@pytest.mark.parametrize("status", [True, False])
def test_bursts_that_are_late_are_counted_where_the_driver_tells(soapy, status):
    _, end, _ = sent(soapy, [500], {0: 1.0}, status=status)
    assert end.counts() == ({"late": 1} if status else {})


def test_bursts_of_a_device_that_does_not_tell_its_time_have_those_that_are_asked(soapy):
    kind, *_ = sent(soapy, [500, 3000, 200], {3500: 20.0}, clock=False)
    assert kind.runs == [[None, 500], [None, 3000], [20_000_000_000, 200]]


def test_a_device_that_takes_nothing_is_named(soapy):
    with pytest.raises(BlockError, match="no samples taken by SoapySDR 'driver=a' for 2 s"):
        sent(soapy, [500, 3000], takes=1)


def test_an_error_of_the_driver_ends_the_process_with_its_words(program, tmp_path):
    """A process of its own: a device that fails is not stopped."""
    script = tmp_path / "fails.py"
    script.write_text(FAILS)
    done = program(script, timeout=60)
    assert done.stdout == "SoapySDR 'driver=a': STREAM_ERROR\n" and done.returncode == 1


FAILS = """
import sys
sys.path.insert(0, "tests")
import fake_soapy
from gnuradio import blocks, gr
from gnuradio.semcom.blocks import guard
from gnuradio.semcom.blocks.soapy import soapy_antennas
fake_soapy.install({"args": "driver=a", "fails": fake_soapy.SOAPY_SDR_STREAM_ERROR})
top, end = gr.top_block(), soapy_antennas("driver=a", 1, 5e5)
top.connect(end, blocks.null_sink(8))
try:
    guard.run(top, timeout_s=20)
except guard.BlockError as cause:
    print(cause)
"""


def test_full_scale_is_not_reached(soapy):
    """Bursts leave at 0.2, as to USRPs."""
    kinds = soapy({"args": "driver=a"}, {"args": "driver=b"})
    top, end = gr.top_block(), soapy_transmitter("driver=a", RATE)
    top.connect(source := Bursts([4000], RATE), end)
    guard.run(top, timeout_s=20)
    air = fake_soapy.fake_uhd.air
    samples = np.concatenate([samples for *_, samples in air._bursts])
    assert source.lengths == [] and len(samples) == 4000 and kinds[0].runs[0][1] == 4000
    np.testing.assert_allclose(samples, 0.2, rtol=1e-6)
