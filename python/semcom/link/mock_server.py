# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The mock radio behind ZeroMQ sockets, for terminals in other processes or on other hosts."""

import argparse
import re

from gnuradio import blocks, gr, zeromq

from ..blocks import guard
from ..blocks.mock_radio import mock_radio
from ..errors import SemcomError
from .scenario import at_least, number

TRANSMITTERS, ANTENNAS = 2, 3  # streams
SOCKET_MS = 20  # [ms] how long a socket's block waits before it looks whether it is to stop
MESSAGES = 8  # waiting at a socket: more would be latency
POLL_S = 0.05  # [s] between looks at the radio
STILL_S = 5.0  # [s] without a sample after which somebody is told
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
        help="where to bind PUSH sockets: antenna 0, antenna 1, feedback; none: nobody hears "
        "(default: tcp://127.0.0.1:5561)")  # fmt: skip
    add("--lockstep", action="store_true",
        help="time goes on with the samples of both terminals, not by the clock")  # fmt: skip
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
    """Terminals' samples from PULL sockets, antennas' samples to PUSH sockets; complex64."""

    def __init__(self, options: argparse.Namespace):
        gr.top_block.__init__(self, "mock_server")
        self.radio = mock_radio(
            options.preset,
            options.sample_rate,
            options.snr,
            options.feedback_snr,
            options.seed,
            realtime=not options.lockstep,
        )
        self.tx = addresses(options.tx, TRANSMITTERS)
        self.rx = addresses(options.rx, ANTENNAS)
        self.limit = None if options.seconds is None else options.seconds * options.sample_rate
        self.ends = [_source(address) for address in self.tx]
        self.ends += [_sink(address) for address in self.rx]
        for port in range(TRANSMITTERS):
            self.connect(self.ends[port], (self.radio, port))
        for port in range(ANTENNAS):
            self.connect((self.radio, port), self.ends[TRANSMITTERS + port])

    def serve(self, tell) -> None:
        """Run for as long as the options say; BlockError if a block fails.

        tell  called with a line of text when time stands still
        """
        beats, heard, still = 0, 0, 0.0

        def progress():
            nonlocal beats, heard, still
            beats += 1  # a radio may wait for its terminals for ever
            before, heard = heard, min(self.radio.counts()["received"])
            still = 0.0 if heard != before else still + POLL_S
            if still >= STILL_S > still - POLL_S:
                tell(self.why_still())
            return None if self.limit is not None and heard >= self.limit else beats

        guard.run(self, progress=progress, poll_s=POLL_S)

    def why_still(self) -> str:
        """What the radio seems to wait for."""
        if not self.radio.waits_for_input():
            return f"waiting: somebody has to listen at each of {' '.join(self.rx)} (or none)"
        return f"waiting: somebody has to send at each of {' '.join(self.tx)} (or none)"


def _source(address: str):
    if address == NOBODY:
        return blocks.null_source(ITEM)
    return _socket(zeromq.pull_source, address)


def _sink(address: str):
    if address == NOBODY:
        return blocks.null_sink(ITEM)
    return _socket(zeromq.push_sink, address)


def _socket(kind, address: str):
    try:
        return kind(ITEM, 1, address, SOCKET_MS, False, MESSAGES)
    except RuntimeError as cause:
        raise SemcomError(f"{address}: cannot be used as a ZeroMQ address ({cause})") from cause
