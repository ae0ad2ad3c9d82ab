# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Tagged streams for the tests of the C++ blocks: sources, sinks, runs that cannot hang, csi."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass

import numpy as np
import pmt
from gnuradio import blocks, gr, semcom


def complex_normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """CN(0, 1) numbers, complex64."""
    return ((rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) / 2**0.5).astype(
        np.complex64
    )


def frame_tags(lengths: list[int], seqs: list[int] | None = None) -> list[gr.tag_t]:
    """semcom_frame tags of frames that follow each other."""
    seqs = range(len(lengths)) if seqs is None else seqs
    starts = np.cumsum([0, *lengths[:-1]])
    return [
        make_tag(start, "semcom_frame", pmt.cons(pmt.from_uint64(seq), pmt.from_uint64(length)))
        for start, seq, length in zip(starts, seqs, lengths, strict=True)
    ]


def csi_tag(offset: int, packed: np.ndarray, key: str = "csi") -> gr.tag_t:
    return make_tag(offset, key, pmt.init_c32vector(len(packed), packed.tolist()))


def make_tag(offset: int, key: str, value) -> gr.tag_t:
    tag = gr.tag_t()
    tag.offset, tag.key, tag.value = int(offset), pmt.intern(key), value
    return tag


@dataclass
class Csi:
    """A state of the channel, of the vector of a csi tag."""

    h: np.ndarray
    err_var: np.ndarray
    no_eff: np.ndarray
    noise_var: float
    snr: float


def unpack_pieces(packed) -> list[tuple[int, Csi]]:
    """(first symbol, state) of each piece of a csi tag's vector."""
    packed = np.asarray(packed)
    m, k = int(packed[0].real), int(packed[0].imag)
    rows = packed[1:].reshape(-1, 1 + k + m * k)
    noise_var, snr = packed[1].real, packed[1].imag
    first = [0, *(int(row[0].real) + 2**20 * int(row[0].imag) for row in rows[1:])]
    states = [
        Csi(row[1 + k :].reshape(m, k), row[1 : 1 + k].real, row[1 : 1 + k].imag, noise_var, snr)
        for row in rows
    ]
    return list(zip(first, states, strict=True))


def unpack(packed) -> Csi:
    """The state of a csi that has one piece."""
    ((_, state),) = unpack_pieces(packed)
    return state


def pack(h: np.ndarray, noise_var: float, err_var=0.0) -> np.ndarray:
    return pack_pieces({0: h}, noise_var, err_var)


def pack_pieces(channels: dict[int, np.ndarray], noise_var: float, err_var=0.0) -> np.ndarray:
    """The vector of a csi tag with H by the symbol from which it holds, 0 the first."""
    m, k = channels[0].shape
    per_stream = np.broadcast_to(np.asarray(err_var, np.complex64), k)
    parts = [[m + 1j * k]]
    for first, h in channels.items():
        parts += [[first or noise_var], per_stream, h.ravel()]
    return np.concatenate(parts).astype(np.complex64)


@dataclass
class Output:
    """What a block wrote: samples [ports, n], tags of each port, errors it latched."""

    samples: np.ndarray
    tags: list[list[gr.tag_t]]
    errors: list[str]

    def frames(self, port: int = 0) -> list[tuple[int, int, int]]:
        """(offset, sequence number, length) of each frame of a port."""
        return [
            (tag.offset, pmt.to_uint64(pmt.car(tag.value)), pmt.to_uint64(pmt.cdr(tag.value)))
            for tag in self.tags[port]
            if pmt.symbol_to_string(tag.key) == "semcom_frame"
        ]

    def csi(self, key: str = "csi", port: int = 0) -> list[tuple[int, Csi]]:
        """(offset, state) of each piece of a port's csi tags."""
        return [
            (tag.offset + first, state)
            for tag in self.tags[port]
            if pmt.symbol_to_string(tag.key) == key
            for first, state in unpack_pieces(pmt.c32vector_elements(tag.value))
        ]

    def count(self, key: str, port: int = 0) -> int:
        """How many tags of a port have this key."""
        return sum(pmt.symbol_to_string(tag.key) == key for tag in self.tags[port])


def finish(top: gr.top_block, timeout_s: float = 60.0) -> None:
    """Runs a flowgraph to its end; one that hangs fails instead."""
    top.start()
    wait(top, timeout_s)


def stop(top: gr.top_block, timeout_s: float = 60.0) -> None:
    """Stops a running flowgraph; one that hangs fails instead."""
    top.stop()
    wait(top, timeout_s)


@contextlib.contextmanager
def running(block, tags: list[gr.tag_t]):
    """Ones in frames of 40 flow through ``block`` while the body changes it; yields the sink."""
    top = gr.top_block()
    source = blocks.vector_source_c(np.ones(40), True, 1, tags)
    throttle = blocks.throttle(gr.sizeof_gr_complex, 200e3)
    sink = blocks.vector_sink_c()
    top.connect(source, throttle, block, sink)
    top.start()
    time.sleep(0.2)
    yield sink
    time.sleep(0.3)
    stop(top)


def wait(top: gr.top_block, timeout_s: float) -> None:
    waiter = threading.Thread(target=top.wait, daemon=True)
    waiter.start()
    waiter.join(timeout_s)
    assert not waiter.is_alive(), f"the flowgraph still runs after {timeout_s} s"


KINDS = {1: ("b", np.uint8), 4: ("f", np.float32), 8: ("c", np.complex64)}  # by bytes of an item


def run(streams, tags, chain, outputs: int, timeout_s: float = 60.0) -> Output:
    """Sends streams through blocks in a row.

    streams: one array for each input; tags: a list for each input, or one list for all.
    """
    semcom.take_errors()
    chain = chain if isinstance(chain, list) else [chain]
    if not tags or not isinstance(tags[0], list):
        tags = [tags] * len(streams)
    top = gr.top_block()
    for port, (stream, stream_tags) in enumerate(zip(streams, tags, strict=True)):
        letter, dtype = KINDS[chain[0].input_signature().sizeof_stream_item(port)]
        make = getattr(blocks, f"vector_source_{letter}")
        source = make(np.asarray(stream, dtype), False, 1, stream_tags)
        top.connect(source, (chain[0], port))
    for first, second in zip(chain, chain[1:], strict=False):
        for port in range(second.input_signature().min_streams()):
            top.connect((first, port), (second, port))
    letter, dtype = KINDS[chain[-1].output_signature().sizeof_stream_item(0)]
    sinks = [getattr(blocks, f"vector_sink_{letter}")() for _ in range(outputs)]
    for port, sink in enumerate(sinks):
        top.connect((chain[-1], port), sink)
    finish(top, timeout_s)
    shortest = min(len(sink.data()) for sink in sinks)
    return Output(
        np.array([sink.data()[:shortest] for sink in sinks], dtype),
        [sorted(sink.tags(), key=lambda tag: tag.offset) for sink in sinks],
        semcom.take_errors(),
    )
