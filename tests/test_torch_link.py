# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The Torch link: what arrives, what it cost, and that the options mean what they say."""

import dataclasses

import pytest
import torch
from gnuradio.semcom.chain.link import SIDELINK, UPLINK, TorchLink
from gnuradio.semcom.nets.pilot_ave import PilotAve, PilotAveConfig
from gnuradio.semcom.phy import detection, estimation, framing, pilots, random
from gnuradio.semcom.phy.channel import mimo_channel

CONFIG = PilotAveConfig(
    audio_dim=24, visual_dim=40, height=5, width=6, symbols=8, audio_lstm=10, audio_channel=11,
    attention_width=12, attention_hidden=13, video_channel=14, audio_decoder=15, video_decoder=18,
    common_dim=17, recurrent=9, classifier=19,
)  # fmt: skip
B, T, SYMBOLS = 3, 7, 8
FRAME = torch.tensor([4, 0, 9])
CLEAN = torch.full((B,), 60.0)


def symbols(terminals=2, seed=1):
    draws = random.complex_normal(
        terminals * T * SYMBOLS, seed=seed, link=5, frame=torch.arange(B), purpose=0
    )
    return draws.unflatten(1, (terminals, T * SYMBOLS))


def clips():
    generator = torch.Generator().manual_seed(0)
    audio = torch.randn(B, T, 24, generator=generator)
    return audio, torch.rand(B, T, 5, 6, 40, generator=generator)


def system(terminals="audio+video"):
    torch.manual_seed(0)
    return PilotAve(dataclasses.replace(CONFIG, terminals=terminals), list("abcdef")).eval()


@pytest.mark.parametrize("channel", ["awgn", "rayleigh", "rician"])
@pytest.mark.parametrize("csi", ["perfect", "ls", "ls_min_residual", "lmmse"])
@pytest.mark.parametrize("detector", ["zf", "lmmse"])
def test_symbols_arrive_when_there_is_hardly_noise(channel, csi, detector):
    link = TorchLink(channel, csi, detector, seed=2)
    sent = symbols()
    found, no_eff = link.uplink(sent, CLEAN, FRAME)
    torch.testing.assert_close(found, sent, atol=0.05, rtol=0.05)
    assert (no_eff < 1e-3).all()


@pytest.mark.parametrize("interpolation", ["nearest", "linear"])
@pytest.mark.parametrize("csi", ["perfect", "ls"])
def test_spaced_pilots_follow_a_moving_channel(csi, interpolation):
    options = {"csi": csi, "detector": "zf", "doppler": 2e-3, "num_rx": 4, "pilot_length": 4}
    spaced = TorchLink("rayleigh", spacing=8, interpolation=interpolation, **options)
    sent = symbols()
    error = (spaced.uplink(sent, CLEAN, FRAME)[0] - sent).abs().square().mean()
    assert float(error) < (1e-4 if csi == "perfect" else 0.05)
    if csi == "ls":
        still = TorchLink("rayleigh", spacing=0, **options)
        assert float((still.uplink(sent, CLEAN, FRAME)[0] - sent).abs().square().mean()) > 2 * error


def test_uplink_is_the_chain_of_its_parts():
    link = TorchLink("rayleigh", "ls", "lmmse", num_rx=3, seed=6, gain_db=3.0)
    sent, snr = symbols(), torch.tensor([0.0, 10.0, 20.0])
    found, no_eff = link.uplink(sent, snr, FRAME)
    rows = torch.from_numpy(pilots.hadamard(2, 32))
    frame = framing.insert_pilots(sent, rows)
    y, _ = mimo_channel(
        frame, model="rayleigh", snr_db=snr, frame=FRAME, num_rx=3, seed=6, link=0, gain_db=3.0
    )
    x, expected = detection.lmmse(y[..., 32:], estimation.ls(y[..., :32], rows))
    torch.testing.assert_close(found, x)
    torch.testing.assert_close(no_eff, expected)


