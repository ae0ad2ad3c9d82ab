# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Automatic repeat on the air: the mock radio in lockstep, the blocks of the return link, and three
processes around a mock radio behind sockets."""

import json
import socket
import time

import numpy as np
import pmt
import pytest
import torch
from conftest import rounded, start_program
from gnuradio import blocks, gr, semcom
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.blocks.collectors import frame_collector
from gnuradio.semcom.blocks.radio_hier import radio_terminal
from gnuradio.semcom.blocks.transmitters import leading_transmitter
from gnuradio.semcom.data.grammar import GrammarSentences
from gnuradio.semcom.nets.configs import DeepSCConfig
from gnuradio.semcom.nets.deepsc import DeepSC
from gnuradio.semcom.protocol import fragments
from gnuradio.semcom.protocol.burst import BurstFormat
from gnuradio.semcom.protocol.frames import FrameId
from gnuradio.semcom.protocol.retransmission import ACCEPTED, AGAIN, LOST, Answer
from gnuradio.semcom.run import radios, runner
from gnuradio.semcom.run.scenario import Scenario
from gnuradio.semcom.weights import store
from qa_frame_block import frames_source

pytestmark = pytest.mark.alone  # ports of the air, or time by the clock

FRAMES, SYSTEM = 5, 2
VOCABULARY = (*"abcdefghijklmnopqrstuvwxyz?", *(f"##{letter}" for letter in "?abcdefghijklmnop"))


@pytest.fixture(scope="module")
def text_weights(tmp_path_factory):
    """Path of a small text system that was never trained, and so is never sure of itself."""
    torch.manual_seed(1)
    small = DeepSCConfig(
        symbols=3, width=12, heads=2, hidden=16, encoder_layers=1, decoder_layers=1
    )
    path = tmp_path_factory.mktemp("models") / "deepsc-full-tiny.safetensors"
    store.save(path, DeepSC(small, VOCABULARY).eval(), variant="full", data="grammar")
    return str(path)


def point(weights, **options):
    return Scenario(
        **{"system": "deepsc", "frames": FRAMES, "checkpoint": weights, "attempts": 3,
           "radio": "mock:bench", "sample_rate": 1e6, "snr": 15.0, **options}
    )  # fmt: skip


def record(scenario):
    return runner.run_point(scenario, GrammarSentences("test", FRAMES))


def test_a_receiver_that_is_never_sure_hears_every_attempt(text_weights):
    found = record(point(text_weights))
    assert found["bursts_sent"] == found["bursts_heard"] == [3 * FRAMES]
    assert found["attempts"] == {"mean": 3.0, "frames": [0, 0, FRAMES]}
    assert found["frames_given_up"] == FRAMES and found["frames_received"] == FRAMES
    assert found["frames_duplicated"] == found["answers_lost"] == found["frames_lost"] == 0
    uses = found["channel_uses"]
    once = uses["payload"] + uses["pilots"] + uses["overhead"]
    assert uses["repeats"] == pytest.approx(2 * once, rel=0.01)
    words = sum(len(GrammarSentences("test", FRAMES).text(i).tobytes().split())
                for i in range(FRAMES))  # fmt: skip
    answer = BurstFormat(1e6).answer_length()
    assert uses["return"] == pytest.approx(3 * FRAMES * answer / words)


def test_a_receiver_that_is_content_hears_each_frame_once(text_weights):
    found = record(point(text_weights, ask_below=0.0))
    assert found["bursts_sent"] == [FRAMES] and found["attempts"]["mean"] == 1.0


def test_bursts_lost_both_ways_end_the_same_every_time(text_weights):
    options = dict(
        snr=-8.0, return_snr=-5.0, attempts=4, ask_below=0.0, radio="mock:indoor", sample_rate=4e6
    )
    one, other = (record(point(text_weights, **options)) for _ in range(2))
    assert one["bursts_heard"][0] < one["bursts_sent"][0] and one["answers_lost"] > 0
    assert one["attempts"]["mean"] > 1
    assert rounded(one) == rounded(other)


def test_a_replay_of_text_takes_the_channel_uses_that_were_heard(text_weights, tmp_path):
    path = str(tmp_path / "air")
    sent = record(point(text_weights, attempts=1, snr=30.0, fragment=40, record=path))
    found = record(Scenario(system="deepsc", checkpoint=text_weights, radio=f"replay:{path}"))
    assert found["frames_received"] == FRAMES and found["scenario"]["fragment"] == 40
    assert found["channel_uses"] == sent["channel_uses"]
    assert found["bleu_1"] == sent["bleu_1"]


def test_fragments_and_repeats_go_together(text_weights):
    whole = record(point(text_weights, attempts=1, snr=30.0))
    cut = record(point(text_weights, attempts=1, snr=30.0, fragment=40))
    again = record(point(text_weights, attempts=2, snr=30.0, fragment=40))
    assert cut["frames_received"] == again["frames_received"] == FRAMES
    assert cut["bursts_sent"][0] > FRAMES
    assert again["bursts_sent"][0] == 2 * cut["bursts_sent"][0]
    for found in (cut, again):
        assert found["sentence_scores"] == whole["sentence_scores"]


def test_fragments_that_are_heard_are_sent_once(text_weights):
    cut = record(point(text_weights, attempts=1, snr=30.0, fragment=40))
    found = record(point(text_weights, attempts=3, snr=30.0, fragment=40, ask_below=0.0))
    assert found["bursts_sent"] == cut["bursts_sent"] != [FRAMES]
    assert found["attempts"] == {"mean": 1.0, "frames": [*cut["bursts_sent"], 0, 0]}


@pytest.mark.parametrize("options", [dict(attempts=2), dict(fragment=80)])
def test_terminals_that_share_bursts_can_not_repeat(tiny_checkpoint, options):
    with pytest.raises(SemcomError, match="2 terminals"):
        radio_terminal("pilot_ave_plus", "audio", tiny_checkpoint, **options)


# --- frames of 10^6 symbols -----------------------------------------------------------------------


def test_a_frame_of_a_million_symbols_crosses_in_fragments(run_flowgraph):
    length, most, rate = 10**6, 16384, 1e6
    source, (symbols,) = frames_source([length], numbers=[7])
    symbols /= np.sqrt(np.mean(np.abs(symbols) ** 2))
    source = blocks.vector_source_c(symbols.tolist(), False, 1, source_tags(length, 7))
    plan, top = BurstFormat(rate), gr.top_block()
    cut, sender = semcom.fragmenter(most), leading_transmitter(plan, SYSTEM, 1, pause=0.03)
    mock, collect = semcom.mock_uplink("bench", rate, 30.0, 3), frame_collector()
    sync = semcom.frame_sync_cc(2, plan.rows(1), rate, plan.sps, plan.pilot_spacing, "zf", 0,
                                SYSTEM)  # fmt: skip
    top.connect(source, cut, sender, mock)
    top.connect(blocks.null_source(gr.sizeof_gr_complex), (mock, 1))
    for m in range(2):
        top.connect((mock, m), (sync, m))
    top.connect(sync, collect)
    run_flowgraph(top)
    ids = [FrameId.of(number) for number in collect.frames]
    assert ids == [FrameId(7, i, 62) for i in range(62)]
    parts = {of.fragment: (x[None], np.zeros((1, len(x)), np.float32))
             for of, x in zip(ids, collect.frames.values(), strict=True)}  # fmt: skip
    heard, _ = fragments.join(parts, 62)
    assert heard.shape == (1, length)
    assert np.mean(np.abs(heard[0] - symbols) ** 2) < 0.03


def source_tags(length, number):
    tag = gr.tag_t()
    tag.offset, tag.key = 0, pmt.intern("semcom_frame")
    tag.value = pmt.cons(pmt.from_uint64(number), pmt.from_uint64(length))
    return [tag]


# --- the blocks of the return link ----------------------------------------------------------------


ANSWERS = [Answer(FrameId(n, n % 2, 2, n % 3), (ACCEPTED, AGAIN)[n % 2]) for n in range(8)]


def test_answers_cross_as_bursts():
    """answer_transmitter to answer_receiver, with some noise and silence between the bursts."""
    plan, top = BurstFormat(1e6), gr.top_block()
    sender, receiver = semcom.answer_transmitter(plan, SYSTEM), semcom.answer_receiver(plan, SYSTEM)
    other = semcom.answer_receiver(plan, SYSTEM + 1)
    store, strange = blocks.message_debug(), blocks.message_debug()
    noise, add = blocks.vector_source_c(noise_samples(), True), blocks.add_cc()
    top.connect(sender, (add, 0))
    top.connect(noise, (add, 1))
    top.connect(add, receiver)
    top.connect(add, other)
    top.msg_connect(receiver.reader, "answers", store, "store")
    top.msg_connect(other.reader, "answers", strange, "store")
    top.start()
    for answer in ANSWERS:
        sender.to_basic_block()._post(pmt.intern("answers"), pmt.to_pmt(answer.as_dict()))
    for _ in range(10):  # what follows pushes the last ones through the search
        sender.to_basic_block()._post(pmt.intern("answers"), pmt.to_pmt(ANSWERS[-1].as_dict()))
    wait_for(lambda: store.num_messages() >= len(ANSWERS))
    top.stop()
    top.wait()
    heard = [Answer.from_dict(pmt.to_python(store.get_message(i))) for i in range(len(ANSWERS))]
    assert heard == ANSWERS
    assert strange.num_messages() == 0


def noise_samples():
    rng = np.random.default_rng(0)
    return (0.05 * (rng.normal(size=4096) + 1j * rng.normal(size=4096))).tolist()


def wait_for(done, seconds=30):
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.02)


def test_a_mock_return_link_loses_by_its_snr_and_its_seed():
    lost = {}
    for snr in (-20.0, 10.0):
        link = semcom.mock_return(BurstFormat(1e6), SYSTEM, "indoor", snr, seed=5)
        heard = [link.carry(answer) for answer in ANSWERS]
        assert all(each in ([], [answer]) for each, answer in zip(heard, ANSWERS, strict=True))
        assert heard == [link.carry(answer) for answer in ANSWERS]
        lost[snr] = heard.count([])
    assert lost[-20.0] == len(ANSWERS) and lost[10.0] == 0
    assert LOST not in {answer.verdict for answer in ANSWERS}


def test_usrps_have_a_carrier_for_the_return_link(monkeypatch):
    """Stand-ins of the UHD blocks tell which device was set to what."""
    opened = []
    for kind in ("usrp_transmitter", "usrp_antennas"):
        monkeypatch.setattr(radios, kind, lambda *words, kind=kind: opened.append((kind, *words)))
    scenario = point("", radio="uhd:serial=1;;serial=3", return_frequency=2.41e9)
    radio = radios.open_radio(scenario)
    radio.transmitter("text")
    radio.receiver("receiver", 2)
    radio.return_transmitter()
    radio.return_antenna("text")
    assert opened == [
        ("usrp_transmitter", "serial=1", 1e6, 2.45e9, 10.0),
        ("usrp_antennas", "serial=3", 2, 1e6, 2.45e9, 20.0),
        ("usrp_transmitter", "serial=3", 1e6, 2.41e9, 10.0),
        ("usrp_antennas", "serial=1", 1, 1e6, 2.41e9, 20.0),
    ]


# --- three processes ------------------------------------------------------------------------------


def free(ports):
    for port in ports:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return False
    return True


def test_text_is_asked_for_again_between_processes(text_weights, tmp_path):
    """A terminal, the receiver and a mock radio, each a process; what is asked for comes."""
    if not free((5551, 5552, 5553, 5561, 5562, 5563)):
        pytest.skip("the ports of --radio zmq: are in use")
    rate, frames = "1e6", "6"
    air = start_program(
        "apps/mock_radio.py", "--preset", "bench", "--sample-rate", rate, "--snr", "15", "--tx",
        "tcp://127.0.0.1:5551", "none", "--rx", "tcp://*:5561", "none", "--return-link",
        "tcp://127.0.0.1:5553", "tcp://*:5563",
    )  # fmt: skip
    words = ["--system", "deepsc", "--checkpoint", text_weights, "--radio", "zmq:"]
    words += ["--sample-rate", rate, "--frames", frames, "--attempts", "2"]
    words += ["--answer-within", "5", "--json"]
    sides = {}
    try:
        for side in ("receiver", "text"):
            sides[side] = start_program(
                "apps/terminal.py", side, *words, str(tmp_path / f"{side}.json")
            )
            time.sleep(6.0 if side == "receiver" else 0.0)
        for side in ("text", "receiver"):
            text, error = sides[side].communicate(timeout=90)
            assert sides[side].returncode == 0, f"{side}: {text}{error}"
    finally:
        for process in (*sides.values(), air):
            process.kill()
    sent, heard = (
        json.loads((tmp_path / f"{side}.json").read_text())["records"][0]
        for side in ("text", "receiver")
    )
    assert sent["sent"] == 12 and sent["repeats"] == 6 and sent["unanswered"] == 0
    assert heard["frames_received"] == 6 and heard["attempts"]["frames"] == [0, 6]
