# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Extracts the features of a folder of media files, file by file, so that it can be continued."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import active_children, get_context
from pathlib import Path

import numpy as np
import torch

from ..base.errors import SemcomError
from ..base.files import replacing
from ..media.sources import PICTURES, Second
from ..media.spectrum import RATE
from ..perception.features import extractor
from ..perception.windows import MediaWindows
from . import ave_text

PARTS = "parts"  # subfolder of the output for the features of finished files
SUFFIXES = (".mp4", ".mkv", ".mov", ".webm", ".avi", ".m4v", ".mpg", ".mpeg", ".ts", ".m2ts",
            ".mts", ".vob", ".flv", ".wmv", ".asf", ".3gp", ".ogv", ".wav", ".mp3", ".ogg", ".oga",
            ".opus", ".flac", ".m4a", ".aac", ".wma", ".aif", ".aiff")  # fmt: skip
TEXTS = (ave_text.FILE, *ave_text.SETS.values())
MACS = "._"  # prefix of files in which macOS stores metadata of other files
OURS = re.compile(r".*-[0-9a-f]{16}\.npz|\.semcom-.*", re.DOTALL)  # names of parts


@dataclass(frozen=True)
class Job:
    """A media file to extract: its path, its id, the path of its features, and the options."""

    path: Path
    film: str
    part: Path
    features: str
    weights: Path | None
    seconds: int


def media_files(folder: Path) -> tuple[list[Path], list[str]]:
    """The media files below ``folder`` in order, by their suffixes, and lines that name what was
    skipped.

    SemcomError if the folder does not exist or has no media file.
    """
    if not folder.is_dir():
        raise SemcomError(f"{folder}: no such folder; give one with media files")
    found, lines, others = [], [], Counter()

    def closed(error: OSError) -> None:
        lines.append(f"{error.filename}: cannot be read ({error.strerror})")

    for place, folders, names in os.walk(folder, onerror=closed):
        links = [name for name in folders if Path(place, name).is_symlink()]
        lines += [f"{Path(place, name)}: a link to a folder, not followed" for name in links]
        for path in (Path(place, name) for name in names if name not in TEXTS):
            if path.name.startswith(MACS):
                others[MACS + "*"] += 1
            elif path.suffix.lower() not in SUFFIXES:
                others[path.suffix.lower() or "without one"] += 1
            elif path.is_file():
                found.append(path)
            else:
                lines.append(f"{path}: not a file, or a link to a missing file")
    if macs := others.pop(MACS + "*", 0):
        lines.append(f"{macs} files {MACS}*, in which macOS stores metadata of other files")
    if others:
        kinds = ", ".join(f"{ending} {count}" for ending, count in sorted(others.items()))
        lines.append(f"files whose suffixes are not those of media files: {kinds}")
    if not found:
        raise SemcomError(f"{folder}: no media files ({', '.join(SUFFIXES[:4])}, ...) in it")
    return sorted(found), lines


def jobs(
    folder: Path, paths: list[Path], out: Path, features: str, weights: Path | None, seconds: int
) -> list[Job]:
    """A job for each of the media files ``paths`` below ``folder``.

    The name of its features depends on the file's name, size, time and the options, so that changed
    files are extracted again.
    """
    found, networks = [], [_state(p) for p in sorted(weights.iterdir())] if weights else ()
    for path, film in zip(paths, film_ids(folder, paths), strict=True):
        told = (path.relative_to(folder), *_state(path)[1:], features, seconds, *networks)
        digest = hashlib.sha256(repr(told).encode()).hexdigest()[:16]
        part = out / PARTS / f"{path.stem[:50]}-{digest}.npz"  # names may have 255 bytes
        found.append(Job(path, film, part, features, weights, seconds))
    return found


def _state(path: Path) -> tuple:
    status = path.stat()
    return path.name, status.st_size, status.st_mtime_ns


