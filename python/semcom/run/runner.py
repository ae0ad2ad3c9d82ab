# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Run one point of a sweep through GNU Radio and turn what came out into a record."""

import functools
import time
from pathlib import Path

import numpy as np

from ..base.errors import SemcomError
from ..base.files import sha256
from ..blocks import guard
from ..blocks.clip_source import clip_source
from ..blocks.system_block import shared_system
from ..chain import reference
from ..protocol.burst import BurstFormat
from ..systems.registry import SYSTEMS, check_sizes
from ..tasks import scores
from ..weights.names import shipped
from .flowgraph import LinkFlowgraph
from .radio_flowgraph import RadioFlowgraph, replay_flowgraph
from .radio_run import AirLog, air_record
from .scenario import Scenario, burst_format, settings

MEASURED = ("evm_db", "papr_db", "channel_nmse_db", "path_snr_db")  # beside the chain, if at all
OWN_DECODER = "psp"  # of pilot_ave, which its checkpoints' names do not tell


class Tally:
    """Right and wrong segments, counted as frames arrive at the sink."""

    def __init__(self, clips):
        self.clips = clips
        self.right, self.total, self.seen = {}, {}, 0

    def update(self, decisions: dict) -> None:
        """Count the frames that came since the last call."""
        for number, decided in dict(decisions).items():
            if number in self.right:
                continue
            truth = np.asarray(self.clips.labels(number % len(self.clips)))
            self.right[number] = int(np.sum(truth == decided))
            self.total[number] = len(truth)
            self.seen += 1

    def miss(self, numbers) -> None:
        """Count every segment of the frames that did not arrive as wrong."""
        for number in set(numbers) - set(self.right):
            self.right[number] = 0
            self.total[number] = len(self.clips.labels(number % len(self.clips)))

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


def run_point(point: Scenario, clips, on_frames=lambda count: None, make=None) -> dict:
    """Send clips of ``clips`` over the link that ``point`` describes; return its JSON record.

    on_frames  called with the number of frames that have arrived, for a progress bar
    make       of (point, checkpoint), in the place of the flowgraph that the point asks for
    Raises guard.BlockError if a block failed or the flowgraph stalled.
    """
    checkpoint = checkpoint_of(point, clips)
    frames = point.frames or len(clips)
    if make:
        flowgraph = make(point, checkpoint)
    elif point.radio.startswith("replay:"):
        point, flowgraph = replay_flowgraph(point, checkpoint)
    else:
        source = clip_source(clips, frames=frames, terminals=point.terminals())
        flowgraph = (RadioFlowgraph if point.radio else LinkFlowgraph)(point, source, checkpoint)
    tally = Tally(clips)
    frames = point.frames or frames  # as a recording tells
    log = AirLog(flowgraph.receiver.sync, len(flowgraph.terminals), frames) if point.radio else None

    def progress():
        tally.update(flowgraph.sink.decisions)
        on_frames(tally.seen)
        if log:
            log.update()
        if log and not flowgraph.lockstep and log.is_over(flowgraph.sink):
            return None
        if point.until_errors and tally.errors() >= point.until_errors:
            return None
        return tally.seen

    began = time.perf_counter()
    guard.run(flowgraph, progress=progress)
    wall_s = time.perf_counter() - began
    tally.update(flowgraph.sink.decisions)
    on_frames(tally.seen)
    if log:
        tally.miss(range(flowgraph.source.sent if flowgraph.source else frames))
    found = record(point, clips, checkpoint, flowgraph, tally, wall_s)
    found |= air_record(point, flowgraph, log) if log else {}
    flowgraph.release()
    return found


def checkpoint_of(point: Scenario, clips) -> str:
    """The checkpoint named by the options, or the one shipped for this set."""
    if point.decoder and not hasattr(SYSTEMS[point.system].Config, "decoder"):
        raise SemcomError(
            f"--decoder {point.decoder}: {point.system} has its own; add --system pilot_ave"
        )
    path = Path(point.checkpoint or shipped(point.system, point.variant, clips.name))
    if point.decoder not in ("", OWN_DECODER) and not point.checkpoint:
        path = path.with_stem(f"{path.stem}-{point.decoder}")
    if point.symbols and not point.checkpoint and sized(path, point.symbols).exists():
        path = sized(path, point.symbols)
    net = shared_system(point.system, str(path), point.device)
    if point.symbols not in (0, net.symbols):
        raise SemcomError(
            f"--symbols {point.symbols}: {path.name} sends {net.symbols} symbols a segment; "
            f"train one with apps/train.py and name it with --checkpoint"
        )
    if point.decoder not in ("", decoder_of(net)):
        raise SemcomError(
            f"--decoder {point.decoder}: {path.name} has {decoder_of(net)}; name a "
            "checkpoint of pilot_ave with that decoder"
        )
    if net.terminals != point.terminals():
        raise SemcomError(
            f"--variant {point.variant}: {path.name} holds the terminals "
            f"{' and '.join(net.terminals)}; name a checkpoint of that variant"
        )
    check_sizes(net, clips, path.name)
    return str(path)


def decoder_of(net) -> str:
    """Name of the semantic decoder, '' for a system that has no other than its own."""
    return getattr(net.config, "decoder", "")


def sized(path: Path, symbols: int) -> Path:
    """The name of a checkpoint for another number of symbols than its system's default."""
    return path.with_stem(f"{path.stem}-{symbols}")


def identity(point: Scenario, clips, checkpoint: str) -> dict:
    """The part of a record that tells it from those of all other points, sets and checkpoints."""
    free = error_free_checkpoint(point, clips, checkpoint)
    return {
        "scenario": settings(point),
        "data": clips.name,
        "checkpoint_sha256": sha256(checkpoint),
        "error_free_sha256": sha256(free) if free else None,
    }


