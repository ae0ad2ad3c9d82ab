# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""FrameBlock through the scheduler: frames of any length, tags, order, and what is refused.

Blocks written in Python are kept in variables: GNU Radio does not keep them alive.
"""

import numpy as np
import pmt
import pytest
from gnuradio import blocks, gr
from gnuradio.semcom.blocks.frame_block import FRAME_TAG, FrameBlock, frame_tag
from gnuradio.semcom.blocks.guard import BlockError, guarded
from gnuradio.semcom.blocks.system_block import by_length, side_by_side


class doubler(FrameBlock):
    """Every frame twice as long, its items repeated; two inputs are added."""

    def __init__(self, inputs=1, max_batch=4):
        FrameBlock.__init__(self, "doubler", [np.complex64] * inputs, [np.complex64], max_batch)
        self.batches = []

    def process(self, batch):
        self.batches.append(len(batch))
        return [(f[0].number, np.repeat(sum(x.items for x in f), 2)) for f in batch]


def frames_source(lengths, numbers=None, seed=0, tag_lengths=None):
    """A vector source of random frames; returns (block, list of arrays)."""
    rng = np.random.default_rng(seed)
    numbers = range(len(lengths)) if numbers is None else numbers
    arrays = [rng.normal(size=n) + 1j * rng.normal(size=n) for n in lengths]
    tags, at = [], 0
    for number, array, length in zip(numbers, arrays, tag_lengths or lengths, strict=True):
        tag = gr.tag_t()
        tag.offset, tag.key, tag.value = at, FRAME_TAG, frame_tag(number, length)
        tags.append(tag)
        at += len(array)
    source = blocks.vector_source_c(np.concatenate(arrays).tolist(), False, 1, tags)
    return source, [a.astype(np.complex64) for a in arrays]


def tags_of(sink):
    return [
        (t.offset, pmt.to_uint64(pmt.car(t.value)), pmt.to_uint64(pmt.cdr(t.value)))
        for t in sorted(sink.tags(), key=lambda t: t.offset)
        if pmt.eq(t.key, FRAME_TAG)
    ]


LENGTHS = [1, 7, 30000, 2, 8192, 64, 64, 64, 64, 64, 64, 100001]


def test_frames_of_any_length_pass_with_their_tags(run_flowgraph):
    source, arrays = frames_source(LENGTHS, numbers=range(5, 5 + len(LENGTHS)))
    block, sink, top = doubler(), blocks.vector_sink_c(), gr.top_block()
    top.connect(source, block, sink)
    run_flowgraph(top)
    np.testing.assert_array_equal(
        np.array(sink.data(), np.complex64), np.repeat(np.concatenate(arrays), 2)
    )
    starts = np.cumsum([0] + [2 * n for n in LENGTHS[:-1]])
    assert tags_of(sink) == [
        (s, 5 + i, 2 * n) for i, (s, n) in enumerate(zip(starts, LENGTHS, strict=True))
    ]
    assert max(block.batches) <= 4


def test_two_inputs_are_joined_by_number(run_flowgraph):
    (a, xs), (b, ys) = frames_source(LENGTHS, seed=1), frames_source(LENGTHS, seed=2)
    block, sink, top = doubler(2), blocks.vector_sink_c(), gr.top_block()
    top.connect(a, (block, 0))
    top.connect(b, (block, 1))
    top.connect(block, sink)
    run_flowgraph(top)
    expected = np.repeat(np.concatenate(xs) + np.concatenate(ys), 2)
    np.testing.assert_allclose(np.array(sink.data()), expected, rtol=1e-6)


def test_an_unfinished_last_frame_is_dropped(run_flowgraph):
    source, arrays = frames_source([10, 20], tag_lengths=[10, 25])
    block, sink, top = doubler(), blocks.vector_sink_c(), gr.top_block()
    top.connect(source, block, sink)
    run_flowgraph(top)
    assert len(sink.data()) == 20


@pytest.mark.parametrize(
    ("lengths", "tag_lengths", "complaint"),
    [
        ([10, 20], [12, 20], "before the one before it is complete"),
        ([10, 20], [8, 20], "outside a frame"),
    ],
)
def test_wrong_tags_end_the_flowgraph_with_one_line(run_flowgraph, lengths, tag_lengths, complaint):
    source, _ = frames_source(lengths, tag_lengths=tag_lengths)
    block, top = doubler(), gr.top_block()
    top.connect(source, block, blocks.null_sink(8))
    with pytest.raises(BlockError, match=complaint) as caught:
        run_flowgraph(top)
    assert "doubler" in str(caught.value) and "\n" not in str(caught.value)


def test_streams_out_of_step_are_refused(run_flowgraph):
    a, _ = frames_source([10, 10])
    b, _ = frames_source([10, 10], numbers=[0, 2])
    block, top = doubler(2), gr.top_block()
    top.connect(a, (block, 0))
    top.connect(b, (block, 1))
    top.connect(block, blocks.null_sink(8))
    with pytest.raises(BlockError, match="out of step: frames 1, 2"):
        run_flowgraph(top)


class failing(gr.sync_block):
    """Fails in work(), or in a message handler."""

    def __init__(self, in_handler=False):
        gr.sync_block.__init__(self, "failing", [np.complex64], [np.complex64])
        self.in_handler = in_handler
        self.message_port_register_in(pmt.intern("in"))
        self.set_msg_handler(pmt.intern("in"), self.handle)

    @guarded
    def handle(self, message):
        raise RuntimeError("the handler broke")

    @guarded
    def work(self, input_items, output_items):
        if not self.in_handler:
            raise RuntimeError("the radio is on fire")
        output_items[0][:] = input_items[0]
        return len(output_items[0])


def test_an_exception_in_work_stops_an_endless_flowgraph(run_flowgraph):
    block, top = failing(), gr.top_block()
    top.connect(blocks.null_source(8), block, blocks.null_sink(8))
    with pytest.raises(BlockError, match="failing.*the radio is on fire"):
        run_flowgraph(top)


def test_an_exception_in_a_handler_stops_an_endless_flowgraph(run_flowgraph):
    top, block = gr.top_block(), failing(in_handler=True)
    top.connect(blocks.null_source(8), block, blocks.null_sink(8))
    strobe = blocks.message_strobe(pmt.PMT_T, 20)
    top.msg_connect(strobe, "strobe", block, "in")
    with pytest.raises(BlockError, match="the handler broke"):
        run_flowgraph(top)


UNSUPERVISED = """
import sys
sys.path.insert(0, "tests")
from gnuradio import blocks, gr
from qa_frame_block import failing
top, block = gr.top_block(), failing()
top.connect(blocks.null_source(8), block, blocks.null_sink(8))
top.start()
top.wait()
"""


def test_a_generated_flowgraph_exits_non_zero_by_itself(program):
    done = program("-c", UNSUPERVISED, timeout=60)
    assert done.returncode == 1
    assert "error: " in done.stderr and "the radio is on fire" in done.stderr


def test_a_start_forgets_the_frame_that_the_last_stop_cut_off(run_flowgraph):
    source, _ = frames_source([60], tag_lengths=[100])
    block, sink, top = doubler(), blocks.vector_sink_c(), gr.top_block()
    top.connect(source, block, sink)
    run_flowgraph(top)
    assert len(sink.data()) == 0
    tag = gr.tag_t()
    tag.offset, tag.key, tag.value = 0, FRAME_TAG, frame_tag(7, 3)
    source.set_data([1, 2, 3], [tag])
    run_flowgraph(top)
    np.testing.assert_array_equal(sink.data(), [1, 1, 2, 2, 3, 3])


def test_a_csi_inside_a_frame_is_refused(run_flowgraph):
    tags = [gr.tag_t(), gr.tag_t()]
    tags[0].offset, tags[0].key, tags[0].value = 0, FRAME_TAG, frame_tag(4, 9)
    tags[1].offset, tags[1].key = 3, pmt.intern("csi")
    tags[1].value = pmt.init_c32vector(1, [1 + 1j])
    source, block = blocks.vector_source_c([1] * 9, False, 1, tags), doubler()
    sink, top = blocks.null_sink(gr.sizeof_gr_complex), gr.top_block()
    top.connect(source, block, sink)
    with pytest.raises(BlockError, match="frame 4: a tag 'csi' on item 3; expected one"):
        run_flowgraph(top)


class stacker(FrameBlock):
    """Every frame as it came, by way of the memory of its batch, which is given back."""

    def __init__(self, together):
        FrameBlock.__init__(self, "stacker", [np.complex64], [np.complex64], 4, together)
        self.apart = self.batches = 0

    def process(self, batch):
        results = []
        for run in by_length(batch):
            frames = [frame for (frame,) in run]
            stacked = side_by_side(frames)
            self.apart += stacked.base is not frames[0].room
            self.batches += 1
            results += [(f.number, row) for f, row in zip(frames, stacked, strict=True)]
            for frame in frames:
                self.inboxes[0].recycle(frame)
        return results


@pytest.mark.parametrize("together", [1, 4])
def test_frames_side_by_side_stay_what_they_were(run_flowgraph, together):
    lengths = [*[3000] * 30, *LENGTHS, *[500] * 30]
    source, arrays = frames_source(lengths)
    block, sink, top = stacker(together), blocks.vector_sink_c(), gr.top_block()
    top.connect(source, block, sink)
    run_flowgraph(top)
    np.testing.assert_array_equal(np.array(sink.data(), np.complex64), np.concatenate(arrays))
    assert tags_of(sink) == [
        (int(np.sum(lengths[:i])), i, length) for i, length in enumerate(lengths)
    ]
    if together == 4:
        assert block.apart < block.batches  # some were not copied
