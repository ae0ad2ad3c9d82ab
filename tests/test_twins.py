# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The maths that exists twice, in C++ to run and in Torch to train, gives the same numbers."""

import numpy as np
import pytest
import torch
from gnuradio.semcom import core
from gnuradio.semcom.phy import csi as packing
from gnuradio.semcom.phy import detection, estimation, framing, pilots, random
from gnuradio.semcom.phy.channel import MODELS, mimo_channel

FRAMES = 200
TOLERANCE = 1e-5
SIZES = [(1, 1), (2, 1), (2, 2), (3, 2), (4, 4), (8, 8)]


def close(ours, theirs, tolerance=TOLERANCE):
    """Relative to the norm of the whole answer: single entries may be near zero."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape
    assert np.linalg.norm(ours - theirs) <= tolerance * max(np.linalg.norm(theirs), 1e-30)


def normal(seed, *shape):
    """Complex normal numbers, complex64."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    return (z / np.sqrt(2)).astype(np.complex64)


@pytest.mark.parametrize(("seed", "link", "frame"), [(0, 0, 0), (2**40 + 5, 3, 2**35 + 1)])
def test_random_numbers(seed, link, frame):
    frames = torch.tensor([frame])
    for purpose in (0, 5, 0x100):
        stream = dict(seed=seed, link=link, frame=frames, purpose=purpose)
        normals, uniform = random.complex_normal(33, **stream), random.uniform(33, **stream)
        close(core.complex_normal(seed, frame, link, purpose, 33), normals[0], 1e-6)
        np.testing.assert_array_equal(core.uniform(seed, frame, link, purpose, 33), uniform[0])


@pytest.mark.parametrize("doppler", [0.0, 1e-3])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("frame", [0, 7, 2**33])
def test_channel(model, doppler, frame):
    x = normal(1, 2, 701)
    settings = dict(model=model, rician_k=3.0, doppler=doppler, gain_db=-4.0, seed=11, link=1)
    y, truth = core.mimo_channel(x, num_rx=2, snr_db=4.0, frame=frame, **settings)
    theirs, state = mimo_channel(
        torch.from_numpy(x)[None],
        snr_db=torch.tensor([4.0]),
        frame=torch.tensor([frame]),
        num_rx=2,
        **settings,
    )
    # Jakes phases 2 pi fd t: at t = 2^33 * 701 double precision itself leaves 1e-4
    tolerance = 1e-3 if doppler and frame > 7 else TOLERANCE
    close(y, theirs[0], tolerance)
    first = packing.unpack(truth)
    h = state.h[0] if state.h.dim() == 3 else state.h[0, 0]
    close(first.h, h, tolerance)
    close(first.noise_var, state.noise_var[0])


@pytest.mark.parametrize("method", list(estimation.METHODS))
@pytest.mark.parametrize(("m", "k"), SIZES)
def test_estimators(method, m, k):
    rows = pilots.hadamard(k, 16 * k if k < 3 else 32)
    y = (normal(2, FRAMES, m, k) @ rows + 0.5 * normal(3, FRAMES, m, rows.shape[1])).astype("c8")
    state = estimation.METHODS[method](torch.from_numpy(y), rows)
    for i in range(FRAMES):
        ours = packing.unpack(core.estimate(y[i], rows, method))
        for name in ("h", "err_var", "noise_var", "snr"):
            close(getattr(ours, name), getattr(state, name)[i])


@pytest.mark.parametrize("interpolation", ["nearest", "linear"])
@pytest.mark.parametrize("payload", [1, 40, 131])
def test_interpolated_estimates(interpolation, payload):
    rows, spacing = pilots.zadoff_chu(2, 8), 40
    sent = framing.insert_pilots(
        torch.from_numpy(normal(4, 1, 2, payload)), torch.from_numpy(rows), spacing
    )
    y = normal(5, 3, 2) @ sent[0].numpy() + 0.1 * normal(6, 3, sent.shape[-1])
    y = y.astype(np.complex64)
    received, _ = framing.strip_pilots(torch.from_numpy(y)[None], rows.shape[1], spacing)
    state = estimation.interpolate(
        estimation.ls(received, rows), payload, rows.shape[1], spacing, interpolation
    )
    starts, ours = packing.unpack_pieces(core.estimate_frame(y, rows, "ls", spacing, interpolation))
    for i, start in enumerate(starts):
        close(ours.h[i], state.h[0, state.run[start]])
        close(ours.err_var[i], state.err_var[0, state.run[start]])
    changes = [0, *(np.flatnonzero(np.diff(state.run.numpy())) + 1)]
    h = [state.h[0, state.run[start]] for start in changes]
    kept = [s for i, s in enumerate(changes) if i == 0 or not torch.equal(h[i], h[i - 1])]
    assert set(kept) <= set(starts) <= set(changes)


