# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""link_meter: which frames count, whatever comes when."""

import itertools

import numpy as np
import pytest
import torch
from gnuradio.semcom import link_meter
from gnuradio.semcom.blocks.frame_block import Frame
from gnuradio.semcom.phy.csi import CSI, pack

SENT = np.array([[1, 1j, -1, 2], [1j, 1, 1, -1j]], np.complex64)
ERROR = np.array([[0.1], [0.5]], np.float32)  # of each stream


def frames(number: int, unknown=()) -> list:
    """(port, frame) of what was sent by two terminals, detected, and received by an antenna."""
    no_eff = torch.full((1, 2), 0.1)
    no_eff[:, list(unknown)] = torch.inf
    zero = torch.zeros(1)
    state = pack(
        CSI(torch.eye(2)[None] + 0j, torch.zeros(1, 2), zero + 0.1, zero + 10, None, no_eff)
    )
    made = [Frame(number, items) for items in (*SENT, *(SENT + ERROR), SENT[0])]
    made[2].csi = state
    return list(enumerate(made))


def report_of(given) -> dict:
    meter = link_meter(2)
    for port, frame in given:
        meter.taps[port].process([[frame]])
    return meter.report()


def test_the_figures_of_a_frame_do_not_depend_on_which_input_comes_first():
    expected = report_of(frames(0))
    power = np.sum(abs(SENT) ** 2)
    assert expected["evm_db"] == pytest.approx(10 * np.log10(4 * (0.1**2 + 0.5**2) / power))
    assert expected["papr_db"] == pytest.approx(10 * np.log10(4 / (7 / 4)))
    assert all(report_of(order) == expected for order in itertools.permutations(frames(0)))


@pytest.mark.parametrize("late", [False, True])
def test_symbols_of_a_stream_that_was_not_heard_are_not_waited_for(late):
    """They come before, after or never: the figures are those of the other stream."""
    sent, unsent, *rest = frames(0, unknown=[1])
    figures = report_of([sent, *rest, *[unsent] * late])
    assert figures == report_of([unsent, sent, *rest])
    assert figures["evm_db"] == pytest.approx(10 * np.log10(4 * 0.1**2 / 7))


def test_a_frame_without_any_known_stream_has_no_error():
    figures = report_of(frames(0, unknown=[0, 1])[2:])
    assert figures["evm_db"] is None and figures["papr_db"] is None


def test_a_frame_that_lacks_an_input_does_not_count_and_is_forgotten():
    meter = link_meter(2)
    for port, frame in (*frames(0)[:-1], *frames(1)):
        meter.taps[port].process([[frame]])
    assert meter.measured()[0].tolist() == [1] and not meter._waiting
