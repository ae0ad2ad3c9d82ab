# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""mimo_detector_cc and its mathematics, against naive references and specified degenerate input."""

import numpy as np
import pmt
import pytest
from gnuradio import semcom
from streams import (
    complex_normal,
    csi_tag,
    frame_tags,
    make_tag,
    pack,
    pack_pieces,
    run,
    running,
    unpack,
)

SIZES = [(m, k) for m in range(1, 9) for k in range(1, m + 1)]


def naive_detect(y, h, variance, method, noise_var):
    """(x, no_eff) by the definitions, in double precision."""
    y, h = y.astype(complex), h.astype(complex)
    k = h.shape[1]
    if method == "none":
        return y[:k], np.full(k, noise_var)
    if method == "zf":
        w = np.linalg.pinv(h)
        return w @ y, variance * np.sum(np.abs(w) ** 2, axis=1)
    g = np.linalg.inv(h.conj().T @ h + variance * np.eye(k)) @ h.conj().T
    d = np.diag(g @ h).real
    return g @ y / d[:, None], 1 / d - 1


def well_conditioned(rng, m, k):
    while True:
        h = complex_normal(rng, m, k)
        if np.linalg.cond(h) < 30:
            return h


@pytest.mark.parametrize("method", ["zf", "lmmse", "none"])
@pytest.mark.parametrize(("m", "k"), SIZES)
def test_every_size_follows_its_definition(m, k, method):
    rng = np.random.default_rng(10 * m + k)
    for count in (1, 7, 8, 9, 100):
        h, y = well_conditioned(rng, m, k), complex_normal(rng, m, count)
        err = rng.uniform(0, 0.1, k)
        x, packed = semcom.core.detect(y, pack(h, 0.2, err), method)
        expected, no_eff = naive_detect(y, h, 0.2 + err.sum(), method, 0.2)
        np.testing.assert_allclose(x, expected, atol=1e-4)
        csi = unpack(packed)
        np.testing.assert_allclose(csi.no_eff, no_eff, rtol=1e-4)
        np.testing.assert_array_equal(csi.h, h)


@pytest.mark.parametrize("method", ["zf", "lmmse"])
@pytest.mark.parametrize("m", [2, 4])
def test_no_eff_is_the_error_that_is_measured(m, method):
    rng = np.random.default_rng(3)
    h, noise_var, count = well_conditioned(rng, m, 2), 0.1, 200000
    sent = (rng.choice([-1, 1], (2, count)) + 1j * rng.choice([-1, 1], (2, count))) / 2**0.5
    y = h @ sent + noise_var**0.5 * complex_normal(rng, m, count)
    x, packed = semcom.core.detect(y, pack(h, noise_var), method)
    error = np.mean(np.abs(x - sent) ** 2, axis=1)
    np.testing.assert_allclose(error, unpack(packed).no_eff, rtol=0.02)
    assert np.max(np.abs(np.mean(x * sent.conj(), axis=1) - 1)) < 0.01


@pytest.mark.parametrize("method", ["zf", "lmmse"])
def test_many_frames_at_once_are_the_same(method):
    rng = np.random.default_rng(4)
    h = np.stack([well_conditioned(rng, 3, 2) for _ in range(20)])
    y = complex_normal(rng, 20, 3, 33)
    x, no_eff = semcom.core.detect_frames(y, h, 0.25, method)
    for f in range(20):
        one, packed = semcom.core.detect(y[f], pack(h[f], 0.25), method)
        np.testing.assert_array_equal(x[f], one)
        np.testing.assert_array_equal(no_eff[f], unpack(packed).no_eff.astype(np.float32))


def column_of(value):
    h = np.ones((3, 2), np.complex64)
    h[0, 1] = 2
    h[1, 0] = value
    return h


BAD_CSI = {
    "zero": pack(np.zeros((3, 2)), 0.1),
    "NaN": pack(column_of(np.nan), 0.1),
    "infinite": pack(column_of(np.inf), 0.1),
    "NaN variance": pack(column_of(1), np.nan),
    "infinite variance": pack(column_of(1), np.inf),
    "negative variance": pack(column_of(1), -1.0),
    "NaN error": pack(column_of(1), 0.1, np.nan),
}


@pytest.mark.parametrize("method", ["zf", "lmmse"])
@pytest.mark.parametrize("case", BAD_CSI)
def test_a_broken_channel_gives_zero_and_infinite_noise(case, method):
    x, packed = semcom.core.detect(np.ones((3, 50)), BAD_CSI[case], method)
    np.testing.assert_array_equal(x, 0)
    assert np.all(np.isinf(unpack(packed).no_eff))


