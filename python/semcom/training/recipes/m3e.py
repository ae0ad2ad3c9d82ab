# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Trains the networks of ``m3e_vsc``, part by part; the parts that were trained before do not
change.

    text                 text codec over the channel
    pictures, sounds     VQGAN: encoder, codebooks, decoder against a discriminator
    generator, sound_generator   from words to codes of the VQGAN, which must be trained before
    link, sound_link     gate and semantic codec over the channel, after both of these
    check                multi-frame check of recognition

The random numbers of a step depend only on (seed, step), so that a stopped run continues exactly.
Each checkpoint has all networks.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from ...base.errors import SemcomError
from ...base.files import sha256
from ...data import MANIFEST
from ...data.clipset import SPLITS
from ...data.descriptions import VOCABULARY
from ...perception import sentence_embedding
from ...perception.recognition import hearing, picture_recogniser
from ...systems.m3e_vsc import M3EVSC
from ...weights import store
from .. import distributed
from ..job import Job, JobRecipe
from ..key_frames import KeyFrames, recognised
from ..loop import warmed_up
from ..m3e.checked import Checked
from ..m3e.codebooks import Codebooks
from ..m3e.differences import Differences
from ..m3e.generated import Generated
from ..m3e.library import library
from ..m3e.media import Medium, Pictures, Sounds
from ..m3e.part import Part
from ..m3e.text import Sentences
from ..options import ALL_PARTS, M3E_PARTS, M3ETraining
from ..stills import Stills

VALIDATE_EVERY = 500  # steps
MEDIUM_PARTS = {  # what trains it, on what
    "pictures": (Codebooks, "image"),
    "generator": (Generated, "image"),
    "link": (Differences, "image"),
    "sounds": (Codebooks, "audio"),
    "sound_generator": (Generated, "audio"),
    "sound_link": (Differences, "audio"),
}


class Trained(nn.Module):
    """What a resumed training needs: all networks, the discriminator, and averages of the
    codebooks, which no checkpoint has.

    net        the system's networks
    adversary  the part's discriminator; None without
    """

    def __init__(self, net: M3EVSC, adversary: nn.Module | None):
        super().__init__()
        self.net, self.adversary = net, adversary
        for name in ("pictures", "sounds"):
            quantiser = getattr(net, name).quantiser
            self.register_buffer(f"{name}_count", quantiser.count)
            self.register_buffer(f"{name}_sums", quantiser.sums)


