# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Names of features and recognisers; importing this module does not load Torch."""

FEATURES = ("world", "compact", "vgg")
AUTO = "auto"  # the features that fit a system's weights; world if they are unknown
