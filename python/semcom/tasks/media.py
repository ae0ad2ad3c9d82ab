# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The task of restoring pictures and sound: their similarity to the sent ones, and whether
independent judges still recognise them.

Judges that are networks use one picture of each second, closed formulas use all pictures.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable

import numpy as np

from ..base.errors import SemcomError
from ..media import quality
from ..media.clip import Media, joined
from ..media.store import NOTHING, STORE, MediaStore
from ..perception import perceptual_distance
from ..perception.detection import detector, found_again
from ..perception.judges import picture_judge, sound_judge
from .task import Column, Task, bootstrap

# Sums of a frame's score: name -> index in the vector
FIELDS = (
    *("clips", "missed", "seconds"),
    *("pictures", "psnr_db", "ssim", "ms_ssim", "compared", "lpips"),
    *("boxes", "detection", "objects", "detection_iou"),
    *("pictures_named", "picture_class", "picture_class_original", "picture_placed"),
    *("sounds", "timbre", "log_mel_correlation"),
    *("sounds_named", "sound_class", "sound_class_original"),
)
PLACE = {name: place for place, name in enumerate(FIELDS)}
KEPT = 4096  # most cached results of judges; a sweep judges the same clips repeatedly


class MediaTask(Task):
    """Compares received with sent media.

    Lost clips are judged as mid-grey pictures and silence, and so are clips of other sizes than the
    sent ones, from a receiver that decoded a wrong header.

    store     store of the media of the outcomes' handles
    distance  function (pictures, pictures) -> perceptual distances [n]; "stlpips": the network of
              :mod:`semcom.perception.perceptual_distance`; None, or a network that is not installed
              (logged once): ``lpips`` is None in records
    """

    name = "media"
    primary = "ssim"
    label = "SSIM"
    unit = "second"
    keep = 2
    film = "media"
    columns = (
        Column("SSIM", "ssim"),
        Column("95 % range", "ssim_ci95"),
        Column("PSNR [dB]", "psnr_db", ".1f"),
        Column("LPIPS", "lpips"),
        Column("picture named", "picture_class"),
        Column("timbre", "timbre"),
        Column("sound named", "sound_class"),
    )

    def __init__(self, store: MediaStore = STORE, distance: Callable | str | None = "stlpips"):
        if distance == "stlpips":
            try:
                distance = perceptual_distance.load()
            except SemcomError as absent:
                logging.getLogger(__name__).warning("%s", absent)
                distance = None
        self.store, self.distance = store, distance
        self._named: dict[bytes, str] = {}
        self._found: dict[bytes, list] = {}
        self._judged: dict[tuple, dict] = {}

    def truth(self, clips, i: int) -> Media:
        """Pictures and sound of the clip."""
        return clips.media(i)

    def outcome(self, items: np.ndarray) -> Media | None:
        """The media of ``items``, handles [T] int64 of the store, joined in order, each handle
        once; None for the handle NOTHING of a lost clip."""
        handles = dict.fromkeys(np.asarray(items).ravel().tolist())
        if NOTHING in handles:
            return None
        return joined([self.store.get(handle) for handle in handles])

    def score(self, truth: Media | None, outcome: Media | None) -> np.ndarray:
        """Sums [S] float64 over pictures and sound, in the order of FIELDS; a lost frame, or one of
        another shape, counts as mid-grey pictures and silence.  Zeros without a truth."""
        if truth is None:
            return np.zeros(len(FIELDS))
        if outcome is not None and not alike(truth, outcome):
            outcome = None
        shown = truth.blank() if outcome is None else outcome
        sums = {"clips": 1, "missed": outcome is None, "seconds": truth.seconds}
        for kind, judge in (("pictures", self._pictures), ("sound", self._sound)):
            if len(getattr(truth, kind)):
                sums |= self._once(judge, kind, truth, shown)
        return np.array([sums.get(name, 0) for name in FIELDS], np.float64)

    def _once(self, judge: Callable, kind: str, truth: Media, shown: Media) -> dict:
        """The result of ``judge`` on the ``kind`` of media, cached for equal media."""
        pair = [getattr(media, kind) for media in (truth, shown)]
        key = (kind, truth.label, truth.seconds, pair[0].shape, *map(_digest, pair))
        if key not in self._judged:
            while len(self._judged) >= KEPT:
                del self._judged[next(iter(self._judged))]
            self._judged[key] = judge(truth, shown)
        return self._judged[key]

    def _pictures(self, truth: Media, shown: Media) -> dict:
        pairs = list(zip(truth.pictures, shown.pictures, strict=True))
        similar = [quality.structural_similarity(*pair) for pair in pairs]
        sums = {
            "pictures": len(pairs),
            "psnr_db": sum(quality.psnr(*pair) for pair in pairs),
            **dict(zip(("ssim", "ms_ssim"), np.sum(similar, 0), strict=True)),
        }
        sent, seen = (media.pictures[looked_at(media)] for media in (truth, shown))
        if self.distance is not None and min(sent.shape[1:3]) >= perceptual_distance.SMALLEST:
            sums |= {"compared": len(sent), "lpips": self.distance(sent, seen).sum()}
        named = self._class("picture", truth.label, picture_judge, sent, seen)
        if named.get("picture_class"):
            places = {picture_judge().place(some, truth.label) for some in (sent, seen)}
            named["picture_placed"] = len(places) == 1
        return sums | self._objects(sent, seen) | named

    def _objects(self, sent: np.ndarray, shown: np.ndarray) -> dict:
        """Numbers of objects that a detector finds in sent and shown pictures, and in both."""
        sums = dict.fromkeys(("boxes", "detection", "objects", "detection_iou"), 0.0)
        for one, other in zip(sent, shown, strict=True):
            found, again = self._things(one), self._things(other)
            count, overlap = found_again(found, again)
            sums["boxes"] += len(found) + len(again)
            sums["detection"] += 2 * count
            sums["objects"] += len(found)
            sums["detection_iou"] += overlap
        return sums

    def _things(self, picture: np.ndarray) -> list:
        """The objects that the detector finds; cached for repeated pictures."""
        key = _digest(picture)
        if key not in self._found:
            while len(self._found) >= KEPT:
                del self._found[next(iter(self._found))]
            self._found[key] = detector()(picture)
        return self._found[key]

    def _sound(self, truth: Media, shown: Media) -> dict:
        pair = truth.sound, shown.sound
        return {
            "sounds": 1,
            "timbre": quality.timbre(*pair),
            "log_mel_correlation": quality.log_mel_correlation(*pair),
            **self._class("sound", truth.label, sound_judge, *pair),
        }

    def _class(self, kind: str, label: str, judge: Callable, sent, shown) -> dict:
        """Whether the judge, if it knows the class, decides for it on shown and on sent media."""
        if not label or label not in judge().classes:
            return {}
        return {
            f"{kind}s_named": 1,
            f"{kind}_class": judge()(shown) == label,
            f"{kind}_class_original": self._name(judge(), sent) == label,
        }

    def _name(self, judge: Callable, sent: np.ndarray) -> str:
        """The judge's decision on an original; cached for repeated clips."""
        key = _digest(sent)
        if key not in self._named:
            self._named[key] = judge(sent)
        return self._named[key]

    def errors(self, score: np.ndarray) -> int:
        """1 for a clip that was lost, or whose pictures or sound a judge does not recognise."""
        named = score[PLACE["pictures_named"]] + score[PLACE["sounds_named"]]
        right = score[PLACE["picture_class"]] + score[PLACE["sound_class"]]
        return int(score[PLACE["missed"]] or right < named)

    def figures(self, scores: np.ndarray, seed: int) -> dict:
        """``clips``, of which ``clips_missed`` were lost; ``psnr_db``, ``ssim``, ``ms_ssim`` and
        ``lpips`` as means over pictures; ``timbre`` and ``log_mel_correlation`` as means over clips
        with sound; ``picture_class`` and ``sound_class``, shares of the clips of a known class that
        a judge recognises, and ``..._original``, its shares for the sent media; ``picture_placed``,
        the share recognised in the same third of the picture as in the original; ``detection``, F1
        of a detector's objects in shown and original pictures, by class and IoU of 0.5, and
        ``detection_iou``, the mean IoU of the original's objects with the best box of their class;
        intervals of each; ``clip_scores``: each clip's SSIM."""
        scores = np.asarray(scores, np.float64).reshape(-1, len(FIELDS))
        sums = scores.sum(0)
        record = {name: int(sums[PLACE[name]]) for name in ("clips", "seconds", "pictures")}
        record["clips_missed"] = int(sums[PLACE["missed"]])
        for name, of in FIGURES.items():
            figure, judged = _mean(name, of), scores[scores[:, PLACE[of]] > 0]
            record[name] = figure(sums) if len(judged) else None
            record[f"{name}_ci95"] = bootstrap(figure, judged, seed)
        own = _mean(self.primary, FIGURES[self.primary])
        record["clip_scores"] = [round(own(row), 4) for row in scores if row[PLACE["pictures"]]]
        return record

    def message(self, outcome: Media | None, classes=()) -> dict:
        """``pictures``: their number; ``width``, ``height`` [pixels]; ``seconds``; ``said`` and
        ``xi`` of each second, if there are sentences."""
        if outcome is None:
            return {"pictures": 0, "width": 0, "height": 0, "seconds": 0}
        pictures, height, width, _ = outcome.pictures.shape
        told = {"pictures": pictures, "width": width, "height": height, "seconds": outcome.seconds}
        if outcome.said:
            told |= {"said": list(outcome.said), "xi": [round(float(xi), 4) for xi in outcome.xi]}
        return told

    def length(self, truth: Media | None) -> int:
        """Seconds."""
        return 0 if truth is None else truth.seconds


