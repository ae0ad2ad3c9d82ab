# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""pilot_ave_plus: the span posterior against enumeration, the attention against loops, behaviour
under noise."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import tiny_system
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.data import open_set
from gnuradio.semcom.nets import attention as attention_layers
from gnuradio.semcom.nets import layers
from gnuradio.semcom.nets.pilot_ave_plus import (
    PilotAvePlus,
    PilotAvePlusConfig,
    PilotAvePlusSettings,
    as_inputs,
)
from gnuradio.semcom.nets.spans import EventSpan
from gnuradio.semcom.run.budget import model_for
from gnuradio.semcom.run.scenario import Scenario
from gnuradio.semcom.systems.loading import load_system
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


def enumerated(evidence, presence, alone, start, end, empty, redundancy):
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
            weight.append(math.exp(score / redundancy))
            happens.append([(t, c) for t in range(s, e)])
    probability = np.zeros((segments, events + 1))
    for w, cells in zip(weight, happens, strict=True):
        for t, c in cells:
            probability[t, c] += w / sum(weight)
    probability[:, -1] = 1 - probability[:, :-1].sum(1)
    return probability


@pytest.mark.parametrize("terminals, redundancy", [(1, 1.0), (2, 1.0), (2, 4.0)])
def test_span_posterior_equals_enumeration(terminals, redundancy):
    span = EventSpan(terminals, redundancy)
    with torch.no_grad():
        span.alone.copy_(draw(terminals + 1, seed=3))
        span.start.fill_(-0.7), span.end.fill_(0.4), span.empty.fill_(0.9)
    evidence = [draw(B, T, EVENTS, seed=k) for k in range(terminals)]
    presence = draw(B, T, seed=9)
    found = span(evidence, presence).exp().detach().numpy()
    for b in range(B):
        expected = enumerated(
            [x[b].double().numpy() for x in evidence], presence[b].tolist(), span.alone.tolist(),
            -0.7, 0.4, 0.9, redundancy,
        )  # fmt: skip
        np.testing.assert_allclose(found[b], expected, atol=2e-6)


def test_a_redundancy_below_one_is_refused():
    with pytest.raises(SemcomError, match="redundancy 0.5: expected 1 or more"):
        PilotAvePlusConfig(redundancy=0.5)


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


def test_product_attention_adds_the_fit_of_query_and_key_in_loops():
    torch.manual_seed(0)
    guided = attention_layers.GuidedAttention(5, guide_dim=4, hidden=3, heads=2, product=True)
    visual, guide = draw(1, 2, 2, 2, 5, seed=1), draw(1, 2, 4, seed=2)
    attended, alpha = guided(visual, guide)
    w = {k: v.detach().double().numpy() for k, v in guided.named_parameters()}
    size = attention_layers.KEY
    for t in range(2):
        g, cells = guide[0, t].double().numpy(), visual[0, t].reshape(4, 5).double().numpy()
        query = (w["query.weight"] @ g + w["query.bias"]).reshape(2, size)
        told = w["guide_term.weight"] @ g + w["guide_term.bias"]
        shares = []
        for head in range(2):
            scores = []
            for v in cells:
                hidden = np.tanh(w["visual_term.weight"] @ v + w["visual_term.bias"] + told)
                key = (w["key_term.weight"] @ v).reshape(2, size)[head]
                fit = sum(q * k for q, k in zip(query[head], key, strict=True)) / math.sqrt(size)
                scores.append(math.exp(w["score.weight"][head] @ hidden + fit))
            shares.append(np.array(scores) / sum(scores))
            found = attended[0, t, 5 * head : 5 * head + 5].detach().numpy()
            np.testing.assert_allclose(found, shares[-1] @ cells, rtol=1e-5, atol=1e-6)
        mean = np.mean(shares, axis=0).reshape(2, 2)
        np.testing.assert_allclose(alpha[0, t].detach().numpy(), mean, rtol=1e-5)


def test_a_query_selects_the_position_that_answers_it():
    """Without the sum inside tanh: twice the query, twice the logarithm of the ratio of shares."""
    guided = attention_layers.GuidedAttention(5, guide_dim=4, hidden=3, heads=1, product=True)
    with torch.no_grad():
        guided.score.weight.zero_()
        guided.query.bias.zero_()
    visual, guide = draw(1, 1, 1, 2, 5), draw(1, 1, 4, seed=3)
    ratios = [guided(visual, k * guide)[1].log().diff(dim=-1).item() for k in (1, 2)]
    assert abs(ratios[0]) > 1e-3
    assert ratios[1] == pytest.approx(2 * ratios[0], rel=1e-4)


@pytest.mark.parametrize("product", [False, True])
def test_nothing_heard_is_a_guide_of_zeros(product):
    torch.manual_seed(0)
    guided = attention_layers.GuidedAttention(5, guide_dim=4, hidden=3, heads=2, product=product)
    visual = draw(2, 3, 2, 2, 5)
    for found, expected in zip(
        guided(visual, None), guided(visual, torch.zeros(2, 3, 4)), strict=True
    ):
        torch.testing.assert_close(found, expected)


# --- payloads: any length, bounded peaks ----------------------------------------------------------


def nested(**changes):
    return system(symbols=16, nested=True, attention="product", **changes)


def sent_by(net, symbols):
    net.configure(PilotAvePlusSettings(symbols))
    audio, visual = draw(B, T, 6), draw(B, T, 2, 3, 8).relu()
    heard = net.encode_audio(audio)
    return heard, net.encode_video(visual, None)


