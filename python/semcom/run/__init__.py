# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Runs of the link in GNU Radio: scenarios, flowgraphs, radios, records."""
