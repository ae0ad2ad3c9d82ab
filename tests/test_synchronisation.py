# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The measurements of synchronisation: what they send, how they count, and their page."""

import json

import numpy as np
import pytest
from gnuradio.semcom import core
from test_burst import naive_air, naive_preamble

from studies import burst_measures, bursts, synchronisation
from studies import synchronisation_page as pages_of

QUIET = {"channel": "rayleigh", "snr_db": 200.0}


def test_what_is_on_air_is_what_is_said():
    rng = np.random.default_rng(1)
    sent = [bursts.random_burst(rng, bursts.UPLINK, k, 40) for k in range(2)]
    heard, truth = bursts.on_air(rng, QUIET, 2, [b.symbols for b in sent])
    expected = sum(
        user.h[:, None] * naive_air(burst.symbols, user.start, user.cfo, user.clock, heard.shape[1])
        for user, burst in zip(truth, sent, strict=True)
    )
    np.testing.assert_allclose(heard, expected, atol=3e-3)  # the pulse's cut edges
    assert np.mean(abs(heard - expected) ** 2) < 1e-6
    assert truth[0].cfo != truth[1].cfo and truth[0].clock != truth[1].clock


def test_noise_and_channels_have_their_powers():
    rng = np.random.default_rng(2)
    silence = [np.zeros(3000, np.complex64)]
    heard, _ = bursts.on_air(rng, {"channel": "awgn", "snr_db": 7.0}, 2, silence)
    assert 10 * np.log10(np.mean(abs(heard) ** 2)) == pytest.approx(-7.0, abs=0.1)
    assert abs(np.vdot(heard[0], heard[1])) / heard.shape[1] < 0.01
    for kind, fourth in (("rayleigh", 2.0), ("rician", 1 + 1 / 5 * (1 + 4 / 5))):
        h = np.array([bursts.channel(rng, kind, 2, 2) for _ in range(20_000)])
        np.testing.assert_allclose(np.mean(abs(h) ** 2, 0), 1.0, atol=0.03)
        np.testing.assert_allclose(np.mean(abs(h) ** 4, 0), fourth, rtol=0.06)
        assert abs(np.mean(h[:, 0, 0] * h[:, 1, 1].conj())) < 0.03


def test_phase_noise_and_the_carrier_error_it_leaves():
    rng = np.random.default_rng(3)
    variance = bursts.phase_noise_variance(-80.0)
    assert variance == pytest.approx((2 * np.pi * 1e4) ** 2 * 1e-8 / 1e6)
    steps = np.diff(bursts.walk(rng, variance, 40_000))
    assert np.var(steps) == pytest.approx(variance / 4, rel=0.03)  # four samples per symbol
    walks = np.cumsum(rng.normal(scale=np.sqrt(2 * variance), size=(253, 4000)), axis=0)
    slopes = np.polyfit(np.arange(253), walks, 1)[0] / (2 * np.pi) * 1e6
    assert burst_measures.cfo_floor_hz(-80.0) == pytest.approx(np.std(slopes), rel=0.04)


def test_bounds_are_those_of_the_fisher_information():
    def heard(v):
        wave = naive_air(naive_preamble(0), 60.3 + v[2], 0.004 + 1e-4 * v[3], 0.0, 1150)
        return (0.8 + v[0] + 1j * v[1]) * wave

    step = 1e-2
    slopes = [(heard(step * e) - heard(-step * e)) / (2 * step) for e in np.eye(4)]
    information = 2 / 0.1 * np.real(np.conj(slopes) @ np.transpose(slopes))
    variances = np.diag(np.linalg.inv(information))
    found = core.Synchroniser().synchronise(
        heard(np.zeros(4))[None], core.make_preamble(0), 60.3, 0.004
    )
    user = bursts.User(60.3, 0.004, 0.0, np.array([0.8]))
    cfo, cfo_bound, time, time_bound = burst_measures.squared_errors(
        found, found.start.value, user, 0.1
    )
    assert cfo_bound == pytest.approx(1e-8 * variances[3], rel=0.05)
    assert time_bound == pytest.approx(variances[2] / 16, rel=0.15)
    assert cfo < 1e-3 * cfo_bound and time < 1e-3 * time_bound


def test_rates_have_their_intervals():
    share = burst_measures.rate(300, 300)
    assert share["rate"] == 1 and share["ci95"] == pytest.approx([0.025 ** (1 / 300), 1])
    assert burst_measures.upper_bound(0, 1000) == pytest.approx(-np.log(0.05) / 1000)
    assert burst_measures.upper_bound(3, 1000) == pytest.approx(7.754e-3, rel=1e-3)


def measure(**point):
    return synchronisation.measure(point, seed=4)


def test_loud_bursts_all_arrive_and_faint_ones_do_not():
    loud = measure(section="detection", channel="awgn", snr_db=20.0, trials=5)
    assert loud["preamble"]["hits"] == loud["burst"]["hits"] == loud["burst"]["of"] == 10
    assert loud["strange"] == 0
    faint = measure(section="detection", channel="awgn", snr_db=-20.0, trials=5)
    assert faint["preamble"]["hits"] == faint["burst"]["hits"] == 0
    twice = measure(section="sidelink", channel="awgn", snr_db=-5.0, trials=60)
    assert 0 < twice["once"]["hits"] < twice["twice"]["hits"] < 60


