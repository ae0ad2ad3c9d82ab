# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Calibrate the confidence of systems of events, and write it into their checkpoints' headers.

    tools/calibrate.py models/pilot_ave_plus-*-media.safetensors --data runs/world/media
    tools/calibrate.py models/pilot_ave_plus-full-ave28.safetensors --data ave28 --same-decisions
    tools/calibrate.py models/pilot_ave_plus-full-ave28.safetensors --data ave28 --check

The validation split of DATA fits a temperature and a bias of the background for each knot of the
effective SNR (semcom.nets.calibration), over AWGN, Rayleigh and Rician from -15 to 30 dB;
--same-decisions: temperatures alone, so that every accuracy stays what it was.  The
expected calibration error on the test split (15 bins, Rayleigh), before and after, and the accuracy
are printed.  Weights do not change; the model card beside them gets the figures.  Run it again
after every training.

--check      prints the figures of the files as they are, and writes nothing
--eventless  weighs the clips so that those without an event make up this share, as where a camera
             mostly shows none of the events; default: as in the split
--test       folders of further sets; figures on their test splits are printed, too
"""

import argparse
import json
import sys
from pathlib import Path

import torch
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.base.files import replacing
from gnuradio.semcom.base.options import share
from gnuradio.semcom.base.programs import exit_status
from gnuradio.semcom.chain.link import TorchLink
from gnuradio.semcom.data import open_set
from gnuradio.semcom.data.tensors import Features, read
from gnuradio.semcom.nets.calibration import Calibration
from gnuradio.semcom.systems.loading import check_set, load_any
from gnuradio.semcom.tasks.scores import calibration_error
from gnuradio.semcom.training import calibrate
from gnuradio.semcom.training.evaluate import link_of
from gnuradio.semcom.weights import store as checkpoint
from safetensors.torch import load_file

SNRS_DB = (-10.0, 0.0, 10.0)
WHERE = {"none": "error-free"}


def said_of(net, variant: str, clips: Features) -> dict:
    """SNR, or "none" without a channel -> the receiver's answers for a split over Rayleigh."""
    links = {"none": (TorchLink("none"), 0.0)}
    if variant != "error_free":
        link = link_of(net, variant, "rayleigh", "lmmse", seed=1)
        links |= {f"{snr:g}": (link, snr) for snr in SNRS_DB}
    return {name: calibrate.answers(net, clips, *where) for name, where in links.items()}


def figures(calibration: Calibration, said: dict) -> dict:
    """SNR -> calibration error, accuracy and mean confidence of the answers."""
    found = {}
    for name, told in said.items():
        sure, event = calibration(told.logits, told.noise).max(-1)
        right = (event == told.labels).numpy()
        found[name] = (calibration_error(sure.numpy(), right), right.mean(), float(sure.mean()))
    return found


def tell(what: str, found: dict) -> None:
    """Print a line with the figures ``found``: name -> (calibration error, share right, mean
    confidence)."""
    parts = (f"{k}: {e:.3f} ({a:.3f} right, {c:.3f} sure)" for k, (e, a, c) in found.items())
    print(f"  {what}: {'; '.join(parts)}", flush=True)


def rewrite(path: Path, calibration: Calibration) -> None:
    """Replace the calibration in a checkpoint's header."""
    header = checkpoint.read_header(path) | {checkpoint.CALIBRATION: calibration.header()}
    checkpoint.write(path, load_file(path), {checkpoint.KEY: json.dumps(header)})


def made_from(clips, args: argparse.Namespace) -> str:
    """What a calibration was fitted to, in words."""
    told = f"validation split of {clips.name}, {len(clips):,} clips"
    if args.eventless is not None:
        told += f"; those without an event weigh {args.eventless:.0%}"
    return told + ("; no decision changes" if args.same_decisions else "")


def note(path: Path, how: str, before: dict, after: dict) -> None:
    """Write what a calibration was fitted to, ``how``, and its figures into the model card beside a
    checkpoint, if it has one."""
    card = path.with_suffix(".md")
    if not card.is_file():
        return
    parts = [
        f"{WHERE.get(name, f'{name} dB')} {before[name][0]:.3f}, then {after[name][0]:.3f}"
        for name in after
    ]
    rows = [
        f"| calibration | {how} |",
        f"| calibration error on test, as trained, then calibrated | {'; '.join(parts)} |",
    ]
    kept = [line for line in card.read_text(encoding="utf-8").splitlines()
            if not line.startswith("| calibration")]  # fmt: skip
    at = next((n for n, line in enumerate(kept) if line.startswith("| licence")), len(kept))
    with replacing(card) as temporary:
        text = "\n".join([*kept[:at], *rows, *kept[at:]]) + "\n"
        Path(temporary).write_text(text, encoding="utf-8")


def run(path: Path, sets: dict, args: argparse.Namespace) -> None:
    """Calibrate one file, or only print how well it is calibrated."""
    net = load_any(path)
    if not hasattr(net, checkpoint.CALIBRATION) or not hasattr(net, "understand"):
        raise SemcomError(
            f"{path}: {net.name} has no calibration; give weights of a learned system of events"
        )
    variant = net.header["variant"]
    print(path.name)
    others = [open_set(folder, "test") for folder in args.test]
    for clips in (*sets.values(), *others):
        check_set(net, clips, path.name)
    said = said_of(net, variant, read(sets["test"], terminals=net.terminals))
    if not args.check:
        told = calibrate.link_answers(net, variant, read(sets["val"], terminals=net.terminals))
        net.calibration = calibrate.fitted(
            told, with_background=not args.same_decisions, eventless=args.eventless
        )
        before, after = (figures(each, said) for each in (Calibration(), net.calibration))
        tell("before, test", before)
        rewrite(path, net.calibration)
        note(path, made_from(sets["val"], args), before, after)
        print(f"  temperature {net.calibration.temperature} at {net.calibration.snr_db} dB")
        print(f"  background {net.calibration.background}")
    tell(f"{sets['test'].name}, test", figures(net.calibration, said))
    for clips in others:
        own = said_of(net, variant, read(clips, terminals=net.terminals))
        tell(f"{clips.name}, test", figures(net.calibration, own))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument("--data", type=Path, help="folder of the set; default: the synthetic one")
    parser.add_argument("--test", type=Path, nargs="*", default=[], metavar="DIR")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--same-decisions", action="store_true")
    parser.add_argument("--eventless", type=share, metavar="SHARE")
    args = parser.parse_args()
    if args.check and (args.same_decisions or args.eventless is not None):
        raise SemcomError(
            "--same-decisions and --eventless: have no effect with --check; leave one of them out"
        )
    torch.set_num_threads(1)
    sets = {split: open_set(args.data, split) for split in ("val", "test")}
    for path in args.checkpoints:
        run(path, sets, args)


if __name__ == "__main__":
    sys.exit(exit_status("calibrate.py", main))
