#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Start a Dask cluster of Slurm jobs for --scheduler: one worker per job, one core each
(dask-jobqueue).

Prints the scheduler's address and keeps the jobs running until the program is stopped.  --script
prints the job script alone.

examples:
  slurm_cluster.py --jobs 100 --queue short --walltime 02:00:00 --script
  slurm_cluster.py --jobs 100 --queue short --walltime 02:00:00 > address &
  run_link.py --snr=-10:30:0.1 --scheduler "$(cat address)" --json out/link.json
"""

import argparse
import contextlib
import os
import shlex
import sys
import time

from gnuradio.semcom.base.optional import dask, distributed
from gnuradio.semcom.base.options import at_least
from gnuradio.semcom.base.programs import exit_status
from gnuradio.semcom.sweep.cluster import SETTINGS

HANDED_ON = ("PYTHONPATH", "SEMCOM_MODELS", "SEMCOM_SETS", "LD_LIBRARY_PATH")  # to the jobs


def parse():
    """The options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--jobs", type=at_least(1), default=1, help="number of workers (default: %(default)s)")
    add("--queue", help="Slurm's partition")
    add("--account", help="Slurm's account to charge")
    add("--walltime", default="01:00:00", help="time limit of a job (default: %(default)s)")
    add("--memory", default="2GB", help="memory of a job (default: %(default)s)")
    add("--interface", help="network interface of the scheduler and the jobs, such as ib0")
    add("--script", action="store_true", help="print the job script and end")
    return parser.parse_args()


def whole(folders: str) -> str:
    """A list of folders as absolute paths, as jobs start in other folders."""
    return os.pathsep.join(map(os.path.abspath, filter(None, folders.split(os.pathsep))))


def main() -> int:
    options = parse()
    distributed.LocalCluster  # noqa: B018  loads it: its settings are known before they are changed
    with dask.config.set(SETTINGS):
        from dask_jobqueue import SLURMCluster

        known = {name: whole(os.environ[name]) for name in HANDED_ON if name in os.environ}
        cluster = SLURMCluster(
            cores=1, processes=1, memory=options.memory, walltime=options.walltime,
            queue=options.queue, account=options.account, interface=options.interface,
            python=sys.executable,
            job_script_prologue=[f"export {k}={shlex.quote(v)}" for k, v in known.items()],
        )  # fmt: skip
    with cluster, contextlib.suppress(KeyboardInterrupt):
        if options.script:
            print(cluster.job_script())
            return 0
        cluster.scale(jobs=options.jobs)
        print(cluster.scheduler_address, flush=True)
        while True:
            time.sleep(1.0)
    return 0


if __name__ == "__main__":
    sys.exit(exit_status("slurm_cluster.py", main))
