# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""SigMF recordings: through the scheduler bit for bit, by hand, foreign, spoilt, and cut off."""

import datetime
import hashlib
import json
import os
import re
import subprocess
import time

import numpy as np
import pytest
import sigmf
from gnuradio import blocks, gr, semcom
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.blocks.guard import BlockError
from gnuradio.semcom.protocol.recording import Recording, describe, record
from streams import complex_normal, stop
from test_bad_input import one_line

RATE, FREQUENCY = 2e6, 2.45e9
SETTINGS = {"symbol_rate": 5e5, "sps": 4, "layout": {"pilots": [0, 7], "guard": None}}


def samples(channels, count, seed=0):
    """[channels, count] with what a file must not change: NaN, infinity, denormals, -0."""
    x = complex_normal(np.random.default_rng(seed), channels, count)
    x[:, :4] = [np.nan + 1j, 1 - 1j * np.inf, 1e-40 + 1e-45j, complex(-0.0, 0.0)]
    return x


def recorded(run_flowgraph, x, path, **options):
    """Record the rows of x -> the sink, when all is done."""
    top, sink = gr.top_block(), semcom.sigmf_sink(path, len(x), RATE, **options)
    for port, row in enumerate(x):
        top.connect(blocks.vector_source_c(row), (sink, port))
    run_flowgraph(top)
    return sink


def replay(run_flowgraph, source, head=0):
    """[M, n]: what a source sends, at most ``head`` samples if it is given."""
    top = gr.top_block()
    sinks = [blocks.vector_sink_c() for _ in range(source.output_signature().min_streams())]
    for port, sink in enumerate(sinks):
        between = [blocks.head(gr.sizeof_gr_complex, head)] if head else []
        top.connect((source, port), *between, sink)
    run_flowgraph(top)
    return np.array([sink.data() for sink in sinks], np.complex64)


def assert_same_bits(ours, theirs):
    np.testing.assert_array_equal(ours.view(np.uint32), theirs.view(np.uint32))


@pytest.mark.parametrize("channels", [1, 2])
def test_values_come_back_bit_for_bit(run_flowgraph, tmp_path, channels):
    x = samples(channels, 30_011)
    began = datetime.datetime.now(datetime.UTC)
    sink = recorded(
        run_flowgraph, x, tmp_path / "air", frequency=FREQUENCY, hardware="two dipoles",
        description="a test", settings=SETTINGS)  # fmt: skip
    assert sink.frames == 30_011
    assert sorted(p.name for p in tmp_path.iterdir()) == ["air.sigmf-data", "air.sigmf-meta"]
    source = semcom.sigmf_source(tmp_path / "air", channels, RATE)
    assert (source.sample_rate, source.frequency, source.settings) == (RATE, FREQUENCY, SETTINGS)
    for _ in range(2):  # each start begins with the first sample
        assert_same_bits(replay(run_flowgraph, source), x)

    raw = np.fromfile(tmp_path / "air.sigmf-data", "<f4").reshape(-1, channels, 2)
    assert_same_bits(raw, np.stack([x.T.real, x.T.imag], -1))
    meta = json.loads((tmp_path / "air.sigmf-meta").read_text())
    sha512 = hashlib.sha512((tmp_path / "air.sigmf-data").read_bytes()).hexdigest()
    assert {k: v for k, v in meta["global"].items() if not k.startswith("semcom:")} == {
        "core:datatype": "cf32_le",
        "core:num_channels": channels,
        "core:sample_rate": RATE,
        "core:sha512": sha512,
        "core:hw": "two dipoles",
        "core:description": "a test",
        "core:extensions": [{"name": "semcom", "version": "1.1.0", "optional": True}],
        "core:recorder": f"gr-semcom {semcom.__version__}",
        "core:version": sigmf.__specification__,
        "core:offset": 0,
    }
    (capture,) = meta["captures"]
    assert (capture["core:sample_start"], capture["core:frequency"]) == (0, FREQUENCY)
    stamp = datetime.datetime.fromisoformat(capture["core:datetime"])
    assert began <= stamp <= datetime.datetime.now(datetime.UTC)


