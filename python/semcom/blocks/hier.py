# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The four pieces of the link, each a hier block whose constructor reads as its signal path."""

from gnuradio import gr

from .. import (
    ls_estimator_cc,
    mimo_channel_cc,
    mimo_detector_cc,
    pilot_inserter_cc,
)
from ..phy import pilots
from ..phy.channel import FEEDBACK, UPLINK
from ..systems.registry import DEFAULT_SYSTEM
from .dump import dump
from .semantic_decoder import semantic_decoder
from .semantic_encoders import audio_semantic_encoder, video_semantic_encoder
from .system_block import shared_system


def signature(*item_sizes):
    return gr.io_signature.makev(len(item_sizes), len(item_sizes), list(item_sizes))


def _rows(kind, terminals, length, boost_db):
    return [list(map(complex, row)) for row in pilots.make(kind, terminals, length, boost_db)]


def receive_methods(csi: str, detector: str) -> tuple:
    """Estimator and detector methods; without either there is nothing for the other to do."""
    return ("none", "none") if "none" in (csi, detector) else (csi, detector)


class HasModel:
    """Exchange of what runs in the one block with a network, ``encoder`` or ``decoder``."""

    def _model(self):
        return getattr(self, "encoder", None) or self.decoder

    def set_checkpoint(self, checkpoint):
        """See SystemBlock.set_checkpoint."""
        self._model().set_checkpoint(checkpoint)

    def set_device(self, device):
        """See SystemBlock.set_device."""
        self._model().set_device(device)


class _Receives:
    """Exchange of the methods of ``estimator`` and ``detector`` (None: nothing is received)."""

    def set_csi(self, csi):
        """Estimation method: ls, ls_min_residual, lmmse, perfect (simulation only) or none."""
        self._set_methods(csi, self._wanted[1])

    def set_detector(self, detector):
        """Detection method: zf, lmmse or none."""
        self._set_methods(self._wanted[0], detector)

    def _set_methods(self, *wanted):
        self._wanted = wanted
        csi, detector = receive_methods(*wanted)
        if self.estimator is not None:
            self.detector.set_method(detector)  # first: see its manual
            self.estimator.set_method(csi)


class audio_terminal(HasModel, gr.hier_block2):
    """Audio features to what the audio terminal sends: uplink, and feedback link if there is one.

    Input 0   float32 vectors of d_a, frames of T items
    Output 0  complex64, uplink frames: pilot row 0, then T*L symbols
    Output 1  complex64, feedback frames with pilots of their own (absent without a video terminal)
    Last      complex64, the symbols alone, for measurements
    """

    def __init__(self, system=DEFAULT_SYSTEM, checkpoint="", device="cpu", pilot_kind="hadamard",
                 pilot_length=32, pilot_boost_db=0.0, pilot_spacing=0, dump_path=""):  # fmt: skip
        net = shared_system(system, str(checkpoint), device)
        terminals, c64 = len(net.terminals), gr.sizeof_gr_complex
        gr.hier_block2.__init__(
            self,
            "audio_terminal",
            signature(gr.sizeof_float * net.config.audio_dim),
            signature(*[c64] * (terminals + 1)),
        )
        self.encoder = audio_semantic_encoder(system, checkpoint, device)
        row = _rows(pilot_kind, terminals, pilot_length, pilot_boost_db)[0]
        self.pilots = pilot_inserter_cc(row, pilot_spacing)
        self.connect(self, self.encoder, self.pilots, (self, 0))
        self.connect(self.encoder, (self, terminals))
        dump(self, self.encoder, 0, dump_path, "audio_symbols")
        dump(self, self.pilots, 0, dump_path, "uplink_audio")
        if terminals > 1:
            own = _rows(pilot_kind, 1, pilot_length, pilot_boost_db)[0]
            self.feedback_pilots = pilot_inserter_cc(own, pilot_spacing)
            self.connect(self.encoder, self.feedback_pilots, (self, 1))
            dump(self, self.feedback_pilots, 0, dump_path, "feedback")


