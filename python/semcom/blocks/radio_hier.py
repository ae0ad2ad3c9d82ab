# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The terminals and the receiver with bursts on the air, where no clock or carrier is shared."""

from gnuradio import gr

from .. import frame_sync_cc
from ..nets.registry import DEFAULT_SYSTEM, SYSTEMS
from ..phy.burst import FEEDBACK_CODE, BurstFormat
from ..phy.schedule import Schedule
from .dump import dump
from .hier import HasModel, signature
from .semantic_decoder import semantic_decoder
from .semantic_encoders import audio_semantic_encoder, video_semantic_encoder
from .system_block import shared_system
from .transmitters import following_transmitter, leading_transmitter

SEGMENTS = 10  # a clip's, of which a feedback burst's length is reckoned


def system_number(system: str) -> int:
    """What a burst's header says of the system: its place in the registry."""
    return list(SYSTEMS).index(system)


class radio_audio_terminal(HasModel, gr.hier_block2):
    """Audio features to the samples of bursts: feedback for the video terminal, then the uplink.

    Input 0   float32 vectors of d_a, frames of T items
    Output 0  complex64 samples, see leading_transmitter
    Output 1  complex64, the symbols alone, for measurements

    pause  [s] of silence between frames that is part of the samples, see leading_transmitter
    plan   more of semcom.phy.burst.BurstFormat: sps, pilot_length, pilot_spacing, turnaround,
           copies, max_peak_db
    """

    terminal = "audio"

    def __init__(self, system=DEFAULT_SYSTEM, checkpoint="", device="cpu", sample_rate=4e6,
                 pause=0.0, dump_path="", **plan):  # fmt: skip
        net = shared_system(system, str(checkpoint), device)
        gr.hier_block2.__init__(
            self,
            "radio_audio_terminal",
            signature(gr.sizeof_float * net.config.audio_dim),
            signature(gr.sizeof_gr_complex, gr.sizeof_gr_complex),
        )
        plan = BurstFormat(sample_rate, **plan)
        if len(net.terminals) > 1:
            plan.check_payload(SEGMENTS * net.symbols)
        self.encoder = audio_semantic_encoder(system, checkpoint, device)
        self.transmitter = leading_transmitter(
            plan, system_number(system), len(net.terminals), pause
        )
        self.connect(self, self.encoder, self.transmitter, (self, 0))
        self.connect(self.encoder, (self, 1))
        dump(self, self.encoder, 0, dump_path, "audio_symbols")
        dump(self, self.transmitter, 0, dump_path, "audio_samples")


