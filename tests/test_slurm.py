# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The job script of docs/clusters.md: what it says, and that a worker it starts does a point."""

import os
import signal
import subprocess

import pytest
from conftest import start_program
from gnuradio.semcom.data import SyntheticSet
from gnuradio.semcom.run.records import lasting
from gnuradio.semcom.run.runner import run_point
from gnuradio.semcom.run.scenario import Scenario
from gnuradio.semcom.sweep import hosts
from gnuradio.semcom.sweep.cluster import Cluster
from gnuradio.semcom.sweep.points import Sweep

pytest.importorskip("dask_jobqueue")
TOOL = "tools/slurm_cluster.py"
SBATCH = (
    '#!/bin/sh\ncp "$1" {0}/job.sh\nbash "$1" > {0}/job.txt 2>&1 &\necho Submitted batch job 7\n'
)


def test_the_job_script_asks_for_one_core_and_starts_one_thread(program):
    words = ["--queue", "short", "--walltime", "02:00:00", "--account", "me"]
    done = program(TOOL, "--script", *words, env={"SEMCOM_SETS": "/sets one"})
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    asked = {line for line in lines if line.startswith("#SBATCH")}
    assert {"#SBATCH -p short", "#SBATCH -A me", "#SBATCH -n 1", "#SBATCH --cpus-per-task=1",
            "#SBATCH -t 02:00:00"} <= asked  # fmt: skip
    assert "export SEMCOM_SETS='/sets one'" in lines
    started = [line for line in lines if "distributed.cli.dask_worker tcp://" in line]
    assert len(started) == 1 and "--nthreads 1 " in started[0] and " --nanny" in started[0]
    assert subprocess.run(["bash", "-n"], input=done.stdout, text=True).returncode == 0


def test_a_job_does_a_point_as_this_process_does(tmp_path, monkeypatch):
    for name, text in (("sbatch", SBATCH.format(tmp_path)), ("scancel", "#!/bin/sh\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    process = start_program(TOOL, "--jobs", 1)
    try:
        address = process.stdout.readline().strip()
        assert address.startswith("tcp://"), process.stderr.read()
        point, clips = Scenario(snr=5.0, frames=20), SyntheticSet("test")
        with Cluster(scheduler=address) as cluster:
            hosts.compare(cluster)
            ((_, record),) = Sweep(cluster, [point], clips).records()
        assert lasting(record) == lasting(run_point(point, clips))
        assert "--nthreads 1" in (tmp_path / "job.sh").read_text()
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)
