# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The link over USRPs that throw, coerce, fall silent and vanish, as tests/fake_uhd.py does."""

import json
import os
import signal
import subprocess
import sys
import time

import fake_uhd
import gnuradio
import numpy as np
import pytest
from burst_source import Bursts
from conftest import ROOT
from gnuradio import blocks, gr, semcom
from gnuradio.semcom.base.errors import BlockError, SemcomError
from gnuradio.semcom.base.programs import take_faults
from gnuradio.semcom.blocks import guard, usrp_holders
from gnuradio.semcom.blocks.stream_watch import POLL_S, Silence
from gnuradio.semcom.run.radios import open_radio
from gnuradio.semcom.run.scenario import Scenario

pytestmark = pytest.mark.alone  # ports of the air, or time by the clock

RATE = 5e5  # [Hz]
THREE = [{"args": "serial=1"}, {"args": "serial=2", "offset": 3.5}, {"args": "serial=3"}]
OVER = ["--radio", "uhd:serial=1;serial=2;serial=3", "--sample-rate", RATE, "--turnaround", 0.3]


@pytest.fixture
def air(monkeypatch):
    """Put devices in the place of gr-uhd's: air(device, ...)."""

    def install(*devices):
        monkeypatch.setitem(sys.modules, "gnuradio.uhd", None)
        monkeypatch.setattr(gnuradio, "uhd", None, raising=False)
        return fake_uhd.install(*devices)

    yield install
    take_faults()


@pytest.fixture
def link(program, tmp_path):
    """Run a program over such devices; (finished process, its records, what devices tell)."""

    def run(name, devices, *words, **options):
        json_path, tell = tmp_path / "out.json", tmp_path / "devices.json"
        spec = json.dumps({"devices": devices, "tell": str(tell)})
        done = program("tests/fake_uhd.py", name, spec, *words, "--json", json_path, **options)
        records = json.loads(json_path.read_text())["records"] if json_path.exists() else []
        return done, records, json.loads(tell.read_text()) if tell.exists() else {}

    return run


def one_error(done) -> str:
    """The only line of a program's complaint."""
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if ".py: error: " in line]
    assert len(lines) == 1, done.stderr
    return lines[0]


# --- a block that cannot start --------------------------------------------------------------------


def test_an_exception_in_start_ends_the_run_with_the_devices_name(link):
    devices = [*THREE[:2], {**THREE[2], "start": "RuntimeError: no more streams"}]
    began = time.monotonic()
    done, records, _ = link("run_link", devices, *OVER, "--frames", 5, timeout=60)
    assert done.returncode == 1 and not records
    assert one_error(done).endswith("USRP 'serial=3': RuntimeError: RuntimeError: no more streams")
    assert time.monotonic() - began < 40  # a busy machine's imports; it was for ever


@pytest.mark.parametrize(
    ("radio", "named"),
    [
        ("uhd:serial=1;serial=2;serial=1", ["'serial=1' of audio", "'serial=1' of receiver"]),
        ("uhd:", ["'' of audio", "'' of video"]),
        ("uhd:serial=1;type=b200,serial=2;serial=2", ["'type=b200,serial=2' of video"]),
        ("uhd:serial=1;serial=2", ["'serial=1' of audio", "'' of receiver"]),
    ],
)
def test_one_device_for_two_ends_is_refused_before_any_is_opened(air, radio, named):
    air()  # opening one would say that there is none
    with pytest.raises(SemcomError, match="may be one device; name one for each") as refused:
        open_radio(Scenario(radio=radio))
    assert all(each in str(refused.value) for each in named)


def test_a_side_alone_may_name_the_only_device(air):
    air({"args": "serial=1"})
    radio = open_radio(Scenario(radio="uhd:;;", sample_rate=RATE), ("receiver",))
    radio.receiver("receiver", 2)
    assert radio.counts()["receiver"]["device"] == ""


