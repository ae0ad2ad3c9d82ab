# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The Torch-backed blocks through the scheduler, against the networks called directly."""

import time

import numpy as np
import pmt
import pytest
import torch
from conftest import tiny_system
from gnuradio import blocks, gr, semcom
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.blocks.collectors import frame_collector
from gnuradio.semcom.blocks.guard import BlockError
from gnuradio.semcom.media.store import HANDLE_ITEM
from gnuradio.semcom.phy.coding import BlockCode
from gnuradio.semcom.phy.csi import CSI, pack
from gnuradio.semcom.weights import store as checkpoint
from qa_frame_block import frames_source, tags_of


def vectors(sink, length):
    return np.array(sink.data(), np.float32).reshape(-1, length)


def test_clip_source_sends_the_features_and_goes_round(run_flowgraph, clips):
    class Two:
        """The first two clips only."""

        def __len__(self):
            return 2

        classes = clips.classes
        audio, visual = staticmethod(clips.audio), staticmethod(clips.visual)
        labels = staticmethod(clips.labels)

    source, top = semcom.clip_source(Two(), frames=3), gr.top_block()
    sinks = blocks.vector_sink_f(128), blocks.vector_sink_f(7 * 7 * 512)
    for port, sink in enumerate(sinks):
        top.connect((source, port), sink)
    run_flowgraph(top)
    for sink, read in zip(sinks, (clips.audio, clips.visual), strict=True):
        expected = np.concatenate([np.asarray(read(i)).reshape(10, -1) for i in (0, 1, 0)])
        np.testing.assert_array_equal(vectors(sink, expected.shape[1]), expected)
        assert tags_of(sink) == [(0, 0, 10), (10, 1, 10), (20, 2, 10)]


def test_arguments_that_make_no_sense_are_refused(clips):
    for takes in ((), ("audio", "smell")):
        with pytest.raises(SemcomError, match="expected kinds of audio, visual, text, media"):
            semcom.clip_source(clips, takes=takes)
    with pytest.raises(SemcomError, match="streams 0: expected at least 1"):
        semcom.link_meter(streams=0)


def encoders(run_flowgraph, clips, path, heard_numbers, **options):
    """Run both encoders on three clips, the video one with the heard frames named; the symbols."""
    source = semcom.clip_source(clips, frames=3)
    audio = semcom.semantic_encoder(terminal="audio", checkpoint=path)
    video = semcom.semantic_encoder(terminal="video", checkpoint=path, **options)
    heard, arrays = frames_source([80] * len(heard_numbers), heard_numbers, seed=3)
    sinks, top = [blocks.vector_sink_c() for _ in range(2)], gr.top_block()
    top.connect((source, 0), audio, sinks[0])
    top.connect((source, 1), (video, 0))
    top.connect(heard, (video, 1))
    top.connect(video, sinks[1])
    run_flowgraph(top)
    assert all(tags_of(s) == [(0, 0, 80), (80, 1, 80), (160, 2, 80)] for s in sinks)
    return video, arrays, [np.array(s.data(), np.complex64).reshape(3, 10, 8) for s in sinks]


def test_encoders_equal_the_networks(run_flowgraph, clips, tiny_checkpoint):
    video, heard, (audio_symbols, video_symbols) = encoders(
        run_flowgraph, clips, tiny_checkpoint, [0, 1, 2]
    )
    with torch.inference_mode():
        for i in range(3):
            direct = video.net.encode_audio(torch.as_tensor(clips.audio(i))[None].float())
            np.testing.assert_allclose(audio_symbols[i], direct[0], atol=1e-5)
            assert np.mean(np.abs(audio_symbols[i]) ** 2) == pytest.approx(1, abs=1e-4)
            guided = video.net.encode_video(
                torch.as_tensor(clips.visual(i))[None].float(),
                torch.from_numpy(heard[i].reshape(1, 10, 8)),
            )
            np.testing.assert_allclose(video_symbols[i], guided[0], atol=1e-5)
    assert video.unguided == video.late == 0


@pytest.mark.parametrize(
    ("numbers", "options", "unguided"),
    [([0, 2], {}, [1]), ([0, 1], {"sidelink_timeout": 0.2}, [2])],
    ids=["skipped", "timed out"],
)
def test_a_missing_sidelink_is_counted_and_sent_unguided(
    run_flowgraph, clips, tiny_checkpoint, numbers, options, unguided
):
    video, _, (_, symbols) = encoders(run_flowgraph, clips, tiny_checkpoint, numbers, **options)
    assert video.unguided == len(unguided)
    with torch.inference_mode():
        for i in unguided:
            alone = video.net.encode_video(torch.as_tensor(clips.visual(i))[None].float(), None)
            np.testing.assert_allclose(symbols[i], alone[0], atol=1e-5)


