# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Co-attention against its equations (Xue et al., TMM 2021), and the hand-written projection.

Sizes differ on purpose (T=7, d_a=24, d_v=40, 5x6 maps, 6 classes): a swapped axis fails.
"""

import numpy as np
import pytest
import torch
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.nets import attention
from gnuradio.semcom.nets.coattention import CoAttention, CoAttentionConfig

B, T, D_A, D_V, ROWS, COLUMNS = 2, 7, 24, 40, 5, 6
CONFIG = dict(
    audio_dim=D_A, visual_dim=D_V, height=ROWS, width=COLUMNS, attention_width=12,
    attention_hidden=13, recurrent=9, classifier=19,
)  # fmt: skip


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def features():
    return draw(B, T, D_A), draw(B, T, ROWS, COLUMNS, D_V, seed=1).relu()


def net(**changes):
    torch.manual_seed(4)
    return CoAttention(CoAttentionConfig(**CONFIG | changes), tuple("abcdef")).eval()


def matrix(parameter):
    return parameter.detach().double().numpy()


def linear(layer, x):
    return matrix(layer.weight) @ x + matrix(layer.bias)


def two(layers, x):
    """Two layers with ReLU between."""
    return linear(
        layers[-1] if len(layers) == 3 else layers[2], np.maximum(linear(layers[0], x), 0)
    )


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def naive_cspa(cspa, audio, picture):
    """Eqs (1) and (2) of one segment: audio [d_a], picture [P, d_v]."""
    sound = two(cspa.audio_term, audio)
    common = []
    for place in picture:
        hidden = np.maximum(linear(cspa.embed_visual[0], place), 0)
        common.append(sound * linear(cspa.visual_term, hidden))
    z = np.array([linear(cspa.score, f)[0] for f in common])
    weights = softmax(z)
    seen = sum(w * place for w, place in zip(weights, picture, strict=True))
    fused = sum(score * f for score, f in zip(z, common, strict=True))
    gate = softmax(two(cspa.audio_attention, fused))
    return linear(cspa.audio_output, gate * sound) + audio, seen, weights


def test_co_spatial_attention():
    torch.manual_seed(0)
    cspa = attention.CSPA(D_V, D_A, 12, 13)
    audio, visual = features()
    heard, seen, weights = (x.detach() for x in cspa(audio, visual))
    assert weights.shape == (B, T, ROWS, COLUMNS)
    for b, t in ((0, 0), (1, 6)):
        picture = visual[b, t].reshape(-1, D_V).double().numpy()
        expected = naive_cspa(cspa, audio[b, t].double().numpy(), picture)
        np.testing.assert_allclose(heard[b, t], expected[0], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(seen[b, t], expected[1], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(weights[b, t].flatten(), expected[2], rtol=1e-4)


@pytest.mark.parametrize("gate", ["softmax", "sigmoid"])
def test_co_semantic_attention(gate):
    """Eq. (3), with the mean of the picture as F^v."""
    torch.manual_seed(0)
    csea = attention.CSEA(D_V, D_A, gate)
    audio, pooled = draw(B, T, D_A), draw(B, T, D_V, seed=2)
    heard, seen = csea(audio, pooled)
    shape = {"softmax": softmax, "sigmoid": lambda x: 1 / (1 + np.exp(-x))}[gate]
    a, v = audio[1, 3].double().numpy(), pooled[1, 3].double().numpy()
    expected = (shape(linear(csea.audio_gate, a * linear(csea.to_audio, v))) + 1) * a
    np.testing.assert_allclose(heard[1, 3].detach(), expected, rtol=1e-4, atol=1e-5)
    expected = (shape(linear(csea.visual_gate, v * linear(csea.to_visual, a))) + 1) * v
    np.testing.assert_allclose(seen[1, 3].detach(), expected, rtol=1e-4, atol=1e-5)


def test_streams_are_classified_alone_and_averaged():
    """Eq. (4) (the recurrence is Torch's), III-E."""
    model = net()
    audio, visual = features()
    logits, extras = model(audio, visual)
    pairs = [model.spatial(audio, visual)[:2]]
    pairs.append(model.semantic(audio, visual.flatten(2, 3).mean(2)))
    for stream, (heard, seen), scores in zip(
        model.decoder.streams, pairs, extras["scores"], strict=True
    ):
        both = torch.cat([stream.audio_lstm(heard), stream.visual_lstm(seen)], -1)[1, 3]
        expected = two(stream.classifier, both.detach().double().numpy())
        np.testing.assert_allclose(scores[1, 3].detach(), expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(logits, (extras["scores"][0] + extras["scores"][1]) / 2)
    assert extras["weights"] == (0.3, 0.7)


@pytest.mark.parametrize(
    ("setting", "weights"), [("sel", (0.3, 0.7)), ("wsel", (0.7, 0.3)), ("cml", (0.6, 0.4))]
)
def test_lambda_is_the_papers_unless_told(setting, weights):
    assert net(setting=setting).weights == pytest.approx(weights)
    assert net(setting=setting, balance=0.25).weights == (0.25, 0.75)
    assert net(setting=setting, parts="csea").weights == (1.0,)


def test_switches_take_away_what_they_name():
    audio, visual = features()
    pooled = visual.flatten(2, 3).mean(2)
    model = net(audio_attention=False)
    torch.testing.assert_close(model.spatial(audio, visual)[0], audio)
    heard, seen = net(visual_to_audio=False).semantic(audio, pooled)
    torch.testing.assert_close(heard, audio)
    assert not torch.allclose(seen, pooled)
    heard, seen = net(audio_to_visual=False).semantic(audio, pooled)
    torch.testing.assert_close(seen, pooled)
    assert not torch.allclose(heard, audio)
    assert net(parts="cspa").semantic is None
    assert net(parts="csea").spatial is None
    with pytest.raises(SemcomError, match="only CSEA"):
        net(parts="csea").attend(visual, audio)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"parts": "cspa+nothing"}, "parts 'cspa"),
        ({"gate": "door"}, "gate 'door'"),
        ({"balance": 1.5}, "balance 1.5"),
        ({"balance": -0.2}, "balance -0.2"),
    ],
)
def test_impossible_options_are_one_line(changes, words):
    with pytest.raises(SemcomError, match=words):
        CoAttentionConfig(**CONFIG | changes)


