# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Targets that read sets, recordings, weights, options, and what comes over the air."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import struct
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pmt
import torch
from gnuradio.semcom.base import options
from gnuradio.semcom.blocks import burst_socket
from gnuradio.semcom.data import ave, ave_text, synthetic, text
from gnuradio.semcom.nets.pilot_ave_plus import PilotAvePlus, PilotAvePlusConfig
from gnuradio.semcom.phy import csi, unit_stream
from gnuradio.semcom.protocol import mock_presets, recording
from gnuradio.semcom.protocol.burst import BurstFormat
from gnuradio.semcom.protocol.fragments import join
from gnuradio.semcom.protocol.frames import FrameId
from gnuradio.semcom.protocol.retransmission import Answer, Receiver, Sender
from gnuradio.semcom.protocol.schedule import Schedule
from gnuradio.semcom.run import records, scenario
from gnuradio.semcom.systems import adaptive, loading, registry
from gnuradio.semcom.systems.digital import DigitalSettings
from gnuradio.semcom.weights import store
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from .strategies import damaged, edited, json_values, numbers
from .strategies import texts as odd_texts
from .targets import answered, folder, target, written

# --- text -----------------------------------------------------------------------------------------

CELLS = st.sampled_from(
    ["", " ", "0", "3", "10", "2.5", "-1", "1e3", "nan", "999999999", "1" * 400, "%26", "%", "%0A",
     "Bark", "background", "good", "a b", "٣", "+1", "0x1", "1_0", "Category", "VideoID"]
) | st.text(max_size=9)  # fmt: skip
LINES = st.lists(st.lists(CELLS, min_size=4, max_size=6).map("&".join), max_size=6)


@target(
    st.tuples(LINES, st.sampled_from(["\n", "\r\n", "\r", "\n\n"]))
    .map(lambda told: told[1].join(told[0]).encode("utf-8", "surrogatepass"))
    .flatmap(damaged)
)
def annotations(content: bytes):
    """Annotations.txt: what was read is written and read again to the same."""
    path = written("Annotations.txt", content)
    with answered():
        rows = ave_text.read(path)
        for row in rows:
            again = ave_text.write_row(*row.key)
            assert ave_text.read(written("again.txt", again))[0].key == row.key
        classes = ave_text.classes_of(rows)
        labels = ave_text.labels_of(rows, 0, 10, classes)
        assert labels.shape == (10,) and set(labels.tolist()) <= set(range(len(classes)))
        for row in rows:
            truths = ave_text.Truths([path.parent / "x.mp4", path.parent / row.film])
            truths.of(path.parent / row.film, 0, 10)


