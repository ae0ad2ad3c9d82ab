# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What the channel can carry at most: published curves, closed forms, sampling, Shannon's cones."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.evaluation.bound import accuracy_bound, read_rate_accuracy
from gnuradio.semcom.phy import cones
from gnuradio.semcom.phy.bounds import (
    Fading,
    adapted_bits,
    bits,
    capacity,
    dispersion,
    error_rate,
    fading_bits,
    fading_error_rate,
)
from gnuradio.semcom.phy.channel import mimo_channel
from scipy import integrate, stats
from scipy.special import exp1

RAYLEIGH = [Fading("rayleigh", m) for m in (1, 2)]
RICIAN = Fading("rician", 2)
ALL = [*RAYLEIGH, Fading("rayleigh", 2, nulled=1), RICIAN, Fading("awgn")]
SNRS = 10 ** (np.arange(-30, 41, 5) / 10)

# SPECTRE, the programs of Polyanskiy, Durisi, Yang and others, draws in its manual ("Bounds for
# AWGN, SNR = 10 dB, P_e = 0.001", real uses, and the rates of a 1 x 2 Rician channel of Yang et al.
# 2014, K = 20 dB, -1.55 dB, block error rate 0.001) the curves that these points lie on; vector
# graphics, read to 0.0005 bit a use.
SPECTRE_AWGN = {60: 1.3736, 80: 1.4182, 100: 1.4492, 402: 1.5838, 701: 1.6180}
SPECTRE_AWGN_ENDS = {  # kappa-beta bound (achievable), meta-converse with a product of Gaussians
    100: (1.3448, 1.4834), 180: (1.4569, 1.5361), 260: (1.5082, 1.5640), 420: (1.5600, 1.5955),
}  # fmt: skip
SPECTRE_RICIAN = {17: 0.3734, 41: 0.6503, 120: 0.8440, 200: 0.8985, 600: 0.9630, 1000: 0.9775}


# --- AWGN -----------------------------------------------------------------------------------------


def test_the_approximation_is_spectres():
    for real_uses, rate in SPECTRE_AWGN.items():
        # log2(n) / 2 of half as many complex uses is half a bit less
        found = (bits(real_uses / 2, 10.0, 1e-3) + 0.5) / real_uses
        assert found == pytest.approx(rate, abs=6e-4)


def test_capacity_and_dispersion_are_mean_and_variance_of_the_information_density():
    """Of codewords on a sphere, with the output's distribution under Gaussian codewords."""
    rng, uses, blocks = np.random.default_rng(1), 50, 50_000
    for snr in (0.3, 5.0):
        x = np.sqrt(snr)
        noise = rng.normal(scale=np.sqrt(0.5), size=(blocks, uses, 2)).view(complex)[..., 0]
        density = uses * np.log2(1 + snr) + np.log2(np.e) * (
            np.abs(x + noise) ** 2 / (1 + snr) - np.abs(noise) ** 2
        ).sum(1)
        deviation = np.sqrt(uses * dispersion(snr))
        assert density.mean() == pytest.approx(
            uses * capacity(snr), abs=4 * deviation / blocks**0.5
        )
        assert density.std() == pytest.approx(deviation, rel=0.01)
        # without L, which is no part of the density
        sent = uses * capacity(snr) - deviation
        lost = error_rate(uses, snr, sent + np.log2(uses) / 2)
        assert (density < sent).mean() == pytest.approx(lost, abs=0.02)


@pytest.mark.parametrize("uses", [1, 7.5, 704, 1e6])
def test_bits_and_error_rate_are_inverse_to_1e_9_and_far_beyond(uses):
    for wanted in (0.3, 1e-3, 1e-9, 1e-200):
        sent = bits(uses, SNRS, wanted)
        some = sent > 0
        assert some[-1] or wanted < 1e-9
        assert error_rate(uses, SNRS, sent)[some] == pytest.approx(wanted, rel=1e-6, abs=0)


def test_an_error_rate_has_all_digits_however_small():
    far = error_rate(704, 1.0, 100)  # Q(18), by its asymptotic series
    z = (704 + np.log2(704) / 2 - 100) / np.sqrt(704 * 0.75) / np.log2(np.e)
    series = np.exp(-z * z / 2) / z / np.sqrt(2 * np.pi) * (1 - z**-2 + 3 * z**-4)
    assert far == pytest.approx(series, rel=1e-6, abs=0) and 0 < far < 1e-70


