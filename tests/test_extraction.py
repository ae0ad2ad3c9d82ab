# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""apps/extract_features.py and apps/make_media.py: folders of files to the AVE layout."""

import shutil

import numpy as np
import pytest
from gnuradio.semcom.data import ave_text, open_set
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
    rows = ave_text.read(media / "Annotations.txt")
    truth = ave_text.labels_of(rows[:1], 0, 10)
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


@pytest.fixture(scope="module")
def films(media):
    """Writes a folder of films, all the same drawn clip, with text files: name -> content."""

    def write(folder, films, **texts):
        for film in films:
            (folder / film).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(media / "clip00.mp4", folder / film)
        for name, text in texts.items():
            (folder / f"{name}.txt").write_text(text, encoding="utf-8")
        return folder

    return write


def extracted(program, folder, out, *words):
    done = program(EXTRACT, folder, "--out", out, "--workers", "1", *words)
    assert done.returncode == 0, done.stderr
    return done


BARK, TRUCK = AVE_CLASSES.index("Bark"), AVE_CLASSES.index("Truck")


def test_a_film_annotated_twice_gives_two_clips(program, films, tmp_path):
    rows = "Category&VideoID&Quality&StartTime&EndTime\nBark&a&good&0&1\nTruck&a&good&1&3\n"
    folder = films(tmp_path / "in", ["a.mp4"], Annotations=rows, testSet=rows)
    extracted(program, folder, tmp_path / "set")
    clips = open_set(tmp_path / "set", "test")
    assert [clips.labels(i)[:4].tolist() for i in range(len(clips))] == [
        [BARK, 28, 28, 28], [28, TRUCK, TRUCK, 28]
    ]  # fmt: skip
    assert clips.ids == ["a", "a"]  # of one film
    np.testing.assert_array_equal(clips.audio(0), clips.audio(1))


def test_rows_of_one_film_may_be_in_two_splits(program, films, tmp_path):
    one, other = "Bark&a&good&0&1\n", "Truck&a&good&1&3\n"
    texts = {"Annotations": one + other, "trainSet": other, "testSet": one}
    folder = films(tmp_path / "in", ["a.mp4"], **texts)
    extracted(program, folder, tmp_path / "set", "--seconds", "5")
    train, test = (open_set(tmp_path / "set", split) for split in ("train", "test"))
    assert train.labels(0).tolist() == [28, TRUCK, TRUCK, 28, 28]
    assert test.labels(0).tolist() == [BARK, 28, 28, 28, 28]
    assert (train.ids, test.ids) == (["a", "a 1"], ["a"])  # a window without events is in one split


def test_films_of_one_name_in_two_folders_are_two(program, films, tmp_path):
    rows = "Bark&x/a&good&0&2\nTruck&y/a&good&3&5\nBark&b&good&0&1\n"
    names = ["x/a.mp4", "y/a.mp4", "y/b.mp4"]
    extracted(program, films(tmp_path / "in", names, Annotations=rows), tmp_path / "set")
    clips = open_set(tmp_path / "set", "test")
    assert clips.ids == ["x/a", "y/a", "b"]
    assert [int(clips.labels(i)[0]) for i in range(3)] == [BARK, 28, BARK]
    (tmp_path / "in" / "Annotations.txt").write_text("Bark&b&good&0&1\nBark&a&good&0&2\n")
    done = program(EXTRACT, tmp_path / "in", "--out", tmp_path / "other")
    assert done.returncode == 2
    assert "line 2 of the annotations: 'a' may be x/a or y/a" in done.stderr.splitlines()[-1]


def test_titles_with_the_separator_are_read_back(program, films, tmp_path):
    names = ["Salt & Pepper.mp4", "Bark1.mp4", "two\nlines.mp4", "100 %26.mp4"]
    folder = films(tmp_path / "in", names, Annotations="Bark&Bark1&good&0&2\n")
    extracted(program, folder, tmp_path / "set")
    clips = open_set(tmp_path / "set", "test")
    assert sorted(clips.ids) == ["100 %26", "Bark1", "Salt & Pepper", "two\nlines"]
    assert clips.labels(clips.ids.index("Bark1")).tolist() == [BARK] * 2 + [28] * 8


def test_categories_of_ones_own_become_classes(program, films, tmp_path):
    rows = "Door knock&a&good&0&2\nBark&b&good&1&2\n"
    folder = films(tmp_path / "in", ["a.mp4", "b.mp4"], Annotations=rows)
    done = extracted(program, folder, tmp_path / "set")
    assert "classes: Door knock, Bark, background" in done.stdout
    assert "'Door knock' (line 1) is none of AVE's" in done.stdout
    clips = open_set(tmp_path / "set", "test")
    assert clips.classes == ("Door knock", "Bark", "background")
    assert clips.labels(0).tolist() == [0, 0] + [2] * 8
    assert clips.labels(1).tolist() == [2, 1] + [2] * 8


def test_rows_that_cannot_be_read_are_told_before_the_work(program, films, tmp_path):
    folder = films(tmp_path / "in", ["a.mp4"], Annotations="Bark&a&good&0&1\nBark&a&good&1&\n")
    done = program(EXTRACT, folder, "--out", tmp_path / "set")
    assert done.returncode == 2 and not list((tmp_path / "set").rglob("*.npz"))
    assert "Annotations.txt: line 2: end is ''" in done.stderr.splitlines()[-1]


def test_a_row_behind_the_end_of_its_film_is_told(program, films, tmp_path):
    rows = "Bark&a&good&2&4\nBark&a&good&40&45\n"
    folder = films(tmp_path / "in", ["a.mp4"], Annotations=rows)
    done = extracted(program, folder, tmp_path / "set")
    assert "line 2 of the annotations: begins at 40 s, behind the end of a.mp4" in done.stdout
    assert len(open_set(tmp_path / "set", "test")) == 1


def test_a_split_of_another_release_is_refused(program, films, tmp_path):
    texts = {"Annotations": "Bark&a&good&2&4\n", "testSet": "Bark&a&good&2&5\n"}
    done = program(EXTRACT, films(tmp_path / "in", ["a.mp4"], **texts), "--out", tmp_path / "set")
    assert done.returncode == 2
    assert "testSet.txt: line 1: Bark of 'a' from 2 to 5 s is no row" in done.stderr


def test_a_name_as_long_as_can_be_is_extracted(program, films, tmp_path):
    name = 246 * "n"
    extracted(program, films(tmp_path / "in", [f"{name}.mp4"]), tmp_path / "set")
    assert open_set(tmp_path / "set", "test").ids == [name]
