# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""frame_sync_cc in the scheduler: values, tags, reports, counts, ends."""

import numpy as np
import pmt
import pytest
from gnuradio import blocks, gr, semcom
from gnuradio.semcom import core
from gnuradio.semcom.blocks.device_time import to_pmt
from gnuradio.semcom.protocol.burst import BurstFormat
from header_code import naive_code
from streams import complex_normal, make_tag, unpack

PLAN = BurstFormat()
H = np.array([[1.0, 0.6j], [-0.5, 0.9]])
NOISE = 0.01
PAYLOAD = 200
RATE = PLAN.sample_rate
VERSION_1 = f"{41:032b}{0:08b}{640:016b}{4:08b}"  # frame, terminal, length, system


class Air:
    """Samples of two antennas: noise, and bursts of both users at their times."""

    def __init__(self, seed=0):
        self.rng = np.random.default_rng(seed)
        self.pieces, self.sent, self.starts = [], [], []

    def pause(self, count):
        self.pieces.append(np.zeros((2, count)))
        return self

    def burst(self, number, users=(0, 1), system=4, cfo_hz=(3e3, -5e3), lengths=(PAYLOAD,) * 2,
              fragment=(0, 1, 0)):  # fmt: skip
        """``fragment``: number, count, attempt."""
        payloads = [complex_normal(self.rng, length) for length in lengths]
        waves = [wave(k, number, system, payloads[k], fragment) for k in (0, 1)]
        longest = max(map(len, waves))
        waves = [np.pad(each, (0, longest - len(each))) for each in waves]
        n = np.arange(longest)
        heard = sum(
            H[:, k : k + 1] * waves[k] * np.exp(2j * np.pi * cfo_hz[k] * n / RATE) for k in users
        )
        self.starts.append(sum(piece.shape[1] for piece in self.pieces) + PLAN.start())
        self.pieces.append(heard)
        self.sent.append((number, payloads))
        return self

    def samples(self):
        clean = np.concatenate(self.pieces, 1)
        noisy = clean + np.sqrt(NOISE * PLAN.sps) * complex_normal(self.rng, *clean.shape)
        return noisy.astype(np.complex64)


def wave(user, number, system, payload, fragment=(0, 1, 0)):
    """Samples of a burst of unit mean power."""
    row = PLAN.rows(2)[user]
    header = core.FrameHeader(number, user, len(payload), system, *fragment)
    symbols = core.assemble_burst(PLAN.layout(2), user, header, row, payload)
    return np.sqrt(PLAN.sps) * core.shape_symbols(symbols, PLAN.pulse)


def run(samples, run_flowgraph, tags=(), **options):
    """Through the block -> (block, streams of each port, tags of each port, messages)."""
    options = {"spacing": PLAN.pilot_spacing, **options}
    block = semcom.frame_sync_cc(2, PLAN.rows(2), RATE, PLAN.sps, **options)
    top, sinks = gr.top_block(), [blocks.vector_sink_c() for _ in range(2)]
    told = blocks.message_debug()
    for port in range(2):
        source = blocks.vector_source_c(samples[port].tolist(), tags=list(tags) * (port == 0))
        top.connect(source, (block, port))
        top.connect((block, port), sinks[port])
    top.msg_connect(block, "bursts", told, "store")
    run_flowgraph(top)
    messages = [pmt.to_python(told.get_message(i)) for i in range(told.num_messages())]
    streams = [np.array(sink.data(), np.complex64) for sink in sinks]
    if len(streams[0]) == len(streams[1]):
        streams = np.array(streams)
    return block, streams, [list(sink.tags()) for sink in sinks], messages


def frames(tags):
    """(offset, number, length) of the semcom_frame tags of a port."""
    return [
        (tag.offset, pmt.to_uint64(pmt.car(tag.value)), pmt.to_uint64(pmt.cdr(tag.value)))
        for tag in tags
        if pmt.eq(tag.key, pmt.intern("semcom_frame"))
    ]


def fragments(tags):
    """(offset, (number, count, attempt)) of the semcom_fragment tags of a port."""
    key = pmt.intern("semcom_fragment")
    return [(tag.offset, pmt.to_python(tag.value)) for tag in tags if pmt.eq(tag.key, key)]


