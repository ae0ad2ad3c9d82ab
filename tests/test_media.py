# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Media to seconds: times, levels and shapes, against clips made here; and what strangers send."""

import contextlib
import gc
import os
import threading
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from av.video.reformatter import ColorRange, Colorspace
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.media.sources import Limits, MediaSource, windows
from gnuradio.semcom.media.spectrum import RATE

HEIGHT = 32  # [pixels], small and fast
ENCODERS = {
    "mp4": ("libx264", "aac"),
    "mkv": ("libx264", "flac"),
    "webm": ("libvpx-vp9", "libopus"),
    "mov": ("mpeg4", "pcm_s16le"),
    "avi": ("mjpeg", "pcm_s16le"),
    "ts": ("mpeg2video", "mp2"),
    "wav": ("", "pcm_s16le"),
    "flac": ("", "flac"),
    "mp3": ("", "libmp3lame"),
    "ogg": ("", "libopus"),
    "aac": ("", "aac"),
}
FAST = {"libx264": {"preset": "ultrafast", "bf": "2"}, "libvpx-vp9": {"cpu-used": "8"}}


# --- clips ----------------------------------------------------------------------------------------


def level(number):
    """The grey of picture ``number``; 12 in turn, far enough apart for any codec."""
    return 20 + 18 * (np.asarray(number) * 5 % 12)


def beeps(*times, length=0.1, hertz=1000):
    def wave(t):
        on = np.any([(t >= at) & (t < at + length) for at in times], axis=0)
        return 0.5 * on * np.sin(2 * np.pi * hertz * t)

    return wave


def tone(hertz, amplitude=0.5):
    return lambda t: amplitude * np.sin(2 * np.pi * hertz * t)


