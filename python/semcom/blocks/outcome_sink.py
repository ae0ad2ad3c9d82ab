# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A sink that keeps and publishes the outcome of each frame."""

import pmt

from ..systems.loading import shared_system
from ..systems.registry import DEFAULT_SYSTEM, task_of
from .frame_block import FrameBlock

PORT = pmt.intern("outcomes")


class outcome_sink(FrameBlock):
    """Keeps the outcome of every frame and publishes it as a message.

    Input 0  items of the system's outcome, from semantic_decoder

    ``outcomes`` is {frame number: outcome}, with the outcome's type of the system's task
    (semcom.tasks); at most ``keep`` frames are kept, the latest; ``received`` counts all.
    ``judge``, if set, is called with each frame's number and outcome as it comes.

    Message port ``outcomes``: a dict per frame with ``frame`` and the task's keys: ``events``
    (names) and ``confidence`` of each second; ``text``; ...

    system      name in the registry
    checkpoint  name or file of the weights; '' is those shipped for the synthetic set
    keep        most frames that are kept; 0: the task's default
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
            if self.is_heard(PORT):
                told = {"frame": frame.number, **self.task.message(outcome, self.classes)}
                self.message_port_pub(PORT, pmt.to_pmt(told))
        return []
