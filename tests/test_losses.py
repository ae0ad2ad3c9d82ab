# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Training losses against their equations in plain loops."""

import math

import numpy as np
import pytest
import torch
from gnuradio.semcom.nets.spans import EventSpan
from gnuradio.semcom.training import losses
from gnuradio.semcom.training.losses import LOSSES, Batch

B, T, CLASSES, DIM = 3, 7, 6, 5
BACKGROUND = CLASSES - 1
LABELS = torch.full((B, T), BACKGROUND)
LABELS[0, 2:5], LABELS[1] = 3, 1  # and a clip without event
EVENTS = torch.tensor([3, 1, BACKGROUND])


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def double(x):
    return x.double().numpy()


def batch(logits=None, labels=LABELS, events=EVENTS, weight=1.0, **extras):
    logits = draw(B, T, CLASSES) if logits is None else logits
    return Batch(logits, extras, labels, events, weight)


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def cross_entropy(logits, labels):
    total = 0.0
    for b in range(B):
        for t in range(T):
            total -= math.log(softmax(double(logits[b, t]))[labels[b, t]])
    return total / (B * T)


def similarity(audio, visual, labels):
    total = 0.0
    for b in range(B):
        cosine, event = [], []
        for t in range(T):
            a, v = double(audio[b, t]), double(visual[b, t])
            cosine.append(max(0.0, a @ v / (np.linalg.norm(a) * np.linalg.norm(v))))
            event.append(float(labels[b, t] != BACKGROUND))
        for s, g in zip(cosine, event, strict=True):
            total += (s / (sum(cosine) + 1e-8) - g / (sum(event) + 1e-8)) ** 2
    return total / (B * T)


def binary(probability, target):
    """Mean binary cross entropy of two arrays."""
    p, y = np.asarray(probability, float), np.asarray(target, float)
    return float(-(y * np.log(p) + (1 - y) * np.log(1 - p)).mean())


def one_hot(index):
    return np.eye(CLASSES)[index]


def test_supervised_losses_of_the_pilot_guided_paper():
    """Yu et al., eqs (16) to (18); (16) without the factor 1/C."""
    logits, audio, visual = draw(B, T, CLASSES), draw(B, T, DIM, seed=1), draw(B, T, DIM, seed=2)
    entropy, pairs = cross_entropy(logits, LABELS), similarity(audio, visual, LABELS)
    both = batch(logits, features=[audio, visual])
    assert float(LOSSES["cross_entropy"](both)) == pytest.approx(entropy, rel=1e-5)
    found = losses.similarity([audio, visual], LABELS != BACKGROUND)
    assert float(found) == pytest.approx(pairs, rel=1e-4)
    assert float(LOSSES["segment_similarity"](both)) == pytest.approx(
        entropy + 100 * pairs, rel=1e-4
    )
    half = batch(logits, features=[audio, visual], weight=0.5)
    assert float(LOSSES["segment_similarity"](half)) == pytest.approx(
        entropy + 50 * pairs, rel=1e-4
    )
    alone = batch(logits, features=[audio])
    assert float(LOSSES["segment_similarity"](alone)) == pytest.approx(entropy, rel=1e-5)


def test_similarity_targets_are_zero_outside_the_event():
    """The error of public code: a buffer of targets that is never cleared."""
    audio = draw(B, T, DIM)
    first = losses.similarity([audio, audio], LABELS != BACKGROUND)
    losses.similarity([audio, audio], torch.ones(B, T, dtype=torch.bool))
    again = losses.similarity([audio, audio], LABELS != BACKGROUND)
    assert float(first) == float(again) == pytest.approx(similarity(audio, audio, LABELS), rel=1e-4)


