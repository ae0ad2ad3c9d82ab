# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What one run of the link is: the one definition of every option, for argparse and for GRC."""

import argparse
import dataclasses
import itertools
from dataclasses import dataclass

from ..base.errors import SemcomError
from ..base.options import at_least, number, numbers, option
from ..chain.link import CSI_KINDS
from ..data import SPLITS
from ..nets.decoders import DECODERS
from ..phy import detection, pilots
from ..phy.channel import MODELS
from ..phy.estimation import INTERPOLATIONS
from ..protocol.burst import BurstFormat
from ..systems.registry import AUDIO_VISUAL, DEFAULT_SYSTEM, system, topology_of

CHANNELS = MODELS
CSI = CSI_KINDS
DETECTORS = tuple(detection.METHODS)
BURST_DETECTORS = tuple(name for name in DETECTORS if name != "none")  # they have to be separated
PILOTS = tuple(pilots.KINDS)
VARIANTS = tuple(variant for variant in AUDIO_VISUAL if variant != "error_free")
# its receiver has learnt to do without either
NO_ESTIMATION = {"variant": "no_estimation", "csi": "none", "detector": "none"}
MOCK_ANTENNAS = 2
# fields that say where things lie: a checkpoint's and a set's content is known by other means
PLACES = ("checkpoint", "symbols", "decoder", "data", "dump_path", "device", "record")


BURST_OPTIONS = {  # to the fields of a BurstFormat
    "sps": "sps",
    "burst_pilots": "pilot_length",
    "burst_spacing": "pilot_spacing",
    "turnaround": "turnaround",
    "copies": "copies",
    "max_peak": "max_peak_db",
}
RADIOS = ("mock", "zmq", "uhd", "replay")


def radio(text: str) -> str:
    """Argparse's type of --radio: KIND:WHAT, or nothing."""
    kind, colon, _ = text.partition(":")
    if text and (not colon or kind not in RADIOS):
        known = ", ".join(f"{name}:..." for name in RADIOS)
        raise argparse.ArgumentTypeError(f"'{text}' is no radio; expected one of {known}")
    return text


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
    radio: str = option(
        "",
        "send bursts over radios: mock:PRESET, zmq:HOST, uhd:DEVICES or replay:FILE, in the place "
        "of the channel (see docs/over-the-air.md)",
        type=radio,
    )
    sample_rate: float = option(4e6, "of the radios [Hz]", type=number)
    sps: int = option(4, "samples per symbol of the bursts", type=at_least(2))
    burst_pilots: int = option(16, "symbols of a pilot block in a burst", type=at_least(3))
    burst_spacing: int = option(64, "payload symbols between them; 0: in front", type=at_least(0))
    turnaround: float = option(0.06, "from feedback to uplink burst [s]", type=number)
    copies: int = option(2, "feedback bursts for each clip", type=at_least(1))
    max_peak: float = option(None, "bound of a burst's peak over its mean [dB]", type=number)
    record: str = option("", "SigMF recording of what the receiver's antennas hear")
    frequency: float = option(2.45e9, "carrier of USRPs [Hz]", type=number)
    tx_gain: float = option(10.0, "of USRPs [dB]", type=number)
    rx_gain: float = option(20.0, "of USRPs [dB]", type=number)
    seed: int = option(0, "seed of every random draw", type=at_least(0))
    device: str = option("cpu", "Torch device")
    dump_path: str = option("", "folder for every internal signal, as raw samples")

    def terminals(self) -> tuple:
        """The terminals that send in this variant."""
        named = system(self.system).variants[self.variant]
        return named or topology_of(self.system).names


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


def burst_format(point: Scenario) -> dict:
    """What the blocks of a radio link share besides the sample rate."""
    return {field: getattr(point, name) for name, field in BURST_OPTIONS.items()}


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
    if point.record and not point.radio:
        raise SemcomError("--record: only radios are recorded; name one with --radio")
    if point.radio:
        BurstFormat(point.sample_rate, **burst_format(point))  # checks its own
    if point.radio and point.detector not in BURST_DETECTORS:
        known = " or ".join(BURST_DETECTORS)
        raise SemcomError(f"--detector {point.detector}: bursts have to be separated; give {known}")
    if point.radio.startswith("mock:") and point.antennas != MOCK_ANTENNAS:
        raise SemcomError(f"--antennas {point.antennas}: a mock radio has {MOCK_ANTENNAS}")
    try:
        pilots.make(point.pilots, streams, point.pilot_length)
    except SemcomError as cause:
        raise SemcomError(f"--pilot-length {point.pilot_length}: {cause}") from cause
