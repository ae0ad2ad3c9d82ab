# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Sound at 16 kHz to units of bytes, one per second, and back, by classical codecs.

    pcm     8 bits per sample, mu-law (curve of ITU-T G.711), at 16, 8, 4 or 2 kHz
    flac    16 bits per sample, lossless, of any bitrate
    aac     AAC-LC
    mp3     MPEG-2 layer III without bit reservoir, so that packets are independent
    opus    packets of 40 ms, of variable bitrate
    amr_nb, codec2  speech at 8 kHz

Parameters that both ends know are not sent: sampling rate, number of channels, and the headers of
AAC (ADTS), FLAC (STREAMINFO), MP3 and AMR, which are the same in every packet.  A unit is the
packets of a second.  Packets of pcm, mp3, amr_nb and codec2 have equal lengths, which follow from
the length of the unit; those of aac and opus are joined by :mod:`framing`.  The codec's delay is
compensated: decoded sound is aligned with the encoded one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache

import numpy as np
from scipy.signal import resample_poly

from ...base.errors import SemcomError
from ...base.optional import av
from ..spectrum import RATE
from . import codec2
from .framing import join, split
from .names import SOUNDS

MU = 255  # of mu-law
FULL = 32767  # 16 bits
SPARE = 3  # packets of silence at the end, since encoders delay the last packets


def available() -> list[str]:
    """Names of the sound codecs that are installed."""
    return [codec for codec in SOUNDS if not _CODECS[codec].missing()]


def bitrates(codec: str) -> tuple[int, ...]:
    """The bitrates [bit/s] of a codec, ascending; (0,) if it has no fixed one."""
    return _codec(codec).bitrates


def encode(codec: str, sound: np.ndarray, bitrate: int) -> list[bytes]:
    """Encode ``sound`` [samples] float32, -1 to 1, at 16 kHz: a unit per second.

    bitrate  [bit/s], one of :func:`bitrates`

    The last second is padded with silence.  SemcomError for other shapes or values, another
    bitrate, or a codec that is not installed.
    """
    coder = _codec(codec)
    sound = np.asarray(sound)
    if sound.ndim != 1 or not len(sound) or not np.issubdtype(sound.dtype, np.floating):
        raise SemcomError(
            f"sound {list(sound.shape)} {sound.dtype}; expected [samples] float32, -1 to 1, 16 kHz"
        )
    if not np.isfinite(sound).all():
        raise SemcomError(f"sound: {np.sum(~np.isfinite(sound))} samples are NaN or infinite")
    if bitrate not in coder.bitrates:
        offered = ", ".join(map(str, coder.bitrates))
        raise SemcomError(f"{codec}: {bitrate} bit/s; expected one of {offered}")
    seconds = math.ceil(len(sound) / RATE)
    padded = np.zeros(seconds * RATE, np.float32)
    padded[: len(sound)] = np.clip(sound, -1, 1)
    return coder.encode(padded, seconds, bitrate)


def decode(codec: str, units: Sequence[bytes | None], seconds: int) -> np.ndarray:
    """Decode the units of one :func:`encode`, with None for a lost one, to sound
    [seconds * 16000] float32.

    A lost second, or a packet that cannot be decoded, is silence; damaged bytes give some sound and
    never an error.
    """
    coder = _codec(codec)
    if len(units) != seconds:
        raise SemcomError(
            f"{codec}: {len(units)} units for {seconds} seconds; expected one for each"
        )
    if not seconds:
        return np.zeros(0, np.float32)
    sound = coder.decode([bytes(unit) if unit else b"" for unit in units])
    return np.clip(sound[: seconds * RATE], -1, 1).astype(np.float32)


def _codec(codec: str):
    if codec not in _CODECS:
        raise SemcomError(f"codec {codec!r} of sound; expected one of {', '.join(SOUNDS)}")
    if missing := _CODECS[codec].missing():
        raise SemcomError(f"codec {codec}: {missing}")
    return _CODECS[codec]


