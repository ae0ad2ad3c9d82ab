# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""apps/extract_features.py and apps/make_media.py: folders of files to the AVE layout."""

import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import run_program, start_program
from gnuradio.semcom.base.programs import Stopped
from gnuradio.semcom.data import ave_text, extraction, open_set
from gnuradio.semcom.data.clipset import AVE_CLASSES, BACKGROUND
from gnuradio.semcom.perception.features import extractor
from gnuradio.semcom.perception.windows import MediaWindows

EXTRACT, MAKE = "apps/extract_features.py", "apps/make_media.py"


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    """Two drawn clips with their Annotations.txt."""
    folder = tmp_path_factory.mktemp("drawn")
    done = run_program(MAKE, "--out", folder, "--clips", 2, "--seed", 3)
    assert done.returncode == 0, done.stderr
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
    windows = list(MediaWindows([media / "clip00.mp4"], extractor("world"), length=6))
    np.testing.assert_allclose(clips.audio(0), windows[0].audio, atol=1e-4)
    np.testing.assert_allclose(clips.visual(1)[:4], windows[1].visual, rtol=2e-3, atol=2e-3)
    assert clips.audio(1).shape == (6, 128) and clips.visual(1).shape == (6, 5, 5, 128)


def test_a_file_that_fails_is_named_and_the_others_go_on(program, media, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    shutil.copytree(media, folder)
    (folder / "bad.mp4").write_text("no film")
    (folder / "empty.mkv").touch()
    done = program(EXTRACT, folder, "--out", out)
    assert done.returncode == 1, done.stderr
    assert "2 of 4 files were left out" in done.stdout
    assert "bad.mp4: cannot be read" in done.stdout and "empty.mkv: empty" in done.stdout
    assert len(open_set(out, "test")) == 2
    parts = sorted((out / "parts").glob("*.npz"))
    times = [part.stat().st_mtime_ns for part in parts]
    again = program(EXTRACT, folder, "--out", out)
    assert again.returncode == 1 and len(parts) == 2
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
        ([tmp_path, "--features", "vgg"], "give --weights"),
        ([tmp_path], f"no file could be extracted ({tmp_path}/bad.mp4: cannot be read as media"),
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


@pytest.fixture(scope="module")
def features(media, tmp_path_factory):
    """The file of features of the clip of which all films are copies."""
    folder = tmp_path_factory.mktemp("features")
    (job,) = extraction.jobs(media, [media / "clip00.mp4"], folder, "world", None, 10)
    extraction.extract(job)
    return job.part


@pytest.fixture
def extracted(program, features):
    """Extracts a folder of films; their features lie there already, as after a stop."""

    def extract(folder, out, *words):
        paths, _ = extraction.media_files(folder)
        for job in extraction.jobs(folder, paths, out, "world", None, 10):
            job.part.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(features, job.part)
        done = program(EXTRACT, folder, "--out", out, "--workers", "1", *words)
        assert done.returncode == 0, done.stderr
        return done

    return extract


BARK, TRUCK = AVE_CLASSES.index("Bark"), AVE_CLASSES.index("Truck")


def test_a_film_annotated_twice_gives_two_clips(films, tmp_path, extracted):
    rows = "Category&VideoID&Quality&StartTime&EndTime\nBark&a&good&0&1\nTruck&a&good&1&3\n"
    folder = films(tmp_path / "in", ["a.mp4"], Annotations=rows, testSet=rows)
    extracted(folder, tmp_path / "set")
    clips = open_set(tmp_path / "set", "test")
    assert [clips.labels(i)[:4].tolist() for i in range(len(clips))] == [
        [BARK, 28, 28, 28], [28, TRUCK, TRUCK, 28]
    ]  # fmt: skip
    assert clips.ids == ["a", "a"]  # of one film
    np.testing.assert_array_equal(clips.audio(0), clips.audio(1))


def test_rows_of_one_film_may_be_in_two_splits(films, tmp_path, extracted):
    one, other = "Bark&a&good&0&1\n", "Truck&a&good&1&3\n"
    texts = {"Annotations": one + other, "trainSet": other, "testSet": one}
    folder = films(tmp_path / "in", ["a.mp4"], **texts)
    extracted(folder, tmp_path / "set", "--seconds", "5")
    train, test = (open_set(tmp_path / "set", split) for split in ("train", "test"))
    assert train.labels(0).tolist() == [28, TRUCK, TRUCK, 28, 28]
    assert test.labels(0).tolist() == [BARK, 28, 28, 28, 28]
    assert (train.ids, test.ids) == (["a", "a 1"], ["a"])  # a window without events is in one split


def test_films_of_one_name_in_two_folders_are_two(program, films, tmp_path, extracted):
    rows = "Bark&x/a&good&0&2\nTruck&y/a&good&3&5\nBark&b&good&0&1\n"
    names = ["x/a.mp4", "y/a.mp4", "y/b.mp4"]
    extracted(films(tmp_path / "in", names, Annotations=rows), tmp_path / "set")
    clips = open_set(tmp_path / "set", "test")
    assert clips.ids == ["x/a", "y/a", "b"]
    assert [int(clips.labels(i)[0]) for i in range(3)] == [BARK, 28, BARK]
    (tmp_path / "in" / "Annotations.txt").write_text("Bark&b&good&0&1\nBark&a&good&0&2\n")
    done = program(EXTRACT, tmp_path / "in", "--out", tmp_path / "other")
    assert done.returncode == 2
    assert "line 2 of the annotations: 'a' may be x/a or y/a" in done.stderr.splitlines()[-1]


def test_titles_with_the_separator_are_read_back(films, tmp_path, extracted):
    names = ["Salt & Pepper.mp4", "Bark1.mp4", "two\nlines.mp4", "100 %26.mp4"]
    folder = films(tmp_path / "in", names, Annotations="Bark&Bark1&good&0&2\n")
    extracted(folder, tmp_path / "set")
    clips = open_set(tmp_path / "set", "test")
    assert sorted(clips.ids) == ["100 %26", "Bark1", "Salt & Pepper", "two\nlines"]
    assert clips.labels(clips.ids.index("Bark1")).tolist() == [BARK] * 2 + [28] * 8


def test_categories_of_ones_own_become_classes(films, tmp_path, extracted):
    rows = "Door knock&a&good&0&2\nBark&b&good&1&2\n"
    folder = films(tmp_path / "in", ["a.mp4", "b.mp4"], Annotations=rows)
    done = extracted(folder, tmp_path / "set")
    assert "classes: Door knock, Bark, background" in done.stdout
    assert "'Door knock' (line 1) is not a category of AVE" in done.stdout
    clips = open_set(tmp_path / "set", "test")
    assert clips.classes == ("Door knock", "Bark", "background")
    assert clips.labels(0).tolist() == [0, 0] + [2] * 8
    assert clips.labels(1).tolist() == [2, 1] + [2] * 8


def test_rows_that_cannot_be_read_are_told_before_the_work(program, films, tmp_path):
    folder = films(tmp_path / "in", ["a.mp4"], Annotations="Bark&a&good&0&1\nBark&a&good&1&\n")
    done = program(EXTRACT, folder, "--out", tmp_path / "set")
    assert done.returncode == 2 and not list((tmp_path / "set").rglob("*.npz"))
    assert "Annotations.txt: line 2: end is ''" in done.stderr.splitlines()[-1]


def test_a_row_behind_the_end_of_its_film_is_told(films, tmp_path, extracted):
    rows = "Bark&a&good&2&4\nBark&a&good&40&45\n"
    folder = films(tmp_path / "in", ["a.mp4"], Annotations=rows)
    done = extracted(folder, tmp_path / "set")
    assert "line 2 of the annotations: begins at 40 s, behind the end of a.mp4" in done.stdout
    assert len(open_set(tmp_path / "set", "test")) == 1


def test_a_split_of_another_release_is_refused(program, films, tmp_path):
    texts = {"Annotations": "Bark&a&good&2&4\n", "testSet": "Bark&a&good&2&5\n"}
    done = program(EXTRACT, films(tmp_path / "in", ["a.mp4"], **texts), "--out", tmp_path / "set")
    assert done.returncode == 2
    assert "testSet.txt: line 1: Bark of 'a' from 2 to 5 s is not a row" in done.stderr


def test_a_name_as_long_as_can_be_is_extracted(films, tmp_path, extracted):
    name = 246 * "n"
    extracted(films(tmp_path / "in", [f"{name}.mp4"]), tmp_path / "set")
    assert open_set(tmp_path / "set", "test").ids == [name]


def test_names_of_any_bytes_and_what_is_no_media_are_told(films, tmp_path, extracted):
    folder, odd = films(tmp_path / "in", ["a.mp4", "b.OPUS"]), b"lat\xe9in"
    os.rename(folder / "b.OPUS", os.fsencode(folder) + b"/" + odd + b".OPUS")
    (folder / "Annotations.txt").write_text("Bark&lat\\xe9in&good&0&2\n")
    for name in ("._a.mp4", "notes.txt", "more.txt", "thumbs.db", "noext"):
        (folder / name).write_bytes(b"no film")
    (folder / "gone.mp4").symlink_to("nowhere")
    os.mkfifo(folder / "pipe.mp4")
    (folder / "linked").symlink_to(tmp_path)
    done = extracted(folder, tmp_path / "set")
    lines = done.stdout[done.stdout.index("not read:") :].splitlines()[1:]
    assert sorted(line.strip().replace(f"{folder}/", "") for line in lines) == [
        "1 files ._*, in which macOS stores metadata of other files",
        "files whose suffixes are not those of media files: .db 1, .txt 2, without one 1",
        "gone.mp4: not a file, or a link to a missing file",
        "linked: a link to a folder, not followed",
        "pipe.mp4: not a file, or a link to a missing file",
    ]
    clips = open_set(tmp_path / "set", "test")
    assert sorted(clips.ids) == ["a", "lat\\xe9in"]
    assert clips.labels(clips.ids.index("lat\\xe9in")).tolist() == [BARK] * 2 + [28] * 8


def test_ids_stay_unique_whatever_the_bytes():
    names = [b"\xe9.mp4", b"\\xe9.mp4", b"a/x.mp4", b"b/x.mp4", b"x.mkv"]
    paths = [Path(os.fsdecode(b"/in/" + name)) for name in names]
    ids = extraction.film_ids(Path("/in"), paths)
    assert len(set(ids)) == 5 and all(name.encode() for name in ids)


def test_what_is_read_is_not_written_over(program, films, tmp_path):
    folder = films(tmp_path / "in", ["a.mp4"], Annotations="Bark&a&bad&0&2\n")
    (tmp_path / "link").symlink_to(folder)
    for out in (folder, tmp_path / "link"):
        done = program(EXTRACT, folder, "--out", out)
        assert done.returncode == 2 and "holds files that are read" in done.stderr
    assert (folder / "Annotations.txt").read_text() == "Bark&a&bad&0&2\n"
    done = program(MAKE, "--out", folder, "--clips", 1)
    assert done.returncode == 2 and "has rows of other films (a)" in done.stderr
    assert (folder / "Annotations.txt").read_text() == "Bark&a&bad&0&2\n"


def test_files_of_others_among_the_parts_stay(tmp_path):
    parts = tmp_path / "parts"
    parts.mkdir()
    for name in ("film-0123456789abcdef.npz", ".semcom-0123.npz", "mine.npz", "thesis.tex"):
        (parts / name).touch()
    extraction.remove_parts(tmp_path)
    assert sorted(path.name for path in parts.iterdir()) == ["mine.npz", "thesis.tex"]
    for path in parts.iterdir():
        path.unlink()
    extraction.remove_parts(tmp_path)
    assert not parts.exists()


def test_a_stop_ends_the_workers_and_the_same_command_goes_on(program, films, tmp_path):
    folder, out = films(tmp_path / "in", [f"f{i}.mp4" for i in range(12)]), tmp_path / "out"
    process = start_program(EXTRACT, folder, "--out", out, "--workers", "1")
    wait_until(lambda: len(list(out.glob("parts/*.npz"))) >= 2)
    children = set(map(int, children_of(process.pid)))
    process.terminate()
    _, complaint = process.communicate(timeout=120)
    assert process.returncode == 128 + signal.SIGTERM, complaint
    assert complaint.splitlines()[-1].endswith("continues with the remaining files")
    assert "Traceback" not in complaint and children
    wait_until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))
    kept = {path: path.stat().st_mtime_ns for path in out.glob("parts/*-*.npz")}
    assert 2 <= len(kept) < 12
    bad = folder / "bad.mp4"
    bad.write_text("no film")  # so that the parts stay
    assert program(EXTRACT, folder, "--out", out, "--workers", "1").returncode == 1
    assert kept.items() <= {p: p.stat().st_mtime_ns for p in out.glob("parts/*-*.npz")}.items()
    assert len(open_set(out, "test")) == 12


