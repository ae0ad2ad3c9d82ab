# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Media that are damaged, refused, endless or live: what is there, or one line; no thread, file or
memory is left behind."""

import contextlib
import gc
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.media.sources import Limits, MediaSource
from gnuradio.semcom.media.spectrum import RATE
from media_clips import (
    HEIGHT,
    Clip,
    brightness,
    level,
    loudness,
    read,
    refused,
    shown,
    stray,
    tone,
)


@pytest.fixture(autouse=True)
def no_thread_stays():
    """Whatever a test does to a source, its threads are gone soon after."""
    before = set(threading.enumerate())
    yield
    assert stray(before, 3) == set()


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
    refused("a\0b.mp4", "embedded null")  # byte or character
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
