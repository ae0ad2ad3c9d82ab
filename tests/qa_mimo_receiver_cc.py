# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""mimo_receiver_cc, whose results are those of ls_estimator_cc and mimo_detector_cc to the bit."""

import time

import numpy as np
import pmt
import pytest
from gnuradio import blocks, gr, semcom
from streams import complex_normal, csi_tag, finish, frame_tags, pack, run, running

PAYLOADS = [1, 8, 30, 57]
ESTIMATORS = ["ls", "ls_min_residual", "lmmse", "perfect", "none"]


def rows_of(k: int, p: int) -> np.ndarray:
    """Rows of a DFT matrix."""
    return np.exp(2j * np.pi * np.outer(np.arange(k), np.arange(p)) / p).astype(np.complex64)


def sent_frames(rows: np.ndarray, spacing: int) -> tuple[np.ndarray, list[int]]:
    """Frames with random payloads: the streams of all transmitters, the lengths with pilots."""
    rng, streams, lengths = np.random.default_rng(len(rows)), [], []
    for row in rows:
        payload = complex_normal(rng, sum(PAYLOADS))
        out = run([payload], frame_tags(PAYLOADS), semcom.pilot_inserter_cc(row, spacing), 1)
        streams.append(out.samples[0])
        lengths = [length for _, _, length in out.frames()]
    return np.array(streams), lengths


def told(out) -> list:
    """What the tags of all ports say."""
    return [
        [(tag.offset, str(tag.key), pmt.serialize_str(tag.value)) for tag in tags]
        for tags in out.tags
    ]


@pytest.mark.parametrize("interpolation", ["nearest", "linear"])
@pytest.mark.parametrize("spacing", [0, 10])
@pytest.mark.parametrize("detector", ["zf", "lmmse", "none"])
@pytest.mark.parametrize("csi", ESTIMATORS)
@pytest.mark.parametrize(("m", "k"), [(1, 1), (2, 2), (3, 2)])
def test_it_is_the_estimator_and_the_detector(m, k, csi, detector, spacing, interpolation):
    if csi == "none":
        detector = "none"
    rows = rows_of(k, 6)
    streams, lengths = sent_frames(rows, spacing)
    channel = {"snr_db": 12.0, "doppler": 1e-3 if spacing else 0.0, "seed": 3}

    def through(*blocks_after):
        first = semcom.mimo_channel_cc(k, m, "rayleigh", **channel)
        return run(streams, frame_tags(lengths), [first, *blocks_after], k)

    two = through(
        semcom.ls_estimator_cc(m, rows, csi, spacing, interpolation),
        semcom.mimo_detector_cc(m, k, detector),
    )
    one = through(semcom.mimo_receiver_cc(m, rows, csi, detector, spacing, interpolation))
    assert one.errors == two.errors == []
    assert one.samples.shape == (k, sum(PAYLOADS))
    np.testing.assert_array_equal(one.samples, two.samples)
    assert told(one) == told(two)


def test_pilots_that_are_not_finite_lose_their_frame_alone():
    rows = rows_of(2, 6)
    streams, lengths = sent_frames(rows, 0)
    streams[1, 2] = np.nan
    out = run(streams, frame_tags(lengths), semcom.mimo_receiver_cc(2, rows), 2)
    assert out.errors == []
    np.testing.assert_array_equal(out.samples[:, : PAYLOADS[0]], 0)
    first, *others = [state.no_eff for _, state in out.csi()]
    assert np.all(np.isinf(first)) and np.all(np.isfinite(others))


