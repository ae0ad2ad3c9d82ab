# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Packages that only one feature needs: the rest works without, and one line names what lacks."""

import subprocess
import sys

import pytest
from conftest import ROOT
from gnuradio.semcom.base import optional
from gnuradio.semcom.base.errors import SemcomError

# What a program does on a machine without some packages.
WITHOUT = """
import sys
lacking, sys.argv = sys.argv[1].split(","), sys.argv[2:]

class Missing:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in lacking:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing)
"""
RUN = "from gnuradio.semcom.cli.run_link import main; sys.exit(main())"


def without(lacking, script, *words):
    return subprocess.run(
        [sys.executable, "-c", WITHOUT + script, lacking, "run_link.py", *map(str, words)],
        capture_output=True, text=True, timeout=120, cwd=ROOT,
    )  # fmt: skip


def test_a_link_runs_without_any_of_them(tmp_path):
    ended = without(",".join(optional.DEBIAN), RUN, "--frames", 2, "--json", tmp_path / "a.json")
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "a.json").exists()


def test_every_block_is_there_without_any_of_them():
    script = "from gnuradio.semcom import blocks; print(len(blocks.__all__))"
    ended = without(",".join(optional.DEBIAN), script)
    assert int(ended.stdout) > 20, ended.stderr


@pytest.mark.parametrize(
    ("lacking", "words", "remedy"),
    [
        ("av", ["--media", "CLIP"], "apt install python3-av, or pip install av"),
        ("h5py", ["--data", "FOLDER"], "apt install python3-h5py, or pip install h5py"),
        ("sigmf", ["--radio", "mock:bench", "--frames", 1, "--record", "FOLDER/iq"],
         "pip install sigmf"),
        ("cv2", ["--media", "CLIP"],
         "apt install python3-opencv, or pip install opencv-python-headless"),
    ],
)  # fmt: skip
def test_what_lacks_is_named_in_one_line(make, tmp_path, lacking, words, remedy):
    for name in ("audio_feature.h5", "visual_feature.h5", "labels.h5", "test_order.h5"):
        (tmp_path / name).write_bytes(b"no matter what")
    clip = make("clip.mp4")
    places = {"CLIP": str(clip), "FOLDER": str(tmp_path)}
    for place, path in places.items():
        words = [str(word).replace(place, path) for word in words]
    ended = without(lacking, RUN, *words)
    *_, line = ended.stderr.splitlines()  # before it a bar of progress
    assert ended.returncode != 0 and "Traceback" not in ended.stderr
    assert f"Python lacks {lacking}, which this needs: {remedy}" in line


def test_a_package_that_is_broken_is_not_called_missing(monkeypatch):
    def fail(name):
        raise ModuleNotFoundError("No module named 'libx'", name="libx")

    monkeypatch.setattr(optional.importlib, "import_module", fail)
    with pytest.raises(ModuleNotFoundError, match="libx"):
        _ = optional.cv2.resize


def test_a_stand_in_gives_what_the_module_has(monkeypatch):
    numbers = optional.Optional("math")
    assert numbers.sqrt(4) == 2.0
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = numbers.no_such_name
    missing = optional.Optional("sigmf")
    monkeypatch.setitem(sys.modules, "sigmf", None)
    with pytest.raises(SemcomError, match="lacks sigmf"):
        _ = missing.SigMFFile