def test_bursts_become_frames_with_their_channel(run_flowgraph):
    air = Air(1).pause(9000).burst(7).pause(30000).burst(8).pause(500)
    block, streams, tags, _ = run(air.samples(), run_flowgraph)
    assert frames(tags[0]) == frames(tags[1]) == [(0, 7, PAYLOAD), (PAYLOAD, 8, PAYLOAD)]
    aligned = NOISE * np.linalg.norm(np.linalg.inv(H), axis=1) ** 2
    for place, (_, payloads) in enumerate(air.sent):
        found = streams[:, place * PAYLOAD : (place + 1) * PAYLOAD]
        error = np.mean(abs(found - payloads) ** 2, 1)
        assert np.all(error < 1.6 * aligned)
        (csi,) = [
            unpack(pmt.c32vector_elements(tag.value))
            for tag in tags[0]
            if tag.offset == place * PAYLOAD and pmt.eq(tag.key, pmt.intern("csi"))
        ]
        np.testing.assert_allclose(csi.no_eff, error, rtol=0.5)
        # The mean power of samples is 1, so symbols are twice as large (4 samples each).
        np.testing.assert_allclose(abs(csi.h), 2 * abs(H), atol=0.1)
    reports = block.take_reports()
    assert block.take_reports() == []
    for told, start, number in zip(reports, air.starts, (7, 8), strict=True):
        assert (told.frame, told.system, told.passed) == (number, 4, True)
        assert (told.seconds + told.fraction) * RATE == pytest.approx(start, abs=0.1)
        assert [user.read for user in told.users] == [True, True]
        np.testing.assert_allclose([user.cfo for user in told.users], [3e3, -5e3], atol=15)
    counts = block.counts()
    assert (counts.frames, counts.preambles, counts.false_alarms, counts.lost) == (2, 4, 0, 0)


def test_a_burst_that_ends_with_the_stream_is_received(run_flowgraph):
    air = Air(2).pause(3000).burst(0)
    _, streams, tags, _ = run(air.samples(), run_flowgraph)
    assert frames(tags[0]) == [(0, 0, PAYLOAD)] and streams.shape == (2, PAYLOAD)


def test_noise_alone_ends_with_nothing(run_flowgraph):
    _, streams, tags, messages = run(Air(3).pause(50000).samples(), run_flowgraph)
    assert streams.shape == (2, 0) and tags == [[], []] and messages == []


@pytest.mark.parametrize("lengths", [(0, 0), (1, 1), (1000, 0)])
def test_streams_that_end_at_once_end_the_block(run_flowgraph, lengths):
    top, block = gr.top_block(), semcom.frame_sync_cc(2, PLAN.rows(2), RATE)
    for port, length in enumerate(lengths):
        source = blocks.vector_source_c([1.0] * max(length, 1))
        top.connect(source, blocks.head(8, length), (block, port))
        top.connect((block, port), blocks.null_sink(8))
    run_flowgraph(top)
    assert block.counts().frames == 0


def test_no_time_is_before_the_first(run_flowgraph):
    """The video terminal's burst at once: that of the audio terminal would have begun before."""
    air = Air(9).burst(1, users=(1,)).pause(9000)
    samples = air.samples()[:, PLAN.sps * PLAN.layout(2).preamble_position(1) :]
    block, *_ = run(samples, run_flowgraph)
    (told,) = block.take_reports()
    assert (told.seconds, told.fraction) == (0, 0.0)
    assert semcom.frame_sync_cc(2, PLAN.rows(2), RATE).received_until() == 0.0


def test_numbers_are_counted_and_doubles_are_not_passed_on(run_flowgraph):
    air = Air(4)
    for number in (4, 4, 7, 2):
        air.pause(8000).burst(number)
    air.pause(3000).burst(3, system=5).pause(4000)
    block, streams, tags, messages = run(air.samples(), run_flowgraph, system=4)
    assert [number for _, number, _ in frames(tags[0])] == [4, 7, 2]
    counts = block.counts()
    found = (counts.frames, counts.duplicated, counts.lost, counts.restarts, counts.foreign)
    assert found == (3, 1, 2, 1, 1)
    assert [told["passed"] for told in messages] == [True, False, True, True, False]
    assert [told["frame"] for told in messages] == [4, 4, 7, 2, 3]
    assert list(messages[0]["read"]) == [1, 1]


