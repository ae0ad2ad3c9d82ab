# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Writes the card of a checkpoint, from its header."""

from __future__ import annotations

from pathlib import Path

from ..base.files import replacing
from ..weights import store as checkpoint

AVE28_LICENCE = (
    "GPL-3.0-or-later for the weights. Trained on AudioSet's features (CC BY 4.0) and on features "
    "of pictures of which some are for non-commercial research only (ImageNet, UTKFace)."
)
DATA_NOTES = {
    "synthetic": (
        "The project's own synthetic set (`semcom.data.synthetic`), generated from seed 0.",
        "GPL-3.0-or-later, like the project; the data is generated.",
    ),
    "grammar": (
        "Sentences that the project's own grammar makes (`semcom.data.grammar`), from seed 0.",
        "GPL-3.0-or-later, like the project; the data is generated.",
    ),
    "captions": (
        "English sentences, splits apart: 144,311 captions of Flickr30k (as published with "
        "Multi30k), 17,519 of COCO's val2017, 8,852 sentences of Europarl and WMT for training.",
        "GPL-3.0-or-later for the weights. Trained on captions of Flickr30k as published with "
        "Multi30k (CC BY-NC-SA 4.0) and of COCO (CC BY 4.0), and on sentences of WMT and Europarl "
        "(free for research).",
    ),
    "ave28": (
        "ave28, composed: real audio features (AudioSet's VGGish) and real image features, paired "
        "and timed artificially after AVE's annotations. **Not comparable with published AVE "
        "figures.**",
        AVE28_LICENCE,
    ),
    "ave28duo": (
        "ave28, composed, and ave28 with rivals, made of its training clips: a silent object of "
        "another class is beside the event's. **Not comparable with published AVE figures.**",
        AVE28_LICENCE,
    ),
    "media": (
        "Clips composed by tools/compose.py --folds of single sounds and pictures, as features "
        "`world`: half of photographs and recordings of 27 classes, degraded like those of films, "
        "with objects and sounds of no class; a quarter of photographs and recordings as they are; "
        "a quarter of drawn pictures and synthesised sounds of ten classes. **Shofar** has no "
        "picture and is never named. **Ukulele** has the pictures of acoustic guitars. **Rodents, "
        "rats, mice** has one recording, **Church bell** two pictures, **Toilet flush** five of "
        "each: these classes are recognised mostly by what the published networks learned. "
        "**Bus**, **Truck**, **Frying (food)** and **Accordion** have 4 to 8 recordings.",
        "GPL-3.0-or-later for the weights. Some of the photographs and recordings are for "
        "non-commercial research only (ImageNet, UTKFace, RAVDESS), or state no licence; the "
        "features come from two Apache-2.0 networks.",
    ),
    "films": (
        "A folder of single photographs and recordings with their classes, and sentences that the "
        "project's own grammar makes (`semcom.data.descriptions`).",
        "GPL-3.0-or-later for the weights. Of the shipped ones, some of the photographs and "
        "recordings are for non-commercial research only (ImageNet, UTKFace), or state no licence; "
        "others are COCO's (CC BY 4.0).",
    ),
    "drawn": (
        "Pictures and sounds by a program (`semcom.data.material_drawn`), and sentences that the "
        "project's own grammar makes.",
        "GPL-3.0-or-later, like the project; the data is generated.",
    ),
}
UNKNOWN_DATA = ("A folder in the AVE layout.", "That of the data; not known to this program.")


def write(path: Path, command: str, recipe) -> Path:
    """Write the card of the checkpoint ``path`` beside it, as ``.md``; returns its path.

    recipe  its recipe, whose ``card_rows`` and ``card_notes`` describe the results
    """
    header = checkpoint.read_header(path)
    data, licence = DATA_NOTES.get(header["data"], UNKNOWN_DATA)
    rows = [
        ("data", data),
        *clips(header),
        ("command", f"`{command}`"),
        ("seed", f"{header['seed']} (one run)"),
        ("epochs", f"{header['epochs']} of at most {recipe.epochs}"),
        ("parameters", f"{header['parameters']:,}"),
        ("size", f"{path.stat().st_size:,} bytes, {header.get('stored', 'float16')}"),
        *recipe.card_rows(header),
        ("licence", licence),
    ]
    lines = [
        f"# {path.stem}",
        "",
        f"System `{header['system']}`, {kind(header)} `{header['variant']}`.",
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in rows),
        "",
        *recipe.card_notes(header),
    ]
    card = path.with_suffix(".md")
    with replacing(card) as temporary:
        Path(temporary).write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    return card


def clips(header: dict) -> list[tuple[str, str]]:
    """A row with the number of clips of each split, where the training was on clips."""
    counts = header.get("clips", {})
    return [("clips", ", ".join(f"{n:,} {name}" for name, n in counts.items()))] if counts else []


def kind(header: dict) -> str:
    """The name of the header's field variant: "setting" for a localiser."""
    own = header["config"]
    return "setting" if "setting" in own and "terminals" not in own else "variant"
