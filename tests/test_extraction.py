# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""apps/extract_features.py and apps/make_media.py: folders of files to the AVE layout."""

import shutil

import numpy as np
import pytest
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.data import annotation, open_set
from gnuradio.semcom.data.clipset import AVE_CLASSES, BACKGROUND
from gnuradio.semcom.perception.features import extractor
from gnuradio.semcom.perception.windows import MediaWindows

EXTRACT, MAKE = "apps/extract_features.py", "apps/make_media.py"


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    """Two drawn clips with their Annotations.txt."""
    import subprocess
    import sys

    from conftest import ROOT

    folder = tmp_path_factory.mktemp("drawn")
    words = [sys.executable, MAKE, "--out", str(folder), "--clips", "2", "--seed", "3"]
    subprocess.run(words, cwd=ROOT, check=True, timeout=120, capture_output=True)
    return folder


def test_clips_become_rows_with_their_labels(program, media, tmp_path):
    out = tmp_path / "set"
    done = program(EXTRACT, media, "--out", out, "--seconds", "6", "--workers", "1")
    assert done.returncode == 0, done.stderr
    clips = open_set(out, "test")
    assert len(clips) == 4  # 10 s are two windows of 6 s
    spans = annotation.read(media / "Annotations.txt")
    truth = annotation.labels_of(spans["clip00"], 0, 10)
    np.testing.assert_array_equal(clips.labels(0), truth[:6])
    np.testing.assert_array_equal(clips.labels(1), [*truth[6:], BACKGROUND, BACKGROUND])
    windows = list(MediaWindows([media / "clip00.mp4"], extractor("compact"), length=6))
    np.testing.assert_allclose(clips.audio(0), windows[0].audio, atol=1e-4)
    np.testing.assert_allclose(clips.visual(1)[:4], windows[1].visual, rtol=2e-3, atol=2e-3)
    assert clips.audio(1).shape == (6, 128) and clips.visual(1).shape == (6, 7, 7, 512)


def test_a_file_that_fails_is_named_and_the_others_go_on(program, media, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    shutil.copytree(media, folder)
    (folder / "bad.mp4").write_text("no film")
    (folder / "empty.mkv").touch()
    done = program(EXTRACT, folder, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "2 of 4 files were left out" in done.stdout
    assert "bad.mp4: cannot be read" in done.stdout and "empty.mkv: empty" in done.stdout
    assert len(open_set(out, "test")) == 2
    parts = sorted((out / "parts").glob("*.npz"))
    times = [part.stat().st_mtime_ns for part in parts]
    again = program(EXTRACT, folder, "--out", out)
    assert again.returncode == 0 and len(parts) == 2
    assert [part.stat().st_mtime_ns for part in parts] == times  # not done again


def test_splits_are_those_of_aves_files(program, media, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    shutil.copytree(media, folder)
    line = (folder / "Annotations.txt").read_text().splitlines()
    (folder / "trainSet.txt").write_text(line[1] + "\n")
    (folder / "testSet.txt").write_text(line[0] + "\n")
    assert program(EXTRACT, folder, "--out", out).returncode == 0
    assert [open_set(out, split).ids for split in ("train", "test")] == [["clip01"], ["clip00"]]


def test_folders_that_cannot_be_extracted_say_why(program, tmp_path):
    (tmp_path / "bad.mp4").write_text("no film")
    for words, message in (
        ([tmp_path / "none"], "no such folder"),
        ([tmp_path, "--features", "vgg"], "need --weights"),
        ([tmp_path], "no file could be read"),
    ):
        done = program(EXTRACT, *words, "--out", tmp_path / "out")
        assert done.returncode == 2
        assert message in done.stderr.splitlines()[-1]


def test_annotations_are_read_and_cut(tmp_path):
    path = tmp_path / "Annotations.txt"
    path.write_text("Category&VideoID&Quality&StartTime&EndTime\nBark&a&good&3&12\n")
    spans = annotation.read(path)
    assert spans == {"a": (AVE_CLASSES.index("Bark"), 3, 12)}
    bark = spans["a"][0]
    np.testing.assert_array_equal(annotation.labels_of(spans["a"], 0, 5), [28, 28, 28, bark, bark])
    np.testing.assert_array_equal(annotation.labels_of(spans["a"], 10, 4), [bark, bark, 28, 28])
    np.testing.assert_array_equal(annotation.labels_of(None, 0, 2), [28, 28])
    path.write_text("Bork&a&good&3&12\n")
    with pytest.raises(SemcomError, match="line 1: category 'Bork'"):
        annotation.read(path)