def decode(run_flowgraph, path, lengths, csi=()):
    """Run the decoder on random frames, csi = (offset, CSI) tags; what it was given and gave."""
    decoder, sink, top = semcom.semantic_decoder(checkpoint=path), blocks.vector_sink_f(29), None
    top = gr.top_block()
    sent = []
    for port in range(2):
        source, arrays = frames_source(lengths, seed=port)
        if port == 0 and csi:
            tags = list(source_tags(lengths))
            for offset, state in csi:
                tag = gr.tag_t()
                tag.offset, tag.key = offset, pmt.intern("csi")
                tag.value = pmt.init_c32vector(len(pack(state)), pack(state).tolist())
                tags.append(tag)
            source = blocks.vector_source_c(np.concatenate(arrays).tolist(), False, 1, tags)
        sent.append(arrays)
        top.connect(source, (decoder, port))
    top.connect(decoder, sink)
    run_flowgraph(top)
    return decoder, sent, sink


def source_tags(lengths):
    from gnuradio.semcom.blocks.frame_block import FRAME_TAG, frame_tag

    for i, at in enumerate(np.cumsum([0, *lengths[:-1]])):
        tag = gr.tag_t()
        tag.offset, tag.key, tag.value = int(at), FRAME_TAG, frame_tag(i, lengths[i])
        yield tag


def state(*no_eff, run=None):
    """A csi with the noise of its pieces, ``run`` saying which is whose symbol."""
    pieces = len(no_eff) if run is not None else None
    noise = torch.tensor(no_eff if pieces else no_eff[0])
    h = torch.eye(2, dtype=torch.complex64)
    return CSI(
        h=h.expand(pieces, 2, 2) if pieces else h,
        err_var=torch.zeros_like(noise),
        noise_var=torch.tensor(0.1),
        snr=torch.tensor(10.0),
        run=run,
        no_eff=noise,
    )


def test_decoder_equals_the_network_and_hears_the_noise(run_flowgraph, tiny_checkpoint):
    lengths = [80, 56, 56]  # 10, 7 and 7 segments
    halves = torch.arange(56) // 28
    csi = [(0, state([0.1, 0.2])), (80, state([1.0, 2.0], [3.0, 4.0], run=halves))]
    decoder, sent, sink = decode(run_flowgraph, tiny_checkpoint, lengths, csi)
    noise = [[0.1, 0.2], [1.5, 8 / 3]]  # the second frame: the harmonic mean over its halves
    assert tags_of(sink) == [(0, 0, 10), (10, 1, 7), (17, 2, 7)]
    got = np.split(vectors(sink, 29), [10, 17])
    with torch.inference_mode():
        for i in (0, 1):
            symbols = torch.from_numpy(np.stack([sent[0][i], sent[1][i]]))[None]
            logits = decoder.net.decode(symbols.unflatten(2, (-1, 8)), torch.tensor([noise[i]]))
            np.testing.assert_allclose(got[i], logits.softmax(-1)[0], atol=1e-5)
            np.testing.assert_allclose(got[i], logits.exp()[0], atol=1e-5)  # log probabilities


def test_decoder_tells_what_it_thinks_of_each_frame(run_flowgraph, tiny_checkpoint):
    decoder, debug = semcom.semantic_decoder(checkpoint=tiny_checkpoint), blocks.message_debug()
    top, sink = gr.top_block(), blocks.vector_sink_f(29)
    for port in range(2):
        source, _ = frames_source([80, 56], seed=port)
        top.connect(source, (decoder, port))
    top.connect(decoder, sink)
    top.msg_connect(decoder, "judgement", debug, "store")
    run_flowgraph(top)
    told = messages(debug, 2)
    for message, probabilities in zip(told, np.split(vectors(sink, 29), [10]), strict=True):
        assert message["share"] == pytest.approx(probabilities.max(1).mean())
    assert [message["frame"] for message in told] == [0, 1]


def messages(debug, count):
    """What came on a message port, as Python has it."""
    deadline = time.monotonic() + 5
    while debug.num_messages() < count and time.monotonic() < deadline:
        time.sleep(0.01)
    return [pmt.to_python(debug.get_message(i)) for i in range(debug.num_messages())]


