# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The interface of systems, and the base of the audio-visual ones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import torch
from torch import nn

from ..base.errors import SemcomError
from ..phy.csi import mean_no_eff
from .calibration import Calibration
from .configs import RadioConfig
from .topology import Terminal, Topology

Item = tuple[type, int]
"""An item of a stream: (NumPy dtype, length of the vector)."""


class System(ABC):
    """Interface of a system: the encoders of its terminals and the decoder of its receiver.

    A system need not be a network.  Its attributes are:

    name       name in the registry
    topology   its terminals (:class:`Topology`); ``full_topology`` of the class: the terminals of
               its variant "full"
    config     its configuration, a frozen dataclass
    classes    names of the classes, if its task has any, otherwise ()
    looking    names of the terminals with spatial attention (``look``)
    ragged     True: a call takes frames of any lengths, as lists; False: frames of equal lengths,
               stacked
    Settings   dataclass of the parameters that need no training, or None; a system without weights
               is made from it, a system with weights takes it by ``configure``
    task       name of its task, one of its entry in the registry; '': the first

    Shapes: B frames; terminal k sends n_k symbols.  On the uplink all K streams have the length n
    of the longest; shorter ones are padded with zeros.
    """

    name: str
    full_topology: Topology
    topology: Topology
    classes: tuple[str, ...] = ()
    looking: tuple[str, ...] = ()
    ragged = False
    Settings: type | None = None
    task = ""

    @abstractmethod
    def item(self, terminal: str) -> Item:
        """The type of a terminal's input items."""

    @property
    @abstractmethod
    def outcome_item(self) -> Item:
        """The type of the items of the receiver's outcome."""

    @abstractmethod
    def send(self, terminal: str, taken, heard: dict):
        """Encode frames at a terminal.

        taken  input items [B, items, ...], as in a set of clips (ragged: a list of B arrays)
        heard  {name: sidelink symbols [B, n]} of the terminals to which it listens; None: lost

        Returns symbols [B, n_k] complex64 of unit average power (ragged: a list of B tensors).
        """

    @abstractmethod
    def outcome(self, symbols, noise):
        """Decode frames at the receiver.

        symbols  [B, K, n] complex64 as detected (ragged: a list of B tensors [K, n])
        noise    [B, K], or [B, K, n] if it varies: effective noise variance; 0: no noise or
                 unknown, inf: not received (ragged: a list of B)

        Returns items [B, items, ...] of type outcome_item (ragged: a list of B).
        """

    def judged(self, symbols, noise) -> tuple:
        """As :meth:`outcome`, and the expected share of correct items [B], 0 to 1, by which the
        receiver requests repetitions.  SemcomError for a system without such an estimate."""
        raise SemcomError(
            f"system {self.name}: does not estimate how correct its outcomes are, which "
            "repetitions need; give --attempts 1, and leave the port judgement unconnected"
        )

    def told(self, symbols, noise) -> tuple:
        """As :meth:`judged`, and further information on each frame: B dicts of numbers, names,
        arrays and dicts of these, which semantic_decoder publishes."""
        outcomes, shares = self.judged(symbols, noise)
        return outcomes, shares, [{} for _ in outcomes]

    @abstractmethod
    def payload(self, terminal: str, items: int) -> int:
        """Number of symbols that a terminal sends for a clip of ``items`` items; the largest, if it
        varies."""

    def begin(self) -> None:  # noqa: B027
        """Reset the counts of :meth:`counts` when a run begins."""

    def counts(self) -> dict[str, int]:
        """{name: count} of the run.  The counts of a run's parts are added; for names that begin
        with "most_" the largest is taken."""
        return {}

    def figures(self, counts: dict[str, int]) -> dict:
        """{name: value} of a run that a record has in addition to those of all systems."""
        return {}

    def unit(self, terminal: str) -> int:
        """Number of symbols of which all payloads of a terminal are multiples."""
        return 1 if self.ragged else self.payload(terminal, 1)

    def payload_of(self, terminal: str, taken: np.ndarray) -> int:
        """Number of symbols that a terminal sends for the input ``taken`` of a clip."""
        return self.payload(terminal, len(taken))

    def sizes(self) -> dict:
        """{quantity: its value} that a set of clips must have for this system."""
        return {}

    def sizes_of(self, clips) -> dict:
        """The same quantities of the set ``clips``."""
        return {}


