# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The localisers without a radio against NumPy over the published layers, and their checkpoints.

Sizes differ on purpose (T=7, d_a=24, d_v=40, 5x6 maps, 6 classes): a swapped axis fails.
"""

import dataclasses
import math

import numpy as np
import pytest
import torch
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.nets import attention as attention_layers
from gnuradio.semcom.nets.coattention import CoAttentionConfig
from gnuradio.semcom.nets.heads import background_of
from gnuradio.semcom.nets.localisers import AVELConfig, PSPConfig, VSCGConfig
from gnuradio.semcom.nets.span_localiser import SpanConfig
from gnuradio.semcom.systems.loading import load_any
from gnuradio.semcom.systems.registry import classes, localiser
from gnuradio.semcom.systems.registry import system as entry_of
from gnuradio.semcom.training import losses, matching
from gnuradio.semcom.weights import store
from gnuradio.semcom.weights import store as checkpoint
from gnuradio.semcom.weights.names import shipped

B, T, D_A, D_V, ROWS, COLUMNS = 3, 7, 24, 40, 5, 6
CLASSES = tuple("abcdef")
SIZES = dict(
    audio_dim=D_A, visual_dim=D_V, height=ROWS, width=COLUMNS, attention_width=12,
    attention_hidden=13, recurrent=9, classifier=19,
)  # fmt: skip
FEATURES = {k: SIZES[k] for k in ("audio_dim", "visual_dim", "height", "width")}
LINEAR = {"projection": 15, "common_dim": 8}
CONFIGS = {
    "avel": AVELConfig(**SIZES),
    "psp": PSPConfig(**SIZES, **LINEAR),
    "vscg": VSCGConfig(**SIZES, **LINEAR),
    "coattention": CoAttentionConfig(**SIZES),
    "span": SpanConfig(**FEATURES, hidden=18, code=5, attention_hidden=12, heads=2, members=1),
}


def small(name, seed=0, **changes):
    torch.manual_seed(seed)
    return localiser(name)(dataclasses.replace(CONFIGS[name], **changes), CLASSES).eval()


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def features(segments=T):
    return draw(B, segments, D_A), draw(B, segments, ROWS, COLUMNS, D_V, seed=1).relu()


def numpy_of(parameter):
    return parameter.detach().double().numpy()


def apply(linear, x):
    """A dense layer on one vector [d]."""
    y = numpy_of(linear.weight) @ x
    return y if linear.bias is None else y + numpy_of(linear.bias)


def relu(x):
    return np.maximum(x, 0)


# --- equations ------------------------------------------------------------------------------------


def naive_attention(agva, visual, audio, position_axis):
    """One segment: attended [d_v] and weights [h w] from visual [h, w, d_v] and audio [d_a]."""
    sound = apply(agva.audio_term, relu(apply(agva.embed_audio[0], audio)))
    places = visual.reshape(-1, visual.shape[-1])
    scores = np.empty(len(places))
    for i, place in enumerate(places):
        seen = apply(agva.visual_term, relu(apply(agva.embed_visual[0], place)))
        hidden = [np.tanh(s + sound[i if position_axis else k]) for k, s in enumerate(seen)]
        scores[i] = numpy_of(agva.score.weight)[0] @ hidden
    weights = np.exp(scores) / np.exp(scores).sum()
    return sum(w * place for w, place in zip(weights, places, strict=True)), weights


@pytest.mark.parametrize("position_axis", [False, True])
def test_attention_adds_the_audio_term_on_the_axis_asked_for(position_axis):
    torch.manual_seed(1)
    agva = attention_layers.AGVA(D_V, D_A, 12, ROWS * COLUMNS, position_axis)
    audio, visual = features()
    attended, attention = agva(visual, audio)
    for b, t in [(0, 0), (2, 6)]:
        expected = naive_attention(
            agva, numpy_of(visual[b, t]), numpy_of(audio[b, t]), position_axis
        )
        np.testing.assert_allclose(attended[b, t].detach(), expected[0], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(attention[b, t].detach().flatten(), expected[1], rtol=1e-4)


def naive_connections(similarity):
    """ReLU, rows over their sum, threshold just under 1 / T, rows over their sum."""
    result = np.zeros_like(similarity)
    for i, row in enumerate(relu(similarity)):
        row = row / (row.sum() + 1e-8)
        row = np.where(row > 0.99 / len(row), row, 0)
        result[i] = row / (row.sum() + 1e-8)
    return result


def naive_norm(norm, x):
    centred = x - x.mean()
    scaled = centred / math.sqrt((centred**2).mean() + norm.eps)
    return scaled * numpy_of(norm.weight) + numpy_of(norm.bias)


def naive_propagation(psp, audio, visual):
    """Zhou et al.: features [T, d] of both to the propagated ones."""
    query, key, from_visual, from_audio = (
        np.array([relu(apply(module[0], x)) for x in rows])
        for module, rows in [
            (psp.visual_query, visual),
            (psp.audio_query, audio),
            (psp.visual_value, visual),
            (psp.audio_value, audio),
        ]
    )
    similarity = query @ key.T / math.sqrt(audio.shape[1])
    audio = audio + naive_connections(similarity.T) @ from_visual
    visual = visual + naive_connections(similarity) @ from_audio
    return [
        np.array([naive_norm(psp.norm, relu(apply(module[0], x))) for x in rows])
        for module, rows in [(psp.output, audio), (psp.visual_output, visual)]
    ]


def lstm(module, rows):
    """The recurrence itself is Torch's: [T, d] -> [T, 2 units]."""
    with torch.no_grad():
        return numpy_of(module.lstm(torch.from_numpy(rows).float()[None])[0][0])


