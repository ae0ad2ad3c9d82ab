# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A source of bursts from a ZeroMQ socket, without the delay of GNU Radio's own source."""

import struct
import sys
from collections import deque

import numpy as np
import pmt
import zmq
from gnuradio import gr

from ..base.errors import SemcomError
from .guard import guarded

MAGIC, VERSION = 0x5FF0, 1  # of the header of gr-zeromq's sinks with "pass tags"
HEADER = struct.Struct("=HBQQ")  # magic, version, offset of the first item, number of tags
OFFSET = struct.Struct("=Q")
POLL_MS = 20  # between two checks whether the flowgraph stops
SCALARS = {0: 0, 1: 0, 3: 4, 4: 8, 5: 16, 6: 0, 11: 8, 13: 8}  # kind of PMT -> bytes of its value
SYMBOL, PAIR, DICT, VECTOR, TUPLE = 2, 7, 9, 8, 12  # as in pmt/pmt_serial_tags.h of GNU Radio
PARTS = 64  # most PMTs of a tag's key or value


class burst_socket(gr.sync_block):
    """A ZeroMQ PULL socket that receives the samples and tags of GNU Radio's ZMQ PUSH Sink.

    Output 0  complex64 samples with their tags

    GNU Radio's own ZMQ PULL Source is made for streams without pauses: it delays the end of a burst
    until more samples come or its time-out passes, and it polls an idle socket every 250 ms.  This
    block waits at the socket until samples come or ``end()`` is called.

    A PUSH socket divides its messages between all programs that are connected to it.  ``missed``
    counts the samples that the messages' offsets show to be missing; the first ones are told in one
    line.

    address   ZeroMQ address that the other side has bound
    messages  most messages that wait in the socket (high-water mark)

    SemcomError if the address cannot be used; a message in another format ends the flowgraph with
    one line.
    """

    def __init__(self, address: str, messages: int):
        gr.sync_block.__init__(self, "burst_socket", None, [np.complex64])
        self.address, self._ended = address, False
        self._samples, self._tags = np.zeros(0, np.complex64), deque()
        self.missed, self._next = 0, None  # offset after the samples that came
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.PULL)
        self._socket.setsockopt(zmq.RCVHWM, messages)
        self._socket.setsockopt(zmq.LINGER, 0)
        try:
            self._socket.connect(address)
        except zmq.ZMQError as cause:
            raise SemcomError(
                f"{address}: cannot be used as a ZeroMQ address ({cause}); give tcp://HOST:PORT"
            ) from cause

    def end(self) -> None:
        """Stops waiting; called when the flowgraph stops."""
        self._ended = True

    @guarded
    def work(self, input_items, output_items):
        while not len(self._samples) and not self._ended:
            if self._socket.poll(POLL_MS):
                self._read(self._socket.recv())
        out = output_items[0]
        count = min(len(out), len(self._samples))
        out[:count] = self._samples[:count]
        self._samples = self._samples[count:]
        while self._tags and self._tags[0][0] < count:
            at, key, value = self._tags.popleft()
            self.add_item_tag(0, self.nitems_written(0) + at, key, value)
        self._tags = deque((at - count, key, value) for at, key, value in self._tags)
        return count

    def _read(self, message: bytes) -> None:
        try:
            at, self._tags = read_tags(message)
        except SemcomError as cause:
            raise SemcomError(f"{self.address}: {cause}") from cause
        self._samples = np.frombuffer(message, np.complex64, (len(message) - at) // 8, at)
        self._follow(HEADER.unpack_from(message)[2])

    def _follow(self, first: int) -> None:
        """Count the samples that are missing before offset ``first``; a terminal that starts again
        has a lower offset."""
        gap = 0 if self._next is None else max(0, first - self._next)
        self._next = first + len(self._samples)
        if gap and not self.missed:
            print(
                f"{self.address}: {gap} samples of the terminal are missing; does another program "
                "read from this socket?",
                file=sys.stderr,
                flush=True,
            )
        self.missed += gap


def read_tags(message: bytes) -> tuple:
    """(bytes of the header, deque of (item, key, value)) of a message with tags; SemcomError for a
    message without tags."""
    if len(message) < HEADER.size or struct.unpack_from("=HB", message) != (MAGIC, VERSION):
        raise SemcomError("a message without tags came; set 'Pass Tags' of the ZMQ PUSH Sink")
    try:
        at, tags = _tags(message)
    except (IndexError, struct.error, RuntimeError, ValueError) as cause:
        raise SemcomError(
            "a message with damaged tags came; does another program send to this socket?"
        ) from cause
    return at, deque(sorted(tags, key=lambda tag: tag[0]))


def _tags(message: bytes) -> tuple:
    *_, first, count = HEADER.unpack_from(message)
    at, tags = HEADER.size, []
    for _ in range(count):
        (offset,) = OFFSET.unpack_from(message, at)
        at += OFFSET.size
        parts = []
        for _ in ("key", "value", "source"):
            end = _end_of_part(message, at)
            parts.append(pmt.deserialize_str(message[at:end]))
            at = end
        tags.append((offset - first, *parts[:2]))
    samples = (len(message) - at) // np.complex64().itemsize
    if not all(0 <= item < samples and pmt.is_symbol(key) for item, key, _ in tags):
        raise IndexError("a tag beyond the samples, or without a name")
    return at, tags


def _end_of_part(message: bytes, at: int) -> int:
    """Index after the PMT that begins at ``at``; IndexError if it does not end or no tag has it.

    Checked before GNU Radio reads the PMT: its reader trusts the nesting and the lengths in a
    message, so that damaged ones overflow the stack or exhaust the memory.
    """
    waiting = 1
    for _ in range(PARTS):
        kind, at, waiting = message[at], at + 1, waiting - 1
        if kind in SCALARS:
            at += SCALARS[kind]
        elif kind == SYMBOL:
            at += 2 + int.from_bytes(message[at : at + 2], "big")
        elif kind in (PAIR, DICT):
            waiting += 2
        elif kind in (VECTOR, TUPLE):
            waiting += int.from_bytes(message[at : at + 4], "big")
            at += 4
        else:
            raise IndexError(f"PMT of kind {kind}")
        if not waiting and at <= len(message):
            return at
    raise IndexError("a PMT of too many parts")
