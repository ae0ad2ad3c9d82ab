# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""ls_estimator_cc and its mathematics, against naive references and closed forms."""

import time

import numpy as np
import pmt
import pytest
from gnuradio import blocks, gr, semcom
from streams import (
    complex_normal,
    csi_tag,
    finish,
    frame_tags,
    make_tag,
    pack,
    pack_pieces,
    run,
    running,
    unpack,
)

METHODS = ["ls", "ls_min_residual", "lmmse"]


def orthogonal_rows(k: int, p: int) -> np.ndarray:
    """Rows of a DFT matrix, orthogonal if p >= k."""
    return np.exp(2j * np.pi * np.outer(np.arange(k), np.arange(p)) / p).astype(np.complex64)


def naive_fit(y, x):
    """(H, residual energy, gain of the noise into each column), from the normal equations."""
    y, x = y.astype(complex), x.astype(complex)
    gram_inverse = np.linalg.inv(x @ x.conj().T)
    h = y @ x.conj().T @ gram_inverse
    return h, np.sum(np.abs(y - h @ x) ** 2), np.diag(gram_inverse).real


def naive_estimate(y, x, method):
    """(H, noise_var, err_var, snr) by the definitions."""
    (m, p), k = y.shape, len(x)
    h, energy, gain = naive_fit(y, x)
    noise = energy / (m * (p - k)) if p > k else 0.0
    if method == "ls_min_residual":
        count = max(1, p // (2 * k))
        edges = [*(2 * k * s for s in range(count)), p]
        fits = [naive_fit(y[:, a:b], x[:, a:b]) for a, b in zip(edges, edges[1:], strict=False)]
        h, _, gain = min(fits, key=lambda fit: fit[1])
    err = noise * gain
    if method == "lmmse":
        power = max(np.mean(np.abs(h) ** 2) - np.mean(err), 0)
        if power == 0:
            return 0 * h, noise, 0 * err, 0.0
        loaded = np.linalg.inv(x @ x.conj().T + noise / power * np.eye(k))
        h, err = y @ x.conj().T @ loaded, noise * np.diag(loaded).real
    signal = max(np.mean(np.abs(h) ** 2) - np.mean(err), 0)
    return h, noise, err, signal / noise if noise else np.inf


def received(rng, m, rows, noise_var=0.1):
    h = complex_normal(rng, m, len(rows))
    return h, h @ rows + noise_var**0.5 * complex_normal(rng, m, rows.shape[1])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("m", "k", "p"), [(1, 1, 1), (1, 1, 5), (2, 2, 32), (3, 2, 11), (8, 8, 40)]
)
def test_estimates_follow_their_definition(m, k, p, method):
    rng = np.random.default_rng(m * 100 + k)
    # Random rows: a step of them is never singular and no symmetry hides a mistake.
    rows = complex_normal(rng, k, p)
    for _ in range(20):
        _, y = received(rng, m, rows)
        if p == k and method == "lmmse":
            continue
        h, noise, err, snr = naive_estimate(y, rows, method)
        csi = unpack(semcom.core.estimate(y, rows, method))
        np.testing.assert_allclose(csi.h, h, atol=2e-4)
        np.testing.assert_allclose(csi.noise_var, noise, rtol=1e-4, atol=1e-9)
        np.testing.assert_allclose(csi.err_var, err, rtol=1e-4, atol=1e-9)
        if p > k:
            np.testing.assert_allclose(csi.snr, snr, rtol=1e-3)
        np.testing.assert_array_equal(csi.no_eff, 0)


def test_error_variance_is_what_the_estimator_says():
    rng = np.random.default_rng(5)
    rows = orthogonal_rows(2, 16)
    squared, said, noise = [], [], []
    for _ in range(4000):
        h, y = received(rng, 2, rows, 0.2)
        csi = unpack(semcom.core.estimate(y, rows, "ls"))
        squared.append(np.abs(csi.h - h) ** 2)
        said.append(csi.err_var)
        noise.append(csi.noise_var)
    closed_form = 0.2 / 16
    assert np.mean(squared) == pytest.approx(closed_form, rel=0.05)
    assert np.mean(said) == pytest.approx(closed_form, rel=0.05)
    assert np.mean(noise) == pytest.approx(0.2, rel=0.05)


