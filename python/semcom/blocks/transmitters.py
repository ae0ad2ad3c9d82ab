# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Transmitters: blocks that modulate frames of symbols as bursts and give each burst its time."""

import math
import time
from collections import OrderedDict, deque

import numpy as np

from ..protocol.burst import BurstFormat
from .device_time import RX_TIME, TX_TIME, mark_burst, to_index, to_pmt
from .frame_block import WORK_CALLED_PRODUCE, FrameBlock
from .guard import guarded
from .heard_schedule import HeardSchedule

NAP_S = 0.001  # [s] between two readings of another block's state
MOST = 1 << 20  # most samples that are decided at a time
STARTS = 10000  # latest frames whose first samples are kept
PATIENCE_S = 30.0  # [s] to wait for a due frame while simulated time waits, too


class _BurstBlock(FrameBlock):
    """Base of the transmitters: a frame is a run of samples with the tags tx_sob, tx_length and
    tx_eob, as UHD needs them.

    ``starts`` is {frame: output sample of the first symbol of its uplink burst} of the last frames.
    """

    def __init__(self, name, inputs, plan: BurstFormat, system: int):
        FrameBlock.__init__(self, name, inputs, [np.complex64], 1)
        self.plan, self.system = plan, system
        self.sent, self.starts = 0, OrderedDict()

    def start(self) -> bool:
        self.sent = 0
        self.starts.clear()
        return FrameBlock.start(self)

    def note(self, number: int, start: int) -> None:
        """Note that the samples of a frame's uplink burst begin at output sample ``start``."""
        self.sent += 1
        self.starts[number] = start + self.plan.start()
        if len(self.starts) > STARTS:
            self.starts.popitem(last=False)

    def open_frame(self, port, at, number, length):
        mark_burst(self, port, at, length)


class leading_transmitter(_BurstBlock):
    """The first terminal's transmitter: sends each frame's sidelink bursts, silence, uplink burst.

    Input 0   complex64, frames of symbols of unit mean power
    Output 0  complex64, samples of unit mean power during a burst; tx_sob, tx_length and tx_eob on
              the first and last sample of each frame's run.  It has no time: it is sent as soon as
              it comes

    plan    burst format of both ends (semcom.protocol.burst.BurstFormat)
    system  number of the semantic system in the headers
    users   number of terminals on the uplink; with one there is no sidelink
    pause   [s] silence before and after each frame's run, as samples: for radios whose time
            advances with the samples of all devices (mock_uplink)
    """

    def __init__(self, plan: BurstFormat, system: int, users=2, pause=0.0):
        _BurstBlock.__init__(self, "leading_transmitter", [np.complex64], plan, system)
        self.users = users
        self.pause = round(pause * plan.sample_rate)

    def process(self, batch):
        (frame,) = batch[0]
        run = self.plan.run(self.users, frame.number, self.system, frame.items)
        return [(frame.number, np.pad(run, self.pause))]

    def open_frame(self, port, at, number, length):
        self.note(number, at + self.pause + self.plan.uplink_at(self.users))
        _BurstBlock.open_frame(self, port, at, number, length)


