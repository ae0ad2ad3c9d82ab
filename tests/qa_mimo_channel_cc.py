# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""mimo_channel_cc and its mathematics, against its definition and its closed forms."""

import time

import numpy as np
import pytest
from gnuradio import blocks, gr, semcom
from streams import complex_normal, finish, frame_tags, run, running, unpack, unpack_pieces

core = semcom.core
MODELS = ["awgn", "rayleigh", "rician", "rician_rank1"]
FADING, LINE_OF_SIGHT, CARRIER, DOPPLER = 0x100, 0x101, 0x102, 0x103


def draws(model, m, k, frames, **settings):
    """H [frames, M, K] of many frames, with the receiver's phase and gain."""
    x = np.zeros((k, 1))
    return np.array(
        [
            unpack(core.mimo_channel(x, num_rx=m, model=model, frame=f, **settings)[1]).h
            for f in range(frames)
        ]
    )


def naive_channel(x, m, model, frame, snr_db, rician_k, gain_db, seed, link):
    """Y and the effective H from the random numbers, by the definition."""
    k, length = x.shape
    name = {"seed": seed, "frame": frame, "link": link}
    turns = core.uniform(**name, purpose=CARRIER, count=1)[0]
    receiver = 10 ** (gain_db / 20) * np.exp(2j * np.pi * turns)
    scatter = core.complex_normal(**name, purpose=FADING, count=m * k).reshape(m, k)
    phi = 2 * np.pi * core.uniform(**name, purpose=LINE_OF_SIGHT, count=m * k).reshape(m, k)
    if model == "rician_rank1":
        phi = np.full((m, k), phi[0, 0])
    sight = np.sqrt(rician_k / (rician_k + 1)) * np.exp(1j * phi)
    h = {"awgn": np.eye(m, k), "rayleigh": scatter}.get(
        model, sight + scatter / np.sqrt(rician_k + 1)
    )
    noise = [core.complex_normal(**name, purpose=antenna, count=length) for antenna in range(m)]
    y = receiver * (h @ x + 10 ** (-snr_db / 20) * np.array(noise))
    return y, receiver * h


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("k", "m"), [(1, 1), (2, 2), (2, 3), (8, 8)])
def test_frames_follow_their_definition(k, m, model):
    x = complex_normal(np.random.default_rng(0), k, 1111)
    settings = {"snr_db": 7.0, "rician_k": 3.0, "gain_db": 2.0, "seed": 2**40 + 5, "link": 9}
    for frame in (0, 1, 2**33):
        y, truth = core.mimo_channel(x, num_rx=m, model=model, frame=frame, **settings)
        expected, h = naive_channel(x, m, model, frame, *settings.values())
        np.testing.assert_allclose(y, expected, atol=2e-5)
        csi = unpack(truth)
        np.testing.assert_allclose(csi.h, h, atol=1e-6)
        noise_var = 10 ** (0.2 - 0.7)
        assert csi.noise_var == pytest.approx(noise_var, rel=1e-6)
        assert csi.snr == pytest.approx(np.mean(np.abs(h) ** 2) / noise_var, rel=1e-5)
        assert not np.any(csi.err_var) and not np.any(csi.no_eff)


@pytest.mark.parametrize("model", [*MODELS, "none"])
@pytest.mark.parametrize(
    "lengths",
    [[1], [1, 2, 3], [50000], [9000, 1, 20000], list(range(1, 150))],
    ids=["one", "tiny", "long", "mixed", "many"],
)
@pytest.mark.parametrize("doppler", [0.0, 1e-3])
def test_the_block_is_its_mathematics_for_frames_of_any_length(lengths, model, doppler):
    x = complex_normal(np.random.default_rng(1), 2, sum(lengths))
    seqs = [7 * i for i in range(len(lengths))]
    block = semcom.mimo_channel_cc(2, 2, model, 10, doppler=doppler, seed=4, link=2)
    out = run(x, frame_tags(lengths, seqs), block, 2)
    starts = [int(s) for s in np.cumsum([0, *lengths[:-1]])]
    assert out.errors == []
    assert [out.frames(port) for port in range(2)] == [
        list(zip(starts, seqs, lengths, strict=True))
    ] * 2
    truths = iter(out.csi("csi_true"))
    for start, seq, length in zip(starts, seqs, lengths, strict=True):
        part = slice(start, start + length)
        y, packed = core.mimo_channel(
            x[:, part], num_rx=2, model=model, doppler=doppler, seed=4, link=2, frame=seq
        )
        np.testing.assert_array_equal(out.samples[:, part], y)
        for run_number, (first, state) in enumerate(unpack_pieces(packed)):
            offset, said = next(truths)
            assert offset == start + first and first == 8 * run_number
            np.testing.assert_array_equal(said.h, state.h)
    assert next(truths, None) is None
    assert out.count("csi_true") == len(lengths)


