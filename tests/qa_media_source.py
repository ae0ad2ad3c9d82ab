# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Sources of features from media through the scheduler."""

import wave

import numpy as np
import pytest
from gnuradio import blocks, gr, semcom
from gnuradio.semcom.blocks.guard import BlockError
from gnuradio.semcom.blocks.media_source import shared_store
from gnuradio.semcom.data.composition import compose, random_script, write_clip
from gnuradio.semcom.data.material_drawn import DrawnMaterial
from gnuradio.semcom.media.sources import MediaSource
from gnuradio.semcom.perception.features import extractor
from gnuradio.semcom.perception.windows import MediaWindows
from qa_frame_block import tags_of

CELLS = 5 * 5 * 128


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A drawn clip of 10 s as a file."""
    material, rng = DrawnMaterial(), np.random.default_rng(6)
    path = tmp_path_factory.mktemp("media") / "clip.mp4"
    write_clip(path, *compose(rng, material, random_script(rng, material.events())))
    return path


def sent(run_flowgraph, source, sizes=(128, CELLS)):
    """What a source of features sends, [items, size] of each port, and its tags."""
    top, sinks = gr.top_block(), [blocks.vector_sink_f(size) for size in sizes]
    for port, sink in enumerate(sinks):
        top.connect((source, port), sink)
    run_flowgraph(top)
    vectors = [np.array(s.data()).reshape(-1, n) for s, n in zip(sinks, sizes, strict=True)]
    return vectors, [tags_of(sink) for sink in sinks]


def test_windows_come_as_frames(run_flowgraph, clip):
    shared_store("pictures").watch()
    source = semcom.media_source([clip, str(clip)], length=6, store="pictures")
    vectors, tags = sent(run_flowgraph, source)
    assert tags == [[(0, 0, 6), (6, 1, 4), (10, 2, 6), (16, 3, 4)]] * 2
    assert source.places == [(str(clip), start, n) for start, n in [(0, 6), (6, 4)] * 2]
    windows = list(MediaWindows([clip, clip], extractor("world"), length=6))
    expected = np.concatenate([window.audio for window in windows])
    np.testing.assert_allclose(vectors[0], expected, atol=1e-5)
    expected = np.concatenate([window.visual.reshape(-1, CELLS) for window in windows])
    np.testing.assert_allclose(vectors[1], expected, atol=1e-5)
    kept = shared_store("pictures").window(1)
    np.testing.assert_array_equal(kept.seconds[0].pictures, windows[1].seconds[0].pictures)


def test_a_second_start_begins_anew(run_flowgraph, clip):
    source = semcom.media_source(clip, takes=("audio",))
    top, sink = gr.top_block(), blocks.vector_sink_f(128)
    top.connect(source, sink)
    for _ in range(2):
        run_flowgraph(top)
    values = np.array(sink.data()).reshape(2, 10, 128)
    np.testing.assert_array_equal(values[0], values[1])
    assert source.sent == 1


def test_sliding_frames_are_the_last_seconds(run_flowgraph, clip):
    source = semcom.media_source(clip, length=3, sliding=True, frames=5)
    vectors, tags = sent(run_flowgraph, source)
    assert tags[0] == [(0, 0, 1), (1, 1, 2), (3, 2, 3), (6, 3, 3), (9, 4, 3)]
    np.testing.assert_array_equal(vectors[0][3:6][1:], vectors[0][6:9][:2])
    np.testing.assert_array_equal(vectors[1][6:9][1:], vectors[1][9:12][:2])


def test_a_file_that_cannot_be_read_ends_the_flowgraph(run_flowgraph, clip, tmp_path):
    bad = tmp_path / "bad.mp4"
    bad.write_text("no film")
    with pytest.raises(BlockError, match="bad.mp4: cannot be read as media"):
        sent(run_flowgraph, semcom.media_source([clip, bad]))


def test_a_wav_file_source_gives_the_features_of_the_file(run_flowgraph, clip, tmp_path):
    sound = np.concatenate([second.sound for second in MediaSource(clip)])
    whole = (sound * 32767).astype("<i2")
    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(np.concatenate([whole, whole[:7000]]).tobytes())
    source, features = blocks.wavfile_source(str(path), False), semcom.sound_features(length=5)
    top, sink = gr.top_block(), blocks.vector_sink_f(128)
    top.connect(source, features, sink)
    run_flowgraph(top)
    values = np.array(sink.data()).reshape(-1, 128)
    assert tags_of(sink) == [(0, 0, 5), (5, 1, 5)]  # what is left fills no frame
    seconds = (whole / np.float32(32768)).astype(np.float32).reshape(10, 16000)
    np.testing.assert_allclose(values, extractor("world").audio(seconds), atol=1e-3)
