# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What fuzzing found (tests/fuzz, ``make fuzz``), with the right answer to each."""

import json
import struct

import numpy as np
import pmt
import pytest
from gnuradio.semcom.base.errors import BlockError, SemcomError
from gnuradio.semcom.blocks import burst_socket
from gnuradio.semcom.evaluation.bound import read_rate_accuracy
from gnuradio.semcom.media.clip import Media
from gnuradio.semcom.media.sources import PICTURES
from gnuradio.semcom.media.spectrum import RATE
from gnuradio.semcom.phy import csi
from gnuradio.semcom.protocol import mock_presets, recording
from gnuradio.semcom.run import records
from gnuradio.semcom.systems import adaptive, loading
from gnuradio.semcom.systems.digital import HEAD, Digital, DigitalSettings


@pytest.mark.parametrize("kind", [SemcomError, BlockError])
def test_an_error_is_one_line_whatever_it_quotes(kind):
    assert str(kind("'a\nb\r\x1b[2J\u2028é'")) == r"'a\nb\r\x1b[2J\u2028é'"


# --- settings, records ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (
            "?task=media&variant=",
            "setting variant of digital: '', expected one of full, audio_only",
        ),
        ("?task=x", "setting task of digital: 'x', expected one of events, media"),
        ("?" + "a" * 300 + "=1", "unknown, expected task, "),
    ],
)
def test_settings_that_mean_nothing_are_told(told, said):
    with pytest.raises(SemcomError, match=said):
        loading.load_system("digital", told)


@pytest.mark.parametrize(
    ("schema", "found"),
    [(schema, found) for schema in (1, 2) for found in (None, 3, "x", [None], [[]])]
    + [(1, [{"scenario": 1}]), (1, [{"accuracy": 1.0}])],
)
def test_a_document_of_something_else_holds_no_records(tmp_path, found, schema):
    path = tmp_path / "out.json"
    path.write_text(json.dumps({"schema": schema, "records": found}))
    with pytest.raises(SemcomError, match="out.json: holds no records of finished points"):
        records.read(path)


@pytest.mark.parametrize(
    "read",
    [
        records.read,
        mock_presets.load,
        adaptive.read_table,
        read_rate_accuracy,
        recording.Recording,
    ],
)
def test_a_document_that_nests_without_end_is_one_line(tmp_path, read):
    path = tmp_path / ("x.sigmf-meta" if read is recording.Recording else "x.json")
    path.write_text("[" * 100_000)
    with pytest.raises(SemcomError, match="nested too deep"):
        read(str(path))


@pytest.mark.parametrize("field", ["bits", "drop_buffer"])
def test_a_preset_with_a_whole_number_beyond_that_of_cpp_is_one_line(tmp_path, field):
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"description": "", field: 2**31}))
    with pytest.raises(SemcomError, match=f"x.json: {field} is too large"):
        mock_presets.load(str(path))


def test_a_preset_with_half_a_character_is_one_line(tmp_path):
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"description": "", "fading": "block\ud800"}))
    with pytest.raises(SemcomError, match="x.json: fading is .*, expected text that"):
        mock_presets.load(str(path))
    path.write_text(json.dumps({"description": "two\nlines"}))
    assert mock_presets.load(str(path)).description == "two\nlines"


# --- channel state --------------------------------------------------------------------------------


