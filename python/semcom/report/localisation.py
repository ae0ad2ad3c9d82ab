# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Figures of a localiser: confusion, classes, features before and after, matched pairs."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.figure import Figure

from ..base.files import replacing
from ..base.palette import COLOURS
from ..base.screen import plain
from ..data.tensors import Features
from ..nets.localisers import Localiser
from ..training import matching
from .attention import short
from .plots import PAGE

FREQUENT = 7  # classes of the t-SNE figure, as in the paper
DOTS = 60  # segments of each class
PAIRS = 6  # clips of the figure of matched pairs
BLUE, ORANGE, GREEN = COLOURS[:3]


def save(figure: Figure, path) -> None:
    """Write a figure to ``path`` (.png, .pdf, .svg)."""
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=200)


def confusion(matrix, classes, title: str) -> Figure:
    """Figure of a confusion matrix: shares of each class's segments (row) by decision (column)."""
    matrix = np.asarray(matrix, float)
    shares = matrix / matrix.sum(1, keepdims=True).clip(1)
    figure = Figure(figsize=(PAGE, PAGE), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = [short(name).replace("\n", " ") for name in classes]
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=6)
    axes.set_yticks(range(len(names)), names, fontsize=6)
    axes.set(xlabel="decided", ylabel="truth", title=plain(title))
    figure.colorbar(image, ax=axes, shrink=0.7, label="share of the class's segments")
    return figure


def by_class(accuracies: dict, title: str) -> Figure:
    """Bars of each class's accuracy; accuracies: label -> {class: accuracy or None}."""
    classes = list(next(iter(accuracies.values())))
    figure = Figure(figsize=(PAGE, 3.0), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(accuracies)
    for k, (label, values) in enumerate(accuracies.items()):
        heights = [values[name] or 0 for name in classes]
        at = np.arange(len(classes)) + (k - (len(accuracies) - 1) / 2) * width
        axes.bar(at, heights, width, label=label, color=COLOURS[k % len(COLOURS)])
    names = [short(name).replace("\n", " ") for name in classes]
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=6)
    axes.set(ylabel="segment accuracy", ylim=(0, 1), title=plain(title))
    axes.grid(axis="y", alpha=0.3, linewidth=0.5)
    if len(accuracies) > 1:
        axes.legend(fontsize=7, frameon=False, ncols=len(accuracies))
    return figure


@torch.inference_mode()
def features_before_and_after(net: Localiser, clips: Features, seed: int = 0):
    """Segments of the most frequent events: classes [n], and {title: (audio, visual) features [n,
    d]} of the set and after each stream's recurrent layers."""
    background = len(net.classes) - 1
    labels = clips.labels
    count = torch.bincount(labels[labels != background], minlength=background)
    chosen = count.argsort(descending=True)[: min(FREQUENT, int((count > 0).sum()))]
    rng = np.random.default_rng(seed)
    places = []
    for event in chosen.tolist():
        where = (labels == event).nonzero().numpy()
        places.append(where[rng.permutation(len(where))[:DOTS]])
    clip, segment = np.concatenate(places).T
    rows, at = np.unique(clip, return_inverse=True)
    parts: dict[str, list] = {}
    for index in torch.from_numpy(rows).split(32):
        audio, visual = clips.batch(index, net).values()
        pooled = visual.flatten(2, 3).float().mean(2)
        named = {"as given": (audio, pooled)}
        streams = net.streams(audio, visual)
        names = ["after the network"] if len(streams) == 1 else ["after CSPA", "after CSEA"]
        named |= dict(zip(names, streams, strict=True))
        for title, pair in named.items():
            parts.setdefault(title, []).append(pair)
    joined = {
        title: [torch.cat(side).cpu().numpy()[at, segment] for side in zip(*pairs, strict=True)]
        for title, pairs in parts.items()
    }
    return labels.numpy()[clip, segment], joined


def tsne(net: Localiser, clips: Features, seed: int = 0) -> Figure:
    """t-SNE of sound and picture before and after the network, as Fig. 7 of Xue et al."""
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    labels, joined = features_before_and_after(net, clips, seed)
    figure = Figure(figsize=(1.2 + 2.2 * len(joined), 5.0), layout="constrained")
    grid = figure.subplots(2, len(joined), squeeze=False)
    perplexity = min(30.0, (len(labels) - 1) / 3)
    for column, (title, pair) in enumerate(joined.items()):
        for row, features in enumerate(pair):
            axes = grid[row, column]
            # one thread: several wait for each other, for minutes if another program works
            with threadpool_limits(1):
                flat = TSNE(perplexity=perplexity, random_state=seed).fit_transform(features)
            for k, event in enumerate(dict.fromkeys(labels.tolist())):
                mine = flat[labels == event]
                name = short(net.classes[event]).replace("\n", " ")
                axes.scatter(*mine.T, s=5, color=COLOURS[k % len(COLOURS)], label=name)
            axes.set(xticks=[], yticks=[], title=title if row == 0 else "")
        grid[0, 0].set_ylabel("sound")
        grid[1, 0].set_ylabel("picture")
    handles = grid[0, 0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=4, fontsize=7, frameon=False)
    return figure


def pairs(net: Localiser, clips: Features, names, mode: str) -> Figure:
    """Query, truth and result of some clips, right and wrong, as Fig. 8 of Xue et al."""
    found = matching.answers(net, clips, mode)
    right = [n for n, (start, _, answer) in found.items() if start == answer]
    wrong = [n for n in found if n not in set(right)]
    chosen = right[: PAIRS // 2] + wrong[: PAIRS - PAIRS // 2]
    segments = clips.labels.shape[1]
    figure = Figure(figsize=(PAGE, 0.4 + 0.75 * max(1, len(chosen))), layout="constrained")
    grid = figure.subplots(max(1, len(chosen)), 1, squeeze=False)[:, 0]
    query, other = ("sound", "picture") if mode == "a2v" else ("picture", "sound")
    for axes, number in zip(grid, chosen, strict=False):
        start, length, answer = found[number]
        for y, at, colour in ((1, start, BLUE), (0, answer, GREEN if answer == start else ORANGE)):
            axes.barh([y] * segments, [0.94] * segments, left=np.arange(segments) + 0.03,
                      color="0.92")  # fmt: skip
            axes.barh(y, length - 0.06, left=at + 0.03, color=colour)
        verdict = "right" if answer == start else "wrong"
        event = short(net.classes[int(clips.events[number])]).replace("\n", " ")
        axes.text(answer + length / 2, 0, verdict, ha="center", va="center", fontsize=7)
        axes.set(yticks=[0, 1], yticklabels=[f"{other}: found", f"{query}: query"],
                 xlim=(0, segments), xticks=[])  # fmt: skip
        axes.set_title(plain(f"{names[number]}: ") + event, fontsize=7, loc="left")
        axes.tick_params(labelsize=7)
    return figure
