# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Media that are shown again: the store, and the task that judges them."""

import threading

import numpy as np
import pytest
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.media.clip import Media, joined
from gnuradio.semcom.media.store import MediaStore
from gnuradio.semcom.systems import registry
from gnuradio.semcom.tasks.media import FIELDS, PLACE, MediaTask


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
    with pytest.raises(SemcomError, match=f"media {handles[1]}: .*2 of the oldest dropped"):
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
    return MediaTask(MediaStore())


def test_the_registry_has_it():
    assert isinstance(registry.task("media"), MediaTask)


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


def test_figures_follow_from_sums(task):
    clips = [media(seed, pictures=1 + seed) for seed in range(4)]
    rows = np.array([task.score(clip, noisy(clip, i)) for i, clip in enumerate(clips)])
    whole, halves = task.figures(rows, 0), [task.figures(rows[:2], 0), task.figures(rows[2:], 0)]
    weights = [3, 7]  # pictures of each half
    for name in ("psnr_db", "ssim", "ms_ssim"):
        np.testing.assert_allclose(
            whole[name], np.average([h[name] for h in halves], weights=weights)
        )
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


def test_nothing_to_judge_gives_no_figures(task):
    assert not task.score(None, media()).any()
    for rows in (np.zeros((0, len(FIELDS))), [task.score(None, None)]):
        found = task.figures(rows, 0)
        assert found["clips"] == 0 and found["ssim"] is None and found["ssim_ci95"] is None
    only_sound = media(pictures=0)
    found = task.figures([task.score(only_sound, only_sound)], 0)
    assert found["clips"] == 1 and found["ssim"] is None and found["clip_scores"] == []


def test_one_picture_is_enough(task):
    clip = media(pictures=1, seconds=0)
    found = task.figures([task.score(clip, noisy(clip))], 0)
    assert 0 < found["ssim"] < 1 and task.length(clip) == 1


def test_other_sizes_are_an_error_that_names_both(task):
    with pytest.raises(SemcomError, match=r"\[4, 32, 32, 3\].*\[4, 24, 24, 3\]"):
        task.score(media(), media(side=32))
    with pytest.raises(SemcomError, match=r"sound \[16000\].*\[32000\]"):
        task.score(media(), media(seconds=1))
