# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Processing time of media: of each stage, and from a live second to the name of its event; and a
figure of the answers for a clip."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import pmt
from gnuradio import gr
from gnuradio.semcom.blocks import guard
from gnuradio.semcom.blocks.media_source import media_source, shared_features, shared_store
from gnuradio.semcom.data.films import Films
from gnuradio.semcom.media.overlay import draw
from gnuradio.semcom.media.sources import PICTURES
from gnuradio.semcom.perception.windows import MediaWindows
from gnuradio.semcom.report import tables
from gnuradio.semcom.report.film import views
from gnuradio.semcom.run.films import run_films
from gnuradio.semcom.run.flowgraph import LinkFlowgraph
from gnuradio.semcom.run.scenario import Scenario

from .pages import ROOT


class Clock(gr.basic_block):
    """Records the time at which the outcome of each frame arrives."""

    def __init__(self):
        gr.basic_block.__init__(self, name="clock", in_sig=[], out_sig=[])
        self.came = {}
        self.message_port_register_in(pmt.intern("outcomes"))
        self.set_msg_handler(pmt.intern("outcomes"), self._on_outcome)

    @guard.guarded
    def _on_outcome(self, message):
        self.came[pmt.to_python(message)["frame"]] = time.monotonic()


def delays(point: Scenario, file: Path) -> np.ndarray:
    """Delays [s] from the end of each second of a file played live to the name of its event."""
    source = media_source(file, sliding=True, realtime=True, store="latency")
    flowgraph, clock = LinkFlowgraph(point, source, point.checkpoint), Clock()
    flowgraph.msg_connect((flowgraph.sink, "outcomes"), (clock, "outcomes"))
    store = shared_store("latency")
    store.watch()
    guard.run(flowgraph, timeout_s=120)
    found = [came - store.window(frame).at for frame, came in clock.came.items()]
    flowgraph.release()
    return np.array(found[1:])  # the first second warms up


def speed(point: Scenario, files: list[Path]) -> tuple[list[str], str]:
    """The time of each stage as a table, and the delay of live events as a sentence."""
    run_films(point, Films(files[:1]))  # warms up
    before = time.process_time()
    run = run_films(point, Films(files))
    used = time.process_time() - before
    seconds, wall_s = run.record["seconds"], run.record["wall_s"]
    whole = {"all, side by side": wall_s, "all, time of one core": used}
    rows = [
        [stage, f"{1000 * worked / seconds:.1f}", f"{seconds / worked:.0f}"]
        for stage, worked in {**run.stages, **whole}.items()
    ]
    late = np.concatenate([delays(point, file) for file in files[:3]])
    text = (
        f"Live, over a sliding window of ten seconds, an event is named "
        f"{1000 * np.median(late):.0f} ms after the end of its second (median; at most "
        f"{1000 * late.max():.0f} ms in {len(late)} seconds)."
    )
    return tables.markdown(["stage", "ms per second of media", "times real time"], rows), text


def figure(point: Scenario, path: Path) -> None:
    """Draw the receiver's answers for a drawn clip."""
    with tempfile.TemporaryDirectory() as folder:
        words = [ROOT / "apps" / "make_media.py", "--out", folder, "--seed", "62"]
        subprocess.run([sys.executable, *words], check=True, capture_output=True)
        run = run_films(point, Films([Path(folder, "clip03.mp4")]))
        (window,) = MediaWindows([run.windows[0].name], shared_features("world", ""))
        snr_db = run.record["measured_snr_db"]
        frames = list(views(run.windows[0], window, point, snr_db))
        picture = draw(frames[4 * PICTURES + 7])
    cv2.imwrite(str(path), picture[..., ::-1])