class _Pcm:
    """Samples at 2 to 16 kHz, 8 bits each by the mu-law; a unit is those of a second."""

    bitrates = (16_000, 32_000, 64_000, 128_000)  # 8 bits at 2 to 16 kHz

    def missing(self) -> str:
        return ""

    def encode(self, sound: np.ndarray, seconds: int, bitrate: int) -> list[bytes]:
        slow = np.clip(resample_poly(sound, bitrate // 8, RATE), -1, 1)
        level = np.sign(slow) * np.log1p(MU * np.abs(slow)) / np.log1p(MU)
        codes = np.round(level * 127 + 128).astype(np.uint8)
        return [piece.tobytes() for piece in codes.reshape(seconds, -1)]

    def decode(self, units: list[bytes]) -> np.ndarray:
        lengths = Counter(len(unit) for unit in units if 8 * len(unit) in self.bitrates)
        rate = lengths.most_common(1)[0][0] if lengths else RATE
        whole = (unit if len(unit) == rate else bytes([128]) * rate for unit in units)
        level = (np.frombuffer(b"".join(whole), np.uint8) - 128.0) / 127
        return resample_poly(
            np.sign(level) * np.expm1(np.abs(level) * np.log1p(MU)) / MU, RATE, rate
        )


class _Packets:
    """A codec of packets: packet k holds the samples from ``k * frame - delay`` on.

    rate      [Hz] sample rate of the encoder
    decoded   [Hz] sample rate of the decoder's output
    frame     samples of a packet
    delay     delay [samples] of the decoder's output
    bitrates  [bit/s], ascending
    """

    rate: int
    frame: int
    delay: int
    bitrates: tuple[int, ...]
    decoded: int

    def encode(self, sound: np.ndarray, seconds: int, bitrate: int) -> list[bytes]:
        owner = self._owner(seconds)
        samples = resample_poly(sound, self.rate, RATE) if self.rate != RATE else sound
        padded = np.zeros((len(owner) + SPARE) * self.frame, np.float32)
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
            numbers = np.flatnonzero(owner == second)
            packets = self.split(unit, len(numbers)) if unit else []
            if not packets:
                decoder = None  # a new decoder: the next packet does not continue the last one
            for k, packet in zip(numbers, packets, strict=False):
                decoder = decoder or self.decoder()
                heard = decoder(packet)[:length]
                track[k, : len(heard)] = heard
        start = self.delay * self.decoded // self.rate
        sound = track.reshape(-1)[start : start + len(units) * self.decoded]
        return resample_poly(sound, RATE, self.decoded) if self.decoded != RATE else sound

    def _owner(self, seconds: int) -> np.ndarray:
        """The second to which each packet belongs: that of its first sample."""
        count = -(-(seconds * self.rate + self.delay) // self.frame)
        return np.maximum(np.arange(count) * self.frame - self.delay, 0) // self.rate


@dataclass
class _Ffmpeg(_Packets):
    """A codec of ffmpeg.

    samples  sample format of the encoder
    options  options of the encoder
    extra    extra data (header) of the decoder
    heads    for packets of equal length: {bytes that are sent: header that is not sent}
    """

    encoder: str
    decoder_name: str
    samples: str
    rate: int
    frame: int
    delay: int
    bitrates: tuple[int, ...]
    options: dict[str, str]
    decoded: int = 0
    extra: bytes = b""
    heads: dict[int, bytes] = field(default_factory=dict)

    def __post_init__(self):
        self.decoded = self.decoded or self.rate

    def missing(self) -> str:
        for name, mode in ((self.encoder, "w"), (self.decoder_name, "r")):
            try:
                av.codec.Codec(name, mode)
            except ValueError:
                return (
                    f"PyAV's ffmpeg lacks {name}; install the Debian package libavcodec-extra or "
                    "the wheel of PyPI, which has it: pip install --force-reinstall --only-binary "
                    "av av"
                )
        return ""

    def packets(self, frames: np.ndarray, bitrate: int) -> list[bytes]:
        context = av.CodecContext.create(self.encoder, "w")
        context.sample_rate, context.layout, context.format = self.rate, "mono", self.samples
        context.time_base, context.thread_count = Fraction(1, self.rate), 1
        context.options = self.options
        if bitrate:
            context.bit_rate = bitrate
        if self.samples == "s16":
            frames = np.round(frames * FULL).astype(np.int16)
        packets = []
        for number, samples in enumerate(frames):
            frame = av.AudioFrame.from_ndarray(samples[None], self.samples, "mono")
            frame.sample_rate, frame.time_base = self.rate, context.time_base
            frame.pts = number * self.frame
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
        return [self.heads[length] + unit[k * length :][:length] for k in range(count)]

    def decoder(self) -> Callable[[bytes], np.ndarray]:
        """A function from a packet to its samples; none if the packet cannot be decoded."""
        context = av.CodecContext.create(self.decoder_name, "r")
        context.sample_rate, context.layout = self.rate, "mono"
        if self.extra:
            context.extradata = self.extra

        def decode(packet: bytes) -> np.ndarray:
            try:
                frames = context.decode(av.Packet(packet)) if packet else []
            except (av.FFmpegError, ValueError):
                frames = []
            pieces = [np.zeros(0, np.float32)]
            for frame in frames:
                if frame.sample_rate == self.decoded and frame.layout.nb_channels == 1:
                    piece = frame.to_ndarray().reshape(-1)
                    whole = piece.dtype.kind == "i"
                    pieces.append(piece / np.float32(FULL + 1) if whole else np.nan_to_num(piece))
            return np.concatenate(pieces)

        return decode


class _Codec2(_Packets):
    """Codec 2: a unit is the bits of its frames in order.

    The delay was measured on the level of speech: 17 ms at 3200 bit/s, 29 ms at 700 bit/s.  The
    library's decoder uses random phases: equal bits give sounds that sound alike but differ.
    """

    rate = decoded = 8000
    frame, delay = 320, 180
    bitrates = tuple(sorted(codec2.MODES))

    def missing(self) -> str:
        return "" if codec2.library() else f"its library is missing; install {codec2.PACKAGE}"

    def packets(self, frames: np.ndarray, bitrate: int) -> list[np.ndarray]:
        coder = codec2.Codec2(bitrate)
        parts = np.round(frames * FULL).astype(np.int16).reshape(len(frames), -1, coder.samples)
        return [np.concatenate([coder.encode(part) for part in frame]) for frame in parts]

    def unit(self, packets: list[np.ndarray]) -> bytes:
        return np.packbits(np.concatenate(packets)).tobytes()

    def split(self, unit: bytes, count: int) -> list[np.ndarray]:
        for bitrate in self.bitrates:
            bits = bitrate * self.frame // self.rate * count
            if len(unit) == -(-bits // 8):
                sent = np.unpackbits(np.frombuffer(unit, np.uint8))[:bits]
                return list(sent.reshape(count, -1))
        return []

    def decoder(self) -> Callable[[np.ndarray], np.ndarray]:
        coder_of = cache(codec2.Codec2)

        def decode(bits: np.ndarray) -> np.ndarray:
            coder = coder_of(len(bits) * self.rate // self.frame)
            parts = [coder.decode(part) for part in bits.reshape(-1, coder.bits)]
            return np.concatenate(parts) / np.float32(FULL + 1)

        return decode


_MP3 = (8_000, 16_000, 24_000, 32_000, 40_000, 48_000, 56_000, 64_000)
_MP3_HEADS = {  # MPEG-2 layer III, 16 kHz, mono; the bitrates' indices begin at 1
    bitrate * 576 // (8 * RATE) - 4: bytes([0xFF, 0xF3, 16 * index + 8, 0xC4])
    for index, bitrate in enumerate(_MP3, 1)
}
_AMR = (4_750, 5_150, 5_900, 6_700, 7_400, 7_950, 10_200, 12_200)
_AMR_HEADS = {  # RFC 4867: the frame type, and the bit for an undamaged frame
    bytes_: bytes([8 * kind + 4]) for kind, bytes_ in enumerate((12, 13, 15, 17, 19, 20, 26, 31))
}
_CODECS = {
    "pcm": _Pcm(),
    "flac": _Ffmpeg(
        *("flac", "flac", "s16"),
        **dict(rate=RATE, frame=RATE, delay=0, bitrates=(0,)),
        options={"compression_level": "12", "frame_size": str(RATE)},
        # STREAMINFO: the size of blocks twice, unknown sizes of frames, 16 kHz, mono, 16 bits
        extra=bytes.fromhex("3e803e80 000000000000 03e800f0 00000000" + "00" * 16),
    ),
    "aac": _Ffmpeg(
        *("aac", "aac", "fltp"),
        **dict(rate=RATE, frame=1024, delay=1024),
        bitrates=(8_000, 12_000, 16_000, 24_000, 32_000, 48_000, 64_000),
        options={},
        extra=bytes.fromhex("1408 56e500"),  # AAC-LC at 16 kHz, mono, without SBR
    ),
    "mp3": _Ffmpeg(
        *("libmp3lame", "mp3float", "fltp"),
        **dict(rate=RATE, frame=576, delay=1105, bitrates=_MP3, heads=_MP3_HEADS),
        options={"reservoir": "0", "compression_level": "2"},
    ),
    "opus": _Ffmpeg(
        *("libopus", "libopus", "flt"),
        **dict(rate=RATE, frame=640, delay=104, decoded=48_000),
        bitrates=(6_000, 8_000, 12_000, 16_000, 24_000, 32_000, 48_000, 64_000),
        options={"frame_duration": "40", "compression_level": "10"},
    ),
    "amr_nb": _Ffmpeg(
        *("libopencore_amrnb", "amrnb", "s16"),
        **dict(rate=8_000, frame=160, delay=40, bitrates=_AMR, heads=_AMR_HEADS),
        options={},
    ),
    "codec2": _Codec2(),
}
