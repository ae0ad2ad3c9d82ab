# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""bits_to_frames, qam_demapper and ldpc_decoder through the scheduler, against the same maths on
arrays, which test_coding.py holds to references of its own; and the two hier blocks of them."""

import time

import numpy as np
import pmt
import pytest
from gnuradio import blocks, gr, semcom
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.phy.coding import BlockCode
from streams import (
    complex_normal,
    csi_tag,
    finish,
    frame_tags,
    make_tag,
    pack,
    pack_pieces,
    run,
    stop,
)

CODES = [
    BlockCode(),
    BlockCode("bpsk", "1/2", 1296, 24, 2),
    BlockCode("64qam", "5/6", 1944, 32),
    BlockCode("256qam", "2/3", 648, 16, 4),
]
IDS = [code.modulation for code in CODES]
LENGTHS = [1, 2, 300, 5000, 37, 12345]


def arguments(code: BlockCode) -> tuple:
    return code.modulation, code.rate, code.length, code.crc, code.repetition


def random_bits(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, count, dtype=np.uint8)


def cut(values: np.ndarray, lengths: list) -> list:
    return np.split(values, np.cumsum(lengths)[:-1])


def flags(sink_tags: list) -> list:
    """The semcom_blocks of each frame, in order."""
    return [
        list(pmt.u8vector_elements(tag.value))
        for tag in sink_tags
        if pmt.symbol_to_string(tag.key) == "semcom_blocks"
    ]


# --- bits_to_frames -------------------------------------------------------------------------------


@pytest.mark.parametrize("code", CODES, ids=IDS)
def test_frames_of_bits_of_any_length_are_encoded(code):
    bits = random_bits(sum(LENGTHS))
    seqs = [7, 8, 10, 11, 12, 500]
    out = run([bits], frame_tags(LENGTHS, seqs), semcom.bits_to_frames(*arguments(code)), 1)
    frames = [code.encode(part) for part in cut(bits, LENGTHS)]
    assert out.errors == []
    np.testing.assert_array_equal(out.samples[0], np.concatenate(frames))
    starts = np.cumsum([0, *map(len, frames)])
    assert out.frames() == [
        (start, seq, code.symbols(length))
        for start, seq, length in zip(starts[:-1], seqs, LENGTHS, strict=True)
    ]


def test_an_untagged_stream_of_bits_is_cut_and_only_the_lowest_bit_counts():
    bits, code = random_bits(10 * 1000 + 400), BlockCode("16qam")
    block = semcom.bits_to_frames(*arguments(code), 1000)
    out = run([bits + 2 * random_bits(len(bits), 1)], [], block, 1)
    frames = [code.encode(part) for part in bits[:10000].reshape(10, 1000)]
    np.testing.assert_array_equal(out.samples[0], np.concatenate(frames))
    size = code.symbols(1000)
    assert out.frames() == [(n * size, n, size) for n in range(10)]


def test_bits_without_a_frame_end_the_stream_with_an_error():
    late = [make_tag(5, "semcom_frame", pmt.cons(pmt.from_uint64(0), pmt.from_uint64(3)))]
    assert "no frame: item 0" in run([np.ones(20)], late, semcom.bits_to_frames(), 1).errors[0]
    inside = frame_tags([10, 10])
    inside[1].offset = 4
    assert "cut short" in run([np.ones(20)], inside, semcom.bits_to_frames(), 1).errors[0]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: semcom.bits_to_frames("8psk"), "modulation: '8psk' found"),
        (lambda: semcom.bits_to_frames("qpsk", "3/5"), "code rate: '3/5' found"),
        (lambda: semcom.bits_to_frames("qpsk", "3/4", 649), "code length"),
        (lambda: semcom.bits_to_frames("qpsk", "3/4", 648, 8), "crc"),
        (lambda: semcom.bits_to_frames("qpsk", "3/4", 648, 16, 3), "repetition"),
        (lambda: semcom.bits_to_frames(frame_bits=-1), "frame_bits: -1 found"),
        (lambda: semcom.ldpc_decoder(iterations=0), "iterations"),
        (lambda: semcom.qam_demapper(9), "num_tx: 9 found"),
        (lambda: semcom.qam_demapper(1, "qpsk", "hard"), "demapper: 'hard' found"),
        (lambda: semcom.ldpc_decoder().set_code("qpsk", "3/5", 648, 16, 1), "code rate"),
        (lambda: semcom.qam_demapper(1).set_modulation("qam"), "modulation"),
        (lambda: semcom.bits_to_frames().set_code("qam", "3/4", 648, 16, 1), "modulation"),
    ],
)
def test_arguments_out_of_range_are_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()


# --- qam_demapper ---------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["exact", "max_log"])
@pytest.mark.parametrize("modulation", ["bpsk", "qpsk", "16qam", "64qam", "256qam"])
def test_ratios_are_of_each_symbols_own_noise(modulation, method):
    rng, lengths = np.random.default_rng(3), [40, 1, 20000]
    x = complex_normal(rng, 2, sum(lengths))
    x[1, 5] = np.nan
    no_eff, tags = np.empty((2, sum(lengths)), np.float32), frame_tags(lengths)
    for start, length in zip(np.cumsum([0, *lengths]), lengths, strict=False):
        pieces = {0: 0.1, length // 2: 0.7} if length > 1 else {0: 0.3}
        vector = pack_pieces({first: np.eye(2) for first in pieces}, 0.2)
        rows = vector[1:].reshape(-1, 7)
        for row, (first, variance) in zip(rows, pieces.items(), strict=True):
            row.imag[1:3] = [variance, np.inf if first else 2 * variance]
            no_eff[:, start + first : start + length] = row.imag[1:3, None]
        tags.append(csi_tag(start, vector))
    tags.sort(key=lambda tag: tag.offset)
    out = run(x, [tags, frame_tags(lengths)], semcom.qam_demapper(2, modulation, method), 2)
    assert out.errors == []
    for k in range(2):
        expected = semcom.core.demap(x[k], no_eff[k], modulation, method)
        np.testing.assert_array_equal(out.samples[k], expected)
        b = len(expected) // sum(lengths)
        starts = np.cumsum([0, *lengths]) * b
        assert out.frames(k) == [(starts[n], n, length * b) for n, length in enumerate(lengths)]
    assert out.count("csi") == 0 and not out.samples[1].reshape(-1, b)[20:40].any()


def test_a_frame_whose_noise_is_not_known_ends_the_stream():
    x, demapper = np.ones((2, 40)), semcom.qam_demapper(2)
    assert "has no csi tag" in run(x, frame_tags([40]), demapper, 2).errors[0]
    other = [*frame_tags([40]), csi_tag(0, pack(np.ones((2, 1)), 0.1))]
    out = run(x, [other, frame_tags([40])], semcom.qam_demapper(2), 2)
    assert "K=1, but the demapper was made for K=2" in out.errors[0]


# --- ldpc_decoder ---------------------------------------------------------------------------------


def received(code: BlockCode, parts: list, noise: float) -> list:
    """Ratios of each frame after a channel without fading."""
    rng = np.random.default_rng(6)
    symbols = [code.encode(part) for part in parts]
    return [
        semcom.core.demap(
            x + noise**0.5 * complex_normal(rng, len(x)),
            np.full(len(x), noise, np.float32),
            code.modulation,
        )
        for x in symbols
    ]


@pytest.mark.parametrize("code", CODES, ids=IDS)
def test_frames_of_ratios_are_decoded(code):
    parts = cut(random_bits(sum(LENGTHS)), LENGTHS)
    noise = {"bpsk": 0.8, "qpsk": 0.15, "64qam": 0.004, "256qam": 0.01}[code.modulation]
    ratios = received(code, parts, noise)
    ratios[3][:] = 0  # a frame that was not heard
    decoder, heard = semcom.ldpc_decoder(*arguments(code)), blocks.message_debug()
    top, sink = gr.top_block(), blocks.vector_sink_b()
    source = blocks.vector_source_f(
        np.concatenate(ratios), False, 1, frame_tags([len(part) for part in ratios])
    )
    top.connect(source, decoder, sink)
    top.msg_connect(decoder, "blocks", heard, "store")
    finish(top)
    assert semcom.take_errors() == []
    layouts = [code.payload(code.symbols(len(part))) for part in parts]
    sizes = [count * bits for count, bits in layouts]
    decoded = cut(np.array(sink.data(), np.uint8), sizes)
    for n, (part, got) in enumerate(zip(parts, decoded, strict=True)):
        sent = np.zeros_like(got)
        if n != 3:
            sent[: len(part)] = part
        np.testing.assert_array_equal(got, sent)
    good = [[int(n != 3)] * count for n, (count, _) in enumerate(layouts)]
    tags = sorted(sink.tags(), key=lambda tag: tag.offset)
    assert flags(tags) == good
    frames = [tag for tag in tags if pmt.symbol_to_string(tag.key) == "semcom_frame"]
    assert [tag.offset for tag in frames] == np.cumsum([0, *sizes[:-1]]).tolist()
    assert [pmt.to_python(tag.value) for tag in frames] == list(enumerate(sizes))
    told = [heard.get_message(n) for n in range(heard.num_messages())]
    assert [pmt.to_uint64(pmt.car(each)) for each in told] == list(range(len(parts)))
    assert [list(pmt.u8vector_elements(pmt.cdr(each))) for each in told] == good
    counts = decoder.counts()
    assert (counts.frames, counts.failed_frames) == (len(parts), 1)
    assert (counts.blocks, counts.failed_blocks) == (sum(map(len, good)), layouts[3][0])


@pytest.mark.parametrize("length", [1, 150, 649, 651])
def test_ratios_that_are_no_frame_of_the_code_end_the_stream(length):
    out = run([np.ones(length)], frame_tags([length]), semcom.ldpc_decoder("16qam"), 1)
    assert f"no frame of this code has {length} ratios" in out.errors[0]


# --- both ends ------------------------------------------------------------------------------------


def link(transmitters: list, channel, receiver, streams: list, sinks: list) -> None:
    """Run bits through a link of two terminals to its end."""
    top = gr.top_block()
    for k, (bits, transmitter) in enumerate(zip(streams, transmitters, strict=True)):
        top.connect(blocks.vector_source_b(bits), transmitter, (channel, k))
    for m in range(2):
        top.connect((channel, m), (receiver, m))
    for k, sink in enumerate(sinks):
        top.connect((receiver, k), sink)
    finish(top)


@pytest.mark.parametrize(("detector", "spacing", "doppler"), [("zf", 0, 0.0), ("lmmse", 32, 1e-4)])
def test_two_terminals_at_once_are_received(detector, spacing, doppler):
    code = {"modulation": "16qam", "rate": "1/2", "crc": 24}
    ends = [
        semcom.digital_transmitter(
            **code, frame_bits=1000, terminals=2, terminal=k, pilot_spacing=spacing
        )
        for k in range(2)
    ]
    channel = semcom.mimo_channel_cc(2, 2, "rayleigh", 20.0, doppler=doppler, seed=4)
    receiver = semcom.digital_receiver(
        **code, terminals=2, pilot_spacing=spacing, detector=detector,
        interpolation="linear", method="exact",
    )  # fmt: skip
    streams, sinks = (
        [random_bits(50000, k) for k in range(2)],
        [blocks.vector_sink_b() for _ in "ab"],
    )
    link(ends, channel, receiver, streams, sinks)
    assert semcom.take_errors() == []
    blocks_, bits = ends[0].code.payload(ends[0].code.symbols(1000))
    for stream, sink, counts in zip(streams, sinks, receiver.counts(), strict=True):
        got = np.array(sink.data(), np.uint8).reshape(50, blocks_ * bits)
        good = np.array(flags(sorted(sink.tags(), key=lambda tag: tag.offset)), bool)
        right = (got[:, :1000] == stream.reshape(50, 1000)).all(1)
        assert good.shape == (50, blocks_)
        assert not (good.all(1) & ~right).any()  # what passes its checks is right
        assert right.mean() > 0.8
        assert (counts.frames, counts.failed_blocks) == (50, (~good).sum())


def test_both_ends_change_their_code_between_frames():
    transmitter = semcom.digital_transmitter(frame_bits=800, pilot_length=8)
    receiver = semcom.digital_receiver(antennas=1, pilot_length=8)
    for change in (
        lambda end: end.set_modulation("64qam"),
        lambda end: end.set_rate("1/2"),
        lambda end: end.set_length(1944),
        lambda end: end.set_crc(32),
        lambda end: end.set_repetition(2),
    ):
        change(transmitter), change(receiver)
    receiver.set_method("exact")
    assert receiver.code == BlockCode("64qam", "1/2", 1944, 32, 2, "exact")
    top, sink, bits = gr.top_block(), blocks.vector_sink_b(), random_bits(8000)
    top.connect(blocks.vector_source_b(bits), transmitter)
    top.connect(transmitter, semcom.mimo_channel_cc(1, 1, "awgn", 25.0), receiver, sink)
    finish(top)
    assert semcom.take_errors() == []
    frame = receiver.code.bits(receiver.code.symbols(800))
    got = np.array(sink.data(), np.uint8).reshape(10, frame)
    np.testing.assert_array_equal(got[:, :800].ravel(), bits)


def wait_for(sink, count: int) -> None:
    deadline = time.monotonic() + 20
    while len(sink.data()) < count:
        assert time.monotonic() < deadline, "no items come"
        time.sleep(0.01)


def test_a_code_changes_with_a_whole_frame():
    encoder, codes = semcom.bits_to_frames(frame_bits=500), [BlockCode(), BlockCode("16qam", "1/2")]
    top, sink, bits = gr.top_block(), blocks.vector_sink_c(), random_bits(500)
    throttle = blocks.throttle(gr.sizeof_char, 1e5)
    throttle.set_max_noutput_items(1000)
    top.connect(blocks.vector_source_b(bits, True), throttle, encoder, sink)
    top.start()
    wait_for(sink, 1)
    encoder.set_code("16qam", "1/2", 648, 16, 1)
    wait_for(sink, len(sink.data()) + 40000)
    stop(top)
    samples, frames = np.array(sink.data()), []
    for tag in sorted(sink.tags(), key=lambda tag: tag.offset):
        length = pmt.to_uint64(pmt.cdr(tag.value))
        frames.append(samples[tag.offset : tag.offset + length])
    lengths = [code.symbols(500) for code in codes]
    assert lengths[0] != lengths[1]
    before = sum(len(frame) == lengths[0] for frame in frames[:-1])
    assert 0 < before < len(frames) - 2
    for n, frame in enumerate(frames[:-1]):
        np.testing.assert_array_equal(frame, codes[n >= before].encode(bits))


def test_a_receiver_without_its_noise_is_refused():
    for name in ("csi", "detector"):
        with pytest.raises(SemcomError, match=f"{name} none: the demapper"):
            semcom.digital_receiver(**{name: "none"})
    receiver = semcom.digital_receiver()
    with pytest.raises(SemcomError, match="csi none"):
        receiver.set_csi("none")
    receiver.set_csi("lmmse")
    for unknown, setter in (("best", receiver.set_csi), ("mmse", receiver.set_detector)):
        with pytest.raises(ValueError, match=f"'{unknown}' is no"):
            setter(unknown)
    receiver.set_detector("lmmse")  # the unknown names were not kept
    with pytest.raises(SemcomError, match="terminal 2: expected 0 to 1"):
        semcom.digital_transmitter(terminals=2, terminal=2)
    with pytest.raises(SemcomError, match="modulation: '8psk' found"):
        receiver.set_modulation("8psk")
    assert receiver.code == BlockCode()
