# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The window of m3e_link_gui on a virtual screen, what it says of odd messages, and the sink that
writes films."""

import json
import os
import shutil
import subprocess
import sys

import av
import numpy as np
import pytest
from conftest import ROOT
from gnuradio import blocks, gr, semcom
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.blocks.frame_block import FRAME_TAG, frame_tag
from gnuradio.semcom.blocks.media_source import shared_store
from gnuradio.semcom.media.clip import Media
from gnuradio.semcom.media.sources import Second
from gnuradio.semcom.media.store import NOTHING, STORE, handle_items
from gnuradio.semcom.perception.windows import Window
from qa_frame_block import tags_of

HEAD = (2 * 2 + 6 * 4) * 16  # symbols of the head of a clip of several seconds: words, repeats
SECONDS = 4  # of a clip
WHOLE, TEXT = 60 + 64 * 9, 60  # of a second behind it, of a film without sound

# Turns the knobs and prints what the window then showed, as JSON.
WATCH = """
import json, sys, time
folder, weights, picture = sys.argv[1:]
sys.path.insert(0, folder)
import numpy as np
from PyQt5 import Qt
from gnuradio.semcom.blocks import guard
import m3e_link_gui

app = Qt.QApplication(sys.argv[:1])
top = m3e_link_gui.m3e_link_gui(
    media="lavfi:testsrc2=size=160x120:rate=16:duration=90", checkpoint=weights)
m3e_link_gui.snippets_main_after_init(top)
top.set_channel("awgn")
top.set_snr_db(30.0)
guard._latch.supervise(True)
seen = {"waiting": top.screen.view(640, 360).shape}
top.start()
top.show()

def clip(wanted=lambda clip: True, limit_s=100.0):
    "The first clip that is wanted, once it is played."
    deadline = time.monotonic() + limit_s
    while top.screen.playing is None or not wanted(top.screen.playing):
        app.processEvents()
        time.sleep(0.005)
        if guard._latch.pending() or time.monotonic() > deadline:
            sys.exit(f"no clips come: {guard._latch.take()}")
    return top.screen.playing

def told(clip):
    return [clip.frame, clip.length(), clip.captions[0].symbols, clip.captions[-1].named,
            len(clip.captions[-1].values), list(clip.sent.pictures.shape),
            list(clip.shown.pictures.shape)]

first = clip()
seen["first"] = told(first)
seen["sent"] = float(np.std(first.sent.pictures[8]))
seen["drawn"] = len(np.unique(top.screen.view(1280, 720)[40:460, 20:630].reshape(-1, 3), axis=0))
seen["caption"] = first.captions[0].told
top.set_picture_symbols(2)
top.set_only("text")
last = clip(lambda clip: clip.captions[0].symbols < 200)  # what was under way comes first
seen["text"] = told(last)
for _ in range(20):
    app.processEvents()
hidden = [b for b in top.findChildren(Qt.QToolButton) if b.isVisible()]  # of cut choosers
seen["hidden"] = len(hidden)
top.grab().save(picture)
top.stop()
top.wait()
seen["errors"] = guard._latch.take()
print(json.dumps(seen))
"""


def test_the_window_shows_clip_after_clip(tmp_path, tiny_generative):
    environment = {**os.environ, "GRC_BLOCKS_PATH": str(ROOT / "grc"), "HOME": str(tmp_path)}
    subprocess.run(
        [sys.executable, shutil.which("grcc"), "-o", str(tmp_path),
         str(ROOT / "apps" / "flowgraphs" / "m3e_link_gui.grc")],
        check=True, capture_output=True, timeout=120, env=environment,
    )  # fmt: skip
    picture = tmp_path / "window.png"
    done = subprocess.run(
        ["xvfb-run", "-a", "-s", "-screen 0 1680x1050x24", sys.executable, "-c", WATCH,
         str(tmp_path), tiny_generative, str(picture)],
        capture_output=True, text=True, timeout=240, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["waiting"] == [360, 640, 3] and seen["errors"] == [] and seen["hidden"] == 0
    frame, seconds, symbols, named, values, sent, shown = seen["first"]
    assert seconds == SECONDS and values == (frame + 1) * SECONDS and sent == shown
    assert symbols == WHOLE + HEAD / SECONDS and named.startswith("ξ")
    assert seen["sent"] > 20 and seen["drawn"] > 100 and seen["caption"] == "awgn, 30 dB"
    assert seen["text"][2] == TEXT + HEAD / SECONDS
    assert picture.stat().st_size > 20_000


# Messages as they should not come.
ODD = """
import json
import numpy as np
import pmt
from PyQt5 import QtWidgets
from gnuradio.semcom.blocks import guard
from gnuradio.semcom.media.clip import Media
from gnuradio.semcom.media.store import NOTHING, STORE
from gnuradio.semcom.windows.generative_display import generative_display

app = QtWidgets.QApplication(["odd"])
guard._latch.supervise(True)
display, seen = generative_display(store=""), {}

def tell(**message):
    display._on_judgement(pmt.to_pmt(message))
    display.view(640, 360)
    return display.playing

