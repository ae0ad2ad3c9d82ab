# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Training and evaluating on sets that are odd but not wrong, and on sets that are wrong."""

import contextlib
import importlib
import io
import json
import shutil
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from gnuradio.semcom.data import open_set, synthetic
from gnuradio.semcom.data.clipset import shared_ids
from gnuradio.semcom.systems.registry import LOCALISERS
from gnuradio.semcom.weights import store as checkpoint

RECURRENT = "--attention-width 8 --attention-hidden 8 --recurrent 8 --classifier 8"
SMALL = {
    "avel": RECURRENT,
    "psp": f"{RECURRENT} --projection 8 --common-dim 8",
    "vscg": f"{RECURRENT} --projection 8 --common-dim 8",
    "coattention": RECURRENT,
    "span": "--hidden 8 --code 4 --attention-hidden 8 --heads 2 --members 2",
}


def run(program, *arguments):
    """What a program says, and its exit status; in this process, which has Torch already."""
    stdout, stderr = io.StringIO(), io.StringIO()
    main = importlib.import_module(f"gnuradio.semcom.cli.{program}").main
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        try:
            status = main(list(map(str, arguments)))
        except SystemExit as end:  # of the parser
            status = end.code
    return SimpleNamespace(returncode=status, stdout=stdout.getvalue(), stderr=stderr.getvalue())


def train(data, out, system, *arguments):
    words = ["--data", data, "--out", out, "--system", system, *SMALL[system].split()]
    return run("train", *words, "--epochs", 1, "--batch", 3, *arguments)


def change(folder, name, work):
    """Replace the array of one file by ``work`` of it."""
    with h5py.File(folder / f"{name}.h5", "r+") as file:
        key = next(iter(file))
        values = work(file[key][:])
        del file[key]
        file[key] = values


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "odd"
    synthetic.write(folder, clips=5)
    return folder


