# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""M3E-VSC: sends films as text and differences and restores them (Chen et al., Generative
Multi-Modal Mutual Enhancement Video Semantic Communications, CMES 2024).

    terminal   key frames -> recognition, checked over the clip -> a sentence for each second
               sentence -> latents that it gives -> what the original differs -> symbols
    receiver   sentence; latents that it gives + difference -> key frames and log-mel spectra
               -> pictures between key frames, phases -> film

A second is a GOP of 16 pictures.  Its pictures are sent as squares of 64 pixels, and get their
shape and size again at the receiver.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from ..base.errors import SemcomError
from ..data.clipset import AVE_CLASSES
from ..data.descriptions import Description, parsed, sentence, text, tokens
from ..data.recognised import describe
from ..media import phase
from ..media.clip import Media
from ..media.interpolation import filled
from ..media.key_frames import key_frames
from ..media.spectrum import RATE
from ..media.store import HANDLE_ITEM, NOTHING, STORE, handle_items
from ..nets.configs import M3EConfig
from ..nets.m3e.networks import PAD, UNTOLD, Modality, Networks
from ..nets.m3e.picture import SIDE, as_tensor
from ..nets.m3e.text import LENGTH
from ..nets.system import Item, System
from ..nets.topology import Terminal, Topology
from .m3e_frame import (
    GOP,
    MOST_KEYS,
    PICTURE_WIDTHS,
    PLACE,
    SOUND_LATENTS,
    Head,
    Mode,
    places_on_air,
    read_head,
    read_places,
)

UNLIKE = 0.9  # correlation with the last key frame below which a picture becomes one
TRUSTED = 0.5  # probability of a sentence below which pictures and sound do not use it
NAMELESS = len(AVE_CLASSES) - 1  # class index of everything outside the classes


@dataclass(frozen=True)
class M3ESettings:
    """The settings that need no training.

    without          "m3e": pictures and sound are coded without the text; "": with it
    only             "text" or "image": send only these; "": send everything
    key_frames       most key frames of a second: 1, 2 or 4
    picture_symbols  symbols of each of a key frame's 64 latents: 2, 4, 6 or 9
    """

    without: str = ""
    only: str = ""
    key_frames: int = 1
    picture_symbols: int = 9

    def __post_init__(self):
        known = {
            "without": ("", "m3e"), "only": ("", "text", "image"),
            "key_frames": MOST_KEYS[1:], "picture_symbols": PICTURE_WIDTHS,
        }  # fmt: skip
        for name, values in known.items():
            if getattr(self, name) not in values:
                there = ", ".join(repr(value) for value in values)
                raise SemcomError(f"{name} {getattr(self, name)!r}: expected one of {there}")
        if self.without and self.only:
            raise SemcomError(f"without {self.without}, only {self.only}: give one of them")

    def mode(self, shown: bool, played: bool) -> Mode:
        """The mode of a clip with pictures (``shown``) and with sound (``played``)."""
        return Mode(
            text=0 if self.only == "image" else 60,
            sound=4 if played and not self.only else 0,
            picture=self.picture_symbols,
            most=self.key_frames if shown and self.only != "text" else 0,
        )


@dataclass
class Reading:
    """The decoded sentences of a frame, one for each second.

    tokens   [T, LENGTH] int64
    trusted  [T] bool: pictures and sound use the sentence
    said     the sentences
    xi       [T] expected similarity of their meaning to the sent ones, 0 to 1
    """

    tokens: Tensor
    trusted: Tensor
    said: list[str]
    xi: Tensor


