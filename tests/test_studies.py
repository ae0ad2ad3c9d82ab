# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Studies: units of work are done once whatever interrupts them, and pages are their templates."""

import re
import threading
from string import Template
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.media.clip import Media
from gnuradio.semcom.media.codecs import pictures
from gnuradio.semcom.phy.coding import BlockCode

from studies import generative_link, localiser_trainings, localisers, pages, tuning
from studies.trainings import Training, Trainings, best, cells
from studies.work import Records, Unit, complete, recorded


def squares(count, done, stop_at=None):
    """Units that square numbers and note what they did; one of them may be interrupted."""

    def square(n):
        if n == stop_at:
            raise KeyboardInterrupt
        done.append(n)
        return {"square": n * n}

    return [recorded(f"n = {n}", str(n), lambda n=n: square(n)) for n in range(count)]


def table(records):
    return "\n".join(f"{record['key']}: {record['square']}" for record in records)


def test_an_interrupted_study_goes_on_and_gives_the_same_page(tmp_path):
    whole, done = tmp_path / "whole.json", []
    expected = table(complete("all", squares(7, done), Records(whole)))
    cut, first, second = tmp_path / "cut.json", [], []
    with pytest.raises(KeyboardInterrupt):
        complete("all", squares(7, first, stop_at=4), Records(cut))
    assert first == [0, 1, 2, 3] and len(Records(cut)) == 4
    assert table(complete("all", squares(7, second), Records(cut))) == expected
    assert second == [4, 5, 6]
    assert cut.read_bytes() == whole.read_bytes()


def test_units_of_one_key_are_one_and_results_keep_their_order(tmp_path):
    done = []
    units = squares(3, done)
    found = complete("all", [units[2], units[0], units[2], units[1]], Records(tmp_path / "r.json"))
    assert [record["square"] for record in found] == [4, 0, 4, 1] and sorted(done) == [0, 1, 2]


def test_units_run_side_by_side_and_none_begins_after_one_failed(tmp_path):
    both, begun = threading.Barrier(2, timeout=10), []

    def meet(n):
        begun.append(n)
        both.wait()  # breaks unless two run at once
        return {"n": n}

    store = Records(tmp_path / "r.json")
    complete("all", [recorded(str(n), "", lambda n=n: meet(n)) for n in range(4)], store, 2)
    assert sorted(begun) == [0, 1, 2, 3] and len(store) == 4

    def fail():
        begun.append("failed")
        raise SemcomError("no")

    left = [recorded(f"x{n}", "", fail) for n in range(50)]
    begun.clear()
    with pytest.raises(SemcomError, match="^no$"):
        complete("all", left, store, 2)
    assert len(begun) < 50 and len(Records(tmp_path / "r.json")) == 4


def test_a_record_of_another_key_and_a_spoilt_store_are_told(tmp_path):
    store = Records(tmp_path / "r.json")
    with pytest.raises(ValueError, match="another key"):
        complete("all", [Unit("a", "", lambda advance: {"key": "b"})], store)
    (tmp_path / "spoilt.json").write_text('{"records": [{}]}')
    with pytest.raises(SemcomError, match=r"spoilt\.json: .*move it away"):
        Records(tmp_path / "spoilt.json")


def test_trainings_on_disk_are_taken_as_they_are_and_a_failed_one_is_one_line(tmp_path):
    trainings = Trainings(tmp_path / "no set", tmp_path / "runs")
    known = Training("known", "--system none")
    (tmp_path / "runs" / "known").mkdir(parents=True)
    (tmp_path / "runs" / "known" / "a.safetensors").touch()
    assert trainings.complete("all", [known]) == [trainings[known]]
    assert trainings.get(Training("other", "")) is None
    with pytest.raises(SemcomError, match=r"other: .*unknown.*log\.txt"):
        trainings.complete("all", [Training("other", "--system unknown")])


def test_the_first_of_the_best_is_chosen():
    assert best([0.5, 0.7, 0.7]) == 1
    assert cells([0.5, 0.7, 0.7]) == ["0.500", "**0.700**", "0.700"]


def test_a_place_that_stays_empty_leaves_no_gap(tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "TEMPLATES", tmp_path)
    (tmp_path / "some.md").write_text("# ${a}b\n\n$nothing\n\n$lines\n\n$end\n")
    page = pages.page("some", a="A", nothing=[], lines=["x", "y"], end="")
    assert page == "# Ab\n\nx\ny\n"
    with pytest.raises(KeyError, match="end"):
        pages.page("some", a="A", nothing="", lines="")