def test_no_channel_is_no_channel():
    x = complex_normal(np.random.default_rng(2), 3, 100)
    y, packed = core.mimo_channel(x, num_rx=3, model="none", snr_db=-20, gain_db=30)
    np.testing.assert_array_equal(y, x)
    csi = unpack(packed)
    np.testing.assert_array_equal(csi.h, np.eye(3))
    assert csi.noise_var == 0 and np.isinf(csi.snr)


def test_noise_has_the_variance_the_snr_says():
    x = np.zeros((2, 200000))
    for snr_db in (-10.0, 0.0, 20.0):
        y, _ = core.mimo_channel(x, num_rx=2, model="rayleigh", snr_db=snr_db, gain_db=3.0)
        measured = 10 * np.log10(np.mean(np.abs(y) ** 2, axis=1))
        np.testing.assert_allclose(measured, 3.0 - snr_db, atol=0.1)
        assert abs(np.mean(y[0] * y[1].conj())) < 0.01 * np.mean(np.abs(y) ** 2)


def test_rayleigh_moments():
    h = draws("rayleigh", 2, 2, 20000, snr_db=100).reshape(-1, 4)
    np.testing.assert_allclose(np.mean(np.abs(h) ** 2, axis=0), 1, atol=0.03)
    np.testing.assert_allclose(np.mean(np.abs(h) ** 4, axis=0), 2, atol=0.15)
    correlation = h.conj().T @ h / len(h)
    assert np.max(np.abs(correlation - np.diag(np.diag(correlation)))) < 0.03


@pytest.mark.parametrize("model", ["rician", "rician_rank1"])
def test_rician_moments(model):
    """|h|^2 has mean 1 and, with factor K, variance (1 + 2K) / (1 + K)^2."""
    h = draws(model, 2, 2, 20000, rician_k=4.0).reshape(-1, 4)
    np.testing.assert_allclose(np.mean(np.abs(h) ** 2, axis=0), 1, atol=0.02)
    np.testing.assert_allclose(np.var(np.abs(h) ** 2, axis=0), 9 / 25, atol=0.02)
    # E[h_a h_b*] is the line of sight's power if all entries share a phase, else 0.
    correlation = np.abs(np.mean(h[:, 0] * h[:, 1:].T.conj(), axis=1))
    np.testing.assert_allclose(correlation, 0.8 if model == "rician_rank1" else 0.0, atol=0.03)
    # The mean power of the line of sight is K / (K + 1): all but the scatter's.
    large = draws(model, 2, 2, 2000, rician_k=1e6)
    np.testing.assert_allclose(np.abs(large), 1, atol=1e-2)


def test_the_receivers_phase_is_uniform_and_new_in_each_frame():
    phase = np.angle(draws("awgn", 1, 1, 8000)[:, 0, 0])
    for order in (1, 2, 3):
        assert abs(np.mean(np.exp(1j * order * phase))) < 0.04


def bessel_j0(x: np.ndarray) -> np.ndarray:
    """J0(x), the mean of cos(x cos t) over a turn."""
    turn = 2 * np.pi * np.arange(512) / 512
    return np.mean(np.cos(np.outer(x, np.cos(turn))), axis=1)


def test_doppler_follows_jakes_spectrum():
    doppler, seeds, length = 0.005, 400, 800
    scatter = []
    for seed in range(seeds):
        _, packed = core.mimo_channel(
            np.zeros((1, length)), num_rx=1, model="rayleigh", doppler=doppler, seed=seed, frame=3
        )
        scatter.append([state.h[0, 0] for _, state in unpack_pieces(packed)])
    h = np.array(scatter)
    lags = np.arange(0, 50)
    measured = [np.mean(h[:, : h.shape[1] - lag].conj() * h[:, lag:]) for lag in lags]
    np.testing.assert_allclose(measured, bessel_j0(2 * np.pi * doppler * 8 * lags), atol=0.12)
    assert np.mean(np.abs(h) ** 2) == pytest.approx(1, abs=0.05)


def test_doppler_is_continuous_from_frame_to_frame():
    settings = {"num_rx": 1, "model": "rayleigh", "doppler": 1e-4, "seed": 1}
    h, phase = [], []
    for frame in range(4):
        _, packed = core.mimo_channel(np.zeros((1, 80)), frame=frame, **settings)
        turns = core.uniform(1, frame, 0, CARRIER, 1)[0]
        states = [state.h[0, 0] for _, state in unpack_pieces(packed)]
        h.append(np.array(states) * np.exp(-2j * np.pi * turns))
        phase.append(turns)
    steps = np.abs(np.diff(np.concatenate(h)))
    assert np.max(steps) < 4 * 2 * np.pi * 1e-4 * 8


def test_equal_names_give_equal_numbers_and_others_do_not():
    x = np.zeros((2, 64))

    def noise(**name):
        return core.mimo_channel(x, num_rx=2, model="awgn", **name)[0]

    base = {"seed": 1, "link": 2, "frame": 3}
    np.testing.assert_array_equal(noise(**base), noise(**base))
    for other in ({"seed": 2**32 + 1}, {"link": 3}, {"frame": 2**32 + 3}):
        assert not np.any(noise(**base) == noise(**{**base, **other}))


