# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What all hosts of a sweep must have in common: versions, weights, sets.

Hosts need not share a file system.  Weights are taken from the path in the options if they have the
right content there, otherwise from models/; a set is taken from the path in the options if that
exists, otherwise from a folder of SETS_VARIABLE.
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

import torch

from ..base.errors import SemcomError
from ..base.files import sha256
from ..base.programs import note
from ..data import clipset
from ..run.budget import model_for
from ..run.records import versions
from ..run.scenario import Scenario
from ..systems.choice import error_free_weights
from ..systems.loading import parted
from ..weights.names import models_folder

SETS_VARIABLE = "SEMCOM_SETS"  # environment variable: folders of sets, separated by colons
COMPARED = ("semcom", "sources", "torch", "gnuradio", "numpy")
PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Needs:
    """Files that a point needs, by their content.

    weights   SHA-256 of its weights; '': it has none
    free      SHA-256 of the weights without a channel beside them; '': there are none
    set       digest of its set, see :func:`.clipset.digest`
    set_name  name of its set
    """

    weights: str
    free: str
    set: str
    set_name: str


@functools.cache
def here() -> dict:
    """Versions of this process: those of run.records.versions, "sources", a digest of the module's
    Python files (12 hex digits), and "processor", the instruction set that Torch uses."""
    told = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        told.update(f"{path.relative_to(PACKAGE)}".encode() + path.read_bytes())
    sources = {"sources": told.hexdigest()[:12]}
    return {**versions(), **sources, "processor": torch.backends.cpu.get_cpu_capability()}


def name_here() -> str:
    """Name of this host and process, for messages."""
    return f"worker {socket.gethostname()} ({os.getpid()})"


def asked() -> dict:
    """:func:`here`, and "name", that of the worker; it is called on each worker."""
    return {**here(), "name": name_here()}


def check_versions(told: dict, ours: dict, where: str = "") -> None:
    """SemcomError if the versions ``told`` by a worker (:func:`asked`) differ from ``ours`` in one
    of COMPARED.  where: added to the worker's name in the message."""
    for name in COMPARED:
        if told[name] != ours[name]:
            raise SemcomError(
                f"{told['name']}{where}: has {name} {told[name]}, this process has {ours[name]}; "
                "install the same there"
            )


def compare(cluster) -> None:
    """SemcomError that names the first worker that cannot load this module, whose versions differ,
    or that has several threads; a note where the processor differs, because last digits may
    then."""
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
    """SHA-256 of a file in hex digits; a file of the same size and time of change is read only
    once."""
    known = os.stat(path)
    return _digest(str(path), known.st_size, known.st_mtime_ns)


def needs(point: Scenario, clips) -> tuple[Needs, str]:
    """What a point needs, by the files of this process, and the path of its weights ('': none)."""
    model = model_for(point, clips)
    weights, free = parted(model)[0], error_free_weights(point, model)
    known = [digest(path) if path else "" for path in (weights, free)]
    return Needs(*known, clipset.digest(clips), clips.name), weights


def check_set(point: Scenario, clips, wanted: Needs) -> None:
    """SemcomError if the set on this host differs from that where the sweep was started."""
    if (clipset.digest(clips), clips.name) != (wanted.set, wanted.set_name):
        found = ", ".join(point.media) or point.data or "this version"
        raise lacks(
            f"the set {wanted.set_name} as it is where the sweep was started",
            f"what lies in {found} is another one: copy it from there",
        )


def check(point: Scenario, clips, wanted: Needs) -> None:
    """SemcomError if the set, or the weights without a channel, on this host differ from those that
    a point needs."""
    check_set(point, clips, wanted)
    found, weights = needs(point, clips)
    if found.free != wanted.free:
        raise lacks(
            f"the weights without a channel beside {weights}, of SHA-256 "
            f"{wanted.free[:12] or 'none'}", "copy the folder from where the sweep was started"
        )  # fmt: skip


def lacks(what: str, remedy: str) -> SemcomError:
    """An error, in one line, that names this worker, what it lacks and the remedy."""
    return SemcomError(f"{name_here()}: lacks {what}; {remedy}")


def found_set(point: Scenario, wanted: Needs) -> Scenario:
    """The point with the folder of its set on this host: that of the options, or the set's name in
    a folder of SETS_VARIABLE; SemcomError if neither exists.  The content is not looked at, see
    :func:`check_set`."""
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
    """Path of a link to weights in a folder of its own, without the weights without a channel that
    are beside them on this host but not where the sweep was started."""
    folder = tempfile.TemporaryDirectory(prefix="semcom-")
    atexit.register(folder.cleanup)
    link = Path(folder.name, path.name)
    link.symlink_to(path.resolve())
    return link


def found_weights(point: Scenario, wanted: Needs) -> Scenario:
    """The point with the path of its weights on this host: that of the options, or the same name in
    models/, whichever has the right SHA-256; SemcomError if neither has."""
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
