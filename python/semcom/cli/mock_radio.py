# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Simulated radios, with carrier and clock offsets, noise and fading, behind ZeroMQ sockets.

Each of two terminals binds a ZeroMQ PUSH socket for its samples, and the server connects to it.
The server binds two PUB sockets: one for the receiver's two antennas (their samples interleaved),
one for the video terminal's antenna.  All streams are complex64 at the sample rate, with tags
("pass tags": yes); a terminal's bursts have unit mean power.  The server runs in real time: a
terminal without samples is silent, and a client that reads too slowly loses samples.

Tags are UHD's.  Received streams carry rx_time; a transmitted burst may carry tx_sob, tx_time and
tx_eob.  Times are those of the simulated device: its sample i is at i / sample rate.

If one address that ends in a port number is given, the other streams take the ports after it; the
word none leaves a stream out.

presets: {presets}

examples:
  mock_radio.py --preset indoor --sample-rate 4e6 --snr 10 --seed 1
  mock_radio.py --tx tcp://audio:5551 tcp://video:5551 --rx 'tcp://*:5561'
  mock_radio.py --return-link tcp://127.0.0.1:5553 'tcp://*:5563'
  mock_radio.py --preset worst.json --seconds 10
"""

from types import SimpleNamespace

from ..base import options
from ..base.errors import SemcomError
from ..base.programs import exit_status, program
from ..protocol import mock_presets as presets
from ..run.options import MockServerOptions
from ..run.scenario import Scenario

SHARED = ("sample_rate", "snr", "sidelink_snr", "return_snr", "seed")  # options of a run, too


def make_parser() -> options.Parser:
    """The program's options."""
    parser = options.Parser(description=__doc__.format(presets=", ".join(presets.names())))
    options.add_options(parser, MockServerOptions, names=options.fields(MockServerOptions))
    options.add_options(parser, Scenario, names=SHARED)
    return parser


def parse(argv=None) -> SimpleNamespace:
    args = make_parser().parse_args(argv)
    if hasattr(args, "return_snr") and not hasattr(args, "return_link"):
        raise SemcomError("--return-snr: has an effect only with --return-link; leave it out")
    own, shared = options.values(args, MockServerOptions), options.values(args, Scenario, SHARED)
    return SimpleNamespace(**vars(own), **vars(shared))


def run(argv=None) -> None:
    args = parse(argv)
    from ..run import mock_server  # imported after parsing: it loads GNU Radio

    server = mock_server.MockServer(args)
    print(f"{args.preset}, {args.sample_rate:g} Hz, {args.snr:g} dB, seed {args.seed}")
    print(f"from {' '.join(server.tx)}\nto   {' '.join(server.rx)}", flush=True)
    try:
        server.serve()
    finally:
        print(report(server.radio.counts(), server.missed()), flush=True)


def report(counts: dict, missed: dict) -> str:
    """The counts of a run in three lines, and a line for each terminal whose samples are
    missing."""
    lines = (
        "sent      audio {} video {} samples, silent for lack of samples {} {}, late bursts {} {}\n"
        "received  uplink {} sidelink {} samples, lost to overflows {} {}\n"
        "the clock was stopped for {:.1f} s"
    ).format(
        *counts["sent"],
        *counts["silent"],
        *counts["late"],
        *counts["received"],
        *counts["dropped"],
        counts["paused_s"],
    )
    return "\n".join(
        [lines, *(f"{where}: {count} samples missed" for where, count in missed.items())]
    )


def main(argv=None) -> int:
    """Run the program; its exit status."""
    return exit_status(program(), lambda: run(argv))
