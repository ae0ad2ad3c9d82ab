# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Parsers that programs.md shows and that a module has no function for."""

from gnuradio.semcom.cli import terminal as terminal_program
from gnuradio.semcom.cli import train


def terminal():
    return terminal_program.make_parser(shared=False)


def train_deepsc():
    return train.make_parser("deepsc")


def train_m3e_vsc():
    return train.make_parser("m3e_vsc")


def train_digital_features():
    return train.make_parser("digital_features")


def train_vscg():
    return train.make_parser("vscg", "sel")