def test_negative_pair_filter():
    """VSCG eqs (14) to (18) as its authors train them: event or not, which event, similarity."""
    relevance, category = draw(B, T, seed=3), draw(B, CLASSES - 1, seed=4)
    audio, visual = draw(B, T, DIM, seed=1), draw(B, T, DIM, seed=2)
    told = batch(relevance=relevance, category=category, features=[audio, visual])
    happens = (LABELS != BACKGROUND).numpy()
    expected = binary(np.vectorize(sigmoid)(double(relevance)), happens)
    for b in (0, 1):
        expected -= math.log(softmax(double(category[b]))[EVENTS[b]]) / 2
    assert float(LOSSES["event_category"](told)) == pytest.approx(expected, rel=1e-5)
    expected += similarity(audio, visual, LABELS)
    assert float(LOSSES["negative_pair_filter"](told)) == pytest.approx(expected, rel=1e-5)


def naive_soft_margin(scores, target):
    """Xue et al., eqs (6) and (7) of one row."""
    total = 0.0
    for s, y in zip(scores, target, strict=True):
        p = math.exp(s) / (1 + math.exp(s))
        total += y * math.log(p) + (1 - y) * math.log(1 - p)
    return -total / len(scores)


def test_multi_label_soft_margin_of_segments_and_of_clips():
    scores = [draw(B, T, CLASSES, seed=k) for k in (5, 6)]
    told = batch(scores=scores, weights=(0.3, 0.7))
    expected = {"soft_margin": 0.0, "video_soft_margin": 0.0, "video_soft_margin_proportions": 0.0}
    for weight, stream in zip((0.3, 0.7), scores, strict=True):
        for b in range(B):
            rows = double(stream[b])
            for t in range(T):
                value = naive_soft_margin(rows[t], one_hot(LABELS[b, t]))
                expected["soft_margin"] += weight * value / (B * T)
            strongest = rows.max(0)
            value = naive_soft_margin(strongest, one_hot(EVENTS[b]))
            expected["video_soft_margin"] += weight * value / B
            shares = one_hot(LABELS[b].numpy()).mean(0)
            value = naive_soft_margin(strongest, shares)
            expected["video_soft_margin_proportions"] += weight * value / B
    for name, value in expected.items():
        assert float(LOSSES[name](told)) == pytest.approx(value, rel=1e-5), name


def test_smooth_loss():
    """VSCG eqs (19) to (21), with lambda 2; one-hot labels and proportions."""
    clip = draw(B, CLASSES, seed=7)
    once = np.array([softmax(double(row)) for row in clip])
    twice = np.array([softmax(row) for row in once])
    told = batch(clip=clip)
    for name, target in (
        ("", one_hot(EVENTS.numpy())),
        ("_proportions", one_hot(LABELS.numpy()).mean(1)),
    ):
        bce = binary(once, target)
        assert float(LOSSES[f"video{name}"](told)) == pytest.approx(bce, rel=1e-5)
        found = float(LOSSES[f"smooth{name}"](told))
        assert found == pytest.approx(2 * bce + binary(twice, target), rel=1e-5)


def test_contrastive_loss():
    """Xue et al., eq. (5), tau = 2."""
    distance = torch.tensor([[0.5, 1.5, 3.0], [0.5, 1.5, 3.0]])
    same = torch.tensor([[True] * 3, [False] * 3])
    expected = (0.25 + 2.25 + 9 + 1.5**2 + 0.5**2 + 0) / 6
    assert float(losses.contrastive(distance, same)) == pytest.approx(expected)


def naive_alone(evidence):
    """Cross entropy of each stream's mean evidence in the event, averaged over clips with one."""
    total = 0.0
    for stream in evidence:
        for clip, event, segments in ((0, 3, range(2, 5)), (1, 1, range(T))):
            mean = np.mean([double(stream[clip, t]) for t in segments], axis=0)
            total += (np.log(np.exp(mean).sum()) - mean[event]) / 2
    return total


def test_single_stream_loss_is_the_cross_entropy_of_the_mean_evidence():
    evidence = [draw(B, T, CLASSES - 1, seed=k) for k in (8, 9)]
    told = batch(torch.zeros(B, T, CLASSES), evidence=evidence, weight=2.0)
    expected = math.log(CLASSES) + 0.6 * naive_alone(evidence)
    assert float(LOSSES["single_stream"](told)) == pytest.approx(expected, rel=1e-5)
    nothing = torch.full((B, T), BACKGROUND)
    told = batch(torch.zeros(B, T, CLASSES), nothing, nothing[:, 0], evidence=evidence)
    assert float(LOSSES["single_stream"](told)) == pytest.approx(math.log(CLASSES), rel=1e-5)


