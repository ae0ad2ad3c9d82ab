# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What is recognised in pictures and sounds, how both correct each other, and what is said of the
seconds of a film."""

import itertools

import cv2
import numpy as np
import pytest
import torch
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.data import recognised
from gnuradio.semcom.data.clipset import AVE_CLASSES, BACKGROUND
from gnuradio.semcom.data.descriptions import OTHER, Description
from gnuradio.semcom.data.material_drawn import DrawnMaterial
from gnuradio.semcom.data.recognised import describe
from gnuradio.semcom.media.phase import seconds_of
from gnuradio.semcom.nets.efficientnet import EMBEDDING
from gnuradio.semcom.perception import recognition
from gnuradio.semcom.perception.fusion import fused

BARK, CAT, HORSE = (AVE_CLASSES.index(name) for name in ("Bark", "Cat", "Horse"))
CLASSES = len(AVE_CLASSES)
DRAWN = [AVE_CLASSES.index(name) for name in ("Clock", "Helicopter")]


def likely(**shares):
    """A row [29] with these shares, the rest background."""
    row = np.zeros(CLASSES, np.float32)
    for name, share in shares.items():
        row[AVE_CLASSES.index(name)] = share
    row[BACKGROUND] = 1 - row.sum()
    return row


def tone(seconds, level=0.1):
    time = np.arange(16000 * seconds) / 16000
    return (level * np.sin(2 * np.pi * 440 * time)).astype(np.float32)


# Recognition


def drawn(rng, count):
    """Squares of a clock, or of a helicopter, and where each lies: a third of the width."""
    material, found = DrawnMaterial(), []
    for i in range(count):
        picture = material.picture(rng, DRAWN[i % 2])
        third = int(rng.integers(3))
        square = cv2.resize(material.scene(rng), (64, 64), interpolation=cv2.INTER_AREA)
        small = cv2.resize(picture, (26, 26), interpolation=cv2.INTER_AREA)
        top, left = rng.integers(39), (0, 19, 38)[third]
        opaque = small[..., 3:] / 255
        part = square[top : top + 26, left : left + 26]
        part[:] = opaque * small[..., :3] + (1 - opaque) * part
        found.append((square, i % 2, third))
    squares, kinds, thirds = zip(*found, strict=True)
    return np.stack(squares), np.array(kinds), np.array(thirds)


def fitted(squares, kinds):
    """A recogniser of drawn clocks, helicopters and background: ridge regression."""
    rng, material = np.random.default_rng(5), DrawnMaterial()
    empty = [cv2.resize(material.scene(rng), (64, 64)) for _ in range(len(squares) // 2)]
    inputs = recognition.picture_maps(np.concatenate([squares, empty])).mean((2, 3)).numpy()
    wanted = np.eye(3)[[*kinds, *[2] * len(empty)]] * 12
    mean = inputs.mean(0)
    gram = (inputs - mean) @ (inputs - mean).T + 10 * np.eye(len(inputs))
    weight = (inputs - mean).T @ np.linalg.solve(gram, wanted - wanted.mean(0))
    recogniser = recognition.PictureRecogniser()
    recogniser.classes = ("Clock", "Helicopter", "background")
    recogniser.layer = torch.nn.Linear(EMBEDDING, 3).requires_grad_(False)
    recogniser.layer.weight[:] = torch.tensor(weight.T)
    recogniser.layer.bias[:] = torch.tensor(wanted.mean(0) - mean @ weight)
    return recogniser


def test_what_is_seen_and_where_in_composed_pictures(monkeypatch):
    recogniser = fitted(*drawn(np.random.default_rng(0), 80)[:2])
    monkeypatch.setattr(recognition, "picture_recogniser", lambda: recogniser)
    squares, kinds, thirds = drawn(np.random.default_rng(1), 40)
    seen = recognition.seen(squares)
    names = np.array(DRAWN)[kinds]
    assert (seen.probabilities.argmax(1) == names).mean() > 0.8
    np.testing.assert_allclose(seen.probabilities.sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(seen.cells.sum(1), 1, rtol=1e-5)
    places = [recognition.place(cells[n]) for cells, n in zip(seen.cells, names, strict=True)]
    right = np.array(places) == np.array(("left", "middle", "right"))[thirds]
    assert right.mean() > 0.5  # a third by chance
    opposite = {"left": "right", "middle": "middle", "right": "left"}
    wrong_side = np.array([opposite[each] for each in places])[thirds != 1]
    assert (wrong_side == np.array(("left", "middle", "right"))[thirds][thirds != 1]).mean() < 0.1


def test_cells_have_the_logits_of_the_picture_as_their_mean():
    recogniser = recognition.picture_recogniser()
    maps = torch.rand(2, EMBEDDING, 4, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        recogniser.cells(maps).mean((2, 3)), recogniser(maps), atol=1e-4, rtol=1e-4
    )


def test_a_picture_of_one_colour_shows_nothing():
    squares = np.full((2, 64, 64, 3), (20, 200, 90), np.uint8)
    squares[1, 5, 7] = 0
    seen = recognition.seen(squares)
    assert not seen.probabilities[0].any() and not seen.cells[0].any()
    assert seen.probabilities[1].sum() == pytest.approx(1, abs=1e-5)
    assert recognition.seen(squares[:0]).probabilities.shape == (0, CLASSES)


def test_a_higher_temperature_is_less_sure_and_names_the_same():
    squares = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)
    cool, hot = (recognition.seen(squares, t).probabilities for t in (0.5, 4.0))
    assert (cool.argmax(1) == hot.argmax(1)).all() and (cool.max(1) > hot.max(1)).all()
    known = cool[0] > 0
    ratios = np.log(cool[0, known]) - np.log(cool[0, BACKGROUND])
    np.testing.assert_allclose(
        ratios, 8 * (np.log(hot[0, known]) - np.log(hot[0, BACKGROUND])), atol=1e-2
    )


def test_what_is_heard_are_probabilities_of_all_classes():
    spectra = seconds_of(tone(2))
    probabilities = recognition.heard(spectra)
    assert probabilities.shape == (2, CLASSES)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)
    assert recognition.heard(spectra[:0]).shape == (0, CLASSES)


CELLS = {  # rows of cells, and what is said of them
    "left": ("one", [(9, 1, 0, 0), (9, 1, 0, 0)]),
    "right": ("one", [(0, 0, 0, 0), (0, 0, 2, 9)]),
    "middle": ("two", [(9, 1, 1, 9), (9, 1, 1, 9)]),
}


@pytest.mark.parametrize("where", CELLS)
def test_place_and_count_of_cells(where):
    number, rows = CELLS[where]
    cells = np.array(rows) / 10
    assert (recognition.place(cells), recognition.count(cells)) == (where, number)


def test_counts_of_cells():
    assert recognition.count(np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0]])) == "several"
    assert recognition.count(np.eye(4)) == "several"  # corners do not join
    assert recognition.count(np.full((4, 4), 0.2)) == "one"
    assert recognition.count(np.zeros((4, 4))) == recognition.place(np.zeros((4, 4))) == ""


# Fusion


def test_fusion_is_bayes_rule_over_all_pairs():
    rng = np.random.default_rng(0)
    seen, heard = rng.dirichlet(np.ones(5), (2, 3))
    for same in (0.0, 0.3, 0.9, 1.0):
        found = fused(seen, heard, same)
        for row in range(3):
            table = np.zeros((5, 5))
            for c, d in itertools.product(range(5), repeat=2):
                prior = same * (c == d) / 5 + (1 - same) / 25
                table[c, d] = prior * seen[row, c] / 0.2 * heard[row, d] / 0.2
            table /= table.sum()
            np.testing.assert_allclose(found[0][row], table.sum(1), rtol=1e-9)
            np.testing.assert_allclose(found[1][row], table.sum(0), rtol=1e-9)


def test_a_sure_sound_corrects_an_unsure_picture_and_not_a_sure_one():
    bark = likely(Bark=0.95)
    unsure, sure = likely(Cat=0.5, Bark=0.4), likely(Cat=0.998, Bark=0.001)
    assert fused(unsure, bark, 0.6)[0].argmax() == BARK
    assert [row.argmax() for row in fused(sure, bark, 0.6)] == [CAT, BARK]


def test_nothing_to_see_or_hear_stays_and_leaves_the_other():
    bark, nothing = likely(Bark=0.7), np.zeros(CLASSES, np.float32)
    for same in (0.0, 0.6, 1.0):
        seen, heard = fused(bark, nothing, same)
        np.testing.assert_allclose(seen, bark, rtol=1e-6)
        assert not heard.any()
    seen, heard = fused(likely(Cat=1.0), likely(Bark=1.0), 1.0)  # cannot both be
    assert (seen.argmax(), heard.argmax()) == (CAT, BARK)


def test_names_of_probabilities():
    assert recognised.name(likely(Bark=0.6), 0.5) == "Bark"
    assert recognised.name(likely(Bark=0.6), 0.7) == OTHER
    assert recognised.name(likely(Bark=0.1), 0.0) == OTHER  # background
    assert recognised.name(np.zeros(CLASSES), 0.0) == ""


# Descriptions


@pytest.fixture
def told(monkeypatch):
    """Recognisers that tell by the first pixel of a picture, and hear a dog."""

    def seen(pictures):
        rows = [likely(**{("Cat", "Horse")[p[0, 0, 0] % 2]: 0.9}) for p in pictures]
        cells = np.zeros((len(pictures), CLASSES, 4, 4), np.float32)
        cells[:, :, 1, 3] = 0.8
        return recognition.Seen(np.reshape(rows, (-1, CLASSES)), cells)

    monkeypatch.setattr(recognition, "seen", seen)
    monkeypatch.setattr(recognition, "heard", lambda s: np.stack([likely(Bark=0.99) for _ in s]))


def frames(*kinds):
    return np.stack([np.full((64, 64, 3), kind, np.uint8) for kind in kinds])


NO_PICTURES = np.zeros((0, 64, 64, 3), np.uint8)
NO_SPECTRA, NO_SOUND = np.zeros((0, 100, 64), np.float32), np.zeros(0, np.float32)


def test_each_second_is_described(told):
    sound = np.concatenate([tone(1, 0.5), np.zeros(16000, np.float32), tone(1, 0.01)])
    said = describe(frames(0, 0, 1), [0, 1, 1], seconds_of(sound), sound)
    assert said[0] == Description("Cat", "one", "right", "Bark", "loudly")
    assert said[1].heard == said[1].manner == ""
    assert said[2] == Description("Horse", "one", "right", "Bark", "quietly")


def test_a_second_without_key_frames_shows_the_one_before(told):
    sound = tone(4)
    said = describe(frames(1, 0), [1, 2], seconds_of(sound), sound)
    assert [each.seen for each in said] == ["Horse", "Horse", "Cat", "Cat"]
    assert {each.manner for each in said} == {""} and {each.place for each in said} == {"right"}


def test_films_without_sound_or_pictures_one_picture_and_silence(told):
    picture = Description("Horse", "one", "right")
    assert describe(frames(1), [0], NO_SPECTRA, NO_SOUND) == [picture]
    assert describe(frames(1, 1), [0, 2], NO_SPECTRA, NO_SOUND) == [picture] * 3
    heard = describe(NO_PICTURES, [], seconds_of(tone(2)), tone(2))
    assert heard == [Description(heard="Bark")] * 2
    silence = np.zeros(32000, np.float32)
    assert describe(NO_PICTURES, [], seconds_of(silence), silence) == [Description()] * 2
    assert describe(NO_PICTURES, [], NO_SPECTRA, NO_SOUND) == []
    assert describe(frames(1), [0], seconds_of(silence), silence) == [picture] * 2


def test_the_check_sees_all_frames_and_nothing_stays_nothing(told):
    taken = []

    def check(both):
        taken.append(both)
        logits = torch.zeros(1, both.shape[1], CLASSES)
        logits[..., HORSE] = 9
        return logits, logits

    sound = np.concatenate([tone(1), np.zeros(16000, np.float32)])
    said = describe(frames(0, 0, 0), [0, 0, 1], seconds_of(sound), sound, check)
    assert taken[0].shape == (1, 3, 2 * CLASSES)
    shown, played = fused(likely(Cat=0.9), likely(Bark=0.99))
    np.testing.assert_allclose(taken[0][0, 1], np.concatenate([shown, played]), rtol=1e-5)
    np.testing.assert_array_equal(taken[0][0, 2, CLASSES:], 0)
    assert [(each.seen, each.heard) for each in said] == [("Horse", "Horse"), ("Horse", "")]


def test_levels():
    full = np.sin(2 * np.pi * np.arange(16000) / 100)
    np.testing.assert_allclose(recognised.level(full), 10 * np.log10(0.5), atol=1e-6)
    assert recognised.level(np.zeros(100)) == -100


@pytest.mark.parametrize(
    ("places", "sound", "message"),
    [
        ([0], tone(1), "2 key frames and 1 places; expected a place for each"),
        ([1, 0], tone(1), r"places \[1, 0\]: expected 0 or more, not decreasing"),
        ([-1, 0], tone(1), r"places \[-1, 0\]: expected"),
        ([0, 0], tone(2), "32000 samples of 1 seconds; expected 16000 per second"),
    ],
)
def test_lengths_that_do_not_fit(places, sound, message):
    with pytest.raises(SemcomError, match=message):
        describe(frames(0, 1), places, seconds_of(tone(1)), sound)


LOADED = [recognition.picture_features, recognition.picture_recogniser, recognition.hearing]


@pytest.mark.parametrize("load", LOADED, ids=["seen", "named", "heard"])
def test_a_network_first_used_for_decisions_can_be_trained_with(load):
    load.cache_clear()
    with torch.inference_mode():
        net = load()
    assert net is load()
    assert not any(tensor.is_inference() for tensor in net.state_dict().values())
