# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Media over the link: what happens in each second, as the receiver understood it."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pmt
from gnuradio import blocks, gr
from rich.table import Table

from ..base.errors import SemcomError
from ..base.files import sha256
from ..base.runs import runs
from ..blocks import guard
from ..blocks.media_source import media_source
from ..blocks.system_block import shared_system
from ..data.ave_text import Truths
from ..weights.names import shipped
from .flowgraph import LinkFlowgraph
from .runner import channel_uses, decoder_of, measured_snr_db
from .scenario import Scenario, settings

RULED_OUT = 1e-4  # mean probability
DATA = "media"  # what systems on media are trained on, as it stands in their names


@dataclass(frozen=True)
class Understood:
    """One window: seconds ``start`` to ``start`` + T of ``name``.

    probabilities  [T, C] float32, of ``classes``, background last
    truth          T names, None where not known
    symbols        what the receiver detected of each terminal, [T*L] complex64
    """

    name: str
    start: int
    classes: Sequence[str]
    probabilities: np.ndarray
    truth: list[str] | None
    symbols: list[np.ndarray]

    @property
    def events(self) -> list[str]:
        """Name of the event of each second."""
        return [self.classes[c] for c in self.probabilities.argmax(1)]

    @property
    def confidence(self) -> np.ndarray:
        """[T] probability of what was decided."""
        return self.probabilities.max(1)

    def ranked(self) -> list[str]:
        """Events, without background, the most probable of the whole window first; not those that
        are all but ruled out."""
        whole = self.probabilities[:, :-1].mean(0)
        return [self.classes[c] for c in np.argsort(-whole) if whole[c] > RULED_OUT]


@dataclass(frozen=True)
class MediaRun:
    """What came of a run: the ``record`` for JSON, each window that arrived, where the video
    terminal looked in it ([T, h, w] in 0 to 1, or None), and the seconds that each stage worked
    (empty unless GNU Radio counts, see apps/run_link.py --profile)."""

    record: dict
    windows: list[Understood]
    attention: list[np.ndarray | None]
    stages: dict[str, float]


def checkpoint_of(point: Scenario) -> str:
    """The checkpoint named by the options, or the one shipped for raw media."""
    path = Path(point.checkpoint or shipped(point.system, point.variant, DATA))
    net = shared_system(point.system, str(path), point.device)
    if net.terminals != point.terminals():
        raise SemcomError(
            f"--variant {point.variant}: {path.name} holds the terminals "
            f"{' and '.join(net.terminals)}; name a checkpoint of that variant"
        )
    return str(path)


def run_media(point: Scenario, names: list, microphone="", features="compact", weights="",
              on_frames=lambda count: None, attention=False) -> MediaRun:  # fmt: skip
    """Send media over the link that ``point`` describes.

    attention  True: note where the video terminal looks, which takes time
    on_frames  called with the number of windows that have arrived, for a progress bar
    Raises guard.BlockError with the one line of a file that cannot be read.
    """
    checkpoint = checkpoint_of(point)
    net = shared_system(point.system, checkpoint, point.device)
    truths = Truths(names, net.classes)
    for note in truths.notes:
        print(note, file=sys.stderr)
    source = media_source(names, microphone, features, weights, terminals=net.terminals,
                          frames=point.frames)  # fmt: skip
    flowgraph = LinkFlowgraph(point, source, checkpoint)
    probes = [blocks.vector_sink_f(len(net.classes))]
    probes += [blocks.vector_sink_c() for _ in net.terminals]
    for port, probe in enumerate(probes):
        flowgraph.connect((flowgraph.receiver, port), probe)
    sink, looked = flowgraph.sink, blocks.message_debug(False)
    if attention and flowgraph.video:
        flowgraph.msg_connect((flowgraph.video, "attention"), (looked, "store"))

    def progress():
        on_frames(sink.received)
        return sink.received

    began = time.perf_counter()
    guard.run(flowgraph, progress=progress)
    wall_s = time.perf_counter() - began
    found = _understood(flowgraph, probes, net, truths)
    record = _record(point, checkpoint, net, flowgraph, found, wall_s)
    stages, heat = _stages(flowgraph), _attention(looked, len(found))
    flowgraph.release()
    return MediaRun(record, found, heat, stages)


def _attention(looked, count: int) -> list[np.ndarray | None]:
    """Where the video terminal looked in each of ``count`` frames, from its messages."""
    heat = [None] * count
    for i in range(looked.num_messages()):
        told = pmt.to_python(looked.get_message(i))
        if told["frame"] < count:
            heat[told["frame"]] = np.reshape(told["heat"], told["grid"])
    return heat


