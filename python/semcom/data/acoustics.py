# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Effects between a sound and a film's soundtrack: reverberation, band-limited microphones, noise.

The reverberation of a room is modelled as exponentially decaying noise after the direct sound
(Polack, 1988; Moorer, About This Reverberation Business, 1979): 60 dB within the reverberation
time.
"""

from __future__ import annotations

import numpy as np
from scipy import signal

from ..media.spectrum import RATE

DECAY = 3 * np.log(10)  # of the amplitude over a reverberation time: 60 dB
REVERBERATION = 0.1, 0.9  # [s]
DIRECT = -3.0, 12.0  # [dB] direct-to-reverberant ratio
LOWEST, HIGHEST = (40.0, 300.0), (2500.0, 7800.0)  # [Hz] band edges of a microphone
COLOUR = 0.0, 2.0  # exponent of noise: power density falls with this power of the frequency


def in_room(sound: np.ndarray, reverberation: float, direct_db: float, rng) -> np.ndarray:
    """A sound [n] float32 in a room, [n] float32: the direct sound, and reverberation ``direct_db``
    below it that decays by 60 dB in ``reverberation`` [s]."""
    after = np.arange(1, max(2, round(reverberation * RATE)))
    tail = rng.standard_normal(len(after)) * np.exp(-DECAY * after / (reverberation * RATE))
    tail *= 10 ** (-direct_db / 20) / np.sqrt(np.sum(tail**2))
    response = np.concatenate([[1.0], tail])
    return signal.fftconvolve(sound, response)[: len(sound)].astype(np.float32)


def random_room(rng: np.random.Generator, sound: np.ndarray) -> np.ndarray:
    """A sound [n] float32 in a random room, [n] float32."""
    return in_room(sound, rng.uniform(*REVERBERATION), rng.uniform(*DIRECT), rng)


def random_microphone(rng: np.random.Generator, sound: np.ndarray) -> np.ndarray:
    """A sound [n] float32 limited to a random band, as by small microphones and lossy coding."""
    band = rng.uniform(*LOWEST), rng.uniform(*HIGHEST)
    sections = signal.butter(2, band, "bandpass", fs=RATE, output="sos")
    return signal.sosfilt(sections, sound).astype(np.float32)


def random_noise(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Noise [samples] float32 of unit variance, with a random spectrum from white to brown."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    frequency = np.arange(len(spectrum)) + 20.0
    noise = np.fft.irfft(spectrum * frequency ** (-rng.uniform(*COLOUR) / 2), samples)
    return (noise / max(noise.std(), 1e-9)).astype(np.float32)
