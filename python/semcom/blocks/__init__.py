# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""GNU Radio blocks in Python: thin shells over ``nets``, ``phy`` and ``data``."""

from .clip_source import clip_source
from .digital import digital_receiver, digital_transmitter
from .fragmenter import fragmenter
from .hier import receiver, simulated_channel, terminal
from .link_meter import link_meter
from .media_sink import media_sink
from .media_sound import media_sound
from .media_source import media_source, sound_features
from .mock_radio import mock_radio, mock_sidelink, mock_uplink
from .outcome_sink import outcome_sink
from .pdu_to_frames import pdu_to_frames
from .radio_ends import or_exit, zmq_antennas, zmq_transmitter
from .radio_hier import radio_receiver, radio_terminal
from .repeater import repeater
from .return_bursts import answer_receiver, answer_transmitter
from .return_link import mock_return, return_link
from .semantic_decoder import semantic_decoder
from .semantic_encoder import semantic_encoder
from .sigmf import sigmf_sink, sigmf_source
from .usrp import usrp_antennas, usrp_transmitter

__all__ = [
    "answer_receiver",
    "answer_transmitter",
    "clip_source",
    "digital_receiver",
    "digital_transmitter",
    "fragmenter",
    "link_meter",
    "media_sink",
    "media_sound",
    "media_source",
    "mock_sidelink",
    "mock_radio",
    "mock_return",
    "mock_uplink",
    "or_exit",
    "outcome_sink",
    "pdu_to_frames",
    "radio_receiver",
    "radio_terminal",
    "receiver",
    "repeater",
    "return_link",
    "semantic_decoder",
    "semantic_encoder",
    "sigmf_sink",
    "sigmf_source",
    "simulated_channel",
    "sound_features",
    "terminal",
    "usrp_antennas",
    "usrp_transmitter",
    "zmq_antennas",
    "zmq_transmitter",
]
