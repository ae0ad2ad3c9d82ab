# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Numbers of transmissions: frame, fragment and attempt.

The aligned chain carries all of it in the 64-bit number of the tag ``semcom_frame``, the lowest
bits first:

    frame 32 | fragment 12 | fragments - 1 12 | attempt 8

so a frame that is sent whole and for the first time has its own number.  Channel draws are keyed by
that number, so every attempt meets another channel.  Bursts say the same in their headers, and
frame_sync_cc in a tag beside the frame's.
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
    """One transmission; SemcomError if it cannot be.

    frame      sequence number, 0 to 2^32 - 1
    fragment   which part of the frame, 0 to fragments - 1
    fragments  parts that the frame has, 1 to 4096; 1: it is whole
    attempt    0 to 127; 0: sent for the first time
    """

    frame: int
    fragment: int = 0
    fragments: int = 1
    attempt: int = 0

    def __post_init__(self):
        for name, most in (*_LIMITS.items(), ("fragment", self.fragments - 1)):
            low, value = int(name == "fragments"), getattr(self, name)
            if not low <= value <= most:
                raise SemcomError(f"{name} {value}: {low} to {most} expected")

    @property
    def number(self) -> int:
        """As it stands in the tag ``semcom_frame``."""
        return (
            self.frame
            | self.fragment << FRAME_BITS
            | (self.fragments - 1) << FRAME_BITS + FRAGMENT_BITS
            | self.attempt << FRAME_BITS + 2 * FRAGMENT_BITS
        )

    @classmethod
    def of(cls, number: int) -> FrameId:
        """What a number says; SemcomError if nothing."""
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
    """The frame that a number belongs to."""
    return number & _LIMITS["frame"]
