# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The whole chain in Torch: the path that training differentiates, and the reference of a run.

With equal seeds and frame numbers it sends through the same channels as the GNU Radio flowgraph.
"""

from __future__ import annotations

import torch

from ..phy import detection, estimation, pilots
from ..phy.channel import FEEDBACK, MODELS, UPLINK, mimo_channel
from ..phy.csi import CSI
from ..phy.framing import at_payload, insert_pilots, strip_pilots

CSI_KINDS = ("perfect", *estimation.METHODS, "none")


class TorchLink:
    """Uplink of K terminals to M antennas (link 0) and feedback of the audio symbols (link 1, 1x1).

    channel       none | awgn | rayleigh | rician | rician_rank1; "none" is free of errors: the
                  symbols arrive as they were sent, without pilots
    csi           perfect | ls | ls_min_residual | lmmse | none, on both links
    detector      zf | lmmse | none;  either of csi and detector "none" turns both off
    pilot_kind, pilot_length, spacing, interpolation   see ``semcom.phy``
    num_rx        antennas M of the receiver
    rician_k (linear), doppler (cycles per symbol), gain_db, seed   see ``mimo_channel``
    """

    def __init__(
        self,
        channel: str = "rayleigh",
        csi: str = "ls",
        detector: str = "zf",
        *,
        pilot_kind: str = "hadamard",
        pilot_length: int = 32,
        pilot_boost_db: float = 0.0,
        spacing: int = 0,
        interpolation: str = "nearest",
        num_rx: int = 2,
        rician_k: float = 4.0,
        doppler: float = 0.0,
        gain_db: float = 0.0,
        seed: int = 0,
    ):
        for value, known in ((channel, MODELS), (csi, CSI_KINDS), (detector, detection.METHODS)):
            if value not in known:
                raise ValueError(f"{value!r}: expected one of {', '.join(known)}")
        self.channel, self.num_rx = channel, num_rx
        unknown = "none" in (csi, detector)
        self.csi, self.detector = ("none", "none") if unknown else (csi, detector)
        self.pilots = {"kind": pilot_kind, "length": pilot_length, "boost_db": pilot_boost_db}
        self.spacing, self.interpolation = spacing, interpolation
        self.fading = {"model": channel, "rician_k": rician_k, "doppler": doppler}
        self.fading |= {"gain_db": gain_db, "seed": seed}

    def forward(
        self,
        system: torch.nn.Module,
        audio: torch.Tensor | None,
        visual: torch.Tensor | None,
        snr_db: torch.Tensor,
        feedback_snr_db: torch.Tensor,
        frame: torch.Tensor,
    ) -> torch.Tensor:
        """Features of a batch of clips to logits [B, T, C]; arguments of :meth:`run`."""
        return self.run(system, audio, visual, snr_db, feedback_snr_db, frame)[0]

    __call__ = forward

    def run(
        self, system, audio, visual, snr_db, feedback_snr_db, frame, lost_feedback: bool = False
    ):
        """Features of a batch of clips to logits [B, T, C] and the features a loss wants.

        Input
            audio [B, T, d_a], visual [B, T, h, w, d_v]; None for a terminal the system lacks
            snr_db, feedback_snr_db: [B];  frame: [B] int64, the clips' sequence numbers
            lost_feedback: the video terminal hears nothing
        """
        symbols = self.encode(system, audio, visual, feedback_snr_db, frame, lost_feedback)
        return system.receive(*self.uplink(symbols, snr_db, frame))

    def encode(
        self, system, audio, visual, feedback_snr_db, frame, lost_feedback: bool = False
    ) -> torch.Tensor:
        """What the terminals send, [B, K, T, L]; the feedback link is in between, or lost."""
        sent, heard = [], None
        if "audio" in system.terminals:
            sent.append(system.encode_audio(audio))
        if "video" in system.terminals:
            if sent and not lost_feedback:
                heard = self.feedback(sent[0], feedback_snr_db, frame)
            sent.append(system.encode_video(visual, heard))
        return torch.stack(sent, dim=1)

    def feedback(self, symbols, snr_db, frame) -> torch.Tensor:
        """Audio symbols [B, T, L] as the video terminal hears them."""
        return self.send(symbols[:, None], snr_db, frame, link=FEEDBACK, num_rx=1)[0][:, 0]

    def uplink(self, symbols, snr_db, frame) -> tuple[torch.Tensor, torch.Tensor]:
        """Symbols [B, K, T, L] -> detected symbols [B, K, T, L] and no_eff [B, K], or that of each
        symbol, [B, K, T L], where the channel's estimate changes within a frame."""
        return self.send(symbols, snr_db, frame, link=UPLINK, num_rx=self.num_rx)

    def send(self, symbols, snr_db, frame, *, link: int, num_rx: int):
        """One link: pilots, channel, estimation, detection; as :meth:`uplink`."""
        batch, num_tx, *segments = symbols.shape
        if self.channel == "none":
            return symbols, torch.zeros(batch, num_tx, device=symbols.device)
        rows = torch.from_numpy(pilots.make(num_tx=num_tx, **self.pilots)).to(symbols.device)
        x = insert_pilots(symbols.flatten(2), rows, self.spacing)
        y, truth = mimo_channel(
            x, snr_db=snr_db, frame=frame, link=link, num_rx=num_rx, **self.fading
        )
        received, payload = strip_pilots(y, rows.shape[1], self.spacing)
        if self.csi == "none":
            detected, no_eff = detection.none(payload, None, num_tx)
        else:
            csi = self._estimate(received, rows, truth, payload.shape[-1])
            detected, no_eff = detection.METHODS[self.detector](payload, csi)
        return detected.unflatten(2, segments), no_eff

    def _estimate(self, received, rows, truth: CSI, payload: int) -> CSI:
        length = rows.shape[1]
        if self.csi == "perfect":
            return at_payload(truth, payload, length, self.spacing)
        csi = estimation.METHODS[self.csi](received, rows)
        if self.spacing == 0:
            return csi
        return estimation.interpolate(csi, payload, length, self.spacing, self.interpolation)


class NoRadio:
    """In the place of a link, a localiser that has the features themselves."""

    def run(self, localiser, audio, visual, *_args, **_kwargs):
        """Audio [B, T, d_a], visual [B, T, h, w, d_v] -> logits [B, T, C] and features."""
        return localiser(audio, visual)

    def __call__(self, *args):
        return self.run(*args)[0]
