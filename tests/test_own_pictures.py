# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What a medium is by itself, and its own pictures beside those of the features."""

import numpy as np
import pytest
from gnuradio.semcom.media import sources
from gnuradio.semcom.media.sources import MediaSource, Original
from media_clips import HEIGHT, corners, level, quarters, turn


def seconds_of(path, **how):
    return list(MediaSource(path, height=HEIGHT, **how))


def test_a_source_tells_what_the_medium_is(make):
    path = make("film.mkv", size=(66, 50), rate=24, hertz=44100, layout="stereo")
    original = MediaSource(path, height=HEIGHT).original
    assert (original.height, original.width, original.channels) == (50, 66, 2)
    assert original.sound_rate_hz == 44100
    assert original.picture_rate_hz == pytest.approx(24, rel=0.02)
    silent = MediaSource("lavfi:testsrc2=rate=30:size=48x36:duration=1").original
    assert silent == Original(height=36, width=48, picture_rate_hz=30.0)


@pytest.mark.parametrize("rate", [5, 24, 50])
def test_own_pictures_come_at_their_own_times_and_size(make, rate):
    path = make("film.mkv", seconds=2, size=(66, 50), rate=rate)
    seconds = seconds_of(path, originals=True)
    assert [len(second.originals) for second in seconds] == [rate, rate]
    times, pictures = zip(*(pair for second in seconds for pair in second.originals), strict=True)
    np.testing.assert_allclose(times, np.arange(2 * rate) / rate, atol=2e-3)
    assert {picture.shape for picture in pictures} == {(50, 66, 3)}
    expected = level(np.arange(2 * rate))
    np.testing.assert_allclose([p.mean() for p in pictures], expected, atol=4)
    for one, other in zip(seconds, seconds_of(path), strict=True):  # features see the same
        np.testing.assert_array_equal(one.pictures, other.pictures)
        np.testing.assert_array_equal(one.sound, other.sound)
        assert other.originals == ()


def test_own_pictures_are_turned_as_the_file_says(make):
    path = make(seconds=1, size=(128, 64), picture=lambda number: quarters(128, 64))
    turn(path, 90)
    (second,) = seconds_of(path, originals=True)
    own = second.originals[0][1]
    assert own.shape == (128, 64, 3)
    np.testing.assert_allclose(corners(own), corners(second.pictures[0]), atol=25)


def test_sound_without_pictures_has_no_own_pictures(make):
    path = make("sound.wav", seconds=2)
    source = MediaSource(path, height=HEIGHT, originals=True)
    assert [second.originals for second in source] == [(), ()]
    assert (source.original.height, source.original.picture_rate_hz) == (None, None)


def test_own_pictures_that_wait_for_sound_are_bounded(monkeypatch):
    """A second goes out as soon as the pictures that wait take more than the limit."""
    tracks = sources._Tracks(True, True, HEIGHT, True)
    monkeypatch.setattr(sources, "WAITING", 40 * 300)
    small, own = np.zeros((4, 6, 3), np.uint8), np.zeros((10, 10, 3), np.uint8)
    for number in range(40):
        tracks.add("picture", small)
        tracks.add("original", (number / 16, own))
        out = [len(second.originals) for second in tracks.complete()]
        assert out == ([16] if number == 39 else [])
