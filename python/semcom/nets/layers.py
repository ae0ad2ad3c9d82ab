# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Building blocks of the systems; equations are those of Yu et al. (arXiv:2412.06208)."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F


def to_complex(features: torch.Tensor) -> torch.Tensor:
    """Eqs (1), (4): real [..., 2L] -> complex [..., L], first half real, second half imaginary
    part.

    lambda exp(j theta) with lambda = |r + js| and theta = atan2(s, r) *is* r + js; written so, the
    gradient has no singularity at zero.
    """
    return torch.complex(*features.float().chunk(2, dim=-1))


def to_real(symbols: torch.Tensor) -> torch.Tensor:
    """Eqs (8), (9): complex [..., L] -> real [..., 2L], inverse of :func:`to_complex`."""
    return torch.cat([symbols.real, symbols.imag], dim=-1)


def unit_power(symbols: torch.Tensor) -> torch.Tensor:
    """Scale each clip [B, T, L] to an average symbol power of one."""
    power = symbols.abs().square().mean((-2, -1), keepdim=True)
    return symbols / power.clamp_min(1e-12).sqrt()


def limit_power(symbols: torch.Tensor) -> torch.Tensor:
    """Scale clips [..., T, L] that are stronger than unit power down to it (gain control)."""
    power = symbols.abs().square().mean((-2, -1), keepdim=True)
    return symbols / power.clamp_min(1).sqrt()


def shrink(symbols: torch.Tensor, no_eff: torch.Tensor) -> torch.Tensor:
    """MMSE estimate of unit-power symbols in noise: x / (1 + no_eff); no_eff = inf gives 0.

    symbols [B, K, T, L], no_eff [B, K].  A network behind it sees bounded input, small where the
    channel was bad, however ill-conditioned the frame.
    """
    return symbols / (1 + no_eff)[..., None, None]


def relu(dropout: float) -> nn.Sequential:
    """ReLU, then dropout."""
    return nn.Sequential(nn.ReLU(), nn.Dropout(dropout))


def dense(
    *sizes: int, last_relu: bool = True, bias: bool = True, dropout: float = 0.0
) -> nn.Sequential:
    """Linear layers with ReLU and dropout between (and after the last one, if ``last_relu``)."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in zip(sizes[:-1], sizes[1:], strict=True):
        layers += [nn.Linear(fan_in, fan_out, bias), relu(dropout)]
    return nn.Sequential(*layers if last_relu else layers[:-1])


def init_relu(module: nn.Module) -> None:
    """He initialisation of a dense layer or convolution.

    The chain from features to decision is ten layers deep: with PyTorch's default the signal all
    but vanishes on the way, training is slow, and a set of a few thousand clips is learnt by heart
    first.
    """
    if isinstance(module, nn.Linear | nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def init_xavier(module: nn.Module) -> None:
    """Xavier initialisation of a dense layer, which Tian et al. use."""
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class BiLSTM(nn.Module):
    """Bidirectional LSTM over the segments, [B, T, d] -> [B, T, 2 units]."""

    def __init__(self, dim: int, units: int):
        super().__init__()
        self.lstm = nn.LSTM(dim, units, batch_first=True, bidirectional=True)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.lstm(features)[0]


class TemporalConv(nn.Module):
    """Conv2D blocks on the map [B, C, T, 1]: odd kernel in time, same length, ReLU, dropout.

    After the attention no spatial axes are left, so the second axis of the paper's Conv2D is 1.
    Input and output are [B, T, C].
    """

    def __init__(self, *sizes: int, kernel: int = 3, last_relu: bool = True, dropout: float = 0.0):
        super().__init__()
        layers: list[nn.Module] = []
        for fan_in, fan_out in zip(sizes[:-1], sizes[1:], strict=True):
            conv = nn.Conv2d(fan_in, fan_out, (kernel, 1), padding=(kernel // 2, 0))
            layers += [conv, relu(dropout)]
        self.blocks = nn.Sequential(*layers if last_relu else layers[:-1])

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.blocks(features.transpose(1, 2)[..., None])[..., 0].transpose(1, 2)


class AGVA(nn.Module):
    """Audio-guided visual attention (Tian et al., ECCV 2018), eqs (2) and (3).

    alpha_t = softmax(W_f tanh(W_v M_v(v_t) + W_a M_a(a_t))) over the positions, v_att = alpha_t
    v_t. M_v, M_a: dense layers with ReLU into a shared width.  The audio term is added on the
    hidden axis, equal at every position, as the equation says.  ``position_axis`` adds its entry i
    to all hidden units of position i instead, as the implementations behind published figures do:
    only for reproducing those, and only where hidden = h w.

    Input
        visual: [B, T, h, w, d_v];  audio: [B, T, d_a], or None for attention from zero audio
    Output
        attended: [B, T, d_v];  attention: [B, T, h, w], sums to one
    ``compute_dtype`` bfloat16 halves the time of training on processors that have it.
    """

    compute_dtype = torch.float32

    def __init__(
        self,
        visual_dim: int,
        audio_dim: int,
        width: int,
        hidden: int,
        position_axis: bool = False,
    ):
        super().__init__()
        self.audio_dim, self.position_axis = audio_dim, position_axis
        self.embed_visual = dense(visual_dim, width)
        self.embed_audio = dense(audio_dim, width)
        self.visual_term = nn.Linear(width, hidden, bias=False)
        self.audio_term = nn.Linear(width, hidden, bias=False)
        self.score = nn.Linear(hidden, 1, bias=False)

    def forward(
        self, visual: torch.Tensor, audio: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        positions = visual.flatten(2, 3).to(self.compute_dtype)
        if audio is None:
            audio = torch.zeros(*visual.shape[:2], self.audio_dim, device=visual.device)
        guide = self.audio_term(self.embed_audio(audio))
        guide = guide[..., None] if self.position_axis else guide[:, :, None]
        mixed = self.compute_dtype != torch.float32
        with torch.autocast(visual.device.type, self.compute_dtype, enabled=mixed):
            seen = self.visual_term(self.embed_visual(positions))
        scores = self.score(torch.tanh(seen.float() + guide))
        alpha = scores.squeeze(-1).softmax(-1)
        attended = (alpha[:, :, None].to(positions.dtype) @ positions)[:, :, 0]
        return attended.float(), alpha.unflatten(-1, visual.shape[2:4])


class GuidedAttention(nn.Module):
    """Additive attention over the positions of a map, several heads, guided by another modality.

    alpha_h = softmax_p(w_h tanh(W_v v_p + W_g g)), one attended vector per head (AGVA without its
    first dense layers, with heads).

    Input
        visual: [B, T, h, w, d_v];  guide: [B, T, d_g], or None for attention from a zero guide
    Output
        attended: [B, T, heads d_v];  attention: [B, T, h, w], the mean of the heads, sums to one
    ``compute_dtype`` as in :class:`AGVA`.
    """

    compute_dtype = torch.float32

    def __init__(self, visual_dim: int, guide_dim: int, hidden: int, heads: int):
        super().__init__()
        self.guide_dim = guide_dim
        self.visual_term = nn.Linear(visual_dim, hidden)
        self.guide_term = nn.Linear(guide_dim, hidden)
        self.score = nn.Linear(hidden, heads, bias=False)

    def forward(
        self, visual: torch.Tensor, guide: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        positions = visual.flatten(2, 3).to(self.compute_dtype)
        if guide is None:
            guide = torch.zeros(*visual.shape[:2], self.guide_dim, device=visual.device)
        mixed = self.compute_dtype != torch.float32
        with torch.autocast(visual.device.type, self.compute_dtype, enabled=mixed):
            seen = self.visual_term(positions)
        scores = self.score(torch.tanh(seen.float() + self.guide_term(guide)[:, :, None]))
        alpha = scores.softmax(2).mT  # [B, T, heads, positions]
        attended = (alpha.to(positions.dtype) @ positions).flatten(2)
        return attended.float(), alpha.mean(2).unflatten(-1, visual.shape[2:4])


def l1_rows(matrix: torch.Tensor) -> torch.Tensor:
    """Rows divided by their sum: the paper's "LayerNorm" of a non-negative matrix."""
    return matrix / (matrix.sum(-1, keepdim=True) + 1e-8)


