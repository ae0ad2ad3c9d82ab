# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Make docs/guidance.md: the gain by the sidelink's audio guidance of the video terminal, the loss
by one network for all payload lengths, and the effect of a bound on the peak of its symbols.

    studies guidance --data ave28 --rivals ave28duo --models runs/guidance

--models holds a folder for each training, MODE-seedN (see guidance_trainings.py); all trainings
found there are measured, and the results kept in OUT/points.json.
"""

import argparse
import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from gnuradio.semcom import core
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.base.files import check_writable, make_folder, replacing, sha256
from gnuradio.semcom.chain.link import TorchLink
from gnuradio.semcom.chain.metrics import papr
from gnuradio.semcom.data import open_set
from gnuradio.semcom.data.clipset import digest
from gnuradio.semcom.data.tensors import Features, read
from gnuradio.semcom.report import plots, tables
from gnuradio.semcom.run.scenario import Scenario
from gnuradio.semcom.systems.loading import load_any
from gnuradio.semcom.training.recipes.events import set_length
from gnuradio.semcom.weights.names import shipped

from . import guidance_tables, pages, points, variable_rate
from .guidance_trainings import (
    AIR_SNR,
    BACK_OFF,
    BURSTS,
    COMMON,
    DEAF,
    DROWNED,
    FIGURE,
    HEARING,
    LENGTHS,
    LENGTHS_FIGURE,
    PEAKS,
    SHOWN,
    SIDELINK_SNRS,
    SNR,
    SYSTEM,
    TODAY,
    TRAININGS,
    WORDS,
    Place,
    low_places,
)
from .work import Records, Unit, complete


@dataclass(frozen=True)
class Pair:
    """The test split of a set, that of the same clips with rivals, the columns of the event, and a
    digest of both sets, which their figures are kept with."""

    plain: Features
    rivals: Features
    own: np.ndarray  # [N, w] bool
    digest: str = ""


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--data", type=Path, required=True, help="ave28, folder in the AVE layout")
    add("--rivals", type=Path, required=True, help="the same clips with another event beside each")
    add("--models", type=Path, required=True, help="folder of the trainings' folders")
    add("--out", type=Path, default=Path("out/guidance"), help="(default: %(default)s)")
    add("--docs", type=Path, default=pages.DOCS, help="folder of the page")


def run(args: argparse.Namespace) -> None:
    check_writable(args.docs / "guidance.md")
    make_folder((args.docs / FIGURE).parent)
    models = found_in(args.models)
    pair = read_pair(args.data, args.rivals)
    results = measured(models, pair, args.out)
    plots.draw(args.docs / FIGURE, guidance_tables.panels(results), columns=2)
    air = over_the_air(models, args.data, args.out)
    varied = varied_lengths(models.get("gated", []), pair.plain, args.docs)
    found = loudness(models, pair)
    pages.write(args.docs / "guidance.md", page(models, results, found, air, varied))


def varied_lengths(paths: list[Path], clips: Features, docs: Path) -> list:
    """Figure and table of lengths by content."""
    if not paths:
        return ["Not trained."]
    found = variable_rate.measured([loaded(path) for path in paths], clips)
    plots.draw(docs / LENGTHS_FIGURE, [variable_rate.panel(found)])
    picture = f"![accuracy over the symbols a second, by content and fixed]({LENGTHS_FIGURE})"
    return [picture, "", *variable_rate.table(found)]


def found_in(folder: Path) -> dict[str, list[Path]]:
    """Mode -> its checkpoints, a training seed each; the shipped one last."""
    found = {
        mode: sorted(path for path in folder.glob(f"{mode}-seed*/*.safetensors"))
        for mode in TRAININGS
    }
    if missing := [mode for mode in ("guided", "without") if not found[mode]]:
        raise SemcomError(
            f"{folder}: no {missing[0]}-seed*/*.safetensors; train it (guidance_trainings.py)"
        )
    return {mode: paths for mode, paths in found.items() if paths} | {
        TODAY: [shipped(SYSTEM, data="ave28")]
    }


def read_pair(plain: Path, rivals: Path) -> Pair:
    """Both test splits."""
    sets = [open_set(str(folder), "test") for folder in (plain, rivals)]
    one, other = map(read, sets)
    own = own_columns(one.visual, other.visual)
    if own is None or not torch.equal(one.labels, other.labels):
        raise SemcomError(f"{rivals}: holds other clips than {plain}; compose both again")
    return Pair(one, other, own.numpy(), " ".join(map(digest, sets)))


def own_columns(plain: torch.Tensor, rivals: torch.Tensor) -> torch.Tensor | None:
    """The columns of maps with rivals [N, T, h, w, d] that show the event, bool [N, w]: every
    second column of the plain maps, on one side.  None if neither side, or both, hold them."""
    if plain.shape != rivals.shape:
        return None
    kept, width = plain[..., 0::2, :], plain.shape[3]
    count = kept.shape[3]
    left = (rivals[:, :, :, :count] == kept).flatten(1).all(1)
    right = (rivals[:, :, :, width - count :] == kept).flatten(1).all(1)
    if not torch.equal(left, ~right):
        return None
    columns = torch.arange(width)
    return torch.where(left[:, None], columns < count, columns >= width - count)


# --- measurements ---------------------------------------------------------------------------------


@cache
def loaded(path: Path):
    """The network of a checkpoint for evaluation, loaded once."""
    return load_any(path).eval()


def places(mode: str, net) -> list[Place]:
    """Conditions in which a mode is measured; for networks trained without a sidelink it is
    lost."""
    lengths = [n for n in LENGTHS if n in net.rates]
    heard = None if mode in DEAF else SNR
    sidelinks = (heard, DROWNED) if mode in (*HEARING, TODAY) else (heard,)
    found = [
        Place(data, n, sidelink)
        for data in ("plain", "rivals")
        for n in lengths
        for sidelink in sidelinks
    ]
    if mode in WORDS:
        found += low_places(heard)
    if mode in HEARING:
        found += [Place("rivals", SHOWN, snr) for snr in SIDELINK_SNRS]
    return list(dict.fromkeys(found))


def key(record: dict) -> tuple:
    """Key of a record: its sets, weights and conditions."""
    return record["sets"], record["weights"], Place(**record["place"])


def measured(models: dict, pair: Pair, out: Path) -> dict:
    """(mode, place) -> records, one per training seed; kept records are not measured again."""
    store, units, names = Records(out / "points.json", key), [], []
    for mode, paths in models.items():
        for path in paths:
            weights = sha256(path)
            for place in places(mode, loaded(path)):
                names.append((mode, place))
                units.append(
                    Unit(
                        (pair.digest, weights, place),
                        f"{path.parent.name}, {place.symbols} symbols",
                        lambda advance, p=path, w=weights, at=place: measure(p, w, at, pair),
                    )
                )
    results = {}
    for name, record in zip(names, complete("chain", units, store), strict=True):
        results.setdefault(name, []).append(record)
    return results


@torch.inference_mode()
def measure(path: Path, weights: str, place: Place, pair: Pair, batch: int = 32) -> dict:
    """Accuracy by segment, and share of attention on the event's cells during the event, clip by
    clip, over the chain in Torch with the draws of the flowgraph."""
    net, clips = loaded(path), pair.rivals if place.data == "rivals" else pair.plain
    looked = []
    set_length(net, place.symbols)
    link = TorchLink(place.channel, "ls", "lmmse", seed=0)
    hook = net.video_terminal.attention.register_forward_hook(
        lambda module, given, found: looked.append(found[1])
    )
    decided = []
    for index in torch.arange(len(clips)).split(batch):
        sidelink = torch.full((len(index),), place.sidelink or 0.0)
        taken, snr = clips.batch(index, net), torch.full((len(index),), place.snr)
        logits, _ = link.run(net, taken, snr, sidelink, index, lost=place.sidelink is None)
        decided.append(logits.argmax(-1))
    hook.remove()
    right = (torch.cat(decided) == clips.labels).double().mean(1)
    return {
        "sets": pair.digest,
        "weights": weights,
        "place": vars(place),
        "accuracy": float(right.mean()),
        "clip_scores": right.round(decimals=4).tolist(),
        "shares": shares(torch.cat(looked).numpy(), clips.labels.numpy(), pair.own),
    }


def shares(attention: np.ndarray, labels: np.ndarray, own: np.ndarray) -> list:
    """Share of attention [N, T, h, w] on the columns own [N, w], the mean over each clip's segments
    with an event."""
    mass = (attention.sum(2) * own[:, None]).sum(-1)
    happens = labels != labels.max()
    if not happens.any(1).all():
        raise SemcomError("--data: a test clip has no event; compose clips with one event each")
    return [round(float(mass[n, happens[n]].mean()), 4) for n in range(len(labels))]


@torch.inference_mode()
def peaks(net, clips: Features, symbols: int) -> dict:
    """Peak over mean power [dB] of each frame and terminal, of symbols and of shaped samples."""
    pulse, found = core.PulseShape(4), {"symbols": [], "samples": []}
    set_length(net, symbols)
    for index in torch.arange(min(96, len(clips))).split(32):
        taken = clips.batch(index, net)
        snr = torch.full((len(index),), SNR)
        sent = TorchLink("rayleigh", "ls", "lmmse").send(net, taken, snr, index)
        for stream in sent.flatten(0, 1).numpy():
            found["symbols"].append(papr(stream))
            found["samples"].append(papr(core.shape_symbols(stream, pulse)))
    return {name: 10 * np.log10(values) for name, values in found.items()}


DRIVEN = (TODAY, "loud", "long", "gated")  # modes whose bursts go over the mock radio


def loudness(models: dict, pair: Pair) -> dict:
    """(mode, symbols) -> the peaks of the mode's first training seed."""
    nets = {mode: loaded(models[mode][0]) for mode in PEAKS if mode in models}
    return {
        (mode, n): peaks(net, pair.plain, n)
        for mode, net in nets.items()
        for n in (SHOWN, LENGTHS[-1])
        if n in net.rates
    }


