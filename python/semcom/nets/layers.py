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


def bound_peak(symbols: torch.Tensor, peak: float) -> torch.Tensor:
    """Scale each clip [B, T, L] to an average power of one with a peak power of ``peak`` (above 1):
    x -> s x, clipped to the amplitude sqrt(peak), with the gain s that gives unit power.

    With the k strongest symbols at the bound, s^2 = (N - k peak) / (power of the other N - k
    symbols), and k is the smallest number for which the others are below the bound.  Phases do not
    change.  Silence stays silence; a clip with too few nonzero symbols keeps these at the bound,
    and its power is below one.
    """
    flat = unit_power(symbols).flatten(1)
    power = flat.abs().square()
    strongest = power.detach().sort(-1, descending=True).values
    count = strongest.shape[-1]
    clipped = torch.arange(count, device=power.device)
    rest = strongest.flip(-1).cumsum(-1).flip(-1)  # power of the count - k unclipped symbols
    left = (count - clipped * peak).clamp_min(0)
    fits = left * strongest <= peak * rest
    k = torch.where(fits.any(-1), fits.int().argmax(-1), count)[:, None]
    bound = strongest.gather(-1, (k - 1).clamp_min(0))  # least power of a clipped symbol
    at_bound = (power >= bound) & (k > 0)
    free = torch.where(at_bound, 0.0, power).sum(-1, keepdim=True)
    gain = (count - at_bound.sum(-1, keepdim=True) * peak).clamp_min(0) / free.clamp_min(1e-12)
    amplitude = power.clamp_min(1e-12).sqrt()
    scale = torch.where(at_bound, math.sqrt(peak) / amplitude, gain.sqrt())
    return (flat * scale).view_as(symbols)


def limit_power(symbols: torch.Tensor) -> torch.Tensor:
    """Scale clips [..., T, L] with more than unit average power down to it (gain control)."""
    power = symbols.abs().square().mean((-2, -1), keepdim=True)
    return symbols / power.clamp_min(1).sqrt()


def shrink(symbols: torch.Tensor, no_eff: torch.Tensor) -> torch.Tensor:
    """MMSE estimate of unit-power symbols in noise: x / (1 + no_eff); no_eff = inf gives 0.

    symbols [B, K, T, L], no_eff [B, K].  The result is bounded, and small for a bad channel, also
    for ill-conditioned frames.
    """
    scale = (1 + no_eff)[..., None, None]
    # by parts: a complex number divided by inf is NaN in Torch before 2.7
    return torch.complex(symbols.real / scale, symbols.imag / scale)


def relu(dropout: float) -> nn.Sequential:
    """ReLU, then dropout."""
    return nn.Sequential(nn.ReLU(), nn.Dropout(dropout))


def dense(
    *sizes: int, last_relu: bool = True, bias: bool = True, dropout: float = 0.0
) -> nn.Sequential:
    """Linear layers of ``sizes`` with ReLU and dropout between (with ``last_relu`` also after the
    last one)."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in zip(sizes[:-1], sizes[1:], strict=True):
        layers += [nn.Linear(fan_in, fan_out, bias), relu(dropout)]
    return nn.Sequential(*layers if last_relu else layers[:-1])


class Beside(nn.Module):
    """The sum of some layers and of a parallel linear layer, [..., fan_in] -> [..., fan_out].

    The linear layer can be initialised as an optimal linear code (``training.linear_codec``), which
    layers with ReLU learn slowly.
    """

    def __init__(self, deep: nn.Module, fan_in: int, fan_out: int):
        super().__init__()
        self.deep, self.line = deep, nn.Linear(fan_in, fan_out)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.deep(features) + self.line(features)


def beside(deep: nn.Module, fan_in: int, fan_out: int, linear: bool) -> nn.Module:
    """The layers ``deep``, with ``linear`` in parallel to a linear layer (:class:`Beside`)."""
    return Beside(deep, fan_in, fan_out) if linear else deep


def init_relu(module: nn.Module) -> None:
    """He initialisation of a dense layer or convolution.

    The chain from features to decision has ten layers: with PyTorch's default initialisation the
    signal almost vanishes, training is slow, and a set of some thousand clips is overfitted first.
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

    After the attention there are no spatial axes, so the second axis of the paper's Conv2D is 1.
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


def l1_rows(matrix: torch.Tensor) -> torch.Tensor:
    """Rows divided by their sum: the paper's "LayerNorm" of a non-negative matrix."""
    return matrix / (matrix.sum(-1, keepdim=True) + 1e-8)


