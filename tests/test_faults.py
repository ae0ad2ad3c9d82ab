# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What the world does to a link in each way of running, and what is promised then
(docs/reliability.md)."""

import importlib.util
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import zmq
from conftest import ROOT, start_program
from gnuradio.semcom.run.runner import run_point
from gnuradio.semcom.run.scenario import Scenario

RUN = "apps/run_link.py"
PAUSE_S = float(os.environ.get("SEMCOM_PAUSE_S", 13))  # of SIGSTOP: longer than a receiver waits
FRAMES = 30
HEARS = {"receiver": 5561, "video": 5562}  # ports of the air


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


three_hosts = load(ROOT / "tools" / "three_hosts.py")


# --- three programs and the air, by the clock -----------------------------------------------------


def kill(run, who):
    run.processes[who].kill()


def pause(run, who):
    run.processes[who].send_signal(signal.SIGSTOP)
    time.sleep(PAUSE_S)
    run.processes[who].send_signal(signal.SIGCONT)


def garbage(run, who):
    """A stranger sends to the receiver in the place of the air, which has gone."""
    run.processes[who].kill()
    run.processes[who].wait()
    with zmq.Context() as context, context.socket(zmq.PUB) as stranger:
        stranger.bind("tcp://*:5561")
        end = time.monotonic() + 20
        while run.processes["receiver"].poll() is None and time.monotonic() < end:
            stranger.send(b"garbage" * 100)
            time.sleep(0.05)


def late(run, who):
    """The receiver starts when the others are half done."""
    run.open_side(who)


def all_counted(record, at_least):
    """Frames that were heard of each terminal and those that were missed are all."""
    assert record["frames_received"] >= at_least
    for gaps, heard in zip(record["gaps"], record["bursts_heard"], strict=True):
        missed = sum(last - first + 1 for first, last in gaps)
        assert heard + missed == record["clips"]


TABLE = [
    # done, to whom, status of those who are left, what the receiver has at least
    (kill, "audio", {"video": 0, "receiver": 0}, 5),
    (kill, "video", {"audio": 0, "receiver": 0}, FRAMES // 2),
    (kill, "receiver", {"audio": 0, "video": 0}, None),
    (pause, "audio", {"audio": 0, "receiver": 0}, 5),
    (pause, "video", {"audio": 0, "video": 0, "receiver": 0}, FRAMES // 2),
    (pause, "receiver", {"audio": 0, "video": 0, "receiver": 0}, 5),
    (garbage, "air", {"receiver": 1}, None),
    (late, "receiver", {"audio": 0, "video": 0, "receiver": 0}, 5),
]


@pytest.fixture
def hosts(tmp_path):
    """Three sides and the air, slow enough for a busy machine."""
    options = SimpleNamespace(frames=FRAMES, one_host=True, kill=None, preset="bench", snr=14.0,
                              sample_rate=2.5e5, turnaround=0.4)  # fmt: skip
    options.period = options.turnaround + three_hosts.BURST_S * 1e6 / options.sample_rate
    run = three_hosts.Run(options, tmp_path)
    yield run
    run.kill()


def wait_for(run, *ports):
    """Until each port of this host has somebody connected to it: a side that hears to the air, the
    air to a side that sends."""
    deadline = time.monotonic() + 240
    while missing := set(ports) - joined():
        assert time.monotonic() < deadline, (missing, said(run, "receiver"))
        time.sleep(0.1)


def joined() -> set:
    """Ports of this host that are the far end of a connection."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(row[2].rpartition(":")[2], 16) for row in rows if row[3] == "01"}


@pytest.mark.alone
@pytest.mark.parametrize(
    ("fault", "who", "statuses", "at_least"), TABLE, ids=lambda x: getattr(x, "__name__", str(x))
)
def test_three_programs(hosts, fault, who, statuses, at_least):
    hosts.open_air()
    first = ("video",) if fault is late else ("receiver", "video")
    for side in first:
        hosts.open_side(side)
    wait_for(hosts, *(HEARS[side] for side in first))
    hosts.open_side("audio")
    wait_for(hosts, three_hosts.PUSH_PORTS["audio"])
    time.sleep(0.4 * FRAMES * hosts.options.period)
    fault(hosts, who)
    for side, status in statuses.items():
        assert hosts.processes[side].wait(timeout=180) == status, said(hosts, side)
        assert "Traceback" not in said(hosts, side)
    if statuses.get("receiver") == 1:
        assert said(hosts, "receiver").count("terminal.py: error: ") == 1
    if at_least is not None:
        (record,) = json.loads((hosts.folder / "receiver.json").read_text())["records"]
        all_counted(record, at_least)


def said(run, side) -> str:
    return (run.folder / f"{side}.txt").read_text()


# --- one program ----------------------------------------------------------------------------------


