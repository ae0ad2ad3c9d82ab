# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Radios that are not there, as unkind as those that are."""

import threading
import time

import numpy as np
from gnuradio import gr

from .. import core, presets
from .frame_block import WORK_CALLED_PRODUCE
from .guard import guarded

UPLINK, FEEDBACK = 0, 1  # the receivers of core.mock_radio
LATENCY_S = 0.02  # [s] from the first sample of a burst to its place on the air, by the clock
PAUSE_S = 0.25  # [s] by which an output may lag before time stands still
NAP_S = 0.002  # [s] between looks at the clock
BLOCK = 1024  # samples that a receiver needs beyond those that are due


class mock_radio(gr.basic_block):
    """Two terminals, a receiver with two antennas, and all that radios do to samples.

    Input 0   complex64, sent by the audio terminal, uplink and feedback, on its one antenna
    Input 1   complex64, sent by the video terminal
    Outputs 0, 1  complex64, the receiver's antennas, which hear both terminals
    Output 2      complex64, the video terminal's antenna, which hears the audio terminal

    A stream has unit mean power while its burst is on, and zeros between bursts.  Only samples
    cross the ports: no tags.  Each device has its own carrier and clock, so the streams come and
    go at rates that differ by parts per million.  What was sent begins to be heard after the
    terminal's start delay.  Outputs have the full scale 1 (with the presets that ship).

    By default time goes on with the samples of both inputs, as fast as they come: equal inputs and
    seeds give equal outputs.  Both terminals have to send all the time, if only zeros, and what is
    under way when the first of them ends (a buffer's length) may not be heard.  In real time, time
    goes on by the clock, a terminal that has nothing to send is silent, and only stopping the
    flowgraph ends it.

    preset           name of a preset, or path of a JSON file (see semcom.presets)
    sample_rate      [Hz] nominal, of every stream
    snr_db           [dB] of each stream at each antenna of the receiver
    feedback_snr_db  [dB] at the video terminal; None: that of the uplink
    seed             of all that is random
    realtime         time goes on by the clock

    SemcomError if the preset or a setting cannot be used.
    """

    def __init__(self, preset="indoor", sample_rate=4e6, snr_db=10.0, feedback_snr_db=None, seed=0,
                 realtime=False):  # fmt: skip
        gr.basic_block.__init__(
            self, name="mock_radio", in_sig=[np.complex64] * 2, out_sig=[np.complex64] * 3
        )
        self.set_tag_propagation_policy(gr.TPP_DONT)
        self.settings = presets.settings(
            presets.load(preset), sample_rate, snr_db, feedback_snr_db, seed
        )
        self._lock = threading.Lock()
        self._has_feedback_snr = feedback_snr_db is not None
        self._clock = _Clock(sample_rate) if realtime else None
        self.radio = core.mock_radio(self.settings)

    def start(self) -> bool:
        """Each start of the flowgraph begins anew, with the same random numbers."""
        self.radio = core.mock_radio(self.settings)
        if self._clock:
            self._clock.start()
        return True

    def set_snr_db(self, snr_db):
        """Uplink SNR [dB], and the feedback link's where it has none of its own."""
        self._set_snr(UPLINK, self.settings.uplink, snr_db)
        if not self._has_feedback_snr:
            self._set_snr(FEEDBACK, self.settings.feedback, snr_db)

    def set_feedback_snr_db(self, snr_db):
        """Feedback SNR [dB]; None: the uplink's."""
        self._has_feedback_snr = snr_db is not None
        snr_db = self.settings.uplink.snr_db if snr_db is None else snr_db
        self._set_snr(FEEDBACK, self.settings.feedback, snr_db)

    def _set_snr(self, receiver, path, snr_db):
        with self._lock:
            self.radio.set_snr_db(receiver, snr_db)
            path.snr_db = snr_db

    def counts(self) -> dict:
        """Samples so far: sent [2], received and dropped [2] (uplink, feedback), and by the clock
        of silence sent for want of others [2], and the seconds that time stood still."""
        radio, clock = self.radio, self._clock
        return {
            "sent": [radio.num_sent(k) for k in range(2)],
            "received": [radio.num_received(r) for r in range(2)],
            "dropped": [radio.num_dropped(r) for r in range(2)],
            "silent": list(clock.silent) if clock else [0, 0],
            "paused_s": clock.paused_s if clock else 0.0,
        }

    def waits_for_input(self) -> bool:
        """True if time stands still for want of a terminal's samples."""
        ready = any(self.radio.ready(r) for r in (UPLINK, FEEDBACK))
        return not self._clock and not ready

    def forecast(self, noutput_items, ninputs):
        """A sample of the transmitter that a receiver waits for; none while there is output."""
        required = [0] * ninputs
        if self.waits_for_input():
            required[0 if self.radio.lacks(0) else 1] = 1
        return required

    @guarded
    def general_work(self, input_items, output_items):
        with self._lock:
            if self._clock:
                room = self._clock.send(self.radio, input_items, self.consume)
                output_items = [out[:room] for out in output_items]
            else:
                for k, samples in enumerate(input_items):
                    self.consume(k, self.radio.push(k, samples))
            uplink = self.radio.pull_into(UPLINK, output_items[:2])
            feedback = self.radio.pull_into(FEEDBACK, output_items[2:])
        for port, count in enumerate((uplink, uplink, feedback)):
            self.produce(port, count)
        if self._clock and not uplink:
            time.sleep(NAP_S)
        return WORK_CALLED_PRODUCE


class _Clock:
    """Makes a mock radio's time that of the clock.

    A terminal sends silence where it has no sample in time.  The first sample after silence is
    put LATENCY_S ahead, so that those after it need not hurry.  An output that is not emptied, or
    a machine that is too slow, makes time stand still: nothing is lost.
    """

    def __init__(self, sample_rate: float):
        self._rate = sample_rate
        self.start()

    def start(self) -> None:
        self._began = None
        self._idle = [True, True]
        self.silent, self.paused_s = [0, 0], 0.0

    def _due(self, heard: int) -> int:
        """Samples that have been on the air by now."""
        now = time.monotonic()
        if self._began is None:
            self._began = now
        lag_s = now - self._began - heard / self._rate
        if lag_s > PAUSE_S:
            self._began += lag_s
            self.paused_s += lag_s
        return int((now - self._began) * self._rate)

    def send(self, radio, inputs, consume) -> int:
        """Transmit what is there and silence elsewhere; returns how many samples may be heard."""
        heard = min(radio.num_received(r) + radio.num_dropped(r) for r in (UPLINK, FEEDBACK))
        due = self._due(heard)
        for k, samples in enumerate(inputs):
            latency = int(LATENCY_S * self._rate)
            if self._idle[k] and len(samples):
                self._silence(radio, k, due + latency)
                self._idle[k] = False
            ahead = due + BLOCK + 2 * latency - radio.num_sent(k)
            consume(k, radio.push(k, samples[: max(ahead, 0)]))
            self._idle[k] |= self._silence(radio, k, due + BLOCK)
        return max(due - heard, 0)

    def _silence(self, radio, k, until) -> bool:
        """Send zeros until so many samples were sent in all; True if there were any."""
        missing = min(until - radio.num_sent(k), radio.room(k))
        if missing <= 0:
            return False
        radio.push(k, np.zeros(missing, np.complex64))
        self.silent[k] += missing
        return True
