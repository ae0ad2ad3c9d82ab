# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Cross-modal localisation against plain loops, AVE's splits for it, and a set of AVE's size."""

import dataclasses

import h5py
import numpy as np
import pytest
import torch
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.data import ave_sized, open_set, synthetic
from gnuradio.semcom.data.tensors import Features
from gnuradio.semcom.nets.coattention import CoAttention, CoAttentionConfig
from gnuradio.semcom.nets.localisers import AVEL, AVELConfig
from gnuradio.semcom.training import matching
from gnuradio.semcom.training.loop import Loop
from gnuradio.semcom.training.options import ClipConfig
from gnuradio.semcom.training.recipes.matching import Matching

T, CLASSES = 7, tuple("abcdef")
BACKGROUND = len(CLASSES) - 1
SIZES = dict(
    audio_dim=24, visual_dim=40, height=5, width=6, attention_width=12, attention_hidden=13,
    recurrent=9,
)  # fmt: skip
NETS = {"avel": (AVEL, AVELConfig), "coattention": (CoAttention, CoAttentionConfig)}
SPANS = [(1, 3), (0, 7), (4, 7), (2, 3), (0, 0), (3, 6)]  # start, end of six clips' events


def net(name="avel", **changes):
    torch.manual_seed(4)
    cls, config = NETS[name]
    return cls(dataclasses.replace(config(**SIZES, setting="cml"), **changes), CLASSES).eval()


def labels_of(spans, segments=T):
    labels = torch.full((len(spans), segments), BACKGROUND)
    for row, (start, end) in enumerate(spans):
        labels[row, start:end] = row % BACKGROUND
    return labels


def clips():
    generator = torch.Generator().manual_seed(0)
    labels = labels_of(SPANS)
    visual = torch.rand(len(SPANS), T, 5, 6, 40, generator=generator)
    audio = torch.randn(len(SPANS), T, 24, generator=generator)
    return Features(audio, visual, labels, labels.min(1).values)


def test_spans_and_the_clips_that_count():
    start, length = matching.spans(labels_of(SPANS), BACKGROUND)
    assert length.tolist() == [2, 7, 3, 1, 0, 3]
    assert [s for s, n in zip(start.tolist(), length.tolist(), strict=True) if n] == [1, 0, 4, 2, 3]
    usable = matching.usable(labels_of(SPANS), BACKGROUND)
    assert usable.tolist() == [True, False, True, True, False, True]
    twice = labels_of([(1, 3)])
    twice[0, 5] = 0  # a second run of the event is not the query
    assert [x.tolist() for x in matching.spans(twice, BACKGROUND)] == [[1], [2]]


def test_window_distances_in_loops():
    generator = torch.Generator().manual_seed(1)
    query = torch.randn(2, 3, 4, generator=generator)
    other = torch.randn(2, T, 4, generator=generator)
    found = matching.window_distances(query, other)
    for b in range(2):
        for s in range(T - 2):
            each = [np.linalg.norm(query[b, k] - other[b, s + k]) for k in range(3)]
            assert float(found[b, s]) == pytest.approx(np.mean(each), rel=1e-5)


@pytest.mark.parametrize("name", list(NETS))
@pytest.mark.parametrize("mode", matching.MODES)
def test_answers_in_loops(name, mode):
    model, few = net(name), clips()
    found = {how: matching.answers(model, few, mode, how, batch=2) for how in matching.INFERENCE}
    assert set(found["paper"]) == {0, 2, 3, 5}
    for number in found["paper"]:
        start, end = SPANS[number]
        length = end - start
        audio, visual = few.audio[number : number + 1], few.visual[number : number + 1]
        whole = [tuple(x[0].detach().numpy() for x in pair) for pair in model.match(audio, visual)]
        in_step, alone = [], []
        for s in range(T - length + 1):
            total = 0.0
            for heard, seen in whole:
                query, other = (heard, seen) if mode == "a2v" else (seen, heard)
                pairs = zip(query[start:end], other[s : s + length], strict=True)
                total += np.mean([np.linalg.norm(q - o) for q, o in pairs])
            in_step.append(total)
            at, to = (start, s) if mode == "a2v" else (s, start)
            cut = model.match(audio[:, at : at + length], visual[:, to : to + length])
            alone.append(np.mean([float((a - v).norm(dim=-1).mean()) for a, v in cut]))
        assert found["paper"][number] == (start, length, int(np.argmin(in_step)))
        assert found["recomputed"][number] == (start, length, int(np.argmin(alone)))


def test_recomputed_answers_use_the_query_and_the_candidates_alone():
    model, few = net("coattention"), clips()
    before = matching.answers(model, few, "a2v")
    other = Features(few.audio.clone(), few.visual, few.labels, few.events)
    other.audio[0, 3:] = 9.0  # sound outside the query of clip 0
    assert matching.answers(model, other, "a2v") == before
    paper = [
        model.match(each.audio[:1], each.visual[:1])[0][1] for each in (few, other)
    ]  # the published inference looks at it
    assert not torch.allclose(*paper)


