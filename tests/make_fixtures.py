# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Write what a user of this version keeps: weights, a recording, records.

    .venv/bin/python -m tests.make_fixtures     into tests/fixtures/VERSION

Run once for each release, and kept: tests/test_upgrade.py reads them with every later version.
"""

import json
import subprocess
import sys
from pathlib import Path

import torch
from gnuradio.semcom import __version__
from gnuradio.semcom.nets.pilot_ave_plus import PilotAvePlus, PilotAvePlusConfig
from gnuradio.semcom.systems import loading
from gnuradio.semcom.weights import store

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "tests" / "fixtures" / __version__
SMALL = dict(
    symbols=2, hidden=4, attention_hidden=3, heads=2, audio_dim=3, visual_dim=4, height=1, width=1
)
RUNS = {  # name -> what run_link.py is asked for
    "events": ["--frames", "2", "--snr", "10"],
    "text": ["--system", "deepsc", "--antennas", "1", "--frames", "2", "--snr", "0",
             "--attempts", "2"],
    "media": ["--system", "digital", "--task", "media", "--frames", "1", "--snr", "10"],
    "radio": ["--radio", "mock:bench", "--frames", "2", "--snr", "15"],
}  # fmt: skip
RECORDING = ["--system", "deepsc", "--radio", "mock:bench", "--frames", "1",
             "--sps", "2",
             "--sample-rate", "2.5e5", "--snr", "20", "--seed", "3"]  # fmt: skip


def run_link(*words) -> None:
    """Run the program in the folder, so that records name no place of one machine."""
    program = ROOT / "apps" / "run_link.py"
    subprocess.run([sys.executable, program, *words], check=True, cwd=FOLDER)


def weights() -> None:
    """A system of a few numbers, as a training saves it, and the sums of its tensors as read."""
    torch.manual_seed(7)
    net = PilotAvePlus(PilotAvePlusConfig(**SMALL), ["one", "two"]).eval()
    store.save(FOLDER / "weights.safetensors", net, variant="full", data="synthetic")
    read = loading.load_any(FOLDER / "weights.safetensors")
    state = {name: float(each.double().sum()) for name, each in read.state_dict().items()}
    (FOLDER / "weights.json").write_text(json.dumps(state, indent=1) + "\n")


def main() -> None:
    """Write all of them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    weights()
    for name, words in RUNS.items():
        run_link(*words, "--json", f"records-{name}.json")
    run_link(*RECORDING, "--record", "recording", "--json", "records-recording.json")


if __name__ == "__main__":
    main()