class M3EVSC(System, Networks):
    """The system with one terminal, which sends films.

    config   sizes of the networks
    classes  vocabulary of the sentences
    """

    name = "m3e_vsc"
    Config = M3EConfig
    Settings = M3ESettings
    full_topology = topology = Topology((Terminal("media", "media"),))
    ragged = True
    outcome_item = HANDLE_ITEM  # handle of the received clip

    def __init__(self, config: M3EConfig, classes: Sequence[str]):
        Networks.__init__(self, config, len(classes))
        self.classes, self.settings = tuple(classes), M3ESettings()
        self.begin()

    def configure(self, settings: M3ESettings) -> None:
        """Set the settings."""
        self.settings = settings

    def item(self, terminal: str) -> Item:
        """The handle of the clip, repeated for each of its seconds."""
        return HANDLE_ITEM

    def payload(self, terminal: str, items: int) -> int:
        """The most symbols of a clip of ``items`` seconds."""
        mode = self.settings.mode(shown=True, played=True)
        return Head(mode, items, 1, 1, False, True, (mode.most,) * items).total()

    def payload_of(self, terminal: str, taken: Media) -> int:
        """Symbols of a clip with the largest number of key frames."""
        shown = len(taken.pictures)
        mode = self.settings.mode(bool(shown), bool(len(taken.sound)))
        keys = min(mode.most, shown)
        still, sounds = shown == 1, bool(len(taken.sound))
        shape = taken.pictures.shape[1:3] if shown else (0, 0)
        return Head(mode, taken.seconds, *shape, still, sounds, (keys,) * taken.seconds).total()

    def config_dict(self) -> dict:
        """The configuration as a dict for a checkpoint's header."""
        return asdict(self.config)

    def begin(self) -> None:
        """Reset the counts."""
        self._sent = dict.fromkeys(("head", "text", "sound", "pictures"), 0)
        self._seconds = self._keys = 0

    def counts(self) -> dict[str, int]:
        """Complex symbols sent for "head", "text", "sound" and "pictures"; seconds of media; key
        frames."""
        return {**self._sent, "seconds": self._seconds, "key_frames": self._keys}

    def figures(self, counts: dict[str, int]) -> dict:
        """``symbols_of``: complex symbols per second of header, text, sound and pictures;
        ``key_frames`` per second."""
        if not (seconds := counts["seconds"]):
            return {"symbols_of": None, "key_frames": None}
        each = {name: round(counts[name] / seconds, 2) for name in self._sent}
        return {"symbols_of": each, "key_frames": round(counts["key_frames"] / seconds, 3)}

    # --- terminal ---

    def send(self, terminal: str, taken, heard: dict) -> list[Tensor]:
        """Items with the handle of each clip -> its symbols [n] complex64."""
        return [self.frame(STORE.get(int(items[0, 0]))) for items in taken]

    @torch.inference_mode()
    def frame(self, media: Media) -> Tensor:
        """The symbols of a clip; SemcomError unless it has 16 pictures per second, one, or none."""
        if len(media.pictures) not in (0, 1, GOP * media.seconds):
            raise SemcomError(
                f"{len(media.pictures)} pictures of {media.seconds} s: expected {GOP} per second, "
                "one, or none"
            )
        mode = self.settings.mode(bool(len(media.pictures)), bool(len(media.sound)))
        places = self._key_places(media)
        gop = GOP if len(media.pictures) > 1 else 0
        shown = [gop * second + at for second, some in enumerate(places) for at in some]
        squares = _squares(media.pictures, shown)
        owners = torch.tensor([t for t, some in enumerate(places) for _ in some])
        spectra = phase.seconds_of(media.sound)
        rows = no_text(media.seconds)
        if mode.text:
            said = describe(squares, owners.tolist(), spectra, media.sound, self.check)
            rows = _tokens([*said, *[Description()] * (media.seconds - len(said))])
        parts = {"text": list(self.text.encode(rows, mode.text))} if mode.text else {}
        told = no_text(media.seconds) if self.settings.without else rows
        if mode.sound:
            parts["sound"] = _sent(self.sounds, torch.from_numpy(spectra), told, mode.sound)
        keys = _sent(self.pictures, as_tensor(squares), told[owners], mode.picture) if (
            mode.most) else []  # fmt: skip
        return self._joined(media, mode, places, parts, keys)

    def _key_places(self, media: Media) -> list[list[int]]:
        """Places of the key frames of each second, at least one if there are pictures; a still is
        sent in every second."""
        if len(media.pictures) <= 1:
            return [list(range(len(media.pictures)))] * media.seconds
        gops = np.array_split(media.pictures, media.seconds)
        most = self.settings.key_frames
        return [key_frames(gop, UNLIKE, most).tolist() for gop in gops]

    def _joined(self, media: Media, mode: Mode, places: list, parts: dict, keys: list) -> Tensor:
        """Join header and GOPs to a frame, and count their symbols."""
        counts = tuple(len(some) if mode.most else 0 for some in places)
        shape = media.pictures.shape[1:3] if len(media.pictures) else (0, 0)
        still, sounds = len(media.pictures) == 1, bool(len(media.sound))
        head = Head(mode, media.seconds, *shape, still, sounds, counts)
        frame, keys = [head.symbols()], iter(keys)
        self._sent["head"] += len(head)
        for second, some in enumerate(places):
            gop = {name: [rows[second]] for name, rows in parts.items()}
            gop["pictures"] = [next(keys) for _ in some] if mode.most else []
            marks = places_on_air(some) if mode.most else []
            for name, symbols in (("head", marks), *gop.items()):
                self._sent[name] += sum(map(len, symbols))
                frame += symbols
        self._seconds += media.seconds
        self._keys += sum(counts)
        return torch.cat(frame)

    # --- receiver ---

    def outcome(self, symbols, noise) -> list[Tensor]:
        """Symbols [1, n] and noise [1] or [1, n] of each frame -> the handle of its received
        media."""
        return self.told(symbols, noise)[0]

    def judged(self, symbols, noise) -> tuple:
        """As :meth:`outcome`, and the least xi of each frame's seconds."""
        return self.told(symbols, noise)[:2]

    def told(self, symbols, noise) -> tuple:
        """As :meth:`judged`, and ``said``: the sentences, joined; ``xi`` [T] float32; ``symbols``:
        n; ``media``: the handle of the received media, NOTHING without a header."""
        outcomes, shares, known = [], [], []
        for stream, variance in zip(symbols, noise, strict=True):
            row = stream[0]
            shown, reading = self.received(row, variance[0].expand(len(row)))
            handle, seconds = (STORE.keep(shown), shown.seconds) if shown else (NOTHING, 1)
            xi = reading.xi if reading else torch.zeros(1)
            outcomes.append(torch.from_numpy(handle_items(handle, seconds)))
            shares.append(float(xi.min()))
            said = "\n".join(reading.said) if reading else ""
            known.append({"said": said, "xi": xi.numpy(), "symbols": len(row), "media": handle})
        return outcomes, torch.tensor(shares), known

    @torch.inference_mode()
    def received(self, symbols: Tensor, noise: Tensor) -> tuple[Media | None, Reading | None]:
        """The media and sentences of a frame, from its symbols [n] and their noise variance [n];
        None if no header gives its length."""
        symbols, noise = symbols.cpu(), noise.cpu()
        head = read_head(symbols, noise)
        if head is None:
            return None, None
        parts = _cut(head, symbols, noise)
        reading = self._read(parts["text"], head)
        told = no_text(head.seconds) if self.settings.without else reading.tokens
        pictures = self._shown(head, parts, told)
        sound = self._played(head, parts["sound"], told)
        said, xi = (reading.said, reading.xi.tolist()) if head.mode.text else ((), ())
        shown = Media(pictures, sound, said=tuple(said), xi=tuple(xi), symbols=len(symbols))
        return shown, reading

    def _read(self, text_parts: list, head: Head) -> Reading:
        """The decoded sentences; those that are not trusted have no tokens."""
        count = head.seconds
        if not head.mode.text:
            return Reading(no_text(count), torch.zeros(count, dtype=bool), [""] * count,
                           torch.zeros(count))  # fmt: skip
        symbols, noise = (torch.stack(rows) for rows in zip(*text_parts, strict=True))
        logits = self.text.decode(symbols, noise)
        rows, exact, xi = self.text.judged(logits, noise)
        said = [text(row) for row in rows.tolist()]
        trusted = exact >= TRUSTED
        return Reading(rows.where(trusted[:, None], PAD), trusted, said, xi)

    def _shown(self, head: Head, parts: dict, told: Tensor) -> np.ndarray:
        """All pictures of the clip in their own size, [n, h, w, 3] uint8."""
        if not head.pictures:
            return np.zeros((0, 1, 1, 3), np.uint8)
        if head.mode.most:
            owners = torch.tensor([t for t, some in enumerate(parts["places"]) for _ in some])
            keys = _restored(self.pictures, parts["pictures"], told[owners], "seen")
            places = [GOP * t + at for t, some in enumerate(parts["places"]) for at in some]
        else:  # only the text was sent
            keys = self.pictures.decode(self.pictures.generated(told), named(told, "seen"))
            places = [GOP * t for t in range(head.seconds)]
        squares = as_squares(keys)
        small = squares[:1] if head.still else filled(squares, places, head.pictures)
        size = (head.width, head.height)
        return np.stack([cv2.resize(each, size, interpolation=cv2.INTER_CUBIC) for each in small])

    def _played(self, head: Head, sound_parts: list, told: Tensor) -> np.ndarray:
        """The sound of the clip [T * 16000] float32."""
        if not head.sounds:
            return np.zeros(0, np.float32)
        if head.mode.sound:
            spectra = _restored(self.sounds, sound_parts, told, "heard")
        elif head.mode.most:  # only pictures were sent
            return np.zeros(head.seconds * RATE, np.float32)
        else:
            spectra = self.sounds.decode(self.sounds.generated(told), named(told, "heard"))
        return phase.sound_of([spectra.numpy()])