@pytest.mark.parametrize("attempts", [1, 2])
def test_a_classical_receiver_tells_which_blocks_came(run_flowgraph, attempts):
    settings, snr_db = "?task=media&source=jpeg+codec2&size=32&quality=10", 4.0
    source, top = semcom.clip_source(frames=2, takes=("media", "media")), gr.top_block()
    terminals = [semcom.terminal("digital", name, settings) for name in ("audio", "video")]
    channel = semcom.simulated_channel(2, 2, "awgn", snr_db, sidelinks=0)
    receiver = semcom.receiver("digital", settings, csi="perfect", attempts=attempts)
    debug, shown = blocks.message_debug(), frame_collector(HANDLE_ITEM)
    detected = [frame_collector() for _ in terminals]
    for port, terminal in enumerate(terminals):
        top.connect((source, port), terminal, (channel, port))
        top.connect((terminal, 1), blocks.null_sink(8))
        top.connect((channel, port), (receiver, port))
        top.connect((receiver, 1 + port), detected[port])
    top.connect((receiver, 0), shown)
    top.msg_connect(receiver, "judgement", debug, "store")
    run_flowgraph(top)
    told = messages(debug, 2)
    assert [message["frame"] for message in told] == [0, 1]
    for message in told:
        for sink, name in zip(detected, ("audio", "video"), strict=True):
            symbols = sink.frames[message["frame"]]
            noise = np.full(len(symbols), 10 ** (-snr_db / 10), np.float32)  # H = I
            good = BlockCode("qpsk", "3/4").decode(symbols, noise)[1]
            assert 0 < np.sum(~good) < len(good)
            np.testing.assert_array_equal(message["blocks"][name], good)
            assert message["symbols"] == len(symbols)
    if attempts == 1:  # else they were not good enough, and were asked for again
        handles = [int(items[0, 0]) for items in shown.frames.values()]
        assert handles == [message["media"] for message in told]


def test_decoder_refuses_frames_that_fit_no_segments(run_flowgraph, tiny_checkpoint):
    with pytest.raises(BlockError, match="81 symbols: expected a multiple of 8"):
        decode(run_flowgraph, tiny_checkpoint, [81])


def test_checkpoint_is_exchanged_while_running(tiny_checkpoint, tmp_path, capfd):
    encoder = semcom.semantic_encoder(checkpoint=tiny_checkpoint)
    torch.manual_seed(8)
    other = tiny_system()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(0.1)
    path = tmp_path / "other.safetensors"
    checkpoint.save(path, other, variant="full", data="synthetic")
    before = encoder.net
    encoder.set_checkpoint(str(path))
    assert encoder.net is not before
    wider = tmp_path / "wider.safetensors"
    checkpoint.save(wider, tiny_system(symbols=9), variant="full", data="synthetic")
    for refused, complaint in ((wider, "symbols differ"), (tmp_path / "none", "no such")):
        running = encoder.net
        encoder.set_checkpoint(str(refused))
        assert encoder.net is running and encoder.checkpoint == str(path)
        assert complaint in capfd.readouterr().err
    encoder.set_device("warp")
    assert encoder.device == "cpu" and "warp" in capfd.readouterr().err


def test_outcome_sink_keeps_and_publishes(run_flowgraph, tiny_checkpoint):
    probabilities = np.eye(29, dtype=np.float32)[[0, 2, 1, 28]] * 0.9
    tags = list(source_tags([2, 2]))
    source = blocks.vector_source_f(probabilities.flatten().tolist(), False, 29, tags)
    sink, debug, top = (
        semcom.outcome_sink(checkpoint=tiny_checkpoint), blocks.message_debug(), gr.top_block()
    )  # fmt: skip
    top.connect(source, sink)
    top.msg_connect(sink, "outcomes", debug, "store")
    run_flowgraph(top)
    decided = {n: outcome.decided.tolist() for n, outcome in sink.outcomes.items()}
    assert decided == {0: [0, 2], 1: [1, 28]}
    assert sink.outcomes[0].confidence == pytest.approx([0.9, 0.9])
    event = messages(debug, 2)[1]
    assert event["frame"] == 1 and list(event["events"]) == [sink.classes[1], sink.classes[28]]


def test_pdus_become_numbered_frames_and_a_full_queue_drops(run_flowgraph):
    bridge, sink, top = semcom.pdu_to_frames(max_waiting=3), blocks.vector_sink_c(), gr.top_block()
    pdus = [np.arange(n, dtype=np.complex64) + n for n in (5, 20000, 1, 7, 9)]
    for symbols in pdus:  # before the flowgraph starts: nothing drains the queue meanwhile
        bridge._on_pdu(pmt.cons(pmt.PMT_NIL, pmt.init_c32vector(len(symbols), symbols.tolist())))
    bridge._on_pdu(pmt.intern("done"))
    assert bridge.dropped == 2
    top.connect(bridge, sink)
    run_flowgraph(top)
    np.testing.assert_array_equal(np.array(sink.data()), np.concatenate(pdus[:3]))
    assert tags_of(sink) == [(0, 0, 5), (5, 1, 20000), (20005, 2, 1)]
