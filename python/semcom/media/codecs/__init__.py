# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Classical source codecs of pictures, sound and text, by existing libraries."""
