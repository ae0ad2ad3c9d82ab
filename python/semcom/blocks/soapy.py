# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Blocks for devices with a SoapySDR driver (LimeSDR, bladeRF, Pluto, HackRF and others).

They use SoapySDR's own Python module: GNU Radio's Soapy blocks carry no times of bursts or samples
and do not report lost samples.
"""

import numpy as np
import pmt
from gnuradio import gr

from ..base.errors import SemcomError
from ..base.programs import fault
from .burst_timer import AMPLITUDE, burst_timer
from .device_time import RX_TIME, TX_LENGTH, TX_TIME, to_index, to_pmt
from .front import Front, radio_end
from .guard import DeviceLost, guarded
from .stream_watch import ANSWER_S, SILENT_S

WAIT_S = 0.1  # [s] longest wait of a call for a device
PIECE = 4096  # samples of a call if the driver does not name a number
FORMAT = "CF32"
NS = 1e9


class soapy_transmitter(radio_end):
    """Transmits bursts on the first channel of a device, each at its time.  A burst without a time
    is sent 50 ms after it came, or at once if the device has no clock.

    Input 0  complex64 samples of unit mean power during a burst; sent 14 dB below full scale.
             Bursts without samples in between: tx_sob and tx_length on the first sample of each,
             and tx_time if the burst has a time

    device       SoapySDR's device arguments, such as driver=lime,serial=1D3AC; '': the only device
    sample_rate  [Hz]
    frequency    [Hz] of the carrier
    gain         [dB]
    antenna      name of the antenna port; '': the device's default
    subdev       frontend mapping; '': the device's default
    duplex       True: the device also receives; SemcomError if it cannot do both at once

    SemcomError if the device is not found or refuses a setting.  A device that takes no samples for
    2 s ends the flowgraph with a line that names it.
    """

    def __init__(self, device="", sample_rate=4e6, frequency=2.45e9, gain=10.0, antenna="",
                 subdev="", duplex=False):  # fmt: skip
        radio_end.__init__(self, "soapy_transmitter", 1, 0)
        self.front = front = _Soapy(device, "SOAPY_SDR_TX", 1)
        front.open(sample_rate, subdev, duplex)
        front.set_up(frequency, gain, antenna)
        now = front.now if front.has_clock else None
        self._timer = burst_timer(now, sample_rate, AMPLITUDE)
        self.watch = _SoapySink(front, sample_rate, self._timer.is_due)
        self.connect(self, self._timer, self.watch)


class soapy_antennas(radio_end):
    """Receives the samples of the first M channels of a device.

    Outputs 0..M-1  complex64 samples; if the device has a clock, tagged rx_time at the start and
                    after an overflow

    device       SoapySDR's device arguments, such as driver=lime,serial=1D3AC; '': the only device
    antennas     number M of channels
    sample_rate  [Hz]
    frequency    [Hz] of the carrier
    gain         [dB] of each channel
    antenna      antenna port of all channels ("LNAL") or of each ("LNAL,LNAW"); '': the device's
                 default
    subdev       frontend mapping; '': the device's default
    timed        True: times of samples are needed, to send at times that received bursts define; a
                 device without a clock ends the flowgraph with an error
    duplex       True: the device also transmits; SemcomError if it cannot do both at once

    SemcomError if the device is not found or refuses a setting.  A stream that stops is restarted
    once, which is a fault (exit status 1); if it does not come back, the flowgraph ends with a line
    that names the device.
    """

    def __init__(self, device="", antennas=2, sample_rate=4e6, frequency=2.45e9, gain=20.0,
                 antenna="", subdev="", timed=False, duplex=False):  # fmt: skip
        radio_end.__init__(self, "soapy_antennas", 0, antennas)
        self.front = _Soapy(device, "SOAPY_SDR_RX", antennas)
        self.front.open(sample_rate, subdev, duplex)
        self.front.set_up(frequency, gain, antenna)
        self.watch = _SoapySource(self.front, sample_rate, timed)
        for m in range(antennas):
            self.connect((self.watch, m), (self, m))


class _Soapy(Front):
    """One direction (transmit or receive) of a SoapySDR device.

    ``has_clock``  whether it has a hardware time
    """

    def __init__(self, device: str, direction: str, channels: int):
        Front.__init__(self, f"SoapySDR '{device}'", channels)
        self.args, self.soapy = device, _soapy()
        self.direction = getattr(self.soapy, direction)
        self.verb = "send" if direction == "SOAPY_SDR_TX" else "receive"

    def open(self, sample_rate: float, subdev: str, duplex: bool) -> None:
        """Open the device and check its capabilities."""
        self.check_arguments(self.args)
        try:
            self.device = self.soapy.Device(self.args)
            self.has_clock = self.device.hasHardwareTime()
            self._check_channels(duplex)
            self._map(subdev)
            for channel in range(self.channels):
                self.device.setSampleRate(self.direction, channel, sample_rate)
            found = self.device.getSampleRate(self.direction, 0)
        except RuntimeError as cause:
            raise SemcomError(
                f"{self.words}: {cause}; name a device that SoapySDRUtil --find lists (drivers are "
                "packages soapysdr-module-...)"
            ) from cause
        self.check_rate(found, sample_rate)

    def _check_channels(self, duplex: bool) -> None:
        count = self.device.getNumChannels(self.direction)
        if count < self.channels:
            raise SemcomError(
                f"{self.words}: has {count} channels to {self.verb} by, {self.channels} needed"
            )
        if duplex and not self.device.getFullDuplex(self.direction, 0):
            raise SemcomError(
                f"{self.words}: cannot send and receive at once, which this end has to; use a "
                "full-duplex device"
            )

    def _map(self, subdev: str) -> None:
        if subdev:
            self.device.setFrontendMapping(self.direction, subdev)
            found = self.device.getFrontendMapping(self.direction)
            if found != subdev:
                raise SemcomError(
                    f"{self.words}: its frontends are '{found}', not '{subdev}'; leave --subdev out"
                )

    def tune(self, frequency, channel):
        self.device.setFrequency(self.direction, channel, frequency)
        spans = self.device.getFrequencyRange(self.direction, channel)
        low = min((span.minimum() for span in spans), default=0.0)
        high = max((span.maximum() for span in spans), default=0.0)
        return self.device.getFrequency(self.direction, channel), low, high

    def amplify(self, gain, channel):
        self.device.setGain(self.direction, channel, gain)
        span = self.device.getGainRange(self.direction, channel)
        return self.device.getGain(self.direction, channel), span.minimum(), span.maximum()

    def ports(self, channel):
        return list(self.device.listAntennas(self.direction, channel))

    def plug(self, port, channel):
        self.device.setAntenna(self.direction, channel, port)

    def now(self) -> float:
        """The device's time [s]."""
        try:
            return self.device.getHardwareTime() / NS
        except RuntimeError as cause:
            raise DeviceLost(f"{self.words} does not answer ({cause})") from cause

    def stream(self):
        """Start a stream; (stream, number of samples of a call)."""
        channels = list(range(self.channels))
        stream = self.device.setupStream(self.direction, FORMAT, channels)
        piece = self.device.getStreamMTU(stream) or PIECE
        self.check(self.device.activateStream(stream))
        return stream, piece

    def again(self, stream) -> None:
        """Restart a stream."""
        self.device.deactivateStream(stream)
        self.check(self.device.activateStream(stream))

    def close(self, stream) -> None:
        self.device.deactivateStream(stream)
        self.device.closeStream(stream)

    def check(self, status: int) -> None:
        """DeviceLost if ``status`` is an error of SoapySDR."""
        if status < 0:
            raise DeviceLost(f"{self.words}: {self.soapy.errToStr(status)}")


