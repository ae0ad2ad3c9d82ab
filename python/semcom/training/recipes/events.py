# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Events over a link: trains a radio system through random channels.

The loss is the system's (``training.losses``).  The validation score is the mean accuracy over the
channels, with SNRs from -10 to 20 dB in turn, clip by clip.  For a network with several lengths of
payload each batch draws one; the score is then the mean over them, in turn by channel, and the
results on the test split are of the longest.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch

from ...base.errors import SemcomError
from ...base.files import sha256
from ...chain.link import TorchLink
from ...nets.attention import AGVA, GuidedAttention
from ...nets.configs import TIMES
from ...nets.heads import background_of
from ...nets.localisers import Localiser
from ...nets.pilot_ave import cut_in_two
from ...systems.loading import check_sizes, load_any, to_device
from ...systems.registry import system
from .. import losses, precision
from ..augment import Augment
from ..evaluate import accuracy, choose_background, link_of
from ..job import Job
from ..linear_codec import start_codec
from ..options import LinkConfig
from .clips import ClipRecipe

VALIDATION_SNR_DB = [-10.0, -5.0, 0.0, 5.0, 10.0, 20.0]
TEST_SNR_DB = (-10.0, -5.0, 0.0, 10.0, 30.0)
LARGEST_SHARE = 0.6  # of the seconds that --by-content chooses in training
VALIDATION_SHARE = 0.3