AUDIO_VISUAL = Topology((Terminal("audio", "audio"), Terminal("video", "visual", ("audio",))))


class RadioSystem(System, nn.Module):
    """Base of the audio-visual systems: an audio terminal, a video terminal that listens to it, and
    a receiver, with a method for each.

    A subclass sets ``name``, ``Config`` and ``loss`` (name of its training loss, see
    ``training.losses``), and gives functions that build its parts from a configuration:
    ``audio_terminal`` (audio [B, T, d_a] -> symbols), ``video_terminal`` (visual, heard -> symbols,
    with ``attend``) and ``receiver`` (also with the number of classes).  A terminal that the
    variant lacks is None.
    """

    name: str
    Config: type
    loss: str
    calibration = Calibration()  # of the probabilities, from the header of the weights
    full_topology = AUDIO_VISUAL
    looking = ("video",)

    def __init__(
        self,
        config: RadioConfig,
        classes: tuple[str, ...] | list[str],
        audio_terminal: Callable[..., nn.Module],
        video_terminal: Callable[..., nn.Module],
        receiver: Callable[..., nn.Module],
    ):
        super().__init__()
        if config.terminals not in ("audio+video", "audio", "video"):
            raise SemcomError(
                f"terminals {config.terminals!r}: expected 'audio+video', 'audio' or 'video'"
            )
        self.config, self.classes = config, tuple(classes)
        self.symbols = config.symbols
        self.terminals = tuple(config.terminals.split("+"))
        self.topology = self.full_topology.only(self.terminals)
        self.audio_terminal = audio_terminal(config) if "audio" in self.terminals else None
        self.video_terminal = video_terminal(config) if "video" in self.terminals else None
        self.receiver = receiver(config, len(self.classes))

    def item(self, terminal: str) -> Item:
        """A second's features: float32, d_a numbers at the audio terminal, h w d_v at the video
        terminal."""
        c = self.config
        return np.float32, c.audio_dim if terminal == "audio" else c.height * c.width * c.visual_dim

    @property
    def outcome_item(self) -> Item:
        """Probabilities of the classes in a second, background last."""
        return np.float32, len(self.classes)

    @property
    def rates(self) -> tuple[int, ...]:
        """The possible numbers of symbols per second and terminal, the largest last."""
        return self.config.rates

    def payload(self, terminal: str, items: int) -> int:
        """``symbols`` for each of ``items`` seconds."""
        return self.symbols * items

    def send(self, terminal: str, taken: torch.Tensor, heard: dict) -> torch.Tensor:
        """audio [B, T, d_a] or visual [B, T, h, w, d_v] (or flat) -> symbols [B, T L]."""
        if terminal == "audio":
            return self.encode_audio(taken).flatten(1)
        return self.encode_video(self.grid(taken), self.segments(heard.get("audio"))).flatten(1)

    def look(self, taken: torch.Tensor, heard: dict) -> torch.Tensor:
        """The attention of the video terminal, [B, T, h, w], as of :meth:`guide`."""
        return self.guide(self.grid(taken), self.segments(heard.get("audio")))

    def understand(self, symbols: torch.Tensor, noise: torch.Tensor):
        """Detected symbols [B, K, T L] and noise -> logits [B, T, C] and the extras of the loss."""
        return self.receive(self.segments(symbols), noise)

    def outcome(self, symbols: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Detected symbols [B, K, T L] and noise -> calibrated probabilities [B, T, C]."""
        return self.calibration(self.understand(symbols, noise)[0], noise)

    def judged(self, symbols: torch.Tensor, noise: torch.Tensor) -> tuple:
        """As :meth:`outcome`, and the mean [B] over segments of the largest probability."""
        probabilities = self.outcome(symbols, noise)
        return probabilities, probabilities.amax(-1).mean(-1)

    def grid(self, visual: torch.Tensor) -> torch.Tensor:
        """The maps [B, T, h, w, d_v] of visual features that may be flattened after T."""
        c = self.config
        return visual.reshape(*visual.shape[:2], c.height, c.width, c.visual_dim)

    def segments(self, symbols: torch.Tensor | None) -> torch.Tensor | None:
        """Symbols [..., T L] -> [..., T, L]; ValueError for another number of them."""
        if symbols is not None and symbols.shape[-1] % self.symbols:
            raise ValueError(
                f"a frame of {symbols.shape[-1]} symbols: expected a multiple of {self.symbols}, "
                "the symbols of a segment with these weights"
            )
        return None if symbols is None else symbols.unflatten(-1, (-1, self.symbols))

    def sizes(self) -> dict:
        """Number of classes, and the shapes of a second's audio and visual features that the
        terminals take."""
        c, sizes = self.config, {"classes": len(self.classes)}
        if "audio" in self.terminals:
            sizes["audio features"] = (c.audio_dim,)
        if "video" in self.terminals:
            sizes["visual features"] = (c.height, c.width, c.visual_dim)
        return sizes

    def sizes_of(self, clips) -> dict:
        """The same quantities of the set ``clips``."""
        return feature_sizes(clips, self.terminals)

    def encode_audio(self, audio: torch.Tensor) -> torch.Tensor:
        """audio [B, T, d_a] -> symbols [B, T, L] complex64, unit average power per clip."""
        return self.audio_terminal(audio)

    def encode_video(self, visual: torch.Tensor, heard: torch.Tensor | None) -> torch.Tensor:
        """visual [B, T, h, w, d_v] and heard symbols [B, T, L] (None: unguided) -> [B, T, L]."""
        return self.video_terminal(visual, heard)

    def guide(self, visual: torch.Tensor, heard: torch.Tensor | None) -> torch.Tensor:
        """Attention [B, T, h, w] of the video terminal, with sum 1 over the positions."""
        return self.video_terminal.attend(visual, heard)[1]

    def receive(self, symbols: torch.Tensor, no_eff: torch.Tensor):
        """Logits [B, T, C] and the extras of the training loss, by name; arguments of
        :meth:`decode`.

        The receivers of these systems use one noise variance per frame and stream: the mean of
        those of the symbols.
        """
        return self.receiver(symbols, mean_no_eff(no_eff))

    def decode(self, symbols: torch.Tensor, no_eff: torch.Tensor) -> torch.Tensor:
        """Detected symbols [B, K, T, L], effective noise variance [B, K] or of each symbol
        [B, K, T L] -> logits [B, T, C].

        no_eff 0 means no noise or unknown, inf not received.
        """
        return self.receive(symbols, no_eff)[0]

    def transmitters(self) -> list[nn.Module]:
        """The networks of the terminals."""
        return [m for m in (self.audio_terminal, self.video_terminal) if m is not None]

    def config_dict(self) -> dict:
        """The configuration as a dict for a checkpoint's header."""
        return asdict(self.config)


def feature_sizes(clips, terminals=("audio", "video")) -> dict:
    """Sizes of the classes and features of a set of clips, with the names of
    :meth:`System.sizes`."""
    sizes = {"classes": len(clips.classes)}
    for terminal, kind in (("audio", "audio"), ("video", "visual")):
        if terminal in terminals:
            shapes = getattr(clips, "shapes", None)
            shape = shapes[kind] if shapes else getattr(clips, kind)(0).shape[1:]
            sizes[f"{kind} features"] = tuple(shape)
    return sizes
