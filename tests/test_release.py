# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""One version, told by CMakeLists.txt, in every place that names it; metadata that others read."""

import re
from pathlib import Path

import pytest
import yaml
from gnuradio import semcom

ROOT = Path(__file__).resolve().parents[1]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


VERSION = ".".join(
    re.search(rf"set\(VERSION_{part} (\d+)\)", text("CMakeLists.txt"))[1]
    for part in ("MAJOR", "API", "ABI")
)
CITATION, MANIFEST = yaml.safe_load(text("CITATION.cff")), yaml.safe_load(text("MANIFEST.yml"))


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("python/semcom/__init__.py", semcom.__version__),
        ("CITATION.cff", CITATION["version"]),
        ("MANIFEST.yml", MANIFEST["version"]),
        ("MANIFEST.yml", MANIFEST["stable_release"].removeprefix("v")),
        ("debian/changelog", re.match(r"gr-semcom \(([\d.]+)\)", text("debian/changelog"))[1]),
        ("CHANGELOG.md", re.findall(r"^## \[([\d.]+)\]", text("CHANGELOG.md"), re.MULTILINE)[0]),
    ],
)
def test_every_place_has_the_version(where, found):
    assert found == VERSION, where


def test_the_change_log_has_room_for_what_comes_and_dates():
    headings = re.findall(r"^## (.+)$", text("CHANGELOG.md"), re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[[\d.]+\] - \d{4}-\d\d-\d\d", each) for each in headings[1:])


def test_the_papers_are_cited():
    titles = " ".join(each["title"] for each in CITATION["references"])
    for words in ("Pilot-guided", "Mutual Enhancement", "Co-Attention", "Semantic Consistency"):
        assert words in titles
    assert all(each["authors"] and each["year"] for each in CITATION["references"])


def test_the_manifest_has_what_cgran_shows():
    for key in ("title", "brief", "tags", "author", "copyright_owner", "license", "description"):
        assert MANIFEST[key], key
    assert MANIFEST["gr_supported_version"] == "3.10"  # a string: YAML takes it for 3.1
