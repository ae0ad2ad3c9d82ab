# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Run a study: .venv/bin/python -m studies NAME [options]"""

import argparse
import contextlib
import importlib
import sys

from gnuradio.semcom.base import options
from gnuradio.semcom.base.options import Parser
from gnuradio.semcom.base.programs import exit_status
from gnuradio.semcom.sweep.cluster import opened, options_of
from gnuradio.semcom.sweep.options import ClusterOptions

from .work import STOPPED, shared

STUDIES = {  # a module each, imported when it is run: GNU Radio reads some settings only once
    "experiments": "the paper's experiments and ours, any of them: figures and tables",
    "results": "all of them: docs/results.md",
    "tuning": "tune and train what they need (hours): docs/tuning.md",
    "attention": "where systems look: docs/attention.md",
    "guidance": "whether the sound tells where to look: docs/guidance.md",
    "localisers": "train the localisers (hours) and measure them: docs/localisers.md",
    "media": "train what media need (hours) and measure it: docs/media.md",
    "films": "films of what was understood of clips, on a page: out/films/index.html",
    "classical": "the classical links beside the learned ones: docs/classical.md",
    "classical_features": "quantised features beside analogue symbols: docs/classical-features.md",
    "classical_text": "sentences by classical codes: docs/classical-text.md",
    "classical_media": "media that classical links show again: docs/classical-media.md",
    "interpolation": "pictures made between key frames: a table on screen",
    "generative": "M3E-VSC beside classical links: docs/generative.md",
    "gallery": "one film over several links, to look at: docs/gallery.md",
    "bound": "how many bits the channel can carry: docs/bound.md",
    "coding": "what the classical channel coding reaches: docs/coding.md",
    "synchronisation": "what the receiver of bursts reaches: docs/synchronisation.md",
}

ON_CLUSTERS = (  # studies of units that other processes can do
    "experiments", "results", "localisers", "classical", "classical_features", "classical_text",
    "classical_media", "coding", "synchronisation",
)  # fmt: skip


def main(words: list) -> int:
    """Run the study that ``words`` name; its exit status."""
    taught = "\n".join(f"  {name:16} {line}" for name, line in STUDIES.items())
    parser = Parser(
        prog="studies", formatter_class=argparse.RawDescriptionHelpFormatter,
        description=f"{__doc__}\n\nstudies:\n{taught}\n\n"
        "Stopped with Ctrl-C, a study goes on where it was with the same command.",
    )  # fmt: skip
    parser.add_argument("name", metavar="NAME", choices=STUDIES, help="see above")
    name = parser.parse_args(words[:1]).name
    study = importlib.import_module(f".{name}", __package__)
    own = Parser(
        prog=f"studies {name}", description=study.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    study.add_options(own)
    if name in ON_CLUSTERS:
        options.add_options(own, ClusterOptions)
    args = own.parse_args(words[1:])

    def work():
        with opened(options_of(args)) or contextlib.nullcontext() as cluster, shared(cluster):
            study.run(args)

    return exit_status(f"studies {name}", work, lambda: STOPPED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
