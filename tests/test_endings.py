# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""How programs end: one line and a status, whatever ends them, and what was done is kept."""

import errno
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest
from conftest import ROOT, start_program
from gnuradio import blocks, gr
from gnuradio.semcom.base import programs
from gnuradio.semcom.base.errors import BlockError, SemcomError
from gnuradio.semcom.base.files import replacing
from gnuradio.semcom.base.programs import Stopped, exit_status, stoppable
from gnuradio.semcom.data.synthetic import SyntheticSet
from gnuradio.semcom.run import one_side, replay
from gnuradio.semcom.run.runner import run_point
from gnuradio.semcom.run.scenario import Scenario
from test_bad_input import one_line

RUN = "apps/run_link.py"


def raising(cause):
    def work():
        raise cause

    return work


@pytest.mark.parametrize(
    ("cause", "status", "line"),
    [
        (SemcomError("x: bad"), 2, "error: x: bad"),
        (BlockError("a block: failed"), 1, "error: a block: failed"),
        (KeyboardInterrupt(), 130, "stopped; half is kept"),
        (Stopped(signal.SIGTERM), 143, "stopped; half is kept"),
        (Stopped(signal.SIGHUP), 129, "stopped; half is kept"),
        (FileNotFoundError(2, "No such file or directory", "x"), 1, "error: x: No such file"),
        (MemoryError("Unable to allocate 22 GiB"), 1, "error: not enough memory (Unable to"),
        (RuntimeError("you tried: can't allocate memory"), 1, "error: not enough memory (you"),
        (ModuleNotFoundError("No module named 'av'", name="av"), 2, "cannot import av (No module"),
    ],
    ids=str,
)
def test_what_ends_a_program_is_one_line_and_a_status(capsys, cause, status, line):
    assert exit_status("prog", raising(cause), lambda: "half is kept") == status
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("prog: ") and line in said


def test_a_fault_of_the_program_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        exit_status("prog", raising(ZeroDivisionError()))
    assert exit_status("prog", lambda: None) == 0 and exit_status("prog", lambda: 1) == 1


@pytest.mark.parametrize("number", programs.SIGNALS)
def test_signals_stop_once_and_leave_no_trace(number):
    before = [signal.getsignal(n) for n in programs.SIGNALS]
    for n in programs.SIGNALS:
        signal.signal(n, signal.SIG_DFL if n != signal.SIGINT else signal.default_int_handler)
    try:
        with pytest.raises(Stopped) as caught, stoppable(), stoppable():  # inside each other
            try:
                os.kill(os.getpid(), number)
                time.sleep(5)
            finally:  # what is cleaned up is not stopped: shells send signals twice
                assert programs.stop_asked.is_set()
                os.kill(os.getpid(), number)
                time.sleep(0.05)
        assert caught.value.signal == number and isinstance(caught.value, KeyboardInterrupt)
        assert not programs.stop_asked.is_set()
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    finally:
        for n, handler in zip(programs.SIGNALS, before, strict=True):
            signal.signal(n, handler)


def test_a_second_ctrl_c_is_meant(monkeypatch):
    monkeypatch.setattr(programs, "AGAIN_S", 0.0)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with stoppable():
            for _ in range(2):
                with pytest.raises(Stopped):
                    os.kill(os.getpid(), signal.SIGINT)
                    time.sleep(5)
    finally:
        signal.signal(signal.SIGINT, before)


def test_what_nohup_ignores_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stoppable():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


