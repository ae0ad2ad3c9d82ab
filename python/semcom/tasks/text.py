# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The task of carrying sentences: BLEU, word accuracy, exact sentences, similarity.

Sentences are compared as words of :func:`semcom.nets.vocabulary.words`: in lower case, punctuation
marks as words of their own (as in mteval-v13a, but a hyphen within a word stays).  BLEU counts the
marks; word accuracy does not.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..base.errors import SemcomError
from ..nets.vocabulary import words
from ..perception import sentence_embedding
from .task import Column, Task, bootstrap

ORDERS = 4  # longest n-gram of BLEU
# Sums of a frame's score: name -> index in the vector
FIELDS = (
    *("sentences", "exact", "edits", "words", "said", "wanted"),
    *(f"match_{n}" for n in range(1, ORDERS + 1)),
    *(f"grams_{n}" for n in range(1, ORDERS + 1)),
    *(f"sentence_bleu_{n}" for n in range(1, ORDERS + 1)),
    *("similarity", "compared"),
)
PLACE = {name: place for place, name in enumerate(FIELDS)}


@dataclass(frozen=True)
class Text:
    """Outcome of a frame: the received sentence."""

    sentence: str


def ngrams(tokens: Sequence[str], order: int) -> Counter:
    """The count of each n-gram of ``order`` tokens."""
    return Counter(zip(*(tokens[i:] for i in range(order)), strict=False))


def matches(reference: Sequence[str], said: Sequence[str]) -> tuple[list[int], list[int]]:
    """For n = 1 to 4: the number of n-grams of ``said`` that are in ``reference``, each at most as
    often as there (Papineni et al. 2002, "clipped"), and the number of n-grams of ``said``."""
    found, total = [], []
    for order in range(1, ORDERS + 1):
        there, wanted = ngrams(said, order), ngrams(reference, order)
        found.append(sum((there & wanted).values()))
        total.append(max(0, len(said) - order + 1))
    return found, total


def bleu(found, total, said: float, wanted: float, order: int) -> float:
    """BLEU with equal weights of the 1- to ``order``-grams (Papineni et al. 2002), 0 to 1.

    BP exp(1/n sum_k ln(found_k / total_k)), with BP = exp(1 - wanted/said) if said < wanted, else
    1. Orders without n-grams (too short sentences) do not count; an order without a match gives 0;
    an empty sentence gives 0, or 1 if the reference is empty, too.
    """
    if said == 0:
        return float(wanted == 0)
    pairs = [(f, t) for f, t in zip(found[:order], total[:order], strict=True) if t > 0]
    if any(f == 0 for f, _ in pairs):
        return 0.0
    precision = np.exp(np.mean([np.log(f / t) for f, t in pairs]))
    return float(min(1.0, np.exp(1 - wanted / said)) * precision)


def edits(reference: Sequence[str], said: Sequence[str]) -> int:
    """Edit distance in words: substitutions, deletions and insertions (Levenshtein 1966)."""
    row = list(range(len(said) + 1))
    for i, word in enumerate(reference, 1):
        last, row[0] = row[0], i
        for j, other in enumerate(said, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (word != other))
    return row[-1]


def _spoken(tokens: Sequence[str]) -> list[str]:
    """The tokens without punctuation marks; all of them if there are only marks."""
    return [token for token in tokens if token[0].isalnum()] or list(tokens)


