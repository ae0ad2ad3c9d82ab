# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The link maths against known answers, closed forms and naive references of their own."""

import cmath
import math

import numpy as np
import pytest
import torch
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.phy import estimation, framing, pilots, random
from gnuradio.semcom.phy.channel import mimo_channel

STREAM = {"seed": 0x123456789, "link": 3, "purpose": 0x100}


def symbols(batch, num_tx, length, seed=99):
    """CN(0, 1) symbols [B, K, L]."""
    draws = random.complex_normal(
        num_tx * length, seed=seed, link=7, frame=torch.arange(batch), purpose=5
    )
    return draws.unflatten(1, (num_tx, length))


# --- random numbers -------------------------------------------------------------------------------


def naive_philox(counter, key):
    c, (k0, k1) = list(counter), key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        low = 0xFFFFFFFF
        c = [(p1 >> 32) ^ c[1] ^ k0, p1 & low, (p0 >> 32) ^ c[3] ^ k1, p0 & low]
        k0, k1 = (k0 + 0x9E3779B9) & low, (k1 + 0xBB67AE85) & low
    return c


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (0, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        (0xFFFFFFFF, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    ],
)
def test_philox_known_answers(word, expected):
    assert random.philox(torch.full((4,), word), (word, word)).tolist() == expected


def test_words_are_keyed_by_seed_link_frame_and_purpose():
    frame = torch.tensor([5, 2**32 + 6])
    found = random.words(6, frame=frame, **STREAM)
    for row, number in enumerate(frame.tolist()):
        expected = []
        for block in range(2):
            counter = (block, number & 0xFFFFFFFF, number >> 32, 3 * 65536 + 0x100)
            expected += naive_philox(counter, (0x23456789, 0x1))
        assert found[row].tolist() == expected[:6]


def test_complex_normal_is_box_muller_on_consecutive_words():
    frame = torch.tensor([4])
    word = random.words(6, frame=frame, **STREAM)[0]
    u = [((int(w) >> 8) + 0.5) * 2**-24 for w in word]
    expected = [
        cmath.rect(math.sqrt(-math.log(u[2 * n])), 2 * math.pi * u[2 * n + 1]) for n in range(3)
    ]
    found = random.complex_normal(3, frame=frame, **STREAM)[0]
    np.testing.assert_allclose(found.numpy(), expected, rtol=2e-6, atol=2e-6)


def test_complex_normal_has_unit_variance_split_evenly():
    z = random.complex_normal(20_000, frame=torch.arange(10), **STREAM)
    assert abs(z.mean()) < 0.01
    assert z.real.var().item() == pytest.approx(0.5, abs=0.01)
    assert z.imag.var().item() == pytest.approx(0.5, abs=0.01)


# --- channel --------------------------------------------------------------------------------------


def test_channel_adds_the_noise_that_the_keys_name():
    x = symbols(2, 2, 20)
    frame = torch.tensor([3, 11])
    y, truth = mimo_channel(
        x, model="rayleigh", snr_db=torch.tensor([7.0, -3.0]), frame=frame, num_rx=3,
        seed=9, link=1, gain_db=6.0,
    )  # fmt: skip
    stream = {"seed": 9, "link": 1, "frame": frame}
    fading = random.complex_normal(6, purpose=0x100, **stream)
    turn = random.uniform(1, purpose=0x102, **stream)
    for b in range(2):
        g = 10 ** (6 / 20) * cmath.exp(2j * math.pi * float(turn[b]))
        n0 = 10 ** (-[7.0, -3.0][b] / 10)
        for m in range(3):
            noise = random.complex_normal(20, purpose=m, **stream)[b]
            h = [complex(fading[b, m * 2 + k]) for k in range(2)]
            expected = g * (h[0] * x[b, 0] + h[1] * x[b, 1] + math.sqrt(n0) * noise)
            torch.testing.assert_close(y[b, m], expected, rtol=1e-5, atol=1e-5)
            torch.testing.assert_close(
                truth.h[b, m], g * torch.tensor(h, dtype=torch.complex64), rtol=1e-5, atol=1e-5
            )
        assert float(truth.noise_var[b]) == pytest.approx(10**0.6 * n0, rel=1e-5)


