# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Drawn sounds and pictures, the clips composed of them, and that neither is told by a mean."""

import av
import numpy as np
import pytest
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.data import AVE_CLASSES, BACKGROUND
from gnuradio.semcom.data.composition import (
    Script,
    compose,
    random_script,
    write_clip,
)
from gnuradio.semcom.data.material_drawn import DrawnMaterial
from gnuradio.semcom.media.sources import MediaSource
from gnuradio.semcom.media.spectrum import RATE
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

MATERIAL = DrawnMaterial()
EVENTS = MATERIAL.events()
NAMES = [AVE_CLASSES[event] for event in EVENTS]


def generator(*key):
    return np.random.default_rng([12, *key])


def clip(*key, material=MATERIAL):
    rng = generator(*key)
    script = random_script(rng, material.events())
    return script, *compose(rng, material, script)


def always(event):
    """A script of one event from end to end."""
    event = np.full(10, event)
    return Script(event, event, event, -1)


def test_ten_events():
    assert len(EVENTS) == 10
    assert BACKGROUND not in EVENTS


@pytest.mark.parametrize("event", EVENTS, ids=NAMES)
def test_sounds_are_whole_and_not_clipped(event):
    for k in range(8):
        sound = MATERIAL.sound(generator(event, k), event)
        assert sound.dtype == np.float32
        assert RATE <= len(sound) <= 4 * RATE
        assert np.isfinite(sound).all()
        peak = np.abs(sound).max()
        assert 0.01 < peak < 1
        assert (np.abs(sound) > 0.999 * peak).sum() < 5  # clipping would leave many


@pytest.mark.parametrize("event", EVENTS, ids=NAMES)
def test_pictures_have_an_object_and_its_surroundings(event):
    for k in range(4):
        picture = MATERIAL.picture(generator(event, k), event)
        assert picture.dtype == np.uint8
        assert 90 <= max(picture.shape[:2]) <= 160
        opaque = picture[..., 3] > 127
        assert 0.1 < opaque.mean() < 0.95


def test_scene_and_hum():
    scene, hum = MATERIAL.scene(generator()), MATERIAL.hum(generator())
    assert scene.shape == (224, 300, 3)
    assert scene.dtype == np.uint8
    assert scene.std() > 5
    assert hum.dtype == np.float32
    assert 0.01 < hum.std() < np.abs(hum).max() < 1


def test_same_seed_same_clip():
    (script, sound, picture_at), (again, same_sound, same_picture_at) = clip(1), clip(1)
    assert np.array_equal(script.labels, again.labels)
    assert np.array_equal(sound, same_sound)
    assert np.array_equal(picture_at(3.3), same_picture_at(3.3))
    for other in (clip(2), clip(1, material=DrawnMaterial(seed=1))):
        assert not np.array_equal(sound, other[1])
        assert not np.array_equal(picture_at(3.3), other[2](3.3))


def test_an_event_counts_where_it_is_heard_and_seen():
    scripts = [random_script(generator(k), EVENTS) for k in range(1000)]
    for script in scripts:
        both = (script.heard == script.seen) & (script.heard >= 0)
        assert np.array_equal(script.labels, np.where(both, script.heard, BACKGROUND))
        assert len(set(script.labels.tolist()) - {BACKGROUND}) <= 1
        assert script.bystander not in set(script.heard[script.heard >= 0])
    labels = np.array([script.labels for script in scripts])
    event_seconds = (labels != BACKGROUND).sum(1)
    assert (event_seconds == 0).mean() == pytest.approx(0.15, abs=0.04)
    assert (event_seconds == 10).mean() == pytest.approx(0.85 * 0.6, abs=0.05)
    assert 1 not in event_seconds
    assert set(labels.ravel()) == {*EVENTS, BACKGROUND}
    outside = labels == BACKGROUND
    heard, seen = (np.array([getattr(s, n) for s in scripts]) >= 0 for n in ("heard", "seen"))
    for kind in (heard & ~seen, ~heard & seen, ~heard & ~seen, heard & seen):
        assert (outside & kind).sum() > 0.1 * outside.sum()


def test_a_script_of_another_length():
    script = random_script(generator(), EVENTS, seconds=4)
    sound, _ = compose(generator(), MATERIAL, script)
    assert len(script.labels) == 4
    assert len(sound) == 4 * RATE
    with pytest.raises(SemcomError, match="needs 2 events"):
        random_script(generator(), EVENTS[:1])


