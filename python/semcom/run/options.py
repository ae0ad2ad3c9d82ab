# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The options of a run: its length, its radios, its random seed."""

import argparse
from dataclasses import dataclass

from ..base.options import MOST_SEED, Rule, at_least, number, option, utf8
from ..protocol.options import ON_AIR

DEVICES = ("uhd", "soapy")  # radios that are devices
FILES = ("mock", "replay")  # radios that a file names
RADIOS = ("mock", "zmq", *DEVICES, "replay")
DEVICE = Rule(
    lambda point: point.radio.partition(":")[0] in DEVICES, "with --radio uhd:... or soapy:..."
)
CARRIER = Rule(
    lambda point: DEVICE.holds(point) or (point.radio and point.record),
    "with --radio uhd:... or soapy:..., or with --record",
)


def radio(text: str) -> str:
    """Argparse's type of --radio: KIND:NAME, or ''."""
    kind, colon, _ = text.partition(":")
    if text and (not colon or kind not in RADIOS):
        known = ", ".join(f"{name}:..." for name in RADIOS)
        raise argparse.ArgumentTypeError(f"'{text}' is not a radio; expected one of {known}")
    return text if kind in FILES else utf8(text)


def replayed(text: str) -> str:
    """The recording in --radio replay:FILE; '' for other radios."""
    kind, _, path = text.partition(":")
    return path if kind == "replay" else ""


@dataclass(frozen=True)
class RadioOptions:
    """Radios, instead of the simulated channel."""

    radio: str = option(
        "",
        "send bursts over radios: mock:PRESET, zmq:HOST, uhd:DEVICES, soapy:DEVICES or "
        "replay:FILE, instead of the simulated channel (see docs/over-the-air.md)",
        type=radio,
    )
    record: str = option(
        "", "write a SigMF recording of the receiver's antennas", metavar="FILE", only=(ON_AIR,),
        place=True,
    )  # fmt: skip
    frequency: float = option(
        2.45e9, "carrier frequency of the devices", unit="Hz", only=(CARRIER,)
    )
    return_frequency: float = option(
        2.4e9, "carrier frequency of the devices' return link", unit="Hz",
        only=(DEVICE, Rule(lambda point: point.attempts > 1, "with --attempts above 1")),
    )  # fmt: skip
    tx_gain: float = option(10.0, "transmit gain of the devices", unit="dB", only=(DEVICE,))
    rx_gain: float = option(20.0, "receive gain of the devices", unit="dB", only=(DEVICE,))
    antenna: str = option(
        "", "antenna port of the devices; TRANSMIT+RECEIVE for a device with both directions, "
        "RX2,RX2 for two channels; one for all, or one for each device, by semicolons",
        type=utf8, only=(DEVICE,),
    )  # fmt: skip
    subdev: str = option(
        "", "UHD's subdevice specification of the devices, such as 'A:A A:B'; one for all, or one "
        "for each device, separated by semicolons", type=utf8, only=(DEVICE,),
    )  # fmt: skip


@dataclass(frozen=True)
class MockServerOptions:
    """Mock radio with sockets."""

    preset: str = option("indoor", "impairments: name of a preset, or a JSON file")
    tx: tuple = option(
        ("tcp://127.0.0.1:5551",),
        "addresses of the terminals' PUSH sockets: audio, video; none: silent",
        type=utf8,
        metavar="ADDRESS",
    )
    rx: tuple = option(
        ("tcp://127.0.0.1:5561",),
        "addresses to bind PUB sockets: receiver, video terminal; none: no socket",
        type=utf8,
        metavar="ADDRESS",
    )
    return_link: tuple = option(
        (),
        "for a receiver that answers: address of its PUSH socket, and address to bind the first "
        "terminal's PUB socket",
        type=utf8,
        metavar="ADDRESS",
    )
    seconds: float = option(
        None, "time after which the program ends (default: until Ctrl-C)", unit="s", type=number
    )


@dataclass(frozen=True)
class RunOptions:
    """Run."""

    frames: int = option(
        0, "number of clips to send at each point; 0: the split once", type=at_least(0)
    )
    until_errors: int = option(
        0, "end a point after this number of wrong segments (words); 0: never", type=at_least(0)
    )
    uses: int = option(
        0, "budget of channel uses of a clip, of all kinds: adaptable systems use as many, others "
        "are refused if they need more; 0: the system's default",
        type=at_least(0), sweep=True,
    )  # fmt: skip
    seed: int = option(0, "seed of all random numbers", type=at_least(0, MOST_SEED))
    dump_path: str = option(
        "", "folder for every internal signal, as raw samples", metavar="DIR", place=True
    )
