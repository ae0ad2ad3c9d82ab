# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Training losses by name.

A system has the name of its loss; every loss takes a :class:`Batch` and returns a mean over its
clips. Losses of weak supervision use only ``clip_labels``.  Equation numbers: Yu et al.
(arXiv:2412.06208), VSCG (Jiang et al.), co-attention (Xue et al., TMM 2021).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from ..nets.layers import l1_rows

MARGIN = 2.0  # tau of the contrastive loss


@dataclass
class Batch:
    """A network's results for B clips, and their labels.

    logits  [B, T, C]
    extras  {name: further result of the network}
    labels  [B, T] int64
    events  [B] int64, class of the clip's event; background if it has none
    weight  weight of a loss's second part; 1: the published one
    """

    logits: torch.Tensor
    extras: dict
    labels: torch.Tensor
    events: torch.Tensor
    weight: float = 1.0

    @property
    def background(self) -> int:
        """Index of the class background, the last one."""
        return self.logits.shape[-1] - 1

    @property
    def happens(self) -> torch.Tensor:
        """[B, T] bool: the segment holds an event."""
        return self.labels != self.background

    def one_hot(self) -> torch.Tensor:
        """Label of each clip as a weak setting has it, [B, C]: its event and nothing else."""
        return F.one_hot(self.events, self.logits.shape[-1]).float()

    def proportions(self) -> torch.Tensor:
        """Share of the segments of each class, [B, C]: more than a weak label tells."""
        return F.one_hot(self.labels, self.logits.shape[-1]).float().mean(1)


def regression(found: list[torch.Tensor], wanted: list[torch.Tensor]) -> torch.Tensor:
    """Mean square error of features that crossed a link, [B, T, d] each, in units of the mean power
    of those that did not; the mean over the pairs."""
    pairs = zip(found, wanted, strict=True)
    return torch.stack([F.mse_loss(x, y) / y.square().mean() for x, y in pairs]).mean()


# --- every second has its label ---


def cross_entropy(batch: Batch) -> torch.Tensor:
    """Yu et al. eq. (16), averaged over clips and segments.

    The paper divides by the number of classes too, which would only rescale beta.
    """
    return F.cross_entropy(batch.logits.flatten(0, 1), batch.labels.flatten())


def similarity(features, happens: torch.Tensor) -> torch.Tensor:
    """Yu et al. eq. (17), VSCG eq. (16): MSE between the similarity of the modalities over time
    and where the event is.

    S_cos: cosine of the features, ReLU, l1 over T;  G: event indicator, l1 over T.

    features: audio, visual [B, T, d];  happens [B, T] bool
    """
    cosine = F.relu(F.cosine_similarity(*features, dim=-1))
    return F.mse_loss(l1_rows(cosine), l1_rows(happens.float()))


def segment_similarity(batch: Batch) -> torch.Tensor:
    """Yu et al. eq. (18): cross entropy and 100 times eq. (17); with one terminal there is no
    similarity."""
    features = batch.extras["features"]
    if len(features) < 2:
        return cross_entropy(batch)
    return cross_entropy(batch) + batch.weight * 100 * similarity(features, batch.happens)


def event_category(batch: Batch) -> torch.Tensor:
    """VSCG, L_c + L_t of eqs (17) and (18): which event the clip has, and where it is."""
    relevance = batch.extras["relevance"]
    where = F.binary_cross_entropy_with_logits(relevance, batch.happens.float())
    return where + which_event(batch.extras["category"], batch)