def no_text(count: int) -> Tensor:
    """Tokens [count, LENGTH] that stand for no text."""
    return torch.full((count, LENGTH), PAD)


def _tokens(descriptions: Sequence[Description]) -> Tensor:
    """Tokens [T, LENGTH] of the sentence of each second."""
    return padded([sentence(each) for each in descriptions])


def padded(sentences: Sequence[str]) -> Tensor:
    """Tokens [n, LENGTH] int64 of sentences."""
    rows = [tokens(said) for said in sentences]
    return torch.tensor([row + [PAD] * (LENGTH - len(row)) for row in rows])


def named(rows: Tensor, what: str) -> Tensor:
    """The class [T] int64 of the thing seen or heard (``what``) in each text [T, LENGTH]; UNTOLD if
    there is none."""
    said = [getattr(parsed(text(row)), what) if row[0] != PAD else "" for row in rows.tolist()]
    numbers = {name: i for i, name in enumerate(AVE_CLASSES)}
    return torch.tensor([numbers.get(name, NAMELESS) if name else UNTOLD for name in said])


def _squares(pictures: np.ndarray, places: Sequence[int]) -> np.ndarray:
    """The pictures at ``places`` scaled to squares [k, 64, 64, 3] uint8."""

    def square(picture):
        how = cv2.INTER_AREA if min(picture.shape[:2]) > SIDE else cv2.INTER_LINEAR
        return cv2.resize(picture, (SIDE, SIDE), interpolation=how)

    made = [square(pictures[place]) for place in places]
    return np.stack(made) if made else np.zeros((0, SIDE, SIDE, 3), np.uint8)


