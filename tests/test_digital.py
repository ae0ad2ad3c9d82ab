# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The classical link: what is sent is shown again, what is lost costs what is said."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.cli import run_link
from gnuradio.semcom.media.clip import Media
from gnuradio.semcom.media.codecs import pictures, sounds
from gnuradio.semcom.media.store import STORE, handle_items
from gnuradio.semcom.run.scenario import Scenario, settings
from gnuradio.semcom.systems.digital import Digital, DigitalSettings
from gnuradio.semcom.systems.loading import joined, load_system, read_settings
from gnuradio.semcom.systems.registry import settings_of
from gnuradio.semcom.tasks.media import MediaTask


@pytest.fixture(scope="module")
def media():
    """Ten seconds of a ball that rolls over a slope, and of a rising tone."""
    y, x = np.mgrid[:48, :64]
    slope = np.stack([2 * x + y, 255 - 3 * y, x + 2 * y], -1)
    shown = [np.where((((x - 6 - n / 3) ** 2 + (y - 24) ** 2) < 60)[..., None], 230, slope)
             for n in range(160)]  # fmt: skip
    time = np.arange(160_000) / 16_000
    sound = (0.4 * np.sin(2 * np.pi * (300 + 40 * time) * time)).astype(np.float32)
    return Media(np.array(shown).astype(np.uint8), sound)


def system(**settings):
    return Digital(DigitalSettings(**{"task": "media", "size": 48, **settings}))


def sent(net, media):
    """Symbols [K, n] of a clip."""
    items = torch.from_numpy(handle_items(STORE.keep(media), media.seconds))
    return np.stack([net.send(name, [items], {})[0].numpy() for name in net.topology.names])


def received(net, symbols, noise):
    """Media that are shown again, and the share of blocks that came."""
    units, came = net.units(symbols, noise)
    return net.shown_again(units), np.mean(
        [each.mean() if len(each) else 0.0 for each in came.values()]
    )


def small_noise(symbols):
    return np.full(symbols.shape, 1e-3, np.float32)


@pytest.mark.parametrize("variant, source", [
    ("full", "h265+opus"), ("audio_only", "opus"), ("video_only", "h265")])  # fmt: skip
def test_without_a_source_the_usual_codecs_are_used_and_recorded(variant, source):
    point = Scenario(system="digital", task="media", variant=variant)
    assert settings(point)["source"] == settings_of(point).source == source
    assert settings(point) == settings(replace(point, source=source))
    assert Digital(settings_of(point)).settings.source == source
    words = ["--system", "digital", "--task", "media", "--variant", variant, "--source", "", source]
    (once,) = run_link.points_of(run_link.parse(words))
    assert once.source == source


@pytest.mark.parametrize("source", ["h265+opus", "jpeg+pcm", "webp+codec2", "av1+aac"])
def test_without_noise_the_codecs_alone_decide(media, source):
    net = system(source=source, picture_rate=2, quality=60)
    symbols = sent(net, media)
    shown, share = received(net, symbols, small_noise(symbols))
    picture, sound = source.split("+")
    chosen = [s * 16 + k for s in range(10) for k in (4, 12)]
    units = pictures.encode(picture, media.pictures[chosen], 60, 48)
    decoded = pictures.decode(picture, units, 20, (48, 64))
    np.testing.assert_array_equal(shown.pictures, np.repeat(decoded, 8, 0))
    units = sounds.encode(sound, media.sound, min(sounds.bitrates(sound)))
    again = sounds.decode(sound, units, 10)  # Codec 2 draws the phase of what has no pitch
    np.testing.assert_allclose(shown.sound, again, atol=0.01 if sound == "codec2" else 0)
    assert share == 1.0


