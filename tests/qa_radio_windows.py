# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The windows on the air without a screen: a recording replayed, and three over ZeroMQ."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pmt
import pytest
from conftest import ROOT, start_program
from gnuradio.semcom.protocol import mock_presets as presets

pytestmark = pytest.mark.alone  # ports of the air, or time by the clock

FRAMES = 3
RATE = 1_000_000  # [Hz] over ZeroMQ

# What both scripts begin with.
OPEN = """
import json, sys, time
folder = sys.argv[1]
sys.path.insert(0, folder)
import numpy as np
from PyQt5 import Qt

app = Qt.QApplication(sys.argv[:1])

def show(name, **options):
    module = __import__(name)
    top = getattr(module, name)(**options)
    module.snippets_main_after_init(top)
    top.start()
    if hasattr(top, "flowgraph_started"):  # of GNU Radio 3.10.12: its probes wait for main()
        top.flowgraph_started.set()
    top.show()
    return top

def wait(until, limit_s=60.0):
    deadline = time.monotonic() + limit_s
    while not until():
        app.processEvents()
        time.sleep(0.005)
        if time.monotonic() > deadline:
            sys.exit("nothing comes")

def colours(widget):
    image = widget.grab().toImage().convertToFormat(Qt.QImage.Format_RGB32)
    bits = image.constBits().asstring(image.byteCount())
    return len(np.unique(np.frombuffer(bits, np.uint32)))
"""

REPLAY = (
    OPEN
    + """
from gnuradio.semcom.windows.burst_display import burst_display
recording, frames = sys.argv[2], int(sys.argv[3])
empty = burst_display()
top = show("replay_iq", recording=recording)
wait(lambda: top.events.received == frames)
bursts, last = top.bursts, top.receiver.sync.take_reports()[-1]
print(json.dumps({
    "decided": {n: o.decided.tolist() for n, o in top.events.outcomes.items()},
    "title": bursts.title(), "rows": bursts.rows(), "counts": bursts.counts(),
    "empty": [empty.title(), empty.rows(), empty.counts()],
    "last": [[user.snr_db, user.cfo, user.clock, 1e6 * user.delay] for user in last.users],
    "snr": bursts.snr_db.tolist(),
    "drawn": [colours(w) for w in (bursts.widget, empty.widget, top.timeline.widget)],
}))
top.stop()
top.wait()
"""
)

RECEIVE = (
    OPEN
    + """
top = show("zmq_receiver", address=sys.argv[2], sample_rate=float(sys.argv[3]))
whole = set()

def heard(frames):
    "Both terminals in so many bursts, which were decided."
    reports = top.receiver.sync.take_reports()
    whole.update(r.frame for r in reports if all(user.read for user in r.users))
    return len(whole & top.events.outcomes.keys()) >= frames

wait(lambda: heard(2))
top.set_detector("lmmse")
wait(lambda: heard(4))
decided = {n: top.events.outcomes[n].decided.tolist() for n in whole & top.events.outcomes.keys()}
print(json.dumps({"decided": decided, "counts": top.bursts.counts()}))
top.stop()
top.wait()
"""
)

FILM = (
    OPEN
    + """
address, rate, weights, film = sys.argv[2:]
top = show("zmq_m3e_receiver", address=address, sample_rate=float(rate), checkpoint=weights,
           film=film)
wait(lambda: top.screen.playing is not None and top.kept.received >= 1, 150)
clip = top.screen.playing
print(json.dumps({
    "frame": clip.frame, "sent": clip.sent is None, "shown": list(clip.shown.pictures.shape),
    "symbols": clip.shown.symbols, "said": len(clip.shown.said), "counts": top.bursts.counts(),
}))
top.stop()
top.wait()
"""
)

# Three windows over devices of fake_uhd.
UHD = (
    OPEN
    + """
sys.path.insert(0, sys.argv[2])
import fake_uhd

devices = fake_uhd.install(
    {"args": "serial=1"}, {"args": "serial=2"}, {"args": "serial=3", "gains": (0, 40)}
).devices
rate = 5e5  # the default turnaround would be too short for the terminals
receiver = show("usrp_receiver", device="serial=1", sample_rate=rate)
slow = dict(sample_rate=rate, turnaround=0.3)
video = show("usrp_video_terminal", device="serial=2", frequency=915e6, **slow)
audio = show("usrp_audio_terminal", device="serial=3", **slow)
first = [device.set.copy() for device in devices]
labels = [audio._usrp_events_label, video._usrp_events_label, receiver._heard_label_label]
before = [label.text() for label in labels]
receiver.set_gain_db(33)
receiver.set_frequency_mhz(99000)
video.set_tx_gain_db(11)
video.set_rx_gain_db(22)
video.set_frequency_mhz(868.5)
audio.set_gain_db(90)
wait(lambda: all(label.text() != old for label, old in zip(labels[::2], before[::2])))
print(json.dumps({
    "first": first, "then": [device.set for device in devices], "before": before,
    "labels": [label.text() for label in labels],
}))
for top in (receiver, video, audio):
    top.stop()
    top.wait()
"""
)

