# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Evaluates a localiser on one split and returns records for JSON."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ..base.errors import SemcomError
from ..base.files import sha256
from ..data.tensors import Features
from ..nets.localisers import Localiser
from ..nets.names import DIRECTIONS, EVALUATED
from ..systems.loading import check_set, load_any
from ..systems.registry import localiser
from ..tasks.scores import class_accuracy, clip_bootstrap, confusion, event_f1
from ..training import matching


def trained_in(setting: str) -> str:
    """The setting of the checkpoint with which a setting is evaluated: the two directions of
    cross-modal localisation share a network."""
    return "cml" if setting in DIRECTIONS else setting


def check_setting(system: str, setting: str) -> None:
    """SemcomError if a localiser does not have the setting."""
    if trained_in(setting) not in localiser(system).losses:
        known = [choice for choice in EVALUATED if trained_in(choice) in localiser(system).losses]
        raise SemcomError(
            f"--setting {setting}: {system} does not have it; expected one of {', '.join(known)}"
        )


def load(path: Path, system: str, setting: str, clips, device: str) -> Localiser:
    """The localiser of a checkpoint; SemcomError unless it is of this system and setting and fits
    the set."""
    check_setting(system, setting)
    net = load_any(path, device)
    found = net.header["system"], net.header["variant"]
    if found != (system, trained_in(setting)):
        raise SemcomError(
            f"{path}: is {found[0]}, {found[1]}; expected {system}, {trained_in(setting)}: give "
            "another with --checkpoint, or train one with train.py"
        )
    check_set(net, clips, Path(path).name)
    return net


@torch.inference_mode()
def decide(
    net: Localiser, clips: Features, on_clips=lambda count: None, batch: int = 32
) -> tuple[np.ndarray, np.ndarray]:
    """Decided classes [N, T] of a split's segments, and the classes [N, T] if background is
    excluded."""
    decided, events = [], []
    for index in torch.arange(len(clips)).split(batch):
        logits = net(*clips.batch(index, net).values())[0]
        decided.append(logits.argmax(-1).cpu().numpy())
        events.append(logits[..., :-1].argmax(-1).cpu().numpy())
        on_clips(len(index))
    return np.concatenate(decided), np.concatenate(events)


def origin(net: Localiser, path: Path) -> dict:
    """The keys of a record that describe its checkpoint."""
    header = net.header
    return {
        "checkpoint": Path(path).name,
        "checkpoint_sha256": sha256(path),
        "trained_on": header["data"],
        "seed": header["seed"],
        "parameters": header["parameters"],
        "accuracy_validation": header["metrics"]["validation"],
        "training": header["training"],
        "config": header["config"],
    }


def segment_record(net: Localiser, clips: Features, on_clips=lambda count: None) -> dict:
    """The record of naming each second (sel, wsel); "clip_scores" [N]: share of correct seconds of
    each clip."""
    decided, events = decide(net, clips, on_clips)
    truth, background = clips.labels.numpy(), len(net.classes) - 1
    right = decided == truth
    matrix = confusion(truth, decided, len(net.classes))
    return {
        "clips": len(truth),
        "segments": truth.size,
        "accuracy": float(right.mean()),
        "accuracy_ci95": clip_bootstrap(right.mean(1)),
        "accuracy_events_only": float((events == truth).mean()),
        "event_f1": event_f1(truth, decided, background),
        "class_accuracy": dict(zip(net.classes, class_accuracy(matrix), strict=True)),
        "confusion": matrix.tolist(),
        "clip_scores": right.mean(1).tolist(),
    }


def match_record(net: Localiser, clips: Features, train: torch.Tensor, mode: str) -> dict:
    """The record of finding the event across the modalities (``mode`` a2v or v2a).

    train  [N, T] labels of the training split, for the prior of positions
    """
    background = len(net.classes) - 1
    found = {how: matching.answers(net, clips, mode, how) for how in matching.INFERENCE}
    right = {how: [s == a for s, _, a in each.values()] for how, each in found.items()}
    if not right["recomputed"]:
        raise SemcomError(
            f"--setting {mode}: no clip of the split has an event shorter than itself; use the "
            "splits for cross-modal localisation"
        )
    return {
        "clips": len(right["recomputed"]),
        "clips_left_out": len(clips) - len(right["recomputed"]),
        "accuracy": float(np.mean(right["recomputed"])),
        "accuracy_ci95": clip_bootstrap(np.array(right["recomputed"], float)),
        "accuracy_paper_inference": float(np.mean(right["paper"])),
        "accuracy_position_prior": matching.position_prior(train, clips.labels, background),
        "accuracy_chance": matching.chance(clips.labels, background),
        "clip_scores": [float(x) for x in right["recomputed"]],
    }


def summary(records: list) -> dict:
    """Mean accuracy over checkpoints, its interval from resampling clips (each with its mean
    score), and the standard deviation over checkpoints (None for a single one)."""
    scores = np.mean([record["clip_scores"] for record in records], 0)
    accuracies = [record["accuracy"] for record in records]
    return {
        "accuracy": float(np.mean(accuracies)),
        "accuracy_ci95": clip_bootstrap(scores),
        "accuracy_std": float(np.std(accuracies, ddof=1)) if len(records) > 1 else None,
    }
