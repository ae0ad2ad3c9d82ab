# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Train the compact feature networks on labels and by distillation of two published networks.

    tools/train_compact.py vision --raw DIR --teachers DIR --out runs/compact
    tools/train_compact.py audio  --raw DIR --teachers DIR --out runs/compact

Each starts from its teacher's first layers (Apache-2.0, see the teachers' README), dequantised, and
learns the labels and the output of the whole teacher for the same sound or picture.  Needs `pip
install ai-edge-litert`, which runs the teachers.  Writes compact_<kind>.safetensors; the same
command resumes a stopped training.
"""

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
import torch
from gnuradio.semcom.base import screen
from gnuradio.semcom.base.files import make_folder
from gnuradio.semcom.base.programs import exit_status
from gnuradio.semcom.data.clipset import AVE_CLASSES, BACKGROUND
from gnuradio.semcom.data.composition import Script, compose
from gnuradio.semcom.data.material_drawn import DrawnMaterial
from gnuradio.semcom.data.material_raw import RawMaterial
from gnuradio.semcom.media.spectrum import RATE, YAMNET_OFFSET, patches
from gnuradio.semcom.nets.compact import (
    AUDIO_LAYERS,
    LAYERS,
    PICTURE,
    CompactAudio,
    CompactVision,
)
from gnuradio.semcom.training.loop import Loop
from gnuradio.semcom.training.options import DistillationConfig
from gnuradio.semcom.training.recipes.distillation import Distillation, Example, Student
from teachers import MOBILENET, YAMNET, Teacher, floats, mobilenet_weights, yamnet_weights
from torch import nn
from torch.nn import functional

SIDE = 224  # of the pictures that the teacher sees
MEL_SECOND = RATE  # samples of a training example
DRAWN = 0.15  # share of examples from the synthetic set
DRAWINGS = DrawnMaterial()
HELD_OUT = 600  # examples of the validation split


class Vision(Student):
    """Student for pictures: learns the map of the teacher's last layer, and the class.

    teacher  MobileNet, whose first layers the student begins with
    """

    teacher_file = MOBILENET
    LAST_MAP = 81

    def __init__(self, teacher: Teacher):
        super().__init__()
        self.net, self.teacher = CompactVision(), teacher
        self.net.stack.load_state_dict(floats(teacher, mobilenet_weights(teacher, len(LAYERS))))
        self.teach, self.classify = nn.Linear(512, 1024), nn.Linear(512, len(AVE_CLASSES))

    def draw(self, rng: np.random.Generator, library: RawMaterial) -> Example:
        """A photograph cropped, mirrored, tinted, sometimes before another scene; or a drawing."""
        if rng.random() < DRAWN:
            event = int(rng.choice(DRAWINGS.events()))
            picture = drawing(rng, event)
        else:
            event = int(rng.choice(list(library.pictures)))
            picture = crop(rng, pick(rng, library.pictures[event]), 0.4)
        if rng.random() < 0.3:
            picture = inset(rng, crop(rng, pick(rng, library.pictures[BACKGROUND]), 0.3), picture)
        picture = tint(rng, picture)
        taught = self.teacher.run(picture, self.LAST_MAP)[0]
        small = cv2.resize(picture, (PICTURE, PICTURE), interpolation=cv2.INTER_AREA)
        return Example(small, taught, event)

    def forward(self, seen: torch.Tensor):
        """Pictures [N, 112, 112, 3] uint8 -> estimate of the teacher's map [N, 7, 7, 1024], 0 to 6,
        and logits [N, 29]."""
        maps = self.net(seen)
        return functional.relu6(self.teach(maps)), self.classify(maps.mean((1, 2)))


class Audio(Student):
    """Student for sounds: learns the teacher's embedding, and the classes.

    teacher  YAMNet, whose first layers the student begins with
    """

    teacher_file = YAMNET
    EMBEDDING = 90

    def __init__(self, teacher: Teacher):
        super().__init__()
        self.net, self.teacher = CompactAudio(), teacher
        self.net.stack.load_state_dict(floats(teacher, yamnet_weights(len(AUDIO_LAYERS))))
        self.teach, self.classify = nn.Linear(128, 1024), nn.Linear(128, len(AVE_CLASSES))

    def draw(self, rng: np.random.Generator, library: RawMaterial) -> Example:
        """A second of one recording, often before another, at some level."""
        if rng.random() < DRAWN:
            event = int(rng.choice(DRAWINGS.events()))
            sound = second(rng, DRAWINGS.sound(rng, event))
        else:
            event = int(rng.choice(list(library.sounds)))
            sound = second(rng, pick(rng, library.sounds[event]))
        if rng.random() < 0.4:
            other = second(rng, pick(rng, library.sounds[BACKGROUND]))
            sound = sound + other * level(sound) / level(other) * 10 ** (-rng.uniform(0, 20) / 20)
        if rng.random() < 0.5:
            sound = sound + rng.standard_normal(len(sound)) * level(sound) * 10 ** rng.uniform(
                -3, -1
            )
        sound = sound * 10 ** (rng.uniform(-20, 10) / 20)
        patch = patches(np.clip(sound, -1, 1).astype(np.float32), YAMNET_OFFSET)
        return Example(patch, self.teacher.run(patch, self.EMBEDDING)[0].ravel(), event)

    def forward(self, seen: torch.Tensor):
        """Log-mel patches [N, 96, 64] -> estimate of the teacher's embedding [N, 1024], at least 0,
        and logits [N, 29]."""
        features = self.net(seen)
        return functional.relu(self.teach(features)), self.classify(features)


def pick(rng, files: list) -> np.ndarray:
    """One of ``files``, all equally likely."""
    return files[rng.integers(len(files))]


def crop(rng, picture: np.ndarray, least: float) -> np.ndarray:
    """A part of at least ``least`` of the picture's area, mirrored or not, [224, 224, 3]."""
    height, width = picture.shape[:2]
    share, stretch = np.sqrt(rng.uniform(least, 1)), np.exp(rng.uniform(-0.15, 0.15))
    h, w = (
        max(8, min(n, int(n * share * s))) for n, s in ((height, stretch), (width, 1 / stretch))
    )
    top, left = rng.integers(height - h + 1), rng.integers(width - w + 1)
    part = picture[top : top + h, left : left + w]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    return cv2.resize(
        part, (SIDE, SIDE), interpolation=cv2.INTER_AREA if h > SIDE else cv2.INTER_LINEAR
    )


