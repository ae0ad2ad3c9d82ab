#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""frame_power through the scheduler, against NumPy."""

import time
import unittest

import numpy as np
import own
import pmt
from gnuradio import blocks, gr, semcom

LENGTHS = [1, 700, 20000, 3]


class TestFramePower(unittest.TestCase):
    def run_over(self, items, tags):
        """-> items that came out, dictionaries that were told, errors."""
        top, source = gr.top_block(), blocks.vector_source_c(items.tolist(), tags=tags)
        power, sink, told = own.frame_power(), blocks.vector_sink_c(), blocks.message_debug(False)
        top.connect(source, power, sink)
        top.msg_connect(power, "power", told, "store")
        top.start()
        top.wait()
        deadline = time.monotonic() + 5  # messages may come after the stream's end
        while told.num_messages() < len(tags) and time.monotonic() < deadline:
            time.sleep(0.01)
        found = [pmt.to_python(told.get_message(i)) for i in range(told.num_messages())]
        return np.array(sink.data(), np.complex64), found, semcom.take_errors()

    def test_powers_are_those_of_numpy_and_items_pass(self):
        rng, tags, offset = np.random.default_rng(1), [], 0
        items = (rng.standard_normal(sum(LENGTHS)) + 1j * rng.standard_normal(sum(LENGTHS))).astype(
            np.complex64
        )
        expected = []
        for number, length in enumerate(LENGTHS):
            tag = gr.tag_t()
            tag.offset, tag.key = offset, pmt.intern("semcom_frame")
            tag.value = pmt.cons(pmt.from_uint64(5 + number), pmt.from_uint64(length))
            tags.append(tag)
            frame = items[offset : offset + length].astype(complex)
            expected.append(10 * np.log10(np.mean(np.abs(frame) ** 2)))
            offset += length
        out, told, errors = self.run_over(items, tags)
        np.testing.assert_array_equal(out, items)
        self.assertEqual([each["frame"] for each in told], [5, 6, 7, 8])
        np.testing.assert_allclose([each["power_db"] for each in told], expected, atol=1e-5)
        self.assertEqual(errors, [])

    def test_an_item_outside_a_frame_is_an_error_in_one_line(self):
        out, told, errors = self.run_over(np.ones(10, np.complex64), [])
        self.assertEqual((len(out), told), (0, []))
        self.assertEqual(len(errors), 1)
        self.assertIn("an item outside a frame found, tags semcom_frame expected", errors[0])


if __name__ == "__main__":
    unittest.main()
