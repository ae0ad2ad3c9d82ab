# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Attention of sound to picture and of picture to sound."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F

from .layers import dense

KEY = 16  # size of a key: larger keys overfit to the training clips
ROWS = 2048  # rows of a projection at a time on a CPU, so that the results stay in its cache


class HiddenProjection(torch.autograd.Function):
    """relu(x W^T + b) V^T of features x that need no gradient, some rows at a time.

    A training step of a localiser spends nine tenths of its time here, half of that on memory
    access: the hidden units of all positions are 50 MB per batch, and autograd reads or writes them
    six times.  This function does all passes while a piece is in the cache, never stores the whole
    gradient of the hidden units, and sums the pieces of the weights' gradients in float32.

    Input
        x [N, d] in the dtype of the computation;  weight [h, d], bias [h], out_weight [k, h]
        float32
    Output
        [N, k] float32
    """

    @staticmethod
    def forward(ctx, x, weight, bias, out_weight):
        first, second = weight.to(x.dtype), out_weight.to(x.dtype)
        hidden = x.new_empty(len(x), len(first))
        result = x.new_empty(len(x), len(second))
        for rows, piece, units in pieces(x, hidden):
            torch.addmm(bias.to(x.dtype), piece, first.T, out=units).relu_()
            torch.mm(units, second.T, out=result[rows])
        ctx.save_for_backward(x, hidden, second)
        return result.to(weight.dtype)

    @staticmethod
    def backward(ctx, gradient):
        x, hidden, second = ctx.saved_tensors
        of_first = gradient.new_zeros(hidden.shape[1], x.shape[1])
        of_bias, of_second = gradient.new_zeros(hidden.shape[1]), gradient.new_zeros(second.shape)
        for rows, piece, units in pieces(x, hidden):
            above = gradient[rows].to(x.dtype)
            of_second += above.T @ units
            below = above @ second
            torch.ops.aten.threshold_backward.grad_input(below, units, 0, grad_input=below)
            of_first += below.T @ piece
            of_bias += below.sum(0)
        return None, of_first, of_bias, of_second


def pieces(x: torch.Tensor, hidden: torch.Tensor):
    """Pieces (slice, rows of x, rows of hidden) that fit a CPU's cache; on a GPU all rows at
    once."""
    step = ROWS if x.device.type == "cpu" else max(1, len(x))
    for start in range(0, len(x), step):
        rows = slice(start, start + step)
        yield rows, x[rows], hidden[rows]


def distinct(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor] | None:
    """The distinct rows among ``rows`` [N, d]: indices [U] of one of each, and the number [N] of
    the distinct row that each row equals.

    None if less than a fifth of the rows are repetitions, or if the size of a row is not a multiple
    of eight bytes.  Films with still or only shifted pictures repeat the same features; a function
    of single rows then has to be computed only once for each distinct row.
    """
    if rows.shape[1] * rows.element_size() % 8 or not len(rows):
        return None
    rows = rows.contiguous()
    words = rows.view(torch.int64)
    generator = torch.Generator().manual_seed(0)
    factors = torch.randint(-(2**62), 2**62, (words.shape[1],), generator=generator)
    factors = factors.to(rows.device)
    keys = torch.cat([(piece * factors).sum(1) for piece in words.split(ROWS)])
    found, which = keys.unique(return_inverse=True)
    if len(found) > 0.8 * len(rows):
        return None
    one = torch.empty_like(found).scatter_(0, which, torch.arange(len(rows), device=which.device))
    pairs = zip(which.split(ROWS), words.split(ROWS), strict=True)
    # Compared, since different rows may have equal keys.
    same = all(torch.equal(words[one[at]], piece) for at, piece in pairs)
    return (one, which) if same else None


def project(
    visual: torch.Tensor, embed: nn.Sequential, weight: torch.Tensor, bias: torch.Tensor | None
) -> torch.Tensor:
    """embed(visual) weight^T + bias, [..., k], in the dtype of ``visual`` [..., d].

    It is fast if ``visual`` needs no gradient.

    embed   one dense layer with ReLU
    weight  [k, units] of a linear layer after it
    bias    [k] of that layer, or None
    """
    if visual.requires_grad:  # features that were sent over a link need gradients
        return F.linear(embed(visual.float()), weight, bias)
    weights = embed[0].weight, embed[0].bias, weight
    result = project_once(visual, lambda rows: HiddenProjection.apply(rows, *weights))
    return result if bias is None else result + bias


