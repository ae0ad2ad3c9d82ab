# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Tutorials are notebooks that MyST-NB and jupytext read, with short cells and claims that are
checked.  `make docs-check` runs them; what they show is not kept in the repository."""

import ast
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("?-*.md"))
CELL = re.compile(r"^```\{code-cell\}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LONGEST, LONGEST_FILE = 32, 85  # lines of a cell, of a cell that writes a module


def cells(path: Path) -> list[tuple[dict, str]]:
    """(options, code) of each cell."""
    found = []
    for text in CELL.findall(path.read_text(encoding="utf-8")):
        options = {}
        if text.startswith("---\n"):
            head, text = text[4:].split("---\n", 1)
            options = yaml.safe_load(head)
        elif text.startswith(":tags: "):
            head, text = text.split("\n", 1)
            options = {"tags": yaml.safe_load(head.removeprefix(":tags: "))}
        found.append((options, text.strip("\n")))
    return found


def code(text: str) -> str:
    """A cell's Python, without the line that writes it to a file."""
    return text.split("\n", 1)[1] if text.startswith("%%writefile") else text


def test_there_are_eight_in_order():
    assert [path.name[0] for path in TUTORIALS] == list("abcdefgh")


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_a_tutorial_is_a_notebook(path):
    head = yaml.safe_load(path.read_text(encoding="utf-8").split("---\n")[1])
    assert head["jupytext"]["text_representation"]["format_name"] == "myst"
    assert head["kernelspec"]["name"] == "python3"
    assert head["mystnb"]["execution_timeout"] >= 300
    assert len(cells(path)) >= 5


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_cells_are_short_python_and_claims_are_checked(path):
    checks = 0
    for _, text in cells(path):
        limit = LONGEST_FILE if text.startswith("%%") else LONGEST
        assert len(text.splitlines()) <= limit, text[:200]
        assert max(map(len, text.splitlines())) <= 110, text
        tree = ast.parse(code(text))
        checks += sum(isinstance(node, ast.Assert) for node in ast.walk(tree))
    assert checks >= 3


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_pictures_have_an_alternative_text(path):
    for options, text in cells(path):
        if "plt.show()" in text:
            assert len(options["mystnb"]["image"]["alt"]) > 20, text


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_files_that_are_named_exist(path):
    text = path.read_text(encoding="utf-8")
    named = re.findall(r"`((?:apps|examples|docs|tests|python|lib|models)/[\w./]+)`", text)
    links = [path.parent / target for target in re.findall(r"\]\(([\w./-]+\.md)\)", text)]
    assert links
    assert not [each for each in [*links, *(ROOT / name for name in named)] if not each.exists()]
