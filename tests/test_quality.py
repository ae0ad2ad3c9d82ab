# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Closed formulas of how near pictures and sounds are, and the learned distance.

SSIM is compared with scikit-image's, MS-SSIM with numbers of piq 0.8.0 (``multi_scale_ssim``,
float64, the exponents of the scales that are left), ST-LPIPS with numbers of its own package
stlpips-pytorch 0.0.2, each computed once for the pictures here.
"""

import cv2
import numpy as np
import pytest
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.media import quality, spectrum
from gnuradio.semcom.perception import perceptual_distance
from gnuradio.semcom.tasks.media import MediaTask
from skimage import metrics


def waves(height, width):
    """A picture of smooth coloured waves."""
    y, x = np.mgrid[:height, :width]
    red, green, blue = 100 * np.sin(x / 9), 100 * np.sin(y / 7), 60 * np.cos((x + y) / 5)
    return (128 + np.stack([red, green, blue], -1)).round().astype(np.uint8)


def worn(picture):
    """The same with less contrast and a moire over it."""
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]]
    changed = np.round(picture * 0.8 + 20 * np.sin(x * y / 50)[..., None] + 10)
    return np.clip(changed, 0, 255).astype(np.uint8)


def tone(hertz, seconds=1, level=0.3):
    time = np.arange(16000 * seconds) / 16000
    return (level * np.sign(np.sin(2 * np.pi * hertz * time))).astype(np.float32)


NOISE = np.random.default_rng(0).normal(0, 1, 32000).astype(np.float32)


# --- pictures ---


def test_psnr_is_that_of_known_noise():
    rng = np.random.default_rng(0)
    sent = np.full((200, 200, 3), 128, np.uint8)
    shown = (sent + rng.choice([-10, 10], sent.shape)).astype(np.uint8)
    assert quality.psnr(sent, shown) == pytest.approx(20 * np.log10(255 / 10))
    deviation = 12.0
    shown = np.round(sent + rng.normal(0, deviation, sent.shape)).astype(np.uint8)
    expected = 10 * np.log10(255**2 / (deviation**2 + 1 / 12))  # rounding adds a twelfth
    assert quality.psnr(sent, shown) == pytest.approx(expected, abs=0.05)


def test_psnr_ends_at_60_db_and_0_db():
    sent = np.zeros((50, 50, 3), np.uint8)
    assert quality.psnr(sent, sent) == 60
    almost = sent.copy()
    almost[0, 0, 0] = 1
    assert quality.psnr(sent, almost) == 60
    assert quality.psnr(sent, sent + 255) == 0


@pytest.mark.parametrize("size", [(11, 11), (40, 64), (97, 120)])
def test_ssim_is_scikit_images(size):
    sent, shown = waves(*size), worn(waves(*size))
    expected = metrics.structural_similarity(
        sent, shown, gaussian_weights=True, use_sample_covariance=False, channel_axis=-1
    )
    assert quality.structural_similarity(sent, shown)[0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((64, 80), 0.8666492030513364),
        ((96, 96), 0.907634111902639),
        ((176, 192), 0.9425997721317775),
    ],
)
def test_ms_ssim_is_piqs_with_three_four_and_five_scales(size, expected):
    found = quality.structural_similarity(waves(*size), worn(waves(*size)))[1]
    assert found == pytest.approx(expected, abs=1e-12)


def test_ms_ssim_of_odd_sizes_is_near_piqs():
    """Which fills an odd side at its other end."""
    found = quality.structural_similarity(waves(97, 120), worn(waves(97, 120)))[1]
    assert found == pytest.approx(0.9120165385680273, abs=3e-3)


def test_equal_pictures_have_a_similarity_of_one():
    for side in (11, 64, 200):
        assert quality.structural_similarity(waves(side, side), waves(side, side)) == (1, 1)
    flat = np.full((32, 32, 3), 77, np.uint8)
    assert quality.structural_similarity(flat, flat) == (1, 1)


def test_more_blur_and_more_noise_are_worse():
    sent = waves(96, 96)
    noise = np.random.default_rng(1).normal(0, 1, sent.shape)
    blurred = [cv2.GaussianBlur(sent, (0, 0), deviation) for deviation in (0.5, 1, 2, 4)]
    noisy = [np.clip(sent + k * noise, 0, 255).astype(np.uint8) for k in (3, 10, 30, 90)]
    for row in (blurred, noisy):
        figures = np.array(
            [(quality.psnr(sent, p), *quality.structural_similarity(sent, p)) for p in row]
        )
        assert (np.diff(figures, axis=0) < 0).all()


def test_negative_similarity_counts_as_none():
    sent = waves(64, 64)
    single, several = quality.structural_similarity(sent, 255 - sent)
    assert single < 0 and several == 0


def test_pictures_below_the_window_are_refused():
    with pytest.raises(SemcomError, match="10 x 64 pixels"):
        quality.structural_similarity(waves(10, 64), waves(10, 64))


# --- the learned distance ---


def test_perceptual_distance_is_that_of_its_package():
    pytest.importorskip(perceptual_distance.PACKAGE, reason="optional package")
    sent = waves(64, 80)
    shown = [np.roll(sent, 1, 1), sent // 2, 255 - sent, np.full_like(sent, 128)]
    found = perceptual_distance.load()(np.stack([sent] * 4), np.stack(shown))
    expected = [0.0033925329, 0.1864767224, 0.6655175686, 0.9314433336]
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert perceptual_distance.load()(sent[None], sent[None]) == 0
    side = perceptual_distance.SMALLEST
    corner, other = (picture[None, :side, :side] for picture in (sent, 255 - sent))
    assert perceptual_distance.load()(corner, other) > 0


def test_without_its_package_the_distance_stays_out(monkeypatch, caplog):
    monkeypatch.setattr(perceptual_distance, "PACKAGE", "no_such_package")
    perceptual_distance.load.cache_clear()
    try:
        assert MediaTask().distance is None
    finally:
        perceptual_distance.load.cache_clear()
    assert caplog.text.count("not installed") == 1 and "pip install" in caplog.text


# --- sounds ---


def test_timbre_is_the_cosine_of_cepstra_by_their_definition():
    def cepstrum(sound):
        mean = spectrum.log_mel(sound, 0.001).mean(0, dtype=float)
        place = np.pi * (2 * np.arange(64) + 1) / 128
        return np.array([np.sqrt(2 / 64) * (mean * np.cos(k * place)).sum() for k in range(1, 41)])

    sent, played = tone(300), 0.1 * NOISE[:16000]
    one, other = cepstrum(sent), cepstrum(played)
    expected = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
    assert quality.timbre(sent, played) == pytest.approx(expected, abs=1e-6)


def test_timbre_hears_no_level_but_the_instrument():
    sent = tone(300, level=0.5)
    assert quality.timbre(sent, sent) == pytest.approx(1)
    assert quality.timbre(sent, sent / 2) > 0.99
    filtered = np.convolve(NOISE, np.ones(8) / 8, "same").astype(np.float32)
    assert quality.timbre(NOISE, filtered) < 0.8 < quality.timbre(NOISE[:16000], NOISE[16000:])


def test_correlation_of_spectra_is_pearsons():
    sent, played = tone(300), (0.5 * tone(300) + 0.05 * NOISE[:16000]).astype(np.float32)
    spectra = [spectrum.log_mel(sound, 0.001).ravel() for sound in (sent, played)]
    expected = np.corrcoef(np.array(spectra, float))[0, 1]
    assert quality.log_mel_correlation(sent, played) == pytest.approx(expected, abs=1e-9)
    assert quality.log_mel_correlation(sent, tone(1234)) < quality.log_mel_correlation(sent, sent)


def test_silence_is_like_silence_alone():
    silence = np.zeros(16000, np.float32)
    for figure in (quality.timbre, quality.log_mel_correlation):
        assert figure(silence, silence) == 1
        assert figure(silence, tone(300)) == figure(tone(300), silence) == 0
