# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Stands for SoapySDR's Python module: devices that share the air of fake_uhd.

``install(device, ...)`` puts it in the place of ``SoapySDR``.
"""

import sys
import time
from dataclasses import dataclass, field
from types import SimpleNamespace

import fake_uhd
import numpy as np

SOAPY_SDR_TX, SOAPY_SDR_RX = 0, 1
SOAPY_SDR_END_BURST, SOAPY_SDR_HAS_TIME = 2, 4
SOAPY_SDR_TIMEOUT, SOAPY_SDR_STREAM_ERROR, SOAPY_SDR_OVERFLOW = -1, -2, -4
SOAPY_SDR_NOT_SUPPORTED, SOAPY_SDR_TIME_ERROR, SOAPY_SDR_UNDERFLOW = -5, -6, -7
PIECE = 1020
NAP_S = 0.005


@dataclass(eq=False)
class Kind:
    """What a device is.

    args       by which it is found
    channels   that receive
    clock      whether it has times
    duplex     whether it sends and receives at once
    status     whether it tells of underflows and late bursts
    silent     calls to read after which nothing comes; None: it goes on
    comes_back whether a stream that is activated anew brings samples again
    takes      calls to write after which nothing is taken; None: it goes on
    fails      code that reading returns; 0: none
    loses      calls to read after which an overflow takes 1000 samples; 0: none
    """

    args: str
    channels: int = 2
    clock: bool = True
    duplex: bool = True
    status: bool = True
    silent: int | None = None
    comes_back: bool = False
    takes: int | None = None
    fails: int = 0
    loses: int = 0
    frequencies: tuple = (30e6, 3.8e9)
    gains: tuple = (0.0, 60.0)
    frontends: str = ""
    offset: float = 5.0
    set: dict = field(default_factory=dict)
    runs: list = field(default_factory=list)  # times asked for [ns], or None, and lengths
    open: int = 0  # streams


kinds = []


class Device:
    def __init__(self, args):
        found = [kind for kind in kinds if args in ("", kind.args)]
        if not found:
            raise RuntimeError("SoapySDR::Device::make() no match")
        self.kind, self.reads, self.writes, self.place = found[0], 0, 0, None
        self.codes = []

    def getNumChannels(self, direction):
        return 1 if direction == SOAPY_SDR_TX else self.kind.channels

    def getFullDuplex(self, direction, channel):
        return self.kind.duplex

    def hasHardwareTime(self):
        return self.kind.clock

    def getHardwareTime(self):
        return round(1e9 * self._now())

    def _now(self):
        return fake_uhd.air.now() + self.kind.offset

    def _index(self):
        return int(self._now() * self.rate)

    def _put(self, name, direction, channel, value):
        self.kind.set[f"{('tx', 'rx')[direction]} {name} {channel}"] = value

    def _get(self, name, direction, channel):
        return self.kind.set[f"{('tx', 'rx')[direction]} {name} {channel}"]

    def setSampleRate(self, direction, channel, rate):
        self.rate = rate

    def getSampleRate(self, direction, channel):
        return self.rate

    def setFrequency(self, direction, channel, frequency):
        low, high = self.kind.frequencies
        self._put("frequency", direction, channel, min(max(frequency, low), high))

    def getFrequency(self, direction, channel):
        return self._get("frequency", direction, channel)

    def getFrequencyRange(self, direction, channel):
        return [_range(self.kind.frequencies)]

    def setGain(self, direction, channel, gain):
        low, high = self.kind.gains
        self._put("gain", direction, channel, min(max(gain, low), high))

    def getGain(self, direction, channel):
        return self._get("gain", direction, channel)

    def getGainRange(self, direction, channel):
        return _range(self.kind.gains)

    def listAntennas(self, direction, channel):
        return ("BAND1", "BAND2") if direction == SOAPY_SDR_TX else ("LNAH", "LNAL", "LNAW")

    def setAntenna(self, direction, channel, name):
        self._put("antenna", direction, channel, name)

    def setFrontendMapping(self, direction, mapping):
        """As the base class: nothing."""

    def getFrontendMapping(self, direction):
        return self.kind.frontends

    def setupStream(self, direction, form, channels):
        assert form == "CF32"
        self.kind.open += 1
        return (direction, channels)

    def closeStream(self, stream):
        self.kind.open -= 1

    def getStreamMTU(self, stream):
        return PIECE

    def activateStream(self, stream):
        self.next = self._index()
        if self.kind.comes_back and self.reads:
            self.kind.silent = None
        return 0

    def deactivateStream(self, stream):
        return 0

    def readStream(self, stream, buffers, count, flags=0, timeoutUs=100000):
        kind = self.kind
        if kind.fails:
            return _done(kind.fails)
        if kind.silent is not None and self.reads >= kind.silent:
            time.sleep(timeoutUs / 1e6)
            return _done(SOAPY_SDR_TIMEOUT)
        self.reads += 1
        if self.reads == kind.loses:
            self.next += 1000
            return _done(SOAPY_SDR_OVERFLOW)
        count = min(count, self._index() - self.next)
        if count <= 0:
            time.sleep(NAP_S)
            return _done(0)
        first = self.next - round(kind.offset * self.rate)
        for m, buffer in enumerate(buffers):
            buffer[:count] = fake_uhd.air.hear(kind, m, first, count)
        at = round(1e9 * self.next / self.rate)
        self.next += count
        return _done(count, SOAPY_SDR_HAS_TIME if kind.clock else 0, at)

    def writeStream(self, stream, buffers, count, flags=0, timeNs=0, timeoutUs=100000):
        kind = self.kind
        if kind.takes is not None and self.writes >= kind.takes:
            time.sleep(timeoutUs / 1e6)
            return _done(SOAPY_SDR_TIMEOUT)
        self.writes += 1
        samples = buffers[0][:count]
        if self.place is None:
            timed = bool(flags & SOAPY_SDR_HAS_TIME)
            self.place = round(timeNs * 1e-9 * self.rate) if timed else self._index() + 10000
            kind.runs.append([timeNs if timed else None, 0])
            if self.place < self._index():
                self.codes.append(SOAPY_SDR_TIME_ERROR)
        kind.runs[-1][1] += count
        fake_uhd.air.send(kind, self.place - round(kind.offset * self.rate), np.array(samples))
        self.place = None if flags & SOAPY_SDR_END_BURST else self.place + count
        return _done(count)

    def readStreamStatus(self, stream, timeoutUs=100000):
        if not self.kind.status:
            return _done(SOAPY_SDR_NOT_SUPPORTED)
        return _done(self.codes.pop(0) if self.codes else SOAPY_SDR_TIMEOUT)


def errToStr(code):
    return {SOAPY_SDR_STREAM_ERROR: "STREAM_ERROR"}[code]


def _done(ret, flags=0, time_ns=0):
    return SimpleNamespace(ret=ret, flags=flags, timeNs=time_ns)


def _range(span):
    return SimpleNamespace(minimum=lambda: span[0], maximum=lambda: span[1])


def install(*devices) -> list:
    """Stand for SoapySDR with these devices."""
    kinds[:] = [Kind(**device) for device in devices]
    fake_uhd.air = fake_uhd.Air(kinds)
    sys.modules["SoapySDR"] = sys.modules[__name__]
    return kinds
