# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Bursts and their synchronisation (``semcom.core``) beside NumPy and SciPy of their own."""

import numpy as np
import pytest
from gnuradio.semcom import core
from header_code import naive_code
from scipy import optimize, signal, special

SPS, SPAN, ROLL_OFF = 4, 6, 0.35
PULSE = core.PulseShape(SPS, SPAN, ROLL_OFF)


def complex_normal(rng, *shape):
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)) / np.sqrt(2)


def qpsk(rng, count):
    return ((rng.integers(0, 2, (count, 2)) * 2 - 1) @ [1, 1j]) / np.sqrt(2)


def naive_pulse(t):
    """The root raised cosine as the inverse transform of its spectrum, by quadrature."""
    f = (np.arange(4000) + 0.5) / 4000 * (1 + ROLL_OFF) / 2
    ramp = np.clip((f - (1 - ROLL_OFF) / 2) / ROLL_OFF, 0, 1)
    amplitude = np.cos(np.pi / 2 * ramp)
    return 2 * (f[1] - f[0]) * np.cos(2 * np.pi * np.multiply.outer(t, f)) @ amplitude


def naive_taps():
    taps = naive_pulse(np.arange(-SPAN * SPS, SPAN * SPS + 1) / SPS)
    return taps / np.linalg.norm(taps)


def naive_air(symbols, delay, cfo, clock_offset, count):
    """Samples [count] of a burst whose symbol 0 is at ``delay`` samples."""
    samples = np.zeros(count, complex)
    for i in np.flatnonzero(symbols):
        centre = delay + i * SPS * (1 + clock_offset)
        n = np.arange(int(np.ceil(centre)) - SPAN * SPS, int(centre) + SPAN * SPS + 1)
        n = n[(n >= 0) & (n < count)]
        samples[n] += symbols[i] * naive_rrc(n - centre) / np.sqrt(SPS)
    return samples * np.exp(2j * np.pi * cfo * (np.arange(count) - delay) / SPS)


_GRID = np.linspace(-SPAN - 0.1, SPAN + 0.1, 20001)
_VALUES = naive_pulse(_GRID)


def naive_rrc(samples):
    return np.interp(samples / SPS, _GRID, _VALUES)


SIGNS = (0x56C0C7, 0x1ADF0A, 0x3A0C38, 0x60634B, 0x4D8706, 0x530D8A, 0x45CC2D, 0x473CAF, 0x2E09C8,
         0x7E9E41)  # fmt: skip


def naive_preamble(code):
    root = (2, 1, 3, 10, 5, 6, 7, 4, 8, 9)[code]
    signs = f"{SIGNS[code]:023b}"
    i = np.arange(11)
    period = np.exp(-1j * np.pi * root * i * (i + 1) / 11)
    return np.kron([1 - 2 * int(bit) for bit in signs], period)


# --- pulse ----------------------------------------------------------------------------------------


def test_taps_and_shaping_are_those_of_scipy():
    rng = np.random.default_rng(1)
    taps = core.root_raised_cosine_taps(PULSE)
    np.testing.assert_allclose(taps, naive_taps(), atol=1e-6)
    x = complex_normal(rng, 50)
    np.testing.assert_allclose(
        core.shape_symbols(x, PULSE), signal.upfirdn(naive_taps(), x, SPS), atol=1e-5
    )


@pytest.mark.parametrize("delay", [40.0, 40.37, 41.9])
def test_matched_filter_at_fractions_of_a_sample(delay):
    rng = np.random.default_rng(2)
    x = qpsk(rng, 100)
    heard = naive_air(x, delay, 0.0, 1e-4, 500)
    found = core.matched_filter(heard, PULSE, first=delay, step=SPS * (1 + 1e-4), count=100)
    n = np.arange(500)
    times = delay + SPS * (1 + 1e-4) * np.arange(100)
    scale = np.linalg.norm(naive_pulse(np.arange(-SPAN * SPS, SPAN * SPS + 1) / SPS))
    distance = n - times[:, None]
    weights = np.where(abs(distance) <= SPAN * SPS, naive_rrc(distance), 0) / scale
    np.testing.assert_allclose(found, weights @ heard, atol=2e-3)  # where the pulse is cut
    assert np.mean(abs(found - x) ** 2) < 10**-4.5


