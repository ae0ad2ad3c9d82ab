# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Make docs/results.md: every point through the GNU Radio flowgraph, from one AVE-layout folder.

Finished points are kept in the JSON file beside it and not run again; --fresh forgets them.
"""

import argparse
import json
import sys
from pathlib import Path

from gnuradio.semcom.data import open_set
from gnuradio.semcom.files import replacing
from gnuradio.semcom.link import report
from gnuradio.semcom.link.run import checkpoint_of, run_point
from gnuradio.semcom.link.scenario import Scenario
from rich.progress import Progress, TimeRemainingColumn

ROOT = Path(__file__).resolve().parents[1]
SNRS = [float(snr) for snr in range(-10, 31, 5)]
CHANNELS = ("awgn", "rayleigh", "rician")
RECEIVERS = (("ls", "zf"), ("ls", "lmmse"), ("perfect", "zf"), ("perfect", "lmmse"))
VARIANTS = (
    ("audio_only", "ls", "zf"),
    ("video_only", "ls", "zf"),
    ("no_estimation", "none", "none"),
)


def points(data: str, frames: int, seed: int) -> list:
    """Every point of the document."""
    common = dict(data=data, frames=frames, seed=seed)
    out = []
    for channel in CHANNELS:
        for snr in SNRS:
            place = dict(channel=channel, snr=snr, **common)
            out += [Scenario(csi=csi, detector=d, **place) for csi, d in RECEIVERS]
            out += [Scenario(variant=v, csi=csi, detector=d, **place) for v, csi, d in VARIANTS]
    return out


def key(record_or_point) -> tuple:
    """What tells two records of this document apart."""
    get = record_or_point.get if isinstance(record_or_point, dict) else vars(record_or_point).get
    snr = get("snr") if get("snr_db") is None else get("snr_db")
    return tuple(get(n) for n in ("variant", "channel", "csi", "detector", "seed")) + (snr,)


def run_all(args) -> list:
    """Records of all points, those on disk first."""
    clips = open_set(args.data, "test")
    records = []
    if args.json.exists() and not args.fresh:
        records = json.loads(args.json.read_text())["records"]
    wanted = points(args.data, args.frames, args.seed)
    done = {key(r) + (r["checkpoint_sha256"],) for r in records}
    shas = {p.variant: report.sha256(checkpoint_of(p, clips)) for p in wanted}
    left = [p for p in wanted if key(p) + (shas[p.variant],) not in done]
    keep = {key(p) + (shas[p.variant],) for p in wanted}
    records = [r for r in records if key(r) + (r["checkpoint_sha256"],) in keep]
    with Progress(*Progress.get_default_columns(), TimeRemainingColumn()) as bar:
        task = bar.add_task("points", total=len(wanted), completed=len(wanted) - len(left))
        for point in left:
            records.append(run_point(point, clips))
            bar.advance(task)
            report.write_json(args.json, records)
    return sorted(records, key=lambda r: (r["variant"], r["channel"], r["snr_db"]))


def cells(records: list, **match) -> list:
    """Accuracy with half its interval, by SNR."""
    by_snr = {r["snr_db"]: r for r in records if all(r[k] == v for k, v in match.items())}
    shown = []
    for snr in SNRS:
        low, high = by_snr[snr]["accuracy_ci95"]
        shown.append(f"{by_snr[snr]['accuracy']:.3f} ± {(high - low) / 2:.3f}")
    return shown


def markdown_table(records: list, rows: list, channel: str) -> list:
    """A Markdown table: a row per receiver, a column per SNR."""
    lines = ["| receiver | " + " | ".join(f"{snr:g} dB" for snr in SNRS) + " |"]
    lines.append("|---" * (len(SNRS) + 1) + "|")
    for label, match in rows:
        values = cells(records, channel=channel, **match)
        lines.append(f"| {label} | " + " | ".join(values) + " |")
    return lines


def page(records: list, command: str) -> str:
    """The document."""
    first = next(r for r in records if r["variant"] == "full")
    receivers = [
        (f"{csi}, {d}", {"variant": "full", "csi": csi, "detector": d}) for csi, d in RECEIVERS
    ]
    variants = [(v.replace("_", " "), {"variant": v}) for v, _, _ in VARIANTS]
    uses = first["channel_uses"]
    lines = [
        f"# Results on {first['data']}",
        "",
        "Made by `make results DATA=<AVE-layout folder of ave28>`, which runs",
        "",
        f"    {command}",
        "",
        "Every figure is a segment accuracy on the *test* split, sent through the GNU Radio",
        f"flowgraph of `apps/run_link.py` ({first['clips']} clips, channel seed {first['seed']}),",
        "with half its 95 % interval from resampling clips. The checkpoints were selected on",
        "*val*; one training seed. **ave28 is a composed set (real features, synthetic pairing):",
        "these figures are not to be set beside published AVE figures.** The best constant answer",
        "(all background) scores 0.237.",
        "",
        f"Error-free (its own checkpoint, trained and tested without a channel): "
        f"**{first['accuracy_error_free']:.3f}**.",
        "",
        f"Channel uses per segment: payload {uses['payload']:g}, pilots {uses['pilots']:g}, "
        f"feedback {uses['feedback']:g}; pilot overhead {100 * first['pilot_overhead']:.1f} %. "
        "SNR is per stream at each antenna, and the feedback link's SNR is the uplink's.",
        "",
        "![accuracy over SNR](figures/results.png)",
    ]
    names = {"awgn": "AWGN", "rayleigh": "Rayleigh", "rician": "Rician (K = 4)"}
    for channel in CHANNELS:
        lines += ["", f"## {names[channel]}", "", *markdown_table(records, receivers, channel)]
        lines += ["", "Other systems (each its own checkpoint):", ""]
        lines += markdown_table(records, variants, channel)
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="AVE-layout folder (its name names the set)")
    parser.add_argument("--frames", type=int, default=0, help="clips per point; 0: the split")
    parser.add_argument("--seed", type=int, default=0, help="seed of the channel draws")
    parser.add_argument("--json", type=Path, default=ROOT / "out" / "results.json")
    parser.add_argument("--fresh", action="store_true", help="run every point again")
    args = parser.parse_args()
    records = run_all(args)
    pictured = [r for r in records if r["variant"] == "full" and r["csi"] == "ls"]
    report.plot(ROOT / "docs" / "figures" / "results.png", pictured)
    command = f"tools/results.py --data <folder> --frames {args.frames} --seed {args.seed}"
    with replacing(ROOT / "docs" / "results.md") as temporary:
        Path(temporary).write_text(page(records, command))
    return 0


if __name__ == "__main__":
    sys.exit(main())
