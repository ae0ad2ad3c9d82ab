# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Points a minute of processes, beside one of them and beside this process; what a call costs.

.venv/bin/python -m tests.benchmarks.bench_sweep
"""

import contextlib
import os
import pickle
import statistics
import time
from unittest import mock

from gnuradio.semcom.data import SyntheticSet
from gnuradio.semcom.run import runner
from gnuradio.semcom.run.parts import LOT
from gnuradio.semcom.run.scenario import Scenario
from gnuradio.semcom.sweep import hosts, points
from gnuradio.semcom.sweep.cluster import Call, Cluster

ROUNDS = 5
CALLS = 200
SWEEP = [Scenario(system="pilot_ave", checkpoint="ave28", snr=float(n), frames=64)
         for n in range(8)]  # fmt: skip


def pin(cores: dict) -> None:
    """Keep a worker on one core."""
    for thread in os.listdir("/proc/self/task"):
        os.sched_setaffinity(int(thread), {cores[os.getpid()]})


def pinned(cluster: Cluster) -> Cluster:
    """A cluster whose workers have a core each."""
    pids = sorted(cluster.ask(os.getpid).values())
    known = sorted(os.sched_getaffinity(0))
    cluster.ask(pin, {pid: known[n % len(known)] for n, pid in enumerate(pids)})
    return cluster


def rate(work, count: int) -> float:
    """So many things a minute."""
    began = time.perf_counter()
    work()
    return 60 * count / (time.perf_counter() - began)


def row(name: str, unit: str, peer_name: str, goal: float, pairs: list) -> dict:
    low, ratio, high = statistics.quantiles([ours / peer for ours, peer in pairs], n=4)
    ours, peer = (statistics.median(each) for each in zip(*pairs, strict=True))
    return {"name": name, "unit": unit, "ours": ours, "peer_name": peer_name, "peer": peer,
            "ratio": ratio, "quartiles": [low, high], "goal": goal}  # fmt: skip


def rows() -> list:
    clips = SyntheticSet("test")

    def swept(cluster) -> float:
        return rate(lambda: list(points.Sweep(cluster, SWEEP, clips).records()), len(SWEEP))

    def here() -> float:
        return rate(lambda: [runner.run_point(point, clips) for point in SWEEP], len(SWEEP))

    def here_with_threads() -> float:
        with mock.patch.object(runner, "one_thread", contextlib.nullcontext):
            return here()

    def nothing() -> float:
        calls = [Call(n, "", int, (n,)) for n in range(CALLS)]
        return rate(lambda: list(two.results(calls)), CALLS)

    def frame() -> float:
        return rate(lambda: runner.run_point(Scenario(frames=1), clips), 1)

    turns = []
    with Cluster(2) as two, Cluster(1) as one:
        pinned(two), pinned(one)
        measures = [lambda: swept(two), lambda: swept(one), here, here_with_threads, nothing, frame]
        for measure in measures:
            measure()
        turns = [[measure() for measure in measures] for _ in range(ROUNDS)]
    both, single, alone, threads, calls, frames = zip(*turns, strict=True)
    paired = [list(zip(both, peer, strict=True)) for peer in (single, threads, alone)]
    unit = "points/min"
    return [
        row("sweep, 2 workers of a core each", unit, "1 such worker", 1.6, paired[0]),
        row("the same", unit, "one process, Torch with all cores", 1.15, paired[1]),
        row("the same", unit, "one process, Torch with one thread", 1.0, paired[2]),
        row("calls of a cluster that do nothing", "calls/min", "points of one frame, here", 10.0,
            list(zip(calls, frames, strict=True))),
    ]  # fmt: skip


def sizes() -> dict:
    """[bytes] of what travels: a task, the record of a point, and a part of a lot."""
    clips = SyntheticSet("test")
    point = Scenario(snr=5.0, frames=LOT)
    task = points.Task(point, (False, False), hosts.needs(point, clips)[0])
    part = runner.measure(point, clips, (0, LOT))
    record = runner.joined_record(point, clips, [part])
    found = {"task": task, "record": record, f"part of {LOT} frames": part}
    return {name: len(pickle.dumps(each)) for name, each in found.items()}


if __name__ == "__main__":
    print(sizes())
    for found in rows():
        print({k: round(v, 3) if isinstance(v, float) else v for k, v in found.items()})
