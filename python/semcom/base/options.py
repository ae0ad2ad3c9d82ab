# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Options: each is defined once, as a field of its component's dataclass; command lines, sweeps and
records follow from the fields.

A program composes the components that it has by inheritance.  A field may say where the option has
an effect (:class:`Rule`) and where its value cannot be chosen (:class:`Fixed`); an option that is
given where it has no effect is an error, and :func:`used` tells those that had one.
"""

import argparse
import dataclasses
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from types import SimpleNamespace

import numpy as np

from .errors import SemcomError

INSTALLED = "semcom-"  # first part of the names of installed programs
MOST, MOST_SEED = 2**31 - 1, 2**63 - 1  # what an int, and a seed, of C++ and Torch can be
PROGRAM = re.compile(r"\b(?:apps/)?([a-z_]+)\.py\b")


@dataclass(frozen=True)
class Rule:
    """Where an option has an effect.

    holds  of a point, whether it has;  words  where, after "has an effect only"
    """

    holds: Callable
    words: str


@dataclass(frozen=True)
class Fixed:
    """Where an option has a value that cannot be chosen.

    holds  of a point, whether it is so;  words  where, after "is VALUE"
    """

    holds: Callable
    value: object
    words: str


def option(default, help: str, **more):
    """A dataclass field with its explanation.

    default  its type is the option's: a tuple takes several values, a bool is a switch
    unit     in which it is given, "dB"
    type     argparse's type, where the default's own does not do;  choices  as of argparse
    sweep    True: a sweep takes several values
    also     other names of the option: ("--feedback-snr",)
    only     Rules that all have to hold
    fixed    Fixed values, the first that holds counts
    place    True: says where something lies, which is told in records by its content
    """
    return field(default=default, metadata={"help": help, **more})


class Parser(argparse.ArgumentParser):
    """argparse whose complaint is one line."""

    def __init__(self, **more):
        more.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        more.setdefault("allow_abbrev", False)  # --side is not --sidelink-snr
        super().__init__(**more)
        if self.prog.startswith(INSTALLED):  # the examples too are of installed programs
            self.description = PROGRAM.sub(
                lambda found: INSTALLED + found[1].replace("_", "-"), self.description or ""
            )

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message} (see --help)\n")


def number(text: str) -> float:
    """A finite number, or argparse's error that says so."""
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number")
    return value


def numbers(text: str) -> list:
    """'start:stop:step' (stop included) or 'a,b,c' to a list of numbers."""
    if ":" not in text:
        return [number(part) for part in text.split(",")]
    parts = [number(part) for part in text.split(":")]
    if len(parts) != 3 or parts[2] == 0 or (parts[1] - parts[0]) / parts[2] < 0:
        raise argparse.ArgumentTypeError(f"'{text}' is not start:stop:step with start before stop")
    start, stop, step = parts
    return [start + i * step for i in range(int(np.floor((stop - start) / step + 1e-9)) + 1)]


def at_least(low: int, high: int = MOST):
    """Argparse's type of whole numbers from ``low`` on, as far as the blocks in C++ count."""

    def count(text: str) -> int:
        if not text.isdigit() or int(text) < low:
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least {low}")
        if int(text) > high:
            raise argparse.ArgumentTypeError(f"'{text}' is more than {high}")
        return int(text)

    return count


def within(low: float, high: float = np.inf, what: str = "a number"):
    """Argparse's type of numbers from ``low`` to ``high``."""
    said = f"from {low:g} to {high:g}" if np.isfinite(high) else f"of at least {low:g}"

    def checked(text: str) -> float:
        value = number(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"'{text}' is not {what} {said}")
        return value

    return checked


share = within(0, 1, "a share")  # of a whole
not_negative = within(0)


