# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Pictures to units of bytes and back, by classical codecs.

Still codecs make a unit of each picture, which needs no other; GOP codecs one of all pictures
together.  A unit holds what a receiver needs and no more: no container, no text about the encoder.

jpeg        a JPEG file without its JFIF marker
webp, avif  the VP8 or AV1 picture in such a file, without the boxes around it
h264, h265  the parameter sets (of H.265 without the video parameter set, which tells a decoder
            nothing new: the receiver has a constant one) and the slices
vp9, av1    the packets; each of AV1 without the temporal delimiter, which is constant

Parts are put together by :mod:`framing`.  Colours are coded at half the size (4:2:0).

**Quality** is 0 to 100, more is better and larger: of jpeg and webp the codec's own, of h264 and
h265 the quantiser ``51 - quality // 2``, of vp9 and av1 ``63 - 3 * quality // 5``.  Rates are not
controlled, so the same pictures give the same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import av
import cv2
import numpy as np
from av.codec import Codec

from ...base.errors import SemcomError
from .framing import join, split
from .names import PICTURES, STILL

SMALLEST = 16  # [pixels] each way that are coded
GREY = 128  # of a picture that never came

os.environ.setdefault("SVT_LOG", "1")  # errors alone: SVT-AV1 else writes its settings


@dataclass(frozen=True)
class _Library:
    """A coder of ffmpeg.

    options   quality -> its options
    parts     packets -> the parts of a unit
    packets   the parts of a unit -> what the decoder is given
    extra     parts of a unit beside one for each picture
    """

    encoder: str
    decoder: str
    options: Callable[[int], dict]
    parts: Callable[[list[bytes]], list[bytes]] = field(default=lambda packets: packets)
    packets: Callable[[list[bytes]], list[bytes]] = field(default=lambda parts: parts)
    extra: int = 0


def available() -> list[str]:
    """The codecs of pictures that this machine has."""
    return [codec for codec in PICTURES if not _missing(codec)]


def encode(codec: str, pictures: np.ndarray, quality: int, size: int = 0) -> list[bytes]:
    """Units of ``pictures`` [n, h, w, 3] uint8 RGB: one a picture, or of a GOP codec one in all.

    quality  0 to 100, see above
    size     height [pixels] that taller pictures are scaled down to before, 0: none.  Sides that
             are odd or below SMALLEST are scaled to the next even number, SMALLEST at least.
    """
    _check(codec)
    pictures = _checked(pictures)
    if not 0 <= quality <= 100:
        raise SemcomError(f"{codec}: quality {quality}; expected 0 to 100")
    if size < 0:
        raise SemcomError(f"{codec}: size {size}; expected a height in pixels, or 0")
    pictures = _scaled_down(pictures, size)
    if codec == "jpeg":
        return [_jpeg(picture, quality) for picture in pictures]
    library = _LIBRARIES[codec]
    packets = _coded(library, pictures, quality)
    groups = [[packet] for packet in packets] if codec in STILL else [packets]
    return [join(library.parts(group)) for group in groups]


def decode(
    codec: str, units: Sequence[bytes | None], count: int, shape: tuple[int, int]
) -> np.ndarray:
    """The ``count`` pictures of the units of one :func:`encode`, [count, h, w, 3] uint8 RGB.

    units  as they came, None for one that is lost; of a still codec ``count``, else one
    shape  (h, w) that the pictures are scaled up to again

    In place of a picture that is lost or cannot be decoded there is the last good one before it,
    or else mid-grey.  Damaged bytes give some pictures and never an error.
    """
    _check(codec)
    expected = count if codec in STILL else 1
    if len(units) != expected:
        raise SemcomError(f"{codec}: {len(units)} units of {count} pictures; expected {expected}")
    each = 1 if codec in STILL else count
    found = [_pictures(codec, unit, each, shape) for unit in units]
    last = np.full((*shape, 3), GREY, np.uint8)
    out = np.empty((count, *shape, 3), np.uint8)
    for place in range(count):
        unit, picture = (place, 0) if codec in STILL else (0, place)
        if picture < len(found[unit]):
            last = found[unit][picture]
        out[place] = last
    return out


