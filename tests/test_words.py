# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What users read: one word for each thing, every argument with its unit, every GRC parameter
explained."""

import inspect
import re
from pathlib import Path

import pytest
import yaml
from gnuradio.semcom import blocks
from words import texts, wrong_words

ROOT = Path(__file__).resolve().parents[1]


def test_one_word_for_each_thing():
    wrong = [line for path, text in texts() for line in wrong_words(path, text)]
    assert not wrong, "\n".join(wrong)


def test_the_check_of_words_finds_them():
    text = "The feedback link\nof paper 000 has scenes; backchannel."
    found = [line.split("'")[1] for line in wrong_words("docs/x.md", text)]
    assert found == ["paper 000", "feedback", "backchannel", "scenes"]
    assert not wrong_words("python/semcom/data/x.py", "a scene behind an object")


# --- blocks ---

COUNTS = {  # arguments that are numbers without a unit
    "seed", "frames", "first", "streams", "terminals", "antennas", "attempts", "window", "keep",
    "max_waiting", "max_batch", "system", "rician_k", "ask_below", "sidelinks", "terminal",
    "repetition", "iterations",
}  # fmt: skip
BLOCKS = {name: getattr(blocks, name) for name in blocks.__all__}
CLASSES = {name: found for name, found in BLOCKS.items() if inspect.isclass(found)}


def described(cls) -> dict:
    """Argument -> its description, of the lines ``name, other  what it is`` of a docstring; a line
    that is further in goes on with the one before."""
    found, names, column = {}, [], 0
    for line in (inspect.getdoc(cls) or "").splitlines():
        start = re.match(r"((?:\w+, )*\w+)  +(?=\S)", line)
        if start:
            names, column = start[1].split(", "), start.end()
            found |= dict.fromkeys(names, line[column:])
        elif names and line[:column].isspace() and column:
            found |= {name: f"{found[name]} {line[column:]}" for name in names}
        else:
            names = []
    return found


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_argument_of_a_block_is_documented_with_its_unit(name):
    arguments = list(inspect.signature(CLASSES[name].__init__).parameters.values())[1:]
    told = described(CLASSES[name])
    missing = [a.name for a in arguments if a.name not in told]
    assert not missing, f"{name}: its docstring does not say what {', '.join(missing)} is"
    bare = [
        a.name
        for a in arguments
        if isinstance(a.default, int | float)
        and not isinstance(a.default, bool)
        and a.name not in COUNTS
        and "[" not in told[a.name]
    ]
    assert not bare, f"{name}: no unit, as [Hz], in the description of {', '.join(bare)}"


def test_descriptions_are_read_as_they_are_written():
    class Example:
        """One line.

        rate, step  [Hz] of all
                    radios
        Not this.
        other       words
        """

    assert described(Example) == {
        "rate": "[Hz] of all radios",
        "step": "[Hz] of all radios",
        "other": "words",
    }


# --- GRC ---

DEFINITIONS = sorted((ROOT / "grc").glob("semcom_*.block.yml"))
GNU_RADIO = {"gui_hint"}  # parameters that GNU Radio's own blocks have, and documents


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.name.split(".")[0])
def test_every_grc_parameter_has_a_unit_or_is_explained(path):
    """Its name or label is in the documentation, or its label says the unit: ``Doppler [Hz]``."""
    definition = yaml.safe_load(path.read_text(encoding="utf-8"))
    told = definition["documentation"]
    bare = [
        parameter["id"]
        for parameter in definition.get("parameters", ())
        if parameter["id"] not in GNU_RADIO
        and not re.search(r"[\[(].+[\])]", parameter["label"])
        and parameter["label"].lower() not in told.lower()
        and not re.search(rf"\b{parameter['id']}\b", told)
    ]
    assert not bare, f"{path.name}: neither unit nor explanation of {', '.join(bare)}"
