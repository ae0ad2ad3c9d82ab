# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The text codec over the channel (Chen et al. 2024, eqs. 5 to 8 and 18 to 21)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ...data.clipset import SPLITS
from ...data.descriptions import DescriptionSentences
from ...nets.m3e.networks import PAD
from ...systems.m3e_vsc import padded
from ..air import carried, drawn_link, drawn_snr
from ..xi import calibrate, received
from .part import Part

WIDTHS = (30, 60, 60, 120)  # symbols of a sentence, drawn per batch
USUAL = 60  # symbols, where it is judged
FITTED = 250  # sentences that xi is fitted to
WIDE = 0.5  # share of SNRs over the whole range
PADDING = 0.1  # weight of a token behind the sentence, beside 1
SNRS = (-3.0, 0.0, 3.0)  # [dB] at which it is judged


class Sentences(Part):
    """The part "text": trains ``net.text`` on random sentences of the grammar.

    config   options.M3ETraining of the part
    limit    most sentences of each split; None: all
    compare  (sentence, sentence) -> cosine of their meanings, to which xi is fitted; None: xi stays
             as it is
    """

    def __init__(self, config, limit: int | None = None, compare=None):
        super().__init__(config)
        self.compare = compare
        self.rows = {
            split: padded(DescriptionSentences(split, limit).sentences) for split in SPLITS
        }

    def trained(self, net) -> list:
        """The text codec, at the full learning rate."""
        return [(1.0, [net.text])]

    def loss(self, net, step: int) -> Tensor:
        """Cross entropy [nat] of the received tokens, a scalar, of ``config.batch`` sentences over
        a random link, with a number of symbols out of WIDTHS; padding weighs PADDING / (1 +
        PADDING) of a token."""
        rows, count, config = self.rows["train"], self.config.batch, self.config
        rows = rows[torch.randint(len(rows), (count,))]
        width = WIDTHS[int(torch.randint(len(WIDTHS), ()))]
        snr, link = drawn_snr(config, count, WIDE), drawn_link(config)
        with self.low():
            came = carried(
                link, net.text.encode(rows, width), snr, step * count + torch.arange(count)
            )
            logits = net.text.decode(*came)
        entropy = F.cross_entropy(logits.float().transpose(1, 2), rows, reduction="none")
        weight = torch.where(rows == PAD, PADDING, 1 + PADDING)
        return (entropy * weight).sum() / weight.sum()

    @torch.no_grad()
    def exact(self, net, split: str) -> dict[str, float]:
        """{"N dB": share of sentences of which every token is right} of a split, at each of SNRS,
        over AWGN with USUAL symbols."""
        rows, found = self.rows[split], {}
        for snr in SNRS:
            logits = received(net.text, rows, "awgn", snr, USUAL)[0]
            right = (logits.argmax(-1) == rows) | (rows == PAD)
            found[f"{snr:g} dB"] = round(float(right.all(1).float().mean()), 4)
        return found

    def score(self, net) -> float:
        """Mean share, 0 to 1, of val's sentences of which every token is right, over SNRS."""
        found = self.exact(net, "val").values()
        return sum(found) / len(found)

    def finish(self, net) -> None:
        """Fit temperature and xi of the text codec (``training.xi.calibrate``) to FITTED sentences
        of val."""
        calibrate(net.text, self.rows["val"][:FITTED], self.compare, USUAL)

    def test(self, net) -> dict:
        """On the test split: "mean", the mean over SNRS of the share of sentences of which every
        token is right; "sentences exact", the share at each."""
        found = self.exact(net, "test")
        return {"mean": sum(found.values()) / len(found), "sentences exact": found}
