# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A terminal for the tests: it hears what time it is and sends a pulse every so often, by itself.

mock_terminal.py TX_ADDRESS RX_ADDRESS SAMPLE_RATE   prints the time of each pulse [samples]
"""

import sys

import numpy as np
import pmt
from gnuradio import gr, zeromq
from gnuradio.semcom.blocks.device_time import (
    RX_TIME,
    TX_EOB,
    TX_SOB,
    TX_TIME,
    to_index,
    to_pmt,
)

PULSE = np.blackman(64).astype(np.complex64)
AHEAD_S, PERIOD_S = 0.4, 0.15  # ahead of a server that looks for it every 0.2 s


class Pulses(gr.basic_block):
    """The sidelink in, bursts out, each one pulse that is to go on the air AHEAD_S later."""

    def __init__(self, rate):
        gr.basic_block.__init__(self, "pulses", [np.complex64], [np.complex64])
        self.set_tag_propagation_policy(gr.TPP_DONT)
        self.rate, self.next = rate, 0

    def forecast(self, noutput_items, ninputs):
        return [1] * ninputs

    def general_work(self, input_items, output_items):
        count = len(input_items[0])
        times = [
            to_index(tag.value, self.rate)
            for tag in self.get_tags_in_window(0, 0, count)
            if pmt.eq(tag.key, RX_TIME)
        ]
        self.consume(0, count)
        if not times or max(times) < self.next:
            return 0
        at = max(times) + round(AHEAD_S * self.rate)
        self.next = max(times) + round(PERIOD_S * self.rate)
        here = self.nitems_written(0)
        self.add_item_tag(0, here, TX_SOB, pmt.PMT_T)
        self.add_item_tag(0, here, TX_TIME, to_pmt(at, self.rate))
        self.add_item_tag(0, here + len(PULSE) - 1, TX_EOB, pmt.PMT_T)
        output_items[0][: len(PULSE)] = PULSE
        print(at, flush=True)
        return len(PULSE)


def main(tx, rx, rate):
    top, pulses = gr.top_block(), Pulses(float(rate))
    pulses.set_min_noutput_items(len(PULSE))
    item = gr.sizeof_gr_complex
    top.connect(
        zeromq.sub_source(item, 1, rx, 20, True),
        pulses,
        zeromq.push_sink(item, 1, tx, 20, True, 8),
    )
    top.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
