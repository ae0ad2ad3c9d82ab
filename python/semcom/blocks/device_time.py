# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Tags that carry the time of a device, with UHD's names and types.

Sample i that a device sends or receives is at i / sample rate in that device's time.  A time is the
tuple (whole seconds: uint64, fraction of a second: double).

rx_time    on a received sample: its time
tx_time    on the first sample of a burst: the time at which it is transmitted; optional
tx_sob     on the first sample of a burst
tx_length  on the first sample of a burst: its number of samples (long)
tx_eob     on the last sample of a burst
"""

import pmt

RX_TIME, TX_TIME, TX_SOB, TX_EOB, TX_LENGTH = map(
    pmt.intern, ("rx_time", "tx_time", "tx_sob", "tx_eob", "tx_length")
)


def mark_burst(block, port: int, at: int, length: int) -> None:
    """Tag the burst of ``length`` samples that begins at item ``at`` of a block's output
    ``port``."""
    block.add_item_tag(port, at, TX_SOB, pmt.PMT_T)
    block.add_item_tag(port, at, TX_LENGTH, pmt.from_long(length))
    block.add_item_tag(port, at + length - 1, TX_EOB, pmt.PMT_T)


def to_pmt(index: int, sample_rate: float):
    """The time of sample ``index`` as the value (PMT) of a tag; ``sample_rate`` in [Hz]."""
    whole, rest = divmod(index, sample_rate)
    return pmt.make_tuple(pmt.from_uint64(int(whole)), pmt.from_double(rest / sample_rate))


def to_index(value, sample_rate: float) -> int:
    """The number of the sample next to the time in a tag's value (PMT); ValueError for other
    values."""
    match pmt.to_python(value):
        case (int(whole), float(fraction)) if whole >= 0 and 0 <= fraction < 1:
            return round(whole * sample_rate + fraction * sample_rate)
    raise ValueError(f"tx_time or rx_time {value}: expected (whole seconds, fraction)")
