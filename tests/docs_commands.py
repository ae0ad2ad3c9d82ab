# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Runs the commands of the pages, each distinct one once, in a folder that is removed afterwards.

.venv/bin/python -m tests.docs_commands     a line for each command; `make docs-check` runs it

A command is what begins with .venv/bin/python, in a block of code or within a sentence.  It may
take LIMIT_S of processor time; one that needs more is ended, and has to end as programs do then.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "examples" / "README.md",
    # lessons run as notebooks
    *(path for path in sorted(DOCS.rglob("*.md")) if not re.match(r"[a-z]-", path.name)),
]
COMMAND = re.compile(r"(?:^ *|`)((?:\w+=\S+ )*\.venv/bin/python [^`\n]+)", re.MULTILINE)
LIMIT_S = 20.0  # or ten times as long by the clock
ENDED = 128 + signal.SIGTERM, -signal.SIGTERM  # by the program, by the shell that waits for it

NOT_RUN = {  # why -> what such commands have
    "stands for names of the reader's": r"<|\.\.\.|(?<!\w)(DIR|FILE|NAME|RAW|SIDE|S)(?!\w)",
    "needs a data set or weights that are not here": r"--(data|raw|coco) |raw more|\.pth|AVE/AVE",
    "trains or measures for minutes to days": r"(apps/train\.py|-m studies)(?!.* --help)",
    "is a program of the tests, or writes their files": r"-m (tests|pytest)",
    "needs its other side in a process of its own": r"apps/(terminal|mock_radio)\.py(?! --help)",
    "needs other hosts": r"--scheduler|slurm",
    "needs a device": r"uhd:|soapy:|v4l2:",
    "opens a window": r"out/\w+_gui\.py",
}


def commands(text: str) -> list:
    """Every command of a page, on one line."""
    found = COMMAND.findall(text.replace("\\\n", " "))
    return [re.sub(r"\s+", " ", command).strip() for command in found]


def reason(command: str) -> str:
    """Why a command is not run; '' if it is."""
    return next((why for why, has in NOT_RUN.items() if re.search(has, command)), "")


def workplace(folder: Path) -> None:
    """The tree by links, without what earlier runs left in it, and a film of the pages' name."""
    for path in ROOT.iterdir():
        if path.name not in ("out", "runs", ".git"):
            (folder / path.name).symlink_to(path)
    (folder / "out").mkdir()
    draw = [".venv/bin/python", "apps/make_media.py", "--out", "drawn", "--clips", "1"]
    subprocess.run(draw, cwd=folder, check=True, capture_output=True)
    (folder / "drawn" / "clip00.mp4").rename(folder / "clip.mp4")


def used(session: int) -> float:
    """Processor time [s] of the processes of a session that run."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended
            fields = path.read_text().rpartition(")")[2].split()
            ticks += (int(fields[3]) == session) * (int(fields[11]) + int(fields[12]))
    return ticks / os.sysconf("SC_CLK_TCK")


def run(command: str, folder: Path) -> tuple:
    """(whether it did as it should, what it said, seconds)."""
    began, said = time.monotonic(), folder / "said"
    with said.open("w") as out:
        process = subprocess.Popen(
            ["bash", "-c", command], cwd=folder, stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    ended = (0,)
    while process.poll() is None:
        time.sleep(0.5)
        if used(process.pid) > LIMIT_S or time.monotonic() - began > 10 * LIMIT_S:
            ended = ENDED
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # what it left running
    return process.returncode in ended, said.read_text("utf-8"), time.monotonic() - began


def main() -> int:
    """Run and list them; 1 if one failed."""
    every = dict.fromkeys(each for page in PAGES for each in commands(page.read_text("utf-8")))
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        workplace(Path(name))
        for command in every:
            if why := reason(command):
                print(f"not run, {why}: {command}")
                continue
            right, said, seconds = run(command, Path(name))
            print(f"{'ran' if right else 'FAILED'}, {seconds:.0f} s: {command}", flush=True)
            if not right:
                print("\n".join(said.splitlines()[-15:]), flush=True)
                failed += 1
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
