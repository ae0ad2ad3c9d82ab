# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Run one point of a sweep through GNU Radio and turn what came out into a record."""

import functools
import time

import numpy as np
import torch

from ..blocks import guard
from ..blocks.system_block import shared_system
from ..nets.registry import shipped
from . import metrics
from .flowgraph import LinkFlowgraph
from .scenario import Scenario


class Tally:
    """Right and wrong segments, counted as frames arrive at the sink."""

    def __init__(self, clips):
        self.clips = clips
        self.right, self.total, self.seen = {}, {}, 0

    def update(self, decisions: dict) -> None:
        """Count the frames that came since the last call."""
        for number in list(decisions)[self.seen :]:
            truth = np.asarray(self.clips.labels(number % len(self.clips)))
            self.right[number] = int(np.sum(truth == decisions[number]))
            self.total[number] = len(truth)
            self.seen += 1

    def until(self, errors: int) -> list:
        """Frame numbers in order, up to the one in which the ``errors``-th error fell (0: all)."""
        numbers, wrong = [], 0
        for number in sorted(self.right):
            numbers.append(number)
            wrong += self.total[number] - self.right[number]
            if errors and wrong >= errors:
                break
        return numbers

    def errors(self) -> int:
        return sum(self.total.values()) - sum(self.right.values())


def run_point(point: Scenario, clips, on_frames=lambda count: None) -> dict:
    """Send clips of ``clips`` over the link that ``point`` describes; return its JSON record.

    on_frames  called with the number of frames that have arrived, for a progress bar
    Raises guard.BlockError if a block failed or the flowgraph stalled.
    """
    checkpoint = checkpoint_of(point, clips)
    frames = point.frames or len(clips)
    flowgraph = LinkFlowgraph(point, clips, checkpoint, frames)
    tally = Tally(clips)

    def progress():
        tally.update(flowgraph.sink.decisions)
        on_frames(tally.seen)
        if point.until_errors and tally.errors() >= point.until_errors:
            return None
        return tally.seen

    began = time.perf_counter()
    guard.run(flowgraph, progress=progress)
    wall_s = time.perf_counter() - began
    tally.update(flowgraph.sink.decisions)
    on_frames(tally.seen)
    return record(point, clips, checkpoint, flowgraph, tally, wall_s)


def checkpoint_of(point: Scenario, clips) -> str:
    """The checkpoint named by the options, or the one shipped for this set."""
    return point.checkpoint or str(shipped(point.system, point.variant, clips.name))


def record(point, clips, checkpoint, flowgraph, tally, wall_s) -> dict:
    """The figures of one point (design: the headless app's JSON)."""
    numbers = tally.until(point.until_errors)
    right = np.array([tally.right[n] for n in numbers])
    total = np.array([tally.total[n] for n in numbers])
    interval = metrics.clip_bootstrap(right / total, seed=point.seed) if len(numbers) else None
    net = shared_system(point.system, checkpoint, point.device)
    measured = flowgraph.meter.report()
    return {
        "system": point.system,
        "variant": point.variant,
        "data": clips.name,
        "split": point.split,
        "checkpoint": checkpoint,
        "channel": point.channel,
        "snr_db": point.snr,
        "feedback_snr_db": point.snr if point.feedback_snr is None else point.feedback_snr,
        "csi": point.csi,
        "detector": point.detector,
        "seed": point.seed,
        "clips": len(numbers),
        "segments": int(total.sum()),
        "accuracy": float(right.sum() / total.sum()) if len(numbers) else None,
        "accuracy_ci95": interval,
        "accuracy_error_free": error_free(point, clips, tuple(numbers)),
        "channel_nmse_db": measured["channel_nmse_db"],
        "measured_snr_db": measured_snr_db(point, measured["path_snr_db"]),
        "evm_db": measured["evm_db"],
        "papr_db": measured["papr_db"],
        **channel_uses(point, net, int(total.mean()) if len(numbers) else 0),
        "frames_sent": flowgraph.source.sent,
        "frames_received": flowgraph.sink.received,
        "wall_s": wall_s,
        "clips_per_s": flowgraph.sink.received / wall_s,
    }


def measured_snr_db(point: Scenario, path_snr_db):
    """SNR per stream from the pilots' mean over all M x K paths, of which AWGN has only K."""
    if path_snr_db is None or point.channel not in ("none", "awgn"):
        return path_snr_db
    return path_snr_db + float(10 * np.log10(point.antennas))


def channel_uses(point: Scenario, net, segments: int) -> dict:
    """Symbol periods per segment: payload, pilots and feedback, and the pilots' share."""
    if not segments:
        return {"channel_uses_per_segment": None, "channel_uses": None, "pilot_overhead": None}
    payload = net.symbols * segments
    rows = 1 + (-(-payload // point.pilot_spacing) if point.pilot_spacing else 0)
    pilots = rows * point.pilot_length
    feedback = payload + pilots if len(net.terminals) > 1 else 0
    uses = {"payload": payload, "pilots": pilots, "feedback": feedback}
    return {
        "channel_uses_per_segment": sum(uses.values()) / segments,
        "channel_uses": {name: count / segments for name, count in uses.items()},
        "pilot_overhead": pilots / (payload + pilots),
    }


def error_free(point: Scenario, clips, numbers: tuple):
    """Accuracy of the system trained and tested with no channel, on the same clips; or None."""
    checkpoint = shipped(point.system, "error_free", clips.name)
    if point.variant != "full" or not checkpoint.exists() or not numbers:
        return None
    right = [_error_free_clip(point.system, str(checkpoint), point.device, clips, n % len(clips))
             for n in numbers]  # fmt: skip
    return float(sum(r for r, _ in right) / sum(t for _, t in right))


@functools.lru_cache(maxsize=None)
def _error_free_clip(system, checkpoint, device, clips, clip) -> tuple:
    """(right, total) segments of one clip."""
    net = shared_system(system, checkpoint, device)
    audio = torch.as_tensor(clips.audio(clip), dtype=torch.float32, device=device)[None]
    visual = torch.as_tensor(clips.visual(clip), dtype=torch.float32, device=device)[None]
    with torch.inference_mode():
        heard = net.encode_audio(audio)
        symbols = torch.stack([heard, net.encode_video(visual, heard)], 1)
        noise = torch.zeros(1, 2, device=device)
        decided = net.decode(symbols, noise).argmax(-1)[0].cpu().numpy()
    truth = np.asarray(clips.labels(clip))
    return int(np.sum(decided == truth)), len(truth)