def test_what_is_heard_stands_above_the_hum():
    event = EVENTS[0]
    heard = np.array([-1] * 5 + [event] * 5)
    script = Script(np.full(10, BACKGROUND), heard, np.full(10, -1), -1)
    for k in range(5):
        sound, _ = compose(generator(k), MATERIAL, script)
        assert sound.dtype == np.float32
        assert np.abs(sound).max() < 1
        levels = np.sqrt(np.mean(sound.reshape(10, RATE) ** 2, 1))
        assert 0 < levels[:5].max() < 0.7 * levels[5:].mean()


def test_pictures_move_smoothly_and_fade_into_each_other():
    nothing, event = np.full(10, -1), np.array([EVENTS[0]] * 5 + [EVENTS[1]] * 5)
    _, picture_at = compose(
        generator(), MATERIAL, Script(np.full(10, BACKGROUND), nothing, event, -1)
    )
    pictures = [picture_at(k / 64).astype(int) for k in range(640)]
    assert pictures[0].shape == (224, 300, 3)
    steps = np.array([np.abs(a - b).mean() for a, b in zip(pictures, pictures[1:], strict=False)])
    assert np.abs(pictures[0] - pictures[-1]).mean() > 4 * steps.max()
    assert steps[310:330].max() > 2 * np.median(steps)  # where one replaces the other ...
    changed = np.abs(picture_at(4.85) - picture_at(5.15).astype(int)).mean()
    assert steps.max() < 0.5 * changed  # ... but not at once


class Cards:
    """A material of other sizes than the drawn one's, with nothing random."""

    def events(self):
        return [3, 5]

    def sound(self, rng, event):
        return np.full(2000, event / 10, np.float32)

    def picture(self, rng, event):
        return np.full((40, 30, 4), 50 * event, np.uint8)

    def scene(self, rng):
        return np.zeros((500, 400, 3), np.uint8)

    def hum(self, rng):
        return np.zeros(1000, np.float32)


def test_any_library_can_be_composed_from():
    sound, picture_at = compose(generator(), Cards(), always(5))
    assert sound.max() == pytest.approx(0.5)
    assert picture_at(9.9).shape == (224, 300, 3)
    assert picture_at(9.9).max() > 200


def lag(sound, reference):
    """By how many samples ``sound`` is late."""
    size = 2 * len(reference)
    product = np.fft.rfft(sound, size) * np.conj(np.fft.rfft(reference, size))
    best = int(np.fft.irfft(product, size).argmax())
    return best - size if best > size // 2 else best


def test_a_written_clip_reads_back(tmp_path):
    path = tmp_path / "clip.mp4"
    sound, picture_at = compose(generator(), MATERIAL, always(EVENTS[1]))
    write_clip(path, sound, picture_at)
    assert [file.name for file in tmp_path.iterdir()] == ["clip.mp4"]
    seconds = list(MediaSource(path))
    assert [second.number for second in seconds] == list(range(10))
    read = np.concatenate([second.sound for second in seconds])
    assert abs(lag(read, sound)) < 0.02 * RATE
    assert np.corrcoef(read, sound)[0, 1] > 0.9
    for number, k in ((0, 0), (4, 7), (9, 15)):
        shown = picture_at(number + (k + 0.5) / 16)
        assert seconds[number].pictures[k].shape == shown.shape
        assert np.abs(seconds[number].pictures[k] - shown.astype(int)).mean() < 8


def test_a_clip_that_cannot_be_written_leaves_nothing(tmp_path):
    def broken(time):
        raise av.FFmpegError(1, "no picture")

    with pytest.raises(SemcomError, match="clip.mp4: could not be written"):
        write_clip(tmp_path / "clip.mp4", np.zeros(10 * RATE, np.float32), broken)
    assert list(tmp_path.iterdir()) == []


def mean_colour_and_centroid(sound, picture_at):
    """[10, 4]: of each second, its mean RGB and its spectrum's centroid [Hz]."""
    colours = [picture_at(second + 0.5).mean((0, 1)) for second in range(10)]
    spectra = np.abs(np.fft.rfft(sound.reshape(10, RATE)))
    centroids = spectra @ np.fft.rfftfreq(RATE, 1 / RATE) / spectra.sum(1)
    return np.column_stack([colours, centroids])


def test_means_do_not_tell_the_event():
    clips = [clip(7, k) for k in range(100)]
    inputs = [mean_colour_and_centroid(*media) for _, *media in clips]
    labels = [script.labels for script, *_ in clips]
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    probe.fit(np.concatenate(inputs[:60]), np.concatenate(labels[:60]))
    assert probe.score(np.concatenate(inputs[60:]), np.concatenate(labels[60:])) < 0.5