def test_streams_of_a_frame_are_as_long_as_the_longer_one_and_of_unit_power(media):
    net = system(source="h265+pcm")
    symbols = sent(net, media)
    assert symbols.shape[0] == 2
    np.testing.assert_allclose(np.mean(np.abs(symbols) ** 2, 1), 1, atol=1e-3)
    alone = system(source="h265", variant="video_only")
    assert alone.topology.names == ("video",)
    assert sent(alone, media).shape[1] < symbols.shape[1] / 4  # PCM made it long


def test_a_lost_block_costs_its_units(media):
    net = system(source="jpeg+pcm", quality=30)
    symbols = sent(net, media)
    noise = small_noise(symbols)
    whole, _ = received(net, symbols, noise)
    code = net.code
    blocks, _ = code.payload(symbols.shape[1])
    bits, good = code.decode(symbols[1], noise[1])
    lost = good.copy()
    lost[40] = False  # of the second picture or a later one
    net.code = _Damaged(code, lost, stream=1)
    shown, share = received(net, symbols, noise)
    assert share == pytest.approx(1 - 0.5 / blocks)
    np.testing.assert_array_equal(shown.sound, whole.sound)
    shown, whole = shown.pictures[::16], whole.pictures[::16]
    same = (shown == whole).all((1, 2, 3))
    assert 0 < (~same).sum() <= 3
    first = int(np.flatnonzero(~same)[0])
    np.testing.assert_array_equal(shown[first], whole[first - 1])


class _Damaged:
    """A code whose receiver loses given blocks of one stream."""

    def __init__(self, code, good, stream):
        self._code, self._good, self._stream, self._calls = code, good, stream, 0
        self.payload = code.payload

    def decode(self, symbols, noise):
        bits, good = self._code.decode(symbols, noise)
        self._calls += 1
        return (bits, self._good) if self._calls - 1 == self._stream else (bits, good)


@pytest.mark.parametrize(("rate", "count"), [(0.1, 1), (0.5, 5), (3, 30), (16, 160)])
def test_pictures_are_held_until_the_next_one(media, rate, count):
    net = system(source="jpeg", variant="video_only", picture_rate=rate, quality=95)
    symbols = sent(net, media)
    shown, _ = received(net, symbols, small_noise(symbols))
    assert shown.pictures.shape == media.pictures.shape
    changes = (shown.pictures[1:] != shown.pictures[:-1]).any((1, 2, 3)).sum()
    assert changes == count - 1
    if rate < 1:
        error = np.abs(shown.pictures[0].astype(float) - media.pictures[int(8 / rate)])
        assert error.mean() < 4


@pytest.mark.parametrize("later", [{"code": "1/2"}, {"modulation": "64qam"}, {"source": "av1+aac"}])
def test_terminals_of_a_clip_agree_while_settings_change(media, later):
    before, after = system(quality=30), system(quality=30, **later)
    handle = STORE.keep(media)
    items = [torch.from_numpy(handle_items(handle, media.seconds))]
    audio = before.send("audio", items, {})[0].numpy()
    video = after.send("video", items, {})[0].numpy()  # changed between the two
    np.testing.assert_array_equal(np.stack([audio, video]), sent(before, media))
    again = [after.send(name, items, {})[0].numpy() for name in ("video", "audio")]
    np.testing.assert_array_equal(np.stack(again[::-1]), sent(after, media))


def test_a_frame_of_other_settings_shows_nothing(media):
    symbols = sent(system(source="jpeg+codec2"), media)
    other = system(source="jpeg+codec2", code="1/2")
    shown, share = received(other, symbols, small_noise(symbols))
    assert share == 0 and shown is None
    net = system(source="codec2", variant="audio_only", length=1944, code="1/2", task="events")
    odd = next(n for n in range(973, 1100) if net.code.payload(n) == (0, 0))
    shown, share = received(net, np.ones((1, odd), np.complex64), np.ones((1, odd), np.float32))
    assert share == 0 and not shown.sound.any()


