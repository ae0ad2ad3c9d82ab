#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Rehearse a sweep on three hosts within one: network namespaces, each with its own folders.

The first host runs the scheduler and apps/run_link.py, the two others a worker each, all on one
switch.  The scheduler's traffic is delayed by 50 ms in both directions: by tc, or, where the kernel
has no netem, by a relay in front of it.  Only the first host sees the folder of the set and the
weights; each of the others has copies under other paths.  In the course of the sweep two workers
are killed (SIGKILL) and one is stopped for a minute (SIGSTOP).  Needs root.

Ends with status 0 if the document equals, times aside, that of the same sweep in one process.

examples:
  sweep_hosts.py --points 1000 --frames 2
  sweep_hosts.py --points 60 --frames 8 --pause 10
"""

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.base.options import at_least, not_negative
from gnuradio.semcom.base.programs import exit_status
from gnuradio.semcom.data import synthetic
from gnuradio.semcom.run.records import lasting
from gnuradio.semcom.weights.names import models_folder, shipped

ROOT = Path(__file__).resolve().parents[1]
HOSTS = ("first", "second", "third")  # the first has the scheduler
CLIPS = 40  # of the set
KILLED_AT = (0.25, 0.5)  # shares of the points, when a worker is killed
STOPPED_AT = 0.35
KINDS = ["--channel", "awgn", "rayleigh", "--csi", "ls", "lmmse", "--detector", "zf", "lmmse"]
PORT, BEHIND = 8786, 8796  # of the scheduler; of one behind a relay


def parse():
    """The options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add(
        "--points",
        type=at_least(8),
        default=1000,
        help="points of the sweep, about (default: %(default)s)",
    )
    add("--frames", type=at_least(1), default=2, help="frames per point (default: %(default)s)")
    add(
        "--pause",
        type=not_negative,
        default=60.0,
        help="time for which a worker is stopped [s] (default: %(default)g)",
    )
    add(
        "--delay",
        type=not_negative,
        default=50.0,
        help="delay of the scheduler's traffic [ms] (default: %(default)g)",
    )
    add("--json", help="write the result as JSON to this file")
    add("--relay", nargs=2, metavar="ADDRESS", help=argparse.SUPPRESS)  # from, to: a host's own
    return parser.parse_args()


def run(*words, **more):
    """Run a command to its end; returns the finished process, with its output as text.  SemcomError
    with its last line on stderr if it fails.  more: arguments of subprocess.run."""
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, **more)
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise SemcomError(f"{' '.join(map(str, words[:4]))} ...: {why}")
    return done


def space(host: str) -> str:
    """Name of a host's namespace in this run."""
    return f"semcom-{host}-{os.getpid()}"


def address(host: str) -> str:
    """IP address of a host."""
    return f"10.78.0.{1 + HOSTS.index(host)}"


@contextlib.contextmanager
def network(delay_ms: float):
    """A namespace for each host, on one switch, removed afterwards.  Yields whether tc delays the
    traffic of the first one."""
    switch = space("switch")
    try:
        run("ip", "netns", "add", switch)
        run("ip", "-n", switch, "link", "add", "bridge0", "type", "bridge")
        run("ip", "-n", switch, "link", "set", "bridge0", "up")
        for number, host in enumerate(reversed(HOSTS)):
            ends = [f"sw{os.getpid() % 10000}{number}{end}" for end in "ab"]
            run("ip", "netns", "add", space(host))
            run("ip", "-n", space(host), "link", "set", "lo", "up")
            run("ip", "link", "add", ends[0], "type", "veth", "peer", "name", ends[1])
            run("ip", "link", "set", ends[0], "netns", switch)
            run("ip", "-n", switch, "link", "set", ends[0], "master", "bridge0", "up")
            run("ip", "link", "set", ends[1], "netns", space(host))
            run("ip", "-n", space(host), "addr", "add", f"{address(host)}/24", "dev", ends[1])
            run("ip", "-n", space(host), "link", "set", ends[1], "up")
        late = ("tc", "qdisc", "add", "dev", ends[1], "root", "netem", "delay", f"{delay_ms:g}ms")
        yield (
            subprocess.run(
                ["ip", "netns", "exec", space(HOSTS[0]), *late], capture_output=True
            ).returncode
            == 0
        )
    finally:
        for name in (*map(space, HOSTS), switch):
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


