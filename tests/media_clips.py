# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Media files for tests, tiny pictures and tones whose times are known; and what a reader makes of
them."""

import threading
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.media.sources import MediaSource
from gnuradio.semcom.media.spectrum import RATE

HEIGHT = 32  # [pixels], small and fast
RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 200, 30), (30, 30, 220), (235, 235, 235)
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


def maker(folder):
    """What makes a clip in a folder, and returns its path."""

    def write(name="clip.mp4", seconds=3, times=None, wave=None, picture=None, offset=0, **how):
        path = folder / name
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
    assert str(SemcomError(name)) in str(caught.value)  # with the escapes of one line
    assert "\n" not in str(caught.value)
    return str(caught.value)


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