def test_prior_and_chance():
    train = labels_of([(1, 3), (1, 3), (4, 6), (0, 5), (0, 7)])
    test = labels_of([(1, 3), (4, 6), (0, 5), (2, 3), (0, 3), (0, 7)])
    found = matching.position_prior(train, test, BACKGROUND)
    assert found == pytest.approx(3 / 5)  # lengths never seen: start 0, right of (0, 3)
    lengths = [2, 2, 5, 1, 3]
    assert matching.chance(test, BACKGROUND) == pytest.approx(
        np.mean([1 / (T - n + 1) for n in lengths])
    )


def recipe(model, few, **options):
    return Matching(model, ClipConfig(variant="cml", **options), {"train": few, "val": few})


def test_training_brings_what_belongs_together_closer(tmp_path):
    few, model = clips(), net("coattention")
    trained = recipe(model, few, epochs=12, batch=3, learning_rate=3e-3, average=0.5)
    loop, batch = Loop(trained, tmp_path), (0, torch.arange(len(few)))

    def loss():
        with torch.no_grad():
            return float(trained.loss(batch, "model"))

    before = loss()
    loop.run()
    model.eval()
    assert loss() < 0.7 * before
    expected = [matching.accuracy(loop.averaged.module, few, mode) for mode in matching.MODES]
    assert loop.history[-1]["validation"] == pytest.approx(np.mean(expected))


def test_lambda_weighs_the_streams():
    few, values = clips(), {}
    for balance in (0.0, 1.0, 0.25):
        trained = recipe(net("coattention", balance=balance), few)
        values[balance] = float(trained.loss((0, torch.arange(len(few))), "model").detach())
    assert values[0.25] == pytest.approx(0.25 * values[1.0] + 0.75 * values[0.0], rel=1e-5)
    assert values[0.0] != pytest.approx(values[1.0], rel=1e-3)


# --- a set of AVE's size ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    annotations, out = tmp_path_factory.mktemp("annotations"), tmp_path_factory.mktemp("set")
    lines = ["Category&VideoID&Quality&StartTime&EndTime", "Bark&one&good&2&5", "Cat&two&good&0&10",
             "Bark&three&good&0&4", "Truck&four&good&6&6"]  # fmt: skip
    (annotations / "Annotations.txt").write_text("\n".join(lines) + "\n")
    for name, rows in (("train_order", [0, 1]), ("test_order_match", [2, 0])):
        with h5py.File(annotations / f"{name}.h5", "w") as file:
            file["order"] = np.array(rows)
    assert ave_sized.write(annotations, out, seed=3, dtype="float16") == 4
    return out


def test_a_set_of_aves_size_has_aves_labels(folder):
    train, match = open_set(folder, "train"), open_set(folder, "test_match")
    bark, cat = 2, 22
    assert train.labels(0).tolist() == [28] * 2 + [bark] * 3 + [28] * 5
    assert match.labels(0).tolist() == [bark] * 4 + [28] * 6
    assert (train.event(0), train.event(1), match.event(0)) == (bark, cat, bark)
    assert train.visual(0).dtype == np.float16
    assert train.ids == ["one", "two"] and match.ids == ["three", "one"]
    with pytest.raises(SemcomError, match="test_order.h5: missing"):
        open_set(folder, "test")


def test_an_empty_event_keeps_its_label_of_the_clip(folder, tmp_path):
    with h5py.File(folder / "train_order_match.h5", "w") as file:
        file["order"] = np.array([3])
    clip = open_set(folder, "train_match")
    assert clip.labels(0).tolist() == [28] * 10
    assert clip.event(0) == 11  # a truck, as mil_labels.h5 says


def test_its_features_are_seeded(folder):
    rng = np.random.default_rng([3, 9, 0])
    audio, visual, _ = synthetic.render(rng, 3, (2, 2, 5))
    clip = open_set(folder, "train")
    np.testing.assert_array_equal(clip.audio(0), audio)
    np.testing.assert_array_equal(clip.visual(0), visual.astype(np.float16))


@pytest.mark.parametrize(
    ("text", "words"),
    [("Dog&x&good&0&4\nCow&y&good&0&3\n", "line 1: 'Dog' is not a category"),
     ("Bark&x&good&0&4\nBark,y,0,3\n", "line 2: 1 fields")],
)  # fmt: skip
def test_annotations_that_are_none_are_one_line(text, words, tmp_path):
    (tmp_path / "Annotations.txt").write_text(text)
    with pytest.raises(SemcomError, match=words):
        ave_sized.write(tmp_path, tmp_path / "out")
    with pytest.raises(SemcomError, match="No such file"):
        ave_sized.write(tmp_path / "nowhere", tmp_path / "out")


def test_weak_labels_that_are_no_labels_are_one_line(folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with h5py.File(tmp_path / "mil_labels.h5", "r+") as file:
        file["avadataset"][0] = 0.5
    with pytest.raises(SemcomError, match="mil_labels.h5: shape .* expected one-hot"):
        open_set(tmp_path, "train")
