# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Features of networks that know the world, and the fit of what is over them."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from gnuradio.semcom.data.films import Films
from gnuradio.semcom.media import spectrum
from gnuradio.semcom.nets import world
from gnuradio.semcom.nets.mobilenet import YAMNet
from gnuradio.semcom.perception.features import Compact, World, extractor, suited
from gnuradio.semcom.perception.recognition import picture_features
from gnuradio.semcom.weights import store
from gnuradio.semcom.weights.names import models_folder

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
import merge_material
import train_world

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def features():
    return extractor("world")


@pytest.fixture(scope="module")
def maps():
    found = world.WorldMaps()
    store.fill(models_folder() / "world.safetensors", found)
    return found


@torch.inference_mode()
def test_sounds_are_an_affine_map_of_what_yamnet_says(features, maps):
    seconds = RNG.uniform(-0.3, 0.3, (3, 16000)).astype(np.float32)
    net = YAMNet()
    store.fill(models_folder() / "yamnet.safetensors", net)
    patches = spectrum.patches(seconds, spectrum.YAMNET_OFFSET)
    embedded = net(torch.from_numpy(patches))[0].numpy()
    weight, bias = (p.detach().numpy() for p in maps.audio.parameters())
    expected = [[sum(w * e for w, e in zip(row, one, strict=True)) for row in weight[:4]]
                for one in embedded.astype(np.float64)]  # fmt: skip
    found = features.audio(seconds)
    assert found.shape == (3, 128) and found.dtype == np.float32
    np.testing.assert_allclose(found[:, :4], np.array(expected) + bias[:4], atol=1e-3)


@torch.inference_mode()
def test_pictures_are_the_mean_of_two_looks(features, maps):
    pictures = RNG.integers(0, 256, (2, 8, 40, 60, 3), dtype=np.uint8)
    found = features.visual(pictures)
    assert found.shape == (2, 5, 5, 128) and found.dtype == np.float32
    expected = []
    for look in (2, 6):  # of eight pictures, in the middle of each half
        square = cv2.resize(pictures[1, look], (160, 160), interpolation=cv2.INTER_AREA)
        x = torch.from_numpy(square).permute(2, 0, 1)[None].float() / 255
        cells = picture_features()(x)[0].permute(1, 2, 0)
        expected.append(maps.visual(cells).numpy())
    np.testing.assert_allclose(found[1], np.mean(expected, 0), atol=1e-3)


def test_the_first_features_are_what_classifiers_say(maps):
    """A cat's picture is no test of ours; that logits differ from class to class is."""
    header = store.read_header(models_folder() / "world.safetensors")
    assert len(header["classes"]) == 29 and header["system"] == "world"
    rows = torch.corrcoef(maps.audio.weight.detach()[:29])
    assert rows.fill_diagonal_(0).max() < 0.95


def test_features_are_found_by_their_sizes():
    both = {"audio features": (128,), "visual features": (5, 5, 128), "classes": 29}
    assert suited(both) == "world"
    assert suited(both | {"visual features": Compact.visual_shape}) == "compact"
    assert suited({"audio features": (128,), "classes": 29}) == "world"
    assert suited(both | {"audio features": (64,)}) == ""
    assert suited({"visual features": World.visual_shape}) == "world"


def test_films_take_the_features_of_the_weights_unless_told():
    compact = {"audio features": (128,), "visual features": (7, 7, 512)}
    films = Films(["a.mp4"])
    assert films.features == "world"
    films.suit(compact)
    assert films.features == "compact"
    films.suit({"audio features": (9,)})
    assert films.features == "compact"
    told = Films(["a.mp4"], features="world")
    told.suit(compact)
    assert told.features == "world"


def test_a_fit_is_drawn_towards_the_prior():
    y = np.repeat(np.arange(3), 40)
    x = (RNG.standard_normal((120, 6)) + 6 * np.eye(6)[y]).astype(np.float32)
    prior = np.zeros((29, 7), np.float32)
    prior[:, :6] = RNG.standard_normal((29, 6))
    free, held = (train_world.fit(x, y, prior, pull) for pull in (1e-6, 1e4))
    np.testing.assert_allclose(held[:, :6], prior[:, :6], atol=1e-3)
    np.testing.assert_array_equal(free[3:], prior[3:])  # nothing tells of those
    assert ((train_world.with_one(x) @ free[:3].T).argmax(1) == y).mean() > 0.99
    right, cost = train_world.judged(np.zeros((29, 7), np.float32), x, y)
    assert cost == pytest.approx(np.log(29), rel=1e-4) and right == pytest.approx(1 / 3)


def test_own_scores_and_directions_are_standardised():
    x = (RNG.standard_normal((500, 6)) * np.arange(1, 7)).astype(np.float32)
    head, own = RNG.standard_normal((29, 7)), RNG.standard_normal((2, 7))
    rows = train_world.affine(head, own, x, 29 + 2 + 3)
    values = train_world.with_one(x) @ rows.T
    np.testing.assert_allclose(values[:, 29:].mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(values[:, 29:].std(0), 1, rtol=1e-4)
    np.testing.assert_allclose(rows[:29], 0.25 * head, rtol=1e-5)
    main = np.abs(np.corrcoef(values[:, 31:].T, x.T)[:3, 3:])  # the widest directions, in order
    assert main.argmax(1).tolist() == [5, 4, 3]


def test_every_event_with_another_name_is_in_audioset():
    prior, known, others = train_world.sound_prior()
    assert prior.shape == (29, 1025) and known[:28].all() and not known[28]
    assert others.shape == (len(train_world.ELSE), 1025)
    net = YAMNet()
    header = store.fill(models_folder() / "yamnet.safetensors", net)
    names = header["classes"]
    tick = [names.index(n) for n in ("Clock", "Tick-tock", "Tick")]
    row = net.classify.weight[tick].mean(0).detach().numpy()
    np.testing.assert_allclose(prior[16, :-1], row, atol=1e-5)


def test_people_are_known_by_their_captions():
    assert merge_material.person(["A man on a bike", "somebody rides"]) == merge_material.MAN
    assert merge_material.person(["Two women talk."]) == merge_material.WOMAN
    assert merge_material.person(["a man and a girl"]) == "" == merge_material.person(["a manor"])
    rows = [{"path": f"/x/{k}.jpg", "class": "background", "subclass": s, "kind": "image"}
            for k, s in enumerate(("person", "person", "dog"))]  # fmt: skip
    kept = merge_material.with_people(rows, {"0": ["a guy"], "1": ["people"]})
    assert [(r["path"], r["class"]) for r in kept] == [
        ("/x/0.jpg", merge_material.MAN), ("/x/2.jpg", "background"),
    ]  # fmt: skip


def test_folds_keep_groups_together():
    rows = [{"path": f"{k}", "group": f"g{k // 4}"} for k in range(400)]
    folds = [merge_material.fold_of(row, 3) for row in rows]
    assert all(len(set(folds[k : k + 4])) == 1 for k in range(0, 400, 4))
    assert min(folds.count(f) for f in range(3)) > 80