def test_frames_of_no_whole_units_are_foreign(run_flowgraph):
    air = Air(10).pause(4000).burst(1, lengths=(PAYLOAD, 390)).pause(4000)
    for units, passed in (([20, 39], True), ([20, 40], False), ([16, 39], False), ([], True)):
        block, streams, *_ = run(air.samples(), run_flowgraph, units=units)
        assert block.counts().foreign == (not passed)
        assert [len(stream) for stream in streams] == [PAYLOAD * passed, 390 * passed]


def test_each_port_has_frames_of_its_users_own_lengths(run_flowgraph):
    """The second user's second frame is longer than any buffer of the scheduler."""
    air = Air(11).pause(4000)
    lengths = [(300, 77), (123, 20000), (500, 501)]
    for number, pair in enumerate(lengths):
        air.burst(10 + number, lengths=pair, fragment=(number, 3, number)).pause(9000)
    block, streams, tags, messages = run(air.samples(), run_flowgraph)
    starts = np.cumsum([(0, 0), *lengths], axis=0)
    for port in (0, 1):
        expected = [(starts[i][port], 10 + i, lengths[i][port]) for i in range(3)]
        assert frames(tags[port]) == expected
        assert fragments(tags[port]) == [(starts[i][port], (i, 3, i)) for i in range(3)]
        sent = np.concatenate([payloads[port] for _, payloads in air.sent])
        assert len(streams[port]) == len(sent)
        assert np.mean(abs(streams[port] - sent) ** 2) < 0.05
    reports = block.take_reports()
    assert [[user.symbols for user in told.users] for told in reports] == [*map(list, lengths)]
    assert [(told.fragment, told.fragments, told.attempt) for told in reports] == [
        (i, 3, i) for i in range(3)
    ]
    assert [list(told["symbols"]) for told in messages] == [*map(list, lengths)]
    assert [told["attempt"] for told in messages] == [0, 1, 2]


def test_fragments_and_attempts_pass_once_each(run_flowgraph):
    air = Air(12)
    order = [(7, 0, 0), (7, 1, 0), (7, 1, 0), (9, 0, 0), (7, 1, 1), (8, 1, 1), (9, 1, 0)]
    for number, fragment, attempt in order:
        air.pause(6000).burst(number, fragment=(fragment, 2, attempt))
    block, _, tags, messages = run(air.pause(3000).samples(), run_flowgraph)
    passed = [number for i, (number, *_) in enumerate(order) if i != 2]
    assert [number for _, number, _ in frames(tags[1])] == passed
    assert [said[0::2] for _, said in fragments(tags[1])] == [
        (fragment, attempt) for i, (_, fragment, attempt) in enumerate(order) if i != 2
    ]
    assert [told["passed"] for told in messages] == [True, True, False, True, True, True, True]
    counts = block.counts()
    found = (counts.frames, counts.lost, counts.missing, counts.retried, counts.duplicated)
    assert found == (3, 0, 1, 2, 1) and counts.restarts == 0
    assert messages[3]["counts"]["lost"] == 1  # frame 8, which came by its second attempt


def test_bursts_of_version_1_are_told(run_flowgraph, capfd):
    """Preamble, then 64 bits and their CRC in 86 symbols, as they were before version 2."""
    air = Air(13).pause(12000).burst(1).pause(9000)
    samples = air.samples()
    head = np.concatenate([core.make_preamble(0), naive_code(VERSION_1, 4)])
    old = 2 * core.shape_symbols(head, PLAN.pulse)
    for start in (500, 6000):
        samples[:, start : start + len(old)] += old
    block, streams, _, messages = run(samples, run_flowgraph)
    counts = block.counts()
    assert (counts.other_version, counts.version, counts.frames) == (2, 1, 1)
    assert (counts.false_alarms, counts.too_long) == (0, 0)
    assert messages[0]["counts"]["version"] == 1
    assert "".join(capfd.readouterr()).count("header has version 1, version 2 expected") == 1
    assert streams.shape == (2, PAYLOAD)


