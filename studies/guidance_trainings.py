# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The trainings of docs/guidance.md, and the conditions in which they are measured."""

from dataclasses import dataclass

SYSTEM, FIGURE = "pilot_ave_plus", "figures/guidance.png"
LENGTHS_FIGURE = "figures/guidance-lengths.png"
COMMON = (
    "--system pilot_ave_plus --bfloat16 --dropout 0.1 --snr-min -15 --snr-max 15 "
    "--attention product --rivals 0.4"
)
ONCE = "--nested --peak 5 --epochs 12"
FIXED = (8, 64)  # payload lengths with networks of their own
TRAININGS = {  # mode -> its options beside COMMON
    "guided": f"{ONCE} --gaze 1",
    "without": f"{ONCE} --gaze 1 --unguided 1",
    "blind": f"{ONCE} --unguided 1",
    "long": "--nested --peak 5 --epochs 40 --patience 40 --gaze 1",
    "long_blind": "--nested --peak 5 --epochs 40 --patience 40 --unguided 1",
    "gated": "--nested --gated --peak 5 --epochs 12 --patience 12 --learning-rate 1.5e-4 --gaze 1 "
    "--init <a checkpoint of long>",
    "loud": "--nested --epochs 12 --gaze 1",
    **{f"fixed{n}": f"--symbols {n} --peak 5 --epochs 12 --gaze 1" for n in FIXED},
}
HEARING = ("guided", "long", "gated")
EPOCHS = {"guided": "12", "long": "40", "gated": "40, and 12 gated"}
DEAF = ("without", "blind", "long_blind")
RIVALS_OF = {"guided": ("without", "blind"), "long": ("long_blind",)}  # trained as long, unguided
TODAY = "today"  # the weights shipped for ave28
LENGTHS = (4, 8, 16, 32, 64)
SIDELINK_SNRS = (-30.0, -20.0, -15.0, -10.0, -5.0, 0.0, 5.0, 10.0, 20.0)  # [dB]
SHOWN, SNR = 8, 10.0  # default symbols per second, and SNR [dB] of the uplink
DROWNED = -30.0  # [dB] of the sidelink
LOW = (0.0, -5.0, -10.0)  # [dB]
WORDS = {
    "guided": "guided, 12 epochs", "long": "guided, 40 epochs",
    "gated": "guided, 12 more epochs with gates", "without": "trained without",
    "blind": "trained without, no gaze", "long_blind": "without, no gaze, 40 epochs",
    TODAY: "shipped for ave28",
}  # fmt: skip
BURSTS, AIR_SNR, BACK_OFF = 40, 20.0, 3.0  # frames over the mock radio, its SNR and amplifier [dB]
PEAKS = {
    TODAY: "shipped, any peak",
    "loud": "any peak",
    "guided": "bounded",
    "long": "bounded, 40 epochs",
    "gated": "bounded, gated",
}


@dataclass(frozen=True)
class Place:
    """Conditions of a measurement: a set, symbols per second, SNRs [dB]; sidelink None: lost;
    channel none: free of errors."""

    data: str
    symbols: int
    sidelink: float | None
    snr: float = SNR
    channel: str = "rayleigh"


def low_places(heard: float | None) -> list[Place]:
    """Conditions with the longest payload on the plain set: free of errors, and at low SNR."""
    free = Place("plain", LENGTHS[-1], heard, channel="none")
    return [free, *(Place("plain", LENGTHS[-1], heard and snr, snr) for snr in LOW)]
