# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Networks of M3E-VSC (Chen et al., Generative Multi-Modal Mutual Enhancement Video Semantic
Communications, CMES 2024), a module for each part."""
