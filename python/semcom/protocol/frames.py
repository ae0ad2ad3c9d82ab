# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Numbers of transmissions: frame, fragment and attempt.

In the aligned chain the 64-bit number of the tag ``semcom_frame`` holds them, the lowest bits
first:

    frame 32 | fragment 12 | fragments - 1 12 | attempt 8

so the first attempt of a whole frame has the number of the frame.  Channel draws are keyed by this
number, so every attempt has another channel.  Bursts have the same fields in their headers, and
frame_sync_cc in a second tag.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..base.errors import SemcomError

FRAME_BITS, FRAGMENT_BITS, ATTEMPT_BITS = 32, 12, 8
MOST_FRAGMENTS = 1 << FRAGMENT_BITS
MOST_ATTEMPTS = 1 << (ATTEMPT_BITS - 1)  # Torch has no unsigned numbers of 64 bits
_LIMITS = {
    "frame": (1 << FRAME_BITS) - 1,
    "fragments": MOST_FRAGMENTS,
    "attempt": MOST_ATTEMPTS - 1,
}


@dataclass(frozen=True, order=True)
class FrameId:
    """A transmission; SemcomError for a field out of range.

    frame      sequence number, 0 to 2^32 - 1
    fragment   number of the frame's part, 0 to fragments - 1
    fragments  number of parts of the frame, 1 to 4096; 1: it is whole
    attempt    number of the attempt, 0 to 127, 0 for the first
    """

    frame: int
    fragment: int = 0
    fragments: int = 1
    attempt: int = 0

    def __post_init__(self):
        for name, most in (*_LIMITS.items(), ("fragment", self.fragments - 1)):
            low, value = int(name == "fragments"), getattr(self, name)
            if not low <= value <= most:
                raise SemcomError(f"{name} {value}: expected {low} to {most}")

    @property
    def number(self) -> int:
        """The number in the tag ``semcom_frame``."""
        return (
            self.frame
            | self.fragment << FRAME_BITS
            | (self.fragments - 1) << FRAME_BITS + FRAGMENT_BITS
            | self.attempt << FRAME_BITS + 2 * FRAGMENT_BITS
        )

    @classmethod
    def of(cls, number: int) -> FrameId:
        """The transmission of a tag's number; SemcomError for an impossible one."""
        mask = MOST_FRAGMENTS - 1
        return cls(
            number & _LIMITS["frame"],
            number >> FRAME_BITS & mask,
            (number >> FRAME_BITS + FRAGMENT_BITS & mask) + 1,
            number >> FRAME_BITS + 2 * FRAGMENT_BITS,
        )

    def again(self) -> FrameId:
        """The next attempt."""
        return replace(self, attempt=self.attempt + 1)


def frame_of(number: int) -> int:
    """The frame number of a transmission's number."""
    return number & _LIMITS["frame"]
