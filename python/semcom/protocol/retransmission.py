# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Automatic repeat request with combining (type-I hybrid ARQ, Chase 1985).

The receiver answers every transmission over the return link: accepted, or again.  The sender keeps
a frame until it is accepted, repeats it at request or after a time-out, and gives it up after its
last
attempt.  An answer with the number of a fragment is for that fragment, an answer with the number of
a whole frame for all of its fragments.  Times are the caller's: seconds of a clock, or, in a
simulated chain, the event that an answer was lost.
"""

from __future__ import annotations

import math
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass, field, replace

import numpy as np

from .. import core
from ..base.errors import SemcomError
from .frames import MOST_ATTEMPTS, FrameId

ACCEPTED, AGAIN, LOST = "accepted", "again", "lost"  # LOST: no answer came in time; never sent
ON_AIR = (ACCEPTED, AGAIN)  # the index is the field "terminal" of the header of an answer
WINDOW = 64  # numbers from the oldest unanswered frame to the latest


@dataclass(frozen=True)
class Answer:
    """The receiver's answer to a transmission: accepted or again; or lost, if none was received."""

    of: FrameId
    verdict: str

    def as_dict(self) -> dict:
        """The answer as a dict, for messages."""
        return {**vars(self.of), "verdict": self.verdict}

    @classmethod
    def from_dict(cls, told: dict) -> Answer:
        """The answer of a message's dict; SemcomError for another message."""
        told = dict(told)
        verdict = told.pop("verdict", None)
        if verdict not in (*ON_AIR, LOST):
            raise SemcomError(f"answer {verdict!r}: expected accepted, again or lost")
        try:
            return cls(FrameId(**told), verdict)
        except TypeError as cause:
            raise SemcomError(f"answer {told}: expected the fields of a FrameId") from cause

    def header(self, system: int) -> core.FrameHeader:
        """The answer as a burst's header on the return link, with a payload of one symbol."""
        of = self.of
        return core.FrameHeader(
            of.frame, ON_AIR.index(self.verdict), 1, system, of.fragment, of.fragments, of.attempt
        )

    @classmethod
    def from_header(cls, header, system: int) -> Answer | None:
        """The answer of a header or a report of frame_sync_cc; None for another burst."""
        if header is None or header.system != system or header.terminal >= len(ON_AIR):
            return None
        try:
            of = FrameId(header.frame, header.fragment, header.fragments, header.attempt)
        except SemcomError:
            return None  # noise that passed the CRC
        return cls(of, ON_AIR[header.terminal])


def check_attempts(attempts: int) -> None:
    """SemcomError unless ``attempts`` is possible."""
    if not 1 <= attempts <= MOST_ATTEMPTS:
        raise SemcomError(f"attempts {attempts}: expected 1 to {MOST_ATTEMPTS}")


@dataclass
class _Sent:
    """A fragment that is not accepted yet."""

    last: FrameId  # its last transmission
    payload: object
    until: float  # [s] time at which its answer is due
    asked: bool = False  # a repetition was requested


