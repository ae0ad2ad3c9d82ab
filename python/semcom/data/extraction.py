# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A folder of media files to a folder in the AVE layout, file by file, so that it can go on after
a stop."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from ..base.errors import SemcomError
from ..base.files import replacing
from ..media.sources import PICTURES, Second
from ..media.spectrum import RATE
from ..perception.features import extractor
from ..perception.windows import MediaWindows

PARTS = "parts"  # folder, in the one that is written, of what is done
SUFFIXES = (".mp4", ".mkv", ".mov", ".webm", ".avi", ".m4v", ".mpg", ".mpeg", ".ts", ".flv",
            ".wmv", ".3gp", ".ogv", ".wav", ".mp3", ".ogg", ".flac", ".m4a")  # fmt: skip


@dataclass(frozen=True)
class Job:
    """A file, its id, the place of its features, and how to make them."""

    path: Path
    film: str
    part: Path
    features: str
    weights: Path | None
    seconds: int


def media_files(folder: Path) -> list[Path]:
    """Files below ``folder`` whose names end as media files' do, in order."""
    if not folder.is_dir():
        raise SemcomError(f"{folder}: no such folder; give one with media files")
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not found:
        raise SemcomError(f"{folder}: no media files ({', '.join(SUFFIXES[:4])}, ...) in it")
    return found


def jobs(folder: Path, out: Path, features: str, weights: Path | None, seconds: int) -> list[Job]:
    """One for each media file; its part is named after the file, its size, its time and the
    options, so that what has changed is done again."""
    found, paths = [], media_files(folder)
    for path, film in zip(paths, film_ids(folder, paths), strict=True):
        status = path.stat()
        told = (path.relative_to(folder), status.st_size, status.st_mtime_ns, features, seconds)
        digest = hashlib.sha256(repr(told).encode()).hexdigest()[:16]
        part = out / PARTS / f"{path.stem[:50]}-{digest}.npz"  # names have 255 bytes at most
        found.append(Job(path, film, part, features, weights, seconds))
    return found


def film_ids(folder: Path, paths: list[Path]) -> list[str]:
    """A name for each file: the file's without its ending where that is the only one of its kind,
    else with its folder, else with its ending, too."""
    whole = [path.relative_to(folder) for path in paths]
    ids = [path.as_posix() for path in whole]
    for shorter in ([path.with_suffix("").as_posix() for path in whole], [p.stem for p in whole]):
        times = Counter(shorter)
        ids = [name if times[name] == 1 else id for name, id in zip(shorter, ids, strict=True)]
    return ids if len(set(ids)) == len(ids) else [path.as_posix() for path in whole]


_extractors: dict = {}  # of this process


def extract(job: Job) -> int:
    """Write the features of one file; returns its windows.  Audio [N, T, d_a] float32, visual
    [N, T, h, w, d_v] float16, and how many seconds of each window there were."""
    torch.set_num_threads(1)
    wanted = (job.features, job.weights)
    if wanted not in _extractors:
        _extractors[wanted] = extractor(*wanted)
    net = _extractors[wanted]
    windows = list(MediaWindows([job.path], net, job.seconds))
    lengths = [len(window.seconds) for window in windows]
    nothing = _nothing(net, windows[0].seconds[0])
    audio, visual = (
        np.stack([_filled(part, job.seconds, fill) for part in parts])
        for parts, fill in zip(
            ([w.audio for w in windows], [w.visual for w in windows]), nothing, strict=True
        )
    )
    job.part.parent.mkdir(parents=True, exist_ok=True)
    with replacing(job.part) as temporary:
        np.savez(temporary, audio=audio, visual=visual.astype(np.float16), lengths=lengths)
    return len(windows)


def _nothing(net, second: Second) -> tuple[np.ndarray, np.ndarray]:
    """Features of a silent black second."""
    black = np.zeros((1, PICTURES, *second.pictures.shape[1:]), np.uint8)
    return net.audio(np.zeros((1, RATE), np.float32)), net.visual(black)


def _filled(values: np.ndarray, seconds: int, fill: np.ndarray) -> np.ndarray:
    """A window [T, ...] with ``fill`` [1, ...] behind it until it has ``seconds``."""
    return np.concatenate([values, *[fill] * (seconds - len(values))])


def extract_all(wanted: list[Job], workers: int) -> Iterator[tuple[Job, str]]:
    """Do all jobs, ``workers`` at a time -> each job as it ends, with what went wrong or ''.

    A file that makes its process crash is one that went wrong, too.
    """
    waiting = [job for job in wanted if not job.part.exists()]
    while waiting:
        context = get_context("spawn")  # of a process with threads none can be forked
        with ProcessPoolExecutor(workers, context, max_tasks_per_child=64) as pool:
            running = {pool.submit(extract, job): job for job in waiting}
            waiting = []
            for future in as_completed(running):
                job = running[future]
                try:
                    future.result()
                    yield job, ""
                except BrokenProcessPool:
                    waiting.append(job)
                except (SemcomError, OSError, MemoryError) as cause:
                    yield job, str(cause)
        if waiting:  # one of them is to blame: alone, each shows whether it is
            yield from _one_by_one(waiting)
            return


def _one_by_one(suspects: list[Job]) -> Iterator[tuple[Job, str]]:
    for job in suspects:
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            try:
                pool.submit(extract, job).result()
                yield job, ""
            except BrokenProcessPool:
                yield job, f"{job.path}: its decoder crashed; convert the file with ffmpeg"
            except (SemcomError, OSError, MemoryError) as cause:
                yield job, str(cause)


def workers_by_default() -> int:
    return os.cpu_count() or 1
