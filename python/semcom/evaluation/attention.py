# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The visual attention of systems over a split, and its measures.

Radio systems get the sound over the sidelink, localisers directly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..base.errors import SemcomError
from ..chain.link import TorchLink
from ..nets.localisers import Localiser
from ..tasks.scores import clip_bootstrap

STRONGEST = 9
"""Number of cells that count as the strongest ones."""


@dataclass(frozen=True)
class Watched:
    """Attention and decisions of a system for N clips.

    attention   [N, T, h, w] float32, with sum 1 in each segment
    decided     [N, T] class indices
    confidence  [N, T] probability of the decision
    """

    label: str
    attention: np.ndarray
    decided: np.ndarray
    confidence: np.ndarray

    def clip(self, at: int) -> Watched:
        """The values of clip ``at``, without the axis N."""
        return Watched(self.label, self.attention[at], self.decided[at], self.confidence[at])


@torch.inference_mode()
def attention_of(
    system: torch.nn.Module,
    link: TorchLink | None,
    audio: torch.Tensor,
    visual: torch.Tensor,
    snr_db: torch.Tensor,
    frame: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Attention [B, T, h, w] and class probabilities [B, T, C] of a radio system or localiser.

    audio [B, T, d_a], visual [B, T, h, w, d_v];  snr_db [B] of uplink and sidelink;
    frame [B] int64, the clips' sequence numbers.  A localiser uses neither link, snr_db nor frame.
    """
    if isinstance(system, Localiser):
        attention, logits = system.attend(visual, audio)[1], system(audio, visual)[0]
        return attention, logits.softmax(-1)
    taken, heard = {"audio": audio, "video": visual}, {}
    if "audio" in system.terminals:
        heard["audio"] = link.sidelink(system.send("audio", audio, {}), snr_db, frame)
    logits = link(system, taken, snr_db, snr_db, frame)
    return system.look(visual, heard), logits.softmax(-1)


def watch(models: dict, clips, numbers, snr_db: float, on_clips=lambda count: None, batch=16):
    """Run clips ``numbers`` of a set through every model; clip i is frame i.

    models    label -> (system, its link)
    numbers   numbers of the clips
    snr_db    [dB] of uplink and sidelink
    on_clips  called with the number of clips of each finished batch, for a progress bar

    Returns a list of :class:`Watched`, in the order of ``models``.
    """
    parts = {label: [] for label in models}
    for run in torch.as_tensor(numbers).split(batch):
        audio, visual = (
            torch.from_numpy(np.stack([read(int(i)) for i in run])).float()
            for read in (clips.audio, clips.visual)
        )
        for label, (system, link) in models.items():
            snr = torch.full((len(run),), float(snr_db))
            attention, probabilities = attention_of(system, link, audio, visual, snr, run)
            confidence, decided = probabilities.max(-1)
            parts[label].append((attention, decided, confidence))
        on_clips(len(run))
    return [
        Watched(label, *(torch.cat(part).numpy() for part in zip(*found, strict=True)))
        for label, found in parts.items()
    ]


def clips_with_event(clips, count: int, low: int = 3, high: int = 7) -> list[int]:
    """The first ``count`` clips whose event covers ``low`` to ``high`` segments.

    These clips have both event and background, so that decisions can be wrong in both ways.
    SemcomError if there is no such clip.
    """
    background, chosen = len(clips.classes) - 1, []
    for i in range(len(clips)):
        if len(chosen) < count and low <= np.sum(clips.labels(i) != background) <= high:
            chosen.append(i)
    if not chosen:
        raise SemcomError(
            f"{clips.name}: no clip has an event of {low} to {high} segments; choose another split"
        )
    return chosen


# --- measures -------------------------------------------------------------------------------------


def entropy_bits(attention: np.ndarray) -> np.ndarray:
    """Entropy of attention [..., h, w] over the cells [bit]: 0 on one cell, log2(h w) uniform."""
    mass = attention.astype(np.float64)
    return -(mass * np.log2(np.maximum(mass, 1e-300))).sum((-2, -1))


def strongest_share(attention: np.ndarray, count: int = STRONGEST) -> np.ndarray:
    """Share [...] of the mass of attention [..., h, w] on its ``count`` strongest cells."""
    cells = attention.reshape(*attention.shape[:-2], -1)
    return np.sort(cells, -1)[..., -count:].sum(-1)


def distance(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Total variation distance [...] of two attentions [..., h, w]: 0 if equal, 1 without common
    cells."""
    return np.abs(one - other).sum((-2, -1)) / 2


def mean_over_clips(values: np.ndarray, chosen: np.ndarray) -> tuple:
    """Mean over clips of each clip's mean over its chosen segments, and its 95 % interval; (None,
    None) without a chosen segment.

    values  [N, T]
    chosen  [N, T] bool; clips without a chosen segment are left out
    """
    some = chosen.any(1)
    means = [values[n, chosen[n]].mean() for n in np.flatnonzero(some)]
    if not means:
        return None, None
    return float(np.mean(means)), clip_bootstrap(np.array(means))


def records(watched: list, truth: np.ndarray, background: int, sources=None) -> list:
    """The measures of each system in event segments and in background segments, as JSON records.

    truth       [N, T] class indices
    background  class index of background
    sources     [N, T, h, w] bool, cells of the event's source, if the set knows them

    Uniform attention comes last, for comparison.
    """
    first = watched[0].attention
    even = np.full_like(first, 1 / np.prod(first.shape[-2:]))
    named = [*((w.label, w.attention) for w in watched), ("uniform attention", even)]
    scopes = {"event": truth != background, "background": truth == background}
    found = []
    for label, attention in named:
        measured = {
            "entropy_bits": entropy_bits(attention),
            "strongest_share": strongest_share(attention),
        }
        if attention is not first:
            measured["distance_from_first"] = distance(attention, first)
        if sources is not None:
            measured["source_share"] = (attention * sources).sum((-2, -1))
        for scope, chosen in scopes.items():
            found.append(_record(label, scope, chosen, measured))
    return found


def _record(label: str, scope: str, chosen: np.ndarray, measured: dict) -> dict:
    record = {"system": label, "segments": scope, "clips": int(chosen.any(1).sum())}
    for name, values in measured.items():
        if name == "source_share" and scope == "background":  # background has no source
            continue
        record[name], record[f"{name}_ci95"] = mean_over_clips(values, chosen)
    return record


COLUMNS = {
    "entropy_bits": "entropy [bit]",
    "strongest_share": f"mass on the {STRONGEST} strongest cells",
    "source_share": "mass on the source",
    "distance_from_first": "distance from the first",
}


def markdown(found: list) -> str:
    """The records as a Markdown table, with an explanation below it."""
    shown = {name: head for name, head in COLUMNS.items() if any(name in r for r in found)}
    lines = [f"| attention of | segments | clips | {' | '.join(shown.values())} |"]
    lines.append("|---" * (3 + len(shown)) + "|")
    for record in found:
        cells = [record["system"], record["segments"], str(record["clips"])]
        cells += [_cell(record.get(name), record.get(f"{name}_ci95")) for name in shown]
        lines.append(f"| {' | '.join(cells)} |")
    meaning = (
        "Values are means over clips with half of their 95 % interval (bootstrap over clips). "
        "The distance is the total variation: 0 for equal attention, 1 for no common cell."
    )
    if "source_share" not in shown:
        meaning += (
            " The set has no places of its sources. So the figures measure how concentrated the "
            "attention is, and not whether it is on the source of the sound."
        )
    return "\n".join([*lines, "", meaning])


def _cell(mean, interval) -> str:
    if mean is None:
        return "-"
    return f"{mean:.3f} ± {(interval[1] - interval[0]) / 2:.3f}"
