#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
# Install the Debian packages that the list $1 names in its lines of the kind $2 ("apt") and that are
# missing; say what to install where that cannot be.
set -eu
wanted=$(sed -n "s/^$2 //p" "$1")

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "No apt here: what these Debian packages hold must be installed by other means:" >&2
    echo "$wanted" | sed 's/^/  /' >&2
    exit 0
fi

missing=""
for package in $wanted; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -z "$missing" ] && exit 0

sudo=""
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "As root, run: apt-get install$missing" >&2
        exit 1
    fi
    sudo=sudo
fi
echo "installing Debian packages:$missing"
$sudo apt-get update -qq
# shellcheck disable=SC2086 # one word a package
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
