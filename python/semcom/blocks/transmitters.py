# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Transmitters: they turn frames of symbols into the samples of bursts and time each burst."""

import math
import time
from collections import OrderedDict, deque

import numpy as np

from ..protocol.burst import BurstFormat
from .device_time import RX_TIME, TX_TIME, mark_burst, to_index, to_pmt
from .frame_block import WORK_CALLED_PRODUCE, FrameBlock
from .guard import guarded
from .heard_schedule import HeardSchedule

NAP_S = 0.001  # [s] between looks at what another block knows
MOST = 1 << 20  # samples that are settled at a time
STARTS = 10000  # frames whose places are remembered
PATIENCE_S = 30.0  # [s] to wait for a frame that is due, where time waits too


class _BurstBlock(FrameBlock):
    """Sends each frame as a run of samples between the tags tx_sob (and tx_length) and tx_eob, as
    UHD wants it.

    ``starts`` tells at which sample of the output the first symbol of a frame's uplink burst was,
    for the last frames.
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
        """An uplink burst's samples begin at sample ``start``."""
        self.sent += 1
        self.starts[number] = start + self.plan.start()
        if len(self.starts) > STARTS:
            self.starts.popitem(last=False)

    def open_frame(self, port, at, number, length):
        mark_burst(self, port, at, length)


class leading_transmitter(_BurstBlock):
    """Sends for the first terminal: for each frame its sidelink bursts, silence, its uplink burst.

    Input 0   complex64, frames of symbols of unit mean power
    Output 0  complex64, samples of unit mean power while a burst is on; tx_sob, tx_length and
              tx_eob on the first and last sample of each frame's run, no time: it is sent as soon
              as it comes

    plan    what both ends agree on (semcom.protocol.burst.BurstFormat)
    system  number of the semantic system, for the headers
    users   terminals on the uplink; with one there is no sidelink
    pause   [s] of silence before and after each frame's run, part of the samples: for radios whose
            time goes on with the samples of all devices (mock_uplink)
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
    """Sends for the second terminal: uplink bursts at the times that the sidelink bursts tell.

    Input 0   complex64, frames of symbols of unit mean power
    Input 1   complex64, what the terminal's antenna hears (with ``continuous``)
    Output 0  complex64, samples of unit mean power while a burst is on.  With ``continuous``: a
              sample for each of input 1, zeros between bursts, for radios whose time goes on with
              the samples of all devices.  Else bursts alone, with the tags tx_sob, tx_length,
              tx_time (full seconds, fraction: device time) and tx_eob, as UHD wants them.

    A frame whose time nothing tells is not sent, nor with ``continuous`` one that comes after its
    time: ``unsent`` counts them.  Else the radio drops a burst that is late, and counts it.

    plan      what both ends agree on
    system    number of the semantic system
    schedule  when frames are due, by the sidelink that is heard
    """

    def __init__(self, plan: BurstFormat, system: int, schedule: HeardSchedule, continuous=False):
        inputs = [np.complex64] * (1 + continuous)
        _BurstBlock.__init__(self, "following_transmitter", inputs, plan, system)
        self.schedule = schedule
        self.continuous = continuous
        self.start()

    def start(self) -> bool:
        self._starts, self._bursts, self._waiting_since = {}, deque(), None
        self._missing = 0  # samples that overflows took from input 1, still to be sent
        self.unsent = 0
        self.schedule.reset()
        return _BurstBlock.start(self)

    def start_of(self, number: int):
        """[samples of device time] where a frame's burst begins; None if nothing tells."""
        due = self.schedule.due(number)
        return None if due is None else due * self.plan.sample_rate - self.plan.start()

    def _burst(self, frame, start: int) -> np.ndarray:
        self.note(frame.number, start)
        return self.plan.uplink(1, 2, frame.number, self.system, frame.items)

    # --- bursts alone, each with its time -------------------------------------------------------

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

    # --- a sample out for each one in -----------------------------------------------------------

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
            time.sleep(NAP_S)  # what other blocks learn wakes nobody here
            return WORK_CALLED_PRODUCE
        self._fill(out[:count])
        if self._missing:
            self._missing -= count
        else:
            self.consume(1, count)
        self.produce(0, count)
        return WORK_CALLED_PRODUCE

    def _until_overflow(self, count: int) -> int:
        """Of ``count`` samples that came, those before the next that an overflow took."""
        rate, here = self.plan.sample_rate, self.nitems_written(0)
        for tag in self.get_tags_in_window(1, 0, count, RX_TIME):
            before = tag.offset - self.nitems_read(1)
            missing = to_index(tag.value, rate) - (here + self._missing + before)
            if missing > 0 and before > 0:
                return before
            self._missing += max(missing, 0)
        return count

    def _plan_bursts(self) -> None:
        """Give the frames that came their places."""
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
        """Samples from here on that are settled: no burst can begin there that is not known.

        A frame that is due and does not come stops the samples, for as long as a machine may take.
        """
        here = self.nitems_written(0)
        until = self.schedule.settled_until()
        first = self.schedule.next_due()
        waits = first is not None and first[1] < until
        if waits:
            until = first[1]
        settled = min(until * self.plan.sample_rate, here + MOST)  # infinite at the end
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
        """Zeros, and bursts at their places."""
        here = self.nitems_written(0)
        out[:] = 0
        for start, samples in self._bursts:
            low, high = max(start, here), min(start + len(samples), here + len(out))
            if low < high:
                out[low - here : high - here] += samples[low - start : high - start]
        while self._bursts and self._bursts[0][0] + len(self._bursts[0][1]) <= here:
            self._bursts.popleft()