# --- the projection ---------------------------------------------------------------------------


def test_the_projection_is_its_formula_with_its_gradients(monkeypatch):
    monkeypatch.setattr(attention, "ROWS", 3)  # several pieces, the last one short
    x = draw(8, 5).double()
    weight, bias, out = (
        draw(*shape, seed=k).double().requires_grad_()
        for k, shape in enumerate([(6, 5), (6,), (4, 6)])
    )
    apply = attention.HiddenProjection.apply
    torch.testing.assert_close(apply(x, weight, bias, out), (x @ weight.T + bias).relu() @ out.T)
    assert torch.autograd.gradcheck(lambda *w: apply(x, *w), (weight, bias, out))


def test_bfloat16_projection_is_close_and_its_gradients_are_float32():
    x = draw(3000, 32).relu()
    weights = [draw(*s, seed=k) * 0.2 for k, s in enumerate([(24, 32), (24,), (7, 24)])]
    found, grads = [], []
    for dtype in (torch.float32, torch.bfloat16):
        w = [each.clone().requires_grad_() for each in weights]
        found.append(attention.HiddenProjection.apply(x.to(dtype), *w))
        found[-1].square().mean().backward()
        grads.append([each.grad for each in w])
    assert (found[0] - found[1]).norm() < 0.01 * found[0].norm()
    for exact, rough in zip(*grads, strict=True):
        assert rough.dtype == torch.float32
        assert (exact - rough).norm() < 0.02 * exact.norm()


def test_rows_that_repeat_are_found_exactly():
    rows = draw(40, 8)[torch.randint(40, (500,), generator=torch.Generator().manual_seed(3))]
    one, which = attention.distinct(rows)
    assert len(one) == len(np.unique(rows.numpy(), axis=0))
    assert torch.equal(rows[one][which], rows)
    assert attention.distinct(draw(100, 8)) is None  # nothing repeats
    assert attention.distinct(rows[:, :7].half()) is None  # 14 bytes
    assert attention.distinct(rows[:0]) is None


def test_features_that_repeat_and_features_that_are_learnt_give_the_same():
    torch.manual_seed(0)
    cspa = attention.CSPA(D_V, D_A, 12, 13)
    audio, visual = features()
    still = visual[:, :1].expand(-1, T, -1, -1, -1).contiguous()
    assert attention.distinct(still.flatten(0, 3)) is not None
    plain = cspa(audio, still.clone().requires_grad_())  # ordinary autograd, every position
    for found, expected in zip(cspa(audio, still), plain, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    plain[1].sum().backward()
    assert cspa.embed_visual[0].weight.grad is not None
