# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The options of the chain: channel, pilots, receiver, retransmissions."""

from dataclasses import dataclass

from ..base.options import Fixed, Rule, at_least, number, option, share, within
from ..phy import names

NO_ESTIMATION = {"variant": "no_estimation", "csi": "none", "detector": "none"}
DOPPLER = within(0, 0.5)  # [cycles/symbol]; faster fading is aliased at symbol rate

SIMULATED = Rule(lambda point: not point.radio, "without --radio: there the bursts define it")
NOISY = Rule(
    lambda point: point.channel != "none" if not point.radio else point.radio.startswith("mock:"),
    "with a channel that has noise, or --radio mock:...; the SNR of other radios cannot be set",
)
REPEATABLE = Rule(
    lambda point: not point.radio or len(point.terminals()) == 1,
    "without --radio, or with systems that have one terminal",
)
REPEATED = Rule(lambda point: point.attempts > 1, "with --attempts above 1")
HEARD = Rule(
    lambda point: bool(point.sidelinks()), "with systems in which a terminal listens to another"
)
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
        "SNR of the sidelinks (called feedback in the papers); default: the uplink's",
        unit="dB",
        type=number,
        also=("--feedback-snr",),
        only=(NOISY, HEARD),
    )
    rician_k: float = option(4.0, "Rician K factor, linear", type=number, only=(SIMULATED, RICIAN))
    doppler: float = option(
        0.0,
        "Doppler frequency (Jakes spectrum); 0: the channel is constant within a frame",
        unit="cycles/symbol",
        type=DOPPLER,
        only=(SIMULATED, FADING),
    )
    gain: float = option(
        0.0,
        "gain of the receiver's front end, which it has to estimate with the channel",
        unit="dB",
        only=(SIMULATED, MIXED),
    )


@dataclass(frozen=True)
class RepeatOptions:
    """Automatic repeat requests."""

    attempts: int = option(
        1, "most transmissions of a frame; above 1, the receiver can ask for repetitions",
        type=at_least(1), sweep=True, only=(REPEATABLE,),
    )  # fmt: skip
    return_snr: float = option(
        None, "SNR of the return link, which carries the receiver's answers; default: the uplink's",
        unit="dB", type=number, only=(REPEATED, NOISY),
    )  # fmt: skip
    ask_below: float = option(
        0.9,
        "share of correct items, as the receiver expects it, below which it asks for a repetition",
        type=share,
        sweep=True,
        only=(REPEATED,),
    )


@dataclass(frozen=True)
class PilotOptions:
    """Pilots."""

    pilots: str = option("hadamard", "pilot sequences", choices=names.PILOTS, only=(SIMULATED,))
    pilot_length: int = option(
        32,
        "length of a pilot row (one sequence per terminal)",
        unit="symbols",
        type=at_least(1),
        only=(SIMULATED,),
    )
    pilot_boost: float = option(
        0.0, "pilot power relative to the payload's", unit="dB", only=(SIMULATED,)
    )
    pilot_spacing: int = option(
        0,
        "payload symbols between two pilot rows; 0: one pilot row in front of the payload",
        unit="symbols",
        type=at_least(0),
        only=(SIMULATED,),
    )


@dataclass(frozen=True)
class ReceiverOptions:
    """Receiver."""

    csi: str = option(
        "ls",
        "channel estimator (channel state information); perfect: the true channel",
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
        "interpolation of the channel between spaced pilot rows",
        choices=names.INTERPOLATIONS,
        only=(SIMULATED, SPACED, ESTIMATED),
    )
    antennas: int = option(2, "receive antennas M (at least the terminals)", type=at_least(1))
