# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Systems ready to run: from weights, or from options alone."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch

from ..base.errors import SemcomError
from ..weights import store
from ..weights.names import find
from .registry import classes, system


def load_system(name: str, checkpoint: str | Path = "", device: str = "cpu"):
    """A system ready to run; checkpoint is a file, or what shipped weights were trained on
    ("ave28"), '' those for the synthetic set, or for any.

    A learned system keeps the header of its weights as ``.header``.
    """
    entry = system(name)
    if not entry.weights:
        if checkpoint:
            raise SemcomError(f"checkpoint {checkpoint}: {name} has no weights; leave it out")
        return entry.cls()
    path = find(str(checkpoint), name, "full", entry.fallback or "synthetic")
    net, header = store.load(path, {name: entry.cls}, expected=name)
    net.header = header
    return to_device(net, device)


@lru_cache(maxsize=8)
def shared_system(name: str, checkpoint: str, device: str):
    """The system of a checkpoint, loaded once for all that name it."""
    return load_system(name, checkpoint, device)


def load_any(checkpoint: str | Path, device: str = "cpu") -> torch.nn.Module:
    """The system or localiser that a checkpoint's header names, with its ``.header``."""
    net, header = store.load(checkpoint, classes())
    net.header = header
    return to_device(net, device)


def to_device(net: torch.nn.Module, device: str) -> torch.nn.Module:
    """The network on a device, or a SemcomError that names it."""
    try:
        return net.to(device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise SemcomError(f"device {device!r}: cannot be used ({reason}); try cpu") from error


def check_sizes(net, clips, what: str) -> None:
    """Refuse a system or localiser whose features or classes are of other sizes than the set's.

    what  names the system to its user, for the error
    """
    wanted, found = net.sizes(), net.sizes_of(clips)
    for name, size in wanted.items():
        if found[name] != size:
            raise SemcomError(
                f"{what}: made for {name} {size}, the set {clips.name} has {found[name]}; "
                "name a checkpoint trained on this set (apps/train.py)"
            )


def exchange_for(running, name: str, checkpoint: str, device: str):
    """The system of another checkpoint that can take the place of ``running``; else ValueError."""
    net = shared_system(name, checkpoint, device)
    places = running.topology.names
    same = {
        "symbols": [net.payload(place, 1) for place in net.topology.names]
        == [running.payload(place, 1) for place in places],
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
