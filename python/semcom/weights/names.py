# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Paths and file names of shipped weights; no other module forms them."""

from __future__ import annotations

import os
from pathlib import Path

from ..base.errors import SemcomError

MODELS_VARIABLE = "SEMCOM_MODELS"
SUFFIX = ".safetensors"
OWN_SETTING = "sel"  # setting of decoders over the link that file names leave out


def models_folder() -> Path:
    """The folder of shipped weights: $SEMCOM_MODELS, the repository's, or the installed one."""
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

    variant  variant of a system, or setting of a localiser
    data     name of the training set
    decoder, symbols, setting  only if they are not the system's default
    """
    setting = "" if setting == OWN_SETTING else setting
    parts = [system, variant, data, *filter(None, (decoder, setting, str(symbols or "")))]
    return "-".join(parts) + SUFFIX


def shipped(system: str, variant: str = "full", data: str = "synthetic", **more) -> Path:
    """Path of shipped weights; arguments of :func:`name_of`."""
    return models_folder() / name_of(system, variant, data, **more)


def known(system: str, variant: str, decoder: str = "") -> list[str]:
    """Names of the training sets of the shipped weights of a system and variant."""
    start, end = f"{system}-{variant}-", f"{'-' * bool(decoder)}{decoder}{SUFFIX}"
    names = (path.name for path in sorted(models_folder().glob(f"{start}*{end}")))
    found = [name[len(start) : -len(end)] for name in names]
    return [data for data in found if "-" not in data]


def find(checkpoint: str, system: str, variant: str, data: str, **more) -> Path:
    """The path of the weights that a user gives: a file, or the training set of shipped weights
    ("ave28").

    data  training set if ``checkpoint`` is ''
    more  decoder, symbols, see :func:`name_of`

    SemcomError, with the shipped ones, if there are no such weights.
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
        f"{what}: no weights of {wanted} for it; {there}: give one with --checkpoint, or a "
        ".safetensors file"
    )
