# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Fit the features `world`: affine maps over YAMNet's and EfficientNet-Lite0's embeddings.

    tools/merge_material.py --out runs/world/material raw more ... --folds 3
    tools/train_world.py --material runs/world/material \\
        --imagenet efficientnet-lite0-57934424.pth --runs runs/world --out models

A linear classifier learns the events and background from sounds and pictures as in films
(semcom.data.material_filmed): softmax regression with a penalty on the distance from the networks'
own classifiers of AudioSet and ImageNet where these know the class, which helps classes with few
recordings.  The weight of the penalty is chosen on validation.

RUNS gets fold0.safetensors and so on, fitted without the material of one fold, for features of
training clips whose material the classifier has not seen (Wolpert, Stacked Generalization, 1992;
tools/compose.py --folds RUNS); and the drawn examples of both splits, which a later run reuses.
"""

import argparse
import json
import pickle
import sys
import zipfile
from pathlib import Path

import numpy as np
import torch
from gnuradio.semcom.base import screen
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.base.files import make_folder, replacing, sha256
from gnuradio.semcom.base.options import at_least
from gnuradio.semcom.base.programs import exit_status
from gnuradio.semcom.data.clipset import AVE_CLASSES, BACKGROUND, SPLITS
from gnuradio.semcom.data.composition import Script, compose
from gnuradio.semcom.data.material_drawn import DrawnMaterial
from gnuradio.semcom.data.material_filmed import FilmedMaterial
from gnuradio.semcom.media.spectrum import RATE, YAMNET_OFFSET, patches
from gnuradio.semcom.nets import world
from gnuradio.semcom.nets.efficientnet import EfficientNet
from gnuradio.semcom.nets.mobilenet import YAMNet
from gnuradio.semcom.perception.features import squares
from gnuradio.semcom.weights import store as checkpoint
from gnuradio.semcom.weights.names import models_folder

# draws of each event, of background and of nothing: of films' material (of each fold), and drawn
FILMED = {"train": (24, 120, 60), "val": (10, 60, 30)}
DRAWN = {"train": (40, 0, 60), "val": (10, 0, 20)}
SECONDS = 2  # of a draw
STANDS_BY = 0.25  # share of the draws with another object
CLASSES = len(AVE_CLASSES)
LOGIT_SCALE = 0.25  # factor of a logit as a feature
PULLS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
STEPS = 60

AUDIOSET = {  # AudioSet's names of events where they differ from AVE's
    "Male speech, man speaking": ["Speech"],
    "Female speech, woman speaking": ["Speech"],
    "Bark": ["Bark", "Dog"],
    "Train horn": ["Train horn", "Train whistle", "Train"],
    "Clock": ["Clock", "Tick-tock", "Tick"],
    "Goat": ["Goat", "Sheep"],
    "Cat": ["Cat", "Meow"],
    "Horse": ["Horse", "Neigh, whinny"],
    "Rodents, rats, mice": ["Rodents, rats, mice", "Mouse"],
}
ELSE = [  # classes of AudioSet that are none of AVE's
    "Music", "Singing", "Piano", "Drum", "Saxophone", "Trumpet", "Cello", "Engine", "Car",
    "Vehicle", "Animal", "Bird", "Cattle, bovinae", "Pig", "Wind", "Rain", "Water", "Laughter",
    "Gunshot, gunfire", "Silence",
]  # fmt: skip
IMAGENET = {  # numbers of the 1000 classes that show an event's source
    "Church bell": [442, 497], "Bark": [*range(151, 269)],
    "Fixed-wing aircraft, airplane": [404, 895], "Race car, auto racing": [751, 817],
    "Violin, fiddle": [889], "Flute": [558], "Ukulele": [402], "Frying (food)": [567, 909],
    "Truck": [555, 569, 675, 717, 864, 867], "Motorcycle": [665, 670],
    "Acoustic guitar": [402], "Train horn": [466, 547, 820], "Clock": [409, 530, 892],
    "Banjo": [420], "Goat": [348, 349, 350], "Bus": [654, 779, 874], "Chainsaw": [491],
    "Cat": [281, 282, 283, 284, 285], "Horse": [339], "Toilet flush": [861],
    "Rodents, rats, mice": [333, 338], "Accordion": [401],
}  # fmt: skip


def published() -> tuple[YAMNet, EfficientNet]:
    """YAMNet and EfficientNet with their published weights from models/."""
    nets = YAMNet(), EfficientNet().to(memory_format=torch.channels_last)
    for net in nets:
        checkpoint.fill(models_folder() / f"{net.name}.safetensors", net)
    return nets


def scripts(material, most: tuple[int, int, int], rng) -> list[Script]:
    """One script per draw: ``most`` of each event, of background and of nothing seen or
    heard; every fourth has a bystander, another object in the picture."""
    events = sorted(set(material.events()) - {BACKGROUND})
    drawn = [event for event in events for _ in range(most[0])] + [BACKGROUND] * most[1]
    found = []
    for event in drawn + [-1] * most[2]:
        both, others = np.full(SECONDS, event), [e for e in events if e != event]
        stands_by = rng.random() < STANDS_BY
        found.append(Script(both, both, both, int(rng.choice(others)) if stands_by else -1))
    return found


@torch.inference_mode()
def embed(nets, material, fold: int, most: tuple, seed: int) -> dict:
    """The networks' embeddings of draws, second by second; fold -1 takes the material of all folds.

    audio      [n, SECONDS, 1024], maps [n, SECONDS, 5, 5, 1280], float16
    event      [n], -1: nothing is heard and seen;  bystander  [n];  fold  [n]
    """
    key = [seed, fold + 1]
    each = scripts(material, most, np.random.default_rng(key))
    audio, maps = [], []
    with screen.bar("draws") as bar:
        for number, script in enumerate(bar.track(each, len(each), description="draws")):
            rng = np.random.default_rng([*key, number])
            sound, picture_at = compose(rng, material, script)
            spectra = patches(sound.reshape(-1, RATE), YAMNET_OFFSET)
            audio.append(nets[0](torch.from_numpy(spectra))[0].numpy().astype(np.float16))
            view = np.stack([[picture_at(t + 0.5)] for t in range(SECONDS)])
            seen = torch.from_numpy(squares(view, 1, world.PICTURE))
            maps.append(world.picture_maps(nets[1], seen).numpy().astype(np.float16))
    return {
        "audio": np.stack(audio),
        "maps": np.stack(maps),
        "event": np.array([script.seen[0] for script in each]),
        "bystander": np.array([script.bystander for script in each]),
        "fold": np.full(len(each), fold),
    }


def materials_of(folder: Path, split: str) -> list[tuple[FilmedMaterial, int]]:
    """(material, number of the fold) of each fold of the train split, or of another whole split."""
    folders = sorted(folder.glob("fold*[0-9]")) if split == "train" else [folder]
    if not folders:
        raise SemcomError(
            f"{folder}: has no folder fold0; make it with tools/merge_material.py --folds 3"
        )
    return [(FilmedMaterial(each, split), fold) for fold, each in enumerate(folders)]


def draws_of(folder: Path, split: str, seed: int) -> dict:
    """Examples for the classifiers: from filmed material, and drawn."""
    nets, own = published(), seed + SPLITS.index(split)
    made = [embed(nets, *each, FILMED[split], own) for each in materials_of(folder, split)]
    made.append(embed(nets, DrawnMaterial(seed), -1, DRAWN[split], own))
    return {name: np.concatenate([part[name] for part in made]) for name in made[0]}


def examples(draws: dict, kind: str, wanted=True) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings [n, d] and classes [n] of the ``wanted`` draws; draws with a bystander are left
    out for pictures."""
    if kind == "audio":
        x = draws["audio"]
    else:
        x, wanted = draws["maps"].mean((2, 3), dtype=np.float32), wanted & (draws["bystander"] < 0)
    wanted = np.broadcast_to(wanted, len(x))
    classes = np.where(draws["event"] < 0, BACKGROUND, draws["event"])
    return x[wanted].reshape(-1, x.shape[-1]), np.repeat(classes[wanted], x.shape[1])


