# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The radios that ``--radio`` names, for those who connect their ports."""

from ..base.errors import SemcomError
from ..blocks.radio_ends import (
    usrp_antennas,
    usrp_transmitter,
    zmq_antennas,
    zmq_transmitter,
)
from .scenario import Scenario

TERMINALS = ("audio", "video")
ZMQ_TRANSMITTERS = dict(zip(TERMINALS, (5551, 5552), strict=True))  # ports, as of mock_radio.py
ZMQ_RECEIVERS = {"receiver": 5561, "video": 5562}


class ZmqRadio:
    """A mock radio on a host, behind its ZeroMQ sockets (apps/mock_radio.py)."""

    def __init__(self, scenario: Scenario, host: str):
        self.host = host or "127.0.0.1"

    def transmitter(self, terminal: str):
        """Takes a terminal's samples."""
        return zmq_transmitter(f"tcp://*:{ZMQ_TRANSMITTERS[terminal]}")

    def receiver(self, who: str, antennas: int):
        """Gives the samples of the antennas of the video terminal or the receiver."""
        return zmq_antennas(f"tcp://{self.host}:{ZMQ_RECEIVERS[who]}", antennas)


class UsrpRadio:
    """USRPs: device arguments of audio terminal, video terminal and receiver, between semicolons.

    One that is left out is the only device there is.
    """

    def __init__(self, scenario: Scenario, devices: str):
        names = [name.strip() for name in devices.split(";")]
        if len(names) > 3:
            raise SemcomError(f"--radio uhd:{devices}: {len(names)} devices, at most 3 expected")
        names += [""] * (3 - len(names))
        self.devices = dict(zip((*TERMINALS, "receiver"), names, strict=True))
        self.scenario = scenario

    def transmitter(self, terminal: str):
        """Takes a terminal's samples."""
        s = self.scenario
        return usrp_transmitter(self.devices[terminal], s.sample_rate, s.frequency, s.tx_gain)

    def receiver(self, who: str, antennas: int):
        """Gives the samples of the antennas of the video terminal or the receiver."""
        s = self.scenario
        return usrp_antennas(self.devices[who], antennas, s.sample_rate, s.frequency, s.rx_gain)


RADIOS = {"zmq": ZmqRadio, "uhd": UsrpRadio}


def open_radio(scenario: Scenario):
    """The radio of a scenario that goes by its clock."""
    kind, _, argument = scenario.radio.partition(":")
    return RADIOS[kind](scenario, argument)
