# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Automatic repeat through the scheduler: the repeater, the return link, the decoder that asks, and
the whole aligned link, against the Torch chain."""

import time

import numpy as np
import pmt
import pytest
import torch
from conftest import rounded
from gnuradio import blocks, gr, semcom
from gnuradio.semcom.blocks.frame_block import FrameBlock
from gnuradio.semcom.chain.reference import torch_link
from gnuradio.semcom.phy.channel import UPLINK
from gnuradio.semcom.protocol.frames import FrameId
from gnuradio.semcom.protocol.retransmission import ACCEPTED, AGAIN, LOST, Answer, combine
from gnuradio.semcom.run import runner
from gnuradio.semcom.run.scenario import Scenario
from gnuradio.semcom.systems.loading import shared_system
from qa_frame_block import frames_source

FRAMES = 6
SCRIPT = {  # frame -> what is answered to attempt 0, 1, 2
    0: (ACCEPTED,), 1: (AGAIN, ACCEPTED), 2: (LOST, LOST, LOST), 3: (ACCEPTED,),
    4: (AGAIN, LOST, ACCEPTED),
}  # fmt: skip
LENGTHS = [3, 40, 20000, 1, 7]  # of the frames


class listener(FrameBlock):
    """Keeps (id, items of each stream) and answers by SCRIPT, everything twice."""

    def __init__(self, streams):
        FrameBlock.__init__(self, "listener", [np.complex64] * streams, [])
        self.heard = []
        self.message_port_register_out(pmt.intern("answers"))

    def process(self, batch):
        for frames in batch:
            of = FrameId.of(frames[0].number)
            self.heard.append((of, [frame.items for frame in frames]))
            told = pmt.to_pmt(Answer(of, SCRIPT[of.frame][of.attempt]).as_dict())
            for _ in range(2):
                self.message_port_pub(pmt.intern("answers"), told)
        return []


def in_chunks(top, most: int) -> None:
    """No block may write more items at a time; 0: as many as it likes."""
    if most:
        top.start = lambda: gr.top_block.start(top, most)


@pytest.mark.parametrize("most", [0, 500])
@pytest.mark.parametrize("window", [1, 64])
def test_a_repeater_sends_all_streams_again_until_they_are_accepted(run_flowgraph, window, most):
    (a, xs), (b, ys) = frames_source(LENGTHS, seed=1), frames_source(LENGTHS, seed=2)
    block, sink, top = semcom.repeater(2, attempts=3, window=window), listener(2), gr.top_block()
    for port, source in enumerate((a, b)):
        top.connect(source, (block, port))
        top.connect((block, port), (sink, port))
    top.msg_connect(sink, "answers", block, "answers")
    in_chunks(top, most)
    run_flowgraph(top)
    expected = {FrameId(n, attempt=a) for n, said in SCRIPT.items() for a in range(len(said))}
    assert {of for of, _ in sink.heard} == expected and len(sink.heard) == len(expected)
    for of, (x, y) in sink.heard:
        np.testing.assert_array_equal(x, xs[of.frame])
        np.testing.assert_array_equal(y, ys[of.frame])
    if window == 1:
        assert [of.number for of, _ in sink.heard] == [
            FrameId(n, attempt=a).number for n, said in SCRIPT.items() for a in range(len(said))
        ]
    sender = block.sender
    assert sender.histogram == {1: 2, 2: 1, 3: 2} and sender.given_up == 1
    assert block.frames == 5 and block.repeated_symbols == 40 + 2 * 20000 + 2 * 7


def test_a_repeater_ends_with_its_input_and_can_start_again(run_flowgraph):
    for _ in range(2):
        source, _ = frames_source([5], numbers=[3])
        block, sink, top = semcom.repeater(1, 3), listener(1), gr.top_block()
        top.connect(source, block, sink)
        top.msg_connect(sink, "answers", block, "answers")
        run_flowgraph(top)
        assert len(sink.heard) == 1 and block.sender.open == 0


def answered(run_flowgraph, answers, **options):
    """What comes of answers that cross a return link."""
    link, store, top = semcom.return_link(**options), blocks.message_debug(), gr.top_block()
    top.msg_connect(link, "answers", store, "store")
    for answer in answers:
        link.to_basic_block()._post(pmt.intern("answers"), pmt.to_pmt(answer.as_dict()))
    top.start()
    wanted = len(answers)
    for _ in range(600):
        if link.answers >= wanted and store.num_messages() >= wanted:
            break
        time.sleep(0.02)
    top.stop()
    top.wait()
    heard = [Answer.from_dict(pmt.to_python(store.get_message(i)))
             for i in range(store.num_messages())]  # fmt: skip
    return link, heard


ANSWERS = [Answer(FrameId(n, attempt=n % 3), (ACCEPTED, AGAIN)[n % 2]) for n in range(40)]


def test_answers_cross_a_good_return_link(run_flowgraph):
    link, heard = answered(run_flowgraph, ANSWERS, model="awgn", snr_db=12.0)
    assert heard == ANSWERS and link.lost == 0
    assert link.symbols == 40 * (150 + 32)


def test_answers_that_are_lost_are_time_outs_and_repeat_to_the_digit(run_flowgraph):
    options = dict(model="rayleigh", snr_db=6.0, seed=3)
    link, heard = answered(run_flowgraph, ANSWERS, **options)
    lost = [answer for answer in heard if answer.verdict == LOST]
    assert 0 < len(lost) == link.lost < 40
    assert {a.of for a in heard} == {a.of for a in ANSWERS}
    assert [a for a in heard if a.verdict != LOST] == [
        a for a in ANSWERS if a.of not in {b.of for b in lost}
    ]
    assert answered(run_flowgraph, ANSWERS, **options)[1] == heard
    assert answered(run_flowgraph, ANSWERS, **{**options, "seed": 4})[1] != heard


# --- the whole link -------------------------------------------------------------------------------


def run(clips, most=0, **options):
    """The run of a point of FRAMES frames, pilot_ave_plus."""
    point = Scenario(frames=FRAMES, **{"snr": 0.0, "seed": 2, **options})
    done = runner.execute(point, clips, watch=lambda flowgraph: in_chunks(flowgraph, most))
    found = runner.record(done)
    done.flowgraph.release()
    return done, found


def test_two_terminals_repeat_together_and_their_attempts_are_combined(clips):
    done, found = run(clips, attempts=3, ask_below=1.5, return_snr=30.0, channel="awgn")
    assert found["attempts"] == {"mean": 3.0, "frames": [0, 0, FRAMES]}
    assert found["frames_given_up"] == FRAMES and found["answers_lost"] == 0
    uses = found["channel_uses"]  # of a segment, of which a clip has ten
    frame = 160 + 32
    assert uses["payload"] == 16 and uses["repeats"] == pytest.approx(2 * frame / 10)
    assert uses["return"] == pytest.approx(3 * (150 + 32) / 10)
    assert found["channel_uses_per_segment"] == pytest.approx(sum(uses.values()))
    net = shared_system(done.point.system, done.weights, "cpu")
    for number, outcome in done.flowgraph.sink.outcomes.items():
        expected = torch_outcome(done.point, net, clips, number)
        np.testing.assert_allclose(outcome.probabilities, expected, atol=1e-4)


def torch_outcome(point, net, clips, number):
    """A frame sent three times over the Torch chain and combined."""
    link, heard = torch_link(point), None
    frame, snr = torch.tensor([number]), torch.tensor([point.snr])
    taken = {
        place.name: torch.as_tensor(getattr(clips, place.takes)(number % len(clips)))[None].float()
        for place in net.topology
    }
    with torch.inference_mode():
        sent = link.send(net, taken, snr, frame)
        for attempt in range(3):
            of = torch.tensor([FrameId(number, attempt=attempt).number])
            symbols, noise = link.transfer(sent, snr, of, link=UPLINK, num_rx=point.antennas)
            now = symbols[0].numpy(), noise[0, :, None].expand(-1, symbols.shape[2]).numpy()
            heard = now if heard is None else combine(heard, now)
        symbols, noise = (torch.from_numpy(each)[None] for each in heard)
        return net.outcome(symbols, noise[..., 0])[0].numpy()


def test_frames_that_are_good_are_sent_once_and_nothing_changes(clips):
    options = dict(channel="rayleigh", snr=10.0)
    plain = run(clips, **options)[1]
    asked = run(clips, attempts=2, ask_below=0.0, return_snr=40.0, **options)[1]
    assert asked["attempts"]["mean"] == 1.0
    assert asked["channel_uses"]["repeats"] == 0 and asked["channel_uses"]["return"] > 0
    for name in ("segments", "accuracy", "evm_db", "channel_nmse_db", "measured_snr_db"):
        assert asked[name] == pytest.approx(plain[name], abs=1e-4)


def test_lost_answers_and_small_chunks_change_no_figure(clips):
    options = dict(attempts=3, ask_below=0.5, return_snr=2.0, channel="rayleigh", snr=-3.0)
    one, other = (run(clips, most=most, **options)[1] for most in (0, 100))
    assert one["answers_lost"] > 0 and one["attempts"]["mean"] > 1
    assert rounded(one) == rounded(other)


def test_a_million_symbols_pass_whole(run_flowgraph):
    length = 10**6
    source, (symbols,) = frames_source([length], numbers=[1])
    row = list(np.exp(2j * np.pi * np.arange(16) ** 2 / 16))
    block, sink, top = semcom.repeater(1, 2), blocks.vector_sink_c(), gr.top_block()
    parts = [
        semcom.pilot_inserter_cc(row, 256),
        block,
        semcom.mimo_channel_cc(1, 1, "rayleigh", 40.0, 4.0, 0.0, 0.0, 1, 0),
        semcom.ls_estimator_cc(1, [row], "ls", 256, "nearest"),
        semcom.mimo_detector_cc(1, 1, "zf"),
    ]
    accept = acceptor()
    top.connect(source, *parts, sink)
    top.connect(parts[-1], accept)
    top.msg_connect(accept, "answers", block, "answers")
    run_flowgraph(top)
    heard = np.array(sink.data(), np.complex64)
    assert len(heard) == length
    error = np.mean(np.abs(heard - symbols) ** 2) / np.mean(np.abs(symbols) ** 2)
    assert error < 0.02


class acceptor(FrameBlock):
    """Accepts every frame."""

    def __init__(self):
        FrameBlock.__init__(self, "acceptor", [np.complex64], [])
        self.message_port_register_out(pmt.intern("answers"))

    def process(self, batch):
        for (frame,) in batch:
            told = Answer(FrameId.of(frame.number), ACCEPTED).as_dict()
            self.message_port_pub(pmt.intern("answers"), pmt.to_pmt(told))
        return []