def sound_prior() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """YAMNet's own classifier: rows [29, 1025] of AVE's classes with the bias last, 0 for classes
    that it does not know; whether it knows a class, [29]; and rows [n, 1025] of classes that are
    none of AVE's."""
    path = models_folder() / f"{YAMNet.name}.safetensors"
    net, names = YAMNet(), checkpoint.read_header(path)["classes"]
    checkpoint.fill(path, net)
    rows = torch.cat([net.classify.weight, net.classify.bias[:, None]], 1).detach().numpy()
    groups = {name: AUDIOSET.get(name, [name]) for name in AVE_CLASSES[:BACKGROUND]}
    numbers = {name: [names.index(each) for each in group] for name, group in groups.items()}
    return (*grouped(rows, numbers), rows[[names.index(name) for name in ELSE]])


def picture_prior(weights: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """EfficientNet-Lite0's classifier of ImageNet in the form of :func:`sound_prior`, without rows
    of other classes."""
    try:
        state = torch.load(weights, map_location="cpu", weights_only=True)
        rows = torch.cat([state["_fc.weight"], state["_fc.bias"][:, None]], 1).numpy()
    except (RuntimeError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as cause:
        told = str(cause).splitlines()[0]
        raise SemcomError(f"--imagenet {weights}: not the published .pth ({told})") from cause
    return (*grouped(rows, IMAGENET), rows[:0])


def grouped(rows: np.ndarray, numbers: dict) -> tuple[np.ndarray, np.ndarray]:
    """Mean row of the group of each of AVE's classes."""
    known = np.array([name in numbers for name in AVE_CLASSES])
    means = [rows[numbers.get(name, [])].sum(0) for name in AVE_CLASSES]
    counts = [max(1, len(numbers.get(name, []))) for name in AVE_CLASSES]
    return np.array(means) / np.array(counts)[:, None], known


def fit(x: np.ndarray, y: np.ndarray, prior: np.ndarray, pull: float) -> np.ndarray:
    """Softmax regression [29, d + 1] with the bias last.  All classes have the same weight;
    ``pull`` times the squared distance of the weights from ``prior`` [29, d + 1] is added to the
    loss.  Classes without examples keep the prior's weights."""
    inputs, labels = torch.from_numpy(with_one(x)), torch.from_numpy(y).long()
    count = torch.bincount(labels, minlength=CLASSES)
    weigh = (1 / count.clamp_min(1).float().sqrt())[labels]
    start = torch.from_numpy(prior.astype(np.float32))
    moved = torch.zeros_like(start, requires_grad=True)
    optimizer = torch.optim.LBFGS([moved], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        logits = (inputs @ (start + moved).T).masked_fill(count == 0, -1e4)
        each = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
        total = (weigh * each).sum() / weigh.sum() + pull * moved[:, :-1].square().sum()
        total.backward()
        return total

    optimizer.step(loss)
    return (start + moved).detach().numpy()


def with_one(x: np.ndarray) -> np.ndarray:
    """Rows [n, d] -> [n, d + 1] float32 with a last column of 1, which multiplies the offset of an
    affine map."""
    return np.pad(x.astype(np.float32), ((0, 0), (0, 1)), constant_values=1)


def judged(rows: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Mean over classes of the accuracy, and of the negative log-likelihood [nat]."""
    logits = torch.from_numpy(with_one(x) @ rows.T)
    cost = torch.nn.functional.cross_entropy(logits, torch.from_numpy(y).long(), reduction="none")
    right = (logits.argmax(1).numpy() == y).astype(float)
    classes = np.unique(y)
    return tuple(float(np.mean([v[y == c].mean() for c in classes])) for v in (right, cost.numpy()))


def chosen(train, val, prior: np.ndarray) -> tuple[np.ndarray, float, str]:
    """The scaled prior and the weight of the penalty with the best result on validation, and that
    result as text."""
    tried = []
    for share in (0.0, 1.0):
        for pull in PULLS:
            right, cost = judged(fit(*train, share * prior, pull), *val)
            tried.append((cost, share, pull, right))
            print(f"  prior x {share}, pull {pull}: {right:.3f} right, {cost:.3f} nat", flush=True)
    cost, share, pull, right = min(tried)
    return share * prior, pull, f"{right:.3f} of val named right, {cost:.3f} nat"


def affine(head: np.ndarray, own: np.ndarray, x: np.ndarray, size: int) -> np.ndarray:
    """Rows [size, d + 1] of the features: logits, the network's own scores, and the directions in
    which ``x`` varies most."""
    mean, axes = x.astype(np.float32).mean(0), size - len(head) - len(own)
    _, vectors = np.linalg.eigh(np.cov(x.astype(np.float32), rowvar=False))
    main = vectors[:, ::-1][:, :axes].T
    more = np.vstack([own, np.column_stack([main, -main @ mean])])
    values = with_one(x) @ more.T
    more[:, -1] -= values.mean(0)
    return np.vstack([LOGIT_SCALE * head, more / values.std(0)[:, None]]).astype(np.float32)


def write(path: Path, rows: dict, data: str, notes: dict) -> None:
    """Write affine maps as a checkpoint, 8 bits a weight and 16 an offset.

    path   file to write
    rows   "audio" and "visual" -> rows [size, d + 1] of :func:`affine`
    data   name of what they were fitted to, for the header
    notes  results of :func:`chosen` as text, for the header
    """
    header = {
        "format": checkpoint.FORMAT, "system": world.WorldMaps.name, "variant": "features",
        "config": {}, "classes": list(AVE_CLASSES), "data": data, "found": notes,
    }  # fmt: skip
    tensors = {}
    for kind, each in rows.items():
        tensors[f"{kind}.weight"] = torch.from_numpy(each[:, :-1].copy())
        tensors[f"{kind}.bias"] = torch.from_numpy(each[:, -1].copy())
    tensors = {
        k: v.half() if v.dim() == 1 else v for k, v in checkpoint.eight_bits(tensors).items()
    }
    checkpoint.write(path, tensors, {checkpoint.KEY: json.dumps(header)})
    print(f"wrote {path}: {path.stat().st_size:,} bytes, sha256 {sha256(path)}")


def kept(args, split: str) -> dict:
    """The draws of a split, computed on the first run and then read; SemcomError if they are of
    another seed."""
    path = make_folder(args.runs) / f"draws_{split}.npz"
    if not path.exists():
        made = draws_of(args.material, split, args.seed)
        with replacing(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, seed=args.seed, **made)
    found, seed = read(path)
    if seed not in (None, args.seed):
        raise SemcomError(f"{path}: of seed {seed}, not {args.seed}; give another --runs")
    return found


def read(path: Path) -> tuple[dict, int | None]:
    """(draws, seed or None if the file has none); SemcomError for a file of another kind."""
    try:
        with np.load(path) as file:
            found = dict(file)
        seed = found.pop("seed", None)
        sizes = {len(found[name]) for name in ("audio", "maps", "event", "fold")}
        finite = all(np.isfinite(found[name]).all() for name in ("audio", "maps"))
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as cause:
        raise SemcomError(
            f"{path}: holds no draws ({cause}); remove it, and tools/train_world.py writes it again"
        ) from cause
    if len(sizes) > 1 or not finite:
        raise SemcomError(
            f"{path}: is truncated or holds NaN; remove it, and the next run writes it again"
        )
    return found, None if seed is None else int(seed)


def train(args) -> None:
    """Fit the maps of sounds and pictures, and write them into --out; those of each fold, fitted
    without it, into --runs."""
    priors = {"audio": sound_prior(), "visual": picture_prior(args.imagenet)}
    draws, val = kept(args, "train"), kept(args, "val")
    fold, rows, notes = draws["fold"], {}, {}
    sizes = {"audio": world.AUDIO_DIM, "visual": world.VISUAL_DIM}
    for kind, (prior, known, others) in priors.items():
        print(kind)
        pulled, pull, notes[kind] = chosen(examples(draws, kind), examples(val, kind), prior)
        own, x = np.vstack([prior[known], others]), examples(draws, kind)[0]
        for name in (world.WorldMaps.name, *(f"fold{k}" for k in range(fold.max() + 1))):
            apart = fold == int(name[4:]) if name.startswith("fold") else fold < -1
            head = fit(*examples(draws, kind, ~apart), pulled, pull)
            rows.setdefault(name, {})[kind] = affine(head, own, x, sizes[kind])
            if apart.any():
                right, cost = judged(head, *examples(draws, kind, apart))
                print(f"  {name}: {right:.3f} of its own named right, {cost:.3f} nat", flush=True)
    for name, each in rows.items():
        folder = args.runs if name.startswith("fold") else args.out
        write(folder / f"{name}.safetensors", each, args.material.resolve().name, notes)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--material", type=Path, required=True, help="folder written by merge_material.py --folds"
    )
    parser.add_argument(
        "--imagenet",
        type=Path,
        required=True,
        help="published weights of EfficientNet-Lite0 (.pth)",
    )
    parser.add_argument("--runs", type=Path, default=Path("runs/world"))
    parser.add_argument("--out", type=Path, default=Path("models"))
    parser.add_argument("--seed", type=at_least(0), default=0, help="seed of the draws")
    args = parser.parse_args()
    torch.set_num_threads(1)
    train(args)


if __name__ == "__main__":
    sys.exit(exit_status("train_world.py", main))