def test_a_shorter_payload_is_the_beginning_of_the_longest_at_unit_power():
    net = nested()
    assert net.config.rates == (4, 8, 16)
    whole = sent_by(net, 16)
    for n in (4, 8):
        for short, full in zip(sent_by(net, n), whole, strict=True):
            assert short.shape == (B, T, n)
            first = full[..., :n].detach().numpy()
            for clip in range(B):
                scale = np.sqrt(np.mean(np.abs(first[clip]) ** 2))
                np.testing.assert_allclose(short[clip].detach(), first[clip] / scale, rtol=1e-5)
    assert sent_by(net, 0)[0].shape == (B, T, 16)


def test_what_a_shorter_payload_has_not_is_silence_and_its_length_is_told():
    config = replace(CONFIG, symbols=16, nested=True)
    heard = torch.full((1, 1, 4), 0.5 + 0.25j)
    found = as_inputs(heard, config)[0, 0].tolist()  # 4 of 16: twice the amplitude
    assert found == [1.0] * 4 + [0.0] * 12 + [0.5] * 4 + [0.0] * 12 + [-2.0]


def test_the_receiver_answers_payloads_of_every_length():
    net = nested()
    for n in net.config.rates:
        heard, seen = sent_by(net, n)
        assert net.payload("audio", T) == n * T
        frame = torch.stack([heard, seen], 1).flatten(2)
        said = net.outcome(frame, torch.full((B, 2), 0.1))
        assert said.shape == (B, T, EVENTS + 1)
        torch.testing.assert_close(said.sum(-1), torch.ones(B, T))


def test_a_length_that_was_not_trained_is_refused():
    with pytest.raises(SemcomError, match="symbols 5: these weights send 4 or 8 or 16 symbols"):
        nested().configure(PilotAvePlusSettings(5))
    with pytest.raises(SemcomError, match="symbols 8: these weights send 3 symbols per second"):
        system().configure(PilotAvePlusSettings(8))
    with pytest.raises(SemcomError, match="symbols 3: nested needs at least 4"):
        system(nested=True)


def test_the_length_is_a_setting_behind_the_weights(tmp_path):
    path = tmp_path / "plus.safetensors"
    checkpoint.save(path, nested(), variant="full", data="tests")
    for n in (4, 8, 16):
        assert load_system("pilot_ave_plus", f"{path}?symbols={n}").payload("video", 10) == 10 * n
    assert load_system("pilot_ave_plus", path).payload("video", 10) == 160


def test_a_run_asks_for_a_length_by_its_option(tmp_path):
    path, clips = tmp_path / "plus.safetensors", open_set(None, "test")
    checkpoint.save(path, tiny_system(nested=True), variant="full", data="synthetic")
    point = Scenario(checkpoint=str(path), symbols=4)
    assert model_for(point, clips) == f"{path}?symbols=4&by_content=0.0"
    with pytest.raises(SemcomError, match="sends 4 or 8 symbols per segment"):
        model_for(replace(point, symbols=16), clips)


def clipped_to(x, peak):
    """Gain by bisection, then the amplitude clipped."""
    low, high = 0.0, 1e6
    for _ in range(200):
        gain = (low + high) / 2
        power = np.minimum(gain * np.abs(x), math.sqrt(peak)) ** 2
        low, high = (gain, high) if power.mean() < 1 else (low, gain)
    return x * np.minimum(gain, math.sqrt(peak) / np.abs(x))


@pytest.mark.parametrize("peak_db", [1.0, 3.0, 6.0, 20.0])
def test_bounded_symbols_equal_a_gain_found_by_bisection(peak_db):
    peak = 10 ** (peak_db / 10)
    x = layers.to_complex(draw(4, 5, 24) * torch.tensor([1.0, 3.0, 0.1, 10.0])[:, None, None])
    x = x * x.abs() ** 2  # heavy tails
    found = layers.bound_peak(x, peak)
    for clip in range(4):
        expected = clipped_to(x[clip].to(torch.complex128).numpy(), peak)
        np.testing.assert_allclose(found[clip], expected, rtol=2e-4)
    power = found.abs().square()
    torch.testing.assert_close(power.mean((1, 2)), torch.ones(4))
    assert power.max() <= peak * (1 + 1e-5)


def test_bounding_silence_and_single_symbols_stays_finite():
    x = torch.zeros(2, 2, 5, dtype=torch.complex64)
    x[1, 0, 2] = 3j
    x.requires_grad_()
    found = layers.bound_peak(x, 4.0)
    torch.view_as_real(found).sum().backward()
    assert torch.isfinite(torch.view_as_real(x.grad)).all()
    assert not found[0].any()
    torch.testing.assert_close(found[1, 0, 2].detach(), torch.tensor(2j))


def test_symbols_of_a_system_keep_its_bound():
    net = nested(peak=2.0)
    for n in net.config.rates:
        for symbols in sent_by(net, n):
            power = symbols.abs().square()
            assert (power.amax((1, 2)) / power.mean((1, 2))).max() <= 10**0.2 * (1 + 1e-5)
    assert max(s.abs().square().max() for s in sent_by(nested(), 16)) > 10**0.2
    with pytest.raises(SemcomError, match="peak 0.5: expected 1 dB or more"):
        system(peak=0.5)


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


@pytest.mark.parametrize("more", [{}, dict(attention="product", peak=3.0)])
def test_every_parameter_has_a_gradient(more):
    net = system(**more).train()
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
    with pytest.raises(SemcomError, match="attention 'staring': expected one of additive, product"):
        system(attention="staring")
