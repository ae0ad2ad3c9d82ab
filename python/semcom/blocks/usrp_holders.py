# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Finds the process of this host that uses a USRP."""

import os
import re
from pathlib import Path

BUSY = re.compile(r"claim|in use|busy|locked|already open", re.IGNORECASE)  # UHD's words
CLAIM_S = 5  # [s] for which a network device stays claimed after its program was killed
# USB vendors of USRPs: Ettus Research, National Instruments, none.
VENDORS = (
    "2500",
    "3923",
    "fffe",
)
LONGEST = 60  # most characters of a command in a message
PROC, USB = Path("/proc"), Path("/sys/bus/usb/devices")


def is_busy(reason: str) -> bool:
    """Whether UHD's reason why a device cannot be opened is that another program uses it."""
    return bool(BUSY.search(reason)) or ("No devices found" in reason and bool(usb_holders()))


def told_holders() -> str:
    """The text, after a device's name, that says who uses it and how long to wait."""
    found = usb_holders() or uhd_users()
    here = ", ".join(f"process {pid}, {_command(pid)}" for pid in found)
    who = here or "no process of this user on this host: on another host, or of another user"
    return f"another program holds it ({who}); it is free {CLAIM_S} s after that program ends"


def uhd_users() -> list:
    """Other processes that have loaded libuhd."""

    def uses_uhd(pid: int) -> bool:
        return "libuhd.so" in (PROC / str(pid) / "maps").read_text(errors="replace")

    return _processes(uses_uhd)


def usb_holders() -> list:
    """Other processes that have opened a USRP on USB."""
    nodes = set(map(str, _usb_nodes()))

    def holds(pid: int) -> bool:
        return any(os.readlink(file) in nodes for file in (PROC / str(pid) / "fd").iterdir())

    return _processes(holds) if nodes else []


def _usb_nodes():
    for vendor in USB.glob("*/idVendor"):
        if vendor.read_text().strip() in VENDORS:
            bus, device = (int((vendor.parent / name).read_text()) for name in ("busnum", "devnum"))
            yield Path(f"/dev/bus/usb/{bus:03d}/{device:03d}")


def _processes(holds) -> list:
    """Numbers of the other processes for which ``holds(pid)`` is true; processes that may not be
    inspected are left out."""
    found = []
    for folder in PROC.glob("[0-9]*"):
        try:
            if int(folder.name) != os.getpid() and holds(int(folder.name)):
                found.append(int(folder.name))
        except OSError:
            continue
    return sorted(found)


def _command(pid: int) -> str:
    try:
        words = (PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return "?"
    line = " ".join(word.decode(errors="replace") for word in words).strip()
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."
