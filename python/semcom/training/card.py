# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The card of a checkpoint: what a reader must know before using it, from its own header."""

from __future__ import annotations

from pathlib import Path

from ..base.files import replacing
from ..weights import store as checkpoint

DATA_NOTES = {
    "synthetic": (
        "The project's own synthetic set (`semcom.data.synthetic`), generated from seed 0.",
        "GPL-3.0-or-later, like the project; the data is generated.",
    ),
    "ave28": (
        "ave28, composed: real audio features (AudioSet's VGGish) and real image features, paired "
        "and timed artificially after AVE's annotations. **Not comparable with published AVE "
        "figures.**",
        "GPL-3.0-or-later for the weights. Trained on AudioSet's features (CC BY 4.0) and on "
        "features of pictures of which some are for non-commercial research only (ImageNet, "
        "UTKFace).",
    ),
    "media": (
        "Clips composed by tools/compose.py, as compact features: two of three from real "
        "photographs and recordings of eleven classes, one from drawn pictures and synthesised "
        "sounds of ten.",
        "GPL-3.0-or-later for the weights. Some of the photographs and recordings are for "
        "non-commercial research only (ImageNet, UTKFace), or state no licence; the compact "
        "features started from two Apache-2.0 networks.",
    ),
}
UNKNOWN_DATA = ("A folder in the AVE layout.", "That of the data; not known to this program.")


def write(path: Path, command: str) -> Path:
    """Write the card of the checkpoint ``path`` beside it, as ``.md``; returns its path."""
    header = checkpoint.read_header(path)
    training, metrics = header["training"], header["metrics"]
    data, licence = DATA_NOTES.get(header["data"], UNKNOWN_DATA)
    lines = [
        f"# {path.stem}",
        "",
        f"System `{header['system']}`, {kind(header)} `{header['variant']}`.",
        "",
        "| | |",
        "|---|---|",
        f"| data | {data} |",
        f"| command | `{command}` |",
        f"| seed | {header['seed']} (one run) |",
        f"| epochs | {header['epochs']} of at most {training['epochs']} |",
        f"| parameters | {header['parameters']:,} |",
        f"| size | {path.stat().st_size:,} bytes, {header.get('stored', 'float16')} |",
        *_symbols(header["config"]),
        f"| validation accuracy | {metrics['validation']:.4f} ({selection(header)}) |",
        f"| test accuracy, error-free | {metrics['test']['error_free']:.4f} |",
        f"| licence | {licence} |",
        "",
        *_channel_table(metrics["test"], training),
    ]
    card = path.with_suffix(".md")
    with replacing(card) as temporary:
        Path(temporary).write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    return card


def kind(header: dict) -> str:
    """What the header's variant is called: a localiser has a setting."""
    return "setting" if "setting" in header["config"] else "variant"


def selection(header: dict) -> str:
    """What the validation accuracy, which selects the epoch, is the mean of."""
    if header["variant"] == "error_free" or kind(header) == "setting":
        return "no channel; selects the epoch"
    return (
        f"selects the epoch; mean over {', '.join(header['training']['channels'])} at -10 to 20 dB"
    )


def _symbols(config: dict) -> list[str]:
    if "symbols" not in config:
        return []  # a localiser
    return [f"| symbols | {config['symbols']} complex per segment and terminal |"]


def _channel_table(test: dict, training: dict) -> list[str]:
    channels = [name for name in test if name != "error_free"]
    if not channels:
        return []
    levels = list(test[channels[0]])
    csi = "no channel estimation" if training["variant"] == "no_estimation" else "LS, LMMSE"
    lines = [
        f"Accuracy on the test split (segments), Torch link, {csi}, two receive antennas,",
        "feedback at the same SNR:",
        "",
        f"| SNR [dB] | {' | '.join(levels)} |",
        f"|---|{'---|' * len(levels)}",
    ]
    for name in channels:
        figures = " | ".join(f"{test[name][level]:.4f}" for level in levels)
        lines.append(f"| {name} | {figures} |")
    return lines
