# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Fit the temperatures and thresholds of the terminals' recognisers, and the fusion of picture and
sound: the constants of semcom.perception.recognition and semcom.perception.fusion.

    tools/calibrate_recognition.py --manifests raw/manifest.csv more/manifest_audio.csv

Inputs are photographs as squares of 64 pixels and the second in the middle of recordings.
Temperatures minimise the cross entropy on val.  Then pairs of a picture and a sound are drawn, of
one class, of different classes, or with background as one of the two, and the constants with the
largest score on val are chosen: a class (background: "something else") named correctly counts 1,
named wrongly -1, and an event called "something else" 0.  Results are printed for the test split,
with 95 % bootstrap intervals over pairs.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from gnuradio.semcom.base.programs import exit_status
from gnuradio.semcom.data.clipset import BACKGROUND
from gnuradio.semcom.data.material_raw import RawMaterial
from gnuradio.semcom.data.recordings import recordings
from gnuradio.semcom.media.phase import seconds_of
from gnuradio.semcom.perception.fusion import fused
from gnuradio.semcom.perception.recognition import heard, seen
from gnuradio.semcom.tasks.scores import clip_bootstrap
from gnuradio.semcom.training.sounds import middles
from gnuradio.semcom.training.stills import middle
from scipy.optimize import minimize_scalar
from scipy.special import softmax

PAIRS = 4000
MEETINGS = {"same": 0.6, "different": 0.2, "picture of background": 0.1, "sound of background": 0.1}
WEIGHTS = np.round(np.arange(0, 1, 0.05), 2)
SURE = np.round(np.arange(0, 0.85, 0.05), 2)


def recognised(manifests: list[Path], split: str) -> tuple:
    """(logits [n, 29], classes [n]) of the pictures, and the same of the sounds, of a split; the
    logits are logarithms of the probabilities at temperature 1."""
    pictures = RawMaterial(manifests[0].parent, split).pictures
    pairs = [(event, middle(one)) for event, group in pictures.items() for one in group]
    sounds, events = middles(recordings(manifests, split))
    spectra = np.concatenate([seconds_of(sound) for sound in sounds])
    squares = np.stack([square for _, square in pairs])
    with np.errstate(divide="ignore"):
        shown, played = np.log(seen(squares, 1.0).probabilities), np.log(heard(spectra, 1.0))
    return (shown, np.array([event for event, _ in pairs])), (played, events)


def temperature(logits: np.ndarray, classes: np.ndarray) -> float:
    """The temperature, 0.1 to 5, with the least cross entropy of logits [n, 29] for the right
    classes [n]."""

    def entropy(value: float) -> float:
        likely = softmax(logits / value, 1)[np.arange(len(classes)), classes]
        return -np.log(likely + 1e-9).mean()

    return float(minimize_scalar(entropy, (0.1, 5), bounds=(0.1, 5), method="bounded").x)


def calibration_error(likely: np.ndarray, classes: np.ndarray) -> float:
    """Mean |confidence - share right| of probabilities [n, 29] for the right classes [n], over ten
    bins of confidence, weighted by their size."""
    sure, right = likely.max(1), likely.argmax(1) == classes
    bins = np.minimum((sure * 10).astype(int), 9)
    each = [(bins == b).mean() * abs((sure - right)[bins == b].mean()) for b in set(bins.tolist())]
    return float(np.sum(each))


def drawn_pairs(rng: np.random.Generator, shown: np.ndarray, played: np.ndarray) -> tuple:
    """PAIRS pairs, from the classes of all pictures and of all sounds: the number of a picture [n]
    and of a sound [n], and their meeting [n], a key of MEETINGS."""
    common = sorted((set(shown.tolist()) & set(played.tolist())) - {BACKGROUND})
    meetings = rng.choice(list(MEETINGS), PAIRS, p=list(MEETINGS.values()))
    found = []
    for meeting in meetings:
        see, hear = rng.choice(common, 2, replace=False)
        hear = see if meeting == "same" else hear
        see = BACKGROUND if meeting.startswith("picture") else see
        hear = BACKGROUND if meeting.startswith("sound") else hear
        found.append(
            [rng.choice(np.flatnonzero(c == k)) for c, k in ((shown, see), (played, hear))]
        )
    return *np.array(found).T, meetings


