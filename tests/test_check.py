# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The multi-frame check, its loss, and the clips that it learns from."""

import math

import numpy as np
import pytest
import torch
from gnuradio.semcom.data.clipset import BACKGROUND
from gnuradio.semcom.nets.m3e import check
from gnuradio.semcom.nets.m3e.check import NAMES, UNTOLD, Check, loss
from gnuradio.semcom.training.job import parameters
from gnuradio.semcom.training.key_frames import KeyFrames, picture_view, views
from gnuradio.semcom.training.loop import Loop
from gnuradio.semcom.training.options import CheckConfig
from gnuradio.semcom.training.recipes.check import CheckRecipe, _figures, figures, held_out


def unsure(rng, event, count=6, views=4):
    """[files, views, 29]: mostly of the event, sometimes of another."""
    rows = rng.dirichlet(np.full(NAMES, 0.03), (count, views))
    rows[..., event] += rng.uniform(0, 1.5, (count, views))
    return (rows / rows.sum(-1, keepdims=True)).astype(np.float32)


@pytest.fixture
def frames():
    rng = np.random.default_rng(0)
    return KeyFrames(*({event: unsure(rng, event) for event in (1, 4, 9)} for _ in range(2)))


def test_a_new_check_changes_nothing_and_is_small():
    torch.manual_seed(0)
    both = torch.rand(2, 5, 2, NAMES)
    both = (both / both.sum(-1, keepdim=True)).flatten(2)
    net = Check()
    for logits, own in zip(net(both), both.chunk(2, -1), strict=True):
        torch.testing.assert_close(logits.softmax(-1), own, atol=1e-3, rtol=0)
    assert 5e3 < parameters(net) < 1e5
    assert net(both[:, :1])[0].shape == (2, 1, NAMES)


def test_each_frame_sees_all_others():
    torch.manual_seed(0)
    net = Check()
    torch.nn.init.normal_(net.last.weight)
    both = torch.rand(1, 6, 2 * NAMES, requires_grad=True)
    net(both)[0][0, 3].sum().backward()
    assert (both.grad[0].abs().sum(-1) > 0).all()


def test_the_loss_is_cross_entropy_and_change():
    rng = np.random.default_rng(0)
    logits = [torch.tensor(rng.normal(size=(2, 3, NAMES))) for _ in range(2)]
    labels = torch.tensor([[[4, 4], [4, UNTOLD], [9, 2]], [[1, 1], [1, 1], [UNTOLD, 1]]])
    entropy, change = [], []
    for b in range(2):
        for m in range(2):
            odds = np.exp(logits[m][b].numpy())
            p = odds / odds.sum(1, keepdims=True)
            y = np.eye(NAMES)[labels[b, :, m].clamp_min(0).numpy()]
            told = labels[b, :, m].numpy() != UNTOLD
            entropy += [-math.log(p[f, labels[b, f, m]]) for f in range(3) if told[f]]
            change += [
                np.sum((p[f] - p[f - 1] - y[f] + y[f - 1]) ** 2)
                for f in (1, 2)
                if told[f] and told[f - 1]
            ]
    expected = np.mean(entropy) + check.STEADY * np.mean(change)
    assert float(loss(logits, labels)) == pytest.approx(expected, rel=1e-6)
    one = loss([each[:, :1] for each in logits], labels[:, :1])  # one frame: no change
    assert float(one) == pytest.approx(np.mean([entropy[0], entropy[3], entropy[5], entropy[7]]))


def test_views_of_pictures_differ_and_depend_on_the_generator_alone():
    picture = np.random.default_rng(0).integers(0, 256, (80, 100, 3), np.uint8)
    one, same, other = (picture_view(np.random.default_rng(s), picture) for s in (1, 1, 2))
    assert one.shape == (64, 64, 3) and one.dtype == np.uint8
    np.testing.assert_array_equal(one, same)
    assert (one != other).mean() > 0.5


def test_views_keep_files_apart():
    def recognise(drawn):
        return np.eye(NAMES, dtype=np.float32)[drawn]

    found = views(
        np.random.default_rng(0), {3: [5, 6, 7], 8: [9]}, lambda rng, event, file: file,
        recognise, 2, 2,
    )  # fmt: skip
    assert {event: rows.shape for event, rows in found.items()} == {3: (2, 2, 29), 8: (1, 2, 29)}
    names = found[3].argmax(-1)
    assert (names[:, 0] == names[:, 1]).all() and names[0, 0] != names[1, 0]


def test_clips_are_of_one_scene_or_two_and_labels_tell_what_there_is(frames):
    rng = np.random.default_rng(0)
    both, labels = frames.batch(rng, 300, 8)
    assert both.shape == (300, 8, 58) and both.dtype == torch.float32
    assert set(labels.unique().tolist()) == {UNTOLD, 1, 4, 9}
    shown = both.unflatten(-1, (2, NAMES)).sum(-1)
    torch.testing.assert_close(shown, (labels != UNTOLD).float(), atol=1e-4, rtol=0)
    scenes = (labels[:, 1:, 0] != labels[:, :-1, 0]).sum(1)
    assert set(scenes.tolist()) == {0, 1} and 0.1 < scenes.float().mean() < 0.35
    same = (labels[..., 0] == labels[..., 1]) & (labels[..., 0] != UNTOLD)
    assert 0.4 < same.float().mean() < 0.65
    again = frames.batch(np.random.default_rng(0), 300, 8)[0]
    torch.testing.assert_close(both, again, rtol=0, atol=0)


def test_what_has_no_pictures_is_heard_with_something_else(frames):
    rng = np.random.default_rng(0)
    pictures = {1: frames.pictures[1], BACKGROUND: unsure(rng, BACKGROUND)}
    labels = KeyFrames(pictures, {4: frames.sounds[4]}).batch(rng, 100, 4)[1]
    both = labels[(labels != UNTOLD).all(-1)]
    assert (both[:, 1] == 4).all() and (both[:, 0] == BACKGROUND).float().mean() > 0.7


def test_figures_count_names_and_flips():
    said = [torch.tensor([[[1, 4], [4, 4], [1, 4], [1, 9]]])]
    labels = [torch.tensor([[[1, 4], [1, 4], [1, UNTOLD], [9, 9]]])]
    found = _figures(said, labels)
    assert found == pytest.approx({"pictures": 0.5, "sounds": 1.0, "right": 5 / 7, "flips": 2.0})


def test_a_training_names_more_and_flips_less(frames, tmp_path):
    torch.manual_seed(0)
    recipe = CheckRecipe(frames, held_out(frames, 30, 1), CheckConfig(steps=60, batch=16))
    loop = Loop(recipe, tmp_path)
    loop.run()
    found = figures(loop.averaged.module, recipe.held_out)
    assert found["after"]["right"] > found["before"]["right"] + 0.05
    assert found["after"]["flips"] < 0.7 * found["before"]["flips"]
