# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A Dask cluster, of this machine or of others: calls are sent to its workers, and results come
back as they are ready.

Dask does the scheduling, and handles processes that die and hosts that come and go.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import signal
import socket
import time
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing import resource_tracker

from ..base import options
from ..base.errors import SemcomError
from ..base.optional import dask, distributed
from ..base.programs import note
from .options import ClusterOptions

JOIN_S = 60.0  # [s] within which a scheduler must answer and a first worker must be there
CALLS_AHEAD = 8  # calls waiting per worker: few, so that a long sweep needs little memory
DEATHS = 3  # workers that die in the same call, after which it is not tried again
POLL_S = 0.01  # [s] between two looks whether a result has come
WATCH_S = 5.0  # [s] between two looks whether workers are there
LOST_S = 120.0  # [s] without any worker, after which a sweep ends with an error
CLOSE_S = 30.0  # [s] that each step of closing may take
SETTINGS = {
    "distributed.scheduler.allowed-failures": DEATHS - 1,
    "distributed.scheduler.worker-saturation": 1.0,  # so that a death loses one call
    "distributed.admin.tick.limit": "60s",  # fewer warnings: blocks hold the interpreter
}


@dataclass(frozen=True)
class Call:
    """A call of ``function(*arguments)`` on a worker; all of it is pickled.

    key    value by which the caller recognises the result; the cluster does not use it
    label  name of the call for the user
    """

    key: Hashable
    label: str
    function: Callable
    arguments: tuple


@dataclass(frozen=True)
class Died:
    """In the place of a result: the call ended DEATHS workers that tried it.

    line  a message about it for the user
    """

    line: str


class Cluster:
    """Workers, until :meth:`close`.

    workers    number of processes on this machine, each with one thread; used without ``scheduler``
    scheduler  address of a cluster's scheduler, as tcp://HOST:8786

    ``versions`` (see hosts.here) are those that every worker must have, also one that joins later;
    None: any.  SemcomError where no scheduler answers, or no worker is there, within JOIN_S.
    """

    def __init__(self, workers: int = 0, scheduler: str = ""):
        self._own, self._count = None, workers
        local = distributed.LocalCluster  # first: this loads Dask's own settings
        for name in ("distributed", "distributed.client"):  # the second has a level of its own
            logging.getLogger(name).setLevel(logging.CRITICAL)  # this module reports the errors
        with dask.config.set(SETTINGS):
            if not scheduler:
                self._own = _started(local, workers)
            self.client = self._connected(scheduler)
        self._names, self._waiting = itertools.count(), {}
        self.versions = None

    def _connected(self, scheduler: str):
        try:
            client = distributed.Client(self._own or scheduler, timeout=f"{JOIN_S:g}s")
        except (OSError, ValueError) as cause:
            raise SemcomError(
                f"--scheduler {scheduler}: does not answer ({' '.join(str(cause).split())[:200]}); "
                "start one with `dask scheduler`"
            ) from cause
        try:
            client.wait_for_workers(1, timeout=JOIN_S)
        except (TimeoutError, distributed.TimeoutError) as cause:
            client.close()
            raise SemcomError(
                f"--scheduler {scheduler}: has no worker within {JOIN_S:g} s; start some with "
                f"`dask worker --nthreads 1 {scheduler}`"
            ) from cause
        return client

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *how) -> None:
        self.close()

    def close(self) -> None:
        """Drop all calls, disconnect, and end the processes that this cluster started; each step
        takes at most CLOSE_S."""
        for end in (self._forget, self.client.close, *([self._own.close] if self._own else [])):
            with contextlib.suppress(TimeoutError, distributed.TimeoutError):
                end(timeout=CLOSE_S)

    def _forget(self, timeout: float) -> None:
        """Drop all calls that have no result yet; on a cluster of others, cancel them."""
        left = list(self._waiting)
        self._waiting.clear()
        if left and not self._own:
            self.client.cancel(left, force=True)

    def dashboard(self) -> str:
        """Address of Dask's web page about the cluster; '' where there is none (it needs the
        package bokeh)."""
        services = self.client.scheduler_info().get("services", {})
        return self.client.dashboard_link if "dashboard" in services else ""

    def workers(self) -> dict:
        """Address of each worker -> what the scheduler knows of it."""
        return self.client.scheduler_info(n_workers=-1)["workers"]

    def ask(self, function: Callable, *arguments) -> dict:
        """Address of each worker that is there -> result of ``function(*arguments)`` on it, or the
        exception."""
        return self.client.run(function, *arguments, on_error="return")

    def results(self, calls: Iterable[Call]) -> Iterator[tuple[Call, object]]:
        """(call, result) as results are ready.

        Calls are taken from ``calls`` while fewer than CALLS_AHEAD per worker are waiting.  The
        result of a call that ended its workers is :class:`Died`; an exception of a call is raised
        here.
        """
        calls, ready = iter(calls), distributed.as_completed()
        room = max(1, len(self.workers())) * CALLS_AHEAD

        def send(count: int) -> None:
            for call in itertools.islice(calls, count):
                name = f"semcom-{next(self._names)}-{id(self)}"
                asked = (self.versions, call.function, *call.arguments)
                future = self.client.submit(_call, *asked, key=name, pure=False)
                self._waiting[future] = call
                ready.add(future)

        send(room)
        for future in self._watched(ready):
            call = self._waiting.pop(future, None)
            if call is None:
                send(1)
                continue
            if future.cancelled():  # not by drop(): the client has given the scheduler up
                raise SemcomError(
                    f"{call.label}: the scheduler has gone; finished points are kept: start one, "
                    "and continue with --resume"
                )
            if future.status == "error":
                cause = future.exception()
                if not isinstance(cause, distributed.KilledWorker):
                    raise cause
                yield call, Died(_died(call, cause))
            else:
                yield call, future.result()
            send(max(1, room - len(self._waiting)))

    def _watched(self, ready) -> Iterator:
        """Futures as they are ready; SemcomError where no worker has been there for LOST_S.

        Dask's nanny does not restart a process of this machine that died before the nanny knew it
        to be running; it is asked for again here.
        """
        looked = there = time.monotonic()
        while not ready.is_empty():
            now = time.monotonic()
            if ready.has_ready():
                there = now
                yield next(ready)
                continue
            if now >= looked + WATCH_S:
                looked, there = now, now if self.workers() else there
                if now > there + LOST_S:
                    raise SemcomError(
                        f"no worker has been there for {LOST_S:g} s; finished points are kept: "
                        "start workers, and continue with --resume"
                    )
                if self._own:
                    self._own.scale(self._count)
            time.sleep(POLL_S)

    def drop(self, unwanted: Callable[[Call], bool]) -> None:
        """Cancel the calls without a result for which ``unwanted(call)`` is true."""
        gone = [future for future, call in self._waiting.items() if unwanted(call)]
        for future in gone:
            del self._waiting[future]
        self.client.cancel(gone, force=True)


