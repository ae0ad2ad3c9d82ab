# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Channel coding against published values, closed forms, GNU Radio's decoder and naive NumPy."""

import math
import pickle

import numpy as np
import pytest
from gnuradio import blocks, fec, gr
from gnuradio.semcom import core
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.base.options import fields
from gnuradio.semcom.phy import names
from gnuradio.semcom.phy.coding import BlockCode
from parity import alist, dense
from streams import complex_normal, finish

from studies import error_rates

Z99 = 2.576  # of a normal, both sides
BITS = error_rates.BITS
DIGITS = np.frombuffer(b"123456789", np.uint8)


def bits_of(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, count, dtype=np.uint8)


def noisy(x: np.ndarray, n0: float, seed: int = 1) -> np.ndarray:
    return x + np.float32(math.sqrt(n0)) * complex_normal(np.random.default_rng(seed), len(x))


def constant(n0: float, count: int) -> np.ndarray:
    return np.full(count, n0, np.float32)


# --- parts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("width, check", [(16, 0x29B1), (24, 0xCDE703)])
def test_checks_are_the_published_ones(width, check):
    assert np.packbits(core.crc(np.unpackbits(DIGITS), width)).tobytes() == check.to_bytes(
        width // 8, "big"
    )


def test_the_check_of_802_3_goes_lowest_bit_first():
    bits = np.unpackbits(DIGITS, bitorder="little")
    found = np.packbits(core.crc(bits, 32), bitorder="little").tobytes()
    assert found == (0xCBF43926).to_bytes(4, "little")


@pytest.mark.parametrize("modulation", names.MODULATIONS)
@pytest.mark.parametrize("method", names.DEMAPPERS)
def test_ratios_are_those_of_all_points(modulation, method):
    rng, b = np.random.default_rng(2), BITS[modulation]
    labels = (np.arange(2**b)[:, None] >> np.arange(b - 1, -1, -1)).astype(np.uint8) & 1
    points = core.map_bits(labels.ravel(), modulation)
    y = complex_normal(rng, 501)
    noise = (10 ** rng.uniform(-2.5, 1.5, 501)).astype(np.float32)
    exponent = -(np.abs(y[:, None].astype(complex) - points) ** 2) / noise[:, None]
    total = np.logaddexp.reduce if method == "exact" else np.max
    expected = [
        total(exponent[:, labels[:, i] == 0], axis=1)
        - total(exponent[:, labels[:, i] == 1], axis=1)
        for i in range(b)
    ]
    found = core.demap(y, noise, modulation, method).reshape(-1, b)
    np.testing.assert_allclose(found, np.clip(expected, -1000, 1000).T, rtol=3e-5, atol=1e-4)


def test_16qam_is_mapped_as_802_11_does():
    """Table 17-16 of IEEE Std 802.11-2016: b0 b1 of I, b2 b3 of Q."""
    rail = {(0, 0): -3, (0, 1): -1, (1, 1): 1, (1, 0): 3}
    for i, real in rail.items():
        for q, imag in rail.items():
            symbol = core.map_bits(np.array([*i, *q], np.uint8), "16qam")[0]
            assert symbol * math.sqrt(10) == pytest.approx(real + 1j * imag, abs=1e-5)


