# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The interface of systems to blocks, chain and training; the base of the audio-visual ones."""

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
"""What one item of a stream is: NumPy dtype, and how many of them make a vector."""


class System(ABC):
    """What runs at the terminals and at the receiver.

    A system need not be a network.  It has

    name       in the registry
    topology   its terminals (:class:`Topology`); full_topology, of the class, those of its variant
               "full"
    config     its configuration, a frozen dataclass
    classes    names of the classes, where its task has any; else ()
    looking    names of the terminals that attend to positions and tell where (``look``)
    ragged     True: frames of any lengths go into one call, as lists; False: of equal lengths,
               stacked
    Settings   dataclass of what can be chosen of it without training, None: nothing; a system
               without weights is made from it, one with weights takes it by ``configure``
    task       name of its task, of those that its entry in the registry names; '': the first

    Shapes: B frames, of which terminal k sends n_k symbols.  On the uplink all K streams are as
    long as the longest, n; what a shorter one has behind its end is silence.
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
        """What a terminal takes, item by item."""

    @property
    @abstractmethod
    def outcome_item(self) -> Item:
        """What the receiver's outcome consists of, item by item."""

    @abstractmethod
    def send(self, terminal: str, taken, heard: dict):
        """What a terminal sends for some frames.

        taken  [B, items, ...] as a set of clips gives them (ragged: a list of B arrays)
        heard  sidelink symbols [B, n] of each terminal that it hears, by name; None: lost
        -> symbols [B, n_k] complex64 of unit average power (ragged: a list of B tensors)
        """

    @abstractmethod
    def outcome(self, symbols, noise):
        """What the receiver makes of some frames.

        symbols  [B, K, n] complex64 as detected (ragged: a list of B tensors [K, n])
        noise    [B, K], or [B, K, n] where it varies: effective noise variance; 0: clean or
                 unknown, inf: nothing was received (ragged: a list of B)
        -> [B, items, ...] of outcome_item (ragged: a list of B)
        """

    def judged(self, symbols, noise) -> tuple:
        """As :meth:`outcome`, and what the receiver thinks of it: the expected share that is right,
        [B], 0 to 1.  Where frames can be asked for again, it decides."""
        raise SemcomError(
            f"system {self.name}: makes no estimate of its own outcomes, by which to ask again, or "
            "to judge them; give --attempts 1, and connect nothing to the port judgement"
        )

    def told(self, symbols, noise) -> tuple:
        """As :meth:`judged`, and what else the receiver knows of each frame: B dicts of numbers,
        names, arrays, and dicts of them, as semantic_decoder publishes them."""
        outcomes, shares = self.judged(symbols, noise)
        return outcomes, shares, [{} for _ in outcomes]

    @abstractmethod
    def payload(self, terminal: str, items: int) -> int:
        """Symbols that a terminal sends for a clip of so many items; at most, where that varies."""

    def begin(self) -> None:  # noqa: B027
        """A run begins: what :meth:`counts` tells is of it alone."""

    def counts(self) -> dict[str, int]:
        """What was counted in the course of a run, by name.  Parts of a run add up; of what begins
        with "most_", the highest counts."""
        return {}

    def figures(self, counts: dict[str, int]) -> dict:
        """What a record tells of a run beside the figures of all systems, by name."""
        return {}

    def payload_of(self, terminal: str, taken: np.ndarray) -> int:
        """Symbols that a terminal sends for what it takes of a clip."""
        return self.payload(terminal, len(taken))

    def sizes(self) -> dict:
        """What a set of clips must have for this system: name of a quantity -> its size."""
        return {}

    def sizes_of(self, clips) -> dict:
        """The same quantities of a set."""
        return {}


AUDIO_VISUAL = Topology((Terminal("audio", "audio"), Terminal("video", "visual", ("audio",))))


