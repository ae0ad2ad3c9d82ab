# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Show where systems look and what they decide, clip by clip, and measure it over the split.

Draws the first clips whose event covers 3 to 7 segments: the truth, and per system the attention
of each segment over its decision.  Prints how narrow attention is over the whole split, in event
segments and in background segments, as Markdown.  Checkpoints of radio systems and of localisers
stand side by side; their headers tell which is which.  Radio systems run over the given channel
(clip i is frame i, feedback at the same SNR), error-free checkpoints and localisers without one.

examples:
  attention.py                             the shipped pilot_ave_plus on the synthetic set
  attention.py --snr=-10 --channel awgn --clips 5 --out out/attention.pdf
  attention.py --data ave28 --systems models/pilot_ave-full-ave28.safetensors runs/psp.safetensors
"""

import argparse
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress

from ..base.errors import SemcomError, exit_status
from ..base.files import check_writable
from ..base.options import Parser, at_least, number
from ..data import SPLITS, open_set
from ..evaluation import attention
from ..report import attention as attention_figure
from ..run.records import write_json
from ..run.scenario import CHANNELS
from ..systems.loading import check_sizes, load_any
from ..systems.registry import DEFAULT_SYSTEM, systems
from ..training.trainer import link_of
from ..weights.names import shipped

KINDS = (".png", ".pdf", ".svg")


def parse(argv=None):
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="DIR", help="AVE layout (default: the synthetic set)")
    parser.add_argument("--split", choices=SPLITS, default="test", help="default: test")
    parser.add_argument(
        "--systems", metavar="CHECKPOINT", nargs="+", type=Path,
        help="rows of the figure, in this order (default: the default system's of the set)",
    )  # fmt: skip
    parser.add_argument("--clips", type=at_least(1), default=3, help="clips drawn (default: 3)")
    parser.add_argument(
        "--frames", type=at_least(0), default=0, help="clips measured; 0: the split once"
    )
    parser.add_argument("--snr", type=number, default=10.0, metavar="DB", help="[dB], default: 10")
    parser.add_argument("--channel", choices=CHANNELS, default="rayleigh", help="default: rayleigh")
    parser.add_argument("--seed", type=at_least(0), default=0, help="of the channel's draws")
    parser.add_argument(
        "--out", metavar="FILE", default="out/attention.png",
        help="the figure: .png, .pdf or .svg (default: out/attention.png)",
    )  # fmt: skip
    parser.add_argument("--json", metavar="FILE", help="write the measures here as well")
    return parser.parse_args(argv)


def load_models(paths, clips, channel, seed) -> dict:
    """label -> (system, its link) of each checkpoint; the path is the label where names recur."""
    nets = {path: load_any(path) for path in paths}
    names = {path: title(net) for path, net in nets.items()}
    models = {}
    for path, net in nets.items():
        check_sizes(net, clips, path.name)
        if "video" not in net.terminals:
            raise SemcomError(f"{path}: has no video terminal, so no attention; leave it out")
        unique = list(names.values()).count(names[path]) == 1
        link = link_of(net, net.header["variant"], channel, "zf", seed)
        models[names[path] if unique else str(path)] = net, link
    return models


def title(net) -> str:
    """Name of a system; of a radio system with its variant."""
    return f"{net.name}, {net.header['variant']}" if net.name in systems() else net.name


def cells_of_sources(clips, numbers):
    """Cells [N, T, h, w] of what sounds, or None for a set that does not know them."""
    if not hasattr(clips, "sources"):
        return None
    return np.stack([clips.sources(i) for i in numbers])


def measure(models, clips, count, snr) -> list:
    """Records of the measures over the first ``count`` clips."""
    numbers = range(count)
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("clips", total=count)
        watched = attention.watch(models, clips, numbers, snr, lambda done: bar.advance(task, done))
    truth = np.stack([clips.labels(i) for i in numbers])
    sources = cells_of_sources(clips, numbers)
    return attention.records(watched, truth, len(clips.classes) - 1, sources)


def draw(path, models, clips, count, snr) -> None:
    """The figure of the first ``count`` clips that the rule picks."""
    numbers = attention.clips_with_event(clips, count)
    watched = attention.watch(models, clips, numbers, snr)
    sources = cells_of_sources(clips, numbers)
    panels = [
        attention_figure.panel_of(
            clips, number, watched, at, sources=None if sources is None else sources[at]
        )
        for at, number in enumerate(numbers)
    ]
    attention_figure.save(path, panels, clips.classes)


def run(argv=None) -> None:
    args = parse(argv)
    if Path(args.out).suffix not in KINDS:
        raise SemcomError(f"--out {args.out}: its name must end in {', '.join(KINDS)}")
    for path in filter(None, (args.out, args.json)):
        check_writable(path)
    clips = open_set(args.data, args.split)
    paths = args.systems or [shipped(DEFAULT_SYSTEM, data=clips.name)]
    models = load_models(paths, clips, args.channel, args.seed)
    draw(args.out, models, clips, args.clips, args.snr)
    found = measure(models, clips, min(args.frames or len(clips), len(clips)), args.snr)
    setting = {"data": clips.name, "split": args.split, "channel": args.channel}
    setting |= {"snr_db": args.snr, "seed": args.seed}
    if args.json:
        write_json(args.json, [{**setting, **record} for record in found])
    title = f"Attention on {clips.name} ({args.split}), {args.channel}, {args.snr:g} dB"
    print(f"{title}\n\n{attention.markdown(found)}\n\nwrote {args.out}")


def main(argv=None) -> int:
    """Run the program; its exit status."""
    return exit_status("attention.py", lambda: run(argv))
