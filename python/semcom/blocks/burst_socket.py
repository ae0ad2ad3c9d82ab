# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Bursts from a ZeroMQ socket, handed on as they come."""

import struct
from collections import deque

import numpy as np
import pmt
import zmq
from gnuradio import gr

from ..base.errors import SemcomError
from .guard import guarded

MAGIC, VERSION = 0x5FF0, 1  # of the header that gr-zeromq's sinks send with "pass tags"
HEADER = struct.Struct("=HBQQ")  # magic, version, offset of the first item, number of tags
OFFSET = struct.Struct("=Q")
POLL_MS = 20  # between looks at whether to end


class burst_socket(gr.sync_block):
    """A ZeroMQ PULL socket that takes what GNU Radio's ZMQ PUSH Sink sends, tags and all.

    Output 0  complex64 samples with their tags

    GNU Radio's own ZMQ PULL Source is made for streams that never pause: it keeps the end of a
    burst back until more comes or its time-out passes, and an idle one is asked again only after
    250 ms.  This one waits at the socket until something comes, or ``end()`` is called.

    address   that the other side has bound
    messages  that may wait (high watermark)

    SemcomError if the address cannot be used; a message without the header ends the flowgraph.
    """

    def __init__(self, address: str, messages: int):
        gr.sync_block.__init__(self, "burst_socket", None, [np.complex64])
        self.address, self._ended = address, False
        self._samples, self._tags = np.zeros(0, np.complex64), deque()
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.PULL)
        self._socket.setsockopt(zmq.RCVHWM, messages)
        self._socket.setsockopt(zmq.LINGER, 0)
        try:
            self._socket.connect(address)
        except zmq.ZMQError as cause:
            raise SemcomError(f"{address}: cannot be used as a ZeroMQ address ({cause})") from cause

    def end(self) -> None:
        """Wait no longer: the flowgraph stops."""
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
        at, self._tags = _tags(message)
        self._samples = np.frombuffer(message, np.complex64, (len(message) - at) // 8, at)


def _tags(message: bytes) -> tuple:
    """(bytes of the header, deque of (item, key, value)) of a message with tags."""
    if len(message) < HEADER.size or struct.unpack_from("=HB", message) != (MAGIC, VERSION):
        raise SemcomError("a message without tags came; set 'Pass Tags' of the ZMQ PUSH Sink")
    *_, first, count = HEADER.unpack_from(message)
    at, tags = HEADER.size, []
    for _ in range(count):
        (offset,) = OFFSET.unpack_from(message, at)
        at += OFFSET.size
        parts = []
        for _ in ("key", "value", "source"):
            part = pmt.deserialize_str(message[at:])
            at += len(pmt.serialize_str(part))
            parts.append(part)
        tags.append((offset - first, *parts[:2]))
    return at, deque(sorted(tags, key=lambda tag: tag[0]))
