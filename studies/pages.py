# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Pages of docs/: a template filled with tables, figures and the command that makes the page.

The text is in templates/NAME.md, with ``$place`` or ``${place}`` for each result of a study
(:class:`string.Template`).
"""

import re
from pathlib import Path
from string import Template

from gnuradio.semcom.base.files import replacing

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
TEMPLATES = Path(__file__).with_name("templates")


def command(name: str, *words) -> str:
    """The command line that makes a page, from the root of the repository."""
    return " ".join([f".venv/bin/python -m studies {name}", *map(str, words)])


def page(name: str, **places) -> str:
    """The page ``name``: its template with text, or a list of lines, in every place.

    An empty place leaves no gap: the page has no two successive blank lines.
    """
    text = (TEMPLATES / f"{name}.md").read_text(encoding="utf-8")
    filled = {
        place: value if isinstance(value, str) else "\n".join(value)
        for place, value in places.items()
    }
    text = Template(text).substitute(filled)
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n") + "\n"


def write(path: Path, text: str) -> None:
    """Write a page; an interrupted write leaves the old one."""
    with replacing(path) as temporary:
        Path(temporary).write_text(text, encoding="utf-8")
