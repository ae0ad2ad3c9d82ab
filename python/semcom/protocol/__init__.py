# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The protocol of the radio link: bursts, schedules, retransmission, recordings; without GNU
Radio."""
