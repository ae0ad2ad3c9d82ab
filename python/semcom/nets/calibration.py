# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Calibration of a receiver's probabilities, depending on its effective SNR.

It is temperature scaling (Guo et al., On Calibration of Modern Neural Networks, 2017, section 4.2)
with a temperature that depends on the effective SNR, and a bias of background.  tools/calibrate.py
fits it on the validation split and writes it into a checkpoint's header.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch

from ..base.errors import SemcomError
from ..phy.csi import mean_no_eff

KNOTS_DB = (-10.0, 0.0, 10.0, 20.0, 30.0)
COLDEST, HOTTEST = 0.05, 20.0  # range of temperatures


@dataclass(frozen=True)
class Calibration:
    """The calibration of log probabilities: linear between knots and constant outside.

    snr_db       [dB] effective SNR of the knots, ascending; (): no calibration
    temperature  divisor of the log probabilities at each knot
    background   number that is then added to the log probability of background
    """

    snr_db: tuple[float, ...] = ()
    temperature: tuple[float, ...] = ()
    background: tuple[float, ...] = ()

    def __call__(self, logs: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Log probabilities, or logits, [B, T, C], background last; effective noise variance of a
        frame's streams [B, K], or [B, K, n] of each symbol -> probabilities [B, T, C]."""
        if not self.snr_db:
            return logs.softmax(-1)
        weights = between(effective_snr_db(noise), self.snr_db).to(logs)
        temperature, background = (
            weights @ torch.tensor(v).to(logs) for v in (self.temperature, self.background)
        )
        return tempered(logs, temperature, background).exp()

    def header(self) -> dict:
        """The calibration as a dict for a checkpoint's header."""
        return asdict(self)

    @classmethod
    def read(cls, told) -> Calibration:
        """The calibration of a checkpoint's header; None: no calibration.  SemcomError for a wrong
        one."""
        if told is None:
            return cls()
        try:
            found = cls(**{name: tuple(map(float, values)) for name, values in told.items()})
        except (AttributeError, TypeError, ValueError) as cause:
            raise SemcomError(f"calibration cannot be read ({cause}); {REMEDY}") from cause
        lengths = {len(found.snr_db), len(found.temperature), len(found.background)}
        whole = all(map(math.isfinite, (*found.snr_db, *found.background)))
        if len(lengths) > 1 or list(found.snr_db) != sorted(set(found.snr_db)) or not whole:
            raise SemcomError(
                f"calibration has knots {list(found.snr_db)}: not ascending, or of another "
                f"number than its values; {REMEDY}"
            )
        if not all(COLDEST <= t <= HOTTEST for t in found.temperature):
            raise SemcomError(
                f"calibration has temperatures {list(found.temperature)}, expected {COLDEST:g} to "
                f"{HOTTEST:g}; {REMEDY}"
            )
        return found


REMEDY = "run tools/calibrate.py on the file again"


def effective_snr_db(noise: torch.Tensor) -> torch.Tensor:
    """Effective SNR [B] [dB] of frames with noise variances [B, K] or [B, K, n]: the mean over
    streams, each limited to the range of the knots (no noise: the highest; not received: the
    lowest)."""
    snr = -10 * mean_no_eff(noise).double().clamp(1e-9, 1e9).log10()
    return snr.clamp(KNOTS_DB[0], KNOTS_DB[-1]).mean(1)


def between(snr_db: torch.Tensor, knots: tuple[float, ...]) -> torch.Tensor:
    """Interpolation weights [B, knots] of the knots at SNRs [B] [dB]; rows have sum 1."""
    at = torch.tensor(knots, dtype=snr_db.dtype, device=snr_db.device)
    if len(knots) == 1:
        return torch.ones_like(snr_db)[:, None]
    x = snr_db.clamp(at[0], at[-1])
    right = torch.searchsorted(at, x.contiguous()).clamp(1, len(knots) - 1)
    share = (x - at[right - 1]) / (at[right] - at[right - 1])
    weights = torch.zeros(len(x), len(knots), dtype=x.dtype, device=x.device)
    rows = torch.arange(len(x), device=x.device)
    weights[rows, right - 1], weights[rows, right] = 1 - share, share
    return weights


def tempered(logs: torch.Tensor, temperature: torch.Tensor, background: torch.Tensor):
    """Log probabilities [B, T, C] of logits [B, T, C] at temperatures [B], with ``background`` [B]
    added to that of background."""
    logs = logs / temperature[:, None, None]
    moved = logs[..., -1] + background[:, None]
    return torch.cat([logs[..., :-1], moved[..., None]], -1).log_softmax(-1)