async def relay(front: str, back: str, delay_s: float) -> None:
    """Pass on the bytes between two addresses, as HOST:PORT, in both directions after ``delay_s``;
    it listens at ``front`` and never ends."""

    async def one_way(reader, writer):
        under_way = asyncio.Queue()

        async def put_out():
            while (item := await under_way.get())[1]:
                await asyncio.sleep(max(0.0, item[0] - time.monotonic()))
                writer.write(item[1])
            writer.close()

        task = asyncio.create_task(put_out())
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                under_way.put_nowait((time.monotonic() + delay_s, data))
        under_way.put_nowait((0.0, b""))
        await task

    async def connect(reader, writer):
        try:
            ours = await asyncio.open_connection(*back.split(":"))
        except OSError:  # it does not listen yet
            writer.close()
        else:
            await asyncio.gather(one_way(reader, ours[1]), one_way(ours[0], writer))

    server = await asyncio.start_server(connect, *front.split(":"))
    await server.serve_forever()


class Hosts:
    """Processes on hosts; each host sees its own folder, and the others' as empty ones.

    folder  folder in which each host gets one
    """

    def __init__(self, folder: Path):
        self.folder, self.processes = folder, {}
        for host in HOSTS:
            (folder / host).mkdir()

    def start(self, host: str, name: str, *words, **environment) -> None:
        """Start a process.

        host         one of HOSTS, in whose namespace and folder it runs
        name         name of the process; its output goes into NAME.txt
        words        the command
        environment  variables in addition to those of this process
        """
        hidden = [self.folder / other for other in HOSTS if other != host]
        if host != HOSTS[0]:
            hidden.append(models_folder())
        hide = " && ".join(f"mount -t tmpfs none {folder}" for folder in hidden)
        home = self.folder / host
        variables = {
            **os.environ, "HOME": home, "TMPDIR": home, "OMP_NUM_THREADS": 1,
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": 2,
            "DASK_DISTRIBUTED__SCHEDULER__WORKER_SATURATION": 1.0, **environment,
        }  # fmt: skip
        command = ["ip", "netns", "exec", space(host), "unshare", "--mount", "sh", "-c",
                   f'{hide} && exec "$@"', "sh", *words]  # fmt: skip
        with open(self.folder / f"{name}.txt", "w") as out:
            self.processes[name] = subprocess.Popen(
                [*map(str, command)], stdout=out, stderr=out, cwd=home,
                env={key: str(value) for key, value in variables.items()},
            )  # fmt: skip

    def said(self, name: str) -> str:
        """Output of a process so far."""
        return (self.folder / f"{name}.txt").read_text()

    def kill(self) -> None:
        """Kill all processes and their descendants."""
        for process in self.processes.values():
            for pid in (*below(process.pid), process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()


def below(pid: int) -> list:
    """Process ids of all descendants of a process, whichever of its threads started them."""
    own = []
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            own += map(int, (thread / "children").read_text().split())
    return own + [each for child in own for each in below(child)]


def worker_of(hosts: Hosts, name: str) -> int:
    """Process id of the worker of a Dask nanny; waits until it has started."""
    while True:
        for pid in below(hosts.processes[name].pid):
            with contextlib.suppress(OSError):
                if b"multiprocessing.spawn" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return pid
        time.sleep(0.5)


def sweep_words(options, data: Path, checkpoint: Path) -> list:
    """Options of apps/run_link.py for at least ``options.points`` points, on SNRs from -10 to 30
    dB."""
    count = -(-options.points // 8)
    snrs = ",".join(f"{-10 + 40 * n / count:.4g}" for n in range(count))
    return [f"--snr={snrs}", *KINDS, "--frames", options.frames, "--data", data,
            "--checkpoint", checkpoint]  # fmt: skip


def finished(path: Path) -> int:
    """Number of points in a document that is still being written."""
    return len(json.loads(path.read_text())["records"]) if path.exists() else 0


def disturb(hosts: Hosts, options, path: Path) -> list:
    """Kill and stop workers during the sweep; returns a line for each that was killed or stopped.

    path  the sweep's document, whose points tell how far it is
    """
    wanted = [(share, "kill") for share in KILLED_AT] + [(STOPPED_AT, "stop")]
    done, victims, client = [], ["second", "third", "third"], hosts.processes["sweep"]
    for (share, what), victim in zip(sorted(wanted), victims, strict=True):
        while finished(path) < share * options.points and client.poll() is None:
            time.sleep(1.0)
        if client.poll() is not None:
            break
        pid = worker_of(hosts, victim)
        os.kill(pid, signal.SIGKILL if what == "kill" else signal.SIGSTOP)
        done.append(f"{what} {victim} after {finished(path)} points")
        if what == "stop":
            time.sleep(options.pause)
            os.kill(pid, signal.SIGCONT)
    return done


def give(folder: Path, data: Path, checkpoint: Path) -> dict:
    """Copy the set and the weights into a host's own folder; returns the environment variables that
    name them."""
    shutil.copytree(data, folder / "sets" / data.name)
    shutil.copytree(models_folder(), folder / "models")
    shutil.copy(checkpoint, folder / "models" / checkpoint.name)
    return {"SEMCOM_SETS": folder / "sets", "SEMCOM_MODELS": folder / "models"}


def main() -> int:
    """Run the sweep twice and compare; returns the exit status."""
    options = parse()
    if options.relay:
        return asyncio.run(relay(*options.relay, options.delay / 1000))
    if os.geteuid():
        raise SemcomError("namespaces need root")
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    work = [sys.executable, "-m", "distributed.cli.dask_worker", "--nthreads", "1"]
    link = [sys.executable, ROOT / "apps" / "run_link.py"]
    with tempfile.TemporaryDirectory() as name, network(options.delay) as by_tc:
        hosts, folder = Hosts(Path(name)), Path(name)
        own, scheduler = folder / HOSTS[0], f"tcp://{address(HOSTS[0])}:{PORT}"
        data, checkpoint = own / "events", own / "mine.safetensors"
        synthetic.write(data, CLIPS)
        shutil.copy(shipped("pilot_ave_plus"), checkpoint)
        words = sweep_words(options, data, checkpoint)
        began = time.monotonic()
        try:
            port = PORT if by_tc else BEHIND
            listen = ["--host", address(HOSTS[0]), "--port", port, "--no-dashboard"]
            hosts.start(HOSTS[0], "scheduler", *dask, *listen)
            if not by_tc:
                ends = [f"{address(HOSTS[0])}:{each}" for each in (PORT, port)]
                late = ["--delay", options.delay, "--relay", *ends]
                hosts.start(HOSTS[0], "relay", sys.executable, __file__, *late)
            for host in HOSTS[1:]:
                given = give(folder / host, data, checkpoint)
                hosts.start(host, host, *work, scheduler, "--no-dashboard", **given)
            path = own / "sweep.json"
            hosts.start(HOSTS[0], "sweep", *link, *words, "--scheduler", scheduler, "--json", path)
            done = disturb(hosts, options, path)
            status = hosts.processes["sweep"].wait()
            swept_s = time.monotonic() - began
        finally:
            said = hosts.said("sweep") if "sweep" in hosts.processes else ""
            hosts.kill()
        if status:
            print(said, file=sys.stderr)
            return 1
        alone = own / "alone.json"
        began = time.monotonic()
        run(*link, *words, "--json", alone, env={**os.environ, "OMP_NUM_THREADS": "1"})
        alone_s = time.monotonic() - began
        ours, one = (
            [lasting(record) for record in json.loads(each.read_text())["records"]]
            for each in (path, alone)
        )
    result = {
        "delayed by": "tc" if by_tc else "a relay",
        "points": len(ours), "frames": options.frames, "done to workers": done,
        "sweep_s": round(swept_s, 1), "one_process_s": round(alone_s, 1),
        "equal": json.dumps(ours) == json.dumps(one) and len(done) == 3,
    }  # fmt: skip
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
    return 0 if result["equal"] else 1


if __name__ == "__main__":
    sys.exit(exit_status("sweep_hosts.py", main))