def test_clipping_bounds_peaks_and_keeps_the_band():
    rng = np.random.default_rng(3)
    x = complex_normal(rng, 4000)
    burst = core.shape_symbols(x, PULSE)
    limited, left = core.limit_peak(burst, PULSE, 6.0, 4)
    peak = 10 * np.log10(np.max(abs(limited) ** 2) * SPS)
    assert left == pytest.approx(peak, abs=1e-4)
    assert left < 6.8 < core.peak_to_mean_db(burst)
    found = core.matched_filter(limited, PULSE, first=SPAN * SPS, step=SPS, count=4000)
    assert 10 * np.log10(np.mean(abs(found - x) ** 2)) == pytest.approx(-25.5, abs=1.5)
    f, power = signal.welch(limited, nperseg=512, return_onesided=False)
    outside = power[abs(f) > 0.5 * (1 + ROLL_OFF) / SPS + 0.04].mean()
    assert 10 * np.log10(outside / power.max()) < -45


# --- burst ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", range(10))
def test_preambles_are_signed_zadoff_chu_sequences(code):
    np.testing.assert_allclose(core.make_preamble(code), naive_preamble(code), atol=1e-6)


def naive_header(frame, terminal, length, system, repeats, fragment=0, fragments=1, attempt=0):
    """What version 2 says, coded."""
    text = (
        f"{2:08b}{system:08b}{terminal:08b}{attempt:08b}{frame:032b}{fragment:016b}"
        f"{fragments:016b}{length:032b}"
    )
    return naive_code(text, repeats)


HEADERS = [  # frame, terminal, length, system, fragment, fragments, attempt
    (0, 0, 1, 0, 0, 1, 0),
    (0xDEADBEEF, 1, 640, 7, 3, 500, 2),
    (2**32 - 1, 255, 2**32 - 1, 255, 65534, 65535, 255),
]


@pytest.mark.parametrize("fields", HEADERS)
def test_headers_are_coded_as_documented_and_read_back(fields):
    symbols = core.encode_header(core.FrameHeader(*fields), 4)
    assert len(symbols) == 4 * core.HEADER_SYMBOLS == 600
    np.testing.assert_allclose(symbols, naive_header(*fields[:4], 4, *fields[4:]), atol=1e-6)
    rng = np.random.default_rng(4)
    noisy = symbols + complex_normal(rng, len(symbols)) * 10 ** (1 / 20)
    found = core.decode_header(noisy, 4)
    names = ("frame", "terminal", "length", "system", "fragment", "fragments", "attempt")
    assert tuple(getattr(found, name) for name in names) == fields
    assert core.decode_header(complex_normal(rng, 600), 4) is None


@pytest.mark.parametrize(
    ("fields", "said"),
    [({"length": 0}, r"header\.length"), ({"length": 1, "fragment": 1}, r"header\.fragment")],
)
def test_headers_that_cannot_be_are_refused(fields, said):
    with pytest.raises(ValueError, match=said):
        core.encode_header(core.FrameHeader(**fields), 1)


def test_a_burst_has_its_parts_where_the_layout_says():
    rng = np.random.default_rng(5)
    layout = core.BurstLayout(num_pilots=8, spacing=100, gap=20, guard=10)
    row, payload = qpsk(rng, 8), qpsk(rng, 250)
    header = core.FrameHeader(frame=5, terminal=1, length=250, system=2)
    burst = core.assemble_burst(layout, 1, header, row, payload)
    head = layout.preamble_length + layout.header_length
    blocks = [row, payload[:100], row, payload[100:200], row, payload[200:], row]
    expected = np.concatenate(
        [
            np.zeros(head + 20),
            naive_preamble(1),
            naive_header(5, 1, 250, 2, 4),
            np.zeros(20),
            *blocks,
            np.zeros(10),
        ]
    )
    np.testing.assert_allclose(burst, expected, atol=1e-6)
    assert layout.total(250) == len(burst)
    assert layout.stagger == layout.preamble_position(1) == head + 20
    with pytest.raises(ValueError, match=r"header\.length"):
        core.assemble_burst(layout, 1, core.FrameHeader(length=249), row, payload)