def test_measured_snr_is_within_a_tenth_of_a_decibel():
    rng = np.random.default_rng(6)
    rows = orthogonal_rows(2, 64)
    for snr_db in (-10, 0, 10, 20, 30):
        signal, noise = [], []
        for _ in range(6000):
            _, y = received(rng, 2, rows, 10 ** (-snr_db / 10))
            csi = unpack(semcom.core.estimate(y, rows, "ls"))
            signal.append(csi.snr * csi.noise_var)
            noise.append(csi.noise_var)
        measured = 10 * np.log10(np.mean(signal) / np.mean(noise))
        assert measured == pytest.approx(snr_db, abs=0.1)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_pilots_that_are_not_finite_say_nothing(method, value):
    rows = orthogonal_rows(2, 8)
    y = np.ones((2, 8), np.complex64)
    y[1, 3] = value
    csi = unpack(semcom.core.estimate(y, rows, method))
    np.testing.assert_array_equal(csi.h, 0)
    assert np.all(np.isinf(csi.err_var)) and np.isinf(csi.noise_var) and csi.snr == 0


@pytest.mark.parametrize("method", METHODS)
def test_silence_gives_a_zero_channel_and_no_nan(method):
    packed = semcom.core.estimate(np.zeros((2, 8)), orthogonal_rows(2, 8), method)
    csi = unpack(packed)
    np.testing.assert_array_equal(csi.h, 0)
    assert np.all(np.isfinite(packed.view(np.float32))) and csi.snr == 0


def frames_with_pilots(rng, m, rows, lengths, spacing):
    """Received frames: payload [M, sum], stream [M, ...], frame lengths, payload of each."""
    p = rows.shape[1]
    streams, payloads, totals = [], [], []
    for n in lengths:
        payload = complex_normal(rng, m, n)
        pieces, starts = [], range(0, n, spacing) if spacing else [0]
        for start in starts:
            pieces.append(complex_normal(rng, m, p))
            pieces.append(payload[:, start : start + spacing] if spacing else payload)
        if spacing:
            pieces.append(complex_normal(rng, m, p))
        frame = np.concatenate(pieces, axis=1)
        streams.append(frame)
        payloads.append(payload)
        totals.append(frame.shape[1])
    return np.concatenate(streams, axis=1), np.concatenate(payloads, axis=1), totals


@pytest.mark.parametrize("method", ["ls", "none"])
@pytest.mark.parametrize("spacing", [0, 1, 8, 20, 100])
@pytest.mark.parametrize(
    "lengths",
    [[1], [1, 1, 2, 3], [50000], [9000, 1, 20000], list(range(1, 120))],
    ids=["one", "tiny", "long", "mixed", "many"],
)
def test_payload_and_tags_come_out(lengths, spacing, method):
    rng = np.random.default_rng(7)
    rows = orthogonal_rows(2, 6)
    y, payload, totals = frames_with_pilots(rng, 3, rows, lengths, spacing)
    seqs = [5 * i for i in range(len(lengths))]
    out = run(y, frame_tags(totals, seqs), semcom.ls_estimator_cc(3, rows, method, spacing), 3)
    assert out.errors == []
    np.testing.assert_array_equal(out.samples, payload)
    starts = [int(s) for s in np.cumsum([0, *lengths[:-1]])]
    expected = list(zip(starts, seqs, lengths, strict=True))
    assert [out.frames(port) for port in range(3)] == [expected] * 3
    offsets = [offset for offset, _ in out.csi()]
    if method == "none":
        assert offsets == []
    else:
        assert set(starts) <= set(offsets) and len(set(offsets)) == len(offsets)
        assert out.count("csi") == len(lengths)