def test_payloads_that_are_too_long_are_counted(run_flowgraph):
    air = Air(14).pause(4000).burst(1).pause(4000)
    block, *_ = run(air.samples(), run_flowgraph, max_payload=PAYLOAD - 1)
    assert (block.counts().frames, block.counts().too_long) == (0, 2)


def test_a_user_that_is_not_heard_is_said_to_be_unknown(run_flowgraph):
    air = Air(5).pause(4000).burst(1, users=(1,)).pause(4000)
    block, streams, tags, _ = run(air.samples(), run_flowgraph)
    assert not streams[0].any() and streams[1].any()
    csi = next(unpack(pmt.c32vector_elements(t.value)) for t in tags[0] if "csi" in str(t.key))
    assert np.isinf(csi.no_eff[0]) and csi.no_eff[1] < 0.1
    (told,) = block.take_reports()
    assert [user.detected for user in told.users] == [False, True]


def test_time_stamps_tell_the_time_and_overflows(run_flowgraph):
    air = Air(6).pause(6000).burst(1).pause(20000).burst(2).pause(4000)
    jump = air.starts[1] - 5000
    base = round(5.25 * RATE)
    tags = [
        make_tag(0, "rx_time", to_pmt(base, RATE)),
        make_tag(jump // 2, "rx_time", to_pmt(base + jump // 2, RATE)),  # on time: no overflow
        make_tag(jump, "rx_time", to_pmt(base + jump + 777, RATE)),
        make_tag(jump + 9, "rx_time", pmt.PMT_T),  # tells nothing
        make_tag(jump + 10, "rx_time", pmt.make_tuple(pmt.PMT_T, pmt.PMT_T)),
    ]
    block, *_ = run(air.samples(), run_flowgraph, tags)
    reports = block.take_reports()
    for told, start in zip(
        reports, (base + air.starts[0], base + air.starts[1] + 777), strict=True
    ):
        assert told.seconds == 5
        assert told.fraction * RATE == pytest.approx(start - 5 * RATE, abs=0.1)
    assert block.counts().overflows == 1
    assert block.received_until() == np.inf


def test_what_is_not_finite_is_no_signal(run_flowgraph):
    air = Air(7).pause(6000).burst(1).pause(9000)
    samples = air.samples()
    samples[:, 100:200] = np.nan
    samples[0, 300] = np.inf
    _, streams, tags, _ = run(samples, run_flowgraph)
    assert frames(tags[0]) == [(0, 1, PAYLOAD)] and np.isfinite(streams).all()


def test_it_starts_anew(run_flowgraph):
    samples = Air(8).pause(4000).burst(5).pause(4000).samples()
    block = semcom.frame_sync_cc(2, PLAN.rows(2), RATE)
    for _ in range(2):
        top = gr.top_block()
        for port in range(2):
            top.connect(blocks.vector_source_c(samples[port].tolist()), (block, port))
            top.connect((block, port), blocks.null_sink(8))
        run_flowgraph(top)
        assert (block.counts().frames, block.counts().duplicated) == (1, 0)
        top.disconnect_all()


def test_methods_can_be_changed():
    block = semcom.frame_sync_cc(2, PLAN.rows(2), RATE)
    block.set_method("lmmse")
    with pytest.raises(ValueError, match="zf or lmmse"):
        block.set_method("none")
    with pytest.raises(ValueError, match="mmse"):
        block.set_method("mmse")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"num_rx": 1}, "num_rx"),
        ({"pilots": []}, "pilots"),
        ({"pilots": [[1, 1j], [1]]}, "rows"),
        ({"sample_rate": 0.0}, "sample_rate"),
        ({"sps": 1}, "sps"),
        ({"spacing": -1}, "spacing"),
        ({"method": "best"}, "best"),
        ({"method": "none"}, "zf or lmmse"),
        ({"units": [10]}, "units"),
        ({"units": [10, 0]}, "units"),
        ({"max_payload": 0}, "max_payload"),
        ({"pilots": [[0, 0], [0, 0]]}, "energy"),
        ({"first_code": 5}, "users"),
        ({"first_code": 10}, "first_code"),
    ],
)
def test_impossible_arguments_are_refused_with_their_names(change, said):
    good = {"num_rx": 2, "pilots": PLAN.rows(2)}
    with pytest.raises(ValueError, match=said):
        semcom.frame_sync_cc(**{**good, **change})
