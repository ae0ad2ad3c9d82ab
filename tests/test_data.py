# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The AVE layout with its errors, and what the synthetic set promises."""

import h5py
import numpy as np
import pytest
import torch
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.data import (
    AVE_CLASSES,
    BACKGROUND,
    SPLITS,
    SyntheticSet,
    open_set,
)
from gnuradio.semcom.data import synthetic as synthetic_module

FILES = {
    "audio_feature.h5": (5, 7, 24),
    "visual_feature.h5": (5, 7, 5, 6, 40),
    "labels.h5": (5, 7, 6),
    "test_order.h5": (2,),
}


def replace(path, array, key="avadataset"):
    with h5py.File(path, "w") as file:
        file[key] = array


@pytest.fixture
def folder(tmp_path):
    """Five clips of other sizes than AVE's; the test split is rows 3 and 1."""
    rng = np.random.default_rng(0)
    for name, shape in FILES.items():
        array = rng.random(shape).astype(np.float32)
        if name == "labels.h5":
            array = np.eye(6)[rng.integers(0, 6, shape[:2])]
        replace(tmp_path / name, np.array([3, 1]) if "order" in name else array)
    return tmp_path


def test_reads_the_rows_that_the_order_names(folder):
    clips = open_set(folder, "test")
    assert len(clips) == 2
    assert clips.name == folder.name
    with h5py.File(folder / "audio_feature.h5") as file:
        np.testing.assert_array_equal(clips.audio(0), file["avadataset"][3])
    with h5py.File(folder / "visual_feature.h5") as file:
        np.testing.assert_array_equal(clips.visual(1), file["avadataset"][1])
    with h5py.File(folder / "labels.h5") as file:
        np.testing.assert_array_equal(clips.labels(0), file["avadataset"][3].argmax(-1))
    assert clips.classes[-1] == "background"
    assert len(clips.classes) == 6


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_features_of_any_float_type_and_a_key_of_any_name(folder, dtype):
    array = np.random.default_rng(1).random((5, 7, 5, 6, 40)).astype(dtype)
    replace(folder / "visual_feature.h5", array, key="features")
    visual = open_set(folder, "test").visual(0)
    assert visual.dtype == (np.float16 if dtype == np.float16 else np.float32)
    np.testing.assert_allclose(visual, array[3], rtol=1e-6)


def test_annotations_name_classes_by_the_labels_of_their_row(folder):
    labels = np.full((5, 7), 5)
    labels[0, 2:], labels[1, :3], labels[3] = 2, 0, 2
    replace(folder / "labels.h5", np.eye(6)[labels])
    lines = ["Category&VideoID&Quality&StartTime&EndTime"]  # as in AVE's own file
    for row, name in enumerate(["Bark", "Flute", "Banjo", "Bark", "Banjo"]):
        lines.append(f"{name}&clip{row}&good&0&10")
    (folder / "Annotations.txt").write_text("\n".join(lines))
    clips = open_set(folder, "test")
    assert clips.classes == ("Flute", "event 1", "Bark", "event 3", "event 4", "background")
    assert clips.ids == ["clip3", "clip1"]


def nan_features():
    array = np.zeros(FILES["visual_feature.h5"], np.float16)
    array[3, 2, 1, 1, 1] = np.nan
    return array


@pytest.mark.parametrize(
    ("name", "array", "says"),
    [
        ("audio_feature.h5", np.zeros((5, 7)), "d_a"),
        ("visual_feature.h5", np.zeros((5, 7, 40)), "d_v"),
        ("visual_feature.h5", np.zeros((4, 7, 5, 6, 40)), r"\(4, 7\).*\(5, 7\)"),
        ("visual_feature.h5", np.zeros((5, 8, 5, 6, 40)), r"\(5, 8\).*\(5, 7\)"),
        ("visual_feature.h5", nan_features(), "row 3 holds NaN"),
        ("labels.h5", np.full((5, 7, 6), 0.2), "one-hot"),
        ("test_order.h5", np.array([3, 5]), "index 5, expected 0 to 4"),
        ("test_order.h5", np.array([-1, 0]), "index -1"),
        ("test_order.h5", np.array([0.0, 0.7]), "index 0.7, expected whole row numbers"),
        ("test_order.h5", np.array([np.nan, 1]), "index nan, expected whole"),
    ],
)
def test_wrong_content_is_told_in_one_line(folder, name, array, says):
    replace(folder / name, array)
    with pytest.raises(SemcomError, match=says) as caught:
        open_set(folder, "test").visual(0)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", list(FILES))
@pytest.mark.parametrize("damage", ["missing", "cut", "foreign"])
def test_damaged_files_are_told_in_one_line(folder, name, damage):
    path = folder / name
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:700])
    else:
        with h5py.File(path, "w") as file:
            file["one"], file["two"] = np.zeros(3), np.zeros(3)
    with pytest.raises(SemcomError, match=str(path)) as caught:
        open_set(folder, "test")
    assert "\n" not in str(caught.value)


def test_no_folder_and_no_split(tmp_path):
    with pytest.raises(SemcomError, match="no such folder"):
        open_set(tmp_path / "nowhere", "test")
    with pytest.raises(SemcomError, match="train, val, test"):
        open_set(None, "testing")


