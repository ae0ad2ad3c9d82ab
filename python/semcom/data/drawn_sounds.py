# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The synthesised sounds of drawn material (see material_drawn).

The functions of the events take a random generator and a number of samples at 16 kHz; their sounds
have any level until :func:`finished` sets it.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import fftconvolve

from ..media.spectrum import RATE

LEVELS = -28.0, -14.0  # [dB relative to full scale] root mean square of a sound
PEAK = 0.95  # largest magnitude of a sound
HUM_SECONDS = 10


def _church_bell(rng, samples: int) -> np.ndarray:
    """Repeated strokes of inharmonic partials, which decay faster the higher they are."""
    t = np.arange(samples) / RATE
    ratios = np.array([0.5, 1, 1.2, 1.5, 2, 2.5, 2.67, 3, 4.1, 5.4]) * rng.uniform(0.98, 1.02, 10)
    partials = ratios * rng.uniform(200, 900)
    decays = rng.uniform(2, 6) * (partials / 500) ** 0.7
    weights = rng.uniform(0.2, 1, 10) * (partials < RATE / 2)
    strike = weights @ (np.sin(2 * np.pi * partials[:, None] * t) * np.exp(-decays[:, None] * t))
    return _repeated(rng, strike, samples, period=rng.uniform(0.5, 1.1), spread=0.02)


def _bark(rng, samples: int) -> np.ndarray:
    """Short glides of a hoarse voice, up and down."""
    pitch, hoarse = rng.uniform(250, 800), rng.uniform(0.2, 0.8)
    n = int(rng.uniform(0.12, 0.25) * RATE)
    x = np.linspace(0, 1, n)
    voice = _tone(pitch * (0.6 + np.sin(np.pi * x**0.6)), 1 / np.arange(1, 13) ** 0.7)
    breath = _noise(rng, n, pitch, 6 * pitch)
    bark = (voice + 2 * hoarse * breath) * np.sin(np.pi * x**0.5) ** 0.7
    return _repeated(rng, bark, samples, period=rng.uniform(0.3, 0.6), spread=0.25)


def _helicopter(rng, samples: int) -> np.ndarray:
    """Low noise that swells with each rotor blade, and the turbine's whine."""
    t = np.arange(samples) / RATE
    rate = rng.uniform(9, 22) * (1 + 0.03 * np.sin(2 * np.pi * 0.3 * t))
    blade = (0.5 + 0.5 * _tone(rate, [1])) ** rng.uniform(2, 5)
    noise = _noise(rng, samples, 40, rng.uniform(300, 2500))
    whine = rng.uniform(0, 0.15) * _tone(np.full(samples, rng.uniform(800, 3000)), [1, 0.4])
    return noise * (0.15 + blade) + whine


def _violin(rng, samples: int) -> np.ndarray:
    """A bowed sawtooth: many harmonics, coloured by the body, with vibrato."""
    t = np.arange(samples) / RATE
    vibrato = 1 + rng.uniform(0.004, 0.01) * np.sin(2 * np.pi * rng.uniform(5, 7) * t)
    pitch, swell = _melody(rng, samples, rng.uniform(200, 900), legato=0.9)
    body = rng.uniform(0.3, 1, 30) / np.arange(1, 31) ** rng.uniform(0.7, 1.2)
    bow = _noise(rng, samples, 1500, 6000)
    return (_tone(pitch * vibrato, body) + rng.uniform(0.02, 0.1) * bow) * swell


def _flute(rng, samples: int) -> np.ndarray:
    """Nearly a sine, whose loudness trembles, and breath."""
    t = np.arange(samples) / RATE
    pitch, swell = _melody(rng, samples, rng.uniform(280, 1500), legato=0.6)
    tremble = 1 + 0.15 * np.sin(2 * np.pi * rng.uniform(4, 6) * t)
    tone = _tone(pitch, [1, rng.uniform(0.05, 0.3), rng.uniform(0, 0.1)])
    breath = _noise(rng, samples, pitch.mean(), rng.uniform(3000, 7000))
    return (tone * tremble + rng.uniform(0.05, 0.25) * breath) * swell


def _truck(rng, samples: int) -> np.ndarray:
    """A slow engine: single low thuds, rumble, and the clatter of a diesel."""
    rate = _curve(rng, samples, 3) * 6 + rng.uniform(12, 24)
    thuds = _pulses(rng, rate)
    knocks = _ringing(thuds, rng.uniform([50, 150], [120, 500]), rng.uniform(25, 60))
    clatter = fftconvolve(thuds, np.exp(-np.arange(800) / 160))[:samples]
    clatter *= _noise(rng, samples, 800, 4000)
    rumble = _noise(rng, samples, 40, 250)
    return knocks + rng.uniform(0, 0.5) * clatter + rng.uniform(0.1, 0.4) * rumble


