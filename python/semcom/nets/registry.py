# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Names of the systems, and of the checkpoints that ship with the module."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from ..errors import SemcomError
from . import checkpoint as checkpoints
from .pilot_ave import PilotAve

SYSTEMS: dict[str, type] = {PilotAve.name: PilotAve}
VARIANTS = ("full", "audio_only", "video_only", "no_estimation", "error_free")
MODELS_VARIABLE = "SEMCOM_MODELS"


def models_folder() -> Path:
    """Where shipped checkpoints lie: $SEMCOM_MODELS, the repository's, or the installed ones."""
    if os.environ.get(MODELS_VARIABLE):
        return Path(os.environ[MODELS_VARIABLE])
    package = Path(__file__).resolve().parents[1]
    installed = [folder / "share" / "gr-semcom" / "models" for folder in package.parents]
    for folder in (package.parents[1] / "models", *installed):
        if folder.is_dir():
            return folder
    raise SemcomError(f"shipped checkpoints: no models folder found; set {MODELS_VARIABLE} to it")


def shipped(system: str, variant: str = "full", data: str = "synthetic") -> Path:
    """Path of a shipped checkpoint; variant: full, audio_only, video_only, no_estimation,
    error_free."""
    return models_folder() / f"{system}-{variant}-{data}.safetensors"


def load_system(system: str, checkpoint: str | Path = "", device: str = "cpu") -> torch.nn.Module:
    """A system ready to run; checkpoint '' is the one shipped for the synthetic set.

    The checkpoint's header is kept as ``.header``.
    """
    if system not in SYSTEMS:
        raise SemcomError(f"system {system!r}: unknown, expected one of {', '.join(SYSTEMS)}")
    path = checkpoint or shipped(system)
    net, header = checkpoints.load(path, SYSTEMS, expected=system)
    net.header = header
    try:
        return net.to(device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise SemcomError(f"device {device!r}: cannot be used ({reason}); try cpu") from error
