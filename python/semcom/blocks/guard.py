# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Errors of blocks: an exception in any block ends the flowgraph and is reported.

An exception that leaves a Python ``work()`` hangs a GNU Radio flowgraph, and one that leaves a
message handler silently ends that block's thread.  :func:`guarded` therefore catches it, keeps its
text here and ends the block, which ends the flowgraph.  Blocks written in C++ do the same.  GNU
Radio itself catches the exceptions of its own blocks and of ``start()`` and logs them, and the
flowgraph waits for the dead thread: the log is read, and its errors are kept, too.

A program runs its flowgraph with :func:`run`, which raises the errors.  A flowgraph that GRC
generated does not call it; its process ends with exit status 1 after an error.
"""

import atexit
import functools
import gc
import os
import re
import sys
import threading
import time
import weakref

from gnuradio import gr

from ..base.awake import Awake
from ..base.errors import BlockError
from ..base.programs import take_faults

WORK_DONE = -1  # returned by work() to end: gr.WORK_DONE itself raises TypeError in Python
GRACE_S = 10.0  # [s] in which a flowgraph has to end after an error
START_S = 60.0  # [s] in which the blocks of a flowgraph have to start
NEW_S = 1.0  # [s] in which a new thread runs, if there is one
THREADS = "thread_body_wrapper"  # GNU Radio's logger of exceptions that ended a block's thread
DIED = re.compile(r"<block (?P<block>[^>]*)>\]: (?P<cause>.*?)(?:\n\nAt:|$)", re.DOTALL)

_log = gr.dictionary_logger_backend()
gr.logging().add_default_sink(_log)


class DeviceLost(RuntimeError):
    """A device does not answer; the text names the device."""


class _Latch:
    """The errors of this process's blocks, in order, until they are taken."""

    def __init__(self):
        self._lock = threading.Lock()
        self._errors = []
        self._printed = set()
        self._supervised = False
        self._dead = 0  # lines of the log of dead threads that were read
        self.names = {}  # GNU Radio's name of a block -> its name in messages
        self.lost = False  # the flowgraph cannot be stopped

    def report(self, text: str) -> None:
        with self._lock:
            self._errors.append(text)
            alone = not self._supervised
            if alone:
                self._printed.add(text)
        if alone:
            print(f"error: {text}", file=sys.stderr, flush=True)
            threading.Thread(target=self._end_process, daemon=True).start()

    @staticmethod
    def _end_process() -> None:
        time.sleep(GRACE_S)
        os._exit(1)

    def look(self) -> None:
        """Keep the errors of block threads that died since the last call, from GNU Radio's log."""
        lines = [text for _, text in sorted(_log.get_map().get(THREADS, ()))]
        with self._lock:
            new, self._dead = lines[self._dead :], len(lines)
        for line in new:
            died = DIED.search(line)
            block, cause = died.groups() if died else ("a block", line)
            self.report(f"{self.names.get(block, block)}: {' '.join(cause.split())}")

    def forget(self) -> None:
        """Drop all earlier errors, also those in GNU Radio's log."""
        self.take()
        with self._lock:
            self.lost = False
            self._dead = len(_log.get_map().get(THREADS, ()))

    def take(self) -> list:
        try:
            from .. import take_errors
        except ImportError:  # the compiled module is not installed, so none of its blocks ran
            take_errors = list
        with self._lock:
            errors, self._errors = self._errors + list(take_errors()), []
        return errors

    def unprinted(self, errors: list) -> list:
        """The errors that :meth:`report` has not printed."""
        return [text for text in errors if text not in self._printed]

    def pending(self) -> bool:
        self.look()
        with self._lock:
            return bool(self._errors)

    def supervise(self, on: bool) -> None:
        with self._lock:
            self._supervised = on


_latch = _Latch()
_running = []  # what still runs: of flowgraphs that were not stopped, or could not be
_supervised = weakref.WeakSet()  # flowgraphs that run() ran


@atexit.register
def _exit_status() -> None:
    """Make the exit status of any main program 1 if errors or faults were not taken.

    Flowgraphs that still run are stopped first: their threads crash when Python ends.
    """
    if not _running:  # looking for them disturbs those that could not be stopped
        _stop_all()
    errors = _latch.take()
    if errors or take_faults() or _running:
        for text in _latch.unprinted(errors):
            print(f"error: {text}", file=sys.stderr, flush=True)
        sys.stdout.flush()
        os._exit(1)


def _stop_all() -> None:
    """Stop the flowgraphs of a program that ends without stopping them, as sys.exit() in a window
    does; those of :func:`run` have ended or cannot be stopped."""
    left = [each for each in gc.get_objects() if issubclass(type(each), gr.top_block)]
    stopping = [
        threading.Thread(target=_stop, args=(each,), daemon=True)
        for each in left
        if each not in _supervised
    ]
    for thread in stopping:
        thread.start()
    for thread in stopping:
        thread.join(GRACE_S)
    _running.extend(thread for thread in stopping if thread.is_alive())