def _stages(flowgraph) -> dict[str, float]:
    """[s] that the blocks of each stage worked; none if GNU Radio does not count."""
    ends = [end for end in (flowgraph.audio, flowgraph.video) if end]
    video, receiver, channel = flowgraph.video, flowgraph.receiver, flowgraph.channel
    radio = [*(end.pilots for end in ends), *channel.links, receiver.estimator, receiver.detector]
    if video and video.estimator:
        radio += [flowgraph.audio.feedback_pilots, video.estimator, video.detector]
    blocks_of = {
        "encode": [end.encoder for end in ends],
        "radio": radio,
        "decode": [receiver.decoder],
    }
    if not any(block.pc_work_time_total() for block in blocks_of["encode"]):
        return {}
    counted = {
        stage: sum(block.pc_work_time_total() for block in parts) / gr.high_res_timer_tps()
        for stage, parts in blocks_of.items()
    }
    return {"media (waited for)": flowgraph.source.waited_s,
            "features": flowgraph.source.features_s, **counted}  # fmt: skip


def _understood(flowgraph, probes, net, truths: Truths) -> list[Understood]:
    """Decisions and symbols of each window that arrived; none was lost on its way."""
    told = np.array(probes[0].data(), np.float32).reshape(-1, len(net.classes))
    symbols = [np.array(probe.data(), np.complex64) for probe in probes[1:]]
    found, at = [], 0
    for name, start, length in flowgraph.source.places[: flowgraph.sink.received]:
        span = slice(at, at + length)
        own = [stream[at * net.symbols : (at + length) * net.symbols] for stream in symbols]
        truth = truths.of(name, start, length)
        found.append(Understood(name, start, net.classes, told[span], truth, own))
        at += length
    return found


def _record(point, checkpoint, net, flowgraph, found, wall_s) -> dict:
    """The JSON record of a run over media."""
    measured = flowgraph.meter.report()
    seconds = sum(len(window.events) for window in found)
    longest = max((len(window.events) for window in found), default=0)
    return {
        "system": point.system,
        "variant": point.variant,
        "decoder": decoder_of(net),
        "checkpoint": Path(checkpoint).name,
        "checkpoint_sha256": sha256(checkpoint),
        "scenario": settings(point),
        "channel": point.channel,
        "snr_db": point.snr,
        "csi": point.csi,
        "detector": point.detector,
        "seed": point.seed,
        "media": [_entry(window) for window in found],
        "seconds": seconds,
        "accuracy": accuracy(found),
        "channel_nmse_db": measured["channel_nmse_db"],
        "measured_snr_db": measured_snr_db(point, measured["path_snr_db"]),
        "evm_db": measured["evm_db"],
        "papr_db": measured["papr_db"],
        **channel_uses(point, net, longest),
        "frames_sent": flowgraph.source.sent,
        "frames_received": flowgraph.sink.received,
        "wall_s": wall_s,
        "times_real_time": seconds / wall_s,
    }


def accuracy(found: list[Understood]) -> float | None:
    """Share of the seconds whose truth is known that were named right; None without any."""
    right = [
        event == true
        for window in found
        if window.truth
        for event, true in zip(window.events, window.truth, strict=True)
    ]
    return sum(right) / len(right) if right else None


def _entry(window: Understood) -> dict:
    events = [
        {"second": window.start + t, "event": event, "confidence": round(float(sure), 4)}
        for t, (event, sure) in enumerate(zip(window.events, window.confidence, strict=True))
    ]
    return {"file": Path(window.name).name, "events": events, "truth": window.truth}


def table(found: list[Understood], title: str) -> Table:
    """What happens in each second, for the screen."""
    shown = Table(title=title, title_justify="left")
    for head in ("file", "seconds", "event", "confidence", "right"):
        shown.add_column(head)
    for window in found:
        for start, end, event in runs(window.events):
            sure = f"{100 * window.confidence[start:end].mean():.0f} %"
            span = f"{window.start + start}-{window.start + end}"
            right = _share_right(window, start, end)
            shown.add_row(Path(window.name).name, span, event, sure, right)
        shown.add_section()
    return shown


def _share_right(window: Understood, start: int, end: int) -> str:
    if window.truth is None:
        return "not known"
    pairs = zip(window.events[start:end], window.truth[start:end], strict=True)
    return f"{sum(event == true for event, true in pairs)} of {end - start}"


def profile_table(run: MediaRun) -> Table:
    """What each stage costs, for the screen."""
    seconds, wall_s = run.record["seconds"], run.record["wall_s"]
    shown = Table(title=f"{seconds} s of media in {wall_s:.2f} s", title_justify="left")
    for head in ("stage", "ms per second of media", "times real time"):
        shown.add_column(head, justify="left" if head == "stage" else "right")
    for stage, worked in {**run.stages, "all, side by side": wall_s}.items():
        times = f"{seconds / worked:.0f}" if worked else "-"
        shown.add_row(stage, f"{1000 * worked / max(seconds, 1):.1f}", times)
    return shown
