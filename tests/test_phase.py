# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Sound from log-mel spectra: how near its spectra come, joins without seams, and the filter."""

import numpy as np
import pytest
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.media import phase, spectrum

TIME = np.arange(32000) / 16000
SWEEP = (0.3 * np.sin(2 * np.pi * (200 * TIME + 700 * TIME**2))).astype(np.float32)
NOISE = np.random.default_rng(0).normal(0, 0.1, 32000).astype(np.float32)


def tone(hertz):
    return (0.5 * np.sin(2 * np.pi * hertz * TIME)).astype(np.float32)


def apart(sound, spectra):
    """Mean distance of log-mel."""
    return np.abs(phase.seconds_of(sound) - spectra).mean()


def test_a_second_is_a_hundred_spectra_that_begin_with_it():
    spectra = phase.seconds_of(NOISE)
    assert spectra.shape == (2, 100, 64) and spectra.dtype == np.float32
    for second, start in ((0, 0), (1, 16000)):
        patch = spectrum.patches(NOISE[None, start : start + 16000], spectrum.YAMNET_OFFSET)[0]
        np.testing.assert_allclose(spectra[second, :96], patch, atol=1e-5)
    across = spectrum.log_mel(NOISE[15840 : 15840 + 400], spectrum.YAMNET_OFFSET)
    np.testing.assert_allclose(spectra[0, 99], across[0], atol=1e-5)
    assert phase.seconds_of(NOISE[:0]).shape == (0, 100, 64)


def test_the_inverse_transform_undoes_the_transform():
    sound = NOISE[: 20 * 160 + 240]
    back = phase._overlapped(phase._analysed(sound)) / phase._overlaps(20)
    np.testing.assert_allclose(back[41:-40], sound[41:-40], atol=1e-5)


def test_overlapped_pieces_are_a_naive_sum():
    pieces = np.random.default_rng(1).normal(size=(7, 400)).astype(np.float32)
    expected = np.zeros(7 * 160 + 240)
    for k, piece in enumerate(pieces):
        expected[160 * k : 160 * k + 400] += piece
    np.testing.assert_allclose(phase._added(pieces), expected, atol=1e-5)


@pytest.mark.parametrize(("sound", "most"), [(SWEEP, 0.1), (NOISE, 0.05), (tone(440), 0.15)])
def test_recovered_sound_has_the_spectra(sound, most):
    spectra = phase.seconds_of(sound)
    assert apart(phase.sound_of([spectra]), spectra) < most


def test_momentum_and_rounds_bring_the_spectra_nearer(monkeypatch):
    spectra = phase.seconds_of(NOISE)
    fast = apart(phase.sound_of([spectra]), spectra)
    monkeypatch.setattr(phase, "MOMENTUM", 0.0)
    plain = apart(phase.sound_of([spectra]), spectra)
    monkeypatch.setattr(phase, "ITERATIONS", 4)
    short = apart(phase.sound_of([spectra]), spectra)
    assert fast < 0.9 * plain and plain < 0.7 * short


def test_equal_spectra_give_equal_sound():
    spectra = phase.seconds_of(SWEEP)
    np.testing.assert_array_equal(phase.sound_of([spectra]), phase.sound_of([spectra.copy()]))


def test_silence_stays_silence_and_nothing_stays_nothing():
    silence = np.full((1, 100, 64), phase.SILENCE, np.float32)
    assert not phase.sound_of([silence]).any()
    assert phase.sound_of([]).shape == phase.sound_of([silence[:0]]).shape == (0,)


def test_spectra_beyond_any_sound_stay_within_range():
    sound = phase.sound_of([np.full((1, 100, 64), 99, np.float32)])
    assert sound.shape == (16000,) and sound.dtype == np.float32 and np.abs(sound).max() <= 1


def test_seconds_of_a_clip_have_no_seam():
    """A tone through the boundary keeps its level, as in the middle of a second."""
    sound = phase.sound_of([phase.seconds_of(tone(1000))])
    levels = np.sqrt(np.square(sound[1600:-1600]).reshape(-1, 160).mean(1))
    assert levels[85:95].min() > 0.9 * np.median(levels)


def test_pieces_are_joined_by_a_cross_fade():
    one, other = np.full(1240, 1, np.float32), np.full(840, -1, np.float32)
    sound = phase.joined([one, other])
    assert len(sound) == 1600
    np.testing.assert_array_equal(sound[:1000], 1)
    np.testing.assert_allclose(sound[1000:1240], 1 - 2 * np.arange(240) / 240, atol=1e-6)
    np.testing.assert_array_equal(sound[1240:], -1)
    assert other[0] == -1  # what was given is left as it is
    same = phase.joined([SWEEP[:1240], SWEEP[1000:2240]])
    np.testing.assert_allclose(same, SWEEP[:2000], atol=1e-6)


def test_pieces_heard_apart_make_one_clip():
    spectra = phase.seconds_of(NOISE)
    sound = phase.sound_of([spectra[:1], spectra[1:]])
    assert sound.shape == NOISE.shape
    assert apart(sound, spectra) < 0.05


def test_the_filter_passes_the_bands_alone_and_delays_nothing():
    def gain(hertz):
        heard = phase.in_band(tone(hertz))[8000:24000]
        return np.abs(heard).max() / 0.5

    for hertz in (300, 1000, 6000):
        assert gain(hertz) == pytest.approx(1, abs=0.03)
    for hertz in (125, 7500):
        assert gain(hertz) == pytest.approx(0.5, abs=0.02)  # twice 3 dB
    assert gain(40) < 0.01 and gain(7900) < 0.01
    middle = slice(8000, 24000)
    np.testing.assert_allclose(phase.in_band(tone(1000))[middle], tone(1000)[middle], atol=0.02)


@pytest.mark.parametrize("shape", [(0, 64), (100, 63), (100,)])
def test_spectra_of_other_shapes_are_refused(shape):
    with pytest.raises(SemcomError, match="expected"):
        phase.recovered(np.zeros(shape, np.float32))


def test_spectra_that_are_not_finite_are_refused():
    spectra = np.zeros((3, 64), np.float32)
    spectra[1, 2] = np.nan
    with pytest.raises(SemcomError, match="NaN"):
        phase.recovered(spectra)


def test_sound_that_is_not_whole_seconds_is_refused():
    with pytest.raises(SemcomError, match="whole seconds"):
        phase.seconds_of(NOISE[:17000])