def test_set_methods_acts_on_whole_frames_of_a_running_flowgraph():
    block = semcom.mimo_receiver_cc(1, [[2, 2, 2, 2]], "none", "none")
    with running(block, frame_tags([40])) as sink:
        block.set_methods("ls", "zf")
        for wrong, message in [
            (("best", "zf"), "method: 'best' is no estimator"),
            (("ls", "mmse"), "method: 'mmse' is no detector"),
            (("none", "zf"), "csi: 'none' gives the detector zf no channel"),
        ]:
            with pytest.raises(ValueError, match=message):
                block.set_methods(*wrong)
    x = np.array(sink.data())  # H is 1 / 2
    change = int(np.argmax(x == 2))
    assert change > 0 and change % 36 == 0
    assert np.all(x[:change] == 1) and np.all(x[change:] == 2)
    keys = [(tag.offset, pmt.symbol_to_string(tag.key)) for tag in sink.tags()]
    assert min(offset for offset, key in keys if key == "csi") == change


def test_csi_is_published_to_those_who_listen():
    rows = rows_of(2, 6)
    streams, lengths = sent_frames(rows, 0)
    block, store = semcom.mimo_receiver_cc(2, rows), blocks.message_debug()
    top, sinks = gr.top_block(), [blocks.vector_sink_c() for _ in range(2)]
    for port, stream in enumerate(streams):
        source = blocks.vector_source_c(stream, False, 1, frame_tags(lengths, [4, 6, 9, 12]))
        top.connect(source, (block, port), sinks[port])
    top.msg_connect(block, "csi", store, "store")
    finish(top)
    deadline = time.monotonic() + 5
    while store.num_messages() < len(lengths) and time.monotonic() < deadline:
        time.sleep(0.01)
    messages = [store.get_message(i) for i in range(store.num_messages())]
    assert [pmt.to_uint64(pmt.car(each)) for each in messages] == [4, 6, 9, 12]
    tags = [tag.value for tag in sinks[0].tags() if pmt.symbol_to_string(tag.key) == "csi"]
    assert all(pmt.equal(pmt.cdr(each), tag) for each, tag in zip(messages, tags, strict=True))


@pytest.mark.parametrize(("m", "k"), [(1, 1), (2, 1), (3, 2), (3, 3), (8, 8)])
def test_the_truth_of_another_number_of_streams_is_an_error(m, k):
    """It ended the program: the block read and wrote streams that it does not have."""
    tags, truth = frame_tags([20]), csi_tag(0, pack(np.ones((m, k)), 0.1), "csi_true")
    block = semcom.mimo_receiver_cc(2, rows_of(2, 6), "perfect")
    out = run(np.ones((2, 20)), [[*tags, truth], tags], block, 2)
    assert len(out.errors) == 1
    assert f"csi_true: the tag at item 0 is of M={m}, K={k}, but this block" in out.errors[0]


@pytest.mark.parametrize("spacing", [0, 10])
def test_a_frame_cut_short_by_the_end_does_not_hang(spacing):
    rows = rows_of(2, 6)
    streams, lengths = sent_frames(rows, spacing)
    block = semcom.mimo_receiver_cc(2, rows, "ls", "zf", spacing)
    out = run(streams[:, :-3], frame_tags(lengths), block, 2)
    assert out.errors == []
    whole = sum(PAYLOADS[:-1]) if spacing else sum(PAYLOADS) - 3
    assert out.samples.shape[1] == whole


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, [[1]]), "num_rx: 0 found"),
        ((9, [[1]]), "num_rx: 9 found"),
        ((2, []), "pilots: 0 rows"),
        ((1, rows_of(2, 6)), "pilots: 2 rows found, at most num_rx = 1"),
        ((2, [[1, 1], [2, 2]]), "rank"),
        ((2, rows_of(2, 6), "best"), "'best' is no estimator"),
        ((2, rows_of(2, 6), "ls", "mmse"), "'mmse' is no detector"),
        ((2, rows_of(2, 6), "none", "zf"), "csi: 'none'"),
        ((2, rows_of(2, 6), "ls", "zf", -1), "spacing"),
        ((2, rows_of(2, 6), "ls", "zf", 8, "cubic"), "'cubic' is unknown"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        semcom.mimo_receiver_cc(*arguments)
    assert "\n" not in str(error.value)
