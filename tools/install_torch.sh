#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
# install_torch.sh PYTHON [REQUIREMENT ...]: install the named build of Torch, by default the CPU
# build where the package index has one, else the index's own build (which runs on the CPU too).
set -eu
python=$1
shift
pip="$python -m pip install --quiet --disable-pip-version-check"
version=2.13.0
if [ $# -gt 0 ]; then
    $pip "$@"
elif ! $pip "torch==$version+cpu" 2>/dev/null; then
    echo "no CPU build of torch on this package index; installing its default build"
    $pip "torch==$version"
fi