@pytest.mark.parametrize("options", [{"spacing": 8, "interpolation": "linear"}, {"csi": "perfect"}])
def test_noise_is_that_of_each_symbol_where_the_estimate_changes(options):
    settings = {"csi": "ls", "detector": "lmmse", "doppler": 2e-3, "num_rx": 3, **options}
    sent = symbols()
    found, no_eff = TorchLink("rayleigh", **settings).uplink(sent, CLEAN - 50, FRAME)
    assert found.shape == no_eff.shape == sent.shape
    assert (no_eff.std(-1) > 0).all()
    snr = torch.full((B,), 10.0)
    taken = dict(zip(("audio", "video"), clips(), strict=True))
    logits = TorchLink("rayleigh", **settings)(system(), taken, snr, snr, FRAME)
    assert torch.isfinite(logits).all()


def test_a_sidelink_has_a_channel_of_its_own():
    link = TorchLink("rayleigh", "perfect", "none", seed=1)
    sent = symbols(1)
    sidelink = link.transfer(sent, CLEAN, FRAME, link=SIDELINK, num_rx=1)[0]
    uplink = link.transfer(sent, CLEAN, FRAME, link=UPLINK, num_rx=1)[0]
    assert not torch.allclose(sidelink, uplink, atol=0.1)


def test_no_channel_is_free_of_errors_and_pilots():
    sent = symbols()
    found, no_eff = TorchLink("none").uplink(sent, torch.full((B,), -40.0), FRAME)
    assert found is sent
    assert not no_eff.any()


def test_without_estimation_the_antennas_are_all_there_is():
    link = TorchLink("awgn", "none", "zf")
    found, no_eff = link.uplink(symbols(), CLEAN, FRAME)
    ratio = found / symbols()
    torch.testing.assert_close(ratio.abs(), torch.ones_like(ratio.abs()), atol=0.05, rtol=0)
    turn = ratio[:, 0, 0]
    assert float((turn - 1).abs().max()) > 0.1  # the receiver's phase is unknown
    assert not no_eff.any()


@pytest.mark.parametrize("terminals", ["audio+video", "audio", "video"])
@pytest.mark.parametrize("channel", ["none", "rayleigh"])
def test_clips_become_logits_frame_by_frame(terminals, channel):
    net, link = system(terminals), TorchLink(channel, seed=3)
    audio, visual = clips()
    snr = torch.tensor([3.0, 6.0, 9.0])
    taken = {name: {"audio": audio, "video": visual}[name] for name in net.terminals}
    together = link(net, taken, snr, snr, FRAME)
    assert together.shape == (B, T, 6)
    one = {name: x[1:2] for name, x in taken.items()}
    alone = link(net, one, snr[1:2], snr[1:2], FRAME[1:2])
    torch.testing.assert_close(together[1:2], alone, rtol=1e-3, atol=1e-4)


def test_sidelink_snr_matters_to_the_video_terminal_alone():
    net, link = system(), TorchLink("rayleigh")
    taken = dict(zip(("audio", "video"), clips(), strict=True))
    good = link.send(net, taken, CLEAN, FRAME)
    poor = link.send(net, taken, CLEAN - 70, FRAME)
    torch.testing.assert_close(good[:, 0], poor[:, 0])
    assert not torch.allclose(good[:, 1], poor[:, 1], atol=1e-3)
    lost = link.send(net, taken, CLEAN, FRAME, lost=True)
    alone = net.encode_video(taken["video"], None)
    torch.testing.assert_close(lost[:, 1], alone.flatten(1))


@pytest.mark.parametrize("detector", ["zf", "lmmse"])
def test_gradients_stay_finite_at_the_lowest_snr(detector):
    net, link = system().train(), TorchLink("rician_rank1", "ls", detector, rician_k=1e6)
    taken = dict(zip(("audio", "video"), clips(), strict=True))
    snr = torch.full((B,), -12.0)
    link(net, taken, snr, snr, FRAME).square().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in net.parameters() if p.grad is not None)


@pytest.mark.parametrize("options", [{"channel": "fog"}, {"csi": "magic"}, {"detector": "mmse"}])
def test_unknown_options_are_named_with_the_known(options):
    with pytest.raises(ValueError, match="expected one of"):
        TorchLink(**options)