class video_terminal(HasModel, _Receives, gr.hier_block2):
    """Visual features, and what the feedback link brings, to what the video terminal sends.

    Input 0   float32 vectors of h*w*d_v, frames of T items
    Input 1   complex64, received feedback frames with pilots (absent for a video-only system)
    Output 0  complex64, uplink frames: the last pilot row, then T*L symbols
    Output 1  complex64, the symbols alone, for measurements
    Message port ``attention``: where it looked, see video_semantic_encoder
    """

    def __init__(self, system=DEFAULT_SYSTEM, checkpoint="", device="cpu", pilot_kind="hadamard",
                 pilot_length=32, pilot_boost_db=0.0, pilot_spacing=0, csi="ls", detector="zf",
                 interpolation="nearest", feedback_timeout=0.0, dump_path=""):  # fmt: skip
        net = shared_system(system, str(checkpoint), device)
        terminals, c64 = len(net.terminals), gr.sizeof_gr_complex
        visual = gr.sizeof_float * net.config.height * net.config.width * net.config.visual_dim
        gr.hier_block2.__init__(
            self,
            "video_terminal",
            signature(visual, *[c64] * (terminals - 1)),
            signature(c64, c64),
        )
        self.encoder = video_semantic_encoder(system, checkpoint, device, feedback_timeout)
        self.message_port_register_hier_out("attention")
        self.msg_connect(self.encoder, "attention", self, "attention")
        row = _rows(pilot_kind, terminals, pilot_length, pilot_boost_db)[-1]
        self.pilots = pilot_inserter_cc(row, pilot_spacing)
        self.connect((self, 0), (self.encoder, 0))
        self.connect(self.encoder, self.pilots, (self, 0))
        self.connect(self.encoder, (self, 1))
        dump(self, self.encoder, 0, dump_path, "video_symbols")
        dump(self, self.pilots, 0, dump_path, "uplink_video")
        self._wanted, self.estimator, self.detector = (csi, detector), None, None
        if terminals > 1:
            csi, detector = receive_methods(*self._wanted)
            own = _rows(pilot_kind, 1, pilot_length, pilot_boost_db)
            self.estimator = ls_estimator_cc(1, own, csi, pilot_spacing, interpolation)
            self.detector = mimo_detector_cc(1, 1, detector)
            self.connect((self, 1), self.estimator, self.detector, (self.encoder, 1))
            dump(self, self.detector, 0, dump_path, "heard")


