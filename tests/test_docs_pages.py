# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Pages: commands that programs accept, files that exist, Python that runs, links that lead on,
pictures that are described, a README that is short."""

import contextlib
import importlib
import io
import json
import re
import shlex
from pathlib import Path

import docs_commands
import pytest
from gnuradio.semcom.cli import train
from gnuradio.semcom.training import recipes

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(
    path
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")]
    if "tutorials" not in path.parts or path.name == "index.md"  # those run as notebooks
)
IDS = [str(path.relative_to(ROOT)) for path in PAGES]
PROGRAM = re.compile(r"apps/(\w+)\.py ((?:\\\n|[^\n`#])+)")
PLACEHOLDER = re.compile(r"<[^>]*>|\.\.\.|…")


def commands(text: str) -> list:
    """(program, its words) of every command line of a page."""
    found = []
    for name, rest in PROGRAM.findall(text):
        rest = rest.replace("\\\n", " ")
        if not PLACEHOLDER.search(rest) and "--help" not in rest and not rest.startswith("("):
            found.append((name, shlex.split(rest)))
    return found


def accepted(name: str, words: list) -> str:
    """'' if the program's parser takes the words, else what it says."""
    module = importlib.import_module(f"gnuradio.semcom.cli.{name}")
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        try:
            if name == "train":
                train.parse(words)
            else:
                module.make_parser().parse_args(words)
        except SystemExit:
            return said.getvalue()
    return ""


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_programs_accept_the_commands_of_a_page(page):
    for name, words in commands(page.read_text(encoding="utf-8")):
        if words and words[0].startswith(("-", "receiver", "audio", "video", "text", "media")):
            assert not (said := accepted(name, words)), f"{name} {' '.join(words)}: {said}"


def test_wrong_commands_are_found():
    assert "unrecognized" in accepted("run_link", ["--snrs", "3"])
    text = (
        "`apps/run_link.py --snr 3 \\\n  --frames 2`, `apps/train.py --help`, apps/run_link.py ..."
    )
    assert commands(text) == [("run_link", ["--snr", "3", "--frames", "2"])]


@pytest.mark.parametrize(
    ("text", "command", "why"),
    [
        ("Run `.venv/bin/python apps/train.py --help`.", "apps/train.py --help", ""),
        ("    .venv/bin/python apps/run_link.py \\\n  --snr 3", "apps/run_link.py --snr 3", ""),
        ("```\n.venv/bin/python apps/train.py\n```", "apps/train.py", "minutes to days"),
        (
            "`.venv/bin/python apps/evaluate.py --data DIR`",
            "apps/evaluate.py --data DIR",
            "names of",
        ),
        (
            ".venv/bin/python apps/run_link.py --radio uhd:",
            "apps/run_link.py --radio uhd:",
            "device",
        ),
    ],
)
def test_commands_run_unless_there_is_a_reason(text, command, why):
    (found,) = docs_commands.commands(text)
    assert found == f".venv/bin/python {command}"
    reason = docs_commands.reason(found)
    assert why in reason and bool(why) == bool(reason)


def test_a_command_that_fails_and_one_that_takes_long_are_known(tmp_path, monkeypatch):
    right, said, _ = docs_commands.run("echo no; exit 2", tmp_path)
    assert not right and said == "no\n"
    monkeypatch.setattr(docs_commands, "LIMIT_S", 0.2)
    ended, *_ = docs_commands.run("while true; do :; done", tmp_path)
    assert ended  # by SIGTERM, as a program that is ended


def test_there_are_commands_to_check():
    every = [each for page in PAGES for each in commands(page.read_text(encoding="utf-8"))]
    assert len(every) > 60 and recipes.recipes()


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_files_that_commands_name_exist(page):
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"(?<![\w/])((?:apps|tools|tests|studies|models)/[\w/.-]+\.\w+)", text)
    missing = [name for name in named if not (ROOT / name).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_targets_of_make_exist(page):
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = page.read_text(encoding="utf-8")
    named = set(
        re.findall(
            r"(?:`|^ *)make ([a-z][a-z-]*)(?=[`\n ]+(?:[A-Z]+=|`|#|\n|$))", text, re.MULTILINE
        )
    )
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_python_and_json_of_a_page_are_sound(page):
    text = page.read_text(encoding="utf-8")
    names = {}
    for language, code in re.findall(
        r"^```(python|json)\n(.*?)^```", text, re.DOTALL | re.MULTILINE
    ):
        json.loads(code) if language == "json" else exec(code, names)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_to_files_and_pictures_are_described(page):
    text = re.sub(
        r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    for picture, words, target in re.findall(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)", text):
        if re.match(r"https?:|mailto:|#", target):
            continue
        base = DOCS if page.name == "CONTRIBUTING.md" and not target.startswith("docs") else None
        path = (page.parent / target.partition("#")[0]).resolve()
        assert path.exists() or (base and (base / target).exists()), target
        assert not picture or len(words.split()) >= 2, f"{target}: describe the picture"


def test_the_readme_is_short_and_shows_one_figure():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.count("\n") <= 120
    assert len(re.findall(r"!\[", text)) == 1
    assert len(re.findall(r"^- \*\*", text, re.MULTILINE)) == 5


def test_every_page_is_in_one_part_of_the_site():
    listed = {}
    for index in DOCS.rglob("*.md"):
        text = index.read_text(encoding="utf-8")
        for block in re.findall(r"^```\{toctree\}\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
            for entry in block.splitlines():
                if entry and not entry.startswith(":") and "*" not in entry:
                    path = (index.parent / f"{entry}.md").resolve()
                    listed.setdefault(path, []).append(index)
    pages = {p for p in DOCS.rglob("*.md") if p.parent.name not in ("tutorials", "papers")}
    pages -= {DOCS / "index.md"}
    unlisted = sorted(str(p.relative_to(DOCS)) for p in pages if p.resolve() not in listed)
    assert not unlisted
    assert all(len(where) == 1 for where in listed.values())