class PSP(nn.Module):
    """Positive sample propagation (Zhou et al., CVPR 2021), eqs (10) to (15).

    omega_va = (M_v W_v)(M_a W_a)^T / sqrt(d), omega_av its transpose; ReLU, l1 rows, threshold, l1
    rows; residual propagation; a shared dense layer with ReLU and LayerNorm.  ``own_outputs``: a
    dense layer for each modality, as in the localiser, with a shared LayerNorm.

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
        """Eqs (11) to (13).  tau_1 = 0.99 / T, slightly below uniform: the paper's 0.099 at T =
        10."""
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


class CERE(nn.Module):
    """Cross-modal event representation extractor (Jiang et al., VSCG, eqs 1 to 3).

    Two blocks of convolution over time (kernel 5), ReLU and maximum over pairs of segments give two
    vectors of a clip, one for each direction of a GRU; for clips with fewer than 8 or more than 11
    segments the second maximum is over halves.  Both modalities share the blocks.

    Input
        features: [B, T, d]
    Output
        [2, B, units]
    """

    def __init__(self, dim: int, units: int):
        super().__init__()
        self.first = nn.Conv1d(dim, units, 5, padding=2)
        self.second = nn.Conv1d(units, units, 5, padding=2)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        events = F.relu(self.first(features.mT))
        events = F.relu(self.second(F.max_pool1d(events, 2) if events.shape[-1] > 1 else events))
        pairs = events.shape[-1] in (4, 5)
        events = F.max_pool1d(events, 2) if pairs else F.adaptive_max_pool1d(events, 2)
        return events.permute(2, 0, 1)


def average_event(features: torch.Tensor) -> torch.Tensor:
    """The mean of a clip's segments as two vectors: [B, T, d] -> [2, B, d / 2]."""
    return features.mean(1).unflatten(-1, (2, -1)).transpose(0, 1)


def maximum_event(features: torch.Tensor) -> torch.Tensor:
    """The maximum of a clip's segments as two vectors: [B, T, d] -> [2, B, d / 2]."""
    return features.amax(1).unflatten(-1, (2, -1)).transpose(0, 1)


def no_event(features: torch.Tensor) -> torch.Tensor:
    """Zeros: [B, T, d] -> [2, B, d / 2]."""
    return features.new_zeros(2, len(features), features.shape[-1] // 2)


EVENTS = {"average": average_event, "maximum": maximum_event, "none": no_event}


class ESCM(nn.Module):
    """Event semantic consistency modeling (Jiang et al., VSCG, eqs 4 to 13): a representation of
    the whole clip is the initial state of each modality's GRU.

    E = (E_a + E_v) / 2 from :class:`CERE` is the initial state, one vector a direction, of a GRU
    for each modality (ISCE, eqs 9 to 11); a dense layer, ReLU, dropout and one LayerNorm shared by
    both follow (eqs 12 and 13).

    event: "cere"; "separate": one CERE for each modality; "average", "maximum" or "none" (zeros)
        in place of CERE: the rows of Table III

    Input
        audio, visual: [B, T, d], d even
    Output
        audio, visual: [B, T, d], to be averaged for the decision (eq. 13), and A^ISCE, V^ISCE
        before the dense layer, for the similarity of eq. (16)
    """

    def __init__(self, dim: int, dropout: float, event: str = "cere"):
        super().__init__()
        units = dim // 2
        if event in EVENTS:
            self.audio_event = self.visual_event = EVENTS[event]
        else:
            self.audio_event = CERE(dim, units)
            self.visual_event = CERE(dim, units) if event == "separate" else self.audio_event
        self.audio_gru = nn.GRU(dim, units, batch_first=True, bidirectional=True)
        self.visual_gru = nn.GRU(dim, units, batch_first=True, bidirectional=True)
        self.audio_output = nn.Sequential(nn.Linear(dim, dim, bias=False), relu(dropout))
        self.visual_output = nn.Sequential(nn.Linear(dim, dim, bias=False), relu(dropout))
        self.norm = nn.LayerNorm(dim)

    def forward(self, audio: torch.Tensor, visual: torch.Tensor):
        event = (self.audio_event(audio) + self.visual_event(visual)) / 2
        audio = self.audio_gru(audio, event.contiguous())[0]
        visual = self.visual_gru(visual, event.contiguous())[0]
        outputs = self.norm(self.audio_output(audio)), self.norm(self.visual_output(visual))
        return *outputs, audio, visual
