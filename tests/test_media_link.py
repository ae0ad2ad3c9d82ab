# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""apps/run_link.py --media: files over the link to decisions, JSON and video."""

import io
import json
import signal
from dataclasses import replace
from types import SimpleNamespace

import av
import numpy as np
import pytest
import torch
from conftest import tiny_system
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.base.programs import Stopped
from gnuradio.semcom.cli import run_link
from gnuradio.semcom.data.clipset import AVE_CLASSES
from gnuradio.semcom.data.composition import compose, random_script, write_clip
from gnuradio.semcom.data.films import Films
from gnuradio.semcom.data.material_drawn import DrawnMaterial
from gnuradio.semcom.data.synthetic import SyntheticSet
from gnuradio.semcom.media.clip import Media
from gnuradio.semcom.media.sources import MediaSource
from gnuradio.semcom.perception.features import extractor
from gnuradio.semcom.perception.windows import MediaWindows
from gnuradio.semcom.report.film import ShownFilm
from gnuradio.semcom.run.films import FilmsRun, Understood, run_films, table
from gnuradio.semcom.run.runner import run_point
from gnuradio.semcom.run.scenario import Scenario
from gnuradio.semcom.weights import store as checkpoint
from rich.console import Console

APP = "apps/run_link.py"


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A drawn clip of 4 s as a file."""
    material, rng = DrawnMaterial(), np.random.default_rng(7)
    path = tmp_path_factory.mktemp("media") / "clip.mp4"
    script = random_script(rng, material.events(), seconds=4)
    write_clip(path, *compose(rng, material, script), seconds=4)
    return path


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    net = tiny_system()
    net.classes = AVE_CLASSES
    checkpoint.save(path, net, variant="full", data="media")
    return path


def test_a_clip_goes_over_the_link_and_is_drawn(program, clip, untrained, tmp_path):
    out, film = tmp_path / "media.json", tmp_path / "film.mp4"
    (clip.parent / "Annotations.txt").write_text("Bark&clip&good&1&3\n")
    done = program(APP, "--media", clip, clip, "--checkpoint", untrained, "--json", out,
                   "--render", film, "--profile")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "clip.mp4" in done.stdout and "times real time" in done.stdout
    for stage in ("features", "encode", "radio", "decode"):
        assert stage in done.stdout
    (record,) = json.loads(out.read_text())["records"]
    assert (record["seconds"], record["frames_sent"], record["frames_received"]) == (8, 2, 2)
    assert record["measured_snr_db"] == pytest.approx(10, abs=4)
    first, second = record["media"]
    assert first["file"] == "clip.mp4" and len(first["events"]) == 4
    assert first["truth"] == ["background", "Bark", "Bark", "background"]
    decided = [event["event"] for event in first["events"] + second["events"]]
    right = [a == b for a, b in zip(decided, 2 * first["truth"], strict=True)]
    assert record["accuracy"] == sum(right) / 8
    with av.open(str(film)) as file:
        assert sum(1 for _ in file.decode(video=0)) == 4 * 16
    sound = np.concatenate([s.sound for s in MediaSource(clip)])
    drawn = np.concatenate([s.sound for s in MediaSource(film)])
    assert np.corrcoef(sound, drawn[: len(sound)])[0, 1] > 0.95


def test_weights_with_classes_of_their_own_name_these(program, clip, tmp_path):
    """The truth beside the film is in these classes, too, and no class is said to be unknown."""
    weights, out = tmp_path / "own.safetensors", tmp_path / "own.json"
    net = tiny_system(classes=3, audio_dim=128, visual_dim=128, height=5, width=5)
    net.classes = ("Door knock", "Bark", "background")
    checkpoint.save(weights, net, variant="full", data="doors")
    (clip.parent / "Annotations.txt").write_text("Door knock&clip&good&1&3\n")
    done = program(APP, "--media", clip, clip, "--checkpoint", weights, "--json", out,
                   "--render", tmp_path / "own.mp4")  # fmt: skip
    assert done.returncode == 0 and "not a class" not in done.stderr, done.stderr
    (record,) = json.loads(out.read_text())["records"]
    for film in record["media"]:
        assert film["truth"] == ["background", "Door knock", "Door knock", "background"]
        assert {event["event"] for event in film["events"]} <= set(net.classes)
    assert record["accuracy"] is not None
    films = Films([clip])
    digest = films.digest()  # by which a worker knows its film, whose classes it learns later
    films.suit(net.sizes(), net.classes)
    assert films.digest() == digest == Films([clip]).digest()
    (clip.parent / "Annotations.txt").write_text("Bark&clip&good&1&3\n")
    assert Films([clip]).digest() != digest


def test_classes_of_one_system_of_a_sweep_are_not_those_of_the_next(program, clip, untrained,
                                                                    tmp_path):  # fmt: skip
    """In any order; systems of two tasks have a table each."""
    own, out = tmp_path / "own.safetensors", tmp_path / "both.json"
    net = tiny_system(classes=3, audio_dim=128, visual_dim=128, height=5, width=5)
    net.classes = ("Door knock", "Bark", "background")
    checkpoint.save(own, net, variant="full", data="doors")
    learned = Scenario(media=(str(clip),), checkpoint=str(own), snr=20.0)
    classical = replace(learned, system="digital", source="jpeg+pcm", checkpoint="", task="events")
    alone, films = run_point(classical, Films([clip])), Films([clip])
    assert run_point(learned, films)["media"][0]["truth"][1] == "Bark"
    assert films.classes == net.classes
    after = run_point(classical, films)
    same = ("accuracy", "segments", "media", "scenario", "data_digest")
    assert {name: after[name] for name in same} == {name: alone[name] for name in same}
    words = ["--task", "media", "--source", "jpeg+pcm", "--media", clip, "--checkpoint", untrained]
    done = program(APP, "--system", "digital", "pilot_ave_plus", *words, "--json", out)
    assert done.returncode == 0 and "SSIM" in done.stdout, done.stderr
    tasks = [record["task"] for record in json.loads(out.read_text())["records"]]
    assert tasks == ["media", "events"]


def test_a_stop_before_the_first_clip_is_a_stop_with_a_record_and_no_film(clip, tmp_path,
                                                                          monkeypatch):  # fmt: skip
    stop = Stopped(signal.SIGTERM)
    stop.result = FilmsRun({"frames_received": 0}, [], {})

    def stopped(point, films, on_frames, on_outcome):
        raise stop

    monkeypatch.setattr("gnuradio.semcom.run.films.run_films", stopped)
    film = tmp_path / "film.mp4"
    words = ["--system", "digital", "--task", "media", "--media", clip, "--render", film]
    args = run_link.parse([*map(str, words)])
    (point,) = run_link.points_of(args)
    assert run_link.run_over_films(point, Films([clip]), args, print) == (stop.result, stop)
    assert not film.exists()


def test_a_film_with_categories_of_its_own_keeps_its_events(program, clip, untrained, tmp_path):
    (clip.parent / "Annotations.txt").write_text("Door knock&clip&good&1&3\n")
    done = program(APP, "--media", clip, "--checkpoint", untrained, "--json", tmp_path / "out.json")
    assert done.returncode == 0, done.stderr
    assert "line 1: 'Door knock' is not a class of the system" in done.stderr
    (record,) = json.loads((tmp_path / "out.json").read_text())["records"]
    (film,) = record["media"]
    assert film["truth"] is None and len(film["events"]) == 4 and record["accuracy"] is None
    assert record["channel_uses"]["pilots"] == 32 / 4  # of four seconds
    (clip.parent / "Annotations.txt").unlink()


def test_media_that_are_shown_again_are_drawn(program, clip, tiny_generative, tmp_path):
    """Two films, one after the other; the sentences are told as well."""
    out, film = tmp_path / "media.json", tmp_path / "film.mp4"
    words = ["--system", "m3e_vsc", "--checkpoint", tiny_generative, "--antennas", 1, "--snr", 30]
    done = program(APP, *words, "--media", clip, clip, "--json", out, "--render", film, "--profile")
    assert done.returncode == 0, done.stderr
    assert "sentence" in done.stdout and "ms per second of media" in done.stdout
    (record,) = json.loads(out.read_text())["records"]
    assert [each["start"] for each in record["media"]] == [0, 0]
    for each in record["media"]:
        assert len(each["said"]) == len(each["xi"]) == each["seconds"] == 4
        assert all(isinstance(said, str) for said in each["said"])
        assert all(0 <= xi <= 1 for xi in each["xi"])
    with av.open(str(film)) as file:
        pictures = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    assert len(pictures) == 2 * 4 * 16 and pictures[0].shape == (720, 1280, 3)
    (sent, *_), area = MediaSource(clip), pictures[8][50:470, 50:600].reshape(-1, 3)
    np.testing.assert_allclose(area.mean(0), sent.pictures[8].reshape(-1, 3).mean(0), atol=8)


def test_what_is_lost_is_drawn_as_lost(clip, tmp_path):
    """Of four clips the second and the last do not come; the third comes before the first."""
    films, added = Films([clip] * 4), []
    shown = [Media(symbols=n) for n in range(3)]
    drawn = ShownFilm(SimpleNamespace(add=lambda *pair: added.append(pair)), films)
    drawn.take(2, shown[2])
    drawn.take(0, shown[0])
    assert [came for _, came in added] == shown[:1]
    drawn.finish(4)
    assert [came for _, came in added] == [shown[0], None, shown[2], None]
    assert all(sent.seconds == 4 and len(sent.pictures) == 64 for sent, _ in added)


def test_the_classical_link_is_drawn(program, clip, tmp_path):
    film = tmp_path / "film.mp4"
    words = ["--system", "digital", "--task", "media", "--source", "webp+codec2", "--size", 32]
    done = program(APP, *words, "--media", clip, "--snr", 30, "--render", film)
    assert done.returncode == 0, done.stderr
    with av.open(str(film)) as file:
        assert sum(1 for _ in file.decode(video=0)) == 4 * 16


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--system", "deepsc", "--render", "film.mp4"], "only with --media"),
        (["--render", "film.mp4"], "only with --media"),
        (
            ["--system", "m3e_vsc", "--media", "README.md", "--render", "film.avi"],
            "must end in .mp4",
        ),
    ],
)
def test_render_where_it_draws_nothing_is_refused(program, words, message):
    done = program(APP, *words)
    assert done.returncode == 2 and message in done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--media", "none.mp4"], "none.mp4: No such file"),
        (["--media", "README.md"], "README.md: cannot be read as media"),
        (["--media", "apps"], "apps: a folder"),
        (
            ["--media", "README.md", "--snr", "0,10", "--render", "film.mp4"],
            "draws one point, 2 are",
        ),
        (["--media", "README.md", "--render", "film.avi"], "must end in .mp4"),
        (["--media", "README.md", "--features", "vgg"], "give --weights"),
        (["--media", "v4l2:/dev/video99"], "/dev/video99: cannot be read"),
    ],
)
def test_what_cannot_be_sent_says_why(program, untrained, words, message):
    done = program(APP, *words, "--checkpoint", untrained)
    assert done.returncode in (1, 2)
    assert message in done.stderr.strip().splitlines()[-1]


def test_a_device_is_sent_like_a_file(program, untrained):
    devices = ["--media", "lavfi:testsrc2=rate=16:duration=12"]
    devices += ["--microphone", "lavfi:sine=duration=12"]
    done = program(APP, *devices, "--checkpoint", untrained, "--frames", "1")
    assert done.returncode == 0, done.stderr
    assert "0-10" in done.stdout


def test_a_film_is_replayed_with_its_windows(clip, untrained, tmp_path):
    path, model = str(tmp_path / "air"), {"checkpoint": str(untrained)}
    air = Scenario(radio="mock:bench", snr=30.0, record=path, **model)
    replay = Scenario(radio=f"replay:{path}", **model)
    sent, again = (run_films(point, Films([clip, clip])).record for point in (air, replay))
    assert len(sent["media"]) == 2 and again["media"] == sent["media"]
    with pytest.raises(SemcomError, match=f"air: was sent from {clip.name}, .*--media"):
        run_films(replay, Films(["other.mp4"]))
    with pytest.raises(SemcomError, match="air: was sent from films; name them with --media"):
        run_point(replay, SyntheticSet("test"))
    longer = tmp_path / clip.name
    longer.write_bytes(clip.read_bytes() + bytes(8))
    with pytest.raises(SemcomError, match="these have .* give the same files"):
        run_films(replay, Films([longer, longer]))


def understood(events, truth):
    classes = ("Bark", "Cat", "background")
    told = 0.2 + 0.4 * np.eye(3, dtype=np.float32)[[classes.index(event) for event in events]]
    return Understood("a.mp4", 10, classes, told, truth, [])


def test_a_window_knows_its_events():
    window = understood(["Cat", "Cat", "background", "Bark"], None)
    assert window.events == ["Cat", "Cat", "background", "Bark"]
    np.testing.assert_allclose(window.confidence, 0.6)
    assert window.ranked() == ["Cat", "Bark"]


def test_the_table_joins_equal_seconds():
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(table([understood(["Bark", "Bark", "Cat"], ["Bark", "Cat", "Cat"])], "title"))
    text = console.export_text()
    assert "10-12" in text and "1 of 2" in text and "12-13" in text and "1 of 1" in text


@pytest.mark.parametrize("snr", [60.0, -20.0])
def test_attention_is_that_of_what_was_heard(clip, untrained, snr):
    """Without noise it is that of an error-free sidelink, with noise it is not."""
    point = Scenario(checkpoint=str(untrained), channel="awgn", snr=snr)
    (understood,) = run_films(point, Films([clip])).windows
    (window,), net = MediaWindows([clip], extractor("compact")), tiny_system()
    checkpoint.fill(untrained, net)
    with torch.inference_mode():
        heard = net.encode_audio(torch.from_numpy(window.audio)[None])
        alpha = net.guide(torch.from_numpy(window.visual)[None], heard)[0]
    expected = (alpha / alpha.amax((1, 2), keepdim=True)).numpy()
    heat = understood.attention
    assert heat.shape == (4, 7, 7) and heat.min() >= 0
    np.testing.assert_allclose(heat.max((1, 2)), 1)
    assert (np.abs(heat - expected).max() < 1e-2) == (snr > 0)
