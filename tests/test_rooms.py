# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The rooms of python/semcom: each imports only from rooms below it, and never in a circle."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "python" / "semcom"
ROOMS = (
    "base", "phy", "nets", "weights", "media", "perception", "data", "tasks", "systems", "protocol",
    "chain", "training", "evaluation", "blocks", "windows", "run", "sweep", "report", "cli",
)  # fmt: skip
COMPILED = ("core", "semcom_python")  # below every room


def modules() -> dict:
    """Dotted name below the package -> path, of every module in a room."""
    paths = [path for room in ROOMS for path in sorted((PACKAGE / room).rglob("*.py"))]
    return {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in paths}


def imports(name: str, path: Path) -> list:
    """(line, dotted module below the package) of every import of this package in a module, inside
    functions too."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = name.split(".")[: -node.level]
            target = [*base, *(node.module.split(".") if node.module else [])]
            found += [(node.lineno, ".".join([*target, alias.name])) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gnuradio.semcom"):
            found.append((node.lineno, "absolute " + node.module))
    return found


MODULES = modules()


def test_every_folder_is_a_room_that_has_its_place():
    folders = {path.name for path in PACKAGE.iterdir() if any(path.glob("*.py"))}
    assert folders == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_rooms_below_it(room):
    below = (*ROOMS[: ROOMS.index(room) + 1], *COMPILED)
    wrong = [
        f"{name}.py:{line} imports {target}"
        for name, path in MODULES.items()
        if name.startswith(f"{room}.")
        for line, target in imports(name, path)
        if target.split(".")[0] not in below and "." in target
    ]
    assert not wrong, "\n".join(wrong)


def test_no_module_imports_itself_by_way_of_others():
    edges = {
        name: {
            known
            for _, target in imports(name, path)
            for known in (target, target.rpartition(".")[0])
            if known in MODULES
        }
        for name, path in MODULES.items()
    }

    def reach(start):
        seen, todo = set(), list(edges[start])
        while todo:
            if (name := todo.pop()) not in seen:
                seen.add(name)
                todo += edges[name]
        return seen

    assert not [name for name in edges if name in reach(name)]


def test_the_reader_of_imports_sees_an_upward_one(tmp_path):
    path = tmp_path / "probe.py"
    path.write_text("def f():\n    from ..run.scenario import Scenario\n")
    assert imports("phy.probe", path) == [(2, "run.scenario.Scenario")]
