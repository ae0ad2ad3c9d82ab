#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Rehearse three hosts within one: both terminals and the receiver in network namespaces.

Each side (audio terminal, video terminal, receiver) is a process of apps/terminal.py in its own
namespace, joined by a cable (veth) to a fourth one, where apps/mock_radio.py simulates the channel.
Namespaces need root.  At the end the counters of each side are printed; the status is 0 if every
frame is accounted for and no memory grew.

--kill kills one side (SIGKILL) halfway and starts it again two seconds later.  The memory of
every process is watched: in runs of 50 s and more it must not go on growing from the second quarter
of the run to the last.

examples:
  three_hosts.py --frames 1000
  three_hosts.py --frames 300 --kill video --json out.json
  three_hosts.py --minutes 60 --one-host
"""

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

APPS = Path(__file__).resolve().parents[1] / "apps"
SIDES = ("audio", "video", "receiver")
AIR = "air"
PUSH_PORTS = {"audio": 5551, "video": 5552}
BURST_S = 0.007  # [s] duration of an uplink burst at 1 Msample/s
SAMPLE_S = 1.0  # [s] between looks at the memory of the processes
GROWTH = 1.03  # largest growth of memory that is no leak, as allocators and caches vary
SETTLED_S = 50  # [s] shortest run of which the memory is judged; before, it is still allocated
PAUSE_S = 2.0  # [s] before the killed side starts again


def parse():
    """The options; ``period`` is the time of a clip [s], and ``frames`` follows from --minutes
    where that is given."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--frames", type=int, default=1000, help="number of clips (default: %(default)s)")
    add("--minutes", type=float, help="duration of the run, instead of --frames")
    add("--one-host", action="store_true", help="without namespaces; needs no root")
    add("--kill", choices=SIDES, help="side to kill halfway and start again")
    add("--preset", default="bench", help="preset of the mock radio (default: %(default)s)")
    add(
        "--snr",
        type=float,
        default=14.0,
        help="SNR of the mock radio's samples [dB] (default: %(default)g)",
    )
    add("--sample-rate", type=float, default=1e6, help="sample rate [Hz] (default: %(default)g)")
    add(
        "--turnaround",
        type=float,
        default=0.15,
        help="time between bursts [s] (default: %(default)g)",
    )
    add("--json", help="write the counters as JSON to this file")
    options = parser.parse_args()
    options.period = options.turnaround + BURST_S * 1e6 / options.sample_rate
    if options.minutes:
        options.frames = round(60 * options.minutes / options.period)
    return options


def name_of(side: str) -> str:
    """Name of a side's namespace in this run."""
    return f"semcom-{side}-{os.getpid()}"


def address(side: str, end: int) -> str:
    """IP address of the mock radio's end (1) or the side's end (2) of a cable."""
    return f"10.77.{SIDES.index(side) + 1}.{end}"


def ip(*words):
    """Run the program ip; CalledProcessError if it fails."""
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


@contextlib.contextmanager
def namespaces():
    """A namespace for each side and the air, joined by cables; gone afterwards."""
    names = [name_of(side) for side in (*SIDES, AIR)]
    try:
        for name in names:
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        for number, side in enumerate(SIDES):
            ends = [f"sem{os.getpid() % 10000}{number}{end}" for end in "ab"]
            ip("link", "add", ends[0], "type", "veth", "peer", "name", ends[1])
            for end, (device, space) in enumerate(zip(ends, (AIR, side), strict=True), 1):
                ip("link", "set", device, "netns", name_of(space))
                ip("-n", name_of(space), "addr", "add", f"{address(side, end)}/24", "dev", device)
                ip("-n", name_of(space), "link", "set", device, "up")
        yield
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


