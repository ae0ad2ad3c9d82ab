# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The terminology list: one word for each thing in all that users read.

.venv/bin/python -m tests.words     a line for each wrong word; `make lint` runs it
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
READ = (
    "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/**/*.md", "docs/*.svg",
    "examples/**/*.md", "examples/*.grc", "examples/own_block/**/*.*", "studies/**/*.py",
    "studies/templates/*.md", "models/*.md", "include/**/*.h", "lib/**/*.h", "grc/*.yml",
    "python/semcom/**/*.py", "python/semcom/**/*.cc", "apps/*.py", "apps/flowgraphs/*.grc",
)  # fmt: skip

FORBIDDEN = {  # pattern -> what to say instead
    r"papers? 00\d": "the authors and the year",
    r"feedback": "sidelink (terminal to terminal) or return link (receiver to terminal)",
    r"side[- ]links?": "sidelink",
    r"down-?links?|reverse links?|back ?channels?": "return link",
    r"video frames?|frames per second|frame rates?": "pictures, pictures per second",
    r"packets?|datagrams?": "frame, fragment or burst",
    r"scenes?": "background, or what is meant; a scene is what is composed behind an object",
    r"(local|equal|synchron)izers?": "the British spelling, as everywhere",
    r"unkind|unkindly": "what it does",
    r"/work/\S*|/tmp/\S*": "no path of one machine",
}

ALLOWED = {  # word -> files where it may stand, and why
    "feedback": (
        "python/semcom/chain/options.py",  # the papers' name of an option, beside ours
        "python/semcom/base/options.py",  # that option as an example
        "python/semcom/run/records.py",  # reads records of schema 1
        "CHANGELOG.md",  # says what was renamed
    ),
    "scene": (  # composition
        "python/semcom/data/",
        "python/semcom/cli/make_media.py",
        "python/semcom/training/m3e/library.py",  # calls it
    ),
    "scenes": ("python/semcom/data/", "python/semcom/cli/make_media.py"),
    "packet": ("python/semcom/media/",),  # FFmpeg's word
    "packets": ("python/semcom/media/",),
}


def texts() -> list:
    """(path below the repository, text) of everything that users read."""
    paths = sorted({path for pattern in READ for path in ROOT.glob(pattern)})
    return [(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in paths]


def wrong_words(path: str, text: str) -> list:
    """A line for each forbidden word of a text."""
    found = []
    for pattern, instead in FORBIDDEN.items():
        for match in re.finditer(rf"(?<![\w])(?:{pattern})(?![\w])", text, re.IGNORECASE):
            if not path.startswith(ALLOWED.get(match[0].lower(), ("nowhere",))):
                line = text.count("\n", 0, match.start()) + 1
                found.append(f"{path}:{line}: '{match[0]}': say {instead}")
    return found


def main() -> int:
    """Print what is wrong; 1 if anything is."""
    found = [line for path, text in texts() for line in wrong_words(path, text)]
    print("\n".join(found), end="\n" * bool(found))
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
