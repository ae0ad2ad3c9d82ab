# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Networks of M3E-VSC against plain NumPy over the equations of Chen et al. 2024, and the head of
its frames."""

import math

import numpy as np
import pytest
import torch
from gnuradio.semcom.data.descriptions import VOCABULARY, Description, sentence
from gnuradio.semcom.nets.configs import M3EConfig
from gnuradio.semcom.nets.m3e import codec, generator
from gnuradio.semcom.nets.m3e.generator import Generator
from gnuradio.semcom.nets.m3e.networks import PAD, Networks
from gnuradio.semcom.nets.m3e.quantiser import DECAY, UNUSED, ResidualQuantiser
from gnuradio.semcom.nets.m3e.text import CLS, LENGTH
from gnuradio.semcom.phy import length_code
from gnuradio.semcom.systems import m3e_frame
from gnuradio.semcom.systems.m3e_frame import MODES, Head, read_head, read_places
from gnuradio.semcom.systems.m3e_vsc import padded

CONFIG = M3EConfig(
    width=12, heads=3, hidden=20, layers=1, codes=16, stages=3, picture_dim=6, picture_symbols=4,
    sound_dim=5, sound_symbols=3, text_symbols=24,
)  # fmt: skip
B, N, DIM = 3, 64, 6


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    made = Networks(CONFIG, len(VOCABULARY)).eval()
    for part in (made.pictures, made.sounds):  # small as they begin, its matrices hide mistakes
        for parameter in part.codec.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
    return made


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def sentences():
    return padded([
        sentence(Description("Bark", "one", "left", "Bark", "loudly")),
        sentence(Description(heard="Flute")),
        sentence(Description("Cat", "two", "middle")),
    ])  # fmt: skip


def power(symbols):
    return symbols.abs().square().mean(1)


# --- text enhances pictures and sounds (eqs. 13 to 17) ---


def test_attention_is_that_of_equation_17():
    query, key, value = draw(B, 4, 7), draw(B, 9, 7, seed=1), draw(B, 9, 5, seed=2)
    found = codec.attention(query, key, value)
    for b in range(B):
        scores = (query[b].numpy() @ key[b].numpy().T) / math.sqrt(7)
        weights = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
        np.testing.assert_allclose(found[b], weights @ value[b].numpy(), rtol=1e-5, atol=1e-6)


def test_the_gate_is_formed_from_words_and_generated_latents_alone(net):
    """Eqs. 15, 16 with Q the words, K and V what is generated."""
    gate, words, made = net.pictures.gate, draw(B, LENGTH, 12), draw(B, N, DIM, seed=1)
    query, key, value = (
        each(part).detach().numpy()
        for each, part in ((gate.query, words), (gate.key, made), (gate.value, made))
    )
    scores = query @ key.transpose(0, 2, 1) / math.sqrt(12)
    weights = np.exp(scores) / np.exp(scores).sum(2, keepdims=True)
    mixed = np.repeat((weights @ value).mean(1, keepdims=True), N, 1).astype(np.float32)
    both = torch.from_numpy(np.concatenate([made.numpy(), mixed], 2))
    wanted = 1 / (1 + np.exp(-gate.head(both).detach().numpy()))
    found = gate(words, made).detach()
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
    assert found.shape == (B, N, DIM) and 0 < found.min() < found.max() < 1


def test_differences_are_undone_where_both_ends_have_the_same_gate():
    """Eqs. 13 and 14."""
    original, made, gate = draw(B, N, DIM), draw(B, N, DIM, seed=1), torch.rand(B, N, DIM)
    told = codec.difference(original, made, gate)
    np.testing.assert_allclose(told, original.numpy() - made.numpy() * gate.numpy(), atol=1e-6)
    torch.testing.assert_close(codec.restored(told, made, gate), original)


@pytest.mark.parametrize("name", ["pictures", "sounds"])
def test_both_ends_take_away_and_add_the_same(net, name, monkeypatch):
    """The receiver has words and generated latents, and restores what was sent exactly where the
    difference arrives."""
    part, rows = getattr(net, name), sentences()
    latents = draw(B, part.codec.tokens, part.quantiser.dim)
    made, sent = 0.1 * draw(*latents.shape, seed=1), []

    def encode(difference, words, width=None):
        sent.append(difference)
        return torch.zeros(B, 1, dtype=torch.complex64)

    monkeypatch.setattr(part.codec, "encode", encode)
    monkeypatch.setattr(part.codec, "decode", lambda symbols, noise, words: sent[0])
    symbols = part.send(latents, rows, made)
    torch.testing.assert_close(part.receive(symbols, torch.ones(B, 1), rows, made), latents)
    assert (sent[0] - latents).abs().max() > 1e-3
    other = part.receive(symbols, torch.ones(B, 1), rows, made.roll(1, 0))
    assert (other - latents).abs().max() > 1e-3  # of a text that was read wrongly


def test_without_text_nothing_is_generated_and_the_difference_is_all(net):
    part, rows = net.pictures, sentences()
    rows[1] = PAD
    made = part.generated(rows)
    assert not made[1].any() and made[0].any() and made[2].any()
    latents = draw(B, N, DIM)
    gate = part.gate(part.words(rows), made)
    assert torch.equal(codec.difference(latents, made, gate)[1], latents[1])


# --- codebooks ---


def nearest(rest, book):
    return int(np.square(book - rest).sum(1).argmin())


def test_each_stage_codes_what_the_stages_before_it_left(net):
    quantiser = net.pictures.quantiser
    latents = 0.3 * draw(2, 5, DIM)
    codes = quantiser.encode(latents)
    assert codes.shape == (2, 5, 3) and codes.min() >= 0 and codes.max() < CONFIG.codes
    books = quantiser.books.numpy()
    for place in np.ndindex(2, 5):
        rest, told = latents[place].numpy(), np.zeros(DIM, np.float32)
        for stage in range(3):
            code = nearest(rest, books[stage])
            assert code == codes[(*place, stage)]
            rest, told = rest - books[stage, code], told + books[stage, code]
            found = quantiser.decode(quantiser.encode(latents, stage + 1))[place]
            np.testing.assert_allclose(found, told, atol=1e-6)


def test_latents_go_through_as_many_stages_as_they_are_to_and_keep_their_gradient(net):
    quantiser, used = net.pictures.quantiser, torch.tensor([0, 1, 3])
    latents = (0.3 * draw(3, 5, DIM)).requires_grad_()
    told, commitment = quantiser(latents, used)
    assert torch.allclose(told[0], torch.zeros(5, DIM), atol=1e-6)
    wanted = 0.0
    for stage in range(3):
        own = latents.detach()[used > stage]
        left = own - quantiser.decode(quantiser.encode(own, stage + 1))
        wanted += float(left.square().mean())
    for row in (1, 2):
        coded = quantiser.decode(quantiser.encode(latents[row].detach(), int(used[row])))
        torch.testing.assert_close(told[row].detach(), coded)
    assert commitment.item() == pytest.approx(wanted, rel=1e-5)
    weights = draw(3, 5, DIM, seed=4)
    (told * weights).sum().backward()
    torch.testing.assert_close(latents.grad, weights)


def test_codes_follow_their_latents_and_unused_ones_start_again():
    torch.manual_seed(0)
    quantiser = ResidualQuantiser(2, 3, 1).train()
    quantiser.books[0] = quantiser.sums[0] = torch.tensor([[0.0, 0], [5, 5], [-9, 9]])
    quantiser.count[0] = torch.tensor([1.0, 1.0, UNUSED])
    latents = torch.tensor([[[0.5, 0.0], [0.0, 0.5], [4.0, 4.0]]])
    quantiser(latents, torch.tensor([1]))
    keep, new = DECAY, 1 - DECAY
    first = (keep * np.zeros(2) + new * np.array([0.5, 0.5])) / (keep + 2 * new)
    second = (keep * np.full(2, 5.0) + new * np.full(2, 4.0)) / (keep + new)
    np.testing.assert_allclose(quantiser.books[0, 0], first, atol=1e-6)
    np.testing.assert_allclose(quantiser.books[0, 1], second, atol=1e-5)
    assert any(torch.equal(quantiser.books[0, 2], each) for each in latents[0])
    before = quantiser.eval().books.clone()
    quantiser(latents, torch.tensor([1]))
    assert torch.equal(quantiser.books, before)


# --- symbols (eqs. 5 to 8) ---


def test_a_symbol_is_seen_as_its_best_estimate_and_what_is_lost_as_nothing():
    symbols = torch.tensor([[1 + 1j, 2 - 1j, 3 + 0j, complex(math.nan, 1), complex(math.inf, 0)]])
    noise = torch.tensor([[0.0, 1.0, math.inf, 0.5, 0.5]])
    wanted = [[1, 1, 1], [1, -0.5, 0.5], [0, 0, 0], [0, 0, 0], [0, 0, 0]]
    torch.testing.assert_close(
        codec.seen(symbols, noise), torch.tensor([wanted], dtype=torch.float)
    )


def test_any_first_part_of_a_sentence_is_a_frame_of_unit_power(net):
    rows = sentences()
    whole = net.text.encode(rows)
    assert whole.shape == (B, 24) and whole.dtype == torch.complex64
    for width in (5, 12, 24):
        part = net.text.encode(rows, width)
        torch.testing.assert_close(power(part), torch.ones(B))
        scale = power(whole[:, :width]).sqrt()[:, None]
        torch.testing.assert_close(part * scale, whole[:, :width])
        lost = torch.full((B, 24 - width), math.inf)
        noise = torch.full((B, width), 0.3)
        torch.testing.assert_close(
            net.text.decode(part, noise),
            net.text.decode(torch.cat([part, torch.full_like(lost, 9.0) + 0j], 1),
                            torch.cat([noise, lost], 1)),
        )  # fmt: skip


def test_what_the_text_is_read_as_and_how_surely(net):
    noise = torch.full((B, 24), 0.5)
    logits = net.text.decode(net.text.encode(sentences()), noise).detach()
    rows, chance, xi = net.text.judged(logits, noise)
    chances = logits[:, 1:].softmax(-1).numpy()
    assert (rows[:, 0] == CLS).all()
    assert np.array_equal(rows[:, 1:], chances.argmax(-1))
    wanted = np.maximum(np.log(chances.max(-1)).sum(1), -20)
    np.testing.assert_allclose(chance.log(), wanted, rtol=1e-4)
    assert xi.shape == (B,) and (xi > 0).all() and (xi < 1).all()


@pytest.mark.parametrize("name", ["pictures", "sounds"])
def test_any_width_of_a_difference_is_a_frame_of_unit_power(net, name):
    part = getattr(net, name)
    tokens, most = part.codec.tokens, part.codec.symbols
    words, told = part.words(sentences()), draw(B, tokens, part.quantiser.dim)
    whole = part.codec.encode(told, words)
    assert whole.shape == (B, tokens * most)
    torch.testing.assert_close(power(whole), torch.ones(B))
    for width in range(1, most):
        made = part.codec.encode(told, words, width)
        assert made.shape == (B, tokens * width)
        torch.testing.assert_close(power(made), torch.ones(B))
        scale = power(whole[:, : tokens * width]).sqrt()[:, None]
        torch.testing.assert_close(made * scale, whole[:, : tokens * width])
    one = told.clone()
    one[:, 3] += 1  # the first symbols are the first one of each token
    moved = (part.codec.encode(one, words, 1) - part.codec.encode(told, words, 1)).abs()
    assert (moved.argmax(1) == 3).all()


def test_the_linear_code_sends_principal_components_and_is_undone():
    torch.manual_seed(0)
    made = codec.SemanticCodec(CONFIG, DIM, 4, 2, 1).eval()
    assert not made.started
    axes = np.linalg.qr(draw(DIM, DIM, seed=1).numpy())[0]
    deviations = np.array([3.0, 2.0, 1.0, 0.5, 0.0, 0.0])
    told = draw(400, 4, DIM, seed=2).numpy() * deviations @ axes.T + 0.7
    told = torch.from_numpy(told.astype(np.float32))
    made.start(told, torch.full((400,), 40.0))
    assert made.started
    flat = told.flatten(0, 1).numpy()
    values, vectors = np.linalg.eigh(np.cov(flat.T, bias=True))
    for part, row in enumerate((0, 2, 1, 3)):  # real parts of both symbols, then the imaginary
        wanted = vectors[:, -1 - part] * values[-1 - part] ** -0.25
        found = made.direct.weight[row].detach().numpy()
        np.testing.assert_allclose(found * np.sign(found @ wanted), wanted, rtol=1e-2, atol=1e-3)
    none, noise = torch.zeros(400, 0, 12), torch.full((400, 8), 1e-4)
    symbols = made.encode(told, none)
    torch.testing.assert_close(power(symbols), torch.ones(400))
    # exact where the power of a frame is as of all; frames differ, which a linear way back averages
    scale = made.direct(told).square().sum((1, 2)).div(8).sqrt()
    mean = scale.square().mean().sqrt()
    same = (scale / mean - 1).abs() < 0.02
    off = (made.decode(symbols, noise, none) - told)[same]
    assert same.sum() > 5 and off.square().mean() < 0.05 * told.var()


@pytest.mark.parametrize("name", ["pictures", "sounds"])
@pytest.mark.parametrize("lost", ["some", "all", "behind"])
def test_lost_symbols_leave_something_to_show(net, name, lost):
    part, rows = getattr(net, name), sentences()
    made = part.generated(rows)
    symbols = part.send(draw(B, part.codec.tokens, part.quantiser.dim), rows, made)
    noise = torch.full(symbols.shape, 0.1)
    if lost == "some":
        symbols[:, ::3], symbols[:, 1::3] = complex(math.nan, 0), complex(0, math.inf)
        noise[:, 2::3] = math.inf
    elif lost == "all":
        noise[:] = math.inf
    else:
        symbols, noise = symbols[:, :7], noise[:, :7]
    latents = part.receive(symbols, noise, rows, made)
    shown = part.decode(latents, torch.tensor([0, 5, 29]))
    assert torch.isfinite(latents).all() and torch.isfinite(shown).all()
    text = net.text.decode(symbols[:, :24], noise[:, :24])
    judged = net.text.judged(text, noise[:, :24])
    assert all(torch.isfinite(each.float()).all() for each in judged)


# --- generated latents ---


def test_generated_codes_depend_on_the_words_alone(net):
    words = net.pictures.words(sentences())
    codes = net.pictures.generator.generate(words)
    assert codes.shape == (B, N) and codes.min() >= 0 and codes.max() < CONFIG.codes
    torch.manual_seed(99)
    assert torch.equal(net.pictures.generator.generate(words), codes)
    for row in range(B):
        alone = net.pictures.generator.generate(words[row : row + 1])
        assert torch.equal(alone[0], codes[row])


def test_the_surest_codes_are_kept_in_each_pass(monkeypatch):
    torch.manual_seed(0)
    made = Generator(CONFIG, 11, 7)
    table = draw(8, 11, 7, seed=5)  # logits by how many codes are known yet

    def logits(codes, words):
        return table[(codes != 7).sum() % 8][None].expand(len(words), -1, -1)

    monkeypatch.setattr(made, "forward", logits)
    found = made.generate(torch.zeros(1, 2, 12))[0]
    known = {}
    for number in range(1, generator.PASSES + 1):
        scores = table[len(known) % 8].numpy()
        chances = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
        wanted = 11 - int(11 * math.cos(math.pi / 2 * number / generator.PASSES))
        unknown = [place for place in range(11) if place not in known]
        unknown.sort(key=lambda place: -chances[place].max())
        for place in unknown[: wanted - len(known)]:
            known[place] = int(chances[place].argmax())
    assert [known[place] for place in range(11)] == found.tolist()


def test_the_generator_learns_the_codes_that_it_does_not_see(net):
    made, words = net.pictures.generator, net.pictures.words(sentences()).detach()
    codes = torch.randint(CONFIG.codes, (B, N), generator=torch.Generator().manual_seed(0))
    torch.manual_seed(3)
    loss = made.loss(codes, words).item()
    torch.manual_seed(3)
    share = np.cos(np.pi / 2 * torch.rand(B, 1).numpy())
    masked = torch.rand(B, N).numpy() < share
    seen = codes.numpy().copy()
    seen[masked] = CONFIG.codes
    scores = made(torch.from_numpy(seen), words).detach().double().numpy()[masked]
    wanted = np.log(np.exp(scores).sum(1)) - scores[np.arange(len(scores)), codes.numpy()[masked]]
    assert masked.any() and not masked.all()
    assert loss == pytest.approx(wanted.mean(), rel=1e-5)


# --- the head of a frame ---


def random_head(rng):
    mode = MODES[rng.integers(len(MODES))]
    seconds = int(rng.choice([1, 1, 1, 2, 5, 12]))
    shown = mode.most > 0 or rng.random() < 0.5
    still = shown and seconds == 1 and rng.random() < 0.3
    height = int(rng.choice([64, 144, 240, 360])) if shown else 0
    width = height if rng.random() < 0.5 else int(rng.integers(1, 1921)) * shown
    sounds = bool(mode.sound or not shown or rng.random() < 0.3)
    keys = rng.integers(mode.counts.start, mode.counts.stop, seconds)
    return Head(mode, seconds, height, width, bool(still), sounds, tuple(int(k) for k in keys))


def on_air(head, snr_db, seed):
    """Its frame, of which what follows the head is noise, and the noise's variance."""
    variance = 10 ** (-snr_db / 10)
    frame = math.sqrt(variance + 1) * complex_noise(head.total(), seed)
    frame[: len(head)] = head.symbols() + math.sqrt(variance) * complex_noise(len(head), seed + 1)
    return frame, torch.full((len(frame),), variance)


