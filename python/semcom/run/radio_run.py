# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Runs over radios: the reports of bursts, and the additional keys of the record."""

from array import array

import numpy as np

from ..base.awake import Awake
from ..base.errors import SemcomError
from ..chain.metrics import mean_db
from ..protocol.frames import FrameId, frame_of
from ..protocol.recording import Recording
from .radio_flowgraph import MOCK
from .scenario import Scenario

LINGER_S = 1.0  # [s] for the transmission of the last answer
PATIENCE_S = 10.0  # [s] without a burst after which a run in real time ends
MOST_FRAMES = 1 << 24  # limit of frame numbers in a run of unknown length


class AirLog:
    """The reports of frame_sync_cc during a run, in compact form.

    frames  number of expected frames: reports of higher numbers are of other senders; None: unknown
            before the end
    most    limit of the number of frames
    """

    def __init__(self, flowgraph, frames: int | None, most: int = MOST_FRAMES):
        self.sync, self.users = flowgraph.receiver.sync, len(flowgraph.terminals)
        self.frames, self.most, self.cut = frames, most, False
        self._clock = Awake()
        self.last, self.highest, self.last_at, self._whole_at = -1, -1, None, None
        self._numbers = array("Q")  # of the transmissions (semcom.protocol.frames)
        self._rows = array("d")  # time, then detected, cfo, delay, clock, snr of each user
        self._symbols, self._heard = 0, set()  # symbols of first attempts; received frames

    def update(self) -> None:
        """Read the new reports."""
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
        """Mean payload [symbols] of the received frames; 0 without any."""
        return self._symbols / max(1, len(self._heard))

    def finish(self, frames: int | None, cut: bool = False) -> None:
        """Set the number of sent frames; if None or ``cut``, the last received frame is the
        last."""
        self.update()
        self.cut = cut
        if cut or frames is None:
            self.frames = self.highest + 1
        elif self.frames is None:
            self.frames = frames

    def is_over(self, sink, again: bool = False) -> bool:
        """Whether a run in real time has ended.

        again  there are retransmissions, and frames come in any order
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
        """Numbers of transmissions and times [s], [n] each; detected, cfo [Hz], delay [s], clock
        [ppm] and SNR [dB], [n, users] each."""
        rows = np.array(self._rows).reshape(-1, 1 + 5 * self.users)
        users = rows[:, 1:].reshape(-1, self.users, 5)
        heard, *figures = np.moveaxis(users, 2, 0)
        return np.array(self._numbers, np.int64), rows[:, 0], heard.astype(bool), *figures


def check_heard(recording: Recording, where: str, sync) -> None:
    """SemcomError if no burst of a recording was received; it describes what was found."""
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
        f"{', but ' if found else ''}{', '.join(found)}; the antennas' levels: {antennas}; "
        "check the source, the carrier and the gain of the recording"
    )


def _level(level) -> str:
    """A text that describes an antenna's level."""
    if level.power_db == -np.inf:
        return "silence" if not level.lost else "nothing finite"
    parts = [f"{level.power_db:.1f} dB relative to full scale"]
    shares = ((level.offset, "DC"), (level.clipped, "clipped"), (level.lost, "not finite"))
    parts += [f"{100 * share:.3g} % {what}" for share, what in shares if share >= 1e-4]
    return ", ".join(parts)


def air_record(point: Scenario, flowgraph, log: AirLog) -> dict:
    """The additional keys of the record of a run over radios; those that only senders know are None
    without them."""
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
    """{end: its device and the errors that it reported}.

    syncs  {end: frame_sync_cc of its antennas}, which counts the samples lost in overflows
    """
    found = radio.counts()
    for who in found.keys() & syncs.keys():
        found[who]["overflow"] += syncs[who].counts().overflows
    return found


def _means(values, heard) -> list:
    """Mean over the frames in which each terminal was detected, None if it never was."""
    return [
        float(column[mask].mean()) if mask.any() else None
        for column, mask in zip(values.T, heard.T, strict=True)
    ]


def _gaps(numbers, heard, end: int) -> list:
    """For each terminal, the runs [first, last] of frames below ``end`` that were not received."""
    gaps = []
    for column in heard.T:
        missing = np.ones(end + 2, bool)
        missing[[0, -1]] = False
        missing[1 + frame_of(numbers[column])] = False
        edges = np.flatnonzero(np.diff(missing.astype(int)))
        gaps.append([[int(a), int(b) - 1] for a, b in zip(edges[::2], edges[1::2], strict=True)])
    return gaps


def _sidelink(flowgraph, end, cut: bool) -> dict:
    """The keys of a terminal that listens to another one."""
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