def test_singular_is_a_condition_number_above_a_million():
    rng = np.random.default_rng(5)
    for m, k in [(2, 2), (3, 2), (8, 8)]:
        u, v = (
            np.linalg.qr(complex_normal(rng, m, k))[0],
            np.linalg.qr(complex_normal(rng, k, k))[0],
        )
        for smallest, regular in [(0.0, False), (1e-5, True)]:
            h = u @ np.diag([1.0] * (k - 1) + [smallest]) @ v
            _, packed = semcom.core.detect(np.ones((m, 3)), pack(h, 0.1), "zf")
            assert np.all(np.isfinite(unpack(packed).no_eff)) == regular
            _, packed = semcom.core.detect(np.ones((m, 3)), pack(h, 0.1), "lmmse")
            assert np.all(np.isfinite(unpack(packed).no_eff))
    rank_one = pack(np.ones((2, 2)), 0.0)
    for method in ("zf", "lmmse"):
        x, packed = semcom.core.detect(np.ones((2, 3)), rank_one, method)
        np.testing.assert_array_equal(x, 0)
        assert np.all(np.isinf(unpack(packed).no_eff))


def test_lmmse_loses_only_the_stream_that_is_not_heard():
    h = np.array([[1, 0, 2], [0.5, 0, -1], [1j, 0, 1]], np.complex64)
    for noise_var in (0.0, 0.1):
        x, packed = semcom.core.detect(np.ones((3, 5)), pack(h, noise_var), "lmmse")
        two, _ = semcom.core.detect(np.ones((3, 5)), pack(h[:, [0, 2]], noise_var), "lmmse")
        np.testing.assert_array_equal(np.isinf(unpack(packed).no_eff), [False, True, False])
        np.testing.assert_array_equal(x[1], 0)
        np.testing.assert_allclose(x[[0, 2]], two, atol=1e-6)


