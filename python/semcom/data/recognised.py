# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Descriptions of each second of a film by recognition of picture and sound, for M3E-VSC's sender.

Chen et al., Generative Multi-Modal Mutual Enhancement Video Semantic Communications, 2024, section
3.1: recognition, fusion (eq. 3), the check of all key frames (eq. 4).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from ..base.errors import SemcomError
from ..media.spectrum import RATE
from ..perception import recognition
from ..perception.fusion import SURE_HEARD, SURE_SEEN, fused
from .clipset import AVE_CLASSES, BACKGROUND
from .descriptions import OTHER, Description

SILENT, QUIET, LOUD = -60.0, -36.0, -16.0
"""[dB relative to full scale] Limits of the root mean square of a second: silence below the first,
quiet below the second, loud above the last.  About a fifth of real recordings are quiet, and a
fifth loud."""
FAINTEST = 1e-10  # power that is used for digital silence, so that it has a level


def describe(
    pictures: np.ndarray,
    places: Sequence[int],
    spectra: np.ndarray,
    sound: np.ndarray,
    check: Callable | None = None,
) -> list[Description]:
    """A description of each second of a film.

    pictures  [n, 64, 64, 3] uint8 RGB, key frames
    places    [n] second of each key frame, not decreasing
    spectra   [T, 100, 64] float32 log-mel (``media.phase.seconds_of``), T = 0 without sound
    sound     [T * 16000] float32, -1 to 1, for silence and manner
    check     :class:`~semcom.nets.m3e.check.Check`, or None: recognise each frame by itself

    There are T descriptions, or more if key frames lie after T.  A second without a key frame has
    the key frame before it, or else the first one.  Without pictures nothing is seen, without sound
    nothing is heard; without both the list is empty.  In pictures of a single colour nothing is
    seen.  Background and uncertain classes count as OTHER.

    SemcomError for lengths that do not fit, and places that decrease or are negative.
    """
    places = np.asarray(places, int)
    _fitting(pictures, places, spectra, sound)
    seconds = max(len(spectra), int(places[-1]) + 1 if len(places) else 0)
    if not seconds:
        return []
    levels = _levels(sound, seconds)
    seen = recognition.seen(pictures)
    frames = [_frames(places, second) for second in range(seconds)]
    shown, played = _checked(*fused(*_of_frames(seen, spectra, levels, frames)), check)
    owner = np.repeat(np.arange(seconds), [max(1, len(own)) for own in frames])
    return [
        _described(
            seen.cells[own].mean(0) if len(own) else seen.cells,
            shown[owner == second].mean(0),
            played[owner == second].mean(0),
            levels[second],
        )
        for second, own in enumerate(frames)
    ]


def name(probabilities: np.ndarray, sure: float) -> str:
    """The most likely class of ``probabilities`` [29]; OTHER for background and for a probability
    below ``sure``; '' if all are 0."""
    if not probabilities.any():
        return ""
    best = int(probabilities.argmax())
    return OTHER if best == BACKGROUND or probabilities[best] < sure else AVE_CLASSES[best]


def level(sound: np.ndarray) -> np.ndarray:
    """Root mean square [...] [dB relative to full scale] of sound [..., n]."""
    power = np.square(sound, dtype=np.float64).mean(-1)
    return 10 * np.log10(np.maximum(power, FAINTEST))


def _fitting(pictures, places: np.ndarray, spectra, sound) -> None:
    if len(pictures) != len(places):
        raise SemcomError(
            f"{len(pictures)} key frames and {len(places)} places; expected a place for each"
        )
    if len(places) and (places[0] < 0 or (np.diff(places) < 0).any()):
        raise SemcomError(f"places {places.tolist()}: expected 0 or more, not decreasing")
    if len(sound) != RATE * len(spectra):
        raise SemcomError(
            f"{len(sound)} samples of {len(spectra)} seconds; expected {RATE} per second"
        )


def _levels(sound: np.ndarray, seconds: int) -> np.ndarray:
    """Level [seconds] [dB relative to full scale] of each second; silence after the sound's end."""
    found = np.full(seconds, 10 * np.log10(FAINTEST))
    found[: len(sound) // RATE] = level(sound.reshape(-1, RATE))
    return found


def _frames(places: np.ndarray, second: int) -> np.ndarray:
    """Numbers of the key frames of a second."""
    own = np.flatnonzero(places == second)
    if len(own) or not len(places):
        return own
    return np.array([max(0, np.searchsorted(places, second) - 1)])


def _of_frames(seen: recognition.Seen, spectra, levels, frames) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of the things seen and of those heard, [F, 29] each, for the key frames of all
    seconds; a second without a key frame has one in which nothing is seen."""
    classes = len(AVE_CLASSES)
    played = np.zeros((len(frames), classes), np.float32)
    loud = np.flatnonzero(levels >= SILENT)
    if len(loud):
        played[loud] = recognition.heard(spectra[loud])
    nothing = np.zeros((1, classes), np.float32)
    shown = [seen.probabilities[own] if len(own) else nothing for own in frames]
    return np.concatenate(shown), played.repeat([len(own) for own in shown], 0)


@torch.inference_mode()
def _checked(shown: np.ndarray, played: np.ndarray, check) -> tuple[np.ndarray, np.ndarray]:
    """Both probabilities [F, 29] after the check; rows without a thing stay 0."""
    if check is None:
        return shown, played
    both = torch.from_numpy(np.concatenate([shown, played], 1)[None])
    found = (logits[0].softmax(1).numpy() for logits in check(both.float()))
    return tuple(
        new * old.any(1, keepdims=True) for new, old in zip(found, (shown, played), strict=True)
    )


def _described(cells, shown, played, loudness: float) -> Description:
    seen, heard = name(shown, SURE_SEEN), name(played, SURE_HEARD)
    where = cells[AVE_CLASSES.index(seen)] if seen in AVE_CLASSES else np.zeros((1, 1))
    manner = "quietly" if loudness < QUIET else "loudly" if loudness > LOUD else ""
    return Description(
        seen=seen,
        count=(recognition.count(where) or "one") if seen else "",
        place=recognition.place(where),
        heard=heard,
        manner=manner if heard else "",
    )
