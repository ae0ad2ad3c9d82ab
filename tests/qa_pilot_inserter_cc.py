# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""pilot_inserter_cc through the scheduler, against a loop over the frame layout."""

import numpy as np
import pmt
import pytest
from gnuradio import semcom
from streams import complex_normal, frame_tags, make_tag, run

ROW = np.array([1, 1j, -1, -1j, 0.5], np.complex64)


def framed(payload: np.ndarray, spacing: int) -> np.ndarray:
    """One frame, piece by piece."""
    if spacing == 0:
        return np.concatenate([ROW, payload])
    pieces = [ROW]
    for start in range(0, len(payload), spacing):
        pieces += [payload[start : start + spacing], ROW]
    return np.concatenate(pieces)


def expected(x: np.ndarray, lengths: list[int], spacing: int) -> tuple[np.ndarray, list]:
    starts = np.cumsum([0, *lengths])
    frames = [framed(x[a:b], spacing) for a, b in zip(starts, starts[1:], strict=False)]
    offsets = np.cumsum([0, *(len(frame) for frame in frames)])
    return np.concatenate(frames), [
        (int(offset), seq, len(frame))
        for seq, (offset, frame) in enumerate(zip(offsets, frames, strict=False))
    ]


@pytest.mark.parametrize("spacing", [0, 1, 7, 64, 100000])
@pytest.mark.parametrize(
    "lengths",
    [[1], [1, 2, 3], [50000], [8192, 1, 20000], list(range(1, 200)), [7, 14, 15, 13, 64, 128]],
    ids=["one", "tiny", "long", "mixed", "many", "at the spacing"],
)
def test_frames_of_any_length(lengths, spacing):
    x = complex_normal(np.random.default_rng(0), sum(lengths))
    block = semcom.pilot_inserter_cc(ROW, spacing)
    out = run([x], frame_tags(lengths), block, 1)
    samples, frames = expected(x, lengths, spacing)
    assert out.errors == []
    np.testing.assert_array_equal(out.samples[0], samples)
    assert out.frames() == frames


@pytest.mark.parametrize("spacing", [0, 30])
def test_an_untagged_stream_is_cut_and_numbered(spacing):
    x = complex_normal(np.random.default_rng(1), 5 * 1000)
    out = run([x], [], semcom.pilot_inserter_cc(ROW, spacing, 1000), 1)
    samples, frames = expected(x, [1000] * 5, spacing)
    np.testing.assert_array_equal(out.samples[0], samples)
    assert out.frames() == frames


def test_lost_sequence_numbers_and_no_other_tags_pass():
    x = complex_normal(np.random.default_rng(2), 30)
    tags = [*frame_tags([10, 20], [3, 2**40]), make_tag(4, "other", pmt.PMT_T)]
    out = run([x], tags, semcom.pilot_inserter_cc(ROW), 1)
    assert out.frames() == [(0, 3, 15), (15, 2**40, 25)]
    assert len(out.tags[0]) == 2


def test_a_frame_cut_short_by_the_end_is_dropped():
    x = complex_normal(np.random.default_rng(3), 30)
    out = run([x], frame_tags([10, 25]), semcom.pilot_inserter_cc(ROW), 1)
    assert out.errors == []
    np.testing.assert_array_equal(out.samples[0], np.concatenate([ROW, x[:10]]))


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ([], "no frame: item 0"),
        (frame_tags([10]), "no frame: item 10"),
        (frame_tags([10])[:1] + [frame_tags([5, 5])[1]], "frame 0 of 10 items is cut short"),
        ([make_tag(0, "semcom_frame", pmt.PMT_T)], "a pair of uint64"),
        (frame_tags([20]) + frame_tags([20], [1]), "start at the same item"),
        (frame_tags([0]), "at least one item"),
        (frame_tags([2**64 - 1]), "at most 2^40"),
    ],
    ids=["no tag", "gap", "overlap", "malformed", "twice", "empty", "endless"],
)
def test_bad_frames_end_the_stream_with_an_error(tags, message):
    out = run([np.ones(20)], tags, semcom.pilot_inserter_cc(ROW), 1)
    assert len(out.errors) == 1
    assert message in out.errors[0]
    assert out.errors[0].startswith("pilot_inserter_cc")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([],), "pilots"),
        (([np.nan],), "pilots"),
        ((ROW, -1), "spacing"),
        ((ROW, 0, -1), "frame_length"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        semcom.pilot_inserter_cc(*arguments)
    assert "\n" not in str(error.value)