def test_degenerate_input_has_an_answer():
    assert bits(704, 0.0, 1e-3) == 0 and bits(704, 1e-9, 0.4) == 0
    assert bits(1, 0.01, 1e-3) == 0  # the formula is negative
    lost = error_rate(704, [0.0, 1.0], [[0.0], [1e-6], [1e9]])
    assert lost == pytest.approx(np.array([[0, 0], [1, 0], [1, 1]]), abs=1e-90)
    assert error_rate(704, np.inf, 1000) == 0
    assert fading_error_rate(704, [0.0, 1.0], 0.0, RICIAN).tolist() == [0, 0]
    assert fading_error_rate(704, 0.0, 5.0, RICIAN) == 1
    assert fading_error_rate(3, 1.0, 1e6, RICIAN) == pytest.approx(1)
    assert fading_bits(704, 0.0, 1e-3, RICIAN) == adapted_bits(704, 0.0, 1e-3, RICIAN) == 0
    assert fading_bits(1, 1e-3, 1e-9, RICIAN) == 0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: bits(0, 1.0, 0.1), "uses 0.0: expected a number from 1 on"),
        (lambda: bits(9, -1.0, 0.1), "snr -1.0: expected a number from 0 on"),
        (lambda: bits(9, np.nan, 0.1), "snr nan"),
        (lambda: bits(9, 1.0, 1.0), "error_rate 1.0: expected a number between 0 and 1"),
        (lambda: error_rate(9, 1.0, -3), "bits -3.0"),
        (lambda: Fading("none"), "'none' has no bound: expected one of awgn, rayleigh"),
        (lambda: Fading("rayleigh", 2, nulled=2), "2 streams nulled by 2 antennas"),
        (lambda: Fading("rician", 2, nulled=1), "no closed form"),
        (lambda: Fading("rician", 2, rician_k=-1), "rician_k -1"),
    ],
)
def test_bad_input_is_one_line(wrong, said):
    with pytest.raises(SemcomError, match=said) as told:
        wrong()
    assert "\n" not in str(told.value)


# --- Shannon's cones ------------------------------------------------------------------------------


def test_cones_lie_between_the_bounds_that_spectre_draws():
    """Its converse is that of a product distribution: less than a bit looser than the cones."""
    for real_uses, (achievable, converse) in SPECTRE_AWGN_ENDS.items():
        low, high = cones.bracket(real_uses / 2, 10.0, 1e-3)
        assert achievable < low / real_uses < high / real_uses < converse
        assert converse * real_uses - high < 1


def test_cones_are_students_distributions():
    """cot(A) sqrt(2 n - 1) is noncentral t for a codeword and its reception, t for strangers."""
    for uses, snr, wanted in ((2, 3.0, 0.1), (20, 1.0, 1e-3), (40, 0.2, 0.3)):
        degrees, axis = 2 * uses - 1, np.sqrt(2 * uses * snr)
        _, converse = cones.bracket(uses, snr, wanted)
        edge = stats.t.isf(2.0**-converse, degrees)
        with np.errstate(divide="ignore"):  # inside scipy
            assert stats.nct.cdf(edge, degrees, axis) == pytest.approx(wanted, rel=1e-5)


def test_random_codes_reach_what_is_achievable():
    """Codewords drawn evenly on the sphere, decoded by maximum likelihood: no more errors than the
    bound, of which few are counted twice."""
    rng, uses, snr, sent = np.random.default_rng(2), 4, 1.5, 4
    low, high = cones.bracket(uses, snr, 0.1)
    assert 3 < low < high < 6
    bound = cones._union(uses, np.sqrt(2 * uses * snr), sent)
    code = rng.normal(size=(20_000, 2**sent, 2 * uses))
    code *= np.sqrt(2 * uses * snr) / np.linalg.norm(code, axis=-1, keepdims=True)
    received = code[:, 0] + rng.normal(size=(20_000, 2 * uses))
    found = (np.einsum("bmn,bn->bm", code, received).argmax(1) != 0).mean()
    assert 0.7 * bound < found < bound


