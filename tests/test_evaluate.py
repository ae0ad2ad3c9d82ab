# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""apps/evaluate.py end to end on small sets, and its measures against plain loops."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from conftest import run_program
from gnuradio.semcom.data import open_set, synthetic
from gnuradio.semcom.systems.registry import classes, localiser
from gnuradio.semcom.tasks import scores
from gnuradio.semcom.weights import store as checkpoint

PROGRAM = Path(__file__).resolve().parents[1] / "apps" / "evaluate.py"
SMALL = {
    "avel": {"attention_width": 8, "attention_hidden": 8, "recurrent": 8, "classifier": 8},
    "coattention": {"attention_width": 8, "attention_hidden": 8, "recurrent": 8, "classifier": 8},
    "psp": {"attention_width": 8, "attention_hidden": 8, "recurrent": 8, "classifier": 8},
}


def evaluate(*arguments):
    return run_program(PROGRAM, *arguments, timeout=300)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets") / "tiny"
    synthetic.write(folder, clips=14)
    for split in ("train", "val", "test"):
        (folder / f"{split}_order_match.h5").write_bytes(
            (folder / f"{split}_order.h5").read_bytes()
        )
    return folder


def saved(folder, system, setting, data, seed=0):
    torch.manual_seed(seed)
    cls = localiser(system)
    net = cls(cls.Config(setting=setting, **SMALL[system]), open_set(data, "test").classes)
    path = folder / f"{system}-{setting}-{seed}.safetensors"
    checkpoint.save(path, net, variant=setting, data="tiny", seed=seed, parameters=7, training={},
                    metrics={"validation": 0.5})  # fmt: skip
    return path


# --- measures ---------------------------------------------------------------------------------


def test_confusion_and_class_accuracy():
    truth, decided = np.array([[0, 0, 2], [2, 2, 0]]), np.array([[0, 1, 2], [2, 0, 0]])
    matrix = scores.confusion(truth, decided, 4)
    expected = np.zeros((4, 4), int)
    for t, d in zip(truth.ravel(), decided.ravel(), strict=True):
        expected[t, d] += 1
    np.testing.assert_array_equal(matrix, expected)
    assert scores.class_accuracy(matrix) == [
        pytest.approx(2 / 3),
        None,
        pytest.approx(2 / 3),
        None,
    ]


def test_events_are_runs_of_one_class():
    found = scores.events_of(np.array([5, 1, 1, 2, 5, 5, 2]), 5)
    assert found == [(1, 1, 3), (2, 3, 4), (2, 6, 7)]
    assert scores.events_of(np.array([5, 5]), 5) == []
    assert scores.events_of(np.array([], int), 5) == []


@pytest.mark.parametrize(
    ("truth", "decided", "expected"),
    [
        ([1, 1, 1, 1, 5], [1, 1, 1, 1, 5], 1.0),
        ([1, 1, 1, 1, 5], [1, 1, 5, 5, 5], 1.0),  # half of the union
        ([1, 1, 1, 1, 5], [1, 5, 5, 5, 5], 0.0),
        ([1, 1, 1, 1, 5], [2, 2, 2, 2, 5], 0.0),
        ([1, 1, 5, 1, 1], [1, 1, 5, 1, 5], 1.0),
        ([1, 1, 1, 1, 5], [1, 1, 1, 5, 1], 2 / 3),  # a second one that is none
        ([5, 5, 5, 5, 5], [5, 5, 5, 5, 5], 1.0),
        ([5, 5, 5, 5, 5], [1, 5, 5, 5, 5], 0.0),
    ],
)
def test_event_f1(truth, decided, expected):
    found = scores.event_f1(np.array([truth]), np.array([decided]), 5)
    assert found == pytest.approx(expected)


# --- the program ------------------------------------------------------------------------------


