# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Convert the published MobileNet v1 and YAMNet of TensorFlow Lite into safetensors.

    tools/convert_teachers.py --teachers DIR --raw DIR --out models

Weights keep their eight bits.  On the test split of RAW the networks in floating point are compared
with the interpreter, which computes in eight bits: the cosine of embeddings, and the share of the
ten largest entries that agree.
Needs `pip install ai-edge-litert`.
"""

import argparse
import csv
import json
import sys
from pathlib import Path

import numpy as np
import torch
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.base.files import sha256
from gnuradio.semcom.base.programs import exit_status
from gnuradio.semcom.data.material_raw import RawMaterial
from gnuradio.semcom.media.spectrum import YAMNET_OFFSET, patches
from gnuradio.semcom.nets.mobilenet import ALL_LAYERS, MobileNet, YAMNet
from gnuradio.semcom.perception.embeddings import squares
from gnuradio.semcom.weights import store as checkpoint
from teachers import MOBILENET, YAMNET, Teacher, eight_bits, mobilenet_weights, yamnet_weights

NAMES = "yamnet_class_map.csv"
MOBILENET_EMBEDDING, YAMNET_EMBEDDING = 82, 90  # tensors
YAMNET_CLASSES, YAMNET_SCORES = (58, 59), 93
LARGEST = 10


def mobilenet(teacher: Teacher) -> dict[str, torch.Tensor]:
    """State of the network of pictures, in eight bits."""
    weights = mobilenet_weights(teacher, len(ALL_LAYERS))
    return eight_bits(teacher, {f"stack.{name}": index for name, index in weights.items()})


def yamnet(teacher: Teacher) -> dict[str, torch.Tensor]:
    """State of the network of sounds, in eight bits."""
    weights = {f"stack.{name}": index for name, index in yamnet_weights(len(ALL_LAYERS)).items()}
    weights |= zip(("classify.weight", "classify.bias"), YAMNET_CLASSES, strict=True)
    return eight_bits(teacher, weights)


def write(path: Path, net: torch.nn.Module, tensors: dict, source: Path, classes: list) -> None:
    """Write one file, and load its weights into ``net``."""
    header = {
        "format": checkpoint.FORMAT, "system": net.name, "variant": "features", "config": {},
        "classes": classes, "data": source.name, "sha256": sha256(source),
    }  # fmt: skip
    checkpoint.write(path, tensors, {checkpoint.KEY: json.dumps(header)})
    checkpoint.fill(path, net)
    print(f"wrote {path}: {path.stat().st_size:,} bytes, sha256 {sha256(path)}")


def class_names(path: Path) -> list[str]:
    """AudioSet's names in YAMNet's order."""
    if not path.is_file():
        raise SemcomError(f"{path}: missing; it lies beside YAMNet's file")
    with path.open(newline="", encoding="utf-8") as file:
        return [row["display_name"] for row in csv.DictReader(file)]


@torch.inference_mode()
def compare_pictures(net: MobileNet, teacher: Teacher, raw: RawMaterial) -> list[tuple]:
    """(cosine, share of the largest that agree) of each picture."""
    found = []
    for picture in (p for group in raw.pictures.values() for p in group):
        (square,) = squares(picture[None])
        ours = net(torch.from_numpy(square[None])).mean((1, 2))[0].numpy()
        found.append(agreement(ours, teacher.run(square, MOBILENET_EMBEDDING)[0].ravel()))
    return found


@torch.inference_mode()
def compare_sounds(net: YAMNet, teacher: Teacher, raw: RawMaterial) -> list[tuple]:
    """(cosine, share of the largest that agree, the same of the classes) of each first second."""
    found = []
    for sound in (s for group in raw.sounds.values() for s in group):
        patch = patches(np.pad(sound, (0, 16000))[:16000], YAMNET_OFFSET)
        ours, scores = (x[0].numpy() for x in net(torch.from_numpy(patch[None])))
        theirs, their_scores = teacher.run(patch, YAMNET_EMBEDDING, YAMNET_SCORES)
        same = agreement(ours, theirs.ravel())
        found.append((*same, agreement(scores, their_scores)[1]))
    return found


def agreement(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float]:
    """Cosine, and the share of the largest entries that are the same."""
    cosine = ours @ theirs / max(1e-9, np.linalg.norm(ours) * np.linalg.norm(theirs))
    largest, their_largest = (set(np.argsort(-x, kind="stable")[:LARGEST]) for x in (ours, theirs))
    return float(cosine), len(largest & their_largest) / LARGEST


def told(what: str, rows: list[tuple]) -> None:
    """Each column's mean and, in brackets, 5 % quantile."""
    names = ("cosine", f"largest {LARGEST}", f"largest {LARGEST} classes")
    columns = list(zip(*rows, strict=True))
    parts = [
        f"{name} {np.mean(column):.4f} ({np.quantile(column, 0.05):.4f})"
        for name, column in zip(names, columns, strict=False)
    ]
    print(f"{len(rows)} {what}: {', '.join(parts)}")


def convert(teachers: Path, raw: Path, out: Path) -> None:
    """Write both files and print how well they agree with the published networks."""
    pictures, sounds = MobileNet(), YAMNet()
    see, hear = Teacher(teachers / MOBILENET), Teacher(teachers / YAMNET)
    names = class_names(teachers / NAMES)
    write(out / "mobilenet.safetensors", pictures, mobilenet(see), teachers / MOBILENET, [])
    write(out / "yamnet.safetensors", sounds, yamnet(hear), teachers / YAMNET, names)
    material = RawMaterial(raw, "test")
    told("pictures", compare_pictures(pictures, see, material))
    told("sounds", compare_sounds(sounds, hear, material))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--teachers", type=Path, required=True, help="folder of the .tflite files")
    parser.add_argument("--raw", type=Path, required=True, help="folder with manifest.csv")
    parser.add_argument("--out", type=Path, default=Path("models"))
    args = parser.parse_args()
    convert(args.teachers, args.raw, args.out)


if __name__ == "__main__":
    sys.exit(exit_status("convert_teachers.py", main))
