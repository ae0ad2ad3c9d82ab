# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Training on several GPUs or hosts: the processes of ``torchrun`` do one training.

    torchrun --nproc-per-node 2 apps/train.py ...

In every step each of W processes takes ``batch`` clips, and all step with the mean of their
gradients, as one process with W times the batch would.  The first process validates, writes and
prints.  Without torchrun the functions here do nothing.

The Torch of Debian 13 is built without libuv, which torchrun needs: use another (make TORCH=...).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import timedelta

import torch
import torch.distributed as dist

PATIENCE = timedelta(minutes=10)  # with a process that does not answer; torchrun ends the others


def start(device: str) -> str:
    """Join the processes that torchrun started; returns this one's device."""
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        gpu = device.startswith("cuda")
        dist.init_process_group("nccl" if gpu else "gloo", timeout=PATIENCE)
        if rank():
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        if gpu:
            return f"cuda:{os.environ['LOCAL_RANK']}"
    return device


def stop() -> None:
    """Leave the group of processes."""
    if dist.is_initialized():
        dist.destroy_process_group()


def rank() -> int:
    """Number of this process, 0 is the first."""
    return dist.get_rank() if dist.is_initialized() else 0


def world() -> int:
    """Number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def share(index: torch.Tensor) -> torch.Tensor:
    """This process's part of the clips of a step, as many as any other's: the last step of an
    epoch is filled up from its beginning."""
    missing = -len(index) % world()
    return torch.cat([index, index[:1].expand(missing)])[rank() :: world()]


def average_gradients(parameters: list[torch.nn.Parameter]) -> None:
    """Replace every gradient by its mean over the processes; a process whose batch did not use a
    parameter has a gradient of zero."""
    if world() == 1:
        return
    used = torch.tensor([float(p.grad is not None) for p in parameters])
    used = used.to(parameters[0].device)
    dist.all_reduce(used)
    parameters = [p for p, count in zip(parameters, used.tolist(), strict=True) if count]
    for p in parameters:
        p.grad = torch.zeros_like(p) if p.grad is None else p.grad
    gradients = [p.grad for p in parameters]
    flat = torch.cat([g.flatten() for g in gradients])
    dist.all_reduce(flat)
    flat /= world()
    for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))


def of_the_first(work: Callable[[], float], device) -> float:
    """Do ``work`` in the first process; returns its result in all processes."""
    if world() == 1:
        return work()
    value = torch.tensor(work() if rank() == 0 else 0.0, dtype=torch.float64, device=device)
    dist.broadcast(value, 0)
    return float(value)