class following_transmitter(_BurstBlock):
    """The second terminal's transmitter: sends uplink bursts at times defined by sidelink bursts.

    Input 0   complex64, frames of symbols of unit mean power
    Input 1   complex64, samples of the terminal's antenna (with ``continuous``)
    Output 0  complex64, samples of unit mean power during a burst.  With ``continuous``: a sample
              for each of input 1, zeros between bursts, for radios whose time advances with the
              samples of all devices.  Otherwise only bursts, with the tags tx_sob, tx_length,
              tx_time (whole seconds, fraction: device time) and tx_eob, as UHD needs them.

    A frame whose time is unknown is not sent; with ``continuous``, also none that comes after its
    time: ``unsent`` counts these.  Without ``continuous`` the radio drops and counts late bursts.

    plan      burst format of both ends (semcom.protocol.burst.BurstFormat)
    system    number of the semantic system in the headers
    schedule  times of the frames, from received sidelink bursts (HeardSchedule)
    continuous  put out a sample for each sample of input 1
    """

    def __init__(self, plan: BurstFormat, system: int, schedule: HeardSchedule, continuous=False):
        inputs = [np.complex64] * (1 + continuous)
        _BurstBlock.__init__(self, "following_transmitter", inputs, plan, system)
        self.schedule = schedule
        self.continuous = continuous
        self.start()

    def start(self) -> bool:
        self._starts, self._bursts, self._waiting_since = {}, deque(), None
        self._missing = 0  # samples lost on input 1, for which zeros are still to be sent
        self.unsent = 0
        self.schedule.reset()
        return _BurstBlock.start(self)

    def start_of(self, number: int):
        """Device time [samples] at which a frame's burst begins; None if it is unknown."""
        due = self.schedule.due(number)
        return None if due is None else due * self.plan.sample_rate - self.plan.start()

    def _burst(self, frame, start: int) -> np.ndarray:
        self.note(frame.number, start)
        return self.plan.uplink(1, 2, frame.number, self.system, frame.items)

    # --- only bursts, each with its time --------------------------------------------------------

    def process(self, batch):
        self.schedule.look()
        (frame,) = batch[0]
        start = self.start_of(frame.number)
        self.schedule.settle(frame.number)
        if start is None:
            self.unsent += 1
            return []
        self._starts[frame.number] = round(start)
        return [(frame.number, self._burst(frame, round(start)))]

    def open_frame(self, port, at, number, length):
        time = to_pmt(self._starts.pop(number), self.plan.sample_rate)
        self.add_item_tag(port, at, TX_TIME, time)
        _BurstBlock.open_frame(self, port, at, number, length)

    # --- continuous: an output sample for each input sample --------------------------------------

    def forecast(self, noutput_items, ninputs):
        if not self.continuous:
            return FrameBlock.forecast(self, noutput_items, ninputs)
        return [0, 1]

    @guarded
    def general_work(self, input_items, output_items):
        if not self.continuous:
            return FrameBlock.general_work(self, input_items, output_items)
        self._read(input_items[:1])
        self.schedule.look()
        self._plan_bursts()
        out = output_items[0]
        heard = self._until_overflow(len(input_items[1]))
        count = min(len(out), self._missing or heard, self._free())
        if count <= 0:
            time.sleep(NAP_S)  # polled: the schedule cannot wake this block
            return WORK_CALLED_PRODUCE
        self._fill(out[:count])
        if self._missing:
            self._missing -= count
        else:
            self.consume(1, count)
        self.produce(0, count)
        return WORK_CALLED_PRODUCE

    def _until_overflow(self, count: int) -> int:
        """The number of the ``count`` new samples before the next overflow."""
        rate, here = self.plan.sample_rate, self.nitems_written(0)
        for tag in self.get_tags_in_window(1, 0, count, RX_TIME):
            before = tag.offset - self.nitems_read(1)
            missing = to_index(tag.value, rate) - (here + self._missing + before)
            if missing > 0 and before > 0:
                return before
            self._missing += max(missing, 0)
        return count

    def _plan_bursts(self) -> None:
        """Modulate the waiting frames and place them in the output."""
        frames = self.inboxes[0].ready
        while frames:
            frame = frames.popleft()
            start = self.start_of(frame.number)
            self.schedule.settle(frame.number)
            if start is None or round(start) < self.nitems_written(0):
                self.unsent += 1
            else:
                self._bursts.append((round(start), self._burst(frame, round(start))))

    def _free(self) -> int:
        """Number of next samples in which no unknown burst can begin any more.

        A due frame that has not come yet stops the output, for PATIENCE_S at most.
        """
        here = self.nitems_written(0)
        until = self.schedule.settled_until()
        first = self.schedule.next_due()
        waits = first is not None and first[1] < until
        if waits:
            until = first[1]
        # ``until`` is infinite after the last burst.
        settled = min(until * self.plan.sample_rate, here + MOST)
        free = math.floor(settled) - self.plan.start() - here
        if free > 0 or not waits:
            self._waiting_since = None
            return free
        now = time.monotonic()
        self._waiting_since = self._waiting_since or now
        if now - self._waiting_since > PATIENCE_S:
            self.schedule.settle(first[0])
            self.unsent += 1
        return 0

    def _fill(self, out: np.ndarray) -> None:
        """Fill the output with zeros and bursts."""
        here = self.nitems_written(0)
        out[:] = 0
        for start, samples in self._bursts:
            low, high = max(start, here), min(start + len(samples), here + len(out))
            if low < high:
                out[low - here : high - here] += samples[low - start : high - start]
        while self._bursts and self._bursts[0][0] + len(self._bursts[0][1]) <= here:
            self._bursts.popleft()
