# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What text and generated films cost at both ends, beside the radio between them.

Sentences and GOPs (16 pictures and a second of sound) for each second of processor time, one
thread: the terminal's encoder, the receiver's decoder, and pilots, Rayleigh channel, least squares
and zero-forcing of the same frames in GNU Radio.  A ratio says how many times as much the radio
does in the time; the goal 0 says that there is none.

    .venv/bin/python -m tests.benchmarks ends
"""

from __future__ import annotations

import numpy as np
import torch
from gnuradio import semcom
from gnuradio.semcom.data.grammar import GrammarSentences
from gnuradio.semcom.media.clip import Media
from gnuradio.semcom.media.store import STORE, handle_items
from gnuradio.semcom.systems.loading import shared_system
from gnuradio.semcom.weights.names import shipped

from .bench_phy import PILOTS, ROWS, Flowgraph, complex_normal, frame_tags, one_core
from .turns import compare, row, seconds_of

NOISE, TURNS = 0.1, 7


def texts(count: int) -> list[np.ndarray]:
    """Sentences of the grammar, uint8 each."""
    clips = GrammarSentences("test", count)
    return [clips.text(i) for i in range(count)]


def films(count: int) -> list[np.ndarray]:
    """Handles of clips of one GOP: a picture that moves, noise for sound."""
    rng = np.random.default_rng(0)
    large = rng.integers(0, 255, (160, 160, 3), np.uint8)
    pictures = np.stack([large[i : i + 128, i : i + 128] for i in range(16)])
    sound = (0.1 * rng.standard_normal(16000)).astype(np.float32)
    return [handle_items(STORE.keep(Media(pictures, sound)), 1) for _ in range(count)]


def radio_seconds(length: int, frames: int) -> float:
    """Processor time of the radio between, for frames of ``length`` symbols."""
    pilots = [list(map(complex, ROWS[0]))]
    chain = [
        semcom.pilot_inserter_cc(pilots[0]),
        semcom.mimo_channel_cc(1, 1, "rayleigh"),
        semcom.ls_estimator_cc(1, pilots),
        semcom.mimo_detector_cc(1, 1, "zf"),
    ]
    symbols = complex_normal(np.random.default_rng(0), (1, length))
    tags = frame_tags(length, 1)
    seconds = Flowgraph(symbols, tags, chain, 1, frames * length).seconds()
    if errors := semcom.take_errors():
        raise RuntimeError(errors[0])
    return seconds


def ends(system: str, weights: str, unit: str, taken: list) -> list[dict]:
    """Rows of the encoder and of the decoder of a system with one terminal."""
    net = shared_system(system, weights, "cpu")
    (place,) = net.topology
    with torch.inference_mode():
        sent = net.send(place.name, taken, {})
    noise = [torch.full((1,), NOISE)] * len(sent)
    detected = [symbols[None] + NOISE**0.5 * torch.randn(symbols.shape) for symbols in sent]
    length = round(sum(map(len, sent)) / len(sent))

    @torch.inference_mode()
    def encode() -> float:
        return len(taken) / seconds_of(lambda: net.send(place.name, taken, {}))

    @torch.inference_mode()
    def decode() -> float:
        return len(taken) / seconds_of(lambda: net.outcome(detected, noise))

    def radio() -> float:
        return 2000 / radio_seconds(length, 2000)

    peer = f"radio, frames of {length} + {PILOTS} symbols"
    return [
        row(f"{system}, terminal", unit, peer, 0.0, compare(encode, radio, TURNS)),
        row(f"{system}, receiver", unit, peer, 0.0, compare(decode, radio, TURNS)),
    ]


@one_core()
def rows() -> list[dict]:
    torch.set_num_threads(1)
    text = str(shipped("deepsc", "full", "captions"))
    film = str(shipped("m3e_vsc", "full", "films"))
    return [
        *ends("deepsc", text, "sentences / CPU s", texts(64)),
        *ends("m3e_vsc", film, "GOPs / CPU s", films(4)),
    ]