def over_the_air(models: dict, data: Path, out: Path) -> dict:
    """(mode, back-off [dB] or None) -> record of a run over a mock radio with the preset bench,
    whose amplifiers are linear (None) or saturate at that back-off above the mean power."""
    clips, found, units = open_set(str(data), "test"), {}, []
    for mode in [mode for mode in DRIVEN if mode in models]:
        for back_off in (None, BACK_OFF):
            weights = str(models[mode][0])
            point = replace(
                Scenario(system=SYSTEM), data=str(data), checkpoint=weights, frames=BURSTS,
                snr=AIR_SNR, radio=f"mock:{preset(out, back_off)}", sample_rate=1e6,
            )  # fmt: skip
            found[mode, back_off] = len(units)
            units.append(points.unit(point, clips, weights))
    records = complete("air", units, points.store(make_folder(out / "air")))
    return {name: records[at] for name, at in found.items()}


def preset(out: Path, back_off: float | None) -> Path:
    """Write a preset of the mock radio: bench with amplifiers of ``back_off`` [dB]."""
    path = make_folder(out) / ("linear.json" if back_off is None else f"{back_off:g}db.json")
    told = {"description": "A bench", "fading": "none", "bits": 12, "headroom_db": 12}
    with replacing(path) as temporary:
        Path(temporary).write_text(json.dumps(told | {"pa_backoff_db": back_off}))
    return path