@pytest.mark.parametrize("system", list(LOCALISERS))
@pytest.mark.parametrize("setting", ["sel", "wsel"])
def test_clips_of_background_alone(data, tmp_path, system, setting):
    def empty(labels):
        labels[:] = 0
        labels[..., -1] = 1
        return labels

    change(data, "labels", empty)
    done = train(data, tmp_path / "run", system, "--setting", setting)
    assert done.returncode == 0, done.stderr
    path = next((tmp_path / "run").glob("*.safetensors"))
    header = checkpoint.read_header(path)
    assert np.isfinite(header["metrics"]["validation"])
    done = run("evaluate", "--data", data, "--system", system, "--setting", setting,
               "--checkpoint", path, "--json", tmp_path / "f.json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "f.json").read_text())["records"][0]
    assert 0 <= record["accuracy"] <= 1
    assert record["class_accuracy"]["Bark"] is None


@pytest.mark.parametrize("system", list(LOCALISERS))
def test_six_segments(data, tmp_path, system):
    for name in ("audio_feature", "visual_feature", "labels"):
        change(data, name, lambda values: values[:, 2:8])
    done = train(data, tmp_path / "run", system)
    assert done.returncode == 0, done.stderr
    path = next((tmp_path / "run").glob("*.safetensors"))
    done = run("evaluate", "--data", data, "--system", system, "--checkpoint", path,
               "--json", tmp_path / "f.json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "f.json").read_text())["records"][0]["segments"] == 5 * 6


def test_events_across_the_modalities_need_a_shorter_event(data, tmp_path):
    for split in ("train", "val", "test"):
        order = (data / f"{split}_order.h5").read_bytes()
        (data / f"{split}_order_match.h5").write_bytes(order)
    done = train(data, tmp_path / "run", "avel", "--setting", "cml", "--match")
    assert done.returncode == 0, done.stderr
    path = next((tmp_path / "run").glob("*.safetensors"))
    change(data, "labels", lambda labels: np.repeat(labels[:, :1], 10, axis=1))
    done = run("evaluate", "--data", data, "--system", "avel", "--setting", "a2v",
               "--checkpoint", path)  # fmt: skip
    assert done.returncode == 2
    assert "no clip of the split has an event shorter than itself" in done.stderr


def test_shared_clips_and_classes_never_seen_are_told(data, tmp_path):
    lines = (data / "Annotations.txt").read_text().splitlines()
    fields = lines[-1].split("&")
    fields[1] = lines[0].split("&")[1]  # a test clip by the name of a training clip
    (data / "Annotations.txt").write_text("\n".join([*lines[:-1], "&".join(fields)]) + "\n")

    def new_event(labels):
        for row in (12, 13, 14):
            labels[row] = 0
            labels[row, :, 7] = 1
        labels[:10, :, 28] += labels[:10, :, 7]
        labels[:10, :, 7] = 0
        return labels

    change(data, "labels", new_event)
    sets = {split: open_set(data, split) for split in ("train", "val", "test")}
    assert shared_ids(sets) == {("train", "test"): 1}
    done = train(data, tmp_path / "run", "avel")
    assert done.returncode == 0, done.stderr
    assert "train.py: warning: 1 ids of test are in train, too" in done.stderr
    told = next(line for line in done.stderr.splitlines() if "never seen in training" in line)
    assert sets["train"].classes[7] in told


@pytest.mark.parametrize(
    ("name", "work", "words"),
    [
        ("labels", lambda x: x[:, :9], "labels.h5: [clips, T] is (15, 9), expected (15, 10)"),
        ("labels", lambda x: x[:14], "labels.h5: [clips, T] is (14, 10), expected (15, 10)"),
        ("visual_feature", lambda x: x[:, :9], "visual_feature.h5: [clips, T] is (15, 9)"),
        ("val_order", lambda x: x + 11, "val_order.h5: index"),
        ("train_order", lambda x: x[:0], "train_order.h5: names no clips"),
        ("audio_feature", lambda x: np.where(np.arange(15)[:, None, None] == 3, np.nan, x),
         "audio_feature.h5: row 3 holds NaN"),
    ],
)  # fmt: skip
def test_wrong_sets_are_one_line(data, tmp_path, name, work, words):
    change(data, name, work)
    done = train(data, tmp_path / "run", "avel")
    assert done.returncode == 2
    assert words in done.stderr and done.stderr.count("\n") == 1
    assert not list((tmp_path / "run").glob("*.safetensors"))


def test_weak_training_refuses_what_knows_the_seconds(data, tmp_path):
    done = train(data, tmp_path / "run", "avel", "--setting", "wsel", "--exchange", 0.3)
    assert done.returncode == 2
    assert "which wsel does not" in done.stderr


def test_classes_in_another_order_are_not_compared(data, tmp_path):
    assert train(data, tmp_path / "run", "avel").returncode == 0
    path = next((tmp_path / "run").glob("*.safetensors"))
    words = ["--data", data, "--system", "avel", "--checkpoint", path]
    assert run("evaluate", *words).returncode == 0
    change(data, "labels", lambda labels: labels[..., [*range(27, -1, -1), 28]])
    done = run("evaluate", *words)
    assert done.returncode == 2
    assert f"{path.name}: class 0 is 'Church bell', in the set odd it is" in done.stderr
    (data / "Annotations.txt").unlink()  # without it the order is taken to be AVE's
    assert run("evaluate", *words).returncode == 0


def test_a_training_is_resumed_only_with_its_set_network_and_beginning(data, tmp_path):
    first = train(data, tmp_path / "run", "avel")
    assert first.returncode == 0, first.stderr
    path = next((tmp_path / "run").glob("*.safetensors"))
    before = path.read_bytes()
    for more in (["--dropout", 0.4], ["--classifier", 9], ["--init", path], ["--limit", 2]):
        done = train(data, tmp_path / "run", "avel", *more)
        assert done.returncode == 2 and "other options, data or --init" in done.stderr, more
        assert done.stderr.count("\n") == 1
    same, other = (shutil.copytree(data, tmp_path / name / "odd") for name in ("same", "other"))
    assert "resumed after epoch 0" in train(same, tmp_path / "run", "avel").stdout
    before = path.read_bytes()
    change(other, "audio_feature", lambda values: values + 1)
    done = train(other, tmp_path / "run", "avel")
    assert done.returncode == 2 and "other options, data or --init" in done.stderr
    assert path.read_bytes() == before


def test_no_output_replaces_a_file_of_the_set_or_the_weights(data, tmp_path):
    assert train(data, tmp_path / "run", "avel").returncode == 0
    path = next((tmp_path / "run").glob("*.safetensors"))
    (tmp_path / "words.txt").write_text("a sentence\n")
    words = ["--data", data, "--checkpoint", path]
    for program, output, *more in (
        ("evaluate", data / "labels.h5", *words, "--system", "avel", "--json"),
        ("evaluate", path, *words, "--system", "avel", "--json"),
        ("attention", path, "--data", data, "--systems", path, "--json"),
        ("run_link", data / "test_order.h5", *words, "--json"),
        ("run_link", tmp_path / "words.txt", "--system", "deepsc", "--antennas", 1,
         "--data", tmp_path / "words.txt", "--json"),
    ):  # fmt: skip
        before = output.read_bytes()
        done = run(program, *more, output)
        assert done.returncode == 2 and f"{output}: is also read or written" in done.stderr, program
        assert output.read_bytes() == before
    done = run("evaluate", *words, "--system", "avel", "--json", data / "found.json")
    assert done.returncode == 0, done.stderr  # beside the files of the set
