# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Run one point over radios: what is added to the record of a run."""

from array import array

import numpy as np

from ..base.awake import Awake
from ..base.errors import SemcomError
from ..chain.metrics import mean_db
from ..protocol.frames import FrameId, frame_of
from ..protocol.recording import Recording
from .radio_flowgraph import MOCK
from .scenario import Scenario

LINGER_S = 1.0  # [s] that the last answer takes to the air
PATIENCE_S = 10.0  # [s] without a burst after which a run by the clock is over
MOST_FRAMES = 1 << 24  # of a run of unknown length: any number beyond is no frame's


class AirLog:
    """What frame_sync_cc reported in the course of a run, kept small.

    frames  that are expected: reports of numbers from there on are of somebody else; None: not
            known before the end
    most    frames that there can be
    """

    def __init__(self, flowgraph, frames: int | None, most: int = MOST_FRAMES):
        self.sync, self.users = flowgraph.receiver.sync, len(flowgraph.terminals)
        self.frames, self.most, self.cut = frames, most, False
        self._clock = Awake()
        self.last, self.highest, self.last_at, self._whole_at = -1, -1, None, None
        self._numbers = array("Q")  # of the transmissions (semcom.protocol.frames)
        self._rows = array("d")  # time, then heard, cfo, delay, clock, snr of each user
        self._symbols, self._heard = 0, set()  # of first attempts; frames of which any came

    def update(self) -> None:
        """Take the reports that came since the last call."""
        for report in self.sync.take_reports():
            if not report.passed or report.frame >= (self.frames or self.most):
                continue
            self.last, self.last_at = report.frame, self._clock()
            self.highest = max(self.highest, report.frame)
            of = FrameId(report.frame, report.fragment, report.fragments, report.attempt)
            self._numbers.append(of.number)
            if report.attempt == 0:
                self._symbols += report.length
                self._heard.add(report.frame)
            self._rows.append(report.seconds + report.fraction)
            for user in report.users:
                self._rows.extend((user.detected, user.cfo, user.delay, user.clock, user.snr_db))

    @property
    def mean_symbols(self) -> float:
        """Payload of a frame, the mean over those that were heard; 0 if none was."""
        return self._symbols / max(1, len(self._heard))

    def finish(self, frames: int | None, cut: bool = False) -> None:
        """So many were sent; None, or ``cut`` short: what was heard last was the last."""
        self.update()
        self.cut = cut
        if cut or frames is None:
            self.frames = self.highest + 1
        elif self.frames is None:
            self.frames = frames

    def is_over(self, sink, again: bool = False) -> bool:
        """True if a run by the clock has nothing more to wait for.

        again  frames can be asked for again, and come in any order
        """
        now = self._clock()
        silent = self.last_at is not None and now - self.last_at > PATIENCE_S
        whole = self.frames is not None and self.last == self.frames - 1
        if again:
            if self.frames is None or sink.received < self.frames:
                return silent
            self._whole_at = self._whole_at or now
            return now - self._whole_at > LINGER_S
        return silent or (whole and self.last in sink.outcomes)

    def columns(self) -> tuple:
        """numbers of transmissions, times [s] [n]; heard, cfo [Hz], delay [s], clock [ppm],
        snr [dB] [n, users]."""
        rows = np.array(self._rows).reshape(-1, 1 + 5 * self.users)
        users = rows[:, 1:].reshape(-1, self.users, 5)
        heard, *figures = np.moveaxis(users, 2, 0)
        return np.array(self._numbers, np.int64), rows[:, 0], heard.astype(bool), *figures


def check_heard(recording: Recording, where: str, sync) -> None:
    """SemcomError that says what there is instead, if no burst of a recording was heard."""
    if (counts := sync.counts()).passed:
        return
    found = [
        f"{number} {what}"
        for number, what in (
            (counts.foreign, "bursts of another system or other weights"),
            (counts.other_version, f"of version {counts.version} of the header"),
            (counts.preambles, "preambles"),
        )
        if number
    ]
    antennas = "; ".join(map(_level, recording.levels()))
    raise SemcomError(
        f"{where}: no burst was found in {len(recording) / recording.sample_rate:.3g} s"
        f"{', but ' if found else ''}{', '.join(found)}; the antennas heard: {antennas}; "
        "check what was recorded, its carrier and its gain"
    )


def _level(level) -> str:
    """A line that describes what an antenna heard."""
    if level.power_db == -np.inf:
        return "silence" if not level.lost else "nothing finite"
    parts = [f"{level.power_db:.1f} dB of full scale"]
    shares = ((level.offset, "DC"), (level.clipped, "clipped"), (level.lost, "not finite"))
    parts += [f"{100 * share:.3g} % {what}" for share, what in shares if share >= 1e-4]
    return ", ".join(parts)