# --- what a device makes something else of --------------------------------------------------------


@pytest.mark.parametrize(
    ("frequency", "goes"),
    [(99e9, "6000 MHz for a carrier of 99000"), (24.5e6, "70 MHz for .*24.5")],
)
@pytest.mark.parametrize("end", ["usrp_transmitter", "usrp_antennas"])
def test_a_carrier_that_becomes_another_is_refused(air, end, frequency, goes):
    air({"args": "serial=1"})
    with pytest.raises(SemcomError, match=f"'serial=1': tunes to {goes} MHz; give 70 to 6000 MHz"):
        getattr(semcom, end)("serial=1", sample_rate=RATE, frequency=frequency)


def test_a_carrier_rounded_by_the_synthesiser_is_taken(air, monkeypatch):
    air({"args": "serial=1"})
    own = fake_uhd.usrp_sink.get_center_freq
    monkeypatch.setattr(
        fake_uhd.usrp_sink, "get_center_freq", lambda self, channel: own(self, channel) + 0.04
    )
    assert semcom.usrp_transmitter("serial=1", RATE).told() == ""


def test_a_rate_that_becomes_another_is_refused(air):
    air({"args": "serial=1", "rates": (2e5, 6e6)})
    with pytest.raises(SemcomError, match="gives 200000 Hz for a sample rate of 100000 Hz"):
        semcom.usrp_antennas("serial=1", 1, 1e5)


def test_a_gain_that_becomes_another_is_told(air, capsys):
    air({"args": "serial=1"})
    end = semcom.usrp_antennas("serial=1", 2, RATE, gain=500.0)
    said = "gain 500 dB becomes 76 dB; range: 0 to 76"
    assert capsys.readouterr().err.endswith(f": USRP 'serial=1': {said}\n")
    assert end.told() == said and end.front.gain == 76
    end.set_gain(30.2)
    assert end.told() == "" and end.front.gain == 30.2


def test_a_change_at_run_time_that_becomes_another_is_shown(air, capsys):
    (device,) = air({"args": "serial=1"}).devices
    end = semcom.usrp_transmitter("serial=1", RATE)
    end.set_frequency(99e9)
    end.set_gain(-5)
    assert device.set["tx frequency 0"] == 6e9
    frequency = "frequency 99000 MHz becomes 6000 MHz; range: 70 to 6000"
    gain = "gain -5 dB becomes 0 dB; range: 0 to 76"
    assert end.told() == f"{frequency}; {gain}"
    assert all(said in capsys.readouterr().err for said in (frequency,))
    end.set_frequency(868e6)
    assert end.told() == gain


# --- samples that do not come ---------------------------------------------------------------------


def test_silence_is_counted_by_looks():
    """A counter that stands, one that goes on, one that may stand, and a process that slept."""
    silence, now = Silence(), 100.0
    for n in range(20):
        assert silence.look(n, True, now := now + POLL_S) == 0
    for n in range(1, 6):
        assert silence.look(19, True, now := now + POLL_S) == pytest.approx(n * POLL_S)
    assert silence.look(19, True, now + 30.0) == pytest.approx(7 * POLL_S)
    assert silence.look(19, False, now + 30.1) == 0
    assert silence.look(19, True, now + 30.2) == pytest.approx(POLL_S)


def test_a_stream_that_dies_is_asked_for_again_and_the_status_says_so(link):
    devices = [*THREE[:2], {**THREE[2], "silent_from": RATE, "comes_back": True}]
    done, (record,), told = link("run_link", devices, *OVER, "--frames", 12)
    assert done.returncode == 1
    assert "no samples from USRP 'serial=3' for 2" in one_error(done)
    assert "its stream stopped and was restarted" in one_error(done)
    receiver = record["devices"]["receiver"]
    assert receiver["restarts"] == told["serial=3"]["commands"] == 1
    assert receiver["overflow"] == record["overflows"] == 1
    assert 0 < record["frames_received"] < 12 == record["clips"]  # those lost are counted
    assert "stopped" not in record