def as_squares(pictures: Tensor) -> np.ndarray:
    """Pictures [n, 3, h, w] float32, clipped to 0 to 1 -> [n, h, w, 3] uint8."""
    whole = (pictures.clamp(0, 1) * 255).round().byte()
    return whole.permute(0, 2, 3, 1).contiguous().numpy()


def _sent(part: Modality, originals: Tensor, rows: Tensor, width: int) -> list[Tensor]:
    """Symbols [n] of each picture or second of sound, coded with its text [B, LENGTH]."""
    if not len(originals):
        return []
    return list(part.send(part.encoder(originals), rows, part.generated(rows), width))


def _restored(part: Modality, received: list, rows: Tensor, what: str) -> Tensor:
    """Pictures or spectra from the received (symbols, noise) of each and its text; ``what``: the
    thing seen or heard."""
    symbols, noise = (torch.stack(some) for some in zip(*received, strict=True))
    latents = part.receive(symbols, noise, rows, part.generated(rows))
    return part.decode(latents, named(rows, what))


def _cut(head: Head, symbols: Tensor, noise: Tensor) -> dict[str, list]:
    """The parts of a frame, as (symbols, noise): ``text`` and ``sound`` of each second, all
    ``pictures``; and the ``places`` of the key frames of each second."""
    parts, at = {"text": [], "sound": [], "pictures": [], "places": []}, len(head)

    def take(count: int) -> tuple[Tensor, Tensor]:
        nonlocal at
        at += count
        return symbols[at - count : at], noise[at - count : at]

    mode = head.mode
    for keys in head.keys:
        parts["places"].append(read_places(*take(max(0, keys - 1) * PLACE), keys))
        parts["text"].append(take(mode.text))
        parts["sound"].append(take(SOUND_LATENTS * mode.sound))
        parts["pictures"] += [take(mode.key) for _ in range(keys)]
    return parts
