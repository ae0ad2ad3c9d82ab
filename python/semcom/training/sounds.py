# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Random seconds of sound from recordings, for trainings."""

from __future__ import annotations

import numpy as np

from ..data.clipset import BACKGROUND
from ..media.phase import OVERLAP, SECOND
from ..media.spectrum import BANDS, RATE, YAMNET_OFFSET, log_mel

LENGTH = RATE + OVERLAP  # samples that the 100 spectra of a second look at
QUIET = 10 ** (-40 / 20)  # of the recording's level, below which a second is drawn again
TRIES = 4
SPEED = 0.12  # largest change of speed, and so of pitch
GAIN = -20.0, 10.0  # [dB]
OTHERS = 0.3, (0.0, 20.0)  # share with something else in the background; how far below [dB]
NOISE = 0.3, (10.0, 40.0)  # share with white noise; how far below [dB]


class Seconds:
    """recordings  class index -> list of [samples] float32, see ``data.recordings``
    others      what may be heard behind them; None: the recordings of background

    Classes are drawn by the root of how many recordings they have: a class of two is not learnt by
    heart, one of a hundred does not fill everything.
    """

    def __init__(
        self,
        recordings: dict[int, list[np.ndarray]],
        others: list[np.ndarray] | None = None,
    ):
        self.recordings, self.classes = recordings, sorted(recordings)
        self.others = recordings.get(BACKGROUND, []) if others is None else others
        counts = np.sqrt([len(recordings[event]) for event in self.classes])
        self.shares = counts / counts.sum()

    def draw(self, rng: np.random.Generator, mixed: bool = True) -> tuple[np.ndarray, int]:
        """Log-mel [100, 64] float32 of a second of some recording at some level, and its class;
        mixed: faster or slower, and sometimes before other sounds or noise."""
        event = int(rng.choice(self.classes, p=self.shares))
        sound = _second(rng, self.recordings[event], SPEED if mixed else 0.0)
        if mixed and rng.random() < OTHERS[0] and self.others:
            sound = sound + _below(rng, OTHERS[1], sound, _second(rng, self.others, SPEED))
        if mixed and rng.random() < NOISE[0]:
            noise = rng.standard_normal(LENGTH, np.float32)
            sound = sound + _below(rng, NOISE[1], sound, noise)
        sound = sound * np.float32(10 ** (rng.uniform(*GAIN) / 20))
        return log_mel(np.clip(sound, -1, 1), YAMNET_OFFSET), event


def level(sound: np.ndarray) -> float:
    """Root mean square, not zero."""
    return float(np.sqrt(np.mean(np.square(sound)) + 1e-8))


def _second(rng: np.random.Generator, files: list[np.ndarray], speed: float) -> np.ndarray:
    """[16240] of one recording, which is repeated if it is shorter; not of its pauses."""
    sound = files[rng.integers(len(files))]
    factor = np.exp(rng.uniform(-speed, speed))
    needed = int(np.ceil(LENGTH * factor)) + 1
    sound = np.tile(sound, -(-needed // len(sound)))
    for _ in range(TRIES):
        start = rng.integers(len(sound) - needed + 1)
        part = sound[start : start + needed]
        if level(part) > QUIET * level(sound):
            break
    if not speed:
        return part[:LENGTH]
    return np.interp(np.arange(LENGTH) * factor, np.arange(needed), part).astype(np.float32)


def _below(rng, decibels: tuple, sound: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The other sound, so many decibels below this one."""
    gain = level(sound) / level(other) * 10 ** (-rng.uniform(*decibels) / 20)
    return other * np.float32(gain)


def masked(rng: np.random.Generator, spectra: np.ndarray, times: int, bands: int) -> np.ndarray:
    """Log-mel [100, 64] without a run of up to so many spectra and one of bands, which get the
    mean (SpecAugment, Park et al. 2019, without warping)."""
    out, mean = spectra.copy(), spectra.mean()
    length, height = rng.integers(times + 1), rng.integers(bands + 1)
    first, low = rng.integers(SECOND - length + 1), rng.integers(BANDS - height + 1)
    out[first : first + length] = mean
    out[:, low : low + height] = mean
    return out


def middles(recordings: dict[int, list[np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """The second in the middle of each recording, filled with silence -> sounds [n, 16000] float32
    and classes [n]."""
    pairs = [(event, sound) for event in sorted(recordings) for sound in recordings[event]]
    sounds = []
    for _, sound in pairs:
        part = sound[max(0, (len(sound) - RATE) // 2) :][:RATE]
        sounds.append(np.pad(part, (0, RATE - len(part))))
    return np.stack(sounds), np.array([event for event, _ in pairs])
