# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Pictures to units of bytes and back, by classical codecs.

Still codecs make an independent unit of each picture; GOP codecs make one unit of all pictures.  A
unit has only the bytes that a decoder needs: no container and no text about the encoder.

====================  ==========================================================================
jpeg                  a JPEG file without its JFIF marker
webp                  the VP8 picture of a WebP file, without the boxes around it
avif                  the AV1 still picture of an AVIF file, without the boxes around it
h264, h264_still      the parameter sets and the slices
h265, h265_still      the same; the video parameter set is constant and not sent
vp9, vp9_still        the packets
av1                   the packets; their temporal delimiters are constant and not sent
====================  ==========================================================================

The parts of a unit are joined by :mod:`framing`.  Colours are coded at half the size (4:2:0).

**Quality** is 0 to 100; a higher value gives better and larger units, or the same.  For jpeg (where
0 means 1) and webp it is the codec's own quality; for h264 and h265 it sets the quantiser
``51 - quality // 2``, for vp9, av1 and avif ``63 - 3 * quality // 5``.  There is no rate control,
and encoders run in one thread: equal pictures give equal bytes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from ...base.errors import SemcomError
from ...base.optional import av, cv2
from .framing import join, split
from .names import PICTURES, STILL

SMALLEST = 16  # [pixels] least coded width and height; 64 for av1 and avif, as SVT-AV1 2 needs
GREY = 128  # level of a picture that was lost
# Flags of swscale for scaling and colours: Lanczos, accurate rounding, full chroma in input and
# output, without which it darkens a picture by one level.  PyAV 18 has names for the last three.
FILTER = 0x200 | 0x40000 | 0x4000 | 0x2000

os.environ.setdefault("SVT_LOG", "1")  # otherwise SVT-AV1 prints its settings on standard error


def available() -> list[str]:
    """Names of the picture codecs that are installed."""
    return [codec for codec in PICTURES if not _missing(codec)]


def encode(codec: str, pictures: np.ndarray, quality: int, size: int = 0) -> list[bytes]:
    """Encode ``pictures`` [n, h, w, 3] uint8 RGB, n at least 1: n units, or one for a GOP codec.

    quality  0 to 100, see above
    size     height [pixels] to which taller pictures are scaled down before coding; 0: none

    Odd or too small sides are scaled up to the next even number that the codec accepts.
    SemcomError for other shapes, a quality or size out of range, or a codec that is not installed.
    """
    _check(codec)
    pictures = np.asarray(pictures)
    if pictures.dtype != np.uint8 or pictures.ndim != 4 or pictures.shape[3] != 3:
        raise SemcomError(
            f"pictures {list(pictures.shape)} {pictures.dtype}; expected [n, h, w, 3] uint8, RGB"
        )
    if not pictures.size:
        raise SemcomError(f"pictures {list(pictures.shape)}: none; give one or more")
    if not 0 <= quality <= 100:
        raise SemcomError(f"{codec}: quality {quality}; expected 0 to 100")
    if size < 0:
        raise SemcomError(f"{codec}: size {size}; expected a height in pixels, or 0")
    coder = _CODERS[codec]
    shape = _coded_shape(pictures.shape[1:], size, coder.smallest)
    frames = [_frame(picture, shape) for picture in pictures]
    groups = [[frame] for frame in frames] if codec in STILL else [frames]
    return [join(coder.parts(coder.packets(group, quality))) for group in groups]


def decode(
    codec: str, units: Sequence[bytes | None], count: int, shape: tuple[int, int]
) -> np.ndarray:
    """Decode the units of one :func:`encode` to ``count`` pictures [count, h, w, 3] uint8 RGB.

    units  received units, None for a lost one: ``count`` of a still codec, one of a GOP codec
    shape  (h, w) to which the pictures are scaled

    A picture that is lost or cannot be decoded is replaced by the last decoded one before it, or
    else by mid-grey.  Damaged bytes give some pictures and never an error.
    """
    _check(codec)
    each, expected = (1, count) if codec in STILL else (count, 1)
    if len(units) != expected:
        raise SemcomError(f"{codec}: {len(units)} units of {count} pictures; expected {expected}")
    shown = [np.full((*shape, 3), GREY, np.uint8)]
    for unit in units:
        found = _CODERS[codec].pictures(unit, each, shape) if unit else []
        shown += found + [(found or shown)[-1]] * (each - len(found))
    return np.stack(shown)[1:]


def _check(codec: str) -> None:
    if codec not in PICTURES:
        raise SemcomError(f"codec {codec!r} of pictures; expected one of {', '.join(PICTURES)}")
    if missing := _missing(codec):
        raise SemcomError(
            f"codec {codec}: PyAV's ffmpeg lacks {missing}; install the Debian package "
            "libavcodec-extra or the wheel of PyPI, which has it: pip install --force-reinstall "
            "--only-binary av av"
        )


