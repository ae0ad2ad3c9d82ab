# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Sound and pictures to features: log-mel against plain loops, the shipped networks, published
ones with random weights, windows."""

import json
import threading

import cv2
import numpy as np
import pytest
import torch
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.data.composition import compose, random_script, write_clip
from gnuradio.semcom.data.material_drawn import DrawnMaterial
from gnuradio.semcom.media import spectrum
from gnuradio.semcom.media.sources import MediaSource, Second
from gnuradio.semcom.nets.compact import CompactAudio, CompactVision
from gnuradio.semcom.nets.vgg import VGG19Pool5, VGGish
from gnuradio.semcom.perception import windows as perception
from gnuradio.semcom.perception.features import Vgg, extractor, looked_at
from gnuradio.semcom.perception.windows import MediaWindows, Window, WindowStore
from gnuradio.semcom.weights import store as checkpoint
from media_clips import stray


@pytest.fixture(scope="module")
def compact():
    return extractor("compact")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A drawn clip as a file."""
    material, rng = DrawnMaterial(), np.random.default_rng(5)
    path = tmp_path_factory.mktemp("media") / "clip.mp4"
    write_clip(path, *compose(rng, material, random_script(rng, material.events())))
    return path


def naive_log_mel(sound, offset):
    """The same by the definition: sums over samples and bins in float64."""
    n, frames = np.arange(400), []
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * n / 400)
    kernel = np.exp(-2j * np.pi * np.outer(np.arange(257), n) / 512)
    edges = 1127 * np.log(1 + 125 / 700) + np.arange(66) / 65 * (
        1127 * np.log(1 + 7500 / 700) - 1127 * np.log(1 + 125 / 700)
    )
    for start in range(0, len(sound) - 399, 160):
        magnitude = np.abs(kernel @ (sound[start : start + 400] * hann))
        bands = np.zeros(64)
        for k in range(1, 257):
            place = 1127 * np.log(1 + k * 16000 / 512 / 700)
            for b in range(64):
                low, centre, high = edges[b : b + 3]
                weight = min((place - low) / (centre - low), (high - place) / (high - centre))
                bands[b] += max(0.0, weight) * magnitude[k]
        frames.append(np.log(bands + offset))
    return np.array(frames)


@pytest.mark.parametrize("offset", [spectrum.VGGISH_OFFSET, spectrum.YAMNET_OFFSET])
def test_log_mel_is_that_of_the_definition(offset):
    sound = np.random.default_rng(0).uniform(-1, 1, 1000).astype(np.float32)
    sound[500:] *= 1e-3
    expected = naive_log_mel(sound.astype(np.float64), offset)
    found = spectrum.log_mel(sound, offset)
    assert found.shape == expected.shape == (4, 64)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_second_gives_a_patch_and_silence_the_offset():
    patches = spectrum.patches(np.zeros((3, 16000), np.float32), 0.01)
    assert patches.shape == (3, 96, 64)
    np.testing.assert_allclose(patches, np.log(0.01), rtol=1e-6)


def test_compact_is_small_and_repeatable(compact):
    count = sum(p.numel() for net in (CompactAudio(), CompactVision()) for p in net.parameters())
    assert count <= 3_000_000
    rng = np.random.default_rng(1)
    sound = rng.uniform(-1, 1, (3, 16000)).astype(np.float32)
    pictures = rng.integers(0, 256, (3, 16, 60, 80, 3), dtype=np.uint8)
    audio, visual = compact.audio(sound), compact.visual(pictures)
    assert (audio.shape, visual.shape) == ((3, 128), (3, 7, 7, 512))
    assert audio.dtype == visual.dtype == np.float32
    assert np.isfinite(audio).all() and (visual >= 0).all() and visual.any()
    np.testing.assert_allclose(compact.audio(sound[1:2])[0], audio[1], atol=1e-4)
    np.testing.assert_allclose(compact.visual(pictures[1:2])[0], visual[1], atol=1e-4)


