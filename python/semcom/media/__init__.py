# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Media files and devices: decoding, encoding, windows of seconds, spectra, drawing; codecs."""
