# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The whole link over radios, one flowgraph for all terminals and the receiver."""

import math

from gnuradio import blocks, gr

from ..blocks.link_meter import link_meter
from ..blocks.mock_radio import mock_sidelink, mock_uplink
from ..blocks.outcome_sink import outcome_sink
from ..blocks.radio_hier import AIR_WINDOW, radio_receiver, radio_terminal, system_number
from ..blocks.return_bursts import answer_receiver, answer_transmitter
from ..blocks.return_link import mock_return
from ..blocks.sigmf import sigmf_sink, sigmf_source
from ..protocol.burst import LATENESS_S
from ..systems.loading import shared_system
from ..systems.registry import task_of
from .flowgraph import release
from .options import replayed
from .radios import open_radio
from .replay import told_of_point
from .scenario import Scenario, burst_format

MOCK = "mock"
MOCK_DEVICES = 2  # sending devices of a mock radio
KEPT = 1000  # most frames whose outcomes are kept, since a receiver may run for days
PAUSE_S = 0.03  # [s] silence around each frame: longer than any start delay of a mock radio


def sample_snr_db(snr_db: float, sps: int) -> float:
    """SNR [dB] of samples whose symbols have the Es/N0 ``snr_db`` [dB] after the matched filter."""
    return snr_db - 10 * math.log10(sps)


def kept(scenario: Scenario) -> int:
    """Number of frames whose outcomes are kept, at most the task's limit."""
    return min(KEPT, task_of(scenario.system, scenario.task).keep or KEPT)