def test_a_localiser_is_set_beside_itself_with_a_link():
    def record(accuracy, low, high):
        return {"accuracy": accuracy, "accuracy_ci95": [low, high]}

    here = [record(0.5, 0.4, 0.6), record(0.6, 0.5, 0.8)]
    records = {10.0: here, -10.0: [record(0.2, 0, 1)], 0.0: [record(0.3, 0, 1)],
               20.0: [record(0.7, 0, 1)]}  # fmt: skip
    row = localisers.warm_row(("vscg", "sel"), 0.5, records)
    assert row == ["vscg", "sel", "0.500", "0.550 ± 0.071", "1.100", "2", "0.450-0.700",
                   "0.200", "0.300", "0.700"]  # fmt: skip
    assert localisers.warm_row(("vscg", "sel"), None, records)[2:5] == ["-", "0.550 ± 0.071", "-"]


def test_trainings_around_localisers_are_of_those_that_are_shipped():
    runs = localiser_trainings.warm_runs("ave28")
    assert list(runs) == localiser_trainings.WARM_PAIRS
    assert not localiser_trainings.warm_runs("another")
    each = [run for pair in runs.values() for run in pair]
    assert len({run.label for run in each}) == len(each) == 24
    assert "psp-sel-ave28.safetensors --seed 1" in runs["psp", "sel"][1].options
    weak = {pair for pair, of in runs.items() if "--regress 0.03" in of[0].options}
    assert weak == {p for p in runs if p[1] == "wsel" or p[0] == "coattention"}


def test_xi_tells_unlike_sentences_as_often_as_all_pairs_say(monkeypatch):
    rng = np.random.default_rng(4)
    xi, like = rng.integers(0, 6, 60) / 6, rng.random(60)
    told = iter(like)
    net = SimpleNamespace(text=SimpleNamespace(
        judged=lambda logits, noise: (torch.zeros(60, 1), None, torch.from_numpy(xi))))  # fmt: skip
    monkeypatch.setattr(generative_link, "padded", len)
    monkeypatch.setattr(generative_link, "received", lambda *arguments: (None, None))
    monkeypatch.setattr(generative_link, "text", str)
    monkeypatch.setattr(generative_link.WORDS, "compare", lambda one, other: next(told))
    found = generative_link.xi_figures(net, ["said"] * 60, [generative_link.Channel("awgn", 0)], 60)
    unlike = like < 0.6
    pairs = [(s < t) + 0.5 * (s == t) for s in xi[unlike] for t in xi[~unlike]]
    assert found["auroc"] == pytest.approx(np.mean(pairs))
    assert found["means"] == [pytest.approx([xi.mean(), like.mean()])]


def test_uses_of_long_pictures_are_those_of_their_bits():
    clips = [Media(np.full((16 * n, 32, 48, 3), 80, np.uint8), label="") for n in (1, 2)]
    sizes = [8 * len(pictures.encode("h265", each.pictures, 0, 32)[0]) for each in clips]
    expected = sum(BlockCode("qpsk", "3/4", 648).symbols(bits) + 32 for bits in sizes) / 3
    assert generative_link.uses_a_second(clips, "h265", 0, 32) == pytest.approx(expected)


PAGES = (
    "results", "tuning", "attention", "guidance", "localisers", "media", "bound", "synchronisation",
    "coding", "classical", "classical-features", "classical-text",
    "classical-media", "generative", "gallery",
)  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_pages_in_docs_are_their_templates_filled(name):
    """All prose of a page stands in its template, byte for byte."""
    text = (pages.TEMPLATES / f"{name}.md").read_text(encoding="utf-8")
    parts, seen = re.split(r"\$(\w+)", text), set()
    for i, part in enumerate(parts):
        new = f"(?P<{part}>.*?)" if part not in seen else f"(?P={part})"
        parts[i] = new if i % 2 else re.escape(part)
        seen.add(part)
    page = (pages.DOCS / f"{name}.md").read_text(encoding="utf-8")
    found = re.fullmatch("".join(parts), page, re.DOTALL)
    assert found, "the page's prose is not the template's: make it anew"
    assert Template(text).substitute(found.groupdict()) == page
    for command in re.findall(r"-m studies (\w+)", page):
        assert (pages.TEMPLATES.parent / f"{command}.py").is_file()


def test_the_page_of_tuning_is_made_of_its_figures():
    page = (pages.DOCS / "tuning.md").read_text(encoding="utf-8")
    rows = [line[2:-2].split(" | ") for line in page.splitlines() if line.startswith("| ")][1:]
    scores = {label: [float(v.strip("*")) for v in values] for label, *values in rows}
    assert tuning.page(scores, "ave28") == page


def test_every_study_teaches_itself(program):
    listed = program("-m", "studies", "--help").stdout
    for name in (*PAGES, "experiments"):
        assert f"\n  {name.replace('-', '_')} " in listed
    assert "--seeds" in program("-m", "studies", "localisers", "--help").stdout
    done = program("-m", "studies", "nothing")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