def test_alarms_of_noise_stay_below_the_rate_set():
    found = measure(section="noise", antennas=1, false_alarm=0.5, trials=60)
    assert 0 < found["alarms"] < 30  # a union bound
    assert found["headers"] == 0


def test_errors_lie_at_their_bounds_and_payloads_at_the_aligned_link():
    point = dict(channel="awgn", phase_noise_dbc_hz=None, snr_db=15.0)
    errors = measure(section="estimates", trials=100, **point)
    for stage in ("preamble", "head"):
        assert errors[stage]["bursts"] == 100
        assert abs(errors[stage]["cfo_over_db"]) < 1.5
        assert abs(errors[stage]["time_over_db"]) < 1.5
    evm = measure(section="payload", trials=10, **point)
    assert evm["frames"] == 10 and evm["aligned_db"] == pytest.approx(-15)
    assert abs(evm["loss_db"]) < 0.4
    left = measure(section="payload", trials=3, **{**point, "snr_db": pages_of.NO_NOISE})
    assert left["evm_db"] < -50


def test_equal_seeds_give_equal_records():
    point = dict(section="sidelink", channel="rician", snr_db=-5.0, trials=20)
    assert measure(**point) == measure(**point)
    assert synchronisation.measure(point, 5) != {**measure(**point), "seed": 5}


def share(hits, of):
    return {"hits": hits, "of": of, "rate": hits / of, "ci95": [0.5, 0.9]}


def test_page_and_figures_show_the_records():
    record = {"section": "detection", "channel": "rayleigh", "snr_db": 5.0, "trials": 50,
              "preamble": share(100, 100), "burst": share(98, 100), "strange": 2}  # fmt: skip
    page = pages_of.page([record], "a command", {"detection": "some.png"})
    assert "| 5 | 100.00 | 50.00-90.00 | 98.00 | 50.00-90.00 | 100 | 2 |" in page
    assert (
        "| 99 % of bursts received at 5 dB, Rayleigh | 98.00 % (50.00-90.00, 100 bursts) |" in page
    )
    assert "**no**" in page and "    a command" in page and "False alarms" not in page
    few = {**record, "burst": {**share(100, 100), "ci95": [0.964, 1.0]}}
    assert "(96.40-100.00, 100 bursts) | not shown |" in pages_of.page([few], "a command", {})
    assert "](figures/some.png)" in page
    (panel,) = pages_of.detection_panels([record])
    heard, received = panel.lines
    assert heard.y[0].mean is None  # none missed: no point on a logarithmic axis
    assert received.y[0] == pytest.approx((0.02, 0.1, 0.5)) and received.x == [5.0]
    assert panel.others[0][1:] == ([5.0], [0.5])


def test_an_aim_of_few_bursts_is_not_shown():
    assert burst_measures.rms_margin_db(60) == pytest.approx(1.428, abs=1e-3)
    assert burst_measures.rms_margin_db(8000) == pytest.approx(0.114, abs=1e-3)
    point = {"section": "estimates", "channel": "awgn", "phase_noise_dbc_hz": None, "snr_db": 5.0}
    for count, said in ((60, "not shown"), (8000, "yes")):
        ((aim, found, met),) = pages_of.bound_aims(
            [{**point, "preamble": {"cfo_over_db": 1.2, "bursts": count}}]
        )
        assert "AWGN, clean oscillators, within 2 dB" in aim and met == said
    assert found == "at most 1.2 dB over it, 1.3 dB with the spread of the RMS (95 %)"


def test_the_program_measures_everything_once(program, tmp_path):
    words = ("-m", "studies", "synchronisation", "--trials", 1, "--out", tmp_path)
    done = program(*words)
    assert done.returncode == 0, done.stderr
    points, page = (tmp_path / name for name in ("points.json", "synchronisation.md"))
    text = page.read_text()
    assert len(json.loads(points.read_text())["records"]) == len(synchronisation.plan())
    assert text.count("\n## ") == len(pages_of.TABLES)
    for section in pages_of.PANELS:
        name = f"figures/sync-{section}.png"
        assert f"({name})" in text and (tmp_path / name).stat().st_size > 10_000
    before = points.stat().st_mtime_ns
    assert program(*words).returncode == 0
    assert points.stat().st_mtime_ns == before and page.read_text() == text


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--trials", 0), "--trials: '0' is not a whole number of at least 1"),
        (("--seed", -1), "--seed: '-1' is not a whole number of at least 0"),
        (("--section", "noses"), "invalid choice: 'noses'"),
        (("--section", "peaks", "--out", "/proc/none"), "cannot be written"),
    ],
)
def test_bad_words_give_one_line(program, words, text):
    done = program("-m", "studies", "synchronisation", *words)
    assert done.returncode == 2
    assert text in done.stderr.splitlines()[-1]
