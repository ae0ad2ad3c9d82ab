#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""semcom-train, from a checkout: see ``--help``."""

import sys

from gnuradio.semcom.base.programs import start

if __name__ == "__main__":
    sys.exit(start("train"))
