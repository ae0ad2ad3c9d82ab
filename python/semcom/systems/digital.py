# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The classical link: codecs of pictures and sound, CRC, LDPC and QAM, on the same chain as all
systems.

    pictures -> picture codec -> units -> blocks (CRC, LDPC) -> QAM -> stream "video"
    sound    -> sound codec   -> units -> blocks (CRC, LDPC) -> QAM -> stream "audio"

Both streams of a frame have the same length: that of the longer one, or ``payload`` symbols.  The
receiver knows the settings and that length, and nothing else.

Unit 0 of a stream is a header with the clip's length and the pictures' size; it is left out if the
receiver needs neither, as for events in clips of ten seconds.  All bits of headers and units count
as payload.

A lost block loses its units: a lost picture is replaced by the last good one, or by mid-grey if
none came yet; lost sound by silence.  The outcome is either the media themselves (task ``media``)
or the decisions of a localiser on them (task ``events``): the receiver computes the features of the
decoded media, and the system that was trained without a channel decides; if only sound or only
pictures came, the system that was trained on these alone.
"""

from __future__ import annotations

import hashlib
import struct
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch

from ..base.errors import SemcomError
from ..media.clip import GREY, Media
from ..media.codecs import pictures as picture_codecs
from ..media.codecs import sounds as sound_codecs
from ..media.codecs.names import GOP, SOUNDS
from ..media.codecs.names import PICTURES as PICTURE_CODECS
from ..media.sources import PICTURES
from ..media.spectrum import RATE
from ..media.store import HANDLE_ITEM, NOTHING, STORE, handle_items
from ..nets.system import Item, System
from ..nets.topology import Terminal, Topology
from ..perception.features import extractor, suited
from ..phy import unit_stream
from ..phy.coding import BlockCode
from ..weights.names import shipped
from .loading import load_system

LOCALISER, TRAINED_ON = "pilot_ave_plus", "media"  # system and training data of the localiser
LOCALISERS = {  # received streams -> variant of the localiser
    ("audio", "video"): "error_free",
    ("audio",): "audio_only",
    ("video",): "video_only",
    (): "error_free",  # its decision on silence and grey is background
}
CACHED = 8192  # most codings that are kept, since a sweep sends the same clips repeatedly
UNDER_WAY = 64  # most clips that one terminal has sent and another has not
STEPS = 8  # levels of quality from the lowest to the wanted one
SLOWEST = 0.1  # [Hz] lowest rate of pictures: one of a clip
USUAL = 10  # [s] length of a clip without a header
HEAD = struct.Struct(">BHH")  # unit 0, if needed: length [s], height and width [pixels]
LARGEST = 1 << 28  # [bytes] most pictures of a received clip: a header with more is wrong


@dataclass(frozen=True)
class DigitalSettings:
    """The settings of a classical link.

    task          events or media
    variant       terminals that send: full, audio_only or video_only
    source        picture codec + sound codec; for a variant with one terminal only its codec; '':
                  h265 and opus, as far as they are sent
    quality       quality of pictures, 0 to 100
    bitrate       [bit/s] of sound; 0: the codec's lowest
    size          [pixels] height at which pictures are coded
    picture_rate  [Hz] pictures that are sent, 0.1 to 16; at least one of a clip
    code, length, modulation, repetition  see phy.coding.BlockCode
    payload       budget of symbols of a clip: a frame has the number of symbols up to it that
                  carries most bits, quality and bitrate are lowered until the clip fits, and units
                  that still do not fit are not sent; 0: as many symbols as the clip needs
    """

    task: str = "events"
    variant: str = "full"
    source: str = ""
    quality: int = 50
    bitrate: int = 0
    size: int = 96
    picture_rate: float = 1.0
    code: str = "3/4"
    length: int = 648
    modulation: str = "qpsk"
    repetition: int = 1
    payload: int = 0

    def __post_init__(self):
        if not self.source:
            sent = reversed(VARIANTS.get(self.variant, USUAL_CODECS))
            object.__setattr__(self, "source", "+".join(USUAL_CODECS[place] for place in sent))


TASKS = ("events", "media")
VARIANTS = {"full": ("audio", "video"), "audio_only": ("audio",), "video_only": ("video",)}
CODECS = {"audio": SOUNDS, "video": PICTURE_CODECS}  # terminal -> names of its codecs
USUAL_CODECS = {"audio": "opus", "video": "h265"}


def codecs_of(source: str, terminals: tuple[str, ...]) -> dict[str, str]:
    """{terminal: codec}; SemcomError if ``source`` does not name one for each terminal."""
    named = source.split("+")
    found = {place: [name for name in named if name in CODECS[place]] for place in terminals}
    if any(len(names) != 1 for names in found.values()) or len(named) != len(terminals):
        wanted = " and ".join(f"one of {', '.join(CODECS[place])}" for place in terminals)
        such = "+".join({"audio": "pcm", "video": "jpeg"}[place] for place in reversed(terminals))
        raise SemcomError(f"source {source!r}: expected {wanted}, such as {such}")
    return {place: name for place, (name,) in found.items()}


class Digital(System):
    """The classical link; SemcomError for impossible settings."""

    name = "digital"
    full_topology = Topology((Terminal("audio", "media"), Terminal("video", "media")))
    Settings = DigitalSettings
    ragged = True

    def __init__(self, settings: DigitalSettings = DigitalSettings()):
        self.settings, self.task = settings, settings.task
        for name, known in (("task", TASKS), ("variant", tuple(VARIANTS))):
            if getattr(settings, name) not in known:
                raise SemcomError(
                    f"setting {name} of digital: {getattr(settings, name)!r}, expected one of "
                    f"{', '.join(known)}"
                )
        self.topology = self.full_topology.only(VARIANTS[settings.variant])
        self.codecs = codecs_of(settings.source, self.topology.names)
        self.code = BlockCode(
            settings.modulation, settings.code, settings.length, repetition=settings.repetition
        )
        if not SLOWEST <= settings.picture_rate <= PICTURES:
            raise SemcomError(
                f"picture rate {settings.picture_rate:g}: expected {SLOWEST:g} to {PICTURES} Hz"
            )
        most = self.code.largest(settings.payload)
        self.frame = self.code.symbols(most) if most else 0  # symbols of a frame; 0: variable
        if settings.payload and not self._room(self.frame):
            raise SemcomError(
                f"payload of {settings.payload} symbols: too short for a unit at "
                f"{settings.modulation}, {settings.code}; give at least {self._symbols([bytes(1)])}"
            )
        self._localise = Localiser() if self.task == "events" else None
        self.classes = self._localise.classes if self._localise else ()
        self.begin()

    def item(self, terminal: str) -> Item:
        """The handle of the clip, repeated for each of its seconds."""
        return HANDLE_ITEM

    @property
    def outcome_item(self) -> Item:
        """For events the probabilities of the classes in a second; for media the handle of the
        clip."""
        return HANDLE_ITEM if self.task == "media" else (np.float32, len(self.classes))

    def payload(self, terminal: str, items: int) -> int:
        """Symbols of all clips if the settings have a ``payload``; otherwise 0: variable."""
        return self.frame

    def begin(self) -> None:
        """Reset the counts."""
        self._units = self._cut = self._blocks = self._lost = self._needed = 0

    def counts(self) -> dict[str, int]:
        """Numbers of blocks, of lost blocks, of units and of units that did not fit the payload;
        "most_needed": the most symbols that a clip needed at the lowest quality."""
        return {
            "blocks": self._blocks, "blocks_lost": self._lost, "units": self._units,
            "units_cut": self._cut, "most_needed": self._needed,
        }  # fmt: skip

    def figures(self, counts: dict[str, int]) -> dict:
        """``blocks_lost``: share of lost blocks; ``units_cut``: share of units that did not fit the
        payload; ``payload_needed``: symbols that suffice for every clip at the lowest quality."""
        blocks, units = counts["blocks"], counts["units"]
        return {
            "blocks_lost": counts["blocks_lost"] / blocks if blocks else None,
            "units_cut": counts["units_cut"] / units if units else None,
            "payload_needed": counts["most_needed"] or None,
        }

    # --- terminals ---

    def send(self, terminal: str, taken, heard: dict) -> list[torch.Tensor]:
        """Items with the handle of each clip -> its symbols [n] complex64."""
        sent = []
        for items in taken:
            handle = int(items[0, 0])
            system = AGREED.system(handle, terminal, self)
            sent.append(torch.from_numpy(system._send(terminal, handle)))
        return sent

    def _send(self, terminal: str, handle: int) -> np.ndarray:
        media = STORE.get(handle).filled()
        symbols = self.frame or self._granted(media)
        blocks, size = self.code.payload(symbols)
        coded = self.units_of(terminal, media, self._room(symbols))
        kept = fitting(coded, self._room(symbols))
        self._units += len(coded)
        self._cut += len(coded) - len(kept)
        self._needed = max(self._needed, self._symbols(coded))
        return self.code.encode(unit_stream.pack(kept, blocks, size), symbols)

    def _granted(self, media: Media) -> int:
        """Symbols of a frame: the number that the longer stream needs."""
        return max(
            self._symbols(self.units_of(place, media, None)) for place in self.topology.names
        )

    def _symbols(self, coded: list) -> int:
        """The least number of symbols for these units."""
        bits = unit_stream.stream_bits(coded)
        symbols = self.code.symbols(bits + unit_stream.POINTER_BITS)
        while self._room(symbols) < bits:  # a pointer in each block
            symbols += 1
        return symbols

    def _room(self, symbols: int) -> int:
        """Bits of units that fit ``symbols`` symbols."""
        blocks, size = self.code.payload(symbols)
        return blocks * max(0, size - unit_stream.POINTER_BITS)

    def units_of(self, terminal: str, media: Media, room: int | None) -> list:
        """A terminal's units of a clip at the best quality that fits ``room`` bits (None: the
        quality of the settings); at the lowest quality they may exceed ``room``."""
        levels = self._bitrates() if terminal == "audio" else self._qualities()
        if room is None:
            return self._coding(terminal, media, levels[-1])
        low, high = 0, len(levels) - 1
        while low < high:  # bisection for the best level that fits: sizes grow with levels
            middle = (low + high + 1) // 2
            bits = unit_stream.stream_bits(self._coding(terminal, media, levels[middle]))
            low, high = (middle, high) if bits <= room else (low, middle - 1)
        return self._coding(terminal, media, levels[low])

    def _qualities(self) -> list[int]:
        """Levels of quality up to that of the settings."""
        return sorted({round(self.settings.quality * k / STEPS) for k in range(STEPS + 1)})

    def _bitrates(self) -> list[int]:
        """Bit rates [bit/s] of the sound codec up to that of the settings, at least its lowest."""
        offered = sorted(sound_codecs.bitrates(self.codecs["audio"]))
        return [rate for rate in offered if rate <= self.settings.bitrate] or offered[:1]

    def _coding(self, terminal: str, media: Media, level: int) -> list:
        """Units of a clip at one level; cached for repeated clips."""
        s, codec = self.settings, self.codecs[terminal]
        if terminal == "audio":
            key, code = (codec, level), self._sound
        else:
            key, code = (codec, level, s.size, s.picture_rate), self._shown
        units = coded_once((*key, digest(media)), lambda: code(media, level))
        return [self._head(media), *(unit or None for unit in units)]

    def _head(self, media: Media) -> bytes | None:
        if self.task == "events" and media.seconds == USUAL:
            return None
        told = media.seconds, *media.pictures.shape[1:3]
        if not _possible(*told):
            raise SemcomError(
                f"clip of {told[0]} s with pictures of {told[1]} x {told[2]}: expected at most "
                f"{LARGEST:,} bytes of pictures; send shorter or smaller clips"
            )
        return HEAD.pack(*told)

    def _sound(self, media: Media, bitrate: int) -> list:
        return sound_codecs.encode(self.codecs["audio"], media.sound, bitrate)

    def _shown(self, media: Media, quality: int) -> list:
        times = (np.arange(self._count(media.seconds)) + 0.5) / self.settings.picture_rate
        last = len(media.pictures) - 1
        shown = media.pictures[np.minimum((times * PICTURES).astype(int), last)]
        size = min(self.settings.size, shown.shape[1])
        return picture_codecs.encode(self.codecs["video"], shown, quality, size)

    def _count(self, seconds: int) -> int:
        """Number of pictures that are sent of ``seconds`` seconds."""
        return max(1, round(seconds * self.settings.picture_rate))

    # --- receiver ---

    def outcome(self, symbols, noise) -> list[torch.Tensor]:
        """Symbols [K, n] and their noise [K, n] of each frame -> its outcome, an item per
        second."""
        return self.judged(symbols, noise)[0]

    def judged(self, symbols, noise) -> tuple:
        """As :meth:`outcome`, and the share of received blocks of each frame."""
        outcomes, shares, _ = self._all(symbols, noise)
        return outcomes, shares

    def told(self, symbols, noise) -> tuple:
        """As :meth:`judged`, and ``blocks``: uint8 [C] for each terminal, 1 for received ones;
        ``symbols``: n; ``media``: the handle of the received media, NOTHING without any."""
        outcomes, shares, frames = self._all(symbols, noise)
        known = []
        for outcome, media, good, length in zip(outcomes, *zip(*frames, strict=True), strict=True):
            blocks = {place: came.astype(np.uint8) for place, came in good.items()}
            handle = STORE.keep(media) if self._localise else int(outcome[0, 0])
            known.append({"blocks": blocks, "symbols": length, "media": handle})
        return outcomes, shares, known

    def _all(self, symbols, noise) -> tuple:
        """Outcomes, shares of received blocks, and (media, blocks, length) of each frame."""
        outcomes, shares, frames = [], [], []
        for stream, variance in zip(symbols, noise, strict=True):
            units, good = self.units(stream.cpu().numpy(), variance.cpu().numpy())
            media = self.shown_again(units)
            if media:
                media = replace(media, symbols=stream.shape[1])
            came = tuple(place for place in self.topology.names if any(units[place][1:]))
            outcomes.append(self._outcome(media, came))
            shares.append(np.mean([np.mean(each) if len(each) else 0.0 for each in good.values()]))
            frames.append((media, good, stream.shape[1]))
        return outcomes, torch.tensor(np.array(shares, np.float32)), frames

    def units(self, symbols: np.ndarray, noise: np.ndarray) -> tuple[dict, dict]:
        """Symbols [K, n] and noise [K, n] of a frame -> {terminal: {number: unit, or None if lost}}
        and {terminal: [C] bool, whether each block was received}."""
        units, came = {}, {}
        for place, stream, variance in zip(self.topology.names, symbols, noise, strict=True):
            if self.code.payload(len(stream))[0]:
                bits, good = self.code.decode(stream, variance)
            else:  # the frame was coded with other settings, before they were changed
                bits, good = np.zeros((0, 0), np.uint8), np.zeros(0, bool)
            units[place], came[place] = unit_stream.unpack(bits, good, unit_stream.MOST_UNITS), good
            self._blocks += len(good)
            self._lost += int(np.sum(~good))
        return units, came

    def shown_again(self, units: dict) -> Media | None:
        """The media of received units, with the number of pictures per second that the features
        use, or 16; each picture lasts until the next one.  None for the task media without a
        header."""
        heads = [told for each in units.values() if (told := _head(each[0]))]
        if not heads and self.task == "media":
            return None
        seconds, *shape = heads[0] if heads else (USUAL, self.settings.size, self.settings.size)
        count = self._count(seconds)
        pictures = np.full((count, *shape, 3), GREY, np.uint8)
        sound = np.zeros(seconds * RATE, np.float32)
        if "video" in units:
            codec, own = self.codecs["video"], units["video"][1:]
            own = own[: 1 if codec in GOP else count]
            pictures = picture_codecs.decode(codec, own, count, tuple(shape))
        if "audio" in units:
            own = units["audio"][1 : 1 + seconds]
            sound = sound_codecs.decode(self.codecs["audio"], own, seconds)
        if self._localise and self.settings.picture_rate <= self._localise.looks:
            return Media(self._held(pictures, seconds, self._localise.looks), sound)
        return Media(self._held(pictures, seconds, PICTURES), sound)

    def _held(self, pictures: np.ndarray, seconds: int, rate: int) -> np.ndarray:
        """Pictures at another rate: those that show at (k + 1/2) / rate."""
        shown = (np.arange(seconds * rate) + 0.5) / rate * self.settings.picture_rate
        return pictures[np.minimum(shown.astype(int), len(pictures) - 1)]

    def _outcome(self, media: Media | None, came: tuple[str, ...]) -> torch.Tensor:
        if self._localise:
            return self._localise(media, came)
        if media is None:
            return torch.from_numpy(handle_items(NOTHING, USUAL))
        return torch.from_numpy(handle_items(STORE.keep(media), media.seconds))


class Agreement:
    """Chooses the settings for a clip: those of the terminal that sends it first hold for all, so
    that the streams of a frame have one length while settings change."""

    def __init__(self):
        self._under_way: OrderedDict = OrderedDict()  # handle -> (system, terminals to come)
        self._lock = threading.Lock()

    def system(self, handle: int, terminal: str, own: Digital) -> Digital:
        """The system with which a terminal sends the clip of a handle."""
        with self._lock:
            system, to_come = self._under_way.pop(handle, (own, set()))
            if terminal not in to_come:  # it is the first
                system, to_come = own, set(own.topology.names)
            to_come.discard(terminal)
            if to_come:
                self._under_way[handle] = system, to_come
            while len(self._under_way) > UNDER_WAY:
                self._under_way.popitem(last=False)
        return system


AGREED = Agreement()


class Localiser:
    """Decides on media like an error-free receiver: features, and the system without a channel."""

    def __init__(self):
        whole = localiser(())
        self._features = extractor(suited(whole.sizes()))
        self.looks, self.classes = self._features.looks, whole.classes

    @torch.inference_mode()
    def __call__(self, media: Media, came: tuple[str, ...]) -> torch.Tensor:
        """Probabilities of the classes in each second, [T, C]; ``came``: names of the terminals
        with received units."""
        net = localiser(came)
        seconds = media.seconds
        pictures = media.pictures.reshape(seconds, -1, *media.pictures.shape[1:])
        taken = {
            "audio": self._features.audio(media.sound.reshape(seconds, RATE)),
            "video": self._seen(pictures),
        }
        sent = {}
        for place in net.topology:
            heard = {name: sent[name] for name in place.hears}
            features = torch.from_numpy(taken[place.name])[None].float()
            sent[place.name] = net.send(place.name, features, heard)
        symbols = torch.stack(list(sent.values()), 1)
        return net.outcome(symbols, torch.zeros(1, symbols.shape[1]))[0]

    def _seen(self, seconds: np.ndarray) -> np.ndarray:
        """Features of each second of pictures [T, n, h, w, 3]; equal seconds are computed once."""
        keys = [hashlib.blake2b(second.tobytes()).digest() for second in seconds]
        different = dict(zip(keys, seconds, strict=True))
        made = self._features.visual(np.stack(list(different.values())))
        places = {key: place for place, key in enumerate(different)}
        return made[[places[key] for key in keys]]


@cache
def localiser(came: tuple[str, ...]):
    """The localiser for the received streams, which is loaded once per process."""
    return load_system(LOCALISER, shipped(LOCALISER, LOCALISERS[came], TRAINED_ON))


_CODED: OrderedDict = OrderedDict()


def coded_once(key: tuple, code) -> list:
    """The units ``code()``, cached by ``key`` for all systems of the process."""
    if key not in _CODED:
        _CODED[key] = code()
        while len(_CODED) > CACHED:
            _CODED.popitem(last=False)
    return _CODED[key]


def fitting(coded: list, room: int) -> list:
    """The first units that fit ``room`` bits."""
    sizes = np.cumsum([unit_stream.stream_bits([unit]) for unit in coded])
    return coded[: int(np.searchsorted(sizes, room, "right"))]


def digest(media: Media) -> bytes:
    """A digest that identifies a clip."""
    found = hashlib.blake2b(media.sound.tobytes(), digest_size=16)
    found.update(np.ascontiguousarray(media.pictures[::PICTURES, ::4, ::4]).tobytes())
    return found.digest()


def _head(unit: bytes | None) -> tuple[int, int, int] | None:
    """Seconds, height and width [pixels] in a clip's header; None for an impossible one: a CRC of
    16 bits accepts one of 65536 damaged blocks."""
    told = HEAD.unpack(unit) if unit is not None and len(unit) == HEAD.size else (0, 0, 0)
    return told if _possible(*told) else None


def _possible(seconds: int, height: int, width: int) -> bool:
    """Whether a header can have these values."""
    sides = min(height, width) > 0 and max(height, width) < 1 << 16
    return 0 < seconds < 256 and sides and 3 * seconds * PICTURES * height * width <= LARGEST
