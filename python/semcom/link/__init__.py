# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Running the link and reporting on it: scenarios, the flowgraph, metrics, tables and plots."""
