# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The options of a sweep in many processes."""

from argparse import ArgumentTypeError
from dataclasses import dataclass

from ..base.options import Rule, at_least, option

ALONE = Rule(lambda point: not point.scheduler, "without --scheduler")


def address(text: str) -> str:
    """Type of a scheduler's address for argparse; an empty one, as from a file that is not written
    yet, is an error."""
    if not text.strip():
        raise ArgumentTypeError("the address is empty, expected one as tcp://HOST:8786")
    return text


@dataclass(frozen=True)
class ClusterOptions:
    """In many processes, see docs/clusters.md.

    workers    processes of this machine; 0: this process does all of the work
    scheduler  address of a Dask cluster's scheduler; '': none
    """

    workers: int = option(
        0, "processes of this machine that share the work; 0: this one does all of it",
        type=at_least(0, 1000), only=(ALONE,),
    )  # fmt: skip
    scheduler: str = option(
        "", "of a Dask cluster that does the work: tcp://HOST:8786", metavar="ADDRESS",
        type=address,
    )  # fmt: skip

    @property
    def wanted(self) -> bool:
        """Whether other processes do the work."""
        return bool(self.workers or self.scheduler)