def positive(text: str) -> float:
    """Argparse's type of numbers above 0."""
    value = number(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number above 0")
    return value


def flag(name: str) -> str:
    """The option of a field, as it is typed."""
    return "--" + name.replace("_", "-")


def fields(component) -> dict:
    """name -> field of a component (a class, or a point of it)."""
    return {item.name: item for item in dataclasses.fields(component)}


# --- command lines --------------------------------------------------------------------------------


def add_options(parser, component, sweep: bool = False, names=None, leave_out=(), **defaults):
    """Give ``parser`` the options of a component; what was given, :func:`given` tells.

    sweep      options that can be swept take several values
    names      of the fields that a program has, in no group; None: all but those of
               ``leave_out``, a group for each component
    defaults   of this program alone, for its help
    """
    groups, done = {}, set(leave_out)
    for owner in reversed(component.__mro__[:-1]):
        for name in vars(owner).get("__annotations__", ()):
            item = fields(component).get(name)
            if item is None or name in done or (names is not None and name not in names):
                continue
            done.add(name)  # a field that a subclass has again is one option
            if owner not in groups and names is not None:
                groups[owner] = parser
            elif owner not in groups:
                title = owner.__doc__.splitlines()[0].rstrip(".")
                groups[owner] = parser.add_argument_group(title)
            _add(groups[owner], item, sweep, defaults.get(name, item.default))


def _add(group, item, sweep: bool, default) -> None:
    """One option; absent from the namespace unless it is given."""
    meta, kind = item.metadata, type(item.default)
    shown = "" if default in (None, "", 0, ()) else f" (default: {_text(default)})"
    unit = f" [{meta['unit']}]" if "unit" in meta else ""
    more = {"help": (meta.get("help", "") + unit + shown).replace("%", "%%")}
    more |= {"default": argparse.SUPPRESS, "dest": item.name}
    if kind is bool:
        more["action"] = argparse.BooleanOptionalAction
    else:
        more["type"] = meta.get("type") or (number if kind is float else kind)
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
    """A default for the help."""
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def given(args: argparse.Namespace, component) -> dict:
    """Name -> value of a component's options that a command line gave, of swept ones a list."""
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
    """The options of a component, those of ``names`` alone, as given or else their defaults."""
    known = {
        n: item.default for n, item in fields(component).items() if names is None or n in names
    }
    return SimpleNamespace(**(known | given(args, component)))


def from_file(component, name: str, value):
    """A value that a file tells of an option, checked as a typed one is; ValueError says what was
    found and expected."""
    item = fields(component)[name]
    meta, kind = item.metadata, float if item.default is None else type(item.default)
    if value is item.default or value == "" == item.default:
        return value  # None, and what a choice may be left at
    many = kind is tuple
    for each in value if many and isinstance(value, list) else [value]:
        _check_kind(each, str if many else kind)
        try:
            meta.get("type", str)(str(each))
        except argparse.ArgumentTypeError as cause:
            raise ValueError(str(cause)) from cause
        if meta.get("choices") and each not in meta["choices"]:
            raise ValueError(f"{each!r}, expected one of {', '.join(map(str, meta['choices']))}")
    return kind(value)


def _check_kind(value, kind: type) -> None:
    """ValueError if a value of JSON is not of a field's kind; a whole number is a float, too."""
    same = isinstance(value, (int, float) if kind is float else kind)
    if not same or (isinstance(value, bool) and kind is not bool) or value in (inf, -inf):
        words = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
        raise ValueError(f"{value!r}, expected {words[kind]}")


# --- where options have an effect -----------------------------------------------------------------


def broken(point, name: str) -> Rule | None:
    """The rule by which an option has no effect at a point; None if it has one."""
    rules = fields(point)[name].metadata.get("only", ())
    return next((rule for rule in rules if not rule.holds(point)), None)


def fixed(point, name: str) -> Fixed | None:
    """What fixes an option at a point; None if it can be chosen."""
    found = fields(point)[name].metadata.get("fixed", ())
    return next((each for each in found if each.holds(point)), None)


def settled(point):
    """The point with options that have no effect at their defaults, and fixed ones at their values:
    points that run the same are equal."""
    values = {}
    for name, item in fields(point).items():
        if broken(point, name):
            values[name] = item.default
        elif why := fixed(point, name):
            values[name] = why.value
    return dataclasses.replace(point, **values)


def used(point) -> dict:
    """Name -> value of every option that has an effect at a point."""
    point = settled(point)
    return {name: getattr(point, name) for name in fields(point) if not broken(point, name)}


def refuse(point, name: str) -> str:
    """One line on an option whose value at a point has no effect."""
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
    """Every combination of the values given, those that run the same once; numbers run fastest.

    values  name -> value, of a swept option a list; SemcomError for a value that has an effect
            at none of the points
    """
    lists = {n: v if isinstance(v, list) else [v] for n, v in values.items()}
    order = sorted(
        (name for name in fields(component) if name in lists),
        key=lambda name: isinstance(fields(component)[name].default, float),
    )
    every = [
        component(**dict(zip(order, choice, strict=True)))
        for choice in itertools.product(*(lists[name] for name in order))
    ]
    ends = [settled(point) for point in every]
    for name, choices in lists.items():
        for value in choices:
            tried = [
                (p, end) for p, end in zip(every, ends, strict=True) if getattr(p, name) == value
            ]
            if all(broken(p, name) or getattr(end, name) != value for p, end in tried):
                raise SemcomError(refuse(tried[0][0], name))
    return list(dict.fromkeys(ends))