def _call(versions: dict | None, function: Callable, *arguments):
    """Result of ``function(*arguments)``, on a worker; SemcomError where the worker's versions are
    not ``versions``."""
    if versions is not None:
        from .hosts import asked, check_versions

        check_versions(asked(), versions)
    return function(*arguments)


def _died(call: Call, cause) -> str:
    where = getattr(cause.last_worker, "address", "")
    return (
        f"{call.label}: ended {DEATHS} workers that tried it, the last at {where}; "
        "it is left out: run it by itself to see why (memory?)"
    )


def _started(local, workers: int):
    """A cluster of processes of this machine; Ctrl-C, which a terminal sends to all processes, is
    for this one alone."""
    resource_tracker.ensure_running()  # begun later, it would unblock the signal again
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:  # Dask's thread, and the processes that it starts now and later, inherit what is blocked
        return local(
            n_workers=workers, threads_per_worker=1, processes=True, memory_limit=0,
            dashboard_address=_dashboard(), silence_logs=logging.CRITICAL,
        )  # fmt: skip
    except (RuntimeError, OSError) as cause:
        raise SemcomError(
            f"--workers {workers}: the processes could not be started ({cause}); give fewer, or "
            "leave it out to see why"
        ) from cause
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _dashboard() -> str:
    """Dask's usual port if nobody has it, any other else."""
    with socket.socket() as probe:
        return ":8787" if probe.connect_ex(("127.0.0.1", 8787)) else ":0"


def opened(given: ClusterOptions) -> Cluster | None:
    """The cluster that the options name; None if they name none, and this process does all of the
    work.

    Workers whose versions differ from those of this process are a SemcomError; the dashboard's
    address is printed.
    """
    if not given.wanted:
        return None
    from .hosts import compare, here  # not for a program's --help: has Torch

    cluster = Cluster(given.workers, given.scheduler)
    try:
        compare(cluster)
        cluster.versions = here()
    except BaseException:
        cluster.close()
        raise
    if link := cluster.dashboard():
        note(f"{len(cluster.workers())} workers; {link}")
    return cluster


def options_of(args) -> ClusterOptions:
    """The options of a program's command line; SemcomError for one without effect."""
    given = options.given(args, ClusterOptions)
    point = ClusterOptions(**given)
    options.check_given(point, given)
    return point
