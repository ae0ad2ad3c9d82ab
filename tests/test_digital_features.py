# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Quantised features over the classical link."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.data import open_set
from gnuradio.semcom.nets.digital_features import Quantiser, to_bits
from gnuradio.semcom.systems.loading import load_system
from gnuradio.semcom.weights.store import read_header
from safetensors.torch import load_file


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


def all_came(numbers):
    return torch.full((len(numbers),), numbers.shape[1])


def test_a_quantiser_leaves_less_with_every_stage_and_finds_its_vectors_again():
    torch.manual_seed(0)
    vectors = torch.randn(2000, 24) * torch.linspace(2, 0.1, 24)
    quantiser = Quantiser(24, 4)
    quantiser.fit(vectors)
    numbers = quantiser.encode(vectors, 4)
    assert numbers.shape == (2000, 4) and 0 <= int(numbers.min()) <= int(numbers.max()) < 256
    left = [
        float((vectors - quantiser.decode(numbers, torch.full((2000,), n))).square().mean())
        for n in range(5)
    ]
    assert left == sorted(left, reverse=True) and left[4] < 0.35 * left[0]
    assert left[0] == pytest.approx(float(vectors.var(0, correction=0).mean()), rel=1e-4)
    nested = quantiser.encode(vectors, 2)
    torch.testing.assert_close(nested, numbers[:, :2])  # fewer stages are a code of their own
    mixed = quantiser.decode(numbers, torch.arange(2000) % 5)
    torch.testing.assert_close(mixed[2], quantiser.decode(nested[2:3], torch.tensor([2]))[0])
    torch.testing.assert_close(mixed[0], vectors.mean(0))  # nothing came


def test_a_stage_names_the_nearest_vector_in_a_subspace_of_most_variance():
    torch.manual_seed(0)
    vectors = torch.randn(3000, 60) * torch.linspace(3, 0.1, 60)
    quantiser = Quantiser(60, 1)
    quantiser.fit(vectors)
    book = quantiser.book(0).numpy()
    assert np.linalg.matrix_rank(book, tol=1e-3) == 40
    away = ((vectors - quantiser.mean).numpy()[:50, None] - book).astype(float)
    assert quantiser.encode(vectors[:50], 1)[:, 0].tolist() == (
        (away**2).sum(-1).argmin(1).tolist()
    )
    # the 20 directions of least variance are left out: the ends of the diagonal
    assert (book[:, :20] ** 2).sum() > 20 * (book[:, 40:] ** 2).sum()


def test_vectors_fewer_than_a_book_has_are_learned_all_the_same():
    torch.manual_seed(0)
    quantiser = Quantiser(6, 1)
    vectors = torch.randn(20, 6)
    quantiser.fit(vectors)
    numbers = quantiser.encode(vectors, 1)
    torch.testing.assert_close(quantiser.decode(numbers, all_came(numbers)), vectors)


def test_bits_are_the_numbers():
    assert to_bits(np.array([1, 128, 255])).tolist() == [*[0] * 7, 1, 1, *[0] * 7, *[1] * 8]


@torch.inference_mode()
def encoded(net, clips, stages, count=4):
    """What the quantisers say of some clips, [count, stages] of each terminal."""
    found = {}
    for place in net.topology.names:
        features = taken(clips, place, count)
        features = features if place == "audio" else net.attend(features)
        found[place] = net.quantisers[place].encode(net.encoders[place](features), stages)
    return found


@torch.inference_mode()
def decided(net, numbers, came):
    """Probabilities from what the quantisers said, of which the first ``came`` [count] counts."""
    latents = {k: net.quantisers[k].decode(row, came[k]) for k, row in numbers.items()}
    return net.decide(latents, {k: own > 0 for k, own in came.items()})[0].softmax(-1)


