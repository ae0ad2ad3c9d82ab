# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What the tests share: options of pytest, a tiny system, and ways to run flowgraphs and programs
that cannot hang."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import forked
import pytest
import torch
from gnuradio.semcom.base.programs import SIGNALS
from gnuradio.semcom.blocks import guard
from gnuradio.semcom.data import AVE_CLASSES, SyntheticSet
from gnuradio.semcom.nets.pilot_ave_plus import PilotAvePlus, PilotAvePlusConfig
from gnuradio.semcom.weights import store as checkpoint

ROOT = Path(__file__).resolve().parents[1]
SLOW = {  # left out by --quick: each takes more than 5 s on two cores, most of them whole programs
    "qa_displays", "qa_generative_window", "qa_media_display", "qa_mock_radio", "qa_radio_windows",
    "qa_return_bursts",
    "test_adaptive", "test_bad_input", "test_classical_pages", "test_codecs", "test_coding_study",
    "test_composed", "test_digital", "test_digital_features", "test_digital_text",
    "test_distributed", "test_drawn", "test_endings",
    "test_evaluate", "test_examples", "test_experiments", "test_extraction", "test_faults",
    "test_flowgraphs",
    "test_media",
    "test_media_link", "test_mock_radio", "test_odd_sets", "test_overlay", "test_own_system",
    "test_programs", "test_radio_link", "test_run_link", "test_slurm", "test_studies", "test_sweep",
    "test_sweep_films", "test_synchronisation", "test_training", "test_vgg",
}  # fmt: skip


_started = []  # processes of start_program


def pytest_addoption(parser):
    """Add --quick."""
    parser.addoption("--quick", action="store_true", help="leave out what takes long (make check)")


def pytest_ignore_collect(collection_path, config):
    """With --quick the files in SLOW are not even imported; None leaves the decision to pytest."""
    return True if config.getoption("--quick") and collection_path.stem in SLOW else None


@pytest.fixture
def run_flowgraph():
    """Function that runs a top block to its end, or fails: block errors raise, and so does a run of
    60 s, or 60 s without progress."""
    return lambda top_block: guard.run(top_block, stall_s=60.0, timeout_s=60.0)


@pytest.fixture
def make(tmp_path):
    """Function that makes a clip of media with ffmpeg and returns its path, see
    media_clips.Clip."""
    from media_clips import maker  # not for tests without media: loads PyAV

    return maker(tmp_path)


def run_program(*words, timeout=120, env=None, **options):
    """Run a program of the repository, words as on the command line, to its end; returns the
    finished process, with its output as text.

    timeout  [s], after which it is killed and the test fails
    env      variables in addition to those of the test
    options  of subprocess.run: the process is then started with a Python of its own, as it is for
             code (-c) and another PYTHONPATH; otherwise forked.py starts it, in less time
    """
    words = [str(word) for word in words]
    variables = {**os.environ, **(env or {})}
    if not options and words[0].endswith(".py") and "PYTHONPATH" not in (env or {}):
        return forked.run(words, ROOT, variables, timeout)
    return subprocess.run(
        [sys.executable, *words],
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=ROOT,
        env=variables,
        **options,
    )


@pytest.fixture
def program():
    """:func:`run_program`."""
    return run_program


def start_program(*words):
    """Start a program of the repository that signals can stop; returns its process.

    Tests that run in the background or under nohup ignore some, and their children would too.
    """
    process = subprocess.Popen(
        [sys.executable, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        preexec_fn=lambda: [signal.signal(number, signal.SIG_DFL) for number in SIGNALS],
        start_new_session=True,
    )
    _started.append(process)
    return process


def end_program(process):
    """Kill a program of :func:`start_program` and all that it started, if it has not ended."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture(autouse=True)
def nothing_runs_on():
    """Programs of :func:`start_program` end with the test that started them, if it fails too."""
    before = len(_started)
    yield
    for process in _started[before:]:
        if process.poll() is None:
            end_program(process)


@pytest.fixture(scope="session")
def clips():
    """The synthetic test split."""
    return SyntheticSet("test")


def tiny_system(terminals="audio+video", classes=29, **sizes):
    """An untrained pilot_ave_plus, small, with the same weights at every call.

    terminals  "audio+video", "audio" or "video"
    classes    number of classes; 29: AVE's, otherwise without names
    sizes      fields of its configuration; all sizes differ, so that a swap of two fails
    """
    torch.manual_seed(7)
    small = dict(symbols=8, hidden=12, attention_hidden=10, heads=2)
    config = PilotAvePlusConfig(terminals=terminals, **{**small, **sizes})
    known = classes == len(AVE_CLASSES)
    names = AVE_CLASSES if known else [f"event {c}" for c in range(classes)]
    return PilotAvePlus(config, names).eval()


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory):
    """Path of a saved tiny system with AVE's sizes."""
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    checkpoint.save(path, tiny_system(), variant="full", data="synthetic")
    return str(path)


@pytest.fixture(scope="session")
def tiny_generative(tmp_path_factory):
    """Path of a saved m3e_vsc, small and not trained."""
    from gnuradio.semcom.data.descriptions import VOCABULARY
    from gnuradio.semcom.nets.configs import M3EConfig
    from gnuradio.semcom.systems.m3e_vsc import M3EVSC

    torch.manual_seed(5)
    net = M3EVSC(M3EConfig(width=32, hidden=32, layers=1, codes=32), VOCABULARY).eval()
    path = tmp_path_factory.mktemp("models") / "generative.safetensors"
    checkpoint.save(path, net, variant="full", data="films")
    return str(path)


def rounded(record: dict) -> dict:
    """A record without times and seed, its numbers to four decimals: different batches, and another
    order of a sum, change the last bits."""
    left_out = ("wall_s", "clips_per_s", "seed")
    lasting = {name: value for name, value in record.items() if name not in left_out}
    return json.loads(json.dumps(lasting), parse_float=lambda text: round(float(text), 4))