@pytest.mark.parametrize("method", ["zf", "lmmse"])
@pytest.mark.parametrize("kind", ["nearest", "linear", "perfect"])
@pytest.mark.parametrize(("m", "k"), [(2, 1), (2, 2), (4, 3)])
def test_detectors_of_moving_channels(m, k, kind, method):
    """Symbols and the noise of each, of spaced pilots or the truth under Doppler."""
    rows, spacing, payload = pilots.zadoff_chu(k, 8), 40, 131
    sent = framing.insert_pilots(
        torch.from_numpy(normal(11, 1, k, payload)), torch.from_numpy(rows), spacing
    )
    settings = dict(model="rayleigh", snr_db=12.0, num_rx=m, seed=5, doppler=4e-3)
    y, packed = core.mimo_channel(sent[0].numpy(), frame=3, **settings)
    _, truth = mimo_channel(sent, frame=torch.tensor([3]), **settings)
    received, heard = framing.strip_pilots(torch.from_numpy(y)[None], rows.shape[1], spacing)
    if kind == "perfect":
        state = framing.at_payload(truth, payload, rows.shape[1], spacing)
        close(packing.unpack_pieces(packed)[1].h, truth.h[0])
        packed = packing.pack(packing.CSI(*(v[0] for v in fields(state)), state.run))
    else:
        blocks = estimation.ls(received, rows)
        state = estimation.interpolate(blocks, payload, rows.shape[1], spacing, kind)
        packed = core.estimate_frame(y, rows, "ls", spacing, kind)
    x, no_eff = detection.METHODS[method](heard, state)
    ours, packed = core.detect(heard[0].numpy(), packed, method)
    assert no_eff.shape == (1, k, payload) and float(no_eff.std(-1).min()) > 0
    close(ours, x[0])
    close(core.expand_no_eff(packed, payload), no_eff[0])
    close(packing.expand_no_eff(packed, payload), no_eff[0])


def fields(state):
    return state.h, state.err_var, state.noise_var, state.snr


@pytest.mark.parametrize("method", ["zf", "lmmse", "none"])
@pytest.mark.parametrize(("m", "k"), SIZES)
def test_detectors(method, m, k):
    h = normal(7, 4 * FRAMES, m, k)
    h = h[np.linalg.cond(h) < 100][:FRAMES]
    y = normal(8, len(h), m, 50)
    noise = torch.full((len(h),), 0.2)
    err = torch.full((len(h), k), 0.03)
    state = packing.CSI(torch.from_numpy(h), err, noise, noise)
    x, no_eff = detection.METHODS[method](torch.from_numpy(y), state)
    for i in range(len(h)):
        one = packing.CSI(state.h[i], err[i], noise[i], noise[i])
        ours, vector = core.detect(y[i], packing.pack(one), method)
        close(ours, x[i])
        close(packing.unpack(vector).no_eff, no_eff[i])


DEGENERATE = {
    "zero": np.zeros((2, 2)),
    "rank one": np.ones((2, 2)),
    "NaN": np.array([[1, np.nan], [0, 1]]),
    "infinite": np.array([[1, np.inf], [0, 1]]),
}


@pytest.mark.parametrize("method", ["zf", "lmmse"])
@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_channels_have_the_same_answer(method, name):
    h = torch.from_numpy(DEGENERATE[name].astype(np.complex64))
    noise, err = torch.tensor(0.0), torch.zeros(2)
    y = normal(9, 2, 5)
    state = packing.CSI(h[None], err[None], noise[None], noise[None])
    x, no_eff = detection.METHODS[method](torch.from_numpy(y)[None], state)
    ours, vector = core.detect(y, packing.pack(packing.CSI(h, err, noise, noise)), method)
    assert not x.any() and not ours.any()
    assert torch.isinf(no_eff).all() and torch.isinf(packing.unpack(vector).no_eff).all()


@pytest.mark.parametrize("method", list(estimation.METHODS))
def test_nan_pilots_have_the_same_answer(method):
    rows = pilots.hadamard(2, 8)
    y = normal(10, 2, 8)
    y[0, 3] = np.nan
    ours = packing.unpack(core.estimate(y, rows, method))
    theirs = estimation.METHODS[method](torch.from_numpy(y)[None], rows)
    for state, pick in ((ours, lambda v: v), (theirs, lambda v: v[0])):
        assert not pick(state.h).any() and pick(state.snr) == 0
        assert torch.isinf(pick(state.noise_var)) and torch.isinf(pick(state.err_var)).all()
