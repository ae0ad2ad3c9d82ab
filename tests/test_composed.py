# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Sets composed from a folder of single sounds and pictures, and from drawings."""

import wave

import cv2
import numpy as np
import pytest
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.data import open_set
from gnuradio.semcom.data.clipset import AVE_CLASSES, BACKGROUND
from gnuradio.semcom.data.composed_set import ComposedSet
from gnuradio.semcom.data.material_drawn import DrawnMaterial
from gnuradio.semcom.data.material_raw import RawMaterial
from gnuradio.semcom.perception.features import extractor, looked_at

EVENTS = ("Bark", "Cat", "Flute")


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """A folder with two sounds and two pictures of three events and of background."""
    folder, rng = tmp_path_factory.mktemp("raw"), np.random.default_rng(0)
    rows = ["path,class,split,kind,licence"]
    for name in (*EVENTS, "background"):
        for k in range(2):
            sound, picture = f"{name}{k}.wav", f"{name}{k}.png"
            with wave.open(str(folder / sound), "wb") as file:
                file.setparams((1, 2, 8000, 0, "NONE", ""))
                file.writeframes(rng.integers(-9000, 9000, 12000, dtype=np.int16).tobytes())
            noise = rng.integers(0, 256, (50, 70 + 10 * k, 3), dtype=np.uint8)
            cv2.imwrite(str(folder / picture), noise)
            rows += [f"{sound},{name},train,audio,-", f"{picture},{name},train,image,-"]
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    return folder


def test_a_library_reads_sounds_and_pictures_of_its_split(raw):
    material = RawMaterial(raw, "train")
    assert [AVE_CLASSES[event] for event in material.events()] == ["Bark", "Flute", "Cat"]
    bark = AVE_CLASSES.index("Bark")
    assert [len(sound) for sound in material.sounds[bark]] == [24000, 24000]  # 1.5 s at 16 kHz
    assert [picture.shape for picture in material.pictures[bark]] == [(50, 70, 3), (50, 80, 3)]
    stored = cv2.imread(str(raw / "Bark1.png"))[..., ::-1]
    np.testing.assert_array_equal(material.pictures[bark][1], stored)
    assert RawMaterial(raw, "test").events() == []


def test_what_a_library_gives_fits_composition(raw):
    material = RawMaterial(raw, "train")
    for seed in range(10):
        rng = np.random.default_rng(seed)
        picture = material.picture(rng, material.events()[0])
        assert picture.dtype == np.uint8 and picture.shape[2] == 4
        assert 119 <= picture.shape[0] <= 331
        assert picture[0, 0, 3] < 100 and picture[60, 60, 3] == 255  # soft edges
        scene, hum = material.scene(rng), material.hum(rng)
        assert scene.ndim == 3 and hum.ndim == 1 and hum.std() > 0


def change(folder, tmp_path, old, new):
    (tmp_path / "manifest.csv").write_text(
        (folder / "manifest.csv").read_text().replace(old, new, 1)
    )
    return tmp_path


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("class,", "kind of event,", "no column 'class'"),
        ("Bark,train", "Bork,train", "has class 'Bork'"),
        ("audio", "smell", "kind 'smell'"),
        ("Bark0.wav", "none.wav", "none.wav: cannot be read as a sound"),
        ("Bark0.png", "none.png", "none.png: cannot be read as a picture"),
    ],
)
def test_wrong_manifests_say_why(raw, tmp_path, old, new, message):
    for file in raw.glob("*.[wp]*"):
        (tmp_path / file.name).symlink_to(file)
    with pytest.raises(SemcomError, match=message):
        RawMaterial(change(raw, tmp_path, old, new), "train")
    with pytest.raises(SemcomError, match="manifest.csv: missing"):
        RawMaterial(tmp_path / "none", "train")


def test_a_set_takes_its_libraries_in_turn(raw):
    materials = [RawMaterial(raw, "train"), DrawnMaterial()]
    clips = ComposedSet("both", materials, extractor("compact"), "train", 40)
    real = set(materials[0].events()) | {BACKGROUND}
    drawn = set(materials[1].events()) | {BACKGROUND}
    assert all(set(clips.labels(i)) <= (drawn if i % 2 else real) for i in range(40))
    assert any(set(clips.labels(i)) - real for i in range(1, 40, 2))


def test_a_clip_has_the_features_of_its_sound_and_frames():
    features = extractor("world")
    clips = ComposedSet("drawn", [DrawnMaterial()], features, "val", 3, seed=4)
    sound, picture_at = clips.scene(2)
    np.testing.assert_array_equal(clips.audio(2), features.audio(sound.reshape(10, 16000)))
    times = [(k + 0.5) / 16 for k in looked_at(16, features.looks)]
    second = np.stack([picture_at(7 + time) for time in times])[None]
    np.testing.assert_allclose(clips.visual(2)[7], features.visual(second)[0], atol=1e-2)
    again = ComposedSet("drawn", [DrawnMaterial()], features, "val", 3, seed=4)
    np.testing.assert_array_equal(again.visual(2), clips.visual(2))
    np.testing.assert_array_equal(again.labels(2), clips.labels(2))


def test_the_tool_writes_a_set(program, tmp_path):
    out = tmp_path / "drawn"
    sizes = ["--train", "2", "--val", "0", "--test", "1", "--workers", "2"]
    done = program("tools/compose.py", "--only", "drawn", "--out", out, *sizes)
    assert done.returncode == 0, done.stderr
    written = open_set(out, "train")
    clips = ComposedSet("drawn", [DrawnMaterial()], extractor("world"), "train", 2)
    for i in range(2):
        np.testing.assert_array_equal(written.labels(i), clips.labels(i))
        np.testing.assert_allclose(written.audio(i), clips.audio(i), atol=1e-4)
    assert len(open_set(out, "test")) == 1
    done = program("tools/compose.py", "--out", out)
    assert done.returncode == 2 and "--raw: missing" in done.stderr
