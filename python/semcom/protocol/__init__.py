# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What travels on the air: bursts, schedules, recordings; no GNU Radio in it."""
