#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What receiving costs: seconds of processor time for each second of signal at 5 Msps, sps 4.

Two antennas hear bursts of two users, each with a carrier and a delay of its own, for 10 % of the
time at 10 dB Es/N0.  The peer is gr-digital's packet receiver, packet_rx.grc of GNU Radio's
examples (corr_est_cc, pfb_clock_sync_ccf, header_payload_demux, costas_loop_cc), compiled as it is.
It does less: one antenna, one user, BPSK without a code, a shorter preamble and header (and so more
packets in the same time), no search over frequency, no channel.  What noise alone costs is the
search for preambles; the rest are the bursts.  If less than 95 % is received, there is no figure.
The ratios are of costs: a goal is the most there may be.

    .venv/bin/python -m tests.benchmarks frame_sync
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import math
import os
import subprocess
import tempfile
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from gnuradio import blocks, digital, fec, gr, semcom
from gnuradio.filter import firdes
from gnuradio.semcom import core
from gnuradio.semcom.blocks.radio_hier import SEGMENTS, radio_receiver, system_number
from gnuradio.semcom.protocol.burst import BurstFormat
from gnuradio.semcom.systems.loading import shared_system
from gnuradio.semcom.systems.registry import DEFAULT_SYSTEM

from .bench_phy import complex_normal
from .turns import compared, in_turns, row

RATE, SPS, DUTY, ES_N0 = 5e6, 4, 0.1, 10.0
STRETCH = 1 << 20  # [samples] prepared, and repeated
REPEATS = 5
LENGTHS = (160, 640)  # payload symbols
FILM, FULL = 5376, 0.98  # payload symbols of a film's fragment, one behind the other on the air
CFO = (4e3, -7e3)  # [Hz] of each user
PLAN = BurstFormat(RATE, SPS)
SYSTEM = system_number(DEFAULT_SYSTEM)
PACKET_GAIN = 1.2  # at 1.0 half of the correlations stay below the example's threshold
UNIT = "CPU s / s"
TURNS = 5
THREAD_CLOCK = 6  # of a thread's number, in Linux: CPUCLOCK_PERTHREAD_MASK | CPUCLOCK_SCHED


def noise(rng: np.random.Generator, antennas: int) -> np.ndarray:
    """[antennas, STRETCH] beside bursts of unit mean power."""
    return math.sqrt(SPS * 10 ** (-ES_N0 / 10)) * complex_normal(rng, (antennas, STRETCH))


def firsts(length: int, duty: float = DUTY) -> range:
    """Where bursts of `length` samples start that are on the air for `duty` of the time."""
    return range(length, STRETCH - 2 * length, int(length / duty))


def bursts(rng: np.random.Generator, payload: int, duty: float = DUTY) -> tuple[np.ndarray, int]:
    """What two antennas hear of two users [2, STRETCH], and how many bursts that is."""
    streams = noise(rng, 2)
    starts = firsts(SPS * PLAN.layout(2).total(payload), duty)
    for frame, start in enumerate(starts):
        unitary, _ = np.linalg.qr(complex_normal(rng, (2, 2)))
        for user in range(2):
            x = PLAN.uplink(user, 2, frame, SYSTEM, complex_normal(rng, (payload,)))
            x *= np.exp(2j * np.pi * CFO[user] / RATE * np.arange(len(x)))
            first = start + int(rng.integers(100))
            streams[:, first : first + len(x)] += math.sqrt(2) * unitary[:, user, None] * x
    return streams, len(starts)


def packets(rng: np.random.Generator, payload: int) -> tuple[np.ndarray, int]:
    """What one antenna hears of gr-digital's packets [1, STRETCH], and how many that is."""
    access_code = int(digital.packet_utils.default_access_code, 2).to_bytes(8, "big")

    def packet() -> np.ndarray:
        text = rng.bytes(payload // 8 - 4)
        text += zlib.crc32(text).to_bytes(4, "little")
        packed = access_code + 2 * len(text).to_bytes(2, "big") + text
        bits = np.unpackbits(np.frombuffer(packed, np.uint8))
        return PACKET_GAIN * 2 * core.shape_symbols(2.0 * bits - 1, PLAN.pulse)

    streams = PACKET_GAIN * noise(rng, 1)
    starts = firsts(len(packet()))
    for start in starts:
        x = packet()
        streams[0, start : start + len(x)] += x
    return streams, len(starts)


@functools.cache
def packet_rx() -> type:
    """The class that GNU Radio's example packet_rx.grc describes."""
    example = Path(gr.prefix(), "share/gnuradio/examples/digital/packet/packet_rx.grc")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["grcc", "-o", folder, example], check=True, capture_output=True)
        spec = importlib.util.spec_from_file_location("packet_rx", Path(folder, "packet_rx.py"))
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module.packet_rx


def peer_cost(streams: np.ndarray, count: int) -> tuple[float, float]:
    """Costs of the packet receiver."""
    header = digital.header_format_default(digital.packet_utils.default_access_code, 3)
    receiver = packet_rx()(
        hdr_dec=fec.dummy_decoder.make(header.header_nbits()),
        hdr_format=header,
        psf_taps=firdes.root_raised_cosine(32, 32 * SPS, 1, 0.35, 11 * SPS * 32),
        sps=SPS,
    )
    store = blocks.message_debug()
    top = flowgraph(receiver, streams)
    top.msg_connect(receiver, "pkt out", store, "store")
    return costs(top, store.num_messages, count)


