# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Topologies: the terminals of a system, the kind of their items, and their sidelinks.

Flowgraphs, the Torch chain, training, bursts and GRC are built from a :class:`Topology`; none of
them assumes a number of terminals, a modality or a length.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..base.errors import SemcomError

RECEIVER = "receiver"
TAKES = ("audio", "visual", "text", "media")  # kinds of items in sets of clips


@dataclass(frozen=True)
class Terminal:
    """A terminal, which sends.

    name    name in options and reports, such as "audio"
    takes   kind of its items, one of TAKES: audio or visual features, text, media
    hears   names of the terminals to whose sidelinks it listens, all before it in the topology
    """

    name: str
    takes: str
    hears: tuple[str, ...] = ()


@dataclass(frozen=True)
class Topology:
    """Terminals in order: stream k of the uplink is terminal k's.

    SemcomError for equal names, unknown kinds, and sidelinks from later terminals.
    """

    terminals: tuple[Terminal, ...]

    def __post_init__(self):
        names = self.names
        if not names or len(set(names)) < len(names):
            raise SemcomError(f"terminals {', '.join(names)}: one or more names, all different")
        for at, terminal in enumerate(self.terminals):
            if terminal.takes not in TAKES:
                raise SemcomError(
                    f"terminal {terminal.name}: takes {terminal.takes!r}, expected one of "
                    f"{', '.join(TAKES)}"
                )
            unknown = set(terminal.hears) - set(names[:at])
            if unknown:
                raise SemcomError(
                    f"terminal {terminal.name}: hears {', '.join(sorted(unknown))}, expected "
                    "terminals before it"
                )

    def __len__(self) -> int:
        return len(self.terminals)

    def __iter__(self):
        return iter(self.terminals)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the terminals, in order."""
        return tuple(terminal.name for terminal in self.terminals)

    def only(self, names) -> Topology:
        """The topology with only the terminals ``names`` and the sidelinks between them."""
        kept = [t for t in self.terminals if t.name in names]
        return Topology(
            tuple(
                Terminal(t.name, t.takes, tuple(other for other in t.hears if other in names))
                for t in kept
            )
        )

    def terminal(self, name: str) -> Terminal:
        """The terminal ``name``; SemcomError if there is none."""
        for terminal in self.terminals:
            if terminal.name == name:
                return terminal
        raise SemcomError(f"terminal {name!r}: expected one of {', '.join(self.names)}")

    def index(self, name: str) -> int:
        """Number of a terminal, which is that of its stream on the uplink."""
        return self.names.index(self.terminal(name).name)

    def sidelinks(self) -> tuple[tuple[str, str], ...]:
        """(sender, listener) of each sidelink, in the order of the listeners."""
        return tuple((sender, t.name) for t in self.terminals for sender in t.hears)

    def is_heard(self, name: str) -> bool:
        """Whether another terminal listens to this one."""
        return any(sender == name for sender, _ in self.sidelinks())
