# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""figures.json: what the cases gave, and how what they give now is compared with it.

Randomness is counter-based, and the programs of a case run with one thread of Torch, so on a
machine with the arithmetic of the one that recorded (``arithmetic``: a checksum of some results in
float32) every figure repeats, under load too: floats are compared to six significant digits, all
else exactly.  What does not repeat is left out in run.py, with the reason.  Another
processor or another build of Torch rounds otherwise: then floats are compared to NEAR, shares of
right answers to NEAR_SHARE and losses, in which training multiplies rounding, to NEAR_LOSS, and
texts that hold single decisions are not.
"""

import functools
import hashlib
import json
from pathlib import Path

import torch

FILE = Path(__file__).with_name("figures.json")
DIGITS = 7  # kept
EXACT = 1e-6  # largest difference, relative, or absolute of figures below 1
NEAR, NEAR_SHARE, NEAR_LOSS = 5e-3, 0.06, 0.1
SHARES = ("accuracy", "event_f1", "validation", "test", "confidence")  # first words of names
DECISIONS = ("events", "confusion")
ABSENT = ""  # in a table, of a record that does not have the figure


@functools.cache
def arithmetic() -> str:
    """A checksum of what float32 gives here: products, convolutions, an LSTM, exponentials."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(40, 96, generator=generator)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with torch.inference_mode():
        found = [x @ x.T, x.softmax(-1), x.exp(), torch.nn.LSTM(96, 24)(x)[0]]
        found.append(torch.nn.Conv2d(8, 12, 3)(x.view(2, 8, 12, 20)))
    torch.set_num_threads(threads)
    parts = [part.numpy().tobytes() for part in found]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def read() -> tuple[str, dict[str, list[dict]]]:
    """The arithmetic that recorded, and the figures of each record of each case."""
    document = json.loads(FILE.read_text(encoding="utf-8"))
    cases = {
        name: [
            {k: v for k, v in zip(table["figures"], row, strict=True) if v != ABSENT}
            for row in table["records"]
        ]
        for name, table in document["cases"].items()
    }
    return document["arithmetic"], cases


def write(cases: dict[str, list[dict]]) -> None:
    """Write figures.json: a table of each case, a line for each record."""
    tables = []
    for name, records in cases.items():
        names = list(dict.fromkeys(key for record in records for key in record))
        rows = [[short(record.get(key, ABSENT)) for key in names] for record in records]
        lines = ",\n  ".join(json.dumps(row) for row in rows)
        head = f'"figures": {json.dumps(names)}'
        tables.append(f'{json.dumps(name)}: {{{head}, "records": [\n  {lines}]}}')
    text = f'{{"arithmetic": "{arithmetic()}", "cases": {{\n' + ",\n".join(tables) + "\n}}\n"
    FILE.write_text(text, encoding="utf-8")


def short(value):
    """A float with DIGITS significant digits, anything else as it is."""
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def differences(was: list[dict], now: list[dict], exact: bool) -> list[str]:
    """A line for each figure that is not what it was: record, name, what it was, what it is."""
    if len(was) != len(now):
        return [f"{len(now)} records, {len(was)} expected"]
    found = []
    for n, (one, other) in enumerate(zip(was, now, strict=True)):
        for name in dict.fromkeys((*one, *other)):
            if not same(name, one.get(name, ABSENT), other.get(name, ABSENT), exact):
                found.append(
                    f"record {n} ({one['point']}): {name} was {told(one.get(name, ABSENT))}, "
                    f"is {told(other.get(name, ABSENT))}"
                )
    return found


def told(value) -> str:
    """A figure for the screen."""
    return "absent" if value == ABSENT else str(short(value))


def same(name: str, was, now, exact: bool) -> bool:
    """Whether a figure is what it was, as far as this arithmetic lets it be."""
    word = name.split()[0].removesuffix("_ci95")
    if not exact and word in DECISIONS:
        return True
    if not isinstance(was, float) or not isinstance(now, float | int):
        return was == now
    if exact:
        return abs(was - now) <= EXACT * max(1.0, abs(was))
    if word.startswith(SHARES):
        return abs(was - now) <= NEAR_SHARE
    return abs(was - now) <= (NEAR_LOSS if word == "loss" else NEAR) * max(1.0, abs(was))
