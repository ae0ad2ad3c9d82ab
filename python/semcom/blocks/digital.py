# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Transmitter and receiver of a classical digital link: bits to frames of symbols, and back."""

from dataclasses import replace

import numpy as np
from gnuradio import gr

from .. import (
    bits_to_frames,
    ldpc_decoder,
    mimo_receiver_cc,
    pilot_inserter_cc,
    qam_demapper,
)
from ..base.errors import SemcomError
from ..phy.coding import BlockCode
from .dump import dump
from .hier import Receives, pilot_rows, signature


class _Coded:
    """Setters of the code, which hold from the next frame on; both ends have to change alike."""

    def set_modulation(self, modulation):
        """Sets the constellation: bpsk, qpsk, 16qam, 64qam or 256qam."""
        self._set_code(modulation=modulation)

    def set_rate(self, rate):
        """Sets the rate of the LDPC code: 1/2, 2/3, 3/4 or 5/6."""
        self._set_code(rate=rate)

    def set_length(self, length):
        """Sets the length [bits] of a coded block: 648, 1296 or 1944."""
        self._set_code(length=length)

    def set_crc(self, crc):
        """Sets the length [bits] of a block's CRC: 16, 24 or 32."""
        self._set_code(crc=crc)

    def set_repetition(self, repetition):
        """Sets how often each coded bit is sent: 1, 2, 4 or 8 times."""
        self._set_code(repetition=repetition)

    def _set_code(self, **change):
        self.code = replace(self.code, **change)
        self._use_code()


def _agreed(code: BlockCode) -> dict:
    """The parameters of a code that both ends have to know."""
    names = ("modulation", "rate", "length", "crc", "repetition")
    return {name: getattr(code, name) for name in names}


def check_methods(csi: str, detector: str) -> None:
    """SemcomError unless estimator and detector give the noise variance that the demapper needs."""
    for name, method in (("csi", csi), ("detector", detector)):
        if method == "none":
            raise SemcomError(
                f"{name} none: the demapper needs the noise variance of symbols; choose another"
            )


class digital_transmitter(_Coded, gr.hier_block2):
    """A terminal of a classical link: encodes bits as symbols and adds pilots.

    Input 0         bytes, each with one bit (the lowest)
    Output 0        complex64, frames: this terminal's pilot row, then coded symbols
    Output 1        complex64, the symbols without pilots, for measurements

    modulation      constellation: bpsk, qpsk, 16qam, 64qam or 256qam
    rate            rate of the LDPC code: 1/2, 2/3, 3/4 or 5/6
    length          [bits] length of a coded block: 648, 1296 or 1944
    crc             [bits] length of each block's CRC: 16, 24 or 32
    repetition      number of times that each coded bit is sent: 1, 2, 4 or 8
    frame_bits      [bits] payload of a frame; 0: the input's frames are tagged (semcom_frame)
    terminals       number K of terminals that send at once
    terminal        number of this terminal, from 0
    pilot_kind      pilot sequences: hadamard, zadoff_chu or encoded_sine
    pilot_length    [symbols] length of a pilot row
    pilot_boost_db  [dB] power of the pilots above that of the symbols
    pilot_spacing   [symbols] between pilot rows; 0: one row in front
    dump_path       folder for every internal signal; '': none
    """

    def __init__(self, modulation="qpsk", rate="3/4", length=648, crc=16, repetition=1,
                 frame_bits=0, terminals=1, terminal=0, pilot_kind="hadamard", pilot_length=32,
                 pilot_boost_db=0.0, pilot_spacing=0, dump_path=""):  # fmt: skip
        gr.hier_block2.__init__(
            self,
            "digital_transmitter",
            signature(gr.sizeof_char),
            signature(gr.sizeof_gr_complex, gr.sizeof_gr_complex),
        )
        if not 0 <= terminal < terminals:
            raise SemcomError(f"terminal {terminal}: expected 0 to {terminals - 1}")
        self.code = BlockCode(modulation, rate, length, crc, repetition)
        self.encoder = bits_to_frames(**_agreed(self.code), frame_bits=frame_bits)
        row = pilot_rows(pilot_kind, terminals, pilot_length, pilot_boost_db)[terminal]
        self.pilots = pilot_inserter_cc(row, pilot_spacing)
        self.connect((self, 0), self.encoder, self.pilots, (self, 0))
        self.connect(self.encoder, (self, 1))
        dump(self, self.encoder, 0, dump_path, f"symbols_{terminal}")
        dump(self, self.pilots, 0, dump_path, f"uplink_{terminal}")

    def _use_code(self):
        self.encoder.set_code(**_agreed(self.code))