def error_rate(modulation: str, snr_db: float, rayleigh: bool, count: int) -> float:
    """Share of bits that are decided wrong, of ``count`` bits."""
    b, n0 = BITS[modulation], 10 ** (-snr_db / 10)
    sent = bits_of(count // b * b, 3)
    x = core.map_bits(sent, modulation)
    h = complex_normal(np.random.default_rng(4), len(x)) if rayleigh else np.complex64(1)
    y = noisy(h * x, n0) / h
    noise = np.broadcast_to(n0 / np.abs(h) ** 2, len(x)).astype(np.float32)
    return np.mean((core.demap(y, noise, modulation) < 0) != sent)


@pytest.mark.parametrize("rayleigh", [False, True], ids=["awgn", "rayleigh"])
@pytest.mark.parametrize("modulation", names.MODULATIONS)
def test_uncoded_errors_are_those_of_the_closed_form(modulation, rayleigh):
    count = 480_000
    for snr_db in np.array([0.0, 6.0]) + 3 * BITS[modulation]:
        expected = error_rates.uncoded(modulation, snr_db - 3, rayleigh)
        found = error_rate(modulation, snr_db - 3, rayleigh, count)
        # bits of a symbol may fail together: as if there were half as many
        assert abs(found - expected) < Z99 * math.sqrt(2 * expected * (1 - expected) / count)


def test_closed_forms_are_textbook_values():
    assert error_rates.uncoded("bpsk", 9.6) == pytest.approx(1e-5, rel=0.05)
    assert error_rates.uncoded("qpsk", 9.6 + 3.0103) == pytest.approx(1e-5, rel=0.05)
    assert error_rates.uncoded("bpsk", 20.0, True) == pytest.approx(1 / 400, rel=0.02)
    capacity, _ = error_rates.binary_channel([-2.823, 0.188 - 3.0103, 30.0])
    np.testing.assert_allclose(capacity, [0.5, 0.5, 1.0], atol=2e-3)  # 0.187 dB at rate 1/2
    assert error_rates.normal_approximation(0.5, 1000, -2.5)[0] > 0.05


# --- the LDPC code --------------------------------------------------------------------------------


def through(block, values: np.ndarray, letter: str) -> np.ndarray:
    top, sink = gr.top_block(), blocks.vector_sink_b()
    top.connect(getattr(blocks, f"vector_source_{letter}")(values.ravel(), False), block, sink)
    finish(top)
    return np.array(sink.data(), np.uint8)


@pytest.mark.parametrize("rate", names.CODE_RATES)
@pytest.mark.parametrize("length", names.CODE_LENGTHS)
def test_encoded_words_fulfil_h(rate, length):
    code = core.LdpcCode(rate, length)
    bits = bits_of(20 * code.k).reshape(20, -1)
    words = code.encode(bits)
    np.testing.assert_array_equal(words[:, : code.k], bits)
    assert not (dense(code).astype(int) @ words.T % 2).any()


def test_words_are_decoded_as_by_gnu_radio(tmp_path):
    """gr-fec's own encoder, which takes other bits as the information, and its decoder, on the same
    H: its words are ours, and of 300 at 3 dB both lose much the same."""
    code, words = core.LdpcCode("3/4", 648), 300
    h = dense(code)
    path = tmp_path / "h.alist"
    path.write_text(alist(h))
    bits = bits_of(words * code.k).reshape(words, -1)
    encoder = fec.encoder(fec.ldpc_encoder_make(str(path)), 1, 1)
    sent = through(encoder, bits, "b").reshape(words, -1)
    assert not (h.astype(int) @ sent.T % 2).any()
    lost = {}
    for snr_db in (3.0, 4.5):  # Eb/N0
        variance = 1 / (2 * 0.75 * 10 ** (snr_db / 10))
        noise = np.random.default_rng(5).normal(size=sent.shape) * math.sqrt(variance)
        y = (2.0 * sent - 1 + noise).astype(np.float32)
        try:  # its bit 1 is +1, and its sigma the variance
            made, scale = fec.ldpc_decoder.make(str(path), variance, 50), 1.0
        except TypeError:  # of GNU Radio 3.10.12: takes log-likelihood ratios
            made, scale = fec.ldpc_decoder.make(str(path), 50), np.float32(2 / variance)
        theirs = through(fec.decoder(made, 4, 1), scale * y, "f").reshape(words, -1) != bits
        decisions, holds, _ = code.decode((-2 / variance) * y)
        ours = (decisions < 0) != sent
        np.testing.assert_array_equal(holds, ~ours.any(1))
        lost[snr_db] = theirs.any(1), ours.any(1)
    assert not any(each.any() for each in lost[4.5])
    theirs, ours = lost[3.0]
    assert ours.mean() < 0.07 and (theirs ^ ours).mean() < 0.03


def test_blocks_are_lost_as_rarely_as_is_known():
    """Rate 3/4, n = 648, QPSK at Eb/N0 = 3.0 dB: layered min-sum loses 0.036 of the blocks."""
    code, words = core.LdpcCode("3/4", 648), 6000
    sent = code.encode(bits_of(words * code.k, 7).reshape(words, -1))
    n0 = 1 / (2 * 0.75 * 10**0.3)
    x = core.map_bits(sent.ravel(), "qpsk")
    llrs = core.demap(noisy(x, n0), constant(n0, len(x)), "qpsk").reshape(words, -1)
    decisions, holds, iterations = code.decode(llrs)
    lost = ((decisions < 0) != sent).any(1)
    assert 0.02 < lost.mean() <= 0.05
    assert not (holds & lost).any() and iterations[lost].min() == 20
    # no code does better than this by much
    assert error_rates.normal_approximation(0.75, 648, 3.0 + 10 * math.log10(0.75))[0] < 0.01


# --- frames ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("modulation", names.MODULATIONS)
def test_a_frame_is_made_as_the_manual_says(modulation):
    """Block by block in naive NumPy: check, scrambler, LDPC code, shortening, repetition,
    interleaver, constellation."""
    code, ldpc = BlockCode(modulation, "2/3", 648, 24, 2), core.LdpcCode("2/3", 648)
    bits = bits_of(1000, 8)
    symbols = code.symbols(1000)
    count, size = code.payload(symbols)
    assert count == math.ceil(1000 / (432 - 24)) and count * size >= 1000
    filled = np.zeros(count * size, np.uint8)
    filled[:1000] = bits
    coded = []
    for n, payload in enumerate(filled.reshape(count, size)):
        plain = np.concatenate([payload, core.crc(payload, 24)])
        at = (n * len(plain) + np.arange(len(plain))) % 127
        word = np.zeros((1, ldpc.k), np.uint8)
        word[0, : len(plain)] = plain ^ core.scrambling()[at]
        encoded = ldpc.encode(word)[0]
        coded += [encoded[: len(plain)], encoded[ldpc.k :]]
    coded = np.concatenate(coded)
    on_air = np.empty(symbols * BITS[modulation], np.uint8)
    on_air[core.interleaver(len(on_air))] = np.resize(coded, len(on_air))
    np.testing.assert_array_equal(code.encode(bits), core.map_bits(on_air, modulation))


@pytest.mark.parametrize("modulation", names.MODULATIONS)
@pytest.mark.parametrize("method", names.DEMAPPERS)
def test_odd_lengths_pass_noise_with_some_symbols_lost(modulation, method):
    code = BlockCode(modulation, "1/2", 648, 16, method=method)
    n0 = 10 ** (-(2.5 * BITS[modulation] + 2) / 10)
    for count in (1, 3, 307, 309, 1001, 4999):
        bits = bits_of(count, count)
        x = code.encode(bits)
        assert x.dtype == np.complex64 and len(x) == code.symbols(count)
        noise = constant(n0, len(x))
        noise[:: 23 if count > 300 else 50] = np.inf
        y = noisy(x, n0)
        y[1] = np.nan
        found, good = code.decode(y, noise)
        assert found.shape == code.payload(len(x)) and found.size >= count
        assert good.all() and good.dtype == bool and found.dtype == np.uint8
        np.testing.assert_array_equal(found.ravel()[:count], bits)
        assert not found.ravel()[count:].any()


def test_symbols_have_unit_power():
    for modulation in names.MODULATIONS:
        x = BlockCode(modulation).encode(np.zeros(20000, np.uint8))
        assert np.mean(np.abs(x) ** 2) == pytest.approx(1, abs=0.02)


def test_what_was_not_heard_is_no_block():
    code = BlockCode("16qam", crc=24)
    x = code.encode(np.ones(1000, np.uint8))
    for y, noise in (
        (x, constant(np.inf, len(x))),
        (x, constant(np.nan, len(x))),
        (np.full_like(x, np.nan), constant(0.1, len(x))),
    ):
        bits, good = code.decode(y, noise)
        assert not good.any() and not bits.any()
    # a carrier, and silence, are no frame either
    for y in (np.ones_like(x), np.zeros_like(x)):
        assert not code.decode(y, constant(0.1, len(x)))[1].any()
    assert code.decode(x, constant(0.0, len(x)))[1].all()


def test_a_fade_hits_all_blocks_alike():
    """A tenth of a frame in the middle is lost: without the interleaver whole blocks would be."""
    code = BlockCode("qpsk", "3/4")
    bits = bits_of(10 * 470)
    x = code.encode(bits)
    noise = constant(1e-3, len(x))
    noise[len(x) // 2 :][: len(x) // 10] = np.inf
    found, good = code.decode(x, noise)
    assert len(good) == 10 and good.all()
    np.testing.assert_array_equal(found.ravel()[: len(bits)], bits)


def test_the_most_that_fits_a_budget():
    for code in (BlockCode(), BlockCode("64qam", "1/2", 1296, 32, 4), BlockCode("bpsk", "5/6")):
        for budget in (0, 5, 50, 90, 100, 324, 325, 700, 5000):
            most = code.largest(budget)
            assert most == 0 or code.symbols(most) <= budget
            assert code.symbols(most + 1) > budget


@pytest.mark.parametrize(
    "use, said",
    [
        (lambda code: code.decode(np.zeros(10), np.ones(10)), "symbols: 10"),
        (lambda code: code.decode(np.zeros(90), np.ones(91)), "same length"),
        (lambda code: code.encode(np.array([0, 2])), "0 and 1 expected"),
        (lambda code: code.encode(np.zeros(0, np.uint8)), "1 or more expected"),
        (lambda code: code.symbols(0), "payload bits"),
        (lambda code: BlockCode("8psk"), "bpsk, qpsk, 16qam, 64qam or 256qam expected"),
        (lambda code: BlockCode(rate="0.75"), "1/2, 2/3, 3/4 or 5/6 expected"),
        (lambda code: BlockCode(length=640), "648, 1296 or 1944"),
        (lambda code: BlockCode(crc=8), "16, 24 or 32"),
        (lambda code: BlockCode(repetition=3), "1, 2, 4 or 8"),
        (lambda code: BlockCode(method="hard"), "exact or max_log expected"),
        (lambda code: BlockCode(iterations=0), "iterations"),
        (lambda code: BlockCode(length="long"), "block code"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_line(use, said):
    with pytest.raises(SemcomError, match=said) as told:
        use(BlockCode())
    assert "\n" not in str(told.value)


def test_names_are_those_of_what_there_is():
    for name, item in fields(BlockCode).items():
        for choice in item.metadata.get("choices", ()):
            code = BlockCode(**{name: choice})
            assert pickle.loads(pickle.dumps(code)) == code