def _stop(top_block) -> None:
    top_block.stop()
    top_block.wait()


def guarded(method):
    """Decorator of ``work``, ``general_work``, ``stop`` and message handlers: an exception is kept
    as an error of the block and ends it; it is not raised."""

    @functools.wraps(method)
    def safe(self, *args):
        try:
            return method(self, *args)
        except DeviceLost as cause:
            fail(str(cause), lost=True)
            return threading.Event().wait()  # for ever: returning would stop the device's block
        except Exception as cause:
            _latch.report(f"{self.alias()}: {str(cause) or type(cause).__name__}")
            return WORK_DONE

    return safe


def fail(text: str, lost: bool = False) -> None:
    """End the flowgraph with an error from outside a block's methods.

    lost  a device does not answer, and stopping the flowgraph would block for ever
    """
    _latch.lost = _latch.lost or lost
    _latch.report(text)


def name(block, words: str) -> None:
    """Set the name ``words`` of a GNU Radio block in the message when its thread dies."""
    _latch.names[block.identifier()] = words


def look() -> None:
    """Report blocks whose threads died, in flowgraphs that :func:`run` does not watch."""
    _latch.look()


def run(
    top_block,
    stall_s=120.0,
    progress=None,
    poll_s=0.05,
    timeout_s=float("inf"),
    cut=None,
    silence: Awake | None = None,
) -> None:
    """Run ``top_block`` to its end; :class:`BlockError` with the errors that its blocks reported.

    stall_s   [s] a flowgraph that makes no progress for this long is stopped, which is an error
    progress  called every ``poll_s`` seconds; returns a number that grows while work is done, or
              None to stop the flowgraph early
    timeout_s [s] longest duration of the run
    cut       called when an exception (Ctrl-C) ends the run, before the blocks are stopped
    silence   clock by which ``stall_s`` is measured; None: :class:`semcom.base.awake.Awake`
    """
    _latch.forget()
    _latch.supervise(True)
    life = _Life(top_block)
    try:
        life.begin()
        _watch(life, stall_s, progress, poll_s, timeout_s, silence or Awake())
    except BaseException:
        if cut:
            cut()
        raise
    finally:
        _latch.look()
        ended = life.end()
        _latch.supervise(False)
        errors = _latch.take()
    if errors:
        raise BlockError(errors[0])
    if life.error:
        raise life.error
    if not ended:
        raise BlockError(f"the flowgraph did not end within {GRACE_S:g} s of being stopped")


class _Life:
    """Runs a flowgraph in a thread of its own: if a block's ``start()`` raises, the flowgraph's
    start waits for that block for ever.

    ``error``  exception of the flowgraph itself, or None
    """

    def __init__(self, top_block):
        self._top_block, self.error = top_block, None
        _supervised.add(top_block)
        self._unwanted = False
        self.started, self.done = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)

    def begin(self) -> None:
        """Start the flowgraph; a signal that interrupts this may leave it running, or not yet."""
        self._thread.start()

    def _live(self) -> None:
        try:
            if not self._unwanted:
                self._top_block.start()
                self.started.set()
                self._top_block.wait()
        except Exception as cause:
            self.error = cause
        finally:
            self.done.set()

    def end(self) -> bool:
        """Stop the flowgraph; returns whether it ended.

        A flowgraph that hangs in its start is not stopped: stop() would wait for the same lock.
        """
        self._unwanted = True
        _running.append(self)  # also after a signal that interrupts this
        ended = self._ended()
        if ended or not self.started.is_set():
            _running.remove(self)
        return ended

    def _ended(self) -> bool:
        if self._thread.ident is None and not self.done.wait(NEW_S):
            return True  # it was interrupted before there was a thread
        deadline = time.monotonic() + GRACE_S
        while not self.started.wait(0.05) and not self.done.is_set():
            if _latch.pending() or time.monotonic() > deadline:
                return False
        if _latch.lost:
            return False
        self._top_block.stop()
        return self.done.wait(GRACE_S)


def _watch(life, stall_s, progress, poll_s, timeout_s, silence) -> None:
    """Return when the flowgraph ended, a block reported an error or ``progress`` returned None."""
    clock, count = Awake(), 0
    began = last = clock()
    heard = silence()
    while not life.done.wait(poll_s) and not _latch.pending():
        at = clock()
        if not life.started.is_set():
            if at - began > START_S:
                raise BlockError(f"the flowgraph did not start within {START_S:g} s")
            continue
        now, idle = progress() if progress else 0, silence()
        if now is None:
            return
        if now != count:
            last, heard, count = at, idle, now
        elif progress and idle - heard > stall_s:
            raise BlockError(f"no frame arrived for {at - last:.3g} s; the flowgraph was stopped")
        if at - began > timeout_s:
            raise BlockError(f"the flowgraph did not end within {timeout_s:g} s; it was stopped")
