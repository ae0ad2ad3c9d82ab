# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Make docs/classical-features.md: quantised features over LDPC and QAM beside analogue symbols,
and a bound on both.

DATA are folders in the AVE layout for which `digital_features` ships weights (ave28; composed clips
with the features of media, as tools/compose.py writes them).  At each SNR
the adaptive link uses the number of bits, modulation and code with the highest expected accuracy,
from the measured frame error rate and the accuracy by number of bits on validation, which the
weights' header holds.  The test split is reported, through the GNU Radio flowgraph.

    studies classical_features --data DIR [DIR ...]
"""

import argparse
from pathlib import Path

import numpy as np
from gnuradio.semcom.base.files import make_folder
from gnuradio.semcom.data import open_set
from gnuradio.semcom.evaluation.bound import accuracy_bound
from gnuradio.semcom.report import plots, tables
from gnuradio.semcom.report.plots import Axes, Line
from gnuradio.semcom.run.budget import payload_within
from gnuradio.semcom.run.scenario import Scenario
from gnuradio.semcom.systems.choice import weights_for
from gnuradio.semcom.systems.registry import topology_of
from gnuradio.semcom.weights.store import read_header

from . import pages, points
from .adaptation import CARRIERS, Carrier
from .adaptation_table import SNRS, USES, arrivals, write_table
from .experiment import CHANNELS
from .results import margin
from .work import Records, complete

OURS, RIVAL = "pilot_ave_plus", "digital_features"
SLOW = ("bpsk", "qpsk", "16qam")  # constellations tried for few bits
LOOKS = {OURS: (0, 0), RIVAL: (2, 2), "bound, fade unknown": (1, 3), "bound, fade known": (3, 3)}
WITHIN = 0.02  # of the bound
COMPARED = (-5.0, 0.0, 5.0, 10.0)  # [dB]


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--data", type=Path, nargs="+", required=True, metavar="DIR", help="AVE-layout folders")
    add("--frames", type=int, default=0, help="clips per point; 0: the split once")
    add("--out", type=Path, default=Path("runs/classical_features"), metavar="DIR")
    add("--docs", type=Path, default=pages.DOCS, help="folder of the page")


def run(args: argparse.Namespace) -> None:
    studies = [Study(data, args.frames, args.out) for data in args.data]
    panels = [panel for study in studies for panel in study.panels()]
    plots.draw(make_folder(args.docs / "figures") / "classical-features.png", panels, columns=3)
    text = pages.page(
        "classical-features",
        command=pages.command("classical_features", "--data <folders of the sets>"),
        uses=str(USES),
        payload=str(studies[0].payload),
        sections=[line for study in studies for line in study.section()],
    )
    pages.write(args.docs / "classical-features.md", text)


class Study:
    """The study's points on one set, each measured when first needed.

    data    folder in the AVE layout
    frames  clips per point; 0: the test split once
    out     folder in which finished points are kept

    It writes the table of the adaptive link, the choices for every channel and SNR, into models/.
    """

    def __init__(self, data: Path, frames: int, out: Path):
        self.data, self.frames = data, frames
        self.clips = open_set(data, "test")
        self.kept = points.store(make_folder(out))
        self.found = Records(out / "arrivals.json")
        header = read_header(weights_for(self.point(RIVAL), self.clips))
        self.worth = header["rate_accuracy"]
        self.payload = payload_within(self.point(RIVAL, uses=USES), topology_of(RIVAL))
        self.chosen = {
            (channel, snr): self.choose(channel, snr) for channel in CHANNELS for snr in SNRS
        }
        write_table(RIVAL, self.clips.name, USES, self.chosen, of=header["data"])

    def point(self, system: str, **more) -> Scenario:
        """A point of a system on the test split, with LMMSE; more: further fields of Scenario."""
        return Scenario(
            system=system, data=str(self.data), frames=self.frames, detector="lmmse", **more
        )

    def record(self, point: Scenario) -> dict:
        """The record of a point, run once."""
        unit = points.unit(point, self.clips, weights_for(point, self.clips))
        return complete("test", [unit], self.kept)[0]

    def choose(self, channel: str, snr: float) -> tuple[dict, float]:
        """The settings with the highest expected accuracy, and that accuracy."""
        at = self.point(RIVAL, channel=channel, snr=snr)
        expected = []
        for row in self.worth:
            for carrier in slowest(row["bits"], self.payload):
                shares = arrivals(at, carrier, row["bits"], 2, self.found)
                worth = [row[kind] for kind in ("none", "audio", "video", "both")]
                chosen = vars(carrier) | {"bits": row["bits"]}
                expected.append((float(np.dot(shares, worth)), chosen))
        accuracy, settings = max(expected, key=lambda pair: pair[0])
        return settings, accuracy

    def rival(self, channel: str, snr: float) -> dict:
        """Record of the adaptive link at an SNR [dB]."""
        settings, _ = self.chosen[channel, snr]
        return self.record(self.point(RIVAL, channel=channel, snr=snr, uses=USES, **settings))

    def ours(self, channel: str, snr: float) -> dict:
        """Record of the learned link at an SNR [dB]."""
        return self.record(self.point(OURS, channel=channel, snr=snr))

    def bound(self, channel: str, adapted: bool) -> np.ndarray:
        """Upper bound of the accuracy over SNRS for any channel code, at the measured rates."""
        return accuracy_bound(self.payload, np.array(SNRS), channel, self.worth, adapted=adapted)

    def panels(self) -> list[Axes]:
        """A panel for each channel: accuracy of both links and the bounds, over SNR."""
        found = []
        for channel, title in CHANNELS.items():
            lines = [
                Line(label, list(SNRS), [tables.estimate([measure(channel, s)]) for s in SNRS],
                     LOOKS[label])
                for label, measure in ((OURS, self.ours), (RIVAL, self.rival))
            ]  # fmt: skip
            for label, adapted in (("bound, fade unknown", False), ("bound, fade known", True)):
                if channel == "awgn" and adapted:
                    continue
                heights = [tables.Estimate(float(a)) for a in self.bound(channel, adapted)]
                lines.append(Line(label, list(SNRS), heights, LOOKS[label]))
            title = f"{title}: {self.clips.name}"
            found.append(Axes(title, plots.SNR_LABEL, "segment accuracy", lines))
        return found

    def section(self) -> list[str]:
        """The set's part of docs/classical-features.md."""
        clips = f"{self.frames or len(self.clips)} clips of the test split a point."
        return [
            f"## {self.clips.name}", "", clips, "", *self.headline(), "", *self.table(), "",
            "What bits are worth on the validation split, without errors, with one terminal "
            "alone, and with none:", "", *self.worth_table(), "",
            "What was chosen for Rayleigh fading:", "", *self.choices(), "",
        ]  # fmt: skip

    def headline(self) -> list[str]:
        """Distance of the learned link from the bound at the SNRs COMPARED."""
        lines = []
        for channel, title in CHANNELS.items():
            bounds = dict(zip(SNRS, self.bound(channel, False), strict=True))
            gaps = {s: self.ours(channel, s)["accuracy"] - bounds[s] for s in COMPARED}
            worst = min(gaps, key=gaps.get)
            verdict = "within it everywhere" if gaps[worst] >= -WITHIN else "not everywhere"
            lines.append(
                f"- {title}: against the bound without CSI at the sender, {COMPARED[0]:g} to "
                f"{COMPARED[-1]:g} dB: {gaps[worst]:+.3f} at worst (at {worst:g} dB), "
                f"{max(gaps.values()):+.3f} at best; {WITHIN} below is the aim: {verdict}."
            )
        return lines

    def table(self) -> list[str]:
        """Accuracies of both links, lead of the learned one, and bounds, for each channel and
        SNR."""
        rows = []
        for channel, title in CHANNELS.items():
            for i, snr in enumerate(SNRS):
                ours, rival = self.ours(channel, snr), self.rival(channel, snr)
                lead = margin(*(np.array(record["clip_scores"]) for record in (ours, rival)))
                bounds = [f"{self.bound(channel, adapted)[i]:.3f}" for adapted in (False, True)]
                rows.append([title, f"{snr:g}", f"{ours['accuracy']:.3f}",
                             f"{rival['accuracy']:.3f}", lead, *bounds])  # fmt: skip
        header = ["channel", "SNR [dB]", OURS, RIVAL, "lead, 95 % interval over clips",
                  "bound, fade unknown", "bound, fade known"]  # fmt: skip
        return tables.markdown(header, rows)

    def worth_table(self) -> list[str]:
        """Accuracy on validation by the bits of a clip and terminal, with both terminals, one, and
        none."""
        keys = ("both", "audio", "video", "none")
        rows = [[str(row["bits"]), *(f"{row[key]:.3f}" for key in keys)] for row in self.worth]
        return tables.markdown(["bits a clip and terminal", *keys], rows)

    def choices(self) -> list[str]:
        """Bits and carrier chosen for Rayleigh fading, for each SNR."""
        rows = []
        for snr in SNRS:
            (chosen, accuracy) = self.chosen["rayleigh", snr]
            carrier = f"{chosen['modulation']} {chosen['code']}, {chosen['repetition']} times"
            rows.append([f"{snr:g}", str(chosen["bits"]), carrier, f"{accuracy:.3f}"])
        return tables.markdown(["SNR [dB]", "bits", "carrier", "expected on validation"], rows)


def slowest(bits: int, payload: int) -> list[Carrier]:
    """For each constellation of SLOW and each rate, the carrier with the most repetitions whose
    frame holds ``bits`` bits."""
    found = {}
    for modulation, code, _ in CARRIERS:
        for repetition in (1, 2, 4, 8):
            carrier = Carrier(modulation, code, repetition)
            if modulation in SLOW and carrier.block_code().symbols(bits) <= payload:
                found[modulation, code] = carrier
    return list(found.values())