# --- the synthetic set ----------------------------------------------------------------------------


def test_clips_are_a_function_of_seed_split_and_number():
    clips, again = SyntheticSet("test", size=4), SyntheticSet("test", size=9)
    for read in ("audio", "visual", "labels"):
        first = getattr(clips, read)(3)
        np.testing.assert_array_equal(first, getattr(again, read)(3))
        assert not np.array_equal(first, getattr(clips, read)(2))
        assert not np.array_equal(first, getattr(SyntheticSet("val", size=4), read)(3))
    assert not np.array_equal(clips.audio(3), SyntheticSet("test", size=4, seed=1).audio(3))
    assert len(set(clips.ids)) == 4
    with pytest.raises(IndexError):
        clips.audio(4)


def test_clips_have_aves_shapes():
    clips = open_set(None, "test")
    assert clips.audio(0).shape == (10, 128)
    assert clips.visual(0).shape == (10, 7, 7, 512)
    assert clips.audio(0).dtype == clips.visual(0).dtype == np.float32
    assert clips.visual(0).min() == 0
    assert clips.labels(0).dtype == np.int64
    assert clips.classes == AVE_CLASSES


def test_scripts_hold_off_screen_sounds_silent_objects_and_background():
    kinds = {"event": 0, "off-screen": 0, "silent": 0, "neither": 0}
    lengths = []
    for i in range(400):
        rng = np.random.default_rng([0, 1, i])
        labels, heard, seen, bystander = synthetic_module._script(rng)
        event = labels != BACKGROUND
        lengths.append(event.sum())
        assert (heard[event] == labels[event]).all()
        assert (seen[event] == labels[event]).all()
        assert not ((heard == seen) & (heard >= 0))[~event].any()
        if bystander >= 0:  # never what the sound could mean as well
            assert bystander // 2 != labels[event][0] // 2
        kinds["event"] += event.sum()
        kinds["off-screen"] += ((heard >= 0) & (seen < 0)).sum()
        kinds["silent"] += ((seen >= 0) & (heard < 0)).sum()
        kinds["neither"] += ((seen < 0) & (heard < 0)).sum()
    shares = {name: count / 4000 for name, count in kinds.items()}
    assert 0.65 < shares.pop("event") < 0.85
    assert all(share > 0.03 for share in shares.values())
    assert min(lengths) >= 2


def test_sources_are_the_cells_that_hold_the_event():
    clips = SyntheticSet("test", size=30)
    for i in range(30):
        cells, maps = clips.sources(i), clips.visual(i)
        event = clips.labels(i) != BACKGROUND
        assert cells.shape == (10, 7, 7)
        np.testing.assert_array_equal(cells.any((1, 2)), event)
        energy = np.square(maps).sum(-1)
        _, _, _, bystander = synthetic_module._script(np.random.default_rng([0, 3, i]))
        if bystander < 0:  # nothing else is in the picture
            for t in np.flatnonzero(event):
                assert energy[t][cells[t]].min() > energy[t][~cells[t]].mean()


def probe_accuracy(train, test, steps=120):
    """Segment accuracy of a linear softmax probe, trained to the end."""
    (x, y), (x_test, y_test) = train, test
    mean, std = x.mean(0), x.std(0)
    torch.manual_seed(0)
    linear = torch.nn.Linear(x.shape[1], len(AVE_CLASSES))
    optimizer = torch.optim.AdamW(linear.parameters(), 1e-2, weight_decay=1e-2)
    for _ in range(steps):
        loss = torch.nn.functional.cross_entropy(linear((x - mean) / std), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return float((linear((x_test - mean) / std).argmax(1) == y_test).float().mean())


def test_one_modality_alone_does_not_suffice():
    def gather(split, count):
        clips = SyntheticSet(split, size=count)
        audio = np.concatenate([clips.audio(i) for i in range(count)])
        visual = np.concatenate([clips.visual(i).mean((1, 2)) for i in range(count)])
        labels = np.concatenate([clips.labels(i) for i in range(count)])
        return torch.from_numpy(audio), torch.from_numpy(visual), torch.from_numpy(labels)

    train, test = gather("train", 500), gather("test", 150)
    constant = float((test[2] == BACKGROUND).float().mean())
    for modality in (0, 1):
        accuracy = probe_accuracy((train[modality], train[2]), (test[modality], test[2]))
        assert accuracy < 0.6
    audio_accuracy = probe_accuracy((train[0], train[2]), (test[0], test[2]))
    assert audio_accuracy > constant + 0.1


def test_the_set_writes_itself_in_the_ave_layout(tmp_path):
    synthetic_module.write(tmp_path, clips=3)
    for split in SPLITS:
        clips, original = open_set(tmp_path, split), SyntheticSet(split, size=3)
        assert len(clips) == 3
        assert list(clips.classes) == list(AVE_CLASSES)
        assert list(clips.ids) == original.ids
        for i in range(3):
            for read in ("audio", "visual", "labels"):
                np.testing.assert_array_equal(getattr(clips, read)(i), getattr(original, read)(i))
