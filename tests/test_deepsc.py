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
from gnuradio.semcom.nets.deepsc import DeepSC, DeepSCConfig, Reading, parts
from gnuradio.semcom.nets.vocabulary import Vocabulary
from gnuradio.semcom.phy import length_code
from gnuradio.semcom.training import text
from gnuradio.semcom.training.loop import Loop
from gnuradio.semcom.training.options import TextConfig
from gnuradio.semcom.training.recipes.text import TextOverLink, some
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
    sentences = [np.frombuffer(s.encode(), np.uint8) for s in ("a b, é c!", "d s", "q")]
    frames = net.send("text", sentences, {})
    # é is written with its base letter, marks that the vocabulary lacks as ?
    assert [len(frame) for frame in frames] == [16 + 5 * n for n in (6, 2, 1)]
    symbols = [frame[None] for frame in frames]
    one = net.outcome(symbols, [torch.full((1,), 0.1)] * 3)
    each = net.outcome(symbols, [torch.full((1, len(frame)), 0.1) for frame in frames])
    for said, other in zip(one, each, strict=True):
        assert said.dtype == torch.uint8 and torch.equal(said, other)
        assert bytes(said.numpy()).decode()
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
    options = {"steps": 3, "epochs": 2, "batch": 30, "vocabulary": 90, "pieces": 40} | options
    config = TextConfig(**options, bfloat16=False)
    sets = {"train": Sentences("toy", SENTENCES * 20, ["toy"] * 140)}
    sets |= dict.fromkeys(("val", "test"), Sentences("toy", SENTENCES, ["toy"] * 7))
    vocabulary = Vocabulary.of(sets["train"], config.vocabulary, config.pieces)
    torch.manual_seed(config.seed)
    return TextOverLink(DeepSC(CONFIG, vocabulary.entries), config, sets)


def test_the_loss_is_cross_entropy(monkeypatch):
    monkeypatch.setattr(text.TiedCrossEntropy, "CHUNK", 4)
    generator = torch.Generator().manual_seed(0)
    values = [torch.randn(*shape, generator=generator) for shape in ((9, 6), (5, 6), (5,))]
    target = torch.tensor([0, 4, 1, 2, 3, 3, 0, 1, 2])
    mine = [value.clone().requires_grad_() for value in values]
    theirs = [value.clone().requires_grad_() for value in values]
    value = text.TiedCrossEntropy.apply(*mine, target, torch.float32)
    expected = F.cross_entropy(F.linear(*theirs), target)
    (3 * value).backward(), (3 * expected).backward()
    assert value.detach() == pytest.approx(float(expected.detach()), rel=1e-6)
    for one, other in zip(mine, theirs, strict=True):
        assert torch.allclose(one.grad, other.grad, atol=1e-6)


def test_a_pass_takes_every_sentence_once_and_keeps_to_the_size():
    data = toy().tokens
    made = list(text.batches(data, 30, torch.Generator().manual_seed(0)))
    assert sorted(torch.cat(made).tolist()) == list(range(140))
    for index in made:
        numbers, lengths = data.batch(index)
        assert numbers.shape == (len(index), int(lengths.max())) and numbers.numel() <= 30


def test_batches_hold_the_sentences():
    recipe = toy()
    numbers, lengths = recipe.tokens.batch(torch.tensor([2, 5, 0]))
    for row, length, sentence in zip(numbers, lengths, (2, 5, 0), strict=True):
        assert row[:length].tolist() == recipe.model.vocabulary.encode(SENTENCES[sentence])
        assert not row[length:].any()


def test_an_epoch_has_its_steps_however_few_sentences_there_are():
    recipe = toy(steps=100)
    made = list(recipe.batches(1))
    assert [step for _, (step, _) in made] == list(range(100, 200))
    assert len(torch.cat([index for _, (_, index) in made]).unique()) == 140


def test_lost_runs_are_within_half_of_what_was_sent():
    lengths, noise = torch.tensor([8, 4] * 400), torch.ones(800, 24)
    torch.manual_seed(0)
    lost = torch.isinf(text.lose(noise, lengths, 3, 0.5))
    sizes = lost.sum(1)
    assert (sizes[::2] <= 13).all() and (sizes[1::2] <= 7).all() and not lost[1::2, 12:].any()
    assert 0.4 < (sizes > 0).double().mean() < 0.52
    edges = lost.int().diff(dim=1, prepend=torch.zeros(800, 1, dtype=torch.int))
    assert ((edges == 1).sum(1) <= 1).all()
    assert not torch.isinf(text.lose(noise, lengths, 3, 0.0)).any()


