# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Choose the settings of a classical link that show media best at each SNR on validation.

Without noise, the value of a source coding on each carrier is the quality of clips within the
budget: SSIM of pictures (every eighth is compared), log-mel correlation of sound.  With noise, the
probability p of a stream arriving without error is measured on frames of random bits
(:mod:`.adaptation`).  The expected value,

    W = p(video) SSIM + (1 - p(video)) SSIM(mid-grey) + p(audio) correlation,

is highest for the chosen one: silence has no correlation.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import torch
from gnuradio.semcom.media.clip import Media
from gnuradio.semcom.media.codecs.sounds import bitrates
from gnuradio.semcom.media.store import STORE, handle_items
from gnuradio.semcom.run.budget import payload_within
from gnuradio.semcom.run.scenario import Scenario
from gnuradio.semcom.systems.digital import Digital
from gnuradio.semcom.systems.registry import settings_of, topology_of
from gnuradio.semcom.tasks.media import PLACE, MediaTask

from .adaptation import CARRIERS, Carrier, carriers
from .adaptation_table import MOST, MOST_CUT, arrivals, shown_by
from .work import Records, complete, recorded

WAYS = {  # source codings that are tried, by terminal
    "video": shown_by(("h265", "av1"), (64, 96, 144), (1.0, 4.0)),
    "audio": tuple({"source": codec, "bitrate": max(bitrates(codec))}
                   for codec in ("codec2", "opus", "aac")),
}  # fmt: skip
FIGURES = {"video": ("ssim", "pictures"), "audio": ("log_mel_correlation", "sounds")}
EVERY = 8  # every 8th picture is compared
NOISE = 1e-6  # noise variance of a link without noise
TASK = MediaTask(STORE, distance=None)
RARE = 0.01  # share of frames below which carriers of more bits are not tried


class Chooser:
    """Choice of settings for points of one budget.

    base  a point of validation with its ``uses``;  clips  its set;  kept  finished measurements
    """

    def __init__(self, base: Scenario, clips, kept: Records):
        self.base, self.clips, self.kept = base, clips, kept
        self.payload = payload_within(base, topology_of("digital"))
        self.grey = self._mean("video", [None] * base.frames)
        self.found = self._found()

    def choose(self, channel: str, snr: float) -> tuple[float, dict]:
        """(expected value W, settings) for a channel and SNR."""
        point, best = replace(self.base, channel=channel, snr=snr), (0.0, {})
        for carrier, of in self.found.items():
            bits = carrier.block_code().largest(self.payload)
            shares = arrivals(point, carrier, bits, 2, self.kept)
            audio, video = shares[1] + shares[3], shares[2] + shares[3]
            (shown, pictures), (heard, sound) = of["video"], of["audio"]
            worth = video * shown + (1 - video) * self.grey + audio * heard
            source = f"{pictures['source']}+{sound['source']}"
            settings = asdict(carrier) | MOST | pictures | sound | {"source": source}
            best = max(best, (worth, settings), key=lambda pair: pair[0])
            if max(audio, video) < RARE:
                break
        return best

    def _found(self) -> dict:
        """carrier -> terminal -> (value, coding) of the best coding; carriers of few bits first."""
        found, ways = {}, dict(WAYS)
        for carrier in reversed(carriers(self.payload, CARRIERS)):
            best = {}
            for terminal in ways:
                tried = [(self._worth(carrier, terminal, way), way) for way in ways[terminal]]
                tried = [
                    (record["worth"], way) for record, way in tried if record["cut"] <= MOST_CUT
                ]
                ways[terminal] = [way for _, way in tried]  # with fewer bits the others cut more
                best[terminal] = max(tried, key=lambda pair: pair[0], default=None)
            if all(best.values()):
                found[carrier] = best
        return dict(reversed(found.items()))

    def _worth(self, carrier: Carrier, terminal: str, way: dict) -> dict:
        """Value of a source coding without noise, and the share of units that do not fit."""
        key = json.dumps([self.clips.name, self.base.frames, self.payload, terminal, way,
                          *vars(carrier).values()])  # fmt: skip
        label = f"{way['source']}, {carrier.modulation} {carrier.code}"
        unit = recorded(key, label, lambda: self._measured(carrier, terminal, way))
        return complete("without noise", [unit], self.kept)[0]

    def _measured(self, carrier: Carrier, terminal: str, way: dict) -> dict:
        point = replace(self.base, variant=f"{terminal}_only", **asdict(carrier) | MOST | way)
        net = Digital(settings_of(point, payload=self.payload))
        shown = [sent(net, terminal, self.clips.media(i)) for i in range(point.frames)]
        return {"worth": self._mean(terminal, shown), "cut": net.figures(net.counts())["units_cut"]}

    def _mean(self, terminal: str, shown: list) -> float:
        """Mean quality of a terminal's media over the clips; ``None`` in ``shown``: nothing
        received."""
        truths = (thinned(self.clips.media(i)) for i in range(len(shown)))
        scores = [TASK.score(*pair) for pair in zip(truths, shown, strict=True)]
        total, count = (np.sum(scores, 0)[PLACE[name]] for name in FIGURES[terminal])
        return float(total / count)


def sent(net: Digital, terminal: str, media: Media) -> Media:
    """The receiver's pictures or sound of a clip received without error."""
    items = handle_items(STORE.keep(media), media.seconds)
    symbols = net.send(terminal, [items], {})[0][None]
    (said,) = net.outcome([symbols], [torch.full(symbols.shape, NOISE)])
    return thinned(TASK.outcome(said.numpy()))


def thinned(media: Media) -> Media:
    """Every EVERY-th picture, without the class, so that no judge is run."""
    return Media(media.pictures[::EVERY], media.sound)