@pytest.mark.parametrize(
    "settings",
    [
        "bits=64&code=1/2",
        "bits=8&code=5/6&modulation=bpsk&repetition=8",
        "bits=320&code=1/2&modulation=256qam",
        "bits=320&code=3/4&modulation=64qam&length=1944&repetition=2",
    ],
)
@torch.inference_mode()
def test_without_noise_the_receiver_decides_what_the_bits_say(clips, settings):
    net = load_system("digital_features", f"synthetic?{settings}").eval()
    symbols = sent(net, clips)
    assert symbols.shape == (4, 2, net.payload("audio", 10)) and symbols.dtype == torch.complex64
    assert float(symbols.abs().square().mean()) == pytest.approx(1, abs=0.1)
    torch.testing.assert_close(sent(net, clips), symbols, rtol=0, atol=0)
    numbers = encoded(net, clips, net.stages)
    for k, place in enumerate(net.topology.names):
        for row, wanted in zip(symbols[:, k].numpy(), numbers[place].tolist(), strict=True):
            found, came = net.numbers(row, np.full(len(row), 1e-3, np.float32))
            assert found.tolist() == wanted and came == net.stages
    told, sure = net.judged(symbols, torch.full((4, 2), 1e-3))
    wanted = decided(net, numbers, {k: all_came(rows) for k, rows in numbers.items()})
    torch.testing.assert_close(told, wanted)
    assert ((sure > 0.2) & (sure <= 1)).all()


@torch.inference_mode()
def test_what_stands_before_a_lost_block_is_used(clips):
    net = load_system("digital_features", "synthetic?bits=320&code=1/2&modulation=bpsk").eval()
    symbols, noise = sent(net, clips), torch.full((4, 2), 1e-3)
    blocks, size = net.code.payload(symbols.shape[2])
    assert blocks == 2
    numbers = encoded(net, clips, 40)
    decode, lost = net.code.decode, [True, False]

    def second_lost(row, own_noise):
        return decode(row, own_noise)[0], np.array(lost)

    whole, net.code = net.code, SimpleNamespace(decode=second_lost)
    first = size // 8
    assert 0 < first < 40
    came = {k: torch.full((4,), first) for k in numbers}
    torch.testing.assert_close(net.judged(symbols, noise)[0], decided(net, numbers, came))
    lost[:] = [False, True]  # what follows a lost block says nothing without it
    assert not net.judged(symbols, noise)[1].any()
    net.code = whole
    came = {k: torch.full((4,), 40) for k in numbers}
    torch.testing.assert_close(net.judged(symbols, noise)[0], decided(net, numbers, came))


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
        ("bits=12", "bits 12: expected a multiple of 8, 8 to 320"),
        ("bits=328", "bits 328: expected a multiple of 8, 8 to 320"),
        ("modulation=8psk", "8psk"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings, said):
    with pytest.raises(SemcomError, match=said):
        load_system("digital_features", f"synthetic?{settings}")


def test_clips_of_another_length_are_refused(net, clips):
    with pytest.raises(SemcomError, match="a clip of 4 s, expected 10 s"):
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


def test_it_trains_from_pilot_ave_plus_and_goes_on(program, tmp_path):
    words = ["apps/train.py", "--system", "digital_features", "--limit", 40, "--stages", 2,
             "--init", "models/pilot_ave_plus-error_free-synthetic.safetensors",
             "--out", tmp_path, "--epochs"]  # fmt: skip
    done = program(*words, 2)
    assert done.returncode == 0, done.stderr
    path = tmp_path / "digital_features-full-synthetic.safetensors"
    header = read_header(path)
    assert [row["bits"] for row in header["rate_accuracy"]] == [8, 16]
    assert sorted(header["rate_accuracy"][0]) == ["audio", "bits", "both", "none", "video"]
    net = load_system("digital_features", f"{path}?bits=16")
    assert all(part.axes.any() and part.places.any() for part in net.quantisers.values())
    assert "| 16 |" in path.with_suffix(".md").read_text()
    first = load_file(path)
    done = program(*words, 2)  # finished: the same weights again
    assert done.returncode == 0 and "epoch 0:" not in done.stdout
    again = load_file(path)
    assert first.keys() == again.keys() and all(first[k].equal(again[k]) for k in first)
    done = program(*words, 3)
    assert done.returncode == 2 and "training with other options" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--init: missing, give weights of pilot_ave_plus"),
        (["--init", "models/pilot_ave_plus-audio_only-synthetic.safetensors"],
         "--init pilot_ave_plus-audio_only-synthetic.safetensors: sends audio alone"),
        (["--init", "models/pilot_ave_plus-error_free-synthetic.safetensors", "--heads", 3],
         "--heads: follows from --init; leave it out"),
    ],
)  # fmt: skip
def test_what_it_cannot_start_from_is_told(program, tmp_path, words, said):
    done = program("apps/train.py", "--system", "digital_features", "--out", tmp_path, *words)
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr
