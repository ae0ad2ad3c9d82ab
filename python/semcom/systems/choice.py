# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Which weights a system takes for a set of clips: those named, else those whose training set the
set is one of, by its name or by what it holds."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from ..base.errors import SemcomError
from ..base.files import read_json
from ..weights.names import find, known, models_folder, name_of
from .loading import check_sizes, parted, shared_system
from .registry import system

SETS = "sets.json"  # moments of the sets that shipped weights were trained on
LOOKED_AT = 24  # clips whose features are looked at
ALIKE = 0.42  # standard deviations; splits of one set are 0.2 to 0.25 apart, sets 0.57 and more
OWN_DECODER = "psp"  # of pilot_ave, which its weights' names do not tell


@lru_cache(maxsize=4)
def moments(clips) -> dict[str, list[list[float]]]:
    """Mean and standard deviation of each feature over some clips, spread over the set:
    {"audio": [mean [d_a], deviation [d_a]], "visual": ...}."""
    numbers = np.unique(np.linspace(0, len(clips) - 1, LOOKED_AT).astype(int))
    found = {}
    for kind in ("audio", "visual"):
        features = np.concatenate(
            [x.reshape(-1, x.shape[-1]) for x in (getattr(clips, kind)(i) for i in numbers)]
        ).astype(np.float32)
        found[kind] = [
            np.round(m.astype(float), 3).tolist() for m in (features.mean(0), features.std(0))
        ]
    return found


def distance(one: dict, other: dict) -> float:
    """By how many standard deviations two sets' features differ, the larger of sound and picture;
    infinite where their sizes do."""
    worst = 0.0
    for kind in one:
        (mean, deviation), (mean_too, deviation_too) = (np.array(m[kind]) for m in (one, other))
        if mean.shape != mean_too.shape:
            return float("inf")
        scale = np.maximum(np.maximum(deviation, deviation_too), 1e-6)
        apart = np.abs(mean - mean_too) / scale + np.abs(deviation - deviation_too) / scale
        worst = max(worst, float(apart.mean()))
    return worst


def kin(clips, names: list[str]) -> str:
    """Which of the sets ``names`` a set is one of: by its features, else by its own name, as
    anything may lie in a folder of that name; '' for none.  A set of whose features nothing is
    stored, as they are another's in a new order (ave28 with rivals), goes by its name."""
    named = clips.name if clips.name in names else ""
    path = models_folder() / SETS
    if not hasattr(clips, "audio") or not path.is_file():
        return named
    stored = read_json(path)
    if named and named not in stored:
        return named
    own = moments(clips)
    near = {name: distance(own, stored[name]) for name in names if name in stored}
    best = min(near, key=near.get, default="")
    return best if best and near[best] < ALIKE else named


def weights_for(point, clips) -> str:
    """Path of the weights that a point of a sweep runs with a set, checked against both; '' for a
    system without any.

    point  has system, variant, decoder, symbols, checkpoint and device
    """
    entry = system(point.system)
    if not entry.weights:
        if point.checkpoint:
            raise SemcomError(f"--checkpoint: {point.system} has no weights; leave it out")
        return ""
    decoder = "" if point.decoder == OWN_DECODER else point.decoder
    names = known(point.system, point.variant, decoder)
    data = kin(clips, names) or entry.fallback or clips.name
    path = find(
        point.checkpoint, point.system, point.variant, data, decoder=decoder, symbols=point.symbols
    )
    net = shared_system(point.system, str(path), point.device)
    if hasattr(clips, "suit"):
        clips.suit(net.sizes())
    check(point, net, path, clips)
    return str(path)


def named_weights(named: list, name: str, trained: str, clips) -> list[Path]:
    """Paths of the weights that a user names, files or names of shipped ones; of nothing, those for
    the set.

    trained  variant of the system ``name``, or setting of a localiser
    """
    data = kin(clips, known(name, trained)) or clips.name
    return [find(str(each), name, trained, data) for each in named or [""]]


def check(point, net, path: Path, clips) -> None:
    """Refuse weights that are not what the options ask for, or do not fit the set."""
    rates = getattr(net, "rates", ())
    if point.symbols not in (0, *rates):
        raise SemcomError(
            f"--symbols {point.symbols}: {path.name} sends {' or '.join(map(str, rates))} symbols "
            f"a segment; train one with apps/train.py and name it with --checkpoint"
        )
    if point.decoder not in ("", decoder_of(net)):
        raise SemcomError(
            f"--decoder {point.decoder}: {path.name} has {decoder_of(net)}; name a "
            "checkpoint of pilot_ave with that decoder"
        )
    wanted = system(point.system).variants[point.variant]
    if wanted and net.topology.names != wanted:
        raise SemcomError(
            f"--variant {point.variant}: {path.name} holds the terminals "
            f"{' and '.join(net.topology.names)}; name a checkpoint of that variant"
        )
    check_sizes(net, clips, path.name)


def decoder_of(net) -> str:
    """Name of the semantic decoder, '' for a system that has no other than its own."""
    return getattr(getattr(net, "config", None), "decoder", "")


def error_free_weights(point, path: str):
    """Path of the same system trained on the same data without a channel, beside the weights in
    use; or None."""
    entry = system(point.system)
    if not entry.weights or "error_free" not in entry.variants or point.variant != "full":
        return None
    net = shared_system(point.system, path, point.device)
    path = parted(path)[0]
    if decoder_of(net) not in ("", OWN_DECODER):
        return None
    twin = Path(path).with_name(name_of(point.system, "error_free", net.header["data"]))
    return twin if twin.exists() else None
