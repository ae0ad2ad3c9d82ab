# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Run the paper's experiments (Yu et al., arXiv:2412.06208) and further ones over the link.

Each is a figure with its tables, run through the GNU Radio flowgraph and written to OUT/NAME.json,
OUT/NAME.md and OUT/NAME.png.  Finished points are kept in OUT/points.json; a point that several
experiments share is run once.

    studies experiments estimators --system pilot_ave --frames 100
    studies experiments all --data DIR --models runs/seed0 runs/seed1 runs/seed2
"""

from gnuradio.semcom.run.scenario import NO_ESTIMATION

from . import points
from .experiment import CHANNELS, QUANTITIES, Curve, Experiment, Panel
from .experiment_tables import write

SYSTEM, BASELINE = "pilot_ave_plus", "pilot_ave"
FADING = ("rayleigh", "rician")
SNRS = (-10.0, -5.0, 0.0, 10.0, 30.0)
SYMBOLS = (4, 8, 16, 32, 64)
PILOTS = {"pilot_length": 64}  # twice the usual: at -10 dB the gain exceeds the cost
ZF = {"csi": "ls", "detector": "zf", **PILOTS}
LMMSE = {"csi": "ls", "detector": "lmmse", **PILOTS}


def definitions(system: str = SYSTEM) -> dict:
    """Every experiment by name, with ``system`` as the system under test."""
    made = (
        _snr(system),
        _no_estimation(system),
        _sidelink(system),
        _pilots(system),
        _estimators(system),
        _narrow(system),
        _symbols(system),
        _uses(system),
    )
    return {experiment.name: experiment for experiment in made}


def _systems(system: str, channel: str) -> list:
    """The curves of the paper's Fig. 6."""
    curves = [
        Curve(f"{name}, LS + {detector.upper()}",
              {"system": name, "channel": channel, "csi": "ls", "detector": detector, **PILOTS},
              (colour, dash), seeds=None if name == system else 1)
        for colour, name in enumerate(dict.fromkeys((system, BASELINE)))
        for dash, detector in enumerate(("lmmse", "zf"))
    ]  # fmt: skip
    for colour, variant in ((2, "audio_only"), (3, "video_only")):
        options = {"system": system, "channel": channel, "variant": variant, **LMMSE}
        curves.append(Curve(variant.replace("_", " "), options, (colour, colour)))
    return curves


def _snr(system: str) -> Experiment:
    panels = [
        Panel(title, "snr", SNRS, tuple(_systems(system, channel)), error_free=True,
              channel=channel, published=("accuracy",))
        for channel, title in CHANNELS.items()
    ]  # fmt: skip
    return Experiment(
        "snr",
        "Accuracy over SNR",
        "accuracy over SNR on three channels, with the baselines (the paper's Fig. 6)",
        f"The curves of one terminal are variants of {system} with LS + LMMSE. Dashed lines are "
        f"the accuracy of the same system trained and tested without a channel. {BASELINE} was "
        "trained over the channel with one seed, and with the setting of its error-free training, "
        f"while {system} was tuned over the channel; its intervals are from a bootstrap over "
        "clips.",
        tuple(panels),
    )


def _no_estimation(system: str) -> Experiment:
    panels = [
        Panel(title, "snr", SNRS, (
            Curve("LS + LMMSE", {"system": system, "channel": channel, **LMMSE}, (0, 0)),
            Curve("no estimation", {"system": system, "channel": channel, **NO_ESTIMATION}, (1, 1)),
        ), channel=channel, published=("accuracy", "no_estimation"))
        for channel, title in CHANNELS.items()
    ]  # fmt: skip
    return Experiment(
        "no_estimation",
        "What channel estimation is worth",
        "with channel estimation against a receiver trained without (the paper's Table I)",
        "Without estimation there is no detector: the receiver was trained anew on the received "
        "symbols, with the same transmitters. The loss is relative to the accuracy with "
        "estimation.",
        tuple(panels),
        tables="losses",
    )


