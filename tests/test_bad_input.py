# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What users get wrong: one clear line, a non-zero status and nothing half-written."""

import json
import os
import pickle
import re
import resource
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest
import torch
from conftest import ROOT, tiny_system
from gnuradio.semcom.data import synthetic
from gnuradio.semcom.weights import store as checkpoint

RUN = "apps/run_link.py"


def one_line(done, *words):
    """The program failed with a single line that holds the words."""
    assert done.returncode not in (0, None)
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    complaints = [line for line in lines if "error: " in line]
    assert len(complaints) == 1, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert re.search(word, complaints[0]), (word, complaints[0])


@pytest.fixture(scope="module")
def good_set(tmp_path_factory):
    """A small AVE-layout folder written by the synthetic set; copied by whoever spoils it."""
    folder = tmp_path_factory.mktemp("set")
    synthetic.write(folder, 3)
    return folder


@pytest.fixture
def ave_set(good_set, tmp_path):
    folder = tmp_path / "synthetic"
    folder.mkdir()
    for path in good_set.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def rewrite(path, data, key="avadataset"):
    with h5py.File(path, "w") as file:
        file[key] = data


def read(path):
    with h5py.File(path) as file:
        return next(iter(file.values()))[:]


def test_the_unspoilt_set_works(program, ave_set):
    assert program(RUN, "--data", ave_set, "--frames", 2).returncode == 0


@pytest.mark.parametrize(
    "name", ["audio_feature.h5", "visual_feature.h5", "labels.h5", "test_order.h5"]
)
def test_missing_file(program, ave_set, name):
    (ave_set / name).unlink()
    one_line(program(RUN, "--data", ave_set), name)


def test_missing_folder(program, tmp_path):
    one_line(program(RUN, "--data", tmp_path / "nowhere"), "nowhere")


def test_foreign_key(program, ave_set):
    path = ave_set / "audio_feature.h5"
    data = read(path)
    with h5py.File(path, "w") as file:
        file["one"], file["two"] = data, data
    one_line(program(RUN, "--data", ave_set), "audio_feature.h5", "avadataset")


def test_wrong_shape(program, ave_set):
    path = ave_set / "visual_feature.h5"
    rewrite(path, read(path)[..., 0])
    one_line(program(RUN, "--data", ave_set), "visual_feature.h5", "shape")


@pytest.mark.parametrize(
    ("name", "spoil", "words"),
    [
        ("audio_feature.h5", lambda d: d[..., :24], ["audio features", "128", "24"]),
        ("visual_feature.h5", lambda d: d[..., :5, :], ["visual features", "7, 7", "7, 5"]),
        ("labels.h5", lambda d: np.eye(5)[np.minimum(d.argmax(-1), 4)], ["classes", "29", "5"]),
        ("audio_feature.h5", lambda d: d.astype("S4"), ["audio_feature.h5", "real numbers"]),
        ("test_order.h5", lambda d: d[:0], ["test_order.h5", "no clips"]),
    ],
    ids=["audio size", "map size", "classes", "text", "empty split"],
)
def test_sizes_that_do_not_fit(program, ave_set, name, spoil, words):
    rewrite(ave_set / name, spoil(read(ave_set / name)))
    one_line(program(RUN, "--data", ave_set), *words)


def test_truncated_file(program, ave_set):
    path = ave_set / "visual_feature.h5"
    path.write_bytes(path.read_bytes()[:5000])
    one_line(program(RUN, "--data", ave_set), "visual_feature.h5")


def test_nan_features(program, ave_set):
    path = ave_set / "audio_feature.h5"
    data = read(path)
    data[:, 3, 5] = np.nan
    rewrite(path, data)
    one_line(program(RUN, "--data", ave_set), "audio_feature.h5", "NaN")


def test_checkpoint_of_another_system(program, tmp_path):
    path = tmp_path / "other.safetensors"
    system = tiny_system()
    system.name = "another_system"
    checkpoint.save(path, system, variant="full", data="synthetic")
    done = program(RUN, "--checkpoint", path, "--frames", 2)
    one_line(done, "other.safetensors", "another_system")


