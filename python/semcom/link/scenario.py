# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What one run of the link is: the one definition of every option, for argparse and for GRC."""

import argparse
import dataclasses
import itertools
from dataclasses import dataclass

import numpy as np

from ..data import SPLITS
from ..errors import SemcomError
from ..nets.decoders import DECODERS
from ..nets.registry import DEFAULT_SYSTEM, TERMINALS
from ..options import option
from ..phy import detection, pilots
from ..phy.channel import MODELS
from ..phy.estimation import INTERPOLATIONS
from .torch_link import CSI_KINDS

CHANNELS = MODELS
CSI = CSI_KINDS
DETECTORS = tuple(detection.METHODS)
PILOTS = tuple(pilots.KINDS)
VARIANTS = tuple(variant for variant in TERMINALS if variant != "error_free")
# its receiver has learnt to do without either
NO_ESTIMATION = {"variant": "no_estimation", "csi": "none", "detector": "none"}
# fields that say where things lie: a checkpoint's and a set's content is known by other means
PLACES = ("checkpoint", "symbols", "decoder", "data", "dump_path", "device")


class Parser(argparse.ArgumentParser):
    """argparse whose complaint is one line."""

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message} (see --help)\n")


def number(text: str) -> float:
    """A finite number, or argparse's error that says so."""
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number")
    return value


def numbers(text: str) -> list:
    """'start:stop:step' (stop included) or 'a,b,c' to a list of numbers."""
    if ":" not in text:
        return [number(part) for part in text.split(",")]
    parts = [number(part) for part in text.split(":")]
    if len(parts) != 3 or parts[2] == 0 or (parts[1] - parts[0]) / parts[2] < 0:
        raise argparse.ArgumentTypeError(f"'{text}' is not start:stop:step with start before stop")
    start, stop, step = parts
    return [start + i * step for i in range(int(np.floor((stop - start) / step + 1e-9)) + 1)]


def at_least(low: int):
    """Argparse's type of whole numbers from ``low`` on."""

    def count(text: str) -> int:
        if not text.isdigit() or int(text) < low:
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least {low}")
        return int(text)

    return count


@dataclass(frozen=True)
class Scenario:
    """One point of a sweep.  An option marked ``sweep`` takes several values on a command line."""

    system: str = option(DEFAULT_SYSTEM, "semantic system, by its name in the registry", sweep=True)
    variant: str = option(
        "full",
        "full, one terminal alone, or a receiver that learned to do without channel estimation",
        choices=VARIANTS,
        sweep=True,
    )
    decoder: str = option(
        "",
        "semantic decoder of pilot_ave; picks a shipped checkpoint (default: the system's own)",
        choices=("", *DECODERS),
        sweep=True,
    )
    channel: str = option("rayleigh", "channel model", choices=CHANNELS, sweep=True)
    snr: float = option(
        10.0,
        "SNR per stream at each antenna [dB]: start:stop:step or a,b,c (--snr=-10,-5 if negative)",
        type=numbers,
        sweep=True,
    )
    csi: str = option(
        "ls", "channel state information: how it is estimated", choices=CSI, sweep=True
    )
    detector: str = option("zf", "MIMO detector", choices=DETECTORS, sweep=True)
    checkpoint: str = option("", "checkpoint (.safetensors); default: the one shipped for the set")
    symbols: int = option(
        0, "symbols per segment and terminal; picks a shipped checkpoint", type=at_least(0)
    )
    data: str = option("", "folder in the AVE layout; default: the synthetic set")
    split: str = option("test", "which clips to send", choices=SPLITS)
    frames: int = option(0, "clips to send at each point; 0: the split once", type=at_least(0))
    until_errors: int = option(
        0, "end a point once so many segments were wrong; 0: never", type=at_least(0)
    )
    feedback_snr: float = option(
        None, "SNR of the feedback link [dB]; default: the uplink's", type=number
    )
    antennas: int = option(2, "receive antennas M (at least the terminals)", type=at_least(1))
    rician_k: float = option(4.0, "Rician K factor (linear)", type=number)
    doppler: float = option(
        0.0, "Doppler (Jakes) [cycles per symbol]; 0: one fade per frame", type=number
    )
    gain: float = option(0.0, "gain of the receiver, unknown to it [dB]", type=number)
    pilots: str = option("hadamard", "pilot rows", choices=PILOTS)
    pilot_length: int = option(32, "symbols of a pilot row", type=at_least(1))
    pilot_boost: float = option(0.0, "pilot power above the payload's [dB]", type=number)
    pilot_spacing: int = option(
        0, "payload symbols between pilot rows; 0: one row in front", type=at_least(0)
    )
    interpolation: str = option("nearest", "channel between spaced pilots", choices=INTERPOLATIONS)
    seed: int = option(0, "seed of every random draw", type=at_least(0))
    device: str = option("cpu", "Torch device")
    dump_path: str = option("", "folder for every internal signal, as raw samples")

    def terminals(self) -> tuple:
        """The terminals that send in this variant."""
        return TERMINALS[self.variant]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give ``parser`` every option of a Scenario; those of a sweep take several values."""
    for item in dataclasses.fields(Scenario):
        meta = item.metadata
        many = {"nargs": "+"} if meta.get("sweep") and item.name != "snr" else {}
        default = [item.default] if meta.get("sweep") else item.default
        shown = "" if item.default in (None, "", 0) else f" (default: {item.default})"
        parser.add_argument(
            "--" + item.name.replace("_", "-"),
            type=meta.get("type", str),
            choices=meta.get("choices"),
            default=default,
            help=meta["help"] + shown,
            metavar=None if meta.get("choices") else item.name.split("_")[-1].upper(),
            **many,
        )


def sweep(args: argparse.Namespace) -> list:
    """The points named by parsed options, SNR running fastest; checked before anything runs.

    Combinations that come to the same point are run once.
    """
    values = {item.name: getattr(args, item.name) for item in dataclasses.fields(Scenario)}
    swept = ["system", "variant", "decoder", "channel", "csi", "detector", "snr"]
    points = []
    for choice in itertools.product(*(values[name] for name in swept)):
        point = {**values, **dict(zip(swept, choice, strict=True))}
        if point["variant"] == "no_estimation":
            point |= NO_ESTIMATION
        points.append(Scenario(**point))
    for point in points:
        check(point)
    points = list(dict.fromkeys(points))
    if args.dump_path and len(points) > 1:
        raise SemcomError(
            f"--dump-path: would hold the signals of the last of {len(points)} points alone; "
            "give one value of each option"
        )
    return points


def settings(point: Scenario) -> dict:
    """The options that the figures of a point depend on, besides its checkpoint and its set."""
    out = {name: value for name, value in vars(point).items() if name not in PLACES}
    if point.feedback_snr is None:
        out["feedback_snr"] = point.snr
    return out


def check(point: Scenario) -> None:
    """Refuse combinations that mean nothing, naming the option and the remedy."""
    streams = len(point.terminals())
    if point.antennas < streams:
        raise SemcomError(
            f"--antennas {point.antennas}: {streams} streams cannot be separated with fewer "
            f"antennas than streams; give at least {streams}"
        )
    if point.channel == "none" and point.antennas != streams:
        raise SemcomError(
            f"--channel none: joins {streams} streams to as many antennas; "
            f"give --antennas {streams}"
        )
    try:
        pilots.make(point.pilots, streams, point.pilot_length)
    except SemcomError as cause:
        raise SemcomError(f"--pilot-length {point.pilot_length}: {cause}") from cause