@pytest.mark.parametrize("gone", [False, True])
def test_a_device_that_vanishes_is_named_and_what_came_is_kept(link, gone):
    devices = [*THREE[:2], {**THREE[2], "silent_from": 3 * RATE, "gone": gone}]
    done, (record,), told = link("run_link", devices, *OVER, "--frames", 50, timeout=60)
    assert done.returncode == 1
    said = one_error(done)
    assert f"no samples from USRP 'serial=3' for {2 if gone else 3} s" in said
    assert ("does not answer (RfnocError: OpTimeout" in said) == gone
    assert record["stopped"] in said and record["devices"]["receiver"]["restarts"] == 1
    assert 0 < record["clips"] == record["frames_received"] < 50
    assert told["serial=3"]["commands"] == (0 if gone else 1)


@pytest.mark.parametrize("gone", [False, True])
def test_a_device_that_takes_nothing_is_named(link, gone):
    device = {"args": "serial=1", "takes": 2, "gone": gone}
    words = ["audio", "--radio", "uhd:serial=1", *OVER[2:], "--frames", 30]
    done, *_ = link("terminal", [device], *words, timeout=60)
    assert done.returncode == 1 and "USRP 'serial=1'" in one_error(done)
    assert "no samples taken by" in one_error(done) or gone


class _Slow(gr.sync_block):
    """A receiver that takes its time."""

    def __init__(self):
        gr.sync_block.__init__(self, "slow", [np.complex64], [])

    def work(self, input_items, output_items):
        time.sleep(0.4)
        return min(len(input_items[0]), 100)


def test_a_receiver_that_is_behind_is_not_taken_for_a_silent_device(air):
    (device,) = air({"args": "serial=1"}).devices
    top, end = gr.top_block(), semcom.usrp_antennas("serial=1", 1, 1e6)
    top.connect(end, _slow := _Slow())
    with pytest.raises(BlockError, match="did not end within 4 s"):
        guard.run(top, timeout_s=4.0)
    assert end.counts() == {} and device.commands == 0


# --- bursts ---------------------------------------------------------------------------------------


def sent(air, lengths, times=None, offset=7.0):
    """The runs that a device sent."""
    (device,) = air({"args": "serial=1", "offset": offset}).devices
    top, end = gr.top_block(), semcom.usrp_transmitter("serial=1", RATE)
    top.connect(source := Bursts(lengths, RATE, times), end)
    guard.run(top, timeout_s=20)
    return device, source


def test_a_burst_without_a_time_gets_the_devices_and_50_ms(air):
    device, _ = sent(air, [500, 500, 4000])
    first, second, third = device.runs
    assert 0.03 < first["asked"] - first["came"] <= 0.05
    # Those that follow come after the one before, with a gap, or 50 ms after they came.
    for one, other in ((first, second), (second, third)):
        gap = other["asked"] - (one["asked"] + one["length"] / RATE)
        assert gap == pytest.approx(0.001, abs=1e-5) or other["asked"] - other["came"] > 0.03


def test_a_burst_with_a_time_keeps_it(air):
    device, _ = sent(air, [500, 500], {0: 8.25, 500: 8.5}, offset=7.0)
    assert [run["asked"] for run in device.runs] == [8.25, 8.5]


def test_the_end_of_a_first_burst_that_is_sent_at_once_arrives(air):
    device, _ = sent(air, [300, 300])
    assert [(run["length"], run["ended"]) for run in device.runs] == [(300, True)] * 2


def test_the_stand_in_loses_that_end_where_tags_alone_tell_it(air):
    """So libuhd does: what the test above would not see otherwise."""
    (device,) = air({"args": "serial=1"}).devices
    top, sink = gr.top_block(), fake_uhd.usrp_sink("serial=1", [0])
    sink.set_samp_rate(RATE)
    top.connect(source := Bursts([300], RATE), sink)
    guard.run(top, timeout_s=20)
    assert source.lengths == [] and [run["ended"] for run in device.runs] == [False]


