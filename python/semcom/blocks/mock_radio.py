# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Simulated radio front ends with carrier and clock offsets, phase noise, amplifiers, fading and
overflows."""

import itertools
import threading
import time

import numpy as np
import pmt
from gnuradio import gr

from .. import core
from ..protocol import mock_presets as presets
from .device_time import (
    RX_TIME,
    TX_EOB,
    TX_SOB,
    TX_TIME,
    to_index,
    to_pmt,
)
from .frame_block import WORK_CALLED_PRODUCE
from .guard import guarded

UPLINK, SIDELINK = presets.UPLINK, presets.SIDELINK
ANTENNAS = {UPLINK: 2, SIDELINK: 1}
LISTENS = {UPLINK: presets.DEVICES.index("receiver"), SIDELINK: presets.DEVICES.index("video")}
LATENCY_S = 0.02  # [s] from the first sample of a burst without a time to its transmission
PAUSE_S = 0.02  # [s] by which the computer may be late before simulated time stops
NAP_S = 0.002  # [s] between two readings of the clock
BLOCK = 1024  # samples that a receiver needs after those that are due


class _MockBlock(gr.basic_block):
    """Base of the mock radios: an input for each of ``terminals``, and outputs for the antennas of
    each of ``receivers``."""

    def __init__(self, name, settings, terminals, receivers):
        gr.basic_block.__init__(
            self,
            name=name,
            in_sig=[np.complex64] * terminals,
            out_sig=[np.complex64] * sum(ANTENNAS[receiver] for receiver in receivers),
        )
        self.set_tag_propagation_policy(gr.TPP_DONT)
        self.settings = settings
        self._lock = threading.Lock()
        ports = itertools.count()
        self._ports = {r: [next(ports) for _ in range(ANTENNAS[r])] for r in receivers}
        self._terminals = range(terminals)
        self.radio = core.mock_radio(settings, set(receivers))

    def start(self) -> bool:
        """Each start of the flowgraph begins anew, with the same random numbers."""
        self.radio = core.mock_radio(self.settings, set(self._ports))
        return True

    def _set_snr(self, receiver, path, snr_db):
        with self._lock:
            self.radio.set_snr_db(receiver, snr_db)
            path.snr_db = snr_db

    def counts(self) -> dict:
        """Numbers of samples so far: sent by each terminal, received and dropped by each
        receiver."""
        radio = self.radio
        return {
            "sent": [radio.num_sent(k) for k in self._terminals],
            "received": [radio.num_received(r) for r in self._ports],
            "dropped": [radio.num_dropped(r) for r in self._ports],
        }

    def forecast(self, noutput_items, ninputs):
        """Asks for a sample of the transmitter for which a receiver waits; for none while a
        receiver has output."""
        required = [0] * ninputs
        if not any(self.radio.ready(receiver) for receiver in self._ports):
            required[0 if self.radio.lacks(0) else 1] = 1
        return required

    @guarded
    def general_work(self, input_items, output_items):
        with self._lock:
            limits = self._send(input_items, len(output_items[0]))
            counts = {
                receiver: self._receive(receiver, [output_items[p][: limits[receiver]] for p in at])
                for receiver, at in self._ports.items()
            }
        for receiver, count in counts.items():
            for port in self._ports[receiver]:
                self.produce(port, count)
        return WORK_CALLED_PRODUCE

    def _send(self, inputs, room) -> dict:
        """Transmit the input; returns the most samples that each receiver may put out."""
        for k, samples in enumerate(inputs):
            self.consume(k, self.radio.push(k, samples))
        return dict.fromkeys(self._ports, room)

    def _receive(self, receiver, outs) -> int:
        """Fill the arrays with received samples; tags on the first one and after each overflow."""
        count = 0
        while length := self.radio.pull_into(receiver, [out[count:] for out in outs]):
            value = to_pmt(_index(self.radio, receiver) - length, self.settings.sample_rate)
            for port in self._ports[receiver]:
                self.add_item_tag(port, self.nitems_written(port) + count, RX_TIME, value)
            count += length
        return count


def _index(radio, receiver) -> int:
    """Number of the next sample of a receiver, in its own time."""
    return radio.num_received(receiver) + radio.num_dropped(receiver)


class mock_radio(_MockBlock):
    """Simulates the radios of two terminals and of a receiver with two antennas.

    Input 0   complex64, sent by the audio terminal, uplink and sidelink, on its one antenna
    Input 1   complex64, sent by the video terminal
    Outputs 0, 1  complex64, the receiver's antennas, which receive both terminals
    Output 2      complex64, the video terminal's antenna, which receives the audio terminal

    An input has unit mean power during a burst and zeros between bursts.  Each device has its own
    carrier, sample clock and start, and so its own time: its transmitted sample i and its received
    sample i are at the same time (see device_time).  The rates of the streams therefore differ by
    some parts per million, and the video terminal does not receive what the audio terminal sent
    before the video terminal's start.  Outputs have full scale 1 (with the shipped presets), and
    tags rx_time on the first sample and after each overflow.

    By default simulated time advances with the samples of both inputs, as fast as they come: equal
    inputs and seeds give equal outputs, and tags on the inputs have no effect.  Both terminals have
    to send samples all the time, at least zeros.  The flowgraph ends when the first of them has
    ended: the last samples before that (a buffer's length), and all that a slower terminal has not
    yet sent, may not be received.

    With ``realtime`` simulated time follows the clock, until the flowgraph is stopped.  A burst
    with a tag tx_time is transmitted at that time of its device.  A burst that is late is dropped
    whole, up to its tx_eob or the next burst, and counted; one that is early waits, with all
    samples after
    it.  A burst without a time is transmitted 20 ms after it came.  A terminal without samples is
    silent.  Simulated time stops while the computer is too slow, or while an output is full, since
    GNU Radio then does not call the block.

    preset           name of a preset, or path of a JSON file (see semcom.protocol.mock_presets)
    sample_rate      [Hz] nominal, of every stream
    snr_db           [dB] SNR of each stream at each antenna of the receiver
    sidelink_snr_db  [dB] SNR at the video terminal; None: that of the uplink
    seed             seed of all random numbers
    realtime         simulated time follows the clock

    SemcomError if the preset or a setting cannot be used.
    """

    def __init__(self, preset="indoor", sample_rate=4e6, snr_db=10.0, sidelink_snr_db=None, seed=0,
                 realtime=False):  # fmt: skip
        settings = presets.settings(
            presets.load(preset), sample_rate, snr_db, sidelink_snr_db, seed
        )
        super().__init__("mock_radio", settings, 2, (UPLINK, SIDELINK))
        self._has_sidelink_snr = sidelink_snr_db is not None
        self._realtime = realtime
        self._clock = _Clock(settings)

    def start(self) -> bool:
        """Each start of the flowgraph begins anew, with the same random numbers."""
        self._clock = _Clock(self.settings)
        return super().start()

    def set_snr_db(self, snr_db):
        """Sets the SNR [dB] of the uplink, and of the sidelink if it has none of its own."""
        self._set_snr(UPLINK, self.settings.uplink, snr_db)
        if not self._has_sidelink_snr:
            self._set_snr(SIDELINK, self.settings.sidelink, snr_db)

    def set_sidelink_snr_db(self, snr_db):
        """Sets the SNR [dB] of the sidelink; None: the uplink's."""
        self._has_sidelink_snr = snr_db is not None
        snr_db = self.settings.uplink.snr_db if snr_db is None else snr_db
        self._set_snr(SIDELINK, self.settings.sidelink, snr_db)

    def counts(self) -> dict:
        """Counts so far, by name: samples ``sent`` [2] by the terminals, ``received`` and
        ``dropped`` by overflows [2] (uplink, sidelink); in real time also samples of silence for
        lack of input, ``silent`` [2], ``late`` bursts [2] and the time [s] for which simulated time
        was stopped, ``paused_s``."""
        return {**super().counts(), **self._clock.counts()}

    def forecast(self, noutput_items, ninputs):
        """Asks for no input in real time: the block runs without samples, too."""
        return [0] * ninputs if self._realtime else super().forecast(noutput_items, ninputs)

    def general_work(self, input_items, output_items):
        done = super().general_work(input_items, output_items)
        if self._realtime and self._clock.in_time:
            time.sleep(NAP_S)
        return done

    def _send(self, inputs, room) -> dict:
        if not self._realtime:
            return super()._send(inputs, room)
        at = self._clock.now(self.radio, room)
        for k, samples in enumerate(inputs):
            tags = self.get_tags_in_window(k, 0, len(samples))
            marks = [(tag.offset - self.nitems_read(k), tag.key, tag.value) for tag in tags]
            self.consume(k, self._clock.send(self.radio, k, at, samples, marks))
        return {receiver: self._clock.due(self.radio, receiver, at, room) for receiver in ANTENNAS}


class mock_uplink(_MockBlock):
    """The receiver's part of a mock radio: outputs 0 and 1 of mock_radio, with equal settings.

    mock_uplink and mock_sidelink together replace mock_radio in a flowgraph where the video
    terminal listens to the audio terminal, since GNU Radio does not allow loops.  Simulated time
    advances with the samples of both inputs, which have to come all the time, at least zeros; all
    whole blocks of 512 samples are received.  Inputs and outputs are described at mock_radio.

    preset       name of a preset, or path of a JSON file (see semcom.protocol.mock_presets)
    sample_rate  [Hz] nominal, of every stream
    snr_db       [dB] SNR of each stream at each antenna
    seed         seed of all random numbers
    """

    def __init__(self, preset="indoor", sample_rate=4e6, snr_db=10.0, seed=0):
        settings = presets.settings(presets.load(preset), sample_rate, snr_db, seed=seed)
        super().__init__("mock_uplink", settings, 2, (UPLINK,))

    def set_snr_db(self, snr_db):
        """Sets the SNR [dB] of each stream at each antenna."""
        self._set_snr(UPLINK, self.settings.uplink, snr_db)


class mock_sidelink(_MockBlock):
    """The video terminal's antenna of a mock radio: output 2 of mock_radio, with equal settings.

    Input 0   complex64, sent by the audio terminal
    Output 0  complex64, the video terminal's antenna; see mock_uplink

    preset       name of a preset, or path of a JSON file (see semcom.protocol.mock_presets)
    sample_rate  [Hz] nominal, of every stream
    snr_db       [dB] SNR of the sidelink, at the video terminal's antenna
    seed         seed of all random numbers
    """

    def __init__(self, preset="indoor", sample_rate=4e6, snr_db=10.0, seed=0):
        settings = presets.settings(presets.load(preset), sample_rate, snr_db, seed=seed)
        super().__init__("mock_sidelink", settings, 1, (SIDELINK,))

    def set_snr_db(self, snr_db):
        """Sets the SNR [dB] at the antenna."""
        self._set_snr(SIDELINK, self.settings.sidelink, snr_db)


class _Clock:
    """Advances a mock radio's time by the clock, counted in every device's own samples.

    If the computer is too slow, simulated time stops: no sample is lost and no burst late for that.
    """

    def __init__(self, settings):
        self._devices = [
            (getattr(settings, name).start_delay_s,
             settings.sample_rate * (1 + 1e-6 * getattr(settings, name).clock_ppm))
            for name in presets.DEVICES
        ]  # fmt: skip
        self._terminals = [_Terminal(k, settings.sample_rate) for k in range(2)]
        self._began = None
        self._paused_s = 0.0
        self.in_time = True  # all due samples were put out

    def counts(self) -> dict:
        """Counts of silence [samples], late bursts, and stopped time [s]."""
        return {
            "silent": [terminal.silent for terminal in self._terminals],
            "late": [terminal.late for terminal in self._terminals],
            "paused_s": self._paused_s,
        }

    def now(self, radio, room: int) -> float:
        """Time [s] up to which samples are due and fit the output (``room`` samples)."""
        clock = time.monotonic()
        self._began = clock if self._began is None else self._began
        heard = min(self._time(LISTENS[r], _index(radio, r)) for r in ANTENNAS)
        lag_s = clock - self._began - heard
        if lag_s > PAUSE_S:
            self._began += lag_s - PAUSE_S
            self._paused_s += lag_s - PAUSE_S
        lag_s = min(lag_s, PAUSE_S)
        room_s = room / self._devices[-1][1]
        self.in_time = lag_s <= room_s
        return heard + min(lag_s, room_s)

    def send(self, radio, terminal: int, at: float, samples, marks: list) -> int:
        """Transmit a terminal's samples at time ``at`` [s]; returns the number that was read."""
        return self._terminals[terminal].send(radio, samples, marks, self._index(terminal, at))

    def due(self, radio, receiver: int, at: float, room: int) -> int:
        """Number of samples that a receiver may put out until time ``at`` [s]."""
        due = self._index(LISTENS[receiver], at) - _index(radio, receiver)
        return min(max(due, 0), room)

    def _index(self, device: int, at: float) -> int:
        start, rate = self._devices[device]
        return int((at - start) * rate)

    def _time(self, device: int, index: int) -> float:
        start, rate = self._devices[device]
        return start + index / rate


class _Terminal:
    """Transmits one terminal's bursts by the clock, and silence where it has no samples."""

    def __init__(self, number: int, sample_rate: float):
        self._number = number
        self._rate = sample_rate
        self._latency = int(LATENCY_S * sample_rate)
        self._idle = True  # the latest transmitted sample is silence
        self._dropping = False  # the present burst was late
        self.silent = self.late = 0

    def send(self, radio, samples, marks: list, due: int) -> int:
        """Transmit samples that are due now or in a short time; returns the number that was read.

        marks  (index in ``samples``, key, value) of tags
        due    number of samples that have to be transmitted by now
        """
        ahead = due + BLOCK + 2 * self._latency
        taken = 0
        for stop, time_tag, begins, ends in _parts(len(samples), marks, self._rate):
            if begins and not self._begin(radio, time_tag, ahead):
                break
            taken += self._pass(radio, samples[taken:stop], due, ahead)
            if taken < stop:
                break
            self._dropping &= not ends
        self._idle |= self._silence(radio, due + BLOCK)
        return taken

    def _begin(self, radio, at, ahead) -> bool:
        """Begin a burst at sample ``at``, or at once if None; False if it is too early for it."""
        sent = radio.num_sent(self._number)
        self._dropping = at is not None and at < sent
        self.late += self._dropping
        if at is None or self._dropping:
            return True
        self._silence(radio, min(at, ahead))
        self._idle = radio.num_sent(self._number) < at
        return not self._idle

    def _pass(self, radio, samples, due, ahead) -> int:
        if self._dropping:
            return len(samples)
        if self._idle and len(samples):
            self._silence(radio, due + self._latency)
            self._idle = False
        room = max(ahead - radio.num_sent(self._number), 0)
        return radio.push(self._number, samples[:room])

    def _silence(self, radio, until) -> bool:
        """Send zeros until ``until`` samples were sent in all; True if zeros were sent."""
        missing = min(until - radio.num_sent(self._number), radio.room(self._number))
        if missing <= 0:
            return False
        radio.push(self._number, np.zeros(missing, np.complex64))
        self.silent += missing
        return True


def _parts(count: int, marks: list, sample_rate: float):
    """Cut samples where bursts begin and end; yields (stop, time of the burst as a sample number or
    None, whether a burst begins, whether one ends)."""
    begins = {place: None for place, key, _ in marks if pmt.eq(key, TX_SOB)}
    begins |= {
        place: to_index(value, sample_rate) for place, key, value in marks if pmt.eq(key, TX_TIME)
    }
    ends = {place + 1 for place, key, _ in marks if pmt.eq(key, TX_EOB)}
    cuts = sorted({0, count, *begins, *ends})
    for start, stop in itertools.pairwise(cuts):
        yield stop, begins.get(start), start in begins, stop in ends
