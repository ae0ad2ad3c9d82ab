# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The text link: length code, network, recipe."""

import dataclasses
import json
import math

import numpy as np
import pytest
import torch
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.chain.link import TorchLink
from gnuradio.semcom.data.text import Sentences
from gnuradio.semcom.nets.configs import DeepSCConfig
from gnuradio.semcom.nets.deepsc import DeepSC, Reading, parts
from gnuradio.semcom.nets.vocabulary import Vocabulary
from gnuradio.semcom.phy import length_code
from gnuradio.semcom.training import deepsc
from gnuradio.semcom.training.deepsc import Tokens
from gnuradio.semcom.training.loop import Loop
from gnuradio.semcom.training.options import DeepSCTraining
from gnuradio.semcom.training.recipes import text as recipe_module
from gnuradio.semcom.training.recipes.text import TextOverLink
from gnuradio.semcom.weights import store
from safetensors.torch import load_file
from torch.nn import functional as F

VOCABULARY = (*"abcdefghijklmnopqrstuvwxyz?", "##?", "##s")
CONFIG = DeepSCConfig(symbols=5, width=24, heads=3, hidden=40, encoder_layers=1, decoder_layers=2)
LENGTHS = torch.tensor([4, 7, 1])
SENTENCES = [
    "a man rides a horse", "two dogs run near a red house", "yes", "a girl sings, and a man runs!",
    "the red horse runs", "a dog barks at two girls.", "the house of the man is red",
]  # fmt: skip


def network(seed=0, config=CONFIG):
    torch.manual_seed(seed)
    return DeepSC(config, VOCABULARY).eval()


