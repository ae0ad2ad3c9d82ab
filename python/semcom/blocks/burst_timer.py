# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A block that gives every burst for a device a time."""

import math
import time

import numpy as np
import pmt
from gnuradio import gr

from .device_time import TX_LENGTH, TX_TIME, to_index, to_pmt
from .guard import guarded

LEAD_S = 0.05  # [s] from the arrival of a burst without a time to its transmission
AMPLITUDE = 0.2  # of unit mean power, relative to full scale: peaks are 11 dB above the mean
LONGEST_S = 10.0  # [s] longest turnaround
GAP_S = 0.001  # [s] between successive bursts, in which a device ends one and begins the next


class burst_timer(gr.sync_block):
    """Scales bursts and gives a time to those without one: 50 ms after they came, or directly after
    the burst before.

    A device that starts a burst as soon as its first samples come underflows if the next samples
    are late; a time in the future avoids that.

    Input 0   complex64, bursts without samples in between: tx_sob and tx_length on the first
              sample of each, and tx_time if the burst has a time
    Output 0  complex64, times ``scale``, with the same tags and tx_time on every burst

    now          function that returns the device's time [s]; None: the device has no clock, and
                 bursts without a time get none
    sample_rate  [Hz]
    scale        real factor of the samples

    A sample outside a burst ends the flowgraph with an error.

    """

    def __init__(self, now, sample_rate: float, scale: float):
        gr.sync_block.__init__(self, "burst_timer", [np.complex64], [np.complex64])
        self._now, self.sample_rate, self.scale = now, sample_rate, np.float32(scale)
        self.start()

    def start(self) -> bool:
        self._end = 0  # item after the present burst
        self._free = 0  # sample of the device's time after the latest burst
        self._due = -math.inf  # [s] of time.monotonic(), when the latest burst is transmitted
        return True

    def is_due(self) -> bool:
        """Whether the time of the latest burst has come."""
        return time.monotonic() > self._due

    @guarded
    def work(self, input_items, output_items):
        count = len(input_items[0])
        tags = self.get_tags_in_window(0, 0, count)
        times = {tag.offset: tag.value for tag in tags if pmt.eq(tag.key, TX_TIME)}
        for tag in sorted(tags, key=lambda tag: tag.offset):
            if pmt.eq(tag.key, TX_LENGTH):
                self._check_burst(tag.offset)
                self._end = tag.offset + pmt.to_long(tag.value)
                self._place(tag.offset, pmt.to_long(tag.value), times.get(tag.offset))
        self._check_burst(self.nitems_read(0) + count)
        np.multiply(input_items[0], self.scale, out=output_items[0])
        return count

    def _check_burst(self, until: int) -> None:
        if until > self._end:
            raise ValueError(
                f"sample {self._end} is in no burst; it needs the tags tx_sob and tx_length"
            )

    def _place(self, at: int, length: int, asked) -> None:
        """Tag a burst with a time, unless it has one."""
        if self._now is None:
            self._due = time.monotonic() + (LONGEST_S if asked is not None else 0.0)
            return
        now = self._now() * self.sample_rate
        if asked is not None:
            begins = to_index(asked, self.sample_rate)
        else:
            begins = max(math.ceil(now + LEAD_S * self.sample_rate), self._free)
            self.add_item_tag(0, at, TX_TIME, to_pmt(begins, self.sample_rate))
        self._free = begins + length + math.ceil(GAP_S * self.sample_rate)
        self._due = time.monotonic() + (begins - now) / self.sample_rate