def air_record(point: Scenario, flowgraph, log: AirLog) -> dict:
    """What a run over radios tells more than others; what only senders know is None without."""
    log.update()
    ends = flowgraph.ends_of_chain
    sent = [end.transmitter.sent for end in ends]
    numbers, times, heard, cfo, delay, clock, snr = log.columns()
    counts = log.sync.counts()
    found = {
        "radio": point.radio,
        "measured_snr_db": mean_db(snr[heard]),
        "bursts_sent": sent or None,
        "bursts_heard": heard.sum(0).tolist(),
        "detection_rate": float(heard.sum() / sum(sent)) if sum(sent) and not log.cut else None,
        "false_alarms": counts.false_alarms,
        "frames_lost": counts.lost,
        "frames_duplicated": counts.duplicated,
        "gaps": _gaps(numbers, heard, log.frames),
        "restarts": counts.restarts,
        "overflows": counts.overflows,
        "cfo_hz": _means(cfo, heard),
        "clock_ppm": _means(clock, heard),
        "pilot_snr_db": _means(snr, heard),
        "cfo_error_hz": None,
        "timing_error_symbols": None,
    }
    for end in ends:
        if end.sync:
            found["sidelink"] = _sidelink(flowgraph, end, log.cut)
    if flowgraph.radio:
        syncs = {"receiver": log.sync, **{end.name: end.sync for end in ends if end.sync}}
        found["devices"] = devices_record(flowgraph.radio, syncs)
    if point.radio.startswith(f"{MOCK}:"):
        found |= _errors(point, flowgraph, numbers, times[:, None] + delay, cfo, heard)
    return found


def devices_record(radio, syncs: dict) -> dict:
    """End -> its device and what that complained of.

    syncs  end -> the frame_sync_cc that hears its antennas: knows what an overflow took
    """
    found = radio.counts()
    for who in found.keys() & syncs.keys():
        found[who]["overflow"] += syncs[who].counts().overflows
    return found


def _means(values, heard) -> list:
    """Mean over the frames in which each terminal was heard, None for one that never was."""
    return [
        float(column[mask].mean()) if mask.any() else None
        for column, mask in zip(values.T, heard.T, strict=True)
    ]


def _gaps(numbers, heard, end: int) -> list:
    """For each terminal the runs [first, last] of frames below ``end`` that were not heard."""
    gaps = []
    for column in heard.T:
        missing = np.ones(end + 2, bool)
        missing[[0, -1]] = False
        missing[1 + frame_of(numbers[column])] = False
        edges = np.flatnonzero(np.diff(missing.astype(int)))
        gaps.append([[int(a), int(b) - 1] for a, b in zip(edges[::2], edges[1::2], strict=True)])
    return gaps


def _sidelink(flowgraph, end, cut: bool) -> dict:
    """What a terminal that hears another tells of it."""
    counts = end.sync.counts()
    return {
        "heard": counts.frames,
        "by_repetition": end.schedule.repeated,
        "unguided": end.encoder.unguided,
        "unsent": None if cut else flowgraph.source.sent - end.transmitter.sent,
        "overflows": counts.overflows,
    }


def _errors(point: Scenario, flowgraph, numbers, begins, cfo, heard) -> dict:
    """RMS errors of carrier offsets [Hz] and times [symbols], of each terminal.

    A mock radio's oscillators wander with their phase noise, and its paths have a delay of their
    own; both are in the errors.
    """
    settings = flowgraph.mock.settings
    here = settings.receiver
    ends = flowgraph.ends_of_chain
    places = (settings.audio, settings.video)
    devices = [places[flowgraph.places.index(end.name)] for end in ends]
    cfo_error, timing_error = [], []
    for user, (end, device) in enumerate(zip(ends, devices, strict=True)):
        mask = heard[:, user]
        offset = device.cfo_hz - here.cfo_hz
        cfo_error.append(_rms(cfo[mask, user] - offset))
        starts = np.array([end.transmitter.starts.get(n, np.nan) for n in numbers[mask]])
        rate = settings.sample_rate
        sent = device.start_delay_s + starts / (rate * (1 + 1e-6 * device.clock_ppm))
        late = begins[mask, user] - sent * (1 + 1e-6 * here.clock_ppm)
        timing_error.append(_rms(late * rate / point.sps))
    return {"cfo_error_hz": cfo_error, "timing_error_symbols": timing_error}


def _rms(values):
    values = values[np.isfinite(values)]
    return float(np.sqrt(np.mean(values**2))) if len(values) else None
