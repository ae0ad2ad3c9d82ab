# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What tools and studies say of files that are not what they read."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from gnuradio.semcom.base.errors import SemcomError

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import score_detector
import train_world

from studies import media_clips

DRAWS = {
    "audio": np.ones((2, 2, 3)),
    "maps": np.ones((2, 2, 1, 1, 4)),
    "event": np.zeros(2, int),
    "fold": np.zeros(2, int),
}


def test_draws_are_of_the_seed_that_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(train_world, "draws_of", lambda material, split, seed: DRAWS)
    asked = SimpleNamespace(runs=tmp_path, material=tmp_path, seed=3)
    for _ in range(2):
        assert train_world.kept(asked, "val").keys() == DRAWS.keys()
    asked.seed = 4
    with pytest.raises(SemcomError, match="of seed 3, not 4; give another --runs"):
        train_world.kept(asked, "val")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"audio": np.full((2, 2, 3), np.nan)}, "truncated or holds NaN"),
        ({"fold": np.zeros(1)}, "truncated or holds NaN"),
        ({"maps": None}, "no draws"),
    ],
)
def test_draws_that_are_none(tmp_path, changed, words):
    path = tmp_path / "draws_val.npz"
    np.savez(path, **{name: x for name, x in (DRAWS | changed).items() if x is not None})
    with pytest.raises(SemcomError, match=words):
        train_world.read(path)
    path.write_bytes(b"half of a file")
    with pytest.raises(SemcomError, match="no draws"):
        train_world.read(path)


def test_material_without_folds_trains_nothing(tmp_path):
    with pytest.raises(SemcomError, match="no folder fold0"):
        train_world.materials_of(tmp_path, "train")


@pytest.mark.parametrize(
    "boxes",
    ["[]", "{}", '{"a": [["dog", 0, 0, 1]]}', '{"a": [["dog", NaN, 0, 1, 1, false]]}', "no json"],
)
def test_boxes_that_are_none(tmp_path, boxes):
    (tmp_path / "coco").mkdir()
    (tmp_path / "manifest_coco.csv").write_text("path,split\na.jpg,val\n")
    (tmp_path / "coco" / "boxes.json").write_text(boxes)
    with pytest.raises(SemcomError, match="no COCO pictures with boxes"):
        score_detector.marked(tmp_path)


def clip(name="a.mp4"):
    return {"file": name, "ave_class": "Bark", "segments": [[0, 2]]}


@pytest.mark.parametrize(
    ("clips", "words"),
    [
        ([clip(), clip()], "file a.mp4 is there already"),
        ([], "no clip"),
        ([{"file": "a.mp4"}], "no list of clips with file, ave_class, segments"),
        ("text", "no list of clips"),
        (None, "no list of clips"),
    ],
)
def test_clips_that_are_none(tmp_path, clips, words):
    if clips is not None:
        (tmp_path / "clips.json").write_text(json.dumps({"clips": clips}))
    with pytest.raises(SemcomError, match=words):
        media_clips.read([tmp_path])


def test_a_clip_is_one_window():
    sent = [clip() | {"path": "a.mp4"}, clip("b.mp4") | {"path": "b.mp4"}]

    def windows(*names):
        return SimpleNamespace(windows=[SimpleNamespace(name=name) for name in names])

    assert len(media_clips.windows_of(sent, windows("a.mp4", "b.mp4"))) == 2
    with pytest.raises(SemcomError, match="^a.mp4: 2 windows of 10 s, expected one"):
        media_clips.windows_of(sent, windows("a.mp4", "a.mp4", "b.mp4"))
    with pytest.raises(SemcomError, match="^b.mp4: nothing of it arrived, expected one"):
        media_clips.windows_of(sent, windows("a.mp4"))


def test_of_events_said_equally_often_the_first_is_said():
    window = SimpleNamespace(
        events=["Horn", "Bark", "Bark", "Horn"],
        classes=["Bark", "Horn"],
        probabilities=np.full((4, 2), 0.5),
        confidence=np.array([0.5, 0.7, 0.7, 0.5]),
        ranked=lambda: ["Bark"],
    )
    assert media_clips.row(clip(), window)["said"] == "Horn"
