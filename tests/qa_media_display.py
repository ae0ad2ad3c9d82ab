# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The window with pictures on a virtual screen: messages in, what is played when, what is drawn."""

import json
import subprocess
import sys

import numpy as np
import pytest
from gnuradio.semcom.media.sources import PICTURES

# Sends messages to the display in a running flowgraph and prints what it then shows, as JSON.
WATCH = """
import json, sys, time
from types import SimpleNamespace
import numpy as np
import pmt
import torch
from gnuradio import blocks, gr
from gnuradio.semcom.blocks import guard
from gnuradio.semcom.windows.media_display import media_display
from gnuradio.semcom.media.sources import Second
from gnuradio.semcom.phy.csi import CSI, pack
from PyQt5 import QtGui, QtWidgets

def second(number):
    "Its pictures have brightness 100 + their number in red, and the second's in green."
    pictures = np.zeros((16, 90, 120, 3), np.uint8)
    pictures[..., 0] = 100 + np.arange(16)[:, None, None]
    pictures[..., 1] = number
    return Second(number, pictures, np.full(16000, number / 100, np.float32))

class Store:
    windows = {}

    def window(self, frame):
        return self.windows.get(frame)

    def truth(self, frame):
        return ["Bark", "Goat"] if frame == 1 else None

    def keep(self, frame, seconds):
        self.windows[frame] = SimpleNamespace(seconds=seconds)

class Sender(gr.basic_block):
    def __init__(self):
        gr.basic_block.__init__(self, name="sender", in_sig=[], out_sig=[])
        for port in ("events", "csi", "attention"):
            self.message_port_register_out(pmt.intern(port))

    def events(self, frame, names, **more):
        event = {"frame": frame, "events": names, "confidence": [0.5] * len(names), **more}
        self.message_port_pub(pmt.intern("events"), pmt.to_pmt(event))

    def attention(self, frame, heat):
        looked = {"frame": frame, "grid": list(heat.shape), "heat": heat.ravel().tolist()}
        self.message_port_pub(pmt.intern("attention"), pmt.to_pmt(looked))

    def csi(self, frame, snr):
        h, one = torch.eye(2, dtype=torch.complex64), torch.ones(())
        vector = pack(CSI(h, torch.zeros(2), one, one * snr))
        message = pmt.cons(pmt.from_uint64(frame), pmt.init_c32vector(len(vector), vector.tolist()))
        self.message_port_pub(pmt.intern("csi"), message)

app = QtWidgets.QApplication(sys.argv[:1])
store, sender = Store(), Sender()
display = media_display(store, "a channel", ["one stream", "another"])
top = gr.top_block()
for port in ("events", "csi", "attention"):
    top.msg_connect((sender, port), (display, port))
throttles = [blocks.throttle(8, 2000.0) for _ in range(2)]
sources = [blocks.vector_source_c([value], True) for value in (1j, 2.0)]
for port in range(2):
    top.connect(sources[port], throttles[port], (display, port))
top.start()
display.widget.resize(800, 450)
display.widget.show()
seen, painted = {}, [0]
paint = display._paint

def counted(*args):
    painted[0] += 1
    paint(*args)

display.widget._paint = counted

def wait(seconds=0.0, until=lambda: True, limit_s=20.0):
    ends, deadline = time.monotonic() + seconds, time.monotonic() + limit_s
    while time.monotonic() < ends or not until():
        app.processEvents()
        time.sleep(0.002)
        if time.monotonic() > deadline:
            sys.exit("nothing came")

def played(frame):
    return lambda: display.playing is not None and display.playing.frame == frame

def shown():
    "What is on the screen: [second, picture] of the picture's middle; None where it is dark."
    view = display.view()
    red, green = view.picture[0, 0, :2].tolist()
    return [green, red - 100] if red else None

def colours():
    image = display.widget.grab().toImage().convertToFormat(QtGui.QImage.Format_RGB32)
    bits = image.constBits().asstring(image.byteCount())
    return len(np.unique(np.frombuffer(bits, np.uint32)))

wait(0.2)
view = display.view()
seen["before"] = [shown(), view.event, view.snr_db, view.channel, colours()]
store.keep(1, [second(10), second(11)])
sender.csi(1, 100.0)
heat = np.zeros((2, 5, 6))
heat[1, 3, 4] = 1
sender.attention(1, heat)
sender.events(1, ["Bark", "Horse"])
wait(until=lambda: 1 in display.looked)
wait(until=played(1))
view = display.view()
seen["first"] = [shown(), view.event, view.truth, float(np.max(view.heat)), view.snr_db]
seen["sound"] = [len(view.sound), float(view.sound[0]), float(view.sound[-1])]
began = time.monotonic() - view.now
pace = []
painted[0] = 0
while display.view().now < 1.9:
    wait(0.05)
    now, place = time.monotonic() - began, shown()
    pace.append([now, place[0] - 10 + (place[1] + 0.5) / 16])
seen["pace"], seen["painted"] = pace, painted[0] / (time.monotonic() - began)
wait(0.5)
view = display.view()
seen["end"] = [shown(), view.event, view.now, np.argwhere(view.heat == 1).tolist()]
seen["colours"] = colours()

# one that has nothing to do with it waits; of several the last is played
store.keep(2, [second(20)])
store.keep(3, [second(30)])
store.keep(4, [second(40)])
sender.events(2, ["Goat"])
wait(until=played(2))
sender.events(3, ["Goat"])
sender.events(4, ["Goat"])
wait(0.3)
seen["waits"] = [shown()[0], display.coming.frame]
wait(until=played(4))
seen["skips"] = [shown()[0], display.view().now < 0.3]

# sliding windows go on with the second that is shown
slid = [second(k) for k in range(50, 54)]
store.keep(5, slid[:2])
store.keep(6, slid[1:3])
wait(1.1)
sender.events(5, ["Bark", "Goat"])
wait(until=played(5))
wait(until=lambda: display.view().now > 1.4)
before = display.view().now
sender.events(6, ["Goat", "Horse"])
wait(until=played(6))
seen["slides"] = [shown()[0], before - display.view().now]
wait(until=lambda: display.view().now >= 2)
store.keep(7, slid[2:])
sender.events(7, ["Horse", "Bark"])
wait(until=played(7))
seen["after the end"] = [shown(), display.view().now]
pixel = display.widget.grab().toImage().pixelColor(266, 92)  # in the middle of the picture
seen["pixel"] = [pixel.red(), pixel.green(), pixel.blue()]

# old estimates, symbols, pictures that are held no more
seen["late"] = [display.view().snr_db]
sender.csi(6, 10.0)
wait(until=lambda: display.csi[0] == 6)
seen["late"].append(display.view().snr_db)
sender.csi(7, 0.0)
wait(until=lambda: display.csi[0] == 7)
wait(0.2)
display.set_caption("another channel")
view = display.view()
seen["symbols"] = []
for name, points in view.constellations:
    first = complex(points[0])
    same = bool((points == first).all())
    seen["symbols"].append([name, len(points), same, first.real, first.imag])
seen["channel"] = view.channel
sender.events(8, ["Bark"])
wait(until=played(8))
view = display.view()
seen["not held"] = [shown(), view.event, len(view.sound)]
for size in ((3000, 500), (640, 1400)):
    display.widget.resize(*size)
    wait(0.2)
    display.widget.grab()
guard._latch.supervise(True)
sender.events(9, [])
wait(until=guard._latch.pending)
seen["errors"] = guard._latch.take()
top.stop()
top.wait()
print(json.dumps(seen))
"""