class Bomb:
    """Unpickling it would create a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("writer", ["torch", "pickle"])
def test_pickled_checkpoint_is_refused_and_never_run(program, tmp_path, writer):
    path, proof = tmp_path / "pickled.safetensors", tmp_path / "executed"
    if writer == "torch":
        torch.save({"weights": Bomb(proof)}, path)
    else:
        path.write_bytes(pickle.dumps(Bomb(proof)))
    one_line(program(RUN, "--checkpoint", path, "--frames", 2), "pickled.safetensors", "pickled")
    assert not proof.exists()


def test_missing_and_truncated_checkpoint(program, tmp_path, tiny_checkpoint):
    one_line(program(RUN, "--checkpoint", tmp_path / "no.safetensors"), "no.safetensors")
    cut = tmp_path / "cut.safetensors"
    with open(tiny_checkpoint, "rb") as file:
        cut.write_bytes(file.read()[:-100])
    one_line(program(RUN, "--checkpoint", cut), "cut.safetensors")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--channel", "quantum"], "quantum"),
        (["--snr", "loud"], "'loud' is not a number"),
        (["--snr", "0:30"], "start:stop:step"),
        (["--snr", "0:1e9:1e-9"], "'0:1e9:1e-9' has 1e.18 values, at most 1000000"),
        (["--snr", "0:1e38:1e-300"], "has inf values, at most 1000000"),
        (["--snr", "0:999999:1", "--csi", "ls", "lmmse"], "2000000 points, at most 1000000"),
        (["--snr", "nan"], "'nan' is not a number"),
        (["--radio", "zmq:\udcff"], "udcff' is not UTF-8"),
        (["--radio", "uhd:a;b;c", "--antenna", "\udcff"], "udcff' is not UTF-8"),
        (["--snr", "1e300"], "'1e300' is more than 3.4e.38 in size"),
        (["--antennas", "1"], "--antennas 1.*at least 2"),
        (["--antennas", "9"], "--antennas 9: expected at most 8"),
        (["--pilot-length", "1"], "--pilot-length 1.*multiple of 2"),
        (["--system", "telepathy"], "telepathy"),
        (["--symbols", "1000"], "1000"),
        (["--frames", "-3"], "-3"),
        (["--device", "warp"], "warp"),
        (["--csi", "guess"], "guess"),
        (["--channel", "none", "--antennas", "3"], "--channel none"),
        (["--json", "/dev/null/link.json", "--frames", "2"], "/dev/null/link.json"),
        (["--dump-path", "/dev/null/dump", "--frames", "2"], "/dev/null/dump"),
        (["--plot", "plot.txt", "--frames", "2"], "plot.txt"),
        (["--plot", "/dev/null/plot.png", "--frames", "2"], "/dev/null/plot.png"),
        (["--dump-path", "dumped", "--snr", "0,10"], "--dump-path: .* 2 points"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_that_mean_nothing(program, words, complaint):
    done = program(RUN, *words, timeout=120)
    one_line(done, complaint)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--decoder", "vscg"], "--decoder: an option of pilot_ave, not of pilot_ave_plus"),
        (["--system", "vscg", "--snr-min", "3"], "--snr-min: an option of trainings of events"),
        (["--variant", "error_free", "--snr-min", "3"], "--snr-min 3: has an effect only"),
        (["--system", "psp", "--variant", "full"], "--variant: psp is a localiser"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_of_another_training(program, tmp_path, words, complaint):
    done = program("apps/train.py", "--out", tmp_path / "run", *words, timeout=120)
    one_line(done, complaint)
    assert done.returncode == 2 and not (tmp_path / "run").exists()


def small_disk():
    """A limit on the size of any file written stands for a full disk (the write fails)."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))


def test_full_disk_leaves_the_old_file(program, tmp_path):
    path = tmp_path / "link.json"
    path.write_text("{}")
    done = program(RUN, "--frames", 2, "--json", path, preexec_fn=small_disk)
    one_line(done, "link.json", "written")
    assert path.read_text() == "{}"
    assert os.listdir(tmp_path) == ["link.json"]


def test_full_disk_under_a_dump_ends_the_run_at_once(program, tmp_path):
    began = time.monotonic()
    done = program(RUN, "--frames", 50, "--dump-path", tmp_path, preexec_fn=small_disk)
    one_line(done, r"\.(c64|f32): could not be written")
    assert time.monotonic() - began < 60


def test_a_dump_that_cannot_be_opened(program, tmp_path):
    (tmp_path / "antenna_0.c64").mkdir()
    one_line(program(RUN, "--frames", 2, "--dump-path", tmp_path), "antenna_0.c64")


KILLED = """
import sys, time
from gnuradio.semcom.base.files import replacing
with replacing(sys.argv[1]) as temporary:
    file = open(temporary, "w")
    file.write("half of")
    file.flush()
    print("writing", flush=True)
    time.sleep(60)
"""


def test_full_disk_leaves_the_old_checkpoint(program, tiny_checkpoint, tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"old")
    save = (
        "import sys\n"
        "from conftest import tiny_system\n"
        "from gnuradio.semcom.weights import store\n"
        "try: store.save(sys.argv[1], tiny_system(), variant='full', data='synthetic')\n"
        "except ValueError as cause: sys.exit(f'error: {cause}')"
    )
    done = program("-c", save, path, preexec_fn=small_disk, env={"PYTHONPATH": str(ROOT / "tests")})
    one_line(done, "model.safetensors", "could not be written")
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["model.safetensors"]


def test_a_kill_in_mid_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "link.json"
    path.write_text(json.dumps({"old": True}))
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout.readline() == b"writing\n"
    process.kill()
    process.wait(30)
    assert json.loads(path.read_text()) == {"old": True}


def test_no_flowgraph_outlives_its_error(program, ave_set):
    """NaN features are met while the flowgraph runs: it ends at once, not at a time-out."""
    path = ave_set / "visual_feature.h5"
    data = read(path)
    data[-1] = np.nan
    rewrite(path, data)
    began = time.monotonic()
    one_line(program(RUN, "--data", ave_set, "--frames", 1000), "visual_feature.h5", "NaN")
    assert time.monotonic() - began < 60
