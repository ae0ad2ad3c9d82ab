# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Units of work: missing ones are done, and their results kept, so that none is done twice.

A store answers ``key in store`` and ``store[key]`` and takes ``store.add(key, result)``:
:class:`Records` keeps JSON records in one file, ``trainings.Trainings`` a folder for each
checkpoint.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

from gnuradio.semcom.base import screen
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.base.files import make_folder, replacing
from gnuradio.semcom.run.records import SCHEMA, read
from gnuradio.semcom.sweep.cluster import Call, Died
from gnuradio.semcom.sweep.points import Sweep
from rich.progress import Progress

STOPPED = "the same command resumes after the last finished unit"


@dataclass(frozen=True)
class Unit:
    """One piece of work.

    key    identifies it by content
    label  its name beside the progress bar
    work   function that does it and returns the result; it calls its argument with the share done
    link   (point, clips) if the result is the record of a point of the link
    call   (function of a module, arguments) that return the same result in any process
    """

    key: Hashable
    label: str
    work: Callable[[Callable[[float], None]], object]
    link: tuple | None = None
    call: tuple | None = None


def recorded(key: str, label: str, measure: Callable[[], dict]) -> Unit:
    """A unit whose record contains its key, for :class:`Records`."""
    return Unit(key, label, lambda advance: {"key": key, **measure()})


def keyed(key: str, measure: Callable, *arguments) -> dict:
    """The result of ``measure(*arguments)`` as a record with its key, for a unit's ``call``."""
    return {"key": key, **measure(*arguments)}


class Records:
    """Results of units: a file with one JSON object per line, which is replaced atomically.

    path    the file; SemcomError if it exists and holds something else
    key_of  function that returns the key of a record; by default its field "key"
    """

    def __init__(self, path, key_of: Callable[[dict], Hashable] = itemgetter("key")):
        self.path, self.key_of = Path(path), key_of
        self._records, self._lines = {}, []
        if self.path.exists():
            self._read()

    def _read(self) -> None:
        try:
            for record in read(self.path):
                self._keep(self.key_of(record), record)
        except (KeyError, TypeError, AttributeError) as cause:
            raise SemcomError(
                f"{self.path}: holds no records of finished units ({cause}); move it away"
            ) from cause

    def _keep(self, key: Hashable, record: dict) -> None:
        self._records[key] = record
        self._lines.append(json.dumps(record, allow_nan=False))

    def __contains__(self, key: Hashable) -> bool:
        return key in self._records

    def __getitem__(self, key: Hashable) -> dict:
        return self._records[key]

    def __len__(self) -> int:
        return len(self._records)

    def add(self, key: Hashable, record: dict) -> None:
        """Keep a record in memory and on disk."""
        if self.key_of(record) != key:
            raise ValueError(f"{self.path}: a unit's record has another key than the unit, {key}")
        self._keep(key, record)
        make_folder(self.path.parent)
        with replacing(self.path) as temporary:
            lines = ",\n".join(self._lines)
            text = f'{{"schema": {SCHEMA}, "records": [\n{lines}\n]}}\n'
            Path(temporary).write_text(text, encoding="utf-8")


_cluster = None


@contextlib.contextmanager
def shared(cluster):
    """Context in which units that have ``link`` or ``call`` are done by a cluster (None: by
    none)."""
    global _cluster
    _cluster = cluster
    try:
        yield
    finally:
        _cluster = None


def complete(title: str, units: Iterable[Unit], store, workers: int = 1) -> list:
    """Results of the units, in their order.

    Units missing in ``store`` are done with a progress bar, ``workers`` at a time in threads, and
    each result is kept when it is finished.
    """
    units = list(units)
    different = {unit.key: unit for unit in units}
    missing = [unit for key, unit in different.items() if key not in store]
    with screen.bar() as bar:
        done = len(different) - len(missing)
        task = bar.add_task(title, total=len(different), completed=done)
        for unit, result in _results(missing, workers, bar, task):
            store.add(unit.key, result)
            done += 1
            bar.update(task, completed=done)
    return [store[unit.key] for unit in units]


def _results(units: list, workers: int, bar: Progress, task):
    """Yield (unit, result) as units finish; after a failure no further unit is started."""
    if _cluster:
        yield from _on_cluster([unit for unit in units if unit.link or unit.call])
        units = [unit for unit in units if not (unit.link or unit.call)]
    if workers == 1:  # in this thread, so that Ctrl-C ends the unit
        for unit in units:
            bar.update(task, description=unit.label)
            yield unit, unit.work(lambda share: bar.advance(task, share))
        return
    pool = ThreadPoolExecutor(workers)
    try:
        futures = {pool.submit(unit.work, lambda share: None): unit for unit in units}
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _on_cluster(units: list):
    """Yield (unit, result) as units finish.  For a unit that killed the workers that tried it a
    line is printed, and SemcomError is raised at the end."""
    died = []
    for clips in {id(unit.link[1]): unit.link[1] for unit in units if unit.link}.values():
        mine = [unit for unit in units if unit.link and unit.link[1] is clips]
        sweep = Sweep(_cluster, [unit.link[0] for unit in mine], clips)
        for number, result in sweep.records():
            if isinstance(result, Died):
                died.append(result.line)
            else:
                yield mine[number], result
    calls = [Call(unit, unit.label, *unit.call) for unit in units if unit.call]
    for call, result in _cluster.results(calls):
        if isinstance(result, Died):
            died.append(result.line)
        else:
            yield call.key, result
    if died:
        raise SemcomError("; ".join(died))
