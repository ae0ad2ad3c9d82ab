# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""pilot_ave_plus: the span posterior against enumeration, the attention against loops, behaviour
under noise."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.nets import attention as attention_layers
from gnuradio.semcom.nets import layers
from gnuradio.semcom.nets.pilot_ave_plus import PilotAvePlus, PilotAvePlusConfig
from gnuradio.semcom.nets.spans import EventSpan
from gnuradio.semcom.systems.registry import classes
from gnuradio.semcom.weights import store as checkpoint

B, T, EVENTS = 3, 5, 4
CONFIG = PilotAvePlusConfig(
    audio_dim=6, visual_dim=8, height=2, width=3, symbols=3, hidden=10, attention_hidden=7, heads=2
)
CLASSES = [f"event {c}" for c in range(EVENTS)] + ["background"]


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def system(**changes):
    torch.manual_seed(1)
    return PilotAvePlus(replace(CONFIG, **changes), CLASSES).eval()


# --- the span posterior ---------------------------------------------------------------------------


def enumerated(evidence, presence, alone, start, end, empty):
    """Segment probabilities [T, C] by listing every (event, start, end)."""
    segments, events = evidence[0].shape
    weight, happens = [], []
    for c in range(events):
        outside = [
            math.log(math.exp(alone[0]) + sum(math.exp(b + x[t, c])
                     for b, x in zip(alone[1:], evidence, strict=True)))
            for t in range(segments)
        ]  # fmt: skip
        inside = [presence[t] + sum(x[t, c] for x in evidence) for t in range(segments)]
        runs = [(s, e) for s in range(segments) for e in range(s + 1, segments + 1)]
        for s, e in [*runs, (0, 0)]:
            score = sum(inside[t] if s <= t < e else outside[t] for t in range(segments))
            score += empty if s == e else start * (s > 0) + end * (e < segments)
            weight.append(math.exp(score))
            happens.append([(t, c) for t in range(s, e)])
    probability = np.zeros((segments, events + 1))
    for w, cells in zip(weight, happens, strict=True):
        for t, c in cells:
            probability[t, c] += w / sum(weight)
    probability[:, -1] = 1 - probability[:, :-1].sum(1)
    return probability


@pytest.mark.parametrize("terminals", [1, 2])
def test_span_posterior_equals_enumeration(terminals):
    span = EventSpan(terminals)
    with torch.no_grad():
        span.alone.copy_(draw(terminals + 1, seed=3))
        span.start.fill_(-0.7), span.end.fill_(0.4), span.empty.fill_(0.9)
    evidence = [draw(B, T, EVENTS, seed=k) for k in range(terminals)]
    presence = draw(B, T, seed=9)
    found = span(evidence, presence).exp().detach().numpy()
    for b in range(B):
        expected = enumerated(
            [x[b].double().numpy() for x in evidence], presence[b].tolist(), span.alone.tolist(),
            -0.7, 0.4, 0.9,
        )  # fmt: skip
        np.testing.assert_allclose(found[b], expected, atol=2e-6)


def test_one_sure_second_names_the_event_for_the_others():
    evidence = torch.zeros(1, T, EVENTS)
    evidence[0, 1:4, 2] = 3.0
    evidence[0, 1, 0] = 1.0  # a weaker rival in one second
    span = EventSpan(1)
    with torch.no_grad():
        span.alone[1] = -5.0  # what is heard is seen
    assert span([evidence], torch.zeros(1, T))[0].argmax(-1).tolist() == [EVENTS, 2, 2, 2, EVENTS]


@pytest.mark.parametrize("scale", [0.0, 1e3, -1e3])
def test_extreme_evidence_gives_finite_logits_and_gradients(scale):
    evidence = (draw(B, T, EVENTS) * scale).requires_grad_()
    logits = EventSpan(1)([evidence], evidence.sum(-1))
    logits.sum().backward()
    assert torch.isfinite(logits).all()
    assert torch.isfinite(evidence.grad).all()
    torch.testing.assert_close(logits.exp().sum(-1), torch.ones(B, T), atol=1e-5, rtol=0)


# --- the attention --------------------------------------------------------------------------------


