# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The localisers' semantic decoders behind pilot_ave's link.

Sizes differ on purpose (T=7, d_a=24, d_v=40, 5x6 maps, 6 classes): a swapped axis fails.
"""

import dataclasses

import numpy as np
import pytest
import torch
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.chain.link import TorchLink
from gnuradio.semcom.nets.decoders import DECODERS
from gnuradio.semcom.nets.pilot_ave import PilotAve, PilotAveConfig
from gnuradio.semcom.run import runner as link_run
from gnuradio.semcom.run.scenario import Scenario
from gnuradio.semcom.systems.choice import weights_for
from gnuradio.semcom.training import losses
from gnuradio.semcom.weights import store as checkpoint

B, T, CLASSES = 3, 7, tuple("abcdef")
CONFIG = PilotAveConfig(
    audio_dim=24, visual_dim=40, height=5, width=6, symbols=11, audio_lstm=10, audio_channel=9,
    attention_width=12, attention_hidden=13, video_channel=14, audio_decoder=15, video_decoder=16,
    common_dim=8, classifier=7,
)  # fmt: skip
WAYS = [
    ("psp", "terminal"),
    ("avel", "terminal"),
    ("vscg", "terminal"),
    ("psp_localiser", "terminal"),
    ("coattention", "terminal"),
    ("coattention", "weights"),
    ("coattention", "map"),
]


def system(decoder, spatial="terminal", **changes):
    torch.manual_seed(3)
    config = dataclasses.replace(CONFIG, decoder=decoder, spatial=spatial, **changes)
    return PilotAve(config, CLASSES)


def features():
    generator = torch.Generator().manual_seed(5)
    audio = torch.randn(B, T, 24, generator=generator)
    return audio, torch.randn(B, T, 5, 6, 40, generator=generator).relu()


def sent(net, heard=True):
    audio, visual = features()
    symbols = net.encode_audio(audio)
    return torch.stack([symbols, net.encode_video(visual, symbols if heard else None)], 1)


@pytest.mark.parametrize(("decoder", "spatial"), WAYS)
def test_every_decoder_keeps_the_symbol_budget_and_learns_in_all_its_parts(decoder, spatial):
    net = system(decoder, spatial)
    symbols = sent(net)
    assert symbols.shape == (B, 2, T, 11)
    power = symbols.abs().square().mean((-2, -1))
    torch.testing.assert_close(power, torch.ones(B, 2))
    logits, extras = net.receive(symbols, torch.full((B, 2), 0.1))
    assert logits.shape == (B, T, len(CLASSES))
    labels = torch.arange(B * T).view(B, T) % len(CLASSES)
    loss = losses.LOSSES[net.loss](losses.Batch(logits, extras, labels, labels[:, 0]))
    loss.backward()
    unused = {name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()}
    if decoder != "psp":  # a LayerNorm's shift ahead of a softmax may stay without gradient
        unused = {name for name in unused if "bias" not in name}
    assert not unused


@pytest.mark.parametrize(("decoder", "spatial"), WAYS)
def test_a_training_may_compute_its_attention_in_bfloat16(decoder, spatial):
    net = system(decoder, spatial)
    for part in net.modules():
        if hasattr(part, "compute_dtype"):
            part.compute_dtype = torch.bfloat16
    logits, _ = net.receive(sent(net), torch.full((B, 2), 0.1))
    logits.sum().backward()
    assert logits.dtype == torch.float32


@pytest.mark.parametrize(("decoder", "spatial"), WAYS)
def test_nothing_received_and_unguided_give_finite_decisions(decoder, spatial):
    net = system(decoder, spatial).eval()
    symbols = sent(net, heard=False)
    for no_eff in (0.0, 3.0, float("inf")):
        logits = net.decode(symbols, torch.full((B, 2), no_eff))
        assert torch.isfinite(logits).all()


@pytest.mark.parametrize("lost", [0, 5])
def test_a_receiver_of_frames_hears_the_harmonic_mean_of_varying_noise(lost):
    net = system("avel").eval()
    symbols, varying = sent(net), torch.linspace(0.1, 2, B * 2 * T * 11).unflatten(0, (B, 2, -1))
    varying[0, 1, :lost] = float("inf")
    mean = 1 / (1 / varying.double()).mean(-1)
    with torch.inference_mode():
        found, expected = (net.decode(symbols, noise) for noise in (varying, mean.float()))
    torch.testing.assert_close(found, expected)


def test_loss_follows_the_decoder():
    assert {name: system(name).loss for name in DECODERS} == {
        "psp": "segment_similarity",
        "avel": "cross_entropy",
        "vscg": "negative_pair_filter",
        "coattention": "soft_margin",
        "psp_localiser": "segment_similarity",
    }
    assert {name: system(name, setting="wsel").loss for name in DECODERS if name != "psp"} == {
        "avel": "video",
        "vscg": "smooth",
        "coattention": "video_soft_margin",
        "psp_localiser": "video",
    }


def test_map_regions_are_sent_each_by_itself():
    net = system("coattention", "map").eval()
    visual = torch.rand(1, T, 6, 6, 40, generator=torch.Generator().manual_seed(2))
    other = visual.clone()
    other[0, :, 4:, 4:] += 1.0  # the last of 3x3 regions of a 6x6 map
    reals = []
    for maps in (visual, other):
        symbols = net.encode_video(maps, None)
        reals.append(torch.cat([symbols.real, symbols.imag], -1)[0])
    used = 2 * 11 // 9 * 9
    ratio = reals[1][:, :used] / reals[0][:, :used]  # unit power scales the clip as a whole
    same = torch.isclose(ratio, ratio[0, 0], rtol=1e-4)
    assert same[:, : used // 9 * 8].all()
    assert not same[:, used // 9 * 8 :].any()
    assert not reals[1][:, used:].any()


def test_attention_is_at_the_terminal_or_one_line_says_where_else():
    audio, visual = features()
    net = system("coattention", "terminal").eval()
    attention = net.guide(visual, net.encode_audio(audio))
    torch.testing.assert_close(attention.sum((-2, -1)), torch.ones(B, T))
    with pytest.raises(SemcomError, match="receiver"):
        system("coattention", "map").guide(visual, None)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"decoder": "nothing"}, "decoder 'nothing'"),
        ({"decoder": "vscg", "terminals": "audio"}, "needs both terminals"),
        ({"decoder": "coattention", "spatial": "moon"}, "spatial 'moon'"),
        ({"decoder": "coattention", "spatial": "map", "symbols": 4}, "at least 5"),
    ],
)
def test_impossible_configurations_are_one_line(changes, words):
    with pytest.raises(SemcomError, match=words):
        dataclasses.replace(CONFIG, **changes)


class Few:
    """Three clips of the sizes above."""

    name, classes, ids = "few", CLASSES, ("one", "two", "three")

    def __len__(self):
        return B

    def audio(self, i):
        return features()[0][i].numpy()

    def visual(self, i):
        return features()[1][i].numpy()

    def labels(self, i):
        return np.arange(T) % len(CLASSES)


def saved(folder, net, name):
    path = folder / f"{name}.safetensors"
    checkpoint.save(path, net, variant="full", data="few", seed=0, metrics={}, training={},
                    parameters=0)  # fmt: skip
    return path


@pytest.mark.parametrize(("decoder", "spatial"), WAYS[1:])
def test_flowgraph_decides_as_the_torch_link(tmp_path, decoder, spatial):
    path = saved(tmp_path, system(decoder, spatial), "net")
    point = Scenario(system="pilot_ave", decoder=decoder, checkpoint=str(path), channel="rayleigh",
                     snr=10.0)  # fmt: skip
    record = link_run.run_point(point, Few())
    assert (record["decoder"], record["clips"]) == (decoder, B)
    net = checkpoint.load(path, {"pilot_ave": PilotAve})[0]
    db, taken = torch.full((B,), 10.0), dict(zip(("audio", "video"), features(), strict=True))
    with torch.inference_mode():
        logits = TorchLink("rayleigh")(net, taken, db, db, torch.arange(B))
    right = (logits.argmax(-1) == torch.arange(T) % len(CLASSES)).float().mean()
    assert record["accuracy"] == pytest.approx(float(right))


def test_run_link_finds_the_decoder_by_name_and_says_what_a_checkpoint_has(tmp_path, monkeypatch):
    monkeypatch.setenv("SEMCOM_MODELS", str(tmp_path))
    saved(tmp_path, system("vscg"), "pilot_ave-full-few-vscg")
    saved(tmp_path, system("psp"), "pilot_ave-full-few")
    for decoder, name in (("vscg", "pilot_ave-full-few-vscg"), ("psp", "pilot_ave-full-few"),
                          ("", "pilot_ave-full-few")):  # fmt: skip
        found = weights_for(Scenario(system="pilot_ave", decoder=decoder), Few())
        assert found == str(tmp_path / f"{name}.safetensors")
    other = Scenario(system="pilot_ave", decoder="avel", checkpoint=found)
    with pytest.raises(SemcomError, match="--decoder avel: pilot_ave-full-few.safetensors has psp"):
        weights_for(other, Few())
