# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The study of channel coding: what it counts, its closed forms and its page."""

import json

import numpy as np
import pytest
from gnuradio.semcom.phy import names

from studies import coding, coding_page, error_rates


def share(hits: int, of: int) -> dict:
    return {"hits": hits, "of": of, "rate": hits / of, "ci95": [0.5 * hits / of, 2 * hits / of]}


def measure(**point):
    return coding.measure(point, seed=4)


def test_clear_blocks_arrive_and_faint_ones_do_not():
    settings = {"section": "waterfalls", "rate": "5/6", "length": 1296, "words": 2500}
    clear = measure(**settings, ebn0_db=6.0)["lost"]
    assert (clear["hits"], clear["of"]) == (0, 2500)
    faint = measure(**settings, ebn0_db=0.0)["lost"]
    assert faint["hits"] == faint["of"] == coding.BATCH  # more than enough


def test_uncoded_bits_fail_as_the_closed_form_says():
    point = {"section": "uncoded", "modulation": "16qam", "symbols": 100_000, "snr_db": 12.0}
    for channel in ("awgn", "rayleigh"):
        low, high = measure(**point, channel=channel)["wrong"]["ci95"]
        assert low < error_rates.uncoded("16qam", 12.0, channel == "rayleigh") < high


def test_a_mode_needs_more_than_capacity_and_fails_below():
    found = measure(section="modes", modulation="qpsk", rate="3/4", method="exact", words=1000)
    assert found["efficiency"] == 1.5
    assert found["needed_db"] == pytest.approx(4.97, abs=0.15)  # docs/coding.md


def test_equal_seeds_give_equal_records():
    point = {"section": "waterfalls", "rate": "1/2", "length": 648, "words": 500, "ebn0_db": 1.5}
    assert measure(**point) == measure(**point)
    assert coding.measure(point, 5)["lost"] != measure(**point)["lost"]


def test_where_a_curve_comes_down():
    x, rates = [0.0, 1.0, 2.0, 3.0], [1.0, 0.1, 1e-3, 0.0]
    assert coding_page.crossing(x, rates) == pytest.approx(1.5)
    assert coding_page.crossing(x[:2], rates[:2]) is None
    assert coding_page.crossing([0.0, 1.0], [1.0, 0.0]) == pytest.approx(0.5)


def test_the_page_shows_the_records():
    records = [
        {"section": "waterfalls", "rate": "3/4", "length": 648, "ebn0_db": ebn0_db, "lost": found}
        for ebn0_db, found in ((2.0, share(900, 1000)), (3.0, share(1, 1000)))
    ]
    ((name, found, bound, above),) = [
        row.strip("| ").split(" | ") for row in coding_page.waterfall_table(records)[2:]
    ]
    assert (name, found) == ("3/4, n = 648", "2.66")
    assert float(above) == pytest.approx(2.66 - float(bound), abs=0.02)
    (panel,) = coding_page.waterfall_panels(records)
    assert panel.title == "rate 3/4" and panel.lines[0].y[0] == pytest.approx((0.9, 0.45, 1.8))
    _, x, y = panel.others[0]
    assert np.interp(float(bound), x, np.log(y)) == pytest.approx(np.log(0.01), abs=0.1)
    modes = [
        {"section": "modes", "modulation": "qpsk", "rate": "1/2", "method": method,
         "efficiency": 1.0, "needed_db": needed}
        for method, needed in zip(names.DEMAPPERS, (2.0, 1.9), strict=True)
    ]  # fmt: skip
    assert coding_page.modes_table(modes)[2:] == ["| qpsk 1/2 | 1 | 2.00 | 1.90 | 0.00 |"]


def test_the_program_measures_everything(program, tmp_path):
    done = program("-m", "studies", "coding", "--trials", 20, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    points, page = (tmp_path / name for name in ("points.json", "coding.md"))
    text = page.read_text()
    assert len(json.loads(points.read_text())["records"]) == len(coding.plan())
    for name in coding_page.PICTURES.values():
        assert f"(figures/{name})" in text and (tmp_path / "figures" / name).stat().st_size > 10_000