@target(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def sentences(content: bytes):
    """Files of sentences."""
    path = written("a_test.txt", content)
    with answered():
        found = text.open_text(path, "test")
        assert len(found) > 0 and all(len(found.text(i)) for i in range(len(found)))


# --- sets -----------------------------------------------------------------------------------------

FILES = ("audio_feature.h5", "visual_feature.h5", "labels.h5", "mil_labels.h5", "test_order.h5")
DTYPES = ("f2", "f4", "f8", "i1", "u8", "i8", "?", "S3", "c8", "O", "V4")
SHAPES = st.lists(st.sampled_from([0, 1, 2, 3, 10, 29]), max_size=5).map(tuple)
HUGE = st.sampled_from([10**4, 10**9, 2**40])
H5_EDITS = st.fixed_dictionaries(
    {
        "file": st.sampled_from(FILES),
        "kind": st.sampled_from(
            ["gone", "empty", "bytes", "group", "renamed", "second", "dtype", "shape", "value",
             "huge", "soft", "external", "scalar", "order"]
        ),
        "dtype": st.sampled_from(DTYPES),
        "shape": SHAPES,
        "huge": HUGE,
        "axis": st.integers(0, 4),
        "number": numbers,
        "at": st.integers(0, 2000),
    }
)  # fmt: skip


@functools.cache
def good_set() -> dict:
    """Name -> array of a small set that is right."""
    where = folder() / "good"
    synthetic.write(where, 2)
    found = {}
    for name in FILES:
        if (where / name).is_file():
            with h5py.File(where / name) as file:
                (key,) = file
                found[name] = (key, file[key][:])
    for name in ("audio_feature.h5", "visual_feature.h5", "labels.h5"):
        found[name] = (found[name][0], found[name][1][:2])
    classes = found["labels.h5"][1].shape[-1]
    found["mil_labels.h5"] = ("avadataset", np.eye(classes)[[0, 1]])
    found["test_order.h5"] = ("order", np.arange(2))
    return found


def spoil(path: Path, key: str, value: np.ndarray, edit: dict) -> None:
    """Write a dataset, wrong in one way."""
    kind = edit["kind"]
    if kind == "empty":
        path.write_bytes(b"")
        return
    with h5py.File(path, "w") as file:
        if kind == "group":
            file.create_group(key)
        elif kind == "renamed":
            file["x" * (edit["at"] % 9) or "y"] = value
        elif kind == "second":
            file["one"], file["two"] = value, value
        elif kind == "dtype" and edit["dtype"] != "O":
            file[key] = np.zeros(value.shape, edit["dtype"])
        elif kind == "dtype":
            file.create_dataset(key, value.shape, h5py.string_dtype())
        elif kind == "shape":
            file[key] = np.zeros(edit["shape"], value.dtype)
        elif kind == "value":
            with np.errstate(all="ignore"):
                flat = value.astype("f8" if value.dtype.kind != "f" else value.dtype).ravel()
                flat[edit["at"] % flat.size] = float(edit["number"])
            file[key] = flat.reshape(value.shape)
        elif kind == "huge":
            shape = list(value.shape)
            shape[edit["axis"] % value.ndim] = edit["huge"]
            chunks = tuple(min(side, 4) for side in shape)
            file.create_dataset(key, tuple(shape), value.dtype, chunks=chunks)
        elif kind == "soft":
            file[key] = h5py.SoftLink("/nowhere")
        elif kind == "external":
            file[key] = h5py.ExternalLink("other.h5", "/x")
        elif kind == "scalar":
            file[key] = edit["number"] if abs(edit["number"]) < 2**63 else 0.0
        elif kind == "order":
            file[key] = np.full(value.shape, edit["at"] - 1000)
        else:
            file[key] = value
    if kind == "bytes":
        content = bytearray(path.read_bytes())
        content[edit["at"] % len(content)] = edit["axis"] * 51
        path.write_bytes(content)


@functools.cache
def right_file(name: str) -> Path:
    path = folder() / f"right-{name}"
    spoil(path, *good_set()[name], {"kind": "right"})
    return path


@target(st.lists(H5_EDITS, min_size=1, max_size=2))
def ave_layout(edits: list):
    """A folder of HDF5 files of which some are not what they should be."""
    where = folder() / "set"
    where.mkdir(exist_ok=True)
    wrong = {edit["file"]: edit for edit in edits}
    for name, (key, value) in good_set().items():
        path = where / name
        path.unlink(missing_ok=True)
        if name not in wrong:
            path.hardlink_to(right_file(name))
        elif wrong[name]["kind"] != "gone":
            spoil(path, key, value, wrong[name])
    with answered():
        found = ave.AveSet(where, "test")
        for i in range(min(3, len(found))):
            assert np.isfinite(found.audio(i)).all() and np.isfinite(found.visual(i)).all()
            assert found.labels(i).min() >= 0 and found.labels(i).max() < len(found.classes)
            assert 0 <= found.event(i) < len(found.classes)


# --- recordings -----------------------------------------------------------------------------------


@functools.cache
def good_metadata() -> dict:
    made = recording.describe(2, 1e6, 2.4e9, "radio", "test", {"system": "deepsc", "snr_db": 3.0})
    made.add_capture(0, {})
    return {**json.loads(made.dumps()), "annotations": [{"core:sample_start": 0}]}


# the library checks its own schema at each reading, which takes two thirds of the time
Draft202012Validator.check_schema = classmethod(lambda *schema: None)


@target(st.tuples(st.deferred(lambda: edited(good_metadata())), st.integers(0, 200)))
def sigmf(told):
    """A recording's metadata, and samples that are too few, too many or odd in number."""
    metadata, size = told
    written("air.sigmf-meta", json.dumps(metadata))
    written("air.sigmf-data", b"\x80\x3f" * (size // 2) + b"\0" * (size % 2))
    with answered():
        found = recording.Recording(folder() / "air")
        assert len(found) * found.channels * 4 <= size and found.sample_rate > 0
        assert found.read(0, 5).shape[1] == found.channels


# --- weights --------------------------------------------------------------------------------------

SMALL = dict(symbols=2, hidden=4, attention_hidden=3, heads=2, audio_dim=3, visual_dim=4)


@functools.cache
def good_checkpoint() -> tuple[dict, bytes]:
    """Outer header and the bytes of the tensors of a tiny system."""
    path = folder() / "good.safetensors"
    torch.manual_seed(7)
    net = PilotAvePlus(PilotAvePlusConfig(**SMALL, height=1, width=1), ["one", "two"])
    store.save(path, net, variant="full", data="synthetic")
    content = path.read_bytes()
    (length,) = struct.unpack_from("<Q", content)
    outer = json.loads(content[8 : 8 + length])
    outer["__metadata__"][store.KEY] = json.loads(outer["__metadata__"][store.KEY])
    return outer, content[8 + length :]


@target(
    st.tuples(
        st.deferred(lambda: edited(good_checkpoint()[0], 2)), st.booleans(), st.integers(-9, 9)
    )
)
def checkpoint(told):
    """A checkpoint whose headers are not what they should be."""
    outer, as_text, cut = told
    metadata = outer.get("__metadata__") if isinstance(outer, dict) else None
    if as_text and isinstance(metadata, dict) and store.KEY in metadata:
        metadata[store.KEY] = json.dumps(metadata[store.KEY])
    header = json.dumps(outer).encode()
    tensors = good_checkpoint()[1]
    tensors = tensors[:cut] if cut < 0 else tensors + bytes(cut)
    path = written("x.safetensors", struct.pack("<Q", len(header)) + header + tensors)
    with answered():
        store.read_header(path)
        loading.load_any(path)


# --- options and settings -------------------------------------------------------------------------

FLAGS = tuple(sorted(set(options.fields(scenario.Scenario)) - {"record", "dump_path", "device"}))
WORDS = st.sampled_from(
    ["", "0", "1", "-1", "3", "0:20:5", "0:1e9:1e-9", "1e400", "nan", "5:0:1", "0:1", "rayleigh",
     "awgn", "none", "ls", "lmmse", "zf", "full", "audio_only", "digital", "deepsc", "pilot_ave",
     "digital_text", "media", "mock:indoor", "zmq:", "uhd:;;", "replay:x", "h265+opus", "jpeg",
     "qpsk", "5/6", "1e30", "99999999999999999999", "-0", "1,2,3", "a\0b", "?", "٣"]
) | odd_texts  # fmt: skip
ARGUMENTS = st.lists(
    st.tuples(st.sampled_from(FLAGS), st.lists(WORDS, max_size=3)), max_size=4
).map(lambda given: [w for name, words in given for w in (options.flag(name), *words)])


@functools.cache
def option_parser():
    parser = options.Parser(prog="fuzz")
    scenario.add_options(parser)
    return parser


@target(ARGUMENTS)
def command_line(arguments: list):
    """Options of a run: points, or one line."""
    with contextlib.redirect_stderr(io.StringIO()) as said, answered():
        try:
            points = scenario.sweep(option_parser().parse_args(arguments))
        except SystemExit as end:
            assert end.code == 2 and said.getvalue().count("error:") == 1
            return
        assert 0 < len(points) < 10**6
        for point in points:
            json.dumps(scenario.settings(point))


SETTING_NAMES = tuple(options.fields(DigitalSettings))
SETTINGS = st.lists(
    st.tuples(st.sampled_from(SETTING_NAMES) | odd_texts, WORDS).map("=".join), max_size=4
).map(lambda given: "?" + "&".join(["task=media", *given]))


@target(st.tuples(st.sampled_from(["digital", "digital", "digital_text", "deepsc"]), SETTINGS))
def settings(told):
    """What stands behind the question mark of a system's weights."""
    name, text_of = told
    with answered():
        weights, rest = loading.parted(text_of)
        assert loading.read_settings(name, rest) is not None or name == "deepsc"
        if name == "digital" and "task=events" not in rest:
            loading.load_system(name, text_of)


@functools.cache
def good_table() -> dict:
    choice = {"channel": "rayleigh", "snr": 5.0, "accuracy": 0.4,
              "settings": {"code": "1/2", "quality": 20, "variant": "full"}}  # fmt: skip
    return {"system": "digital", "uses": 1344, "data": "raw", "split": "val",
            "choices": [choice, {**choice, "snr": 10.0}]}  # fmt: skip


@target(st.deferred(lambda: edited(good_table())) | json_values)
def adaptive_table(table):
    """A table of link adaptation, and the point that it makes."""
    path = written("table.json", json.dumps(table))
    adaptive.read_table.cache_clear()
    with answered():
        point = scenario.Scenario(system="digital", uses=1344, adaptive=str(path), snr=7.0)
        point = scenario.settle(point)
        scenario.check(point)
        registry.settings_of(point, task="media")


@functools.cache
def good_records() -> dict:
    record = {"accuracy": 0.5, "scenario": {"snr": 3, "feedback_snr": 1}, "feedback": 2,
              "channel_uses": {"payload": 5, "feedback": 3}, "snr_db": 3}  # fmt: skip
    return {"schema": 1, "command": "x", "versions": {}, "records": [record, record]}


@target(st.deferred(lambda: edited(good_records())) | json_values)
def record_files(document):
    """Records of finished points."""
    with answered():
        for record in records.read(written("records.json", json.dumps(document))):
            assert isinstance(record, dict)


@functools.cache
def good_preset() -> dict:
    return json.loads((mock_presets.FOLDER / "walking.json").read_text())


@target(st.tuples(st.deferred(lambda: edited(good_preset())), numbers))
def preset(told):
    """A preset of the mock radio."""
    fields, snr = told
    path = written("preset.json", json.dumps(fields))
    with answered():
        mock_presets.settings(mock_presets.load(str(path)), 1e6, float(snr))


# --- what comes over the air ----------------------------------------------------------------------


@st.composite
def csi_vectors(draw):
    rx, tx, pieces = draw(st.integers(0, 4)), draw(st.integers(0, 3)), draw(st.integers(0, 3))
    size = 1 + pieces * (1 + tx + rx * tx) + draw(st.sampled_from([0, 0, 0, 1, -1]))
    raw = draw(st.binary(min_size=8 * max(0, size), max_size=8 * max(0, size)))
    vector = np.frombuffer(raw, np.complex64).copy()
    if len(vector) and draw(st.booleans()):
        vector[0] = rx + 1j * tx
        width = 1 + tx + rx * tx
        for r in range(1, pieces):
            if 1 + r * width < len(vector):
                vector[1 + r * width] = r * draw(st.integers(0, 9))
    return vector


@target(csi_vectors())
def packed_csi(vector):
    """Channel state as it travels: refused, or of the shape and pieces that it tells."""
    count = 20
    with np.errstate(all="ignore"):
        try:
            first, state = csi.unpack_pieces(vector)
            csi.unpack(vector)
            noise = csi.expand_no_eff(vector, count)
        except ValueError:
            return
    assert len(first) == len(state.h) and state.h.shape[2] == noise.shape[0]
    assert noise.shape[1] == count and first[0] == 0 and (np.diff(first) > 0).all()


HEADERS = st.fixed_dictionaries(
    {
        "frame": st.integers(0, 3) | st.integers(0, 2**32 - 1),
        "terminal": st.integers(0, 4) | st.integers(0, 255),
        "system": st.sampled_from([0, 2, 255]),
        "length": st.integers(0, 2**32 - 1),
        "fragment": st.integers(0, 2) | st.integers(0, 65535),
        "fragments": st.integers(0, 3) | st.integers(0, 65535),
        "attempt": st.integers(0, 3) | st.integers(0, 255),
        "seconds": st.integers(0, 2**40),
        "fraction": st.floats(0, 1),
    }
)


@functools.cache
def plan() -> BurstFormat:
    return BurstFormat(1e6, turnaround=0.2)


@target(st.lists(HEADERS, min_size=1, max_size=6))
def headers(told: list):
    """Headers that passed their CRC by chance: answers, attempts, fragments, the schedule."""
    schedule, sender, receiver = Schedule(plan(), 160, system=2), Sender(3), Receiver(3)
    sender.sent(FrameId(1), "payload")
    for fields in told:
        header = SimpleNamespace(**fields)
        answer = Answer.from_header(header, 2)
        if answer:
            sender.answer(answer, 1.0)
            assert Answer.from_dict(answer.as_dict()) == answer
        schedule.update([header], fields["seconds"] + 0.5)
        schedule.due(fields["frame"])
        schedule.go_without(fields["frame"])
        schedule.next_due()
        with answered():
            of = FrameId(*(fields[n] for n in ("frame", "fragment", "fragments", "attempt")))
            assert FrameId.of(of.number) == of
            if receiver.wants(of):
                shape = 1, 1 + fields["length"] % 7
                parts = receiver.take(of, np.ones(shape, np.complex64), np.ones(shape, "f4"))
                symbols, noise = join(parts, of.fragments)
                assert symbols.shape == noise.shape and np.isfinite(symbols).all()
                receiver.judge(of, bool(fields["length"] % 2))
    receiver.abandoned(over=True)


@functools.cache
def good_message() -> bytes:
    tags = b"".join(
        struct.pack("=Q", 3 + at)
        + b"".join(pmt.serialize_str(part) for part in (pmt.intern("tx_sob"), value, pmt.PMT_F))
        for at, value in ((0, pmt.PMT_T), (5, pmt.make_tuple(pmt.from_uint64(1), pmt.PMT_NIL)))
    )
    header = burst_socket.HEADER.pack(burst_socket.MAGIC, burst_socket.VERSION, 3, 2)
    return header + tags + bytes(64)


@target(st.deferred(lambda: damaged(good_message())) | st.binary(max_size=64))
def socket_message(message: bytes):
    """A message from a ZeroMQ peer."""
    with answered():
        at, tags = burst_socket.read_tags(message)
        assert at <= len(message) and all(pmt.is_symbol(key) for _, key, _ in tags)


@target(st.tuples(st.binary(min_size=1, max_size=120), st.integers(1, 300), st.integers(0, 2**9)))
def units(told):
    """Blocks of bits as units."""
    raw, size, lost = told
    bits = np.unpackbits(np.frombuffer(raw, np.uint8))
    blocks = max(1, len(bits) // size)
    bits = np.resize(bits, (blocks, size))
    good = np.array([not lost >> (i % 10) & 1 for i in range(blocks)])
    found = unit_stream.unpack(bits, good, 12)
    assert len(found) == 12 and all(unit is None or unit for unit in found)
