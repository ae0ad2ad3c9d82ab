# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Blocks with ZeroMQ sockets to and from a mock radio, and ``or_exit`` for flowgraphs of GRC."""

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
        raise SemcomError(f"{address}: cannot be used as a ZeroMQ address ({cause})") from cause


class zmq_transmitter(gr.hier_block2):
    """Sends samples and their tags through a ZeroMQ PUSH socket, which it binds, to mock_radio.py.

    Input 0  complex64 samples

    address  address to bind, such as tcp://*:5551; the mock radio connects to it
    """

    def __init__(self, address="tcp://*:5551"):
        gr.hier_block2.__init__(self, "zmq_transmitter", *_signatures(1, 0))
        self.connect(self, _socket(zeromq.push_sink, ITEM, address))


class zmq_antennas(gr.hier_block2):
    """Receives the samples and tags of a receiver's antennas from a mock radio's ZeroMQ PUB socket.

    Outputs 0..M-1  complex64 samples

    address   address of the socket, such as tcp://127.0.0.1:5561
    antennas  number M of antennas; the messages have their samples interleaved, so that all lose
              the same samples
    """

    def __init__(self, address="tcp://127.0.0.1:5561", antennas=2):
        gr.hier_block2.__init__(self, "zmq_antennas", *_signatures(0, antennas))
        source = _socket(zeromq.sub_source, ITEM * antennas, address)
        split = blocks.vector_to_streams(ITEM, antennas)
        self.connect(source, split)
        for m in range(antennas):
            self.connect((split, m), (self, m))


def or_exit(block, *arguments, **options):
    """``block(*arguments, **options)``; a SemcomError ends the program with its one line.

    For flowgraphs that GRC generated, whose main program would print a traceback.
    """
    try:
        return block(*arguments, **options)
    except SemcomError as cause:
        raise SystemExit(f"error: {cause}") from None
