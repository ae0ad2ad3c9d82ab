# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""M3E-VSC from a film to what is shown of it: shapes, settings, what is lost, what is wrong."""

import numpy as np
import pytest
import torch
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.data.descriptions import VOCABULARY, Description, sentence, tokens
from gnuradio.semcom.media.clip import Media
from gnuradio.semcom.media.store import NOTHING, STORE, handle_items
from gnuradio.semcom.nets.configs import M3EConfig
from gnuradio.semcom.systems.m3e_frame import MOST
from gnuradio.semcom.systems.m3e_vsc import M3EVSC, M3ESettings, named

SMALL = M3EConfig(width=16, heads=2, hidden=16, layers=1, codes=16, stages=2)
FILM, SQUARE = (32, 40, 60), (16, 64, 64)  # pictures, height, width


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return M3EVSC(SMALL, VOCABULARY).eval()


def media(pictures=FILM, seconds=2, seed=0) -> Media:
    rng = np.random.default_rng(seed)
    count, height, width = pictures
    sound = (0.1 * rng.standard_normal(16000 * seconds)).astype(np.float32)
    return Media(rng.integers(0, 255, (count, height, width, 3), dtype=np.uint8), sound)


def clean(frame: torch.Tensor) -> torch.Tensor:
    return torch.full((len(frame),), 1e-3)


@pytest.mark.parametrize("pictures, seconds", [
    (FILM, 2), (SQUARE, 1), ((1, 64, 64), 0), ((1, 50, 70), 0), ((0, 1, 1), 2), ((16, 30, 20), 0),
    ((32, 40, 60), 0), ((1, 40, 40), 3),
])  # fmt: skip
@pytest.mark.parametrize("settings", [
    {}, {"key_frames": 4, "picture_symbols": 2}, {"only": "text"}, {"only": "image"},
    {"without": "m3e"},
])  # fmt: skip
def test_sizes_come_back_and_payloads_are_as_promised(net, pictures, seconds, settings):
    net.configure(M3ESettings(**settings))
    sent = media(pictures, seconds)
    frame = net.frame(sent)
    shown, reading = net.received(frame, clean(frame))
    assert shown.pictures.shape == sent.pictures.shape
    assert shown.sound.shape == sent.sound.shape
    assert len(frame) <= net.payload_of("media", sent) <= net.payload("media", sent.seconds)
    assert frame.abs().square().mean() == pytest.approx(1, abs=1e-3)
    assert len(reading.said) == sent.seconds


def test_counts_are_of_what_was_sent(net):
    net.configure(M3ESettings())
    net.begin()
    frame = net.frame(media())
    told = net.figures(net.counts())
    assert sum(told["symbols_of"].values()) * 2 == pytest.approx(len(frame))
    assert told["symbols_of"]["text"] == 60
    assert told["symbols_of"]["sound"] == 800
    assert told["symbols_of"]["pictures"] == 576
    assert told["key_frames"] == 1


def test_each_second_sends_pictures_of_its_own(net):
    net.configure(M3ESettings(only="image"))
    one, other = media(), media()
    other.pictures[16:] = 255 - other.pictures[16:]
    frames = [net.frame(each) for each in (one, other)]
    gop = len(net.frame(media((16, 40, 60), 1)))
    assert torch.equal(frames[0][: gop // 2], frames[1][: gop // 2])
    assert not torch.isclose(frames[0][-576:], frames[1][-576:]).any()


def test_pictures_at_another_rate_are_refused(net):
    with pytest.raises(SemcomError, match="16 per second"):
        net.frame(media((20, 40, 60), 2))


def test_a_still_keeps_the_budget(net):
    net.configure(M3ESettings())
    assert len(net.frame(media((1, 64, 64), 0))) + 32 <= 768


def test_what_is_lost_leaves_a_film(net):
    net.configure(M3ESettings())
    frame = net.frame(media()).clone()
    noise = clean(frame)
    noise[len(frame) // 2 :] = torch.inf
    frame[len(frame) // 2 :] = torch.nan
    shown, reading = net.received(frame, noise)
    assert shown.pictures.shape == (32, 40, 60, 3)
    assert np.isfinite(shown.sound).all()
    assert reading.xi.shape == (2,)


def test_a_frame_without_a_head_shows_nothing(net):
    net.configure(M3ESettings())
    outcomes, shares, known = net.told([torch.zeros(1, 50, dtype=torch.complex64)], [torch.ones(1)])
    assert outcomes[0][0, 0] == NOTHING
    assert shares[0] == 0
    assert known[0]["said"] == ""


def test_noise_is_read_as_some_film_or_none(net):
    """Whatever a head of noise says, what is shown stays small and whole."""
    net.configure(M3ESettings())
    generator = torch.Generator().manual_seed(1)
    lengths = [len(net.frame(media(*clip))) for clip in ((FILM, 2), (SQUARE, 1), ((0, 1, 1), 2))]
    for number in range(30):
        count = lengths[number % 3]
        frame = torch.randn(count, dtype=torch.complex64, generator=generator)
        shown, _ = net.received(frame, torch.full((count,), 10.0))
        if shown is not None:
            assert shown.pictures.size <= 16 * 3 * MOST


def test_pictures_that_are_too_large_are_refused(net):
    with pytest.raises(SemcomError, match="scale them down"):
        net.frame(Media(np.zeros((1, 4000, 3000, 3), np.uint8)))


def test_a_handle_travels(net):
    net.configure(M3ESettings())
    sent = media()
    frames = net.send("media", [handle_items(STORE.keep(sent), 2)], {})
    outcomes = net.outcome([frames[0][None]], [torch.full((1,), 1e-3)])
    assert STORE.get(int(outcomes[0][0, 0])).pictures.shape == sent.pictures.shape
    assert len(outcomes[0]) == 2


def test_a_sentence_that_is_not_trusted_is_not_gone_by(net):
    """Weights that were never trained read nothing that is sure."""
    net.configure(M3ESettings())
    frame = net.frame(media())
    _, reading = net.received(frame, clean(frame))
    assert not reading.trusted.any()
    assert (reading.tokens == 0).all()


def test_what_a_text_names():
    rows = [tokens(sentence(each)) for each in (
        Description("Bark", "one", "left", "Cat"), Description("something else", "one", "left"),
        Description(),
    )]  # fmt: skip
    rows = torch.tensor([row + [0] * (18 - len(row)) for row in rows] + [[0] * 18])
    assert named(rows, "seen").tolist() == [2, 28, 29, 29]
    assert named(rows, "heard").tolist() == [22, 29, 29, 29]


@pytest.mark.parametrize("settings, word", [
    ({"without": "x"}, "without"), ({"only": "sound"}, "only"), ({"key_frames": 3}, "key_frames"),
    ({"picture_symbols": 5}, "picture_symbols"), ({"without": "m3e", "only": "text"}, "one of"),
])  # fmt: skip
def test_settings_that_mean_nothing(settings, word):
    with pytest.raises(SemcomError, match=word):
        M3ESettings(**settings)
