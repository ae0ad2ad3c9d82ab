# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Loads systems, from weights or from options alone.

In programs, blocks and flowgraphs a checkpoint is one text: the weights (a file, or the training
set of shipped ones), and after a question mark the settings (``System.Settings``), such as
``?source=h265+opus&code=3/4``.
"""

from __future__ import annotations

import dataclasses
import os
from functools import lru_cache
from pathlib import Path
from urllib.parse import parse_qsl, quote

import torch

from ..base.errors import SemcomError, first_line
from ..data import ave_text
from ..data.clipset import unnamed
from ..weights import store
from ..weights.names import find
from .registry import classes, system

SECONDS = range(1, 13)  # clips whose frames must have equal lengths with an exchanged checkpoint


def load_system(name: str, checkpoint: str | Path = "", device: str = "cpu"):
    """Load a system for use.

    name        name in the registry
    checkpoint  a file, or the training set of shipped weights ("ave28"); '': the weights for the
                synthetic set, or for any set; settings may follow, see above
    device      Torch device

    A learned system has the header of its weights as ``.header``.  SemcomError for unknown names,
    files that cannot be read, and wrong settings.
    """
    entry = system(name)
    weights, told = parted(checkpoint)
    settings = read_settings(name, told)
    if not entry.weights:
        if weights:
            raise SemcomError(f"checkpoint {weights}: {name} has no weights; leave it out")
        return entry.cls() if settings is None else entry.cls(settings)
    path = find(weights, name, "full", entry.fallback or "synthetic")
    net, header = store.load(path, {name: entry.cls}, expected=name)
    net.header = header
    if settings is not None:
        net.configure(settings)
    return to_device(net, device)


def parted(checkpoint: str | Path) -> tuple[str, str]:
    """(weights, settings) of a checkpoint's text, '' for a missing part; the name of an existing
    file may have a question mark."""
    text = str(checkpoint)
    weights, _, settings = (text, "", "") if os.path.isfile(text) else text.partition("?")
    return weights, settings


def joined(weights: str | Path, settings) -> str:
    """Weights and settings (a dataclass; None: none) as one text."""
    if settings is None:
        return str(weights)
    told = dataclasses.asdict(settings).items()
    return f"{weights}?" + "&".join(f"{name}={quote(str(value), '+/')}" for name, value in told)


def read_settings(name: str, told: str):
    """The settings of a system from their text, with defaults for the others; None if the system
    has no settings."""
    kind = system(name).cls.Settings
    pairs = dict(parse_qsl(told.replace("+", "%2B"), keep_blank_values=True))
    known = {} if kind is None else {item.name: item.default for item in dataclasses.fields(kind)}
    for key, value in pairs.items():
        if key not in known:
            there = f"expected {', '.join(known)}" if known else "it has none"
            raise SemcomError(f"setting {key!r} of {name}: unknown, {there}")
        try:
            known[key] = type(known[key])(value)
        except ValueError as cause:
            raise SemcomError(
                f"setting {key} of {name}: {value!r}, expected one such as {known[key]!r}"
            ) from cause
    return None if kind is None else kind(**known)


@lru_cache(maxsize=8)
def shared_system(name: str, checkpoint: str, device: str):
    """The system of a checkpoint, which all users in the process share."""
    return load_system(name, checkpoint, device)


def load_any(checkpoint: str | Path, device: str = "cpu") -> torch.nn.Module:
    """The system or localiser of a checkpoint, by the name in its header, with its ``.header``."""
    net, header = store.load(checkpoint, classes())
    net.header = header
    return to_device(net, device)


def to_device(net: torch.nn.Module, device: str) -> torch.nn.Module:
    """The network on a device, or a SemcomError that names it."""
    try:
        return net.to(device)
    except (RuntimeError, AssertionError) as error:
        raise SemcomError(
            f"device {device!r}: cannot be used ({first_line(error)}); try cpu"
        ) from error


def check_sizes(net, clips, what: str) -> None:
    """SemcomError for a system or localiser with other sizes of features or classes than the set's.

    what  name of the system in the error
    """
    wanted, found = net.sizes(), net.sizes_of(clips)
    for name, size in wanted.items():
        if found[name] != size:
            raise SemcomError(
                f"{what}: made for {name} {size}, the set {clips.name} has {found[name]}; "
                "give a checkpoint trained on this set (train.py)"
            )


def check_set(net, clips, what: str) -> None:
    """SemcomError for a system or localiser whose outcomes cannot be compared with a set's truth:
    other sizes, or classes with other names, such as the same events in another order.

    what  name of the system in the error
    """
    check_sizes(net, clips, what)
    named = zip(net.classes, clips.classes, strict=True) if "classes" in net.sizes() else ()
    for number, (own, other) in enumerate(named):
        if other not in (own, unnamed(number)) and own != unnamed(number):
            raise SemcomError(
                f"{what}: class {number} is {own!r}, in the set {clips.name} it is {other!r}; give "
                "a checkpoint trained on these classes (train.py), or mend the labels or "
                f"{ave_text.FILE} of the set"
            )


def exchange_for(running, name: str, checkpoint: str, device: str):
    """The system of another checkpoint that can replace ``running``; ValueError if it cannot."""
    net = shared_system(name, checkpoint, device)
    places = running.topology.names
    same = {
        "symbols": net.ragged
        or [net.payload(place, n) for place in net.topology.names for n in SECONDS]
        == [running.payload(place, n) for place in places for n in SECONDS],
        "terminals": net.topology == running.topology,
        "classes": net.classes == running.classes,
    }
    for what, fits in same.items():
        if not fits:
            raise ValueError(
                f"checkpoint {checkpoint or '(default)'}: its {what} differ from those of the "
                "checkpoint that the flowgraph was started with; restart to change them"
            )
    return net