def wait_until(holds, timeout_s=90.0):
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, f"nothing after {timeout_s} s"
        time.sleep(0.05)


def children_of(process: int) -> list:
    return Path(f"/proc/{process}/task/{process}/children").read_text().split()


def test_a_stop_leaves_the_rows_of_the_clips_that_are_there(tmp_path):
    process = start_program(MAKE, "--out", tmp_path, "--clips", "50")
    wait_until(lambda: (tmp_path / "clip01.mp4").exists())
    process.send_signal(signal.SIGHUP)
    _, complaint = process.communicate(timeout=120)
    assert process.returncode == 128 + signal.SIGHUP and "Traceback" not in complaint
    rows = ave_text.read(tmp_path / "Annotations.txt")
    clips = sorted(path.stem for path in tmp_path.glob("clip*.mp4"))
    assert [row.film for row in rows] == clips and len(clips) >= 2


def test_a_stop_just_after_a_clip_was_written_keeps_its_row(tmp_path, monkeypatch):
    """And one while the next is drawn anew leaves no row of another clip."""
    from gnuradio.semcom.cli import make_media
    from gnuradio.semcom.data import composition

    write, written = composition.write_clip, []

    def stopped(path, *clip, **options):
        written.append(path)
        if len(written) == 2:
            write(path, *clip, **options)
        raise Stopped(signal.SIGTERM)

    monkeypatch.setattr(composition, "write_clip", stopped)
    for seed, films in ((1, []), (2, ["clip00"]), (3, [])):
        with pytest.raises(Stopped):
            make_media.run(["--out", str(tmp_path), "--clips", "1", "--seed", str(seed)])
        rows = tmp_path / "Annotations.txt"
        assert [path.stem for path in tmp_path.glob("*.mp4")] == films
        assert [row.film for row in ave_text.read(rows)] == films if films else not rows.exists()


def test_rows_that_name_no_film_are_told(program, films, tmp_path):
    folder = films(tmp_path / "in", ["a.mp4", "b.mp4"])
    texts = tmp_path / "texts"
    words = [EXTRACT, folder, "--out", tmp_path / "set", "--annotations", texts]
    done = program(*words)
    assert done.returncode == 2 and "has none of Annotations.txt, trainSet.txt" in done.stderr
    texts.mkdir()
    (texts / "Annotations.txt").write_text("Bark&a.mp4&good&0&2\n\nBark&A&good&0&2\n")
    done = program(*words)
    assert done.returncode == 2
    assert "2 of 2 rows of the annotations name no film, the first one 'a.mp4' (line 1)" in (
        told := done.stderr.splitlines()[-1]
    )
    assert told.endswith("names without suffix, here 'a', 'b'")
    (texts / "Annotations.txt").write_text("Bark&a&good&0&2\n\nBark&gone&good&0&2\n")
    done = program(*words)
    assert done.returncode == 0, done.stderr
    assert "1 of 2 rows of the annotations name no film, the first one 'gone' (line 3)" in (
        done.stdout
    )