def test_the_approximation_is_near_the_cones_and_not_always_between_them():
    for uses, snr_db, wanted, off in (
        (704, 30, 1e-3, 0), (704, 10, 1e-3, 2), (704, -10, 1e-3, 5), (5000, 0, 0.1, 1),
    ):  # fmt: skip
        low, high = cones.bracket(uses, 10 ** (snr_db / 10), wanted)
        near = bits(uses, 10 ** (snr_db / 10), wanted)
        assert 0 < high - low < 2 and low - off <= near <= high + 0.1
        assert bool(low <= near) == (off == 0)


def test_cones_without_power_and_with_hardly_any():
    assert cones.bracket(704, 0.0, 1e-3) == (0, pytest.approx(-np.log2(1 - 1e-3)))
    low, high = cones.bracket(704, 1e-3, 0.1)
    assert low == 0 < high < 1
    low, high = cones.bracket(1, 10.0, 0.1)
    assert 1 < low < high < 4


# --- fading ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", ["awgn", "rayleigh", "rician", "rician_rank1"])
def test_gains_are_those_of_the_channel(channel):
    frames, antennas = 20_000, 3
    _, csi = mimo_channel(
        torch.ones(frames, 2, 1, dtype=torch.complex64), model=channel, snr_db=0.0,
        frame=torch.arange(frames), num_rx=antennas, seed=5, rician_k=2.5,
    )  # fmt: skip
    gains = (csi.h.abs() ** 2).sum(1)[:, 1].double().numpy()
    fading = Fading(channel, antennas, rician_k=2.5)
    if channel == "awgn":
        assert gains == pytest.approx(1, abs=1e-6)
        assert fading.cdf([0.99, 1.0]).tolist() == [0, 1]
    else:
        assert stats.kstest(gains, fading.cdf).pvalue > 0.01


def test_zero_forcing_leaves_one_antenna_less():
    rng = np.random.default_rng(3)
    h = rng.normal(scale=np.sqrt(0.5), size=(20_000, 3, 2, 2)).view(complex)[..., 0]
    inverse = np.linalg.inv(h.conj().transpose(0, 2, 1) @ h)
    assert (
        stats.kstest(1 / inverse[:, 0, 0].real, Fading("rayleigh", 3, nulled=1).cdf).pvalue > 0.01
    )


def test_the_distribution_keeps_its_digits_in_the_tail():
    gain = np.array([1e-9, 1e-5, 1e-2])
    assert Fading("rayleigh").cdf(gain) == pytest.approx(-np.expm1(-gain), rel=1e-10)
    two = -np.expm1(-gain) - gain * np.exp(-gain)
    assert Fading("rayleigh", 2).cdf(gain)[2] == pytest.approx(two[2], rel=1e-10)
    assert Fading("rayleigh", 2).cdf(gain)[0] == pytest.approx(gain[0] ** 2 / 2, rel=1e-8)
    # of the noncentral one its first term: a chi-square, times Poisson's probability of nothing
    low = np.exp(-8) * (5 * gain[0]) ** 2 / 2
    assert RICIAN.cdf(gain)[0] == pytest.approx(low, rel=1e-6)


@pytest.mark.parametrize("fading", ALL[:-1], ids=str)
@pytest.mark.parametrize(("uses", "snr", "sent"), [(704, 10, 900), (100, 1, 60), (12, 0.1, 3)])
def test_fading_is_the_mean_over_a_million_fades(fading, uses, snr, sent):
    rng, order = np.random.default_rng(4), fading.antennas - fading.nulled
    if fading.channel == "rician":
        entries = np.sqrt(0.8) + rng.normal(scale=np.sqrt(0.1), size=(1_000_000, order, 2)) @ [
            1,
            1j,
        ]
        gains = (np.abs(entries) ** 2).sum(1)
    else:
        gains = rng.gamma(order, size=1_000_000)
    lost = error_rate(uses, snr * gains, sent)
    found = fading_error_rate(uses, snr, sent, fading)
    assert found == pytest.approx(lost.mean(), abs=4 * lost.std() / 1000)
    carried = bits(uses, snr * gains, 0.01)
    adapted = adapted_bits(uses, snr, 0.01, fading)
    assert adapted == pytest.approx(carried.mean(), abs=4 * carried.std() / 1000)


