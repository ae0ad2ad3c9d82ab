# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Writes checkpoints of networks that are not systems: features and recognisers."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from torch import nn

from ..weights import store


def write_network(folder: Path, name: str, variant: str, classes: Sequence[str], net: nn.Module,
                  config, metrics: dict, data: str) -> Path:  # fmt: skip
    """Write FOLDER/NAME.safetensors, 8 bits a weight; its path.

    config  of the training, of which seed, steps and batch are told;  data  what it trained on
    """
    asked = dataclasses.asdict(config)
    header = {
        "format": store.FORMAT,
        "system": name,
        "variant": variant,
        "config": {},
        "classes": list(classes),
        "data": data,
        "training": {each: asked[each] for each in ("seed", "steps", "batch")},
        "metrics": metrics,
    }
    weights = {k: v.half().contiguous() for k, v in net.state_dict().items()}
    path = Path(folder) / f"{name}.safetensors"
    store.write(path, store.eight_bits(weights), {store.KEY: json.dumps(header)})
    return path
