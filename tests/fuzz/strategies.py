# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What readers are given: valid documents with some of their parts made odd, by Hypothesis."""

import copy

from hypothesis import strategies as st

ODD_NUMBERS = (0, -1, 1, 2, 0.5, -0.5, 1e-300, 1e300, 2**31, 2**63, 2**64, 10**12, 10**30,
               float("nan"), float("inf"), float("-inf"))  # fmt: skip
ODD_TEXTS = ("", "a", "\0", "\n", "a\r\nb", "\ud800", "é", "a" * 300, "../x", "[bold]", "{}", "%s")
numbers = st.sampled_from(ODD_NUMBERS) | st.integers(-300, 300) | st.floats(width=32)
texts = st.sampled_from(ODD_TEXTS) | st.text(max_size=12)
plain = st.none() | st.booleans() | numbers | texts
json_values = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def edited(draw, document, most: int = 4):
    """The document, JSON, with up to ``most`` of its parts replaced, taken out or added to."""
    document = copy.deepcopy(document)
    for _ in range(draw(st.integers(0, most))):
        document = _edit(draw, document)
    return document


def _edit(draw, document):
    """One edit somewhere; each level is entered, or is itself the place."""
    inner = _places(document)
    if not inner or draw(st.integers(0, 3)) == 0:
        return _replaced(draw, document)
    place = draw(st.sampled_from(inner))
    if draw(st.integers(0, 5)) == 0:
        del document[place]
    else:
        document[place] = _edit(draw, document[place])
    return document


def _places(document) -> list:
    if isinstance(document, dict):
        return sorted(document)
    return list(range(len(document))) if isinstance(document, list) else []


def _replaced(draw, value):
    """Another value: any, or one near to this."""
    if isinstance(value, dict) and draw(st.booleans()):
        return {**value, draw(texts): draw(json_values)}
    if isinstance(value, list) and draw(st.booleans()):
        return [*value, *value, draw(json_values)][: draw(st.integers(0, 9))]
    if isinstance(value, str) and draw(st.booleans()):
        at = draw(st.integers(0, len(value)))
        return value[:at] + draw(texts) + value[at + draw(st.integers(0, 2)) :]
    if isinstance(value, int | float) and draw(st.booleans()):
        return draw(numbers)
    return draw(json_values)


@st.composite
def damaged(draw, data: bytes, most: int = 6):
    """The bytes with some of them changed, taken out or doubled, or cut off."""
    data = bytearray(data)
    for _ in range(draw(st.integers(0, most))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        kind = draw(st.sampled_from(["set", "set", "insert", "cut", "double", "end"]))
        if kind == "set":
            new = draw(st.binary(max_size=4))
            data[at : at + len(new)] = new
        elif kind == "insert":
            data[at:at] = draw(st.binary(max_size=8))
        elif kind == "cut":
            del data[at : at + draw(st.integers(1, 64))]
        elif kind == "double":
            data[at:at] = data[at : at + draw(st.integers(1, 64))]
        else:
            del data[at:]
    return bytes(data)
