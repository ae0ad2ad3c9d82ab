# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Watches whether a device's samples keep coming, and counts the errors that it reports."""

import threading
import time

import pmt
from gnuradio import gr

from ..base.programs import fault
from . import guard
from .guard import DeviceLost, guarded

POLL_S = 0.1  # [s] between two checks
SILENT_S = 2.0  # [s] without a sample after which a stream counts as stopped
ANSWER_S = 1.0  # [s] in which a restarted stream has to bring samples
BEGIN_S = 60.0  # [s] in which the blocks of a flowgraph have to start
BEGIN, EVENTS, COMMAND = map(pmt.intern, ("begin", "events", "command"))
NAMES = {  # UHD's event -> its name in messages; '': no error
    "underflow_in_packet": "underflow",
    "time_error": "late",
    "seq_error": "sequence error",
    "seq_error_in_burst": "sequence error",
    "burst_ack": "",
}


class Silence:
    """Measures for how long a counter has not changed.

    A pause between two readings counts as two intervals at most: longer ones mean that the process
    itself was stopped.
    """

    def __init__(self):
        self.seconds, self._count, self._at = 0.0, None, None

    def look(self, count: int, expected: bool, now: float) -> float:
        """Read the counter; the time [s] without a change, 0 if it changed or no change is
        expected.

        count     reading of the counter
        expected  whether the counter should change
        now       [s] of time.monotonic()
        """
        passed = 0.0 if self._at is None else min(now - self._at, 2 * POLL_S)
        still = expected and count == self._count
        self.seconds = self.seconds + passed if still else 0.0
        self._count, self._at = count, now
        return self.seconds


class stream_watch(gr.basic_block):
    """Ends the flowgraph with a line that names the device if no samples pass for 2 s.

    With ``restart`` the stream is restarted once first; if that helps, it is a fault
    (semcom.base.programs.fault: exit status 1).

    Message port ``events``: asynchronous messages of UHD
    Message port ``command`` (out): connected to the device's block, so that this block starts and
    stops with it; no message is sent

    words    the device and its failure, such as "no samples from USRP 'serial=1'"
    look     function that returns (number of samples so far, whether more are expected now)
    restart  function that restarts the stream; None: it cannot be restarted

    ``events`` is {name: number} of reported errors: underflow, late and others; ``restarts`` counts
    the restarts since the start.
    """

    def __init__(self, words: str, look, restart=None):
        gr.basic_block.__init__(self, "stream_watch", [], [])
        self.words, self._look, self._restart = words, look, restart
        self.events, self.restarts = {}, 0
        self._ended, self._begun = threading.Event(), threading.Event()
        self.message_port_register_in(BEGIN)
        self.set_msg_handler(BEGIN, self._begin)
        self.message_port_register_in(EVENTS)
        self.set_msg_handler(EVENTS, self._count)
        self.message_port_register_out(COMMAND)

    def start(self) -> bool:
        self._ended, self._begun, self.restarts = threading.Event(), threading.Event(), 0
        self.to_basic_block()._post(BEGIN, pmt.PMT_NIL)  # is handled once every block has started
        self._thread = threading.Thread(target=self._run, args=(self._ended,), daemon=True)
        self._thread.start()
        return True

    def stop(self) -> bool:
        self._ended.set()
        self._thread.join(2 * POLL_S)  # takes longer only if the device does not answer
        return True

    def _begin(self, _) -> None:
        self._begun.set()

    @guarded
    def _count(self, message):
        told = pmt.cdr(message) if pmt.is_pair(message) else message
        codes = pmt.dict_ref(told, pmt.intern("event_code"), pmt.PMT_NIL)
        while pmt.is_pair(codes):
            code = pmt.write_string(pmt.car(codes))
            name = NAMES.get(code, code)
            if name:
                self.events[name] = self.events.get(name, 0) + 1
            codes = pmt.cdr(codes)

    @guarded
    def _run(self, ended) -> None:
        waited, silence, limit = Silence(), Silence(), SILENT_S
        while not ended.wait(POLL_S):
            guard.look()
            now = time.monotonic()
            if not self._begun.is_set():
                if waited.look(0, True, now) > BEGIN_S:
                    guard.fail(f"{self.words}: the flowgraph did not start within {BEGIN_S:g} s")
                    return
                continue
            before, silent = silence.seconds, silence.look(*self._look(), now)
            if silent < before and limit > SILENT_S:
                fault(f"{self.words} for {before:.1f} s: its stream stopped and was restarted")
                limit = SILENT_S
            if silent >= limit:
                if self.restarts or not self._restart:
                    guard.fail(f"{self.words} for {silent:.0f} s; check its cable and power")
                    return
                self._ask_again(silent)
                limit = SILENT_S + ANSWER_S

    def _ask_again(self, silent: float) -> None:
        self.restarts += 1
        try:
            self._restart()
        except DeviceLost as cause:
            raise DeviceLost(f"{self.words} for {silent:.0f} s: {cause}") from cause
