#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Throughput of the mock radio on one core: beside real time, and beside GNU Radio's channel model.

.venv/bin/python -m tests.benchmarks mock_radio
"""

from __future__ import annotations

import numpy as np
from gnuradio import blocks, channels, gr, semcom
from gnuradio.semcom import core
from gnuradio.semcom.protocol import mock_presets as presets

from .bench_phy import complex_normal, one_core
from .turns import compare, row, seconds_of

RATE = 4e6
ITEMS = 8192  # of one call, as large as a default buffer


def core_rate(name: str, x: np.ndarray, items: int) -> float:
    """Samples per second of each stream through the mathematics alone [Msps]."""
    mock = core.mock_radio(presets.settings(presets.load(name), RATE, 10, seed=1))
    out = [np.empty(ITEMS, np.complex64) for _ in range(3)]

    def work() -> None:
        for _ in range(items // ITEMS):
            for k in range(2):
                mock.push(k, x[k, :ITEMS])
            for receiver, antennas in ((0, out[:2]), (1, out[2:])):
                while mock.ready(receiver):
                    mock.pull_into(receiver, antennas)

    return 1e-6 * items / seconds_of(work)


def flowgraph_rate(block, inputs: int, outputs: int, items: int) -> float:
    """Samples per second of each stream through a block and the scheduler [Msps]."""
    top = gr.top_block()
    for port in range(inputs):
        head = blocks.head(gr.sizeof_gr_complex, items)
        top.connect(blocks.null_source(gr.sizeof_gr_complex), head, (block, port))
    for port in range(outputs):
        top.connect((block, port), blocks.null_sink(gr.sizeof_gr_complex))
    return 1e-6 * items / seconds_of(top.run)


def block_rate(name: str, items: int) -> float:
    """The mock radio's, two streams in and three out."""
    return flowgraph_rate(semcom.mock_radio(name, RATE, 10, seed=1), 2, 3, items)


def channel_model_rate(items: int) -> float:
    """That of GNU Radio's noise, carrier, clock and taps, for one stream."""
    model = channels.channel_model(0.3, 1e-3, 1.00002, [0.9, 0.3j, 0.1])
    return flowgraph_rate(model, 1, 1, items)


@one_core()
def rows(turns: int = 5, items: int = 1 << 21) -> list[dict]:
    """The figures, one dictionary each: name, unit, ours, peer_name, peer, ratio, goal."""
    x = complex_normal(np.random.default_rng(0), (2, 1 << 16))
    table = []
    for name in presets.names():
        result = compare(lambda name=name: core_rate(name, x, items), lambda: RATE / 1e6, turns)
        table.append(
            row(f"core.mock_radio {name}, 2 in, 2 + 1 out", "Msps", "real time", 2.0, result)
        )
    result = compare(lambda: block_rate("indoor", items), lambda: RATE / 1e6, turns)
    table.append(row("mock_radio indoor, through GNU Radio", "Msps", "real time", 2.0, result))
    result = compare(lambda: block_rate("indoor", items), lambda: channel_model_rate(items), turns)
    name, peer = "mock_radio indoor, all five streams", "channels.channel_model, one stream"
    table.append(row(name, "Msps", peer, 0.4, result))
    return table
