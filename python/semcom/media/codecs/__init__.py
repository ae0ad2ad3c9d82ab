# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Classical source codecs, by the libraries that have them: pictures, sound and text to bytes."""
