# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The window of digital_link_gui on a virtual screen: lost blocks, pictures before and after, and
settings that change while it runs."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.media import quality
from gnuradio.semcom.media.clip import Media
from gnuradio.semcom.windows.media_comparison import compare

SCREEN = ["xvfb-run", "-a", "-s", "-screen 0 1680x960x24"]

# Turns the knobs and prints what the window then showed, as JSON.
WATCH = """
import json, sys, time
folder, picture = sys.argv[1:]
sys.path.insert(0, folder)
import numpy as np
from PyQt5 import Qt
from gnuradio.semcom.blocks import guard
from gnuradio.semcom.blocks.collectors import frame_collector
from gnuradio.semcom.media.store import STORE, handle_items
from gnuradio.semcom.phy.coding import BlockCode
from gnuradio.semcom.windows.media_comparison import compare
import torch
import digital_link_gui

app = Qt.QApplication(sys.argv[:1])
top = digital_link_gui.digital_link_gui()
digital_link_gui.snippets_main_after_init(top)
clips = top.clips.clips
drawn = [clips.media(i) for i in range(2)]  # drawing takes longest
clips.media = lambda i: drawn[i % 2]
detected = [frame_collector() for _ in range(2)]
for port, sink in enumerate(detected):
    top.connect((top.receiver, 1 + port), sink)
for name, value in dict(interval=0.5, channel="awgn", csi="perfect", size=32, quality=10).items():
    getattr(top, "set_" + name)(value)
top.set_source("webp+codec2")
top.set_snr_db(30.0)
guard._latch.supervise(True)
top.start()
top.show()
seen = {}

def wait(frames, limit_s=150.0):
    "Frames that leave the source from now on, once they came."
    first, deadline = top.clips.sent + 1, time.monotonic() + limit_s
    while not top.block_window.frames or top.block_window.frames[-1].number < first + frames - 1:
        app.processEvents()
        time.sleep(0.005)
        if guard._latch.pending() or time.monotonic() > deadline:
            sys.exit(f"no clips come: {guard._latch.take()}")
    return [frame for frame in top.block_window.frames if frame.number >= first][:frames]

def watch(frames, **controls):
    for name, value in controls.items():
        getattr(top, "set_" + name)(value)
    return wait(frames)

def lost(frames):
    return [[f.number, f.lost("audio"), f.lost("video"), len(f.came["audio"])] for f in frames]

def expected(frames, snr_db, code="3/4", modulation="qpsk"):
    found = []
    for frame in frames:
        counts = []
        for sink in detected:
            symbols = sink.frames[frame.number]
            noise = np.full(len(symbols), 10 ** (-snr_db / 10), np.float32)
            good = BlockCode(modulation, code).decode(symbols, noise)[1]
            counts.append(int(np.sum(~good)))
        found.append([frame.number, *counts, len(good)])
    return found

def pictures():
    "What is compared, and what it is without a radio."
    title, net = "", top.receiver.decoder.net
    while title != top.picture_window.title()[0]:
        clip, title = top.picture_window.compared, top.picture_window.title()[0]
    media = clips.media(clip.frame % len(clips))
    items = torch.from_numpy(handle_items(STORE.keep(media), 10))
    symbols = np.stack([net.send(name, [items], {})[0].numpy() for name in ("audio", "video")])
    again = net.shown_again(net.units(symbols, np.full(symbols.shape, 1e-3, np.float32))[0])
    return {
        "ssim": clip.ssim.tolist(),
        "expected": compare(0, media, again).ssim.tolist(),
        "same": bool(np.array_equal(clip.sent, media.pictures[8::16])),
        "spread": [int(np.min(clip.shown)), int(np.max(clip.shown))],
        "title": title,
    }

def column():
    "Colours of the newest frame's column of the upper raster."
    widget = top.block_window.widget
    step = (widget.width() - 50) / 60
    image, x = widget.grab().toImage(), int(widget.width() - 10 - step / 2)
    return image.pixelColor(x, 80).getRgb()[:3]

def shown(size):
    "Whether every control and window is on the screen of that size, not cut off."
    top.resize(*size)
    for _ in range(20):
        app.processEvents()
        time.sleep(0.01)
    hidden = [b for b in top.findChildren(Qt.QToolButton) if b.isVisible()]  # of cut choosers
    right = max(w.mapTo(top, w.rect().bottomRight()).x() for w in windows)
    below = max(w.mapTo(top, w.rect().bottomRight()).y() for w in windows)
    return [len(hidden), right <= size[0], below <= size[1]]

windows = [block.widget for block in (
    top.block_window, top.picture_window, top.channel_window, top.timeline)]
frames = watch(2)
seen["clean"] = [lost(frames), expected(frames, 30), pictures(), column()]
frames = watch(3, snr_db=4.0)
recent, title = (), top.block_window.title()
while recent != top.block_window.frames:
    recent, title = top.block_window.frames, top.block_window.title()
seen["edge"] = [lost(frames), expected(frames, 4.0), title, lost(recent[-20:])]
frames = watch(2, snr_db=-5.0)
seen["gone"] = [lost(frames), pictures(), column()]
seen["timeline"] = [top.timeline.event["frame"], len(top.timeline.event["events"])]
# knobs turned while frames are under way: what was coded with other settings is lost
for code, modulation, source, size in [
    ("1/2", "qpsk", "webp+codec2", 32), ("5/6", "256qam", "jpeg+opus", 64),
    ("2/3", "bpsk", "h265+opus", 48), ("3/4", "64qam", "jpeg+opus", 32)]:
    for name, value in dict(code=code, modulation=modulation, source=source, size=size).items():
        getattr(top, "set_" + name)(value)
        until = time.monotonic() + 0.2
        while time.monotonic() < until:
            app.processEvents()
frames = watch(2, snr_db=35.0)
seen["turned"] = [lost(frames), expected(frames, 35, "3/4", "64qam"), pictures()]
seen["settings"] = [block.checkpoint for block in
                    (top.audio.encoder, top.video.encoder, top.receiver.decoder)]
seen["fits"] = {str(size): shown(size) for size in ((1400, 940), (1680, 960))}
top.grab().save(picture)
top.stop()
top.wait()
seen["errors"] = guard._latch.take()
print(json.dumps(seen))
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What the window showed; ``picture`` is a path."""
    folder = tmp_path_factory.mktemp("window")
    environment = {**os.environ, "GRC_BLOCKS_PATH": str(ROOT / "grc"), "HOME": str(folder)}
    subprocess.run(
        [sys.executable, shutil.which("grcc"), "-o", str(folder),
         str(ROOT / "apps" / "flowgraphs" / "digital_link_gui.grc")],
        check=True, capture_output=True, timeout=120, env=environment,
    )  # fmt: skip
    picture = folder / "window.png"
    done = subprocess.run(
        [*SCREEN, sys.executable, "-c", WATCH, str(folder), str(picture)],
        capture_output=True, text=True, timeout=300, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {**json.loads(done.stdout.splitlines()[-1]), "picture": picture}


def test_without_noise_every_block_comes(seen):
    lost, expected, pictures, colour = seen["clean"]
    assert lost == expected and all(row[1:3] == [0, 0] and row[3] > 30 for row in lost)
    assert pictures["same"] and pictures["ssim"] == pytest.approx(pictures["expected"])
    assert f"SSIM {np.mean(pictures['ssim']):.2f}" in pictures["title"]
    assert colour[0] == colour[1] == colour[2]


def test_the_blocks_that_noise_takes_are_counted(seen):
    lost, expected, title, recent = seen["edge"]
    assert lost == expected
    assert 0 < sum(row[1] + row[2] for row in lost) < sum(2 * row[3] for row in lost)
    number, audio, video, blocks = recent[-1]
    assert title[0] == (
        f"Frame {number}, blocks lost: audio {audio} of {blocks}, video {video} of {blocks}"
    )
    share = sum(row[1] + row[2] for row in recent) / sum(2 * row[3] for row in recent)
    assert f"last {len(recent)} frames: {100 * share:.1f} % lost" in title[1]


def test_below_the_cliff_pictures_are_grey(seen):
    lost, pictures, colour = seen["gone"]
    assert all(row[1:3] == [row[3], row[3]] for row in lost)
    assert pictures["same"] and pictures["spread"] == [128, 128]
    assert np.mean(pictures["ssim"]) < np.mean(pictures["expected"])
    assert colour[0] > colour[2] + 100  # vermilion
    assert seen["timeline"][1] == 10  # events are told all the same


def test_settings_change_while_it_runs(seen):
    lost, expected, pictures = seen["turned"]
    assert lost == expected and all(row[1:3] == [0, 0] for row in lost)
    assert pictures["same"] and pictures["ssim"] == pytest.approx(pictures["expected"])
    assert len(set(seen["settings"])) == 1
    assert "source=jpeg+opus&code=3/4&modulation=64qam&size=32" in seen["settings"][0]
    assert seen["errors"] == []


def test_nothing_is_cut_off(seen):
    assert seen["fits"] == {size: [0, True, True] for size in seen["fits"]}
    assert seen["picture"].stat().st_size > 50_000


# Messages of other systems, and of media that are gone.
ODD = """
import json, sys
import numpy as np
import pmt
from PyQt5 import QtWidgets
from gnuradio.semcom.blocks import guard
from gnuradio.semcom.media.clip import Media
from gnuradio.semcom.media.store import NOTHING, STORE
from gnuradio.semcom.windows.block_error_display import block_error_display
from gnuradio.semcom.windows.media_comparison import media_comparison

app = QtWidgets.QApplication(sys.argv[:1])
guard._latch.supervise(True)
blocks, pictures = block_error_display(), media_comparison()
seen = {"waiting": [blocks.title(), pictures.title()]}
for block, message in ((blocks, {"frame": 3, "share": 0.5}), (pictures, {"frame": 3})):
    block._on_judgement(pmt.to_pmt(message))
seen["errors"] = guard._latch.take()
pictures.sent[4] = STORE.keep(Media())
pictures._on_judgement(pmt.to_pmt({"frame": 4, "media": 10**6}))
seen["gone"] = pictures.title()
pictures.sent[5] = STORE.keep(Media())
pictures._on_judgement(pmt.to_pmt({"frame": 5, "media": pictures.sent[5]}))
seen["empty"] = pictures.title()
grey = Media(np.full((16, 20, 20, 3), 128, np.uint8), np.zeros(16000, np.float32))
pictures.sent[8] = STORE.keep(grey)
pictures._on_judgement(pmt.to_pmt({"frame": 8, "media": NOTHING}))
seen["nothing"] = pictures.title()[0]
none = {"audio": np.zeros(0, np.uint8), "video": np.zeros(0, np.uint8)}  # of other settings
blocks._on_judgement(pmt.to_pmt({"frame": 6, "symbols": 7, "blocks": none}))
seen["none"] = blocks.title()
for block in (blocks, pictures):
    block.widget.resize(500, 300)
    block.widget.grab()
seen["painted"] = guard._latch.take()
print(json.dumps(seen))
"""


def test_odd_messages_have_an_answer():
    done = subprocess.run([*SCREEN, sys.executable, "-c", ODD], capture_output=True, text=True,
                          timeout=60)  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert all("waiting for the first" in first for first, _ in seen["waiting"])
    assert "frame 3: a judgement without blocks" in seen["errors"][0]
    assert "frame 3: a judgement without media" in seen["errors"][1]
    assert "media 1000000: not in this process's store" in seen["gone"][0]
    assert "without pictures" in seen["empty"][0]
    assert seen["nothing"] == "Clip 8: SSIM 1.00, PSNR 60.0 dB"  # grey was sent, too
    assert "Frame 6" in seen["none"][0] and "0.0 % lost" in seen["none"][1]
    assert seen["painted"] == [] and "Traceback" not in done.stderr


def test_pictures_are_compared_second_by_second():
    rng = np.random.default_rng(4)
    sent = Media(
        rng.integers(0, 256, (48, 40, 60, 3)).astype(np.uint8), np.zeros(48000, np.float32)
    )
    small = sent.pictures[8::16, ::2, ::2]  # a picture a second, of half the size
    found = compare(7, sent, Media(small, np.zeros(48000, np.float32)))
    np.testing.assert_array_equal(found.sent, sent.pictures[8::16])
    assert np.shape(found.shown) == (3, 40, 60, 3)
    for t in range(3):
        assert found.ssim[t] == quality.structural_similarity(found.sent[t], found.shown[t])[0]
        assert found.psnr_db[t] == quality.psnr(found.sent[t], found.shown[t])
    alike = compare(7, sent, sent)
    np.testing.assert_allclose(alike.ssim, 1)
    shorter = Media(sent.pictures[:16], np.zeros(16000, np.float32))
    np.testing.assert_array_equal(compare(7, sent, shorter).shown[2], sent.pictures[15])
    with pytest.raises(SemcomError, match="SSIM needs 11 x 11"):
        tiny = Media(np.zeros((16, 8, 8, 3), np.uint8), np.zeros(16000, np.float32))
        compare(7, tiny, tiny)
