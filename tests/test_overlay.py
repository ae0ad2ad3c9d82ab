# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What is drawn of the receiver's understanding, pixel by pixel."""

import functools
from dataclasses import replace

import cv2
import numpy as np
import pytest
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.media import overlay, paint, timeline
from gnuradio.semcom.media.overlay import View, draw
from gnuradio.semcom.media.paint import Box
from gnuradio.semcom.media.sources import MediaSource
from gnuradio.semcom.media.spectrum import RATE
from gnuradio.semcom.media.timeline import UNSURE, log_mel, said
from gnuradio.semcom.media.video import write_video
from PIL import ImageFont

T = 10
LONG = "a very long name of an event that nobody says in one breath, " * 5


def of_second(row: Box, t: int, total=T) -> Box:
    """The part of a row that stands for second ``t``."""
    left, end = (row.x + round(n / total * row.w) for n in (t, t + 1))
    return row._replace(x=left, w=end - left)


def tone(frequency, begin, end, seconds=T):
    """Silence [n] with a tone between two times [s]."""
    t = np.arange(seconds * RATE) / RATE
    return np.where((t >= begin) & (t < end), np.sin(2 * np.pi * frequency * t), 0).astype(
        np.float32
    )


@pytest.fixture
def view():
    rng = np.random.default_rng(5)
    symbols = rng.standard_normal((2, 400)) + 1j * rng.standard_normal((2, 400))
    return View(
        picture=np.full((224, 298, 3), 120, np.uint8),
        event="Bark",
        confidence=0.8,
        decided=["Bark"] * T,
        truth=["Bark"] * T,
        confidences=[0.8] * T,
        now=4.5,
        sound=tone(500, 3, 4),
        constellations=[("audio", symbols[0]), ("video", symbols[1])],
        snr_db=12.0,
        channel="rayleigh",
    )


def changed(one: View, other: View) -> Box:
    """The smallest box around the pixels in which two views differ."""
    rows, columns = np.nonzero((draw(one) != draw(other)).any(2))
    x, y = columns.min(), rows.min()
    return Box(x, y, columns.max() + 1 - x, rows.max() + 1 - y)


@functools.cache
def region(name: str, with_truth=False) -> Box:
    """Where a view shows its ``picture``, the symbols of its ``first`` and ``second`` stream, the
    ``snr``, and the rows ``decided``, ``truth``, ``sure`` and ``sound``: what changes with them."""
    truth = [""] * T if with_truth else None
    noise = np.random.default_rng(0).uniform(-1, 1, T * RATE).astype(np.float32)
    plain = View(np.zeros((224, 298, 3), np.uint8), decided=[""] * T, truth=truth, now=T,
                 confidences=[0.0] * T, sound=0 * noise)  # fmt: skip
    named, corners = ["Bark"] * T, np.array([-2.49 + 2.49j, 2.49 - 2.49j])
    nothing = [9 + 9j]  # beyond the axes
    pairs = {
        "picture": (plain, replace(plain, picture=plain.picture + np.uint8(255))),
        "first": [replace(plain, constellations=[("a", x)]) for x in (nothing, corners)],
        "second": [
            replace(plain, constellations=[("a", []), ("b", x)]) for x in (nothing, corners)
        ],
        "snr": (plain, replace(plain, snr_db=30.0)),
        "decided": (plain, replace(plain, decided=named)),
        "truth": (plain, replace(plain, truth=named)),
        "sure": [replace(plain, decided=named, confidences=[x] * T) for x in (0.0, 1.0)],
        "sound": (plain, replace(plain, sound=noise)),
    }
    box = changed(*pairs[name])
    # a row's boxes end 2 pixels before the next begins
    return box._replace(w=box.w + 2) if name in ("decided", "truth", "sure") else box


def inside(inner: Box, outer: Box) -> bool:
    return (
        outer.x <= inner.x
        and outer.y <= inner.y
        and inner.x + inner.w <= outer.x + outer.w
        and inner.y + inner.h <= outer.y + outer.h
    )


def sharpness(area: np.ndarray) -> float:
    """Share of the pixels that differ clearly from their neighbour, in grey."""
    grey = cv2.cvtColor(area, cv2.COLOR_RGB2GRAY).astype(int)
    return (np.abs(np.diff(grey, axis=1)) > 12).mean()


# The picture


@pytest.mark.parametrize("hot", [(0, 0), (2, 5), (3, 3), (6, 1)])
def test_the_hottest_cell_is_the_warmest(hot):
    heat = np.full((7, 7), 0.2)
    heat[hot] = 1
    shown = overlay.warmed(np.full((210, 280, 3), 120, np.uint8), heat, 1).astype(int)
    warmth = (shown[..., 0] - shown[..., 2]).reshape(7, 30, 7, 40).mean((1, 3))
    assert np.unravel_index(warmth.argmax(), (7, 7)) == hot
    assert warmth.max() > 3 * np.median(warmth)


