# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Arrays of HDF5 files that are not what they should be: the true cause and the remedy, at once."""

import fcntl
import os

import h5py
import numpy as np
import pytest
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.data.arrays import KEY, MOST, Array
from gnuradio.semcom.data.ave import AveSet
from gnuradio.semcom.data.synthetic import write

AXES = ("clips", "d")
VALUES = np.arange(6.0).reshape(2, 3)
UNKNOWN = 32001  # number of the filter blosc, which HDF5 does not bring


@pytest.fixture
def path(tmp_path):
    return tmp_path / "features.h5"


def refused(path, *words, read=None):
    """The file is refused, when it is opened or read, in one line that names it."""
    with pytest.raises(SemcomError) as caught:
        array = Array(path, AXES)
        (read or Array.whole)(array)
    for word in (str(path), *words):
        assert word in str(caught.value)


@pytest.mark.parametrize("key", [KEY, "only"])
def test_an_array_is_read_whole_and_by_rows(path, key):
    with h5py.File(path, "w") as file:
        file[key] = VALUES
        if key == KEY:
            file["other"] = VALUES[0]
    array = Array(path, AXES)
    assert array.shape == (2, 3) and array.dtype == np.float64
    np.testing.assert_array_equal(array.whole(), VALUES)
    np.testing.assert_array_equal(array.row(1), VALUES[1])


def test_links_are_followed(path):
    with h5py.File(path.with_name("other.h5"), "w") as file:
        file["x/y"] = VALUES
    with h5py.File(path, "w") as file:
        file[KEY] = h5py.ExternalLink("other.h5", "/x/y")
    np.testing.assert_array_equal(Array(path, AXES).whole(), VALUES)


@pytest.mark.parametrize(
    ("link", "words"),
    [
        (h5py.SoftLink("/nowhere"), ["a link to /nowhere, which is not in the file"]),
        (h5py.ExternalLink("gone.h5", "/x"), ["a link to /x in the file gone.h5", "copy that"]),
        (h5py.SoftLink(f"/{KEY}"), [f"a link to /{KEY}"]),
    ],
)
def test_links_to_nothing_are_named(path, link, words):
    with h5py.File(path, "w") as file:
        file[KEY] = link
    refused(path, *words)


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda file: file.create_group(KEY), ["expected 'avadataset' or a single array"]),
        (lambda file: None, ["keys []"]),
        (lambda file: file.create_dataset(KEY, data=h5py.Empty("f4")), ["shape ()"]),
        (lambda file: file.create_dataset(KEY, data=VALUES * 1j), ["holds complex128"]),
        (lambda file: file.create_dataset(KEY, data="x"), ["holds object"]),
        (lambda file: file.create_dataset(KEY, data=VALUES > 0), ["holds bool"]),
        (lambda file: file.create_dataset(KEY, data=VALUES[0]), ["shape (3,)", "[clips, d]"]),
    ],
)  # fmt: skip
def test_arrays_of_another_kind_are_told(path, write, words):
    with h5py.File(path, "w") as file:
        write(file)
    refused(path, *words)


def test_a_filter_that_is_missing_is_told_before_anything_is_read(path):
    with h5py.File(path, "w") as file:
        made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        made.set_chunk((1, 3))
        made.set_filter(UNKNOWN, h5py.h5z.FLAG_OPTIONAL)
        space = h5py.h5s.create_simple((2, 3))
        h5py.h5d.create(file.id, KEY.encode(), h5py.h5t.IEEE_F32LE, space, made)
    refused(path, f"compressed by filter {UNKNOWN}", "h5repack", read=lambda array: None)


def spoil_chunk(path, shape):
    """A gzipped array whose second row does not decompress."""
    values = np.random.default_rng(1).random(shape)
    with h5py.File(path, "w") as file:
        chunks = (1, *shape[1:])
        made = file.create_dataset(KEY, data=values, chunks=chunks, compression="gzip")
        at = made.id.get_chunk_info(1).byte_offset
    content = bytearray(path.read_bytes())
    content[at : at + 8] = b"\xff" * 8
    path.write_bytes(content)
    return values


def test_damaged_chunks_are_told_by_row(path):
    values = spoil_chunk(path, (2, 300))
    refused(path, "it cannot be read", "damaged; copy the file again")
    refused(path, "row 1 cannot be read", "damaged", read=lambda array: array.row(1))
    np.testing.assert_array_equal(Array(path, AXES).row(0), values[0])


@pytest.mark.parametrize("name", ["labels.h5", "test_order.h5", "mil_labels.h5"])
def test_damaged_labels_and_orders_are_one_line(tmp_path, name):
    write(tmp_path, 2)
    shape = {"test_order.h5": (2,), "labels.h5": (2, 10, 29), "mil_labels.h5": (2, 29)}[name]
    spoil_chunk(tmp_path / name, shape)
    if name != "test_order.h5":
        for other in ("audio_feature.h5", "visual_feature.h5"):
            with h5py.File(tmp_path / other, "r+") as file:
                rows = file[KEY][:2]
                del file[KEY]
                file[KEY] = rows
    if name == "mil_labels.h5":
        with h5py.File(tmp_path / "labels.h5", "w") as file:
            file[KEY] = np.eye(29)[np.zeros((2, 10), int)]
        with h5py.File(tmp_path / "test_order.h5", "w") as file:
            file["order"] = np.arange(2)
    with pytest.raises(SemcomError, match=f"{name}: it cannot be read .*: damaged"):
        AveSet(tmp_path, "test")


def test_a_huge_array_is_refused_before_memory_is_taken(path):
    with h5py.File(path, "w") as file:
        file.create_dataset(KEY, (1 << 40, 3), "f4", chunks=(1, 3))
    refused(path, f"at most {MOST}")
    assert Array(path, AXES).row(1 << 39).tolist() == [0, 0, 0]
    path = path.with_name("wide.h5")
    with h5py.File(path, "w") as file:
        file.create_dataset(KEY, (2, 1 << 40), "f4", chunks=(1, 3))
    refused(path, f"at most {MOST}", read=lambda array: array.row(0))


def test_features_beyond_float32_are_not_finite(tmp_path):
    write(tmp_path, 2)
    with h5py.File(tmp_path / "audio_feature.h5", "r+") as file:
        values = file[KEY][:].astype(np.float64)
        values[:, 0, 0] = 1e300
        del file[KEY]
        file[KEY] = values
    with pytest.raises(SemcomError, match="holds NaN or infinity"):
        AveSet(tmp_path, "test").audio(0)


def test_a_file_that_is_being_written_is_told(path):
    with h5py.File(path, "w") as file:
        file[KEY] = VALUES
    with open(path) as held:  # as HDF5 locks it
        fcntl.flock(held, fcntl.LOCK_EX)
        refused(path, "another program has it open for writing")


@pytest.mark.parametrize("place", ["file", "folder"])
def test_a_missing_right_is_told(path, place):
    with h5py.File(path, "w") as file:
        file[KEY] = VALUES
    spot = path if place == "file" else path.parent
    before, root = spot.stat().st_mode, os.geteuid() == 0
    spot.chmod(0)
    if root:
        os.seteuid(65534)
    try:
        refused(path, "you lack the right to read it")
    finally:
        if root:
            os.seteuid(0)
        spot.chmod(before)
