# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Which pictures of a film are kept: drawn films, and eq. (1) written out in loops."""

import cv2
import numpy as np
import pytest
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.media.key_frames import correlation, key_frames


def patterns(count, size=(12, 16), seed=0):
    """Pictures [count, h, w, 3] that have nothing in common."""
    return np.random.default_rng(seed).integers(0, 256, (count, *size, 3)).astype(np.uint8)


def film(*lengths, seed=0):
    """Shots that stand still, a pattern each."""
    return np.repeat(patterns(len(lengths), seed=seed), lengths, axis=0)


def moving(count=48, size=48):
    """A bright square over a gradient, faster and faster."""
    ground = np.tile(np.linspace(20, 120, size).astype(np.uint8), (size, 1))
    pictures = np.repeat(ground[None, :, :, None], count, 0).repeat(3, -1).copy()
    for i, picture in enumerate(pictures):
        left = i * i // 70
        picture[16:32, left : left + 14] = 240
    return pictures


def looped(one, other):
    """Eq. (1), pixel by pixel."""
    means = [sum(float(level) for level in picture.flat) / picture.size for picture in (one, other)]
    above = below_one = below_other = 0.0
    for m in range(one.shape[0]):
        for n in range(one.shape[1]):
            a, b = one[m, n] - means[0], other[m, n] - means[1]
            above, below_one, below_other = above + a * b, below_one + a * a, below_other + b * b
    return above / np.sqrt(below_one * below_other)


def chosen(pictures, threshold, gap):
    """Eq. (2) against the last kept, picture by picture."""
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in pictures]
    kept = [0]
    for i in range(1, len(grey)):
        if i - kept[-1] >= gap or correlation(grey[kept[-1]], grey[i]) < threshold:
            kept.append(i)
    return kept


@pytest.mark.parametrize("seed", range(4))
def test_the_correlation_is_equation_1(seed):
    one, noise = (picture[..., 0] for picture in patterns(2, seed=seed))
    other = (0.3 * seed * one / 1.2 + 0.25 * noise).astype(np.uint8)
    assert correlation(one, other) == pytest.approx(looped(one, other), abs=1e-12)
    assert correlation(one, other) == pytest.approx(
        np.corrcoef(one.ravel(), other.ravel())[0, 1], abs=1e-12
    )


def test_the_correlation_of_equal_and_of_inverted_pictures_is_exact():
    one = patterns(1, (97, 131))[0, ..., 1]
    assert correlation(one, one) == 1.0
    assert correlation(one, 255 - one) == -1.0
    assert correlation(one // 2, one // 2 + 100) == 1.0  # blind to brightness


def test_pictures_of_one_level_correlate_with_their_equals_only():
    black, grey, other = np.zeros((8, 9), np.uint8), np.full((8, 9), 77, np.uint8), patterns(1)
    assert correlation(black, black) == correlation(grey, grey) == 1
    assert correlation(black, grey) == 0
    assert correlation(np.full((12, 16), 77, np.uint8), other[0, ..., 0]) == 0


def test_a_key_frame_begins_each_shot():
    np.testing.assert_array_equal(key_frames(film(3, 1, 6, 5)), [0, 3, 4, 10])


def test_fading_to_one_level_is_a_cut():
    pictures = np.concatenate([film(4), np.zeros((4, 12, 16, 3), np.uint8)])
    np.testing.assert_array_equal(key_frames(pictures), [0, 4])


def test_a_still_film_is_kept_once_a_gap_even_at_a_threshold_of_one():
    np.testing.assert_array_equal(key_frames(film(50)), [0, 16, 32, 48])
    np.testing.assert_array_equal(key_frames(film(16), threshold=1.0), [0])
    np.testing.assert_array_equal(key_frames(film(20), gap=7), [0, 7, 14])


@pytest.mark.parametrize(("threshold", "gap"), [(0.9, 16), (0.99, 5), (0.6, 48), (2.0, 16)])
def test_pictures_are_compared_with_the_last_that_was_kept(threshold, gap):
    pictures = moving()
    expected = chosen(pictures, threshold, gap)
    found = key_frames(pictures, threshold, most=48, gap=gap)
    assert found.dtype == np.int64 and found.tolist() == expected
    assert 2 < len(expected) <= 48


def test_the_budget_takes_the_highest_threshold_that_holds_it():
    pictures, counts = moving(), []
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in pictures]
    steps = {correlation(a, b) for i, a in enumerate(grey) for b in grey[i + 1 :]} | {0.98}
    steps = sorted((step for step in steps if step <= 0.98), reverse=True)
    runs = [chosen(pictures, step, 16) for step in steps]
    for most in range(3, 49):
        found = key_frames(pictures, 0.98, most)
        assert found.tolist() == next(run for run in runs if len(run) <= most)
        assert found[0] == 0 and np.diff([*found, 48]).max() <= 16
        counts.append(len(found))
    assert counts == sorted(counts) and counts[0] == 3 and counts[-1] == len(runs[0]) > 20


def test_no_picture_has_no_key_frame_and_one_is_its_own():
    assert key_frames(np.zeros((0, 1, 1, 3), np.uint8)).tolist() == []
    assert key_frames(patterns(1)).tolist() == [0]
    assert key_frames(np.zeros((3, 1, 1, 3), np.uint8)).tolist() == [0]


@pytest.mark.parametrize(("most", "gap"), [(2, 16), (0, 64), (48, 0)])
def test_a_budget_that_the_gap_exceeds_is_refused(most, gap):
    with pytest.raises(SemcomError, match=f"at most {most} key frames of 48 pictures"):
        key_frames(moving(), most=most, gap=gap)
