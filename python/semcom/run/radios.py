# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The radios that ``--radio`` names, for those who connect their ports.

Terminals stand in the order of the system's whole topology; at most two have devices.  The return
link has a carrier of its own.
"""

from ..base.errors import SemcomError
from ..blocks.radio_ends import (
    usrp_antennas,
    usrp_transmitter,
    zmq_antennas,
    zmq_transmitter,
)
from ..systems.registry import topology_of
from .scenario import Scenario

TERMINALS = 2  # that can have devices
ZMQ_TRANSMITTERS = (5551, 5552)  # ports of the terminals, as of mock_radio.py
ZMQ_RECEIVER, ZMQ_SIDELINK = 5561, 5562
ZMQ_RETURN = (5553, 5563)  # port of what the receiver sends, and of what the first terminal hears


class ZmqRadio:
    """A mock radio on a host, behind its ZeroMQ sockets (apps/mock_radio.py)."""

    def __init__(self, scenario: Scenario, host: str):
        self.host = host or "127.0.0.1"
        self.places = topology_of(scenario.system)

    def transmitter(self, terminal: str):
        """Takes a terminal's samples."""
        return zmq_transmitter(f"tcp://*:{ZMQ_TRANSMITTERS[self.places.index(terminal)]}")

    def receiver(self, who: str, antennas: int):
        """Gives the antennas of the receiver, or of a terminal that hears another."""
        return self._antennas(ZMQ_RECEIVER if who == "receiver" else ZMQ_SIDELINK, antennas)

    def return_transmitter(self):
        """Takes the samples of the return link."""
        return zmq_transmitter(f"tcp://*:{ZMQ_RETURN[0]}")

    def return_antenna(self, terminal: str):
        """Gives the samples of a terminal's antenna for the return link."""
        return self._antennas(ZMQ_RETURN[1], 1)

    def _antennas(self, port: int, antennas: int):
        return zmq_antennas(f"tcp://{self.host}:{port}", antennas)


class UsrpRadio:
    """USRPs: device arguments of the terminals and the receiver, between semicolons.

    One that is left out is the only device there is.
    """

    def __init__(self, scenario: Scenario, devices: str):
        names = [name.strip() for name in devices.split(";")]
        if len(names) > TERMINALS + 1:
            raise SemcomError(
                f"--radio uhd:{devices}: {len(names)} devices, at most {TERMINALS + 1} expected"
            )
        names += [""] * (TERMINALS + 1 - len(names))
        places = topology_of(scenario.system).names[:TERMINALS]
        self.devices = dict(zip((*places, "receiver"), (*names[: len(places)], names[-1]),
                                strict=True))  # fmt: skip
        self.scenario = scenario

    def transmitter(self, terminal: str):
        """Takes a terminal's samples."""
        return self._transmitter(terminal, self.scenario.frequency)

    def receiver(self, who: str, antennas: int):
        """Gives the antennas of the receiver, or of a terminal that hears another."""
        return self._antennas(who, antennas, self.scenario.frequency)

    def return_transmitter(self):
        """Takes the samples of the return link."""
        return self._transmitter("receiver", self.scenario.return_frequency)

    def return_antenna(self, terminal: str):
        """Gives the samples of a terminal's antenna for the return link."""
        return self._antennas(terminal, 1, self.scenario.return_frequency)

    def _transmitter(self, who: str, frequency: float):
        s = self.scenario
        return usrp_transmitter(self.devices[who], s.sample_rate, frequency, s.tx_gain)

    def _antennas(self, who: str, antennas: int, frequency: float):
        s = self.scenario
        return usrp_antennas(self.devices[who], antennas, s.sample_rate, frequency, s.rx_gain)


RADIOS = {"zmq": ZmqRadio, "uhd": UsrpRadio}


def open_radio(scenario: Scenario):
    """The radio of a scenario that goes by its clock."""
    kind, _, argument = scenario.radio.partition(":")
    return RADIOS[kind](scenario, argument)
