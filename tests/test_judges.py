# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The published networks that judge, against TensorFlow Lite's interpreter, and the judges.

The numbers of the interpreter (ai-edge-litert 2.3.0) were computed once for the inputs here.  It
computes in eight bits, the network here in floating point: over real pictures the cosine of the
embeddings is 0.998 in the mean, of sounds 0.9995 (tools/convert_teachers.py); of these inputs it is
0.993 and more.
"""

import cv2
import numpy as np
import pytest
import torch
from gnuradio.semcom.data.clipset import AVE_CLASSES
from gnuradio.semcom.data.material_drawn import DrawnMaterial
from gnuradio.semcom.perception import judges
from gnuradio.semcom.perception.embeddings import (
    picture_embedding,
    sound_embedding,
    squares,
)
from gnuradio.semcom.weights import store as checkpoint

Y, X = np.mgrid[:224, :224]
TIME = np.arange(16000) / 16000


def picture(red, green, blue):
    return np.stack([red + 0 * X, green + 0 * X, blue + 0 * X], -1).astype(np.uint8)


DISC, STRIPE = np.hypot(Y - 112, X - 100) < 70, ((X + Y) // 16) % 2 == 1
PICTURES = {
    "grid": picture((Y * X // 8) % 256, (Y + 2 * X) % 256, (3 * Y) % 256),
    "disc": np.where(
        DISC[..., None],
        picture(200, 60 + X // 2, 40 + Y // 4),
        picture(90 + Y // 4, 140, 220 - Y // 3),
    ),
    "stripes": np.where(STRIPE[..., None], picture(230, 230, 230), picture(20, 20, 20)),
}
CLICKS = np.where(np.arange(16000) % 2000 < 40, 0.8, 0.0) * np.sin(np.arange(16000))
SOUNDS = {
    "chirp": 0.5 * np.sin(2 * np.pi * (200 * TIME + 900 * TIME**2)),
    "clicks": CLICKS,
    "square": 0.3 * np.sign(np.sin(2 * np.pi * 440 * TIME)),
}
SOUNDS = {name: sound.astype(np.float32) for name, sound in SOUNDS.items()}
# the interpreter's largest ten entries of each embedding, and the embedding's length
LARGEST = {
    "grid": ({396: 5.69, 261: 5.48, 850: 5.48, 713: 5.32, 719: 5.18, 886: 5.11, 798: 4.96,
              245: 4.96, 80: 4.92, 778: 4.78}, 44.52),
    "disc": ({264: 5.15, 664: 4.87, 663: 4.75, 200: 4.68, 183: 4.28, 259: 4.21, 245: 4.21,
              922: 4.12, 430: 3.81, 181: 3.79}, 31.29),
    "stripes": ({719: 5.98, 538: 5.84, 147: 5.74, 802: 5.74, 438: 5.65, 109: 5.48, 346: 5.36,
                 655: 5.29, 999: 5.08, 414: 4.82}, 33.66),
    "chirp": ({234: 2.61, 591: 2.59, 715: 2.31, 225: 2.26, 296: 1.66, 898: 1.14, 548: 1.0,
               600: 0.98, 648: 0.75, 747: 0.75}, 5.95),
    "clicks": ({225: 3.12, 284: 2.96, 263: 1.59, 715: 1.52, 600: 1.31, 332: 1.28, 246: 1.21,
                81: 0.79, 591: 0.75, 234: 0.56}, 5.59),
    "square": ({921: 3.52, 611: 2.91, 296: 1.98, 174: 1.87, 212: 1.75, 393: 1.52, 988: 1.42,
                67: 1.42, 648: 1.38, 715: 1.31}, 7.68),
}  # fmt: skip
SCORES = {  # the interpreter's largest
    "chirp": {"Synthesizer": 0.23, "Sound effect": 0.18},
    "clicks": {"Sound effect": 0.18, "Air horn, truck horn": 0.08},
    "square": {"Alarm": 1.0, "Siren": 1.0, "Civil defense siren": 0.29},
}


def near(embedding, name, apart):
    """The largest entries are the interpreter's: nine of ten, each within ``apart``; the length
    within 3 %."""
    expected, length = LARGEST[name]
    largest = set(np.argsort(-embedding)[:10].tolist())
    found = embedding[list(expected)]
    return (
        len(largest & set(expected)) >= 9
        and np.abs(found - list(expected.values())).max() < apart
        and abs(np.linalg.norm(embedding) / length - 1) < 0.03
    )


@pytest.mark.parametrize("name", PICTURES)
def test_mobilenet_says_what_the_interpreter_says(name):
    (embedding,) = picture_embedding()(PICTURES[name][None])
    assert embedding.shape == (1024,) and near(embedding, name, apart=0.4)


@pytest.mark.parametrize("name", SOUNDS)
def test_yamnet_says_what_the_interpreter_says(name):
    net = sound_embedding()
    (embedding,), (scores,) = net(SOUNDS[name])
    assert near(embedding, name, apart=0.15)
    for label, expected in SCORES[name].items():
        assert scores[net.classes.index(label)] == pytest.approx(expected, abs=0.03)
    assert scores.shape == (521,) and len(net.classes) == 521


def test_other_inputs_give_other_numbers():
    """So that the tests above can fail."""
    assert not near(picture_embedding()(PICTURES["grid"][None])[0], "disc", apart=0.4)
    mirrored = picture_embedding()(PICTURES["grid"][None, :, :, ::-1])[0]  # colours swapped
    assert not near(mirrored, "grid", apart=0.4)
    louder = sound_embedding()(3 * SOUNDS["square"])[0][0]
    assert not near(louder, "square", apart=0.15)


def test_a_map_has_its_embedding_as_mean():
    pictures = np.stack(list(PICTURES.values()))
    maps = picture_embedding().maps(pictures)
    assert maps.shape == (3, 7, 7, 1024) and maps.min() >= 0 and maps.max() <= 6
    np.testing.assert_allclose(maps.mean((1, 2)), picture_embedding()(pictures), atol=1e-5)
    one_by_one = [picture_embedding()(p[None])[0] for p in pictures]
    np.testing.assert_allclose(picture_embedding()(pictures), one_by_one, atol=1e-3)


def test_pictures_of_any_size_become_squares():
    flat = np.full((2, 30, 50, 3), 9, np.uint8)
    assert squares(flat).shape == (2, 224, 224, 3) and (squares(flat) == 9).all()
    fine = np.zeros((1, 448, 448, 3), np.uint8)
    fine[:, ::2] = 200  # lines of one pixel: grey, where aliases would leave them black or white
    assert np.abs(squares(fine).astype(int) - 100).max() <= 1


@pytest.mark.parametrize(
    ("samples", "patches"), [(0, 1), (8000, 1), (16000, 1), (24000, 2), (80000, 9)]
)
def test_sounds_have_a_patch_each_half_second(samples, patches):
    embedded, scores = sound_embedding()(np.zeros(samples, np.float32))
    assert embedded.shape == (patches, 1024) and scores.shape == (patches, 521)


def test_published_eight_bits_are_read_with_their_zero_point():
    rng = np.random.default_rng(0)
    value = torch.tensor(rng.integers(0, 256, (4, 2, 3, 3)), dtype=torch.uint8)
    scale, zero = torch.tensor([0.02]), torch.tensor([151], dtype=torch.int16)
    stored = {"a.weight": value, "a.weight.scale": scale, "a.weight.zero": zero}
    stored |= {"a.bias": torch.ones(4)}
    found = checkpoint.all_bits(stored)
    assert sorted(found) == ["a.bias", "a.weight"]
    np.testing.assert_allclose(found["a.weight"], (value.numpy().astype(float) - 151) * 0.02, 1e-6)
    rows = {"b": value, "b.scale": torch.arange(1.0, 5), "b.zero": torch.tensor([1, 2, 3, 4])}
    expected = (value.numpy().astype(float) - np.arange(1, 5).reshape(4, 1, 1, 1)) * np.arange(
        1, 5
    ).reshape(4, 1, 1, 1)
    np.testing.assert_allclose(checkpoint.all_bits(rows)["b"], expected)


# --- judges ---


def test_judges_know_the_classes_of_their_files():
    assert len(judges.picture_judge().classes) == 25 and len(judges.sound_judge().classes) == 12
    for judge in (judges.picture_judge(), judges.sound_judge()):
        assert judge.classes[-1] == "background" and {"Cat", "Bark"} < set(judge.classes)


def drawn(kind, event, seed):
    """A drawn object of the synthetic material, without its transparency; or its sound."""
    rng, number = np.random.default_rng(seed), AVE_CLASSES.index(event)
    if kind == "sound":
        return DrawnMaterial().sound(rng, number)
    return np.ascontiguousarray(DrawnMaterial().picture(rng, number)[None, ..., :3])


@pytest.mark.parametrize(
    ("event", "seed", "said"), [("Clock", 0, "Clock"), ("Clock", 1, "Clock"), ("Flute", 2, "Flute")]
)
def test_the_judge_of_photographs_knows_some_drawings(event, seed, said):
    """As recorded, each by a wide margin."""
    assert judges.picture_judge()(drawn("picture", event, seed)) == said


@pytest.mark.parametrize(
    ("event", "seed", "said"),
    [("Helicopter", 2, "Helicopter"), ("Flute", 3, "Flute"), ("Clock", 0, "background")],
)
def test_the_judge_of_recordings_knows_some_synthetic_sounds(event, seed, said):
    assert judges.sound_judge()(drawn("sound", event, seed)) == said


def test_several_pictures_are_judged_by_their_mean():
    clock, grid = drawn("picture", "Clock", 0), PICTURES["grid"][None]
    judge = judges.picture_judge()
    assert judge(np.repeat(clock, 3, 0)) == "Clock" and judge(grid) == "background"
    both = np.concatenate([clock, cv2.resize(grid[0], clock.shape[2:0:-1])[None]])
    embeddings = [picture_embedding()(picture[None])[0] for picture in both]
    assert judge(both) == judge.named(np.mean(embeddings, 0))


def test_nothing_to_see_or_hear_has_no_class():
    grey = np.full((2, 40, 40, 3), 128, np.uint8)
    assert judges.picture_judge()(grey) == "" == judges.sound_judge()(np.zeros(16000, np.float32))
    grey[1, 20:, :, 0] = 0  # one of two shows something
    assert judges.picture_judge()(grey) in judges.picture_judge().classes
    quiet = np.zeros(16000, np.float32)
    quiet[100] = 1e-3
    assert judges.sound_judge()(quiet) in judges.sound_judge().classes
