# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Runs the cases in this process, and takes from what they write the figures that are compared."""

import contextlib
import functools
import io
import json
import runpy
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

import torch
from gnuradio.semcom.data import synthetic
from safetensors import safe_open

ROOT = Path(__file__).resolve().parents[2]
CLIPS = 12  # of each split of the small set
ROUNDING_DB = -80  # an error below it is made of rounding
POINT = ("system", "variant", "decoder", "split", "channel", "csi", "detector", "snr_db",
         "setting")  # fmt: skip
CHAIN = ("channel_nmse_db", "measured_snr_db", "evm_db", "papr_db", "channel_uses_per_segment",
         "channel_uses", "pilot_overhead", "frames_sent", "frames_received")  # fmt: skip
EVENTS = ("clips", "segments", "accuracy", "accuracy_ci95", "accuracy_error_free")
AIR = ("bursts_sent", "bursts_heard", "detection_rate", "false_alarms", "frames_lost",
       "frames_duplicated", "gaps", "restarts", "overflows", "cfo_hz", "clock_ppm", "pilot_snr_db",
       "cfo_error_hz", "timing_error_symbols", "sidelink")  # fmt: skip
LOCALISED = ("clips_left_out", "accuracy_events_only", "event_f1", "accuracy_paper_inference",
             "accuracy_position_prior", "accuracy_chance")  # fmt: skip


def figures(record: dict) -> dict:
    """The figures of a record whose meaning stays, by name: the one place that knows its schema.

    Not compared: times, versions, paths, checksums of files.
    """
    found = {
        "point": " ".join(str(record[name]) for name in POINT if record.get(name) not in ("", None))
    }
    for name in (*EVENTS, *CHAIN, *AIR, *LOCALISED):
        if name in record:
            found |= flat(name, record[name])
    for name in ("evm_db", "channel_nmse_db"):
        if (found.get(name) or 0) < ROUNDING_DB:
            found[name] = f"below {ROUNDING_DB}"
    if "confusion" in record:
        found["confusion"] = digest(record["confusion"])
    for n, window in enumerate(record.get("media", ())):
        confidence = [second["confidence"] for second in window["events"]]
        found[f"events {n}"] = ", ".join(second["event"] for second in window["events"])
        found[f"truth {n}"] = ", ".join(window["truth"])
        found[f"confidence {n}"] = sum(confidence) / len(confidence)
    return found


def training_figures(folder: Path) -> dict:
    """The figures of a finished training: the losses of its epochs, what validation and test gave,
    and the size of the weights that were kept."""
    (path,) = folder.glob("*.safetensors")
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()["semcom"])
        tensors = [file.get_tensor(name).double() for name in sorted(file.keys())]
    history = json.loads(torch.load(folder / "state.pt", weights_only=True)["history"])
    found = {"point": path.stem, "parameters": header["parameters"]}
    for epoch in history:
        found[f"loss {epoch['epoch']}"] = epoch["loss"]
        found[f"validation {epoch['epoch']}"] = epoch["validation"]
    found |= flat("test", header["metrics"]["test"])
    found["weights"] = sum(float(t.abs().sum()) for t in tensors)
    return found


def flat(name: str, value) -> dict:
    """A figure, or those of a list or a mapping, each under a name of its own."""
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list | tuple) and name != "gaps":
        parts = enumerate(value)
    else:
        return {name: json.dumps(value) if name == "gaps" else value}
    return {k: v for key, part in parts for k, v in flat(f"{name} {key}", part).items()}


def digest(table: list) -> str:
    """A text that is as good as the table of numbers: its entries that are not zero."""
    entries = [(r, c, n) for r, row in enumerate(table) for c, n in enumerate(row) if n]
    return " ".join(f"{r},{c}:{n}" for r, c, n in entries)


def run_case(commands: list[str]) -> list[dict]:
    """The figures of each record and training of a case, in the order of its commands."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for command in commands:
            words = shlex.split(command.format(out=folder, set=small_set()))
            run_program(words)
            for record in taken(words):
                record["point"] = record["point"].replace(folder, "{out}")
                found.append(record)
    return found


def taken(words: list[str]) -> list[dict]:
    """What a command that has run gave: of each record of its JSON file, or of its training."""
    if "--json" in words:
        path = Path(words[words.index("--json") + 1])
        found = [figures(record) for record in json.loads(path.read_text())["records"]]
    elif words[0] == "train.py":
        found = [training_figures(Path(words[words.index("--out") + 1]))]
    else:
        found = []
    if "--until-errors" in words:  # how many frames are under way at its end, the scheduler decides
        found = [{k: v for k, v in each.items() if k.split()[0] not in CHAIN} for each in found]
    return found


def run_program(words: list[str]) -> None:
    """Run a program of apps/ here, as a shell would; what it printed is told where it fails."""
    said, argv, threads = io.StringIO(), sys.argv, torch.get_num_threads()
    torch.set_num_threads(1)  # how sums are split over threads is in their last digits
    sys.argv, status = words, 0
    try:
        with (
            contextlib.chdir(ROOT),
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(said),
        ):
            runpy.run_path(str(ROOT / "apps" / words[0]), run_name="__main__")
    except SystemExit as end:
        status = end.code
    finally:
        sys.argv = argv
        torch.set_num_threads(threads)
    if status:
        raise AssertionError(f"{shlex.join(words)}: status {status}\n{said.getvalue()[-2000:]}")


@functools.cache
def small_set() -> Path:
    """A small folder in the AVE layout; it goes with the process."""
    folder = small_set.home = tempfile.TemporaryDirectory()
    path = Path(folder.name) / "tiny"
    synthetic.write(path, CLIPS)
    for split in ("train", "val", "test"):
        shutil.copy(path / f"{split}_order.h5", path / f"{split}_order_match.h5")
    return path
