# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Make docs/classical-text.md: classical codes for sentences beside the learned text link.

DATA is a folder of text files with one sentence per line; if some files are named "captions", only
those are used.  The codes are fitted on the training split, the settings of the adaptive link are
chosen on validation, the test split is reported.  All points run through the GNU Radio flowgraph;
finished ones are kept in OUT.

    studies classical_text --data DIR
"""

import argparse
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from gnuradio.semcom.base.files import check_writable, make_folder
from gnuradio.semcom.base.options import at_least
from gnuradio.semcom.data import open_set
from gnuradio.semcom.data.text import Sentences
from gnuradio.semcom.media.codecs.names import TEXTS
from gnuradio.semcom.phy.bounds import Fading, bits, fading_bits
from gnuradio.semcom.phy.coding import BlockCode
from gnuradio.semcom.phy.names import CODE_RATES, MODULATIONS, REPETITIONS
from gnuradio.semcom.report import plots, tables
from gnuradio.semcom.report.plots import Axes, Line
from gnuradio.semcom.run.scenario import Scenario
from gnuradio.semcom.systems.choice import weights_for
from gnuradio.semcom.systems.digital_text import learned

from . import pages, points
from .experiment import CHANNELS
from .results import margin
from .work import complete

OURS = "deepsc"
SHOWN = ("awgn", "rayleigh")
SNRS = tuple(float(snr) for snr in range(-6, 19, 3))  # [dB]
# largest channel uses of a link, in multiples of the learned link's
TIMES = {"adaptive": 1, "adaptive, twice the uses": 2}
QUANTITIES = {"similarity": "sentence similarity", "bleu_1": "BLEU-1"}
PILOTS = (32, 16)  # per sentence, tried for the adaptive link; all other links have the first
TRIED = 2  # constellations tried for each source code
REPEATED = ("bpsk", "qpsk")  # for larger ones a smaller constellation is better than repetition
ERROR_RATE = 0.01  # of sentences, in the bound
LOOKS = {
    OURS: (0, 0), "adaptive": (1, 0), "adaptive, twice the uses": (1, 1), "bigram": (2, 2),
    "huffman_words": (3, 3), "huffman_letters": (4, 2), "letters5": (5, 3), "brotli": (6, 3),
}  # fmt: skip


@dataclass(frozen=True)
class Coding:
    """Source code, modulation, channel code and repetition of a sentence; the defaults are those of
    the fixed links.

    source        name of a text codec
    modulation    name of a constellation
    code          rate of the channel code
    repetition    times that each codeword is sent
    pilot_length  pilots of a sentence
    """

    source: str
    modulation: str = "qpsk"
    code: str = "3/4"
    repetition: int = 1
    pilot_length: int = PILOTS[0]

    def symbols(self, count: int) -> int:
        """Number of symbols for ``count`` bits of text."""
        carrier = BlockCode(self.modulation, self.code, repetition=self.repetition)
        return carrier.symbols(max(1, count))

    def told(self) -> str:
        """The carrier in words, as "qpsk 3/4, 2 times"."""
        more = f", {self.repetition} times" if self.repetition > 1 else ""
        fewer = f", {self.pilot_length} pilots" if self.pilot_length < PILOTS[0] else ""
        return f"{self.modulation} {self.code}{more}{fewer}"


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--data", type=Path, metavar="DIR", help="sentences (default: those of a grammar)")
    add("--val", type=at_least(1), default=100, help="validation sentences (default: %(default)s)")
    add("--test", type=at_least(1), default=200, help="test sentences (default: %(default)s)")
    add("--out", type=Path, default=Path("runs/classical_text"), metavar="DIR")
    add("--docs", type=Path, default=pages.DOCS, help="folder of the page")


def run(args: argparse.Namespace) -> None:
    check_writable(args.docs / "classical-text.md")
    study = Study(args)
    figure = make_folder(args.docs / "figures") / "classical-text.png"
    plots.draw(figure, study.panels(), columns=2)
    pages.write(args.docs / "classical-text.md", study.page())


def spread(every: Sentences, count: int) -> Sentences:
    """``count`` sentences, evenly spaced over the captions of a set, or over all if it has none."""
    places = [i for i, source in enumerate(every.sources) if "captions" in source]
    places = places or range(len(every))
    picked = [places[k * len(places) // count] for k in range(count)]
    sources = [every.sources[i] for i in picked]
    return Sentences(f"{every.name}, spread", [every[i] for i in picked], sources)


def longest(source: str, modulation: str, lengths: list, most: float) -> Coding | None:
    """The code and repetition of a constellation that take the most symbols for texts of
    ``lengths`` [bits], in the mean at most ``most``; None if all take more."""
    taken = {}
    for code in CODE_RATES:
        for repetition in REPETITIONS if modulation in REPEATED else (1,):
            coding = Coding(source, modulation, code, repetition)
            taken[coding] = np.mean([coding.symbols(length) for length in lengths])
    fitting = [coding for coding in taken if taken[coding] <= most]
    return max(fitting, key=taken.get, default=None)


class Study:
    """The study's points, each measured when first needed.

    args  options of the study
    """

    def __init__(self, args: argparse.Namespace):
        self.data = str(args.data or "")
        self.sets = {
            split: spread(open_set(args.data, split, text=True), count)
            for split, count in (("val", args.val), ("test", args.test))
        }
        make_folder(args.out)
        self.kept = points.store(args.out)

    # --- points ---

    def record(self, split: str, channel: str, snr: float, coding: Coding | None) -> dict:
        """The record of a point, run once; without ``coding`` that of the learned link."""
        clips = self.sets[split]
        system = {"system": "digital_text", **asdict(coding)} if coding else {"system": OURS}
        point = Scenario(data=self.data, split=split, frames=len(clips), antennas=1,
                         detector="lmmse", channel=channel, snr=snr, **system)  # fmt: skip
        unit = points.unit(point, clips, weights_for(point, clips))
        return complete(split, [unit], self.kept)[0]

    def uses(self, record: dict, split: str = "test") -> float:
        """Mean channel uses of a sentence, pilots included."""
        return record["channel_uses_per_word"] * self.words(split)

    def words(self, split: str = "test") -> float:
        """Mean number of words of a sentence of a split."""
        return float(np.mean([len(sentence.split()) for sentence in self.sets[split]]))

    @property
    def payload(self) -> float:
        """Mean payload symbols of a test sentence over the learned link, without pilots."""
        return (
            self.record("test", "awgn", max(SNRS), None)["channel_uses"]["payload"] * self.words()
        )

    # --- the adaptive link ---

    @cached_property
    def budget(self) -> tuple[float, float]:
        """(payload, pilots) of the learned link, means over the validation sentences [symbols]."""
        uses = self.record("val", "awgn", max(SNRS), None)["channel_uses"]
        return tuple(uses[kind] * self.words("val") for kind in ("payload", "pilots"))

    def lengths(self, source: str, split: str) -> list[int]:
        """Bits of the text of each sentence."""
        code = learned(source, self.data)
        return [len(code.encode(sentence)) for sentence in self.sets[split]]

    def candidates(self, times: int) -> list[Coding]:
        """The settings tried within ``times`` the uses of the learned link: for each source code
        the smallest constellations that fit, for each of these the strongest channel code that
        fits, and fewer pilots where they make room for another code."""
        found = {}
        for pilot_length in PILOTS:
            most = times * sum(self.budget) - pilot_length
            for source in TEXTS:
                lengths = self.lengths(source, "val")
                fitting = [longest(source, name, lengths, most) for name in MODULATIONS]
                for coding in [coding for coding in fitting if coding][:TRIED]:
                    found.setdefault(coding, replace(coding, pilot_length=pilot_length))
        return list(found.values())

    @cached_property
    def choices(self) -> dict:
        """(times, channel) -> for each SNR the coding with the highest BLEU-1 on validation, and
        that BLEU-1.  Once all sentences arrive, the same coding is kept for higher SNRs."""
        return {
            (times, channel): self._choose(self.candidates(times), channel)
            for times in TIMES.values() for channel in SHOWN
        }  # fmt: skip

    def _choose(self, codings: list[Coding], channel: str) -> list[tuple]:
        chosen, best = [], (None, 0.0)
        for snr in SNRS:
            if best[1] < 1:
                tried = [
                    (coding, self.record("val", channel, snr, coding)["bleu_1"])
                    for coding in codings
                ]
                best = max(tried, key=lambda pair: pair[1])
            chosen.append(best)
        return chosen

    def curve(self, label: str, channel: str) -> list[dict]:
        """Records on the test split over SNR of a curve of LOOKS."""
        if label in TIMES:
            codings = [coding for coding, _ in self.choices[TIMES[label], channel]]
        else:
            codings = [None if label == OURS else Coding(label)] * len(SNRS)
        return [
            self.record("test", channel, snr, coding)
            for snr, coding in zip(SNRS, codings, strict=True)
        ]

    # --- the page ---

    def panels(self) -> list[Axes]:
        """A panel for each quantity and channel, a curve for each link of LOOKS."""
        return [
            Axes(CHANNELS[channel], plots.SNR_LABEL, label, [
                Line(self.legend(name), list(SNRS), self.estimates(name, channel, key), look)
                for name, look in LOOKS.items()
            ])
            for key, label in QUANTITIES.items() for channel in SHOWN
        ]  # fmt: skip

    def legend(self, name: str) -> str:
        """Label of a link with its channel uses."""
        if name in TIMES:
            return name
        return f"{name}, {self.uses(self.curve(name, 'awgn')[0]):.0f} uses"

    def estimates(self, name: str, channel: str, key: str) -> list[tables.Estimate]:
        """Values over SNR of a quantity of QUANTITIES on a curve of LOOKS."""
        return [tables.estimate([record], key) for record in self.curve(name, channel)]

    def page(self) -> str:
        """docs/classical-text.md."""
        payload, pilots = self.budget
        return pages.page(
            "classical-text",
            command=pages.command("classical_text", "--data <folder>"),
            **self.quotes(),
            test=str(len(self.sets["test"])),
            val=str(len(self.sets["val"])),
            words=f"{self.words():.1f}",
            budget=f"{payload + pilots:.0f}",
            twice=f"{2 * (payload + pilots):.0f}",
            pilots=f"{pilots:.0f}",
            fewer=str(PILOTS[-1]),
            payload=f"{self.payload:.0f}",
            error_rate=f"{100 * ERROR_RATE:g}",
            uses=self.uses_table(),
            leads=self.leads(),
            values=self.values(),
            choices=self.choice_tables(),
            bound=self.bound(),
        )

    def quotes(self) -> dict[str, str]:
        """Similarities and channel uses on test that the page's text quotes, by names as
        ours_awgn_0."""
        names = {"ours": OURS, "adaptive": "adaptive", "twice": "adaptive, twice the uses"}
        told = {}
        for short, name in names.items():
            for channel in SHOWN:
                for record in self.curve(name, channel):
                    at = f"{channel}_{record['snr_db']:g}".replace("-", "m")
                    told[f"{short}_{at}"] = tables.Estimate(record["similarity"]).text(".2f")
                    told[f"{short}_{at}_uses"] = f"{self.uses(record):.0f}"
        return told

    def uses_table(self) -> list[str]:
        """Table: bits of a sentence behind the source code, and channel uses of a sentence, for
        each link."""
        rows = []
        for name in LOOKS:
            record = self.curve(name, "awgn")[0]
            if name in TIMES:
                uses = [self.uses(r) for channel in SHOWN for r in self.curve(name, channel)]
                rows.append([name, "", f"{min(uses):.0f} to {max(uses):.0f}"])
                continue
            count = "" if name == OURS else f"{np.mean(self.lengths(name, 'test')):.0f}"
            rows.append([name, count, f"{self.uses(record):.0f}"])
        return tables.markdown(["link", "bits of a sentence", "uses of a sentence"], rows)

    def leads(self) -> list[str]:
        """Lead of the learned link over the adaptive ones, on the same sentences and channels."""
        rows = []
        for channel in SHOWN:
            curves = [self.curve(name, channel) for name in (OURS, *TIMES)]
            for ours, *others in zip(*curves, strict=True):
                score = np.array(ours["sentence_scores"])
                leads = [margin(score, np.array(other["sentence_scores"])) for other in others]
                rows.append([CHANNELS[channel], f"{ours['snr_db']:g}", *leads])
        return tables.markdown(["channel", "SNR [dB]", *(f"over {name}" for name in TIMES)], rows)

    def values(self) -> list[str]:
        """A table for each quantity and channel: every link over SNR."""
        lines = []
        for key, label in QUANTITIES.items():
            for channel in SHOWN:
                curves = [self.estimates(name, channel, key) for name in LOOKS]
                rows = [
                    [f"{snr:g}", *(curve[i].text(".3f") for curve in curves)]
                    for i, snr in enumerate(SNRS)
                ]
                header = ["SNR [dB]", *LOOKS]
                lines += [f"**{label}, {CHANNELS[channel]}**", "", *tables.markdown(header, rows)]
                lines += [""]
        return lines

    def choice_tables(self) -> list[str]:
        """Table: codings chosen for the adaptive links and their BLEU-1 on validation, over SNR."""
        rows = []
        for i, snr in enumerate(SNRS):
            chosen = [self.choices[times, c][i] for c in SHOWN for times in TIMES.values()]
            told = [f"{coding.source}, {coding.told()}: {bleu:.3f}" for coding, bleu in chosen]
            rows.append([f"{snr:g}", *told])
        header = [f"{CHANNELS[channel]}, {name}" for channel in SHOWN for name in TIMES]
        return tables.markdown(["SNR [dB]", *header], rows)

    def bound(self) -> list[str]:
        """Bits that an ideal code carries in the learned link's payload."""
        payload = self.payload
        snr = 10 ** (np.array(SNRS) / 10)
        carried = {
            "AWGN": bits(payload, snr, ERROR_RATE),
            "Rayleigh": fading_bits(payload, snr, ERROR_RATE, Fading("rayleigh", 1)),
        }
        rows = [[name, *(f"{y:.0f}" for y in values)] for name, values in carried.items()]
        return tables.markdown(["bits", *(f"{snr:g} dB" for snr in SNRS)], rows)
