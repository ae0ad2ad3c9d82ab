# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The mock radio's paths: powers, delays, line of sight and fading against their closed forms."""

import numpy as np
import pytest
from gnuradio.semcom import core
from scipy.special import j0
from test_mock_radio import RATE, UPLINK, radio, send


@pytest.mark.parametrize("spread", [0.0, 0.1, 0.2, 1.0, 5.0, 25.0])
def test_the_profile_has_its_delay_spread(spread):
    powers = np.array(core.exponential_profile(spread))
    taps = np.arange(len(powers))
    mean = powers @ taps
    assert powers.sum() == pytest.approx(1)
    assert np.sqrt(powers @ taps**2 - mean**2) == pytest.approx(spread, abs=1e-6)
    if spread:
        np.testing.assert_allclose(powers[1:] / powers[:-1], powers[1] / powers[0])


def impulse_responses(seeds, taps, **path):
    """Gains of the paths from both terminals [seeds, M, K, taps]."""
    x = np.zeros((2, 1200))
    x[0, 0] = x[1, 512] = 1
    gains = []
    for seed in range(seeds):
        y = send(radio(seed=seed, uplink={"fading": "block", **path}), *x)[UPLINK]
        gains.append([[y[m, at : at + taps] for at in (0, 512)] for m in range(2)])
    return np.array(gains)


def test_paths_have_the_profiles_powers_and_the_line_of_sight_its_share():
    spread, k = 1.0, 4.0
    profile = np.array(core.exponential_profile(spread))
    path = {"delay_spread_s": spread / RATE}
    rayleigh = impulse_responses(300, len(profile), **path)
    measured = np.mean(np.abs(rayleigh) ** 2, axis=(0, 1, 2))
    np.testing.assert_allclose(measured, profile, rtol=0.15)
    taps = np.arange(len(profile))
    mean = measured @ taps / measured.sum()
    rms = np.sqrt(measured @ taps**2 / measured.sum() - mean**2)
    assert rms == pytest.approx(spread, rel=0.05)
    flat = rayleigh.reshape(300, -1)
    cross = np.abs(flat.conj().T @ flat)[:4, :4] / 300
    assert np.max(cross - np.diag(np.diag(cross))) < 0.1  # taps fade independently

    rician = impulse_responses(300, len(profile), rician_k=k, **path)
    measured = np.mean(np.abs(rician) ** 2, axis=(0, 1, 2))
    expected = profile / (k + 1)
    expected[0] += k / (k + 1)
    np.testing.assert_allclose(measured, expected, rtol=0.2)
    fourth = np.mean(np.abs(rician[..., 0]) ** 4) / measured[0] ** 2  # of a Rician amplitude
    k0 = k / profile[0]
    assert fourth == pytest.approx(1 + (2 * k0 + 1) / (k0 + 1) ** 2, rel=0.05)


def gains_in_time(seed, rate, count, **path):
    """One path's gain at every sample [count]."""
    mock = radio(rate, seed, uplink=path)
    return send(mock, np.ones(count + 1000))[UPLINK][0][100 : 100 + count]


@pytest.mark.parametrize("kind", ["jakes", "block"])
def test_fading_has_jakes_autocorrelation(kind):
    rate, doppler, seeds, step = 10e3, 20.0, 250, 50
    path = {"fading": kind, "doppler_hz": doppler, "block_s": step / rate}
    h = np.array([gains_in_time(seed, rate, 4000, **path) for seed in range(seeds)])
    lags = np.arange(0, 2000, step)
    measured = [np.mean(h[:, : 4000 - lag].conj() * h[:, lag:]) for lag in lags]
    np.testing.assert_allclose(measured, j0(2 * np.pi * doppler * lags / rate), atol=0.1)


def test_moving_gains_have_no_steps_and_block_gains_have_only_those():
    rate, doppler, count = 10e3, 20.0, 40_000
    smooth = gains_in_time(3, 10 * rate, count, fading="jakes", doppler_hz=doppler)
    spectrum = np.abs(np.fft.fft(smooth * np.blackman(count))) ** 2
    outside = np.abs(np.fft.fftfreq(count, 0.1 / rate)) > 2 * doppler
    assert 10 * np.log10(spectrum[outside].sum() / spectrum.sum()) < -75
    held = gains_in_time(3, rate, 4000, fading="block", doppler_hz=doppler, block_s=0.01)
    changes = np.flatnonzero(np.abs(np.diff(held)) > 1e-4) + 101
    assert np.all(changes % 100 == 0) and len(changes) > 35