def sync_cost(streams: np.ndarray, count: int) -> tuple[float, float]:
    """Costs of the block."""
    sync = semcom.frame_sync_cc(2, PLAN.rows(2), RATE, SPS, PLAN.pilot_spacing)
    return costs(flowgraph(sync, streams), lambda: sync.counts().frames, count)


def receiver_cost(streams: np.ndarray, count: int) -> tuple[float, float]:
    """Costs of the block and the default system's decoder in Torch."""
    receiver = radio_receiver(sample_rate=RATE, sps=SPS)
    return costs(flowgraph(receiver, streams), lambda: receiver.sync.counts().frames, count)


def flowgraph(receiver, streams: np.ndarray) -> gr.top_block:
    """Repeating memory sources, a receiver, null sinks."""
    top = gr.top_block()
    for port, stream in enumerate(streams):
        head = blocks.head(gr.sizeof_gr_complex, REPEATS * STRETCH)
        top.connect(blocks.vector_source_c(stream, True), head, (receiver, port))
    signature = receiver.output_signature()
    for port in range(signature.max_streams()):
        top.connect((receiver, port), blocks.null_sink(signature.sizeof_stream_item(port)))
    return top


def costs(top: gr.top_block, received: Callable[[], int], count: int) -> tuple[float, float]:
    """Processor time for each second of signal of GNU Radio's threads, and of the busiest."""
    others = set(thread_seconds())
    began = time.process_time() - time.thread_time()
    top.start()
    waiter = threading.Thread(target=top.wait)
    waiter.start()
    threads = {}
    while waiter.is_alive():
        threads |= thread_seconds()
        waiter.join(0.02)
    total = time.process_time() - time.thread_time() - began
    if received() < 0.95 * REPEATS * count:
        raise RuntimeError(f"only {received()} of {REPEATS * count} bursts were received")
    signal = REPEATS * STRETCH / RATE
    busiest = max(spent for thread, spent in threads.items() if thread not in others)
    return total / signal, busiest / signal


def thread_seconds() -> dict[int, float]:
    """Processor time of each thread of this process (GNU Radio's end with the flowgraph)."""
    seconds = {}
    for thread in map(int, os.listdir("/proc/self/task")):
        with contextlib.suppress(OSError):  # it has just ended
            seconds[thread] = time.clock_gettime((~thread << 3) | THREAD_CLOCK)
    return seconds


def beside(name: str, goal: float, ours: list, peer_name: str, peer: list) -> dict:
    """A row of costs over the turns."""
    return row(name, UNIT, peer_name, goal, compared(list(zip(ours, peer, strict=True))))


def turns_of(*measures: Callable[[], tuple[float, float]]) -> np.ndarray:
    """[measures, 2, TURNS]: totals and busiest threads, measured in turn."""
    return np.moveaxis(np.array(in_turns(*measures, turns=TURNS)), 0, -1)


def rows() -> list[dict]:
    """The figures, one dictionary each: name, unit, ours, peer_name, peer, ratio, goal."""
    rng = np.random.default_rng(0)
    peer_name = "packet_rx.grc, 1 antenna, 1 user"
    one, two = ("one core", np.ones(TURNS)), ("two cores", 2 * np.ones(TURNS))
    quiet = noise(rng, 2), 0
    table = []
    for length in LENGTHS:
        heard, sent = bursts(rng, length), packets(rng, length)
        ours, idle, peer = turns_of(
            lambda heard=heard: sync_cost(*heard),
            lambda: sync_cost(*quiet),
            lambda sent=sent: peer_cost(*sent),
        )
        name = f"frame_sync_cc, 2 antennas, 2 users, {length} symbols"
        table += [
            beside(name, 1.5, ours[0], peer_name, peer[0]),
            beside(f"{name}: noise alone", 1.0, idle[0], "with bursts", ours[0]),
            beside(f"{name}: its thread", 1.0, ours[1], *one),
            beside(f"packet_rx.grc, {length} symbols, busiest thread", 1.0, peer[1], *one),
        ]
    heard, full = bursts(rng, 640), bursts(rng, FILM, FULL)
    partly, always = turns_of(lambda: sync_cost(*heard), lambda: sync_cost(*full))
    name = "frame_sync_cc, 2 antennas, 2 users, 2 x 5 Msps"
    table.append(beside(f"{name}, 640 symbols, 10 % duty", 0.3, partly[0], *one))
    table.append(beside(f"{name}, {FILM} symbols, 98 % duty", 1.5, always[0], *one))
    length = SEGMENTS * shared_system(DEFAULT_SYSTEM, "", "cpu").symbols
    heard = bursts(rng, length)
    (whole,) = turns_of(lambda: receiver_cost(*heard))
    rate = heard[1] * RATE / STRETCH
    name = f"radio_receiver {DEFAULT_SYSTEM}, {rate:.0f} frames/s"
    table.append(beside(name, 1.0, whole[0], *two))
    table.append(beside(f"{name}, busiest thread", 1.0, whole[1], *one))
    return table
