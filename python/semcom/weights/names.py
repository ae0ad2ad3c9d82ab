# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Where shipped weights lie, and what their files are called."""

from __future__ import annotations

import os
from pathlib import Path

from ..base.errors import SemcomError

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
