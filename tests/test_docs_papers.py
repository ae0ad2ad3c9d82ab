# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The pages of the papers: every numbered equation is there, and every name in them exists."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs" / "papers").glob("*.md"))
EQUATIONS = {"yu-2024": 18, "chen-2024": 21, "xue-2021": 7, "jiang-2022": 21}
TABLES = {
    "yu-2024": ["I"],
    "chen-2024": ["1"],
    "xue-2021": ["I", "II", "III", "IV", "V"],
    "jiang-2022": ["I", "II", "III", "IV", "V", "VI"],
}
IDS = [page.stem for page in PAGES]


def rows(page: Path) -> list:
    """Cells of the rows of the table of equations."""
    text = page.read_text(encoding="utf-8")
    part = text[text.index("## Equations") : text.index("## Tables")]
    lines = [line for line in part.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]


def numbers(cell: str) -> set:
    """The equations that '1, 4' or '10 to 15' names."""
    found = set()
    for part in cell.split(","):
        if match := re.fullmatch(r"\s*(\d+)(?: to (\d+))?\s*", part):
            found |= set(range(int(match[1]), int(match[2] or match[1]) + 1))
    return found


def resolved(name: str):
    """What a dotted name names."""
    parts = name.replace("semcom", "gnuradio.semcom", 1).split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:cut]))
        except ImportError:
            continue
        for part in parts[cut:]:
            found = getattr(found, part)
        return found
    raise AttributeError(name)


def test_there_is_a_page_for_each_paper():
    assert set(IDS) == set(EQUATIONS)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_numbered_equation_has_a_row(page):
    told = set().union(*(numbers(cells[0]) for cells in rows(page)))
    assert told == set(range(1, EQUATIONS[page.stem] + 1))


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_table_of_the_paper_has_a_row(page):
    cells = re.findall(r"^\| (Tables? [^|]*)\|", page.read_text(encoding="utf-8"), re.MULTILINE)
    told = {number for cell in cells for number in re.findall(r"\b[IV]+\b|\b\d\b", cell)}
    assert set(TABLES[page.stem]) <= told


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_function_exists(page):
    names = re.findall(r"`(semcom\.[\w.]+)`", page.read_text(encoding="utf-8"))
    assert len(names) >= 7
    for name in names:
        resolved(name)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_row_has_a_test_that_exists(page):
    for cells in rows(page):
        found = re.findall(r"`tests/(test_\w+)\.py::(test_\w+)`", cells[3])
        assert found, cells
        for module, name in found:
            text = (ROOT / "tests" / f"{module}.py").read_text(encoding="utf-8")
            assert f"def {name}(" in text, f"{module}::{name}"


def test_names_that_do_not_exist_are_found():
    with pytest.raises(AttributeError):
        resolved("semcom.phy.estimation.nothing")
    assert numbers("1, 4") == {1, 4} and numbers("10 to 12") == {10, 11, 12}
