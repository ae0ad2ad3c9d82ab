# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""How programs start and end: whatever ends a program, it prints one line."""

import contextlib
import errno
import importlib
import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from .errors import BlockError, SemcomError

AGAIN_S = 1.0  # [s] after which a second Ctrl-C is meant: shells and `timeout` send one twice
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
NO_MEMORY = (  # in errors that are no MemoryError
    "can't allocate memory",
    "Cannot allocate memory",
    "can't start new thread",
    "thread_resource_error",
    "failed to map segment",
)
PLUMBING = 128 + signal.SIGPIPE  # status of a program whose reader has gone, by custom

_faults = []
stop_asked = threading.Event()
"""Set when a signal asked the program to end: threads that wait for others look at it."""


class Stopped(KeyboardInterrupt):
    """A signal asked the program to end; ``signal`` is its number."""

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.signal = number


def program() -> str:
    """Name of the running program, as it was called."""
    return Path(sys.argv[0]).name


def note(text: str) -> None:
    """A line for the user, on standard error."""
    print(f"{program()}: {text}", file=sys.stderr, flush=True)


def fault(text: str) -> None:
    """Tell what went wrong and was mended while the work goes on: a line now, and in the end an
    exit status that is not 0 (:func:`take_faults`)."""
    _faults.append(text)
    note(f"error: {text}")


def take_faults() -> list:
    """The faults since the last call."""
    taken = _faults[:]
    _faults.clear()
    return taken


@contextlib.contextmanager
def stoppable():
    """SIGTERM (``timeout``, ``docker stop``) and SIGHUP (a lost terminal) end what is inside as
    Ctrl-C does: by :class:`Stopped`, once.

    A signal that is ignored, as behind ``nohup``, or handled by others stays so.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    began = None

    def stop(number, frame):
        nonlocal began
        now = time.monotonic()
        if began is None or (number == signal.SIGINT and now - began > AGAIN_S):
            began = now
            stop_asked.set()
            raise Stopped(number)

    usual = (signal.SIG_DFL, signal.default_int_handler)
    before = {n: signal.getsignal(n) for n in SIGNALS if signal.getsignal(n) in usual}
    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if before:
            stop_asked.clear()


def exit_status(
    name: str,
    work: Callable[[], int | None],
    stopped: Callable[[], str] = str,
    bad_input: tuple = (SemcomError,),
) -> int:
    """Do ``work``; what it returns, or 0 (1 after a :func:`fault`), or after one line on standard
    error 2 (bad input, or something is not installed), 1 (a block failed, a file, a lack of
    memory), or 128 + the signal that stopped it; ``stopped()`` says what is kept then."""
    with stoppable():
        try:
            try:
                return work() or int(bool(take_faults()))
            finally:
                take_faults()
                sys.stdout.flush()
        except SystemExit:
            raise
        except BrokenPipeError:
            _leave_standard_output()
            return PLUMBING
        except (Exception, KeyboardInterrupt) as cause:
            status, line = _ending(cause, stopped, bad_input)
            if status is None:
                raise
            print(f"{name}: {line}", file=sys.stderr)
            _leave_standard_output()
            return status


def _ending(cause: BaseException, stopped: Callable, bad_input: tuple) -> tuple[int | None, str]:
    """Exit status and line of what ended a program; None: a fault of the program."""
    told = " ".join(str(cause).split())
    if isinstance(cause, KeyboardInterrupt):
        number = getattr(cause, "signal", signal.SIGINT)
        return 128 + number, "; ".join(filter(None, ("stopped", stopped())))
    if isinstance(cause, BlockError):
        return 1, f"error: {cause}"
    if isinstance(cause, MemoryError) or any(words in told for words in NO_MEMORY):
        why = f" ({told[:200]})" if told else ""
        return 1, f"error: not enough memory{why}; give it more (ulimit -v), or do less"
    if isinstance(cause, bad_input):
        return (1 if _is_full(cause.__cause__) else 2), f"error: {cause}"
    if isinstance(cause, OSError):
        where = cause.filename or "standard output or a file"
        return 1, f"error: {where}: {cause.strerror or told}"
    loading, missing = _importing(cause), isinstance(cause, ImportError)
    if missing or loading:
        name = missing and cause.name or loading or "a module"
        remedy = "install it for this Python"
        if "PYTHONPATH" in os.environ:
            remedy += f", or unset PYTHONPATH ({os.environ['PYTHONPATH']})"
        return 2, f"error: {sys.executable} cannot import {name} ({told[:300]}); {remedy}"
    return None, ""


def _is_full(cause: BaseException | None) -> bool:
    """Whether a disk had no room, or failed: nothing that was asked for is wrong."""
    return isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO)


def _importing(cause: BaseException) -> str:
    """The module of another package in whose import an exception was raised; '' if in none: one
    that fits another version of its neighbours may raise anything."""
    for frame, _ in reversed(list(traceback.walk_tb(cause.__traceback__))):
        name = frame.f_globals.get("__name__", "")
        ours = name == "__main__" or name.startswith("gnuradio.semcom")
        if frame.f_code.co_name == "<module>" and not ours:
            return name.partition(".")[0]
    return ""


def _leave_standard_output() -> None:
    """Where it can be written no more, what is left in it is dropped."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.close(nothing)


def start(module: str) -> int:
    """Run ``main`` of a module of ``cli``; its exit status.  Names that are no UTF-8 are printed
    with escapes."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    _check_home()
    _own_packages_first()
    _tell_of_another_tree()
    where = f"{__package__.rpartition('.')[0]}.cli.{module}"
    return exit_status(program(), lambda: importlib.import_module(where).main())


def _own_packages_first() -> None:
    """What this Python has itself goes before what PYTHONPATH brings of the same name: another
    numpy fits nothing here.  A folder with a GNU Radio of its own is meant, and stays in front."""
    brought = {
        str(Path(folder).absolute())
        for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep)
        if Path(folder, "numpy").is_dir() or Path(folder, "matplotlib").is_dir()
        if not Path(folder, "gnuradio").is_dir()
    }
    sys.path.sort(key=brought.__contains__)


def _tell_of_another_tree() -> None:
    """A program of one checkout that runs the module of another says so."""
    here, ours = Path(__file__).resolve().parents[1], Path(sys.argv[0]).resolve().parents[1:2]
    beside = [folder / "python" / "semcom" for folder in ours]
    if any(folder.is_dir() and not folder.samefile(here) for folder in beside):
        note(f"this runs the module in {here}, not that of {beside[0]}; run make build there")


def _check_home() -> None:
    """GNU Radio keeps preferences in the home directory, and fails without one."""
    try:
        Path(os.environ["HOME"], ".gnuradio").mkdir(exist_ok=True)
    except (KeyError, OSError):
        place = Path(tempfile.gettempdir(), f"gr-semcom-{os.getuid()}")
        with contextlib.suppress(OSError):
            place.mkdir(mode=0o700, exist_ok=True)
            ours = place.stat().st_uid == os.getuid()
            os.environ["HOME"] = str(place) if ours else tempfile.mkdtemp()