VANISH = (
    OPEN
    + """
sys.path.insert(0, sys.argv[2])
import fake_uhd

fake_uhd.install({"args": "serial=1", "silent_from": 1000, "start": sys.argv[3]})
show("usrp_receiver", device="serial=1", sample_rate=5e5)
wait(lambda: False)
"""
)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("windows")
    ends = ("audio_terminal", "video_terminal", "receiver")
    names = ("replay_iq", *(f"{kind}_{end}" for kind in ("usrp", "zmq") for end in ends),
             "zmq_m3e_terminal", "zmq_m3e_receiver")  # fmt: skip
    flowgraphs = [str(ROOT / "apps" / "flowgraphs" / f"{name}.grc") for name in names]
    subprocess.run(
        [sys.executable, shutil.which("grcc"), "-o", str(folder), *flowgraphs],
        check=True, capture_output=True, timeout=120,
        env={**os.environ, "GRC_BLOCKS_PATH": str(ROOT / "grc"), "HOME": str(folder)},
    )  # fmt: skip
    return folder


def watch(script, folder, *words):
    """What a script prints last, as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder), *map(str, words)],
        capture_output=True, text=True, timeout=180,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "HOME": str(folder)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def replayed(compiled):
    """What the receiver's window shows of a recording of the mock radio."""
    recording = compiled / "iq"
    subprocess.run(
        [sys.executable, "apps/run_link.py", "--radio", "mock:bench", "--frames", str(FRAMES),
         "--snr", "20", "--seed", "3", "--record", str(recording)],
        check=True, capture_output=True, timeout=120, cwd=ROOT,
    )  # fmt: skip
    return watch(REPLAY, compiled, recording, FRAMES)


def share_right(decided: dict, clips) -> float:
    """Of the seconds of the frames that were decided."""
    return np.mean([np.equal(classes, clips.labels(int(n))) for n, classes in decided.items()])


def test_a_recording_is_decided(replayed, clips):
    assert list(replayed["decided"]) == [str(n) for n in range(FRAMES)]
    assert share_right(replayed["decided"], clips) > 0.8


def test_the_panel_shows_what_the_radios_are(replayed):
    """What frame_sync_cc reports; carriers and SNR are those of the mock radio."""
    radios = presets.settings(presets.load("bench"), 4e6, 14.0, seed=3)
    here = radios.receiver
    assert replayed["title"].startswith(f"Burst of frame {FRAMES - 1} at ")
    for row, told, there in zip(
        replayed["rows"], replayed["last"], (radios.audio, radios.video), strict=True
    ):
        np.testing.assert_allclose(np.array(row, float), told, atol=0.51)
        snr, carrier, _, delay = told
        assert snr == pytest.approx(17, abs=1)  # half of the paths of H = I are silent
        assert carrier == pytest.approx(there.cfo_hz - here.cfo_hz, abs=10)
        assert abs(delay) < 4  # [µs], a symbol
    np.testing.assert_allclose(replayed["snr"], np.full((2, FRAMES), 17), atol=1)
    counts = "3 frames, 0 lost, 0 duplicated, 0 restarts, 0 false alarms, 0 overflows"
    assert replayed["counts"] == counts


def test_before_the_first_burst_the_panel_is_empty(replayed):
    title, rows, counts = replayed["empty"]
    assert title == "Bursts: none received yet" and rows == [["\N{EM DASH}"] * 4] * 2
    assert counts.startswith("0 frames, 0 lost")
    full, empty, timeline = replayed["drawn"]
    assert full > 20 and empty > 10 and timeline > 20


def test_a_terminal_that_is_not_heard_has_no_figures():
    from gnuradio.semcom.windows.burst_display import burst_display

    class Panel(burst_display):
        def __init__(self):  # without a widget, which would need a screen
            self.terminals = ("audio", "video")

    panel = Panel()
    panel.burst = pmt.to_python(pmt.to_pmt({"detected": [0, 1], "snr_db": [0.0, 9.96],
        "cfo": [0.0, -1234.5], "clock": [0.0, 2.25], "delay": [0.0, -1e-9]}))  # fmt: skip
    assert panel.rows() == [["\N{EM DASH}"] * 4, ["10.0", "-1234", "2.2", "0.0"]]


