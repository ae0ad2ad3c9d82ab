# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What is counted of natural clips, and of confidence."""

from types import SimpleNamespace

import numpy as np
import pytest
from gnuradio.semcom.nets.names import AVE_CLASSES

from studies import media_clips as clips
from studies.media_confidence import confidence_table

BARK, CAT, NONE = AVE_CLASSES.index("Bark"), AVE_CLASSES.index("Cat"), len(AVE_CLASSES) - 1


def window(*seconds):
    """Of (class, its probability; the rest is spread over the others) of each second."""
    rows = []
    for event, sure in seconds:
        row = np.full(len(AVE_CLASSES), (1 - sure) / (len(AVE_CLASSES) - 1))
        row[event] = sure
        rows.append(row)
    told = np.array(rows)
    whole = told[:, :-1].mean(0)
    return SimpleNamespace(
        classes=AVE_CLASSES, probabilities=told, events=[AVE_CLASSES[k] for k in told.argmax(1)],
        confidence=told.max(1), ranked=lambda: [AVE_CLASSES[k] for k in np.argsort(-whole)],
    )  # fmt: skip


def test_a_row_counts_what_is_scored():
    clip = {"file": "a.mp4", "ave_class": "Bark", "segments": [[0, 2], [3, 4]],
            "uncertain_seconds": [1, 9]}  # fmt: skip
    row = clips.row(clip, window((BARK, 0.9), (CAT, 0.8), (NONE, 0.7), (CAT, 0.6)))
    assert (row["right"], row["scored"], row["background"], row["seconds"]) == (2, 3, 1, 4)
    assert row["said"] == "Cat" and row["sure"] == pytest.approx(0.7)
    assert row["event_confidence"] == pytest.approx([0.9, 0.8, 0.6])
    assert row["ranked"][0] == ("Cat", pytest.approx((0.8 + 0.6 + 0.1 / 28 + 0.3 / 28) / 4, 1e-3))
    assert clips.spoken(row) == "Cat (70%)" and row["strength"] == "strong"
    assert clips.named(row, 2) and not clips.named(row, 1)


def test_a_film_of_none_may_stay_quiet_or_be_unsure():
    clip = {"file": "b.mp4", "ave_class": "other", "segments": [], "label_strength": "other"}
    quiet = clips.row(clip, window((NONE, 0.9), (NONE, 0.5)))
    assert quiet["said"] == quiet["class"] == "background" and quiet["event_confidence"] == []
    wrong = clips.row(clip, window((CAT, 0.4), (NONE, 0.5)))
    assert clips.spoken(wrong) == "Cat (40%, unsure)" and wrong["right"] == 1


def rows():
    def one(name, hit, strength="strong"):
        seconds = [(AVE_CLASSES.index(name) if hit else NONE, 0.9)] * 2
        told = {"file": name, "ave_class": name, "segments": [[0, 2]], "label_strength": strength}
        return clips.row(told, window(*seconds))

    other = {"file": "o", "ave_class": "other", "segments": [], "label_strength": "other"}
    return [
        one("Bark", True), one("Bark", True), one("Bark", True), one("Bark", False),
        one("Horse", False), one("Goat", True, "weak"),
        clips.row(other, window((CAT, 0.8), (NONE, 0.9), (NONE, 0.9), (NONE, 0.9))),
    ]  # fmt: skip


def test_classes_weigh_alike():
    found = rows()[:5]
    # the first of 28 equal ones is no bark: a background's rest is spread evenly
    assert clips.balanced(found, 1) == pytest.approx((0.75 + 0) / 2)
    low, high = clips.interval(found, 1)
    assert 0 <= low < 0.375 < high <= 0.5


def test_the_summary_tells_strong_weak_and_none_apart():
    text = clips.summary("here", rows())
    assert "- here: 3 of 5 clips (0.15 to 0.95; 3 by the decision); balanced" in text
    assert "balanced clip accuracy 0.38" in text and "over 2 classes" in text
    assert "1 of 1 weak clips" in text
    assert "Of 1 films of none of the classes, 0.75 of the seconds say background" in text
    assert "event is said: 0.80" in text
    lines = clips.table({"here": rows(), "there": rows()})
    assert len(lines) == 2 + len({r["file"] for r in rows()})


def test_confidence_is_told_before_and_after():
    rng = np.random.default_rng(0)
    right = rng.random((400, 10)) < 0.6

    def told(path, clips):
        pair = {False: (np.full(right.shape, 0.9), right), True: (np.full(right.shape, 0.6), right)}
        return {(snr, c): pair[c] for snr in (-10.0, 0.0, 10.0) for c in (False, True)}

    lines, every = confidence_table({"s": "p"}, [SimpleNamespace(name="set")], told)
    cells = [cell.strip() for cell in lines[2].strip("|").split("|")]
    assert cells[:3] == ["set", "s", "-10 dB"] and len(lines) == 5 and ("s", "set") in every
    assert float(cells[5]) == pytest.approx(0.9 - right.mean(), abs=1e-3)
    assert float(cells[6]) == pytest.approx(abs(0.6 - right.mean()), abs=1e-3)
    few, fewer = map(float, cells[7].split("-"))  # mean deviation of 4000 and of 400 draws
    assert few == pytest.approx(0.0062, abs=0.001) and fewer == pytest.approx(0.0195, abs=0.003)
