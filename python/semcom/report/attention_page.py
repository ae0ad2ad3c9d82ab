# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The attention of several systems on the clips of a set: measures and figure."""

import numpy as np

from ..base import screen
from ..base.errors import SemcomError
from ..evaluation import attention
from ..systems.loading import check_set, load_any
from ..systems.registry import systems
from ..training.evaluate import link_of
from . import attention as attention_figure


def load_models(paths, clips, channel, seed) -> dict:
    """{label: (system, its link)} of the checkpoints; the label is the path if names recur."""
    nets = {path: load_any(path) for path in paths}
    names = {path: title(net) for path, net in nets.items()}
    models = {}
    for path, net in nets.items():
        check_set(net, clips, path.name)
        if "video" not in net.terminals:
            raise SemcomError(f"{path}: has no video terminal, so no attention; leave it out")
        unique = list(names.values()).count(names[path]) == 1
        link = link_of(net, net.header["variant"], channel, "zf", seed)
        models[names[path] if unique else str(path)] = net, link
    return models


def title(net) -> str:
    """Name of a system; of a radio system with its variant."""
    return f"{net.name}, {net.header['variant']}" if net.name in systems() else net.name


def cells_of_sources(clips, numbers):
    """Cells [N, T, h, w] bool of the sources of sound; None if the set does not have them."""
    if not hasattr(clips, "sources"):
        return None
    return np.stack([clips.sources(i) for i in numbers])


def measure(models, clips, count, snr) -> list:
    """Records of the measures over the first ``count`` clips."""
    numbers = range(count)
    with screen.bar(transient=True) as bar:
        task = bar.add_task("clips", total=count)
        watched = attention.watch(models, clips, numbers, snr, lambda done: bar.advance(task, done))
    truth = np.stack([clips.labels(i) for i in numbers])
    sources = cells_of_sources(clips, numbers)
    return attention.records(watched, truth, len(clips.classes) - 1, sources)


def draw(path, models, clips, count, snr) -> None:
    """Write the figure of the first ``count`` clips with a suitable event."""
    numbers = attention.clips_with_event(clips, count)
    watched = attention.watch(models, clips, numbers, snr)
    sources = cells_of_sources(clips, numbers)
    panels = [
        attention_figure.panel_of(
            clips, number, watched, at, sources=None if sources is None else sources[at]
        )
        for at, number in enumerate(numbers)
    ]
    attention_figure.save(path, panels, clips.classes)
