# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Pictures between key frames: drawn things whose motion is known, beside holding and blending."""

import cv2
import numpy as np
import pytest
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.media.interpolation import between, filled
from gnuradio.semcom.media.quality import structural_similarity

SIZE = 64


def waves(across=0.0, down=0.0):
    """A coloured pattern that has moved so many pixels; any part of it is known in closed form."""
    y, x = np.mgrid[:SIZE, :SIZE]
    x, y = x - across, y - down
    red = np.sin(x / 5) * np.cos(y / 7)
    green = np.sin(x / 9 + y / 4)
    return (128 + 100 * np.stack([red, green, red * green], -1)).round().astype(np.uint8)


def ball(left, top=28, colour=(250, 220, 40)):
    """A disc before a still pattern of little contrast; its middle is known to 1/16 pixel."""
    picture = (waves() // 4 + 40).astype(np.uint8)
    centre = round(16 * left), round(16 * top)
    return cv2.circle(picture, centre, 9 * 16, colour, -1, cv2.LINE_AA, 4)


def middle(picture):
    """(x, y) of the disc, the mean place of red."""
    red = np.clip(picture[..., 0].astype(float) - 110, 0, None)
    y, x = np.mgrid[:SIZE, :SIZE]
    return (red * x).sum() / red.sum(), (red * y).sum() / red.sum()


def blends(first, last, count):
    shares = np.arange(1, count + 1)[:, None, None, None] / (count + 1)
    return ((1 - shares) * first + shares * last).round().astype(np.uint8)


def likeness(truth, shown):
    return np.mean([structural_similarity(*pair)[0] for pair in zip(truth, shown, strict=True)])


@pytest.mark.parametrize(("across", "down", "count"), [(6, 0, 1), (0, -4, 3), (5, 3, 4)])
def test_a_moving_pattern_is_where_it_would_be(across, down, count):
    shown = between(waves(), waves(across, down), count)
    assert shown.shape == (count, SIZE, SIZE, 3) and shown.dtype == np.uint8
    for t, picture in zip(np.arange(1, count + 1) / (count + 1), shown, strict=True):
        truth = waves(t * across, t * down).astype(float)
        inside = np.s_[10:-10, 10:-10]  # what came in at the edge is nowhere in the first
        assert np.abs(picture - truth)[inside].mean() < 1  # of 255
    assert np.abs(waves() - truth)[inside].mean() > 10  # so much has changed


def test_a_thing_goes_its_way_at_even_speed():
    first, last, count = ball(20, 24), ball(34, 31), 6
    shown = between(first, last, count)
    shares = np.arange(1, count + 1) / (count + 1)
    found = np.array([middle(picture) for picture in shown])
    (x, y), (end_x, end_y) = middle(first), middle(last)
    np.testing.assert_allclose(found[:, 0], x + shares * (end_x - x), atol=1)
    np.testing.assert_allclose(found[:, 1], y + shares * (end_y - y), atol=1)


@pytest.mark.parametrize("gap", [2, 4, 8])
def test_flow_is_ahead_of_holding_and_of_blending(gap):
    truth = [ball(18 + 1.5 * i, 26 + 0.5 * i) for i in range(gap + 1)]
    inner = truth[1:-1]
    flow = likeness(inner, between(truth[0], truth[-1], gap - 1))
    assert flow > likeness(inner, [truth[0]] * (gap - 1)) + 0.01
    assert flow > likeness(inner, blends(truth[0], truth[-1], gap - 1)) + 0.01


def test_time_may_run_backwards():
    first, last = ball(20), ball(30)
    forth, back = between(first, last, 3), between(last, first, 3)[::-1]
    assert np.abs(forth.astype(int) - back).max() <= 1  # rounding


def test_what_stands_still_stays_exactly():
    np.testing.assert_array_equal(between(waves(), waves(), 3), [waves()] * 3)


def test_over_a_cut_pictures_blend_and_do_not_melt():
    first, last = waves(), ball(30, colour=(0, 0, 0))[::-1, ::-1]
    shown, blended = between(first, last, 3), blends(first, last, 3)
    assert likeness(blended, shown) > 0.9


def test_pictures_too_small_for_flow_blend():
    first, last = waves()[:40, :15], waves(5)[:40, :15]
    found = between(first, last, 3).astype(int)
    assert np.abs(found - blends(first, last, 3)).max() <= 1  # rounding
    tiny = between(np.zeros((1, 1, 3), np.uint8), np.full((1, 1, 3), 200, np.uint8), 1)
    assert tiny.tolist() == [[[[100, 100, 100]]]]


def test_nothing_between_is_no_picture():
    assert between(waves(), waves(3), 0).shape == (0, SIZE, SIZE, 3)


def test_a_clip_is_filled_between_its_key_frames_and_held_at_its_ends():
    keys, places = np.stack([ball(20), ball(26), ball(40)]), [2, 5, 6]
    shown = filled(keys, places, 9)
    assert shown.shape == (9, SIZE, SIZE, 3) and shown.dtype == np.uint8
    np.testing.assert_array_equal(shown[:3], [keys[0]] * 3)
    np.testing.assert_array_equal(shown[3:5], between(keys[0], keys[1], 2))
    np.testing.assert_array_equal(shown[5], keys[1])
    np.testing.assert_array_equal(shown[6:], [keys[2]] * 3)


def test_one_key_frame_is_held():
    shown = filled(ball(20)[None], np.array([0]), 16)
    np.testing.assert_array_equal(shown, [ball(20)] * 16)


@pytest.mark.parametrize(
    ("places", "keys"),
    [([], 0), ([0], 2), ([0, 1], 1), ([3, 1], 2), ([2, 2], 2), ([0, 9], 2), ([-1, 3], 2)],
)
def test_key_frames_without_a_place_of_their_own_are_refused(places, keys):
    with pytest.raises(SemcomError, match=rf"^{keys} key frames at .* of 9 pictures: expected"):
        filled(np.zeros((keys, 32, 32, 3), np.uint8), places, 9)
