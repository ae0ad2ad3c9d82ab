# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Counts the channel uses of a point, by kind."""

from __future__ import annotations

import numpy as np

from ..protocol.burst import BurstFormat
from .scenario import Scenario, burst_format


def channel_uses(point: Scenario, net, flowgraph, unit: str, units: list, heard: float) -> dict:
    """Channel uses per unit of the task (a segment, a word) and how they are spent.

    units  of each frame that was judged; what all terminals send at once is counted once
    heard  [symbols] mean payload of the frames that a radio's receiver heard: what is known of
           frames of varying length where the sender is elsewhere

    payload, pilots  of the uplink;  overhead  preambles, headers, gaps and guards of bursts
    sidelink         all sidelinks, whole
    repeats          attempts after the first, pilots and all;  return  the receiver's answers, both
                     where frames can be asked for again; what other processes sent of them is not
                     known, nor then the sum
    """
    per = f"channel_uses_per_{unit}"
    mean = float(np.mean(units)) if units else 0.0
    if not mean:
        return {per: None, "channel_uses": None, "pilot_overhead": None}
    payload = max(_payload(name, net, flowgraph, mean, heard) for name in net.topology.names)
    uses = frame_uses(point, net.topology, payload) | _repeats(point, flowgraph)
    whole = point.attempts == 1 or "repeats" in uses
    return {
        per: sum(uses.values()) / mean if whole else None,
        "channel_uses": {name: count / mean for name, count in uses.items()},
        "pilot_overhead": uses["pilots"] / (uses["payload"] + uses["pilots"]),
    }


def frame_uses(point: Scenario, topology, payload: float) -> dict:
    """Channel uses of a frame of so many payload symbols, sent once, by kind."""
    return (_burst_uses if point.radio else _uses)(point, topology, payload)


def _payload(name: str, net, flowgraph, units: float, heard: float) -> float:
    """Symbols of a frame of a terminal, the mean over those that it sent where lengths vary."""
    ends = [end for end in flowgraph.ends_of_chain if end.name == name]
    if net.ragged:
        return ends[0].encoder.mean_symbols if ends else heard
    return net.payload(name, int(units))


def _uses(point: Scenario, topology, payload: float) -> dict:
    rows = 1 + (-(-payload // point.pilot_spacing) if point.pilot_spacing else 0)
    pilots = rows * point.pilot_length
    sidelinks = len(topology.sidelinks()) * (payload + pilots)
    return {"payload": payload, "pilots": pilots, "sidelink": sidelinks}


def _repeats(point: Scenario, flowgraph) -> dict:
    """What asking again took, of each frame the mean; {} where other processes did."""
    sender, back = flowgraph.repeater, flowgraph.return_link
    if not (sender and back):
        return {}
    symbols, frames = sender.repeated_symbols, max(1, sender.frames)
    if point.radio and sender.repeats:
        layout = burst_plan(point).layout(1)
        symbols = sender.repeats * layout.total(round(symbols / sender.repeats))
    return {"repeats": symbols / frames, "return": back.symbols / frames}


def burst_plan(point: Scenario) -> BurstFormat:
    """What both ends of a radio agree on."""
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
