# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Devices that SoapySDR has drivers for (LimeSDR, bladeRF, Pluto, HackRF and others).

By SoapySDR's own Python module: GNU Radio's Soapy blocks hand on no times, neither of bursts nor of
samples, and do not tell of what was lost.
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

WAIT_S = 0.1  # [s] that a call may wait for a device
PIECE = 4096  # samples of a call where the driver does not say how many
FORMAT = "CF32"
NS = 1e9


class soapy_transmitter(radio_end):
    """Bursts to the first channel of a device: each at its time, or, without one, 50 ms after it
    came where the device tells its time, else as soon as it comes.

    Input 0  complex64 samples of unit mean power while a burst is on; 14 dB below full scale.
             Bursts alone: tx_sob and tx_length on the first sample, tx_time too if it has a time

    device       SoapySDR's device arguments, as driver=lime,serial=1D3AC; '' is the only one
    sample_rate  [Hz]
    frequency    [Hz] of the carrier
    gain         [dB]
    antenna      its port, '' for the device's default
    subdev       frontend mapping, '' for the device's default
    duplex       the device receives as well: one that cannot do both at once is refused

    SemcomError if there is no such device, or it cannot be set so.  A device that takes no samples
    for 2 s ends the flowgraph with a line that names it.
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

    Outputs 0..M-1  complex64 samples; of a device that tells times, tagged rx_time at the start and
                    after an overflow

    device       SoapySDR's device arguments, as driver=lime,serial=1D3AC; '' is the only one
    antennas     M, how many channels
    sample_rate  [Hz]
    frequency    [Hz] of the carrier
    gain         [dB] of each channel
    antenna      port of each channel, or of all ("LNAL,LNAW"); '' for the device's default
    subdev       frontend mapping, '' for the device's default
    timed        what is heard tells when to send: a device whose samples have no times ends the
                 flowgraph with a line that says so
    duplex       the device sends as well: one that cannot do both at once is refused

    SemcomError if there is no such device, or it cannot be set so.  A stream that dies is asked for
    again once, which is a fault; one that does not come then ends the flowgraph with a line that
    names the device.
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
    """One direction of a device of SoapySDR.

    ``has_clock``  whether it tells its time
    """

    def __init__(self, device: str, direction: str, channels: int):
        Front.__init__(self, f"SoapySDR '{device}'", channels)
        self.args, self.soapy = device, _soapy()
        self.direction = getattr(self.soapy, direction)
        self.verb = "send" if direction == "SOAPY_SDR_TX" else "receive"

    def open(self, sample_rate: float, subdev: str, duplex: bool) -> None:
        """Find the device and check what it can do."""
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
                f"{self.words}: {cause}; see what SoapySDRUtil --find lists, and name one (its "
                "driver is a package soapysdr-module-...)"
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
                "device that can"
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
        """[s] of the device's time."""
        try:
            return self.device.getHardwareTime() / NS
        except RuntimeError as cause:
            raise DeviceLost(f"{self.words} does not answer ({cause})") from cause

    def stream(self):
        """A stream, which runs, and the samples of a call."""
        channels = list(range(self.channels))
        stream = self.device.setupStream(self.direction, FORMAT, channels)
        piece = self.device.getStreamMTU(stream) or PIECE
        self.check(self.device.activateStream(stream))
        return stream, piece

    def again(self, stream) -> None:
        """Let a stream begin anew."""
        self.device.deactivateStream(stream)
        self.check(self.device.activateStream(stream))

    def close(self, stream) -> None:
        self.device.deactivateStream(stream)
        self.device.closeStream(stream)

    def check(self, status: int) -> None:
        """DeviceLost for an error of SoapySDR."""
        if status < 0:
            raise DeviceLost(f"{self.words}: {self.soapy.errToStr(status)}")


class _SoapyStream(gr.sync_block):
    """A running stream of a device, and how long it has stood still.

    ``events``    complaints of the device by name
    ``restarts``  how often the stream was asked for anew since the start
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
        """The stream begins."""

    @guarded
    def stop(self) -> bool:
        if self._stream is not None:
            self._front.close(self._stream)
            self._stream = None
        return True

    def _count(self, name: str) -> None:
        self.events[name] = self.events.get(name, 0) + 1


class _SoapySink(_SoapyStream):
    """Bursts to a device.

    is_due  whether the latest burst should be on the air
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
        """Samples that the device took."""
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
                f"no samples taken by {self._front.words} for {self._silent_s:.0f} s; look at its "
                "cable and power"
            )
        return 0

    def _read_status(self) -> None:
        """Count what the device says of bursts that it has."""
        if self._has_status:
            status = self._front.device.readStreamStatus(self._stream, 0).ret
            self._has_status = status != self._front.soapy.SOAPY_SDR_NOT_SUPPORTED
            if status in self._complaints():
                self._count(self._complaints()[status])

    def _complaints(self) -> dict:
        soapy = self._front.soapy
        return {soapy.SOAPY_SDR_UNDERFLOW: "underflow", soapy.SOAPY_SDR_TIME_ERROR: "late"}


class _SoapySource(_SoapyStream):
    """Samples of a device.

    timed  one that tells no times ends the flowgraph
    """

    def __init__(self, front: _Soapy, sample_rate: float, timed: bool):
        outputs = [np.complex64] * front.channels
        _SoapyStream.__init__(self, "soapy_source", [], outputs, front, sample_rate)
        self._timed = timed

    def begin(self):
        self._next = None  # sample of the device's time that should come

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
        """Tag the samples that came, if their time is not that of the next."""
        if not has_time:
            if self._timed:
                raise RuntimeError(
                    f"{self._front.words}: its driver tells no times of samples, by which a "
                    "terminal that answers another sends; use a LimeSDR, a bladeRF or a USRP there"
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
        """Samples were lost: the times of the next tell how many, where there are times."""
        if self._next is None:
            self._count("overflow")

    def _wait(self) -> None:
        """Nothing came: ask again, once."""
        self._silent_s += WAIT_S
        if self._silent_s < SILENT_S + (ANSWER_S if self.restarts else 0.0):
            return
        if self.restarts:
            raise RuntimeError(
                f"no samples from {self._front.words} for {self._silent_s:.0f} s; look at its "
                "cable and power"
            )
        self.restarts += 1
        self._front.again(self._stream)

    def _tell_restart(self) -> None:
        if self._silent_s >= SILENT_S:
            fault(
                f"no samples from {self._front.words} for {self._silent_s:.1f} s: its stream died "
                "and was started again"
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