def written(name: str | Path) -> str:
    """A file name as text; bytes that are not UTF-8 become escapes such as \\xe9."""
    return str(name).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def film_ids(folder: Path, paths: list[Path]) -> list[str]:
    """A unique id for each file: its name without suffix if that is unique, otherwise with its
    folder, otherwise also with its suffix."""
    whole = [Path(written(path.relative_to(folder))) for path in paths]
    ids = [path.as_posix() for path in whole]
    for shorter in ([path.with_suffix("").as_posix() for path in whole], [p.stem for p in whole]):
        times = Counter(shorter)
        ids = [name if times[name] == 1 else id for name, id in zip(shorter, ids, strict=True)]
    if len(set(ids)) < len(ids):
        times, ids = Counter(), [path.as_posix() for path in whole]
        for i, name in enumerate(ids):  # equal only in their escaped form
            times[name] += 1
            ids[i] += f" ({times[name]})" if times[name] > 1 else ""
    return ids


_extractors: dict = {}  # the networks of this process


def extract(job: Job) -> int:
    """Write the features of one file; returns the number N of its windows.

    The file ``job.part`` holds audio [N, T, d_a] float32, visual [N, T, h, w, d_v] float16, and
    lengths [N]: the seconds of each window before it was padded.
    """
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
    """Audio and visual features of a silent black second."""
    black = np.zeros((1, PICTURES, *second.pictures.shape[1:]), np.uint8)
    return net.audio(np.zeros((1, RATE), np.float32)), net.visual(black)


def _filled(values: np.ndarray, seconds: int, fill: np.ndarray) -> np.ndarray:
    """A window [T, ...] padded with ``fill`` [1, ...] to ``seconds``."""
    return np.concatenate([values, *[fill] * (seconds - len(values))])


@contextlib.contextmanager
def _pool(workers: int):
    """A pool of processes, which are killed when this one is stopped."""
    context = get_context("spawn")  # a process with threads cannot be forked safely
    before = set(active_children())
    pool = ProcessPoolExecutor(workers, context, ignore_stop, max_tasks_per_child=64)
    try:
        yield pool
    except (KeyboardInterrupt, GeneratorExit):
        pool.shutdown(wait=False, cancel_futures=True)
        for child in set(active_children()) - before:
            child.kill()
        raise
    finally:
        pool.shutdown()


def ignore_stop() -> None:
    """Ignore Ctrl-C, which a terminal sends to all processes: the main process acts on it."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def extract_all(wanted: list[Job], workers: int) -> Iterator[tuple[Job, str]]:
    """Do all jobs, ``workers`` at a time; yields each job when it ends, with its error or ''.

    A file that crashes its process is an error of that file.
    """
    waiting = [job for job in wanted if not job.part.exists()]
    while waiting:
        with _pool(workers) as pool:
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
                    yield job, _line(job, cause)
        if waiting:  # one of them crashed the process; each is run alone to find it
            yield from _one_by_one(waiting)
            return


def _one_by_one(suspects: list[Job]) -> Iterator[tuple[Job, str]]:
    for job in suspects:
        with _pool(1) as pool:
            try:
                pool.submit(extract, job).result()
                yield job, ""
            except BrokenProcessPool:
                yield job, f"{job.path}: its decoder crashed; convert the file with ffmpeg"
            except (SemcomError, OSError, MemoryError) as cause:
                yield job, _line(job, cause)


def _line(job: Job, cause: Exception) -> str:
    """The error of a file in one line that names the file."""
    if isinstance(cause, SemcomError):
        return str(cause)
    return f"{job.path}: {' '.join(str(cause).split()) or type(cause).__name__}"


def remove_parts(out: Path) -> None:
    """Remove the features of finished files from ``out``, and no other files."""
    folder = out / PARTS
    for path in folder.iterdir() if folder.is_dir() else ():
        if OURS.fullmatch(path.name):
            path.unlink()
    with contextlib.suppress(OSError):  # the folder has other files, or is missing
        folder.rmdir()


def workers_by_default() -> int:
    """Number of this machine's processors, at least 1."""
    return os.cpu_count() or 1