def tokens(rows=3, columns=7, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(len(VOCABULARY), (rows, columns), generator=generator)


def q_function(x):
    return 0.5 * math.erfc(x / math.sqrt(2))


# --- the length code ---


def test_every_length_comes_back_and_codewords_are_16_apart():
    lengths = torch.arange(64)
    symbols = length_code.encode(lengths)
    assert symbols.shape == (64, 16) and symbols.dtype == torch.complex64
    assert torch.allclose(symbols.abs(), torch.ones(64, 16))
    for noise in (1e-3, 0.0):
        decided, certain = length_code.decode(symbols, torch.full((64, 16), noise))
        assert torch.equal(decided, lengths) and torch.allclose(certain, torch.ones(64))
    bits = torch.cat([symbols.real, symbols.imag], 1).sign()
    distance = (32 - bits @ bits.T) / 2 + 99 * torch.eye(64)
    assert distance.min() == 16


@pytest.mark.parametrize("snr_db", [-2.0, 0.0])
def test_length_errors_are_just_below_the_union_bound(snr_db):
    generator = torch.Generator().manual_seed(3)
    count, noise = 60000, 10 ** (-snr_db / 10)
    lengths = torch.randint(64, (count,), generator=generator)
    error = torch.randn(count, 16, dtype=torch.complex64, generator=generator)  # CN(0, 1)
    received = length_code.encode(lengths) + math.sqrt(noise) * error
    decided, certain = length_code.decode(received, torch.full((count, 16), noise))
    rate = (decided != lengths).double().mean()
    bound = 62 * q_function(math.sqrt(16 / noise)) + q_function(math.sqrt(32 / noise))
    assert 0.5 * bound < rate < bound
    # the posterior is calibrated: its mean is the share of right decisions
    assert certain.double().mean() == pytest.approx(1 - rate, abs=4 * math.sqrt(rate / count))


def test_lost_header_symbols_weigh_nothing():
    lengths = torch.tensor([0, 32, 63])
    symbols, noise = length_code.encode(lengths), torch.full((3, 16), 0.1)
    symbols[:, 2], symbols[:, 5] = complex(math.nan, 0), 1000.0
    noise[:, 5] = math.inf
    assert torch.equal(length_code.decode(symbols, noise)[0], lengths)
    decided, certain = length_code.decode(symbols, torch.full((3, 16), math.inf))
    assert decided.tolist() == [0, 0, 0] and torch.allclose(certain, torch.full((3,), 1 / 64))


@pytest.mark.parametrize("length", [-1, 64])
def test_a_length_that_has_no_codeword_is_refused(length):
    with pytest.raises(ValueError, match="expected 0 to 63"):
        length_code.encode(torch.tensor([5, length]))


# --- the network ---


def test_frames_have_unit_power_over_what_is_sent():
    net = network()
    payload = net.encode(tokens(), LENGTHS).detach()
    assert payload.shape == (3, 7 * 5) and payload.dtype == torch.complex64
    for row, length in zip(payload, LENGTHS.tolist(), strict=True):
        assert row[: 5 * length].abs().square().mean() == pytest.approx(1, abs=1e-5)
        assert not row[5 * length :].any()
    sentences = [row[:n].tolist() for row, n in zip(tokens(), LENGTHS.tolist(), strict=True)]
    for frame, row, length in zip(net.transmit(sentences), payload, (4, 7, 1), strict=True):
        assert len(frame) == 16 + 5 * length == net.symbols_of(length)
        assert torch.equal(frame[:16], length_code.encode(torch.tensor([length]))[0])
        assert torch.allclose(frame[16:], row[: 5 * length], atol=1e-5)


def test_a_sentence_alone_is_as_in_a_batch():
    net, numbers = network(), tokens()
    payload = net.encode(numbers, LENGTHS)
    noise = 0.1 + torch.rand(3, 35, generator=torch.Generator().manual_seed(2))
    received = payload + 0.3
    logits = net.decode(received, noise, LENGTHS)
    assert logits.shape == (3, 7, len(VOCABULARY))
    for row, length in enumerate(LENGTHS.tolist()):
        one = slice(row, row + 1)
        alone = net.encode(numbers[one, :length], LENGTHS[one])
        assert torch.allclose(alone, payload[one, : 5 * length], atol=1e-5)
        sent = slice(0, 5 * length)
        answer = net.decode(received[one, sent], noise[one, sent], LENGTHS[one])
        assert torch.allclose(answer[0], logits[row, :length], atol=1e-4)


def test_what_stands_beyond_the_length_does_not_matter():
    net, numbers = network(), tokens()
    other = numbers.clone()
    other[0, 4:], other[2, 1:] = 3, 25
    assert torch.equal(net.encode(numbers, LENGTHS), net.encode(other, LENGTHS))


def test_every_word_of_a_sentence_matters_to_its_symbols_and_answers():
    net, numbers = network(), tokens()
    changed = numbers.clone()
    changed[1, 6] = (changed[1, 6] + 1) % len(VOCABULARY)
    one, other = net.encode(numbers, LENGTHS), net.encode(changed, LENGTHS)
    assert torch.equal(one[0], other[0])
    assert (one[1] != other[1]).all()  # the first word's symbols, too: context at the sender
    noise = torch.ones(3, 35)
    answers = [net.decode(symbols, noise, LENGTHS)[1, 0] for symbols in (one, other)]
    assert not torch.allclose(*answers)


def test_lost_symbols_are_finite_whatever_they_hold():
    net = network()
    lost, clean = torch.full((3, 35), math.inf), torch.zeros(3, 35)
    garbage = torch.full((3, 35), complex(math.nan, math.inf))
    silence = torch.zeros(3, 35, dtype=torch.complex64)
    for symbols, noise in ((garbage, lost), (silence, clean)):
        assert torch.isfinite(net.decode(symbols, noise, LENGTHS)).all()
    assert torch.equal(net.decode(garbage, lost, LENGTHS), net.decode(silence, lost, LENGTHS))


@pytest.mark.parametrize("said", [0, 2, 4, 9, 63])
def test_the_receiver_goes_by_the_length_it_reads(said):
    net = network()
    frame = net.transmit([tokens()[0, :4].tolist()])[0].detach()
    frame[:16] = length_code.encode(torch.tensor([said]))
    reading = net.receive([frame], [torch.full(frame.shape, 0.01)])[0]
    assert len(reading.tokens) == said and 0 <= reading.exact <= reading.accuracy <= 1


@pytest.mark.parametrize("length", [0, 1, 62, 63, 64, 126, 130])
def test_sentences_of_any_length_are_sent_in_parts_of_63(length):
    net, numbers = network(), tokens(1, 130)[0, :length].tolist()
    assert [number for part in parts(numbers) for number in part] == numbers
    frame, other = net.transmit([numbers, [1, 2]])
    assert len(frame) == net.symbols_of(length) == 16 * (length // 63 + 1) + 5 * length
    readings = net.receive([frame, other], [torch.zeros(len(f)) for f in (frame, other)])
    assert [len(reading.tokens) for reading in readings] == [length, 2]
    alone = net.receive([frame], [torch.zeros(len(frame))])[0]
    assert alone.tokens == readings[0].tokens
    assert alone.accuracy == pytest.approx(readings[0].accuracy, rel=1e-4)


def test_what_the_receiver_thinks_of_a_sentence_is_of_all_its_parts():
    reading = Reading()
    reading.add([1, 2, 3], 0.5, 0.2)
    reading.add([4], 0.9, 0.5)
    assert reading.tokens == [1, 2, 3, 4]
    assert reading.accuracy == pytest.approx(0.6) and reading.exact == pytest.approx(0.1)


@pytest.mark.parametrize("arrived", [0, 7, 16, 20])
def test_frames_that_are_cut_off_are_read_as_far_as_they_came(arrived):
    net = network()
    frame = net.transmit([[1, 2, 3]])[0][:arrived]
    reading = net.receive([frame], [torch.zeros(arrived)])[0]
    assert len(reading.tokens) == (3 if arrived else 0)
    assert reading.exact < 0.5


def test_bytes_in_and_bytes_out():
    net = network()
    sentences = [np.frombuffer(text.encode(), np.uint8) for text in ("a b, é c!", "d s", "q")]
    frames = net.send("text", sentences, {})
    # é is written with its base letter, marks that the vocabulary lacks as ?
    assert [len(frame) for frame in frames] == [16 + 5 * n for n in (6, 2, 1)]
    symbols = [frame[None] for frame in frames]
    one = net.outcome(symbols, [torch.full((1,), 0.1)] * 3)
    each = net.outcome(symbols, [torch.full((1, len(frame)), 0.1) for frame in frames])
    for text, other in zip(one, each, strict=True):
        assert text.dtype == torch.uint8 and torch.equal(text, other)
        assert bytes(text.numpy()).decode()
    silent = net.transmit([[]])[0]
    assert bytes(net.outcome([silent[None]], [torch.zeros(1)])[0].numpy()) == b" "
    assert net.item("text") == net.outcome_item == (np.uint8, 1)
    assert max(map(len, frames)) <= net.payload("text", len(sentences[0]))


def test_bad_lengths_and_payloads_are_refused():
    net = network()
    for lengths in ([4, 8, 1], [0, 2, 2]):
        with pytest.raises(ValueError, match="expected 1 to 7 tokens"):
            net.encode(tokens(), torch.tensor(lengths))
    with pytest.raises(ValueError, match="multiple of 5"):
        net.decode(torch.zeros(3, 34), torch.zeros(3, 34), LENGTHS)
    with pytest.raises(ValueError, match="expected 1 to 63"):
        net.encode(tokens(columns=65), torch.tensor([64, 1, 1]))


@pytest.mark.parametrize("fields", [{"heads": 5}, {"symbols": 0}, {"width": 21, "heads": 3}])
def test_sizes_that_do_not_fit_are_refused(fields):
    with pytest.raises(SemcomError, match=next(iter(fields))):
        DeepSCConfig(**fields)


def test_confidence_is_the_posterior_of_what_was_decided():
    net = network()
    chances = torch.tensor([[[0.7, 0.2, 0.1], [0.1, 0.5, 0.4]], [[0.2, 0.2, 0.6], [0.9, 0.1, 0.0]]])
    lengths, certain = torch.tensor([2, 1]), torch.tensor([1.0, 0.5])
    accuracy, exact = net.confidence(chances.log(), lengths, certain)
    assert accuracy.tolist() == pytest.approx([0.6, 0.3])
    assert exact.tolist() == pytest.approx([0.35, 0.3])
    net.temperature.fill_(2.0)  # square roots, normalised
    accuracy, exact = net.confidence(chances.log(), lengths, certain)
    assert exact[1] == pytest.approx(0.5 * 0.6**0.5 / (0.6**0.5 + 2 * 0.2**0.5))


def test_eight_bits_hardly_change_the_answers(tmp_path):
    net, file = network(config=dataclasses.replace(CONFIG, width=48)), tmp_path / "a.safetensors"
    store.save(file, net, variant="full", data="toy")
    stored = store.eight_bits(load_file(file))
    store.write(file, stored, {store.KEY: json.dumps(store.read_header(file))})
    loaded, header = store.load(file, {"deepsc": DeepSC})
    assert tuple(header["classes"]) == VOCABULARY == loaded.classes
    sent = net.encode(tokens(), LENGTHS)
    assert (loaded.encode(tokens(), LENGTHS) - sent).abs().max() < 0.1
    noise = torch.full((3, 35), 0.1)
    change = loaded.decode(sent, noise, LENGTHS) - net.decode(sent, noise, LENGTHS)
    assert 0 < change.abs().max() < 0.1


# --- the recipe ---


def toy(**options):
    """A recipe and data that train in seconds."""
    options = {"steps": 6, "batch": 30, "vocabulary": 90, "pieces": 40, "warmup": 2} | options
    config = DeepSCTraining(**options, bfloat16=False)
    train = Sentences("toy", SENTENCES * 20, ["toy"] * 140)
    vocabulary = Vocabulary.of(train, config.vocabulary, config.pieces)
    data = deepsc.Tokens(train, vocabulary)
    torch.manual_seed(config.seed)
    return config, vocabulary, data, DeepSC(CONFIG, vocabulary.entries)


def test_the_loss_is_cross_entropy(monkeypatch):
    monkeypatch.setattr(deepsc.TiedCrossEntropy, "CHUNK", 4)
    generator = torch.Generator().manual_seed(0)
    parts = [torch.randn(*shape, generator=generator) for shape in ((9, 6), (5, 6), (5,))]
    target = torch.tensor([0, 4, 1, 2, 3, 3, 0, 1, 2])
    mine = [part.clone().requires_grad_() for part in parts]
    theirs = [part.clone().requires_grad_() for part in parts]
    value = deepsc.TiedCrossEntropy.apply(*mine, target, torch.float32)
    expected = F.cross_entropy(F.linear(*theirs), target)
    (3 * value).backward(), (3 * expected).backward()
    assert value.detach() == pytest.approx(float(expected.detach()), rel=1e-6)
    for one, other in zip(mine, theirs, strict=True):
        assert torch.allclose(one.grad, other.grad, atol=1e-6)


def test_a_pass_takes_every_sentence_once_and_keeps_to_the_size():
    _, _, data, _ = toy()
    made = list(deepsc.batches(data, 30, torch.Generator().manual_seed(0)))
    assert sorted(torch.cat(made).tolist()) == list(range(140))
    for index in made:
        numbers, lengths = data.batch(index)
        assert numbers.shape == (len(index), int(lengths.max())) and numbers.numel() <= 30


def test_batches_hold_the_sentences():
    _, vocabulary, data, _ = toy()
    numbers, lengths = data.batch(torch.tensor([2, 5, 0]))
    for row, length, sentence in zip(numbers, lengths, (2, 5, 0), strict=True):
        assert row[:length].tolist() == vocabulary.encode(SENTENCES[sentence])
        assert not row[length:].any()


def test_lost_runs_are_within_half_of_what_was_sent():
    lengths = torch.tensor([8, 4] * 400)
    noise = torch.ones(800, 24)
    generator = torch.Generator().manual_seed(0)
    lost = torch.isinf(deepsc.lose(noise, lengths, 0.5, generator))
    sizes = lost.sum(1)
    assert (sizes[::2] <= 13).all() and (sizes[1::2] <= 7).all() and not lost[1::2, 12:].any()
    assert 0.4 < (sizes > 0).double().mean() < 0.52
    edges = lost.int().diff(dim=1, prepend=torch.zeros(800, 1, dtype=torch.int))
    assert ((edges == 1).sum(1) <= 1).all()
    assert not torch.isinf(deepsc.lose(noise, lengths, 0.0, generator)).any()


def recipe(config, vocabulary, data, net):
    return TextOverLink(net, config, data, validation(vocabulary))


def validation(vocabulary):
    return Tokens(Sentences("val", SENTENCES, ["toy"] * 7), vocabulary)


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path, monkeypatch):
    monkeypatch.setattr(recipe_module, "VALIDATE_EVERY", 4)
    (tmp_path / "whole").mkdir()
    config, vocabulary, data, net = toy()
    whole, losses = [], []
    Loop(recipe(config, vocabulary, data, net), tmp_path / "whole").run(whole.append)
    assert len(whole) == 6

    def stop(loss):
        if len(losses) == 4:
            raise KeyboardInterrupt
        losses.append(loss)

    with pytest.raises(KeyboardInterrupt):  # in the fifth step
        Loop(recipe(*toy()), tmp_path).run(stop)
    torch.manual_seed(99)
    other = DeepSC(CONFIG, vocabulary.entries)
    second = Loop(recipe(config, vocabulary, data, other), tmp_path)
    assert second.resume() and second.epoch == 1
    second.run(losses.append)
    assert losses == whole
    changed = dataclasses.replace(config, seed=1)
    with pytest.raises(SemcomError, match="training with other options"):
        Loop(recipe(changed, vocabulary, data, net), tmp_path).resume()


def test_seconds_of_training_carry_sentences_without_noise(tmp_path):
    options = {"steps": 150, "batch": 120, "learning_rate": 1e-2, "average": 0.9}
    options |= {"snr_min": 10.0, "focus": (10.0, 12.0)}
    config, vocabulary, data, net = toy(**options)
    loop, losses = Loop(recipe(config, vocabulary, data, net), tmp_path), []
    loop.run(losses.append)
    assert losses[-1] < 0.2 < losses[0]
    net = loop.averaged.module
    figures = deepsc.validate(net, validation(vocabulary))
    assert loop.best == figures["mean"]
    assert figures["awgn@6"] > 0.9 and figures["awgn@6"] >= figures["rayleigh@-3"]
    assert deepsc.calibrate(net, data) == pytest.approx(float(net.temperature)) != 1
    for sentence in SENTENCES:
        numbers = vocabulary.encode(sentence)
        frame = net.transmit([numbers])[0]
        assert net.receive([frame], [torch.zeros(len(frame))])[0].tokens == numbers


def test_the_temperature_that_is_found_is_the_one_that_was_put_in(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(20000, 6, generator=generator)
    numbers = torch.multinomial((logits / 1.25).softmax(-1), 1, generator=generator)[:, 0]
    monkeypatch.setattr(deepsc, "received", lambda *_: [(numbers, logits)])
    assert deepsc.calibrate(network(), None) == pytest.approx(1.25, abs=0.051)


@pytest.mark.parametrize(
    "fields", [{"steps": 0}, {"focus": (-9.0, 6.0)}, {"channels": ("fog",)}, {"detectors": ("",)}]
)
def test_recipes_that_cannot_be_are_refused(fields):
    with pytest.raises(SemcomError, match=next(iter(fields))):
        DeepSCTraining(**fields)


def test_signals_are_drawn_from_the_whole_range_and_half_from_the_focus():
    _, _, data, net = toy()
    made = TextOverLink(net, DeepSCTraining(steps=100, easy=0.5), data, data)
    generator = torch.Generator().manual_seed(0)
    snr = made._draw_snr(100, 20000, generator)
    assert -6 <= snr.min() < -5.9 and 17.9 < snr.max() <= 18
    assert ((snr > -3) & (snr < 6)).double().mean() == pytest.approx(0.5 + 0.5 * 9 / 24, abs=0.015)
    assert made._draw_snr(25, 2000, generator).min() == 6
    assert (made._draw_snr(0, 50, generator) == 18).all()


def test_the_chain_of_training_is_the_link():
    net = network()
    link = TorchLink("awgn", "ls", "zf", num_rx=1, seed=4)
    snr, frame = torch.full((3,), 100.0), torch.arange(3)
    symbols, noise = deepsc.send(net, link, tokens(), LENGTHS, snr, frame)
    assert symbols.shape == noise.shape == (3, 35)
    assert torch.allclose(symbols, net.encode(tokens(), LENGTHS), atol=1e-3)
    assert (noise < 1e-8).all()