@pytest.mark.parametrize("fading", [RAYLEIGH[1], RICIAN], ids=str)
def test_small_error_rates_are_those_of_an_integral(fading):
    """By adaptive integration over the gain's density, the other way round than the function."""
    k, order = (fading.rician_k if fading is RICIAN else 0), 2 * fading.antennas
    density = stats.ncx2(order, order * k) if k else stats.chi2(order)
    for uses, snr, sent in ((704, 1e4, 60), (50, 1e3, 20), (704, 300, 200)):

        def lost(level, uses=uses, snr=snr, sent=sent):
            gain = np.exp(level)
            return error_rate(uses, snr * gain, sent) * density.pdf(2 * (k + 1) * gain) * gain

        whole = 2 * (k + 1) * integrate.quad(lost, -25, 4, limit=500, epsabs=0, epsrel=1e-9)[0]
        assert 1e-15 < whole < 1e-4
        assert fading_error_rate(uses, snr, sent, fading) == pytest.approx(whole, rel=1e-5)


def test_it_becomes_the_outage_probability():
    for snr, rate in ((10.0, 1.0), (0.001, 0.001), (1e4, 0.5), (1e4, 1e-4)):
        outage = -np.expm1(-np.expm1(rate * np.log(2)) / snr)  # 1 - exp(-(2^R - 1) / snr)
        uses = 1e12
        found = fading_error_rate(uses, snr, rate * uses, RAYLEIGH[0])
        assert found == pytest.approx(outage, rel=1e-5)
    found = fading_bits(1e12, 10.0, 1e-4, RAYLEIGH[0]) / 1e12
    assert found == pytest.approx(np.log2(1 - 10 * np.log1p(-1e-4)), rel=1e-4)


def test_a_rician_channel_has_the_published_rates():
    fading, snr = Fading("rician", 2, rician_k=100.0), 10**-0.155
    for uses, rate in SPECTRE_RICIAN.items():
        assert fading_bits(uses, snr, 1e-3, fading) / uses == pytest.approx(rate, abs=6e-4)
    # Yang et al.: at 90 % of 1 bit, the outage capacity, far sooner than AWGN of that capacity
    assert fading_bits(1e9, snr, 1e-3, fading) / 1e9 == pytest.approx(1, abs=1e-3)
    assert fading_bits(210, snr, 1e-3, fading) > 0.9 * 210
    assert bits(1300, 1.0, 1e-3) < 0.9 * 1300 < 0.9 * 1400 < bits(1400, 1.0, 1e-3)


def test_a_strong_line_of_sight_is_awgn():
    steady = Fading("rician", 1, rician_k=1e5)
    found = fading_error_rate(704, 1.0, 600, steady)
    assert found == pytest.approx(error_rate(704, 1.0, 600), rel=0.1)
    assert fading_error_rate(704, 1.0, 600, Fading("awgn", 2)) == error_rate(704, 1.0, 600)
    assert adapted_bits(704, 1.0, 1e-3, Fading("awgn", 2)) == bits(704, 1.0, 1e-3)


def test_a_transmitter_that_knows_reaches_the_ergodic_capacity_of_long_blocks():
    found = adapted_bits(1e12, 10.0, 1e-3, RAYLEIGH[0]) / 1e12
    assert found == pytest.approx(np.exp(0.1) * exp1(0.1) / np.log(2), rel=1e-4)


def test_in_fading_the_approximation_is_near_the_cones():
    gains, mass = RAYLEIGH[1].cells(300)
    axis = np.sqrt(2 * 704 * 10 * gains)
    sent = fading_bits(704, 10.0, 1e-3, RAYLEIGH[1])
    reachable = sum(p * cones._union(704, a, float(sent)) for a, p in zip(axis, mass, strict=True))
    assert reachable == pytest.approx(1e-3, rel=0.02)


@pytest.mark.parametrize("fading", ALL, ids=str)
def test_rates_rise_and_fall_as_they_must(fading):
    uses, sent = np.geomspace(1, 1e5, 21), np.geomspace(1e-3, 1e5, 41)
    assert (np.diff(fading_error_rate(704, SNRS, 50, fading)) <= 1e-12).all()
    assert (np.diff(fading_error_rate(704, SNRS[:, None], sent, fading)) >= -1e-12).all()
    assert (np.diff(fading_error_rate(uses[:, None], SNRS[::4], 20, fading), axis=0) <= 1e-12).all()
    for of in (fading_bits, adapted_bits):
        assert (np.diff(of(704, SNRS, 1e-3, fading)) >= 0).all()
        assert (np.diff(of(704, 10.0, [1e-9, 1e-6, 1e-3, 0.1, 0.6, 0.99], fading)) >= 0).all()
        assert (np.diff(of(uses, 3.0, 1e-2, fading)) >= 0).all()
    assert (np.diff(error_rate(704, np.geomspace(1e-9, 1e3, 200), 1e-3)) <= 0).all()