@pytest.fixture(scope="module")
def seen():
    """What the window showed."""
    done = subprocess.run(
        ["xvfb-run", "-a", "-s", "-screen 0 1600x1000x24", sys.executable, "-c", WATCH],
        capture_output=True, text=True, timeout=110,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_before_the_first_window(seen):
    picture, event, snr_db, channel, colours = seen["before"]
    assert picture is None and event == "" and snr_db is None and channel == "a channel"
    assert colours > 20  # the panels


def test_a_window_is_played_in_real_time(seen):
    (second, picture), event, truth, hottest, snr_db = seen["first"]
    assert second == 10 and picture < PICTURES and event == "Bark"
    assert truth == ["Bark", "Goat"] and hottest == 0
    assert snr_db == pytest.approx(20)
    assert seen["sound"] == pytest.approx([2 * 16000, 0.10, 0.11])
    at, place = np.transpose(seen["pace"])
    np.testing.assert_allclose(place, at, atol=0.1)
    assert len(np.unique(place)) > PICTURES


def test_it_draws_no_more_often_than_there_are_pictures(seen):
    assert 5 < seen["painted"] < PICTURES * 1.3


def test_the_last_picture_stays(seen):
    place, event, now, hot = seen["end"]
    assert place == [11, 15] and event == "Horse" and now == 2 and hot == [[3, 4]]
    assert seen["colours"] > 200
    np.testing.assert_allclose(seen["pixel"], [105, 53, 0], atol=11)


def test_the_last_of_several_windows_is_played_next(seen):
    assert seen["waits"] == [20, 4]
    assert seen["skips"] == [40, True]


def test_sliding_windows_go_on_where_they_are(seen):
    second, step = seen["slides"]
    assert second == 51 and step == pytest.approx(1, abs=0.1)
    (second, picture), now = seen["after the end"]
    assert second == 53 and picture < 5 and now == pytest.approx(1, abs=0.3)


def test_old_estimates_are_not_shown(seen):
    assert seen["late"] == [None, pytest.approx(10)]


def test_symbols_and_channel_are_set(seen):
    assert seen["symbols"] == [["one stream", 128, True, 0, 1], ["another", 128, True, 2, 0]]
    assert seen["channel"] == "another channel"


def test_pictures_that_are_held_no_more(seen):
    assert seen["not held"] == [None, "Bark", 0]


def test_what_is_no_decision_ends_the_flowgraph(seen):
    (error,) = seen["errors"]
    assert "media_display" in error and "frame 9: 0 events" in error
