# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Hier blocks: a terminal, the simulated channel and the receiver."""

import numpy as np
from gnuradio import gr

from .. import mimo_channel_cc, mimo_receiver_cc, pilot_inserter_cc
from ..phy import pilots
from ..phy.channel import SIDELINK, UPLINK
from ..systems.loading import shared_system
from ..systems.registry import DEFAULT_SYSTEM
from .dump import dump
from .semantic_decoder import semantic_decoder
from .semantic_encoder import semantic_encoder


def signature(*item_sizes):
    """GNU Radio's signature of one port for each of ``item_sizes`` [bytes]."""
    return gr.io_signature.makev(len(item_sizes), len(item_sizes), list(item_sizes))


def item_size(item) -> int:
    """Size [bytes] of an item of a system, given as (dtype, length)."""
    dtype, length = item
    return np.dtype(dtype).itemsize * length


def pilot_rows(kind, terminals, length, boost_db):
    """The pilot rows of all terminals, a list of a list of complex for each: for the C++ blocks."""
    return [list(map(complex, row)) for row in pilots.make(kind, terminals, length, boost_db)]


def receive_methods(csi: str, detector: str) -> tuple:
    """Methods of estimator and detector; both are none if either is."""
    return ("none", "none") if "none" in (csi, detector) else (csi, detector)


class HasModel:
    """Setters of the block with a network, ``encoder`` or ``decoder``."""

    def _model(self):
        return getattr(self, "encoder", None) or self.decoder

    def set_checkpoint(self, checkpoint):
        """See SystemBlock.set_checkpoint."""
        self._model().set_checkpoint(checkpoint)

    def set_device(self, device):
        """See SystemBlock.set_device."""
        self._model().set_device(device)


class Receives:
    """Setters of the receivers in ``ears``, each a mimo_receiver_cc."""

    def set_csi(self, csi):
        """Estimation method: ls, ls_min_residual, lmmse, perfect (simulation only) or none."""
        self._set_methods(csi, self._wanted[1])

    def set_detector(self, detector):
        """Detection method: zf, lmmse or none."""
        self._set_methods(self._wanted[0], detector)

    def _set_methods(self, *wanted):
        for ear in self.ears:
            ear.set_methods(*receive_methods(*wanted))
        self._wanted = wanted


class terminal(HasModel, Receives, gr.hier_block2):
    """A terminal: encodes its items, and sidelink frames of other terminals, and adds pilots.

    Input 0         items of the terminal: float32 vectors of features, bytes of text, ...; a frame
                    per clip
    Inputs 1..      complex64, received sidelink frames with pilots, one input for each terminal to
                    which this one listens
    Output 0        complex64, uplink frames: this terminal's pilot row, then its symbols
    Output 1        complex64, the symbols without pilots, for measurements
    Output 2        complex64, sidelink frames with pilots of their own, if another terminal listens
                    to this one
    Message port ``attention``: attention of the encoder, see semantic_encoder

    system          name in the registry
    name            name of the terminal in the system's topology
    checkpoint      file of the weights; '' is the one shipped for the synthetic set
    device          Torch device: cpu, cuda, ...
    pilot_kind      pilot sequences: hadamard, zadoff_chu or encoded_sine
    pilot_length    [symbols] length of a pilot row
    pilot_boost_db  [dB] power of the pilots above that of the symbols
    pilot_spacing   [symbols] between pilot rows; 0: one row in front
    csi             channel estimator of the sidelink's receiver: perfect (simulation only), ls,
                    ls_min_residual, lmmse or none
    detector        detector of the sidelink's receiver: zf, lmmse or none
    interpolation   interpolation of the sidelink's channel between spaced pilots: nearest or linear
    sidelink_timeout  [s] time after which a clip is encoded without its sidelink frame; 0: never
    dump_path       folder for every internal signal; '': none
    """

    def __init__(self, system=DEFAULT_SYSTEM, name="audio", checkpoint="", device="cpu",
                 pilot_kind="hadamard", pilot_length=32, pilot_boost_db=0.0, pilot_spacing=0,
                 csi="ls", detector="zf", interpolation="nearest", sidelink_timeout=0.0,
                 dump_path=""):  # fmt: skip
        net = shared_system(system, str(checkpoint), device)
        place, topology = net.topology.terminal(name), net.topology
        c64, heard = gr.sizeof_gr_complex, topology.is_heard(name)
        gr.hier_block2.__init__(
            self,
            f"{name}_terminal",
            signature(item_size(net.item(name)), *[c64] * len(place.hears)),
            signature(*[c64] * (2 + heard)),
        )
        self.name = name
        self.encoder = semantic_encoder(system, name, checkpoint, device, sidelink_timeout)
        self.message_port_register_hier_out("attention")
        self.msg_connect(self.encoder, "attention", self, "attention")
        rows = pilot_rows(pilot_kind, len(topology), pilot_length, pilot_boost_db)
        self.pilots = pilot_inserter_cc(rows[topology.index(name)], pilot_spacing)
        own = pilot_rows(pilot_kind, 1, pilot_length, pilot_boost_db)
        self.connect((self, 0), (self.encoder, 0))
        self.connect(self.encoder, self.pilots, (self, 0))
        self.connect(self.encoder, (self, 1))
        dump(self, self.encoder, 0, dump_path, f"{name}_symbols")
        dump(self, self.pilots, 0, dump_path, f"uplink_{name}")
        self.sidelink_pilots = None
        if heard:
            self.sidelink_pilots = pilot_inserter_cc(own[0], pilot_spacing)
            self.connect(self.encoder, self.sidelink_pilots, (self, 2))
            dump(self, self.sidelink_pilots, 0, dump_path, f"sidelink_{name}")
        self._wanted, self.ears = (csi, detector), []
        for port, sender in enumerate(place.hears, 1):
            self._hear(port, sender, own, pilot_spacing, interpolation, dump_path)

    def _hear(self, port, sender, row, spacing, interpolation, dump_path):
        """Connect the receiver of one sidelink to the encoder's input ``port``."""
        ear = mimo_receiver_cc(1, row, *receive_methods(*self._wanted), spacing, interpolation)
        self.ears.append(ear)
        self.connect((self, port), ear, (self.encoder, port))
        dump(self, ear, 0, dump_path, f"heard_{sender}")


