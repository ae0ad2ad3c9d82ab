# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Write an AVE-layout folder of AVE's real size: AVE's labels and splits, generated features.

    tools/make_ave_sized.py --annotations DIR --out DIR      4143 clips, 4.2 GB, a few minutes

The annotations are the files of AVE's public repository: Annotations.txt, *_order.h5,
*_order_match.h5.  Give the folder a name that cannot be mistaken for AVE.
"""

import argparse
import sys
from pathlib import Path

from gnuradio.semcom.base import screen
from gnuradio.semcom.base.programs import exit_status
from gnuradio.semcom.data import ave_sized


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--annotations", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dtype", choices=("float32", "float16"), default="float32")
    args = parser.parse_args()
    count = len(ave_sized.read_spans(args.annotations))
    with screen.bar() as bar:
        task = bar.add_task("clips", total=count)
        ave_sized.write(
            args.annotations, args.out, args.seed, args.dtype, lambda: bar.advance(task)
        )
    print(f"wrote {count} clips into {args.out}")


if __name__ == "__main__":
    sys.exit(exit_status("make_ave_sized.py", main))