def project_once(visual: torch.Tensor, projection) -> torch.Tensor:
    """``projection`` of every row of visual [..., d], computed once for equal rows."""
    rows = visual.flatten(0, -2)
    repeats = distinct(rows)
    if repeats is None:
        return projection(rows).unflatten(0, visual.shape[:-1])
    one, which = repeats
    return projection(rows[one])[which].unflatten(0, visual.shape[:-1])


def pool(alpha: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """Weights [B, T, heads, P] and features [B, T, P, d] -> weighted sums [B, T, heads, d] f32."""
    return (alpha.to(positions.dtype) @ positions).float()


def fit(query: torch.Tensor, keys: torch.Tensor, heads: int) -> torch.Tensor:
    """Scaled dot product of a query and the keys of positions, q_h . k_(h, p) / sqrt(d) (Vaswani et
    al., NIPS 2017, eq. 1, before its softmax).

    query [B, T, heads d], keys [B, T, P, heads d] -> [B, T, P, heads]
    """
    query, keys = query.unflatten(-1, (heads, -1)), keys.unflatten(-1, (heads, -1))
    return torch.einsum("bthd,btphd->btph", query, keys) / math.sqrt(query.shape[-1])


class AGVA(nn.Module):
    """Audio-guided visual attention (Tian et al., ECCV 2018); eqs (2) and (3) of Yu et al.

    alpha_t = softmax(W_f tanh(W_v M_v(v_t) + W_a M_a(a_t))) over the positions, v_att = alpha_t
    v_t. M_v, M_a: dense layers with ReLU into a shared width.  The audio term is added on the
    hidden axis, equal at every position, as in the equation.  ``position_axis`` adds its entry i to
    all hidden units of position i instead, as the implementations behind published figures do; it
    serves only to reproduce those and requires hidden = h w.

    ``product`` adds (W_q M_a(a_t)) . (W_k M_v(v_t)) / sqrt(KEY) (:func:`fit`) to the scores, which
    is not in the equation: with it the sound can select *which* positions are attended, for which
    the sum inside tanh hardly suffices.

    Input
        visual: [B, T, h, w, d_v], without gradient;  audio: [B, T, d_a], or None for attention
        from zero audio
    Output
        attended: [B, T, d_v];  attention: [B, T, h, w], sums to one

    ``compute_dtype`` bfloat16 halves the training time on processors that support it.
    """

    compute_dtype = torch.float32

    def __init__(
        self,
        visual_dim: int,
        audio_dim: int,
        width: int,
        hidden: int,
        position_axis: bool = False,
        product: bool = False,
    ):
        super().__init__()
        self.audio_dim, self.position_axis = audio_dim, position_axis
        self.embed_visual = dense(visual_dim, width)
        self.embed_audio = dense(audio_dim, width)
        self.visual_term = nn.Linear(width, hidden, bias=False)
        self.audio_term = nn.Linear(width, hidden, bias=False)
        self.score = nn.Linear(hidden, 1, bias=False)
        self.query = nn.Linear(width, KEY) if product else None
        self.key_term = nn.Linear(width, KEY, bias=False) if product else None

    def forward(
        self, visual: torch.Tensor, audio: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        positions = visual.flatten(2, 3).to(self.compute_dtype)
        if audio is None:
            audio = torch.zeros(*visual.shape[:2], self.audio_dim, device=visual.device)
        heard = self.embed_audio(audio)
        guide = self.audio_term(heard)
        guide = guide[..., None] if self.position_axis else guide[:, :, None]
        terms = [term.weight for term in (self.visual_term, self.key_term) if term is not None]
        seen = project(positions, self.embed_visual, torch.cat(terms), None)
        seen, keys = seen.tensor_split((len(terms[0]),), -1)
        scores = self.score(torch.tanh(seen + guide))
        if self.query is not None:
            scores = scores + fit(self.query(heard), keys, heads=1)
        alpha = scores.squeeze(-1).softmax(-1)
        attended = pool(alpha[:, :, None], positions)[:, :, 0]
        return attended, alpha.unflatten(-1, visual.shape[2:4])


class GuidedAttention(nn.Module):
    """Additive attention over the positions of a map, several heads, guided by another modality.

    alpha_h = softmax_p(w_h tanh(W_v v_p + W_g g)), one attended vector per head (AGVA without its
    first dense layers, with heads).  ``product`` adds (W_q g)_h . (W_k v_p)_h / sqrt(KEY) to the
    scores (:func:`fit`).

    Input
        visual: [B, T, h, w, d_v];  guide: [B, T, d_g], or None for attention from a zero guide
    Output
        attended: [B, T, heads d_v];  attention: [B, T, h, w], the mean of the heads, sums to one

    ``compute_dtype`` as in :class:`AGVA`.
    """

    compute_dtype = torch.float32

    def __init__(
        self, visual_dim: int, guide_dim: int, hidden: int, heads: int, product: bool = False
    ):
        super().__init__()
        self.guide_dim, self.hidden, self.heads = guide_dim, hidden, heads
        self.visual_term = nn.Linear(visual_dim, hidden)
        self.guide_term = nn.Linear(guide_dim, hidden)
        self.score = nn.Linear(hidden, heads, bias=False)
        self.query = nn.Linear(guide_dim, heads * KEY) if product else None
        self.key_term = nn.Linear(visual_dim, heads * KEY, bias=False) if product else None

    def forward(
        self, visual: torch.Tensor, guide: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        positions = visual.flatten(2, 3).to(self.compute_dtype)
        if guide is None:
            guide = torch.zeros(*visual.shape[:2], self.guide_dim, device=visual.device)
        seen, keys = project_once(positions, self._see).tensor_split((self.hidden,), -1)
        scores = self.score(torch.tanh(seen + self.guide_term(guide)[:, :, None]))
        if self.query is not None:
            scores = scores + fit(self.query(guide), keys, self.heads)
        alpha = scores.softmax(2).mT  # [B, T, heads, positions]
        attended = pool(alpha, positions).flatten(2)
        return attended, alpha.mean(2).unflatten(-1, visual.shape[2:4])

    def _see(self, rows: torch.Tensor) -> torch.Tensor:
        mixed = self.compute_dtype != torch.float32
        with torch.autocast(rows.device.type, self.compute_dtype, enabled=mixed):
            seen = [term(rows) for term in (self.visual_term, self.key_term) if term is not None]
        return torch.cat(seen, -1).float()


class SpatialHearing(nn.Module):
    """The audio part of co-spatial attention, see :class:`CSPA`."""

    def __init__(self, audio_dim: int, width: int, hidden: int, audio_attention: bool = True):
        super().__init__()
        self.audio_term = dense(audio_dim, width, hidden, last_relu=False)
        self.audio_attention = None
        if audio_attention:
            self.audio_attention = dense(hidden, width // 2, hidden, last_relu=False)
            self.audio_output = nn.Linear(hidden, audio_dim)

    def hear(self, audio: torch.Tensor, fusion: torch.Tensor) -> torch.Tensor:
        """The audio part of eq. (2): audio [B, T, d_a], F^av Z [B, T, hidden] -> F^a_spa [B, T,
        d_a]."""
        if self.audio_attention is None:
            return audio
        return self.raise_by(audio, self.audio_attention(fusion).softmax(-1))

    def raise_by(self, audio: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """F^a_spa [B, T, d_a] from audio [B, T, d_a] and the weights softmax(f4(F^av Z))
        [B, T, hidden]."""
        return self.audio_output(weights * self.audio_term(audio)) + audio


class SpatialTold(SpatialHearing):
    """The audio part of co-spatial attention with received weights softmax(f4(F^av Z))."""

    def __init__(self, audio_dim: int, width: int, hidden: int):
        super().__init__(audio_dim, width, hidden, audio_attention=False)
        self.audio_output = nn.Linear(hidden, audio_dim)

    def hear(self, audio: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Audio [B, T, d_a], received weights [B, T, hidden] -> F^a_spa [B, T, d_a]."""
        return self.raise_by(audio, weights)


class CSPA(SpatialHearing):
    """Co-spatial attention (Xue et al., TMM 2021, eqs 1 and 2): attends to the positions of the
    picture that fit the sound, and raises the audio features that fit these positions.

        F^av = f1(F^a) * f2(F^v),  Z = f3(F^av),  F^v_spa = F^v softmax(Z)
        F^a_spa = f5(softmax(f4(F^av Z)) * f1(F^a)) + F^a

    The product F^av Z sums over the positions; f1, f2 and f4 have ReLU between their two layers
    (Table I).  ``audio_attention`` False is the row "CSPA /aa" of Table V: F^a_spa = F^a.

    Input
        audio: [B, T, d_a];  visual: [B, T, h, w, d_v], without gradient
    Output
        audio: [B, T, d_a];  visual: [B, T, d_v];  attention: [B, T, h, w], sums to one
    """

    compute_dtype = torch.float32

    def __init__(
        self, visual_dim: int, audio_dim: int, width: int, hidden: int, audio_attention: bool = True
    ):
        super().__init__(audio_dim, width, hidden, audio_attention)
        self.embed_visual, self.visual_term = dense(visual_dim, width), nn.Linear(width, hidden)
        self.score = nn.Linear(hidden, 1)

    def forward(self, audio: torch.Tensor, visual: torch.Tensor):
        attended, fusion, attention = self.see(audio, visual)
        return self.hear(audio, fusion), attended, attention

    def see(self, audio: torch.Tensor, visual: torch.Tensor):
        """Eq. (1) and the visual part of (2): F^v_spa [B, T, d_v], F^av Z [B, T, hidden] and the
        attention [B, T, h, w]."""
        positions = visual.flatten(2, 3).to(self.compute_dtype)
        term = self.visual_term
        seen = project(positions, self.embed_visual, term.weight, term.bias)
        common = self.audio_term(audio)[:, :, None] * seen
        score = self.score(common)[..., 0]
        alpha = score.softmax(-1)
        fusion = torch.einsum("btpc,btp->btc", common, score)
        attended = pool(alpha[:, :, None], positions)[:, :, 0]
        return attended, fusion, alpha.unflatten(-1, visual.shape[2:4])


class CSEA(nn.Module):
    """Co-semantic attention (Xue et al., TMM 2021, eq. 3): raises the features common to sound and
    picture.

    Each modality is mapped to the other's features, and the channels that agree are raised:

        F^a_sem = (gate(f6(F^a * f_v2a(G F^v))) + 1) * F^a,    the same for the picture with f_a2v

    The gate is the paper's softmax over the channels, which is nearly 0 for 512 channels, or a
    ``sigmoid``.  Without ``to_audio`` or ``to_visual`` (rows "CSEA /v2a" and "CSEA /a2v" of Table
    V) that modality stays as it is.

    Input
        audio: [B, T, d_a];  visual: G F^v, the mean over the positions, [B, T, d_v]
    Output
        the same shapes
    """

    def __init__(
        self,
        visual_dim: int,
        audio_dim: int,
        gate: str = "softmax",
        to_audio: bool = True,
        to_visual: bool = True,
    ):
        super().__init__()
        self.gate = {"softmax": nn.Softmax(-1), "sigmoid": nn.Sigmoid()}[gate]
        self.to_audio = self.to_visual = None
        if to_audio:
            self.to_audio = nn.Linear(visual_dim, audio_dim)
            self.audio_gate = nn.Linear(audio_dim, audio_dim)
        if to_visual:
            self.to_visual = nn.Linear(audio_dim, visual_dim)
            self.visual_gate = nn.Linear(visual_dim, visual_dim)

    def forward(
        self, audio: torch.Tensor, visual: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        heard, seen = audio, visual
        if self.to_audio is not None:
            heard = (self.gate(self.audio_gate(audio * self.to_audio(visual))) + 1) * audio
        if self.to_visual is not None:
            seen = (self.gate(self.visual_gate(visual * self.to_visual(audio))) + 1) * visual
        return heard, seen
