# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What a second of a film is said to show and play: every description there is, there and back."""

from collections import Counter

import numpy as np
import pytest
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.data import descriptions as descriptions_module
from gnuradio.semcom.data.clipset import AVE_CLASSES
from gnuradio.semcom.data.descriptions import (
    CLS,
    KINDS,
    LONGEST,
    NAMES,
    OTHER,
    PAD,
    SEP,
    VOCABULARY,
    WORDS,
    Description,
    DescriptionSentences,
    descriptions,
    parsed,
    random_description,
    sentence,
    text,
    tokens,
)
from gnuradio.semcom.nets.vocabulary import words

MAN, BELL, PLANE = "Male speech, man speaking", "Church bell", "Fixed-wing aircraft, airplane"
SAID = {
    "A dog is barking loudly on the left.": ("Bark", "one", "left", "Bark", "loudly"),
    "Two cats are seen in the middle.": ("Cat", "two", "middle", "", ""),
    "Several men are speaking on the right.": (MAN, "several", "right", MAN, ""),
    "A church bell is ringing quietly.": ("", "", "", BELL, "quietly"),
    "A man is seen in the middle while a dog is barking loudly.":
        (MAN, "one", "middle", "Bark", "loudly"),
    "An airplane is flying somewhere.": (PLANE, "one", "", PLANE, ""),
    "Some mice are seen on the left.": ("Rodents, rats, mice", "", "left", "", ""),
    "Something else is seen on the left.": (OTHER, "one", "left", "", ""),
    "Two other things are sounding quietly on the right.":
        (OTHER, "two", "right", OTHER, "quietly"),
    "An acoustic guitar is seen in the middle while something else is sounding.":
        ("Acoustic guitar", "one", "middle", OTHER, ""),
    "Nothing is seen or heard.": ("", "", "", "", ""),
}  # fmt: skip


@pytest.fixture(scope="module")
def every():
    return list(descriptions())


@pytest.mark.parametrize("said", SAID)
def test_descriptions_are_said_as_people_do(said):
    assert sentence(Description(*SAID[said])) == said
    assert parsed(said) == Description(*SAID[said])


def test_case_spaces_and_full_stops_do_not_matter():
    expected = Description("Bark", "one", "left", "Bark", "loudly")
    assert parsed("a DOG  is barking loudly on the left .") == expected
    assert parsed("A dog is barking loudly on the left") == expected


def test_every_description_comes_back_from_its_sentence(every):
    # seen: 29 kinds, 4 counts, 4 places, or nothing; heard: 29 kinds, 3 manners, or nothing
    assert len(every) == len(set(every)) == (29 * 4 * 4 + 1) * (29 * 3 + 1)
    assert all(parsed(sentence(each)) == each for each in every)


def test_sentences_have_no_more_words_than_stated_and_no_word_is_for_nothing(every):
    cut = [words(sentence(each)) for each in every]
    assert max(map(len, cut)) == LONGEST <= 18
    assert {word for said in cut for word in said} == set(WORDS)
    assert 100 <= len(WORDS) <= 130


def test_each_event_has_a_name_of_its_own():
    assert KINDS == (*AVE_CLASSES[:-1], OTHER) == tuple(NAMES)
    for column in (0, 1):
        assert len({name[column] for name in NAMES.values()}) == 29


# --- sentences that arrived with errors ---


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("A dog is meowing loudly on the left.", ("", "", "", "", "")),  # a dog, or a cat
        ("A dog is barking loudly on the ?.", ("Bark", "one", "", "Bark", "loudly")),
        (
            "A dog is seen on the right while a clock ticking.",
            ("Bark", "one", "right", "Clock", ""),
        ),
        ("Cats are seen in the middle.", ("Cat", "", "middle", "", "")),
        ("A goat in the middle.", ("Goat", "one", "middle", "", "")),
        ("A bell ringing quietly.", ("", "", "", BELL, "quietly")),
        ("", ("", "", "", "", "")),
        ("?????", ("", "", "", "", "")),
        ("Quite another text, of no sense to anybody at all.", ("", "", "", "", "")),
    ],
)
def test_of_other_sentences_the_nearest_tell_what_they_agree_in(said, expected):
    assert parsed(said) == Description(*expected)


def edits(said, wanted):
    """Levenshtein's distance by its recursion."""
    row = list(range(len(wanted) + 1))
    for i, word in enumerate(said, 1):
        before, row = row, [i]
        for j, other in enumerate(wanted, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (word != other)))
    return row[-1]


