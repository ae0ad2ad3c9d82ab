# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""AVE's text files: the reader, the writer, and the truth of films beside them."""

import numpy as np
import pytest
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.data import ave_text
from gnuradio.semcom.data.ave_text import Annotation, Truths, labels_of
from gnuradio.semcom.data.clipset import AVE_CLASSES

HEADER = "Category&VideoID&Quality&StartTime&EndTime"
BARK, TRUCK = AVE_CLASSES.index("Bark"), AVE_CLASSES.index("Truck")


@pytest.fixture
def read(tmp_path):
    """Rows of a file that holds some text."""

    def rows(text, encoding="utf-8"):
        path = tmp_path / "Annotations.txt"
        path.write_bytes(text.encode(encoding))
        return ave_text.read(path)

    return rows


def test_each_row_is_read_with_its_line(read):
    text = f"{HEADER}\r\nBark&a&good&3&12\r\n\r\nTruck & a & bad & 0 & 4 "
    assert read(text) == [Annotation("Bark", "a", 3, 12, 2), Annotation("Truck", "a", 0, 4, 4)]
    assert read("\ufeff" + text) == read(text)  # of an editor that marks UTF-8
    assert read("") == []


def test_parts_of_seconds_reach_to_whole_ones(read):
    (row,) = read("Bark&a&good&0.5&2.0\n")
    assert (row.start, row.end) == (0, 2)
    (row,) = read("Bark&a&good&2.0&2.1\n")
    assert (row.start, row.end) == (2, 3)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Bark&a&good&0&1\nBark&a&good&x&2", "line 2: start is 'x', expected seconds"),
        ("Bark&a&good&0&", "line 1: end is ''"),
        ("Bark&a&good&-1&2", "line 1: start is '-1'"),
        ("Bark&a&good&nan&2", "line 1: start is 'nan'"),
        ("Bark&a&good&0&1e9", "line 1: end is '1e9'"),
        ("Bark&a&good&3&2", "line 1: ends at 2 s, before it starts at 3 s"),
        ("Bark&a & b&good&0&2", "line 1: 6 fields, expected category&id"),
        ("a&b", "line 1: 2 fields"),
        ("&a&good&0&2", "line 1: no category"),
        ("Bark&&good&0&2", "line 1: no id"),
        (f"Bark&a&good&0&2\n{HEADER}", "line 2: start is 'StartTime'"),
        ("Category&VideoID&Quality&Begin&End", "line 1: start is 'Begin'"),
    ],
)
def test_a_line_that_is_no_row_is_named(read, text, says):
    with pytest.raises(SemcomError, match=says) as caught:
        read(text)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_text_are_told(read, tmp_path):
    with pytest.raises(SemcomError, match="not UTF-8 at byte 1; save it as UTF-8"):
        read("\xe9\xe9t\xe9&a&good&0&2".replace("\xe9", "e", 1), "latin-1")
    with pytest.raises(SemcomError, match="No such file"):
        ave_text.read(tmp_path / "none")


NAMES = ["plain", "Salt & Pepper", "100 %", "%26", "a%2526", "two\nlines\r", " spaces ", "\t",
         "%20", "%", "%09 ", "\u2028 \x85", " % & "]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_read_back(read, name):
    (row,) = read(ave_text.write_row(name, name[::-1], 2, 5))
    assert row.key == (name, name[::-1], 2, 5)


def test_random_names_are_read_back(read):
    rng = np.random.default_rng(0)
    names = ["".join(rng.choice(list("%&2560ADa \t\n\r"), rng.integers(1, 9))) for _ in range(500)]
    rows = read("\n".join(ave_text.write_row("Bark", name, 0, 1) for name in names))
    assert [row.film for row in rows] == names


def test_labels_are_those_of_the_rows():
    row = Annotation("Bark", "a", 3, 12)
    assert labels_of([row], 0, 5).tolist() == [28, 28, 28, BARK, BARK]
    assert labels_of([row], 10, 4).tolist() == [BARK, BARK, 28, 28]
    assert labels_of([], 0, 2).tolist() == [28, 28]
    overlapping = [row, Annotation("Truck", "a", 2, 5)]
    assert labels_of(overlapping, 1, 5).tolist() == [28, TRUCK, BARK, BARK, BARK]


def test_classes_are_aves_or_the_rows():
    bark, background = Annotation("Bark", "a", 0, 1), Annotation("background", "b", 0, 0)
    assert ave_text.classes_of([bark, background]) == AVE_CLASSES
    own = [Annotation("Knock", "a", 0, 1), bark, background]
    assert ave_text.classes_of(own) == ("Knock", "Bark", "background")
    assert ave_text.foreign(own) is own[0] and ave_text.foreign([bark]) is None


def test_truth_stands_beside_the_file(tmp_path):
    text = "Flute&a&good&9&12\nBark&a&good&0&1\nBark&other&good&0&1\n"
    (tmp_path / "Annotations.txt").write_text(text)
    films = [str(tmp_path / "a.mp4"), str(tmp_path / "b.mp4"), "v4l2:/dev/video0"]
    truths = Truths(films)
    assert truths.of(films[0], 10, 3) == ["Flute", "Flute", "background"]
    assert truths.of(films[0], 0, 2) == ["Bark", "background"]
    assert [truths.of(name, 0, 3) for name in films[1:]] == [None, None]
    assert truths.notes == []


def test_the_truth_of_a_film_with_other_categories_is_not_known(tmp_path):
    (tmp_path / "Annotations.txt").write_text("Bark&b&good&0&1\nDoor knock&a&good&0&2\n")
    truths = Truths([tmp_path / "a.mp4", tmp_path / "b.mp4"])
    assert truths.labels(tmp_path / "a.mp4", 0, 3) is None
    assert truths.of(tmp_path / "b.mp4", 0, 2) == ["Bark", "background"]
    (note,) = truths.notes
    assert "line 2: 'Door knock' is not a class of the system" in note and "1 of 2 films" in note


def test_annotations_that_cannot_be_read_are_told_at_once(tmp_path):
    (tmp_path / "Annotations.txt").write_text("Bark&a&good&0&\n")
    with pytest.raises(SemcomError, match="line 1: end is ''"):
        Truths([tmp_path / "a.mp4"])
