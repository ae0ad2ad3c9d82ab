# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Settings of the site: `make docs` builds it with Sphinx into build/docs/html."""

import re
from pathlib import Path

from docutils.nodes import SkipNode
from docutils.utils.math.latex2mathml import tex2mathml

ROOT = Path(__file__).resolve().parents[1]

project = "gr-semcom"
author = copyright = "gr-semcom contributors"
release = version = ".".join(
    re.search(rf"VERSION_{part} (\d+)", (ROOT / "CMakeLists.txt").read_text())[1]
    for part in ("MAJOR", "API", "ABI")
)

extensions = [
    "myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "breathe", "sphinxarg.ext",
]  # fmt: skip
templates_path = ["_templates"]
exclude_patterns = ["figures/**"]
html_theme = "furo"
html_title = f"gr-semcom {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_copy_source = False
pygments_dark_style = "monokai"
highlight_language = "text"

myst_enable_extensions = ["dollarmath", "colon_fence", "deflist", "attrs_inline"]
myst_heading_anchors = 4
nb_execution_mode = "off"  # make docs-check runs the tutorials
nb_execution_timeout = 900
nb_execution_raise_on_error = True
linkcheck_ignore = [r"https?://"]  # no network: a reference that leads nowhere is a warning of html

autosummary_generate = True
autodoc_inherit_docstrings = False
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"

breathe_projects = {"semcom": str(ROOT / "build" / "docs" / "doxygen" / "xml")}
breathe_default_project = "semcom"
breathe_domain_by_extension = {"h": "cpp"}

# --- docstrings: plain text that reads well in an editor, made what Sphinx expects ---

SIGNS = re.compile(r"[|*]|\w_(?!\w)")
TERM = re.compile(r"(?! )((?:(?!  ).){1,45}?(?:[^.:;, ]|\.\.))  +(?=\S)")
EMPHASIS = re.compile(r"(?<![\w*])\*(?=\w[^*]*\w\*|\w\*)|(?<=\w)\*(?![\w*])")


def as_restructured_text(app, what, name, obj, options, lines):
    """Columns ``name  what it is`` become definitions, an indented block after a colon is kept as
    it stands, and signs that formulas have are no markup."""
    lines[:] = plain_signs(literal_blocks(definitions(lines)))


def definitions(lines):
    out, column = [], 0
    rulers = [i for i, line in enumerate(lines) if line.startswith("===")]
    for i, line in enumerate(lines):
        table = rulers and rulers[0] <= i <= rulers[-1]
        start = None if table else TERM.match(line)
        if start:
            out += [""] * bool(not column and out and out[-1].strip())
            column = start.end()
            out.append(f":{start[1]}: {line[column:]}")
        elif column and line[:column].isspace() and line.strip():
            out.append(f"    {line.strip()}")
        else:
            out += [""] * bool(column and line.strip())
            out.append(line)
            column = column and not line.strip() and column
    return out


def literal_blocks(lines):
    out, field, inside = [], False, None
    for i, line in enumerate(lines):
        field = line.startswith(":") or (field and bool(line.strip()))
        if inside is not None and line.strip() and indent(line) <= inside:
            out += [""] * bool(out[-1].strip())
            inside = None
        out.append(line)
        following = next((each for each in lines[i + 1 :] if each.strip()), "")
        opens = re.search(r"[^:]:$", line) and indent(following) > indent(line)
        if inside is None and not field and opens:
            out[-1] += ":"
            out.append("")
            inside = indent(line)
    return out


def plain_signs(lines):
    """Bars, lone stars and underscores at the end of a word are no markup, outside literal text."""
    out, inside = [], None
    for line in lines:
        if inside is not None and line.strip() and indent(line) <= inside:
            inside = None
        if inside is None and SIGNS.search(line):
            parts = re.split(r"(``.+?``)", line)
            parts[::2] = [plain(part) for part in parts[::2]]
            out.append("".join(parts))
        else:
            out.append(line)
        if inside is None and line.endswith("::"):
            inside = indent(line)
    return out


def plain(text):
    kept = {match.start() for match in EMPHASIS.finditer(text)}
    signs = {match.end() - 1 for match in SIGNS.finditer(text)} - kept
    return "".join(f"\\{sign}" if i in signs else sign for i, sign in enumerate(text))


def indent(line):
    return len(line) - len(line.lstrip())


# --- formulas, as MathML: no script, no network ---


def visit_math(writer, node):
    block = node.tagname == "math_block"
    writer.body.append(tex2mathml(node.astext(), as_block=block))
    raise SkipNode


# --- tables: a value and its spread stay on one line ---


def keep_together(app, name, source):
    source[0] = re.sub(r"(?<=\d) ± (?=\d)", "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}", source[0])


def setup(app):
    app.connect("autodoc-process-docstring", as_restructured_text)
    app.connect("source-read", keep_together)
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math, None))
    return {"parallel_read_safe": True}
