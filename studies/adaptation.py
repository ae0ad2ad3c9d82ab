# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Choose the settings of a classical link that are best at each SNR on validation.

Two measurements are combined.  Without noise, ``run_point`` sends the validation clips within the
budget with every source coding, for every number of bits that a modulation and code carry.  With
noise, the probability that all blocks of a stream arrive is measured on frames of random bits.  The
expected accuracy of a full link, whose streams are lost independently,

    A = p(both) A(both) + p(video alone) A(video) + p(audio alone) A(audio) + p(none) A(none),

is highest for the chosen one.  A(none) is the accuracy on silence and mid-grey.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from gnuradio.semcom.chain.reference import torch_link
from gnuradio.semcom.phy.coding import BlockCode
from gnuradio.semcom.phy.names import CODE_LENGTHS
from gnuradio.semcom.run.scenario import Scenario

FRAMES = 300  # of random bits at each point
CARRIERS = (  # modulation, code, repetition, by rising bits per symbol
    ("bpsk", "1/2", 4), ("bpsk", "1/2", 2), ("bpsk", "1/2", 1), ("bpsk", "3/4", 1),
    ("qpsk", "1/2", 1), ("qpsk", "3/4", 1), ("16qam", "1/2", 1), ("16qam", "3/4", 1),
    ("64qam", "2/3", 1), ("64qam", "5/6", 1), ("256qam", "3/4", 1), ("256qam", "5/6", 1),
)  # fmt: skip


@dataclass(frozen=True)
class Carrier:
    """What maps bits to symbols.

    modulation  name of a constellation
    code        code rate, as "3/4"
    repetition  times that each codeword is sent
    length      bits of a codeword
    """

    modulation: str
    code: str
    repetition: int
    length: int = 648

    def block_code(self) -> BlockCode:
        """The channel code with this modulation, rate, length and repetition."""
        return BlockCode(self.modulation, self.code, self.length, repetition=self.repetition)


def carriers(payload: int, every=CARRIERS) -> list[Carrier]:
    """The carriers ``every``, each with the length of codeword that puts most bits into ``payload``
    symbols; of equal ones the longest."""
    found = []
    for parts in every:
        each = [Carrier(*parts, length) for length in CODE_LENGTHS]
        best = max(each, key=lambda one: (one.block_code().largest(payload), one.length))
        if best.block_code().largest(payload):
            found.append(best)
    return found


def arrivals(point: Scenario, carrier: Carrier, count: int, streams: int) -> np.ndarray:
    """Probabilities [2 ** streams] of each set of streams of ``count`` bits arriving without error
    (stream k is bit k of the index) at the channel, SNR, estimator and detector of a point."""
    code, rng = carrier.block_code(), np.random.default_rng(point.seed)
    bits = rng.integers(0, 2, (FRAMES, streams, count)).astype(np.uint8)
    sent = np.array([[code.encode(stream) for stream in frame] for frame in bits])
    link, snr = torch_link(point), torch.full((FRAMES,), point.snr)
    with torch.inference_mode():
        symbols, noise = link.uplink(torch.from_numpy(sent), snr, torch.arange(FRAMES))
    noise = noise if noise.ndim == 3 else noise[..., None].expand(symbols.shape)
    came = np.zeros(FRAMES, int)
    for k in range(streams):
        pairs = zip(symbols[:, k].numpy(), noise[:, k].contiguous().numpy(), strict=True)
        came += np.array([code.decode(*pair)[1].all() for pair in pairs]) << k
    return np.bincount(came, minlength=1 << streams) / FRAMES


def settings_of(carrier: Carrier, coding: dict) -> dict:
    """The options of a Scenario that a carrier and a source coding set."""
    return asdict(carrier) | coding


def clean(point: Scenario, carrier: Carrier, coding: dict) -> Scenario:
    """The noise-free point that measures a source coding on a carrier."""
    streams = 1 if coding["variant"] != "full" else 2
    return replace(point, channel="none", antennas=streams, **settings_of(carrier, coding))
