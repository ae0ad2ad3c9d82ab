# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The study of guidance: the event's cells, the share of attention on them, the sidelink's SNR."""

import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import tiny_system
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.data import open_set
from gnuradio.semcom.data.tensors import Features
from gnuradio.semcom.systems import choice
from gnuradio.semcom.weights import store as checkpoint

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from studies import guidance, variable_rate
from studies.guidance import Pair
from studies.guidance_trainings import Place

N, T = 6, 5


def maps(seed=0):
    return torch.rand(N, T, 7, 7, 512, generator=torch.Generator().manual_seed(seed)).half()


def with_rivals(plain, left):
    """Column by column: of the clips ``left`` the event's four columns come first."""
    other, found = maps(1), torch.empty_like(plain)
    for n in range(N):
        event, rival = [0, 2, 4, 6], [1, 3, 5]
        columns = [(plain, c) for c in event] + [(other, c) for c in rival]
        if not left[n]:
            columns = columns[4:] + columns[:4]
        for at, (source, column) in enumerate(columns):
            found[n, :, :, at] = source[n, :, :, column]
    return found


LEFT = [True, False, False, True, True, False]


def test_the_events_columns_are_found():
    plain = maps()
    own = guidance.own_columns(plain, with_rivals(plain, LEFT))
    assert own.tolist() == [
        [True] * 4 + [False] * 3 if left else [False] * 3 + [True] * 4 for left in LEFT
    ]
    assert guidance.own_columns(plain, plain) is None
    assert guidance.own_columns(plain, plain[:3]) is None  # other clips


def test_a_clip_without_an_event_has_no_share():
    attention, labels = np.ones((2, 3, 7, 7)) / 49, np.array([[1, 2, 2], [2, 2, 2]])
    with pytest.raises(SemcomError, match="a test clip has no event"):
        guidance.shares(attention, labels, np.ones((2, 7), bool))


def test_shares_are_the_means_over_segments_with_an_event():
    rng = np.random.default_rng(0)
    attention = rng.random((N, T, 7, 7))
    attention /= attention.sum((2, 3), keepdims=True)
    own, labels = rng.random((N, 7)) < 0.5, rng.integers(0, 3, (N, T))
    labels[:, 0], labels[0, 1] = 1, 2  # each clip has an event; 2 is background
    found = guidance.shares(attention, labels, own)
    for n in range(N):
        each = [
            sum(attention[n, t, i, j] for i in range(7) for j in range(7) if own[n, j])
            for t in range(T)
            if labels[n, t] != 2
        ]
        assert found[n] == pytest.approx(np.mean(each), abs=1e-4)


@pytest.fixture
def measured(tmp_path):
    """A function that measures an untrained nested network at a place."""
    path = tmp_path / "tiny.safetensors"
    net = tiny_system(nested=True, attention="product", peak=3.0)
    checkpoint.save(path, net, variant="full", data="ave28")
    generator, plain = torch.Generator().manual_seed(3), maps()
    labels = torch.randint(0, 29, (N, T), generator=generator)
    labels[:, 0], labels[0, 1] = 4, 28
    audio = torch.randn(N, T, 128, generator=generator)
    clips = [
        Features(audio, visual, labels, labels[:, 0])
        for visual in (plain, with_rivals(plain, LEFT))
    ]
    own = guidance.own_columns(*(c.visual for c in clips)).numpy()
    weights = hashlib.sha256(path.read_bytes()).hexdigest()
    return lambda place: guidance.measure(path, weights, place, Pair(*clips, own), batch=4)


def test_a_drowned_guide_looks_elsewhere_and_a_lost_one_knows_no_snr(measured):
    heard, drowned, lost, late = (
        measured(Place("rivals", 8, sidelink, snr))
        for sidelink, snr in ((30.0, 10.0), (-30.0, 10.0), (None, 10.0), (None, 0.0))
    )
    assert heard["shares"] != drowned["shares"] != lost["shares"]
    assert lost["shares"] == late["shares"]  # the uplink's SNR changes nothing of it
    assert heard["accuracy"] == pytest.approx(np.mean(heard["clip_scores"]), abs=1e-4)
    assert measured(Place("rivals", 8, 30.0)) == heard
    assert measured(Place("plain", 8, 30.0))["shares"] != heard["shares"]
    assert measured(Place("rivals", 4, 30.0))["shares"] != heard["shares"]


