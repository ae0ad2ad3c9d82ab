# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The radios of ``--radio``, as blocks whose ports a flowgraph connects.

Devices are in the order of the terminals in the system's topology, at most two, then the
receiver's. The return link has a carrier of its own.
"""

import itertools

from ..base.errors import SemcomError
from ..blocks.front import arguments
from ..blocks.radio_ends import zmq_antennas, zmq_transmitter
from ..blocks.soapy import soapy_antennas, soapy_transmitter
from ..blocks.usrp import usrp_antennas, usrp_transmitter
from ..systems.registry import topology_of
from .scenario import Scenario

TERMINALS = 2  # most terminals with devices
ZMQ_TRANSMITTERS = (5551, 5552)  # ports of the terminals, as in mock_radio.py
ZMQ_RECEIVER, ZMQ_SIDELINK = 5561, 5562
ZMQ_RETURN = (5553, 5563)  # ports of the return link: the receiver's, the first terminal's
COUNTED = ("underflow", "late", "overflow", "restarts")  # counts of every device, also if 0


class ZmqRadio:
    """A mock radio on a host, behind its ZeroMQ sockets (apps/mock_radio.py)."""

    def __init__(self, scenario: Scenario, host: str, ends=None):
        self.host = host or "127.0.0.1"
        self.places = topology_of(scenario.system)

    def transmitter(self, terminal: str):
        """A block that transmits a terminal's samples."""
        return zmq_transmitter(f"tcp://*:{ZMQ_TRANSMITTERS[self.places.index(terminal)]}")

    def receiver(self, who: str, antennas: int):
        """A block with the antennas of the receiver, or of a terminal with a sidelink."""
        return self._antennas(ZMQ_RECEIVER if who == "receiver" else ZMQ_SIDELINK, antennas)

    def return_transmitter(self):
        """A block that transmits the samples of the return link."""
        return zmq_transmitter(f"tcp://*:{ZMQ_RETURN[0]}")

    def return_antenna(self, terminal: str):
        """A block with a terminal's antenna for the return link."""
        return self._antennas(ZMQ_RETURN[1], 1)

    def counts(self) -> dict:
        """No counts: there are no devices."""
        return {}

    def _antennas(self, port: int, antennas: int):
        return zmq_antennas(f"tcp://{self.host}:{port}", antennas)


