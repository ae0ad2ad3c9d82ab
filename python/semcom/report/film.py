# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A video of what the receiver understood, over the media that were sent."""

from __future__ import annotations

from itertools import groupby, islice

import numpy as np
import torch

from ..blocks.media_source import shared_features
from ..blocks.system_block import shared_system
from ..media.overlay import View, draw
from ..media.sources import PICTURES
from ..media.video import video_file
from ..perception.windows import MediaWindows, Window
from ..run.media import MediaRun, Understood, checkpoint_of
from ..run.scenario import Scenario

NAMES = {"audio": "audio terminal", "video": "video terminal"}


@torch.inference_mode()
def attention(net: torch.nn.Module, audio: np.ndarray, visual: np.ndarray) -> np.ndarray | None:
    """[T, h, w] in 0 to 1: where the video terminal looks when it hears the audio terminal without
    error; None for a system that has none.  audio [T, d_a], visual [T, h, w, d_v]"""
    if "video" not in net.terminals:
        return None
    heard = None
    if "audio" in net.terminals:
        heard = net.encode_audio(torch.from_numpy(audio)[None])
    alpha = net.guide(torch.from_numpy(visual)[None].float(), heard)[0]
    return (alpha / alpha.amax((1, 2), keepdim=True)).numpy()


def views(understood: Understood, window: Window, net, point: Scenario, snr_db: float):
    """The 16 views of each second of a window that arrived."""
    heat = attention(net, window.audio, window.visual)
    sound = np.concatenate([second.sound for second in window.seconds])
    labels = [NAMES[terminal] for terminal in net.terminals]
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


def render(path, run: MediaRun, point: Scenario, microphone="", features="compact", weights="",
           on_second=lambda: None) -> None:  # fmt: skip
    """Write an mp4 of the files of ``run`` with what was understood drawn on them.

    Files are read a second time, so that pictures need not be kept.
    """
    net = shared_system(point.system, checkpoint_of(point), point.device)
    names = [name for name, _ in groupby(window.name for window in run.windows)]
    media = MediaWindows(names, shared_features(features, str(weights)), microphone=microphone)
    told = {(window.name, window.start): window for window in run.windows}
    snr_db = run.record["measured_snr_db"]

    with video_file(path, PICTURES) as video:
        for window in media:
            understood = told.get((window.name, window.start))
            if understood is None:
                return
            frames = views(understood, window, net, point, snr_db)
            for second in window.seconds:
                for view in islice(frames, PICTURES):
                    video.show(draw(view))
                video.play(second.sound)
                on_second()
