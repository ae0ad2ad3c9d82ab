# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The specification of the air interface, its test vectors, and the C++ code say the same."""

import json
import math
import re
from pathlib import Path

import air_interface as air
import numpy as np
import pytest
from gnuradio.semcom import core
from gnuradio.semcom.phy import pilots
from gnuradio.semcom.systems.registry import systems

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "air-interface.md"
WRITTEN = json.loads(air.FILE.read_text(encoding="utf-8"))


def test_the_file_is_what_its_command_writes():
    assert json.loads(json.dumps(air.vectors())) == WRITTEN


@pytest.mark.parametrize("case", WRITTEN["cases"], ids=lambda case: case["name"])
def test_bursts_in_cpp_are_those_of_the_vectors(case):
    layout = core.BurstLayout(
        users=case["users"],
        first_code=case["first_code"],
        num_pilots=case["pilots"],
        spacing=case["spacing"],
    )
    header = core.FrameHeader(
        case["frame"], case["terminal"], case["payload"], case["system"], case["fragment"],
        case["fragments"], case["attempt"],
    )  # fmt: skip
    row = pilots.make("zadoff_chu", case["users"], case["pilots"])[case["user"]]
    payload = air.qpsk(case["payload"])
    found = core.assemble_burst(layout, case["user"], header, list(map(complex, row)), payload)
    expected = air.symbols_of({k: case[k] for k in air.CASES[case["name"]]})
    assert len(found) == case["symbols"] == len(expected)
    np.testing.assert_allclose(found, expected, atol=2e-6)
    body = np.array(case["body"]) @ [1, 1j]
    np.testing.assert_allclose(found[layout.total(case["payload"]) - 32 - len(body) : -32], body,
                               atol=2e-6)  # fmt: skip
    shaped = core.shape_symbols(found, core.PulseShape(4)) * math.sqrt(4)
    at = 4 * case["user"] * (253 + 600 + 64)
    first = np.array(case["samples_first_24_of_preamble"]) @ [1, 1j]
    np.testing.assert_allclose(shaped[at : at + 24], first, atol=5e-6)


def test_headers_of_the_vectors_are_read():
    for case in WRITTEN["cases"]:
        symbols = air.symbols_of({k: case[k] for k in air.CASES[case["name"]]})
        at = case["user"] * (253 + 600 + 64) + 253
        read = core.decode_header(symbols[at : at + 600].astype(np.complex64), 4)
        told = {name: getattr(read, name) for name, _ in air.FIELDS if name != "length"}
        assert told == {name: case[name] for name in told}
        assert read.length == case["payload"]


def test_numbers_of_systems_are_those_of_the_registry():
    text = PAGE.read_text(encoding="utf-8")
    told = {name: int(n) for n, name in re.findall(r"^\| (\d+) \| `(\w+)` \|", text, re.MULTILINE)}
    assert told == {name: entry.number for name, entry in systems().items()}


def test_tables_of_preambles_are_those_of_the_vectors():
    text = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d) \| (\d+) \| `0x([0-9a-f]{6})` \|", text, re.MULTILINE)
    assert [(int(k), int(root), int(sign, 16)) for k, root, sign in rows] == [
        (k, air.ROOTS[k], air.SIGNS[k]) for k in range(10)
    ]
