# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What the C++ blocks have in common: restarts, gains, many frames, racing setters."""

import threading
import time

import numpy as np
import pytest
from gnuradio import blocks, gr, semcom
from streams import complex_normal, csi_tag, finish, frame_tags, pack, run, stop

LONG = 10**6
ROW = np.array([1, 1j, -1, -1j], np.complex64)
MAKERS = {
    "inserter": lambda: semcom.pilot_inserter_cc(ROW),
    "cutting inserter": lambda: semcom.pilot_inserter_cc(ROW, 0, LONG),
    "channel": lambda: semcom.mimo_channel_cc(1, 1),
    "estimator": lambda: semcom.ls_estimator_cc(1, [ROW]),
    "storing estimator": lambda: semcom.ls_estimator_cc(1, [ROW], "ls", LONG),
    "detector": lambda: semcom.mimo_detector_cc(1, 1),
    "receiver": lambda: semcom.mimo_receiver_cc(1, [ROW]),
}


def slow_frame() -> tuple[gr.top_block, blocks.throttle, blocks.vector_sink_c]:
    """A flowgraph without its block under test, that stays within its first frame for seconds."""
    top, tags = gr.top_block(), [*frame_tags([LONG]), csi_tag(0, pack(np.eye(1), 0.1))]
    source = blocks.vector_source_c(np.ones(LONG), False, 1, tags)
    throttle, sink = blocks.throttle(gr.sizeof_gr_complex, 1e5), blocks.vector_sink_c()
    top.connect(source, throttle)
    return top, throttle, sink


def wait_for_items(block: gr.block, count: int) -> None:
    deadline = time.monotonic() + 20
    while block.nitems_read(0) < count:
        assert time.monotonic() < deadline, "no items come"
        time.sleep(0.01)


@pytest.mark.parametrize("name", MAKERS)
def test_a_block_stopped_within_a_frame_starts_anew(name):
    semcom.take_errors()
    block, starts = MAKERS[name](), []
    for _ in range(2):
        top, throttle, sink = slow_frame()
        top.connect(throttle, block, sink)
        top.start()
        # The storing estimator writes nothing before the frame's last pilots.
        wait_for_items(block if name == "storing estimator" else sink, 1000)
        stop(top)
        starts.append((np.array(sink.data()[:500]), [tag.offset for tag in sink.tags()]))
    assert semcom.take_errors() == []
    np.testing.assert_array_equal(starts[0][0], starts[1][0])
    assert starts[0][1] == starts[1][1]


def test_time_grows_with_the_frames_not_with_their_square():
    """200000 frames of one symbol; a search of each frame among all took a minute."""
    top, frames = gr.top_block(), 200000
    chain = [
        semcom.pilot_inserter_cc([1], 0, 1),
        semcom.mimo_channel_cc(1, 1),
        semcom.ls_estimator_cc(1, [[1]], "perfect"),
        semcom.mimo_detector_cc(1, 1),
    ]
    sink = blocks.vector_sink_c()
    top.connect(blocks.vector_source_c(np.ones(frames)), *chain, sink)
    finish(top, 30)
    assert semcom.take_errors() == [] and len(sink.data()) == frames


@pytest.mark.parametrize("detector", ["zf", "lmmse"])
@pytest.mark.parametrize("estimator", ["ls", "ls_min_residual", "lmmse", "perfect"])
def test_the_chain_does_not_see_the_receivers_gain(estimator, detector):
    rows = np.array([[1] * 8, [1, -1] * 4], np.complex64)
    x = complex_normal(np.random.default_rng(0), 2, 5 * 40)
    x.reshape(2, 5, 40)[:, :, :8] = rows[:, None]
    outputs = []
    for gain_db in (0, -120, 80):
        chain = [
            semcom.mimo_channel_cc(2, 2, gain_db=gain_db, snr_db=20),
            semcom.ls_estimator_cc(2, rows, estimator),
            semcom.mimo_detector_cc(2, 2, detector),
        ]
        outputs.append(run(x, frame_tags([40] * 5), chain, 2))
    for out in outputs:
        assert out.errors == []
        np.testing.assert_allclose(out.samples, outputs[0].samples, rtol=1e-3, atol=1e-4)
        for (_, said), (_, first) in zip(out.csi(), outputs[0].csi(), strict=True):
            np.testing.assert_allclose(said.no_eff, first.no_eff, rtol=1e-3)
            np.testing.assert_allclose(said.snr, first.snr, rtol=1e-3)


def test_setters_race_with_the_scheduler():
    channel = semcom.mimo_channel_cc(1, 1)
    estimator, detector = semcom.ls_estimator_cc(1, [ROW]), semcom.mimo_detector_cc(1, 1)
    top, ended = gr.top_block(), threading.Event()
    inserter, source = semcom.pilot_inserter_cc(ROW, 0, 50), blocks.null_source(8)
    head = blocks.head(gr.sizeof_gr_complex, 2 * LONG)
    sink = blocks.vector_sink_c()
    top.connect(source, head, inserter, channel, estimator, detector, sink)

    def change() -> None:
        turn = 0
        while not ended.wait(1e-4):
            turn += 1
            channel.set_model(["rayleigh", "awgn", "rician", "none"][turn % 4])
            channel.set_doppler([0.0, 1e-3][turn % 2])
            channel.set_snr_db(turn % 40)
            estimator.set_method(["ls", "lmmse", "perfect", "ls_min_residual"][turn % 4])
            detector.set_method(["zf", "lmmse", "none"][turn % 3])

    changer = threading.Thread(target=change, daemon=True)
    changer.start()
    try:
        finish(top)
    finally:
        ended.set()
        changer.join(10)
    assert not changer.is_alive() and semcom.take_errors() == []
    samples = np.array(sink.data())
    assert len(samples) == 2 * LONG and np.all(np.isfinite(samples))