class Sender:
    """The sender: keeps fragments until they are accepted.

    attempts   most transmissions of a fragment
    window     most unanswered frames, counted from the oldest number to the latest
    timeout_s  [s] time without an answer after which a fragment is repeated

    ``histogram``: {attempts: number of finished fragments that needed them}; ``given_up``: number
    of these that were never accepted; ``stale``: number of answers that came too late or to another
    transmission.
    """

    def __init__(self, attempts: int, window: int = WINDOW, timeout_s: float = math.inf):
        check_attempts(attempts)
        self.attempts, self.window, self.timeout_s = attempts, window, timeout_s
        self._open: OrderedDict[tuple[int, int], _Sent] = OrderedDict()
        self._frames: Counter[int] = Counter()  # open fragments of each frame
        self._due: deque[tuple[int, int]] = deque()
        self._newest, self._begun = 0, False
        self.histogram: Counter[int] = Counter()
        self.given_up = self.stale = 0

    @property
    def open(self) -> int:
        """Number of unanswered frames."""
        return len(self._frames)

    @property
    def has_room(self) -> bool:
        """Whether the next fragment may be sent; always, for a frame that was begun."""
        return self._begun or not self._frames or self._newest + 1 - min(self._frames) < self.window

    def sent(self, of: FrameId, payload, now: float = 0.0) -> None:
        """Note the first transmission of a fragment with its ``payload`` at the time ``now``
        [s]."""
        key = (of.frame, of.fragment)
        if key in self._open:  # the numbers begin again: forget the earlier frame
            self._close(key, accepted=False)
        self._open[key] = _Sent(of, payload, now + self.timeout_s)
        self._frames[of.frame] += 1
        self._newest, self._begun = of.frame, of.fragment + 1 < of.fragments

    def answer(self, answer: Answer, now: float = 0.0) -> None:
        """Note an answer; answers may come in any order, twice, late or never."""
        of = answer.of
        keys = [(of.frame, of.fragment)]
        if of.fragments == 1:
            keys = [key for key in self._open if key[0] == of.frame]
        known = [key for key in keys if key in self._open]
        self.stale += not known
        if (
            answer.verdict == AGAIN
        ):  # the receiver has parts of the frame: its other fragments may wait
            for key in [key for key in self._open if key[0] == of.frame]:
                self._open[key].until = now + self.timeout_s
        for key in known:
            if answer.verdict == ACCEPTED:
                self._close(key, accepted=True)
            elif of.attempt >= self._open[key].last.attempt:
                self._ask(key)
            else:
                self.stale += 1  # a later attempt was sent already

    def next_due(self, now: float = 0.0) -> tuple[FrameId, object] | None:
        """(transmission, payload) of the next repetition that is due; None if there is none."""
        if self.timeout_s < math.inf:
            for key in [key for key, sent in self._open.items() if sent.until <= now]:
                self._ask(key)
        while self._due:
            sent = self._open.get(self._due.popleft())
            if sent is not None and sent.asked:
                sent.asked, sent.last, sent.until = False, sent.last.again(), now + self.timeout_s
                return sent.last, sent.payload
        return None

    def _ask(self, key: tuple[int, int]) -> None:
        sent = self._open[key]
        if sent.asked:
            return
        if sent.last.attempt + 1 >= self.attempts:
            self._close(key, accepted=False)
            return
        sent.asked = True
        self._due.append(key)

    def _close(self, key: tuple[int, int], accepted: bool) -> None:
        sent = self._open.pop(key)
        self.histogram[sent.last.attempt + 1] += 1
        self.given_up += not accepted
        self._frames[key[0]] -= 1
        if not self._frames[key[0]]:
            del self._frames[key[0]]


def combine(one: tuple, other: tuple) -> tuple[np.ndarray, np.ndarray]:
    """Two receptions of the same symbols, by maximum ratio (Brennan 1959).

    Input
        one, other: (symbols [K, n] complex64, noise variance [K, n] float32) each; noise 0 means no
            noise or unknown, inf not received
    Output
        symbols (x1/n1 + x2/n2) / (1/n1 + 1/n2) and noise 1 / (1/n1 + 1/n2); if one has no noise,
            only that one, and if both have none, their mean

    SemcomError if their sizes differ.
    """
    (x1, n1), (x2, n2) = one, other
    if x1.shape != x2.shape:
        raise SemcomError(f"attempts of {x1.shape} and {x2.shape} symbols: expected equal sizes")
    clean1, clean2 = n1 == 0, n2 == 0
    exact = clean1 | clean2
    with np.errstate(divide="ignore", invalid="ignore"):
        w1 = np.where(exact, clean1, 1 / n1).astype(np.float32)
        w2 = np.where(exact, clean2, 1 / n2).astype(np.float32)
        total = w1 + w2
        share = np.where(total > 0, w1 / total, 0.5)
        noise = np.where(exact, 0, 1 / total)
    # symbols that were not received have no weight, whatever their values
    x1, x2 = np.where(w1 > 0, x1, 0), np.where(w2 > 0, x2, 0)
    symbols = share * x1 + (1 - share) * x2
    return symbols.astype(np.complex64), noise.astype(np.float32)


