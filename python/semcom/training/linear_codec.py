# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Linear codes of features in closed form, the initial weights of the codec around a localiser.

The receiver needs features y [d] that are a linear function of the terminal's features x.  The
terminal sends their first principal components, each scaled to the square root of its standard
deviation (of all scalings with one average power, the one with the least mean square error in weak
noise; Lee and Petersen, IEEE Trans. Commun. 1976), and the receiver inverts this.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..data.tensors import Features
from ..nets.localisers import Localiser
from ..nets.pilot_ave import PilotAve

CLIPS = 800  # whose seconds the components are of
LEAST = 1e-3  # deviation of a part of the picture below which it counts as constant
RIDGE = 1e-6  # of the mean square of x, so that features that are always zero have a solution


def principal(wanted: Tensor, reals: int) -> tuple[Tensor, Tensor]:
    """Code of features [N, d] in so many real numbers, and the way back.

    -> codes [N, reals] of mean square 1 / 2 (a complex symbol has unit power), zero behind the
    d-th;  decoder [d, reals + 1] whose last column is the mean
    """
    mean = wanted.mean(0)
    variance, axes = torch.linalg.eigh((wanted - mean).T.double().cov())
    count = min(reals, len(axes))
    axes, spread = axes.flip(1)[:, :count], variance.flip(0)[:count].clamp_min(1e-12).sqrt()
    scale = (spread.sum() / (reals / 2)).sqrt()  # of the codes: their variances are the spreads
    encode, decode = axes / (spread.sqrt() * scale), axes * (spread.sqrt() * scale)
    codes = wanted.new_zeros(len(wanted), reals)
    codes[:, :count] = (wanted - mean).double() @ encode
    back = wanted.new_zeros(wanted.shape[1], reals + 1)
    back[:, :count], back[:, -1] = decode, mean
    return codes, back


def fitted(x: Tensor, y: Tensor) -> Tensor:
    """Least squares of y [N, e] on x [N, d] and a constant: [e, d + 1], the constant last."""
    mean = x.double().mean(0)
    centred, wanted = x.double() - mean, y.double()
    square = centred.T @ centred
    square.diagonal().add_(RIDGE * square.diagonal().mean())
    weight = torch.linalg.solve(square, centred.T @ wanted).T
    constant = wanted.mean(0) - weight @ mean
    return torch.cat([weight, constant[:, None]], 1).to(y.dtype)


def put(layer: nn.Linear, matrix: Tensor) -> None:
    """Give a linear layer its weights, and as the last column its bias."""
    with torch.no_grad():
        layer.weight.copy_(matrix[:, :-1])
        layer.bias.copy_(matrix[:, -1])


def silence(*deep: nn.Module) -> None:
    """Layers give zero until they have learnt something: their last one does."""
    for part in deep:
        last = [m for m in part.modules() if isinstance(m, nn.Linear | nn.Conv2d)][-1]
        for weight in last.parameters():
            nn.init.zeros_(weight)


@torch.no_grad()
def start_codec(net: PilotAve, teacher: Localiser, clips: Features) -> None:
    """Set the linear layers of the codec of ``net`` (of whose configuration linear is true) to the
    best linear code of what a localiser has of some clips, and silence the layers beside them."""
    device = next(net.parameters()).device
    audio, visual = (x[:CLIPS].to(device) for x in (clips.audio, clips.visual))
    sound, *picture = given(teacher, audio, visual)
    terminals, receiver = (net.audio_terminal, net.video_terminal), net.receiver
    reals = 2 * net.symbols
    codes, back = principal(sound, reals)
    put(terminals[0].line, fitted(audio.flatten(0, 1), codes))
    put(terminals[1].hearing.line, back)
    silence(terminals[0].channel, terminals[1].hearing.deep)
    audio_decoder, video_line, deep = receiver.lines()
    put(audio_decoder.line, back)
    spans = [part.var(0).sum().sqrt().clamp_min(LEAST) for part in picture]  # parts count alike
    codes, back = principal(
        torch.cat([x / s for x, s in zip(picture, spans, strict=True)], 1), reals
    )
    each = [s.expand(x.shape[1]) for x, s in zip(picture, spans, strict=True)]
    put(video_line, back * torch.cat(each)[:, None])
    seen = [
        terminals[1].attend(visual[i], net.encode_audio(audio[i]))[0].flatten(0, 1)
        for i in torch.arange(len(audio)).split(32)
    ]
    put(terminals[1].channel.line, fitted(torch.cat(seen), codes))
    silence(terminals[1].channel.deep, audio_decoder.deep, *deep)


def given(teacher: Localiser, audio: Tensor, visual: Tensor) -> list[Tensor]:
    """What a localiser has of all seconds of some clips, [N T, d] each."""
    pieces = [
        [x.flatten(0, 1) for x in teacher.given(audio[i], visual[i])]
        for i in torch.arange(len(audio)).split(32)
    ]
    return [torch.cat(part) for part in zip(*pieces, strict=True)]
