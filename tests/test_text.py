# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Sentences, their vocabulary, and the task that judges them.

The figures of BLEU are those of nltk 3.10.4 (``corpus_bleu``) and sacrebleu 2.6.0 (``BLEU``,
tokenize and smooth_method "none", for sentences effective_order), computed once for the sentences
here.
"""

import numpy as np
import pytest
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.data import text
from gnuradio.semcom.data.clipset import describe
from gnuradio.semcom.data.text import open_text
from gnuradio.semcom.nets.vocabulary import Vocabulary, words
from gnuradio.semcom.perception import sentence_embedding
from gnuradio.semcom.tasks.text import FIELDS, PLACE, Text, TextTask, bleu, edits, matches

CORPUS = [
    "A man rides a horse near Boston.",
    "Two dogs run, and one barks!",
    'She says: "the red-haired girl (from Boston) doesn\'t sing".',
    "A dog runs near a man; the photo shows 25 horses, or 3.5 % of them.",
    "Bombed and jumped, the dogs ran.",
    "The quick brown fox's zebra-view: jackal & 'puma' #6 - $40, 789 or 1?",
] * 20
REFERENCES = [
    "A man in an orange hat is staring at something.",
    "Two young white males are outside near many bushes.",
    "A t-shirt, a dog!",
    "The cat the cat sat on the mat.",
]
SAID = [
    "A man in a orange hat staring at something something.",
    "Two young males are outside near many white bushes.",
    "A t-shirt and a dog!",
    "The the the cat sat.",
]
CORPUS_BLEU = [0.8300915602566021, 0.6665731294503767, 0.48431074745367936, 0.31526475831716777]
SENTENCE_BLEU = [
    [0.8181818181818183, 0.7006490497453707, 0.47781838231770394, 0.0],
    [1.0, 0.8164965809277267, 0.6299605249474366, 0.5169731539571732],
    [0.8333333333333334, 0.7071067811865476, 0.5, 0.0],
    [0.6065306597126337, 0.38360367108329, 0.28152659373659514, 0.0],
]


@pytest.fixture(scope="module")
def vocabulary():
    return Vocabulary.of(CORPUS, size=170, pieces=80)


def scores(references=REFERENCES, said=SAID, compare=None):
    task = TextTask(compare)
    return task, np.array([task.score(r, Text(s)) for r, s in zip(references, said, strict=True)])


# --- words and vocabulary ---


def test_words_are_lower_case_with_marks_apart():
    assert words("A T-shirt, it’s RED…") == ["a", "t-shirt", ",", "it's", "red", ".", ".", "."]
    assert words("3.5 dogs_") == ["3", ".", "5", "dogs", "_"]
    assert words(" \t ") == []


@pytest.mark.parametrize("sentence", [*CORPUS[:6], "Yes", "'", "(a) \"b\" c-d e - f 'g' h's $5 #x"])
def test_a_sentence_comes_back(vocabulary, sentence):
    numbers = vocabulary.encode(sentence)
    assert vocabulary.words(numbers) == words(sentence)
    assert words(vocabulary.decode(numbers)) == words(sentence)


def test_a_sentence_is_written_as_people_do(vocabulary):
    for sentence in CORPUS[:3]:
        assert vocabulary.decode(vocabulary.encode(sentence)) == sentence


def test_unknown_words_are_spelled_in_as_few_pieces_as_there_are():
    letters = [mark + letter for mark in ("", "##") for letter in "?dogs"]
    vocabulary = Vocabulary([*letters, "do", "##gs", "##ogs", "##gd", "##ogd", "God"])

    def spelled(word):
        return [vocabulary.entries[number] for number in vocabulary.spell(word)]

    assert spelled("god") == ["God"]
    assert spelled("dogs") == ["do", "##gs"]  # as many as d ##ogs; the longer beginning wins
    assert spelled("dogdogs") == ["do", "##gd", "##ogs"]  # the longest first would need four
    assert vocabulary.words(vocabulary.spell("goddogs")) == ["goddogs"]


def test_unknown_letters_become_their_base_or_a_question_mark(vocabulary):
    assert vocabulary.words(vocabulary.encode("Bömbéd dóg")) == ["bombed", "dog"]
    assert vocabulary.words(vocabulary.encode("犬 runs")) == ["?", "runs"]


def test_a_continuation_without_a_beginning_begins_a_word():
    vocabulary = Vocabulary(["?", "##?", "dog", "##s", ","])
    number = vocabulary.index
    assert vocabulary.words([number["##s"], number["dog"], number["##s"]]) == ["s", "dogs"]
    assert vocabulary.words([number[","], number["##s"]]) == [",", "s"]


@pytest.mark.parametrize("entries", [["?", "##?", "Dog", "dog"], ["dog"]])
def test_a_vocabulary_that_cannot_work_is_refused(entries):
    with pytest.raises(SemcomError, match="vocabulary"):
        Vocabulary(entries)


def test_a_vocabulary_too_small_for_its_letters_is_refused():
    with pytest.raises(SemcomError, match="letters must fit twice"):
        Vocabulary.of(CORPUS, size=50, pieces=10)


# --- files ---


def test_a_folder_has_splits_and_families(tmp_path):
    (tmp_path / "cats_train.txt").write_bytes("\ufeffA cat.\r\n\n  \nTwo cats\r\n".encode())
    (tmp_path / "dogs_train.txt").write_text("Yes\n")
    (tmp_path / "dogs_val.txt").write_text("A dog.")
    train = open_text(tmp_path, "train")
    assert list(train) == ["A cat.", "Two cats", "Yes"] and train.name == tmp_path.name
    assert train.sources == ("cats", "cats", "dogs") and train.ids[1] == "cats:1"
    assert describe(train, 2) == {"text": "Yes"} and TextTask(None).truth(train, 2) == "Yes"
    assert list(open_text(tmp_path / "dogs_val.txt", "test")) == ["A dog."]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"A dog.\n\xe4ther\n", "line 2 is not UTF-8"),
        (b"\n  \n", "holds no sentence"),
        (None, "cannot be read"),
    ],
)
def test_bad_files_are_named(tmp_path, content, complaint):
    file = tmp_path / "a_train.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SemcomError, match=f"a_train.txt: .*{complaint}"):
        text.read(file)


def test_a_folder_without_text_and_an_unknown_split_are_refused(tmp_path):
    with pytest.raises(SemcomError, match=r"no file named \*_val.txt"):
        open_text(tmp_path, "val")
    with pytest.raises(SemcomError, match="split 'dev'"):
        open_text(tmp_path, "dev")


# --- the task ---


def test_bleu_of_a_set_is_that_of_nltk_and_sacrebleu():
    task, rows = scores()
    record = task.figures(rows, seed=0)
    assert [record[f"bleu_{n}"] for n in range(1, 5)] == pytest.approx(CORPUS_BLEU, rel=1e-9)


@pytest.mark.parametrize("row", range(4))
def test_bleu_of_a_sentence_is_that_of_sacrebleu(row):
    reference, said = words(REFERENCES[row]), words(SAID[row])
    found = [bleu(*matches(reference, said), len(said), len(reference), n) for n in range(1, 5)]
    assert found == pytest.approx(SENTENCE_BLEU[row], rel=1e-9)


def test_edits_are_those_of_nltk():
    pairs = zip(REFERENCES, SAID, strict=True)
    assert [edits(words(r), words(s)) for r, s in pairs] == [3, 2, 1, 4]
    assert edits(["a", "b"], []) == 2 and edits([], ["a"]) == 1


def test_word_accuracy_leaves_marks_out_and_stays_above_zero():
    task, rows = scores(["A dog, a cat."], ["A dog a cow"])
    assert task.figures(rows, 0)["word_accuracy"] == pytest.approx(0.75)
    task, rows = scores(["Yes."], ["One two three four."])
    assert task.figures(rows, 0)["word_accuracy"] == 0
    assert task.errors(rows[0]) == 4


def test_a_sentence_that_never_arrived_counts():
    task = TextTask(None)
    rows = np.array([task.score("A dog runs.", Text("A dog runs.")), task.score("Two cats.", None)])
    record = task.figures(rows, 0)
    assert record["exact"] == 0.5 and record["sentences"] == 2
    assert record["word_accuracy"] == pytest.approx(3 / 5)
    assert record["bleu_1"] == pytest.approx(np.exp(1 - 7 / 4))
    assert record["similarity"] is None and record["similarity_ci95"] is None


def test_nothing_to_judge_is_null():
    record = TextTask(None).figures(np.zeros((0, len(FIELDS))), 0)
    assert record["sentences"] == 0 and record["bleu_1"] is None and record["exact_ci95"] is None


def test_case_and_spaces_do_not_matter():
    task, rows = scores(["A Dog ,  runs ."], ["a dog, runs."])
    assert task.figures(rows, 0)["exact"] == 1


def test_intervals_hold_the_figure_and_shrink_with_more_sentences():
    task, rows = scores()
    few, many = task.figures(rows, 0), task.figures(np.tile(rows, (25, 1)), 0)
    for record in (few, many):
        low, high = record["bleu_1_ci95"]
        assert low < record["bleu_1"] < high
    assert np.diff(many["bleu_1_ci95"]) < np.diff(few["bleu_1_ci95"]) / 3


def test_similarity_is_asked_for_what_differs_only():
    asked = []

    def compare(one, other):
        asked.append((one, other))
        return 0.25

    task, rows = scores(["A dog.", "A cat."], ["A dog.", "A cow."], compare)
    assert asked == [("A cat.", "A cow.")]
    assert task.figures(rows, 0)["similarity"] == pytest.approx(0.625)
    assert task.score("A dog.", None)[PLACE["compared"]] == 1


def test_outcomes_are_bytes_and_messages_are_words():
    task = TextTask(None)
    outcome = task.outcome(np.frombuffer("Zwölf.".encode(), np.uint8))
    assert task.message(outcome) == {"text": "Zwölf."}
    assert task.length("A dog, a cat.") == 4


def test_a_network_that_is_not_installed_is_said_once_and_leaves_null(monkeypatch, caplog):
    monkeypatch.setattr(sentence_embedding, "PACKAGE", "no_such_package")
    sentence_embedding.load.cache_clear()
    assert TextTask().compare is None
    assert "pip install" in caplog.text and len(caplog.records) == 1
    sentence_embedding.load.cache_clear()


def test_embeddings_are_those_of_the_published_network():
    pytest.importorskip(sentence_embedding.PACKAGE, reason="optional package")
    network = sentence_embedding.load()
    pairs = [
        ("A man is eating food.", "A man is eating a piece of bread.", 0.7553),
        ("That is a happy person", "That is a very happy person", 0.9429),
        ("A cheetah is running behind its prey.", "A man is eating food.", 0.1419),
    ]
    for one, other, cosine in pairs:
        assert network.similarity(one, other) == pytest.approx(cosine, abs=2e-3)
