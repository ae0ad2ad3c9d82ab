#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Throughput of the C++ blocks and their mathematics on one core, beside GNU Radio's and NumPy's.

Time is processor time of all threads, which on one core is what the clock shows when nothing else
runs.

    .venv/bin/python -m tests.benchmarks phy
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable

import numpy as np
import pmt
from gnuradio import blocks, channels, gr, semcom

from .turns import compare, row, seconds_of

PILOTS = 32
PAYLOAD = 640
FRAME = PILOTS + PAYLOAD
DISTINCT_FRAMES = 256
DOPPLER = 1e-3  # [cycles a symbol]
ROWS = np.array([[1] * PILOTS, [1, -1] * (PILOTS // 2)], np.complex64)


def complex_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """CN(0, 1) numbers, complex64."""
    parts = rng.standard_normal((2, *shape)) / np.sqrt(2)
    return (parts[0] + 1j * parts[1]).astype(np.complex64)


def frame_tags(length: int, count: int) -> list[gr.tag_t]:
    """Tags of `count` frames of `length` items on the first items of a stream."""
    tags = []
    for seq in range(count):
        tag = gr.tag_t()
        tag.offset = seq * length
        tag.key = pmt.intern("semcom_frame")
        tag.value = pmt.cons(pmt.from_uint64(seq), pmt.from_uint64(length))
        tags.append(tag)
    return tags


def received_frames(rng: np.random.Generator) -> np.ndarray:
    """Two antennas' streams [2, DISTINCT_FRAMES * FRAME], a fresh channel for each frame."""
    h = complex_normal(rng, (DISTINCT_FRAMES, 2, 2))
    x = complex_normal(rng, (DISTINCT_FRAMES, 2, FRAME))
    x[:, :, :PILOTS] = ROWS
    y = h @ x + 0.1 * complex_normal(rng, (DISTINCT_FRAMES, 2, FRAME))
    return np.ascontiguousarray(y.transpose(1, 0, 2).reshape(2, -1))


class Flowgraph:
    """Repeating memory sources, the blocks under test in a row, null sinks."""

    def __init__(self, streams: np.ndarray, tags: list, chain: list, outputs: int, items: int):
        self.top = gr.top_block()
        for port, stream in enumerate(streams):
            source = blocks.vector_source_c(stream, True, 1, tags)
            head = blocks.head(gr.sizeof_gr_complex, items)
            self.top.connect(source, head, (chain[0], port))
        for first, second in zip(chain, chain[1:], strict=False):
            for port in range(len(streams)):
                self.top.connect((first, port), (second, port))
        for port in range(outputs):
            self.top.connect((chain[-1], port), blocks.null_sink(gr.sizeof_gr_complex))

    def seconds(self) -> float:
        """Processor time of a run to its end."""
        return seconds_of(self.top.run)


def receiver_rate(
    streams: np.ndarray, method: str, frames: int, spacing: int = 0, between: str = "nearest"
) -> float:
    """Detected payload symbols per second over both streams [Msym/s]."""
    chain = [semcom.mimo_receiver_cc(2, ROWS, "ls", method, spacing, between)]
    length = PAYLOAD + PILOTS * (1 + -(-PAYLOAD // spacing) if spacing else 1)
    tags = frame_tags(length, streams.shape[1] // length)
    whole = np.ascontiguousarray(streams[:, : len(tags) * length])
    flowgraph = Flowgraph(whole, tags, chain, 2, frames * length)
    rate = 2e-6 * frames * PAYLOAD / flowgraph.seconds()
    errors = semcom.take_errors()
    if errors:
        raise RuntimeError(errors[0])
    return rate


def two_blocks_rate(streams: np.ndarray, frames: int) -> float:
    """The same for ls_estimator_cc and mimo_detector_cc, zf."""
    chain = [semcom.ls_estimator_cc(2, ROWS), semcom.mimo_detector_cc(2, 2)]
    flowgraph = Flowgraph(streams, frame_tags(FRAME, DISTINCT_FRAMES), chain, 2, frames * FRAME)
    return 2e-6 * frames * PAYLOAD / flowgraph.seconds()


def matrix_rate(streams: np.ndarray, frames: int, tagged: bool = False) -> float:
    """Symbols per second of a fixed 2x2 matrix over both streams [Msym/s], which may carry the
    tags of frames as ours do."""
    chain = [blocks.multiply_matrix_cc([[0.5, 0.5j], [-0.5j, 0.5]])]
    tags = frame_tags(FRAME, DISTINCT_FRAMES) if tagged else []
    flowgraph = Flowgraph(streams, tags, chain, 2, frames * FRAME)
    return 2e-6 * frames * FRAME / flowgraph.seconds()


def channel_rate(streams: np.ndarray, frames: int, doppler: float = 0.0) -> float:
    """Items per second of each output stream of the 2x2 Rayleigh channel [Msym/s]."""
    chain = [semcom.mimo_channel_cc(2, 2, "rayleigh", doppler=doppler)]
    tags = frame_tags(FRAME, DISTINCT_FRAMES)
    flowgraph = Flowgraph(streams, tags, chain, 2, frames * FRAME)
    return 1e-6 * frames * FRAME / flowgraph.seconds()


def channel_model_rate(streams: np.ndarray, frames: int) -> float:
    """Items per second of GNU Radio's one-tap AWGN channel [Msym/s]."""
    chain = [channels.channel_model(0.3, 0.0, 1.0, [1.0 + 0.0j])]
    flowgraph = Flowgraph(streams[:1], [], chain, 1, frames * FRAME)
    return 1e-6 * frames * FRAME / flowgraph.seconds()


def fading_model_rate(streams: np.ndarray, frames: int) -> float:
    """Items per second of GNU Radio's fading of one path [Msym/s]."""
    chain = [channels.fading_model(8, DOPPLER, False, 4.0, 0)]
    flowgraph = Flowgraph(streams[:1], [], chain, 1, frames * FRAME)
    return 1e-6 * frames * FRAME / flowgraph.seconds()


def core_rows(rng: np.random.Generator, turns: int) -> list[dict]:
    count = 400
    h = complex_normal(rng, (count, 2, 2))
    y = complex_normal(rng, (count, 2, PAYLOAD))
    symbols = 2e-6 * count * PAYLOAD

    def ours() -> float:
        return symbols / seconds_of(lambda: semcom.core.detect_frames(y, h, 0.1, "zf"))

    def peer() -> float:
        return symbols / seconds_of(lambda: np.linalg.inv(h) @ y)

    name = "core.detect_frames zf 2x2, 640 symbols a frame"
    return [row(name, "Msym/s", "NumPy inv(H) @ Y", 1.0, compare(ours, peer, 4 * turns))]


@contextlib.contextmanager
def one_core():
    """Keep this thread, and those it starts, on one core."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


@one_core()
def rows(turns: int = 7, frames: int = 20000) -> list[dict]:
    """The figures, one dictionary each: name, unit, ours, peer_name, peer, ratio, goal."""
    rng = np.random.default_rng(0)
    streams = received_frames(rng)

    def receiver(method: str, *spaced) -> Callable[[], float]:
        return lambda: receiver_rate(streams, method, frames, *spaced)

    receivers = [
        row(
            "mimo_receiver_cc ls zf 2x2",
            "Msym/s",
            "multiply_matrix_cc, one fixed 2x2",
            0.9,
            compare(receiver("zf"), lambda: matrix_rate(streams, frames), turns),
        ),
        row(
            "the same",
            "Msym/s",
            "multiply_matrix_cc on the same tagged frames",
            0.9,
            compare(receiver("zf"), lambda: matrix_rate(streams, frames, tagged=True), turns),
        ),
        row(
            "ls_estimator_cc + mimo_detector_cc zf 2x2",
            "Msym/s",
            "multiply_matrix_cc, one fixed 2x2",
            0.9,
            compare(
                lambda: two_blocks_rate(streams, frames),
                lambda: matrix_rate(streams, frames),
                turns,
            ),
        ),
        row(
            "mimo_receiver_cc, noise of each symbol: pilots every 320, nearest",
            "Msym/s",
            "pilots in front",
            0.8,
            compare(receiver("zf", 320), receiver("zf"), turns),
        ),
        row(
            "the same, noise of each symbol: pilots every 320, linear",
            "Msym/s",
            "pilots in front",
            0.8,
            compare(receiver("zf", 320, "linear"), receiver("zf"), turns),
        ),
        row(
            "mimo_receiver_cc ls lmmse 2x2",
            "Msym/s",
            "the same with zf",
            0.8,
            compare(receiver("lmmse"), receiver("zf"), turns),
        ),
    ]
    return receivers + channel_rows(streams, turns, frames) + core_rows(rng, turns)


def channel_rows(streams, turns: int, frames: int) -> list[dict]:
    """Simulated channels."""
    return [
        row(
            "mimo_channel_cc rayleigh 2x2, each stream",
            "Msym/s",
            "channels.channel_model",
            4.0,
            compare(
                lambda: channel_rate(streams, frames),
                lambda: channel_model_rate(streams, frames // 4),
                turns,
            ),
        ),
        row(
            "mimo_channel_cc rayleigh 2x2, Jakes Doppler, each stream",
            "Msym/s",
            "channels.fading_model, 8 sinusoids, no noise",
            2.0,
            compare(
                lambda: channel_rate(streams, frames // 4, DOPPLER),
                lambda: fading_model_rate(streams, frames // 16),
                turns,
            ),
        ),
    ]
