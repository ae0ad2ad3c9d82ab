# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Counts the channel uses of a point, by kind."""

from __future__ import annotations

from collections import Counter

import numpy as np

from ..protocol.burst import BurstFormat
from .scenario import Scenario, burst_format


def channel_uses(point: Scenario, net, counts: dict, unit: str, units: list, heard: float) -> dict:
    """Channel uses per unit of the task (a segment, a word), by kind.

    counts  counts of the run (run.parts)
    unit    name of the unit
    units   number of units of each judged frame; symbols that all terminals send at once count once
    heard   [symbols] mean payload of the frames that a radio's receiver received, for frames of
            varying length whose sender is in another process

    The kinds are: payload and pilots of the uplink; overhead (preambles, headers, gaps and guards
    of bursts); sidelink (all sidelinks); with retransmissions also repeats (attempts after the
    first, with pilots) and return (the receiver's answers).  Repeats of other processes are unknown
    (None), and then also the sum.
    """
    per = f"channel_uses_per_{unit}"
    mean = float(np.mean(units)) if units else 0.0
    if not mean:
        return {per: None, "channel_uses": None, "pilot_overhead": None}
    payload = max(_payload(name, net, counts, units, heard) for name in net.topology.names)
    uses = frame_uses(point, net.topology, payload) | _repeats(point, counts)
    whole = point.attempts == 1 or "repeats" in uses
    return {
        per: sum(uses.values()) / mean if whole else None,
        "channel_uses": {name: count / mean for name, count in uses.items()},
        "pilot_overhead": uses["pilots"] / (uses["payload"] + uses["pilots"]),
    }


def frame_uses(point: Scenario, topology, payload: float) -> dict:
    """{kind: channel uses} of a frame with ``payload`` payload symbols that is sent once."""
    return (_burst_uses if point.radio else _uses)(point, topology, payload)


def _payload(name: str, net, counts: dict, units: list, heard: float) -> float:
    """Symbols of a terminal's frame, the mean over the frames."""
    if not net.ragged:
        times = Counter(map(int, units))
        return sum(net.payload(name, n) * count for n, count in times.items()) / len(units)
    if f"frames_of_{name}" not in counts:
        return heard
    return counts[f"symbols_of_{name}"] / max(1, counts[f"frames_of_{name}"])


def _uses(point: Scenario, topology, payload: float) -> dict:
    rows = 1 + (-(-payload // point.pilot_spacing) if point.pilot_spacing else 0)
    pilots = rows * point.pilot_length
    sidelinks = len(topology.sidelinks()) * (payload + pilots)
    return {"payload": payload, "pilots": pilots, "sidelink": sidelinks}


def _repeats(point: Scenario, counts: dict) -> dict:
    """{kind: mean channel uses of a frame} of repetitions and answers; {} if other processes sent
    them."""
    if not {"repeats", "return_symbols"} <= set(counts):
        return {}
    symbols, repeats = counts["repeated_symbols"], counts["repeats"]
    if point.radio and repeats:
        symbols = repeats * burst_plan(point).layout(1).total(round(symbols / repeats))
    frames = max(1, counts["frames_repeated_of"])
    return {"repeats": symbols / frames, "return": counts["return_symbols"] / frames}


def burst_plan(point: Scenario) -> BurstFormat:
    """The burst format of a point."""
    return BurstFormat(point.sample_rate, **burst_format(point))


def _burst_uses(point: Scenario, topology, payload: float) -> dict:
    plan, users = burst_plan(point), len(topology)
    layout, payload = plan.layout(users), round(payload)
    bursts = _bursts(payload, point.fragment)
    pilots = sum(map(layout.body_length, bursts)) - payload
    copies = plan.copies * len(topology.sidelinks())
    return {
        "payload": payload,
        "pilots": pilots,
        "overhead": sum(map(layout.total, bursts)) - payload - pilots,
        "sidelink": copies * plan.sidelink_length(payload) // plan.sps,
    }


def _bursts(payload: int, most: int) -> list:
    """Payloads of the bursts of a frame, in fragments of at most ``most`` symbols (0: whole)."""
    if not most or payload <= most:
        return [payload]
    return [most] * (payload // most) + [rest for rest in (payload % most,) if rest]
