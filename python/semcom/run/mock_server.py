# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The mock radio behind ZeroMQ sockets, for terminals in other processes or on other hosts."""

import argparse
import itertools
import re

from gnuradio import blocks, gr, zeromq

from ..base.errors import SemcomError
from ..base.options import at_least, number
from ..blocks import guard
from ..blocks.burst_socket import burst_socket
from ..blocks.mock_radio import mock_radio

TRANSMITTERS = 2
ANTENNAS = (2, 1)  # of the receiver and of the video terminal
SOCKET_MS = 20  # [ms] how long a socket's block waits before it looks whether it is to stop
TX_MESSAGES = 8  # of a terminal that wait: more would be latency
RX_MESSAGES = 128  # for a listener that is slow, 2 ms or more each; what exceeds them it loses
NOBODY = "none"  # in place of an address
ITEM = gr.sizeof_gr_complex


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command line of the server."""
    add = parser.add_argument
    add("--preset", default="indoor", help="name, or a JSON file (default: %(default)s)")
    add("--sample-rate", type=number, default=4e6, metavar="HZ",
        help="of every stream (default: %(default)g)")  # fmt: skip
    add("--snr", type=number, default=10.0, metavar="DB",
        help="of each stream at each antenna of the receiver (default: %(default)g)")  # fmt: skip
    add("--feedback-snr", type=number, metavar="DB", help="default: the uplink's")
    add("--seed", type=at_least(0), default=0, help="default: %(default)s")
    add("--tx", nargs="+", metavar="ADDRESS", default=["tcp://127.0.0.1:5551"],
        help="where the terminals' PUSH sockets are bound: audio, video; none: silent "
        "(default: tcp://127.0.0.1:5551)")  # fmt: skip
    add("--rx", nargs="+", metavar="ADDRESS", default=["tcp://127.0.0.1:5561"],
        help="where to bind PUB sockets: receiver, video terminal; none: nobody hears "
        "(default: tcp://127.0.0.1:5561)")  # fmt: skip
    add("--seconds", type=number, metavar="S", help="of signal, then end (default: until Ctrl-C)")


def addresses(given: list[str], count: int) -> list[str]:
    """So many addresses; of one that ends in a port, the ports that follow it."""
    if len(given) == count:
        return given
    first = re.fullmatch(r"(.*:)(\d+)", given[0])
    if len(given) != 1 or not first or int(first[2]) + count > 65536:
        raise SemcomError(
            f"{' '.join(given)}: {count} addresses expected, or one that ends in a port number"
        )
    return [f"{first[1]}{int(first[2]) + i}" for i in range(count)]


class MockServer(gr.top_block):
    """Terminals' samples from PULL sockets, antennas' samples to PUB sockets; complex64, tags.

    Nobody holds it up: terminals and listeners come, go and fail as they like.
    """

    def __init__(self, options: argparse.Namespace):
        gr.top_block.__init__(self, "mock_server")
        self.radio = mock_radio(
            options.preset,
            options.sample_rate,
            options.snr,
            options.feedback_snr,
            options.seed,
            realtime=True,
        )
        self.tx = addresses(options.tx, TRANSMITTERS)
        self.rx = addresses(options.rx, len(ANTENNAS))
        self.limit = None if options.seconds is None else options.seconds * options.sample_rate
        self.sources = [_source(address) for address in self.tx]
        for port, source in enumerate(self.sources):
            self.connect(source, (self.radio, port))
        ports = itertools.count()
        for address, antennas in zip(self.rx, ANTENNAS, strict=True):
            # One socket for all antennas of a receiver: what is lost is lost on all of them.
            joined = blocks.streams_to_vector(ITEM, antennas)
            for antenna in range(antennas):
                self.connect((self.radio, next(ports)), (joined, antenna))
            self.connect(joined, _sink(address, antennas))

    def stop(self) -> None:
        """Ends at once: the sockets wait no longer."""
        for source in self.sources:
            if isinstance(source, burst_socket):
                source.end()
        gr.top_block.stop(self)

    def serve(self) -> None:
        """Run for as long as the options say; BlockError if a block fails."""
        beats = itertools.count()  # without samples too: a slow machine is no reason to end

        def progress():
            done = self.limit is not None and min(self.radio.counts()["received"]) >= self.limit
            return None if done else next(beats)

        guard.run(self, progress=progress)


def _source(address: str):
    if address == NOBODY:
        return blocks.null_source(ITEM)
    return burst_socket(address, TX_MESSAGES)


def _sink(address: str, antennas: int):
    if address == NOBODY:
        return blocks.null_sink(ITEM * antennas)
    try:
        return zeromq.pub_sink(ITEM * antennas, 1, address, SOCKET_MS, True, RX_MESSAGES)
    except RuntimeError as cause:
        raise SemcomError(f"{address}: cannot be used as a ZeroMQ address ({cause})") from cause