# --- synchronisation ------------------------------------------------------------------------------


def test_threshold_is_scipys_beta_distribution():
    threshold = core.detection_threshold(1e-7, 253)
    assert special.betainc(252, 1, 1 - threshold) == pytest.approx(1e-7, rel=1e-6)
    for x in (0.01, 0.05):
        found = core.false_alarm_probability(x, 2, 253)
        assert found == pytest.approx(special.betainc(504, 2, 1 - x), rel=1e-6)


def naive_metric(y, code):
    """The detector's statistic at one time, y [M, 253] symbols, over frequencies."""
    a = naive_preamble(code)
    f = np.arange(-11, 12) / 506
    turns = np.exp(2j * np.pi * 11 * np.outer(f, np.arange(253) // 11))
    sums = y @ (a * turns).conj().T
    return (abs(sums) ** 2).sum(0).max() / (253 * (abs(y) ** 2).sum())


def test_the_metric_is_the_one_of_the_definition():
    rng = np.random.default_rng(6)
    heard = np.stack(
        [h * naive_air(naive_preamble(6), 123.4, 0.0131, 0.0, 1400) for h in complex_normal(rng, 2)]
    )
    heard += 0.5 * complex_normal(rng, 2, 1400)
    (found,) = core.PreambleDetector(6, PULSE).detect(heard)
    assert found.start == pytest.approx(123.4, abs=1.5)
    assert found.cfo == pytest.approx(0.0131, abs=1 / 506)
    y = [
        core.matched_filter(stream, PULSE, first=found.start, step=SPS, count=253)
        for stream in heard
    ]
    assert found.metric == pytest.approx(naive_metric(np.array(y), 6), rel=1e-4)
    # No other preamble is in there.
    assert core.PreambleDetector(0, PULSE).detect(heard) == []


def naive_likelihood(heard, start, cfo):
    """What the known symbols' waveform, turned and delayed, has in common with each antenna."""
    wave = naive_air(naive_preamble(0), start, cfo, 0.0, heard.shape[1])
    return (abs(heard @ wave.conj()) ** 2).sum()


def test_time_and_frequency_maximise_the_likelihood():
    rng = np.random.default_rng(7)
    start, cfo = 61.37, -0.00871
    gains = np.array([0.9j, -0.3 + 0.5j])
    heard = gains[:, None] * naive_air(naive_preamble(0), start, cfo, 0.0, 1150)
    heard += np.sqrt(0.1) * complex_normal(rng, 2, 1150)
    found = core.Synchroniser(PULSE).synchronise(heard, core.make_preamble(0), 61.0, -0.009)
    best = optimize.minimize(
        lambda v: -naive_likelihood(heard, start + v[0], cfo + 1e-3 * v[1]),
        [0.0, 0.0],
        method="Nelder-Mead",
        options={"xatol": 1e-5, "fatol": 1e-9},
    ).x
    # Within 5 % of the standard deviations: both are the maximum of the same function.
    assert found.start.value == pytest.approx(start + best[0], abs=0.05 * found.start.variance**0.5)
    assert found.cfo.value == pytest.approx(
        cfo + 1e-3 * best[1], abs=0.05 * found.cfo.variance**0.5
    )
    power = (abs(gains) ** 2).sum()
    bound = 6 * 0.1 / (4 * np.pi**2 * power * 253 * (253**2 - 1))
    assert found.cfo.variance == pytest.approx(bound, rel=0.15)
    assert found.noise_var == pytest.approx(0.1, rel=0.15)
    np.testing.assert_allclose(found.h, gains, atol=0.1)
    assert found.middle == 126


def test_alignment_undoes_delay_frequency_and_clock():
    rng = np.random.default_rng(8)
    x = np.concatenate([naive_preamble(1), qpsk(rng, 2000)])
    clock = 20e-6
    heard = naive_air(x, 50.3, 0.0099, clock, 9200)[None] * 0.7
    heard += 1e-3 * complex_normal(rng, 1, 9200)
    sync = core.Synchroniser(PULSE)
    found = sync.synchronise(heard, core.make_preamble(1), 50.0, 0.01)
    aligned = sync.align(heard, found, first=253, length=2000, clock_offset=clock)
    combined, noise = core.combine(aligned, found.h.astype(np.complex64))
    assert noise == pytest.approx(1 / abs(found.h[0]) ** 2, rel=1e-5)
    error = np.mean(abs(combined - x[253:]) ** 2)
    assert 10 * np.log10(error) < -35
    # The clock left in, the last symbols are 0.04 of a symbol off.
    late = sync.align(heard, found, first=253, length=2000)[0] / found.h[0]
    assert np.mean(abs(late[-100:] - x[-100:]) ** 2) > 5 * error


def test_headers_are_read_at_five_frequencies():
    rng = np.random.default_rng(12)
    header = core.FrameHeader(123456, 1, 640, 2)
    heard = naive_air(naive_preamble(0), 60.0, 0.0, 0.0, 1150)[None]
    heard = heard + np.sqrt(6) * complex_normal(rng, 1, 1150)
    found = core.Synchroniser(PULSE).synchronise(heard, core.make_preamble(0), 60.0, 0.0)
    deviation = found.cfo.variance**0.5
    assert found.found
    turns = np.exp(2j * np.pi * np.outer(np.arange(-5, 6) * deviation, 253 + np.arange(600) - 126))
    sent = core.encode_header(header, 4)
    alone = [core.decode_header(sent * turn, 4) is not None for turn in turns]
    read = [core.read_header(sent * turn, found, first=253) for turn in turns]
    # Those that one of 0, +-1 and +-2 deviations more leaves where decode_header reads.
    expected = np.convolve(alone, np.ones(5), mode="same") > 0
    assert [each is not None for each in read] == expected.tolist()
    assert 0 < sum(alone) < sum(expected) < len(turns)
    assert all(each is None or each.frame == 123456 for each in read)
    lost = core.Synchroniser().synchronise(np.zeros((1, 1150)), core.make_preamble(0), 60.0, 0.0)
    assert core.read_header(sent, lost, first=253) is None


def two_users(rng, noise_var):
    """Samples of two antennas, and what was sent."""
    layout = core.BurstLayout(gap=48)
    h = np.array([[1.0, 0.6j], [-0.5, 0.9]])
    count = SPS * (layout.total(600) + 60)
    heard = np.sqrt(noise_var) * complex_normal(rng, 2, count)
    sent = []
    for user in range(2):
        row, payload = qpsk(rng, 16), qpsk(rng, 600)
        header = core.FrameHeader(frame=40 + user, terminal=user, length=600, system=1)
        burst = core.assemble_burst(layout, user, header, row, payload)
        wave = naive_air(
            burst, rng.uniform(40, 160), rng.uniform(-0.01, 0.01), rng.uniform(-2e-5, 2e-5), count
        )
        heard += h[:, user : user + 1] * wave
        sent.append((row, payload, header))
    return layout, h, heard, sent


def test_two_users_are_parted_near_the_noise_of_an_aligned_link():
    rng = np.random.default_rng(9)
    noise_var = 0.01
    layout, h, heard, sent = two_users(rng, noise_var)
    sync, users = core.Synchroniser(PULSE), []
    for user in range(2):
        (heard_at,) = core.PreambleDetector(user, PULSE).detect(heard)
        known = core.make_preamble(user)
        found = sync.synchronise(heard, known, heard_at.start, heard_at.cfo)
        symbols = sync.align(heard, found, first=253, length=layout.header_length)
        header = core.decode_header(core.combine(symbols, found.h.astype(np.complex64))[0], 4)
        assert (header.frame, header.terminal) == (40 + user, user)
        known = layout.head(user, header)
        users.append(sync.synchronise(heard, known, found.start.value, found.cfo.value))
    csi = core.joint_channel(users)
    aligned = noise_var * np.linalg.norm(np.linalg.inv(h), axis=1) ** 2
    for user, found in enumerate(users):
        first = layout.body_position - layout.preamble_position(user)
        part = dict(first=first, length=layout.body_length(600))
        row, payload, _ = sent[user]
        streams, packed = core.detect(sync.align(heard, found, **part), csi)
        noise = float(packed[2 + user].imag)
        pilots = dict(spacing=256, noise_var=noise)
        clock = core.estimate_clock(
            streams[user], row, pulse=PULSE, found=found, body_start=first, **pilots
        )
        better = found.delayed(SPS * clock.delay.value)
        streams, _ = core.detect(
            sync.align(heard, better, clock_offset=clock.offset.value, **part), csi
        )
        track = core.track_phase(streams[user], row, cfo_var=found.cfo.variance, **pilots)
        body = core.correct_phase(streams[user], track)
        found_payload = np.concatenate([body[16:272], body[288:544], body[560:648]])
        evm = np.mean(abs(found_payload - payload) ** 2)
        assert 10 * np.log10(evm / aligned[user]) < 1.0


def received(heard, rows, cut, **options):
    """What the real receiver makes of samples pushed in pieces, and the receiver."""
    layout = core.BurstLayout(users=len(rows), gap=48)
    receiver = core.BurstReceiver(layout, rows, num_rx=len(heard), pulse=PULSE, **options)
    for at in range(0, heard.shape[1], cut):
        receiver.push(heard[:, at : at + cut])
    receiver.finish()
    return receiver.take(), receiver


def test_the_receiver_parts_payloads_of_different_lengths():
    rng = np.random.default_rng(13)
    layout, h, _, _ = two_users(rng, 0.01)
    lengths, rows, payloads = (600, 1130), [qpsk(rng, 16), qpsk(rng, 16)], []
    count = SPS * (layout.total(1130) + 60)
    heard = 0.1 * complex_normal(rng, 2, count)
    starts = (47.3, 101.9)
    for user, length in enumerate(lengths):
        payloads.append(qpsk(rng, length))
        header = core.FrameHeader(9, user, length, 3, fragment=1, fragments=2 + user, attempt=4)
        burst = core.assemble_burst(layout, user, header, rows[user], payloads[user])
        heard += h[:, user : user + 1] * naive_air(
            burst, starts[user], 0.004 - user / 100, 0, count
        )
    (burst,), receiver = received(heard, rows, 7001)
    assert burst.start == pytest.approx(starts[0], abs=0.1)
    assert [user.header.fragments for user in burst.users] == [2, 3]
    assert [user.header.attempt for user in burst.users] == [4, 4]
    assert [user.read for user in burst.users] == [True, True]
    aligned = 0.01 * np.linalg.norm(np.linalg.inv(h), axis=1) ** 2
    for user, found in enumerate(burst.payload):
        assert len(found) == lengths[user] == burst.users[user].header.length
        evm = np.mean(abs(found - payloads[user]) ** 2)
        assert abs(10 * np.log10(evm / aligned[user])) < 1.0
        # As the csi says it: [M + jK, noise + j snr, err_var + j no_eff, ...].
        assert burst.csi[2 + user].imag == pytest.approx(evm, rel=0.5)
        assert burst.users[user].cfo == pytest.approx(0.004 - user / 100, abs=2e-5)
    assert receiver.take() == [] and receiver.received_until > 0
    assert (receiver.num_detected, receiver.num_unread, receiver.other_version) == (2, 0, 0)
    _, deaf = received(heard, rows, 7001, max_payload=700)
    assert deaf.num_too_long == 1


def test_the_receiver_tells_which_other_version_it_heard():
    rng = np.random.default_rng(14)
    heard = 0.1 * complex_normal(rng, 1, 20000)
    # Version 1: frame, terminal, 16 bits of length, system; and one that is yet to come.
    texts = [f"{7:032b}{1:08b}{640:016b}{3:08b}", f"{5:08b}" + 15 * "01100101"]
    for start, text, version in zip((600.0, 10500.0), texts, (1, 5), strict=True):
        symbols = np.concatenate([naive_preamble(0), naive_code(text, 4)])
        heard[0] += naive_air(symbols, start, -0.003, 0, 20000)
        bursts, receiver = received(heard, [qpsk(rng, 16)], 5000)
        assert bursts == [] and receiver.other_version == version
    assert (receiver.num_other_version, receiver.num_unread) == (2, 0)


def test_the_receiver_refuses_what_it_cannot_receive():
    layout, rows = core.BurstLayout(), [np.ones(16), np.ones(16)]
    for wrong in ({"num_rx": 1}, {"units": [5]}, {"max_payload": 0}, {"method": "none"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            core.BurstReceiver(layout, rows, **wrong)
    with pytest.raises(ValueError, match="3 antennas found, 2 expected"):
        core.BurstReceiver(layout, rows).push(np.zeros((3, 10)))


def test_the_track_without_phase_noise_is_numpys_line():
    rng = np.random.default_rng(10)
    row = qpsk(rng, 8)
    body = np.concatenate([np.r_[row, np.ones(50)] for _ in range(9)] + [row])
    body = body * np.exp(1j * (0.4 + 0.003 * np.arange(len(body))))
    body += 0.1 * complex_normal(rng, len(body))
    track = core.track_phase(body, row, spacing=50, noise_var=0.01, cfo_var=1.0, phase_noise=0.0)
    at = np.arange(10) * 58
    gains = np.array([row.conj() @ body[i : i + 8] for i in at])
    line = np.polyfit(at + 3.5, np.unwrap(np.angle(gains)), 1)
    np.testing.assert_allclose(track.time, at + 3.5)
    np.testing.assert_allclose(track.phase, np.polyval(line, track.time), atol=1e-5)
    assert track.cfo.value == pytest.approx(line[0] / (2 * np.pi), abs=1e-8)
    turned = core.correct_phase(body, track)
    expected = body * np.exp(-1j * np.polyval(line, np.arange(len(body))))
    np.testing.assert_allclose(turned, expected, atol=1e-4)


def test_what_is_not_there_is_not_found():
    silence = np.zeros((2, 3000), np.complex64)
    assert core.PreambleDetector(0).detect(silence) == []
    assert core.PreambleDetector(0).detect(silence * np.nan) == []
    assert core.PreambleDetector(0).detect(silence[:, :10]) == []
    found = core.Synchroniser().synchronise(silence, core.make_preamble(0), 100.0, 0.0)
    assert not found.found
    assert np.isinf([found.start.variance, found.cfo.variance, found.noise_var]).all()
    assert not core.Synchroniser().align(silence, found, first=0, length=5).any()
    assert np.isinf(core.joint_channel([found, found])[1].real)


@pytest.mark.parametrize(
    "call",
    [
        lambda: core.PulseShape(sps=1),
        lambda: core.BurstLayout(users=7),
        lambda: core.make_preamble(10),
        lambda: core.encode_header(core.FrameHeader(length=1), 0),
        lambda: core.decode_header(np.zeros(85), 1),
        lambda: core.PreambleDetector(0, false_alarm=0.0),
        lambda: core.PreambleDetector(0).detect(np.zeros(100)),
        lambda: core.Synchroniser().synchronise(np.zeros((1, 100)), np.ones(7), 0.0, 0.0),
        lambda: core.combine(np.zeros((2, 5)), np.ones(3)),
        lambda: core.track_phase(np.zeros(8), np.ones(4), spacing=2, noise_var=1, cfo_var=1),
        lambda: core.track_phase(np.zeros(9), np.zeros(4), spacing=0, noise_var=1, cfo_var=1),
        lambda: core.limit_peak(np.zeros(9), core.PulseShape(), -1.0),
    ],
)
def test_impossible_arguments_are_refused(call):
    with pytest.raises(ValueError, match="expected|found|no frame"):
        call()