class TextTask(Task):
    """Compares received with sent sentences.

    compare  function (sentence, sentence) -> cosine of their embeddings; "minilm": the network of
             :mod:`semcom.perception.sentence_embedding`; None, or a network that is not installed
             (logged once): ``similarity`` is None in records
    """

    name = "text"
    primary = "bleu_1"
    label = "BLEU-1"
    unit = "word"
    columns = (
        Column("BLEU-1", "bleu_1"),
        Column("95 % range", "bleu_1_ci95"),
        Column("BLEU-4", "bleu_4"),
        Column("words right", "word_accuracy"),
        Column("exact", "exact"),
    )

    def __init__(self, compare: Callable[[str, str], float] | str | None = "minilm"):
        if compare == "minilm":
            try:
                compare = sentence_embedding.load().similarity
            except SemcomError as absent:
                logging.getLogger(__name__).warning("%s", absent)
                compare = None
        self.compare = compare

    def truth(self, clips, i: int) -> str:
        """The sentence itself."""
        return bytes(clips.text(i)).decode()

    def outcome(self, items: np.ndarray) -> Text:
        """The sentence of ``items``, UTF-8 bytes [n] uint8 from the decoder."""
        return Text(np.asarray(items, np.uint8).tobytes().decode("utf-8", "replace"))

    def score(self, truth: str, outcome: Text | None) -> np.ndarray:
        """Sums [S] float64 over words and n-grams, in the order of FIELDS; a lost frame counts as a
        sentence without words."""
        wanted = words(truth)
        said = words(outcome.sentence) if outcome is not None else []
        found, total = matches(wanted, said)
        score = np.zeros(len(FIELDS))
        spoken = _spoken(wanted)
        score[:6] = (
            1, said == wanted, edits(spoken, _spoken(said)), len(spoken), len(said), len(wanted)
        )  # fmt: skip
        score[PLACE["match_1"] :][:ORDERS] = found
        score[PLACE["grams_1"] :][:ORDERS] = total
        score[PLACE["sentence_bleu_1"] :][:ORDERS] = [
            bleu(found, total, len(said), len(wanted), order + 1) for order in range(ORDERS)
        ]
        if self.compare is not None:
            score[PLACE["compared"]] = 1
            if said:
                same = said == wanted
                score[PLACE["similarity"]] = 1.0 if same else self.compare(truth, outcome.sentence)
        return score

    def errors(self, score: np.ndarray) -> int:
        """The edit distance in words."""
        return int(score[PLACE["edits"]])

    def figures(self, scores: np.ndarray, seed: int) -> dict:
        """``sentences``, ``words``; BLEU-1 to 4 of the whole set (``bleu_n``) and as means over
        sentences; ``word_accuracy`` = 1 - edits / words, not below 0; ``exact`` sentences;
        ``similarity``; intervals of each but the means; ``sentence_scores``: each BLEU-1."""
        scores = np.asarray(scores, np.float64).reshape(-1, len(FIELDS))
        sums = scores.sum(0)
        record = {name: int(sums[PLACE[name]]) for name in ("sentences", "words")}
        for name, figure in FIGURES.items():
            judged = len(scores) and figure(sums) is not None
            record[name] = figure(sums) if judged else None
            if not name.startswith("sentence_"):
                record[f"{name}_ci95"] = bootstrap(figure, scores, seed) if judged else None
        first = scores[:, PLACE["sentence_bleu_1"]]
        record["sentence_scores"] = [round(value, 4) for value in first.tolist()]
        return record

    def message(self, outcome: Text, classes=()) -> dict:
        """``text``: the sentence."""
        return {"text": outcome.sentence}

    def length(self, truth: str) -> int:
        """Words between spaces."""
        return 0 if truth is None else len(truth.split())


def _corpus(order: int):
    def figure(sums):
        found = sums[PLACE["match_1"] :][:ORDERS]
        total = sums[PLACE["grams_1"] :][:ORDERS]
        return bleu(found, total, sums[PLACE["said"]], sums[PLACE["wanted"]], order)

    return figure


def _mean(name: str, of: str = "sentences"):
    def figure(sums):
        return float(sums[PLACE[name]] / sums[PLACE[of]]) if sums[PLACE[of]] else None

    return figure


def _word_accuracy(sums) -> float:
    return float(max(0.0, 1 - sums[PLACE["edits"]] / sums[PLACE["words"]]))


FIGURES = {
    **{f"bleu_{n}": _corpus(n) for n in range(1, ORDERS + 1)},
    **{f"sentence_bleu_{n}": _mean(f"sentence_bleu_{n}") for n in range(1, ORDERS + 1)},
    "word_accuracy": _word_accuracy,
    "exact": _mean("exact"),
    "similarity": _mean("similarity", "compared"),
}
"""Values of a record: function of the sums of all frames."""
