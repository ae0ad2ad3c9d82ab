# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The air interface in NumPy, written from docs/reference/air-interface.md alone.

    .venv/bin/python -m tests.air_interface     writes the test vectors of that page

Nothing of the package is used, so that the C++ code is compared with something else.
"""

import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from header_code import naive_code  # noqa: E402

FILE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "air-interface-vectors.json"
ROOTS = (2, 1, 3, 10, 5, 6, 7, 4, 8, 9)
SIGNS = (
    0x56C0C7, 0x1ADF0A, 0x3A0C38, 0x60634B, 0x4D8706,
    0x530D8A, 0x45CC2D, 0x473CAF, 0x2E09C8, 0x7E9E41,
)  # fmt: skip
GAP, GUARD, HEADER_REPEATS = 64, 32, 4
FIELDS = (
    ("system", 8), ("terminal", 8), ("attempt", 8), ("frame", 32), ("fragment", 16),
    ("fragments", 16), ("length", 32),
)  # fmt: skip
VERSION = 2


def preamble(code: int) -> np.ndarray:
    """[253] complex: section 3.1."""
    i, r = np.arange(11), np.arange(23)
    sequence = np.exp(-1j * np.pi * ROOTS[code] * i * (i + 1) / 11)
    return np.outer(1 - 2 * (SIGNS[code] >> (22 - r) & 1), sequence).ravel()


def header_bits(**fields) -> str:
    """The 128 bits before the CRC: section 3.2."""
    return f"{VERSION:08b}" + "".join(f"{fields[name]:0{size}b}" for name, size in FIELDS)


def header(**fields) -> np.ndarray:
    """[600] complex: section 3.2."""
    return naive_code(header_bits(**fields), HEADER_REPEATS)


def pilot_rows(users: int, length: int) -> np.ndarray:
    """[K, P] complex: section 3.3."""
    order = 1 << (users - 1).bit_length()
    cover = np.ones((1, 1))
    while len(cover) < order:
        cover = np.block([[cover, cover], [cover, -cover]])
    n = np.arange(length)
    sequence = np.exp(-1j * np.pi * n * (n + length % 2) / length)
    return np.tile(cover[:users], length // order) * sequence


def body(row: np.ndarray, payload: np.ndarray, spacing: int) -> np.ndarray:
    """Pilots and payload: section 3.4."""
    if not spacing:
        return np.concatenate([row, payload])
    parts = [row]
    for start in range(0, len(payload), spacing):
        parts += [payload[start : start + spacing], row]
    return np.concatenate(parts)


def burst(user, users, first_code, row, payload, spacing, **fields) -> np.ndarray:
    """All symbols of one user's burst: section 3."""
    head = np.concatenate(
        [preamble(first_code + user), header(length=len(payload), **fields), np.zeros(GAP)]
    )
    before, after = np.zeros(user * len(head)), np.zeros((users - 1 - user) * len(head))
    return np.concatenate([before, head, after, body(row, payload, spacing), np.zeros(GUARD)])


def taps(sps: int = 4, span: int = 6, b: float = 0.35) -> np.ndarray:
    """[2 span sps + 1] of unit energy: section 4, without its singular points (sps 4 has the one
    at 0 alone)."""
    t = np.arange(-span * sps, span * sps + 1) / sps
    t[t == 0] = 1e-9
    top = np.sin(np.pi * t * (1 - b)) + 4 * b * t * np.cos(np.pi * t * (1 + b))
    found = top / (np.pi * t * (1 - (4 * b * t) ** 2))
    return found / np.linalg.norm(found)


def samples(symbols: np.ndarray, sps: int = 4) -> np.ndarray:
    """Shaped, of unit mean power during the burst: section 4."""
    spread = np.zeros((len(symbols) - 1) * sps + 1, complex)
    spread[::sps] = symbols
    return np.convolve(spread, taps(sps)) * np.sqrt(sps)


def qpsk(count: int) -> np.ndarray:
    """The payload of the vectors: bit pairs of the numbers 0, 1, 2, 3, 0, ..."""
    number = np.arange(count) % 4
    return ((1 - 2 * (number >> 1)) + 1j * (1 - 2 * (number & 1))) / np.sqrt(2)


CASES = {
    "uplink, user 0 of 2": dict(user=0, users=2, first_code=0, pilots=16, spacing=64, payload=160,
                                system=0, terminal=0, attempt=0, frame=7, fragment=0, fragments=1),
    "uplink, user 1 of 2": dict(user=1, users=2, first_code=0, pilots=16, spacing=64, payload=160,
                                system=0, terminal=1, attempt=0, frame=7, fragment=0, fragments=1),
    "sidelink, second copy": dict(user=0, users=1, first_code=6, pilots=16, spacing=64, payload=70,
                                  system=1, terminal=3, attempt=0, frame=4294967295, fragment=0,
                                  fragments=1),
    "a fragment sent again": dict(user=0, users=1, first_code=0, pilots=16, spacing=0, payload=5,
                                  system=2, terminal=0, attempt=3, frame=258, fragment=2,
                                  fragments=4096),
    "return link, again": dict(user=0, users=1, first_code=9, pilots=16, spacing=64, payload=1,
                               system=2, terminal=1, attempt=0, frame=258, fragment=0, fragments=1),
}  # fmt: skip


def symbols_of(case: dict) -> np.ndarray:
    """All symbols of a case."""
    case = dict(case)
    row = pilot_rows(case["users"], case.pop("pilots"))[case["user"]]
    return burst(row=row, payload=qpsk(case.pop("payload")), **case)


def parts(values: np.ndarray) -> list:
    """Complex numbers as [real, imaginary], rounded."""
    rounded = np.round(np.stack([values.real, values.imag], -1), 6) + 0.0
    return rounded.tolist()


def vectors() -> dict:
    """What the file holds."""
    cases = []
    for name, case in CASES.items():
        symbols = symbols_of(case)
        fields = {k: case[k] for k, _ in FIELDS if k != "length"} | {"length": case["payload"]}
        at = case["user"] * (253 + 600 + GAP)
        cases.append(
            {
                "name": name,
                **case,
                "header_bits": header_bits(**fields),
                "symbols": len(symbols),
                "preamble_first_12": parts(symbols[at : at + 12]),
                "header_first_8": parts(symbols[at + 253 : at + 261]),
                "body": parts(symbols[case["users"] * (253 + 600 + GAP) : -GUARD]),
                "samples_first_24_of_preamble": parts(samples(symbols)[4 * at : 4 * at + 24]),
            }
        )
    return {
        "specification": "docs/reference/air-interface.md",
        "version": VERSION,
        "payload": "QPSK, symbol i is ((1 - 2 a) + j (1 - 2 b)) / sqrt(2), a b the bits of i mod 4",
        "pulse": [round(float(tap), 7) for tap in taps()],
        "preambles_sum": [parts(np.cumsum(preamble(code)))[-1] for code in range(10)],
        "cases": cases,
    }


def main() -> None:
    """Write the file."""
    FILE.write_text(json.dumps(vectors()).replace('{"name"', '\n{"name"') + "\n")
    print(f"wrote {FILE}")


if __name__ == "__main__":
    main()
