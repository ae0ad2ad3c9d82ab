# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The whole chain in Torch: differentiable for training, and the reference of GNU Radio runs.

Equal seeds and frame numbers give the same channels as in the GNU Radio flowgraph.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

from ..phy import detection, estimation, pilots
from ..phy.channel import (
    MODELS,
    SIDELINK,
    UPLINK,
    mimo_channel,
)
from ..phy.csi import CSI
from ..phy.framing import at_payload, insert_pilots, strip_pilots
from ..phy.names import CSI as CSI_KINDS


class TorchLink:
    """Uplink of K terminals to M antennas, and sidelinks between terminals, 1x1 each.

    channel       none | awgn | rayleigh | rician | rician_rank1; with "none" the symbols arrive as
                  they were sent, without pilots and noise
    csi           perfect | ls | ls_min_residual | lmmse | none, on all links
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

    def __call__(self, system, taken, snr_db, sidelink_snr_db, frame) -> torch.Tensor:
        """The receiver's logits for a batch of clips; arguments of :meth:`run`."""
        return self.run(system, taken, snr_db, sidelink_snr_db, frame)[0]

    def run(self, system, taken: dict, snr_db, sidelink_snr_db, frame, lost: bool = False):
        """Send a batch of B clips over the whole chain: logits, and features that losses use.

        Input
            taken: {terminal: its input [B, items, ...]}
            snr_db, sidelink_snr_db: [B] [dB];  frame: [B] int64, the clips' sequence numbers
            lost: the sidelinks lose everything
        """
        symbols = self.send(system, taken, sidelink_snr_db, frame, lost)
        return system.understand(*self.uplink(symbols, snr_db, frame))

    def send(self, system, taken: dict, sidelink_snr_db, frame, lost: bool = False):
        """The symbols that the K terminals send, [B, K, n] complex, n of the longest; a terminal
        that listens to another gets its symbols over a sidelink, or none if ``lost``."""
        sent, numbers = {}, {pair: i for i, pair in enumerate(system.topology.sidelinks())}
        for terminal in system.topology:
            heard = {
                sender: None
                if lost
                else self.sidelink(
                    sent[sender], sidelink_snr_db, frame, numbers[sender, terminal.name]
                )
                for sender in terminal.hears
            }
            symbols = system.send(terminal.name, taken[terminal.name], heard)
            sent[terminal.name] = torch.stack(symbols) if system.ragged else symbols
        longest = max(symbols.shape[1] for symbols in sent.values())
        return torch.stack(
            [F.pad(symbols, (0, longest - symbols.shape[1])) for symbols in sent.values()], 1
        )

    def sidelink(self, symbols, snr_db, frame, number: int = 0) -> torch.Tensor:
        """Symbols [B, n] of one terminal as another one detects them, [B, n]."""
        link = SIDELINK + number
        return self.transfer(symbols[:, None], snr_db, frame, link=link, num_rx=1)[0][:, 0]

    def uplink(self, symbols, snr_db, frame) -> tuple[torch.Tensor, torch.Tensor]:
        """Symbols [B, K, n] -> detected symbols [B, K, n] and their noise variance no_eff [B, K],
        or [B, K, n] where the channel estimate changes within a frame."""
        return self.transfer(symbols, snr_db, frame, link=UPLINK, num_rx=self.num_rx)

    def transfer(self, symbols, snr_db, frame, *, link: int, num_rx: int):
        """One link: pilots, channel, estimation, detection; shapes as of :meth:`uplink`."""
        batch, num_tx, _ = symbols.shape
        if self.channel == "none":
            return symbols, torch.zeros(batch, num_tx, device=symbols.device)
        rows = torch.from_numpy(pilots.make(num_tx=num_tx, **self.pilots)).to(symbols.device)
        x = insert_pilots(symbols, rows, self.spacing)
        y, truth = mimo_channel(
            x, snr_db=snr_db, frame=frame, link=link, num_rx=num_rx, **self.fading
        )
        received, payload = strip_pilots(y, rows.shape[1], self.spacing)
        if self.csi == "none":
            detected, no_eff = detection.none(payload, None, num_tx)
        else:
            csi = self._estimate(received, rows, truth, payload.shape[-1])
            detected, no_eff = detection.METHODS[self.detector](payload, csi)
        return detected, no_eff

    def _estimate(self, received, rows, truth: CSI, payload: int) -> CSI:
        length = rows.shape[1]
        if self.csi == "perfect":
            return at_payload(truth, payload, length, self.spacing)
        csi = estimation.METHODS[self.csi](received, rows)
        if self.spacing == 0:
            return csi
        return estimation.interpolate(csi, payload, length, self.spacing, self.interpolation)


class NoRadio:
    """Stands for a :class:`TorchLink` where a localiser gets the features without a radio link."""

    def run(self, localiser, taken: dict, *_args, **_kwargs):
        """audio [B, T, d_a] and video [B, T, h, w, d_v] -> logits [B, T, C] and features."""
        return localiser(taken["audio"], taken["video"])

    def __call__(self, *args):
        return self.run(*args)[0]