def test_psp_equals_its_layers_in_numpy():
    net = small("psp", seed=2)
    psp = net.fusion.propagation
    torch.nn.init.normal_(psp.norm.weight)
    torch.nn.init.normal_(psp.norm.bias)
    clip = [each[1:2] for each in features()]
    logits, extras = net(*clip)
    audio, visual = extras["features"]
    sound, sight = (numpy_of(each[0]) for each in clip)
    sound = np.array([apply(net.audio_input[1], apply(net.audio_input[0], a)) for a in sound])
    attended = [
        naive_attention(net.attention, v, a, False)[0] for v, a in zip(sight, sound, strict=True)
    ]
    sight = np.array([apply(net.visual_input[1], apply(net.visual_input[0], v)) for v in attended])
    expected = naive_propagation(psp, lstm(net.audio_lstm, sound), lstm(net.visual_lstm, sight))
    for found, wanted in zip((audio, visual), expected, strict=True):
        np.testing.assert_allclose(found[0].detach(), wanted, rtol=1e-3, atol=1e-4)
    for t in range(T):
        mean = (expected[0][t] + expected[1][t]) / 2
        wanted = apply(net.fusion.head.layers[2], relu(apply(net.fusion.head.layers[0], mean)))
        np.testing.assert_allclose(logits[0, t].detach(), wanted, rtol=1e-3, atol=1e-4)


def test_avel_equals_its_layers_in_numpy():
    net = small("avel", seed=3)
    clip = [each[1:2] for each in features()]
    logits, _ = net(*clip)
    sound, sight = (numpy_of(each[0]) for each in clip)
    attended = np.array(
        [naive_attention(net.attention, v, a, False)[0] for v, a in zip(sight, sound, strict=True)]
    )
    both = np.concatenate([lstm(net.audio_lstm, sound), lstm(net.visual_lstm, attended)], 1)
    for t in range(T):
        wanted = apply(net.fusion.head.layers[2], relu(apply(net.fusion.head.layers[0], both[t])))
        np.testing.assert_allclose(logits[0, t].detach(), wanted, rtol=1e-3, atol=1e-4)


# --- the localisers -------------------------------------------------------------------------------

every = pytest.mark.parametrize("name", list(CONFIGS))


@every
@pytest.mark.parametrize("segments", [T, 4])
def test_shapes(name, segments):
    net = small(name)
    audio, visual = features(segments)
    logits, _ = net(audio, visual)
    assert logits.shape == (B, segments, len(CLASSES))
    for heard, seen in net.streams(audio, visual):
        assert heard.shape == seen.shape == (B, segments, 18)
    attended, attention = net.attend(visual, audio)
    heads = getattr(net.config, "heads", 1)
    assert attended.shape == (B, segments, heads * D_V)
    assert attention.shape == (B, segments, ROWS, COLUMNS)
    torch.testing.assert_close(attention.sum((2, 3)), torch.ones(B, segments))