def page(models: dict, results: dict, found: dict, air: dict, varied: list) -> str:
    """docs/guidance.md."""
    words = "--data <ave28> --rivals <ave28 with rivals> --models <folder of trainings>"
    return pages.page(
        "guidance",
        command=pages.command("guidance", words),
        common=COMMON,
        trainings=tables.markdown(
            ["training", "options beside them", "seeds"],
            [
                [mode, f"`{more}`", str(len(models[mode]))]
                for mode, more in TRAININGS.items()
                if mode in models
            ],
        ),
        snr=f"{SNR:g}",
        drowned=f"{DROWNED:g}",
        figure=FIGURE,
        rivals=guidance_tables.guidance_table(results, "rivals"),
        plain=guidance_tables.guidance_table(results, "plain"),
        longer=guidance_tables.longer_table(results),
        longer_rivals=guidance_tables.guidance_table(results, "rivals", "long"),
        attention=guidance_tables.attention_table(results),
        low=guidance_tables.low_table(results, models),
        shipped=shipped(SYSTEM, data="ave28").stem,
        lengths=guidance_tables.lengths_table(results, models),
        varied=varied,
        peaks=guidance_tables.peaks_table(found),
        price=guidance_tables.price_table(results),
        bursts=str(BURSTS),
        air_snr=f"{AIR_SNR:g}",
        back_off=f"{BACK_OFF:g}",
        air=guidance_tables.air_table(air),
    )