# --- accuracy -------------------------------------------------------------------------------------

TABLE = [
    {"bits": b, "both": 0.75 - 9 / b, "audio": 0.5 - 5 / b, "video": 0.6 - 6 / b, "none": 0.2}
    for b in (50, 100, 400, 1600, 3200)
]


def test_accuracy_is_the_best_mean_over_what_arrives():
    for snr_db in (-10.0, 3.0, 20.0):
        found = accuracy_bound(704, snr_db, "rayleigh", TABLE)
        means = []
        for entry in TABLE:
            e = float(fading_error_rate(704, 10 ** (snr_db / 10), entry["bits"], RAYLEIGH[1]))
            one = e * (1 - e)
            means.append((1 - e) ** 2 * entry["both"] + e**2 * entry["none"]
                         + one * entry["audio"] + one * entry["video"])  # fmt: skip
        assert found.shape == () and found == pytest.approx(max(means), rel=1e-12)


def test_adapted_accuracy_is_the_mean_over_pairs_of_fades():
    rng = np.random.default_rng(6)
    snr = 10**0.3
    one, two = (
        np.array([error_rate(704, snr * g, entry["bits"]) for entry in TABLE])
        for g in rng.gamma(2, size=(2, 200_000))
    )
    both, audio, video, none = (
        np.array([[entry[key]] for entry in TABLE]) for key in ("both", "audio", "video", "none")
    )
    of_rates = ((1 - one) * (1 - two) * both + (1 - one) * two * audio + one * (1 - two) * video
                + one * two * none)  # fmt: skip
    found = accuracy_bound(704, 3.0, "rayleigh", TABLE, adapted=True)
    assert found == pytest.approx(of_rates.max(0).mean(), abs=1e-3)


@pytest.mark.parametrize("channel", ["awgn", "rayleigh", "rician"])
def test_accuracy_rises_with_snr_and_with_knowledge(channel):
    snr_db = np.arange(-30.0, 41.0, 5.0)
    blind, adapted = (
        accuracy_bound(704, snr_db, channel, TABLE, adapted=knows) for knows in (False, True)
    )
    assert (np.diff(blind) >= 0).all() and (np.diff(adapted) >= -1e-12).all()
    assert (adapted >= blind - 1e-4).all()
    assert blind[0] == pytest.approx(0.2, abs=0.01)  # nothing arrives
    assert adapted[-1] == pytest.approx(TABLE[-1]["both"], abs=1e-3)
    if channel == "awgn":
        assert adapted == pytest.approx(blind, rel=1e-12)
    else:
        assert (adapted[5:9] > blind[5:9] + 1e-3).all()


def test_a_table_of_rates_is_read_or_refused_in_one_line(tmp_path):
    path = tmp_path / "rates.json"
    path.write_text(json.dumps(TABLE))
    assert read_rate_accuracy(path) == TABLE
    for wrong, said in (
        ("{", "rates.json: is not JSON"),
        ("[]", "expected a list of one rate or more"),
        ('{"bits": 3}', "expected a list"),
        ("[3]", "entry 0: has 3; expected bits, both, audio, video, none"),
        ('[{"bits": 3}]', "entry 0: has bits; expected bits, both"),
        (json.dumps([TABLE[0], TABLE[1] | {"both": 75}]), "entry 1: both is 75; expected .* to 1"),
        (json.dumps([TABLE[0] | {"bits": "many"}]), "entry 0: bits is 'many'; expected .* 0 on"),
        (json.dumps([TABLE[0] | {"none": float("nan")}]), "none is nan"),
    ):
        path.write_text(wrong)
        with pytest.raises(SemcomError, match=said) as told:
            read_rate_accuracy(path)
        assert "\n" not in str(told.value)
    with pytest.raises(SemcomError, match="cannot be read"):
        read_rate_accuracy(tmp_path / "missing.json")


def test_the_bound_needs_no_torch():
    code = (
        "import sys, gnuradio.semcom.evaluation.bound, gnuradio.semcom.phy.cones; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