class digital_receiver(_Coded, Receives, gr.hier_block2):
    """The receiver of a classical link: decodes the antennas' samples to each terminal's bits.

    Inputs 0..M-1     complex64, received frames with pilots
    Outputs 0..K-1    bytes, the bits of each terminal's frames, with the tags semcom_frame and
                      semcom_blocks (blocks whose CRC holds, see ldpc_decoder)
    Outputs K..2K-1   complex64, the detected symbols of each terminal
    Message port ``csi``: the channel estimate of each frame
    Message port ``blocks`` (``blocks0``, ``blocks1``, ... with more than one terminal): the blocks
    of a terminal's frames whose CRC holds

    modulation      constellation: bpsk, qpsk, 16qam, 64qam or 256qam
    rate            rate of the LDPC code: 1/2, 2/3, 3/4 or 5/6
    length          [bits] length of a coded block: 648, 1296 or 1944
    crc             [bits] length of each block's CRC: 16, 24 or 32
    repetition      number of times that each coded bit is sent: 1, 2, 4 or 8
    method          method of the demapper: max_log or exact
    iterations      most iterations of the LDPC decoder
    terminals       number K of terminals that send at once
    antennas        number M of antennas, at least the number of terminals
    pilot_kind      pilot sequences: hadamard, zadoff_chu or encoded_sine
    pilot_length    [symbols] length of a pilot row
    pilot_boost_db  [dB] power of the pilots above that of the symbols
    pilot_spacing   [symbols] between pilot rows; 0: one row in front
    csi             channel estimator: perfect (simulation only), ls, ls_min_residual or lmmse
    detector        MIMO detector: zf or lmmse
    interpolation   interpolation of the channel between spaced pilots: nearest or linear
    dump_path       folder for every internal signal; '': none
    """

    def __init__(self, modulation="qpsk", rate="3/4", length=648, crc=16, repetition=1,
                 method="max_log", iterations=20, terminals=1, antennas=2, pilot_kind="hadamard",
                 pilot_length=32, pilot_boost_db=0.0, pilot_spacing=0, csi="ls", detector="zf",
                 interpolation="nearest", dump_path=""):  # fmt: skip
        c64 = gr.sizeof_gr_complex
        gr.hier_block2.__init__(
            self,
            "digital_receiver",
            signature(*[c64] * antennas),
            signature(*[gr.sizeof_char] * terminals, *[c64] * terminals),
        )
        self.code = BlockCode(modulation, rate, length, crc, repetition, method, iterations)
        self.message_port_register_hier_out("csi")
        check_methods(csi, detector)
        self._wanted = (csi, detector)
        rows = pilot_rows(pilot_kind, terminals, pilot_length, pilot_boost_db)
        self.detector = mimo_receiver_cc(
            antennas, rows, csi, detector, pilot_spacing, interpolation
        )
        self.ears = [self.detector]
        self.demapper = qam_demapper(terminals, modulation, method)
        self.msg_connect(self.detector, "csi", self, "csi")
        for m in range(antennas):
            self.connect((self, m), (self.detector, m))
        self.decoders = [self._decode(k, terminals, dump_path) for k in range(terminals)]

    def _decode(self, k, terminals, dump_path):
        """Connect demapper and decoder of terminal ``k`` behind the detector; returns the
        decoder."""
        decoder = ldpc_decoder(**_agreed(self.code), iterations=self.code.iterations)
        self.connect((self.detector, k), (self.demapper, k), decoder, (self, k))
        self.connect((self.detector, k), (self, terminals + k))
        port = "blocks" if terminals == 1 else f"blocks{k}"  # as GRC names them
        self.message_port_register_hier_out(port)
        self.msg_connect(decoder, "blocks", self, port)
        dump(self, self.detector, k, dump_path, f"detected_{k}")
        dump(self, self.demapper, k, dump_path, f"ratios_{k}", (np.float32, 1))
        dump(self, decoder, 0, dump_path, f"bits_{k}", (np.uint8, 1))
        return decoder

    def _set_methods(self, *wanted):
        check_methods(*wanted)
        Receives._set_methods(self, *wanted)

    def set_method(self, method):
        """Sets the method of the demapper: max_log or exact."""
        self._set_code(method=method)

    def _use_code(self):
        self.demapper.set_modulation(self.code.modulation)
        self.demapper.set_method(self.code.method)
        for decoder in self.decoders:
            decoder.set_code(**_agreed(self.code))

    def counts(self) -> list:
        """The counts of each terminal's decoder since the start, [K] of decoder_counts."""
        return [decoder.counts() for decoder in self.decoders]
