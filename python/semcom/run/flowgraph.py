# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The whole link as a GNU Radio flowgraph: the blocks of ``simulated_link.grc``."""

from gnuradio import gr

from ..blocks.event_sink import event_sink
from ..blocks.hier import (
    audio_terminal,
    ave_receiver,
    simulated_channel,
    video_terminal,
)
from ..blocks.link_meter import link_meter
from ..blocks.system_block import shared_system
from .scenario import Scenario


class LinkFlowgraph(gr.top_block):
    """Source, terminals, channel, receiver, event sink; and a meter beside the chain.

    source  a block with the features of each terminal: clip_source, media_source
    """

    def __init__(self, scenario: Scenario, source, checkpoint: str):
        gr.top_block.__init__(self, "semantic link", catch_exceptions=True)
        s, model = scenario, (scenario.system, str(checkpoint), scenario.device)
        net = shared_system(*model)
        self.terminals = net.terminals
        pilots = (s.pilots, s.pilot_length, s.pilot_boost, s.pilot_spacing)
        receive = (s.csi, s.detector, s.interpolation)

        self.source = source
        self.channel = simulated_channel(
            len(net.terminals), s.antennas, s.channel, s.snr, s.feedback_snr, s.rician_k,
            s.doppler, s.gain, s.seed, s.dump_path,
        )  # fmt: skip
        self.receiver = ave_receiver(*model, s.antennas, *pilots, *receive, s.dump_path)
        self.sink = event_sink(net.classes)
        self.meter = link_meter(len(net.terminals))
        self.audio = self.video = None
        if "audio" in net.terminals:
            self.audio = audio_terminal(*model, *pilots, s.dump_path)
        if "video" in net.terminals:
            self.video = video_terminal(*model, *pilots, *receive, 0.0, s.dump_path)
        self._connect_chain(s.antennas)

    def _connect_chain(self, antennas: int) -> None:
        ends = [end for end in (self.audio, self.video) if end]
        streams = len(ends)
        for port, end in enumerate(ends):
            self.connect((self.source, port), (end, 0))
            self.connect((end, 0), (self.channel, port))
            self.connect((end, streams if end is self.audio else 1), (self.meter, port))
            self.connect((self.receiver, 1 + port), (self.meter, streams + port))
        if self.audio and self.video:
            self.connect((self.audio, 1), (self.channel, streams))
            self.connect((self.channel, antennas), (self.video, 1))
        for m in range(antennas):
            self.connect((self.channel, m), (self.receiver, m))
        self.connect((self.receiver, 0), self.sink)
        self.connect((self.channel, 0), (self.meter, 2 * streams))

    def release(self) -> None:
        """Let go of all memory; the flowgraph cannot run again."""
        passed_on = [
            (self.channel, self.channel.uplink, "channel"),
            (self.receiver, self.receiver.estimator, "csi"),
        ]
        if self.video:
            passed_on.append((self.video, self.video.encoder, "attention"))
        release(passed_on)


def release(passed_on: list) -> None:
    """Undo hier blocks: (hier block, block inside, message port of it that is passed on) each.

    A hier block that passes on a message port holds itself, in its list of blocks and through that
    connection: without this its buffers stay until the process ends, and after some 180 flowgraphs
    the system has no more to give.
    """
    for hier, block, port in passed_on:
        hier.msg_disconnect(block, port, hier, port)
    for hier in {hier for hier, _, _ in passed_on}:
        hier.disconnect_all()
