# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Make docs/classical.md: the classical links beside the learned ones, in equal channel uses.

RAW is a folder of recordings and photographs that clips are composed from: the settings of the
adaptive link are chosen on its validation split and written into models/; its test split is
reported.  All points run through the GNU Radio flowgraph; finished ones are kept in OUT.

    studies classical --raw DIR
"""

import argparse
from pathlib import Path

import numpy as np
from gnuradio.semcom.base.files import make_folder
from gnuradio.semcom.base.options import at_least
from gnuradio.semcom.data import open_set
from gnuradio.semcom.report import plots, tables
from gnuradio.semcom.report.plots import Axes, Line
from gnuradio.semcom.run.scenario import Scenario, settle
from gnuradio.semcom.systems.adaptive import read_table
from gnuradio.semcom.systems.choice import weights_for

from . import pages, points
from .adaptation_table import BUDGETS, SNRS, USES, adapt, background, table_path
from .experiment import CHANNELS
from .results import margin
from .work import Records, complete

OURS, PUBLISHED = "pilot_ave_plus", "pilot_ave"
FIXED = {"source": "jpeg+pcm", "quality": 50, "bitrate": 64_000, "size": 96}
FIXED_CLIPS = 20  # clips over the fixed link, whose frames are a hundred times as long
CLIFFS = (5.0, 10.0, 20.0, 30.0)  # [dB] whose choices on AWGN are sent at every SNR
USES_SNRS = (0.0, 5.0, 10.0)  # [dB] of accuracy over channel uses
LOOKS = {OURS: (0, 0), PUBLISHED: (1, 1), "adaptive": (2, 2), "JPEG + PCM": (3, 3)}


class Held:
    """Cache of a set's clips, each composed once.

    clips  a set of clips, as of data.open_set
    """

    def __init__(self, clips):
        self._clips, self._kept = clips, {}
        self.name, self.classes, self.ids = clips.name, clips.classes, clips.ids

    def __len__(self) -> int:
        return len(self._clips)

    def _get(self, kind: str, i: int):
        if (kind, i) not in self._kept:
            self._kept[kind, i] = getattr(self._clips, kind)(i)
        return self._kept[kind, i]

    def audio(self, i: int):
        """Audio features of clip ``i``."""
        return self._get("audio", i)

    def visual(self, i: int):
        """Visual features of clip ``i``."""
        return self._get("visual", i)

    def labels(self, i: int):
        """Classes of the seconds of clip ``i``."""
        return self._get("labels", i)

    def media(self, i: int):
        """Pictures and sound of clip ``i``."""
        return self._get("media", i)


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--raw", type=Path, required=True, metavar="DIR", help="folder with manifest.csv")
    add("--val", type=at_least(1), default=30, help="validation clips (default: %(default)s)")
    add("--test", type=at_least(1), default=100, help="test clips (default: %(default)s)")
    add("--out", type=Path, default=Path("runs/classical"), metavar="DIR")
    add("--docs", type=Path, default=pages.DOCS, help="folder of the page")


def run(args: argparse.Namespace) -> None:
    chosen = Records(make_folder(args.out) / "records.json")
    val, study, figures = Held(open_set(args.raw, "val")), Study(args), args.docs / "figures"
    make_folder(figures)
    for budget in BUDGETS:
        adapt(budget, digital(args.raw, args.val, budget.uses), val, chosen)
        if budget.uses == USES:
            plots.draw(figures / "classical-snr.png", study.over_snr(), columns=3)
            plots.draw(figures / "classical-cliff.png", [study.cliff()])
    plots.draw(figures / "classical-uses.png", [study.over_uses()])
    pages.write(args.docs / "classical.md", study.page())


def digital(raw: Path, frames: int, uses: int, **more) -> Scenario:
    """A point of the classical link with ``uses`` channel uses a clip (0: no limit); more: further
    fields of Scenario."""
    return Scenario(
        system="digital", uses=uses, frames=frames, data=str(raw), detector="lmmse", **more
    )


class Study:
    """The study's points on the test split, each measured when first needed.

    args  options of the study
    """

    def __init__(self, args: argparse.Namespace):
        self.raw, self.frames, self.val = args.raw, args.test, args.val
        self.clips = Held(open_set(args.raw, "test"))
        self.kept = points.store(args.out)

    def record(self, point: Scenario) -> dict:
        """The record of a point, run once."""
        point = settle(point)
        unit = points.unit(point, self.clips, weights_for(point, self.clips))
        return complete("test", [unit], self.kept)[0]

    def learned(self, system: str, channel: str, snr: float) -> dict:
        """Record of a learned system, with its weights for features of media, at an SNR [dB]."""
        return self.record(
            Scenario(system=system, data=str(self.raw), frames=self.frames, channel=channel,
                     snr=snr, detector="lmmse", checkpoint="media")
        )  # fmt: skip

    def adaptive(self, channel: str, snr: float, uses: int = USES) -> dict:
        """Record of the adaptive link with ``uses`` channel uses a clip, at an SNR [dB]."""
        table = str(table_path(uses))
        return self.record(
            digital(self.raw, self.frames, uses, channel=channel, snr=snr, adaptive=table)
        )

    def fixed(self, channel: str, snr: float) -> dict:
        """Record of JPEG and PCM at QPSK 3/4 at an SNR [dB], without a limit on the channel
        uses."""
        frames = min(self.frames, FIXED_CLIPS)
        return self.record(
            digital(self.raw, frames, 0, channel=channel, snr=snr, length=1944, **FIXED)
        )

    def curve(self, label: str, channel: str) -> list[dict]:
        """Records over SNR of a curve of LOOKS."""
        measure = {"adaptive": self.adaptive, "JPEG + PCM": self.fixed}
        return [
            measure[label](channel, snr) if label in measure else self.learned(label, channel, snr)
            for snr in SNRS
        ]

    def over_snr(self) -> list[Axes]:
        """Every curve over SNR, a panel for each channel."""
        return [
            Axes(title, plots.SNR_LABEL, "segment accuracy",
                 [line(label, self.curve(label, channel), look) for label, look in LOOKS.items()],
                 levels=[("always background", self.nothing, "grey")])
            for channel, title in CHANNELS.items()
        ]  # fmt: skip

    @property
    def nothing(self) -> float:
        """Accuracy of the constant answer "background"."""
        return background(self.clips, self.frames)

    def cliff(self) -> Axes:
        """Each choice in the table of AWGN sent at every SNR, beside the learned link."""
        lines = [line(OURS, self.curve(OURS, "awgn"), LOOKS[OURS])]
        choices = [
            c for c in read_table(str(table_path(USES)))["choices"] if c["channel"] == "awgn"
        ]
        for number, snr in enumerate(CLIFFS, 2):
            (chosen,) = (c["settings"] for c in choices if c["snr"] == snr)
            records = [
                self.record(digital(self.raw, self.frames, USES, channel="awgn", snr=x, **chosen))
                for x in SNRS
            ]
            label = f"{chosen['source']}, {chosen['modulation']} {chosen['code']}"
            lines.append(line(label, records, (number, number % 4)))
        return Axes("AWGN, fixed rates", plots.SNR_LABEL, "segment accuracy", lines)

    def over_uses(self) -> Axes:
        """Accuracy over the channel uses of a clip: adaptive links and, as one point, the learned
        link, at each of USES_SNRS."""
        lines = []
        for number, snr in enumerate(USES_SNRS):
            records = [self.adaptive("rayleigh", snr, budget.uses) for budget in BUDGETS]
            uses = [budget.uses for budget in BUDGETS]
            estimates = [tables.estimate([record]) for record in records]
            lines.append(Line(f"adaptive, {snr:g} dB", uses, estimates, (number, number)))
            ours = tables.estimate([self.learned(OURS, "rayleigh", snr)])
            lines.append(Line(f"{OURS}, {snr:g} dB", [USES], [ours], (number, number)))
        return Axes("Rayleigh", "channel uses a clip", "segment accuracy", lines, scale="log")

    def page(self) -> str:
        """docs/classical.md."""
        return pages.page(
            "classical",
            command=pages.command("classical", "--raw <folder>"),
            clips=str(self.frames),
            val=str(self.val),
            data=self.clips.name,
            uses=str(USES),
            fixed_clips=str(min(self.frames, FIXED_CLIPS)),
            headline=self.headline(),
            snr=self.snr_tables(),
            choices=self.choices(),
            over_uses=self.uses_table(),
            fixed_uses=f"{self.fixed('awgn', 30.0)['channel_uses_per_segment'] * 10:,.0f}",
        )

    def headline(self) -> list[str]:
        """Lead of the learned link over the adaptive one on the same clips and channels."""
        rows = []
        for channel, title in CHANNELS.items():
            for snr in SNRS:
                ours, other = self.learned(OURS, channel, snr), self.adaptive(channel, snr)
                lead = margin(*(np.array(record["clip_scores"]) for record in (ours, other)))
                accuracies = [f"{record['accuracy']:.3f}" for record in (ours, other)]
                rows.append([title, f"{snr:g}", *accuracies, lead])
        header = ["channel", "SNR [dB]", OURS, "adaptive", "lead, 95 % interval over clips"]
        return tables.markdown(header, rows)

    def snr_tables(self) -> list[str]:
        """A table for each channel: accuracy of every curve of LOOKS over SNR."""
        lines = []
        for channel, title in CHANNELS.items():
            curves = [self.curve(label, channel) for label in LOOKS]
            rows = [
                [f"{snr:g}", *(tables.estimate([curve[i]]).text(".3f") for curve in curves)]
                for i, snr in enumerate(SNRS)
            ]
            lines += [f"**{title}**", "", *tables.markdown(["SNR [dB]", *LOOKS], rows), ""]
        return lines

    def choices(self) -> list[str]:
        """The chosen settings for Rayleigh fading."""
        rows = [
            [f"{c['snr']:g}", c["settings"]["source"], f"{c['settings']['size']}",
             f"{c['settings']['picture_rate']:g}",
             f"{c['settings']['modulation']} {c['settings']['code']}, "
             f"{c['settings']['repetition']} times", f"{c['accuracy']:.3f}"]
            for c in read_table(str(table_path(USES)))["choices"] if c["channel"] == "rayleigh"
        ]  # fmt: skip
        header = ["SNR [dB]", "codec", "height [pixels]", "pictures a second", "carrier",
                  "expected on validation"]  # fmt: skip
        return tables.markdown(header, rows)

    def uses_table(self) -> list[str]:
        """Table: accuracy over Rayleigh fading of adaptive links and of the learned one, at each of
        USES_SNRS."""
        rows = []
        for budget in BUDGETS:
            records = [self.adaptive("rayleigh", snr, budget.uses) for snr in USES_SNRS]
            rows.append([f"adaptive, {budget.uses}",
                         *(tables.estimate([r]).text(".3f") for r in records)])  # fmt: skip
        ours = [self.learned(OURS, "rayleigh", snr) for snr in USES_SNRS]
        rows.append([f"{OURS}, {USES}", *(tables.estimate([r]).text(".3f") for r in ours)])
        return tables.markdown(["link, uses a clip", *(f"{s:g} dB" for s in USES_SNRS)], rows)


def line(label: str, records: list[dict], look: tuple) -> Line:
    """A curve of accuracy over SNRS."""
    estimates = [tables.estimate([record]) for record in records]
    return Line(label, list(SNRS), estimates, look)
