# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The options of the chain: the channel, the pilots in front of it, the receiver behind it."""

from dataclasses import dataclass

from ..base.options import Fixed, Rule, at_least, number, option, share, within
from ..phy import names

NO_ESTIMATION = {"variant": "no_estimation", "csi": "none", "detector": "none"}
DOPPLER = within(0, 0.5)  # [cycles/symbol]; beyond half a cycle a fade looks slower than it is

SIMULATED = Rule(lambda point: not point.radio, "without --radio: bursts have their own")
NOISY = Rule(
    lambda point: point.channel != "none" if not point.radio else point.radio.startswith("mock:"),
    "with a channel that has noise, or --radio mock:...; other radios have the SNR they have",
)
REPEATABLE = Rule(
    lambda point: not point.radio or len(point.terminals()) == 1,
    "without --radio, or of systems with one terminal",
)
REPEATED = Rule(lambda point: point.attempts > 1, "with --attempts above 1")
HEARD = Rule(lambda point: bool(point.sidelinks()), "where a terminal hears another")
FADING = Rule(
    lambda point: point.channel in names.FADING, f"with --channel {' or '.join(names.FADING)}"
)
RICIAN = Rule(
    lambda point: point.channel in names.RICIAN, f"with --channel {' or '.join(names.RICIAN)}"
)
MIXED = Rule(lambda point: point.channel != "none", "with a channel other than none")
SPACED = Rule(lambda point: point.pilot_spacing > 0, "with --pilot-spacing")
ESTIMATED = Rule(
    lambda point: point.csi in names.ESTIMATORS and "none" not in (point.detector, point.variant)
    and point.variant != NO_ESTIMATION["variant"],
    f"with --csi {', '.join(names.ESTIMATORS)}",
)  # fmt: skip
LEARNED_WITHOUT = Fixed(
    lambda point: point.variant == NO_ESTIMATION["variant"],
    "none",
    "with --variant no_estimation",
)


@dataclass(frozen=True)
class ChannelOptions:
    """Channel."""

    channel: str = option(
        "rayleigh", "channel model", choices=names.CHANNELS, sweep=True, only=(SIMULATED,)
    )
    snr: float = option(
        10.0,
        "SNR per stream at each antenna: start:stop:step or a,b,c (--snr=-10,-5 if negative)",
        unit="dB",
        sweep=True,
        only=(NOISY,),
    )
    sidelink_snr: float = option(
        None,
        "SNR of the sidelinks (the papers' feedback); default: the uplink's",
        unit="dB",
        type=number,
        also=("--feedback-snr",),
        only=(NOISY, HEARD),
    )
    rician_k: float = option(4.0, "Rician K factor, linear", type=number, only=(SIMULATED, RICIAN))
    doppler: float = option(
        0.0, "Doppler (Jakes); 0: one fade per frame", unit="cycles/symbol", type=DOPPLER,
        only=(SIMULATED, FADING),
    )  # fmt: skip
    gain: float = option(
        0.0, "gain of the receiver, unknown to it", unit="dB", only=(SIMULATED, MIXED)
    )


@dataclass(frozen=True)
class RepeatOptions:
    """Automatic repeat."""

    attempts: int = option(
        1, "most transmissions of a frame: more than 1 repeats what the receiver asks for",
        type=at_least(1), sweep=True, only=(REPEATABLE,),
    )  # fmt: skip
    return_snr: float = option(
        None, "SNR of the return link, which brings the receiver's answers; default: the uplink's",
        unit="dB", type=number, only=(REPEATED, NOISY),
    )  # fmt: skip
    ask_below: float = option(
        0.9,
        "expected share that is right, by the receiver's own estimate, below which it asks again",
        type=share,
        sweep=True,
        only=(REPEATED,),
    )


@dataclass(frozen=True)
class PilotOptions:
    """Pilots."""

    pilots: str = option("hadamard", "pilot rows", choices=names.PILOTS, only=(SIMULATED,))
    pilot_length: int = option(
        32, "length of a pilot row", unit="symbols", type=at_least(1), only=(SIMULATED,)
    )
    pilot_boost: float = option(
        0.0, "pilot power above the payload's", unit="dB", only=(SIMULATED,)
    )
    pilot_spacing: int = option(
        0,
        "payload between pilot rows; 0: one row in front",
        unit="symbols",
        type=at_least(0),
        only=(SIMULATED,),
    )


@dataclass(frozen=True)
class ReceiverOptions:
    """Receiver."""

    csi: str = option(
        "ls",
        "channel state information: how it is estimated",
        choices=names.CSI,
        sweep=True,
        only=(SIMULATED,),
        fixed=(
            LEARNED_WITHOUT,
            Fixed(lambda point: point.detector == "none", "none", "with --detector none"),
        ),
    )
    detector: str = option(
        "zf",
        "MIMO detector",
        choices=names.DETECTORS,
        sweep=True,
        fixed=(
            Fixed(
                lambda point: point.variant == NO_ESTIMATION["variant"] and not point.radio,
                "none",
                LEARNED_WITHOUT.words,
            ),
            Fixed(lambda point: point.csi == "none" and not point.radio, "none", "with --csi none"),
        ),
    )
    interpolation: str = option(
        "nearest",
        "channel between spaced pilots",
        choices=names.INTERPOLATIONS,
        only=(SIMULATED, SPACED, ESTIMATED),
    )
    antennas: int = option(2, "receive antennas M (at least the terminals)", type=at_least(1))
