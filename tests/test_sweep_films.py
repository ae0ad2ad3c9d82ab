# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Films of a sweep, each in a process of its own: the record of one process to the last digit."""

import contextlib
import json
import os
import pickle
import random
import signal
from itertools import islice
from pathlib import Path

import pytest
from conftest import tiny_system
from gnuradio.semcom.base.errors import BlockError, SemcomError
from gnuradio.semcom.base.programs import Stopped
from gnuradio.semcom.cli import run_link
from gnuradio.semcom.data.clipset import AVE_CLASSES
from gnuradio.semcom.data.films import Films
from gnuradio.semcom.run import parts, runner
from gnuradio.semcom.run.films import run_films
from gnuradio.semcom.run.runner import measure, run_point
from gnuradio.semcom.run.scenario import Scenario
from gnuradio.semcom.sweep.cluster import Died
from gnuradio.semcom.weights import store
from test_sweep import swept, text, two  # noqa: F401  the last is a fixture

pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def media(tmp_path_factory) -> list:
    """Films: of 1 clip without sound and at a rate that varies, no film, cut off in its second
    clip, missing, of sound alone.  Two of them have a truth."""
    from media_clips import maker  # loads PyAV

    folder = tmp_path_factory.mktemp("films")
    make = maker(folder)
    make("varies.mp4", times=[0, 0.1, 0.9, 1.4, 1.7], audio="")
    (folder / "text.mp4").write_text("no film")
    whole = make("whole.mkv", 19).read_bytes()
    (folder / "cut.mkv").write_bytes(whole[: len(whole) * 3 // 5])
    make("heard.wav", 1)
    (folder / "Annotations.txt").write_text("Bark&cut&good&2&11\nBark&varies&good&0&1\n")
    names = ("varies.mp4", "text.mp4", "cut.mkv", "missing.mp4", "heard.wav")
    return [str(folder / name) for name in names]


@pytest.fixture(scope="module")
def ave_classes(tmp_path_factory) -> str:
    """Path of a tiny system that knows AVE's events."""
    path, net = tmp_path_factory.mktemp("models") / "tiny.safetensors", tiny_system()
    net.classes = AVE_CLASSES
    store.save(path, net, variant="full", data="media")
    return str(path)


class Shuffled:
    """A cluster in this process that does calls in an order drawn at random.

    ``labels`` names the calls that were done.
    """

    def __init__(self, seed: int):
        self.random, self.labels, self._waiting = random.Random(seed), [], []

    def workers(self) -> dict:
        return {}

    def results(self, calls):
        calls = iter(calls)
        while more := [*islice(calls, 5), *self._waiting]:
            self._waiting = more
            call = more.pop(self.random.randrange(len(more)))
            self.labels.append(call.label)
            function, arguments = pickle.loads(pickle.dumps((call.function, call.arguments)))
            yield call, pickle.loads(pickle.dumps(function(*arguments)))

    def drop(self, unwanted) -> None:
        self._waiting = [call for call in self._waiting if not unwanted(call)]


def test_each_film_is_a_call_and_the_records_are_those_of_one_process(
    two,  # noqa: F811
    media,
    ave_classes,
):
    model = {"checkpoint": ave_classes, "media": tuple(media)}
    several = [Scenario(snr=snr, **model) for snr in (-3.0, 9.0)]
    expected = [run_point(point, Films(media)) for point in several]
    (first, _) = expected
    assert first["frames_sent"] == first["frames_received"] == 4
    names = [Path(line.partition(": ")[0]).name for line in first["media_failed"]]
    assert names == ["text.mp4", "missing.mp4"]
    assert [(film["file"], len(film["events"])) for film in first["media"]] == [
        ("varies.mp4", 2), ("cut.mkv", 10), ("cut.mkv", 2), ("heard.wav", 1),
    ]  # fmt: skip
    assert first["segments"] == 14 and first["media"][2]["truth"] == ["Bark", "background"]
    found = swept(two, several, Films(media))
    assert [text(found[number]) for number in range(2)] == [*map(text, expected)]


@pytest.mark.parametrize(("frames", "films", "failures"), [(1, 1, 0), (2, 3, 1)])
def test_frames_that_end_with_a_film_or_within_one_are_those_of_one_process(
    media, ave_classes, frames, films, failures
):
    """The films behind are not measured, and errors of theirs are not told."""
    point = Scenario(checkpoint=ave_classes, frames=frames, media=tuple(media))
    cluster, expected = Shuffled(frames), run_point(point, Films(media))
    assert text(swept(cluster, [point], Films(media))[0]) == text(expected)
    assert (expected["frames_sent"], len(expected["media_failed"])) == (frames, failures)
    assert len(cluster.labels) == len(media) + films


@pytest.mark.parametrize("options", [{"until_errors": 2}, {"attempts": 2}], ids=str)
def test_films_in_any_order_give_the_record_of_one_process(media, ave_classes, options):
    """The second error is in the third film."""
    varies, no_film, *_, heard = media
    names = (varies, heard, varies, no_film)
    point = Scenario(checkpoint=ave_classes, snr=-9.0, media=names, **options)
    expected = run_films(point, Films(names)).record
    assert text(swept(Shuffled(1), [point], Films(names))[0]) == text(expected)
    assert expected["frames_sent"] == 3
    assert len(expected["media_failed"]) == (0 if point.until_errors else 1)


def test_films_use_one_thread_whatever_their_process_has(media, ave_classes):
    """With two threads of BLAS the last bits of a sound's spectrum are others."""
    limits = pytest.importorskip("threadpoolctl").threadpool_limits
    point, records = Scenario(checkpoint=ave_classes), []
    for threads in (1, 2):
        with limits(threads, "blas"):
            records.append(text(run_films(point, Films(media[-1:])).record))
    assert records[0] == records[1]


SHOWN = {
    "digital": {"task": "media", "size": 32, "snr": 20.0},
    "m3e_vsc": {"antennas": 1, "snr": 15.0},
}


@pytest.mark.parametrize("system", SHOWN)
def test_films_that_are_shown_again_are_a_call_each(make, tiny_generative, system):
    names = [str(make(f"{number}.mp4", 1, rate=5 * number)) for number in (1, 2)]
    checkpoint = tiny_generative if system == "m3e_vsc" else ""
    point = Scenario(system=system, media=tuple(names), checkpoint=checkpoint, **SHOWN[system])
    cluster = Shuffled(1)
    (found,) = swept(cluster, [point], Films(names)).values()
    assert text(found) == text(run_point(point, Films(names)))
    assert len(cluster.labels) == 4 and found["clips"] == found["seconds"] == 2


def test_what_is_no_file_or_is_alone_is_one_call(media, make):
    point, pipe = Scenario(media=("x",)), make("pipe.mp4", 1).with_name("pipe")
    os.mkfifo(pipe)
    assert parts.is_divisible(point, Films(media))
    for films in (Films(media[:1]), Films([media[0], pipe]), Films([media[0], "lavfi:testsrc2"]),
                  Films(media, microphone="alsa:default")):  # fmt: skip
        assert not parts.is_divisible(point, films)
    assert not parts.is_divisible(Scenario(radio="mock:bench"), Films(media))


def test_a_film_that_changes_is_not_taken_for_what_was_counted(media, ave_classes):
    point = Scenario(checkpoint=ave_classes)
    with pytest.raises(SemcomError, match=r"varies.mp4: 1 clips, 2 were counted before; keep"):
        measure(point, Films(media).file(0), (0, 2, 0))


def test_films_of_which_none_can_be_read_are_an_error_on_a_cluster_too(media, ave_classes):
    names = [media[1], media[3]]
    point = Scenario(checkpoint=ave_classes, media=tuple(names))
    with pytest.raises(BlockError, match=r"text.mp4: cannot be read .*; .*missing.mp4: No such"):
        swept(Shuffled(0), [point], Films(names))


def test_a_film_that_ends_the_workers_that_count_it_is_told(media, ave_classes):
    class Deadly(Shuffled):
        def results(self, calls):
            yield next(iter(calls)), Died("clips of a.mp4: ended 3 workers")

    several = [Scenario(checkpoint=ave_classes, media=tuple(media), snr=snr) for snr in (0.0, 5.0)]
    found = swept(Deadly(0), several, Films(media))
    assert [found[number].line for number in range(2)] == ["clips of a.mp4: ended 3 workers"] * 2


@pytest.mark.parametrize("stop", [Stopped(signal.SIGTERM), BlockError("failed")], ids=str)
def test_a_sweep_that_is_stopped_keeps_the_films_that_came(
    media, ave_classes, monkeypatch, tmp_path, stop
):
    class Stopping(Shuffled):
        """Ends with the second point, when two films of the first and no film are done."""

        def results(self, calls):
            for call in calls:
                number, span = call.key if isinstance(call.key, tuple) else (0, None)
                if number:
                    raise stop
                if not span or span.file in (0, 1, 4):
                    yield call, call.function(*call.arguments)

    path = tmp_path / "films.json"
    words = ["--media", *media, "--snr=-3,9", "--checkpoint", ave_classes, "--json", path]
    args = run_link.parse([*map(str, words), "--workers", "2"])
    cluster = contextlib.nullcontext(Stopping(0))
    monkeypatch.setattr(run_link, "opened", lambda options: cluster)
    several, records = run_link.points_of(args), []
    with pytest.raises(type(stop)):
        run_link.run_all(several, Films(media), args, records)
    (record,) = json.loads(path.read_text())["records"]
    assert record["stopped"] == str(stop) and record["frames_sent"] == 2
    films = {film["file"]: film["events"] for film in record["media"]}
    whole = run_point(several[0], Films(media))["media"]
    assert films == {film["file"]: film["events"] for film in (whole[0], whole[-1])}
    assert [Path(line.partition(": ")[0]).name for line in record["media_failed"]] == ["text.mp4"]


@pytest.mark.parametrize("until_errors", [0, 9], ids=["in one run", "in parts"])
def test_a_stop_before_the_first_film_that_can_be_read_is_a_stop(media, ave_classes, until_errors,
                                                                 monkeypatch):  # fmt: skip
    """Not the error that no film can be read."""
    names = [media[3], media[1]] if not until_errors else [media[3], media[0]]
    real = runner.guard.run

    def stopped(flowgraph, **how):
        real(flowgraph, **how)
        raise Stopped(signal.SIGTERM)

    monkeypatch.setattr(runner.guard, "run", stopped)
    point = Scenario(checkpoint=ave_classes, media=tuple(names), until_errors=until_errors)
    with pytest.raises(Stopped) as caught:
        run_films(point, Films(names))
    record = caught.value.result.record
    assert (record["stopped"], record["frames_sent"]) == ("SIGTERM", 0)


def test_films_that_are_stopped_keep_what_came(media, ave_classes, monkeypatch):
    """With --until-errors, when they are parts also in one process."""
    varies, no_film, *_, heard = media
    names = [varies, no_film, heard, varies]
    point = Scenario(checkpoint=ave_classes, media=tuple(names), until_errors=999)

    def stopped(point, clips, span, *rest, **how):
        part = measure(point, clips, span, *rest, **how)
        if span.file < 2:
            return part
        stop = KeyboardInterrupt()
        stop.result = part
        raise stop

    monkeypatch.setattr(runner, "measure", stopped)
    with pytest.raises(KeyboardInterrupt) as caught:
        run_films(point, Films(names))
    found = caught.value.result
    assert found.record["stopped"] == "SIGINT" and found.record["frames_sent"] == 2
    assert len(found.windows) == len(found.record["media"]) == 2
    assert len(found.record["media_failed"]) == 1