class RadioFlowgraph(gr.top_block):
    """Source, terminals, radios, receiver, sink, and a link meter.

    source   a block with an output for each terminal: clip_source, media_source
    weights  file of the system's weights; '' for a system without any

    With a mock radio, simulated time advances with the samples: equal seeds give equal results, and
    the flowgraph ends by itself.  Other radios run in real time and do not end.
    """

    def __init__(self, scenario: Scenario, source, weights: str):
        gr.top_block.__init__(self, "semantic link over radios", catch_exceptions=True)
        s, model = scenario, (str(weights), scenario.device)
        net = shared_system(s.system, *model)
        self.scenario, self.topology = s, net.topology
        self.terminals, self.places = net.topology.names, net.full_topology
        kind, _, argument = s.radio.partition(":")
        self.lockstep, self.radio = kind == MOCK, None
        plan = burst_format(s)
        air = dict(sample_rate=s.sample_rate, dump_path=s.dump_path, **plan)

        self.source = source
        window = 1 if self.lockstep else AIR_WINDOW
        again = dict(attempts=s.attempts, window=window)
        self.receiver = radio_receiver(
            s.system, *model, s.antennas, detector=s.detector, ask_below=s.ask_below, **again, **air
        )
        self.sink = outcome_sink(s.system, str(weights), kept(s))
        self.meter = link_meter(len(self.topology))
        mock = dict(pause=PAUSE_S, continuous=True, overdue=self._is_overdue)
        mock = mock if self.lockstep else {}
        self.ends_of_chain = [
            radio_terminal(
                s.system,
                name,
                *model,
                fragment=s.fragment,
                timeout=s.answer_within,
                **again,
                **mock,
                **air,
            )  # fmt: skip
            for name in self.terminals
        ]
        self.return_link, self.repeater = None, self.ends_of_chain[0].repeater
        self._connect_chain()
        if self.lockstep:
            self._connect_mock(argument)
        else:
            self.radio = open_radio(s)
            self._connect_radio(self.radio)
        if s.record:
            record_antennas(self, s)

    def end(self, name: str):
        """The block of the terminal ``name``."""
        return self.ends_of_chain[self.topology.index(name)]

    def _connect_chain(self) -> None:
        """Connect everything except the samples."""
        streams = len(self.topology)
        for port, end in enumerate(self.ends_of_chain):
            self.connect((self.source, port), (end, 0))
            self.connect((end, 1), (self.meter, port))
            self.connect((self.receiver, 1 + port), (self.meter, streams + port))
        self.connect((self.receiver, 1), (self.meter, 2 * streams))
        self.connect((self.receiver, 0), self.sink)

    def _connect_mock(self, preset: str) -> None:
        """Connect the terminals to the mock radio's devices, in the order of the system's
        topology."""
        s = self.scenario
        snr = sample_snr_db(s.snr, s.sps)
        self.mock = mock_uplink(preset, s.sample_rate, snr, s.seed)
        self.antennas = [(self.mock, m) for m in range(s.antennas)]
        self.sidelinks = []
        for sender, listener in self.topology.sidelinks():
            sidelink_snr = snr if s.sidelink_snr is None else sample_snr_db(s.sidelink_snr, s.sps)
            self.sidelinks.append(mock_sidelink(preset, s.sample_rate, sidelink_snr, s.seed))
            self.connect((self.end(sender), 0), self.sidelinks[-1], (self.end(listener), 1))
        devices = {self.places.index(end.name): end for end in self.ends_of_chain}
        for port in range(MOCK_DEVICES):
            sent = devices.get(port) or blocks.null_source(gr.sizeof_gr_complex)
            self.connect((sent, 0), (self.mock, port))
        if self.repeater:
            return_snr = snr if s.return_snr is None else sample_snr_db(s.return_snr, s.sps)
            self.return_link = mock_return(
                self.ends_of_chain[0].plan, system_number(s.system), preset, return_snr, s.seed
            )
            self.msg_connect(self.receiver, "answers", self.return_link, "answers")
            self.msg_connect(self.return_link, "answers", self.repeater, "answers")
        self._connect_antennas()

    def _connect_radio(self, radio) -> None:
        self.ends = []  # GNU Radio does not keep Python blocks alive
        for end in self.ends_of_chain:
            self.ends.append(radio.transmitter(end.name))
            self.connect((end, 0), self.ends[-1])
        for _, listener in self.topology.sidelinks():
            self.ends.append(radio.receiver(listener, 1))
            self.connect(self.ends[-1], (self.end(listener), 1))
        if self.repeater:
            self._connect_return(radio)
        receiver = radio.receiver("receiver", self.scenario.antennas)
        self.ends.append(receiver)
        self.antennas = [(receiver, m) for m in range(self.scenario.antennas)]
        self._connect_antennas()

    def _connect_return(self, radio) -> None:
        """Connect the receiver's answers, as bursts, to the only terminal."""
        end = self.ends_of_chain[0]
        self.ends += send_answers(self, self.receiver, radio, self.scenario.system, end.plan)
        self.ends += hear_answers(self, end, radio, self.scenario.system)

    def _is_overdue(self, number: int) -> bool:
        """Whether the answer to frame ``number`` will not come any more: its burst was received or
        lost, decoded, and its answer was received or lost."""
        end, decoder, sync = self.ends_of_chain[0], self.receiver.decoder, self.receiver.sync
        start, settings = end.transmitter.starts.get(number), self.mock.settings
        if start is None:
            return False
        device = (settings.audio, settings.video)[self.places.index(end.name)]
        begins = start / self.scenario.sample_rate + device.start_delay_s
        late = begins - settings.receiver.start_delay_s + LATENESS_S
        return (
            sync.received_until() > late
            and sync.counts().passed == decoder.transmissions
            and decoder.answers == self.return_link.answers
        )

    def _connect_antennas(self) -> None:
        for port, antenna in enumerate(self.antennas):
            self.connect(antenna, (self.receiver, port))

    def release(self) -> None:
        """Let go of all memory; the flowgraph cannot run again."""
        passed_on = [
            (self.receiver, self.receiver.sync, "bursts"),
            (self.receiver, self.receiver.decoder, "answers"),
            (self.receiver, self.receiver.decoder, "judgement"),
        ]
        for end in self.ends_of_chain:
            passed_on.append((end, end.encoder, "attention"))
            if end.sync:
                passed_on.append((end, end.sync, "bursts"))
        release(passed_on)


