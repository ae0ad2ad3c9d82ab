# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The programs: what --help loads, and that installed they run from anywhere."""

import json
import os
import subprocess
import sys

import pytest
from conftest import ROOT

PROGRAMS = sorted(path.stem for path in (ROOT / "apps").glob("*.py"))
SLOW = ("torch", "gnuradio.gr", "matplotlib", "av")
HELPED = """
import runpy, sys
sys.argv = [sys.argv[1], "--help"]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit as end:
    assert not end.code
print("loaded:", *(name for name in {slow!r} if name in sys.modules))
"""


@pytest.mark.parametrize("name", PROGRAMS)
def test_help_loads_nothing_that_is_slow(program, name):
    done = program("-c", HELPED.format(slow=SLOW), f"apps/{name}.py")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"usage: {name}.py") and lines[-1].strip() == "loaded:"


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """A folder that the build is installed to; what was noted of another installation stays."""
    folder = tmp_path_factory.mktemp("prefix")
    manifest = ROOT / "build" / "install_manifest.txt"
    before = manifest.read_bytes() if manifest.exists() else None
    subprocess.run(
        ["cmake", "--install", "build", "--prefix", folder],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    yield folder
    script = ROOT / "build" / "cmake_uninstall.cmake"
    subprocess.run(["cmake", "-P", script], check=True, capture_output=True)
    if before is not None:
        manifest.write_bytes(before)
    assert not list((folder / "bin").iterdir())
    assert not list(folder.rglob("semcom*"))


def installed(prefix, name, *words, folder, python=()):
    """Run an installed program in a folder with this Python; returns the finished process."""
    known = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "SEMCOM_MODELS")}
    return subprocess.run(
        [sys.executable, *python, prefix / "bin" / name, *words],
        cwd=folder, env=known, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_installed_programs_run_from_any_folder(prefix, tmp_path):
    expected = {f"semcom-{name.replace('_', '-')}" for name in PROGRAMS}
    assert {path.name for path in (prefix / "bin").iterdir()} == expected
    for name in expected:
        assert os.access(prefix / "bin" / name, os.X_OK)
    done = installed(prefix, "semcom-train", "--help", folder=tmp_path, python=["-v"])
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: semcom-train") and "train.py" not in done.stdout
    assert f"{prefix}/lib" in done.stderr and str(ROOT / "python") not in done.stderr
    link = installed(
        prefix, "semcom-run-link", "--frames", "3", "--json", "link.json", folder=tmp_path
    )
    assert link.returncode == 0, link.stderr
    document = json.loads((tmp_path / "link.json").read_text())
    assert document["command"].startswith("semcom-run-link --frames 3")
    assert document["records"][0]["frames_received"] == 3


def test_an_installed_program_names_itself_and_what_its_python_lacks(prefix, tmp_path):
    wrong = installed(prefix, "semcom-run-link", "--rician-k", "3", folder=tmp_path)
    assert wrong.returncode == 2 and wrong.stderr.startswith("semcom-run-link: error: --rician-k 3")
    bare = installed(prefix, "semcom-run-link", "--help", folder=tmp_path, python=["-S"])
    assert bare.returncode == 2 and bare.stderr.count("\n") == 1
    assert bare.stderr.startswith(f"semcom-run-link: error: {sys.executable} cannot import ")
    assert "install it for this Python" in bare.stderr
