# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The detector that judges what is shown again: its output read by hand, photographs that
scikit-image carries, and the count of what is found again."""

import math

import numpy as np
import pytest
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.media.clip import Media
from gnuradio.semcom.media.spectrum import RATE
from gnuradio.semcom.perception import detection
from gnuradio.semcom.perception.detection import Box, boxes_of, detector, found_again
from gnuradio.semcom.tasks.media import MediaTask
from skimage import data

CAT, DOG = (detection.CLASSES.index(name) for name in ("cat", "dog"))


def output(*cells):
    """An output [85, 4, 8]; a cell: (row, column, objectness, [dx, dy, w, h], class, likely)."""
    made = np.zeros((85, 4, 8), np.float32)
    for row, column, objectness, offsets, name, likely in cells:
        made[0, row, column] = objectness
        made[1:5, row, column] = offsets
        made[5 + name, row, column] = likely
    return made


def test_a_cell_is_a_box():
    quarter = math.log(1 / 3)  # sigmoid: 1/4
    offsets = [math.atanh(0.5), 0.0, 0.0, quarter]
    (box,) = boxes_of(output((2, 4, 0.9, offsets, DOG, 0.8)))
    assert box.name == "dog" and box.score == pytest.approx(0.9**0.6 * 0.8**0.4)
    middle = box.left + box.width / 2, box.top + box.height / 2
    assert middle == pytest.approx((4.5 / 8, 2 / 4))
    assert (box.width, box.height) == pytest.approx((0.5, 0.25))


def test_unsure_cells_and_overlaps_are_left_out():
    same = [0.0, 0.0, 0.0, 0.0]
    cells = [
        (1, 3, 0.8, same, CAT, 0.9),
        (1, 4, 0.9, same, CAT, 0.9),  # surer, and three quarters of the first
        (1, 4 - 1, 0.8, same, CAT, 0.9),
        (3, 7, 0.4, same, DOG, 0.9),  # below the least score
    ]
    (box,) = boxes_of(output(*cells))
    assert box.left == pytest.approx(4 / 8 - 1 / 4)
    other = (1, 3, 0.8, same, DOG, 0.9)
    assert [box.name for box in boxes_of(output(other, cells[1]))] == ["cat", "dog"]


def test_iou_in_closed_form():
    box = Box("cat", 0.0, 0.0, 0.5, 0.5)
    assert box.iou(box) == 1
    assert box.iou(Box("cat", 0.25, 0.0, 0.5, 0.5)) == pytest.approx(1 / 3)
    assert box.iou(Box("cat", 0.5, 0.5, 0.5, 0.5)) == 0


def test_what_is_found_again_counts_once():
    cat, far = Box("cat", 0, 0, 0.5, 0.5), Box("cat", 0.6, 0.6, 0.3, 0.3)
    moved = Box("cat", 0.1, 0, 0.5, 0.5)  # IoU 2/3
    assert found_again([cat], [cat]) == (1, 1)
    assert found_again([cat], [moved, cat]) == (1, 1)
    assert found_again([cat, far], [moved]) == (1, pytest.approx(2 / 3))
    assert found_again([cat], [Box("dog", 0, 0, 0.5, 0.5)]) == (0, 0)
    assert found_again([], [cat]) == (0, 0) and found_again([cat], []) == (0, 0)


@pytest.mark.parametrize(
    "name, shows", [("chelsea", "cat"), ("astronaut", "person"), ("coffee", "cup")]
)
def test_photographs(name, shows):
    picture = getattr(data, name)()
    first = detector()(picture)[0]
    assert first.name == shows and first.score > 0.75
    mirrored = detector()(np.ascontiguousarray(picture[:, ::-1]))[0]
    assert mirrored.name == shows
    there = Box(shows, 1 - first.left - first.width, first.top, first.width, first.height)
    assert mirrored.iou(there) > 0.8


def test_the_task_counts_what_is_still_there():
    cat, nothing = data.chelsea()[:256, :256], np.full((256, 256, 3), 128, np.uint8)
    sound, task = np.zeros(2 * RATE, np.float32), MediaTask(distance=None)  # two seconds
    sent, other = (Media(np.stack(pair), sound) for pair in ((cat, cat), (cat, nothing)))
    rows = [task.score(sent, other), task.score(sent, None)]
    whole, half, none = (task.figures([row], 0) for row in (task.score(sent, sent), *rows))
    assert whole["detection"] == whole["detection_iou"] == 1
    assert half["detection_iou"] == 0.5 and half["detection"] == pytest.approx(2 / 3)
    assert none["detection"] == none["detection_iou"] == 0
    blank = Media(nothing[None])
    assert task.figures([task.score(blank, blank)], 0)["detection"] is None


def test_a_missing_or_damaged_file_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("SEMCOM_MODELS", str(tmp_path))
    with pytest.raises(SemcomError, match="detector.onnx: cannot be read as a detector"):
        detection.Detector()
    (tmp_path / detection.DETECTOR).write_bytes(b"no network")
    with pytest.raises(SemcomError, match="copy it again"):
        detection.Detector()