@pytest.mark.parametrize("task", ["media", "events"])
def test_what_the_receiver_tells_of_a_frame(media, task):
    net = system(task=task, source="jpeg+opus", quality=30)
    symbols, rng = sent(net, media), np.random.default_rng(3)
    spread = rng.standard_normal((2, *symbols.shape))
    noisy = (symbols + np.sqrt(0.37 / 2) * (spread[0] + 1j * spread[1])).astype(np.complex64)
    noise = np.full(noisy.shape, 0.37, np.float32)
    came = {name: net.code.decode(*row)[1] for name, row in
            zip(("audio", "video"), zip(noisy, noise, strict=True), strict=True)}  # fmt: skip
    outcomes, shares, (known,) = net.told([torch.from_numpy(noisy)], [torch.from_numpy(noise)])
    assert known["symbols"] == symbols.shape[1]
    for name, good in came.items():
        assert 0 < np.sum(~good) < len(good)
        np.testing.assert_array_equal(known["blocks"][name], good)
    assert float(shares) == pytest.approx(np.mean([np.mean(good) for good in came.values()]))
    shown, share = received(net, noisy, noise)
    assert share == pytest.approx(float(shares))
    np.testing.assert_array_equal(STORE.get(known["media"]).pictures, shown.pictures)
    if task == "media":
        assert int(outcomes[0][0, 0]) == known["media"]


def test_nothing_heard_is_grey_and_silent(media):
    net = system(source="h264+opus", task="events")
    symbols = sent(net, media)
    noise = np.full(symbols.shape, np.inf, np.float32)
    shown, share = received(net, np.zeros_like(symbols), noise)
    assert share == 0 and (shown.pictures == 128).all() and not shown.sound.any()
    net = system(source="h264+opus")
    frame = torch.from_numpy(np.zeros_like(symbols)), torch.from_numpy(noise)
    (handles,), _ = net.judged([frame[0]], [frame[1]])
    task = MediaTask(distance=None)
    assert task.outcome(handles.numpy()) is None
    row = task.score(media, None)
    figures = task.figures(row[None], seed=0)
    assert figures["clips_missed"] == 1 and figures["ssim"] < 0.7


def test_one_head_is_enough_for_both_streams(media):
    net = system(source="h264+opus")
    symbols = sent(net, media)
    noise = small_noise(symbols)
    noise[1] = np.inf
    shown, _ = received(net, symbols, noise)
    assert shown.pictures.shape == media.pictures.shape and (shown.pictures == 128).all()
    assert shown.sound.any()


def test_quality_is_lowered_until_the_payload_holds_the_clip(media):
    free = system(source="jpeg", variant="video_only", quality=90)
    needed = sent(free, media).shape[1]
    net = system(source="jpeg", variant="video_only", quality=90, payload=needed // 2)
    symbols = sent(net, media)
    assert 0.9 * needed / 2 < symbols.shape[1] <= needed / 2
    shown, share = received(net, symbols, small_noise(symbols))
    assert share == 1 and net.figures(net.counts())["units_cut"] == 0
    best = sent(free, media)
    whole, _ = received(free, best, small_noise(best))
    errors = [np.mean((m.pictures[8::16] - media.pictures[8::16].astype(float)) ** 2)
              for m in (whole, shown)]  # fmt: skip
    assert errors[0] < errors[1] < 900


def test_what_does_not_fit_is_cut_and_told(media):
    net = system(source="jpeg+pcm", payload=3000)
    symbols = sent(net, media)
    told = net.figures(net.counts())
    assert symbols.shape[0] == 2 and 2500 < symbols.shape[1] <= 3000
    assert told["units_cut"] > 0.2 and told["payload_needed"] > 50_000
    shown, _ = received(net, symbols, small_noise(symbols))
    assert shown.sound[:16_000].any() is np.False_ or not shown.sound[-16_000:].any()
    net.begin()
    assert net.figures(net.counts())["units_cut"] is None


def test_events_are_told_of_what_was_decoded(media):
    net = Digital(DigitalSettings(source="h265+opus", quality=60))
    symbols = sent(net, media)
    frame = torch.from_numpy(symbols), torch.from_numpy(small_noise(symbols))
    (told,), share = net.judged([frame[0]], [frame[1]])
    assert told.shape == (10, 29) and float(share) == 1
    torch.testing.assert_close(told.sum(1), torch.ones(10))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"source": "jpeg"}, "source 'jpeg': expected one of .* and one of"),
        (
            {"source": "jpeg+pcm", "variant": "audio_only"},
            "source 'jpeg[+]pcm': expected one of pcm.*such as pcm$",
        ),
        ({"source": "bpg+pcm"}, "source 'bpg[+]pcm'"),
        ({"picture_rate": 17.0}, "picture rate 17: expected 0.1 to 16 Hz"),
        (
            {"payload": 20},
            "payload of 20 symbols: too short for a unit at qpsk, 3/4; give at least 1..",
        ),
        ({"modulation": "8psk"}, "8psk"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings, said):
    with pytest.raises(SemcomError, match=said):
        system(**settings)


