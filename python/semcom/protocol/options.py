# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The options of bursts: their waveform and their times."""

from dataclasses import dataclass

from ..base.options import Rule, at_least, number, option

ON_AIR = Rule(lambda point: point.radio, "with --radio")
ALONE = Rule(lambda point: len(point.terminals()) == 1, "with systems that have one terminal")
BY_CLOCK = Rule(
    lambda point: point.attempts > 1 and point.radio.partition(":")[0] in ("zmq", "uhd", "soapy"),
    "with --attempts above 1 and --radio zmq:..., uhd:... or soapy:...",
)
ANSWERED = Rule(
    lambda point: bool(point.sidelinks()), "with systems in which a terminal listens to another"
)


@dataclass(frozen=True)
class BurstOptions:
    """Bursts, with --radio."""

    sample_rate: float = option(4e6, "sample rate of the radios", unit="Hz", only=(ON_AIR,))
    sps: int = option(4, "samples per symbol of the bursts", type=at_least(2), only=(ON_AIR,))
    burst_pilots: int = option(
        16, "length of a pilot block in a burst", unit="symbols", type=at_least(3), only=(ON_AIR,)
    )
    burst_spacing: int = option(
        64,
        "payload symbols between pilot blocks; 0: pilots only before the payload",
        unit="symbols",
        type=at_least(0),
        only=(ON_AIR,),
    )
    turnaround: float = option(
        0.06,
        "time from the start of a sidelink burst to that of the uplink bursts",
        unit="s",
        only=(ON_AIR, ANSWERED),
    )
    copies: int = option(
        2, "sidelink bursts for each clip", type=at_least(1), only=(ON_AIR, ANSWERED)
    )
    fragment: int = option(
        0, "longest payload of a burst, longer frames are divided; 0: whole frames",
        unit="symbols", type=at_least(0), only=(ON_AIR, ALONE),
    )  # fmt: skip
    answer_within: float = option(
        1.0, "time without an answer after which a frame is repeated", unit="s", type=number,
        only=(ON_AIR, BY_CLOCK),
    )  # fmt: skip
    max_peak: float = option(
        None,
        "limit of a burst's peak power relative to its mean",
        unit="dB",
        type=number,
        only=(ON_AIR,),
    )


BURST_OPTIONS = {  # option -> field of a BurstFormat, with the same default
    "sps": "sps",
    "burst_pilots": "pilot_length",
    "burst_spacing": "pilot_spacing",
    "turnaround": "turnaround",
    "copies": "copies",
    "max_peak": "max_peak_db",
}


def burst_format(point) -> dict:
    """The fields of the BurstFormat of a point, besides the sample rate."""
    plan = {field: getattr(point, name) for name, field in BURST_OPTIONS.items()}
    if ALONE.holds(point):
        plan["turnaround"] = None
    return plan
