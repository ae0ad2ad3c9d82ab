# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The window of simulated_link_gui on a virtual screen: it opens, draws, and obeys its controls."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT
from gnuradio.semcom.systems.registry import DEFAULT_SYSTEM
from gnuradio.semcom.weights.names import shipped

# Turns one control after another and prints what the link then did, as JSON.
WATCH = """
import json, sys, time
folder, picture, other, misfit = sys.argv[1:]
sys.path.insert(0, folder)
import numpy as np
from gnuradio import blocks
from gnuradio.semcom.windows.displays import channel_display
from PyQt5 import Qt
import simulated_link_gui

app = Qt.QApplication(sys.argv[:1])
top = simulated_link_gui.simulated_link_gui()
simulated_link_gui.snippets_main_after_init(top)
sidelink, detected = channel_display(["audio"]), blocks.vector_sink_c()
top.msg_connect((top.video.ears[0], "csi"), (sidelink, "csi"))
top.connect((top.receiver, 1), detected)
top.set_interval(0.02)
top.start()
top.show()
SYMBOLS, SETTLE = 160, 12
seen = {"size": [top.width(), top.height()]}

def wait(frames, limit_s=40.0):
    "Frames that arrive while the window lives; the first are those that were under way."
    until, deadline = top.events.received + frames, time.monotonic() + limit_s
    while top.events.received < until:
        app.processEvents()
        time.sleep(0.005)
        if time.monotonic() > deadline:
            sys.exit("no clips come")

def gap(clips):
    "Mean time [s] between clips that the source sends; two may go before it knows a new time."
    times, sent, deadline = [], top.clips.sent, time.monotonic() + 40
    while len(times) < clips + 2:
        app.processEvents()
        time.sleep(0.005)
        if top.clips.sent > sent:
            times.append(time.monotonic())
            sent = top.clips.sent
        if time.monotonic() > deadline:
            sys.exit("no clips are sent")
    return (times[-1] - times[1]) / clips

def watch(frames, **controls):
    for name, value in controls.items():
        getattr(top, "set_" + name)(value)
    wait(SETTLE + frames)

def snr(window, frames):
    return float(10 * np.log10(np.mean(10 ** (np.array(window.snr_db[-frames:]) / 10))))

def paths(frames):
    return [h.tolist() for h in list(top.channel_window.truth.values())[-frames:]]

def estimate():
    number, h = top.channel_window.csi
    return [h.tolist(), top.channel_window.truth[number].tolist()]

def power(frames):
    samples = np.array(detected.data()[-frames * SYMBOLS:])
    return float(np.median(np.abs(samples) ** 2))

def colours(widget):
    image = widget.grab().toImage().convertToFormat(Qt.QImage.Format_RGB32)
    bits = image.constBits().asstring(image.byteCount())
    return len(np.unique(np.frombuffer(bits, np.uint32)))

wait(5)
seen["drawn"] = [colours(w) for w in (top.timeline.widget, top.channel_window.widget, top)]
watch(10, channel="awgn", snr_db=30, sidelink_snr_db=20)
seen["awgn"] = [snr(top.channel_window, 10), snr(sidelink, 10)]
seen["awgn paths"] = paths(1)
watch(10, snr_db=0, sidelink_snr_db=10)
seen["lower"] = [snr(top.channel_window, 10), snr(sidelink, 10)]
watch(40, channel="rician", rician_k=20)
seen["rician 20"] = paths(40)
watch(40, rician_k=0)
seen["rician 0"] = paths(40)
watch(5, csi="perfect")
seen["perfect"] = estimate()
watch(5, csi="ls")
seen["ls"] = estimate()
heard = len(sidelink.snr_db)
watch(5, csi="none")
first = len(sidelink.snr_db)
watch(5)
seen["none"] = [first - heard, len(sidelink.snr_db) - first, top.channel_window.waiting()]
seen["none title"] = top.channel_window.title()
watch(15, csi="ls", channel="rician_rank1", rician_k=20, detector="zf")
seen["zf"] = power(15)
watch(15, detector="lmmse")
seen["lmmse"] = power(15)
watch(10, channel="none", detector="none")
seen["none detector"] = [power(10), top.channel_window.waiting()]
watch(20, channel="rayleigh", snr_db=40, detector="zf")
seen["still"] = snr(top.channel_window, 20)
watch(20, doppler=0.002)
seen["doppler"] = snr(top.channel_window, 20)
watch(3, doppler=0, checkpoint="")
chooser, users = top._checkpoint_win, (top.audio.encoder, top.video.encoder, top.receiver.decoder)
nets = [block.net for block in users]
chooser.set(misfit)
wait(2)
seen["refused"] = [chooser.status.text(), [b.net is n for b, n in zip(users, nets)]]
chooser.set(other)
watch(2)
seen["chosen"] = [block.checkpoint for block in users] + [chooser.list.currentData()]
seen["status"] = chooser.status.text()
top.set_interval(1.0)
seen["gap"] = gap(3)
wait(top.clips.sent - top.events.received)  # those under way
event = top.timeline.event
seen["timeline"] = {
    **event, "truth": top.timeline.truth[event["frame"]], "marks": top.timeline.marks(),
    "title": top.timeline.title(), "recent": len(top.timeline.recent),
    "decided": top.events.outcomes[event["frame"]].decided.tolist(),
    "sure": top.events.outcomes[event["frame"]].confidence.tolist(),
}
top.grab().save(picture)
top.stop()
top.wait()
print(json.dumps(seen))
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory, tiny_checkpoint):
    """What the window did; ``other`` and ``picture`` are paths."""
    folder = tmp_path_factory.mktemp("window")
    environment = {**os.environ, "GRC_BLOCKS_PATH": str(ROOT / "grc"), "HOME": str(folder)}
    subprocess.run(
        [sys.executable, shutil.which("grcc"), "-o", str(folder),
         str(ROOT / "apps" / "flowgraphs" / "simulated_link_gui.grc")],
        check=True, capture_output=True, timeout=120, env=environment,
    )  # fmt: skip
    picture, other = folder / "window.png", folder / "other.safetensors"
    shutil.copy(shipped(DEFAULT_SYSTEM), other)
    done = subprocess.run(
        ["xvfb-run", "-a", "-s", "-screen 0 1600x1000x24", sys.executable, "-c", WATCH,
         str(folder), str(picture), str(other), tiny_checkpoint],
        capture_output=True, text=True, timeout=300, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {**json.loads(done.stdout.splitlines()[-1]), "picture": picture, "other": str(other)}


def test_the_window_opens_and_draws(seen):
    timeline, channel, whole = seen["drawn"]
    assert timeline > 20 and channel > 20 and whole > 50
    assert seen["size"] == [1280, 800]
    assert seen["picture"].stat().st_size > 20000


def test_snr_sliders_act_on_their_own_link(seen):
    # H = I over 2x2 paths: half of them carry the SNR; over 1x1 all of them
    assert seen["awgn"] == pytest.approx([27, 20], abs=1)
    assert seen["lower"] == pytest.approx([-3, 10], abs=1)


def test_channel_and_k_factor_set_the_fading(seen):
    np.testing.assert_allclose(seen["awgn paths"][0], np.eye(2), atol=1e-6)
    for k in (20, 0):  # |h|^2 of a Rician path: mean 1, variance (2 K + 1) / (K + 1)^2
        gains = np.square(seen[f"rician {k}"])
        assert gains.mean() == pytest.approx(1, abs=0.35)
        assert gains.var() == pytest.approx((2 * k + 1) / (k + 1) ** 2, rel=0.7)


def test_channel_estimation_acts_on_both_receivers(seen):
    found, truth = np.array(seen["perfect"])
    np.testing.assert_allclose(found, truth, rtol=1e-6)
    found, truth = np.array(seen["ls"])
    # at 0 dB and 32 pilots each entry is off by an error of variance 1/32
    assert 1e-3 < np.abs(found - truth).max() < 1
    before, after, waiting = seen["none"]
    assert before < 17 and after == 0 and waiting  # the sidelink's estimates end as well
    assert seen["none title"].endswith("unknown")


def test_detector_acts_where_the_channel_is_nearly_singular(seen):
    assert seen["zf"] > 4 * seen["lmmse"]
    passed, waiting = seen["none detector"]
    assert passed < 2 and waiting  # no channel, no detector: the sent symbols of unit power


def test_doppler_spoils_the_pilots(seen):
    assert seen["still"] == pytest.approx(40, abs=2.5)
    assert seen["doppler"] < 30


def test_checkpoint_is_exchanged_everywhere_or_refused_in_sight(seen):
    text, unchanged = seen["refused"]
    assert "refused" in text and "symbols differ" in text and all(unchanged)
    assert seen["chosen"] == [seen["other"]] * 4
    assert seen["status"].startswith("variant full, trained on synthetic")


def test_time_between_clips_is_kept(seen):
    assert 0.85 < seen["gap"] < 2  # the least time, at the source of a machine that may be busy


def test_timeline_compares_each_second(seen, clips):
    shown = seen["timeline"]
    labels = clips.labels(shown["frame"] % len(clips))
    assert shown["truth"] == [clips.classes[c] for c in labels]
    assert shown["events"] == [clips.classes[c] for c in shown["decided"]]
    right = [int(a) == b for a, b in zip(labels, shown["decided"], strict=True)]
    assert shown["marks"] == right
    assert shown["confidence"] == pytest.approx(shown["sure"])
    assert all(1 / len(clips.classes) <= sure <= 1 for sure in shown["sure"])
    first, last = shown["title"]
    assert first == f"Clip {shown['frame']}: {sum(right)} of 10 seconds right"
    assert last.startswith("last 20 clips: ") and shown["recent"] == 20