@every
def test_the_sound_guides_the_attention(name):
    net = small(name)
    audio, visual = features()
    assert not torch.allclose(net.attend(visual, audio)[1], net.attend(visual, -audio)[1])


@every
@pytest.mark.parametrize("setting", ["sel", "wsel", "wsel_proportions", "cml"])
def test_every_parameter_has_a_gradient(name, setting):
    if setting not in localiser(name).losses:
        return
    net = small(name, setting=setting).train()
    audio, visual = features()
    if setting == "cml":
        distances = matching.distances(net.match(audio, visual))
        sum(losses.contrastive(d, d > d.mean()) for d in distances).backward()
    else:
        logits, extras = net(audio, visual)
        labels = torch.arange(B * T).view(B, T) % len(CLASSES)
        batch = losses.Batch(logits, extras, labels, labels[:, 0])
        losses.LOSSES[net.loss](batch).backward()
    unused = {"span.empty"} if (name, setting) == ("span", "wsel") else set()  # has an event
    assert [n for n, p in net.named_parameters() if p.grad is None] == []
    idle = [n for n, p in net.named_parameters() if n not in unused and not p.grad.any()]
    assert [n for n in idle if "bias" not in n] == []  # a softmax does not feel a common shift


@pytest.mark.parametrize(
    ("of", "count"),
    [
        (("avel", "sel"), 1_335_246),  # counted in published code: 1.34 M
        # published: 1.67 M and 1.25 M, but the layers that are told add up to these
        (("psp", "sel"), 1_548_657),
        (("psp", "wsel"), 1_384_847),
        (("vscg", "sel"), 2_508_366),  # published: 2.63 M
        (("vscg", "wsel"), 2_355_343),  # published: 2.40 M
        (("coattention", "sel"), 2_734_335),
    ],
)
def test_parameters_beside_the_published_totals(of, count):
    name, setting = of
    cls = localiser(name)
    net = cls(cls.Config(setting=setting), [f"event {c}" for c in range(29)])
    assert sum(p.numel() for p in net.parameters()) == count


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"setting": "guessed"}, "'guessed'.*sel"),
        ({"attention_hidden": 0}, "attention_hidden 0"),
        ({"dropout": 1.0}, "dropout 1"),
    ],
)
@every
def test_sizes_that_mean_nothing_are_refused(name, changes, says):
    with pytest.raises(SemcomError, match=says):
        small(name, **changes)


def test_attention_along_the_positions_needs_as_many_hidden_units():
    with pytest.raises(SemcomError, match="attention_hidden 13.* 30"):
        small("avel", position_axis=True)


@every
@pytest.mark.parametrize("setting", ["sel", "wsel"])
def test_a_checkpoint_brings_the_same_localiser_back(name, setting, tmp_path):
    path = tmp_path / "net.safetensors"
    net = small(name, setting=setting)
    if setting == "wsel":
        background_of(net).fill_(0.25)
    checkpoint.save(path, net, variant=setting, data="tests")
    for found in (checkpoint.load(path, classes(), expected=name)[0], load_any(path)):
        assert (found.config, found.classes, found.training) == (net.config, CLASSES, False)
        torch.testing.assert_close(found(*features())[0], net(*features())[0], rtol=0.02, atol=0.02)


def test_no_localiser_is_taken_for_a_radio_system(tmp_path):
    path = tmp_path / "net.safetensors"
    checkpoint.save(path, small("avel"), variant="sel", data="tests")
    with pytest.raises(SemcomError, match="unknown system 'avel'"):
        checkpoint.load(path, {"pilot_ave": entry_of("pilot_ave").cls})


def test_weights_under_the_old_name_of_a_localiser_are_read():
    """``span`` was called ``default``; the shipped files of it still say so inside."""
    path = shipped("span", "sel", "ave28")
    assert store.read_header(path)["system"] == "span"
    assert load_any(path).name == "span"
