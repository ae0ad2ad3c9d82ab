# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Clips per second of the whole link, against the same evaluation in Torch without GNU Radio."""

import statistics
import time

from gnuradio.semcom.blocks import guard
from gnuradio.semcom.blocks.clip_source import clip_source
from gnuradio.semcom.chain import reference
from gnuradio.semcom.data import SyntheticSet
from gnuradio.semcom.run.flowgraph import LinkFlowgraph
from gnuradio.semcom.run.scenario import Scenario
from gnuradio.semcom.systems.choice import weights_for
from gnuradio.semcom.systems.loading import shared_system
from gnuradio.semcom.weights.names import shipped

ROUNDS = 5


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


def seconds(action) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def row(name: str, point: Scenario, clips) -> dict:
    """Median rates of the flowgraph and of the Torch evaluation, run in turn."""
    checkpoint = weights_for(point, clips)
    net = shared_system(point.system, checkpoint, point.device)
    frames = range(len(clips))
    ours, peer = [], []
    for _ in range(ROUNDS):
        flowgraph = LinkFlowgraph(point, clip_source(clips), checkpoint)
        ours.append(len(clips) / seconds(lambda f=flowgraph: guard.run(f, poll_s=0.005)))
        peer.append(len(clips) / seconds(lambda: reference.outcomes(point, net, clips, frames)))
    return {
        "name": name,
        "unit": "clips/s",
        "ours": statistics.median(ours),
        "peer_name": "pure-Torch evaluation",
        "peer": statistics.median(peer),
        "ratio": statistics.median(a / b for a, b in zip(ours, peer, strict=True)),
        "goal": 0.7,
    }


def rows() -> list:
    synthetic = InMemory(SyntheticSet("test"), 200)
    point = Scenario(snr=10.0)
    out = [row("run_link, synthetic checkpoint", point, synthetic)]
    paper_sized = shipped("pilot_ave", "full", "ave28")
    if paper_sized.exists():
        point = Scenario(system="pilot_ave", snr=10.0, checkpoint=str(paper_sized))
        out.append(row("run_link, ave28 checkpoint", point, synthetic))
    return out