def _digest(array: np.ndarray) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(array), digest_size=16).digest()


def looked_at(media: Media) -> np.ndarray:
    """Numbers of the pictures that networks judge: the one in the middle of each second, or all if
    there are fewer."""
    pictures, seconds = len(media.pictures), media.seconds
    if pictures <= seconds:
        return np.arange(pictures)
    return ((np.arange(seconds) + 0.5) * pictures / seconds).astype(int)


def alike(sent: Media, shown: Media) -> bool:
    """Whether the shown pictures and sound have the sizes of the sent ones."""
    kinds = [kind for kind in ("pictures", "sound") if len(getattr(sent, kind))]
    return all(getattr(sent, n).shape == getattr(shown, n).shape for n in kinds)


def _mean(name: str, of: str):
    """A function of sums: the sum ``name`` divided by the sum ``of``."""

    def figure(sums):
        return float(sums[PLACE[name]] / sums[PLACE[of]])

    return figure


FIGURES = {
    **dict.fromkeys(("psnr_db", "ssim", "ms_ssim"), "pictures"),
    "lpips": "compared",
    "detection": "boxes",
    "detection_iou": "objects",
    **dict.fromkeys(
        ("picture_class", "picture_class_original", "picture_placed"), "pictures_named"
    ),
    **dict.fromkeys(("timbre", "log_mel_correlation"), "sounds"),
    **dict.fromkeys(("sound_class", "sound_class_original"), "sounds_named"),
}
"""Values of a record: function of the sums of all frames."""
