# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The end of the chain: the outcome of each frame, kept and published."""

import pmt

from ..systems.loading import shared_system
from ..systems.registry import DEFAULT_SYSTEM, task_of
from .frame_block import FrameBlock

PORT = pmt.intern("outcomes")


class outcome_sink(FrameBlock):
    """Keeps the outcome of every frame and publishes it in words.

    Input 0  items of the system's outcome, as semantic_decoder gives them

    ``outcomes`` maps a frame's number to its outcome, as the system's task has it (semcom.tasks);
    at most ``keep`` frames are kept, the oldest go first; ``received`` counts all.  ``judge``, a
    function of a frame's number and outcome, is called with each as it comes, if set.
    Message port ``outcomes``: a dict per frame with ``frame`` and what the task says of it:
    ``events`` (names) and ``confidence`` of each second; ``text``; ...

    system      name in the registry
    checkpoint  name or file of the weights; '' is those shipped for the synthetic set
    keep        most frames that are kept; 0: as many as the task keeps
    """

    def __init__(self, system=DEFAULT_SYSTEM, checkpoint="", keep=0):
        net = shared_system(system, str(checkpoint), "cpu")
        FrameBlock.__init__(self, "outcome_sink", [net.outcome_item], [])
        self.task, self.classes = task_of(system, net.task), list(net.classes)
        self.keep, self.judge = keep or self.task.keep, None
        self.received, self.outcomes = 0, {}
        self.message_port_register_out(PORT)

    def process(self, batch):
        for (frame,) in batch:
            self.outcomes[frame.number] = outcome = self.task.outcome(frame.items)
            self.received += 1
            if self.judge:
                self.judge(frame.number, outcome)
            if self.keep and len(self.outcomes) > self.keep:
                del self.outcomes[next(iter(self.outcomes))]
            told = {"frame": frame.number, **self.task.message(outcome, self.classes)}
            self.message_port_pub(PORT, pmt.to_pmt(told))
        return []