class EventsOverLink(ClipRecipe):
    """Every second's label, over an uplink and sidelinks drawn for each batch.

    Arguments are those of :class:`~semcom.training.recipes.clips.ClipRecipe`, with an
    options.LinkConfig. SemcomError for a weight ``gaze`` and a decoder with an attention of its
    own.
    """

    Config = LinkConfig
    teacher: Localiser | None = None  # the localiser of --warm-start
    source: dict | None = None  # its file and digest

    def __init__(self, net, config: LinkConfig, features, sets=None):
        super().__init__(net, config, features, sets)
        config.check_setting(getattr(net.config, "setting", ""))
        if config.gaze and not isinstance(eye_of(net), AGVA | GuidedAttention):
            raise SemcomError(
                f"gaze: decoder {net.config.decoder} has an attention of its own; leave gaze out"
            )
        self.augment = Augment(
            self.clips,
            len(net.classes) - 1,
            config.exchange,
            config.mismatch,
            config.rivals,
        )
        if config.variant == "no_estimation":
            for part in net.transmitters():
                part.requires_grad_(False)

    @classmethod
    def prepare(cls, job: Job, config: LinkConfig) -> EventsOverLink:
        """As of ClipRecipe; with ``warm_start`` a new pilot_ave that starts from a localiser's
        weights.  SemcomError for a checkpoint that cannot start it."""
        if not config.warm_start:
            return super().prepare(job, config)
        path = Path(config.warm_start)
        teacher = to_device(warm(job, path), job.device)
        job = dataclasses.replace(job, network=started_network(job.network, teacher, path))
        made = super().prepare(job, dataclasses.replace(config, warm_start=path.name))
        check_sizes(teacher, made.sets["train"], f"--warm-start {path.name}")
        made.begin_with(teacher)
        made.source = {"file": path.name, "sha256": sha256(path)}
        if made.model.config.linear:
            start_codec(made.model, teacher, made.clips)
        return made

    def learns_from(self) -> dict:
        """The digest of each split, and the localiser of --warm-start."""
        return super().learns_from() | {"warm_start": self.source}

    def begin_with(self, teacher: Localiser) -> None:
        """Start from a localiser's weights, and learn its features; with ``frozen`` the copied
        weights do not change."""
        self.taken = self.model.start_from(teacher)
        self.kept_as_is = {}  # parameters alone: a score of background is set anew over the link
        for name, weight in self.model.named_parameters(remove_duplicate=False):
            if self.config.frozen and name in self.taken:
                weight.requires_grad_(False)
                self.kept_as_is[name] = self.taken[name]
        self.teacher = teacher.requires_grad_(False)
        dtype = precision.low(self.config.bfloat16, next(teacher.parameters()).device)
        for part in teacher.modules():
            if hasattr(part, "compute_dtype"):
                part.compute_dtype = dtype

    @classmethod
    def build(cls, job: Job, clips):
        """As of ClipRecipe; SemcomError for variant no_estimation without --init, or with new
        gates."""
        if job.variant == "no_estimation" and not job.init:
            raise SemcomError(
                "--init: missing, no_estimation keeps the transmitters of a full checkpoint"
            )
        if job.variant == "no_estimation" and job.network.get("gated"):
            raise SemcomError(
                "--gated: no_estimation does not train the gates of the transmitters; leave it "
                "out, and give --init weights that have them"
            )
        return super().build(job, clips)

    @classmethod
    def taken_over(cls, first, net) -> dict:
        """All weights of the network of --init; new gates begin without any."""
        gates = {name: tensor for name, tensor in net.state_dict().items() if ".gate." in name}
        return gates | first.state_dict()

    @classmethod
    def more_sizes(cls, job: Job) -> dict:
        """The terminals of the variant."""
        return {"terminals": "+".join(system(job.system).variants[job.variant])}

    def loss(self, batch, name: str) -> torch.Tensor:
        """The system's loss of a batch, a scalar; with ``gaze`` that of the attention is added, and
        with a localiser the distance of its features."""
        (epoch, index), config, net = batch, self.config, self.model
        device = next(net.parameters()).device
        snr, sidelink_snr = config.snr_min + (config.snr_max - config.snr_min) * torch.rand(
            2, len(index), device=device
        )
        # frame numbers never repeat over a training, and evaluation's seed differs
        frame = (epoch * len(self.clips) + index).to(device)
        link = self._draw_link()
        self._draw_lengths()
        audio, visual, labels = self.augment.batch(index)
        taken, labels = {"audio": audio, "video": visual}, labels.to(device)
        taken = {name: taken[name].to(device) for name in net.terminals}
        lost = len(net.terminals) == 2 and bool(torch.rand(()) < config.unguided)
        looked = []
        if config.gaze:
            watched = eye_of(net).register_forward_hook(
                lambda module, given, found: looked.append(found[1])
            )
        logits, extras = link.run(net, taken, snr, sidelink_snr, frame, lost)
        events = self.clips.events[index].to(device)
        told = losses.Batch(logits, extras, labels, events, config.auxiliary)
        loss = losses.LOSSES[net.loss](told)
        if config.gaze:
            watched.remove()
            own = self.augment.own.to(device)
            loss = loss + config.gaze * losses.gaze(looked[0], own, told.happens)
        if self.teacher is not None:
            with torch.no_grad():
                given = self.teacher.given(taken["audio"], taken["video"])
            loss = loss + config.regress * losses.regression(extras["given"], given)
        return loss

    def _draw_lengths(self) -> None:
        """Draw the number of symbols of a nested network; of a gated one, in half of the batches,
        lengths by content."""
        net, rates = self.model, self.model.rates
        if len(rates) == 1:
            return
        share = 0.0
        if net.config.gated and torch.rand(()) < 0.5:
            rates, share = gated_rates(rates), float(torch.rand(())) * LARGEST_SHARE
        set_length(net, rates[int(torch.randint(len(rates), ()))], share)

    def _draw_link(self) -> TorchLink:
        config = self.config
        channel = config.channels[int(torch.randint(len(config.channels), ()))]
        detector = config.detectors[int(torch.randint(len(config.detectors), ()))]
        return link_of(self.model, config.variant, channel, detector, seed=config.seed + 1)

    def score(self, kept: torch.nn.Module) -> float:
        """Mean accuracy, 0 to 1, over the channels on val, with LMMSE and VALIDATION_SNR_DB in turn
        clip by clip.  A constant score of background is set to its best value first."""
        channels = self.config.channels if self.config.variant != "error_free" else ("none",)
        clips = self.features["val"]
        if background_of(kept) is not None:
            links = [link_of(kept, self.config.variant, c, "lmmse", seed=0) for c in channels]
            return choose_background(kept, clips, links, VALIDATION_SNR_DB)
        found, lengths = [], validated_lengths(kept)
        for at in range(max(len(channels), len(lengths))):
            set_length(kept, *lengths[at % len(lengths)])
            channel = channels[at % len(channels)]
            link = link_of(kept, self.config.variant, channel, "lmmse", seed=0)
            found.append(accuracy(kept, clips, link, VALIDATION_SNR_DB))
        return sum(found) / len(found)

    def test(self) -> dict:
        """Accuracy, 0 to 1, on the test split: "error_free", then each channel at TEST_SNR_DB (not
        for variant error_free)."""
        net, clips, variant = self.model, self.features["test"], self.config.variant
        set_length(net, net.rates[-1])
        free = link_of(net, "error_free", "none", "none", seed=0)
        figures = {"error_free": accuracy(net, clips, free)}
        for channel in () if variant == "error_free" else self.config.channels:
            link = link_of(net, variant, channel, "lmmse", seed=0)
            figures[channel] = {f"{snr:g}": accuracy(net, clips, link, snr) for snr in TEST_SNR_DB}
        return figures

    def header(self) -> dict:
        """As of ClipRecipe; with a localiser ``warm_start``: its file and digest, the tensors taken
        from it and those that stayed as they were."""
        found = super().header()
        if self.teacher is not None:
            own = {"taken": self.taken, "frozen": self.kept_as_is}
            found["warm_start"] = self.source | own
        return found

    @staticmethod
    def card_rows(header: dict) -> list[tuple[str, str]]:
        """Symbols per segment and terminal, the localiser if any, accuracies."""
        rates = system(header["system"]).cls.Config(**header["config"]).rates
        symbols = f"{' or '.join(map(str, rates))} complex per segment and terminal"
        rows = ClipRecipe.card_rows(header)
        if header["variant"] != "error_free":
            channels = ", ".join(header["training"]["channels"])
            rows[0] = (
                "validation accuracy",
                f"{header['metrics']['validation']:.4f} "
                f"(selects the epoch; mean over {channels} at -10 to 20 dB)",
            )
        return [("symbols", symbols), *started(header.get("warm_start")), *rows]

    @staticmethod
    def card_notes(header: dict) -> list[str]:
        """Test accuracy by channel and SNR, as a table."""
        test = header["metrics"]["test"]
        channels = [name for name in test if name != "error_free"]
        if not channels:
            return []
        levels = list(test[channels[0]])
        blind = header["variant"] == "no_estimation"
        csi = "no channel estimation" if blind else "LS, LMMSE"
        lines = [
            f"Accuracy on the test split (segments), Torch link, {csi}, two receive antennas,",
            "sidelink at the same SNR:",
            "",
            f"| SNR [dB] | {' | '.join(levels)} |",
            f"|---|{'---|' * len(levels)}",
        ]
        for name in channels:
            figures = " | ".join(f"{test[name][level]:.4f}" for level in levels)
            lines.append(f"| {name} | {figures} |")
        return lines