def test_span_losses_judge_each_member_alone():
    torch.manual_seed(0)
    span = EventSpan(2)
    members = []
    for k in (0, 10):
        evidence = [draw(B, T, CLASSES - 1, seed=k + 8), draw(B, T, CLASSES - 1, seed=k + 9)]
        members.append((evidence, draw(B, T, seed=k + 11)))
    told = batch(opinions=members, span=span)
    expected = np.mean(
        [
            cross_entropy(span(evidence, presence).detach(), LABELS) + 0.3 * naive_alone(evidence)
            for evidence, presence in members
        ]
    )
    assert float(LOSSES["span"](told).detach()) == pytest.approx(expected, rel=1e-4)
    expected = 0.0
    for evidence, presence in members:
        scores = span.event(evidence, presence).detach()
        for b in (0, 1):
            row = [scores[b], *(0.0 * scores[b] + x[b].mean(0) for x in evidence)]
            for weight, values in zip((1, 0.3, 0.3), row, strict=True):
                expected -= weight * math.log(softmax(double(values))[EVENTS[b]]) / 4
    assert float(LOSSES["span_clip"](told).detach()) == pytest.approx(expected, rel=1e-4)


def test_event_score_sums_the_runs_of_the_span():
    span = EventSpan(2)
    with torch.no_grad():
        span.alone.copy_(torch.tensor([0.3, -0.2, 0.1]))
        span.start.fill_(0.4)
        span.end.fill_(-0.3)
    evidence, presence = [draw(1, 4, 2, seed=1), draw(1, 4, 2, seed=2)], draw(1, 4, seed=3)
    found = span.event(evidence, presence)[0].detach()
    for c in range(2):
        x, y, p = (double(each[0]) for each in (evidence[0][..., c], evidence[1][..., c], presence))
        outside = np.log(np.exp(0.3) + np.exp(x - 0.2) + np.exp(y + 0.1))
        runs = []
        for s in range(4):
            for e in range(s + 1, 5):
                inside = sum(x[t] + y[t] + p[t] if s <= t < e else outside[t] for t in range(4))
                runs.append(inside + 0.4 * (s > 0) - 0.3 * (e < 4))
        assert float(found[c]) == pytest.approx(math.log(np.exp(runs).sum()), rel=1e-5)


@pytest.mark.parametrize("name", ["video", "smooth", "video_soft_margin", "span_clip"])
def test_weak_losses_do_not_look_at_segments(name):
    evidence = [draw(B, T, CLASSES - 1, seed=k) for k in (8, 9)]
    extras = {
        "clip": draw(B, CLASSES), "scores": [draw(B, T, CLASSES)], "weights": (1.0,),
        "opinions": [(evidence, draw(B, T))], "span": EventSpan(2),
    }  # fmt: skip
    other = LABELS[:, torch.randperm(T, generator=torch.Generator().manual_seed(1))]
    values = [LOSSES[name](batch(labels=each, **extras)) for each in (LABELS, other)]
    assert float(values[0].detach()) == float(values[1].detach())


def test_clips_of_background_alone_give_finite_losses():
    nothing = torch.full((B, T), BACKGROUND)
    evidence = [draw(B, T, CLASSES - 1, seed=k) for k in (8, 9)]
    told = batch(
        labels=nothing, events=nothing[:, 0], features=[draw(B, T, DIM), draw(B, T, DIM, seed=1)],
        relevance=draw(B, T), category=draw(B, CLASSES - 1), evidence=evidence,
        scores=[draw(B, T, CLASSES)], weights=(1.0,), clip=draw(B, CLASSES),
        opinions=[(evidence, draw(B, T))], span=EventSpan(2),
    )  # fmt: skip
    for name, loss in LOSSES.items():
        assert math.isfinite(float(loss(told).detach())), name