def send_answers(top, receiver, radio, system: str, plan) -> list:
    """Connect a receiver's answers to its transmitter; returns the blocks."""
    ends = [answer_transmitter(plan, system_number(system)), radio.return_transmitter()]
    top.msg_connect(receiver, "answers", ends[0], "answers")
    top.connect(*ends)
    return ends


def hear_answers(top, terminal, radio, system: str) -> list:
    """Connect a terminal's antenna of the return link to its repeater; returns the blocks."""
    ends = [radio.return_antenna(terminal.name)]
    ends.append(answer_receiver(terminal.plan, system_number(system)))
    top.connect(*ends)
    top.msg_connect(ends[1].reader, "answers", terminal.repeater, "answers")
    return ends


class ReceiverFlowgraph(gr.top_block):
    """The receiver after a block with the samples of its antennas.

    checkpoint  name or file of the weights
    antennas    a block with M complex64 outputs: sigmf_source, zmq_antennas, usrp_antennas
    lockstep    True: batches depend only on frame numbers, for replays
    radio       the radio of the antennas, which sends answers if there are retransmissions; None
                for a recording
    """

    def __init__(self, scenario: Scenario, checkpoint: str, antennas, lockstep: bool, radio=None):
        gr.top_block.__init__(self, "receiver", catch_exceptions=True)
        s, model = scenario, (str(checkpoint), scenario.device)
        self.topology = shared_system(s.system, *model).topology
        self.terminals, self.lockstep, self.radio = self.topology.names, lockstep, radio
        self.source, self.meter, self.ends_of_chain = None, None, []
        self.receiver = radio_receiver(
            s.system, *model, s.antennas, s.sample_rate, s.detector, s.dump_path, s.attempts,
            s.ask_below, **burst_format(s),
        )  # fmt: skip
        self.sink = outcome_sink(s.system, str(checkpoint), kept(s))
        self.ends = [antennas]  # GNU Radio does not keep Python blocks alive
        self.repeater = self.return_link = None
        if radio and s.attempts > 1:
            self.ends += send_answers(self, self.receiver, radio, s.system, self.receiver.plan)
        self.antennas = [(antennas, m) for m in range(s.antennas)]
        for port, antenna in enumerate(self.antennas):
            self.connect(antenna, (self.receiver, port))
        self.connect((self.receiver, 0), self.sink)
        for port in range(len(self.terminals)):
            self.connect((self.receiver, 1 + port), blocks.null_sink(gr.sizeof_gr_complex))
        if s.record:
            record_antennas(self, s)

    def release(self) -> None:
        """Let go of all memory; the flowgraph cannot run again."""
        release(
            [
                (self.receiver, self.receiver.sync, "bursts"),
                (self.receiver, self.receiver.decoder, "answers"),
                (self.receiver, self.receiver.decoder, "judgement"),
            ]
        )


def replay_flowgraph(scenario: Scenario, checkpoint: str) -> ReceiverFlowgraph:
    """The receiver after the recording in ``--radio replay:FILE``."""
    s = scenario
    source = sigmf_source(replayed(s.radio), s.antennas, s.sample_rate)
    return ReceiverFlowgraph(s, checkpoint, source, lockstep=True)


def record_antennas(flowgraph, scenario: Scenario) -> None:
    """Record a flowgraph's antennas to the SigMF recording in ``--record``."""
    s = scenario
    flowgraph.recording = sigmf_sink(
        s.record, s.antennas, s.sample_rate, s.frequency, settings=told_of_point(s)
    )
    for port, antenna in enumerate(flowgraph.antennas):
        flowgraph.connect(antenna, (flowgraph.recording, port))
