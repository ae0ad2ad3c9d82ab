# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The studies of classical links of text and media, on a few generated sentences and clips."""

import json
from argparse import Namespace

import pytest
from gnuradio.semcom.run.runner import run_point
from gnuradio.semcom.run.scenario import Scenario

from studies import classical_media, classical_text, media_adaptation, pages
from studies.adaptation import Carrier
from studies.work import Records

SNRS = (-6.0, 20.0)  # below every cliff, and above


def args(tmp_path, count, **more):
    return Namespace(out=tmp_path / "out", docs=tmp_path / "docs", val=count, test=count, **more)


@pytest.fixture(autouse=True)
def bare(tmp_path, monkeypatch):
    """Templates without the prose, which quotes more points than are measured here."""
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "classical-text.md").write_text("$command $uses $leads $values $choices $bound\n")
    (folder / "classical-media.md").write_text("$command $links $values $choices\n")
    monkeypatch.setattr(pages, "TEMPLATES", folder)


def finished(tmp_path):
    return json.loads((tmp_path / "out" / "points.json").read_text())["records"]


def test_sentences_of_the_grammar_make_the_page_of_text(tmp_path, monkeypatch):
    monkeypatch.setattr(classical_text, "SNRS", SNRS)
    monkeypatch.setattr(classical_text, "SHOWN", ("awgn",))
    given = args(tmp_path, 2, data=None)
    classical_text.run(given)
    page = (given.docs / "classical-text.md").read_text()
    records = finished(tmp_path)
    assert (given.docs / "figures" / "classical-text.png").stat().st_size > 10_000
    classical_text.run(given)
    assert (given.docs / "classical-text.md").read_text() == page
    assert finished(tmp_path) == records  # nothing was done again

    study = classical_text.Study(given)
    payload, pilots = study.budget
    net = study.record("val", "awgn", 20.0, None)
    assert payload + pilots == pytest.approx(study.uses(net, "val")) and pilots == 32
    for name, times in classical_text.TIMES.items():
        tried = study.candidates(times)
        assert {coding.source for coding in tried} >= {"huffman_words", "bigram"}
        records = [study.record("val", "awgn", 20.0, coding) for coding in tried]
        assert max(study.uses(r, "val") for r in records) <= times * (payload + pilots) + 1e-6
        low, high = study.choices[times, "awgn"]
        assert high[1] == max(r["bleu_1"] for r in records) == 1 > low[1]
        assert study.curve(name, "awgn")[1]["exact"] == 1
    uses = study.uses(study.curve("adaptive", "awgn")[1])
    assert study.quotes()["adaptive_awgn_20_uses"] == f"{uses:.0f}"


def test_captions_are_spread_over_a_set_and_others_left_out():
    every = classical_text.Sentences(
        "some", [str(n) for n in range(10)], ["news"] * 4 + ["a_captions"] * 6
    )
    assert classical_text.spread(every, 3).sentences == ("4", "6", "8")
    plain = classical_text.Sentences("some", ["a", "b", "c", "d"], ["news"] * 4)
    assert classical_text.spread(plain, 2).sentences == ("a", "c")


WAYS = {
    "video": ({"source": "jpeg", "size": 48, "picture_rate": 0.1},
              {"source": "h265", "size": 48, "picture_rate": 0.5}),
    "audio": ({"source": "codec2", "bitrate": 3200},),
}  # fmt: skip


@pytest.fixture
def little(monkeypatch):
    """What the study of media tries, cut down to seconds."""
    cheapest = classical_media.CHEAPEST
    small = {cheapest: {**classical_media.FIXED[cheapest], "size": 48, "picture_rate": 0.5}}
    monkeypatch.setattr(classical_media, "SNRS", SNRS)
    monkeypatch.setattr(classical_media, "SHOWN", ("awgn",))
    monkeypatch.setattr(classical_media, "FIXED", small)
    monkeypatch.setattr(classical_media, "LOOKS", {cheapest: (0, 0), "adaptive": (1, 1)})
    monkeypatch.setattr(media_adaptation, "WAYS", WAYS)
    monkeypatch.setattr(media_adaptation, "CARRIERS", (("bpsk", "1/2", 4), ("16qam", "3/4", 1)))
    monkeypatch.setattr(media_adaptation, "EVERY", 1)
    monkeypatch.setattr("studies.adaptation.FRAMES", 10)


def test_drawn_clips_make_the_page_of_media(tmp_path, little):
    given = args(tmp_path, 1, raw=None)
    classical_media.run(given)
    page = (given.docs / "classical-media.md").read_text()
    records = finished(tmp_path)
    assert (given.docs / "figures" / "classical-media.png").stat().st_size > 10_000
    classical_media.run(given)
    assert (given.docs / "classical-media.md").read_text() == page
    assert finished(tmp_path) == records

    study = classical_media.Study(given)
    lost, shown = study.curve(classical_media.CHEAPEST, "awgn")
    assert lost["clips_missed"] == 1 and shown["clips_missed"] == 0
    assert lost["ssim"] < shown["ssim"] - 0.05 and lost["log_mel_correlation"] == 0
    low, high = study.curve("adaptive", "awgn")
    assert max(r["channel_uses_per_second"] * 10 for r in (low, high)) <= study.uses
    (_, (_, dense)) = study.choices["awgn"]
    assert dense["modulation"] == "16qam"
    assert low["ssim"] <= high["ssim"]


def test_a_way_of_coding_is_worth_what_the_link_shows_without_noise(tmp_path, little):
    study = classical_media.Study(args(tmp_path, 1, raw=None))
    base = study.point("val", uses=8000)
    chooser = media_adaptation.Chooser(base, study.sets["val"], Records(tmp_path / "tried.json"))
    (carrier,) = (c for c in chooser.found if c.modulation == "16qam")
    assert isinstance(carrier, Carrier)
    for terminal, key in (("video", "ssim"), ("audio", "log_mel_correlation")):
        worth, way = chooser.found[carrier][terminal]
        options = {**vars(carrier), **media_adaptation.MOST, **way}
        point = Scenario(
            **{**vars(base), "variant": f"{terminal}_only", "channel": "none", "antennas": 1,
               "uses": chooser.payload + 32, **options}
        )  # fmt: skip
        record = run_point(point, study.sets["val"])
        tolerance = 1e-6 if terminal == "video" else 0.01  # Codec 2 draws random phases
        assert record[key] == pytest.approx(worth, abs=tolerance)
    (truth,) = [study.sets["val"].media(i) for i in range(base.frames)]
    grey = media_adaptation.TASK.score(truth, truth.blank())
    place = media_adaptation.PLACE
    assert chooser.grey == pytest.approx(grey[place["ssim"]] / grey[place["pictures"]])