def test_peaks_of_a_bounded_network_are_bounded():
    torch.manual_seed(0)
    clips = Features(
        torch.randn(96, 2, 128), torch.rand(96, 2, 7, 7, 512), torch.zeros(96, 2), torch.zeros(96)
    )
    found = guidance.peaks(tiny_system(nested=True, peak=2.0), clips, 8)
    assert len(found["symbols"]) == len(found["samples"]) == 2 * 96
    assert found["symbols"].max() <= 2.0 + 1e-4
    assert found["samples"].min() > found["symbols"].min()  # pulses overlap
    assert guidance.peaks(tiny_system(nested=True), clips, 8)["symbols"].max() > 4


def test_fixed_lengths_are_interpolated():
    few, many = np.array([0.0, 1.0, 1.0, 0.5]), np.array([1.0, 1.0, 0.5, 1.0])
    found = {4: few, 8: (few + many) / 2, 16: many}
    assert variable_rate.at_length(found, 8).tolist() == found[8].tolist()
    assert variable_rate.at_length(found, 12).tolist() == [0.75, 1.0, 0.625, 0.875]
    with pytest.raises(ValueError, match="expected 4 to 16"):
        variable_rate.at_length(found, 17)


def test_random_seconds_are_others_than_those_by_content():
    torch.manual_seed(0)
    net = tiny_system(nested=True, gated=True, symbols=16)
    net.configure(net.Settings(4, 0.4))
    audio = torch.randn(N, T, 128)
    own = net.send("audio", audio, {})
    with variable_rate.random_seconds(net):
        drawn = net.send("audio", audio, {})
    assert torch.equal(net.send("audio", audio, {}), own)
    assert net.lengths.count(T) == 2 and not torch.equal(drawn, own)
    chosen = [net.lengths.unpack(frames)[1] > 4 for frames in (own, drawn)]
    assert (chosen[0] != chosen[1]).any() and all((each.sum(1) == 2).all() for each in chosen)


def test_the_table_has_the_symbols_that_are_sent():
    torch.manual_seed(0)
    net = tiny_system(nested=True, gated=True, symbols=16)
    labels = torch.randint(0, 29, (N, T))
    clips = Features(torch.randn(N, T, 128), maps(), labels, labels[:, 0])
    measured = variable_rate.measured([net], clips)
    found, drawn = variable_rate.table(measured), variable_rate.panel(measured)
    assert [len(line.x) for line in drawn.lines] == [3, 5, 5] and drawn.lines[0].x == [4, 8, 16]
    # five seconds: a head of 12 symbols, 4 for each second, 12 more for two
    assert found[5].startswith("| 0.4 | 11.2 |")
    assert found[-1].startswith("The fixed lengths have") and "with 16 symbols" in found[-1]


def test_a_set_without_moments_of_its_own_goes_by_its_name():
    """ave28 with rivals has the features of ave28, in another order."""
    clips = open_set(None, "test")
    names = ["ave28", "ave28duo", "synthetic"]
    assert choice.kin(clips, names) == "synthetic"
    clips.name = "ave28duo"  # of which models/sets.json tells nothing
    assert choice.kin(clips, names) == "ave28duo"
    assert choice.kin(clips, ["ave28", "synthetic"]) == "synthetic"
    clips.name = "ave28"  # of which it does
    assert choice.kin(clips, names) == "synthetic"


def test_figures_are_kept_with_the_sets_that_they_are_of(tmp_path, monkeypatch):
    weights, done = tmp_path / "weights", []
    weights.write_bytes(b"weights")
    place = Place("plain", 4, None)
    monkeypatch.setattr(guidance, "loaded", lambda path: None)
    monkeypatch.setattr(guidance, "places", lambda mode, net: [place])

    def measure(path, sha, at, pair):
        done.append(pair.digest)
        return {"sets": pair.digest, "weights": sha, "place": vars(at), "accuracy": len(done)}

    monkeypatch.setattr(guidance, "measure", measure)
    for sets, accuracy in (("a", 1), ("b", 2), ("a", 1)):
        pair = Pair(None, None, None, sets)
        found = guidance.measured({"guided": [weights]}, pair, tmp_path)
        assert found["guided", place][0]["accuracy"] == accuracy
    assert done == ["a", "b"]