def test_the_picture_stays_visible_below_attention():
    stripes = np.zeros((210, 280, 3), np.uint8)
    stripes[:, ::2] = 200
    shown = overlay.warmed(stripes, np.ones((7, 7)), 1).astype(int)
    assert np.abs(np.diff(shown[..., 0], axis=1)).mean() > 200 / 3


def test_attention_changes_the_picture_alone(view):
    assert inside(changed(view, replace(view, heat=np.eye(7))), region("picture"))
    odd = np.where(np.eye(7), np.nan, 9.0)  # what is no number is cold, the rest is clipped
    np.testing.assert_array_equal(
        draw(replace(view, heat=odd)), draw(replace(view, heat=1 - np.eye(7)))
    )


def test_a_picture_is_shown_whole_in_its_shape(view):
    for shape in [(300, 100), (100, 300), (1, 1), (2000, 1500)]:
        area = region("picture").of(
            draw(replace(view, picture=np.full((*shape, 3), 250, np.uint8)))
        )
        lit = (area[60 : area.shape[0] // 2] > 240).all(2)  # the rest is dimmed, or below the plate
        scale = min(area.shape[0] / shape[0], area.shape[1] / shape[1])
        assert lit.any(0).sum() == pytest.approx(shape[1] * scale, abs=2)


def test_what_is_unsure_says_so():
    assert said("Bark", 0.5) == "Bark" and said("Bark", 0.49) == "unsure: Bark"
    assert said("Bark", float("nan")) == "unsure: Bark" and said("", 0.0) == ""


def test_the_bar_of_an_unsure_event_has_no_colour(view):
    area, orange = region("picture"), np.array(paint.ORANGE)
    shown = {c: area.of(draw(replace(view, confidence=c))) for c in (UNSURE, UNSURE - 0.001)}
    count = {c: int((picture == orange).all(2).sum()) for c, picture in shown.items()}
    assert count[UNSURE] > 500 and count[UNSURE - 0.001] == 0


def test_the_bar_is_as_long_as_the_confidence(view):
    def length(confidence, event="Bark"):
        area = region("picture").of(draw(replace(view, confidence=confidence, event=event)))
        return (area == paint.ORANGE).all(2).any(0).sum()

    full = length(1.0)
    assert full > region("picture").w * 0.8
    assert length(0.5) == pytest.approx(full / 2, abs=3)
    assert length(7.0) == full and length(np.nan) < 15
    assert length(1.0, timeline.NOTHING) == 0  # nothing happened: not highlighted


def test_corners_are_round_and_the_rest_is_covered(view):
    white = np.full((224, 298, 3), 255, np.uint8)
    area = region("picture").of(draw(replace(view, picture=white))).astype(int)
    bare = (area == paint.GROUND).all(2)
    corners = bare[:10, :10], bare[:10, :-11:-1], bare[:-11:-1, :10], bare[:-11:-1, :-11:-1]
    for corner in corners:
        np.testing.assert_array_equal(corner, corners[0])
        assert corner[0, 0] and not corner[0, 9] and not corner[4, 4]
        assert corner.sum() == pytest.approx((1 - np.pi / 4) * 10**2, abs=9)  # of radius 10
    assert bare.sum() == 4 * corners[0].sum()


# The timeline


def test_wrong_seconds_differ_from_right_ones_in_grey(view):
    truth = ["Bark"] * 3 + ["Goat"] + ["Bark"] * 6
    shown = draw(replace(view, truth=truth, now=T))
    row = region("decided", True)
    ends = [of_second(row, t)._replace(w=15) for t in (3, 6)]  # beside the names
    wrong, right = (sharpness(box.of(shown)[6:-6, 5:]) for box in ends)
    assert wrong > 0.15 and right == 0
    unknown = draw(replace(view, truth=None, now=T))
    assert sharpness(of_second(region("decided"), 3)._replace(w=15).of(unknown)[6:-6, 5:]) == 0


def test_marks():
    decided = ["a", "a", "b", "", "c"]
    assert timeline.marks(decided, ["a", "b", "b", "b", ""]) == [True, False, True, None, None]


def test_a_second_is_drawn_where_it_is(view):
    row = region("decided")
    for t in (0, 4, 9):
        one, other = (
            replace(view, truth=None, decided=["Bark"] * t + [name] + ["Bark"] * (T - 1 - t))
            for name in ("Goat", "Bird")
        )
        box = changed(one, other)
        assert inside(box, of_second(row, t))
        middle = row.x + (t + 0.5) / T * row.w
        assert box.x + box.w / 2 == pytest.approx(middle, abs=5)
    sure = [0.2] * T
    sure[6] = 0.9
    box = changed(replace(view, confidences=[0.2] * T), replace(view, confidences=sure))
    assert inside(box, of_second(region("sure", True), 6))


def test_undecided_seconds_are_not_judged(view):
    some, few = ["Bark"] * 4, [0.8] * 4
    waiting = replace(view, decided=some, confidences=few)
    padded = replace(view, decided=some + [""] * 6, confidences=few + [0.1] * 6)
    np.testing.assert_array_equal(draw(waiting), draw(padded))
    assert waiting.seconds() == T
    assert View(view.picture).seconds() == 1
    assert View(view.picture, sound=np.zeros(RATE + 1, np.float32)).seconds() == 2


def test_the_playhead_stands_at_now(view):
    row = region("sound", True)
    for now, share in [(0, 0), (2.5, 0.25), (9.99, 0.999), (-3, 0), (99, 1)]:
        line = draw(replace(view, now=now))[row.y + 5]
        x = np.flatnonzero((line == paint.TEXT).all(1))
        assert x[0] == row.x + round(share * row.w)


# The sound


def test_sound_stands_below_its_second(view):
    row = region("sound", True)
    loud = row.of(draw(replace(view, now=T))).astype(int).sum((0, 2))
    place = np.flatnonzero(loud > (loud.max() + loud.min()) / 2)
    assert place[0] == pytest.approx(0.3 * row.w, abs=3)
    assert place[-1] == pytest.approx(0.4 * row.w, abs=3)


@pytest.mark.parametrize("at", [0.1, 0.25, 0.75])
def test_a_click_is_at_its_place_in_one_second(view, at):
    row, sound = region("sound"), np.zeros(RATE, np.float32)
    sound[round(at * RATE)] = 1
    view = replace(view, decided=["Bark"], confidences=[1], truth=None, sound=sound, now=1)
    bright = row.of(draw(view)).astype(int).sum((0, 2))
    centre = np.average(np.arange(row.w), weights=bright - bright.min())
    assert centre == pytest.approx(at * row.w, abs=row.w * 0.002)  # a fifth of a frame


def test_high_tones_are_above_low_ones(view):
    row, peaks = region("sound", True), []
    for frequency in (200, 1000, 6000):
        shown = row.of(draw(replace(view, sound=tone(frequency, 0, T), now=T)))
        peaks.append(shown.astype(int).sum((1, 2)).argmax())
    assert peaks[0] > peaks[1] + 5 > peaks[2] + 10


def test_odd_sounds_are_drawn(view):
    for sound in (np.full(RATE, np.nan, np.float32), np.zeros(1, np.float32), np.ones(100_003)):
        draw(replace(view, sound=sound))


# The link


def test_symbols_are_where_they_are(view):
    empty = replace(view, constellations=[("audio", [9 + 9j]), ("video", [])])
    for symbol, (right, down) in {1 + 2j: (0.7, 0.1), -2 - 0.5j: (0.1, 0.6)}.items():
        shown = replace(view, constellations=[("audio", np.full(50, symbol)), ("video", [])])
        box = changed(empty, shown)
        plane = region("first")
        assert box.x + box.w / 2 == pytest.approx(plane.x + right * plane.w, abs=2)
        assert box.y + box.h / 2 == pytest.approx(plane.y + down * plane.h, abs=2)


def test_symbols_that_are_no_numbers_are_left_out(view):
    audio = view.constellations[0][1]
    odd = np.concatenate([audio, [np.nan, np.inf * 1j, 50, -50j]])
    video = view.constellations[1]
    np.testing.assert_array_equal(
        draw(view), draw(replace(view, constellations=[("audio", odd), video]))
    )


def test_snr_is_shown_or_said_to_be_unknown(view):
    def length(snr_db):
        area = region("snr").of(draw(replace(view, snr_db=snr_db)))
        return (area == paint.SKY).all(2).any(0).sum()

    lengths = [length(snr_db) for snr_db in (-40, -10, 0, 10, 20, 30, 90)]
    assert lengths[0] == lengths[1] < lengths[2] < lengths[3] < lengths[4] < lengths[5]
    assert lengths[5] == lengths[6] and lengths[3] == pytest.approx(lengths[5] / 2, abs=2)
    unknown = draw(replace(view, snr_db=None))
    for snr_db in (np.inf, -np.inf, np.nan):
        np.testing.assert_array_equal(draw(replace(view, snr_db=snr_db)), unknown)
    assert length(None) == 0


# All of it


@pytest.mark.parametrize("size", [(320, 180), (641, 361), (700, 900), (1920, 400)])
def test_every_size_is_drawn(view, size):
    shown = draw(replace(view, heat=np.eye(7), event=LONG, channel=LONG), *size)
    assert shown.shape == (size[1], size[0], 3) and shown.dtype == np.uint8


@pytest.mark.parametrize("seconds", [1, 3, 60, 200])
def test_every_length_is_drawn(view, seconds):
    names = [f"event {t // 2}" for t in range(seconds)]
    sure = [0.5] * seconds
    draw(
        replace(view, decided=names, truth=names, confidences=sure, sound=tone(400, 0, 1, seconds))
    )
    draw(replace(view, decided=names[:1], truth=None, confidences=sure[:1]))


def apart(one: Box, other: Box) -> bool:
    return (
        one.x + one.w <= other.x
        or other.x + other.w <= one.x
        or one.y + one.h <= other.y
        or other.y + other.h <= one.y
    )


def test_long_texts_stay_in_their_boxes(view):
    everything = ["picture", "first", "second", "snr", "decided", "sound"]
    event = changed(view, replace(view, event=LONG))
    assert inside(event, region("picture")) and event.h < 60
    channel = changed(view, replace(view, channel=LONG))
    for name in set(everything) - {"snr"}:
        assert apart(channel, region(name)), name
    named = [(LONG, view.constellations[0][1]), view.constellations[1]]
    label = changed(view, replace(view, constellations=named))
    assert all(apart(label, region(name)) for name in everything)
    assert region("picture").x + region("picture").w < label.x
    assert label.x + label.w < region("second").x


def test_long_names_stay_in_their_seconds(view):
    for name in (LONG, "W" * 400, "line\nbreak", "\u4eba\U0001f415"):
        long = ["Bark"] * 3 + [name] + ["Bark"] * 6
        short = ["Bark"] * 3 + ["i"] + ["Bark"] * 6
        one, other = (replace(view, decided=d, truth=None) for d in (short, long))
        assert inside(changed(one, other), of_second(region("decided"), 3))
    one, other = (replace(view, truth=["Bark"] * 9 + [name]) for name in ("i", LONG))
    assert inside(changed(one, other), of_second(region("truth", True), 9))


def test_text_is_shrunk_then_shortened():
    face = ImageFont.truetype(paint.FONTS / "DejaVuSans.ttf", 20)
    assert paint.fitted("Bark", 400, (40, 20)) == ("Bark", 40)
    text, size = paint.fitted("Female speech, woman speaking", 300, (40, 10))
    assert text.endswith("speaking") and 10 <= size < 40
    for width in (200, 60, 20, 3, 0):
        text, size = paint.fitted(LONG, width, (40, 20))
        assert size == 20 and (text == "" or text.endswith("…"))
        assert text == "" or face.getlength(text) <= width
    assert paint.fitted("", 100, (40, 20)) == ("", 40)


def test_same_view_same_pixels(view):
    view = replace(view, heat=np.eye(7))
    first = draw(view)
    kept = first.copy()
    first[:] = 0  # the caller's, not a cache's
    np.testing.assert_array_equal(draw(view), kept)
    for name in [*vars(overlay).values(), *vars(timeline).values(), *vars(paint).values()]:
        if hasattr(name, "cache_clear"):
            name.cache_clear()
    np.testing.assert_array_equal(draw(view), kept)


def test_a_spectrum_is_made_once(view, monkeypatch):
    made = []
    monkeypatch.setattr(timeline, "log_mel", lambda *args: made.append(1) or log_mel(*args))
    sound = tone(700, 1, 2)  # of no other test
    for k in range(16):
        picture = np.full((224, 298, 3), k, np.uint8)
        draw(replace(view, picture=picture, now=4 + k / 16, sound=sound.copy()))
    assert made == [1]


@pytest.mark.parametrize(
    "picture", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)]
)
def test_what_is_no_picture_is_refused(picture):
    with pytest.raises(SemcomError, match="expected .height, width, 3. of uint8"):
        draw(View(picture))


def test_too_small_a_view_is_refused(view):
    with pytest.raises(SemcomError, match="300 x 100"):
        draw(view, 300, 100)


def test_views_make_a_video(view, tmp_path):
    path = tmp_path / "film.mp4"
    pictures = (draw(replace(view, now=k / 16), 640, 360) for k in range(16))
    write_video(path, pictures, 16, view.sound[:RATE])
    (second,) = MediaSource(path, height=360)
    original = draw(replace(view, now=8 / 16), 640, 360)
    assert np.abs(second.pictures[8].astype(int) - original).mean() < 4


def test_drawing_needs_no_window_and_no_radio(program):
    done = program("-c", "import sys, gnuradio.semcom.media.overlay; print('PyQt5' in sys.modules)")
    assert done.stdout.strip() == "False", done.stderr