def test_samples_outside_of_bursts_are_refused(air):
    air({"args": "serial=1"})
    top, end = gr.top_block(), semcom.usrp_transmitter("serial=1", RATE)
    top.connect(blocks.vector_source_c([1.0] * 100), end)
    with pytest.raises(
        BlockError, match="sample 0 is in no burst; it needs the tags tx_sob and tx_length"
    ):
        guard.run(top, timeout_s=20)


# --- what is written ------------------------------------------------------------------------------


def test_devices_stand_in_the_record(link):
    done, (record,), told = link("run_link", THREE, *OVER, "--frames", 4, "--rx-gain", 500)
    assert done.returncode == 0, done.stderr
    assert record["frames_received"] > 0
    counted = {"underflow", "late", "overflow", "restarts"}
    assert list(record["devices"]) == ["audio", "video", "receiver"]
    for device in record["devices"].values():
        assert device.keys() >= counted and all(device[name] >= 0 for name in counted)
    assert record["devices"]["video"]["device"] == "serial=2"
    assert record["devices"]["video"]["tx_gain_db"] == 10
    assert record["devices"]["receiver"]["rx_gain_db"] == 76
    late = [run for run in told["serial=2"]["runs"] if run["asked"] < run["came"]]
    assert record["devices"]["video"]["late"] == len(late)


def test_events_are_counted_by_their_names(air):
    (device,) = air({"args": "serial=1"}).devices
    top, end = gr.top_block(), semcom.usrp_transmitter("serial=1", RATE)
    top.connect(source := Bursts([500], RATE, {0: 0.0}), end)  # long past
    guard.run(top, timeout_s=20)
    assert device.runs and source.lengths == []
    assert end.counts() == {"late": 1} and end.told() == "1 x late"


@pytest.mark.parametrize("name", ["run_link", "terminal"])
def test_ctrl_c_leaves_a_record_of_what_came(name, tmp_path):
    out, began = tmp_path / "out.json", tmp_path / "began"
    side = ["audio"] if name == "terminal" else []
    spec = json.dumps({"devices": THREE, "began": str(began)})
    words = [name, spec, *side, *OVER, "--frames", 300, "--json", out]
    process = subprocess.Popen(
        [sys.executable, "tests/fake_uhd.py", *map(str, words)], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not began.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    text, error = process.communicate(timeout=120)
    assert process.returncode == 130, text + error
    assert "stopped" in error and "Traceback" not in error
    (record,) = json.loads(out.read_text())["records"]
    assert record["stopped"] == "SIGINT" and "underflow" in record["devices"]["audio"]
    if name == "run_link":
        assert record["clips"] < 300 and record["bursts_sent"][0] >= record["clips"]
        assert "one in part" in error


# --- ports and subdevices -------------------------------------------------------------------------


def opened(air, **options):
    """What the devices of three ends are set to."""
    devices = air(*THREE).devices
    radio = open_radio(
        Scenario(radio="uhd:serial=1;serial=2;serial=3", sample_rate=RATE, **options)
    )
    radio.transmitter("audio")
    radio.transmitter("video")
    radio.receiver("video", 1)
    radio.receiver("receiver", 2)
    return [device.set for device in devices]


def test_antennas_and_subdevices_are_those_that_are_named(air):
    audio, video, receiver = opened(air, antenna=";TX/RX+RX2;RX2,TX/RX", subdev="A:B;A:A;A:A A:B")
    assert audio["tx subdev"] == "A:B" and "tx antenna 0" not in audio
    assert video["tx antenna 0"] == "TX/RX" and video["rx antenna 0"] == "RX2"
    assert (video["tx subdev"], video["rx subdev"]) == ("A:A", "A:A")
    assert (receiver["rx antenna 0"], receiver["rx antenna 1"]) == ("RX2", "TX/RX")
    assert receiver["rx subdev"] == "A:A A:B"
    assert all(each["tx subdev"] == "A:A" for each in opened(air, subdev="A:A")[:2])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"antenna": ";;RX3"}, "'serial=3' of receiver has no port 'RX3' for its channels; TX/RX"),
        ({"antenna": "RX2"}, "'serial=1' of audio has no port 'RX2'.*with ';' between"),
        ({"antenna": "a;b;c;d"}, "--antenna a;b;c;d: 4 devices"),
        (
            {"subdev": ";;B"},
            "invalid subdev-spec B; uhd_usrp_probe lists the subdevices; is 'B' one?",
        ),
    ],
)
def test_ports_and_subdevices_that_are_not_there_are_refused(air, options, said):
    with pytest.raises(SemcomError, match=said):
        opened(air, **options)