@pytest.mark.parametrize("snr_db", [-12.0, 0.0, 30.0])
def test_measured_snr_is_the_one_asked_for(snr_db):
    x = symbols(64, 2, 640)
    y, truth = mimo_channel(x, model="awgn", snr_db=snr_db, frame=torch.arange(64), seed=1)
    noise = y - truth.h @ x
    measured = 10 * torch.log10(x.abs().square().mean() / noise.abs().square().mean())
    assert float(measured) == pytest.approx(snr_db, abs=0.1)


@pytest.mark.parametrize("model", ["rayleigh", "rician", "rician_rank1"])
def test_fading_entries_have_unit_power(model):
    x = torch.ones(4000, 2, 1, dtype=torch.complex64)
    _, truth = mimo_channel(x, model=model, snr_db=10.0, frame=torch.arange(4000))
    power = truth.h.abs().square()
    torch.testing.assert_close(power.mean(0), torch.ones(2, 2), atol=0.06, rtol=0)
    # var of |h|^2 of a Rician entry: (1 + 2k) / (1 + k)^2
    expected = 1.0 if model == "rayleigh" else 9 / 25
    torch.testing.assert_close(power.var(0), torch.full((2, 2), expected), atol=0.12, rtol=0)


def test_rank1_line_of_sight_is_singular_and_the_other_is_not():
    x = torch.ones(100, 2, 1, dtype=torch.complex64)
    condition = {}
    for model in ("rician", "rician_rank1"):
        _, truth = mimo_channel(x, model=model, snr_db=9.0, frame=torch.arange(100), rician_k=1e6)
        condition[model] = torch.linalg.cond(truth.h).median()
    assert condition["rician_rank1"] > 100 > condition["rician"]


def test_frames_do_not_depend_on_their_batch():
    x = symbols(6, 2, 30)
    frame = torch.tensor([9, 2, 2, 40, 7, 1])
    settings = {"model": "rician", "snr_db": 5.0, "seed": 4}
    together, _ = mimo_channel(x, frame=frame, **settings)
    alone, _ = mimo_channel(x[3:4], frame=frame[3:4], **settings)
    torch.testing.assert_close(together[3:4], alone, rtol=1e-6, atol=1e-6)