def start(space, log: Path, program: str, *words):
    """Start a program of apps/; returns its process.

    space    side or AIR, in whose namespace it runs; None: in none
    log      file to which its output is added
    program  name of the file in apps/
    words    its options
    """
    within = ["ip", "netns", "exec", name_of(space)] if space else []
    command = [*within, sys.executable, APPS / program, *words]
    with open(log, "a") as out:
        return subprocess.Popen(
            [str(word) for word in command], stdout=out, stderr=out,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip


class Run:
    """The processes of one run.

    options  result of :func:`parse`
    folder   folder of their outputs and records

    ``processes`` are by side or AIR; ``memory`` is the resident memory of each [MiB], every
    SAMPLE_S.
    """

    def __init__(self, options, folder):
        self.options, self.folder = options, Path(folder)
        self.processes, self.memory = {}, {}

    def _start(self, who: str, program: str, *words) -> None:
        o = self.options
        self.processes[who] = start(
            None if o.one_host else who, self.folder / f"{who}.txt", program, *words,
            "--sample-rate", o.sample_rate,
        )  # fmt: skip

    def address(self, side: str, end: int) -> str:
        """Address of the mock radio's end (1) or the side's end (2) of a side's cable."""
        return "127.0.0.1" if self.options.one_host else address(side, end)

    def open_air(self) -> None:
        """Start the mock radio."""
        o = self.options
        terminals = [f"tcp://{self.address(side, 2)}:{port}" for side, port in PUSH_PORTS.items()]
        self._start(
            AIR, "mock_radio.py", "--preset", o.preset, f"--snr={o.snr}",
            "--tx", *terminals, "--rx", "tcp://*:5561", "tcp://*:5562",
        )  # fmt: skip

    def open_side(self, side: str, first=0) -> None:
        """Start a side; an audio terminal begins with clip ``first``."""
        o = self.options
        self._start(
            side, "terminal.py", side, "--radio", f"zmq:{self.address(side, 1)}",
            "--frames", o.frames, "--turnaround", o.turnaround, "--first", first,
            "--json", self.folder / f"{side}.json",
        )  # fmt: skip

    def replace(self, side: str) -> None:
        """Kill a side halfway, and start it again after PAUSE_S; an audio terminal with the clip
        that is due by then."""
        o = self.options
        self.watch(0.5 * o.frames * o.period)
        self.processes[side].kill()
        self.processes[side].wait()
        time.sleep(PAUSE_S)
        later = round(0.5 * o.frames + PAUSE_S / o.period) + 5
        self.open_side(side, min(later, o.frames - 1) if side == "audio" else 0)

    def watch(self, limit_s: float) -> None:
        """Sample the memory of all processes until the sides have ended, at most for
        ``limit_s``."""
        until = time.monotonic() + limit_s
        while time.monotonic() < until and any(
            self.processes[side].poll() is None for side in SIDES
        ):
            sending = (
                self.processes["audio"].poll() is None
            )  # afterwards a receiver makes its record
            for who, process in self.processes.items():
                if sending and process.poll() is None:
                    self.memory.setdefault(who, []).append(resident_mib(process.pid))
            time.sleep(SAMPLE_S)

    def close(self) -> dict:
        """Wait for all sides to end by themselves, then end the mock radio; returns its last lines,
        and of each side the record, the end of its output and its exit status."""
        self.watch(90 + 3 * self.options.frames * self.options.period)
        for side in SIDES:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.processes[side].wait(timeout=30)
        self.processes[AIR].send_signal(signal.SIGINT)
        self.processes[AIR].wait(timeout=30)
        found = {"air": (self.folder / "air.txt").read_text().splitlines()[-3:]}
        for side in SIDES:
            path = self.folder / f"{side}.json"
            found[side] = json.loads(path.read_text())["records"][0] if path.exists() else None
            found[f"{side}_said"] = (self.folder / f"{side}.txt").read_text()[-500:]
            found[f"{side}_status"] = self.processes[side].returncode
        return found

    def kill(self) -> None:
        """Kill the processes that still run."""
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()


def resident_mib(pid: int) -> float:
    """Resident memory of a process [MiB]; 0 for one that has just ended."""
    with contextlib.suppress(OSError):
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    return 0.0


def growth(values: list) -> float:
    """Ratio of the memory in the last quarter to that in the second, had it grown as in the slower
    of the two steps between them: a leak goes on, a buffer that was allocated once does not.

    The first quarter is for starting; a median ignores a single step.
    """
    quarter = len(values) // 4
    if not quarter:
        return 1.0
    second, third, last = (
        statistics.median(values[n * quarter : (n + 1) * quarter]) for n in (1, 2, 3)
    )
    return min(third / max(second, 1.0), last / max(third, 1.0)) ** 2


def account(found: dict, frames: int) -> dict:
    """Count every frame as received or in a gap that the receiver reported.

    found   result of :meth:`Run.close`
    frames  number of clips sent

    "accounted" is whether, for each terminal, both counts add up to ``frames``.
    """
    receiver = found["receiver"]
    gaps = [sum(b - a + 1 for a, b in runs) for runs in receiver["gaps"]]
    heard = receiver["bursts_heard"]
    return {
        "frames": frames,
        "heard": dict(zip(SIDES, heard, strict=False)),
        "in_gaps": dict(zip(SIDES, gaps, strict=False)),
        "gaps": dict(zip(SIDES, receiver["gaps"], strict=False)),
        "accuracy": receiver["accuracy"],
        "accounted": all(h + g == frames for h, g in zip(heard, gaps, strict=True)),
    }


def main() -> int:
    """Run all; returns the exit status."""
    options = parse()
    if os.geteuid() and not options.one_host:
        print("three_hosts.py: error: namespaces need root; or add --one-host", file=sys.stderr)
        return 2
    spaces = contextlib.nullcontext() if options.one_host else namespaces()
    with tempfile.TemporaryDirectory() as folder, spaces:
        run = Run(options, folder)
        try:
            run.open_air()
            run.open_side("receiver")
            run.open_side("video")
            time.sleep(8)  # until all listen
            run.open_side("audio")
            if options.kill:
                run.replace(options.kill)
            found = run.close()
        finally:
            run.kill()
    if not found["receiver"]:
        for side in SIDES:
            print(f"{side}: {found[f'{side}_said']}", file=sys.stderr)
        print("three_hosts.py: error: the receiver left no record", file=sys.stderr)
        return 1
    result = {
        "killed": options.kill,
        **account(found, options.frames),
        "memory_mib": {who: round(values[-1]) for who, values in run.memory.items()},
        "memory_growth": {who: round(growth(values), 3) for who, values in run.memory.items()},
        "counted": found,
    }
    judged = not options.kill and options.frames * options.period >= SETTLED_S
    grown = judged and max(result["memory_growth"].values()) > GROWTH
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=1))
    shown = {key: value for key, value in result.items() if key != "counted"}
    print(json.dumps(shown, indent=1))
    print("\n".join(found["air"]))
    return 0 if result["accounted"] and not grown else 1


if __name__ == "__main__":
    sys.exit(main())