def _sidelink(system: str) -> Experiment:
    curves = tuple(
        Curve(f"uplink at {snr:g} dB",
              {"system": system, "channel": "rayleigh", "snr": snr, **LMMSE}, (i, i))
        for i, snr in enumerate((0.0, 10.0))
    )  # fmt: skip
    return Experiment(
        "sidelink",
        "The sidelink",
        "accuracy over the SNR at which the video terminal hears the audio terminal",
        "Only the SNR of the sidelink changes along the axis.",
        (Panel("Rayleigh, LS + LMMSE", "sidelink_snr", SNRS, curves),),
        seeds=1,
    )


PILOT_AXES = (
    ("pilots", ("hadamard", "zadoff_chu", "encoded_sine")),
    ("pilot_length", (2, 4, 8, 16, 32, 64)),
    ("pilot_boost", (0.0, 3.0, 6.0)),
)
SPACINGS = (0, 16, 64)
DOPPLERS = (0.0, 1e-4, 3e-4, 1e-3, 3e-3)


def _pilots(system: str) -> Experiment:
    common = {"system": system, "channel": "rayleigh", "snr": 5.0, **LMMSE}
    label = "5 dB, LS + LMMSE"
    panels = [
        Panel("one pilot row in front", axis, values, (Curve(label, common, (6, 0)),), quantity)
        for quantity in QUANTITIES
        for axis, values in PILOT_AXES
    ]
    panels += [
        Panel(f"channel between pilots: {interpolation}", "doppler", DOPPLERS,
              _spacings(common, interpolation))
        for interpolation in ("nearest", "linear")
    ]  # fmt: skip
    return Experiment(
        "pilots",
        "Pilots",
        "accuracy and channel NMSE against pilot kind, length, boost, spacing and Doppler",
        "The channel is Rayleigh at 5 dB, with LS + LMMSE. The channel NMSE is not defined if the "
        "channel changes within a frame.",
        tuple(panels),
        seeds=1,
    )


def _spacings(common: dict, interpolation: str) -> tuple:
    """A curve per pilot spacing; one row in front leaves nothing to interpolate."""
    rows = {0: {**common, "pilot_spacing": 0}}
    for spacing in SPACINGS[1:]:
        rows[spacing] = {**common, "pilot_spacing": spacing, "interpolation": interpolation}
    return tuple(
        Curve(f"pilots every {s} symbols" if s else "one pilot row in front", options, (i, i % 4))
        for i, (s, options) in enumerate(rows.items())
    )


def _estimators(system: str) -> Experiment:
    names = {"ls_min_residual": "eq. 6", "ls": "LS", "lmmse": "LMMSE", "perfect": "perfect CSI"}
    curves = tuple(
        Curve(f"{label}, {detector.upper()} detector",
              {"system": system, "channel": "rayleigh", "csi": csi, "detector": detector, **PILOTS},
              (colour, dash))
        for colour, (csi, label) in enumerate(names.items())
        for dash, detector in enumerate(("zf", "lmmse"))
    )  # fmt: skip
    estimates = tuple(
        c for c in curves if c.options["detector"] == "lmmse" and c.options["csi"] != "perfect"
    )
    panels = (
        Panel("Rayleigh", "snr", SNRS[::2], curves),
        Panel("Rayleigh", "snr", SNRS[::2], estimates, "channel_nmse_db"),
    )
    return Experiment(
        "estimators",
        "Channel estimators and detectors",
        "eq. 6 of the paper (smallest residual) against pooled LS, LMMSE and perfect CSI",
        "Eq. 6 keeps the estimate of the pilot step with the smallest residual; LS pools all "
        "steps. The channel NMSE does not depend on the detector.",
        panels,
        columns=2,
        seeds=1,
    )


