# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What is recognised in a film, second by second, as descriptions: what M3E-VSC's sender says of it
(Chen et al., Generative Multi-Modal Mutual Enhancement Video Semantic Communications, 2024, section
3.1): recognition, fusion (eq. 3), the check of all key frames (eq. 4).
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

SILENT, QUIET, LOUD = -60.0, -34.0, -18.0
"""[dB] of full scale, root mean square of a second: below these it is silence, plays quietly, and
above the last loudly; the quiet and the loud ones are about a fifth each of real recordings."""
FAINTEST = 1e-10  # power of digital silence, so that it has a level


def describe(
    pictures: np.ndarray,
    places: Sequence[int],
    spectra: np.ndarray,
    sound: np.ndarray,
    check: Callable | None = None,
) -> list[Description]:
    """What each second of a film shows and plays.

    pictures  [n, 64, 64, 3] uint8 RGB: its key frames;  places  [n] the second of each, not falling
    spectra   [T, 100, 64] float32 log-mel (``media.phase.seconds_of``), T 0 where there is no sound
    sound     [T * 16000] float32 in -1 to 1: tells silence, and the manner
    check     :class:`~semcom.nets.m3e.check.Check`, or None: each frame by itself

    There are T seconds, more if key frames lie behind them.  A second without a key frame shows
    what the last one before it does, or the first one of all.  Without pictures nothing is seen,
    without sound nothing is heard; of neither the list is empty.  Pictures of one colour show
    nothing.  What is background, or not sure, is something else.

    Raises SemcomError for lengths that do not fit and places that fall or are negative.
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
    """The class of probabilities [29], OTHER for background and for what is less likely than
    ``sure``; '' where all are 0."""
    if not probabilities.any():
        return ""
    best = int(probabilities.argmax())
    return OTHER if best == BACKGROUND or probabilities[best] < sure else AVE_CLASSES[best]


def level(sound: np.ndarray) -> np.ndarray:
    """Sound [..., n] -> [dB] of full scale, root mean square."""
    power = np.square(sound, dtype=np.float64).mean(-1)
    return 10 * np.log10(np.maximum(power, FAINTEST))


def _fitting(pictures, places: np.ndarray, spectra, sound) -> None:
    if len(pictures) != len(places):
        raise SemcomError(f"{len(pictures)} key frames and {len(places)} places; one for each")
    if len(places) and (places[0] < 0 or (np.diff(places) < 0).any()):
        raise SemcomError(
            f"places {places.tolist()} of key frames: expected 0 or more, not falling"
        )
    if len(sound) != RATE * len(spectra):
        raise SemcomError(
            f"{len(sound)} samples of {len(spectra)} seconds; expected {RATE} a second"
        )


def _levels(sound: np.ndarray, seconds: int) -> np.ndarray:
    """[dB] of each second; behind the sound's end there is silence."""
    found = np.full(seconds, 10 * np.log10(FAINTEST))
    found[: len(sound) // RATE] = level(sound.reshape(-1, RATE))
    return found


def _frames(places: np.ndarray, second: int) -> np.ndarray:
    """Numbers of the key frames that a second shows."""
    own = np.flatnonzero(places == second)
    if len(own) or not len(places):
        return own
    return np.array([max(0, np.searchsorted(places, second) - 1)])


def _of_frames(seen: recognition.Seen, spectra, levels, frames) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of what is seen and heard [F, 29] of the frames of all seconds; a second
    without any has one that shows nothing."""
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
    """Both [F, 29] as the check has them; what is nothing stays so."""
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