def complex_noise(count, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, dtype=torch.complex64, generator=generator)


@pytest.mark.parametrize(("snr_db", "least"), [(20, 1.0), (0, 1.0), (-5, 0.9)])
def test_heads_are_read_as_they_were_sent(snr_db, least):
    rng = np.random.default_rng(7)
    heads = [random_head(rng) for _ in range(30)]
    assert len({head.mode for head in heads}) > 15 and max(max(head.keys) for head in heads) == 4
    for head in heads:
        assert len(head.symbols()) == len(head)
    right = [read_head(*on_air(head, snr_db, 2 * i)) == head for i, head in enumerate(heads)]
    assert np.mean(right) >= least


def test_a_frame_of_a_length_that_no_head_has_is_none():
    head = Head(m3e_frame.Mode(), 1, 64, 64, False, True, (1,))
    frame, noise = on_air(head, 20, 0)
    assert len(frame) == 64 + 60 + 800 + 576 and read_head(frame, noise) == head
    for length in (0, 1, 63, len(frame) - 1, len(frame) + 1):
        cut = torch.nn.functional.pad(frame, (0, max(0, length - len(frame))))[:length]
        assert read_head(cut, torch.ones(length)) is None


def test_places_of_key_frames_come_back_and_rise():
    for places in ([0], [0, 7], [0, 3, 4, 15], [0, 1, 2, 3]):
        sent = m3e_frame.places_on_air(places)
        symbols = torch.cat(sent) if sent else torch.zeros(0, dtype=torch.complex64)
        noise = torch.full((len(symbols),), 1.0)
        received = symbols + complex_noise(len(symbols), 1)
        assert read_places(received, noise, len(places)) == places
    lost = torch.full((3 * m3e_frame.PLACE,), math.inf)
    assert read_places(torch.zeros(len(lost)) + 0j, lost, 4) == [0, 1, 2, 3]


def test_likelihoods_are_those_of_gaussian_noise_and_add_up():
    received = length_code.encode(torch.tensor([5, 40])) + 0.7 * complex_noise(32, 0).view(2, 16)
    noise = 0.3 + torch.rand(2, 16, generator=torch.Generator().manual_seed(1))
    words = length_code.encode(torch.arange(64)).numpy()
    off = np.abs(received.numpy()[:, None] - words) ** 2 / noise.numpy()[:, None]
    wanted = -off.sum(2)
    found = length_code.likelihoods(received, noise).numpy()
    np.testing.assert_allclose(found - found[:, :1], wanted - wanted[:, :1], rtol=1e-4, atol=1e-3)
    twice = length_code.likelihoods(received[:1], noise[:1] / 2)  # as if heard twice alike
    np.testing.assert_allclose(twice, 2 * found[:1], rtol=1e-5)
