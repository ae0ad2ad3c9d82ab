# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Estimators and detectors against naive references, closed forms and degenerate input."""

import math

import numpy as np
import pytest
import torch
from gnuradio.semcom import core
from gnuradio.semcom.phy import csi as csi_module
from gnuradio.semcom.phy import detection, estimation, framing, pilots, random
from gnuradio.semcom.phy.channel import mimo_channel
from gnuradio.semcom.phy.csi import CSI


def symbols(batch, num_tx, length, seed=99):
    """CN(0, 1) symbols [B, K, L]."""
    draws = random.complex_normal(
        num_tx * length, seed=seed, link=7, frame=torch.arange(batch), purpose=5
    )
    return draws.unflatten(1, (num_tx, length))


def csi_of(h, noise_var=0.01, err_var=0.0):
    h = torch.as_tensor(h, dtype=torch.complex64)
    batch, _, num_tx = h.shape
    return CSI(
        h,
        torch.full((batch, num_tx), err_var),
        torch.full((batch,), noise_var),
        torch.ones(batch),
    )


# --- estimation -----------------------------------------------------------------------------------


def naive_ls(y, x):
    """H, N0', err_var of one block in double precision."""
    y, x = np.asarray(y, np.complex128), np.asarray(x, np.complex128)
    inverse = np.linalg.inv(x @ x.conj().T)
    h = y @ x.conj().T @ inverse
    noise = np.sum(np.abs(y - h @ x) ** 2) / (y.shape[0] * (x.shape[1] - x.shape[0]))
    return h, noise, noise * np.diag(inverse).real


def received_pilots(rows, batch=3, num_rx=3, snr_db=5.0):
    x = torch.from_numpy(rows).expand(batch, -1, -1)
    y, truth = mimo_channel(
        x, model="rayleigh", snr_db=snr_db, frame=torch.arange(batch), num_rx=num_rx, seed=3
    )
    return y, truth


def test_ls_equals_the_naive_formula():
    rows = pilots.encoded_sine(2, 12)
    rows[1] *= 2
    y, _ = received_pilots(rows)
    found = estimation.ls(y, rows)
    for b in range(3):
        h, noise, err_var = naive_ls(y[b], rows)
        np.testing.assert_allclose(found.h[b], h, rtol=1e-5, atol=1e-6)
        assert float(found.noise_var[b]) == pytest.approx(noise, rel=1e-5)
        np.testing.assert_allclose(found.err_var[b], err_var, rtol=1e-5)
        snr = max(0.0, np.mean(np.abs(h) ** 2) - err_var.mean()) / noise
        assert float(found.snr[b]) == pytest.approx(snr, rel=1e-4)


def test_lmmse_estimate_equals_the_naive_formula():
    rows = pilots.hadamard(2, 8)
    y, _ = received_pilots(rows)
    found = estimation.lmmse(y, rows)
    x = rows.astype(np.complex128)
    for b in range(3):
        h_ls, noise, err_ls = naive_ls(y[b], rows)
        s2 = max(np.mean(np.abs(h_ls) ** 2) - err_ls.mean(), 0)
        inverse = np.linalg.inv(x @ x.conj().T + noise / s2 * np.eye(2))
        np.testing.assert_allclose(
            found.h[b], y[b].numpy() @ x.conj().T @ inverse, rtol=1e-4, atol=1e-5
        )
        np.testing.assert_allclose(found.err_var[b], noise * np.diag(inverse).real, rtol=1e-4)


