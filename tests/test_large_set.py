# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A set larger than memory: 40 GB of features, in files of which nothing was written (sparse)."""

import resource
import time

import h5py
import numpy as np
from gnuradio.semcom.data import AveSet, clipset
from gnuradio.semcom.run.runner import run_point
from gnuradio.semcom.run.scenario import Scenario
from gnuradio.semcom.weights.names import shipped

CLIPS = 80_000
SHAPES = {"audio": (CLIPS, 10, 128), "visual": (CLIPS, 10, 7, 7, 512)}


def sparse(path, shape, dtype) -> None:
    """An array whose place in the file is known, and empty."""
    made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    made.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    made.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    kind, space = h5py.h5t.py_create(np.dtype(dtype)), h5py.h5s.create_simple(shape)
    with h5py.File(path, "w") as file:
        h5py.h5d.create(file.id, b"avadataset", kind, space, made)


def test_it_starts_at_once_and_little_of_it_is_read(tmp_path):
    for name, shape in SHAPES.items():
        sparse(tmp_path / f"{name}_feature.h5", shape, np.float16)
    labels = np.zeros((CLIPS, 10, 29), np.int8)
    labels[:, :, 3] = 1
    with h5py.File(tmp_path / "labels.h5", "w") as file:
        file["avadataset"] = labels
    with h5py.File(tmp_path / "test_order.h5", "w") as file:
        file["order"] = np.arange(CLIPS)
    held = tmp_path / "visual_feature.h5"
    assert held.stat().st_size > 40e9 > 1e6 > 512 * held.stat().st_blocks
    del labels

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    clips = AveSet(tmp_path, "test")
    clipset.digest(clips)
    point = Scenario(data=str(tmp_path), frames=4, checkpoint=str(shipped("pilot_ave_plus")))
    record = run_point(point, clips)
    assert time.process_time() - began < 5
    assert record["clips"] == 4 and len(clips) == CLIPS
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 1e6  # [KiB] labels, blocks and network; not the features
