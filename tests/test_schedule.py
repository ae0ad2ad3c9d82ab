# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The burst format that both ends share, and the times at which the second terminal sends."""

from types import SimpleNamespace

import numpy as np
import pytest
from gnuradio.semcom import core
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.protocol.burst import SIDELINK_CODE, SIDELINK_TERMINAL, BurstFormat
from gnuradio.semcom.protocol.schedule import LATENESS_S, Schedule

PLAN = BurstFormat(sample_rate=1e6, turnaround=0.1, copies=3)
SYMBOLS = 160
COPY_S = PLAN.sidelink_length(SYMBOLS) / 1e6
PERIOD_S = 0.25


def report(frame, copy=0, late_s=0.0):
    at = 7.0 + PERIOD_S * frame + copy * COPY_S + late_s
    return SimpleNamespace(  # fmt: skip
        system=0,
        length=SYMBOLS,
        frame=frame,
        terminal=SIDELINK_TERMINAL + copy,
        seconds=int(at),
        fraction=at % 1,
    )


def schedule(*reports, until=0.0):
    made = Schedule(PLAN, SYMBOLS)
    made.update(list(reports), until)
    return made


def test_a_burst_is_due_a_turnaround_after_its_sidelink():
    made = schedule(report(3))
    assert made.due(3) == pytest.approx(7.0 + 3 * PERIOD_S + 0.1, abs=1e-9)
    assert made.due(4) is None
    assert made.next_due() == (3, made.due(3))
    made.settle(3)
    assert made.next_due() is None and made.due(3) is not None


def test_a_repetition_tells_the_same_time_as_the_first_copy():
    made = schedule(report(3, copy=2), report(4), report(4, copy=1))
    assert made.due(3) == pytest.approx(schedule(report(3)).due(3), abs=1e-9)
    assert made.repeated == 1


def test_bursts_of_other_systems_tell_nothing():
    made, foreign = schedule(report(3)), report(3, late_s=5.0)
    foreign.system = 1
    made.update([foreign], 0.0)
    assert made.due(3) == pytest.approx(schedule(report(3)).due(3))


def test_sidelink_has_to_leave_time_to_answer():
    with pytest.raises(SemcomError, match="turnaround 0.1 s"):
        Schedule(PLAN, 10000)


def test_a_number_that_comes_again_much_later_is_of_a_terminal_started_again():
    made = schedule(report(3))
    made.update([report(3, late_s=5.0)], 0.0)
    assert made.due(3) == pytest.approx(schedule(report(3)).due(3) + 5.0, abs=1e-9)


def test_lost_sidelink_is_due_by_the_period_once_it_is_late():
    made = schedule(report(1), report(3), report(5))
    start = 7.0 + 6 * PERIOD_S
    late = start + 3 * COPY_S + LATENESS_S
    made.update([], late - 1e-6)
    assert not made.go_without(6) and made.due(6) is None
    made.update([], late + 1e-6)
    assert made.go_without(6)
    assert made.due(6) == pytest.approx(start + 0.1, abs=1e-9)
    assert made.missed == 1
    # Nothing that goes without later may fall due before what is settled by then.
    assert made.settled_until() <= made.due(6) + 1e-5


@pytest.mark.parametrize("heard", [(), (3,), (3, 4), (5, 4, 3)])
def test_without_a_period_nothing_tells_when(heard):
    made = schedule(*map(report, heard), until=1e6)
    assert not made.go_without(6)


@pytest.mark.parametrize(("late_s", "told"), [(4e-5, True), (1e-4, False), (-1e-4, False)])
def test_a_period_that_is_not_constant_tells_nothing(late_s, told):
    made = schedule(report(1), report(2), report(3, late_s=late_s), until=1e6)
    assert made.go_without(4) is told


def test_when_nothing_comes_any_more_a_frame_goes_without_a_time():
    made = schedule(report(3), until=float("inf"))
    assert made.go_without(6) and made.due(6) is None and made.missed == 1


def test_of_many_frames_the_last_are_remembered():
    made = schedule(*[report(frame) for frame in range(500)])
    assert made.due(499) is not None and made.due(0) is None
    assert made.next_due()[0] == 400


# --- the format -----------------------------------------------------------------------------------


def symbols(rng, count=SYMBOLS):
    return ((rng.standard_normal(count) + 1j * rng.standard_normal(count)) / 2**0.5).astype(
        np.complex64
    )


def test_an_uplink_burst_is_its_layout_shaped_to_unit_power():
    payload = symbols(np.random.default_rng(1))
    samples = PLAN.uplink(1, 2, 77, 5, payload)
    layout = PLAN.layout(2)
    header = core.FrameHeader(77, 1, SYMBOLS, 5)
    expected = core.assemble_burst(layout, 1, header, PLAN.rows(2)[1], payload)
    found = core.matched_filter(
        samples, PLAN.pulse, first=PLAN.start(), step=PLAN.sps, count=len(expected)
    )
    assert np.mean(abs(found / 2 - expected) ** 2) < 1e-4  # the pulse is cut: -50 dB
    head = PLAN.start() + 4 * layout.preamble_position(1)
    on = slice(head, head + 4 * (layout.preamble_length + layout.header_length))
    assert np.mean(abs(samples[on]) ** 2) == pytest.approx(1.0, abs=0.03)


def test_copies_of_the_sidelink_are_alike_but_for_their_headers():
    payload = symbols(np.random.default_rng(2))
    samples = PLAN.sidelink(77, 5, payload)
    length = PLAN.sidelink_length(SYMBOLS)
    assert len(samples) == 3 * length
    sent = core.PreambleDetector(SIDELINK_CODE, PLAN.pulse).detect(samples[None])
    np.testing.assert_allclose(
        [found.start for found in sent], PLAN.start() + length * np.arange(3), atol=1.01
    )
    body = slice(4 * PLAN.layout(1, SIDELINK_CODE).body_position, length)
    np.testing.assert_allclose(samples[:length][body], samples[length : 2 * length][body])
    assert not np.allclose(samples[:length], samples[length : 2 * length])


def test_the_peak_is_bounded_on_demand():
    payload = symbols(np.random.default_rng(3), 1000)
    free = BurstFormat().uplink(0, 2, 1, 0, payload)
    bound = BurstFormat(max_peak_db=6.0).uplink(0, 2, 1, 0, payload)
    peaks = [10 * np.log10(np.max(abs(samples) ** 2)) for samples in (free, bound)]
    assert peaks[1] < 6.8 < peaks[0] - 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"sample_rate": 0.0}, "sample rate"),
        ({"sample_rate": float("nan")}, "sample rate"),
        ({"sps": 1}, "sps"),
        ({"pilot_length": 0}, "pilots"),
        ({"copies": 0}, "copies"),
        ({"pilot_spacing": -1}, "spacing"),
        ({"pilot_length": 15}, "15"),
        ({"max_peak_db": -5.0}, "peak"),
        ({"turnaround": 0.001}, "turnaround"),
        ({"turnaround": 11.0}, "turnaround"),
    ],
)
def test_a_format_that_cannot_be_is_refused_with_its_field(wrong, said):
    with pytest.raises(SemcomError, match=said):
        BurstFormat(**wrong)
