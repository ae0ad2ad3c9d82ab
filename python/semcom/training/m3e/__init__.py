# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Parts of the training of ``m3e_vsc`` (``recipes.m3e``)."""
