# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Shows examples, many in one process: GNU Radio and Torch take seconds to load.

    show_examples.py companion FOLDER FILE.grc ...   as GNU Radio Companion draws them, a PNG each;
                                                     needs a screen, if only a virtual one
    show_examples.py run FOLDER FILE.py OPTIONS ... [, FILE.py OPTIONS ...]
                                                     run what grcc made of them: those without a
                                                     window to their end, those with one until it
                                                     has changed, a PNG each

After each one a line on the standard output: "== NAME", and before it what it printed.
"""

import importlib.util
import os
import sys
import time
from pathlib import Path

import numpy as np

SHOWN_S, LATEST_S, NAP_S = 0.5, 120.0, 0.02  # a window runs so long, waits so long for a change
SHOWN = []  # windows: the collection of Qt's objects as garbage crashed
CHANGED = 300  # pixels of a window that show more than they did at first


def companion(folder: Path, files: list[str]) -> None:
    """Load flowgraphs into Companion's canvas, fail where one is invalid, and draw them."""
    import gi

    gi.require_version("Gtk", "3.0")
    gi.require_version("PangoCairo", "1.0")
    import gnuradio.grc.gui.Platform as gui  # before all else of it: its modules import each other
    from gi.repository import Gtk
    from gnuradio import gr
    from gnuradio.grc.gui import Actions, Utils
    from gnuradio.grc.gui.canvas import flowgraph as canvas

    application = Gtk.Application()
    Gtk.Application.set_default(application)
    canvas._ContextMenu = lambda window: None  # there is no main window
    platform = gui.Platform(
        version=gr.version(),
        version_parts=(gr.major_version(), gr.api_version(), gr.minor_version()),
        prefs=gr.prefs(),
        install_prefix=gr.prefix(),
    )
    platform.build_library()
    Actions.TOGGLE_HIDE_VARIABLES.set_active(False)
    for file in files:
        flowgraph = platform.make_flow_graph(file)
        flowgraph.update()  # checks it too
        wrong = [f"{element}: {text}" for element, text in flowgraph.iter_error_messages()]
        if wrong:
            sys.exit(f"{file}: " + "; ".join(wrong))
        Utils.make_screenshot(flowgraph, str(folder / f"{Path(file).stem}.png"))
        print("==", Path(file).stem, flush=True)


def run(folder: Path, commands: list[list[str]]) -> None:
    """Run programs, each with its options."""
    from PyQt5 import Qt

    application = Qt.QApplication(sys.argv[:1])
    for file, *options in commands:
        spec = importlib.util.spec_from_file_location(Path(file).stem, file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        top_block = getattr(module, Path(file).stem)
        chosen = module.argument_parser().parse_args(options) if takes_options(module) else None
        try:
            if issubclass(top_block, Qt.QWidget):
                watch(application, module, top_block(**vars(chosen) if chosen else {}), folder)
            else:
                module.main(options=chosen)
        except SystemExit as ended:
            if not str(ended).startswith("error: "):  # of semcom.or_exit
                raise
            print(ended)
        print("==", Path(file).stem.removeprefix("example_"), flush=True)


def takes_options(module) -> bool:
    """Whether a program of grcc's has any."""
    return hasattr(module, "argument_parser")


def watch(application, module, window, folder: Path) -> None:
    """Run a flowgraph with a window until the window has changed, and photograph it."""
    module.snippets_main_after_init(window)
    window.show()
    application.processEvents()
    first = pixels(window)
    window.start()
    began, changed = time.monotonic(), 0
    while not (changed > CHANGED and time.monotonic() > began + SHOWN_S):
        application.processEvents()
        time.sleep(NAP_S)
        changed = np.count_nonzero((pixels(window) != first).any(-1))
        if time.monotonic() > began + LATEST_S:
            sys.exit(f"{module.__name__}: {changed} pixels of its window changed: shows nothing")
    window.grab().save(str(folder / f"{module.__name__.removeprefix('example_')}.png"))
    window.stop()
    window.wait()
    window.hide()
    SHOWN.append(window)


def pixels(window) -> np.ndarray:
    """What a window shows, [height, width, 4] bytes."""
    image = window.grab().toImage().convertToFormat(4)  # QImage.Format_RGB32
    size = image.height(), image.width(), 4
    return np.frombuffer(image.constBits().asstring(image.byteCount()), np.uint8).reshape(size)


def parted(words: list[str]) -> list[list[str]]:
    """Commands between commas."""
    commands = [[]]
    for word in words:
        if word == ",":
            commands.append([])
        else:
            commands[-1].append(word)
    return commands


if __name__ == "__main__":
    what, where, *words = sys.argv[1:]
    if what == "companion":
        companion(Path(where), words)
    else:
        status = 0
        try:
            run(Path(where), parted(words))
        except SystemExit as ended:
            print(ended, file=sys.stderr, flush=True)
            status = 1
        sys.stdout.flush()
        os._exit(status)  # Qt cannot take down what GNU Radio's windows hold
