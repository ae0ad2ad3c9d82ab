# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Bursts as terminals make them, for the ends of radios."""

import numpy as np
from gnuradio import gr
from gnuradio.semcom.blocks.device_time import TX_TIME, mark_burst, to_pmt

DONE = -1


class Bursts(gr.sync_block):
    """Bursts of ones, each given at once.

    lengths      [samples]; those that were not given yet
    sample_rate  [Hz]
    times        first sample of a burst -> [s] of the device's time, of those that have one
    """

    def __init__(self, lengths, sample_rate, times=None):
        gr.sync_block.__init__(self, "bursts", [], [np.complex64])
        self.lengths, self.sample_rate, self.times = list(lengths), sample_rate, times or {}

    def work(self, input_items, output_items):
        if not self.lengths:
            return DONE
        length, at = self.lengths[0], self.nitems_written(0)
        if length > len(output_items[0]):
            return 0
        if at in self.times:
            value = to_pmt(round(self.times[at] * self.sample_rate), self.sample_rate)
            self.add_item_tag(0, at, TX_TIME, value)
        mark_burst(self, 0, at, length)
        output_items[0][:length] = 1
        self.lengths.pop(0)
        return length
