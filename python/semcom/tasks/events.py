# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The task of naming the event of every second (audio-visual event localisation, Tian et al.,
ECCV 2018): 28 events of AVE, or a set's own, and background."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .scores import clip_bootstrap
from .task import Column, Task


@dataclass(frozen=True)
class Events:
    """Outcome of a clip: probabilities [T, C] float32 of the classes, background last."""

    probabilities: np.ndarray

    @property
    def decided(self) -> np.ndarray:
        """Class of each second, [T] int64."""
        return self.probabilities.argmax(1)

    @property
    def confidence(self) -> np.ndarray:
        """Probability of the decision, [T] float32."""
        return self.probabilities.max(1)


class EventsTask(Task):
    """Compares the classes of seconds with their labels: the score is (right seconds, seconds)."""

    name = "events"
    film = "decisions"
    primary = "accuracy"
    label = "segment accuracy"
    unit = "segment"
    columns = (Column("accuracy", "accuracy"), Column("95 % range", "accuracy_ci95"))

    def truth(self, clips, i: int):
        """Class index of each second, [T] int64; None if unknown."""
        labels = clips.labels(i)
        return None if labels is None else np.asarray(labels)

    def outcome(self, items: np.ndarray) -> Events:
        """The events of ``items``, probabilities [T, C] float32 of the receiver."""
        return Events(items)

    def score(self, truth, outcome: Events | None) -> np.ndarray:
        """(right seconds, seconds) [2] float64, of the labels [T] and the decisions; seconds that
        the outcome lacks, and all of a lost frame, are wrong.  (0, 0) without labels."""
        if truth is None:
            return np.zeros(2)
        said = np.zeros(0) if outcome is None else outcome.decided
        both = min(len(truth), len(said))  # a receiver that lost a clip's length may have another
        right = int(np.sum(truth[:both] == said[:both]))
        return np.array([right, len(truth)], np.float64)

    def errors(self, score: np.ndarray) -> int:
        """Number of seconds that are wrong."""
        return int(score[1] - score[0])

    def figures(self, scores: np.ndarray, seed: int) -> dict:
        """Figures over all clips: "accuracy", the share of seconds that are right, 0 to 1, its 95 %
        interval over clips, and "clip_scores", that share of each clip; None or empty where no clip
        has labels.  "clips" and "segments": numbers of clips, and of seconds with labels."""
        right, total = scores[scores[:, 1] > 0].T if len(scores) else np.zeros((2, 0))
        judged = len(total) > 0
        return {
            "clips": len(scores),
            "segments": int(total.sum()),
            "accuracy": float(right.sum() / total.sum()) if judged else None,
            "accuracy_ci95": clip_bootstrap(right / total, seed=seed) if judged else None,
            "clip_scores": [round(share, 4) for share in (right / total).tolist()],
        }

    def message(self, outcome: Events, classes=()) -> dict:
        """``events`` (names) and ``confidence`` of each second."""
        return {
            "events": [classes[c] for c in outcome.decided],
            "confidence": [float(p) for p in outcome.confidence],
        }

    def entry(self, outcome: Events, classes, start: int) -> dict:
        """``events``: second of the file, name and confidence, one by one."""
        told = self.message(outcome, classes)
        pairs = zip(told["events"], told["confidence"], strict=True)
        return {
            "events": [
                {"second": start + t, "event": event, "confidence": round(sure, 4)}
                for t, (event, sure) in enumerate(pairs)
            ]
        }
