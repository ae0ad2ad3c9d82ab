# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The reference pages name what the code has, no less and no more."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
SOURCES = [*ROOT.glob("python/semcom/**/*.py"), *ROOT.glob("lib/*.cc")]
INSIDE = {"event_code"}  # keys within messages
KEY = re.compile(r"""(?:pmt\.intern|pmt::mp|port_register_hier_out)\(\s*"(\w+)"\)""")
KEYS = re.compile(r"map\(\s*pmt\.intern,\s*\(([^)]*)\)", re.DOTALL)
HANDLED = re.compile(r'"(\w+)": self\._on_')


def keys_of_the_code() -> set:
    """Every key of a tag, and every name of a message port."""
    found = set()
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        found |= {*KEY.findall(text), *HANDLED.findall(text)}
        for group in KEYS.findall(text):
            found |= set(re.findall(r'"(\w+)"', group))
    return found - INSIDE


def first_column(page: Path) -> set:
    return set(re.findall(r"^\| `(\w+)` \|", page.read_text(encoding="utf-8"), re.MULTILINE))


def test_every_tag_and_message_port_is_on_the_page():
    told, there = first_column(DOCS / "reference" / "tags.md"), keys_of_the_code()
    assert there - told == set(), "not on docs/reference/tags.md"
    assert told - there == set(), "on docs/reference/tags.md, but not in the code"


def test_the_search_for_keys_finds_both_languages():
    assert {"semcom_frame", "tx_eob", "semcom_blocks", "channel", "begin"} <= keys_of_the_code()


def test_blocks_named_with_ports_exist():
    from gnuradio import semcom

    text = (DOCS / "reference" / "tags.md").read_text(encoding="utf-8")
    ports = text[text.index("## Message ports") :]
    rows = [line.split(" | ")[1] for line in ports.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    named -= {f"blocks{k}" for k in range(2)} | {"stream_watch"}
    windows = (ROOT / "python" / "semcom" / "windows").glob("*.py")
    drawn = set(re.findall(r"^class (\w+)", "".join(p.read_text() for p in windows), re.MULTILINE))
    missing = [name for name in named if not (name in drawn or hasattr(semcom, name))]
    assert not missing


@pytest.mark.parametrize("program", sorted(p.stem for p in (ROOT / "apps").glob("*.py")))
def test_every_program_is_on_the_page_of_programs(program):
    text = (DOCS / "reference" / "programs.md").read_text(encoding="utf-8")
    assert f"## {program}.py" in text
