# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The mock radio's mathematics: every impairment of a device alone against its closed form."""

import numpy as np
import pytest
from gnuradio.semcom import core
from gnuradio.semcom.protocol import mock_presets as presets
from scipy.signal import welch

RATE = 1e6
UPLINK, SIDELINK = 0, 1


def radio(rate=RATE, seed=1, **parts):
    """A mock radio with the settings of some devices and paths; ideal elsewhere."""
    settings = core.mock_settings(sample_rate=rate, seed=seed)
    for name, fields in parts.items():
        for field, value in fields.items():
            setattr(getattr(settings, name), field, value)
    return core.mock_radio(settings)


def send(mock, audio, video=None, cut=1 << 16):
    """Send through a mock radio in pieces -> what it hears, [2, n] and [1, n]."""
    x = [audio, np.zeros_like(audio) if video is None else video]
    at, heard = [0, 0], [[], []]
    while min(at) < len(audio):
        for k in range(2):
            at[k] += mock.push(k, x[k][at[k] : at[k] + cut].astype(np.complex64))
        for receiver in (UPLINK, SIDELINK):
            while mock.ready(receiver):
                heard[receiver].append(mock.pull(receiver, 3 * cut))
    return [np.concatenate(pieces, axis=1) for pieces in heard]


def normal(seed, *shape):
    """CN(0, 1) numbers, complex64."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((2, *shape)) / np.sqrt(2)
    return (z[0] + 1j * z[1]).astype(np.complex64)


def unturned(y, x):
    """y without the constant phase and gain that it has over x.

    In double precision: some BLAS libraries sum single precision one by one, to four digits.
    """
    y = y.astype(np.complex128)
    return y * np.vdot(y, x) / np.vdot(y, y).real


def power_db(z):
    return 10 * np.log10(np.mean(np.abs(z) ** 2))


def tone(cycles, count):
    return np.exp(2j * np.pi * cycles * np.arange(count))


def test_without_impairments_only_the_phase_turns():
    x = normal(0, 2, 5000)
    uplink, sidelink = send(radio(), *x)
    assert uplink.shape[1] > 5000 - 600
    for y, sent in ((uplink[0], x[0]), (uplink[1], x[1]), (sidelink[0], x[0])):
        sent = sent[: len(y)]
        assert abs(np.vdot(sent, y)) == pytest.approx(np.vdot(sent, sent).real, rel=1e-6)
        np.testing.assert_allclose(unturned(y, sent), sent, atol=2e-6)


@pytest.mark.parametrize(
    ("audio", "video", "receiver"), [(300.0, 0.0, 0.0), (-1234.5, 800.0, 0.0), (10e3, 0, -10e3)]
)
def test_carriers_differ_by_the_slope_of_the_phase(audio, video, receiver):
    devices = {"audio": audio, "video": video, "receiver": receiver}
    mock = radio(**{name: {"cfo_hz": cfo} for name, cfo in devices.items()})
    ones = np.ones(500_000)
    uplink, sidelink = send(mock, ones, ones)
    for y, cfo in (
        (uplink[0], audio - receiver),
        (uplink[1], video - receiver),
        (sidelink[0], audio - video),
    ):
        still = y[100:] * tone(-cfo / RATE, len(y))[100:]
        assert np.max(np.abs(still - still[0])) < 2e-5  # to the end: no drift
        assert np.max(np.abs(np.abs(y[100:]) - 1)) < 2e-5


def tones(times):
    """Forty tones up to 0.8 of half the sample rate, unit power; times in samples."""
    rng = np.random.default_rng(5)
    cycles, phases = rng.uniform(-0.4, 0.4, 40), rng.uniform(0, 1, 40)
    turns = cycles[:, None] * times + phases[:, None]
    return np.exp(2j * np.pi * turns).sum(axis=0) / np.sqrt(40)


@pytest.mark.parametrize(
    ("audio", "receiver"), [(0.0, 0.0), (20.0, 0.0), (0.0, -20.0), (-20.0, 20.0), (100.0, -100.0)]
)
def test_clocks_shift_the_stream_in_time_and_nothing_else(audio, receiver):
    delay_s, count = 123.456e-6, 60_000
    mock = radio(
        audio={"clock_ppm": audio, "start_delay_s": delay_s}, receiver={"clock_ppm": receiver}
    )
    y = send(mock, tones(np.arange(count)))[UPLINK][0]
    ours, theirs = RATE * (1 + 1e-6 * receiver), RATE * (1 + 1e-6 * audio)
    expected = tones((np.arange(len(y)) / ours - delay_s) * theirs)
    for part in (slice(200, 5000), slice(len(y) - 5000, None)):  # early and late alike
        error = unturned(y[part], expected[part]) - expected[part]
        assert power_db(error) < -80


def test_a_delay_drifts_by_parts_per_million():
    """Two pulses 0.9 s apart: their distance here, measured by the phases of their spectra."""
    count, ppm = 1_000_000, 17.0
    pulse = np.blackman(64)
    x = np.zeros(count)
    x[1000:1064] = x[900_000:900_064] = pulse
    y = send(radio(receiver={"clock_ppm": ppm}), x)[UPLINK][0]

    def delay(start):
        bins = np.arange(1, 10)
        sent, got = (np.fft.fft(z[start : start + 512])[bins] for z in (x, y))
        return -np.polyfit(bins, np.unwrap(np.angle(got / sent)), 1)[0] * 512 / (2 * np.pi)

    drift = (delay(899_776) - delay(776)) / 899_000
    assert drift * 1e6 == pytest.approx(ppm, abs=0.02)


def test_a_terminal_starts_after_its_delay():
    y, heard = send(
        radio(audio={"start_delay_s": 0.02}, video={"start_delay_s": 0.005}),
        np.ones(20_000),
        np.ones(20_000),
    )
    for stream, start in ((y[0], 20_000), (y[1], 5_000), (heard[0], 15_000)):
        assert np.max(np.abs(stream[: start - 20])) == 0
        assert np.min(np.abs(stream[start + 20 :])) > 0.99


@pytest.mark.parametrize(("audio_s", "video_s"), [(0.0, 0.1000123), (0.1, 0.0)])
def test_a_terminal_listens_from_its_start_on(audio_s, video_s):
    x = tones(np.arange(250_000))
    starts = {"audio": {"start_delay_s": audio_s}, "video": {"start_delay_s": video_s}}
    heard = send(radio(**starts), x)[SIDELINK][0]
    places = np.arange(len(heard)) + (video_s - audio_s) * RATE
    on = slice(max(0, -int(places[0])) + 20, None)
    expected = tones(places)[on]
    assert len(expected) > 100_000
    assert power_db(unturned(heard[on], expected) - expected) < -80


def place(stream, near):
    """Where a Blackman pulse begins, to a fraction of a sample, by the phases of its spectrum."""
    first = near - 224
    bins = np.arange(1, 10)
    sent = np.fft.fft(np.blackman(64), 512)[bins]
    phases = np.unwrap(np.angle(np.fft.fft(stream[first : first + 512])[bins] / sent))
    return first - np.polyfit(bins, phases, 1)[0] * 512 / (2 * np.pi)


def test_a_device_hears_and_sends_in_the_same_time():
    """The video terminal answers a pulse of the audio terminal 3 ms later, in its own time."""
    starts = {"audio": 0.0021, "video": 0.0137654321, "receiver": 0.0011}
    rates = {"audio": RATE * (1 + 90e-6), "video": RATE * (1 - 80e-6), "receiver": RATE}
    devices = {
        name: {"start_delay_s": start, "clock_ppm": 1e6 * (rates[name] / RATE - 1)}
        for name, start in starts.items()
    }

    def index(device, time):
        return (time - starts[device]) * rates[device]

    asked_s = starts["audio"] + 900_000 / rates["audio"]
    x = np.zeros((2, 1_000_000))
    x[0, 900_000:900_064] = np.blackman(64)
    heard = send(radio(**devices), x[0])[SIDELINK][0]
    at = place(heard, int(np.argmax(np.abs(heard))) - 32)
    assert at == pytest.approx(index("video", asked_s), abs=0.01)

    answer = round(at) + 3000
    x[1, answer : answer + 64] = np.blackman(64)
    received = send(radio(**devices), *x)[UPLINK]
    answered_s = starts["video"] + answer / rates["video"]
    for antenna, time in ((0, asked_s), (1, answered_s)):
        expected = index("receiver", time)
        assert place(received[antenna], round(expected)) == pytest.approx(expected, abs=0.01)


def test_one_receiver_alone_hears_the_same():
    x = normal(8, 2, 60_000)
    both = send(bad_day(), *x)
    drawn = presets.settings(presets.load("bad_day"), RATE, 10, seed=1)
    for receiver in (UPLINK, SIDELINK):
        alone = core.mock_radio(drawn, {receiver})
        at, heard = [0, 0], []
        while at[0] < x.shape[1]:
            for k in range(2 - receiver):  # the video terminal is not heard in the sidelink
                at[k] += alone.push(k, x[k, at[k] :])
            while alone.ready(receiver):
                heard.append(alone.pull(receiver, 1 << 16))
        np.testing.assert_array_equal(np.concatenate(heard, 1), both[receiver])
        with pytest.raises(IndexError):
            alone.pull(1 - receiver, 1)
    with pytest.raises(ValueError, match="receivers"):
        core.mock_radio(drawn, {2})


@pytest.mark.parametrize(("audio", "receiver"), [(-80, -np.inf), (-np.inf, -90), (-80, -80)])
def test_phase_noise_has_its_level_and_slope(audio, receiver):
    mock = radio(audio={"phase_noise_dbc_hz": audio}, receiver={"phase_noise_dbc_hz": receiver})
    phase = np.unwrap(np.angle(send(mock, np.ones(2_000_000))[UPLINK][0][100:]))
    frequency, one_sided = welch(phase, RATE, nperseg=8192)
    level = 10 * np.log10(10 ** (audio / 10) + 10 ** (receiver / 10))
    for offset, expected in ((1e4, level), (1e5, level - 20)):
        near = np.abs(frequency - offset) < 0.05 * offset
        normalised = one_sided[near] / 2 * (frequency[near] / offset) ** 2
        assert 10 * np.log10(np.mean(normalised)) == pytest.approx(expected, abs=0.5)


def test_phase_noise_step_is_the_closed_form():
    """Width of a Lorentzian line: variance 2 pi width t of the phase after t seconds."""
    width = 2 * np.pi * 1e4**2 * 10 ** (-80 / 10)
    assert core.phase_noise_step(-80, 1e4, RATE) ** 2 * RATE == pytest.approx(2 * np.pi * width)
    assert core.phase_noise_step(-np.inf, 1e4, RATE) == 0


@pytest.mark.parametrize("device", ["audio", "receiver"])
@pytest.mark.parametrize(("gain_db", "phase_deg"), [(0.5, 3), (1, 5), (1, 0), (0, -5)])
def test_iq_imbalance_makes_an_image(device, gain_db, phase_deg):
    mock = radio(**{device: {"iq_gain_db": gain_db, "iq_phase_deg": phase_deg}})
    count = 8192
    y = send(mock, tone(0.125, count + 1000))[UPLINK][0][500 : 500 + count]
    wanted, image = np.vdot(tone(0.125, count), y), np.vdot(tone(-0.125, count), y)
    g, cosine = 10 ** (gain_db / 20), np.cos(np.radians(phase_deg))
    rejection = (1 + 2 * g * cosine + g**2) / (1 - 2 * g * cosine + g**2)
    assert abs(wanted / image) ** 2 == pytest.approx(rejection, rel=1e-3)
    assert power_db(y) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("device", ["audio", "receiver"])
def test_dc_has_its_power_relative_to_a_stream(device):
    mock = radio(**{device: {"dc_db": -40.0, "gain_db": 6.0}})
    y = send(mock, np.zeros(3000))[UPLINK][0]
    gain_db = 6.0 if device == "receiver" else 0.0
    assert np.ptp(y[100:].real) < 1e-6
    assert power_db(y[100:]) == pytest.approx(gain_db - 40, abs=1e-3)


@pytest.mark.parametrize("backoff_db", [0.0, 3.0, 10.0])
def test_the_amplifier_follows_rapps_curve(backoff_db):
    amplitudes = np.array([0.01, 0.3, 0.7, 1.0, 1.5, 3.0, 30.0])
    steps = np.repeat(amplitudes, 1000) * tone(0.01, 7000)
    y = send(radio(audio={"pa_backoff_db": backoff_db}), np.append(steps, np.zeros(1000)))[0][0]
    saturation = 10 ** (backoff_db / 20)
    expected = amplitudes / (1 + (amplitudes / saturation) ** 4) ** 0.25
    measured = np.abs(y[:7000].reshape(7, 1000)[:, 500])
    np.testing.assert_allclose(measured, expected, rtol=1e-4)
    turned = y[:7000] / tone(0.01, 7000)
    assert np.ptp(np.angle(turned[500::1000] / turned[500])) < 1e-5  # no phase error


@pytest.mark.parametrize("bits", [6, 8, 10, 12])
def test_a_full_scale_sine_has_the_converters_snr(bits):
    step = 2.0 ** (1 - bits)
    x = (1 - step) * tone(np.sqrt(2) / 10, 100_000)
    mock = radio(audio={"cfo_hz": 0.0}, receiver={"bits": bits})
    y = send(mock, x)[UPLINK][0]
    sent = x[: len(y)]
    snr = -power_db(unturned(y, sent) - sent) + power_db(sent)
    assert snr == pytest.approx(6.02 * bits + 1.76, abs=0.3)
    levels = y.real / step
    np.testing.assert_array_equal(levels, np.round(levels))


def test_the_converter_clips_at_full_scale():
    y = send(radio(receiver={"bits": 8, "full_scale": 2.0}), 5 * tone(0.01, 5000))[UPLINK][0]
    for part in (y.real, y.imag):
        assert np.min(part) == -2.0 and np.max(part) == 2.0 - 2.0 / 128


@pytest.mark.parametrize("snr_db", [-10.0, 20.0])
def test_noise_is_white_and_has_its_power(snr_db):
    mock = radio(
        uplink={"snr_db": snr_db}, sidelink={"snr_db": snr_db + 3}, receiver={"gain_db": 9}
    )
    uplink, sidelink = send(mock, np.zeros(200_000))
    assert power_db(uplink[0]) == pytest.approx(9 - snr_db, abs=0.05)
    assert power_db(uplink[1]) == pytest.approx(9 - snr_db, abs=0.05)
    assert power_db(sidelink[0]) == pytest.approx(-3 - snr_db, abs=0.05)
    for a, b in ((uplink[0], uplink[1]), (uplink[0], sidelink[0]), (uplink[0][1:], uplink[0])):
        count = min(len(a), len(b))
        correlation = np.vdot(a[:count], b[:count])
        assert abs(correlation) < 0.01 * np.linalg.norm(a) * np.linalg.norm(b)


def test_an_snr_changes_while_it_runs():
    mock = radio(uplink={"snr_db": 0.0})
    assert power_db(send(mock, np.zeros(50_000))[UPLINK]) == pytest.approx(0, abs=0.1)
    mock.set_snr_db(UPLINK, 30)
    assert power_db(send(mock, np.zeros(50_000))[UPLINK]) == pytest.approx(-30, abs=0.1)
    with pytest.raises(ValueError, match="snr_db"):
        mock.set_snr_db(UPLINK, np.nan)


def test_overflows_take_whole_buffers_from_all_antennas():
    size, rate = 100, 0.1
    mock = radio(receiver={"drop_probability": rate, "drop_buffer": size})
    count = 1_000_000
    ramp = np.arange(count)  # a sample says its place
    y, heard = send(mock, ramp, ramp)
    places = np.round(np.abs(y)).astype(int)
    np.testing.assert_array_equal(places[0], places[1])
    gaps = np.flatnonzero(np.diff(places[0]) != 1)
    lost = np.diff(places[0])[gaps] - 1
    assert np.all(lost % size == 0) and np.all(places[0][gaps + 1] % size == 0)
    assert mock.num_dropped(UPLINK) == pytest.approx(lost.sum(), abs=1000)
    buffers = count / size
    spread = 3.3 * np.sqrt(rate * (1 - rate) / buffers)
    assert mock.num_dropped(UPLINK) / count == pytest.approx(rate, abs=spread)
    assert mock.num_received(UPLINK) == y.shape[1]
    again = radio(receiver={"drop_probability": rate, "drop_buffer": size})
    again.push(0, ramp[:50_000])
    again.push(1, ramp[:50_000])
    while again.ready(UPLINK):  # a pull has no gap, and its place is known
        piece = np.round(np.abs(again.pull(UPLINK, 3000)[0]))
        first = again.num_received(UPLINK) + again.num_dropped(UPLINK) - len(piece)
        np.testing.assert_array_equal(piece, first + np.arange(len(piece)))
    assert mock.num_dropped(SIDELINK) == 0 and heard.shape[1] > count - 600


def test_all_buffers_may_be_lost():
    mock = radio(receiver={"drop_probability": 1.0})
    y, heard = send(mock, np.ones(10_000))
    assert y.shape == (2, 0) and heard.shape[1] > 9000


def bad_day(seed=1, **settings):
    return core.mock_radio(
        presets.settings(presets.load("bad_day"), RATE, 10, seed=seed, **settings)
    )


@pytest.mark.parametrize("cut", [1, 7, 512, 4099])
def test_cutting_the_streams_changes_nothing(cut):
    x = normal(3, 2, 30_000)
    whole, other = send(bad_day(), *x), send(bad_day(), *x, cut=cut)
    for a, b in zip(whole, other, strict=True):
        assert a.shape[1] > 0
        np.testing.assert_array_equal(a, b)
    jakes = {"uplink": {"fading": "jakes", "doppler_hz": 300.0, "delay_spread_s": 3e-6}}
    np.testing.assert_array_equal(send(radio(**jakes), *x)[0], send(radio(**jakes), *x, cut=cut)[0])


def test_terminals_may_run_ahead_of_each_other_and_of_who_listens():
    x = normal(4, 2, 300_000)
    mock, heard = bad_day(), [[], []]
    assert mock.room(0) == mock.push(0, x[0]) > 65_000  # as much as it holds
    assert mock.room(0) == 0 and mock.push(0, x[0]) == 0
    while mock.ready(UPLINK):  # until the video terminal starts
        heard[UPLINK].append(mock.pull(UPLINK, 1 << 20))
    assert mock.lacks(1) and not mock.lacks(0) and not mock.ready(UPLINK)
    assert mock.ready(SIDELINK)
    at = [mock.num_sent(0), 0]
    while min(at) < x.shape[1]:
        for k in range(2):
            at[k] += mock.push(k, x[k, at[k] :])
        for receiver in (SIDELINK, UPLINK):
            while mock.ready(receiver):
                heard[receiver].append(mock.pull(receiver, 1 << 20))
    expected = send(bad_day(), *x)
    for receiver in range(2):
        np.testing.assert_array_equal(np.concatenate(heard[receiver], 1), expected[receiver])


def test_seeds_repeat_and_differ():
    x = normal(6, 2, 60_000)
    same, again, other = (send(bad_day(seed), *x) for seed in (1, 1, 2))
    for receiver in range(2):
        np.testing.assert_array_equal(same[receiver], again[receiver])
        count = min(same[receiver].shape[1], other[receiver].shape[1])
        assert np.mean(same[receiver][:, :count] == other[receiver][:, :count]) < 0.01


def test_what_is_not_finite_is_not_sent():
    x = np.ones(3000, np.complex64)
    x[1000], x[1001], x[1002] = np.nan, 1j * np.inf, 1e30
    y = send(radio(uplink={"fading": "block", "delay_spread_s": 1e-6}), x)[UPLINK]
    assert np.all(np.isfinite(y))
    np.testing.assert_allclose(y[0][1100:2400], y[0][900], rtol=1e-4)


def test_the_video_terminal_does_not_hear_itself():
    _, heard = send(radio(), np.zeros(5000), np.ones(5000))
    assert np.max(np.abs(heard)) == 0


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("audio", "cfo_hz", np.inf),
        ("audio", "cfo_hz", 6e5),
        ("video", "clock_ppm", 101.0),
        ("video", "start_delay_s", -1.0),
        ("audio", "phase_noise_dbc_hz", 0.0),
        ("audio", "iq_gain_db", np.nan),
        ("audio", "iq_phase_deg", 90.0),
        ("receiver", "dc_db", np.nan),
        ("audio", "pa_backoff_db", np.nan),
        ("receiver", "gain_db", 300.0),
        ("receiver", "bits", 17),
        ("receiver", "full_scale", 0.0),
        ("receiver", "drop_probability", 1.1),
        ("receiver", "drop_buffer", 0),
        ("uplink", "rician_k", -1.0),
        ("uplink", "doppler_hz", np.nan),
        ("sidelink", "block_s", 0.0),
        ("sidelink", "delay_spread_s", 26e-6),
        ("sidelink", "snr_db", np.nan),
        ("uplink", "fading", "fog"),
    ],
)
def test_settings_out_of_range_are_named_in_one_line(part, field, value):
    with pytest.raises(ValueError, match=field) as error:
        radio(**{part: {field: value}})
    assert "\n" not in str(error.value)


def test_unknown_fields_are_refused():
    with pytest.raises(AttributeError, match="colour"):
        core.device_settings(colour=1)


def test_samples_have_to_be_rows():
    mock = radio()
    with pytest.raises(ValueError, match="samples"):
        mock.push(0, np.ones((2, 2)))
    with pytest.raises(ValueError, match="antenna"):
        mock.pull_into(0, [np.ones(3, np.complex64)])
    with pytest.raises(IndexError):
        mock.push(2, np.ones(2))