@pytest.mark.parametrize("interpolation", ["nearest", "linear"])
def test_interpolation_is_evaluated_at_the_centre_of_each_run(interpolation):
    rng = np.random.default_rng(8)
    rows, spacing, n = orthogonal_rows(2, 6), 20, 53
    p = rows.shape[1]
    y, _, totals = frames_with_pilots(rng, 2, rows, [n], spacing)
    out = run(
        y, frame_tags(totals), semcom.ls_estimator_cc(2, rows, "ls", spacing, interpolation), 2
    )
    pilots = [0, 26, 52, 52 + p + 13]
    fits = [naive_fit(y[:, a : a + p], rows) for a in pilots]
    noise = np.mean([energy for _, energy, _ in fits]) / (2 * (p - 2))
    csi, current = dict(out.csi()), None
    for block, start in enumerate(range(0, n, spacing)):
        for run_start in range(start, min(start + spacing, n), 8):
            current = csi.get(run_start, current)
            length = min(8, min(start + spacing, n) - run_start)
            centre = run_start + (block + 1) * p + (length - 1) / 2
            before, after = (pilots[b] + (p - 1) / 2 for b in (block, block + 1))
            w = (centre - before) / (after - before)
            gain = fits[0][2] * ((1 - w) ** 2 + w**2)
            if interpolation == "nearest":
                w, gain = float(w > 0.5), fits[0][2]
            h = (1 - w) * fits[block][0] + w * fits[block + 1][0]
            np.testing.assert_allclose(current.h, h, atol=1e-4)
            np.testing.assert_allclose(current.noise_var, noise, rtol=1e-4)
            np.testing.assert_allclose(current.err_var, noise * gain, rtol=1e-4)


@pytest.mark.parametrize("spacing", [0, 12])
def test_perfect_csi_moves_the_truth_to_the_payload(spacing):
    rng = np.random.default_rng(9)
    rows, lengths = orthogonal_rows(2, 10), [40, 30]
    y, payload, totals = frames_with_pilots(rng, 2, rows, lengths, spacing)
    starts, truths, vectors = [0, totals[0]], {}, []
    for start, total in zip(starts, totals, strict=True):
        pieces = {at: complex_normal(rng, 2, 2) for at in range(0, total, 8)}
        truths |= {start + at: h for at, h in pieces.items()}
        vectors.append(csi_tag(start, pack_pieces(pieces, 0.1), "csi_true"))
    tags = frame_tags(totals) + vectors
    block = semcom.ls_estimator_cc(2, rows, "perfect", spacing)
    out = run(y, [tags, frame_tags(totals)], block, 2)
    assert out.errors == [] and out.count("csi") == 2
    np.testing.assert_array_equal(out.samples, payload)
    valid, csi, said, index = None, dict(out.csi()), None, 0
    for start, total, n in zip(starts, totals, lengths, strict=True):
        for at, pilot in zip(range(start, start + total), pilot_mask(10, spacing, n), strict=True):
            valid = truths.get(at, valid)
            if not pilot:
                said = csi.get(index, said)
                np.testing.assert_array_equal(said.h, valid)
                index += 1


def pilot_mask(p: int, spacing: int, n: int) -> list[bool]:
    if spacing == 0:
        return [True] * p + [False] * n
    mask = [True] * p
    for start in range(0, n, spacing):
        mask += [False] * min(spacing, n - start) + [True] * p
    return mask


def test_set_method_acts_on_a_running_flowgraph():
    rows = orthogonal_rows(1, 4)
    block = semcom.ls_estimator_cc(1, rows, "none")
    with running(block, frame_tags([40])) as sink:
        block.set_method("ls")
        with pytest.raises(ValueError, match="method: 'best' is no estimator"):
            block.set_method("best")
    keys = [pmt.symbol_to_string(tag.key) for tag in sink.tags()]
    assert "csi" in keys and keys.count("csi") < keys.count("semcom_frame")
    first = next(tag.offset for tag in sink.tags() if pmt.symbol_to_string(tag.key) == "csi")
    assert first > 0 and first % 36 == 0


