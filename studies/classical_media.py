# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Make docs/classical-media.md: pictures and sound as received over classical links.

RAW is a folder of recordings and photographs that clips are composed from: the settings of the
adaptive link are chosen on its validation split, its test split is reported.  All points run
through the GNU Radio flowgraph; finished ones are kept in OUT.

    studies classical_media --raw DIR
"""

import argparse
from functools import cached_property
from pathlib import Path

from gnuradio.semcom.base.files import check_writable, make_folder
from gnuradio.semcom.base.options import at_least
from gnuradio.semcom.data import open_set
from gnuradio.semcom.report import plots, tables
from gnuradio.semcom.report.plots import Axes, Line
from gnuradio.semcom.run.scenario import Scenario
from gnuradio.semcom.systems.choice import weights_for

from . import pages, points
from .classical import Held
from .experiment import CHANNELS
from .media_adaptation import Chooser
from .work import Records, complete

SHOWN = ("awgn", "rayleigh")
SNRS = (0.0, 5.0, 8.0, 10.0, 15.0, 20.0)  # [dB]
SECONDS = 10  # of a clip
FIXED = {  # all QPSK, LDPC 3/4 of 1944 bits
    "H.264 + AAC": {"source": "h264+aac", "quality": 50, "size": 144, "picture_rate": 8.0,
                    "bitrate": 16_000},
    "H.265 + Opus": {"source": "h265+opus", "quality": 40, "size": 144, "picture_rate": 4.0,
                     "bitrate": 8_000},
    "AV1 + Opus": {"source": "av1+opus", "quality": 40, "size": 144, "picture_rate": 4.0,
                   "bitrate": 8_000},
    "JPEG + PCM": {"source": "jpeg+pcm", "quality": 30, "size": 96, "picture_rate": 1.0,
                   "bitrate": 16_000},
    "H.265 + Codec 2": {"source": "h265+codec2", "quality": 20, "size": 96, "picture_rate": 4.0,
                        "bitrate": 2_400},
}  # fmt: skip
CHEAPEST, ADAPTIVE = "H.265 + Codec 2", "adaptive"
"""The fixed link with the fewest channel uses, which are the adaptive link's budget."""
QUANTITIES = {  # of the tables, and the plots of those that are true
    "ssim": ("SSIM", ".3f", True), "ms_ssim": ("MS-SSIM", ".3f", False),
    "psnr_db": ("PSNR [dB]", ".1f", False), "lpips": ("LPIPS", ".3f", False),
    "picture_class": ("picture named right", ".2f", True),
    "log_mel_correlation": ("log-mel correlation", ".3f", True),
    "timbre": ("timbre", ".3f", False), "sound_class": ("sound named right", ".2f", True),
    "blocks_lost": ("blocks lost", ".3f", False),
}  # fmt: skip
LOOKS = {label: (number, number % 4) for number, label in enumerate((*FIXED, ADAPTIVE))}


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--raw", type=Path, metavar="DIR", help="folder with manifest.csv (default: drawn clips)")
    add("--val", type=at_least(1), default=5, help="validation clips (default: %(default)s)")
    add("--test", type=at_least(1), default=12, help="test clips (default: %(default)s)")
    add("--out", type=Path, default=Path("runs/classical_media"), metavar="DIR")
    add("--docs", type=Path, default=pages.DOCS, help="folder of the page")


def run(args: argparse.Namespace) -> None:
    check_writable(args.docs / "classical-media.md")
    study = Study(args)
    figure = make_folder(args.docs / "figures") / "classical-media.png"
    plots.draw(figure, study.panels(), columns=2)
    pages.write(args.docs / "classical-media.md", study.page())


