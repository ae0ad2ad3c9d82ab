# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The options of a run: how much is sent, over which radios, with which draws."""

import argparse
from dataclasses import dataclass

from ..base.options import MOST_SEED, Rule, at_least, number, option
from ..protocol.options import ON_AIR

DEVICES = ("uhd", "soapy")  # radios that are devices
RADIOS = ("mock", "zmq", *DEVICES, "replay")
DEVICE = Rule(
    lambda point: point.radio.partition(":")[0] in DEVICES, "with --radio uhd:... or soapy:..."
)
CARRIER = Rule(
    lambda point: DEVICE.holds(point) or (point.radio and point.record),
    "with --radio uhd:... or soapy:..., or in what --record tells",
)


def radio(text: str) -> str:
    """Argparse's type of --radio: KIND:WHAT, or nothing."""
    kind, colon, _ = text.partition(":")
    if text and (not colon or kind not in RADIOS):
        known = ", ".join(f"{name}:..." for name in RADIOS)
        raise argparse.ArgumentTypeError(f"'{text}' is no radio; expected one of {known}")
    return text


def replayed(text: str) -> str:
    """The recording that a --radio names; '' of other radios."""
    kind, _, path = text.partition(":")
    return path if kind == "replay" else ""


@dataclass(frozen=True)
class RadioOptions:
    """Radios, in the place of the channel."""

    radio: str = option(
        "",
        "send bursts over radios: mock:PRESET, zmq:HOST, uhd:DEVICES, soapy:DEVICES or "
        "replay:FILE, in the place of the channel (see docs/over-the-air.md)",
        type=radio,
    )
    record: str = option(
        "", "SigMF recording of what the receiver's antennas hear", metavar="FILE", only=(ON_AIR,),
        place=True,
    )  # fmt: skip
    frequency: float = option(2.45e9, "carrier of devices", unit="Hz", only=(CARRIER,))
    return_frequency: float = option(
        2.4e9, "carrier of the return link of devices", unit="Hz",
        only=(DEVICE, Rule(lambda point: point.attempts > 1, "with --attempts above 1")),
    )  # fmt: skip
    tx_gain: float = option(10.0, "transmit gain of devices", unit="dB", only=(DEVICE,))
    rx_gain: float = option(20.0, "receive gain of devices", unit="dB", only=(DEVICE,))
    antenna: str = option(
        "", "port of devices, of those with two directions as SEND+RECEIVE, of two channels as "
        "RX2,RX2; one for all, or between semicolons as the devices are", only=(DEVICE,),
    )  # fmt: skip
    subdev: str = option(
        "", "UHD's subdevice specification of devices, as 'A:A A:B'; one for all, or between "
        "semicolons as the devices are", only=(DEVICE,),
    )  # fmt: skip


@dataclass(frozen=True)
class MockServerOptions:
    """Mock radio behind sockets."""

    preset: str = option("indoor", "name, or a JSON file")
    tx: tuple = option(
        ("tcp://127.0.0.1:5551",),
        "where the terminals' PUSH sockets are bound: audio, video; none: silent",
        metavar="ADDRESS",
    )
    rx: tuple = option(
        ("tcp://127.0.0.1:5561",),
        "where to bind PUB sockets: receiver, video terminal; none: nobody hears",
        metavar="ADDRESS",
    )
    return_link: tuple = option(
        (),
        "of a receiver that answers: where its PUSH socket is bound, and where to bind the first "
        "terminal's PUB socket",
        metavar="ADDRESS",
    )
    seconds: float = option(
        None, "of signal, then end (default: until Ctrl-C)", unit="s", type=number
    )


@dataclass(frozen=True)
class RunOptions:
    """Run."""

    frames: int = option(0, "clips to send at each point; 0: the split once", type=at_least(0))
    until_errors: int = option(
        0, "end a point once so many segments (words) were wrong; 0: never", type=at_least(0)
    )
    uses: int = option(
        0, "most channel uses of a clip, of every kind: systems that can do with fewer or more "
        "take as many, others are refused if they need more; 0: as the system likes",
        type=at_least(0), sweep=True,
    )  # fmt: skip
    seed: int = option(0, "seed of every random draw", type=at_least(0, MOST_SEED))
    dump_path: str = option(
        "", "folder for every internal signal, as raw samples", metavar="DIR", place=True
    )
