# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The base of blocks that process whole semantic frames: it collects, batches and emits frames.

A frame is a run of items whose first one carries the tag ``semcom_frame`` with the pair (sequence
number, length in items).  Frames may have any length, also beyond GNU Radio's buffers: items are
copied out of the input buffer as they come.
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

    ``number`` holds frame, fragment and attempt (``semcom.protocol.frames``), which come in the tag
    ``semcom_frame`` or in a tag of frame_sync_cc beside it.  ``csi`` and ``truth`` are the packed
    vectors of the tags csi and csi_true on the first item (``semcom.phy.csi``), or None.  ``items``
    is row ``place`` of the array ``room``.
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
        """Whether all items have come."""
        return self.filled == len(self.items)


def frame_tag(number: int, length: int):
    """The value of the tag ``semcom_frame``: the pair (sequence number, length in items)."""
    return pmt.cons(pmt.from_uint64(number), pmt.from_uint64(length))


def vector(dtype, length: int):
    """The port signature of a stream of vectors, or of single items if the length is 1."""
    return dtype if length == 1 else (dtype, length)


class _Inbox:
    """The frames of one input port: the complete ones in ``ready``, the present one in ``filling``.

    together  number of frames of equal length that are stored in one array
    """

    def __init__(self, together: int):
        self.ready = deque()
        self.filling = None
        self.together = together
        self._room, self._taken, self._free = np.empty((0, 0)), 0, 0

    def recycle(self, frame: Frame) -> None:
        """Reuse the memory of a frame that is no longer read: new memory costs as much time as the
        copy of a clip."""
        if frame.room is self._room:
            self._free += 1

    def take(self, items: np.ndarray, tags: list, limit: int) -> int:
        """Copy items into frames until ``limit`` frames are ready; returns the number of items
        used."""
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
                                f"{frame.filled + offset - used}; expected one, on the first item"
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
        raise ValueError("an item outside a frame: its first item needs the tag 'semcom_frame'")

    def _frame(self, number: int, shape: tuple, dtype) -> Frame:
        """An empty frame in the next free row of ``room``."""
        if self._free == self._taken:  # no row is read any more
            self._taken = self._free = 0
        if self._room.shape[1:] != shape or self._taken == len(self._room):
            self._room = np.empty((self.together, *shape), dtype)
            self._taken = self._free = 0
        place, self._taken = self._taken, self._taken + 1
        return Frame(number, self._room[place], room=self._room, place=place)


class FrameBlock(gr.basic_block):
    """A block that processes complete frames, all that wait in one batch.

    Subclasses define ``process(batch)``: ``batch`` is a list of tuples, a frame per input port,
    with equal sequence numbers; the result is a list of tuples (number, array per output port).

    A batch holds the frames that are complete and never waits for more.  Nothing is dropped: a
    block with ``max_batch`` frames per port leaves its input unread (back-pressure).

    name       name of the block
    inputs     port signatures: NumPy type, or (type, length) of vectors
    outputs    port signatures
    max_batch  most frames of a batch, and most frames that are held per port
    together   number of frames of an input that are stored in one array
    """

    def __init__(
        self, name: str, inputs: list, outputs: list, max_batch: int = 16, together: int = 1
    ):
        streams = [[vector(*item) if isinstance(item, tuple) else item for item in items]
                   for items in (inputs, outputs)]  # fmt: skip
        gr.basic_block.__init__(self, name=name, in_sig=streams[0], out_sig=streams[1])
        self.set_tag_propagation_policy(gr.TPP_DONT)  # output frames get new tags
        self.max_batch = max_batch
        self.inboxes = [_Inbox(together) for _ in inputs]
        self.outboxes = [deque() for _ in outputs]

    def start(self) -> bool:
        """Forgets the frames that an earlier stop of the flowgraph left incomplete."""
        self.inboxes = [_Inbox(box.together) for box in self.inboxes]
        for outbox in self.outboxes:
            outbox.clear()
        return True

    def process(self, batch: list) -> list:
        raise TypeError(f"{type(self).__name__} must define process()")

    def match(self) -> list:
        """The tuples of frames that can be processed now; by default frames of equal numbers."""
        batch = []
        while len(batch) < self.max_batch and (frames := self.next_frames()):
            batch.append(frames)
        return batch

    def next_frames(self) -> tuple:
        """The next frame of every input, with equal numbers; () if one is missing."""
        if not all(box.ready for box in self.inboxes):
            return ()
        frames = tuple(box.ready.popleft() for box in self.inboxes)
        if len({frame.number for frame in frames}) > 1:
            numbers = ", ".join(str(frame.number) for frame in frames)
            raise ValueError(f"the inputs are out of step: frames {numbers} at the same time")
        return frames

    def forecast(self, noutput_items, ninputs):
        """An item is needed on the first input without a frame; none while output waits.

        Only one input is asked for: if two were, the scheduler would leave the items of one unread
        until the other has items, which may depend on the unread ones.
        """
        required = [0] * ninputs
        lacking = [port for port, box in enumerate(self.inboxes) if not box.ready]
        if lacking and not any(self.outboxes):
            required[lacking[0]] = 1
        return required

    def is_heard(self, port) -> bool:
        """Whether an output message port is connected."""
        return pmt.is_pair(self.message_subscribers(port))

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
        """Read the inputs and return the new results; None ends the block."""
        self._read(input_items)
        return [result for batch in self.next_batches() for result in self.process(batch)]

    def next_batches(self) -> list:
        """The batches to be processed now."""
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
