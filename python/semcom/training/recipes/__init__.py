# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Recipes by the kind of training; ``apps/train.py --system`` picks one."""

from __future__ import annotations

from ...base.errors import SemcomError
from ...systems.registry import LOCALISERS, resolve, system

CROSS_MODAL = "cml"  # the setting of localisers that has a recipe of its own
RECIPES = {  # task of a system, or kind of localiser -> what trains it
    "events": ".training.recipes.events:EventsOverLink",
    "text": ".training.recipes.text:TextOverLink",
    "localisation": ".training.recipes.localisation:Localisation",
    "matching": ".training.recipes.matching:Matching",
}


def kind_of(name: str, setting: str = "") -> str:
    """Which recipe trains a system, or a localiser in a setting."""
    if name in LOCALISERS:
        return "matching" if setting == CROSS_MODAL else "localisation"
    return system(name).task


def find(name: str, setting: str = "") -> type:
    """The recipe of a system, or of a localiser in a setting, or one line that there is none."""
    kind = kind_of(name, setting)
    if kind not in RECIPES:
        raise SemcomError(
            f"--system {name}: its task {kind} has no recipe; expected a task of "
            f"{', '.join(RECIPES)}"
        )
    return resolve(RECIPES[kind])


def having(option: str) -> list[str]:
    """Kinds of training whose configuration has a field of that name."""
    fields = {kind: resolve(place).Config.__dataclass_fields__ for kind, place in RECIPES.items()}
    return [kind for kind, names in fields.items() if option in names]
