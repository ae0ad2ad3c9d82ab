# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Clips a second of the whole link, against the same evaluation in Torch without GNU Radio.

By the clock, where both sides use all cores as they can; and by the processor's time of all
threads, which other programs disturb less.

    .venv/bin/python -m tests.benchmarks link
"""

import time

import numpy as np
from gnuradio.semcom.blocks import guard
from gnuradio.semcom.blocks.clip_source import clip_source
from gnuradio.semcom.chain import reference
from gnuradio.semcom.data import SyntheticSet
from gnuradio.semcom.run.flowgraph import LinkFlowgraph
from gnuradio.semcom.run.scenario import Scenario
from gnuradio.semcom.systems.choice import weights_for
from gnuradio.semcom.systems.loading import shared_system
from gnuradio.semcom.weights.names import shipped

from .turns import compared, in_turns, row, seconds_of

ROUNDS, CLIPS, TIMES = 5, 200, 3  # each clip is sent so often: the start is not what counts


class InMemory:
    """The clips of a set, rendered beforehand: both sides must find them ready."""

    def __init__(self, clips, count):
        self.name, self.classes = clips.name, clips.classes
        self._clips = [(clips.audio(i), clips.visual(i), clips.labels(i)) for i in range(count)]

    def __len__(self):
        return len(self._clips)

    def audio(self, i):
        return self._clips[i][0]

    def visual(self, i):
        return self._clips[i][1]

    def labels(self, i):
        return self._clips[i][2]


CLOCKS = {"clips/s": time.perf_counter, "clips / CPU s": time.process_time}


def both(action) -> np.ndarray:
    """What an action takes, by each of CLOCKS."""
    return seconds_of(action, lambda: np.array([clock() for clock in CLOCKS.values()]))


def link_rows(name: str, point: Scenario, clips) -> list:
    """Rates of the flowgraph and of the Torch evaluation, by each clock."""
    checkpoint = weights_for(point, clips)
    net = shared_system(point.system, checkpoint, point.device)
    frames = range(TIMES * len(clips))

    def ours():
        flowgraph = LinkFlowgraph(point, clip_source(clips, frames=len(frames)), checkpoint)
        return len(frames) / both(lambda: guard.run(flowgraph, poll_s=0.005))

    def peer():
        return len(frames) / both(lambda: reference.outcomes(point, net, clips, frames))

    turns = in_turns(ours, peer, turns=ROUNDS)
    return [
        row(name, unit, "pure-Torch evaluation", 0.9, compared([(a[i], b[i]) for a, b in turns]))
        for i, unit in enumerate(CLOCKS)
    ]


def rows() -> list:
    synthetic = InMemory(SyntheticSet("test"), CLIPS)
    out = link_rows("run_link, synthetic checkpoint", Scenario(snr=10.0), synthetic)
    point = Scenario(
        system="pilot_ave", snr=10.0, checkpoint=str(shipped("pilot_ave", "full", "ave28"))
    )
    return out + link_rows("run_link, ave28 checkpoint", point, synthetic)
