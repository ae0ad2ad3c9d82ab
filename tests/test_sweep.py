# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Points in parts and in many processes: the record of one process to the last digit, whoever does
what, and whoever dies."""

import json
import os
import random
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import start_program
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.data import GrammarSentences, SyntheticSet
from gnuradio.semcom.run import identity, parts, runner
from gnuradio.semcom.run.records import lasting
from gnuradio.semcom.run.runner import joined_record, measure, run_point
from gnuradio.semcom.run.scenario import Scenario
from gnuradio.semcom.run.sets import clips_of
from gnuradio.semcom.sweep import cluster as clusters
from gnuradio.semcom.sweep import hosts, points
from gnuradio.semcom.sweep.cluster import Call, Cluster, Died
from gnuradio.semcom.sweep.options import ClusterOptions

distributed = pytest.importorskip("distributed")
FRAMES = 52  # no whole number of batches
LOT = 2 * parts.BATCH


def text(record: dict) -> str:
    """What of a record does not depend on how long it took, as it stands in a file."""
    return json.dumps(lasting(record))


POINTS = {
    "pilot_ave_plus": Scenario(snr=0.0, frames=FRAMES, seed=3),
    "moving channel": Scenario(snr=5.0, frames=FRAMES, doppler=1e-3, pilot_spacing=16),
    "other symbols": Scenario(system="pilot_ave", snr=5.0, frames=FRAMES, checkpoint="ave28"),
    "asked again": Scenario(snr=-5.0, frames=FRAMES, attempts=3, ask_below=0.95),
    "sentences": Scenario(system="deepsc", snr=3.0, frames=FRAMES),
    "sentences by codes": Scenario(system="digital_text", snr=6.0, frames=FRAMES),
}


def set_of(point: Scenario):
    return GrammarSentences("test") if "text" in point.system or point.system == "deepsc" else (
        SyntheticSet("test"))  # fmt: skip


@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
def test_any_parts_in_any_order_give_the_record_of_the_whole(point):
    clips = set_of(point)
    expected = run_point(point, clips)
    for most in (parts.BATCH, 2 * parts.BATCH):
        found = [measure(point, clips, span) for span in parts.spans(point, clips, most)]
        assert len(found) == -(-FRAMES // most)
        random.Random(most).shuffle(found)
        assert text(joined_record(point, clips, found)) == text(expected)
    assert expected["frames_sent"] == expected["frames_received"] == FRAMES


def test_a_part_is_of_its_own_frames():
    """A swap of parts, or a frame counted twice, would change the sums."""
    point, clips = POINTS["pilot_ave_plus"], SyntheticSet("test")
    first, last = (measure(point, clips, span) for span in ((0, 16), (48, 52)))
    assert sorted(first.scores) == list(range(16)) and sorted(last.scores) == [48, 49, 50, 51]
    both = parts.merged([last, first])
    assert list(both.scores) == sorted(both.scores) and both.sent == 20
    assert both.counts["frames_of_audio"] == 20 == len(both.measured[0])
    assert both.counts["symbols_of_audio"] == sum(
        part.counts["symbols_of_audio"] for part in (first, last)
    )


def test_of_what_begins_with_most_the_highest_counts():
    some = [parts.Part(counts={"blocks": n, "most_needed": 10 - n}) for n in (2, 5)]
    assert parts.merged(some).counts == {"blocks": 7, "most_needed": 8}


def test_until_errors_ends_after_the_same_lot_and_counts_to_the_same_frame(monkeypatch):
    monkeypatch.setattr(parts, "LOT", LOT)  # few frames do
    point, clips = Scenario(snr=-5.0, frames=400, until_errors=60), SyntheticSet("test")
    expected = run_point(point, clips)
    assert expected["frames_sent"] % LOT == 0 and expected["frames_sent"] < 400
    assert expected["frames_sent"] - LOT < expected["clips"] <= expected["frames_sent"]
    found = []
    for span in parts.spans(point, clips):
        found.append(measure(point, clips, span))
        if runner.is_decided(point, found):
            break
    assert text(joined_record(point, clips, found[::-1])) == text(expected)


def test_parts_that_come_before_the_one_that_decides_do_not_count():
    point, spans = Scenario(until_errors=8), [parts.Span(n, n + 1) for n in range(3)]
    state, six_wrong = points._Point(point, spans), np.array([4.0, 10.0])
    for n in (2, 0):
        state.parts[spans[n]] = parts.Part(scores={n: six_wrong})
        assert state.whole() is None
    state.parts[spans[1]] = parts.Part(scores={1: six_wrong})
    assert [[*part.scores] for part in state.whole()] == [[0], [1]]


# --- processes ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two():
    """Two processes, for all tests."""
    with Cluster(2) as cluster:
        yield cluster


def test_workers_of_this_module_are_alike(two):
    hosts.compare(two)
    assert len(two.workers()) == 2


def swept(cluster, several: list, clips) -> dict:
    return dict(points.Sweep(cluster, several, clips).records())


def test_processes_give_the_records_of_one(two):
    several = [
        Scenario(snr=snr, frames=frames) for snr, frames in ((0.0, 40), (5.0, 150), (9.0, 1))
    ]
    several.append(Scenario(radio="mock:bench", snr=14.0, frames=2))
    several.append(Scenario(snr=-5.0, frames=600, until_errors=300))
    clips = SyntheticSet("test")
    found = swept(two, several, clips)
    assert sorted(found) == list(range(len(several)))
    for number, point in enumerate(several):
        assert text(found[number]) == text(run_point(point, clips)), point


def pid() -> int:
    return os.getpid()


def slowly(seconds: float, value):
    time.sleep(seconds)
    return value


def deadly(value):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_is_killed_costs_its_call_alone(two):
    calls = [Call(n, f"call {n}", slowly, (0.5, n)) for n in range(8)]
    found = two.results(calls)
    first = next(found)
    os.kill(next(iter(two.ask(pid).values())), signal.SIGKILL)
    assert sorted(result for _, result in (first, *found)) == list(range(8))


def test_a_call_that_ends_its_workers_is_told_and_the_others_are_done(two):
    calls = [Call(n, f"call {n}", deadly if n == 2 else slowly, (n,) if n == 2 else (0.1, n))
             for n in range(5)]  # fmt: skip
    found = {call.key: result for call, result in two.results(calls)}
    died = found.pop(2)
    assert isinstance(died, Died) and died.line.startswith("call 2: ended 3 workers")
    assert found == {n: n for n in (0, 1, 3, 4)}


def test_processes_that_nobody_starts_again_are_asked_for_anew(two, monkeypatch):
    """A nanny gives up a worker that dies while it joins; closed by hand here."""
    monkeypatch.setattr(clusters, "WATCH_S", 0.2)
    for nanny in list(two._own.workers.values()):
        two._own.sync(nanny.close)
    found = two.results([Call(n, f"call {n}", slowly, (0.0, n)) for n in range(3)])
    assert sorted(result for _, result in found) == [0, 1, 2]


def test_a_cluster_that_has_lost_its_workers_is_one_line(monkeypatch):
    for name in ("WATCH_S", "LOST_S"):
        monkeypatch.setattr(clusters, name, 0.2)
    own = dict(n_workers=1, threads_per_worker=1, dashboard_address=":0")
    with distributed.LocalCluster(**own) as other, Cluster(0, other.scheduler_address) as cluster:
        found = cluster.results([Call(n, f"call {n}", slowly, (9.0 * n, n)) for n in (0, 1)])
        assert next(found)[1] == 0
        other.scale(0)
        with pytest.raises(SemcomError, match="no worker has been there for 0.2 s"):
            next(found)


def test_a_scheduler_that_has_gone_is_one_line(monkeypatch):
    monkeypatch.setattr(clusters, "JOIN_S", 3.0)  # and as long it is asked again
    own = dict(n_workers=1, threads_per_worker=1, dashboard_address=":0")
    with distributed.LocalCluster(**own) as other, Cluster(0, other.scheduler_address) as cluster:
        found = cluster.results([Call(n, f"call {n}", slowly, (60.0 * n, n)) for n in (0, 1)])
        assert next(found)[1] == 0
        other.close()
        with pytest.raises(SemcomError, match="call 1: the scheduler has gone"):
            next(found)


def refuse(value):
    raise SemcomError(f"value {value}: no such")


def test_an_error_of_a_call_is_that_of_this_process(two):
    with pytest.raises(SemcomError, match="value 3: no such"):
        list(two.results([Call(0, "call", refuse, (3,))]))


def test_a_worker_that_joins_later_is_compared_too(two, monkeypatch):
    monkeypatch.setattr(two, "versions", {**hosts.here(), "torch": "0.0"})
    with pytest.raises(SemcomError, match=r"worker .*: has torch .*, this process has 0.0"):
        list(two.results([Call(0, "call", slowly, (0.0, 0))]))


# --- hosts ----------------------------------------------------------------------------------------


class Hosts:
    """Workers that say what they are told to."""

    def __init__(self, told, threads=1):
        self.told, self.threads = told, threads

    def workers(self):
        return {"tcp://10.0.0.2:40001": {"nthreads": self.threads}}

    def ask(self, function):
        return {"tcp://10.0.0.2:40001": self.told}


@pytest.mark.parametrize("name", hosts.COMPARED)
def test_a_worker_of_another_version_is_refused_by_name(name):
    told = {**hosts.here(), "name": "worker far (7)", name: "0.0"}
    with pytest.raises(SemcomError, match=rf"worker far \(7\) at tcp://10.0.0.2.*{name} 0.0"):
        hosts.compare(Hosts(told))


def test_a_worker_with_threads_or_without_the_module_is_refused(capsys):
    told = {**hosts.here(), "name": "worker far (7)"}
    with pytest.raises(SemcomError, match="8 threads, expected 1; start it with --nthreads 1"):
        hosts.compare(Hosts(told, threads=8))
    with pytest.raises(SemcomError, match="40001: cannot load gr-semcom .No module named"):
        hosts.compare(Hosts(ModuleNotFoundError("No module named 'gnuradio'")))
    hosts.compare(Hosts({**told, "processor": "AVX9000"}))
    assert "worker far (7) has AVX9000: last digits may differ" in capsys.readouterr().err


def ave_folder(folder: Path) -> Path:
    from gnuradio.semcom.data import synthetic

    synthetic.write(folder, 4)
    return folder


def test_what_a_host_lacks_is_found_by_content_or_asked_for(tmp_path, monkeypatch, tiny_checkpoint):
    here, there = ave_folder(tmp_path / "here" / "events"), tmp_path / "there"
    from gnuradio.semcom.data import AveSet

    clips = AveSet(here, "test")
    point = Scenario(data=str(here), checkpoint=tiny_checkpoint, frames=2)
    needs, weights = hosts.needs(point, clips)
    assert weights == tiny_checkpoint
    task = points.Task(point, (False, False), needs)
    expected = text(points.do(task))
    assert expected == text(run_point(point, clips))

    away = Scenario(data="/nowhere/events", checkpoint=f"/nowhere/{Path(weights).name}", frames=2)
    task = points.Task(away, (False, False), needs)
    with pytest.raises(SemcomError, match=r"^worker .*: lacks the set /nowhere/events; put it"):
        points.do(task)
    there.mkdir()
    shutil.move(here, there / "events")
    monkeypatch.setenv(hosts.SETS_VARIABLE, f"/else{os.pathsep}{there}")
    with pytest.raises(SemcomError, match=r"lacks the weights tiny.safetensors of SHA-256 \w{12};"):
        points.do(task)
    models = tmp_path / "models"
    models.mkdir()
    shutil.copy(weights, models / Path(weights).name)
    shutil.copy(weights, models / "pilot_ave_plus-error_free-synthetic.safetensors")  # not here
    monkeypatch.setenv("SEMCOM_MODELS", str(models))
    assert text(points.do(task)) == expected

    shutil.rmtree(there / "events")
    points._opened.cache_clear()
    synthetic_of_another_seed(there / "events")
    with pytest.raises(SemcomError, match="lacks the set events as it is where the sweep was"):
        points.do(task)


def synthetic_of_another_seed(folder: Path, seed=1) -> None:
    from gnuradio.semcom.data import synthetic

    synthetic.write(folder, 4, seed=seed)


def test_where_nobody_answers_is_one_line(monkeypatch):
    monkeypatch.setattr(clusters, "JOIN_S", 1.0)
    with pytest.raises(SemcomError, match=r"--scheduler tcp://127.0.0.1:1: does not answer"):
        Cluster(scheduler="tcp://127.0.0.1:1")


def test_a_file_of_another_sweep_is_not_lost(program, tmp_path):
    path = tmp_path / "link.json"
    words = ["apps/run_link.py", "--frames", 1, "--json", path, "--workers", 0]
    assert program(*words, "--snr", "0,5").returncode == 0
    known = path.read_text()
    for more in (["--snr", "5"], ["--snr", "0,5,10", "--seed", 1]):
        done = program(*words, *more, "--resume")
        assert done.returncode == 2 and "points that are not in this sweep" in done.stderr
        assert path.read_text() == known
    path.write_text('{"schema": 2, "records": [{"accuracy": 1.0}]}')  # of another program
    done = program(*words, "--resume")
    assert done.returncode == 2 and "no records of points of a link" in done.stderr


def test_points_of_a_set_that_changed_are_other_points(tmp_path):
    """--resume does not take the results of what lay in the folder, or was the film, before."""
    keys = set()
    for seed in (0, 1):
        synthetic_of_another_seed(tmp_path / "events", seed)
        film = tmp_path / "film.mp4"
        film.write_bytes(bytes([seed]) * 4096)
        events = Scenario(data=str(tmp_path / "events"), checkpoint="synthetic")
        for point in (events, Scenario(media=(str(film),))):
            keys |= {identity.key_of_point(point, clips_of([point])) for _ in range(2)}
    assert len(keys) == 4


def test_no_cluster_is_opened_unasked():
    assert clusters.opened(ClusterOptions()) is None


# --- the program ----------------------------------------------------------------------------------


def records_of(path: Path) -> list:
    return json.loads(path.read_text())["records"]


def test_a_sweep_goes_on_where_it_was_and_its_document_is_that_of_one(program, tmp_path):
    words = ["apps/run_link.py", "--frames", 20, "--csi", "ls", "lmmse"]
    whole, cut = tmp_path / "whole.json", tmp_path / "cut.json"
    assert program(*words, "--snr", "0,5", "--json", whole).returncode == 0
    assert program(*words, "--snr", "5", "--json", cut).returncode == 0
    known = records_of(cut)
    done = program(*words, "--snr", "0,5", "--json", cut, "--resume", "--workers", 2)
    assert done.returncode == 0, done.stderr
    assert [*map(text, records_of(cut))] == [*map(text, records_of(whole))]
    kept = [record for record in records_of(cut) if record["snr_db"] == 5]
    assert kept == known  # with the times of then: they were not run again


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_leaves_valid_json_and_no_process(tmp_path, number):
    """Sent to all processes, as a terminal does."""
    path = tmp_path / "link.json"
    process = start_program(
        "apps/run_link.py", "--snr=0:30:0.1", "--frames", 40, "--json", path, "--workers", 2
    )
    deadline = time.monotonic() + 200
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    began = children(process.pid)
    os.killpg(process.pid, number)
    _, complaint = process.communicate(timeout=120)
    assert process.returncode == 128 + number
    assert "points are finished" in complaint and "Traceback" not in complaint
    assert 1 <= len(records_of(path)) < 301
    assert [p.name for p in tmp_path.iterdir()] == ["link.json"]
    deadline = time.monotonic() + 20  # multiprocessing's own helpers end a moment later
    while (left := [pid for pid in began if Path(f"/proc/{pid}").exists()]) and (
        time.monotonic() < deadline
    ):
        time.sleep(0.1)
    assert len(began) >= 2 and not left


def children(pid: int) -> list:
    """All processes below one, whichever of its threads began them."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    own = [child for thread in threads for child in (thread / "children").read_text().split()]
    return own + [each for child in own for each in children(int(child))]


@pytest.mark.parametrize(
    "words, said",
    [
        (["--resume"], "--resume: has an effect only with --json"),
        (["--workers", "2", "--scheduler", "tcp://h:1"], "--workers 2: has an effect only without"),
        (["--scheduler", ""], "argument --scheduler: the address is empty"),
        (["--snr=-10:30:0.01"], "--json: missing; the table shows only 1000 of the 4001 points"),
    ],
)
def test_options_without_effect_are_refused(program, words, said):
    done = program("apps/run_link.py", *words)
    assert done.returncode == 2 and said in done.stderr and len(done.stderr.splitlines()) == 1