def error_free_checkpoint(point: Scenario, clips, checkpoint: str):
    """Path of the same system trained without a channel, beside the checkpoint in use; or None."""
    path = Path(checkpoint).with_name(shipped(point.system, "error_free", clips.name).name)
    decoder = decoder_of(shared_system(point.system, checkpoint, point.device))
    same = point.variant == "full" and decoder in ("", OWN_DECODER)
    return path if same and path.exists() else None


def record(point, clips, checkpoint, flowgraph, tally, wall_s) -> dict:
    """The figures of one point (design: the headless app's JSON)."""
    numbers = tally.until(point.until_errors)
    right = np.array([tally.right[n] for n in numbers])
    total = np.array([tally.total[n] for n in numbers])
    interval = scores.clip_bootstrap(right / total, seed=point.seed) if len(numbers) else None
    net = shared_system(point.system, checkpoint, point.device)
    measured = flowgraph.meter.report() if flowgraph.meter else dict.fromkeys(MEASURED)
    return {
        "system": point.system,
        "variant": point.variant,
        "decoder": decoder_of(net),
        "split": point.split,
        "checkpoint": Path(checkpoint).name,
        **identity(point, clips, checkpoint),
        "channel": point.radio or point.channel,
        "snr_db": point.snr,
        "feedback_snr_db": point.snr if point.feedback_snr is None else point.feedback_snr,
        "csi": point.csi,
        "detector": point.detector,
        "seed": point.seed,
        "clips": len(numbers),
        "segments": int(total.sum()),
        "accuracy": float(right.sum() / total.sum()) if len(numbers) else None,
        "accuracy_ci95": interval,
        "accuracy_error_free": error_free(point, clips, checkpoint, numbers),
        "clip_scores": [round(share, 4) for share in (right / total).tolist()],
        "channel_nmse_db": measured["channel_nmse_db"],
        "measured_snr_db": measured_snr_db(point, measured["path_snr_db"]),
        "evm_db": measured["evm_db"],
        "papr_db": measured["papr_db"],
        **channel_uses(point, net, int(total.mean()) if len(numbers) else 0),
        "frames_sent": flowgraph.source.sent if flowgraph.source else None,
        "frames_received": flowgraph.sink.received,
        "wall_s": wall_s,
        "clips_per_s": flowgraph.sink.received / wall_s,
    }


def measured_snr_db(point: Scenario, path_snr_db):
    """SNR per stream from the pilots' mean over all M x K paths, of which AWGN has only K."""
    if path_snr_db is None or point.channel == "none":
        return None  # without noise there is nothing but rounding to measure
    if point.channel != "awgn":
        return path_snr_db
    return path_snr_db + float(10 * np.log10(point.antennas))


def channel_uses(point: Scenario, net, segments: int) -> dict:
    """Symbol periods per segment: payload, pilots and feedback, and the pilots' share."""
    if not segments:
        return {"channel_uses_per_segment": None, "channel_uses": None, "pilot_overhead": None}
    payload = net.symbols * segments
    if point.radio:
        return _burst_uses(point, len(net.terminals), payload, segments)
    rows = 1 + (-(-payload // point.pilot_spacing) if point.pilot_spacing else 0)
    pilots = rows * point.pilot_length
    feedback = payload + pilots if len(net.terminals) > 1 else 0
    return _uses({"payload": payload, "pilots": pilots, "feedback": feedback}, segments)


def _burst_uses(point: Scenario, users: int, payload: int, segments: int) -> dict:
    """The same of bursts: preambles, headers, gaps and guards are ``overhead``."""
    plan = BurstFormat(point.sample_rate, **burst_format(point))
    layout = plan.layout(users)
    pilots = layout.body_length(payload) - payload
    feedback = plan.copies * plan.feedback_length(payload) // plan.sps if users > 1 else 0
    uses = {
        "payload": payload,
        "pilots": pilots,
        "overhead": layout.total(payload) - payload - pilots,
        "feedback": feedback,
    }
    return _uses(uses, segments)


def _uses(uses: dict, segments: int) -> dict:
    return {
        "channel_uses_per_segment": sum(uses.values()) / segments,
        "channel_uses": {name: count / segments for name, count in uses.items()},
        "pilot_overhead": uses["pilots"] / (uses["payload"] + uses["pilots"]),
    }


def error_free(point: Scenario, clips, checkpoint: str, numbers: list):
    """Accuracy of the system trained and tested with no channel, on the same clips; or None."""
    free = error_free_checkpoint(point, clips, checkpoint)
    if free is None or not numbers:
        return None
    wanted = sorted({number % len(clips) for number in numbers})
    right = _error_free(point.system, str(free), point.device, clips, tuple(wanted))
    sent = [right[number % len(clips)] for number in numbers]
    return float(sum(r for r, _ in sent) / sum(t for _, t in sent))


@functools.lru_cache(maxsize=16)
def _error_free(system, checkpoint, device, clips, wanted: tuple) -> dict:
    """(right, total) segments of each clip in ``wanted``; the same for all points of a sweep."""
    net = shared_system(system, checkpoint, device)
    logits = reference.evaluate(Scenario(channel="none", device=device), net, clips, wanted)
    truths = [np.asarray(clips.labels(clip)) for clip in wanted]
    decided = [each.argmax(-1).cpu().numpy() for each in logits]
    return {
        clip: (int(np.sum(d == t)), len(t))
        for clip, d, t in zip(wanted, decided, truths, strict=True)
    }
