# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Quantise checkpoints of apps/train.py into models/: 8 bits per weight with a scale per row.

    tools/ship.py runs/ave28/seed0/*.safetensors [--out models]
    tools/ship.py runs/guidance/long-seed0/*.safetensors --for ave28duo

Files are half as large as those of apps/train.py.  Measure the loss of accuracy with
apps/evaluate.py and apps/run_link.py, as of any checkpoint.  Weights that a training did not change
from the shipped localiser it started from (--warm-start, --frozen) are not stored again, but read
from that localiser's file.
--for names the set that the checkpoint serves, where training transformed the clips of another set
to those of this one; the header keeps both names.
"""

import argparse
import json
import re
import sys
from pathlib import Path

from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.base.files import replacing, sha256
from gnuradio.semcom.base.programs import exit_status
from gnuradio.semcom.training.card import DATA_NOTES, UNKNOWN_DATA
from gnuradio.semcom.weights import store as checkpoint
from safetensors.torch import load_file

ROOT = Path(__file__).resolve().parents[1]
STORED = "8 bits a weight with a float16 scale a row"


def ship(path: Path, out: Path, data: str = "") -> Path:
    """Write a checkpoint and its model card into ``out``; returns the new path.

    data  name of the set that it serves; '': the set that it was trained on
    """
    header = checkpoint.read_header(path) | {"stored": STORED}
    trained = header["data"]
    card = path.with_suffix(".md")
    if not card.is_file():
        raise SemcomError(
            f"{card}: missing; put the model card that apps/train.py wrote beside the checkpoint"
        )
    target = out / path.name
    if data:
        header |= {"data": data, "trained_on": trained}
        target = out / path.name.replace(f"-{trained}", f"-{data}")
    tensors = checkpoint.eight_bits(checkpoint.all_bits(load_file(path)))
    if header.get("warm_start", {}).get("frozen"):
        tensors, header[checkpoint.SHARED] = shared(path, tensors, header["warm_start"], out)
    checkpoint.write(target, tensors, {checkpoint.KEY: json.dumps(header)})
    shares = header.get(checkpoint.SHARED)
    beside = f"; beside it {shares['file']}" if shares else ""
    size = f"| size | {target.stat().st_size:,} bytes, {STORED}{beside} |"
    text = re.sub(r"\| size \|.*\|", size, card.read_text(encoding="utf-8"))
    if data:
        text = text.replace(f"# {path.stem}", f"# {target.stem}", 1).replace(
            f"| data | {DATA_NOTES.get(trained, UNKNOWN_DATA)[0]} |",
            f"| data | {DATA_NOTES[data][0]} |",
        )
    with replacing(target.with_suffix(".md")) as temporary:
        Path(temporary).write_text(text, encoding="utf-8")
    return target


def shared(path: Path, tensors: dict, start: dict, out: Path) -> tuple[dict, dict]:
    """The tensors that must be written, and the header's entry for those that are unchanged in the
    localiser that the training started from."""
    other = out / start["file"]
    if not other.is_file() or sha256(other) != start["sha256"]:
        raise SemcomError(
            f"{path}: its training started from another {start['file']} than that in {out}; "
            "train again from the one there"
        )
    return checkpoint.without(tensors, other, start["frozen"])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, default=ROOT / "models")
    parser.add_argument("--for", dest="data", default="", choices=DATA_NOTES, metavar="SET")
    args = parser.parse_args()
    for path in args.checkpoints:
        target = ship(path, args.out, args.data)
        print(f"wrote {target}, {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    sys.exit(exit_status("ship.py", main))