def inset(rng, scene: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """A picture at half to full size at a random place before a scene."""
    size = int(SIDE * rng.uniform(0.5, 1))
    top, left = rng.integers(SIDE - size + 1, size=2)
    whole = scene.copy()
    whole[top : top + size, left : left + size] = cv2.resize(
        picture, (size, size), interpolation=cv2.INTER_AREA
    )
    return whole


def drawing(rng, event: int) -> np.ndarray:
    """A drawing before a scene, where frames of composed clips show it, [224, 224, 3]."""
    script = Script(*[np.array([event])] * 3, bystander=-1)
    return cv2.resize(compose(rng, DRAWINGS, script)[1](0.5), (SIDE, SIDE))


def tint(rng, picture: np.ndarray) -> np.ndarray:
    """Brightness, contrast and colour changed, sometimes blurred or grey."""
    if rng.random() < 0.15:
        picture = np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
    if rng.random() < 0.25:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.5, 2.5))
    gain, shift = rng.uniform(0.7, 1.3) * rng.uniform(0.9, 1.1, 3), rng.uniform(-25, 25)
    return np.clip((picture - 128.0) * gain + 128 + shift, 0, 255).astype(np.uint8)


def second(rng, sound: np.ndarray) -> np.ndarray:
    """A second of a recording, which is repeated if it is shorter."""
    sound = np.tile(sound, -(-MEL_SECOND // len(sound)))
    start = rng.integers(len(sound) - MEL_SECOND + 1)
    return sound[start : start + MEL_SECOND]


def level(sound: np.ndarray) -> float:
    """Root mean square, not zero."""
    return float(np.sqrt(np.mean(np.square(sound)) + 1e-8))


def train(kind: str, args) -> None:
    """Train the network for pictures (``kind`` "vision") or sounds ("audio"), and write its
    checkpoint into --out; a stopped training is resumed."""
    config = DistillationConfig(args.steps, args.batch, args.learning_rate, args.seed)
    torch.manual_seed(config.seed)
    student = {"vision": Vision, "audio": Audio}[kind]
    student = student(Teacher(args.teachers / student.teacher_file))
    train_set, val_set = (RawMaterial(args.raw, split) for split in ("train", "val"))
    held_out = [student.draw(np.random.default_rng(i), val_set) for i in range(HELD_OUT)]
    recipe = Distillation(student, config, lambda rng: student.draw(rng, train_set), held_out)
    loop = Loop(recipe, make_folder(args.out), f"{student.net.name}.state.pt")
    if loop.resume():
        print(f"resumed after step {loop.schedules['model'].last_epoch}", flush=True)
    with screen.bar(stderr=False) as bar:
        task = bar.add_task(kind, total=args.steps, completed=loop.schedules["model"].last_epoch)
        loop.run(lambda _: bar.advance(task), lambda line: told(bar.console, loop, line))
    validation = loop.history[-1]["validation"]
    print(f"wrote {recipe.write(args.out, loop.averaged.module, validation, name_of(args.raw))}")


def told(console, loop: Loop, line: dict) -> None:
    """Print a line with the mean loss every fifty steps."""
    step = loop.schedules["model"].last_epoch
    console.print(f"step {step}: loss {line['loss']:.3f}, validation {line['validation']:.3f}")


def name_of(raw: Path) -> str:
    """Name of a folder of recordings and pictures, for the checkpoint's header."""
    return raw.resolve().name


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", choices=("vision", "audio"))
    parser.add_argument("--raw", type=Path, required=True, help="folder with manifest.csv")
    parser.add_argument("--teachers", type=Path, required=True, help="folder of the .tflite files")
    parser.add_argument("--out", type=Path, default=Path("runs/compact"))
    parser.add_argument("--steps", type=int, default=700)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=3e-4)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    train(args.kind, args)


if __name__ == "__main__":
    sys.exit(exit_status("train_compact.py", main))