def _motorcycle(rng, samples: int) -> np.ndarray:
    """Fast pulses of two cylinders, strong and weak, as the rider opens the throttle."""
    throttle = _curve(rng, samples, int(rng.integers(4, 8)))
    rate = rng.uniform(30, 50) * (1 + 1.8 * throttle)
    pulses = _pulses(rng, rate, weak=rng.uniform(0.2, 0.7))
    exhaust = _ringing(pulses, rng.uniform([120, 500, 1200], [400, 1100, 3000]), 90)
    return np.tanh(rng.uniform(1, 4) * exhaust) * (0.4 + 0.6 * throttle)


def _clock(rng, samples: int) -> np.ndarray:
    """Ticks and tocks of a small case, with silence between them."""
    period = rng.uniform(0.2, 0.5)
    click = np.zeros(int(0.06 * RATE))
    click[[0, int(rng.uniform(0.004, 0.02) * RATE)]] = 1, rng.uniform(0.2, 0.7)
    case = rng.uniform([800, 2500], [2500, 5500])
    decay = rng.uniform(150, 500)
    tick, tock = (_ringing(click, case * pitch, decay) for pitch in (1, rng.uniform(0.7, 0.95)))
    ticks = _repeated(rng, tick, samples, 2 * period, 0)
    late = int(period * RATE)
    ticks[late:] += _repeated(rng, tock, samples - late, 2 * period, 0)
    return ticks


def _train_horn(rng, samples: int) -> np.ndarray:
    """Blasts of a chord of horns, each a little out of tune."""
    ratios = np.array([1, 1.19, 1.5, 1.68, 2])[: rng.integers(3, 6)]
    weights = np.arange(1, 11) ** -rng.uniform(0.6, 1.6)
    low = rng.uniform(220, 500) * (1 - 0.01 * _curve(rng, samples, 3))
    chord = sum(_tone(low * r * rng.uniform(0.99, 1.01), weights) for r in ratios)
    blasts = _gate(samples, np.sort(rng.uniform(0.3, 0.8, rng.integers(0, 2))), rest=0.15)
    return chord * blasts + 0.1 * _noise(rng, samples, 500, 4000) * blasts


def _chainsaw(rng, samples: int) -> np.ndarray:
    """Pulses so fast that they buzz, noise of the chain, bursts of full throttle."""
    throttle = np.round(_curve(rng, samples, int(rng.integers(4, 8))))
    # Smoothed: a throttle takes 0.2 s to open.
    throttle = fftconvolve(throttle, np.full(3200, 1 / 3200), mode="same")
    rate = rng.uniform(80, 120) * (1 + 0.7 * throttle)
    pulses = _pulses(rng, rate, spread=0.4)
    buzz = _ringing(pulses, rng.uniform([300, 900, 2000], [800, 2000, 4500]), 300)
    buzz /= np.abs(buzz).max()
    chain = _noise(rng, samples, 1500, 7000) * throttle
    return (np.tanh(6 * buzz) + rng.uniform(0.1, 0.5) * chain) * (0.3 + 0.7 * throttle)


def _tone(frequency: np.ndarray, weights) -> np.ndarray:
    """Harmonics of a frequency [samples] [Hz] that may glide, below half the sample rate."""
    phase = 2 * np.pi * np.cumsum(frequency) / RATE
    parts = (
        weight * np.sin(k * phase) * (k * frequency < 0.45 * RATE)
        for k, weight in enumerate(weights, 1)
    )
    return sum(parts)


def _noise(rng, samples: int, low: float, high: float) -> np.ndarray:
    """Noise in the band from ``low`` to ``high`` [Hz], with a root mean square of 1."""
    frequency = np.fft.rfftfreq(samples, 1 / RATE) + 1
    shape = 1 / (1 + (low / frequency) ** 3) / (1 + (frequency / high) ** 3)
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(samples)) * shape, samples)
    return noise / noise.std()


def _pulses(rng, rate: np.ndarray, weak: float = 1.0, spread: float = 0.15) -> np.ndarray:
    """Single-sample pulses with ``rate`` [samples] [Hz]; every other one is weaker by ``weak``."""
    places = np.flatnonzero(np.diff(np.floor(np.cumsum(rate) / RATE + rng.random())))
    pulses = np.zeros(len(rate))
    pulses[places] = 1 + spread * rng.standard_normal(len(places))
    pulses[places[::2]] *= weak
    return pulses


