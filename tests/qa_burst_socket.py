# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The socket that bursts come from: what GNU Radio's own sink sends, at once and in its place."""

import itertools

import numpy as np
import pmt
import pytest
import zmq
from gnuradio import blocks, gr, zeromq
from gnuradio.semcom.base.errors import BlockError, SemcomError
from gnuradio.semcom.blocks import burst_socket as burst_module
from gnuradio.semcom.blocks import guard
from gnuradio.semcom.blocks.burst_socket import burst_socket
from streams import make_tag


@pytest.fixture
def address(tmp_path):
    return f"ipc://{tmp_path}/socket"


class Receiver(gr.top_block):
    """A flowgraph of the socket and a sink."""

    def __init__(self, address):
        gr.top_block.__init__(self)
        self.socket, self.sink = burst_socket(address, 8), blocks.vector_sink_c()
        self.connect(self.socket, self.sink)

    def stop(self):
        self.socket.end()
        gr.top_block.stop(self)

    def until(self, count):
        """Run until so many samples have come, or a block fails."""
        beats = itertools.count()
        guard.run(
            self,
            progress=lambda: None if len(self.sink.data()) >= count else next(beats),
            timeout_s=30,
        )


def test_samples_and_tags_are_those_of_gnu_radios_sink(address):
    rng = np.random.default_rng(1)
    sent = (rng.normal(size=20000) + 1j * rng.normal(size=20000)).astype(np.complex64)
    places = sorted(rng.choice(20000, 50, replace=False).tolist())
    tags = [make_tag(place, f"k{place % 3}", pmt.from_long(place)) for place in places]
    top = gr.top_block()
    sink = zeromq.push_sink(gr.sizeof_gr_complex, 1, address, 100, True, 8)
    top.connect(blocks.vector_source_c(sent.tolist(), tags=tags), sink)
    top.start()
    receiver = Receiver(address)
    receiver.until(20000)
    top.wait()
    np.testing.assert_array_equal(np.array(receiver.sink.data(), np.complex64), sent)
    found = sorted(receiver.sink.tags(), key=lambda tag: tag.offset)
    assert [tag.offset for tag in found] == places
    assert [pmt.to_long(tag.value) for tag in found] == places
    assert [str(tag.key) for tag in found] == [f"k{place % 3}" for place in places]


def message(first, samples):
    head = burst_module.HEADER.pack(burst_module.MAGIC, burst_module.VERSION, first, 0)
    return head + samples.tobytes()


def test_samples_that_another_program_got_are_counted_and_told(address, capfd):
    receiver = Receiver(address)
    context = zmq.Context()
    sender = context.socket(zmq.PUSH)
    sender.setsockopt(zmq.SNDTIMEO, 5000)
    sender.bind(address)
    # joined late; then 100 and 50 are missing; then a restart, after which nothing is
    for first in (500, 600, 800, 950, 0, 100):
        sender.send(message(first, np.full(100, first, np.complex64)))
    receiver.until(600)
    context.destroy(linger=0)
    assert [int(x.real) for x in receiver.sink.data()[::100]] == [500, 600, 800, 950, 0, 100]
    assert receiver.socket.missed == 150
    told = capfd.readouterr().err
    assert told.count("samples of the terminal are missing") == 1
    assert f"{address}: 100 samples" in told


def test_a_message_without_tags_ends_the_run_with_one_line(address):
    receiver = Receiver(address)  # first: a socket that sends waits for one that hears
    context = zmq.Context()
    other = context.socket(zmq.PUSH)
    other.setsockopt(zmq.SNDTIMEO, 5000)
    other.bind(address)
    other.send(np.ones(100, np.complex64).tobytes())
    with pytest.raises(BlockError, match="Pass Tags"):
        receiver.until(100)
    context.destroy(linger=0)


def test_an_address_that_is_none_is_refused():
    with pytest.raises(SemcomError, match="nowhere"):
        burst_socket("nowhere", 8)
