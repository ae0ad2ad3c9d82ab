# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What a payload length by content gains over fixed lengths: clips that need more symbols get more.

A nested network sends a clip with few or many symbols a second.  The clips are ranked by the
divergence of the receiver's decision without errors from few symbols from that from many: by the
sound alone, which is all that the audio terminal knows, or by both streams.  A header of 16 symbols
(semcom.phy.length_code) would tell the receiver the length.
"""

from itertools import pairwise

import numpy as np
import torch
from gnuradio.semcom.chain.link import TorchLink
from gnuradio.semcom.data.tensors import Features
from gnuradio.semcom.phy import length_code
from gnuradio.semcom.report import tables
from gnuradio.semcom.tasks.scores import clip_bootstrap

LENGTHS, FEW, MANY = (4, 8, 16), 4, 16  # symbols a second
SHARES = (0.1, 0.2, 0.3, 0.5)  # of the clips that get many symbols
SNR, BATCH = 10.0, 50  # [dB]
RULES = {"sound": "by the sound", "both": "by both streams"}


@torch.inference_mode()
def measured(net, clips: Features) -> dict:
    """Shares of right segments [N] by length, and each rule's need [N] of a clip."""
    found = {n: _logits(net, clips, n, TorchLink("rayleigh", "ls", "lmmse")) for n in LENGTHS}
    free = TorchLink("none")
    few, many = (_logits(net, clips, n, free) for n in (FEW, MANY))
    return {
        **{n: (logits.argmax(-1) == clips.labels).double().mean(1) for n, logits in found.items()},
        "both": divergence(few, many),
        "sound": divergence(*(_logits(net, clips, n, free, deaf=True) for n in (FEW, MANY))),
    }


def _logits(net, clips: Features, symbols: int, link: TorchLink, deaf: bool = False):
    """The receiver's logits [N, T, C]; ``deaf``: the video stream is not received."""
    net.symbols, found = symbols, []
    for index in torch.arange(len(clips)).split(BATCH):
        snr = torch.full((len(index),), SNR)
        sent, noise = link.uplink(link.send(net, clips.batch(index, net), snr, index), snr, index)
        if deaf:
            noise[:, net.topology.index("video")] = torch.inf
        found.append(net.understand(sent, noise)[0])
    return torch.cat(found)


def divergence(few: torch.Tensor, many: torch.Tensor) -> torch.Tensor:
    """Mean Kullback-Leibler divergence [N] of the decision ``few`` from ``many``, [N, T, C]."""
    few, many = few.log_softmax(-1), many.log_softmax(-1)
    return (many.exp() * (many - few)).sum(-1).mean(1)


def chosen(found: dict, rule: str, share: float) -> torch.Tensor:
    """Shares of right segments [N] if the clips of largest need get many symbols."""
    count = len(found[rule])
    first = found[rule].argsort(descending=True)[: round(share * count)]
    scores = found[FEW].clone()
    scores[first] = found[MANY][first]
    return scores


def at_length(found: dict, symbols: float) -> torch.Tensor:
    """Shares of right segments [N] of fixed lengths, interpolated to ``symbols`` a second."""
    for low, high in pairwise(LENGTHS):
        if symbols <= high:
            share = (symbols - low) / (high - low)
            return (1 - share) * found[low] + share * found[high]
    raise ValueError(f"{symbols} symbols: expected {LENGTHS[0]} to {LENGTHS[-1]}")


def table(nets: list, clips: Features) -> list:
    """Accuracy by content beside fixed lengths with the same symbols a second, the mean over the
    networks."""
    all_found, head = [measured(net, clips) for net in nets], _head(clips)
    rows = []
    for share in SHARES:
        symbols = FEW + share * (MANY - FEW) + head
        fixed = _over(all_found, lambda found, n=symbols: at_length(found, n))
        row = [f"{share:g}", f"{symbols:.1f}", f"{fixed.mean():.3f}"]
        for rule in RULES:
            own = _over(all_found, lambda found, r=rule, s=share: chosen(found, r, s))
            low, high = clip_bootstrap(own - fixed)
            row += [f"{own.mean():.3f}", f"{np.mean(own - fixed):+.3f} ({low:+.3f} to {high:+.3f})"]
        rows.append(row)
    header = [f"share of clips with {MANY}", "symbols a second", "fixed length"]
    for words in RULES.values():
        header += [words, "difference"]
    return tables.markdown(header, rows)


def _head(clips: Features) -> float:
    """Symbols of the header for each second of a clip."""
    return length_code.SYMBOLS / clips.labels.shape[1]


def _over(all_found: list, scores) -> np.ndarray:
    return np.mean([scores(found).numpy() for found in all_found], axis=0)