def _check(codec: str) -> None:
    if codec not in PICTURES:
        raise SemcomError(f"codec {codec!r} of pictures; expected one of {', '.join(PICTURES)}")
    if missing := _missing(codec):
        raise SemcomError(
            f"codec {codec}: this machine's ffmpeg lacks {missing}; install PyPI's wheel of PyAV: "
            "pip install --only-binary av --force-reinstall av"
        )


def _missing(codec: str) -> str:
    library = _LIBRARIES[codec]
    for name, mode in ((library.encoder, "w"), (library.decoder, "r")):
        try:
            if name:
                Codec(name, mode)
        except ValueError:
            return name
    return ""


def _checked(pictures: np.ndarray) -> np.ndarray:
    pictures = np.asarray(pictures)
    fits = pictures.ndim == 4 and pictures.shape[3] == 3 and pictures.size
    if pictures.dtype != np.uint8 or not fits:
        raise SemcomError(
            f"pictures {list(pictures.shape)} {pictures.dtype}; expected [n, h, w, 3] uint8, RGB"
        )
    return pictures


def _scaled_down(pictures: np.ndarray, size: int) -> np.ndarray:
    height, width = pictures.shape[1:3]
    scale = min(1.0, size / height) if size else 1.0
    high, wide = (max(SMALLEST, round(side * scale + 0.5) // 2 * 2) for side in (height, width))
    return np.stack([_resized(picture, (high, wide)) for picture in pictures])


def _resized(picture: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    if picture.shape[:2] == tuple(shape):
        return picture
    smaller = shape[0] < picture.shape[0]
    how = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return cv2.resize(picture, (shape[1], shape[0]), interpolation=how)


def _coded(library: _Library, pictures: np.ndarray, quality: int) -> list[bytes]:
    """A packet for each picture."""
    context = av.CodecContext.create(library.encoder, "w")
    context.height, context.width = pictures.shape[1:3]
    context.pix_fmt, context.time_base = "yuv420p", Fraction(1, 25)
    context.framerate = 25
    context.thread_count = 1
    context.options = library.options(quality)
    packets = []
    for number, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")
        frame = frame.reformat(format="yuv420p")
        frame.pts = number
        packets += context.encode(frame)
    return [bytes(packet) for packet in [*packets, *context.encode(None)]]


def _pictures(codec: str, unit: bytes | None, count: int, shape) -> list[np.ndarray]:
    """The pictures of a unit that can be decoded, at most ``count``."""
    if not unit:
        return []
    library = _LIBRARIES[codec]
    packets = library.packets(split(bytes(unit), count + library.extra))
    frames = _decoded(library.decoder, packets, count, shape)
    return [_resized(frame, shape) for frame in frames]


def _decoded(decoder: str, packets: list[bytes], count: int, shape) -> list[np.ndarray]:
    context = av.CodecContext.create(decoder, "r")
    context.thread_count = 1
    # a damaged size takes no memory: at most what encode() makes of the shape, and some blocks
    context.options = {"max_pixels": str((shape[0] + 64) * (shape[1] + 64))}
    pictures = []
    for packet in [*(av.Packet(packet) for packet in packets if packet), None]:
        try:
            pictures += [frame.to_ndarray(format="rgb24") for frame in context.decode(packet)]
        except (av.FFmpegError, ValueError):
            continue
        if len(pictures) >= count:
            break
    return pictures[:count]


# jpeg ---------------------------------------------------------------------------------------------


def _jpeg(picture: np.ndarray, quality: int) -> bytes:
    settings = [
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_OPTIMIZE,
        1,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    ]
    data = cv2.imencode(".jpg", picture[..., ::-1], settings)[1].tobytes()
    return data[:2] + data[4 + int.from_bytes(data[4:6], "big") :]  # after SOI: APP0, the marker


# H.264 and H.265 ----------------------------------------------------------------------------------

START = b"\0\0\1"
VIDEO_SET = bytes.fromhex("40010c01ffff01600000030090000003000003001eba02400000")


def _units(stream: bytes) -> list[bytes]:
    """The NAL units of a byte stream (ITU-T H.264 and H.265, annex B)."""
    return [unit.rstrip(b"\0") for unit in stream.split(START)[1:]]


def _h264_parts(packets: list[bytes]) -> list[bytes]:
    kept = (1, 5, 7, 8)  # slices and parameter sets
    return [unit for packet in packets for unit in _units(packet) if unit[0] & 31 in kept]


def _h265_parts(packets: list[bytes]) -> list[bytes]:
    kept = (*range(32), 33, 34)
    return [unit for packet in packets for unit in _units(packet) if unit[0] >> 1 & 63 in kept]


def _h264_packets(parts: list[bytes]) -> list[bytes]:
    head, slices = b"".join(START + part for part in parts[:2]), parts[2:]
    return [(b"" if number else head) + START + part for number, part in enumerate(slices)]


def _h265_packets(parts: list[bytes]) -> list[bytes]:
    packets = _h264_packets(parts)
    return [START + VIDEO_SET + packets[0], *packets[1:]] if packets else []


def _x264(quality: int) -> dict:
    settings = f"threads=1:qp={51 - quality // 2}:keyint=infinite:scenecut=0"
    return {"preset": "veryslow", "x264-params": settings}


def _x264_still(quality: int) -> dict:
    return {"preset": "veryslow", "x264-params": f"threads=1:qp={51 - quality // 2}:keyint=1"}


_X265 = "log-level=none:info=0:pools=none:frame-threads=1:wpp=0:vui-timing-info=0:aud=0:hrd=0"


def _x265(quality: int) -> dict:
    settings = f"{_X265}:qp={51 - quality // 2}:keyint=-1:scenecut=0"
    return {"preset": "slow", "x265-params": settings}


def _x265_still(quality: int) -> dict:
    return {"preset": "slow", "x265-params": f"{_X265}:qp={51 - quality // 2}:keyint=1"}


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


def _vpx(quality: int) -> dict:
    step = _step(quality)
    rate = {"b": "0", "crf": step, "qmin": step, "qmax": step}
    return {**rate, "cpu-used": "0", "deadline": "good", "g": "9999", "lag-in-frames": "25"}


def _vpx_still(quality: int) -> dict:
    return {**_vpx(quality), "g": "0", "lag-in-frames": "0", "auto-alt-ref": "0"}


def _svt(quality: int) -> dict:
    return {"preset": "3", "crf": _step(quality), "g": "-1", "svtav1-params": "lp=1"}


def _svt_still(quality: int) -> dict:
    return {"preset": "3", "crf": _step(quality), "g": "1", "svtav1-params": "lp=1"}


def _av1_parts(packets: list[bytes]) -> list[bytes]:
    return [packet.removeprefix(DELIMITER) for packet in packets]


def _av1_packets(parts: list[bytes]) -> list[bytes]:
    return [DELIMITER + part for part in parts]


_H264 = dict(parts=_h264_parts, packets=_h264_packets, extra=2)
_H265 = dict(parts=_h265_parts, packets=_h265_packets, extra=2)
_AV1 = dict(parts=_av1_parts, packets=_av1_packets)
_LIBRARIES = {
    "jpeg": _Library("", "mjpeg", dict),
    "webp": _Library("libwebp", "vp8", _webp, _webp_parts),
    "avif": _Library("libsvtav1", "libdav1d", _svt_still, **_AV1),
    "h264_still": _Library("libx264", "h264", _x264_still, **_H264),
    "h265_still": _Library("libx265", "hevc", _x265_still, **_H265),
    "vp9_still": _Library("libvpx-vp9", "vp9", _vpx_still),
    "h264": _Library("libx264", "h264", _x264, **_H264),
    "h265": _Library("libx265", "hevc", _x265, **_H265),
    "vp9": _Library("libvpx-vp9", "vp9", _vpx),
    "av1": _Library("libsvtav1", "libdav1d", _svt, **_AV1),
}
