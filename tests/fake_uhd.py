# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Stands for gr-uhd: devices that share an air, and do what devices do to those who use them.

``install(device, ...)`` puts it in the place of ``gnuradio.uhd``.  As a program it does so, and
runs another: ``fake_uhd.py run_link SPEC OPTIONS...``, where SPEC is JSON: ``devices``, ``tell``, a
file for what the devices were asked and did, and ``began``, one that is made once a device has
sent three bursts.  Times, tags, coercion and what
is thrown are those of gr-uhd 3.10 over libuhd 4.3; the samples go by the clock.
"""

import json
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import gnuradio
import numpy as np
import pmt
from gnuradio import gr

NAP_S = 0.005
BUFFER_S = 0.3  # [s] of samples that a device holds before they go on the air
NOBODY = "LookupError: KeyError: No devices found for ----->\nDevice Address:\n    "
NO_ANSWER = "RfnocError: OpTimeout: Control operation timed out waiting for ACK"
LATE, UNDERFLOW = "time_error", "underflow"


@dataclass
class Device:
    """A USRP.

    args         by which it is found
    start        what its blocks throw in start(); ''; nothing
    busy         what opening it throws; '': nothing
    silent_from  [samples] of a stream after which nothing comes; None: it goes on
    comes_back   whether a stream command brings samples again
    gone         it answers nothing once its stream is silent, and takes nothing either
    takes        bursts, after which it takes nothing; None: it goes on
    offset       [s] of its clock
    """

    args: str
    start: str = ""
    busy: str = ""
    silent_from: int | None = None
    comes_back: bool = False
    gone: bool = False
    takes: int | None = None
    offset: float = 0.0
    frequencies: tuple = (70e6, 6e9)
    gains: tuple = (0.0, 76.0)
    rates: tuple = (1.0, 61.44e6)
    antennas: tuple = ("TX/RX", "RX2")
    commands: int = 0  # for streams, that came while one was open
    lost: bool = False  # it does not answer any more
    runs: list = field(default_factory=list)  # bursts it sent: asked for, came at, length, ended
    set: dict = field(default_factory=dict)  # "tx gain 0" -> value


class Air:
    """Where devices hear each other."""

    def __init__(self, devices=()):
        self.devices, self._began, self.began = list(devices), time.monotonic(), None
        self._bursts, self._lock = [], threading.Lock()
        self._noise = np.random.default_rng(0)

    def now(self) -> float:
        return time.monotonic() - self._began

    def find(self, args: str) -> Device:
        found = [device for device in self.devices if args in ("", device.args)]
        if not found:
            raise RuntimeError(NOBODY + args.replace("=", ": "))
        if found[0].busy:
            raise RuntimeError(found[0].busy)
        return found[0]

    def send(self, device: Device, first: int, samples) -> None:
        with self._lock:
            self._bursts.append((device, first, samples.copy()))
            del self._bursts[:-5000]

    def hear(self, device: Device, antenna: int, first: int, count: int):
        noise = self._noise.normal(scale=1e-3, size=(count, 2)).astype(np.float32)
        out = noise.view(np.complex64)[:, 0]
        with self._lock:
            for sender, start, samples in self._bursts:
                low, high = max(start, first), min(start + len(samples), first + count)
                if sender is not device and low < high:
                    path = 1.0 if (self.devices.index(sender) - antenna) % 2 == 0 else 0.2
                    out[low - first : high - first] += path * samples[low - start : high - start]
        return out


air = Air()


class _Settings:
    """What every block of a device has."""

    def _open(self, args, streams, direction):
        self.device, self.args, self.direction = air.find(args), args, direction
        self.message_port_register_in(pmt.intern("command"))

    def _now(self) -> float:
        return air.now() + self.device.offset

    def _put(self, name, channel, value, span=(-np.inf, np.inf)):
        self.device.set[f"{self.direction} {name} {channel}"] = min(max(value, span[0]), span[1])

    def _get(self, name, channel):
        return self.device.set[f"{self.direction} {name} {channel}"]

    def set_samp_rate(self, rate):
        low, high = self.device.rates
        self.rate = min(max(rate, low), high)

    def get_samp_rate(self):
        return self.rate

    def set_center_freq(self, frequency, channel):
        self._put("frequency", channel, frequency, self.device.frequencies)

    def get_center_freq(self, channel):
        return self._get("frequency", channel)

    def get_freq_range(self, channel):
        return _range(self.device.frequencies)

    def set_gain(self, gain, channel):
        self._put("gain", channel, gain, self.device.gains)

    def get_gain(self, channel):
        return self._get("gain", channel)

    def get_gain_range(self, channel):
        return _range(self.device.gains)

    def get_antennas(self, channel):
        return self.device.antennas[:1] if self.direction == "tx" else self.device.antennas

    def set_antenna(self, antenna, channel):
        self._put("antenna", channel, 0)
        self.device.set[f"{self.direction} antenna {channel}"] = antenna

    def set_subdev_spec(self, spec, board):
        if ":" not in spec:
            raise RuntimeError(f"ValueError: invalid subdev-spec {spec}")
        self.device.set[f"{self.direction} subdev"] = spec

    def get_time_now(self):
        if self.device.lost:
            raise RuntimeError(NO_ANSWER)
        return time_spec_t(self._now())

    def start(self):
        if self.device.start:
            raise RuntimeError(self.device.start)
        self.begin()
        return True


class usrp_sink(_Settings, gr.sync_block):
    """Sends as gr-uhd does: with a length tag, or between tx_sob and tx_eob after an empty start,
    whose end libuhd takes for that of a first burst that comes at once."""

    def __init__(self, args, streams, length_tag=""):
        gr.sync_block.__init__(self, "usrp_sink", [np.complex64], [])
        self._open(args, streams, "tx")
        self.message_port_register_out(pmt.intern("async_msgs"))
        self.length_tag = length_tag and pmt.intern(length_tag)

    def begin(self):
        self._left, self._place, self._run = 0, None, None
        self._empty_start = not self.length_tag
        self._dropping = False

    def work(self, input_items, output_items):
        if self._place is None and len(self.device.runs) == self.device.takes:
            self.device.lost = self.device.gone
            time.sleep(NAP_S)
            return 0
        samples = input_items[0]
        here = self.nitems_read(0)
        tags = {}
        for tag in self.get_tags_in_window(0, 0, len(samples)):
            tags.setdefault(pmt.symbol_to_string(tag.key), {})[tag.offset - here] = tag.value
        count, begins, ends = self._bounds(tags, len(samples))
        if self._place is not None and self._place > self._index() + BUFFER_S * self.rate:
            time.sleep(NAP_S)
            return 0
        if self._empty_start:
            begins, ends, self._empty_start = True, False, False
        if begins:
            self._begin(tags.get("tx_time", {}).get(0))
        self._send(samples[:count])
        if self.length_tag:
            self._left -= count
        if ends:
            self._run["ended"] = True
            self._place, self._dropping = None, False
        return count

    def _bounds(self, tags, count):
        """Samples that are sent at once, whether a burst begins and ends with them."""
        if self.length_tag:
            starts = tags.get(pmt.symbol_to_string(self.length_tag), {})
            if 0 in starts:
                self._left = pmt.to_long(starts[0])
            if not self._left:
                raise RuntimeError("tG: samples outside of a burst")
            count = min(count, self._left)
            return count, 0 in starts, count == self._left
        starts, stops = tags.get("tx_sob", {}), tags.get("tx_eob", {})
        later = [at for at in starts if at > 0]
        count = min([count, *later, *(at + 1 for at in stops)])
        return count, 0 in starts, count - 1 in stops

    def _index(self) -> int:
        return int(self._now() * self.rate)

    def _begin(self, asked):
        self._place = self._index()
        self._run = {"asked": None, "came": self._now(), "length": 0, "ended": False}
        self._dropping = False
        if asked is not None:
            whole, fraction = pmt.to_python(asked)
            self._run["asked"] = whole + fraction
            self._place = round(whole * self.rate + fraction * self.rate)
            self._dropping = self._place < self._index()
            if self._dropping:
                self._complain(LATE)
        self.device.runs.append(self._run)
        if air.began and len(self.device.runs) == 3:
            air.began.touch()

    def _send(self, samples):
        self._run["length"] += len(samples)
        if self._dropping:
            return
        if self._place < self._index():
            self._complain(UNDERFLOW)
            self._place = self._index()
        air.send(self.device, self._place - round(self.device.offset * self.rate), samples)
        self._place += len(samples)

    def _complain(self, code):
        told = pmt.dict_add(pmt.make_dict(), pmt.intern("event_code"), pmt.list1(pmt.intern(code)))
        self.message_port_pub(pmt.intern("async_msgs"), pmt.cons(pmt.intern("uhd_async_msg"), told))


class usrp_source(_Settings, gr.sync_block):
    """Hears the air by its device's clock."""

    def __init__(self, args, streams):
        gr.sync_block.__init__(self, "usrp_source", [], [np.complex64] * len(streams))
        self._open(args, streams, "rx")

    def begin(self):
        self._begin(self._now())
        self.streaming = True

    def _begin(self, at):
        self.at, self.came, self._tag = int(at * self.rate), 0, True

    def issue_stream_cmd(self, command):
        self.device.commands += 1
        if self.device.lost:
            raise RuntimeError(NO_ANSWER)
        assert command.stream_mode == stream_mode_t.STREAM_MODE_START_CONTINUOUS
        if self.device.comes_back and not self.streaming:
            now = self._now()
            at = now if command.stream_now else command.time_spec.get_real_secs()
            assert now <= at < now + 1
            self.device.silent_from, self.streaming = None, True
            self._begin(at)

    def work(self, input_items, output_items):
        device = self.device
        if device.silent_from is not None and self.came >= device.silent_from:
            self.streaming, device.lost = False, device.gone
        count = min(len(output_items[0]), int(self._now() * self.rate) - self.at)
        if not self.streaming or count <= 0:
            time.sleep(NAP_S)
            return 0
        first = self.at - round(device.offset * self.rate)
        for m, out in enumerate(output_items):
            out[:count] = air.hear(device, m, first, count)
            if self._tag:
                value = pmt.make_tuple(
                    pmt.from_uint64(int(self.at // self.rate)),
                    pmt.from_double(self.at % self.rate / self.rate),
                )
                self.add_item_tag(m, self.nitems_written(m), pmt.intern("rx_time"), value)
        self._tag = False
        self.at, self.came = self.at + count, self.came + count
        return count


class time_spec_t:
    def __init__(self, seconds=0.0):
        self.seconds = seconds

    def get_real_secs(self):
        return self.seconds


class stream_mode_t:
    STREAM_MODE_START_CONTINUOUS = "start"


class stream_cmd_t:
    def __init__(self, mode):
        self.stream_mode, self.stream_now, self.time_spec = mode, True, time_spec_t()


def stream_args(cpu_format, channels):
    assert cpu_format == "fc32"
    return channels


def _range(span):
    return SimpleNamespace(start=lambda: span[0], stop=lambda: span[1])


def install(*devices) -> Air:
    """Stand for gr-uhd with these devices; the air between them."""
    global air
    air = Air([Device(**device) for device in devices])
    sys.modules["gnuradio.uhd"] = gnuradio.uhd = sys.modules[__name__]
    return air


def main() -> int:
    name, spec, *words = sys.argv[1:]
    spec = json.loads(spec)
    install(*spec["devices"])
    air.began = Path(spec["began"]) if "began" in spec else None
    sys.argv = [f"{name}.py", *words]
    status = import_module(f"gnuradio.semcom.cli.{name}").main()
    if "tell" in spec:
        Path(spec["tell"]).write_text(json.dumps({d.args: asdict(d) for d in air.devices}))
    return status


if __name__ == "__main__":
    sys.exit(main())
