# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Names of features and recognisers; importing this module does not load Torch."""

FEATURES = ("compact", "vgg")
