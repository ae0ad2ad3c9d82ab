# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Names of the systems, and of the checkpoints that ship with the module."""

from __future__ import annotations

from pathlib import Path

import torch

from ..base.errors import SemcomError
from ..nets.coattention import CoAttention
from ..nets.default import DefaultLocaliser
from ..nets.localisers import AVEL, VSCG, PSPLocaliser
from ..nets.pilot_ave import PilotAve
from ..nets.pilot_ave_plus import PilotAvePlus
from ..weights import store as checkpoints
from ..weights.names import shipped

SYSTEMS: dict[str, type] = {net.name: net for net in (PilotAvePlus, PilotAve)}
DEFAULT_SYSTEM = PilotAvePlus.name  # of the apps, the blocks and the flowgraphs
LOCALISERS: dict[str, type] = {
    cls.name: cls for cls in (AVEL, PSPLocaliser, CoAttention, VSCG, DefaultLocaliser)
}  # no radio
TERMINALS = {  # who sends in each variant
    "full": ("audio", "video"),
    "audio_only": ("audio",),
    "video_only": ("video",),
    "no_estimation": ("audio", "video"),
    "error_free": ("audio", "video"),
}


def load_system(system: str, checkpoint: str | Path = "", device: str = "cpu") -> torch.nn.Module:
    """A system ready to run; checkpoint '' is the one shipped for the synthetic set.

    The checkpoint's header is kept as ``.header``.
    """
    if system not in SYSTEMS:
        raise SemcomError(f"system {system!r}: unknown, expected one of {', '.join(SYSTEMS)}")
    path = checkpoint or shipped(system)
    net, header = checkpoints.load(path, SYSTEMS, expected=system)
    net.header = header
    return to_device(net, device)


def load_any(checkpoint: str | Path, device: str = "cpu") -> torch.nn.Module:
    """The radio system or localiser that a checkpoint's header names, with its ``.header``."""
    net, header = checkpoints.load(checkpoint, {**SYSTEMS, **LOCALISERS})
    net.header = header
    return to_device(net, device)


def to_device(net: torch.nn.Module, device: str) -> torch.nn.Module:
    """The network on a device, or a SemcomError that names it."""
    try:
        return net.to(device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise SemcomError(f"device {device!r}: cannot be used ({reason}); try cpu") from error


def check_sizes(net: torch.nn.Module, clips, what: str) -> None:
    """Refuse a system whose features or classes are of other sizes than those of ``clips``.

    what  names the system to its user, for the error
    """
    config, found = net.config, {"classes": len(clips.classes)}
    wanted = {"classes": len(net.classes)}
    if "audio" in net.terminals:
        found["audio features"] = clips.audio(0).shape[1:]
        wanted["audio features"] = (config.audio_dim,)
    if "video" in net.terminals:
        found["visual features"] = clips.visual(0).shape[1:]
        wanted["visual features"] = (config.height, config.width, config.visual_dim)
    for name, size in wanted.items():
        if found[name] != size:
            raise SemcomError(
                f"{what}: made for {name} {size}, the set {clips.name} has {found[name]}; "
                "name a checkpoint trained on this set (apps/train.py)"
            )