@dataclass
class _Heard:
    """A frame that is not accepted yet."""

    fragments: int
    last: FrameId  # last received transmission
    parts: dict = field(default_factory=dict)  # fragment -> (symbols, noise), combined
    attempts: set = field(default_factory=set)  # (fragment, attempt) that were combined


class Receiver:
    """The receiver: combines the attempts of each frame until it is accepted.

    attempts  most transmissions of a frame: the last one is always accepted
    window    window of the sender: a frame that is this much older than a received one will not
              come again

    The accepted frames of four windows are remembered.  ``histogram``: {attempts: number of
    accepted frames that needed them}; ``forced``: number of frames that were accepted but not good
    enough.
    """

    def __init__(self, attempts: int, window: int = WINDOW):
        check_attempts(attempts)
        self.attempts, self.window = attempts, window
        self._open: OrderedDict[int, _Heard] = OrderedDict()
        self._done: OrderedDict[int, None] = OrderedDict()
        self._newest = 0
        self.histogram: Counter[int] = Counter()
        self.forced = 0

    def wants(self, of: FrameId) -> bool:
        """Whether a received transmission is needed: False if its frame was accepted already (and
        the answer was lost).

        A first attempt that is a window older than the latest means that the sender was restarted.
        """
        if of.attempt == 0 and of.frame + self.window <= self._newest:
            self._open.clear()
            self._done.clear()
            self._newest = of.frame
        self._newest = max(self._newest, of.frame)
        return of.frame not in self._done

    def take(self, of: FrameId, symbols: np.ndarray, noise: np.ndarray) -> dict:
        """Combine a received transmission, symbols [K, n] and noise [K, n]; returns the fragments
        of its frame so far, {fragment: (symbols, noise)}."""
        heard = self._open.get(of.frame)
        if heard is None or heard.fragments != of.fragments:
            heard = self._open[of.frame] = _Heard(of.fragments, of)
        heard.last = of
        if (of.fragment, of.attempt) not in heard.attempts:
            heard.attempts.add((of.fragment, of.attempt))
            before = heard.parts.get(of.fragment)
            now = (symbols, noise)
            heard.parts[of.fragment] = now if before is None else combine(before, now)
        return heard.parts

    def judge(self, of: FrameId, good: bool) -> Answer:
        """The answer to a transmission whose frame was decoded: accepted if it is good, or its
        last attempt."""
        if of.frame in self._done:
            return Answer(of, ACCEPTED)
        last = of.attempt + 1 >= self.attempts
        if not good and not last:
            return Answer(of, AGAIN)
        self._accept(of, good)
        return Answer(of, ACCEPTED)

    def abandoned(self, over: bool = False) -> list[tuple[FrameId, dict]]:
        """Accept the frames that will not come again and return their (last transmission,
        fragments): frames a window older than the latest, and all with ``over``."""
        left = [
            (heard.last, heard.parts)
            for frame, heard in self._open.items()
            if over or frame + self.window <= self._newest
        ]
        for last, _ in left:
            self._accept(last, good=False)
        return left

    def _accept(self, of: FrameId, good: bool) -> None:
        self.forced += not good
        self.histogram[of.attempt + 1] += 1
        self._open.pop(of.frame, None)
        self._done[of.frame] = None
        while len(self._done) > 4 * self.window:
            self._done.popitem(last=False)


def whole(of: FrameId) -> FrameId:
    """The whole frame of a fragment, at the same attempt."""
    return replace(of, fragment=0, fragments=1)
