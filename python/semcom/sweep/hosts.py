# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What all hosts of a sweep must have in common: versions, weights, sets.

Hosts need not share a file system: a file is taken from where the options name it, or else from the
host's own folders, by its content.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import os
import socket
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from ..base.errors import SemcomError
from ..base.files import sha256
from ..base.programs import note
from ..data.clipset import fingerprint
from ..run.budget import model_for
from ..run.records import versions
from ..run.scenario import Scenario
from ..systems.choice import error_free_weights
from ..systems.loading import parted
from ..weights.names import models_folder

SETS_VARIABLE = "SEMCOM_SETS"  # folders in which a host has sets, between colons
COMPARED = ("semcom", "sources", "torch", "gnuradio", "numpy")
LOOKED_AT = 8  # clips whose features tell a set from others
PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Needs:
    """Files by content that a point needs: digests of its weights, of those without a channel ('':
    none) and of its set, and the set's name."""

    weights: str
    free: str
    set: str
    set_name: str


@functools.cache
def here() -> dict:
    """Versions of this process, with a digest of the module's sources, and what processor Torch
    takes it for."""
    told = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        told.update(f"{path.relative_to(PACKAGE)}".encode() + path.read_bytes())
    sources = {"sources": told.hexdigest()[:12]}
    return {**versions(), **sources, "processor": torch.backends.cpu.get_cpu_capability()}


def name_here() -> str:
    """This host and process, for the user."""
    return f"worker {socket.gethostname()} ({os.getpid()})"


def asked() -> dict:
    """What a worker says of itself."""
    return {**here(), "name": name_here()}


def check_versions(told: dict, ours: dict, where: str = "") -> None:
    """SemcomError that names a worker, by what :func:`asked` says of it, whose versions are not
    ``ours``."""
    for name in COMPARED:
        if told[name] != ours[name]:
            raise SemcomError(
                f"{told['name']}{where}: has {name} {told[name]}, this process has {ours[name]}; "
                "install the same there"
            )


def compare(cluster) -> None:
    """SemcomError that names the first worker whose versions differ, or that has several threads;
    a note where a processor does, for last digits may then."""
    ours, processors = here(), set()
    threads = {address: told["nthreads"] for address, told in cluster.workers().items()}
    for address, told in cluster.ask(asked).items():
        if isinstance(told, Exception):
            raise SemcomError(
                f"worker {address}: cannot load gr-semcom ({' '.join(str(told).split())[:200]}); "
                "start it with the Python that has it"
            )
        check_versions(told, ours, f" at {address}")
        if threads.get(address, 1) != 1:
            raise SemcomError(
                f"{told['name']} at {address}: {threads[address]} threads, expected 1; start it "
                "with --nthreads 1, and more of them with --nworkers"
            )
        if told["processor"] != ours["processor"]:
            processors.add(f"{told['name']} has {told['processor']}")
    if processors:
        note(
            f"this processor has {ours['processor']}, {'; '.join(sorted(processors))}: last digits "
            "may differ (docs/clusters.md)"
        )


@functools.lru_cache(maxsize=256)
def _digest(path: str, size: int, changed: int) -> str:
    return sha256(path)


def digest(path) -> str:
    """SHA-256 of a file, read once."""
    known = os.stat(path)
    return _digest(str(path), known.st_size, known.st_mtime_ns)


@functools.lru_cache(maxsize=8)
def set_digest(clips) -> str:
    """What tells a set from others: how many clips it has, and what some of them are."""
    told = hashlib.sha256(f"{len(clips)} {fingerprint(clips)}".encode())
    for i in np.unique(np.linspace(0, len(clips) - 1, LOOKED_AT).astype(int)) if len(clips) else ():
        for kind in ("audio", "visual", "text"):
            if hasattr(clips, kind) and not hasattr(clips, "media"):
                told.update(np.ascontiguousarray(getattr(clips, kind)(int(i))).tobytes())
    return told.hexdigest()


def needs(point: Scenario, clips) -> tuple[Needs, str]:
    """What a point needs, as this process has it, and the path of its weights ('': none)."""
    model = model_for(point, clips)
    weights, free = parted(model)[0], error_free_weights(point, model)
    known = [digest(path) if path else "" for path in (weights, free)]
    return Needs(*known, set_digest(clips), clips.name), weights


def check_set(point: Scenario, clips, wanted: Needs) -> None:
    """SemcomError if the set of this host is not that where the sweep was started."""
    if (set_digest(clips), clips.name) != (wanted.set, wanted.set_name):
        raise lacks(
            f"the set {wanted.set_name} as it is where the sweep was started",
            f"what lies in {point.data or 'this version'} is another one: copy it from there",
        )


def check(point: Scenario, clips, wanted: Needs) -> None:
    """SemcomError if what this host has is not what a point needs."""
    check_set(point, clips, wanted)
    found, weights = needs(point, clips)
    if found.free != wanted.free:
        raise lacks(
            f"the weights without a channel beside {weights}, of SHA-256 "
            f"{wanted.free[:12] or 'none'}", "copy the folder from where the sweep was started"
        )  # fmt: skip


def lacks(what: str, remedy: str) -> SemcomError:
    """One line that names this worker and the file."""
    return SemcomError(f"{name_here()}: lacks {what}; {remedy}")


def found_set(point: Scenario, wanted: Needs) -> Scenario:
    """The point with the folder of its set on this host."""
    if not point.data or Path(point.data).exists():
        return point
    folders = filter(None, os.environ.get(SETS_VARIABLE, "").split(os.pathsep))
    for folder in folders:
        if (path := Path(folder, wanted.set_name)).exists():
            return replace(point, data=str(path))
    raise lacks(
        f"the set {point.data}",
        f"put it there, or as {wanted.set_name} into a folder that {SETS_VARIABLE} names",
    )


@functools.cache
def _alone(path: Path) -> Path:
    """Weights in a folder without others, as they lie where the sweep was started: those trained
    without a channel may be beside them here."""
    folder = tempfile.TemporaryDirectory(prefix="semcom-")
    atexit.register(folder.cleanup)
    link = Path(folder.name, path.name)
    link.symlink_to(path.resolve())
    return link


def found_weights(point: Scenario, wanted: Needs) -> Scenario:
    """The point with the path of its weights on this host."""
    if not wanted.weights:
        return point
    named = Path(point.checkpoint)
    for path in (named, models_folder() / named.name):
        if path.is_file() and digest(path) == wanted.weights:
            return replace(point, checkpoint=str(path if wanted.free else _alone(path)))
    raise lacks(
        f"the weights {named.name} of SHA-256 {wanted.weights[:12]}",
        f"put them into {models_folder()}, or where --checkpoint names them",
    )
