# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Paths and file names of shipped weights; no other module forms them."""

from __future__ import annotations

import os
from pathlib import Path

from ..base.errors import SemcomError

MODELS_VARIABLE = "SEMCOM_MODELS"
SUFFIX = ".safetensors"
OWN_SETTING = "sel"  # of decoders over the link, which their weights' names do not tell


def models_folder() -> Path:
    """Where shipped weights lie: $SEMCOM_MODELS, the repository's folder, or the installed one."""
    if os.environ.get(MODELS_VARIABLE):
        return Path(os.environ[MODELS_VARIABLE])
    package = Path(__file__).resolve().parents[1]
    installed = [folder / "share" / "gr-semcom" / "models" for folder in package.parents]
    for folder in (package.parents[1] / "models", *installed):
        if folder.is_dir():
            return folder
    raise SemcomError(f"shipped checkpoints: no models folder found; set {MODELS_VARIABLE} to it")


def name_of(
    system: str,
    variant: str,
    data: str,
    decoder: str = "",
    symbols: int = 0,
    setting: str = OWN_SETTING,
) -> str:
    """File name of weights: SYSTEM-VARIANT-DATA[-DECODER][-SETTING][-SYMBOLS].safetensors.

    variant  of a system, or setting of a localiser;  data  what it was trained on
    decoder, symbols, setting  only where they are not the system's default
    """
    setting = "" if setting == OWN_SETTING else setting
    parts = [system, variant, data, *filter(None, (decoder, setting, str(symbols or "")))]
    return "-".join(parts) + SUFFIX


def shipped(system: str, variant: str = "full", data: str = "synthetic", **more) -> Path:
    """Path of shipped weights; arguments of :func:`name_of`."""
    return models_folder() / name_of(system, variant, data, **more)


def known(system: str, variant: str, decoder: str = "") -> list[str]:
    """What the shipped weights of a system and variant were trained on, by name."""
    start, end = f"{system}-{variant}-", f"{'-' * bool(decoder)}{decoder}{SUFFIX}"
    names = (path.name for path in sorted(models_folder().glob(f"{start}*{end}")))
    found = [name[len(start) : -len(end)] for name in names]
    return [data for data in found if "-" not in data]


def find(checkpoint: str, system: str, variant: str, data: str, **more) -> Path:
    """The weights that a user names: a file, or what shipped ones were trained on ("ave28").

    data  what to take if nothing is named;  more  decoder, symbols, see :func:`name_of`
    """
    if Path(checkpoint).suffix or os.sep in checkpoint or Path(checkpoint).is_file():
        return Path(checkpoint)
    path = shipped(system, variant, checkpoint or data, **more)
    if more.get("symbols") and not path.exists():
        path = shipped(system, variant, checkpoint or data, **(more | {"symbols": 0}))
    if path.exists():
        return path
    names = known(system, variant, more.get("decoder", ""))
    what = f"--checkpoint {checkpoint}" if checkpoint else f"the set {data}"
    there = f"shipped ones are for {', '.join(names)}" if names else "none are shipped"
    wanted = ", ".join(filter(None, (system, variant, more.get("decoder"))))
    raise SemcomError(
        f"{what}: no weights of {wanted} for it; {there}: name one with --checkpoint, or a "
        ".safetensors file"
    )
