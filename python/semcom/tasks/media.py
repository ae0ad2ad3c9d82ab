# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The task of showing pictures and playing sound again."""

from __future__ import annotations

import numpy as np

from ..base.errors import SemcomError
from ..media import quality
from ..media.clip import Media, joined
from ..media.store import STORE, MediaStore
from .task import Column, Task, bootstrap

# Sums of a frame's score, by name -> place in the vector
FIELDS = ("clips", "missed", "seconds", "pictures", "psnr_db", "ssim", "ms_ssim")
PLACE = {name: place for place, name in enumerate(FIELDS)}


class MediaTask(Task):
    """Media against the media that were sent.

    What never arrived is judged as mid-grey pictures and silence.

    store  where the handles of outcomes lead
    """

    name = "media"
    primary = "ssim"
    label = "SSIM"
    unit = "second"
    keep = 2
    columns = (
        Column("SSIM", "ssim"),
        Column("95 % range", "ssim_ci95"),
        Column("PSNR [dB]", "psnr_db", ".1f"),
    )

    def __init__(self, store: MediaStore = STORE):
        self.store = store

    def truth(self, clips, i: int) -> Media:
        """What the clip shows and plays."""
        return clips.media(i)

    def outcome(self, items: np.ndarray) -> Media:
        """items: handles [T] int64 of the store; one after the other, a repeated one once."""
        handles = dict.fromkeys(np.asarray(items).ravel().tolist())
        return joined([self.store.get(handle) for handle in handles])

    def score(self, truth: Media | None, outcome: Media | None) -> np.ndarray:
        score = np.zeros(len(FIELDS))
        if truth is None:
            return score
        shown = truth.blank() if outcome is None else outcome
        check_alike(truth, shown)
        score[:4] = 1, outcome is None, truth.seconds, len(truth.pictures)
        for sent, seen in zip(truth.pictures, shown.pictures, strict=True):
            score[4:7] += quality.psnr(sent, seen), *quality.structural_similarity(sent, seen)
        return score

    def errors(self, score: np.ndarray) -> int:
        """1 for a clip that never arrived."""
        return int(score[PLACE["missed"]])

    def figures(self, scores: np.ndarray, seed: int) -> dict:
        """``clips``, of which ``clips_missed`` never arrived; ``psnr_db``, ``ssim``, ``ms_ssim``:
        means over pictures; intervals of each; ``clip_scores``: each clip's SSIM."""
        scores = np.asarray(scores, np.float64).reshape(-1, len(FIELDS))
        sums = scores.sum(0)
        record = {"clips": int(sums[0]), "clips_missed": int(sums[1])}
        for name, (top, bottom) in FIGURES.items():
            figure, judged = _mean(top, bottom), scores[scores[:, PLACE[bottom]] > 0]
            record[name] = figure(sums) if len(judged) else None
            record[f"{name}_ci95"] = bootstrap(figure, judged, seed)
        own = _mean(*FIGURES[self.primary])
        record["clip_scores"] = [round(own(row), 4) for row in scores if row[PLACE["pictures"]]]
        return record

    def message(self, outcome: Media, classes=()) -> dict:
        """``pictures``: how many; ``width``, ``height`` [pixels]; ``seconds`` of sound."""
        pictures, height, width, _ = outcome.pictures.shape
        return {"pictures": pictures, "width": width, "height": height, "seconds": outcome.seconds}

    def length(self, truth: Media | None) -> int:
        """Seconds."""
        return 0 if truth is None else truth.seconds


def check_alike(sent: Media, shown: Media) -> None:
    """SemcomError where what is shown has other sizes than what was sent."""
    for name in ("pictures", "sound"):
        one, other = (list(getattr(media, name).shape) for media in (sent, shown))
        if one != other:
            raise SemcomError(
                f"{name} {other} of an outcome, but {one} were sent; a system must show the sizes "
                "that it was given"
            )


def _mean(top: str, bottom: str):
    """A sum per another."""

    def figure(sums):
        return float(sums[PLACE[top]] / sums[PLACE[bottom]])

    return figure


FIGURES = {name: (name, "pictures") for name in ("psnr_db", "ssim", "ms_ssim")}
"""Figures of a record: which sum by which other."""
