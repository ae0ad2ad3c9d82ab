# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""One side of the link alone, for a process or a host of its own."""

import time

import numpy as np
import torch
from gnuradio import blocks, gr

from ..base.errors import SemcomError
from ..blocks import guard
from ..blocks.clip_source import clip_source
from ..blocks.radio_hier import radio_audio_terminal, radio_video_terminal
from ..blocks.system_block import shared_system
from .radio_flowgraph import ReceiverFlowgraph
from .radios import open_radio
from .runner import checkpoint_of, run_point
from .scenario import Scenario, burst_format

LINGER_S = 1.0  # [s] for what a socket or a radio still holds when a terminal has sent everything
PATIENCE_S = 30.0  # [s] without feedback after which a video terminal is done
TERMINALS = {"audio": radio_audio_terminal, "video": radio_video_terminal}


class TerminalFlowgraph(gr.top_block):
    """A terminal with its source and its radio.

    side   audio or video
    first  number of its first clip
    """

    def __init__(self, side: str, scenario: Scenario, clips, checkpoint: str, first: int):
        gr.top_block.__init__(self, f"{side} terminal", catch_exceptions=True)
        s = scenario
        net = shared_system(s.system, checkpoint, s.device)
        if side not in net.terminals:
            raise SemcomError(f"{side}: {s.variant} has {' and '.join(net.terminals)} alone")
        radio = open_radio(s)
        self.source = clip_source(
            clips, frames=s.frames or len(clips), terminals=(side,), first=first
        )
        self.terminal = TERMINALS[side](
            s.system, checkpoint, s.device, s.sample_rate, dump_path=s.dump_path, **burst_format(s)
        )
        self.follows = side == "video" and len(net.terminals) > 1
        self.connect((self.source, 0), (self.terminal, 0))
        self.ends = [radio.transmitter(side)]  # GNU Radio does not keep Python blocks alive
        self.connect((self.terminal, 0), self.ends[0])
        self.connect((self.terminal, 1), blocks.null_sink(gr.sizeof_gr_complex))
        if self.follows:
            self.ends.append(radio.receiver("video", 1))
            self.connect(self.ends[1], (self.terminal, 1))


def _warm_up(net, clips, device: str) -> None:
    """The first pass of a network takes ten times the next one: not while a burst is due."""
    audio = torch.from_numpy(np.asarray(clips.audio(0), np.float32))[None]
    visual = torch.from_numpy(np.asarray(clips.visual(0), np.float32))[None]
    with torch.inference_mode():
        heard = net.encode_audio(audio.to(device)) if "audio" in net.terminals else None
        if "video" in net.terminals:
            net.encode_video(visual.to(device), heard)


def run_terminal(side: str, point: Scenario, clips, first=0, on_frames=lambda count: None) -> dict:
    """Run a terminal until it has sent its clips; return what it counted.

    A video terminal ends as well once it has heard feedback and hears none for half a minute.  One
    that gets nothing done in two minutes, for want of the others, raises guard.BlockError.
    """
    checkpoint = checkpoint_of(point, clips)
    _warm_up(shared_system(point.system, checkpoint, point.device), clips, point.device)
    flowgraph = TerminalFlowgraph(side, point, clips, checkpoint, first)
    transmitter = flowgraph.terminal.transmitter
    last = (point.frames or len(clips)) - 1
    linger_s = LINGER_S + point.turnaround
    heard, heard_at, done_at = 0, None, None

    def progress():
        nonlocal heard, heard_at, done_at
        on_frames(transmitter.sent)
        if not flowgraph.follows:
            return transmitter.sent
        if (frames := flowgraph.terminal.sync.counts().frames) != heard:
            heard, heard_at = frames, time.monotonic()
        now = time.monotonic()
        if done_at is None and last in transmitter.starts:
            done_at = now  # its samples may still be under way
        silent = heard_at is not None and now - heard_at > PATIENCE_S
        return None if silent or (done_at and now - done_at > linger_s) else heard

    guard.run(flowgraph, progress=progress)
    time.sleep(linger_s)
    counted = {"side": side, "sent": transmitter.sent}
    if hasattr(flowgraph.ends[0], "counts"):
        counted["device"] = flowgraph.ends[0].counts()
    if flowgraph.follows:
        terminal = flowgraph.terminal
        counted |= {
            "unsent": transmitter.unsent,
            "unguided": terminal.encoder.unguided,
            "feedback_heard": terminal.sync.counts().frames,
            "feedback_by_repetition": terminal.schedule.repeated,
            "overflows": terminal.sync.counts().overflows,
        }
    return counted


def run_receiver(point: Scenario, clips, on_frames=lambda count: None) -> dict:
    """Run the receiver until the last clip, or silence, has come; return its JSON record."""

    def make(scenario, checkpoint):
        antennas = open_radio(scenario).receiver("receiver", scenario.antennas)
        return ReceiverFlowgraph(scenario, checkpoint, antennas, lockstep=False)

    return run_point(point, clips, on_frames, make)