@pytest.mark.parametrize("method", ["zf", "lmmse"])
@pytest.mark.parametrize("gain_db", [-300, -120, 80, 300])
def test_the_receivers_gain_changes_nothing(gain_db, method):
    """Squares of such amplitudes leave the range of float32 or come near its ends."""
    gain, rng = 10 ** (gain_db / 20), np.random.default_rng(9)
    h, y = well_conditioned(rng, 3, 2), complex_normal(rng, 3, 20)
    for silent in (False, True):
        h[:, 1] *= not silent
        x, packed = semcom.core.detect(y, pack(h, 0.1), method)
        scaled_x, scaled = semcom.core.detect(gain * y, pack(gain * h, gain**2 * 0.1), method)
        np.testing.assert_allclose(scaled_x, x, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(unpack(scaled).no_eff, unpack(packed).no_eff, rtol=1e-4)


@pytest.mark.parametrize("method", ["zf", "lmmse"])
def test_a_channel_too_weak_for_float_weights_gives_zero_and_infinite_noise(method):
    x, packed = semcom.core.detect(np.full((2, 9), 1e-40), pack(1e-40 * np.eye(2), 0.0), method)
    np.testing.assert_array_equal(x, 0)
    assert np.all(np.isinf(unpack(packed).no_eff))


@pytest.mark.parametrize("method", ["zf", "lmmse", "none"])
@pytest.mark.parametrize("value", [np.nan, np.inf, complex(0, -np.inf)])
@pytest.mark.parametrize("count", [1, 8, 100])
def test_a_sample_that_is_not_finite_becomes_zero(count, value, method):
    rng = np.random.default_rng(6)
    h, y = well_conditioned(rng, 2, 2), complex_normal(rng, 2, count)
    clean, _ = semcom.core.detect(y, pack(h, 0.1), method)
    y[0, count // 2] = value
    x, _ = semcom.core.detect(y, pack(h, 0.1), method)
    hit = np.arange(count) == count // 2
    np.testing.assert_array_equal(x[:, ~hit], clean[:, ~hit])
    assert x[0, hit] == 0 and np.all(np.isfinite(x))


@pytest.mark.parametrize("method", ["zf", "lmmse"])
@pytest.mark.parametrize(
    "lengths",
    [[1], [1, 2, 3], [50000], [9000, 1, 20000], list(range(1, 150))],
    ids=["one", "tiny", "long", "mixed", "many"],
)
def test_frames_of_any_length(lengths, method):
    rng = np.random.default_rng(7)
    y = complex_normal(rng, 3, sum(lengths))
    starts = [int(s) for s in np.cumsum([0, *lengths[:-1]])]
    seqs = [3 * i for i in range(len(lengths))]
    channels, csi = {}, []
    for start, length in zip(starts, lengths, strict=True):
        pieces = {at: well_conditioned(rng, 3, 2) for at in sorted({0, length // 2})}
        channels |= {start + at: h for at, h in pieces.items()}
        csi.append(csi_tag(start, pack_pieces(pieces, 0.1)))
    tags = frame_tags(lengths, seqs)
    out = run(y, [tags + csi, tags, tags], semcom.mimo_detector_cc(3, 2, method), 2)
    assert out.errors == []
    expected = list(zip(starts, seqs, lengths, strict=True))
    assert [out.frames(port) for port in range(2)] == [expected] * 2
    assert out.csi(port=1) == []
    edges = [*sorted(channels), y.shape[1]]
    for (at, said), a, b in zip(out.csi(), edges, edges[1:], strict=False):
        x, no_eff = naive_detect(y[:, a:b], channels[a], 0.1, method, 0.1)
        assert at == a
        np.testing.assert_allclose(out.samples[:, a:b], x, atol=2e-4)
        np.testing.assert_allclose(said.no_eff, no_eff, rtol=1e-4)
    assert len(out.csi()) == len(channels) and out.count("csi") == len(lengths)


def test_without_detection_no_csi_is_needed():
    y = complex_normal(np.random.default_rng(8), 3, 100)
    out = run(y, frame_tags([40, 60]), semcom.mimo_detector_cc(3, 2, "none"), 2)
    assert out.errors == [] and out.csi() == []
    np.testing.assert_array_equal(out.samples, y[:2])


EYE = np.eye(2)
H = pack(EYE, 0.1)
ERRORS = {
    "no csi": (frame_tags([20]), "frame 0 has no csi tag"),
    "stale csi": ([*frame_tags([10, 10]), csi_tag(0, H)], "frame 1 has no csi tag"),
    "late csi": ([*frame_tags([20]), csi_tag(1, H)], "frame 0 has no csi tag"),
    "other size": ([*frame_tags([20]), csi_tag(0, pack(np.eye(3), 0.1))], "M=3, K=3"),
    "short csi": ([*frame_tags([20]), csi_tag(0, H[:-1])], "7 elements, but 1 + R 7 expected"),
    "no vector": ([*frame_tags([20]), make_tag(0, "csi", pmt.PMT_T)], "no complex vector"),
    "second csi": ([*frame_tags([20]), csi_tag(0, H), csi_tag(7, H)], "item 7 lies inside frame 0"),
    "disorder": (
        [*frame_tags([20]), csi_tag(0, pack_pieces({0: EYE, 8: EYE, 5: EYE}, 0.1))],
        "piece 2 begins at symbol 5, the one before at 8",
    ),
    "no frame": ([csi_tag(0, H)], "no frame"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_bad_tags_end_the_stream_with_one_error(case):
    tags, message = ERRORS[case]
    frames = [tag for tag in tags if pmt.symbol_to_string(tag.key) == "semcom_frame"]
    out = run(np.ones((2, 20)), [tags, frames], semcom.mimo_detector_cc(2, 2), 2)
    assert len(out.errors) == 1 and message in out.errors[0]


def test_streams_out_of_step_end_with_one_error():
    tags = [*frame_tags([20]), csi_tag(0, H)]
    out = run(np.ones((2, 20)), [tags, frame_tags([20], [7])], semcom.mimo_detector_cc(2, 2), 2)
    assert len(out.errors) == 1 and "streams out of step" in out.errors[0]
    assert semcom.take_errors() == []


def test_set_method_acts_on_a_running_flowgraph():
    block = semcom.mimo_detector_cc(1, 1, "none")
    tags = [*frame_tags([40]), csi_tag(0, pack(np.full((1, 1), 2.0), 0.1))]
    with running(block, tags) as sink:
        block.set_method("zf")
        with pytest.raises(ValueError, match="'mmse' is no detector"):
            block.set_method("mmse")
    x = np.array(sink.data())
    change = int(np.argmax(x == 0.5))
    assert change > 0 and change % 40 == 0
    assert np.all(x[:change] == 1) and np.all(x[change:] == 0.5)


def test_frames_that_no_estimator_touched_pass_until_the_first_csi():
    block = semcom.mimo_detector_cc(1, 1, "none")
    block.set_method("zf")
    tags = [*frame_tags([10] * 3), csi_tag(20, pack(np.full((1, 1), 2.0), 0.1))]
    out = run(np.ones((1, 30)), [tags], block, 1)
    assert out.errors == []
    np.testing.assert_array_equal(out.samples[0], np.repeat([1, 1, 0.5], 10))


@pytest.mark.parametrize("arguments", [(1, 2), (0, 0), (2, 0), (9, 2), (2, 2, "mmse")])
def test_bad_arguments_are_refused_in_one_line(arguments):
    with pytest.raises(ValueError, match="num_rx, num_tx|is no detector") as error:
        semcom.mimo_detector_cc(*arguments)
    assert "\n" not in str(error.value)