def free_ports(count: int) -> list:
    """Ports of this host that nobody has."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def test_three_windows_over_zeromq(compiled, clips, monkeypatch):
    """A mock radio and three programs; whoever comes later, finds the others."""
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    audio, video, receiver, antenna = (f"tcp://127.0.0.1:{port}" for port in free_ports(4))
    # a low rate for a busy machine; the search over 10000 symbols then takes 40 ms
    sent = ["--sample-rate", str(RATE), "--turnaround", "0.4"]
    programs = [
        start_program(*words)
        for words in (
            ["apps/mock_radio.py", "--preset", "bench", "--snr", "20", "--sample-rate", str(RATE),
             "--tx", audio, video, "--rx", receiver, antenna],
            [compiled / "zmq_video_terminal.py", "--address", video, "--antenna-address", antenna,
             *sent],
            [compiled / "zmq_audio_terminal.py", "--address", audio, *sent],
        )
    ]  # fmt: skip
    try:
        seen = watch(RECEIVE, compiled, receiver, RATE)
    finally:
        for one in programs:
            one.send_signal(signal.SIGINT)
        told = [one.communicate(timeout=120) for one in programs]
    assert share_right(seen["decided"], clips) > 0.8
    assert "0 duplicated, 0 restarts" in seen["counts"]
    assert [one.returncode for one in programs[1:]] == [0, 0], told
    assert "frames sent, " in told[1][0] and "frames sent" in told[2][0]


def test_a_film_over_zeromq(compiled, tiny_generative, tmp_path, monkeypatch):
    """A clip of four seconds in four bursts, shown and written by a receiver elsewhere."""
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    terminal, other, receiver, antenna = (f"tcp://127.0.0.1:{port}" for port in free_ports(4))
    programs = [
        start_program(*words)
        for words in (
            ["apps/mock_radio.py", "--preset", "bench", "--snr", "20", "--sample-rate", str(RATE),
             "--tx", terminal, other, "--rx", receiver, antenna],
            [compiled / "zmq_m3e_terminal.py", "--address", terminal, "--sample-rate", str(RATE),
             "--checkpoint", tiny_generative, "--media",
             "lavfi:testsrc2=size=160x120:rate=16:duration=120"],
        )
    ]  # fmt: skip
    try:
        seen = watch(FILM, compiled, receiver, RATE, tiny_generative, tmp_path / "film.mp4")
    finally:
        for one in programs:
            one.send_signal(signal.SIGINT)
        told = [one.communicate(timeout=120) for one in programs]
    assert seen["sent"] and seen["shown"] == [64, 224, 298, 3] and seen["said"] == 4
    assert seen["symbols"] == 448 + 4 * (60 + 576)  # head, text and key frame; it has no sound
    assert "0 duplicated, 0 restarts, 0 false alarms" in seen["counts"]
    assert programs[1].returncode == 0 and "bursts sent" in told[1][0], told
    assert (tmp_path / "film.mp4").stat().st_size > 10_000


TESTS = ROOT / "tests"


def test_usrps_are_tuned_at_run_time(compiled):
    seen = watch(UHD, compiled, TESTS)

    def tuned(way, frequency, gain, channels=1):
        both = {"frequency": frequency, "gain": gain}
        return {f"{way} {key} {m}": both[key] for m in range(channels) for key in both}

    receiver, video, audio = seen["first"]
    assert receiver == tuned("rx", 2.45e9, 20, channels=2)
    assert video == tuned("tx", 915e6, 10) | tuned("rx", 915e6, 20)
    assert audio == tuned("tx", 2.45e9, 10)
    assert seen["before"] == ["no underflow", "no underflow", "no complaint"]
    receiver, video, audio = seen["then"]
    assert receiver == tuned("rx", 6e9, 33, channels=2)
    assert video == tuned("tx", 868.5e6, 11) | tuned("rx", 868.5e6, 22)
    assert audio == tuned("tx", 2.45e9, 40)
    audio, video, receiver = seen["labels"]
    assert audio.endswith("gain 90 dB becomes 40 dB; range: 0 to 40")
    assert "becomes" not in video
    assert receiver == "frequency 99000 MHz becomes 6000 MHz; range: 70 to 6000"


@pytest.mark.parametrize(
    ("start", "said"),
    [
        ("", "no samples from USRP 'serial=1' for 3 s; check its cable and power"),
        ("no more streams", "USRP 'serial=1': RuntimeError: no more streams"),
    ],
)
def test_a_window_ends_with_the_name_of_a_device_that_fails(compiled, start, said):
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", VANISH, str(compiled), str(TESTS), start],
        capture_output=True, text=True, timeout=90,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "HOME": str(compiled)},
    )  # fmt: skip
    assert done.returncode == 1 and f"error: {said}\n" in done.stderr, done.stderr
    assert time.monotonic() - began < 60