def _sizes(system: str, channel: str, snrs: tuple) -> tuple:
    """A curve over the symbols per segment for each SNR."""
    return tuple(
        Curve(f"{snr:g} dB", {"system": system, "channel": channel, "snr": snr, **LMMSE}, (i, i))
        for i, snr in enumerate(snrs)
    )


def _narrow(system: str) -> Experiment:
    curves = {"LS + LMMSE": LMMSE, "LS + ZF": ZF}
    panels = tuple(
        Panel(title, "snr", SNRS, tuple(
            Curve(label, {"system": system, "channel": channel, "symbols": 16, **receiver}, (i, i))
            for i, (label, receiver) in enumerate(curves.items())
        ))
        for channel, title in CHANNELS.items() if channel in FADING
    )  # fmt: skip
    return Experiment(
        "narrow",
        "A quarter of the symbols",
        "accuracy over SNR with 16 symbols per segment instead of 64",
        "There are 16 symbols per segment and terminal instead of 64, with weights trained for "
        "them.",
        panels,
        columns=2,
    )


def _symbols(system: str) -> Experiment:
    panels = tuple(
        Panel(CHANNELS[channel], "symbols", SYMBOLS, _sizes(system, channel, (-10.0, 0.0, 10.0)))
        for channel in FADING
    )
    return Experiment(
        "symbols",
        "Symbols per segment",
        "accuracy over the symbols per segment, a checkpoint each",
        "The receiver has LS + LMMSE. Each number of symbols has its own weights.",
        panels,
        columns=2,
        seeds=1,
    )


def _uses(system: str) -> Experiment:
    panels = tuple(
        Panel(f"{CHANNELS[channel]}, {snr:g} dB", "symbols", SYMBOLS,
              _uses_curves(system, channel, snr), over_uses=True)
        for channel in FADING
        for snr in (0.0, 10.0)
    )  # fmt: skip
    return Experiment(
        "uses",
        "What a clip costs",
        "accuracy over channel uses per clip: payload, pilots and sidelink",
        "The receiver has LS + LMMSE. A system of one terminal needs no sidelink. Both terminals "
        "of a full system send at once, so its uplink takes no more channel uses than that of one.",
        panels,
        columns=2,
        tables="uses",
        seeds=1,
    )


def _uses_curves(system: str, channel: str, snr: float) -> tuple:
    place = {"channel": channel, "snr": snr, **LMMSE}
    curves = {system: Curve(system, {"system": system, **place}, (0, 0))}
    default = (0,)  # the system's own number of symbols
    curves.setdefault(BASELINE, Curve(BASELINE, {"system": BASELINE, **place}, (1, 1), default))
    for colour, variant in ((2, "audio_only"), (3, "video_only")):
        options = {"system": system, "variant": variant, **place}
        curves[variant] = Curve(variant.replace("_", " "), options, (colour, colour), default)
    return tuple(curves.values())


def add_options(parser) -> None:
    known = definitions()
    lines = "\n".join(f"  {name:14} {experiment.help}" for name, experiment in known.items())
    parser.epilog = f"experiments:\n{lines}"
    parser.add_argument(
        "names",
        nargs="+",
        metavar="NAME",
        choices=[*known, "all"],
        help="experiments, see below, or all",
    )
    points.add_options(parser, SYSTEM, out="out/experiments")


def run(args) -> None:
    for name in run_named(args.names, args)[0]:
        print(f"wrote {args.out / name}.png, .md, .json")


def run_named(names: list, args) -> tuple:
    """Run experiments by name and write each to --out.

    Returns the experiments by name, the records of their points and their Setup.
    """
    chosen = {n: e for n, e in definitions(args.system).items() if n in names or "all" in names}
    setup = points.setup_of(args)
    results = points.run_all(chosen.values(), setup, points.store(args.out))
    for experiment in chosen.values():
        write(experiment, results, setup, args.out)
    return chosen, results, setup
