# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Fit the terminals' classifier of pictures: logistic regression over frozen EfficientNet-Lite0.

    tools/train_recogniser.py --raw DIR --out models

Fits on the train split of RAW and reports val and test, in the views of tools/train_judges.py.  The
network is not the judges': judges must be independent of what terminals use.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from gnuradio.semcom.base.files import make_folder
from gnuradio.semcom.base.programs import exit_status
from gnuradio.semcom.data.material_raw import RawMaterial
from gnuradio.semcom.nets.efficientnet import EMBEDDING, EfficientNet
from gnuradio.semcom.perception import recognition
from torch.nn import functional as F
from train_judges import PICTURE_VIEWS, embedded, report, write

INVERSE = 0.01  # inverse penalty C of the regression, as of the judge of pictures
ROUNDS = 150


def embed(picture: np.ndarray) -> np.ndarray:
    """The embedding [1280] of a picture."""
    return recognition.picture_maps(picture[None]).mean((2, 3))[0].numpy()


class Regression:
    """Logistic regression with the penalty of the squared weights / (2 C) of scikit-learn, fitted
    by L-BFGS.

    seen     embeddings [n, d] float32
    classes  class of each [n]

    Results are ``classes_`` [C], ``coef_`` [C, d] and ``intercept_`` [C], as scikit-learn names
    them.
    """

    def __init__(self, seen: np.ndarray, classes: np.ndarray):
        self.classes_ = np.unique(classes)
        x, y = torch.from_numpy(seen), torch.from_numpy(np.searchsorted(self.classes_, classes))
        weight = torch.zeros(len(self.classes_), x.shape[1], requires_grad=True)
        bias = torch.zeros(len(self.classes_), requires_grad=True)
        search = "strong_wolfe"
        fit = torch.optim.LBFGS(
            [weight, bias], max_iter=ROUNDS, history_size=20, line_search_fn=search
        )

        def loss() -> torch.Tensor:
            fit.zero_grad()
            penalty = weight.square().sum() / (2 * INVERSE * len(x))
            off = F.cross_entropy(x @ weight.T + bias, y) + penalty
            off.backward()
            return off

        fit.step(loss)
        self.coef_, self.intercept_ = weight.detach().numpy(), bias.detach().numpy()

    def predict(self, seen: np.ndarray) -> np.ndarray:
        """Classes of embeddings [n, d]."""
        return self.classes_[(seen @ self.coef_.T + self.intercept_).argmax(1)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--raw", type=Path, required=True, help="folder with manifest.csv")
    parser.add_argument("--out", type=Path, default=Path("models"))
    args = parser.parse_args()
    make_folder(args.out)
    sets = {
        split: embedded(RawMaterial(args.raw, split).pictures, PICTURE_VIEWS, embed)
        for split in ("train", "val", "test")
    }
    views, classes = sets["train"]
    layer = Regression(np.concatenate(list(views.values())), np.tile(classes, len(views)))
    path, network = args.out / f"{recognition.PICTURES}.safetensors", (EfficientNet.name, EMBEDDING)
    write(path, layer, network, args.raw.resolve().name)
    for split in ("val", "test"):
        report(split, layer, *sets[split])


if __name__ == "__main__":
    sys.exit(exit_status("train_recogniser.py", main))