def test_guided_attention_equals_its_equation_in_loops():
    torch.manual_seed(0)
    guided = attention_layers.GuidedAttention(visual_dim=5, guide_dim=4, hidden=3, heads=2)
    visual, guide = draw(1, 2, 2, 2, 5, seed=1), draw(1, 2, 4, seed=2)
    attended, alpha = guided(visual, guide)
    weights = {k: v.detach().double().numpy() for k, v in guided.named_parameters()}
    for t in range(2):
        cells = visual[0, t].reshape(4, 5).double().numpy()
        g = weights["guide_term.weight"] @ guide[0, t].double().numpy()
        g += weights["guide_term.bias"]
        shares = []
        for head in range(2):
            hidden = [
                np.tanh(weights["visual_term.weight"] @ v + weights["visual_term.bias"] + g)
                for v in cells
            ]
            score = np.exp([weights["score.weight"][head] @ x for x in hidden])
            shares.append(score / score.sum())
            found = attended[0, t, 5 * head : 5 * head + 5].detach().numpy()
            np.testing.assert_allclose(found, shares[-1] @ cells, rtol=1e-5, atol=1e-6)
        mean = np.mean(shares, axis=0).reshape(2, 2)
        np.testing.assert_allclose(alpha[0, t].detach().numpy(), mean, rtol=1e-5)


# --- the system -----------------------------------------------------------------------------------


@pytest.mark.parametrize("terminals", ["audio+video", "audio", "video"])
def test_shapes_from_features_to_log_probabilities(terminals):
    net = system(terminals=terminals)
    audio, visual = draw(B, T, 6), draw(B, T, 2, 3, 8).relu()
    sent = []
    if "audio" in net.terminals:
        sent.append(net.encode_audio(audio))
    if "video" in net.terminals:
        sent.append(net.encode_video(visual, sent[0] if sent else None))
        attention = net.guide(visual, None)
        torch.testing.assert_close(attention.sum((2, 3)), torch.ones(B, T))
    symbols = torch.stack(sent, 1)
    assert symbols.shape == (B, len(net.terminals), T, 3)
    power = symbols.abs().square().mean((2, 3))
    torch.testing.assert_close(power, torch.ones_like(power))
    logits, extras = net.receive(symbols, torch.zeros(power.shape))
    features = extras["evidence"]
    assert logits.shape == (B, T, EVENTS + 1)
    assert [x.shape for x in features] == [(B, T, EVENTS)] * len(net.terminals)


def test_the_attention_follows_what_is_heard():
    net = system()
    visual, heard = draw(B, T, 2, 3, 8).relu(), net.encode_audio(draw(B, T, 6))
    assert not torch.allclose(net.guide(visual, heard), net.guide(visual, None), atol=1e-4)
    loud = net.guide(visual, heard * 1e6)  # a deep fade behind zero forcing
    torch.testing.assert_close(loud, net.guide(visual, heard), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("noise", [0.0, 1e-9, 1.0, 1e9, math.inf])
def test_any_effective_noise_gives_a_finite_answer(noise):
    symbols = layers.to_complex(draw(B, 2, T, 6))
    logits = system().decode(symbols, torch.full((B, 2), noise))
    assert torch.isfinite(logits).all()


def test_a_stream_that_was_not_received_says_nothing():
    net = system()
    one, other = (layers.to_complex(draw(1, 2, T, 6, seed=s)) for s in (1, 2))
    mixed = torch.stack([one[0, 0], other[0, 1]])[None]
    lost = torch.tensor([[0.1, math.inf]])
    torch.testing.assert_close(net.decode(one, lost), net.decode(mixed, lost))
    assert not torch.allclose(net.decode(one, lost * 0), net.decode(mixed, lost * 0), atol=1e-5)


def test_every_parameter_has_a_gradient():
    net = system().train()
    audio, visual = draw(B, T, 6), draw(B, T, 2, 3, 8).relu()
    sent = net.encode_audio(audio)
    symbols = torch.stack([sent, net.encode_video(visual, sent)], 1)
    net.decode(symbols, torch.full((B, 2), 0.1))[..., :2].sum().backward()
    assert [n for n, p in net.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_a_checkpoint_brings_it_back(tmp_path):
    net = system().half().float()
    checkpoint.save(tmp_path / "plus.safetensors", net, variant="full", data="tests")
    again, _ = checkpoint.load(tmp_path / "plus.safetensors", classes(), expected="pilot_ave_plus")
    audio = draw(B, T, 6)
    torch.testing.assert_close(again.encode_audio(audio), net.encode_audio(audio))


def test_impossible_sizes_are_refused():
    with pytest.raises(SemcomError, match="heads 0: expected at least 1"):
        system(heads=0)
    with pytest.raises(SemcomError, match="dropout 1"):
        system(dropout=1.0)