class UsrpRadio:
    """USRPs: device arguments of the terminals and the receiver, between semicolons.

    One that is left out is the only device there is.

    ends  names of those that this process runs; None: all
    """

    KIND, CALLED = "uhd", "USRP"

    def __init__(self, scenario: Scenario, devices: str, ends=None):
        self.scenario, self.blocks = scenario, {}
        self.places = (*topology_of(scenario.system).names[:TERMINALS], "receiver")
        self.devices = self._of_each(f"--radio {self.KIND}:{devices}", devices)
        self.subdevs = self._of_each(f"--subdev {scenario.subdev}", scenario.subdev)
        self.ports = self._of_each(f"--antenna {scenario.antenna}", scenario.antenna)
        self._check_devices(devices, ends or (*scenario.terminals(), "receiver"))

    def _of_each(self, option: str, value: str) -> dict:
        """{end: its part of an option's value}."""
        parts = [part.strip() for part in value.split(";")]
        if len(parts) == 1 and not option.startswith("--radio"):
            return dict.fromkeys(self.places, parts[0])
        if len(parts) > TERMINALS + 1:
            raise SemcomError(f"{option}: {len(parts)} devices, at most {TERMINALS + 1} expected")
        parts += [""] * (TERMINALS + 1 - len(parts))
        terminals = len(self.places) - 1
        return dict(zip(self.places, (*parts[:terminals], parts[-1]), strict=True))

    def _check_devices(self, devices: str, ends) -> None:
        """SemcomError for a device with two ends: each needs its own time and stream."""
        given = {end: set(arguments(self.devices[end]).items()) for end in ends}
        for one, other in itertools.combinations(ends, 2):
            if given[one] <= given[other] or given[other] <= given[one]:
                raise SemcomError(
                    f"--radio {self.KIND}:{devices}: {self.CALLED} '{self.devices[one]}' of {one} "
                    f"and {self.CALLED} '{self.devices[other]}' of {other} may be one device; name "
                    "one for each"
                )

    def transmitter(self, terminal: str):
        """A block that transmits a terminal's samples."""
        return self._transmitter(terminal, self.scenario.frequency)

    def receiver(self, who: str, antennas: int):
        """A block with the antennas of the receiver, or of a terminal with a sidelink."""
        return self._antennas(who, antennas, self.scenario.frequency)

    def return_transmitter(self):
        """A block that transmits the samples of the return link."""
        return self._transmitter("receiver", self.scenario.return_frequency)

    def return_antenna(self, terminal: str):
        """A block with a terminal's antenna for the return link."""
        return self._antennas(terminal, 1, self.scenario.return_frequency)

    def counts(self) -> dict:
        """{end: its device, the errors that it reported, and its gains [dB]}."""
        found = {}
        for who, ends in self.blocks.items():
            found[who] = {"device": self.devices[who], **dict.fromkeys(COUNTED, 0)}
            for way, end in ends:
                found[who][f"{way}_gain_db"] = end.front.gain
                for name, count in end.counts().items():
                    found[who][name] = found[who].get(name, 0) + count
        return found

    def _transmitter(self, who: str, frequency: float):
        s, (make, _) = self.scenario, self.makers()
        more = self._more(who, "tx")
        end = make(self.devices[who], s.sample_rate, frequency, s.tx_gain, **more)
        return self._keep(who, "tx", end)

    def _antennas(self, who: str, antennas: int, frequency: float):
        s, (_, make) = self.scenario, self.makers()
        more = self._more(who, "rx")
        end = make(self.devices[who], antennas, s.sample_rate, frequency, s.rx_gain, **more)
        return self._keep(who, "rx", end)

    def makers(self) -> tuple:
        """(block that transmits, block that receives)."""
        return usrp_transmitter, usrp_antennas

    def _more(self, who: str, way: str) -> dict:
        """More arguments of a block."""
        return {"subdev": self.subdevs[who]} if self.subdevs[who] else {}

    def _keep(self, who: str, way: str, end):
        """Keep an opened end and select its antenna ports, if any are given."""
        ends = self.blocks.setdefault(who, [])
        ends.append((way, end))
        named = [port for port in self.ports[who].split("+") if port]
        if len(ends) == 1 + self._answers(who):
            for port in named:
                self._plug_in(who, port, [each.front for _, each in ends])
        return end

    def _plug_in(self, who: str, port: str, fronts: list) -> None:
        having = [front for front in fronts if front.has(port)]
        if not having:
            known = " or ".join(dict.fromkeys(name for front in fronts for name in front.ports(0)))
            raise SemcomError(
                f"--antenna {self.scenario.antenna}: {fronts[0].words} of {who} has no port "
                f"'{port}' for its channels; {known} expected (one for each device, with ';' "
                "between)"
            )
        for front in having:
            front.plug_in(port)

    def _answers(self, who: str) -> bool:
        """Whether an end both sends and receives."""
        s = self.scenario
        return s.attempts > 1 or who in [listener for _, listener in s.sidelinks()]


class SoapyRadio(UsrpRadio):
    """Devices of SoapySDR, named as USRPs are."""

    KIND, CALLED = "soapy", "SoapySDR"

    def makers(self) -> tuple:
        """The blocks that transmit and receive."""
        return soapy_transmitter, soapy_antennas

    def _more(self, who: str, way: str) -> dict:
        hears = who in [listener for _, listener in self.scenario.sidelinks()]
        timed = {"timed": hears} if way == "rx" else {}
        return super()._more(who, way) | timed | {"duplex": self._answers(who)}


RADIOS = {"zmq": ZmqRadio, "uhd": UsrpRadio, "soapy": SoapyRadio}


def open_radio(scenario: Scenario, ends=None):
    """The radio of a scenario that runs in real time.

    ends  names of those that this process runs; None: all
    """
    kind, _, argument = scenario.radio.partition(":")
    return RADIOS[kind](scenario, argument, ends)
