# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What makes the figures, tables and pages of docs/; not installed.

    .venv/bin/python -m studies NAME --help        from the root of the repository

A study is a module that reads as its definition: ``add_options(parser)`` and ``run(args)``.
``work`` does the units of work that are missing and keeps them, ``trainings`` and ``points`` say
what a unit is (a checkpoint; a point of the link), ``pages`` fills a page's template.
"""
