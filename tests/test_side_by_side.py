# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What was sent beside what is shown: the picture, its caption, the film; frames in their turn."""

import av
import numpy as np
import pytest
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.media import quality
from gnuradio.semcom.media.clip import Media
from gnuradio.semcom.media.decoding import to_rgb
from gnuradio.semcom.media.side_by_side import (
    LOST,
    REMEMBERED,
    SSIM,
    UNREAD,
    XI,
    Caption,
    Captions,
    draw,
    picture_at,
    side_by_side,
)
from gnuradio.semcom.media.sources import MediaSource
from gnuradio.semcom.media.spectrum import RATE
from gnuradio.semcom.protocol.turns import Turns

RED, GREEN = np.array([200, 30, 30], np.uint8), np.array([30, 180, 30], np.uint8)


def plain(colour, seconds=1, **more):
    """A clip of one colour, with a tone."""
    pictures = np.broadcast_to(colour, (16 * seconds, 48, 64, 3)).copy()
    time = np.arange(RATE * seconds) / RATE
    return Media(pictures, (0.5 * np.sin(2 * np.pi * 440 * time)).astype(np.float32), **more)


def noisy(clip, deviation, **more):
    rng = np.random.default_rng(3)
    shown = clip.pictures + rng.normal(0, deviation, clip.pictures.shape)
    return Media(np.clip(shown, 0, 255).astype(np.uint8), clip.sound, **more)


def test_pictures_stand_beside_each_other():
    sent, shown = plain(RED).pictures[0], plain(GREEN).pictures[0]
    drawn = draw(sent, shown, Caption("A dog is seen.", XI, (0.2, 0.9), 61.0))
    assert drawn.shape == (720, 1280, 3) and drawn.dtype == np.uint8
    np.testing.assert_array_equal(drawn[260, 325], RED)
    np.testing.assert_array_equal(drawn[260, 955], GREEN)
    assert not (drawn[:, :640] == GREEN).all(2).any() and not (drawn[:, 640:] == RED).all(2).any()
    small = draw(sent, None, Caption(), 320, 180)
    assert (small == RED).all(2).any() and small.shape == (180, 320, 3)
    with pytest.raises(SemcomError, match="at least"):
        draw(sent, shown, Caption(), 300, 180)


def test_the_bars_are_the_values():
    """Two bars at the right, the newest last, as high as their values."""
    with_bars, without = (draw(None, None, Caption("", XI, v)) for v in ((0.25, 0.75), ()))
    plot = (with_bars != without).any(2)[560:690, 800:1250]
    heights = plot.sum(0)[-30:]
    columns = np.flatnonzero(heights > 5)
    first, second = np.split(heights[columns], 2)
    assert 3 * np.median(first) == pytest.approx(np.median(second), abs=4)


def test_a_caption_says_what_was_read():
    sent = plain(RED, 2)
    shown = plain(GREEN, 2, said=("A dog is barking.", ""), xi=(0.9, 0.1), symbols=3000)
    captions = Captions("rayleigh, 8 dB")
    one, two = captions.of(sent, shown)
    assert (one.words, two.words) == ("A dog is barking.", UNREAD)
    assert one.values == (0.9,) and two.values == (0.9, 0.1) and two.named == XI
    assert one.symbols == two.symbols == 1500 and one.told == "rayleigh, 8 dB"
    *_, lost = captions.of(sent, None)
    assert lost.words == LOST and lost.symbols is None
    np.testing.assert_equal(lost.values, (0.9, 0.1, np.nan, np.nan))
    alone = captions.of(None, shown)  # a receiver on the air does not know what was sent
    assert [each.words for each in alone] == ["A dog is barking.", UNREAD]
    for _ in range(REMEMBERED):
        captions.of(sent, shown)
    assert len(captions.of(sent, shown)[-1].values) == REMEMBERED


def test_without_sentences_the_pictures_are_compared():
    sent = plain(RED, 2)
    shown = noisy(sent, 20, symbols=800)
    captions = Captions()
    for second, caption in enumerate(captions.of(sent, shown)):
        pair = [clip.pictures[16 * second + 8] for clip in (sent, shown)]
        assert caption.values[second] == quality.structural_similarity(*pair)[0] < 0.9
        assert (caption.words, caption.named, caption.symbols) == ("", SSIM, 400)
    grey = quality.structural_similarity(sent.pictures[0], sent.blank().pictures[0])[0]
    assert captions.of(sent, None)[0].values[2] == grey
    tiny = Media(np.zeros((16, 8, 8, 3), np.uint8))
    for odd in (tiny, Media(sound=np.zeros(RATE, np.float32))):  # too small; no pictures
        assert np.isnan(captions.of(odd, odd)[0].values[-1])
    assert len(captions.of(None, None)) == 1


def test_the_picture_at_a_time():
    clip = Media(np.arange(32, dtype=np.uint8).repeat(3 * 16).reshape(32, 4, 4, 3))
    assert [picture_at(clip, at)[0, 0, 0] for at in (0, 0.03, 0.0625, 1.5, 9)] == [0, 0, 1, 24, 31]
    still = Media(clip.pictures[:1], np.zeros(3 * RATE, np.float32))
    assert picture_at(still, 2.9) is not None and picture_at(None, 0) is None
    assert picture_at(Media(), 0) is None


def test_a_film_has_both_and_the_sound_that_was_received(tmp_path):
    path, quiet = tmp_path / "film.mp4", plain(RED, 2)
    loud = plain(GREEN, 2)
    silent = Media(quiet.pictures, np.zeros(2 * RATE, np.float32))
    with side_by_side(path, "a channel") as film:
        film.add(silent, loud)
        film.add(quiet, None)
    with av.open(str(path)) as file:
        scaler = av.video.reformatter.VideoReformatter()
        pictures = [to_rgb(scaler, frame) for frame in file.decode(video=0)]
        assert file.streams.video[0].average_rate == 16
    assert len(pictures) == 64
    np.testing.assert_allclose(pictures[8][260, 325], RED, atol=6)
    np.testing.assert_allclose(pictures[8][260, 955], GREEN, atol=6)
    np.testing.assert_allclose(pictures[40][260, 325], RED, atol=6)
    assert pictures[40][150, 955].max() < 40  # no picture
    first, *_, last = (second.sound for second in MediaSource(path))
    assert (
        np.corrcoef(first, loud.sound[:RATE])[0, 1] > 0.95
        and np.abs(last[RATE // 2 :]).max() < 0.01
    )


def test_frames_come_in_their_turn():
    turns = Turns(ahead=2)
    assert turns.take(1, "b") == [] and turns.take(0, "a") == [(0, "a"), (1, "b")]
    assert turns.take(0, "again") == []
    assert turns.take(3, "d") == turns.take(4, "e") == []
    assert turns.take(6, "g") == [(2, None), (3, "d"), (4, "e")]  # more than two wait
    assert turns.take(2, "late") == [] and turns.rest(8) == [(5, None), (6, "g"), (7, None)]
    assert turns.rest(0) == []
