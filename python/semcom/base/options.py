# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Options of programs: each is defined once, as a field of its component's dataclass, from which
command lines, sweeps and records are made.

A program composes its components by inheritance.  A *point* is an instance of such a dataclass: one
value for each option.  A field may say where the option has an effect (:class:`Rule`) and where its
value cannot be chosen (:class:`Fixed`).  An option without effect that is given is an error;
:func:`used` returns the options that have an effect.
"""

import argparse
import dataclasses
import itertools
import re
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from math import inf, prod
from types import SimpleNamespace

import numpy as np

from .errors import SemcomError

INSTALLED = "semcom-"  # prefix of the names of installed programs
MOST_POINTS = 10**6  # of a sweep
MOST, MOST_SEED = 2**31 - 1, 2**63 - 1  # largest int and seed of C++ and Torch
MOST_FLOAT = float(np.finfo(np.float32).max)
PROGRAM = re.compile(r"\b(?:apps/)?([a-z_]+)\.py\b")


@dataclass(frozen=True)
class Rule:
    """A condition under which an option has an effect.

    holds  function of a point: whether the option has an effect there
    words  the condition as words, after "has an effect only"
    """

    holds: Callable
    words: str


@dataclass(frozen=True)
class Fixed:
    """A condition under which an option has a value that cannot be chosen.

    value  that value
    holds  function of a point: whether the value is fixed there
    words  the condition as words, after "is VALUE"
    """

    holds: Callable
    value: object
    words: str


def option(default, help: str, **more):
    """A dataclass field that is an option, with its help.

    default  its type is the option's type: a tuple takes several values, a bool is a switch
    unit     unit of the value, such as "dB"
    type     argparse's type, if it is not the default's
    choices  as in argparse
    sweep    True: a sweep takes several values
    also     other names of the option: ("--feedback-snr",)
    only     Rules, which all have to hold
    fixed    Fixed values; the first one that holds counts
    place    True: a path; records hold the content behind it and not the path
    """
    return field(default=default, metadata={"help": help, **more})


class Parser(argparse.ArgumentParser):
    """argparse with errors of one line, and without abbreviated options."""

    def __init__(self, **more):
        more.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        more.setdefault("allow_abbrev", False)  # --side is not --sidelink-snr
        super().__init__(**more)
        if self.prog.startswith(INSTALLED):  # the examples of the help use the installed name, too
            self.description = PROGRAM.sub(
                lambda found: INSTALLED + found[1].replace("_", "-"), self.description or ""
            )

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message} (see --help)\n")

    def _print_message(self, message, file=None):
        """Print; argparse itself ignores an output that is full or was closed."""
        (file or sys.stderr).write(message or "")


def number(text: str) -> float:
    """A finite number that float32 holds; argparse's error for other text."""
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number")
    if abs(value) > MOST_FLOAT:
        raise argparse.ArgumentTypeError(f"'{text}' is more than {MOST_FLOAT:.2g} in size")
    return value


def whole(text: str) -> int:
    """A whole number that C++'s int holds; argparse's error for other text."""
    if not re.fullmatch("[+-]?[0-9]+", text):
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number")
    if abs(int(text)) > MOST:
        raise argparse.ArgumentTypeError(f"'{text}' is more than {MOST} in size")
    return int(text)


def numbers(text: str) -> list:
    """The list of numbers of 'start:stop:step' (stop included) or 'a,b,c'."""
    if ":" not in text:
        return [number(part) for part in text.split(",")]
    parts = [number(part) for part in text.split(":")]
    if len(parts) != 3 or parts[2] == 0 or (parts[1] - parts[0]) / parts[2] < 0:
        raise argparse.ArgumentTypeError(f"'{text}' is not start:stop:step with start before stop")
    start, stop, step = parts
    steps = np.floor((stop - start) / step + 1e-9)
    if not steps < MOST_POINTS:
        raise argparse.ArgumentTypeError(f"'{text}' has {steps:.3g} values, at most {MOST_POINTS}")
    return [start + i * step for i in range(int(steps) + 1)]


def at_least(low: int, high: int = MOST):
    """Argparse's type of whole numbers from ``low`` to ``high``; default: the largest int of
    C++."""

    def count(text: str) -> int:
        if not text.isdigit() or int(text) < low:
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least {low}")
        if int(text) > high:
            raise argparse.ArgumentTypeError(f"'{text}' is more than {high}")
        return int(text)

    return count


