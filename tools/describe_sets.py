#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Write models/sets.json: moments of features, by which a set's folder of any name finds its
weights.

tools/describe_sets.py synthetic= ave28=DIR media=DIR:train+val+test      NAME=FOLDER[:SPLIT+...]

The moments of several splits are the mean of theirs.
"""

import argparse
import json

import numpy as np
from gnuradio.semcom.base.files import replacing
from gnuradio.semcom.data import open_set
from gnuradio.semcom.systems.choice import SETS, moments
from gnuradio.semcom.weights.names import models_folder


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="+", metavar="NAME=FOLDER[:SPLIT]")
    found = {}
    for word in parser.parse_args().sets:
        name, _, place = word.partition("=")
        folder, _, split = place.partition(":")
        every = [moments(open_set(folder or None, each)) for each in (split or "train").split("+")]
        found[name] = {
            kind: np.mean([each[kind] for each in every], 0).round(3).tolist() for kind in every[0]
        }
    path = models_folder() / SETS
    with replacing(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        json.dump(found, file, separators=(",", ":"))
        file.write("\n")
    print(f"wrote {path}: {', '.join(found)}")


if __name__ == "__main__":
    main()
