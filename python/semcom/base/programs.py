# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Start and end of the programs: exit status, signals, and one line for whatever ended them."""

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

# Debian's Torch loads UCX, which otherwise takes SIGHUP: a closed terminal would end no program
os.environ.setdefault("UCX_DEBUG_SIGNO", "0")

AGAIN_S = 1.0  # [s] after which a second signal counts: shells and `timeout` send one twice
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
NO_MEMORY = (  # texts of errors that are no MemoryError
    "can't allocate memory",
    "Cannot allocate memory",
    "can't start new thread",
    "thread_resource_error",
    "failed to map segment",
)
PLUMBING = 128 + signal.SIGPIPE  # exit status, as of shells, when the reader of the output ended

_faults = []
stop_asked = threading.Event()
"""Set when a signal asked the program to end; threads that wait look at it."""


class Stopped(KeyboardInterrupt):
    """A signal asked the program to end; ``signal`` is its number."""

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.signal = number


def program() -> str:
    """Name of the running program, as it was typed."""
    return Path(sys.argv[0]).name


def note(text: str) -> None:
    """Print a line for the user on standard error."""
    print(f"{program()}: {text}", file=sys.stderr, flush=True)


def fault(text: str) -> None:
    """Print a fault that does not stop the work; the program's exit status is not 0 in the end.

    :func:`take_faults` returns the faults.
    """
    _faults.append(text)
    note(f"error: {text}")


def take_faults() -> list:
    """The lines of :func:`fault` since the last call."""
    taken = _faults[:]
    _faults.clear()
    return taken


@contextlib.contextmanager
def stoppable():
    """Context in which SIGINT (Ctrl-C), SIGTERM (``timeout``, ``docker stop``) and SIGHUP (a lost
    terminal) raise :class:`Stopped`, once.

    A signal that is ignored (``nohup``) or has another handler is left as it is.
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
    """Do ``work`` and return the exit status; an error is one line on standard error.

    0    ``work`` returned None (otherwise the status is what it returned)
    1    a :func:`fault`, a failed block, a file that cannot be written, a lack of memory
    2    bad input, or a package is not installed
    128 + signal  the signal that stopped it; ``stopped()`` says which results are kept

    name       first word of the line
    bad_input  exceptions that mean bad input
    """
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
    """Exit status and line of the exception that ended a program; status None: an error in the
    program itself, whose traceback is shown."""
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
    """Whether a disk was full or failed: the input is not wrong then."""
    return isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO)


def _importing(cause: BaseException) -> str:
    """The module of another package whose import raised the exception; '' if there is none.

    A package that does not fit the installed versions of others may raise any exception.
    """
    for frame, _ in reversed(list(traceback.walk_tb(cause.__traceback__))):
        name = frame.f_globals.get("__name__", "")
        ours = name == "__main__" or name.startswith("gnuradio.semcom")
        if frame.f_code.co_name == "<module>" and not ours:
            return name.partition(".")[0]
    return ""


def _leave_standard_output() -> None:
    """Drop the rest of the output if standard output can no longer be written."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.close(nothing)


def start(module: str) -> int:
    """Run ``main`` of a module of ``cli`` and return its exit status.

    Names that are not UTF-8 are printed with escapes.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    _check_home()
    _own_packages_first()
    _tell_of_another_tree()
    where = f"{__package__.rpartition('.')[0]}.cli.{module}"
    return exit_status(program(), lambda: importlib.import_module(where).main())


def _own_packages_first() -> None:
    """Put this Python's own packages before those of PYTHONPATH: another version of numpy does not
    fit the other packages.  A folder with a GNU Radio of its own is on PYTHONPATH deliberately and
    stays in front."""
    brought = {
        str(Path(folder).absolute())
        for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep)
        if Path(folder, "numpy").is_dir() or Path(folder, "matplotlib").is_dir()
        if not Path(folder, "gnuradio").is_dir()
    }
    sys.path.sort(key=brought.__contains__)


def _tell_of_another_tree() -> None:
    """Print a line if the program is of one checkout and the module of another."""
    here, ours = Path(__file__).resolve().parents[1], Path(sys.argv[0]).resolve().parents[1:2]
    beside = [folder / "python" / "semcom" for folder in ours]
    if any(folder.is_dir() and not folder.samefile(here) for folder in beside):
        note(f"this runs the module in {here}, not the one in {beside[0]}; run make build there")


def _check_home() -> None:
    """Give GNU Radio, which keeps its preferences in the home directory, a temporary one if the
    home directory cannot be written."""
    try:
        Path(os.environ["HOME"], ".gnuradio").mkdir(exist_ok=True)
    except (KeyError, OSError):
        place = Path(tempfile.gettempdir(), f"gr-semcom-{os.getuid()}")
        with contextlib.suppress(OSError):
            place.mkdir(mode=0o700, exist_ok=True)
            ours = place.stat().st_uid == os.getuid()
            os.environ["HOME"] = str(place) if ours else tempfile.mkdtemp()
