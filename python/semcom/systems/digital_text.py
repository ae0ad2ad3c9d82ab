# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Sentences over the classical link: a code of text, CRC, LDPC and QAM.

The tables of a code are fitted to the training split of the set that is sent, or else to the
grammar's, and both ends know them.  The receiver's outcome is the sentence of the decoded bits,
right or wrong; its expected share of correct words is the share of blocks whose CRC holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from ..data import open_set
from ..media.codecs.texts import TextCodec
from ..nets.system import Item, System
from ..nets.topology import Terminal, Topology
from ..phy.coding import BlockCode


@dataclass(frozen=True)
class DigitalTextSettings:
    """Settings of the system.

    source  a code of media.codecs.texts
    data    the set to which it is fitted; '': the grammar

    The other fields are those of phy.coding.BlockCode.
    """

    source: str = "huffman_words"
    data: str = ""
    code: str = "3/4"
    length: int = 648
    modulation: str = "qpsk"
    repetition: int = 1


class DigitalText(System):
    """The system with one terminal, which sends sentences."""

    name = "digital_text"
    full_topology = topology = Topology((Terminal("text", "text"),))
    Settings = DigitalTextSettings
    ragged = True

    def __init__(self, settings: DigitalTextSettings = DigitalTextSettings()):
        self.settings = settings
        self.source = learned(settings.source, settings.data)
        self.code = BlockCode(
            settings.modulation, settings.code, settings.length, repetition=settings.repetition
        )

    def item(self, terminal: str) -> Item:
        """Bytes of a sentence in UTF-8."""
        return np.uint8, 1

    @property
    def outcome_item(self) -> Item:
        """The same."""
        return np.uint8, 1

    def payload(self, terminal: str, items: int) -> int:
        """0, since it is variable: see :meth:`payload_of`."""
        return 0

    def payload_of(self, terminal: str, taken: np.ndarray) -> int:
        """Symbols of a sentence."""
        return self.code.symbols(len(self._bits(taken)))

    def send(self, terminal: str, taken, heard: dict) -> list[torch.Tensor]:
        """Sentences in UTF-8 as arrays of uint8 -> symbols [n] complex64."""
        return [torch.from_numpy(self.code.encode(self._bits(np.asarray(text)))) for text in taken]

    def _bits(self, text: np.ndarray) -> np.ndarray:
        bits = self.source.encode(bytes(text).decode("utf-8", "replace"))
        return bits if len(bits) else np.zeros(1, np.uint8)

    def outcome(self, symbols, noise) -> list[torch.Tensor]:
        """Symbols [1, n] and noise [1, n] of each frame -> its sentence, bytes of UTF-8."""
        return self.judged(symbols, noise)[0]

    def judged(self, symbols, noise) -> tuple:
        """As :meth:`outcome`, and the share of each frame's blocks whose CRC holds."""
        sentences, shares = [], []
        for frame, variance in zip(symbols, noise, strict=True):
            bits, good = self.code.decode(frame[0].cpu().numpy(), variance[0].cpu().numpy())
            said = self.source.decode(bits.ravel()).encode()
            sentences.append(torch.from_numpy(np.frombuffer(said or b" ", np.uint8).copy()))
            shares.append(float(np.mean(good)))
        return sentences, torch.tensor(shares)


@lru_cache(maxsize=8)
def learned(source: str, data: str) -> TextCodec:
    """The code ``source`` fitted to the set ``data``; cached."""
    where = data if data and Path(data).is_dir() else None
    return TextCodec.fit(source, open_set(where, "train", text=True))