IMPORTING = """
import os, signal, sys
class Interrupted:
    def find_spec(self, name, *_):
        if name == "torch":
            os.kill(os.getpid(), signal.{name})
sys.meta_path.insert(0, Interrupted())
sys.argv = ["run_link.py", "--frames", "1"]
from gnuradio.semcom.base.programs import start
sys.exit(start("run_link"))
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_stop_during_the_imports_is_one_line(name):
    process = start_program("-c", IMPORTING.format(name=name))
    _, complaint = process.communicate(timeout=120)
    assert process.returncode == 128 + getattr(signal, name), complaint
    assert complaint == "run_link.py: stopped; 0 points are finished\n"


def test_a_full_standard_output_is_one_line():
    for words in (["--help"], ["--frames", "2"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [sys.executable, RUN, *words], stdout=full, stderr=subprocess.PIPE, text=True,
                cwd=ROOT, timeout=120,
            )  # fmt: skip
        one_line(done, "No space left on device")
        assert done.returncode == 1 and "Exception ignored" not in done.stderr


def test_a_reader_that_has_gone_is_no_error():
    process = subprocess.Popen(
        [sys.executable, RUN, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    )
    process.stdout.close()
    assert process.stderr.read() == b"" and process.wait(60) == 128 + signal.SIGPIPE


@pytest.mark.parametrize("home", [None, "/proc/nowhere", "/dev/null"])
def test_a_home_that_is_missing_is_done_without(home):
    known = {name: value for name, value in os.environ.items() if name != "HOME"}
    known |= {"HOME": home} if home else {}
    done = subprocess.run(
        [sys.executable, RUN, "--frames", "2"], env=known, cwd=ROOT, capture_output=True,
        text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr


def test_too_little_memory_is_one_line(program):
    def little():
        resource.setrlimit(resource.RLIMIT_AS, (300 << 20, 300 << 20))

    done = program(RUN, "--frames", 2, preexec_fn=little)
    one_line(done, "not enough memory .*; give it more")


def test_a_module_that_is_missing_is_one_line(program, tmp_path):
    (tmp_path / "jsonschema.py").write_text("raise ImportError('of another Python', name='rpds')")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = program(RUN, "--radio", "replay:x", env={"PYTHONPATH": path})
    one_line(done, "cannot import rpds .of another Python")
    assert done.returncode == 2


def test_a_module_that_cannot_be_loaded_is_one_line(program, tmp_path):
    (tmp_path / "jsonschema.py").write_text("import numpy\nnumpy.ndarray.of_another_version")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = program(RUN, "--radio", "replay:x", env={"PYTHONPATH": path})
    one_line(done, "cannot import jsonschema .*has no attribute.*; .* or unset PYTHONPATH")
    assert done.returncode == 2


def test_another_numpy_on_the_path_is_not_taken(program, tmp_path):
    (tmp_path / "numpy").mkdir()
    (tmp_path / "numpy" / "__init__.py").write_text("raise ImportError('another numpy')")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = program(RUN, "--frames", 1, env={"PYTHONPATH": path})
    assert done.returncode == 0 and "numpy" not in done.stderr, done.stderr


def test_a_program_of_another_checkout_tells_whose_module_it_runs(program, tmp_path):
    (tmp_path / "python" / "semcom").mkdir(parents=True)
    (tmp_path / "apps").mkdir()
    copy = shutil.copy(ROOT / RUN, tmp_path / "apps")
    done = program(copy, "--help")
    assert done.returncode == 0 and f"not the one in {tmp_path}/python/semcom" in done.stderr
    assert not program(RUN, "--help").stderr


def test_a_copy_of_a_built_tree_is_whole(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    (old / "python" / "base").mkdir(parents=True)
    (old / "python" / "__init__.py").touch()
    subprocess.run(
        ["cmake", "-D", f"FROM={old}/python", "-D", f"TO={old}/build/gnuradio/semcom",
         "-P", ROOT / "cmake" / "link_package.cmake"], check=True,
    )  # fmt: skip
    shutil.copytree(old, new, symlinks=True)
    for name in ("base", "__init__.py"):
        assert (new / "build/gnuradio/semcom" / name).resolve() == new / "python" / name


# --- what is kept ---------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_recording_is_whole_whatever_ends_it(tmp_path, number):
    path = tmp_path / "air"
    process = start_program(RUN, "--radio", "mock:indoor", "--frames", 2000, "--record", path)
    deadline = time.monotonic() + 90

    def written():
        return max((p.stat().st_size for p in tmp_path.glob(".semcom-*")), default=0)

    while written() < 16 << 20 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    process.send_signal(number)  # as shells do
    _, complaint = process.communicate(timeout=120)
    assert process.returncode == 128 + number and "Traceback" not in complaint
    assert sorted(p.name for p in tmp_path.iterdir()) == ["air.sigmf-data", "air.sigmf-meta"]
    frames = replay.told_by(str(path)).options["frames"]
    again = run_point(Scenario(radio=f"replay:{path}"), SyntheticSet("test"))
    assert 1 <= frames < 2000 and again["clips"] == frames == again["frames_received"]


FILM = ["--media", "lavfi:testsrc2=rate=16:size=64x48", "--microphone", "lavfi:sine"]


@pytest.mark.alone
def test_a_camera_that_is_stopped_leaves_its_windows(tmp_path):
    out = tmp_path / "out.json"
    process = start_program(RUN, *FILM, "--json", out)
    time.sleep(15)
    process.terminate()
    shown, complaint = process.communicate(timeout=120)
    assert process.returncode == 143 and "Traceback" not in complaint, complaint
    (record,) = json.loads(out.read_text())["records"]
    assert record["stopped"] == "SIGTERM" and len(record["media"]) >= 1
    assert "0-10" in shown and "0 points are finished" in complaint


def test_a_terminal_that_is_stopped_tells_what_it_counted(monkeypatch):
    class Radio:
        def transmitter(self, who):
            return blocks.null_sink(gr.sizeof_gr_complex)

        def counts(self):
            return {"audio": {"underflow": 2}}

    def stopped(*_, **__):
        raise Stopped(signal.SIGTERM)

    monkeypatch.setattr(one_side, "open_radio", lambda scenario, sides: Radio())
    monkeypatch.setattr(one_side.guard, "run", stopped)
    point = Scenario(radio="zmq:", variant="audio_only", frames=3)
    with pytest.raises(Stopped) as caught:
        one_side.run_terminal("audio", point, SyntheticSet("test"))
    assert caught.value.result == {
        "side": "audio", "sent": 0, "devices": {"audio": {"underflow": 2}}, "stopped": "SIGTERM",
    }  # fmt: skip


# --- several films --------------------------------------------------------------------------------


@pytest.fixture
def films(make, tmp_path):
    """A whole film, one that is damaged and one that is missing."""
    whole, broken = make("whole.mp4", 3), tmp_path / "broken.mp4"
    broken.write_bytes(b"no film" * 500)
    return whole, broken, tmp_path / "missing.mp4"


def test_films_that_fail_are_listed_and_the_others_are_kept(program, films, tmp_path):
    whole, broken, missing = films
    out = tmp_path / "out.json"
    done = program(RUN, "--media", whole, broken, missing, whole, "--json", out,
                   "--render", tmp_path / "out.mp4")  # fmt: skip
    assert done.returncode == 1
    first, second = [line for line in done.stderr.splitlines() if "error: " in line]
    assert f"{broken}: cannot be read as media" in first and f"{missing}: No such file" in second
    assert done.stdout.count("whole.mp4") == 2 and (tmp_path / "out.mp4").exists()
    (record,) = json.loads(out.read_text())["records"]
    assert [film["file"] for film in record["media"]] == ["whole.mp4"] * 2
    assert [line.partition(": ")[0] for line in record["media_failed"]] == [
        str(broken), str(missing),
    ]  # fmt: skip


def test_films_of_which_none_can_be_read_are_an_error(program, films, tmp_path):
    _, broken, missing = films
    done = program(RUN, "--media", broken, missing, "--json", tmp_path / "out.json")
    one_line(done, f"{broken}: cannot be read .*; {missing}: No such file")
    assert done.returncode == 1 and not (tmp_path / "out.json").exists()


def test_what_would_fail_at_the_end_fails_at_the_beginning(program, films, tmp_path):
    whole = films[0]
    os.mkfifo(tmp_path / "pipe.mp4")
    for words, says in (
        (["--media", tmp_path / "pipe.mp4", "--render", tmp_path / "x.mp4"], "reads the films"),
        (["--media", whole, "--render", whole], "whole.mp4: is also read or written as"),
        (["--media", whole, "--json", tmp_path / "x", "--plot", tmp_path / "x"], "must end in"),
        (["--channel", "none", "--plot", tmp_path / "x.png"], "no point has a known SNR"),
        (["--json", tmp_path], "is a folder"),
    ):
        before = whole.read_bytes()
        done = program(RUN, *words)
        one_line(done, says)
        assert done.returncode == 2 and whole.read_bytes() == before and not done.stdout


def test_a_pipe_gets_one_document(program, tmp_path):
    pipe, heard = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: heard.append(json.loads(pipe.read_text())))
    reader.start()
    assert program(RUN, "--frames", 2, "--snr", "0,10", "--json", pipe).returncode == 0
    reader.join(30)
    assert [record["snr_db"] for record in heard[0]["records"]] == [0.0, 10.0]
    shown = program(RUN, "--frames", 2, "--json", "/dev/stdout").stdout
    assert json.loads(shown[: shown.rindex("}") + 1])["records"][0]["clips"] == 2


def test_a_full_disk_is_no_bad_input(tmp_path, capsys):
    """Status 1, however deep the write was: nothing that was asked for is wrong."""

    def write(code):
        with replacing(tmp_path / "link.json"):
            raise OSError(code, os.strerror(code))

    assert exit_status("run_link.py", lambda: write(errno.ENOSPC)) == 1
    said = f"{tmp_path}/link.json: could not be written (No space left on device)"
    assert capsys.readouterr().err == f"run_link.py: error: {said}\n"
    assert exit_status("run_link.py", lambda: write(errno.EACCES)) == 2


KEPT = """
import os, signal, sys
from gnuradio.semcom.base import programs
got = []
before = [signal.signal(number, lambda *_: got.append(_[0])) for number in programs.SIGNALS]
import torch
from gnuradio import gr, uhd, zeromq
import gnuradio.semcom.cli.run_link, gnuradio.semcom.run.runner
for number in programs.SIGNALS:
    os.kill(os.getpid(), number)
print(got == list(programs.SIGNALS))
"""


def test_no_library_takes_a_signal_for_itself(program):
    assert program("-c", KEPT).stdout.strip() == "True"


def test_figures_are_printed_where_their_file_cannot_be_written(program):
    done = program("apps/run_link.py", "--frames", 1, "--json", "/dev/full")
    assert done.returncode == 1
    assert "accuracy" in done.stdout
    assert done.stderr.splitlines()[-1].endswith(
        "/dev/full: could not be written (No space left on device)"
    )
