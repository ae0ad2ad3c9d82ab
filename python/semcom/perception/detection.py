# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Detection of everyday objects in pictures by FastestDet, a small published detector of COCO's 80
classes, run by OpenCV.  No system of this module was trained with it."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from ..base.errors import SemcomError
from ..base.optional import cv2
from ..weights.names import models_folder

DETECTOR = "detector.onnx"
SIDE = 352  # [pixels] side of the detector's input
SURE = 0.65  # least score of a box, its authors' value
OVERLAP = 0.45  # IoU above which only the better one of two boxes of a class is kept
SAME = 0.5  # IoU from which two boxes show the same object
OBJECTNESS = 0.6  # exponent in a score: objectness^0.6 class^0.4, its authors' value

CLASSES = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat",
    "traffic light", "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog",
    "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella",
    "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard", "sports ball", "kite",
    "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange",
    "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant",
    "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone",
    "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors",
    "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip


@dataclass(frozen=True)
class Box:
    """An object in a picture: ``name`` in :data:`CLASSES`; ``left``, ``top``, ``width`` and
    ``height`` relative to the picture's size; ``score`` 0 to 1."""

    name: str
    left: float
    top: float
    width: float
    height: float
    score: float = 1.0

    def iou(self, other: Box) -> float:
        """Intersection over union of two boxes, 0 to 1."""
        wide = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        high = min(self.top + self.height, other.top + other.height) - max(self.top, other.top)
        common = max(wide, 0.0) * max(high, 0.0)
        return common / (self.width * self.height + other.width * other.height - common)


class Detector:
    """FastestDet with its preprocessing: the whole picture scaled to a square, BGR, 0 to 1.

    SemcomError if its file is missing or damaged.
    """

    def __init__(self):
        path = models_folder() / DETECTOR
        try:
            self._net = cv2.dnn.readNetFromONNX(str(path))
        except cv2.error as error:
            raise SemcomError(f"{path}: cannot be read as a detector; copy it again") from error

    def __call__(self, picture: np.ndarray) -> list[Box]:
        """Picture [h, w, 3] uint8 RGB -> its objects, the highest score first."""
        blob = cv2.dnn.blobFromImage(picture, 1 / 255, (SIDE, SIDE), swapRB=True)
        self._net.setInput(blob)
        return boxes_of(self._net.forward()[0])


def boxes_of(output: np.ndarray) -> list[Box]:
    """The detector's output [85, h, w] (objectness, offset and size of a box, classes, for each
    cell) -> boxes; of overlapping boxes of a class, only the one with the highest score."""
    likely = output[5:].max(0)
    scores = output[0] ** OBJECTNESS * likely ** (1 - OBJECTNESS)
    height, width = scores.shape
    found = []
    for row, column in zip(*np.where(scores > SURE), strict=True):
        right, down, *logits = output[1:5, row, column]
        wide, high = (float(1 / (1 + np.exp(-x))) for x in logits)
        left = float((column + np.tanh(right)) / width - wide / 2)
        top = float((row + np.tanh(down)) / height - high / 2)
        name = CLASSES[int(output[5:, row, column].argmax())]
        found.append(Box(name, left, top, wide, high, float(scores[row, column])))
    kept: list[Box] = []
    for box in sorted(found, key=lambda box: -box.score):
        if all(box.name != other.name or box.iou(other) <= OVERLAP for other in kept):
            kept.append(box)
    return kept


def found_again(sent: list[Box], shown: list[Box]) -> tuple[int, float]:
    """The number of objects of the sent picture that the shown one has, too, and the sum over
    ``sent`` of the best IoU with a box of the same class (0 without one).

    Two boxes match with the same class and an IoU of at least 0.5; each is matched once, the
    highest score first.
    """
    left, again = list(sent), 0
    for box in shown:
        same = [(box.iou(other), i) for i, other in enumerate(left) if other.name == box.name]
        overlap, place = max(same, default=(0.0, 0))
        if overlap >= SAME:
            again += 1
            del left[place]
    best = (max((b.iou(s) for s in shown if s.name == b.name), default=0.0) for b in sent)
    return again, sum(best)


@functools.cache
def detector() -> Detector:
    """The detector, which is loaded once per process."""
    return Detector()