def test_a_training_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path):
    whole = Loop(toy(), tmp_path / "whole")
    (tmp_path / "whole").mkdir()
    whole.run()
    first = Loop(toy(epochs=2), tmp_path)
    first.train_epoch()
    first.validate()
    first.epoch += 1
    first.save()
    second = Loop(toy(), tmp_path)
    assert second.resume() and second.epoch == 1
    second.run()
    assert second.history[-1]["loss"] == whole.history[-1]["loss"]
    for one, other in zip(second.averaged.parameters(), whole.averaged.parameters(), strict=True):
        assert torch.equal(one, other)


def test_seconds_of_training_carry_sentences_without_noise(tmp_path):
    options = {"steps": 75, "batch": 120, "learning_rate": 1e-2, "average": 0.9}
    recipe = toy(**options, snr_min=10.0, focus_min=10.0, focus_max=12.0)
    loop = Loop(recipe, tmp_path)
    loop.run()
    assert loop.history[-1]["loss"] < 0.3 < loop.history[0]["loss"] and loop.best > 0.6
    recipe.model.load_state_dict(loop.best_weights)
    figures = recipe.test()
    assert figures["error_free"] == 1 and figures["awgn"]["12"]["exact"] == 1
    assert figures["awgn"]["-6"]["bleu_1"] < figures["awgn"]["6"]["bleu_1"]
    assert float(recipe.model.temperature) != 1
    header = {"config": recipe.model.config_dict(), "classes": recipe.model.classes}
    header["metrics"] = {"validation": loop.best, "test": figures}
    assert ("symbols", "5 complex per token, 16 per 63 tokens") in recipe.card_rows(header)
    assert any(line.startswith("| rician | ") for line in recipe.card_notes(header))


def test_the_temperature_that_is_found_is_the_one_that_was_put_in(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(20000, 6, generator=generator)
    numbers = torch.multinomial((logits / 1.25).softmax(-1), 1, generator=generator)[:, 0]
    monkeypatch.setattr(text, "received", lambda *_: [(numbers, logits)])
    assert text.calibrate(network(), None) == pytest.approx(1.25, abs=0.051)


@pytest.mark.parametrize(
    "fields", [{"steps": 0}, {"focus_min": -9.0}, {"channels": ("fog",)}, {"detectors": ("",)}]
)
def test_recipes_that_cannot_be_are_refused(fields):
    with pytest.raises(SemcomError, match=next(iter(fields)).partition("_")[0]):
        TextConfig(**fields)


def test_signals_are_drawn_from_the_whole_range_and_half_from_the_focus():
    recipe = toy(steps=100, epochs=1, easy=0.5)
    snr = recipe.draw_snr(100, 20000)
    assert -6 <= snr.min() < -5.9 and 17.9 < snr.max() <= 18
    assert ((snr > -3) & (snr < 6)).double().mean() == pytest.approx(0.5 + 0.5 * 9 / 24, abs=0.015)
    assert recipe.draw_snr(25, 2000).min() == 6
    assert (recipe.draw_snr(0, 50) == 18).all()


def test_sentences_are_taken_evenly():
    every = Sentences("toy", [str(i) for i in range(9)], ["a"] * 5 + ["b"] * 4)
    assert list(some(every, 3)) == ["0", "4", "8"] and some(every, 3).sources == ("a", "a", "b")
    assert len(some(every, 20)) == 9


def test_the_chain_of_training_is_the_link():
    net = network()
    link = TorchLink("awgn", "ls", "zf", num_rx=1, seed=4)
    snr, frame = torch.full((3,), 100.0), torch.arange(3)
    symbols, noise = text.send(net, link, tokens(), LENGTHS, snr, frame)
    assert symbols.shape == noise.shape == (3, 35)
    assert torch.allclose(symbols, net.encode(tokens(), LENGTHS), atol=1e-3)
    assert (noise < 1e-8).all()