class radio_video_terminal(HasModel, gr.hier_block2):
    """Visual features, and what the antenna hears of the audio terminal, to the samples of bursts.

    Input 0   float32 vectors of h*w*d_v, frames of T items
    Input 1   complex64 samples of the terminal's antenna (absent for a video-only system)
    Output 0  complex64 samples, see following_transmitter (leading_transmitter if it is alone)
    Output 1  complex64, the symbols alone, for measurements
    Message port ``attention``: where it looked, see video_semantic_encoder
    Message port ``bursts``: the feedback bursts that were heard, see frame_sync_cc

    A frame whose feedback was lost is sent unguided, if the period of those before tells when.

    pause             as for radio_audio_terminal, for a video-only system
    continuous        a sample out for each one in, see following_transmitter
    feedback_timeout  [s] to wait for feedback if nothing tells the time; 0: for ever
    plan              as for radio_audio_terminal
    """

    terminal = "video"

    def __init__(self, system=DEFAULT_SYSTEM, checkpoint="", device="cpu", sample_rate=4e6,
                 pause=0.0, continuous=False, feedback_timeout=0.0, dump_path="",
                 **plan):  # fmt: skip
        net = shared_system(system, str(checkpoint), device)
        c, alone = net.config, len(net.terminals) == 1
        visual = gr.sizeof_float * c.height * c.width * c.visual_dim
        antenna = [] if alone else [gr.sizeof_gr_complex]
        gr.hier_block2.__init__(
            self,
            "radio_video_terminal",
            signature(visual, *antenna),
            signature(gr.sizeof_gr_complex, gr.sizeof_gr_complex),
        )
        self.message_port_register_hier_out("attention")
        self.message_port_register_hier_out("bursts")
        plan = BurstFormat(sample_rate, **plan)
        model, number = (system, checkpoint, device), system_number(system)
        if alone:
            self.schedule = self.sync = None
            self.encoder = video_semantic_encoder(*model)
            self.transmitter = leading_transmitter(plan, number, 1, pause)
        else:
            self._follow(plan, model, number, net.symbols, feedback_timeout, continuous)
            dump(self, self.sync, 0, dump_path, "heard")
        self.msg_connect(self.encoder, "attention", self, "attention")
        self.connect((self, 0), (self.encoder, 0))
        self.connect(self.encoder, (self.transmitter, 0))
        self.connect(self.transmitter, (self, 0))
        self.connect(self.encoder, (self, 1))
        dump(self, self.encoder, 0, dump_path, "video_symbols")
        dump(self, self.transmitter, 0, dump_path, "video_samples")

    def _follow(self, plan, model, number, symbols, feedback_timeout, continuous):
        """What hears the feedback, and sends when it says."""
        self.sync = frame_sync_cc(
            1, plan.rows(1), plan.sample_rate, plan.sps, plan.pilot_spacing, "zf", FEEDBACK_CODE,
            number, [symbols],
        )  # fmt: skip
        self.schedule = Schedule(plan, SEGMENTS * symbols, self.sync, number)
        self.encoder = video_semantic_encoder(*model, feedback_timeout, self.schedule.go_without)
        self.transmitter = following_transmitter(plan, number, self.schedule, continuous)
        self.msg_connect(self.sync, "bursts", self, "bursts")
        self.connect((self, 1), self.sync, (self.encoder, 1))
        if continuous:
            self.connect((self, 1), (self.transmitter, 1))


class radio_receiver(HasModel, gr.hier_block2):
    """The samples of the receiver's antennas to the probabilities of the events of each second.

    Inputs 0..M-1     complex64 samples
    Output 0          float32 vectors of C probabilities, frames of T items
    Outputs 1..K      complex64, the symbols of each terminal as they were separated
    Message port ``bursts``: the bursts that were heard, see frame_sync_cc

    plan  as for radio_audio_terminal
    """

    def __init__(self, system=DEFAULT_SYSTEM, checkpoint="", device="cpu", antennas=2,
                 sample_rate=4e6, detector="zf", dump_path="", **plan):  # fmt: skip
        net = shared_system(system, str(checkpoint), device)
        terminals, c64 = len(net.terminals), gr.sizeof_gr_complex
        gr.hier_block2.__init__(
            self,
            "radio_receiver",
            signature(*[c64] * antennas),
            signature(gr.sizeof_float * len(net.classes), *[c64] * terminals),
        )
        plan = BurstFormat(sample_rate, **plan)
        self.sync = frame_sync_cc(
            antennas, plan.rows(terminals), sample_rate, plan.sps, plan.pilot_spacing, detector,
            0, system_number(system), [net.symbols] * terminals,
        )  # fmt: skip
        self.decoder = semantic_decoder(system, checkpoint, device)
        self.message_port_register_hier_out("bursts")
        self.msg_connect(self.sync, "bursts", self, "bursts")
        for m in range(antennas):
            self.connect((self, m), (self.sync, m))
            dump(self, self, m, dump_path, f"antenna_{m}")
        for k in range(terminals):
            self.connect((self.sync, k), (self.decoder, k))
            self.connect((self.sync, k), (self, 1 + k))
            dump(self, self.sync, k, dump_path, f"detected_{k}")
        self.connect(self.decoder, (self, 0))
        dump(self, self.decoder, 0, dump_path, "probabilities")

    def set_detector(self, detector):
        """zf or lmmse, from the next burst on."""
        self.sync.set_method(detector)