@pytest.mark.filterwarnings("error")  # of extensions that are not declared
@pytest.mark.parametrize("options", [{}, {"frequency": 0, "settings": SETTINGS}])
def test_the_library_of_the_standard_reads_it(run_flowgraph, tmp_path, options):
    x = samples(2, 500)
    recorded(run_flowgraph, x, tmp_path / "air", **options)
    theirs = sigmf.fromfile(tmp_path / "air")  # checks the hash
    theirs.validate()
    assert_same_bits(np.ascontiguousarray(theirs[:].T), x)
    assert Recording(tmp_path / "air").frequency == options.get("frequency")


def test_repeat_goes_on_with_the_first_sample(run_flowgraph, tmp_path):
    x = samples(2, 100)
    recorded(run_flowgraph, x, tmp_path / "air")
    source = semcom.sigmf_source(tmp_path / "air", repeat=True)
    assert_same_bits(replay(run_flowgraph, source, head=250), np.tile(x, 3)[:, :250])


@pytest.mark.parametrize("name", ["a.b", "a.b.sigmf-data", "a.b.sigmf-meta"])
def test_a_path_may_have_either_suffix_or_none(run_flowgraph, tmp_path, name):
    recorded(run_flowgraph, samples(1, 10), tmp_path / name)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.b.sigmf-data", "a.b.sigmf-meta"]
    assert len(Recording(tmp_path / name)) == 10


def wait_for(condition, timeout_s=30.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"nothing after {timeout_s} s"
        time.sleep(0.01)


def test_what_came_before_a_stop_is_a_recording_in_place_of_the_older_one(tmp_path):
    x = samples(2, 50_000)
    write(tmp_path / "air", samples(1, 20, seed=1))
    top, sink = gr.top_block(), semcom.sigmf_sink(tmp_path / "air", 2, RATE)
    slow = [blocks.throttle(gr.sizeof_gr_complex, 1e5) for _ in x]
    for port, row in enumerate(x):
        top.connect(blocks.vector_source_c(row, True), slow[port], (sink, port))
    top.start()
    wait_for(lambda: sink.frames > 5000)
    assert len(Recording(tmp_path / "air")) == 20  # the older one, until the stop
    stop(top)
    recording = Recording(tmp_path / "air")
    assert len(recording) == sink.frames > 5000
    expected = np.resize(x.T, (len(recording), 2))
    assert_same_bits(np.ascontiguousarray(recording.read(0, len(recording))), expected)
    assert len(list(tmp_path.iterdir())) == 2


def test_without_a_sample_nothing_is_written(run_flowgraph, tmp_path):
    sink = recorded(run_flowgraph, np.zeros((2, 0), np.complex64), tmp_path / "air")
    assert sink.frames == 0 and not list(tmp_path.iterdir())


@pytest.fixture
def small_disk(tmp_path):
    """A folder that holds 64 KiB."""
    words = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)]
    if subprocess.run(words, capture_output=True).returncode:
        pytest.skip("needs the right to mount a file system")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_full_disk_ends_the_flowgraph_and_leaves_the_older_recording(run_flowgraph, small_disk):
    older = samples(1, 100)
    write(small_disk / "air", older)
    with pytest.raises(BlockError, match=r"air\.sigmf-data: could not be written \(No space left"):
        recorded(run_flowgraph, samples(2, 100_000), small_disk / "air")
    assert len(list(small_disk.iterdir())) == 2
    assert_same_bits(np.ascontiguousarray(Recording(small_disk / "air").read(0, 100).T), older)


