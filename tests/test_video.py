# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Pictures and sound written as an mp4, and read back."""

import av
import numpy as np
import pytest
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.media import video
from gnuradio.semcom.media.sources import MediaSource
from gnuradio.semcom.media.spectrum import RATE
from gnuradio.semcom.media.video import video_file, write_video
from test_overlay import tone

COLOURS = [(200, 30, 40), (30, 180, 60), (20, 40, 200)]


def coloured(number, size=(90, 160)):
    """A colour each second; the same array again and again."""
    frame = np.empty((*size, 3), np.uint8)
    for k in range(number):
        frame[:] = COLOURS[k // 16 % 3]
        yield frame


def test_a_video_reads_back(tmp_path):
    path = tmp_path / "new" / "film.mp4"
    write_video(path, coloured(48), 16, 0.5 * tone(1000, 1.25, 1.35, 3))
    with av.open(str(path)) as container:
        pictures, sound = container.streams
        assert (pictures.codec_context.name, sound.codec_context.name) == ("h264", "aac")
        assert pictures.codec_context.pix_fmt == "yuv420p" and sound.rate == RATE
        assert pictures.frames == 48 and pictures.average_rate == 16
        assert container.duration / av.time_base == pytest.approx(3, abs=0.07)
        times = [float(frame.time) for frame in container.decode(pictures)]
    np.testing.assert_allclose(times, np.arange(48) / 16, atol=1e-6)
    seconds = list(MediaSource(path, height=90))
    assert len(seconds) == 3
    for second, colour in zip(seconds, COLOURS, strict=True):
        for k in (0, 15):
            np.testing.assert_allclose(second.pictures[k, 45, 80], colour, atol=6)
    heard = np.flatnonzero(np.abs(np.concatenate([s.sound for s in seconds])) > 0.2) / RATE
    assert heard[0] == pytest.approx(1.25, abs=0.01) and heard[-1] == pytest.approx(1.35, abs=0.01)


def test_odd_rates_sizes_and_silence(tmp_path):
    path = tmp_path / "film.mp4"
    write_video(path, coloured(30, (91, 161)), 29.97, np.zeros(0, np.float32))
    with av.open(str(path)) as container:
        (pictures,) = container.streams
        assert (pictures.height, pictures.width) == (90, 160)
        assert float(pictures.average_rate) == pytest.approx(29.97, abs=1e-3)
        assert sum(1 for _ in container.decode(pictures)) == 30


def test_sound_may_come_bit_by_bit_and_be_longer(tmp_path):
    path, sound = tmp_path / "film.mp4", 0.5 * tone(1000, 1.5, 1.6, 2)
    with video_file(path, 16) as film:
        for k, frame in enumerate(coloured(16)):
            film.show(frame)
            film.play(sound[2000 * k : 2000 * (k + 1)])
    seconds = list(MediaSource(path, height=90))
    heard = np.flatnonzero(np.abs(np.concatenate([s.sound for s in seconds])) > 0.2) / RATE
    assert len(seconds) == 2 and heard[0] == pytest.approx(1.5, abs=0.01)


def test_a_video_is_whole_or_not_there(tmp_path):
    path = tmp_path / "film.mp4"
    path.write_text("before")

    def broken():
        yield from coloured(20)
        raise SemcomError("no more pictures")

    silence = np.zeros(0, np.float32)
    for pictures, message in [
        (broken(), "no more pictures"),
        ([], "no pictures to write"),
        ([np.zeros((8, 8), np.uint8)], r"expected \[height, width, 3\]"),
        ([np.zeros((8, 8, 3), np.uint8), np.zeros((8, 10, 3), np.uint8)], "of two sizes"),
    ]:
        with pytest.raises(SemcomError, match=message):
            write_video(path, pictures, 16, silence)
        assert path.read_text() == "before" and len(list(tmp_path.iterdir())) == 1
    for fps in (0, -1, np.nan, 1e6):
        with pytest.raises(SemcomError, match="pictures per second"):
            write_video(path, coloured(3), fps, silence)


def test_bad_names_are_refused_before_any_work(tmp_path):
    def never():
        raise AssertionError("worked")
        yield

    for name in ("film.avi", "film", "film.mp4.txt"):
        with pytest.raises(SemcomError, match="must end in .mp4"):
            write_video(tmp_path / name, never(), 16, np.zeros(0, np.float32))
        with pytest.raises(SemcomError, match="must end in .mp4"):
            video.check_video(name)
    (tmp_path / "file").write_text("")
    with pytest.raises(SemcomError, match="cannot be written"):
        write_video(tmp_path / "file" / "film.mp4", never(), 16, np.zeros(0, np.float32))


FULL_DISK = """
import resource, sys
import numpy as np
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.media.video import write_video
rng = np.random.default_rng(0)
pictures = [rng.integers(0, 255, (90, 160, 3)).astype(np.uint8) for _ in range(16)]
path, limit = sys.argv[1], int(sys.argv[2])
if limit:  # on the size of any file written, as a full disk
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    write_video(path, pictures, 16, np.zeros(16000, np.float32))
except SemcomError as error:
    print(error)
"""


def test_a_full_disk_is_told(program, tmp_path):
    path = tmp_path / "film.mp4"
    assert program("-c", FULL_DISK, path, 0).stdout == ""
    size = path.stat().st_size
    path.unlink()
    for limit in (100, size // 2, size - 1):  # in the header, amid the pictures, at the very end
        done = program("-c", FULL_DISK, path, limit)
        assert done.stdout.startswith(f"{path}: could not be written"), done.stderr
        assert list(tmp_path.iterdir()) == []
