# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A scenario: the options of all components of one run, for argparse and for GRC."""

import argparse
from dataclasses import dataclass, replace

from ..base import options
from ..base.errors import SemcomError
from ..chain.options import (
    NO_ESTIMATION,
    ChannelOptions,
    PilotOptions,
    ReceiverOptions,
    RepeatOptions,
)
from ..data.options import SetOptions
from ..protocol.frames import MOST_ATTEMPTS
from ..protocol.options import BURST_OPTIONS, BurstOptions, burst_format
from ..systems.adaptive import adapted
from ..systems.options import DigitalOptions, GenerativeOptions, SystemOptions
from ..systems.registry import settings_of
from .options import RadioOptions, RunOptions

__all__ = [
    "BURST_OPTIONS",
    "NO_ESTIMATION",
    "Scenario",
    "add_options",
    "burst_format",
    "check",
    "settings",
    "sweep",
]

MOCK_ANTENNAS = 2
MOST_TERMINALS = 2  # terminals that can send over radios, each with a device of its own
MOST_ANTENNAS = 8  # of the channel and the detectors


@dataclass(frozen=True)
class Scenario(
    RunOptions,
    BurstOptions,
    RadioOptions,
    RepeatOptions,
    ReceiverOptions,
    PilotOptions,
    ChannelOptions,
    SetOptions,
    DigitalOptions,
    GenerativeOptions,
    SystemOptions,
):  # their order is that of the help, from the last
    """One point of a sweep."""

    def where(self) -> str:
        """Channel or radio and SNR, for titles."""
        snr = "" if options.broken(self, "snr") else f", {self.snr:g} dB"
        return (self.radio or self.channel) + snr


def add_options(parser: argparse.ArgumentParser, leave_out=()) -> None:
    """Add all options of a Scenario to ``parser``; options that can be swept take several
    values."""
    options.add_options(parser, Scenario, sweep=True, leave_out=leave_out)


def sweep(args: argparse.Namespace) -> list:
    """The points of parsed options, with the SNR varying fastest; SemcomError for wrong ones.

    Combinations that are the same point come once.
    """
    given = options.given(args, Scenario)
    points = [settle(point, given) for point in options.points(Scenario, given)]
    points = list(dict.fromkeys(points))
    for point in points:
        check(point)
    for name in ("dump_path", "record"):
        if getattr(points[0], name) and len(points) > 1:
            raise SemcomError(
                f"{options.flag(name)}: would only hold the signals of the last of {len(points)} "
                "points; give one value of each option"
            )
    return points


def settle(point: Scenario, given=()) -> Scenario:
    """The point as it is run: with the names of its source codecs, or with ``--adaptive`` the
    table's options for its SNR.  SemcomError for one of these options in ``given``, and where the
    SNR is not known."""
    if not point.adaptive:
        return with_codecs(point)
    decided = [name for name in options.fields(DigitalOptions) if name != "adaptive"]
    for name in [*decided, "variant"]:
        if name in given:
            raise SemcomError(f"{options.flag(name)}: --adaptive decides it; leave one of them out")
    if point.channel != "none" and options.broken(point, "snr"):
        raise SemcomError(
            f"--adaptive: chooses by the SNR, which is not known with --radio {point.radio}; give "
            "the settings themselves"
        )
    return adapted(point)


def with_codecs(point: Scenario) -> Scenario:
    """The point with the names of its source codecs, if it left them to the system."""
    if point.source or options.broken(point, "source"):
        return point
    return replace(point, source=settings_of(point).source)


def settings(point: Scenario) -> dict:
    """The options on which the results of a point depend, besides checkpoint and set: those with an
    effect; numbers of symbols if given, since a checkpoint may have several."""
    known = options.fields(Scenario)
    found = options.used(with_codecs(point))
    if found.get("sidelink_snr", 0.0) is None:
        found["sidelink_snr"] = point.snr
    if found.get("return_snr", 0.0) is None:
        found["return_snr"] = point.snr
    for name in ("symbols", "by_content"):
        if not found.get(name):
            found.pop(name, None)  # the largest number, which the checkpoint has, for all seconds
    return {name: value for name, value in found.items() if not known[name].metadata.get("place")}


def check(point: Scenario) -> None:
    """SemcomError, with the option and the remedy, for combinations that cannot be run."""
    streams = len(point.terminals())
    if point.antennas < streams:
        raise SemcomError(
            f"--antennas {point.antennas}: {streams} streams cannot be separated with fewer "
            f"antennas than streams; give at least {streams}"
        )
    if point.antennas > MOST_ANTENNAS:
        raise SemcomError(f"--antennas {point.antennas}: expected at most {MOST_ANTENNAS}")
    if not 1 <= point.attempts <= MOST_ATTEMPTS:
        raise SemcomError(f"--attempts {point.attempts}: expected 1 to {MOST_ATTEMPTS}")
    if point.radio:
        _check_air(point)
        return
    if point.channel == "none" and point.antennas != streams:
        raise SemcomError(
            f"--channel none: joins {streams} streams to as many antennas; "
            f"give --antennas {streams}"
        )
    from ..phy import pilots  # not for a program's --help: has Torch

    try:
        pilots.make(point.pilots, streams, point.pilot_length)
    except SemcomError as cause:
        raise SemcomError(f"--pilot-length {point.pilot_length}: {cause}") from cause


def _check_air(point: Scenario) -> None:
    """SemcomError for options that a radio or the burst format does not support."""
    from ..protocol.burst import BurstFormat  # not for a program's --help: has Torch

    BurstFormat(point.sample_rate, **burst_format(point))  # checks its own
    if len(point.terminals()) > MOST_TERMINALS:
        raise SemcomError(
            f"--radio {point.radio}: has devices for {MOST_TERMINALS} terminals, {point.system} "
            f"has {len(point.terminals())}; leave --radio out"
        )
    if point.detector == "none":
        raise SemcomError("--detector none: bursts have to be separated; give zf or lmmse")
    if point.radio.startswith("mock:") and point.antennas != MOCK_ANTENNAS:
        raise SemcomError(f"--antennas {point.antennas}: a mock radio has {MOCK_ANTENNAS}")