def qpsk_error_rates(snr_db: float, frames: int, symbols: int) -> np.ndarray:
    """Bit error rate of each frame, through the scheduler with perfect CSI and zero forcing."""
    rng = np.random.default_rng(1)
    bits = rng.integers(0, 2, (2, 2, frames * symbols))
    x = ((1 - 2 * bits[0]) + 1j * (1 - 2 * bits[1])) / 2**0.5
    rows = np.array([[1, 1], [1, -1]], np.complex64)
    # An inserter for each stream in its own flowgraph keeps `run` a row of blocks.
    sent = [
        run([x[k]], [], semcom.pilot_inserter_cc(rows[k], 0, symbols), 1).samples[0]
        for k in range(2)
    ]
    chain = [
        semcom.mimo_channel_cc(2, 2, "rayleigh", snr_db, seed=11),
        semcom.ls_estimator_cc(2, rows, "perfect"),
        semcom.mimo_detector_cc(2, 2, "zf"),
    ]
    out = run(sent, frame_tags([symbols + 2] * frames), chain, 2)
    assert out.errors == [] and out.samples.shape == x.shape
    wrong = ((out.samples.real < 0) != bits[0]).astype(float)
    wrong += (out.samples.imag < 0) != bits[1]
    return wrong.reshape(2, frames, symbols).mean(axis=(0, 2)) / 2


@pytest.mark.parametrize("snr_db", [0, 10, 20, 30])
def test_qpsk_error_rate_of_zero_forcing_is_the_closed_form(snr_db):
    """A 2x2 Rayleigh stream after zero forcing has an exponential SNR, like one antenna alone."""
    rates = qpsk_error_rates(snr_db, frames=20000, symbols=20)
    per_bit = 10 ** (snr_db / 10) / 2
    closed_form = 0.5 * (1 - np.sqrt(per_bit / (1 + per_bit)))
    # Errors of one frame share a channel, so frames are what is counted.
    interval = 2.576 * np.std(rates) / np.sqrt(len(rates))
    assert np.mean(rates) == pytest.approx(closed_form, abs=interval)


def test_settings_change_from_the_next_frame_on():
    block = semcom.mimo_channel_cc(1, 1, "none")
    with running(block, frame_tags([40])) as sink:
        for wrong in (
            lambda: block.set_model("fog"),
            lambda: block.set_snr_db(float("nan")),
            lambda: block.set_rician_k(-1),
            lambda: block.set_doppler(-1),
            lambda: block.set_gain_db(float("inf")),
        ):
            with pytest.raises(ValueError, match="model|snr_db|rician_k|doppler|gain_db"):
                wrong()
        block.set_snr_db(200)
        block.set_gain_db(6)
        block.set_rician_k(1)
        block.set_doppler(0)
        block.set_model("awgn")
    size = np.abs(sink.data())
    change = int(np.argmax(size > 1.5))
    assert change > 0 and change % 40 == 0
    np.testing.assert_allclose(size[:change], 1)
    np.testing.assert_allclose(size[change:], 10 ** (6 / 20), rtol=1e-5)


def test_the_channel_is_published_to_those_who_listen():
    block, store = semcom.mimo_channel_cc(1, 1), blocks.message_debug()
    top = gr.top_block()
    source = blocks.vector_source_c(np.ones(30), False, 1, frame_tags([10, 20], [4, 9]))
    top.connect(source, block, blocks.null_sink(gr.sizeof_gr_complex))
    top.msg_connect(block, "channel", store, "store")
    finish(top)
    deadline = time.monotonic() + 5
    while store.num_messages() < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert store.num_messages() == 2


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ([frame_tags([20]), frame_tags([20], [1])], "streams out of step"),
        ([frame_tags([20]), []], "streams out of step"),
        ([frame_tags([10]), frame_tags([10])], "no frame"),
        ([[], []], "no frame"),
    ],
)
def test_bad_streams_end_with_one_error(tags, message):
    out = run(np.ones((2, 20)), tags, semcom.mimo_channel_cc(2, 2), 2)
    assert len(out.errors) == 1 and message in out.errors[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_tx": 0, "num_rx": 1}, "num_tx"),
        ({"num_tx": 1, "num_rx": 9}, "num_rx"),
        ({"num_tx": 1, "num_rx": 1, "model": "fog"}, "'fog' is no channel"),
        ({"num_tx": 1, "num_rx": 2, "model": "none"}, "use awgn"),
        ({"num_tx": 1, "num_rx": 1, "snr_db": float("nan")}, "snr_db"),
        ({"num_tx": 1, "num_rx": 1, "rician_k": -1}, "rician_k"),
        ({"num_tx": 1, "num_rx": 1, "doppler": -1}, "doppler"),
        ({"num_tx": 1, "num_rx": 1, "gain_db": float("nan")}, "gain_db"),
        ({"num_tx": 1, "num_rx": 1, "link": 65536}, "link"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        semcom.mimo_channel_cc(**arguments)
    assert "\n" not in str(error.value)