class simulated_channel(gr.hier_block2):
    """Simulates the uplink (K terminals, M antennas) and the sidelinks (1 x 1 each).

    Inputs 0..K-1   complex64, uplink frames of each terminal
    Inputs K..      complex64, sidelink frames, one input for each sidelink
    Outputs 0..M-1  complex64, received samples of the receiver's antennas
    Outputs M..     complex64, received samples of each sidelink
    Message port ``channel``: the uplink's true channel of each frame

    Y = g exp(j theta) (H X + N), N0 = 10^(-SNR/10); see mimo_channel_cc.

    terminals        number K of terminals
    antennas         number M of the receiver's antennas, at least K
    model            channel model of all links: none, awgn, rayleigh, rician or rician_rank1
    snr_db           [dB] SNR of the uplink, per stream at each antenna
    sidelink_snr_db  [dB] SNR of the sidelinks; None: the uplink's
    rician_k         Rician K factor, linear
    doppler          [cycles per symbol] Doppler frequency; 0: constant channel within a frame
    gain_db          [dB] gain g of the receiver's front end, which it does not know
    seed             seed of all random numbers
    sidelinks        number of sidelinks; None: one with two terminals, otherwise none
    dump_path        folder for every internal signal; '': none
    """

    def __init__(self, terminals=2, antennas=2, model="rayleigh", snr_db=10.0, sidelink_snr_db=None,
                 rician_k=4.0, doppler=0.0, gain_db=0.0, seed=0, sidelinks=None,
                 dump_path=""):  # fmt: skip
        sidelinks = int(terminals == 2) if sidelinks is None else sidelinks
        c64 = gr.sizeof_gr_complex
        gr.hier_block2.__init__(
            self,
            "simulated_channel",
            signature(*[c64] * (terminals + sidelinks)),
            signature(*[c64] * (antennas + sidelinks)),
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
        self._snr_db, self._sidelink_snr_db = snr_db, sidelink_snr_db
        self.links = [self.uplink]
        snr = snr_db if sidelink_snr_db is None else sidelink_snr_db
        for number in range(sidelinks):
            link = mimo_channel_cc(
                1, 1, model, snr, rician_k, doppler, gain_db, seed, SIDELINK + number
            )
            self.links.append(link)
            self.connect((self, terminals + number), link, (self, antennas + number))
            dump(self, link, 0, dump_path, f"sidelink_{number}_received")

    def set_snr_db(self, snr_db):
        """Sets the SNR [dB] of the uplink, and of the sidelinks if they have none of their own."""
        self._set_snrs(snr_db, self._sidelink_snr_db)

    def set_sidelink_snr_db(self, snr_db):
        """Sets the SNR [dB] of the sidelinks; None: the uplink's."""
        self._set_snrs(self._snr_db, snr_db)

    def _set_snrs(self, uplink, sidelink):
        self._snr_db, self._sidelink_snr_db = uplink, sidelink
        self.uplink.set_snr_db(uplink)
        for link in self.links[1:]:
            link.set_snr_db(uplink if sidelink is None else sidelink)

    def set_model(self, model):
        """Sets the channel model of all links, see mimo_channel_cc."""
        for link in self.links:
            link.set_model(model)

    def set_rician_k(self, rician_k):
        """Sets the Rician K factor (linear) of all links."""
        for link in self.links:
            link.set_rician_k(rician_k)

    def set_doppler(self, doppler):
        """Sets the Doppler frequency [cycles per symbol] of all links; 0 is block fading."""
        for link in self.links:
            link.set_doppler(doppler)


class receiver(HasModel, Receives, gr.hier_block2):
    """The receiver: estimates the channel, detects the symbols and decodes each frame's outcome.

    Inputs 0..M-1     complex64, received uplink frames with pilots
    Output 0          items of the system's outcome, see semantic_decoder
    Outputs 1..K      complex64, the detected symbols of each terminal
    Message port ``csi``: the channel estimate of each frame
    Message ports ``answers``, ``judgement``: see semantic_decoder

    system          name in the registry
    checkpoint      name or file of the weights; '' is those shipped for the synthetic set
    device          Torch device: cpu, cuda, ...
    antennas        number M of antennas, at least the number of terminals
    pilot_kind      pilot sequences: hadamard, zadoff_chu or encoded_sine
    pilot_length    [symbols] length of a pilot row
    pilot_boost_db  [dB] power of the pilots above that of the symbols
    pilot_spacing   [symbols] between pilot rows; 0: one row in front
    csi             channel estimator: perfect (simulation only), ls, ls_min_residual, lmmse or none
    detector        MIMO detector: zf, lmmse or none
    interpolation   interpolation of the channel between spaced pilots: nearest or linear
    dump_path       folder for every internal signal; '': none
    attempts        most transmissions of a frame, see semantic_decoder
    ask_below       expected share of correct items, 0 to 1, below which a repetition is requested
    """

    def __init__(self, system=DEFAULT_SYSTEM, checkpoint="", device="cpu", antennas=2,
                 pilot_kind="hadamard", pilot_length=32, pilot_boost_db=0.0, pilot_spacing=0,
                 csi="ls", detector="zf", interpolation="nearest", dump_path="", attempts=1,
                 ask_below=0.9):  # fmt: skip
        net = shared_system(system, str(checkpoint), device)
        terminals, c64 = len(net.topology), gr.sizeof_gr_complex
        gr.hier_block2.__init__(
            self,
            "receiver",
            signature(*[c64] * antennas),
            signature(item_size(net.outcome_item), *[c64] * terminals),
        )
        self.message_port_register_hier_out("csi")
        self._wanted = (csi, detector)
        rows = pilot_rows(pilot_kind, terminals, pilot_length, pilot_boost_db)
        methods = receive_methods(csi, detector)
        self.detector = mimo_receiver_cc(antennas, rows, *methods, pilot_spacing, interpolation)
        self.ears = [self.detector]
        self.decoder = semantic_decoder(system, checkpoint, device, attempts, ask_below)
        self.msg_connect(self.detector, "csi", self, "csi")
        self.message_port_register_hier_out("answers")
        self.msg_connect(self.decoder, "answers", self, "answers")
        self.message_port_register_hier_out("judgement")
        self.msg_connect(self.decoder, "judgement", self, "judgement")
        for m in range(antennas):
            self.connect((self, m), (self.detector, m))
        for k in range(terminals):
            self.connect((self.detector, k), (self.decoder, k))
            self.connect((self.detector, k), (self, 1 + k))
            dump(self, self.detector, k, dump_path, f"detected_{k}")
        self.connect(self.decoder, (self, 0))
        dump(self, self.decoder, 0, dump_path, "outcomes", net.outcome_item)