def test_csi_is_published_to_those_who_listen():
    rows = orthogonal_rows(2, 6)
    y, _, totals = frames_with_pilots(np.random.default_rng(10), 2, rows, [10, 20, 30], 0)
    block, store = semcom.ls_estimator_cc(2, rows), blocks.message_debug()
    top = gr.top_block()
    for port in range(2):
        source = blocks.vector_source_c(y[port], False, 1, frame_tags(totals, [4, 6, 9]))
        top.connect(source, (block, port), blocks.null_sink(gr.sizeof_gr_complex))
    top.msg_connect(block, "csi", store, "store")
    finish(top)
    deadline = time.monotonic() + 5
    while store.num_messages() < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    messages = [store.get_message(i) for i in range(store.num_messages())]
    assert [pmt.to_uint64(pmt.car(m)) for m in messages] == [4, 6, 9]
    first = unpack(pmt.c32vector_elements(pmt.cdr(messages[0])))
    np.testing.assert_allclose(first.h, naive_fit(y[:, :6], rows)[0], atol=1e-5)


ROWS = orthogonal_rows(2, 6)
STEP_ERRORS = {
    "seq": ([frame_tags([20]), frame_tags([20], [1])], "ls", 0, "streams out of step"),
    "missing": ([frame_tags([20]), []], "ls", 0, "streams out of step"),
    "shifted": (
        [frame_tags([20]), [make_tag(1, "semcom_frame", frame_tags([20])[0].value)]],
        "ls",
        0,
        "streams out of step",
    ),
    "no payload": (frame_tags([6]), "ls", 0, "pilot_inserter_cc"),
    "impossible": (frame_tags([20]), "ls", 5, "pilot_inserter_cc"),
    "no truth": (frame_tags([20]), "perfect", 0, "csi_true"),
    "no vector": (
        [[*frame_tags([20]), make_tag(0, "csi_true", pmt.PMT_T)], frame_tags([20])],
        "perfect",
        0,
        "csi_true: the tag at item 0 is no complex vector",
    ),
    "another truth": (
        [[*frame_tags([20]), csi_tag(0, pack(np.eye(3), 0.1), "csi_true")], frame_tags([20])],
        "perfect",
        0,
        "csi_true: the tag at item 0 is of M=3, K=3, but this block was made for M=2, K=2",
    ),
    "inside": (frame_tags([20])[:1] + frame_tags([15, 5])[1:], "ls", 0, "cut short"),
}


@pytest.mark.parametrize("case", STEP_ERRORS)
def test_bad_streams_end_with_one_error(case):
    tags, method, spacing, message = STEP_ERRORS[case]
    block = semcom.ls_estimator_cc(2, ROWS, method, spacing)
    out = run(np.ones((2, 20)), tags, block, 2)
    assert len(out.errors) == 1 and message in out.errors[0]


@pytest.mark.parametrize("spacing", [0, 4])
def test_a_frame_cut_short_by_the_end_does_not_hang(spacing):
    y, payload, totals = frames_with_pilots(np.random.default_rng(11), 2, ROWS, [8, 30], spacing)
    out = run(y[:, :-3], frame_tags(totals), semcom.ls_estimator_cc(2, ROWS, "ls", spacing), 2)
    assert out.errors == []
    np.testing.assert_array_equal(out.samples[:, :8], payload[:, :8])
    assert out.samples.shape[1] == (8 if spacing else 35)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, ROWS), "num_rx"),
        ((9, ROWS), "num_rx"),
        ((2, []), "pilots"),
        ((2, [[1, 2], [1]]), "row 1 has 1 symbols"),
        ((2, [[1, 1], [2, 2]]), "rank"),
        ((2, [[1], [1]]), "rank"),
        ((2, [[], []]), "rank"),
        ((2, [[0, 0]]), "rank"),
        ((2, [[np.inf, 0]]), "NaN or infinite"),
        ((2, ROWS, "best"), "'best' is no estimator"),
        ((2, ROWS, "ls", -1), "spacing"),
        ((2, ROWS, "ls", 8, "cubic"), "'cubic' is unknown"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        semcom.ls_estimator_cc(*arguments)
    assert "\n" not in str(error.value)
