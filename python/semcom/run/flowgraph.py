# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The whole link as a GNU Radio flowgraph: the blocks of ``simulated_link.grc``."""

from gnuradio import gr

from ..blocks.hier import receiver, simulated_channel, terminal
from ..blocks.link_meter import link_meter
from ..blocks.outcome_sink import outcome_sink
from ..blocks.repeater import repeater
from ..blocks.return_link import return_link
from ..systems.loading import shared_system
from .scenario import Scenario


class LinkFlowgraph(gr.top_block):
    """Source, terminals, channel, receiver, sink, and a link meter.

    scenario the point
    source   a block with an output for each terminal: clip_source, media_source
    weights  file of the system's weights; '' for a system without any
    """

    def __init__(self, scenario: Scenario, source, weights: str):
        gr.top_block.__init__(self, "semantic link", catch_exceptions=True)
        s, model = scenario, (str(weights), scenario.device)
        topology = shared_system(s.system, *model).topology
        self.topology, self.terminals = topology, topology.names
        pilots = (s.pilots, s.pilot_length, s.pilot_boost, s.pilot_spacing)
        receive = (s.csi, s.detector, s.interpolation)

        self.source = source
        self.ends_of_chain = [
            terminal(s.system, name, *model, *pilots, *receive, 0.0, s.dump_path)
            for name in topology.names
        ]
        self.channel = simulated_channel(
            len(topology), s.antennas, s.channel, s.snr, s.sidelink_snr, s.rician_k, s.doppler,
            s.gain, s.seed, len(topology.sidelinks()), s.dump_path,
        )  # fmt: skip
        self.receiver = receiver(
            s.system, *model, s.antennas, *pilots, *receive, s.dump_path, s.attempts, s.ask_below
        )
        self.repeater = self.return_link = None
        if s.attempts > 1:
            self.repeater = repeater(2 * len(topology), s.attempts)
            snr = s.snr if s.return_snr is None else s.return_snr
            self.return_link = return_link(
                s.system, s.channel, snr, s.rician_k, s.doppler, s.gain, s.seed, *pilots, *receive
            )
        self.sink = outcome_sink(s.system, str(weights))
        self.meter = link_meter(len(topology))
        self._connect_chain(s.antennas)
        self._connect_sidelinks(s.antennas)
        if self.repeater:
            self._connect_return()

    def end(self, name: str):
        """The block of the terminal ``name``."""
        return self.ends_of_chain[self.topology.index(name)]

    def _connect_chain(self, antennas: int) -> None:
        streams = len(self.topology)
        for port, end in enumerate(self.ends_of_chain):
            self.connect((self.source, port), (end, 0))
            self._connect_uplink(end, port)
            self.connect((self.receiver, 1 + port), (self.meter, streams + port))
        for m in range(antennas):
            self.connect((self.channel, m), (self.receiver, m))
        self.connect((self.receiver, 0), self.sink)
        self.connect((self.channel, 0), (self.meter, 2 * streams))

    def _connect_uplink(self, end, port: int) -> None:
        """Connect a terminal's frames to the channel, and its symbols to the meter."""
        sent, symbols = (end, 0), (end, 1)
        if self.repeater:
            sent = (self.repeater, len(self.topology) + port)
            symbols = (self.repeater, port)  # the pilot inserter's input
            for output, taken in enumerate((sent, symbols)):
                self.connect((end, output), taken)
        self.connect(sent, (self.channel, port))
        self.connect(symbols, (self.meter, port))

    def _connect_return(self) -> None:
        """Connect the receiver's answers to the repeater."""
        self.msg_connect(self.receiver, "answers", self.return_link, "answers")
        self.msg_connect(self.return_link, "answers", self.repeater, "answers")

    def _connect_sidelinks(self, antennas: int) -> None:
        for number, (sender, listener) in enumerate(self.topology.sidelinks()):
            port = 1 + self.topology.terminal(listener).hears.index(sender)
            self.connect((self.end(sender), 2), (self.channel, len(self.topology) + number))
            self.connect((self.channel, antennas + number), (self.end(listener), port))

    def release(self) -> None:
        """Free all memory; the flowgraph cannot run again."""
        release(
            [
                (self.channel, self.channel.uplink, "channel"),
                (self.receiver, self.receiver.detector, "csi"),
                (self.receiver, self.receiver.decoder, "answers"),
                (self.receiver, self.receiver.decoder, "judgement"),
                *((end, end.encoder, "attention") for end in self.ends_of_chain),
            ]
        )


def release(passed_on: list) -> None:
    """Disconnect the message ports of hier blocks: (hier block, inner block, its message port).

    A hier block with a message port of an inner block has a reference cycle: without this its
    buffers stay until the process ends, and after about 180 flowgraphs the system has no memory for
    more.
    """
    for hier, block, port in passed_on:
        hier.msg_disconnect(block, port, hier, port)
    for hier in {hier for hier, _, _ in passed_on}:
        hier.disconnect_all()
