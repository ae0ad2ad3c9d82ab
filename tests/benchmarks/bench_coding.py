#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""LDPC decoding on one core beside gr-fec's decoder, on the same code at the same noise.

The code is that of rate 3/4 with 648 bits, at an Eb/N0 at which either loses some 4 % of the
blocks.

    .venv/bin/python -m tests.benchmarks coding
"""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import numpy as np
from gnuradio import blocks, fec, gr
from gnuradio.semcom import core

from tests.parity import alist, dense

from .turns import compare, row, seconds_of

EBN0_DB, ITERATIONS, TURNS = 3.0, 20, 9
ES_N0_DB, NEEDED = 12.0, 4.0  # [dB], [Mbit/s]


class Words:
    """Words of our code, and noise for them."""

    def __init__(self, rng: np.random.Generator, count: int = 500):
        self.code = core.LdpcCode("3/4", 648)
        ratio = self.code.k / self.code.n
        self.variance = 1 / (2 * ratio * 10 ** (EBN0_DB / 10))
        shape = (count, self.code.n)
        self.noise = (math.sqrt(self.variance) * rng.standard_normal(shape)).astype(np.float32)
        self.bits = rng.integers(0, 2, (count, self.code.k), np.uint8)
        sent = 1 - 2 * self.code.encode(self.bits).astype(np.float32)
        self.llrs = 2 / np.float32(self.variance) * (sent + self.noise)

    @property
    def megabits(self) -> float:
        """Of information."""
        return self.bits.size / 1e6

    def decode(self) -> None:
        self.code.decode(self.llrs, ITERATIONS)


class GnuRadio:
    """gr-fec's decoder of the same H, in a flowgraph; the words are of its own encoder."""

    def __init__(self, words: Words, folder: Path):
        self.path = str(folder / "h.alist")
        Path(self.path).write_text(alist(dense(words.code)))
        encoder, sent = fec.encoder(fec.ldpc_encoder_make(self.path), 1, 1), blocks.vector_sink_b()
        top = gr.top_block()
        top.connect(blocks.vector_source_b(words.bits.ravel()), encoder, sent)
        top.run()
        signs = 2 * np.array(sent.data(), np.float32).reshape(words.noise.shape) - 1
        self.received, self.variance = (signs + words.noise).ravel(), words.variance

    def seconds(self) -> float:
        own = fec.ldpc_decoder.make(self.path, self.variance, ITERATIONS)  # its sigma: the variance
        decoder = fec.decoder(own, gr.sizeof_float, gr.sizeof_char)
        top, sink = gr.top_block(), blocks.null_sink(gr.sizeof_char)
        top.connect(blocks.vector_source_f(self.received), decoder, sink)
        return seconds_of(top.run)


def receiver_row(rng: np.random.Generator, count: int = 500) -> dict:
    """From detected 16QAM symbols and the noise of each to bits, beside the rate that is needed."""
    code = core.LdpcCode("3/4", 648)
    bits = rng.integers(0, 2, (count, code.k), np.uint8)
    symbols = core.map_bits(code.encode(bits).ravel(), "16qam")
    noise = np.full(len(symbols), 10 ** (-ES_N0_DB / 10), np.float32)
    normal = rng.standard_normal((2, len(symbols))) * np.sqrt(noise / 2)
    received = (symbols + normal[0] + 1j * normal[1]).astype(np.complex64)

    def ours() -> tuple:
        llrs = core.demap(received, noise, "16qam").reshape(count, code.n)
        return code.decode(llrs, ITERATIONS)

    found = compare(lambda: bits.size / 1e6 / seconds_of(ours), lambda: NEEDED, TURNS)
    name = f"soft demapper 16QAM + LDPC 3/4, n = 648, Es/N0 {ES_N0_DB:g} dB"
    return row(name, "Mbit/s", "what is needed of one core", 1.0, found)


def rows() -> list:
    """Our rate and theirs [Mbit/s]."""
    words = Words(np.random.default_rng(0))
    with tempfile.TemporaryDirectory() as folder:
        peer = GnuRadio(words, Path(folder))
        found = compare(
            lambda: words.megabits / seconds_of(words.decode),
            lambda: words.megabits / peer.seconds(),
            TURNS,
        )
    name = f"LDPC decoder, rate 3/4, n = 648, Eb/N0 {EBN0_DB:g} dB"
    return [
        row(name, "Mbit/s", f"gr-fec ldpc_decoder, {ITERATIONS} iterations", 4.0, found),
        receiver_row(np.random.default_rng(1)),
    ]
