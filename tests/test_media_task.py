# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Media that are shown again: the store, and the task that judges them."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.media import quality
from gnuradio.semcom.media.clip import Media, joined
from gnuradio.semcom.media.store import MediaStore
from gnuradio.semcom.perception.judges import picture_judge, sound_judge
from gnuradio.semcom.systems import registry
from gnuradio.semcom.tasks import media as media_task
from gnuradio.semcom.tasks.media import FIELDS, PLACE, MediaTask, looked_at


def media(seed=0, pictures=4, seconds=2, side=24, label=""):
    """Smooth coloured noise and tones."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (pictures, side // 4, side // 4, 3))
    shown = np.repeat(np.repeat(coarse, 4, 1), 4, 2).astype(np.uint8)
    time = np.arange(16000 * seconds) / 16000
    sound = 0.3 * np.sin(2 * np.pi * rng.uniform(200, 2000) * time) + rng.normal(0, 0.01, time.size)
    return Media(shown, sound.astype(np.float32), label)


def noisy(clip, seed=1, pictures=20, sound=0.05):
    rng = np.random.default_rng(seed)
    shown = clip.pictures + rng.normal(0, pictures, clip.pictures.shape)
    heard = clip.sound + rng.normal(0, sound, clip.sound.shape)
    return Media(np.clip(shown, 0, 255).astype(np.uint8), heard.astype(np.float32), clip.label)


# --- media and their store ---


@pytest.mark.parametrize(
    ("pictures", "sound", "found"),
    [
        (np.zeros((2, 8, 8)), None, r"pictures \[2, 8, 8\] of float64"),
        (np.zeros((1, 0, 8, 3), np.uint8), None, "pictures"),
        (None, np.zeros(16001, np.float32), r"sound \[16001\] of float32"),
        (None, np.zeros(16000), "float64"),
        (None, np.full(16000, np.nan, np.float32), "NaN"),
    ],
)
def test_media_of_other_shapes_are_refused(pictures, sound, found):
    given = {"pictures": pictures, "sound": sound}
    with pytest.raises(SemcomError, match=found):
        Media(**{name: value for name, value in given.items() if value is not None})


def test_media_know_their_length():
    assert media(pictures=3, seconds=2).seconds == 2
    assert media(pictures=1, seconds=0).seconds == 1
    assert media(pictures=33, seconds=0).seconds == 3
    assert Media().seconds == 1


def test_parts_are_joined_in_their_order():
    parts = [media(seed, pictures=seed + 1, seconds=1, label="Cat") for seed in range(3)]
    whole = joined(parts)
    assert whole.pictures.shape[0] == 6 and whole.label == "Cat"
    np.testing.assert_array_equal(whole.pictures[1:3], parts[1].pictures)
    np.testing.assert_array_equal(whole.sound[32000:], parts[2].sound)
    with pytest.raises(SemcomError, match=r"\(24, 24\), \(32, 32\)"):
        joined([media(), media(side=32)])


def test_a_store_is_bounded_and_counts_what_it_drops():
    clip = media()
    store = MediaStore(limit=3 * clip.nbytes)
    handles = [store.keep(media(seed)) for seed in range(5)]
    assert (len(store), store.dropped, store.bytes) == (3, 2, 3 * clip.nbytes)
    np.testing.assert_array_equal(store.get(handles[2]).sound, media(2).sound)
    with pytest.raises(SemcomError, match=rf"media {handles[1]}: .*dropped \(2 were"):
        store.get(handles[1])
    large = store.keep(media(pictures=400, side=64))
    assert store.get(large).pictures.shape[0] == 400 and len(store) == 1  # one stays
    assert store.dropped == 5


def test_handles_are_never_given_twice_by_any_thread():
    store, handles = MediaStore(limit=10 * media().nbytes), []

    def fill():
        handles.extend(store.keep(media()) for _ in range(50))

    threads = [threading.Thread(target=fill) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(handles) == list(range(200))
    assert store.bytes == 10 * media().nbytes and store.dropped == 190


# --- the task ---


@pytest.fixture(scope="module")
def task():
    return MediaTask(MediaStore(), distance=None)


def test_the_registry_has_it():
    assert isinstance(registry.task("media"), MediaTask)


def test_what_is_shown_again_is_judged_once(monkeypatch):
    calls = []

    def counted(sent, shown):
        calls.append(0)
        return quality.structural_similarity(sent, shown)

    monkeypatch.setattr(media_task, "KEPT", 3)
    monkeypatch.setattr(media_task, "quality", SimpleNamespace(**vars(quality)))
    monkeypatch.setattr(media_task.quality, "structural_similarity", counted)
    task, truth = MediaTask(MediaStore(), distance=None), media()
    shown = [noisy(truth), noisy(truth, pictures=40), Media(noisy(truth).pictures, truth.sound)]
    once = [task.score(truth, each) for each in shown]
    assert len(calls) == 2 * len(truth.pictures)  # the third shows the first's pictures
    assert once[2][PLACE["ssim"]] == once[0][PLACE["ssim"]] != once[1][PLACE["ssim"]]
    assert once[2][PLACE["timbre"]] == pytest.approx(1) and once[0][PLACE["timbre"]] < 0.999
    again = [MediaTask(MediaStore(), distance=None).score(truth, each) for each in shown]
    np.testing.assert_array_equal(again, once)
    other = Media(noisy(truth).pictures, truth.sound)
    assert task.score(media(5), other)[PLACE["ssim"]] < once[0][PLACE["ssim"]]
    assert len(task._judged) == 3  # bounded


def test_an_outcome_is_what_its_handles_lead_to(task):
    parts = [media(seed, seconds=1) for seed in range(2)]
    one, other = (task.store.keep(part) for part in parts)
    whole = task.outcome(np.array([one, other]))
    assert whole.pictures.shape[0] == 8 and whole.seconds == 2
    assert task.outcome(np.array([one] * 10)) is parts[0]
    assert task.message(whole) == {"pictures": 8, "width": 24, "height": 24, "seconds": 2}
    with pytest.raises(SemcomError, match="media 99"):
        task.outcome(np.array([99]))


def test_what_was_sent_itself_is_best(task):
    clip = media()
    found = task.figures(np.array([task.score(clip, clip)]), 0)
    assert (found["psnr_db"], found["ssim"], found["ms_ssim"]) == (60, 1, 1)
    assert found["timbre"] == pytest.approx(1) == found["log_mel_correlation"]
    assert found["lpips"] is None and found["picture_class"] is None  # nobody to ask, no class
    assert (found["clips"], found["seconds"], found["pictures"], found["clips_missed"]) == (
        1,
        2,
        4,
        0,
    )


def test_figures_follow_from_sums(task):
    clips = [media(seed, pictures=1 + seed) for seed in range(4)]
    rows = np.array([task.score(clip, noisy(clip, i)) for i, clip in enumerate(clips)])
    whole, halves = task.figures(rows, 0), [task.figures(rows[:2], 0), task.figures(rows[2:], 0)]
    pictures, sounds = [3, 7], [2, 2]  # of each half
    for name, weights in (
        *(("psnr_db", pictures), ("ssim", pictures), ("ms_ssim", pictures)),
        *(("timbre", sounds), ("log_mel_correlation", sounds)),
    ):
        parts = [half[name] for half in halves]
        assert whole[name] == pytest.approx(np.average(parts, weights=weights))
        low, high = whole[f"{name}_ci95"]
        assert low <= whole[name] <= high and low < high
    assert whole["clip_scores"] == halves[0]["clip_scores"] + halves[1]["clip_scores"]
    assert task.figures(rows, 0) == whole


def test_what_never_arrived_is_grey_and_silent(task):
    clip = media()
    lost = task.score(clip, None)
    grey = Media(np.full_like(clip.pictures, 128), np.zeros_like(clip.sound))
    shown = task.score(clip, grey)
    assert lost[PLACE["missed"]] == 1 == task.errors(lost) and task.errors(shown) == 0
    lost[PLACE["missed"]] = 0
    np.testing.assert_array_equal(lost, shown)
    assert lost[PLACE["timbre"]] == lost[PLACE["log_mel_correlation"]] == 0
    silent = Media(clip.pictures, np.zeros_like(clip.sound))
    assert task.score(silent, None)[PLACE["timbre"]] == 1  # silence was sent


def test_what_was_not_sent_is_not_judged(task):
    """Links that send silence and black pictures for what a film has not."""
    whole = media()
    for kind, other in (("sound", "pictures"), ("pictures", "sound")):
        film = Media(**{kind: getattr(whole, kind)})
        score = task.score(film, film.filled())
        counted = {"sound": "sounds", "pictures": "pictures"}
        assert score[PLACE["missed"]] == 0 == score[PLACE[counted[other]]]
        assert score[PLACE[counted[kind]]] > 0
        assert getattr(film.filled(), other).any() == 0 < len(getattr(film.filled(), other))


def test_nothing_to_judge_gives_no_figures(task):
    assert not task.score(None, media()).any()
    for rows in (np.zeros((0, len(FIELDS))), [task.score(None, None)]):
        found = task.figures(rows, 0)
        assert found["clips"] == 0 and found["ssim"] is None and found["ssim_ci95"] is None
    only_sound = media(pictures=0)
    found = task.figures([task.score(only_sound, only_sound)], 0)
    assert found["clips"] == 1 and found["ssim"] is None and found["clip_scores"] == []
    assert found["timbre"] == pytest.approx(1)


def test_one_picture_is_enough(task):
    clip = media(pictures=1, seconds=0)
    found = task.figures([task.score(clip, noisy(clip))], 0)
    assert 0 < found["ssim"] < 1 and found["timbre"] is None and task.length(clip) == 1


def test_what_has_other_sizes_counts_as_if_it_had_not_arrived(task):
    """As of a receiver that misread the head of a frame."""
    lost = task.score(media(), None)
    for other in (media(side=32), media(seconds=1)):
        assert (task.score(media(), other) == lost).all()
        assert task.figures([task.score(media(), other)], 0)["clips_missed"] == 1


# --- judges ---


class Brightness:
    """Says Cat of what is bright or loud, Bark of the rest; counts how often it was asked."""

    classes = ("Bark", "Cat")

    def __init__(self, threshold):
        self.threshold, self.asked = threshold, 0

    def __call__(self, given):
        self.asked += 1
        return self.classes[int(np.abs(given).mean() > self.threshold)]

    def place(self, given, name):
        """Left of what is very bright."""
        return "left" if given.mean() > 220 else "middle"


@pytest.fixture
def simple(monkeypatch):
    """Simple judges of pictures and of sounds in the place of the networks."""
    see, hear = Brightness(150), Brightness(0.1)
    monkeypatch.setattr(media_task, "picture_judge", lambda: see)
    monkeypatch.setattr(media_task, "sound_judge", lambda: hear)
    return see, hear


def lit(clip, brightness, level, label):
    pictures = np.full_like(clip.pictures, brightness)
    return Media(pictures, np.full_like(clip.sound, level), label)


def test_classes_are_judged_beside_those_of_the_originals(simple):
    task, clip = MediaTask(MediaStore(), distance=None), media()
    bright, dark = lit(clip, 200, 0.5, "Cat"), lit(clip, 20, 0.5, "Cat")
    rows = [
        task.score(bright, dark),  # the picture is lost, the sound is not
        task.score(bright, bright),
        task.score(dark, bright),  # the judge did not know the original
        task.score(bright, None),
        task.score(lit(clip, 200, 0.5, "Flute"), dark),  # nobody knows a flute here
        task.score(lit(clip, 200, 0.5, ""), dark),
    ]
    found = task.figures(rows, 0)
    assert found["picture_class"] == 2 / 4 and found["picture_class_original"] == 3 / 4
    assert found["sound_class"] == 3 / 4 and found["sound_class_original"] == 1
    assert found["picture_class_ci95"] == pytest.approx([0, 1], abs=0.26)
    assert found["sound_class_original_ci95"] == [1, 1]
    assert found["picture_placed"] == found["picture_class"]
    assert [task.errors(row) for row in rows] == [1, 0, 0, 1, 0, 0]
    elsewhere = task.score(bright, lit(clip, 240, 0.5, ""))  # right, but to the left
    found = task.figures([elsewhere, rows[1]], 0)
    assert found["picture_class"] == 1 and found["picture_placed"] == 0.5


def test_an_original_is_judged_once(simple):
    task, clip = MediaTask(MediaStore(), distance=None), media(label="Cat")
    for seed in range(5):
        task.score(Media(clip.pictures.copy(), clip.sound.copy(), "Cat"), noisy(clip, seed))
    assert [judge.asked for judge in simple] == [6, 6]


def test_networks_judge_what_was_sent_and_what_is_shown():
    task, clip = MediaTask(MediaStore(), distance=None), media(side=64)
    seen, heard = picture_judge()(clip.pictures[looked_at(clip)]), sound_judge()(clip.sound)
    for label in {seen, heard, "Cat"}:
        known = Media(clip.pictures, clip.sound, label)
        rows = [task.score(known, known), task.score(known, None)]  # grey and silence are nothing
        found = task.figures(rows, 0)
        assert found["picture_class_original"] == (seen == label)
        assert found["picture_class"] == (seen == label) / 2
        if label in sound_judge().classes:
            assert found["sound_class_original"] == (heard == label)
            assert found["sound_class"] == (heard == label) / 2


def test_networks_look_at_one_picture_of_each_second():
    assert looked_at(media(pictures=16, seconds=1)).tolist() == [8]
    assert looked_at(media(pictures=48, seconds=3)).tolist() == [8, 24, 40]
    assert looked_at(media(pictures=3, seconds=2)).tolist() == [0, 2]
    assert looked_at(media(pictures=2, seconds=5)).tolist() == [0, 1]
    given = []

    def distance(sent, shown):
        given.append((sent, shown))
        return np.array([0.25, 0.5])

    clip, task = media(pictures=32, seconds=2), MediaTask(MediaStore(), distance)
    shown = noisy(clip)
    assert task.figures([task.score(clip, shown)], 0)["lpips"] == 0.375
    np.testing.assert_array_equal(given[0][0], clip.pictures[[8, 24]])
    np.testing.assert_array_equal(given[0][1], shown.pictures[[8, 24]])
    tiny = media(side=20)  # below what the distance can see
    assert task.figures([task.score(tiny, tiny)], 0)["lpips"] is None
