#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
#
# fresh_machine.sh bookworm|trixie [FOLDER]: prove that the two commands work on a bare Debian 12 or 13.
#
# Builds a bare system with debootstrap in FOLDER (by default a temporary one, which goes again), clones
# this checkout's HEAD into it and runs there, without HOME, `make link` and, without a network, `make
# test`; on trixie then `make deb`, and in a second bare system the package: its blocks and programs, and
# that it leaves nothing behind.  Takes an hour and 10 GB; root and debootstrap are needed.  Debian's
# mirror, proxies, the certificates and pip's settings are those of this machine.
set -euo pipefail

system=${1:-}
case $system in bookworm | trixie) ;; *) sed -n 's/^# \(fresh_machine.*\)/\1/p' "$0"; exit 2 ;; esac
here=$(cd "$(dirname "$0")/.." && pwd)

# in a namespace of its own: what is mounted and started ends with this script
if [ -z "${FRESH_MACHINE_ALONE:-}" ]; then
    FRESH_MACHINE_ALONE=yes exec unshare --mount --pid --fork --kill-child nice -n 10 "$0" "$@"
fi
if [ $# -gt 1 ]; then
    mkdir -p "$2"
    work=$(cd "$2" && pwd)
else
    work=$(mktemp -d "${TMPDIR:-/var/tmp}/fresh-$system.XXXXXX")
    trap 'umount -R "$work"/*/{proc,dev/pts,dev/shm} 2>/dev/null; rm -rf --one-file-system "$work"' EXIT
fi

say() { echo; echo "== $(date +%H:%M:%S) $system: $*"; }

# A variable for every system: what pip and TLS are told on this machine, and no HOME.
settings() {
    env | grep -E '^(PIP_|https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY|OPENBLAS_)' || true
    [ ! -e /etc/ssl/certs/ca-certificates.crt ] ||
        printf '%s=/etc/host-certificates.crt\n' PIP_CERT SSL_CERT_FILE REQUESTS_CA_BUNDLE
}

# inside ROOT FOLDER COMMAND [offline]: run a command there; offline with a loopback of its own alone,
# where no port is taken by what else runs on this machine
inside() {
    local variables network=()
    mapfile -t variables < <(settings)
    [ "${4:-}" != offline ] || network=(unshare --net sh -c 'ip link set lo up && exec "$@"' sh)
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "${variables[@]}" \
        "${network[@]}" chroot "$1" bash -c "cd '$2' && $3"
}

# What apt and pip of this machine are told, for the system in $1.
hand_over() {
    local root=$1 mirror security folder
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(SUITE)' 'Created-By: Packages' |
        awk '$2 !~ /security/ { print $1; exit }')
    security=$(apt-get indextargets --format '$(REPO_URI) $(SUITE)' 'Created-By: Packages' |
        awk '$2 ~ /security/ { print $1; exit }')
    {
        echo "deb $mirror $system main"
        echo "deb $mirror $system-updates main"
        [ -z "$security" ] || echo "deb $security $system-security main"
    } > "$root/etc/apt/sources.list"
    apt-config dump Acquire | grep -E '^Acquire::(http|https|Check|Retries)' \
        > "$root/etc/apt/apt.conf.d/99host" || true
    echo force-unsafe-io > "$root/etc/dpkg/dpkg.cfg.d/fast"
    [ ! -e /etc/ssl/certs/ca-certificates.crt ] ||
        cp /etc/ssl/certs/ca-certificates.crt "$root/etc/host-certificates.crt"
    for folder in /etc/pip.conf /etc/xdg/pip $(pip_folders); do
        [ ! -e "$folder" ] || bind "$folder" "$root$folder"
    done
    mount -t proc proc "$root/proc"
    mount -t devpts devpts "$root/dev/pts"
    mkdir -p "$root/dev/shm" && mount -t tmpfs tmpfs "$root/dev/shm"
}

# The folders of this machine that pip's settings name: wheels, an index in files.
pip_folders() {
    python3 -m pip config list 2>/dev/null |
        grep -oE "(find-links|index-url)='[^']*'" | grep -oE "/[^ ']+" | sed 's,^//*,/,' | sort -u
}

bind() {
    if [ -d "$1" ]; then mkdir -p "$2"; else mkdir -p "$(dirname "$2")" && touch "$2"; fi
    mount --bind -o ro "$1" "$2"
}

say "a bare system"
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -1)
mkdir -p "$work/bare"
[ -e "$work/bare/etc/debian_version" ] ||
    debootstrap --variant=minbase "$system" "$work/bare" "$mirror" > "$work/debootstrap.log"
cat "$work/bare/etc/debian_version"

say "the checkout, and what fetches it: make, git"
rm -rf --one-file-system "$work/build" && cp -a "$work/bare" "$work/build"
hand_over "$work/build"
inside "$work/build" / "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
    --no-install-recommends make git > /dev/null"
git clone -q --no-hardlinks "$here" "$work/build/gr-semcom"
git -C "$work/build/gr-semcom" log -1 --format='%h %s'

say "make link"
time inside "$work/build" /gr-semcom "make link"
say "what pip brought"
inside "$work/build" /gr-semcom ".venv/bin/python -m pip list --local && du -sh .venv"

say "make test"
time inside "$work/build" /gr-semcom "make test" offline

if [ "$system" = trixie ]; then
    say "make deb"
    time inside "$work/build" /gr-semcom "make deb"

    say "the package on a bare system"
    rm -rf --one-file-system "$work/user" && cp -a "$work/bare" "$work/user"
    hand_over "$work/user"
    cp "$work"/build/gr-semcom/gr-semcom_*.deb "$here/tools/try_package.sh" "$work/user/"
    time inside "$work/user" / "./try_package.sh"
fi
say "all passed"