def within(low: float, high: float = np.inf, what: str = "a number"):
    """Argparse's type of numbers from ``low`` to ``high``; ``what`` names them in the error."""
    said = f"from {low:g} to {high:g}" if np.isfinite(high) else f"of at least {low:g}"

    def checked(text: str) -> float:
        value = number(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"'{text}' is not {what} {said}")
        return value

    return checked


share = within(0, 1, "a share")  # a fraction, from 0 to 1
not_negative = within(0)


def positive(text: str) -> float:
    """Argparse's type of numbers above 0."""
    value = number(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number above 0")
    return value


def utf8(text: str) -> str:
    """Text that C++ takes; argparse's error for bytes of the command line that are not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(f"{ascii(text)} is not UTF-8") from None
    return text


def flag(name: str) -> str:
    """The option of a field as it is typed: "snr_db" is --snr-db."""
    return "--" + name.replace("_", "-")


def fields(component) -> dict:
    """{name: field} of a component (a dataclass, or a point of it)."""
    return _fields(component if isinstance(component, type) else type(component))


@lru_cache
def _fields(kind: type) -> dict:
    return {item.name: item for item in dataclasses.fields(kind)}


TYPES = {int: whole, float: number}  # of a default -> argparse's type


# --- command lines --------------------------------------------------------------------------------


def add_options(parser, component, sweep: bool = False, names=None, leave_out=(), **defaults):
    """Add the options of a component to ``parser``; :func:`given` returns those that were typed.

    sweep      options that can be swept take several values
    names      names of the fields to add, without a group of their own; None: all fields but
               those of ``leave_out``, in a group for each component
    defaults   defaults of this program that differ from the component's, for its help
    """
    groups, done = {}, set(leave_out)
    for owner in reversed(component.__mro__[:-1]):
        for name in vars(owner).get("__annotations__", ()):
            item = fields(component).get(name)
            if item is None or name in done or (names is not None and name not in names):
                continue
            done.add(name)  # a field that a subclass defines again is one option
            if owner not in groups and names is not None:
                groups[owner] = parser
            elif owner not in groups:
                title = owner.__doc__.splitlines()[0].rstrip(".")
                groups[owner] = parser.add_argument_group(title)
            _add(groups[owner], item, sweep, defaults.get(name, item.default))


def _add(group, item, sweep: bool, default) -> None:
    """Add one option; the namespace has it only if it was typed."""
    meta, kind = item.metadata, type(item.default)
    shown = "" if default in (None, "", 0, ()) else f" (default: {_text(default)})"
    unit = f" [{meta['unit']}]" if "unit" in meta else ""
    more = {"help": (meta.get("help", "") + unit + shown).replace("%", "%%")}
    more |= {"default": argparse.SUPPRESS, "dest": item.name}
    if kind is bool:
        more["action"] = argparse.BooleanOptionalAction
    else:
        more["type"] = meta.get("type") or TYPES.get(kind, kind)
        more["choices"] = meta.get("choices")
        if not more["choices"]:
            more["metavar"] = meta.get("metavar", item.name.split("_")[-1].upper())
        if (sweep and "sweep" in meta) or kind is tuple:
            more["nargs"] = "+"
            more["type"] = numbers if more["type"] is number else more["type"]
        if kind is tuple:
            more["type"] = meta.get("type", str)
    group.add_argument(flag(item.name), *meta.get("also", ()), **more)


def _text(value) -> str:
    """A default as the help shows it."""
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def given(args: argparse.Namespace, component) -> dict:
    """{name: value} of a component's options that were typed; a swept option has a list."""
    found = {}
    for name, item in fields(component).items():
        if hasattr(args, name):
            value = getattr(args, name)
            if isinstance(value, list) and isinstance(item.default, tuple):
                value = tuple(value)
            elif isinstance(value, list):
                value = [x for v in value for x in (v if isinstance(v, list) else [v])]
            found[name] = value
    return found


def values(args: argparse.Namespace, component, names=None) -> SimpleNamespace:
    """The typed values or else the defaults of a component's options, or of those in ``names``."""
    known = {
        n: item.default for n, item in fields(component).items() if names is None or n in names
    }
    return SimpleNamespace(**(known | given(args, component)))


def from_file(component, name: str, value):
    """An option's value read from a file, checked like a typed one.

    ValueError says what was found and what was expected.
    """
    item = fields(component)[name]
    meta, kind = item.metadata, float if item.default is None else type(item.default)
    if value is item.default or value == "" == item.default:
        return value  # a default may be outside the type: None, ''
    many = kind is tuple
    for each in value if many and isinstance(value, list) else [value]:
        _check_kind(each, str if many else kind)
        try:
            meta.get("type", TYPES.get(kind, str))(str(each))
        except argparse.ArgumentTypeError as cause:
            raise ValueError(str(cause)) from cause
        if meta.get("choices") and each not in meta["choices"]:
            raise ValueError(f"{each!r}, expected one of {', '.join(map(str, meta['choices']))}")
    return kind(value)


def _check_kind(value, kind: type) -> None:
    """ValueError if a value of JSON has another type than its field; a whole number is a float."""
    same = isinstance(value, (int, float) if kind is float else kind)
    if not same or (isinstance(value, bool) and kind is not bool) or value in (inf, -inf):
        words = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
        raise ValueError(f"{value!r}, expected {words[kind]}")


# --- where options have an effect -----------------------------------------------------------------


def broken(point, name: str) -> Rule | None:
    """The first rule of an option that does not hold at a point; None: the option has an effect."""
    rules = fields(point)[name].metadata.get("only", ())
    return next((rule for rule in rules if not rule.holds(point)), None)


def fixed(point, name: str) -> Fixed | None:
    """The Fixed value of an option at a point; None if it can be chosen there."""
    found = fields(point)[name].metadata.get("fixed", ())
    return next((each for each in found if each.holds(point)), None)


def settled(point):
    """The point with options without effect at their defaults, and fixed options at their values.

    Points that run the same are equal after this.
    """
    values = {}
    for name, item in fields(point).items():
        if broken(point, name):
            values[name] = item.default
        elif why := fixed(point, name):
            values[name] = why.value
    return dataclasses.replace(point, **values)


def used(point) -> dict:
    """{name: value} of the options that have an effect at a point."""
    point = settled(point)
    return {name: getattr(point, name) for name in fields(point) if not broken(point, name)}


def refuse(point, name: str) -> str:
    """The message (one line) for an option whose value has no effect at a point."""
    value = getattr(point, name)
    shown = flag(name) if isinstance(value, bool) else f"{flag(name)} {_text(value)}"
    if rule := broken(point, name):
        return f"{shown}: has an effect only {rule.words}; leave it out"
    why = fixed(point, name)
    return f"{shown}: is {why.value} {why.words}; leave it out"


def check_given(point, names) -> None:
    """SemcomError for the first of the options ``names`` that has no effect at a point."""
    for name in names:
        if broken(point, name) or (
            (why := fixed(point, name)) and why.value != getattr(point, name)
        ):
            raise SemcomError(refuse(point, name))


def points(component, values: dict) -> list:
    """A point for each combination of the values; points that run the same come once.

    values  {name: value}, a list for a swept option; numbers vary fastest

    SemcomError for a value that has an effect at none of the points.
    """
    lists = {n: v if isinstance(v, list) else [v] for n, v in values.items()}
    order = sorted(
        (name for name in fields(component) if name in lists),
        key=lambda name: isinstance(fields(component)[name].default, float),
    )
    if (count := prod(map(len, lists.values()))) > MOST_POINTS:
        raise SemcomError(
            f"{', '.join(flag(name) for name in order if len(lists[name]) > 1)}: {count} points, "
            f"at most {MOST_POINTS}; give fewer values"
        )
    every = [
        component(**dict(zip(order, choice, strict=True)))
        for choice in itertools.product(*(lists[name] for name in order))
    ]
    ends = [settled(point) for point in every]
    for name in lists:
        tried = defaultdict(list)
        for point, end in zip(every, ends, strict=True):
            tried[getattr(point, name)].append((point, end))
        for value, those in tried.items():
            if all(broken(p, name) or getattr(end, name) != value for p, end in those):
                raise SemcomError(refuse(those[0][0], name))
    return list(dict.fromkeys(ends))
