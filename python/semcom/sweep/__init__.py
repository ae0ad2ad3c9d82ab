# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Points, and parts of points, in many processes and on many hosts, by Dask."""
