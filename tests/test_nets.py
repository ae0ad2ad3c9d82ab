# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Layers against plain loops over the paper's equations; systems and checkpoints.

Sizes differ on purpose (T=7, d_a=24, d_v=40, 5x6 maps, 6 classes): a swapped axis fails.
"""

import dataclasses
import json
import math
import pickle

import numpy as np
import pytest
import torch
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.nets import attention as attention_layers
from gnuradio.semcom.nets import layers
from gnuradio.semcom.nets.pilot_ave import PilotAve, PilotAveConfig
from gnuradio.semcom.systems.loading import load_any, load_system
from gnuradio.semcom.systems.registry import systems
from gnuradio.semcom.weights import store as checkpoint
from gnuradio.semcom.weights.names import shipped
from safetensors.torch import save_file

B, T, D_A, D_V, ROWS, COLUMNS, SYMBOLS = 3, 7, 24, 40, 5, 6, 8
CLASSES = tuple("abcdef")
CONFIG = PilotAveConfig(
    audio_dim=D_A, visual_dim=D_V, height=ROWS, width=COLUMNS, symbols=SYMBOLS, audio_lstm=10,
    audio_channel=11, attention_width=12, attention_hidden=13, video_channel=14, audio_decoder=15,
    video_decoder=18, common_dim=17, recurrent=9, classifier=19,
)  # fmt: skip


def system(terminals="audio+video", seed=0):
    torch.manual_seed(seed)
    return PilotAve(dataclasses.replace(CONFIG, terminals=terminals), CLASSES).eval()


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def numpy_of(parameter):
    return parameter.detach().double().numpy()


# --- equations ------------------------------------------------------------------------------------


def test_complex_packing_is_the_euler_form():
    """Eqs (1), (4), (8), (9)."""
    features = draw(B, T, 2 * SYMBOLS)
    r, s = features[..., :SYMBOLS], features[..., SYMBOLS:]
    modulus, angle = torch.sqrt(r**2 + s**2), torch.atan2(s, r)
    packed = layers.to_complex(features)
    torch.testing.assert_close(packed, torch.polar(modulus, angle), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(layers.to_real(packed), features)


def test_attention_equals_the_equations_in_loops():
    """Eqs (2), (3), with the audio term on the hidden axis."""
    torch.manual_seed(1)
    agva = attention_layers.AGVA(D_V, D_A, width=12, hidden=13)
    visual, audio = draw(B, T, ROWS, COLUMNS, D_V), draw(B, T, D_A, seed=1)
    attended, attention = agva(visual, audio)
    m_v, m_a = agva.embed_visual[0], agva.embed_audio[0]
    w_v, w_a, w_f = (numpy_of(m.weight) for m in (agva.visual_term, agva.audio_term, agva.score))

    def dense_relu(linear, x):
        return np.maximum(numpy_of(linear.weight) @ x + numpy_of(linear.bias), 0)

    for b, t in [(0, 0), (2, 6)]:
        guide = w_a @ dense_relu(m_a, numpy_of(audio[b, t]))
        scores = np.empty((ROWS, COLUMNS))
        for i in range(ROWS):
            for j in range(COLUMNS):
                hidden = np.tanh(w_v @ dense_relu(m_v, numpy_of(visual[b, t, i, j])) + guide)
                scores[i, j] = (w_f @ hidden).item()
        alpha = np.exp(scores) / np.exp(scores).sum()
        np.testing.assert_allclose(attention[b, t].detach(), alpha, rtol=1e-4)
        expected = sum(
            alpha[i, j] * numpy_of(visual[b, t, i, j]) for i in range(ROWS) for j in range(COLUMNS)
        )
        np.testing.assert_allclose(attended[b, t].detach(), expected, rtol=1e-4, atol=1e-5)


def test_product_attention_adds_the_fit_of_sound_and_position_to_the_equation():
    torch.manual_seed(1)
    agva = attention_layers.AGVA(D_V, D_A, width=12, hidden=13, product=True)
    visual, audio = draw(B, T, ROWS, COLUMNS, D_V), draw(B, T, D_A, seed=1)
    m_v, m_a = agva.embed_visual[0], agva.embed_audio[0]
    scores = np.empty((ROWS, COLUMNS))
    heard = np.maximum(numpy_of(m_a.weight) @ numpy_of(audio[1, 2]) + numpy_of(m_a.bias), 0)
    query = numpy_of(agva.query.weight) @ heard + numpy_of(agva.query.bias)
    for i in range(ROWS):
        for j in range(COLUMNS):
            v = numpy_of(m_v.weight) @ numpy_of(visual[1, 2, i, j]) + numpy_of(m_v.bias)
            v = np.maximum(v, 0)
            told = numpy_of(agva.audio_term.weight) @ heard
            hidden = np.tanh(numpy_of(agva.visual_term.weight) @ v + told)
            fit = query @ (numpy_of(agva.key_term.weight) @ v) / np.sqrt(attention_layers.KEY)
            scores[i, j] = (numpy_of(agva.score.weight) @ hidden).item() + fit
    alpha = np.exp(scores) / np.exp(scores).sum()
    np.testing.assert_allclose(agva(visual, audio)[1][1, 2].detach(), alpha, rtol=1e-4)


def test_attention_without_audio_is_that_from_zero_audio():
    agva = attention_layers.AGVA(D_V, D_A, width=12, hidden=13)
    visual = draw(B, T, ROWS, COLUMNS, D_V)
    for found, expected in zip(
        agva(visual, None), agva(visual, torch.zeros(B, T, D_A)), strict=True
    ):
        torch.testing.assert_close(found, expected)


def naive_connections(similarity):
    """Eqs (11) to (13) entry by entry."""
    size = len(similarity)
    result = np.zeros((size, size))
    for i, row in enumerate(similarity):
        kept = [max(value, 0.0) for value in row]
        kept = [value / (sum(kept) + 1e-8) for value in kept]
        kept = [value if value > 0.99 / size else 0.0 for value in kept]
        for j, value in enumerate(kept):
            result[i, j] = value / (sum(kept) + 1e-8)
    return result


def test_positive_sample_propagation_equals_the_equations_in_loops():
    """Eqs (10) to (15)."""
    dim = 11
    torch.manual_seed(2)
    psp = layers.PSP(dim, dropout=0.3).eval()
    audio, visual = draw(B, T, dim), draw(B, T, dim, seed=1)
    found_audio, found_visual = psp.propagate(audio, visual)
    for b in range(B):
        a, v = numpy_of(audio[b]), numpy_of(visual[b])

        def project(module, x):
            return np.maximum(x @ numpy_of(module[0].weight).T, 0)

        omega_va = np.empty((T, T))
        for i in range(T):
            for j in range(T):
                query, key = project(psp.visual_query, v[i]), project(psp.audio_query, a[j])
                omega_va[i, j] = query @ key / math.sqrt(dim)
        eta_va, eta_av = naive_connections(omega_va), naive_connections(omega_va.T)
        sd_a = eta_av @ project(psp.visual_value, v) + a
        sd_v = eta_va @ project(psp.audio_value, a) + v
        np.testing.assert_allclose(found_audio[b].detach(), sd_a, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(found_visual[b].detach(), sd_v, rtol=1e-4, atol=1e-5)


def test_threshold_is_the_papers_at_ten_segments():
    strengths = torch.full((1, 10), 1.0)
    strengths[0, 0] = 0.9  # 0.9 / 9.9 = 0.091 < 0.099 < 0.101
    kept = layers.PSP.connections(strengths) > 0
    assert kept.tolist() == [[False] + [True] * 9]


def test_shrinking_is_the_mmse_scaling_and_ends_at_zero():
    symbols = layers.to_complex(draw(1, 3, T, 2 * SYMBOLS))
    shrunk = layers.shrink(symbols, torch.tensor([[0.0, 3.0, math.inf]]))
    torch.testing.assert_close(shrunk[0, 0], symbols[0, 0])
    torch.testing.assert_close(shrunk[0, 1], symbols[0, 1] / 4)
    assert not shrunk[0, 2].any()


def test_power_is_normalised_per_clip_and_limited_from_above():
    symbols = layers.to_complex(draw(2, T, 2 * SYMBOLS)) * torch.tensor([0.1, 10.0])[:, None, None]
    power = layers.unit_power(symbols).abs().square().mean((1, 2))
    torch.testing.assert_close(power, torch.ones(2))
    limited = layers.limit_power(symbols)
    torch.testing.assert_close(limited[0], symbols[0])
    assert float(limited[1].abs().square().mean()) == pytest.approx(1, rel=1e-5)
    assert torch.isfinite(layers.unit_power(torch.zeros(1, T, 4)).abs()).all()


# --- the system -----------------------------------------------------------------------------------


def features(seed=0):
    return draw(B, T, D_A, seed=seed), draw(B, T, ROWS, COLUMNS, D_V, seed=seed + 1).relu()


@pytest.mark.parametrize("terminals", ["audio+video", "audio", "video"])
def test_shapes_from_features_to_logits(terminals):
    net = system(terminals)
    audio, visual = features()
    sent = []
    if "audio" in net.terminals:
        sent.append(net.encode_audio(audio))
    if "video" in net.terminals:
        heard = sent[0] if sent else None
        sent.append(net.encode_video(visual, heard))
        attention = net.guide(visual, heard)
        assert attention.shape == (B, T, ROWS, COLUMNS)
        torch.testing.assert_close(attention.sum((2, 3)), torch.ones(B, T))
    symbols = torch.stack(sent, 1)
    assert symbols.shape == (B, len(net.terminals), T, SYMBOLS)
    assert symbols.dtype == torch.complex64
    power = symbols.abs().square().mean((2, 3))
    torch.testing.assert_close(power, torch.ones_like(power))
    logits = net.decode(symbols, torch.zeros(power.shape))
    assert logits.shape == (B, T, len(CLASSES))


def test_what_is_heard_guides_the_attention_and_its_loss_does_not_stop_it():
    net = system()
    audio, visual = features()
    heard = net.encode_audio(audio)
    guided, unguided = net.guide(visual, heard), net.guide(visual, None)
    assert not torch.allclose(guided, unguided, atol=1e-4)
    assert net.encode_video(visual, None).shape == heard.shape
    loud = net.guide(visual, heard * 1e6)  # a deep fade behind zero forcing
    torch.testing.assert_close(loud, guided, rtol=1e-3, atol=1e-5)


def test_a_stream_that_was_not_received_says_nothing():
    net = system()
    one, other = (layers.to_complex(draw(1, 2, T, 2 * SYMBOLS, seed=s)) for s in (1, 2))
    mixed = torch.stack([one[0, 0], other[0, 1]])[None]
    lost = torch.tensor([[0.1, math.inf]])
    torch.testing.assert_close(net.decode(one, lost), net.decode(mixed, lost))
    assert not torch.allclose(net.decode(one, lost * 0), net.decode(mixed, lost * 0), atol=1e-4)


def test_every_parameter_has_a_gradient_through_the_whole_system():
    net = system().train()
    audio, visual = features()
    sent = net.encode_audio(audio)
    symbols = torch.stack([sent, net.encode_video(visual, sent)], 1)
    net.decode(symbols, torch.full((B, 2), 0.1)).square().sum().backward()
    without = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    # a ReLU may be silent everywhere at these sizes, a whole module may not
    assert {name.split(".")[0] for name, _ in net.named_parameters()} == {
        name.split(".")[0] for name, p in net.named_parameters() if name not in without
    }
    assert len(without) < 3


def test_unknown_terminals_are_refused():
    with pytest.raises(SemcomError, match="audio\\+video"):
        system("video+audio")


# --- checkpoints ----------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "net.safetensors"
    checkpoint.save(path, system(), variant="full", data="tests", metrics={"accuracy": 0.5})
    return path


def test_a_checkpoint_brings_the_same_system_back(saved):
    net = load_system("pilot_ave", saved)
    assert net.config == CONFIG
    assert net.classes == CLASSES
    assert net.header["metrics"] == {"accuracy": 0.5}
    assert not net.training
    audio, _ = features()
    found = net.encode_audio(audio)
    torch.testing.assert_close(found, system().encode_audio(audio), rtol=0.02, atol=0.01)
    assert {p.dtype for p in net.parameters()} == {torch.float32}
    assert not list(saved.parent.glob("*.partial"))


def broken(path, case):
    whole = path.read_bytes()
    if case == "cut off":
        path.write_bytes(whole[: len(whole) // 2])
    elif case == "pickled":
        path.write_bytes(pickle.dumps({"weights": [1]}))
    elif case == "empty":
        path.write_bytes(b"")
    elif case == "missing":
        path.unlink()
    elif case == "foreign":
        save_file({"a": torch.ones(2)}, path)
    else:
        edit(path, case)


def edit(path, case):
    """Write the checkpoint again with one thing wrong."""
    header, tensors = checkpoint._read(path, with_tensors=True)
    first = sorted(tensors)[0]
    if case == "other system":
        header["system"] = "other"
    elif case == "other format":
        header["format"] = 99
    elif case == "no variant":
        del header["variant"]
    elif case == "unknown field":
        header["config"]["colour"] = 1
    elif case == "wrong type":
        header["config"]["symbols"] = "eight"
    elif case == "NaN":
        tensors[first][0] = math.nan
    elif case == "shape":
        tensors[first] = tensors[first][:1]
    elif case == "lacking tensor":
        del tensors[first]
    checkpoint.write(path, tensors, {"semcom": json.dumps(header)})


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("cut off", "safetensors"),
        ("pickled", "safetensors"),
        ("empty", "safetensors"),
        ("missing", "no such"),
        ("foreign", "header"),
        ("other system", "'pilot_ave'"),
        ("other format", "99"),
        ("no variant", "variant"),
        ("unknown field", "colour"),
        ("wrong type", "config"),
        ("NaN", "NaN"),
        ("shape", "shape"),
        ("lacking tensor", "missing"),
    ],
)
def test_unusable_checkpoints_are_refused_in_one_line(saved, case, says):
    broken(saved, case)
    with pytest.raises(SemcomError, match=says) as caught:
        load_system("pilot_ave", saved)
    assert str(saved) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unknown_systems_are_named():
    with pytest.raises(SemcomError, match="pilot_ave"):
        load_system("nothing")


@pytest.mark.parametrize(
    "system", [n for n, e in systems().items() if e.task == "events" and e.weights]
)
def test_the_default_is_the_shipped_synthetic_checkpoint(system):
    net = load_system(system)
    assert net.name == system
    assert net.header["data"] == "synthetic"
    assert net.header["variant"] == "full"
    assert net.terminals == ("audio", "video")


# --- eight bits -----------------------------------------------------------------------------------


def test_matrices_in_eight_bits_come_back_within_a_step_of_their_row():
    generator = torch.Generator().manual_seed(0)
    tensors = {
        "wide": torch.randn(40, 30, generator=generator) * torch.logspace(-6, 2, 40)[:, None],
        "kernel": torch.randn(16, 12, 5, generator=generator),
        "zero": torch.zeros(40, 30),
        "small": torch.randn(3, 4, generator=generator),
        "bias": torch.randn(2000, generator=generator),
    }
    stored = checkpoint.eight_bits(tensors)
    eight = {name for name, value in stored.items() if value.dtype == torch.int8}
    assert eight == {"wide", "zero"}  # 960 elements, as in "kernel", are not worth it
    found = checkpoint.all_bits(stored)
    assert set(found) == set(tensors)
    for name, value in tensors.items():
        step = value.flatten(1).abs().amax(1) / 127 if name in eight else torch.zeros(1)
        error = (found[name] - value).abs()
        limit = 0.5 * step * 1.01 + 127 * 1e-7  # half a step, and the scale's own rounding
        assert (
            (error.flatten(1).amax(1) <= limit + step / 10).all()
            if name in eight
            else not error.any()
        )


def test_a_checkpoint_in_eight_bits_decides_alike(tmp_path):
    path = shipped("pilot_ave", data="synthetic")
    from safetensors.torch import load_file

    header = checkpoint.read_header(path)
    tensors = checkpoint.eight_bits(load_file(path))
    checkpoint.write(tmp_path / "eight.safetensors", tensors, {checkpoint.KEY: json.dumps(header)})
    assert (tmp_path / "eight.safetensors").stat().st_size < 0.6 * path.stat().st_size
    symbols = torch.randn(
        4, 2, 10, header["config"]["symbols"], dtype=torch.complex64,
        generator=torch.Generator().manual_seed(1),
    )  # fmt: skip
    logits = [
        load_any(p).decode(symbols, torch.full((4, 2), 0.1)).detach()
        for p in (path, tmp_path / "eight.safetensors")
    ]
    assert not torch.equal(*logits)
    assert (logits[0] - logits[1]).norm() < 0.05 * logits[0].norm()
