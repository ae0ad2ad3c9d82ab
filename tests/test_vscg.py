# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""VSCG's parts against its equations in plain loops, heads, and the switches of its ablations."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.chain.link import NoRadio
from gnuradio.semcom.data.tensors import Features
from gnuradio.semcom.nets import heads, layers
from gnuradio.semcom.nets.heads import background_of
from gnuradio.semcom.nets.localisers import (
    AVEL,
    VSCG,
    AVELConfig,
    PSPConfig,
    PSPLocaliser,
    VSCGConfig,
)
from gnuradio.semcom.training.evaluate import choose_background

B, T, DIM, CLASSES = 3, 10, 8, tuple("abcdef")
SIZES = dict(
    audio_dim=24, visual_dim=40, height=5, width=6, attention_width=12, attention_hidden=13,
    recurrent=9, classifier=19,
)  # fmt: skip


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def matrix(parameter):
    return parameter.detach().double().numpy()


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def naive_block(conv, rows):
    """Eq. (3) without its pooling: [T, d] -> [T, units], zeros beyond the ends."""
    weight, bias = matrix(conv.weight), matrix(conv.bias)
    padded = np.pad(rows, ((2, 2), (0, 0)))
    out = [np.einsum("odk,kd->o", weight, padded[t : t + 5]) + bias for t in range(len(rows))]
    return np.maximum(out, 0)


def naive_cere(cere, rows):
    """Eqs (1) to (3), ten segments: pairs, pairs."""
    first = naive_block(cere.first, rows)
    first = np.array([first[t : t + 2].max(0) for t in range(0, 10, 2)])
    second = naive_block(cere.second, first)
    return np.array([second[t : t + 2].max(0) for t in (0, 2)])


