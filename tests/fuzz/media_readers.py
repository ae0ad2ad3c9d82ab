# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Targets that read media, and what classical codecs made of them."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from gnuradio.semcom.media.clip import Media
from gnuradio.semcom.media.codecs import pictures, sounds, texts
from gnuradio.semcom.media.sources import Limits, MediaSource
from gnuradio.semcom.systems import digital
from gnuradio.semcom.systems.digital import HEAD, Digital, DigitalSettings
from hypothesis import strategies as st

from .strategies import damaged
from .strategies import texts as odd_texts
from .targets import answered, folder, target, written

# --- classical codecs -----------------------------------------------------------------------------

SEEN = np.random.default_rng(0).integers(0, 256, (3, 32, 48, 3)).astype(np.uint8)
HEARD = np.sin(np.arange(32000) / 5).astype(np.float32) / 2


@functools.cache
def good_units(codec: str) -> list:
    if codec in pictures.PICTURES:
        return pictures.encode(codec, SEEN, 30)
    return sounds.encode(codec, HEARD, sounds.bitrates(codec)[0])


@st.composite
def damaged_units(draw, available):
    codec = draw(st.sampled_from(available()))
    return codec, [draw(st.none() | damaged(unit)) for unit in good_units(codec)]


@target(damaged_units(pictures.available))
def picture_codecs(told):
    """Damaged units of pictures: some pictures of the right size."""
    codec, given = told
    found = pictures.decode(codec, given, 3, (32, 48))
    assert found.shape == (3, 32, 48, 3) and found.dtype == np.uint8


@target(damaged_units(sounds.available))
def sound_codecs(told):
    """Damaged units of sound: some sound of the right length."""
    codec, given = told
    found = sounds.decode(codec, given, 2)
    assert found.shape == (32000,) and np.isfinite(found).all()


@functools.cache
def text_codec(name: str):
    return texts.TextCodec.fit(name, ["a dog barks.", "a cat sleeps on a mat!", "two dogs run"])


@target(st.tuples(st.sampled_from(texts.available()), st.binary(max_size=40)))
def text_codecs(told):
    """Damaged bits of text: some sentence, of a length that they can tell."""
    codec, raw = told
    found = text_codec(codec).decode(np.unpackbits(np.frombuffer(raw, np.uint8)))
    assert isinstance(found, str) and len(found) <= 100 + 100 * len(raw)
    found.encode()


@functools.cache
def media_link() -> Digital:
    digital.LARGEST = 1 << 22  # instead of 256 MiB, of which memory takes nine tenths of the time
    return Digital(DigitalSettings(task="media", source="jpeg+pcm"))


SECONDS = st.integers(0, 4) | st.sampled_from([10, 254, 255])  # long sound takes long


@target(
    st.tuples(
        st.none() | st.tuples(SECONDS, st.integers(0, 65535), st.integers(0, 65535)),
        st.none() | st.binary(max_size=8),
        st.lists(st.none() | st.binary(min_size=1, max_size=9), max_size=4),
    )
)
def heads(told):
    """Heads that tell any length and size of a clip: media of bounded memory, or none."""
    fields, other, rest = told
    given = {
        "audio": [HEAD.pack(*fields) if fields else None, *rest],
        "video": [other, *rest],
    }
    shown = media_link().shown_again({k: [*v, *[None] * (256 - len(v))] for k, v in given.items()})
    assert shown is None or isinstance(shown, Media)


# --- media ----------------------------------------------------------------------------------------


@functools.cache
def good_media(suffix: str) -> bytes:
    from tests.media_clips import maker

    return Path(maker(folder())(f"good{suffix}", 1)).read_bytes()


@st.composite
def damaged_media(draw):
    suffix = draw(st.sampled_from([".mp4", ".mkv", ".ts", ".wav", ".avi", ".ogg", ".mp3"]))
    return suffix, draw(damaged(good_media(suffix), 12))


@target(damaged_media())
def media_files(told):
    """Damaged films and sounds."""
    suffix, content = told
    path = written(f"x{suffix}", content)
    with answered():
        source = MediaSource(path, height=32, limits=Limits(duration=20, patience=5))
        for second in source:
            assert second.pictures.shape[:2] == (16, 32) and np.isfinite(second.sound).all()


NAMES = st.sampled_from(["", ".", "/", "/dev/null", "/dev/zero", "v4l2:", "alsa:", "lavfi:", "x:y",
                         "file:x", "http://127.0.0.1:1/x", "v4l2:/dev/null", "a\0b", "concat:a|b",
                         "pipe:0", "data:,x", "subfile:,x"]) | odd_texts  # fmt: skip


@target(st.tuples(NAMES, st.just("") | NAMES))
def media_names(told):
    """Names of media and of microphones."""
    name, microphone = told
    with answered():
        for number, _ in enumerate(MediaSource(name, microphone, 32, Limits(patience=0.2))):
            assert number < 3