def packed(*firsts):
    """The vector of pieces of a 1 x 1 channel that begin at these symbols."""
    rows = [[complex(first % 2**20, first // 2**20), 1, 1] for first in firsts]
    return np.concatenate([[1 + 1j], *rows]).astype(np.complex64)


def test_pieces_of_channel_state_come_one_after_the_other():
    first, _ = csi.unpack_pieces(packed(0, 5, 2**21 + 3))
    assert first.tolist() == [0, 5, 2**21 + 3]
    for firsts in [(0, 5, 5), (0, 0), (0, 9, 3)]:
        with pytest.raises(ValueError, match="not one after the other"):
            csi.unpack_pieces(packed(*firsts))
    wrong = packed(0, 5)
    for value in (np.nan, -1, 2**20, np.inf):
        wrong[4] = value
        with pytest.raises(ValueError, match="begins at no symbol"):
            csi.unpack_pieces(wrong)


@pytest.mark.parametrize("sizes", [np.inf + 1j, np.nan + 1j, 1.5 + 1j, 9 + 1j, -1 + 1j, 1 + 0j])
def test_channel_state_of_impossible_sizes_is_refused(sizes):
    vector = packed(0)
    vector[0] = sizes
    with pytest.raises(ValueError, match="1 to 8 expected"):
        csi.unpack(vector)


# --- messages of ZeroMQ peers ---------------------------------------------------------------------


def message(*tags, first=7, count=None, samples=16):
    """As GNU Radio's sink sends it; a tag is (offset, key, value, source), serialised."""
    head = burst_socket.HEADER.pack(
        burst_socket.MAGIC, burst_socket.VERSION, first, len(tags) if count is None else count
    )
    return head + b"".join(struct.pack("=Q", tag[0]) + b"".join(tag[1:]) for tag in tags) + bytes(
        8 * samples
    )  # fmt: skip


KEY, TRUE = pmt.serialize_str(pmt.intern("tx_sob")), pmt.serialize_str(pmt.PMT_T)
TIME = pmt.make_tuple(pmt.from_uint64(3), pmt.from_double(0.25))
TOLD = pmt.dict_add(pmt.make_dict(), pmt.intern("freq"), pmt.cons(pmt.from_long(1), pmt.PMT_NIL))


@pytest.mark.parametrize("value", [pmt.PMT_T, TIME, TOLD, pmt.from_complex(1j), pmt.intern("é")])
def test_tags_are_read_whatever_they_hold(value):
    sent = message((9, KEY, pmt.serialize_str(value), TRUE), (8, KEY, TRUE, TRUE))
    at, tags = burst_socket.read_tags(sent)
    assert at == len(sent) - 8 * 16
    assert [(item, pmt.symbol_to_string(key)) for item, key, _ in tags] == [
        (1, "tx_sob"),
        (2, "tx_sob"),
    ]
    assert pmt.equal(tags[1][2], value)


@pytest.mark.parametrize(
    "tags",
    [
        [(7, KEY, b"\x07" * 10**6, TRUE)],  # so deep that GNU Radio's reading ends the process
        [(7, KEY, b"\x08" + b"\xff" * 4, TRUE)],  # a vector of 32 GB
        [(7, KEY, b"\x0a\x00" + b"\xff" * 4, TRUE)],
        [(7, KEY, b"\x0c\0\0\0\0", TRUE)],  # an empty tuple
        [(7, KEY, b"\x02\xff\xff", b"")],  # a name beyond the end
        [(7, KEY, b"b", TRUE)],
        [(7, TRUE, TRUE, TRUE)],  # without a name
        [(6, KEY, TRUE, TRUE)],  # of a sample before the first
        [(7 + 2**40, KEY, TRUE, TRUE)],
    ],
)  # fmt: skip
def test_damaged_tags_of_a_peer_are_one_line(tags):
    with pytest.raises(SemcomError, match="damaged tags came"):
        burst_socket.read_tags(message(*tags))


@pytest.mark.parametrize("count", [1, 2**63])
def test_a_message_that_promises_more_tags_than_it_has_is_one_line(count):
    with pytest.raises(SemcomError, match="damaged tags came"):
        burst_socket.read_tags(message(count=count, samples=0))


# --- heads of clips -------------------------------------------------------------------------------


def shown(head: bytes):
    """What a classical link shows of a frame of which only the head came."""
    link = Digital(DigitalSettings(task="media", source="jpeg+pcm"))
    rest = [None] * 255
    return link.shown_again({"audio": [head, *rest], "video": [None, *rest]})


@pytest.mark.parametrize(
    "told", [(10, 60000, 60000), (255, 600, 600), (0, 64, 64), (10, 0, 64), (10, 64, 0)]
)
def test_a_head_that_tells_no_possible_clip_is_none(told):
    assert shown(HEAD.pack(*told)) is None


def test_a_head_of_the_largest_clip_is_one():
    media = shown(HEAD.pack(10, 600, 900))
    assert media.pictures.shape == (160, 600, 900, 3) and media.sound.shape == (10 * RATE,)


def test_a_clip_that_no_head_can_tell_is_refused_where_it_is_sent():
    link = Digital(DigitalSettings(task="media", source="jpeg+pcm"))
    wide = np.broadcast_to(np.zeros(3, np.uint8), (PICTURES, 3, 70000, 3))
    with pytest.raises(SemcomError, match="clip of 1 s with pictures of 3 x 70000"):
        link._head(Media(wide, np.zeros(RATE, np.float32)))