def test_compact_looks_at_every_fourth_picture(compact):
    assert list(looked_at(16, 4)) == [2, 6, 10, 14]
    pictures = np.random.default_rng(2).integers(0, 256, (1, 16, 30, 40, 3), dtype=np.uint8)
    whole = compact.visual(pictures)
    np.testing.assert_array_equal(compact.visual(pictures[:, 2::4]), whole)
    pictures[:, [0, 1, 3, 4]] = 0
    np.testing.assert_array_equal(compact.visual(pictures), whole)
    pictures[:, 6] = 0
    assert np.abs(compact.visual(pictures) - whole).max() > 0.01


def test_a_map_has_the_orientation_of_the_picture(compact):
    bright = np.zeros((4, 1, 112, 112, 3), np.uint8)
    noise = np.random.default_rng(3).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    corners = [(0, 0), (0, 1), (1, 0), (1, 1)]
    for picture, (down, right) in zip(bright, corners, strict=True):
        picture[0, 80 * down : 80 * down + 32, 80 * right : 80 * right + 32] = noise
    maps = compact.visual(np.repeat(bright, 4, axis=1))
    flat = compact.visual(np.zeros((1, 4, 112, 112, 3), np.uint8))
    for change, (down, right) in zip(np.abs(maps - flat).sum(-1), corners, strict=True):
        row, column = np.unravel_index(change.argmax(), (7, 7))
        assert (row > 3, column > 3) == (bool(down), bool(right))


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Random weights of the published networks, as tools/convert_vgg.py would leave them."""
    folder = tmp_path_factory.mktemp("vgg")
    torch.manual_seed(0)
    for name, net in (("vggish", VGGish()), ("vgg19", VGG19Pool5())):
        header = {"format": checkpoint.FORMAT, "system": name, "variant": "features"}
        header |= {"config": {}, "classes": [], "data": "random"}
        path = folder / f"{name}.safetensors"
        checkpoint.write(path, net.state_dict(), {checkpoint.KEY: json.dumps(header)})
    return folder


def test_vgg_is_the_mean_over_normalised_pictures(weights):
    net = extractor("vgg", weights)
    assert isinstance(net, Vgg)
    rng = np.random.default_rng(4)
    pictures = rng.integers(0, 256, (1, 16, 50, 60, 3), dtype=np.uint8)
    pictures[:, 1:] = pictures[:, :1]  # one picture all the time: the mean is its map
    squares = cv2.resize(pictures[0, 0], (224, 224), interpolation=cv2.INTER_AREA)
    normal = (squares / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    reference = VGG19Pool5()
    checkpoint.fill(weights / "vgg19.safetensors", reference)
    with torch.inference_mode():
        expected = reference(torch.tensor(normal).float().permute(2, 0, 1)[None])[0]
    np.testing.assert_allclose(net.visual(pictures)[0], expected, atol=1e-5)
    sound = rng.uniform(-1, 1, (2, 16000)).astype(np.float32)
    assert net.audio(sound).shape == (2, 128)


def test_features_that_cannot_be_made_say_why(tmp_path):
    with pytest.raises(SemcomError, match="expected one of world, compact, vgg"):
        extractor("clip")
    with pytest.raises(SemcomError, match="give --weights"):
        extractor("vgg")
    with pytest.raises(SemcomError, match="no such checkpoint"):
        extractor("vgg", tmp_path)


def test_windows_have_the_features_of_their_seconds(clip, compact):
    windows = list(MediaWindows([clip, clip], compact, length=6))
    assert [(w.start, len(w.seconds)) for w in windows] == [(0, 6), (6, 4)] * 2
    window = windows[1]
    np.testing.assert_allclose(
        window.audio, compact.audio(np.stack([s.sound for s in window.seconds])), atol=1e-5
    )
    np.testing.assert_allclose(
        window.visual, compact.visual(np.stack([s.pictures for s in window.seconds])), atol=1e-5
    )


@pytest.mark.parametrize(
    ("how", "begun"), [({}, 2), ({"sliding": True}, 1), ({"realtime": True, "length": 1}, 1)]
)
def test_the_next_file_is_decoded_while_this_one_is_used(how, begun, clip, monkeypatch):
    """Not where what is shown is what happens now; and nothing goes on after the last window."""
    before, opened = set(threading.enumerate()), []
    begin = MediaSource.begin
    monkeypatch.setattr(MediaSource, "begin", lambda self: (opened.append(self), begin(self)))
    windows = iter(MediaWindows([clip, clip, clip], None, **how))
    assert next(windows).start == 0
    assert len(set(opened)) == begun
    windows.close()
    assert stray(before, 3) == set()


def test_a_file_that_changed_since_it_was_opened_is_opened_again(clip, tmp_path):
    """As one that is still being written when the film before it is sent."""
    growing, whole = tmp_path / "growing.mp4", clip.read_bytes()
    growing.write_bytes(whole[: len(whole) // 3])
    windows = iter(MediaWindows([clip, growing], None, failures=(failures := [])))
    assert next(windows).start == 0
    growing.write_bytes(whole)
    assert [len(window.seconds) for window in windows] == [10] and not failures


def test_an_interrupt_while_the_next_file_is_opened_leaves_no_thread(clip, monkeypatch):
    before, first = set(threading.enumerate()), MediaSource(clip)

    def opened(name, *more):
        if sources:
            return sources.pop()
        raise KeyboardInterrupt

    sources = [first]
    monkeypatch.setattr(perception, "MediaSource", opened)
    with pytest.raises(KeyboardInterrupt):
        next(iter(MediaWindows([clip, clip], None)))
    assert stray(before, 3) == set()


def test_a_broken_file_fails_when_its_turn_comes(clip, tmp_path):
    broken, failures = tmp_path / "broken.mp4", []
    broken.write_bytes(b"no film")
    windows = iter(MediaWindows([clip, broken, clip], None, failures=failures))
    assert next(windows).start == 0 and not failures
    assert [window.name for window in windows] == [str(clip)]
    assert len(failures) == 1 and "broken.mp4" in failures[0]


def test_sliding_windows_end_with_each_second(clip, compact):
    whole = list(MediaWindows([clip], compact, length=10))[0]
    sliding = list(MediaWindows([clip], compact, length=4, sliding=True))
    assert [(w.start, len(w.seconds)) for w in sliding] == [
        (max(0, n - 3), min(n + 1, 4)) for n in range(10)
    ]
    np.testing.assert_allclose(sliding[-1].audio, whole.audio[-4:], atol=1e-4)
    np.testing.assert_allclose(sliding[-1].visual, whole.visual[-4:], atol=1e-4)


def seconds_of(*numbers):
    """Each of 768 + 64,000 bytes."""
    return [
        Second(n, np.zeros((16, 4, 4, 3), np.uint8), np.zeros(16000, np.float32)) for n in numbers
    ]


def window(seconds):
    return Window("film", seconds[0].number, 0.0, seconds, np.zeros(0), np.zeros(0))


def test_a_store_keeps_what_is_in_flight():
    store = WindowStore()
    store.keep(0, window(seconds_of(0)))
    assert store.window(0) is None and store.bytes == 0  # nobody watches
    store.watch()
    for number in range(40):
        store.keep(number, window(seconds_of(number)))
    assert all(store.window(n).start == n for n in range(40))
    store.keep(0, window(seconds_of(7)))  # the flowgraph has started again
    assert store.window(0).start == 7 and store.window(39) is None


def test_a_store_is_bounded_by_memory():
    size = 768 + 64_000
    store = WindowStore(limit=4 * size)
    store.watch()
    for number in range(3):
        store.keep(number, window(seconds_of(2 * number, 2 * number + 1)))
    assert store.bytes == 4 * size and store.window(0) is None
    assert store.dropped == 1  # it was in flight
    assert store.window(1).start == 2
    store.keep(3, window(seconds_of(6, 7)))
    assert store.window(1) is None and store.window(2).start == 4
    assert store.dropped == 1  # it had been asked for
    store.keep(4, window(seconds_of(*range(9))))
    assert store.window(4) is not None  # one window stays, however large


def test_a_store_counts_shared_seconds_once():
    seconds = seconds_of(*range(6))
    store = WindowStore(limit=4 * (768 + 64_000))
    store.watch()
    for number in range(4):  # sliding windows of 3 s
        store.keep(number, window(seconds[number : number + 3]))
    assert store.bytes == store.limit
    assert [store.window(n) is not None for n in range(4)] == [False, False, True, True]
