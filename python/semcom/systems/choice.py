# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Chooses a system's weights for a set of clips: the given ones, or else those whose training set
the set is, by its features or its name."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..base.errors import SemcomError
from ..base.files import read_json
from ..weights.names import find, known, models_folder, name_of
from .loading import check_set, parted, shared_system
from .registry import system

SETS = "sets.json"  # moments of the training sets of shipped weights
LOOKED_AT = 24  # clips whose features are compared
ALIKE = 0.42  # [standard deviations] splits of a set differ by 0.2 to 0.25, sets by 0.57 or more
NO_ESTIMATION = "no_estimation"  # variant whose receiver expects symbols that are not equalised
OWN_DECODER = "psp"  # decoder of pilot_ave that names of weights leave out


@lru_cache(maxsize=4)
def moments(clips) -> dict[str, list[list[float]]]:
    """Mean and standard deviation of each feature over some clips, evenly spaced in the set:
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
    """Distance of two sets' features [standard deviations], the larger one of sound and picture;
    infinite if their sizes differ."""
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
    """The set among ``names`` that ``clips`` belong to, by their features; '' if none.  A set whose
    moments are not stored, since its features are another's in a new order (ave28 with rivals), is
    identified by its name."""
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
    """Path of the weights for a point and a set; '' for a system without weights.

    point  has system, variant, decoder, symbols, checkpoint and device

    SemcomError if the weights do not fit the options or the set.
    """
    entry = system(point.system)
    if not entry.weights:
        if point.checkpoint:
            raise SemcomError(f"--checkpoint: {point.system} has no weights; leave it out")
        if hasattr(clips, "suit"):
            clips.suit({})
        return ""
    decoder = "" if point.decoder == OWN_DECODER else point.decoder
    names = known(point.system, point.variant, decoder)
    data = kin(clips, names) or entry.fallback or clips.name
    path = find(
        point.checkpoint, point.system, point.variant, data, decoder=decoder, symbols=point.symbols
    )
    net = shared_system(point.system, str(path), point.device)
    if hasattr(clips, "suit"):
        clips.suit(net.sizes(), net.classes if "classes" in net.sizes() else None)
    check(point, net, path, clips)
    return str(path)


def named_weights(named: list, name: str, trained: str, clips) -> list[Path]:
    """Paths of the weights that a user gives, files or names of shipped ones; those for the set if
    ``named`` is empty.

    trained  variant of the system ``name``, or setting of a localiser

    SemcomError for a file that is given twice, which would count as two trainings.
    """
    data = kin(clips, known(name, trained)) or clips.name
    paths = [find(str(each), name, trained, data) for each in named or [""]]
    for path, count in Counter(path.resolve() for path in paths).items():
        if count > 1:
            raise SemcomError(f"--checkpoint: {path.name} is given {count} times; give it once")
    return paths


def check(point, net, path: Path, clips) -> None:
    """SemcomError for weights that do not fit the options or the set."""
    rates = getattr(net, "rates", ())
    if point.symbols not in (0, *rates):
        raise SemcomError(
            f"--symbols {point.symbols}: {path.name} sends {' or '.join(map(str, rates))} symbols "
            f"per segment; train weights with train.py and give them with --checkpoint"
        )
    if point.decoder not in ("", decoder_of(net)):
        raise SemcomError(
            f"--decoder {point.decoder}: {path.name} has {decoder_of(net)}; give a "
            "checkpoint of pilot_ave with that decoder"
        )
    wanted = system(point.system).variants[point.variant]
    if wanted and net.topology.names != wanted:
        raise SemcomError(
            f"--variant {point.variant}: {path.name} holds the terminals "
            f"{' and '.join(net.topology.names)}; give a checkpoint of that variant"
        )
    trained = net.header["variant"]
    if trained != point.variant and NO_ESTIMATION in (trained, point.variant):
        raise SemcomError(
            f"--variant {point.variant}: {path.name} is trained for {trained}; give that, or a "
            "checkpoint of the variant"
        )
    check_set(net, clips, path.name)


def decoder_of(net) -> str:
    """Name of the semantic decoder; '' for a system with only one."""
    return getattr(getattr(net, "config", None), "decoder", "")


def error_free_weights(point, path: str):
    """Path of weights of the same system and data, trained without a channel, in the folder of the
    present weights; None if there are none."""
    entry = system(point.system)
    if not entry.weights or "error_free" not in entry.variants or point.variant != "full":
        return None
    net = shared_system(point.system, path, point.device)
    path = parted(path)[0]
    if decoder_of(net) not in ("", OWN_DECODER):
        return None
    twin = Path(path).with_name(name_of(point.system, "error_free", net.header["data"]))
    return twin if twin.exists() else None
