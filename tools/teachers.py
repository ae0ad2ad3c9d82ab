# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Read the two published TensorFlow Lite networks for train_compact.py and convert_teachers.py:
MobileNet v1 1.0 224 (google-coral/test_data) and YAMNet (google-coral/coralmicro), Apache-2.0.

Needs `pip install ai-edge-litert`.
"""

import warnings
from pathlib import Path

import numpy as np
import torch
from ai_edge_litert.interpreter import Interpreter
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.weights.store import SCALE, ZERO

MOBILENET = "mobilenet_v1_1.0_224_quant_embedding_extractor.tflite"
YAMNET = "yamnet_spectra_in.tflite"
FIRST_WEIGHT = 4  # number of YAMNet's first tensor of weights, which lie in their order


class Teacher:
    """A TensorFlow Lite network: its weights, and the values of its tensors for an input.

    path  .tflite file; SemcomError if it is missing
    """

    def __init__(self, path: Path):
        if not path.is_file():
            raise SemcomError(f"{path}: missing; give the folder of the .tflite files")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that all tensors take memory
            self.net = Interpreter(str(path), num_threads=1, experimental_preserve_all_tensors=True)
        self.net.allocate_tensors()
        self.details = {d["index"]: d for d in self.net.get_tensor_details()}

    def run(self, value: np.ndarray, *tensors: int) -> list[np.ndarray]:
        """Tensors as floats for the input ``value``, which is one example."""
        self.net.set_tensor(0, value[None])
        self.net.invoke()
        return [self.tensor(index)[0] for index in tensors]

    def tensor(self, index: int) -> np.ndarray:
        """A tensor, dequantised."""
        quantised = self.details[index]["quantization_parameters"]
        value = self.net.get_tensor(index)
        if not len(quantised["scales"]):
            return value.copy()
        shape = [1] * value.ndim
        shape[quantised["quantized_dimension"]] = -1
        zero, scale = (quantised[k].reshape(shape) for k in ("zero_points", "scales"))
        return ((value.astype(np.float32) - zero) * scale).astype(np.float32)

    def named(self, start: str, what: str) -> int:
        """Number of the only constant whose name contains ``start/`` and ``what``."""
        found = [
            index
            for index, d in self.details.items()
            if f"{start}/" in d["name"] and what in d["name"] and len(d["shape"]) in (1, 4)
            and (what == "weights" or len(d["shape"]) == 1)
        ]  # fmt: skip
        assert len(found) == 1, (start, what, found)
        return found[0]


def layers(count: int) -> list[str]:
    """Names of the convolutions of a compact.Stack, in their order."""
    kinds = [f"layers.{i}.{kind}" for i in range(count) for kind in ("depthwise", "pointwise")]
    return ["first", *kinds]


def mobilenet_weights(teacher: Teacher, count: int) -> dict[str, int]:
    """Name in a compact.Stack -> number of the tensor, of the first ``count`` separable layers."""
    published = [
        f"Conv2d_{i}_{kind}" for i in range(1, count + 1) for kind in ("depthwise", "pointwise")
    ]
    return {
        f"{name}.{own}": teacher.named(theirs, what)
        for name, theirs in zip(layers(count), ["Conv2d_0", *published], strict=True)
        for own, what in (("weight", "weights"), ("bias", "bias"))
    }


def yamnet_weights(count: int) -> dict[str, int]:
    """Name in a compact.Stack -> number of the tensor of YAMNet, whose tensors are stored in
    order."""
    names = [f"{name}.{own}" for name in layers(count) for own in ("weight", "bias")]
    return {name: FIRST_WEIGHT + place for place, name in enumerate(names)}


def arranged(name: str, value: np.ndarray) -> torch.Tensor:
    """A tensor in Torch's order of axes: rows, a column of channels, height, width."""
    axes = (3, 0, 1, 2) if "depthwise" in name else (0, 3, 1, 2)
    found = torch.tensor(value)
    return found.permute(axes).contiguous() if found.dim() == 4 else found


def floats(teacher: Teacher, weights: dict[str, int]) -> dict[str, torch.Tensor]:
    """The tensors of ``weights``, dequantised, as a state of Torch."""
    return {name: arranged(name, teacher.tensor(index)) for name, index in weights.items()}


def eight_bits(teacher: Teacher, weights: dict[str, int]) -> dict[str, torch.Tensor]:
    """The tensors of ``weights`` with matrices as stored, 8 bits with the scale and the zero point
    of each row, as weights.store reads them; biases as float32."""
    stored = {}
    for name, index in weights.items():
        value = teacher.net.get_tensor(index)
        if value.dtype not in (np.int8, np.uint8):
            stored[name] = arranged(name, teacher.tensor(index))
            continue
        quantised = teacher.details[index]["quantization_parameters"]
        stored[name] = arranged(name, value)
        stored[name + SCALE] = torch.tensor(quantised["scales"])
        if quantised["zero_points"].any():
            stored[name + ZERO] = torch.tensor(quantised["zero_points"]).to(torch.int16)
    return stored
