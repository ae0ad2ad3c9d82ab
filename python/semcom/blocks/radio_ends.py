# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""ZeroMQ sockets that carry samples to and from a mock radio; errors of flowgraphs made in GRC."""

from gnuradio import blocks, gr, zeromq

from ..base.errors import SemcomError

ITEM = gr.sizeof_gr_complex
SOCKET_MS, MESSAGES = 20, 64


def _signatures(inputs: int, outputs: int) -> list:
    return [gr.io_signature(n, n, ITEM) for n in (inputs, outputs)]


def _socket(kind, size, address):
    try:
        return kind(size, 1, address, SOCKET_MS, True, MESSAGES)
    except RuntimeError as cause:
        raise SemcomError(f"{address}: cannot be used by ZeroMQ ({cause})") from cause


class zmq_transmitter(gr.hier_block2):
    """Samples and their tags to a ZeroMQ PUSH socket that is bound here, as apps/mock_radio.py
    takes them.

    Input 0  complex64 samples

    address  of the socket, as tcp://*:5551; the mock radio connects to it
    """

    def __init__(self, address="tcp://*:5551"):
        gr.hier_block2.__init__(self, "zmq_transmitter", *_signatures(1, 0))
        self.connect(self, _socket(zeromq.push_sink, ITEM, address))


class zmq_antennas(gr.hier_block2):
    """Receives the samples and tags of a receiver's antennas from a mock radio's ZeroMQ PUB socket.

    Outputs 0..M-1  complex64 samples

    address   of the socket, as tcp://127.0.0.1:5561
    antennas  M, interleaved in the socket's messages, so that they lose alike
    """

    def __init__(self, address="tcp://127.0.0.1:5561", antennas=2):
        gr.hier_block2.__init__(self, "zmq_antennas", *_signatures(0, antennas))
        source = _socket(zeromq.sub_source, ITEM * antennas, address)
        split = blocks.vector_to_streams(ITEM, antennas)
        self.connect(source, split)
        for m in range(antennas):
            self.connect((split, m), (self, m))


def or_exit(block, *arguments, **options):
    """``block(*arguments)``; a SemcomError ends the program with its one line.

    For flowgraphs that GRC generated: their main program shows the traceback of everything.
    """
    try:
        return block(*arguments, **options)
    except SemcomError as cause:
        raise SystemExit(f"error: {cause}") from None