class PSP(nn.Module):
    """Positive sample propagation (Zhou et al., CVPR 2021), eqs (10) to (15).

    omega_va = (M_v W_v)(M_a W_a)^T / sqrt(d), omega_av its transpose; ReLU, l1 rows, threshold, l1
    rows; residual propagation; a shared dense layer with ReLU and LayerNorm.  ``own_outputs``: a
    dense layer for each modality, as the localiser has it; the LayerNorm stays shared.

    Input
        audio, visual: [B, T, d]
    Output
        audio, visual: [B, T, d], the semantic features that are averaged for the decision
    """

    def __init__(self, dim: int, dropout: float, own_outputs: bool = False):
        super().__init__()

        def projection():
            linear = nn.Linear(dim, dim, bias=False)
            return nn.Sequential(linear, nn.ReLU(), nn.Dropout(dropout))

        self.visual_query, self.audio_query = projection(), projection()
        self.visual_value, self.audio_value = projection(), projection()
        self.output, self.norm = projection(), nn.LayerNorm(dim)
        self.visual_output = projection() if own_outputs else None

    @staticmethod
    def connections(similarity: torch.Tensor) -> torch.Tensor:
        """Eqs (11) to (13).  tau_1 = 0.99 / T, just under uniform: the paper's 0.099 at T = 10."""
        strength = l1_rows(F.relu(similarity))
        return l1_rows(strength * (strength > 0.99 / similarity.shape[-1]))

    def propagate(self, audio: torch.Tensor, visual: torch.Tensor):
        """Eqs (10) to (15): SD_a and SD_v, [B, T, d] each."""
        query, key = self.visual_query(visual), self.audio_query(audio)
        similarity = query @ key.mT / math.sqrt(audio.shape[-1])
        from_visual = self.connections(similarity.mT) @ self.visual_value(visual)
        from_audio = self.connections(similarity) @ self.audio_value(audio)
        return from_visual + audio, from_audio + visual

    def forward(self, audio: torch.Tensor, visual: torch.Tensor):
        audio, visual = self.propagate(audio, visual)
        visual_output = self.output if self.visual_output is None else self.visual_output
        return self.norm(self.output(audio)), self.norm(visual_output(visual))
