# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Units in blocks: what is lost with a block, and what is not."""

import numpy as np
import pytest
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.phy import unit_stream


def some(rng, count=7, longest=90):
    return [rng.bytes(int(rng.integers(1, longest))) for _ in range(count)]


def blocks_for(sent, size):
    return -(-unit_stream.stream_bits(sent) // (size - unit_stream.POINTER_BITS))


@pytest.mark.parametrize("size", [12, 35, 36, 100, 459, 1600])
def test_what_is_packed_is_unpacked(size):
    rng = np.random.default_rng(size)
    sent = some(rng)
    count = blocks_for(sent, size) + 3
    bits = unit_stream.pack(sent, count, size)
    assert bits.shape == (count * size,) and bits.dtype == np.uint8
    assert unit_stream.unpack(bits.reshape(count, size), np.ones(count, bool), 7) == sent


def test_a_lost_block_costs_its_own_units_alone():
    rng = np.random.default_rng(1)
    sent, size = some(rng, 40, 60), 200
    count = blocks_for(sent, size)
    bits = unit_stream.pack(sent, count, size).reshape(count, size)
    stretch = size - unit_stream.POINTER_BITS
    ends = np.cumsum([unit_stream.HEAD_BITS + 8 * len(unit) for unit in sent])
    starts = np.concatenate([[0], ends[:-1]])
    for lost in range(count):
        good = np.arange(count) != lost
        touched = (starts < (lost + 1) * stretch) & (ends > lost * stretch)
        wanted = [None if hit else unit for hit, unit in zip(touched, sent, strict=True)]
        assert unit_stream.unpack(np.where(good[:, None], bits, 1), good, 40) == wanted


def test_a_unit_that_is_not_sent_keeps_the_place_of_the_others():
    sent = [None, b"two", None, b"four"]
    assert unit_stream.stream_bits(sent) == 2 * unit_stream.HEAD_BITS + 8 * 7
    bits = unit_stream.pack(sent, 2, 120).reshape(2, 120)
    assert unit_stream.unpack(bits, np.ones(2, bool), 5) == [*sent, None]


def test_nothing_good_is_nothing():
    assert unit_stream.unpack(np.zeros((3, 50), np.uint8), np.zeros(3, bool), 2) == [None, None]
    assert unit_stream.unpack(np.zeros((0, 50), np.uint8), np.zeros(0, bool), 1) == [None]


def test_noise_taken_for_good_gives_units_or_none_and_ends():
    rng = np.random.default_rng(2)
    for _ in range(300):
        bits = rng.integers(0, 2, (5, int(rng.integers(1, 120)))).astype(np.uint8)
        found = unit_stream.unpack(bits, rng.random(5) < 0.8, 4)
        assert len(found) == 4 and all(x is None or isinstance(x, bytes) for x in found)


def test_what_does_not_fit_is_refused():
    with pytest.raises(SemcomError, match="1 of 104 bits, expected at most 256 of 89 bits"):
        unit_stream.pack([bytes(10)], 1, 100)
    with pytest.raises(SemcomError, match="unit 1: 0 bytes, expected 1 to 65535; code smaller"):
        unit_stream.pack([b"a", b""], 3, 100)
    with pytest.raises(SemcomError, match="0 bits in 2 blocks"):
        unit_stream.pack([b"a"], 2, 5)