class M3E(JobRecipe):
    """One part of m3e_vsc; all networks of other parts do not change.

    net     the system's networks
    part    what is trained, with its data and options
    data    name of the set
    before  part -> steps, batch, seed and figures of the parts that --init has had trained
    digest  SHA-256 of the manifest of the set; None of drawn material
    """

    Config = M3ETraining
    score_name = "score of the part"

    def __init__(self, net: M3EVSC, part: Part, data: str = "", before: dict | None = None,
                 digest: str | None = None):  # fmt: skip
        self.part, self.config, self.data, self.before = part, part.config, data, before or {}
        self.digest = digest
        self.model = Trained(net, part.adversary)
        self.steps_per_epoch = min(VALIDATE_EVERY, self.config.steps)
        self.figures = {}
        net.requires_grad_(False)
        for _, networks in part.trained(net):
            for network in networks:
                network.requires_grad_(True)

    @classmethod
    def stages(cls, job: Job, config: M3ETraining) -> list[tuple[Job, M3ETraining]]:
        """The given part; or all parts, each in a folder of its own below OUT but the last.
        SemcomError for --data with part text."""
        if config.part == "text" and job.data:
            raise SemcomError("--data: part text learns a grammar's sentences; leave it out")
        if config.part != ALL_PARTS:
            return [(job, config.of(config.part))]
        *first, last = M3E_PARTS
        every = [(dataclasses.replace(job, out=job.out / part), config.of(part)) for part in first]
        return [*every, (job, config.of(last))]

    @classmethod
    def prepare(cls, job: Job, config: M3ETraining) -> M3E:
        """New networks, or those of --init, and what the part learns from; SemcomError for --match,
        another device than cpu, and several processes."""
        if job.match:
            raise SemcomError(f"--match: {job.system} has no such splits; leave it out")
        if job.device != "cpu" or distributed.world() > 1:
            raise SemcomError(
                f"--device {job.device}, {distributed.world()} processes: {job.system} trains on "
                "cpu in one process; leave out --device, and start it without torchrun"
            )
        print(f"part {config.part}: {config.steps} steps of {config.batch}", flush=True)
        torch.manual_seed(config.seed)
        net, before = _networks(job)
        part = _part(net, config, job)
        name, digest = "drawn", None
        if job.data:
            name, digest = "films", sha256(Path(job.data) / MANIFEST)
        return cls(net, part, name, before, digest)

    @property
    def kept(self) -> M3EVSC:
        """The system's networks."""
        return self.model.net

    @property
    def epochs(self) -> int:
        """Epochs of VALIDATE_EVERY steps."""
        return -(-self.config.steps // VALIDATE_EVERY)

    patience = epochs  # never

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """AdamW of the networks, then of the discriminator, which learns from what the networks
        have just decoded."""
        rate, part = self.config.learning_rate, self.part
        groups = [
            {"params": [p for n in networks for p in n.parameters()], "lr": share * rate}
            for share, networks in part.trained(self.kept)
        ]
        decay = {"weight_decay": self.config.weight_decay}
        self._made = {"model": torch.optim.AdamW(groups, rate, betas=part.betas, **decay)}
        if part.adversary is not None:
            own = part.adversary.parameters()
            slower = part.against_rate * rate
            self._made["discriminator"] = torch.optim.AdamW(own, slower, betas=(0.5, 0.99))
        return self._made

    def schedule(self, optimizer: torch.optim.Optimizer) -> LambdaLR:
        """Warm-up and cosine; the discriminator's rate stays."""
        if optimizer is self._made["model"]:
            return LambdaLR(optimizer, warmed_up(self.config.steps, self.config.warmup))
        return LambdaLR(optimizer, lambda step: 1.0)

    def batches(self, epoch: int) -> Iterator[tuple[int, int]]:
        """(1, number of the step) for each step of an epoch."""
        first = epoch * VALIDATE_EVERY
        for step in range(first, min(first + VALIDATE_EVERY, self.config.steps)):
            yield 1, step

    def loss(self, batch: int, name: str) -> torch.Tensor | None:
        """The part's loss in step ``batch``, or with the name "discriminator" the discriminator's,
        a scalar; None while the discriminator does not learn."""
        if name == "discriminator":
            with self.part.low():
                return self.part.adversary.loss()
        torch.manual_seed((self.config.seed + 1) * 1_000_003 + batch)
        return self.part.loss(self.kept, batch)

    def score(self, kept: nn.Module) -> float:
        """The part's score on val."""
        return self.part.score(kept.eval())

    def finish(self) -> None:
        """Fit what the part fits to the best weights."""
        self.part.finish(self.kept.eval())

    def test(self) -> dict:
        """The part's figures on the test split, which also go into the header."""
        self.figures = self.part.test(self.kept.eval())
        return self.figures

    def data_name(self) -> str:
        """Name of the set: "films" or "drawn"."""
        return self.data

    def learns_from(self) -> dict:
        """The name, and the digest of the manifest."""
        return super().learns_from() | {"manifest": self.digest}

    def header(self) -> dict:
        """Figures of every part that was trained so far."""
        own = {"steps": self.config.steps, "batch": self.config.batch, "seed": self.config.seed}
        return {"parts": self.before | {self.config.part: own | {"test": self.figures}}}

    @staticmethod
    def card_rows(header: dict) -> list[tuple[str, str]]:
        """Largest numbers of symbols, and the parts trained so far."""
        config = header["config"]
        return [
            ("symbols of a sentence", f"at most {config['text_symbols']}"),
            ("symbols of a key frame", f"at most 64 x {config['picture_symbols']}"),
            ("symbols of a second of sound", f"at most 200 x {config['sound_symbols']}"),
            ("parts that were trained", ", ".join(header["parts"])),
        ]

    @staticmethod
    def card_notes(header: dict) -> list[str]:
        """Every figure of each part on its test split."""
        lines = [
            "Figures on the test splits; links over AWGN, LS, LMMSE, one antenna. Classes of "
            "pictures and sounds are those that the sender's own recognisers name, which the "
            "training knew.",
            "",
            "| part | steps x batch | figure | |",
            "|---|---|---|---|",
        ]
        for name, part in header["parts"].items():
            for figure, points in part["test"].items():
                if isinstance(points, dict):
                    told = ", ".join(f"{value:.3f} ({point})" for point, value in points.items())
                    lines.append(
                        f"| {name} | {part['steps']} x {part['batch']} | {figure} | {told} |"
                    )
        return lines


def _networks(job: Job) -> tuple[M3EVSC, dict]:
    """Those of --init and what it says of its parts; or new ones."""
    if not job.init:
        return M3EVSC(M3EVSC.Config(**job.network), VOCABULARY), {}
    if job.network:
        name = next(iter(job.network)).replace("_", "-")
        raise SemcomError(f"--{name}: follows from --init; leave it out")
    net, header = store.load(job.init, {M3EVSC.name: M3EVSC}, expected=job.system)
    if net.classes != VOCABULARY:
        raise SemcomError(
            f"--init {job.init}: made for {len(net.classes)} words, not for the {len(VOCABULARY)} "
            "of this version; train it again"
        )
    return net, header.get("parts", {})


def _part(net: M3EVSC, config: M3ETraining, job: Job) -> Part:
    """The part with what it learns from."""
    if config.part == "text":
        return Sentences(config, job.limit, similarity())
    if config.part == "check":
        return Checked(config, _frames(job, config.seed))
    kind, files = MEDIUM_PARTS[config.part]
    return kind(net, config, medium(job, files))


def _frames(job: Job, seed: int) -> dict[str, KeyFrames]:
    """What clips of each split are composed from."""
    found = {}
    for split in SPLITS:
        pictures, sounds = (
            library(job.data, split, each, job.limit) for each in ("image", "audio")
        )
        found[split] = recognised(pictures.pictures, sounds.sounds, split, seed)
    return found


def medium(job: Job, files: str) -> Medium:
    """The pictures ("image") or sounds ("audio") of a job."""
    found = {split: library(job.data, split, files, job.limit) for split in SPLITS}
    if files == "image":
        stills = {split: Stills(material) for split, material in found.items()}
        return Pictures(stills, picture_recogniser())
    return Sounds({split: material.sounds for split, material in found.items()}, hearing())


def similarity():
    """(sentence, sentence) -> cosine of their meanings; None where the package for it is missing,
    with a line on stderr."""
    try:
        return sentence_embedding.load().similarity
    except SemcomError as missing:
        print(f"train.py: warning: xi is not fitted: {missing}", file=sys.stderr)
        return None
