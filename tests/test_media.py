# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Media to seconds: times, levels and shapes, against clips made here."""

import os
import threading
import time
from fractions import Fraction

import av
import numpy as np
import pytest
from av.stream import Disposition
from av.video.reformatter import ColorRange, Colorspace
from gnuradio.semcom.media import sources
from gnuradio.semcom.media.sources import Limits, MediaSource, windows
from gnuradio.semcom.media.spectrum import RATE
from gnuradio.semcom.perception.windows import MediaWindows
from media_clips import (
    BLUE,
    GREEN,
    HEIGHT,
    RED,
    WHITE,
    Clip,
    beeps,
    brightness,
    corners,
    loudness,
    quarters,
    read,
    refused,
    shown,
    stray,
    tone,
    turn,
)


@pytest.fixture(autouse=True)
def no_thread_stays():
    """Whatever a test does to a source, its threads are gone soon after."""
    before = set(threading.enumerate())
    yield
    assert stray(before, 3) == set()


# --- time -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "hertz", "layout", "offset"),
    [
        ("clip.mp4", 48000, "mono", 0),
        ("clip.mp4", 44100, "stereo", 0),
        ("clip.mkv", 44100, "stereo", 7.2),
        ("clip.webm", 48000, "stereo", 0),
        ("clip.webm", 48000, "mono", 7.2),
        ("clip.mov", 8000, "mono", 7.2),
        ("clip.avi", 44100, "stereo", 0),
        ("clip.ts", 48000, "stereo", 7.2),
    ],
)
def test_a_flash_and_a_beep_stay_where_they_are(make, name, hertz, layout, offset):
    at, frames = 1.36, np.arange(100) / 25  # between two of the 16 pictures

    def flash(number):
        return np.full((48, 64, 3), 235 if at <= frames[number] < at + 0.2 else 30, np.uint8)

    path = make(name, 4, wave=beeps(at), picture=flash, offset=offset, hertz=hertz, layout=layout)
    source, pictures, sound = read(path)
    assert (source.has_picture, source.has_sound, source.skipped) == (True, True, 0)
    assert len(sound) == 4 * RATE
    k = (np.arange(64) + 0.5) / 16
    np.testing.assert_array_equal(brightness(pictures) > 130, (k >= at) & (k < at + 0.2))
    loud = np.flatnonzero(abs(sound) > 0.2) / RATE
    assert loud[0] == pytest.approx(at, abs=0.02)
    assert loud[-1] == pytest.approx(at + 0.1, abs=0.02)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.webm"])
@pytest.mark.parametrize("rate", [1, 10, 60, "variable"])
def test_each_picture_is_the_one_that_shows_at_its_time(make, name, rate):
    if rate == "variable":
        gaps = np.random.default_rng(3).choice([0.011, 0.033, 0.1, 0.7], 40)
        times = np.concatenate([[0], np.cumsum(gaps)])
        times, rate = np.round(times[times < 4], 3), 30
    else:
        times = np.arange(4 * rate) / rate
    _, pictures, sound = read(make(name, 4, times=times, rate=rate))
    assert len(pictures) == 64
    np.testing.assert_allclose(brightness(pictures), shown(times, 64), atol=7)
    assert loudness(sound, 440) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(("picture_from", "sound_from"), [(0, 1.5), (1.5, 0)])