def _missing(codec: str) -> str:
    """The name of ffmpeg's coder that a codec needs and that is not installed; '' if none."""
    coder = _CODERS[codec]
    for name, mode in ((coder.encoder, "w"), (coder.decoder, "r")):
        try:
            if name:
                av.codec.Codec(name, mode)
        except ValueError:
            return name
    return ""


def _coded_shape(shape: tuple, size: int, smallest: int) -> tuple[int, int]:
    """(height, width) at which a picture is coded: even, with its aspect ratio."""
    scale = min(1.0, size / shape[0]) if size else 1.0
    # 0.01 makes an odd side round up; Python rounds a half to even
    return tuple(max(smallest, round(side * scale / 2 + 0.01) * 2) for side in shape[:2])


def _frame(picture: np.ndarray, shape: tuple[int, int]) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")
    return frame.reformat(shape[1], shape[0], "yuv420p", interpolation=FILTER)


def _picture(frame: av.VideoFrame, shape: tuple[int, int]) -> np.ndarray:
    return frame.reformat(shape[1], shape[0], "rgb24", interpolation=FILTER).to_ndarray()


@contextmanager
def _scheduling_kept() -> Iterator[None]:
    """The calling thread keeps its scheduling policy.

    SVT-AV1, when root runs it, makes the thread that opens it a real-time one of the highest
    priority and leaves it so: threads that this one starts later would have it too, and starve the
    machine.
    """
    kept = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        if os.sched_getscheduler(0) != kept[0]:
            os.sched_setscheduler(0, *kept)


@dataclass(frozen=True)
class _Coder:
    """A codec of ffmpeg.

    options  function from quality to the encoder's options
    parts    function from the encoder's packets to the parts of a unit
    restore  function from the parts of a unit to packets for the decoder
    extra    number of parts of a unit besides one per picture
    smallest [pixels] least coded width and height
    """

    encoder: str
    decoder: str
    options: Callable[[int], dict]
    parts: Callable[[list[bytes]], list[bytes]] = field(default=lambda packets: packets)
    restore: Callable[[list[bytes]], list[bytes]] = field(default=lambda parts: parts)
    extra: int = 0
    smallest: int = SMALLEST

    def packets(self, frames: list[av.VideoFrame], quality: int) -> list[bytes]:
        """The encoder's packets for some frames of one size, one each."""
        context = av.CodecContext.create(self.encoder, "w")
        context.height, context.width = frames[0].height, frames[0].width
        context.pix_fmt, context.time_base, context.framerate = "yuv420p", Fraction(1, 25), 25
        context.thread_count, context.options = 1, self.options(quality)
        packets = []
        with _scheduling_kept():
            for number, frame in enumerate(frames):
                frame.pts = number
                packets += context.encode(frame)
            packets += context.encode(None)
        return [bytes(packet) for packet in packets]

    def pictures(self, unit: bytes, count: int, shape: tuple[int, int]) -> list[np.ndarray]:
        """The decodable pictures [h, w, 3] of a unit, at most ``count``."""
        context = av.CodecContext.create(self.decoder, "r")
        # a damaged size must not exhaust the memory; encode() makes none larger than this
        limit = (shape[0] + self.smallest) * (shape[1] + self.smallest + 64)
        context.thread_count, context.options = 1, {"max_pixels": str(limit)}
        packets = self.restore(split(bytes(unit), count + self.extra))
        found = []
        for packet in [*(av.Packet(packet) for packet in packets if packet), None]:
            try:
                found += [_picture(frame, shape) for frame in context.decode(packet)]
            except (av.FFmpegError, ValueError):
                continue  # the next packet may be undamaged
        return found[:count]


# JPEG ---------------------------------------------------------------------------------------------


class _Jpeg(_Coder):
    """JPEG by OpenCV, which has libjpeg's quality, and Huffman tables optimised for each
    picture."""

    def packets(self, frames: list[av.VideoFrame], quality: int) -> list[bytes]:
        settings = [
            *(cv2.IMWRITE_JPEG_QUALITY, quality),
            *(cv2.IMWRITE_JPEG_OPTIMIZE, 1),
            *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420),
        ]
        pictures = [_picture(frame, (frame.height, frame.width)) for frame in frames]
        return [cv2.imencode(".jpg", rgb[..., ::-1], settings)[1].tobytes() for rgb in pictures]


def _jpeg_parts(packets: list[bytes]) -> list[bytes]:
    (file,) = packets  # start of image, marker and length of JFIF, ...
    return [file[:2] + file[4 + int.from_bytes(file[4:6], "big") :]]


# WebP, VP9 and AV1 --------------------------------------------------------------------------------

DELIMITER = bytes([0x12, 0])  # AV1's temporal delimiter: begins every packet


def _webp(quality: int) -> dict:
    return {"quality": str(quality), "compression_level": "6"}