class _SoapyStream(gr.sync_block):
    """A running stream of a device, which measures for how long no samples passed.

    ``events``    {name: number} of errors that the device reported
    ``restarts``  number of restarts of the stream since the start
    """

    def __init__(self, name, inputs, outputs, front: _Soapy, sample_rate: float):
        gr.sync_block.__init__(self, name, inputs, outputs)
        self._front, self.sample_rate = front, sample_rate
        self.events, self.restarts, self._stream = {}, 0, None

    @guarded
    def start(self) -> bool:
        self.restarts, self._silent_s = 0, 0.0
        self._stream, self._piece = self._front.stream()
        self.begin()
        return True

    def begin(self) -> None:
        """Prepare the counters when the stream begins."""

    @guarded
    def stop(self) -> bool:
        if self._stream is not None:
            self._front.close(self._stream)
            self._stream = None
        return True

    def _count(self, name: str) -> None:
        self.events[name] = self.events.get(name, 0) + 1


class _SoapySink(_SoapyStream):
    """Transmits bursts on a device.

    is_due  function: whether the time of the latest burst has come
    """

    def __init__(self, front: _Soapy, sample_rate: float, is_due):
        _SoapyStream.__init__(self, "soapy_sink", [np.complex64], [], front, sample_rate)
        self._is_due = is_due

    def begin(self):
        self._left, self._has_status = 0, True

    @guarded
    def work(self, input_items, output_items):
        soapy = self._front.soapy
        count = min(len(input_items[0]), self._piece)
        tags = {tag.key: tag.value for tag in self.get_tags_in_window(0, 0, 1)}
        if TX_LENGTH in tags:
            self._left = pmt.to_long(tags[TX_LENGTH])
        count = min(count, self._left)
        flags, time_ns = 0, 0
        if TX_TIME in tags:
            flags = soapy.SOAPY_SDR_HAS_TIME
            time_ns = round(to_index(tags[TX_TIME], self.sample_rate) / self.sample_rate * NS)
        if count == self._left:
            flags |= soapy.SOAPY_SDR_END_BURST
        sent = self._write(input_items[0][:count], flags, time_ns)
        self._left -= sent
        return sent

    def _write(self, samples, flags: int, time_ns: int) -> int:
        """Write samples; returns the number that the device took."""
        soapy, device = self._front.soapy, self._front.device
        done = device.writeStream(
            self._stream, [samples], len(samples), flags, time_ns, round(WAIT_S * 1e6)
        )
        self._read_status()
        if done.ret > 0:
            self._silent_s = 0.0
            return done.ret
        if done.ret in self._complaints():
            self._count(self._complaints()[done.ret])
        elif done.ret not in (0, soapy.SOAPY_SDR_TIMEOUT):
            self._front.check(done.ret)
        self._silent_s = self._silent_s + WAIT_S if self._is_due() else 0.0
        if self._silent_s > SILENT_S:
            raise RuntimeError(
                f"no samples taken by {self._front.words} for {self._silent_s:.0f} s; check "
                "its cable and power"
            )
        return 0

    def _read_status(self) -> None:
        """Count the errors that the device reports of its bursts."""
        if self._has_status:
            status = self._front.device.readStreamStatus(self._stream, 0).ret
            self._has_status = status != self._front.soapy.SOAPY_SDR_NOT_SUPPORTED
            if status in self._complaints():
                self._count(self._complaints()[status])

    def _complaints(self) -> dict:
        soapy = self._front.soapy
        return {soapy.SOAPY_SDR_UNDERFLOW: "underflow", soapy.SOAPY_SDR_TIME_ERROR: "late"}