class RadioSystem(System, nn.Module):
    """An audio terminal, a video terminal that hears it, and a receiver; one method per place.

    A system sets ``name``, ``Config``, ``loss`` (the name of the loss that it is
    trained with, see ``training.losses``), and hands over what builds its
    parts from a configuration: ``audio_terminal`` (audio [B, T, d_a] -> symbols),
    ``video_terminal`` (visual, heard -> symbols, with ``attend``) and ``receiver`` (which takes the
    number of classes too).  A terminal that its variant lacks is None.
    """

    name: str
    Config: type
    loss: str
    calibration = Calibration()  # of its probabilities, from the header of its weights
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
        c = self.config
        return np.float32, c.audio_dim if terminal == "audio" else c.height * c.width * c.visual_dim

    @property
    def outcome_item(self) -> Item:
        """Probabilities of the classes in a second, background last."""
        return np.float32, len(self.classes)

    @property
    def rates(self) -> tuple[int, ...]:
        """What ``symbols`` can be, of a second and terminal, the most last."""
        return self.config.rates

    def payload(self, terminal: str, items: int) -> int:
        return self.symbols * items

    def send(self, terminal: str, taken: torch.Tensor, heard: dict) -> torch.Tensor:
        """audio [B, T, d_a] or visual [B, T, h, w, d_v] (or flat) -> symbols [B, T L]."""
        if terminal == "audio":
            return self.encode_audio(taken).flatten(1)
        return self.encode_video(self.grid(taken), self.segments(heard.get("audio"))).flatten(1)

    def look(self, taken: torch.Tensor, heard: dict) -> torch.Tensor:
        """Where the video terminal looks, [B, T, h, w], as :meth:`guide`."""
        return self.guide(self.grid(taken), self.segments(heard.get("audio")))

    def understand(self, symbols: torch.Tensor, noise: torch.Tensor):
        """Detected symbols [B, K, T L] -> logits [B, T, C], and what the training loss wants."""
        return self.receive(self.segments(symbols), noise)

    def outcome(self, symbols: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Probabilities [B, T, C]."""
        if symbols.shape[2] % self.symbols:
            raise ValueError(
                f"a frame of {symbols.shape[2]} symbols is no multiple of the "
                f"{self.symbols} symbols a segment that these weights send"
            )
        logits = self.decode(self.segments(symbols), noise)
        return self.calibration(logits, noise)

    def judged(self, symbols: torch.Tensor, noise: torch.Tensor) -> tuple:
        """The largest probability of each segment, the mean over a clip's segments."""
        probabilities = self.outcome(symbols, noise)
        return probabilities, probabilities.amax(-1).mean(-1)

    def grid(self, visual: torch.Tensor) -> torch.Tensor:
        """[B, T, h, w, d_v] of what may have been flattened behind T."""
        c = self.config
        return visual.reshape(*visual.shape[:2], c.height, c.width, c.visual_dim)

    def segments(self, symbols: torch.Tensor | None) -> torch.Tensor | None:
        """Symbols [..., T L] -> [..., T, L]."""
        return None if symbols is None else symbols.unflatten(-1, (-1, self.symbols))

    def sizes(self) -> dict:
        c, sizes = self.config, {"classes": len(self.classes)}
        if "audio" in self.terminals:
            sizes["audio features"] = (c.audio_dim,)
        if "video" in self.terminals:
            sizes["visual features"] = (c.height, c.width, c.visual_dim)
        return sizes

    def sizes_of(self, clips) -> dict:
        return feature_sizes(clips, self.terminals)

    def encode_audio(self, audio: torch.Tensor) -> torch.Tensor:
        """audio [B, T, d_a] -> symbols [B, T, L] complex64, unit average power per clip."""
        return self.audio_terminal(audio)

    def encode_video(self, visual: torch.Tensor, heard: torch.Tensor | None) -> torch.Tensor:
        """visual [B, T, h, w, d_v] and heard symbols [B, T, L] (None: unguided) -> [B, T, L]."""
        return self.video_terminal(visual, heard)

    def guide(self, visual: torch.Tensor, heard: torch.Tensor | None) -> torch.Tensor:
        """Attention [B, T, h, w] of the video terminal, sums to one over the positions."""
        return self.video_terminal.attend(visual, heard)[1]

    def receive(self, symbols: torch.Tensor, no_eff: torch.Tensor):
        """Logits [B, T, C], and what the training loss wants besides, by name.

        The receivers of these systems take one noise variance a frame and stream: of noise that is
        given for each symbol they get the mean.  Arguments as of :meth:`decode`.
        """
        return self.receiver(symbols, mean_no_eff(no_eff))

    def decode(self, symbols: torch.Tensor, no_eff: torch.Tensor) -> torch.Tensor:
        """Detected symbols [B, K, T, L], effective noise variance [B, K] or of each symbol
        [B, K, T L] -> logits [B, T, C].

        no_eff 0 says clean or unknown, inf says nothing was received.
        """
        return self.receive(symbols, no_eff)[0]

    def transmitters(self) -> list[nn.Module]:
        """The parts that stand at the terminals."""
        return [m for m in (self.audio_terminal, self.video_terminal) if m is not None]

    def config_dict(self) -> dict:
        """Configuration as it goes into a checkpoint's header."""
        return asdict(self.config)


def feature_sizes(clips, terminals=("audio", "video")) -> dict:
    """Sizes of a set of clips' classes and features, as :meth:`System.sizes` names them."""
    sizes = {"classes": len(clips.classes)}
    for terminal, kind in (("audio", "audio"), ("video", "visual")):
        if terminal in terminals:
            shapes = getattr(clips, "shapes", None)
            shape = shapes[kind] if shapes else getattr(clips, kind)(0).shape[1:]
            sizes[f"{kind} features"] = tuple(shape)
    return sizes