def test_the_nearest_are_those_of_the_least_edits(every):
    rng, chosen = np.random.default_rng(0), descriptions_module._every()
    for _ in range(25):
        said = words(sentence(random_description(rng)))[:-1]
        for _ in range(3):
            said[int(rng.integers(len(said)))] = WORDS[int(rng.integers(1, len(WORDS)))]
        del said[int(rng.integers(len(said)))]
        some = rng.choice(len(every), 60, replace=False)
        expected = [edits(said, words(sentence(every[i]))[:-1]) for i in some]
        distances = chosen.edits(said)
        assert distances[some].tolist() == expected
        nearest = [every[i] for i in np.flatnonzero(distances == distances.min())]
        for name in ("seen", "heard"):
            values = {getattr(each, name) for each in nearest}
            assert getattr(parsed(" ".join(said)), name) == (
                values.pop() if len(values) == 1 else ""
            )


def test_most_of_a_description_survives_a_wrong_word():
    rng, right = np.random.default_rng(1), []
    for _ in range(150):
        truth = random_description(rng)
        said = words(sentence(truth))
        said[int(rng.integers(len(said)))] = WORDS[int(rng.integers(len(WORDS)))]
        told = parsed(" ".join(said))
        right += [told.seen == truth.seen, told.place == truth.place, told.heard == truth.heard]
    assert np.mean(right) > 0.75


def test_a_long_text_is_read_at_its_beginning_only():
    said = "Two cats are seen in the middle. " + "no " * 100_000
    assert parsed(said) == parsed(said[:150])


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"seen": "Dog"}, "seen 'Dog': expected one of Church bell"),
        ({"heard": "background"}, "heard 'background': expected"),
        ({"seen": "Cat", "count": "three"}, "count 'three': expected one of one, two, several"),
        ({"seen": "Cat", "place": "top"}, "place 'top': expected"),
        ({"heard": "Cat", "manner": "slowly"}, "manner 'slowly': expected"),
        ({"heard": "Cat", "place": "left"}, "place 'left' of nothing; name what is seen"),
        ({"count": "one"}, "count 'one' of nothing"),
        ({"seen": "Cat", "manner": "loudly"}, "manner 'loudly' of nothing; name what is heard"),
    ],
)
def test_what_cannot_be_described_is_refused(fields, complaint):
    with pytest.raises(SemcomError, match=complaint):
        Description(**fields)


# --- tokens ---


def test_tokens_stand_between_their_marks_and_come_back(every):
    for each in every[::7]:
        said = sentence(each)
        numbers = tokens(said)
        assert numbers[0] == CLS and numbers[-1] == SEP and text(numbers) == said
        assert [VOCABULARY[number] for number in numbers[1:-1]] == words(said)
    assert (
        VOCABULARY[:3]
        == ("[PAD]", "[CLS]", "[SEP]")
        == tuple(VOCABULARY[i] for i in (PAD, CLS, SEP))
    )


def test_words_outside_are_spelled_and_arrive():
    said = "A zebra is grazing."
    assert text(tokens(said)) == said
    pieces = [VOCABULARY[number] for number in tokens(said)]
    assert pieces[2:7] == ["z", "##e", "##b", "##r", "##a"]
    assert text(tokens("Crème 7!")) == "Creme??"


def test_a_sentence_ends_at_its_first_mark():
    numbers = tokens("A cat is meowing.")
    assert text([*numbers, *numbers, PAD]) == text([PAD, *numbers[1:]]) == "A cat is meowing."
    assert text(numbers[:-2]) == "A cat is meowing"
    assert text([CLS, SEP]) == text([]) == ""


# --- random ones ---


def test_random_descriptions_are_as_films_have_them():
    rng = np.random.default_rng(0)
    drawn = [random_description(rng) for _ in range(4000)]
    both = [each for each in drawn if each.seen and each.heard]
    agree = np.mean([each.seen == each.heard for each in both])
    assert len(both) / 4000 == pytest.approx(0.75, abs=0.03) and agree == pytest.approx(
        0.8, abs=0.03
    )
    assert {each.seen for each in drawn} == {each.heard for each in drawn} == {*KINDS, ""}
    seen = Counter(each.count for each in drawn if each.seen)
    assert seen["one"] / seen.total() == pytest.approx(0.7, abs=0.03)
    again = np.random.default_rng(0)
    assert [random_description(again) for _ in range(50)] == drawn[:50]


def test_no_sentence_is_in_two_splits():
    splits = {split: DescriptionSentences(split, 800) for split in ("train", "val", "test")}
    sets = {split: set(sentences) for split, sentences in splits.items()}
    other = set(DescriptionSentences("train", 800, seed=1))
    assert other != sets["train"]
    assert (
        not (sets["train"] | other) & (sets["val"] | sets["test"])
        and not sets["val"] & sets["test"]
    )
    assert min(map(len, sets.values())) > 100
    assert all(parsed(said) == parsed(said.upper()) for said in sets["test"])
    assert list(DescriptionSentences("test", 7)) == list(splits["test"])[:7]
    assert splits["val"].ids[:2] == ["descriptions:0", "descriptions:1"]
    assert splits["test"].text(0).tobytes().decode() == splits["test"][0]


def test_an_unknown_split_is_refused():
    with pytest.raises(SemcomError, match="split 'all': expected one of train, val, test"):
        DescriptionSentences("all")
