# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Videos of runs with media: the receiver's decisions drawn on the sent film, or the received film
beside the sent one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby, islice

import numpy as np

from ..base import screen
from ..blocks.media_source import shared_features
from ..data.films import Films
from ..media.clip import Media
from ..media.overlay import HEIGHT, WIDTH, View, draw
from ..media.side_by_side import SideBySide, side_by_side
from ..media.sources import PICTURES
from ..media.video import video_file
from ..perception.windows import MediaWindows, Window
from ..protocol.turns import Turns
from ..run.films import FilmsRun, Understood
from ..run.scenario import Scenario
from ..systems.registry import system


def views(understood: Understood, window: Window, point: Scenario, snr_db: float):
    """The 16 views of each second of a received window."""
    heat = understood.attention
    sound = np.concatenate([second.sound for second in window.seconds])
    labels = [f"{name} terminal" for name in system(point.system).variants[point.variant]]
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
                channel=point.where(),
            )


def _constellations(labels: list, understood: Understood, t: int, seconds: int) -> list:
    """(label, detected symbols) of second ``t`` for each terminal."""
    parts = [np.array_split(stream, seconds)[t] for stream in understood.symbols]
    return list(zip(labels, parts, strict=True))


def render(path, run: FilmsRun, point: Scenario, films: Films, size=(WIDTH, HEIGHT)) -> None:
    """Write an mp4 of ``size`` [pixels] with the films of ``run`` and the receiver's decisions.

    The files are read a second time, so that pictures need not be kept.
    """
    names = [name for name, _ in groupby(window.name for window in run.windows)]
    features = shared_features(films.features, films.weights)
    media = MediaWindows(names, features, microphone=films.microphone, failures=[])
    told = {(window.name, window.start): window for window in run.windows}
    snr_db = run.record["measured_snr_db"]

    with video_file(path, PICTURES) as video, progress(run.record["seconds"]) as drawn:
        for window in media:
            if not told:
                return
            understood = told.pop((window.name, window.start), None)
            if understood is None:
                continue  # it was lost
            shown = views(understood, window, point, snr_db)
            for second in window.seconds:
                for view in islice(shown, PICTURES):
                    video.show(draw(view, *size))
                video.play(second.sound)
                drawn()


@contextmanager
def progress(seconds: int):
    """A context with a progress bar; yields a function that counts a second."""
    with screen.bar("seconds") as bar:
        task = bar.add_task("drawing", total=seconds)
        yield lambda: bar.advance(task)


class ShownFilm:
    """Writes received clips in order; missing ones are shown as lost.

    The files are read a second time, so that sent clips need not be kept.
    """

    def __init__(self, film: SideBySide, films: Films):
        self._film, self._turns = film, Turns()
        self._sent = iter(MediaWindows(films.names, None, failures=[]))

    def take(self, number: int, outcome: Media | None) -> None:
        """Add a received clip by its number."""
        self._write(self._turns.take(number, outcome))

    def finish(self, frames: int) -> None:
        """Write the rest of ``frames`` sent clips; 0: only up to the last received one."""
        self._write(self._turns.rest(frames))

    def _write(self, due: list) -> None:
        for (_, shown), window in zip(due, self._sent, strict=False):
            self._film.add(window.media, shown)


@contextmanager
def shown_film(path, point: Scenario, films: Films) -> Iterator[ShownFilm]:
    """A context with an mp4 of sent beside received media, with the received sound; the file is
    complete or absent."""
    told = f"{point.system}, {point.where()}; the sound is the received one"
    with side_by_side(path, told) as film:
        yield ShownFilm(film, films)
