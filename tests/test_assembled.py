# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Clips assembled of strips, and the material that films have."""

import wave

import cv2
import numpy as np
import pytest
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.data.assembled_set import AssembledSet, Strips
from gnuradio.semcom.data.clipset import AVE_CLASSES, BACKGROUND
from gnuradio.semcom.data.composition import random_script
from gnuradio.semcom.data.material_filmed import OTHERS, FilmedMaterial
from gnuradio.semcom.media.spectrum import RATE

EVENTS = (3, 7, BACKGROUND)


@pytest.fixture
def strips():
    """Three strips of each of three seconds, of which the last is without the event; a feature is
    10 event + second, another the strip."""
    event = np.repeat(EVENTS, 3)
    second = 10.0 * event[:, None] + np.arange(3)
    number = np.broadcast_to(np.arange(len(event))[:, None], second.shape)
    both = np.stack([second, number], -1)
    grid = np.broadcast_to(both[:, :, None, None], (len(event), 3, 2, 3, 2))
    return Strips(both.astype(np.float32), grid.astype(np.float16), event)


def told(track):
    """What is heard or seen in each second, and of which event the strip is."""
    event, second = np.divmod(np.round(track[:, 0], 2), 10)
    return np.where(second == 2, -1, event), event


def test_clips_follow_their_scripts(strips):
    clips = AssembledSet("a", [strips], "train", 40, seed=1)
    background = 0
    for i in range(40):
        script = random_script(np.random.default_rng([1, 11, i]), strips.events())
        np.testing.assert_array_equal(clips.labels(i), script.labels)
        audio, visual = clips.audio(i), clips.visual(i)
        assert audio.shape == (10, 2) and visual.shape == (10, 2, 3, 2)
        for track, which in ((audio, script.heard), (visual[:, 0, 0], script.seen)):
            there, of = told(track.astype(float))
            np.testing.assert_array_equal(there, which)
            if (which >= 0).any():  # elsewhere it is the scene of what is there first
                assert (of[which < 0] == which[which >= 0][0]).all()
            for event in set(of):
                assert np.ptp(track[of == event, 1].astype(float)) == 0  # one mixture an event
        background += (script.heard == BACKGROUND).all()
    assert background > 6  # things of no class come often


def test_clips_are_a_function_of_seed_and_number(strips):
    one, same, other = (AssembledSet("a", [strips], "val", 6, seed=s) for s in (0, 0, 1))
    np.testing.assert_array_equal(one.audio(4), same.audio(4))
    assert any(not np.array_equal(one.audio(i), other.audio(i)) for i in range(6))
    assert one.ids[4] == same.ids[4] != other.ids[4]


def test_materials_take_turns(strips):
    others = Strips(strips.audio + 1000, strips.visual, strips.event)
    clips = AssembledSet("a", [strips, others], "train", 4)
    assert [bool(clips.audio(i).max() > 900) for i in range(4)] == [False, True, False, True]


def test_strips_of_one_event_make_no_clips(strips):
    kept = strips.event == 7
    few = Strips(strips.audio[kept], strips.visual[kept], strips.event[kept])
    with pytest.raises(SemcomError, match="expected two"):
        AssembledSet("a", [few], "train", 1)


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


def test_sounds_of_films_keep_their_pitch_and_change_otherwise(folder):
    material, bark = FilmedMaterial(folder, "train"), AVE_CLASSES.index("Bark")
    sounds = [material.sound(np.random.default_rng(seed), bark) for seed in range(30)]
    levels = [20 * np.log10(s.std()) for s in sounds]
    assert max(levels) - min(levels) > 15
    highest = [np.abs(np.fft.rfft(s))[1:].argmax() + 1 for s in sounds]
    assert np.mean(np.array(highest) == 500) > 0.85
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