def which_event(scores: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Cross entropy of the clips' events, scores [B, C - 1]; clips without one do not count."""
    target = torch.where(batch.events == batch.background, -1, batch.events)
    total = F.cross_entropy(scores, target, ignore_index=-1, reduction="sum")
    return total / (target >= 0).sum().clamp_min(1)


def negative_pair_filter(batch: Batch) -> torch.Tensor:
    """VSCG eqs (17) and (18): :func:`event_category` and the similarity of the modalities."""
    pairs = similarity(batch.extras["features"], batch.happens)
    return event_category(batch) + batch.weight * pairs


def soft_margin(batch: Batch) -> torch.Tensor:
    """Xue et al. eq. (6) on logits, averaged over the segments; streams weighed by lambda."""
    target = F.one_hot(batch.labels, batch.logits.shape[-1]).float()
    return over_streams(batch, lambda scores: scores, target)


def over_streams(batch: Batch, of_clip, target: torch.Tensor) -> torch.Tensor:
    """Multi-label soft margin of each stream's scores, weighed: eqs (6) and (7)."""
    both = zip(batch.extras["weights"], batch.extras["scores"], strict=True)
    losses = [w * F.multilabel_soft_margin_loss(of_clip(scores), target) for w, scores in both]
    return torch.stack(losses).sum()


def single_stream(batch: Batch) -> torch.Tensor:
    """Cross entropy, and 0.3 times what each stream alone says of the event while it happens.

    Trained together only, the streams lean on each other, and each names the event worse than it
    could.  Extras "evidence": K tensors [B, T, C - 1].
    """
    evidence = batch.extras["evidence"]
    if len(evidence) < 2:
        return cross_entropy(batch)
    share = l1_rows(batch.happens.float())
    means = [torch.einsum("btc,bt->bc", x, share) for x in evidence]
    alone = sum(which_event(mean, batch) for mean in means)
    return cross_entropy(batch) + batch.weight * 0.3 * alone


def gaze(attention: torch.Tensor, own: torch.Tensor, happens: torch.Tensor) -> torch.Tensor:
    """Minus log of the share of attention on what is heard, averaged over the segments with an
    event that have a rival beside it.

    attention [B, T, h, w], sums to one;  own [B, w] bool: columns that are not the rival's;
    happens [B, T] bool
    """
    share = (attention.sum(2) * own[:, None]).sum(-1)
    counts = happens & ~own.all(1, keepdim=True)
    return -(share.clamp_min(1e-6).log() * counts).sum() / counts.sum().clamp_min(1)


def span(batch: Batch) -> torch.Tensor:
    """:func:`single_stream` of each member of an ensemble on its own, averaged."""
    layer = batch.extras["span"]
    losses = []
    for evidence, presence in batch.extras["opinions"]:
        own = Batch(
            layer(evidence, presence),
            {"evidence": evidence},
            batch.labels,
            batch.events,
            batch.weight,
        )
        losses.append(single_stream(own))
    return torch.stack(losses).mean()


# --- only the clip has a label ---


def clip_entropy(batch: Batch, target: torch.Tensor) -> torch.Tensor:
    """VSCG eq. (20): binary cross entropy of the clip's class probabilities."""
    return F.binary_cross_entropy(batch.extras["clip"].softmax(-1), target)


def smooth_entropy(batch: Batch, target: torch.Tensor) -> torch.Tensor:
    """VSCG eqs (19) to (21): twice :func:`clip_entropy`, and that of a second softmax."""
    twice = batch.extras["clip"].softmax(-1).softmax(-1)
    return 2 * clip_entropy(batch, target) + F.binary_cross_entropy(twice, target)


def span_clip(batch: Batch) -> torch.Tensor:
    """Minus log posterior of the clip's event, whenever it happens, of each member, averaged; and
    0.3 times what each stream says of the event on average."""
    layer = batch.extras["span"]
    losses = []
    for evidence, presence in batch.extras["opinions"]:
        own = layer.event(evidence, presence)
        alone = sum(which_event(x.mean(1), batch) for x in evidence)
        losses.append(which_event(own, batch) + batch.weight * 0.3 * alone)
    return torch.stack(losses).mean()


def strongest(scores: torch.Tensor) -> torch.Tensor:
    """Xue et al., III-E: v[i] = max_t e_t[i]."""
    return scores.amax(1)


LOSSES = {
    "cross_entropy": cross_entropy,
    "segment_similarity": segment_similarity,
    "single_stream": single_stream,
    "span": span,
    "span_clip": span_clip,
    "event_category": event_category,
    "negative_pair_filter": negative_pair_filter,
    "soft_margin": soft_margin,
    "video": lambda batch: clip_entropy(batch, batch.one_hot()),
    "smooth": lambda batch: smooth_entropy(batch, batch.one_hot()),
    "video_soft_margin": lambda batch: over_streams(batch, strongest, batch.one_hot()),
    "video_proportions": lambda batch: clip_entropy(batch, batch.proportions()),
    "smooth_proportions": lambda batch: smooth_entropy(batch, batch.proportions()),
    "video_soft_margin_proportions": lambda batch: over_streams(
        batch, strongest, batch.proportions()
    ),
}


def contrastive(distance: torch.Tensor, same: torch.Tensor) -> torch.Tensor:
    """Xue et al. eq. (5): distance [...] of two segments' embeddings, same [...] bool."""
    apart = (MARGIN - distance).clamp_min(0)
    return torch.where(same, distance, apart).square().mean()
