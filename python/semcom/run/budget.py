# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Chooses the weights and settings of a point within its budget of channel uses.

All channel uses of a clip count: payload and pilots of the uplink, sidelinks, overhead of bursts,
and, with retransmissions, all attempts with their answers.
"""

from __future__ import annotations

import dataclasses

from ..base.errors import SemcomError
from ..blocks.return_link import answer_symbols
from ..data.films import Films
from ..perception.windows import LENGTH
from ..systems.choice import weights_for
from ..systems.loading import joined, shared_system
from ..systems.registry import settings_of
from .channel_uses import burst_plan, frame_uses
from .scenario import Scenario

LOOKED_AT = 1000  # clips of a set whose lengths are checked


def model_for(point: Scenario, clips) -> str:
    """Weights and settings of a point within ``--uses``, as one text (see systems.loading).

    SemcomError with the needed number for a system that needs more.
    """
    weights, settings = weights_for(point, clips), settings_of(point)
    if not point.uses:
        return joined(weights, settings)
    if hasattr(settings, "payload"):
        net = shared_system(point.system, joined(weights, settings), point.device)
        settings = dataclasses.replace(settings, payload=payload_within(point, net.topology))
        return joined(weights, settings)
    model = joined(weights, settings)
    check_uses(point, shared_system(point.system, model, point.device), clips)
    return model


def most_uses(point: Scenario, topology, payload: int) -> int:
    """The most channel uses of a clip with ``payload`` payload symbols."""
    once = sum(frame_uses(point, topology, payload).values())
    if point.attempts == 1:
        return once
    plan = burst_plan(point) if point.radio else None
    back = plan.answer_length() if plan else answer_symbols(point.pilot_length, point.pilot_spacing)
    return point.attempts * (once + back)


def payload_within(point: Scenario, topology) -> int:
    """The most payload symbols of a clip whose uses are at most ``--uses``."""
    low, high = 0, point.uses
    while low < high:
        middle = (low + high + 1) // 2
        fits = most_uses(point, topology, middle) <= point.uses
        low, high = (middle, high) if fits else (low, middle - 1)
    if not low:
        raise SemcomError(
            f"--uses {point.uses}: {most_uses(point, topology, 1) - 1} are needed without any "
            "payload; give more"
        )
    return low


def check_uses(point: Scenario, net, clips) -> None:
    """SemcomError if the longest clip of a set (of films: a window) needs more than ``--uses``."""
    longest = max(_payloads(point, net, clips))
    needed = most_uses(point, net.topology, longest)
    if needed > point.uses:
        raise SemcomError(
            f"--uses {point.uses}: {point.system} needs {needed} for a clip, {longest} of them "
            "payload; give as many, or --symbols or a shorter --pilot-length"
        )


def _payloads(point: Scenario, net, clips) -> list[int]:
    """Payload [symbols] of the longest terminal for each of the first clips of a set."""
    if isinstance(clips, Films):
        return [max(net.payload(name, LENGTH) for name in net.topology.names)]
    count = min(point.frames or len(clips), len(clips), LOOKED_AT) if net.ragged else 1
    return [
        max(net.payload_of(place.name, getattr(clips, place.takes)(i)) for place in net.topology)
        for i in range(count)
    ]
