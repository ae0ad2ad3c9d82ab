# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Two processes under torchrun train what one does with the doubled batch."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from gnuradio.semcom.data import synthetic
from gnuradio.semcom.training import distributed
from gnuradio.semcom.weights import store as checkpoint

PROGRAM = Path(__file__).resolve().parents[1] / "apps" / "train.py"
RUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
SMALL = [
    "--attention-width",
    "8",
    "--attention-hidden",
    "8",
    "--recurrent",
    "8",
    "--classifier",
    "8",
]


def train(command, *arguments):
    words = [*command, PROGRAM, *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(words, capture_output=True, text=True, timeout=300, env=environment)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    try:
        torch.distributed.TCPStore("localhost", 0, is_master=True, wait_for_workers=False)
    except RuntimeError as cause:  # Debian 13's Torch
        pytest.skip(f"torchrun cannot run with this Torch: {cause}")
    folder = tmp_path_factory.mktemp("sets") / "tiny"
    synthetic.write(folder, clips=8)
    return folder


@pytest.mark.parametrize(("system", "setting"), [("vscg", "sel"), ("avel", "wsel")])
def test_two_processes_equal_one_with_the_doubled_batch(data, tmp_path, system, setting):
    options = ["--system", system, "--setting", setting, "--data", data, "--dropout", 0,
               "--epochs", 2, *SMALL]  # fmt: skip
    if system == "vscg":
        options += ["--late-dropout", 0, "--projection", 8, "--common-dim", 8]
    one = train([sys.executable], *options, "--batch", 4, "--out", tmp_path / "one")
    two = train(RUN, *options, "--batch", 2, "--out", tmp_path / "two")
    assert (one.returncode, two.returncode) == (0, 0), two.stderr
    weights = [
        torch.load(tmp_path / name / "state.pt", weights_only=True)["model"]
        for name in ("one", "two")
    ]
    for name, value in weights[0].items():
        torch.testing.assert_close(weights[1][name], value, atol=1e-5, rtol=1e-5, msg=name)
    header = checkpoint.read_header(next((tmp_path / "two").glob("*.safetensors")))
    assert header["cost"]["processes"] == 2
    assert header["cost"]["epoch_s"] > 0 and header["cost"]["peak_resident"] > 0
    assert two.stdout.count("wrote ") == 1


def test_a_process_that_fails_ends_the_others(data, tmp_path):
    done = train(RUN, "--data", data, "--system", "avel", "--out", "/dev/null/run", *SMALL)
    assert done.returncode != 0
    assert "cannot be a folder" in done.stderr


def test_a_step_is_shared_evenly(monkeypatch):
    index = torch.arange(7)
    assert torch.equal(distributed.share(index), index)
    parts = []
    for rank in range(3):
        monkeypatch.setattr(distributed, "rank", lambda rank=rank: rank)
        monkeypatch.setattr(distributed, "world", lambda: 3)
        parts.append(distributed.share(index))
    assert [len(part) for part in parts] == [3, 3, 3]
    assert set(torch.cat(parts).tolist()) == set(range(7))


def test_gradients_that_one_process_lacks_are_averaged(monkeypatch):
    here, there, nowhere = (torch.nn.Parameter(torch.zeros(2)) for _ in range(3))
    here.grad = torch.tensor([4.0, 6.0])
    others = [torch.tensor([0.0, 1.0, 0.0]), torch.tensor([0.0, 0.0, 2.0, 8.0])]
    monkeypatch.setattr(distributed, "world", lambda: 2)
    monkeypatch.setattr(distributed.dist, "all_reduce", lambda values: values.add_(others.pop(0)))
    distributed.average_gradients([here, there, nowhere])
    assert here.grad.tolist() == [2.0, 3.0] and there.grad.tolist() == [1.0, 4.0]
    assert nowhere.grad is None and not others
