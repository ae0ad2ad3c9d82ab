# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""One direction (transmit or receive) of a device: settings are applied and read back."""

import math

from gnuradio import gr

from ..base.errors import SemcomError
from ..base.programs import note

SAME_FREQUENCY = 1e-6  # relative deviation that is not reported: oscillators are less exact
SAME_GAIN_DB = 0.5  # deviation that is not reported: most devices have larger steps
SAME_RATE = 1e-6  # relative deviation that is not reported
SPARE = {  # device argument that a driver would ignore -> option that sets it
    "subdev": "--subdev", "antenna": "--antenna", "ant": "--antenna", "freq": "--frequency",
    "rate": "--sample-rate", "gain": "--tx-gain or --rx-gain",
}  # fmt: skip


def arguments(device: str) -> dict:
    """The {key: value} of device arguments "key=value,key=value"."""
    pairs = (part.partition("=") for part in device.split(",") if part.strip())
    return {key.strip(): value.strip() for key, _, value in pairs}


class Front:
    """A driver's block for one direction of a device; all its channels have the same settings.

    Drivers derive from it and define ``tune(frequency, channel)`` and ``amplify(gain, channel)``,
    which set the value and return (the device's value, its least, its most); ``ports(channel)``,
    the names of the channel's antenna ports; ``plug(port, channel)``, which selects one.

    words     the device in messages, such as "USRP 'serial=1'"
    channels  number of channels
    ``gain``  [dB] the device's actual gain
    """

    def __init__(self, words: str, channels: int):
        self.words, self.channels, self.gain, self._said = words, channels, None, {}

    def check_arguments(self, device: str) -> None:
        """SemcomError for a device argument that the driver would ignore."""
        for key, option in SPARE.items():
            if key in arguments(device):
                raise SemcomError(
                    f"{self.words}: {key}= in the device arguments has no effect; give {option}"
                )

    def check_rate(self, found: float, sample_rate: float) -> None:
        """SemcomError if the device's sample rate ``found`` is not the one that was set; both
        [Hz]."""
        if abs(found - sample_rate) > SAME_RATE * sample_rate:
            raise SemcomError(
                f"{self.words}: gives {found:g} Hz for a sample rate of {sample_rate:g} Hz; choose "
                "one that its clock divides into"
            )

    def set_up(self, frequency: float, gain: float, antenna: str) -> None:
        """Select the antenna port ('': the device's default), set carrier [Hz] and gain [dB].

        SemcomError if the device does not have the port or the carrier.
        """
        if antenna:
            if not self.has(antenna):
                self.refuse(antenna)
            self.plug_in(antenna)
        if found := self._tune(frequency):
            at, low, high = found
            raise SemcomError(
                f"{self.words}: tunes to {at / 1e6:.10g} MHz for a carrier of "
                f"{frequency / 1e6:.10g} MHz; give {low / 1e6:g} to {high / 1e6:g} MHz"
            )
        self.set_gain(gain)

    def has(self, antenna: str) -> bool:
        """Whether the device has the ports: "PORT" for all channels, or "PORT,PORT", one for
        each."""
        ports = antenna.split(",")
        return len(ports) in (1, self.channels) and all(
            port in self.ports(channel) for channel, port in self._of_channels(ports)
        )

    def plug_in(self, antenna: str) -> None:
        """Select ports that the device has."""
        for channel, port in self._of_channels(antenna.split(",")):
            self.plug(port, channel)

    def refuse(self, antenna: str) -> None:
        """SemcomError that lists the device's ports."""
        known = " or ".join(self.ports(0))
        raise SemcomError(
            f"{self.words}: no antenna '{antenna}' for {self.channels} channels; expected {known}, "
            "one for all channels, or one for each with commas between"
        )

    def _of_channels(self, ports: list) -> list:
        return [(channel, ports[channel % len(ports)]) for channel in range(self.channels)]

    def set_frequency(self, frequency: float) -> None:
        """Sets the carrier [Hz] of every channel; a deviation is printed, and is in
        :meth:`said`."""
        self._say("frequency", frequency / 1e6, "MHz", self._tune(frequency), 1e6)

    def set_gain(self, gain: float) -> None:
        """Sets the gain [dB] of every channel; a deviation is printed, and is in :meth:`said`."""
        found = self._other(self.amplify, gain, SAME_GAIN_DB)
        self.gain = found[0] if found else gain
        self._say("gain", gain, "dB", found, 1.0)

    def said(self) -> list:
        """A line for each setting of which the device's value deviates."""
        return list(self._said.values())

    def _tune(self, frequency: float):
        return self._other(self.tune, frequency, SAME_FREQUENCY * abs(frequency))

    def _other(self, put, value: float, same: float):
        """Set every channel; (value, least, most) of the first one that deviates, or None."""
        found = [put(value, channel) for channel in range(self.channels)]
        others = (each for each in found if not math.isclose(each[0], value, abs_tol=same))
        return next(others, None)

    def _say(self, name: str, asked: float, unit: str, found, scale: float) -> None:
        self._said.pop(name, None)
        if found:
            at, low, high = (value / scale for value in found)
            self._said[name] = (
                f"{name} {asked:.10g} {unit} becomes {at:.10g} {unit}; range: {low:g} to {high:g}"
            )
            note(f"{self.words}: {self._said[name]}")


class radio_end(gr.hier_block2):
    """The base of the transmit and receive blocks of a device.

    Subclasses set ``front`` (:class:`Front`) and ``watch`` (stream_watch, or an object with its
    ``events`` and ``restarts``).
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
        """{name: number} of errors that the device reported, and of restarts of its stream
        (``restarted``)."""
        restarts = {"restarts": self.watch.restarts} if self.watch.restarts else {}
        return dict(self.watch.events) | restarts

    def told(self) -> str:
        """Reported errors and changed settings as a text for a window."""
        counts = ", ".join(f"{n} x {name}" for name, n in self.counts().items())
        return "; ".join([*([counts] if counts else []), *self.front.said()])
