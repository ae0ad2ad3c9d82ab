# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The base of blocks with a Torch system, whose weights can be exchanged while it runs."""

import sys
import threading

import numpy as np
import torch

from ..systems.loading import exchange_for, shared_system
from .frame_block import FrameBlock


def by_length(batch: list) -> list:
    """Cut a batch into runs of tuples whose frames have equal lengths and can be stacked."""
    runs = []
    for frames in batch:
        shape = [None if frame is None else len(frame.items) for frame in frames]
        if not runs or runs[-1][0] != shape:
            runs.append((shape, []))
        runs[-1][1].append(frames)
    return [run for _, run in runs]


class SystemBlock(FrameBlock):
    """A FrameBlock that runs one part of a semantic system with Torch.

    name        name of the block
    inputs      port signatures, see FrameBlock
    outputs     port signatures
    system      name in the registry (``pilot_ave_plus``)
    checkpoint  path of a .safetensors file, or '' for the one shipped for the synthetic set
    device      Torch device ('cpu', 'cuda', ...)
    max_batch   most frames of a batch

    ``set_checkpoint`` and ``set_device`` take effect at the next batch of frames; a checkpoint or
    device that cannot be used is refused with one line on standard error, and the old one stays.
    """

    def __init__(self, name, inputs, outputs, system, checkpoint, device, max_batch):
        self._wanted = (system, str(checkpoint), device)
        self._swap = threading.Lock()
        self._size, self._end, self._gathered = 0, None, []
        self.net = shared_system(*self._wanted)
        together = 1 if self.net.ragged else max_batch
        FrameBlock.__init__(self, name, inputs, outputs, max_batch, together)

    def in_batches(self, size: int, end: int | None = None) -> None:
        """Make frames k * size to (k + 1) * size - 1 a batch from now on, independently of timing.

        The last bits of a network's result depend on the batch, and with this only on the frame
        number. Every frame has to come, in order (except with size 1).

        end  the number after the last frame's, whose batch may be smaller
        """
        self._size, self._end = size, end

    def start(self) -> bool:
        self._gathered = []
        return FrameBlock.start(self)

    def next_batches(self) -> list:
        if not self._size:
            return FrameBlock.next_batches(self)
        self._gathered += self.match()
        whole = []
        while self._gathered:
            first = self._gathered[0][0].number
            wanted = self._size - first % self._size
            if self._end is not None:
                wanted = min(wanted, max(1, self._end - first))
            if len(self._gathered) < wanted:
                break
            whole.append(self._gathered[:wanted])
            del self._gathered[:wanted]
        return whole

    def set_checkpoint(self, checkpoint: str) -> None:
        """Uses another checkpoint of the same system and shapes from the next batch on."""
        self._exchange(checkpoint=str(checkpoint))

    def set_device(self, device: str) -> None:
        """Runs on another Torch device from the next batch on."""
        self._exchange(device=device)

    def _exchange(self, **changes) -> None:
        """Change checkpoint or device, or print one line and keep the old ones if that fails.

        It does not raise: windows of running flowgraphs call it.
        """
        try:
            self._load(**changes)
        except ValueError as cause:
            print(f"{self.alias()}: {cause}", file=sys.stderr, flush=True)

    def _load(self, checkpoint=None, device=None) -> None:
        system, old_checkpoint, old_device = self._wanted
        wanted = (
            system,
            old_checkpoint if checkpoint is None else checkpoint,
            old_device if device is None else device,
        )
        net = exchange_for(self.net, *wanted)
        with self._swap:
            self._wanted, self.net = wanted, net

    @property
    def system(self) -> str:
        """Name of the system."""
        return self._wanted[0]

    @property
    def checkpoint(self) -> str:
        """Path of the present checkpoint; '': the default."""
        return self._wanted[1]

    @property
    def device(self) -> str:
        """The present Torch device."""
        return self._wanted[2]

    def process(self, batch):
        results = []
        torch.get_num_threads()  # the first call makes this thread use the number that was set
        with self._swap, torch.inference_mode():
            for run in [batch] if self.net.ragged else by_length(batch):
                numbers = [next(f.number for f in frames if f is not None) for frames in run]
                results += zip(numbers, *self.infer(run), strict=True)
        return results

    def infer(self, run: list) -> list:
        """The results of ``run``, a list of tuples of frames: a list for each output port, with an
        array per tuple.  The frames have equal lengths, except for a ragged system."""
        raise TypeError(f"{type(self).__name__} must define infer()")

    def stack(self, run: list, port: int):
        """The frames of one port as a tensor [B, length, ...] on the device; for a ragged system, a
        list of tensors.  The memory of the frames is reused when further frames are read.
        """
        if self.net.ragged:
            return [torch.from_numpy(frames[port].items).to(self.device) for frames in run]
        stacked = side_by_side([frames[port] for frames in run])
        for frames in run:
            self.inboxes[port].recycle(frames[port])
        return torch.from_numpy(stacked).to(self.device)


def side_by_side(frames: list) -> np.ndarray:
    """The items of frames of equal lengths, [B, length, ...]; copied only if they are not adjacent
    in memory."""
    room, first = frames[0].room, frames[0].place
    if all(frame.room is room and frame.place == first + i for i, frame in enumerate(frames)):
        return room[first : first + len(frames)]
    return np.stack([frame.items for frame in frames])
