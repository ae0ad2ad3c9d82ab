# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Training steps of supervised VSCG against a plain loop over the same modules.

Ours is the loop and its recipe as they are: pictures in half precision, the attention in pieces
and in bfloat16 where that is faster here.
The peer is what one writes first: all features in memory as float32, the attention by ordinary
autograd, AdamW.  Both on all cores; no position repeats in these clips, so that nothing is gained
from that here.

    .venv/bin/python -m tests.benchmarks training
"""

import itertools
import tempfile
import time
from collections.abc import Callable

import torch
from gnuradio.semcom.data.tensors import Features
from gnuradio.semcom.nets import attention
from gnuradio.semcom.nets.localisers import VSCG, VSCGConfig
from gnuradio.semcom.training import precision
from gnuradio.semcom.training.loop import Loop
from gnuradio.semcom.training.losses import LOSSES, Batch
from gnuradio.semcom.training.options import LabelledConfig
from gnuradio.semcom.training.recipes.localisation import Localisation

from .turns import compare, row, seconds_of

CLIPS, BATCH, TURNS = 256, 64, 7
CLASSES = [f"event {c}" for c in range(29)]


def clips(dtype: torch.dtype) -> Features:
    """Seeded features of AVE's sizes, no two positions alike."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(29, (CLIPS, 1), generator=generator).expand(-1, 10).contiguous()
    visual = torch.rand(CLIPS, 10, 7, 7, 512, generator=generator).to(dtype)
    return Features(torch.randn(CLIPS, 10, 128, generator=generator), visual, labels, labels[:, 0])


def plain_projection(visual, embed, term):
    """The attention's layers by ordinary autograd."""
    return term(embed(visual))


def orders():
    """Batches of clips, without end."""
    return itertools.cycle(torch.randperm(CLIPS).split(BATCH))


def ours(folder: str) -> Callable[[], None]:
    """A step of the loop."""
    torch.manual_seed(0)
    config = LabelledConfig(variant="sel", batch=BATCH, bfloat16=True)
    pictures = torch.bfloat16 if precision.fastest() == torch.bfloat16 else torch.float16
    recipe = Localisation(VSCG(VSCGConfig(), CLASSES), config, {"train": clips(pictures)})
    loop, order = Loop(recipe, folder), orders()
    recipe.model.train()
    return lambda: loop.step((0, next(order)))


def plain() -> Callable[[], None]:
    """A step of the loop that one writes first."""
    torch.manual_seed(0)
    net, data = VSCG(VSCGConfig(), CLASSES), clips(torch.float32)
    optimizer = torch.optim.AdamW(net.parameters(), 1e-3)
    order = orders()

    def step():
        index = next(order)
        logits, extras = net(data.audio[index], data.visual[index])
        loss = LOSSES[net.loss](Batch(logits, extras, data.labels[index], data.events[index]))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()

    def with_plain_attention():
        fast, attention.project = attention.project, plain_projection
        try:
            step()
        finally:
            attention.project = fast

    return with_plain_attention


def rows() -> list:
    """Clips a second of both, by the clock: both use all cores."""
    with tempfile.TemporaryDirectory() as folder:
        step, peer = ours(folder), plain()
        found = compare(
            lambda: BATCH / seconds_of(step, time.perf_counter),
            lambda: BATCH / seconds_of(peer, time.perf_counter),
            TURNS,
        )
    return [row("training step, VSCG supervised", "clips/s", "plain loop, float32", 2.5, found)]
