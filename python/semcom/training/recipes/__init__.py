# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Recipes by the kind of training; ``train.py --system`` selects one.

Another package adds one for its task by an entry point of the group ``gr_semcom.recipes``: named as
the task, its value a :class:`Kind`.
"""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from functools import cache

from ...base.errors import SemcomError
from ...base.options import fields
from ...systems.registry import LOCALISERS, resolve, system
from ..options import (
    ClipConfig,
    DeepSCTraining,
    LabelledConfig,
    LinkConfig,
    M3ETraining,
    QuantisationConfig,
)

CROSS_MODAL = "cml"  # the setting of localisers that has a recipe of its own
SIZES = ("audio_dim", "visual_dim", "height", "width")  # of features


@dataclass(frozen=True)
class Kind:
    """One kind of training.

    recipe       "package.module:Class" of a training.job.JobRecipe; the module needs Torch
    config       its options
    of_the_data  fields of the network's configuration that follow from the data: not options
    """

    recipe: str
    config: type
    of_the_data: tuple[str, ...] = ()


GROUP = "gr_semcom.recipes"
BUILT_IN = {  # task of a system, or kind of localiser -> its kind of training
    "events": Kind(".training.recipes.events:EventsOverLink", LinkConfig, ("terminals", *SIZES)),
    "quantisation": Kind(
        ".training.recipes.quantisation:Quantisation", QuantisationConfig, (*SIZES, "seconds")
    ),
    "text": Kind(".training.recipes.text:TextOverLink", DeepSCTraining),
    "m3e": Kind(".training.recipes.m3e:M3E", M3ETraining),
    "localisation": Kind(".training.recipes.localisation:Localisation", LabelledConfig, SIZES),
    "matching": Kind(".training.recipes.matching:Matching", ClipConfig, SIZES),
}


@cache
def recipes() -> dict[str, Kind]:
    """Every kind of training: those of this package, then those of others."""
    others = {point.name: point.load() for point in importlib.metadata.entry_points(group=GROUP)}
    return others | BUILT_IN


def kind_of(name: str, setting: str = "") -> str:
    """The name of the recipe of a system, or of a localiser in a setting."""
    if name in LOCALISERS:
        return "matching" if setting == CROSS_MODAL else "localisation"
    return system(name).recipe or system(name).task


def entry(name: str, setting: str = "") -> Kind:
    """The kind of training of a system, or of a localiser in a setting; SemcomError if there is
    none."""
    kind = kind_of(name, setting)
    if kind not in recipes():
        raise SemcomError(
            f"--system {name}: its task {kind} has no recipe; expected a task of "
            f"{', '.join(recipes())}"
        )
    return recipes()[kind]


def find(name: str, setting: str = "") -> type:
    """The recipe of a system, or of a localiser in a setting."""
    return resolve(entry(name, setting).recipe)


def having(option: str) -> list[str]:
    """Kinds of training whose configuration has a field of that name."""
    return [kind for kind, each in recipes().items() if option in fields(each.config)]
