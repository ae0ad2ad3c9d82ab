# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What the programs give is what they gave: command lines and their figures, tests/reference.

A change that is meant to change figures writes them again: python -m tests.reference --record.
"""

import pytest
from reference import figures
from reference.cases import CASES
from reference.run import run_case

RECORDER, GAVE = figures.read()


@pytest.mark.parametrize("name", CASES)
def test_figures_are_what_they_were(name):
    found = figures.differences(GAVE[name], run_case(CASES[name]), figures.arithmetic() == RECORDER)
    assert not found, "\n".join([f"{len(found)} differences", *found[:20], *CASES[name]])


def test_each_record_that_is_kept_belongs_to_a_case():
    assert list(GAVE) == list(CASES)


@pytest.mark.parametrize(
    ("was", "now", "exact", "near"),
    [
        (-8.298318, -8.298324, True, True),
        (-8.298318, -8.29834, False, True),
        (-8.298318, -8.4, False, False),
        (12, 13, False, False),
        (None, 0.5, False, False),
        (0.5, None, False, False),
        ("2 2", "2 3", False, False),
    ],
)
def test_a_difference_is_found(was, now, exact, near):
    one, other = {"point": "p", "evm_db": was}, {"point": "p", "evm_db": now}
    for strict, expected in ((True, exact), (False, near)):
        found = figures.differences([one], [other], strict)
        assert found == [] if expected else found[0].startswith("record 0 (p): evm_db was")


def test_a_share_may_differ_by_a_decision_where_rounding_differs():
    assert figures.same("accuracy", 0.5, 0.525, exact=False)
    assert not figures.same("accuracy", 0.5, 0.525, exact=True)
    assert not figures.same("accuracy", 0.5, 0.6, exact=False)


def test_a_record_too_few_or_a_figure_too_many_is_a_difference():
    assert figures.differences([{"point": "p"}], [], exact=True)
    assert figures.differences([{"point": "p"}], [{"point": "p", "x": 1}], exact=True)