tell(frame=3, share=0.5)
tell(frame=4, media=10**6)
seen["errors"] = guard._latch.take()
lost = tell(frame=5, media=NOTHING)
seen["lost"] = [lost.frame, lost.length(), lost.captions[0].words]
display.began -= 10
green = Media(np.full((32, 30, 40, 3), (0, 200, 0), np.uint8), np.zeros(32000, np.float32),
              said=("A dog is seen.", ""), xi=(0.8, 0.2), symbols=100)
alone = tell(frame=6, media=STORE.keep(green))
seen["alone"] = [alone.frame, alone.sent is None, [c.words for c in alone.captions]]
view = display.view(1280, 720)
green = (view == (0, 200, 0)).all(2)
seen["green"] = [int(green[:, :640].sum()), int(green[:, 640:].sum())]
still = tell(frame=7, media=NOTHING)  # waits until the one before is over
seen["waits"] = [still.frame, display.coming.frame]
display.widget.resize(500, 300)
display.widget.grab()
seen["painted"] = guard._latch.take()
print(json.dumps(seen))
"""


def test_odd_messages_have_an_answer():
    done = subprocess.run(
        [sys.executable, "-c", ODD], capture_output=True, text=True, timeout=100,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert "frame 3: a judgement without media" in seen["errors"][0]
    assert "media 1000000: not in this process's store" in seen["errors"][1]
    assert seen["lost"] == [5, 1, "nothing arrived"]
    assert seen["alone"] == [6, True, ["A dog is seen.", "no sentence could be read"]]
    assert seen["green"][0] == 0 and seen["green"][1] > 100_000
    assert seen["waits"] == [6, 7] and seen["painted"] == []


# --- the sink ---


def clip(level, seconds=1):
    pictures = np.full((16 * seconds, 48, 64, 3), level, np.uint8)
    return Media(pictures, np.full(16000 * seconds, 0.1, np.float32))


def source(frames: list):
    """A stream of the handles of media, None for NOTHING, by (number, media)."""
    items, tags = [], []
    for number, media in frames:
        handle = NOTHING if media is None else STORE.keep(media)
        tag = gr.tag_t()
        tag.offset, tag.key = sum(map(len, items)), FRAME_TAG
        one = handle_items(handle, media.seconds if media else 1)
        tag.value = frame_tag(number, len(one))
        items.append(one)
        tags.append(tag)
    data = np.concatenate(items).view(np.uint8).ravel().tolist()
    size = items[0].shape[1] * items[0].itemsize
    made = blocks.vector_source_b(data, False, size, [])
    made.set_data(data, tags)
    return made


def run(run_flowgraph, sink, frames):
    top = gr.top_block()
    top.connect(source(frames), sink)
    run_flowgraph(top)


def test_a_sink_writes_what_was_sent_and_shown(run_flowgraph, tmp_path):
    """Of four frames the second is lost and the last told to be so."""
    path, store = tmp_path / "film.mp4", shared_store("sink")
    sink = semcom.media_sink(path, "sink", "a channel")
    for number, level in enumerate((40, 90, 140, 190)):
        parts = clip(level)
        store.keep(number, Window("x", number, 0.0, [Second(0, parts.pictures, parts.sound)]))
    run(run_flowgraph, sink, [(0, clip(50)), (2, clip(150)), (3, None)])
    assert sink.received == 3
    number, sent, shown = sink.last
    assert number == 3 and sent.pictures[0, 0, 0, 0] == 190 and shown is None
    with av.open(str(path)) as file:
        pictures = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    assert len(pictures) == 4 * 16
    left, right = ([int(picture[150, x, 0]) for picture in pictures[8::16]] for x in (325, 955))
    np.testing.assert_allclose(left, (40, 90, 140, 190), atol=4)
    np.testing.assert_allclose(right[::2], (50, 150), atol=4)
    assert max(right[1], right[3]) < 40


def test_a_sink_without_a_film_keeps_the_last(run_flowgraph):
    sink = semcom.media_sink(store="")
    run(run_flowgraph, sink, [(0, clip(50)), (1, clip(60, seconds=2))])
    number, sent, shown = sink.last
    assert (number, sent, sink.received) == (1, None, 2) and shown.seconds == 2


def test_a_film_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").touch()
    for path, message in (("film.avi", "must end in .mp4"), ("file/film.mp4", "file")):
        with pytest.raises(SemcomError, match=message):
            semcom.media_sink(tmp_path / path)


def test_sound_of_what_is_shown_is_a_stream_without_gaps(run_flowgraph):
    """Of three clips the second is lost, and the third has no sound."""
    heard = np.linspace(-0.5, 0.5, 2 * 16_000, dtype=np.float32)
    frames = [(0, Media(sound=heard)), (1, None), (2, Media())]
    top, played, sink = gr.top_block(), semcom.media_sound(), blocks.vector_sink_f()
    top.connect(source(frames), played, sink)
    run_flowgraph(top)
    np.testing.assert_array_equal(sink.data(), np.r_[heard, np.zeros(2 * 16_000)])
    assert tags_of(sink) == [(0, 0, 32_000), (32_000, 1, 16_000), (48_000, 2, 16_000)]