def test_seconds_are_named_over_seeds(data, tmp_path):
    paths = [saved(tmp_path, "avel", "wsel", data, seed) for seed in (0, 1)]
    out = tmp_path / "out.json"
    done = evaluate("--system", "avel", "--setting", "wsel", "--data", data, "--checkpoint", *paths,
                    "--json", out, "--table", tmp_path / "t.tex")  # fmt: skip
    assert done.returncode == 0, done.stderr
    document = json.loads(out.read_text())
    clips = open_set(data, "test")
    expected = []
    for path, record in zip(paths, document["records"], strict=True):
        net = checkpoint.load(path, classes())[0]
        right = total = 0
        for i in range(len(clips)):
            audio, visual = (torch.from_numpy(x[None]) for x in (clips.audio(i), clips.visual(i)))
            with torch.inference_mode():
                decided = net(audio, visual.half())[0][0].argmax(-1).numpy()
            right += (decided == clips.labels(i)).sum()
            total += len(decided)
        expected.append(right / total)
        assert record["accuracy"] == pytest.approx(expected[-1])
        assert np.sum(record["confusion"]) == total == record["segments"]
        assert np.trace(record["confusion"]) == right
        assert "clip_scores" not in record
    assert document["accuracy"] == pytest.approx(np.mean(expected))
    assert document["accuracy_std"] == pytest.approx(np.std(expected, ddof=1))
    assert document["accuracy_ci95"][0] <= document["accuracy"] <= document["accuracy_ci95"][1]
    table = (tmp_path / "t.tex").read_text()
    assert r"\toprule" in table and f"{np.mean(expected):.3f}" in table and "±" not in table


def test_figures_are_drawn(data, tmp_path):
    path = saved(tmp_path, "coattention", "sel", data)
    done = evaluate("--system", "coattention", "--data", data, "--checkpoint", path,
                    "--figures", tmp_path / "figures")  # fmt: skip
    assert done.returncode == 0, done.stderr
    for name in ("confusion", "classes", "tsne", "attention"):
        assert (tmp_path / "figures" / f"{name}.png").stat().st_size > 5000


@pytest.mark.parametrize("mode", ["a2v", "v2a"])
def test_events_are_found_across_the_modalities(data, tmp_path, mode):
    path = saved(tmp_path, "avel", "cml", data)
    done = evaluate("--system", "avel", "--setting", mode, "--data", data, "--checkpoint", path,
                    "--json", tmp_path / "f.json", "--figures", tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "f.json").read_text())["records"][0]
    assert record["clips"] + record["clips_left_out"] == 14
    assert 0 < record["accuracy_chance"] < 1
    assert {"accuracy_paper_inference", "accuracy_position_prior"} <= set(record)
    assert "position prior" in done.stdout
    assert (tmp_path / "pairs.png").exists()


def test_bad_input_is_one_line(data, tmp_path):
    avel = saved(tmp_path, "avel", "sel", data)
    (tmp_path / "half.safetensors").write_bytes(avel.read_bytes()[:100])
    here = ["--data", data]
    cases = [
        ([*here, "--system", "psp", "--checkpoint", avel], "is avel, sel; expected psp, sel"),
        (
            [*here, "--system", "avel", "--setting", "wsel", "--checkpoint", avel],
            "expected avel, wsel",
        ),
        (
            [*here, "--system", "vscg", "--setting", "a2v"],
            "vscg does not have it; expected one of sel, wsel",
        ),
        ([*here, "--system", "avel", "--checkpoint", avel, avel], "is given 2 times; give it once"),
        ([*here, "--system", "avel", "--checkpoint", tmp_path / "no"], "no such checkpoint"),
        ([*here, "--system", "avel", "--checkpoint", tmp_path / "half.safetensors"], "not a whole"),
        (["--data", tmp_path / "gone"], "no such folder"),
        ([*here, "--system", "avel", "--checkpoint", avel, "--json", "/dev/null/x"], "/dev/null/x"),
        ([*here, "--system", "avel", "--checkpoint", avel, "--table", "t.doc"], "must end in .tex"),
    ]
    for arguments, words in cases:
        done = evaluate(*arguments)
        assert done.returncode == 2, (arguments, done.stderr)
        assert words in done.stderr and done.stderr.count("\n") == 1, done.stderr
        assert done.stderr.startswith("evaluate.py: error: ")


def test_a_set_of_other_sizes_is_refused(data, tmp_path):
    avel = saved(tmp_path, "avel", "sel", data)
    other = tmp_path / "other"
    synthetic.write(other, clips=2)
    with h5py.File(other / "audio_feature.h5", "r+") as file:
        values = file["avadataset"][:, :, :100]
        del file["avadataset"]
        file["avadataset"] = values
    done = evaluate("--data", other, "--system", "avel", "--checkpoint", avel)
    assert done.returncode == 2 and "audio features" in done.stderr