def test_a_track_that_begins_later_keeps_its_times(tmp_path, picture_from, sound_from):
    path = tmp_path / "clip.mkv"
    clip = Clip(path)
    times = np.arange(picture_from, 4, 0.04)
    clip.show(times)
    clip.sound(4 - sound_from, tone(440), sound_from)
    clip.close()
    _, pictures, sound = read(path)
    assert len(sound) == 4 * RATE
    np.testing.assert_allclose(brightness(pictures), shown(times, 64), atol=7)
    if sound_from:
        assert abs(sound[:23900]).max() == 0
    assert np.sqrt(np.mean(sound[24100:] ** 2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.02)


def test_pictures_half_a_minute_apart_stay_with_their_sound(make):
    """The sound is long ahead when the next picture comes; each has its beep."""
    times = [0, 30, 61]
    path = make("slides.mkv", 64, times=times, wave=beeps(30.2, 61.2), hertz=16000)
    _, pictures, sound = read(path)
    assert len(sound) == 64 * RATE
    np.testing.assert_allclose(brightness(pictures), shown(times, 1024), atol=7)
    loud = np.flatnonzero(abs(sound) > 0.2) / RATE
    assert loud[0] == pytest.approx(30.2, abs=0.02)
    assert loud[-1] == pytest.approx(61.3, abs=0.02)


# --- sound ----------------------------------------------------------------------------------------


def stereo(left, right):
    return lambda t: np.stack([left(t), right(t)], 1)


@pytest.mark.parametrize("hertz", [8000, 11025, 16000, 44100, 48000, 192000])
def test_tones_keep_frequency_and_level_at_any_rate(make, hertz):
    _, _, sound = read(make("clip.wav", 2, wave=tone(1000, 0.8), hertz=hertz))
    assert len(sound) == 2 * RATE
    assert loudness(sound, 1000) == pytest.approx(0.8, rel=0.01)
    assert np.sqrt(np.mean(sound[1000:-1000] ** 2)) == pytest.approx(0.8 / np.sqrt(2), rel=0.01)


@pytest.mark.parametrize("hertz", [9000, 12000, 15000, 20000])
def test_what_16_khz_cannot_hold_is_gone_and_has_no_alias(make, hertz):
    _, _, sound = read(make("clip.wav", 2, wave=tone(hertz, 1.0)))
    assert 20 * np.log10(abs(sound[1000:-1000]).max()) < -40
    _, _, kept = read(make("kept.wav", 2, wave=tone(7000, 1.0)))
    assert loudness(kept, 7000) == pytest.approx(1, rel=0.06)


@pytest.mark.parametrize("name", ["clip.wav", "clip.flac", "clip.ogg", "clip.mp3", "clip.mp4"])
def test_channels_are_averaged_so_that_nothing_clips(make, name):
    loud = make(name, 2, wave=tone(440, 0.9), layout="stereo")
    assert loudness(read(loud)[2], 440) == pytest.approx(0.9, rel=0.06)
    half = make("half.wav", 2, wave=stereo(tone(440, 0.8), tone(1000, 0.4)), layout="stereo")
    sound = read(half)[2]
    assert loudness(sound, 440) == pytest.approx(0.4, rel=0.02)
    assert loudness(sound, 1000) == pytest.approx(0.2, rel=0.02)


@pytest.mark.parametrize("name", ["clip.wav", "clip.flac"])
def test_eight_channels_at_192_khz(make, name):
    def wave(t):
        return np.stack([tone(300 * (c + 1), 0.8)(t) for c in range(8)], 1)

    _, _, sound = read(make(name, 2, wave=wave, hertz=192000, layout="7.1"))
    assert len(sound) == 2 * RATE
    for channel in range(8):
        assert loudness(sound, 300 * (channel + 1)) == pytest.approx(0.1, rel=0.03)


def test_samples_that_are_no_numbers_or_beyond_one_are_tamed(tmp_path):
    def wave(t):
        return np.where(t < 0.5, np.nan, np.where(t < 1, np.inf, np.where(t < 1.5, -7, 0.25)))

    path = tmp_path / "clip.wav"
    clip = Clip(path, audio="pcm_f32le", hertz=RATE)
    clip.sound(2, wave)
    clip.close()
    _, _, sound = read(path)
    for half, value in enumerate([0, 1, -1, 0.25]):
        np.testing.assert_array_equal(sound[half * 8000 :][:8000], value)


def test_a_file_whose_channels_change_goes_on(make, tmp_path):
    first = make("first.aac", 2, wave=tone(500), hertz=48000, layout="mono")
    second = make("second.aac", 2, wave=tone(2000), hertz=48000, layout="stereo")
    path = tmp_path / "both.aac"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    _, _, sound = read(path)
    assert 4 * RATE <= len(sound) <= 5 * RATE
    assert loudness(sound[: 2 * RATE], 500) == pytest.approx(0.5, rel=0.05)
    assert loudness(sound[2 * RATE + 4000 :][:RATE], 2000) == pytest.approx(0.5, rel=0.05)


def test_a_gap_in_the_sound_is_silence_of_its_length(tmp_path):
    path = tmp_path / "clip.mkv"
    clip = Clip(path, audio="pcm_s16le")
    clip.show(np.arange(39))
    clip.sound(3, tone(440))
    clip.sound(2, tone(1000), offset=37)
    clip.close()
    _, _, sound = read(path)
    assert len(sound) == 39 * RATE
    assert loudness(sound[: 3 * RATE], 440) == pytest.approx(0.5, rel=0.02)
    assert abs(sound[3 * RATE + 50 : 37 * RATE - 50]).max() == 0
    assert loudness(sound[37 * RATE : 39 * RATE], 1000) == pytest.approx(0.5, rel=0.02)


# --- what is missing ------------------------------------------------------------------------------


def test_no_sound_is_silence(make):
    times = np.arange(75) / 25
    source, pictures, sound = read(make(audio=""))
    assert (source.has_picture, source.has_sound) == (True, False)
    np.testing.assert_allclose(brightness(pictures), shown(times, 48), atol=7)
    np.testing.assert_array_equal(sound, np.zeros(3 * RATE))


@pytest.mark.parametrize("name", ["clip.wav", "clip.mp3", "clip.ogg", "clip.flac"])
def test_no_picture_is_black(make, name):
    source, pictures, sound = read(make(name, 3, hertz=48000))
    assert (source.has_picture, source.has_sound) == (False, True)
    assert pictures.shape == (48, HEIGHT, HEIGHT * 4 // 3, 3)
    assert pictures.max() == 0
    assert loudness(sound, 440) == pytest.approx(0.5, rel=0.06)


def test_what_a_film_lacks_is_not_sent_as_media(make):
    for path, kind, other in (
        (make("silent.mp4", audio=""), "pictures", "sound"),
        (make("blind.wav", 3), "sound", "pictures"),
    ):
        (window,) = MediaWindows([path], None)
        assert len(getattr(window.media, kind)) and not len(getattr(window.media, other))
        assert window.media.seconds == len(window.seconds) == 3


def test_cover_art_is_not_a_film(tmp_path):
    path = tmp_path / "song.mp3"
    clip = Clip(path, video="mjpeg", rate=25)
    clip.video.disposition = Disposition.attached_pic.value
    clip.show([0])
    clip.sound(2, tone(440))
    clip.close()
    source, pictures, _ = read(path)
    assert not source.has_picture
    assert pictures.max() == 0


def test_neither_picture_nor_sound_is_told(tmp_path):
    path = tmp_path / "words.srt"
    path.write_text("1\n00:00:01,000 --> 00:00:02,000\nA word\n\n")
    refused(path, "no picture and no sound")
    with av.open(str(tmp_path / "words.mkv"), "w") as file, av.open(str(path)) as words:
        stream = file.add_stream_from_template(words.streams[0])
        for packet in words.demux():
            if packet.dts is not None:
                packet.stream = stream
                file.mux(packet)
    refused(tmp_path / "words.mkv", "no picture and no sound")


def test_a_codec_that_nobody_knows_counts_as_missing(make):
    path = make("clip.avi", video="mpeg4")
    path.write_bytes(path.read_bytes().replace(b"FMP4", b"zzzz"))
    source, pictures, sound = read(path)
    assert (source.has_picture, source.has_sound) == (False, True)
    assert (pictures.max(), len(sound)) == (0, 3 * RATE)


# --- length ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "count"),
    [(0.3, 1), (0.04, 1), (1.44, 1), (1.6, 2), (4.2, 4), (4.6, 5), (23.6, 24)],
)
@pytest.mark.parametrize("name", ["clip.mkv", "clip.wav"])
def test_the_last_second_counts_from_its_half_on(make, name, seconds, count):
    source, pictures, sound = read(make(name, seconds, hertz=RATE))
    assert len(sound) == count * RATE
    end = round(seconds * RATE)
    assert np.sqrt(np.mean(sound[100 : end - 100] ** 2)) == pytest.approx(0.354, rel=0.05)
    assert abs(sound[end + 100 :]).max(initial=0) == 0
    if source.has_picture:
        times = np.arange(round(seconds * 25)) / 25
        np.testing.assert_allclose(brightness(pictures), shown(times, count * 16), atol=7)


def test_windows_of_ten_seconds(make):
    runs = list(windows(MediaSource(make("clip.mkv", 23.6, rate=5), height=HEIGHT), 10))
    assert [len(run) for run in runs] == [10, 10, 4]
    assert [second.number for run in runs for second in run] == list(range(24))
    assert list(windows([], 10)) == []


def test_a_track_that_ends_early_leaves_its_last_picture_or_silence(tmp_path):
    path = tmp_path / "clip.mkv"
    clip = Clip(path)
    clip.show(np.arange(50) / 25)
    clip.sound(5, tone(440))
    clip.close()
    _, pictures, sound = read(path)
    assert len(sound) == 5 * RATE
    np.testing.assert_allclose(brightness(pictures), shown(np.arange(50) / 25, 80), atol=7)
    path = tmp_path / "other.mkv"
    clip = Clip(path)
    clip.show(np.arange(125) / 25)
    clip.sound(2, tone(440))
    clip.close()
    _, pictures, sound = read(path)
    assert len(sound) == 5 * RATE
    assert abs(sound[2 * RATE + 50 :]).max() == 0
    np.testing.assert_allclose(brightness(pictures), shown(np.arange(125) / 25, 80), atol=7)


# --- pictures -------------------------------------------------------------------------------------


@pytest.mark.parametrize("clockwise", [0, 90, 180, 270])
def test_pictures_are_turned_as_the_file_says(make, clockwise):
    path = make(seconds=1, size=(128, 64), picture=lambda number: quarters(128, 64))
    turn(path, clockwise)
    _, pictures, _ = read(path)
    assert pictures.shape == (16, 32, 64 if clockwise % 180 == 0 else 16, 3)
    expected = np.rot90([[RED, GREEN], [BLUE, WHITE]], -clockwise // 90)
    np.testing.assert_allclose(corners(pictures[8]), expected, atol=25)


def test_the_turn_of_the_muxer_is_that_of_the_players(tmp_path):
    path = tmp_path / "clip.mp4"
    clip = Clip(path, audio="", size=(128, 64))
    if not hasattr(clip.video, "set_display_rotation"):
        pytest.skip("PyAV 14 writes no turn")
    clip.video.set_display_rotation(90)  # ffmpeg's sign: counterclockwise
    clip.show(np.arange(25) / 25, lambda number: quarters(128, 64))
    clip.close()
    _, pictures, _ = read(path)
    np.testing.assert_allclose(
        corners(pictures[8]), np.rot90([[RED, GREEN], [BLUE, WHITE]]), atol=25
    )


@pytest.mark.parametrize("clockwise", [0, 90])
def test_pixels_are_made_square(tmp_path, clockwise):
    """A film of 64 x 48 whose pixels are twice as wide as high is a film of 128 x 48."""
    path = tmp_path / "clip.mp4"
    clip = Clip(path, audio="")
    clip.video.codec_context.sample_aspect_ratio = Fraction(2)
    clip.show(np.arange(25) / 25, lambda number: quarters(64, 48))
    clip.close()
    turn(path, clockwise)
    _, pictures, _ = read(path, height=48)
    assert pictures.shape[1:3] == ((48, 128) if clockwise == 0 else (48, 18))
    expected = np.rot90([[RED, GREEN], [BLUE, WHITE]], -clockwise // 90)
    np.testing.assert_allclose(corners(pictures[8]), expected, atol=25)


@pytest.mark.parametrize(
    ("size", "width"), [((64, 48), 42), ((320, 16), 256), ((16, 320), 2), ((62, 34), 58)]
)
def test_pictures_have_the_height_asked_for(make, size, width):
    """Wide at most eight times the height; an even number."""
    _, pictures, _ = read(make(seconds=1, size=size, audio=""))
    assert pictures.shape[1:] == (HEIGHT, width, 3)


def jpeg(picture, at):
    """A packet of Motion JPEG."""
    coder = av.CodecContext.create("mjpeg", "w")
    coder.height, coder.width = picture.shape[:2]
    coder.pix_fmt, coder.time_base = "yuvj420p", Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(picture).reformat(format="yuvj420p")
    (packet,) = coder.encode(frame) + coder.encode(None)
    packet.pts = packet.dts = at
    packet.time_base = Fraction(1, 25)
    return packet


@pytest.mark.parametrize(
    "kind",
    ["yuv420p", "yuv444p10le", "yuva420p", "gbrp12le", "bgr0", "yuv420p 601", "yuv420p 709 full"],
)
def test_colours_of_every_kind_are_right(tmp_path, kind):
    name, *words = kind.split()
    space = {"601": Colorspace.ITU601, "709": Colorspace.ITU709}[words[0]] if words else None
    reach = ColorRange.JPEG if "full" in words else ColorRange.MPEG if words else None
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, name
        if words:
            stream.codec_context.colorspace = space.value
            stream.codec_context.color_range = reach.value
        frame = av.VideoFrame.from_ndarray(quarters(64, 48))
        frame = frame.reformat(format=name, dst_colorspace=space, dst_color_range=reach)
        frame.pts = 0
        file.mux(stream.encode(frame) + stream.encode(None))
    _, pictures, _ = read(path, height=48)
    np.testing.assert_allclose(corners(pictures[0]), [[RED, GREEN], [BLUE, WHITE]], atol=5)


def test_8k_is_scaled_down(make):
    size = (8192, 4320)
    picture = quarters(*size)
    path = make(
        "clip.mkv", size=size, times=[0], picture=lambda number: picture, video="mjpeg", audio=""
    )
    _, pictures, _ = read(path)
    assert pictures.shape == (16, HEIGHT, 60, 3)
    np.testing.assert_allclose(corners(pictures[0]), [[RED, GREEN], [BLUE, WHITE]], atol=6)


def test_more_pixels_than_allowed_are_refused(make):
    path = make(seconds=1)
    assert len(read(path, limits=Limits(pixels=64 * 48))[1]) == 16
    refused(path, "64 x 48, more than 3,071 pixels", limits=Limits(pixels=64 * 48 - 1))


def test_pictures_that_change_their_size(tmp_path):
    """They take the shape of the first; what is too large is skipped, whatever the header says."""
    path = tmp_path / "clip.avi"
    clip = Clip(path, audio="")
    for second, size in enumerate([(64, 48), (96, 96), (640, 480), (64, 48)]):
        for at in range(25):
            packet = jpeg(quarters(*size), second * 25 + at)
            packet.stream = clip.video
            clip.file.mux(packet)
    clip.file.close()
    source, pictures, _ = read(path, limits=Limits(pixels=20_000))
    assert pictures.shape == (64, HEIGHT, 42, 3)
    assert source.skipped == 25
    for picture in pictures:
        np.testing.assert_allclose(corners(picture), [[RED, GREEN], [BLUE, WHITE]], atol=25)


def test_decoding_waits_for_its_reader(make, monkeypatch):
    """It is ahead by a number of bytes; nothing is lost."""
    path = make(seconds=3)
    whole = read(path)[1]
    piece = whole[0].nbytes
    monkeypatch.setattr(sources, "HELD", 5 * piece)
    source = MediaSource(path, height=HEIGHT)
    source.begin()
    time.sleep(0.5)
    assert 5 * piece <= source._line.qsize() < 6 * piece + 4 * RATE + sources.OBJECTS
    np.testing.assert_array_equal(np.concatenate([s.pictures for s in source]), whole)
    assert source._line.empty()


def test_tiny_pieces_count_with_the_objects_around_them():
    line = sources._Line(10 * sources.OBJECTS)
    for _ in range(10):
        line.put_nowait(("sound", (0, np.zeros(1, np.float32))))
    assert line.full() and line.get_nowait()[0] == "sound" and not line.full()


def test_a_pipe_is_not_read_far_ahead(make, tmp_path, monkeypatch):
    """It may be a camera; what is shown should be what happens now."""
    path, pipe = make("clip.ts", seconds=3), tmp_path / "pipe.ts"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(path.read_bytes()))
    monkeypatch.setattr(sources, "HELD_LIVE", 1000)
    writer.start()
    source = MediaSource(pipe, height=HEIGHT)
    assert len(list(source)) == 3 and source._line.maxsize == 1000
    writer.join()