class Study:
    """The study's points, each measured when first needed.

    args  options of the study
    """

    def __init__(self, args: argparse.Namespace):
        self.raw, self.counts = str(args.raw or ""), {"val": args.val, "test": args.test}
        self.sets = {split: Held(open_set(args.raw, split, media=True)) for split in self.counts}
        self.kept = points.store(make_folder(args.out))
        self.tried = Records(args.out / "tried.json")

    def point(self, split: str, **more) -> Scenario:
        """A point of the classical link for media on a split, "val" or "test"; more: further fields
        of Scenario."""
        return Scenario(system="digital", task="media", data=self.raw, split=split,
                        frames=self.counts[split], detector="lmmse", **more)  # fmt: skip

    def record(self, point: Scenario) -> dict:
        """The record of a point, run once."""
        clips = self.sets[point.split]
        unit = points.unit(point, clips, weights_for(point, clips))
        return complete(point.split, [unit], self.kept)[0]

    def fixed(self, label: str, channel: str, snr: float) -> dict:
        """Record on the test split of a link of FIXED at an SNR [dB]."""
        return self.record(
            self.point("test", channel=channel, snr=snr, length=1944, **FIXED[label])
        )

    def curve(self, label: str, channel: str) -> list[dict]:
        """Records on the test split over SNR of a curve of LOOKS."""
        if label != ADAPTIVE:
            return [self.fixed(label, channel, snr) for snr in SNRS]
        return [
            self.record(self.point("test", channel=channel, snr=snr, uses=self.uses, **chosen))
            for snr, (_, chosen) in zip(SNRS, self.choices[channel], strict=True)
        ]

    # --- the adaptive link ---

    @cached_property
    def uses(self) -> int:
        """Channel uses per clip of the adaptive link: those of the cheapest fixed one."""
        return round(self.uses_of(CHEAPEST) * SECONDS)

    @cached_property
    def choices(self) -> dict:
        """channel -> (expected W on validation, settings) of each SNR."""
        chooser = Chooser(self.point("val", uses=self.uses), self.sets["val"], self.tried)
        return {c: [chooser.choose(c, snr) for snr in SNRS] for c in SHOWN}

    # --- the page ---

    def panels(self) -> list[Axes]:
        """A panel for each drawn quantity and channel, a curve for each link of LOOKS."""
        return [
            Axes(CHANNELS[channel], plots.SNR_LABEL, label, [
                Line(self.legend(name), list(SNRS), self.estimates(name, channel, key), look)
                for name, look in LOOKS.items()
            ])
            for key, (label, _, drawn) in QUANTITIES.items() if drawn for channel in SHOWN
        ]  # fmt: skip

    def legend(self, name: str) -> str:
        """Label of a link with its channel uses per second."""
        return f"{name}, {self.uses_of(name):,.0f} uses/s"

    def uses_of(self, name: str) -> float:
        """Channel uses per second of a link, pilots included."""
        if name == ADAPTIVE:
            return self.uses / SECONDS
        return self.fixed(name, "awgn", max(SNRS))["channel_uses_per_second"]

    def estimates(self, name: str, channel: str, key: str) -> list[tables.Estimate]:
        """Values over SNR of a quantity of QUANTITIES on a curve of LOOKS."""
        return [tables.estimate([record], key) for record in self.curve(name, channel)]

    def page(self) -> str:
        """docs/classical-media.md."""
        return pages.page(
            "classical-media",
            command=pages.command("classical_media", "--raw <folder>"),
            data=self.sets["test"].name,
            test=str(self.counts["test"]),
            val=str(self.counts["val"]),
            links=self.links(),
            values=self.values(),
            choices=self.choice_tables(),
        )

    def links(self) -> list[str]:
        """Settings and channel uses of each link."""
        rows = []
        for name, s in FIXED.items():
            rows.append([name, f"{s['size']}", f"{s['picture_rate']:g}", f"{s['quality']}",
                         f"{s['bitrate']:,}", f"{self.uses_of(name):,.0f}"])  # fmt: skip
        rows.append([ADAPTIVE, *["as chosen"] * 4, f"{self.uses_of(ADAPTIVE):,.0f}"])
        header = ["link", "height [pixels]", "pictures a second", "quality", "sound [bit/s]",
                  "channel uses a second"]  # fmt: skip
        return tables.markdown(header, rows)

    def values(self) -> list[str]:
        """A table for each channel: all quantities of every link and SNR."""
        lines = []
        for channel in SHOWN:
            rows = []
            for name in LOOKS:
                for snr, record in zip(SNRS, self.curve(name, channel), strict=True):
                    told = [
                        tables.estimate([record], key).text(form)
                        for key, (_, form, _) in QUANTITIES.items()
                    ]
                    rows.append([name, f"{snr:g}", *told])
            header = ["link", "SNR [dB]", *(label for label, _, _ in QUANTITIES.values())]
            lines += [f"**{CHANNELS[channel]}**", "", *tables.markdown(header, rows), ""]
        return lines

    def choice_tables(self) -> list[str]:
        """Settings chosen for the adaptive link, for each channel and SNR."""
        rows = []
        for channel in SHOWN:
            for snr, (worth, s) in zip(SNRS, self.choices[channel], strict=True):
                repeated = f", {s['repetition']} times" if s["repetition"] > 1 else ""
                carrier = f"{s['modulation']} {s['code']}{repeated}"
                rows.append([CHANNELS[channel], f"{snr:g}", s["source"], f"{s['size']}",
                             f"{s['picture_rate']:g}", carrier, f"{worth:.3f}"])  # fmt: skip
        header = ["channel", "SNR [dB]", "codecs", "height [pixels]", "pictures a second",
                  "carrier", "W on validation"]  # fmt: skip
        return tables.markdown(header, rows)
