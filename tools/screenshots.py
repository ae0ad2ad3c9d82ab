# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Take the screenshots of the windowed flowgraphs for the documentation on a virtual screen.

`make screenshots` runs this under Xvfb: it runs apps/flowgraphs/simulated_link_gui.grc for a few
seconds (docs/figures/window.png), opens the same file in GNU Radio Companion
(docs/figures/grc.png), runs digital_link_gui.grc (docs/figures/digital-window.png) and, on a drawn
clip, media_link_gui.grc (docs/figures/media-window.png) and m3e_link_gui.grc
(docs/figures/m3e-window.png), and replays a recording of the mock radio
(docs/figures/receiver-window.png).
Windows have no frames, as no window manager runs.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PyQt5 import QtGui, QtWidgets

ROOT = Path(__file__).resolve().parents[1]
FLOWGRAPH = ROOT / "apps" / "flowgraphs" / "simulated_link_gui.grc"
MEDIA = FLOWGRAPH.with_name("media_link_gui.grc")
GENERATIVE = FLOWGRAPH.with_name("m3e_link_gui.grc")
DIGITAL = FLOWGRAPH.with_name("digital_link_gui.grc")
RECEIVER = FLOWGRAPH.with_name("replay_iq.grc")
FIGURES = ROOT / "docs" / "figures"
WINDOW, COMPANION, FILM = (1280, 800), (1680, 960), (1280, 860)  # sizes of the windows [pixels]
RADIO, CLASSICAL, SHOWN = (1120, 700), (1400, 940), (1280, 940)
POPULATED = 200  # least colours on a screen that shows more than an empty window
OPENS_S, ENDS_S = 90, 15  # how long a program may take to show something, and to end
PREFERENCES = """\
[main]
main_window_width = {0}
main_window_height = {1}
blocks_window_visible = False
console_window_visible = False
variable_editor_visable = False
show_welcome = False
"""


def main() -> None:
    if not os.environ.get("DISPLAY"):
        sys.exit("screenshots.py: no screen; run `make screenshots` (Debian package xvfb)")
    application = QtWidgets.QApplication(sys.argv[:1])
    with tempfile.TemporaryDirectory() as home:
        Path(home, "grc.conf").write_text(PREFERENCES.format(*COMPANION))
        environment = {
            **os.environ, "HOME": home, "GRC_BLOCKS_PATH": str(ROOT / "grc"),
            "GRC_PREFS_PATH": str(Path(home, "grc.conf")), "XDG_RUNTIME_DIR": home,
        }  # fmt: skip
        flowgraphs = map(str, (FLOWGRAPH, DIGITAL, MEDIA, GENERATIVE, RECEIVER))
        grcc = [sys.executable, found("grcc"), "-o", home, *flowgraphs]
        draw = [sys.executable, str(ROOT / "apps" / "make_media.py"), "--out", home, "--seed", "62"]
        record = [sys.executable, str(ROOT / "apps" / "run_link.py"), "--radio", "mock:indoor"]
        record += ["--snr", "14", "--frames", "12", "--record", str(Path(home, "air"))]
        for command in (grcc, draw, record):
            subprocess.run(
                command, env=environment, check=True, capture_output=True, timeout=OPENS_S
            )
        window = [sys.executable, str(Path(home, "simulated_link_gui.py"))]
        classical = [sys.executable, str(Path(home, "digital_link_gui.py"))]
        film = [sys.executable, str(Path(home, "media_link_gui.py"))]
        film += ["--media", str(Path(home, "clip03.mp4"))]
        shown = [sys.executable, str(Path(home, "m3e_link_gui.py")), *film[2:]]
        receiver = [sys.executable, str(Path(home, "replay_iq.py")), "--repeat", "1"]
        receiver += ["--recording", str(Path(home, "air"))]
        companion = [sys.executable, found("gnuradio-companion"), str(FLOWGRAPH)]
        for command, size, watch_s, name in (
            (window, WINDOW, 15, "window.png"),
            (companion, COMPANION, 5, "grc.png"),
            (classical, CLASSICAL, 60, "digital-window.png"),
            (film, FILM, 9, "media-window.png"),
            (shown, SHOWN, 12, "m3e-window.png"),
            (receiver, RADIO, 4, "receiver-window.png"),
        ):
            take(application, command, environment, size, watch_s, FIGURES / name)


def found(program: str) -> str:
    """Path of a program of GNU Radio's."""
    path = shutil.which(program)
    if path is None:
        sys.exit(f"screenshots.py: {program} not found; install the Debian package gnuradio")
    return path


def take(application, command, environment, size, watch_s, path: Path) -> None:
    """Start a program, let it run ``watch_s`` seconds once it shows something, save the screen."""
    program = subprocess.Popen(
        command, env=environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + OPENS_S
        while colours(screen(application, size)) < POPULATED:
            if program.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"screenshots.py: {' '.join(command)}: shows nothing; run it to see why")
            time.sleep(0.5)
        time.sleep(watch_s)
        if program.poll() is not None:
            sys.exit(f"screenshots.py: {' '.join(command)}: ended early; run it to see why")
        screen(application, size).save(str(path))
        print(f"wrote {path.relative_to(ROOT)}")
    finally:
        end(program)


def end(program) -> None:
    """End a program and what it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(program.pid, number)
            program.wait(ENDS_S)
            return
        except subprocess.TimeoutExpired:
            continue
        except ProcessLookupError:
            return


def screen(application, size) -> QtGui.QImage:
    """The upper left corner of the screen, [width, height] pixels."""
    grabbed = application.primaryScreen().grabWindow(0, 0, 0, *size)
    return grabbed.toImage().convertToFormat(QtGui.QImage.Format_RGB32)


def colours(image: QtGui.QImage) -> int:
    """Number of colours in a picture."""
    return len(np.unique(np.frombuffer(image.constBits().asstring(image.byteCount()), np.uint32)))


if __name__ == "__main__":
    main()
