# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Studies: the programs that make the figures, tables and pages of docs/; not installed.

    .venv/bin/python -m studies NAME --help        from the root of the repository

A study is a module with ``add_options(parser)`` and ``run(args)``.  ``work`` does the missing units
of work and keeps their results, ``trainings`` and ``points`` define the units (a checkpoint; a
point of the link), ``pages`` fills a page's template.
"""
