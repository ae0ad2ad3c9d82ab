# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A bound on the accuracy of a digital system with two terminals over a channel, from its measured
rates and accuracies and the best channel code of finite length.

Each terminal sends the same number of bits per clip, in one block of the same channel uses.  A
block that fails is lost completely, and the receiver knows it.
"""

from __future__ import annotations

import numpy as np

from ..base.errors import SemcomError
from ..base.files import read_json
from ..phy.bounds import Fading, error_rate, fading_error_rate

KEYS = ("bits", "both", "audio", "video", "none")
_CELLS = 200  # cells of a terminal's fading distribution, if the transmitters know the fade


def read_rate_accuracy(path) -> list:
    """A table of rates and accuracies from a JSON file.

    The file holds a list of objects with ``bits`` (of a clip and terminal) and the accuracies, 0 to
    1, if ``both`` streams arrive, only ``audio``, only ``video``, or ``none``.  SemcomError for
    other content.
    """
    try:
        table = read_json(path)
    except OSError as cause:
        raise SemcomError(f"{path}: cannot be read ({cause.strerror})") from cause
    except ValueError as cause:
        raise SemcomError(f"{path}: is not JSON ({cause}); measure the system again") from cause
    columns(table, str(path))
    return table


def columns(table: list, name: str = "rate_accuracy") -> np.ndarray:
    """The table as an array [keys, rates] with a row for each of :data:`KEYS`; SemcomError that
    begins with ``name`` for another content."""
    if not isinstance(table, list) or not table:
        raise SemcomError(f"{name}: expected a list of one rate or more")
    for i, entry in enumerate(table):
        if not isinstance(entry, dict) or sorted(entry) != sorted(KEYS):
            found = ", ".join(entry) if isinstance(entry, dict) else entry
            raise SemcomError(f"{name}, entry {i}: has {found}; expected {', '.join(KEYS)}")
        for key, value in entry.items():
            top = np.inf if key == "bits" else 1
            if not isinstance(value, int | float) or not 0 <= value <= top:
                raise SemcomError(
                    f"{name}, entry {i}: {key} is {value!r}; expected a number from 0 "
                    + ("on" if key == "bits" else "to 1")
                )
    return np.array([[entry[key] for entry in table] for key in KEYS], float)


def accuracy_bound(
    uses: float,
    snr_db,
    channel: str,
    rate_accuracy: list,
    *,
    antennas: int = 2,
    rician_k: float = 4.0,
    adapted: bool = False,
) -> np.ndarray:
    """Mean accuracy at the best of the measured rates, for each SNR.

    With e the block error rate of :mod:`semcom.phy.bounds` and a the accuracies at that rate::

        (1 - e1)(1 - e2) a_both + (1 - e1) e2 a_audio + e1 (1 - e2) a_video + e1 e2 a_none

    Both terminals fade independently and are received without interference.  Without ``adapted``,
    one rate is used for all fades, and e1 = e2 is the mean over them.  With ``adapted``, the
    transmitters know both fades and choose the common rate for each pair of them.

    Input
        uses: complex channel uses of a terminal per clip, at least 1
        snr_db: [dB] per stream at each antenna, any shape
        channel: awgn, rayleigh, rician or rician_rank1
        rate_accuracy: as :func:`read_rate_accuracy` reads it
        antennas, rician_k: of the channel, as in :class:`semcom.phy.bounds.Fading`
    Output
        accuracy, of the shape of snr_db
    """
    sent, *accuracies = columns(rate_accuracy)
    fading = Fading(channel, antennas, rician_k)
    snr = 10 ** (np.asarray(snr_db, float) / 10)
    if adapted:
        means = [_adapted(uses, one, sent, accuracies, fading) for one in snr.flat]
        return np.reshape(means, snr.shape)
    lost = fading_error_rate(uses, snr[..., None], sent, fading)
    return _expected(lost, lost, accuracies).max(-1)


def _adapted(uses: float, snr: float, sent: np.ndarray, accuracies: list, fading: Fading) -> float:
    """Mean over pairs of fades of the accuracy at the best rate of each pair; ``snr`` is linear."""
    gains, mass = fading.cells(_CELLS)
    best = np.zeros((len(gains), len(gains)))
    for rate, *reached in zip(sent, *accuracies, strict=True):
        lost = error_rate(uses, snr * gains, rate)
        best = np.maximum(best, _expected(lost[:, None], lost, reached))
    return float(mass @ best @ mass)


def _expected(audio_lost: np.ndarray, video_lost: np.ndarray, accuracies: list) -> np.ndarray:
    """Mean accuracy if the terminals' blocks are lost with these probabilities."""
    both, audio, video, none = accuracies
    with_audio = (1 - video_lost) * both + video_lost * audio
    without = (1 - video_lost) * video + video_lost * none
    return (1 - audio_lost) * with_audio + audio_lost * without
