#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
# Compare our estimators and detectors with Sionna's.  Sionna needs numpy 2, so it lives in an
# environment of its own; the two sides meet in a file.
set -eu
theirs=build/crosscheck
if [ ! -e $theirs/.installed ]; then
    echo "installing Sionna into $theirs"
    /usr/bin/python3 -m venv $theirs
    tools/install_torch.sh $theirs/bin/python
    $theirs/bin/python -m pip install --quiet --disable-pip-version-check 'sionna-no-rt==2.2.0'
    touch $theirs/.installed
fi
.venv/bin/python tools/crosscheck_ours.py build/crosscheck.npz
$theirs/bin/python tools/crosscheck_sionna.py build/crosscheck.npz
