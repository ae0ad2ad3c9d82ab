# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Sound at 16 kHz to units of bytes, one a second, and back, by classical codecs.

pcm     8 bits a sample, mu-law (ITU-T G.711's curve), at 16, 8, 4 or 2 kHz
flac    16 bits a sample without loss, of any rate
aac     AAC-LC;  mp3  MPEG-2 layer III without bit reservoir, so that no packet needs another
opus    40 ms a packet, variable rate;  amr_nb, codec2  speech at 8 kHz

What both ends agree on is not sent: sampling rate, number of channels, and with those the headers of
AAC (ADTS), FLAC (STREAMINFO), MP3 and AMR, which are the same in every packet.  A unit is the
packets of a second.  Those of pcm, mp3, amr_nb and codec2 are of one length, which the length of
the unit tells; those of aac and opus are put together by :mod:`framing`.

A codec's delay is taken out: what is decoded is aligned with what was given.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np
from av.codec import Codec
from scipy.signal import resample_poly

from ...base.errors import SemcomError
from ..spectrum import RATE
from . import codec2
from .framing import join, split
from .names import SOUNDS

MU = 255  # of mu-law
FULL = 32767  # 16 bits


def available() -> list[str]:
    """The codecs of sound that this machine has."""
    return [codec for codec in SOUNDS if not _CODECS[codec].missing()]


def bitrates(codec: str) -> tuple[int, ...]:
    """The bitrates [bit/s] that a codec is offered at, rising; (0,) for as many as it takes."""
    return _codec(codec).bitrates


def encode(codec: str, sound: np.ndarray, bitrate: int) -> list[bytes]:
    """Units, one a second, of ``sound`` [samples] float32 in -1 to 1 at 16 kHz.

    bitrate  [bit/s], one of :func:`bitrates`;  of a second that is not whole, the rest is silent
    """
    coder = _codec(codec)
    sound = np.asarray(sound)
    if sound.ndim != 1 or not len(sound) or not np.issubdtype(sound.dtype, np.floating):
        raise SemcomError(
            f"sound {list(sound.shape)} {sound.dtype}; expected [samples] float32, -1 to 1, 16 kHz"
        )
    if not np.isfinite(sound).all():
        raise SemcomError(f"sound: {np.sum(~np.isfinite(sound))} samples are no finite numbers")
    if bitrate not in coder.bitrates:
        offered = ", ".join(map(str, coder.bitrates))
        raise SemcomError(f"{codec}: {bitrate} bit/s; expected one of {offered}")
    seconds = math.ceil(len(sound) / RATE)
    padded = np.zeros(seconds * RATE, np.float32)
    padded[: len(sound)] = np.clip(sound, -1, 1)
    return coder.encode(padded, seconds, bitrate)


def decode(codec: str, units: Sequence[bytes | None], seconds: int) -> np.ndarray:
    """Sound [seconds * 16000] float32 of the units of one :func:`encode`, None for a lost one.

    A second that is lost, and a packet that cannot be decoded, is silence; damaged bytes give some
    sound and never an error.
    """
    coder = _codec(codec)
    if len(units) != seconds:
        raise SemcomError(f"{codec}: {len(units)} units of {seconds} seconds; expected one each")
    if not seconds:
        return np.zeros(0, np.float32)
    sound = coder.decode([bytes(unit) if unit else b"" for unit in units])
    return np.clip(sound[: seconds * RATE], -1, 1).astype(np.float32)


def _codec(codec: str):
    if codec not in _CODECS:
        raise SemcomError(f"codec {codec!r} of sound; expected one of {', '.join(SOUNDS)}")
    if missing := _CODECS[codec].missing():
        raise SemcomError(f"codec {codec}: this machine lacks {missing}")
    return _CODECS[codec]


class _Pcm:
    bitrates = (16_000, 32_000, 64_000, 128_000)

    def missing(self) -> str:
        return ""

    def encode(self, sound: np.ndarray, seconds: int, bitrate: int) -> list[bytes]:
        slow = np.clip(resample_poly(sound, bitrate // 8, RATE), -1, 1)
        level = np.sign(slow) * np.log1p(MU * np.abs(slow)) / np.log1p(MU)
        codes = np.round(level * 127 + 128).astype(np.uint8)
        return [piece.tobytes() for piece in codes.reshape(seconds, -1)]

    def decode(self, units: list[bytes]) -> np.ndarray:
        lengths = [len(unit) for unit in units if len(unit) * 8 in self.bitrates]
        rate = max(lengths, default=RATE)
        codes = np.full((len(units), rate), 128, np.uint8)
        for row, unit in zip(codes, units, strict=True):
            if len(unit) == rate:
                row[:] = np.frombuffer(unit, np.uint8)
        level = np.clip((codes.reshape(-1) - 128.0) / 127, -1, 1)
        slow = np.sign(level) * np.expm1(np.abs(level) * np.log1p(MU)) / MU
        return resample_poly(slow, RATE, rate)


class _Packets:
    """A codec of packets; packet k is of the samples that begin at ``k * frame - delay``.

    rate      [1/s] of the samples;  decoded  of those that the decoder makes
    frame     samples of a packet;  delay  by which the decoder's output is late
    """

    def __init__(self, rate: int, frame: int, delay: int, bitrates: tuple[int, ...], decoded=None):
        self.rate, self.frame, self.delay, self.bitrates = rate, frame, delay, bitrates
        self.decoded = decoded or rate

    def encode(self, sound: np.ndarray, seconds: int, bitrate: int) -> list[bytes]:
        owner = self._owner(seconds)
        samples = resample_poly(sound, self.rate, RATE) if self.rate != RATE else sound
        padded = np.zeros((len(owner) + 3) * self.frame, np.float32)
        padded[: len(samples)] = np.clip(samples, -1, 1)
        packets = self.packets(padded.reshape(-1, self.frame), bitrate)
        return [
            self.unit([packets[k] for k in np.flatnonzero(owner == second)])
            for second in range(seconds)
        ]

    def decode(self, units: list[bytes]) -> np.ndarray:
        owner = self._owner(len(units))
        length = self.frame * self.decoded // self.rate
        track = np.zeros((len(owner), length), np.float32)
        decoder = None
        for second, unit in enumerate(units):
            mine = np.flatnonzero(owner == second)
            packets = self.split(unit, len(mine)) if unit else []
            if not packets:
                decoder = None  # what comes next does not continue what came before
            for k, packet in zip(mine, packets, strict=False):
                decoder = decoder or self.decoder(packets)
                heard = decoder(packet)[:length]
                track[k, : len(heard)] = heard
        start = self.delay * self.decoded // self.rate
        sound = track.reshape(-1)[start : start + len(units) * self.decoded]
        return resample_poly(sound, RATE, self.decoded) if self.decoded != RATE else sound

    def _owner(self, seconds: int) -> np.ndarray:
        """The second that each packet belongs to: where its samples begin."""
        count = -(-(seconds * self.rate + self.delay) // self.frame)
        return np.maximum(np.arange(count) * self.frame - self.delay, 0) // self.rate

    def unit(self, packets: list[bytes]) -> bytes:
        return join(packets)

    def split(self, unit: bytes, count: int) -> list[bytes]:
        return split(unit, count)


class _Ffmpeg(_Packets):
    """A coder of ffmpeg.

    names    of the encoder, the decoder and the format of samples
    head     bytes that begin every packet and are not sent
    extra    what the decoder is told
    lengths  bitrate -> bytes of a packet without its head, if all are of one
    """

    def __init__(self, names, sizes, bitrates, options=None, extra=b"", heads=None):
        super().__init__(*sizes[:3], bitrates, *sizes[3:])
        self.names, self.options, self.extra = names, options or {}, extra
        self.heads = heads or {}  # bytes of a packet that are sent -> what begins it

    def missing(self) -> str:
        for name, mode in zip(self.names[:2], "wr", strict=True):
            try:
                Codec(name, mode)
            except ValueError:
                return f"{name} of ffmpeg; install PyPI's wheel of PyAV: pip install av"
        return ""

    def packets(self, frames: np.ndarray, bitrate: int) -> list[bytes]:
        context = av.CodecContext.create(self.names[0], "w")
        context.sample_rate, context.layout, context.format = self.rate, "mono", self.names[2]
        context.time_base, context.options = Fraction(1, self.rate), self.options
        context.thread_count = 1
        if bitrate:
            context.bit_rate = bitrate
        if self.names[2].startswith("s16"):
            frames = np.round(frames * FULL).astype(np.int16)
        packets = []
        for number, samples in enumerate(frames):
            frame = av.AudioFrame.from_ndarray(samples[None], self.names[2], "mono")
            frame.sample_rate, frame.pts = self.rate, number * self.frame
            frame.time_base = context.time_base
            packets += context.encode(frame)
        return [bytes(packet) for packet in [*packets, *context.encode(None)]]

    def unit(self, packets: list[bytes]) -> bytes:
        if not self.heads:
            return join(packets)
        head = len(next(iter(self.heads.values())))
        return b"".join(packet[head:] for packet in packets)

    def split(self, unit: bytes, count: int) -> list[bytes]:
        if not self.heads:
            return split(unit, count)
        length, rest = divmod(len(unit), count)
        if rest or length not in self.heads:
            return []
        return [self.heads[length] + unit[k * length : (k + 1) * length] for k in range(count)]

    def decoder(self, packets):
        context = av.CodecContext.create(self.names[1], "r")
        context.sample_rate, context.layout = self.rate, "mono"
        if self.extra:
            context.extradata = self.extra

        def decoded(packet: bytes) -> np.ndarray:
            try:
                frames = context.decode(av.Packet(packet)) if packet else []
            except (av.FFmpegError, ValueError):
                return np.zeros(0, np.float32)
            good = [
                f for f in frames if f.sample_rate == self.decoded and f.layout.nb_channels == 1
            ]
            heard = [frame.to_ndarray().reshape(-1) for frame in good]
            sound = np.concatenate([*heard, np.zeros(0, np.float32)]) if heard else np.zeros(0)
            if heard and heard[0].dtype.kind == "i":
                sound = sound / np.iinfo(heard[0].dtype).max
            return np.nan_to_num(sound)

        return decoded


class _Codec2(_Packets):
    """Codec 2: the bits of a second's frames one after another."""

    def __init__(self):
        super().__init__(8000, 320, 0, tuple(sorted(codec2.MODES)))

    def missing(self) -> str:
        return "" if codec2.library() else "libcodec2; install the Debian package libcodec2-1.0"

    def packets(self, frames: np.ndarray, bitrate: int) -> list[np.ndarray]:
        coder = codec2.Codec2(bitrate)
        parts = np.round(frames * FULL).astype(np.int16).reshape(len(frames), -1, coder.samples)
        return [np.concatenate([coder.encode(part) for part in frame]) for frame in parts]

    def unit(self, packets: list[np.ndarray]) -> bytes:
        return np.packbits(np.concatenate(packets)).tobytes()

    def split(self, unit: bytes, count: int) -> list[np.ndarray]:
        for bitrate in self.bitrates:
            bits = bitrate * self.frame // self.rate
            if len(unit) == -(-bits * count // 8):
                return list(
                    np.unpackbits(np.frombuffer(unit, np.uint8))[: bits * count].reshape(count, -1)
                )
        return []

    def decoder(self, packets: list[np.ndarray]):
        bitrate = len(packets[0]) * self.rate // self.frame
        coder = codec2.Codec2(bitrate)
        return lambda bits: (
            np.concatenate([coder.decode(part) for part in bits.reshape(-1, coder.bits)])
            / np.float32(FULL + 1)
        )


_KILO = 1000
_MP3 = (8, 16, 24, 32, 40, 48, 56, 64)  # [kbit/s], the index from 1 on of MPEG-2 layer III
_AMR = (4750, 5150, 5900, 6700, 7400, 7950, 10200, 12200)  # the frame types from 0 on
_AMR_BYTES = (12, 13, 15, 17, 19, 20, 26, 31)
_STREAMINFO = bytes.fromhex("3e803e80000000000000" + "03e800f0" + "00000000" + "00" * 16)
_CODECS = {
    "pcm": _Pcm(),
    "flac": _Ffmpeg(
        ("flac", "flac", "s16"),
        (RATE, RATE, 0),
        (0,),
        {"compression_level": "12", "frame_size": str(RATE)},
        _STREAMINFO,
    ),
    "aac": _Ffmpeg(
        ("aac", "aac", "fltp"),
        (RATE, 1024, 1024),
        tuple(_KILO * k for k in (8, 12, 16, 24, 32, 48, 64)),
        extra=bytes.fromhex("140856e500"),
    ),
    "mp3": _Ffmpeg(
        ("libmp3lame", "mp3float", "fltp"),
        (RATE, 576, 1105),
        tuple(_KILO * k for k in _MP3),
        {"reservoir": "0", "compression_level": "2"},
        heads={
            9 * k // 2 - 4: bytes([0xFF, 0xF3, 16 * place + 8, 0xC4])
            for place, k in enumerate(_MP3, 1)
        },
    ),
    "opus": _Ffmpeg(
        ("libopus", "libopus", "flt"),
        (RATE, 640, 104, 48_000),
        tuple(_KILO * k for k in (6, 8, 12, 16, 24, 32, 48, 64)),
        {"frame_duration": "40", "compression_level": "10"},
    ),
    "amr_nb": _Ffmpeg(
        ("libopencore_amrnb", "amrnb", "s16"),
        (8000, 160, 40),
        _AMR,
        heads={n: bytes([place * 8 + 4]) for place, n in enumerate(_AMR_BYTES)},
    ),
    "codec2": _Codec2(),
}