class Clip:
    """Writes one file, streams of tiny pictures and of sound; ``close`` ends it."""

    def __init__(
        self,
        path,
        video=None,
        audio=None,
        rate=25,
        size=(64, 48),
        hertz=48000,
        layout="mono",
        **options,
    ):
        usual = ENCODERS[Path(path).suffix[1:]]
        video, audio = (u if c is None else c for c, u in zip((video, audio), usual, strict=True))
        for codec in filter(None, (video, audio)):
            if codec not in av.codecs_available:
                pytest.skip(f"no encoder {codec}")
        options["max_interleave_delta"] = "0"  # by time, however they are written
        if path.suffix in (".mkv", ".webm"):
            options["cluster_time_limit"] = "1000"
        self.file, self.size = av.open(str(path), "w", options=options), size
        self.hertz, self.layout = hertz, layout
        self.video = self.audio = None
        if video:
            self.video = self.file.add_stream(video, rate=rate, options=FAST.get(video, {}))
            self.video.width, self.video.height = size
            self.video.pix_fmt = "yuvj420p" if video == "mjpeg" else "yuv420p"
            any_time = path.suffix in (".mp4", ".mkv", ".webm", ".mov")
            self.video.codec_context.time_base = Fraction(1, 1000 if any_time else rate)
        if audio:
            self.audio = self.file.add_stream(audio, rate=hertz, layout=layout)

    def show(self, times, picture=None, offset=0):
        """Pictures at ``times`` [s]: grey ones, or of ``picture(number)``."""
        wide, tall = self.size
        for number, at in enumerate(times):
            grey = np.full((tall, wide, 3), level(number), np.uint8)
            frame = av.VideoFrame.from_ndarray(picture(number) if picture else grey)
            frame.time_base = self.video.codec_context.time_base
            frame.pts = round((at + offset) / frame.time_base)
            self.file.mux(self.video.encode(frame.reformat(format=self.video.pix_fmt)))

    def sound(self, seconds, wave, offset=0):
        """``wave(t)``: [samples] or [samples, channels]."""
        samples = np.asarray(wave(np.arange(round(seconds * self.hertz)) / self.hertz), np.float32)
        channels = len(av.AudioLayout(self.layout).channels)
        samples = np.repeat(samples.reshape(len(samples), -1), channels // samples[0].size, 1)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), "flt", self.layout)
        frame.sample_rate, frame.time_base = self.hertz, Fraction(1, self.hertz)
        frame.pts = round(offset * self.hertz)
        context = self.audio.codec_context
        cutter = av.AudioResampler(
            context.format, self.layout, self.hertz, context.frame_size or 1024
        )
        for piece in cutter.resample(frame) + cutter.resample(None):
            self.file.mux(self.audio.encode(piece))

    def close(self):
        for stream in filter(None, (self.video, self.audio)):
            self.file.mux(stream.encode(None))
        self.file.close()


@pytest.fixture
def make(tmp_path):
    """Make a clip; returns its path."""

    def write(name="clip.mp4", seconds=3, times=None, wave=None, picture=None, offset=0, **how):
        path = tmp_path / name
        clip = Clip(path, **how)
        if clip.video:
            even = np.arange(round(seconds * how.get("rate", 25))) / how.get("rate", 25)
            clip.show(even if times is None else times, picture, offset)
        if clip.audio:
            clip.sound(seconds, wave or tone(440), offset)
        clip.close()
        return path

    return write


def stray(before, patience=1.0):
    """The threads that were not there ``before`` and stay longer than ``patience`` [s]."""
    end = time.monotonic() + patience
    while set(threading.enumerate()) - before and time.monotonic() < end:
        time.sleep(0.01)
    return set(threading.enumerate()) - before


@pytest.fixture(autouse=True)
def no_thread_stays():
    """Whatever a test does to a source, its threads are gone soon after."""
    before = set(threading.enumerate())
    yield
    assert stray(before, 3) == set()


def read(name, **how):
    """The source and its pictures [T * 16, h, w, 3] and sound [T * 16000]."""
    source = MediaSource(name, height=how.pop("height", HEIGHT), **how)
    seconds = list(source)
    assert [second.number for second in seconds] == list(range(len(seconds)))
    for second in seconds:
        assert second.pictures.shape[::3] == (16, 3)
        assert second.pictures.dtype == np.uint8
        assert second.sound.shape == (RATE,)
        assert second.sound.dtype == np.float32
    pictures = np.concatenate([second.pictures for second in seconds])
    return source, pictures, np.concatenate([second.sound for second in seconds])


def brightness(pictures):
    return pictures.mean((1, 2, 3))


def shown(times, count):
    """The greys that a viewer sees at (k + 1/2)/16 s, of pictures that come at ``times``."""
    at = (np.arange(count) + 0.5) / 16
    return level(np.maximum(0, np.searchsorted(times, at, side="right") - 1))


def loudness(sound, hertz):
    """The amplitude of the tone at ``hertz`` in the middle of ``sound``."""
    middle = sound[len(sound) // 4 : -len(sound) // 4]
    window = np.hanning(len(middle))
    turn = np.exp(-2j * np.pi * hertz * np.arange(len(middle)) / RATE)
    return 2 * abs((middle * window * turn).sum() / window.sum())


def refused(name, says, **how):
    """Opening or reading ends with one line that names the file and says so."""
    with pytest.raises(SemcomError, match=says) as caught:
        read(name, **how)
    assert str(name) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


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


def test_cover_art_is_not_a_film(tmp_path):
    path = tmp_path / "song.mp3"
    clip = Clip(path, video="mjpeg", rate=25)
    clip.video.disposition = Disposition.attached_pic
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

RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 200, 30), (30, 30, 220), (235, 235, 235)


def quarters(wide, tall):
    """Four colours, so that every turn and mirror differs."""
    picture = np.zeros((tall, wide, 3), np.uint8)
    picture[: tall // 2, : wide // 2], picture[: tall // 2, wide // 2 :] = RED, GREEN
    picture[tall // 2 :, : wide // 2], picture[tall // 2 :, wide // 2 :] = BLUE, WHITE
    return picture


def corners(picture):
    """The colours amid the four quarters of ``picture``."""
    tall, wide = np.array(picture.shape[:2]) // 4
    return picture[tall :: 2 * tall][:2, wide :: 2 * wide][:, :2].astype(int)


def turn(path, clockwise):
    """Write the display matrix of an mp4's first track."""
    a, b = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[clockwise]
    matrix = np.array([a, b, 0, -b, a, 0, 0, 0, 0x4000], ">i4") * 0x10000
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44
    data[at : at + 36] = matrix.astype(">i4").tobytes()
    path.write_bytes(data)


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


# --- damage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.webm", "clip.ts"])
def test_a_broken_middle_leaves_the_rest_in_its_place(make, name):
    path = make(name, 6)
    data = bytearray(path.read_bytes())
    begin, end = len(data) * 2 // 5, len(data) * 3 // 5
    data[begin:end] = np.random.default_rng(0).bytes(end - begin)
    path.write_bytes(data)
    source, pictures, sound = read(path)
    assert len(sound) == 6 * RATE
    if name == "clip.mp4":  # the others find the next whole part by themselves
        assert source.skipped > 0
    for part in (sound[: 2 * RATE], sound[4 * RATE :]):
        assert loudness(part, 440) == pytest.approx(0.5, rel=0.1)
    if name in ("clip.mp4", "clip.mkv", "clip.webm"):
        right = abs(brightness(pictures) - shown(np.arange(150) / 25, 96)) < 8
        assert right[:32].all()
        assert right[-8:].all()
        assert not right.all()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("clip.mkv", {}),
        ("clip.webm", {}),
        ("clip.ts", {}),
        ("clip.avi", {}),
        ("clip.wav", {}),
        ("clip.mp4", {"movflags": "faststart"}),
    ],
)
def test_of_a_cut_file_the_seconds_that_are_there(make, name, options):
    path = make(name, 8, **options)
    os.truncate(path, path.stat().st_size // 2)
    _, pictures, sound = read(path)
    assert 3 * RATE <= len(sound) <= 5 * RATE
    assert loudness(sound[: 3 * RATE], 440) == pytest.approx(0.5, rel=0.1)
    if name not in ("clip.ts", "clip.wav"):
        expected = shown(np.arange(200) / 25, 40)
        np.testing.assert_allclose(brightness(pictures)[:40], expected, atol=8)


def test_a_cut_mp4_has_lost_its_index(make):
    path = make()
    os.truncate(path, path.stat().st_size * 3 // 5)
    refused(path, "cannot be read as media .Invalid data")


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.ts", "clip.mp3"])
def test_scattered_damage_ends_in_seconds_or_in_one_line(make, name, seed):
    path = make(name, 1)
    rng = np.random.default_rng(seed)
    data = np.frombuffer(path.read_bytes(), np.uint8).copy()
    places = rng.integers(0, len(data), 20)
    data[places] = rng.integers(0, 256, 20)
    path.write_bytes(data.tobytes())
    try:
        assert len(read(path, limits=Limits(duration=60))[2]) >= RATE
    except SemcomError as error:
        assert str(path) in str(error)


def test_tags_in_another_alphabet_do_no_harm(make):
    path = make("clip.avi")
    data = path.read_bytes()
    assert b"Lavf" in data
    path.write_bytes(data.replace(b"Lavf", b"\xe9\xff\x80f"))
    assert len(read(path)[2]) == 3 * RATE


# --- what is refused ------------------------------------------------------------------------------


def test_names_that_are_no_media_are_told_in_one_line(make, tmp_path):
    refused(tmp_path / "missing.mp4", "No such file")
    refused(tmp_path, "a folder")
    refused("/dev/null", "not a file; devices are")
    refused("http://host/clip.mp4", "No such file")
    refused("a\0b.mp4", "null byte")
    (tmp_path / "empty.mp4").touch()
    refused(tmp_path / "empty.mp4", "empty, 0 bytes")
    refused(make(), "more than 1,000 bytes", limits=Limits(size=1000))


@pytest.mark.parametrize("name", ["words.mp4", "words.txt", "words.bin", "words.nfo", "words.mkv"])
def test_a_text_of_any_name_is_refused(tmp_path, name):
    (tmp_path / name).write_text("This is no film.\n" * 200)
    refused(tmp_path / name, "cannot be read as media|a text")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n"),
        ("list.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n"),
        ("list.ffconcat", "ffconcat version 1.0\nfile {}\n"),
        ("list.sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=video 5004 RTP/AVP 96\n"),
        ("list.txt", "file {}\n"),
    ],
)
def test_a_list_does_not_open_the_files_that_it_names(tmp_path, name, text):
    """Its file is a pipe that nobody writes to: opening it would hang."""
    os.mkfifo(tmp_path / "part.ts")
    (tmp_path / name).write_text(text.format("part.ts"))
    refused(tmp_path / name, "a list of files|cannot be read as media")


def test_a_colon_in_a_name_is_a_letter(make, tmp_path, monkeypatch):
    make("12:30.mkv", 1)
    monkeypatch.chdir(tmp_path)
    assert len(read("12:30.mkv")[1]) == 16


@pytest.mark.parametrize("change", ["unlinked", "cut"])
def test_a_file_that_vanishes_while_it_is_read(make, change):
    path = make("clip.mkv", 40, rate=5, hertz=RATE)
    seconds = iter(MediaSource(path, height=HEIGHT))
    first = [next(seconds) for _ in range(3)]
    if change == "unlinked":
        path.unlink()
    else:
        os.truncate(path, path.stat().st_size // 2)
    try:
        count = len(first + list(seconds))
    except SemcomError as error:
        assert str(path) in str(error)
    else:
        assert count == 40 if change == "unlinked" else 18 <= count <= 24


# --- pipes ----------------------------------------------------------------------------------------


class Feeder(threading.Thread):
    """Makes a named pipe and writes to it, ``once`` and then ``forever``."""

    def __init__(self, path, once=b"", forever=b""):
        super().__init__()
        os.mkfifo(path)
        self.path, self.once, self.forever, self.written = path, once, forever, 0
        self.start()

    def run(self):
        with contextlib.suppress(BrokenPipeError), open(self.path, "wb", buffering=0) as pipe:
            self.write(pipe, self.once)
            while self.forever:
                self.write(pipe, self.forever)

    def write(self, pipe, data):
        for at in range(0, len(data), 4096):
            self.written += pipe.write(data[at : at + 4096])


def test_a_pipe_is_read_like_a_file(make, tmp_path):
    path = make("clip.mkv")
    Feeder(tmp_path / "pipe", path.read_bytes())
    _, pictures, sound = read(tmp_path / "pipe")
    _, same_pictures, same_sound = read(path)
    np.testing.assert_array_equal(pictures, same_pictures)
    np.testing.assert_array_equal(sound, same_sound)


def test_a_pipe_that_nobody_writes_to(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    began = time.monotonic()
    refused(tmp_path / "pipe", "nothing to decode for 1 s", limits=Limits(patience=1))
    assert time.monotonic() - began < 4


def test_a_pipe_whose_writer_falls_silent(make, tmp_path):
    data = make("clip.ts", 6).read_bytes()
    path = tmp_path / "pipe"
    Feeder(path, data[: len(data) // 2])
    keep = os.open(path, os.O_RDWR)  # a second writer, so that the pipe does not end
    seconds = iter(MediaSource(path, height=HEIGHT, limits=Limits(patience=3)))
    assert [next(seconds).number for _ in range(2)] == [0, 1]
    with pytest.raises(SemcomError, match="nothing to decode for 3 s"):
        list(seconds)
    os.close(keep)


def test_an_endless_pipe_is_stopped_and_waits_for_its_reader(make, tmp_path):
    sound = make("clip.mp3", 2, hertz=RATE).read_bytes()  # has no time stamps
    feeder = Feeder(tmp_path / "pipe", forever=sound)
    limits = Limits(duration=50)
    seconds = iter(MediaSource(tmp_path / "pipe", height=HEIGHT, limits=limits))
    next(seconds)
    time.sleep(0.5)
    assert feeder.written < 1_000_000  # minutes; it would be hours
    with pytest.raises(SemcomError, match="longer than 50 s") as caught:
        while True:
            last = next(seconds).number
    assert last == 49
    assert "\n" not in str(caught.value)
    seconds.close()


def test_an_endless_pipe_whose_time_stands_still_is_stopped(make, tmp_path):
    sound = make("clip.flac", 2, hertz=RATE).read_bytes()  # frames are numbered
    Feeder(tmp_path / "pipe", forever=sound)
    refused(tmp_path / "pipe", "nothing to decode for 1 s", limits=Limits(patience=1))


def test_what_goes_back_in_time_is_skipped_and_counted(make, tmp_path):
    path = make("clip.flac", 2, hertz=RATE, wave=tone(440))
    twice = tmp_path / "twice.flac"
    twice.write_bytes(path.read_bytes() + make("b.flac", 2, wave=tone(3000)).read_bytes())
    source, _, sound = read(twice)
    assert len(sound) == 2 * RATE
    assert source.skipped > 0
    assert loudness(sound, 440) == pytest.approx(0.5, rel=0.02)
    assert loudness(sound, 3000) < 0.01


@pytest.mark.parametrize("begin", [b"", b"RIFF\xff\xff\xff\xffWAVELIST\xff\xff\xff\xff"])
def test_endless_rubbish_ends(tmp_path, begin):
    """Also where a header says to skip the next four gigabytes."""
    noise = np.random.default_rng(0).bytes(1 << 20)
    Feeder(tmp_path / "pipe", begin, noise)
    refused(tmp_path / "pipe", "cannot be read|nothing to decode", limits=Limits(patience=1))


def test_a_film_that_turns_into_endless_rubbish_ends(make, tmp_path):
    data = make("clip.mkv", 4).read_bytes()
    noise = np.random.default_rng(0).bytes(1 << 20)
    Feeder(tmp_path / "pipe", data[: len(data) // 2], noise)
    refused(tmp_path / "pipe", "nothing to decode for 1 s", limits=Limits(patience=1))


# --- the host -------------------------------------------------------------------------------------


def resident():
    """[MiB] of this process."""
    (line,) = (s for s in Path("/proc/self/status").read_text().splitlines() if "VmRSS" in s)
    return int(line.split()[1]) / 1024


@pytest.mark.parametrize("microphone", ["", "lavfi:sine=frequency=1000"])
def test_a_reader_that_stops_early_leaves_no_thread_behind(make, microphone):
    before = set(threading.enumerate())
    source = MediaSource(make("clip.mkv", 20), microphone=microphone, height=HEIGHT)
    for second in source:
        assert set(threading.enumerate()) > before
        if second.number == 2:
            break
    assert stray(before) == set()


def test_files_and_pipes_are_closed(make, tmp_path):
    path = make("clip.mkv", 2)
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "nothing to decode", limits=Limits(patience=0.1))  # warms up
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        read(path)
        next(iter(MediaSource(path, height=HEIGHT)))
        MediaSource(path)
        refused(tmp_path / "pipe", "nothing to decode", limits=Limits(patience=0.1))
    time.sleep(0.5)
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= before


def test_memory_does_not_grow_over_many_clips(make):
    path = make("clip.mkv", 1, rate=5, video="mpeg4", size=(32, 16), hertz=RATE)
    for number in range(200):
        assert len(list(MediaSource(path, height=16))) == 1
        if number == 50:
            before = resident()
    assert resident() - before < 8


def test_memory_does_not_grow_over_a_long_clip(tmp_path):
    """Four minutes, made by repeating a second; kept, they would be 20 MiB."""
    path = tmp_path / "long.mkv"
    clip = Clip(path, rate=4, video="mpeg4", audio="pcm_s16le", size=(32, 16), hertz=RATE)
    for second in range(240):
        clip.show(np.arange(4) / 4, offset=second)
        clip.sound(1, tone(440), offset=second)
    clip.close()
    for second in MediaSource(path, height=16):
        if second.number == 40:
            before = resident()
    assert second.number == 239
    assert resident() - before < 5


def test_a_single_picture_does_not_keep_all_of_the_sound(tmp_path):
    """It stays, and the seconds come before the sound has ended."""
    path = tmp_path / "clip.mkv"
    clip = Clip(path, video="mjpeg", audio="pcm_s16le", hertz=RATE)
    clip.show([0.0])
    clip.sound(180, tone(440))
    clip.close()
    feeder = Feeder(tmp_path / "pipe", path.read_bytes())
    seconds = iter(MediaSource(tmp_path / "pipe", height=16))
    first = next(seconds)
    assert feeder.written < 150 * 2 * RATE  # [bytes]
    rest = list(seconds)
    assert len(rest) == 179
    for second in [first, *rest]:
        np.testing.assert_allclose(brightness(second.pictures), level(0), atol=7)


# --- devices --------------------------------------------------------------------------------------


def test_a_camera_and_a_microphone():
    source, pictures, sound = read(
        "lavfi:testsrc2=size=320x240:rate=25:duration=3",
        microphone="lavfi:sine=frequency=1000:duration=3",
    )
    assert (source.has_picture, source.has_sound) == (True, True)
    assert len(sound) == 3 * RATE
    assert loudness(sound, 1000) == pytest.approx(1 / 8, rel=0.02)  # the filter's own level
    assert pictures.shape == (48, HEIGHT, 42, 3)
    assert all((a != b).any() for a, b in zip(pictures, pictures[1:], strict=False))


def test_a_microphone_replaces_the_sound_of_a_film(make):
    path = make("clip.mkv", 2, wave=tone(440))
    _, _, sound = read(path, microphone="lavfi:sine=frequency=3000:duration=2")
    assert loudness(sound, 440) < 0.001
    assert loudness(sound, 3000) == pytest.approx(1 / 8, rel=0.02)


@pytest.mark.parametrize(
    ("name", "microphone", "says"),
    [
        ("v4l2:/dev/video99", "", "v4l2:/dev/video99: cannot be read"),
        ("lavfi:nonsense", "", "lavfi:nonsense: cannot be read"),
        ("lavfi:testsrc2=duration=1", "v4l2:/dev/video99", "v4l2:/dev/video99: cannot be read"),
        ("lavfi:testsrc2=duration=1", "lavfi:testsrc2", "lavfi:testsrc2: has no sound"),
        ("lavfi:sine=duration=1", "lavfi:sine", "lavfi:sine=duration=1: has no picture"),
    ],
)
def test_devices_that_are_not_there_are_told_in_one_line(name, microphone, says):
    with pytest.raises(SemcomError, match=says) as caught:
        MediaSource(name, microphone=microphone)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not Path("/usr/share/alsa/alsa.conf").exists(), reason="no ALSA here")
def test_sound_cards_are_found_by_the_names_of_the_host():
    """PyAV's own ALSA library looks elsewhere; ``null`` is a card of the host's settings."""
    source = MediaSource("alsa:null", limits=Limits(duration=1))
    assert (source.has_picture, source.has_sound) == (False, True)
    assert next(iter(source)).sound.shape == (RATE,)
