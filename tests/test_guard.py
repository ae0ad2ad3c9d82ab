# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Flowgraphs with blocks of others, which throw where they like: each is a process, which ends."""

import sys
import threading
import time

import pytest
from gnuradio import analog, blocks, gr
from gnuradio.semcom.blocks import guard

BLOCKS = """
import sys, time
import numpy as np
from gnuradio import blocks, gr
from gnuradio.semcom.base.programs import fault
from gnuradio.semcom.blocks import guard

class unruly(gr.sync_block):
    "Not guarded, as the blocks of others."
    def __init__(self, where):
        gr.sync_block.__init__(self, "unruly", [], [np.complex64])
        self.where = where

    def at(self, where):
        if where == self.where:
            raise RuntimeError(f"thrown in\\n{where}")

    def start(self):
        self.at("start")
        return True

    def stop(self):
        self.at("stop")
        return True

    def work(self, input_items, output_items):
        self.at("work")
        time.sleep(0.01)
        return min(100, len(output_items[0]))

class lost(gr.sync_block):
    def __init__(self):
        gr.sync_block.__init__(self, "lost", [np.complex64], [])

    @guard.guarded
    def work(self, input_items, output_items):
        raise guard.DeviceLost("the device does not answer")

def flowgraph(where, sink=None):
    top, source = gr.top_block(), unruly(where)
    top.kept = source, sink
    guard.name(source, "the device")
    top.connect(source, sink or blocks.null_sink(8))
    return top
"""

RUN = """
try:
    guard.run(flowgraph("{where}", {sink}), timeout_s=20)
except guard.BlockError as cause:
    print("raised", cause)
"""


def run(program, script):
    return program("-c", BLOCKS + script, timeout=60)


def raised(done) -> list:
    """What guard.run raised; GNU Radio logs to the same place."""
    return [line[7:] for line in done.stdout.splitlines() if line.startswith("raised ")]


@pytest.mark.parametrize("where", ["start", "work"])
def test_what_a_block_of_others_throws_ends_the_run(program, where):
    done = run(program, RUN.format(where=where, sink=None) + "sys.exit(5)")
    assert raised(done) == [f"the device: RuntimeError: thrown in {where}"]
    assert done.returncode == 5  # the process too ends, with its own status


def test_one_run_after_another_has_its_own_errors(program):
    done = run(program, RUN.format(where="work", sink=None) + RUN.format(where="", sink="lost()"))
    assert raised(done) == [
        "the device: RuntimeError: thrown in work",
        "the device does not answer",
    ]


def test_a_flowgraph_with_a_lost_device_is_not_stopped(program):
    """Its stop() throws, and GNU Radio then aborts the process."""
    done = run(program, RUN.format(where="stop", sink="lost()"))
    assert raised(done) == ["the device does not answer"] and done.returncode == 1
    assert "terminate" not in done.stderr
    stopped = run(program, "top = flowgraph('stop'); top.start(); top.stop(); top.wait()")
    assert stopped.returncode < 0 and sys.platform == "linux"


def test_a_flowgraph_that_cannot_be_connected_says_so(program):
    done = run(program, "guard.run(flowgraph('', blocks.add_cc()), timeout_s=20)")
    assert done.returncode == 1 and "RuntimeError" in done.stderr  # insufficient connected outputs


def test_a_fault_makes_the_exit_status_1(program):
    done = run(program, "fault('mended'); sys.exit(0)")
    assert done.returncode == 1 and done.stderr == "-c: error: mended\n"


def test_a_program_that_ends_while_a_flowgraph_runs_stops_it_first(program):
    """Its threads would run into the end of Python, which aborts from 3.13 on."""
    done = run(
        program,
        """
class counter(gr.sync_block):
    def __init__(self):
        gr.sync_block.__init__(self, "counter", [np.complex64], [])

    def work(self, input_items, output_items):
        return len(input_items[0])

    def stop(self):
        print("stopped", flush=True)
        return True

top = gr.top_block()
sink = counter()
top.connect(blocks.null_source(8), sink)
top.start()
sys.exit(3)
""",
    )
    assert done.returncode == 3 and done.stdout.splitlines()[-1] == "stopped", done.stderr


@pytest.mark.parametrize("there", [True, False], ids=["after", "before"])
def test_a_signal_during_the_start_leaves_nothing_that_runs(monkeypatch, there):
    """Its threads would abort the process when Python ends."""
    samples = blocks.probe_signal_c()
    top = gr.top_block()
    top.connect(analog.sig_source_c(1e6, analog.GR_COS_WAVE, 1e3, 1.0), samples)
    start = threading.Thread.start

    def interrupted(thread):
        ours = threading.current_thread() is threading.main_thread()
        if there or not ours:
            start(thread)
        if ours:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            guard.run(top)
    time.sleep(0.2)
    assert not guard._running
    top.start()  # fails while it runs
    top.stop()
    top.wait()
