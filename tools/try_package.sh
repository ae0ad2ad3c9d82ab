#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
# On a bare Debian 13, as root: install the package that lies here, use it, remove it, look what is left.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive

apt-get update -qq
find / -xdev ! -path '/proc/*' ! -path '/var/*' ! -path '/tmp/*' 2>/dev/null | sort > /var/tmp/before
apt-get install -y -qq ./gr-semcom_*.deb xvfb xauth > /var/tmp/apt.log 2>&1 || { tail /var/tmp/apt.log; exit 1; }
dpkg-query -W gr-semcom gnuradio python3-torch

echo "-- a plain python3"
cd /var/tmp
python3 -c "
from gnuradio import semcom
from gnuradio.semcom import blocks
print(semcom.__file__, len(blocks.__all__), 'Python blocks,', semcom.mimo_detector_cc)"

echo "-- Companion finds the blocks: a flowgraph of theirs becomes a program, which runs"
mkdir -p /var/tmp/home
export HOME=/var/tmp/home
grcc -o /var/tmp /usr/share/doc/gr-semcom/examples/simulated_link.grc
timeout 600 python3 /var/tmp/simulated_link.py | tail -3
unset HOME

echo "-- its window"
HOME=/var/tmp/home timeout 90 xvfb-run -a python3 - <<'X'
import gi
gi.require_version("Gtk", "3.0")
from gnuradio import gr
from gnuradio.grc.gui.Platform import Platform
platform = Platform(version=gr.version(), version_parts=(3, 10, 12), prefs=gr.prefs(), install_prefix="/usr")
platform.build_library()
print(sum(name.startswith("semcom_") for name in platform.blocks), "blocks of gr-semcom in Companion's list")
X

echo "-- the programs, on shipped models"
semcom-run-link --snr 10 --frames 100 --json /var/tmp/link.json
semcom-run-link --system deepsc --antennas 1 --snr 10 --frames 20
semcom-make-media --out /var/tmp/media --seed 62
semcom-run-link --media /var/tmp/media/clip00.mp4 --snr 10
semcom-run-link --radio mock:bench --frames 1 --record /var/tmp/iq || echo "(as it should: sigmf lacks)"

echo "-- removed; in /tmp lies what GNU Radio kept for want of a HOME"
apt-get purge -y -qq gr-semcom > /dev/null
left=$(find / -xdev -iname '*semcom*' ! -path '/proc/*' ! -path '/var/tmp/*' ! -path '/gr-semcom_*' ! -path '/tmp/gr-semcom-*' || true)
left+=$(find /usr/lib/python3/dist-packages/gnuradio/semcom 2> /dev/null || true)
[ -z "$left" ] || { echo "left behind: $left"; exit 1; }
echo "nothing of gr-semcom is left"