def named(likely: np.ndarray, sure: float) -> np.ndarray:
    """Classes [n] that probabilities [n, 29] name; BACKGROUND, "something else", where the largest
    is below ``sure``."""
    return np.where(likely.max(1) < sure, BACKGROUND, likely.argmax(1))


def worth(names: np.ndarray, classes: np.ndarray) -> float:
    """Mean score, -1 to 1, of the names [n] for the right classes [n]: a right one counts 1,
    "something else" for an event 0, any other -1."""
    right, unsure = names == classes, names == BACKGROUND
    return float(np.where(right, 1, np.where(unsure, 0, -1)).mean())


def best_sure(likely: np.ndarray, classes: np.ndarray) -> tuple[float, float]:
    """(largest :func:`worth`, its threshold of confidence) over SURE, for probabilities [n, 29] and
    the right classes [n]; of equal ones the highest threshold."""
    return max((worth(named(likely, sure), classes), sure) for sure in SURE)


def choose(shown, played, classes) -> tuple:
    """(weight, thresholds of pictures and of sounds) with the largest mean score on pairs.

    shown, played  probabilities [n, 29] of the pictures and of the sounds
    classes        right classes [n] of both
    """
    choices = []
    for same in WEIGHTS:
        both = fused(shown, played, same)
        each = [best_sure(likely, own) for likely, own in zip(both, classes, strict=True)]
        choices.append((sum(value for value, _ in each) / 2, same, *(sure for _, sure in each)))
        print("same {1:.2f}: worth {0:.3f}, sure {2:.2f} {3:.2f}".format(*choices[-1]))
    return max(choices)[1:]


def report(title: str, names, classes, meetings) -> None:
    """Print the shares named right of pictures and sounds, in all and by meeting.

    title     beginning of the lines
    names     classes [n] named for pictures and for sounds
    classes   right classes [n] of both
    meetings  keys of MEETINGS [n]
    """
    for what, said, own in zip(("pictures", "sounds"), names, classes, strict=True):
        right = said == own
        low, high = clip_bootstrap(right)
        by = ", ".join(f"{m} {right[meetings == m].mean():.3f}" for m in MEETINGS)
        wrong = ((said != own) & (said != BACKGROUND)).mean()
        print(
            f"  {title}, {what}: {right.mean():.3f} ({low:.3f} to {high:.3f}), named wrongly "
            f"{wrong:.3f}, worth {worth(said, own):.3f}; {by}"
        )


def main() -> None:
    """Fit on val, and report on the test split."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--manifests",
        type=Path,
        nargs="+",
        required=True,
        help="manifest.csv of the raw material first, then further ones",
    )
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    sets = {split: recognised(args.manifests, split) for split in ("val", "test")}
    heats = [temperature(*one) for one in sets["val"]]
    print("temperatures of pictures and sounds: {:.2f} {:.2f}".format(*heats))
    pairs = {}
    for split, both in sets.items():
        likely = [softmax(one / heat, 1) for (one, _), heat in zip(both, heats, strict=True)]
        for what, before, (logits, own) in zip(("pictures", "sounds"), likely, both, strict=True):
            right = (before.argmax(1) == own).mean()
            errors = [calibration_error(each, own) for each in (softmax(logits, 1), before)]
            print(
                f"{split}, {what}: {right:.3f} of {len(own)} named right, calibration error "
                "{:.3f}, with temperature {:.3f}".format(*errors)
            )
        classes = [own for _, own in both]
        *numbers, meetings = drawn_pairs(np.random.default_rng(args.seed), *classes)
        taken = [one[i] for one, i in zip(likely, numbers, strict=True)]
        pairs[split] = taken, [own[i] for own, i in zip(classes, numbers, strict=True)], meetings
    same, *sure = choose(*pairs["val"][0], pairs["val"][1])
    alone = [best_sure(*each)[1] for each in zip(*pairs["val"][:2], strict=True)]
    print(f"chosen: same {same}, sure of pictures {sure[0]}, of sounds {sure[1]}; alone {alone}")
    for split, (likely, classes, meetings) in pairs.items():
        print(split)
        for title, weight, least in (("alone", 0, alone), ("fused", same, sure)):
            both = fused(*likely, weight)
            names = [named(one, limit) for one, limit in zip(both, least, strict=True)]
            report(title, names, classes, meetings)


if __name__ == "__main__":
    sys.exit(exit_status("calibrate_recognition.py", main))
