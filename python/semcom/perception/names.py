# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Names of what the room offers, for those who name it and do not use it: no Torch in here."""

FEATURES = ("world", "compact", "vgg")
AUTO = "auto"  # the features that a system's weights take; world where none are known
