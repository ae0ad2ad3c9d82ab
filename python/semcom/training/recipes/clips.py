# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The base of the recipes of audio-visual clips: networks with the sizes of a set, its splits in
memory, the checkpoint's header and the card."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

from ...base.errors import SemcomError
from ...base.options import check_given
from ...data import open_set
from ...data.clipset import digest, shared_ids
from ...data.tensors import Features, read
from ...nets.attention import AGVA, CSPA, GuidedAttention
from ...systems.loading import check_sizes, to_device
from ...systems.registry import classes
from ...weights import store
from .. import distributed, precision
from ..job import Job, JobRecipe
from ..loop import shuffled
from ..options import ClipConfig

SPLITS = ("train", "val", "test")


class ClipRecipe(JobRecipe):
    """A network on the clips of a set.

    net       the network that is trained, with the sizes of the set
    config    options.ClipConfig, or those of a recipe
    features  split ("train", "val", "test") -> its :class:`~semcom.data.tensors.Features`
    sets      split -> the set that they are from, for its name and for warnings
    """

    Config: type = ClipConfig
    score_name = "accuracy"

    def __init__(self, net, config, features: dict[str, Features], sets: dict | None = None):
        self.model, self.config, self.features, self.sets = net, config, features, sets or {}
        self.clips = features["train"]
        dtype = precision.low(config.bfloat16, next(net.parameters()).device)
        for part in net.modules():
            if isinstance(part, AGVA | CSPA | GuidedAttention):
                part.compute_dtype = dtype
        self.steps_per_epoch = -(-len(self.clips) // (config.batch * distributed.world()))

    @classmethod
    def prepare(cls, job: Job, config) -> ClipRecipe:
        """A new network, or that of --init, and the splits in memory, pictures as float16 or
        bfloat16."""
        sets = {s: open_set(job.data, f"{s}_match" if job.match else s) for s in SPLITS}
        torch.manual_seed(config.seed)
        net = to_device(cls.build(job, sets["train"]), job.device)
        low = precision.low(config.bfloat16, job.device)
        pictures = torch.bfloat16 if low == torch.bfloat16 else torch.float16
        features = {
            name: read(split, job.limit, net.terminals, pictures) for name, split in sets.items()
        }
        return cls(net, config, features, sets)

    @classmethod
    def build(cls, job: Job, clips):
        """A network with the sizes of a set, or that of --init."""
        if job.init:
            return cls.continued(job, clips)
        _, height, width, visual_dim = clips.visual(0).shape
        sizes = {"audio_dim": clips.audio(0).shape[-1], "visual_dim": visual_dim}
        sizes |= {"height": height, "width": width, **cls.more_sizes(job)}
        net = classes()[job.system]
        config = net.Config(**sizes, **job.network)
        check_given(config, job.network)
        return net(config, clips.classes)

    @classmethod
    def more_sizes(cls, job: Job) -> dict:
        """Fields of the network's configuration that the variant decides."""
        return {}

    @classmethod
    def continued(cls, job: Job, clips):
        """The network of --init, with what the command line changes of its configuration;
        SemcomError if its weights do not fit that."""
        first = store.load(job.init, classes(), expected=job.system)[0]
        check_sizes(first, clips, Path(job.init).name)
        config = dataclasses.replace(first.config, **job.network)
        check_given(config, job.network)
        net = type(first)(config, clips.classes)
        try:
            net.load_state_dict(cls.taken_over(first, net))
        except RuntimeError as cause:
            raise SemcomError(
                f"--init {Path(job.init).name}: has other sizes than the options beside it; "
                "leave those out"
            ) from cause
        return net

    @classmethod
    def taken_over(cls, first, net) -> dict:
        """Weights for ``net`` from the network of --init: all of it."""
        return first.state_dict()

    def batches(self, epoch: int) -> Iterator[tuple[int, tuple]]:
        """Batches (epoch, numbers of the clips [B] int64), each with the number of clips over all
        processes."""
        for index in shuffled(len(self.clips), self.config.batch, self.config.seed, epoch):
            yield len(index), (epoch, distributed.share(index))

    def data_name(self) -> str:
        """Name of the training split's set."""
        return self.sets["train"].name

    def learns_from(self) -> dict:
        """The digest of each split."""
        return {split: digest(clips) for split, clips in self.sets.items()}

    def warn(self) -> None:
        """A line on stderr for each pair of splits that share clips, and one for classes of val and
        test that no training clip has."""
        for (one, other), count in shared_ids(self.sets).items():
            print(f"train.py: warning: {count} ids of {other} are in {one}, too", file=sys.stderr)
        labels = {name: set(f.labels.unique().tolist()) for name, f in self.features.items()}
        never = sorted((labels["val"] | labels["test"]) - labels["train"])
        if never:
            names = ", ".join(self.sets["train"].classes[c] for c in never)
            print(f"train.py: warning: never seen in training: {names}", file=sys.stderr)

    def header(self) -> dict:
        """``clips``: the number of clips of each split."""
        return {"clips": {name: len(split) for name, split in self.features.items()}}

    @staticmethod
    def card_rows(header: dict) -> list[tuple[str, str]]:
        """Validation accuracy, and test accuracy without errors."""
        metrics = header["metrics"]
        return [
            ("validation accuracy", f"{metrics['validation']:.4f} (no channel; selects the epoch)"),
            ("test accuracy, error-free", f"{metrics['test']['error_free']:.4f}"),
        ]