def test_a_kill_leaves_the_points_that_are_finished(tmp_path):
    out = tmp_path / "out.json"
    process = start_program(RUN, "--snr", "0,10", "--frames", 1500, "--json", out)
    deadline = time.monotonic() + 120
    while not out.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.communicate(timeout=120)
    records = json.loads(out.read_text())["records"]
    assert [record["snr_db"] for record in records] == [0.0]
    assert records[0]["frames_received"] == 1500


def full(limit: int):
    """Files may have so many bytes: as on a disk that is full, a write fails."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (["--frames", "2", "--json"], "out.json"),
        (["--radio", "mock:bench", "--frames", "8", "--record"], "air"),
        (["--frames", "2", "--plot"], "out.png"),
    ],
)
def test_a_full_disk_is_one_line_and_leaves_no_half_of_a_file(tmp_path, words, where):
    done = subprocess.run(
        [sys.executable, RUN, *words, tmp_path / where], cwd=ROOT, capture_output=True, text=True,
        timeout=120, preexec_fn=full(1024), env={**os.environ, "MPLCONFIGDIR": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode in (1, 2), done.stderr
    (line,) = [line for line in done.stderr.splitlines() if "error: " in line]
    assert where in line and "File too large" in line and "Traceback" not in done.stderr
    left = [path.name for path in tmp_path.iterdir() if path.name.startswith((where, ".semcom"))]
    assert not left


def test_a_clock_that_jumps_changes_nothing(clips, monkeypatch):
    point = Scenario(radio="mock:bench", frames=4, snr=20.0, seed=5)
    wanted = run_point(point, clips)
    usual, jumps = time.time, [0]

    def jumping():
        jumps[0] += 1
        return usual() + 1e6 * (-1) ** jumps[0]

    monkeypatch.setattr(time, "time", jumping)
    found = run_point(point, clips)
    for name in ("clip_scores", "bursts_heard", "cfo_hz", "gaps"):
        assert found[name] == wanted[name]


def test_no_watchdog_goes_by_the_time_of_day():
    package = ROOT / "python" / "semcom"
    for room in ("blocks", "run", "protocol", "media"):
        for path in (package / room).rglob("*.py"):
            assert "time.time()" not in path.read_text(), path


@pytest.mark.alone
def test_a_pause_of_a_process_is_no_silence(monkeypatch):
    from gnuradio.semcom.base import awake

    now = [100.0]
    monkeypatch.setattr(awake.time, "monotonic", lambda: now[0])
    clock = awake.Awake()
    seen = []
    for step in (0.05, 0.5, 30.0, 0.05, 3600.0):
        now[0] += step
        seen.append(round(clock(), 3))
    assert seen == [0.05, 0.55, 1.55, 1.6, 2.6]


@pytest.mark.alone
def test_silence_of_a_process_that_works_counts_a_tenth(monkeypatch):
    from gnuradio.semcom.base import awake

    now, occupied = [100.0], [5.0]
    monkeypatch.setattr(awake.time, "monotonic", lambda: now[0])
    clock = awake.Idle(lambda: occupied[0])

    def passes(seconds, threads):
        for _ in range(10 * seconds):
            now[0], occupied[0] = now[0] + 0.1, occupied[0] + 0.1 * threads
            told = clock()
        return told

    assert passes(20, 0.1) == pytest.approx(20, abs=1)  # it waits, and looks now and then
    assert passes(50, 0.9) == pytest.approx(25, abs=2)  # one thread computes
    assert passes(50, 4.0) == pytest.approx(30, abs=2)  # three more wait for a processor
    assert passes(10, 0.0) == pytest.approx(40, abs=2)


@pytest.mark.alone
def test_a_starved_thread_counts_as_one_that_works():
    from gnuradio.semcom.base import awake

    before, end = awake._occupied(), time.monotonic() + 0.5
    while time.monotonic() < end:
        pass
    assert awake._occupied() - before > 0.3
    before = awake._occupied()
    time.sleep(0.5)
    assert awake._occupied() - before < 0.3


@pytest.mark.alone
def test_a_camera_that_vanishes_leaves_what_it_showed(make, tmp_path):
    film, pipe, out = make("film.mkv", 22), tmp_path / "camera.mkv", tmp_path / "out.json"
    os.mkfifo(pipe)
    content = Path(film).read_bytes()

    def camera():
        with open(pipe, "wb") as end:
            end.write(content[: len(content) * 7 // 10])

    thread = threading.Thread(target=camera, daemon=True)
    thread.start()
    process = start_program(RUN, "--media", pipe, "--json", out)
    text, error = process.communicate(timeout=120)
    assert "Traceback" not in error and process.returncode in (0, 1), error
    (record,) = json.loads(out.read_text())["records"]
    assert len(record["media"]) >= 1 and "camera.mkv" in text