def test_min_residual_takes_the_step_of_least_residual():
    rows = pilots.encoded_sine(2, 18)  # steps of 4, 4, 4 and 6
    y, _ = received_pilots(rows)
    found = estimation.ls_min_residual(y, rows)
    for b in range(3):
        best = None
        for part in (slice(0, 4), slice(4, 8), slice(8, 12), slice(12, 18)):
            x, window = rows[:, part].astype(np.complex128), y[b].numpy()[:, part]
            inverse = np.linalg.inv(x @ x.conj().T)
            h = window @ x.conj().T @ inverse
            residual = np.sum(np.abs(window - h @ x) ** 2)
            if best is None or residual < best[0]:
                best = residual, h, np.diag(inverse).real
        noise = naive_ls(y[b], rows)[1]
        np.testing.assert_allclose(found.h[b], best[1], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(found.err_var[b], noise * best[2], rtol=1e-4)


@pytest.mark.parametrize("method", ["ls", "lmmse"])
def test_err_var_is_the_variance_of_the_error(method):
    rows = pilots.hadamard(2, 16)
    y, truth = received_pilots(rows, batch=4000, num_rx=2, snr_db=0.0)
    found = estimation.METHODS[method](y, rows)
    error = (found.h - truth.h).abs().square().mean()
    assert float(found.err_var.mean()) == pytest.approx(float(error), rel=0.05)
    assert float(found.noise_var.mean()) == pytest.approx(1.0, rel=0.03)


def test_pooled_ls_beats_the_papers_single_step_by_the_number_of_steps():
    rows = pilots.hadamard(2, 32)
    y, truth = received_pilots(rows, batch=3000, num_rx=2, snr_db=10.0)
    errors = {
        name: float((estimation.METHODS[name](y, rows).h - truth.h).abs().square().mean())
        for name in ("ls", "ls_min_residual")
    }
    assert errors["ls_min_residual"] / errors["ls"] == pytest.approx(8, rel=0.15)


def test_as_many_pilots_as_transmitters_leave_the_noise_unmeasured():
    y, _ = received_pilots(pilots.hadamard(2, 2))
    found = estimation.ls(y, pilots.hadamard(2, 2))
    assert not found.noise_var.any()
    assert not found.err_var.any()
    assert torch.isinf(found.snr).all()


@pytest.mark.parametrize("method", list(estimation.METHODS))
def test_nan_pilots_say_nothing_is_known_and_spare_the_other_frames(method):
    rows = pilots.hadamard(2, 8)
    y, _ = received_pilots(rows)
    expected = estimation.METHODS[method](y, rows)
    y = y.clone()
    y[1, 0, 3] = math.nan
    y.requires_grad_()
    found = estimation.METHODS[method](y, rows)
    assert not found.h[1].any()
    assert torch.isinf(found.err_var[1]).all()
    assert torch.isinf(found.noise_var[1])
    assert found.snr[1] == 0
    torch.testing.assert_close(found.h[2], expected.h[2])
    found.h.abs().sum().backward()
    assert torch.isfinite(torch.view_as_real(y.grad)).all()


def test_silent_pilots_estimate_zero():
    found = estimation.lmmse(torch.zeros(1, 2, 8, dtype=torch.complex64), pilots.hadamard(2, 8))
    assert not found.h.any()
    assert not found.err_var.any()
    assert found.snr[0] == 0


def test_pilot_blocks_share_their_noise_variance():
    rows = pilots.hadamard(2, 8)
    y, _ = received_pilots(rows, batch=4)
    blocks = torch.stack([y[:2], y[2:]], dim=2)  # [B=2, M, Q=2, P]
    found = estimation.ls(blocks, rows)
    singles = estimation.ls(y, rows)
    torch.testing.assert_close(found.h[:, 0], singles.h[:2])
    torch.testing.assert_close(found.h[:, 1], singles.h[2:])
    torch.testing.assert_close(found.noise_var, (singles.noise_var[:2] + singles.noise_var[2:]) / 2)


@pytest.mark.parametrize("how", ["nearest", "linear"])
def test_interpolation_looks_at_the_centres(how):
    payload, length, spacing = 50, 4, 20
    total = framing.frame_length(payload, length, spacing)
    pilot_at, payload_at = framing.positions(total, length, spacing)
    centres = pilot_at.double().mean(1)
    h = centres.to(torch.complex64).reshape(1, -1, 1, 1)  # a channel that is its own time
    err_var = torch.tensor([1.0, 2.0, 4.0, 8.0]).reshape(1, 4, 1)
    blocks = CSI(h, err_var, torch.ones(1), torch.ones(1))
    found = estimation.interpolate(blocks, payload, length, spacing, how)
    for block, count in [(0, 20), (1, 20), (2, 10)]:
        for start in range(0, count, 8):
            members = range(block * 20 + start, block * 20 + min(start + 8, count))
            centre = float(payload_at[list(members)].double().mean())
            run = int(found.run[members[0]])
            assert {int(found.run[n]) for n in members} == {run}
            before, after = float(centres[block]), float(centres[block + 1])
            w = (centre - before) / (after - before)
            if how == "nearest":
                w = float(w > 0.5)
            value = (1 - w) * before + w * after
            spread = (1 - w) ** 2 * 2**block + w**2 * 2 ** (block + 1)
            assert float(found.h[0, run, 0, 0].real) == pytest.approx(value, rel=1e-5)
            assert float(found.err_var[0, run, 0]) == pytest.approx(spread, rel=1e-5)


# --- detection ------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["zf", "lmmse"])
def test_detectors_equal_the_naive_formulas(method):
    h, y = symbols(3, 3, 2).clone(), symbols(3, 3, 10, seed=4)
    csi = csi_of(h, noise_var=0.2, err_var=0.05)
    x, no_eff = detection.METHODS[method](y, csi)
    s = 0.2 + 2 * 0.05
    for b in range(3):
        hb = h[b].numpy().astype(np.complex128)
        gram = hb.conj().T @ hb
        if method == "zf":
            w = np.linalg.inv(gram) @ hb.conj().T
            expected = s * np.diag(w @ w.conj().T).real
        else:
            g = np.linalg.inv(gram + s * np.eye(2)) @ hb.conj().T
            d = np.diag(g @ hb).real
            w, expected = g / d[:, None], 1 / d - 1
        np.testing.assert_allclose(x[b], w @ y[b].numpy(), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(no_eff[b], expected, rtol=1e-4)


@pytest.mark.parametrize("method", ["zf", "lmmse"])
@pytest.mark.parametrize("csi", ["perfect", "ls"])
def test_no_eff_is_the_measured_error(method, csi):
    rows = torch.from_numpy(pilots.hadamard(2, 16))
    x = symbols(400, 2, 200)
    frame = framing.insert_pilots(x, rows)
    y, truth = mimo_channel(frame, model="rayleigh", snr_db=10.0, frame=torch.arange(400), seed=8)
    received, payload = framing.strip_pilots(y, 16)
    state = truth if csi == "perfect" else estimation.ls(received, rows)
    found, no_eff = detection.METHODS[method](payload, state)
    ratio = (found - x).abs().square().mean(-1) / no_eff
    assert float(ratio.median()) == pytest.approx(1, abs=0.12)


def test_lmmse_is_never_worse_than_zf():
    csi = csi_of(symbols(200, 2, 2), noise_var=0.3)
    y = symbols(200, 2, 1, seed=3)
    assert (detection.lmmse(y, csi)[1] <= detection.zf(y, csi)[1] * (1 + 1e-5)).all()


DEGENERATE = {
    "zero": torch.zeros(2, 2),
    "singular": torch.tensor([[1.0, 1.0], [1.0, 1.0]]),
    "nearly_singular": torch.tensor([[1.0, 1.0], [1.0, 1.0 + 1e-7]]),
    "nan": torch.tensor([[math.nan, 1.0], [0.0, 1.0]]),
    "inf": torch.tensor([[math.inf, 1.0], [0.0, 1.0]]),
}


@pytest.mark.parametrize("kind", DEGENERATE)
def test_zf_answers_unknown_where_nothing_can_be_said(kind):
    h = torch.stack([torch.eye(2), DEGENERATE[kind]]).to(torch.complex64).requires_grad_()
    y = symbols(2, 2, 5).clone().requires_grad_()
    x, no_eff = detection.zf(y, csi_of(h))
    assert not x[1].any()
    assert torch.isinf(no_eff[1]).all()
    torch.testing.assert_close(x[0], y[0])
    (x.abs().square().sum() + no_eff[0].sum()).backward()
    for gradient in (y.grad, h.grad):
        assert torch.isfinite(torch.view_as_real(gradient)).all()


@pytest.mark.parametrize("variance", [math.nan, math.inf])
@pytest.mark.parametrize("method", ["zf", "lmmse"])
def test_a_variance_that_is_not_finite_answers_unknown(method, variance):
    csi = csi_of(torch.eye(2).expand(1, 2, 2), noise_var=variance)
    x, no_eff = detection.METHODS[method](symbols(1, 2, 4), csi)
    assert not x.any()
    assert torch.isinf(no_eff).all()


def test_a_zero_column_takes_only_its_own_stream_from_lmmse():
    h = torch.tensor([[[1.0, 0.0], [1.0, 0.0]]])
    y = symbols(1, 2, 4)
    x, no_eff = detection.lmmse(y, csi_of(h, noise_var=0.1))
    assert not x[0, 1].any()
    assert torch.isinf(no_eff[0, 1])
    torch.testing.assert_close(x[0, 0], y[0].mean(0), rtol=1e-4, atol=1e-5)
    assert float(no_eff[0, 0]) == pytest.approx(0.05, rel=1e-4)


@pytest.mark.parametrize("method", ["zf", "lmmse", "none"])
def test_samples_that_are_not_finite_become_zero(method):
    y = symbols(1, 2, 4).clone()
    y[0, 0, 2] = math.nan
    x, _ = detection.METHODS[method](y, csi_of(torch.eye(2).expand(1, 2, 2)))
    assert x[0, 0, 2] == 0
    assert torch.isfinite(torch.view_as_real(x)).all()
    assert x[0, 0, 1] != 0


def test_none_passes_the_antennas_through():
    y = symbols(1, 3, 4)
    x, no_eff = detection.none(y, csi_of(symbols(1, 3, 2), noise_var=0.3))
    torch.testing.assert_close(x, y[:, :2])
    torch.testing.assert_close(no_eff, torch.full((1, 2), 0.3))
    assert not detection.none(y, None, 2)[1].any()


def test_moving_channel_uses_the_matrix_of_each_run():
    h = symbols(1, 3, 4).unflatten(2, (2, 2))  # [1, R=3, 2, 2]
    run = torch.tensor([0, 0, 1, 2, 2])
    csi = CSI(h, torch.zeros(1, 3, 2), torch.tensor([0.1]), torch.ones(1), run)
    y = symbols(1, 2, 5, seed=2)
    x, no_eff = detection.zf(y, csi)
    per_run = [detection.zf(y, csi_of(h[:, r], noise_var=0.1)) for r in range(3)]
    for n, r in enumerate(run.tolist()):
        torch.testing.assert_close(x[..., n], per_run[r][0][..., n])
    expected = torch.stack([per_run[r][1] for r in run.tolist()], -1)
    torch.testing.assert_close(no_eff, expected)


@pytest.mark.parametrize("method", ["zf", "lmmse"])
def test_a_piece_that_is_lost_takes_only_its_own_symbols(method):
    h = torch.stack([torch.eye(2), torch.full((2, 2), math.nan), 2 * torch.eye(2)])[None]
    state = CSI(
        h.to(torch.complex64), torch.zeros(1, 3, 2), torch.tensor([0.1]), torch.ones(1),
        torch.tensor([0, 1, 1, 2]),
    )  # fmt: skip
    x, no_eff = detection.METHODS[method](symbols(1, 2, 4), state)
    assert torch.isinf(no_eff[..., 1:3]).all() and torch.isfinite(no_eff[..., [0, 3]]).all()
    assert not x[..., 1:3].any() and x[..., [0, 3]].all()


def naive_lines(found, payload, spacing, pilots):
    """For each payload symbol (H, S) by linear interpolation at the centre of its run of 8."""
    total = framing.frame_length(payload, pilots, spacing)
    pilot_at, payload_at = (p.double() for p in framing.positions(total, pilots, spacing))
    centres = pilot_at.mean(1)
    for n in range(payload):
        block = n // spacing
        start = n - (n - block * spacing) % 8
        end = min(start + 8, (block + 1) * spacing, payload)
        w = float(payload_at[start:end].mean() - centres[block])
        w /= float(centres[block + 1] - centres[block])
        h = (1 - w) * found.h[0, block].numpy() + w * found.h[0, block + 1].numpy()
        err = (1 - w) ** 2 * found.err_var[0, block] + w**2 * found.err_var[0, block + 1]
        yield h.astype(np.complex128), float(found.noise_var[0] + err.sum())


def test_noise_after_zf_between_two_known_channels_is_the_closed_form():
    """no_eff_k(n) = S(n) [W(n) W(n)^H]_kk with W the pseudo-inverse of H(n), in Torch and C++."""
    payload, spacing, length = 37, 20, 8
    rows = pilots.hadamard(2, length)
    sent = framing.insert_pilots(symbols(1, 2, payload), torch.from_numpy(rows), spacing)
    y = torch.einsum("lmk,kl->ml", moving(sent.shape[-1]), sent[0])
    y = y + 0.1 * symbols(1, 3, sent.shape[-1], seed=5)[0]
    received, heard = framing.strip_pilots(y[None], length, spacing)
    blocks = estimation.ls(received, rows)
    expected = np.empty((2, payload))
    for n, (h, s) in enumerate(naive_lines(blocks, payload, spacing, length)):
        w = np.linalg.pinv(h)
        expected[:, n] = s * np.diag(w @ w.conj().T).real
    assert expected.max() > 3 * expected.min()  # it varies: a mean would not do
    state = estimation.interpolate(blocks, payload, length, spacing, "linear")
    np.testing.assert_allclose(detection.zf(heard, state)[1][0], expected, rtol=1e-4)
    packed = core.estimate_frame(y.numpy(), rows, "ls", spacing, "linear")
    _, packed = core.detect(heard[0].numpy(), packed, "zf")
    np.testing.assert_allclose(core.expand_no_eff(packed, payload), expected, rtol=1e-4)
    np.testing.assert_array_equal(
        core.expand_no_eff(packed, payload), csi_module.expand_no_eff(packed, payload)
    )


def moving(length):
    """A channel [L, 3, 2] on a line from one known H to another."""
    ends = symbols(2, 3, 2, seed=12)
    t = torch.linspace(0, 1, length)[:, None, None]
    return (1 - t) * ends[0] + t * ends[1]


# --- the packed tag -------------------------------------------------------------------------------


def test_pack_places_and_unpack_inverts():
    h = symbols(1, 3, 2)[0]
    csi = CSI(
        h, torch.tensor([0.1, 0.2]), torch.tensor(0.5), torch.tensor(7.0),
        no_eff=torch.tensor([0.3, math.inf]),
    )  # fmt: skip
    vector = csi_module.pack(csi)
    expected = [3 + 2j, 0.5 + 7j, 0.1 + 0.3j, complex(np.float32(0.2), math.inf)]
    np.testing.assert_array_equal(vector[:4], np.array(expected, np.complex64))
    np.testing.assert_array_equal(vector[4:], h.numpy().ravel())
    back = csi_module.unpack(vector)
    for name in ("h", "err_var", "noise_var", "snr", "no_eff"):
        torch.testing.assert_close(getattr(back, name), getattr(csi, name))


def test_pieces_are_packed_with_the_symbol_they_hold_from():
    far = 5 * 2**20 + 3
    h, no_eff = symbols(4, 3, 2), torch.arange(8.0).reshape(4, 2)
    run = torch.tensor([3, 3, 0, 0, 0, 2])  # piece 1 is for no symbol
    csi = CSI(h, no_eff / 10, torch.tensor(0.5), torch.tensor(7.0), run, no_eff)
    vector = csi_module.pack(csi)
    assert len(vector) == 1 + 3 * (1 + 2 + 3 * 2)
    first, back = csi_module.unpack_pieces(vector)
    np.testing.assert_array_equal(first, [0, 2, 5])
    assert float(back.noise_var) == 0.5 and float(back.snr) == 7.0
    for name in ("h", "err_var", "no_eff"):
        torch.testing.assert_close(getattr(back, name), getattr(csi, name)[[3, 0, 2]])
    expected = no_eff[run].T.numpy()
    np.testing.assert_array_equal(csi_module.expand_no_eff(vector, 6), expected)
    np.testing.assert_array_equal(core.expand_no_eff(vector, 6), expected)
    np.testing.assert_array_equal(csi_module.expand_no_eff(vector, 4), expected[:, :4])
    torch.testing.assert_close(csi_module.unpack(vector).h, h[3])
    vector[19] = far % 2**20 + 1j * (far // 2**20)
    assert csi_module.unpack_pieces(vector)[0][2] == far
    np.testing.assert_array_equal(core.expand_no_eff(vector, 9)[:, 5:], expected[:, [4] * 4])


def test_the_mean_noise_of_a_frame_is_harmonic_and_leaves_a_constant_alone():
    constant = torch.tensor([[0.1, 0.7], [math.inf, 0.0]])
    assert csi_module.mean_no_eff(constant) is constant
    varying = torch.tensor([[[1.0, 1.0, 3.0], [math.inf, 2.0, 2.0]]])
    expected = torch.tensor([[3 / (1 + 1 + 1 / 3), 3.0]])
    torch.testing.assert_close(csi_module.mean_no_eff(varying), expected)
    assert csi_module.symbol_no_eff(varying, 3) is varying
    each = csi_module.symbol_no_eff(constant, 3)
    torch.testing.assert_close(each, torch.stack([constant] * 3, -1))


@pytest.mark.parametrize(
    ("vector", "says"),
    [([], "M=0, K=0"), ([2 + 2j, 0, 0], "does not fit M=2, K=2"), ([0, 0], "M=0, K=0, 1 to 8")],
)
def test_unpack_refuses_vectors_of_another_layout(vector, says):
    with pytest.raises(ValueError, match=says):
        csi_module.unpack(np.array(vector, np.complex64))