class _SoapySource(_SoapyStream):
    """Receives samples of a device.

    timed  a device without times of samples ends the flowgraph
    """

    def __init__(self, front: _Soapy, sample_rate: float, timed: bool):
        outputs = [np.complex64] * front.channels
        _SoapyStream.__init__(self, "soapy_source", [], outputs, front, sample_rate)
        self._timed = timed

    def begin(self):
        self._next = None  # number of the next sample in the device's time

    @guarded
    def work(self, input_items, output_items):
        soapy = self._front.soapy
        count = min(len(output_items[0]), self._piece)
        buffers = [out[:count] for out in output_items]
        done = self._front.device.readStream(
            self._stream, buffers, count, timeoutUs=round(WAIT_S * 1e6)
        )
        if done.ret > 0:
            self._tell_restart()
            self._mark(done, bool(done.flags & soapy.SOAPY_SDR_HAS_TIME))
            return done.ret
        if done.ret == soapy.SOAPY_SDR_OVERFLOW:
            self._lose()
        elif done.ret in (0, soapy.SOAPY_SDR_TIMEOUT):
            self._wait()
        else:
            self._front.check(done.ret)
        return 0

    def _mark(self, done, has_time: bool) -> None:
        """Tag the samples with their time if they do not continue the ones before."""
        if not has_time:
            if self._timed:
                raise RuntimeError(
                    f"{self._front.words}: its driver gives no times of samples, which a terminal "
                    "that follows another needs; use a LimeSDR, a bladeRF or a USRP there"
                )
            return
        at = round(done.timeNs / NS * self.sample_rate)
        if self._next is None or abs(at - self._next) > 1:
            for port in range(self._front.channels):
                self.add_item_tag(
                    port, self.nitems_written(port), RX_TIME, to_pmt(at, self.sample_rate)
                )
            self._next = at
        self._next += done.ret

    def _lose(self) -> None:
        """Note an overflow: the time of the next samples, if they have one, gives its length."""
        if self._next is None:
            self._count("overflow")

    def _wait(self) -> None:
        """No samples came: restart the stream, once."""
        self._silent_s += WAIT_S
        if self._silent_s < SILENT_S + (ANSWER_S if self.restarts else 0.0):
            return
        if self.restarts:
            raise RuntimeError(
                f"no samples from {self._front.words} for {self._silent_s:.0f} s; "
                "check its cable and power"
            )
        self.restarts += 1
        self._front.again(self._stream)

    def _tell_restart(self) -> None:
        if self._silent_s >= SILENT_S:
            fault(
                f"no samples from {self._front.words} for {self._silent_s:.1f} s: its stream "
                "stopped and was restarted"
            )
        self._silent_s = 0.0


def _soapy():
    try:
        import SoapySDR
    except ImportError as cause:
        raise SemcomError(
            "--radio soapy: this Python has no module SoapySDR; install the package "
            "python3-soapysdr"
        ) from cause
    return SoapySDR
