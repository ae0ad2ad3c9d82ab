# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What lengths by content (semcom.nets.by_content) gain over fixed lengths with as many symbols.

Beside the seconds that the gates choose, as many random ones are sent with more symbols: what
differs between these two is due to the content.
"""

from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from gnuradio.semcom.chain.link import TorchLink
from gnuradio.semcom.data.tensors import Features
from gnuradio.semcom.report import tables
from gnuradio.semcom.report.plots import Axes, Line
from gnuradio.semcom.report.tables import Estimate
from gnuradio.semcom.tasks.scores import clip_bootstrap
from gnuradio.semcom.training.evaluate import over
from gnuradio.semcom.training.recipes.events import set_length

from .guidance_tables import lead

FEW = 4  # symbols of a second that is not chosen
SHARES = (0.1, 0.2, 0.3, 0.4, 0.6)  # of the seconds that are chosen
SNR, BATCH = 10.0, 50  # [dB]


@torch.inference_mode()
def scores(net, clips: Features, symbols: int, share: float = 0.0) -> np.ndarray:
    """Shares of right segments [N]; ``share`` of the seconds is chosen by content, 0: none."""
    set_length(net, symbols, share)
    right = [
        (logits.argmax(-1) == clips.labels[index]).double().mean(1)
        for index, logits in over(net, clips, TorchLink("rayleigh", "ls", "lmmse"), SNR, BATCH)
    ]
    return torch.cat(right).numpy()


@contextmanager
def random_seconds(net):
    """Gates whose scores are random, for a time."""
    encoders = [net.audio_terminal, net.video_terminal.encoder]
    gates, draw = [encoder.gate for encoder in encoders], torch.Generator().manual_seed(0)
    hooks = [
        gate.register_forward_hook(lambda _, given, found: torch.rand(found.shape, generator=draw))
        for gate in gates
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def at_length(fixed: dict, symbols: float) -> np.ndarray:
    """Shares of right segments [N] of fixed lengths, interpolated to ``symbols`` a second."""
    for low, high in pairwise(fixed):
        if symbols <= high:
            share = (symbols - low) / (high - low)
            return (1 - share) * fixed[low] + share * fixed[high]
    raise ValueError(f"{symbols} symbols: expected {min(fixed)} to {max(fixed)}")


@dataclass(frozen=True)
class Measured:
    """Shares of right segments [N] of the clips, the mean over the networks.

    fixed    by the symbols a second of all seconds
    content  by the share of the seconds that the gates choose
    random   the same, of random seconds
    symbols  a second, by that share, with the head
    """

    fixed: dict
    content: dict
    random: dict
    symbols: dict


def measured(nets: list, clips: Features) -> Measured:
    """What the networks make of a set, over the chain in Torch with the draws of the flowgraph."""
    seconds, found = clips.labels.shape[1], Measured({}, {}, {}, {})
    for n in nets[0].rates:
        found.fixed[n] = _mean(nets, lambda net, n=n: scores(net, clips, n))
    for share in SHARES:
        found.content[share] = _mean(nets, lambda net, s=share: scores(net, clips, FEW, s))
        found.symbols[share] = nets[0].payload("audio", seconds) / seconds
        found.random[share] = _mean(nets, lambda net, s=share: _random(net, clips, s))
    return found


def table(found: Measured) -> list:
    """Accuracy by content beside fixed lengths with the same symbols a second, and beside random
    seconds."""
    rows = []
    for share, own in found.content.items():
        same, drawn = at_length(found.fixed, found.symbols[share]), found.random[share]
        rows.append([f"{share:g}", f"{found.symbols[share]:.1f}", f"{own.mean():.3f}",
                     f"{same.mean():.3f}", lead(own, same), f"{drawn.mean():.3f}",
                     lead(own, drawn)])  # fmt: skip
    header = ["share of the seconds", "symbols a second", "by content", "fixed length",
              "by content over it", "random seconds", "by content over them"]  # fmt: skip
    return [*tables.markdown(header, rows), "", _fixed_line(found.fixed)]


def panel(found: Measured) -> Axes:
    """Accuracy over the symbols a second, by content, of random seconds and of fixed lengths."""
    symbols = list(found.symbols.values())
    curves = {
        "fixed length": (list(found.fixed), found.fixed),
        "by content": (symbols, found.content),
        "random seconds": (symbols, found.random),
    }
    lines = [
        Line(label, x, [Estimate(float(v.mean()), *clip_bootstrap(v)) for v in y.values()], (k, k))
        for k, (label, (x, y)) in enumerate(curves.items())
    ]
    title, label = f"ave28, Rayleigh, {SNR:g} dB", "symbols a second, with the head"
    return Axes(title, label, "accuracy", lines, scale="log")


def _random(net, clips: Features, share: float) -> np.ndarray:
    with random_seconds(net):
        return scores(net, clips, FEW, share)


def _fixed_line(fixed: dict) -> str:
    told = ", ".join(f"{values.mean():.3f} with {n}" for n, values in fixed.items())
    return f"The fixed lengths have {told} symbols a second."


def _mean(nets: list, found) -> np.ndarray:
    return np.mean([found(net) for net in nets], axis=0)
