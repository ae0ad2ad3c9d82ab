# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The table of an adaptive link: the settings tried on validation, and the ones chosen."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from gnuradio.semcom.base.files import replacing
from gnuradio.semcom.media.codecs.sounds import bitrates
from gnuradio.semcom.run.budget import payload_within
from gnuradio.semcom.run.runner import run_point
from gnuradio.semcom.run.scenario import Scenario, settings
from gnuradio.semcom.systems.registry import topology_of

from . import adaptation, pages
from .adaptation import CARRIERS, Carrier, carriers, settings_of
from .experiment import CHANNELS
from .work import Records, complete, recorded

SNRS = tuple(float(snr) for snr in range(-10, 31, 5))  # [dB]
USES = 1344  # channel uses of a clip with pilot_ave_plus, sidelink and pilots included
MOST = {"quality": 100}  # the budget lowers it
SOUNDS = tuple(
    {"source": codec, "bitrate": max(bitrates(codec))} for codec in ("codec2", "opus", "aac")
)
MOST_CUT = 0.2  # share of the units; codings that lose more are not tried with fewer bits


def shown_by(codecs, sizes, rates) -> tuple[dict, ...]:
    """Every combination of codec, size and picture rate, as options."""
    return tuple(
        {"source": codec, "size": size, "picture_rate": rate}
        for codec in codecs for size in sizes for rate in rates
    )  # fmt: skip


@dataclass(frozen=True)
class Budget:
    """Channel uses of a clip, and the settings that are tried for them.

    carriers  places in adaptation.CARRIERS; () for all
    """

    uses: int
    pictures: tuple
    channels: tuple = tuple(CHANNELS)
    snrs: tuple = SNRS
    carriers: tuple = ()


BUDGETS = (
    Budget(USES, shown_by(("h265", "av1"), (48, 64, 96), (0.1, 0.5, 1.0))
           + shown_by(("jpeg", "webp"), (64,), (0.1,))),
    *(Budget(uses, shown_by(("h265", "av1"), (96,), (0.5, 1.0)), ("rayleigh",),
             (0.0, 5.0, 10.0), (2, 4, 6, 7)) for uses in (5376, 21504)),
)  # fmt: skip


def adapt(budget: Budget, base: Scenario, val, kept: Records) -> None:
    """Choose the best settings for each channel and SNR on validation, and write the table."""
    payload = payload_within(base, topology_of("digital"))
    found = {}  # carrier -> {"full" | "video_only" | "audio_only": (accuracy, coding)}
    codings = {"video_only": budget.pictures, "audio_only": SOUNDS}
    parts = [CARRIERS[place] for place in budget.carriers or range(len(CARRIERS))]
    for carrier in reversed(carriers(payload, parts)):
        found[carrier] = {}
        for variant, ways in codings.items():
            tried = measured(base, carrier, variant, ways, val, kept)
            codings[variant] = [way for way, record in tried if record["cut"] <= MOST_CUT]
            found[carrier][variant] = best(tried)
        both = joint(found[carrier])
        tried = measured(base, carrier, "full", both, val, kept)
        found[carrier]["full"] = best(tried)
    chosen = {
        (channel, snr): choose(replace(base, channel=channel, snr=snr), found, payload, val, kept)
        for channel in budget.channels for snr in budget.snrs
    }  # fmt: skip
    write_table("digital", val.name, base.uses, chosen)


def write_table(system: str, data: str, uses: int, chosen: dict, of: str = "") -> None:
    """Write the table of a link: (channel, SNR) -> (settings, expected accuracy).

    of  name of the weights that it is for, if the system has any
    """
    choices = [
        {"channel": channel, "snr": snr, "accuracy": round(accuracy, 4), "settings": settings}
        for (channel, snr), (settings, accuracy) in chosen.items()
    ]
    table = {"system": system, "data": data, "split": "val", "uses": uses, "choices": choices}
    with replacing(table_path(uses, system, of)) as temporary:
        Path(temporary).write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def table_path(uses: int, system: str = "digital", of: str = "") -> Path:
    """Path of a table in models/."""
    name = "-".join(filter(None, (system, of, "adaptive", str(uses))))
    return pages.ROOT / "models" / f"{name}.json"


def joint(of_one: dict) -> list[dict]:
    """The best coding of pictures combined with the best of sound."""
    (_, shown), (_, heard) = (of_one[variant] for variant in ("video_only", "audio_only"))
    if not shown or not heard:
        return []
    return [{**shown, **heard, "source": f"{shown['source']}+{heard['source']}"}]


def measured(base: Scenario, carrier: Carrier, variant: str, ways: list, val, kept) -> list:
    """(source coding, its record without noise) for each of ``ways``."""
    units = []
    for way in ways:
        point = adaptation.clean(base, carrier, MOST | way | {"variant": variant})
        key = json.dumps(["clean", settings(point), val.name, base.frames], sort_keys=True)
        label = f"{way['source']}, {carrier.modulation} {carrier.code}"
        units.append(recorded(key, label, lambda point=point: told(run_point(point, val))))
    return list(zip(ways, complete(f"{base.uses} uses, {variant}", units, kept), strict=True))


def told(record: dict) -> dict:
    """The fields of a record that are kept: "accuracy" and "cut", the share of units that did not
    fit the frame."""
    return {"accuracy": record["accuracy"], "cut": record["units_cut"]}


def best(tried: list) -> tuple:
    """(accuracy, coding) of the most accurate coding that fits; (0, None) if none does."""
    whole = [(record["accuracy"], way) for way, record in tried if record["cut"] <= MOST_CUT]
    return max(whole, key=lambda pair: pair[0], default=(0.0, None))


def choose(point: Scenario, found: dict, payload: int, val, kept: Records) -> tuple[dict, float]:
    """The settings with the highest expected accuracy at a channel and SNR, and that accuracy."""
    nothing = background(val, point.frames)
    expected = []
    for carrier, of in found.items():
        for variant, (accuracy, way) in of.items():
            if way is None:
                continue
            most, streams = carrier.block_code().largest(payload), 1 + (variant == "full")
            shares = arrivals(point, carrier, most, streams, kept)
            if variant == "full":
                alone = [of["audio_only"][0], of["video_only"][0]]
                worth = [nothing, alone[0], alone[1], accuracy]
            else:
                worth = [nothing, accuracy]
            chosen = settings_of(carrier, MOST | way | {"variant": variant})
            expected.append((float(np.dot(shares, worth)), chosen))
    expected.reverse()  # of equal ones the slowest
    accuracy, settings = max(expected, key=lambda pair: pair[0])
    return settings, accuracy


def background(clips, count: int) -> float:
    """Share of background seconds: the accuracy of the constant answer "background"."""
    labels = np.concatenate([clips.labels(i) for i in range(count)])
    return float(np.mean(labels == len(clips.classes) - 1))


def arrivals(point: Scenario, carrier: Carrier, bits: int, streams: int, kept) -> list[float]:
    """Probabilities of :func:`adaptation.arrivals`, measured once."""
    key = json.dumps(
        ["arrivals", point.channel, point.snr, point.csi, point.detector, bits, streams,
         adaptation.FRAMES, *vars(carrier).values()]
    )  # fmt: skip
    unit = recorded(key, f"{point.where()}, {carrier.modulation} {carrier.code}", lambda: {
        "shares": adaptation.arrivals(point, carrier, bits, streams).tolist()
    })  # fmt: skip
    return complete("arrivals", [unit], kept)[0]["shares"]
