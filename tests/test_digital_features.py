# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Quantised features over the classical link."""

import json

import numpy as np
import pytest
import torch
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.data import open_set
from gnuradio.semcom.nets.digital_features import Quantiser, to_bits
from gnuradio.semcom.systems.loading import load_system


@pytest.fixture(scope="module")
def net():
    return load_system("digital_features", "synthetic?bits=64&code=1/2").eval()


@pytest.fixture(scope="module")
def clips():
    return open_set(None, "test")


def taken(clips, place, count=4):
    read = clips.audio if place == "audio" else clips.visual
    return torch.from_numpy(np.stack([read(i) for i in range(count)])).float()


@torch.inference_mode()
def sent(net, clips, count=4):
    return torch.stack([net.send(p, taken(clips, p, count), {}) for p in ("audio", "video")], 1)


def test_a_quantiser_leaves_less_with_every_stage_and_finds_its_vectors_again():
    torch.manual_seed(0)
    vectors = torch.randn(2000, 24) * torch.linspace(2, 0.1, 24)
    quantiser = Quantiser(24, 4)
    quantiser.fit(vectors)
    numbers = quantiser.encode(vectors, 4)
    assert numbers.shape == (2000, 4) and 0 <= int(numbers.min()) <= int(numbers.max()) < 256
    left = [
        float((vectors - quantiser.decode(numbers[:, :n])).square().mean()) for n in range(1, 5)
    ]
    assert left == sorted(left, reverse=True) and left[3] < 0.35 * float(vectors.square().mean())
    nested = quantiser.encode(vectors, 2)
    torch.testing.assert_close(nested, numbers[:, :2])  # fewer stages are a code of their own
    stages = torch.tensor([2, 4, 5]).repeat(667)[:2000]
    arrived = quantiser(vectors, stages)
    torch.testing.assert_close(arrived[0], quantiser.decode(numbers[:1, :2])[0])
    torch.testing.assert_close(arrived[1], quantiser.decode(numbers[1:2])[0])
    torch.testing.assert_close(arrived[2], vectors[2])  # more stages than there are: as it is


def test_vectors_fewer_than_a_book_has_are_learned_all_the_same():
    quantiser = Quantiser(6, 1)
    vectors = torch.randn(20, 6)
    quantiser.fit(vectors)
    torch.testing.assert_close(quantiser.decode(quantiser.encode(vectors, 1)), vectors)


def test_bits_are_the_numbers():
    assert to_bits(np.array([1, 128, 255])).tolist() == [*[0] * 7, 1, 1, *[0] * 7, *[1] * 8]


@torch.inference_mode()
def test_without_noise_the_receiver_decides_what_the_bits_say(net, clips):
    symbols = sent(net, clips)
    assert symbols.shape == (4, 2, net.payload("audio", 10))
    assert float(symbols.abs().square().mean()) == pytest.approx(1, abs=1e-3)
    told, sure = net.judged(symbols, torch.full((4, 2), 1e-3))
    latents = {}
    for place in ("audio", "video"):
        features = taken(clips, place)
        features = features if place == "audio" else net.attend(features)
        numbers = net.quantisers[place].encode(net.encoders[place](features), net.stages)
        latents[place] = net.quantisers[place].decode(numbers)
    stages, came = torch.full((4,), net.stages), torch.ones(4, dtype=torch.bool)
    wanted, _ = net.decide(latents, dict.fromkeys(latents, stages), dict.fromkeys(latents, came))
    torch.testing.assert_close(told, wanted.softmax(-1))
    assert (sure > 0.5).all()


@torch.inference_mode()
def test_a_terminal_that_was_lost_is_left_out(net, clips):
    symbols = sent(net, clips)
    noise = torch.full((4, 2), 1e-3)
    whole, _ = net.judged(symbols, noise)
    noise[:, 1] = torch.inf
    alone, _ = net.judged(symbols, noise)
    garbage = symbols.clone()
    garbage[:, 1] = torch.randn(garbage[:, 1].shape) + 0j
    torch.testing.assert_close(net.judged(garbage, noise)[0], alone)
    assert not torch.allclose(alone, whole)
    noise[:] = torch.inf
    nothing, sure = net.judged(symbols, noise)
    assert not sure.any() and torch.isfinite(nothing).all()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("bits=12", "bits 12: expected a multiple of 8, 8 to 128"),
        ("bits=136", "bits 136: expected a multiple of 8, 8 to 128"),
        ("modulation=8psk", "8psk"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings, said):
    with pytest.raises(SemcomError, match=said):
        load_system("digital_features", f"synthetic?{settings}")


def test_clips_of_another_length_are_refused(net, clips):
    with pytest.raises(SemcomError, match="a clip of 4 s, made for 10 s"):
        net.send("audio", taken(clips, "audio")[:, :4], {})


def test_it_runs_over_the_link(program, tmp_path):
    path = tmp_path / "features.json"
    done = program("apps/run_link.py", "--system", "digital_features", "--frames", 20, "--bits", 8,
                   128, "--snr=-15,15", "--channel", "awgn", "--json", path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    records = json.loads(path.read_text())["records"]
    found = {(r["scenario"]["bits"], r["snr_db"]): r["accuracy"] for r in records}
    assert found[128, 15.0] > 0.8 and found[128, 15.0] >= found[8, 15.0] > found[8, -15.0]
    done = program("apps/run_link.py", "--system", "digital_features", "--frames", 1, "--uses", 90)
    assert done.returncode == 2 and "digital_features needs" in done.stderr