@pytest.mark.parametrize(("key", "option"), [("subdev", "--subdev"), ("antenna", "--antenna")])
def test_arguments_that_uhd_would_ignore_are_refused(air, key, option):
    air({"args": f"serial=1,{key}=A:B"})
    with pytest.raises(SemcomError, match=f"{key}= in .* has no effect; give {option}"):
        semcom.usrp_transmitter(f"serial=1,{key}=A:B", RATE)


# --- a device that another has --------------------------------------------------------------------


BUSY = (
    "RuntimeError: Failed to claim device",
    "ValueError: mpmd device claiming failed!",
    "RuntimeError: Error during RPC call to `claim'. Error message: Someone tried to claim this "
    "device again (From: 192.168.10.1)",
)


@pytest.mark.parametrize("words", BUSY)
def test_a_busy_device_says_who_holds_it_and_how_long_to_wait(air, tmp_path, monkeypatch, words):
    for pid, uses in ((4711, "libuhd.so.4.3.0"), (4712, "libc.so.6")):
        folder = tmp_path / str(pid)
        folder.mkdir()
        (folder / "maps").write_text(f"7f00-7f01 r-xp 00000000 fe:01 1 /usr/lib/{uses}\n")
        (folder / "cmdline").write_bytes(b"python3\0apps/terminal.py\0audio\0")
    monkeypatch.setattr(usrp_holders, "PROC", tmp_path)
    air({"args": "serial=1", "busy": words})
    with pytest.raises(SemcomError) as refused:
        semcom.usrp_antennas("serial=1", 2, RATE)
    said = str(refused.value)
    assert "(process 4711, python3 apps/terminal.py audio)" in said and "4712" not in said
    assert "it is free 5 s after that program ends" in said and words in said
    assert "uhd_find_devices" not in said


def test_a_usrp_on_usb_that_another_holds_is_not_taken_for_missing(air, tmp_path, monkeypatch):
    usb, holder = tmp_path / "usb" / "2-1", tmp_path / "4713" / "fd"
    usb.mkdir(parents=True)
    holder.mkdir(parents=True)
    for name, value in (("idVendor", "2500"), ("busnum", "2"), ("devnum", "5")):
        (usb / name).write_text(f"{value}\n")
    (tmp_path / "4713" / "cmdline").write_bytes(b"gqrx\0")
    monkeypatch.setattr(usrp_holders, "PROC", tmp_path)
    monkeypatch.setattr(usrp_holders, "USB", tmp_path / "usb")
    air()
    with pytest.raises(SemcomError, match="No devices found.*uhd_find_devices"):
        semcom.usrp_antennas("serial=1", 2, RATE)
    (holder / "9").symlink_to("/dev/bus/usb/002/005")
    with pytest.raises(SemcomError, match=r"another program holds it \(process 4713, gqrx\)"):
        semcom.usrp_antennas("serial=1", 2, RATE)
