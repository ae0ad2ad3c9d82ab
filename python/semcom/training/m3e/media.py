# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Pictures and sounds for the training of their networks: examples, distances, and classification
by another network."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ...data.clipset import AVE_CLASSES
from ...media import phase
from ...nets.efficientnet import as_input
from ...nets.hearing import Hearing
from ...nets.m3e.sound import grain, scaled
from ...perception.recognition import PictureRecogniser
from ..likeness import Likeness, structural_similarity
from ..sounds import Seconds, middles
from ..stills import Stills

MIXED = 0.5  # share of seconds of sound that are changed in speed, or have others beside them
SMOOTHING = 0.05  # of labels
GRAIN, FEATURES, NAMED = 0.1, 1.0, 0.1  # weights in the loss of sounds
DEEP = 2  # stage of the network that hears from which on features are compared: no texture
LEAST = 0.02  # spread [log-mel] that is taken for granted


class Medium(ABC):
    """Base of the media: pictures or sounds.  Shares are shares of a batch, 0 to 1.

    name      name of its networks in the system
    what      its part of a sentence: "seen" or "heard"
    measure   name of the measure of distance or similarity
    sign      1 where a larger measure is better, -1 where a smaller one is
    channels  channels of the discriminator's input
    untold    share decoded by a VQGAN without text
    wrong     share decoded by a VQGAN with the text of another class
    free      share that a VQGAN does not quantise
    silent    share sent without text
    failed    share whose text is lost
    mistaken  share decoded with the text of another class
    coded     share decoded from codes instead of symbols, which keeps the codebooks useful
    wide      share of SNRs over the whole range, see training.air.drawn_snr
    widths    symbols per latent, drawn per batch
    against   weights of the discriminator for a VQGAN and for a link
    held      split -> originals [n, ...] float32 and classes [n] int64, which are not trained with
    """

    name: str
    what: str
    measure: str
    sign: int
    channels: int
    untold: float
    wrong: float
    free: float
    silent: float
    failed: float
    mistaken: float
    coded: float
    wide: float
    widths: tuple[int, ...]
    against: tuple[float, float]
    held: dict[str, tuple[Tensor, Tensor]]

    @abstractmethod
    def batch(self, seed: int, step: int, count: int) -> tuple[Tensor, Tensor]:
        """Originals [count, ...] float32 and their classes [count] int64 of a training step, drawn
        from ``seed`` and ``step`` or by Torch's generator."""

    def decoded(self, own, latents: Tensor, told: Tensor) -> tuple[Tensor, ...]:
        """What the loss needs of latents [B, N, dim] and the class in the text [B] int64; first the
        decoded originals [B, ...].  own: the medium's networks, a nets.m3e.networks.Modality."""
        return (own.decode(latents, told),)

    @abstractmethod
    def loss(
        self,
        decoded: tuple[Tensor, ...],
        sent: Tensor,
        classes: Tensor,
        step: int,
        low: torch.autocast,
    ) -> Tensor:
        """The loss of a batch, a scalar with gradients.

        decoded  result of :meth:`decoded`
        sent     originals [B, ...]
        classes  [B] int64, of AVE's classes
        step     number of the training step
        low      autocast in which features are computed
        """

    def maps(self, shown: Tensor) -> Tensor:
        """Originals or decoded ones [B, ...] as the discriminator's input [B, channels, h, w]."""
        return shown

    @abstractmethod
    def measured(self, shown: Tensor, sent: Tensor) -> float:
        """The mean of ``measure`` over decoded media [n, ...] and their originals [n, ...]."""

    @abstractmethod
    def right(self, shown: Tensor, classes: Tensor) -> float:
        """Share, 0 to 1, of the decoded media [n, ...] that the recogniser names by their class
        [n]; classes that the recogniser does not know are left out."""


class Pictures(Medium):
    """Pictures [B, 3, 64, 64] float32 in 0 to 1.

    splits      split -> its :class:`~semcom.training.stills.Stills`; "train" is trained with, all
                others are held out
    recogniser  compares features in the loss, and names what is decoded
    """

    name, what, measure, sign, channels = "pictures", "seen", "SSIM", 1, 3
    untold, wrong, free = 0.15, 0.05, 0.4
    silent, failed, mistaken, coded, wide = 0.15, 0.1, 0.05, 0.12, 0.6
    widths, against = (2, 4, 6, 9, 9, 9), (0.05, 0.03)

    def __init__(self, splits: dict[str, Stills], recogniser: PictureRecogniser):
        self.train = splits["train"]
        self.held = {
            name: (stills.middles(torch.arange(len(stills))), stills.classes)
            for name, stills in splits.items()
            if name != "train"
        }
        self.recogniser, self.likeness = recogniser, Likeness(recogniser)
        self.place = torch.full((len(AVE_CLASSES),), -1)  # of a class among those it knows
        for number, known in enumerate(recogniser.classes):
            self.place[AVE_CLASSES.index(known)] = number

    def batch(self, seed: int, step: int, count: int) -> tuple[Tensor, Tensor]:
        """Random squares [count, 3, 64, 64] and their classes; by Torch's generator alone."""
        index = torch.randint(len(self.train), (count,))
        return self.train.crops(index), self.train.classes[index]

    def loss(self, decoded, sent, classes, step, low) -> Tensor:
        """:class:`~semcom.training.likeness.Likeness` of the decoded pictures, at the side whose
        turn it is in this step."""
        self.likeness.number = step  # a resumed training goes on with the size that is next
        return self.likeness(*decoded, sent, self.place[classes], low)

    def measured(self, shown, sent) -> float:
        """Mean SSIM, at most 1; larger is better."""
        return float(structural_similarity(shown.clamp(0, 1), sent).mean())

    def right(self, shown, classes) -> float:
        """As :meth:`Medium.right`, by the picture recogniser."""
        parts = shown.clamp(0, 1).split(16)
        net = self.recogniser
        said = torch.cat([net(net.features(as_input(part))).argmax(1) for part in parts])
        known = self.place[classes] >= 0
        return float((said == self.place[classes])[known].float().mean())