def test_event_representation_of_ten_segments():
    torch.manual_seed(0)
    cere = layers.CERE(DIM, 5)
    features = draw(B, T, DIM)
    found = cere(features).detach()
    assert found.shape == (2, B, 5)
    for b in range(B):
        expected = naive_cere(cere, features[b].double().numpy())
        np.testing.assert_allclose(found[:, b], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("segments", [1, 2, 3, 4, 7, 8, 11, 12, 30])
def test_event_representation_of_any_number_of_segments(segments):
    torch.manual_seed(0)
    found = layers.CERE(DIM, 5)(draw(B, segments, DIM))
    assert found.shape == (2, B, 5)
    assert torch.isfinite(found).all()


def naive_gru(gru, rows, start, suffix=""):
    """Eqs (4) to (7) as Torch has them (the reset acts behind the product)."""
    w, u = (
        matrix(getattr(gru, f"weight_ih_l0{suffix}")),
        matrix(getattr(gru, f"weight_hh_l0{suffix}")),
    )
    b, c = matrix(getattr(gru, f"bias_ih_l0{suffix}")), matrix(getattr(gru, f"bias_hh_l0{suffix}"))
    state, out = start, []
    for row in rows:
        r, z, n = np.split(w @ row + b, 3)
        hr, hz, hn = np.split(u @ state + c, 3)
        keep = sigmoid(z + hz)
        state = (1 - keep) * np.tanh(n + sigmoid(r + hr) * hn) + keep * state
        out.append(state)
    return np.array(out)


@pytest.mark.parametrize("event", ["cere", "separate", "average", "maximum", "none"])
def test_semantic_consistency_starts_both_grus_from_the_event(event):
    """Eqs (9) to (13); what the GRUs start from is Table III."""
    torch.manual_seed(1)
    escm = layers.ESCM(DIM, 0.3, event).eval()
    torch.nn.init.normal_(escm.norm.weight)
    audio, visual = draw(1, T, DIM, seed=1), draw(1, T, DIM, seed=2)
    a, v = (x[0].double().numpy() for x in (audio, visual))
    of = {
        "cere": lambda rows, _: naive_cere(escm.audio_event, rows),
        "separate": lambda rows, mine: naive_cere(mine, rows),
        "average": lambda rows, _: rows.mean(0).reshape(2, -1),
        "maximum": lambda rows, _: rows.max(0).reshape(2, -1),
        "none": lambda rows, _: np.zeros((2, DIM // 2)),
    }[event]
    start = (of(a, escm.audio_event) + of(v, escm.visual_event)) / 2
    found = [x[0].detach() for x in escm(audio, visual)]
    for k, (rows, gru, output) in enumerate(
        [(a, escm.audio_gru, escm.audio_output), (v, escm.visual_gru, escm.visual_output)]
    ):
        forward = naive_gru(gru, rows, start[0])
        backward = naive_gru(gru, rows[::-1], start[1], "_reverse")[::-1]
        consistent = np.concatenate([forward, backward], 1)
        np.testing.assert_allclose(found[2 + k], consistent, rtol=1e-3, atol=1e-4)
        for t in range(T):
            dense = np.maximum(matrix(output[0].weight) @ consistent[t], 0)
            normal = (dense - dense.mean()) / math.sqrt(dense.var() + escm.norm.eps)
            expected = normal * matrix(escm.norm.weight) + matrix(escm.norm.bias)
            np.testing.assert_allclose(found[k][t], expected, rtol=1e-3, atol=1e-3)


def test_one_event_extractor_serves_both_modalities_unless_separate():
    count = lambda event: sum(p.numel() for p in layers.ESCM(DIM, 0.1, event).parameters())  # noqa: E731
    own = sum(p.numel() for p in layers.CERE(DIM, DIM // 2).parameters())
    assert count("cere") == count("none") + own
    assert count("separate") == count("none") + 2 * own


# --- heads ------------------------------------------------------------------------------------


def test_event_head_says_background_up_to_seven_tenths():
    torch.manual_seed(0)
    head = heads.EventHead(DIM, len(CLASSES))
    fused = draw(B, T, DIM) * 3
    logits, extras = head(fused)
    relevance = fused.double().numpy() @ matrix(head.relevance.weight)[0] + matrix(
        head.relevance.bias
    )
    category = fused.double().numpy().max(1) @ matrix(head.category.weight).T
    category += matrix(head.category.bias)
    np.testing.assert_allclose(extras["relevance"].detach(), relevance, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(extras["category"].detach(), category, rtol=1e-4, atol=1e-5)
    is_event = sigmoid(relevance) > 0.7
    assert is_event.any() and not is_event.all()
    expected = np.where(is_event, category.argmax(1)[:, None], len(CLASSES) - 1)
    np.testing.assert_array_equal(logits.argmax(-1), expected)


@pytest.mark.parametrize("gated", [True, False])
@pytest.mark.parametrize("proportions", [True, False])
def test_video_head(gated, proportions):
    torch.manual_seed(0)
    head = heads.VideoHead(DIM, 7, len(CLASSES), bias=True, gated=gated, proportions=proportions)
    if not proportions:
        head.background.fill_(0.2)
    fused = draw(B, T, DIM)
    logits, extras = head(fused)
    first, second = head.hidden[0], head.scores
    scores = np.empty((B, T, len(CLASSES)))
    for b in range(B):
        for t in range(T):
            x = fused[b, t].double().numpy()
            hidden = np.maximum(matrix(first.weight) @ x + matrix(first.bias), 0)
            s = matrix(second.weight) @ hidden + matrix(second.bias)
            if gated:
                gate = matrix(head.gate.weight)[0] @ np.maximum(s, 0) + matrix(head.gate.bias)[0]
                s = s * sigmoid(gate)
            scores[b, t] = s
    np.testing.assert_allclose(extras["clip"].detach(), scores.mean(1), rtol=1e-4, atol=1e-5)
    if not proportions:
        scores[..., -1] = 0.2
    np.testing.assert_allclose(logits.detach(), scores, rtol=1e-4, atol=1e-5)


def small(cls, config, **changes):
    torch.manual_seed(2)
    return cls(dataclasses.replace(config(**SIZES), **changes), CLASSES).eval()


def some(count=9, seed=0):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, len(CLASSES), (count, T), generator=generator)
    visual = torch.rand(count, T, 5, 6, 40, generator=generator).half()
    return Features(torch.randn(count, T, 24, generator=generator), visual, labels, labels[:, 0])


def test_background_is_cut_where_most_segments_come_right():
    net, clips = small(AVEL, AVELConfig, setting="wsel"), some()
    score = choose_background(net, clips, [NoRadio()])
    cut = float(background_of(net))
    with torch.inference_mode():
        logits = net(clips.audio, clips.visual)[0][..., :-1]
    winner, event = logits.max(-1)

    def accuracy(threshold):
        decided = torch.where(winner > threshold, event, len(CLASSES) - 1)
        return float((decided == clips.labels).double().mean())

    tried = [winner.min() - 1, *(winner.flatten() + 1e-6), *(winner.flatten() - 1e-6)]
    assert score == pytest.approx(max(accuracy(float(x)) for x in tried))
    assert accuracy(cut) == pytest.approx(score, abs=1.01 / clips.labels.numel())
    decided = net(clips.audio, clips.visual)[0].argmax(-1)
    assert float((decided == clips.labels).double().mean()) == pytest.approx(accuracy(cut))


# --- ablations --------------------------------------------------------------------------------


def test_parts_can_be_added_to_other_networks():
    """Table IV: PSP and ESCM behind AVEL, ESCM behind PSP."""
    plain = small(AVEL, AVELConfig)
    assert plain.fusion.propagation is None and plain.fusion.consistency is None
    assert isinstance(small(AVEL, AVELConfig, propagate=True).fusion.propagation, layers.PSP)
    for cls, config in ((AVEL, AVELConfig), (PSPLocaliser, PSPConfig)):
        added = small(cls, config, consistency="cere")
        assert isinstance(added.fusion.consistency, layers.ESCM)
        clips = some(2)
        logits, extras = added(clips.audio, clips.visual)
        assert logits.shape == (2, T, len(CLASSES))
        assert not torch.allclose(logits, small(cls, config)(clips.audio, clips.visual)[0])
        assert extras["features"][0].shape == (2, T, 18)
    assert small(VSCG, VSCGConfig, consistency="").fusion.consistency is None


@pytest.mark.parametrize(
    ("loss", "kind"),
    [("negative_pair_filter", heads.EventHead), ("event_category", heads.EventHead),
     ("segment_similarity", heads.SegmentHead), ("cross_entropy", heads.SegmentHead)],
)  # fmt: skip
def test_the_loss_chooses_the_head(loss, kind):
    for cls, config in ((PSPLocaliser, PSPConfig), (VSCG, VSCGConfig)):
        net = small(cls, config, loss=loss)
        assert net.loss == loss and isinstance(net.fusion.head, kind)


def test_weak_networks_take_the_sound_as_it_is():
    weak, full = small(VSCG, VSCGConfig, setting="wsel"), small(VSCG, VSCGConfig)
    assert isinstance(weak.audio_input, torch.nn.Identity)
    assert len(weak.visual_input) == 1 and len(full.visual_input) == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"setting": "cml"}, "--setting cml: vscg does not have it; expected one of sel, wsel"),
     ({"consistency": "hope"}, "consistency 'hope'")],
)  # fmt: skip
def test_what_a_network_does_not_have_is_one_line(changes, words):
    with pytest.raises(SemcomError, match=words):
        small(VSCG, VSCGConfig, **changes)
