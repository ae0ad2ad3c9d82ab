# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Classical codes of sentences: what comes back, what it costs, and what damage does."""

import numpy as np
import pytest
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.media.codecs import arithmetic, names, texts
from gnuradio.semcom.media.codecs.texts import TextCodec
from gnuradio.semcom.nets.vocabulary import words

TRAINING = [
    f"A {size} {animal} {does} {where}."
    for size in ("small", "big", "brown", "lazy")
    for animal in ("dog", "cat", "goat", "horse", "bird")
    for does in ("runs", "sits", "sleeps", "barks")
    for where in ("on the grass", "in the house", "near a church bell")
] + ["A woman's t-shirt, once seen.", "Zyxwvut and Qwerty speak of something else!"]
ODD = [
    "The photobombed dog can't sleep.",
    'He said: "no, 25% of 3,000 (or £7)!"',
    "Ça va? Straße, naïve - Ελλάδα; 東京 🙂",
    "a\0b \ud800 _ x" + "y" * 300,
    "",
    "   ",
]


@pytest.fixture(scope="module")
def codes():
    return {name: TextCodec.fit(name, TRAINING) for name in names.TEXTS}


@pytest.mark.parametrize("name", names.TEXTS)
def test_sentences_come_back_with_zeros_behind_them(codes, name):
    for number, sentence in enumerate(TRAINING[::9] + ODD):
        sent = codes[name].encode(sentence)
        assert sent.dtype == np.uint8 and sent.ndim == 1 and set(sent) <= {0, 1}
        expected = words(sentence.replace("\ud800", "?"))
        for zeros in (0, number % 8, 1000):
            back = codes[name].decode(np.concatenate([sent, np.zeros(zeros, np.uint8)]))
            assert words(back) == expected, sentence
    assert codes[name].decode(codes[name].encode("a dog, once.")) == "A dog, once."


@pytest.mark.parametrize("name", names.TEXTS)
def test_nothing_learned_still_carries_sentences(name):
    code = TextCodec.fit(name, [])
    assert words(code.decode(code.encode("New words, 42."))) == ["new", "words", ",", "42", "."]


def test_better_models_cost_fewer_bits(codes):
    cost = {name: sum(len(codes[name].encode(s)) for s in TRAINING) for name in names.TEXTS}
    order = ("bigram", "huffman_words", "huffman_letters", "letters5")
    assert sorted(order, key=cost.get) == list(order)
    assert len(codes["letters5"].encode("a dog.")) == 5 * 7  # six characters and the end


def test_huffman_codes_are_as_short_as_they_can_be(codes):
    prefix = codes["huffman_words"].prefix
    assert sum(2.0 ** -len(bits) for bits in prefix.code.values()) == 1  # Kraft, McMillan
    count = dict.fromkeys(prefix.code, 0)
    for sentence in TRAINING:
        for word in [*words(sentence), texts.END]:
            count[word] += 1
    share = np.array([times for times in count.values() if times], float)
    share /= share.sum()
    entropy = -np.sum(share * np.log2(share))
    symbols = sum(len(words(sentence)) + 1 for sentence in TRAINING)
    mean = sum(len(codes["huffman_words"].encode(s)) for s in TRAINING) / symbols
    assert entropy <= mean < entropy + 0.2


def test_arithmetic_codes_are_as_short_as_their_model_says():
    rng = np.random.default_rng(2)
    sizes = np.array([1, 5, 40, 1000, 3, 70_000])
    ends = np.concatenate([[0], np.cumsum(sizes)])
    for length in (0, 1, 3, 400):
        symbols = rng.choice(len(sizes), length, p=rng.dirichlet(np.ones(len(sizes))))
        encoder = arithmetic.Encoder()
        for n in symbols:
            encoder.encode(int(ends[n]), int(ends[n + 1]), int(ends[-1]))
        sent = encoder.finish()
        assert len(sent) <= np.sum(np.log2(ends[-1] / sizes[symbols])) + 2
        decoder, back = arithmetic.Decoder(sent), []
        for _ in symbols:
            n = int(np.searchsorted(ends, decoder.target(int(ends[-1])), "right")) - 1
            decoder.decode(int(ends[n]), int(ends[n + 1]), int(ends[-1]))
            back.append(n)
        assert back == list(symbols)


@pytest.mark.parametrize("name", names.TEXTS)
def test_damaged_bits_give_a_sentence(codes, name):
    rng = np.random.default_rng(8)
    for number in range(300):
        sent = codes[name].encode((ODD + TRAINING)[number % 240])
        if len(sent):
            sent[rng.integers(len(sent), size=rng.integers(1, 6))] ^= 1
        if number % 3 == 0:
            sent = rng.integers(2, size=rng.integers(600), dtype=np.uint8)
        back = codes[name].decode(sent[: rng.integers(len(sent) + 1)] if number % 2 else sent)
        assert isinstance(back, str)


def test_a_code_that_nobody_knows_is_refused():
    with pytest.raises(SemcomError, match="codec 'zip'"):
        TextCodec.fit("zip", TRAINING)
