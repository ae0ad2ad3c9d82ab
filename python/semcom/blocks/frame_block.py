# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What every block that handles whole semantic frames shares: collecting, batching, emitting.

A frame is a run of items whose first one carries the tag ``semcom_frame`` with the pair
(sequence number, length in items).  Frames may have any length, larger than the buffers too:
items are copied out of the input buffer as they come, so nothing waits for a frame to fit.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
import pmt
from gnuradio import gr

from ..protocol.frames import FrameId
from .guard import WORK_DONE, guarded

FRAME_TAG = pmt.intern("semcom_frame")
FRAGMENT_TAG = pmt.intern("semcom_fragment")
CSI_TAG = pmt.intern("csi")
TRUTH_TAG = pmt.intern("csi_true")
WORK_CALLED_PRODUCE = int(gr.WORK_CALLED_PRODUCE)  # Python blocks must return plain integers


@dataclass
class Frame:
    """One frame: ``items`` is [length] or [length, vlen].

    ``number`` says which fragment and attempt it is as well (``semcom.protocol.frames``), whether
    it came in the frame's own tag, or in frame_sync_cc's beside it.  ``csi`` and ``truth`` are the
    packed vectors of the tags csi and csi_true on the first item (``semcom.phy.csi``), or None.
    ``items`` are row ``place`` of ``room``.
    """

    number: int
    items: np.ndarray
    csi: np.ndarray | None = None
    truth: np.ndarray | None = None
    filled: int = 0
    room: np.ndarray | None = None
    place: int = 0

    @property
    def complete(self) -> bool:
        return self.filled == len(self.items)


def frame_tag(number: int, length: int):
    """The value of the tag ``semcom_frame``: the pair (sequence number, length in items)."""
    return pmt.cons(pmt.from_uint64(number), pmt.from_uint64(length))


def vector(dtype, length: int):
    """The signature of a stream of vectors; of length 1, of single items."""
    return dtype if length == 1 else (dtype, length)


class _Inbox:
    """The frames of one input port: those complete, and the one being filled.

    together  how many frames of one length lie one behind the other in memory
    """

    def __init__(self, together: int):
        self.ready = deque()
        self.filling = None
        self.together = together
        self._room, self._taken, self._free = np.empty((0, 0)), 0, 0

    def recycle(self, frame: Frame) -> None:
        """Take back a frame that nobody reads any more: a clip's fresh memory costs its copy."""
        if frame.room is self._room:
            self._free += 1

    def take(self, items: np.ndarray, tags: list, limit: int) -> int:
        """Copy items into frames until ``limit`` frames are ready; return how many were used."""
        used = 0
        tags = deque(tags)
        while used < len(items) and len(self.ready) < limit:
            if self.filling is None:
                self.filling = self._start(used, tags, items)
            frame = self.filling
            n = min(len(items) - used, len(frame.items) - frame.filled)
            frame.items[frame.filled : frame.filled + n] = items[used : used + n]
            while tags and tags[0][0] < used + n:
                offset, key, value = tags.popleft()
                if pmt.eq(key, FRAME_TAG):
                    raise ValueError("a frame begins before the one before it is complete")
                if pmt.eq(key, FRAGMENT_TAG):
                    parts = [pmt.to_uint64(pmt.tuple_ref(value, i)) for i in range(3)]
                    frame.number = FrameId(frame.number, *parts).number
                for name, tag in (("csi", CSI_TAG), ("truth", TRUTH_TAG)):
                    if pmt.eq(key, tag):
                        if frame.filled + offset - used:
                            raise ValueError(
                                f"frame {frame.number}: a tag '{tag}' on item "
                                f"{frame.filled + offset - used}; one expected, on the first item"
                            )
                        vector = np.array(pmt.c32vector_elements(value), np.complex64)
                        setattr(frame, name, vector)
            frame.filled += n
            used += n
            if frame.complete:
                self.ready.append(frame)
                self.filling = None
        return used

    def _start(self, used: int, tags: deque, items: np.ndarray) -> Frame:
        for i, (offset, key, value) in enumerate(tags):
            if offset == used and pmt.eq(key, FRAME_TAG):
                del tags[i]
                number, length = pmt.to_uint64(pmt.car(value)), pmt.to_uint64(pmt.cdr(value))
                return self._frame(number, (length, *items.shape[1:]), items.dtype)
        raise ValueError("an item outside any frame: no 'semcom_frame' tag on its first item")

    def _frame(self, number: int, shape: tuple, dtype) -> Frame:
        """An empty frame in the next place there is."""
        if self._free == self._taken:  # nobody reads what is there
            self._taken = self._free = 0
        if self._room.shape[1:] != shape or self._taken == len(self._room):
            self._room = np.empty((self.together, *shape), dtype)
            self._taken = self._free = 0
        place, self._taken = self._taken, self._taken + 1
        return Frame(number, self._room[place], room=self._room, place=place)


