# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Rooms, microphones and noise between a sound and a film."""

import numpy as np
import pytest
from gnuradio.semcom.data import acoustics
from gnuradio.semcom.media.spectrum import RATE


def impulse(seconds=1.0):
    sound = np.zeros(round(seconds * RATE), np.float32)
    sound[0] = 1
    return sound


def test_a_room_decays_by_60_db_in_its_reverberation_time():
    heard = acoustics.in_room(impulse(), 0.5, 0.0, np.random.default_rng(0)).astype(float)
    assert heard[0] == pytest.approx(1.0, abs=1e-5)
    assert np.sum(heard[1:] ** 2) == pytest.approx(1.0, rel=1e-3)  # 0 dB of direct sound
    level = [10 * np.log10(np.mean(heard[k : k + 800] ** 2)) for k in range(1, 6401, 800)]
    slope = np.polyfit(np.arange(len(level)) * 800 / RATE, level, 1)[0]  # [dB/s]
    assert slope == pytest.approx(-120, rel=0.1)
    assert np.abs(heard[8000:]).max() < 1e-12


def test_the_direct_sound_stands_over_the_room_as_asked():
    heard = acoustics.in_room(impulse(), 0.3, 12.0, np.random.default_rng(1)).astype(float)
    assert -10 * np.log10(np.sum(heard[1:] ** 2)) == pytest.approx(12.0, abs=0.05)


def test_a_microphone_leaves_the_middle_and_takes_the_ends():
    for seed in range(5):
        spectrum = np.abs(np.fft.rfft(acoustics.random_microphone(
            np.random.default_rng(seed), impulse())))  # fmt: skip
        assert spectrum[10] < 0.1  # 10 Hz
        assert spectrum[1000] > 0.9  # 1 kHz


def test_noise_has_unit_variance_and_some_colour():
    slopes = []
    for seed in range(20):
        noise = acoustics.random_noise(np.random.default_rng(seed), 1 << 15).astype(float)
        assert noise.dtype == float and noise.std() == pytest.approx(1.0, rel=1e-3)
        power = np.abs(np.fft.rfft(noise)) ** 2
        bands = [(200, 400), (3200, 6400)]
        low, high = (np.mean(power[a:b]) for a, b in bands)
        slopes.append(np.log(low / high) / np.log(16))
    assert min(slopes) < 0.4 and max(slopes) > 1.6 and min(slopes) > -0.2


def test_sounds_stay_as_long_as_they_are():
    rng, sound = np.random.default_rng(0), impulse(0.3)
    for change in (acoustics.random_room, acoustics.random_microphone):
        found = change(rng, sound)
        assert found.shape == sound.shape and found.dtype == np.float32