def test_doppler_follows_the_sum_of_sinusoids_over_absolute_time():
    x, frame, doppler = symbols(2, 1, 30), torch.tensor([0, 3]), 0.002
    _, truth = mimo_channel(
        x, model="rayleigh", snr_db=9.0, frame=frame, num_rx=2, seed=5, doppler=doppler
    )
    assert truth.h.shape == (2, 4, 2, 1)
    assert truth.run.tolist() == [n // 8 for n in range(30)]
    zero = torch.zeros(1, dtype=torch.int64)
    u = random.uniform(34, seed=5, link=0, frame=zero, purpose=0x103)[0].tolist()
    turn = random.uniform(1, seed=5, link=0, frame=frame, purpose=0x102)
    for b, e, run in [(0, 0, 0), (0, 1, 2), (1, 0, 3), (1, 1, 1)]:
        t, h = int(frame[b]) * 30 + 8 * run, 0
        s = 2 * math.pi * u[e * 17] - math.pi
        for i in range(16):
            angle = (2 * math.pi * i - math.pi + s) / 16
            phase = 2 * math.pi * u[e * 17 + 1 + i]
            h += cmath.exp(1j * (2 * math.pi * doppler * t * math.cos(angle) + phase)) / 4
        h *= cmath.exp(2j * math.pi * float(turn[b]))
        assert complex(truth.h[b, run, e, 0]) == pytest.approx(h, abs=1e-5)


def test_doppler_autocorrelation_is_the_bessel_function():
    from scipy.special import j0

    x, doppler = torch.ones(1, 8, 1600, dtype=torch.complex64), 0.005
    total = 0
    for seed in range(20):
        _, truth = mimo_channel(
            x, model="rayleigh", snr_db=9.0, frame=torch.tensor([0]), num_rx=8, seed=seed,
            doppler=doppler,
        )  # fmt: skip
        total = total + (truth.h[:, 4:] * truth.h[:, :-4].conj()).mean().real
    assert float(total / 20) == pytest.approx(j0(2 * math.pi * doppler * 32), abs=0.06)


def test_channel_passes_gradients_and_refuses_unknown_models():
    x = symbols(2, 2, 8).requires_grad_()
    y, truth = mimo_channel(x, model="rayleigh", snr_db=10.0, frame=torch.arange(2))
    y.real.sum().backward()
    torch.testing.assert_close(x.grad[:, :, 0], truth.h.sum(1).conj())
    with pytest.raises(ValueError, match="rayleigh"):
        mimo_channel(x, model="fading", snr_db=0.0, frame=torch.arange(2))


# --- pilots and framing ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["hadamard", "zadoff_chu", "encoded_sine"])
@pytest.mark.parametrize("num_tx", [1, 2, 3])
def test_pilot_rows_are_orthogonal_with_unit_power_symbols(kind, num_tx):
    rows = pilots.make(kind, num_tx, 24 if kind == "zadoff_chu" else 32, boost_db=3.0)
    power = 10**0.3
    assert rows.dtype == np.complex64
    np.testing.assert_allclose(np.abs(rows) ** 2, power, rtol=1e-5)
    gram = rows @ rows.conj().T
    np.testing.assert_allclose(gram, power * rows.shape[1] * np.eye(num_tx), atol=1e-3)


@pytest.mark.parametrize("boost_db", [301.0, -1e300, 1e300, np.nan])
def test_pilots_of_a_power_beyond_float32_are_refused(boost_db):
    with pytest.raises(SemcomError, match="pilot boost: .* dB found, -300 to 300 expected"):
        pilots.make("hadamard", 2, 32, boost_db)


def test_encoded_sine_is_fixed_and_leaves_torch_generator_alone():
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    rows = pilots.encoded_sine(2, 64)
    assert torch.rand(1) == expected
    np.testing.assert_array_equal(rows, pilots.encoded_sine(2, 64))
    assert len(np.unique(rows[0].round(3))) > 20
    assert not np.allclose(rows, pilots.encoded_sine(2, 64, seed=1))


@pytest.mark.parametrize(
    "call",
    [
        lambda: pilots.hadamard(3, 30),
        lambda: pilots.zadoff_chu(2, 32, root=2),
        lambda: pilots.make("sine", 2, 32),
        lambda: estimation.ls(symbols(1, 2, 4), np.ones((2, 4), np.complex64)),
    ],
)
def test_useless_pilots_are_refused(call):
    with pytest.raises(SemcomError, match="expected|independent|factor"):
        call()


@pytest.mark.parametrize("spacing", [0, 5, 8, 20, 50])
def test_frames_carry_rows_around_every_payload_block(spacing):
    rows = torch.from_numpy(pilots.hadamard(2, 4)) * (3 + 4j)
    x = symbols(2, 2, 20)
    frame = framing.insert_pilots(x, rows, spacing)
    expected, at = [rows.expand(2, 2, 4)], 0
    while at < 20:
        block = x[..., at : at + (spacing or 20)]
        expected += [block] + ([rows.expand(2, 2, 4)] if spacing else [])
        at += spacing or 20
    torch.testing.assert_close(frame, torch.cat(expected, -1))
    received, payload = framing.strip_pilots(frame, 4, spacing)
    torch.testing.assert_close(payload, x)
    torch.testing.assert_close(received, rows[None, :, None].expand_as(received))
    assert framing.payload_length(frame.shape[-1], 4, spacing) == 20
