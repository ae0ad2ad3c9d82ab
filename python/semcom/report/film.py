# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A video of what the receiver understood, over the media that were sent."""

from __future__ import annotations

from itertools import groupby, islice

import numpy as np

from ..blocks.media_source import shared_features
from ..media.overlay import View, draw
from ..media.sources import PICTURES
from ..media.video import video_file
from ..perception.windows import MediaWindows, Window
from ..run.media import MediaRun, Understood
from ..run.scenario import Scenario

NAMES = {"audio": "audio terminal", "video": "video terminal"}


def views(understood: Understood, window: Window, heat: np.ndarray | None, point: Scenario,
          snr_db: float):  # fmt: skip
    """The 16 views of each second of a window that arrived.

    heat  [T, h, w] in 0 to 1: where the video terminal looked, or None
    """
    sound = np.concatenate([second.sound for second in window.seconds])
    labels = [NAMES[terminal] for terminal in point.terminals()]
    for t, second in enumerate(window.seconds):
        for k, picture in enumerate(second.pictures):
            yield View(
                picture=picture,
                heat=None if heat is None else heat[t],
                event=understood.events[t],
                confidence=float(understood.confidence[t]),
                decided=understood.events[: t + 1] + [""] * (len(window.seconds) - t - 1),
                truth=understood.truth,
                confidences=understood.confidence.tolist(),
                now=t + (k + 0.5) / PICTURES,
                sound=sound,
                constellations=_constellations(labels, understood, t, len(window.seconds)),
                snr_db=snr_db,
                channel=f"{point.channel}, {point.snr:g} dB",
            )


def _constellations(labels: list, understood: Understood, t: int, seconds: int) -> list:
    """What was received of second ``t``, by terminal."""
    parts = [stream.reshape(seconds, -1)[t] for stream in understood.symbols]
    return list(zip(labels, parts, strict=True))


def render(path, run: MediaRun, point: Scenario, attention: list, microphone="",
           features="compact", weights="", on_second=lambda: None) -> None:  # fmt: skip
    """Write an mp4 of the files of ``run`` with what was understood drawn on them.

    attention  of each window of the run [T, h, w] in 0 to 1: where the video terminal looked with
               what it had heard over the link; None where it has none

    Files are read a second time, so that pictures need not be kept.
    """
    names = [name for name, _ in groupby(window.name for window in run.windows)]
    media = MediaWindows(names, shared_features(features, str(weights)), microphone=microphone)
    told = {
        (window.name, window.start): (window, heat)
        for window, heat in zip(run.windows, attention, strict=True)
    }
    snr_db = run.record["measured_snr_db"]

    with video_file(path, PICTURES) as video:
        for window in media:
            if (window.name, window.start) not in told:
                return
            understood, heat = told[window.name, window.start]
            shown = views(understood, window, heat, point, snr_db)
            for second in window.seconds:
                for view in islice(shown, PICTURES):
                    video.show(draw(view))
                video.play(second.sound)
                on_second()