def _ringing(pulses: np.ndarray, frequencies: np.ndarray, decay: float) -> np.ndarray:
    """Pulses filtered by resonances [Hz] that decay with ``decay`` [1/s]."""
    t = np.arange(RATE // 8) / RATE
    answer = np.sin(2 * np.pi * frequencies[:, None] * t).sum(0) * np.exp(-decay * t)
    return fftconvolve(pulses, answer)[: len(pulses)]


def _repeated(rng, sound: np.ndarray, samples: int, period: float, spread: float) -> np.ndarray:
    """A sound repeated every ``period`` [s], with a random deviation of relative size
    ``spread``."""
    result, place = np.zeros(samples), 0
    while place < samples:
        part = sound[: samples - place]
        result[place : place + len(part)] += rng.uniform(0.7, 1) * part
        place += int(period * rng.uniform(1 - spread, 1 + spread) * RATE)
    return result


def _curve(rng, samples: int, knots: int) -> np.ndarray:
    """Linear interpolation between ``knots`` random values from 0 to 1, [samples]."""
    return np.interp(np.linspace(0, knots - 1, samples), np.arange(knots), rng.random(knots))


def _melody(rng, samples: int, lowest: float, legato: float) -> tuple[np.ndarray, np.ndarray]:
    """Frequency [samples] [Hz] and loudness [samples] from 0 to 1 of some notes; the loudness falls
    to ``legato`` at the end of each note."""
    borders = np.sort(rng.uniform(0.1, 0.9, rng.integers(0, 5)))
    note = np.searchsorted(borders, np.linspace(0, 1, samples))
    steps = rng.choice([0, 2, 4, 5, 7, 9], len(borders) + 1)
    loudness = legato + (1 - legato) * _gate(samples, borders, rest=0.04)
    return lowest * 2 ** (steps[note] / 12), loudness


def _gate(samples: int, borders: np.ndarray, rest: float) -> np.ndarray:
    """A gate [samples], 1 with soft edges to 0 for ``rest`` [s] at each border (0 to 1 of the
    whole)."""
    away = np.abs(np.arange(samples)[:, None] - borders * samples).min(1, initial=samples) / RATE
    return np.clip((away - rest / 2) / 0.02, 0, 1)


def finished(rng, sound: np.ndarray) -> np.ndarray:
    """A sound with a random tilt of its spectrum, echo and level, as by a room and a microphone."""
    octaves = np.log2(np.clip(np.fft.rfftfreq(len(sound), 1 / RATE), 100, 6400) / 800)
    tilt = 10 ** (rng.uniform(-4, 4) * octaves / 20)  # -4 to 4 dB per octave
    sound = np.fft.irfft(np.fft.rfft(sound) * tilt, len(sound))
    t = np.arange(RATE // 4) / RATE
    echo = rng.standard_normal(len(t)) * np.exp(-rng.uniform(12, 60) * t)
    echo *= rng.uniform(0, 0.5) / np.linalg.norm(echo)
    echo[0] = 1
    sound = fftconvolve(sound, echo)[: len(sound)]
    level = 10 ** (rng.uniform(*LEVELS) / 20) / np.sqrt(np.mean(sound**2))
    return (min(level, PEAK / np.abs(sound).max()) * sound).astype(np.float32)


def hum(rng) -> np.ndarray:
    """A background's sound, [160000] float32, -1 to 1, which can be repeated without a step."""
    samples = HUM_SECONDS * RATE
    frequency = np.fft.rfftfreq(samples, 1 / RATE)
    slope = np.maximum(frequency, 30) ** -rng.uniform(0, 1)  # from white to brown noise
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(samples)) * slope, samples)
    swells = np.linspace(0, rng.integers(1, 5), samples, endpoint=False) + rng.random()
    noise *= 1 + 0.3 * np.sin(2 * np.pi * swells)
    return (0.3 * noise / np.abs(noise).max()).astype(np.float32)


SOUNDS = {
    "Church bell": _church_bell,
    "Bark": _bark,
    "Helicopter": _helicopter,
    "Violin, fiddle": _violin,
    "Flute": _flute,
    "Truck": _truck,
    "Motorcycle": _motorcycle,
    "Clock": _clock,
    "Train horn": _train_horn,
    "Chainsaw": _chainsaw,
}
"""{event name: function that makes its sound}."""
