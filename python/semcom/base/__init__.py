# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What every subpackage uses: errors, files, options of programs, clocks, colours."""