class simulated_channel(gr.hier_block2):
    """The uplink (K x M) and, for two terminals, the feedback link (1 x 1).

    Inputs 0..K-1   complex64, uplink frames of each terminal
    Input K         complex64, feedback frames (with K > 1)
    Outputs 0..M-1  complex64, what the receiver's antennas hear
    Output M        complex64, what the video terminal hears (with K > 1)
    Message port ``channel``: the uplink's true channel of each frame

    ``design``: Y = g exp(j theta) (H X + N), N0 = 10^(-SNR/10); see mimo_channel_cc.
    feedback_snr_db None: the uplink's SNR.
    """

    def __init__(self, terminals=2, antennas=2, model="rayleigh", snr_db=10.0, feedback_snr_db=None,
                 rician_k=4.0, doppler=0.0, gain_db=0.0, seed=0, dump_path=""):  # fmt: skip
        feedback, c64 = int(terminals > 1), gr.sizeof_gr_complex
        gr.hier_block2.__init__(
            self,
            "simulated_channel",
            signature(*[c64] * (terminals + feedback)),
            signature(*[c64] * (antennas + feedback)),
        )
        self.message_port_register_hier_out("channel")
        self.uplink = mimo_channel_cc(
            terminals, antennas, model, snr_db, rician_k, doppler, gain_db, seed, UPLINK
        )
        self.msg_connect(self.uplink, "channel", self, "channel")
        for k in range(terminals):
            self.connect((self, k), (self.uplink, k))
        for m in range(antennas):
            self.connect((self.uplink, m), (self, m))
            dump(self, self.uplink, m, dump_path, f"antenna_{m}")
        self._snr_db, self._feedback_snr_db = snr_db, feedback_snr_db
        self.links = [self.uplink]
        if feedback:
            snr = snr_db if feedback_snr_db is None else feedback_snr_db
            self.feedback = mimo_channel_cc(
                1, 1, model, snr, rician_k, doppler, gain_db, seed, FEEDBACK
            )
            self.links.append(self.feedback)
            self.connect((self, terminals), self.feedback, (self, antennas))
            dump(self, self.feedback, 0, dump_path, "feedback_received")

    def set_snr_db(self, snr_db):
        """Uplink SNR [dB], and the feedback link's where it has none of its own."""
        self._set_snrs(snr_db, self._feedback_snr_db)

    def set_feedback_snr_db(self, snr_db):
        """Feedback SNR [dB]; None: the uplink's."""
        self._set_snrs(self._snr_db, snr_db)

    def _set_snrs(self, uplink, feedback):
        self._snr_db, self._feedback_snr_db = uplink, feedback
        for link, snr in zip(
            self.links, (uplink, uplink if feedback is None else feedback), strict=False
        ):
            link.set_snr_db(snr)

    def set_model(self, model):
        """Fading model of both links, see mimo_channel_cc."""
        for link in self.links:
            link.set_model(model)

    def set_rician_k(self, rician_k):
        """Rician K factor (linear) of both links."""
        for link in self.links:
            link.set_rician_k(rician_k)

    def set_doppler(self, doppler):
        """Doppler [cycles per symbol] of both links; 0 is block fading."""
        for link in self.links:
            link.set_doppler(doppler)


class ave_receiver(HasModel, _Receives, gr.hier_block2):
    """Antennas to the probabilities of the events of each second.

    Inputs 0..M-1     complex64, received uplink frames with pilots
    Output 0          float32 vectors of C probabilities, frames of T items
    Outputs 1..K      complex64, the detected symbols of each terminal
    Message port ``csi``: the channel estimate of each frame
    """

    def __init__(self, system=DEFAULT_SYSTEM, checkpoint="", device="cpu", antennas=2,
                 pilot_kind="hadamard", pilot_length=32, pilot_boost_db=0.0, pilot_spacing=0,
                 csi="ls", detector="zf", interpolation="nearest", dump_path=""):  # fmt: skip
        net = shared_system(system, str(checkpoint), device)
        terminals, c64 = len(net.terminals), gr.sizeof_gr_complex
        gr.hier_block2.__init__(
            self,
            "ave_receiver",
            signature(*[c64] * antennas),
            signature(gr.sizeof_float * len(net.classes), *[c64] * terminals),
        )
        self.message_port_register_hier_out("csi")
        self._wanted = (csi, detector)
        csi, detector = receive_methods(csi, detector)
        rows = _rows(pilot_kind, terminals, pilot_length, pilot_boost_db)
        self.estimator = ls_estimator_cc(antennas, rows, csi, pilot_spacing, interpolation)
        self.detector = mimo_detector_cc(antennas, terminals, detector)
        self.decoder = semantic_decoder(system, checkpoint, device)
        self.msg_connect(self.estimator, "csi", self, "csi")
        for m in range(antennas):
            self.connect((self, m), (self.estimator, m), (self.detector, m))
        for k in range(terminals):
            self.connect((self.detector, k), (self.decoder, k))
            self.connect((self.detector, k), (self, 1 + k))
            dump(self, self.detector, k, dump_path, f"detected_{k}")
        self.connect(self.decoder, (self, 0))
        dump(self, self.decoder, 0, dump_path, "probabilities")
