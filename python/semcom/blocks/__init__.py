# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""GNU Radio blocks in Python: thin shells over ``nets``, ``phy`` and ``data``."""

from .clip_source import clip_source
from .event_sink import event_sink
from .hier import (
    audio_terminal,
    ave_receiver,
    simulated_channel,
    video_terminal,
)
from .link_meter import link_meter
from .media_source import media_source, sound_features
from .mock_radio import mock_feedback, mock_radio, mock_uplink
from .pdu_to_frames import pdu_to_frames
from .radio_ends import (
    or_exit,
    usrp_antennas,
    usrp_transmitter,
    zmq_antennas,
    zmq_transmitter,
)
from .radio_hier import radio_audio_terminal, radio_receiver, radio_video_terminal
from .semantic_decoder import semantic_decoder
from .semantic_encoders import audio_semantic_encoder, video_semantic_encoder
from .sigmf import sigmf_sink, sigmf_source

__all__ = [
    "audio_semantic_encoder",
    "audio_terminal",
    "ave_receiver",
    "clip_source",
    "event_sink",
    "link_meter",
    "media_source",
    "mock_feedback",
    "mock_radio",
    "mock_uplink",
    "or_exit",
    "pdu_to_frames",
    "radio_audio_terminal",
    "radio_receiver",
    "radio_video_terminal",
    "semantic_decoder",
    "sigmf_sink",
    "sigmf_source",
    "simulated_channel",
    "sound_features",
    "video_semantic_encoder",
    "usrp_antennas",
    "usrp_transmitter",
    "video_terminal",
    "zmq_antennas",
    "zmq_transmitter",
]
