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
    "experiments": "experiments of the paper and further ones by name: figures and tables",
    "results": "all experiments: docs/results.md",
    "tuning": "tune and train the systems of the experiments (hours): docs/tuning.md",
    "attention": "spatial attention of systems, clip by clip: docs/attention.md",
    "guidance": "value of the sidelink's audio guidance for the video terminal: docs/guidance.md",
    "localisers": "train the localisers (hours) and measure them: docs/localisers.md",
    "media": "train the systems on pictures and sound (hours), measure them: docs/media.md",
    "films": "natural clips with the receiver's answers as films: out/films/index.html",
    "classical": "the classical links beside the learned ones: docs/classical.md",
    "classical_features": "quantised features beside analogue symbols: docs/classical-features.md",
    "classical_text": "classical text codes beside the learned text link: docs/classical-text.md",
    "classical_media": "pictures and sound over classical links: docs/classical-media.md",
    "interpolation": "quality of pictures interpolated between key frames: a table on screen",
    "generative": "M3E-VSC beside classical links: docs/generative.md",
    "gallery": "one film as received over several links: docs/gallery.md",
    "bound": "finite-blocklength bounds of the channels: docs/bound.md",
    "coding": "error rates of the classical channel coding: docs/coding.md",
    "synchronisation": "detection and synchronisation of bursts: docs/synchronisation.md",
}

ON_CLUSTERS = (  # studies whose units can run in other processes
    "experiments", "results", "localisers", "classical", "classical_features", "classical_text",
    "classical_media", "coding", "synchronisation",
)  # fmt: skip


def main(words: list) -> int:
    """Run the study that ``words`` name; its exit status."""
    taught = "\n".join(f"  {name:16} {line}" for name, line in STUDIES.items())
    parser = Parser(
        prog="studies", formatter_class=argparse.RawDescriptionHelpFormatter,
        description=f"{__doc__}\n\nstudies:\n{taught}\n\n"
        "A study stopped with Ctrl-C is resumed by the same command.",
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
