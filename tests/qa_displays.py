# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The window of simulated_link_gui on a virtual screen: it opens, draws, and obeys its controls."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

WATCH = """
import json, sys, threading
sys.path.insert(0, sys.argv[1])
import numpy as np
from PyQt5 import Qt
import simulated_link_gui

app = Qt.QApplication(sys.argv[:1])
top = simulated_link_gui.simulated_link_gui()
top.set_interval(0.05)
top.start()
top.show()
seen = {}

def colours(widget):
    image = widget.grab().toImage().convertToFormat(Qt.QImage.Format_RGB32)
    bits = image.constBits().asstring(image.byteCount())
    return len(np.unique(np.frombuffer(bits, np.uint32)))

def step():
    received = top.events.received
    if received >= 5 and "before" not in seen:
        seen["before"] = max(top.channel_window.snr_db[-5:])
        seen["timeline"], seen["channel"] = colours(top.timeline.widget), colours(
            top.channel_window.widget)
        seen["truth"] = len(top.timeline.truth)
        top.set_channel("awgn")
        top.set_snr_db(30)
        top.set_csi("lmmse")
        top.set_detector("lmmse")
        seen["at"] = received
    if "at" in seen and received >= seen["at"] + 15:
        seen["after"] = top.channel_window.snr_db[-1]
        seen["whole"] = colours(top)
        top.grab().save(sys.argv[2])
        app.quit()

timer = Qt.QTimer()
timer.timeout.connect(step)
timer.start(50)
app.exec_()
top.stop()
top.wait()
print(json.dumps(seen))
"""


def test_the_window_opens_draws_and_obeys(tmp_path):
    environment = {**os.environ, "GRC_BLOCKS_PATH": str(ROOT / "grc"), "HOME": str(tmp_path)}
    subprocess.run(
        [sys.executable, shutil.which("grcc"), "-o", str(tmp_path),
         str(ROOT / "apps" / "flowgraphs" / "simulated_link_gui.grc")],
        check=True, capture_output=True, timeout=120, env=environment,
    )  # fmt: skip
    picture = tmp_path / "window.png"
    done = subprocess.run(
        ["xvfb-run", "-a", "-s", "-screen 0 1600x1000x24",
         sys.executable, "-c", WATCH, str(tmp_path), str(picture)],
        capture_output=True, text=True, timeout=120, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["truth"] >= 5
    assert seen["timeline"] > 20 and seen["channel"] > 20 and seen["whole"] > 50
    # H = I over 2x2 paths: half of them carry the 30 dB
    assert seen["after"] == pytest.approx(27, abs=1.5)
    assert picture.stat().st_size > 20000