def gated_rates(rates: tuple) -> list[int]:
    """The numbers of symbols of which a chosen second can have TIMES as many."""
    return [n for n in rates if TIMES * n <= rates[-1]]


def validated_lengths(net) -> list[tuple]:
    """The lengths of a network that validation tries, as of :func:`set_length`; of a gated one also
    those by content."""
    found = [(n,) for n in net.rates]
    if getattr(net.config, "gated", False):
        found += [(n, VALIDATION_SHARE) for n in gated_rates(net.rates)]
    return found


def set_length(net, symbols: int, by_content: float = 0.0) -> None:
    """Set the symbols per second of a network, if it has several (see its settings)."""
    if len(net.rates) > 1:
        net.configure(net.Settings(symbols, by_content))


def eye_of(net) -> torch.nn.Module | None:
    """The attention of the video terminal; None for one that sends a map."""
    return getattr(net.video_terminal, "attention", None)


def warm(job: Job, path: Path) -> Localiser:
    """The localiser of --warm-start; SemcomError if this training cannot use it."""
    if job.system != "pilot_ave" or job.init or job.variant == "no_estimation":
        raise SemcomError(
            "--warm-start: starts a new pilot_ave, full or error_free; leave it out with another "
            "system, --init or no_estimation"
        )
    net = load_any(path)
    if not isinstance(net, Localiser):
        raise SemcomError(f"--warm-start {path.name}: holds {net.name}, expected a localiser")
    return net


def started_network(asked: dict, teacher: Localiser, path: Path) -> dict:
    """Fields of the network's configuration: the given ones, and those of the localiser."""
    own = cut_in_two(teacher)
    for field in own.keys() & asked.keys() - {"linear"}:
        if asked[field] != own[field]:
            raise SemcomError(f"{field} {asked[field]}: {path.name} has {own[field]}; leave it out")
    if own["decoder"] != "coattention":
        del own["spatial"]  # has no effect
    return own | asked


def started(start: dict | None) -> list[tuple[str, str]]:
    """The row of a card about what --warm-start took."""
    if start is None:
        return []
    parts = sorted({".".join(name.split(".")[:2]) for name in start["taken"]})
    how = ", kept constant" if start["frozen"] else ""
    return [("started from", f"`{start['file']}`: {', '.join(parts)}{how}")]
