# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Sentences over the classical link."""

import json

import numpy as np
import pytest
import torch
from gnuradio.semcom.data import open_set
from gnuradio.semcom.media.codecs.names import TEXTS
from gnuradio.semcom.systems.digital_text import DigitalText, DigitalTextSettings


def sent(net, texts):
    return net.send("text", [np.frombuffer(text.encode(), np.uint8) for text in texts], {})


def said(net, symbols, noise=1e-3):
    frames = [each[None] for each in symbols]
    found, sure = net.judged(frames, [torch.full(each.shape, noise) for each in frames])
    return [bytes(text.numpy()).decode() for text in found], sure


@pytest.mark.parametrize("source", TEXTS)
def test_sentences_arrive_as_they_were_sent(source):
    net = DigitalText(DigitalTextSettings(source=source))
    texts = [open_set(None, "test", text=True)[i] for i in range(20)] + ["zyx qwv.", "!"]
    symbols = sent(net, texts)
    for text, each in zip(texts, symbols, strict=True):
        assert net.payload_of("text", np.frombuffer(text.encode(), np.uint8)) == len(each)
        assert float(each.abs().square().mean()) == pytest.approx(1, abs=1e-3)
    found, sure = said(net, symbols)
    assert [text.lower().replace(" ", "") for text in found] == [
        text.lower().replace(" ", "") for text in texts
    ]
    assert (sure == 1).all()


def test_nothing_heard_is_some_sentence_that_is_not_believed():
    net = DigitalText()
    (_,), sure = said(net, [torch.zeros_like(sent(net, ["a man is running"])[0])], np.inf)
    assert float(sure) == 0


def test_better_codes_take_fewer_uses():
    sentences = open_set(None, "test", text=True)
    mean = {}
    for source in ("letters5", "huffman_letters", "huffman_words", "bigram"):
        net = DigitalText(DigitalTextSettings(source=source))
        mean[source] = np.mean([net.payload_of("text", sentences.text(i)) for i in range(50)])
    assert mean["letters5"] > mean["huffman_letters"] > mean["huffman_words"] > mean["bigram"]


def test_it_runs_over_the_link(program, tmp_path):
    path = tmp_path / "text.json"
    done = program("apps/run_link.py", "--system", "digital_text", "--antennas", 1, "--channel",
                   "awgn", "--snr=-5,10", "--frames", 20, "--json", path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    low, high = json.loads(path.read_text())["records"]
    assert high["exact"] == 1 and low["exact"] < 0.2
    assert high["channel_uses"]["payload"] > 0
    done = program("apps/run_link.py", "--system", "digital_text", "--antennas", 1, "--uses", 60,
                   "--frames", 20)  # fmt: skip
    assert done.returncode == 2 and "digital_text needs" in done.stderr
