# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Material as films have it, and what is composed of it to train systems on media."""

import sys
import wave
from argparse import Namespace
from pathlib import Path

import cv2
import numpy as np
import pytest
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.data.clipset import AVE_CLASSES, BACKGROUND
from gnuradio.semcom.data.material_drawn import DrawnMaterial
from gnuradio.semcom.data.material_filmed import EXPOSED, OTHERS, FilmedMaterial, at_speed
from gnuradio.semcom.data.material_raw import RawMaterial
from gnuradio.semcom.media.spectrum import RATE

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
import compose


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tone and a picture of one colour of two events and of background."""
    folder = tmp_path_factory.mktemp("filmed")
    rows = ["path,class,split,kind"]
    for k, name in enumerate(("Bark", "Cat", AVE_CLASSES[BACKGROUND])):
        tone = 9000 * np.sin(2 * np.pi * (500 + 700 * k) * np.arange(RATE) / RATE)
        with wave.open(str(folder / f"{k}.wav"), "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", ""))
            file.writeframes(tone.astype(np.int16).tobytes())
        cv2.imwrite(str(folder / f"{k}.png"), np.full((90, 120, 3), 60 + 60 * k, np.uint8))
        rows += [f"{k}.wav,{name},train,audio", f"{k}.png,{name},train,image"]
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    return folder


def test_other_things_are_events_of_films(folder):
    events = FilmedMaterial(folder, "train").events()
    assert sorted(set(events)) == sorted([AVE_CLASSES.index(n) for n in ("Bark", "Cat")]
                                         + [BACKGROUND])  # fmt: skip
    assert events.count(BACKGROUND) == OTHERS
    assert FilmedMaterial(folder, "train", exposed=True).events().count(BACKGROUND) == EXPOSED


def highest(sound):
    """Frequency [Hz] of the strongest part of a sound."""
    spectrum = np.abs(np.fft.rfft(sound))
    return (spectrum[1:].argmax() + 1) * RATE / len(sound)


def test_a_faster_sound_is_higher_and_shorter():
    tone = np.sin(2 * np.pi * 500 * np.arange(RATE) / RATE).astype(np.float32)
    for speed in (0.5, 1.0, 1.6):
        played = at_speed(tone, speed)
        assert played.dtype == np.float32 and abs(len(played) - RATE / speed) < 3
        assert abs(highest(played) - 500 * speed) < 2


def test_other_things_sound_more_various_where_a_system_is_exposed_to_them(folder):
    few, many = (FilmedMaterial(folder, "train", exposed=e) for e in (False, True))
    kinds = [{round(highest(m.sound(np.random.default_rng(s), BACKGROUND)), -2) for s in range(20)}
             for m in (few, many)]  # fmt: skip
    assert len(kinds[1]) > len(kinds[0]) + 3
    bark = AVE_CLASSES.index("Bark")
    np.testing.assert_array_equal(*(m.sound(np.random.default_rng(1), bark) for m in (few, many)))


def options(folder, **more):
    """Those of tools/compose.py."""
    given = {"raw": folder, "features": "world", "weights": None, "only": None, "filmed": False}
    return Namespace(**{**given, "folds": None, "seed": 3, "train": 9, "val": 4, **more})


def test_training_clips_of_a_fold_have_the_features_of_maps_that_have_not_seen_it(
    folder, tmp_path, monkeypatch
):
    for fold in range(3):
        (tmp_path / f"fold{fold}.safetensors").touch()
        (folder / f"fold{fold}").mkdir()
        rows = (folder / "manifest.csv").read_text().replace("\n", "\n../").removesuffix("../")
        (folder / f"fold{fold}" / "manifest.csv").write_text(rows)
    monkeypatch.setattr(compose, "extractor", lambda name, weights=None: weights)
    args = options(folder, folds=tmp_path)
    train = compose.parts(args, "media", "train")
    assert [clips.features.stem for clips in train] == ["fold0", "fold1", "fold2"]
    assert [clips.materials[0].folder.name for clips in train] == ["fold0", "fold1", "fold2"]
    assert [len(clips) for clips in train] == [3, 3, 3]
    assert len({id for clips in train for id in clips.ids}) == 9
    kinds = [type(m) for m in train[0].materials]
    assert kinds == [FilmedMaterial, FilmedMaterial, RawMaterial, DrawnMaterial]
    (val,) = compose.parts(args, "media", "val")
    assert val.features is None and val.materials[0].folder == folder and len(val) == 4


def test_folds_without_maps_are_refused(folder, tmp_path):
    with pytest.raises(SemcomError, match="train_world"):
        compose.parts(options(folder, folds=tmp_path), "media", "train")


def test_sounds_of_films_keep_their_pitch_and_change_otherwise(folder):
    material, bark = FilmedMaterial(folder, "train"), AVE_CLASSES.index("Bark")
    sounds = [material.sound(np.random.default_rng(seed), bark) for seed in range(30)]
    levels = [20 * np.log10(s.std()) for s in sounds]
    assert max(levels) - min(levels) > 15
    assert np.mean([highest(s) == 500 for s in sounds]) > 0.85
    assert all(len(s) == RATE and s.dtype == np.float32 for s in sounds)
    noises = [material.hum(np.random.default_rng(seed)) for seed in range(30)]
    assert 3 < sum(len(n) == 5 * RATE for n in noises) < 20  # a third are noise


def test_pictures_of_films_differ_in_size_and_brightness(folder):
    material, cat = FilmedMaterial(folder, "train"), AVE_CLASSES.index("Cat")
    shown = [material.picture(np.random.default_rng(seed), cat) for seed in range(40)]
    heights, middles = zip(*((p.shape[0], int(p[p.shape[0] // 2, p.shape[1] // 2, 0]))
                             for p in shown), strict=True)  # fmt: skip
    assert min(heights) < 200 and max(heights) > 250
    assert min(middles) < 80 and max(middles) > 130  # of 120
    assert all(p.shape[2] == 4 and p.dtype == np.uint8 for p in shown)
    assert material.scene(np.random.default_rng(0)).shape[2] == 3
