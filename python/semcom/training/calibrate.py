# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Fits the calibration of a system to a split over channels and SNRs; see nets.calibration."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ..base.errors import SemcomError
from ..chain.link import TorchLink
from ..data.tensors import Features
from ..nets.calibration import (
    COLDEST,
    HOTTEST,
    KNOTS_DB,
    Calibration,
    between,
    effective_snr_db,
    tempered,
)
from .evaluate import link_of

CHANNELS = ("awgn", "rayleigh", "rician")
SNRS_DB = (-15.0, -10.0, -5.0, 0.0, 5.0, 10.0, 20.0, 30.0)
SMOOTH = 1e-2  # cost of the squared step from knot to knot, and of a background's square
STEPS, BATCH, THIRD = 100, 32, 3


@dataclass(frozen=True)
class Answers:
    """A receiver's results for n frames: logits [n, T, C], noise variances [n, K], labels [n,
    T]."""

    logits: Tensor
    noise: Tensor
    labels: Tensor


@torch.inference_mode()
def answers(net, clips: Features, link, snr_db: float, part: slice = slice(None)) -> Answers:
    """Of clips, or a part of them, over a link, uplink and sidelink at one SNR; clip i is frame
    i."""
    logits, noise, chosen = [], [], torch.arange(len(clips))[part]
    for index in chosen.split(BATCH):
        db = torch.full((len(index),), snr_db)
        taken = {name: x.float() for name, x in clips.batch(index, net).items()}
        symbols, no_eff = link.uplink(link.send(net, taken, db, index), db, index)
        logits.append(net.understand(symbols, no_eff)[0])
        noise.append(no_eff)
    return Answers(torch.cat(logits), torch.cat(noise), clips.labels[chosen])


def link_answers(net, variant: str, clips: Features, seed: int = 0) -> Answers:
    """Without a channel, and over every channel and SNR that its variant is made for, where each
    gets every third clip."""
    found = [answers(net, clips, TorchLink("none", seed=seed), 0.0)]
    for channel in () if variant == "error_free" else CHANNELS:
        link = link_of(net, variant, channel, "lmmse", seed)
        for number, snr in enumerate(SNRS_DB):
            found.append(answers(net, clips, link, snr, slice(number % THIRD, None, THIRD)))
    parts = [[getattr(a, name) for a in found] for name in ("logits", "noise", "labels")]
    return Answers(*(torch.cat(part) for part in parts))


def shares_of(told: Answers, eventless: float | None) -> Tensor:
    """Weights [n] of frames, mean 1, with which those without an event make up the share
    ``eventless``; None: all weigh the same.  SemcomError without any of either kind."""
    background = told.logits.shape[-1] - 1
    without = (told.labels == background).all(1)
    share = float(without.double().mean())
    if eventless is None:
        return torch.ones(len(without))
    if not 0 < share < 1:
        raise SemcomError(
            f"--eventless {eventless:g}: {share:.0%} of the clips of the validation split have no "
            "event; leave it out, or compose a split with clips of both kinds"
        )
    return torch.where(without, eventless / share, (1 - eventless) / (1 - share))


def fitted(
    told: Answers,
    knots: tuple[float, ...] = KNOTS_DB,
    with_background: bool = True,
    eventless: float | None = None,
) -> Calibration:
    """The calibration of the lowest negative log-likelihood of what was said, nearly constant
    between knots where little tells more; by temperatures alone, which move no decision, or
    ``with_background``.

    eventless  share of the clips without an event where the receiver is used, 0 to 1; None: that of
               the split
    """
    frames = shares_of(told, eventless)
    weights = between(effective_snr_db(told.noise), knots).float()
    heat = torch.zeros(len(knots), requires_grad=True)  # logarithm of the temperature
    background = torch.zeros(len(knots), requires_grad=True)
    free = [heat, background] if with_background else [heat]
    optimizer = torch.optim.LBFGS(free, max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        logs = tempered(told.logits, weights @ heat.exp(), weights @ background)
        steps = torch.cat([heat.diff(), background.diff(), background])
        losses = F.nll_loss(logs.mT, told.labels, reduction="none")
        total = (frames[:, None] * losses).mean() + SMOOTH * steps.square().sum()
        total.backward()
        return total

    optimizer.step(loss)
    temperature = heat.detach().exp().clamp(COLDEST, HOTTEST)
    rounded = [tuple(round(float(x), 4) for x in v) for v in (temperature, background.detach())]
    return Calibration(knots, *rounded)
