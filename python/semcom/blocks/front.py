# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""One direction (transmit or receive) of a device: settings are applied and read back."""

import math

from gnuradio import gr

from ..base.errors import SemcomError
from ..base.programs import note

SAME_FREQUENCY = 1e-6  # of a frequency: closer than a device's own oscillator
SAME_GAIN_DB = 0.5  # finer than most devices' steps
SAME_RATE = 1e-6  # of a rate, likewise
SPARE = {  # of device arguments that a driver would ignore: what sets them
    "subdev": "--subdev", "antenna": "--antenna", "ant": "--antenna", "freq": "--frequency",
    "rate": "--sample-rate", "gain": "--tx-gain or --rx-gain",
}  # fmt: skip


def arguments(device: str) -> dict:
    """Device arguments, "key=value,key=value", by key."""
    pairs = (part.partition("=") for part in device.split(",") if part.strip())
    return {key.strip(): value.strip() for key, _, value in pairs}


class Front:
    """A driver's block for one direction of a device; its channels are set alike.

    Drivers derive from it, and define: ``tune(frequency, channel)`` and ``amplify(gain, channel)``,
    which set and return (what it is now, least, most); ``ports(channel)``, the names of the
    channel's antennas; ``plug(port, channel)``.

    words     the device, for the user: "USRP 'serial=1'"
    channels  how many

    ``gain``  [dB] that the device has
    """

    def __init__(self, words: str, channels: int):
        self.words, self.channels, self.gain, self._said = words, channels, None, {}

    def check_arguments(self, device: str) -> None:
        """Refuses device arguments that the driver would ignore."""
        for key, option in SPARE.items():
            if key in arguments(device):
                raise SemcomError(
                    f"{self.words}: {key}= among a device's arguments has no effect; give {option}"
                )

    def check_rate(self, found: float, sample_rate: float) -> None:
        """Refuses a sample rate that the device does not keep."""
        if abs(found - sample_rate) > SAME_RATE * sample_rate:
            raise SemcomError(
                f"{self.words}: gives {found:g} Hz for a sample rate of {sample_rate:g} Hz; choose "
                "one that its clock divides into"
            )

    def set_up(self, frequency: float, gain: float, antenna: str) -> None:
        """Plug in ('': leave the antennas as they are), tune, amplify; SemcomError if the device
        has no such port or carrier."""
        if antenna:
            if not self.has(antenna):
                self.refuse(antenna)
            self.plug_in(antenna)
        if found := self._tune(frequency):
            at, low, high = found
            raise SemcomError(
                f"{self.words}: goes to {at / 1e6:.10g} MHz for a carrier of "
                f"{frequency / 1e6:.10g} MHz; {low / 1e6:g} to {high / 1e6:g} MHz expected"
            )
        self.set_gain(gain)

    def has(self, antenna: str) -> bool:
        """Whether there are such ports, "PORT" for all channels or "PORT,PORT" for each."""
        ports = antenna.split(",")
        return len(ports) in (1, self.channels) and all(
            port in self.ports(channel) for channel, port in self._of_channels(ports)
        )

    def plug_in(self, antenna: str) -> None:
        """Use ports that there are."""
        for channel, port in self._of_channels(antenna.split(",")):
            self.plug(port, channel)

    def refuse(self, antenna: str) -> None:
        """SemcomError that says what ports there are."""
        known = " or ".join(self.ports(0))
        raise SemcomError(
            f"{self.words}: no antenna '{antenna}' for {self.channels} channels; {known} expected, "
            "one for all channels, or one for each with commas between"
        )

    def _of_channels(self, ports: list) -> list:
        return [(channel, ports[channel % len(ports)]) for channel in range(self.channels)]

    def set_frequency(self, frequency: float) -> None:
        """Carrier [Hz] of every channel; a device that goes elsewhere is told, and in
        :meth:`said`."""
        self._say("frequency", frequency / 1e6, "MHz", self._tune(frequency), 1e6)

    def set_gain(self, gain: float) -> None:
        """Sets the gain [dB] of every channel; a deviation is reported, and is in :meth:`said`."""
        found = self._other(self.amplify, gain, SAME_GAIN_DB)
        self.gain = found[0] if found else gain
        self._say("gain", gain, "dB", found, 1.0)

    def said(self) -> list:
        """The settings that the device changed, a line each."""
        return list(self._said.values())

    def _tune(self, frequency: float):
        return self._other(self.tune, frequency, SAME_FREQUENCY * abs(frequency))

    def _other(self, put, value: float, same: float):
        """Set every channel; what the first has that differs, (value, least, most), or None."""
        found = [put(value, channel) for channel in range(self.channels)]
        others = (each for each in found if not math.isclose(each[0], value, abs_tol=same))
        return next(others, None)

    def _say(self, name: str, asked: float, unit: str, found, scale: float) -> None:
        self._said.pop(name, None)
        if found:
            at, low, high = (value / scale for value in found)
            self._said[name] = (
                f"{name} {asked:.10g} {unit} becomes {at:.10g} {unit}; it has {low:g} to {high:g}"
            )
            note(f"{self.words}: {self._said[name]}")


class radio_end(gr.hier_block2):
    """The base of both directions of a device.

    ``front`` is set by those that derive from it, and ``watch`` (stream_watch, or what counts
    like it).
    """

    def __init__(self, name: str, inputs: int, outputs: int):
        item = gr.sizeof_gr_complex
        signatures = [gr.io_signature(n, n, item) for n in (inputs, outputs)]
        gr.hier_block2.__init__(self, name, *signatures)

    def set_frequency(self, frequency):
        """Carrier [Hz]."""
        self.front.set_frequency(frequency)

    def set_gain(self, gain):
        """Gain [dB]."""
        self.front.set_gain(gain)

    def counts(self) -> dict:
        """Errors that the device reported, by name, and how often its stream was ``restarted``."""
        restarts = {"restarts": self.watch.restarts} if self.watch.restarts else {}
        return dict(self.watch.events) | restarts

    def told(self) -> str:
        """Reported errors and changed settings, for a window."""
        counts = ", ".join(f"{n} x {name}" for name, n in self.counts().items())
        return "; ".join([*([counts] if counts else []), *self.front.said()])