def _webp_parts(packets: list[bytes]) -> list[bytes]:
    (file,) = packets  # RIFF, size, WEBP, "VP8 ", size, the picture
    size = int.from_bytes(file[16:20], "little")
    return [file[20 : 20 + size]]


def _step(quality: int) -> str:
    return str(63 - 3 * quality // 5)


def _vp9(quality: int) -> dict:
    rate = {"b": "0", "crf": _step(quality), "g": "9999", "lag-in-frames": "25"}
    return {**rate, "cpu-used": "0", "deadline": "good"}


def _vp9_still(quality: int) -> dict:
    fixed = {"qmin": _step(quality), "qmax": _step(quality)}
    return {**_vp9(quality), **fixed, "lag-in-frames": "0", "auto-alt-ref": "0"}


def _av1(quality: int) -> dict:
    settings = "lp=1:hierarchical-levels=3:tune=2"  # for SSIM
    return {"preset": "2", "crf": _step(quality), "g": "-1", "svtav1-params": settings}


def _avif(quality: int) -> dict:
    return {"preset": "3", "crf": _step(quality), "g": "1", "svtav1-params": "lp=1:avif=1"}


def _av1_parts(packets: list[bytes]) -> list[bytes]:
    return [packet.removeprefix(DELIMITER) for packet in packets]


def _av1_restore(parts: list[bytes]) -> list[bytes]:
    return [DELIMITER + part for part in parts]


# H.264 and H.265 ----------------------------------------------------------------------------------

START = b"\0\0\1"  # of a NAL unit in a stream (ITU-T H.264 and H.265, annex B)
VIDEO_SET = bytes.fromhex("40010c01ffff01600000030090000003000003001e959809")
"""A video parameter set of H.265, main profile; the decoding of slices does not depend on it."""


def _qp(quality: int) -> str:
    return f"qp={51 - quality // 2}"


# for groups: at these low rates a better first picture and worse ones between raise the SSIM
_GROUP = ":keyint=-1:scenecut=0:ipratio=2.5:pbratio=2"
_ALONE = ":keyint=1"


def _x264(quality: int, kind: str = _GROUP) -> dict:
    settings = f"{_qp(quality)}{kind}:threads=1:no-psy=1"
    return {"preset": "veryslow", "x264-params": settings.replace("keyint=-1", "keyint=infinite")}


def _x265(quality: int, kind: str = _GROUP) -> dict:
    threads = "pools=none:frame-threads=1:wpp=0"
    settings = f"{_qp(quality)}{kind}:{threads}:log-level=none:info=0:vui-timing-info=0"
    return {"preset": "slow", "x265-params": f"{settings}:psy-rd=0:psy-rdoq=0"}


def _x264_still(quality: int) -> dict:
    return _x264(quality, _ALONE)


def _x265_still(quality: int) -> dict:
    return _x265(quality, _ALONE)


def _nal_units(packets: list[bytes]) -> list[bytes]:
    return [unit.rstrip(b"\0") for packet in packets for unit in packet.split(START)[1:]]


def _h264_parts(packets: list[bytes]) -> list[bytes]:
    kept = (1, 5, 7, 8)  # slices and parameter sets, without x264's text about itself
    return [unit for unit in _nal_units(packets) if unit[0] & 31 in kept]


def _h265_parts(packets: list[bytes]) -> list[bytes]:
    kept = (*range(32), 33, 34)  # slices and parameter sets, without the video parameter set
    return [unit for unit in _nal_units(packets) if unit[0] >> 1 in kept]


def _h264_restore(parts: list[bytes]) -> list[bytes]:
    """A packet per slice, with the two parameter sets before the first."""
    units = [START + part for part in parts]
    return [b"".join(units[:3]), *units[3:]]


def _h265_restore(parts: list[bytes]) -> list[bytes]:
    first, *others = _h264_restore(parts)
    return [START + VIDEO_SET + first, *others]


_AV1 = dict(parts=_av1_parts, restore=_av1_restore, smallest=64)
_H264 = dict(parts=_h264_parts, restore=_h264_restore, extra=2)
_H265 = dict(parts=_h265_parts, restore=_h265_restore, extra=2)
_CODERS = {
    "jpeg": _Jpeg("", "mjpeg", dict, _jpeg_parts),
    "webp": _Coder("libwebp", "vp8", _webp, _webp_parts),
    "avif": _Coder("libsvtav1", "libdav1d", _avif, **_AV1),
    "h264_still": _Coder("libx264", "h264", _x264_still, **_H264),
    "h265_still": _Coder("libx265", "hevc", _x265_still, **_H265),
    "vp9_still": _Coder("libvpx-vp9", "vp9", _vp9_still),
    "h264": _Coder("libx264", "h264", _x264, **_H264),
    "h265": _Coder("libx265", "hevc", _x265, **_H265),
    "vp9": _Coder("libvpx-vp9", "vp9", _vp9),
    "av1": _Coder("libsvtav1", "libdav1d", _av1, **_AV1),
}
