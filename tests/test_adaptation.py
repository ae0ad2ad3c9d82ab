# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""How the table of an adaptive link comes about: carriers, arrivals, and what is chosen."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from gnuradio.semcom.run.scenario import Scenario, settle

sys.path.insert(0, str(Path(__file__).parents[1]))
from studies import adaptation, adaptation_table
from studies.adaptation import Carrier
from studies.classical_features import slowest


def test_carriers_rise_in_bits_and_take_the_codeword_that_holds_most():
    found = adaptation.carriers(1312)
    bits = [carrier.block_code().largest(1312) for carrier in found]
    assert bits == sorted(bits) and len(set(bits)) == len(bits)
    for carrier, most in zip(found, bits, strict=True):
        others = (Carrier(*list(vars(carrier).values())[:3], n) for n in (648, 1296, 1944))
        assert most == max(other.block_code().largest(1312) for other in others)


def test_few_bits_go_by_as_many_repetitions_as_there_is_room_for():
    for carrier in slowest(40, 1312):
        assert carrier.block_code().symbols(40) <= 1312
        double = Carrier(carrier.modulation, carrier.code, 2 * carrier.repetition)
        assert carrier.repetition == 8 or double.block_code().symbols(40) > 1312


@pytest.mark.parametrize(("snr", "both"), [(-20.0, 0.0), (30.0, 1.0)])
def test_arrivals_are_shares_of_which_streams_came(monkeypatch, snr, both):
    monkeypatch.setattr(adaptation, "FRAMES", 20)
    point = Scenario(system="digital", channel="awgn", snr=snr, detector="lmmse")
    shares = adaptation.arrivals(point, Carrier("qpsk", "1/2", 1), 300, 2)
    assert shares.shape == (4,) and shares.sum() == pytest.approx(1)
    assert shares[3] == both and shares[0] == 1 - both


def test_streams_of_a_faded_frame_are_lost_apart(monkeypatch):
    monkeypatch.setattr(adaptation, "FRAMES", 150)
    point = Scenario(system="digital", channel="rayleigh", snr=8.0, detector="lmmse")
    shares = adaptation.arrivals(point, Carrier("qpsk", "3/4", 1), 400, 2)
    assert (shares[1:3] > 0.02).all() and shares[3] > 0.2
    assert shares[1] == pytest.approx(shares[2], abs=0.15)  # the terminals are alike


class Labels:
    """Two clips, one of which is background."""

    name, classes = "two", ("a", "background")

    def labels(self, i):
        return np.full(10, i)


def test_what_is_expected_to_be_best_is_chosen_and_read_back(tmp_path, monkeypatch):
    slow, fast = Carrier("bpsk", "1/2", 2), Carrier("64qam", "5/6", 1)
    ways = {"video_only": (0.6, {"source": "av1", "size": 48}), "audio_only": (0.0, None)}
    found = {
        fast: {**ways, "full": (0.9, {"source": "av1+codec2", "size": 48})},
        slow: {**ways, "full": (0.0, None)},
    }
    arrive = {(fast, 2): [0.5, 0.2, 0.2, 0.1], (fast, 1): [0.6, 0.4], (slow, 1): [0.1, 0.9]}
    monkeypatch.setattr(
        adaptation_table, "arrivals",
        lambda point, carrier, bits, streams, kept: arrive[carrier, streams],
    )  # fmt: skip
    point = Scenario(system="digital", channel="awgn", snr=3.0, frames=2, uses=1344)
    settings, accuracy = adaptation_table.choose(point, found, 1312, Labels(), None)
    assert settings["code"] == "1/2" and settings["source"] == "av1"
    assert accuracy == pytest.approx(0.1 * 0.5 + 0.9 * 0.6)
    arrive[fast, 2] = [0.0, 0.0, 0.0, 1.0]
    settings, accuracy = adaptation_table.choose(point, found, 1312, Labels(), None)
    assert settings["source"] == "av1+codec2" and accuracy == pytest.approx(0.9)
    monkeypatch.setattr(adaptation_table.pages, "ROOT", tmp_path)
    (tmp_path / "models").mkdir()
    adaptation_table.write_table("digital", "two", 1344, {("awgn", 3.0): (settings, accuracy)})
    path = adaptation_table.table_path(1344)
    assert json.loads(path.read_text())["data"] == "two"
    point = Scenario(system="digital", channel="awgn", snr=5.0, uses=1344, adaptive=str(path))
    assert settle(point).modulation == "64qam"


def test_codings_that_are_cut_are_not_chosen():
    tried = [({"source": "a"}, {"accuracy": 0.9, "cut": 0.5}),
             ({"source": "b"}, {"accuracy": 0.4, "cut": 0.1})]  # fmt: skip
    assert adaptation_table.best(tried) == (0.4, {"source": "b"})
    assert adaptation_table.best([]) == (0.0, None)
    assert adaptation_table.joint({"video_only": (0.4, {"source": "b", "size": 8}),
                                   "audio_only": (0.3, {"source": "c", "bitrate": 9})}) == [
        {"source": "b+c", "size": 8, "bitrate": 9}
    ]  # fmt: skip
