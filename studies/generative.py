# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Make docs/generative.md: M3E-VSC beside classical links, figures 4 to 8 and table 1 of its paper.

RAW is a folder of recordings and photographs: the settings of the adaptive classical link are
chosen on its validation split, its test split is reported.  Finished points are kept in OUT.

    studies generative --raw DIR
"""

import argparse
import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from gnuradio.semcom.base.files import check_writable, make_folder, sha256
from gnuradio.semcom.base.options import at_least
from gnuradio.semcom.data import MANIFEST
from gnuradio.semcom.data.descriptions import DescriptionSentences
from gnuradio.semcom.data.material_raw import RawMaterial
from gnuradio.semcom.report import plots, tables
from gnuradio.semcom.report.plots import Axes, Line
from gnuradio.semcom.report.tables import Estimate
from gnuradio.semcom.systems.loading import load_system
from gnuradio.semcom.weights.names import find

from . import pages
from .experiment import CHANNELS
from .generative_link import (
    STILL,
    Channel,
    Classical,
    Generative,
    best_still,
    films,
    measured,
    seconds,
    stills,
    text_asked_again,
    text_by_codec,
    text_by_net,
    uses_a_second,
    xi_figures,
)
from .work import Records, complete, recorded

SHOWN = ("awgn", "rayleigh")
SNRS = {"awgn": (-5.0, 0.0, 3.0, 5.0, 8.0, 12.0, 18.0), "rayleigh": (0.0, 8.0, 16.0)}  # [dB]
SOUND_SNRS = {"awgn": (-5.0, 0.0, 8.0, 16.0), "rayleigh": (8.0, 16.0)}
TEXT_SNRS = (-6.0, -3.0, 0.0, 3.0, 6.0, 9.0)
AT = 8.0  # [dB] of table 1
STILL_USES = 768  # largest channel uses of a still, pilots included
OURS = "M3E-VSC"
PICTURES = {  # M3E-VSC's settings
    OURS: {}, "without M3E": {"without": "m3e"}, "only text": {"only": "text"},
    "only image": {"only": "image"}, "M3E-VSC, 2 symbols a latent": {"picture_symbols": 2},
}  # fmt: skip
FIXED = {  # as in the paper: one code at every SNR, without a limit on the uses
    "H.265 + LDPC 3/4, QPSK": {"source": "h265_still", "modulation": "qpsk", "quality": 0},
    "H.265 + LDPC 3/4, 16QAM": {"source": "h265_still", "modulation": "16qam", "quality": 0},
    "JPEG + LDPC 3/4, 16QAM": {"source": "jpeg", "modulation": "16qam", "quality": 0},
}
ADAPTIVE = "adaptive classical"
SOUNDS = {
    "Opus": {"source": "opus"}, "AAC": {"source": "aac"}, "MP3": {"source": "mp3"},
    "Codec 2": {"source": "codec2"},
}  # fmt: skip
FILM_HEIGHT = 96  # [pixels]
FILMS = {  # one GOP of 16 pictures a second; classical ones send no sound
    OURS: {}, "M3E-VSC, up to 4 key frames": {"key_frames": 4},
    "H.265, 96 pixels, lowest quality": {
        "source": "h265", "quality": 0, "size": 96, "picture_rate": 16.0},
    "H.265, 64 pixels, lowest quality": {
        "source": "h265", "quality": 0, "size": 64, "picture_rate": 16.0},
    "H.265, 64 pixels, 4 pictures a second": {
        "source": "h265", "quality": 0, "size": 64, "picture_rate": 4.0},
}  # fmt: skip
LARGE = "H.265, 480 lines, lowest quality"  # only its uses are measured
FILM_KEYS = {"ssim": ".3f", "picture_class": ".2f", "sound_class": ".2f"}
AGAIN = {  # xi below which a sentence is requested again, largest number of attempts
    "once": (0.0, 1), "again below xi = 0.6": (0.6, 4), "again below xi = 0.9": (0.9, 4),
    "twice, blindly": (2.0, 2), "four times, blindly": (2.0, 4),
}  # fmt: skip
XI_POINTS = tuple(Channel(model, snr) for model in SHOWN for snr in (-8.0, -4.0, 0.0, 4.0, 8.0))
TEXTS = ("letters5", "huffman_letters", "huffman_words", "brotli", "bigram")
WIDTHS = (30, 60, 120)
LOOKS = {name: (i, i % 4) for i, name in enumerate((*PICTURES, *FIXED, ADAPTIVE))}
THINGS = (OURS, "without M3E", "only text", "H.265 + LDPC 3/4, QPSK", ADAPTIVE)
THING_SNRS = (0.0, AT, 18.0)  # [dB]
STILL_KEYS = {"ssim": "SSIM", "picture_class": "picture named right"}
SOUND_KEYS = {"sound_class": "sound named right", "timbre": "timbre"}


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--raw", type=Path, required=True, metavar="DIR", help="folder with manifest.csv")
    add(
        "--clips",
        type=Path,
        metavar="DIR",
        help="folder of natural films with clips.json, for figure 4",
    )
    add("--checkpoint", default="", help="weights of m3e_vsc (default: the shipped ones)")
    add("--stills", type=at_least(1), default=150, help="photographs (default: %(default)s)")
    add("--sounds", type=at_least(1), default=152, help="recordings (default: %(default)s)")
    add("--sentences", type=at_least(1), default=500, help="sentences (default: %(default)s)")
    add("--val", type=at_least(1), default=50, help="validation stills (default: %(default)s)")
    add("--out", type=Path, default=Path("runs/generative"), metavar="DIR")
    add("--docs", type=Path, default=pages.DOCS, help="folder of the page")


def run(args: argparse.Namespace) -> None:
    check_writable(args.docs / "generative.md")
    study = Study(args)
    figures = make_folder(args.docs / "figures")
    plots.draw(figures / "generative-stills.png", study.still_panels(), columns=2)
    plots.draw(figures / "generative-sounds.png", study.sound_panels(), columns=2)
    plots.draw(figures / "generative-text.png", study.text_panels(), columns=2)
    pages.write(args.docs / "generative.md", study.page())


class Study:
    """The study's points, each measured when first needed.

    args  options of the study
    """

    def __init__(self, args: argparse.Namespace):
        self.args = args
        self.kept = Records(make_folder(args.out) / "points.json")

    def point(self, label: str, channel: Channel, measure: Callable[[], dict]) -> dict:
        """The figures of a point, measured once.

        label    its name, which with the channel, the numbers of examples and the ``sources``
                 identifies it
        measure  returns the figures
        """
        counts = [self.args.stills, self.args.sounds, self.args.sentences, self.args.val]
        key = json.dumps([label, channel.model, channel.snr, *counts, *self.sources])
        told = f"{label}, {channel.model}, {channel.snr:g} dB"
        return complete("points", [recorded(key, told, measure)], self.kept)[0]

    @cached_property
    def sources(self) -> list[str]:
        """SHA-256 of the weights, and of the lists of the raw material and of the films."""
        weights = find(self.args.checkpoint, "m3e_vsc", "full", "films")
        films = [self.args.clips / "clips.json"] if self.args.clips else []
        return [sha256(path) for path in (weights, self.args.raw / MANIFEST, *films)]

    @cached_property
    def raw(self) -> dict[str, RawMaterial]:
        """The raw material of "val" and "test"."""
        return {split: RawMaterial(self.args.raw, split) for split in ("val", "test")}

    @cached_property
    def stills(self) -> list:
        """Photographs of the test split, each a Media of one picture."""
        return stills(self.raw["test"], self.args.stills)

    @cached_property
    def choosing(self) -> list:
        """Photographs of val, on which the adaptive link is chosen."""
        return stills(self.raw["val"], self.args.val)

    @cached_property
    def sounds(self) -> list:
        """Seconds of sound of the test split, each a Media."""
        return seconds(self.raw["test"], self.args.sounds)

    @cached_property
    def sentences(self) -> list[str]:
        """Sentences of the test split."""
        return list(DescriptionSentences("test", self.args.sentences))

    # --- stills: figures 6 and 7, table 1 ---

    def still(self, name: str, channel: Channel) -> dict:
        """Figures of the photographs over a link of PICTURES or FIXED, or the adaptive one."""
        return self.point(f"still, {name}", channel, lambda: self.sent_stills(name, channel))

    def sent_stills(self, name: str, channel: Channel) -> dict:
        """Figures of the photographs, and the chosen ``settings``."""
        if name in PICTURES:
            link, settings = Generative(self.args.checkpoint, **PICTURES[name]), PICTURES[name]
        elif name in FIXED:
            link, settings = Classical("video", size=STILL, **FIXED[name]), FIXED[name]
        else:
            settings = best_still(self.choosing, channel, STILL_USES)
            link = Classical("video", **settings) if settings else Nothing()  # mid-grey
        return {"settings": settings} | measured(link, self.stills, channel)

    def still_panels(self) -> list[Axes]:
        """A panel for each quantity of STILL_KEYS and channel."""
        return [self.panel(self.still, LOOKS, SNRS, key, label, model)
                for key, label in STILL_KEYS.items() for model in SHOWN]  # fmt: skip

    def panel(self, of: Callable, names, snrs: dict, key: str, label: str, model: str) -> Axes:
        """A panel of one quantity on one channel.

        of     (name, channel) -> record
        names  links, a curve each
        snrs   channel -> SNRs [dB]
        key    field of the records
        label  of the y axis
        model  channel
        """
        lines = []
        for number, name in enumerate(names):
            records = [of(name, Channel(model, snr)) for snr in snrs[model]]
            values = [estimate(record, key) for record in records]
            uses = STILL_USES if name == ADAPTIVE else records[-1]["uses"]
            legend = f"{name}, {uses:,.0f} uses"
            lines.append(
                Line(
                    legend,
                    list(snrs[model]),
                    values,
                    (number % len(plots.COLOURS), number % len(plots.DASHES)),
                )
            )
        return Axes(CHANNELS[model], plots.SNR_LABEL, label, lines)

    # --- objects kept: detection, classes at their places ---

    def things(self, name: str, channel: Channel) -> dict:
        """Figures over the photographs in which the detector finds an object, and over all."""
        return self.point(f"things, {name}", channel, lambda: self.sent_stills(name, channel))

    def things_table(self) -> list[str]:
        """Table: detection and names of objects in the photographs over AWGN, for THINGS and
        THING_SNRS."""
        rows = []
        for name in THINGS:
            for snr in THING_SNRS:
                record = self.things(name, Channel("awgn", snr))
                told = [estimate(record, key).text(form)
                        for key, (_, form) in THING_COLUMNS.items()]  # fmt: skip
                rows.append([name, f"{record['uses']:,.0f}", f"{snr:g}", *told])
        header = ["link", "uses", "SNR [dB]", *(label for label, _ in THING_COLUMNS.values())]
        return tables.markdown(header, rows)

    # --- sounds: figure 8 ---

    def sound(self, name: str, channel: Channel) -> dict:
        """Figures of the sounds over a link of PICTURES or SOUNDS."""

        def measure() -> dict:
            if name in PICTURES:
                link = Generative(self.args.checkpoint, **PICTURES[name])
            else:
                link = Classical("audio", **SOUNDS[name])
            return measured(link, self.sounds, channel)

        return self.point(f"sound, {name}", channel, measure)

    def sound_panels(self) -> list[Axes]:
        """A panel for each quantity of SOUND_KEYS and channel."""
        names = (OURS, "without M3E", "only text", *SOUNDS)
        return [self.panel(self.sound, names, SOUND_SNRS, key, label, model)
                for key, label in SOUND_KEYS.items() for model in SHOWN]  # fmt: skip

    # --- sentences: figure 5 ---

    def text(self, name: str | int, channel: Channel) -> dict:
        """Figures of the sentences: over M3E-VSC with ``name`` symbols a sentence, or by a text
        codec of that name."""

        def measure() -> dict:
            if isinstance(name, str):
                return text_by_codec(name, self.sentences, channel)
            net = load_system("m3e_vsc", self.args.checkpoint)
            return text_by_net(net, self.sentences, channel, name)

        return self.point(f"text, {name}", channel, measure)

    def text_panels(self) -> list[Axes]:
        """Sentence similarity and BLEU-1 over SNR on AWGN."""
        panels = []
        for key, label in (("similarity", "sentence similarity"), ("bleu_1", "BLEU-1")):
            lines = []
            for number, name in enumerate((*WIDTHS, *TEXTS)):
                records = [self.text(name, Channel("awgn", snr)) for snr in TEXT_SNRS]
                who = name if isinstance(name, str) else OURS
                legend = f"{who}, {records[-1]['uses']:.0f} uses"
                values = [estimate(record, key) for record in records]
                lines.append(
                    Line(
                        legend,
                        list(TEXT_SNRS),
                        values,
                        (number % len(plots.COLOURS), number % len(plots.DASHES)),
                    )
                )
            panels.append(Axes(CHANNELS["awgn"], plots.SNR_LABEL, label, lines))
        return panels

    # --- retransmission on request: xi ---

    def again(self, name: str, channel: Channel) -> dict:
        """Figures of sentences that are requested again as AGAIN[name] says."""
        below, attempts = AGAIN[name]

        def measure() -> dict:
            net = load_system("m3e_vsc", self.args.checkpoint)
            return text_asked_again(net, self.sentences, channel, 60, below, attempts)

        return self.point(f"GOP asked again, {name}", channel, measure)

    def again_table(self) -> list[str]:
        """Table: channel uses and correct sentences with requests and with blind repetition, over
        Rayleigh fading."""
        rows = []
        for snr in (-4.0, 0.0, 4.0):
            for name in AGAIN:
                record = self.again(name, Channel("rayleigh", snr))
                told = [estimate(record, key).text(".3f") for key in ("exact", "similarity")]
                rows.append([f"{snr:g}", name, f"{record['uses']:.0f}", *told])
        return tables.markdown(["SNR [dB]", "sent", "uses", "exact", "similarity"], rows)

    def xi(self) -> dict:
        """Xi as it is predicted, and as it is, over XI_POINTS."""

        def measure() -> dict:
            net = load_system("m3e_vsc", self.args.checkpoint)
            return xi_figures(net, self.sentences, XI_POINTS, 60)

        return self.point("xi", XI_POINTS[0], measure)

    def xi_table(self) -> list[str]:
        """Table: the means of both at each point."""
        rows = [[CHANNELS[at.model], f"{at.snr:g}", *(f"{mean:.3f}" for mean in means)]
                for at, means in zip(XI_POINTS, self.xi()["means"], strict=True)]  # fmt: skip
        return tables.markdown(["channel", "SNR [dB]", "predicted xi", "likeness"], rows)

    # --- films: figure 4 ---

    @cached_property
    def films(self) -> list:
        """The natural films of --clips; none without."""
        return list(films(self.args.clips, FILM_HEIGHT)) if self.args.clips else []

    def film(self, name: str, channel: Channel) -> dict:
        """Figures of the films over a link of FILMS."""

        def measure() -> dict:
            link = (
                Generative(self.args.checkpoint, **FILMS[name])
                if name.startswith(OURS)
                else Classical("video", **FILMS[name])
            )
            return measured(link, self.films, channel)

        return self.point(f"film, {name}", channel, measure)

    def large(self) -> dict:
        """Channel uses of a GOP of the films in LARGE pictures."""

        def measure() -> dict:
            return {"uses": uses_a_second(films(self.args.clips, 480), "h265", 0, 480)}

        return self.point(f"film, {LARGE}", Channel("awgn", AT), measure)

    def film_table(self) -> list[str]:
        """Table: channel uses of a GOP and quality of the films over AWGN at AT dB."""
        if not self.films:
            return ["No films were given (`--clips`)."]
        rows = []
        for name in FILMS:
            record = self.film(name, Channel("awgn", AT))
            each = record["uses"] * len(self.films) / record["seconds"]
            told = [estimate(record, key).text(form) for key, form in FILM_KEYS.items()]
            rows.append([name, f"{each:,.0f}", *told])
        rows.append([LARGE, f"{self.large()['uses']:,.0f}", *["-"] * len(FILM_KEYS)])
        header = ["link", "uses a GOP", "SSIM", "picture named right", "sound named right"]
        return tables.markdown(header, rows)

    # --- the page ---

    def page(self) -> str:
        """docs/generative.md."""
        at = Channel("awgn", AT)
        ours, none, words = (self.still(name, at) for name in (OURS, "without M3E", "only text"))
        return pages.page(
            "generative",
            command=pages.command("generative", "--raw <folder>", "--clips <folder>"),
            stills=str(self.args.stills),
            sounds=str(self.args.sounds),
            sentences=str(self.args.sentences),
            distinct=str(len(set(self.sentences))),
            val=str(self.args.val),
            uses=f"{ours['uses']:.0f}",
            class_ours=f"{ours['picture_class']:.2f}",
            class_none=f"{none['picture_class']:.2f}",
            class_text=f"{words['picture_class']:.2f}",
            class_original=f"{ours['picture_class_original']:.2f}",
            table_stills=self.table(self.still, LOOKS, SNRS, STILL_COLUMNS),
            table_sounds=self.table(
                self.sound, (OURS, "without M3E", "only text", *SOUNDS), SOUND_SNRS, SOUND_COLUMNS
            ),
            table_text=self.text_table(),
            table_again=self.again_table(),
            xi_auroc=f"{self.xi()['auroc']:.3f}",
            table_xi=self.xi_table(),
            table_films=self.film_table(),
            table_classes=self.class_table(),
            table_things=self.things_table(),
        )

    def table(self, of: Callable, names, snrs: dict, columns: dict) -> list[str]:
        """A table for each channel.

        of       (name, channel) -> record
        names    links, rows for each
        snrs     channel -> SNRs [dB]
        columns  field of the records -> (head, format)
        """
        lines = []
        for model in SHOWN:
            rows = []
            for name in names:
                for snr in snrs[model]:
                    record = of(name, Channel(model, snr))
                    told = [estimate(record, key).text(form) for key, (_, form) in columns.items()]
                    rows.append([name, f"{record['uses']:,.0f}", f"{snr:g}", *told])
            header = ["link", "uses", "SNR [dB]", *(label for label, _ in columns.values())]
            lines += [f"**{CHANNELS[model]}**", "", *tables.markdown(header, rows), ""]
        return lines

    def text_table(self) -> list[str]:
        """Table: sentences over AWGN, by M3E-VSC and by text codecs."""
        rows = []
        for name in (*WIDTHS, *TEXTS):
            for snr in TEXT_SNRS:
                record = self.text(name, Channel("awgn", snr))
                told = [estimate(record, key).text(".3f") for key in
                        ("bleu_1", "exact", "similarity")]  # fmt: skip
                who = name if isinstance(name, str) else OURS
                rows.append([who, f"{record['uses']:.0f}", f"{snr:g}", *told])
        header = ["code", "uses", "SNR [dB]", "BLEU-1", "exact", "similarity"]
        return tables.markdown(header, rows)

    def class_table(self) -> list[str]:
        """Table 1: accuracy of the judge for each class."""
        at, names = Channel("awgn", AT), (OURS, "without M3E", "only text", ADAPTIVE)
        records = [self.still(name, at)["picture_classes"] for name in names]
        rows = [
            [kind, *("-" if r[kind] is None else f"{r[kind]:.2f}" for r in records)]
            for kind in records[0]
        ]
        means = [[v for v in r.values() if v is not None] for r in records]
        rows.append(["mean of the classes", *(f"{sum(m) / len(m):.3f}" for m in means)])
        return tables.markdown(["class", *names], rows)


class Nothing:
    """A link that delivers nothing, in STILL_USES channel uses."""

    def over(self, media, channel, number):
        """See generative_link.Generative.over."""
        return None, STILL_USES


STILL_COLUMNS = {
    "ssim": ("SSIM", ".3f"), "ms_ssim": ("MS-SSIM", ".3f"), "psnr_db": ("PSNR [dB]", ".1f"),
    "lpips": ("LPIPS", ".3f"), "picture_class": ("named right", ".2f"),
}  # fmt: skip
THING_COLUMNS = {
    "detection": ("detection F1", ".3f"), "detection_iou": ("mean IoU", ".3f"),
    "picture_class": ("named right", ".2f"), "picture_placed": ("and in its place", ".2f"),
}  # fmt: skip
SOUND_COLUMNS = {
    "sound_class": ("named right", ".2f"), "timbre": ("timbre", ".3f"),
    "log_mel_correlation": ("log-mel correlation", ".3f"),
}  # fmt: skip


def estimate(record: dict, key: str) -> Estimate:
    """A figure of a record with its interval."""
    return tables.estimate([record], key)
