# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The mock radio behind ZeroMQ sockets, for terminals in other processes or on other hosts."""

import itertools
import re

from gnuradio import blocks, gr, zeromq

from ..base.errors import SemcomError
from ..blocks import guard
from ..blocks.burst_socket import burst_socket
from ..blocks.mock_radio import mock_radio
from ..protocol import mock_presets as presets

TRANSMITTERS = 2
ANTENNAS = (2, 1)  # of the receiver and of the video terminal
SOCKET_MS = 20  # [ms] wait of a socket's block between two checks whether to stop
TX_MESSAGES = 8  # most waiting messages of a terminal: more would add latency
RX_MESSAGES = 128  # most waiting messages for a slow client, 2 ms or more each; others are lost
NOBODY = "none"  # in place of an address
ITEM = gr.sizeof_gr_complex


def addresses(given, count: int) -> list[str]:
    """The ``count`` given addresses; of one address that ends in a port, those with the next
    ports."""
    if len(given) == count:
        return list(given)
    first = re.fullmatch(r"(.*:)(\d+)", given[0])
    if len(given) != 1 or not first or int(first[2]) + count > 65536:
        raise SemcomError(
            f"{' '.join(given)}: expected {count} addresses, or one that ends in a port number"
        )
    return [f"{first[1]}{int(first[2]) + i}" for i in range(count)]


class MockServer(gr.top_block):
    """Receives terminals' samples from PULL sockets and sends antennas' samples to PUB sockets, as
    complex64 with tags.

    Terminals and clients may start, end and fail at any time without stopping it.

    options  of run.options.MockServerOptions; sample_rate, snr, sidelink_snr, return_snr and
             seed of a Scenario
    """

    def __init__(self, options):
        gr.top_block.__init__(self, "mock_server")
        self.radio = mock_radio(
            options.preset,
            options.sample_rate,
            options.snr,
            options.sidelink_snr,
            options.seed,
            realtime=True,
        )
        self.tx = addresses(options.tx, TRANSMITTERS)
        self.rx = addresses(options.rx, len(ANTENNAS))
        self.limit = None if options.seconds is None else options.seconds * options.sample_rate
        self.sources = [_source(address) for address in self.tx]
        for port, source in enumerate(self.sources):
            self.connect(source, (self.radio, port))
        if options.return_link:
            self._connect_return(options)
        ports = itertools.count()
        for address, antennas in zip(self.rx, ANTENNAS, strict=True):
            # One socket for all antennas of a receiver, so that all lose the same samples.
            joined = blocks.streams_to_vector(ITEM, antennas)
            for antenna in range(antennas):
                self.connect((self.radio, next(ports)), (joined, antenna))
            self.connect(joined, _sink(address, antennas))

    def _connect_return(self, options) -> None:
        """Connect the return link: the receiver's device sends to the first terminal's over a mock
        radio of its own."""
        sent, heard = addresses(options.return_link, 2)
        snr = options.snr if options.return_snr is None else options.return_snr
        self.back = mock_radio(
            options.preset, options.sample_rate, snr, None, options.seed, realtime=True
        )
        self.back.settings = presets.return_settings(self.back.settings, options.seed)
        self.sources.append(_source(sent))
        self.connect(self.sources[-1], (self.back, 0))
        self.connect(blocks.vector_source_c([]), (self.back, 1))
        for port in range(ANTENNAS[0]):  # the receiver's antennas, which this link does not have
            self.connect((self.back, port), blocks.null_sink(ITEM))
        self.connect((self.back, ANTENNAS[0]), _sink(heard, 1))

    def stop(self) -> None:
        """Stops at once, without waiting for the sockets."""
        for source in self.sources:
            if isinstance(source, burst_socket):
                source.end()
        gr.top_block.stop(self)

    def missed(self) -> dict[str, int]:
        """{address: number of a terminal's samples that another program has got}."""
        sources = [source for source in self.sources if isinstance(source, burst_socket)]
        return {source.address: source.missed for source in sources if source.missed}

    def serve(self) -> None:
        """Run for the time in the options; BlockError if a block fails."""
        beats = itertools.count()  # also without samples: a slow computer is not a stall

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