def test_a_full_disk_ends_a_program_with_one_line(program, tmp_path):
    """A bound on the size of files stands in for the disk: it is there for everybody."""
    source = f"""
import resource
from gnuradio import blocks, gr, semcom
top, sink = gr.top_block(), semcom.sigmf_sink({str(tmp_path / "air")!r}, 1, 1e6)
top.connect(blocks.null_source(gr.sizeof_gr_complex), sink)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
top.run()
"""
    done = program("-c", source, timeout=60)
    one_line(done, r"air\.sigmf-data: could not be written \(File too large\)")
    assert done.returncode == 1 and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": 0}, "core:num_channels: 0"),
        ({"sample_rate": 0}, "core:sample_rate: 0"),
        ({"sample_rate": float("nan")}, "JSON"),
        ({"frequency": "2 GHz"}, "core:frequency: '2 GHz'"),
        ({"settings": {"sps": np.int64(4)}}, "JSON.*int64"),
        ({"path": ""}, "names no recording"),
        ({"path": "/proc/nowhere/air"}, "/proc/nowhere/air.sigmf-data: cannot be written"),
    ],
)
def test_what_cannot_be_recorded_is_said_before_the_start(tmp_path, options, message):
    with pytest.raises(SemcomError, match=message) as caught:
        semcom.sigmf_sink(**{"path": tmp_path / "air", "channels": 1, "sample_rate": 1, **options})
    assert "\n" not in str(caught.value) and not list(tmp_path.iterdir())


# Recordings of others


def write(path, x):
    with record(path, describe(len(x), RATE)) as recorder:
        recorder.append(list(x))


def foreign(path, raw, **fields):
    """A minimal recording by hand; a field that is None is left out."""
    fields = {"datatype": "ci16_le", "sample_rate": RATE, "version": "1.0.0", **fields}
    known = {f"core:{name}": value for name, value in fields.items() if value is not None}
    meta = {"global": known, "captures": [], "annotations": []}
    path.with_suffix(".sigmf-data").write_bytes(raw.tobytes())
    return rewrite(path, meta)


def rewrite(path, meta):
    path.with_suffix(".sigmf-meta").write_text(json.dumps(meta))
    return meta


@pytest.mark.parametrize("channels", [None, 1, 3])
def test_ci16_is_scaled_to_one(run_flowgraph, tmp_path, channels):
    rng, count = np.random.default_rng(3), channels or 1
    raw = rng.integers(-(2**15), 2**15, (4000, count, 2)).astype("<i2")
    raw[0, 0] = [-(2**15), 2**15 - 1]
    foreign(tmp_path / "air", raw, num_channels=channels)
    source = semcom.sigmf_source(tmp_path / "air", channels, RATE)
    heard = replay(run_flowgraph, source)
    np.testing.assert_array_equal(heard, ((raw[..., 0] + 1j * raw[..., 1]) / 32768).T)
    assert heard[0, 0] == -1 + 32767j / 32768
    assert source.frequency is None and source.settings == {}


def test_the_rate_of_a_file_without_one_is_what_is_said(tmp_path):
    foreign(tmp_path / "air", np.zeros(8, "<i2"), sample_rate=None)
    assert Recording(tmp_path / "air", sample_rate=3e6).sample_rate == 3e6
    with pytest.raises(SemcomError, match="no core:sample_rate"):
        Recording(tmp_path / "air")


def refusal(path, *arguments, **options):
    """The one line with which a source refuses a recording."""
    with pytest.raises(SemcomError) as caught:
        semcom.sigmf_source(path, *arguments, **options)
    (line,) = str(caught.value).splitlines()
    return line


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"datatype": "cu8"}, r"meta: datatype cu8 is not one of cf32_le, ci16_le; convert"),
        ({"datatype": "cf32_be"}, "datatype cf32_be is not"),
        ({"datatype": "c7"}, r"meta: not valid SigMF: global\S*core:datatype: 'c7'"),
        ({"datatype": None}, r"not valid SigMF: global: 'core:datatype' is a required"),
        ({"sample_rate": 1e6}, r"meta: 1e\+06 samples/s, expected 2e\+06"),
        ({"sample_rate": RATE * (1 + 1e-5)}, "samples/s, expected"),
        ({"sample_rate": float("nan")}, "not JSON.*NaN"),
        ({"num_channels": 3}, "meta: 3 channels, expected 2; replay it with 3"),
        ({"num_channels": None}, "1 channels, expected 2"),
        ({"dataset": "air.wav"}, "core:dataset is not supported"),
        ({"trailing_bytes": 4}, "core:trailing_bytes is not supported"),
        (
            {"extensions": [{"name": "odd", "version": "1.0.0", "optional": False}]},
            "the extension odd is not supported",
        ),
        ({"sha512": "0" * 128}, r"data: not the samples whose core:sha512 is in air\.sigmf-meta"),
    ],
)
def test_metadata_that_do_not_fit_are_refused(tmp_path, fields, message):
    foreign(tmp_path / "air", np.zeros((100, 3, 4), "<i2"), **{"num_channels": 2, **fields})
    assert re.search(r"/air\.sigmf-.*" + message, refusal(tmp_path / "air", 2, RATE))


