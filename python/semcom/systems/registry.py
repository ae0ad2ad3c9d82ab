# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The systems, tasks and localisers by name; other packages add theirs by entry points.

A system has a line here, or an entry point of the group ``gr_semcom.systems`` in a package of its
own whose value is an :class:`Entry`.  Networks and tasks are named by module and class, and
imported when they are first used: a program's ``--help`` needs none of them.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from dataclasses import dataclass, field, fields
from functools import cache

from ..base.errors import SemcomError

SYSTEM_GROUP, TASK_GROUP = "gr_semcom.systems", "gr_semcom.tasks"
DEFAULT_SYSTEM = "pilot_ave_plus"  # of the programs, the blocks and the flowgraphs
AUDIO_VISUAL = {  # variant -> terminals that send
    "full": ("audio", "video"),
    "audio_only": ("audio",),
    "video_only": ("video",),
    "no_estimation": ("audio", "video"),
    "error_free": ("audio", "video"),
}


@dataclass(frozen=True)
class Entry:
    """The entry of a system in the registry.

    name      name in options, records and names of weights
    number    number in burst headers, 0 to 255; fixed for ever, never used for another system
    task      name of its task
    other_tasks  names of further tasks, for --task
    net       "package.module:Class"; a leading dot means a module of this package
    variants  {variant: terminals that send}
    weights   False: the system has no weights and is made from its options
    options   names of the options that only some systems use and this one does
    recipe    kind of training, if it is not that of its task
    fallback  training set of the shipped weights that are used for any set; '': none
    """

    name: str
    number: int
    task: str
    net: str
    variants: dict[str, tuple[str, ...]] = field(default_factory=lambda: {"full": ()})
    weights: bool = True
    options: tuple[str, ...] = ()
    fallback: str = ""
    other_tasks: tuple[str, ...] = ()
    recipe: str = ""

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of all its tasks, the default first."""
        return self.task, *self.other_tasks

    @property
    def cls(self) -> type:
        """The class of the system, which is imported; SemcomError if it is not derived from
        System."""
        from ..nets.system import System  # not for a program's --help: has Torch

        found = resolve(self.net)
        if not (isinstance(found, type) and issubclass(found, System)):
            raise SemcomError(
                f"system {self.name!r}: {self.net} is {found!r}, expected a class derived from "
                "semcom.nets.system.System; mend or uninstall its package"
            )
        return found


BUILT_IN = (
    Entry("pilot_ave_plus", 0, "events", ".nets.pilot_ave_plus:PilotAvePlus", AUDIO_VISUAL,
          options=("symbols", "by_content")),
    Entry("pilot_ave", 1, "events", ".nets.pilot_ave:PilotAve", AUDIO_VISUAL,
          options=("symbols", "decoder")),
    Entry("digital", 3, "events", ".systems.digital:Digital",
          {name: AUDIO_VISUAL[name] for name in ("full", "audio_only", "video_only")},
          weights=False, other_tasks=("media",),
          options=("source", "quality", "bitrate", "size", "picture_rate", "code")),
    Entry("digital_features", 4, "events", ".nets.digital_features:DigitalFeatures",
          {"full": ("audio", "video")}, options=("bits", "code"), recipe="quantisation"),
    Entry("digital_text", 5, "text", ".systems.digital_text:DigitalText", {"full": ("text",)},
          weights=False, options=("source", "code")),
    Entry("m3e_vsc", 6, "media", ".systems.m3e_vsc:M3EVSC", {"full": ("media",)},
          options=("without", "only", "key_frames", "picture_symbols"), fallback="films",
          recipe="m3e"),
    Entry("deepsc", 2, "text", ".nets.deepsc:DeepSC", {"full": ("text",)}, fallback="captions"),
)  # fmt: skip
BUILT_IN_TASKS = {
    "events": ".tasks.events:EventsTask",
    "media": ".tasks.media:MediaTask",
    "text": ".tasks.text:TextTask",
}
LOCALISERS = {  # no radio
    "avel": ".nets.localisers:AVEL",
    "psp": ".nets.localisers:PSPLocaliser",
    "coattention": ".nets.coattention:CoAttention",
    "vscg": ".nets.localisers:VSCG",
    "span": ".nets.span_localiser:SpanLocaliser",
}
CONFIGS = {  # of systems and localisers whose configuration is at hand without Torch
    "pilot_ave_plus": ".nets.configs:PilotAvePlusConfig",
    "pilot_ave": ".nets.configs:PilotAveConfig",
    "deepsc": ".nets.configs:DeepSCConfig",
    "m3e_vsc": ".nets.configs:M3EConfig",
    "digital_features": ".nets.configs:DigitalFeaturesConfig",
    "avel": ".nets.configs:AVELConfig",
    "psp": ".nets.configs:PSPConfig",
    "coattention": ".nets.configs:CoAttentionConfig",
    "vscg": ".nets.configs:VSCGConfig",
    "span": ".nets.configs:SpanConfig",
}


def resolve(place: str):
    """The object of "package.module:name"; SemcomError if another package's cannot be imported,
    whatever its import raises."""
    module, _, name = place.partition(":")
    try:
        return getattr(importlib.import_module(module, __package__.rpartition(".")[0]), name)
    except Exception as cause:
        if place.startswith("."):
            raise
        raise SemcomError(
            f"{place}: cannot be imported ({type(cause).__name__}: {cause}); mend or uninstall its "
            "package"
        ) from cause


@cache
def systems() -> dict[str, Entry]:
    """Every system by its name: those of this package, then those of others."""
    found = {entry.name: entry for entry in BUILT_IN}
    numbers = {entry.number: entry.name for entry in BUILT_IN}
    for point in importlib.metadata.entry_points(group=SYSTEM_GROUP):
        entry = resolve(point.value)
        if not isinstance(entry, Entry):
            raise SemcomError(
                f"{point.value}: is {entry!r}, expected a semcom.systems.registry.Entry; mend or "
                "uninstall its package"
            )
        if entry.name in found or entry.number in numbers or not 0 <= entry.number < 256:
            raise SemcomError(
                f"system {entry.name!r} ({point.value}): its name or number {entry.number} is "
                "taken, or out of 0 to 255; choose others"
            )
        found[entry.name], numbers[entry.number] = entry, entry.name
    return found


def system(name: str) -> Entry:
    """The entry of a system; SemcomError, with the known names, for an unknown one."""
    if name not in systems():
        raise SemcomError(f"system {name!r}: unknown, expected one of {', '.join(systems())}")
    return systems()[name]


def places(built_in: dict[str, str], group: str) -> dict[str, str]:
    """{name: "package.module:name"} of the built-in ones, then of those of other packages."""
    found = dict(built_in)
    for point in importlib.metadata.entry_points(group=group):
        found.setdefault(point.name, point.value)
    return found


@cache
def task(name: str):
    """The task ``name``; SemcomError if there is none."""
    known = places(BUILT_IN_TASKS, TASK_GROUP)
    if name not in known:
        raise SemcomError(f"task {name!r}: unknown, expected one of {', '.join(known)}")
    return resolve(known[name])()


def task_of(name: str, chosen: str = ""):
    """The task of a system: the ``chosen`` one of its tasks, or its first."""
    return task(chosen or system(name).task)


def topology_of(name: str):
    """The topology of a system's variant "full"; loads no weights."""
    return system(name).cls.full_topology


def settings_of(point, **more):
    """The settings of the system of a point, from its options of the same names and ``more``; None
    if the system has no settings."""
    kind = system(point.system).cls.Settings
    if kind is None:
        return None
    names = {item.name for item in fields(kind)}
    chosen = {name: getattr(point, name) for name in names if hasattr(point, name)} | more
    return kind(**{name: value for name, value in chosen.items() if value != ""})


def localiser(name: str) -> type:
    """The class of the localiser ``name``; SemcomError if there is none."""
    if name not in LOCALISERS:
        raise SemcomError(f"localiser {name!r}: unknown, expected one of {', '.join(LOCALISERS)}")
    return resolve(LOCALISERS[name])


def classes() -> dict[str, type]:
    """{name: class} of all systems and localisers, which weights may belong to."""
    learned = {name: entry.cls for name, entry in systems().items() if entry.weights}
    return learned | {name: resolve(place) for name, place in LOCALISERS.items()}


def config_of(name: str) -> type:
    """The class of the configuration of a system or localiser; does not load Torch if possible."""
    return resolve(CONFIGS[name]) if name in CONFIGS else classes()[name].Config
