# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The whole link over radios, one flowgraph for both terminals and the receiver."""

import dataclasses
import math

from gnuradio import blocks, gr

from ..base.errors import SemcomError
from ..blocks.event_sink import event_sink
from ..blocks.link_meter import link_meter
from ..blocks.mock_radio import mock_feedback, mock_uplink
from ..blocks.radio_hier import radio_audio_terminal, radio_receiver, radio_video_terminal
from ..blocks.sigmf import sigmf_sink, sigmf_source
from ..blocks.system_block import shared_system
from .flowgraph import release
from .radios import open_radio
from .scenario import BURST_OPTIONS, Scenario, burst_format

MOCK = "mock"
KEPT = 1000  # frames whose decisions are kept: a receiver may run for days
PAUSE_S = 0.03  # [s] of silence around each frame: more than any start delay of a mock radio


def sample_snr_db(snr_db: float, sps: int) -> float:
    """SNR of samples [dB] whose symbols, after the matched filter, have this Es/N0 [dB]."""
    return snr_db - 10 * math.log10(sps)


class RadioFlowgraph(gr.top_block):
    """Source, terminals, radios, receiver, event sink; and a meter beside the chain.

    source  a block with the features of each terminal: clip_source, media_source

    With a mock radio, time goes on with the samples: equal seeds, equal results, and the flowgraph
    ends by itself.  Other radios go by their clocks, and never end.
    """

    def __init__(self, scenario: Scenario, source, checkpoint: str):
        gr.top_block.__init__(self, "semantic link over radios", catch_exceptions=True)
        s, model = scenario, (scenario.system, str(checkpoint), scenario.device)
        net = shared_system(*model)
        self.scenario, self.terminals = s, net.terminals
        kind, _, argument = s.radio.partition(":")
        self.lockstep = kind == MOCK
        plan = burst_format(s)
        pause = PAUSE_S if self.lockstep else 0.0
        air = dict(sample_rate=s.sample_rate, dump_path=s.dump_path, **plan)

        self.source = source
        self.receiver = radio_receiver(*model, s.antennas, detector=s.detector, **air)
        self.sink = event_sink(net.classes, keep=KEPT)
        self.meter = link_meter(len(net.terminals))
        self.audio = self.video = None
        if "audio" in net.terminals:
            self.audio = radio_audio_terminal(*model, pause=pause, **air)
        if "video" in net.terminals:
            self.video = radio_video_terminal(*model, pause=pause, continuous=self.lockstep, **air)
        self._connect_chain()
        if self.lockstep:
            self._connect_mock(argument)
        else:
            self._connect_radio(open_radio(s))
        if s.record:
            record_antennas(self, s)

    def _connect_chain(self) -> None:
        """All but the samples."""
        ends = [end for end in (self.audio, self.video) if end]
        for port, end in enumerate(ends):
            self.connect((self.source, port), (end, 0))
            self.connect((end, 1), (self.meter, port))
            self.connect((self.receiver, 1 + port), (self.meter, len(ends) + port))
        self.connect((self.receiver, 1), (self.meter, 2 * len(ends)))
        self.connect((self.receiver, 0), self.sink)

    def _connect_mock(self, preset: str) -> None:
        s = self.scenario
        snr = sample_snr_db(s.snr, s.sps)
        self.mock = mock_uplink(preset, s.sample_rate, snr, s.seed)
        self.antennas = [(self.mock, m) for m in range(s.antennas)]
        if self.audio and self.video:
            feedback_snr = snr if s.feedback_snr is None else sample_snr_db(s.feedback_snr, s.sps)
            self.feedback = mock_feedback(preset, s.sample_rate, feedback_snr, s.seed)
            self.connect((self.audio, 0), self.feedback, (self.video, 1))
        for port, end in enumerate((self.audio, self.video)):
            self.connect((end or blocks.null_source(gr.sizeof_gr_complex), 0), (self.mock, port))
        self._connect_antennas()

    def _connect_radio(self, radio) -> None:
        self.ends = []  # GNU Radio does not keep Python blocks alive
        for end in (self.audio, self.video):
            if end:
                self.ends.append(radio.transmitter(end.terminal))
                self.connect((end, 0), self.ends[-1])
        if self.audio and self.video:
            self.ends.append(radio.receiver("video", 1))
            self.connect(self.ends[-1], (self.video, 1))
        receiver = radio.receiver("receiver", self.scenario.antennas)
        self.ends.append(receiver)
        self.antennas = [(receiver, m) for m in range(self.scenario.antennas)]
        self._connect_antennas()

    def _connect_antennas(self) -> None:
        for port, antenna in enumerate(self.antennas):
            self.connect(antenna, (self.receiver, port))

    def release(self) -> None:
        """Let go of all memory; the flowgraph cannot run again."""
        passed_on = [(self.receiver, self.receiver.sync, "bursts")]
        if self.video:
            passed_on.append((self.video, self.video.encoder, "attention"))
        if self.video and self.video.sync:
            passed_on.append((self.video, self.video.sync, "bursts"))
        release(passed_on)


class ReceiverFlowgraph(gr.top_block):
    """The receiver alone, behind whatever gives the samples of its antennas.

    antennas  a block with M complex64 outputs: sigmf_source, zmq_antennas, usrp_antennas
    """

    def __init__(self, scenario: Scenario, checkpoint: str, antennas, lockstep: bool):
        gr.top_block.__init__(self, "receiver", catch_exceptions=True)
        s, model = scenario, (scenario.system, str(checkpoint), scenario.device)
        net = shared_system(*model)
        self.terminals, self.lockstep = net.terminals, lockstep
        self.source = self.meter = self.audio = self.video = None
        self.receiver = radio_receiver(
            *model, s.antennas, s.sample_rate, s.detector, s.dump_path, **burst_format(s)
        )
        self.sink = event_sink(net.classes, keep=KEPT)
        self.ends = [antennas]  # GNU Radio does not keep Python blocks alive
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
        release([(self.receiver, self.receiver.sync, "bursts")])


def replay_flowgraph(scenario: Scenario, checkpoint: str) -> tuple:
    """(scenario as the recording tells, flowgraph) for the recording that ``--radio`` names."""
    path = scenario.radio.partition(":")[2]
    source = sigmf_source(path, scenario.antennas)
    told = source.settings
    if told.get("system", scenario.system) != scenario.system:
        raise SemcomError(f"{path}: was sent by {told['system']}; add --system {told['system']}")
    plan = {name: told[key] for name, key in BURST_OPTIONS.items() if key in told}
    frames = scenario.frames or told.get("frames", 0)
    scenario = dataclasses.replace(scenario, sample_rate=source.sample_rate, frames=frames, **plan)
    return scenario, ReceiverFlowgraph(scenario, checkpoint, source, lockstep=True)


def record_antennas(flowgraph, scenario: Scenario) -> None:
    """Write what a flowgraph's antennas hear to the SigMF recording that ``--record`` names."""
    s = scenario
    flowgraph.recording = sigmf_sink(
        s.record, s.antennas, s.sample_rate, s.frequency, settings=recording_settings(s)
    )
    for port, antenna in enumerate(flowgraph.antennas):
        flowgraph.connect(antenna, (flowgraph.recording, port))


def recording_settings(scenario: Scenario) -> dict:
    """What a recording tells those who replay it."""
    return {
        "system": scenario.system,
        "variant": scenario.variant,
        "snr_db": scenario.snr,
        "seed": scenario.seed,
        "frames": scenario.frames,
        "radio": scenario.radio,
        **burst_format(scenario),
    }