class FrameBlock(gr.basic_block):
    """A block that turns complete frames into frames, as many at once as are waiting.

    Subclasses define ``process(batch)``: ``batch`` is a list of tuples, a frame per input port,
    with equal sequence numbers; the result is a list of tuples (number, array per output port).
    Batching takes what is there and never waits for more.  ``max_batch`` bounds a batch and the
    frames held per port; a full block leaves its input unread: back-pressure, nothing is dropped.
    ``together``: how many frames of one input lie one behind the other in memory.
    """

    def __init__(
        self, name: str, inputs: list, outputs: list, max_batch: int = 16, together: int = 1
    ):
        streams = [[vector(*item) if isinstance(item, tuple) else item for item in items]
                   for items in (inputs, outputs)]  # fmt: skip
        gr.basic_block.__init__(self, name=name, in_sig=streams[0], out_sig=streams[1])
        self.set_tag_propagation_policy(gr.TPP_DONT)  # frames change length; each gets a new tag
        self.max_batch = max_batch
        self.inboxes = [_Inbox(together) for _ in inputs]
        self.outboxes = [deque() for _ in outputs]

    def start(self) -> bool:
        """Each start of the flowgraph begins anew: what an earlier stop cut off is forgotten."""
        self.inboxes = [_Inbox(box.together) for box in self.inboxes]
        for outbox in self.outboxes:
            outbox.clear()
        return True

    def process(self, batch: list) -> list:
        raise TypeError(f"{type(self).__name__} must define process()")

    def match(self) -> list:
        """The tuples of frames that can be processed now; by default number equals number."""
        batch = []
        while len(batch) < self.max_batch and (frames := self.next_frames()):
            batch.append(frames)
        return batch

    def next_frames(self) -> tuple:
        """The next frame of every input, of one number; () if one is lacking."""
        if not all(box.ready for box in self.inboxes):
            return ()
        frames = tuple(box.ready.popleft() for box in self.inboxes)
        if len({frame.number for frame in frames}) > 1:
            numbers = ", ".join(str(frame.number) for frame in frames)
            raise ValueError(f"streams out of step: frame numbers {numbers} side by side")
        return frames

    def forecast(self, noutput_items, ninputs):
        """An item is needed on the first input that has no frame; none while output waits.

        On one input at a time: asked for items on two, the scheduler would leave those of the one
        unread until the other has some, which may be what they are to bring about.
        """
        required = [0] * ninputs
        lacking = [port for port, box in enumerate(self.inboxes) if not box.ready]
        if lacking and not any(self.outboxes):
            required[lacking[0]] = 1
        return required

    @guarded
    def general_work(self, input_items, output_items):
        if not any(self.outboxes):
            results = self.advance(input_items)
            if results is None:
                return WORK_DONE
            for number, *arrays in results:
                for outbox, array in zip(self.outboxes, arrays, strict=True):
                    outbox.append([number, array, 0])
        for port, out in enumerate(output_items):
            self.produce(port, self._write(port, out))
        return WORK_CALLED_PRODUCE

    def advance(self, input_items: list):
        """Take what came in and return the results that follow from it; None ends the block."""
        self._read(input_items)
        return [result for batch in self.next_batches() for result in self.process(batch)]

    def next_batches(self) -> list:
        """What is to be processed now, batch by batch."""
        batch = self.match()
        return [batch] if batch else []

    def _read(self, input_items: list) -> None:
        for port, items in enumerate(input_items):
            if len(items) == 0:
                continue
            tags = [
                (tag.offset - self.nitems_read(port), tag.key, tag.value)
                for tag in self.get_tags_in_window(port, 0, len(items))
            ]
            tags.sort(key=lambda tag: tag[0])
            self.consume(port, self.inboxes[port].take(items, tags, self.max_batch))

    def open_frame(self, port: int, at: int, number: int, length: int) -> None:
        """Tag the frame that begins at item ``at`` of an output."""
        self.add_item_tag(port, at, FRAME_TAG, frame_tag(number, length))

    def _write(self, port: int, out: np.ndarray) -> int:
        written, outbox = 0, self.outboxes[port]
        while outbox and written < len(out):
            number, array, done = outbox[0]
            if done == 0:
                self.open_frame(port, self.nitems_written(port) + written, number, len(array))
            n = min(len(array) - done, len(out) - written)
            out[written : written + n] = array[done : done + n]
            outbox[0][2] += n
            written += n
            if done + n == len(array):
                outbox.popleft()
        return written