def test_settings_travel_as_text():
    settings = DigitalSettings(source="av1+codec2", code="5/6", repetition=4, quality=7)
    text = joined("", settings)
    assert "source=av1+codec2" in text and "code=5/6" in text
    assert read_settings("digital", text[1:]) == settings
    assert load_system("digital", "?code=2/3").settings.code == "2/3"
    with pytest.raises(SemcomError, match="setting 'speed' of digital: unknown, expected task"):
        load_system("digital", "?speed=3")
    with pytest.raises(SemcomError, match="setting size of digital: 'big', expected one such"):
        load_system("digital", "?size=big")
    with pytest.raises(SemcomError, match="setting 'code' of pilot_ave: unknown, it has none"):
        load_system("pilot_ave", "?code=2/3")


def test_it_runs_over_the_link_within_a_budget(program, tmp_path):
    path = tmp_path / "digital.json"
    words = ["--system", "digital", "--frames", 2, "--channel", "awgn", "--snr", 20, "--json", path]
    done = program("apps/run_link.py", *words, "--uses", 16000, "--size", 64, "--source",
                   "av1+opus", "--modulation", "64qam")  # fmt: skip
    assert done.returncode == 0, done.stderr
    (record,) = json.loads(path.read_text())["records"]
    uses = record["channel_uses"]
    assert 15800 < 10 * (uses["payload"] + uses["pilots"]) <= 16000 and uses["sidelink"] == 0
    assert record["blocks_lost"] == 0 and record["units_cut"] == 0
    assert record["accuracy"] > 0.5 and record["scenario"]["source"] == "av1+opus"
    done = program("apps/run_link.py", *words, "--uses", 600)
    assert done.returncode == 0 and "did not fit: the largest clip needs" in done.stderr
    done = program("apps/run_link.py", *words, "--uses", 40)
    assert done.returncode == 2 and "too short for a unit at qpsk" in done.stderr


def test_media_are_judged_and_asked_for_again(program, tmp_path):
    path = tmp_path / "media.json"
    words = ["--system", "digital", "--task", "media", "--frames", 1, "--snr", 7, "--size", 32]
    done = program("apps/run_link.py", *words, "--attempts", 1, 4, "--json", path)
    assert done.returncode == 0, done.stderr
    once, again = json.loads(path.read_text())["records"]
    assert once["task"] == again["task"] == "media"
    assert again["ssim"] >= once["ssim"] and again["channel_uses"]["return"] > 0


def test_a_semantic_system_keeps_a_budget_or_says_what_it_needs(program):
    done = program("apps/run_link.py", "--frames", 1, "--uses", 300)
    assert done.returncode == 2
    assert "--uses 300: pilot_ave_plus needs 384 for a clip, 160 of them payload" in done.stderr
    assert program("apps/run_link.py", "--frames", 1, "--uses", 384).returncode == 0