def test_the_rate_may_have_a_rounding_error(tmp_path):
    foreign(tmp_path / "air", np.zeros(8, "<i2"), sample_rate=RATE * (1 + 1e-7))
    assert Recording(tmp_path / "air", sample_rate=RATE).sample_rate == RATE * (1 + 1e-7)


def test_a_hash_in_capitals_is_the_same(tmp_path):
    raw = np.arange(8, dtype="<i2")
    foreign(tmp_path / "air", raw, sha512=hashlib.sha512(raw).hexdigest().upper())
    assert len(Recording(tmp_path / "air")) == 4


@pytest.mark.parametrize(
    ("section", "entry", "message"),
    [
        ("captures", {"core:sample_start": 101}, "100 samples per channel.* names 101; truncated"),
        ("annotations", {"core:sample_start": 90, "core:sample_count": 11}, "names 101; truncated"),
        ("captures", {"core:sample_start": 0, "core:header_bytes": 44}, "core:header_bytes"),
        ("captures", {}, r"not valid SigMF: captures\[0\]: 'core:sample_start' is a required"),
    ],
)
def test_segments_that_do_not_fit_are_refused(tmp_path, section, entry, message):
    meta = foreign(tmp_path / "air", np.zeros(200, "<i2"))
    rewrite(tmp_path / "air", {**meta, section: [entry]})
    assert re.search(message, refusal(tmp_path / "air"))


def test_segments_that_end_with_the_samples_are_taken(tmp_path):
    meta = foreign(tmp_path / "air", np.zeros(200, "<i2"), offset=1000)
    segment = {"core:sample_start": 1090, "core:sample_count": 10}
    rewrite(tmp_path / "air", {**meta, "annotations": [segment]})
    assert len(Recording(tmp_path / "air")) == 100


@pytest.mark.parametrize(
    ("kept", "message"),
    [
        (1600 - 1, r"data: 1599 bytes are not a whole number of 16-byte frames \(2 x cf32_le\)"),
        (1600 - 8, "data: 1592 bytes are not a whole number of 16-byte frames"),
        (1600 - 16, "data: not the samples whose core:sha512"),
        (0, "data: empty"),
    ],
)
def test_truncated_samples_are_refused(tmp_path, kept, message):
    write(tmp_path / "air", samples(2, 100))
    os.truncate(tmp_path / "air.sigmf-data", kept)
    assert re.search(r"/air\.sigmf-" + message, refusal(tmp_path / "air"))


def test_a_pair_of_files_is_needed(tmp_path):
    write(tmp_path / "air", samples(2, 100))
    os.rename(tmp_path / "air.sigmf-data", tmp_path / "elsewhere")
    assert "air.sigmf-data: cannot be read (No such file" in refusal(tmp_path / "air")
    os.remove(tmp_path / "air.sigmf-meta")
    assert "air.sigmf-meta: missing; a recording is a pair" in refusal(tmp_path / "air.sigmf-data")
    assert "names no recording" in refusal("")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"not a bit of it", "not JSON"),
        (b'{"global": {', "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[1, 2]", "not valid SigMF"),
        (b"{}", "not valid SigMF: .*'global' is a required property"),
    ],
)
def test_what_is_not_sigmf_is_refused(tmp_path, text, message):
    (tmp_path / "air.sigmf-meta").write_bytes(text)
    assert re.search(r"/air\.sigmf-meta: " + message, refusal(tmp_path / "air"))