class Sounds(Medium):
    """Seconds of sound as log-mel [B, 100, 64] float32.

    splits   split -> class index -> list of recordings [samples] float32 at 16 kHz; "train" is
             trained with, the middle seconds of all others are held out
    hearing  compares features in the loss, and names what is decoded; it is frozen here
    """

    name, what, measure, sign, channels = "sounds", "heard", "mean |log-mel|", -1, 1
    untold, wrong, free = 0.1, 0.05, 0.2
    silent, failed, mistaken, coded, wide = 0.1, 0.1, 0.05, 0.1, 0.5
    widths, against = (4, 4, 4, 4, 2, 3, 1), (0.1, 0.03)

    def __init__(self, splits: dict[str, dict], hearing: Hearing):
        self.train = Seconds(splits["train"])
        self.held = {}
        for name in splits.keys() - {"train"}:
            sounds, classes = middles(splits[name])
            spectra = np.concatenate([phase.seconds_of(sound) for sound in sounds])
            self.held[name] = torch.from_numpy(spectra), torch.from_numpy(classes)
        self.hearing = hearing.eval().requires_grad_(False)

    def batch(self, seed: int, step: int, count: int) -> tuple[Tensor, Tensor]:
        """Random seconds [count, 100, 64] and their classes; by ``seed`` and ``step`` alone.  A
        share MIXED of them is changed in speed, or has other sounds or noise beside it."""
        rng = np.random.default_rng([seed, step])
        drawn = [self.train.draw(rng, rng.random() < MIXED) for _ in range(count)]
        spectra = torch.from_numpy(np.stack([each for each, _ in drawn]))
        return spectra, torch.tensor([event for _, event in drawn])

    def decoded(self, own, latents, told):
        """Log-mel drawn from the decoder's mean and spread, by Torch's generator; the mean; the
        spread: [B, 100, 64] each."""
        mean, spread = own.decoder.tell(latents, own.names(told))
        return mean + spread * torch.randn_like(mean), mean, spread

    def loss(self, decoded, sent, classes, step, low) -> Tensor:
        """L1 of the mean; GRAIN times the negative log-likelihood of a Laplacian, of the spread for
        the texture that the mean lacks; FEATURES times the relative L1 distance of features and
        NAMED times the cross entropy of the class, both of the drawn log-mel.

        A Laplacian, because a few large deviations move it less than a Gaussian.  The features and
        the class do not train the spread, which they would make small.
        """
        shown, mean, spread = decoded
        lacking, spread = grain(sent - mean.detach()), spread + LEAST
        unlikely = (lacking.abs() / spread + spread.log()).mean()
        drawn = mean + (shown - mean).detach()
        with low:
            with torch.no_grad():
                originals = self.hearing.maps(sent)
            maps = self.hearing.maps(drawn)
            logits = self.hearing.pooled(maps[-1])[1].float()
        terms = [
            (a - b).float().abs().mean() / b.float().abs().mean().clamp_min(1e-3)
            for a, b in zip(maps[DEEP:], originals[DEEP:], strict=True)
        ]
        named = F.cross_entropy(logits, classes, label_smoothing=SMOOTHING)
        features = FEATURES * sum(terms) / len(terms)
        return (mean - sent).abs().mean() + GRAIN * unlikely + features + NAMED * named

    def maps(self, shown: Tensor) -> Tensor:
        """Log-mel scaled to about 0 to 1, [B, 1, 100, 64]."""
        return scaled(shown)

    def measured(self, shown, sent) -> float:
        """Mean absolute difference of log-mel, a natural logarithm; smaller is better."""
        return float((shown - sent).abs().mean())

    def right(self, shown, classes) -> float:
        """As :meth:`Medium.right`; ``hearing`` knows all classes."""
        said = torch.cat([self.hearing(part)[1].argmax(1) for part in shown.split(64)])
        return float((said == classes).float().mean())
