# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The semantic systems by name, which run at the terminals and the receiver."""
