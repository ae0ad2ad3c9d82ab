# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Runs one side of the link (a terminal or the receiver) in a process or on a host of its own."""

import dataclasses
import time

from gnuradio import blocks, gr

from ..base.awake import Awake
from ..base.errors import SemcomError
from ..blocks import guard
from ..blocks.clip_source import clip_source
from ..blocks.radio_hier import radio_terminal
from ..chain import reference
from ..systems.loading import shared_system
from .budget import model_for
from .radio_flowgraph import ReceiverFlowgraph, hear_answers
from .radio_run import devices_record
from .radios import open_radio
from .records import stopped_by
from .runner import run_point
from .scenario import Scenario, burst_format

LINGER_S = 1.0  # [s] for the last samples in a socket or radio, after a terminal's last frame
PATIENCE_S = 30.0  # [s] without a sidelink burst after which a video terminal ends


class TerminalFlowgraph(gr.top_block):
    """A terminal with its source and its radio.

    side   name of the terminal
    first  number of its first clip
    """

    def __init__(self, side: str, scenario: Scenario, clips, weights: str, first: int):
        gr.top_block.__init__(self, f"{side} terminal", catch_exceptions=True)
        s, topology = scenario, shared_system(scenario.system, weights, scenario.device).topology
        if side not in topology.names:
            raise SemcomError(f"{side}: {s.variant} has {' and '.join(topology.names)} alone")
        place, self.radio = topology.terminal(side), open_radio(s, (side,))
        self.source = clip_source(clips, frames=s.frames or len(clips), takes=(place.takes,),
                                  first=first)  # fmt: skip
        self.terminal = radio_terminal(
            s.system, side, weights, s.device, s.sample_rate, dump_path=s.dump_path,
            fragment=s.fragment, attempts=s.attempts, timeout=s.answer_within, **burst_format(s),
        )  # fmt: skip
        self.follows = bool(place.hears)
        self.connect((self.source, 0), (self.terminal, 0))
        self.ends = [self.radio.transmitter(side)]  # GNU Radio does not keep Python blocks alive
        self.connect((self.terminal, 0), self.ends[0])
        self.connect((self.terminal, 1), blocks.null_sink(gr.sizeof_gr_complex))
        if self.follows:
            self.ends.append(self.radio.receiver(side, 1))
            self.connect(self.ends[1], (self.terminal, 1))
        if self.terminal.repeater:
            self.ends += hear_answers(self, self.terminal, self.radio, s.system)


def _warm_up(point: Scenario, net, clips) -> None:
    """Run the networks once: their first pass takes ten times as long, too long for a burst's
    time."""
    reference.outcomes(dataclasses.replace(point, channel="none"), net, clips, [0])


def run_terminal(side: str, point: Scenario, clips, first=0, on_frames=lambda count: None) -> dict:
    """Run a terminal until it has sent its clips; returns its counts as a dict.

    A terminal that listens to another one also ends 30 s after the last received sidelink burst.
    guard.BlockError if it makes no progress for two minutes, because the other sides are missing.
    An exception that ends it early has the counts as its attribute ``result``.
    """
    weights = model_for(point, clips)
    _warm_up(point, shared_system(point.system, weights, point.device), clips)
    flowgraph = TerminalFlowgraph(side, point, clips, weights, first)
    transmitter = flowgraph.terminal.transmitter
    last = (point.frames or len(clips)) - 1
    linger_s = LINGER_S + point.turnaround
    clock = Awake()
    heard, heard_at, done_at = 0, None, None

    def progress():
        nonlocal heard, heard_at, done_at
        sender = flowgraph.terminal.repeater
        on_frames(sender.frames if sender else transmitter.sent)
        if sender:  # the antenna's samples never end
            over = sender.frames > last - first and not sender.sender.open
            return None if over else transmitter.sent + sender.sender.stale
        if not flowgraph.follows:
            return transmitter.sent
        if (frames := flowgraph.terminal.sync.counts().frames) != heard:
            heard, heard_at = frames, clock()
        now = clock()
        if done_at is None and last in transmitter.starts:
            done_at = now  # the last samples may not be sent yet
        silent = heard_at is not None and now - heard_at > PATIENCE_S
        return None if silent or (done_at and now - done_at > linger_s) else heard

    stop = None
    try:
        guard.run(flowgraph, progress=progress)
        time.sleep(linger_s)
    except (KeyboardInterrupt, guard.BlockError) as cause:
        stop = cause
    counted = _counted(side, flowgraph)
    if stop:
        stop.result = counted | {"stopped": stopped_by(stop)}
        raise stop
    return counted


def _counted(side: str, flowgraph: TerminalFlowgraph) -> dict:
    """The counts of a terminal, see :func:`run_terminal`."""
    transmitter = flowgraph.terminal.transmitter
    counted = {"side": side, "sent": transmitter.sent}
    syncs = {side: flowgraph.terminal.sync} if flowgraph.follows else {}
    counted["devices"] = devices_record(flowgraph.radio, syncs)
    if flowgraph.terminal.repeater:
        sender = flowgraph.terminal.repeater.sender
        counted |= {
            "frames": flowgraph.terminal.repeater.frames,
            "repeats": flowgraph.terminal.repeater.repeats,
            "unanswered": sender.given_up,
            "stale_answers": sender.stale,
        }
    if flowgraph.follows:
        terminal = flowgraph.terminal
        counted |= {
            "unsent": transmitter.unsent,
            "unguided": terminal.encoder.unguided,
            "sidelink_heard": terminal.sync.counts().frames,
            "sidelink_by_repetition": terminal.schedule.repeated,
            "overflows": terminal.sync.counts().overflows,
        }
    return counted


def run_receiver(point: Scenario, clips, on_frames=lambda count: None) -> dict:
    """Run the receiver until the last clip, or until the bursts end; returns its JSON record."""

    def make(scenario, checkpoint):
        radio = open_radio(scenario, ("receiver",))
        antennas = radio.receiver("receiver", scenario.antennas)
        return ReceiverFlowgraph(scenario, checkpoint, antennas, lockstep=False, radio=radio)

    return run_point(point, clips, on_frames, make)
